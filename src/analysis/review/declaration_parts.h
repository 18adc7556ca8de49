// What the two forms of a review's declaration share. Internal to the room.
#pragma once

#include <set>
#include <string>

#include "analysis/review/declaration.h"
#include "core/base/yaml_reader.h"

namespace weir::review {

// [A-Za-z][A-Za-z0-9_-]{0,62}: names of queries, workflows and recommendations; a query's becomes a file's.
bool is_review_name(std::string_view text);
// Criteria and populations, judged where they stand.
void check_criterion(YamlSection& in, std::string_view key, const std::string& text);
void check_population(YamlSection& in, std::string_view key, const std::string& text);
// The workflows' lists, ["A:600,B:600", "C"]: a colon and seconds or a duration behind a name is its threshold. A query
// without one has its own; `needs_threshold`: it must have one. Before the queries are known; check_workflows() asks
// for them afterwards.
struct WorkflowText {
  std::string name, text;
  size_t segment = 0;
  Position at;
};
void read_workflows(const Yaml& node, std::vector<WorkflowText>& into, std::vector<Error>& errors);
void make_workflows(const std::vector<WorkflowText>& texts, bool needs_threshold, Review& review,
                    std::vector<Error>& errors);
// all-serial and all-parallel, where they are not declared: every query.
void add_default_workflows(Review& review);
// Recommendations that are named and not there, results of one name, workflows that are asked for and not declared.
void check_review(const project::DeclarationSource& source, Review& review, std::vector<Error>& errors);

inline constexpr const char* kSeedConfig = "review_config.json";  // with the queries of the automated review
// config.json, review_config.json and review_result.html of the folder, into `review`.
bool has_seed_form(const project::DeclarationSource& source);
void read_seed_form(const project::DeclarationSource& source, Review& review, std::vector<Error>& errors);

// A file of JSON beside review.yaml, with places: JSON is YAML. Nothing if it is not there or wrong, which is an error.
std::optional<Yaml> read_json_part(const project::DeclarationSource& source, const std::string& file,
                                   std::vector<Error>& errors);

// rule.json: a rule of the cloud's scheduler. Its schedule and state are the review's, its targets' statements queries.
bool has_rule(const project::DeclarationSource& source);
void read_rule(const project::DeclarationSource& source, Review& review, std::vector<Error>& errors);

// `base` and `leave_out` of review.yaml; the base's queries, recommendations and workflows go into `review`. Names of
// what came from there go into `inherited`, and leave it when something takes their place.
void read_base(YamlSection& in, const std::vector<Review>& bases, Review& review, std::set<std::string>& inherited);
// `engines`, `not_on` and `needs`, and whether there is SQL for what they say.
void read_engines(YamlSection& in, Query& query);
// A query's SQL: `scripts/<name>.sql` of the folder, or one for each engine. False if it is not there.
bool read_script(const project::DeclarationSource& source, Query& query, std::vector<Error>& errors);
// Whether the template has only placeholders that are known.
void check_page(const std::string& file, std::string_view page, std::vector<Error>& errors);

}  // namespace weir::review
