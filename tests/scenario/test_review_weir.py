"""weir's own checks of the shipped review `warehouse`: each fires over the rows that it is for, and not over others; and all of them run on a real server."""
import json
import pathlib
import re

import pytest
from conftest import impression, wait_for

SHIPPED = pathlib.Path(__file__).parents[2] / "src/analysis/review/shipped/warehouse"


def folder_of(signal):
    return re.sub("[^a-z0-9]+", "-", signal.lower()).strip("-")


def own_queries(project):
    """The queries that are asked of weir alone, as the program has them."""
    project.weir("review", "new", "copied", "--from", "warehouse")
    text = (project.folder / "reviews/copied/review.yaml").read_text()
    blocks = re.findall(r"^  (\w+):\n((?:    .*\n)+)", text.split("\nqueries:\n")[1].split("\nrecommendations:")[0], re.M)
    return {name: block for name, block in blocks if "engines: [weir]" in block}


@pytest.fixture
def served(project):
    project.write("weir.yaml", "name: shop\n")
    return project.start()


def test_each_check_fires_where_it_should_and_nowhere_else(served):
    def sql(statement):
        reply = served.post("/v1/sql", {"sql": statement}, served.admin())
        assert reply.status == 200, (statement, reply)

    queries = own_queries(served)
    declared, wanted = [], {}
    for name, block in queries.items():
        needs = re.search(r"needs: \[(.*)\]", block).group(1).split(", ")
        statement = (SHIPPED / f"scripts/{name}.sql").read_text()
        signals = re.findall(r"- signal: (.*)", block)
        for number, signal in enumerate(signals):
            for kind in ("fires", "quiet"):
                query = f"{name}_{number}_{kind}"
                within = lambda text: re.sub(r"\b(" + "|".join(needs) + r")\b", rf"{query.lower()}.made_\1", text)
                sql(f"CREATE SCHEMA {query.lower()}")
                for relation in needs:
                    sql(within(f"CREATE TABLE {relation} AS SELECT * FROM ") .replace(f"FROM {query.lower()}.made_{relation}", "FROM") + f"{relation} WHERE false")
                for fixture in filter(str.strip, (SHIPPED / "fixtures" / folder_of(signal) / f"{kind}.sql").read_text().split(";\n")):
                    sql(within(fixture))
                served.write(f"reviews/fixtures/scripts/{query}.sql", within(statement))
                declared.append(f"  {query}:\n" + re.sub(r"    (engines|needs|section|recommend|not_on): .*\n|        recommend: .*\n", "", block))
                wanted[query] = [signal] if kind == "fires" else []
    served.write("reviews/fixtures/review.yaml", "workflow: all-parallel\nqueries:\n" + "".join(declared))
    served.weir("apply")
    served.weir("review", "run", "fixtures", code=3)
    report = json.loads(served.weir("review", "report", "fixtures", "--format", "json"))
    found = {query["query"]: query for section in report["sections"] for query in section["queries"]}
    assert len(found) == len(wanted) >= 24
    for query, signals in wanted.items():
        assert found[query]["status"] == "FINISHED", (query, found[query]["error"])
        met = [signal["signal"] for signal in found[query]["signals"] if signal["colour"] in ("red", "yellow")]
        assert met == signals, (query, found[query])
        for signal in found[query]["signals"]:
            assert signal["colour"] != "not measured" or signal["why"] == "there are no rows to ask about", (query, signal)


def test_the_review_of_a_server_measures_what_weir_has(advertising):
    assert advertising.post("/impressions", {"impressions": [impression() for _ in range(50)]}).status == 200
    wait_for(lambda: advertising.sql("SELECT count(*) FROM weir_metrics")[0][0] > 0, "a sample of the metrics", 60)
    advertising.weir("review", "run", "warehouse", "--workflow", "all-parallel")
    report = json.loads(advertising.weir("review", "report", "warehouse", "--format", "json"))
    own = {query["query"]: query for section in report["sections"] if section["name"] == "This weir" for query in section["queries"]}
    assert set(own) == set(own_queries(advertising))
    for name, query in own.items():
        assert query["status"] == "FINISHED", (name, query["error"])
    everything = [query for section in report["sections"] for query in section["queries"]]
    for query in everything:  # what is not asked says why, and nothing fails
        reasons = {signal.get("why") for signal in query["signals"]}
        assert query["status"] == "FINISHED" or (not query.get("error") and all(reasons)), query
    assert own["StoreDisk"]["rows"] == 1 and own["Quarantine"]["rows"] >= 1 and own["DerivedTables"]["rows"] >= 1
