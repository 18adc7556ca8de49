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


def guide():
    text = (ROOT / "docs/guides/users.md").read_text()
    return re.search(r"<!-- run: tests/scenario/test_rights.py.*?-->\n```sql\n(.*?)```", text, re.S)[1]


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
