"""Streams of any schema on /v1: bodies, verdicts, keys, limits, the pixel, CORS, the tail, environments."""
import gzip
import json
import subprocess
import uuid

import pytest
from conftest import BINARY, wait_for

ORDERS = """fields:
  order_id: uuid
  customer: {type: string, required: true, max_length: 8}
  amount: {type: decimal, precision: 12, scale: 2, min: 0}
  state: {type: string, values: [new, paid], default: new}
  items: {type: array, items: {type: object, fields: {sku: {type: string, required: true}, count: integer}}}
key: order_id
unknown: keep
write: public
cors: [https://shop.example]
"""


@pytest.fixture
def shop(project):
    project.write("streams/orders.yaml", ORDERS)
    project.write("streams/logs.yaml", "fields:\n  line: {type: string, required: true}\nwrite: public\nunknown: refuse\n")
    return project.start()


def send(shop, body, stream="orders", **headers):
    return shop.post(f"/v1/streams/{stream}", body, headers)


def test_takes_an_object_an_array_and_lines(shop):
    one = {"customer": "a", "amount": 1.5}
    assert send(shop, one).json["accepted"] == 1
    assert send(shop, [one, one]).json["accepted"] == 2, "without a key given they are two orders"
    assert send(shop, "\n".join(json.dumps({"customer": str(i)}) for i in range(5))).json["accepted"] == 5
    assert shop.sql("SELECT count(*), sum(amount)::DOUBLE, max(state) FROM orders") == [[8, 4.5, "new"]]


@pytest.mark.parametrize("body, code, field", [
    ({}, "missing_field", "customer"),
    ({"customer": 5}, "wrong_type", "customer"),
    ({"customer": "much too long"}, "length", "customer"),
    ({"customer": "a", "amount": -1}, "out_of_range", "amount"),
    ({"customer": "a", "state": "lost"}, "not_in_values", "state"),
    ({"customer": "a", "items": [{"sku": "x"}, {"count": 1}]}, "missing_field", "items[1].sku"),
    ({"customer": "a", "order_id": "12"}, "wrong_type", "order_id"),
])
def test_says_which_field_is_wrong_and_keeps_the_record(shop, body, code, field):
    [record] = send(shop, body).json["records"]
    assert (record["status"], record["field"]) == ("quarantined", field)
    assert record["code"] in (code, "out_of_range", "wrong_type"), record
    [[payload]] = shop.sql("SELECT payload FROM orders_quarantine")
    assert json.loads(payload) == body


@pytest.mark.parametrize("text, code", [
    ('{"customer": "a", "customer": "b"}', "duplicate_key_in_json"),
    ('{"customer": "a", "n": 99999999999999999999}', "integer_range"),
    ('{"customer": "a", "n": 1e999}', "not_finite"),
    ('{"customer": "a", "n": ' + "[" * 40 + "]" * 40 + "}", "too_deep"),
    (b'{"customer": "\xff"}', "bad_utf8"),
    ('{"customer": "' + "x" * 1_100_000 + '"}', "too_large"),
], ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "body")
def test_names_the_limit_that_a_record_meets(shop, text, code):
    reply = send(shop, text)
    assert reply.status == (413 if code == "too_large" else 200), reply
    [record] = reply.json["records"]
    assert record["code"] == code and record["status"] in ("quarantined", "refused"), record


def test_a_broken_record_does_not_take_its_neighbours_along(shop):
    reply = send(shop, '[{"customer": "a"}, {"customer": 1e999}, {"customer": "b"}]')
    assert [record["status"] for record in reply.json["records"]] == ["accepted", "quarantined", "accepted"]


def test_answers_duplicates_and_conflicts(shop):
    order = {"order_id": str(uuid.uuid4()), "customer": "a"}
    assert send(shop, order).json["records"][0]["status"] == "accepted"
    again = send(shop, {**order, "order_id": order["order_id"].upper()})
    assert again.json["records"][0]["duplicate"] is True and again.json["records"][0]["id"] == order["order_id"]
    other = send(shop, {**order, "customer": "b"}).json["records"][0]
    assert (other["status"], other["code"]) == ("quarantined", "conflict")
    assert shop.sql("SELECT count(*) FROM orders") == [[1]]


def test_an_idempotency_key_makes_a_retry_of_a_keyless_stream_harmless(shop):
    first = send(shop, [{"line": "a"}, {"line": "b"}], "logs", **{"Idempotency-Key": "k1"})
    retry = send(shop, [{"line": "a"}, {"line": "b"}], "logs", **{"Idempotency-Key": "k1"})
    assert [r["id"] for r in first.json["records"]] == [r["id"] for r in retry.json["records"]]
    assert all(record["duplicate"] for record in retry.json["records"])
    assert send(shop, [{"line": "c"}], "logs", **{"Idempotency-Key": "k1"}).status == 409
    assert shop.sql("SELECT count(*) FROM logs") == [[2]]
    shop.stop()
    shop.start()
    assert send(shop, [{"line": "a"}, {"line": "b"}], "logs", **{"Idempotency-Key": "k1"}).json["duplicates"] == 2


def test_reads_compressed_bodies_under_limits(shop):
    body = json.dumps({"customer": "zip"}).encode()
    assert send(shop, gzip.compress(body), **{"Content-Encoding": "gzip"}).json["accepted"] == 1
    packed = subprocess.run(["zstd", "-q", "-c"], input=body, capture_output=True, check=True).stdout
    assert send(shop, packed, **{"Content-Encoding": "zstd"}).json["accepted"] == 1
    bomb = gzip.compress(b" " * 15_000_000 + body)
    assert send(shop, bomb, **{"Content-Encoding": "gzip"}).status == 413
    assert send(shop, body, **{"Content-Encoding": "br"}).status == 415
    assert send(shop, b"\x1f\x8bnonsense", **{"Content-Encoding": "gzip"}).status == 400
    assert send(shop, " " * 17_000_000).status == 413


def test_an_unknown_stream_names_the_nearest(shop):
    reply = send(shop, {}, "order")
    assert reply.status == 404 and "orders" in reply.body.decode()


def test_a_pixel_sends_an_event(shop):
    reply = shop.get("/v1/streams/orders/pixel.gif?customer=pix&amount=2.50")
    assert reply.status == 200 and reply.headers["content-type"] == "image/gif" and reply.body[:6] in (b"GIF89a", b"GIF87a")
    assert shop.sql("SELECT customer, amount::DOUBLE FROM orders") == [["pix", 2.5]]


def test_pages_of_declared_origins_may_send_and_others_may_not(shop):
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    allowed = shop.request("OPTIONS", "/v1/streams/orders", headers=asked)
    assert allowed.status in (200, 204) and allowed.headers["access-control-allow-origin"] == "https://shop.example"
    refused = shop.request("OPTIONS", "/v1/streams/orders", headers={**asked, "Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in refused.headers
    sent = shop.request("POST", "/v1/streams/orders", json.dumps({"customer": "b"}), {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"})
    assert sent.json["accepted"] == 1, "sendBeacon sends text"


def test_hosts_that_are_not_ours_are_refused(shop):
    assert shop.get("/v1/session", headers={"Host": "evil.example"}).status in (400, 403, 421)


def test_tail_shows_events_as_they_arrive(shop):
    tail = subprocess.Popen([BINARY, "stream", "tail", "orders", "--json", "--dir", str(shop.folder)], stdout=subprocess.PIPE, text=True)
    try:
        lines = []

        def line_came():
            send(shop, {"customer": "live"})
            import select
            if select.select([tail.stdout], [], [], 0.2)[0]:
                lines.append(tail.stdout.readline())
            return lines
        wait_for(line_came, "a line of the tail")
        record = json.loads(lines[0])
        assert record["status"] == "accepted" and record["event"]["customer"] == "live"
    finally:
        tail.kill()
        tail.wait()


def test_unknown_fields_are_kept_beside_the_columns(shop):
    send(shop, {"customer": "a", "colour": "red", "size": {"w": 1}})
    [[extra]] = shop.sql("SELECT _extra FROM orders")
    assert json.loads(extra) == {"colour": "red", "size": {"w": 1}}


def test_a_widened_declaration_keeps_its_data_and_drop_destroys_it(shop):
    send(shop, {"customer": "old"})
    shop.weir("lake", "drain")
    shop.write("streams/orders.yaml", ORDERS.replace("  customer:", "  country: string\n  customer:"))
    shop.weir("apply")
    send(shop, {"customer": "new", "country": "CH"})
    assert shop.sql("SELECT customer, country FROM orders ORDER BY customer") == [["new", "CH"], ["old", None]]
    (shop.folder / "streams/orders.yaml").unlink()
    shop.weir("apply")
    assert send(shop, {"customer": "x"}).status == 404
    assert shop.sql("SELECT count(*) FROM orders") == [[2]], "detached: the data stays"
    shop.weir("apply", "--drop")
    assert shop.post("/v1/sql", {"sql": "SELECT count(*) FROM orders"}, shop.admin()).status == 400
    assert not (shop.folder / ".weir/store/lake/orders").exists() or not list((shop.folder / ".weir/store/lake/orders").rglob("*.parquet"))


def test_environments_keep_their_state_apart(project):
    project.write("streams/a.yaml", "fields:\n  x: integer\nwrite: public\n")
    project.write("environments/test.yaml", "name: testing\n")
    project.weir("apply")
    project.weir("apply", "--env", "test")
    assert (project.folder / ".weir/environments/test/control.db").exists() and (project.folder / ".weir/control.db").exists()


def test_the_installed_tree_runs_from_any_folder(tmp_path):
    import os
    import pathlib
    import shutil
    build = pathlib.Path(BINARY).parents[1]
    tree = tmp_path / "tree"
    subprocess.run(["cmake", "--install", str(build), "--prefix", str(tree)], check=True, capture_output=True)
    shutil.copytree(tree, tmp_path / "moved")
    shutil.rmtree(tree)
    done = subprocess.run([str(tmp_path / "moved/bin/weir"), "version"], capture_output=True, text=True, cwd="/", env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0 and "DuckDB v1.4.4" in done.stdout, done.stderr
    linked = subprocess.run(["ldd", str(tmp_path / "moved/bin/weir")], capture_output=True, text=True).stdout
    assert str(tmp_path / "moved") in linked, linked
