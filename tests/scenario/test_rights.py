"""Rights as clients meet them: rows and masks of the guide, functions, privileges, limits of users, the audit."""
import json
import re

import pytest
from conftest import ROOT
from test_wire import PASSWORD, Served

import psycopg  # behind test_wire, which knows where the clients are


@pytest.fixture
def project(tmp_path):
    made = Served(tmp_path / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "name: shop\n")
    yield made
    made.kill()


def connect(project, user, **more):
    return psycopg.connect(**project.as_user(user, **more), autocommit=True)


def start(project, *users):
    for user in users:
        project.weir("user", "create", user, "--password-stdin", *(["--superuser"] if user == "root" else []), stdin=f"{PASSWORD}\n")
    project.begin()


def guide(number=0):
    text = (ROOT / "docs/guides/users.md").read_text()
    return re.findall(r"<!-- run: tests/scenario/test_rights.py.*?-->\n```sql\n(.*?)```", text, re.S)[number]


def bearer(project, user):
    return {"Authorization": "Bearer " + re.search(r"weir_\w+", project.weir("token", "create", "--user", user))[0]}


def test_the_statements_of_the_guide_do_what_it_says(project):
    start(project, "ada", "bob", "eve", "root")
    with connect(project, "root") as root:
        root.execute(guide())
        assert len(root.execute("SELECT id FROM pay").fetchall()) == 3
        assert root.execute("SELECT account FROM pay WHERE id = 1").fetchone() == ("DE02120300000000202051",)
        assert root.execute("SELECT relrowsecurity FROM pg_class WHERE relname = 'pay'").fetchone() == (True,)
        assert [row[0] for row in root.execute("SELECT polname FROM svv_rls_policy ORDER BY 1")] == ["own_row", "own_team"]
    with connect(project, "ada") as ada:
        assert ada.execute("SELECT id, account FROM pay").fetchall() == [(1, "…2051")]
        assert ada.execute("SELECT id FROM pay WHERE account = %s", ("DE02120300000000202051",)).fetchall() == []
        assert ada.execute("SELECT count(*) FROM pay WHERE 1 / (amount - 5000) > -2").fetchone() == (1,)
        with ada.cursor().copy("COPY pay TO STDOUT") as copy:
            assert b"".join(copy) == "1\tada\tengine\t5200\t…2051\n".encode()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ada.execute("EXPLAIN ANALYZE SELECT * FROM pay")
        with ada.transaction():
            ada.execute("DECLARE c CURSOR FOR SELECT id FROM pay")
            assert ada.execute("FETCH ALL FROM c").fetchall() == [(1,)]
        assert ada.execute("SELECT id FROM pay WHERE amount > %s", (0,), prepare=True).fetchall() == [(1,)]
    with connect(project, "bob") as bob:
        assert bob.execute("SELECT id FROM pay ORDER BY id").fetchall() == [(1,), (2,)]
    with connect(project, "root") as root:
        applied = root.execute(guide(1)).fetchall()
        assert ("ada", "s", "pay", "own_row") in applied and {row[3] for row in applied if row[0] == "bob"} == {"own_row", "own_team"}
        assert not [row for row in applied if row[0] == "root"], "no policy holds for a superuser"
    with connect(project, "ada") as ada:
        assert ada.execute("SELECT count(*) FROM svv_rls_applied_policy").fetchone() == (0,), "not everybody's"
    # The policies are there after a kill -9, as what was committed is.
    project.kill()
    project.begin()
    with connect(project, "ada") as ada:
        assert ada.execute("SELECT id, account FROM pay").fetchall() == [(1, "…2051")]


def test_an_unload_writes_the_rows_of_its_user(project):
    start(project, "ada", "root")
    with connect(project, "root") as root:
        root.execute("CREATE TABLE t AS SELECT 'ada' AS who, 1 AS n UNION ALL SELECT 'eve', 2")
        root.execute("GRANT SELECT ON t TO PUBLIC; CREATE RLS POLICY own WITH (who VARCHAR) USING (who = current_user);"
                     "ATTACH RLS POLICY own ON t TO PUBLIC; ALTER TABLE t ROW LEVEL SECURITY ON")
    with connect(project, "ada") as ada:
        ada.execute("UNLOAD ('SELECT * FROM t') TO 's3://out/t_' IAM_ROLE default CSV PARALLEL OFF")
    written = b"".join(path.read_bytes() for path in (project.folder / ".weir/store/s3/out").glob("t_*"))
    assert written.split() == [b"ada,1"]


def test_names_of_columns_and_what_psql_lists(project):
    start(project, "ada", "root")
    with connect(project, "root") as root:
        names = lambda sql: [column.name for column in root.execute(sql).description]
        assert names("SELECT 1 + 1, 'a', upper('x'), '5'::int, CASE WHEN true THEN 1 END, count(*), (SELECT 1 AS n), user") == [
            "?column?", "?column?", "upper", "int4", "case", "count", "n", "user"]
        assert root.execute("SELECT user").fetchone() == ("root",)
        root.execute("CREATE TABLE sales (id INT, note VARCHAR(10)); GRANT SELECT, INSERT ON sales TO ada; GRANT UPDATE (note) ON sales TO ada")
        root.execute("CREATE TABLE secret (id INT); CREATE FUNCTION f_net(int, int) RETURNS int STABLE AS $$ SELECT $1 - $2 $$ LANGUAGE sql")
        assert root.execute("SELECT f_net(5, 2)").fetchone() == (3,)
        assert root.execute("SELECT relacl FROM pg_class WHERE relname = 'sales'").fetchone() == (["root=arwdDxt/root", "ada=ar/root"],)
    with connect(project, "ada") as ada:
        ask = lambda sql: ada.execute(sql).fetchone()
        assert ask("SELECT has_table_privilege('sales', 'select'), has_table_privilege('ada', 'sales', 'delete'), has_table_privilege('secret', 'select')") == (True, False, False)
        assert ask("SELECT has_column_privilege('sales', 'note', 'update'), has_column_privilege('sales', 'id', 'update')") == (True, False)
        assert ask("SELECT has_schema_privilege('public', 'create'), has_database_privilege('shop', 'create'), has_database_privilege('shop', 'connect')") == (True, False, True)
        assert ask("SELECT has_function_privilege('f_net(int, int)', 'execute')") == (True,)
        assert [row[0] for row in ada.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")] == ["sales"]
    psql = lambda command: project.psql(command, connect=project.uri("root"))
    assert re.search(r"sales.*root=arwdDxt/root", psql("\\dp sales"), re.S)
    assert re.search(r"public +\| f_net +\| integer +\| integer, integer", psql("\\df f_net"))


def test_limits_of_users_are_held(project):
    start(project, "ada", "root")
    with connect(project, "root") as root:
        root.execute("ALTER USER ada CONNECTION LIMIT 1")
        with connect(project, "ada"):
            with pytest.raises(psycopg.OperationalError, match="too many connections for user"):
                connect(project, "ada")
        with pytest.raises(psycopg.Error):
            root.execute("ALTER USER ada SESSION TIMEOUT 5")
        root.execute("ALTER USER ada CONNECTION LIMIT UNLIMITED SESSION TIMEOUT 60")
        assert root.execute("SELECT session_timeout FROM svv_user_info WHERE user_name = 'ada'").fetchone() == (60,)
        root.execute("ALTER USER ada VALID UNTIL '2020-01-01'")
        with pytest.raises(psycopg.OperationalError):
            connect(project, "ada")


def test_the_audit_has_every_event_and_no_secret(project):
    start(project, "ada", "root")
    with connect(project, "root") as root:
        root.execute("CREATE USER eve PASSWORD 'Very-Secret9'")
        root.execute("CREATE TABLE t (id INT)")
        root.execute("GRANT SELECT ON t TO eve")
        root.execute("SELECT 'private words' AS x WHERE 4711 > %s", (4712,))
    with pytest.raises(psycopg.OperationalError):
        connect(project, "ada", password="Wrong-Pass1")
    project.weir("token", "create", "--user", "ada")
    lines = project.weir("audit").splitlines()
    text = "\n".join(lines)
    for secret in ("Very-Secret9", "private words", "4711", "Wrong-Pass1"):
        assert secret not in text
    for wanted in (r"user  root  done  CREATE USER eve PASSWORD '\?'", r"rights  root  done  GRANT SELECT ON t TO eve", r"define  root  done  CREATE TABLE t",
                   r"sign_in  root  done", r"sign_in_failed  ada  failed", r"token  .*token created .* of user ada"):
        assert re.search(wanted, text), (wanted, text)
    entries = [json.loads(line) for line in project.weir("audit", "--json", "--user", "root", "--kind", "rights").splitlines()]
    assert [one["what"] for one in entries] == ["GRANT SELECT ON t TO eve"] and entries[0]["outcome"] == "done"
    assert project.get("/v1/audit?kind=sign_in_failed", headers=project.admin()).json["entries"][0]["user"] == "ada"
    assert project.get("/v1/audit?since=nonsense", headers=project.admin()).status == 400
    assert project.get("/v1/audit", headers={"Authorization": "Bearer nobody"}).status == 401
    # It outlives a restart.
    project.stop()
    project.begin()
    assert re.search(r"rights  root  done  GRANT SELECT ON t TO eve", project.weir("audit"))


STREAM = """key: id
fields:
  id: {type: string}
  shop: {type: string}
  mail: {type: string}
  amount: integer
"""


def test_policies_of_a_stream_hold_wherever_its_records_are_shown(project):
    project.write("streams/orders.yaml", STREAM)
    start(project, "ada", "bob", "root")
    events = [{"id": "a1", "shop": "ada", "mail": "x@secret", "amount": 1}, {"id": "b1", "shop": "bob", "mail": "y@secret", "amount": 2}, {"id": "b2", "shop": "bob", "mail": "z@secret", "amount": 3},
              {"id": "q1", "shop": "ada", "mail": "q@secret", "amount": "no number"}]
    project.post("/v1/streams/orders", events, project.admin())
    project.weir("lake", "drain")
    ada_key, bob_key, read_key = bearer(project, "ada"), bearer(project, "bob"), {"Authorization": "Bearer " + re.search(r"weir_\w+", project.weir("token", "create", "--read"))[0]}
    pages = ["/v1/streams/orders/events", "/v1/streams/orders/quarantine", "/v1/streams/orders/tail"]
    for path in pages:
        assert project.get(path, headers=ada_key).status == 403, f"{path}: without SELECT"
    assert project.get("/v1/events/a1", headers=ada_key).json["found"] is False
    with connect(project, "root") as root:
        root.execute("GRANT SELECT ON orders, raw_orders, orders_quarantine, orders_intake TO PUBLIC")
        assert project.get(pages[0], headers=ada_key).body.count(b"@secret") == 3
        assert project.get("/v1/events/a1", headers=ada_key).json["found"] is True
        root.execute("CREATE RLS POLICY own_shop WITH (shop VARCHAR(20)) AS o USING (o.shop = current_user); ATTACH RLS POLICY own_shop ON orders TO PUBLIC; ALTER TABLE orders ROW LEVEL SECURITY ON")
        assert root.execute("SELECT count(*) FROM raw_orders").fetchone() == (3,) and root.execute("SELECT count(*) FROM orders_quarantine").fetchone() == (1,)
    for path in pages[:2]:
        for key in (ada_key, bob_key, read_key):
            assert project.get(path, headers=key).status == 403, path
    assert project.get("/v1/events/b1", headers=ada_key).json["found"] is False
    with connect(project, "ada") as ada, connect(project, "bob") as bob:
        one = lambda who, sql: who.execute(sql).fetchone()
        assert one(ada, "SELECT count(*), max(mail) FROM orders") == (1, "x@secret")
        assert ada.execute("SELECT id, _id, mail FROM raw_orders").fetchall() == [("a1", "a1", "x@secret")]
        assert one(bob, "SELECT count(*), sum(amount::int) FROM raw_orders WHERE amount::int > 0") == (2, 5)
        for table in ("orders_quarantine", "orders_intake", "lake.orders_quarantine"):
            assert one(ada, f"SELECT count(*) FROM {table}") == (0,), "a record as one text has no column shop"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ada.execute("EXPLAIN SELECT * FROM raw_orders")
    with connect(project, "root") as root:
        root.execute("CREATE MASKING POLICY no_mail WITH (mail VARCHAR(65535)) USING ('***'::varchar(65535)); ATTACH MASKING POLICY no_mail ON orders(mail) TO PUBLIC")
        root.execute("CREATE MASKING POLICY tens WITH (amount BIGINT) USING (amount / 10 * 10); ATTACH MASKING POLICY tens ON orders(amount) TO PUBLIC")
        assert root.execute("SELECT mail FROM raw_orders WHERE id = 'a1'").fetchone() == ("x@secret",)
    with connect(project, "bob") as bob:
        rows = bob.execute("SELECT id, mail, amount, _payload, _id FROM raw_orders ORDER BY id").fetchall()
        assert rows == [("b1", "***", "0", None, None), ("b2", "***", "0", None, None)], "as text, masked; what holds the whole event is not shown"
        assert bob.execute("SELECT mail, amount FROM orders WHERE id = 'b2'").fetchone() == ("***", 0)
    # A table beside the stream with policies of its own is held to those.
    with connect(project, "root") as root:
        root.execute("CREATE RLS POLICY all_of_it USING (true); ATTACH RLS POLICY all_of_it ON orders_quarantine TO bob; ALTER TABLE orders_quarantine ROW LEVEL SECURITY ON")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            root.execute("CREATE MATERIALIZED VIEW kept AS SELECT * FROM raw_orders")
    with connect(project, "bob") as bob:
        assert bob.execute("SELECT reason FROM orders_quarantine").fetchall() == [("wrong_type",)]
    # The same over HTTP, where a page or a program asks.
    reply = project.post("/v1/sql", {"sql": "SELECT mail FROM raw_orders UNION ALL SELECT payload::varchar FROM orders_quarantine"}, ada_key)
    assert reply.json["rows"] == [["***"]]


def test_policies_of_an_external_table_hold_under_every_schema(project):
    start(project, "ada", "root")
    with connect(project, "root") as root:
        root.execute("CREATE TABLE t AS SELECT 'ada'::varchar(20) AS who, 1 AS n, 'no secret'::varchar(20) AS note UNION ALL SELECT 'eve', 2, 'SECRET'")
        root.execute("UNLOAD ('SELECT * FROM t') TO 's3://ext/t/' IAM_ROLE default FORMAT PARQUET")
        for schema in ("one", "two"):
            root.execute(f"CREATE EXTERNAL SCHEMA {schema} FROM DATA CATALOG DATABASE 'files' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS; GRANT USAGE ON SCHEMA {schema} TO ada")
        root.execute("CREATE EXTERNAL TABLE one.t (who varchar(20), n int, note varchar(20)) STORED AS PARQUET LOCATION 's3://ext/t/'")
        root.execute("CREATE RLS POLICY own WITH (who VARCHAR(20)) USING (who = current_user); ATTACH RLS POLICY own ON one.t TO PUBLIC; ALTER TABLE one.t ROW LEVEL SECURITY ON")
        root.execute("CREATE MASKING POLICY stars WITH (n VARCHAR(20)) USING ('***'::varchar(20)); ATTACH MASKING POLICY stars ON one.t(note) TO PUBLIC")
        assert root.execute("SELECT count(*) FROM two.t").fetchone() == (2,)
        assert root.execute("SELECT relschema, relname, polname FROM svv_rls_attached_policy").fetchall() == [("one", "t", "own")]
        for refused in ("ATTACH RLS POLICY own ON two.t TO ada", "DROP SCHEMA one CASCADE", "CREATE MATERIALIZED VIEW kept AS SELECT * FROM two.t"):
            with pytest.raises(psycopg.Error, match="polic"):
                root.execute(refused)
    with connect(project, "ada") as ada:
        for schema in ("one", "two"):
            assert ada.execute(f"SELECT who, n, note FROM {schema}.t").fetchall() == [("ada", 1, "***")]
            assert ada.execute(f"SELECT count(*) FROM {schema}.t WHERE note = 'SECRET' OR n = 2").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                ada.execute(f"EXPLAIN SELECT * FROM {schema}.t")
    with connect(project, "root") as root:
        root.execute("DETACH MASKING POLICY stars ON one.t(note) FROM PUBLIC; DETACH RLS POLICY own ON one.t FROM PUBLIC; ALTER TABLE one.t ROW LEVEL SECURITY OFF")
        root.execute("ATTACH RLS POLICY own ON two.t TO PUBLIC; ALTER TABLE two.t ROW LEVEL SECURITY ON; DROP SCHEMA one")
    with connect(project, "ada") as ada:
        assert ada.execute("SELECT count(*) FROM two.t").fetchone() == (1,)
    with connect(project, "root") as root:
        root.execute("DROP SCHEMA two DROP EXTERNAL DATABASE CASCADE")
        assert root.execute("SELECT count(*) FROM svv_rls_attached_policy").fetchone() == (0,)


def test_functions_are_told_apart_by_types_and_nobody_slips_one_under_a_policy(project):
    start(project, "ada", "eve", "root")
    statements = [one for one in guide(2).split(";\n") if one.strip()]
    with connect(project, "root") as root:
        for statement in statements[:4]:
            root.execute(statement)
        root.execute("GRANT EXECUTE ON FUNCTION f_shown(int) TO root")
        assert root.execute(statements[4]).fetchone() == ("number 7", "text seven")
    with connect(project, "eve") as eve:
        assert eve.execute("SELECT f_shown('x')").fetchone() == ("text x",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            eve.execute("SELECT f_shown(1)")
    with connect(project, "root") as root:
        root.execute(statements[5])
        assert root.execute("SELECT f_shown(7)").fetchone() == ("number 7",)
        root.execute("CREATE TABLE cards (number VARCHAR(20), score SMALLINT); INSERT INTO cards VALUES ('SECRET', 3); GRANT SELECT ON cards TO PUBLIC")
        root.execute("CREATE FUNCTION f_mask(varchar) RETURNS varchar IMMUTABLE AS $$ SELECT '***' $$ LANGUAGE sql; CREATE FUNCTION f_num(int) RETURNS int IMMUTABLE AS $$ SELECT 0 $$ LANGUAGE sql")
        root.execute("CREATE MASKING POLICY hide WITH (number VARCHAR(20)) USING (f_mask(number)); ATTACH MASKING POLICY hide ON cards(number) TO PUBLIC")
        root.execute("CREATE MASKING POLICY none WITH (score SMALLINT) USING (f_num(score)::smallint); ATTACH MASKING POLICY none ON cards(score) TO PUBLIC")
    # One that fits better, made later and in the same schema by somebody else.
    with connect(project, "eve") as eve:
        eve.execute("CREATE FUNCTION f_num(smallint) RETURNS int IMMUTABLE AS $$ SELECT $1::int $$ LANGUAGE sql")
        assert eve.execute("SELECT f_num(5::smallint), f_num(5)").fetchone() == (5, 0)
        assert eve.execute("SELECT number, score FROM cards").fetchall() == [("***", 0)]
