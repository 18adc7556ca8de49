#include "stream/lake/requeue.h"

#include <algorithm>
#include <condition_variable>
#include <set>

#include "core/base/text.h"

namespace weir::lake {
namespace {

constexpr size_t kPageEntries = 1'000;
constexpr uint64_t kPageBytes = 4u << 20;
constexpr Duration kQueryTime = minutes(10);
constexpr Duration kBusyAtMost = minutes(1);  // so long a full journal is waited for
constexpr auto kBusyPause = std::chrono::milliseconds(50);

using Rows = std::vector<std::vector<engine::Cell>>;

int64_t int_of(const engine::Cell& cell) {
  const auto* value = std::get_if<int64_t>(&cell);
  return value == nullptr ? 0 : *value;
}

std::string text_of(const engine::Cell& cell) {
  const auto* value = std::get_if<std::string>(&cell);
  return value == nullptr ? std::string() : *value;
}

Result<Rows> read_all(engine::Session& session, const std::string& sql, const std::vector<Json>& parameters) {
  TRY_ASSIGN(const auto stream, session.query(sql, parameters, {.time = kQueryTime, .rows_max = UINT64_MAX}));
  Rows out;
  while (true) {
    TRY_ASSIGN(Rows batch, stream->next());
    if (batch.empty()) return out;
    std::move(batch.begin(), batch.end(), std::back_inserter(out));
  }
}

// How the key's text is compared with the key's column.
std::string sql_type(const capture::Field& key) {
  switch (key.type) {
    case capture::FieldType::uuid:
      return "UUID";
    case capture::FieldType::integer:
      return "BIGINT";
    case capture::FieldType::decimal:
      return "DECIMAL(" + std::to_string(key.precision) + "," + std::to_string(key.scale) + ")";
    case capture::FieldType::timestamp:
      return "TIMESTAMP";
    case capture::FieldType::date:
      return "DATE";
    case capture::FieldType::boolean:
    case capture::FieldType::number:
    case capture::FieldType::string:
    case capture::FieldType::json:
    case capture::FieldType::object:
    case capture::FieldType::array:
      return "VARCHAR";
  }
  return "VARCHAR";
}

struct OpenEntry {
  uint64_t sequence = 0, bytes = 0;
};

struct Entry {
  uint64_t sequence = 0;
  ArrivalTime arrived_at;
  std::string id, reason, message, payload;  // reason and message as they are now
  bool done = false;
};

capture::Mark mark_of(const Entry& entry, const capture::Verdict& verdict) {
  capture::Mark mark;
  mark.action = "requeue";
  mark.entry = entry.sequence;
  mark.quarantine_id = entry.id;
  if (verdict.outcome == capture::Outcome::quarantined) {
    mark.outcome = "kept";
    mark.reason = verdict.code;
    mark.field = verdict.field;
    mark.message = verdict.message;
  } else {
    mark.outcome = verdict.outcome == capture::Outcome::accepted ? "accepted" : "duplicate";
    mark.event_id = verdict.id;
  }
  return mark;
}

// One requeue from its list of open entries to its report.
class Work {
 public:
  Work(const Requeue::Parts& parts, const RequeueRequest& request, const Cancel& cancel)
      : parts_(parts), request_(request), cancel_(cancel) {}

  Status start() {
    TRY_ASSIGN(applied_, parts_.capture.find(request_.stream));
    quarantine_ = "\"" + request_.stream +
                  "_quarantine\" q LEFT JOIN (SELECT entry, arg_max(outcome, _seq) AS outcome, " +
                  "arg_max(reason, _seq) AS reason, arg_max(message, _seq) AS message FROM \"" + request_.stream +
                  "_intake\" WHERE action = 'requeue' ";
    TRY_ASSIGN(session_, parts_.engine.connect(engine::Trust::own));
    // One version for all that is asked: what nobody but this requeue can change while it runs.
    TRY_ASSIGN(auto snapshot, parts_.lake.take());
    session_->read_from(std::move(snapshot));
    interrupt_ = cancel_.attach([this] { session_->cancel(); });
    TRY_ASSIGN(const Rows rows,
               read_all(*session_,
                        "SELECT q._seq, strlen(q.payload) FROM " + quarantine_ +
                            "GROUP BY entry) m ON m.entry = q._seq WHERE coalesce(m.outcome, 'kept') = 'kept' AND "
                            "($1 = '' OR coalesce(m.reason, q.reason) = $1) ORDER BY q._seq LIMIT $2",
                        {Json(request_.reason), Json(std::min<uint64_t>(request_.limit, INT64_MAX))}));
    open_.reserve(rows.size());
    for (const auto& row : rows) {
      open_.push_back({static_cast<uint64_t>(int_of(row[0])), static_cast<uint64_t>(int_of(row[1]))});
    }
    report_.entries = open_.size();
    return {};
  }

  bool is_done() const { return at_ == open_.size(); }
  const RequeueReport& report() const { return report_; }

  Status next_page() {
    TRY(cancel_.check());
    TRY_ASSIGN(std::vector<Entry> page, read_page());
    TRY_ASSIGN(const Keys keys, forgotten_keys(page));
    const int64_t give_up_at = parts_.clock.steady_micros() + kBusyAtMost.micros;
    while (true) {
      TRY(submit_all(page, keys));
      if (std::all_of(page.begin(), page.end(), [](const Entry& entry) { return entry.done; })) return {};
      TRY(cancel_.check());
      if (parts_.clock.steady_micros() > give_up_at) return refused_;
      std::unique_lock lock(mutex_);
      answered_.wait_for(lock, kBusyPause);
    }
  }

 private:
  using Keys = std::set<std::string, std::less<>>;
  bool is_keyed() const { return !applied_.stream->key.empty(); }

  Result<std::vector<Entry>> read_page() {
    const size_t begin = at_;
    for (uint64_t bytes = 0; at_ < open_.size() && at_ - begin < kPageEntries; ++at_) {
      bytes += open_[at_].bytes;
      if (at_ > begin && bytes > kPageBytes) break;
    }
    const uint64_t first = open_[begin].sequence, last = open_[at_ - 1].sequence;
    TRY_ASSIGN(Rows rows, read_all(*session_,
                                   "SELECT q._seq, epoch_us(q._arrived_at), q.quarantine_id, coalesce(m.reason, "
                                   "q.reason), coalesce(m.message, q.message), q.payload FROM " +
                                       quarantine_ +
                                       "AND entry BETWEEN $1 AND $2 GROUP BY entry) m ON m.entry = q._seq "
                                       "WHERE q._seq BETWEEN $1 AND $2 ORDER BY q._seq",
                                   {Json(first), Json(last)}));
    std::vector<Entry> page;
    size_t wanted = begin;
    for (auto& row : rows) {
      Entry entry;
      entry.sequence = static_cast<uint64_t>(int_of(row[0]));
      while (wanted < at_ && open_[wanted].sequence < entry.sequence) ++wanted;
      if (wanted == at_ || open_[wanted].sequence != entry.sequence) continue;  // one that is not open
      entry.arrived_at = {int_of(row[1])};
      entry.id = text_of(row[2]);
      entry.reason = text_of(row[3]);
      entry.message = text_of(row[4]);
      entry.payload = text_of(row[5]);
      page.push_back(std::move(entry));
    }
    return page;
  }

  capture::Origin origin_of(const Entry& entry, const Keys& forgotten) const {
    capture::Origin origin;
    origin.arrived_at = entry.arrived_at;
    origin.keeps_unfit = false;
    origin.one_record = true;
    origin.only_judges = request_.dry_run;
    origin.forgotten_keys = &forgotten;
    return origin;
  }

  // The keys of entries that fit and that the lake holds already. Also of entries that came within the window: what
  // they repeat may have been taken before it, and been forgotten since.
  Result<Keys> forgotten_keys(const std::vector<Entry>& page) {
    Keys out;
    if (!is_keyed()) return out;
    Json asked{Json::Array{}};
    for (const Entry& entry : page) {
      capture::Origin origin = origin_of(entry, out);
      origin.only_judges = true;
      auto judged = parts_.capture.submit(
          applied_, {.body = entry.payload, .format = capture::BodyFormat::any_json, .origin = &origin},
          [&](capture::Reply reply) {
            if (reply.accepted == 1) asked.push(reply.verdicts[0].id);
          });
      if (!judged && judged.error().code != Code::invalid) return judged.error();
    }
    if (asked.array().empty()) return out;
    const capture::Field& key = *applied_.stream->find(applied_.stream->key);
    TRY_ASSIGN(const Rows rows,
               read_all(*session_,
                        "SELECT k FROM (SELECT unnest(from_json($1, '[\"VARCHAR\"]')) AS k) WHERE CAST(k AS " +
                            sql_type(key) + ") IN (SELECT \"" + key.name + "\" FROM \"" + applied_.stream->name + "\")",
                        {Json(asked.dump())}));
    for (const auto& row : rows) out.insert(text_of(row[0]));
    return out;
  }

  // Hands over what is not done yet, and waits for the answers.
  Status submit_all(std::vector<Entry>& page, const Keys& forgotten) {
    Status failed;
    for (Entry& entry : page) {
      if (entry.done) continue;
      // What is no object now was none when it came; as an array it would be taken apart.
      const size_t begin = entry.payload.find_first_not_of(" \t\r\n");
      if (begin == std::string::npos || entry.payload[begin] != '{') {
        std::lock_guard lock(mutex_);
        keep(entry, entry.reason);
        continue;
      }
      capture::Origin origin = origin_of(entry, forgotten);
      origin.mark = [&entry](const capture::Reply& reply) -> std::optional<capture::Mark> {
        const capture::Verdict& verdict = reply.verdicts[0];
        const bool same = verdict.code == entry.reason && verdict.message == entry.message;
        if (verdict.outcome == capture::Outcome::quarantined && same) return std::nullopt;
        return mark_of(entry, verdict);
      };
      {
        std::lock_guard lock(mutex_);
        ++waiting_;
      }
      auto taken = parts_.capture.submit(
          applied_, {.body = entry.payload, .format = capture::BodyFormat::any_json, .origin = &origin},
          [this, &entry](const capture::Reply& reply) { answer(entry, reply); });
      if (taken) continue;
      std::lock_guard lock(mutex_);
      --waiting_;
      if (taken.error().code == Code::invalid) {
        keep(entry, entry.reason);
      } else {
        failed = std::move(taken);
        break;
      }
    }
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return waiting_ == 0; });
    return failed;
  }

  void answer(Entry& entry, const capture::Reply& reply) {
    std::lock_guard lock(mutex_);
    const capture::Verdict& verdict = reply.verdicts[0];
    if (verdict.outcome == capture::Outcome::refused && verdict.retryable) {
      refused_ = Error(Code::busy, "the journal does not take the records now: " + verdict.message,
                       "run it again later, it goes on with what is left");
    } else if (verdict.outcome == capture::Outcome::accepted) {
      ++report_.accepted;
      entry.done = true;
    } else if (verdict.outcome == capture::Outcome::duplicate) {
      ++report_.duplicates;
      entry.done = true;
    } else {
      keep(entry, verdict.code);
    }
    --waiting_;
    answered_.notify_all();
  }

  void keep(Entry& entry, const std::string& reason) {
    ++report_.kept;
    ++report_.reasons[reason];
    entry.done = true;
  }

  const Requeue::Parts& parts_;
  const RequeueRequest& request_;
  const Cancel& cancel_;
  capture::AppliedStream applied_;
  std::string quarantine_;  // FROM, up to where the marks may be narrowed
  std::unique_ptr<engine::Session> session_;
  std::unique_ptr<Cancel::Attachment> interrupt_;
  std::vector<OpenEntry> open_;
  size_t at_ = 0;  // in open_

  std::mutex mutex_;  // guards what answers change: the rest
  std::condition_variable answered_;
  size_t waiting_ = 0;
  Status refused_;
  RequeueReport report_;
};

}  // namespace

Json RequeueReport::to_json() const {
  Json kept_by{Json::Object{}};
  for (const auto& [reason, count] : reasons) kept_by.set(reason, count);
  Json out{Json::Object{}};
  out.set("entries", entries);
  out.set("accepted", accepted);
  out.set("duplicates", duplicates);
  out.set("kept", kept);
  out.set("reasons", std::move(kept_by));
  return out;
}

Status Requeue::check(const RequeueRequest& request) const {
  TRY(parts_.capture.find(request.stream));
  return {};
}

Result<RequeueReport> Requeue::run(const RequeueRequest& request, const Cancel& cancel,
                                   const std::function<void(const RequeueReport&)>& progress) {
  std::unique_lock one_at_a_time(running_, std::defer_lock);
  if (!request.dry_run && !one_at_a_time.try_lock()) {
    return Error(Code::busy, "another requeue is running", "wait for it: running it again changes nothing");
  }
  Work work(parts_, request, cancel);
  TRY(work.start());
  while (!work.is_done()) {
    TRY(work.next_page());
    if (progress) progress(work.report());
  }
  return work.report();
}

}  // namespace weir::lake
