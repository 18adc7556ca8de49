"""A newcomer in an empty folder: init, serve, send, ask."""
import gzip
import json
import os
import re
import signal
import subprocess
import time

from conftest import BINARY, ROOT, free_port, impression, wait_for


def test_init_and_serve_work_with_no_configuration(project):
    project.weir("init")
    project.start()
    reply = project.post("/v1/streams/events", {"type": "page_view", "user_id": "u1"})
    assert reply.status == 200, reply
    [record] = reply.json["records"]
    assert record["status"] == "accepted" and record["id"]
    assert project.sql("SELECT type, user_id FROM events") == [["page_view", "u1"]]
    out = project.output()
    assert f"http://127.0.0.1:{project.port}" in out and "curl" in out and re.search(r"weir_\w{32}", out)


def test_serve_works_in_an_empty_folder(project):
    project.start()
    assert project.get("/health/live").status == 200
    assert project.get("/v1/streams", headers=project.admin()).json == {"streams": []}


def test_init_keeps_what_is_there(project):
    project.write("weir.yaml", "name: mine\n")
    project.weir("init")
    assert (project.folder / "weir.yaml").read_text() == "name: mine\n"


def test_the_sign_in_token_is_shown_once(project):
    project.start()
    assert re.search(r"weir_\w{32}", project.output())
    project.stop()
    (project.folder / "server.log").write_text("")
    project.start()
    assert not re.search(r"weir_\w{32}", project.output())


def test_queries_need_a_token_on_loopback_too(advertising):
    assert advertising.post("/v1/sql", {"sql": "SELECT 1"}).status == 401
    assert advertising.post("/v1/sql", {"sql": "SELECT 1"}, {"Authorization": "Bearer weir_" + "a" * 32}).status == 401
    assert advertising.sql("SELECT 1") == [[1]]


def test_sql_from_the_command_line_with_and_without_a_server(advertising):
    advertising.post("/impressions", {"impressions": [impression(), impression()]})
    assert advertising.weir("sql", "SELECT count(*) AS n FROM impressions", "--format", "csv").splitlines() == ["n", "2"]
    advertising.stop()
    assert json.loads(advertising.weir("sql", "SELECT count(*) AS n FROM impressions", "--json")) == [{"n": 2}]
    assert "n" in advertising.weir("sql", stdin="SELECT count(*) AS n FROM impressions; SELECT 2 AS two;")


def test_sql_errors_say_where(advertising):
    advertising.weir("sql", "SELECT nothing_like_it FROM impressions", code=2)
    assert "1:8" in advertising.stderr
    assert "nothing_like_it" in advertising.stderr
    advertising.weir("sql", "SELECT * FROM read_csv('/etc/passwd')", code=1)
    advertising.weir("sql", "DELETE FROM impressions", code=1)
    assert "read-only" in advertising.stderr
    advertising.weir("sql", "PIVOT impressions ON ad_id USING count(*)", code=1)
    assert "FOR column IN ('a', 'b')" in advertising.stderr
    advertising.weir("sql", "COPY impressions TO 'x.csv'", code=1)
    assert "COPY … TO a file is not supported" in advertising.stderr
    assert advertising.sql("SELECT 1") == [[1]]


def test_sql_writes_parquet(advertising):
    advertising.post("/impressions", {"impressions": [impression()]})
    target = advertising.folder / "out.parquet"
    advertising.weir("sql", "--format", "parquet", "-o", str(target), "SELECT * FROM impressions")
    assert target.read_bytes()[:4] == b"PAR1" and target.read_bytes()[-4:] == b"PAR1"


def test_sql_writes_the_file_and_the_form_that_its_name_asks_for(advertising):
    target = advertising.folder / "rows.csv"
    assert advertising.weir("sql", "-o", str(target), "SELECT range AS n FROM range(20000)") == ""
    assert len(target.read_text().splitlines()) == 20_001  # the whole result, more than a table shows
    advertising.weir("sql", "-o", str(advertising.folder / "rows.json"), "SELECT range AS n FROM range(20000)")
    assert len(json.loads((advertising.folder / "rows.json").read_text())) == 20_000
    assert json.loads(advertising.weir("sql", "--json", "SELECT 1 AS n WHERE false")) == []
    advertising.weir("sql", "-o", "rows.xyz", "SELECT 1", code=2)
    assert "format" in advertising.stderr
    assert "cut" not in advertising.weir("sql", "SELECT range AS n FROM range(20000)") and "cut: more rows" in advertising.stderr


def test_a_table_that_is_not_there_is_answered_with_the_streams_there_are(advertising):
    advertising.weir("sql", "SELECT * FROM impresions", code=2)
    assert "did you mean 'impressions'" in advertising.stderr
    advertising.weir("stream", "tail", "impresions", code=1)
    assert "there is no stream 'impresions'" in advertising.stderr


def test_what_is_mistyped_is_told_and_leaves_no_trace(project):
    project.weir("statsu", code=2)
    assert "did you mean 'status'" in project.stderr
    project.weir("status", code=1)
    assert "weir init" in project.stderr and not (project.folder / ".weir").exists()
    project.weir("init")
    project.weir("--env", "prod", "status", code=1)
    assert "environments/prod.yaml" in project.stderr and not (project.folder / ".weir").exists()


def test_a_stream_does_not_take_the_name_of_a_loaded_table(project):
    project.weir("init")
    table = project.folder / "prices.csv"
    table.write_text("ad,price\na,1.5\n")
    project.weir("load", str(table), "--table", "weir_prices", code=1)
    project.weir("load", str(table), "--table", "Prices")
    project.write("streams/prices.yaml", "fields: {a: integer}\n")
    assert "REFUSED" in project.weir("plan", code=3)
    project.weir("apply", code=1)
    (project.folder / "streams/prices.yaml").unlink()
    project.weir("apply")


def test_the_first_curl_that_serve_prints_is_accepted(project):
    project.weir("init")
    project.start()
    command = re.search(r"send one: (curl .*)", project.output()).group(1)
    reply = json.loads(subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout)
    assert reply["accepted"] == 1, reply


def test_a_key_for_a_stream_that_nobody_declared_is_refused(advertising):
    advertising.weir("token", "create", "--write", "impresions", code=1)
    assert "did you mean 'impressions'" in advertising.stderr


def test_ctrl_c_cancels_a_statement_within_a_second(advertising):
    running = subprocess.Popen([BINARY, "sql", "--dir", str(advertising.folder),
                                "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range = 7"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: advertising.get("/v1/statements", headers=advertising.admin()).json["statements"], "statement running")
    running.send_signal(signal.SIGINT)
    running.wait(5)
    assert running.returncode == 1
    assert not advertising.get("/v1/statements", headers=advertising.admin()).json["statements"]


def test_plan_and_apply_follow_the_folder(project):
    project.weir("init")
    project.weir("plan", code=3)
    project.weir("apply")
    project.weir("plan", code=0)
    events = project.folder / "streams/events.yaml"
    events.write_text(events.read_text().replace("  user_id: string\n", "  user_id: string\n  country: string\n"))
    assert "country" in project.weir("plan", code=3)
    project.weir("apply")
    events.write_text(events.read_text().replace("  user_id: string\n", "  user_id: integer\n"))
    project.weir("apply", code=1)
    events.unlink()
    assert "detach" in project.weir("plan", code=3)


def test_declarations_are_refused_with_their_place(project):
    project.write("streams/x.yaml", "fields:\n  a: strin\nkeyy: a\n")
    project.weir("plan", code=1)
    assert "streams/x.yaml:2:" in project.stderr and "string" in project.stderr
    assert "streams/x.yaml:3:" in project.stderr and "key" in project.stderr


def test_apply_to_a_server_from_a_build_pipeline(project):
    project.start()
    project.write("streams/orders.yaml", "fields:\n  order_id: uuid\nkey: order_id\nwrite: public\n")
    token = project.admin()["Authorization"].split()[1]
    done = subprocess.run([BINARY, "apply", "--dir", str(project.folder), "--server", f"http://127.0.0.1:{project.port}"],
                          capture_output=True, text=True, env={**os.environ, "WEIR_TOKEN": token})
    assert done.returncode == 0, done.stderr
    assert project.post("/v1/streams/orders", {}).json["accepted"] == 1


def test_explain_tells_where_an_event_is(advertising):
    event = impression()
    advertising.post("/impressions", {"impressions": [event]})
    [place] = json.loads(advertising.weir("explain", event["impression_id"], "--json"))["places"]
    assert place["stream"] == "impressions" and place["verdict"] == "accepted" and place["segment"]
    advertising.weir("lake", "drain")
    [place] = json.loads(advertising.weir("explain", event["impression_id"], "--json"))["places"]
    assert place["archive_file"].startswith("raw/impressions/") and place["lake_file"].endswith(".parquet")
    advertising.weir("explain", "nobody", code=1)


def test_lake_verify_proves_the_files_and_finds_damage(advertising):
    advertising.post("/impressions", {"impressions": [impression() for _ in range(100)] })
    advertising.weir("lake", "drain")
    assert "agree" in advertising.weir("lake", "verify")
    [archive] = list((advertising.folder / ".weir/store/raw/impressions").rglob("*.json.gz"))
    damaged = bytearray(archive.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    archive.write_bytes(damaged)
    assert archive.name in advertising.weir("lake", "verify", code=3)


def test_infer_makes_a_declaration_that_works(project):
    lines = [{"order_id": f"00000000-0000-4000-8000-{i:012d}", "amount": i + 0.5, "at": "2026-01-01T00:00:00Z"} for i in range(50)]
    sample = project.write("orders.ndjson", "".join(json.dumps(line) + "\n" for line in lines))
    project.write("streams/orders.yaml", project.weir("stream", "infer", str(sample)))
    project.weir("plan", code=3)


def test_infer_reads_standard_input_too(project):
    lines = "".join(json.dumps({"order_id": i, "amount": i + 0.5}) + "\n" for i in range(50))
    declaration = project.weir("stream", "infer", "-", "--name", "orders", stdin=lines)
    assert "key: order_id" in declaration
    assert project.weir("stream", "infer", "--name", "orders", stdin=lines) == declaration
    project.write("streams/orders.yaml", declaration)
    project.weir("plan", code=3)
    project.weir("stream", "infer", stdin="", code=2)


def test_load_makes_a_table_of_a_file(advertising):
    file = advertising.write("prices.csv", "ad,price\na,1.5\nb,2.5\n")
    advertising.weir("load", str(file), "--table", "prices")
    assert advertising.sql("SELECT sum(price) FROM prices") == [[4.0]]
    broken = advertising.write("broken.parquet", "this is no parquet")
    advertising.weir("load", str(broken), "--table", "prices2", code=2)


def test_load_refuses_what_is_no_good_csv_and_creates_nothing(advertising):
    for name, content, place, words in [
            ("short.csv", b"a,b,c\n1,2,3\n4,5\n", "3:1", "line 3 has 2 columns, expected 3 as in line 1"),
            ("quote.csv", b'a,b\n1,"x\n2,y\n', "2:3", "closing quote"),
            ("empty.csv", b"", "1:1", "the file is empty"),
            ("binary.csv", bytes(range(256)) * 20, "1:1", "no CSV file"),
            ("json.csv", b'[{"a": 1}, {"a": 2}]', "1:1", "it is JSON")]:
        file = advertising.folder / name
        file.write_bytes(content)
        advertising.weir("load", str(file), "--table", "nothing", code=2)
        assert f"{file}:{place}: " in advertising.stderr and words in advertising.stderr, advertising.stderr
    assert advertising.sql("SELECT count(*) FROM information_schema.tables WHERE table_name = 'nothing'") == [[0]]
    advertising.weir("load", str(advertising.write("one.csv", "name\nann\nbob\n")), "--table", "one")
    assert advertising.sql("SELECT name FROM one ORDER BY name") == [["ann"], ["bob"]]
    gzipped = advertising.folder / "two.csv.gz"
    gzipped.write_bytes(gzip.compress(b"a;b\n1;2\n3;4\n"))
    advertising.weir("load", str(gzipped), "--table", "two")
    assert advertising.sql("SELECT sum(a), sum(b) FROM two") == [[4, 6]]


def test_loadgen_accounts_for_every_record(advertising):
    out = json.loads(advertising.weir("loadgen", "-c", str(ROOT / "examples/advertising/loadgen.yaml"), "--url",
                                      f"http://127.0.0.1:{advertising.port}/Prod", "--duration", "3s", "--rate", "2000", "--duplicates", "0.1",
                                      "--malformed", "0.01", "--check", "--json"))
    assert out["acknowledged"] > 1000 and out["errors"] == 0 and out["refused"] == 0
    assert out["malformed_refused"] == out["malformed_sent"] > 0 and out["duplicates_sent"] > 0
    assert out["impressions"] == {"asked": out["impressions"]["asked"], "once": out["impressions"]["asked"], "missing": 0, "doubled": 0}


def loadgen(project, url, *arguments, code, env=None, timeout=120):
    began = time.monotonic()
    out = project.weir("loadgen", "--url", url, *arguments, code=code, env=env, timeout=timeout)
    return out, time.monotonic() - began


def test_loadgen_ends_at_once_where_nobody_takes_its_events(advertising):
    here = f"http://127.0.0.1:{advertising.port}"
    _, seconds = loadgen(advertising, f"http://127.0.0.1:{free_port()}", "--duration", "60s", code=1)
    assert "nobody listens at http://127.0.0.1:" in advertising.stderr and "weir serve" in advertising.stderr and seconds < 10
    _, seconds = loadgen(advertising, "http://nosuch.invalid:8480", "--duration", "60s", code=1)
    assert "no address is known for nosuch.invalid" in advertising.stderr and "--url" in advertising.stderr and seconds < 30
    _, seconds = loadgen(advertising, here + "/nope", "--duration", "60s", code=1)
    assert "/nope takes no events: status 404" in advertising.stderr and "--url" in advertising.stderr and seconds < 10


def test_loadgen_says_which_token_is_missing(advertising):
    for name in ("impressions", "clicks"):
        path = advertising.folder / f"streams/{name}.yaml"
        path.write_text(path.read_text().replace("write: public", "write: key"))
    advertising.weir("apply")
    here = f"http://127.0.0.1:{advertising.port}/Prod"
    _, seconds = loadgen(advertising, here, "--duration", "60s", code=1)
    assert "does not let us write: status 401" in advertising.stderr and "weir token create --write" in advertising.stderr and seconds < 10
    token = re.search(r"weir_\w+", advertising.weir("token", "create", "--write", "impressions", "--write", "clicks")).group(0)
    loadgen(advertising, here, "--duration", "1s", "--token-file", str(advertising.write("token.txt", token + "\n")), code=0)


def test_loadgen_goes_on_when_the_server_goes_away_and_says_so(advertising):
    here = f"http://127.0.0.1:{advertising.port}/Prod"
    running = subprocess.Popen([BINARY, "loadgen", "--url", here, "--duration", "5s", "--rate", "200", "--json"], stdout=subprocess.PIPE, text=True)
    wait_for(lambda: advertising.sql("SELECT count(*) FROM impressions") > [[50]], "some events arrived")
    advertising.kill()
    out = json.loads(running.communicate(timeout=60)[0])
    assert running.returncode == 1 and out["acknowledged"] > 0 and out["errors"] > 0
    assert out["outages"] == 1 and out["unreachable_at_end"] and out["unreachable_s"] > 0 and out["seconds"] >= 5
    assert out["sent"] == out["acknowledged"] + out["duplicates"] + out["malformed_refused"] + out["refused"] + out["errors"]


def test_status_and_metrics_agree(advertising):
    advertising.post("/impressions", {"impressions": [impression(), impression(ad_id="x")]})
    [stream] = [s for s in json.loads(advertising.weir("status", "--json"))["streams"] if s["name"] == "impressions"]
    assert stream["accepted"] == 1 and stream["quarantined"] == 1
    metrics = advertising.get("/metrics").body.decode()
    assert re.search(r'weir_capture_records_total\{[^}]*outcome="accepted"[^}]*stream="impressions"[^}]*\} 1\b', metrics) or \
        re.search(r'weir_capture_records_total\{[^}]*stream="impressions"[^}]*outcome="accepted"[^}]*\} 1\b', metrics)


def test_sigterm_drains_and_ends_cleanly(advertising):
    advertising.post("/impressions", {"impressions": [impression()]})
    assert advertising.stop() == 0


def test_a_second_server_names_the_first(advertising):
    second = subprocess.run([BINARY, "serve", "--dir", str(advertising.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    assert second.returncode == 1 and str(advertising.process.pid) in second.stderr


def test_secrets_are_listed_by_name_only(project):
    project.write("weir.yaml", "name: mine\n")
    project.weir("secret", "set", "db_password", stdin="hunter2\n")
    assert "db_password" in project.weir("secret", "list") and "hunter2" not in project.weir("secret", "list", "--json")
    for path in (project.folder / ".weir").rglob("*"):
        if path.is_file():
            assert b"hunter2" not in path.read_bytes(), path
    project.weir("secret", "rm", "db_password")
    assert "db_password" not in project.weir("secret", "list")


def test_write_keys_open_one_stream(project):
    project.write("streams/a.yaml", "fields:\n  x: integer\n")
    project.write("streams/b.yaml", "fields:\n  x: integer\n")
    project.start()
    assert project.post("/v1/streams/a", {"x": 1}, {"Idempotency-Key": "1"}).status == 401
    key = {"Authorization": "Bearer " + project.weir("token", "create", "--write", "a").strip(), "Idempotency-Key": "1"}
    assert project.post("/v1/streams/a", {"x": 1}, key).json["accepted"] == 1
    assert project.post("/v1/streams/b", {"x": 1}, key).status == 403
    assert project.post("/v1/sql", {"sql": "SELECT 1"}, key).status == 403


def test_doctor_measures_this_disk(project):
    found = json.loads(project.weir("doctor", "--json"))
    assert any("syncs" in finding["what"] for finding in found["findings"])
