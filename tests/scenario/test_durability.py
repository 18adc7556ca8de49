"""kill -9 of the real program under load: nothing acknowledged is lost or counted twice, wherever it is hit."""
import collections
import random
import threading
import time

from conftest import impression, wait_for


class Sender(threading.Thread):
    """Sends events until it is stopped, remembers what was acknowledged, and resends what was not, as a careful client does."""

    def __init__(self, project, seed):
        super().__init__(daemon=True)
        self.project, self.random = project, random.Random(seed)
        self.acknowledged, self.unsure, self.stopped = [], [], False

    def run(self):
        while not self.stopped:
            batch = [impression() for _ in range(self.random.choice([1, 3, 20]))]
            if self.unsure and self.random.random() < 0.5:
                batch.append(self.unsure.pop())
            if self.acknowledged and self.random.random() < 0.3:
                batch.append(self.random.choice(self.acknowledged))
            try:
                reply = self.project.post("/impressions", {"impressions": batch}, timeout=10)
                if reply.status == 200:
                    for event, verdict in zip(batch, reply.json["records"]):
                        (self.unsure if verdict["failed"] else self.acknowledged).append(event)
                    continue
            except Exception:
                pass
            self.unsure.extend(batch)
            time.sleep(0.01)


def check(project, acknowledged):
    # As CSV, which has no limit: two hundred kills leave more than a million events.
    reply = project.post("/v1/sql", {"sql": "SELECT impression_id FROM impressions"},
                         {**project.admin(), "Accept": "text/csv"}, timeout=300)
    assert reply.status == 200, reply
    times = collections.Counter(reply.body.decode().splitlines()[1:])
    assert sum(times.values()) == project.sql("SELECT count(*) FROM impressions")[0][0]
    doubled = [key for key, count in times.items() if count > 1]
    lost = [event["impression_id"] for event in acknowledged if event["impression_id"] not in times]
    assert not doubled, f"{len(doubled)} doubled, first {doubled[0]}"
    assert not lost, f"{len(lost)} of {len(acknowledged)} lost, first {lost[0]}"
    project.weir("lake", "drain")
    project.weir("lake", "verify")


def crash_names(project, tmp_path):
    """Every named point that a short life of the server passes."""
    log = tmp_path / "points"
    project.start(env={"WEIR_CRASH_LOG": str(log)})
    for _ in range(5):
        project.post("/impressions", {"impressions": [impression()]})
        project.weir("lake", "drain")
    project.stop()
    counts = {}
    for line in log.read_text().splitlines():
        name, hit = line.rsplit(" ", 1)
        counts[name] = max(counts.get(name, 0), int(hit))
    return counts


def test_survives_kills_at_random_and_at_named_points(advertising, tmp_path, request):
    project = advertising
    project.stop()
    points = crash_names(project, tmp_path)
    assert any("sync" in name for name in points) and any("rename" in name for name in points), points
    kills = request.config.getoption("--kills")
    chance = random.Random(20261121)
    names = sorted(points)
    hits = collections.Counter({name: 0 for name in names})
    reach = {name: max(1, count) for name, count in points.items()}  # which pass of it a short life comes to
    acknowledged = []
    # A project that commits often meets the points of a commit often.
    yaml = project.folder / "weir.yaml"
    yaml.write_text(yaml.read_text() + "lake:\n  commit_interval: 200ms\n")
    for kill in range(kills):
        at_point = kill % 2 == 1
        name = names[(kill // 2) % len(names)]
        env = {"WEIR_CRASH_AT": f"{name}:{chance.randint(1, reach[name])}"} if at_point else {}
        project.start(env=env, wait=False)
        wait_for(project.is_ready_or_dead, "ready or killed")
        sender = Sender(project, kill)
        sender.acknowledged = acknowledged[-2000:]
        before = len(sender.acknowledged)
        sender.start()
        if at_point:
            end = time.monotonic() + 5
            while project.process.poll() is None and time.monotonic() < end:
                time.sleep(0.02)
            if project.process.poll() is not None:
                hits[name] += 1
            else:
                reach[name] = max(1, reach[name] // 2)
        else:
            time.sleep(chance.uniform(0.1, 1.5))
        project.kill()
        sender.stopped = True
        sender.join(30)
        acknowledged += sender.acknowledged[before:]
    print("points hit:", dict(hits))
    project.start()
    check(project, acknowledged)
    print(f"{kills} kills, {len(acknowledged)} acknowledged, 0 lost, 0 doubled")
    assert len(acknowledged) > kills
    if kills >= 8 * len(names):
        assert min(hits.values()) >= 3, f"points hit fewer than three times: {dict(hits)}"
