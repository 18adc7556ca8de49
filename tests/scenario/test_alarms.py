"""The history of the program's own metrics, alarms over metrics and SQL, and what becomes of their findings."""
import email
import email.policy
import http.server
import json
import re
import shlex
import ssl
import subprocess
import threading
import time

from conftest import ROOT, free_port, impression, wait_for
from test_operations import parse_prometheus


def metric_rows(project, where):
    return project.sql(f"SELECT value, total FROM weir_metrics WHERE {where} ORDER BY sampled_at")


ACCEPTED = "name = 'weir_capture_records_total' AND (labels->>'stream') = 'impressions' AND (labels->>'outcome') = 'accepted'"


def test_the_history_of_metrics_is_a_stream_that_agrees_with_the_exposition_and_survives_a_kill(advertising):
    project = advertising
    project.stop()
    project.start(env={"WEIR_METRICS_EVERY": "1s"})
    for count in (3, 4):
        assert project.post("/impressions", {"impressions": [impression() for _ in range(count)]}).json["failed_count"] == 0
        wait_for(lambda: sum(row[0] for row in metric_rows(project, ACCEPTED)) >= count, "a row of the history")
    wait_for(lambda: sum(row[0] for row in metric_rows(project, ACCEPTED)) == 7, "every event in the history")
    exposed = parse_prometheus(project.get("/metrics").body.decode())["weir_capture_records_total"][2]
    assert exposed[("weir_capture_records_total", (("outcome", "accepted"), ("stream", "impressions")))] == 7
    assert metric_rows(project, ACCEPTED)[-1][1] == 7
    quantiles = project.sql("SELECT p50, p95, p99 FROM weir_metrics WHERE name = 'weir_capture_submit_seconds' AND count > 0")
    assert quantiles and all(0 < p50 <= p95 <= p99 for p50, p95, p99 in quantiles)
    project.kill()  # whatever a row said once, it says still
    project.start()
    assert sum(row[0] for row in metric_rows(project, ACCEPTED)) == 7
    assert project.stop() == 0


def test_an_idle_server_does_not_write_about_its_own_writing(advertising):
    project = advertising
    project.stop()
    project.start(env={"WEIR_METRICS_EVERY": "1s"})
    end = time.monotonic() + 6
    wait_for(lambda: time.monotonic() > end, "six samples, most of them put off")
    samples = project.sql("SELECT count(DISTINCT sampled_at) FROM weir_metrics WHERE sampled_at > now() - INTERVAL 5 SECOND")[0][0]
    assert samples <= 3, samples


def test_nobody_posts_to_the_history_and_it_is_no_stream_of_the_project(advertising):
    project = advertising
    refused = project.post("/v1/streams/weir_metrics", {"name": "x"}, project.admin())
    assert refused.status == 403 and "nobody may send" in refused.json["error"]["message"]
    assert [stream["name"] for stream in project.get("/v1/streams", headers=project.admin()).json["streams"]] == ["clicks", "impressions"]
    tables = project.get("/v1/catalog", headers=project.admin()).json["tables"]
    kinds = {table["name"]: table["kind"] for table in tables}
    assert kinds["weir_metrics"] == "system" and "weir_metrics_quarantine" not in kinds
    assert "weir_metrics" not in project.weir("plan") and "weir_metrics" not in project.weir("plan", "--drop")
    project.weir("apply", "--drop")
    assert project.sql("SELECT count(*) FROM weir_metrics WHERE name = 'nobody'") == [[0]]
    (project.folder / "streams" / "weir_metrics.yaml").write_text("fields: {a: string}\n")
    project.weir("plan", code=1)
    assert "views of the system" in project.stderr




class Receiver:
    """A web server that keeps what it is sent, and answers as it is told."""

    def __init__(self, answer=lambda number: (200, {})):
        self.posts, self.headers, self.answer, self.held = [], [], answer, threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.posts.append(body)
                outer.headers.append(dict(self.headers))
                status, headers = outer.answer(len(outer.posts))
                if status is None:  # hangs until the test ends
                    outer.held.wait(60)
                    return
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()

    def events(self):
        return [(post["event"], post["finding"]["where"]) for post in self.posts]


RECORDS = """  many_orders:
    description: More than 5 orders a second
    metric: weir_capture_records_total
    labels: {stream: orders, outcome: accepted}
    statistic: sum
    above: 5
    period: 1s
    datapoints: 1 of 3
"""
ORDERS = "write: public\nfields:\n  customer: {type: string, required: true}\n  amount: number\n"


def shop(project, alerts, **secrets):
    project.write("streams/orders.yaml", ORDERS)
    for name, value in secrets.items():
        project.weir("secret", "set", name, stdin=value)
    project.write("alerts/oncall.yaml", alerts)
    return project.start()


def alarm(project, name):
    return project.get(f"/v1/alarms/{name}", headers=project.admin()).json


def findings(project, closed=False):
    return project.get("/v1/findings" + ("?closed=true" if closed else ""), headers=project.admin()).json["findings"]


def burst(project):
    assert project.post("/v1/streams/orders", [{"customer": "ada", "amount": i} for i in range(50)]).json["accepted"] == 50


def when(project, name, state):
    wait_for(lambda: alarm(project, name)["state"] == state, f"{name} is {state}")


def test_an_alarm_goes_off_by_real_events_tells_a_webhook_and_goes_back(project):
    with Receiver(lambda number: (503 if number == 1 else 200, {})) as receiver:
        shop(project, "channels:\n  hook: {kind: webhook, url: \"" + receiver.url + "?key=${secret:HOOK}\", headers: {X-Key: \"${secret:HOOK}\"}}\nalarms:\n" + RECORDS, HOOK="hush-hush")
        when(project, "many_orders", "ok")
        burst(project)
        when(project, "many_orders", "alarm")
        shown = alarm(project, "many_orders")
        assert "breach" in shown["reason"] and shown["finding"] == findings(project)[0]["id"]
        assert "many_orders ALARM" in project.weir("status") and "ALARM" in project.weir("alarms")
        assert "More than 5 orders" in project.weir("alarms", "acknowledge", "many_orders")
        assert findings(project)[0]["state"] == "acknowledged"
        when(project, "many_orders", "ok")
        wait_for(lambda: [event for event, _ in receiver.events()] == ["opened", "opened", "closed"], "told twice, the first time again after a 503")
        told = receiver.posts[1]
        assert told["finding"]["what"] == "More than 5 orders a second" and told["finding"]["severity"] == "warning" and told["finding"]["url"].endswith("/alarms/many_orders")
        assert receiver.headers[1]["X-Key"] == "hush-hush" and receiver.headers[0]["Idempotency-Key"] == receiver.headers[1]["Idempotency-Key"]
        assert findings(project) == [] and findings(project, closed=True)[0]["state"] == "closed"
        changes = [(change["from"], change["to"]) for change in reversed(alarm(project, "many_orders")["history"])]
        assert changes[:3] == [("no_data", "ok"), ("ok", "alarm"), ("alarm", "ok")] and "NO DATA" in project.weir("alarms", "history", "many_orders")
        everything = project.output() + project.weir("plan", "--settings") + json.dumps(project.get("/v1/alarms", headers=project.admin()).json)
        assert "hush-hush" not in everything
        assert b"hush-hush" not in (project.folder / ".weir" / "control.db").read_bytes() + (project.folder / ".weir" / "control.db-wal").read_bytes()


def test_an_alarm_on_sql_and_what_its_statement_may_be(project):
    shop(project, """alarms:
  big_order: {sql: SELECT max(amount) FROM orders, at_least: 10, period: 1s, severity: critical}
  two: {sql: "SELECT 1, 2", above: 0, period: 1s}
  text: {sql: SELECT 'x', above: 0, period: 1s}
""")
    wait_for(lambda: alarm(project, "big_order")["error"], "asked once")
    assert alarm(project, "big_order")["state"] == "no_data" and "NULL" in alarm(project, "big_order")["error"]
    wait_for(lambda: "2 columns" in (alarm(project, "two")["error"] or ""), "two columns are told")
    wait_for(lambda: "text" in (alarm(project, "text")["error"] or ""), "a text is told")
    project.post("/v1/streams/orders", {"customer": "ada", "amount": 9.5})
    when(project, "big_order", "ok")
    project.post("/v1/streams/orders", {"customer": "ada", "amount": 10})
    when(project, "big_order", "alarm")
    assert findings(project)[0]["severity"] == "critical"
    assert project.post(f"/v1/findings/{findings(project)[0]['id']}/acknowledge", {}).status == 401


def test_plan_tells_what_cannot_be_watched_with_its_place(project):
    project.write("streams/orders.yaml", ORDERS)
    project.write("alerts/oncall.yaml", """alarms:
  a: {metric: weir_capture_record_total, statistic: avg, above: 1}
  b: {sql: SELECT count(*) FORM orders, above: 1}
  c: {metric: weir_http_requests_total, statistic: p95, above: 1}
""")
    project.weir("plan", code=1)
    assert "alerts/oncall.yaml:2:15" in project.stderr and "did you mean 'weir_capture_records_total'" in project.stderr
    assert "it has no p95" in project.stderr
    project.write("alerts/oncall.yaml", "alarms:\n  b: {sql: SELECT count(*) FORM orders, above: 1}\n")
    project.weir("plan", code=1)
    assert re.search(r"alerts/oncall.yaml:2:\d\d: .*syntax error", project.stderr), project.stderr
    project.write("alerts/oncall.yaml", "alarms:\n  b: {sql: SELECT count(*) FROM ordres, above: 1}\n")
    assert "reads 'ordres'" in project.weir("plan", code=3)
    project.write("alerts/oncall.yaml", "channels:\n  m: {kind: mail, server: 'smtp://m', from: a@b, to: ['c@d\\nRCPT']}\nalarms:\n" + RECORDS.replace("stream: orders", "stream: x"))
    project.weir("plan", code=1)
    assert "no mail address" in project.stderr


def test_a_receiver_that_hangs_or_redirects_holds_up_nothing(project):
    with Receiver(lambda _: (None, {})) as hanging, Receiver() as good, Receiver(lambda _: (302, {"Location": good.url + "/elsewhere"})) as moved:
        channels = "".join(f"  {name}: {{kind: webhook, url: '{one.url}', time_limit: 30s}}\n" for name, one in (("slow", hanging), ("good", good), ("moved", moved)))
        shop(project, "channels:\n" + channels + "alarms:\n" + RECORDS)
        when(project, "many_orders", "ok")
        wait_for(lambda: burst(project) or (hanging.posts and good.posts), "both are told")  # a late tick has no datapoint
        wait_for(lambda: any(one["where"] == "channel moved" for one in findings(project)), "a channel that cannot deliver is a finding")
        assert "redirects are not followed" in next(one for one in findings(project) if one["where"] == "channel moved")["why"]
        when(project, "many_orders", "ok")
        wait_for(lambda: ("closed", "alarm many_orders") in good.events(), "the good one hears the end while the other hangs")
        states = {one["name"]: one for one in project.get("/v1/alarms", headers=project.admin()).json["channels"]}
        assert states["slow"]["waiting"] >= 1 and states["good"]["delivered"] >= 2 and states["moved"]["failed"] >= 1
        assert all("/elsewhere" not in json.dumps(post) for post in good.posts)
        begun = time.monotonic()
        assert project.stop() == 0 and time.monotonic() - begun < 20


def test_a_killed_server_goes_on_where_its_alarms_stood(project):
    alerts = "alarms:\n" + RECORDS.replace("1 of 3", "1 of 60").replace("above: 5", "above: 5\n    todo: look")
    shop(project, alerts)
    when(project, "many_orders", "ok")
    burst(project)
    when(project, "many_orders", "alarm")
    finding = wait_for(lambda: findings(project), "the finding, which comes a moment after the state")
    history = alarm(project, "many_orders")["history"]
    project.kill()
    project.start()
    after = alarm(project, "many_orders")
    assert after["state"] == "alarm" and after["history"] == history and after["finding"] == finding[0]["id"]
    assert [one["id"] for one in findings(project)] == [finding[0]["id"]]
    project.write("alerts/oncall.yaml", "alarms: {}\n")
    project.weir("apply")
    assert findings(project) == [] and project.get("/v1/alarms/many_orders", headers=project.admin()).status == 404


class Mailbox:
    """A real mail server on this machine; with a certificate it wants STARTTLS and a password."""

    def __init__(self, certificate=None, user=None):
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult
        self.mails = []
        outer = self

        class Keep:
            async def handle_DATA(self, server, session, envelope):
                outer.mails.append((envelope.mail_from, envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
                return "250 OK"

        options = {}
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            options = {"tls_context": context, "require_starttls": True, "auth_required": True,
                       "authenticator": lambda server, session, envelope, mechanism, data: AuthResult(success=(data.login, data.password) == user)}
        self.controller = Controller(Keep(), hostname="127.0.0.1", port=free_port(), **options)
        self.url = f"smtp://localhost:{self.controller.port}"

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()


def certificate(folder):
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", made], check=True, capture_output=True)
    return str(made), str(key)


def test_a_mail_arrives_over_tls_and_is_refused_without_it(project, tmp_path):
    made = certificate(tmp_path)
    with Mailbox(made, (b"weir", b"hush-hush")) as safe, Mailbox() as plain:
        shop(project, f"""channels:
  safe: {{kind: mail, server: "{safe.url}", from: weir@shop.example, to: [oncall@shop.example, boss@shop.example], user: weir, password: "${{secret:SMTP}}", ca_file: {made[0]}}}
  plain: {{kind: mail, server: "{plain.url}", from: weir@shop.example, to: [oncall@shop.example], tls: false}}
  stubborn: {{kind: mail, server: "{plain.url}", from: weir@shop.example, to: [nobody@shop.example]}}
alarms:
""" + RECORDS.replace("More than 5 orders a second", "Über 5 Bestellungen"), SMTP="hush-hush")
        when(project, "many_orders", "ok")
        burst(project)
        wait_for(lambda: safe.mails and plain.mails, "both mails")
        sender, receivers, mail = safe.mails[0]
        assert sender == "weir@shop.example" and receivers == ["oncall@shop.example", "boss@shop.example"]
        assert mail["Subject"] == "[shop] warning: Über 5 Bestellungen" and "alarm many_orders" in mail.get_body(("plain",)).get_content()
        wait_for(lambda: any(one["where"] == "channel stubborn" for one in findings(project)), "no TLS, no mail")
        assert all("nobody@shop.example" not in receivers for _, receivers, _ in plain.mails)
        assert "hush-hush" not in project.output()


def test_the_guide_of_alarms_runs(advertising):
    """The example's alarms are the seed's three a stream, and the guide's commands answer."""
    project = advertising
    listed = project.get("/v1/alarms", headers=project.admin()).json["alarms"]
    assert [(one["name"], one["limit"], one["breaching"], one["of"], one["period"]) for one in listed] == [
        (f"{stream}_{name}", limit, 3, 5, "1m") for stream in ("clicks", "impressions") for name, limit in (("bytes", 4194304), ("records", 4000), ("requests", 1600))]
    guide = (ROOT / "docs" / "guides" / "alarms.md").read_text()
    ran = 0
    for commands in re.findall(r"^```sh\n(.*?)^```$", guide, re.M | re.S):
        for line in commands.splitlines():
            arguments = shlex.split(line.split("  #")[0])
            if arguments[:2] in (["weir", "alarms"], ["weir", "status"], ["weir", "sql"]) or arguments == ["weir", "plan"]:
                project.weir(*arguments[1:])
                ran += 1
    assert ran >= 5
    declared = re.search(r"^```yaml\n(channels:.*?)^```$", guide, re.M | re.S)[1]
    for secret in set(re.findall(r"\$\{secret:(\w+)\}", declared)):
        project.weir("secret", "set", secret, stdin="x")
    project.write("alerts/guide.yaml", declared)
    assert "create   alert guide" in project.weir("plan", code=3)


def test_a_failed_run_is_a_finding_until_one_is_done(project):
    project.write("streams/orders.yaml", ORDERS)
    project.write("tables/totals.sql", "---\ntests:\n  - {name: no_ada, sql: \"SELECT * FROM totals WHERE customer = 'ada'\"}\n---\nSELECT customer, sum(amount) AS amount FROM orders GROUP BY customer\n")
    project.start()
    burst(project)
    project.weir("run", "totals", code=1)
    found = wait_for(lambda: findings(project), "the run is a finding")
    assert [(one["source"], one["what"]) for one in found] == [("run", "the run of totals failed")] and "no_ada" in found[0]["why"], found
    assert "the run of totals failed" in project.weir("alarms", "findings")
    project.write("tables/totals.sql", "SELECT customer, sum(amount) AS amount FROM orders GROUP BY customer\n")
    project.weir("apply")
    project.weir("run", "totals")
    wait_for(lambda: not findings(project), "it is closed by the next run")


def test_who_is_on_call_is_told_of_failed_runs(project):
    with Receiver() as receiver:
        hook = "channels:\n  hook: {kind: webhook, url: '" + receiver.url + "'}\n"
        project.write("tables/totals.sql", "---\ntests:\n  - {name: no_ada, sql: \"SELECT * FROM totals WHERE customer = 'ada'\"}\n---\nSELECT customer FROM orders GROUP BY customer\n")
        project.write("tables/others.sql", "---\ntests:\n  - {name: none, sql: SELECT * FROM others}\n---\nSELECT amount FROM orders\n")
        shop(project, hook + "runs: {of: [totals], notify: [hook], severity: critical}\n")
        project.write("alerts/oncall.yaml", hook + "runs: {of: [totals], notify: [hok], severity: dire}\n")
        project.weir("apply", code=1)
        assert "alerts/oncall.yaml:3:30: notify: there is no channel 'hok'" in project.stderr and "3:47: severity" in project.stderr
        project.write("alerts/oncall.yaml", hook + "runs: {of: [totals], notify: [hook], severity: critical}\n")
        burst(project)
        project.weir("run", "others", code=1)
        project.weir("run", "totals", code=1)
        wait_for(lambda: receiver.posts, "the hook is told")
        assert receiver.events() == [("opened", "table totals")] and receiver.posts[0]["finding"]["severity"] == "critical"
        assert "no_ada" in receiver.posts[0]["finding"]["why"] and len(findings(project)) == 2
        project.write("tables/totals.sql", "SELECT customer FROM orders GROUP BY customer\n")
        project.weir("apply")
        project.weir("run", "totals")
        wait_for(lambda: len(receiver.posts) == 2, "and that it is over")
        assert receiver.events()[1] == ("closed", "table totals")
