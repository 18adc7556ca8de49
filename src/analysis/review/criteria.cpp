#include "analysis/review/criteria.h"

#include <cctype>

#include "core/base/text.h"

namespace weir::review {
namespace {

bool begins_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && to_lower(text.substr(0, word.size())) == word &&
         (text.size() == word.size() || std::isspace(static_cast<unsigned char>(text[word.size()])) != 0 ||
          text[word.size()] == '(' || text[word.size()] == '*');
}

// Where the comparison begins: behind the last || outside of quotes, if an operator stands there. Elsewhere || joins
// texts, as in SQL.
std::optional<size_t> comparison_at(std::string_view text) {
  std::optional<size_t> out;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
      continue;
    }
    if (text[i] == '\'' || text[i] == '"') quote = text[i];
    if (text[i] == '|' && i + 1 < text.size() && text[i + 1] == '|') out = ++i + 1;
  }
  if (!out) return std::nullopt;
  const std::string_view after = trim(text.substr(*out));
  if (after.empty() || std::string_view("<>=!*/+-%").find(after.front()) == std::string_view::npos) return std::nullopt;
  return out;
}

}  // namespace

Result<Criterion> Criterion::parse(std::string_view text) {
  Criterion out;
  const std::string_view trimmed = trim(text);
  if (begins_with_word(trimmed, "skip")) {
    out.is_off_ = true;
    return out;
  }
  if (trimmed.empty()) return Error(Code::invalid, "an empty criterion", "to switch one off write skip before it");
  if (!begins_with_word(trimmed, "select") && !begins_with_word(trimmed, "with")) {
    TRY_ASSIGN(out.condition_, Expression::parse(text));
    return out;
  }
  const auto comparison = comparison_at(trimmed);
  out.select_ = std::string(trim(trimmed.substr(0, comparison ? *comparison - 2 : trimmed.size())));
  TRY(check_select(out.select_));
  if (!comparison) return out;
  TRY_ASSIGN(out.comparison_, Expression::parse_after_value(trimmed.substr(*comparison)));
  return out;
}

Result<Match> Criterion::match(const Frame& frame) const {
  Match out;
  if (is_off_) return out;
  if (condition_) {
    TRY_ASSIGN(const std::vector<size_t> rows, condition_->rows(frame));
    out.count = rows.size();
    out.is_met = !rows.empty();
    out.evidence = frame.only(rows);
    return out;
  }
  TRY_ASSIGN(out.evidence, select_from(frame, select_));
  if (!comparison_) {
    out.count = out.evidence.rows.size();
    out.is_met = out.count != 0;
    return out;
  }
  if (out.evidence.columns.size() != 1 || out.evidence.rows.size() > 1) {
    return Error(Code::invalid, "what is compared must be one value; the SELECT gives " +
                                    std::to_string(out.evidence.rows.size()) + " rows of " +
                                    std::to_string(out.evidence.columns.size()) + " columns");
  }
  out.value = out.evidence.rows.empty() ? engine::Cell(nullptr) : out.evidence.rows[0][0];
  TRY_ASSIGN(out.is_met, comparison_->is_true_of(*out.value));
  out.count = out.is_met ? 1 : 0;
  return out;
}

}  // namespace weir::review
