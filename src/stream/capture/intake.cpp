#include "stream/capture/intake.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "stream/capture/record.h"

namespace weir::capture {
namespace {

constexpr size_t kIdempotencyKeyBytesMax = 255;
constexpr size_t kRecordHeadBytes = 128;  // about what a record has beside its payload
constexpr size_t kBatchBytesAtOnce = 4u << 20;

void append_number(uint64_t value, std::string& into) {
  into.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

Status Intake::prepare(const IntakeTools& tools, const StreamPlan& plan, const AppliedStream& applied,
                       const Submission& submission, const Limits& limits) {
  if (submission.idempotency_key.size() > kIdempotencyKeyBytesMax) {
    return Error(Code::invalid, "the Idempotency-Key has " + std::to_string(submission.idempotency_key.size()) +
                                    " bytes, allowed are " + std::to_string(kIdempotencyKeyBytesMax));
  }
  if (submission.format == BodyFormat::batch && !plan.stream->beacon) {
    return Error(Code::invalid, "the stream " + plan.stream->name + " declares no beacon, so it takes no batches",
                 "send the records to /v1/streams/" + plan.stream->name);
  }
  large_body_ = submission.body.size() > kBodyBytesKept;
  TRY(reader_.read(plan, submission.body, submission.format, limits));
  if (submission.origin != nullptr && submission.origin->one_record && reader_.records().size() != 1) {
    return Error(Code::invalid, "not one record: it reads as " + std::to_string(reader_.records().size()));
  }
  start(tools, plan, applied, submission);
  items_.clear();
  items_.resize(reader_.records().size());
  for (size_t i = 0; i < items_.size(); ++i) identify(tools, i, reader_.records()[i]);
  refuse_forgotten();
  if (new_keys_max_ > 1) find_repeats();
  runs_ = tools.index.runs();
  TRY(look_up(tools));
  for (Item& item : items_) {
    if (item.fate == Fate::take) check_forgotten(tools, item);
    if (item.fate == Fate::take) check_time(tools, item);
    if (item.is_appended()) encode_item(item, batch_);
  }
  changed_ = false;
  return {};
}

void Intake::start(const IntakeTools& tools, const StreamPlan& plan, const AppliedStream& applied,
                   const Submission& submission) {
  plan_ = &plan;
  applied_ = applied;
  origin_ = submission.origin;
  taken_at_ = {tools.clock.wall().micros};
  arrived_at_ = origin_ == nullptr ? taken_at_ : origin_->arrived_at;
  const int64_t not_before = taken_at_.micros - plan.stream->dedup_window.micros;
  not_before_s_ = static_cast<uint32_t>(std::max<int64_t>(0, not_before / 1'000'000));
  id_seed_.clear();
  whole_body_ = false;
  if (!submission.idempotency_key.empty()) {
    id_seed_ = "Idempotency-Key";
    append_number(applied.number, id_seed_);
    id_seed_ += submission.idempotency_key;
    whole_body_ = plan.stream->key.empty();
    if (whole_body_) body_hash_ = checksum64(submission.body);
  }
  batch_ = {};
  batch_bytes_ = nullptr;
  changed_ = needs_barrier_ = false;
  new_keys_max_ = 0;
}

// What a record is called, and what is known of its fate without looking at other records.
void Intake::identify(const IntakeTools& tools, size_t index, Candidate& record) {
  Item& item = items_[index];
  item.text = record.text;
  item.event_time = {record.has_time ? record.event_time : arrived_at_.micros};
  item.fits = record.fits();
  item.indexed = whole_body_ || (item.fits && record.key_state != KeyState::none);
  item.resolved = !item.indexed;
  if (item.fits) {
    item.payload = record.payload;
    item.id = record.key;
    if (record.key_state == KeyState::absent) item.id = new_id(tools, index, record.id_at);
    if (record.key_state == KeyState::none) item.id = new_id(tools, index, reader_.arena().take(kUuidTextBytes));
    item.payload_hash = checksum64(item.payload);
  } else {
    const Problem& problem = reader_.problem(record);
    item.code = problem.code;
    item.field = problem.field;
    item.message = problem.message;
    item.fate = unfit();
    if (record.text.size() > reader_.limits().record_bytes) {
      item.fate = Fate::refuse;
      item.indexed = false;
      item.resolved = true;
      return;
    }
    item.id = item.entry_id = new_id(tools, index, reader_.arena().take(kUuidTextBytes));
  }
  if (!item.indexed) return;
  if (whole_body_) item.payload_hash = body_hash_;
  name_key(tools, item);
  ++new_keys_max_;
}

std::string_view Intake::new_id(const IntakeTools& tools, size_t index, char* where) {
  if (id_seed_.empty()) {
    format_uuid(uuid_v7(tools.clock, tools.random), where);
  } else {
    const size_t size = id_seed_.size();
    append_number(index, id_seed_);
    format_uuid(uuid_from_hash(fingerprint(tools.index.hash_key(), id_seed_)), where);
    id_seed_.resize(size);
  }
  return {where, kUuidTextBytes};
}

void Intake::name_key(const IntakeTools& tools, Item& item) const {
  char bytes[sizeof(uint32_t) + EventJudge::Rules{}.key_bytes_max];
  CHECK(item.id.size() <= EventJudge::Rules{}.key_bytes_max, "the judge bounds keys");
  std::memcpy(bytes, &applied_.number, sizeof(uint32_t));
  std::memcpy(bytes + sizeof(uint32_t), item.id.data(), item.id.size());
  item.key = fingerprint(tools.index.hash_key(), {bytes, sizeof(uint32_t) + item.id.size()});
  if (item.key == Fingerprint{}) item.key.low = 1;  // all zero means: no key
}

// The code if the event's time is too far from its arrival, or nullptr.
const char* Intake::untimely(const Item& item, int64_t arrival_micros) const {
  const Stream& stream = *plan_->stream;
  const bool any_age = origin_ != nullptr && origin_->any_age;
  const int64_t later = origin_ == nullptr ? 0 : origin_->arrived_within.micros;
  if (!any_age && item.event_time.micros < arrival_micros - stream.past_max.micros) return "too_old";
  if (item.event_time.micros > arrival_micros + later + stream.future_max.micros) return "too_new";
  return nullptr;
}

// An event goes to quarantine under an id of that entry: its own may come again and be accepted.
std::string_view Intake::entry_id(const IntakeTools& tools, const Item& item) {
  if (whole_body_) return item.id;
  char* where = reader_.arena().take(kUuidTextBytes);
  format_uuid(uuid_v7(tools.clock, tools.random), where);
  return {where, kUuidTextBytes};
}

// Whether a new event would be too old or too new; one that was accepted before stays a duplicate whatever its age.
void Intake::check_time(const IntakeTools& tools, Item& item) {
  const char* code = untimely(item, arrived_at_.micros);
  if (code == nullptr) return;
  const Stream& stream = *plan_->stream;
  const bool old = std::string_view(code) == "too_old";
  item.fate = unfit();
  item.code = code;
  item.field = stream.time_field;
  item.entry_id = entry_id(tools, item);
  item.message = reader_.arena().keep("found " + shown_time(item.event_time.micros) + ", received " +
                                      shown_time(arrived_at_.micros) + ", expected at most " +
                                      format_duration(old ? stream.past_max : stream.future_max) +
                                      (old ? " before arrival (past_max)" : " after arrival (future_max)"));
}

// Who was forgotten does not come back with old files: a tombstone would say no more than that they were in one.
void Intake::refuse_forgotten() {
  if (origin_ == nullptr || origin_->forgotten == nullptr) return;
  for (const Forgetting& one : *origin_->forgotten) {
    Subject subject(one.field, one.hash);
    for (Item& item : items_) {
      const bool is_old = item.event_time.micros < one.at.micros;
      if (!is_old || !item.is_appended() || !(item.fits ? subject.names(item.payload) : subject.is_in(item.text)))
        continue;
      if (item.indexed) --new_keys_max_;
      item.fate = Fate::refuse;
      item.resolved = true;
      item.indexed = item.enters = false;
      item.code = "forgotten";
      item.field = {};
      item.message = "it names somebody who was forgotten since";
    }
  }
}

// The index has let go of keys that are older than the window; whoever brings old records knows of them otherwise.
void Intake::check_forgotten(const IntakeTools& tools, Item& item) {
  if (origin_ == nullptr || origin_->forgotten_keys == nullptr) return;
  if (item.resolved || !origin_->forgotten_keys->contains(item.id)) return;
  item.fate = unfit();
  item.code = "conflict";
  item.field = plan_->stream->key;
  item.entry_id = entry_id(tools, item);
  item.message = reader_.arena().keep("an event with the key " + shown(item.id) +
                                      " was accepted before the stream's dedup window, perhaps this one");
}

void Intake::find_repeats() {
  const size_t size = std::bit_ceil(items_.size() * 2);
  slots_.assign(size, -1);
  for (size_t i = 0; i < items_.size(); ++i) {
    Item& item = items_[i];
    if (!item.indexed) continue;
    size_t at = item.key.low & (size - 1);
    while (slots_[at] >= 0 && items_[static_cast<size_t>(slots_[at])].key != item.key) at = (at + 1) & (size - 1);
    item.same_before = slots_[at];
    slots_[at] = static_cast<int32_t>(i);
  }
}

Status Intake::look_up(const IntakeTools& tools) {
  for (const Item& item : items_) {
    if (!item.resolved) tools.index.prefetch(*runs_, item.key);
  }
  for (Item& item : items_) {
    if (item.resolved) continue;
    auto found = tools.index.find_sealed(*runs_, item.key, not_before_s_);
    if (!found) {
      item.fate = Fate::refuse;
      item.resolved = changed_ = true;
      item.retryable = true;
      item.code = code_name(found.error().code);
      item.message =
          reader_.arena().keep("whether this event was accepted before cannot be told: " + found.error().text());
    } else if (*found) {
      TRY(meet(tools, item, {(*found)->payload_hash, (*found)->arrival_s, (*found)->is_forgotten()}));
    }
  }
  return {};
}

Status Intake::look_again(const IntakeTools& tools) {
  runs_ = tools.index.runs();
  return look_up(tools);
}

Status Intake::meet(const IntakeTools& tools, Item& item, const Before& before) {
  const bool same = before.is_forgotten || before.payload_hash == static_cast<uint32_t>(item.payload_hash);
  item.resolved = changed_ = true;
  const int64_t arrival_micros = int64_t{before.arrival_s} * 1'000'000;
  if (whole_body_) {
    if (!same) {
      return Error(Code::conflict, "this Idempotency-Key was used before with another body",
                   "use a new key for each new body");
    }
    // Judged as at its first arrival, so that the answer is the first one's.
    if (item.fits && untimely(item, arrival_micros) == nullptr) {
      item.fate = Fate::duplicate;
    } else {
      if (item.fits) check_time(tools, item);
      item.fate = Fate::repeat;
    }
    return {};
  }
  if (same) {
    item.fate = Fate::duplicate;
    return {};
  }
  item.fate = unfit();
  item.code = "conflict";
  item.field = plan_->stream->key;
  item.entry_id = entry_id(tools, item);
  item.begin = item.end = 0;
  item.message = reader_.arena().keep("an event with the key " + shown(item.id) + " was accepted at " +
                                      shown_time(arrival_micros) + " with another payload");
  return {};
}

void Intake::encode_item(Item& item, journal::Batch& into) {
  Record record;
  record.stream = applied_.number;
  record.revision = applied_.revision;
  record.arrived_at = arrived_at_;
  if (origin_ != nullptr) record.taken_at = taken_at_;
  record.event_time = item.event_time;
  record.payload_hash = item.payload_hash;
  if (item.fate == Fate::take) {
    if (item.indexed) record.key = item.key;
    record.id = item.id;
    record.payload = item.payload;
  } else {
    record.kind = RecordKind::quarantined;
    if (whole_body_) record.key = item.key;
    record.id = item.entry_id;
    record.payload = item.text;
    record.reason = item.code;
    record.field = item.field;
    record.message = placed_message(item);
  }
  std::string& bytes = into.open_record();
  if (into.empty()) {
    bytes.reserve(std::min(kBatchBytesAtOnce, items_.size() * (item.text.size() + kRecordHeadBytes) + 1024));
  }
  batch_bytes_ = &bytes;
  item.begin = bytes.size();
  encode(record, bytes);
  item.end = bytes.size();
  into.close_record();
}

std::string_view Intake::placed_message(const Item& item) {
  if (origin_ == nullptr || !origin_->place) return item.message;
  const std::string place = origin_->place(static_cast<size_t>(&item - items_.data()));
  return place.empty() ? item.message : reader_.arena().keep(place + ": " + std::string(item.message));
}

bool Intake::is_refused_for_now() const {
  return std::any_of(items_.begin(), items_.end(),
                     [](const Item& item) { return item.fate == Fate::refuse && item.retryable; });
}

std::string Intake::encode_mark(const IntakeTools& tools, const Reply& reply) const {
  if (origin_ == nullptr || !origin_->mark || is_refused_for_now()) return {};
  const std::optional<Mark> mark = origin_->mark(reply);
  if (!mark) return {};
  char id[kUuidTextBytes];
  format_uuid(uuid_v7(tools.clock, tools.random), id);
  const std::string payload = mark_json(*mark);
  Record record;
  record.kind = RecordKind::mark;
  record.stream = applied_.number;
  record.revision = applied_.revision;
  record.arrived_at = taken_at_;
  record.event_time = {taken_at_.micros};
  record.id = {id, sizeof id};
  record.payload = payload;
  std::string out;
  encode(record, out);
  return out;
}

Status Intake::decide(const IntakeTools& tools, uint64_t durable_end) {
  for (Item& item : items_) {
    if (item.resolved) continue;
    if (auto known = tools.index.find_recent(item.key, not_before_s_)) {
      item.pending = known->sequence >= durable_end;
      needs_barrier_ |= item.pending;
      TRY(meet(tools, item, {known->payload_hash, known->arrival_s}));
      continue;
    }
    const Item* first = nullptr;
    for (int32_t before = item.same_before; before >= 0 && first == nullptr;) {
      const Item& other = items_[static_cast<size_t>(before)];
      if (other.enters) first = &other;
      before = other.same_before;
    }
    item.resolved = true;
    if (first != nullptr) {
      item.pending = true;
      TRY(meet(tools, item, {static_cast<uint32_t>(first->payload_hash), arrival_s()}));
    } else {
      item.enters = item.fate == Fate::take || whole_body_;
    }
  }
  return {};
}

journal::Batch Intake::take_batch() {
  if (!changed_) return std::move(batch_);
  const std::string* prepared = batch_bytes_;  // the bytes of batch_, which stays as it is
  journal::Batch out;
  for (Item& item : items_) {
    if (!item.is_appended()) continue;
    if (item.begin != item.end) {
      out.add(std::string_view(*prepared).substr(item.begin, item.end - item.begin));
    } else {
      encode_item(item, out);
    }
  }
  return out;
}

void Intake::refuse_all(const Error& error) {
  const std::string_view message = reader_.arena().keep(error.message);
  for (Item& item : items_) {
    if (item.resolved && !item.is_appended() && !item.pending) continue;
    item.fate = Fate::refuse;
    item.enters = false;
    item.retryable = error.code != Code::too_large;
    item.code = code_name(error.code);
    item.field = {};
    item.message = message;
  }
  changed_ = true;
  needs_barrier_ = false;
}

Reply Intake::reply() const {
  Reply out;
  out.verdicts.resize(items_.size());
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    Verdict& verdict = out.verdicts[i];
    verdict.id = item.fate == Fate::take || item.fate == Fate::duplicate ? item.id : item.entry_id;
    switch (item.fate) {
      case Fate::take:
        verdict.outcome = Outcome::accepted;
        ++out.accepted;
        continue;
      case Fate::duplicate:
        verdict.outcome = Outcome::duplicate;
        ++out.duplicates;
        continue;
      case Fate::quarantine:
      case Fate::repeat:
        verdict.outcome = Outcome::quarantined;
        ++out.quarantined;
        break;
      case Fate::refuse:
        verdict.outcome = Outcome::refused;
        verdict.retryable = item.retryable;
        ++out.refused;
        break;
    }
    verdict.code = item.code;
    verdict.field = item.field;
    verdict.message = item.message;
  }
  return out;
}

void Intake::release() {
  runs_.reset();
  batch_ = {};
  applied_ = {};
  plan_ = nullptr;
  origin_ = nullptr;
}

}  // namespace weir::capture
