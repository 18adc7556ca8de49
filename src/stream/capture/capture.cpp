#include "stream/capture/capture.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/base/guarded.h"
#include "core/base/text.h"
#include "stream/capture/dedup.h"
#include "stream/capture/intake.h"
#include "stream/capture/record.h"
#include "stream/capture/stream_plan.h"

namespace weir::capture {
namespace {

constexpr size_t kIntakesKept = 16;  // each keeps a few megabytes at most, see Intake::is_large()
constexpr int kLooksWithoutLock = 8;
constexpr Duration kForever = days(36'500);

constexpr const char* kRecordsHelp = "Records by stream and verdict.";
constexpr const char* kBytesHelp = "Bytes of request bodies, decoded, by stream.";
constexpr const char* kRequestsHelp = "Requests whose records were judged, by stream.";
constexpr const char* kReasonsHelp = "Records that went to quarantine, by stream and reason.";

// The numbers of one stream; they outlive its declarations.
struct Tally {
  Tally(Metrics& metrics_in, const std::string& name_in)
      : metrics(metrics_in),
        name(name_in),
        accepted(counter("accepted")),
        duplicates(counter("duplicate")),
        quarantined(counter("quarantined")),
        refused(counter("refused")),
        bytes(metrics.counter("weir_capture_bytes_total", kBytesHelp, {{"stream", name}})),
        requests(metrics.counter("weir_capture_requests_total", kRequestsHelp, {{"stream", name}})) {}

  Counter& counter(const char* outcome) {
    return metrics.counter("weir_capture_records_total", kRecordsHelp, {{"stream", name}, {"outcome", outcome}});
  }
  void count(const Reply& reply) {
    accepted.add(reply.accepted);
    duplicates.add(reply.duplicates);
    quarantined.add(reply.quarantined);
    refused.add(reply.refused);
    if (reply.quarantined == 0) return;
    std::map<std::string_view, uint64_t> reasons;
    for (const Verdict& verdict : reply.verdicts) {
      if (verdict.outcome == Outcome::quarantined) ++reasons[verdict.code];
    }
    for (const auto& [reason, found] : reasons) {
      metrics
          .counter("weir_capture_quarantined_total", kReasonsHelp, {{"stream", name}, {"reason", std::string(reason)}})
          .add(found);
    }
  }

  Metrics& metrics;
  const std::string name;
  Counter &accepted, &duplicates, &quarantined, &refused, &bytes, &requests;
  std::atomic<int64_t> last_arrival{0};
};

// A declaration ready for use.
struct Applied {
  AppliedStream applied;
  std::shared_ptr<const StreamPlan> plan;  // nullptr: the declaration cannot be used, see why
  std::optional<Error> why;
  std::shared_ptr<Tally> tally;
};

struct Streams {
  std::map<std::string, Applied, std::less<>> by_name;
  std::unordered_map<const Stream*, const Applied*> by_declaration;
};

// What completions need; they may come after the Capture is gone, so they keep it alive.
struct Core {
  Core(Clock& clock_in, Metrics& metrics)
      : clock(clock_in),
        seconds(metrics.histogram("weir_capture_submit_seconds",
                                  "From the arrival of a request at capture to its verdicts.")) {}
  Clock& clock;
  Histogram& seconds;
  // Orders the index with the journal: who holds it looks up, appends and inserts as one step.
  Mutex mutex;
  std::unique_ptr<DedupIndex> index;
};

// A request that waits for its sync.
struct Waiting {
  std::shared_ptr<Core> core;
  std::shared_ptr<Tally> tally;
  Done done;
  Reply reply;
  std::vector<bool> depends;                               // per verdict: it holds only if the append succeeds
  std::vector<std::pair<Fingerprint, uint64_t>> inserted;  // written under the lock
  int64_t since_micros = 0;
  ArrivalTime arrived_at;
  size_t body_bytes = 0;

  void finish() {
    tally->count(reply);
    tally->bytes.add(body_bytes);
    tally->requests.add();
    tally->last_arrival.store(arrived_at.micros, std::memory_order_relaxed);
    core->seconds.observe(static_cast<double>(core->clock.steady_micros() - since_micros) * 1e-6);
    done(std::move(reply));
  }
  void fail(const Error& error) {
    {
      MutexLock lock(core->mutex);
      for (const auto& [key, sequence] : inserted) core->index->erase(key, sequence);
    }
    for (size_t i = 0; i < reply.verdicts.size(); ++i) {
      if (!depends[i]) continue;
      Verdict& verdict = reply.verdicts[i];
      verdict.outcome = Outcome::refused;
      verdict.retryable = true;
      verdict.code = code_name(error.code);
      verdict.field.clear();
      verdict.message = error.message;
    }
    reply.accepted = reply.duplicates = reply.quarantined = reply.refused = 0;
    for (const Verdict& verdict : reply.verdicts) {
      switch (verdict.outcome) {
        case Outcome::accepted:
          ++reply.accepted;
          break;
        case Outcome::duplicate:
          ++reply.duplicates;
          break;
        case Outcome::quarantined:
          ++reply.quarantined;
          break;
        case Outcome::refused:
          ++reply.refused;
          break;
      }
    }
    finish();
  }
};

class JournaledCapture : public Capture {
 public:
  JournaledCapture(Clock& clock, Random& random, Metrics& metrics, journal::Journal& journal, Options options)
      : random_(random),
        metrics_(metrics),
        journal_(journal),
        options_(std::move(options)),
        core_(std::make_shared<Core>(clock, metrics)),
        streams_(std::make_shared<Streams>()) {
    for (const auto& [name, help] :
         {std::pair{"weir_capture_records_total", kRecordsHelp}, std::pair{"weir_capture_bytes_total", kBytesHelp},
          std::pair{"weir_capture_requests_total", kRequestsHelp},
          std::pair{"weir_capture_quarantined_total", kReasonsHelp}}) {
      metrics_.declare(MetricKind::counter, name, help);
    }
  }

  Status start(Files& files) {
    DedupOptions options;
    options.folder = options_.folder;
    options.memory_bytes = options_.index_memory_bytes;
    TRY_ASSIGN(core_->index, DedupIndex::open(files, core_->clock, random_, metrics_, std::move(options)));
    return replay();
  }

  void set_streams(std::vector<AppliedStream> streams) override;
  Result<AppliedStream> find(std::string_view name) const override;
  Status submit(const AppliedStream& stream, const Submission& submission, Done done) override;
  journal::Sequence sealed_through() const override;
  Status maintain() override;
  Status seal(journal::Sequence through, Duration limit) override;
  Result<uint64_t> forget(const std::vector<uint64_t>& sequences) override;
  std::vector<StreamCounts> counts() const override;

 private:
  Status replay();
  Status replay_group(const std::vector<journal::Entry>& group);
  Result<Applied> applied_of(const AppliedStream& stream);
  std::shared_ptr<Tally> tally_of(const std::string& name) REQUIRES(mutex_);
  std::unique_ptr<Intake> take_intake();
  void return_intake(std::unique_ptr<Intake> intake);
  Status append(Intake& intake, const std::shared_ptr<Waiting>& waiting, bool& waits);
  Status append_locked(Intake& intake, const std::shared_ptr<Waiting>& waiting, bool& waits);
  Status maintain(Duration window);
  IntakeTools tools() { return {core_->clock, random_, *core_->index}; }

  Random& random_;
  Metrics& metrics_;
  journal::Journal& journal_;
  const Options options_;
  const std::shared_ptr<Core> core_;
  std::mutex maintenance_;  // of the index: one at a time
  mutable Mutex mutex_;
  std::shared_ptr<const Streams> streams_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Tally>> tallies_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Intake>> intakes_ GUARDED_BY(mutex_);
};

// ---- streams ----

std::shared_ptr<Tally> JournaledCapture::tally_of(const std::string& name) {
  std::shared_ptr<Tally>& tally = tallies_[name];
  if (tally == nullptr) tally = std::make_shared<Tally>(metrics_, name);
  return tally;
}

void JournaledCapture::set_streams(std::vector<AppliedStream> streams) {
  auto made = std::make_shared<Streams>();
  for (AppliedStream& stream : streams) {
    Applied applied;
    auto plan = StreamPlan::compile(stream.stream);
    if (plan) {
      applied.plan = std::move(*plan);
    } else {
      applied.why = std::move(plan).error();
    }
    const std::string name = stream.stream->name;
    applied.applied = std::move(stream);
    MutexLock lock(mutex_);
    applied.tally = tally_of(name);
    made->by_name[name] = std::move(applied);
  }
  for (const auto& [name, applied] : made->by_name) made->by_declaration[applied.applied.stream.get()] = &applied;
  MutexLock lock(mutex_);
  streams_ = std::move(made);
}

Result<AppliedStream> JournaledCapture::find(std::string_view name) const {
  std::shared_ptr<const Streams> streams;
  {
    MutexLock lock(mutex_);
    streams = streams_;
  }
  const auto found = streams->by_name.find(name);
  if (found == streams->by_name.end() && name.starts_with(kSystemPrefix)) {
    return Error(Code::denied, shown(name) + " is a name of the program's own streams: nobody may send to them");
  }
  if (found == streams->by_name.end()) {
    std::vector<std::string> names;
    for (const auto& [known, applied] : streams->by_name) names.push_back(known);
    return Error(Code::not_found, "there is no stream " + shown(name),
                 names.empty() ? "declare one in streams/<name>.yaml" : did_you_mean(name, names));
  }
  const Applied& applied = found->second;
  if (applied.why) return *applied.why;
  if (!applied.applied.stream->enabled) {
    return Error(Code::denied, "the stream " + applied.applied.stream->name + " is disabled",
                 "remove `enabled: false` from its declaration and apply it");
  }
  return applied.applied;
}

// Usually the current declaration; a request under way may still hold an older one.
Result<Applied> JournaledCapture::applied_of(const AppliedStream& stream) {
  MutexLock lock(mutex_);
  const auto found = streams_->by_declaration.find(stream.stream.get());
  if (found != streams_->by_declaration.end()) {
    if (found->second->why) return *found->second->why;
    return *found->second;
  }
  Applied out;
  out.applied = stream;
  TRY_ASSIGN(out.plan, StreamPlan::compile(stream.stream));
  out.tally = tally_of(stream.stream->name);
  return out;
}

std::vector<StreamCounts> JournaledCapture::counts() const {
  MutexLock lock(mutex_);
  std::vector<StreamCounts> out;
  for (const auto& [name, tally] : tallies_) {
    StreamCounts& counts = out.emplace_back();
    counts.stream = name;
    counts.accepted = tally->accepted.value();
    counts.duplicates = tally->duplicates.value();
    counts.quarantined = tally->quarantined.value();
    counts.refused = tally->refused.value();
    counts.bytes = tally->bytes.value();
    counts.last_arrival = {tally->last_arrival.load(std::memory_order_relaxed)};
  }
  return out;
}

// ---- a request ----

std::unique_ptr<Intake> JournaledCapture::take_intake() {
  MutexLock lock(mutex_);
  if (intakes_.empty()) return std::make_unique<Intake>();
  auto out = std::move(intakes_.back());
  intakes_.pop_back();
  return out;
}

void JournaledCapture::return_intake(std::unique_ptr<Intake> intake) {
  if (intake->is_large()) return;
  intake->release();
  MutexLock lock(mutex_);
  if (intakes_.size() < kIntakesKept) intakes_.push_back(std::move(intake));
}

Status JournaledCapture::submit(const AppliedStream& stream, const Submission& submission, Done done) {
  auto waiting = std::make_shared<Waiting>();
  waiting->since_micros = core_->clock.steady_micros();
  TRY_ASSIGN(Applied applied, applied_of(stream));
  waiting->core = core_;
  waiting->tally = applied.tally;
  waiting->body_bytes = submission.body.size();
  auto intake = take_intake();
  Status status = intake->prepare(tools(), *applied.plan, stream, submission, options_.limits);
  bool waits = false;
  if (status) {
    waiting->done = std::move(done);
    waiting->arrived_at = intake->taken_at();
    waiting->reply = intake->reply();
    waiting->depends.reserve(intake->items().size());
    waiting->inserted.reserve(intake->new_keys_max());
    status = append(*intake, waiting, waits);
  }
  return_intake(std::move(intake));
  if (status && !waits) waiting->finish();
  return status;
}

// Looks at runs that were sealed meanwhile, without the lock if it can be helped, then appends.
Status JournaledCapture::append(Intake& intake, const std::shared_ptr<Waiting>& waiting, bool& waits) {
  for (int look = 0;; ++look) {
    {
      MutexLock lock(core_->mutex);
      const bool current = core_->index->runs()->version == intake.runs_version();
      if (!current && look >= kLooksWithoutLock) {
        TRY(intake.look_again(tools()));
      }
      if (current || look >= kLooksWithoutLock) return append_locked(intake, waiting, waits);
    }
    TRY(intake.look_again(tools()));
  }
}

// One step under the lock, so that the order in the index is the order in the journal. `waits`: the completion answers.
Status JournaledCapture::append_locked(Intake& intake, const std::shared_ptr<Waiting>& waiting, bool& waits) {
  DedupIndex& index = *core_->index;
  if (intake.new_keys_max() > 0 && !index.has_room(intake.new_keys_max())) {
    intake.refuse_all(Error(Code::busy, "the deduplication index has no room until it has written a run; try again"));
    waiting->reply = intake.reply();
    return {};
  }
  TRY(intake.decide(tools(), journal_.durable_end().value));
  if (intake.origin() != nullptr && intake.is_refused_for_now()) {
    intake.refuse_all(Error(Code::unavailable, "another record of the same piece cannot be judged now"));
  }
  const bool only_judges = intake.origin() != nullptr && intake.origin()->only_judges;
  journal::Batch batch = only_judges ? journal::Batch() : intake.take_batch();
  if (intake.is_changed()) waiting->reply = intake.reply();
  if (only_judges) return {};
  const std::string mark = intake.encode_mark(tools(), waiting->reply);
  if (!mark.empty()) batch.add(mark);
  if (batch.empty() && !intake.needs_barrier()) return {};
  for (const Intake::Item& item : intake.items()) {
    waiting->depends.push_back(!mark.empty() || item.is_appended() || item.pending);
  }
  auto first = journal_.append(std::move(batch), [waiting](const Status& status) {
    if (status) {
      waiting->finish();
    } else {
      waiting->fail(status.error());
    }
  });
  if (!first) {
    intake.refuse_all(first.error());
    waiting->reply = intake.reply();
    return {};
  }
  waits = true;
  uint64_t sequence = first->value;
  for (const Intake::Item& item : intake.items()) {
    if (!item.is_appended()) continue;
    if (item.enters) {
      index.insert({item.key, sequence, static_cast<uint32_t>(item.payload_hash), intake.arrival_s()});
      waiting->inserted.emplace_back(item.key, sequence);
    }
    ++sequence;
  }
  return {};
}

// ---- the index over time ----

Status JournaledCapture::replay() {
  const uint64_t from = core_->index->sealed_through();
  TRY_ASSIGN(auto reader, journal_.read_from({from}));
  Counter& damaged = metrics_.counter("weir_capture_replay_damaged_total",
                                      "Damaged groups and records met while the index was brought up to the journal.");
  while (true) {
    auto group = reader->next_group();
    if (!group) {
      // The journal named the damage when it was opened; what lies behind it still counts.
      if (group.error().code != Code::corrupt) return std::move(group).error();
      damaged.add();
      continue;
    }
    if (group->empty()) return {};
    Status status = replay_group(*group);
    if (!status && status.error().code != Code::corrupt) return status;
    if (!status) damaged.add();
  }
}

Status JournaledCapture::replay_group(const std::vector<journal::Entry>& group) {
  Status out;
  for (const journal::Entry& entry : group) {
    auto record = decode(entry.bytes);
    if (!record) {
      out = std::move(record).error();
      if (out.error().code != Code::corrupt) return out;
      continue;
    }
    if (record->key == Fingerprint{}) continue;
    while (!core_->index->has_room(1)) {
      TRY(maintain(kForever));
    }
    core_->index->insert({record->key, entry.sequence.value, static_cast<uint32_t>(record->payload_hash),
                          static_cast<uint32_t>(record->entered_at().micros / 1'000'000)});
  }
  return out;
}

journal::Sequence JournaledCapture::sealed_through() const {
  MutexLock lock(core_->mutex);
  const journal::Sequence durable = journal_.durable_end();
  const auto first = core_->index->first_in_memory();
  return first && *first < durable.value ? journal::Sequence{*first} : durable;
}

Status JournaledCapture::maintain() {
  Duration window{0};
  {
    MutexLock lock(mutex_);
    for (const auto& [name, applied] : streams_->by_name) {
      window = std::max(window, applied.applied.stream->dedup_window);
    }
    if (streams_->by_name.empty()) window = kForever;  // nothing is known about windows yet
  }
  return maintain(window);
}

Status JournaledCapture::seal(journal::Sequence through, Duration limit) {
  const int64_t give_up_at = core_->clock.steady_micros() + limit.micros;
  while (sealed_through() < through) {
    {
      const std::lock_guard alone(maintenance_);
      TRY(core_->index->seal_all(
          [this](const std::function<void()>& work) {
            MutexLock lock(core_->mutex);
            work();
          },
          [this] { return journal_.durable_end().value; }));
    }
    if (sealed_through() >= through) return {};
    if (core_->clock.steady_micros() > give_up_at) {
      return Error(Code::timed_out, "the deduplication index was not sealed within " + format_duration(limit));
    }
    (void)journal_.wait_past(journal_.durable_end(), milliseconds(20));
  }
  return {};
}

Result<uint64_t> JournaledCapture::forget(const std::vector<uint64_t>& sequences) {
  if (sequences.empty()) return uint64_t{0};
  const std::lock_guard alone(maintenance_);
  return core_->index->forget(sequences);
}

Status JournaledCapture::maintain(Duration window) {
  const std::lock_guard alone(maintenance_);
  return core_->index->maintain(
      window,
      [this](const std::function<void()>& work) {
        MutexLock lock(core_->mutex);
        work();
      },
      [this] { return journal_.durable_end().value; });
}

}  // namespace

Result<std::unique_ptr<Capture>> Capture::open(Files& files, Clock& clock, Random& random, Metrics& metrics,
                                               journal::Journal& journal, Options options) {
  auto out = std::make_unique<JournaledCapture>(clock, random, metrics, journal, std::move(options));
  TRY(out->start(files));
  return std::unique_ptr<Capture>(std::move(out));
}

}  // namespace weir::capture
