"""Calls of functions that the engine cannot interrupt, over columns: cancelled, limited in memory, run in a child, by the real program."""
import os
import pathlib
import re
import signal
import threading

import pytest
from conftest import wait_for
from test_wire import PASSWORD, Served

import psycopg2

RSS_MAX = 1600 << 20  # the engine's 256 MiB, and what a statement may hold beside them

# Each takes minutes, or gigabytes, if nobody stops it.
ENDLESS = {
    "levenshtein": "SELECT levenshtein(a, b) FROM huge",
    "levenshtein_of_many": "SELECT sum(levenshtein(c, d)) FROM many",
    "jaro": "SELECT sum(jaro_similarity(a || a || a || a, b || b || b || b)) FROM huge, many",
    "repeat": "SELECT sum(length(repeat(c, n))) FROM many, range(100000)",
    "replace": "SELECT sum(length(replace(c, 'a', c))) FROM many, range(10000)",
    "lpad": "SELECT sum(length(lpad(c, n * 100, d))) FROM many, range(10000)",
    "format": "SELECT sum(length(format('{:>{}}', c, n * 100))) FROM many, range(10000)",
    "regexp_replace": "SELECT length(regexp_replace(a, 'a.*X|a', 'x')) FROM huge, range(100)",
    "regexp_extract_all": "SELECT len(regexp_extract_all(a, 'a.*X|a')) FROM huge, range(100)",
    "like": "SELECT count(*) FROM huge, many WHERE a || a LIKE '%' || substr(b, 1, 50000) || 'X%'",
    "contains": "SELECT count(*) FROM huge, many WHERE contains(a || a || a, c || substr(b, 1, 90000) || 'X')",
    "list_sort": "SELECT sum(len(list_sort(l || [n]))) FROM lists, many",
    "list_has_all": "SELECT count(*) FROM lists, many WHERE list_has_all(l || [n], l)",
    "list_intersect": "SELECT sum(len(list_intersect(l, l))) FROM lists",
    "list_filter": "SELECT len(list_filter(l, x -> len(list_filter(l, y -> y < x)) > 3)) FROM lists",
    "list_reduce": "SELECT length(list_reduce(list_transform(l, x -> 'abcdefghijklmnop' || x), (x, y) -> x || y)) FROM lists",
    "map": "SELECT sum(cardinality(map(l, l))) FROM lists, many",
    "range": "SELECT sum(len(range(n * 1000))) FROM many, range(10000)",
    "view": "SELECT distance FROM endless",
    "function": "SELECT far(a, b) FROM huge",
}

TABLES = """
CREATE TABLE huge AS SELECT repeat('abcdefghij', 9000) || repeat('a', 60000) AS a, repeat('bcdefghija', 9000) || repeat('b', 60000) AS b;
CREATE TABLE many AS SELECT repeat('abcdefghij', 100) AS c, repeat('bcdefghija', 100) AS d, 1000 AS n FROM range(20000);
CREATE TABLE lists AS SELECT range(1000000) AS l;
CREATE VIEW endless AS SELECT levenshtein(a, b) AS distance FROM huge;
CREATE FUNCTION far(VARCHAR, VARCHAR) RETURNS BIGINT IMMUTABLE AS $$ SELECT levenshtein($1, $2) $$ LANGUAGE sql;
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("calls") / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "limits: {sql_concurrent: 4, sql_memory: 256MiB}\n")
    made.begin()
    made.tell(f"CREATE USER ann PASSWORD '{PASSWORD}'")
    for statement in TABLES.strip().split(";\n"):
        made.tell(statement.rstrip(";"))
    made.tell("GRANT SELECT ON huge, many, lists, endless TO ann")
    yield made
    made.kill()


def connect(served, **options):
    connection = psycopg2.connect(**served.as_user("ann"), **options)
    connection.autocommit = True
    return connection


def children(server):
    """Processes of `worker calls` below the server."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except (OSError, IndexError):
            continue
        if parent == server and command[1:3] == [b"worker", b"calls"]:
            found.append(int(entry.name))
    return found


def metric(served, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", served.get("/metrics").body.decode(), re.M)
    return float(found.group(1)) if found else 0


def rss(served):
    return metric(served, "process_resident_memory_bytes")


class Running:
    """A statement in a thread of its own; `error` is how it ended."""

    def __init__(self, connection, statement, run=None):
        self.connection, self.error, self.rows = connection, None, None
        self.thread = threading.Thread(target=self.work, args=(run or (lambda cursor: cursor.execute(statement)),))
        self.thread.start()

    def work(self, run):
        try:
            with self.connection.cursor() as cursor:
                run(cursor)
                self.rows = cursor.fetchall()
        except psycopg2.Error as error:
            self.error = error

    def end(self):
        self.thread.join(60)
        assert not self.thread.is_alive(), "it has not ended a minute after it was stopped"
        return self.error


def statements(served):
    return served.get("/v1/statements", headers=served.admin()).json["statements"]


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_statement_over_columns_is_cancelled_and_others_are_answered_meanwhile(served, kind):
    connection = connect(served)
    running = Running(connection, ENDLESS[kind])
    wait_for(lambda: statements(served) or running.error, "it runs")
    assert served.tell("SELECT 1") == "1", "others are answered"
    assert running.error is None and running.rows is None, (running.error, running.rows)
    connection.cancel()
    error = running.end()
    assert error is not None and error.pgcode == "57014", (kind, error, running.rows)
    assert rss(served) < RSS_MAX
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM many")
        assert cursor.fetchall() == [(20000,)], "the session goes on"
    wait_for(lambda: not children(served.process.pid), "no child is left")


@pytest.mark.parametrize("kind", ["levenshtein", "levenshtein_of_many", "view", "list_reduce"])
def test_a_time_limit_ends_it(served, kind):
    connection = connect(served, options="-c statement_timeout=500")
    error = Running(connection, ENDLESS[kind]).end()
    assert error is not None and error.pgcode == "57014" and "limit" in str(error), error
    wait_for(lambda: not children(served.process.pid), "no child is left")


@pytest.mark.parametrize("way", ["prepared", "cursor", "parameters", "create table as"])
def test_the_same_in_other_shapes_of_statements(served, way):
    connection = connect(served)

    def run(cursor):
        if way == "prepared":
            cursor.execute("PREPARE far AS SELECT levenshtein(a, b) FROM huge WHERE length(a) > $1")
            cursor.execute("EXECUTE far (3)")
        elif way == "cursor":
            cursor.execute("BEGIN")
            cursor.execute("DECLARE c CURSOR FOR SELECT levenshtein(a, b) FROM huge")
            cursor.execute("FETCH ALL FROM c")
        elif way == "parameters":
            cursor.execute("SELECT levenshtein(%s, %s)", ("a" * 200_000, "b" * 200_000))
        else:
            cursor.execute("CREATE TEMP TABLE far AS SELECT levenshtein(a, b) AS d FROM huge")

    running = Running(connection, None, run)
    wait_for(lambda: children(served.process.pid) or running.error, "a child works for it")
    assert running.error is None, running.error
    connection.cancel()
    assert running.end().pgcode == "57014", running.error
    wait_for(lambda: not children(served.process.pid), "no child is left")


def test_a_child_that_is_killed_is_an_error_of_its_statement(served):
    connection = connect(served)
    running = Running(connection, ENDLESS["levenshtein"])
    (child,) = wait_for(lambda: children(served.process.pid), "a child works for it")
    environment = pathlib.Path(f"/proc/{child}/environ").read_bytes()
    assert environment == b"", "it inherits nothing"
    assert metric(served, "weir_engine_child_calls") == 1
    os.kill(child, signal.SIGKILL)
    error = running.end()
    assert error.pgcode == "58000" and "levenshtein() ran in a process of its own, which ended: killed by signal 9" in str(error), error
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]
    assert "engine.call_in_child" in served.output()


def test_what_is_beyond_any_use_says_what_it_is_and_how_large_it_may_be(served):
    for statement, said in (("SELECT repeat(c, n * 100000) FROM many", "repeat() builds or needs a value of 100000000000 bytes, allowed up to 1000000000"),
                            ("SELECT range(n * 1000000) FROM many", "range() builds or needs a value of 8000000008 bytes"),
                            ("SELECT damerau_levenshtein(a, b) FROM huge", "damerau_levenshtein() builds or needs a value of")):
        with connect(served).cursor() as cursor, pytest.raises(psycopg2.Error) as refused:
            cursor.execute(statement)
        assert refused.value.pgcode == "54000" and said in str(refused.value), refused.value
    with connect(served).cursor() as cursor, pytest.raises(psycopg2.Error) as refused:
        cursor.execute("SELECT max(repeat(c, n)) FROM many")  # a vector of rows would be 2 GB
    assert refused.value.pgcode == "53200", refused.value
    assert rss(served) < RSS_MAX


def test_what_a_child_answers_is_right(served):
    before = metric(served, 'weir_engine_child_calls_total{result="done"}')
    with connect(served).cursor() as cursor:
        cursor.execute("SELECT levenshtein(substr(a, 1, 9000), substr(a, 2, 8999)), len(list_sort(list_reverse(l))), list_sort(l, 'DESC')[1] FROM huge, lists")
        assert cursor.fetchall() == [(1, 1000000, 999999)]
    assert metric(served, 'weir_engine_child_calls_total{result="done"}') >= before + 3


def test_a_killed_server_leaves_no_child(served):
    running = Running(connect(served), ENDLESS["levenshtein"])
    (child,) = wait_for(lambda: children(served.process.pid), "a child works for it")
    served.kill()
    wait_for(lambda: not pathlib.Path(f"/proc/{child}").exists(), "its child died with it")
    assert running.end() is not None
    served.begin()
    assert served.tell("SELECT count(*) FROM many") == "20000"
