"""AWS's dialects, spoken by AWS's own clients: the Data API, Firehose, Secrets Manager, short-lived passwords, S3."""
import base64
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

import pytest
from client_table import ran, version_in
from conftest import Project, wait_for

CLIENTS = pathlib.Path(os.environ["WEIR_CLIENTS"])
sys.path.insert(0, str(CLIENTS / "python"))
import boto3  # noqa: E402
import botocore.exceptions  # noqa: E402
from botocore.config import Config  # noqa: E402

PASSWORD = "Wonder1and"
STREAM = """
key: id
time: at
fields:
  id: {type: string}
  at: {type: timestamp}
  page: {type: string}
"""


class Aws(Project):
    def begin(self):
        self.start()
        self.aws = self.get("/v1/status", headers=self.admin()).json["aws"]
        self.endpoint = f"http://127.0.0.1:{self.aws['port']}"
        return self

    def key(self, *options):
        """A new access key, as (id, secret)."""
        lines = dict(line.split(" = ") for line in self.weir("token", "create", "--access-key", *options).strip().splitlines())
        return lines["aws_access_key_id"], lines["aws_secret_access_key"]

    def client(self, service, key, **config):
        return boto3.client(service, endpoint_url=self.endpoint, region_name="eu-west-1", aws_access_key_id=key[0], aws_secret_access_key=key[1],
                            config=Config(retries={"max_attempts": 1}, **config))

    def sql(self, statement):
        return self.weir("sql", statement, "--format", "csv").splitlines()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Aws(tmp_path_factory.mktemp("aws") / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "limits: {sql_concurrent: 4}\n")
    made.write("streams/visits.yaml", STREAM)
    made.begin()
    made.admin_key = made.key("--admin")
    made.weir("sql", f"CREATE USER ann PASSWORD '{PASSWORD}'")
    made.ann_key = made.key("--user", "ann")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def data(served):
    return served.client("redshift-data", served.admin_key)


@pytest.fixture(scope="module")
def s3(served):
    made = served.client("s3", served.admin_key)
    made.create_bucket(Bucket="landing")
    return made


def ended(data, job):
    return wait_for(lambda: (lambda now: now if now["Status"] in ("FINISHED", "FAILED", "ABORTED") else None)(data.describe_statement(Id=job)), f"{job} ended")


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]


# --- the Data API ---


def test_a_statement_is_submitted_described_and_read(data):
    begun = data.execute_statement(Sql="SELECT 1 AS n, 2.5::DECIMAL(5,2) AS d, 'a' AS s, NULL AS nothing, true AS yes, 1.5::FLOAT8 AS f, DATE '2026-11-22' AS day",
                                   Database="shop", ClusterIdentifier="warehouse", StatementName="first")
    assert begun["ClusterIdentifier"] == "warehouse" and begun["Database"] == "shop"
    assert isinstance(begun["CreatedAt"], datetime.datetime)
    now = ended(data, begun["Id"])
    assert now["Status"] == "FINISHED" and now["HasResultSet"] and now["ResultRows"] == 1 and now["Duration"] > 0
    assert now["QueryString"].startswith("SELECT 1 AS n")
    result = data.get_statement_result(Id=begun["Id"])
    assert result["Records"] == [[{"longValue": 1}, {"stringValue": "2.50"}, {"stringValue": "a"}, {"isNull": True}, {"booleanValue": True},
                                  {"doubleValue": 1.5}, {"stringValue": "2026-11-22"}]]
    assert result["TotalNumRows"] == 1 and "NextToken" not in result
    assert [(c["name"], c["typeName"]) for c in result["ColumnMetadata"]] == [
        ("n", "int4"), ("d", "numeric"), ("s", "varchar"), ("nothing", "int4"), ("yes", "bool"), ("f", "float8"), ("day", "date")]
    assert (result["ColumnMetadata"][1]["precision"], result["ColumnMetadata"][1]["scale"]) == (5, 2)


def test_waiting_spares_the_asking(data):
    done = data.execute_statement(Sql="SELECT 42 AS answer", WaitTimeSeconds=10)
    assert done["Status"] == "FINISHED" and done["HasResultSet"]
    assert data.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 42}]]
    slow = data.execute_statement(Sql="SELECT count(*) FROM generate_series(1, 40000000000)", WaitTimeSeconds=1)
    assert slow["Status"] == "STARTED"
    assert data.describe_statement(Id=slow["Id"], WaitTimeSeconds=1)["Status"] == "STARTED"
    assert data.cancel_statement(Id=slow["Id"])["Status"] is True
    now = ended(data, slow["Id"])
    assert now["Status"] == "ABORTED" and "cancel" in now["Error"]
    assert "ended already" in refused(data.cancel_statement, Id=slow["Id"])["Message"]


def test_a_statement_that_fails_says_why(data):
    now = ended(data, data.execute_statement(Sql="SELECT * FROM nowhere")["Id"])
    assert now["Status"] == "FAILED" and now["Error"].startswith("ERROR: ") and "nowhere" in now["Error"]
    error = refused(data.get_statement_result, Id=now["Id"])
    assert error["Code"] == "ValidationException" and "FAILED" in error["Message"]
    assert refused(data.describe_statement, Id="00000000-0000-0000-0000-000000000000")["Code"] == "ResourceNotFoundException"
    assert refused(data.execute_statement, Sql="SELECT 'open")["Code"] == "ValidationException"


def test_parameters_have_names(data):
    done = data.execute_statement(Sql="SELECT :a::int + 1 AS n, :b AS t, x FROM (SELECT 7 AS x) WHERE x = :c AND :b <> ''", WaitTimeSeconds=10,
                                  Parameters=[{"name": "a", "value": "41"}, {"name": "b", "value": "it's"}, {"name": "c", "value": "7"}])
    assert done["Status"] == "FINISHED", data.describe_statement(Id=done["Id"])
    assert data.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 42}, {"stringValue": "it's"}, {"longValue": 7}]]
    missing = data.execute_statement(Sql="SELECT :a, :z", WaitTimeSeconds=10, Parameters=[{"name": "a", "value": "1"}])
    assert ":z was not given" in data.describe_statement(Id=missing["Id"])["Error"]


def test_a_batch_is_one_transaction_or_none(data, served):
    done = data.batch_execute_statement(Sqls=["CREATE TABLE pairs (a INT, b VARCHAR(9))", "INSERT INTO pairs VALUES (1, 'x'), (2, 'y')", "SELECT * FROM pairs ORDER BY a"],
                                        WaitTimeSeconds=10)
    now = data.describe_statement(Id=done["Id"])
    assert [one["Status"] for one in now["SubStatements"]] == ["FINISHED"] * 3, now
    assert [one["ResultRows"] for one in now["SubStatements"]][1:] == [2, 2]
    assert [one["HasResultSet"] for one in now["SubStatements"]] == [False, False, True]
    assert data.get_statement_result(Id=done["Id"] + ":3")["Records"] == [[{"longValue": 1}, {"stringValue": "x"}], [{"longValue": 2}, {"stringValue": "y"}]]
    bad = data.batch_execute_statement(Sqls=["INSERT INTO pairs VALUES (3, 'z')", "INSERT INTO pairs VALUES ('no number', 'z')"], WaitTimeSeconds=10)
    now = data.describe_statement(Id=bad["Id"])
    assert now["Status"] == "FAILED" and [one["Status"] for one in now["SubStatements"]] == ["ABORTED", "FAILED"]
    assert served.sql("SELECT count(*) FROM pairs")[1] == "2"
    each = data.batch_execute_statement(Sqls=["INSERT INTO pairs VALUES (3, 'z')", "INSERT INTO pairs VALUES ('no number', 'z')"], ExecutionMode="AUTO_COMMIT",
                                        WaitTimeSeconds=10)
    assert [one["Status"] for one in data.describe_statement(Id=each["Id"])["SubStatements"]] == ["FINISHED", "FAILED"]
    assert served.sql("SELECT count(*) FROM pairs")[1] == "3"
    several = data.execute_statement(Sql="INSERT INTO pairs VALUES (4, 'v'); SELECT max(a) AS top FROM pairs;", WaitTimeSeconds=10)
    assert data.get_statement_result(Id=several["Id"])["Records"] == [[{"longValue": 4}]]


def test_large_results_come_in_pages_and_as_csv(data):
    done = data.execute_statement(Sql="SELECT i, 'row ' || i AS t FROM generate_series(1, 60000) g(i)", WaitTimeSeconds=30)
    pages = list(data.get_paginator("get_statement_result").paginate(Id=done["Id"]))
    assert len(pages) > 2 and all(page["TotalNumRows"] == 60000 for page in pages)
    rows = [record for page in pages for record in page["Records"]]
    assert len(rows) == 60000 and rows[59999] == [{"longValue": 60000}, {"stringValue": "row 60000"}]
    assert [row[0]["longValue"] for row in rows] == list(range(1, 60001))
    done = data.execute_statement(Sql="SELECT 1 AS a, 'x,y' AS b, NULL AS c UNION ALL SELECT 2, '', 'z' ORDER BY 1", ResultFormat="CSV", WaitTimeSeconds=30)
    result = data.get_statement_result_v2(Id=done["Id"])
    assert result["Records"] == [{"CSVRecords": '1,"x,y",\r\n2,"",z\r\n'}] and result["ResultFormat"] == "CSV"
    assert "GetStatementResultV2" in refused(data.get_statement_result, Id=done["Id"])["Message"]
    wide = data.execute_statement(Sql="SELECT repeat('x', 70000)", WaitTimeSeconds=30)
    assert "larger than 64 KB" in data.describe_statement(Id=wide["Id"])["Error"]


def test_the_same_client_token_is_the_same_statement(data, served):
    served.sql("CREATE TABLE once (n INT)")
    ids = {data.execute_statement(Sql="INSERT INTO once VALUES (1)", ClientToken="token-1", WaitTimeSeconds=5)["Id"] for _ in range(3)}
    found = []
    threads = [threading.Thread(target=lambda: found.append(data.execute_statement(Sql="INSERT INTO once VALUES (2)", ClientToken="token-2")["Id"])) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended(data, found[0])
    assert len(ids) == 1 and len(set(found)) == 1
    assert served.sql("SELECT count(*) FROM once")[1] == "2"
    assert "another statement" in refused(data.execute_statement, Sql="SELECT 2", ClientToken="token-1")["Message"]


def test_sessions_keep_what_they_made(data):
    begun = data.execute_statement(Sql="CREATE TEMP TABLE mine AS SELECT 5 AS n", SessionKeepAliveSeconds=60, Database="shop", WaitTimeSeconds=10)
    session = begun["SessionId"]
    done = data.execute_statement(Sql="SELECT n FROM mine", SessionId=session, WaitTimeSeconds=10)
    assert data.get_statement_result(Id=done["Id"])["Records"] == [[{"longValue": 5}]]
    listed = data.list_sessions(SessionId=session)["Sessions"]
    assert [(one["Status"], one["SessionAliveSeconds"], one["Database"]) for one in listed] == [("AVAILABLE", 60, "shop")]
    slow = data.execute_statement(Sql="SELECT count(*) FROM generate_series(1, 40000000000)", SessionId=session)
    assert "runs another statement" in refused(data.execute_statement, Sql="SELECT 1", SessionId=session)["Message"]
    data.cancel_statement(Id=slow["Id"])
    ended(data, slow["Id"])
    assert refused(data.execute_statement, Sql="SELECT 1", SessionId="00000000-0000-0000-0000-000000000000")["Code"] == "ResourceNotFoundException"


def test_what_there_is_can_be_listed(data, served):
    served.sql("CREATE SCHEMA sales")
    served.sql("CREATE TABLE sales.orders (id BIGINT NOT NULL, total DECIMAL(10,2), note VARCHAR(40))")
    assert "shop" in data.list_databases(Database="shop")["Databases"]
    assert data.list_schemas(Database="shop", SchemaPattern="sal%")["Schemas"] == ["sales"]
    assert data.list_tables(Database="shop", SchemaPattern="sales")["Tables"] == [{"name": "orders", "schema": "sales", "type": "TABLE"}]
    columns = data.describe_table(Database="shop", Schema="sales", Table="orders")["ColumnList"]
    assert [(c["name"], c["typeName"], c["nullable"], c["precision"], c["scale"]) for c in columns][:2] == [("id", "int8", 0, 64, 0), ("total", "numeric", 1, 10, 2)]
    assert columns[2]["length"] == 40
    all_tables = [table for page in data.get_paginator("list_tables").paginate(Database="shop", PaginationConfig={"PageSize": 7}) for table in page["Tables"]]
    assert len(all_tables) == len({(t["schema"], t["name"]) for t in all_tables}) > 10


def test_statements_are_listed_by_name_and_state(data):
    for number in range(5):
        data.execute_statement(Sql=f"SELECT {number}", StatementName="nightly-load", WaitTimeSeconds=5)
    first = data.list_statements(StatementName="nightly", MaxResults=3)
    rest = data.list_statements(StatementName="nightly", MaxResults=3, NextToken=first["NextToken"])
    assert [one["QueryString"] for one in first["Statements"] + rest["Statements"]] == [f"SELECT {n}" for n in (4, 3, 2, 1, 0)]
    assert "NextToken" not in rest
    assert all(one["Status"] == "FAILED" for one in data.list_statements(Status="FAILED")["Statements"])


def test_rights_are_those_of_the_keys_user(served, data):
    ann = served.client("redshift-data", served.ann_key)
    served.sql("CREATE TABLE secret_things (n INT)")
    done = ann.execute_statement(Sql="SELECT current_user AS me", WaitTimeSeconds=5)
    assert ann.get_statement_result(Id=done["Id"])["Records"] == [[{"stringValue": "ann"}]]
    denied = ann.execute_statement(Sql="SELECT * FROM secret_things", WaitTimeSeconds=5)
    assert "permission denied" in ann.describe_statement(Id=denied["Id"])["Error"]
    assert refused(ann.execute_statement, Sql="SELECT 1", DbUser="weir")["Code"] == "AccessDeniedException"
    assert ann.execute_statement(Sql="SELECT 1", DbUser="ann", WaitTimeSeconds=5)["DbUser"] == "ann"
    # Jobs of others are not there.
    other = data.execute_statement(Sql="SELECT 1", WaitTimeSeconds=5)["Id"]
    assert refused(ann.describe_statement, Id=other)["Code"] == "ResourceNotFoundException"
    # An administrator's key may act as anybody.
    as_ann = data.execute_statement(Sql="SELECT current_user", DbUser="ann", WaitTimeSeconds=5)
    assert data.get_statement_result(Id=as_ann["Id"])["Records"] == [[{"stringValue": "ann"}]]
    assert refused(data.execute_statement, Sql="SELECT 1", DbUser="nobody")["Code"] == "ResourceNotFoundException"


def test_who_is_no_administrator_sees_their_own_statements_only(served, data):
    token = served.weir("token", "create", "--user", "ann").strip()
    slow = data.execute_statement(Sql="SELECT count(*) FROM generate_series(1, 40000000000)")["Id"]
    mine = data.execute_statement(Sql="SELECT 1 + count(*) FROM generate_series(1, 40000000000)", DbUser="ann")["Id"]

    def seen(bearer):
        return sorted(one["sql"][:13] for one in served.get("/v1/statements", headers={"Authorization": f"Bearer {bearer}"}).json["statements"])

    wait_for(lambda: seen(served.admin()["Authorization"].split()[1]) == ["SELECT 1 + co", "SELECT count("], "both run")
    assert seen(token) == ["SELECT 1 + co"]
    for job in (slow, mine):
        data.cancel_statement(Id=job)
        ended(data, job)


def test_a_role_is_granted_by_its_name(served):
    served.sql("CREATE USER \"IAMR:loader\" PASSWORD DISABLE")
    served.sql("CREATE TABLE staged (n INT)")
    served.sql("GRANT INSERT ON staged TO \"IAMR:loader\"")
    loader = served.client("redshift-data", served.key("--user", "IAMR:loader"))
    assert loader.execute_statement(Sql="INSERT INTO staged VALUES (1)", WaitTimeSeconds=5)["Status"] == "FINISHED"
    assert loader.execute_statement(Sql="SELECT * FROM staged", WaitTimeSeconds=5)["Status"] == "FAILED"


def test_a_secret_names_the_user(served, data):
    served.weir("secret", "set", "warehouse-login", stdin=json.dumps({"username": "ann", "password": PASSWORD}))
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:warehouse-login-AbCdEf"
    done = data.execute_statement(Sql="SELECT current_user", SecretArn=arn, WaitTimeSeconds=5)
    assert data.get_statement_result(Id=done["Id"])["Records"] == [[{"stringValue": "ann"}]]
    served.weir("secret", "set", "stale-login", stdin=json.dumps({"username": "ann", "password": "Wrong0ne"}))
    assert refused(data.execute_statement, Sql="SELECT 1", SecretArn="stale-login")["Code"] == "ValidationException"


# --- signatures ---


def test_a_request_must_be_signed_by_a_key_that_is_known(served):
    def code(key, **more):
        return refused(served.client("redshift-data", key, **more).execute_statement, Sql="SELECT 1")["Code"]

    assert code((served.admin_key[0], "wrong")) == "InvalidSignatureException"
    assert code(("WEIR00000000", "wrong")) == "UnrecognizedClientException"
    made = served.key("--read")
    client = served.client("redshift-data", made)
    assert client.execute_statement(Sql="SELECT 1", WaitTimeSeconds=5)["Status"] == "FINISHED"
    served.weir("token", "revoke", made[0][4:].lower())
    assert refused(client.execute_statement, Sql="SELECT 1")["Code"] == "UnrecognizedClientException"
    plain = http.client.HTTPConnection("127.0.0.1", served.aws["port"])
    plain.request("POST", "/", "{}", {"X-Amz-Target": "RedshiftData.ListStatements", "Content-Type": "application/x-amz-json-1.1"})
    reply = plain.getresponse()
    assert reply.status == 403 and json.loads(reply.read())["__type"] == "MissingAuthenticationTokenException"


def test_what_was_changed_on_its_way_is_refused(served):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    def send(body, sent=None, target="RedshiftData.ListStatements", late=0, service="redshift-data"):
        request = AWSRequest("POST", served.endpoint + "/", data=body, headers={"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"})
        signer = SigV4Auth(Credentials(*served.admin_key), service, "eu-west-1")
        signer.add_auth(request)
        headers = dict(request.headers.items())
        if late:
            headers["X-Amz-Date"] = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=late)).strftime("%Y%m%dT%H%M%SZ")
        if sent is not None:
            headers.update(sent)
        connection = http.client.HTTPConnection("127.0.0.1", served.aws["port"])
        connection.request("POST", "/", headers.pop("body", body), headers)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read()).get("__type", "")

    assert send("{}")[0] == 200
    assert send("{}", {"body": '{"Status":"ALL"}'}) == (403, "InvalidSignatureException")
    assert send("{}", {"X-Amz-Target": "RedshiftData.ListSessions"}) == (403, "InvalidSignatureException")
    assert send("{}", {"X-Amz-Added": "1"}) == (403, "InvalidSignatureException")
    # An hour off, on the day that was signed: in the first hour of a day the past hour is of another one.
    an_hour = 3600 if datetime.datetime.now(datetime.timezone.utc).hour else -3600
    assert send("{}", late=an_hour) == (403, "InvalidSignatureException")
    assert send("{}", late=24 * 3600) == (403, "IncompleteSignatureException")
    assert send("{}", service="s3") == (403, "InvalidSignatureException")
    assert send("{}", {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host"})[0] == 403


# --- Firehose ---


def event(number, **more):
    return json.dumps({"id": f"v{number}", "at": datetime.datetime.now(datetime.timezone.utc).isoformat(), "page": "/home", **more})


def test_records_are_events_with_a_verdict_each(served):
    firehose = served.client("firehose", served.key("--write", "visits"))
    one = firehose.put_record(DeliveryStreamName="visits", Record={"Data": event(1) + "\n"})
    assert one["RecordId"]
    second = event(2)
    records = [second, event(3) + "\n", json.dumps(json.loads(event(4)), indent=2), "no json", event(5) + "\n" + event(6), second, ""]
    many = firehose.put_record_batch(DeliveryStreamName="visits", Records=[{"Data": one} for one in records])
    assert many["FailedPutCount"] == 0 and len(many["RequestResponses"]) == len(records)
    assert all(response["RecordId"] for response in many["RequestResponses"])
    assert served.sql("SELECT count(*), count(DISTINCT id) FROM visits")[1] == "6,6"
    assert served.sql("SELECT count(*) FROM visits_quarantine")[1] == "1"
    assert firehose.list_delivery_streams()["DeliveryStreamNames"] == ["visits"]
    assert firehose.describe_delivery_stream(DeliveryStreamName="visits")["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"
    assert refused(firehose.put_record, DeliveryStreamName="nothing", Record={"Data": "{}"})["Code"] == "ResourceNotFoundException"
    assert refused(firehose.put_record_batch, DeliveryStreamName="visits", Records=[{"Data": "{}"}] * 501)["Code"] == "InvalidArgumentException"
    reader = served.client("firehose", served.ann_key)
    assert refused(reader.put_record, DeliveryStreamName="visits", Record={"Data": "{}"})["Code"] == "AccessDeniedException"


# --- secrets and short-lived passwords ---


def test_secrets_are_read_by_who_may(served):
    secrets = served.client("secretsmanager", served.admin_key)
    served.weir("secret", "set", "partner", stdin="s3cret value")
    found = secrets.get_secret_value(SecretId="partner")
    assert found["SecretString"] == "s3cret value" and found["VersionStages"] == ["AWSCURRENT"]
    assert secrets.get_secret_value(SecretId=found["ARN"])["Name"] == "partner"
    assert "partner" in [one["Name"] for one in secrets.list_secrets()["SecretList"]]
    assert refused(secrets.get_secret_value, SecretId="nothing")["Code"] == "ResourceNotFoundException"
    served.weir("secret", "set", "ann-login", stdin=json.dumps({"username": "ann", "password": PASSWORD}))
    ann = served.client("secretsmanager", served.ann_key)
    assert json.loads(ann.get_secret_value(SecretId="ann-login")["SecretString"])["username"] == "ann"
    assert refused(ann.get_secret_value, SecretId="partner")["Code"] == "AccessDeniedException"
    assert refused(ann.get_secret_value, SecretId="nothing")["Code"] == "AccessDeniedException"
    assert refused(ann.list_secrets)["Code"] == "AccessDeniedException"


def test_a_short_password_opens_the_wire(served):
    import psycopg2

    wire = served.get("/v1/status", headers=served.admin()).json["wire"]

    def me(given):
        with psycopg2.connect(host="127.0.0.1", port=wire["port"], dbname="shop", user=given["DbUser"], password=given["DbPassword"]) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_user")
                return cursor.fetchone()[0]

    admin = served.client("redshift", served.admin_key)
    first = admin.get_cluster_credentials(DbUser="ann", ClusterIdentifier="warehouse")
    second = admin.get_cluster_credentials(DbUser="ann", ClusterIdentifier="warehouse", DurationSeconds=3600)
    assert first["DbUser"] == "IAM:ann" and first["DbPassword"] != second["DbPassword"]
    assert first["Expiration"] > datetime.datetime.now(datetime.timezone.utc)
    assert me(first) == "ann" and me(second) == "ann"
    with pytest.raises(psycopg2.OperationalError):
        me({"DbUser": "IAM:ann", "DbPassword": PASSWORD})
    made = admin.get_cluster_credentials(DbUser="newcomer", ClusterIdentifier="warehouse", AutoCreate=True)
    assert made["DbUser"] == "IAMA:newcomer" and me(made) == "newcomer"
    ann = served.client("redshift", served.ann_key)
    assert me(ann.get_cluster_credentials_with_iam(ClusterIdentifier="warehouse")) == "ann"
    assert refused(ann.get_cluster_credentials, DbUser="newcomer", ClusterIdentifier="warehouse")["Code"] == "AccessDenied"
    serverless = served.client("redshift-serverless", served.ann_key).get_credentials(workgroupName="default")
    assert me({"DbUser": serverless["dbUser"], "DbPassword": serverless["dbPassword"]}) == "ann"
    assert served.client("redshift", served.admin_key).describe_clusters(ClusterIdentifier="warehouse")["Clusters"][0]["Endpoint"]["Port"] == wire["port"]
    assert served.client("sts", served.ann_key).get_caller_identity()["Arn"].endswith("user/ann")


def test_redshift_connector_signs_in_with_an_access_key(served):
    script = """
import sys, redshift_connector
key, secret, endpoint = sys.argv[1:]
with redshift_connector.connect(iam=True, database="shop", db_user="ann", cluster_identifier="warehouse", region="eu-west-1", access_key_id=key,
                                secret_access_key=secret, endpoint_url=endpoint) as connection:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        print(cursor.fetchall())
"""
    # It takes nothing but TLS with a certificate that it trusts.
    done = subprocess.run([sys.executable, "-c", script, *served.admin_key, served.endpoint], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": str(CLIENTS / "python"), "SSL_CERT_FILE": str(served.folder / ".weir/tls/certificate.pem")})
    assert done.stdout == "(['ann'],)\n", done.stderr[-2000:]


# --- S3 ---


def test_objects_are_put_read_listed_and_removed(s3):
    body = b"id,name\n1,x\n2,y\n"
    put = s3.put_object(Bucket="landing", Key="in/2026/a b+c.csv", Body=body)
    got = s3.get_object(Bucket="landing", Key="in/2026/a b+c.csv")
    assert got["Body"].read() == body and got["ETag"] == put["ETag"] and got["ContentLength"] == len(body)
    assert s3.get_object(Bucket="landing", Key="in/2026/a b+c.csv", Range="bytes=3-6")["Body"].read() == body[3:7]
    assert s3.get_object(Bucket="landing", Key="in/2026/a b+c.csv", Range="bytes=-4")["Body"].read() == body[-4:]
    assert refused(s3.get_object, Bucket="landing", Key="in/2026/a b+c.csv", Range="bytes=99-")["Code"] == "InvalidRange"
    head = s3.head_object(Bucket="landing", Key="in/2026/a b+c.csv")
    assert head["ContentLength"] == len(body) and abs((head["LastModified"] - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) < 60
    for name in ("in/2026/z.csv", "in/2027/a.csv", "in/top.csv", "other"):
        s3.put_object(Bucket="landing", Key=name, Body=name.encode())
    listed = s3.list_objects_v2(Bucket="landing", Prefix="in/", Delimiter="/")
    assert [one["Key"] for one in listed["Contents"]] == ["in/top.csv"]
    assert [one["Prefix"] for one in listed["CommonPrefixes"]] == ["in/2026/", "in/2027/"]
    keys = [one["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="landing", PaginationConfig={"PageSize": 2}) for one in page["Contents"]]
    assert keys == sorted(keys) and len(keys) == 5
    paged = [one["Prefix"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="landing", Delimiter="/", PaginationConfig={"PageSize": 1})
             for one in page.get("CommonPrefixes", [])]
    assert paged == ["in/"]
    s3.copy_object(Bucket="landing", Key="copied", CopySource={"Bucket": "landing", "Key": "in/2026/a b+c.csv"})
    assert s3.get_object(Bucket="landing", Key="copied")["Body"].read() == body
    s3.delete_object(Bucket="landing", Key="copied")
    deleted = s3.delete_objects(Bucket="landing", Delete={"Objects": [{"Key": key} for key in ("other", "in/2027/a.csv", "never there", "a&b")]})
    assert len(deleted["Deleted"]) == 4
    assert refused(s3.get_object, Bucket="landing", Key="other")["Code"] == "NoSuchKey"
    assert refused(s3.get_object, Bucket="nowhere", Key="other")["Code"] == "NoSuchBucket"
    assert refused(s3.head_object, Bucket="landing", Key="other")["Code"] == "404"
    assert "landing" in [one["Name"] for one in s3.list_buckets()["Buckets"]]


def test_writes_can_be_conditional_and_are_checked(s3):
    s3.put_object(Bucket="landing", Key="once", Body=b"1", IfNoneMatch="*")
    assert refused(s3.put_object, Bucket="landing", Key="once", Body=b"2", IfNoneMatch="*")["Code"] == "PreconditionFailed"
    tag = s3.head_object(Bucket="landing", Key="once")["ETag"]
    s3.put_object(Bucket="landing", Key="once", Body=b"2 ", IfMatch=tag)
    assert refused(s3.put_object, Bucket="landing", Key="once", Body=b"3", IfMatch=tag)["Code"] == "PreconditionFailed"
    assert s3.get_object(Bucket="landing", Key="once")["Body"].read() == b"2 "
    assert refused(s3.get_object, Bucket="landing", Key="once", IfNoneMatch=s3.head_object(Bucket="landing", Key="once")["ETag"])["Code"] == "304"
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket="landing", Key="checked", Body=b"abc", ChecksumAlgorithm=algorithm)
    assert refused(s3.put_object, Bucket="landing", Key="checked", Body=b"abd", ChecksumSHA256=base64.b64encode(hashlib.sha256(b"abc").digest()).decode())["Code"] == "BadDigest"
    for key in ("../escape", "a//b", "a/../../b", ".hidden", "folder/"):
        assert refused(s3.put_object, Bucket="landing", Key=key, Body=b"x")["Code"] in ("InvalidArgument", "NotImplemented", "SignatureDoesNotMatch"), key


def test_large_objects_come_in_parts(s3, tmp_path):
    source = tmp_path / "large.bin"
    source.write_bytes(os.urandom(1 << 20) * 20)
    s3.upload_file(str(source), "landing", "large.bin")
    assert s3.head_object(Bucket="landing", Key="large.bin")["ContentLength"] == 20 << 20
    s3.download_file("landing", "large.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()
    begun = s3.create_multipart_upload(Bucket="landing", Key="parts")["UploadId"]
    tags = [s3.upload_part(Bucket="landing", Key="parts", UploadId=begun, PartNumber=n, Body=text)["ETag"] for n, text in ((2, b"world"), (1, b"hello "))]
    assert [part["Size"] for part in s3.list_parts(Bucket="landing", Key="parts", UploadId=begun)["Parts"]] == [6, 5]
    error = refused(s3.complete_multipart_upload, Bucket="landing", Key="parts", UploadId=begun, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"other"'}]})
    assert error["Code"] == "InvalidPart"
    s3.complete_multipart_upload(Bucket="landing", Key="parts", UploadId=begun,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tags[1]}, {"PartNumber": 2, "ETag": tags[0]}]})
    assert s3.get_object(Bucket="landing", Key="parts")["Body"].read() == b"hello world"
    gone = s3.create_multipart_upload(Bucket="landing", Key="gone")["UploadId"]
    s3.abort_multipart_upload(Bucket="landing", Key="gone", UploadId=gone)
    assert refused(s3.upload_part, Bucket="landing", Key="gone", UploadId=gone, PartNumber=1, Body=b"x")["Code"] == "NoSuchUpload"


def test_signed_addresses_and_readers(served, s3):
    import urllib.error
    import urllib.request

    s3.put_object(Bucket="landing", Key="shared.txt", Body=b"for you")
    address = served.client("s3", served.admin_key, signature_version="s3v4").generate_presigned_url("get_object", Params={"Bucket": "landing", "Key": "shared.txt"}, ExpiresIn=60)
    assert urllib.request.urlopen(address).read() == b"for you"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(address.replace("shared.txt", "large.bin"))
    assert error.value.code == 403
    reader = served.client("s3", served.ann_key)
    assert reader.get_object(Bucket="landing", Key="shared.txt")["Body"].read() == b"for you"
    assert refused(reader.put_object, Bucket="landing", Key="shared.txt", Body=b"mine")["Code"] == "AccessDenied"
    assert refused(served.client("s3", served.key("--write", "visits")).get_object, Bucket="landing", Key="shared.txt")["Code"] == "AccessDenied"


def test_what_is_put_is_loaded_and_what_is_unloaded_is_read(served, s3, data):
    s3.put_object(Bucket="landing", Key="load/people.csv", Body=b"1,ada\n2,bob\n")
    done = data.batch_execute_statement(WaitTimeSeconds=20, Sqls=[
        "CREATE TABLE people (id INT, name VARCHAR(20))", "COPY people FROM 's3://landing/load/' IAM_ROLE 'arn:aws:iam::1:role/x' CSV",
        "UNLOAD ('SELECT * FROM people ORDER BY id') TO 's3://landing/out/people_' IAM_ROLE default CSV PARALLEL OFF"])
    assert done["Status"] == "FINISHED", data.describe_statement(Id=done["Id"])
    assert s3.get_object(Bucket="landing", Key="out/people_000")["Body"].read() == b"1,ada\n2,bob\n"
    ran("boto3", version_in(CLIENTS, "boto3"), "every operation of the Data API, Firehose, Secrets Manager, short-lived passwords, S3 with parts, ranges, conditions and signed addresses",
        "signed addresses of Signature Version 2 (its default for S3)")


# aws-cli 2 is no package of PyPI: Debian's, with what Debian has of Python.
TOOLS = {"aws-cli 1": ([sys.executable, "-m", "awscli"], {"PYTHONPATH": str(CLIENTS / "python")}), "aws-cli 2": (["/usr/bin/aws"], {})}


def cli(served, name, *arguments, code=0):
    tool, more = TOOLS[name]
    assert name != "aws-cli 2" or os.path.exists(tool[0]), "scripts/install --tests installs Debian's awscli"
    key = served.admin_key
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1], "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true", **more}
    done = subprocess.run([*tool, "--endpoint-url", served.endpoint, *arguments], capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", TOOLS)
def test_the_command_line_client(served, s3, tmp_path, name):
    def aws(*arguments, **options):
        return cli(served, name, *arguments, **options)

    folder, bucket = tmp_path / "site", f"site-{name[-1]}"
    (folder / "deep").mkdir(parents=True)
    (folder / "index.txt").write_text("hello")
    (folder / "deep/more.bin").write_bytes(os.urandom(9 << 20))
    aws("s3", "mb", f"s3://{bucket}")
    aws("s3", "sync", str(folder), f"s3://{bucket}/site")
    assert "index.txt" in aws("s3", "ls", f"s3://{bucket}/site/") and "deep/" in aws("s3", "ls", f"s3://{bucket}/site/")
    aws("s3", "cp", f"s3://{bucket}/site", str(tmp_path / "back"), "--recursive")
    assert (tmp_path / "back/deep/more.bin").read_bytes() == (folder / "deep/more.bin").read_bytes()
    assert aws("s3", "sync", str(folder), f"s3://{bucket}/site") == ""
    aws("s3", "cp", f"s3://{bucket}/site/index.txt", f"s3://{bucket}/copied.txt")
    assert aws("s3", "cp", f"s3://{bucket}/copied.txt", "-") == "hello"
    (folder / "index.txt").unlink()
    assert "delete: " in aws("s3", "sync", str(folder), f"s3://{bucket}/site", "--delete")
    aws("s3", "rm", f"s3://{bucket}/site", "--recursive")
    assert aws("s3", "ls", f"s3://{bucket}/site/", code=1) == ""
    begun = json.loads(aws("redshift-data", "execute-statement", "--sql", "SELECT :n::INT + 1 AS n", "--parameters", "name=n,value=6", "--database", "shop",
                           "--cluster-identifier", "x"))
    wait_for(lambda: json.loads(aws("redshift-data", "describe-statement", "--id", begun["Id"]))["Status"] == "FINISHED", "it ran")
    assert json.loads(aws("redshift-data", "get-statement-result", "--id", begun["Id"]))["Records"] == [[{"longValue": 7}]]
    visit = json.dumps({"id": name, "at": datetime.datetime.now(datetime.timezone.utc).isoformat(), "page": "/" + name[-1]})
    record = {"Data": base64.b64encode(visit.encode()).decode() if name == "aws-cli 2" else visit}  # 2 takes base64, 1 the text
    assert json.loads(aws("firehose", "put-record", "--delivery-stream-name", "visits", "--record", json.dumps(record)))["RecordId"]
    assert served.sql(f"SELECT page FROM visits WHERE id = '{name}'")[1:] == ["/" + name[-1]]
    version = version_in(CLIENTS, "awscli") if name == "aws-cli 1" else re.match(r"aws-cli/(\S+)", aws("--version")).group(1) + " (Debian 12's)"
    ran(name, version, "s3 mb, sync, sync --delete, ls, cp, cp --recursive, rm --recursive; redshift-data execute, describe, get-result; firehose put-record")


# --- what outlives what ---


def test_statements_outlive_a_kill(tmp_path):
    served = Aws(tmp_path / "shop")
    served.folder.mkdir()
    served.write("weir.yaml", "limits: {sql_concurrent: 4}\n")
    served.begin()
    key = served.key("--admin")
    data = served.client("redshift-data", key)
    done = data.batch_execute_statement(Sqls=["CREATE TABLE kept (n INT)", "INSERT INTO kept SELECT * FROM generate_series(1, 1000)"], WaitTimeSeconds=10)["Id"]
    read = data.execute_statement(Sql="SELECT n, repeat('x', 100) FROM kept ORDER BY n", WaitTimeSeconds=10)["Id"]
    small = data.execute_statement(Sql="SELECT 1 AS n", ClientToken="again", WaitTimeSeconds=10)["Id"]
    slow = data.execute_statement(Sql="INSERT INTO kept SELECT count(*) FROM generate_series(1, 40000000000)")["Id"]
    wait_for(lambda: data.describe_statement(Id=slow)["Status"] == "STARTED", "it runs")
    served.kill()
    served.begin()
    data = served.client("redshift-data", key)
    assert data.describe_statement(Id=done)["Status"] == "FINISHED"
    pages = list(data.get_paginator("get_statement_result").paginate(Id=read))
    assert sum(len(page["Records"]) for page in pages) == 1000
    assert data.get_statement_result(Id=small)["Records"] == [[{"longValue": 1}]]
    assert data.execute_statement(Sql="SELECT 1 AS n", ClientToken="again")["Id"] == small
    now = data.describe_statement(Id=slow)
    assert now["Status"] == "FAILED" and "nothing of it took effect" in now["Error"]
    assert served.sql("SELECT count(*) FROM kept")[1] == "1000"
    served.kill()
