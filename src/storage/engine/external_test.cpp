// External tables inside the engine: an authority says that they are there, their files are found when they are read.
#include "storage/engine/external.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "storage/engine/engine_fixture.h"

namespace weir::engine {
namespace {

// Files of a folder; a=x/ below it are partitions, when the table has partition columns.
class Folder final : public ExternalSource {
 public:
  Folder(std::string root, std::vector<std::string> columns) : root_(std::move(root)), columns_(std::move(columns)) {}

  Result<ExternalFiles> find(const std::function<bool(const PartitionValues&)>& wants) const override {
    ++looked;
    ExternalFiles out;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      const std::string below = path.string().substr(root_.size() + 1);
      PartitionValues values;
      size_t begin = 0;
      for (const std::string& column : columns_) {
        const size_t value = begin + column.size() + 1, end = below.find('/', value);
        const std::string text = below.substr(value, end - value);
        values.push_back(text == "null" ? std::nullopt : std::optional<std::string>(text));
        begin = end + 1;
      }
      ++out.partitions;
      if (!wants(values)) continue;
      ++out.partitions_read;
      out.files.push_back({.path = Engine::own_file(path.string()),
                           .url = "s3://shop/" + below,
                           .bytes = std::filesystem::file_size(path),
                           .partition = values});
    }
    named = out.files.size();
    return out;
  }
  mutable int looked = 0;
  mutable size_t named = 0;

 private:
  const std::string root_;
  const std::vector<std::string> columns_;
};

class OneTable final : public Authority {
 public:
  explicit OneTable(ExternalTable table) : table_(std::make_shared<const ExternalTable>(std::move(table))) {}
  Status check(const RelationUse& use) const override {
    asked.push_back(use.schema + "." + use.name);
    if (is_denied) return Error(Code::denied, "permission denied for schema " + use.schema);
    return {};
  }
  const View* view(std::string_view, std::string_view) const override { return nullptr; }
  bool may_be_guarded(std::string_view) const override { return false; }
  const RelationGuard* guard(std::string_view, std::string_view) const override { return nullptr; }
  Result<std::vector<FunctionCandidate>> functions(std::string_view, std::string_view, size_t,
                                                   const std::vector<std::string>*) const override {
    return std::vector<FunctionCandidate>();
  }
  std::optional<Json> word(std::string_view, const std::vector<Json>&) const override { return std::nullopt; }
  std::string_view database() const override { return "weir"; }
  Result<std::shared_ptr<const ExternalTable>> external(std::string_view schema, std::string_view name,
                                                        std::string_view) const override {
    if (schema != table_->schema || name != table_->name) return std::shared_ptr<const ExternalTable>();
    return table_;
  }
  mutable std::vector<std::string> asked;
  bool is_denied = false;

 private:
  const std::shared_ptr<const ExternalTable> table_;
};

class ExternalTest : public EngineTest {
 protected:
  std::string place(const std::string& below) {
    const std::string path = folder.file("bucket/" + below);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    return path;
  }
  void write(const std::string& below, const std::string& text) { std::ofstream(place(below)) << text; }
  void write_gzip(const std::string& below, const std::string& text) {
    gzFile file = gzopen(place(below).c_str(), "wb");
    gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
    gzclose(file);
  }
  void write_parquet(const std::string& below, const std::string& select) {
    const auto own = connect(Trust::own);
    ASSERT_EQ(
        ask(*own, "COPY (" + select + ") TO '" + Engine::own_file(place(below)) + "' (FORMAT parquet)").substr(0, 1),
        "1");
  }
  OneTable& declare(ExternalTable table) {
    std::vector<std::string> columns;
    for (const ExternalColumn& column : table.partition_columns) columns.push_back(column.name);
    source = std::make_shared<Folder>(folder.file("bucket"), std::move(columns));
    table.schema = "spectrum";
    table.name = "sales";
    table.source = source;
    authority = std::make_shared<OneTable>(std::move(table));
    session->govern(authority);
    return *authority;
  }
  std::shared_ptr<Folder> source;
  std::shared_ptr<OneTable> authority;
};

const std::vector<ExternalColumn> kColumns = {{"id", "INTEGER"}, {"name", "VARCHAR"}};

TEST_F(ExternalTest, reads_parquet_by_the_names_of_its_columns) {
  write_parquet("a.parquet", "SELECT 'one' AS name, 1::BIGINT AS id, 9 AS other");
  write_parquet("b.parquet", "SELECT 2 AS id");  // written before the column was
  declare({.columns = kColumns});
  EXPECT_EQ(ask("SELECT * FROM spectrum.sales ORDER BY id"), "1|one;2|NULL;");
  EXPECT_EQ(ask("SELECT count(*) FROM spectrum.sales"), "2;");
  EXPECT_EQ(ask("SELECT s.name FROM spectrum.sales s WHERE id = 1"), "one;");
  EXPECT_EQ(ask("SELECT sales.name FROM spectrum.sales WHERE sales.id = 1"), "one;");
  EXPECT_EQ(authority->asked.back(), "spectrum.sales");
}

TEST_F(ExternalTest, reads_delimited_texts_plain_and_packed) {
  write("a.txt", "id|name\n1|one\n2|\n");
  write_gzip("b.gz", "id|name\n3|three|surplus\n4\n");
  declare({.columns = kColumns, .format = ExternalTable::Format::delimited, .delimiter = "|", .header_lines = 1});
  EXPECT_EQ(ask("SELECT * FROM spectrum.sales ORDER BY id"), "1|one;2|;3|three;4|;");
}

TEST_F(ExternalTest, reads_records_of_json) {
  write("a.json", "{\"id\":1,\"name\":\"one\",\"more\":[1]}\n{\"id\":2}\n");
  declare({.columns = kColumns, .format = ExternalTable::Format::json});
  EXPECT_EQ(ask("SELECT * FROM spectrum.sales ORDER BY id"), "1|one;2|NULL;");
}

TEST_F(ExternalTest, opens_only_the_files_of_partitions_that_a_condition_wants) {
  write_parquet("day=2026-01-01/a.parquet", "SELECT 1 AS id, 'one' AS name");
  write("day=2026-01-02/broken.parquet", "this is no Parquet");
  declare({.columns = kColumns, .partition_columns = {{"day", "DATE"}}});
  EXPECT_EQ(ask("SELECT id, day FROM spectrum.sales WHERE day = '2026-01-01'"), "1|2026-01-01;");
  EXPECT_EQ(source->named, 1u);
  EXPECT_EQ(ask("SELECT id FROM spectrum.sales WHERE day < date '2026-01-02' AND id > 0"), "1;");
  EXPECT_EQ(ask("SELECT id FROM spectrum.sales WHERE date_part('day', day) IN (1, 7)"), "1;");
  EXPECT_EQ(ask("SELECT id FROM spectrum.sales WHERE day = '2026-01-03'"), "");
  const std::string plan = ask("EXPLAIN SELECT id FROM spectrum.sales WHERE day = '2026-01-01'");
  EXPECT_NE(plan.find("1 of 2"), std::string::npos) << plan;
  // Without the condition the other file is opened, and named as people know it.
  const std::string broken = ask("SELECT id FROM spectrum.sales");
  EXPECT_NE(broken.find("s3://shop/day=2026-01-02/broken.parquet"), std::string::npos) << broken;
  EXPECT_EQ(broken.find("weirown"), std::string::npos) << broken;
  EXPECT_EQ(broken.find(folder.file("")), std::string::npos) << broken;
}

TEST_F(ExternalTest, partitions_of_texts_and_json_are_columns_too) {
  write("region=eu/part=1/a.csv", "1,one\n");
  write("region=null/part=2/a.csv", "2,two\n");
  declare({.columns = kColumns,
           .partition_columns = {{"region", "VARCHAR"}, {"part", "INTEGER"}},
           .format = ExternalTable::Format::delimited,
           .delimiter = ","});
  EXPECT_EQ(ask("SELECT * FROM spectrum.sales ORDER BY id"), "1|one|eu|1;2|two|NULL|2;");
  EXPECT_EQ(ask("SELECT name FROM spectrum.sales WHERE region IS NULL"), "two;");
  EXPECT_EQ(source->named, 1u);
  EXPECT_EQ(ask("SELECT region, count(*) FROM spectrum.sales GROUP BY region ORDER BY 1"), "eu|1;NULL|1;");
  EXPECT_EQ(ask("SELECT part FROM spectrum.sales ORDER BY part DESC LIMIT 1"), "2;");
  std::filesystem::remove_all(folder.file("bucket"));
  write("region=eu/part=1/a.json", "{\"id\":1,\"name\":\"one\"}\n");
  write("region=us/part=1/a.json", "no json\n");
  declare({.columns = kColumns,
           .partition_columns = {{"region", "VARCHAR"}, {"part", "INTEGER"}},
           .format = ExternalTable::Format::json});
  EXPECT_EQ(ask("SELECT * FROM spectrum.sales WHERE region = 'eu'"), "1|one|eu|1;");
  EXPECT_EQ(ask("SELECT part, name FROM spectrum.sales WHERE region LIKE 'e%'"), "1|one;");
}

TEST_F(ExternalTest, path_and_size_of_a_row_are_asked_for_by_name) {
  write_parquet("a.parquet", "SELECT 1 AS id, 'one' AS name");
  declare({.columns = kColumns});
  EXPECT_EQ(ask("SELECT \"$path\", \"$size\" > 0, id FROM spectrum.sales"), "s3://shop/a.parquet|true|1;");
  EXPECT_EQ(ask("SELECT id FROM spectrum.sales WHERE \"$path\" LIKE '%a.parquet' AND \"$size\" > 0"), "1;");
  EXPECT_EQ(ask("SELECT count(DISTINCT \"$path\") FROM spectrum.sales"), "1;");
}

TEST_F(ExternalTest, looks_for_no_file_before_the_statement_is_allowed) {
  write_parquet("a.parquet", "SELECT 1 AS id, 'one' AS name");
  declare({.columns = kColumns}).is_denied = true;
  EXPECT_NE(ask("SELECT id FROM spectrum.sales").find("permission denied for schema spectrum"), std::string::npos);
  EXPECT_EQ(source->looked, 0);
}

TEST_F(ExternalTest, a_statement_opens_no_file_by_itself_even_one_of_a_table) {
  write_parquet("a.parquet", "SELECT 1 AS id, 'one' AS name");
  declare({.columns = kColumns});
  const std::string path = Engine::own_file(folder.file("bucket/a.parquet"));
  for (const std::string& sql :
       {"SELECT t.id FROM spectrum.sales t, read_parquet('" + path + "')", "SELECT * FROM '" + path + "'",
        std::string("SELECT * FROM lake.external.\"spectrum.sales\"")}) {
    EXPECT_EQ(code_of(sql), Code::denied) << sql << ": " << ask(sql);
  }
}

TEST_F(ExternalTest, joins_tables_of_the_engine_and_itself) {
  write("a.csv", "1,one\n2,two\n");
  declare({.columns = kColumns, .format = ExternalTable::Format::delimited, .delimiter = ","});
  EXPECT_EQ(ask("SELECT a.name, b.name FROM spectrum.sales a JOIN spectrum.sales b ON a.id = b.id - 1"), "one|two;");
  EXPECT_EQ(ask("WITH x AS (SELECT * FROM spectrum.sales) SELECT count(*) FROM x JOIN generate_series(1, 2) g(id) "
                "USING (id)"),
            "2;");
}

}  // namespace
}  // namespace weir::engine
