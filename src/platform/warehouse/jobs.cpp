#include "platform/warehouse/jobs.h"

#include <algorithm>
#include <set>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/dialect/statement.h"
#include "platform/warehouse/job_run.h"

namespace weir::warehouse {
namespace {

constexpr size_t kEndedInMemory = 200;
constexpr Duration kSweepEvery = seconds(10);
constexpr int64_t kCleanEveryMicros = 600'000'000;
constexpr Duration kUnrecordedMax = milliseconds(50);
constexpr Duration kKeepSessionMax = hours(24);
constexpr size_t kNameBytesMax = 2048, kTokenBytesMax = 64, kParametersMax = 1'000;

Error unknown_job(const std::string& id) {
  return Error(Code::not_found, "there is no statement " + shown(id), "they are kept for a day");
}

// Of what the client asked, so that its token is not used for something else.
std::string digest_of(const JobOrder& order) {
  std::string text = order.user.name + "\n" + order.database + "\n" + order.session + "\n" + order.name + "\n";
  text += std::string(order.is_batch ? "b" : "s") + (order.each_by_itself ? "a" : "t") +
          (order.form == ResultForm::csv ? "c" : "j");
  for (const std::string& one : order.statements) text += std::to_string(one.size()) + ":" + one;
  for (const JobParameter& one : order.parameters)
    text += std::to_string(one.name.size()) + ":" + one.name + std::to_string(one.value.size()) + ":" + one.value;
  return sha256_hex(text);
}

Status check(const JobOrder& order, const Jobs::Limits& limits) {
  if (order.statements.empty()) return Error(Code::invalid, "there is no statement");
  if (order.statements.size() > limits.statements_max) {
    return Error(Code::invalid, "a batch has at most " + std::to_string(limits.statements_max) + " statements, found " +
                                    std::to_string(order.statements.size()));
  }
  size_t bytes = 0;
  for (const std::string& one : order.statements) bytes += one.size();
  if (bytes > limits.sql_bytes_max) {
    return Error(Code::invalid, "the SQL has " + std::to_string(bytes) + " bytes, allowed are " +
                                    std::to_string(limits.sql_bytes_max));
  }
  if (order.name.size() > kNameBytesMax) return Error(Code::invalid, "the statement's name is longer than 2048 bytes");
  if (order.token.size() > kTokenBytesMax) return Error(Code::invalid, "the client token is longer than 64 bytes");
  if (order.parameters.size() > kParametersMax) return Error(Code::invalid, "there are more than 1000 parameters");
  if (order.keep_session > kKeepSessionMax || order.keep_session < Duration{})
    return Error(Code::invalid, "a session is kept for 0 to 86400 seconds");
  return {};
}

// Nothing of it lasts, so that it may run before it is on disk.
bool only_reads(const JobOrder& order) {
  for (const std::string& sql : order.statements) {
    const auto tokens = dialect::tokenize(sql);
    if (!tokens) return false;
    for (const dialect::TokenRange range : dialect::split_statements(sql, *tokens)) {
      const auto statement = dialect::parse_statement(sql, *tokens, range);
      const auto* query = statement ? std::get_if<dialect::Query>(&*statement) : nullptr;
      if (query == nullptr || query->changes || query->into) return false;
    }
  }
  return true;
}

Error other_statement() {
  return Error(Code::conflict, "the client token was sent with another statement before",
               "take a new token for another statement");
}

}  // namespace

const char* job_state_name(JobState state) {
  switch (state) {
    case JobState::submitted:
      return "SUBMITTED";
    case JobState::picked:
      return "PICKED";
    case JobState::started:
      return "STARTED";
    case JobState::finished:
      return "FINISHED";
    case JobState::aborted:
      return "ABORTED";
    case JobState::failed:
      return "FAILED";
  }
  return "FAILED";
}

bool has_ended(JobState state) {
  return state == JobState::finished || state == JobState::aborted || state == JobState::failed;
}

Duration Job::took() const {
  Duration out{};
  for (const JobStatement& one : statements) out.micros += one.took.micros;
  return out;
}

Jobs::Jobs(const Parts& parts, std::string folder, Limits limits)
    : parts_(parts), folder_(std::move(folder)), limits_(limits) {}

Jobs::~Jobs() {
  sweeps_.stop();
  stop();
  std::map<std::string, std::shared_ptr<JobRun>> runs;
  {
    const MutexLock lock(mutex_);
    runs.swap(runs_);
    sessions_.clear();
  }
  for (const auto& [id, run] : runs) run->drop();
}

Result<std::unique_ptr<Jobs>> Jobs::open(const Parts& parts, std::string folder, Limits limits) {
  std::unique_ptr<Jobs> out(new Jobs(parts, std::move(folder), limits));
  TRY(out->settle());
  TRY(out->remove_strays());
  out->sweeps_ = parts.timers.every(kSweepEvery, [jobs = out.get()] {
    // Where the lane is full it is done the next time.
    (void)jobs->parts_.lanes.submit(Lane::background, [jobs] { jobs->sweep(); });
  });
  return out;
}

std::string Jobs::file_of(const std::string& id, size_t statement) const {
  return join_path(folder_, id + "." + std::to_string(statement + 1));
}

// --- at the start ----------------------------------------------------------------------------------------------------

Status Jobs::settle() {
  TRY_ASSIGN(const std::vector<control::Job> open, parts_.control.jobs({.open_only = true, .limit = 100'000}));
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  std::set<std::string> marks;
  if (!open.empty()) {
    TRY_ASSIGN(const Rows rows, session->run_own("SELECT mark FROM weir_catalog.marks", {}));
    for (const auto& row : rows) marks.insert(std::get<std::string>(row[0]));
  }
  for (const control::Job& kept : open) {
    TRY_ASSIGN(Job job, job_of(kept));
    const std::string lost = "ERROR: weir ended while this ran; nothing of it took effect";
    size_t done = 0;
    for (size_t i = 0; i < job.statements.size(); ++i) {
      JobStatement& one = job.statements[i];
      const bool is_done = marks.contains(job.id + ":" + std::to_string(i + 1));
      done += is_done ? 1 : 0;
      one.state = is_done ? JobState::finished : JobState::failed;
      one.error = is_done ? "" : lost;
    }
    // One transaction: a mark of one of them is a mark of all.
    if (done > 0 && !job.each_by_itself) {
      for (JobStatement& one : job.statements) one.state = JobState::finished, one.error.clear();
      done = job.statements.size();
    }
    job.state = done == job.statements.size() ? JobState::finished : JobState::failed;
    if (job.state == JobState::failed) {
      job.error = done == 0
                      ? lost
                      : "ERROR: weir ended while this ran; " + std::to_string(done) + " of its statements took effect";
    }
    job.updated_at = parts_.clock.wall();
    control::Job now = kept;
    now.is_open = false;
    now.body = job_json(job, kept.body["digest"].as_string());
    TRY(parts_.control.put_job(now));
  }
  if (open.empty()) return {};
  TRY(session->run_own("DELETE FROM weir_catalog.marks", {}));
  return {};
}

// Results whose job nobody knows: what a crash left.
Status Jobs::remove_strays() {
  TRY_ASSIGN(const bool is_there, parts_.files.exists(folder_));
  if (!is_there) return {};
  TRY_ASSIGN(const std::vector<DirectoryEntry> entries, parts_.files.list(folder_));
  for (const DirectoryEntry& entry : entries) {
    const std::string id = entry.name.substr(0, entry.name.find('.'));
    TRY_ASSIGN(const auto kept, parts_.control.find_job(id));
    if (kept && !entry.name.ends_with(".part")) continue;
    TRY(parts_.files.remove(join_path(folder_, entry.name)));
  }
  return {};
}

// --- submitting ------------------------------------------------------------------------------------------------------

std::shared_ptr<JobRun> Jobs::in_memory(const std::string& id) const {
  const MutexLock lock(mutex_);
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : found->second;
}

Result<std::optional<Job>> Jobs::known_by_token(const JobOrder& order) {
  if (order.token.empty()) return std::optional<Job>();
  TRY_ASSIGN(const auto kept, parts_.control.find_job_by_token(order.owner, order.token));
  if (!kept) return std::optional<Job>();
  if (kept->body["digest"].as_string() != digest_of(order)) return other_statement();
  if (const auto run = in_memory(kept->id)) return std::optional<Job>(run->job());
  TRY_ASSIGN(Job job, job_of(*kept));
  return std::optional<Job>(std::move(job));
}

Result<std::shared_ptr<Jobs::OpenSession>> Jobs::session_for(const JobOrder& order, const std::string& job) {
  const WallTime now = parts_.clock.wall();
  if (!order.session.empty()) {
    const MutexLock lock(mutex_);
    const auto found = sessions_.find(order.session);
    if (found == sessions_.end() || found->second->info.owner != order.owner)
      return Error(Code::not_found, "there is no session " + shown(order.session), "it may have ended: begin another");
    OpenSession& open = *found->second;
    if (open.is_busy) return Error(Code::conflict, "the session " + order.session + " runs another statement");
    open.is_busy = true;
    open.info.current_job = job;
    if (order.keep_session > Duration{}) open.info.keep = order.keep_session;
    return found->second;
  }
  auto out = std::make_shared<OpenSession>();
  out->info = {.id = format_uuid(uuid_v7(parts_.clock, parts_.random)),
               .owner = order.owner,
               .user = order.user.name,
               .database = order.database,
               .current_job = job,
               .created_at = now,
               .updated_at = now,
               .keep = order.keep_session};
  SessionOptions options;
  options.user = order.user;
  if (!order.database.empty()) options.database = order.database;
  options.client = "data-api";
  options.peer = order.peer;
  options.profile = Profile::redshift;
  TRY_ASSIGN(out->session, Session::open(parts_.warehouse, std::move(options)));
  if (order.keep_session > Duration{}) {
    const MutexLock lock(mutex_);
    if (sessions_.size() >= limits_.sessions_max) {
      return Error(Code::busy, std::to_string(limits_.sessions_max) + " sessions are open", "let some of them end");
    }
    out->is_kept = true;
    sessions_.emplace(out->info.id, out);
  }
  return out;
}

void Jobs::release(const std::shared_ptr<OpenSession>& session) {
  const MutexLock lock(mutex_);
  if (!session->is_kept) return;  // its last holder closes it
  session->is_busy = false;
  session->info.current_job.clear();
  session->info.updated_at = parts_.clock.wall();
  session->info.ends_at = {session->info.updated_at.micros + session->info.keep.micros};
}

Result<std::shared_ptr<JobRun>> Jobs::add(const JobOrder& order, bool& is_new) {
  Job job;
  job.id = format_uuid(uuid_v7(parts_.clock, parts_.random));
  job.owner = order.owner;
  job.user = order.user.name;
  job.name = order.name;
  job.database = order.database;
  job.session = order.session;
  job.is_batch = order.is_batch;
  job.each_by_itself = order.each_by_itself;
  job.form = order.form;
  job.parameters = order.parameters;
  job.about = order.about;
  job.created_at = job.updated_at = parts_.clock.wall();
  for (const std::string& one : order.statements) {
    JobStatement statement;
    statement.sql = dialect::without_secrets(one);
    statement.updated_at = job.created_at;
    job.statements.push_back(std::move(statement));
  }
  std::string digest = digest_of(order);
  const MutexLock lock(mutex_);
  is_new = false;
  for (const auto& [id, run] : runs_) {
    if (order.token.empty() || run->order().token != order.token || run->order().owner != order.owner) continue;
    if (run->digest() != digest) return other_statement();
    return run;
  }
  is_new = true;
  if (is_stopping_) return Error(Code::unavailable, "weir stops");
  if (active_ >= limits_.active_max) {
    return Error(Code::busy, std::to_string(limits_.active_max) + " statements are under way", "wait for some to end");
  }
  ++active_;
  const std::string id = job.id;
  auto run = std::make_shared<JobRun>(*this, std::move(job), order, std::move(digest));
  runs_.emplace(id, run);
  return run;
}

Result<Job> Jobs::submit(JobOrder order) {
  TRY(check(order, limits_));
  TRY_ASSIGN(const auto known, known_by_token(order));
  if (known) return *known;
  bool is_new = false;
  TRY_ASSIGN(const std::shared_ptr<JobRun> run, add(order, is_new));
  if (!is_new) return run->job();
  const std::string id = run->job().id;
  auto session = session_for(order, id);
  if (!session) {
    forget_run(id);
    return session.error();
  }
  if (order.is_awaited && only_reads(order)) {
    begin_awaited(run, std::move(*session));
  } else if (const Status recorded = run->record(run->job()); !recorded) {
    release(*session);
    forget_run(id);
    return recorded.error();
  } else {
    run->begin(std::move(*session));
  }
  return run->job();
}

// One sync for its beginning and its end, if that comes soon.
void Jobs::begin_awaited(const std::shared_ptr<JobRun>& run, std::shared_ptr<OpenSession> session) {
  run->record_in(parts_.timers.after(kUnrecordedMax, [this, late = std::weak_ptr<JobRun>(run)] {
    (void)parts_.lanes.submit(Lane::interactive, [late] {
      const auto open = late.lock();
      if (!open || open->is_ended()) return;
      if (const Status recorded = open->record(open->job()); !recorded) (void)open->cancel(recorded.error());
    });
  }));
  run->begin(std::move(session));
}

void Jobs::forget_run(const std::string& id) {
  const MutexLock lock(mutex_);
  runs_.erase(id);
  --active_;
}

void Jobs::ended(const std::string& id) {
  std::vector<std::shared_ptr<JobRun>> dropped;  // destroyed without the lock
  const MutexLock lock(mutex_);
  --active_;
  ended_.push_back(id);
  while (ended_.size() > kEndedInMemory) {
    const auto old = runs_.find(ended_.front());
    if (old != runs_.end()) {
      dropped.push_back(std::move(old->second));
      runs_.erase(old);
    }
    ended_.pop_front();
  }
}

void Jobs::reread() {
  std::vector<std::shared_ptr<JobRun>> dropped;  // destroyed without the lock
  const MutexLock lock(mutex_);
  for (const std::string& id : ended_) {
    const auto old = runs_.find(id);
    if (old == runs_.end()) continue;
    dropped.push_back(std::move(old->second));
    runs_.erase(old);
  }
  ended_.clear();
}

// --- asking ----------------------------------------------------------------------------------------------------------

Result<Job> Jobs::find(const JobReader& reader, const std::string& id) {
  Job job;
  if (const auto run = in_memory(id)) {
    job = run->job();
  } else {
    TRY_ASSIGN(const auto kept, parts_.control.find_job(id));
    if (!kept) return unknown_job(id);
    TRY_ASSIGN(job, job_of(*kept));
  }
  if (!reader.sees_all && job.owner != reader.owner) return unknown_job(id);
  return job;
}

Status Jobs::when_ended(const std::string& id, Duration limit, std::function<void()> call) {
  const auto run = in_memory(id);
  if (!run) {
    call();
    return {};
  }
  {
    const MutexLock lock(mutex_);
    if (waiting_ >= limits_.waiting_max)
      return Error(Code::busy, std::to_string(limits_.waiting_max) + " callers wait already",
                   "ask again without waiting");
    ++waiting_;
  }
  // The timer is the waiter's: it goes with the call that it may itself make.
  auto timer = std::make_shared<Timers::Timer>();
  const uint64_t waiter = run->when_ended([this, timer, call = std::move(call)] {
    {
      const MutexLock lock(mutex_);
      --waiting_;
    }
    call();
  });
  if (waiter != 0) {
    *timer = parts_.timers.after(limit, [run = std::weak_ptr<JobRun>(run), waiter] {
      if (const auto waited = run.lock()) waited->leave(waiter);
    });
  }
  return {};
}

Result<bool> Jobs::cancel(const JobReader& reader, const std::string& id) {
  TRY_ASSIGN(const Job job, find(reader, id));
  const auto run = in_memory(job.id);
  return run && run->cancel(Error(Code::cancelled, "canceling statement due to user request"));
}

Result<Jobs::List> Jobs::list(const JobReader& reader, const Filter& filter) {
  List out;
  std::string before = filter.before;
  for (;;) {
    constexpr size_t kAtOnce = 500;
    TRY_ASSIGN(const std::vector<control::Job> some,
               parts_.control.jobs({.owner = reader.sees_all ? "" : reader.owner, .before = before, .limit = kAtOnce}));
    for (const control::Job& kept : some) {
      before = kept.id;
      Job job;
      if (const auto run = in_memory(kept.id)) {
        job = run->job();
      } else {
        TRY_ASSIGN(job, job_of(kept));
      }
      if (filter.state && job.state != *filter.state) continue;
      if (job.name.substr(0, filter.name_prefix.size()) != filter.name_prefix) continue;
      if (!filter.database.empty() && job.database != filter.database) continue;
      if (!filter.session.empty() && job.session != filter.session) continue;
      if (out.jobs.size() == filter.limit) {
        out.next = out.jobs.back().id;
        return out;
      }
      out.jobs.push_back(std::move(job));
    }
    if (some.size() < kAtOnce) return out;
  }
}

Result<JobPage> Jobs::page(const JobReader& reader, const std::string& id, size_t statement, size_t number) {
  TRY_ASSIGN(const Job job, find(reader, id));
  if (statement >= job.statements.size()) return unknown_job(id + ":" + std::to_string(statement + 1));
  const JobStatement& one = job.statements[statement];
  if (one.state != JobState::finished) {
    return Error(Code::invalid, std::string("the statement is ") + job_state_name(one.state) + ", it has no result" +
                                    (has_ended(one.state) ? "" : " yet"));
  }
  if (!one.has_rows) return Error(Code::invalid, "the statement gives no rows");
  if (number >= one.page_ends.size()) return Error(Code::invalid, "the result has no such page");
  JobPage out;
  out.columns = one.columns;
  out.form = job.form;
  out.total = static_cast<uint64_t>(one.rows);
  uint64_t begin = number == 0 ? 0 : one.page_ends[number - 1];
  const uint64_t end = one.page_ends[number];
  if (number + 1 < one.page_ends.size()) out.next = number + 1;
  if (one.is_inline) {
    for (size_t i = 0; i < statement; ++i) begin += job.statements[i].is_inline ? job.statements[i].bytes : 0;
    std::string text;
    if (const auto run = in_memory(id)) {
      text = run->inline_result();
    } else {
      TRY_ASSIGN(auto kept, parts_.control.find_job(id));
      if (!kept) return unknown_job(id);
      text = std::move(kept->result);
    }
    const uint64_t before = number == 0 ? 0 : one.page_ends[number - 1];
    out.rows = text.substr(begin, end - before);
    return out;
  }
  TRY_ASSIGN(const auto file, parts_.files.open(file_of(job.id, statement), OpenMode::read));
  out.rows.resize(end - begin);
  TRY_ASSIGN(const size_t read, file->read_at(begin, out.rows.data(), out.rows.size()));
  if (read != out.rows.size()) return Error(Code::corrupt, "the result's file is shorter than it was");
  return out;
}

std::vector<JobSession> Jobs::sessions(const JobReader& reader) const {
  const MutexLock lock(mutex_);
  std::vector<JobSession> out;
  for (const auto& [id, session] : sessions_) {
    if (reader.sees_all || session->info.owner == reader.owner) out.push_back(session->info);
  }
  return out;
}

// --- the end ---------------------------------------------------------------------------------------------------------

void Jobs::sweep() {
  std::vector<std::shared_ptr<OpenSession>> over;  // closed without the lock
  const WallTime now = parts_.clock.wall();
  {
    const MutexLock lock(mutex_);
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      if (!at->second->is_busy && at->second->info.ends_at <= now) {
        over.push_back(std::move(at->second));
        at = sessions_.erase(at);
      } else {
        ++at;
      }
    }
    if (parts_.clock.steady_micros() - cleaned_at_ < kCleanEveryMicros) return;
    cleaned_at_ = parts_.clock.steady_micros();
  }
  const auto removed = parts_.control.remove_jobs({now.micros - limits_.kept.micros});
  if (!removed) {
    log_event(Level::warn, "jobs.sweep_failed", {{"reason", removed.error().text()}});
    return;
  }
  const Status cleaned = [&]() -> Status {
    if (removed->empty()) return {};
    TRY(remove_strays());
    TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
    TRY(session->run_own("DELETE FROM weir_catalog.marks WHERE left_at < now() - INTERVAL 2 DAY", {}));
    return {};
  }();
  if (!cleaned) log_event(Level::warn, "jobs.sweep_failed", {{"reason", cleaned.error().text()}});
}

void Jobs::stop() {
  std::vector<std::shared_ptr<JobRun>> runs;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    for (const auto& [id, run] : runs_) runs.push_back(run);
  }
  for (const auto& run : runs) run->cancel(Error(Code::unavailable, "weir stops"));
}

}  // namespace weir::warehouse
