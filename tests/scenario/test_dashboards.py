"""Dashboards through the real program: declared, told their mistakes, and answered over a range of time."""
import time
import uuid

BOARD = """range: 15m
panels:
  - name: traffic
    title: Clicks, impressions and their ratio
    step: 60s
    sql: |
      SELECT time_bucket($step, occurred_at) AS at, sum(i) AS impressions, sum(c) AS clicks FROM (
        SELECT occurred_at, 1 AS i, 0 AS c FROM impressions UNION ALL SELECT occurred_at, 0, 1 FROM clicks)
      WHERE occurred_at >= $from AND occurred_at < $to AND '$from' <> '$to' -- $step stays
      GROUP BY 1
    series:
      - {name: impressions, column: impressions}
      - {name: clicks, column: clicks, hidden: true}
      - {name: ratio, expression: clicks / impressions, axis: right}
  - {name: broken, title: Broken, sql: SELECT CAST(ad_id::VARCHAR AS INTEGER) AS one FROM impressions}
  - {name: ads, title: Ads, kind: bar, sql: "SELECT ad_id::VARCHAR AS ad, count(*) AS n FROM impressions GROUP BY 1 ORDER BY 2 DESC"}
  - {name: total, title: Total, kind: number, sql: SELECT count(*) FROM impressions}
  - {name: rows, title: Rows, kind: table, sql: "SELECT 1 AS one, 'x' AS word, NULL AS nothing"}
"""


def send(project, minute, impressions, clicks):
    at = time.strftime("%Y-%m-%d %H:%M:00", time.gmtime(minute))
    ad = str(uuid.uuid4())
    shown = [{"impression_id": str(uuid.uuid4()), "ad_id": ad, "occurred_at": at} for _ in range(impressions)]
    assert project.post("/impressions", {"impressions": shown}).json["failed_count"] == 0
    if clicks:
        clicked = [{"impression_id": one["impression_id"], "ad_id": ad, "occurred_at": at} for one in shown[:clicks]]
        assert project.post("/clicks", {"clicks": clicked}).json["failed_count"] == 0


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_panels_answer_a_range_and_one_that_fails_leaves_the_others(advertising):
    project = advertising
    project.write("dashboards/board.yaml", BOARD)
    project.weir("apply")
    minute = int(time.time()) // 60 * 60 - 600
    send(project, minute, 10, 3)
    send(project, minute + 120, 4, 0)
    data = project.get(f"/v1/dashboards/board/data?from={iso(minute)}&to={iso(minute + 180)}&step=60s", headers=project.admin()).json
    panels = {one["name"]: one for one in data["panels"]}
    traffic = panels["traffic"]
    assert traffic["error"] is None and traffic["times"] == [minute, minute + 60, minute + 120]
    assert {one["name"]: (one["axis"], one["values"]) for one in traffic["series"]} == {"impressions": ("left", [10, None, 4]), "ratio": ("right", [0.3, None, 0])}
    assert "INT32" in panels["broken"]["error"]["message"] and "series" not in panels["broken"]
    assert [bar["value"] for bar in panels["ads"]["bars"]] == [10, 4]
    assert panels["total"]["value"] == 14
    assert panels["rows"]["columns"][1]["name"] == "word" and panels["rows"]["rows"] == [[1, "x", None]]
    only = project.get("/v1/dashboards/board/data?last=15m&panels=total", headers=project.admin()).json
    assert [one["name"] for one in only["panels"]] == ["total"]
    whole = project.get("/v1/dashboards/board/data?last=30d&step=1s&panels=traffic", headers=project.admin()).json
    assert len(whole["panels"][0]["times"]) <= 1500


def test_a_range_that_is_none_is_told(advertising):
    headers = advertising.admin()
    for query in ("", "last=1h&from=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00Z", "last=soon", "last=401d", "last=1h&step=7s", "last=-1h", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"):
        reply = advertising.get(f"/v1/dashboards/ops/data?{query}", headers=headers)
        assert reply.status == 400 and reply.json["error"]["message"], query
    assert advertising.get("/v1/dashboards/nowhere/data?last=1h", headers=headers).status == 404
    assert advertising.get("/v1/dashboards/ops/data?last=1h").status == 401


def test_every_project_has_a_dashboard_of_the_program_and_may_replace_it(project):
    project.start()
    listed = project.get("/v1/dashboards", headers=project.admin()).json["dashboards"]
    assert [(one["name"], one["built_in"]) for one in listed] == [("ops", True)]
    panels = project.get("/v1/dashboards/ops/data?last=15m&panels=run_states,failed_runs", headers=project.admin()).json["panels"]
    assert [one["error"] for one in panels] == [None, None]
    project.write("dashboards/ops.yaml", "title: Ours\npanels:\n  - {title: One, kind: number, sql: SELECT 1}\n")
    project.weir("apply")
    listed = project.get("/v1/dashboards", headers=project.admin()).json["dashboards"]
    assert [(one["title"], one["built_in"]) for one in listed] == [("Ours", False)]
    (project.folder / "dashboards/ops.yaml").unlink()
    project.weir("apply")
    assert project.get("/v1/dashboards/ops", headers=project.admin()).json["built_in"]


def test_mistakes_are_told_at_plan_with_their_place(project):
    project.write("weir.yaml", "name: shop\n")
    project.write("dashboards/x.yaml", "range: 10s\npanels:\n  - title: A\n    series:\n      - {name: a, metric: x}\n      - {expression: a / b}\n  - {title: B, sql: DELETE FROM t}\n")
    project.weir("plan", code=1)
    said = project.stderr
    for place in ("dashboards/x.yaml:1:8", "dashboards/x.yaml:6:22", "dashboards/x.yaml:7:"):
        assert place in said, said
    project.write("dashboards/x.yaml", "panels:\n  - {title: A, kind: number, sql: SELECT 1}\n")
    assert "dashboard x" in project.weir("plan", code=3)


def test_panels_over_what_is_not_there_are_refused_at_plan(advertising):
    project = advertising
    project.write("dashboards/x.yaml", """panels:
  - name: gauge
    title: Levels
    series:
      - {metric: weir_capture_recods_total, statistic: rate}
      - {metric: weir_lake_lag_records, statistic: p99}
      - {metric: weir_lake_lag_records}
""")
    project.weir("plan", code=1)
    for said in ("x.yaml:5:18", "did you mean 'weir_capture_records_total'?", "x.yaml:6:52", "is a gauge: it has no p99", "x.yaml:7:18", "which is meant where none is said"):
        assert said in project.stderr, (said, project.stderr)
    project.write("dashboards/x.yaml", """panels:
  - {name: column, title: A, kind: table, sql: SELECT colour FROM impressions}
  - {name: table, title: B, kind: table, sql: SELECT * FROM impresions}
  - {name: file, title: C, kind: table, sql: "SELECT * FROM read_csv('/etc/passwd')"}
  - {name: made_by_a_flow, title: D, kind: table, sql: "SELECT * FROM public.advertising WHERE anything = $from"}
  - {name: windows, title: E, kind: table, sql: SELECT impressions FROM live_traffic}
  - {name: derived, title: F, kind: table, sql: "SELECT day, clicks FROM ad_traffic WHERE day >= $from::DATE ORDER BY ALL"}
""")
    told = project.weir("apply", code=1)
    for said in ("the panel column: ", "colour", "the panel table: ", "impresions", "the panel file: ", "read_csv"):
        assert said in told, (said, told)
    for said in ("made_by_a_flow", "windows", "derived"):
        assert said not in told, told
    assert "x" not in [one["name"] for one in project.get("/v1/dashboards", headers=project.admin()).json["dashboards"]]
