"""SESSION TIMEOUT ends an idle session, at the smallest limit that Redshift allows: a minute. By command, as it waits that long:

    tests/scenario/run build/debug/bin/weir -o python_files='long_*.py'

The rule itself, on a clock that is given: src/surface/pgwire/idle_test.cpp.
"""
import select

import pytest
from test_rights import connect, project, start  # noqa: F401 (a fixture)

import psycopg


def test_a_session_ends_after_its_users_timeout(project):  # noqa: F811
    start(project, "ada", "bob", "root")
    with connect(project, "root") as root:
        root.execute("ALTER USER ada SESSION TIMEOUT 60")
        with connect(project, "bob") as bob, connect(project, "ada") as ada:
            assert ada.execute("SELECT 1").fetchone() == (1,)
            # The server says goodbye and closes: the socket becomes readable. The limit is far above the minute.
            readable, _, _ = select.select([ada.fileno()], [], [], 120)
            assert readable
            with pytest.raises(psycopg.OperationalError, match="SESSION TIMEOUT"):
                ada.execute("SELECT 1")
            assert bob.execute("SELECT 1").fetchone() == (1,), "who has no limit goes on"
        with connect(project, "ada") as again:
            assert again.execute("SELECT 1").fetchone() == (1,)
        root.execute("ALTER USER ada RESET SESSION TIMEOUT")
        assert root.execute("SELECT session_timeout FROM svv_user_info WHERE user_name = 'ada'").fetchone() == (0,)
