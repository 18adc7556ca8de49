"""The history of the program's own metrics, alarms over metrics and SQL, and what becomes of their findings."""
import json
import re
import time

from conftest import impression, wait_for
from test_operations import parse_prometheus


def metric_rows(project, where):
    return project.sql(f"SELECT value, total FROM weir_metrics WHERE {where} ORDER BY sampled_at")


ACCEPTED = "name = 'weir_capture_records_total' AND (labels->>'stream') = 'impressions' AND (labels->>'outcome') = 'accepted'"


def test_the_history_of_metrics_is_a_stream_that_agrees_with_the_exposition_and_survives_a_kill(advertising):
    project = advertising
    project.stop()
    project.start(env={"WEIR_METRICS_EVERY": "1s"})
    for count in (3, 4):
        assert project.post("/impressions", {"impressions": [impression() for _ in range(count)]}).json["failed_count"] == 0
        wait_for(lambda: sum(row[0] for row in metric_rows(project, ACCEPTED)) >= count, "a row of the history")
    wait_for(lambda: sum(row[0] for row in metric_rows(project, ACCEPTED)) == 7, "every event in the history")
    exposed = parse_prometheus(project.get("/metrics").body.decode())["weir_capture_records_total"][2]
    assert exposed[("weir_capture_records_total", (("outcome", "accepted"), ("stream", "impressions")))] == 7
    assert metric_rows(project, ACCEPTED)[-1][1] == 7
    quantiles = project.sql("SELECT p50, p95, p99 FROM weir_metrics WHERE name = 'weir_capture_submit_seconds' AND count > 0")
    assert quantiles and all(0 < p50 <= p95 <= p99 for p50, p95, p99 in quantiles)
    project.kill()  # whatever a row said once, it says still
    project.start()
    assert sum(row[0] for row in metric_rows(project, ACCEPTED)) == 7
    assert project.stop() == 0


def test_nobody_posts_to_the_history_and_it_is_no_stream_of_the_project(advertising):
    project = advertising
    refused = project.post("/v1/streams/weir_metrics", {"name": "x"}, project.admin())
    assert refused.status == 403 and "nobody may send" in refused.json["error"]["message"]
    assert [stream["name"] for stream in project.get("/v1/streams", headers=project.admin()).json["streams"]] == ["clicks", "impressions"]
    tables = project.get("/v1/catalog", headers=project.admin()).json["tables"]
    kinds = {table["name"]: table["kind"] for table in tables}
    assert kinds["weir_metrics"] == "system" and "weir_metrics_quarantine" not in kinds
    assert "weir_metrics" not in project.weir("plan") and "weir_metrics" not in project.weir("plan", "--drop")
    project.weir("apply", "--drop")
    assert project.sql("SELECT count(*) FROM weir_metrics WHERE name = 'nobody'") == [[0]]
    (project.folder / "streams" / "weir_metrics.yaml").write_text("fields: {a: string}\n")
    project.weir("plan", code=1)
    assert "views of the system" in project.stderr


