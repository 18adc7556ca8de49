// COPY and UNLOAD over the store: formats, options, what does not fit, and who may.
#include <gmock/gmock.h>

#include "core/io/compression.h"
#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CopyTest : public SessionTest {
 protected:
  BlobStore& bucket(const std::string& name = "data") {
    auto store = buckets_->open(name);
    EXPECT_TRUE(store) << store.error().text();
    return **store;
  }
  void put(const std::string& key, const std::string& bytes) {
    const Status done = bucket().put(key, bytes);
    ASSERT_TRUE(done) << done.error().text();
  }
  std::string get(const std::string& key) {
    auto file = bucket().open(key);
    if (!file) return "no file: " + file.error().message;
    std::string bytes(*(*file)->size(), '\0');
    bytes.resize(*(*file)->read_at(0, bytes.data(), bytes.size()));
    return bytes;
  }
  std::vector<std::string> keys(const std::string& prefix = "") {
    std::vector<std::string> out;
    const auto blobs = bucket().list(prefix);
    EXPECT_TRUE(blobs) << blobs.error().text();
    for (const Blob& blob : *blobs) out.push_back(blob.key);
    return out;
  }
};

// The metrics seed's statement: no column list, an IDENTITY column that the file does not have.
TEST_F(CopyTest, a_csv_file_skips_the_identity_column) {
  put("ecommerce/output.csv", "2022-01-12 18:00:00,app,amazon,10,1.5\n2022-01-12 19:00:00,web,\"e,bay\",20,2.5\n");
  EXPECT_EQ(
      ask("CREATE TABLE ecommerce (id INT IDENTITY(1,1), ts TIMESTAMP, platform VARCHAR(10), marketplace VARCHAR(20), "
          "views INT, revenue DECIMAL(10,2))"),
      "CREATE TABLE");
  EXPECT_EQ(ask("copy ecommerce from 's3://data/ecommerce/output.csv' iam_role 'arn:aws:iam::1:role/r' csv;"),
            "COPY 2");
  EXPECT_EQ(ask("SELECT id, platform, marketplace, views FROM ecommerce ORDER BY id"),
            "1|app|amazon|10;2|web|e,bay|20; SELECT 2");
}

TEST_F(CopyTest, a_prefix_is_all_its_files_also_compressed) {
  put("in/a.csv.gz", *gzip_member("h\n1\n2\n"));
  put("in/b.csv.gz", *gzip_member("h\n3\n"));
  EXPECT_EQ(ask("CREATE TABLE t (v INT)"), "CREATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/in/' IAM_ROLE default CSV GZIP IGNOREHEADER 1 COMPUPDATE OFF STATUPDATE ON"),
            "COPY 3");
  EXPECT_EQ(ask("SELECT sum(v)::int FROM t"), "6; SELECT 1");
  put("list", R"({"entries":[{"url":"s3://data/in/b.csv.gz","mandatory":true},{"url":"s3://data/in/none"}]})");
  EXPECT_EQ(ask("COPY t FROM 's3://data/list' IAM_ROLE default CSV GZIP IGNOREHEADER 1 MANIFEST"), "COPY 1");
  EXPECT_THAT(ask("COPY t FROM 's3://data/nothing/' IAM_ROLE default CSV"), HasSubstr("does not exist"));
  EXPECT_THAT(ask("COPY t FROM 's3://nowhere/x' IAM_ROLE default CSV"), HasSubstr("no bucket"));
  EXPECT_THAT(ask("COPY t FROM '/etc/passwd' CSV"), HasSubstr("no place in the store"));
  EXPECT_THAT(ask("COPY t FROM 's3://data/../../etc/passwd' CSV"), testing::Not(HasSubstr("root:")));
}

TEST_F(CopyTest, texts_numbers_and_nulls_are_told_apart) {
  put("d", "1|a|\n|\\N|x y \n3||  \n");
  EXPECT_EQ(ask("CREATE TABLE t (v INT, a VARCHAR(5), b VARCHAR(5))"), "CREATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/d' IAM_ROLE default"), "COPY 3");
  EXPECT_EQ(ask("SELECT v, a, '[' || b || ']' FROM t ORDER BY rowid"), "1|a|[];NULL|NULL|[x y ];3||[  ]; SELECT 3");
  EXPECT_EQ(ask("TRUNCATE t"), "TRUNCATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/d' IAM_ROLE default EMPTYASNULL BLANKSASNULL TRIMBLANKS"), "COPY 3");
  EXPECT_EQ(ask("SELECT v, a, b FROM t ORDER BY rowid"), "1|a|NULL;NULL|NULL|x y;3|NULL|NULL; SELECT 3");
  put("e", "5;none;20/11/2026\n");
  EXPECT_EQ(ask("CREATE TABLE u (v INT, a VARCHAR(5), d DATE)"), "CREATE TABLE");
  EXPECT_EQ(
      ask("COPY u (v, a, d) FROM 's3://data/e' IAM_ROLE default DELIMITER ';' NULL AS 'none' DATEFORMAT 'DD/MM/YYYY'"),
      "COPY 1");
  EXPECT_EQ(ask("SELECT v, a, d::varchar FROM u"), "5|NULL|2026-11-20; SELECT 1");
}

TEST_F(CopyTest, json_and_parquet) {
  put("j", "{\"v\":1,\"n\":\"a\"}\n{\"n\":\"b\",\"v\":2,\"more\":[1]}\n");
  EXPECT_EQ(ask("CREATE TABLE t (v INT, n VARCHAR(5))"), "CREATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/j' IAM_ROLE default JSON 'auto'"), "COPY 2");
  put("paths", R"({"jsonpaths":["$['deep'][1]","$.n"]})");
  put("k", "{\"deep\":[7,8],\"n\":\"c\"}\n");
  EXPECT_EQ(ask("COPY t FROM 's3://data/k' IAM_ROLE default FORMAT JSON AS 's3://data/paths'"), "COPY 1");
  EXPECT_EQ(ask("SELECT v, n FROM t ORDER BY v"), "1|a;2|b;8|c; SELECT 3");
  EXPECT_EQ(ask("UNLOAD ('SELECT v AS x, n AS y FROM t') TO 's3://data/p/' IAM_ROLE default PARQUET"), "UNLOAD 3");
  EXPECT_THAT(keys("p/"), ElementsAre("p/0000_part_00.parquet"));
  EXPECT_EQ(ask("TRUNCATE t"), "TRUNCATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/p/' IAM_ROLE default FORMAT AS PARQUET"), "COPY 3");
  EXPECT_EQ(ask("SELECT sum(v)::int FROM t"), "11; SELECT 1");
}

TEST_F(CopyTest, what_does_not_fit_is_told_and_nothing_is_loaded) {
  put("bad", "1,a\nx,b\n3,c,d\n");
  EXPECT_EQ(ask("CREATE TABLE t (v INT, n VARCHAR(5))"), "CREATE TABLE");
  const std::string answer = ask("COPY t FROM 's3://data/bad' IAM_ROLE default CSV");
  EXPECT_THAT(answer, HasSubstr("Load into table 't' failed: s3://data/bad, line 2, column v"));
  EXPECT_THAT(answer, testing::Not(HasSubstr(folder_)));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0; SELECT 1");
  EXPECT_EQ(ask("SELECT file, line, column_name FROM weir_load_errors ORDER BY line LIMIT 1"),
            "s3://data/bad|2|v; SELECT 1");
  EXPECT_EQ(ask("COPY t FROM 's3://data/bad' IAM_ROLE default CSV MAXERROR 5"), "COPY 1");
  EXPECT_EQ(ask("SELECT * FROM t"), "1|a; SELECT 1");
  put("long", "1,abcdefgh\n");
  EXPECT_THAT(ask("COPY t FROM 's3://data/long' IAM_ROLE default CSV"), HasSubstr("too long"));
  EXPECT_EQ(ask("COPY t FROM 's3://data/long' IAM_ROLE default CSV TRUNCATECOLUMNS"), "COPY 1");
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  EXPECT_EQ(ask("COPY t FROM 's3://data/long' IAM_ROLE default CSV TRUNCATECOLUMNS"), "COPY 1");
  EXPECT_EQ(ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "2; SELECT 1");
}

TEST_F(CopyTest, unload_names_its_files_as_documented) {
  EXPECT_EQ(
      ask("CREATE TABLE t AS SELECT i AS v, CASE WHEN i % 2 = 0 THEN 'even, \"x\"' ELSE NULL END AS n FROM range(4) "
          "r(i)"),
      "SELECT 4");
  EXPECT_EQ(ask("unload ('select v, n from t order by v') to 's3://data/out/' iam_role 'arn' header CSV;"), "UNLOAD 4");
  EXPECT_EQ(get("out/0000_part_00"), "v,n\n0,\"even, \"\"x\"\"\"\n1,\n2,\"even, \"\"x\"\"\"\n3,\n");
  EXPECT_EQ(ask("unload ('select v, n from t order by v') to 's3://data/out/' iam_role 'arn' header CSV;"), "UNLOAD 4")
      << "the same again replaces its own";
  EXPECT_THAT(ask("UNLOAD ('select 1') TO 's3://data/out/' IAM_ROLE default CSV"), HasSubstr("is not empty"));
  EXPECT_EQ(
      ask("UNLOAD ('select v from t where v = 1') TO 's3://data/out/' IAM_ROLE default CSV ALLOWOVERWRITE PARALLEL "
          "OFF"),
      "UNLOAD 1");
  EXPECT_THAT(keys("out/"), ElementsAre("out/000", "out/0000_part_00"));
  EXPECT_EQ(ask("UNLOAD ('select v, n from t order by 1') TO 's3://data/out/' IAM_ROLE default CLEANPATH GZIP MANIFEST "
                "VERBOSE NULL AS '@' ADDQUOTES"),
            "UNLOAD 4");
  EXPECT_THAT(keys("out/"), ElementsAre("out/0000_part_00.gz", "out/manifest"));
  EXPECT_EQ(*gunzip(get("out/0000_part_00.gz")), "\"0\"|\"even, \"x\"\"\n\"1\"|@\n\"2\"|\"even, \"x\"\"\n\"3\"|@\n");
  EXPECT_THAT(get("out/manifest"), HasSubstr("\"record_count\":4"));
  EXPECT_EQ(
      ask("UNLOAD ('select v, n, v % 2 as part from t') TO 's3://data/by/' IAM_ROLE default FORMAT JSON PARTITION BY "
          "(part)"),
      "UNLOAD 4");
  EXPECT_THAT(keys("by/"), ElementsAre("by/part=0/0000_part_00", "by/part=1/0000_part_00"));
  EXPECT_THAT(get("by/part=1/0000_part_00"), HasSubstr("{\"v\":1,\"n\":null}"));
  EXPECT_EQ(ask("UNLOAD ('select v from t where false') TO 's3://data/none/' IAM_ROLE default CSV HEADER"), "UNLOAD 0");
  EXPECT_EQ(get("none/0000_part_00"), "v\n");
  EXPECT_EQ(ask("COPY t FROM 's3://data/by/part=1/' IAM_ROLE default JSON 'auto'"), "COPY 2");
}

TEST_F(CopyTest, who_may_not_read_a_table_does_not_unload_it) {
  EXPECT_EQ(ask("CREATE TABLE secret AS SELECT 1 AS id"), "SELECT 1");
  const auto ada = user("ada");
  EXPECT_THAT(ask(*ada, "UNLOAD ('SELECT * FROM secret') TO 's3://data/x' IAM_ROLE default CSV"), StartsWith("42501"));
  EXPECT_THAT(ask(*ada, "UNLOAD ('SELECT * FROM secret') TO 's3://data/x' IAM_ROLE default PARQUET"),
              StartsWith("42501"));
  put("in", "5\n");
  EXPECT_THAT(ask(*ada, "COPY secret FROM 's3://data/in' IAM_ROLE default CSV"), StartsWith("42501"));
  EXPECT_THAT(keys(), ElementsAre("in"));
  EXPECT_THAT(ask("UNLOAD ('DELETE FROM secret') TO 's3://data/y' IAM_ROLE default CSV"),
              testing::Not(StartsWith("UNLOAD")));
  EXPECT_EQ(ask("SELECT count(*) FROM secret"), "1; SELECT 1");
}

TEST_F(CopyTest, credentials_are_in_no_log) {
  put("in", "5\n");
  EXPECT_EQ(ask("CREATE TABLE t (v INT)"), "CREATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/in' ACCESS_KEY_ID 'AKHIDDEN' SECRET_ACCESS_KEY 'KEYHIDDEN' CSV"), "COPY 1");
  EXPECT_EQ(ask("COPY t FROM 's3://data/in' CREDENTIALS 'aws_access_key_id=HIDDEN;aws_secret_access_key=HIDDEN' CSV"),
            "COPY 1");
  for (const StatementInfo& info : log_.finished())
    EXPECT_THAT(info.sql, testing::Not(HasSubstr("HIDDEN"))) << info.sql;
}

// r_UNLOAD, "PARTITION BY": the columns are in the folders' names, and in the files with INCLUDE.
TEST_F(CopyTest, parquet_is_unloaded_into_folders_of_its_partitions) {
  EXPECT_EQ(ask("CREATE TABLE t AS SELECT i AS id, CASE WHEN i % 3 = 2 THEN NULL ELSE 'k' || (i % 3) END AS kind, "
                "date '2026-01-01' + (i % 2)::int AS day FROM generate_series(0, 5) g(i)"),
            "SELECT 6");
  EXPECT_EQ(ask("UNLOAD ('SELECT * FROM t') TO 's3://data/by/' IAM_ROLE default PARQUET PARTITION BY (day, kind) "
                "MANIFEST"),
            "UNLOAD 6");
  EXPECT_THAT(keys("by/"), ElementsAre("by/day=2026-01-01/kind=__HIVE_DEFAULT_PARTITION__/0000_part_00.parquet",
                                       "by/day=2026-01-01/kind=k0/0000_part_00.parquet",
                                       "by/day=2026-01-01/kind=k1/0000_part_00.parquet",
                                       "by/day=2026-01-02/kind=__HIVE_DEFAULT_PARTITION__/0000_part_00.parquet",
                                       "by/day=2026-01-02/kind=k0/0000_part_00.parquet",
                                       "by/day=2026-01-02/kind=k1/0000_part_00.parquet", "by/manifest"));
  EXPECT_THAT(get("by/manifest"), HasSubstr("\"record_count\":1"));
  ASSERT_EQ(ask("CREATE EXTERNAL SCHEMA s FROM DATA CATALOG DATABASE 'd' CREATE EXTERNAL DATABASE IF NOT EXISTS"),
            "CREATE SCHEMA");
  ASSERT_EQ(
      ask("CREATE EXTERNAL TABLE s.by (id int) PARTITIONED BY (day date, kind varchar) STORED AS PARQUET LOCATION "
          "'s3://data/by/'"),
      "CREATE EXTERNAL TABLE");
  EXPECT_EQ(ask("SELECT * FROM t EXCEPT SELECT id, kind, day FROM s.by"), "SELECT 0");
  EXPECT_EQ(ask("SELECT id, kind, day FROM s.by EXCEPT SELECT * FROM t"), "SELECT 0");
  EXPECT_EQ(ask("UNLOAD ('SELECT id, kind FROM t') TO 's3://data/in/' IAM_ROLE default PARQUET PARTITION BY (kind) "
                "INCLUDE"),
            "UNLOAD 6");
  EXPECT_EQ(ask("CREATE TABLE back (id int, kind varchar)"), "CREATE TABLE");
  EXPECT_EQ(ask("COPY back FROM 's3://data/in/kind=k1/' IAM_ROLE default PARQUET"), "COPY 2");
  EXPECT_EQ(ask("SELECT DISTINCT kind FROM back"), "k1; SELECT 1");
  // The same again replaces its own; of fewer partitions nothing is left over.
  EXPECT_EQ(ask("DELETE FROM t WHERE kind IS NULL"), "DELETE 2");
  EXPECT_EQ(ask("UNLOAD ('SELECT * FROM t') TO 's3://data/by/' IAM_ROLE default PARQUET PARTITION BY (day, kind) "
                "MANIFEST"),
            "UNLOAD 4");
  EXPECT_EQ(keys("by/").size(), 5u);
  EXPECT_EQ(
      code("UNLOAD ('SELECT ''a/b'' AS k, 1 AS v') TO 's3://data/bad/' IAM_ROLE default PARQUET PARTITION BY (k)"),
      "22023");
  EXPECT_EQ(keys("bad/").size(), 0u);
  EXPECT_EQ(code("UNLOAD ('SELECT i AS k, 1 AS v FROM generate_series(0, 1000) g(i)') TO 's3://data/many/' IAM_ROLE "
                 "default PARQUET PARTITION BY (k)"),
            "54000");
  EXPECT_EQ(ask("UNLOAD ('SELECT * FROM t WHERE id < 0') TO 's3://data/none/' IAM_ROLE default PARQUET"), "UNLOAD 0");
  EXPECT_EQ(keys("none/").size(), 1u);
}

TEST_F(CopyTest, parquet_files_are_no_larger_than_maxfilesize) {
  EXPECT_EQ(ask("UNLOAD ('SELECT i AS id, md5(i::varchar) || md5((i+1)::varchar) AS text FROM generate_series(1, "
                "250000) g(i)') TO 's3://data/big/' IAM_ROLE default PARQUET MAXFILESIZE 5 MB"),
            "UNLOAD 250000");
  const auto blobs = bucket().list("big/");
  ASSERT_TRUE(blobs);
  EXPECT_GT(blobs->size(), 1u);
  for (const Blob& blob : *blobs) EXPECT_LE(blob.size, 5u << 20) << blob.key;
  EXPECT_EQ(ask("CREATE TABLE back (id int, text varchar)"), "CREATE TABLE");
  EXPECT_EQ(ask("COPY back FROM 's3://data/big/' IAM_ROLE default PARQUET"), "COPY 250000");
  EXPECT_EQ(ask("SELECT count(DISTINCT id), sum(id::bigint)::bigint FROM back"), "250000|31250125000; SELECT 1");
}

TEST_F(CopyTest, records_of_json_that_do_not_fit_are_counted_and_told) {
  put("j/a.json",
      "{\"id\":1,\"day\":\"2026-01-01\",\"name\":\"one\"}\n"
      "{\"id\":\"x\",\"day\":\"2026-01-02\",\"name\":\"two\"}\n"
      "this is no record\n"
      "{\"id\":4,\"day\":\"someday\",\"name\":\"four\"}\n"
      "{\"id\":5,\"name\":\"too long for it\"}\n"
      "{\"name\":\"six\"}\n");
  put("j/b.json", "{\"id\":7,\"name\":\"seven\"}\n{\"id\":[8]}\n");
  EXPECT_EQ(ask("CREATE TABLE t (id INT NOT NULL, day DATE, name VARCHAR(8))"), "CREATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/j/' IAM_ROLE default JSON 'auto' MAXERROR 10"), "COPY 2");
  EXPECT_EQ(ask("SELECT id, name FROM t ORDER BY id"), "1|one;7|seven; SELECT 2");
  EXPECT_EQ(ask("SELECT filename, line_number, trim(colname), err_reason FROM stl_load_errors ORDER BY 1, 2"),
            "s3://data/j/a.json|2|id|'x' is no integer;"
            "s3://data/j/a.json|3||the record is no valid JSON object;"
            "s3://data/j/a.json|4|day|'someday' is no date;"
            "s3://data/j/a.json|5|name|the value has more bytes than character varying(8) holds;"
            "s3://data/j/a.json|6|id|the record has no value of id, which is NOT NULL;"
            "s3://data/j/b.json|2|id|'[8]' is no integer; SELECT 6");
  EXPECT_THAT(ask("COPY t FROM 's3://data/j/' IAM_ROLE default JSON 'auto' MAXERROR 5"),
              HasSubstr("s3://data/j/a.json, record 2, column id: 'x' is no integer"));
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "2; SELECT 1");
  // Without MAXERROR the first one is told as exactly.
  EXPECT_THAT(ask("COPY t FROM 's3://data/j/b.json' IAM_ROLE default JSON 'auto'"),
              HasSubstr("s3://data/j/b.json, record 2, column id"));
  put("paths.json", "{\"jsonpaths\":[\"$.a.b\",\"$.day\",\"$.name\"]}");
  put("k/a.json",
      "{\"a\":{\"b\":1},\"day\":\"01.02.2026\",\"name\":\"p\"}\n{\"a\":{\"b\":2},\"day\":\"2026-02-01\"}\n");
  EXPECT_EQ(ask("TRUNCATE t"), "TRUNCATE TABLE");
  EXPECT_EQ(ask("COPY t FROM 's3://data/k/' IAM_ROLE default JSON 's3://data/paths.json' DATEFORMAT 'DD.MM.YYYY' "
                "MAXERROR 1"),
            "COPY 1");
  EXPECT_EQ(ask("SELECT id, day::varchar FROM t"), "1|2026-02-01; SELECT 1");
}

TEST_F(CopyTest, records_of_parquet_that_do_not_fit_are_counted_and_told) {
  EXPECT_EQ(
      ask("UNLOAD ('SELECT * FROM (VALUES (''1'', ''one''), (''x'', ''two''), (''3'', ''three is long'')) v(a, b)') "
          "TO 's3://data/p/' IAM_ROLE default PARQUET"),
      "UNLOAD 3");
  EXPECT_EQ(ask("CREATE TABLE t (id INT, name VARCHAR(5))"), "CREATE TABLE");
  EXPECT_THAT(ask("COPY t FROM 's3://data/p/' IAM_ROLE default PARQUET"),
              HasSubstr("s3://data/p/0000_part_00.parquet, record 2, column id: 'x' is no integer"));
  EXPECT_EQ(ask("COPY t FROM 's3://data/p/' IAM_ROLE default PARQUET MAXERROR 2"), "COPY 1");
  EXPECT_EQ(ask("SELECT * FROM t"), "1|one; SELECT 1");
  EXPECT_EQ(ask("SELECT line_number, trim(colname) FROM stl_load_errors WHERE query = (SELECT max(query) FROM "
                "stl_load_errors) ORDER BY 1"),
            "2|id;3|name; SELECT 2");
}

}  // namespace
}  // namespace weir::warehouse
