#include "surface/cli/test_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <unordered_map>

namespace weir::cli {
namespace {

constexpr size_t kProblemsMax = 20;  // of one table: who expects a thousand rows reads the first few
constexpr size_t kPairsMax = 4'000'000;

bool is_inexact(const std::string& type) {
  return type == "DOUBLE" || type == "FLOAT";
}

bool same(const std::optional<std::string>& a, const std::optional<std::string>& b, bool inexact) {
  if (a == b) return true;
  if (!inexact || !a || !b) return false;
  const double x = std::strtod(a->c_str(), nullptr), y = std::strtod(b->c_str(), nullptr);
  return std::abs(x - y) <= 1e-9 * std::max({std::abs(x), std::abs(y), 1e-300});
}

std::string shown_cell(const std::optional<std::string>& cell) {
  return cell ? *cell : "NULL";
}

std::string shown_row(const std::vector<std::string>& columns, const TestCells& cells) {
  std::string out;
  for (size_t i = 0; i < columns.size(); ++i) out += (i == 0 ? "" : ", ") + columns[i] + "=" + shown_cell(cells[i]);
  return out;
}

class Comparison {
 public:
  Comparison(const flow::ExpectedRows& expected, const std::vector<TestCells>& wanted,
             const std::vector<TestCells>& found, const std::vector<std::string>& types)
      : expected_(expected), wanted_(wanted), found_(found), is_used_(found.size(), false) {
    for (const std::string& type : types) inexact_.push_back(is_inexact(type));
  }

  std::vector<TestProblem> all() {
    std::vector<size_t> missing;
    for (const size_t row : without_equal_text()) {
      if (!take_equal(wanted_[row])) missing.push_back(row);
    }
    for (const size_t row : missing) tell_missing(row);
    for (size_t i = 0; i < found_.size(); ++i) {
      if (!is_used_[i]) tell(0, "row that is not expected: " + shown_row(expected_.columns, found_[i]));
    }
    if (left_out_ > 0) problems_.push_back({0, expected_.name + ": and " + std::to_string(left_out_) + " more"});
    return std::move(problems_);
  }

 private:
  size_t equal_cells(const TestCells& a, const TestCells& b) const {
    size_t count = 0;
    for (size_t i = 0; i < a.size(); ++i) count += same(a[i], b[i], inexact_[i]) ? 1 : 0;
    return count;
  }

  static std::string key_of(const TestCells& row) {
    std::string out;
    for (const auto& cell : row) out += cell ? std::to_string(cell->size()) + ":" + *cell : "-";
    return out;
  }

  // Those that are not there letter by letter: only they are compared one with each.
  std::vector<size_t> without_equal_text() {
    std::unordered_multimap<std::string, size_t> there;
    for (size_t i = 0; i < found_.size(); ++i) there.emplace(key_of(found_[i]), i);
    std::vector<size_t> out;
    for (size_t i = 0; i < wanted_.size(); ++i) {
      const auto equal = there.find(key_of(wanted_[i]));
      if (equal == there.end()) {
        out.push_back(i);
        continue;
      }
      is_used_[equal->second] = true;
      there.erase(equal);
    }
    return out;
  }

  bool take_equal(const TestCells& row) {
    for (size_t i = 0; i < found_.size(); ++i) {
      if (is_used_[i] || equal_cells(row, found_[i]) != row.size()) continue;
      is_used_[i] = true;
      return true;
    }
    return false;
  }

  // Beside the one that comes nearest, if at least half of it is the same.
  void tell_missing(size_t row) {
    const TestCells& wanted = wanted_[row];
    size_t best = found_.size(), best_count = 0;
    for (size_t i = 0; i < found_.size() && wanted_.size() * found_.size() <= kPairsMax; ++i) {
      if (is_used_[i]) continue;
      const size_t count = equal_cells(wanted, found_[i]);
      if (count > best_count) {
        best = i;
        best_count = count;
      }
    }
    const int line = expected_.rows[row].line;
    if (best == found_.size() || best_count * 2 < wanted.size()) {
      return tell(line, "expected row is missing: " + shown_row(expected_.columns, wanted));
    }
    is_used_[best] = true;
    std::string differs, same_in;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const std::string& column = expected_.columns[i];
      if (same(wanted[i], found_[best][i], inexact_[i])) {
        same_in += (same_in.empty() ? "" : ", ") + column + "=" + shown_cell(wanted[i]);
      } else {
        differs += (differs.empty() ? "" : ", ") + column + " is " + shown_cell(found_[best][i]) + ", expected " +
                   shown_cell(wanted[i]);
      }
    }
    tell(line, differs + " (in the row " + same_in + ")");
  }

  void tell(int line, const std::string& what) {
    if (problems_.size() >= kProblemsMax) {
      ++left_out_;
      return;
    }
    problems_.push_back({line, expected_.name + ": " + what});
  }

  const flow::ExpectedRows& expected_;
  const std::vector<TestCells>&wanted_, &found_;
  std::vector<bool> is_used_, inexact_;
  std::vector<TestProblem> problems_;
  size_t left_out_ = 0;
};

}  // namespace

std::vector<TestProblem> differences(const flow::ExpectedRows& expected, const std::vector<TestCells>& wanted,
                                     const std::vector<TestCells>& found, const std::vector<std::string>& types) {
  return Comparison(expected, wanted, found, types).all();
}

}  // namespace weir::cli
