// The canonical form of a review that the control database keeps.
#include "analysis/review/declaration.h"
#include "core/base/json_shape.h"

namespace weir::review {
namespace {

constexpr int kFormat = 2;  // 1 knew nothing of what starts a review

const std::vector<std::pair<std::string, Colour>>& colours() {
  static const std::vector<std::pair<std::string, Colour>> kWords = {{"yellow", Colour::yellow}, {"red", Colour::red}};
  return kWords;
}
const std::vector<std::pair<std::string, Impact>>& impacts() {
  static const std::vector<std::pair<std::string, Impact>> kWords = {
      {"low", Impact::low}, {"medium", Impact::medium}, {"high", Impact::high}};
  return kWords;
}

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

Json to_json(const Signal& signal);
Json to_json(const Observation& observation);
Json to_json(const Query& query);
Json to_json(const Recommendation& one);

template <class T>
Json each(const std::vector<T>& list) {
  Json out{Json::Array{}};
  for (const T& one : list) out.push(to_json(one));
  return out;
}

Json to_json(const Signal& signal) {
  return Json::Object{{"name", signal.name},
                      {"when", signal.when},
                      {"of", signal.of},
                      {"of_name", signal.of_name},
                      {"colour", colour_word(signal.colour)},
                      {"impact", impact_word(signal.impact)},
                      {"explanation", signal.explanation},
                      {"mend", signal.mend},
                      {"links", texts(signal.links)},
                      {"recommend", texts(signal.recommend)}};
}

Json to_json(const Observation& observation) {
  return Json::Object{{"text", observation.text}, {"recommend", texts(observation.recommend)}};
}

Json text_map(const std::map<std::string, std::string>& map) {
  Json out{Json::Object{}};
  for (const auto& [key, value] : map) out.set(key, value);
  return out;
}

Json to_json(const Query& query) {
  Json out = Json::Object{{"name", query.name},
                          {"title", query.title},
                          {"description", query.description},
                          {"section", query.section},
                          {"script", query.script},
                          {"sql", query.sql},
                          {"threshold", format_duration(query.threshold)},
                          {"result", query.result},
                          {"signals", each(query.signals)},
                          {"observations", each(query.observations)}};
  // What the first reviews had no words for is written where it is said.
  if (!query.sql_on.empty()) out.set("sql_on", text_map(query.sql_on));
  if (!query.engines.empty()) out.set("engines", texts(query.engines));
  if (!query.not_on.empty()) out.set("not_on", text_map(query.not_on));
  if (!query.needs.empty()) out.set("needs", texts(query.needs));
  return out;
}

Json to_json(const Recommendation& one) {
  return Json::Object{{"id", one.id}, {"text", one.text}, {"description", one.description}, {"effort", one.effort}};
}

Json to_json(const Workflow& workflow) {
  Json out{Json::Array{}};
  for (const Segment& segment : workflow) {
    Json list{Json::Array{}};
    for (const Planned& planned : segment) {
      list.push(Json::Object{{"query", planned.query}, {"threshold", format_duration(planned.threshold)}});
    }
    out.push(std::move(list));
  }
  return out;
}

Signal signal_from(const Json& json, std::string& wrong) {
  Signal out;
  JsonShape in(json, "a signal", wrong);
  in.text("name", out.name);
  in.text("when", out.when);
  in.text("of", out.of);
  in.text("of_name", out.of_name);
  in.choice("colour", out.colour, colours());
  in.choice("impact", out.impact, impacts());
  in.text("explanation", out.explanation);
  in.text("mend", out.mend);
  in.texts("links", out.links);
  in.texts("recommend", out.recommend);
  in.finish();
  return out;
}

Query query_from(const Json& json, std::string& wrong) {
  Query out;
  JsonShape in(json, "a query", wrong);
  in.text("name", out.name);
  in.text("title", out.title);
  in.text("description", out.description);
  in.text("section", out.section);
  in.text("script", out.script);
  in.text("sql", out.sql);
  in.duration("threshold", out.threshold);
  in.text("result", out.result);
  if (!json["sql_on"].is_null()) in.text_map("sql_on", out.sql_on);
  if (!json["engines"].is_null()) in.texts("engines", out.engines);
  if (!json["not_on"].is_null()) in.text_map("not_on", out.not_on);
  if (!json["needs"].is_null()) in.texts("needs", out.needs);
  if (const auto* list = in.list("signals")) {
    for (const Json& one : *list) out.signals.push_back(signal_from(one, wrong));
  }
  if (const auto* list = in.list("observations")) {
    for (const Json& one : *list) {
      Observation observation;
      JsonShape shape(one, "an observation", wrong);
      shape.text("text", observation.text);
      shape.texts("recommend", observation.recommend);
      shape.finish();
      out.observations.push_back(std::move(observation));
    }
  }
  in.finish();
  return out;
}

Recommendation recommendation_from(const Json& json, std::string& wrong) {
  Recommendation out;
  JsonShape in(json, "a recommendation", wrong);
  in.text("id", out.id);
  in.text("text", out.text);
  in.text("description", out.description);
  in.text("effort", out.effort);
  in.finish();
  return out;
}

Workflow workflow_from(const Json& json, std::string& wrong) {
  Workflow out;
  for (const Json& list : json.array()) {
    Segment segment;
    for (const Json& one : list.array()) {
      Planned planned{};
      JsonShape in(one, "a query of a workflow", wrong);
      in.text("query", planned.query);
      in.duration("threshold", planned.threshold);
      in.finish();
      segment.push_back(std::move(planned));
    }
    out.push_back(std::move(segment));
  }
  return out;
}

}  // namespace

Json to_json(const Review& review) {
  Json tags{Json::Object{}}, workflows{Json::Object{}};
  for (const auto& [name, value] : review.tags) tags.set(name, value);
  for (const auto& [name, workflow] : review.workflows) workflows.set(name, to_json(workflow));
  return Json::Object{{"format", kFormat},
                      {"name", review.name},
                      {"title", review.title},
                      {"description", review.description},
                      {"enabled", review.enabled},
                      {"tags", std::move(tags)},
                      {"target", review.target},
                      {"customer", review.customer},
                      {"endpoint", review.endpoint},
                      {"workflow", review.workflow},
                      {"workflows", std::move(workflows)},
                      {"user", review.user},
                      {"starts", flow::to_json(review.starts)},
                      {"scheduled", review.scheduled},
                      {"rounds", review.rounds},
                      {"parallel", review.parallel},
                      {"time_limit", review.time_limit ? Json(format_duration(*review.time_limit)) : Json()},
                      {"seed_csv", review.seed_csv},
                      {"notify", texts(review.notify)},
                      {"queries", each(review.queries)},
                      {"recommendations", each(review.recommendations)},
                      {"next_actions", texts(review.next_actions)},
                      {"page", review.page},
                      {"look", to_json(review.look)}};
}

Result<Review> review_from_json(const Json& json) {
  if (json["format"].as_int() > kFormat) {
    return Error(Code::unsupported, "a newer weir wrote this review", "use that one");
  }
  Review out;
  std::string wrong;
  JsonShape in(json, "the review", wrong);
  int64_t format = 0, rounds = 0, parallel = 0;
  in.integer("format", format, 1, kFormat);
  in.text("name", out.name);
  in.text("title", out.title);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.text("target", out.target);
  in.text("customer", out.customer);
  in.text("endpoint", out.endpoint);
  in.text("workflow", out.workflow);
  if (const Json* workflows = in.need("workflows")) {
    for (const auto& [name, workflow] : workflows->object()) out.workflows[name] = workflow_from(workflow, wrong);
  }
  if (format > 1) {
    if (const Json* starts = in.need("starts")) out.starts = flow::start_rules_from_json(*starts, wrong);
    in.flag("scheduled", out.scheduled);
    if (!json["user"].is_null()) in.text("user", out.user);
  }
  in.integer("rounds", rounds, 1, kRoundsMax);
  in.integer("parallel", parallel, 1, 64);
  in.duration("time_limit", out.time_limit);
  in.flag("seed_csv", out.seed_csv);
  in.texts("notify", out.notify);
  if (const auto* list = in.list("queries")) {
    for (const Json& one : *list) out.queries.push_back(query_from(one, wrong));
  }
  if (const auto* list = in.list("recommendations")) {
    for (const Json& one : *list) out.recommendations.push_back(recommendation_from(one, wrong));
  }
  in.texts("next_actions", out.next_actions);
  in.text("page", out.page);
  if (json.find("look") != nullptr) out.look = look_from_json(*in.need("look"));
  in.finish();
  out.rounds = static_cast<int>(rounds);
  out.parallel = static_cast<int>(parallel);
  if (!wrong.empty()) return Error(Code::corrupt, "an applied review cannot be read: " + wrong);
  return out;
}

}  // namespace weir::review
