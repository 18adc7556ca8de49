// rule.json beside review.yaml: a rule as the cloud's scheduler has it (Amazon EventBridge, "PutRule" and "PutTargets"
// in one object, as aws events describe-rule and list-targets-by-rule print them), scheduled queries among them.
//
//   {"Name": "weekly", "ScheduleExpression": "cron(0 20 ? * SUN *)", "State": "DISABLED",
//    "Targets": [{"Id": "1", "Input": "{\"WorkflowKey\": \"all-parallel\"}"},
//                {"Id": "2", "RedshiftDataParameters": {"StatementName": "Orders", "Sql": "SELECT …"}}]}
//
// A target's input chooses the workflow; a statement becomes a query of the review. Whom the cloud would have called,
// as whom, and in which database (ARNs, DbUser, Database) is the review's `target` here: these keys are passed over.
#include "analysis/review/declaration_parts.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

namespace weir::review {
namespace {

constexpr const char* kRule = "rule.json";
constexpr size_t kTargetsMax = 100;

void pass_over(YamlSection& in, std::initializer_list<const char*> keys) {
  std::string ignored;
  for (const char* key : keys) in.text(key, ignored);
}

void read_input(YamlSection& in, Review& review) {
  std::string text;
  if (!in.text("Input", text)) return;
  const auto input = Json::parse(text);
  if (!input || !input->is_object()) {
    in.refuse("Input", "is no JSON object", "{\"WorkflowKey\": \"all-parallel\"}");
    return;
  }
  for (const auto& [key, value] : input->object()) {
    if (key == "WorkflowKey" && value.is_string()) {
      review.workflow = value.as_string();
    } else {
      in.refuse("Input", "has " + shown(key), "WorkflowKey, a text, is what a review takes");
    }
  }
}

void read_statement(YamlSection& in, const std::string& id, Review& review) {
  Query query;
  query.name = "Statement_" + id;
  pass_over(in, {"SecretManagerArn", "Database", "DbUser", "WorkgroupName"});
  bool with_event = false;
  in.flag("WithEvent", with_event);
  in.text("StatementName", query.name);
  in.text("Sql", query.sql, required);
  if (!is_review_name(query.name)) {
    in.refuse("StatementName", shown(query.name) + " is no name of a query", "[A-Za-z][A-Za-z0-9_-]*");
  }
  if (review.find(query.name) != nullptr)
    in.refuse("StatementName", "query " + shown(query.name) + " is there already");
  query.result = query.name;
  query.script = kRule;
  review.queries.push_back(std::move(query));
}

}  // namespace

bool has_rule(const project::DeclarationSource& source) {
  return source.parts.contains(kRule);
}

void read_rule(const project::DeclarationSource& source, Review& review, std::vector<Error>& errors) {
  const auto root = read_json_part(source, kRule, errors);
  if (!root) return;
  YamlReader in(*root, "a rule");
  std::string schedule, state = "ENABLED", description;
  pass_over(in, {"Name", "Rule", "Arn", "RoleArn", "EventBusName", "GroupName"});
  if (in.text("Description", description) && review.description.empty()) review.description = description;
  if (in.text("ScheduleExpression", schedule, required)) {
    const Status judged = flow::start_checks().schedule(schedule);
    if (judged) {
      review.starts.schedules.push_back(schedule);
    } else {
      in.refuse("ScheduleExpression", judged.error().message, judged.error().hint);
    }
  }
  if (in.text("ScheduleExpressionTimezone", review.starts.zone)) {
    const Status judged = flow::start_checks().zone(review.starts.zone);
    if (!judged) in.refuse("ScheduleExpressionTimezone", judged.error().message, judged.error().hint);
  }
  if (in.text("State", state)) {
    if (state != "ENABLED" && state != "DISABLED")
      in.refuse("State", shown(state) + " is no state", "ENABLED or DISABLED");
    review.scheduled = state == "ENABLED";
  }
  std::vector<YamlSection> targets = in.sections("Targets", "a target");
  if (targets.size() > kTargetsMax) in.refuse("Targets", "more than " + std::to_string(kTargetsMax) + " targets");
  for (YamlSection& target : targets) {
    std::string id;
    pass_over(target, {"Arn", "RoleArn"});
    target.text("Id", id, required);
    read_input(target, review);
    if (auto statement = target.section("RedshiftDataParameters", "a statement")) {
      read_statement(*statement, id, review);
    }
  }
  for (Error& error : in.finish()) errors.push_back(std::move(error));
}

}  // namespace weir::review
