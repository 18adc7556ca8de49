"""Fixtures: a project folder, the real server on it, and small verbs to talk to it."""
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid

import pytest

import client_table

BINARY = os.environ["WEIR_BIN"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE_S = 30
os.environ["WEIR_AWS_PORT"] = "0"
os.environ["WEIR_WIRE_PORT"] = "0"  # servers of many tests live side by side


def pytest_addoption(parser):
    parser.addoption("--write-clients", action="store_true", help="writes docs/clients.md from what the clients of this run could do")
    parser.addoption("--kills", type=int, default=12, help="how often the real program is killed, half of it at named points")
    parser.addoption("--notices", type=int, default=500, help="how many notices go to a receiver that is down, hangs and lies")
    parser.addoption("--races", type=int, default=200, help="how often a query's threshold falls into the moment in which it ends")
    parser.addoption("--review-kills", type=int, default=10, help="how often the program is killed while reviews run")
    parser.addoption("--notice-kills", type=int, default=4, help="how often the program is killed meanwhile")


def pytest_configure(config):
    client_table.writing = config.getoption("--write-clients")


def pytest_sessionfinish(session, exitstatus):
    if client_table.writing and exitstatus == 0:
        client_table.write()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """In continuous integration a test that is skipped has not passed: what it misses is to be installed."""
    report = (yield).get_result()
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped, where nothing may be: {call.excinfo.value}"


def wait_for(condition, what, deadline_s=DEADLINE_S):
    """Calls condition() until it is true; fails with `what` after the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail(f"after {deadline_s} s still not: {what}")


def free_port():
    """A port below those that the system gives away: nobody who asks for port 0 between this call and its use can get it."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"Reply({self.status}, {self.body[:500]!r})"


class Project:
    """A folder of declarations, and the commands and server that work on it."""

    serving = []  # those whose server was started and not ended

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.log_path = self.folder / "server.log"
        self.process = None
        self.port = None
        self.token = None
        self.environment = dict(os.environ)

    def write(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def weir(self, *arguments, code=0, stdin=None, env=None, timeout=120):
        """Runs a command on this folder and returns its standard output."""
        done = subprocess.run([BINARY, *arguments, "--dir", str(self.folder)], capture_output=True, text=True, input=stdin,
                              timeout=timeout, env={**self.environment, **(env or {})})
        assert done.returncode == code, f"weir {arguments} exited {done.returncode}\n{done.stdout}\n{done.stderr}"
        self.stderr = done.stderr
        return done.stdout

    def start(self, env=None, wait=True, listen="127.0.0.1"):
        self.port = free_port()
        self.log = open(self.log_path, "ab")
        self.log_begin = self.log.tell()
        self.process = subprocess.Popen([BINARY, "serve", "--dir", str(self.folder), "--listen", f"{listen}:{self.port}"],
                                        stdout=self.log, stderr=self.log, env={**self.environment, **(env or {})})
        Project.serving.append(self)
        if wait:
            wait_for(self.is_ready_or_dead, "server ready")
            wait_for(lambda: self.process.poll() is not None or "ready at" in self.output()[self.log_begin:], "server says so")
            assert self.process.poll() is None, f"the server ended:\n{self.output()}"
        return self

    def output(self):
        return self.log_path.read_text(errors="replace")

    def is_ready_or_dead(self):
        if self.process.poll() is not None:
            return True
        try:
            return self.get("/health/ready").status == 200
        except OSError:
            return False

    def stop(self, deadline_s=DEADLINE_S):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(deadline_s)
        code = self.process.returncode
        self.process = None
        self.log.close()
        self.has_ended()
        return code

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.has_ended()

    def has_ended(self):
        Project.serving = [one for one in Project.serving if one is not self]

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body, headers=None, **options):
        return self.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})}, **options)

    def admin(self):
        """Headers of an administrator's token, made over the folder's own socket."""
        if self.token is None:
            self.token = re.search(r"weir_\w+", self.weir("token", "create", "--admin")).group(0)
        return {"Authorization": f"Bearer {self.token}"}

    def sql(self, statement):
        """Rows of a SELECT, asked over HTTP."""
        reply = self.post("/v1/sql", {"sql": statement, "rows_max": 1_000_000}, self.admin())
        assert reply.status == 200, reply
        assert not reply.json["truncated"], "the test asks for more rows than it gets"
        return reply.json["rows"]


def pytest_configure(config):
    client_table.writing = config.getoption("--write-clients")


def pytest_sessionfinish(session, exitstatus):
    if client_table.writing and exitstatus == 0:
        client_table.write()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    item.has_failed = getattr(item, "has_failed", False) or report.failed


@pytest.fixture(autouse=True)
def tidy(request, tmp_path):
    """What a test leaves stays for a look only if it failed: a whole run would leave some 18 GB in the temporary folder."""
    yield
    for project in [one for one in Project.serving if tmp_path in one.folder.parents]:
        project.kill()  # a server that outlived its test would take the others' time
    if not request.node.has_failed:
        shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "shop")
    made.folder.mkdir()
    yield made
    made.kill()


@pytest.fixture
def advertising(project):
    """The example project, served."""
    shutil.copytree(ROOT / "examples" / "advertising", project.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".weir", "delivered", "staging"))
    return project.start()


def impression(**changes):
    event = {"impression_id": str(uuid.uuid4()), "ad_id": str(uuid.uuid4()), "occurred_at": now_text()}
    event.update(changes)
    return {key: value for key, value in event.items() if value is not None}


def now_text(ago_s=0):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - ago_s)) + ".000"
