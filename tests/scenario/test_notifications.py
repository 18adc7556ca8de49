"""Topics, channels and the outbox: every notice arrives, under an id that stays, however its receiver and the machine behave."""
import email
import email.policy
import http.client
import http.server
import json
import pathlib
import random
import re
import shutil
import socket
import sqlite3
import struct
import subprocess
import threading
import time
import urllib.parse

from conftest import ROOT, wait_for
from test_alarms import certificate

HERE = pathlib.Path(__file__).resolve().parent
FAST = "retry_wait: 10ms, retry_wait_max: 200ms"
ALARM = """alarms:
  big_order: {sql: SELECT max(amount) FROM orders, at_least: 10, period: 1s, severity: critical, notify: [%s]}
"""
ORDERS = "write: public\nfields:\n  customer: {type: string, required: true}\n  amount: number\n"


class Receiver:
    """A web server that keeps what it is sent, and then behaves as `behave(number)` says: a status, "hang", "drop" (no reply), "cut" (half a reply)."""

    def __init__(self, behave=lambda number: 200):
        self.posts, self.behave, self.lock, self.held, self.generation = [], behave, threading.Lock(), threading.Event(), 0
        self.port = 0
        self.up()

    def up(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    outer.posts.append({"id": self.headers["Weir-Delivery"], "body": body, "headers": dict(self.headers), "generation": outer.generation})
                    how = outer.posts[-1]["answer"] = outer.behave(len(outer.posts))
                if how == "hang":
                    outer.held.wait(60)
                if how in ("hang", "drop"):
                    self.close_connection = True
                    return
                if how == "cut":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                    self.wfile.flush()
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no end
                    self.close_connection = True
                    return
                self.wfile.write(f"HTTP/1.1 {how} Told\r\nContent-Length: 2\r\n\r\nok".encode())  # at once, or each would wait for an ACK

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # who asked was killed

            def log_message(self, *_):
                pass

        http.server.ThreadingHTTPServer.daemon_threads = True
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self):
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.held.set()
        self.down()

    def jsons(self):
        return [json.loads(post["body"]) for post in self.posts]


class MailServer:
    """smtp-server from npm, as tests/scenario/clients/mail.mjs runs it."""

    def __init__(self, **wanted):
        self.mails = []
        self.process = subprocess.Popen(["node", str(HERE / "clients" / "mail.mjs"), json.dumps(wanted)], stdout=subprocess.PIPE, text=True)
        self.url = f"smtp://localhost:{int(self.process.stdout.readline())}"
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            mail = json.loads(line)
            mail["mail"] = email.message_from_bytes(mail["raw"].encode("latin1"), policy=email.policy.default)
            self.mails.append(mail)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def text_of(mail):
    return mail["mail"].get_body(("plain",)).get_content()


def shop(project, alerts, settings="", **secrets):
    project.write("streams/orders.yaml", ORDERS)
    if settings:
        project.write("weir.yaml", settings)
    for name, value in secrets.items():
        project.weir("secret", "set", name, stdin=value)
    project.write("alerts/oncall.yaml", alerts)
    return project.start()


def order(project, amount):
    assert project.post("/v1/streams/orders", {"customer": "ada", "amount": amount}).json["accepted"] == 1


def outbox(project, **query):
    reply = project.get("/v1/outbox?" + urllib.parse.urlencode({"limit": 1000, **query}), headers=project.admin())
    assert reply.status == 200, reply
    return reply.json["deliveries"]


def send_test(project, channel):
    reply = project.post(f"/v1/channels/{channel}/test", {}, project.admin())
    assert reply.status == 200, reply
    return reply.json["deliveries"]


def recorded(project, folder):
    """The ids that are recorded as delivered, read behind the program's back."""
    for path in (project.folder / ".weir").glob("control.db*"):
        shutil.copy(path, folder / path.name)
    with sqlite3.connect(folder / "control.db") as database:
        return {row[0] for row in database.execute("SELECT id FROM outbox WHERE state = 'delivered'")}


class Senders:
    """Threads that ask for test messages until so many are acknowledged, whatever happens to the server."""

    def __init__(self, project, total):
        self.project, self.total, self.acknowledged, self.lock, self.headers = project, total, [], threading.Lock(), project.admin()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(8)]
        for thread in self.threads:
            thread.start()

    def run(self):
        connection = None
        while len(self.acknowledged) < self.total:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.project.port, timeout=10)
                connection.request("POST", "/v1/channels/hook/test", "{}", {"Content-Type": "application/json", **self.headers})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    with self.lock:
                        self.acknowledged += json.loads(body)["deliveries"]
                else:
                    time.sleep(0.05)  # stopping, starting
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.05)

    def is_done(self):
        return not any(thread.is_alive() for thread in self.threads)


def test_no_notice_is_lost_and_none_repeated_after_its_answer(project, tmp_path, request):
    total, kills = request.config.getoption("--notices"), request.config.getoption("--notice-kills")
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance, hangs = random.Random(seed), [5 + total // 500]

    def behave(_):
        draw = chance.random()
        if draw < 0.02 and hangs[0] > 0:
            hangs[0] -= 1
            return "hang"
        return "drop" if draw < 0.08 else "cut" if draw < 0.12 else 500 if draw < 0.18 else 200

    with Receiver(behave) as receiver:
        shop(project, f"channels:\n  hook: {{kind: webhook, url: '{receiver.url}', time_limit: 1s, {FAST}}}\n")
        senders = Senders(project, total)
        delivered = []  # by kill: what was recorded as delivered when the program was killed
        for number in range(kills):
            goal = total * (number + 1) // (kills + 1)
            wait_for(lambda: len(receiver.posts) >= goal, f"{goal} have come", 300)
            if number % 2:
                receiver.down()
                wait_for(lambda: outbox(project, state="waiting", limit=1), "something waits for the receiver")
            project.kill()
            (tmp_path / str(number)).mkdir()
            delivered.append(recorded(project, tmp_path / str(number)))
            receiver.generation += 1
            project.start()
            if number % 2:
                receiver.up()
        wait_for(senders.is_done, "all are acknowledged", 600)
        wait_for(lambda: not outbox(project, state="waiting", limit=1) and not outbox(project, state="sending", limit=1), "the outbox is empty", 600)
        got = [(post["id"], post["generation"]) for post in receiver.posts]
        missing = set(senders.acknowledged) - {one for one, _ in got}
        repeated = [(one, generation) for one, generation in got for before in delivered[:generation] if one in before]
        # Between two kills nothing comes after the 200 that it was answered with, whatever was recorded.
        answered = set()
        for post in receiver.posts:
            if (post["id"], post["generation"]) in answered:
                repeated.append((post["id"], post["generation"]))
            if post["answer"] == 200:
                answered.add((post["id"], post["generation"]))
        print(f"{len(senders.acknowledged)} acknowledged, {len(got)} posts, {kills} kills, {len(missing)} missing, {len(repeated)} repeated after their answer")
        assert not missing and not repeated
        assert len(got) > len(senders.acknowledged), "the receiver lied, so some came more than once"
        assert all(json.loads(post["body"])["id"] == post["id"] == post["headers"]["Idempotency-Key"] for post in receiver.posts)
        assert not outbox(project, state="given_up")


def test_within_one_run_nothing_follows_a_2xx_that_was_read(project):
    """A receiver that says 200 to each, in the order of asking: as many posts as notices, also when what it says is odd."""
    with Receiver(lambda number: 299 if number % 2 else 202) as receiver:
        shop(project, f"channels:\n  hook: {{kind: webhook, url: '{receiver.url}', {FAST}}}\n")
        ids = [send_test(project, "hook")[0] for _ in range(20)]
        wait_for(lambda: len(outbox(project, state="delivered")) == 20, "all are delivered")
        assert [post["id"] for post in receiver.posts] == ids
        assert project.post(f"/v1/outbox/{ids[0]}/retry", {}, project.admin()).status == 409
        project.kill()
        project.start()
        send_test(project, "hook")
        wait_for(lambda: len(receiver.posts) == 21, "only the new one")


def test_what_a_receiver_refuses_is_given_up_and_can_be_sent_again_under_its_id(project):
    answers = {"status": 403}
    with Receiver(lambda _: answers["status"]) as receiver:
        shop(project, f"channels:\n  hook: {{kind: webhook, url: '{receiver.url}', {FAST}}}\n")
        made = send_test(project, "hook")[0]
        wait_for(lambda: outbox(project, state="given_up"), "a refusal is final")
        findings = lambda: {one["key"]: one for one in project.get("/v1/findings", headers=project.admin()).json["findings"]}
        wait_for(lambda: "outbox/hook" in findings(), "which is a finding")
        assert "403" in findings()["outbox/hook"]["why"] and "1 notice of the channel hook" in findings()["outbox/hook"]["what"]
        assert "given_up" in project.weir("outbox", "list", "--state", "given_up") and "403" in project.weir("outbox", "show", made)
        project.kill()
        project.start()
        assert len(receiver.posts) == 1
        answers["status"] = 200
        project.weir("outbox", "retry", made)
        wait_for(lambda: outbox(project, state="delivered"), "delivered")
        assert [post["id"] for post in receiver.posts] == [made, made]
        wait_for(lambda: "outbox/hook" not in findings() and "channel/hook" not in findings(), "nothing is left to look at")
        exposed = project.get("/metrics").body.decode()
        assert 'weir_notify_notices_total{channel="hook",outcome="delivered"} 1' in exposed
        assert 'weir_outbox_waiting{channel="hook"} 0' in exposed and "weir_outbox_oldest_seconds 0" in exposed


def test_a_slow_receiver_holds_up_nobody_else(project):
    with Receiver(lambda _: "hang") as hanging, Receiver() as good:
        shop(project, f"channels:\n  slow: {{kind: webhook, url: '{hanging.url}', time_limit: 30s}}\n  good: {{kind: webhook, url: '{good.url}'}}\n"
             "topics:\n  both: {subscriptions: [{channel: slow}, {channel: good}]}\n")
        for _ in range(5):
            assert len(project.post("/v1/topics/both/test", {}, project.admin()).json["deliveries"]) == 2
        wait_for(lambda: len(good.posts) == 5, "the good one has all")
        assert len(hanging.posts) == 1 and len(outbox(project, state="waiting", channel="slow")) == 4
        begun = time.monotonic()
        assert project.stop() == 0 and time.monotonic() - begun < 20


def test_the_signature_is_verified_as_the_guide_says(project):
    guide = (ROOT / "docs" / "guides" / "notifications.md").read_text()
    names = {}
    exec(re.search(r"^```python\n(.*?)^```$", guide, re.M | re.S)[1], names)
    with Receiver() as receiver:
        shop(project, f"channels:\n  hook: {{kind: webhook, url: '{receiver.url}', sign: '${{secret:SIGN}}'}}\n", SIGN="hush-hush")
        send_test(project, "hook")
        wait_for(lambda: receiver.posts, "the hook is told")
        post = receiver.posts[0]
        assert names["is_from_weir"](b"hush-hush", post["headers"]["Weir-Signature"], post["body"])
        assert not names["is_from_weir"](b"hush-hush", post["headers"]["Weir-Signature"], post["body"] + b" ")
        assert not names["is_from_weir"](b"other", post["headers"]["Weir-Signature"], post["body"])
        assert not names["is_from_weir"](b"hush-hush", post["headers"]["Weir-Signature"], post["body"], now=time.time() + 3600)
        assert "hush-hush" not in project.output()


def test_topics_choose_by_severity_and_name_and_each_kind_of_channel_gets_its_form(project):
    with Receiver() as hook, Receiver() as slack, Receiver() as other:
        project.write("page.py", "import json, os, sys\nnotice = json.load(sys.stdin)\nopen('paged-' + os.environ['WEIR_DELIVERY'], 'w').write(notice['finding']['what'] + ' ' + ' '.join(sys.argv[1:]))\n")
        shop(project, f"""channels:
  hook: {{kind: webhook, url: '{hook.url}'}}
  chat: {{kind: slack, url: '{slack.url}'}}
  other: {{kind: webhook, url: '{other.url}'}}
  journal: {{kind: file, path: notices/all.jsonl}}
  pager: {{kind: command, command: [python3, page.py, "$(touch evil)"]}}
topics:
  oncall:
    subscriptions:
      - {{channel: hook, at_least: warning}}
      - {{channel: chat, severity: [critical], names: ["alarm/big_*"]}}
      - {{channel: other, severity: [info]}}
      - {{channel: other, names: ["run/*"]}}
      - {{channel: journal}}
      - {{channel: pager, names: [alarm]}}
""" + ALARM % "oncall, page", settings="notify:\n  commands: [python3]\n")
        order(project, 12)
        wait_for(lambda: hook.posts and slack.posts, "the hook and the chat are told")
        told = hook.jsons()[0]
        assert told["event"] == "opened" and told["topic"] == "oncall" and told["finding"]["severity"] == "critical"
        said = slack.jsons()[0]
        assert said["text"].startswith("[shop] critical: ") and said["attachments"][0]["color"] == "#c62828" and said["blocks"][0]["type"] == "section"
        journal = project.folder / "notices" / "all.jsonl"
        wait_for(lambda: journal.exists() and journal.read_text().endswith("\n"), "the file has a line")
        line = json.loads(journal.read_text().splitlines()[0])
        assert line["finding"] == told["finding"] and line["id"] != told["id"]
        paged = wait_for(lambda: list(project.folder.glob("paged-*")), "the command was run")[0]
        wait_for(lambda: paged.read_text() == told["finding"]["what"] + " $(touch evil)", "with its arguments as they are")
        assert not (project.folder / "evil").exists() and not other.posts
        # A line that a kill cut in the middle stays by itself.
        with open(journal, "a") as file:
            file.write('{"cut')
        send_test(project, "journal")
        wait_for(lambda: len(journal.read_text().splitlines()) == 3, "the next has a line of its own")
        assert json.loads(journal.read_text().splitlines()[2])["event"] == "test"


def test_programs_and_files_stay_where_they_are_allowed(project, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    project.folder.joinpath("notices").symlink_to(outside)
    shop(project, "channels:\n  journal: {kind: file, path: notices/all.jsonl, retry_for: 1s}\n  pager: {kind: command, command: [touch, evil]}\n")
    send_test(project, "journal")
    send_test(project, "pager")
    wait_for(lambda: len(outbox(project, state="given_up")) == 2, "neither is done")
    errors = {one["channel"]: one["error"] for one in outbox(project)}
    assert "leads out of the project's folder" in errors["journal"] and "may not run 'touch'" in errors["pager"]
    assert not list(outside.iterdir()) and not (project.folder / "evil").exists()
    for path in ("../x.jsonl", "/tmp/x.jsonl", ".weir/x.jsonl", "streams/orders.yaml", "a//b.jsonl"):
        project.write("alerts/oncall.yaml", f"channels:\n  journal: {{kind: file, path: '{path}'}}\n")
        project.weir("plan", code=1)
        assert "alerts/oncall.yaml:2:31" in project.stderr and "no file for lines of JSON" in project.stderr, project.stderr


def test_mail_by_starttls_and_auth_under_one_id_though_replies_are_lost(project, tmp_path):
    made = certificate(tmp_path)
    with MailServer(key=made[1], cert=made[0], user="weir", password="hush-hush", refuse=1, lose=2) as server:
        shop(project, f"""channels:
  mail: {{kind: mail, server: "{server.url}", from: weir@shop.example, to: [oncall@shop.example, boss@shop.example], user: weir, password: "${{secret:SMTP}}", ca_file: {made[0]}, {FAST}}}
alarms:
  big_order: {{description: "Über 10 <b>\\r\\nBcc: eve@evil.example", sql: SELECT max(amount) FROM orders, at_least: 10, period: 1s, notify: [mail]}}
""", SMTP="hush-hush")
        order(project, 12)
        wait_for(lambda: outbox(project, state="delivered"), "a definite 250")
        delivery = outbox(project)[0]
        assert delivery["attempts"] == 4 and [mail["replied"] for mail in server.mails] == [False, False, True]
        assert {mail["mail"]["Message-ID"] for mail in server.mails} == {f"<{delivery['id']}@shop.example>"}
        mail = server.mails[-1]
        assert mail["tls"] and mail["user"] == "weir" and mail["to"] == ["oncall@shop.example", "boss@shop.example"]
        assert mail["mail"]["Bcc"] is None and mail["mail"]["Subject"].startswith("[shop] warning: Über 10 <b>")
        assert mail["mail"].get_content_type() == "multipart/alternative"
        html = mail["mail"].get_body(("html",)).get_content()
        assert "Über 10 &lt;b&gt;" in html and "alarm big_order" in text_of(mail) and "/alarms/big_order" in html
        assert "hush-hush" not in project.output()
        project.kill()
        project.start()
        send_test(project, "mail")
        wait_for(lambda: len(server.mails) == 4, "only the new one")


def test_who_subscribes_by_mail_confirms_it_first_and_can_end_it(project):
    with MailServer() as server:
        alerts = f"""channels:
  mail: {{kind: mail, server: "{server.url}", from: weir@shop.example, tls: false, {FAST}}}
topics:
  team: {{description: What the team should know}}
"""
        shop(project, alerts)
        assert "a mail asks" in project.weir("topic", "subscribe", "team", "mail", "ada@home.example", "--severity", "info,critical")
        wait_for(lambda: server.mails, "one mail asks")
        asked = server.mails[0]
        assert asked["to"] == ["ada@home.example"] and asked["mail"]["List-Unsubscribe"] is None
        link = urllib.parse.urlsplit(re.search(r"Confirm: (\S+)", text_of(asked))[1])
        path = link.path + "?" + link.query
        stored = b"".join(one.read_bytes() for one in (project.folder / ".weir").glob("control.db*"))
        assert link.query.split("=")[1].split(".")[1].encode() not in stored, "links are kept nowhere"
        project.weir("topic", "subscribe", "team", "mail", "ada@home.example")  # asked already
        assert project.post("/v1/topics/team/test", {}, project.admin()).json["deliveries"] == [], "nothing before it is confirmed"
        assert project.get(path).status == 200 and b"<form" in project.get(path).body, "a scanner opens it"
        assert "unconfirmed" in project.weir("topic", "show", "team")
        for wrong in (path[:-1] + ("A" if path[-1] != "A" else "B"), path.replace("confirm?", "unsubscribe?"), "/subscriptions/confirm", "/subscriptions/confirm?link=x.y"):
            assert project.request("POST", wrong).status == 404, wrong
        assert project.request("POST", path).status == 200 and project.request("POST", path).status == 200
        assert "confirmed" in project.weir("topic", "show", "team")
        assert len(project.post("/v1/topics/team/test", {}, project.admin()).json["deliveries"]) == 1
        wait_for(lambda: len(server.mails) == 2, "it is told")
        mail = server.mails[1]["mail"]
        leave = urllib.parse.urlsplit(mail["List-Unsubscribe"].strip("<>"))
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and leave.geturl() in text_of(server.mails[1])
        project.kill()
        project.start()  # links are good over a restart
        away = leave.path + "?" + leave.query
        assert project.get(away).status == 200 and len(project.get("/v1/topics/team", headers=project.admin()).json["subscribers"]) == 1
        assert project.request("POST", away, "List-Unsubscribe=One-Click", {"Content-Type": "application/x-www-form-urlencoded"}).status == 200
        assert project.get("/v1/topics/team", headers=project.admin()).json["subscribers"] == []
        assert project.request("POST", path).status == 404, "a link is good once"
        assert project.post("/v1/topics/team/subscriptions", {"mail": "ada@home.example"}).status == 401
        assert project.post("/v1/topics/team/subscriptions", {"mail": "ada@home\r\nRCPT TO:<eve@evil.example>"}, project.admin()).status == 400


def test_nobody_can_subscribe_by_mail_where_there_is_no_mail_channel(project):
    shop(project, "topics:\n  team: {}\n")
    project.weir("topic", "subscribe", "team", "mail", "ada@home.example", code=1)
    assert "it has no mail channel" in project.stderr and "kind: mail" in project.stderr
    project.weir("topic", "subscribe", "tem", "mail", "ada@home.example", code=1)
    assert "did you mean 'team'" in project.stderr


def test_a_digest_and_quiet_hours_hold_back_and_lose_nothing(project):
    now = time.gmtime()
    begin, end = f"{(now.tm_hour + 23) % 24:02}:00", f"{(now.tm_hour + 2) % 24:02}:00"
    with Receiver() as digest, Receiver() as quiet, Receiver() as awake:
        shop(project, f"""channels:
  digest: {{kind: webhook, url: '{digest.url}'}}
  quiet: {{kind: webhook, url: '{quiet.url}'}}
  awake: {{kind: webhook, url: '{awake.url}'}}
topics:
  team:
    subscriptions:
      - {{channel: digest, digest: 3s}}
      - {{channel: quiet, quiet_hours: {{from: "{begin}", to: "{end}", except: critical}}}}
      - {{channel: awake, quiet_hours: {{from: "{end}", to: "{begin}"}}}}
""")
        for _ in range(7):
            project.post("/v1/topics/team/test", {}, project.admin())
        wait_for(lambda: len(awake.posts) == 7, "whose hours are not quiet is told at once")
        told = lambda: sum(len(one.get("items", [one])) for one in digest.jsons())
        wait_for(lambda: told() == 7, "the digest has all of them")
        assert len(digest.posts) <= 4, "together"
        waiting = outbox(project, channel="quiet")
        assert len(waiting) == 7 and {one["state"] for one in waiting} == {"waiting"} and all(one["due_at"][11:16] == end for one in waiting)
        project.kill()
        project.start()
        assert len(outbox(project, channel="quiet", state="waiting")) == 7 and not quiet.posts
        for one in waiting[:3]:
            project.weir("outbox", "retry", one["id"])
        wait_for(lambda: len(quiet.posts) == 3, "who wants one now gets it")


def test_what_a_command_reports_without_a_server_waits_for_one(project):
    with Receiver() as receiver:
        project.write("streams/orders.yaml", ORDERS)
        project.write("alerts/oncall.yaml", f"channels:\n  hook: {{kind: webhook, url: '{receiver.url}'}}\n")
        project.weir("apply")
        assert "in the outbox" in project.weir("notify", "test", "hook")
        assert not receiver.posts
        project.start()
        wait_for(lambda: receiver.posts, "the server delivers it")


def test_the_guide_is_true(project):
    guide = (ROOT / "docs" / "guides" / "notifications.md").read_text()
    declared = re.search(r"^```yaml\n(channels:.*?)^```$", guide, re.M | re.S)[1]
    project.write("streams/orders.yaml", ORDERS)
    for secret in set(re.findall(r"\$\{secret:(\w+)\}", declared)):
        project.weir("secret", "set", secret, stdin="x")
    project.write("alerts/guide.yaml", declared)
    assert "create   alert guide" in project.weir("plan", code=3)
    project.start()
    ran = 0
    for commands in re.findall(r"^```sh\n(.*?)^```$", guide, re.M | re.S):
        for line in commands.splitlines():
            words = line.split("  #")[0].split()
            if words[:1] == ["weir"] and words[1] in ("topic", "outbox", "notify") and not {"ID"} & set(words):
                project.weir(*words[1:])
                ran += 1
    assert ran >= 5
