"""Saved queries and files of the store through the real program: kept in the project's folder, never overwritten unseen, whole after a kill."""
import json
import random
import re
import subprocess
import threading

from conftest import BINARY, ROOT

LIMIT = 256 << 10


def save(project, name, sql, revision=None):
    match = {"If-None-Match": "*"} if revision is None else {"If-Match": f'"{revision}"'}
    return project.request("PUT", f"/v1/queries/{name}", json.dumps({"sql": sql}), {**project.admin(), **match})


def test_the_commands_of_the_guide_do_what_it_says(advertising):
    text = (ROOT / "docs/guides/query.md").read_text()
    commands = "".join(re.findall(r"<!-- run:.*?-->\n```sh\n(.*?)```", text, re.S))
    done = subprocess.run(["bash", "-euc", f'cd "{advertising.folder}"; weir() {{ "{BINARY}" "$@"; }}\n{commands}'], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^top_ads +\d+$", done.stdout, re.M) and "ad_id,n" in done.stdout, done.stdout
    assert re.search(r"2026-02-01 +b +2\.00", done.stdout), done.stdout


def test_a_saved_query_is_a_file_that_the_page_and_the_command_share(advertising):
    project = advertising
    assert save(project, "two", "SELECT 1 AS a;\nSELECT 2 AS b").status == 200
    assert (project.folder / "queries/two.sql").read_text() == "SELECT 1 AS a;\nSELECT 2 AS b\n"
    project.write("queries/by_hand.sql", "SELECT 'é' AS accent -- by hand\n")
    assert project.weir("sql", "--saved", "two", "--format", "csv") == "a\n1\nb\n2\n"
    assert "é" in project.weir("sql", "--saved", "by_hand")
    assert [one["name"] for one in json.loads(project.weir("sql", "--list-saved", "--json"))["queries"]] == ["by_hand", "two"]
    project.weir("sql", "--saved", "none", code=1)
    assert "no saved query" in project.stderr
    project.weir("sql", "--saved", "../weir", code=2)
    project.weir("sql", "--saved", "two", "SELECT 1", code=2)
    # They declare nothing.
    assert {one["action"] for one in json.loads(project.weir("plan", "--json"))["changes"]} == {"none"}
    assert "queries" not in project.weir("apply") + project.stderr
    project.stop()
    assert "é" in project.weir("sql", "--saved", "by_hand")  # without a server, too


def test_of_two_who_save_at_once_one_is_told(advertising):
    project = advertising
    revision = save(project, "q", "SELECT 0").json["revision"]
    replies = []
    threads = [threading.Thread(target=lambda n=n: replies.append(save(project, "q", f"SELECT {n}", revision).status)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replies) == [200] + [409] * 7
    kept = project.get("/v1/queries/q", headers=project.admin())
    assert kept.headers["etag"] == f'"{kept.json["revision"]}"'
    gone = project.request("DELETE", "/v1/queries/q", headers={**project.admin(), "If-Match": f'"{revision}"'})
    assert gone.status == 409 and (project.folder / "queries/q.sql").exists()
    renamed = project.request("PUT", "/v1/queries/r", json.dumps({"renamed_from": "q"}), {**project.admin(), "If-Match": f'"{kept.json["revision"]}"'})
    assert renamed.status == 200 and renamed.json["sql"] == kept.json["sql"]
    assert not (project.folder / "queries/q.sql").exists()


def test_readers_open_and_do_not_save(advertising):
    project = advertising
    revision = save(project, "q", "SELECT 1").json["revision"]
    token = re.search(r"weir_\w+", project.weir("token", "create", "--read")).group(0)
    reader = {"Authorization": f"Bearer {token}"}
    assert project.get("/v1/queries/q", headers=reader).json["sql"] == "SELECT 1\n"
    for method, headers in (("PUT", {"If-None-Match": "*"}), ("DELETE", {"If-Match": f'"{revision}"'})):
        assert project.request(method, "/v1/queries/q", json.dumps({"sql": "x"}) if method == "PUT" else None, {**reader, **headers}).status == 403
    assert project.get("/v1/queries").status == 401
    assert project.post("/v1/store/inspect", {"path": "s3://data/a.csv"}, reader).status == 403
    assert project.request("POST", "/v1/store/files?path=s3://data/a.csv", b"a", reader).status == 403
    assert save(project, "big", "x" * LIMIT).status == 413
    for name in ("..%2Fweir", "%2Fetc%2Fpasswd", "A", "a.sql", "a%00", "a" * 64):
        assert save(project, name, "SELECT 1").status == 400, name


def test_a_save_is_whole_after_a_kill(advertising):
    project = advertising
    chance, acknowledged = random.Random(7), 0
    texts = [f"SELECT {n} -- {'x' * 100_000}" for n in range(40)]
    assert save(project, "q", texts[0]).status == 200
    for _ in range(3):
        stop = threading.Timer(chance.uniform(0.05, 0.4), project.kill)
        stop.start()
        try:
            for n in range(acknowledged + 1, len(texts)):
                revision = project.get("/v1/queries/q", headers=project.admin()).json["revision"]
                assert save(project, "q", texts[n], revision).status == 200
                acknowledged = n
        except (OSError, json.JSONDecodeError):
            pass
        stop.join()
        project.kill()
        project.start()
        found = project.get("/v1/queries/q", headers=project.admin()).json["sql"].rstrip("\n")
        assert found in texts and texts.index(found) in (acknowledged, acknowledged + 1)
        acknowledged = texts.index(found)
    assert [one["name"] for one in project.get("/v1/queries", headers=project.admin()).json["queries"]] == ["q"]


def test_a_file_is_put_looked_at_and_loaded(advertising):
    project = advertising
    rows = "day;name;price\n31/01/2026;a;1.5\n01/02/2026;b;2\n"
    put = project.request("POST", "/v1/store/files?path=s3://uploads/2026/prices.csv", rows.encode(), project.admin())
    assert put.status == 201 and put.json == {"path": "s3://uploads/2026/prices.csv", "bytes": len(rows)}
    assert (project.folder / ".weir/store/s3/uploads/2026/prices.csv").read_text() == rows
    assert project.request("POST", "/v1/store/files?path=s3://uploads/2026/prices.csv", b"x", project.admin()).status == 409
    shape = project.post("/v1/store/inspect", {"path": "s3://uploads/2026/"}, project.admin()).json
    assert [(one["name"], one["type"]) for one in shape["columns"]] == [("day", "DATE"), ("name", "VARCHAR"), ("price", "DOUBLE")]
    assert shape["csv"]["delimiter"] == ";" and shape["csv"]["date_format"] == "%d/%m/%Y" and shape["rows"][0] == ["2026-01-31", "a", 1.5]
    for statement in ("CREATE TABLE prices (day DATE, name VARCHAR(10), price DOUBLE PRECISION)",
                      "COPY prices FROM 's3://uploads/2026/' CSV DELIMITER ';' IGNOREHEADER 1 DATEFORMAT 'DD/MM/YYYY'"):
        assert project.post("/v1/sql", {"sql": statement}, project.admin()).status == 200
    assert project.sql("SELECT day::VARCHAR, price FROM prices ORDER BY 1") == [["2026-01-31", 1.5], ["2026-02-01", 2.0]]
    for place in ("/etc/passwd", "file:///etc/passwd", "s3://uploads/../../control.db", "s3://uploads/none"):
        assert project.post("/v1/store/inspect", {"path": place, "format": "csv"}, project.admin()).status in (400, 404), place
