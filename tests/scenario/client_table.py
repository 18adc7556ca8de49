"""docs/clients.md: what each client that tests/scenario runs could do, written by the tests that ran it.

A test calls ran() when all of what it says was seen. `pytest --write-clients` writes the page anew (of a whole run); without it
test_zz_clients.py compares each row with the page.
"""
import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/clients.md"
ROWS = {}
HEAD = """# Clients

Written by `tests/scenario`, which runs each of them unmodified against the real program (`tests/scenario/run BINARY --write-clients`).

| client | version | what was run | what does not work |
| --- | --- | --- | --- |
"""


def ran(client, version, what, lacks="nothing that was tried"):
    ROWS[client] = f"| {client} | {version} | {what} | {lacks} |"


def write():
    PAGE.write_text(HEAD + "\n".join(row for _, row in sorted(ROWS.items(), key=lambda item: item[0].lower())) + "\n")


def stale():
    """Rows that the page has otherwise, or not at all."""
    page = PAGE.read_text() if PAGE.exists() else ""
    return [row for row in ROWS.values() if row not in page.splitlines()]


def version_in(clients, package):
    """The version that clients.txt names."""
    found = re.search(rf"^\w+ {re.escape(package)}(?:==|@v?|:)(\S+)$", (clients / "clients.txt").read_text(), re.M)
    assert found, package
    return found.group(1)


def jar(clients, name):
    """A driver in Java, fetched with Maven; there is no test without it."""
    found = list((clients / "java").glob(name + "-*.jar"))
    assert found, f"no {name} in {clients}/java: scripts/install --tests installs Maven and Java, tests/scenario/fetch-clients fetches it"
    return str(found[0])
