"""raw_<stream>: the archive in SQL, equal to the lake's rows for the same committed data."""
import uuid

from conftest import impression, now_text


def test_the_raw_table_equals_the_lakes_rows(advertising):
    impressions = [impression() for _ in range(2500)]
    impressions[0]["page"] = "ünïcode \"quoted\"\nline"
    for begin in range(0, 2500, 500):
        reply = advertising.post("/impressions", {"impressions": impressions[begin:begin + 500]})
        assert reply.status == 200, reply
    clicks = [{"click_id": str(uuid.uuid4()), "impression_id": one["impression_id"], "ad_id": one["ad_id"], "occurred_at": now_text()} for one in impressions[:700]]
    advertising.post("/clicks", {"clicks": clicks[:500]})
    advertising.weir("lake", "drain")
    advertising.post("/clicks", {"clicks": clicks[500:]})
    assert advertising.sql("SELECT count(*) FROM raw_clicks") == [[500]], "what no file holds yet is not there"
    advertising.weir("lake", "drain")
    for stream, key in (("impressions", "impression_id"), ("clicks", "click_id")):
        typed = f"SELECT _seq, CAST({key} AS UUID), CAST(ad_id AS UUID), CAST(occurred_at AS TIMESTAMP), _arrived_at FROM raw_{stream}"
        lake = f"SELECT _seq, {key}, ad_id, occurred_at, _arrived_at FROM {stream}"
        assert advertising.sql(f"SELECT count(*) FROM (({typed}) EXCEPT ALL ({lake}))") == [[0]]
        assert advertising.sql(f"SELECT count(*) FROM (({lake}) EXCEPT ALL ({typed}))") == [[0]]
        assert advertising.sql(f"SELECT count(*), count(DISTINCT _id) FROM raw_{stream}") == advertising.sql(f"SELECT count(*), count(*) FROM {stream}")
    advertising.weir("lake", "compact")
    for stream in ("impressions", "clicks"):
        assert advertising.sql(f"SELECT count(*), count(DISTINCT _seq), sum(_seq) FROM raw_{stream}") == \
            advertising.sql(f"SELECT count(*), count(DISTINCT _seq), sum(_seq) FROM {stream}"), "merged archive files too"
    [[first]] = advertising.sql(f"SELECT _payload ->> 'ad_id' FROM raw_impressions WHERE impression_id = '{impressions[7]['impression_id']}'")
    assert first == impressions[7]["ad_id"]


def test_it_is_read_by_hour_and_by_column_and_survives_a_rename(project):
    project.write("weir.yaml", "name: shop\n")
    project.write("streams/notes.yaml", "fields:\n  title: {type: string}\n  rating: integer\n  more: json\n")
    project.start()
    project.post("/v1/streams/notes", [{"title": "a\tb", "rating": 1, "more": {"x": [1, 2]}}, {"rating": None}, {"title": "null"}], project.admin())
    project.weir("lake", "drain")
    assert project.sql("SELECT title, rating, more FROM raw_notes ORDER BY _seq") == [["a\tb", "1", '{"x":[1,2]}'], [None, None, None], ["null", None, None]]
    hour = project.sql("SELECT _year, _month, _day, _hour FROM raw_notes LIMIT 1")[0]
    where = "_year = {} AND _month = {} AND _day = {} AND _hour = {}".format(*hour)
    assert project.sql(f"SELECT count(*) FROM raw_notes WHERE {where} AND title = 'null'") == [[1]]
    assert project.sql(f"SELECT count(*) FROM raw_notes WHERE {where} AND _seq > 100") == [[0]]
    assert project.sql(f"SELECT count(title) FROM raw_notes WHERE _year < {hour[0]}") == [[0]]
    project.write("streams/notes.yaml", "fields:\n  heading: {type: string, was: title}\n  rating: integer\n  more: json\n")
    project.weir("apply")
    project.post("/v1/streams/notes", {"heading": "c"}, project.admin())
    project.weir("lake", "drain")
    assert project.sql("SELECT heading FROM raw_notes ORDER BY _seq") == [["a\tb"], [None], ["null"], ["c"]]
    catalog = project.get("/v1/catalog", headers=project.admin()).json
    kinds = {table["name"]: table["kind"] for table in catalog["tables"]}
    assert kinds["raw_notes"] == "raw" and kinds["notes_intake"] == "intake" and kinds["notes"] == "stream"
    # A damaged file is named, and nothing else suffers.
    [path] = list((project.folder / ".weir/store/raw/notes").rglob("*.json.gz"))[:1]
    path.write_bytes(path.read_bytes()[:20])
    reply = project.post("/v1/sql", {"sql": "SELECT count(heading) FROM raw_notes"}, project.admin())
    assert reply.status >= 400 and "raw/notes" in reply.json["error"]["message"], reply
    assert project.sql("SELECT count(heading) FROM notes") == [[3]]
