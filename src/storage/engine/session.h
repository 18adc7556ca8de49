// A connection of the engine as the rooms see it. Internal to storage/engine.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "storage/engine/inside.h"
#include "storage/engine/statement_walk.h"

namespace weir::engine {

// 7 / 2 is 3 on a user's session. Declared tables keep the engine's meaning, also where they are examined.
void divide_whole_numbers(Link& link, Trust trust);
// The error of a statement, in our words: what stopped it, and what code of ours threw through DuckDB, come first.
Error statement_error(const duckdb::ErrorData& thrown, std::string_view sql, Link& link, const Running& running);

class DuckSession final : public Session {
 public:
  DuckSession(DuckEngine& engine, Trust trust, std::shared_ptr<Link> link)
      : engine_(engine), trust_(trust), link_(std::move(link)) {}

  ~DuckSession() override;

  Result<std::unique_ptr<ResultStream>> query(std::string_view sql, const Parameters& parameters,
                                              QueryLimits limits) override;
  Result<std::unique_ptr<ResultStream>> query_declared(std::string_view script, size_t number,
                                                       const std::vector<NamedValue>& values,
                                                       QueryLimits limits) override;
  void read_from(std::shared_ptr<const Snapshot> snapshot) override;
  void govern(std::shared_ptr<const Authority> authority) override;
  Result<std::unique_ptr<ResultStream>> execute(const Order& order) override;
  Result<Description> describe(const Order& order, const std::vector<std::string>& types) override;
  Status begin() override;
  Status commit() override;
  Status rollback() override;
  Status set_search_path(const std::vector<std::string>& schemas) override;
  Status set_time_zone(const std::string& zone) override;
  Result<std::vector<std::vector<Cell>>> run_own(std::string_view sql, const Parameters& parameters) override;
  Result<std::vector<std::vector<Cell>>> run_own_with(std::string_view sql, const GivenRows& rows) override;
  void cancel() override;
  std::optional<double> progress() const override;

  Result<SelectShape> examine(std::string_view select, bool binds);  // for Engine::examine()
  // As query(), with the result written to a file instead: for Engine::copy_result().
  Result<uint64_t> copy(std::string_view select, const std::string& path, const std::vector<NamedValue>& values,
                        QueryLimits limits);
  Result<std::vector<ScriptStatement>> examine_script(std::string_view script, const std::vector<NamedValue>& values);
  Result<uint64_t> load(const std::string& path, std::string_view format, const std::string& schema,
                        const std::string& table, QueryLimits limits);

 private:
  using Statement = duckdb::unique_ptr<duckdb::SQLStatement>;
  Status ready();
  Result<Statement> parse(const std::string& sql);
  Result<std::vector<Statement>> parse_script(const std::string& sql);
  Result<uint64_t> run_own(const std::string& sql, QueryLimits limits);  // the number in the first cell
  Result<Statement> parse_checked(const std::string& sql, const Parameters& parameters, Scope scope);
  Result<Allowed> check(duckdb::SQLStatement& statement, const std::string& sql, const Parameters& parameters,
                        Scope scope);
  Result<ScriptAllowed> check_script(duckdb::SQLStatement& statement, const std::string& sql,
                                     const ScriptValues& values);
  WalkRules rules(std::string_view sql) const;
  Result<std::unique_ptr<ResultStream>> run(Statement statement, const std::string& sql, const Parameters& parameters,
                                            QueryLimits limits);
  Status end_transaction(const char* word);
  Status apply_settings();

  DuckEngine& engine_;
  const Trust trust_;
  std::shared_ptr<Link> link_;
  std::shared_ptr<const Authority> authority_;
  std::vector<std::string> search_path_;   // empty: as the engine has it
  std::string time_zone_;                  // empty: UTC
  bool is_in_transaction_ = false;         // begin() was called
  std::shared_ptr<const Snapshot> given_;  // of read_from(): a connection that is opened again gets it too
  std::shared_ptr<Running> begin_running(std::string_view sql);  // what cancel() stops from now on

  mutable std::mutex mutex_;  // guards running_ and link_ against cancel() and progress()
  std::weak_ptr<Running> running_;
};

}  // namespace weir::engine
