// What changes between two declarations of a table, and whether its content is computed again.
#include <algorithm>

#include "core/base/text.h"
#include "platform/flow/sql_text.h"
#include "platform/flow/table.h"

namespace weir::flow {
namespace {

constexpr const char* kAgain = "; its content is computed again";

std::string or_none(const std::string& name) {
  return name.empty() ? "none" : name;
}

class TableComparison {
 public:
  TableComparison(const Table& applied, const Table& wanted) : applied_(applied), wanted_(wanted) {}

  std::vector<project::Difference> all() {
    if (applied_.description != wanted_.description) say("the description changes");
    if (applied_.enabled != wanted_.enabled) {
      say(wanted_.enabled ? "it is kept up to date again" : "it is no longer kept up to date; what is there stays");
    }
    if (applied_.tags != wanted_.tags) say("the tags change");
    content();
    inputs();
    if (applied_.grain != wanted_.grain) {
      say("the grain changes from " + or_none(join(applied_.grain, ", ")) + " to " +
          or_none(join(wanted_.grain, ", ")));
    }
    columns();
    tests();
    if (applied_.time_limit != wanted_.time_limit) {
      say("time_limit changes from " + limit_text(applied_) + " to " + limit_text(wanted_));
    }
    return std::move(differences_);
  }

 private:
  void say(std::string what) { differences_.push_back({std::move(what)}); }

  void content() {
    if (applied_.stored != wanted_.stored) {
      say("it is stored in the " + std::string(stored_word(wanted_.stored)) + " instead of the " +
          stored_word(applied_.stored) + kAgain);
    }
    if (applied_.partition != wanted_.partition) {
      say("the partition changes from " + or_none(applied_.partition) + " to " + or_none(wanted_.partition) + kAgain);
    }
    if (applied_.select == wanted_.select) return;
    const bool is_layout = squeezed(applied_.select) == squeezed(wanted_.select);
    say(is_layout ? "the SELECT is laid out differently, with the same words; nothing is computed again"
                  : std::string("the SELECT changes") + kAgain);
  }

  static std::string affects_text(const Input& input) { return join(words_of(input.affects), ", "); }

  // Affects decide the content of tables with partitions only.
  const char* again() const { return applied_.partition.empty() && wanted_.partition.empty() ? "" : kAgain; }

  void inputs() {
    for (const Input& input : wanted_.inputs) {
      const Input* before = applied_.find_input(input.name);
      if (before == nullptr) {
        const std::string touched =
            wanted_.partition.empty() ? "" : " (a day of it touches: " + affects_text(input) + ")";
        say("input " + input.name + " is added" + touched + again());
      } else if (before->affects != input.affects) {
        say("input " + input.name + ": a day of it touches " + affects_text(input) + ", it was " +
            affects_text(*before) + again());
      }
    }
    for (const Input& input : applied_.inputs) {
      if (wanted_.find_input(input.name) == nullptr) say("input " + input.name + " is removed" + again());
    }
  }

  void columns() {
    if (applied_.columns == wanted_.columns) return;
    std::vector<std::string> names;
    for (const auto& [name, description] : wanted_.columns) {
      const auto before = applied_.columns.find(name);
      if (before == applied_.columns.end() || before->second != description) names.push_back(name);
    }
    for (const auto& [name, description] : applied_.columns) {
      if (!wanted_.columns.contains(name)) names.push_back(name);
    }
    say("the descriptions of columns change: " + join(names, ", "));
  }

  static const RowTest* find(const Table& table, const std::string& name) {
    const auto found =
        std::find_if(table.tests.begin(), table.tests.end(), [&](const RowTest& test) { return test.name == name; });
    return found == table.tests.end() ? nullptr : &*found;
  }

  void tests() {
    const size_t before_count = differences_.size();
    for (const RowTest& test : wanted_.tests) {
      const RowTest* before = find(applied_, test.name);
      if (before == nullptr) {
        say("test " + test.name + " is added");
      } else if (*before != test) {
        RowTest same = *before;
        same.severity = test.severity;
        say("test " + test.name +
            (same == test ? std::string(": a failure is now of severity ") + severity_word(test.severity)
                          : " changes"));
      }
    }
    for (const RowTest& test : applied_.tests) {
      if (find(wanted_, test.name) == nullptr) say("test " + test.name + " is removed");
    }
    if (differences_.size() == before_count && applied_.tests != wanted_.tests) {
      say("the tests run in another order");
    }
  }

  static std::string limit_text(const Table& table) {
    return table.time_limit ? format_duration(*table.time_limit) : "none";
  }

  const Table& applied_;
  const Table& wanted_;
  std::vector<project::Difference> differences_;
};

}  // namespace

std::vector<project::Difference> compare(const Table& applied, const Table& wanted) {
  return TableComparison(applied, wanted).all();
}

}  // namespace weir::flow
