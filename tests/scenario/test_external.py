"""Tables over foreign files: looked at, declared, loaded file by file, and loaded again when something changed."""
import gzip
import json
import shutil

import pytest
from conftest import wait_for
from test_etl import etl, shop as stream_shop

ORDERS = [{"order_id": f"o{n}", "amount": n + 0.5, "placed_at": f"2026-11-0{n % 9 + 1} 08:00:00", "items": [{"sku": f"s{n}"}]} for n in range(40)]


def shop(project):
    project.write("weir.yaml", "name: shop\n")
    return project.start()


def deliver(project, name, rows, folder="delivered"):
    target = project.folder / folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    target.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
    return target


def parquet(project, name, select, folder="delivered"):
    """A Parquet file, written by the engine itself from a project of its own."""
    target = project.folder / folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    project.weir("sql", select, "-o", str(target), "--format", "parquet")
    return target


def crawl(project, *arguments, code=0):
    return json.loads(project.weir("lake", "crawl", "delivered" if not arguments or arguments[0].startswith("-") else arguments[0], *[
        one for one in arguments if one.startswith("-") or one != arguments[0]], "--json", code=code))


def declare(project, name, folder="delivered"):
    project.weir("lake", "crawl", str(project.folder / folder), "--table", name, "--declare")
    return project.folder / "tables" / f"{name}.yaml"


def look(project, name, code=3, folder="delivered"):
    return json.loads(project.weir("lake", "crawl", str(project.folder / folder), "--table", name, "--json", code=code))


def load(project, name, code=0):
    return json.loads(project.weir("run", name, "--json", code=code))


def apply(project):
    project.weir("apply")
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], "loaded")


def test_a_folder_becomes_a_table_and_what_changes_in_it_is_shown_before_it_is_loaded(project):
    shop(project)
    for region, rows in (("eu", ORDERS[:20]), ("us", ORDERS[20:])):
        deliver(project, f"region={region}/day=2026-11-01/a.json.gz", rows)
    text = declare(project, "orders").read_text()
    assert '"region": string' in text and '"day": date' in text and '"items": json' in text, text
    assert project.weir("plan", code=3).count("external") == 1
    apply(project)
    assert project.sql("SELECT region, day::VARCHAR, count(*), sum(amount) FROM orders GROUP BY ALL ORDER BY 1") == [
        ["eu", "2026-11-01", 20, 200], ["us", "2026-11-01", 20, 600]]
    assert project.sql("SELECT amount, items ->> '$[0].sku', _file FROM orders WHERE order_id = 'o7'") == [
        [7.5, "s7", "region=eu/day=2026-11-01/a.json.gz"]]
    assert look(project, "orders", code=0)["changes"] == []
    assert load(project, "orders")["result"]["known"] == 2
    # New, changed and gone files; nothing of it appears before it is loaded.
    shutil.rmtree(project.folder / "delivered/region=us")
    deliver(project, "region=eu/day=2026-11-01/a.json.gz", ORDERS[:10])
    deliver(project, "region=asia/day=2026-11-02/b.json", [{**ORDERS[0], "channel": "web"}])
    found = look(project, "orders")
    assert {(one["change"], one["file"].split("/")[0]) for one in found["changes"]} == {
        ("added", "region=asia"), ("changed", "region=eu"), ("gone", "region=us")}
    assert [(one["change"], one["field"]) for one in found["differences"]] == [("new", "channel")]
    assert project.sql("SELECT count(*) FROM orders") == [[40]]
    result = load(project, "orders")["result"]
    assert (result["loaded"], result["gone"], result["known"], result["rows"]) == (2, 1, 0, 11)
    assert project.sql("SELECT region, count(*) FROM orders GROUP BY ALL ORDER BY 1") == [["asia", 1], ["eu", 10]]
    # Its rows come from the files alone.
    for wrong in (["load", str(project.folder / "delivered/region=asia/day=2026-11-02/b.json"), "--table", "orders"],):
        project.weir(*wrong, code=1)
        assert "over files" in project.stderr
    project.write("flows/f.yaml", "steps:\n  - sql: DELETE FROM orders\n")
    project.weir("plan", code=3)
    project.weir("apply", code=1)


def test_parquet_says_its_own_columns_and_keeps_their_values(project):
    shop(project)
    parquet(project, "2026/11/21/08/a.parquet",
            "SELECT i AS n, i::DECIMAL(12,3) / 4 AS price, 'x' || i AS name, DATE '2026-11-21' + i::INTEGER AS day_of, "
            "TIMESTAMP '2026-11-21 08:00:00' AS seen_at, {'a': i} AS nested, [i] AS list, i % 2 = 0 AS even, "
            "CASE WHEN i > 2 THEN i END AS sometimes FROM range(5) t(i)")
    parquet(project, "2026/11/21/09/b.parquet", "SELECT 7 AS n, NULL::VARCHAR AS name, 1.5::DOUBLE AS extra")
    found = json.loads(project.weir("lake", "crawl", str(project.folder / "delivered"), "--table", "facts", "--json"))
    types = {one["name"]: one["type"] for one in found["parquet"]}
    assert types["price"].startswith("DECIMAL") or types["price"] == "DOUBLE"
    assert types["day_of"] in ("DATE", "TIMESTAMP") and types["even"] == "BOOLEAN" and types["extra"] == "DOUBLE"
    text = declare(project, "facts").read_text()
    assert '"nested": json' in text and '"seen_at": timestamp' in text and '"hour": integer' in text, text
    apply(project)
    assert project.sql("SELECT n, price::DOUBLE, name, seen_at::VARCHAR, nested ->> 'a', even, sometimes, hour FROM facts WHERE name = 'x3'") == [
        [3, 0.75, "x3", "2026-11-21 08:00:00", "3", False, 3, 8]]
    assert project.sql("SELECT n, name, extra, hour FROM facts WHERE hour = 9") == [[7, None, 1.5, 9]]
    # A column of another type is drift; a damaged file is named and harms nothing.
    parquet(project, "2026/11/21/10/c.parquet", "SELECT 'seven' AS n")
    (project.folder / "delivered/2026/11/21/10/d.parquet").write_bytes(b"PAR1" + b"\xff" * 2000)
    drift = look(project, "facts")
    assert {(one["change"], one["field"]) for one in drift["differences"]} >= {("type", "n")}, drift["differences"]
    assert [one["file"] for one in drift["failures"]] == ["2026/11/21/10/d.parquet"]
    run = load(project, "facts", code=1)
    assert "10/c.parquet: line 1: n: " in run["error"] and "d.parquet" in run["error"], run["error"]
    assert project.sql("SELECT count(*) FROM facts") == [[6]] and project.get("/health/ready").status == 200


def test_events_of_a_stream_come_from_parquet_too(project):
    stream_shop(project)
    project.stop()
    parquet(project, "2026/11/20/08/a.parquet", "SELECT 'p' || i AS page, TIMESTAMP '2026-11-20 08:30:00' AS at, i AS n FROM range(3000) t(i)")
    project.start()
    assert etl(project, "--from", str(project.folder / "delivered"))["result"]["accepted"] == 3000
    assert etl(project, "--from", str(project.folder / "delivered"))["result"]["accepted"] == 0
    assert project.sql("SELECT count(*), count(DISTINCT page), sum(n) FROM views") == [[3000, 3000, 3000 * 2999 // 2]]
    found = json.loads(project.weir("lake", "crawl", str(project.folder / "delivered"), "--as", "views", "--json"))
    assert found["differences"] == [] and found["fit"]["fits"] == found["records"] > 0


def test_a_file_that_does_not_fit_is_named_and_what_there_was_of_it_stays(project):
    shop(project)
    deliver(project, "a.json", ORDERS[:5])
    declare(project, "orders")
    apply(project)
    deliver(project, "a.json", [*ORDERS[:3], {**ORDERS[3], "amount": "much"}])
    deliver(project, "b.json", ORDERS[10:12])
    deliver(project, "c.csv", [])
    run = load(project, "orders", code=1)
    assert "a.json: line 4: amount: " in run["error"], run["error"]
    assert project.sql("SELECT count(*) FILTER (_file = 'a.json'), count(*) FILTER (_file = 'b.json') FROM orders") == [[5, 2]]
    assert "amount" in json.dumps(look(project, "orders")["fit"]["misfits"])
    # A folder that is suddenly empty is not taken for one whose files are gone.
    shutil.move(project.folder / "delivered", project.folder / "away")
    (project.folder / "delivered").mkdir()
    assert "nothing was removed" in load(project, "orders", code=1)["error"]
    assert project.sql("SELECT count(*) FROM orders") == [[7]]


def test_only_allowed_folders_and_no_links(project, tmp_path):
    outside = tmp_path / "outside"
    shop(project)
    deliver(project, "a.json", ORDERS[:2], folder=str(outside))
    deliver(project, "a.json", ORDERS[:2])
    (project.folder / "delivered/link.json").symlink_to(outside / "a.json")
    (project.folder / "delivered/linked").symlink_to(outside)
    declare(project, "orders")
    apply(project)
    assert project.sql("SELECT count(*) FROM orders") == [[2]]
    project.write("tables/secret.yaml", f"from: {outside}\ncolumns:\n  order_id: string\n")
    assert "lake: {foreign: [FOLDER]}" in project.weir("plan", code=3)
    project.weir("apply", code=1)
    project.write("tables/secret.yaml", "from: .weir/store\ncolumns:\n  order_id: string\n")
    assert "weir's own state" in project.weir("plan", code=3)
    project.write("tables/secret.yaml", "from: delivered\nformat: xml\ncolumns:\n  Order: string\n  dt: date\npath:\n  dt: day\nfolder: x\n")
    project.weir("plan", code=1)
    for wrong in ("'xml'", "Order", "path.dt", "'folder'"):
        assert wrong in project.stderr, (wrong, project.stderr)


@pytest.mark.parametrize("point", ["external.staged:2", "external.loaded:2"])
def test_a_killed_load_goes_on_and_every_file_is_there_once(project, point):
    shop(project)
    for n in range(4):
        deliver(project, f"{n}.json", ORDERS[n * 10:n * 10 + 10])
    declare(project, "orders")
    project.stop()
    project.start(env={"WEIR_CRASH_AT": point}, wait=False)
    wait_for(lambda: project.process.poll() is not None, f"killed at {point}")
    project.kill()
    project.start()
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], "gone on with")
    assert project.sql("SELECT count(*), count(DISTINCT order_id), count(DISTINCT _file) FROM orders") == [[40, 40, 4]]
    assert load(project, "orders")["result"]["known"] == 4
    assert not [one for one in (project.folder / ".weir/foreign/orders").iterdir()], "nothing is left over"


def test_another_declaration_loads_anew_and_what_is_made_of_it_follows(project):
    shop(project)
    deliver(project, "region=eu/a.json", ORDERS[:4])
    yaml = declare(project, "orders")
    project.write("tables/totals.sql", "---\ninputs:\n  orders: {}\n---\nSELECT region, count(*) AS orders FROM orders GROUP BY ALL\n")
    apply(project)
    assert load(project, "totals")["state"] == "done" and project.sql("FROM totals") == [["eu", 4]]
    deliver(project, "region=us/a.json", ORDERS[4:6])
    load(project, "orders")
    load(project, "totals")
    assert project.sql("FROM totals ORDER BY 1") == [["eu", 4], ["us", 2]]
    yaml.write_text(yaml.read_text().replace('"amount": number', '"amount": {type: decimal, precision: 9, scale: 2}'))
    assert "loaded anew" in project.weir("plan", code=3)
    apply(project)
    assert project.sql("SELECT typeof(amount), count(*) FROM orders GROUP BY ALL") == [["DECIMAL(9,2)", 6]]
    project.stop()
    # Without a server the command loads it itself.
    deliver(project, "region=us/b.json", ORDERS[6:8])
    assert load(project, "orders")["result"]["rows"] == 2
    yaml.unlink()
    project.weir("apply", "--drop")
    assert "orders" in project.weir("sql", "SELECT * FROM orders", code=2) + project.stderr
