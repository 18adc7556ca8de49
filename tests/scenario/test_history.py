"""What statements, loads and sign-ins leave behind, over kill -9 and a restart."""
import subprocess

import pytest
from conftest import wait_for
from test_wire import PASSWORD, Served


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "name: shop\n")
    made.begin()
    yield made
    made.kill()


def kept(served):
    """The text of the history on disk."""
    folder = served.folder / ".weir/history"
    return "".join(one.read_text(errors="replace") for one in sorted(folder.glob("*.log")))


def killed_and_started(served):
    served.kill()
    served.log.close()
    served.begin()


def test_statements_loads_and_sign_ins_outlive_kill_9(served):
    served.tell(f"CREATE USER ann PASSWORD '{PASSWORD}'; GRANT CREATE, USAGE ON SCHEMA public TO ann")
    ann = served.uri("ann")
    served.psql("CREATE TABLE t (a int, b varchar(5))", connect=ann)
    for data, code in (("1\tone\n2\ttwo\n", 0), ("3\tfar too long\n", 1)):
        done = subprocess.run(["psql", "-X", ann, "-c", "copy t from stdin"], input=data, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done
    (served.folder / ".weir/store/s3/out").mkdir(parents=True)
    tagged = "SET query_group TO 'nightly'; UNLOAD ('SELECT * FROM t') TO 's3://out/t_' IAM_ROLE default CSV; SELECT a FROM t ORDER BY a"
    served.psql(tagged, connect=ann + " application_name=report")
    served.psql("SELECT nonsense", code=1, connect=ann)
    served.psql("SELECT 1", code=2, connect=served.uri("ann", password="wrong"))
    served.psql("COPY t FROM 's3://out/t_' IAM_ROLE default CSV", connect=ann)
    served.psql("SELECT 'of a person' AS the_last_one -- of a person", connect=ann)
    wait_for(lambda: "the_last_one" in kept(served), "it is on disk")
    # What is kept for long holds nothing of whom it is about.
    assert PASSWORD not in kept(served) and "PASSWORD '?'" in kept(served)
    assert "of a person" not in kept(served) and "far too long" not in kept(served)
    numbers = served.tell("SELECT max(query) FROM stl_query")
    killed_and_started(served)

    assert served.tell("SELECT trim(label), aborted FROM stl_query WHERE querytxt = 'SELECT a FROM t ORDER BY a'") == "nightly|0"
    assert served.tell("SELECT aborted FROM stl_query WHERE querytxt = 'SELECT nonsense'") == "1"
    assert served.tell("SELECT state, rows, client, application, bytes > 0, cpu_us >= 0, queued_us >= 0 FROM _weir_statements WHERE sql = 'SELECT a FROM t ORDER BY a'") == \
        "done|2|wire|report|t|t|t"
    assert served.tell("SELECT filename, line_number, trim(colname), raw_field_value, err_reason FROM stl_load_errors") == \
        "stdin|1|b||value too long for type character varying(5)"
    assert served.tell("SELECT e.query = q.query FROM stl_load_errors e JOIN stl_query q ON q.aborted = 1 AND q.querytxt = 'copy t from stdin'") == "t"
    unloaded = served.tell("SELECT path, line_count, transfer_size > 0, file_format FROM stl_unload_log ORDER BY path")
    assert unloaded.splitlines()[0].startswith("s3://out/t_") and "|csv" in unloaded
    assert served.tell("SELECT DISTINCT trim(name) FROM stl_load_commits WHERE filename LIKE 's3://out/t_%'") == "t"
    events = served.tell("SELECT DISTINCT trim(event), trim(username), authmethod FROM stl_connection_log WHERE username = 'ann' ORDER BY 1")
    assert events.splitlines() == ["authenticated|ann|scram", "authentication failure|ann|scram", "disconnecting session|ann|scram"]
    usage = served.tell("SELECT statements, failed, rows, bytes > 0, cpu_seconds >= 0 FROM sys_statement_usage WHERE user_name = 'ann' AND query_tag = 'nightly'")
    assert usage == "2|0|4|t|t", "the UNLOAD and the SELECT"
    # Numbers of statements go on behind those that are known.
    assert int(served.tell("SELECT max(query) FROM stl_query")) > int(numbers)
    # Others see their own only, and sign-ins not at all.
    ann = served.uri("ann")
    assert served.psql("SELECT count(*) FROM stl_connection_log", "-At", connect=ann).strip() == "0"
    assert "ann" in served.psql("SELECT DISTINCT user_name FROM stv_recents", "-At", connect=ann) and \
        "weir" not in served.psql("SELECT DISTINCT user_name FROM stv_recents", "-At", connect=ann)


def test_it_is_bounded_and_a_torn_end_is_passed_over(served):
    served.stop()
    served.write("weir.yaml", "name: shop\nhistory: {records: 100}\n")
    for round_number in range(12):  # more segments than are kept apart
        served.begin()
        served.tell(";".join(f"SELECT {i} AS r{round_number}_{i}" for i in range(20)))
        served.stop()
    assert "r11_19" in kept(served) and "r0_0" not in kept(served)
    folder = served.folder / ".weir/history"
    assert len(list(folder.glob("*.log"))) < 12
    last = sorted(folder.glob("*.log"))[-1]
    last.write_bytes(last.read_bytes() + b'0123456789abcdef {"kind": "statement", "at": 1')
    served.begin()
    assert served.tell("SELECT count(*) > 50, count(*) <= 101 FROM stl_query") == "t|t"
    assert served.tell("SELECT count(*) FROM stl_query WHERE querytxt = 'SELECT ? AS r11_19'") == "1"


def test_what_was_refused_is_in_the_log(served):
    served.psql("SELECT 1", code=2, connect=f"host=127.0.0.1 port={served.wire['port']} user=nobody password=x dbname=shop")
    served.post("/v1/session", {"user": "mallory", "password": "guess"})
    # A name that is nobody's may be a password in the wrong place. psql tries with TLS and without.
    assert served.tell("SELECT DISTINCT event, username, authmethod FROM stl_connection_log WHERE event = 'authentication failure' ORDER BY 3").splitlines() == \
        ["authentication failure|(unknown)|page", "authentication failure|(unknown)|scram"]
    served.tell(f"CREATE USER eve PASSWORD '{PASSWORD}'; CREATE TABLE secret (a int)")
    served.psql("SELECT * FROM secret", code=1, connect=served.uri("eve"))
    assert served.tell("SELECT user_name, state, error_code FROM _weir_statements WHERE sql = 'SELECT * FROM secret'") == "eve|failed|denied"
