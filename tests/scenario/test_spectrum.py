"""External schemas and tables as Redshift Spectrum has them, through psql, over objects that boto3 put and UNLOAD wrote; partitions, kills, and a flow that
an object starts."""
import gzip

import psycopg
import pytest
from conftest import wait_for
from test_aws import Aws
from test_wire import PASSWORD, Served

SCHEMA = "CREATE EXTERNAL SCHEMA IF NOT EXISTS spectrum FROM DATA CATALOG DATABASE 'sales' IAM_ROLE 'arn:aws:iam::1:role/r' CREATE EXTERNAL DATABASE IF NOT EXISTS"
FLOW = """
triggers:
  - {object: 's3://inbox/params/', quiet: 1s}
steps:
  - name: load
    sql: |
      CREATE TABLE IF NOT EXISTS public.loaded (id INT, name VARCHAR(20));
      DELETE FROM public.loaded;
      COPY public.loaded FROM 's3://inbox/params/' IAM_ROLE default CSV;
"""


class Both(Served, Aws):
    """The wire and AWS's dialects of one project."""

    def begin(self):
        Served.begin(self)
        self.aws = self.get("/v1/status", headers=self.admin()).json["aws"]
        self.endpoint = f"http://127.0.0.1:{self.aws['port']}"
        self.access = getattr(self, "access", None) or self.key("--admin")
        self.s3 = self.client("s3", self.access, s3={"addressing_style": "path"})
        return self


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Both(tmp_path_factory.mktemp("spectrum") / "shop")
    made.folder.mkdir()
    made.write("weir.yaml", "limits: {sql_concurrent: 4}\n")
    made.write("flows/inbox.yaml", FLOW)
    made.begin()
    for bucket in ("sales", "inbox"):
        made.s3.create_bucket(Bucket=bucket)
    made.tell(f"CREATE USER ann PASSWORD '{PASSWORD}'")
    made.tell(SCHEMA)
    yield made
    made.kill()


def test_psql_reads_what_boto3_put_and_what_unload_wrote(served):
    served.s3.put_object(Bucket="sales", Key="events/year=2026/month=1/a.csv.gz", Body=gzip.compress(b"id|name\n1|one\n2|two\n"))
    served.s3.put_object(Bucket="sales", Key="events/year=2026/month=2/a.csv", Body=b"id|name\n3|three\n")
    served.s3.put_object(Bucket="sales", Key="events/year=2025/month=1/broken.csv.gz", Body=b"no gzip at all")
    served.tell("CREATE EXTERNAL TABLE spectrum.events (id int, name varchar(20)) PARTITIONED BY (year int, month int) "
                "ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' STORED AS TEXTFILE LOCATION 's3://sales/events/' "
                "TABLE PROPERTIES ('skip.header.line.count'='1')")
    assert served.tell("SELECT * FROM spectrum.events WHERE year = 2026 ORDER BY id") == "1|one|2026|1\n2|two|2026|1\n3|three|2026|2"
    assert served.tell("SELECT \"$path\", \"$size\" FROM spectrum.events WHERE year = 2026 AND month > 1") == "s3://sales/events/year=2026/month=2/a.csv|16"
    # The broken file of 2025 is opened by nobody who does not ask for its year, and told by its name to who does.
    assert "s3://sales/events/year=2025/month=1/broken.csv.gz" in served.psql("SELECT count(name) FROM spectrum.events", code=1)
    assert served.tell("SELECT total_partitions, qualified_partitions FROM svl_s3partition ORDER BY query DESC OFFSET 1 LIMIT 1") == "3|1"
    assert served.tell("SELECT external_table_name, files FROM svl_s3query_summary ORDER BY query DESC OFFSET 1 LIMIT 1") == "S3 Scan spectrum.events|1"

    served.tell("UNLOAD ('SELECT id, name, month FROM spectrum.events WHERE year = 2026') TO 's3://sales/by/' IAM_ROLE default PARQUET PARTITION BY (month)")
    keys = [one["Key"] for one in served.s3.list_objects_v2(Bucket="sales", Prefix="by/")["Contents"]]
    assert keys == ["by/month=1/0000_part_00.parquet", "by/month=2/0000_part_00.parquet"]
    served.tell("CREATE EXTERNAL TABLE spectrum.by_month (id int, name varchar(20)) PARTITIONED BY (month int) STORED AS PARQUET LOCATION 's3://sales/by/'")
    assert served.tell("SELECT month, count(*) FROM spectrum.by_month GROUP BY month ORDER BY 1") == "1|2\n2|1"
    served.tell("CREATE TABLE copied AS SELECT * FROM spectrum.by_month; INSERT INTO copied SELECT id, name, month FROM spectrum.events WHERE year = 2026")
    assert served.tell("SELECT count(*), count(DISTINCT id) FROM copied") == "6|3"
    assert served.tell("SELECT schemaname, tablename, location FROM svv_external_tables ORDER BY 2") == (
        "spectrum|by_month|s3://sales/by/\nspectrum|events|s3://sales/events/")


def test_parameters_of_a_driver_pick_partitions_too(served):
    served.s3.put_object(Bucket="sales", Key="drivers/kind=a/1.csv", Body=b"1\n")
    served.s3.put_object(Bucket="sales", Key="drivers/kind=b/broken.csv.gz", Body=b"no gzip at all")
    served.tell("CREATE EXTERNAL TABLE spectrum.drivers (id int) PARTITIONED BY (kind varchar(1)) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' STORED AS TEXTFILE "
                "LOCATION 's3://sales/drivers/'")
    with psycopg.connect(host=served.socket_folder, port=served.wire["port"], dbname="shop") as connection:
        assert connection.execute("SELECT id, kind FROM spectrum.drivers WHERE kind = %s", ["a"], prepare=True).fetchall() == [(1, "a")]
        assert connection.execute("SELECT id FROM spectrum.drivers WHERE kind IN (%s, 'c')", ["a"], binary=True).fetchall() == [(1,)]
        with pytest.raises(psycopg.Error, match="s3://sales/drivers/kind=b/broken.csv.gz"):
            connection.execute("SELECT id FROM spectrum.drivers WHERE kind > %s", ["a"])


def test_partitions_are_added_and_dropped_and_outlive_kill_9(served):
    served.s3.put_object(Bucket="sales", Key="one/a.json", Body=b'{"id":1,"name":"one"}\n{"id":2}\n')
    served.s3.put_object(Bucket="sales", Key="two/a.json", Body=b'{"id":3,"name":"three"}\n')
    served.tell("CREATE EXTERNAL TABLE spectrum.parts (id int, name varchar(20)) PARTITIONED BY (day date) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' "
                "STORED AS TEXTFILE LOCATION 's3://sales/parts/'")
    served.tell("ALTER TABLE spectrum.parts ADD PARTITION (day='2026-01-01') LOCATION 's3://sales/one/' PARTITION (day='2026-01-02') LOCATION 's3://sales/two/'")
    served.psql("BEGIN; ALTER TABLE spectrum.parts DROP PARTITION (day='2026-01-01'); ROLLBACK")
    served.kill()
    served.begin()
    assert served.tell("SELECT id, name, day FROM spectrum.parts ORDER BY id") == "1|one|2026-01-01\n2||2026-01-01\n3|three|2026-01-02"
    served.tell("ALTER TABLE spectrum.parts DROP PARTITION (day='2026-01-01')")
    assert served.tell("SELECT id FROM spectrum.parts") == "3"
    assert served.tell('SELECT "values", location FROM svv_external_partitions') == '["2026-01-02"]|s3://sales/two/'


def test_a_user_reads_with_usage_alone_and_no_file_by_themselves(served):
    served.s3.put_object(Bucket="sales", Key="plain/a.csv", Body=b"1,one\n")
    served.tell("CREATE EXTERNAL TABLE spectrum.plain (id int, name varchar(20)) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' STORED AS TEXTFILE LOCATION 's3://sales/plain/'")
    ann = served.uri("ann")
    assert "42501: permission denied for schema spectrum" in served.psql("SELECT * FROM spectrum.plain", connect=ann, code=1)
    served.tell("GRANT USAGE ON SCHEMA spectrum TO ann")
    assert served.psql("SELECT * FROM spectrum.plain", "-At", connect=ann).strip() == "1|one"
    for sql in ("SELECT * FROM read_csv('s3://sales/plain/a.csv')", f"SELECT * FROM '{served.folder}/.weir/store/s3/sales/plain/a.csv'",
                "SELECT * FROM lake.external.\"spectrum.plain\"", "CREATE EXTERNAL TABLE spectrum.mine (a varchar) STORED AS TEXTFILE LOCATION 's3://sales/plain/'",
                "INSERT INTO spectrum.plain VALUES (2, 'two')", "DROP TABLE spectrum.plain"):
        assert "ERROR" in served.psql(sql, connect=ann, code=1), sql


def loads(served):
    done = served.get("/v1/runs?name=inbox", headers=served.admin()).json["runs"]
    return [run for run in done if run["state"] == "done"]


def test_an_object_starts_a_flow_also_one_that_came_while_nobody_was_there(served):
    served.s3.put_object(Bucket="inbox", Key="params/a.csv", Body=b"1,one\n")
    wait_for(lambda: len(loads(served)) == 1, "the flow of the first object")
    assert served.tell("SELECT * FROM loaded") == "1|one"
    assert loads(served)[0]["cause"] == {"by": "object", "object": "s3://inbox/params/a.csv"}
    served.kill()
    place = served.folder / ".weir/store/s3/inbox/params"
    (place / "b.csv").write_bytes(b"2,two\n")
    served.begin()
    wait_for(lambda: len(loads(served)) == 2, "the flow of what came meanwhile")
    assert served.tell("SELECT * FROM loaded ORDER BY 1") == "1|one\n2|two"
    served.tell("UNLOAD ('SELECT 3, ''three''') TO 's3://inbox/params/c_' IAM_ROLE default CSV PARALLEL OFF EXTENSION 'csv'")
    wait_for(lambda: len(loads(served)) == 3, "the flow of what UNLOAD wrote")
    assert served.tell("SELECT count(*) FROM loaded") == "3"
