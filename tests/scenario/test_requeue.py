"""Quarantined records judged again after the declaration was mended: once each, over reruns and kills."""
import json
import subprocess
import threading

from conftest import BINARY, now_text, wait_for

STRICT = """key: order_id
time: placed_at
fields:
  order_id: {type: string, required: true}
  placed_at: {type: timestamp, required: true}
  amount: {type: integer, required: true, max: 10}
"""
MENDED = STRICT.replace("max: 10", "max: 100")


def shop(project, declaration=STRICT):
    project.write("weir.yaml", "name: shop\nlake:\n  commit_interval: 200ms\n")
    project.write("streams/orders.yaml", declaration)
    return project.start()


def send(project, records):
    reply = project.post("/v1/streams/orders", records, project.admin())
    assert reply.status == 200, reply
    return reply.json


def now_order(number, **changes):
    return {"order_id": f"o{number}", "placed_at": now_text(), "amount": 15, **changes}


def requeue(project, *arguments):
    return json.loads(project.weir("lake", "requeue", "orders", "--json", *arguments))


def test_what_fits_the_mended_declaration_becomes_an_event_once(project):
    shop(project)
    answer = send(project, [now_order(1), now_order(2), now_order(3, amount=7), {"order_id": "o4"}, now_order(5, amount="x")])
    assert answer["accepted"] == 1 and answer["quarantined"] == 4
    arrived = project.sql("SELECT payload ->> 'order_id', epoch_us(_arrived_at) FROM orders_quarantine ORDER BY _seq")
    assert requeue(project)["kept"] == 4, "nothing was mended yet"
    assert project.sql("SELECT count(*) FROM orders_intake") == [[0]], "what stays for the same reason is not noted again"

    project.write("streams/orders.yaml", MENDED)
    project.weir("apply")
    send(project, now_order(2, amount=9))  # the sender mended it himself, and otherwise
    told = requeue(project, "--dry-run")
    assert (told["entries"], told["accepted"], told["kept"]) == (4, 1, 3)
    assert project.sql("SELECT count(*) FROM orders") == [[2]]

    done = requeue(project)
    assert (done["entries"], done["accepted"], done["duplicates"], done["kept"]) == (4, 1, 0, 3)
    assert done["reasons"] == {"conflict": 1, "missing_field": 1, "wrong_type": 1}
    assert project.sql("SELECT order_id, amount, epoch_us(_arrived_at) FROM orders WHERE order_id = 'o1'") == [["o1", 15, arrived[0][1]]]
    again = requeue(project)
    assert (again["entries"], again["accepted"], again["kept"]) == (3, 0, 3), "running it again changes nothing"
    assert project.sql("SELECT count(*) FROM orders") == [[3]]

    # Nothing vanished, and the quarantine says what became of each.
    shown = project.get("/v1/streams/orders/quarantine", headers=project.admin()).json["records"]
    assert [record["state"] for record in reversed(shown)] == ["requeued", "open", "open", "open"]
    assert [record["reason"] for record in reversed(shown)][1:] == ["conflict", "missing_field", "wrong_type"]
    assert shown[-1]["event_id"] == "o1"
    assert project.sql("SELECT count(*) FROM orders_quarantine") == [[4]]
    reasons = project.get("/v1/streams/orders", headers=project.admin()).json["quarantine"]
    assert {one["reason"]: one["count"] for one in reasons} == {"conflict": 1, "missing_field": 1, "wrong_type": 1}
    # A sender that still tries finds its event taken.
    record = json.loads(project.sql("SELECT payload FROM orders_quarantine WHERE payload LIKE '%\"o1\"%'")[0][0])
    assert send(project, record)["duplicates"] == 1
    project.weir("lake", "drain")
    project.weir("lake", "verify")


def test_by_reason_and_limit_and_wrong_names(project):
    shop(project)
    send(project, [{"order_id": "a"}, now_order(1), now_order(2), now_order(3)])
    project.write("streams/orders.yaml", MENDED)
    project.weir("apply")
    assert requeue(project, "--reason", "missing_field") == {"entries": 1, "accepted": 0, "duplicates": 0, "kept": 1, "reasons": {"missing_field": 1}}
    assert requeue(project, "--reason", "out_of_range", "--limit", "2")["accepted"] == 2
    assert requeue(project, "--reason", "out_of_range")["accepted"] == 1
    project.weir("lake", "requeue", "order", code=1)
    assert "did you mean" in project.stderr and "orders" in project.stderr
    reply = project.post("/v1/streams/orders/requeue", {"resaon": "x"}, project.admin())
    assert reply.status == 400, reply


def test_what_was_no_object_is_not_taken_apart(project):
    shop(project, MENDED)
    inner = json.dumps(now_order(1))
    reply = project.post("/v1/streams/orders", f'[[{inner}], "{{}}", {json.dumps(now_order(2))}]', project.admin())
    assert reply.json["quarantined"] >= 1, reply
    before = project.sql("SELECT count(*) FROM orders")[0][0]
    report = requeue(project)
    assert report["kept"] == report["entries"] > 0
    assert project.sql("SELECT count(*) FROM orders") == [[before]]


def test_a_requeue_that_is_killed_goes_on_where_it_was(project):
    shop(project)
    total = 3000
    for begin in range(0, total, 1000):
        send(project, [now_order(number) for number in range(begin, begin + 1000)])
    project.write("streams/orders.yaml", MENDED)
    project.weir("apply")
    for crash in ("", "journal/sync:4", "lake.before_commit:2"):
        project.stop()
        project.start(env={"WEIR_CRASH_AT": crash} if crash else {}, wait=False)
        wait_for(project.is_ready_or_dead, "ready or killed")
        asked = threading.Thread(target=lambda: try_requeue(project))
        asked.start()
        if not crash:
            wait_for(lambda: project.sql("SELECT count(*) FROM orders")[0][0] > 0, "the requeue began")
            project.kill()
        else:
            wait_for(lambda: project.process.poll() is not None or not asked.is_alive(), "killed or done")
        asked.join()
        project.kill()
        project.start()
    report = requeue(project)
    assert report["accepted"] == report["entries"]
    assert project.sql("SELECT count(*), count(DISTINCT order_id) FROM orders") == [[total, total]]
    assert project.sql("SELECT count(*), count(DISTINCT entry) FROM orders_intake") == [[total, total]]
    assert requeue(project)["entries"] == 0
    project.weir("lake", "drain")
    project.weir("lake", "verify")


def try_requeue(project):
    subprocess.run([BINARY, "lake", "requeue", "orders", "--dir", str(project.folder)], capture_output=True, timeout=60)
