// What files of the store hold, before they are loaded: formats, how they are written, who may look, and what they load
// as.
#include "platform/warehouse/inspect.h"

#include <gmock/gmock.h>

#include "core/io/compression.h"
#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class InspectTest : public SessionTest {
 protected:
  void put(const std::string& key, const std::string& bytes) {
    const Status done = put_file(*warehouse_, owner_, "s3://data/" + key, bytes);
    ASSERT_TRUE(done) << done.error().text();
  }
  Result<FileShape> look(const std::string& place, const std::string& format = "") {
    return inspect(*warehouse_, owner_, place, format);
  }
  std::string columns(const std::string& key, const std::string& format = "") {
    const auto shape = look("s3://data/" + key, format);
    if (!shape) return said(shape.error());
    std::string out;
    for (const auto& one : shape->columns) out += one.name + " " + one.type + "; ";
    return out + std::to_string(shape->rows.size());
  }
  const User owner_{.name = "weir", .may_read = true, .may_administer = true, .id = access::kOwnerUser};
};

TEST_F(InspectTest, a_csv_file_says_how_it_is_written) {
  put("a.csv", "day;name;price\n31/01/2026;\"a;b\";1.5\n01/02/2026;c;2\n");
  const auto shape = look("s3://data/a.csv");
  ASSERT_TRUE(shape) << shape.error().text();
  EXPECT_EQ(shape->delimiter, ";");
  EXPECT_EQ(shape->skipped_lines, 1);
  EXPECT_EQ(shape->date_format, "%d/%m/%Y");
  EXPECT_EQ(columns("a.csv"), "day DATE; name VARCHAR; price DOUBLE; 2");
  EXPECT_THAT(shape->to_json().dump(), HasSubstr(R"(["2026-01-31","a;b",1.5])"));
}

TEST_F(InspectTest, json_lines_and_compressed_files_are_read) {
  put("a.jsonl", "{\"n\":1,\"at\":\"2026-01-01 10:00:00\",\"more\":{\"x\":[1]}}\n{\"n\":2,\"at\":null}\n");
  EXPECT_EQ(columns("a.jsonl"), "n BIGINT; at TIMESTAMP; more STRUCT(x BIGINT[]); 2");
  put("b.csv.gz", *gzip_member("n\n1\n2\n"));
  EXPECT_EQ(columns("b.csv.gz"), "n BIGINT; 2");
  put("c.csv", "n,words\n1,a\n2,b\n");
  EXPECT_EQ(look("s3://data/c.csv")->quote, "");
  EXPECT_EQ(look("s3://data/b.csv.gz")->compression, "gzip");
}

TEST_F(InspectTest, parquet_is_what_unload_wrote_and_a_prefix_is_counted) {
  EXPECT_EQ(
      ask("UNLOAD ('SELECT 1::INT AS n, ''x'' AS t') TO 's3://data/out/' FORMAT PARQUET PARALLEL OFF").substr(0, 2),
      "UN");
  const auto shape = look("s3://data/out/", "parquet");
  ASSERT_TRUE(shape) << shape.error().text();
  EXPECT_EQ(shape->columns.size(), 2u);
  EXPECT_EQ(shape->files, 1u);
  EXPECT_EQ(shape->rows.size(), 1u);
}

TEST_F(InspectTest, what_cannot_be_read_says_why_and_names_no_path_of_ours) {
  EXPECT_EQ(columns("a.csv"), "not_found: there is no bucket \"data\"");
  put("a.bin", "x");
  EXPECT_THAT(columns("a.bin"), HasSubstr("cannot be told from its name"));
  EXPECT_THAT(columns("none"), HasSubstr("nothing in the bucket data begins with 'none'"));
  put("bad.parquet", "this is no Parquet");
  const std::string bad = columns("bad.parquet");
  EXPECT_THAT(bad, HasSubstr("s3://data/bad.parquet"));
  EXPECT_THAT(bad, Not(HasSubstr(folder_)));
  put("empty.csv", "");
  EXPECT_THAT(columns("empty.csv"), HasSubstr("is empty"));
  for (const std::string place :
       {"/etc/passwd", "file:///etc/passwd", "s3://data/../../x.csv", "s3://../x.csv", "s3:///x.csv"}) {
    EXPECT_FALSE(look(place, "csv")) << place;
    EXPECT_FALSE(put_file(*warehouse_, owner_, place, "x")) << place;
  }
  EXPECT_EQ(look("s3://data/a.csv", "xml").error().code, Code::invalid);
  // A name with marks of patterns is one file.
  EXPECT_EQ(columns("*.csv"), "not_found: nothing in the bucket data begins with '*.csv'");
}

TEST_F(InspectTest, a_file_is_put_once) {
  put("a.csv", "n\n1\n");
  EXPECT_EQ(put_file(*warehouse_, owner_, "s3://data/a.csv", "x").error().code, Code::conflict);
  EXPECT_EQ(columns("a.csv"), "n BIGINT; 1");
}

TEST_F(InspectTest, who_may_make_tables_may_look) {
  put("a.csv", "n\n1\n");
  const User reads{.name = "reader", .may_read = true};
  EXPECT_EQ(inspect(*warehouse_, reads, "s3://data/a.csv", "").error().code, Code::denied);
  EXPECT_EQ(put_file(*warehouse_, reads, "s3://data/b.csv", "x").error().code, Code::denied);
  const auto session = user("ada");
  const User ada{.name = "ada", .may_read = true, .id = users_->directory()->user("ada")->id};
  EXPECT_TRUE(inspect(*warehouse_, ada, "s3://data/a.csv", ""));
  EXPECT_EQ(ask("REVOKE CREATE ON SCHEMA public FROM PUBLIC"), "REVOKE");
  EXPECT_EQ(inspect(*warehouse_, ada, "s3://data/a.csv", "").error().code, Code::denied);
}

}  // namespace
}  // namespace weir::warehouse
