"""The lake's files through the real program: small ones are merged, and nothing that can be asked changes."""
import json
import random
import uuid

from conftest import impression, wait_for
from test_durability import Sender, check
from test_tables import day, run, send, traffic


def manifest(project, table):
    return json.loads(project.weir("lake", "manifest", table))


def compact(project, *arguments):
    return json.loads(project.weir("lake", "compact", *arguments, "--json"))


def settings(project, text):
    yaml = project.folder / "weir.yaml"
    yaml.write_text(yaml.read_text() + text)


def commit_some(project, commits, ago=0):
    for _ in range(commits):
        reply = project.post("/impressions", {"impressions": [impression(occurred_at=f"{day(ago)} 00:00:01.000")]})
        assert reply.json["failed_count"] == 0, reply
        project.weir("lake", "drain")


def test_compaction_makes_few_files_of_many_and_nothing_stale(advertising):
    project = advertising
    for _ in range(3):
        send(project, 1, [str(uuid.uuid4()) for _ in range(20)])
        project.weir("lake", "drain")
    run(project, "ad_traffic")
    rows = project.sql("SELECT * FROM impressions ORDER BY _seq")
    tables = project.get("/v1/tables", headers=project.admin()).json
    before = manifest(project, "impressions")
    assert len(before["files"]) == 3
    one = compact(project, "clicks", "--day", day(1))
    assert one["files_before"] == 3 and len(manifest(project, "impressions")["files"]) == 3
    done = compact(project)
    assert done["files_after"] < done["files_before"] and done["left_alone"] == 0
    after = manifest(project, "impressions")
    assert len(after["files"]) == 1 and after["version"] > before["version"] and after["cursor"] == before["cursor"]
    store = project.folder / ".weir" / "store"
    assert all((store / file["path"]).exists() for file in before["files"] + after["files"]), "replaced files stay a day"
    assert project.sql("SELECT * FROM impressions ORDER BY _seq") == rows
    assert project.get("/v1/tables", headers=project.admin()).json == tables, "nothing is stale"
    assert run(project, "ad_traffic")["tasks"] == []
    project.weir("lake", "verify")
    assert "no small files" in project.weir("lake", "compact")
    project.stop()
    assert "no small files" in project.weir("lake", "compact", "impressions"), "without a server too"
    assert "nothing" in project.weir("lake", "compact", "nothing", code=1) + project.stderr


def test_many_small_files_are_merged_by_themselves_and_the_old_ones_go(advertising):
    project = advertising
    project.stop()
    settings(project, "lake:\n  compact_files: 4\n  replaced_keep: 0s\n")
    project.start()
    commit_some(project, 4)
    wait_for(lambda: len(manifest(project, "impressions")["files"]) == 1, "merged by itself")
    folder = project.folder / ".weir" / "store"
    wait_for(lambda: len(list(folder.glob("lake/impressions/dt=*/*.parquet"))) == 1
             and len(list(folder.glob("raw/impressions/*/*/*/*/*.gz"))) <= 2, "the old ones are gone")
    assert project.sql("SELECT count(*) FROM impressions") == [[4]]
    project.weir("lake", "verify")


def test_survives_kills_while_it_merges(advertising, tmp_path):
    """Every point that a merge passes, under load: nothing acknowledged is lost or doubled, and verify agrees."""
    project = advertising
    project.stop()
    settings(project, "lake:\n  commit_interval: 100ms\n  compact_files: 2\n  replaced_keep: 0s\n")
    log = tmp_path / "points"
    project.start(env={"WEIR_CRASH_LOG": str(log)})
    commit_some(project, 3)
    project.weir("lake", "compact")
    project.stop()
    passed = {line.rsplit(" ", 1)[0] for line in log.read_text().splitlines()}
    assert {"lake.swapped", "lake.replaced_removed", "lake.before_commit"} <= passed, passed
    chance, acknowledged = random.Random(8), []
    for kill, name in enumerate(["lake.swapped", "lake.replaced_removed", "store/before_rename", "store/rename",
                                 "store/sync_directory", "control/before_commit", "lake.swapped"]):
        if name not in passed:
            continue
        project.start(env={"WEIR_CRASH_AT": f"{name}:{chance.randint(1, 3)}"}, wait=False)
        wait_for(project.is_ready_or_dead, "ready or killed")
        sender = Sender(project, kill)
        sender.start()
        wait_for(lambda: project.process.poll() is not None, f"killed at {name}")
        project.kill()
        sender.stopped = True
        sender.join(30)
        acknowledged += sender.acknowledged
    project.start()
    check(project, acknowledged)
    project.weir("lake", "compact")
    check(project, acknowledged)


def test_retention_removes_what_is_past_and_derived_tables_keep_what_they_computed(advertising):
    project = advertising
    ads = [str(uuid.uuid4()) for _ in range(3)]
    expected = {ago: send(project, ago, ads * 5, seed=ago) for ago in (20, 9, 1)}
    run(project, "ad_traffic")
    computed = project.sql("SELECT ad_id::VARCHAR, day::VARCHAR, impressions, clicks FROM ad_traffic ORDER BY ALL")
    for stream in ("impressions", "clicks"):
        yaml = project.folder / "streams" / f"{stream}.yaml"
        yaml.write_text(yaml.read_text() + "\nretention: 14d\npast_max: 14d\n")
    project.weir("apply")
    would = json.loads(project.weir("lake", "retain", "--dry-run", "--json"))
    assert {file["last_day"] for file in would["files"]} == {day(20)}
    assert project.sql("SELECT count(*) FROM impressions") == [[45]], "a dry run removes nothing"
    done = json.loads(project.weir("lake", "retain", "--json"))
    assert [file["path"] for file in done["files"]] == [file["path"] for file in would["files"]]
    assert "nothing is past" in project.weir("lake", "retain")
    assert project.sql("SELECT count(*) FROM impressions") == [[30]]
    store = project.folder / ".weir" / "store"
    assert not [path for stream in ("impressions", "clicks") for path in store.glob(f"lake/{stream}/dt={day(20)}/*.parquet")]
    assert list(store.glob("raw/impressions/*/*/*/*/*.gz")), "the archive file holds younger events too"
    project.weir("lake", "verify")
    # Neither time, force nor another SELECT takes away what was computed from the day that is gone.
    assert run(project, "ad_traffic")["tasks"] == []
    project.weir("run", "ad_traffic", "--force")
    assert project.sql("SELECT ad_id::VARCHAR, day::VARCHAR, impressions, clicks FROM ad_traffic ORDER BY ALL") == computed
    sql = project.folder / "tables" / "advertising.sql"
    sql.write_text(sql.read_text().replace("AS DATE) AS day", "AS DATE) AS day,\n  1 AS one"))
    project.weir("apply")
    run(project, "ad_traffic")
    assert project.sql("SELECT ad_id::VARCHAR, day::VARCHAR, impressions, clicks FROM ad_traffic ORDER BY ALL") == computed
    assert project.sql("SELECT count(*), count(one) FROM advertising") == [[45, 30]], "taken over, without the new column"
    for ago, counts in expected.items():
        assert traffic(project, ago) == counts
    # Clicks of that day belong to impressions of the day before, too.
    partitions = project.get("/v1/tables/advertising", headers=project.admin()).json["partitions"]
    assert [one["partition"] for one in partitions if one["input_is_past"]] == [day(21), day(20)]
    project.weir("lake", "rebuild", "impressions")
    assert project.sql("SELECT count(*) FROM impressions") == [[30]], "a rebuild honours it"


def test_rebuild_mends_what_was_removed_by_hand(advertising):
    project = advertising
    for _ in range(2):
        send(project, 1, [str(uuid.uuid4()) for _ in range(20)])
        project.weir("lake", "drain")
    run(project, "ad_traffic")
    rows = project.sql("SELECT * FROM impressions ORDER BY _seq")
    traffic = project.sql("SELECT * FROM ad_traffic ORDER BY ALL")
    store = project.folder / ".weir" / "store"
    (store / manifest(project, "impressions")["files"][0]["path"]).unlink()
    project.weir("lake", "verify", code=3)
    done = json.loads(project.weir("lake", "rebuild", "impressions", "--json"))
    assert done["damaged_files"] == 1 and done["partitions_changed"] == 1 and done["records"] == 40
    project.weir("lake", "verify")
    assert project.sql("SELECT * FROM impressions ORDER BY _seq") == rows
    again = json.loads(project.weir("lake", "rebuild", "impressions", "--json"))
    assert again["partitions_changed"] == 0
    run(project, "ad_traffic")
    assert project.sql("SELECT * FROM ad_traffic ORDER BY ALL") == traffic
    assert "nothing" in project.weir("lake", "rebuild", "nothing", code=1) + project.stderr
