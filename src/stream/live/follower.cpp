#include "stream/live/follower.h"

#include <algorithm>
#include <thread>

#include "stream/live/bytes.h"

namespace weir::live {
namespace {

constexpr Duration kWakeEvery = milliseconds(50);
constexpr Duration kIdleFor = milliseconds(200);
constexpr Duration kRetryAfter = seconds(1);
constexpr Duration kExportEvery = seconds(1);
constexpr auto kGather = std::chrono::milliseconds(5);
constexpr size_t kFoldedAtOnce = 1'000;  // records under one lock: readers wait no longer than for these
constexpr uint64_t kFewRecords = 200;
constexpr int64_t kCheckpointShare = 10;  // at most a tenth of the time is spent on checkpoints

}  // namespace

Result<std::unique_ptr<Live>> Live::open(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal,
                                         Options options) {
  auto follower = std::make_unique<Follower>(files, clock, metrics, journal, std::move(options));
  TRY(follower->start());
  return std::unique_ptr<Live>(std::move(follower));
}

Follower::Follower(Files& files, Clock& clock, Metrics& metrics, journal::Journal& journal, Options options)
    : files_(files),
      clock_(clock),
      metrics_(metrics),
      journal_(journal),
      options_(std::move(options)),
      checkpoints_(files_, options_.folder),
      records_(metrics.counter("weir_live_records_total", "Journal records that live windows were folded from.")),
      late_(metrics.counter("weir_live_late_total", "Events that corrected a window after it had settled.")),
      misfits_(metrics.counter("weir_live_misfits_total", "Records that a live window does not show, or not wholly.")),
      checkpoints_saved_(metrics.counter("weir_live_checkpoints_total", "Checkpoints of live windows.")),
      checkpoint_failures_(metrics.counter("weir_live_checkpoint_failures_total",
                                           "Checkpoints of live windows that failed and are tried again.")),
      damage_(metrics.counter("weir_live_damage_total", "Damaged journal ranges or records met by live windows.")),
      lag_(metrics.gauge("weir_live_lag_records", "Acknowledged records that no live window holds yet.")),
      rows_(metrics.gauge("weir_live_rows", "Rows of all live windows, in memory.")) {}

// --- the checkpoint
// ---------------------------------------------------------------------------------------------------

Status Follower::start() {
  std::lock_guard lock(mutex_);
  return read_checkpoint();
}

Status Follower::read_checkpoint() {
  TRY_ASSIGN(const auto loaded, checkpoints_.load());
  oldest_checkpoint_ = checkpoints_.oldest();
  kept_problem_ = loaded.problem;
  if (!loaded.problem.empty()) {
    log_event(Level::warn, "live.checkpoint_damaged",
              {{"what", loaded.problem}, {"another_is_used", loaded.body.has_value()}});
  }
  if (!loaded.body) return {};
  const journal::Stats journal = journal_.stats();
  if (loaded.position < journal.first.value || loaded.position > journal.durable_end.value) {
    kept_problem_ = "the checkpoint stands at record " + std::to_string(loaded.position) +
                    ", which the journal does not hold any more: the windows are counted again";
    log_event(Level::warn, "live.checkpoint_unusable", {{"what", kept_problem_}});
    return {};
  }
  ByteReader in(*loaded.body);
  const uint64_t position = in.number(), count = in.number();
  std::map<std::string, Kept, std::less<>> kept;
  for (uint64_t i = 0; i < count && in.is_good(); ++i) {
    Kept& one = kept[in.text()];
    one.shape = in.text();
    one.epoch = in.number();
    one.complete_since = static_cast<int64_t>(in.number());
    one.windows = in.text();
  }
  if (!in.is_good() || !in.at_end() || position != loaded.position) {
    kept_problem_ = "the checkpoint does not read: the windows are counted again";
    log_event(Level::warn, "live.checkpoint_unusable", {{"what", kept_problem_}});
    return {};
  }
  kept_ = std::move(kept);
  position_ = saved_position_ = position;
  is_placed_ = true;
  return {};
}

std::string Follower::encode_locked() const {
  std::string out;
  ByteWriter writer(out);
  writer.number(position_);
  std::vector<const State*> whole;  // one that is still counted is counted again by the next start
  for (const auto& [name, state] : states_) {
    if (state.plan && !state.count) whole.push_back(&state);
  }
  writer.number(whole.size());
  for (const State* state : whole) {
    writer.text(state->live->name);
    writer.text(state->plan->shape);
    writer.number(state->epoch);
    writer.number(static_cast<uint64_t>(state->complete_since));
    std::string windows;
    state->windows->encode(windows);
    writer.text(windows);
  }
  return out;
}

Status Follower::checkpoint() {
  return save_checkpoint(false);
}

// `whatever`: both files, also if nothing has changed.
Status Follower::save_checkpoint(bool whatever) {
  std::string body;
  uint64_t position = 0;
  {
    std::lock_guard lock(mutex_);
    if (!is_followed_locked() || (!whatever && !is_changed_ && position_ == saved_position_)) return {};
    body = encode_locked();
    position = position_;
    is_changed_ = false;
  }
  const Status saved = whatever ? checkpoints_.save_both(position, body) : checkpoints_.save(position, body);
  std::lock_guard lock(mutex_);
  oldest_checkpoint_ = checkpoints_.oldest();
  if (!saved) {
    is_changed_ = true;
    checkpoint_failures_.add();
  } else {
    saved_position_ = position;
    checkpoint_at_ = clock_.wall();
    checkpoints_saved_.add();
  }
  update_needed_locked();
  return saved;
}

// On the follower's thread.
void Follower::renew_if_asked() {
  uint64_t asked = 0;
  bool is_followed = false;
  {
    std::lock_guard lock(mutex_);
    is_followed = is_followed_locked();
    if (renewals_asked_ == renewals_done_ || (is_followed && position_ < renew_through_)) return;
    asked = renewals_asked_;
  }
  Status done = is_followed ? save_checkpoint(true) : checkpoints_.clear();
  std::lock_guard lock(mutex_);
  if (done && !is_followed) oldest_checkpoint_.reset();
  update_needed_locked();
  renewed_ = std::move(done);
  renewals_done_ = asked;
  folded_.notify_all();
}

Status Follower::renew_checkpoints(journal::Sequence through, Duration limit) {
  std::unique_lock lock(mutex_);
  renew_through_ = through.value;
  const uint64_t mine = ++renewals_asked_;
  const bool in_time =
      folded_.wait_for(lock, std::chrono::microseconds(limit.micros), [&] { return renewals_done_ >= mine; });
  if (!in_time) {
    return Error(Code::timed_out, "live windows did not come to a checkpoint within " + format_duration(limit));
  }
  return renewed_;
}

Result<std::vector<std::string>> Follower::recount(const std::string& stream, Duration limit) {
  std::vector<std::string> names;
  {
    std::lock_guard lock(mutex_);
    for (auto& [name, state] : states_) {
      if (!state.plan) continue;
      const auto& sources = state.plan->sources;
      if (std::none_of(sources.begin(), sources.end(), [&](const Source& one) { return one.stream == stream; }))
        continue;
      begin_locked(state);
      names.push_back(name);
    }
    if (names.empty()) return names;
    is_changed_ = true;
  }
  if (catch_up(limit)) return names;
  return Error(Code::timed_out, "live windows were not counted again within " + format_duration(limit));
}

void Follower::update_needed_locked() {
  const uint64_t all = is_followed_locked() ? position_ : UINT64_MAX;
  needed_from_ = is_followed_locked() && oldest_checkpoint_ ? std::min(all, *oldest_checkpoint_) : all;
}

// --- declarations
// -----------------------------------------------------------------------------------------------------

void Follower::set_declarations(std::vector<Declaration> declarations,
                                const std::vector<capture::AppliedStream>& streams) {
  std::lock_guard lock(mutex_);
  std::map<std::string, State, std::less<>> wanted;
  std::vector<State*> fresh;
  lanes_.clear();
  for (Declaration& declaration : declarations) {
    State& state = wanted[declaration.name];
    state.live = std::make_shared<const Declaration>(std::move(declaration));
    if (!state.live->enabled) continue;
    Binding binding = bind_live(state.live, streams);
    if (!binding.plan) {
      state.problem = binding.errors.front().message;
      continue;
    }
    state.plan = binding.plan;
    const auto before = states_.find(state.live->name);
    if (before != states_.end() && before->second.plan && before->second.plan->shape == state.plan->shape) {
      before->second.windows->set_plan(state.plan);
      std::shared_ptr<const Declaration> live = std::move(state.live);
      std::shared_ptr<const Plan> plan = std::move(state.plan);
      state = std::move(before->second);
      state.live = std::move(live);
      state.plan = std::move(plan);
    } else if (!resume_locked(state)) {
      fresh.push_back(&state);
    }
  }
  states_ = std::move(wanted);
  kept_.clear();
  make_lanes_locked();
  if (is_followed_locked()) place_locked();
  for (State* state : fresh) {
    begin_locked(states_.find(state->live->name)->second);
  }
  is_changed_ = true;
  update_needed_locked();
}

// As the checkpoint has it.
bool Follower::resume_locked(State& state) {
  const auto kept = kept_.find(state.live->name);
  if (kept == kept_.end() || kept->second.shape != state.plan->shape) return false;
  auto windows = Windows::decode(state.plan, kept->second.windows);
  if (!windows) {
    kept_problem_ = windows.error().message;
    return false;
  }
  state.windows = std::make_unique<Windows>(std::move(*windows));
  state.epoch = kept->second.epoch;
  state.complete_since = kept->second.complete_since;
  state.from = position_;
  last_epoch_ = std::max(last_epoch_, state.epoch);
  return true;
}

// Where following begins, if it did not yet: at the journal's end if the lake tells what lies before, else at its
// beginning.
void Follower::place_locked() {
  if (is_placed_) return;
  position_ = options_.history ? journal_.durable_end().value : std::max<uint64_t>(1, journal_.stats().first.value);
  is_placed_ = true;
  is_reader_stale_ = true;
}

void Follower::begin_locked(State& state) {
  state.windows = std::make_unique<Windows>(state.plan);
  state.epoch = next_epoch();
  state.from = position_;
  state.problem = kept_problem_;
  if (position_ <= 1) return;  // nothing lies before
  const WallTime now = clock_.wall();
  if (!options_.history) {
    state.complete_since = now.micros;
    return;
  }
  state.windows->forget_before(now.micros);
  state.complete_since = state.windows->floor() * state.live->size.micros;
  state.count = std::make_shared<Count>();
  state.count->plan = state.plan;
  state.count->range = {position_, state.windows->floor()};
}

void Follower::make_lanes_locked() {
  lanes_.clear();
  for (auto& [name, state] : states_) {
    state.metrics.clear();
    if (!state.plan) continue;
    for (size_t i = 0; i < state.plan->sources.size(); ++i) {
      const Source& source = state.plan->sources[i];
      lanes_[source.number].push_back({&state, i, std::make_unique<FieldReader>(source)});
    }
    for (const Measure& measure : state.live->measures) {
      state.metrics.push_back(
          measure.metric.empty()
              ? nullptr
              : &metrics_.gauge("weir_live_measure", "A measure of the newest live window that has ended.",
                                {{"namespace", state.live->metrics_namespace}, {"metric", measure.metric}}));
    }
  }
  if (lanes_.empty()) is_placed_ = false;  // what comes meanwhile is the lake's to tell
}

uint64_t Follower::next_epoch() {
  last_epoch_ = std::max(static_cast<uint64_t>(clock_.wall().micros), last_epoch_ + 1);
  return last_epoch_;
}

// --- following
// --------------------------------------------------------------------------------------------------------

// False if nothing is followed.
bool Follower::open_reader() {
  uint64_t from = 0;
  {
    std::lock_guard lock(mutex_);
    if (!is_followed_locked()) {
      reader_.reset();
      is_reader_stale_ = true;
      return false;
    }
    if (reader_ && !is_reader_stale_) return true;
    from = position_;
    is_reader_stale_ = false;
  }
  auto reader = journal_.read_from({from});
  if (!reader) {
    log_event(Level::error, "live.journal_unread", {{"error", reader.error().text()}});
    return false;
  }
  reader_ = std::move(*reader);
  return true;
}

void Follower::fold_locked(const journal::Entry& entry) {
  const uint64_t sequence = entry.sequence.value;
  position_ = sequence + 1;
  const auto record = capture::decode(entry.bytes);
  if (!record) {
    damage_.add();
    if (damage_log_.admit(clock_.steady_micros())) {
      log_event(Level::error, "live.damage", {{"sequence", sequence}, {"error", record.error().text()}});
    }
    return;
  }
  const auto lanes = lanes_.find(record->stream);
  if (lanes == lanes_.end()) return;
  for (Lane& lane : lanes->second) {
    if (sequence < lane.state->from) continue;
    Windows& windows = *lane.state->windows;
    const uint64_t late = windows.late(), misfits = windows.misfit_count();
    windows.fold(lane.source, *lane.reader, sequence, *record);
    if (windows.late() != late) late_.add();
    if (windows.misfit_count() != misfits) misfits_.add(windows.misfit_count() - misfits);
  }
  is_changed_ = true;
}

Result<uint64_t> Follower::pump() {
  submit_counts();
  uint64_t folded = 0;
  while (open_reader()) {
    auto group = reader_->next_group();
    if (!group && group.error().code != Code::corrupt) return group.error();
    if (!group) {
      damage_.add();
      log_event(Level::error, "live.damage", {{"error", group.error().text()}});
    } else if (group->empty()) {
      break;
    }
    for (size_t at = 0; group && at < group->size();) {
      std::lock_guard lock(mutex_);
      if (is_reader_stale_) break;  // an apply began to follow elsewhere
      const size_t end = std::min(group->size(), at + kFoldedAtOnce);
      for (; at < end; ++at) fold_locked((*group)[at]);
    }
    if (group) folded += group->size();
    std::lock_guard lock(mutex_);
    if (!is_reader_stale_) position_ = std::max(position_, reader_->position().value);
    folded_.notify_all();
  }
  records_.add(folded);
  std::lock_guard lock(mutex_);
  merge_counts_locked();
  if (folded > 0) update_needed_locked();
  const uint64_t end = journal_.durable_end().value;
  lag_.set(is_followed_locked() && end > position_ ? static_cast<double>(end - position_) : 0);
  return folded;
}

// --- what the lake counted
// --------------------------------------------------------------------------------------------

void Follower::submit_counts() {
  std::vector<std::shared_ptr<Count>> waiting;
  {
    std::lock_guard lock(mutex_);
    for (auto& [name, state] : states_) {
      if (state.count && !state.count->is_submitted) waiting.push_back(state.count);
    }
  }
  for (const auto& count : waiting) {
    const auto task = [count, history = options_.history] {
      auto outcome = history(*count->plan, count->range);
      std::lock_guard lock(count->mutex);
      count->outcome = std::move(outcome);
    };
    // A full lane takes it the next time.
    count->is_submitted = !options_.defer || options_.defer(task).has_value();
    if (!options_.defer) task();
  }
}

void Follower::merge_counts_locked() {
  for (auto& [name, state] : states_) {
    if (!state.count) continue;
    std::optional<Result<Counted>> outcome;
    {
      std::lock_guard lock(state.count->mutex);
      outcome = std::move(state.count->outcome);
    }
    if (!outcome) continue;
    if (*outcome) {
      state.windows->merge(std::move(**outcome));
    } else {
      state.complete_since = clock_.wall().micros;
      state.problem = "what the lake holds could not be counted: " + outcome->error().text();
      log_event(Level::error, "live.history_uncounted", {{"live", name}, {"error", outcome->error().text()}});
    }
    state.epoch = next_epoch();
    state.count.reset();
    is_changed_ = true;
    folded_.notify_all();
  }
}

bool Follower::catch_up(Duration limit) {
  const uint64_t wanted = journal_.durable_end().value;
  std::unique_lock lock(mutex_);
  return folded_.wait_for(lock, std::chrono::microseconds(limit.micros), [&] {
    if (!is_followed_locked()) return true;
    const bool is_counting =
        std::any_of(states_.begin(), states_.end(), [](const auto& one) { return one.second.count != nullptr; });
    return position_ >= wanted && !is_counting;
  });
}

// The newest window that has ended, of measures that are exported.
void Follower::export_metrics() {
  std::lock_guard lock(mutex_);
  double rows = 0;
  for (const auto& [name, state] : states_) {
    if (!state.plan) continue;
    rows += static_cast<double>(state.windows->rows());
    const auto& windows = state.windows->all();
    const auto window = windows.find(window_of(clock_.wall().micros, state.live->size) - 1);
    for (size_t i = 0; i < state.metrics.size(); ++i) {
      if (state.metrics[i] == nullptr) continue;
      Value value;
      if (window != windows.end() && !window->second.rows.empty()) {
        value = value_of(*state.plan, window->second.rows.begin()->second, i);
      }
      state.metrics[i]->set(value.real);
    }
  }
  rows_.set(rows);
}

void Follower::run(const std::function<bool()>& stop) {
  while (!stop()) {
    uint64_t position = UINT64_MAX;
    {
      std::lock_guard lock(mutex_);
      if (is_followed_locked()) position = position_;
    }
    const bool is_idle = position == UINT64_MAX;
    (void)journal_.wait_past({position}, is_idle ? kIdleFor : kWakeEvery);
    const auto pumped = pump();
    if (!pumped) log_event(Level::error, "live.follow_failed", {{"error", pumped.error().text()}});
    renew_if_asked();
    // Many small groups a second are folded a few at a time: nobody sees the difference, and capture has the processor.
    if (!is_idle && (!pumped || *pumped < kFewRecords)) std::this_thread::sleep_for(kGather);
    const int64_t now = clock_.steady_micros();
    if (now >= metrics_due_) {
      export_metrics();
      metrics_due_ = now + kExportEvery.micros;
    }
    if (now < checkpoint_due_) continue;
    const Status saved = checkpoint();
    const int64_t took = clock_.steady_micros() - now;
    checkpoint_due_ =
        now + (saved ? std::max(options_.checkpoint_interval.micros, took * kCheckpointShare) : kRetryAfter.micros);
    if (!saved) log_event(Level::error, "live.checkpoint_failed", {{"error", saved.error().text()}});
  }
  if (const Status saved = checkpoint(); !saved) {
    log_event(Level::warn, "live.checkpoint_failed", {{"error", saved.error().text()}});
  }
}

}  // namespace weir::live
