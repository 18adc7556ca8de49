// weir test: rows in, what is run, rows out, for each file of the project's tests folder.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/interrupt.h"
#include "surface/cli/output.h"
#include "surface/cli/rehearsal.h"

namespace weir::cli {
namespace {

struct Outcome {
  const flow::ProjectTest* test = nullptr;
  double seconds = 0;
  std::vector<TestProblem> problems;
};

Result<std::vector<flow::ProjectTest>> wanted_tests(const Context& context, const std::vector<std::string>& names) {
  std::vector<Error> mistakes;
  TRY_ASSIGN(auto tests, flow::read_project_tests(real_files(), context.common.folder, mistakes));
  if (!mistakes.empty()) {
    for (size_t i = 0; i + 1 < mistakes.size(); ++i) (void)report(mistakes[i]);
    return mistakes.back();
  }
  if (tests.empty()) {
    return Error(Code::not_found, "the project has no tests",
                 "write tests/NAME.yaml: `given` rows, what to `run`, and the rows to `expect`");
  }
  if (names.empty()) return tests;
  std::vector<std::string> known;
  for (const auto& test : tests) known.push_back(test.name);
  std::vector<flow::ProjectTest> out;
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      return Error(Code::not_found, "there is no test " + shown(name), did_you_mean(name, known));
    out.push_back(tests[static_cast<size_t>(found - known.begin())]);
  }
  return out;
}

Outcome run_test(const Context& context, const flow::ProjectTest& test, const Interrupt& interrupt) {
  const auto begin = std::chrono::steady_clock::now();
  Outcome out;
  out.test = &test;
  auto rehearsal = Rehearsal::open(context.common, context.wiring, test, [&interrupt] { return interrupt.asked(); });
  if (rehearsal) {
    out.problems = (*rehearsal)->run();
  } else {
    out.problems = {{0, rehearsal.error().text()}};
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return out;
}

std::string place_of(const Outcome& outcome, const TestProblem& problem) {
  return outcome.test->file + (problem.line > 0 ? ":" + std::to_string(problem.line) : "");
}

void print(const Outcome& outcome) {
  std::printf("%s  %-40s %6.2f s\n", outcome.problems.empty() ? "ok    " : "FAILED", outcome.test->name.c_str(),
              outcome.seconds);
  for (const TestProblem& problem : outcome.problems)
    std::printf("  %s: %s\n", place_of(outcome, problem).c_str(), problem.message.c_str());
  std::fflush(stdout);
}

Json to_json(const Outcome& outcome) {
  Json problems{Json::Array{}};
  for (const TestProblem& problem : outcome.problems) {
    problems.push(
        Json(Json::Object{{"line", problem.line > 0 ? Json(problem.line) : Json()}, {"message", problem.message}}));
  }
  return Json(Json::Object{{"name", outcome.test->name},
                           {"file", outcome.test->file},
                           {"passed", outcome.problems.empty()},
                           {"seconds", outcome.seconds},
                           {"problems", std::move(problems)}});
}

int run_tests(Context& context, const std::vector<std::string>& names) {
  const Interrupt interrupt;  // before the folder's threads
  const auto tests = wanted_tests(context, names);
  if (!tests) {
    (void)report(tests.error());
    return kFailed;
  }
  ProgressLine progress;
  Json listed{Json::Array{}};
  size_t failed = 0, done = 0;
  for (const flow::ProjectTest& test : *tests) {
    if (interrupt.asked()) break;
    progress.show(test.name + ": " + std::to_string(done + 1) + " of " + std::to_string(tests->size()));
    const Outcome outcome = run_test(context, test, interrupt);
    ++done;
    failed += outcome.problems.empty() ? 0 : 1;
    progress.clear();
    if (context.common.json) {
      listed.push(to_json(outcome));
    } else {
      print(outcome);
    }
  }
  if (context.common.json) {
    std::cout << Json(Json::Object{{"tests", std::move(listed)}, {"failed", failed}}).dump(2) << "\n";
  } else {
    std::printf("%zu test%s, %zu failed%s\n", done, done == 1 ? "" : "s", failed,
                done < tests->size() ? "; interrupted" : "");
  }
  return failed == 0 && done == tests->size() ? kDone : kFailed;
}

}  // namespace

void add_test(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("test", "Run the project's tests: rows in, what is run, rows out");
  auto names = std::make_shared<std::vector<std::string>>();
  command->add_option("NAME", *names, "Only these; by default all of tests/*.yaml");
  command->callback([&context, names] { context.exit_code = run_tests(context, *names); });
}

}  // namespace weir::cli
