#include "platform/flow/test_declaration.h"

#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/sql_text.h"

namespace weir::flow {
namespace {

constexpr size_t kNamesMax = 100;
constexpr size_t kColumnsOfTestMax = 1'000;
constexpr size_t kFileNameBytesMax = 1'024;
constexpr uint64_t kFileBytesMax = 1 << 20;

bool is_row_list(YamlSection& in, const Yaml& node, const std::string& what) {
  if (!node.is_sequence()) {
    in.refuse_at(node.at, what + ": expected a list of rows, this is " + node.described(),
                 "each row as {column: value, …}");
    return false;
  }
  if (node.items.size() > kTestRowsMax) {
    in.refuse_at(node.at, what + ": " + std::to_string(node.items.size()) + " rows, allowed are " +
                              std::to_string(kTestRowsMax));
    return false;
  }
  bool all = true;
  for (const Yaml& row : node.items) {
    if (row.is_mapping()) continue;
    in.refuse_at(row.at, what + ": a row is a mapping of columns to values, this is " + row.described());
    all = false;
  }
  return all;
}

// A list of rows, or {file: …}.
std::optional<GivenRows> read_given_rows(YamlSection& in, const YamlEntry& entry) {
  GivenRows out;
  out.name = entry.key;
  out.line = entry.key_at.line;
  if (entry.value.is_mapping()) {
    auto section = in.open(entry.value, "what is given");
    if (!section || !section->text("file", out.file, required)) return std::nullopt;
    const bool leaves = out.file.starts_with('/') || ("/" + out.file + "/").find("/../") != std::string::npos;
    if (out.file.empty() || out.file.size() > kFileNameBytesMax || leaves) {
      section->refuse("file", shown(out.file) + " is no path below the project's folder",
                      "for example tests/fixtures/impressions.ndjson");
      return std::nullopt;
    }
    return out;
  }
  if (!is_row_list(in, entry.value, "given " + entry.key)) return std::nullopt;
  for (const Yaml& row : entry.value.items) out.rows.push_back({plain_json(row), row.at.line});
  return out;
}

void read_given(YamlSection& in, std::vector<GivenRows>& into) {
  if (!check_entries(in, "given", kNamesMax)) return;
  auto section = in.section("given", "what is given");
  if (!section) return;
  for (const YamlEntry& entry : section->node().entries) {
    (void)section->value(entry.key);
    if (!check_name(in, entry.key, entry.key_at, "stream or table")) continue;
    if (auto rows = read_given_rows(in, entry)) into.push_back(std::move(*rows));
  }
}

// Nested values are compared as the JSON text that SQL shows them as.
std::optional<std::string> expected_cell(const Yaml& value) {
  if (value.is_scalar()) {
    const Json plain = value.quoted ? Json(value.text) : plain_json(value);
    if (plain.is_null()) return std::nullopt;
    return value.text;
  }
  if (value.is_null()) return std::nullopt;
  return plain_json(value).dump();
}

std::optional<ExpectedRows> read_expected(YamlSection& in, const YamlEntry& entry) {
  ExpectedRows out;
  out.name = entry.key;
  out.line = entry.key_at.line;
  if (entry.value.is_mapping()) {
    auto section = in.open(entry.value, "what is expected");
    uint64_t count = 0;
    if (!section || !section->integer("count", count, {0, 1'000'000'000'000}, required)) return std::nullopt;
    out.count = count;
    return out;
  }
  if (!is_row_list(in, entry.value, "expect " + entry.key)) return std::nullopt;
  std::set<std::string> known;
  for (const Yaml& row : entry.value.items) {
    for (const YamlEntry& cell : row.entries) {
      if (known.insert(cell.key).second) out.columns.push_back(cell.key);
    }
  }
  if (out.columns.size() > kColumnsOfTestMax) {
    in.refuse_at(entry.key_at, "expect " + entry.key + ": more than " + std::to_string(kColumnsOfTestMax) + " columns");
    return std::nullopt;
  }
  for (const Yaml& row : entry.value.items) {
    ExpectedRows::Row expected;
    expected.line = row.at.line;
    for (const std::string& column : out.columns) {
      const Yaml* value = row.find(column);
      if (value == nullptr) {
        in.refuse_at(row.at, "expect " + entry.key + ": this row does not say " + column + ", others do",
                     "write `" + column + ": null` for NULL");
        return std::nullopt;
      }
      expected.cells.push_back(expected_cell(*value));
    }
    out.rows.push_back(std::move(expected));
  }
  return out;
}

void read_expect(YamlSection& in, std::vector<ExpectedRows>& into) {
  if (!check_entries(in, "expect", kNamesMax)) return;
  auto section = in.section("expect", "what is expected");
  if (!section) return;
  for (const YamlEntry& entry : section->node().entries) {
    (void)section->value(entry.key);
    if (!check_name(in, entry.key, entry.key_at, "stream or table")) continue;
    if (auto rows = read_expected(in, entry)) into.push_back(std::move(*rows));
  }
}

void read_checks(YamlSection& in, std::vector<TestCheck>& into) {
  const Yaml* node = in.value("checks");
  if (node == nullptr) return;
  if (!node->is_sequence() || node->items.empty()) {
    in.refuse("checks", "expected a list of SELECTs, this is " + node->described());
    return;
  }
  if (!check_count(in, "checks", node->items.size(), kTestChecksMax)) return;
  for (const Yaml& item : node->items) {
    if (!item.is_scalar()) {
      in.refuse_at(item.at, "checks: expected a SELECT, this is " + item.described());
      continue;
    }
    auto select = one_select(item.text);
    if (select) {
      into.push_back({std::move(*select), item.at.line});
    } else {
      in.refuse_at(item.at, "checks: " + select.error().message, select.error().hint);
    }
  }
}

void read_runs(YamlSection& in, std::vector<std::string>& into) {
  if (!read_text_or_texts(in, "run", into) || !check_count(in, "run", into.size(), kNamesMax)) return;
  for (const std::string& name : into) (void)check_name(in, name, in.value("run")->at, "flow or table");
}

TestStep read_step(YamlSection& in) {
  TestStep out;
  out.line = in.node().at.line;
  read_given(in, out.given);
  read_runs(in, out.run);
  read_expect(in, out.expect);
  read_checks(in, out.checks);
  return out;
}

void read_steps(YamlReader& in, std::vector<TestStep>& into) {
  if (in.value("steps") == nullptr) {
    into.push_back(read_step(in));
  } else {
    for (const char* key : {"given", "run", "expect", "checks"}) {
      if (in.has(key)) in.refuse(key, "stands beside steps", "move it into one of them");
      (void)in.value(key);
    }
    if (!check_entries(in, "steps", kTestStepsMax)) return;
    for (YamlSection& section : in.sections("steps", "a step of a test")) into.push_back(read_step(section));
  }
  const bool asks = std::any_of(into.begin(), into.end(), [](const TestStep& step) {
    return !step.run.empty() || !step.expect.empty() || !step.checks.empty();
  });
  if (!asks)
    in.refuse_at(in.node().at, "the test expects nothing", "expect: {TABLE: [{column: value}]}, or checks: [SELECT …]");
}

constexpr const char* kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "weir:test",
  "title": "A test of the project: tests/<name>.yaml",
  "description": "Rows in, what is run, rows out: `weir test` does it in a folder and with a clock of its own.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "description": {"type": "string", "maxLength": 4096, "description": "What the test shows."},
    "now": {"type": "string", "description":
      "What the clock says when the test begins, as 2026-11-21 06:00:00 (UTC). By default the machine's time."},
    "given": {"$ref": "#/$defs/given"},
    "run": {"$ref": "#/$defs/run"},
    "expect": {"$ref": "#/$defs/expect"},
    "checks": {"$ref": "#/$defs/checks"},
    "steps": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/$defs/step"},
      "description": "Several of the above one after another, instead: what comes late, what is run again."}
  },
  "$defs": {
    "given": {
      "description": "Rows by stream, or by table that is loaded: a list of them, or {file: tests/fixtures/x.csv}.",
      "type": "object", "maxProperties": 100,
      "additionalProperties": {
        "title": "given rows",
        "type": ["array", "object"], "maxItems": 10000, "items": {"type": "object"},
        "properties": {"file": {"type": "string"}}
      }
    },
    "run": {
      "description": "A flow or a table, or a list of them. By default every derived table that is expected.",
      "type": ["string", "array"], "items": {"type": "string"}
    },
    "expect": {
      "description": "By stream or table the rows that it holds in the end, in any order, or {count: N}.",
      "type": "object", "maxProperties": 100,
      "additionalProperties": {
        "title": "expected rows",
        "type": ["array", "object"], "maxItems": 10000, "items": {"type": "object"},
        "properties": {"count": {"type": "integer", "minimum": 0}}
      }
    },
    "checks": {
      "description": "SELECTs that must give no row.",
      "type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "string"}
    },
    "step": {
      "title": "A step of a test",
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "given": {"$ref": "#/$defs/given"},
        "run": {"$ref": "#/$defs/run"},
        "expect": {"$ref": "#/$defs/expect"},
        "checks": {"$ref": "#/$defs/checks"}
      }
    }
  }
})json";

}  // namespace

ParsedProjectTest parse_project_test(const Yaml& root, const std::string& file, const std::string& name) {
  ParsedProjectTest out;
  out.test.name = name;
  out.test.file = file;
  YamlReader in(root, "a test");
  check_file_name(in, name, "test");
  read_description(in, out.test.description);
  std::string now;
  if (in.text("now", now)) {
    auto micros = parse_timestamp(now);
    if (micros) {
      out.test.now = WallTime{*micros};
    } else {
      in.refuse("now", shown(now) + " is no time", "for example 2026-11-21 06:00:00 (UTC)");
    }
  }
  read_steps(in, out.test.steps);
  out.errors = in.finish();
  return out;
}

Result<std::vector<ProjectTest>> read_project_tests(Files& files, const std::string& folder,
                                                    std::vector<Error>& errors) {
  std::vector<ProjectTest> out;
  const std::string tests = join_path(folder, "tests");
  TRY_ASSIGN(const bool is_there, files.exists(tests));
  if (!is_there) return out;
  TRY_ASSIGN(const auto entries, files.list(tests));
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory || entry.name.starts_with('.') || !entry.name.ends_with(".yaml")) continue;
    TRY_ASSIGN(const std::string text, read_file(files, join_path(tests, entry.name), kFileBytesMax));
    const std::string file = "tests/" + entry.name;
    auto root = parse_yaml(text, {file, 1});
    if (!root) {
      errors.push_back(root.error());
      continue;
    }
    ParsedProjectTest parsed = parse_project_test(*root, file, entry.name.substr(0, entry.name.size() - 5));
    if (parsed.errors.empty()) out.push_back(std::move(parsed.test));
    errors.insert(errors.end(), parsed.errors.begin(), parsed.errors.end());
  }
  return out;
}

Json project_test_schema() {
  auto schema = Json::parse(kSchema);
  CHECK(schema.has_value(), "the schema of a test is JSON");
  return std::move(*schema);
}

project::Kind project_test_kind() {
  project::Kind kind;
  kind.name = "test";
  kind.folder = "tests";
  kind.prose = "A test of the project: rows in, what is run, rows out.";
  kind.is_applied = false;
  kind.parse = [](const project::DeclarationSource& source) {
    project::Declared out;
    out.errors = parse_project_test(source.root, source.file, source.name).errors;
    return out;
  };
  kind.compare = [](const Json&, const Json&) { return std::vector<project::Difference>(); };
  kind.schema = project_test_schema;
  return kind;
}

}  // namespace weir::flow
