#include "platform/flow/table_tests.h"

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/sql_text.h"

namespace weir::flow {
namespace {

constexpr size_t kNameBytesMax = 63;

const std::vector<std::string>& kind_words(bool of_column) {
  static const std::vector<std::string> kAll = {"unique", "not_null", "accepted_values", "relation", "sql"};
  static const std::vector<std::string> kOfColumn = {"not_null", "unique", "accepted_values", "relation"};
  return of_column ? kOfColumn : kAll;
}

std::optional<TestKind> kind_from(std::string_view word) {
  for (TestKind kind :
       {TestKind::unique, TestKind::not_null, TestKind::accepted_values, TestKind::relation, TestKind::sql}) {
    if (word == test_word(kind)) return kind;
  }
  return std::nullopt;
}

std::string place(const Position& at) {
  return at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

// unique_day_ad_id, relation_ad_id_ads; shortened with a checksum where that is no name any more.
std::string default_name(const RowTest& test) {
  std::string name = test_word(test.kind);
  for (const std::string& column : test.columns) name += "_" + column;
  if (test.kind == TestKind::relation) name += "_" + test.table;
  if (name.size() <= kNameBytesMax) return name;
  const uint64_t sum = checksum64(name);
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(sum >> shift & 0xFF);
  return name.substr(0, kNameBytesMax - 9) + "_" + hex_encode(bytes);
}

bool is_same_rule(const RowTest& a, RowTest b) {
  b.name = a.name;
  b.severity = a.severity;
  return a == b;
}

}  // namespace

void TableTests::read() {
  read_grain();
  read_columns();
  read_list();
}

void TableTests::read_grain() {
  if (!read_names(in_, "grain", "column", kTestColumnsMax, into_.grain)) return;
  RowTest test;
  test.name = "grain";
  test.columns = into_.grain;
  add(std::move(test), in_.value("grain")->at);
}

void TableTests::read_columns() {
  if (!check_entries(in_, "columns", kColumnsMax)) return;
  std::vector<YamlSection> sections = in_.named_sections("columns", "a column");
  const Yaml* node = in_.value("columns");
  for (YamlSection& section : sections) {
    const auto entry = std::find_if(node->entries.begin(), node->entries.end(),
                                    [&](const YamlEntry& one) { return one.key == section.name(); });
    if (!check_name(in_, section.name(), entry->key_at, "column")) continue;
    std::string description;
    read_description(section, description);
    if (!description.empty()) into_.columns[section.name()] = std::move(description);
    read_column_tests(section);
  }
}

void TableTests::read_column_tests(YamlSection& column) {
  const Yaml* list = column.value("tests");
  if (list == nullptr) return;
  if (!list->is_sequence()) {
    column.refuse("tests", "expected a list of tests, found " + list->described(), "write [not_null, unique]");
    return;
  }
  for (const Yaml& item : list->items) read_column_test(item, column.name());
}

void TableTests::read_column_test(const Yaml& node, const std::string& column) {
  RowTest test;
  test.columns = {column};
  if (node.is_scalar()) {
    if (node.text != "not_null" && node.text != "unique") {
      std::vector<std::string> known = {"not_null", "unique"};
      const bool needs_more = kind_from(node.text).has_value();
      in_.refuse_at(node.at, "expected not_null, unique, or a mapping, found " + node.described(),
                    needs_more ? "it says more: accepted_values: [a, b], relation: {table, column}"
                               : did_you_mean(node.text, known));
      return;
    }
    test.kind = *kind_from(node.text);
    test.name = default_name(test);
    return add(std::move(test), node.at);
  }
  auto section = in_.open(node, "a column's test");
  if (!section) return;
  const auto kind = kind_of(*section, true);
  read_name_and_severity(*section, test);
  if (!kind) return;
  test.kind = *kind;
  if (!read_column_rule(*section, test)) return;
  if (test.name.empty()) test.name = default_name(test);
  add(std::move(test), node.at);
}

bool TableTests::read_column_rule(YamlSection& test, RowTest& into) {
  switch (into.kind) {
    case TestKind::unique:
    case TestKind::not_null: {
      const std::string key = test_word(into.kind);
      bool is_on = true;
      if (!test.flag(key, is_on)) return false;
      if (!is_on) test.refuse(key, "is false, which tests nothing", "remove it");
      return is_on;
    }
    case TestKind::accepted_values:
      return read_values(test, "accepted_values", into.values);
    case TestKind::relation: {
      auto relation = test.section("relation", "a relation");
      if (!relation) return false;
      into.to = into.columns.front();
      const bool has_table = relation->identifier("table", into.table, required);
      return (relation->identifier("column", into.to) || !relation->has("column")) && has_table;
    }
    case TestKind::sql:
      break;
  }
  return false;
}

void TableTests::read_list() {
  for (YamlSection& section : in_.sections("tests", "a test")) {
    RowTest test;
    const auto kind = kind_of(section, false);
    read_name_and_severity(section, test);
    if (!kind) continue;
    test.kind = *kind;
    if (test.kind == TestKind::sql) ++sql_tests_;
    if (!read_rule(section, test)) continue;
    if (test.name.empty()) {
      test.name = test.kind == TestKind::sql ? "sql_" + std::to_string(sql_tests_) : default_name(test);
    }
    add(std::move(test), section.node().at);
  }
}

std::optional<TestKind> TableTests::kind_of(YamlSection& test, bool of_column) {
  std::vector<std::string> given;
  for (const std::string& word : kind_words(of_column)) {
    if (test.value(word) != nullptr) given.push_back(word);
  }
  if (given.size() == 1) return kind_from(given.front());
  const std::string expected = "a test is one of " + join(kind_words(of_column), ", ");
  test.refuse_at(test.node().at,
                 given.empty() ? expected + "; this names none" : expected + "; this is " + join(given, " and "),
                 given.empty() ? "" : "write each in an item of its own");
  return std::nullopt;
}

bool TableTests::read_rule(YamlSection& test, RowTest& into) {
  switch (into.kind) {
    case TestKind::unique:
    case TestKind::not_null:
      return read_names(test, test_word(into.kind), "column", kTestColumnsMax, into.columns);
    case TestKind::accepted_values: {
      auto values = test.section("accepted_values", "accepted_values");
      if (!values) return false;
      into.columns.resize(1);
      const bool has_column = values->identifier("column", into.columns[0], required);
      if (!values->has("values")) values->refuse("values", "missing: the values that are accepted", "for example [a]");
      return values->has("values") && read_values(*values, "values", into.values) && has_column;
    }
    case TestKind::relation: {
      auto relation = test.section("relation", "a relation");
      if (!relation) return false;
      into.columns.resize(1);
      const bool has_column = relation->identifier("column", into.columns[0], required);
      const bool has_table = relation->identifier("table", into.table, required);
      into.to = into.columns[0];
      return (relation->identifier("to", into.to) || !relation->has("to")) && has_column && has_table;
    }
    case TestKind::sql:
      read_sql(test, "sql", one_select, into.sql);
      return !into.sql.empty();
  }
  return false;
}

bool TableTests::read_values(YamlSection& in, std::string_view key, std::vector<Json>& into) {
  const Yaml* list = in.value(key);
  if (list == nullptr) return false;
  if (!list->is_sequence() || list->items.empty()) {
    in.refuse(key, "expected a list of at least one value, found " +
                       (list->is_sequence() ? std::string("an empty one") : list->described()));
    return false;
  }
  if (!check_count(in, key, list->items.size(), kAcceptedValuesMax)) return false;
  bool is_good = true;
  for (const Yaml& item : list->items) {
    std::string wrong;
    const Json value = plain_json(item);
    if (!item.is_scalar() || value.is_null()) {
      wrong = "expected a text, a number, true or false, found " + (item.is_scalar() ? "null" : item.described());
    } else if (item.secret) {
      wrong = shown(item.written) + " is a secret, and values are shown in plans and results";
    } else if (item.text.size() > kAcceptedValueBytesMax) {
      wrong = "a value has " + std::to_string(item.text.size()) + " bytes, allowed are " +
              std::to_string(kAcceptedValueBytesMax);
    } else if (std::find(into.begin(), into.end(), value) != into.end()) {
      wrong = item.described() + " is listed twice";
    }
    if (!wrong.empty()) in.refuse_at(item.at, std::string(key) + ": " + wrong);
    is_good = is_good && wrong.empty();
    into.push_back(value);
  }
  return is_good;
}

void TableTests::read_name_and_severity(YamlSection& test, RowTest& into) {
  test.identifier("name", into.name);
  test.choice("severity", into.severity, {{"error", Severity::error}, {"warn", Severity::warn}});
}

void TableTests::add(RowTest test, const Position& at) {
  if (into_.tests.size() >= kTestsMax) {
    if (!is_full_) in_.refuse_at(at, "more tests than the " + std::to_string(kTestsMax) + " that a table may have");
    is_full_ = true;
    return;
  }
  for (const RowTest& other : into_.tests) {
    if (!is_same_rule(other, test)) continue;
    in_.refuse_at(at, "this is tested already, by " + shown(other.name) + " (" + place(names_[other.name]) + ")",
                  "remove one of them");
    return;
  }
  const auto [other, is_new] = names_.try_emplace(test.name, at);
  if (!is_new) {
    in_.refuse_at(at, "the test " + shown(test.name) + " has the name of another one (" + place(other->second) + ")",
                  "give it a name: of its own");
    return;
  }
  into_.tests.push_back(std::move(test));
}

}  // namespace weir::flow
