// The canonical JSON of a table, as the control database keeps it. Every key is written, so that a default that changes
// later changes no table that is applied.
#include "core/base/json_shape.h"
#include "core/base/text.h"
#include "platform/flow/declaration_json.h"
#include "platform/flow/table.h"

namespace weir::flow {
namespace {

constexpr int kFormat = 1;

Json input_json(const Input& input) {
  return Json::Object{{"name", input.name}, {"affects", texts_json(words_of(input.affects))}};
}

Json test_json(const RowTest& test) {
  Json out(Json::Object{{"kind", test_word(test.kind)},
                        {"name", test.name},
                        {"severity", severity_word(test.severity)},
                        {"columns", texts_json(test.columns)}});
  switch (test.kind) {
    case TestKind::unique:
    case TestKind::not_null:
      break;
    case TestKind::accepted_values:
      out.set("values", Json::Array(test.values));
      break;
    case TestKind::relation:
      out.set("table", test.table);
      out.set("to", test.to);
      break;
    case TestKind::sql:
      out.set("sql", test.sql);
      break;
  }
  return out;
}

Input input_from(const Json& json, std::string& wrong) {
  Input out;
  JsonShape in(json, "an input", wrong);
  in.text("name", out.name);
  std::vector<std::string> words;
  in.texts("affects", words);
  in.finish();
  if (!wrong.empty()) return out;
  auto affects = affects_of(words);
  if (affects) {
    out.affects = std::move(*affects);
  } else {
    in.fail("affects: " + affects.error().message);
  }
  return out;
}

RowTest test_from(const Json& json, std::string& wrong) {
  RowTest out;
  JsonShape in(json, "a test", wrong);
  in.choice("kind", out.kind,
            {{"unique", TestKind::unique},
             {"not_null", TestKind::not_null},
             {"accepted_values", TestKind::accepted_values},
             {"relation", TestKind::relation},
             {"sql", TestKind::sql}});
  in.text("name", out.name);
  in.choice("severity", out.severity, {{"error", Severity::error}, {"warn", Severity::warn}});
  in.texts("columns", out.columns);
  switch (out.kind) {
    case TestKind::unique:
    case TestKind::not_null:
      if (out.columns.empty()) in.fail("names no column");
      break;
    case TestKind::accepted_values:
      if (const Json::Array* values = in.list("values")) out.values = *values;
      if (out.columns.size() != 1) in.fail("does not name one column");
      break;
    case TestKind::relation:
      in.text("table", out.table);
      in.text("to", out.to);
      if (out.columns.size() != 1) in.fail("does not name one column");
      break;
    case TestKind::sql:
      in.text("sql", out.sql);
      break;
  }
  in.finish();
  return out;
}

void table_from(const Json& json, Table& out, std::string& wrong) {
  JsonShape in(json, "it", wrong);
  in.need("format");
  in.text("name", out.name);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.choice("stored", out.stored, {{"engine", Stored::engine}, {"lake", Stored::lake}});
  in.text("partition", out.partition);
  if (const Json::Array* inputs = in.list("inputs")) {
    for (const Json& input : *inputs) out.inputs.push_back(input_from(input, wrong));
  }
  in.texts("grain", out.grain);
  in.text_map("columns", out.columns);
  if (const Json::Array* tests = in.list("tests")) {
    for (const Json& test : *tests) out.tests.push_back(test_from(test, wrong));
  }
  in.duration("time_limit", out.time_limit);
  in.text("select", out.select);
  in.finish();
}

}  // namespace

const char* stored_word(Stored stored) {
  switch (stored) {
    case Stored::engine:
      return "engine";
    case Stored::lake:
      return "lake";
  }
  return "";
}

const char* test_word(TestKind kind) {
  switch (kind) {
    case TestKind::unique:
      return "unique";
    case TestKind::not_null:
      return "not_null";
    case TestKind::accepted_values:
      return "accepted_values";
    case TestKind::relation:
      return "relation";
    case TestKind::sql:
      return "sql";
  }
  return "";
}

const char* severity_word(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warn:
      return "warn";
  }
  return "";
}

Json to_json(const Table& table) {
  Json inputs(Json::Array{}), tests(Json::Array{});
  for (const Input& input : table.inputs) inputs.push(input_json(input));
  for (const RowTest& test : table.tests) tests.push(test_json(test));
  return Json::Object{{"format", kFormat},
                      {"name", table.name},
                      {"description", table.description},
                      {"enabled", table.enabled},
                      {"tags", text_map_json(table.tags)},
                      {"stored", stored_word(table.stored)},
                      {"partition", table.partition},
                      {"inputs", std::move(inputs)},
                      {"grain", texts_json(table.grain)},
                      {"columns", text_map_json(table.columns)},
                      {"tests", std::move(tests)},
                      {"time_limit", duration_json(table.time_limit)},
                      {"select", table.select}};
}

Result<Table> table_from_json(const Json& json) {
  TRY(check_format(json, "table", kFormat));
  Table out;
  std::string wrong;
  table_from(json, out, wrong);
  if (!wrong.empty()) return Error(Code::corrupt, "the kept declaration of a table does not read: " + wrong);
  return out;
}

}  // namespace weir::flow
