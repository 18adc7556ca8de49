#include "stream/lake/etl.h"

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/text.h"

namespace weir::lake {
namespace {

// One append to the journal each. Blocks of memory of this size are used again; those of larger pieces come from the
// system and go back to it each time, which costs more than the pieces' marks.
constexpr size_t kPieceRecords = 1'000;
constexpr size_t kPieceBytes = 256u << 10;
// Of one child process: to start one for each of many small files costs more than to read them.
constexpr size_t kFilesAtOnce = 256;
constexpr size_t kFailuresMax = 100;
constexpr Duration kQueryTime = minutes(10);
constexpr Duration kBusyAtMost = minutes(1);  // so long a full journal is waited for
constexpr auto kBusyPause = std::chrono::milliseconds(50);
constexpr int64_t kMicrosPerHour = 3'600'000'000;

// What marks say of one content.
struct Known {
  uint64_t records = 0;  // taken so far, from its beginning
  bool whole = false;
};

}  // namespace

std::map<std::string, CellKind> cells_of(const capture::Stream& stream) {
  std::map<std::string, CellKind> out;
  for (const capture::Field& field : stream.fields) {
    switch (field.type) {
      case capture::FieldType::boolean:
        out[field.name] = CellKind::boolean;
        break;
      case capture::FieldType::integer:
      case capture::FieldType::number:
      case capture::FieldType::decimal:
        out[field.name] = CellKind::number;
        break;
      case capture::FieldType::json:
      case capture::FieldType::object:
      case capture::FieldType::array:
        out[field.name] = CellKind::json;
        break;
      case capture::FieldType::string:
      case capture::FieldType::uuid:
      case capture::FieldType::timestamp:
      case capture::FieldType::date:
        break;
    }
  }
  return out;
}

namespace {

// One load from its list of files to its report.
class Load {
 public:
  Load(const Etl::Parts& parts, const EtlRequest& request, const Cancel& cancel,
       const std::function<void(const EtlReport&)>& progress)
      : parts_(parts), request_(request), cancel_(cancel), progress_(progress) {}
  ~Load() { wait_for_answer(); }  // it comes into this object
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Status run() {
    TRY_ASSIGN(applied_, parts_.capture.find(request_.stream));
    TRY_ASSIGN(const std::string folder, resolve_foreign(parts_.rules, request_.folder));
    TRY_ASSIGN(const std::vector<ForeignFile> files, list_foreign(folder));
    report_.files = files.size();
    for (const ForeignFile& file : files) report_.bytes += file.bytes;
    TRY(read_marks());
    for (const ForeignFile& file : files) {
      TRY(cancel_.check());
      TRY(look_at(file));
      if (work_.size() == kFilesAtOnce) {
        TRY(load_work());
      }
    }
    TRY(load_work());
    if (progress_) progress_(report_);
    return {};
  }
  const EtlReport& report() const { return report_; }

 private:
  struct Work {
    const ForeignFile* file = nullptr;
    std::string source, fingerprint;
  };
  // Records of one file, one behind another.
  struct Piece {
    std::string body;             // one record a line
    std::vector<uint64_t> lines;  // where they begin in the file
    uint64_t from = 0, next = 0;  // the file's records before them; and with them
    bool is_last = false;         // the file ends behind it

    void begin(uint64_t record) {
      body.clear();
      lines.clear();
      from = next = record;
      is_last = false;
    }
  };

  Status read_marks() {
    TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
    const auto interrupt = cancel_.attach([&session] { session->cancel(); });
    TRY_ASSIGN(const auto rows,
               session->query("SELECT fingerprint, max(records_through), bool_or(outcome = 'whole'), any_value(source) "
                              "FROM \"" +
                                  request_.stream + "_intake\" WHERE action = 'etl' GROUP BY fingerprint",
                              {}, {.time = kQueryTime, .rows_max = UINT64_MAX}));
    while (true) {
      TRY_ASSIGN(const auto batch, rows->next());
      if (batch.empty()) return {};
      for (const auto& row : batch) {
        const auto* fingerprint = std::get_if<std::string>(&row[0]);
        const auto* records = std::get_if<int64_t>(&row[1]);
        const auto* whole = std::get_if<bool>(&row[2]);
        const auto* source = std::get_if<std::string>(&row[3]);
        if (fingerprint == nullptr) continue;
        known_[*fingerprint] = {records == nullptr ? 0 : static_cast<uint64_t>(*records), whole != nullptr && *whole};
        if (source != nullptr) sources_.emplace(*source, *fingerprint);
      }
    }
  }

  // Whether there is anything left to do for the file. What concerns it alone is a failure of it; what concerns all
  // ends the load.
  Status look_at(const ForeignFile& file) {
    Work work;
    work.file = &file;
    work.source = foreign_name(parts_.rules, file.path);
    auto fingerprint = fingerprint_foreign(file.path);
    if (!fingerprint) return failed(work, fingerprint.error().text());
    work.fingerprint = std::move(*fingerprint);
    // The same content once more: it is known when the first is loaded.
    const bool is_again = std::any_of(work_.begin(), work_.end(),
                                      [&](const Work& other) { return other.fingerprint == work.fingerprint; });
    if (is_again) {
      TRY(load_work());
    }
    const Known before = known_[work.fingerprint];
    if (before.whole) {
      ++report_.known;
      report_.done_bytes += file.bytes;
      return {};
    }
    const auto changed = sources_.find(work.source);
    if (changed != sources_.end() && changed->second != work.fingerprint && applied_.stream->key.empty()) {
      return failed(work,
                    "the file was loaded with another content, and the stream has no key to tell which of its "
                    "records are new");
    }
    work_.push_back(std::move(work));
    return {};
  }

  // One child takes them apart, one after another. If it dies, the file that it was at has failed, and another child
  // goes on behind it.
  Status load_work() {
    at_ = 0;
    while (at_ < work_.size()) {
      Json files{Json::Array{}};
      for (size_t i = at_; i < work_.size(); ++i) files.push(request_of(work_[i]).to_json());
      begin_file();
      ended_ = Status();
      auto read =
          parts_.records(Json(Json::Object{{"files", std::move(files)}}), cancel_, [this](std::string_view line) {
            Status taken = take_line(line);
            if (!taken) ended_ = taken;
            return taken;
          });
      TRY(ended_);
      TRY(cancel_.check());
      if (at_ == work_.size()) break;
      TRY(end_file(read ? "the child process did not read it" : read.error().text()));
    }
    work_.clear();
    return {};
  }

  RecordsRequest request_of(const Work& work) {
    RecordsRequest out;
    out.path = work.file->path;
    out.format = request_.format;
    out.skip = known_[work.fingerprint].records;
    out.record_bytes_max = parts_.record_bytes_max;
    out.cells = cells_of(*applied_.stream);
    return out;
  }

  void begin_file() {
    if (at_ < work_.size()) gathered_.begin(known_[work_[at_].fingerprint].records);
  }

  // `why` it cannot be read; what was read before the damage is taken, and stays taken.
  Status end_file(std::string_view why) {
    const Work& work = work_[at_];
    TRY(hand_on(why.empty()));
    TRY(settle());
    if (why.empty()) {
      known_[work.fingerprint].whole = true;
      sources_[work.source] = work.fingerprint;
      ++report_.loaded;
      report_.done_bytes += work.file->bytes;
    } else {
      TRY(failed(work, std::string(why)));
    }
    if (progress_) progress_(report_);
    ++at_;
    begin_file();
    return {};
  }

  Status failed(const Work& work, std::string why) {
    report_.done_bytes += work.file->bytes;
    if (report_.failures.size() < kFailuresMax) report_.failures.push_back({work.source, std::move(why)});
    return {};
  }

  Status take_line(std::string_view text) {
    TRY_ASSIGN(const RecordLine line, read_record_line(text));
    if (at_ == work_.size()) return Error(Code::corrupt, "the child process hands on more files than it was asked for");
    return line.is_end ? end_file(line.why) : take(line);
  }

  Status take(const RecordLine& line) {
    const bool is_full = gathered_.body.size() + line.record.size() >= kPieceBytes;
    if (gathered_.lines.size() == kPieceRecords || (!gathered_.lines.empty() && is_full)) {
      TRY(hand_on(false));
      if (progress_) progress_(report_);
      TRY(cancel_.check());
    }
    gathered_.body += line.record;
    gathered_.body += '\n';
    gathered_.lines.push_back(line.line);
    ++gathered_.next;
    return {};
  }

  // Sends the piece that was gathered, with its mark, as soon as the one before it was taken: the next is gathered
  // while the journal syncs this one. `is_last`: that the file was read is marked even if nothing is left to take.
  Status hand_on(bool is_last) {
    if (gathered_.lines.empty() && !is_last) return {};
    TRY(settle());
    gathered_.is_last = is_last;
    std::swap(gathered_, sent_);
    gathered_.begin(sent_.next);
    return send();
  }

  Status send() {
    const ForeignFile& file = *work_[at_].file;
    capture::Origin origin;
    std::vector<capture::Forgetting> forgotten;
    if (parts_.forgotten) {
      TRY_ASSIGN(forgotten, parts_.forgotten(request_.stream));
    }
    origin.forgotten = &forgotten;
    const int64_t now = parts_.clock.wall().micros;
    origin.arrived_at = {file.hour ? std::min(*file.hour, now) : now};
    if (file.hour) origin.arrived_within = Duration{kMicrosPerHour};
    origin.any_age = request_.any_age;
    origin.place = [this](size_t index) { return work_[at_].source + ":" + std::to_string(sent_.lines[index]); };
    origin.mark = [this](const capture::Reply& reply) { return std::optional(mark_of(reply)); };
    {
      std::lock_guard lock(mutex_);
      is_awaited_ = true;
    }
    Status begun =
        parts_.capture.submit(applied_, {.body = sent_.body, .format = capture::BodyFormat::lines, .origin = &origin},
                              [this](capture::Reply reply) {
                                std::lock_guard lock(mutex_);
                                answer_ = std::move(reply);
                                answered_.notify_all();
                              });
    if (!begun) {  // then no answer comes
      std::lock_guard lock(mutex_);
      is_awaited_ = false;
    }
    return begun;
  }

  std::optional<capture::Reply> wait_for_answer() {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return !is_awaited_ || answer_.has_value(); });
    is_awaited_ = false;
    return std::exchange(answer_, std::nullopt);
  }

  // Until the piece that was sent is taken; a journal that is busy is asked again.
  Status settle() {
    const int64_t give_up_at = parts_.clock.steady_micros() + kBusyAtMost.micros;
    while (const std::optional<capture::Reply> reply = wait_for_answer()) {
      const auto busy =
          std::find_if(reply->verdicts.begin(), reply->verdicts.end(), [](const capture::Verdict& verdict) {
            return verdict.outcome == capture::Outcome::refused && verdict.retryable;
          });
      if (busy == reply->verdicts.end()) {
        count(*reply);
        return {};
      }
      if (parts_.clock.steady_micros() > give_up_at) {
        return Error(Code::busy, "the journal does not take the records now: " + busy->message,
                     "run it again later, it goes on with what is left");
      }
      TRY(cancel_.check());
      std::this_thread::sleep_for(kBusyPause);
      TRY(send());
    }
    return {};
  }

  capture::Mark mark_of(const capture::Reply& reply) const {
    capture::Mark mark;
    mark.action = "etl";
    mark.outcome = sent_.is_last ? "whole" : "part";
    mark.source = work_[at_].source;
    mark.fingerprint = work_[at_].fingerprint;
    mark.records_from = sent_.from;
    mark.records_through = sent_.next;
    mark.accepted = reply.accepted;
    mark.duplicates = reply.duplicates;
    mark.quarantined = reply.quarantined;
    mark.refused = reply.refused;
    return mark;
  }

  void count(const capture::Reply& reply) {
    report_.accepted += reply.accepted;
    report_.duplicates += reply.duplicates;
    report_.quarantined += reply.quarantined;
    report_.refused += reply.refused;
    known_[work_[at_].fingerprint].records = sent_.next;
  }

  const Etl::Parts& parts_;
  const EtlRequest& request_;
  const Cancel& cancel_;
  const std::function<void(const EtlReport&)>& progress_;
  capture::AppliedStream applied_;
  std::map<std::string, Known> known_;          // by fingerprint
  std::map<std::string, std::string> sources_;  // fingerprint by name
  EtlReport report_;

  // Files that one child takes apart, and which of them it is at.
  std::vector<Work> work_;
  size_t at_ = 0;
  Piece gathered_, sent_;  // of that file
  Status ended_;           // what ends the load as a whole

  std::mutex mutex_;  // guards the answer to the piece that was sent
  std::condition_variable answered_;
  std::optional<capture::Reply> answer_;
  bool is_awaited_ = false;
};

}  // namespace

Json EtlReport::to_json() const {
  Json failed{Json::Array{}};
  for (const Failure& failure : failures) {
    failed.push(Json(Json::Object{{"file", failure.file}, {"error", failure.why}}));
  }
  Json out{Json::Object{}};
  out.set("files", files);
  out.set("loaded", loaded);
  out.set("known", known);
  out.set("bytes", bytes);
  out.set("done_bytes", done_bytes);
  out.set("accepted", accepted);
  out.set("duplicates", duplicates);
  out.set("quarantined", quarantined);
  out.set("refused", refused);
  out.set("failures", std::move(failed));
  return out;
}

Status Etl::check(const EtlRequest& request) const {
  TRY_ASSIGN(const auto applied, parts_.capture.find(request.stream));
  if (request.format != "auto" && request.format != "json" && request.format != "csv") {
    return Error(Code::invalid, "format is " + shown(request.format) + ", expected auto, json or csv");
  }
  TRY_ASSIGN(const std::string folder, resolve_foreign(parts_.rules, request.folder));
  return {};
}

Result<EtlReport> Etl::run(const EtlRequest& request, const Cancel& cancel,
                           const std::function<void(const EtlReport&)>& progress) {
  {
    std::lock_guard lock(mutex_);
    if (!running_.insert(request.stream).second) {
      return Error(Code::busy, "another load of " + request.stream + " is running",
                   "wait for it: what it has loaded is not loaded again");
    }
  }
  Load load(parts_, request, cancel, progress);
  const Status done = load.run();
  {
    std::lock_guard lock(mutex_);
    running_.erase(request.stream);
  }
  if (!done) return done.error();
  return load.report();
}

}  // namespace weir::lake
