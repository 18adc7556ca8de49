#include "analysis/review/left_out.h"

#include <algorithm>
#include <optional>
#include <set>

#include "core/base/text.h"

namespace weir::review {
namespace {

// Empty: the engine is asked, as far as the engine goes.
std::string why_not_this_engine(const Query& query, const std::string& engine) {
  if (const auto reason = query.not_on.find(engine); reason != query.not_on.end()) return reason->second;
  const auto& engines = query.engines;
  if (!engines.empty() && std::find(engines.begin(), engines.end(), engine) == engines.end()) {
    return "it is asked of " + join(engines, " and ") + " only; this is " + engine;
  }
  if (query.sql_for(engine) == nullptr) return "there is no SQL of it for " + engine;
  return {};
}

std::optional<LeftOut> why_left_out(const Query& query, const std::string& engine,
                                    const warehouse::Readable& readable) {
  LeftOut out{query.name, why_not_this_engine(query, engine), "", ""};
  if (!out.why.empty()) return out;
  std::vector<std::string> reasons, statements;
  for (const warehouse::Unreadable& one : readable.unreadable) {
    if (std::find(query.needs.begin(), query.needs.end(), one.relation) == query.needs.end()) continue;
    reasons.push_back(one.why);
    if (one.statement.empty()) continue;
    statements.push_back(one.statement);
    out.by = one.by;
  }
  if (reasons.empty()) return std::nullopt;
  out.why = join(reasons, "; ");
  out.statement = join(statements, "; ");
  return out;
}

}  // namespace

std::string LeftOut::in_words() const {
  if (statement.empty()) return why;
  return why + "; " + statement + (by.empty() ? "" : " (by " + by + ")") + " mends it";
}

std::vector<std::string> needed_relations(const Review& review, const std::string& engine) {
  std::set<std::string> out;
  for (const Query& query : review.queries) {
    if (why_not_this_engine(query, engine).empty()) out.insert(query.needs.begin(), query.needs.end());
  }
  return {out.begin(), out.end()};
}

std::vector<LeftOut> left_out(const Review& review, const std::string& engine, const warehouse::Readable& readable) {
  std::vector<LeftOut> out;
  for (const Query& query : review.queries) {
    if (auto one = why_left_out(query, engine, readable)) out.push_back(std::move(*one));
  }
  return out;
}

bool is_left_out(const std::vector<LeftOut>& list, std::string_view query) {
  return std::any_of(list.begin(), list.end(), [&](const LeftOut& one) { return one.query == query; });
}

Json to_json(const LeftOut& one) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return Json::Object{
      {"query", one.query}, {"why", one.why}, {"statement", text_or_null(one.statement)}, {"by", text_or_null(one.by)}};
}

Json to_json(const std::vector<LeftOut>& list) {
  Json out{Json::Array{}};
  for (const LeftOut& one : list) out.push(to_json(one));
  return out;
}

Result<std::vector<LeftOut>> left_out_from_json(const Json& json) {
  std::vector<LeftOut> out;
  if (json.is_null()) return out;
  for (const Json& one : json.array()) {
    if (!one["query"].is_string() || !one["why"].is_string()) {
      return Error(Code::corrupt, "what a run left out cannot be read");
    }
    out.push_back(
        {one["query"].as_string(), one["why"].as_string(), one["statement"].as_string(), one["by"].as_string()});
  }
  return out;
}

}  // namespace weir::review
