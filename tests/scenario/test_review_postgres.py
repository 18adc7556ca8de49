"""The shipped review `postgres` against a real PostgreSQL: each signal has a real fault that makes it fire, alone, and states close to it that do not.

WEIR_TEST_POSTGRESQL is the folder of another version's programs, 12 to 18. Where they are without pg_resetwal and pg_receivewal, three
faults and what comes close to them cannot be made and are left out.
"""
import concurrent.futures
import contextlib
import json
import mmap
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import time

import psycopg
import pytest
from conftest import ROOT, Project, free_port, wait_for
from outside_server import POSTGRES
from postgres_faults import FAULTS, nearly

FOLDER = ROOT / "src/analysis/review/shipped/postgres"
VERSION = int(subprocess.run([POSTGRES / "postgres", "--version"], check=True, capture_output=True, text=True).stdout.split()[2].split(".")[0])
IS_WHOLE = "WEIR_TEST_POSTGRESQL" not in os.environ or (POSTGRES / "pg_resetwal").exists() and (POSTGRES / "pg_receivewal").exists()
MADE = [fault for fault in FAULTS if IS_WHOLE or not fault.tools]  # the faults that can be made here
TEXT = (FOLDER / "review.yaml").read_text()
SIGNALS = []  # (query, signal) as the file has them
for line in TEXT.splitlines():
    if found := re.match(r"  ([A-Z]\w+):$", line):
        query = found[1]
    elif found := re.match(r"      - signal: (.+)$", line):
        SIGNALS.append((query, found[1]))


class Cluster:
    """A PostgreSQL whose clock is in our hands (postgres_clock.c), with the roles weir (nothing granted), watcher (pg_monitor) and reader (reads all tables as well)."""

    def __init__(self, folder, library, template=None, settings=(), next_transaction=None):
        self.folder, self.library, self.port = folder, library, free_port()
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "clock").write_bytes(struct.pack("l", 0))
        self.settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder), "port": self.port, "autovacuum_naptime": 2_147_483,
                         "shared_buffers": "16MB", "max_prepared_transactions": 5, "max_connections": 100, "wal_sender_timeout": 0, "checkpoint_timeout": "1d", "max_locks_per_transaction": 64, "jit": "off",
                         "shared_preload_libraries": "pg_stat_statements", "synchronous_commit": "off", **dict(settings)}
        if template:
            shutil.copytree(template, folder / "data")
        subprocess.run(["chown", "-R", "postgres", folder], check=True) if self.is_root() else None
        if not template:
            self.do("initdb", "-D", folder / "data", "-U", "boss", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        (folder / "data").chmod(0o700)
        # In the file, not on the command line, which would outrank ALTER SYSTEM and look like a setting that waits for a restart.
        with open(folder / "data/postgresql.conf", "a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in self.settings.items())
        if next_transaction:
            self.do("pg_resetwal", "-x", next_transaction, "-D", folder / "data")
        with open(folder / "clock", "r+b") as clock:
            self.clock = mmap.mmap(clock.fileno(), 8)
        self.start()

    @staticmethod
    def is_root():
        return pathlib.Path("/proc/self").stat().st_uid == 0

    def command(self, program, *arguments):
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if self.is_root() else []
        return [*as_user, "env", f"LD_PRELOAD={self.library}", f"POSTGRES_CLOCK={self.folder / 'clock'}", str(POSTGRES / program), *map(str, arguments)]

    def do(self, program, *arguments):
        done = subprocess.run(self.command(program, *arguments), capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command("postgres", "-D", self.folder / "data"), stdout=self.log, stderr=self.log, cwd=self.folder)
        wait_for(self.answers, f"PostgreSQL answers, see {self.folder}/log")

    def stop(self):
        self.process.send_signal(2)
        self.process.wait(30)
        self.log.close()

    def answers(self):
        with contextlib.suppress(psycopg.OperationalError):
            self.connect("postgres").close()
            return True

    def connect(self, database="calm"):
        return psycopg.connect(host="127.0.0.1", port=self.port, user="boss", dbname=database, autocommit=True, prepare_threshold=None,
                               options="-c statement_timeout=60s")

    def ask(self, sql, database="calm"):
        with self.connect(database) as session:
            return session.execute(sql).fetchall()

    def do_sql(self, *statements, database="calm"):
        with self.connect(database) as session:
            for statement in statements:
                if statement.startswith(("ANALYZE", "VACUUM")):
                    settle(session)  # what was counted before is not counted behind it
                session.execute(statement)

    def set_ahead(self, seconds):
        self.clock[:8] = struct.pack("l", seconds)

    @contextlib.contextmanager
    def receiving(self, slot):
        into = self.folder / f"received-{len(list(self.folder.glob('received-*')))}"
        into.mkdir()
        subprocess.run(["chown", "postgres", into], check=True) if self.is_root() else None
        process = subprocess.Popen(self.command("pg_receivewal", "-h", "127.0.0.1", "-p", self.port, "-U", "boss", "--slot", slot, "-D", into), stdout=self.log, stderr=self.log)
        self.receiver = process.pid
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def settle(session):
    """What the session counted is known to all: before PostgreSQL 15 its counts go out at most twice a second, to a process of its own."""
    if VERSION >= 15:
        session.execute("SELECT pg_stat_force_next_flush()")
        return
    time.sleep(1.3)
    session.execute("SELECT 1")
    time.sleep(0.7)


def forget_checkpoints(server):
    with server.connect() as session:
        settle(session)
    server.do_sql("SELECT pg_stat_reset_shared('bgwriter')", *(["SELECT pg_stat_reset_shared('checkpointer')"] if VERSION >= 17 else []))


def connection(server, database, user="reader"):
    return {"host": "127.0.0.1", "port": server.port, "database": database, "user": user, "max": 1}


class Watch(Project):
    """A weir that reviews the databases of the clusters."""

    def declare(self, connections):
        self.write("weir.yaml", "connections:\n" + "".join(f"  {name}: {json.dumps(value)}\n" for name, value in connections.items()))
        self.weir("apply")
        self.start()

    def review(self, name):
        begun = self.post("/v1/reviews/postgres/runs", {"on": name, "workflow": "all-serial"}, self.admin())
        assert begun.status == 200, begun
        id_ = begun.json["id"]
        ended = wait_for(lambda: (one := self.get(f"/v1/runs/{id_}", headers=self.admin()).json)["state"] in ("done", "failed") and one, "the review has ended")
        assert ended["state"] == "done", ended
        return self.get(f"/v1/reviews/postgres/report?format=json&run={id_}", headers=self.admin()).json


def judged(report):
    return {(query["query"], signal["signal"]): signal for section in report["sections"] for query in section["queries"] for signal in query["signals"]}


def found(report):
    """The signals that fired; that something could not be measured fails the test."""
    signals = judged(report)
    missing = {key: signal["why"] for key, signal in signals.items() if signal["colour"] == "not measured"}
    assert not missing, missing
    return {key for key, signal in signals.items() if signal["colour"] in ("red", "yellow")}


@pytest.fixture(scope="module")
def place():
    # In memory where there is enough: forty databases are written and removed.
    memory = pathlib.Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 3 << 30
    made = pathlib.Path(tempfile.mkdtemp(prefix="weir-faults-", dir=memory if roomy else None))
    made.chmod(0o755)
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", made / "clock.so", ROOT / "tests/scenario/postgres_clock.c"], check=True)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def servers(place):
    """The server with all databases, and by fault those that need one of their own."""
    main = Cluster(place / "main", place / "clock.so")
    main.do_sql("CREATE EXTENSION pg_stat_statements", database="template1")
    main.do_sql("CREATE ROLE weir LOGIN", "CREATE ROLE watcher LOGIN IN ROLE pg_monitor", "CREATE ROLE reader LOGIN IN ROLE pg_monitor", database="postgres")
    if VERSION >= 14:
        main.do_sql("GRANT pg_read_all_data TO reader", database="postgres")
    else:
        main.do_sql(*[f"ALTER DEFAULT PRIVILEGES GRANT {what} TO reader" for what in ("SELECT ON TABLES", "SELECT ON SEQUENCES", "USAGE ON SCHEMAS")], database="template1")
    if VERSION < 15:
        main.do_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database="template1")  # a finding, there
    main.do_sql("CREATE DATABASE calm", database="postgres")
    main.do_sql("CREATE TABLE calm (n int PRIMARY KEY)", "CREATE TABLE other (n int PRIMARY KEY)")
    main.stop()
    shutil.copytree(place / "main/data", place / "template")
    main.start()
    made = {fault: Cluster(place / fault.database, place / "clock.so", place / "template", {"autovacuum_freeze_max_age": fault.cluster["autovacuum_freeze_max_age"]}, fault.cluster["next"])
            for fault in MADE if fault.cluster}
    yield main, made
    for server in (main, *made.values()):
        server.stop()


def fill(main):
    """Every fault that is one of a database, in its own; what is fine, in one."""
    local = [fault for fault in FAULTS if not fault.is_of_server]

    def make(fault):
        if fault.make:
            fault.make(main, fault.database)
        main.do_sql(*fault.sql, database=fault.database)
    for fault in local:
        main.do_sql(f"CREATE DATABASE {fault.database}")
    main.do_sql("CREATE DATABASE fine")

    def make_fine():
        for fault in FAULTS:
            if fault.fine:
                schema = f"of_{fault.database}"
                main.do_sql(f"CREATE SCHEMA {schema}", f"SET search_path TO {schema}", *fault.fine, database="fine")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(make_fine), *[pool.submit(make, fault) for fault in local]]:
            done.result()
    forget_checkpoints(main)


@pytest.fixture(scope="module")
def watch(servers, place):
    main, own = servers
    fill(main)
    connections = {"calm": connection(main, "calm"), "fine": connection(main, "fine")}
    connections |= {f"fine_{user}": connection(main, "fine", user) for user in ("watcher", "weir")}
    for fault in FAULTS:
        if not fault.is_of_server:
            connections[fault.database] = connection(main, fault.database)
        elif fault in own:
            connections[fault.database] = connection(own[fault], "calm")
    made = Watch(place / "watch")
    made.folder.mkdir()
    made.declare(connections)
    yield made
    made.kill()


def test_every_signal_has_a_fault():
    queries = {query for query, _ in SIGNALS}
    assert len(queries) >= 15 and f"{len(queries)} questions, {len(SIGNALS)} signals" in (ROOT / "docs/guides/postgres-review.md").read_text()
    assert sorted(SIGNALS) == sorted((fault.query, fault.signal) for fault in FAULTS)
    assert {path.stem for path in (FOLDER / "scripts").iterdir()} == {query for query, _ in SIGNALS}
    page = (ROOT / "docs/guides/postgres-review.md").read_text()
    assert not [signal for query, signal in SIGNALS if f"| `{query}` | {signal} |" not in page], "the page names them all"


def test_a_fault_of_a_database_fires_its_signal_and_no_other(watch, servers):
    main, own = servers
    local = [fault for fault in MADE if not fault.is_of_server and not fault.ahead] + list(own)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda fault: watch.review(fault.database), local))
    wrong = {(fault.query, fault.signal): fires for fault, report in zip(local, reports) if (fires := found(report)) != {(fault.query, fault.signal)}}
    assert not wrong, wrong


@pytest.mark.parametrize("fault", [fault for fault in MADE if fault.state or fault.ahead], ids=lambda fault: fault.signal)
def test_a_fault_of_the_server_fires_its_signal_and_no_other(watch, servers, fault):
    main, _ = servers
    with fault.state(main) if fault.state else contextlib.nullcontext():
        main.set_ahead(fault.ahead)
        try:
            assert found(watch.review("calm" if fault.state else fault.database)) == {(fault.query, fault.signal)}
        finally:
            main.set_ahead(0)
            forget_checkpoints(main)


def test_what_comes_close_fires_nothing(watch, servers):
    main, _ = servers
    with nearly(main, IS_WHOLE):
        main.set_ahead(20)
        report = watch.review("fine")
        main.set_ahead(0)
    assert found(report) == set()
    forget_checkpoints(main)
    main.set_ahead(8 * 86_400)
    report = watch.review("fine")
    main.set_ahead(0)
    assert found(report) == set()
    signals = judged(report)
    # It is green because it looked, not because there was nothing.
    empty = {key[0] for key, signal in signals.items() if signal["of"] == 0}
    assert empty == {"DuplicateIndexes", "Transactions", "Locks", "PreparedTransactions", "ReplicationSlots"}, empty


def test_what_the_user_cannot_see_is_not_measured_and_says_what_mends_it(watch):
    def missing(name):
        return {key[0]: signal["why"] for key, signal in judged(watch.review(name)).items() if signal["colour"] == "not measured"}
    hidden = {"TableBloat": "GRANT SELECT ON ALL TABLES IN SCHEMA", "IndexBloat": "GRANT USAGE ON SCHEMA", "Sequences": "GRANT SELECT ON ALL SEQUENCES IN SCHEMA"}
    sessions = dict.fromkeys(("InvalidIndexes", "Transactions", "Locks", "Connections", "SlowStatements"), "GRANT pg_monitor TO")
    for name, expected in (("fine_watcher", hidden), ("fine_weir", hidden | sessions)):
        found = missing(name)
        assert found.keys() == expected.keys(), found
        assert not {query: why for query, why in found.items() if expected[query] not in why}, found
