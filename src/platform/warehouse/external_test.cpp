// External schemas and tables over the store: their statements, what they read, and who may.
#include <gmock/gmock.h>

#include "core/io/compression.h"
#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ExternalTest : public SessionTest {
 protected:
  void put(const std::string& key, const std::string& bytes) {
    auto store = buckets_->open("data");
    ASSERT_TRUE(store) << store.error().text();
    const Status done = (*store)->put(key, bytes);
    ASSERT_TRUE(done) << done.error().text();
  }
  void make_schema(const std::string& name = "spectrum") {
    ASSERT_EQ(
        ask("CREATE EXTERNAL SCHEMA " + name +
            " FROM DATA CATALOG DATABASE 'sales' IAM_ROLE 'arn:aws:iam::1:role/r' CREATE EXTERNAL DATABASE IF NOT "
            "EXISTS"),
        "CREATE SCHEMA");
  }
  void make_csv(const std::string& name = "t") {
    ASSERT_EQ(ask("CREATE EXTERNAL TABLE spectrum." + name +
                  " (id int, name varchar(10)) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' STORED AS TEXTFILE "
                  "LOCATION 's3://data/" +
                  name + "'"),
              "CREATE EXTERNAL TABLE");
  }
};

TEST_F(ExternalTest, what_unload_wrote_as_parquet_is_a_table) {
  make_schema();
  ASSERT_EQ(ask("UNLOAD ('SELECT 1 AS id, ''one'' AS name UNION ALL SELECT 2, ''two''') TO 's3://data/t/' IAM_ROLE "
                "default PARQUET"),
            "UNLOAD 2");
  EXPECT_EQ(ask("CREATE EXTERNAL TABLE spectrum.t (id int, name varchar(10)) STORED AS PARQUET LOCATION "
                "'s3://data/t/'"),
            "CREATE EXTERNAL TABLE");
  EXPECT_EQ(ask("SELECT id, name FROM spectrum.t ORDER BY id"), "1|one;2|two; SELECT 2");
  EXPECT_EQ(ask("CREATE TABLE copied AS SELECT * FROM spectrum.t"), "SELECT 2");
  EXPECT_EQ(ask("INSERT INTO copied SELECT * FROM spectrum.t WHERE id = 1"), "INSERT 0 1");
  EXPECT_EQ(ask("SELECT \"$path\" FROM spectrum.t LIMIT 1"), "s3://data/t/0000_part_00.parquet; SELECT 1");
}

TEST_F(ExternalTest, texts_have_the_form_that_the_table_says) {
  make_schema();
  put("plain/a.txt", "1|one\n2|two\n");
  put("plain/_hidden", "no number|x\n");
  put("plain/b.gz", *gzip_member("3|three\n"));
  EXPECT_EQ(
      ask("CREATE EXTERNAL TABLE spectrum.plain (id int, name varchar(10)) ROW FORMAT DELIMITED FIELDS TERMINATED "
          "BY '|' LINES TERMINATED BY '\\n' STORED AS TEXTFILE LOCATION 's3://data/plain/'"),
      "CREATE EXTERNAL TABLE");
  EXPECT_EQ(ask("SELECT * FROM spectrum.plain ORDER BY id"), "1|one;2|two;3|three; SELECT 3");
  put("csv/a.csv", "id,name\n1,\"o,ne\"\n2,none\n");
  EXPECT_EQ(ask("CREATE EXTERNAL TABLE spectrum.csv (id int, name varchar(10)) ROW FORMAT SERDE "
                "'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES ('separatorChar'=',', "
                "'quoteChar'='\"') STORED AS TEXTFILE LOCATION 's3://data/csv/' TABLE PROPERTIES "
                "('skip.header.line.count'='1', 'serialization.null.format'='none')"),
            "CREATE EXTERNAL TABLE");
  EXPECT_EQ(ask("SELECT * FROM spectrum.csv ORDER BY id"), "1|o,ne;2|NULL; SELECT 2");
  put("json/a.json", "{\"id\":1,\"name\":\"one\"}\n{\"name\":\"two\",\"id\":2,\"x\":{}}\n");
  EXPECT_EQ(ask("CREATE EXTERNAL TABLE spectrum.j (id int, name varchar(10)) ROW FORMAT SERDE "
                "'org.openx.data.jsonserde.JsonSerDe' STORED AS TEXTFILE LOCATION 's3://data/json/'"),
            "CREATE EXTERNAL TABLE");
  EXPECT_EQ(ask("SELECT * FROM spectrum.j ORDER BY id"), "1|one;2|two; SELECT 2");
  EXPECT_THAT(ask("CREATE EXTERNAL TABLE spectrum.o (a int) STORED AS ORC LOCATION 's3://data/o/'"),
              StartsWith("unsupported: An external table STORED AS orc"));
  EXPECT_THAT(ask("CREATE EXTERNAL TABLE spectrum.o (a int) ROW FORMAT SERDE 'com.x.RegexSerDe' STORED AS TEXTFILE "
                  "LOCATION 's3://data/o/'"),
              HasSubstr("RegexSerDe"));
}

TEST_F(ExternalTest, partitions_that_a_condition_excludes_are_not_opened) {
  make_schema();
  put("by/day=2026-01-01/kind=a/f.parquet", "broken");
  ASSERT_EQ(ask("UNLOAD ('SELECT 7 AS id') TO 's3://data/by/day=2026-01-02/kind=b/' IAM_ROLE default PARQUET"),
            "UNLOAD 1");
  ASSERT_EQ(ask("CREATE EXTERNAL TABLE spectrum.by (id int) PARTITIONED BY (day date, kind char(1)) STORED AS PARQUET "
                "LOCATION 's3://data/by'"),
            "CREATE EXTERNAL TABLE");
  EXPECT_EQ(ask("SELECT id, kind FROM spectrum.by WHERE day = '2026-01-02'"), "7|b; SELECT 1");
  EXPECT_EQ(ask("SELECT count(*) FROM spectrum.by WHERE kind > 'a' AND day BETWEEN '2026-01-01' AND '2026-01-31'"),
            "1; SELECT 1");
  EXPECT_THAT(ask("EXPLAIN SELECT id FROM spectrum.by WHERE kind = 'b'"), HasSubstr("1 of 2"));
  const std::string all = ask("SELECT id FROM spectrum.by");
  EXPECT_THAT(all, HasSubstr("s3://data/by/day=2026-01-01/kind=a/f.parquet"));
  EXPECT_THAT(all, Not(HasSubstr(folder_)));
}

TEST_F(ExternalTest, partitions_that_were_added_are_the_only_ones) {
  make_schema();
  put("one/f.csv", "1,one\n");
  put("two/f.csv", "2,two\n");
  put("p/part=9/f.csv", "9,found\n");
  ASSERT_EQ(
      ask("CREATE EXTERNAL TABLE spectrum.p (id int, name varchar) PARTITIONED BY (part int) ROW FORMAT DELIMITED "
          "FIELDS TERMINATED BY ',' STORED AS TEXTFILE LOCATION 's3://data/p/'"),
      "CREATE EXTERNAL TABLE");
  EXPECT_EQ(ask("SELECT * FROM spectrum.p"), "9|found|9; SELECT 1");
  EXPECT_EQ(
      ask("ALTER TABLE spectrum.p ADD PARTITION (part='1') LOCATION 's3://data/one/' PARTITION (part=02) LOCATION "
          "'s3://data/two/'"),
      "ALTER TABLE");
  EXPECT_EQ(ask("SELECT * FROM spectrum.p ORDER BY id"), "1|one|1;2|two|2; SELECT 2");
  EXPECT_EQ(code("ALTER TABLE spectrum.p ADD PARTITION (part=1) LOCATION 's3://data/x/'"), "42710");
  EXPECT_EQ(ask("ALTER TABLE spectrum.p ADD IF NOT EXISTS PARTITION (part=1) LOCATION 's3://data/x/'"), "ALTER TABLE");
  EXPECT_EQ(code("ALTER TABLE spectrum.p ADD PARTITION (part='x') LOCATION 's3://data/x/'"), "22P02");
  EXPECT_EQ(code("ALTER TABLE spectrum.p ADD PARTITION (other=1) LOCATION 's3://data/x/'"), "42703");
  EXPECT_EQ(ask("ALTER TABLE spectrum.p PARTITION (part=1) SET LOCATION 's3://data/two'"), "ALTER TABLE");
  EXPECT_EQ(ask("SELECT name FROM spectrum.p WHERE part = 1"), "two; SELECT 1");
  EXPECT_EQ(ask("ALTER TABLE spectrum.p DROP PARTITION (part=1)"), "ALTER TABLE");
  EXPECT_EQ(ask("ALTER TABLE spectrum.p DROP PARTITION (part=2)"), "ALTER TABLE");
  EXPECT_EQ(code("ALTER TABLE spectrum.p DROP PARTITION (part=2)"), "42704");
  EXPECT_EQ(ask("SELECT * FROM spectrum.p"), "SELECT 0");
}

TEST_F(ExternalTest, a_transaction_that_is_rolled_back_leaves_nothing) {
  make_schema();
  put("t/a.csv", "1,one\n");
  ASSERT_EQ(ask("BEGIN"), "BEGIN");
  make_csv();
  EXPECT_EQ(ask("SELECT id FROM spectrum.t"), "1; SELECT 1");
  ASSERT_EQ(ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(code("SELECT id FROM spectrum.t"), "42P01");
  make_csv();
  ASSERT_EQ(ask("BEGIN"), "BEGIN");
  ASSERT_EQ(ask("DROP TABLE spectrum.t"), "DROP TABLE");
  EXPECT_EQ(code("SELECT id FROM spectrum.t"), "42P01");
  ASSERT_EQ(ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(ask("SELECT id FROM spectrum.t"), "1; SELECT 1");
}

TEST_F(ExternalTest, what_was_declared_is_there_after_a_restart) {
  make_schema();
  put("t/a.csv", "1,one\n");
  make_csv();
  stop();
  start();
  EXPECT_EQ(ask("SELECT * FROM spectrum.t"), "1|one; SELECT 1");
}

TEST_F(ExternalTest, usage_of_the_schema_lets_read_and_nothing_lets_change) {
  make_schema();
  put("t/a.csv", "1,one\n");
  make_csv();
  const auto ann = user("ann");
  EXPECT_EQ(ask(*ann, "SELECT id FROM spectrum.t"), "42501: permission denied for schema spectrum");
  EXPECT_EQ(ask("GRANT USAGE ON SCHEMA spectrum TO ann"), "GRANT");
  EXPECT_EQ(ask(*ann, "SELECT id FROM spectrum.t"), "1; SELECT 1");
  EXPECT_EQ(code("GRANT SELECT ON spectrum.t TO ann"), "0A000");
  EXPECT_EQ(code(*ann, "CREATE EXTERNAL TABLE spectrum.u (id int) STORED AS PARQUET LOCATION 's3://data/u/'"), "42501");
  EXPECT_EQ(code(*ann, "DROP TABLE spectrum.t"), "42501");
  EXPECT_EQ(code(*ann, "ALTER TABLE spectrum.t SET LOCATION 's3://data/u/'"), "42501");
  EXPECT_EQ(code(*ann, "CREATE EXTERNAL SCHEMA mine FROM DATA CATALOG DATABASE 'sales'"), "42501");
  EXPECT_THAT(ask("INSERT INTO spectrum.t VALUES (2, 'x')"), StartsWith("0A000: external tables are read-only"));
  EXPECT_EQ(code("UPDATE spectrum.t SET id = 2"), "0A000");
  EXPECT_EQ(code("DELETE FROM spectrum.t"), "0A000");
  EXPECT_EQ(code("TRUNCATE spectrum.t"), "42809");
  EXPECT_EQ(code("COPY spectrum.t FROM 's3://data/t/' IAM_ROLE default CSV"), "42809");
  EXPECT_EQ(code("CREATE TABLE spectrum.u (id int)"), "0A000");
  EXPECT_EQ(code("CREATE VIEW spectrum.u AS SELECT 1"), "0A000");
  // By its owner's rights, as any view.
  EXPECT_EQ(ask("CREATE VIEW seen AS SELECT id FROM spectrum.t"), "CREATE VIEW");
  EXPECT_EQ(ask("GRANT SELECT ON seen TO ann"), "GRANT");
  EXPECT_EQ(ask("REVOKE USAGE ON SCHEMA spectrum FROM ann"), "REVOKE");
  EXPECT_EQ(ask(*ann, "SELECT id FROM seen"), "1; SELECT 1");
  EXPECT_EQ(code(*ann, "SELECT id FROM spectrum.t"), "42501");
  for (const char* sql : {"SELECT * FROM lake.external.\"spectrum.t\"", "SELECT * FROM read_csv('s3://data/t/a.csv')",
                          "SELECT * FROM 's3://data/t/a.csv'", "SELECT * FROM weir_catalog.external_tables"}) {
    EXPECT_THAT(ask(*ann, sql), StartsWith("denied: ")) << sql;
  }
}

TEST_F(ExternalTest, a_database_has_several_schemas_and_goes_with_its_tables_when_asked) {
  make_schema();
  put("t/a.csv", "1,one\n");
  make_csv();
  EXPECT_EQ(ask("CREATE EXTERNAL SCHEMA other FROM DATA CATALOG DATABASE 'SALES' IAM_ROLE default"), "CREATE SCHEMA");
  EXPECT_EQ(ask("SELECT id FROM other.t"), "1; SELECT 1");
  EXPECT_EQ(ask("DROP SCHEMA other"), "DROP SCHEMA");
  EXPECT_EQ(code("SELECT id FROM other.t"), "42P01");
  EXPECT_EQ(ask("SELECT id FROM spectrum.t"), "1; SELECT 1");
  EXPECT_EQ(code("CREATE EXTERNAL SCHEMA nowhere FROM DATA CATALOG DATABASE 'nowhere'"), "3D000");
  EXPECT_EQ(code("DROP SCHEMA spectrum DROP EXTERNAL DATABASE"), "2BP01");
  EXPECT_EQ(ask("CREATE VIEW reads AS SELECT id FROM spectrum.t"), "CREATE VIEW");
  EXPECT_EQ(code("DROP SCHEMA spectrum"), "2BP01");
  EXPECT_EQ(ask("DROP SCHEMA spectrum DROP EXTERNAL DATABASE CASCADE"), "DROP SCHEMA");
  EXPECT_EQ(code("SELECT * FROM reads"), "42P01");
  EXPECT_EQ(code("CREATE EXTERNAL SCHEMA again FROM DATA CATALOG DATABASE 'sales'"), "3D000");
}

TEST_F(ExternalTest, the_database_lake_shows_streams_under_another_schema) {
  publish();
  EXPECT_EQ(ask("CREATE EXTERNAL SCHEMA streams FROM DATA CATALOG DATABASE 'lake' IAM_ROLE default"), "CREATE SCHEMA");
  EXPECT_EQ(ask("SELECT count(*) FROM streams.impressions WHERE ad_id > 0"), "2; SELECT 1");
  EXPECT_EQ(code("SELECT * FROM streams.weir_statements"), "42P01");
  EXPECT_EQ(code("CREATE EXTERNAL TABLE streams.t (a int) STORED AS PARQUET LOCATION 's3://data/t/'"), "0A000");
  EXPECT_EQ(code("DROP SCHEMA streams DROP EXTERNAL DATABASE"), "42501");
  const auto ann = user("ann");
  EXPECT_EQ(code(*ann, "SELECT * FROM streams.impressions"), "42501");
  EXPECT_EQ(ask("GRANT USAGE ON SCHEMA streams TO ann"), "GRANT");
  EXPECT_EQ(ask(*ann, "SELECT * FROM streams.impressions"), "42501: permission denied for relation impressions");
  EXPECT_EQ(ask("GRANT SELECT ON impressions TO ann"), "GRANT");
  EXPECT_EQ(ask(*ann, "SELECT count(*) FROM streams.impressions"), "3; SELECT 1");
  EXPECT_EQ(ask("REVOKE USAGE ON SCHEMA streams FROM ann"), "REVOKE");
  EXPECT_EQ(ask(*ann, "SELECT * FROM streams.impressions"), "42501: permission denied for schema streams");
}

TEST_F(ExternalTest, relations_of_the_system_list_them_and_what_was_read) {
  make_schema();
  publish();
  ASSERT_EQ(ask("CREATE EXTERNAL SCHEMA streams FROM DATA CATALOG DATABASE 'lake'"), "CREATE SCHEMA");
  put("one/f.csv", "1,one\n");
  put("two/f.csv", "2,two\n3,three\n");
  ASSERT_EQ(ask("CREATE EXTERNAL TABLE spectrum.p (id int, name varchar(10)) PARTITIONED BY (part int) ROW FORMAT "
                "DELIMITED FIELDS TERMINATED BY ',' STORED AS TEXTFILE LOCATION 's3://data/p/' TABLE PROPERTIES "
                "('numRows'='3')"),
            "CREATE EXTERNAL TABLE");
  ASSERT_EQ(ask("ALTER TABLE spectrum.p ADD PARTITION (part=1) LOCATION 's3://data/one/' PARTITION (part=2) LOCATION "
                "'s3://data/two/'"),
            "ALTER TABLE");
  EXPECT_EQ(ask("SELECT schemaname, databasename, esoptions FROM svv_external_schemas ORDER BY 1"),
            "spectrum|sales|{\"IAM_ROLE\":\"arn:aws:iam::1:role/r\"};streams|lake|NULL; SELECT 2");
  EXPECT_EQ(ask("SELECT databasename FROM svv_external_databases ORDER BY 1"), "lake;sales; SELECT 2");
  EXPECT_EQ(ask("SELECT tablename, location, parameters FROM svv_external_tables WHERE schemaname = 'spectrum'"),
            "p|s3://data/p/|{\"numrows\":\"3\"}; SELECT 1");
  EXPECT_EQ(ask("SELECT tablename FROM svv_external_tables WHERE schemaname = 'streams'"), "impressions; SELECT 1");
  EXPECT_EQ(ask("SELECT columnname, external_type, columnnum, part_key FROM svv_external_columns WHERE schemaname = "
                "'spectrum' ORDER BY columnnum"),
            "id|integer|1|0;name|varchar(10)|2|0;part|integer|3|1; SELECT 3");
  EXPECT_EQ(ask("SELECT columnname FROM svv_external_columns WHERE schemaname = 'streams' ORDER BY columnnum"),
            "ad_id;note; SELECT 2");
  EXPECT_EQ(ask("SELECT \"values\", location FROM svv_external_partitions ORDER BY 1"),
            "[\"1\"]|s3://data/one/;[\"2\"]|s3://data/two/; SELECT 2");
  EXPECT_EQ(ask("SELECT table_schema, table_type FROM svv_tables WHERE table_name = 'p'"),
            "spectrum|EXTERNAL TABLE; SELECT 1");
  EXPECT_EQ(ask("SELECT schema_type FROM svv_all_schemas WHERE schema_name = 'spectrum'"), "external; SELECT 1");
  EXPECT_EQ(ask("SELECT column_name, data_type FROM svv_all_columns WHERE schema_name = 'spectrum' ORDER BY "
                "ordinal_position"),
            "id|integer;name|varchar(10);part|integer; SELECT 3");
  // A condition on the partition: one of two is read, one file of it.
  EXPECT_EQ(ask("SELECT count(*) FROM spectrum.p WHERE part = 2"), "2; SELECT 1");
  EXPECT_EQ(ask("SELECT external_table_name, file_format, files, s3_scanned_bytes FROM svl_s3query_summary"),
            "S3 Scan spectrum.p|Text|1|14; SELECT 1");
  EXPECT_EQ(ask("SELECT total_partitions, qualified_partitions FROM svl_s3partition"), "2|1; SELECT 1");
  const auto ann = user("ann");
  EXPECT_EQ(ask(*ann, "SELECT count(*) FROM svl_s3query_summary"), "0; SELECT 1");
}

// r_CREATE_EXTERNAL_TABLE, "CREATE EXTERNAL TABLE AS".
TEST_F(ExternalTest, a_query_writes_the_files_of_its_table) {
  make_schema();
  EXPECT_EQ(
      ask("CREATE EXTERNAL TABLE spectrum.made PARTITIONED BY (day) STORED AS PARQUET LOCATION 's3://data/made' AS "
          "SELECT date '2026-01-01' + (i % 2)::int AS day, i::int AS id, 'n' || i AS name FROM "
          "generate_series(1, 4) g(i)"),
      "SELECT 4");
  EXPECT_EQ(ask("SELECT id, name, day::varchar FROM spectrum.made WHERE day = '2026-01-01' ORDER BY id"),
            "2|n2|2026-01-01;4|n4|2026-01-01; SELECT 2");
  EXPECT_EQ(ask("CREATE EXTERNAL TABLE spectrum.words ROW FORMAT DELIMITED FIELDS TERMINATED BY '|' STORED AS TEXTFILE "
                "LOCATION 's3://data/words/' AS SELECT 1 AS id, 'one' AS name"),
            "SELECT 1");
  EXPECT_EQ(ask("SELECT * FROM spectrum.words"), "1|one; SELECT 1");
  EXPECT_THAT(
      ask("CREATE EXTERNAL TABLE spectrum.again STORED AS PARQUET LOCATION 's3://data/words/' AS SELECT 1 AS id"),
      HasSubstr("not empty"));
  EXPECT_EQ(code("SELECT * FROM spectrum.again"), "42P01");
  EXPECT_EQ(code("CREATE EXTERNAL TABLE spectrum.p PARTITIONED BY (no) STORED AS PARQUET LOCATION 's3://data/p/' AS "
                 "SELECT 1 AS id"),
            "42703");
}

TEST_F(ExternalTest, what_is_not_there_is_said) {
  make_schema();
  EXPECT_EQ(code("CREATE EXTERNAL TABLE t (a int) STORED AS PARQUET LOCATION 's3://data/t/'"), "42601");
  EXPECT_EQ(code("CREATE EXTERNAL TABLE public.t (a int) STORED AS PARQUET LOCATION 's3://data/t/'"), "42809");
  EXPECT_EQ(code("CREATE EXTERNAL TABLE nowhere.t (a int) STORED AS PARQUET LOCATION 's3://data/t/'"), "3F000");
  EXPECT_EQ(code("CREATE EXTERNAL TABLE spectrum.t (a int) STORED AS PARQUET LOCATION '/etc'"), "22023");
  EXPECT_EQ(code("CREATE EXTERNAL TABLE spectrum.t (a int, a int) STORED AS PARQUET LOCATION 's3://data/t/'"), "42701");
  EXPECT_EQ(ask("CREATE EXTERNAL TABLE spectrum.t (a int) STORED AS PARQUET LOCATION 's3://nobucket/t/'"),
            "CREATE EXTERNAL TABLE");
  EXPECT_THAT(ask("SELECT * FROM spectrum.t"), HasSubstr("there is no bucket \"nobucket\""));
  put("x", "x");
  EXPECT_EQ(ask("ALTER TABLE spectrum.t SET LOCATION 's3://data/nothing/'"), "ALTER TABLE");
  EXPECT_EQ(ask("SELECT * FROM spectrum.t"), "SELECT 0");
  EXPECT_EQ(ask("ALTER TABLE spectrum.t SET LOCATION 's3://data/x'"), "ALTER TABLE");
  EXPECT_THAT(ask("SELECT * FROM spectrum.t"), HasSubstr("a manifest as LOCATION is not supported"));
  EXPECT_EQ(code("CREATE EXTERNAL TABLE spectrum.t (a int) STORED AS PARQUET LOCATION 's3://data/t/'"), "42P07");
  EXPECT_EQ(ask("CREATE EXTERNAL TABLE IF NOT EXISTS spectrum.t (a int) STORED AS PARQUET LOCATION 's3://data/t/'"),
            "CREATE EXTERNAL TABLE");
}

}  // namespace
}  // namespace weir::warehouse
