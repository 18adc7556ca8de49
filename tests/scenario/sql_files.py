"""The files of tests/sql, read for a server on a wire: weir itself, and a real PostgreSQL where they agree.

The language is that of tests/sql/README.md. Tables of `weir table` and `weir tail` become ordinary tables.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field

import psycopg
from conftest import ROOT, free_port, wait_for

FOLDER = ROOT / "tests" / "sql"
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
TYPES = {"boolean": "BOOLEAN", "int32": "INTEGER", "int64": "BIGINT", "float64": "DOUBLE PRECISION", "text": "VARCHAR(65535)",
         "uuid": "UUID", "timestamp": "TIMESTAMP", "date": "DATE"}
WHO = {"weir", "wire", "postgresql"}  # `wire`: weir, where the file's tables are ordinary ones that a user made
# range() is a word of the engine's that the files make their rows with.
POSTGRES_WORDS = """
CREATE FUNCTION range(n bigint) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT generate_series(0, n - 1)';
CREATE FUNCTION range(a bigint, b bigint) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT generate_series(a, b - 1)';
"""


@dataclass
class Record:
    place: str
    head: list
    sql: str = ""
    parameters: list = field(default_factory=list)
    expected: list = field(default_factory=list)
    columns: list = field(default_factory=list)
    partition: list = field(default_factory=list)
    skipped_by: set = field(default_factory=set)


def records(path):
    for number, block in blocks(path.read_text().splitlines()):
        record = Record(f"{path.relative_to(FOLDER)}:{number}", [])
        while block and block[0].split()[0] in ("skipif", "onlyif"):
            word, who = block.pop(0).split()
            record.skipped_by.update([who] if word == "skipif" else WHO - {who})
        record.head = block.pop(0).split()
        while block and re.match(r"(params|columns|partition) ", block[0]):
            word, rest = block.pop(0).split(" ", 1)
            if word == "params":
                record.parameters = json.loads(rest)
            else:
                (record.columns if word == "columns" else record.partition).extend(rest.split())
        if "----" in block:
            at = block.index("----")
            record.expected = block[at + 1:]
            block = block[:at]
        record.sql = "\n".join(block)
        yield record


def blocks(lines):
    """Runs of lines between empty ones, without comments before them."""
    block, begin = [], 0
    for number, line in enumerate([*lines, ""], 1):
        if line:
            if block or not line.startswith("#"):
                begin = begin if block else number
                block.append(line)
        elif block:
            yield begin, block
            block = []


def text_of(value, type_):
    """A cell as the files write it, from the text form of the wire."""
    if value is None:
        return "NULL"
    text = value.decode()
    if type_ == 16:
        return {"t": "true", "f": "false"}[text]
    if type_ in (1007, 1016):
        return f"[{text[1:-1]}]"
    return text or "(empty)"


class Target:
    """One connection, and what a file does on it. `names`: whom `skipif` calls so; `own`: another one, of an administrator.
    `as_user`: a connection of the user of this name, who is made if there is none; without it `user` is not for this target."""

    def __init__(self, connection, *names, as_user=None, own=None):
        self.connection, self.names, self.as_user, self.own = connection, set(names), as_user, own
        self.owner, self.users = connection, {}
        self.tables = {}

    def switch(self, user):
        if user and user not in self.users:
            self.users[user] = self.as_user(user)
        self.connection = self.users[user] if user else self.owner

    def close(self):
        for connection in (self.owner, *self.users.values()):
            connection.close()

    def run(self, sql, parameters=()):
        """Rows of cells as text; psycopg.Error."""
        with self.connection.cursor() as cursor:
            # libpq itself: the statement as it is written, with $1 and %.
            values = [None if one is None else (str(one).lower() if isinstance(one, bool) else str(one)).encode() for one in parameters]
            result = self.connection.pgconn.exec_params(sql.encode(), values or None)
            if result.status not in (psycopg.pq.ExecStatus.TUPLES_OK, psycopg.pq.ExecStatus.COMMAND_OK):
                raise psycopg.errors.lookup(result.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode())(message_of(result, sql))
            return [[text_of(result.get_value(row, column), result.ftype(column)) for column in range(result.nfields)] for row in range(result.ntuples)]

    def table(self, record):
        name, columns = quoted(record.head[2]), record.columns + record.partition
        self.run(f"DROP TABLE IF EXISTS {name}")
        self.run(f"CREATE TABLE {name} ({', '.join(column_of(one) for one in columns)})")
        self.tables[name] = (record.columns, record.partition)

    def rows(self, record):
        """Of a file or the tail: in the table's columns, or those that the record says."""
        name = quoted(record.head[2])
        columns, partition = self.tables[name]
        values = dict(one.split("=", 1) for one in record.head[3:])
        names = [quoted(one.split(":")[0]) for one in record.columns or columns + ([] if values else partition)]
        more = [quoted(one.split(":")[0]) for one in partition if values]
        texts = [f"'{values[one.split(':')[0]]}'::{type_of(one)}" for one in partition if values]
        self.run(f"INSERT INTO {name} ({', '.join(names + more)}) SELECT {', '.join(['_given.*', *texts])} FROM ({record.sql}) _given")

    def problems(self, path, expand=lambda sql: sql):
        """What did not come out as the file says, a line each; nothing: all did."""
        out, done = [], 0
        self.switch(None)
        for record in records(path):
            if self.names & record.skipped_by:
                continue
            done += 1
            problem = self.problem(record, expand)
            if problem:
                out.append(f"{record.place}: {record.sql}\n  {problem}")
        assert done, f"{path} has nothing for {self.names}"
        return out

    def problem(self, record, expand):
        kind = record.head[0]
        if kind == "user":
            if self.as_user is None:
                return f"{self.names} has no users for a test"
            self.switch(record.head[1] if len(record.head) > 1 else None)
            return None
        if kind == "weir":
            what = record.head[1]
            if what == "table":
                self.table(record)
            elif what in ("file", "tail"):
                self.rows(record)
            elif what == "own":
                (self.own or self).run(record.sql)
            elif what != "publish":
                return f"weir {what} is nothing for a wire"
            return None
        fails = kind == "statement" and record.head[1] == "error"
        try:
            rows = ["\t".join(row) for row in self.run(expand(record.sql), record.parameters)]
        except psycopg.Error as error:
            if not fails:
                return f"{error.sqlstate}: {error}"
            if "wire" in self.names and record.head[2] in STATES and error.sqlstate[:2] not in STATES[record.head[2]]:
                return f"{error.sqlstate}: {error}"
            said = f"{error.sqlstate}: {error}"
            missing = [part for part in record.expected if "weir" in self.names and part not in said]
            return f"{missing} is not in: {error}" if missing else None
        if fails:
            return "it succeeded"
        if kind == "statement":
            return None
        expected, sort = record.expected, record.head[2] if len(record.head) > 2 else "nosort"
        if sort == "contains":
            whole = "\n".join(rows)
            wrong = [one for one in expected if (one[1:] in whole if one.startswith("!") else one not in whole)]
            return f"{wrong} in\n{whole}" if wrong else None
        if sort == "rowsort":
            rows, expected = sorted(rows), sorted(expected)
        return None if rows == expected else "expected\n" + "\n".join(expected) + "\nfound\n" + "\n".join(rows)


# Classes of SQLSTATEs that a code of ours shows as.
STATES = {"denied": {"42", "0A", "22"}, "invalid": {"22", "42", "21", "2B", "P0", "0A", "26"}}


def quoted(name):
    return name if re.fullmatch(r"\w+", name) and name != "select" else '"' + name.replace('"', '""') + '"'


def type_of(text):
    type_ = re.split(r"[|=]", text.split(":", 1)[1])[0]
    return TYPES.get(type_, type_)


def column_of(text):
    otherwise = re.search(r"=(.*)", text)
    return f"{quoted(text.split(':', 1)[0])} {type_of(text)}" + (f" DEFAULT '{otherwise.group(1)}'" if otherwise else "")


def message_of(result, sql):
    field_ = psycopg.pq.DiagnosticField
    parts = [text.decode() for text in map(result.error_field, (field_.MESSAGE_PRIMARY, field_.MESSAGE_DETAIL, field_.MESSAGE_HINT)) if text]
    position = result.error_field(field_.STATEMENT_POSITION)
    if position:
        before = sql[:int(position) - 1]
        parts.append(f"sql:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}")
    return "\n".join(parts)


class Postgres:
    """A real PostgreSQL 15 on a socket in a folder of its own."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-postgres-"))
        self.port = free_port()
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.as_user:
            shutil.chown(self.folder, "postgres")
        self.do("initdb", "-D", self.folder / "data", "-U", "weir", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.log = open(self.folder.with_suffix(".log"), "wb")
        self.process = subprocess.Popen([*self.as_user, POSTGRES / "postgres", "-D", self.folder / "data", "-k", self.folder, "-p", str(self.port),
                                         "-c", "listen_addresses=", "-c", "fsync=off", "-c", "timezone=UTC"], stdout=self.log, stderr=self.log)
        self.connection = wait_for(self.connect, "PostgreSQL answers")
        self.connection.pgconn.exec_(POSTGRES_WORDS.encode())

    def do(self, program, *arguments):
        done = subprocess.run([*self.as_user, POSTGRES / program, *arguments], capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr

    def connect(self):
        try:
            return psycopg.connect(host=str(self.folder), port=self.port, user="weir", dbname="postgres", autocommit=True)
        except psycopg.OperationalError:
            return None

    def stop(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        shutil.rmtree(self.folder)
        self.folder.with_suffix(".log").unlink()
