"""Reviews that come with weir, on this weir, over its own wire and against a real PostgreSQL: what can be asked where, what is left out and why."""
import json
import os
import random
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.environ["WEIR_CLIENTS"] + "/python")
from conftest import BINARY, ROOT, Project, wait_for
from outside_server import PASSWORD, POSTGRES, Elsewhere
from test_outside import Shop, elsewhere_at
from test_reviews import files, masked, report, signals

# What weir has the relations for of those that are for Redshift too; the others say why they are not asked. Those for weir
# alone are in test_review_weir.py.
ON_WEIR = {"MaterializedViews", "Refreshes", "LongStatements", "RunningStatements", "FailedStatements", "QueueWaits", "LoadErrors", "SingleRowInserts",
           "PublicGrants", "PublicSchemas", "People", "SignIns", "Partitions", "ExternalScans"}


def queries(said):
    return {query["query"]: query for section in said["sections"] for query in section["queries"]}


def shipped_queries(project):
    return {one["query"]: one for one in json.loads(project.weir("review", "show", "warehouse", "--json"))["queries"]}


def met_of_redshift(said):
    """What is yellow or red, without the checks of weir's own server: the disk of this machine may be full."""
    return {signal["signal"]: signal["colour"] for name, query in queries(said).items() if name in ON_WEIR
            for signal in query["signals"] if signal["colour"] in ("red", "yellow")}


def run_whatever_it_finds(project):
    """The exit code is 3 where this machine's own disk is nearly full."""
    done = subprocess.run([BINARY, "review", "run", "warehouse", "--dir", str(project.folder)], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 3), done
    return report(project, "warehouse")


def fresh(project):
    project.write("weir.yaml", "name: shop\n")
    return project


@pytest.fixture(scope="module")
def elsewhere():
    assert (POSTGRES / "initdb").exists(), "scripts/install --tests installs PostgreSQL 15"
    server = Elsewhere()
    yield server
    server.stop()


@pytest.fixture
def shop(elsewhere, tmp_path):
    """With the connections prod, as who may read everything, and poor, as who may read nothing."""
    made = Shop(tmp_path / "shop")
    made.folder.mkdir()
    made.declare(elsewhere, {name: {"tls": "verify", "ca": str(elsewhere.ca), "max": 4, "user": user} for name, user in (("prod", "reader"), ("poor", "weir"))})
    yield made
    made.kill()


def test_they_are_there_without_a_declaration(project):
    fresh(project)
    listed = json.loads(project.weir("review", "list", "--json"))["reviews"]
    assert {"warehouse"} <= {one["review"] for one in listed if one["shipped"]}
    assert re.search(r"warehouse +shipped +weir ", project.weir("review", "list"))
    said = run_whatever_it_finds(project)
    asked = queries(said)
    own = {name for name, one in shipped_queries(project).items() if one["engines"] == ["weir"]}
    assert {name for name, query in asked.items() if query["status"] == "FINISHED"} == ON_WEIR | own
    assert not [query for query in asked.values() if query["status"] == "FAILED"]
    for name in set(asked) - ON_WEIR - own:
        why = asked[name]["left_out"]["why"]
        assert why and all(signal["why"] == why and signal["colour"] == "not measured" for signal in asked[name]["signals"]), name
    assert asked["PlannerAlerts"]["left_out"]["why"] == "weir does not fill stl_alert_event_log"
    assert asked["Skew"]["left_out"]["why"] == "weir has no slices: nothing can be skewed"
    assert met_of_redshift(said) == {} and said["counts"]["not_measured"] == sum(len(asked[name]["signals"]) for name in set(asked) - ON_WEIR - own)
    # What is left out took no round, and nothing failed: no finding but of the verdict.
    left = [path.name for path in (files(project) / "error").iterdir()] if (files(project) / "error").exists() else []
    assert left == [] and "Skew" not in (files(project) / "manifest/round-1-workflow-1-0.manifest").read_text()
    assert [finding for finding in json.loads(project.weir("alarms", "findings", "--json"))["findings"] if "failed" in finding["what"]] == []


def test_faults_of_a_weir_are_found(project):
    fresh(project).start()
    def sql(text, status=200):
        reply = project.post("/v1/sql", {"sql": text}, project.admin())
        assert (reply.status == 200) == (status == 200), (text, reply)
    sql("CREATE TABLE orders (id INT, price INT)")
    for i in range(101):
        sql(f"INSERT INTO orders VALUES ({i}, 1)")
    sql("GRANT DELETE ON orders TO PUBLIC")
    sql('CREATE TABLE "x FROM PUBLIC; DROP TABLE orders" (id INT)')
    sql('GRANT DELETE ON "x FROM PUBLIC; DROP TABLE orders" TO PUBLIC')
    sql("GRANT SELECT ON orders TO PUBLIC")
    sql("CREATE MATERIALIZED VIEW totals AS SELECT SUM(price) AS total FROM orders")
    sql("INSERT INTO orders VALUES (500, 1)")
    for _ in range(30):
        sql("SELECT 1 / id FROM orders WHERE CAST('a' AS INT) = id", status=400)
    project.weir("review", "run", "warehouse", code=3)
    said = report(project, "warehouse")
    found = signals(said)
    assert met_of_redshift(said) == {"tables that everybody may change": "red", "tables that everybody may read": "yellow", "materialized views that are behind": "yellow",
                   "many INSERT VALUES in an hour": "yellow", "many statements that fail": "yellow"}
    assert sorted(found["tables that everybody may change"]["mend"]) == [
        'REVOKE DELETE ON public."x FROM PUBLIC; DROP TABLE orders" FROM PUBLIC;', "REVOKE DELETE ON public.orders FROM PUBLIC;"]
    # What mends them does, whatever somebody called their tables.
    for name in ("tables that everybody may change", "tables that everybody may read", "materialized views that are behind"):
        for statement in found[name]["mend"]:
            sql(statement.rstrip(";"))
    assert set(met_of_redshift(run_whatever_it_finds(project))) == {"many INSERT VALUES in an hour", "many statements that fail"}


def test_a_declared_review_of_the_name_takes_its_place(project):
    fresh(project)
    project.write("reviews/warehouse/review.yaml", "title: Mine\nqueries: {One: {signals: [{signal: it is one, when: n == 1}]}}\n")
    project.write("reviews/warehouse/scripts/One.sql", "SELECT 1 AS n")
    project.weir("apply")
    [one] = [one for one in json.loads(project.weir("review", "list", "--json"))["reviews"] if one["review"] == "warehouse"]
    assert not one["shipped"] and one["title"] == "Mine"
    project.weir("review", "run", "warehouse")
    assert list(queries(report(project, "warehouse"))) == ["One"]
    (project.folder / "reviews/warehouse/review.yaml").unlink()
    (project.folder / "reviews/warehouse/scripts/One.sql").unlink()
    (project.folder / "reviews/warehouse/scripts").rmdir()
    (project.folder / "reviews/warehouse").rmdir()
    project.weir("apply")
    [one] = [one for one in json.loads(project.weir("review", "list", "--json"))["reviews"] if one["review"] == "warehouse"]
    assert one["shipped"]


def test_new_writes_the_files_to_be_changed(project):
    fresh(project)
    said = project.weir("review", "new", "mine", "--from", "warehouse", "--on", "prod")
    assert "reviews/mine/" in said and "weir review run mine" in said
    text = (project.folder / "reviews/mine/review.yaml").read_text()
    assert '\ntarget: "prod"\ntitle:' in text
    project.weir("review", "new", "mine", "--from", "warehouse", code=1)
    assert "reviews/mine is there already" in project.stderr
    project.weir("review", "new", "other", "--from", "warehose", code=1)
    assert "did you mean 'warehouse'?" in project.stderr
    project.weir("review", "new", "Other One", "--from", "warehouse", code=2)
    assert not (project.folder / "reviews/Other One").exists() and not (project.folder / "reviews/other").exists()
    project.write("reviews/mine/review.yaml", text.replace('target: "prod"\n', "").replace("title: Warehouse review", "title: Mine"))
    project.weir("apply")
    project.weir("review", "run", "mine", "--workflow", "quick")
    assert report(project, "mine")["title"] == "Mine"


BASED = """
base: warehouse
leave_out: [SignIns, People]
title: With our own
queries:
  Orders:
    section: Ours
    needs: [orders]
    signals: [{signal: nothing was ordered, when: "select count(*) from df || == 0", of: n >= 0}]
  PublicGrants:
    section: Security
    signals: [{signal: another question, when: n == 1, colour: red}]
"""


def test_a_base_is_added_to_and_left_out_of(project):
    fresh(project)
    project.write("reviews/ours/review.yaml", BASED)
    project.write("reviews/ours/scripts/Orders.sql", "SELECT id AS n FROM orders")
    project.write("reviews/ours/scripts/PublicGrants.sql", "SELECT 1 AS n")
    project.weir("apply")
    project.weir("review", "run", "ours", code=3)
    said = report(project, "ours")
    asked = queries(said)
    assert "SignIns" not in asked and "People" not in asked and len(asked) == len(shipped_queries(project)) - 2 + 1
    assert "orders" in asked["Orders"]["left_out"]["why"]  # the table is not there
    assert signals(said)["another question"]["colour"] == "red" and "tables that everybody may read" not in signals(said)
    project.weir("sql", "CREATE TABLE orders (id INT)")
    project.weir("sql", "INSERT INTO orders VALUES (1)")
    project.weir("review", "run", "ours", code=3)
    assert signals(report(project, "ours"))["nothing was ordered"]["colour"] == "green"
    project.weir("review", "run", "ours", "--workflow", "by-area", code=3)  # the base's, without what is left out
    assert signals(report(project, "ours"))["nothing was ordered"]["why"] == "its query is not part of this workflow"
    for change, expected in (({"base: warehouse": "base: warehose"}, "reviews/ours/review.yaml:2:7: base: no review 'warehose' comes with weir\n  try: did you mean 'warehouse'?"),
                             ({"People]": "Peopel]"}, "reviews/ours/review.yaml:3:22: the base has no query 'Peopel'\n  try: did you mean 'People'?"),
                             ({"[orders]": "[\"or ders\"]"}, "review.yaml:8:13: 'or ders' is no name of a relation"),
                             ({"section: Ours": "engines: [oracle]"}, "there is no engine 'oracle'")):
        text = BASED
        for what, by in change.items():
            text = text.replace(what, by)
        project.write("reviews/ours/review.yaml", text)
        project.weir("plan", code=1)
        assert expected in project.stderr, project.stderr


def test_the_guide_of_reviews_that_come_with_weir(project):
    """Its files, as they stand there; only the target is this weir."""
    page = (ROOT / "docs/guides/reviews.md").read_text().split("## The reviews that come with weir")[1].split("## What a target is asked")[0]
    blocks = re.findall(r"```(?:yaml|sql)\n(?:#|--) (\S+)\n(.*?)```", page, re.S)
    assert [path for path, _ in blocks] == ["reviews/ours/review.yaml", "reviews/ours/scripts/Orders.sql"]
    fresh(project)
    for path, text in blocks:
        project.write(path, text.replace("target: prod\n", ""))
    project.weir("apply")
    project.weir("sql", "CREATE TABLE orders (id INT, customer_id INT)")
    project.weir("sql", "INSERT INTO orders VALUES (1, NULL)")
    done = subprocess.run([BINARY, "review", "run", "ours", "--dir", str(project.folder)], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 3), done
    said = report(project, "ours")
    assert signals(said)["orders without a customer"]["colour"] == "yellow" and "SignIns" not in queries(said) and "Slots" not in queries(said)
    counted = {name: sum(one["signals"] for one in json.loads(project.weir("review", "show", name, "--json"))["queries"]) for name in ("warehouse", "postgres")}
    for name, count in counted.items():
        assert re.search(rf"\| \[?`{name}`.* \| {count} \|", page), (name, count)
    shown = project.weir("review", "show", "warehouse")
    assert re.search(r"Disks +disks nearly full +red +high +used_percent > 75", shown)


def test_a_target_that_is_not_declared_is_told(shop):
    shop.weir("review", "run", "warehouse", "--on", "prd", code=1)
    assert "there is no connection 'prd'" in shop.stderr and "did you mean 'prod'?" in shop.stderr
    shop.start()
    refused = shop.post("/v1/reviews/warehouse/runs", {"on": "prd"}, shop.admin())
    assert refused.status == 404, refused


def test_a_review_of_redshift_asks_a_postgresql_nothing(shop):
    """No relation of Redshift is there: the run fails and its report says why of each."""
    shop.weir("review", "run", "warehouse", "--on", "prod", "--workflow", "quick", code=1)
    assert "no query of this workflow can be asked of prod" in shop.stderr
    runs = json.loads(shop.weir("runs", "--json"))["runs"]
    said = report(shop, "warehouse", "--run", runs[0]["id"])
    assert said["engine"] == "postgresql" and said["target"]["target"] == "prod"
    assert "svv_transactions" in queries(said)["Blocked"]["left_out"]["why"]


TWO = """
title: Two engines
target: prod
rounds: 2
queries:
  Where: {signals: [{signal: this is weir, when: engine == 'weir'}, {signal: this is elsewhere, when: engine == 'elsewhere'}]}
  Orders: {needs: [sales.orders], signals: [{signal: an order, when: id > 0}]}
  Open: {needs: [open], signals: [{signal: open, when: n > 0}]}
  Only: {engines: [redshift], signals: [{signal: never, when: n > 0}]}
"""


def two(shop):
    shop.write("reviews/two/review.yaml", TWO)
    shop.write("reviews/two/scripts/Where.sql", "SELECT 'elsewhere' AS engine")
    shop.write("reviews/two/scripts/Where.weir.sql", "SELECT 'weir' AS engine")
    shop.write("reviews/two/scripts/Orders.sql", "SELECT id FROM sales.orders")
    shop.write("reviews/two/scripts/Open.sql", "SELECT n FROM open")
    shop.write("reviews/two/scripts/Only.redshift.sql", "SELECT 1 AS n")
    shop.weir("apply")


def test_what_the_identity_cannot_read_comes_with_the_statement_that_mends_it(shop, elsewhere):
    two(shop)
    shop.weir("review", "run", "two", "--on", "poor")
    said = report(shop, "two")
    asked = queries(said)
    assert said["target"]["target"] == "poor" and said["engine"] == "postgresql" and asked["Where"]["status"] == "FINISHED"
    assert signals(said)["this is elsewhere"]["colour"] == "yellow"
    left = asked["Orders"]["left_out"]
    assert "GRANT USAGE ON SCHEMA" in left["statement"] and 'GRANT SELECT ON "sales"."orders" TO "weir"' in left["statement"], left
    assert asked["Only"]["left_out"]["why"] == "it is asked of redshift only; this is postgresql"
    assert "GRANT pg_monitor" in said["notes"][0]
    assert asked["Orders"]["status"] == "SKIPPED" and not (files(shop) / "error/Orders.json").exists()
    assert json.loads(shop.weir("alarms", "findings", "--json"))["findings"] == []
    for statement in left["statement"].split("; "):
        elsewhere.tell(statement)
    try:
        shop.weir("review", "run", "two", "--on", "poor")
        assert queries(report(shop, "two"))["Orders"]["left_out"] is None
    finally:
        for statement in left["statement"].split("; "):
            elsewhere.tell(statement.replace("GRANT", "REVOKE").replace(" TO ", " FROM "))
    # The declared target: nothing is missing there.
    shop.weir("review", "run", "two")
    said = report(shop, "two")
    assert said["target"]["target"] == "prod" and queries(said)["Orders"]["status"] == "FINISHED" and said["notes"] == []
    # This weir: neither of the two tables is there, and it has words of its own.
    shop.weir("review", "run", "two", "--on", "weir")
    said = report(shop, "two")
    assert said["engine"] == "weir" and signals(said)["this is weir"]["colour"] == "yellow"
    assert queries(said)["Where"]["script"] == "scripts/Where.sql"


def test_a_killed_run_goes_on_where_it_was_asked_for(shop, elsewhere):
    """The other target and what was left out there are those of the run's first life, whatever the rights are by then."""
    two(shop)
    shop.write("reviews/two/review.yaml", TWO.replace("target: prod\n", "") + "  Slow: {signals: [{signal: slow, when: n > 0}]}\n")
    shop.write("reviews/two/scripts/Slow.sql", "SELECT 1 AS n FROM pg_sleep(0.4)")
    shop.weir("apply")
    shop.weir("review", "run", "two", "--on", "poor")
    calm = masked(files(shop))
    chance = random.Random(20261122)
    shop.start()
    for _ in range(5):
        begun = shop.post("/v1/reviews/two/runs", {"on": "poor"}, shop.admin()).json["id"]
        wait_for(lambda: shop.get(f"/v1/runs/{begun}", headers=shop.admin()).json["state"] != "queued", "it runs")
        time.sleep(chance.uniform(0, 0.5))  # the kill's moment is chance
        shop.kill()
        shop.start()
        ended = wait_for(lambda: (lambda run: run if run["state"] in ("done", "failed") else None)(shop.get(f"/v1/runs/{begun}", headers=shop.admin()).json), "it has ended")
        assert ended["state"] == "done", ended
        assert json.loads((files(shop) / "review.json").read_text())["target"] == "poor"
        assert masked(files(shop)) == calm


def test_over_the_wire_of_another_weir(project, tmp_path):
    """A weir that is declared as Redshift is known as weir: what it never fills is not green there either."""
    far = Project(tmp_path / "far")
    far.folder.mkdir()
    far.start()
    try:
        wire = far.get("/v1/status", headers=far.admin()).json["wire"]["port"]
        for statement in (f"CREATE USER reader PASSWORD '{PASSWORD}'", "CREATE TABLE orders (id INT)", "GRANT DELETE ON orders TO PUBLIC"):
            assert far.post("/v1/sql", {"sql": statement}, far.admin()).status == 200, statement
        near = Shop(project.folder).declare(elsewhere_at(wire), {"prod": {"kind": "redshift", "host": "127.0.0.1", "database": "far.redshift"}})
        near.weir("review", "run", "warehouse", "--on", "prod", code=3)
        said = report(near, "warehouse")
        asked = queries(said)
        assert said["engine"] == "weir" and said["target"]["kind"] == "redshift"
        assert asked["PlannerAlerts"]["left_out"]["why"] == "weir does not fill stl_alert_event_log"
        assert signals(said)["tables that everybody may change"]["colour"] == "red"
        assert "SYSLOG ACCESS UNRESTRICTED" in said["notes"][0]
        assert not [query for query in asked.values() if query["status"] == "FAILED"]
        assert "GRANT SELECT" in asked["LoadErrors"]["left_out"]["statement"]
    finally:
        far.kill()
