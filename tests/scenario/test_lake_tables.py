"""Derived tables that are stored in the lake, through the real program: the same rows as in the engine, whatever comes late, is killed or moved."""
import json
import random
import subprocess
import time
import uuid

import bare_duckdb
from conftest import BINARY, wait_for
from test_tables import computed, day, run, send, traffic

TABLE = "tables/advertising.sql"
POINTS = ["lake.before_commit", "lake.swapped", "store/before_rename", "store/rename", "store/sync", "store/sync_directory",
          "control/before_commit", "control/commit"]


def manifest(project, table):
    return json.loads(project.weir("lake", "manifest", table))


def paths(project, table):
    store = project.folder / ".weir" / "store"
    return [str(store / file["path"]) for file in manifest(project, table)["files"]]


def stored(project, where):
    """Moves the table; as a person edits the file."""
    path = project.folder / TABLE
    lines = [line for line in path.read_text().splitlines(True) if not line.startswith("stored:")]
    path.write_text(lines[0] + f"stored: {where}\n" + "".join(lines[1:]))
    return project.weir("apply")


def differences(project, one, other):
    sides = [f"(SELECT count(*) FROM (SELECT * FROM {a} EXCEPT ALL SELECT * FROM {b}))" for a, b in ((one, other), (other, one))]
    return project.sql(f"SELECT {', '.join(sides)}")[0]


def bare_equals(project, table):
    """What DuckDB alone reads from the files of the manifest is what the program says the table holds."""
    files = paths(project, table)
    listed = ", ".join(f"'{path}'" for path in files)
    outside = bare_duckdb.rows(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet([{listed}], hive_partitioning=false)") if files else []
    inside = project.sql(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {table}")
    assert sorted(outside, key=str) == sorted(inside, key=str)
    return len(outside)


def no_run_is_open(project):
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], "all runs ended")


def beside(project):
    """The same SELECT again, in the engine."""
    text = (project.folder / TABLE).read_text()
    lines = [line for line in text.splitlines(True) if not line.startswith("stored:")]
    project.write("tables/in_engine.sql", "".join(lines))
    project.weir("apply")


def killed_at(project, point, hit, *command):
    """Starts the server so that it dies at the point, has it do something, and says whether it died."""
    project.kill()
    project.start(env={"WEIR_CRASH_AT": f"{point}:{hit}"}, wait=False)
    wait_for(project.is_ready_or_dead, "ready or killed")
    asked = subprocess.Popen([BINARY, *command, "--dir", str(project.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: project.process.poll() is not None or asked.poll() is not None, "killed or done")
    died = project.process.poll() is not None
    project.kill()
    asked.kill()
    asked.wait()
    project.start()
    return died


def test_the_lake_and_the_engine_hold_the_same_after_late_events_and_kills(advertising, request):
    project, chance = advertising, random.Random(20261121)
    beside(project)
    ads = [str(uuid.uuid4()) for _ in range(4)]
    kills, died = request.config.getoption("--kills"), 0
    for round in range(kills):
        for ago in chance.sample(range(1, 7), 2):  # also days that were computed before
            send(project, ago, ads * chance.randint(1, 3), seed=round, clock=chance.choice(["00:00:00", "23:59:59"]))
        point = POINTS[round % len(POINTS)]
        died += killed_at(project, point, chance.randint(1, 12), "run", chance.choice(["advertising", "ad_traffic"]))
    assert died >= kills // 3, "the points are met"
    no_run_is_open(project)
    for table in ("advertising", "in_engine", "ad_traffic"):
        assert run(project, table)["state"] == "done"
        assert run(project, table)["tasks"] == [], "running again does nothing"
    assert differences(project, "advertising", "in_engine") == [0, 0]
    assert project.sql("SELECT count(*), sum(impressions)::BIGINT FROM ad_traffic")[0][1] == project.sql("SELECT count(*) FROM impressions")[0][0]
    assert bare_equals(project, "advertising") == project.sql("SELECT count(*) FROM impressions")[0][0]
    project.weir("lake", "verify")
    staging = project.folder / ".weir/store/.staging"
    assert [path for path in staging.rglob("*") if path.is_file()] == []
    listed = set(paths(project, "advertising")) | {str(project.folder / ".weir/store" / row[0]) for row in project.sql("SELECT path FROM weir_lake_files")}
    assert all(path in listed for path in paths(project, "advertising"))


def test_a_move_between_the_stores_that_is_killed_anywhere_loses_nothing(advertising):
    project, chance = advertising, random.Random(7)
    beside(project)
    for ago in (3, 2, 1):
        send(project, ago, [str(uuid.uuid4()) for _ in range(5)], seed=ago)
    run(project, "advertising")
    run(project, "in_engine")
    died = 0
    for number, point in enumerate(["table.published", "lake.swapped", "control/before_commit", "table.published", "control/commit", "lake.before_commit"]):
        where = ("engine", "lake")[number % 2]
        told = stored(project, where)
        assert f"stored in the {where}" in told and "computed again" in told
        assert differences(project, "advertising", "in_engine") == [0, 0], "until it has moved the old one is read"
        hit = 1 if point.startswith("table") else chance.randint(1, 4)
        died += killed_at(project, point, hit, "run", "advertising")
        assert differences(project, "advertising", "in_engine") == [0, 0], point
        no_run_is_open(project)
        assert run(project, "advertising")["state"] == "done"
        assert differences(project, "advertising", "in_engine") == [0, 0], point
        assert project.get("/v1/tables/advertising", headers=project.admin()).json["partitions_stale"] == 0
        in_lake = project.sql("SELECT count(*) FROM weir_lake_files WHERE table_name LIKE 'advertising%'")[0][0]
        assert (in_lake > 0) == (where == "lake")
    assert died >= 3
    assert bare_equals(project, "advertising") == 15
    project.weir("lake", "verify")


def test_equal_rows_change_no_file_and_make_nothing_stale(advertising):
    project, ad = advertising, str(uuid.uuid4())
    send(project, 1, [ad], clicked=1)
    run(project, "ad_traffic")
    before = manifest(project, "advertising")
    # A later click of the same impression: the first one stands, so the day's rows are what they were.
    shown = project.sql("SELECT impression_id::VARCHAR FROM impressions")[0][0]
    late = {"impression_id": shown, "ad_id": ad, "occurred_at": f"{day(1)} 22:00:00.000", "click_id": str(uuid.uuid4())}
    assert project.post("/clicks", {"clicks": [late]}).json["failed_count"] == 0
    project.weir("lake", "drain")
    assert project.get("/v1/tables/advertising", headers=project.admin()).json["partitions_stale"] > 0
    view = run(project, "ad_traffic")
    assert {step for step, _ in computed(view)} == {"advertising"}, "what is made of it stays as it is"
    assert manifest(project, "advertising")["files"] == before["files"]
    project.weir("run", "advertising", "--force")
    assert manifest(project, "advertising")["files"] == before["files"]
    done = json.loads(project.weir("lake", "compact", "advertising", "--json"))
    assert done["files_before"] == 0
    assert run(project, "ad_traffic")["tasks"] == []
    assert traffic(project, 1) == {ad: [1, 1]}


def test_the_lakes_page_and_the_commands_know_it(advertising):
    project = advertising
    send(project, 2, [str(uuid.uuid4())])
    send(project, 1, [str(uuid.uuid4()), str(uuid.uuid4())])
    run(project, "ad_traffic")
    table = next(one for one in project.get("/v1/lake", headers=project.admin()).json["tables"] if one["name"] == "advertising")
    assert (table["kind"], table["rows"], table["parquet_files"], table["archive_files"]) == ("table", 3, 2, 0)
    assert [(one["name"], one["rows"], one["files"]) for one in table["partitions"]] == [(f"dt={day(1)}", 2, 1), (f"dt={day(2)}", 1, 1)]
    listed = manifest(project, "advertising")
    assert [file["partition"] for file in listed["files"]] == [f"dt={day(2)}", f"dt={day(1)}"]
    assert [column["name"] for column in listed["columns"]] == ["impression_id", "ad_id", "impression_at", "click_at", "day"]
    assert json.loads((project.folder / ".weir/store/lake/advertising/manifest.json").read_text())["files"] == listed["files"]
    wait_for(lambda: {"name": "advertising", "kind": "table"} in [{key: one[key] for key in ("name", "kind")} for one in project.get(
        "/v1/catalog", headers=project.admin()).json["tables"]], "the catalog has it")
    path = paths(project, "advertising")[0]
    with open(path, "r+b") as file:
        file.seek(30)
        file.write(b"damage")
    assert "advertising" in project.weir("lake", "verify", code=3)
    project.weir("run", "advertising", "--force")
    project.weir("lake", "verify")
    project.weir("lake", "rebuild", "advertising", code=1)
    assert "no stream" in project.stderr
    for statement in ("DELETE FROM advertising", "INSERT INTO advertising SELECT * FROM advertising", "UPDATE advertising SET ad_id = NULL"):
        assert project.post("/v1/sql", {"sql": statement}, project.admin()).status == 403
        project.write("flows/bad.yaml", f"steps:\n  - {{name: bad, sql: {statement}}}\n")
        assert "derived table" in project.weir("plan", code=3)


def test_what_the_lake_cannot_have_is_told_at_plan_with_its_place(advertising):
    project = advertising
    project.write("tables/spans.sql", "---\nstored: lake\n---\nSELECT ad_id, INTERVAL 1 HOUR AS span FROM impressions")
    told = project.weir("plan", code=3)
    assert "tables/spans.sql" in told and "column span is of type INTERVAL" in told and "refused" in told
    project.write("tables/spans.sql", "---\nstored: lake\n---\nSELECT ad_id FROM impressions")
    for name, why in (("clicks", "clicks"), ("raw_clicks", "raw_clicks"), ("clicks_intake", "clicks_intake"), ("weir_mine", "weir_"),
                      ("clicks_quarantine", "_quarantine")):
        path = project.write(f"tables/{name}.sql", "---\nstored: lake\n---\nSELECT ad_id FROM impressions")
        project.weir("plan", code=1)
        assert f"tables/{name}.sql:1" in project.stderr and why in project.stderr, project.stderr
        path.unlink()
    # A stream that is detached still has its files there.
    (project.folder / "tables/spans.sql").unlink()
    project.write("streams/visits.yaml", "fields:\n  page: {type: string}\nwrite: public\n")
    project.weir("apply")
    (project.folder / "streams/visits.yaml").unlink()
    project.weir("apply")
    project.write("tables/visits.sql", "---\nstored: lake\n---\nSELECT ad_id FROM impressions")
    assert "which is detached" in project.weir("plan", code=3)


def test_a_table_that_is_removed_is_detached_and_goes_with_its_files(advertising):
    project = advertising
    project.write("tables/seen.sql", "---\nstored: lake\npartition: day\n---\nSELECT ad_id, CAST(occurred_at AS DATE) AS day FROM impressions")
    project.weir("apply")
    send(project, 1, [str(uuid.uuid4())])
    run(project, "seen")
    files = paths(project, "seen")
    (project.folder / "tables/seen.sql").unlink()
    assert "detach" in project.weir("apply")
    assert project.sql("SELECT count(*) FROM seen") == [[1]], "its content stays"
    project.stop()
    project.start()
    assert project.sql("SELECT count(*) FROM seen") == [[1]]
    project.weir("apply", "--drop")
    assert project.post("/v1/sql", {"sql": "SELECT count(*) FROM seen"}, project.admin()).status == 400
    assert not [path for path in (project.folder / ".weir/store/lake/seen").rglob("*") if path.is_file()]
    assert files and project.sql("SELECT count(*) FROM weir_lake_files WHERE table_name = 'seen'") == [[0]]
    project.weir("lake", "verify")


def test_who_is_forgotten_is_in_no_file_of_a_table_either(project):
    project.write("streams/visits.yaml", "fields:\n  user_id: {type: string, required: true, subject: true}\n  seen_at: timestamp\n"
                  "time: seen_at\nwrite: public\n")
    project.write("tables/per_user.sql", "---\nstored: lake\npartition: day\n---\nSELECT user_id, count(*) AS visits, "
                  "CAST(seen_at AS DATE) AS day FROM visits GROUP BY ALL")
    project.start()
    for ago in (2, 1):
        events = [{"user_id": user, "seen_at": f"{day(ago)} 12:00:00.000"} for user in ("gone-7d1c", "stays")]
        assert project.post("/v1/streams/visits", events).status == 200
        run(project, "per_user")
    run(project, "per_user", "--force")
    project.weir("lake", "forget", "visits", "--where", "user_id=gone-7d1c", "--yes")
    assert project.sql("SELECT user_id, visits FROM per_user ORDER BY day") == [["stays", 1], ["stays", 1]]
    there = sorted(str(path) for path in (project.folder / ".weir/store/lake/per_user").rglob("*.parquet"))
    assert there == sorted(paths(project, "per_user")), "what was replaced is gone at once"
    assert bare_equals(project, "per_user") == 2
    project.weir("lake", "verify")
