"""Derived tables through the real program: declared, computed, corrected by late events, killed in the middle."""
import json
import os
import random
import shutil
import subprocess
import time
import uuid

from conftest import BINARY, ROOT, wait_for


def day(ago):
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400 * ago))


def at(ago, clock):
    """That day at that time; today at its begin, as the time may still be to come."""
    return f"{day(ago)} {clock if ago > 0 else '00:00:' + clock[-2:]}.000"


def send(project, ago, ads, clicked=0.3, seed=0, clock="12:00:00"):
    """Impressions of that day, some of them clicked; returns what the tables must say of them: ad → [impressions, clicks]."""
    chance, expected = random.Random(seed), {}
    impressions, clicks = [], []
    for ad in ads:
        event = {"impression_id": str(uuid.uuid4()), "ad_id": ad, "occurred_at": at(ago, clock)}
        impressions.append(event)
        counts = expected.setdefault(ad, [0, 0])
        counts[0] += 1
        if chance.random() < clicked:
            counts[1] += 1
            clicks.append({"impression_id": event["impression_id"], "ad_id": ad, "occurred_at": at(ago, "12:00:09")})
    for batch, path in ((impressions, "impressions"), (clicks, "clicks")):
        for i in range(0, len(batch), 500):
            reply = project.post(f"/{path}", {path: batch[i:i + 500]})
            assert reply.status == 200 and reply.json["failed_count"] == 0, reply
    return expected


def traffic(project, ago):
    rows = project.sql(f"SELECT ad_id::VARCHAR, impressions, clicks FROM ad_traffic WHERE day = DATE '{day(ago)}'")
    return {row[0]: row[1:] for row in rows}


def run(project, *arguments, code=0):
    return json.loads(project.weir("run", *arguments, "--json", code=code))


def computed(view):
    return [(task["step"], task["what"]) for task in view["tasks"] if task["state"] == "done"]


def test_the_example_counts_every_ad_of_every_day_and_running_again_changes_nothing(advertising):
    project = advertising
    ads = [str(uuid.uuid4()) for _ in range(5)]
    expected = {ago: send(project, ago, ads * 20, seed=ago) for ago in (3, 2, 1)}
    view = run(project, "ad_traffic")
    assert view["state"] == "done" and view["tasks_done"] == view["tasks_known"]
    assert {step for step, _ in computed(view)} == {"advertising", "ad_traffic"}
    for ago, counts in expected.items():
        assert traffic(project, ago) == counts
    before = project.sql("SELECT * FROM ad_traffic ORDER BY ALL")
    again = run(project, "ad_traffic")
    assert again["state"] == "done" and again["tasks"] == []
    assert project.sql("SELECT * FROM ad_traffic ORDER BY ALL") == before
    assert "everything was fresh" in project.weir("run", "ad_traffic")


def test_an_ad_without_clicks_is_there_and_a_click_after_midnight_counts_for_yesterday(advertising):
    project, ad, quiet = advertising, str(uuid.uuid4()), str(uuid.uuid4())
    send(project, 2, [quiet], clicked=0)
    shown = {"impression_id": str(uuid.uuid4()), "ad_id": ad, "occurred_at": f"{day(2)} 23:59:59.900"}
    project.post("/impressions", {"impressions": [shown]})
    run(project, "ad_traffic")
    assert traffic(project, 2) == {quiet: [1, 0], ad: [1, 0]}
    click = {"impression_id": shown["impression_id"], "ad_id": ad, "occurred_at": f"{day(1)} 00:00:00.000"}
    project.post("/clicks", {"clicks": [click, dict(click, click_id=str(uuid.uuid4()))]})  # clicked twice: one impression
    view = run(project, "ad_traffic")
    assert ("advertising", day(2)) in computed(view)
    assert traffic(project, 2) == {quiet: [1, 0], ad: [1, 1]}


def test_states_agree_on_page_and_command_and_a_late_event_makes_its_day_stale(advertising):
    project, ad = advertising, str(uuid.uuid4())
    send(project, 2, [ad])
    send(project, 1, [ad])
    run(project, "ad_traffic")
    tables = {table["name"]: table for table in project.get("/v1/tables", headers=project.admin()).json["tables"]}
    assert tables["ad_traffic"]["reads"] == ["advertising"] and tables["advertising"]["read_by"] == ["ad_traffic"]
    assert tables["advertising"]["reads"] == ["impressions", "clicks"]
    assert tables["advertising"]["partitions_stale"] == 0 and tables["advertising"]["rows"] == 2
    send(project, 2, [ad], clock="07:00:00", clicked=0)
    project.weir("lake", "drain")
    one = project.get("/v1/tables/advertising", headers=project.admin()).json
    assert one["stale"] == [day(2)]
    runs = json.loads(project.weir("runs", "--json"))["runs"]
    assert [entry["name"] for entry in runs] == ["ad_traffic"] and runs[0]["state"] == "done"
    assert runs[0]["cause"]["by"] == "person"
    assert "ad_traffic" in project.weir("runs")


def test_a_table_says_why_a_day_is_stale_and_which_test_failed(advertising):
    project = advertising
    send(project, 2, [str(uuid.uuid4())])
    run(project, "ad_traffic")
    send(project, 1, [str(uuid.uuid4())])
    send(project, 2, [str(uuid.uuid4())])
    project.post("/v1/lake/drain", {}, headers=project.admin())
    table = project.get("/v1/tables/advertising", headers=project.admin()).json
    assert table["stale_because"] == {day(1): "never computed", day(2): "its inputs changed"}
    assert {(test["name"], test["kind"]) for test in table["tests"]} >= {("grain", "unique"), ("not_null_ad_id", "not_null")} and table["failures"] == []
    text = (project.folder / "tables/advertising.sql").read_text()
    project.write("tables/advertising.sql", text.replace("grain: [impression_id]", "grain: [impression_id]\ntests:\n  - {name: never_true, sql: SELECT 1}"))
    project.weir("apply")
    view = run(project, "advertising", code=1)
    failed = project.get("/v1/tables/advertising", headers=project.admin()).json["failures"]
    assert view["state"] == "failed"
    assert {one["partition"] for one in failed} <= {day(1), day(2)} and all(one["run"] == view["id"] and "never_true" in [test["test"] for test in one["tests"]] for one in failed)


def test_the_lake_lists_its_tables_by_partition(advertising):
    project = advertising
    send(project, 1, [str(uuid.uuid4()) for _ in range(3)])
    assert {table["name"]: table["rows"] for table in project.get("/v1/lake", headers=project.admin()).json["tables"]}.keys() >= {"clicks", "impressions"}
    project.post("/v1/lake/drain", {}, headers=project.admin())
    lake = project.get("/v1/lake", headers=project.admin()).json
    table = next(one for one in lake["tables"] if one["name"] == "impressions")
    assert lake["waiting_rows"] == 0 and lake["version"] >= 1
    assert (table["kind"], table["time_field"], table["rows"], table["parquet_files"]) == ("stream", "occurred_at", 3, 1)
    assert [(one["name"], one["rows"], one["files"]) for one in table["partitions"]] == [(f"dt={day(1)}", 3, 1)]


def test_nobody_loads_rows_into_a_derived_table(advertising, tmp_path):
    (tmp_path / "x.csv").write_text("ad_id,day\n1,2026-11-20\n")
    advertising.weir("load", str(tmp_path / "x.csv"), "--table", "Ad_Traffic", code=1)
    assert "is a derived table" in advertising.stderr


def test_mistakes_are_told_at_plan_with_their_place(project):
    shutil.copytree(ROOT / "examples" / "advertising", project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".weir"))
    project.write("tables/a.sql", "---\npartition: dya\ntest: []\n---\nSELECT 1 AS day")
    project.write("tables/b.sql", "---\n---\n\nSELECT *\nFROM read_csv('/etc/passwd')")
    project.write("tables/c.sql", "SELECT ad_id FROM impresions")
    project.write("tables/d.sql", "SELECT * FROM e")
    project.write("tables/e.sql", "SELECT * FROM d")
    project.weir("plan", code=1)
    assert "tables/a.sql:3" in project.stderr and "tests" in project.stderr
    assert "tables/b.sql:5" in project.stderr and "read_csv" in project.stderr
    for name in "ab":
        os.remove(project.folder / f"tables/{name}.sql")
    told = project.weir("plan", code=3)
    assert "'impresions', which is neither a stream nor a table" in told and "impressions" in told
    assert "made of itself: d → e → d" in told
    project.write("tables/c.sql", "SELECT ad_id FROM impressions")
    for name in "de":
        os.remove(project.folder / f"tables/{name}.sql")
    assert "table c" in project.weir("plan", code=3)
    project.weir("apply")
    project.weir("run", "nosuch", code=1)
    assert "no derived table" in project.stderr


def test_a_backfill_killed_again_and_again_equals_a_clean_run(advertising, request):
    project = advertising
    ads = [str(uuid.uuid4()) for _ in range(20)]
    expected = {ago: send(project, ago, ads * 25, seed=ago) for ago in range(1, 13)}
    project.weir("lake", "drain")
    arguments = ["backfill", "ad_traffic", "--from", day(20), "--to", day(0)]
    chance, kills = random.Random(7), 0
    while kills < request.config.getoption("--kills") // 2:  # --kills 40: twenty times
        command = subprocess.Popen([BINARY, *arguments, "--dir", str(project.folder)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.02, 0.25))
        project.kill()
        command.wait(30)
        kills += 1
        project.start()
    # The server goes on by itself with the runs that were under way.
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], "all runs ended")
    project.weir(*arguments)
    for ago, counts in expected.items():
        assert traffic(project, ago) == counts, day(ago)
    assert project.sql("SELECT count(*) FROM (SELECT 1 FROM ad_traffic GROUP BY ad_id, day HAVING count(*) > 1)") == [[0]]
    assert {run["state"] for run in json.loads(project.weir("runs", "--json"))["runs"]} == {"done"}


def test_runs_work_without_a_server_and_a_changed_select_is_computed_again(project):
    shutil.copytree(ROOT / "examples" / "advertising", project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".weir"))
    project.start()
    ad = str(uuid.uuid4())
    send(project, 1, [ad, ad])
    assert project.stop() == 0
    assert run(project, "ad_traffic")["state"] == "done"
    path = project.folder / "tables/ad_traffic.sql"
    path.write_text(path.read_text().replace("count(*) AS impressions", "count(*) AS impressions, 'v2' AS version"))
    assert "computed again" in project.weir("plan", code=3)
    project.weir("apply")
    view = run(project, "ad_traffic")
    assert [step for step, _ in computed(view)] == ["ad_traffic"]
    assert json.loads(project.weir("sql", "SELECT DISTINCT version FROM ad_traffic", "--json"))[0]["version"] == "v2"


def test_a_flow_is_run_by_hand_planned_with_its_next_time_and_told_its_mistakes(advertising):
    project, ad = advertising, str(uuid.uuid4())
    send(project, 1, [ad])
    view = run(project, "daily")
    assert view["kind"] == "flow" and view["state"] == "done"
    assert {step for step, _ in computed(view)} >= {"advertising", "ad_traffic"}
    flows = project.get("/v1/flows", headers=project.admin()).json["flows"]
    assert flows[0]["name"] == "daily" and flows[0]["next_at"].endswith("T00:05:00.000000Z")
    assert flows[0]["last_run"]["id"] == view["id"]
    status = project.weir("status")
    assert "at 00:05 every day" in status and "ad_traffic" in status
    project.write("flows/broken.yaml", "schedule: '61 0 * * *'\nzone: Europe/Berln\nsteps:\n  - tables: [x]\n")
    project.weir("plan", code=1)
    assert "flows/broken.yaml:1" in project.stderr and "Europe/Berlin" in project.stderr
    project.write("flows/broken.yaml", "triggers: [{arrival: clicsk}]\nsteps:\n  - tables: [ad_trafic]\n")
    told = project.weir("plan", code=3)
    assert "the table 'ad_trafic', which is not declared" in told and "the stream 'clicsk'" in told


def test_an_arrival_starts_a_flow(advertising):
    project, ad = advertising, str(uuid.uuid4())
    project.write("flows/live.yaml", "triggers:\n  - {arrival: impressions, quiet: 1s}\nsteps:\n  - tables: [ad_traffic]\n")
    project.weir("apply")
    send(project, 1, [ad], clicked=0)
    wait_for(lambda: project.get("/v1/tables/ad_traffic", headers=project.admin()).json["rows"] == 1, "the table was computed")
    runs = json.loads(project.weir("runs", "--of", "live", "--json"))["runs"]
    assert runs[0]["cause"]["by"] == "arrival"
