"""Forgetting a person through the real program: nothing of them is left in any file, everybody else's rows stay what they
are, and a kill at any point leaves either all of it or none of it to be done."""
import gzip
import json
import os
import pty
import subprocess
import time
import uuid

import pytest

from conftest import BINARY, wait_for
from test_tables import day

STREAM = """
fields:
  visit_id: uuid
  user_id: {type: string, required: true, subject: true}
  page: {type: string, required: true}
  seen_at: {type: timestamp, required: true}
key: visit_id
time: seen_at
write: public
unknown: refuse
"""
PER_USER = """---
partition: day
---
SELECT user_id, page, count(*) AS visits, CAST(seen_at AS DATE) AS day FROM visits GROUP BY ALL
"""
PER_PAGE = """---
partition: day
---
SELECT page, sum(visits)::BIGINT AS visits, min(user_id) AS first_user, day FROM per_user GROUP BY ALL
"""
LIVE = """
size: 1m
keep: 4d
keys: [user_id]
keys_max: 50
measures:
  visits: {count: visits}
"""
FLOW = """
window: {days: 3, offset: 0}
steps:
  - {name: derive, tables: [per_user]}
  - name: write
    unload: {table: per_user, to: "out/users_{end}.csv"}
  - name: pages
    unload: {select: "SELECT page, count(*) AS users FROM per_user GROUP BY ALL", to: "out/pages_{end}.csv"}
"""
ENDPOINT = """
path: /visited/{user_id}
table: per_user
parameters:
  user_id: {type: text}
  start: {type: date, from: day, default: today}
  end: {type: date, to: day, default: today}
list: days
columns: [day, page, visits]
read: public
"""
GONE = "gone-4f1b-person-unique"


@pytest.fixture
def shop(project):
    project.write("streams/visits.yaml", STREAM)
    project.write("tables/per_user.sql", PER_USER)
    project.write("tables/per_page.sql", PER_PAGE)
    project.write("live/by_user.yaml", LIVE)
    project.write("flows/users.yaml", FLOW)
    project.write("endpoints/visited.yaml", ENDPOINT)
    return project.start()


def visit(user, ago=0, **changes):
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 86400 * ago - 60)) + ".000"
    return {"visit_id": str(uuid.uuid4()), "user_id": user, "page": "/start", "seen_at": at, **changes}


def send(project, events):
    reply = project.post("/v1/streams/visits", events)
    assert reply.status == 200, reply
    return reply.json["records"]


def fill(project, people=40):
    """Visits of many, one of whom is to be forgotten, over three days, in several files; some of them do not fit."""
    mine = []
    for ago in (2, 1, 0):
        events = [visit(f"user-{i}", ago) for i in range(people)] + [visit(GONE, ago), visit(GONE, ago, page="/mine")]
        mine += events[-2:]
        assert {one["status"] for one in send(project, events)} == {"accepted"}
        project.weir("lake", "drain")
    bad = [visit(GONE, page=None), visit("user-1", page=None)]
    assert {one["status"] for one in send(project, bad)} == {"quarantined"}
    broken = project.post("/v1/streams/visits", '{"user_id": "' + GONE + '", "page": ', {"Content-Type": "text/plain"})
    assert broken.status in (200, 400), broken
    return mine


def forget(project, *arguments, code=0, **options):
    return project.weir("lake", "forget", "visits", "--where", f"user_id={GONE}", *arguments, code=code, **options)


def everybody_else(project):
    return (project.sql(f"SELECT * FROM visits WHERE user_id <> '{GONE}' ORDER BY _seq"),
            project.sql("SELECT * FROM visits_quarantine WHERE NOT contains(payload, 'gone-') ORDER BY _seq"))


def holders(project, value):
    """Every file under .weir in which the value stands, looked at as it lies there and unpacked."""
    found, wanted = [], value.encode()
    for path in (project.folder / ".weir").rglob("*"):
        if not path.is_file() or path.is_socket():
            continue
        data = path.read_bytes()
        if path.name.endswith(".gz"):
            data += gzip.decompress(data)
        if wanted in data:
            found.append(str(path.relative_to(project.folder)))
    out = project.folder / "out"
    found += [str(path) for path in (out.rglob("*") if out.exists() else []) if wanted in path.read_bytes()]
    return found


def listed_files_are_all(project):
    store = project.folder / ".weir" / "store"
    for table in ("visits", "visits_quarantine", "visits_intake"):
        listed = {file["path"] for file in json.loads(project.weir("lake", "manifest", table))["files"]}
        there = {str(path.relative_to(store)) for path in (store / "lake" / table).rglob("*.parquet")}
        assert there == listed, table


def check_gone(project, before):
    assert project.sql(f"SELECT count(*) FROM visits WHERE user_id = '{GONE}'") == [[0]]
    assert project.sql(f"SELECT count(*) FROM raw_visits WHERE user_id = '{GONE}'") == [[0]]
    assert project.sql("SELECT count(*) FROM visits_quarantine WHERE contains(payload, 'gone-')") == [[0]]
    assert everybody_else(project) == before
    project.weir("lake", "verify")
    listed_files_are_all(project)
    rebuilt = json.loads(project.weir("lake", "rebuild", "visits", "--json"))
    assert rebuilt["partitions_changed"] == 0 and rebuilt["problems"] == [] and rebuilt["forgotten"] > 0, rebuilt


def test_a_person_is_forgotten_everywhere_and_everybody_else_stays(shop):
    project = shop
    mine = fill(project)
    project.weir("run", "users")
    project.weir("run", "per_page")
    wait_for(lambda: project.sql(f"SELECT sum(visits)::BIGINT FROM live_by_user WHERE user_id = '{GONE}'") == [[6]], "live")
    before = everybody_else(project)
    derived = project.sql(f"SELECT * FROM per_user WHERE user_id <> '{GONE}' ORDER BY ALL")
    assert holders(project, GONE), "the test looks in the right places"

    counted = json.loads(forget(project, "--dry-run", "--json"))
    assert counted["events"] == 6 and counted["quarantined"] >= 1, counted
    assert project.sql(f"SELECT count(*) FROM visits WHERE user_id = '{GONE}'") == [[6]], "a dry run changes nothing"
    receipt = json.loads(forget(project, "--yes", "--json"))
    assert receipt["state"] == "done" and receipt["events"] == 6, receipt
    assert receipt["quarantined"] == counted["quarantined"]
    places = {place["place"]: place for place in receipt["places"]}
    assert places["archive"]["records"] == receipt["records"] and places["parquet"]["files"] >= 3
    assert places["deduplication index"]["records"] == 6
    assert places["live windows"]["counted_again"] == ["by_user"]
    assert places["derived tables"]["computed_again"] == ["per_page", "per_user"]
    assert len(places["results of flows"]["removed"]) == 1
    assert GONE not in json.dumps(receipt)
    assert [one for one in receipt["not_reached"] if "backups" in one["place"]]

    check_gone(project, before)
    assert project.sql(f"SELECT * FROM per_user ORDER BY ALL") == derived
    assert project.sql(f"SELECT count(*) FROM per_page WHERE first_user = '{GONE}'") == [[0]]
    assert project.sql(f"SELECT count(*) FROM live_by_user WHERE user_id = '{GONE}'") == [[0]]
    assert project.sql("SELECT sum(visits)::BIGINT FROM live_by_user") == [[120]]
    assert holders(project, GONE) == []

    # A resend within the window is a duplicate, whatever its payload, and does not come back.
    again = send(project, [mine[0], dict(mine[1], page="/other")])
    assert [one["status"] for one in again] == ["duplicate", "duplicate"]
    place = json.loads(project.weir("explain", mine[0]["visit_id"], "--json"))["places"][0]
    assert place["verdict"] == "forgotten" and place["forgotten_at"] == receipt["begun_at"].replace(" ", "T"), place
    second = json.loads(forget(project, "--yes", "--json"))
    assert second["state"] == "done" and second["records"] == 0 and second["id"] != receipt["id"]
    assert len(json.loads(project.weir("lake", "forgets", "--json"))["forgets"]) == 2
    # The person may come back: what is sent later is new.
    assert send(project, [visit(GONE)])[0]["status"] == "accepted"
    assert project.sql(f"SELECT count(*) FROM visits WHERE user_id = '{GONE}'") == [[1]]
    project.stop()
    assert json.loads(forget(project, "--yes", "--json"))["events"] == 1, "without a server too"
    assert holders(project, GONE) == []


def test_what_cannot_be_forgotten_is_said_by_name(shop):
    project = shop
    wrong = [("visits", "page=x", 2, "its subject fields: user_id"), ("visits", "pag=x", 1, "no field"),
             ("visit", "user_id=x", 1, "no stream"), ("visits", "user_id", 2, "FIELD=VALUE"), ("visits", "user_id=", 2, "empty")]
    for stream, where, code, words in wrong:
        project.weir("lake", "forget", stream, "--where", where, "--yes", code=code)
        assert words in project.stderr, project.stderr
    project.weir("lake", "forget", "visits", "--where", "user_id=x", code=2)
    assert "--yes" in project.stderr, "nobody is there to ask"
    reader = project.post("/v1/streams/visits/forget", {"field": "user_id", "values": ["x"]})
    assert reader.status in (401, 403)
    many = project.post("/v1/streams/visits/forget", {"field": "user_id", "values": [str(i) for i in range(101)]}, project.admin())
    assert many.status == 400 and "at most 100" in many.json["error"]["message"]
    # What the run meets on its way and cannot do is in the receipt.
    (project.folder / "tables" / "per_page.sql").unlink()
    project.weir("apply")
    send(project, [visit(GONE)])
    receipt = json.loads(forget(project, "--yes", "--json"))
    assert [one["what"] for one in receipt["not_reached"] if one["place"] == "table per_page, which is detached"], receipt


POINTS = ["forget.found", "forget.rewritten", "forget.journal", "dedup.forgotten", "forget.index", "lake.before_commit",
          "lake.swapped", "forget.swapped", "lake.replaced_removed", "forget.step", "control/before_commit"]


def test_killed_at_any_point_it_finishes_or_never_began(shop, tmp_path):
    project = shop
    log = tmp_path / "points"
    project.stop()
    project.start(env={"WEIR_CRASH_LOG": str(log)})
    fill(project, people=10)
    project.weir("run", "users")
    forget(project, "--yes")
    project.stop()
    passed = {line.rsplit(" ", 1)[0] for line in log.read_text().splitlines()}
    assert set(POINTS) <= passed, set(POINTS) - passed
    project.start()
    project.admin()
    before = everybody_else(project)
    for round_, name in enumerate(POINTS):
        project.stop()
        project.start()
        gone = f"{GONE}-{round_}"
        send(project, [visit(gone, ago) for ago in (1, 0)])
        send(project, [visit(gone, page=None)])
        project.weir("lake", "drain")
        project.stop()
        project.start(env={"WEIR_CRASH_AT": f"{name}:{1 + round_ % 3 if name == 'forget.step' else 1}"}, wait=False)
        wait_for(project.is_ready_or_dead, "ready or killed")
        if project.process.poll() is None:
            try:
                project.post("/v1/streams/visits/forget", {"field": "user_id", "values": [gone]}, project.admin())
            except OSError:
                pass
        wait_for(lambda: project.process.poll() is not None, f"killed at {name}")
        project.kill()
        project.start()
        open_ones = lambda: [one for one in project.get("/v1/forgets", headers=project.admin()).json["forgets"]
                             if one["state"] == "open"]
        wait_for(lambda: not open_ones(), f"finished after a kill at {name}")
        left = project.sql(f"SELECT count(*) FROM visits WHERE user_id = '{gone}'")[0][0]
        assert left in ((0,) if name.startswith(("forget", "dedup")) else (0, 2)), "all of it or none of it"
        if left:
            project.weir("lake", "forget", "visits", "--where", f"user_id={gone}", "--yes")
        assert project.sql(f"SELECT count(*) FROM visits WHERE user_id = '{gone}'") == [[0]]
        assert everybody_else(project) == before, name
        project.weir("lake", "verify")
        assert holders(project, gone) == [], name
    check_gone(project, before)


ORDERS = """
fields:
  customer: {type: integer, required: true, subject: true}
  placed_at: {type: timestamp, required: true}
  amount: {type: integer, required: true, max: 10}
key: customer
time: placed_at
"""


def order(customer, amount=7, ago=60):
    return {"customer": customer, "placed_at": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - ago)), "amount": amount}


def test_a_key_that_is_the_person_goes_too_and_old_files_do_not_bring_it_back(project):
    project.write("streams/orders.yaml", ORDERS)
    project.start()
    gone, other = 9007199254740, 9007199254741
    reply = project.post("/v1/streams/orders", [order(gone), order(other), order(gone + 1000, amount=99)], project.admin())
    assert reply.json["accepted"] == 2 and reply.json["quarantined"] == 1, reply
    refused = project.post("/v1/streams/orders", [order(gone, amount=99), order(gone, amount=8)], project.admin())
    assert refused.json["quarantined"] == 2, refused  # one is too much, the other a conflict
    project.write("streams/orders.yaml", ORDERS.replace("max: 10", "max: 100"))
    project.weir("apply")
    json.loads(project.weir("lake", "requeue", "orders", "--json"))  # leaves a note that names the key
    assert project.sql(f"SELECT count(*) FROM orders_intake WHERE contains(message, '{gone}') OR event_id = '{gone}'")[0][0] > 0
    where = ("--where", f"customer={gone}", "--where", "customer=1")
    receipt = json.loads(project.weir("lake", "forget", "orders", *where, "--yes", "--json"))
    assert receipt["events"] == 1 and receipt["quarantined"] == 2 and receipt["notes"] > 0, receipt
    assert len(receipt["hashes"]) == 2
    assert holders(project, str(gone)) == []
    assert project.sql("SELECT customer FROM orders ORDER BY 1") == [[other], [gone + 1000]]
    project.weir("lake", "verify")
    assert json.loads(project.weir("lake", "rebuild", "orders", "--json"))["partitions_changed"] == 0
    project.weir("explain", str(gone), code=1)
    assert project.post("/v1/streams/orders", [order(gone)], project.admin()).json["duplicates"] == 1, "within the window"

    # A file of another system with the same events, and a younger one of the same person.
    folder = project.folder / "old"
    folder.mkdir()
    rows = [order(gone, ago=86400), order(other + 1, ago=86400)]
    (folder / "a.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = json.loads(project.weir("etl", "orders", "--from", str(folder), "--json"))
    assert "1 accepted" in run["tasks"][0]["message"] and "1 refused" in run["tasks"][0]["message"], run
    assert project.sql("SELECT customer FROM orders ORDER BY 1") == [[other], [other + 1], [gone + 1000]]
    assert [path for path in holders(project, str(gone)) if ".weir" in path] == []


def test_a_person_at_a_terminal_is_asked(shop):
    project = shop
    send(project, [visit(GONE)])
    for answer, left in (("no", 1), ("yes", 0)):
        keyboard, terminal = pty.openpty()
        os.write(keyboard, f"{answer}\n".encode())
        done = subprocess.run([BINARY, "lake", "forget", "visits", "--where", f"user_id={GONE}", "--dir", str(project.folder)],
                              stdin=terminal, capture_output=True, text=True, timeout=60, env=project.environment)
        os.close(keyboard)
        os.close(terminal)
        assert done.returncode == 0 and "1 events of visits" in done.stdout, done
        assert ("not reached:" in done.stdout) == (answer == "yes"), done.stdout
        assert project.sql(f"SELECT count(*) FROM visits WHERE user_id = '{GONE}'") == [[left]]


# --- objects of the store, and what is kept of statements ---


EXPORT = """
window: {days: 3, offset: 0}
steps:
  - {name: derive, tables: [per_user]}
  - name: stage
    sql: |
      UNLOAD ('SELECT user_id, page FROM per_user') TO 's3://warehouse/staging/{start}_{end}/' IAM_ROLE default FORMAT CSV GZIP PARALLEL OFF ALLOWOVERWRITE;
      UNLOAD ('SELECT page FROM per_user') TO 's3://warehouse/pages/' IAM_ROLE default FORMAT CSV PARALLEL OFF ALLOWOVERWRITE;
"""


def test_objects_and_statements_that_name_a_person(shop):
    project = shop
    project.stop()
    project.write("weir.yaml", "buckets:\n  sealed: {seal_key: '${secret:SEAL}'}\n  far: {endpoint: 'http://127.0.0.1:9', bucket: far-away}\n")
    project.weir("secret", "set", "SEAL", stdin="5a" * 32)
    project.write("flows/export.yaml", EXPORT)
    project.start()
    fill(project, people=5)
    project.weir("run", "export")
    unload = "UNLOAD ('SELECT user_id, page FROM per_user') TO 's3://{}' IAM_ROLE default {} PARALLEL OFF"
    project.weir("sql", unload.format("sealed/out/", "FORMAT PARQUET"))
    project.weir("sql", unload.format("sealed/packed/", "FORMAT JSON ZSTD"))
    project.weir("sql", "UNLOAD ('SELECT user_id, page FROM per_user') TO 's3://warehouse/by/' IAM_ROLE default CSV PARTITION BY (user_id)")
    put = lambda path, body: project.request("POST", f"/v1/store/files?path=s3://{path}", body, {**project.admin(), "Content-Type": "application/octet-stream"}).status
    assert put("uploads/people.csv", f"user_id\n{GONE}\n".encode()) == 201 and put("uploads/others.csv", b"user_id\nuser-1\n") == 201
    assert put("uploads/odd.bz2", b"BZh91AY") == 201
    project.weir("sql", f"SELECT count(*) FROM visits WHERE user_id = '{GONE}'")
    project.weir("sql", f"SELECT '{GONE}'::INT", code=2)
    lines = dict(line.split(" = ") for line in project.weir("token", "create", "--access-key", "--admin").strip().splitlines())
    from test_aws import boto3
    data = boto3.client("redshift-data", endpoint_url=f"http://127.0.0.1:{project.get('/v1/status', headers=project.admin()).json['aws']['port']}", region_name="eu-west-1",
                        aws_access_key_id=lines["aws_access_key_id"], aws_secret_access_key=lines["aws_secret_access_key"])
    small = data.execute_statement(Sql="SELECT :who::VARCHAR AS user_id", Parameters=[{"name": "who", "value": GONE}], Database="shop", WaitTimeSeconds=10)["Id"]
    large = data.execute_statement(Sql="SELECT user_id, repeat('x', 1000) AS x FROM visits, generate_series(1, 2000)", Database="shop", WaitTimeSeconds=10)["Id"]
    other = data.execute_statement(Sql="SELECT 'user-1' AS user_id", Database="shop", WaitTimeSeconds=10)["Id"]
    assert all(data.describe_statement(Id=one)["Status"] == "FINISHED" for one in (small, large, other))

    receipt = json.loads(forget(project, "--yes", "--json"))
    assert receipt["state"] == "done" and GONE not in json.dumps(receipt), receipt
    places = {place["place"]: place for place in receipt["places"]}
    removed = places["objects of the store"]["removed"]
    staged = [one for one in removed if one.startswith("s3://warehouse/staging/")]
    assert len(staged) == 1 and sorted(set(removed) - set(staged)) == ["s3://sealed/out/000.parquet", "s3://sealed/packed/000.zst", "s3://warehouse/by/…/0000_part_00"], removed
    missed = {one["place"]: one for one in receipt["not_reached"]}
    assert "names of 1 file" in missed["history of COPY and UNLOAD"]["why"], "PARTITION BY put the name into a file's name"
    kept = lambda project: [one for one in holders(project, GONE) if not one.startswith(".weir/history/")]
    assert "--remove-objects" in missed["s3://uploads/people.csv"]["what"] and "s3://uploads/others.csv" not in missed
    assert "bzip2" in missed["s3://uploads/odd.bz2"]["why"] and "could not be looked through" in missed["bucket far"]["why"]
    assert places["statements of the Data API"]["without_values"] == 2, places
    assert places["statement history"]["without_values"] >= 2
    assert kept(project) == [".weir/store/s3/uploads/people.csv"]
    assert not [row for row in project.sql("SELECT sql, error FROM weir_statements") if GONE in json.dumps(row)]
    # A client that comes back is told what became of it, and everybody else's is there.
    told = data.describe_statement(Id=small)
    assert told["Status"] == "FINISHED" and told["QueryParameters"][0]["value"] == "…"
    for gone in (small, large):
        with pytest.raises(data.exceptions.ClientError):
            data.get_statement_result(Id=gone)
    assert data.get_statement_result(Id=other)["Records"] == [[{"stringValue": "user-1"}]]
    project.stop()
    project.start()
    assert kept(project) == [".weir/store/s3/uploads/people.csv"]
    receipt = json.loads(forget(project, "--yes", "--json", "--remove-objects"))
    assert next(place for place in receipt["places"] if place["place"] == "objects of the store")["removed"] == ["s3://uploads/people.csv"]
    assert kept(project) == []
