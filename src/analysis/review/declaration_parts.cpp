#include "analysis/review/declaration_parts.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "analysis/review/criteria.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

constexpr size_t kNameBytesMax = 63;
constexpr size_t kSqlBytesMax = 256u << 10;

Error at_place(Error error, const Position& at) {
  std::string message = error.message;
  if (error.position && error.position->line > 0) {
    message +=
        " (at " + std::to_string(error.position->line) + ":" + std::to_string(error.position->column) + " of it)";
  }
  return Error(error.code, std::move(message), std::move(error.hint)).at(at);
}

// "600" is seconds, as the automated review says it; "10m" a duration.
Result<Duration> threshold_of(std::string_view text) {
  const bool is_seconds = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  const auto read = parse_duration(is_seconds ? std::string(text) + "s" : std::string(text));
  if (!read) return Error(Code::invalid, shown(text) + " is no time", "seconds, as 600, or 10m");
  if (read->micros <= 0) return Error(Code::invalid, "a threshold of 0 would cancel the query before it begins");
  if (read->micros > kThresholdMax.micros) {
    return Error(Code::invalid, shown(text) + " is longer than " + format_duration(kThresholdMax));
  }
  return *read;
}

// One segment of a workflow: "A:600,B:600".
Segment segment_of(const WorkflowText& text, bool needs_threshold, const Review& review, std::vector<Error>& errors) {
  Segment out;
  std::vector<std::string> known;
  for (const Query& query : review.queries) known.push_back(query.name);
  for (const std::string_view part : split(text.text, ',')) {
    const std::string_view item = trim(part);
    const size_t colon = item.find(':');
    const std::string name(trim(item.substr(0, colon)));
    const Query* query = review.find(name);
    if (query == nullptr) {
      errors.push_back(Error(Code::not_found,
                             "workflow " + text.name + ": there is no query " + shown(name) +
                                 (name.empty() ? " (a comma too many?)" : ""),
                             did_you_mean(name, known))
                           .at(text.at));
      continue;
    }
    Planned planned{name, query->threshold};
    if (colon != std::string_view::npos) {
      const auto threshold = threshold_of(trim(item.substr(colon + 1)));
      if (threshold) {
        planned.threshold = *threshold;
      } else {
        errors.push_back(at_place(
            Error(threshold.error().code, "workflow " + text.name + ", " + name + ": " + threshold.error().message,
                  threshold.error().hint),
            text.at));
      }
    } else if (needs_threshold) {
      errors.push_back(Error(Code::invalid, "workflow " + text.name + ": " + name + " has no time threshold",
                             name + ":600 is ten minutes")
                           .at(text.at));
    }
    out.push_back(std::move(planned));
  }
  return out;
}

// The scalar `text` of a list under one of these keys, anywhere below the node; nullptr if there is none.
const Yaml* listed(const Yaml& node, const std::set<std::string_view>& keys, std::string_view text) {
  for (const YamlEntry& entry : node.entries) {
    if (keys.contains(entry.key)) {
      for (const Yaml& item : entry.value.items) {
        if (item.text == text) return &item;
      }
    }
    if (const Yaml* found = listed(entry.value, keys, text)) return found;
  }
  for (const Yaml& item : node.items) {
    if (const Yaml* found = listed(item, keys, text)) return found;
  }
  return nullptr;
}

// Where a query is declared: its entry of review.yaml, or of review_config.json. Looked for only when something is
// wrong.
struct Declared {
  std::optional<Yaml> config;
  const Yaml* node = nullptr;  // nullptr: it is the base's
};

Declared declared_at(const project::DeclarationSource& source, const std::string& query) {
  Declared out;
  const Yaml* own = source.root.find("queries");
  out.node = own == nullptr ? nullptr : own->find(query);
  if (out.node != nullptr || !has_seed_form(source)) return out;
  std::vector<Error> told_before;
  out.config = read_json_part(source, kSeedConfig, told_before);
  const Yaml* sections = out.config ? out.config->find("Sections") : nullptr;
  out.node = sections == nullptr ? nullptr : sections->find(query);
  return out;
}

Position place_or_file(const project::DeclarationSource& source, const Yaml* node) {
  return node == nullptr ? Position{source.file, 1, 1} : node->at;
}

void check_recommended(const project::DeclarationSource& source, const Review& review, const std::string& query,
                       const std::string& what, const std::vector<std::string>& ids, std::vector<Error>& errors) {
  std::vector<std::string> known;
  for (const auto& one : review.recommendations) known.push_back(one.id);
  for (const std::string& id : ids) {
    if (review.recommendation(id) != nullptr) continue;
    const Declared at = declared_at(source, query);
    const Yaml* place = at.node == nullptr ? nullptr : listed(*at.node, {"recommend", "Recommendation"}, id);
    errors.push_back(Error(Code::not_found,
                           query + ", " + shown(what) + " recommends " + shown(id) + ", which is not there",
                           did_you_mean(id, known))
                         .at(place_or_file(source, place)));
  }
}

}  // namespace

bool is_review_name(std::string_view text) {
  if (text.empty() || text.size() > kNameBytesMax || std::isalpha(static_cast<unsigned char>(text[0])) == 0)
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; });
}

void check_criterion(YamlSection& in, std::string_view key, const std::string& text) {
  if (const auto parsed = Criterion::parse(text); !parsed) {
    in.refuse_at(in.value(key)->at, at_place(parsed.error(), {}).message, parsed.error().hint);
  }
}

void check_population(YamlSection& in, std::string_view key, const std::string& text) {
  if (trim(text).empty()) return;
  if (const auto parsed = Expression::parse(text); !parsed) {
    in.refuse_at(in.value(key)->at, at_place(parsed.error(), {}).message, parsed.error().hint);
  }
}

void read_workflows(const Yaml& node, std::vector<WorkflowText>& into, std::vector<Error>& errors) {
  const auto refuse = [&](const Position& at, std::string message) {
    errors.push_back(Error(Code::invalid, std::move(message), "all-serial: [\"A:600,B:600\"]").at(at));
  };
  if (!node.is_mapping()) return refuse(node.at, "workflows are names with lists, found " + node.described());
  if (node.entries.size() > kWorkflowsMax) {
    return refuse(node.at, "more than " + std::to_string(kWorkflowsMax) + " workflows");
  }
  for (const YamlEntry& entry : node.entries) {
    if (!is_review_name(entry.key)) refuse(entry.key_at, shown(entry.key) + " is no name of a workflow");
    const Yaml& list = entry.value;
    if (!list.is_sequence() || list.items.empty() || list.items.size() > kSegmentsMax) {
      refuse(list.at, "workflow " + entry.key + " is a list of 1 to " + std::to_string(kSegmentsMax) +
                          " texts, found " + list.described());
      continue;
    }
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (!list.items[i].is_scalar()) {
        refuse(list.items[i].at, "expected names of queries in a text, found " + list.items[i].described());
        continue;
      }
      into.push_back({entry.key, list.items[i].text, i, list.items[i].at});
    }
  }
}

void make_workflows(const std::vector<WorkflowText>& texts, bool needs_threshold, Review& review,
                    std::vector<Error>& errors) {
  for (const WorkflowText& text : texts) {
    review.workflows[text.name].push_back(segment_of(text, needs_threshold, review, errors));
    std::set<std::string> results;
    for (const Segment& segment : review.workflows[text.name]) {
      for (const Planned& planned : segment) {
        if (results.insert(review.find(planned.query)->result).second ||
            &segment != &review.workflows[text.name].back())
          continue;
        errors.push_back(Error(Code::conflict,
                               "workflow " + text.name + ": the result " + shown(review.find(planned.query)->result) +
                                   " is written twice, by " + planned.query,
                               "each query of a workflow has a result of its own")
                             .at(text.at));
      }
    }
  }
}

void add_default_workflows(Review& review) {
  Segment all;
  for (const Query& query : review.queries) all.push_back({query.name, query.threshold});
  review.workflows.try_emplace(kAllSerial, Workflow{all});
  Workflow parallel;
  for (const Planned& planned : all) parallel.push_back({planned});
  review.workflows.try_emplace(kAllParallel, std::move(parallel));
}

void check_review(const project::DeclarationSource& source, Review& review, std::vector<Error>& errors) {
  std::map<std::string, std::string> results;
  for (const Query& query : review.queries) {
    const auto [first, is_new] = results.emplace(query.result, query.name);
    if (!is_new) {
      const Declared at = declared_at(source, query.name);
      const Yaml* place = at.node == nullptr ? nullptr : at.node->find("result");
      errors.push_back(
          Error(Code::conflict,
                "queries " + first->second + " and " + query.name + " have one result, " + shown(query.result),
                "give one of them another `result`")
              .at(place_or_file(source, place != nullptr ? place : at.node)));
    }
    for (const Signal& signal : query.signals) {
      check_recommended(source, review, query.name, signal.name, signal.recommend, errors);
    }
    for (const Observation& observation : query.observations) {
      check_recommended(source, review, query.name, observation.text, observation.recommend, errors);
    }
  }
  std::vector<std::string> known;
  for (const auto& [name, workflow] : review.workflows) known.push_back(name);
  if (!review.workflows.contains(review.workflow)) {
    errors.push_back(
        Error(Code::not_found, "there is no workflow " + shown(review.workflow), did_you_mean(review.workflow, known))
            .at(place_or_file(source, source.root.find("workflow"))));
  }
}

bool read_script(const project::DeclarationSource& source, Query& query, std::vector<Error>& errors) {
  query.script = "scripts/" + query.name + ".sql";
  const auto take = [&](const std::string& path, std::string& into) {
    const auto found = source.parts.find(path);
    if (found == source.parts.end()) return false;
    into = std::string(found->second);
    if (!trim(into).empty() && into.size() <= kSqlBytesMax) return true;
    const std::string folder = source.file.substr(0, source.file.rfind('/') + 1);
    errors.push_back(Error(Code::invalid, "expected one statement of at most " + std::to_string(kSqlBytesMax) +
                                              " bytes, found " + std::to_string(into.size()) + " bytes")
                         .at({folder + path, 1, 1}));
    return true;
  };
  bool is_there = take(query.script, query.sql);
  for (const char* engine : kEngines) {
    std::string sql;
    if (!take("scripts/" + query.name + "." + engine + ".sql", sql)) continue;
    query.sql_on[engine] = std::move(sql);
    is_there = true;
  }
  return is_there;
}

const std::string* Query::sql_for(std::string_view engine) const {
  const auto own = sql_on.find(std::string(engine));
  if (own != sql_on.end()) return &own->second;
  return sql.empty() ? nullptr : &sql;
}

std::string Query::script_for(std::string_view engine) const {
  return sql_on.contains(std::string(engine)) ? "scripts/" + name + "." + std::string(engine) + ".sql" : script;
}

const Query* Review::find(std::string_view query) const {
  const auto found = std::find_if(queries.begin(), queries.end(), [&](const Query& one) { return one.name == query; });
  return found == queries.end() ? nullptr : &*found;
}

const Recommendation* Review::recommendation(std::string_view id) const {
  const auto found = std::find_if(recommendations.begin(), recommendations.end(),
                                  [&](const Recommendation& one) { return one.id == id; });
  return found == recommendations.end() ? nullptr : &*found;
}

const char* colour_word(Colour colour) {
  static constexpr const char* kWords[] = {"green", "yellow", "red", "not measured"};
  return kWords[static_cast<size_t>(colour)];
}

const char* impact_word(Impact impact) {
  static constexpr const char* kWords[] = {"low", "medium", "high"};
  return kWords[static_cast<size_t>(impact)];
}

}  // namespace weir::review
