"""Connections to PostgreSQL and Redshift elsewhere, against a real PostgreSQL 15 with TLS and against weir's own wire."""
import concurrent.futures
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import uuid

import pytest

sys.path.insert(0, os.environ["WEIR_CLIENTS"] + "/python")
import bare_duckdb
from conftest import BINARY, ROOT, Project, free_port, wait_for
from outside_server import PASSWORD, POSTGRES, SUPERUSER_PASSWORD, Elsewhere, Mute

SLOW = "SELECT count(*) FROM generate_series(1, 20000000000)"  # hours, without a row


class Shop(Project):
    """A project with connections to `server`."""

    def declare(self, server, connections):
        self.write("weir.yaml", "name: shop\n")
        self.weir("secret", "set", "OUTSIDE", stdin=PASSWORD)
        self.weir("secret", "set", "BOSS", stdin=SUPERUSER_PASSWORD)
        lines = ["connections:"]
        for name, values in connections.items():
            given = {"host": "localhost", "port": server.port, "database": "shop", "user": "reader", "password": "${secret:OUTSIDE}", **values}
            lines.append(f"  {name}: " + json.dumps({key: value for key, value in given.items() if value is not None}))
        self.write("weir.yaml", "\n".join(lines) + "\n")
        return self

    def query(self, sql, on="prod", accept="application/json", status=200, **more):
        reply = self.post(f"/v1/connections/{on}/query", {"sql": sql, **more}, {**self.admin(), "Accept": accept})
        assert reply.status == status, reply
        return reply

    def rows(self, sql, **more):
        return self.query(sql, **more).json["rows"]

    def refused(self, sql, status=None, on="prod", **more):
        reply = self.post(f"/v1/connections/{on}/query", {"sql": sql, **more}, self.admin())
        assert reply.status >= 400 and reply.status == (status or reply.status), reply
        return reply.json["error"]

    def check(self, name, code=0):
        return json.loads(self.weir("connection", "check", name, "--json", code=code))

    def counted(self, name, **labels):
        """A metric's value, or 0."""
        wanted = name + "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(wanted + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0


@pytest.fixture(scope="module")
def elsewhere():
    assert (POSTGRES / "initdb").exists(), "scripts/install --tests installs PostgreSQL 15"
    server = Elsewhere()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shop(elsewhere, tmp_path_factory):
    made = Shop(tmp_path_factory.mktemp("outside") / "shop")
    made.folder.mkdir()
    made.declare(elsewhere, {
        "prod": {"tls": "verify", "ca": str(elsewhere.ca)},
        "narrow": {"user": "weir", "max": 1},
        "socket": {"host": str(elsewhere.folder)},
        "writer": {"user": "boss", "password": "${secret:BOSS}", "read_only": False},
    })
    made.start()
    yield made
    made.kill()


# --- who answers ---


def test_a_check_says_who_answers_and_how(shop, elsewhere):
    said = shop.check("prod")
    server = said["server"]
    assert (server["kind"], server["version"].split(".")[0], server["database"], server["user"]) == ("postgresql", "15", "shop", "reader")
    assert server["tls"].startswith("TLSv1.") and server["cipher"] and not server["is_superuser"] and said["read_only"]
    assert 0 < server["latency_ms"] < 10_000 and said["gaps"] == [] and said["warnings"] == []
    assert [need["relation"] for need in said["sees"] if need["kind"] == "relation"] == ["pg_stat_statements", "pg_catalog.pg_stat_user_tables", "pg_catalog.pg_stats"]
    shown = shop.weir("connection", "check", "prod")
    assert "encrypted    TLSv1." in shown and "the certificate is for this host" in shown and "sees         what other users did" in shown


def test_a_check_says_what_is_missing_and_what_mends_it(shop, elsewhere):
    said = shop.check("narrow", code=3)
    assert said["server"]["tls"] is None
    mends = {gap["what"]: (gap["statement"], gap["by"]) for gap in said["gaps"]}
    assert mends["statements and sessions of other users are hidden"] == ('GRANT pg_monitor TO "weir"', "a superuser")
    assert mends["no USAGE on the schema sales"] == ('GRANT USAGE ON SCHEMA "sales" TO "weir"', "a superuser or boss")
    assert mends["no SELECT on 1 of 1 tables and views of the schema sales"][0] == 'GRANT SELECT ON ALL TABLES IN SCHEMA "sales" TO "weir"'
    assert not any("schema public" in what for what in mends), mends
    # They mend it.
    try:
        elsewhere.tell("".join(statement + ";" for statement, _ in mends.values()))
        assert shop.check("narrow")["gaps"] == []
    finally:
        elsewhere.tell('REVOKE pg_monitor FROM weir; REVOKE USAGE ON SCHEMA sales FROM weir; REVOKE SELECT ON ALL TABLES IN SCHEMA sales FROM weir')
    assert len(shop.check("narrow", code=3)["gaps"]) == 3


def test_a_relation_that_is_not_there_says_how_it_comes(shop, elsewhere):
    elsewhere.tell("DROP EXTENSION pg_stat_statements")
    try:
        [gap] = shop.check("prod", code=3)["gaps"]
        assert gap["what"] == "pg_stat_statements does not exist" and gap["statement"] == "CREATE EXTENSION pg_stat_statements"
    finally:
        elsewhere.tell("CREATE EXTENSION pg_stat_statements")


def test_a_superuser_is_warned_of(shop):
    said = shop.check("writer")
    assert said["server"]["is_superuser"] and not said["read_only"] and "superuser" in said["warnings"][0]


def test_the_list_shows_what_is_declared(shop, elsewhere):
    shown = shop.weir("connection", "list")
    assert re.search(rf"prod +postgresql +localhost:{elsewhere.port} +shop +reader +verify +read", shown), shown
    listed = {one["name"]: one for one in json.loads(shop.weir("connection", "list", "--json"))["connections"]}
    assert listed["writer"]["read_only"] is False and listed["socket"]["tls"] == "off"
    assert shop.get("/v1/connections", headers=shop.admin()).json["connections"] == json.loads(shop.weir("connection", "list", "--json"))["connections"]


def test_only_administrators_reach_elsewhere(shop):
    reader = re.search(r"weir_\w+", shop.weir("token", "create", "--read")).group(0)
    headers = {"Authorization": f"Bearer {reader}"}
    assert shop.get("/v1/connections", headers=headers).status == 403
    for path in ("check", "query"):
        assert shop.post(f"/v1/connections/prod/{path}", {"sql": "SELECT 1"}, headers).status == 403
    assert shop.post("/v1/connections/prod/query", {"sql": "SELECT 1"}).status == 401


def test_a_connection_that_is_not_declared(shop):
    assert "did you mean 'prod'" in shop.refused("SELECT 1", on="prot", status=404)["hint"]
    shop.weir("connection", "check", "prot", code=1)
    assert "there is no connection 'prot'" in shop.stderr


# --- rows ---

TYPES = """SELECT 1::smallint AS a, 2147483647 AS b, 9223372036854775807 AS c, 12.30::numeric(10,2) AS d, 1.5::float8 AS e, true AS f, NULL::int AS g,
  'grün ''x'''::text AS h, '2026-02-28 23:59:59.5'::timestamp AS i, '2026-02-28 23:59:59+02'::timestamptz AS j, '2026-02-28'::date AS k,
  '\\x00ff'::bytea AS l, ARRAY[1, NULL, 3] AS m, '{"a": 1}'::jsonb AS n, '550e8400-e29b-41d4-a716-446655440000'::uuid AS o, 'NaN'::float8 AS p"""


def test_values_of_each_type(shop, elsewhere):
    # What the role prefers does not count.
    elsewhere.tell("ALTER ROLE reader SET datestyle TO 'German'; ALTER ROLE reader SET timezone TO 'Asia/Tokyo'; ALTER ROLE reader SET bytea_output TO 'escape'")
    try:
        for on in ("prod", "socket"):
            result = shop.query(TYPES, on=on).json
            assert result["rows"] == [[1, 2147483647, 9223372036854775807, "12.30", 1.5, True, None, "grün 'x'", "2026-02-28 23:59:59.5", "2026-02-28 21:59:59+00", "2026-02-28",
                                       "\\x00ff", "{1,NULL,3}", '{"a": 1}', "550e8400-e29b-41d4-a716-446655440000", "NaN"]]
            assert [column["type"] for column in result["columns"]] == [
                "SMALLINT", "INTEGER", "BIGINT", "DECIMAL(10,2)", "DOUBLE", "BOOLEAN", "INTEGER", "VARCHAR", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "DATE",
                "BLOB", "VARCHAR", "JSON", "UUID", "DOUBLE"]
            assert result["tag"] == "SELECT 1" and result["row_count"] == 1 and not result["truncated"]
    finally:
        elsewhere.tell("ALTER ROLE reader RESET ALL")


def test_every_form_of_a_result(shop, tmp_path):
    sql = "SELECT n, (n * 1.5)::numeric(6,1) AS price, CASE n WHEN 2 THEN NULL ELSE 'x,' || n END AS note, DATE '2026-01-01' + n AS day FROM generate_series(1, 3) n"
    assert "x,3" in shop.weir("sql", "--on", "prod", sql) and "3 rows in" in shop.stderr
    assert shop.weir("sql", "--on", "prod", "-f", "csv", sql).replace("\r", "") == 'n,price,note,day\n1,1.5,"x,1",2026-01-02\n2,3.0,,2026-01-03\n3,4.5,"x,3",2026-01-04\n'
    assert json.loads(shop.weir("sql", "--on", "prod", "-f", "json", sql))[1] == {"n": 2, "price": "3.0", "note": None, "day": "2026-01-03"}
    shop.weir("sql", "--on", "prod", "-o", str(tmp_path / "out.parquet"), sql)
    rows = bare_duckdb.rows(f"SELECT n, price, note, day, typeof(price), typeof(day) FROM '{tmp_path}/out.parquet' ORDER BY n")
    assert rows[:2] == [["1", "1.5", "x,1", "2026-01-02", "DECIMAL(6,1)", "DATE"], ["2", "3.0", None, "2026-01-03", "DECIMAL(6,1)", "DATE"]]


def test_limits_of_rows_and_bytes(shop):
    cut = shop.query("SELECT n FROM generate_series(1, 10000000) n", rows_max=5).json
    assert cut["rows"] == [[1], [2], [3], [4], [5]] and cut["truncated"]
    whole = shop.query("SELECT n FROM generate_series(1, 5) n", rows_max=5).json
    assert whole["row_count"] == 5 and not whole["truncated"]
    # Of JSON without a limit as many as of a statement here; of a file all or an error.
    assert shop.query("SELECT n FROM generate_series(1, 20000) n").json["row_count"] == 10_000
    assert shop.query("SELECT n FROM generate_series(1, 20000) n", accept="text/csv").body.count(b"\n") == 20_001
    too_much = shop.query("SELECT repeat('x', 1000000) FROM generate_series(1, 1000)", accept="text/csv", status=413).json["error"]
    assert "256 MiB" in too_much["message"] and "--rows" in too_much["hint"]
    assert shop.rows("SELECT 1") == [[1]]


def test_an_error_has_its_state_and_place(shop):
    error = shop.refused("SELECT 'ü',\n  nothere FROM public.open", status=400)
    assert error["message"] == 'column "nothere" does not exist' and error["sqlstate"] == "42703"
    assert (error["position"]["line"], error["position"]["column"]) == (2, 3)
    assert shop.refused("SELECT 1 / 0")["sqlstate"] == "22012"
    assert shop.refused("SELECT * FROM sales.orders", on="narrow", status=403)["sqlstate"] == "42501"
    assert shop.query("").json["rows"] == []  # as the server has it


# --- what may not happen ---


@pytest.mark.parametrize("sql", [
    "SELECT 1; SELECT 2", "COMMIT; DROP TABLE public.open", "ROLLBACK; CREATE TABLE public.mine (n int)",
])
def test_two_statements_are_refused(shop, sql):
    assert shop.refused(sql, on="writer" if "mine" in sql else "prod", status=400)["sqlstate"] == "42601"


@pytest.mark.parametrize("sql,state", [
    ("INSERT INTO public.open VALUES (1)", "25006"), ("CREATE TABLE public.mine (n int)", "25006"), ("CREATE TEMP TABLE mine (n int)", "25006"),
    ("DELETE FROM public.open", "25006"), ("SELECT nextval('public.counter')", "25006"), ("DO $$ BEGIN COMMIT; INSERT INTO public.open VALUES (1); END $$", "2D000"),
    ("SELECT * FROM public.open FOR UPDATE", "25006"), ("SET TRANSACTION READ WRITE", None), ("COMMIT", None), ("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", None),
])
def test_the_server_refuses_writing_whoever_asks(shop, elsewhere, sql, state):
    """Even a superuser's connection writes nothing if it is declared to read; what ends or opens its transaction changes nothing for the next one."""
    elsewhere.tell("CREATE SEQUENCE IF NOT EXISTS public.counter")
    other = Shop(shop.folder.parent / "guarded")
    if not other.folder.exists():
        other.folder.mkdir()
        other.declare(elsewhere, {"prod": {"user": "boss", "password": "${secret:BOSS}", "max": 1}})
    before = elsewhere.ask("SELECT count(*) FROM public.open")
    other.start()
    try:
        if state is None:
            other.query(sql)
        else:
            assert other.refused(sql)["sqlstate"] == state
        assert other.refused("INSERT INTO public.open VALUES (1)", status=403)["sqlstate"] == "25006"
    finally:
        other.stop()
    assert elsewhere.ask("SELECT count(*) FROM public.open") == before


def test_a_connection_that_is_declared_to_write_writes(shop, elsewhere):
    assert shop.query("CREATE TABLE public.written (n int)", on="writer").json["tag"] == "CREATE TABLE"
    assert shop.query("INSERT INTO public.written VALUES (1), (2)", on="writer").json["tag"] == "INSERT 0 2"
    assert elsewhere.ask("SELECT count(*) FROM public.written") == [(2,)]
    assert shop.query("DROP TABLE public.written", on="writer").json["tag"] == "DROP TABLE"


def test_nothing_of_one_statement_is_left_for_the_next(shop):
    shop.query("SET search_path TO sales", on="writer")
    shop.query("CREATE TEMP TABLE left_over (n int)", on="writer")
    shop.query("SELECT pg_advisory_lock(7)", on="writer")
    assert shop.rows("SELECT to_regclass('orders'), to_regclass('left_over')", on="writer") == [[None, None]]
    assert shop.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", on="writer") == [[0]]


def test_copy_to_the_client_is_refused_and_the_next_statement_runs(shop):
    assert shop.refused("COPY public.open TO STDOUT")["code"] == "unsupported"
    assert shop.refused("COPY public.open FROM STDIN", on="writer")["code"] == "unsupported"
    assert shop.rows("SELECT 1") == [[1]]


def test_hostile_texts(shop):
    assert shop.refused("SELECT 1\0; DROP TABLE public.open", status=400)["code"] == "invalid"
    assert shop.refused("SELECT '" + "x" * (1 << 20) + "'")["code"] == "too_large"
    assert shop.refused("SELECT $1::int")["sqlstate"] == "08P01"


# --- encryption ---


def test_a_certificate_of_another_name_or_authority_is_refused(elsewhere, project):
    shop = Shop(project.folder)
    (project.folder / "other").mkdir()
    from outside_server import certify
    certify(project.folder / "other", "x", "DNS:x")
    shop.declare(elsewhere, {
        "wrong_name": {"host": "127.0.0.1", "tls": "verify", "ca": str(elsewhere.ca)},
        "wrong_authority": {"tls": "verify", "ca": "other/ca.pem"},
        "system": {"tls": "verify"},
        "believing": {"tls": "require"},
        "missing": {"tls": "verify", "ca": "nowhere.pem"},
    })
    for name, told in (("wrong_name", 'does not match host name "127.0.0.1"'), ("wrong_authority", "certificate verify failed"),
                       ("system", "certificate verify failed"), ("missing", "nowhere.pem")):
        shop.weir("connection", "check", name, code=1)
        assert told in shop.stderr, (name, shop.stderr)
    assert shop.check("believing")["server"]["tls"].startswith("TLSv1.")
    assert "whoever answers is believed" in shop.weir("connection", "check", "believing")


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("192.0.2.1", 9))  # sends nothing
        return s.getsockname()[0]


def test_off_this_machine_nothing_goes_without_encryption_unless_it_is_said(elsewhere, project):
    address = own_address()
    shop = Shop(project.folder).declare(elsewhere, {"quiet": {"host": address}, "said": {"host": address, "tls": "off"}})
    if address.startswith("127."):
        pytest.skip("this machine has no address of its own")
    shop.weir("connection", "check", "quiet", code=1)
    assert "certificate verify failed" in shop.stderr
    assert shop.check("said")["server"]["tls"] is None


def test_a_server_without_tls_is_not_believed_off_this_machine(elsewhere, project):
    """It is restarted without TLS, as an attacker between would answer."""
    settings = elsewhere.settings
    elsewhere.shut()
    elsewhere.settings = ["-c", "listen_addresses=*", "-c", "fsync=off", "-c", "shared_preload_libraries=pg_stat_statements"]
    elsewhere.start()
    try:
        shop = Shop(project.folder).declare(elsewhere, {"quiet": {"host": own_address()}, "here": {}})
        shop.weir("connection", "check", "quiet", code=1)
        assert "server does not support SSL, but SSL was required" in shop.stderr
        assert shop.check("here")["server"]["tls"] is None
    finally:
        elsewhere.shut()
        elsewhere.settings = settings
        elsewhere.start()


def test_a_wrong_password_and_no_password_are_no_secret(elsewhere, project):
    shop = Shop(project.folder).declare(elsewhere, {"prod": {}, "bare": {"password": None}, "nowhere": {"database": "nowhere"}})
    shop.weir("secret", "set", "OUTSIDE", stdin="Cheshire5")
    shop.start()
    assert shop.refused("SELECT 1", status=401)["message"].endswith('password authentication failed for user "reader"')
    assert "no password supplied" in shop.refused("SELECT 1", on="bare", status=401)["message"]
    shop.weir("secret", "set", "OUTSIDE", stdin=PASSWORD)  # asked anew for each connection
    assert shop.rows("SELECT 1") == [[1]]
    assert "database \"nowhere\" does not exist" in shop.refused("SELECT 1", on="nowhere", status=404)["message"]
    shop.refused("SELECT nothere")
    shop.check("prod")
    metrics = shop.get("/metrics").body
    status = shop.get("/v1/status", headers=shop.admin()).body
    plan = shop.weir("plan").encode()
    shop.stop()
    # A password is nowhere in what is written or shown.
    kept = b"".join(path.read_bytes() for path in shop.folder.rglob("*") if path.is_file())
    for password in (PASSWORD, "Cheshire5"):
        assert password.encode() not in kept + metrics + status + plan


def test_the_environment_of_libpq_counts_for_nothing(elsewhere, project, tmp_path):
    home = tmp_path / "home"
    (home / ".postgresql").mkdir(parents=True)
    for name in ("postgresql.crt", "postgresql.key", "root.crt", "root.crl"):
        (home / ".postgresql" / name).write_text("no certificate")
    (home / ".pgpass").write_text(f"*:*:*:*:{PASSWORD}\n")
    (home / ".pgpass").chmod(0o600)
    (home / "service").write_text("[evil]\nhost=192.0.2.1\n")
    environment = {"HOME": str(home), "PGHOSTADDR": "192.0.2.1", "PGSSLMODE": "disable", "PGOPTIONS": "-c search_path=evil", "PGSERVICE": "evil", "PGSERVICEFILE": str(home / "service"),
                   "PGPASSWORD": "wrong", "PGTZ": "Mars/Olympus", "PGDATESTYLE": "Nonsense", "PGREQUIREPEER": "nobody", "PGTARGETSESSIONATTRS": "standby", "PGCHANNELBINDING": "require"}
    shop = Shop(project.folder).declare(elsewhere, {"prod": {"tls": "verify", "ca": "${AUTHORITY}"}, "bare": {"password": None}, "named": {"user": "${PGUSER}"}})
    shop.environment = {**os.environ, **environment, "AUTHORITY": str(elsewhere.ca), "PGUSER": "reader"}
    assert shop.check("prod")["gaps"] == []
    assert shop.check("named")["server"]["user"] == "reader"
    shop.weir("connection", "check", "bare", code=1)
    assert "no password supplied" in shop.stderr


# --- stops ---


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(600)", SLOW, "SELECT a.n, repeat('x', 100) FROM generate_series(1, 1000000000) a(n)"])
def test_a_time_limit_ends_a_statement(shop, elsewhere, sql):
    more = {"accept": "text/csv"} if "repeat" in sql else {}
    began = time.monotonic()
    reply = shop.query(sql, time_limit_ms=300, status=504, **more)
    assert reply.json["error"]["message"] == "the statement's time limit has passed"
    assert time.monotonic() - began < 5
    assert elsewhere.of_weir() == []
    assert shop.rows("SELECT 1") == [[1]]


@pytest.mark.parametrize("sql", ["SELECT pg_sleep(600)", SLOW])
def test_a_cancel_ends_a_statement(shop, elsewhere, sql):
    id_ = str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(shop.refused, sql, statement_id=id_)
        wait_for(elsewhere.of_weir, "the statement runs")
        assert shop.request("DELETE", f"/v1/connections/prod/statements/{id_}", headers=shop.admin()).status == 204
        assert answer.result(10)["code"] == "cancelled"
    wait_for(lambda: elsewhere.of_weir() == [], "nothing runs there")
    assert shop.rows("SELECT 1") == [[1]]
    assert shop.request("DELETE", f"/v1/connections/prod/statements/{id_}", headers=shop.admin()).status == 404


@pytest.mark.parametrize("serves", [True, False])
def test_control_c_ends_a_statement_there(shop, elsewhere, project, serves):
    """Also where no server runs, and the command reaches elsewhere itself."""
    folder = shop.folder if serves else Shop(project.folder).declare(elsewhere, {"prod": {}}).folder
    process = subprocess.Popen([BINARY, "sql", "--on", "prod", SLOW, "--dir", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(elsewhere.of_weir, "the statement runs")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 1 and "cancelled" in told, told
    assert elsewhere.of_weir() == []


def test_a_client_that_goes_away_ends_its_statement(shop, elsewhere):
    for on in ("prod", "narrow"):
        body = json.dumps({"sql": "SELECT pg_sleep(600)", "time_limit_ms": 3_600_000}).encode()
        with socket.create_connection(("127.0.0.1", shop.port)) as s:
            s.sendall(f"POST /v1/connections/{on}/query HTTP/1.1\r\nHost: localhost\r\nAuthorization: {shop.admin()['Authorization']}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            wait_for(elsewhere.of_weir, "the statement runs")
        wait_for(lambda: elsewhere.of_weir() == [], "nothing runs there")


def test_finish_against_stop(shop, elsewhere):
    """A cancel at any moment: the statement has finished or was cancelled, never both or neither, and a stop never meets the statement behind it."""
    chance = random.Random(7)
    seen = {"finished": 0, "cancelled": 0}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for number in range(200):
            id_ = str(uuid.uuid4())
            asked = pool.submit(shop.post, "/v1/connections/narrow/query", {"sql": f"SELECT {number}, pg_sleep(0.004)", "statement_id": id_}, shop.admin())
            time.sleep(chance.random() * 0.012)  # the moment is what varies
            shop.request("DELETE", f"/v1/connections/narrow/statements/{id_}", headers=shop.admin())
            reply = asked.result(30)
            if reply.status == 200:
                assert reply.json["rows"][0][0] == number
                seen["finished"] += 1
            else:
                assert reply.json["error"]["code"] == "cancelled", reply
                seen["cancelled"] += 1
            # What comes next is whole.
            assert shop.rows("SELECT 1", on="narrow") == [[1]]
    assert sum(seen.values()) == 200 and min(seen.values()) > 0, seen
    assert shop.counted("weir_outside_connections", connection="narrow") == 1


def test_finish_against_time_limit(shop):
    outcomes = set()
    for number in range(60):
        reply = shop.post("/v1/connections/narrow/query", {"sql": f"SELECT {number}, pg_sleep(0.012)", "time_limit_ms": 4 + number % 14}, shop.admin())
        outcomes.add(reply.status)
        assert reply.status in (200, 504), reply
        assert shop.rows("SELECT 1", on="narrow") == [[1]]
    assert 504 in outcomes


# --- servers that fail ---


def test_a_session_that_is_ended_there(shop, elsewhere):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(shop.refused, "SELECT pg_sleep(600)", status=503)
        wait_for(elsewhere.of_weir, "the statement runs")
        elsewhere.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND application_name = 'weir'")
        error = answer.result(10)
    assert error["sqlstate"] == "57P01" and "terminating connection" in error["message"]
    assert shop.rows("SELECT 1") == [[1]]


def test_a_server_that_crashes_and_comes_back(shop, elsewhere):
    shop.rows("SELECT 1")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(shop.refused, "SELECT pg_sleep(600)", status=503)
        wait_for(elsewhere.of_weir, "the statement runs")
        elsewhere.crash()
        assert "was lost: " in answer.result(10)["message"]
    # While it is away, and with connections in the pool that died with it.
    assert "Connection refused" in shop.refused("SELECT 1", status=503)["message"]
    (elsewhere.folder / "data/postmaster.pid").unlink(missing_ok=True)
    elsewhere.start()
    assert shop.rows("SELECT 1") == [[1]]


def test_an_idle_connection_that_died_in_the_pool(shop, elsewhere):
    assert shop.rows("SELECT 1", on="narrow") == [[1]]
    elsewhere.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'")
    wait_for(lambda: elsewhere.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'weir'") == [(0,)], "they ended")
    assert shop.rows("SELECT 1", on="narrow") == [[1]]


def test_a_server_that_hangs_after_the_stop(shop, elsewhere):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(shop.refused, "SELECT pg_sleep(600)", on="narrow", status=504, time_limit_ms=1_000)
        wait_for(elsewhere.of_weir, "the statement runs")
        elsewhere.freeze()
        try:
            error = answer.result(20)
        finally:
            elsewhere.thaw()
    assert error["message"] == "the statement's time limit has passed; the server did not answer to the stop, and the connection was closed"
    assert shop.rows("SELECT 1", on="narrow") == [[1]]


def test_a_server_that_never_answers(elsewhere, project):
    mute = Mute()
    shop = Shop(project.folder).declare(elsewhere, {"prod": {"host": "127.0.0.1", "port": mute.port, "connect_within": "300ms"},
                                                    "tls": {"host": "127.0.0.1", "port": mute.port, "connect_within": "300ms", "tls": "require"},
                                                    "slow": {"host": "127.0.0.1", "port": mute.port, "connect_within": "5m"},
                                                    "nobody": {"port": free_port()}, "unknown": {"host": "no-such-host.invalid"}})
    shop.start()
    for on in ("prod", "tls"):
        assert "did not answer within 300ms" in shop.refused("SELECT 1", on=on, status=503)["message"]
    assert "Connection refused" in shop.refused("SELECT 1", on="nobody", status=503)["message"]
    assert "no-such-host.invalid" in shop.refused("SELECT 1", on="unknown", status=503)["message"]
    # A cancel reaches one that is being made.
    id_ = str(uuid.uuid4())
    before = len(mute.taken)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(shop.refused, "SELECT 1", on="slow", statement_id=id_)
        wait_for(lambda: len(mute.taken) > before, "it knocks")
        shop.request("DELETE", f"/v1/connections/slow/statements/{id_}", headers=shop.admin())
        assert answer.result(10)["code"] == "cancelled"
    mute.stop()


def test_a_pool_that_is_exhausted(shop, elsewhere):
    waits = shop.counted("weir_outside_waits_total", connection="narrow")
    first = str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(shop.refused, "SELECT pg_sleep(600)", on="narrow", statement_id=first)
        wait_for(elsewhere.of_weir, "the statement runs")
        error = shop.refused("SELECT 1", on="narrow", time_limit_ms=300, status=429)
        assert error["message"] == "all 1 connections to narrow are in use, and none came free within 300ms" and "connections.narrow.max" in error["hint"]
        # One that waits gets its turn when the first one ends.
        waiting = pool.submit(shop.rows, "SELECT 2", on="narrow")
        wait_for(lambda: shop.counted("weir_outside_waits_total", connection="narrow") >= waits + 2, "it waits")
        shop.request("DELETE", f"/v1/connections/narrow/statements/{first}", headers=shop.admin())
        assert waiting.result(10) == [[2]] and running.result(10)["code"] == "cancelled"


def test_the_server_has_no_more_connections(shop, elsewhere):
    elsewhere.tell("ALTER ROLE reader CONNECTION LIMIT 0")
    elsewhere.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir'")
    try:
        assert "too many connections" in shop.refused("SELECT 1", status=429)["message"]
    finally:
        elsewhere.tell("ALTER ROLE reader CONNECTION LIMIT -1")
    assert shop.rows("SELECT 1") == [[1]]


def test_what_is_counted(shop):
    before = shop.counted("weir_outside_failures_total", connection="prod", reason="invalid")
    sent = shop.counted("weir_outside_statements_total", connection="prod")
    shop.refused("SELECT nothere")
    assert shop.counted("weir_outside_failures_total", connection="prod", reason="invalid") == before + 1
    assert shop.counted("weir_outside_statements_total", connection="prod") == sent + 1
    assert shop.counted("weir_outside_connections", connection="prod") >= 1


# --- another weir, as Redshift ---


@pytest.fixture(scope="module")
def redshift(tmp_path_factory):
    """weir's own wire, which speaks as Redshift to a database whose name says so."""
    made = Project(tmp_path_factory.mktemp("redshift") / "far")
    made.folder.mkdir()
    made.start()
    made.wire = made.get("/v1/status", headers=made.admin()).json["wire"]["port"]
    for statement in (f"CREATE USER reader PASSWORD '{PASSWORD}'", "CREATE TABLE orders (id INT, price DECIMAL(8,2), at TIMESTAMP, paid BOOLEAN, note VARCHAR(20))",
                      "INSERT INTO orders VALUES (1, 9.50, '2026-01-02 03:04:05', true, 'tea'), (2, NULL, NULL, NULL, NULL)"):
        assert made.post("/v1/sql", {"sql": statement}, made.admin()).status == 200, statement
    yield made
    made.kill()


@pytest.fixture
def near(redshift, project):
    made = Shop(project.folder).declare(elsewhere_at(redshift.wire), {"prod": {"kind": "redshift", "host": "127.0.0.1", "database": "far.redshift"}})
    return made.start()


def elsewhere_at(port):
    class At:
        pass
    at = At()
    at.port = port
    return at


def test_redshift_is_checked(near, redshift):
    said = near.check("prod", code=3)
    assert said["server"]["kind"] == "redshift" and said["server"]["version"] == "8.0.2" and said["warnings"] == []
    mends = [gap["statement"] for gap in said["gaps"]]
    assert 'ALTER USER "reader" SYSLOG ACCESS UNRESTRICTED' in mends and any("GRANT SELECT ON" in one for one in mends if one), mends
    for statement in mends:
        there = statement.replace("stl_load_errors", "weir_load_errors")  # which it is made of in weir, where it is granted
        reply = redshift.post("/v1/sql", {"sql": there}, redshift.admin())
        assert reply.status == 200, (statement, reply)
    # weir's own views (weir_streams …) stand in the schema public too, and are granted one by one.
    [gap] = near.check("prod", code=3)["gaps"]
    assert gap["kind"] == "all_tables" and "of the schema public" in gap["what"]


def test_redshift_is_asked(near, redshift):
    redshift.post("/v1/sql", {"sql": "GRANT SELECT ON orders TO reader"}, redshift.admin())
    result = near.query("SELECT * FROM orders ORDER BY id").json
    assert result["rows"] == [[1, "9.50", "2026-01-02 03:04:05", True, "tea"], [2, None, None, None, None]]
    assert [column["type"] for column in result["columns"]] == ["INTEGER", "DECIMAL(8,2)", "TIMESTAMP", "BOOLEAN", "VARCHAR"]
    assert near.refused("INSERT INTO orders (id) VALUES (3)")["sqlstate"] in ("25006", "42501")
    assert near.refused("SELECT nothere FROM orders")["sqlstate"] == "42703"
    assert near.refused("SELECT 1; SELECT 2")["sqlstate"] == "42601"
    assert near.rows("SELECT 1") == [[1]]


def test_redshift_is_stopped(near):
    slow = "SELECT COUNT(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 7"
    assert near.refused(slow, time_limit_ms=300, status=504)["message"] == "the statement's time limit has passed"
    assert near.rows("SELECT 1") == [[1]]
    cut = near.query("SELECT range FROM range(10000000)", rows_max=3).json
    assert cut["row_count"] == 3 and cut["truncated"]
    assert near.rows("SELECT 1") == [[1]]


# --- the guide ---


def test_the_guide_of_connections(elsewhere, tmp_path):
    page = (ROOT / "docs/guides/connections.md").read_text()
    commands = re.search(r"## Try it.*?```sh\n(.*?)```", page, re.S)[1]
    told = re.search(r"```text\n(.*?)```", page, re.S)[1]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/weir").symlink_to(BINARY)
    done = subprocess.run(["bash", "-euc", commands], capture_output=True, text=True, cwd=tmp_path, timeout=120,
                          env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "PORT": str(elsewhere.port), "PASSWORD": PASSWORD})
    assert done.returncode == 0, done.stderr
    assert told in done.stdout and "1000" in done.stdout, done.stdout


# --- declarations, plans and tests of a project ---


@pytest.mark.parametrize("lines,told", [
    ("prod: {host: h, database: d}", "weir.yaml:3:16: connections.prod: it has no user"),
    ("prod: {host: h, database: d, user: u, password: Lookingglass7}", "weir.yaml:3:51: password: password is a secret"),
    ("prod: {host: 'postgresql://u:p@h/d', database: d, user: u}", "weir.yaml:3:16: connections.prod.host: "),
    ("prod: {host: h, database: d, user: u, kind: mysql}", "redshift"),
    ("prod: {host: h, database: d, user: u, tls: prefer}", "verify"),
    ("prod: {host: h, database: d, user: u, connect_within: 0s}", "weir.yaml:3:57"),
    ("prod: {hots: h}", "did you mean 'host'"),
    ("Prod: {host: h, database: d, user: u}", "weir.yaml:3:9: connections:"),
])
def test_declarations_that_make_no_sense(project, lines, told):
    project.write("weir.yaml", "connections:\n\n  " + lines + "\n")
    done = subprocess.run([BINARY, "serve", "--dir", str(project.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and told in done.stderr + done.stdout, done.stderr + done.stdout
    assert "Lookingglass7" not in done.stderr + done.stdout
