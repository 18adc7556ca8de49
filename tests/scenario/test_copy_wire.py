"""COPY over the PostgreSQL wire, both ways, as people's clients do it; and what happens when it goes wrong."""
import asyncio
import datetime
import decimal
import io
import re
import subprocess
import uuid

import pytest
from client_table import jar
from conftest import wait_for
from test_wire import CLIENTS, PASSWORD, Raw, Served, bind, error_of, execute, kinds, message, parse

COLUMNS = "id int, name varchar(20), moment timestamp, price decimal(12,2), ok boolean, part double precision, day date, raw bytea, tags varchar[], key uuid, zone timestamptz"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("copy") / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "limits: {sql_concurrent: 2}\n")
    made.begin()
    made.tell(f"CREATE USER ann PASSWORD '{PASSWORD}'")
    made.tell("GRANT CREATE, USAGE ON SCHEMA public TO ann")
    yield made
    made.kill()


@pytest.fixture
def table(served):
    """A table of ann's with two columns, empty."""
    served.tell("DROP TABLE IF EXISTS t; CREATE TABLE t (a int, b varchar(10)); ALTER TABLE t OWNER TO ann")
    return served


def rows(served, sql="SELECT a, b FROM t ORDER BY a"):
    return served.tell(sql).splitlines()


# --- clients ---


def test_psql_copies_a_file_in_and_out(table, tmp_path):
    given = tmp_path / "given.csv"
    given.write_text('a,b\n1,"x, ""y"""\n2,\n3,""\n')
    out = tmp_path / "out.csv"
    said = table.psql(f"\\copy t from '{given}' with (format csv, header match)", connect=table.uri("ann"))
    assert said.strip() == "COPY 3"
    table.psql(f"\\copy (select * from t order by a) to '{out}' csv header", connect=table.uri("ann"))
    assert out.read_text() == given.read_text()
    assert table.psql("\\copy t to stdout", connect=table.uri("ann")).splitlines() == ['1\tx, "y"', "2\t\\N", "3\t"]
    assert table.psql("copy (select 7, null, 'a|b') to stdout delimiter '|' null 'none'", connect=table.uri("ann")) == "7|none|a\\|b\n"


def test_psycopg_2_copies(table):
    import psycopg2
    with psycopg2.connect(**table.as_user("ann")) as connection, connection.cursor() as cursor:
        cursor.copy_expert("COPY t (b, a) FROM STDIN WITH CSV HEADER", io.StringIO("b,a\none,1\ntwo,2\n"))
        assert cursor.rowcount == 2
        cursor.copy_from(io.StringIO("3;drei\n4;\\N\n"), "t", sep=";", columns=("a", "b"))
        got = io.StringIO()
        cursor.copy_to(got, "t", null="-")
        assert got.getvalue() == "1\tone\n2\ttwo\n3\tdrei\n4\t-\n"
        with pytest.raises(psycopg2.errors.InvalidTextRepresentation) as caught:
            cursor.copy_expert("COPY t FROM STDIN", io.StringIO("5\tx\nsechs\ty\n"))
        assert caught.value.diag.context == 'COPY t, line 2, column a: "sechs"'
        connection.rollback()
        cursor.execute("SELECT count(*) FROM t")
        assert cursor.fetchone() == (0,), "all of it was one transaction"


VALUES = (7, "it's\ta \\", datetime.datetime(2026, 1, 2, 3, 4, 5, 600000), decimal.Decimal("-12.50"), True, 0.1, datetime.date(1999, 12, 31),
          b"\x00\xff\n", ["a", None, 'b "c"'], uuid.UUID(int=1 << 127 | 5), datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.timezone.utc))
TYPES = ["int4", "varchar", "timestamp", "numeric", "bool", "float8", "date", "bytea", "varchar[]", "uuid", "timestamptz"]


def test_psycopg_3_copies_every_type_in_both_forms(served):
    import psycopg
    with psycopg.connect(**served.as_user("ann"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE u ({COLUMNS})")
        for form in ("text", "binary"):
            with cursor.copy(f"COPY u FROM STDIN (FORMAT {form})") as copy:
                copy.set_types(TYPES)
                copy.write_row(VALUES)
                copy.write_row([None] * len(VALUES))
            assert cursor.statusmessage == "COPY 2"
            with cursor.copy(f"COPY u TO STDOUT (FORMAT {form})") as copy:
                copy.set_types(TYPES)
                assert list(copy.rows())[-2:] == [VALUES, (None,) * len(VALUES)], form
        cursor.execute("SELECT * FROM u WHERE id IS NOT NULL")
        assert cursor.fetchall() == [VALUES, VALUES]
        with pytest.raises(KeyError), cursor.copy("COPY u FROM STDIN") as copy:
            copy.write_row(VALUES)
            raise KeyError("enough")
        assert cursor.execute("SELECT count(*) FROM u").fetchone() == (4,)


def test_asyncpg_copies_records_and_queries(served):
    import asyncpg

    async def work():
        connection = await asyncpg.connect(host="127.0.0.1", port=served.wire["port"], user="ann", password=PASSWORD, database="shop")
        columns = {one.split()[0]: value for one, value in zip(COLUMNS.split(", "), VALUES)}
        del columns["tags"]  # asyncpg asks pg_type about arrays in a way that is not understood here
        await connection.execute(f"CREATE TEMP TABLE v ({COLUMNS})")
        assert await connection.copy_records_to_table("v", records=[tuple(columns.values())] * 3000, columns=list(columns)) == "COPY 3000"
        assert dict(await connection.fetchrow(f"SELECT {', '.join(columns)} FROM v LIMIT 1")) == columns
        out = io.BytesIO()
        assert await connection.copy_from_query("SELECT id, name FROM v WHERE id > 6 LIMIT 2", output=out, format="csv") == "COPY 2"
        assert out.getvalue() == b"7,it's\ta \\\n" * 2
        await connection.copy_to_table("v", source=io.BytesIO(out.getvalue()), columns=["id", "name"], format="csv")
        with pytest.raises(asyncpg.NotNullViolationError):
            await connection.execute("CREATE TEMP TABLE w (a int NOT NULL)")
            await connection.copy_records_to_table("w", records=[(1,), (None,)])
        assert await connection.fetchval("SELECT count(*) FROM v") == 3002
        await connection.close()

    asyncio.run(work())


JAVA = """
import java.io.*;
import java.sql.*;
import org.postgresql.*;
import org.postgresql.copy.*;
class Copies {
  public static void main(String[] given) throws Exception {
    try (Connection connection = DriverManager.getConnection(given[0], "ann", given[1])) {
      CopyManager copies = connection.unwrap(PGConnection.class).getCopyAPI();
      System.out.println(copies.copyIn("COPY t FROM STDIN WITH (FORMAT csv)", new StringReader("1,one\\n2,\\"two\\nlines\\"\\n")));
      StringWriter out = new StringWriter();
      System.out.println(copies.copyOut("COPY (SELECT b, a FROM t ORDER BY a) TO STDOUT CSV", out) + " " + out.toString().replace('\\n', '/'));
      CopyIn broken = copies.copyIn("COPY t FROM STDIN");
      byte[] row = "3\\tthree\\n".getBytes();
      broken.writeToCopy(row, 0, row.length);
      broken.cancelCopy();
      try (ResultSet rows = connection.createStatement().executeQuery("SELECT count(*) FROM t")) {
        rows.next();
        System.out.println(rows.getLong(1));
      }
    }
  }
}
"""


def test_pgjdbc_copy_manager(table, tmp_path):
    (tmp_path / "Copies.java").write_text(JAVA)
    done = subprocess.run(["java", "-cp", jar(CLIENTS, "postgresql"), str(tmp_path / "Copies.java"), f"jdbc:postgresql://127.0.0.1:{table.wire['port']}/shop", PASSWORD],
                          capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["2", '2 one,1/"two/lines",2/', "2"]


# --- what goes wrong ---


def copy_error(served, data, sql="copy t from stdin"):
    done = subprocess.run(["psql", "-X", served.uri("ann"), "-v", "VERBOSITY=verbose", "-c", sql], input=data, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    return re.sub(r"LOCATION:.*\n", "", done.stderr)


def test_errors_name_line_and_column_and_leave_nothing(table):
    good = "".join(f"{i}\tx\n" for i in range(30_000))  # more than one block
    cases = [("30000\n", '22P04: missing data for column "b"\nCONTEXT:  COPY t, line 30001: "30000"\n'),
             ("x\ty\n", '22P02: invalid input syntax for type integer: "x"\nCONTEXT:  COPY t, line 30001, column a: "x"\n'),
             ("1\tmuch too long\n", '22001: value too long for type character varying(10)\nCONTEXT:  COPY t, line 30001, column b: "much too long"\n')]
    for data, told in cases:
        assert copy_error(table, good + data) == "ERROR:  " + told
    assert rows(table, "SELECT count(*) FROM t") == ["0"]
    told = table.sql("SELECT file, line, column_name, reason FROM weir_load_errors WHERE table_name = 't' ORDER BY \"at\" DESC LIMIT 3")
    assert [one[:3] for one in told] == [["stdin", 30001, "b"], ["stdin", 30001, "a"], ["stdin", 30001, ""]]
    # An earlier row that only the engine finds wrong comes before a later one that cannot be read.
    table.tell("CREATE TABLE IF NOT EXISTS dated (d date NOT NULL, n decimal(4,2)); ALTER TABLE dated OWNER TO ann")
    assert 'column d: "2026-02-30"' in copy_error(table, "2026-01-01\t1\n2026-02-30\t1\nbroken\n", "copy dated from stdin")
    assert "22003: numeric field overflow" in copy_error(table, "2026-01-01\t12345\n", "copy dated from stdin")
    assert copy_error(table, "\\N\t1\n", "copy dated from stdin").endswith("COPY dated, line 1, column d: null input\n")


def test_only_who_may_insert_and_read_copies(table):
    table.tell(f"CREATE USER bob PASSWORD '{PASSWORD}'; CREATE TABLE secret (a int, b int)")
    said = {}
    for sql in ("copy secret from stdin", "copy secret (a) from stdin", "copy secret to stdout", "copy (select a from secret) to stdout"):
        said[sql] = table.psql(sql, code=1, connect=table.uri("bob"))
        assert "42501" in said[sql], said
    table.tell("GRANT SELECT (a) ON secret TO bob; GRANT INSERT ON secret TO bob")
    assert "42501" in table.psql("copy secret to stdout", code=1, connect=table.uri("bob"))
    assert table.psql("copy secret (a) to stdout", connect=table.uri("bob")) == ""
    assert "does not exist" in table.psql("copy secret (c) from stdin", code=1, connect=table.uri("bob"))
    assert "42P01" in table.psql("copy nowhere from stdin", code=1)
    assert "0A000" in table.psql("copy (delete from secret) to stdout", code=1)
    assert "0A000" in table.psql("copy secret to '/tmp/x'", code=1)
    assert table.post("/v1/sql", {"sql": "COPY t TO STDOUT"}, table.admin()).json["error"]["code"] == "unsupported"


def begun(served, sql="COPY t FROM STDIN"):
    raw = Raw(served)
    assert kinds(raw.say(message("Q", sql.encode() + b"\0"), last="G")) == "G"
    return raw


def test_the_messages_of_both_protocols(table):
    raw = begun(table)
    # Rows may be cut anywhere; Sync and Flush mean nothing here.
    assert kinds(raw.say(message("d", b"1\to"), message("S"), message("d", b"ne\n2\t"), message("H"), message("d", b"two"), message("c"))) == "CZ"
    asked = [parse(b"", b"COPY t FROM STDIN"), bind(), message("D", b"P\0"), execute(), message("S")]
    assert kinds(raw.say(*asked, last="G")) == "12nG"
    answer = raw.say(message("d", b"3\tthree\n"), message("c"), message("S"))
    assert kinds(answer) == "CZ" and answer[0][1] == b"COPY 1\0"
    answer = raw.say(parse(b"", b"COPY (SELECT 1) TO STDOUT"), bind(), execute(), message("S"))
    assert kinds(answer) == "12HdcCZ" and answer[3][1] == b"1\n" and answer[2][1] == b"\0\0\1\0\0"
    answer = raw.query("COPY (SELECT a, b FROM t WHERE a = 1) TO STDOUT (FORMAT binary)")
    assert [body for kind, body in answer if kind == "d"] == [b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\2\0\0\0\4\0\0\0\1\0\0\0\3one", b"\xff\xff"]
    # Two statements of one message: the rows of the first come in between.
    assert kinds(raw.say(message("Q", b"COPY t FROM STDIN; SELECT count(*) FROM t\0"), last="G")) == "G"
    assert kinds(raw.say(message("d", b"4\tfour\n"), message("c"))) == "CTDCZ"
    assert rows(table) == ["1|one", "2|two", "3|three", "4|four"]


def test_a_copy_that_fails_in_the_middle_leaves_the_session_usable(table):
    raw = begun(table)
    raw.socket.sendall(message("d", b"1\tx\nbroken\n") + message("c"))  # sent before the error is known
    answer = raw.until("Z")
    assert kinds(answer) == "EZ" and error_of(answer)["W"] == 'COPY t, line 2, column a: "broken"'
    answer = raw.say(message("d", b"more of it\n"), message("c"), message("Q", b"select 1\0"))
    assert kinds(answer) == "TDCZ", "what is left of it is passed over"
    # In a transaction of the client: it has failed, as after any other error.
    raw.query("BEGIN")
    raw.say(message("Q", b"COPY t FROM STDIN\0"), last="G")
    answer = raw.say(message("f", b"changed my mind\0"))
    assert error_of(answer)["M"] == "COPY from stdin failed: changed my mind" and error_of(answer)["C"] == "57014" and answer[-1][1] == b"E"
    raw.query("ROLLBACK")
    # In the extended protocol everything up to the next Sync is passed over.
    raw.say(parse(b"", b"COPY t FROM STDIN"), bind(), execute(), message("H"), last="G")
    assert kinds(raw.say(message("d", b"broken\n"), message("c"), execute(), message("S"))) == "EZ"
    raw.say(message("Q", b"COPY t FROM STDIN\0"), last="G")
    assert error_of(raw.say(message("Q", b"select 1\0"), last="E"))["C"] == "08P01"
    assert rows(table) == []


def test_who_sends_slowly_holds_nobody_up_and_can_be_stopped(table):
    """Of two statements that may run at once, three COPYs that wait for their clients take none."""
    waiting = [begun(table) for _ in range(3)]
    assert table.tell("SELECT 1") == "1"
    listed = [one for one in table.get("/v1/statements", headers=table.admin()).json["statements"] if one["sql"] == "COPY t FROM STDIN"]
    assert len(listed) == 3
    assert table.request("DELETE", f"/v1/statements/{listed[0]['id']}", headers=table.admin()).status in (200, 204)
    answer = waiting[0].until("Z")
    assert kinds(answer) == "EZ" and error_of(answer)["C"] == "57014"
    assert kinds(waiting[0].query("select 1")) == "TDCZ"
    waiting[1].socket.close()
    limited = Raw(table)
    limited.query("SET statement_timeout = 300")
    limited.say(message("Q", b"COPY t FROM STDIN\0"), last="G")
    answer = limited.until("Z")
    assert error_of(answer)["C"] == "57014" and "time limit" in error_of(answer)["M"]
    assert kinds(waiting[2].say(message("d", b"1\tx\n"), message("c"))) == "CZ"
    wait_for(lambda: not [one for one in table.get("/v1/statements", headers=table.admin()).json["statements"] if "COPY" in one["sql"]], "all have ended")
    assert rows(table) == ["1|x"]


def memory_kib(served, key):
    status = open(f"/proc/{served.process.pid}/status").read()
    return int(re.search(rf"{key}:\s+(\d+)", status).group(1))


def test_a_million_rows_go_through_in_bounded_memory(served):
    served.tell("CREATE TABLE million (a bigint, b varchar, c double precision)")
    open(f"/proc/{served.process.pid}/clear_refs", "w").write("5")  # the peak from now on
    before = memory_kib(served, "VmRSS")
    line = "the quick brown fox jumps over the lazy dog"
    owner = f"host={served.socket_folder} port={served.wire['port']} user=me dbname=shop"
    with subprocess.Popen(["psql", "-X", owner, "-c", "copy million from stdin csv"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as psql:
        for begin in range(0, 1_000_000, 10_000):
            psql.stdin.write("".join(f"{i},{line} {i},{i}.5\n" for i in range(begin, begin + 10_000)).encode())
        assert psql.communicate()[0].strip() == b"COPY 1000000"
    count, size = 0, 0
    with subprocess.Popen(["psql", "-X", owner, "-c", "copy million to stdout"], stdout=subprocess.PIPE) as psql:
        while piece := psql.stdout.read(1 << 20):
            count += piece.count(b"\n")
            size += len(piece)
    assert psql.returncode == 0 and count == 1_000_000 and size > 60_000_000
    grown = memory_kib(served, "VmHWM") - before
    assert grown < 200_000, f"{grown} KiB for 60 MB each way"
    assert served.tell("SELECT count(*), sum(a), count(DISTINCT b) FROM million") == "1000000|499999500000|1000000"
