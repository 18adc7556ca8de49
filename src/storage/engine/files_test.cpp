// Files that the engine loads and writes for people: all or nothing, with the line of what is wrong.
#include <fstream>

#include "storage/engine/engine_fixture.h"

namespace weir::engine {
namespace {

class FilesTest : public EngineTest {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder.file(name)) << text;
    return folder.file(name);
  }
  std::string load(const std::string& path, std::string_view format, const std::string& table) {
    const Result<uint64_t> rows = load_file(path, format, table);
    return rows ? std::to_string(*rows) : std::string(code_name(rows.error().code)) + ": " + rows.error().text();
  }
};

TEST_F(FilesTest, csv_makes_a_table_and_adds_to_it) {
  const std::string path = write("prices.csv", "item,price,day\na,1.5,2023-01-01\nb,,2023-01-02\n");
  EXPECT_EQ(load(path, "csv", "prices"), "2");
  EXPECT_EQ(ask("SELECT * FROM prices ORDER BY item"), "a|1.500000|2023-01-01;b|NULL|2023-01-02;");
  EXPECT_EQ(load(write("more.csv", "price,item\n3,c\n"), "csv", "Prices"), "1") << "columns are found by name";
  EXPECT_EQ(ask("SELECT item, price, day FROM prices WHERE item = 'c'"), "c|3.000000|NULL;");
}

TEST_F(FilesTest, json_lines_and_parquet_load_too) {
  EXPECT_EQ(load(write("a.ndjson", "{\"a\": 1, \"b\": {\"c\": [1]}}\n{\"a\": 2}\n"), "ndjson", "a"), "2");
  EXPECT_EQ(ask("SELECT a, b FROM a ORDER BY a"), "1|{\"c\":[1]};2|NULL;");
  EXPECT_EQ(load(write("b.json", "[{\"x\": 1}, {\"x\": 2}]"), "json", "b"), "2");
  ASSERT_TRUE(engine->copy_result(*session, "SELECT x * 10 AS y FROM b ORDER BY x", folder.file("b.parquet")));
  EXPECT_EQ(load(folder.file("b.parquet"), "parquet", "c"), "2");
  EXPECT_EQ(ask("SELECT y FROM c ORDER BY y"), "10;20;");
}

TEST_F(FilesTest, a_bad_row_is_named_and_nothing_is_loaded) {
  std::string rows = "a,b\n";
  for (int i = 0; i < 30'000; ++i) rows += std::to_string(i) + ",x\n";
  const std::string path = write("bad.csv", rows + "not a number,x\n");
  const Result<uint64_t> loaded = load_file(path, "csv", "bad");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::invalid);
  ASSERT_TRUE(loaded.error().position) << loaded.error().text();
  EXPECT_EQ(loaded.error().position->file, path);
  EXPECT_EQ(loaded.error().position->line, 30'002);
  EXPECT_EQ(loaded.error().text().find("weirown"), std::string::npos) << loaded.error().text();
  EXPECT_EQ(ask("SELECT * FROM bad").substr(0, 8), "invalid:") << "no table was made";

  EXPECT_EQ(load(write("good.csv", "a,b\n1,x\n"), "csv", "bad"), "1");
  EXPECT_EQ(load(path, "csv", "bad").substr(0, 8), "invalid:");
  EXPECT_EQ(ask("SELECT count(*) FROM bad"), "1;") << "not one row of the bad file";

  const Result<uint64_t> json = load_file(write("bad.ndjson", "{\"a\": 1}\n{\"a\": \n"), "ndjson", "j");
  ASSERT_FALSE(json);
  ASSERT_TRUE(json.error().position) << json.error().text();
  EXPECT_EQ(json.error().position->line, 2);
  EXPECT_NE(json.error().message.find("in line 2"), std::string::npos) << json.error().text();
  EXPECT_EQ(load_file(write("bad1.ndjson", "{\"a\": x}\n{\"a\": 1}\n"), "ndjson", "j").error().position->line, 1);
}

TEST_F(FilesTest, a_file_that_is_no_good_csv_makes_no_table_and_says_where_and_why) {
  std::string late = "a,b\n";  // longer than what is looked at before the load
  for (int i = 0; i < 200'000; ++i) late += std::to_string(i) + ",x\n";
  const struct {
    const char* name;
    std::string text;
    int line;
    const char* words;
  } cases[] = {
      {"short.csv", "a,b,c\n1,2,3\n4,5\n", 3, "line 3 has 2 columns, expected 3 as in line 1, separated by a comma"},
      {"long.csv", "a,b\n1,2\n3,4,5\n", 3, "line 3 has 3 columns, expected 2"},
      {"header.csv", "a,b,c\n1,2\n3,4\n", 2, "line 2 has 2 columns, expected 3"},
      {"quote.csv", "a,b\n1,\"x\n2,y\n", 2, "begins with a quote and does not end with one"},
      {"empty.csv", "", 1, "the file is empty, expected a first line that names the columns"},
      {"json.csv", "[{\"a\": 1, \"b\": 2}]", 1, "it is JSON (--format json)"},
      {"binary.csv",
       std::string("\x7F"
                   "ELF\0\1\2\n\0",
                   9),
       1, "zero bytes, expected text in UTF-8"},
      {"late_short.csv", late + "7\n8,y\n", 200'002, "line 200002 has 1 column, expected 2"},
      {"late_quote.csv", late + "7,\"x\n8,y\n", 200'002, "begins with a quote and does not end with one"},
  };
  for (const auto& one : cases) {
    const std::string path = folder.file(one.name);
    std::ofstream(path, std::ios::binary) << one.text;
    const Result<uint64_t> loaded = load_file(path, "csv", "no_table");
    ASSERT_FALSE(loaded) << one.name;
    EXPECT_EQ(loaded.error().code, Code::invalid) << one.name;
    ASSERT_TRUE(loaded.error().position) << one.name << ": " << loaded.error().text();
    EXPECT_EQ(loaded.error().position->file, path);
    EXPECT_EQ(loaded.error().position->line, one.line) << loaded.error().text();
    EXPECT_NE(loaded.error().text().find(one.words), std::string::npos) << loaded.error().text();
    EXPECT_EQ(ask("SELECT * FROM no_table").substr(0, 8), "invalid:") << one.name << " made a table";
  }
  EXPECT_EQ(load(write("empty.ndjson", ""), "ndjson", "no_table").substr(0, 8), "invalid:");
  EXPECT_EQ(load(folder.file(""), "csv", "no_table").substr(0, 8), "invalid:") << "a folder";
}

TEST_F(FilesTest, good_csv_of_every_dialect_loads) {
  EXPECT_EQ(load(write("one.csv", "name\nann\nbob\n"), "csv", "one"), "2");
  EXPECT_EQ(ask("SELECT name FROM one ORDER BY name"), "ann;bob;");
  EXPECT_EQ(load(write("numbers.csv", "1\n2\n3\n"), "csv", "numbers"), "3");
  EXPECT_EQ(load(write("quoted.csv", "note\n\"hello, world\"\n\"two\nlines\"\n"), "csv", "quoted"), "2");
  EXPECT_EQ(load(write("semi.csv", "a;b\r\n1,5;x\r\n"), "csv", "semicolons"), "1");
  EXPECT_EQ(ask("SELECT a, b FROM semicolons"), "1,5|x;");
  EXPECT_EQ(load(write("tabs.tsv", "a\tb\n1\t2\n"), "tsv", "tabs"), "1");
  EXPECT_EQ(load(write("backslash.csv", "a,b\n1,\"x \\\"q\\\" y\"\n"), "csv", "backslash"), "1");
  EXPECT_EQ(ask("SELECT b FROM backslash"), "x \"q\" y;");
  EXPECT_EQ(load(write("apostrophe.csv", "a,b\n'1,5',x\n"), "csv", "apostrophe"), "1");
  EXPECT_EQ(ask("SELECT a FROM apostrophe"), "1,5;");
  EXPECT_EQ(load(write("mark.csv",
                       "\xEF\xBB\xBF"
                       "a,b\n1,2\n"),
                 "csv", "mark"),
            "1");
  EXPECT_EQ(ask("SELECT a FROM mark"), "1;");
  EXPECT_EQ(load(write("below.csv", "name\r\nann\r\nbob\r\n"), "csv", "below"), "2");
  EXPECT_EQ(ask("SELECT name FROM below ORDER BY name"), "ann;bob;");
}

TEST_F(FilesTest, what_cannot_be_loaded_is_said) {
  TableVersion stream;
  stream.name = "clicks";
  stream.columns = {{"id", ColumnType::int64}};
  tables.publish({stream});
  const std::string path = write("x.csv", "a\n1\n");
  EXPECT_EQ(load(path, "csv", "clicks").substr(0, 9), "conflict:");
  EXPECT_EQ(load(path, "csv", "no such name").substr(0, 8), "invalid:");
  EXPECT_EQ(load(path, "xlsx", "t").substr(0, 8), "invalid:");
  EXPECT_EQ(load(folder.file("missing.csv"), "csv", "t").substr(0, 10), "not_found:");
  EXPECT_NE(load(write("x.parquet", "nothing"), "parquet", "t"), "0");
  EXPECT_EQ(load(write("[odd] *'name.csv", "a\n7\n"), "csv", "odd"), "1");
  EXPECT_EQ(load(path, "csv", "t"), "1");
  EXPECT_EQ(load(write("wider.csv", "a,z\n1,2\n"), "csv", "t").substr(0, 8), "invalid:") << "z is no column of t";
}

TEST_F(FilesTest, a_copied_result_passes_the_same_locks) {
  const auto copied = engine->copy_result(*session, "SELECT range AS n FROM range(5000)", folder.file("out.parquet"));
  ASSERT_TRUE(copied) << copied.error().text();
  EXPECT_EQ(*copied, 5000u);
  EXPECT_EQ(load(folder.file("out.parquet"), "parquet", "copied"), "5000");
  const auto code = [&](std::string_view sql) {
    const auto result = engine->copy_result(*session, sql, folder.file("no.parquet"));
    return result ? Code::not_found : result.error().code;
  };
  EXPECT_EQ(code("SELECT * FROM read_text('/etc/passwd')"), Code::denied);
  EXPECT_EQ(code("COPY (SELECT 1) TO '" + folder.file("other.csv") + "'"), Code::denied);
  EXPECT_EQ(code("DROP TABLE copied"), Code::denied);
  EXPECT_EQ(code("SELECT nothing"), Code::invalid);
  EXPECT_EQ(code("EXPLAIN SELECT 1"), Code::invalid);
  EXPECT_EQ(ask("COPY (SELECT 1) TO '" + folder.file("other.csv") + "'").substr(0, 7), "denied:") << "as before";
  const auto empty = engine->copy_result(*session, "SELECT 1 AS a WHERE false", folder.file("empty.parquet"));
  ASSERT_TRUE(empty) << empty.error().text();
  EXPECT_EQ(*empty, 0u);
}

}  // namespace
}  // namespace weir::engine
