// What a review begins with: one that comes with the program; and where its own queries can be asked.
#include <algorithm>

#include "analysis/review/declaration_parts.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

constexpr size_t kReasonBytesMax = 1'024;

// [schema.]name, of small letters, digits, underscores and dollars.
bool is_relation_name(std::string_view text) {
  const auto is_part = [](std::string_view part) {
    const auto is_good = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
    };
    return !part.empty() && part.size() <= 127 && (part[0] < '0' || part[0] > '9') &&
           std::all_of(part.begin(), part.end(), is_good);
  };
  const size_t dot = text.find('.');
  return dot == std::string_view::npos ? is_part(text) : is_part(text.substr(0, dot)) && is_part(text.substr(dot + 1));
}

void check_engine(YamlSection& in, const Position& at, const std::string& engine) {
  const std::vector<std::string> known(std::begin(kEngines), std::end(kEngines));
  if (std::find(known.begin(), known.end(), engine) != known.end()) return;
  in.refuse_at(at, "there is no engine " + shown(engine), did_you_mean(engine, known));
}

// Without the queries that are left out; segments and workflows that are empty then go, too.
void leave_out_of_workflows(Review& review, const std::string& name) {
  for (auto workflow = review.workflows.begin(); workflow != review.workflows.end();) {
    for (Segment& segment : workflow->second) {
      std::erase_if(segment, [&](const Planned& planned) { return planned.query == name; });
    }
    std::erase_if(workflow->second, [](const Segment& segment) { return segment.empty(); });
    workflow = workflow->second.empty() ? review.workflows.erase(workflow) : std::next(workflow);
  }
}

void leave_out(YamlSection& in, const Yaml& list, Review& review, std::set<std::string>& inherited) {
  for (const Yaml& item : list.items) {
    const std::string& name = item.text;
    std::vector<std::string> known;
    for (const Query& query : review.queries) known.push_back(query.name);
    if (std::erase_if(review.queries, [&](const Query& query) { return query.name == name; }) == 0) {
      in.refuse_at(item.at, "the base has no query " + shown(name), did_you_mean(name, known));
      continue;
    }
    inherited.erase("query " + name);
    leave_out_of_workflows(review, name);
  }
}

}  // namespace

void read_base(YamlSection& in, const std::vector<Review>& bases, Review& review, std::set<std::string>& inherited) {
  std::string base;
  std::vector<std::string> left_out;
  in.text("base", base);
  const bool leaves_out = in.texts("leave_out", left_out);
  if (base.empty()) {
    if (leaves_out) in.refuse("leave_out", "there is no `base` to leave queries out of", "base: warehouse");
    return;
  }
  const auto found = std::find_if(bases.begin(), bases.end(), [&](const Review& one) { return one.name == base; });
  if (found == bases.end()) {
    std::vector<std::string> known;
    known.reserve(bases.size());
    for (const Review& one : bases) known.push_back(one.name);
    in.refuse("base", "no review " + shown(base) + " comes with weir", did_you_mean(base, known));
    return;
  }
  review.description = found->description;
  review.workflow = found->workflow;
  review.rounds = found->rounds;
  review.parallel = found->parallel;
  review.time_limit = found->time_limit;
  review.title = found->title;
  review.starts = found->starts;
  review.scheduled = found->scheduled;
  review.next_actions = found->next_actions;
  for (const Query& query : found->queries) {
    inherited.insert("query " + query.name);
    review.queries.push_back(query);
  }
  for (const Recommendation& one : found->recommendations) {
    inherited.insert("recommendation " + one.id);
    review.recommendations.push_back(one);
  }
  for (const auto& [name, workflow] : found->workflows) {
    // These two are made of all queries, once they are known.
    if (name == kAllSerial || name == kAllParallel) continue;
    inherited.insert("workflow " + name);
    review.workflows[name] = workflow;
  }
  if (leaves_out) leave_out(in, *in.value("leave_out"), review, inherited);
}

void read_engines(YamlSection& in, Query& query) {
  if (in.texts("engines", query.engines)) {
    const Yaml& list = *in.value("engines");
    if (query.engines.empty()) in.refuse("engines", "a query is asked somewhere", "leave `engines` out: everywhere");
    for (const Yaml& item : list.items) check_engine(in, item.at, item.text);
  }
  if (in.text_map("not_on", query.not_on)) {
    for (const YamlEntry& entry : in.value("not_on")->entries) {
      check_engine(in, entry.key_at, entry.key);
      if (trim(entry.value.text).empty() || entry.value.text.size() > kReasonBytesMax) {
        in.refuse_at(entry.value.at, "a reason has 1 to " + std::to_string(kReasonBytesMax) + " bytes");
      }
    }
  }
  if (in.texts("needs", query.needs)) {
    if (query.needs.size() > kNeedsMax) in.refuse("needs", "more than " + std::to_string(kNeedsMax) + " relations");
    for (const Yaml& item : in.value("needs")->items) {
      if (!is_relation_name(item.text)) {
        in.refuse_at(item.at, shown(item.text) + " is no name of a relation", "stl_query, or schema.table");
      }
    }
  }
}

}  // namespace weir::review
