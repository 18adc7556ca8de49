#include "spine_actor.h"

#include <algorithm>

#include "core/base/time.h"
#include "stream/capture/declaration.h"
#include "stream/capture/record.h"

namespace weir::sim {

namespace {

constexpr Duration kDayMax = days(5);  // within the window of the index, so that a resend is always a duplicate

capture::Field field(std::string name, capture::FieldType type) {
  capture::Field out;
  out.name = std::move(name);
  out.type = type;
  out.required = true;
  return out;
}

}  // namespace

capture::Stream SpineActor::stream_of(const std::string& name) const {
  capture::Stream out;
  out.name = name;
  out.fields = {field("n", capture::FieldType::integer), field("at", capture::FieldType::timestamp),
                field("pad", capture::FieldType::string)};
  out.time_field = "at";
  if (name == "clicks") {
    out.fields.insert(out.fields.begin(), field("id", capture::FieldType::string));
    out.key = "id";
    out.assign_key = false;
  } else {
    out.partition = capture::PartitionBy::year_month;
  }
  out.retention = retention_;
  return out;
}

SpineActor::SpineActor(World& world)
    : world_(world), book_([&world](const std::string& what) { world.problem("spine: " + what); }) {
  journal_options_.folder = "/weir/journal";
  journal_options_.segment_bytes = (32 + 16 * world.below(4)) << 10;
  journal_options_.queued_bytes_max = 24 << 10;
  journal_options_.group_bytes_max = (4 + 4 * world.below(3)) << 10;
  journal_options_.own_thread = false;
  lake_options_.store_root = "/weir/store";
  lake_options_.commit_bytes = (4 + world.below(24)) << 10;
  lake_options_.tail_bytes_max = lake_options_.commit_bytes + (8 << 10);
  lake_options_.partitions_max = 2 + world.below(30);
  lake_options_.compact_files = 2 + world.below(4);
  lake_options_.compact_bytes = (4 + world.below(64)) << 10;
  lake_options_.replaced_keep = world.chance(1, 2) ? seconds(0) : hours(2);
  lake_options_.rebuild_memory = (2 + world.below(30)) << 10;
  // Shorter than the age of many events, so that days go all the time.
  if (world.chance(1, 2)) retention_ = days(1 + static_cast<int64_t>(world.below(12)));
  capture_options_.folder = "/weir/dedup";
  capture_options_.index_memory_bytes = 1 << 20;
}

bool SpineActor::is_faulty() const {
  return world_.bits_flipped > 0 || process_->is_dead() || world_.disk.is_power_off();
}

void SpineActor::check_failure(const char* doing, const Error& error) {
  const bool is_known = error.code == Code::io || error.code == Code::no_space || error.code == Code::unavailable;
  if (!is_known && !is_faulty()) world_.problem(std::string("spine: ") + doing + " failed: " + error.text());
}

bool SpineActor::start(Process& process) {
  process_ = &process;
  const Status opened = open(process);
  if (!opened) {
    check_failure("a start", opened.error());
    if (process.metrics().read("weir_journal_damages_total").value_or(0) > 0) was_damage_reported_ = true;
    return false;
  }
  const journal::Stats stats = journal_->stats();
  is_provisional_ = stats.full && world_.syncs_failed > 0;
  check_leftovers();
  if (!take_inventory(true)) return !is_faulty();
  return true;
}

// In the order of app: see Composed::open_storage().
Status SpineActor::open(Process& process) {
  Files& files = process.files();
  TRY(files.make_directories("/weir"));
  TRY_ASSIGN(control_, control::Control::open(files, "/weir/control.db", world_.clock));
  TRY_ASSIGN(journal_, journal::Journal::open(files, world_.clock, process.metrics(), journal_options_));
  mutant_journal_ = std::make_unique<MutantJournal>(*journal_, world_.mutant);
  TRY_ASSIGN(lake_, lake::Lake::open(files, world_.clock, process.metrics(), *journal_, *control_, lake_options_));
  TRY_ASSIGN(capture_, capture::Capture::open(files, world_.clock, world_.random, process.metrics(), *mutant_journal_,
                                              capture_options_));
  lake_->set_engine(engine_, RowsEngine::writer(files), RowsEngine::merger(files),
                    RowsEngine::digest(files, lake_options_.store_root));
  TRY(open_streams());
  TRY_ASSIGN(observer_, journal_->read_from({1}));
  return {};
}

Status SpineActor::open_streams() {
  TRY_ASSIGN(auto declared, control_->declarations());
  if (declared.empty()) {
    if (!stream_names_.empty()) world_.problem("spine: the declarations of the streams are lost");
    std::vector<control::Declaration> wanted;
    for (const char* name : {"clicks", "views"}) {
      control::Declaration declaration;
      declaration.kind = "stream";
      declaration.name = name;
      declaration.body = capture::to_json(stream_of(name));
      wanted.push_back(std::move(declaration));
    }
    TRY_ASSIGN(declared, control_->apply(wanted, {}));
  }
  std::vector<capture::AppliedStream> streams;
  for (const auto& declaration : declared) {
    TRY_ASSIGN(auto stream, capture::stream_from_json(declaration.body));
    const auto known = stream_names_.emplace(declaration.number, declaration.name).first;
    if (known->second != declaration.name) world_.problem("spine: a stream's number was given again");
    streams.push_back({declaration.number, declaration.revision, std::make_shared<capture::Stream>(std::move(stream))});
  }
  TRY(lake_->set_streams(streams));
  capture_->set_streams(std::move(streams));
  return {};
}

void SpineActor::step() {
  if (world_.bits_flipped > 0) name_damage();
  const uint64_t what = world_.below(100);
  if (what < 4) {
    load_piece();
  } else if (what < 42) {
    send();
  } else if (what < 66) {
    run_some_groups();
  } else if (what < 80) {
    follow_a_round();
  } else if (what < 83) {
    if (const auto pumped = lake_->pump(); !pumped) check_failure("following", pumped.error());
  } else if (what < 86) {
    if (const auto committed = lake_->commit(); !committed) check_failure("a commit", committed.error());
  } else if (what < 88) {
    release();
  } else if (what < 90) {
    const uint64_t kind = world_.below(4);
    kind < 2 ? compact() : kind < 3 ? retain() : rebuild();
  } else if (what < 93) {
    if (const auto maintained = capture_->maintain(); !maintained) check_failure("maintain()", maintained.error());
  } else if (what < 94) {
    take_inventory(false);
  } else if (passed_ < kDayMax) {
    const Duration jump = world_.chance(1, 2)   ? milliseconds(static_cast<int64_t>(world_.below(15'000)))
                          : world_.chance(3, 4) ? minutes(static_cast<int64_t>(world_.below(50)))
                                                : hours(static_cast<int64_t>(world_.below(8)));
    passed_.micros += jump.micros;
    world_.clock.advance(jump);
  }
}

void SpineActor::run_some_groups() {
  const uint64_t groups = 1 + world_.below(4);
  for (uint64_t i = 0; i < groups && journal_->run_once(); ++i) {
  }
  observe();
}

Row SpineActor::row_of(uint64_t sequence, const std::string& bytes) {
  Row row;
  row.sequence = sequence;
  const auto record = capture::decode(bytes);
  if (!record) {
    world_.problem("spine: record " + std::to_string(sequence) + " cannot be decoded: " + record.error().text());
    return row;
  }
  row.quarantined = record->kind == capture::RecordKind::quarantined;
  row.is_mark = record->kind == capture::RecordKind::mark;
  row.table = stream_names_[record->stream] + (row.quarantined ? "_quarantine" : row.is_mark ? "_intake" : "");
  row.id = record->id;
  row.content = record->payload;
  const bool by_event = !row.quarantined && !row.is_mark;
  row.day = day_number(by_event ? record->event_time.micros : record->arrived_at.micros);
  if (row.quarantined) return row;
  const auto payload = Json::parse(record->payload);
  if (!payload) {
    world_.problem("spine: the payload of record " + std::to_string(sequence) + " is no JSON");
    return row;
  }
  if (row.is_mark) {
    row.content = mark_text(*payload);
    return row;
  }
  row.number = static_cast<uint64_t>((*payload)["n"].as_int());
  row.content = (*payload)["pad"].as_string();
  return row;
}

// Notes the sequences of what became durable, before anything can happen to it.
void SpineActor::observe() {
  while (true) {
    const auto group = observer_->next_group();
    if (!group && group.error().code == Code::corrupt) continue;
    if (!group || group->empty()) return;
    for (const journal::Entry& entry : *group) book_.seen(row_of(entry.sequence.value, std::string(entry.bytes)));
  }
}

// One round of the follower's loop as it runs in the program: pump, commit by age and size, release.
void SpineActor::follow_a_round() {
  bool is_over = false;
  lake_->run([&] { return std::exchange(is_over, true); }, [this] { return capture_->sealed_through(); });
}

// By itself, as the program does it all the time, or as a person orders it.
void SpineActor::compact() {
  const Cancel never;
  if (world_.chance(2, 3)) {
    const auto maintained = lake_->maintain(never);
    if (!maintained) return check_maintenance("maintaining the lake", maintained.error());
    merged_ += *maintained ? 1 : 0;
    return;
  }
  const auto done = lake_->compact({}, never);
  if (!done) return check_maintenance("compact()", done.error());
  merged_ += done->files_after;
}

// Damage is named and left where it is; a commit that failed comes first.
void SpineActor::check_maintenance(const char* doing, const Error& error) {
  if (error.code == Code::busy || (error.code == Code::corrupt && world_.bits_flipped > 0)) return;
  check_failure(doing, error);
}

void SpineActor::retain() {
  const Cancel never;
  const auto told = lake_->retain({.stream = {}, .dry_run = true}, never);
  if (!told) return check_maintenance("a dry retain()", told.error());
  if (world_.chance(1, 4)) return;
  const auto done = lake_->retain({}, never);
  if (!done) return check_maintenance("retain()", done.error());
  if (done->files.size() != told->files.size()) world_.problem("spine: retain() removes other files than it told");
  retired_ += done->files.size();
}

// What lies in the archive is what the Parquet holds, so no partition may come out otherwise.
void SpineActor::rebuild() {
  const Cancel never;
  const auto done = lake_->rebuild(world_.chance(1, 2) ? "clicks" : "views", never);
  if (!done) return check_maintenance("rebuild()", done.error());
  ++rebuilt_;
  if (done->partitions_changed > 0 && world_.bits_flipped == 0) {
    world_.problem("spine: a rebuild changed " + std::to_string(done->partitions_changed) + " partitions");
  }
  if (!done->problems.empty()) world_.problem("spine: a rebuild says: " + done->problems.front());
}

void SpineActor::release() {
  const journal::Sequence committed = lake_->status().cursor;
  const journal::Sequence below = world_.mutant == Mutant::release_before_commit
                                      ? journal_->durable_end()
                                      : std::min(committed, capture_->sealed_through());
  const uint64_t first = journal_->stats().first.value;
  if (const Status released = journal_->release(below); !released) check_failure("release()", released.error());
  if (journal_->stats().first.value > first) ++releases_;
}

void SpineActor::stop() {
  observer_.reset();
  capture_.reset();
  lake_.reset();
  mutant_journal_.reset();
  journal_.reset();
  control_.reset();
  if (load_) load_->is_under_way = false;  // the marks say how far it came
  if (unanswered_ > 0) world_.problem("spine: requests were never answered");
  unanswered_ = 0;
}

void SpineActor::finish() {
  for (int i = 0; i < 10; ++i) {
    if (world_.bits_flipped > 0) name_damage();
    send();
    load_piece();
    run_some_groups();
    world_.clock.advance(seconds(2));
    follow_a_round();
  }
  while (journal_->run_once()) {
  }
  observe();
  if (unanswered_ > 0) world_.problem("spine: requests were not answered at the end");
  if (world_.bits_flipped > 0) name_damage();
  // A planted failure of a sync may still come; a control database that met one waits for the next start.
  for (int i = 0; i < 200 && lake_->status().cursor < journal_->durable_end(); ++i) {
    if (const auto pumped = lake_->pump(); !pumped) check_failure("following", pumped.error());
    if (const auto committed = lake_->commit(); !committed) check_failure("a commit", committed.error());
  }
  if (lake_->status().cursor < journal_->durable_end() && world_.syncs_failed == 0 && world_.bits_flipped == 0) {
    world_.problem("spine: the lake does not get to the journal's end on a sound disk: " + lake_->status().error);
  }
  if (const Status maintained = capture_->maintain(); !maintained) check_failure("maintain()", maintained.error());
  release();
  retain();
  rebuild();
  take_inventory(false);
}

}  // namespace weir::sim
