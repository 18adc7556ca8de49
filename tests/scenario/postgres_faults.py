"""Faults of a PostgreSQL as they really come about, one for each signal of the shipped review postgres, and states beside each that are none.

A fault lies in a database of its own (`sql`, or `make` where it takes more than one session), or holds for the whole server for as long as a
`with` lasts (`state`). `fine` is SQL that comes close to the fault and is none: all of them lie in one database in which nothing is found.
"""
import contextlib
import os
import signal
import threading

import psycopg
from conftest import wait_for

HOUR, DAY = 3600, 86_400
FAULTS = []


class Fault:
    def __init__(self, query, signal, sql=None, fine=None, make=None, state=None, ahead=0, cluster=None, tools=False):
        self.query, self.signal = query, signal
        self.sql, self.fine, self.make, self.state = sql or [], fine or [], make, state
        self.ahead = ahead  # seconds by which the server's clock is set forward before the review
        self.cluster = cluster  # of a server of its own: settings, and the transaction that its numbers begin with
        self.tools = tools or cluster is not None  # made with programs that not every PostgreSQL comes with
        self.database = f"fault_{len(FAULTS):02}"
        FAULTS.append(self)

    @property
    def is_of_server(self):
        return self.state is not None or self.cluster is not None


def table(name, rows, columns="v int", values="i", tail="ANALYZE"):
    made = [f"CREATE TABLE {name} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {columns})"]
    names = ", ".join(column.strip().split()[0] for column in columns.split(","))
    if rows:
        made.append(f"INSERT INTO {name} ({names}) SELECT {values} FROM generate_series(1, {rows}) i")
    return made + ([f"{tail} {name}"] if tail else [])


# --- indexes ---

Fault("UnusedIndexes", "indexes that were never read", ahead=8 * DAY,
      sql=[*table("orders", 100_000), "CREATE INDEX ON orders (v)"],
      fine=[*table("looked_up", 100_000), "CREATE INDEX ON looked_up (v)", "SET enable_seqscan = off", "SELECT id FROM looked_up WHERE v = 7", "RESET enable_seqscan",
            *table("tiny", 100), "CREATE INDEX ON tiny (v)"])
Fault("DuplicateIndexes", "indexes that are equal to another",
      sql=[*table("orders", 100), "CREATE INDEX one ON orders (v, (v + 1)) WHERE id > 50", "CREATE INDEX two ON orders (v,  (v+1))  WHERE  id  >  50"],
      fine=[*table("sorted", 100, "v int, t text", "i, i"), "CREATE INDEX ON sorted (v)", "CREATE INDEX ON sorted (v DESC)", "CREATE INDEX ON sorted (v) WHERE id > 50",
            "CREATE INDEX ON sorted USING hash (v)", "CREATE INDEX ON sorted (t)", "CREATE INDEX ON sorted (t text_pattern_ops)", "CREATE INDEX ON sorted ((v + 1))", "CREATE INDEX ON sorted ((v + 2))"])
Fault("DuplicateIndexes", "indexes that a wider one covers",
      sql=[*table("orders", 100, "v int, w int", "i, i"), "CREATE INDEX narrow ON orders (v)", "CREATE INDEX wide ON orders (v, w)"],
      fine=[*table("covered", 100, "v int, w int", "i, i"), "CREATE UNIQUE INDEX ON covered (v)", "CREATE INDEX ON covered (v, w)", "CREATE INDEX ON covered (w) INCLUDE (v)"])


def failing_index(server, database):
    with server.connect(database) as session:
        for statement in table("orders", 100, values="i % 10"):
            session.execute(statement)
        with contextlib.suppress(psycopg.errors.UniqueViolation):
            session.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON orders (v)")


Fault("InvalidIndexes", "indexes that no statement may use", make=failing_index, fine=[*table("good", 100), "CREATE UNIQUE INDEX CONCURRENTLY ON good (v)"])
Fault("SequentialScans", "tables that miss an index",
      sql=[*table("orders", 20_000), *["SELECT count(*) FROM orders WHERE v = 7"] * 60],
      fine=[*table("short", 2_000), *["SELECT count(*) FROM short WHERE v = 7"] * 60, *table("by_key", 20_000), *["SELECT v FROM by_key WHERE id = 7"] * 60, *["SELECT sum(v) FROM by_key"] * 55])
Fault("ForeignKeys", "foreign keys without an index",
      sql=[*table("customers", 100), *table("orders", 2_000, "c bigint REFERENCES customers", "i % 100 + 1")],
      fine=["CREATE TABLE places (a int, b int, PRIMARY KEY (a, b))", "INSERT INTO places SELECT i, i FROM generate_series(0, 9) i", "ANALYZE places",
            *table("visits", 2_000, "a int, b int", "i % 10, i % 10"), "ALTER TABLE visits ADD FOREIGN KEY (a, b) REFERENCES places", "CREATE INDEX ON visits (b, a, id)",
            *table("few", 100, "a int, b int", "i % 10, i % 10"), "ALTER TABLE few ADD FOREIGN KEY (a, b) REFERENCES places"])


def sparse(name, rows, rounds):
    """An index whose pages hold one entry in ten, on a table that is full."""
    out = table(name, 0, "t text", tail=None) + [f"CREATE INDEX ON {name} (t)"]
    for number in range(rounds):
        out += [f"DELETE FROM {name} WHERE id % 10 <> 0", f"VACUUM {name}",
                f"INSERT INTO {name} (t) SELECT lpad(i::text, 100, '0') FROM generate_series({number * rows}, {(number + 1) * rows}) i"]
    return out + [f"VACUUM ANALYZE {name}"]


Fault("IndexBloat", "indexes that are probably half empty", sql=sparse("orders", 60_000, 3),
      fine=[*sparse("little", 6_000, 2), "SELECT id FROM little WHERE t = 'x'", *table("full_one", 100_000, "t text", "lpad(i::text, 100, '0')"), "CREATE INDEX ON full_one (t)", "SELECT id FROM full_one WHERE t = 'x'"])

# --- tables ---

Fault("TableBloat", "tables that are probably half empty",
      sql=[*table("orders", 200_000, "t text", "repeat('x', 100)", tail=None), "DELETE FROM orders WHERE id % 3 <> 0", "VACUUM ANALYZE orders"],
      fine=[*table("small", 20_000, "t text", "repeat('x', 100)", tail=None), "DELETE FROM small WHERE id % 3 <> 0", "VACUUM ANALYZE small",
            "CREATE TABLE mixed (id int PRIMARY KEY, a boolean, b text, c numeric, d timestamptz, e text) WITH (fillfactor = 50)",
            "INSERT INTO mixed SELECT i, i % 2 = 0, CASE WHEN i % 3 = 0 THEN repeat('y', i % 50) END, i / 7.0, now(), md5(i::text) FROM generate_series(1, 100000) i", "VACUUM ANALYZE mixed"])
Fault("DeadRows", "tables whose dead rows nobody removes",
      sql=[*table("orders", 30_000, tail=None), "DELETE FROM orders WHERE id > 5000", "ANALYZE orders"],
      fine=[*table("swept", 30_000, tail=None), "DELETE FROM swept WHERE id > 5000", "VACUUM ANALYZE swept", *table("partly", 30_000, tail=None), "DELETE FROM partly WHERE id > 25000", "ANALYZE partly"])
Fault("Statistics", "tables without statistics", sql=table("orders", 2_000, tail=None), fine=table("unasked", 500, tail=None))
Fault("Statistics", "tables whose statistics are old", sql=[*table("orders", 2_000), "UPDATE orders SET v = v + 1"], fine=[*table("young", 2_000), "UPDATE young SET v = v + 1 WHERE id < 200"])
Fault("PrimaryKeys", "tables without a primary key", sql=["CREATE TABLE orders (n int)"],
      fine=["CREATE TABLE named (n int NOT NULL UNIQUE)", "ALTER TABLE named REPLICA IDENTITY USING INDEX named_n_key",
            "CREATE TABLE parted (n int PRIMARY KEY) PARTITION BY RANGE (n)", "CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9)"])
Fault("UnloggedTables", "unlogged tables", sql=["CREATE UNLOGGED TABLE orders (n int PRIMARY KEY)"], fine=["CREATE TABLE logged (n int PRIMARY KEY)"])
TRIGGER = ["CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"]
Fault("Triggers", "triggers that are switched off",
      sql=[*table("orders", 0), *TRIGGER, "CREATE TRIGGER note BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted()", "ALTER TABLE orders DISABLE TRIGGER note"],
      fine=[*table("watched", 0), *TRIGGER, "CREATE TRIGGER note BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION noted()", "ALTER TABLE watched ENABLE ALWAYS TRIGGER note"])
Fault("Triggers", "foreign keys that nobody checks",
      sql=[*table("customers", 0), *table("orders", 0, "c bigint REFERENCES customers"), "ALTER TABLE orders DISABLE TRIGGER ALL"],
      fine=[*table("owners", 0), *table("pets", 0, "c bigint REFERENCES owners"), "ALTER TABLE pets DISABLE TRIGGER USER"])
Fault("Constraints", "constraints that old rows may break", sql=[*table("orders", 10), "ALTER TABLE orders ADD CHECK (v > 5) NOT VALID"],
      fine=[*table("checked", 10), "ALTER TABLE checked ADD CONSTRAINT positive CHECK (v > 0) NOT VALID", "ALTER TABLE checked VALIDATE CONSTRAINT positive"])
Fault("Sequences", "sequences near their end", sql=["CREATE TABLE orders (id smallserial PRIMARY KEY)", "SELECT setval('orders_id_seq', 30000)"],
      fine=["CREATE SEQUENCE round MAXVALUE 100 CYCLE", "SELECT setval('round', 99)", "CREATE TABLE half (id serial PRIMARY KEY)", "SELECT setval('half_id_seq', 1500000000)", "CREATE SEQUENCE unused"])

# --- rights ---

Fault("PublicGrants", "schemas in which everybody may make things", sql=["GRANT CREATE ON SCHEMA public TO PUBLIC"], fine=["CREATE SCHEMA shown", "GRANT USAGE ON SCHEMA shown TO PUBLIC"])
Fault("PublicGrants", "tables that everybody may change", sql=[*table("orders", 0), "GRANT INSERT ON orders TO PUBLIC"], fine=[*table("read", 0), "GRANT SELECT ON read TO PUBLIC"])
FUNCTION = "CREATE FUNCTION one() RETURNS int LANGUAGE sql SECURITY DEFINER"
Fault("DefinerFunctions", "functions that look for names where their caller says", sql=[f"{FUNCTION} AS 'SELECT 1'"], fine=[f"{FUNCTION} SET search_path = pg_catalog, pg_temp AS 'SELECT 1'"])

# --- load ---

Fault("SlowStatements", "statements that take a quarter of all time", sql=["SELECT pg_sleep(0.11)"] * 10, fine=["SELECT pg_sleep(0.11)"] * 2)
Fault("DatabaseActivity", "blocks are seldom found in the cache",
      sql=[*table("orders", 30_000, "t text", "repeat('x', 1000)"), *["SELECT count(t) FROM orders"] * 20])
Fault("DatabaseActivity", "sorts and joins that go to disk",
      sql=["SET work_mem = '64kB'", "SELECT count(DISTINCT t) FROM (SELECT repeat('x', 2000) || i AS t FROM generate_series(1, 55000) i) made"])


def deadlocks(server, database):
    with server.connect(database) as one, server.connect(database) as other:
        for statement in table("orders", 2):
            one.execute(statement)
        for session in (one, other):
            session.execute("SET deadlock_timeout = '10ms'")
        for _ in range(4):
            for session, row in ((one, 1), (other, 2)):
                session.execute("BEGIN")
                session.execute(f"UPDATE orders SET v = v WHERE id = {row}")

            def cross(session, row):
                with contextlib.suppress(psycopg.errors.DeadlockDetected):
                    session.execute(f"UPDATE orders SET v = v WHERE id = {row}")
                session.execute("ROLLBACK")
            crossing = threading.Thread(target=cross, args=(one, 2))
            crossing.start()
            cross(other, 1)
            crossing.join()
        one.execute("ANALYZE orders")


Fault("DatabaseActivity", "deadlocks", make=deadlocks)

# --- sessions ---


@contextlib.contextmanager
def at_work(server, statement, database="calm"):
    """A session that runs one statement until the end of the with."""
    with server.connect(database) as session:
        def run():
            with contextlib.suppress(psycopg.errors.QueryCanceled):
                session.execute(statement)
        running = threading.Thread(target=run)
        running.start()
        pid = session.info.backend_pid
        wait_for(lambda: server.ask(f"SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'"), "it runs")
        try:
            yield pid
        finally:
            server.ask(f"SELECT pg_cancel_backend({pid})")
            running.join()


@contextlib.contextmanager
def idle(server, statement="SELECT 1", database="calm"):
    with server.connect(database) as session:
        session.execute("BEGIN")
        session.execute(statement)
        yield


@contextlib.contextmanager
def waiting(server):
    with idle(server, "LOCK TABLE calm"), at_work(server, "SELECT * FROM calm") as pid:
        wait_for(lambda: server.ask(f"SELECT pg_blocking_pids({pid})")[0][0], "it waits")
        yield


@contextlib.contextmanager
def building(server):
    """An index that is being built, and waits for a transaction that was there before."""
    server.do_sql("CREATE TABLE being_indexed (n int PRIMARY KEY)", database="fine")
    with idle(server, "INSERT INTO being_indexed VALUES (1)", "fine"), at_work(server, "CREATE INDEX CONCURRENTLY unfinished ON being_indexed (n, (n + 1))", "fine"):
        wait_for(lambda: server.ask("SELECT 1 FROM pg_index WHERE NOT indisvalid", "fine"), "it is being built")
        yield
    server.do_sql("DROP TABLE being_indexed", database="fine")


@contextlib.contextmanager
def crowd(server):
    with contextlib.ExitStack() as stack:
        while server.ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")[0][0] < 80:
            stack.enter_context(server.connect())
        yield


@contextlib.contextmanager
def prepared(server):
    server.do_sql("BEGIN", "INSERT INTO other VALUES (9)", "PREPARE TRANSACTION 'it''s left'")
    try:
        yield
    finally:
        server.do_sql("ROLLBACK PREPARED 'it''s left'")


Fault("Transactions", "transactions that work for very long", state=lambda server: at_work(server, "SELECT pg_sleep(1000000)"), ahead=2 * HOUR)
Fault("Transactions", "transactions that wait for their client", state=idle, ahead=400)
Fault("Locks", "sessions that wait for a lock", state=waiting, ahead=60)
Fault("Connections", "hardly a connection is left", state=crowd)
Fault("PreparedTransactions", "prepared transactions that nobody ends", state=prepared, ahead=HOUR)

# --- log, replication, roles, settings ---


@contextlib.contextmanager
def checkpoints(server):
    server.do_sql(*["CHECKPOINT"] * 12)
    yield


@contextlib.contextmanager
def slot(server, is_read):
    server.ask("SELECT pg_create_physical_replication_slot('left', true)")
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: server.ask("SELECT pg_drop_replication_slot('left')"))
        if is_read:
            stack.enter_context(server.receiving("left"))
            wait_for(lambda: server.ask("SELECT active FROM pg_replication_slots") == [(True,)], "it is read")
        yield


@contextlib.contextmanager
def slow_reader(server):
    with slot(server, True), setting(server, "max_wal_size", "32MB"):
        os.kill(server.receiver, signal.SIGSTOP)
        try:
            for _ in range(6):
                server.ask("SELECT pg_switch_wal() FROM (SELECT pg_logical_emit_message(false, 'a', 'b')) written")
            yield
        finally:
            os.kill(server.receiver, signal.SIGCONT)


@contextlib.contextmanager
def role(server, options):
    server.do_sql(f"CREATE ROLE second {options}")
    try:
        yield
    finally:
        server.do_sql("DROP ROLE second")


@contextlib.contextmanager
def setting(server, name, value):
    def differs():
        return server.ask(f"SELECT setting <> boot_val OR pending_restart FROM pg_settings WHERE name = '{name}'") == [(True,)]
    server.do_sql(f"ALTER SYSTEM SET {name} = '{value}'", "SELECT pg_reload_conf()")
    wait_for(differs, "the setting counts")
    try:
        yield
    finally:
        server.do_sql(f"ALTER SYSTEM RESET {name}", "SELECT pg_reload_conf()")
        wait_for(lambda: server.ask(f"SELECT 1 FROM pg_settings WHERE name = '{name}' AND (sourcefile LIKE '%auto.conf' OR pending_restart)") == [], "it is as before")


Fault("Checkpoints", "checkpoints come because the log is full", state=checkpoints)
Fault("ReplicationSlots", "replication slots that nobody reads", state=lambda server: slot(server, False))
Fault("ReplicationSlots", "replication slots whose reader is far behind", state=slow_reader, tools=True)
Fault("Superusers", "superusers beside the first", state=lambda server: role(server, "SUPERUSER LOGIN"))
Fault("Settings", "settings that lose data", state=lambda server: setting(server, "fsync", "off"))
Fault("Settings", "upkeep that is switched off", state=lambda server: setting(server, "autovacuum", "off"))
Fault("Settings", "settings that wait for a restart", state=lambda server: setting(server, "max_locks_per_transaction", "77"))
# Numbers of transactions that begin at a page's edge, so that no page before has to be there.
Fault("Wraparound", "databases near the end of transaction numbers", cluster={"autovacuum_freeze_max_age": 2_000_000_000, "next": 48_828 * 32_768})
Fault("FreezeAge", "tables that autovacuum does not freeze in time", cluster={"autovacuum_freeze_max_age": 100_000, "next": 10 * 32_768})


@contextlib.contextmanager
def nearly(server, with_reader):
    """What the whole server may have without a word, at once."""
    server.do_sql("CHECKPOINT", "CHECKPOINT")
    with at_work(server, "SELECT pg_sleep(1000000)"), waiting(server), building(server), prepared(server), slot(server, True) if with_reader else contextlib.nullcontext(), \
            role(server, "LOGIN CREATEROLE"), setting(server, "log_lock_waits", "on"):
        yield
