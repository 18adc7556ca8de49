"""More events than the disk takes: senders are told to come back, memory stays bounded, and whoever comes back with the same ids
ends with each event exactly once."""
import collections
import http.client
import json
import os
import socket
import threading
import time
import uuid

import pytest
from conftest import wait_for

SETTINGS = """name: narrow
limits: {queued_bytes: 1MiB, index_memory: 16MiB}
lake: {commit_interval: 200ms, commit_bytes: 4MiB}
journal: {segment_bytes: 16MiB}
"""
STREAM = """fields:
  note_id: uuid
  text: string
key: note_id
write: public
beacon: {path: /notes, batch: notes}
"""
# Well above what the program needs at rest, well below what it would need to keep what is sent here.
RSS_MAX = 400 << 20


@pytest.fixture
def narrow(project):
    project.write("weir.yaml", SETTINGS)
    project.write("streams/notes.yaml", STREAM)
    return project.start()


def notes(count, size):
    text = os.urandom(size // 2).hex()
    return [{"note_id": str(uuid.uuid4()), "text": text} for _ in range(count)]


class Sender(threading.Thread):
    """Sends the same batch until it is taken, as the answer tells: at once where it is patient with nobody."""

    def __init__(self, project, batches, count, size, retries=True):
        super().__init__(daemon=True)
        self.project, self.batches, self.count, self.size, self.retries = project, batches, count, size, retries
        self.acknowledged, self.refused, self.statuses, self.wrong = [], [], collections.Counter(), []

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.project.port, timeout=60)
        for _ in range(self.batches):
            batch = notes(self.count, self.size)
            while not self.attempt(connection, batch) and self.retries and not self.wrong:
                time.sleep(0.01)  # a polite client would wait as long as Retry-After says
        connection.close()

    def attempt(self, connection, batch):
        connection.request("POST", "/v1/streams/notes", json.dumps(batch), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        self.statuses[answer.status] += 1
        if answer.status not in (200, 429):
            self.wrong.append(body)
            return False
        for one, verdict in zip(batch, body["records"], strict=True):
            if verdict["status"] in ("accepted", "duplicate"):
                self.acknowledged.append(one["note_id"])
            elif (verdict["status"], verdict["code"], verdict["retryable"]) == ("refused", "busy", True):
                self.refused.append(one["note_id"])
            else:
                self.wrong.append(verdict)
        if answer.status == 429 and int(answer.headers["Retry-After"]) < 1:
            self.wrong.append(dict(answer.headers))
        return answer.status == 200


def overload(project, **options):
    senders = [Sender(project, **options) for _ in range(12)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(100)
        assert not sender.is_alive() and not sender.wrong, sender.wrong[:3]
    return senders


def peak_rss(project):
    with open(f"/proc/{project.process.pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))


def kept(project):
    times = collections.Counter(row[0] for row in project.sql("SELECT CAST(note_id AS VARCHAR) FROM notes"))
    assert not [key for key, count in times.items() if count > 1], "doubled"
    return set(times)


def check_recovered(project, acknowledged):
    """Calm again: one event is taken, and all that was acknowledged is in the lake's files too."""
    assert project.post("/v1/streams/notes", notes(1, 10)).json["accepted"] == 1
    project.weir("lake", "drain")
    wait_for(lambda: project.get("/v1/status", headers=project.admin()).json["journal"]["queued_bytes"] == 0, "nothing waits")
    [rows] = [one["rows_in_lake"] for one in project.get("/v1/streams", headers=project.admin()).json["streams"]]
    assert rows == len(acknowledged) + 1
    assert "agree" in project.weir("lake", "verify")
    assert peak_rss(project) < RSS_MAX


def test_senders_beyond_the_limit_are_told_to_come_back_and_nothing_else_is_kept(narrow):
    senders = overload(narrow, batches=25, count=30, size=20_000, retries=False)
    statuses = sum((sender.statuses for sender in senders), collections.Counter())
    assert statuses[200] > 0 and statuses[429] > 0, statuses
    acknowledged = [key for sender in senders for key in sender.acknowledged]
    assert kept(narrow) == set(acknowledged)
    metrics = narrow.get("/metrics").body.decode()
    refused = sum(len(sender.refused) for sender in senders)
    assert f'weir_journal_refused_total{{reason="busy"}} {statuses[429]}\n' in metrics
    assert f'outcome="refused",stream="notes"}} {refused}\n' in metrics or f'stream="notes",outcome="refused"}} {refused}\n' in metrics
    check_recovered(narrow, acknowledged)


def test_whoever_comes_back_with_the_same_ids_ends_with_each_once(narrow):
    senders = overload(narrow, batches=8, count=30, size=20_000)
    acknowledged = [key for sender in senders for key in sender.acknowledged]
    assert sum(sender.statuses[429] for sender in senders) > 0
    assert len(acknowledged) == len(set(acknowledged)) == 12 * 8 * 30
    assert kept(narrow) == set(acknowledged)
    check_recovered(narrow, acknowledged)


def test_clients_that_hang_up_and_send_again_do_not_double_anything(narrow):
    batches = [notes(30, 2_000) for _ in range(40)]
    for batch in batches:
        body = json.dumps(batch).encode()
        with socket.create_connection(("127.0.0.1", narrow.port)) as hasty:
            hasty.sendall(b"POST /v1/streams/notes HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    for batch in batches:
        reply = narrow.post("/v1/streams/notes", batch)
        assert reply.json["accepted"] + reply.json["duplicates"] == len(batch), reply
    sent = [one["note_id"] for batch in batches for one in batch]
    assert kept(narrow) == set(sent)
    check_recovered(narrow, sent)


def test_a_beacons_clients_hear_it_per_record(narrow):
    """The seed's form has no status for it: each record says that it may be sent again."""
    bodies = [json.dumps({"notes": notes(30, 20_000)}) for _ in range(40)]
    answers = []

    def send(part):
        for body in part:
            answers.append(narrow.post("/notes", body))
    threads = [threading.Thread(target=send, args=(bodies[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    records = [record for answer in answers for record in answer.json["records"]]
    failed = [record for record in records if record["failed"]]
    assert sum(answer.json["failed_count"] for answer in answers) == len(failed) > 0
    assert {record["error_code"] for record in failed} == {"ServiceUnavailableException"}
    assert narrow.sql("SELECT count(*) FROM notes") == [[len(records) - len(failed)]]
