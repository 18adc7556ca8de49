"""Buckets that lie on S3, and sealed ones: COPY and UNLOAD over s3rver, over a second weir, and over a network that fails."""
import gzip
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import threading
import uuid

import pytest
from conftest import BINARY, Project, free_port, wait_for

CLIENTS = pathlib.Path(os.environ["WEIR_CLIENTS"])
sys.path.insert(0, str(CLIENTS / "python"))
import boto3  # noqa: E402
from botocore.auth import S3SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

SECRET = "S3RVER-but-wrong"


def connected(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class S3rver:
    """The npm package: an S3 on the local disk. It knows access keys, and does not check signatures of version 4: boto does, below."""

    def __init__(self, folder, *options):
        self.port = free_port()
        folder.mkdir()
        self.process = subprocess.Popen(
            # Its tokens of lists are made with DES, which OpenSSL 3 has put aside.
            ["node", "--openssl-legacy-provider", str(CLIENTS / "node/node_modules/s3rver/bin/s3rver.js"), "-d", str(folder), "-p", str(self.port), "-a", "127.0.0.1", "-s",
             "--configure-bucket", "shop-landing", *(options or ["--no-vhost-buckets"])],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: connected(self.port), "s3rver listens")
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.key = ("S3RVER", "S3RVER")
        self.bucket = "shop-landing"

    def close(self):
        self.process.kill()
        self.process.wait()


class SecondWeir:
    """Another weir, whose S3 dialect is the server."""

    def __init__(self, folder):
        self.project = Project(folder)
        folder.mkdir()
        self.project.start()
        port = self.project.get("/v1/status", headers=self.project.admin()).json["aws"]["port"]
        self.endpoint = f"http://127.0.0.1:{port}"
        lines = dict(line.split(" = ") for line in self.project.weir("token", "create", "--access-key", "--admin").strip().splitlines())
        self.key = (lines["aws_access_key_id"], lines["aws_secret_access_key"])
        self.bucket = "shop-landing"
        client_of(self).create_bucket(Bucket=self.bucket)

    def close(self):
        self.project.kill()


def client_of(server):
    return boto3.client("s3", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=server.key[0], aws_secret_access_key=server.key[1],
                        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required"))


class Shop(Project):
    """A weir with a bucket on the server."""

    def on(self, server, endpoint=None, secret=None, more=""):
        self.write("weir.yaml", f"""
limits: {{sql_time: 100s}}
buckets:
  landing:
    endpoint: {endpoint or server.endpoint}
    bucket: {server.bucket}
    prefix: in/
    access_key: ${{secret:LANDING_KEY}}
    secret_key: ${{secret:LANDING_SECRET}}
{more}""")
        self.weir("secret", "set", "LANDING_KEY", stdin=server.key[0])
        self.weir("secret", "set", "LANDING_SECRET", stdin=secret or server.key[1])
        return self.start()

    def ask(self, statement, code=0):
        return self.weir("sql", statement, "--format", "csv", code=code, timeout=200).splitlines()

    def refused(self, statement):
        done = subprocess.run([BINARY, "sql", statement, "--dir", str(self.folder)], capture_output=True, text=True, timeout=200, env=self.environment)
        assert done.returncode != 0, done.stdout
        self.stderr = done.stderr
        assert SECRET not in self.stderr and "Signature=" not in self.stderr
        return self.stderr


@pytest.fixture(scope="module", params=[S3rver, SecondWeir], ids=["s3rver", "weir"])
def server(request, tmp_path_factory):
    made = request.param(tmp_path_factory.mktemp("server") / "data")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shop(server, tmp_path_factory):
    made = Shop(tmp_path_factory.mktemp("shop") / "shop")
    made.folder.mkdir()
    made.on(server)
    made.s3 = client_of(server)
    made.ask("CREATE TABLE sold (id INT, name VARCHAR(20), price DECIMAL(10,2))")
    made.ask("INSERT INTO sold SELECT i, 'n' || (i % 7), i / 4.0 FROM generate_series(1, 1000) t(i)")
    yield made
    made.kill()


def put(shop, server, key, body):
    shop.s3.put_object(Bucket=server.bucket, Key="in/" + key, Body=body)


def keys(shop, server, prefix=""):
    found = shop.s3.list_objects_v2(Bucket=server.bucket, Prefix="in/" + prefix).get("Contents", [])
    return sorted(one["Key"].removeprefix("in/") for one in found)


def test_copy_reads_every_format(shop, server):
    put(shop, server, "plain/a.csv", "1,ant\n2,bee\n")
    put(shop, server, "packed/a.csv.gz", gzip.compress(b"3,cat\n"))
    put(shop, server, "packed/b.csv.gz", gzip.compress(b"4,dog\n"))
    put(shop, server, "json/a.json", '{"id":5,"name":"eel"}\n{"id":6,"name":"fox"}\n')
    shop.ask("CREATE TABLE animals (id INT, name VARCHAR(20))")
    shop.ask("COPY animals FROM 's3://landing/plain/a.csv' IAM_ROLE default CSV")
    shop.ask("COPY animals FROM 's3://landing/packed/' IAM_ROLE default CSV GZIP")
    shop.ask("COPY animals FROM 's3://landing/json/' IAM_ROLE default FORMAT JSON 'auto'")
    assert shop.ask("SELECT listagg(name, ' ') WITHIN GROUP (ORDER BY id) AS all_of_them FROM animals")[1:] == ["ant bee cat dog eel fox"]


@pytest.mark.parametrize("words,back", [
    ("CSV HEADER GZIP MANIFEST", "CSV GZIP IGNOREHEADER 1 MANIFEST"), ("FORMAT JSON ZSTD MANIFEST", "FORMAT JSON 'auto' ZSTD MANIFEST"),
    ("FORMAT PARQUET MANIFEST", "FORMAT PARQUET MANIFEST"), ("DELIMITER '|' MANIFEST", "DELIMITER '|' MANIFEST")], ids=["csv", "json", "parquet", "text"])
def test_what_is_unloaded_is_copied_back(shop, server, words, back):
    folder = "out-" + re.sub(r"\W", "", words)
    shop.ask(f"UNLOAD ('SELECT * FROM sold ORDER BY id') TO 's3://landing/{folder}/' IAM_ROLE default {words}")
    assert f"{folder}/manifest" in keys(shop, server, folder) and len(keys(shop, server, folder)) >= 2
    manifest = json.loads(shop.s3.get_object(Bucket=server.bucket, Key=f"in/{folder}/manifest")["Body"].read())
    assert all(entry["url"].startswith(f"s3://landing/{folder}/") for entry in manifest["entries"])
    shop.ask("DROP TABLE IF EXISTS back")
    shop.ask("CREATE TABLE back (id INT, name VARCHAR(20), price DECIMAL(10,2))")
    shop.ask(f"COPY back FROM 's3://landing/{folder}/manifest' IAM_ROLE default {back}")
    assert shop.ask("SELECT count(*) FROM (SELECT * FROM sold EXCEPT SELECT * FROM back)")[1:] == ["0"]
    assert shop.ask("SELECT count(*), sum(price) FROM back")[1:] == ["1000,125125.00"]


def test_keys_are_any_text(shop, server):
    for number, key in enumerate(["dt=2026-11-22/a b+c.csv", "it's [1]*?.csv", "größe/%41&x=1;~.csv"]):
        put(shop, server, "odd/" + key, f"{number}\n")
    shop.ask("CREATE TABLE odd (n INT)")
    shop.ask("COPY odd FROM 's3://landing/odd/' IAM_ROLE default CSV")
    assert shop.ask("SELECT count(*), sum(n) FROM odd")[1:] == ["3,3"]
    shop.ask("COPY odd FROM 's3://landing/odd/it''s [1]*?.csv' IAM_ROLE default CSV")
    assert shop.ask("SELECT count(*) FROM odd")[1:] == ["4"]
    shop.ask("UNLOAD ('SELECT n, ''a=b c'' AS dt FROM odd') TO 's3://landing/back of/' IAM_ROLE default CSV PARTITION BY (dt)")
    assert keys(shop, server, "back of/") == ["back of/dt=a=b c/0000_part_00"]
    shop.ask("COPY odd FROM 's3://landing/back of/dt=a=b c/' IAM_ROLE default CSV")
    assert shop.ask("SELECT count(*) FROM odd")[1:] == ["8"]


def test_more_than_a_page_of_keys(shop, server):
    for number in range(1_005):
        put(shop, server, f"many/{number:05}", f"{number}\n")
    shop.ask("CREATE TABLE many (n INT)")
    shop.ask("COPY many FROM 's3://landing/many/' IAM_ROLE default CSV")
    assert shop.ask("SELECT count(*), sum(n) FROM many")[1:] == ["1005,504510"]


def test_a_large_object_goes_and_comes_in_parts(shop, server):
    words = "SELECT i AS id, md5(i::VARCHAR) || md5('b' || i) AS a FROM generate_series(1, 700000) t(i)"
    shop.ask(f"CREATE TABLE large AS {words}")
    for form, back in [("CSV", "CSV"), ("FORMAT PARQUET", "FORMAT PARQUET")]:
        shop.ask(f"UNLOAD ('SELECT * FROM large') TO 's3://landing/large/' IAM_ROLE default {form} PARALLEL OFF CLEANPATH")
        [key] = keys(shop, server, "large/")
        assert shop.s3.head_object(Bucket=server.bucket, Key="in/" + key)["ContentLength"] > 20_000_000
        shop.ask("DROP TABLE IF EXISTS large_back")
        shop.ask("CREATE TABLE large_back (id BIGINT, a VARCHAR(64))")
        shop.ask(f"COPY large_back FROM 's3://landing/{key}' IAM_ROLE default {back}")
        assert shop.ask("SELECT count(*) FROM (SELECT id, a FROM large EXCEPT SELECT id, a FROM large_back)")[1:] == ["0"]
    staging = shop.folder / ".weir/store/s3/.staging/landing"
    assert list(staging.iterdir()) == []


def test_unload_keeps_its_rules_on_s3(shop, server):
    unload = "UNLOAD ('SELECT id FROM sold WHERE id <= {}') TO 's3://landing/rules/' IAM_ROLE default CSV PARALLEL OFF"
    shop.ask(unload.format(3))
    assert "not empty" in shop.refused(unload.format(4))
    shop.ask(unload.format(3))
    shop.ask(unload.format(4) + " ALLOWOVERWRITE")
    body = shop.s3.get_object(Bucket=server.bucket, Key="in/rules/000")["Body"].read()
    assert body == b"1\n2\n3\n4\n"
    put(shop, server, "rules/old", "x")
    shop.ask(unload.format(2) + " CLEANPATH MANIFEST")
    assert keys(shop, server, "rules/") == ["rules/000", "rules/manifest"]


def test_an_object_that_was_replaced_is_read_anew(shop, server):
    shop.ask("CREATE TABLE fresh (n INT)")
    for number in (1, 20, 300):
        shop.ask(f"UNLOAD ('SELECT i::INT AS n FROM generate_series(1, {number}) t(i)') TO 's3://landing/fresh/' IAM_ROLE default PARQUET ALLOWOVERWRITE")
        shop.ask("TRUNCATE fresh")
        shop.ask("COPY fresh FROM 's3://landing/fresh/' IAM_ROLE default PARQUET")
        assert shop.ask("SELECT count(*) FROM fresh")[1:] == [str(number)]


def test_mistakes_are_told(shop, server):
    assert "does not exist" in shop.refused("COPY sold FROM 's3://landing/nothing/' IAM_ROLE default CSV")
    put(shop, server, "list", json.dumps({"entries": [{"url": "s3://landing/none", "mandatory": True}]}))
    assert "mandatory file s3://landing/none" in shop.refused("COPY sold FROM 's3://landing/list' IAM_ROLE default CSV MANIFEST")
    put(shop, server, "wrong.csv", "x,y,z\n")
    told = shop.refused("COPY sold FROM 's3://landing/wrong.csv' IAM_ROLE default CSV")
    assert "s3://landing/wrong.csv" in told and "weirobject" not in told
    put(shop, server, "wrong.parquet", "no parquet at all")
    told = shop.refused("COPY sold FROM 's3://landing/wrong.parquet' IAM_ROLE default PARQUET")
    assert "s3://landing/wrong.parquet" in told and "weirobject" not in told


def test_nobodys_select_reads_a_bucket(shop, server):
    put(shop, server, "private.csv", "1\n")
    for statement in ["SELECT * FROM read_csv('weirobject://landing/private.csv')", "SELECT * FROM 'weirobject://landing/private.csv'",
                      "COPY sold TO 'weirobject://landing/x'", "SELECT * FROM read_text('weirobject://landing/private.csv')"]:
        shop.ask(statement, code=1)


def test_files_are_put_and_looked_at(shop, server):
    headers = {**shop.admin(), "Content-Type": "application/octet-stream"}
    assert shop.request("POST", "/v1/store/files?path=s3://landing/put/a.csv", b"id,name\n1,ant\n", headers).status == 201
    assert shop.request("POST", "/v1/store/files?path=s3://landing/put/a.csv", b"id,name\n", headers).status == 409
    shape = shop.post("/v1/store/inspect", {"path": "s3://landing/put/a.csv"}, shop.admin())
    assert shape.status == 200, shape
    assert [column["name"] for column in shape.json["columns"]] == ["id", "name"] and shape.json["files"] == 1


def test_the_s3_surface_serves_what_lies_on_s3(shop, server):
    lines = dict(line.split(" = ") for line in shop.weir("token", "create", "--access-key", "--admin").strip().splitlines())
    port = shop.get("/v1/status", headers=shop.admin()).json["aws"]["port"]
    own = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id=lines["aws_access_key_id"],
                       aws_secret_access_key=lines["aws_secret_access_key"])
    assert "landing" in [bucket["Name"] for bucket in own.list_buckets()["Buckets"]]
    own.put_object(Bucket="landing", Key="through/a", Body=b"0123456789")
    assert shop.s3.get_object(Bucket=server.bucket, Key="in/through/a")["Body"].read() == b"0123456789"
    assert own.get_object(Bucket="landing", Key="through/a", Range="bytes=3-5")["Body"].read() == b"345"
    own.copy_object(Bucket="landing", Key="through/b", CopySource="landing/through/a")
    listed = own.list_objects_v2(Bucket="landing", Prefix="through/")["Contents"]
    assert [(one["Key"], one["Size"]) for one in listed] == [("through/a", 10), ("through/b", 10)]
    assert own.head_object(Bucket="landing", Key="through/a")["ETag"] == listed[0]["ETag"]
    own.delete_object(Bucket="landing", Key="through/a")
    assert keys(shop, server, "through/") == ["through/b"]


# --- a network that fails ---


class Proxy:
    """Before a server: passes requests on, unless `fault` says otherwise of (method, path with query, how often it came)."""

    def __init__(self, server):
        self.server, self.key, self.bucket = server, server.key, server.bucket
        self.fault = lambda method, path, count: None
        self.heads, self.counts, self.held = [], {}, []
        self.upstream = int(server.endpoint.rsplit(":", 1)[1])
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listening.close()
        for one in self.held:
            one.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = client.recv(65536)
            if not piece:
                client.close()
                return
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        size = re.search(rb"(?i)content-length: (\d+)", head)
        while size and len(body) < int(size.group(1)):
            body += client.recv(1 << 20)
        method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.heads.append(head.decode())
        count = self.counts[method, path] = self.counts.get((method, path), 0) + 1
        fault = self.fault(method, path, count)
        if fault == "hang":
            self.held.append(client)
            return
        if fault == "503":
            client.sendall(b"HTTP/1.1 503 Slow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif fault != "close":
            with socket.create_connection(("127.0.0.1", self.upstream)) as upstream:
                upstream.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
                answer = b"".join(iter(lambda: upstream.recv(1 << 20), b""))
            try:
                client.sendall(answer if fault is None else answer[:len(answer) // 2] if fault == "cut" else b"")
            except OSError:
                pass
        client.close()


def signed_right(head, key, token=None):
    """Whether AWS's own library would have signed the request so."""
    lines = head.split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
    claim = headers["authorization"]
    request = AWSRequest(method=method, url=f"http://{headers['host']}{path}")
    for name in re.search(r"SignedHeaders=([^,]+)", claim).group(1).split(";"):
        request.headers[name] = headers[name]
    request.context["timestamp"] = headers["x-amz-date"]
    signer = S3SigV4Auth(Credentials(*key, token), "s3", "us-east-1")
    calculated = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return claim.endswith("Signature=" + calculated)


@pytest.fixture(scope="module")
def s3rver(tmp_path_factory):
    made = S3rver(tmp_path_factory.mktemp("s3rver") / "data")
    yield made
    made.close()


@pytest.fixture
def proxy(s3rver):
    made = Proxy(s3rver)
    client = client_of(s3rver)
    for one in client.list_objects_v2(Bucket=s3rver.bucket).get("Contents", []):
        client.delete_object(Bucket=s3rver.bucket, Key=one["Key"])
    yield made
    made.close()


@pytest.fixture
def behind(proxy, tmp_path):
    """A weir whose bucket lies behind the proxy, with a table of 300000 rows, 20 MB as CSV."""
    made = Shop(tmp_path / "shop")
    made.folder.mkdir()
    made.s3 = client_of(proxy.server)
    made.on(proxy)
    made.ask("CREATE TABLE large AS SELECT i AS id, i % 4 AS part, md5(i::VARCHAR) || md5('b' || i) AS a FROM generate_series(1, 300000) t(i)")
    made.ask("CREATE TABLE back (id BIGINT, part BIGINT, a VARCHAR(64))")
    yield made
    made.kill()


@pytest.mark.parametrize("fault", ["503", "close", "cut"])
def test_what_fails_once_is_done_again(behind, proxy, fault):
    proxy.fault = lambda method, path, count: fault if count == 1 else None
    behind.ask("UNLOAD ('SELECT * FROM large') TO 's3://landing/once/' IAM_ROLE default CSV MANIFEST")
    behind.ask("COPY back FROM 's3://landing/once/manifest' IAM_ROLE default CSV MANIFEST")
    assert behind.ask("SELECT count(*) FROM (SELECT * FROM large EXCEPT SELECT * FROM back)")[1:] == ["0"]
    assert behind.ask("SELECT count(*) FROM back")[1:] == ["300000"]
    assert any("uploadId" in head for head in proxy.heads), "it went in parts"


def test_requests_are_signed_as_awss_own_library_signs_them(behind, proxy):
    for number, key in enumerate(["dt=2026-11-22/a b+c.csv", "it's [1]*?.csv", "größe/%41&x=1;~.csv"]):
        put(behind, proxy, "odd/" + key, f"{number},1,x\n")
    behind.ask("COPY back FROM 's3://landing/odd/' IAM_ROLE default CSV")
    behind.ask("UNLOAD ('SELECT * FROM large') TO 's3://landing/signed =+/' IAM_ROLE default CSV MANIFEST")
    behind.ask("UNLOAD ('SELECT 1 AS n') TO 's3://landing/signed =+/' IAM_ROLE default CSV CLEANPATH")
    kinds = {(head.split(" ")[0], "uploadId" in head, "Range:" in head) for head in proxy.heads}
    assert {("GET", False, False), ("GET", False, True), ("HEAD", False, False), ("PUT", False, False), ("PUT", True, False), ("POST", True, False),
            ("DELETE", False, False)} <= kinds, kinds
    assert [head for head in proxy.heads if not signed_right(head, proxy.key)] == []


def test_an_unload_that_fails_half_way_leaves_nothing(behind, proxy):
    unload = "UNLOAD ('SELECT id, part FROM large WHERE id < 100') TO 's3://landing/half/' IAM_ROLE default CSV PARTITION BY (part)"
    proxy.fault = lambda method, path, count: "503" if method == "PUT" and "part%3D2" in path else None
    assert "503" in behind.refused(unload)
    assert any(head.startswith("PUT") and "part%3D0" in head for head in proxy.heads), "others were there"
    assert keys(behind, proxy) == []
    proxy.fault = lambda method, path, count: None
    behind.ask(unload)
    assert len(keys(behind, proxy, "half/")) == 4
    # What cannot be taken back is told.
    proxy.fault = lambda method, path, count: "503" if (method == "PUT" and "part%3D2" in path) or method == "DELETE" else None
    told = behind.refused(unload.replace("half", "told"))
    assert "still there: told/part=0/0000_part_00, told/part=1/0000_part_00" in told


def test_parts_that_cannot_be_sent_are_taken_back(behind, proxy):
    proxy.fault = lambda method, path, count: "close" if "partNumber=2" in path else None
    behind.refused("UNLOAD ('SELECT * FROM large') TO 's3://landing/parts/' IAM_ROLE default CSV")
    assert keys(behind, proxy) == []
    assert any(head.startswith("DELETE") and "uploadId" in head for head in proxy.heads)


def test_an_answer_that_was_lost_is_no_failure(behind, proxy):
    proxy.fault = lambda method, path, count: "nothing" if method == "POST" and "uploadId" in path and count == 1 else None
    behind.ask("UNLOAD ('SELECT * FROM large') TO 's3://landing/lost/' IAM_ROLE default CSV")
    assert len(keys(behind, proxy, "lost/")) == 1


def test_an_object_that_changes_while_it_is_read_is_an_error(behind, proxy):
    behind.ask("UNLOAD ('SELECT * FROM large') TO 's3://landing/change/' IAM_ROLE default CSV")
    [key] = keys(behind, proxy, "change/")

    def fault(method, path, count):
        if method == "GET" and key in path:
            behind.s3.put_object(Bucket=proxy.bucket, Key="in/" + key, Body=b"1,1,x\n" * 5_000_000)

    proxy.fault = fault
    told = behind.refused("COPY back FROM 's3://landing/change/' IAM_ROLE default CSV")
    assert "replaced while it was read" in told or "answered with other bytes" in told
    assert behind.ask("SELECT count(*) FROM back")[1:] == ["0"]


@pytest.mark.parametrize("statement", ["COPY back FROM 's3://landing/hang' IAM_ROLE default CSV",
                                       "UNLOAD ('SELECT * FROM large') TO 's3://landing/hang' IAM_ROLE default CSV ALLOWOVERWRITE"])
def test_a_server_that_hangs_holds_nobody(behind, proxy, statement):
    behind.s3.put_object(Bucket=proxy.bucket, Key="in/hang", Body=b"1,1,x\n")
    proxy.fault = lambda method, path, count: "hang" if "hang" in path and "list-type" not in path else None
    for stop in ("limit", "cancel"):
        proxy.counts.clear()
        heads = len(proxy.heads)
        made = str(uuid.uuid4())
        body = {"sql": statement, "statement_id": made, **({"time_limit_ms": 2000} if stop == "limit" else {})}
        answers = []
        asking = threading.Thread(target=lambda: answers.append(behind.post("/v1/sql", body, behind.admin(), timeout=90)))
        asking.start()
        wait_for(lambda: any("hang" in head.split("\r\n")[0] and "list-type" not in head for head in proxy.heads[heads:]), "it waits for the server")
        if stop == "cancel":
            assert behind.request("DELETE", f"/v1/statements/{made}", headers=behind.admin()).status == 204
        asking.join(60)
        assert answers and answers[0].status != 200, answers
        assert answers[0].json["error"]["code"] == ("timed_out" if stop == "limit" else "cancelled"), answers


def test_a_kill_leaves_no_object_and_no_file(behind, proxy):
    proxy.fault = lambda method, path, count: "hang" if "partNumber=2" in path else None
    asking = threading.Thread(target=lambda: subprocess.run(
        [BINARY, "sql", "UNLOAD ('SELECT * FROM large') TO 's3://landing/kill/' IAM_ROLE default CSV", "--dir", str(behind.folder)], capture_output=True))
    asking.start()
    wait_for(lambda: any("partNumber=2" in head for head in proxy.heads), "it sends parts")
    staging = behind.folder / ".weir/store/s3/.staging/landing"
    assert list(staging.iterdir()) != []
    behind.kill()
    asking.join()
    assert keys(behind, proxy) == []
    proxy.fault = lambda method, path, count: None
    behind.start()
    behind.ask("UNLOAD ('SELECT * FROM large') TO 's3://landing/kill/' IAM_ROLE default CSV")
    assert len(keys(behind, proxy, "kill/")) == 1
    assert list(staging.iterdir()) == []


# --- what is declared ---


@pytest.fixture
def fresh(tmp_path):
    made = Shop(tmp_path / "shop")
    made.folder.mkdir()
    yield made
    made.kill()


def test_wrong_credentials_are_told_without_them(tmp_path, fresh):
    second = SecondWeir(tmp_path / "data")
    try:
        wrong_credentials(second, fresh)
    finally:
        second.close()


def wrong_credentials(server, fresh):
    fresh.on(server, secret=SECRET)
    fresh.ask("CREATE TABLE t (n INT)")
    told = fresh.refused("COPY t FROM 's3://landing/x' IAM_ROLE default CSV")
    assert "403 SignatureDoesNotMatch" in told and "access_key and secret_key" in told
    assert "403" in fresh.refused("UNLOAD ('SELECT 1') TO 's3://landing/x' IAM_ROLE default CSV")
    fresh.weir("secret", "set", "LANDING_SECRET", stdin=server.key[1])
    assert "does not exist" in fresh.refused("COPY t FROM 's3://landing/none' IAM_ROLE default CSV"), "a new secret counts at once"
    fresh.weir("secret", "rm", "LANDING_SECRET")
    assert "no secret is named 'LANDING_SECRET'" in fresh.refused("COPY t FROM 's3://landing/none' IAM_ROLE default CSV")
    assert SECRET not in fresh.output()


def test_a_server_that_is_not_there_and_a_bucket_that_is_not(s3rver, fresh):
    fresh.on(s3rver, endpoint=f"http://127.0.0.1:{free_port()}", more=f"""
  elsewhere: {{endpoint: "{s3rver.endpoint}", bucket: not-made, access_key: "${{secret:LANDING_KEY}}", secret_key: "${{secret:LANDING_SECRET}}"}}
""")
    fresh.ask("CREATE TABLE t (n INT)")
    assert "is the server running" in fresh.refused("COPY t FROM 's3://landing/x' IAM_ROLE default CSV")
    assert "NoSuchBucket" in fresh.refused("COPY t FROM 's3://elsewhere/x' IAM_ROLE default CSV")
    fresh.ask("UNLOAD ('SELECT 1 AS n') TO 's3://folder/x' IAM_ROLE default CSV")  # a bucket that nobody declares is a folder
    fresh.ask("COPY t FROM 's3://folder/x' IAM_ROLE default CSV")


@pytest.mark.parametrize("lines,told", [
    ("landing: {endpoint: 'https://h', access_key: AKIA, secret_key: '${secret:K}'}", "weir.yaml:3:48: access_key: access_key is a secret"),
    ("landing: {endpoint: 'https://h', access_key: '${secret:K}'}", "access_key and secret_key come together"),
    ("landing: {endpoint: 'http://minio.example:9000'}", "is not encrypted"),
    ("landing: {endpoint: 'https://h/path'}", "without a path"),
    ("landing: {bucket: other}", "it has no endpoint"),
    ("landing: {endpoint: 'https://h', kms_key: k}", "needs encryption: aws:kms"),
    ("landing: {endpont: 'https://h'}", "did you mean 'endpoint'"),
    ("LANDING: {endpoint: 'https://h'}", "weir.yaml:3:12: buckets:"),
    ("landing: {encryption: rot13}", "AES256"),
])
def test_declarations_that_make_no_sense(fresh, lines, told):
    fresh.write("weir.yaml", "name: shop\n")
    fresh.weir("secret", "set", "K", stdin="AKIA")
    fresh.write("weir.yaml", "buckets:\n\n  " + lines + "\n")
    done = subprocess.run([BINARY, "serve", "--dir", str(fresh.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and told in done.stderr + done.stdout, done.stderr + done.stdout
    assert "AKIA" not in done.stderr + done.stdout


def test_host_addressing_and_encryption_headers(tmp_path, fresh):
    server = S3rver(tmp_path / "data", "--service-endpoint", "localhost")
    proxy = Proxy(server)
    try:
        fresh.write("weir.yaml", "name: shop\n")
        fresh.weir("secret", "set", "LANDING_TOKEN", stdin="a-token")
        fresh.on(server, endpoint=proxy.endpoint.replace("127.0.0.1", "s3.localhost"), more="""
    plain_http: true
    addressing: host
    encryption: aws:kms
    kms_key: arn:aws:kms:eu-central-1:111122223333:key/1
    session_token: ${secret:LANDING_TOKEN}
""")
        fresh.ask("UNLOAD ('SELECT 1 AS n') TO 's3://landing/x' IAM_ROLE default CSV")
        [put_head] = [head for head in proxy.heads if head.startswith("PUT")]
        assert put_head.startswith("PUT /in/x0000_part_00 ") and "Host: shop-landing.s3.localhost:" in put_head
        assert "x-amz-server-side-encryption: aws:kms" in put_head and "key-id: arn:aws:kms:eu-central-1:111122223333:key/1" in put_head
        assert "x-amz-security-token: a-token" in put_head
        assert len(proxy.heads) > 1 and all(signed_right(head, server.key, "a-token") for head in proxy.heads)
        fresh.ask("CREATE TABLE t (n INT)")
        fresh.ask("COPY t FROM 's3://landing/x' IAM_ROLE default CSV")
    finally:
        proxy.close()
        server.close()


# --- sealed buckets ---


@pytest.fixture
def vault(fresh):
    fresh.write("weir.yaml", "buckets:\n  vault: {seal_key: '${secret:SEAL}'}\n")
    fresh.weir("secret", "set", "SEAL", stdin=secrets.token_hex(32))
    fresh.start()
    fresh.ask("CREATE TABLE sold AS SELECT i AS id, 'customer-' || i AS name FROM generate_series(1, 50000) t(i)")
    fresh.ask("CREATE TABLE back (id BIGINT, name VARCHAR(30))")
    fresh.stored = fresh.folder / ".weir/store/s3/vault"
    return fresh


@pytest.mark.parametrize("form", ["CSV", "CSV GZIP", "FORMAT JSON", "FORMAT PARQUET"])
def test_a_sealed_bucket_is_read_as_any_other(vault, form):
    vault.ask(f"UNLOAD ('SELECT * FROM sold') TO 's3://vault/a/' IAM_ROLE default {form} MANIFEST")
    vault.ask(f"COPY back FROM 's3://vault/a/manifest' IAM_ROLE default {form + (chr(32) + chr(39) + 'auto' + chr(39) if 'JSON' in form else '')} MANIFEST")
    assert vault.ask("SELECT count(*) FROM (SELECT * FROM sold EXCEPT SELECT * FROM back)")[1:] == ["0"]
    files = [path for path in vault.stored.rglob("*") if path.is_file()]
    assert len(files) == 2 and all(path.read_bytes().startswith(b"weirseal\1") for path in files)
    assert not any(b"customer-" in path.read_bytes() or b"s3://" in path.read_bytes() for path in files)
    assert list((vault.stored / ".staging").iterdir()) == []


def test_what_was_changed_in_a_sealed_bucket_is_not_loaded(vault):
    vault.ask("UNLOAD ('SELECT * FROM sold') TO 's3://vault/a' IAM_ROLE default CSV PARALLEL OFF")
    path = vault.stored / "a000"
    good = path.read_bytes()
    chunk = 65536 + 16
    copy = "COPY back FROM 's3://vault/a000' IAM_ROLE default CSV"
    for bad in [good[:500_000] + bytes([good[500_000] ^ 1]) + good[500_001:], good[:84 + 2 * chunk], good[:-1], good + b"x",
                good[:84] + good[84 + chunk:84 + 2 * chunk] + good[84:84 + chunk] + good[84 + 2 * chunk:]]:
        path.write_bytes(bad)
        assert "was changed, cut short" in vault.refused(copy)
    path.write_bytes(b"1,plain\n")
    assert "is not sealed" in vault.refused(copy)
    assert vault.ask("SELECT count(*) FROM back")[1:] == ["0"]
    path.write_bytes(good)
    (vault.stored / "b000").write_bytes(good)
    assert "under another name" in vault.refused(copy.replace("a000", "b000"))
    vault.weir("secret", "set", "SEAL", stdin=secrets.token_hex(32))
    assert "sealed with another key" in vault.refused(copy)
    vault.weir("secret", "set", "SEAL", stdin="too short")
    assert "not 32 bytes" in vault.refused(copy) and "too short" not in vault.stderr
    vault.weir("secret", "rm", "SEAL")
    assert "its key cannot be had: no secret is named 'SEAL'" in vault.refused(copy)
    assert vault.ask("SELECT count(*) FROM back")[1:] == ["0"]


def test_the_s3_surface_opens_what_is_sealed(vault):
    lines = dict(line.split(" = ") for line in vault.weir("token", "create", "--access-key", "--admin").strip().splitlines())
    port = vault.get("/v1/status", headers=vault.admin()).json["aws"]["port"]
    own = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id=lines["aws_access_key_id"],
                       aws_secret_access_key=lines["aws_secret_access_key"])
    body = bytes(range(256)) * 1000
    own.put_object(Bucket="vault", Key="a", Body=body)
    assert own.get_object(Bucket="vault", Key="a")["Body"].read() == body
    assert own.get_object(Bucket="vault", Key="a", Range="bytes=65530-65545")["Body"].read() == body[65530:65546]
    assert own.head_object(Bucket="vault", Key="a")["ContentLength"] == len(body) == own.list_objects_v2(Bucket="vault")["Contents"][0]["Size"]
    upload = own.create_multipart_upload(Bucket="vault", Key="b")["UploadId"]
    part = own.upload_part(Bucket="vault", Key="b", UploadId=upload, PartNumber=1, Body=body)
    assert not any(body[:256] in path.read_bytes() for path in vault.stored.rglob("*") if path.is_file()), "parts are sealed too"
    own.complete_multipart_upload(Bucket="vault", Key="b", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    own.copy_object(Bucket="vault", Key="c", CopySource="vault/b")
    assert own.get_object(Bucket="vault", Key="c")["Body"].read() == body
    shape = vault.request("POST", "/v1/store/files?path=s3://vault/t.csv", b"id,name\n1,ant\n", {**vault.admin(), "Content-Type": "text/csv"})
    assert shape.status == 201
    assert vault.post("/v1/store/inspect", {"path": "s3://vault/t.csv"}, vault.admin()).json["rows"] == [[1, "ant"]]
    assert (vault.stored / "t.csv").read_bytes().startswith(b"weirseal")


def test_objects_on_s3_are_sealed_too(s3rver, fresh):
    fresh.write("weir.yaml", "name: shop\n")
    fresh.weir("secret", "set", "SEAL", stdin=secrets.token_hex(32))
    fresh.on(s3rver, more="    seal_key: ${secret:SEAL}\n")
    fresh.ask("UNLOAD ('SELECT i::INT AS n FROM generate_series(1, 3000000) t(i)') TO 's3://landing/sealed/' IAM_ROLE default CSV PARALLEL OFF ALLOWOVERWRITE")
    raw = client_of(s3rver).get_object(Bucket=s3rver.bucket, Key="in/sealed/000")["Body"].read()
    assert raw.startswith(b"weirseal") and len(raw) > 20_000_000
    fresh.ask("CREATE TABLE t (n INT)")
    fresh.ask("COPY t FROM 's3://landing/sealed/' IAM_ROLE default CSV")
    assert fresh.ask("SELECT count(*), sum(n) FROM t")[1:] == ["3000000,4500001500000"]


def test_a_slow_bucket_delays_no_other_flow_and_shows_how_it_fails(proxy, tmp_path):
    shop = Shop(tmp_path / "shop")
    shop.folder.mkdir()
    shop.s3 = client_of(proxy.server)
    flow = "triggers:\n  - {{object: 's3://{place}/', quiet: 0s}}\nsteps:\n  - {{sql: 'SELECT 1'}}\n"
    shop.write("flows/far.yaml", flow.format(place="landing/drop"))
    shop.write("flows/near.yaml", flow.format(place="inbox/drop"))
    lists = lambda: [head for head in proxy.heads if head.startswith("GET") and "list-type=2" in head]
    # It answers nothing at all while the trigger is new: the server starts all the same, and the other flow runs.
    proxy.fault = lambda method, path, count: "hang" if method == "GET" else None
    try:
        shop.on(proxy, more="    list_every: 1s")
        shop.admin()
        state = lambda name: next(one for one in shop.get("/v1/flows", headers=shop.admin()).json["flows"] if one["name"] == name)
        assert state("far")["objects"] == [{"place": "s3://landing/drop/", "listed_at": None, "failing_since": None}]
        begun = len(lists())
        assert begun >= 1
        for count in (1, 2):
            shop.ask(f"UNLOAD ('SELECT {count}') TO 's3://inbox/drop/{count}/' IAM_ROLE default CSV")
            wait_for(lambda: len(shop.get("/v1/runs?name=near", headers=shop.admin()).json["runs"]) == count, "the near flow ran")
        assert state("near")["objects"][0]["listed_at"] and state("far")["objects"][0]["listed_at"] is None
        # Then it refuses: that is shown, and asked ever more seldom.
        proxy.fault = lambda method, path, count: "503" if method == "GET" else None
        for one in proxy.held:
            one.close()
        wait_for(lambda: state("far")["objects"][0]["failing_since"], "the failure is in the flow's state", 90)
        assert "503" in state("far")["objects"][0]["error"] or "landing" in state("far")["objects"][0]["error"]
        assert "start.objects_not_listed" in shop.output()
        proxy.fault = lambda method, path, count: None
        wait_for(lambda: state("far")["objects"][0]["failing_since"] is None and state("far")["objects"][0]["listed_at"], "it is listed again", 90)
        assert "start.objects_listed_again" in shop.output()
        put(shop, proxy.server, "drop/a", "x")
        wait_for(lambda: state("far")["last_run"], "and what is written starts a run")
        assert state("far")["last_run"]["cause"]["object"] == "s3://landing/drop/a"
    finally:
        shop.kill()
