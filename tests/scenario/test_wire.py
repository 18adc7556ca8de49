"""The PostgreSQL wire, spoken by the clients that people have, and by strangers who mean no good."""
import contextlib
import datetime
import decimal
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import uuid

import pytest
from client_table import jar, ran, version_in
from conftest import Project, wait_for

CLIENTS = pathlib.Path(os.environ["WEIR_CLIENTS"])
sys.path.insert(0, str(CLIENTS / "python"))
PASSWORD = "Wonder1and"


class Served(Project):
    """A project with users, and the ways in."""

    def begin(self):
        self.start()
        self.wire = self.get("/v1/status", headers=self.admin()).json["wire"]
        self.tcp = {"host": "127.0.0.1", "port": self.wire["port"], "dbname": "shop", "connect_timeout": 20}
        return self

    @property
    def socket_folder(self):
        return str(self.folder / ".weir")

    def psql(self, sql, *options, code=0, connect=None, env=None):
        """Output of psql, as the folder's owner on the Unix socket if nothing else is said."""
        connect = connect or f"host={self.socket_folder} port={self.wire['port']} user=me dbname=shop"
        done = subprocess.run(["psql", "-X", connect, "-v", "VERBOSITY=verbose", *options, "-c", sql], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PGCONNECT_TIMEOUT": "20", **(env or {})})
        assert done.returncode == code, f"{sql}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def tell(self, sql):
        return self.psql(sql, "-At").strip()

    def as_user(self, user, password=PASSWORD, **more):
        return {**self.tcp, "user": user, "password": password, **more}

    def uri(self, user, **more):
        return " ".join(f"{key}={value}" for key, value in self.as_user(user, **more).items())


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("wire") / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "limits: {sql_concurrent: 4}\n")
    made.begin()
    made.half_open = [half_open(made, sent) for sent in (b"", b"\0\0", startup(user="ann"), struct.pack(">ii", 8, 80877103))]
    made.half_open_since = time.monotonic()
    made.tell(f"CREATE USER ann PASSWORD '{PASSWORD}'")
    yield made
    made.kill()


# --- the protocol by hand ---


def startup(**keys):
    body = struct.pack(">i", 3 << 16) + b"".join(key.encode() + b"\0" + value.encode() + b"\0" for key, value in keys.items()) + b"\0"
    return struct.pack(">i", len(body) + 4) + body


def message(kind, body=b""):
    return kind.encode() + struct.pack(">i", len(body) + 4) + body


def half_open(served, sent):
    raw = socket.create_connection(("127.0.0.1", served.wire["port"]))
    raw.sendall(sent)
    return raw


class Raw:
    """A connection on the Unix socket, signed in as the folder's owner."""

    def __init__(self, served, **keys):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        folder = os.open(served.socket_folder, os.O_RDONLY)
        try:
            self.socket.connect(f"/proc/self/fd/{folder}/.s.PGSQL.{served.wire['port']}")
        finally:
            os.close(folder)
        self.socket.sendall(startup(**{"user": "me", "database": "shop", **keys}))
        self.begun = self.until("Z")

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise EOFError(data)
            data += piece
        return data

    def next(self):
        kind, size = struct.unpack(">ci", self.read(5))
        return kind.decode(), self.read(size - 4)

    def until(self, last):
        got = []
        while not got or got[-1][0] != last:
            got.append(self.next())
        return got

    def say(self, *messages, last="Z"):
        self.socket.sendall(b"".join(messages))
        return self.until(last)

    def query(self, sql):
        return self.say(message("Q", sql.encode() + b"\0"))


def kinds(answer):
    return "".join(kind for kind, _ in answer)


def fields(body):
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def error_of(answer):
    return next(fields(body) for kind, body in answer if kind == "E")


def statuses(answer):
    return dict(body.decode().split("\0")[:2] for kind, body in answer if kind == "S")


# --- psql ---


def test_psql_asks_and_is_told_where_a_mistake_is(served):
    assert served.tell("select 1 + 1") == "2"
    assert served.tell("select 'a', null, true, 1.50, date '2024-02-29'") == "a||t|1.50|2024-02-29"
    told = served.psql("select 'ä',\n       nonsense", code=1)
    assert "42703" in told and re.search(r"LINE 2: +nonsense\n +\^", told), told
    assert "42601" in served.psql("selec 1", code=1)
    assert served.tell("") == ""


def test_values_at_the_ends_of_their_types(served):
    assert served.tell("SELECT DATE '0001-01-01', DATE '9999-12-31', DATE '9999-12-31' + 1, DATE '0001-01-01' - 1, DATE 'infinity'") == \
        "0001-01-01|9999-12-31|10000-01-01|0001-12-31 BC|infinity"
    assert served.tell("SELECT (-0.05)::decimal(4,2), 0::decimal(10,3), (-92233720368547758.08)::decimal(19,2), (-1)::decimal(38,37), 0.5::decimal(1,1)") == \
        "-0.05|0.000|-92233720368547758.08|-1." + "0" * 37 + "|0.5"
    assert served.tell(f"SELECT {'9' * 38}::decimal(38,0), (-9223372036854775808)::bigint") == "9" * 38 + "|-9223372036854775808"


def test_psql_looks_around(served):
    served.tell("create table looked_at (id int identity(1,1) primary key, name varchar(20), price decimal(10,2) default 1.5)")
    served.tell("create view looked_through as select name from looked_at")
    for command in r"\d \dt+ \dv \dm \dn+ \du \l+ \df \dp \di \ds \dT \dD \dO \db \dx \dL \dd \da \dX \dconfig \ddp \dRp".split():
        assert "ERROR" not in served.psql(command), command
    told = served.psql(r"\d looked_at")
    assert re.search(r"id +\| integer +\| +\| not null", told) and re.search(r"price +\| numeric\(10,2\) +\| +\| +\| 1.5", told), told
    assert "SELECT name FROM looked_at" in served.psql(r"\d+ looked_through").replace("select", "SELECT").replace("from", "FROM")
    assert re.search(r"looked_through +\| view", served.psql(r"\d"))
    ran("psql", "15", "statements, \\d \\dt \\dn \\du \\l \\dp \\df, \\copy, errors with their place")


def test_drivers_find_out_what_there_is(served):
    import redshift_connector
    import sqlalchemy

    served.tell("create table found (id int identity(1,1) primary key, name varchar(20), price decimal(10,2))")
    served.tell("create view found_names as select name from found")
    served.tell("grant select on found to ann")
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://ann:{PASSWORD}@127.0.0.1:{served.wire['port']}/shop")
    seen = sqlalchemy.inspect(engine)
    assert "found" in seen.get_table_names() and "found_names" in seen.get_view_names() and "public" in seen.get_schema_names()
    assert [(one["name"], str(one["type"]), one["nullable"]) for one in seen.get_columns("found")] == [
        ("id", "INTEGER", False), ("name", "VARCHAR(20)", True), ("price", "NUMERIC(10, 2)", True)]
    assert seen.get_pk_constraint("found")["constrained_columns"] == ["id"]
    assert (seen.get_foreign_keys("found"), seen.get_indexes("found"), seen.get_unique_constraints("found")) == ([], [], [])
    sqlalchemy.MetaData().reflect(engine)
    engine.dispose()
    with redshift_connector.connect(host="127.0.0.1", port=served.wire["port"], database="shop", user="ann", password=PASSWORD, ssl=False) as connection:
        cursor = connection.cursor()
        assert [row[1:4] for row in cursor.get_tables(schema_pattern="public", table_name_pattern="found")] == [["public", "found", "TABLE"]]
        columns = cursor.get_columns(schema_pattern="public", tablename_pattern="found")
        assert [row[3] for row in columns] == ["id", "name", "price"]
        assert "public" in [row[0] for row in cursor.get_schemas()]


def test_statements_of_one_message_are_one_transaction(served):
    served.tell("create table pieces (a integer)")
    told = served.psql("insert into pieces values (1); insert into pieces values ('x'); select 1", code=1)
    assert "ERROR" in told
    assert served.tell("select count(*) from pieces") == "0"
    served.tell("insert into pieces values (1); insert into pieces values (2)")
    assert served.tell("select count(*) from pieces") == "2"
    raw = Raw(served)
    answer = raw.query("select 1; select nonsense; select 3")
    assert kinds(answer) == "TDCEZ" and fields(answer[3][1])["P"] == "18"


def test_a_failed_transaction_refuses_until_it_ends(served):
    raw = Raw(served)
    assert raw.query("begin")[-1] == ("Z", b"T")
    assert raw.query("select nonsense")[-1] == ("Z", b"E")
    refused = raw.query("select 1")
    assert error_of(refused)["C"] == "25P02" and refused[-1] == ("Z", b"E")
    ended = raw.query("commit")
    assert ended[0] == ("C", b"ROLLBACK\0") and ended[-1] == ("Z", b"I")


# --- signing in ---


def test_passwords_are_proved_by_scram_with_tls_and_without(served):
    import psycopg2
    for mode in ("disable", "require"):
        with contextlib.closing(psycopg2.connect(**served.as_user("ann", sslmode=mode))) as connection:
            assert connection.info.ssl_in_use == (mode == "require")
            with connection.cursor() as cursor:
                cursor.execute("show session_authorization")
                assert cursor.fetchone() == ("ann",)
    with pytest.raises(psycopg2.OperationalError) as wrong:
        psycopg2.connect(**served.as_user("ann", "Wrong1password"))
    with pytest.raises(psycopg2.OperationalError) as unknown:
        psycopg2.connect(**served.as_user("nobody"))
    assert str(wrong.value).replace("ann", "nobody") == str(unknown.value), "a name is not told from a password"
    log = served.output()
    assert "event=wire.sign_in " in log and "event=wire.sign_in_failed" in log and PASSWORD not in log


def test_a_token_is_a_password(served):
    import psycopg2
    text = served.weir("token", "create", "--read").strip()
    token = next(one for one in served.get("/v1/tokens", headers=served.admin()).json["tokens"] if one["role"] == "read")
    for user, mode in ((token["id"], "disable"), ("token", "require")):
        with contextlib.closing(psycopg2.connect(**served.as_user(user, text, sslmode=mode))) as connection, connection.cursor() as cursor:
            cursor.execute("select 1")
            assert cursor.fetchone() == (1,)
    with pytest.raises(psycopg2.OperationalError, match="clear text"):
        psycopg2.connect(**served.as_user("token", text, sslmode="disable"))
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(**served.as_user("token", text + "x", sslmode="require"))


def test_a_peer_that_fails_too_often_is_not_asked_any_more(tmp_path):
    import psycopg2
    folder = tmp_path / "shop"
    folder.mkdir()
    other = Served(folder)
    try:
        other.begin()
        said = set()
        for _ in range(12):
            with pytest.raises(psycopg2.OperationalError) as failed:
                psycopg2.connect(**other.as_user("ann", sslmode="disable"))
            said.add(str(failed.value).split("FATAL:")[1].strip().split("\n")[0])
        assert len(said) == 2, said
        assert other.stop() == 0
    finally:
        other.kill()


# --- clients ---


TYPED = """select true, 1::smallint, 2::integer, 3::bigint, 4.5::real, 0.1::double precision, 12.340::decimal(10,3), 'text'::varchar,
  date '2024-02-29', time '01:02:03.5', timestamp '2024-02-29 01:02:03.000004', '2024-02-29 01:02:03+00'::timestamptz,
  interval '1 day 2 seconds', '\\x00\\xFF'::blob, '11111111-2222-3333-4444-555555555555'::uuid, [1,null,3], ['a b', 'c'], null"""


def test_psycopg_3_reads_and_sends_every_type_in_both_forms(served):
    import psycopg
    from psycopg.types.json import Json
    utc = datetime.timezone.utc
    values = (True, 1, 2, 3, 4.5, 0.1, decimal.Decimal("12.340"), "text", datetime.date(2024, 2, 29), datetime.time(1, 2, 3, 500000),
              datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=utc), datetime.timedelta(days=1, seconds=2),
              b"\0\xff", uuid.UUID("11111111-2222-3333-4444-555555555555"), [1, None, 3], ["a b", "c"], None)
    with psycopg.connect(served.uri("ann")) as connection:
        for binary in (False, True):
            got = connection.execute(TYPED, binary=binary).fetchone()
            assert got == values, [pair for pair in zip(got, values) if pair[0] != pair[1]]
            for value in values[:-1]:
                if value == ["a b", "c"] and not binary:
                    continue  # sent as a text of no type, and comes back as one, as from PostgreSQL
                sent = connection.cursor(binary=binary).execute("select %b as v" if binary else "select %t as v", (value,)).fetchone()[0]
                assert sent == value or (isinstance(value, float) and abs(sent - value) < 1e-6), (binary, value, sent)
        assert connection.execute("select %s::json ->> 'a'", (Json({"a": 1}),)).fetchone() == ("1",)
        with pytest.raises(psycopg.errors.UndefinedColumn) as wrong:
            connection.execute("select nonsense")
        assert wrong.value.diag.statement_position == "8"


def test_psycopg_3_pipelines_and_reads_portals_in_turn(served):
    import psycopg
    with psycopg.connect(served.uri("me", host=served.socket_folder)) as connection:
        connection.execute("create table numbers (n integer)")
        with connection.pipeline():
            for n in range(20):
                connection.execute("insert into numbers values (%s)", (n,))
        connection.commit()
        assert connection.execute("select count(*), sum(n) from numbers").fetchone() == (20, 190)
        with connection.cursor() as cursor:
            cursor.executemany("insert into numbers values (%s)", [(n,) for n in range(20, 40)])
            assert cursor.rowcount == 20
        with connection.cursor("by_three") as cursor:
            cursor.itersize = 3
            cursor.execute("select n, n::text from numbers where n > %s order by n", (29,))
            assert cursor.description[1].name == "n" and cursor.fetchmany(2) == [(30, "30"), (31, "31")]
            assert [row[0] for row in cursor] == list(range(32, 40))
        with pytest.raises(psycopg.errors.InvalidCursorName):
            connection.execute("fetch 1 from by_three")
    with psycopg.connect(served.uri("me", host=served.socket_folder), autocommit=True) as connection:
        for _ in range(7):  # prepared by name after five
            assert connection.execute("select n from numbers where n = %s", (3,)).fetchone() == (3,)
    ran("psycopg 3", version_in(CLIENTS, "psycopg[binary]"), "every type in text and binary, pipelines, server-side cursors, COPY")


def test_psycopg_2_and_its_transactions(served):
    import psycopg2
    with contextlib.closing(psycopg2.connect(host=served.socket_folder, port=served.wire["port"], user="me", dbname="shop")) as connection:
        with connection.cursor() as cursor:
            cursor.execute("create table kept (a integer, b varchar)")
            cursor.execute("insert into kept values (%s, %s)", (1, "it's"))
            assert cursor.statusmessage == "INSERT 0 1"
        connection.rollback()
        with connection.cursor() as cursor:
            with pytest.raises(psycopg2.errors.UndefinedTable):
                cursor.execute("select * from kept")
        connection.rollback()
        with connection.cursor() as cursor:
            cursor.execute("select %s, %s, %s", ("a", datetime.date(2024, 1, 1), [1, 2]))
            assert cursor.fetchone() == ("a", datetime.date(2024, 1, 1), [1, 2])
    ran("psycopg2", version_in(CLIENTS, "psycopg2-binary"), "transactions, COPY, errors")


def test_asyncpg_speaks_binary_only(served):
    import asyncio

    import asyncpg

    async def ask():
        connection = await asyncpg.connect(host="127.0.0.1", port=served.wire["port"], user="ann", password=PASSWORD, database="shop", ssl=False)
        row = await connection.fetchrow("select $1::integer + 1, $2::varchar, 1.5::decimal(4,2), timestamp '2024-01-01 00:00:00'", 41, "x")
        assert tuple(row) == (42, "x", decimal.Decimal("1.50"), datetime.datetime(2024, 1, 1))
        async with connection.transaction():
            got = [row[0] async for row in connection.cursor("select i::bigint from range(250) t(i) order by 1", prefetch=100)]
        assert got == list(range(250))
        await connection.close()

    asyncio.run(ask())
    ran("asyncpg", version_in(CLIENTS, "asyncpg"), "prepared statements in binary, COPY")


def test_redshift_connector_is_given_the_redshift_profile(served):
    import redshift_connector
    with redshift_connector.connect(host="127.0.0.1", port=served.wire["port"], user="ann", password=PASSWORD, database="shop", ssl=False) as connection:
        cursor = connection.cursor()
        cursor.execute("select 1::integer, 'a'::varchar, 2.50::decimal(5,2), date '2024-01-01'")
        assert list(cursor.fetchone()) == [1, "a", decimal.Decimal("2.50"), datetime.date(2024, 1, 1)]
        cursor.execute("select nvl(null, %s)", ("x",))
        assert list(cursor.fetchone()) == ["x"]
    ran("redshift_connector", version_in(CLIENTS, "redshift-connector"), "the Redshift profile, metadata calls, access keys (iam=True)")


def test_sqlalchemy_over_psycopg_2(served):
    import sqlalchemy
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://me@/shop?host={served.socket_folder}&port={served.wire['port']}", use_native_hstore=False)
    table = sqlalchemy.Table("things", sqlalchemy.MetaData(), sqlalchemy.Column("id", sqlalchemy.Integer), sqlalchemy.Column("name", sqlalchemy.String(20)))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("create table things (id integer, name varchar(20))"))
        connection.execute(table.insert(), [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}])
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.select(table.c.name).where(table.c.id == 2)).scalar() == "two"
    engine.dispose()
    ran("SQLAlchemy", version_in(CLIENTS, "SQLAlchemy"), "the PostgreSQL dialect with its inspector")


NODE = """
const { Client } = require('pg');
const Cursor = require('pg-cursor');
(async () => {
  const client = new Client({ connectionString: process.argv[2] });
  await client.connect();
  const rows = (await client.query('select $1::integer + 1 as n, $2::varchar as t, true as b, null as z', [41, "it's"])).rows;
  console.log(JSON.stringify(rows));
  await client.query('begin');
  const cursor = client.query(new Cursor('select i::integer as i from range(10) t(i) order by 1'));
  const first = await cursor.read(4), second = await cursor.read(100);
  await cursor.close();
  console.log(first.length, second.length, second[5].i);
  await client.query('commit');
  try { await client.query('select nonsense'); } catch (error) { console.log(error.code); }
  console.log((await client.query({ name: 'again', text: 'select $1::integer as n', values: [7] })).rows[0].n);
  await client.end();
})().catch((error) => { console.error(error); process.exit(1); });
"""


def test_node_postgres(served, tmp_path):
    script = tmp_path / "ask.js"
    script.write_text(NODE)
    done = subprocess.run(["node", str(script), f"postgresql://ann:{PASSWORD}@127.0.0.1:{served.wire['port']}/shop"], capture_output=True, text=True,
                          timeout=60, env={**os.environ, "NODE_PATH": str(CLIENTS / "node/node_modules")})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ['[{"n":42,"t":"it\'s","b":true,"z":null}]', "4 6 9", "42703", "7"]
    ran("node-postgres", version_in(CLIENTS, "pg"), "parameters, cursors, errors")


JAVA = """
import java.sql.*;
class Ask {
  public static void main(String[] given) throws Exception {
    try (Connection connection = DriverManager.getConnection(given[0], "ann", given[1])) {
      System.out.println(connection.getMetaData().getDatabaseProductVersion() + " " + connection.getMetaData().getDriverVersion());
      try (PreparedStatement statement = connection.prepareStatement("select ? + 1, ?, ?::decimal(10,2), true, date '2024-01-01'")) {
        for (int round = 0; round < 8; ++round) {  // from the sixth on in binary
          statement.setInt(1, round);
          statement.setString(2, "t" + round);
          statement.setBigDecimal(3, new java.math.BigDecimal("2.50"));
          ResultSet rows = statement.executeQuery();
          rows.next();
          if (rows.getInt(1) != round + 1 || !rows.getString(2).equals("t" + round) || !rows.getBoolean(4)) throw new Exception("round " + round);
          if (!rows.getBigDecimal(3).toString().equals("2.50") || !rows.getDate(5).toString().equals("2024-01-01")) throw new Exception("round " + round);
        }
      }
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(1000);
        ResultSet rows = statement.executeQuery("select i from range(5000) t(i) order by 1");
        long sum = 0;
        while (rows.next()) sum += rows.getLong(1);
        System.out.println(sum);
      }
      connection.commit();
      try (Statement statement = connection.createStatement()) {
        statement.executeQuery("select nonsense");
      } catch (SQLException wrong) {
        System.out.println(wrong.getSQLState());
      }
      connection.rollback();
    }
  }
}
"""


def test_pgjdbc(served, tmp_path):
    (tmp_path / "Ask.java").write_text(JAVA)
    done = subprocess.run(["java", "-cp", jar(CLIENTS, "postgresql"), str(tmp_path / "Ask.java"), f"jdbc:postgresql://127.0.0.1:{served.wire['port']}/shop?sslmode=require", PASSWORD],
                          capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    version, total, state = done.stdout.splitlines()
    assert version.startswith("15.") and "42.7.4" in version and total == "12497500" and state == "42703"
    ran("pgjdbc", version_in(CLIENTS, "org.postgresql:postgresql"), "prepared statements in text and binary, cursors, errors")


# --- the protocol itself ---


def test_what_a_session_is_told_at_its_start(served):
    told = statuses(Raw(served, application_name="a test").begun)
    assert told["server_version"].startswith("15.") and told["client_encoding"] == "UTF8" and told["integer_datetimes"] == "on"
    assert told["application_name"] == "a test" and told["is_superuser"] == "on"
    for keys in ({"database": "shop.redshift"}, {"options": "-c weir.profile=redshift"}, {"driver_version": "x", "client_protocol_version": "2"}):
        told = statuses(Raw(served, **keys).begun)
        assert told["server_version"] == "8.0.2" and told["server_protocol_version"] == "0", keys
    raw = Raw(served, **{"_pq_.compression": "zstd", "unheard_of": "x"})
    assert raw.begun[0][0] == "v", "an option of the protocol that nobody knows is declined, not refused"
    assert statuses(raw.query("set application_name = 'other'")) == {"application_name": "other"}


def parse(name, sql, *types):
    return message("P", name + b"\0" + sql + b"\0" + struct.pack(f">h{len(types)}i", len(types), *types))


def bind(portal=b"", statement=b"", values=(), form=0):
    body = portal + b"\0" + statement + b"\0" + struct.pack(">hhh", 1, 0, len(values))
    for value in values:
        body += struct.pack(">i", -1) if value is None else struct.pack(">i", len(value)) + value
    return message("B", body + struct.pack(">hh", 1, form))


def execute(portal=b"", rows=0):
    return message("E", portal + b"\0" + struct.pack(">i", rows))


DESCRIBE, SYNC = message("D", b"P\0"), message("S")


def test_extended_queries_by_hand(served):
    raw = Raw(served)
    assert kinds(raw.say(parse(b"", b"select $1", 23), bind(values=[b"7"]), DESCRIBE, execute(), SYNC)) == "12TDCZ"
    answer = raw.say(parse(b"s", b"select $1::integer, 'x'"), message("D", b"Ss\0"), SYNC)
    assert kinds(answer) == "1tTZ" and answer[1][1] == struct.pack(">hi", 1, 23)
    assert kinds(raw.say(bind(statement=b"s", values=[None], form=1), execute(), SYNC)) == "2DCZ"
    assert error_of(raw.say(parse(b"s", b"select 1"), SYNC))["C"] == "42P05"
    assert kinds(raw.say(message("C", b"Ss\0"), message("C", b"Snone\0"), SYNC)) == "33Z"
    assert error_of(raw.say(bind(statement=b"s"), SYNC))["C"] == "26000"
    assert error_of(raw.say(execute(b"none"), SYNC))["C"] == "34000"
    assert kinds(raw.say(parse(b"", b""), bind(), DESCRIBE, execute(), SYNC)) == "12nIZ"
    assert error_of(raw.say(parse(b"", b"select 1; select 2"), SYNC))["C"] == "42601"
    skipped = raw.say(parse(b"", b"select nonsense"), bind(), DESCRIBE, execute(), parse(b"", b"select 1"), bind(), execute(), SYNC)
    assert kinds(skipped)[-2:] == "EZ", "nothing is done between an error and Sync"
    assert kinds(raw.query("select 1")) == "TDCZ"


def test_portals_give_some_rows_at_a_time_while_their_transaction_lasts(served):
    raw = Raw(served)
    raw.query("begin")
    assert kinds(raw.say(parse(b"", b"select i from range(5000) t(i) order by 1"), bind(b"p"), execute(b"p", 3), SYNC)) == "12DDDsZ"
    assert kinds(raw.say(parse(b"", b"select 1"), bind(b"q"), execute(b"q"), SYNC)) == "12DCZ", "another statement in between"
    more = raw.say(execute(b"p", 4000), SYNC)
    assert kinds(more) == "D" * 4000 + "sZ" and more[0][1].endswith(b"3") and more[3999][1].endswith(b"4002")
    rest = raw.say(execute(b"p"), SYNC)
    assert kinds(rest) == "D" * 997 + "CZ"
    raw.query("commit")
    assert error_of(raw.say(execute(b"p"), SYNC))["C"] == "34000"


def test_several_executions_before_a_sync_are_one_transaction(served):
    raw = Raw(served)
    raw.query("create table together (a integer)")
    one = parse(b"", b"insert into together values (1)") + bind() + execute()
    raw.say(one, parse(b"", b"insert into together values ('x')") + bind() + execute(), SYNC)
    assert served.tell("select count(*) from together") == "0"
    raw.say(one, one, SYNC)
    assert served.tell("select count(*) from together") == "2"


def test_a_result_larger_than_memory_for_it_streams_and_stops_with_its_reader(served):
    raw = Raw(served)
    raw.socket.sendall(message("Q", b"select i, repeat('x', 100) from range(3000000) t(i)\0"))
    assert raw.next()[0] == "T"
    for _ in range(1000):
        assert raw.next()[0] == "D"
    before = served.get("/v1/status", headers=served.admin()).json["memory"]["rss_bytes"]
    assert before < 1 << 30
    raw.socket.close()
    wait_for(lambda: not served.get("/v1/statements", headers=served.admin()).json["statements"], "the statement ends with its client")


ENDLESS = "select count(*) from range(100000000000) a, range(1000) b"


def test_cancel_needs_the_right_key(served):
    raw = Raw(served)
    process, secret = struct.unpack(">II", next(body for kind, body in raw.begun if kind == "K"))
    raw.socket.sendall(message("Q", ENDLESS.encode() + b"\0"))
    wait_for(lambda: served.get("/v1/statements", headers=served.admin()).json["statements"], "it runs")
    for wrong in ((process, secret ^ 1), (process ^ 1, secret), (0, 0)):
        with half_open(served, struct.pack(">iiII", 16, 80877102, *wrong)) as other:
            assert other.recv(1) == b""
    raw.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        raw.next()
    raw.socket.settimeout(20)
    with half_open(served, struct.pack(">iiII", 16, 80877102, process, secret)) as other:
        assert other.recv(1) == b""
    answer = raw.until("Z")
    assert error_of(answer)["C"] == "57014"
    assert kinds(raw.query("select 1")) == "TDCZ", "the session goes on"


def test_functions_by_message_are_refused_by_name_and_leftovers_of_copy_are_passed_over(served):
    raw = Raw(served)
    assert error_of(raw.say(message("F", b"\0\0\0\1")))["C"] == "0A000"
    assert kinds(raw.say(message("d", b"left over"), message("c"), message("Q", b"select 1\0"))) == "TDCZ"


# --- strangers ---


def ended(raw):
    """What a stranger is told before the connection ends."""
    raw.settimeout(20)
    data = b""
    while True:
        try:
            piece = raw.recv(65536)
        except ConnectionError:
            return data
        if not piece:
            return data
        data += piece


def test_garbage_ends_its_own_connection_only(served):
    for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\x16\x03\x01\x00\x05hello" + b"\0" * 64, struct.pack(">ii", 8, 2 << 16), struct.pack(">i", 4),
                 struct.pack(">ii", 8, 80877103) + startup(user="ann"), startup(database="nobody")):
        with half_open(served, sent) as stranger:
            told = ended(stranger)
            assert told == b"" or told[:1] in b"ER\x15", (sent, told)
    for sent in (message("?", b""), b"Q\x7f\xff\xff\xff", b"Q\0\0\0\1", message("B", b"\0\0\xff\xff"), message("Q", b"no end")):
        raw = Raw(served)
        raw.socket.sendall(sent + message("S"))
        got = []
        with contextlib.suppress(EOFError):
            while True:
                got.append(raw.next())
                if got[-1][0] == "Z":
                    break
        assert error_of(got)["C"] == "08P01", (sent, got)
    assert served.tell("select 1") == "1"


def test_a_second_request_for_tls_inside_of_tls_is_refused(served):
    with half_open(served, struct.pack(">ii", 8, 80877103)) as raw:
        assert raw.recv(1) == b"S"
        context = ssl.create_default_context(cafile=served.folder / ".weir/tls/certificate.pem")
        with context.wrap_socket(raw, server_hostname="localhost") as inside:
            assert inside.version() in ("TLSv1.3", "TLSv1.2")
            inside.sendall(struct.pack(">ii", 8, 80877104))
            assert inside.recv(1) == b"N"
            inside.sendall(struct.pack(">ii", 8, 80877103))
            assert inside.recv(1) == b"E"
    assert (served.folder / ".weir/tls/key.pem").stat().st_mode & 0o777 == 0o600
    assert os.stat(f"{served.socket_folder}/.s.PGSQL.{served.wire['port']}").st_mode & 0o777 == 0o600


def test_many_idle_sessions_cost_little(served):
    def resident():
        return served.get("/v1/status", headers=served.admin()).json["memory"]["rss_bytes"]
    before = resident()
    idle = [Raw(served) for _ in range(200)]
    assert kinds(idle[-1].query("select 1")) == "TDCZ"
    assert (resident() - before) / len(idle) < 128 << 10, "2,000 of them take less than 256 MiB"
    for raw in idle:
        raw.socket.close()
    wait_for(lambda: served.get("/v1/status", headers=served.admin()).json["wire"]["connections"] < 20, "they are gone")


def test_half_open_connections_are_closed_after_ten_seconds(served):
    for raw in served.half_open:
        assert b"Z" not in ended(raw)[:1]
    assert time.monotonic() - served.half_open_since > 9


# --- the server ---


def test_a_taken_port_is_an_error_that_names_the_setting(served, tmp_path):
    other = Project(tmp_path / "other")
    other.folder.mkdir()
    told = other.weir("serve", "--listen", "127.0.0.1:0", code=1, env={"WEIR_WIRE_PORT": str(served.wire["port"])})
    assert told == "" and "wire.port" in other.stderr and "already in use" in other.stderr, other.stderr


def test_too_many_connections_and_an_orderly_end(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    other = Served(folder)
    other.write("weir.yaml", "wire: {connections_max: 3}\n")
    try:
        other.begin()
        other.tell(f"CREATE USER ann PASSWORD '{PASSWORD}'")
        import psycopg2
        held = [psycopg2.connect(**other.as_user("ann")) for _ in range(3)]
        with pytest.raises(psycopg2.OperationalError, match="connections_max"):
            psycopg2.connect(**other.as_user("ann"))
        assert other.tell("select 1") == "1", "the owner comes in all the same"
        raw = Raw(other)
        stopping = threading.Thread(target=other.stop)
        stopping.start()
        assert fields(raw.next()[1])["C"] == "57P01"
        stopping.join()
        assert not list(folder.glob(".weir/.s.PGSQL.*"))
        for connection in held:
            connection.close()
    finally:
        other.kill()


def test_off_loopback_needs_a_certificate_and_off_means_off(tmp_path):
    other = Project(tmp_path / "other")
    other.folder.mkdir()
    other.write("weir.yaml", "wire: {address: 0.0.0.0}\n")
    other.weir("serve", "--listen", "127.0.0.1:0", code=2)
    assert "tls.certificate" in other.stderr, other.stderr
    other.write("weir.yaml", "wire: {enabled: false}\n")
    try:
        other.start()
        assert "wire" not in other.get("/v1/status", headers=other.admin()).json
        assert other.stop() == 0
    finally:
        other.kill()
