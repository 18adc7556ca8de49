"""The original system's beacon endpoints: request and reply exactly as there (rows W1 to W4 of its contract)."""
import gzip
import json
import uuid

import pytest
from conftest import impression, now_text

BAD_ID = "not-a-uuid"


def test_answers_one_verdict_per_record_in_order(advertising):
    good, twin = impression(), impression()
    reply = advertising.post("/impressions", {"impressions": [good, impression(ad_id=BAD_ID), twin, twin, impression(ad_id=None)]})
    assert reply.status == 200
    body = reply.json
    assert body["failed_count"] == 2
    assert [record["failed"] for record in body["records"]] == [False, True, False, False, True]
    for record in (body["records"][1], body["records"][4]):
        assert record["error_code"] and "ad_id" in record["error_message"]
    assert set(body["records"][0]) == {"failed"}


@pytest.mark.parametrize("mount", ["", "/Prod", "/advertising"])
def test_answers_under_every_declared_mount_path(advertising, mount):
    assert advertising.post(mount + "/impressions", {"impressions": [impression()]}).json["failed_count"] == 0
    click = {"impression_id": str(uuid.uuid4()), "ad_id": str(uuid.uuid4()), "occurred_at": now_text()}
    assert advertising.post(mount + "/clicks", {"clicks": [click]}).json["failed_count"] == 0


@pytest.mark.parametrize("body, words", [
    ("{", ""),
    ("[]", ""),
    ({"clicks": []}, 'batch key "impressions" not given'),
    ({"impressions": [], "more": 1}, "too many keys: 2"),
    ({"impressions": []}, ""),
    ({"impressions": [impression() for _ in range(501)]}, "500"),
    ({"impressions": 5}, ""),
])
def test_refuses_a_body_of_the_wrong_shape_whole(advertising, body, words):
    reply = advertising.post("/impressions", body)
    assert reply.status == 400
    assert set(reply.json) == {"error"}
    assert words in reply.json["error"]
    assert advertising.sql("SELECT count(*) FROM impressions") == [[0]]


def test_takes_500_records_at_once(advertising):
    reply = advertising.post("/impressions", {"impressions": [impression() for _ in range(500)]})
    assert reply.status == 200 and reply.json["failed_count"] == 0 and len(reply.json["records"]) == 500
    assert advertising.sql("SELECT count(*) FROM impressions") == [[500]]


def test_assigns_a_missing_id(advertising):
    reply = advertising.post("/impressions", {"impressions": [impression(impression_id=None)]})
    assert reply.json["failed_count"] == 0
    [[assigned]] = advertising.sql("SELECT CAST(impression_id AS VARCHAR) FROM impressions")
    uuid.UUID(assigned)


def test_refuses_a_field_that_is_not_declared(advertising):
    reply = advertising.post("/impressions", {"impressions": [impression(colour="red")]})
    assert reply.json["records"][0]["failed"] and "colour" in reply.json["records"][0]["error_message"]


@pytest.mark.parametrize("time_text", ["2023-02-29 00:00:00", "yesterday", "2023-01-01T25:00:00", 17, None])
def test_refuses_a_time_that_is_none(advertising, time_text):
    event = impression()
    event["occurred_at"] = time_text
    assert advertising.post("/impressions", {"impressions": [event]}).json["failed_count"] == 1


def test_counts_an_event_that_is_sent_again_once(advertising):
    event = impression()
    for _ in range(3):
        assert advertising.post("/impressions", {"impressions": [event]}).json == {"failed_count": 0, "records": [{"failed": False}]}
    assert advertising.sql("SELECT count(*) FROM impressions") == [[1]]
    advertising.stop()
    advertising.start()
    assert advertising.post("/impressions", {"impressions": [event]}).json["failed_count"] == 0
    assert advertising.sql("SELECT count(*) FROM impressions") == [[1]]


def test_keeps_an_event_with_another_payload_under_a_used_id_as_a_conflict(advertising):
    event = impression()
    advertising.post("/impressions", {"impressions": [event]})
    reply = advertising.post("/impressions", {"impressions": [{**event, "ad_id": str(uuid.uuid4())}]})
    assert reply.json["records"][0]["error_code"] == "conflict"
    assert advertising.sql("SELECT reason FROM impressions_quarantine") == [["conflict"]]


def test_reads_gzip_bodies(advertising):
    body = gzip.compress(json.dumps({"impressions": [impression()]}).encode())
    assert advertising.post("/impressions", body, {"Content-Encoding": "gzip"}).json["failed_count"] == 0


def test_partitions_by_the_events_own_time_whenever_it_arrives(advertising):
    """Defect 4 of the original: it partitioned by arrival, so an event that came after a month's end was in no report."""
    late = impression(occurred_at=now_text(ago_s=20 * 86400))
    assert advertising.post("/impressions", {"impressions": [late]}).json["failed_count"] == 0
    day = late["occurred_at"][:10]
    assert advertising.sql(f"SELECT count(*) FROM impressions WHERE dt = DATE '{day}'") == [[1]]
    advertising.post("/v1/lake/drain", "", advertising.admin())
    assert advertising.sql(f"SELECT count(*) FROM impressions WHERE dt = DATE '{day}'") == [[1]]
    assert (advertising.folder / ".weir/store/lake/impressions" / f"dt={day}").is_dir()


def test_never_drops_a_record_that_does_not_fit(advertising):
    """Defect 6 of the original: a record that did not parse was logged, marked OK and dropped."""
    broken = {"ad_id": BAD_ID, "occurred_at": "never", "note": "keep me"}
    reply = advertising.post("/impressions", {"impressions": [broken]})
    assert reply.json["failed_count"] == 1
    [[reason, payload]] = advertising.sql("SELECT reason, payload FROM impressions_quarantine")
    assert reason and json.loads(payload) == broken
    advertising.post("/v1/lake/drain", "", advertising.admin())
    assert advertising.sql("SELECT count(*) FROM impressions_quarantine") == [[1]]


def test_refuses_events_from_beyond_the_window_and_keeps_them(advertising):
    reply = advertising.post("/impressions", {"impressions": [impression(occurred_at=now_text(ago_s=40 * 86400)),
                                                              impression(occurred_at=now_text(ago_s=-7200))]})
    assert [record["error_code"] for record in reply.json["records"]] == ["too_old", "too_new"]
    assert advertising.sql("SELECT count(*) FROM impressions_quarantine") == [[2]]
