// Goal: a flow's file means exactly what it says, and a wrong one names every mistake at its place. Method: small files
// as people write them; the schedule is judged by a checker that knows two texts.
#include "platform/flow/flow_declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/flow/broken_texts.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

StartChecks checks() {
  StartChecks out;
  out.schedule = [](std::string_view text) -> Status {
    if (text == "0 3 * * *" || text == "every 5m") return {};
    return Error(Code::invalid, "expected an hour", "0 to 23").at({"", 1, 3});
  };
  out.zone = [](std::string_view zone) -> Status {
    if (zone == "UTC" || zone == "Europe/Berlin") return {};
    return Error(Code::not_found, "there is no such zone");
  };
  return out;
}
ParsedFlow parsed(const std::string& text) {
  return parse_flow(text, "flows/daily.yaml", "daily", checks());
}
std::vector<std::string> mistakes(const std::string& text) {
  std::vector<std::string> out;
  for (const Error& error : parsed(text).errors) out.push_back(error.text());
  return out;
}
FlowDeclaration good(const std::string& text) {
  EXPECT_THAT(mistakes(text), IsEmpty()) << text;
  return parsed(text).flow;
}
// Of something beside one good step, from line 2 on.
std::vector<std::string> flow_mistakes(const std::string& text) {
  return mistakes("steps: [{sql: VACUUM}]\n" + text);
}
std::vector<std::string> step_mistakes(const std::string& step) {
  return mistakes("steps:\n  - " + step + "\n");
}
std::vector<std::string> before(const FlowDeclaration& flow) {
  std::vector<std::string> out;
  for (const auto& places : steps_before(flow)) {
    std::string names;
    for (size_t at : places) names += flow.steps[at].name + " ";
    out.push_back(names);
  }
  return out;
}

constexpr const char* kWhole = R"(
description: What advertisers see in the morning.
schedule: ["0 3 * * *", every 5m]
zone: Europe/Berlin
triggers:
  - arrival: impressions
    quiet: 1m
  - stale: advertising
  - {run: nightly, state: failed}
window: {days: 7, offset: -2}
steps:
  - load: {file: "incoming/ads-{day}.CSV.gz", table: ads, mode: replace}
  - tables: [advertising, spending]
    retries: 2
  - name: keys
    sql: |
      DELETE FROM keys;
      INSERT INTO keys SELECT 1;
    time_limit: 5m
    on_failure: continue
  - unload: {select: SELECT * FROM advertising, to: "out/{start}-{end}/{run}.csv", header: false}
    after: [keys]
  - command: [python3, send.py, --all]
    env: {TO: me@shop.example, N: 1}
    retries: {times: 3, wait: 1s, factor: 1.5, max: 2s}
retries: {times: 1}
time_limit: 2h
max_active: 2
on_failure: continue
enabled: false
tags: {team: ads}
)";

TEST(FlowDeclaration, reads_a_whole_declaration) {
  const FlowDeclaration flow = good(kWhole);
  EXPECT_EQ(flow.name, "daily");
  EXPECT_THAT(flow.schedules, ElementsAre("0 3 * * *", "every 5m"));
  EXPECT_EQ(flow.zone, "Europe/Berlin");
  ASSERT_EQ(flow.triggers.size(), 3u);
  EXPECT_EQ(flow.triggers[0], (Trigger{TriggerKind::arrival, "impressions", minutes(1), RunState::done}));
  EXPECT_EQ(flow.triggers[2], (Trigger{TriggerKind::run, "nightly", seconds(10), RunState::failed}));
  EXPECT_EQ(flow.window, (Window{7, -2}));
  ASSERT_EQ(flow.steps.size(), 5u);
  EXPECT_EQ(flow.steps[0].name, "load_1");
  EXPECT_EQ(flow.steps[0].load, (Load{"incoming/ads-{day}.CSV.gz", "ads", DataFormat::csv, LoadMode::replace}));
  EXPECT_THAT(flow.steps[1].tables, ElementsAre("advertising", "spending"));
  EXPECT_EQ(flow.steps[1].retries->times, 2);
  EXPECT_EQ(flow.steps[1].retries->wait, seconds(10));
  EXPECT_EQ(flow.steps[2].sql, "DELETE FROM keys;\nINSERT INTO keys SELECT 1");
  EXPECT_EQ(flow.steps[2].time_limit, minutes(5));
  EXPECT_EQ(flow.steps[2].on_failure, StepFailure::keep_going);
  EXPECT_EQ(flow.steps[3].unload,
            (Unload{"SELECT * FROM advertising", "", "out/{start}-{end}/{run}.csv", DataFormat::csv, false}));
  EXPECT_THAT(flow.steps[4].command.arguments, ElementsAre("python3", "send.py", "--all"));
  EXPECT_EQ(flow.steps[4].command.environment.at("N"), (EnvironmentValue{"1", false}));
  EXPECT_EQ(flow.retries.times, 1);
  EXPECT_EQ(flow.time_limit, hours(2));
  EXPECT_EQ(flow.max_active, 2);
  EXPECT_EQ(flow.on_failure, FlowFailure::keep_going);
  EXPECT_FALSE(flow.enabled);
  EXPECT_THAT(before(flow), ElementsAre("", "load_1 ", "tables_2 ", "keys ", "unload_4 "));
}

TEST(FlowDeclaration, one_step_is_enough) {
  const FlowDeclaration flow = good("steps: [{tables: [a]}]\n");
  FlowDeclaration expected;
  expected.name = "daily";
  expected.steps.resize(1);
  expected.steps[0].name = "tables_1";
  expected.steps[0].tables = {"a"};
  EXPECT_EQ(flow, expected);
  EXPECT_EQ(good("schedule: every 5m\nsteps: [{sql: VACUUM}]\n").schedules, std::vector<std::string>{"every 5m"});
}

TEST(FlowDeclaration, the_order_of_its_steps_is_serial_parallel_or_mixed) {
  const std::string steps =
      "steps:\n  - {name: a, sql: x}\n  - {name: b, sql: x, after: []}\n  - {name: c, sql: x, after: [b, a]}\n"
      "  - {name: d, sql: x}\n";
  EXPECT_THAT(before(good(steps)), ElementsAre("", "", "a b ", "c "));
  EXPECT_THAT(before(good("order: parallel\n" + steps)), ElementsAre("", "", "a b ", ""));
}

TEST(FlowDeclaration, steps_that_wait_for_each_other_are_refused) {
  EXPECT_THAT(
      mistakes("order: parallel\nsteps:\n  - {name: a, sql: x, after: [b]}\n  - {name: b, sql: x, after: [a]}\n"),
      ElementsAre(HasSubstr("flows/daily.yaml:3:30: after: these steps wait for each other: a → b → a")));
  EXPECT_THAT(mistakes("steps:\n  - {name: a, sql: x, after: [c]}\n  - {name: b, sql: x}\n  - {name: c, sql: x}\n"),
              ElementsAre(HasSubstr("2:30: after: these steps wait for each other: a → c → b → a (a step without after "
                                    "waits for the one above it")));
  EXPECT_THAT(mistakes("steps:\n  - {name: a, sql: x, after: [a]}\n"), ElementsAre(HasSubstr("a → a")));
}

TEST(FlowDeclaration, names_of_steps_are_their_own_and_known) {
  EXPECT_THAT(mistakes("steps:\n  - {name: a, sql: x}\n  - {name: a, sql: x}\n"),
              ElementsAre(HasSubstr("3:12: step 'a' has the name of another one (flows/daily.yaml:2:12)")));
  EXPECT_THAT(mistakes("steps:\n  - {name: sql_2, sql: x}\n  - {sql: x}\n"),
              ElementsAre(HasSubstr("3:5: step 'sql_2' has the name of another one")));
  EXPECT_THAT(mistakes("steps:\n  - {name: keys, sql: x}\n  - {sql: x, after: [key]}\n"),
              ElementsAre(HasSubstr("3:22: after: there is no step 'key' (did you mean 'keys'?)")));
  EXPECT_THAT(mistakes("steps:\n  - {sql: x, after: sql_1}\n"), ElementsAre(HasSubstr("write [sql_1]")));
  EXPECT_THAT(step_mistakes("{name: Keys, sql: x}"), ElementsAre(HasSubstr("name: expected a name of a-z")));
}

TEST(FlowDeclaration, a_step_is_one_thing) {
  EXPECT_THAT(mistakes(""), ElementsAre(HasSubstr("the flow needs 'steps': a list of mappings")));
  EXPECT_THAT(mistakes("steps: []\n"),
              ElementsAre(HasSubstr("1:8: steps: the list is empty, expected at least one step")));
  EXPECT_THAT(mistakes("steps: {sql: x}\n"), ElementsAre(HasSubstr("begin each one with '- '")));
  EXPECT_THAT(step_mistakes("{}"),
              ElementsAre(HasSubstr("2:5: a step is one of tables, sql, load, unload, check, command; this "
                                    "names none")));
  EXPECT_THAT(step_mistakes("{sql: x, tables: [a]}"),
              ElementsAre(HasSubstr("this is tables and sql (write each in an")));
  EXPECT_THAT(step_mistakes("{slq: x}"), ElementsAre(HasSubstr("names none"), HasSubstr("did you mean 'sql'?")));
  EXPECT_THAT(step_mistakes("{sql: x, env: {A: b}}"), ElementsAre(HasSubstr("env: belongs to a command")));
  EXPECT_THAT(step_mistakes("{tables: []}"), ElementsAre(HasSubstr("expected at least one table")));
  EXPECT_THAT(step_mistakes("{tables: [a, a]}"), ElementsAre(HasSubstr("table 'a' is listed twice")));
  EXPECT_THAT(step_mistakes("{sql: '-- later'}"), ElementsAre(HasSubstr("sql: there is no SQL, only comments")));
  EXPECT_THAT(step_mistakes("{sql: x, on_failure: cascade}"), ElementsAre(HasSubstr("one of stop, continue")));
  EXPECT_THAT(step_mistakes("{sql: x, time_limit: 8d}"), ElementsAre(HasSubstr("allowed: 1s to 7d")));
  EXPECT_THAT(mistakes("steps: [vacuum]\n"), ElementsAre(HasSubstr("a step must be a mapping, found 'vacuum'")));
}

TEST(FlowDeclaration, files_have_a_path_and_a_format) {
  const auto load = [](const std::string& file) { return step_mistakes("load: {table: a, file: " + file + "}"); };
  EXPECT_THAT(load("x.csv"), IsEmpty());
  EXPECT_THAT(load("x.ndjson.zst"), IsEmpty());
  EXPECT_THAT(load("x.dat"), ElementsAre(HasSubstr("does not say what the file holds (write format: csv, json or")));
  EXPECT_THAT(load("x.dat, format: parquet"), IsEmpty());
  EXPECT_THAT(load("x.csv, format: xml"), ElementsAre(HasSubstr("one of csv, json, parquet, found 'xml'")));
  EXPECT_THAT(load("../x.csv"), ElementsAre(HasSubstr("has a part ..")));
  EXPECT_THAT(load("x/"), testing::Contains(HasSubstr("ends with a slash")));
  EXPECT_THAT(load("''"), ElementsAre(HasSubstr("file: '' is empty")));
  EXPECT_THAT(load("'{date}.csv'"),
              ElementsAre(HasSubstr("has the unknown placeholder {date} (known: start, end, day, run")));
  EXPECT_THAT(load("'{dya}.csv'"), ElementsAre(HasSubstr("did you mean 'day'?")));
  for (const char* path : {"'{day.csv'", "'day}.csv'", "'{{day}}.csv'"}) {
    EXPECT_THAT(load(path), ElementsAre(HasSubstr("has a brace without the other one"))) << path;
  }
  EXPECT_THAT(load("'{}.csv'"), ElementsAre(HasSubstr("unknown placeholder {}")));
  EXPECT_THAT(load(std::string(1'025, 'x') + ".csv"), ElementsAre(HasSubstr("allowed are 1024")));
  const auto unload = [](const std::string& rest) { return step_mistakes("unload: {" + rest + "}"); };
  EXPECT_THAT(unload("table: a, to: x.json"), IsEmpty());
  EXPECT_THAT(unload("to: x.csv"), ElementsAre(HasSubstr("either a select or a table, this has none of them")));
  EXPECT_THAT(unload("table: a, select: SELECT 1, to: x.csv"), ElementsAre(HasSubstr("this has both")));
  EXPECT_THAT(unload("select: DELETE FROM a, to: x.csv"), ElementsAre(HasSubstr("select: expected a SELECT")));
  EXPECT_THAT(unload("table: a, to: x.json, header: true"), ElementsAre(HasSubstr("belongs to csv, this is json")));
  EXPECT_THAT(unload("table: a"), ElementsAre(HasSubstr("an unload needs 'to'")));
}

TEST(FlowDeclaration, a_command_is_a_list_and_its_secrets_are_not_kept) {
  EXPECT_THAT(step_mistakes("command: []"), ElementsAre(HasSubstr("names no program")));
  EXPECT_THAT(step_mistakes("command: python3 x.py"), ElementsAre(HasSubstr("write [python3 x.py]")));
  EXPECT_THAT(step_mistakes("{command: [a], env: {1A: b, B: [c]}}"),
              ElementsAre(HasSubstr("'1A' is no name of a variable"), HasSubstr("env.B: expected text, found a list")));
  EXPECT_THAT(step_mistakes("command: [" + std::string(8'193, 'x') + "]"), ElementsAre(HasSubstr("allowed are 8192")));
  project::Registry registry;
  registry.add_kind(flow_kind(checks()));
  project::ReadOptions options;
  options.secret = [](std::string_view) -> Result<std::string> { return std::string("hunter2"); };
  const project::Sources sources{
      {{"flows/a.yaml", "steps: [{command: [a], env: {PASSWORD: \"${secret:pw}\", PLAIN: \"$${secret:pw}\"}}]\n"},
       {"flows/b.yaml", "steps: [{command: [a, \"${secret:pw}\"]}]\n"}}};
  const project::Project project = project::parse_project(sources, registry, options);
  ASSERT_EQ(project.declarations.size(), 1u);
  const Json& environment = project.declarations[0].body["steps"].array()[0]["env"];
  EXPECT_EQ(environment.dump(),
            R"({"PASSWORD":{"text":"${secret:pw}","secret":true},"PLAIN":{"text":"${secret:pw}","secret":false}})");
  ASSERT_EQ(project.errors.size(), 1u);
  EXPECT_THAT(project.errors[0].text(),
              HasSubstr("flows/b.yaml:1:23: command: expected each item to be text that is not"));
}

TEST(FlowDeclaration, schedules_are_judged_where_they_stand) {
  EXPECT_THAT(flow_mistakes("schedule: 0 x * * *"),
              ElementsAre(HasSubstr("flows/daily.yaml:2:13: schedule: expected an hour (0 to 23)")));
  EXPECT_THAT(flow_mistakes("schedule: ['0 x * * *']"), ElementsAre(HasSubstr("2:15: schedule: expected an hour")));
  EXPECT_THAT(flow_mistakes("schedule: [every 5m, every 5m]"), ElementsAre(HasSubstr("'every 5m' is listed twice")));
  EXPECT_THAT(flow_mistakes("schedule: []"), ElementsAre(HasSubstr("the list is empty")));
  EXPECT_THAT(flow_mistakes("schedule: " + std::string(201, 'x')), ElementsAre(HasSubstr("allowed are 200")));
  EXPECT_THAT(flow_mistakes("zone: Mars/Olympus"), ElementsAre(HasSubstr("2:7: zone: there is no such zone")));
  EXPECT_THAT(flow_mistakes("zone: ''"), ElementsAre(HasSubstr("'' is no zone")));
  EXPECT_THAT(parse_flow("steps: [{sql: x}]\nschedule: whenever\nzone: Mars\n", "f", "daily", {}).errors, IsEmpty());
}

TEST(FlowDeclaration, a_trigger_is_one_thing) {
  const auto trigger = [](const std::string& one) { return flow_mistakes("triggers: [" + one + "]"); };
  EXPECT_THAT(
      trigger("{}"),
      ElementsAre(HasSubstr("2:12: a trigger is one of arrival, stale, run, object, job_log, apply; this names none")));
  EXPECT_THAT(trigger("{arrival: a, stale: b}"), ElementsAre(HasSubstr("this is arrival and stale")));
  EXPECT_THAT(trigger("{stale: a, quiet: 1s}"), ElementsAre(HasSubstr("quiet: belongs to arrival")));
  EXPECT_THAT(trigger("{object: data/in}"), ElementsAre(HasSubstr("object: is no place in the store")));
  EXPECT_THAT(trigger("{object: 's3://data/in/', state: done}"), ElementsAre(HasSubstr("state: belongs to run")));
  EXPECT_THAT(trigger("{arrival: a, state: done}"), ElementsAre(HasSubstr("state: belongs to run")));
  EXPECT_THAT(trigger("{run: a, state: ended}"), ElementsAre(HasSubstr("one of done, failed")));
  EXPECT_THAT(trigger("{run: daily}"), ElementsAre(HasSubstr("would start itself again and again")));
  EXPECT_THAT(trigger("{stale: a}, {stale: a}"), ElementsAre(HasSubstr("stale of a is listed twice")));
  EXPECT_THAT(trigger("{run: a}, {run: a, state: failed}"), IsEmpty());
  EXPECT_THAT(trigger("{run: a}, {run: review/a}"), IsEmpty());
  EXPECT_THAT(trigger("{run: Review/a}"), ElementsAre(HasSubstr("run: 'Review/a' is no name")));
  EXPECT_THAT(trigger("{apply: false}"), ElementsAre(HasSubstr("apply: is true or not there")));
  EXPECT_THAT(trigger("{job_log: prod, where: {job: nightly}}, {job_log: prod, where: {job: hourly}}"), IsEmpty());
  EXPECT_THAT(trigger("{arrival: a, where: {job: nightly}}"), ElementsAre(HasSubstr("where: belongs to job_log")));
  EXPECT_THAT(trigger("{arrival: A}"), ElementsAre(HasSubstr("arrival: expected a name")));
}

TEST(FlowDeclaration, retries_wait_longer_and_longer) {
  Retries retries{5, seconds(10), 2, seconds(60)};
  EXPECT_EQ(retries.wait_before(1), seconds(10));
  EXPECT_EQ(retries.wait_before(2), seconds(20));
  EXPECT_EQ(retries.wait_before(3), seconds(40));
  EXPECT_EQ(retries.wait_before(4), seconds(60));
  EXPECT_EQ(retries.wait_before(100'000), seconds(60));
  retries.wait = seconds(0);
  EXPECT_EQ(retries.wait_before(3), seconds(0));
  EXPECT_THAT(flow_mistakes("retries: -1"), ElementsAre(HasSubstr("allowed: 0 to 100")));
  EXPECT_THAT(flow_mistakes("retries: {wait: 1s}"), ElementsAre(HasSubstr("retries needs 'times'")));
  EXPECT_THAT(flow_mistakes("retries: {times: 1, wait: 1h, max: 1m}"),
              ElementsAre(HasSubstr("is shorter than wait 1h")));
  EXPECT_THAT(flow_mistakes("retries: {times: 1, factor: 0.5}"), ElementsAre(HasSubstr("allowed: 1 to 10")));
  EXPECT_EQ(good("steps: [{sql: x}]\nretries: {times: 1, wait: 1h}\n").retries.max, hours(1));
}

TEST(FlowDeclaration, a_window_ends_offset_days_from_the_start) {
  const auto window = [](const Window& one) {
    const WindowDays days = days_of(one, *parse_date("2024-03-01"));
    return format_date(days.first) + ".." + format_date(days.last);
  };
  EXPECT_EQ(window({}), "2024-02-29..2024-02-29");
  EXPECT_EQ(window({7, -1}), "2024-02-23..2024-02-29");
  EXPECT_EQ(window({1, 0}), "2024-03-01..2024-03-01");
  EXPECT_THAT(flow_mistakes("window: {days: 0}"), ElementsAre(HasSubstr("allowed: 1 to 366")));
  EXPECT_THAT(flow_mistakes("window: {offset: 367}"), ElementsAre(HasSubstr("allowed: -3660 to 366")));
}

TEST(FlowDeclaration, any_text_is_answered_and_a_good_one_keeps) {
  std::mt19937 random(22);
  for (int i = 0; i < 3'000; ++i) {
    const std::string text = broken_text(kWhole, random);
    const ParsedFlow out = parsed(text);
    if (!out.errors.empty()) continue;
    auto back = flow_from_json(*Json::parse(to_json(out.flow).dump()));
    ASSERT_TRUE(back) << text << back.error().text();
    EXPECT_EQ(*back, out.flow) << text;
    EXPECT_EQ(steps_before(out.flow).size(), out.flow.steps.size());
  }
}

TEST(FlowDeclaration, limits_are_named) {
  std::string steps = "steps:\n", triggers = "triggers:\n";
  for (size_t i = 0; i <= kStepsMax; ++i) steps += "  - sql: x\n";
  for (size_t i = 0; i <= kTriggersMax; ++i) triggers += "  - stale: t" + std::to_string(i) + "\n";
  EXPECT_THAT(mistakes(steps), ElementsAre(HasSubstr("steps: 201 of them, allowed are 200")));
  EXPECT_THAT(flow_mistakes(triggers), ElementsAre(HasSubstr("triggers: 33 of them, allowed are 32")));
  EXPECT_THAT(flow_mistakes("max_active: 101"), ElementsAre(HasSubstr("allowed: 1 to 100")));
  EXPECT_THAT(flow_mistakes("time_limit: 31d"), ElementsAre(HasSubstr("allowed: 1s to 30d")));
  EXPECT_THAT(flow_mistakes("name: x\nonfailure: stop"),
              ElementsAre(HasSubstr("2:7: name: the file's name is the flow's name"),
                          HasSubstr("3:1: unknown key 'onfailure' in the flow (did you mean 'on_failure'?)")));
}

}  // namespace
}  // namespace weir::flow
