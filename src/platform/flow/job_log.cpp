#include "platform/flow/job_log.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <tuple>
#include <utility>

#include "core/base/log.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/runtime/thread.h"

namespace weir::flow {
namespace {

constexpr Duration kConnectionWithin = seconds(30);
constexpr Duration kReadingTime = seconds(30);
constexpr Duration kFirstRest = seconds(1);
constexpr Duration kLongestRest = minutes(1);
constexpr size_t kJobBytesMax = 1 << 20;  // of one row

constexpr std::string_view kSourceWord = "{source}", kReaderWord = "{reader}";
constexpr std::string_view kJobLogSql = R"sql(
-- The job log that weir follows. A row written to {source} is written here, too, and weir is woken.
CREATE TABLE IF NOT EXISTS public.weir_job_log (
  id bigserial PRIMARY KEY,
  tx bigint NOT NULL DEFAULT txid_current(),
  at timestamptz NOT NULL DEFAULT now(),
  source text NOT NULL,
  job jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS weir_job_log_tx ON public.weir_job_log (tx, id);
CREATE OR REPLACE FUNCTION public.weir_job_logged() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO public.weir_job_log (source, job) VALUES (TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, to_jsonb(NEW));
  PERFORM pg_notify('weir_job_log', '');
  RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS weir_job_logged ON {source};
CREATE TRIGGER weir_job_logged AFTER INSERT ON {source} FOR EACH ROW EXECUTE PROCEDURE public.weir_job_logged();
GRANT SELECT ON public.weir_job_log TO {reader};
-- Old rows may be deleted at any time: DELETE FROM public.weir_job_log WHERE at < now() - interval '30 days';
)sql";

int64_t number_of(const engine::Cell& cell) {
  if (const auto* whole = std::get_if<int64_t>(&cell)) return *whole;
  const auto* text = std::get_if<std::string>(&cell);
  int64_t out = 0;
  if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), out);
  return out;
}

std::string text_of(const engine::Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text == nullptr ? std::string() : *text;
}

// Nothing but numbers of our own stands in it. Without a bookmark: the rows that may not be the last ones.
std::string reading_sql(const std::optional<JobBookmark>& bookmark) {
  const std::string behind = bookmark ? "(l.tx, l.id) > (" + std::to_string(bookmark->transaction()) + ", " +
                                            std::to_string(bookmark->id()) + ")"
                                      : "l.tx >= s.oldest";
  return "SELECT s.oldest, l.id, l.tx, l.source, l.job::text FROM "
         "(SELECT txid_snapshot_xmin(txid_current_snapshot()) AS oldest) s "
         "LEFT JOIN public.weir_job_log l ON " +
         behind + " ORDER BY l.tx, l.id LIMIT " + std::to_string(kJobLogRowsMax);
}

Result<JobReading> reading_of(const engine::OutsideResult& result) {
  JobReading out;
  for (const auto& cells : result.rows) {
    out.oldest_open = number_of(cells[0]);
    if (std::holds_alternative<std::nullptr_t>(cells[1])) continue;  // there is no row
    JobRow row{number_of(cells[1]), number_of(cells[2]), text_of(cells[3]), Json()};
    TRY_ASSIGN(row.job, Json::parse(text_of(cells[4]), kJobBytesMax));
    out.rows.push_back(std::move(row));
  }
  out.is_cut = out.rows.size() == kJobLogRowsMax;
  if (out.oldest_open == 0) return Error(Code::invalid, "the job log cannot be read: it says no transaction");
  return out;
}

bool fits(const JobRow& row, const std::map<std::string, std::string>& where) {
  return std::all_of(where.begin(), where.end(), [&](const auto& one) {
    const Json& value = row.job[one.first];
    if (value.is_null()) return false;
    return (value.is_string() ? value.as_string() : value.dump()) == one.second;
  });
}

}  // namespace

Result<std::string> job_log_sql(std::string_view source, std::string_view reader) {
  const size_t dot = source.find('.');
  const std::string_view schema = dot == std::string_view::npos ? "public" : source.substr(0, dot);
  const std::string_view table = dot == std::string_view::npos ? source : source.substr(dot + 1);
  for (const std::string_view name : {schema, table, reader}) {
    if (name.empty() || name.size() > 63 || name.find('\0') != std::string_view::npos || !valid_utf8(name)) {
      return Error(Code::invalid, shown(name) + " is no name in PostgreSQL", "schema.table, of up to 63 bytes each");
    }
  }
  const std::string whole = quoted_name(schema) + "." + quoted_name(table);
  std::string out;
  std::string_view rest = kJobLogSql.substr(1);
  while (!rest.empty()) {
    const size_t source_at = rest.find(kSourceWord), reader_at = rest.find(kReaderWord);
    const size_t at = std::min(source_at, reader_at);
    out += rest.substr(0, at);
    if (at == std::string_view::npos) break;
    out += source_at < reader_at ? whole : quoted_name(reader);
    rest.remove_prefix(at + (source_at < reader_at ? kSourceWord : kReaderWord).size());
  }
  return out;
}

// --- bookmarks ------------------------------------------------------------------------------------------------------

std::vector<const JobRow*> JobBookmark::unseen(const JobReading& reading) const {
  std::vector<const JobRow*> out;
  for (const JobRow& row : reading.rows) {
    if (is_behind(row) && !seen_.contains(row.id)) out.push_back(&row);
  }
  return out;
}

bool JobBookmark::is_behind(const JobRow& row) const {
  return std::pair(row.transaction, row.id) > std::pair(transaction_, id_);
}

Result<JobBookmark> JobBookmark::behind(const JobReading& reading) const {
  // Rows of the oldest open transaction and of newer ones may still come; what is newer than the last row that was
  // read may not have been read.
  std::pair<int64_t, int64_t> to{reading.oldest_open, 0};
  if (reading.is_cut) to = std::min(to, {reading.rows.back().transaction, reading.rows.back().id});
  JobBookmark out;
  std::tie(out.transaction_, out.id_) = std::max(to, {transaction_, id_});
  for (const JobRow& row : reading.rows) {
    if (out.is_behind(row)) out.seen_.insert(row.id);
  }
  if (out.seen_.size() < kJobLogRowsMax) return out;
  return Error(
      Code::too_large,
      "more than " + std::to_string(kJobLogRowsMax) + " rows were logged behind a transaction that is still open there",
      "end it: SELECT pid, xact_start, query FROM pg_stat_activity ORDER BY xact_start");
}

Json JobBookmark::to_json() const {
  Json seen{Json::Array{}};
  for (const int64_t id : seen_) seen.push(id);
  return Json::Object{{"transaction", transaction_}, {"id", id_}, {"seen", std::move(seen)}};
}

std::optional<JobBookmark> JobBookmark::from_json(const Json& json) {
  if (!json.is_object() || !json["transaction"].is_number()) return std::nullopt;
  JobBookmark out;
  out.transaction_ = json["transaction"].as_int();
  out.id_ = json["id"].as_int();
  for (const Json& id : json["seen"].array()) out.seen_.insert(id.as_int());
  return out;
}

// --- followers ------------------------------------------------------------------------------------------------------

std::optional<WallTime> JobFollower::pending_since() const {
  const MutexLock lock(mutex_);
  return pending_since_;
}

Json JobFollower::newest() const {
  const MutexLock lock(mutex_);
  return newest_;
}

JobFollower::State JobFollower::state() const {
  const MutexLock lock(mutex_);
  return state_;
}

std::optional<JobBookmark> JobFollower::bookmark() const {
  const MutexLock lock(mutex_);
  return next_ ? next_ : bookmark_;
}

bool JobFollower::wait_begun(Duration within) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(within.micros);
  const MutexLock lock(mutex_);
  while (!bookmark_ && !state_.failing_since) {
    if (looked_.wait_until(mutex_, until) == std::cv_status::timeout) break;
  }
  return bookmark_.has_value();
}

Status JobFollower::keep(control::Control& control, const JobBookmark& bookmark) const {
  return control.set_value(key_, bookmark.to_json());
}

Status JobFollower::covered(control::Control& control) {
  const MutexLock lock(mutex_);
  pending_since_.reset();
  if (!next_) return {};
  TRY(keep(control, *next_));
  bookmark_ = std::move(next_);
  next_.reset();
  return {};
}

Status JobFollower::take(const JobReading& reading, WallTime now, control::Control& control) {
  const MutexLock lock(mutex_);
  const bool begins = !bookmark_;
  const JobBookmark before = next_ ? *next_ : bookmark_.value_or(JobBookmark());
  TRY_ASSIGN(const JobBookmark behind, before.behind(reading));
  for (const JobRow* row : before.unseen(reading)) {
    if (begins || !fits(*row, where_)) continue;  // what was there before it began starts nothing
    pending_since_ = now;
    newest_ = Json::Object{{"id", row->id}, {"source", row->source}, {"job", row->job}};
  }
  if (pending_since_) {
    next_ = behind;  // on record once a run has been started for it
  } else if (begins || !(behind == *bookmark_)) {
    TRY(keep(control, behind));
    bookmark_ = behind;
  }
  state_ = {now, std::nullopt, ""};
  looked_.notify_all();
  return {};
}

bool JobFollower::failed(const Error& error, WallTime now) {
  const MutexLock lock(mutex_);
  const bool is_first = !state_.failing_since;
  if (is_first) state_.failing_since = now;
  state_.error = error.text();
  looked_.notify_all();
  return is_first;
}

// --- following ------------------------------------------------------------------------------------------------------

Result<std::shared_ptr<JobFollower>> JobLogs::follow(const std::string& connection, const std::string& key,
                                                     const std::map<std::string, std::string>& where) {
  TRY_ASSIGN(engine::OutsidePool* const pool, parts_.connections.find(connection));
  if (pool->options().kind != engine::OutsideKind::postgresql) {
    return Error(Code::unsupported, "connection " + connection + " is no PostgreSQL: it has no NOTIFY, so no job log");
  }
  TRY_ASSIGN(const auto kept, parts_.control.value(key));
  auto follower = std::make_shared<JobFollower>(key, where, kept ? JobBookmark::from_json(*kept) : std::nullopt);
  const MutexLock lock(mutex_);
  if (is_stopping_) return Error(Code::unavailable, "the program ends");
  Followed& followed = followed_[connection];
  followed.followers.push_back(follower);
  followed.is_changed = true;
  followed.wake.cancel();
  if (!followed.thread.joinable()) {
    followed.thread = start_thread("job-log", [this, connection, pool] { work(connection, *pool); });
  }
  changed_.notify_all();
  return follower;
}

void JobLogs::stop() {
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    for (auto& [name, followed] : followed_) {
      if (followed.thread.joinable()) threads.push_back(std::move(followed.thread));
    }
  }
  stopping_.cancel();
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

std::vector<std::shared_ptr<JobFollower>> JobLogs::followers_of(const std::string& connection) {
  std::vector<std::shared_ptr<JobFollower>> out;
  const MutexLock lock(mutex_);
  auto& followers = followed_[connection].followers;
  std::erase_if(followers, [](const auto& one) { return one.expired(); });
  for (const auto& one : followers) {
    if (auto follower = one.lock()) out.push_back(std::move(follower));
  }
  return out;
}

bool JobLogs::rest(const std::string& connection, Duration time) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(time.micros);
  mutex_.lock();
  Followed& followed = followed_[connection];
  while (!is_stopping_ && !followed.is_changed) {
    if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) break;
  }
  followed.is_changed = false;
  const bool goes_on = !is_stopping_;
  mutex_.unlock();
  return goes_on;
}

void JobLogs::work(const std::string& connection, engine::OutsidePool& pool) {
  Duration pause = kFirstRest;
  bool goes_on = true;
  while (goes_on) {
    if (followers_of(connection).empty()) {
      goes_on = rest(connection, days(1));
      continue;
    }
    const Status ended = listen(connection, pool);
    if (ended) {
      pause = kFirstRest;  // it worked, and its followers have changed
    } else {
      tell(connection, ended.error());
      goes_on = rest(connection, pause);
      pause = microseconds(std::min(pause.micros * 2, kLongestRest.micros));
    }
  }
}

void JobLogs::tell(const std::string& connection, const Error& error) {
  if (stopping_.is_cancelled()) return;
  bool is_first = false;
  for (const auto& follower : followers_of(connection)) {
    is_first = follower->failed(error, parts_.clock.wall()) || is_first;
  }
  if (is_first) {
    log_event(Level::error, "job_log.not_followed", {{"connection", connection}, {"error", error.text()}});
  }
}

Cancel JobLogs::wake_of(const std::string& connection) {
  const MutexLock lock(mutex_);
  Followed& followed = followed_[connection];
  followed.wake = stopping_.child();
  return followed.wake;
}

// Until something fails or nobody follows any more. Whoever begins to listen reads afterwards: nothing is written
// between the two.
Status JobLogs::listen(const std::string& connection, engine::OutsidePool& pool) {
  TRY_ASSIGN(const auto listener, pool.listen(kJobLogTable, stopping_));
  while (true) {
    const Cancel wake = wake_of(connection);  // before the followers: one that comes now wakes us
    if (followers_of(connection).empty()) return {};
    TRY(read(connection, pool));
    const auto heard = listener->wait(kJobLogEvery, wake);
    TRY(stopping_.check());
    if (!heard && !wake.is_cancelled()) return heard.error();
  }
}

Status JobLogs::read(const std::string& connection, engine::OutsidePool& pool) {
  TRY_ASSIGN(const auto session, pool.take(kConnectionWithin, stopping_));
  for (const auto& follower : followers_of(connection)) {
    while (true) {
      const engine::OutsideLimits limits{kReadingTime, kJobLogRowsMax};
      TRY_ASSIGN(const auto result, session->run(reading_sql(follower->bookmark()), limits, stopping_));
      TRY_ASSIGN(const JobReading reading, reading_of(result));
      TRY(follower->take(reading, parts_.clock.wall(), parts_.control));
      if (!reading.is_cut) break;
    }
  }
  return {};
}

}  // namespace weir::flow
