"""A disk that is full: refused in words, read on, healed by room alone, and nothing acknowledged is lost or counted twice.

The project lies on a small file system of its own, so that these tests fill nobody else's disk."""
import collections
import contextlib
import os
import re
import subprocess
import time
import uuid

import pytest
from conftest import BINARY, Project, wait_for

MIB = 1 << 20
# A record is a page and more, so that a small disk fills quickly.
STREAM = """fields:
  note_id: uuid
  at: timestamp
  text: string
key: note_id
time: at
write: public
beacon: {path: /notes, batch: notes}
"""
SETTINGS = """name: small
journal: {segment_bytes: 4MiB}
lake: {commit_interval: 200ms}
"""


@contextlib.contextmanager
def mounted(folder, mib):
    """A file system in memory of `mib` MiB; the test is skipped where nothing may be mounted."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "weir-test", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Disk:
    """The small file system under a project, and the ballast that fills it."""

    def __init__(self, folder):
        self.ballast = folder / "ballast"

    def fill(self):
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (MIB, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)

    def free(self):
        self.ballast.unlink()


@pytest.fixture
def small(tmp_path):
    with mounted(tmp_path / "disk", 96) as folder:
        project = Project(folder / "shop")
        project.folder.mkdir()
        project.write("weir.yaml", SETTINGS)
        project.write("streams/notes.yaml", STREAM)
        project.disk = Disk(folder)
        # The server's own output is not what is tested to fit.
        project.log_path = tmp_path / "server.log"
        yield project
        project.kill()


def note(size=2000):
    return {"note_id": str(uuid.uuid4()), "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "text": os.urandom(size // 2).hex()}


class Sender:
    """Sends batches and keeps what was acknowledged and what was refused."""

    def __init__(self, project):
        self.project, self.acknowledged, self.refused = project, [], []

    def send(self, notes):
        reply = self.project.post("/v1/streams/notes", notes)
        assert reply.status in (200, 507), reply
        verdicts = reply.json["records"]
        assert len(verdicts) == len(notes)
        for one, verdict in zip(notes, verdicts):
            if verdict["status"] in ("accepted", "duplicate"):
                self.acknowledged.append(one["note_id"])
            else:
                assert (verdict["status"], verdict["code"], verdict["retryable"]) == ("refused", "no_space", True), verdict
                self.refused.append(one)
        return reply

    def until_full(self):
        """Sends beside a disk that is kept full, until what the journal has ready does not even take one small event."""
        self.fill_journal()
        # A commit that was under way may have made room once more; one that fails shows that none is.
        wait_for(lambda: metric(self.project, "weir_lake_commit_failures_total") > 0, "a commit of the lake fails")
        self.fill_journal()

    def fill_journal(self):
        for count in (100, 1):
            for _ in range(200):
                self.project.disk.fill()
                if self.send([note() if count > 1 else note(2) for _ in range(count)]).status == 507:
                    break
            else:
                pytest.fail("a full disk takes events for ever")


def health(project):
    reply = project.get("/health/ready")
    return reply.status, {check["name"]: check for check in reply.json["checks"]}


def metric(project, name):
    text = project.get("/metrics").body.decode()
    return float(re.search(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M).group(1))


def check_once_each(project, sender):
    times = collections.Counter(row[0] for row in project.sql("SELECT CAST(note_id AS VARCHAR) FROM notes"))
    assert not [key for key, count in times.items() if count > 1], "doubled"
    assert set(sender.acknowledged) <= set(times), "lost"
    # Nothing was kept of what was refused and never sent again.
    assert set(times) == set(sender.acknowledged)
    project.weir("lake", "drain")
    assert "agree" in project.weir("lake", "verify")


def test_a_full_disk_refuses_in_words_reads_on_and_heals_by_itself(small):
    small.start()
    small.admin()
    sender = Sender(small)
    sender.send([note() for _ in range(100)])
    small.weir("lake", "drain")
    sender.send([note() for _ in range(100)])
    sender.until_full()

    # Whole requests, single records and the seed's form are refused; a client can tell that it is worth a retry.
    whole = small.post("/v1/streams/notes", [note(), note()])
    assert whole.status == 507 and {record["code"] for record in whole.json["records"]} == {"no_space"}
    beacon = small.post("/notes", {"notes": [note(), note()]})
    assert beacon.status == 200 and beacon.json["failed_count"] == 2
    assert {(record["failed"], record["error_code"]) for record in beacon.json["records"]} == {(True, "ServiceUnavailableException")}
    for told in (beacon.json["records"][0]["error_message"], whole.json["records"][0]["message"]):
        assert "disk is full" in told and str(small.folder) not in told, "paths are not for whoever sends events"

    # It says so.
    status, checks = health(small)
    assert status == 503 and not checks["journal"]["ok"] and "full" in checks["journal"]["detail"]
    assert small.get("/health/live").status == 200
    state = small.get("/v1/status", headers=small.admin()).json
    assert state["journal"]["full"] and not state["ready"] and any("full" in warning for warning in state["warnings"])
    assert "FULL" in small.weir("status")
    assert metric(small, "weir_journal_full") == 1
    assert "No space left" in small.get("/v1/status", headers=small.admin()).json["lake"]["error"]

    # Reading goes on.
    [[count]] = small.sql("SELECT count(*) FROM notes")
    assert count == len(sender.acknowledged)
    assert small.sql("SELECT count(*) FROM notes ORDER BY 1 LIMIT 1") == [[count]]
    assert small.get("/").status == 200
    assert small.get("/v1/streams/notes", headers=small.admin()).json["accepted"] == count
    assert len(small.get("/v1/streams/notes/events?limit=5", headers=small.admin()).json["events"]) == 5
    # What needs room in the control database fails and says why.
    token = small.post("/v1/tokens", {"role": "read", "label": "x" * 200}, small.admin())
    assert token.status == 507 and "free some space" in token.json["error"]["hint"], token
    assert small.post("/v1/session", {"token": small.token}).status == 200, "signing in needs no disk"

    # Room alone heals it.
    small.disk.free()
    wait_for(lambda: small.get("/health/ready").status == 200, "ready again")
    for start in range(0, len(sender.refused), 100):
        assert sender.send(sender.refused[start:start + 100]).status == 200
    assert metric(small, "weir_journal_full") == 0
    state = wait_for(lambda: (lambda it: it if "error" not in it["lake"] else None)(small.get("/v1/status", headers=small.admin()).json),
                     "the lake commits again")
    assert state["ready"] and not state["journal"]["full"]
    assert small.post("/v1/tokens", {"role": "read", "label": "x"}, small.admin()).status == 200
    check_once_each(small, sender)
    assert small.stop() == 0


def test_a_server_stops_and_starts_on_a_full_disk(small):
    small.start()
    small.admin()
    sender = Sender(small)
    sender.send([note() for _ in range(100)])
    sender.until_full()
    # What the lake lacks lies in the journal: nothing is lost by ending now, and it does not take long.
    assert small.stop(20) == 0, small.output()
    small.disk.fill()
    small.start(wait=False)
    wait_for(lambda: small.process.poll() is not None or "ready at" in small.output()[small.log_begin:], "started")
    assert small.process.poll() is None, small.output()
    assert health(small)[0] == 503
    assert small.sql("SELECT count(*) FROM notes") == [[len(sender.acknowledged)]]
    assert small.post("/v1/streams/notes", note()).status == 507
    small.kill()
    small.disk.fill()
    small.start(wait=False)
    wait_for(lambda: small.process.poll() is not None or "ready at" in small.output()[small.log_begin:], "started after a kill")
    small.disk.free()
    wait_for(lambda: small.get("/health/ready").status == 200, "ready again")
    sender.send(sender.refused[:100])
    check_once_each(small, sender)


def test_a_first_start_on_a_full_disk_says_so_in_one_line(small):
    small.disk.fill()
    done = subprocess.run([BINARY, "serve", "--dir", str(small.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and ("full" in errors[0] or "No space left" in errors[0]), done.stderr
    small.disk.free()
    small.start()
    assert small.post("/v1/streams/notes", note()).json["accepted"] == 1
