"""Reviews against weir and against a real PostgreSQL: rounds, thresholds, manifests, kills, reports, and what is refused before anything runs."""
import base64
import json
import os
import random
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.environ["WEIR_CLIENTS"] + "/python")
from conftest import BINARY, ROOT, wait_for
from outside_server import POSTGRES, Elsewhere
from test_outside import Shop

OWN = """
title: Two & three
workflow: all-parallel
queries:
  Numbers:
    signals:
      - {signal: large numbers, when: n > 5, colour: red, impact: high, mend: "DELETE FROM t WHERE n = {n}", recommend: [less]}
      - {signal: too many, when: "select count(*) from df || > 100"}
  Missing:
    signals:
      - {signal: anything, when: n > 0}
recommendations:
  less: {text: Use smaller numbers, effort: Small}
"""


CHANGES = ("new", "worse", "better", "resolved", "not_measured_any_more")


def declare(project, name="health", yaml=OWN, **scripts):
    project.write(f"reviews/{name}/review.yaml", yaml)
    for query, sql in scripts.items():
        project.write(f"reviews/{name}/scripts/{query}.sql", sql)


def small(project):
    project.write("weir.yaml", "name: shop\n")
    declare(project, Numbers="SELECT i AS n FROM generate_series(1, 10) AS t(i)", Missing="SELECT n FROM no_such_table")
    project.weir("apply")


def report(project, name="health", *options, code=0):
    return json.loads(project.weir("review", "report", name, "--format", "json", *options, code=code))


def files(project):
    """The newest run's folder."""
    runs = sorted(project.folder.glob(".weir/store/runs/*/*/review.json"))
    return runs[-1].parent


def signals(said):
    return {signal["signal"]: signal for section in said["sections"] for query in section["queries"] for signal in query["signals"]}


@pytest.fixture(scope="module")
def elsewhere():
    assert (POSTGRES / "initdb").exists(), "scripts/install --tests installs PostgreSQL 15"
    server = Elsewhere()
    yield server
    server.stop()


@pytest.fixture
def shop(elsewhere, tmp_path):
    made = Shop(tmp_path / "shop")
    made.folder.mkdir()
    made.declare(elsewhere, {"prod": {"tls": "verify", "ca": str(elsewhere.ca), "max": 8}})
    yield made
    made.kill()


def test_a_review_says_what_it_found_and_leaves_everything_behind(project):
    small(project)
    shown = project.weir("review", "run", "health", code=3)
    assert re.search(r"red\s+Numbers\s+large numbers\s+5\s+10", shown) and "not measured" in shown and "no_such_table" in shown
    assert "score 40 of 100; 1 red, 0 yellow, 1 green, 1 not measured" in shown
    said = report(project)
    assert said["verdict"] == "red" and said["counts"] == {"red": 1, "yellow": 0, "green": 1, "not_measured": 1}
    assert said["score"] == 40  # high counts 3, medium 2
    met = signals(said)["large numbers"]
    assert (met["count"], met["of"], met["mend"][0]) == (5, 10, "DELETE FROM t WHERE n = 6")
    assert met["evidence"]["rows"] == [[6], [7], [8], [9], [10]]
    assert "no_such_table" in signals(said)["anything"]["why"]
    folder = files(project)
    assert (folder / "csv/Numbers.csv").read_text().splitlines()[:2] == ["n", "1"]
    assert json.loads((folder / "result/Numbers.json").read_text())["Records"][0] == [{"longValue": 1}]
    assert "no_such_table" in json.loads((folder / "error/Missing.json").read_text())["error"]
    manifests = sorted(path.name for path in (folder / "manifest").iterdir())
    assert manifests == ["round-1-workflow-2-0.manifest", "round-1-workflow-2-1.manifest", "round-2-workflow-2-1.manifest", "round-3-workflow-2-1.manifest"]
    last = json.loads((folder / "manifest" / manifests[-1]).read_text())
    assert [(query["query"], query["status"], query["round"]) for query in last["queries"]] == [("Missing", "FAILED", 3)]
    html = project.weir("review", "report", "health")
    assert "Two &amp; three" in html and "<script" not in html and "http-equiv" in html
    assert 'failures="1" skipped="0" errors="1"' in project.weir("review", "report", "health", "--format", "junit")
    findings = json.loads(project.weir("alarms", "findings", "--json"))["findings"]
    assert sorted(finding["source"] for finding in findings) == ["review", "review"]
    assert any("Missing: " in finding["why"] for finding in findings)


def changes(compared):
    return {change: [(entry["signal"], entry["from"], entry["to"], entry["count_from"], entry["count_to"]) for entry in compared[change]] for change in CHANGES}


def test_a_run_is_compared_with_the_one_before_it(project):
    small(project)
    project.weir("review", "run", "health", code=3)
    first = report(project)
    assert first["since"] is None and [point["score"] for point in first["trend"]] == [40]
    project.weir("review", "compare", "health", code=1)
    assert "is the first of review health" in project.stderr
    project.write("reviews/health/scripts/Numbers.sql", "SELECT i AS n FROM generate_series(1, 120) AS t(i) WHERE i <> 6")
    project.write("reviews/health/scripts/Missing.sql", "SELECT 1 AS n")
    project.weir("apply")
    project.weir("review", "run", "health", code=3)
    second = report(project)
    assert changes(second["since"]) == {
        "new": [("too many", "green", "yellow", 0, 1), ("anything", "not measured", "yellow", 0, 1)],
        "worse": [("large numbers", "red", "red", 5, 114)], "better": [], "resolved": [], "not_measured_any_more": []}
    assert [(point["run"], point["red"], point["met"]) for point in second["trend"]] == [
        (first["run"], 1, {"Numbers": 1}), (second["run"], 1, {"Numbers": 2, "Missing": 1})]
    compared = json.loads(project.weir("review", "compare", "health", "--json", code=3))
    assert changes(compared) == changes(second["since"]) and compared["from"]["run"] == first["run"] and compared["to"]["score"] == second["score"]
    assert json.loads(project.weir("review", "compare", second["run"], "--json", code=3)) == compared
    assert json.loads(project.weir("review", "compare", first["run"], second["run"], "--json", code=3)) == compared
    shown = project.weir("review", "compare", "health", code=3)
    assert re.search(r"worse\s+Numbers\s+large numbers\s+red 5\s+red 114", shown) and "was red, score 40" in shown
    back = json.loads(project.weir("review", "compare", second["run"], first["run"], "--json"))  # exit code 0: nothing is worse
    assert changes(back)["resolved"] == [("too many", "yellow", "green", 1, 0)] and changes(back)["better"] == [("large numbers", "red", "red", 114, 5)]
    declare(project, "other", OWN, Numbers="SELECT 9 AS n", Missing="SELECT 9 AS n")
    project.weir("apply")
    project.weir("review", "run", "other", code=3)
    project.weir("review", "compare", first["run"], report(project, "other")["run"], code=2)
    assert "is one of review 'other', not of 'health'" in project.stderr


PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63f8ffff3f0005fe02fea7f605640000000049454e44ae426082")


@pytest.mark.parametrize("elsewhere_too", [False, True])
def test_a_report_has_the_brand_and_the_template_of_its_review(project, elsewhere_too):
    small(project)
    project.write("reviews/health/review.yaml", OWN + "brand: {name: Shop & Sons, logo: logo.png, colour: '#0b57a4', footer: For us}\n")
    (project.folder / "reviews/health/logo.png").write_bytes(PNG)
    if elsewhere_too:  # a build pipeline sends the files
        project.start()
        project.admin()
        project.weir("apply", "--server", f"http://127.0.0.1:{project.port}", env={"WEIR_TOKEN": project.token})
        assert project.stop() == 0
    else:
        project.weir("apply")
    project.weir("review", "run", "health", code=3)
    html = project.weir("review", "report", "health")
    logo = base64.b64encode(PNG).decode()
    assert f'<img src="data:image/png;base64,{logo}" alt=""><span>Shop &amp; Sons</span>' in html and "--brand:#0b57a4" in html and "<p>For us</p>" in html
    project.write("reviews/health/review.yaml", OWN + "template: own.html\n")
    project.write("reviews/health/own.html", "<h1>{{title}}</h1>{{ verdict }} {{score}} {{red}}/{{green}} {{summary}}{{sections}}")
    project.weir("apply")
    project.weir("review", "run", "health", code=3)
    html = project.weir("review", "report", "health")
    assert html.startswith("<h1>Two &amp; three</h1>red 40 1/1 <section") and "large numbers" in html and "<style" not in html


def test_the_migration_tour_from_the_automated_review(shop):
    """Every command of the page, with three files in the automated review's form, as somebody would type them."""
    page = (ROOT / "docs/migrate/warehouse-review.md").read_text()
    (script,) = re.findall(r"```sh\n(.*?)```", page, re.S)
    shop.write("config.json", json.dumps({"all-parallel": ["Orders:600"]}))
    shop.write("review_config.json", json.dumps({"Customer": "Shop", "Endpoint": "", "Sections": {"Orders": {
        "SQL": "SELECT id, note FROM sales.orders", "Signals": [{"Signal": "no note", "Criteria": "note.isnull()", "PopulationCriteria": "", "Recommendation": []}], "Observations": []}},
        "Recommendations": {}, "Next Actions": []}))
    shop.write("review_result.html", "<li>Tab_01</li><p>tabtext_01</p>")
    environment = {**shop.environment, "PATH": f"{os.path.dirname(BINARY)}:{os.environ['PATH']}", "WEIR_DIR": str(shop.folder)}
    script = script.replace("weir plan\n", "weir plan || test $? = 3\n").replace("weir connection check prod ", "weir connection check prod || test $? = 3 ")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=shop.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no note" in (shop.folder / "report.html").read_text() and "<li>Orders</li>" in (shop.folder / "review.html").read_text()


def test_watching_a_run_tells_each_query_as_it_ends(project):
    small(project)
    project.start()
    begun = project.post("/v1/reviews/health/runs", {}, project.admin()).json["id"]
    shown = project.weir("runs", "watch", begun)
    told = re.findall(r"^round (\d)  (\w+) +(\w+) ", project.stderr, re.M)
    assert ("1", "FINISHED", "Numbers") in told and ("3", "FAILED", "Missing") in told and len(set(told)) == len(told)
    assert re.search(r"Missing +2 +3 +FAILED", shown) and re.search(r"Numbers +1 +1 +FINISHED .* 10", shown)


def test_a_new_query_is_a_file_and_three_lines(project):
    small(project)
    project.write("reviews/health/scripts/Added.sql", "SELECT 'x' AS a, NULL::INT AS b")
    project.write("reviews/health/review.yaml", OWN.replace("queries:\n", "queries:\n  Added:\n    signals: [{signal: it is there, when: a == 'x' and b.isnull()}]\n"))
    project.weir("apply")
    project.weir("review", "run", "health", "--workflow", "all-serial", code=3)
    assert signals(report(project))["it is there"]["colour"] == "yellow"


def test_the_automated_reviews_files_run_as_they_are(project):
    project.write("weir.yaml", "name: shop\n")
    project.write("reviews/roar/config.json", json.dumps({"all-serial": ["A:600,B:600"], "serial-parallel": ["A:600", "B:600"]}))
    project.write("reviews/roar/review_config.json", json.dumps({
        "Customer": "Shop", "Endpoint": "", "Sections": {
            "A": {"SQL": "SELECT 'dc2' AS type, 80.5 AS pct, '' AS key UNION ALL SELECT 'ra3', NULL, NULL;", "Signals": [
                {"Signal": "full", "Criteria": "pct > 70 and type.str.startswith('dc')", "PopulationCriteria": "", "PopulationName": "nodes", "Recommendation": ["1"]},
                {"Signal": "no key", "Criteria": "key == ''", "PopulationCriteria": "type <> 'ra3'", "Recommendation": []},
                {"Signal": "off", "Criteria": "skip pct > 0", "PopulationCriteria": "", "Recommendation": []}], "Observations": []},
            "B": {"SQL": "SELECT 1440 * 0.5 AS minutes", "Signals": [
                {"Signal": "idle", "Criteria": "select sum(minutes)/1440 from df  || *100 < 75", "PopulationCriteria": "", "Recommendation": ["1"]}]}},
        "Recommendations": {"1": {"text": "Do it", "description": "<ul><a href='https://x.example/'>how</a></ul>", "effort": "Small"}}, "Next Actions": []}))
    project.write("reviews/roar/review_result.html", "<h2>REPLACE_DATE_TIME</h2><li>Tab_01</li><li>Tab_02</li><p>tabtext_01</p><p>tabtext_02</p>")
    project.weir("apply")
    project.weir("review", "run", "roar")
    project.weir("review", "run", "roar", "--workflow", "serial-parallel")
    said = signals(report(project, "roar"))
    assert {name: (signal["colour"], signal["count"], signal["of"]) for name, signal in said.items()} == {
        "full": ("yellow", 1, 2), "no key": ("yellow", 1, 1), "idle": ("yellow", 1, 1)}
    assert (files(project) / "csv/A.csv").read_text() == "type|pct|key\ndc2|80.5|empty\nra3|empty|empty\n"
    page = project.weir("review", "report", "roar", "--format", "page")
    assert "<li>A</li><li>B</li>" in page and "Do it" in page and 'href="https://x.example/"' in page and "REPLACE" not in page and "tabtext" not in page


@pytest.mark.parametrize("change, expected", [
    ({"review.yaml": OWN.replace("title:", "titel:")}, "reviews/health/review.yaml:2:1: unknown key 'titel'"),
    ({"review.yaml": OWN + "template: own.html\n", "own.html": "<h1>\n  {{titel}}"}, "reviews/health/own.html:2:3: there is no placeholder 'titel'"),
    ({"review.yaml": OWN + "template: own.html\n", "own.html": "{{title}} {{score"}, "reviews/health/own.html:1:11: a placeholder is not closed"),
    ({"review.yaml": OWN + "template: ../../weir.yaml\n"}, "review.yaml:14:11: template: there is no file '../../weir.yaml' in the review's folder"),
    ({"review.yaml": OWN + "brand: {logo: logo.png}\n", "logo.png": "GIF89a"}, "review.yaml:14:15: logo: 'logo.png' is no image that reports show"),
    ({"review.yaml": OWN + "brand: {logo: logo.svg}\n", "logo.svg": "<svg>" + " " * 200_000}, "'logo.svg' has 200005 bytes, at most 131072 are allowed"),
    ({"review.yaml": OWN + "brand: {colour: red}\n"}, "review.yaml:14:17: colour: 'red' is no colour"),
    ({"scripts/Nubmers.sql": "SELECT 1"}, "reviews/health/scripts/Nubmers.sql:1:1: no query of this review is made of this file"),
    ({"review.yaml": OWN.replace("Missing:", "Lost:")}, "review.yaml:10:5: there is no scripts/Lost.sql"),
    ({"review.yaml": OWN.replace("n > 5", "n >")}, "review.yaml:7:39: found the end"),
    ({"review.yaml": OWN + "workflows: {mine: [\"Numbers:0\"]}\n"}, "a threshold of 0 would cancel the query before it begins"),
    ({"review.yaml": OWN.replace("  Missing:\n", "  Missing:\n    result: Numbers\n")}, "queries Numbers and Missing have one result"),
])
def test_what_is_wrong_is_refused_at_plan_with_its_place(project, change, expected):
    small(project)
    for path, text in change.items():
        project.write(f"reviews/health/{path}", text)
    project.weir("plan", code=1)
    assert expected in project.stderr, project.stderr
    project.weir("review", "run", "health", code=3)  # what is applied goes on


def test_the_end_of_a_run_is_told(project):
    project.write("weir.yaml", "name: shop\n")
    project.write("alerts/told.yaml", "channels:\n  journal: {kind: file, path: told.jsonl}\n")
    declare(project, yaml=OWN + "notify: [journal]\n", Numbers="SELECT i AS n FROM generate_series(1, 10) AS t(i)", Missing="SELECT n FROM no_such_table")
    declare(project, "hurried", "notify: [journal]\ntime_limit: 1s\nqueries: {Long: {signals: [{signal: s, when: n > 0}]}, Short: {signals: [{signal: t, when: n > 0}]}}\nworkflow: all-parallel\n",
            Long="SELECT count(*) AS n FROM generate_series(1, 20000000000)", Short="SELECT 0 AS n")
    project.start()
    project.weir("apply")
    project.weir("review", "run", "health", code=3)
    project.weir("review", "run", "hurried", code=1)
    assert "queries without an answer: 1 (Long)" in project.stderr
    told = project.folder / "told.jsonl"
    wait_for(lambda: told.exists() and "ran out of time" in told.read_text(), "both are told")
    messages = {line["message"]["subject"]: line["message"] for line in map(json.loads, told.read_text().splitlines()) if "message" in line}
    ready = messages["Your report is ready: Two & three, red"]
    assert "1 red, 0 yellow, 1 green, 1 not measured" in ready["text"] and "Missing: " in ready["text"] and "/reviews/health?run=" in json.dumps(ready)
    late = messages["The review hurried ran out of time"]
    assert "not done within 1s" in late["text"] and "Long: " in late["text"] and "Short: " not in late["text"]


def test_a_review_asks_weir_as_a_user_whose_grants_hold(project):
    project.write("weir.yaml", "name: shop\n")
    project.start()
    for statement in ("CREATE USER reviewer PASSWORD 'Lookingglass7'", "CREATE TABLE public.secret AS SELECT 1 AS n", "CREATE TABLE public.shown AS SELECT 2 AS n",
                      "GRANT SELECT ON public.shown TO reviewer"):
        assert project.post("/v1/sql", {"sql": statement}, project.admin()).status == 200, statement
    yaml = ("queries:\n  Secret: {needs: [public.secret], signals: [{signal: s, when: n > 0}]}\n  Shown: {needs: [public.shown], signals: [{signal: t, when: n > 0}]}\n"
            "  Undeclared: {signals: [{signal: u, when: n > 0}]}\n  Others: {needs: [rows_of_others], signals: [{signal: o, when: n > 0}]}\n")
    declare(project, yaml="as: reviewer\nrounds: 1\n" + yaml, Secret="SELECT n FROM public.secret", Shown="SELECT n FROM public.shown", Undeclared="SELECT n FROM public.secret",
            Others="SELECT count(*) AS n FROM stl_query")
    project.weir("apply")
    project.weir("review", "run", "health", code=1)
    assert "queries without an answer: 1 (Undeclared)" in project.stderr, "what says what it needs was not asked"
    said = report(project)
    found = signals(said)
    assert said["target"]["user"] == "reviewer" and found["t"]["colour"] == "yellow"
    assert "not measured" == found["s"]["colour"] == found["u"]["colour"] == found["o"]["colour"] and "permission denied" in found["u"]["why"]
    assert 'GRANT SELECT ON public.secret TO "reviewer"' in json.dumps(said).replace('\\"', '"') and "SYSLOG ACCESS UNRESTRICTED" in json.dumps(said)
    for statement in ("GRANT SELECT ON public.secret TO \"reviewer\"", "ALTER USER \"reviewer\" SYSLOG ACCESS UNRESTRICTED"):
        assert project.post("/v1/sql", {"sql": statement}, project.admin()).status == 200, statement
    project.weir("review", "run", "health")
    assert report(project)["counts"] == {"red": 0, "yellow": 4, "green": 0, "not_measured": 0}
    declare(project, yaml="as: nobody_knows\n" + yaml)
    project.weir("apply")
    project.weir("review", "run", "health", code=1)
    assert "there is no user 'nobody_knows'" in project.stderr
    declare(project, yaml="as: reviewer\ntarget: prod\n" + yaml)
    project.weir("plan", code=1)
    assert "review.yaml:1:5: as: belongs to the target weir" in project.stderr


def test_names_that_are_not_there_are_told(project):
    small(project)
    project.weir("review", "run", "healht", code=1)
    assert "did you mean 'health'?" in project.stderr
    project.weir("review", "run", "health", "--workflow", "all-paralel", code=1)
    assert "did you mean 'all-parallel'?" in project.stderr
    project.weir("review", "report", "health", code=1)
    assert "has no report yet" in project.stderr
    declare(project, yaml=OWN + "target: prod\n")
    assert "it names the connection 'prod', which is not declared: refused (declare it in `connections:` of weir.yaml)" in project.weir("plan", code=3)


def test_a_query_over_its_threshold_is_cancelled_on_the_server_and_writing_is_refused(shop, elsewhere):
    declare(shop, yaml="target: prod\nrounds: 2\nworkflow: all-parallel\nqueries:\n  Slow: {threshold: 500ms, signals: [{signal: s, when: n > 0}]}\n"
            "  Fast: {signals: [{signal: f, when: n == 1}]}\n  Writes: {signals: [{signal: w, when: n > 0}]}\n",
            Slow="SELECT 1 AS n FROM pg_sleep(3600);", Fast="SELECT 1 AS n;", Writes="CREATE TABLE made (n INT)")
    shop.weir("apply")
    shop.weir("review", "run", "health", code=1)
    assert "queries without an answer: 2 (Slow, Writes)" in shop.stderr
    said = report(shop)
    assert said["target"]["kind"] == "postgresql" and said["target"]["version"].startswith("15")
    found = signals(said)
    assert found["f"]["colour"] == "yellow"
    assert "it took longer than its threshold of 500ms" in found["s"]["why"]
    assert "read-only" in found["w"]["why"]
    assert elsewhere.of_weir() == []


RACES_A_RUN = 200  # a review has 500 queries at most


def test_finishing_and_being_cancelled_are_never_both_or_neither(shop, elsewhere, request):
    """The threshold falls into the moment in which the query ends: seeded, some a little before, some a little after."""
    chance = random.Random(6)
    left = request.config.getoption("--races")
    ended = {"FINISHED": 0, "FAILED": 0}
    while left > 0:
        names = [f"Q{i:03}" for i in range(min(left, RACES_A_RUN))]
        left -= len(names)
        declare(shop, yaml="target: prod\nrounds: 1\nworkflow: all-parallel\nparallel: 8\nqueries:\n" + "".join(
            f"  {name}: {{threshold: {100 + chance.randrange(24)}ms, signals: [{{signal: {name}, when: n >= 0}}]}}\n" for name in names),
            **{name: f"SELECT 1 AS n FROM pg_sleep({0.1 + chance.randrange(24) / 1000})" for name in names})
        shop.weir("apply")
        shop.weir("review", "run", "health", code=1)  # some have no answer
        folder = files(shop)
        for section in report(shop)["sections"]:
            for query in section["queries"]:
                is_finished = query["status"] == "FINISHED"
                ended[query["status"]] += 1
                assert (folder / f"result/{query['query']}.json").exists() == is_finished
                assert (folder / f"error/{query['query']}.json").exists() != is_finished
                assert is_finished or "threshold" in query["error"], query
        assert elsewhere.of_weir() == []
    print(ended)
    assert ended["FINISHED"] and ended["FAILED"], ended


def masked(folder):
    """A run's report without what tells one run from another, and without the runs before it."""
    said = json.loads((folder / "report.json").read_text())
    text = json.dumps({key: value for key, value in said.items() if key not in ("since", "trend")})
    text = re.sub(r'"(run|started_at|result|csv)": "[^"]*"', r'"\1": "…"', text)
    return re.sub(r'"elapsed_ms": \d+', '"elapsed_ms": 0', text)


def test_kills_do_not_change_the_report(shop, elsewhere, request):
    declare(shop, yaml="target: prod\nworkflow: mixed\nworkflows: {mixed: [\"A,B\", \"C\", \"D,E\"]}\nqueries:\n" + "".join(
        f"  {name}: {{signals: [{{signal: {name}, when: n > 1}}]}}\n" for name in "ABCDE"),
        A="SELECT 1 AS n FROM pg_sleep(0.2)", B="SELECT 2 AS n FROM pg_sleep(0.1)", C="SELECT n FROM no_such_table", D="SELECT 4 AS n", E="SELECT 5 AS n FROM pg_sleep(0.3)")
    shop.weir("apply")
    shop.weir("review", "run", "health", code=1)  # C has no answer
    calm = masked(files(shop))
    before = report(shop)["run"]
    chance = random.Random(20261122)
    shop.start()
    for _ in range(request.config.getoption("--review-kills")):
        begun = shop.post("/v1/reviews/health/runs", {}, shop.admin())
        assert begun.status == 200, begun
        moment = chance.uniform(0, 0.7)
        wait_for(lambda: shop.get(f"/v1/runs/{begun.json['id']}", headers=shop.admin()).json["state"] != "queued", "it runs")
        time.sleep(moment)  # the kill's moment is chance
        shop.kill()
        shop.start()
        wait_for(lambda: shop.get(f"/v1/runs/{begun.json['id']}", headers=shop.admin()).json["state"] in ("done", "failed"), "it has ended")
        assert shop.get(f"/v1/runs/{begun.json['id']}", headers=shop.admin()).json["state"] == "done"
        assert masked(files(shop)) == calm
        since = report(shop)["since"]
        assert since["run"] == before and not any(since[change] for change in CHANGES), since
        before = begun.json["id"]


def test_a_killed_run_is_compared_with_the_run_that_was_before_it(shop, elsewhere):
    declare(shop, yaml="target: prod\nworkflow: slow\nworkflows: {slow: [\"Slow,Fast\"], fast: [\"Fast\"]}\nqueries:\n" + "".join(
        f"  {name}: {{signals: [{{signal: {name}, when: n > 0}}]}}\n" for name in ("Slow", "Fast")), Slow="SELECT 1 AS n FROM pg_sleep(1)", Fast="SELECT 1 AS n")
    shop.weir("apply")
    shop.weir("review", "run", "health")
    first = report(shop)["run"]
    shop.start()
    long = shop.post("/v1/reviews/health/runs", {}, shop.admin()).json["id"]
    wait_for(lambda: len(elsewhere.of_weir()) == 1, "it asks")
    shop.kill()
    shop.start()
    begun = shop.post("/v1/reviews/health/runs", {"workflow": "fast"}, shop.admin()).json["id"]
    for run in (begun, long):
        wait_for(lambda: shop.get(f"/v1/runs/{run}", headers=shop.admin()).json["state"] == "done", "it has ended")
    said = {run: report(shop, "health", "--run", run) for run in (begun, long)}
    assert {run: one["since"]["run"] for run, one in said.items()} == {begun: first, long: first}
    assert [point["run"] for point in said[long]["trend"]] == [first, long]
    assert [entry["signal"] for entry in said[begun]["since"]["not_measured_any_more"]] == ["Slow"]
    assert shop.stop() == 0


def test_runs_go_side_by_side_and_are_stopped_alone(shop, elsewhere):
    declare(shop, yaml="target: prod\nqueries: {Slow: {signals: [{signal: s, when: n > 0}]}}\n", Slow="SELECT 1 AS n FROM pg_sleep(3600)")
    shop.weir("apply")
    shop.start()
    ids = [shop.post("/v1/reviews/health/runs", {}, shop.admin()).json["id"] for _ in range(3)]
    wait_for(lambda: len(elsewhere.of_weir()) == 3, "three at once")
    assert len({path.name for path in shop.folder.glob(".weir/store/runs/health/*")}) == 3
    shop.weir("runs", "stop", ids[1])
    wait_for(lambda: len(elsewhere.of_weir()) == 2, "one was stopped on the server")
    assert shop.get(f"/v1/runs/{ids[1]}", headers=shop.admin()).json["state"] == "stopped"
    assert shop.stop() == 0  # the others go on at the next start
    wait_for(lambda: elsewhere.of_weir() == [], "nothing of a stopped server runs there")
    shop.start()
    wait_for(lambda: len(elsewhere.of_weir()) == 2, "they go on")
    for one in (ids[0], ids[2]):
        shop.weir("runs", "stop", one)
    wait_for(lambda: elsewhere.of_weir() == [], "stopped")
