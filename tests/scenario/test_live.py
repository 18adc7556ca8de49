"""Live windows through the real program: counted, corrected by late events, watched with resume, killed under load."""
import http.client
import json
import random
import threading
import time
import uuid

from conftest import impression, wait_for

ORDERS = "fields:\n  shop: string\n  amount: integer\n  at: {type: timestamp, required: true}\ntime: at\nwrite: public\n"


def text(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + ".000"


def live(project, name="traffic", query=""):
    reply = project.get(f"/v1/live/{name}{query}", headers=project.admin())
    assert reply.status == 200, reply
    return reply.json


def by_minute(project):
    """What the windows say: start → [impressions, clicks]."""
    return {row["start"][:16]: [row["values"]["impressions"], row["values"]["clicks"]] for row in live(project, query="?limit=100000")["windows"]}


def by_minute_in_sql(project):
    rows = project.sql("SELECT strftime(date_trunc('minute', t), '%Y-%m-%dT%H:%M'), sum(i)::BIGINT, sum(c)::BIGINT FROM "
                       "(SELECT occurred_at AS t, 1 AS i, 0 AS c FROM impressions UNION ALL SELECT occurred_at, 0, 1 FROM clicks) GROUP BY 1")
    return {row[0]: row[1:] for row in rows}


def misfits(state):
    return {(one["stream"], one["reason"]): one["count"] for one in state["misfits"]}


class Watcher:
    """Server-sent events of live windows, one message at a time."""

    def __init__(self, project, path, last_id=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", project.port, timeout=20)
        headers = {**project.admin(), "Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        self.connection.request("GET", path, headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()

    def next(self):
        message = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line == "" and "data" in message:
                return message["event"], message.get("id"), json.loads(message["data"])
            if ":" in line and not line.startswith(":"):
                key, value = line.split(": ", 1)
                message[key] = value

    def until(self, condition):
        """Messages up to the first whose rows make it true."""
        for _ in range(200):
            event, id, data = self.next()
            if condition(data):
                return id, data
        raise AssertionError("200 messages without it")

    def close(self):
        self.answer.close()
        self.connection.close()


def test_the_example_counts_by_minute_and_a_late_event_corrects_yesterday(advertising):
    project, now = advertising, time.time()
    minute = now // 60 * 60 - 120
    events = [impression(occurred_at=text(minute)) for _ in range(10)]
    project.post("/impressions", {"impressions": events + [impression(ad_id="x")]})
    project.post("/clicks", {"clicks": [dict(event, click_id=str(uuid.uuid4())) for event in events[:3]]})
    project.post("/clicks", {"clicks": [dict(events[0], occurred_at=text(minute + 60))]})
    state = live(project)
    rows = {row["start"][:16]: row for row in state["windows"]}
    first = rows[time.strftime("%Y-%m-%dT%H:%M", time.gmtime(minute))]
    assert first["values"] == {"impressions": 10, "clicks": 3, "clickthrough_rate": 0.3}
    alone = rows[time.strftime("%Y-%m-%dT%H:%M", time.gmtime(minute + 60))]
    assert alone["values"] == {"impressions": 0, "clicks": 1, "clickthrough_rate": None}
    assert misfits(state) == {("impressions", "wrong_type"): 1}
    late, yesterday = state["late"], minute - 86400
    project.post("/impressions", {"impressions": [impression(occurred_at=text(yesterday))]})
    project.post("/impressions", {"impressions": [impression(occurred_at=text(now - 5 * 86400))]})
    state = live(project)
    corrected = state["windows"][0]
    assert corrected["start"].startswith(time.strftime("%Y-%m-%dT%H:%M", time.gmtime(yesterday)))
    assert corrected["values"]["impressions"] == 1 and corrected["late"] == 1 and corrected["corrected_at"] > corrected["start"]
    assert state["late"] == late + 1 and state["too_late"] == 1
    # The command, the table of SQL and the status say the same.
    assert json.loads(project.weir("live", "traffic", "--json"))["windows"] == state["windows"]
    assert project.sql("SELECT sum(impressions)::BIGINT, sum(late)::BIGINT FROM live_traffic") == [[11, state["late"]]]
    assert project.sql("SELECT count FROM weir_live_misfits WHERE reason = 'too_late'") == [[1]]
    told = json.loads(project.weir("status", "--json"))["live"][0]
    assert told["name"] == "traffic" and told["lag_records"] == 0 and told["too_late"] == 1
    assert "traffic" in project.weir("live") and "clickthrough_rate" in project.weir("live", "traffic")
    assert 'metric="Impressions",namespace="Warehouse/Advertising"' in project.get("/metrics").body.decode()


def test_a_watcher_resumes_where_it_stopped_over_a_restart(advertising):
    project = advertising
    start = text(time.time() // 60 * 60)
    project.post("/impressions", {"impressions": [impression(occurred_at=start)]})
    watcher = Watcher(project, "/v1/live/traffic/events")
    event, first_id, data = watcher.next()
    assert event == "windows" and data["snapshot"]
    id, data = (first_id, data) if data["windows"] else watcher.until(lambda data: data["windows"])
    assert data["windows"][0]["values"]["impressions"] == 1
    project.post("/impressions", {"impressions": [impression(occurred_at=start)]})
    id, data = watcher.until(lambda data: data["windows"] and data["windows"][-1]["values"]["impressions"] == 2)
    assert not data["snapshot"]
    watcher.close()
    # What changes while nobody watches, and over a kill, comes with the resume; what did not change does not.
    hour_ago = text(time.time() - 3600)
    project.post("/clicks", {"clicks": [impression(occurred_at=hour_ago, click_id=str(uuid.uuid4()))]})
    project.kill()
    project.start()
    watcher = Watcher(project, "/v1/live/traffic/events", last_id=id)
    _, data = watcher.until(lambda data: data["windows"])
    assert not data["snapshot"] and len(data["windows"]) == 1, data
    assert data["windows"][0]["values"] == {"impressions": 0, "clicks": 1, "clickthrough_rate": None}
    watcher.close()
    watcher = Watcher(project, "/v1/live/traffic/events", last_id="17-4")  # of another counting
    _, _, data = watcher.next()
    assert data["snapshot"] and len(data["windows"]) == 2
    watcher.close()


def test_killed_under_load_the_counts_equal_sql_by_minute(advertising):
    project, chance = advertising, random.Random(20261121)
    stopped = threading.Event()

    def load(seed):
        mine = random.Random(seed)
        while not stopped.is_set():
            ago = mine.choice([0, 0, 0, 60, 600, 40000])
            events = [impression(occurred_at=text(time.time() - ago - mine.random() * 30)) for _ in range(50)]
            if mine.random() < 0.2:
                events[0]["ad_id"] = "nobody"
            path = mine.choice(["impressions", "clicks"])
            try:
                project.post(f"/{path}", {path: events}, timeout=5)
            except Exception:
                time.sleep(0.02)

    threads = [threading.Thread(target=load, args=(seed,), daemon=True) for seed in range(2)]
    for thread in threads:
        thread.start()
    for kill in range(5):
        time.sleep(chance.uniform(0.3, 1.2))
        project.kill()
        if kill == 3:  # half a checkpoint's file: the other one is used
            newest = max((project.folder / ".weir/live").glob("checkpoint.?"), key=lambda path: path.stat().st_mtime, default=None)
            if newest:
                newest.write_bytes(newest.read_bytes()[:-3])
        project.start()
    time.sleep(0.5)
    stopped.set()
    for thread in threads:
        thread.join(10)
    state = live(project)
    assert state["lag_records"] == 0 and state["state"] == "live"
    windows = by_minute(project)
    assert sum(sum(row) for row in windows.values()) > 500
    assert windows == by_minute_in_sql(project)
    quarantined = project.sql("SELECT (SELECT count(*) FROM impressions_quarantine) + (SELECT count(*) FROM clicks_quarantine)")[0][0]
    assert sum(one["count"] for one in state["misfits"]) == quarantined > 0


def test_a_changed_declaration_is_counted_again_from_the_lake_and_mistakes_are_told(advertising):
    project = advertising
    project.write("streams/orders.yaml", ORDERS)
    project.weir("apply")
    now, chance = time.time(), random.Random(5)
    expected = {}
    orders = []
    for _ in range(300):
        at, shop = now - chance.random() * 7000, chance.choice(["a", "b", "c", None])
        order = {"at": text(at), "amount": chance.randrange(100)}
        orders.append({**order, "shop": shop} if shop else order)
        hour = time.strftime("%Y-%m-%dT%H:00", time.gmtime(at))
        count, paid = expected.get((hour, shop), (0, 0))
        expected[hour, shop] = (count + 1, paid + order["amount"])
    assert project.post("/v1/streams/orders", orders[:200]).json["accepted"] == 200
    project.weir("lake", "drain")
    project.post("/v1/streams/orders", orders[200:])
    project.post("/v1/streams/orders", [{"at": text(now)}, {"at": "never"}])
    declared = "size: 1h\nkeep: 1d\nkeys: [shop]\nmeasures:\n  orders: {count: orders}\n  paid: {sum: orders.amount}\n  most: {max: orders.amount}\n"
    project.write("live/shops.yaml", declared)
    project.weir("apply")
    wait_for(lambda: live(project, "shops")["state"] == "live", "the lake is counted")

    def shown():
        rows = live(project, "shops")["windows"]
        return {(row["start"][:16], row["key"]["shop"]): (row["values"]["orders"], row["values"]["paid"]) for row in rows}
    this_hour = time.strftime("%Y-%m-%dT%H:00", time.gmtime(now))
    count, paid = expected.get((this_hour, None), (0, 0))
    expected[this_hour, None] = (count + 1, paid if count else None)
    assert shown() == expected
    assert misfits(live(project, "shops")) == {("orders", "missing_field"): 1, ("orders", "wrong_type"): 1}
    project.write("live/shops.yaml", declared.replace("size: 1h", "size: 1d"))
    assert "counted again" in project.weir("plan", code=3)
    project.weir("apply")
    wait_for(lambda: live(project, "shops")["state"] == "live" and live(project, "shops")["size"] == "1d", "counted again")
    assert sum(row["values"]["orders"] for row in live(project, "shops")["windows"]) == 301
    project.write("live/shops.yaml", declared.replace("orders.amount", "orders.amout"))
    assert "no field 'amout'" in project.weir("plan", code=3)
    project.write("live/shops.yaml", declared.replace("1h", "7m"))
    project.weir("plan", code=1)
    assert "live/shops.yaml:1:7: size: 7m does not divide a day" in project.stderr
    project.write("live/shops.yaml", declared)
    project.write("streams/live_shops.yaml", ORDERS)
    project.weir("plan", code=1)
    assert "the name live_shops in SQL" in project.stderr


def test_what_the_lake_counts_equals_what_was_folded(advertising):
    """The same declaration, once followed from the first event and once counted from files and newest rows."""
    project, chance, now = advertising, random.Random(11), time.time()
    project.write("streams/orders.yaml", ORDERS)
    both = ("size: 15m\nkeep: 1d\nallowed_lateness: 6h\nkeys: [shop]\nkeys_max: 3\nbeyond_keys: BEYOND\nmeasures:\n  orders: {count: orders}\n"
            "  paid: {sum: orders.amount}\n  least: {min: orders.amount}\n  most: {max: orders.amount}\n  mean: {avg: orders.amount}\n"
            "  visits: {count: visits}\n  known: {count: orders.amount}\n  share: {ratio: orders / visits}\n")
    project.write("streams/visits.yaml", ORDERS.replace("  amount: integer\n", ""))
    for beyond in ("other", "drop"):
        project.write(f"live/early_{beyond}.yaml", both.replace("BEYOND", beyond))
    project.weir("apply")
    for part in range(4):
        for stream in ("orders", "visits"):
            events = []
            for _ in range(150):
                event = {"at": text(now - chance.random() * 9 * 3600)}
                shop = chance.choice(["a", "b", "c", "d", "e", None, "x" * 300])
                if shop:
                    event["shop"] = shop
                if stream == "orders" and chance.random() < 0.9:
                    event["amount"] = chance.randrange(-50, 50)
                events.append(event)
            reply = project.post(f"/v1/streams/{stream}", events + [{"at": "never"}])
            assert reply.json["accepted"] == 150 and reply.json["quarantined"] == 1
        if part == 1:
            project.weir("lake", "drain")
    for beyond in ("other", "drop"):
        project.write(f"live/later_{beyond}.yaml", both.replace("BEYOND", beyond))
    project.weir("apply")
    for beyond in ("other", "drop"):
        wait_for(lambda: live(project, f"later_{beyond}")["state"] == "live", "the lake is counted")
        early, later = live(project, f"early_{beyond}"), live(project, f"later_{beyond}")
        assert later["problem"] is None and later["complete_since"] is not None
        assert len(early["windows"]) > 60 and any(row["late"] for row in early["windows"])
        assert later["windows"] == early["windows"]
        assert later["late"] == early["late"] and later["too_late"] == early["too_late"] > 0
        assert misfits(later) == misfits(early)
    assert any(row.get("other") for row in live(project, "later_other")["windows"])
    assert misfits(live(project, "later_drop"))["orders", "too_many_keys"] > 0
