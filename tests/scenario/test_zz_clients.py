"""The last of the tests: docs/clients.md says what those before it saw."""
import client_table


def test_the_page_of_clients_says_what_was_seen(request):
    if request.config.getoption("--write-clients"):
        client_table.write()
    assert client_table.stale() == [], "tests/scenario/run BINARY --write-clients writes docs/clients.md"
