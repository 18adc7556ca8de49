"""SQLAlchemy's Redshift dialect, as people use it, on SQLAlchemy 1.4 and on 2: alchemy.py DRIVER PORT USER PASSWORD DATABASE SCHEMA.

Prints a line of JSON with what it saw. The tables lie in SCHEMA, which is there and empty; objects below s3://landing/SCHEMA/.
"""
import json
import sys

import sqlalchemy as sa
from sqlalchemy_redshift import __version__ as dialect_version
from sqlalchemy_redshift import dialect as redshift

driver, port, user, password, database, schema = sys.argv[1:]
url = sa.engine.URL.create(f"redshift+{driver}", user, password, "127.0.0.1", int(port), database)
if driver == "psycopg2":
    engine = sa.create_engine(url, connect_args={"sslmode": "prefer", "sslrootcert": ""})
else:
    engine = sa.create_engine(url, connect_args={"ssl": False, "sslmode": "prefer"})

metadata = sa.MetaData(schema=schema)
makers = sa.Table("makers", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("name", sa.String(20), nullable=False, unique=True),
                  redshift_diststyle="ALL", redshift_sortkey="id")
toys = sa.Table(
    "toys", metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False), sa.Column("maker", sa.Integer, sa.ForeignKey(makers.c.id)),
    sa.Column("name", sa.String(40), redshift_encode="lzo"), sa.Column("price", sa.Numeric(10, 2)), sa.Column("made", sa.DateTime),
    sa.Column("changed", redshift.TIMESTAMPTZ), sa.Column("more", redshift.SUPER),
    redshift_diststyle="KEY", redshift_distkey="maker", redshift_sortkey=["made", "id"])
metadata.create_all(engine)
metadata.create_all(engine)  # looks first whether they are there



def run(connection, command):
    """COPY and UNLOAD: redshift_connector sends parameters beside the statement, where Redshift takes none in these two, nor does weir."""
    if driver == "psycopg2":
        connection.execute(command)
    else:
        connection.exec_driver_sql(str(command.compile(engine, compile_kwargs={"literal_binds": True})).replace("%%", "%"))


role = {"aws_account_id": "123456789012", "iam_role_name": "loader"}
with engine.begin() as connection:
    connection.execute(makers.insert(), [{"id": 1, "name": "ada"}, {"id": 2, "name": "bob"}])
    connection.execute(toys.insert().values(id=1, maker=1, name="kite", price="10.50", made=sa.func.now(), more=json.dumps({"wings": 2})))
    connection.execute(toys.insert().values(id=2, maker=1, name="100% a:b", price="3.25"))
    connection.execute(sa.text(f"CREATE VIEW {schema}.cheap AS SELECT id, name FROM {schema}.toys WHERE price < 5"))
    chosen = sa.select(toys.c.id, toys.c.maker, toys.c.name, toys.c.price) if sa.__version__ > "2" else sa.select([toys.c.id, toys.c.maker, toys.c.name, toys.c.price])
    connection.execute(redshift.CreateMaterializedView(f"{schema}.dear", chosen.where(toys.c.price > 5), distkey="maker", sortkey="id"))
    plain = f"SELECT id, maker, name, price FROM {schema}.toys WHERE name <> 'it''s'"
    run(connection, redshift.UnloadFromSelect(sa.text(plain), f"s3://landing/{schema}/out/", delimiter="|", allow_overwrite=True, manifest=True,
                                                 parallel=False, **role))
    run(connection, redshift.UnloadFromSelect(chosen.where(toys.c.id > 0), f"s3://landing/{schema}/parquet/", format=redshift.Format.parquet, **role))
    connection.execute(sa.text(f"CREATE TABLE {schema}.back (LIKE {schema}.toys)"))

inspector = sa.inspect(engine)
seen = {
    "versions": [sa.__version__, dialect_version],
    "schemas": schema in inspector.get_schema_names(),
    "tables": sorted(inspector.get_table_names(schema)),
    "views": sorted(inspector.get_view_names(schema)),
    "definition": " ".join(str(inspector.get_view_definition("cheap", schema)).split()),
    "columns": {one["name"]: [str(one["type"]), one["nullable"]] for one in inspector.get_columns("toys", schema)},
    "encoded": [one["name"] for one in inspector.get_columns("toys", schema) if (one.get("info") or {}).get("encode") == "lzo"],
    "primary": inspector.get_pk_constraint("toys", schema)["constrained_columns"],
    "foreign": [[one["constrained_columns"], one["referred_table"], one["referred_columns"]] for one in inspector.get_foreign_keys("toys", schema)],
    "unique": [one["column_names"] for one in inspector.get_unique_constraints("makers", schema)],
    "options": inspector.get_table_options("toys", schema),
    "options of makers": inspector.get_table_options("makers", schema),
    "has": [inspector.has_table("toys", schema), inspector.has_table("nothing", schema)] if hasattr(inspector, "has_table") else [True, False],
}
reflected = sa.Table("toys", sa.MetaData(), schema=schema, autoload_with=engine)
seen["reflected"] = [sorted(column.name for column in reflected.columns), [key.column.table.name for key in reflected.foreign_keys],
                     str(sa.schema.CreateTable(reflected).compile(engine)).count("DISTKEY (maker)")]
back = sa.Table("back", sa.MetaData(), schema=schema, autoload_with=engine)
with engine.begin() as connection:
    into = [back.c.id, back.c.maker, back.c.name, back.c.price]
    run(connection, redshift.CopyCommand(into, f"s3://landing/{schema}/out/manifest", delimiter="|", manifest=True, stat_update=True, **role))
    run(connection, redshift.CopyCommand(into, f"s3://landing/{schema}/parquet/", format=redshift.Format.parquet, **role))
    seen["back"] = [list(row) for row in connection.execute(sa.text(f"SELECT id, name, price::varchar, count(*) FROM {schema}.back GROUP BY 1, 2, 3 ORDER BY 1"))]
    connection.execute(toys.update().where(toys.c.id == 2).values(name="top"))
    connection.execute(redshift.RefreshMaterializedView(f"{schema}.dear"))
    joined = toys.join(makers)
    wanted = [makers.c.name, sa.func.sum(toys.c.price).label("total"), sa.func.count().label("n")]
    question = sa.select(*wanted) if sa.__version__ > "2" else sa.select(wanted)
    row = connection.execute(question.select_from(joined).group_by(makers.c.name).order_by(sa.desc("total")).limit(1)).fetchone()
    seen["row"] = [row[0], str(row[1]), row[2]]
    seen["dear"] = connection.execute(sa.text(f"SELECT count(*) FROM {schema}.dear")).scalar()
    seen["super"] = connection.execute(sa.text(f"SELECT more.wings::int FROM {schema}.toys WHERE id = 1")).scalar()
    connection.execute(toys.delete().where(toys.c.id == 1))
    connection.execute(redshift.DropMaterializedView(f"{schema}.dear", if_exists=True))
    connection.execute(sa.text(f"DROP VIEW {schema}.cheap"))
    back.drop(connection)
metadata.drop_all(engine)
seen["left"] = sa.inspect(engine).get_table_names(schema)
try:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT nonsense"))
except sa.exc.ProgrammingError as error:
    seen["error"] = "nonsense" in str(error)
print(json.dumps(seen))
