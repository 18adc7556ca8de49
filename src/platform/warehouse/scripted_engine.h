// An engine for tests of queueing, cancelling and time limits, where a test says what a statement does:
//
//   rows N        N rows, one a batch        hold          the query does not return until it is cancelled or released
//   endless       a row for ever             hold rows     the same for its first rows
//   fail CODE     that error at once         fail rows     an error after one row
//
// Like the real one it forgets a cancel that comes while nothing runs. Only for tests: rows and SQL are the engine's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/engine/engine.h"

namespace weir::warehouse {

class ScriptedEngine final : public engine::Engine {
 public:
  std::atomic<int> connects{0};
  std::atomic<int> inside{0};       // statements between query() and the end of their stream
  std::atomic<int> inside_most{0};  // the most at one moment
  std::atomic<int> holding{0};
  std::atomic<int> cancels_ignored{0};  // so many cancels are lost, as if nothing ran yet
  std::mutex mutex;
  std::condition_variable changed;
  bool released = false;
  std::vector<std::string> order;  // statements in the order in which they ran

  void release() {
    const std::lock_guard lock(mutex);
    released = true;
    changed.notify_all();
  }

  void set_views(std::vector<engine::SystemView>) override {}
  std::vector<std::string> view_names() const override { return {}; }
  void set_relations(std::vector<engine::SystemRelation>) override {}
  Result<std::unique_ptr<engine::Session>> connect(engine::Trust) override;
  Result<engine::SelectShape> examine(std::string_view, bool) override {
    return Error(Code::unsupported, "not scripted");
  }
  std::shared_ptr<const engine::SealedChunk> seal(const engine::RowBlock&) override { return nullptr; }
  Result<engine::ParquetFile> write_parquet(const std::vector<std::shared_ptr<const engine::SealedChunk>>&,
                                            const std::vector<engine::Column>&, const std::string&,
                                            const engine::ParquetOptions&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Result<engine::ParquetFile> merge_parquet(const std::vector<std::string>&, const std::string&,
                                            const engine::ParquetOptions&, const Cancel&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Result<std::vector<engine::ScriptStatement>> examine_script(std::string_view,
                                                              const std::vector<engine::NamedValue>&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Result<uint64_t> copy_result(engine::Session&, std::string_view, const std::string&,
                               const std::vector<engine::NamedValue>&, engine::QueryLimits) override {
    return Error(Code::unsupported, "not scripted");
  }
  Result<uint64_t> load_file(engine::Session&, const std::string&, std::string_view, const std::string&,
                             engine::QueryLimits) override {
    return Error(Code::unsupported, "not scripted");
  }
  Status checkpoint() override { return {}; }
  Result<engine::FilteredParquet> filter_parquet(const engine::FilterParquet&, const engine::ParquetOptions&,
                                                 const Cancel&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Status scrub(const std::vector<std::string>&, Duration, const Cancel&) override {
    return Error(Code::unsupported, "not scripted");
  }
};

class ScriptedSession final : public engine::Session {
 public:
  explicit ScriptedSession(ScriptedEngine& engine) : engine_(engine) {}
  Result<std::unique_ptr<engine::ResultStream>> query(std::string_view sql, const engine::Parameters&,
                                                      engine::QueryLimits) override;
  void govern(std::shared_ptr<const engine::Authority>) override {}
  Result<std::unique_ptr<engine::ResultStream>> execute(const engine::Order& order) override {
    return query(order.sql, order.parameters, order.limits);
  }
  Result<engine::Description> describe(const engine::Order&, const std::vector<std::string>&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Status begin() override { return {}; }
  Status commit() override { return {}; }
  Status rollback() override { return {}; }
  Status set_search_path(const std::vector<std::string>&) override { return {}; }
  Status set_time_zone(const std::string&) override { return {}; }
  Result<std::vector<std::vector<engine::Cell>>> run_own(std::string_view, const engine::Parameters&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Result<std::vector<std::vector<engine::Cell>>> run_own_with(std::string_view, const engine::GivenRows&) override {
    return Error(Code::unsupported, "not scripted");
  }
  Result<std::unique_ptr<engine::ResultStream>> query_declared(std::string_view, size_t,
                                                               const std::vector<engine::NamedValue>&,
                                                               engine::QueryLimits) override {
    return Error(Code::unsupported, "not scripted");
  }
  void read_from(std::shared_ptr<const engine::Snapshot>) override {}
  void cancel() override {
    if (engine_.cancels_ignored.fetch_sub(1) > 0) return;
    const std::lock_guard lock(engine_.mutex);
    is_cancelled_ = is_running_;
    engine_.changed.notify_all();
  }
  std::optional<double> progress() const override { return 0.5; }

 private:
  friend class ScriptedStream;
  Status hold() {
    std::unique_lock lock(engine_.mutex);
    engine_.holding.fetch_add(1);
    engine_.changed.wait(lock, [this] { return is_cancelled_ || engine_.released; });
    engine_.holding.fetch_sub(1);
    return check();
  }
  Status check() const {
    if (is_cancelled_) return Error(Code::cancelled, "interrupted");
    return {};
  }

  ScriptedEngine& engine_;
  bool is_running_ = false, is_cancelled_ = false;  // under the engine's mutex
};

class ScriptedStream final : public engine::ResultStream {
 public:
  ScriptedStream(ScriptedSession& session, std::string script) : session_(session), script_(std::move(script)) {
    if (script_.starts_with("rows ")) left_ = std::stoi(script_.substr(5));
    const int inside = session_.engine_.inside.fetch_add(1) + 1;
    for (int most = session_.engine_.inside_most; most < inside;) {
      if (session_.engine_.inside_most.compare_exchange_weak(most, inside)) break;
    }
  }
  ~ScriptedStream() override {
    session_.engine_.inside.fetch_sub(1);
    const std::lock_guard lock(session_.engine_.mutex);
    session_.is_running_ = false;
  }
  const std::vector<engine::ResultColumn>& columns() const override { return columns_; }
  Result<std::vector<std::vector<engine::Cell>>> next() override {
    std::vector<std::vector<engine::Cell>> rows;
    if (script_ == "hold rows") {
      TRY(session_.hold());
    }
    if (script_ == "fail rows" && given_ > 0) return Error(Code::io, "the disk went away");
    {
      const std::lock_guard lock(session_.engine_.mutex);
      TRY(session_.check());
    }
    if (left_ > 0 || script_ == "endless" || script_ == "fail rows") {
      --left_;
      rows.push_back({++given_});
    }
    return rows;
  }
  Result<const engine::ResultBlock*> next_block() override { return Error(Code::unsupported, "not scripted"); }
  Status keep() override { return Error(Code::unsupported, "not scripted"); }

 private:
  ScriptedSession& session_;
  const std::string script_;
  int left_ = 0;
  int64_t given_ = 0;
  const std::vector<engine::ResultColumn> columns_{{.name = "n", .type = "BIGINT"}};
};

inline Result<std::unique_ptr<engine::ResultStream>> ScriptedSession::query(std::string_view sql,
                                                                            const engine::Parameters&,
                                                                            engine::QueryLimits) {
  {
    const std::lock_guard lock(engine_.mutex);
    is_running_ = true;
    is_cancelled_ = false;
    engine_.order.emplace_back(sql);
  }
  if (sql == "fail invalid") return Error(Code::invalid, "no such column").at({.file = "sql", .line = 1, .column = 8});
  if (sql == "fail io") return Error(Code::io, "the disk went away");
  auto stream = std::make_unique<ScriptedStream>(*this, std::string(sql));
  if (sql == "hold") {
    TRY(hold());
  }
  return std::unique_ptr<engine::ResultStream>(std::move(stream));
}

inline Result<std::unique_ptr<engine::Session>> ScriptedEngine::connect(engine::Trust) {
  connects.fetch_add(1);
  return std::unique_ptr<engine::Session>(std::make_unique<ScriptedSession>(*this));
}

}  // namespace weir::warehouse
