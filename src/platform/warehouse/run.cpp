#include "platform/warehouse/run.h"

#include <time.h>

#include <utility>

#include "core/runtime/thread.h"

namespace weir::warehouse {
namespace {

constexpr Duration kTick = milliseconds(50);

// The calling thread's processor time while it lives, added to a statement's.
class CpuTime {
 public:
  explicit CpuTime(std::atomic<int64_t>& into) : into_(into), begin_(now()) {}
  ~CpuTime() { into_.fetch_add(now() - begin_); }
  CpuTime(const CpuTime&) = delete;
  CpuTime& operator=(const CpuTime&) = delete;

 private:
  static int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000;
  }
  std::atomic<int64_t>& into_;
  const int64_t begin_;
};

// Errors after which a session is as good as new: the statement was refused before it ran.
bool leaves_session_clean(const std::optional<Error>& error) {
  return !error || error->code == Code::invalid || error->code == Code::denied;
}

// Calls back once, and not before arm(): who registers it at several places may be called back at the first.
class Once {
 public:
  explicit Once(std::function<void()> call) : call_(std::move(call)) {}
  void fire() { advance(is_fired_); }
  void arm() { advance(is_armed_); }

 private:
  void advance(bool& step) {
    std::function<void()> call;
    {
      const MutexLock lock(mutex_);
      step = true;
      if (is_fired_ && is_armed_) call = std::exchange(call_, nullptr);
    }
    if (call) call();
  }
  Mutex mutex_;
  bool is_fired_ = false, is_armed_ = false;
  std::function<void()> call_;
};

}  // namespace

// --- Sessions --------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<engine::Session>> Sessions::take() {
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      auto session = std::move(idle_.back());
      idle_.pop_back();
      return session;
    }
  }
  TRY_ASSIGN(auto session, engine_.connect(engine::Trust::user));
  TRY(session->set_search_path({"public"}));
  return session;
}

void Sessions::give_back(std::unique_ptr<engine::Session> session) {
  session->govern(nullptr);
  const MutexLock lock(mutex_);
  if (idle_.size() < idle_max_) idle_.push_back(std::move(session));
}

void Sessions::drop_idle() {
  std::vector<std::unique_ptr<engine::Session>> dropped;  // destroyed without the lock
  const MutexLock lock(mutex_);
  dropped.swap(idle_);
}

// --- Closer ----------------------------------------------------------------------------------------------------------

Closer::Closer() : thread_(start_thread("sql-closer", [this] { work(); })) {}

Closer::~Closer() {
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Closer::close(std::shared_ptr<Run> run) {
  const MutexLock lock(mutex_);
  waiting_.push_back(std::move(run));
  changed_.notify_all();
}

void Closer::work() {
  mutex_.lock();
  while (!is_ending_) {
    if (waiting_.empty()) {
      changed_.wait(mutex_);
      continue;
    }
    std::shared_ptr<Run> run = std::move(waiting_.front());
    waiting_.pop_front();
    mutex_.unlock();
    run->close_if_idle();
    run.reset();
    mutex_.lock();
  }
  mutex_.unlock();
}

// --- Run -------------------------------------------------------------------------------------------------------------

Run::Run(Warehouse::Core& core, Statement statement, std::shared_ptr<StatementLog::Live> live,
         std::unique_ptr<Gate::Turn> turn, std::shared_ptr<SessionState> session)
    : core_(core),
      statement_(std::move(statement)),
      live_(std::move(live)),
      turn_(std::move(turn)),
      session_(std::move(session)) {}

void Run::limit_time(Duration time) {
  deadline_ = core_.parts.timers.after(time, [stop = live_->stop, time] {
    stop.cancel(Error(Code::timed_out, "the statement took longer than its time limit, " + format_duration(time),
                      "select less, or ask for a higher limit"));
  });
}

void Run::when_ready(std::function<void()> call) {
  const auto once = std::make_shared<Once>(std::move(call));
  ready_ = live_->stop.attach([once] { once->fire(); });
  turn_->when_granted([once] { once->fire(); });
  once->arm();  // last: from here on another thread may start or drop this
}

Status Run::start() {
  Status turn = turn_->wait(live_->stop);
  const MutexLock lock(use_);
  if (!turn) return fail(turn.error());
  TRY(enter_engine());
  Result<Answer> answer = run_statement();
  if (!answer) return fail(core_.explained(std::move(answer).error()));
  answer_ = std::move(*answer);
  if (answer_.changed) live_->rows.store(*answer_.changed);
  copy_ = answer_.copy;
  if (answer_.loader) {
    turn_.reset();  // whoever sends slowly keeps nobody waiting; the lane bounds how many work at once
    return {};
  }
  if (!answer_.stream) {
    end(StatementState::done, std::nullopt);
    return {};
  }
  columns_ = answer_.stream->columns();
  session_->reading = weak_from_this();
  return {};
}

Result<Answer> Run::run_statement() {
  const CpuTime cpu(live_->cpu_us);
  session_->statement_number = live_->info.number;
  return session_->run(statement_);
}

Result<uint64_t> Run::write_file(const std::string& path) {
  Status turn = turn_->wait(live_->stop);
  const MutexLock lock(use_);
  if (!turn) return fail(turn.error());
  TRY(enter_engine());
  const Result<uint64_t> rows = session_->write_file(statement_, path);
  if (!rows) return fail(core_.explained(rows.error()));
  live_->rows.store(*rows);
  end(StatementState::done, std::nullopt);
  return *rows;
}

Status Run::enter_engine() {
  if (session_->is_single) {
    if (Status opened = session_->open(); !opened) return fail(opened.error());
  }
  engine::Session* engine = &session_->engine();
  live_->queued_us.store(core_.parts.log.elapsed(*live_).micros);
  core_.parts.log.run(*live_, [engine] { return engine->progress(); });
  {
    const MutexLock lock(interrupt_mutex_);
    interruptible_ = engine;
  }
  on_stop_ = live_->stop.attach([this] { interrupt(); });
  ticks_ = core_.parts.timers.every(kTick, [weak = weak_from_this()] {
    if (const auto run = weak.lock()) run->tick();
  });
  return {};
}

Status Run::check_going() {
  if (Status going = live_->stop.check(); !going) return fail(going.error());
  return {};
}

void Run::count(size_t rows) {
  live_->rows.fetch_add(rows);
}

Result<Rows> Run::next() {
  const MutexLock lock(use_);
  if (is_ended_) {
    if (error_) return *error_;
    return Rows();
  }
  TRY(check_going());
  Result<Rows> rows = next_rows();
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    end(StatementState::done, std::nullopt);
    return rows;
  }
  const uint64_t left = statement_.rows_max.value_or(UINT64_MAX) - live_->rows.load();
  if (rows->size() > left) {
    rows->resize(left);
    truncated_ = true;
  }
  count(rows->size());
  if (truncated_) end(StatementState::done, std::nullopt);
  return rows;
}

Result<const engine::ResultBlock*> Run::next_block() {
  const MutexLock lock(use_);
  if (is_ended_) {
    if (error_) return *error_;
    return nullptr;
  }
  TRY(check_going());
  Result<const engine::ResultBlock*> block = read_block();
  if (!block) return fail(block.error());
  if (*block == nullptr) {
    end(StatementState::done, std::nullopt);
  } else {
    count((*block)->rows);
  }
  return block;
}

Status Run::load(const engine::GivenRows& rows, const std::vector<uint64_t>& lines) {
  const MutexLock lock(use_);
  if (is_ended_) return error_ ? *error_ : Error(Code::internal, "the load has ended");
  TRY(check_going());
  if (Status added = add_rows(rows, lines); !added) {
    place_ = answer_.loader->place();
    return fail(core_.explained(added.error()));
  }
  count(rows.rows);
  return {};
}

Status Run::end_load() {
  const MutexLock lock(use_);
  if (is_ended_) return error_ ? *error_ : Error(Code::internal, "the load has ended");
  TRY(check_going());
  const Result<uint64_t> rows = answer_.loader->finish();
  if (!rows) return fail(core_.explained(rows.error()));
  answer_.changed = *rows;
  end(StatementState::done, std::nullopt);
  return {};
}

Error Run::fail_load(Error error, const LoadPlace& place) {
  const MutexLock lock(use_);
  if (is_ended_) return error_.value_or(std::move(error));
  answer_.loader->note(error, place);
  return fail(std::move(error));
}

void Run::when_stopped(std::function<void()> call) {
  const MutexLock lock(use_);
  if (is_ended_) return call();
  stopped_ = live_->stop.attach(std::move(call));
}

Result<Rows> Run::next_rows() {
  const CpuTime cpu(live_->cpu_us);
  return answer_.stream->next();
}

Result<const engine::ResultBlock*> Run::read_block() {
  const CpuTime cpu(live_->cpu_us);
  return answer_.stream->next_block();
}

Status Run::add_rows(const engine::GivenRows& rows, const std::vector<uint64_t>& lines) {
  const CpuTime cpu(live_->cpu_us);
  return answer_.loader->add(rows, lines);
}

Status Run::keep_rows() {
  const MutexLock lock(use_);
  if (is_ended_ || !answer_.stream) return {};
  if (is_kept_) return {};
  if (Status kept = answer_.stream->keep(); !kept) return fail(kept.error());
  is_kept_ = true;
  stop_interrupting();
  turn_.reset();
  return {};
}

std::string Run::tag() const {
  const MutexLock lock(use_);
  if (!answer_.has_count) return answer_.tag;
  return answer_.tag + " " + std::to_string(answer_.changed.value_or(live_->rows.load()));
}

void Run::cut() {
  const MutexLock lock(use_);
  if (is_ended_) return;
  truncated_ = true;
  end(StatementState::done, std::nullopt);
}

void Run::leave() {
  const MutexLock lock(use_);
  if (is_ended_) return;
  Status going = live_->stop.check();
  (void)fail(going ? Error(Code::cancelled, "whoever asked did not wait for the end") : going.error());
}

void Run::close_if_idle() {
  if (!use_.try_lock()) return;  // its owner is in the engine after all, and ends it
  is_closing_ = true;
  if (Status going = live_->stop.check(); !is_ended_ && !going) (void)fail(going.error());
  is_closing_ = false;
  use_.unlock();
}

// Ends it with the reason for which it was stopped, if it was: the engine only knows that it was interrupted.
Error Run::fail(Error engine_error) {
  Status going = live_->stop.check();
  Error error = going ? std::move(engine_error) : going.error();
  StatementState state = going ? StatementState::failed : StatementState::cancelled;
  if (error.code == Code::cancelled) state = StatementState::cancelled;
  if (error.code == Code::timed_out) state = StatementState::timed_out;
  end(state, error);
  return error;
}

void Run::stop_interrupting() {
  {
    const MutexLock lock(interrupt_mutex_);
    interruptible_ = nullptr;
  }
  on_stop_.reset();
}

void Run::end(StatementState state, std::optional<Error> error) {
  is_ended_ = true;
  error_ = std::move(error);
  answer_.stream.reset();
  answer_.loader.reset();
  stop_interrupting();
  ticks_.stop();
  deadline_.stop();
  ready_.reset();
  stopped_.reset();
  ended_after_.store(core_.parts.log.elapsed(*live_).micros);
  core_.parts.log.end(*live_, {.state = state, .truncated = truncated_, .error = error_});
  if (!session_->is_single) {
    leave_session();
  } else if (auto engine = session_->take_engine(); engine && leaves_session_clean(error_)) {
    session_->tell_changes();
    if (!live_->stop.is_cancelled()) core_.sessions.give_back(std::move(engine));
  }
  if (error_ && (error_->code == Code::internal || error_->code == Code::unavailable)) core_.sessions.drop_idle();
  turn_.reset();  // the next one's turn
}

void Run::leave_session() {
  if (is_kept_) return;
  if (is_closing_) {
    if (error_) session_->fail_later();
  } else {
    session_->ended(!error_);
  }
}

void Run::interrupt() {
  const MutexLock lock(interrupt_mutex_);
  if (interruptible_ != nullptr) interruptible_->cancel();
}

void Run::tick() {
  if (!live_->stop.is_cancelled()) return;
  interrupt();
  if (!use_.try_lock()) return;
  const bool is_open = !is_ended_;
  use_.unlock();
  if (is_open) core_.closer.close(shared_from_this());
}

Duration Run::elapsed() const {
  const int64_t ended = ended_after_.load();
  return ended >= 0 ? microseconds(ended) : core_.parts.log.elapsed(*live_);
}

}  // namespace weir::warehouse
