// Runs tests/sql/**/*.test, each against an engine of its own. Usage: sql_test FOLDER|FILE …
// Prints every failure with its file and line, then a count; exits 1 if anything failed.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "world.h"

namespace weir::sql_test {
namespace {

std::string join(const std::vector<std::string>& parts, const char* between) {
  std::string all;
  for (size_t i = 0; i < parts.size(); ++i) all += (i > 0 ? between : "") + parts[i];
  return all;
}

Status compare(const Record& record, const Table& table) {
  if (record.sort != "contains" && table.columns != record.types.size()) {
    return Error(Code::invalid, "the result has " + std::to_string(table.columns) + " columns, expected " +
                                    std::to_string(record.types.size()));
  }
  std::vector<std::string> found;
  for (const auto& row : table.rows) found.push_back(join(row, "\t"));
  std::vector<std::string> expected = record.expected;
  if (record.sort == "contains") {
    const std::string all = join(found, "\n");
    for (const std::string& part : expected) {
      const bool unwanted = part.starts_with("!");
      if ((all.find(unwanted ? part.substr(1) : part) == std::string::npos) != unwanted) {
        return Error(Code::invalid, (unwanted ? "not expected: " : "not found: ") + part + "\nin\n" + all);
      }
    }
    return {};
  }
  if (record.sort == "rowsort") {
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
  }
  if (found == expected) return {};
  return Error(Code::invalid, "expected\n" + join(expected, "\n") + "\nfound\n" + join(found, "\n"));
}

Status expect_error(const Record& record, const Error& error) {
  if (record.error_code.empty()) return error;
  if (code_name(error.code) != record.error_code) {
    return Error(Code::invalid,
                 "expected error " + record.error_code + ", found " + code_name(error.code) + ": " + error.text());
  }
  for (const std::string& part : record.expected) {
    if (error.text().find(part) == std::string::npos) {
      return Error(Code::invalid, "expected an error with \"" + part + "\", found: " + error.text());
    }
  }
  return {};
}

Status run(const Record& record, World& world, Target& target) {
  switch (record.kind) {
    case Kind::table:
      return world.add_table(record);
    case Kind::file:
      return world.add_file(record);
    case Kind::tail:
      return world.add_tail(record);
    case Kind::publish:
      world.publish();
      return {};
    case Kind::own:
      return world.run_own(record.sql);
    case Kind::statement:
    case Kind::query:
      break;
  }
  std::vector<Json> parameters;
  if (!record.parameters.empty()) {
    TRY_ASSIGN(const Json list, Json::parse(record.parameters));
    parameters = list.array();
  }
  const Result<Table> table = target.run(world.expand(record.sql), parameters);
  if (!table) return expect_error(record, table.error());
  if (!record.error_code.empty()) return Error(Code::invalid, "expected error " + record.error_code + ", it succeeded");
  return record.kind == Kind::query ? compare(record, *table) : Status();
}

struct Count {
  int records = 0, failed = 0;
};

Status run_file(const std::string& path, Count& count) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  TRY_ASSIGN(const std::vector<Record> records, parse_test_file(path, text.str()));
  TRY_ASSIGN(const std::unique_ptr<World> world, World::open());
  TRY_ASSIGN(const std::unique_ptr<Target> target, world->connect(engine::Trust::user));
  for (const Record& record : records) {
    if (record.is_skipped) continue;
    ++count.records;
    if (const Status done = run(record, *world, *target); !done) {
      ++count.failed;
      std::printf("%s:%d: %s\n  %s\n", path.c_str(), record.line, record.sql.c_str(), done.error().text().c_str());
      // Without its tables the rest of the file says nothing.
      if (record.kind != Kind::statement && record.kind != Kind::query) break;
    }
  }
  return {};
}

int main_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    if (!std::filesystem::is_directory(argument)) {
      files.push_back(argument);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
      // They need sessions of the warehouse: tests/scenario/test_sql_files.py.
      const auto folder = entry.path().parent_path().filename();
      if (folder == "postgres" || folder == "redshift") continue;
      if (entry.path().extension() == ".test") files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::fprintf(stderr, "usage: sql_test FOLDER|FILE …; there is no .test file\n");
    return 2;
  }
  Count count;
  for (const std::string& file : files) {
    if (const Status done = run_file(file, count); !done) {
      ++count.failed;
      std::printf("%s: %s\n", file.c_str(), done.error().text().c_str());
    }
  }
  std::printf("%d records in %zu files, %d failed\n", count.records, files.size(), count.failed);
  return count.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weir::sql_test

int main(int argc, char** argv) {
  return weir::sql_test::main_of({argv + 1, argv + argc});
}
