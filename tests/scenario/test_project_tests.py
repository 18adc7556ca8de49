"""weir test: rows in, what is run, rows out."""
import json
import shutil

import pytest

from conftest import ROOT


@pytest.fixture
def example(project):
    shutil.copytree(ROOT / "examples" / "advertising", project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".weir"))
    return project


def outcomes(project, *arguments, code=0):
    told = json.loads(project.weir("test", *arguments, "--json", code=code))
    return {one["name"]: one for one in told["tests"]}


def test_the_examples_tests_pass_and_leave_nothing_behind(example, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    told = outcomes(example)
    assert set(told) >= {"late_click", "run_again"} and all(one["passed"] for one in told.values())
    assert not (example.folder / ".weir").exists(), "the project itself is not touched"
    assert [path for path in tmp_path.iterdir() if path.name.startswith("weir-test")] == []
    assert "2 tests, 0 failed" in example.weir("test", "late_click", "run_again")


def test_a_test_runs_beside_the_server_and_its_data(example):
    example.start()
    assert outcomes(example, "late_click")["late_click"]["passed"]
    assert json.loads(example.weir("sql", "SELECT count(*) AS n FROM impressions", "--json"))[0]["n"] == 0


def test_what_differs_is_told_with_its_line(example):
    path = example.folder / "tests/late_click.yaml"
    path.write_text(path.read_text().replace("impressions: 1, clicks: 1", "impressions: 1, clicks: 2"))
    told = outcomes(example, "late_click", code=1)["late_click"]
    assert not told["passed"]
    line = next(i for i, text in enumerate(path.read_text().splitlines(), 1) if "clicks: 2" in text)
    assert [one["line"] for one in told["problems"]] == [line]
    assert "clicks is 1, expected 2" in told["problems"][0]["message"]
    text = example.weir("test", "late_click", code=1)
    assert f"tests/late_click.yaml:{line}: ad_traffic: clicks is 1, expected 2" in text and "1 test, 1 failed" in text


def test_a_wrong_select_fails_the_test_that_guards_it(example):
    path = example.folder / "tables/ad_traffic.sql"
    path.write_text(path.read_text().replace("FROM advertising", "FROM advertising WHERE click_at IS NOT NULL"))
    told = outcomes(example, "late_click", code=1)["late_click"]
    assert any("expected row is missing" in one["message"] for one in told["problems"])


def test_rows_that_do_not_fit_and_names_that_are_not_there_are_told(example):
    example.write("tests/bad_row.yaml", "given:\n  clicks:\n    - {ad_id: nonsense}\nexpect:\n  clicks: []\n")
    told = outcomes(example, "bad_row", code=1)["bad_row"]["problems"]
    assert told[0]["line"] == 3 and "quarantined" in told[0]["message"]
    example.write("tests/taken.yaml", "given:\n  clicks:\n    - {ad_id: nonsense}\nexpect:\n  clicks_quarantine: {count: 1}\n")
    assert outcomes(example, "taken")["taken"]["passed"]
    example.write("tests/no_flow.yaml", "run: dayly\n")
    told = outcomes(example, "no_flow", code=1)["no_flow"]["problems"]
    assert "dayly" in told[0]["message"]
    example.write("tests/no_table.yaml", "expect:\n  ad_trafic: [{day: 2026-11-20}]\n")
    assert "ad_trafic" in outcomes(example, "no_table", code=1)["no_table"]["problems"][0]["message"]
    example.weir("test", "late_clik", code=1)
    assert "late_click" in example.stderr


def test_values_are_compared_as_the_column_knows_them_and_tables_can_be_given(project):
    project.write("tables/prices.sql", "SELECT id, price, seen_at, price / 3 AS third, NULL AS nothing FROM loaded")
    project.write("tests/fixtures/loaded.csv", "id,price,seen_at\n1,1.5,2026-11-20 06:00:00\n2,2,2026-11-20 07:00:00\n")
    project.write("tests/types.yaml", """
given:
  loaded: {file: tests/fixtures/loaded.csv}
expect:
  prices:
    - {id: 2, price: 2.0, seen_at: "2026-11-20T07:00:00Z", third: 0.6666666666666, nothing: null}
    - {id: 1, price: 1.50, seen_at: 2026-11-20 06:00, third: 0.5, nothing: null}
checks:
  - SELECT * FROM loaded WHERE price < 0
""")
    assert outcomes(project)["types"]["passed"], outcomes(project)
    project.write("tests/types.yaml", "given:\n  loaded: [{id: 1, price: 1.5, seen_at: x}]\nexpect:\n  prices:\n    - {id: one}\n")
    told = outcomes(project, code=1)["types"]["problems"]
    assert told[0]["line"] == 5 and "one" in told[0]["message"]


def test_mistakes_in_a_test_are_told_by_plan_too(example):
    example.write("tests/typo.yaml", "expcet: {}\n")
    example.weir("plan", code=1)
    assert "tests/typo.yaml:1:1" in example.stderr and "expect" in example.stderr
    example.weir("test", code=1)
    assert "tests/typo.yaml:1:1" in example.stderr


def test_a_store_elsewhere_is_not_touched(project, tmp_path):
    store = tmp_path / "elsewhere"
    project.write("weir.yaml", f"store: {store}\n")
    project.write("streams/events.yaml", "fields: {n: integer}\n")
    project.write("tests/one.yaml", "given: {events: [{n: 1}, {n: 2}]}\nexpect: {events: [{n: 2}, {n: 1}]}\n")
    assert outcomes(project)["one"]["passed"], outcomes(project)
    assert not store.exists()
