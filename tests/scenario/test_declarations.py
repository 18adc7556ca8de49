"""Declarations that change over time, with data of every age behind them; and what plan, apply and serve say about them."""
import json
import subprocess

import pytest
from conftest import BINARY

SLOW = "lake: {commit_interval: 10m}\n"  # a file is written when the test drains, and not before


def orders(*fields):
    return "fields:\n  id: uuid\n" + "".join(f"  {field}\n" for field in fields) + "key: id\nwrite: public\n"


@pytest.fixture
def shop(project):
    project.write("weir.yaml", SLOW)
    project.write("streams/orders.yaml", orders("cost: {type: decimal, precision: 9, scale: 2}", "n: integer"))
    return project.start()


def change(shop, *fields, code=0):
    shop.write("streams/orders.yaml", orders(*fields))
    return shop.weir("apply", code=code)


def send(shop, *events):
    reply = shop.post("/v1/streams/orders", list(events)).json
    assert reply["accepted"] == len(events), reply


def test_a_renamed_field_shows_events_of_every_age(shop):
    send(shop, {"cost": 1, "n": 1}, {"cost": 2, "n": 2})
    shop.weir("lake", "drain")
    send(shop, {"cost": 3, "n": 3})  # in the tail, and in a file only after the rename
    shown = change(shop, "price: {type: decimal, precision: 9, scale: 2, was: cost}", "n: integer")
    assert shown.endswith("applied 1 change\n") and "NULL" not in shown
    send(shop, {"price": 4, "n": 4}, {"cost": 5, "n": 5})
    every = [[i, float(i)] for i in range(1, 6)]
    assert shop.sql("SELECT n, price::DOUBLE FROM orders ORDER BY n") == every
    shop.weir("lake", "drain")
    change(shop, "total: {type: decimal, precision: 9, scale: 2, was: price}", "n: integer")
    send(shop, {"total": 6, "n": 6})
    every.append([6, 6.0])
    for _ in range(2):  # with the tail, then all from files of three ages
        assert shop.sql("SELECT n, total::DOUBLE FROM orders ORDER BY n") == every
        assert shop.sql("SELECT n FROM orders WHERE total = 2") == [[2]]
        assert shop.sql("SELECT n FROM orders WHERE total BETWEEN 1.5 AND 4 ORDER BY n") == [[2], [3], [4]]
        assert shop.sql("SELECT count(total), sum(total)::DOUBLE FROM orders WHERE total > 5") == [[1, 6.0]]
        shop.weir("lake", "drain")
    assert shop.stop() == 0
    shop.start()
    assert shop.sql("SELECT n, total::DOUBLE FROM orders ORDER BY n") == every
    assert "agree" in shop.weir("lake", "verify")


def test_a_renamed_integer_is_found_by_the_bounds_of_older_files(shop):
    send(shop, {"n": 7}, {"n": 9})
    shop.weir("lake", "drain")
    change(shop, "cost: {type: decimal, precision: 9, scale: 2}", "count: {type: integer, was: n}")
    send(shop, {"count": 100})
    shop.weir("lake", "drain")
    assert shop.sql("SELECT count FROM orders WHERE count = 9") == [[9]]
    assert shop.sql("SELECT count FROM orders WHERE count > 50") == [[100]]
    assert shop.sql("SELECT count FROM orders WHERE count < 8") == [[7]]


def test_records_that_only_the_journal_holds_are_read_under_the_new_name(shop):
    send(shop, {"cost": 1, "n": 1}, {"cost": 2, "n": 2})
    shop.kill()
    shop.write("streams/orders.yaml", orders("price: {type: decimal, precision: 9, scale: 2, was: cost}", "n: integer"))
    shop.start()
    assert shop.sql("SELECT n, price::DOUBLE, _extra FROM orders ORDER BY n") == [[1, 1.0, None], [2, 2.0, None]]
    shop.kill()
    shop.write("streams/orders.yaml", orders("price: {type: decimal, precision: 9, scale: 2}", "n: integer"))
    shop.start()
    assert shop.sql("SELECT n, price::DOUBLE, _extra FROM orders ORDER BY n") == [[1, 1.0, None], [2, 2.0, None]]
    shop.weir("lake", "drain")
    assert shop.sql("SELECT n, price::DOUBLE, _extra FROM orders ORDER BY n") == [[1, 1.0, None], [2, 2.0, None]]


def test_a_field_that_comes_back_keeps_its_type_and_shows_its_values(shop):
    send(shop, {"cost": 1, "n": 1})
    shop.weir("lake", "drain")
    change(shop, "n: integer")
    send(shop, {"n": 2})
    shop.weir("lake", "drain")
    shop.write("streams/orders.yaml", orders("n: integer", "cost: string"))
    assert "hold it as decimal(9,2)" in shop.weir("plan", code=3)
    shop.weir("apply", code=1)
    assert "nothing was applied" in shop.stderr
    change(shop, "n: integer", "cost: {type: decimal, precision: 9, scale: 2}")
    send(shop, {"n": 3, "cost": 3})
    assert shop.sql("SELECT n, cost::DOUBLE FROM orders ORDER BY n") == [[1, 1.0], [2, None], [3, 3.0]]


def test_a_field_that_is_added_reads_as_its_default_in_earlier_events(shop):
    send(shop, {"n": 1})
    shop.weir("lake", "drain")
    send(shop, {"n": 2})
    change(shop, "n: integer", "cost: {type: decimal, precision: 9, scale: 2}", "land: {type: string, required: true, default: CH}",
           "note: string", "rank: {type: integer, default: 7}")
    send(shop, {"n": 3, "land": "DE", "rank": 1}, {"n": 4, "land": "CH"})
    every = [[1, "CH", None, 7], [2, "CH", None, 7], [3, "DE", None, 1], [4, "CH", None, 7]]
    for _ in range(2):
        assert shop.sql("SELECT n, land, note, rank FROM orders ORDER BY n") == every
        assert shop.sql("SELECT n FROM orders WHERE rank = 7 AND land = 'CH' ORDER BY n") == [[1], [2], [4]]
        assert shop.sql("SELECT n FROM orders WHERE rank < 7") == [[3]]
        shop.weir("lake", "drain")


# --- what a careful user does with plan, apply and serve ---------------------------------------------------------------

def beacon(path):
    return f"fields: {{x: integer}}\nwrite: public\nbeacon:\n  path: {path}\n  batch: xs\n"


def test_two_streams_cannot_have_one_beacon(project):
    project.write("streams/a.yaml", beacon("/events"))
    project.write("streams/b.yaml", beacon("/other"))
    project.weir("plan", code=3)
    project.write("streams/b.yaml", beacon("/events"))
    project.weir("plan", code=1)
    assert "streams/b.yaml:4:9" in project.stderr and "streams/a.yaml:4:9" in project.stderr, project.stderr
    project.write("weir.yaml", "http: {mounts: ['', /Prod]}\n")
    project.write("streams/a.yaml", beacon("/Prod/events"))
    project.weir("plan", code=1)
    assert "POST /Prod/events" in project.stderr, "the same path by way of a mount"


def test_serve_tells_every_mistake_with_its_place(project):
    project.write("weir.yaml", "naem: x\nlake: {commit_interval: soon}\n")
    project.write("streams/a.yaml", "fields:\n  x: integr\nenabled: maybe\n")
    project.write("streams/b.yaml", "fields:\n\tx: integer\n")
    done = subprocess.run([BINARY, "serve", "--dir", str(project.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    for part in ("weir.yaml:1:1", "name", "weir.yaml:2:", "streams/a.yaml:2:6", "integer", "streams/a.yaml:3:10", "streams/b.yaml:2:1", "tab"):
        assert part in done.stderr, (part, done.stderr)
    project.write("weir.yaml", "")
    done = subprocess.run([BINARY, "serve", "--dir", str(project.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.count("streams/") == 3, done.stderr


def test_mistakes_of_weir_yaml_are_told_by_plan_too_in_both_forms(project):
    project.write("weir.yaml", "naem: x\nlake: {commit_interval: soon}\n")
    project.write("streams/a.yaml", "fields: {x: integr}\n")
    project.weir("plan", code=1)
    assert project.stderr.count("error: ") == 3 and "did you mean 'name'" in project.stderr, project.stderr
    told = json.loads(project.weir("plan", "--json", code=1))
    assert [error["position"]["file"] for error in told["errors"]] == ["weir.yaml", "weir.yaml", "streams/a.yaml"]
    project.write("weir.yaml", "")
    assert "create" not in project.weir("apply", code=1) and "nothing was applied" in project.stderr
    told = json.loads(project.weir("plan", "--json", code=1))
    assert [error["position"]["line"] for error in told["errors"]] == [1] and told["applied"] is False


def test_plan_shows_warnings_and_who_sets_what(project):
    project.write("weir.yaml", "name: shop\nlimits: {depth: 16}\n")
    project.write("environments/prod.yaml", "limits: {depth: 20}\n")
    project.write("streams/notes.yml", "what is this")
    project.write("streams/a.yaml", "fields: {x: integer}\nenabled: false\ntags: {team: ads}\n")
    shown = project.weir("plan", "--env", "prod", code=3, env={"WEIR_LOG_LEVEL": "error", "WEIR_LOG_LEVL": "error"})
    assert "limits.depth" in shown and "environments/prod.yaml:1:17" in shown and "weir.yaml:1:7" in shown
    assert "WEIR_LOG_LEVEL" in shown and "journal.segment_bytes" not in shown
    assert "warning: streams/notes.yml" in project.stderr and "WEIR_LOG_LEVL" in project.stderr
    assert "journal.segment_bytes" in project.weir("plan", "--settings", code=3)
    told = json.loads(project.weir("plan", "--json", "--env", "prod", code=3, env={"WEIR_LOG_LEVEL": "error"}))
    settings = {setting["name"]: setting for setting in told["settings"]}
    assert (settings["limits.depth"]["value"], settings["limits.depth"]["where"]) == (20, "environments/prod.yaml:1:17")
    assert (settings["log.level"]["origin"], settings["log.level"]["where"]) == ("environment", "WEIR_LOG_LEVEL")
    assert told["warnings"] and told["environment"] == "prod"
    project.weir("plan", "--env", "pord", code=1)
    assert "prod" in project.stderr
    project.weir("plan", "--drops", code=2)


def test_a_local_plan_may_name_variables_and_files_and_a_sent_one_may_not(project):
    project.write("weir.yaml", "name: ${SHOP_NAME}\n")
    project.environment["SHOP_NAME"] = "corner"
    project.weir("apply")
    project.start()
    project.weir("plan", code=0)
    project.environment.pop("SHOP_NAME")
    project.weir("plan", code=0)
    token = project.admin()["Authorization"].split()[1]
    file = project.write("token.txt", token + "\n")
    there = ["--server", f"http://127.0.0.1:{project.port}"]
    project.weir("plan", *there, "--token-file", str(file), code=1)
    assert "weir.yaml:1:7" in project.stderr and "variables" in project.stderr
    project.write("weir.yaml", "name: mall\n")
    project.weir("plan", *there, "--token-file", str(file), code=3)
    project.weir("plan", *there, env={"WEIR_TOKEN": token}, code=3)
    project.weir("plan", *there, "--token-file", str(file), env={"WEIR_TOKEN": "weir_other"}, code=3)
    project.weir("plan", *there, env={"WEIR_TOKEN": "weir_wrong"}, code=1)
    project.weir("plan", *there, code=1)
    assert "--token-file" in project.stderr
