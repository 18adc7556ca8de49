"""The lake's files through the real program: small ones are merged, and nothing that can be asked changes."""
import json
import random
import uuid

from conftest import impression, wait_for
from test_durability import Sender, check
from test_tables import day, run, send


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
