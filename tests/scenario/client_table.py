"""docs/clients.md: what each client that tests/scenario runs could do, written by the tests that ran it.

A test calls ran() when all of what it says was seen: its row has to be on the page. With `--write-clients` a whole run writes the
page anew when it ends.
"""
import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/clients.md"
ROWS = {}
writing = False  # by --write-clients
HEAD = """# Clients

Written by `tests/scenario`, which runs each of them unmodified against the real program (`tests/scenario/run BINARY --write-clients`).

| client | version | what was run | what does not work |
| --- | --- | --- | --- |
"""


def ran(client, version, what, lacks="nothing that was tried"):
    row = f"| {client} | {version} | {what} | {lacks} |"
    ROWS[client] = row
    if not writing:
        assert row in PAGE.read_text().splitlines(), f"docs/clients.md has another row; tests/scenario/run BINARY --write-clients writes {row}"


def write():
    PAGE.write_text(HEAD + "\n".join(row for _, row in sorted(ROWS.items(), key=lambda item: item[0].lower())) + "\n")


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
