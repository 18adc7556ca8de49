"""What starts reviews and flows by itself: schedules, applies, arrivals, other runs, rules of the cloud's scheduler, and job logs in a real PostgreSQL."""
import json
import os
import sys
import threading

import pytest

sys.path.insert(0, os.environ["WEIR_CLIENTS"] + "/python")
from conftest import impression, wait_for
from outside_server import POSTGRES, Elsewhere
from test_outside import Shop

ONE = "SELECT 1 AS n"


def declare(project, name, yaml="", sql=ONE):
    project.write(f"reviews/{name}/review.yaml", f"{yaml}\nqueries:\n  One:\n    signals: [{{signal: many, when: n > 5}}]\n")
    project.write(f"reviews/{name}/scripts/One.sql", sql)


def runs(project, name, kind="review"):
    """Ended runs, oldest first."""
    listed = project.get(f"/v1/runs?name={name}&limit=100", headers=project.admin()).json["runs"]
    return [run for run in reversed(listed) if run["kind"] == kind and run["ended_at"]]


def wait_for_runs(project, name, count, kind="review"):
    wait_for(lambda: len(runs(project, name, kind)) >= count, f"{count} runs of {name}")
    ended = runs(project, name, kind)
    assert len(ended) == count, ended
    return ended


def state(project, name):
    return project.get(f"/v1/reviews/{name}", headers=project.admin()).json


@pytest.fixture(scope="module")
def elsewhere():
    assert (POSTGRES / "initdb").exists(), "scripts/install --tests installs PostgreSQL 15"
    server = Elsewhere()
    yield server
    server.stop()


def test_a_schedule_starts_a_review_and_can_be_switched_off(project):
    project.write("weir.yaml", "name: shop\n")
    declare(project, "often", "schedule: rate(1 minute)")
    declare(project, "shipped", "schedule: cron(0 20 ? * SUN *)\nzone: Europe/Berlin\nscheduled: false")
    declare(project, "yearly", "schedule: ['@yearly', 0 6 1 6 *]")
    project.weir("apply")
    project.start()
    assert state(project, "shipped")["next_at"] is None and "20:00" in state(project, "shipped")["when"][0]
    assert len(state(project, "yearly")["when"]) == 2 and state(project, "yearly")["next_at"]
    wait_for(lambda: runs(project, "often"), "the minute's run", 75)
    assert runs(project, "often")[0]["cause"] == {"by": "schedule"}
    assert not runs(project, "shipped") and not runs(project, "yearly")
    changed = project.write("reviews/shipped/review.yaml", (project.folder / "reviews/shipped/review.yaml").read_text().replace("false", "true"))
    assert changed and "its schedule and triggers are switched on" in project.weir("plan", code=3)
    project.weir("apply")
    assert state(project, "shipped")["next_at"]


def test_an_apply_starts_what_it_made_or_changed_and_a_run_starts_what_waits_for_it(project):
    project.write("weir.yaml", "name: shop\n")
    declare(project, "deployed", "triggers: [{apply: true}]")
    declare(project, "after", "triggers: [{run: review/deployed}]")
    declare(project, "if_failed", "triggers: [{run: review/deployed, state: failed}]")
    project.write("flows/report.yaml", "triggers:\n  - run: review/after\nsteps:\n  - sql: SELECT 1\n")
    project.start()
    project.weir("apply")
    assert wait_for_runs(project, "deployed", 1)[0]["cause"] == {"by": "apply"}
    assert wait_for_runs(project, "after", 1)[0]["cause"] == {"by": "run"}
    wait_for_runs(project, "report", 1, "flow")
    project.weir("apply")
    project.kill()  # what was applied is known to the next start
    project.start()
    project.weir("apply")
    declare(project, "deployed", "title: Changed\ntriggers: [{apply: true}]")
    project.weir("apply")
    wait_for_runs(project, "deployed", 2)
    wait_for_runs(project, "after", 2)
    wait_for_runs(project, "report", 2, "flow")
    assert not runs(project, "if_failed")
    declare(project, "deployed", "triggers: [{apply: true}]", "SELECT n FROM no_such_table")
    project.weir("apply")
    assert wait_for_runs(project, "if_failed", 1)[0]["cause"] == {"by": "run"}
    assert len(runs(project, "after")) == 2


def test_an_arrival_starts_a_review(advertising):
    declare(advertising, "fresh", "triggers: [{arrival: impressions, quiet: 0s}]", "SELECT count(*) AS n FROM impressions")
    advertising.weir("apply")
    sent = advertising.post("/impressions", {"impressions": [impression()]})
    assert sent.status < 300, sent
    assert wait_for_runs(advertising, "fresh", 1)[0]["cause"] == {"by": "arrival"}


def test_a_rule_of_the_clouds_scheduler_is_read_as_it_is(project):
    project.write("weir.yaml", "name: shop\n")
    rule = {"Name": "weekly", "Description": "Orders, on Sundays", "ScheduleExpression": "cron(0 20 ? * SUN *)", "State": "DISABLED", "EventBusName": "default",
            "Targets": [{"Id": "1", "Arn": "arn:aws:states:eu-west-1:1:stateMachine:review", "RoleArn": "arn:aws:iam::1:role/r", "Input": json.dumps({"WorkflowKey": "all-parallel"})},
                        {"Id": "2", "Arn": "arn:aws:redshift:eu-west-1:1:cluster:c", "RedshiftDataParameters": {
                            "SecretManagerArn": "arn:aws:secretsmanager:eu-west-1:1:secret:s", "Database": "dev", "Sql": "SELECT 42 AS answer", "StatementName": "Orders", "WithEvent": True}}]}
    project.write("reviews/weekly/rule.json", json.dumps(rule, indent=1))
    project.weir("apply")
    project.start()
    said = state(project, "weekly")
    assert (said["workflow"], said["next_at"], [query["query"] for query in said["queries"]]) == ("all-parallel", None, ["Orders"])
    assert said["description"] == "Orders, on Sundays"
    project.weir("review", "run", "weekly")
    assert next(project.folder.glob(".weir/store/runs/weekly/*/csv/Orders.csv")).read_text().splitlines() == ["answer", "42"]
    project.write("reviews/weekly/rule.json", json.dumps({**rule, "State": "ENABLED"}))
    project.weir("apply")
    assert state(project, "weekly")["next_at"]
    for change, expected in [({"ScheduleExpression": "cron(0 25 ? * SUN *)"}, "rule.json:1:"), ({"State": "ON"}, "ENABLED or DISABLED"), ({"Sate": "x"}, "Sate"),
                             ({"Targets": [{"Id": "1", "Input": '{"Workflow": "x"}'}]}, "WorkflowKey"),
                             ({"Targets": [{"Id": "1", "Input": '{"WorkflowKey": "no-such"}'}, rule["Targets"][1]]}, "no-such")]:
        project.write("reviews/weekly/rule.json", json.dumps({**rule, **change}))
        project.weir("plan", code=1)
        assert expected in project.stderr and "reviews/weekly/" in project.stderr, project.stderr


def test_what_would_start_itself_is_refused_with_its_place(project):
    project.write("weir.yaml", "name: shop\n")
    declare(project, "a", "triggers:\n  - run: review/c")
    declare(project, "b", "triggers: [{run: review/a}]")
    declare(project, "c", "triggers: [{run: middle}]")
    project.write("flows/middle.yaml", "triggers: [{run: review/b}]\nsteps: [{sql: SELECT 1}]\n")
    project.weir("plan", code=1)
    assert project.stderr.count("in a circle") == 1
    assert "flow middle → review c → review a → review b → flow middle" in project.stderr
    assert "reviews/" in project.stderr or "flows/middle.yaml:1:" in project.stderr
    declare(project, "a", "triggers: [{run: review/a}]")
    project.weir("plan", code=1)
    assert "reviews/a/review.yaml:1:" in project.stderr and "start itself" in project.stderr
    declare(project, "a", "triggers: [{run: review/bb}]")
    project.weir("plan", code=1)
    assert "reviews/a/review.yaml:1:12: there is no review 'bb'" in project.stderr
    declare(project, "a", "triggers: [{arrival: clicks}, {job_log: prod}]\ntarget: prod")
    refused = project.weir("plan", code=3)
    assert "names the stream 'clicks', which is not declared" in refused and refused.count("names the connection 'prod'") == 2


# --- job logs -----------------------------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged(elsewhere, tmp_path):
    """A shop whose reviews follow the job log of a PostgreSQL, into which public.loads is logged."""
    shop = Shop(tmp_path / "shop")
    shop.folder.mkdir()
    shop.declare(elsewhere, {"prod": {"tls": "verify", "ca": str(elsewhere.ca)}, "cloud": {"kind": "redshift"}})
    elsewhere.tell("DROP TABLE IF EXISTS public.loads, public.weir_job_log; CREATE TABLE public.loads (job text, state text, rows bigint)")
    declare(shop, "loaded", "target: prod\ntriggers: [{job_log: prod, quiet: 0s, where: {job: nightly, state: done}}]")
    declare(shop, "failed", "target: prod\ntriggers: [{job_log: prod, quiet: 0s, where: {state: failed}}]")
    shop.weir("apply")
    elsewhere.tell(shop.weir("connection", "job-log", "prod", "--table", "public.loads"))
    elsewhere.tell("INSERT INTO public.loads VALUES ('nightly', 'done', 1)")  # before anybody follows
    yield shop
    shop.kill()


def log(server, job, state, rows=1):
    server.tell(f"INSERT INTO public.loads VALUES ('{job}', '{state}', {rows})")


def test_a_row_in_a_job_log_starts_a_review(logged, elsewhere):
    logged.start()
    assert not state(logged, "loaded")["objects"][0].get("error"), state(logged, "loaded")
    log(elsewhere, "hourly", "done")
    log(elsewhere, "nightly", "done", 7)
    ended = wait_for_runs(logged, "loaded", 1)
    assert ended[0]["cause"]["by"] == "job_log"
    assert ended[0]["cause"]["job"]["job"] == {"job": "nightly", "state": "done", "rows": 7} and ended[0]["cause"]["job"]["source"] == "public.loads"
    assert not runs(logged, "failed")
    log(elsewhere, "hourly", "failed")
    wait_for_runs(logged, "failed", 1)
    assert len(runs(logged, "loaded")) == 1


def test_rows_are_found_that_were_logged_while_nobody_listened(logged, elsewhere):
    logged.start()
    log(elsewhere, "nightly", "done")
    wait_for_runs(logged, "loaded", 1)
    logged.kill()
    log(elsewhere, "nightly", "done")
    log(elsewhere, "nightly", "done")
    logged.start()
    wait_for_runs(logged, "loaded", 2)
    # The server elsewhere goes, and comes back: nothing is lost, nothing is taken twice.
    elsewhere.crash()
    wait_for(lambda: state(logged, "loaded")["objects"][0].get("error"), "it says that it cannot follow")
    elsewhere.start()
    log(elsewhere, "nightly", "done")
    wait_for_runs(logged, "loaded", 3)
    wait_for(lambda: not state(logged, "loaded")["objects"][0].get("error"), "it follows again")


def test_a_row_whose_transaction_ends_late_is_not_passed_over(logged, elsewhere):
    logged.start()
    late = elsewhere.connect()
    late.autocommit = False
    late.execute("INSERT INTO public.loads VALUES ('nightly', 'done', 1)")
    log(elsewhere, "nightly", "done")
    wait_for_runs(logged, "loaded", 1)
    log(elsewhere, "hourly", "failed")
    wait_for_runs(logged, "failed", 1)
    late.commit()
    late.close()
    wait_for_runs(logged, "loaded", 2)


def test_many_rows_of_one_transaction_start_one_run(logged, elsewhere):
    logged.start()
    elsewhere.tell("INSERT INTO public.loads SELECT 'nightly', 'done', i FROM generate_series(1, 25000) AS t(i)")
    assert wait_for_runs(logged, "loaded", 1)[0]["cause"]["job"]["job"]["rows"] == 25000
    log(elsewhere, "nightly", "done", 1)
    wait_for_runs(logged, "loaded", 2)


def test_what_cannot_be_followed_says_why(logged, elsewhere):
    declare(logged, "cloudy", "triggers: [{job_log: cloud}]")
    assert "no PostgreSQL and has no NOTIFY" in logged.weir("plan", code=3)
    logged.weir("connection", "job-log", "cloud", "--table", "t", code=1)
    assert "no NOTIFY" in logged.stderr
    elsewhere.tell("DROP TABLE public.weir_job_log")
    (logged.folder / "reviews/cloudy/review.yaml").unlink()
    (logged.folder / "reviews/cloudy/scripts/One.sql").unlink()
    logged.start()
    wait_for(lambda: "weir_job_log" in state(logged, "loaded")["objects"][0].get("error", ""), "it says what is missing")
    elsewhere.tell(logged.weir("connection", "job-log", "prod", "--table", "public.loads"))
    log(elsewhere, "x", "y")
    wait_for(lambda: not state(logged, "loaded")["objects"][0].get("error"), "it follows")
    log(elsewhere, "nightly", "done")
    wait_for_runs(logged, "loaded", 1)


def test_a_kill_between_a_row_and_its_run_costs_no_run(logged, elsewhere):
    """Rows are logged while the server is killed again and again: each row is behind some run that began after it."""
    logged.start()
    stopping = threading.Event()
    count = [0]

    def write():
        while not stopping.is_set():
            log(elsewhere, "nightly", "done", count[0] + 1)
            count[0] += 1
            stopping.wait(0.2)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for round_ in range(4):
            wait_for(lambda: len(runs(logged, "loaded")) > round_, "a run")
            logged.kill()
            logged.start()
    finally:
        stopping.set()
        writer.join()
    wait_for(lambda: runs(logged, "loaded")[-1]["cause"]["job"]["job"]["rows"] == count[0], "the last row's run")
