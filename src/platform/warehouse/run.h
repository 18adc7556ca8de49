// One statement from its arrival to its end, and what all of them share. Internal to platform/warehouse.
//
// Who stops a Run only cancels `live->stop`. That wakes a waiting one, interrupts the engine (again and again, because
// an interrupt that comes before the engine has begun is lost), and if nobody is in the engine, because the reader went
// quiet, the closer's thread ends it. end() happens exactly once, under use_.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "platform/warehouse/gate.h"
#include "platform/warehouse/rights.h"
#include "platform/warehouse/session_state.h"
#include "platform/warehouse/warehouse.h"

namespace weir::warehouse {

Status check_reader(const User& user);  // denied unless they may read

// The engine's complaint about a table that is not there names the nearest of its own views; people mean their streams.
Error with_known_tables(Error error, const Catalog& catalog);

// Sessions that nobody uses just now. Any thread.
class Sessions {
 public:
  Sessions(engine::Engine& engine, size_t idle_max) : engine_(engine), idle_max_(idle_max) {}
  Result<std::unique_ptr<engine::Session>> take();
  void give_back(std::unique_ptr<engine::Session> session);
  // The engine reopens itself after an internal error, once nobody holds a session of the old one.
  void drop_idle();

 private:
  engine::Engine& engine_;
  const size_t idle_max_;
  Mutex mutex_;
  std::vector<std::unique_ptr<engine::Session>> idle_ GUARDED_BY(mutex_);
};

// A thread that ends stopped statements whose readers are not there to do it. That may take a moment: the timers'
// thread must not wait for it.
class Closer {
 public:
  Closer();
  ~Closer();
  void close(std::shared_ptr<Run> run);

 private:
  void work();
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Run>> waiting_ GUARDED_BY(mutex_);
  bool is_ending_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses everything above
};

struct Warehouse::Core {
  Result<std::shared_ptr<const Catalog>> current_catalog();
  Error explained(Error error);  // of a statement that the engine refused
  // What is known of relations, as the last commit left it.
  Result<std::shared_ptr<const Rights>> current_rights();
  void rights_changed();
  // `session`: null for a statement that comes by itself.
  Result<std::unique_ptr<Admission>> admit(const User& user, Statement statement, const Cancel& cancel,
                                           std::shared_ptr<SessionState> session);
  Core(const Parts& parts_in, const Limits& limits_in)
      : parts(parts_in),
        limits(limits_in),
        gate(limits_in.concurrent, limits_in.queue),
        sessions(parts_in.engine, limits_in.concurrent) {}

  const Parts parts;
  const Limits limits;
  std::atomic<bool> is_stopping{false};
  Gate gate;
  Sessions sessions;
  Mutex catalog_mutex;  // held while it is read anew, so that it is read once
  std::shared_ptr<const Catalog> catalog GUARDED_BY(catalog_mutex);
  int64_t catalog_at GUARDED_BY(catalog_mutex) = 0;
  std::atomic<uint64_t> catalog_changes{0};
  uint64_t catalog_seen GUARDED_BY(catalog_mutex) = 0;
  Mutex rights_mutex;  // held while they are read anew
  std::shared_ptr<const Rights> rights GUARDED_BY(rights_mutex);
  uint64_t rights_seen GUARDED_BY(rights_mutex) = 0;
  std::atomic<uint64_t> rights_version{1};
  std::atomic<uint32_t> next_process_id{1};
  std::atomic<size_t> loads{0};  // COPY … FROM STDIN under way
  Closer closer;
};

class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(Warehouse::Core& core, Statement statement, std::shared_ptr<StatementLog::Live> live,
      std::unique_ptr<Gate::Turn> turn, std::shared_ptr<SessionState> session);

  // The owner's, one thread at a time.
  void limit_time(Duration time);
  void when_ready(std::function<void()> call);
  Status start();
  Result<uint64_t> write_file(const std::string& path);
  Result<Rows> next();
  Result<const engine::ResultBlock*> next_block();
  const CopyStream* copy() const { return copy_ ? &*copy_ : nullptr; }
  Status load(const engine::GivenRows& rows, const std::vector<uint64_t>& lines);
  Status end_load();
  Error fail_load(Error error, const LoadPlace& place);
  const LoadPlace& load_place() const { return place_; }
  Status check() const { return live_->stop.check(); }
  void count_bytes(uint64_t bytes) { live_->bytes.fetch_add(bytes); }
  void when_stopped(std::function<void()> call);
  void cut();
  void leave();  // the owner goes; ends what has not ended

  // The session's, before it runs another statement: the rows that were not read yet are kept aside, and the slot is
  // given back.
  Status keep_rows();
  std::string tag() const;

  // The closer's.
  void close_if_idle();

  const std::string& id() const { return live_->info.id; }
  const std::vector<engine::ResultColumn>& columns() const { return columns_; }
  uint64_t rows() const { return live_->rows.load(); }
  bool truncated() const { return truncated_; }
  Duration elapsed() const;

 private:
  Status enter_engine() REQUIRES(use_);
  Result<Answer> run_statement() REQUIRES(use_);
  Result<Rows> next_rows() REQUIRES(use_);
  Result<const engine::ResultBlock*> read_block() REQUIRES(use_);
  Status add_rows(const engine::GivenRows& rows, const std::vector<uint64_t>& lines) REQUIRES(use_);
  Status check_going() REQUIRES(use_);
  void count(size_t rows) REQUIRES(use_);
  void stop_interrupting();
  Error fail(Error engine_error) REQUIRES(use_);
  void end(StatementState state, std::optional<Error> error) REQUIRES(use_);
  void leave_session() REQUIRES(use_);
  void interrupt();
  void tick();

  Warehouse::Core& core_;
  const Statement statement_;
  const std::shared_ptr<StatementLog::Live> live_;  // shared with the log
  std::vector<engine::ResultColumn> columns_;       // set by start()
  std::optional<CopyStream> copy_;                  // the same
  LoadPlace place_;                                 // the owner's
  bool truncated_ = false;                          // the owner's
  Timers::Timer deadline_;
  std::unique_ptr<Cancel::Attachment> ready_, stopped_;
  std::unique_ptr<Gate::Turn> turn_;  // the owner's until it runs, then under use_

  mutable Mutex use_;                            // held by who is in the engine for this statement
  const std::shared_ptr<SessionState> session_;  // used under use_
  Answer answer_ GUARDED_BY(use_);
  bool is_kept_ GUARDED_BY(use_) = false;     // its rows are kept aside: the session is others'
  bool is_closing_ GUARDED_BY(use_) = false;  // the closer ends it, not the session's thread
  bool is_ended_ GUARDED_BY(use_) = false;
  std::optional<Error> error_ GUARDED_BY(use_);
  std::atomic<int64_t> ended_after_{-1};  // µs

  Mutex interrupt_mutex_;
  engine::Session* interruptible_ GUARDED_BY(interrupt_mutex_) = nullptr;
  std::unique_ptr<Cancel::Attachment> on_stop_;  // these two are set and taken under use_
  Timers::Timer ticks_;
};

}  // namespace weir::warehouse
