#include "analysis/dashboard/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "analysis/dashboard/dashboard.h"
#include "core/base/check.h"

namespace weir::dashboard {
namespace {

constexpr int kDepthMax = 32;

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool begins_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || letter == '_';
}

std::optional<double> combined(char what, std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return std::nullopt;
  const double out = what == '+' ? *a + *b : what == '-' ? *a - *b : what == '*' ? *a * *b : *a / *b;
  return std::isfinite(out) ? std::optional(out) : std::nullopt;
}

}  // namespace

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Result<Expression> parse() {
    if (text_.size() > kExpressionBytesMax) {
      return Error(Code::invalid, "has " + std::to_string(text_.size()) + " bytes, allowed are " +
                                      std::to_string(kExpressionBytesMax));
    }
    TRY(sum(0));
    skip();
    if (at_ < text_.size()) return wrong("expected + - * / or the end");
    return std::move(out_);
  }

 private:
  using Part = Expression::Part;

  Error wrong(const std::string& what) const {
    const std::string found = at_ < text_.size() ? "'" + std::string(1, text_[at_]) + "'" : "the end";
    return Error(Code::invalid, what + ", found " + found, "for example clicks / impressions")
        .at({"", 1, static_cast<int>(at_) + 1});
  }

  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }

  char next() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  Status sum(int depth) {
    TRY(product(depth));
    while (next() == '+' || next() == '-') {
      const char what = text_[at_++];
      TRY(product(depth));
      out_.parts_.push_back({what});
    }
    return {};
  }

  Status product(int depth) {
    TRY(operand(depth));
    while (next() == '*' || next() == '/') {
      const char what = text_[at_++];
      TRY(operand(depth));
      out_.parts_.push_back({what});
    }
    return {};
  }

  Status operand(int depth) {
    if (depth > kDepthMax) return wrong("is nested more than " + std::to_string(kDepthMax) + " deep");
    const char letter = next();
    if (letter == '-') {
      ++at_;
      TRY(operand(depth + 1));
      out_.parts_.push_back({'~'});
      return {};
    }
    if (letter == '(') {
      ++at_;
      TRY(sum(depth + 1));
      if (next() != ')') return wrong("expected )");
      ++at_;
      return {};
    }
    if (is_digit(letter) || letter == '.') return number();
    if (begins_name(letter)) return name();
    return wrong("expected a series' name, a number or (");
  }

  Status number() {
    double value = 0;
    const auto [end, failed] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (failed != std::errc() || !std::isfinite(value)) return wrong("expected a number");
    at_ = static_cast<size_t>(end - text_.data());
    out_.parts_.push_back({'n', value});
    return {};
  }

  Status name() {
    const size_t begin = at_;
    while (at_ < text_.size() && (begins_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string name(text_.substr(begin, at_ - begin));
    const auto found = std::find(out_.names_.begin(), out_.names_.end(), name);
    out_.parts_.push_back({'v', 0, static_cast<size_t>(found - out_.names_.begin())});
    if (found == out_.names_.end()) out_.names_.push_back(name);
    return {};
  }

  const std::string_view text_;
  size_t at_ = 0;
  Expression out_;
};

Result<Expression> Expression::parse(std::string_view text) {
  return ExpressionParser(text).parse();
}

Values Expression::evaluate(const std::map<std::string, Values>& series, size_t points) const {
  std::vector<const Values*> operands;
  for (const std::string& name : names_) {
    const auto found = series.find(name);
    CHECK(found != series.end() && found->second.size() == points, "an expression's series are there");
    operands.push_back(&found->second);
  }
  Values out;
  std::vector<std::optional<double>> stack;
  for (size_t point = 0; point < points; ++point) {
    stack.clear();
    for (const Part& part : parts_) {
      if (part.what == 'n') {
        stack.emplace_back(part.number);
      } else if (part.what == 'v') {
        stack.push_back((*operands[part.name])[point]);
      } else if (part.what == '~') {
        if (stack.back()) stack.back() = -*stack.back();
      } else {
        const auto second = stack.back();
        stack.pop_back();
        stack.back() = combined(part.what, stack.back(), second);
      }
    }
    out.push_back(stack.back());
  }
  return out;
}

}  // namespace weir::dashboard
