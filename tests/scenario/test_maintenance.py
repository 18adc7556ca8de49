"""What is ordered of the lake is a run: listed with its result, watched, stopped, left to the server, gone on with after kill -9."""
import json
import re
import signal
import subprocess
import uuid

import pytest
from conftest import BINARY, impression, wait_for
from test_lake_files import commit_some, manifest, settings
from test_requeue import MENDED, now_order, send, shop
from test_tables import day

SLEEPER = """max_active: 4
steps:
  - name: wait
    command: [sleep, "60"]
"""


def runs(project):
    return json.loads(project.weir("runs", "--json"))["runs"]


def detached(project, *arguments):
    return re.search(r"run (\S+) began", project.weir("lake", *arguments, "--detach")).group(1)


def watched(project, run, code=0):
    return json.loads(project.weir("runs", "watch", run, "--json", code=code))


def test_each_order_is_a_run_with_the_commands_answer_as_its_result(project):
    shop(project)
    for number in range(3):
        send(project, [now_order(number, amount=7), now_order(100 + number)])
        project.weir("lake", "drain")
    project.write("streams/orders.yaml", MENDED + "retention: 400d\n")
    project.weir("apply")
    answers = {kind: json.loads(project.weir("lake", *command, "--json"))
               for kind, command in {"compact": ["compact", "orders"], "rebuild": ["rebuild", "orders"],
                                     "requeue": ["requeue", "orders"], "retain": ["retain"]}.items()}
    assert answers["compact"]["files_before"] > answers["compact"]["files_after"]
    assert answers["requeue"]["accepted"] == 3 and answers["rebuild"]["records"] >= 3 and answers["retain"]["files"] == []
    listed = {run["kind"]: run for run in runs(project)}
    for kind, answer in answers.items():
        assert listed[kind]["state"] == "done" and listed[kind]["result"] == answer, listed[kind]
        assert listed[kind]["cause"]["by"] == "person"
    assert "compact orders" in project.weir("runs") and "run.ended" in project.output()
    # Without waiting; it is what was asked for, and the same words are refused before a run begins.
    again = watched(project, detached(project, "requeue", "orders"))
    assert (again["kind"], again["parameters"], again["result"]["entries"]) == ("requeue", {"stream": "orders"}, 0)
    before = len(runs(project))
    for wrong in (["compact", "order"], ["rebuild", "order"], ["retain", "order"], ["requeue", "order"]):
        project.weir("lake", *wrong, code=1)
        assert "orders" in project.stderr, (wrong, project.stderr)
    assert len(runs(project)) == before
    project.stop()
    project.weir("lake", "compact", "--detach", code=2)
    assert "weir serve" in project.stderr


def test_ctrl_c_leaves_the_run_to_the_server_and_stop_ends_it(advertising):
    project = advertising
    settings(project, "flows:\n  commands: [sleep]\n")
    project.write("flows/sleeper.yaml", SLEEPER)
    project.stop()
    project.start()
    # Nothing else can begin while these sleep.
    sleeping = [json.loads(project.weir("run", "sleeper", "--detach", "--json"))["id"] for _ in range(4)]
    wait_for(lambda: sum(run["state"] == "running" for run in runs(project)) == 4, "all sleep")
    waiting = subprocess.Popen([BINARY, "lake", "compact", "--dir", str(project.folder)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    [run] = wait_for(lambda: [run for run in runs(project) if run["kind"] == "compact"], "ordered")
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=20)
    assert waiting.returncode == 0 and out == "", (out, err)
    assert f"weir runs watch {run['id']}" in err and f"weir runs stop {run['id']}" in err
    second = detached(project, "compact", "impressions")
    project.weir("runs", "stop", second)
    assert watched(project, second, code=1)["state"] == "stopped"
    for one in sleeping:
        project.weir("runs", "stop", one)
    assert watched(project, run["id"])["state"] == "done"


def filled(project):
    """Three files a table, of days long past and of yesterday; what can be asked of them."""
    project.stop()
    settings(project, "lake:\n  compact_files: 0\n  replaced_keep: 0s\n")
    project.start()
    for _ in range(3):
        commit_some(project, 1, ago=20)
        commit_some(project, 1, ago=1)
    return project.sql("SELECT * FROM impressions ORDER BY _seq")


def kill_in(project, point, *order):
    """Orders it of a server that is killed at `point`; the next one goes on by itself. The run, as it ended."""
    project.stop()
    project.start(env={"WEIR_CRASH_AT": point})
    before = {run["id"] for run in runs(project)}
    # The server may be killed before it has answered.
    subprocess.run([BINARY, "lake", *order, "--detach", "--dir", str(project.folder)], capture_output=True, timeout=60, env=project.environment)
    wait_for(lambda: project.process.poll() is not None, f"killed at {point}")
    project.kill()
    project.start()
    (run,) = {run["id"] for run in runs(project)} - before
    ended = watched(project, run)
    assert ended["state"] == "done", ended
    project.weir("lake", "verify")
    return ended


@pytest.mark.parametrize("point", ["lake.swapped:2", "store/rename:3"])
def test_a_killed_compaction_goes_on_and_what_was_merged_stays_merged(advertising, point):
    project = advertising
    rows = filled(project)
    ended = kill_in(project, point, "compact")
    assert ended["result"]["files_before"] > 0
    assert len(manifest(project, "impressions")["files"]) == 2 and project.sql("SELECT * FROM impressions ORDER BY _seq") == rows
    assert "no small files" in project.weir("lake", "compact")


@pytest.mark.parametrize("point", ["lake.swapped:1", "lake.replaced_removed:1"])
def test_a_killed_retention_goes_on(advertising, point):
    project = advertising
    rows = filled(project)
    yaml = project.folder / "streams" / "impressions.yaml"
    yaml.write_text(yaml.read_text() + "\nretention: 14d\npast_max: 14d\n")
    project.weir("apply")
    kill_in(project, point, "retain", "impressions")
    assert project.sql("SELECT * FROM impressions ORDER BY _seq") == [row for row in rows if day(1) in str(row)]
    assert "nothing is past" in project.weir("lake", "retain")
    assert not list((project.folder / ".weir" / "store").glob(f"lake/impressions/dt={day(20)}/*.parquet"))


@pytest.mark.parametrize("point", ["lake.swapped:1", "store/before_rename:1"])
def test_a_killed_rebuild_begins_anew_and_mends_what_was_damaged(advertising, point):
    project = advertising
    rows = filled(project)
    store = project.folder / ".weir" / "store"
    (store / manifest(project, "impressions")["files"][0]["path"]).write_bytes(b"PAR1 no more")
    ended = kill_in(project, point, "rebuild", "impressions")
    assert ended["result"]["records"] == 6
    assert project.sql("SELECT * FROM impressions ORDER BY _seq") == rows
    assert json.loads(project.weir("lake", "rebuild", "impressions", "--json"))["partitions_changed"] == 0


def test_a_killed_requeue_goes_on_by_itself(project):
    shop(project)
    total = 3000
    for begin in range(0, total, 1000):
        send(project, [now_order(number) for number in range(begin, begin + 1000)])
    project.write("streams/orders.yaml", MENDED)
    project.weir("apply")
    run = detached(project, "requeue", "orders")
    wait_for(lambda: project.sql("SELECT count(*) FROM orders")[0][0] > 0, "it works")
    project.kill()
    project.start()
    ended = watched(project, run)
    assert project.sql("SELECT count(*), count(DISTINCT order_id) FROM orders") == [[total, total]]
    assert project.sql("SELECT count(*), count(DISTINCT entry) FROM orders_intake") == [[total, total]]
    assert 0 < ended["result"]["accepted"] <= total and ended["result"]["kept"] == 0
    project.weir("lake", "verify")
