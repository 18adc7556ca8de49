"""scripts/demo --only review with the program that is there: what it says is what lies on the disk, and its PostgreSQL is gone with it, however it ends."""
import json
import os
import pathlib
import signal
import subprocess

import pytest
from conftest import BINARY, ROOT, wait_for

FOLDER = ROOT / "build/demo-review"


def start(*options):
    return subprocess.Popen([ROOT / "scripts/demo", "--only", "review", "--port", "0", *options], env={**os.environ, "WEIR_BIN": str(pathlib.Path(BINARY).resolve())},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def scratch():
    return pathlib.Path((ROOT / "build/demo-review.folder").read_text().strip())


def test_the_reviews_are_really_run(tmp_path):
    demo = start("--exit", "--json", str(tmp_path / "out.json"))
    told, _ = demo.communicate(timeout=120)
    assert demo.returncode == 0, told
    out = json.loads((tmp_path / "out.json").read_text())
    reviews = {one["review"]: one for one in out["review"]["reviews"]}
    assert list(reviews) == ["shop", "postgres", "warehouse", "automated"] and out["ok"] is True
    for key in ("checks", "red", "yellow", "report_bytes"):
        assert out["review"][key] == sum(one[key] for one in reviews.values()), key
    assert out["review"]["rounds"] == reviews["shop"]["rounds"] >= 2 and reviews["shop"]["finished_later"] == ["LateOrders"]
    for one in reviews.values():
        report = pathlib.Path(one["report"])
        said = json.loads((report.parent / "report.json").read_text())
        assert report.stat().st_size == one["report_bytes"] > 5_000 and one["report"] in told
        assert (said["counts"]["red"], said["counts"]["yellow"]) == (one["red"], one["yellow"])
    # The lock was real: round 1's manifest says that the query failed.
    manifests = [json.loads(path.read_text()) for path in pathlib.Path(reviews["shop"]["report"]).parent.glob("manifest/round-1-*")]
    failed = [query["query"] for manifest in manifests for query in manifest["queries"] if query["status"] == "FAILED"]
    assert failed == ["LateOrders"]
    found = {signal["signal"] for section in json.loads((pathlib.Path(reviews["postgres"]["report"]).parent / "report.json").read_text())["sections"]
             for query in section["queries"] for signal in query["signals"] if signal["colour"] in ("red", "yellow")}
    assert {"indexes that no statement may use", "sequences near their end", "tables that everybody may change", "foreign keys without an index", "tables that miss an index"} <= found
    assert (pathlib.Path(reviews["automated"]["report"]).parent / "html/review.html").exists()
    wait_for(lambda: not scratch().exists(), "its PostgreSQL is gone")


def test_a_killed_demo_takes_its_postgresql_along():
    demo = start()
    for line in demo.stdout:
        if "serving until" in line:
            break
    else:
        pytest.fail("it ended by itself")
    folder = scratch()
    server = int((folder / "postgres/data/postmaster.pid").read_text().split()[0])
    other = start("--exit")
    told, _ = other.communicate(timeout=60)
    assert other.returncode == 1 and "runs from this folder already" in told and folder.exists()
    demo.send_signal(signal.SIGKILL)
    demo.wait()
    wait_for(lambda: not folder.exists(), "its PostgreSQL is gone")
    status = pathlib.Path(f"/proc/{server}/status")
    assert not status.exists() or "Z (zombie)" in status.read_text()


@pytest.mark.parametrize("options, told", [
    (["--only", "nothing"], "there is no demo of 'nothing' alone"), (["--seed", "/nowhere", "--only", "review"], "there is no /nowhere/config.json"), (["--seed", "."], "--seed is for the reviews"),
])
def test_wrong_options_are_told_before_anything_is_done(options, told):
    done = subprocess.run([ROOT / "scripts/demo", *options], env={**os.environ, "WEIR_BIN": BINARY}, capture_output=True, text=True)
    assert done.returncode == 1 and told in done.stderr
