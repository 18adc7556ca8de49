// Tables from a seed, for tests: every part of a declaration appears, with awkward texts. One thread.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "platform/flow/table.h"

namespace weir::flow {

class RandomTables {
 public:
  explicit RandomTables(uint32_t seed) : random_(seed) {}

  Table table() {
    Table out;
    out.name = name();
    out.description = maybe() ? text() : "";
    out.enabled = maybe();
    for (int n = below(3); n > 0; --n) out.tags[name()] = text();
    out.stored = maybe() ? Stored::engine : Stored::lake;
    if (maybe()) out.partition = name();
    for (int n = below(4); n > 0; --n) {
      const std::string input = name();
      if (out.find_input(input) == nullptr)
        out.inputs.push_back({input, out.partition.empty() ? Affects{} : affects()});
    }
    std::sort(out.inputs.begin(), out.inputs.end(), [](auto& a, auto& b) { return a.name < b.name; });
    out.grain = names();
    for (int n = below(3); n > 0; --n) out.columns[name()] = text();
    for (int n = below(6); n > 0; --n) out.tests.push_back(test());
    if (maybe()) out.time_limit = seconds(1 + below(10'000));
    out.select = "SELECT " + text();
    return out;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool maybe() { return below(2) == 0; }
  std::string name() { return "n" + std::to_string(below(1'000'000)); }
  std::string text() {
    const std::vector<std::string> texts = {"",     "a 'b' \"c\"", "two\nlines\t", "ä€😀",
                                            "null", "1.10",        "${X}",         "\\n\x7F"};
    return texts[static_cast<size_t>(below(static_cast<int>(texts.size())))];
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    for (int n = below(3); n >= 0; --n) out.push_back(name());
    return out;
  }
  Affects affects() {
    const std::vector<std::vector<std::string>> rules = {{"day"}, {"day-3..day", "day+2"}, {"week"}, {"month", "day"},
                                                         {"all"}, {"day-366..day+366"}};
    return *affects_of(rules[static_cast<size_t>(below(static_cast<int>(rules.size())))]);
  }
  RowTest test() {
    RowTest out;
    out.kind = static_cast<TestKind>(below(5));
    out.name = name();
    out.severity = maybe() ? Severity::error : Severity::warn;
    if (out.kind == TestKind::sql) {
      out.sql = "SELECT " + text();
      return out;
    }
    out.columns = names();
    if (out.kind == TestKind::unique || out.kind == TestKind::not_null) return out;
    out.columns.resize(1);
    if (out.kind == TestKind::accepted_values) out.values = {Json(text()), Json(below(9)), Json(maybe()), Json(0.5)};
    if (out.kind == TestKind::relation) {
      out.table = name();
      out.to = name();
    }
    return out;
  }

  std::mt19937 random_;
};

}  // namespace weir::flow
