"""What whoever runs weir relies on: a clean end, health, metrics that parse, a log to search, doors that stay shut."""
import collections
import http.client
import json
import math
import re
import signal
import socket
import threading
import time

import pytest
from conftest import impression, wait_for

# --- the end --------------------------------------------------------------------------------------------------------


def test_sigterm_answers_what_is_under_way_and_loses_nothing(advertising):
    stopped = threading.Event()
    acknowledged, cut, statuses = [], [], collections.Counter()

    def send():
        connection = http.client.HTTPConnection("127.0.0.1", advertising.port, timeout=30)
        while not stopped.is_set():
            batch = [impression() for _ in range(20)]
            try:
                connection.request("POST", "/impressions", json.dumps({"impressions": batch}))
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException):
                cut.extend(batch)  # refused or ended between two requests: the client knows that it does not know
                return
            statuses[answer.status] += 1
            if answer.status == 200:
                acknowledged.extend(one["impression_id"] for one, verdict in zip(batch, json.loads(body)["records"]) if not verdict["failed"])

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    wait_for(lambda: len(acknowledged) > 500, "events flow")

    # A request whose body is still on its way when the signal comes is taken, judged and answered.
    late = impression()
    body = json.dumps({"impressions": [late]}).encode()
    slow = socket.create_connection(("127.0.0.1", advertising.port))
    slow.sendall(b"POST /impressions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:10])
    statement = {}

    def ask():
        statement["reply"] = advertising.post("/v1/sql", {"sql": "SELECT count(*) FROM range(60000) a, range(10000) b WHERE a.range < b.range"}, advertising.admin())
    advertising.admin()
    asking = threading.Thread(target=ask)
    asking.start()
    wait_for(lambda: advertising.get("/v1/statements", headers=advertising.admin()).json["statements"], "the statement runs")

    begin = time.monotonic()
    advertising.process.send_signal(signal.SIGTERM)
    wait_for(lambda: not accepts(advertising.port), "nobody new is let in")
    slow.sendall(body[10:])
    answer = slow.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200") and b'"failed_count":0' in answer, answer
    acknowledged.append(late["impression_id"])
    asking.join(30)
    assert statement["reply"].status == 200, statement["reply"]
    assert advertising.process.wait(30) == 0, advertising.output()
    assert time.monotonic() - begin < 25
    stopped.set()
    for sender in senders:
        sender.join(30)
        assert not sender.is_alive()
    assert set(statuses) == {200}, statuses

    advertising.stop()
    advertising.start()
    times = collections.Counter(row[0] for row in advertising.sql("SELECT CAST(impression_id AS VARCHAR) FROM impressions"))
    assert set(acknowledged) <= set(times) and max(times.values()) == 1
    assert set(times) - set(acknowledged) <= {one["impression_id"] for one in cut}
    assert "agree" in advertising.weir("lake", "verify")


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def test_the_end_does_not_wait_for_a_client_that_sends_nothing(advertising):
    with socket.create_connection(("127.0.0.1", advertising.port)) as silent, socket.create_connection(("127.0.0.1", advertising.port)) as halfway:
        halfway.sendall(b"GET /health/live HTT")
        tail = http.client.HTTPConnection("127.0.0.1", advertising.port, timeout=30)
        tail.request("GET", "/v1/streams/impressions/tail", headers=advertising.admin())
        assert tail.getresponse().status == 200
        begin = time.monotonic()
        assert advertising.stop() == 0, advertising.output()
        assert time.monotonic() - begin < 15
        assert silent.recv(1) == b""


def test_ready_means_that_events_are_taken_from_the_first_answer_on(advertising):
    advertising.stop()
    advertising.start(wait=False)
    wait_for(advertising.is_ready_or_dead, "ready")
    assert advertising.post("/impressions", {"impressions": [impression()]}).json["failed_count"] == 0
    ready = advertising.get("/health/ready").json
    assert ready["ready"] and {check["name"] for check in ready["checks"]} == {"journal", "lake"}
    assert advertising.get("/health/live").json == {"live": True}


# --- numbers --------------------------------------------------------------------------------------------------------

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')


def parse_prometheus(text):
    """Reads the text format 0.0.4 as strictly as its page says; returns {family: (kind, help, {sample name+labels: value})}."""
    assert text.endswith("\n"), "the last line ends too"
    families, seen, current = {}, set(), None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, words = line[len("# HELP "):].split(" ", 1)
            assert re.fullmatch(NAME, name) and name not in families, f"{name} comes twice"
            assert words.strip() and not re.search(r"\\[^\\n]", words), line
            families[name], current = [None, words, {}], name
        elif line.startswith("# TYPE "):
            name, kind = line[len("# TYPE "):].split(" ")
            assert name == current and families[name][0] is None, f"TYPE of {name} does not follow its HELP"
            assert kind in ("counter", "gauge", "histogram"), line
            families[name][0] = kind
        else:
            assert line and not line.startswith("#"), f"neither comment nor sample: {line!r}"
            sample = re.fullmatch(rf"({NAME})(?:\{{(.*)\}})? (\S+)", line)
            assert sample, line
            kind = families[current][0]
            suffixes = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert sample[1] in [current + suffix for suffix in suffixes], f"{sample[1]} stands below {current}"
            labels = parse_labels(sample[2] or "")
            key = (sample[1], tuple(sorted(labels.items())))
            assert key not in seen, f"{line} comes twice"
            seen.add(key)
            value = float(sample[3])
            assert kind == "gauge" or value >= 0, line
            families[current][2][key] = value
    for name, (kind, _, samples) in families.items():
        assert samples, f"{name} has no samples"
        assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
        if kind == "histogram":
            check_histogram(name, samples)
    return families


def parse_labels(text):
    labels, rest = {}, text
    while rest:
        label = LABEL.match(rest)
        assert label, f"labels do not read: {text}"
        assert label[1] not in labels
        labels[label[1]] = label[2]
        rest = rest[label.end():]
    return labels


def check_histogram(name, samples):
    """Buckets are cumulative, end in +Inf, and +Inf is the count."""
    series = collections.defaultdict(list)
    for (sample, labels), value in samples.items():
        if sample.endswith("_bucket"):
            rest = tuple(label for label in labels if label[0] != "le")
            series[rest].append((float(dict(labels)["le"].replace("+Inf", "inf")), value))
    for rest, buckets in series.items():
        assert buckets == sorted(buckets) and [count for _, count in buckets] == sorted(count for _, count in buckets), f"{name}{rest}"
        assert math.isinf(buckets[-1][0])
        assert samples[(name + "_count", rest)] == buckets[-1][1]
        assert (name + "_sum", rest) in samples
    assert len(series) == sum(sample.endswith("_count") for sample, _ in samples)


def test_metrics_are_what_prometheus_reads(advertising):
    advertising.post("/impressions", {"impressions": [impression(), impression(ad_id="x")]})
    advertising.post("/impressions", "{nonsense")
    advertising.sql("SELECT 1")
    advertising.weir("lake", "drain")
    reply = advertising.get("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = parse_prometheus(reply.body.decode())
    assert len(families) > 20 and all(name.startswith(("weir_", "process_")) for name in families)
    kind, _, records = families["weir_capture_records_total"]
    assert kind == "counter"
    assert records[("weir_capture_records_total", (("outcome", "accepted"), ("stream", "impressions")))] == 1
    # Counters never fall.
    later = parse_prometheus(advertising.get("/metrics").body.decode())
    for name, (kind, _, samples) in families.items():
        for key, value in samples.items():
            assert kind != "counter" or later[name][2][key] >= value


# --- words ----------------------------------------------------------------------------------------------------------


def test_the_log_has_a_line_per_event_and_no_secrets(advertising):
    advertising.stop()
    settings = advertising.folder / "weir.yaml"
    settings.write_text(settings.read_text() + "log: {level: debug, format: json}\n")
    advertising.start()
    [first] = set(re.findall(r"weir_[a-z0-9]{32}", advertising.output()[:advertising.log_begin]))
    begin = advertising.log_begin = len(advertising.output())
    advertising.admin()
    advertising.weir("secret", "set", "db_password", stdin="hunter2\n")
    session = advertising.post("/v1/session", {"token": first})
    cookie = session.headers["set-cookie"].split(";")[0]
    advertising.get("/v1/status", headers={"Cookie": cookie})
    advertising.get("/v1/status?token=" + first)
    for _ in range(12):
        advertising.post("/v1/session", {"token": "weir_" + "b" * 32})
    advertising.post("/v1/sql", {"sql": "SELECT nonsense FROM nowhere"}, advertising.admin())
    advertising.post("/impressions", '{"impressions": [{"a\nb": "c')
    assert advertising.stop() == 0
    log = advertising.output()[begin:]
    for secret in (first, advertising.token, cookie.split("=")[1], "hunter2", "b" * 32):
        assert secret not in log, "a secret is in the log"
    lines = [line for line in log.splitlines() if line.startswith("{")]
    assert any("http.request" in line for line in lines)
    for line in lines:
        entry = json.loads(line)
        assert entry["time"].endswith("Z") and entry["level"] in ("debug", "info", "warn", "error") and re.fullmatch(r"[a-z_.]+", entry["event"]), line


def test_status_in_words_and_as_json_agree_with_the_interface(advertising):
    advertising.post("/impressions", {"impressions": [impression() for _ in range(3)] + [impression(ad_id="x")]})
    advertising.weir("lake", "drain")
    served = advertising.get("/v1/status", headers=advertising.admin()).json
    told = json.loads(advertising.weir("status", "--json"))
    for key in ("version", "engine", "project", "environment", "started_at", "ready"):
        assert told[key] == served[key], key
    assert told["server"] is True
    assert told["journal"]["durable_end"] == served["journal"]["durable_end"] and told["lake"]["cursor"] == served["lake"]["cursor"]
    assert [stream["name"] for stream in told["streams"]] == [stream["name"] for stream in advertising.get("/v1/streams", headers=advertising.admin()).json["streams"]]
    words = advertising.weir("status")
    assert f"weir {served['version']} on {served['engine']}, project {served['project']}, environment default, ready" in words
    [line] = [line for line in words.splitlines() if line.startswith("impressions")]
    assert line.split()[1:5] == ["3", "0", "1", "0"]
    advertising.stop()
    assert json.loads(advertising.weir("status", "--json"))["server"] is False
    words = advertising.weir("status")
    assert "no server runs" in words and "are counted since" not in words
    [line] = [line for line in words.splitlines() if line.startswith("impressions")]
    assert line.split()[1:] == ["-", "-", "-", "-", "-", "3"], "no server has counted anything, the lake has its rows"


def test_counts_say_since_when_they_are_counted(advertising):
    advertising.post("/impressions", {"impressions": [impression()]})
    def told():
        streams = json.loads(advertising.weir("status", "--json"))["streams"]
        [since] = {stream["counted_since"] for stream in streams}
        assert f"are counted since the server started, {since[:19]}Z\n" in advertising.weir("status")
        assert advertising.get("/v1/streams/impressions", headers=advertising.admin()).json["counted_since"] == since
        return since, sum(stream["accepted"] for stream in streams)
    first, accepted = told()
    assert accepted == 1
    advertising.stop()
    advertising.start()
    second, accepted = told()
    assert second > first and accepted == 0


def test_doctor_reads_as_a_table_and_as_json(project):
    found = json.loads(project.weir("doctor", "--json"))["findings"]
    words = project.weir("doctor")
    assert found and all(finding["what"] in words for finding in found)
    assert all(finding["good"] or finding["mend"] for finding in found), "what is not good says what to do"


# --- doors ----------------------------------------------------------------------------------------------------------


def test_a_secret_is_never_shown_again(advertising):
    headers = advertising.admin()
    assert advertising.request("PUT", "/v1/secrets/db_password", {"value": "hunter2"}, headers).status in (200, 204)
    listed = advertising.get("/v1/secrets", headers=headers)
    assert "db_password" in listed.body.decode() and "hunter2" not in listed.body.decode()
    assert advertising.get("/v1/secrets/db_password", headers=headers).status in (404, 405)
    assert "hunter2" not in advertising.weir("secret", "list") + advertising.weir("secret", "list", "--json")
    reader = advertising.weir("token", "create", "--read").strip()
    for method, path, body in [("GET", "/v1/secrets", None), ("PUT", "/v1/secrets/a", {"value": "b"}), ("DELETE", "/v1/secrets/db_password", None)]:
        assert advertising.request(method, path, body, {"Authorization": f"Bearer {reader}"}).status == 403
    advertising.weir("secret", "rm", "db_password")
    assert "db_password" not in advertising.get("/v1/secrets", headers=headers).body.decode()


@pytest.mark.parametrize("path", ["/v1/session", "/v1/status", "/health/ready", "/metrics", "/", "/v1/streams"])
def test_other_names_and_other_pages_are_refused_at_every_door(advertising, path):
    assert advertising.get(path, headers={"Host": "evil.example", **advertising.admin()}).status == 403
    assert advertising.get(path, headers={"Host": f"localhost.evil.example:{advertising.port}", **advertising.admin()}).status == 403
    assert advertising.get(path, headers={"Origin": "https://evil.example", **advertising.admin()}).status == 403
    assert advertising.get(path, headers={"Origin": "null", **advertising.admin()}).status == 403
    assert advertising.get(path, headers={"Origin": f"http://127.0.0.1:{advertising.port}", **advertising.admin()}).status == 200


def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(advertising):
    token = advertising.admin()["Authorization"].split()[1]
    signed_in = advertising.post("/v1/session", {"token": token})
    flags = {part.strip().lower() for part in signed_in.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= flags and "secure" not in flags
    tls = advertising.post("/v1/session", {"token": token}, {"X-Forwarded-Proto": "https"})
    assert "secure" in {part.strip().lower() for part in tls.headers["set-cookie"].split(";")}
    cookie = {"Cookie": signed_in.headers["set-cookie"].split(";")[0]}
    assert token not in signed_in.headers["set-cookie"]
    assert advertising.get("/v1/session", headers=cookie).json["role"] == "admin"
    ours = {"Origin": f"http://127.0.0.1:{advertising.port}"}
    # A form of another site carries the cookie, and neither mark nor origin.
    assert advertising.post("/v1/sql", {"sql": "SELECT 1"}, cookie).status == 403
    assert advertising.post("/v1/sql", {"sql": "SELECT 1"}, {**cookie, "X-Weir": "1", "Origin": "https://evil.example"}).status == 403
    assert advertising.post("/v1/sql", {"sql": "SELECT 1"}, {**cookie, **ours, "X-Weir": "1"}).status == 200
    out = advertising.request("DELETE", "/v1/session", headers={**cookie, **ours, "X-Weir": "1"})
    assert out.status == 204 and "max-age=0" in out.headers["set-cookie"].lower()
    assert advertising.get("/v1/session", headers=cookie).json["signed_in"] is False
    assert advertising.get("/v1/status", headers=cookie).status == 401


def test_a_revoked_token_takes_its_sessions_along(advertising):
    made = advertising.post("/v1/tokens", {"role": "read", "label": "analyst"}, advertising.admin()).json
    reader = {"Authorization": f"Bearer {made['token']}"}
    cookie = {"Cookie": advertising.post("/v1/session", {"token": made["token"]}).headers["set-cookie"].split(";")[0]}
    assert advertising.get("/v1/status", headers=reader).status == advertising.get("/v1/status", headers=cookie).status == 200
    assert advertising.post("/v1/tokens", {"role": "read"}, reader).status == 403
    assert advertising.request("DELETE", f"/v1/tokens/{made['id']}", headers=advertising.admin()).status == 204
    assert advertising.get("/v1/status", headers=reader).status == advertising.get("/v1/status", headers=cookie).status == 401
    listed = advertising.get("/v1/tokens", headers=advertising.admin())
    assert made["token"] not in listed.body.decode()


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer weir_" + "a" * 32, "Bearer weir_short", "Basic YTpi", "weir_" + "a" * 32,
                                           "Bearer " + "x" * 5000])
def test_wrong_tokens_open_nothing(advertising, authorization):
    reply = advertising.get("/v1/status", headers={"Authorization": authorization})
    assert reply.status == 401 and reply.json["error"]["code"] == "unauthenticated", reply
    assert authorization[-20:] not in reply.body.decode() or len(authorization) < 20


def test_guessing_tokens_is_slowed_down(advertising):
    statuses = [advertising.post("/v1/session", {"token": "weir_" + f"{guess:032d}"}).status for guess in range(15)]
    assert statuses[0] == 401 and statuses[-1] == 429, statuses
    # Who has a token is not locked out by who has none.
    assert advertising.get("/v1/status", headers=advertising.admin()).status == 200


def test_through_a_proxy_operations_need_a_token(advertising):
    for path in ("/metrics", "/health/ready", "/health/live"):
        assert advertising.get(path).status == 200
        assert advertising.get(path, headers={"X-Forwarded-For": "192.0.2.7"}).status == 401
        assert advertising.get(path, headers={"X-Forwarded-For": "192.0.2.7", **advertising.admin()}).status == 200


def test_pages_come_with_a_strict_policy(advertising):
    page = advertising.get("/")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'" and policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'" and policy["form-action"] == "'self'"
    assert "unsafe" not in policy["script-src"] and "*" not in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    for reply in (advertising.get("/v1/session"), advertising.get("/nothing.js"), advertising.get("/health/live")):
        assert "default-src 'none'" in reply.headers["content-security-policy"] and reply.headers["x-content-type-options"] == "nosniff"
