// The declaration of a review, `reviews/<name>/`: queries, what their results are judged by, in which order they run,
// and what is recommended. A folder, in one of two forms or both:
//
//   review.yaml                    weir's own form
//   scripts/<Query>.sql            a query's SQL, in both forms
//   scripts/<Query>.<engine>.sql   where an engine needs other words: weir, redshift, postgresql
//   config.json                    the automated review's order: workflow -> ["A:600,B:600", "C:600"]
//   review_config.json             its sections with SQL, signals, observations, and its recommendations
//   review_result.html             its template with placeholders
//   rule.json                      a rule of the cloud's scheduler, see rule.cpp
//
// review.yaml beside the two JSON files says what they do not: target, schedule, who is told. Both forms become the
// same value, and run the same way.
//
//   base: warehouse                a review that comes with the program (shipped.h): its queries, recommendations and
//                                  workflows, to which those here are added, or whose place they take
//   leave_out: [Locks]             of the base's queries
//   title: Warehouse review
//   target: prod                   a connection of weir.yaml; weir itself where nothing is said
//   as: reviewer                   who asks, where the target is weir; a connection has a user of its own
//   workflow: all-parallel         the one that runs where nothing else is asked for
//   workflows: {nightly: ["Tables:600,Queries:60", "Locks:30"]}
//   schedule: cron(0 20 ? * SUN *) and triggers: see flow/start_rules.h; scheduled: false switches both off
//   rounds: 3                      a query that fails is tried again in the next round
//   time_limit: 1h                 of the whole run
//   brand: {name: Shop Ltd.}       and template: how the report looks, look.h
//   queries:
//     Tables:
//       title: Table design
//       threshold: 10m
//       engines: [weir, redshift]    where it can be asked at all; everywhere where nothing is said
//       not_on: {weir: weir has no slices}   where it is not asked, and why
//       needs: [svv_table_info]      what it reads: where one of them cannot be read it is not asked (left_out.h);
//                                    also rows_of_others, all_tables, all_sequences (warehouse/sql_source.h)
//       signals:
//         - signal: tables without statistics
//           when: stats_off > 10
//           of: tbl_rows > 1000            the rows that are judged at all
//           colour: red                    or yellow
//           recommend: [analyze]
//   recommendations:
//     analyze: {text: Run ANALYZE, description: …, effort: small}
//
// parse_review finds every mistake in one pass, each with file:line:column. Pure functions and values, any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/review/look.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/project/project.h"
#include "platform/flow/start_rules.h"

namespace weir::review {

inline constexpr size_t kQueriesMax = 500;
inline constexpr size_t kSignalsMax = 200;  // of one query
inline constexpr size_t kWorkflowsMax = 50;
inline constexpr size_t kSegmentsMax = 500;  // of one workflow
inline constexpr int kRoundsMax = 20;
inline constexpr Duration kThresholdMax = hours(24);
inline constexpr size_t kNeedsMax = 50;  // of one query
inline constexpr const char* kThisTarget = "weir";
inline constexpr const char* kEngines[] = {"weir", "redshift", "postgresql"};
inline constexpr const char* kAllSerial = "all-serial";
inline constexpr const char* kAllParallel = "all-parallel";

enum class Colour { green, yellow, red, not_measured };
const char* colour_word(Colour colour);  // "green", "yellow", "red", "not measured"
enum class Impact { low, medium, high };
const char* impact_word(Impact impact);

struct Signal {
  std::string name;                // what is the matter: "tables without statistics"
  std::string when;                // criteria.h
  std::string of;                  // the rows that are judged, a condition; empty: all
  std::string of_name;             // what they are: "nodes"
  Colour colour = Colour::yellow;  // once it is met; yellow or red
  Impact impact = Impact::medium;
  std::string explanation;  // in plain words
  std::string mend;         // SQL to copy; {column} stands for a value of each row
  std::vector<std::string> links;
  std::vector<std::string> recommend;  // of Review::recommendations
  friend bool operator==(const Signal&, const Signal&) = default;
};

// What only a person can judge.
struct Observation {
  std::string text;
  std::vector<std::string> recommend;
  friend bool operator==(const Observation&, const Observation&) = default;
};

struct Query {
  std::string name;   // [A-Za-z][A-Za-z0-9_-]*
  std::string title;  // empty: the name
  std::string description;
  std::string section;                             // where the report shows it; empty: a section of its own
  std::string script;                              // the file's path, for people: "scripts/Tables.sql"
  std::string sql;                                 // one statement; empty where each engine has its own
  std::map<std::string, std::string> sql_on = {};  // by engine, where it is another one
  std::vector<std::string> engines = {};           // where it can be asked at all; empty: everywhere
  std::map<std::string, std::string> not_on = {};  // engine -> why it is not asked there
  std::vector<std::string> needs = {};             // relations that it reads, [schema.]name
  Duration threshold = minutes(10);
  std::string result;  // its results' name; the query's where nothing is said
  std::vector<Signal> signals;
  std::vector<Observation> observations;
  const std::string* sql_for(std::string_view engine) const;  // null: there is none for it
  std::string script_for(std::string_view engine) const;
  friend bool operator==(const Query&, const Query&) = default;
};

struct Recommendation {
  std::string id;
  std::string text;         // one sentence
  std::string description;  // longer; of the JSON form with HTML's a, br, ul, li, b, i
  std::string effort;       // "Small", "Medium", "Large"
  friend bool operator==(const Recommendation&, const Recommendation&) = default;
};

struct Planned {
  std::string query;
  Duration threshold;
  friend bool operator==(const Planned&, const Planned&) = default;
};
using Segment = std::vector<Planned>;   // one after another
using Workflow = std::vector<Segment>;  // at the same time

struct Review {
  std::string name;  // the folder's
  std::string title;
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  std::string target = kThisTarget;
  std::string user;                // who asks, of the target weir; empty: the owner. A connection has a user of its own
  std::string customer, endpoint;  // of the JSON form: whose warehouse it is
  std::string workflow = kAllSerial;
  std::map<std::string, Workflow> workflows;  // declared ones, all-serial and all-parallel
  flow::StartRules starts;                    // what starts it by itself
  bool scheduled = true;                      // false: nothing but a person or the API does, whatever `starts` says
  int rounds = 3;
  int parallel = 16;  // queries at once
  std::optional<Duration> time_limit;
  bool seed_csv = false;  // CSV as the automated review writes it, see results.h
  std::vector<std::string> notify;
  std::vector<Query> queries;  // in the order of the report
  std::vector<Recommendation> recommendations;
  std::vector<std::string> next_actions;
  std::string page;  // the template with placeholders; empty: none
  Look look;

  const Query* find(std::string_view query) const;
  const Recommendation* recommendation(std::string_view id) const;
  friend bool operator==(const Review&, const Review&) = default;
};

struct ParsedReview {
  Review review;  // means something only if there are no errors
  std::vector<Error> errors;
};
// `bases`: what `base:` may name.
ParsedReview parse_review(const project::DeclarationSource& source, const std::vector<Review>& bases);
// Over the reviews that come with the program.
ParsedReview parse_review(const project::DeclarationSource& source);

Json to_json(const Review& review);
Result<Review> review_from_json(const Json& json);
Json review_schema();

// The kind "review". `targets`: the connections that are declared; empty where they are not known.
project::Kind review_kind();

}  // namespace weir::review
