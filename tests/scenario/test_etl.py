"""weir etl and weir lake crawl: foreign folders become events, once, whatever is repeated, killed or broken."""
import gzip
import json
import os
import subprocess

from conftest import BINARY, wait_for

VIEWS = """time: at
fields:
  page: {type: string, required: true}
  at: {type: timestamp, required: true}
  n: integer
"""


def shop(project, extra=""):
    project.write("weir.yaml", "name: shop\nlake:\n  commit_interval: 200ms\n" + extra)
    project.write("streams/views.yaml", VIEWS)
    return project.start()


def views(begin, end, day="2026-11-02"):
    return "".join(json.dumps({"page": f"p{n}", "at": f"{day} 08:30:00", "n": n}) + "\n" for n in range(begin, end))


def firehose(folder, begin, end, name="part-1.gz", day="2026/11/02"):
    target = folder / day / "08" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(views(begin, end, day.replace("/", "-")).encode(), mtime=0))


def counts(project):
    return project.sql("SELECT count(*), count(DISTINCT page) FROM views")[0]


def etl(project, *arguments, code=0):
    return json.loads(project.weir("etl", "views", "--json", *arguments, code=code))


def test_a_firehose_folder_is_loaded_once_beside_what_arrives(project):
    shop(project)
    folder = project.folder / "delivered"
    firehose(folder, 0, 3000)
    firehose(folder, 3000, 3010, "part-2.gz")
    (folder / "broken.json.gz").write_bytes(b"\x1f\x8b broken")
    (folder / "extra.csv").write_text("page,at,n\nq1,2026-11-20 08:00:00,7\nq2,never,8\n")
    project.post("/v1/streams/views", {"page": "live", "at": "2026-11-21 08:00:00"}, project.admin())
    run = etl(project, "--from", str(folder), code=1)
    assert run["state"] == "failed" and "broken.json.gz" in run["error"], run
    assert counts(project) == [3012, 3012]
    [[message]] = project.sql("SELECT message FROM views_quarantine")
    assert message.startswith("delivered/extra.csv:3: "), message
    # The Python job and the Scala job of old, one after another and at once.
    (folder / "broken.json.gz").unlink()
    (folder / "copy").mkdir()
    firehose(folder / "copy", 0, 3000, "other-name.gz")
    running = [subprocess.Popen([BINARY, "etl", "views", "--from", str(folder), "--dir", str(project.folder)],
                                stdout=subprocess.DEVNULL, env=project.environment) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]
    assert counts(project) == [3012, 3012]
    assert etl(project, "--from", str(folder) + "/")["state"] == "done"
    assert counts(project) == [3012, 3012]
    assert project.sql("SELECT DISTINCT strftime(_arrived_at, '%Y-%m-%d %H') FROM views WHERE page LIKE 'p%'") == [["2026-11-02 08"]]
    project.weir("lake", "drain")
    project.weir("lake", "verify")
    assert project.sql("SELECT count(*) FROM raw_views WHERE _day = 2 AND _hour = 8") == [[3010]]


def test_a_load_that_is_killed_goes_on_by_itself(project):
    shop(project)
    folder = project.folder / "in"
    for part in range(6):
        firehose(folder, part * 4000, (part + 1) * 4000, f"part-{part}.gz")
    for crash in ("journal/sync:8", "lake.before_commit:3", "store/rename:4"):
        project.stop()
        project.start(env={"WEIR_CRASH_AT": crash}, wait=False)
        wait_for(project.is_ready_or_dead, "ready or killed")
        if project.process.poll() is None:
            subprocess.run([BINARY, "etl", "views", "--from", str(folder), "--dir", str(project.folder)], capture_output=True,
                           env=project.environment, timeout=60)
        project.kill()
    project.start()
    wait_for(lambda: not project.get("/v1/runs?open=true", headers=project.admin()).json["runs"], "what was under way has ended")
    assert etl(project, "--from", str(folder))["state"] == "done"
    assert counts(project) == [24000, 24000]
    assert project.sql("SELECT count(*), sum(accepted) FROM (SELECT fingerprint, sum(accepted) AS accepted FROM views_intake GROUP BY 1)") == [[6, 24000]]


def test_old_events_only_if_asked_and_only_allowed_folders(project, tmp_path):
    shop(project)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.json").write_text(views(0, 3, "2019-01-01"))
    project.weir("etl", "views", "--from", str(outside), code=1)
    assert "lake: {foreign: [FOLDER]}" in project.stderr, project.stderr
    project.weir("etl", "views", "--from", str(project.folder / ".weir"), code=1)
    assert "weir's own state" in project.stderr
    inside = project.folder / "in"
    inside.mkdir()
    os.symlink(outside, inside / "link")
    (inside / "b.json").write_text(views(10, 12, "2019-01-01"))
    etl(project, "--from", str(inside))
    assert project.sql("SELECT count(*), min(reason) FROM views_quarantine") == [[2, "too_old"]]
    project.stop()
    shop(project, f"  foreign: [{outside}]\n")
    etl(project, "--from", str(outside), "--any-age")
    assert counts(project) == [3, 3]
    project.weir("etl", "view", "--from", str(outside), code=1)
    assert "views" in project.stderr


def test_a_crawl_shows_what_is_there_before_it_is_declared(project):
    shop(project)
    folder = project.folder / "orders"
    for number, extra in ((1, {}), (2, {"coupon": "x"})):
        target = folder / f"year=2026/month=1{number}" / "a.json"
        target.parent.mkdir(parents=True)
        target.write_text("".join(json.dumps({"order_id": f"{number}-{n}", "amount": n / 2 if extra else n, **extra}) + "\n" for n in range(60)))
    (folder / "bad.parquet").write_bytes(b"PAR1 not really")
    found = json.loads(project.weir("lake", "crawl", str(folder), "--json"))
    assert found["files"] == 3 and found["records"] == 120 and not found["declared"]
    assert [(one["name"], one["from"], one["to"]) for one in found["partitions"]] == [("month", "11", "12"), ("year", "2026", "2026")]
    assert "bad.parquet" in found["failures"][0]["file"] and "Parquet" in found["failures"][0]["error"]
    assert "coupon" in found["declaration"] and "amount" in found["declaration"]
    assert not (project.folder / "streams/orders.yaml").exists()
    project.weir("lake", "crawl", str(folder), "--declare")
    project.weir("plan", code=3)
    project.weir("apply")
    (folder / "bad.parquet").unlink()
    project.weir("lake", "crawl", str(folder))
    project.weir("etl", "orders", "--from", str(folder))
    assert project.sql("SELECT count(*), sum(amount) FROM orders") == [[120, 2655.0]]
    # New columns, other types, files that are gone: told, and the command says that it found something.
    (folder / "year=2026/month=11/a.json").unlink()
    (folder / "c.json").write_text('{"order_id": 5, "amount": 1, "channel": "web"}\n')
    changed = json.loads(project.weir("lake", "crawl", str(folder), "--json", code=3))
    assert {(one["change"], one["field"]) for one in changed["differences"]} >= {("new", "channel")}
    assert changed["fit"]["misfits"][0]["field"] == "order_id" and changed["fit"]["misfits"][0]["first"] == "c.json:1"
    assert changed["gone"] == ["orders/year=2026/month=11/a.json"]
