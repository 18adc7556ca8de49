#include "platform/warehouse/statement_log.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "platform/dialect/rewrite.h"
#include "platform/warehouse/history_records.h"

namespace weir::warehouse {
namespace {

const char* kTotal = "weir_sql_statements_total";
const char* kTotalHelp = "SQL statements by how they ended; refused ones were never taken on";

// What strangers send is kept a thousand times over.
constexpr size_t kNameBytes = 200;
constexpr size_t kErrorBytes = 4'000;

Counter& counter_of(Metrics& metrics, const char* state) {
  return metrics.counter(kTotal, kTotalHelp, {{"state", state}});
}

// The first bytes of a text, without a torn character at the end.
std::string cut(std::string text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

}  // namespace

const char* state_name(StatementState state) {
  switch (state) {
    case StatementState::waiting:
      return "waiting";
    case StatementState::running:
      return "running";
    case StatementState::done:
      return "done";
    case StatementState::failed:
      return "failed";
    case StatementState::cancelled:
      return "cancelled";
    case StatementState::timed_out:
      return "timed_out";
  }
  CHECK(false, "every state has a name");
  return "";
}

StatementLog::StatementLog(const Clock& clock, Metrics& metrics)
    : clock_(clock),
      done_(counter_of(metrics, "done")),
      failed_(counter_of(metrics, "failed")),
      cancelled_(counter_of(metrics, "cancelled")),
      timed_out_(counter_of(metrics, "timed_out")),
      refused_(counter_of(metrics, "refused")),
      seconds_(
          metrics.histogram("weir_sql_statement_seconds", "From a statement's arrival to its end, waiting included")),
      waiting_(metrics.gauge("weir_sql_waiting", "SQL statements that wait for their turn")),
      running_(metrics.gauge("weir_sql_running", "SQL statements that run, or whose rows are being read")) {}

Duration StatementLog::elapsed(const Live& live) const {
  return microseconds(clock_.steady_micros() - live.came);
}

StatementInfo StatementLog::describe(const Live& live) const {
  StatementInfo info = live.info;
  info.elapsed = elapsed(live);
  info.rows = live.rows.load();
  info.bytes = live.bytes.load();
  info.queued = live.is_running_.load() ? microseconds(live.queued_us.load()) : info.elapsed;
  info.cpu = microseconds(live.cpu_us.load());
  if (!live.is_running_.load()) return info;
  info.state = StatementState::running;
  const MutexLock lock(live.mutex_);
  if (live.progress_) info.progress = live.progress_();
  return info;
}

std::vector<StatementInfo> StatementLog::running() const {
  // Asked outside the lock: progress goes to the engine, and a statement that reads the view is in the engine already.
  std::vector<std::shared_ptr<Live>> found;
  {
    const MutexLock lock(mutex_);
    found.reserve(live_.size());
    for (const auto& [id, live] : live_) found.push_back(live);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a->came < b->came; });
  std::vector<StatementInfo> all;
  all.reserve(found.size());
  for (const auto& live : found) all.push_back(describe(*live));
  return all;
}

std::vector<StatementInfo> StatementLog::finished() const {
  const MutexLock lock(mutex_);
  return {history_.rbegin(), history_.rend()};
}

Status StatementLog::cancel(const std::string& id, const User& user) {
  std::shared_ptr<Live> live;
  {
    const MutexLock lock(mutex_);
    const auto found = live_.find(id);
    if (found != live_.end()) live = found->second;
    if (!live) {
      for (const StatementInfo& ended : history_) {
        if (ended.id != id) continue;
        return Error(Code::not_found, "statement " + id + " has ended: " + state_name(ended.state));
      }
    }
  }
  if (!live) return Error(Code::not_found, "no statement with the id " + cut(id, 100) + " waits or runs");
  const bool is_own = live->info.user == user.name && user.may_read;
  if (!is_own && !user.may_administer) {
    return Error(Code::denied, "statement " + id + " belongs to somebody else",
                 "an administrator can cancel any statement");
  }
  live->stop.cancel(Error(Code::cancelled, is_own ? "the statement was cancelled on request"
                                                  : "the statement was cancelled by " + user.name));
  return {};
}

void StatementLog::cancel_all(const Error& reason) {
  std::vector<std::shared_ptr<Live>> found;
  {
    const MutexLock lock(mutex_);
    for (const auto& [id, live] : live_) found.push_back(live);
  }
  for (const auto& live : found) live->stop.cancel(reason);
}

Result<std::shared_ptr<StatementLog::Live>> StatementLog::begin(StatementInfo info, Cancel stop) {
  info.sql = cut(std::move(info.sql), kSqlShownBytes);
  info.client = cut(std::move(info.client), kNameBytes);
  const MutexLock lock(mutex_);
  if (live_.contains(info.id)) {
    return Error(Code::conflict, "a statement with the id " + info.id + " is running",
                 "give each statement an id of its own, or none");
  }
  info.number = ++last_number_;
  const std::string id = info.id;
  auto live = std::make_shared<Live>(std::move(info), clock_.steady_micros(), std::move(stop));
  live_.emplace(id, live);
  waiting_.add(1);
  return live;
}

void StatementLog::run(Live& live, std::function<std::optional<double>()> progress) {
  {
    const MutexLock lock(live.mutex_);
    live.progress_ = std::move(progress);
  }
  live.is_running_.store(true);
  waiting_.add(-1);
  running_.add(1);
}

void StatementLog::end(Live& live, End end) {
  {
    const MutexLock lock(live.mutex_);
    live.progress_ = nullptr;
  }
  StatementInfo info = live.info;
  info.elapsed = elapsed(live);
  info.rows = live.rows.load();
  info.bytes = live.bytes.load();
  info.queued = live.is_running_.load() ? microseconds(live.queued_us.load()) : info.elapsed;
  info.cpu = microseconds(live.cpu_us.load());
  info.state = end.state;
  info.truncated = end.truncated;
  info.error = std::move(end.error);
  if (info.error) info.error->message = cut(std::move(info.error->message), kErrorBytes);
  (live.is_running_.load() ? running_ : waiting_).add(-1);
  ended(info.state).add();
  seconds_.observe(static_cast<double>(info.elapsed.micros) / 1e6);
  const MutexLock lock(mutex_);
  live_.erase(info.id);
  remember(std::move(info));
}

void StatementLog::remember(StatementInfo info) {
  if (file_ != nullptr) file_->add(record_of(info));
  history_.push_back(std::move(info));
  if (history_.size() > kept_) history_.pop_front();
}

void StatementLog::keep(HistoryFile& history) {
  file_ = &history;
  kept_ = history.records_max();
}

void StatementLog::restore(StatementInfo ended) {
  Uuid id;
  if (!parse_uuid_fast(ended.id, id)) return;  // not ours
  const MutexLock lock(mutex_);
  last_number_ = std::max(last_number_, ended.number);
  history_.push_back(std::move(ended));
  if (history_.size() > kept_) history_.pop_front();
}

void StatementLog::restore(ConnectionEvent event) {
  const MutexLock lock(mutex_);
  connections_.push_back(std::move(event));
  if (connections_.size() > kept_) connections_.pop_front();
}

void StatementLog::note(ConnectionEvent event) {
  event.at = clock_.wall();
  for (std::string* text : {&event.user, &event.database, &event.application, &event.reason}) {
    *text = cut(std::move(*text), kNameBytes);
  }
  if (file_ != nullptr) file_->add(record_of(event));
  restore(std::move(event));
}

TextsForgotten StatementLog::forget(const NamesPerson& names) {
  TextsForgotten out;
  const MutexLock lock(mutex_);
  for (StatementInfo& info : history_) {
    ++out.seen;
    const bool is_named = names(info.sql) || names(info.label) || (info.error && names(info.error->text()));
    if (!is_named) continue;
    info.sql = dialect::without_values(info.sql);
    info.label.clear();
    if (info.error) info.error = Error(info.error->code, dialect::without_quoted(info.error->message));
    ++out.changed;
  }
  for (const auto& [id, live] : live_) {
    if (names(live->info.sql)) out.open.push_back(id);
  }
  return out;
}

std::vector<ConnectionEvent> StatementLog::connections() const {
  const MutexLock lock(mutex_);
  return {connections_.rbegin(), connections_.rend()};
}

Counter& StatementLog::ended(StatementState state) {
  switch (state) {
    case StatementState::done:
      return done_;
    case StatementState::failed:
      return failed_;
    case StatementState::cancelled:
      return cancelled_;
    case StatementState::timed_out:
      return timed_out_;
    case StatementState::waiting:
    case StatementState::running:
      break;
  }
  CHECK(false, "a statement ends in a final state");
  return failed_;
}

Status StatementLog::open_session(SessionInfo info, std::optional<int> limit) {
  info.application = cut(std::move(info.application), kNameBytes);
  const MutexLock lock(mutex_);
  if (limit) {
    const auto open = std::count_if(sessions_.begin(), sessions_.end(),
                                    [&](const auto& one) { return one.second.user_id == info.user_id; });
    if (open >= *limit) {
      Error error(Code::busy, "too many connections for user \"" + info.user + "\"",
                  "its CONNECTION LIMIT is " + std::to_string(*limit));
      error.sqlstate = "53300";
      return error;
    }
  }
  sessions_[info.process_id] = std::move(info);
  return {};
}

void StatementLog::close_session(int32_t process_id) {
  const MutexLock lock(mutex_);
  sessions_.erase(process_id);
}

std::vector<SessionInfo> StatementLog::sessions() const {
  const MutexLock lock(mutex_);
  std::vector<SessionInfo> out;
  for (const auto& [process_id, one] : sessions_) out.push_back(one);
  return out;
}

void StatementLog::refused(StatementInfo info, const Error& error) {
  refused_.add();
  info.sql = cut(std::move(info.sql), kSqlShownBytes);
  info.client = cut(std::move(info.client), kNameBytes);
  info.state = StatementState::failed;
  info.error = Error(error.code, cut(error.message, kErrorBytes));
  const MutexLock lock(mutex_);
  info.number = ++last_number_;
  remember(std::move(info));
}

size_t StatementLog::live_count() const {
  const MutexLock lock(mutex_);
  return live_.size();
}

namespace {

void add_row(engine::RowBlock& rows, const StatementInfo& info) {
  Uuid id;
  CHECK(parse_uuid_fast(info.id, id), "ids are checked when a statement comes");
  size_t at = 0;
  rows.column(at++).add_uuid(id.high, id.low);
  rows.column(at++).add_text(state_name(info.state));
  rows.column(at++).add_text(info.user);
  rows.column(at++).add_text(info.client);
  rows.column(at++).add_int(info.started_at.micros);
  rows.column(at++).add_double(static_cast<double>(info.elapsed.micros) / 1e3);
  rows.column(at++).add_int(static_cast<int64_t>(info.rows));
  rows.column(at++).add_bool(info.truncated);
  if (info.progress) {
    rows.column(at++).add_double(*info.progress);
  } else {
    rows.column(at++).add_null();
  }
  if (info.error) {
    rows.column(at++).add_text(code_name(info.error->code));
    rows.column(at++).add_text(info.error->message);
  } else {
    rows.column(at++).add_null();
    rows.column(at++).add_null();
  }
  rows.column(at++).add_text(info.sql);
}

}  // namespace

engine::SystemView statements_view(const StatementLog& log) {
  using engine::ColumnType;
  engine::SystemView view;
  view.name = "weir_statements";
  view.comment = "SQL statements that wait, run, or ended lately";
  view.columns = {
      {"id", ColumnType::uuid},         {"state", ColumnType::text},           {"user_name", ColumnType::text},
      {"client", ColumnType::text},     {"started_at", ColumnType::timestamp}, {"elapsed_ms", ColumnType::float64},
      {"rows", ColumnType::int64},      {"truncated", ColumnType::boolean},    {"progress", ColumnType::float64},
      {"error_code", ColumnType::text}, {"error", ColumnType::text},           {"sql", ColumnType::text}};
  view.rows = [&log, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const StatementInfo& info : log.running()) add_row(rows, info);
    for (const StatementInfo& info : log.finished()) add_row(rows, info);
    return rows;
  };
  return view;
}

}  // namespace weir::warehouse
