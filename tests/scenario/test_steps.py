"""Steps of flows through the real program: the seed's daily flow, what a kill and a second run leave, commands and their limits."""
import gzip
import json
import os
import random
import signal
import subprocess
import time
import uuid

import pytest
from conftest import BINARY, wait_for
from test_tables import day, run, send

WINDOW = "impression_at >= DATE '{}' AND impression_at < DATE '{}'"


def tables_of(project):
    """Both warehouse tables and what they should hold, as sorted rows."""
    columns = "ad_id::VARCHAR AS ad, impression_at, click_at"
    return [project.sql(f"SELECT {columns} FROM {table} ORDER BY ALL")
            for table in ("advertising", "public.advertising", "public.advertising_spectrum")]


def impress(project, *times, ad=None, click=None):
    """One impression at each time; with `click`, each of them clicked then."""
    for at in times:
        event = {"impression_id": str(uuid.uuid4()), "ad_id": ad or str(uuid.uuid4()), "occurred_at": at}
        reply = project.post("/impressions", {"impressions": [event]})
        assert reply.status == 200 and reply.json["failed_count"] == 0, reply
        if click:
            project.post("/clicks", {"clicks": [{**event, "occurred_at": click}]})


def test_the_daily_flow_fills_both_tables_with_what_the_lake_holds_and_twice_is_once(advertising):
    project = advertising
    ads = [str(uuid.uuid4()) for _ in range(5)]
    send(project, 1, ads * 20, seed=1)
    view = run(project, "daily")
    assert view["state"] == "done", view
    lake, loaded, queried = tables_of(project)
    assert len(lake) == 100 and loaded == lake and queried == lake
    assert any(row[2] for row in lake) and not all(row[2] for row in lake)
    assert {task["step"]: task["rows"] for task in view["tasks"] if task["what"] in ("sql", "check")} == {
        "warehouse": 0, "stage": 100, "load": 100, "spectrum": 100, "equal": 0}
    again = run(project, "daily")
    assert again["state"] == "done" and tables_of(project) == [lake, loaded, queried]
    staged = sorted(os.listdir(project.folder / ".weir/store/s3/warehouse/staging/advertising"))
    # The first run does all that there is, also the day before, which a click touches; the second the window alone.
    assert staged[-1] == f"{day(1)}_{day(0)}" and len(staged) == 2, staged


def test_midnight_belongs_to_one_day_and_an_ad_without_clicks_is_there(advertising):
    project, quiet = advertising, str(uuid.uuid4())
    impress(project, f"{day(3)} 23:59:59.999", f"{day(2)} 00:00:00.000", f"{day(2)} 23:59:59.999", f"{day(1)} 00:00:00.000", ad=quiet)
    for ago in (2, 1):
        view = run(project, "daily", "--from", day(ago), "--to", day(ago - 1))
        assert view["state"] == "done", view
    lake, loaded, queried = tables_of(project)
    inside = [row for row in lake if row[1] >= day(2)]
    assert len(inside) == 3 and loaded == inside and queried == inside
    assert project.sql(f"SELECT day::VARCHAR, impressions, clicks FROM ad_traffic WHERE ad_id = '{quiet}' ORDER BY day") == [
        [day(3), 1, 0], [day(2), 2, 0], [day(1), 1, 0]]


def test_what_arrives_late_is_in_the_report_also_over_the_end_of_a_month(advertising):
    project = advertising
    ago = int(time.strftime("%d", time.gmtime())) % 28 + 1
    impress(project, f"{day(1)} 12:00:00.000")
    assert run(project, "daily")["state"] == "done"
    assert run(project, "daily")["parameters"]["from"] == day(1)
    impress(project, f"{day(ago)} 23:00:00.000", click=f"{day(ago)} 23:00:05.000")
    view = run(project, "daily")
    assert view["state"] == "done" and view["parameters"]["from"] <= day(ago), view["parameters"]
    lake, loaded, queried = tables_of(project)
    assert len(lake) == 2 and loaded == lake and queried == lake
    assert run(project, "daily")["parameters"]["from"] == day(1)


def test_a_daily_flow_killed_again_and_again_leaves_what_one_run_leaves(advertising):
    project = advertising
    ads = [str(uuid.uuid4()) for _ in range(10)]
    for ago in (3, 2, 1):
        send(project, ago, ads * 20, seed=ago)
    project.weir("lake", "drain")
    chance = random.Random(11)
    for _ in range(5):
        command = subprocess.Popen([BINARY, "run", "daily", "--dir", str(project.folder)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.05, 0.6))
        project.kill()
        command.wait(30)
        project.start()
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], "all runs ended")
    assert run(project, "daily")["state"] == "done"
    assert {one["state"] for one in json.loads(project.weir("runs", "--of", "daily", "--json"))["runs"]} == {"done"}
    lake, loaded, queried = tables_of(project)
    assert len(lake) == 600 and loaded == lake and queried == lake


def flow(project, name, text):
    project.write(f"flows/{name}.yaml", text)
    project.weir("apply")


@pytest.fixture
def shop(project):
    """A project whose flows may run the shell."""
    project.write("weir.yaml", "flows: {commands: [sh], command_time: 5m, command_memory: 256MiB, command_cpu: 1s}\n")
    return project.start()


def command(project, script, name="f", more=""):
    flow(project, name, f"steps:\n  - command: [sh, -c, {json.dumps(script)}]\n    {more}\n")
    project.weir("run", name, "--json", code=0 if "exit 0" in script else 1)
    runs = json.loads(project.weir("runs", "--of", name, "--json"))["runs"]
    return json.loads(project.weir("runs", "watch", runs[0]["id"], "--json", code=0 if runs[0]["state"] == "done" else 1))


def test_a_command_runs_apart_and_its_last_words_stay(shop):
    project = shop
    project.weir("secret", "set", "key", stdin="s3cr3t-value")
    view = command(project, "echo one; echo day=$WEIR_DAY; env | sort; echo key=$KEY; ls /proc/self/fd | wc -l; exit 0",
                   more="env: {KEY: '${secret:key}', PLAIN: x}")
    words = view["tasks"][0]["message"]
    assert view["state"] == "done" and "key=***" in words and "s3cr3t" not in json.dumps(view)
    assert "HOME" not in words and "PLAIN=x" in words and words.splitlines()[-1] in ("3", "4")
    assert b"s3cr3t-value" not in (project.folder / ".weir/control.db").read_bytes() + project.log_path.read_bytes()


def test_a_command_that_dies_is_a_failed_step_and_never_the_servers_end(shop):
    project = shop
    view = command(project, "echo working; echo 'row 7 is odd' >&2; kill -SEGV $$")
    assert view["state"] == "failed" and "signal 11" in view["error"] and "row 7 is odd" in view["error"]
    view = command(project, "while :; do :; done", "spins")
    assert "signal 24" in view["error"] or "signal 9" in view["error"], view["error"]
    view = command(project, "exit 3", "three")
    assert "exit code 3" in view["error"]
    view = command(project, "x=a; while :; do x=$x$x; done", "eats")
    assert view["state"] == "failed"
    view = command(project, "sleep 20", "slow", more="time_limit: 1s")
    assert "did not end in 1s" in view["error"]
    assert project.get("/health/ready").status == 200 and project.process.poll() is None


def test_a_command_is_killed_with_all_it_started_when_its_run_is_stopped(shop):
    project = shop
    mark = project.folder / "pid"
    flow(project, "f", f"steps:\n  - command: [sh, -c, 'sleep 100 & echo $! > {mark}; wait']\n")
    project.weir("run", "f", "--detach")
    wait_for(lambda: mark.exists() and mark.read_text().strip(), "the command has begun")
    one = json.loads(project.weir("runs", "--open", "--json"))["runs"][0]
    project.weir("runs", "stop", one["id"])
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], "the run has ended")
    pid = int(mark.read_text())
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its child is gone too")
    assert project.get(f"/v1/runs/{one['id']}", headers=project.admin()).json["state"] == "stopped"


def test_commands_are_off_unless_the_owner_allows_them(project):
    project.start()
    project.write("flows/f.yaml", "steps:\n  - command: [sh, -c, id]\n")
    told = project.weir("plan", code=3)
    assert "steps may not run 'sh'" in told and "flows: {commands: [sh]}" in told and "REFUSED" in told
    project.weir("apply", code=1)
    project.write("flows/f.yaml", "steps:\n  - sql: INSERT INTO x SELECT * FROM read_csv('/etc/passwd')\n")
    assert "step sql_1" in project.weir("plan", code=3)


def model_rows(impressions, clicks):
    """What the tables must hold: each impression once, with its first click."""
    first = {}
    for impression, at in clicks:
        first[impression] = min(at, first.get(impression, at))
    return sorted((ad, at, first.get(one, "")) for one, (ad, at) in impressions.items())


def derived_rows(project):
    return [project.sql(f"SELECT * FROM {table} ORDER BY ALL") for table in ("advertising", "ad_traffic", "public.advertising", "public.advertising_spectrum")]


def test_any_order_of_events_runs_and_kills_gives_what_one_clean_run_gives(advertising):
    """Events, late ones and ones sent again, files loaded, merges, rebuilds, runs, backfills and kills -9 in an order from a
    seed: WEIR_SEED=N repeats one, WEIR_STEPS=N makes it longer."""
    project, seed = advertising, int(os.environ.get("WEIR_SEED", random.randrange(1_000_000)))
    print(f"seed {seed}: WEIR_SEED={seed} repeats it")
    chance, ads = random.Random(seed), [str(uuid.UUID(int=i + 1, version=4)) for i in range(4)]
    impressions, clicks, sent, working = {}, [], [], []
    folder = project.folder / "delivered"
    folder.mkdir()

    def in_background(*command):
        working.append(subprocess.Popen([BINARY, *command, "--dir", str(project.folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(chance.uniform(0, 0.4))

    def post(kind, events):
        reply = project.post(f"/{kind}", {kind: events})
        assert reply.status == 200 and reply.json["failed_count"] == 0, (seed, reply)
        sent.append((kind, events))

    def new_impressions():
        ago, batch = chance.choice([1, 1, 1, 2, 3, 9, 20]), []
        for _ in range(chance.randint(1, 20)):
            event = {"impression_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "ad_id": chance.choice(ads),
                     "occurred_at": f"{day(ago)} {chance.choice(['00:00:00', '23:59:59', '12:30:00'])}.{chance.randrange(1000):03}"}
            impressions[event["impression_id"]] = (event["ad_id"], event["occurred_at"])
            batch.append(event)
        return batch

    def events():
        post("impressions", new_impressions())

    def click():
        if not impressions:
            return
        one, (ad, at) = chance.choice(sorted(impressions.items()))
        after = f"{at[:10]} 23:59:59.999"
        clicks.append((one, after))
        post("clicks", [{"click_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "impression_id": one, "ad_id": ad, "occurred_at": after}])

    def send_again():
        if sent:
            kind, events = chance.choice(sent)
            reply = project.post(f"/{kind}", {kind: events})
            assert reply.status == 200 and reply.json["failed_count"] == 0, (seed, reply)

    def file():
        """New impressions, and some that came by the other way, in a file; loaded beside everything else."""
        batch = new_impressions() + [event for kind, events in sent[-2:] if kind == "impressions" for event in events]
        text = "".join(json.dumps(event) + "\n" for event in batch)
        (folder / f"{len(list(folder.iterdir()))}.json.gz").write_bytes(gzip.compress(text.encode()))
        in_background("etl", "impressions", "--from", str(folder))

    def begin():
        in_background(*chance.choice([["run", "daily"], ["run", "ad_traffic", "--force"], ["backfill", "ad_traffic", "--from", day(25), "--to", day(0)],
                                      ["run", "daily", "--from", day(3), "--to", day(1)]]))

    def maintain():
        in_background("lake", *chance.choice([["compact"], ["compact"], ["compact", "impressions"], ["rebuild", "impressions"], ["rebuild", "clicks"],
                                              ["retain"], ["retain", "--dry-run"]]))

    def kill():
        project.kill()
        for command in working:
            command.wait(30)
        working.clear()
        project.start()

    for _ in range(int(os.environ.get("WEIR_STEPS", 36))):
        chance.choices([events, click, send_again, file, begin, maintain, kill], [6, 4, 2, 2, 4, 3, 1])[0]()
    for command in working:
        command.wait(60)
    wait_for(lambda: not json.loads(project.weir("runs", "--open", "--json"))["runs"], f"all runs ended (seed {seed})")
    if list(folder.iterdir()):
        project.weir("etl", "impressions", "--from", str(folder))
    view = run(project, "daily", "--from", day(25), "--to", day(0))
    assert view["state"] == "done", (seed, view)
    expected = [list(row) for row in model_rows(impressions, clicks)]
    rows = [[ad, impression_at[:23], (click_at or "")[:23]] for ad, impression_at, click_at in project.sql(
        "SELECT ad_id::VARCHAR, strftime(impression_at, '%Y-%m-%d %H:%M:%S.%g'), strftime(click_at, '%Y-%m-%d %H:%M:%S.%g') "
        "FROM advertising ORDER BY ALL")]
    assert sorted(rows) == expected, f"seed {seed}"
    lake, loaded, queried = tables_of(project)
    assert loaded == lake and queried == lake, f"seed {seed}"
    counts = project.sql("SELECT sum(impressions)::BIGINT, sum(clicks)::BIGINT FROM ad_traffic")
    assert counts == [[len(impressions) or None, len({one for one, _ in clicks}) if impressions else None]], f"seed {seed}"
    states = {one["state"] for one in json.loads(project.weir("runs", "--of", "daily", "--json"))["runs"]}
    assert states == {"done"}, f"seed {seed}: a run that was killed is done in the end, whatever came meanwhile: {states}"
    # Once everything is computed, a retention that takes the days away leaves what was computed from them.
    before = derived_rows(project)
    for stream in ("impressions", "clicks"):
        yaml = project.folder / "streams" / f"{stream}.yaml"
        yaml.write_text(yaml.read_text() + "\nretention: 5d\npast_max: 5d\n")
    project.weir("apply")
    project.weir("lake", "retain")
    project.weir("lake", "compact")
    project.weir("lake", "rebuild", "impressions")
    project.weir("backfill", "ad_traffic", "--from", day(25), "--to", day(0))
    assert run(project, "daily", "--from", day(4), "--to", day(0))["state"] == "done", f"seed {seed}"
    assert derived_rows(project) == before, f"seed {seed}"
    project.weir("lake", "drain")
    project.weir("lake", "verify")


def test_a_plan_tells_what_a_change_has_computed_again(advertising):
    project = advertising
    for ago in (3, 2, 1):
        send(project, ago, [str(uuid.uuid4())] * 10, clicked=0)
    run(project, "ad_traffic")
    path = project.folder / "tables/advertising.sql"
    path.write_text(path.read_text().replace("min(c.occurred_at) AS click_at", "max(c.occurred_at) AS click_at"))
    plan = json.loads(project.weir("plan", "--json", code=3))
    assert [(one["table"], one["partitions"], one["rows"]) for one in plan["computes"]] == [("advertising", 3, 30), ("ad_traffic", 3, 3)]
    assert plan["computes"][0]["from"] == day(3) and plan["computes"][0]["to"] == day(0)
    assert all(one["seconds"] > 0 for one in plan["computes"])
    told = project.weir("plan", code=3)
    assert "computed again" in told and "together about 33 rows" in told
    path.write_text(path.read_text() + "-- only a comment\n")
    project.weir("apply")
    assert run(project, "ad_traffic")["tasks_done"] == 3, "nobody clicked, so the rows are what they were and ad_traffic stays"
    path.write_text(path.read_text() + "-- another\n")
    assert json.loads(project.weir("plan", "--json", code=3))["computes"] == []
