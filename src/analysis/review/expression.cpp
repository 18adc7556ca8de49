#include "analysis/review/expression.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>

#include "analysis/review/expression_node.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

using engine::Cell;
using Node = Expression::Node;
using Kind = Node::Kind;

bool is_null(const Cell& cell) {
  return std::holds_alternative<std::nullptr_t>(cell);
}

Cell truth_cell(std::optional<bool> truth) {
  Cell out = nullptr;
  if (truth) out = *truth;
  return out;
}
Cell number_cell(std::optional<double> number) {
  Cell out = nullptr;
  if (number) out = *number;
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

Error cannot(const std::string& what, const Cell& cell) {
  return Error(Code::invalid, what + " cannot be computed with " +
                                  (std::holds_alternative<std::string>(cell) ? "the text " + shown(cell_text(cell))
                                                                             : cell_text(cell)));
}

// Nothing: null. A text counts as the number that it says.
Result<std::optional<double>> number_in(const Cell& cell, const std::string& what) {
  if (is_null(cell)) return std::optional<double>();
  if (const auto* whole = std::get_if<int64_t>(&cell)) return std::optional<double>(static_cast<double>(*whole));
  if (const auto* number = std::get_if<double>(&cell)) return std::optional<double>(*number);
  if (const auto* truth = std::get_if<bool>(&cell)) return std::optional<double>(*truth ? 1.0 : 0.0);
  if (const auto said = number_of(std::get<std::string>(cell))) return std::optional<double>(*said);
  return cannot(what, cell);
}

// What a text says about a truth value, as servers write it.
std::optional<bool> truth_in(const std::string& text) {
  const std::string word = to_lower(text);
  if (word == "t" || word == "true") return true;
  if (word == "f" || word == "false") return false;
  return std::nullopt;
}

bool holds(const std::string& sign, int order) {
  if (sign == "==") return order == 0;
  if (sign == "!=") return order != 0;
  if (sign == "<") return order < 0;
  if (sign == "<=") return order <= 0;
  if (sign == ">") return order > 0;
  return order >= 0;
}

template <class T>
int order_of(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// Null: unknown.
Result<Cell> compare(const Cell& a, const std::string& sign, const Cell& b) {
  if (is_null(a) || is_null(b)) return Cell(nullptr);
  const auto* text_a = std::get_if<std::string>(&a);
  const auto* text_b = std::get_if<std::string>(&b);
  if (text_a != nullptr && text_b != nullptr) return Cell(holds(sign, order_of(*text_a, *text_b)));
  const auto* whole_a = std::get_if<int64_t>(&a);
  const auto* whole_b = std::get_if<int64_t>(&b);
  if (whole_a != nullptr && whole_b != nullptr) return Cell(holds(sign, order_of(*whole_a, *whole_b)));
  const bool has_truth = std::holds_alternative<bool>(a) || std::holds_alternative<bool>(b);
  const std::string* text = text_a != nullptr ? text_a : text_b;
  if (has_truth && text != nullptr) {
    const bool truth = std::holds_alternative<bool>(a) ? std::get<bool>(a) : std::get<bool>(b);
    const auto said = truth_in(*text);
    if (!said) return Error(Code::invalid, shown(*text) + " is no truth value");
    return Cell(holds(sign, order_of(truth, *said)));
  }
  TRY_ASSIGN(const auto number_a, number_in(a, "a comparison with a number"));
  TRY_ASSIGN(const auto number_b, number_in(b, "a comparison with a number"));
  return Cell(holds(sign, order_of(*number_a, *number_b)));
}

Result<Cell> compute(const Cell& a, const std::string& word, const Cell& b) {
  if (is_null(a) || is_null(b)) return Cell(nullptr);
  const auto* text_a = std::get_if<std::string>(&a);
  const auto* text_b = std::get_if<std::string>(&b);
  if (word == "+" && text_a != nullptr && text_b != nullptr && !(number_of(*text_a) && number_of(*text_b))) {
    return Cell(*text_a + *text_b);
  }
  TRY_ASSIGN(const auto x, number_in(a, word));
  TRY_ASSIGN(const auto y, number_in(b, word));
  double out = 0;
  if (word == "+") out = *x + *y;
  if (word == "-") out = *x - *y;
  if (word == "*") out = *x * *y;
  if (word == "/") out = *x / *y;
  if (word == "//") out = std::floor(*x / *y);
  if (word == "%") out = *x - *y * std::floor(*x / *y);  // with the divisor's sign, as in Python
  if (word == "**") out = std::pow(*x, *y);
  return number_cell(std::isfinite(out) ? std::optional(out) : std::nullopt);  // x / 0 is unknown
}

// `any` is one of the texts between |, unless it is meant as it is written.
bool contains(const std::string& text, const std::string& any, bool is_literal) {
  if (is_literal) return text.find(any) != std::string::npos;
  const auto parts = split(any, '|');
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != std::string::npos; });
}

class Evaluation {
 public:
  Evaluation(const Frame* frame, const Cell* given) : frame_(frame), given_(given) {}

  Status find_columns(const std::set<std::string>& names) {
    for (const std::string& name : names) {
      TRY_ASSIGN(const size_t number, frame_->column(name));
      columns_.emplace(name, number);
    }
    return {};
  }
  Result<Cell> of_row(const Node& node, size_t row) {
    row_ = row;
    return of(node);
  }

 private:
  Result<Cell> of(const Node& node) {
    switch (node.kind) {
      case Kind::value:
        return node.value;
      case Kind::given:
        return *given_;
      case Kind::column:
        return frame_->rows[row_][columns_.at(node.word)];
      case Kind::negate: {
        TRY_ASSIGN(const Cell inner, of(*node.children[0]));
        TRY_ASSIGN(const auto number, number_in(inner, "-"));
        return number_cell(number ? std::optional(-*number) : std::nullopt);
      }
      case Kind::not_: {
        TRY_ASSIGN(const auto inner, truth_of(*node.children[0]));
        return truth_cell(inner ? std::optional(!*inner) : std::nullopt);
      }
      case Kind::and_:
        return joined(node, false);
      case Kind::or_:
        return joined(node, true);
      case Kind::compare:
        return compared(node);
      case Kind::compute: {
        TRY_ASSIGN(const Cell left, of(*node.children[0]));
        TRY_ASSIGN(const Cell right, of(*node.children[1]));
        return compute(left, node.word, right);
      }
      case Kind::in:
        return in(node);
      case Kind::is_null: {
        TRY_ASSIGN(const Cell inner, of(*node.children[0]));
        return Cell(is_null(inner));
      }
      case Kind::method:
        return method(node);
      case Kind::aggregate:
        return aggregate(node);
    }
    return Error(Code::internal, "a condition of an unknown kind");
  }

  Result<std::optional<bool>> truth_of(const Node& node) {
    TRY_ASSIGN(const Cell cell, of(node));
    if (is_null(cell)) return std::optional<bool>();
    if (const auto* truth = std::get_if<bool>(&cell)) return std::optional<bool>(*truth);
    if (const auto* text = std::get_if<std::string>(&cell)) {
      if (const auto said = truth_in(*text)) return said;
    }
    return Error(Code::invalid, shown(cell_text(cell)) + " is neither true nor false",
                 "compare it with something: and, or and not take conditions");
  }

  // Of `and` (decided by false) and `or` (decided by true). All parts are computed, so that a mistake in one is seen
  // whatever the others are.
  Result<Cell> joined(const Node& node, bool decisive) {
    bool is_decided = false, is_unknown = false;
    for (const auto& child : node.children) {
      TRY_ASSIGN(const auto part, truth_of(*child));
      is_decided = is_decided || (part && *part == decisive);
      is_unknown = is_unknown || !part;
    }
    if (is_decided) return Cell(decisive);
    return truth_cell(is_unknown ? std::nullopt : std::optional(!decisive));
  }

  Result<Cell> compared(const Node& node) {
    bool is_unknown = false;
    TRY_ASSIGN(Cell left, of(*node.children[0]));
    for (size_t i = 0; i < node.operators.size(); ++i) {
      TRY_ASSIGN(Cell right, of(*node.children[i + 1]));
      TRY_ASSIGN(const Cell link, compare(left, node.operators[i], right));
      if (is_null(link)) {
        is_unknown = true;
      } else if (!std::get<bool>(link)) {
        return Cell(false);
      }
      left = std::move(right);
    }
    return truth_cell(is_unknown ? std::nullopt : std::optional(true));
  }

  Result<Cell> in(const Node& node) {
    TRY_ASSIGN(const Cell wanted, of(*node.children[0]));
    bool is_unknown = false;
    for (size_t i = 1; i < node.children.size(); ++i) {
      TRY_ASSIGN(const Cell one, of(*node.children[i]));
      TRY_ASSIGN(const Cell is_equal, compare(wanted, "==", one));
      if (is_null(is_equal)) {
        is_unknown = true;
      } else if (std::get<bool>(is_equal)) {
        return Cell(true);
      }
    }
    return truth_cell(is_unknown ? std::nullopt : std::optional(false));
  }

  Result<Cell> method(const Node& node) {
    const std::string& word = node.word;
    TRY_ASSIGN(const Cell cell, of(*node.children[0]));
    if (word == "isnull" || word == "isna") return Cell(is_null(cell));
    if (word == "notnull" || word == "notna") return Cell(!is_null(cell));
    if (is_null(cell)) return Cell(nullptr);
    if (word == "abs") {
      TRY_ASSIGN(const auto number, number_in(cell, "abs()"));
      return Cell(std::abs(*number));
    }
    if (word == "between") {
      TRY_ASSIGN(const Cell low, of(*node.children[1]));
      TRY_ASSIGN(const Cell high, of(*node.children[2]));
      TRY_ASSIGN(const Cell above, compare(cell, ">=", low));
      TRY_ASSIGN(const Cell below, compare(cell, "<=", high));
      if (is_null(above) || is_null(below)) return Cell(nullptr);
      return Cell(std::get<bool>(above) && std::get<bool>(below));
    }
    return text_method(node, cell_text(cell));
  }

  static Result<Cell> text_method(const Node& node, std::string text) {
    const std::string& word = node.word;
    if (word == "lower") return Cell(to_lower(text));
    if (word == "upper") return Cell(upper(std::move(text)));
    if (word == "strip") return Cell(std::string(trim(text)));
    if (word == "len") return Cell(static_cast<int64_t>(text.size()));
    std::string wanted = std::get<std::string>(node.children[1]->value);
    if (word == "startswith") return Cell(text.starts_with(wanted));
    if (word == "endswith") return Cell(text.ends_with(wanted));
    const auto has = [&](const char* option) {
      return std::find(node.operators.begin(), node.operators.end(), option) != node.operators.end();
    };
    if (has("case")) {
      text = to_lower(text);
      wanted = to_lower(wanted);
    }
    return Cell(contains(text, wanted, has("literal")));
  }

  // Once for all rows.
  Result<Cell> aggregate(const Node& node) {
    const auto known = aggregates_.find(&node);
    if (known != aggregates_.end()) return known->second;
    TRY_ASSIGN(const Cell made, aggregate_now(node));
    aggregates_.emplace(&node, made);
    return made;
  }

  Result<Cell> aggregate_now(const Node& node) {
    const size_t column = columns_.at(node.children[0]->word);
    const std::string& word = node.word;
    if (word == "count" || word == "nunique") {
      std::set<std::pair<size_t, std::string>> values;  // with the kind, so that '1' is not 1
      int64_t count = 0;
      for (const auto& row : frame_->rows) {
        if (is_null(row[column])) continue;
        ++count;
        if (word == "nunique") values.emplace(row[column].index(), cell_text(row[column]));
      }
      return Cell(word == "count" ? count : static_cast<int64_t>(values.size()));
    }
    std::vector<double> numbers;
    for (const auto& row : frame_->rows) {
      TRY_ASSIGN(const auto number, number_in(row[column], node.children[0]->word + "." + word + "()"));
      if (number) numbers.push_back(*number);
    }
    double sum = 0;
    for (const double number : numbers) sum += number;
    if (word == "sum") return Cell(sum);
    if (numbers.empty()) return Cell(nullptr);
    std::sort(numbers.begin(), numbers.end());
    if (word == "min") return Cell(numbers.front());
    if (word == "max") return Cell(numbers.back());
    if (word == "mean") return Cell(sum / static_cast<double>(numbers.size()));
    const size_t middle = numbers.size() / 2;
    return Cell(numbers.size() % 2 == 1 ? numbers[middle] : (numbers[middle - 1] + numbers[middle]) / 2);
  }

  const Frame* frame_;  // null: only the given value
  const Cell* given_;   // null: only the frame
  std::map<std::string, size_t> columns_;
  std::map<const Node*, Cell> aggregates_;
  size_t row_ = 0;
};

// What an answer must be: true, false or unknown.
Result<bool> chosen(const Cell& answer) {
  if (is_null(answer)) return false;
  if (const auto* truth = std::get_if<bool>(&answer)) return *truth;
  return Error(Code::invalid, "the condition is " + shown(cell_text(answer)) + ", neither true nor false",
               "compare it with something");
}

}  // namespace

Result<Expression> Expression::parse(std::string_view text) {
  TRY_ASSIGN(ParsedExpression parsed, parse_expression(text, false));
  Expression out;
  out.root_ = std::move(parsed.root);
  out.columns_ = std::move(parsed.columns);
  return out;
}

Result<Expression> Expression::parse_after_value(std::string_view text) {
  TRY_ASSIGN(ParsedExpression parsed, parse_expression(text, true));
  if (!parsed.columns.empty()) {
    return Error(Code::invalid, "what follows a single value is compared with numbers and texts, and " +
                                    shown(*parsed.columns.begin()) + " is neither");
  }
  Expression out;
  out.root_ = std::move(parsed.root);
  return out;
}

Result<std::vector<size_t>> Expression::rows(const Frame& frame) const {
  Evaluation evaluation(&frame, nullptr);
  TRY(evaluation.find_columns(columns_));
  std::vector<size_t> out;
  for (size_t row = 0; row < frame.rows.size(); ++row) {
    const auto is_chosen = [&]() -> Result<bool> {
      TRY_ASSIGN(const Cell answer, evaluation.of_row(*root_, row));
      return chosen(answer);
    }();
    if (!is_chosen) {
      Error error = is_chosen.error();
      error.message = "row " + std::to_string(row + 1) + ": " + error.message;
      return error;
    }
    if (*is_chosen) out.push_back(row);
  }
  return out;
}

Result<bool> Expression::is_true_of(const Cell& value) const {
  Evaluation evaluation(nullptr, &value);
  TRY_ASSIGN(const Cell answer, evaluation.of_row(*root_, 0));
  return chosen(answer);
}

}  // namespace weir::review
