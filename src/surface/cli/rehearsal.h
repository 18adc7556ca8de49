// One test of a project while it runs: a copy of the folder with state of its own, where rows are sent, flows are run
// and tables are asked, through the same interface as every command. The copy is removed when the rehearsal ends.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "surface/cli/backend.h"
#include "surface/cli/test_rows.h"

namespace weir::cli {

class Rehearsal {
 public:
  // Copies the folder without hidden files, at most kCopyBytesMax. `interrupted`: asked while it waits.
  static Result<std::unique_ptr<Rehearsal>> open(const Common& common, const Wiring& wiring,
                                                 const flow::ProjectTest& test, std::function<bool()> interrupted);
  ~Rehearsal();
  Rehearsal(const Rehearsal&) = delete;
  Rehearsal& operator=(const Rehearsal&) = delete;

  // What is not as the test says; empty: it passed. Stops at the first step with a problem.
  std::vector<TestProblem> run();

  static constexpr uint64_t kCopyBytesMax = 256ull << 20;

 private:
  struct Answer {
    std::vector<std::string> names, types;
    std::vector<TestCells> rows;
  };

  Rehearsal(const flow::ProjectTest& test, std::function<bool()> interrupted)
      : test_(test), interrupted_(std::move(interrupted)) {}
  // Tables that are given in the beginning may be read by derived ones: they are loaded before the folder is applied.
  Status load_first();
  Status apply();
  Status run_step(const flow::TestStep& step);
  Status give(const flow::GivenRows& given);
  Status send(const flow::GivenRows& given);
  Status load(const flow::GivenRows& given);
  Status run_one(const std::string& name, int line);
  Status compare(const flow::ExpectedRows& expected);
  Status check(const flow::TestCheck& check);
  Result<Answer> ask(const std::string& sql, const Json& parameters = Json(Json::Array{}));
  Result<std::vector<TestCells>> as_engine_writes(const flow::ExpectedRows& expected,
                                                  const std::vector<std::string>& types);
  void problem(int line, std::string message) { problems_.push_back({line, std::move(message)}); }

  const flow::ProjectTest& test_;
  const std::function<bool()> interrupted_;
  std::string folder_;
  std::unique_ptr<Backend> backend_;
  std::set<std::string> streams_, tables_, expected_;
  std::set<const flow::GivenRows*> loaded_;
  std::vector<TestProblem> problems_;
  int files_ = 0;
};

}  // namespace weir::cli
