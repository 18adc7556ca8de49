// The files of the automated review (config.json, review_config.json, review_result.html), read as they are.
//
// JSON is YAML, so their mistakes have places too. What that program never read (populations, observations, effort,
// next actions, customer, endpoint) is read here.
#include <algorithm>

#include "analysis/review/declaration_parts.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

namespace weir::review {
namespace {

constexpr const char* kOrder = "config.json";
constexpr const char* kPage = "review_result.html";

std::string path_of(const project::DeclarationSource& source, const std::string& file) {
  return source.file.substr(0, source.file.rfind('/') + 1) + file;
}

Signal read_signal(YamlSection& in) {
  Signal out;
  in.text("Signal", out.name, required);
  if (in.text("Criteria", out.when, required)) check_criterion(in, "Criteria", out.when);
  if (in.text("PopulationCriteria", out.of)) check_population(in, "PopulationCriteria", out.of);
  in.text("PopulationName", out.of_name);
  in.texts("Recommendation", out.recommend);
  return out;
}

Query read_section(const project::DeclarationSource& source, YamlSection& in, std::vector<Error>& errors) {
  Query out;
  out.name = in.name();
  out.result = out.name;
  if (!is_review_name(out.name)) {
    in.refuse_at(in.node().at, shown(out.name) + " is no name of a query", "[A-Za-z][A-Za-z0-9_-]*");
  }
  std::string sql;
  in.text("SQL", sql);
  if (!read_script(source, out, errors)) out.sql = sql;
  if (trim(out.sql).empty()) {
    in.refuse_at(in.node().at, out.name + " has neither SQL nor " + out.script, "put the query's SQL there");
  }
  for (YamlSection& signal : in.sections("Signals", "a signal")) out.signals.push_back(read_signal(signal));
  if (out.signals.size() > kSignalsMax) in.refuse("Signals", "more than " + std::to_string(kSignalsMax) + " signals");
  for (YamlSection& section : in.sections("Observations", "an observation")) {
    Observation observation;
    section.text("Observation", observation.text, required);
    section.texts("Recommendation", observation.recommend);
    out.observations.push_back(std::move(observation));
  }
  return out;
}

void read_config(const project::DeclarationSource& source, const Yaml& root, Review& review,
                 std::vector<Error>& errors) {
  YamlReader in(root, "the review");
  in.text("Customer", review.customer);
  in.text("Endpoint", review.endpoint);
  for (YamlSection& section : in.named_sections("Sections", "a section", required)) {
    review.queries.push_back(read_section(source, section, errors));
  }
  for (YamlSection& section : in.named_sections("Recommendations", "a recommendation")) {
    Recommendation out;
    out.id = section.name();
    section.text("text", out.text, required);
    section.text("description", out.description);
    section.text("effort", out.effort);
    review.recommendations.push_back(std::move(out));
  }
  in.texts("Next Actions", review.next_actions);
  for (Error& error : in.finish()) errors.push_back(std::move(error));
}

}  // namespace

std::optional<Yaml> read_json_part(const project::DeclarationSource& source, const std::string& file,
                                   std::vector<Error>& errors) {
  const auto found = source.parts.find(file);
  if (found == source.parts.end()) {
    errors.push_back(
        Error(Code::not_found, "there is no " + file, "the automated review has config.json and review_config.json")
            .at({path_of(source, file), 1, 1}));
    return std::nullopt;
  }
  // JSON's own reader says better what is wrong with JSON.
  if (auto json = Json::parse(found->second); !json) {
    Error error = json.error();
    Position at = error.position.value_or(Position{});
    at.file = path_of(source, file);
    errors.push_back(std::move(error).at(std::move(at)));
    return std::nullopt;
  }
  auto out = parse_yaml(found->second, {path_of(source, file), 1});
  if (out) return std::move(*out);
  errors.push_back(out.error());
  return std::nullopt;
}

bool has_seed_form(const project::DeclarationSource& source) {
  return source.parts.contains(kOrder) || source.parts.contains(kSeedConfig);
}

void read_seed_form(const project::DeclarationSource& source, Review& review, std::vector<Error>& errors) {
  review.seed_csv = true;
  const auto config = read_json_part(source, kSeedConfig, errors);
  const auto order = read_json_part(source, kOrder, errors);
  if (config) read_config(source, *config, review, errors);
  std::vector<WorkflowText> workflows;
  if (order) read_workflows(*order, workflows, errors);
  if (config) make_workflows(workflows, true, review, errors);
  // Its thresholds stand with the order: a query's own is the first that is said of it.
  for (Query& query : review.queries) {
    for (const auto& [name, workflow] : review.workflows) {
      for (const Segment& segment : workflow) {
        for (const Planned& planned : segment) {
          if (planned.query == query.name) query.threshold = planned.threshold;
        }
      }
    }
  }
  const auto page = source.parts.find(kPage);
  if (page == source.parts.end()) return;
  review.page = std::string(page->second);
  check_page(path_of(source, kPage), review.page, errors);
}

void check_page(const std::string& file, std::string_view page, std::vector<Error>& errors) {
  static constexpr std::string_view kMark = "REPLACE_";
  for (size_t at = page.find(kMark); at != std::string_view::npos; at = page.find(kMark, at + 1)) {
    size_t end = at;
    while (end < page.size() && (page[end] == '_' || (page[end] >= 'A' && page[end] <= 'Z'))) ++end;
    const std::string word(page.substr(at, end - at));
    if (word == "REPLACE_DATE_TIME") continue;
    Position place{file, 1, 1};
    place.line += static_cast<int>(std::count(page.begin(), page.begin() + static_cast<ptrdiff_t>(at), '\n'));
    place.column += static_cast<int>(at - (at == 0 ? 0 : page.rfind('\n', at - 1) + 1));
    errors.push_back(
        Error(Code::invalid, "there is no placeholder " + shown(word), "REPLACE_DATE_TIME, Tab_01 …, tabtext_01 …")
            .at(std::move(place)));
  }
}

}  // namespace weir::review
