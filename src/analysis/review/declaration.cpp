#include "analysis/review/declaration.h"

#include <algorithm>

#include "analysis/review/declaration_parts.h"
#include "analysis/review/shipped.h"
#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "core/project/compare_lists.h"

namespace weir::review {
namespace {

constexpr size_t kTextBytesMax = 4'096;
constexpr size_t kListMax = 100;
constexpr size_t kUserBytesMax = 127;

const std::vector<std::pair<std::string, Colour>>& colour_words() {
  static const std::vector<std::pair<std::string, Colour>> kWords = {{"yellow", Colour::yellow}, {"red", Colour::red}};
  return kWords;
}
const std::vector<std::pair<std::string, Impact>>& impact_words() {
  static const std::vector<std::pair<std::string, Impact>> kWords = {
      {"low", Impact::low}, {"medium", Impact::medium}, {"high", Impact::high}};
  return kWords;
}

void read_words(YamlSection& in, std::string_view key, std::string& into, Need need = Need::optional) {
  if (in.text(key, into, need) && into.size() > kTextBytesMax) {
    in.refuse(key, std::string(key) + " is longer than " + std::to_string(kTextBytesMax) + " bytes");
  }
}

void read_list(YamlSection& in, std::string_view key, std::vector<std::string>& into) {
  if (in.texts(key, into) && into.size() > kListMax) {
    in.refuse(key, std::string(key) + " has more than " + std::to_string(kListMax) + " entries");
  }
}

Signal read_signal(YamlSection& in) {
  Signal out;
  read_words(in, "signal", out.name, required);
  if (in.text("when", out.when, required)) check_criterion(in, "when", out.when);
  if (in.text("of", out.of)) check_population(in, "of", out.of);
  read_words(in, "of_name", out.of_name);
  in.choice("colour", out.colour, colour_words());
  in.choice("impact", out.impact, impact_words());
  read_words(in, "explanation", out.explanation);
  read_words(in, "mend", out.mend);
  read_list(in, "links", out.links);
  for (const std::string& link : out.links) {
    if (!link.starts_with("https://") && !link.starts_with("http://")) {
      in.refuse("links", shown(link) + " is no link", "https://…");
    }
  }
  read_list(in, "recommend", out.recommend);
  return out;
}

Query read_query(const project::DeclarationSource& source, YamlSection& in, std::vector<Error>& errors) {
  Query out;
  out.name = in.name();
  if (!is_review_name(out.name)) {
    in.refuse_at(in.node().at, shown(out.name) + " is no name of a query", "[A-Za-z][A-Za-z0-9_-]*");
  }
  read_words(in, "title", out.title);
  read_words(in, "description", out.description);
  read_words(in, "section", out.section);
  read_engines(in, out);
  in.duration("threshold", out.threshold, {milliseconds(1), kThresholdMax});
  out.result = out.name;
  if (in.text("result", out.result) && !is_review_name(out.result)) {
    in.refuse("result", shown(out.result) + " is no name of a result", "[A-Za-z][A-Za-z0-9_-]*");
  }
  for (YamlSection& signal : in.sections("signals", "a signal")) out.signals.push_back(read_signal(signal));
  if (out.signals.size() > kSignalsMax) in.refuse("signals", "more than " + std::to_string(kSignalsMax) + " signals");
  for (YamlSection& section : in.sections("observations", "an observation")) {
    Observation observation;
    read_words(section, "observation", observation.text, required);
    read_list(section, "recommend", observation.recommend);
    out.observations.push_back(std::move(observation));
  }
  if (!read_script(source, out, errors)) {
    in.refuse_at(in.node().at, "there is no " + out.script + " beside review.yaml", "put the query's SQL there");
  }
  for (const std::string& engine : out.engines) {
    if (out.sql_for(engine) != nullptr || (out.sql.empty() && out.sql_on.empty())) continue;
    in.refuse("engines", "there is no SQL for " + engine, "scripts/" + out.name + "." + engine + ".sql");
  }
  return out;
}

// Puts one into the list, in place of the base's of this name; false if there is another one.
template <class One, class IsIt>
bool put_over(std::vector<One>& list, One one, std::set<std::string>& inherited, const std::string& key, IsIt is_it) {
  const auto found = std::find_if(list.begin(), list.end(), is_it);
  if (found == list.end()) {
    list.push_back(std::move(one));
    return true;
  }
  *found = std::move(one);
  return inherited.erase(key) > 0;
}

void read_recommendations(YamlSection& in, Review& review, std::set<std::string>& inherited) {
  for (YamlSection& section : in.named_sections("recommendations", "a recommendation")) {
    Recommendation out;
    out.id = section.name();
    read_words(section, "text", out.text, required);
    read_words(section, "description", out.description);
    read_words(section, "effort", out.effort);
    const std::string id = out.id;
    if (!put_over(review.recommendations, std::move(out), inherited, "recommendation " + id,
                  [&](const Recommendation& one) { return one.id == id; })) {
      section.refuse_at(section.node().at, "recommendation " + shown(id) + " is in review_config.json already");
    }
  }
}

// What is told of the whole review.
void read_top(YamlReader& in, Review& review) {
  project::Common common;
  project::read_common(in, common);
  review.enabled = common.enabled;
  review.tags = std::move(common.tags);
  read_words(in, "title", review.title);
  read_words(in, "description", review.description);
  in.text("target", review.target);
  if (in.text("as", review.user)) {
    if (review.user.empty() || review.user.size() > kUserBytesMax) {
      in.refuse("as", "is no name of a user");
    } else if (review.target != kThisTarget) {
      in.refuse("as", "belongs to the target weir: connection " + shown(review.target) + " has its own user",
                "give the connection another `user`");
    }
  }
  read_words(in, "customer", review.customer);
  read_words(in, "endpoint", review.endpoint);
  flow::read_start_rules(in, flow::start_checks(), flow::kReviewRunKind, review.name, review.starts);
  // Whoever writes when it runs wants that, also where the base has it switched off.
  if (in.value("schedule") != nullptr || in.value("triggers") != nullptr) review.scheduled = true;
  in.flag("scheduled", review.scheduled);
  in.text("workflow", review.workflow);
  in.integer("rounds", review.rounds, {1, kRoundsMax});
  in.integer("parallel", review.parallel, {1, 64});
  in.duration("time_limit", review.time_limit, {seconds(1), days(7)});
  read_list(in, "notify", review.notify);
  read_list(in, "next_actions", review.next_actions);
  std::string csv;
  if (!in.text("csv", csv)) return;
  if (csv != "bars" && csv != "standard") {
    in.refuse("csv", shown(csv) + " is no form of CSV", "standard (RFC 4180), or bars, as the automated review has it");
  }
  review.seed_csv = csv == "bars";
}

void read_own_form(const project::DeclarationSource& source, const std::vector<Review>& bases, Review& review,
                   std::vector<WorkflowText>& workflows, std::vector<Error>& errors) {
  YamlReader in(source.root, "a review");
  std::set<std::string> inherited;
  read_base(in, bases, review, inherited);
  read_top(in, review);
  read_look(source, in, review.look, errors);
  read_recommendations(in, review, inherited);
  for (YamlSection& section : in.named_sections("queries", "a query")) {
    Query query = read_query(source, section, errors);
    const std::string name = query.name;
    if (!put_over(review.queries, std::move(query), inherited, "query " + name,
                  [&](const Query& one) { return one.name == name; })) {
      section.refuse_at(section.node().at, "query " + shown(name) + " is in review_config.json already");
    }
  }
  if (const Yaml* node = in.value("workflows")) {
    read_workflows(*node, workflows, errors);
    for (const WorkflowText& text : workflows) {
      if (inherited.erase("workflow " + text.name) > 0) review.workflows.erase(text.name);
    }
  }
  for (Error& error : in.finish()) errors.push_back(std::move(error));
}

// Scripts that no query is made of are mistakes: somebody expects them to run.
void check_scripts(const project::DeclarationSource& source, const Review& review, std::vector<Error>& errors) {
  const std::string folder = source.file.substr(0, source.file.rfind('/') + 1);
  for (const auto& [path, text] : source.parts) {
    if (!path.ends_with(".sql")) continue;
    const bool is_used = std::any_of(review.queries.begin(), review.queries.end(), [&path = path](const Query& query) {
      const auto is_of = [&](const auto& own) { return query.script_for(own.first) == path; };
      return query.script == path || std::any_of(query.sql_on.begin(), query.sql_on.end(), is_of);
    });
    if (is_used) continue;
    std::vector<std::string> known;
    for (const Query& query : review.queries) known.push_back("scripts/" + query.name + ".sql");
    errors.push_back(Error(Code::not_found, "no query of this review is made of this file",
                           nearest(path, known) ? did_you_mean(path, known) : "add it to `queries` of review.yaml")
                         .at({folder + path, 1, 1}));
  }
}

project::Declared parse_folder(const project::DeclarationSource& source) {
  ParsedReview parsed = parse_review(source);
  project::Declared out;
  out.errors = std::move(parsed.errors);
  if (out.errors.empty()) {
    out.body = to_json(parsed.review);
    out.started_by = flow::starters_of(source.root, parsed.review.starts);
  }
  return out;
}

std::vector<project::Difference> compare(const Json& from, const Json& to) {
  const auto applied = review_from_json(from);
  const auto wanted = review_from_json(to);
  if (!applied || !wanted) {
    const Error& error = applied ? wanted.error() : applied.error();
    return {{"the review's declaration", false, error.message, error.hint}};
  }
  std::vector<project::Difference> out;
  const auto by_name = [](const auto& one) { return one.name; };
  const auto by_id = [](const auto& one) { return one.id; };
  project::compare_lists(applied->queries, wanted->queries, "query", by_name, out);
  project::compare_lists(applied->recommendations, wanted->recommendations, "recommendation", by_id, out);
  if (applied->target != wanted->target) out.push_back({"target: " + applied->target + " -> " + wanted->target});
  if (applied->user != wanted->user) {
    const auto named = [](const std::string& user) { return user.empty() ? std::string("the owner") : user; };
    out.push_back({"it asks as " + named(wanted->user) + ", not as " + named(applied->user)});
  }
  if (applied->enabled != wanted->enabled) out.push_back({wanted->enabled ? "enabled" : "disabled"});
  for (project::Difference& one : flow::compare(applied->starts, wanted->starts)) out.push_back(std::move(one));
  if (applied->scheduled != wanted->scheduled) {
    out.push_back({wanted->scheduled ? "its schedule and triggers are switched on"
                                     : "its schedule and triggers are switched off"});
  }
  if (applied->workflows != wanted->workflows) out.push_back({"workflows: changed"});
  if (applied->look != wanted->look) out.push_back({"look of the report: changed"});
  return out;
}

}  // namespace

ParsedReview parse_review(const project::DeclarationSource& source) {
  static const std::vector<Review> kBases = [] {
    std::vector<Review> out;
    for (const ShippedReview& one : shipped_reviews()) out.push_back(one.review);
    return out;
  }();
  return parse_review(source, kBases);
}

ParsedReview parse_review(const project::DeclarationSource& source, const std::vector<Review>& bases) {
  ParsedReview out;
  Review& review = out.review;
  review.name = source.name;
  if (!is_identifier(review.name)) {
    out.errors.push_back(
        Error(Code::invalid, shown(review.name) + " is no name of a review", "rename the folder: [a-z][a-z0-9_]*")
            .at({source.file, 1, 1}));
  }
  const bool has_own = source.parts.contains("review.yaml");
  const bool has_seed = has_seed_form(source);
  if (!has_own && !has_seed && !has_rule(source)) {
    out.errors.push_back(Error(Code::invalid,
                               "there is neither review.yaml nor config.json and review_config.json nor rule.json",
                               "a review is declared by review.yaml and scripts/*.sql")
                             .at({source.file, 1, 1}));
    return out;
  }
  if (has_seed) read_seed_form(source, review, out.errors);
  std::vector<WorkflowText> workflows;
  if (has_own) read_own_form(source, bases, review, workflows, out.errors);
  if (has_rule(source)) read_rule(source, review, out.errors);
  make_workflows(workflows, false, review, out.errors);
  add_default_workflows(review);
  if (review.queries.empty() || review.queries.size() > kQueriesMax) {
    out.errors.push_back(Error(Code::invalid, "a review has 1 to " + std::to_string(kQueriesMax) +
                                                  " queries, this one " + std::to_string(review.queries.size()))
                             .at({source.file, 1, 1}));
  }
  check_scripts(source, review, out.errors);
  check_review(source, review, out.errors);
  if (review.title.empty()) review.title = review.name;
  return out;
}

project::Kind review_kind() {
  project::Kind kind;
  kind.name = "review";
  kind.folder = "reviews";
  kind.main = "review.yaml";
  kind.prose = "A review: queries with rounds and thresholds, judged by signals, with a report. One folder each.";
  kind.parse = parse_folder;
  kind.compare = compare;
  kind.schema = review_schema;
  return kind;
}

}  // namespace weir::review
