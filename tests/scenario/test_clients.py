"""Programs that people build on the warehouse: dbt, Go's and JavaScript's clients, Amazon's JDBC driver, Debian's boto3."""
import datetime
import json
import os
import subprocess
import sys

import pytest
from client_table import jar, ran, version_in
from test_aws import CLIENTS, STREAM, Aws
from test_wire import JAVA, PASSWORD


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Aws(tmp_path_factory.mktemp("clients") / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "limits: {sql_concurrent: 4}\n")
    made.write("streams/visits.yaml", STREAM)
    made.begin()
    made.port_of_wire = made.get("/v1/status", headers=made.admin()).json["wire"]["port"]
    made.weir("sql", f"CREATE USER ann PASSWORD '{PASSWORD}'")
    for schema in ("shop_redshift", "shop_postgres"):
        made.weir("sql", f"CREATE SCHEMA {schema} AUTHORIZATION ann")
    made.key_pair = made.key("--admin")
    made.client("s3", made.key_pair).create_bucket(Bucket="landing")
    yield made
    made.kill()


def event(name):
    return json.dumps({"id": name, "at": datetime.datetime.now(datetime.timezone.utc).isoformat(), "page": "/"})


DBT = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "seeds/sales.csv": "id,name,amount,at\n1,ada,10.5,2026-01-01\n2,bob,3,2026-01-02\n3,ada,4.25,2026-01-02\n",
    "models/by_name.sql": "{{ config(materialized='table') }}\nselect name, sum(amount) as total, count(*) as n from {{ ref('sales') }} group by 1\n",
    "models/large.sql": "{{ config(materialized='view') }}\nselect * from {{ ref('by_name') }} where total > 5\n",
    "models/growing.sql": "{{ config(materialized='incremental', unique_key='id') }}\nselect id, name, amount from {{ ref('sales') }}\n"
                          "{% if is_incremental() %} where id > (select max(id) from {{ this }}) - 1 {% endif %}\n",
    "models/schema.yml": "version: 2\nmodels:\n  - name: by_name\n    columns: [{name: name, tests: [unique, not_null]}]\n"
                         "  - name: large\n    columns: [{name: name, tests: [{relationships: {to: ref('by_name'), field: name}}]}]\n",
}


@pytest.mark.parametrize("adapter", ["redshift", "postgres"])
def test_dbt(served, tmp_path, adapter):
    for path, text in DBT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    target = {"type": adapter, "host": "127.0.0.1", "port": served.port_of_wire, "user": "ann", "password": PASSWORD, "dbname": "shop", "schema": f"shop_{adapter}", "threads": 2,
              "sslmode": "disable"}
    (tmp_path / "profiles.yml").write_text(json.dumps({"shop": {"target": "it", "outputs": {"it": target}}}))

    def dbt(*arguments):
        done = subprocess.run([CLIENTS / "dbt/bin/dbt", "--no-use-colors", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "DBT_PROFILES_DIR": str(tmp_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    dbt("seed")
    for _ in range(2):  # the second time over what the first has made
        dbt("run")
    assert "PASS=3" in dbt("test")
    dbt("docs", "generate")
    catalog = json.loads((tmp_path / "target/catalog.json").read_text())
    assert sorted(catalog["nodes"]) == ["model.shop.by_name", "model.shop.growing", "model.shop.large", "seed.shop.sales"]
    assert catalog["errors"] is None
    assert served.sql(f"SELECT name, total FROM shop_{adapter}.large ORDER BY 1")[1:] == ["ada,14.75"]
    ran(f"dbt-{adapter}", f"{version_in(CLIENTS, f'dbt-{adapter}')} (dbt {version_in(CLIENTS, 'dbt-core')})",
        "seed, run twice (table, view, incremental), test, docs", "python models, snapshots: not tried")


def test_go(served):
    done = subprocess.run([CLIENTS / "go/clients", f"postgresql://ann:{PASSWORD}@127.0.0.1:{served.port_of_wire}/shop", served.endpoint, *served.key_pair, event("go")],
                          capture_output=True, text=True, timeout=90)
    assert done.stdout.splitlines() == ["pgx 2 5 7.5 true true", "aws 0 from go 2 1"], done.stdout + done.stderr
    ran("pgx (Go)", version_in(CLIENTS, "github.com/jackc/pgx/v5"), "batches, CopyFrom, transactions, typed rows, errors")
    ran("AWS SDK for Go", version_in(CLIENTS, "github.com/aws/aws-sdk-go-v2"), "Data API, Firehose, S3 put, get, list", "buckets in the host's name: `UsePathStyle`")


def test_javascript(served):
    done = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "clients/aws.mjs"), served.endpoint, *served.key_pair, event("js")], capture_output=True, text=True,
                          timeout=90, env={**os.environ, "NODE_PATH": str(CLIENTS / "node/node_modules")})
    assert done.stdout.splitlines() == ["FINISHED 42 0 from javascript 1"], done.stdout + done.stderr
    ran("AWS SDK for JavaScript", version_in(CLIENTS, "@aws-sdk/client-s3"), "Data API with WaitTimeSeconds and parameters, Firehose, S3 put, get, list",
        "buckets in the host's name: `forcePathStyle`")


def test_amazons_jdbc_driver(served, tmp_path):
    driver = jar(CLIENTS, "redshift-jdbc42")
    (tmp_path / "Ask.java").write_text(JAVA)
    url = f"jdbc:redshift://127.0.0.1:{served.port_of_wire}/shop?ssl=true&sslfactory=com.amazon.redshift.ssl.NonValidatingFactory"
    done = subprocess.run(["java", "-cp", driver, str(tmp_path / "Ask.java"), url, PASSWORD], capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    version, total, state = done.stdout.splitlines()
    assert version.startswith("8.0.2 2.1.0.33") and total == "12497500" and state == "42703"
    plain = subprocess.run(["java", "-cp", driver, str(tmp_path / "Ask.java"), url.replace("ssl=true", "ssl=false"), PASSWORD], capture_output=True, text=True, timeout=90)
    assert "sslmode=require" in plain.stderr
    ran("Amazon's JDBC driver", version_in(CLIENTS, "com.amazon.redshift:redshift-jdbc42"), "prepared statements with typed parameters, cursors (fetch size), transactions, errors",
        "without TLS: it knows no SCRAM, and its password is not taken in clear text")


def test_debians_boto3(served):
    script = """
import json, sys, time, boto3
endpoint, key, secret, event = sys.argv[1:]
make = lambda service: boto3.client(service, endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id=key, aws_secret_access_key=secret)
data, s3 = make("redshift-data"), make("s3")
begun = data.execute_statement(Sql="SELECT 42 AS n", Database="shop", ClusterIdentifier="any")["Id"]
while data.describe_statement(Id=begun)["Status"] not in ("FINISHED", "FAILED"):
    time.sleep(0.02)
s3.put_object(Bucket="landing", Key="old/object", Body=b"from debian")
print(boto3.__version__, data.get_statement_result(Id=begun)["Records"][0][0]["longValue"], s3.get_object(Bucket="landing", Key="old/object")["Body"].read().decode(),
      make("firehose").put_record(DeliveryStreamName="visits", Record={"Data": event})["RecordId"] != "")
"""
    done = subprocess.run([sys.executable, "-c", script, served.endpoint, *served.key_pair, event("old")], capture_output=True, text=True, timeout=90,
                          env={**os.environ, "PYTHONPATH": str(CLIENTS / "old")})
    assert done.stdout.split() == ["1.26.27", "42", "from", "debian", "True"], done.stderr[-2000:]
    ran("boto3 (Debian 12's)", "1.26.27", "Data API, Firehose, S3", "`AWS_ENDPOINT_URL` is newer than it: `endpoint_url=`")


TOYS = {"id": ["BIGINT", False], "maker": ["INTEGER", True], "name": ["VARCHAR(40)", True], "price": ["NUMERIC(10, 2)", True], "made": ["TIMESTAMP", True],
        "changed": ["TIMESTAMPTZ", True], "more": ["JSON", True]}


@pytest.mark.parametrize("driver", ["psycopg2", "redshift_connector"])
@pytest.mark.parametrize("libraries,versions", [("python", ["2.0.58", "1.0.0"]), ("alchemy", ["1.4.54", "0.8.14"])], ids=["2.0", "1.4"])
def test_sqlalchemys_redshift_dialect(served, driver, libraries, versions):
    schema = f"toys_{driver}_{versions[0][0]}"
    served.weir("sql", f"CREATE SCHEMA {schema} AUTHORIZATION ann")
    # redshift_connector says at its start what it is; psycopg2 does not: the database's name asks for Redshift's profile.
    database = "shop.redshift" if driver == "psycopg2" else "shop"
    done = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "clients/alchemy.py"), driver, str(served.port_of_wire), "ann", PASSWORD, database, schema],
                          capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(CLIENTS / libraries), "PYTHONWARNINGS": "ignore"})
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["versions"] == versions
    assert (seen["schemas"], seen["tables"], seen["views"], seen["has"]) == (True, ["back", "makers", "toys"], ["cheap"], [True, False])
    assert seen["definition"].lower().startswith("select id, name from")
    assert {name: [str(type_).upper().replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"), nullable] for name, (type_, nullable) in seen["columns"].items()} == TOYS
    assert (seen["encoded"], seen["primary"], seen["foreign"], seen["unique"]) == (["name"], ["id"], [[["maker"], "makers", ["id"]]], [["name"]])
    assert seen["options"] == {"redshift_diststyle": "KEY", "redshift_distkey": "maker", "redshift_sortkey": ["made", "id"], "redshift_interleaved_sortkey": None}
    assert seen["options of makers"] == {"redshift_diststyle": "ALL", "redshift_distkey": None, "redshift_sortkey": ["id"], "redshift_interleaved_sortkey": None}
    assert seen["reflected"] == [sorted(TOYS), ["makers"], 1]
    assert seen["back"] == [[1, "kite", "10.50", 2], [2, "100% a:b", "3.25", 2]]
    assert (seen["row"], seen["dear"], seen["super"], seen["left"], seen["error"]) == (["ada", "13.75", 2], 1, 2, [], True)
    ran(f"SQLAlchemy's Redshift dialect, on SQLAlchemy {versions[0][:3]}", f"{versions[1]} (SQLAlchemy {versions[0]})",
        "over psycopg2 and redshift_connector: CREATE TABLE with keys, inspector, reflection, COPY, UNLOAD, materialized views, SUPER, queries",
        "`sslmode=verify-full` with Amazon's certificates, its default over psycopg2: `connect_args`; bound parameters of COPY and UNLOAD over redshift_connector, as on Redshift; SUPER is reflected as JSON, and a materialized view is none of the views")
