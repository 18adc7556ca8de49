"""Endpoints through the real program: declared, filled by a flow, asked over HTTP, paged, cached, revoked, killed."""
import base64
import json
import os
import re
import shutil
import subprocess
import threading
import uuid

import pytest
from conftest import BINARY, ROOT, wait_for
from test_reference import differences
from test_tables import at, day, run, send

VIEWS = """
write: public
past_max: 400d
time: seen_at
fields:
  ad: {type: uuid, required: true}
  seen_at: {type: timestamp, required: true}
  clicked: {type: boolean, required: true}
beacon: {path: /views, batch: views}
"""
DAILY = """---
partition: day
grain: [ad, day]
---
SELECT ad, CAST(seen_at AS DATE) AS day, count(*) AS shown, count(*) FILTER (WHERE clicked) AS clicks,
  count(*) FILTER (WHERE clicked) - count(*) AS minus
FROM views GROUP BY ad, CAST(seen_at AS DATE)
"""
ADS = """
path: /ads/{ad}
table: daily
parameters:
  ad: {type: uuid}
  since: {type: date, from: day, default: today-365}
  until: {type: date, to: day, default: today}
list: days
columns: [day, shown, clicks]
ratios: {ratio: {of: clicks, to: shown, digits: 3}}
page: {default: 100, max: 200}
read: key
cache: 60s
cors: [https://shop.example]
"""


def traffic(project, ad, query="", path="/advertising/traffic", **options):
    return project.get(f"{path}/{ad}{query}", **options)


def ready(project, name="traffic"):
    """Waits until every index of the endpoint is there."""
    def state():
        one = project.get(f"/v1/endpoints/{name}", headers=project.admin()).json
        return one["state"] == "ready" and one
    return wait_for(state, f"endpoint {name} ready")


@pytest.fixture
def ads(project):
    project.write("streams/views.yaml", VIEWS)
    project.write("tables/daily.sql", DAILY)
    project.write("endpoints/ads.yaml", ADS)
    project.start()
    project.key = {"Authorization": "Bearer " + project.weir("token", "create", "--read", "--endpoint", "ads").strip()}
    return project


def view(ad, ago, clicked=False):
    return {"ad": ad, "seen_at": at(ago, "10:00:00"), "clicked": clicked}


def show(project, views):
    for i in range(0, len(views), 500):
        reply = project.post("/views", {"views": views[i:i + 500]})
        assert reply.status == 200 and reply.json["failed_count"] == 0, reply


def pages(project, path, headers, limit):
    """Every day of the answer, page by page."""
    days, cursor, counts = [], None, []
    while True:
        reply = project.get(f"{path}{'&' if '?' in path else '?'}limit={limit}" + (f"&page={cursor}" if cursor else ""), headers=headers)
        assert reply.status == 200, reply
        assert reply.json["count"] == len(reply.json["days"]) <= limit
        counts.append(reply.json["count"])
        days += reply.json["days"]
        cursor = reply.json["next"]
        if cursor is None:
            return days, counts


def test_the_seeds_traffic_endpoint_answers_from_what_the_daily_flow_computed(advertising):
    project, ads = advertising, [str(uuid.uuid4()) for _ in range(3)]
    expected = {ago: send(project, ago, ads * 10, seed=ago) for ago in (3, 2, 1, 0)}
    assert run(project, "daily")["state"] == "done"
    for path in ("/traffic", "/Prod/traffic", "/advertising/traffic"):
        reply = traffic(project, ads[0], f"?start={day(3)}&end={day(1)}", path)  # both ends are in
        assert reply.status == 200, reply
        assert reply.json == {"count": 3, "next": None, "days": [
            {"day": day(ago), "impressions": expected[ago][ads[0]][0], "clicks": expected[ago][ads[0]][1],
             "clickthrough_rate": round(expected[ago][ads[0]][1] / expected[ago][ads[0]][0], 4)} for ago in (3, 2, 1)]}
    today = traffic(project, ads[1]).json  # by default today
    assert [one["day"] for one in today["days"]] == [day(0)]
    assert traffic(project, ads[0].upper(), f"?start={day(3)}").json["count"] == 4
    assert traffic(project, str(uuid.uuid4()), f"?start={day(3)}").json == {"count": 0, "next": None, "days": []}
    for query, told in {
        "?start=2026-13-01": "'start' is '2026-13-01': expected a day as YYYY-MM-DD",
        "?end=yesterday": "'end' is 'yesterday': expected a day as YYYY-MM-DD",
        "?limit=0": "'limit' is '0': expected a whole number from 1 to 100",
        "?limit=101": "from 1 to 100",
        "?limit=ten": "'limit' is 'ten'",
        "?page=AAAA": "'page' is no page of this request",
        "?strat=2026-01-01": "did you mean 'start'?",
        "?start=2026-01-02&start=2026-01-03": "'start' is given twice",
        f"?start={day(1)}&end={day(2)}": "'start' lies behind 'end'",
    }.items():
        reply = traffic(project, ads[0], query)
        assert reply.status == 400 and told in reply.json["error"], (query, reply)
    reply = traffic(project, "not-a-uuid")
    assert reply.status == 400 and reply.json["error"] == "parameter 'ad_id' is 'not-a-uuid': expected a UUID"


def test_an_index_says_what_the_table_says_after_late_events_a_restart_and_damage(advertising):
    project, ad = advertising, str(uuid.uuid4())
    send(project, 2, [ad], clicked=0)
    run(project, "ad_traffic")
    assert traffic(project, ad, f"?start={day(2)}").json["days"][0]["impressions"] == 1
    send(project, 2, [ad], clicked=1, clock="09:00:00")
    run(project, "ad_traffic")
    assert traffic(project, ad, f"?start={day(2)}").json["days"] == [
        {"day": day(2), "impressions": 2, "clicks": 1, "clickthrough_rate": 0.5}]
    before = ready(project)
    assert before["rows"] == 1 and {one["partition"]: one["keys"] for one in before["indexes"]}[day(2)] == 1
    assert before["requests"]["answered"] == 2
    project.stop()
    project.start()
    assert traffic(project, ad, f"?start={day(2)}").json["days"][0]["clicks"] == 1  # opened, not written again
    assert "weir_endpoint_builds_total{endpoint=\"traffic\"} 0" in project.get("/metrics").body.decode()
    project.stop()
    path = project.folder / f".weir/endpoints/traffic/{day(2)}.index"
    content = bytearray(path.read_bytes())
    content[4096 + 20] ^= 1
    path.write_bytes(content)
    (path.parent / f"{day(9)}.index.staging").write_bytes(b"half")
    project.start()
    ready(project)
    assert traffic(project, ad, f"?start={day(2)}").json["days"][0]["clicks"] == 1
    assert {one.name for one in path.parent.iterdir()} == {one["partition"] + ".index" for one in before["indexes"]}


@pytest.mark.parametrize("point", ["endpoints/before_sync:2", "endpoints/rename:2"])
def test_killed_between_publication_and_index_the_next_start_writes_it(advertising, point):
    project, ad = advertising, str(uuid.uuid4())
    send(project, 2, [ad], clicked=0)
    project.weir("lake", "drain")
    project.stop()
    project.start(env={"WEIR_CRASH_AT": point})
    run(project, "ad_traffic")
    send(project, 2, [ad], clicked=1, clock="09:00:00")
    try:
        project.weir("run", "ad_traffic")
    except AssertionError:
        pass  # the server is gone
    wait_for(lambda: project.process.poll() is not None, "killed")
    project.kill()
    project.start()
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], "all runs ended")
    ready(project)
    reply = traffic(project, ad, f"?start={day(2)}")
    assert reply.json["days"] == [{"day": day(2), "impressions": 2, "clicks": 1, "clickthrough_rate": 0.5}]


def test_250_days_page_by_page(ads):
    """Of a table that is one whole: its range is over a column that does not cut it."""
    project, ad = ads, str(uuid.uuid4())
    project.write("tables/whole.sql", DAILY.replace("partition: day\n", ""))
    project.write("endpoints/whole.yaml", ADS.replace("/ads/", "/whole/").replace("table: daily", "table: whole"))
    project.write("endpoints/back.yaml", ADS.replace("/ads/", "/back/").replace("table: daily", "table: whole\norder: descending"))
    project.weir("apply")
    show(project, [view(ad, ago, ago % 3 == 0) for ago in range(250)] + [view(str(uuid.uuid4()), 5)])
    assert run(project, "whole")["state"] == "done"
    expected = [{"day": day(ago), "shown": 1, "clicks": int(ago % 3 == 0), "ratio": float(ago % 3 == 0)} for ago in reversed(range(250))]
    days, counts = pages(project, f"/whole/{ad}", project.admin(), 100)
    assert counts == [100, 100, 50] and days == expected
    assert pages(project, f"/whole/{ad}?since={day(9)}&until={day(0)}", project.admin(), 10) == (expected[-10:], [10])
    assert pages(project, f"/back/{ad}", project.admin(), 99) == (expected[::-1], [99, 99, 52])


def test_paging_goes_on_while_days_are_computed_again(ads):
    project, ad, other = ads, str(uuid.uuid4()), str(uuid.uuid4())
    show(project, [view(ad, ago) for ago in range(12)] + [view(other, 5)])
    assert run(project, "daily")["state"] == "done"
    first = project.get(f"/ads/{ad}?limit=6", headers=project.key).json
    show(project, [view(ad, 10), view(ad, 6), view(ad, 3)])  # a day of the first page, its last, one of the second
    assert run(project, "daily")["state"] == "done"
    second = project.get(f"/ads/{ad}?limit=6&page={first['next']}", headers=project.key).json
    assert [one["day"] for one in first["days"] + second["days"]] == [day(ago) for ago in reversed(range(12))]
    assert {one["day"]: one["shown"] for one in second["days"]}[day(3)] == 2 and second["next"] is None
    # A cursor of another request, and a changed one.
    for query in (f"/ads/{other}?page={first['next']}", f"/ads/{ad}?since={day(9)}&page={first['next']}"):
        reply = project.get(query, headers=project.key)
        assert reply.status == 400 and "'page'" in reply.json["error"], reply
    raw = bytearray(base64.urlsafe_b64decode(first["next"] + "=="))
    for at in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[at] ^= 1
        cursor = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        assert project.get(f"/ads/{ad}?page={cursor}", headers=project.key).status == 400
    assert project.get(f"/ads/{ad}?limit=4&page={first['next']}", headers=project.key).json["count"] == 4


def test_tags_caching_head_preflight_and_origins(ads):
    project, ad = ads, str(uuid.uuid4())
    show(project, [view(ad, 1), view(ad, 2)])
    run(project, "daily")
    path = f"/ads/{ad}?until={day(1)}"
    reply = project.get(path, headers=project.key)
    tag = reply.headers["etag"]
    assert reply.headers["cache-control"] == "private, max-age=60" and reply.headers["vary"] == "Authorization"  # and Origin, in a header of its own
    same = project.get(path, headers={**project.key, "If-None-Match": f'"x", W/{tag}'})
    assert same.status == 304 and same.body == b"" and same.headers["etag"] == tag
    head = project.request("HEAD", path, headers=project.key)
    assert head.status == 200 and head.body == b"" and head.headers["content-length"] == str(len(reply.body))
    show(project, [view(ad, 0)])  # outside of the range: the answer stays
    run(project, "daily")
    assert project.get(path, headers={**project.key, "If-None-Match": tag}).status == 304
    show(project, [view(ad, 2)])
    run(project, "daily")
    fresh = project.get(path, headers={**project.key, "If-None-Match": tag})
    assert fresh.status == 200 and fresh.headers["etag"] != tag and fresh.json["days"][0]["shown"] == 2
    shop = {"Origin": "https://shop.example"}
    check = project.request("OPTIONS", path, headers={**shop, "Access-Control-Request-Method": "GET"})
    assert check.status == 204 and check.headers["access-control-allow-origin"] == "https://shop.example"
    assert "GET" in check.headers["access-control-allow-methods"] and "Authorization" in check.headers["access-control-allow-headers"]
    assert project.get(path, headers={**project.key, **shop}).headers["access-control-allow-origin"] == "https://shop.example"
    assert project.get(path, headers={**project.key, "Origin": "https://elsewhere.example"}).status == 403
    assert project.request("OPTIONS", path, headers={"Origin": "https://elsewhere.example"}).status == 403
    assert project.post(path, {}, headers=project.key).status == 405


def test_a_read_key_reads_its_endpoint_and_nothing_else_until_it_is_revoked(ads):
    project, ad = ads, str(uuid.uuid4())
    show(project, [view(ad, 0)])
    run(project, "daily")
    path = f"/ads/{ad}"
    nobody = project.get(path)
    assert nobody.status == 401 and "key" in nobody.json["error"]
    assert project.get(path, headers=project.key).json["count"] == 1
    assert project.get(path, headers=project.admin()).status == 200
    general = {"Authorization": "Bearer " + project.weir("token", "create", "--read").strip()}
    assert project.get(path, headers=general).status == 200
    project.write("endpoints/more.yaml", ADS.replace("/ads/", "/more/"))
    project.weir("apply")
    assert project.get(f"/more/{ad}", headers=project.key).status == 403
    for elsewhere in ("/v1/status", "/v1/endpoints", "/v1/streams", "/v1/tables", "/v1/catalog"):
        assert project.get(elsewhere, headers=project.key).status == 403, elsewhere
    assert project.post("/v1/sql", {"sql": "SELECT 1"}, project.key).status == 403
    assert project.post("/v1/session", {"token": project.key["Authorization"].split()[1]}).status == 403
    project.weir("token", "create", "--read", "--endpoint", "nosuch", code=1)
    assert "no endpoint 'nosuch'" in project.stderr
    project.weir("token", "create", "--admin", "--endpoint", "ads", code=2)
    [listed] = [one for one in project.get("/v1/tokens", headers=project.admin()).json["tokens"] if one["endpoints"]]
    assert listed["endpoints"] == ["ads"] and listed["requests"] >= 8
    project.weir("token", "revoke", listed["id"])
    assert project.get(path, headers=project.key).status == 401


def test_mistakes_collisions_and_missing_columns_are_refused_by_plan_with_their_places(project):
    shutil.copytree(ROOT / "examples" / "advertising", project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".weir"))
    project.write("endpoints/broken.yaml", "path: /x/{id}\ntabel: ad_traffic\ncolumns: [day, day]\nparameters:\n"
                  "  id: {type: uid}\n  n: {type: date, default: someday}\npage: {max: 5000}\nread: anyone\n")
    project.weir("plan", code=1)
    for told in ("endpoints/broken.yaml:2:1", "did you mean 'table'", "endpoints/broken.yaml:3", "listed twice", "endpoints/broken.yaml:5:14",
                 "'uid'", "broken.yaml:6", "someday", "broken.yaml:7", "5000", "broken.yaml:8", "public"):
        assert told in project.stderr, told
    good = (project.folder / "endpoints/traffic.yaml").read_text()
    for path, told in {"/traffic/{other}": "endpoints/traffic.yaml:2", "/impressions": "streams/impressions.yaml",
                       "/v1/x": "weir's own", "/{x}/y": "would take every path", "/streams/x": "weir's own"}.items():
        project.write("endpoints/broken.yaml", "path: " + path + "\ntable: ad_traffic\ncolumns: [day]\nparameters:\n"
                      + "".join(f"  {name}: {{type: uuid, column: ad_id}}\n" for name in re.findall(r"{(\w+)}", path))
                      + ("  day: {type: date}\n" if "{" not in path else ""))
        project.weir("plan", code=1)
        assert told in project.stderr and "endpoints/broken.yaml:1" in project.stderr, (path, project.stderr)
    (project.folder / "endpoints/broken.yaml").unlink()
    for before, after, told in (("table: ad_traffic", "table: ad_trafic", "did you mean 'ad_traffic'?"),
                                ("impressions, clicks]", "impresions, clicks]", "'impresions', which table ad_traffic does not have"),
                                ("ad_id: {type: uuid", "ad_id: {type: integer", "is a integer, its column ad_id is a UUID"),
                                ("of: clicks", "of: day", "is a DATE, not a number")):
        project.write("endpoints/traffic.yaml", good.replace(before, after))
        plan = project.weir("plan", code=3)
        assert told in plan and "endpoints/traffic.yaml" in plan, plan
    project.write("endpoints/traffic.yaml", good)
    project.weir("plan", code=3)
    project.start()
    table = project.folder / "tables/ad_traffic.sql"
    text = table.read_text()
    table.write_text(text.replace("count(click_at) AS clicks", "count(click_at) AS clicked").replace("clicks > impressions", "false"))
    assert "'clicks', which table ad_traffic does not have" in project.weir("plan", code=3)
    project.weir("apply", code=1)
    table.write_text(text)


def test_endpoints_come_change_and_go_with_apply(ads):
    project, ad = ads, str(uuid.uuid4())
    show(project, [view(ad, 0, True)])
    run(project, "daily")
    assert project.get(f"/ads/{ad}", headers=project.key).json["days"][0] == {"day": day(0), "shown": 1, "clicks": 1, "ratio": 1.0}
    project.write("endpoints/ads.yaml", ADS.replace("/ads/{ad}", "/shown/{ad}").replace("columns: [day, shown, clicks]", "columns: [shown]")
                  .replace("ratios: {ratio: {of: clicks, to: shown, digits: 3}}", "ratios: {odd: {of: clicks, to: minus}}")
                  .replace("read: key", "read: public"))
    assert "index is written again" in project.weir("plan", code=3)
    project.weir("apply")
    ready(project, "ads")
    assert project.get(f"/ads/{ad}", headers=project.key).status in (200, 404)  # the pages' now, or nothing
    assert project.get(f"/shown/{ad}").json["days"] == [{"shown": 1, "odd": None}]  # 1 / 0
    status = project.weir("status")
    assert "/shown/{ad}" in status and "ready" in status
    project.write("endpoints/ads.yaml", ADS + "enabled: false\n")
    project.weir("apply")
    assert project.get(f"/ads/{ad}", headers=project.key).status == 404
    (project.folder / "endpoints/ads.yaml").unlink()
    project.weir("apply", "--drop")
    assert project.get("/v1/endpoints", headers=project.admin()).json == {"endpoints": []}
    assert not (project.folder / ".weir/endpoints/ads").exists()


def test_it_answers_while_days_are_published_and_never_half_a_day(ads):
    """A reader that asks all the time sees, of each day, one published version after the other."""
    project, ad = ads, str(uuid.uuid4())
    show(project, [view(ad, 1)])
    run(project, "daily")
    seen, wrong, stop = [], [], threading.Event()

    def ask():
        while not stop.is_set():
            reply = project.get(f"/ads/{ad}", headers=project.key)
            if reply.status != 200:
                wrong.append(reply)
            else:
                seen.append(reply.json["days"][0]["shown"])
    reader = threading.Thread(target=ask)
    reader.start()
    for rows in range(4):
        show(project, [view(ad, 1)])
        run(project, "daily")
        project.write("endpoints/ads.yaml", ADS.replace("max: 200", f"max: {300 + rows}"))  # what is read stays
        project.weir("apply")
    stop.set()
    reader.join()
    assert not wrong and seen == sorted(seen) and {1, 5} >= {seen[0], seen[-1]} and len(seen) > 20


def judge(document, schema, answer):
    """Fails unless the document is OpenAPI 3.1 and the answer is what its schema says."""
    code = """
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
import jsonschema
document, schema, answer = json.load(sys.stdin)
validate(document, cls=OpenAPIV31SpecValidator)
jsonschema.Draft202012Validator({**document["components"]["schemas"][schema], "components": document["components"]}).validate(answer)
"""
    done = subprocess.run([os.environ["WEIR_VALIDATOR"] + "/bin/python", "-c", code], text=True, capture_output=True,
                          input=json.dumps([document, schema, answer]))
    assert done.returncode == 0, done.stderr


def test_openapi_describes_every_path_and_a_validator_agrees(advertising):
    advertising.write("streams/orders.yaml", "fields:\n  customer: {type: string, required: true}\n  lines: {type: array, items: {type: object, fields: {sku: string}}}\n")
    advertising.weir("apply")
    ad = str(uuid.uuid4())
    send(advertising, 0, [ad])
    run(advertising, "ad_traffic")
    document = advertising.get("/openapi.json").json
    judge(document, "answer_traffic", traffic(advertising, ad).json)
    assert {"/traffic/{ad_id}", "/advertising/traffic/{ad_id}", "/impressions", "/Prod/clicks", "/v1/streams/orders"} <= set(document["paths"])
    get = document["paths"]["/traffic/{ad_id}"]["get"]
    assert [one["name"] for one in get["parameters"]] == ["ad_id", "start", "end", "limit", "page"] and get["security"] == []
    rows = document["components"]["schemas"]["answer_traffic"]["properties"]["days"]["items"]
    assert rows["properties"]["impressions"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert document["paths"]["/v1/streams/orders"]["post"]["security"] == [{"token": []}]


def test_the_guides_commands_answer_what_it_says(advertising):
    guide = ROOT / "docs/guides/endpoints.md"
    weir = advertising.folder / "bin"
    weir.mkdir()
    (weir / "weir").write_text(f'#!/bin/sh\nexec {BINARY} "$@" --dir {advertising.folder} >&2\n')
    (weir / "weir").chmod(0o755)
    text = guide.read_text()
    env = {**os.environ, "URL": f"http://127.0.0.1:{advertising.port}", "PATH": f"{weir}:{os.environ['PATH']}"}
    before, wrong, ran = "", [], 0
    for block in re.finditer(r"^```sh\n(.*?)^```\n```(json|text)\n(.*?)^```$", text, re.M | re.S):
        before += block[1]
        done = subprocess.run(["bash", "-euc", before if ran == 0 else "AD=fc91623b-7c70-42a6-829b-29b0eb3d61de\n" + block[1]],
                              capture_output=True, text=True, env=env, timeout=60)
        got = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr
        wrong += differences(json.loads(block[3]), json.loads(got)) if block[2] == "json" else [] if got == block[3].strip() else [got]
        ran += 1
    assert ran == 4 and not wrong, wrong
