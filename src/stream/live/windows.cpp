#include "stream/live/windows.h"

#include <algorithm>
#include <limits>

#include "stream/live/bytes.h"

namespace weir::live {
namespace {

constexpr int64_t kDecimalMax = 999'999'999'999'999'999;  // what a column of 18 digits holds

bool has_value(const FieldValue& value) {
  return value.state == FieldValue::State::exact || value.state == FieldValue::State::real ||
         value.state == FieldValue::State::text;
}

void add_key_part(std::string& key, const std::optional<std::string_view>& value) {
  if (!value) {
    key += '\0';
    return;
  }
  key += '\x01';
  key += static_cast<char>(value->size() & 0xFF);
  key += static_cast<char>(value->size() >> 8);
  key += *value;
}

}  // namespace

int64_t window_of(int64_t micros, Duration size) {
  return micros >= 0 ? micros / size.micros : (micros - size.micros + 1) / size.micros;
}

std::string encode_key(const Key& key) {
  std::string out;
  for (const auto& value : key) add_key_part(out, value);
  return out;
}

Key decode_key(std::string_view encoded) {
  Key out;
  for (size_t at = 0; at < encoded.size();) {
    if (encoded[at++] != '\x01' || at + 2 > encoded.size()) {
      out.emplace_back();
      continue;
    }
    const size_t size = static_cast<unsigned char>(encoded[at]) | static_cast<unsigned char>(encoded[at + 1]) << 8;
    at += 2;
    out.emplace_back(std::string(encoded.substr(at, size)));
    at += size;
  }
  return out;
}

void Windows::note(const std::string& stream, const char* reason, const std::string& field, uint64_t sequence,
                   int64_t at) {
  Misfit& misfit = misfits_[{stream, reason, field}];
  ++misfit.count;
  ++misfit_count_;
  misfit.last_at = std::max(misfit.last_at, at);
  misfit.last_sequence = std::max(misfit.last_sequence, sequence);
  changed_ = std::max(changed_, sequence);
}

void Windows::forget_before(int64_t now) {
  if (now <= newest_arrival_) return;
  newest_arrival_ = now;
  const int64_t floor = window_of(now - plan_->live->keep.micros, plan_->live->size);
  if (floor <= floor_) return;
  floor_ = floor;
  while (!windows_.empty() && windows_.begin()->first < floor_) {
    rows_ -= windows_.begin()->second.rows.size();
    windows_.erase(windows_.begin());
  }
}

void Windows::fold(size_t source_index, FieldReader& reader, uint64_t sequence, const capture::Record& record) {
  const Declaration& live = *plan_->live;
  const Source& source = plan_->sources[source_index];
  const int64_t arrived_at = record.arrived_at.micros;
  forget_before(arrived_at);
  if (record.kind == capture::RecordKind::mark) return;  // no event
  if (record.kind == capture::RecordKind::quarantined) {
    return note(source.stream, std::string(record.reason).c_str(), "", sequence, arrived_at);
  }
  const int64_t window_index = window_of(record.event_time.micros, live.size);
  const int64_t end = (window_index + 1) * live.size.micros;
  if (window_index < floor_ || arrived_at >= end + live.allowed_lateness.micros) {
    return note(source.stream, "too_late", "", sequence, arrived_at);
  }
  if (!source.fields.empty() && !reader.read(record.payload)) {
    return note(source.stream, "unreadable", "", sequence, arrived_at);
  }
  key_.clear();
  if (!source.keys.empty() && !make_key(source, reader, sequence, arrived_at)) return;
  Window& window = windows_[window_index];
  Row* row = row_of(window, key_, source_index, sequence, arrived_at);
  if (row == nullptr) return;
  ++events_;
  ++row->events;
  if (arrived_at >= end + live.settle.micros) {
    ++row->late;
    ++late_;
    row->corrected_at = std::max(row->corrected_at, arrived_at);
  }
  row->changed = window.changed = changed_ = sequence;
  for (const Source::Input& input : source.inputs) {
    add_value(source, input, reader, row->cells[input.cell], sequence, arrived_at);
  }
}

bool Windows::make_key(const Source& source, const FieldReader& reader, uint64_t sequence, int64_t arrived_at) {
  for (const size_t field : source.keys) {
    const FieldValue& value = reader.value(field);
    if (!has_value(value)) {
      add_key_part(key_, std::nullopt);  // one that is not of the field's type too: SQL shows it as NULL
      continue;
    }
    if (value.text.size() > kKeyBytesMax) {
      note(source.stream, "key_too_long", source.fields[field].name, sequence, arrived_at);
      key_ = kOtherKey;
      return plan_->live->beyond_keys == Beyond::other;
    }
    add_key_part(key_, value.text);
  }
  return true;
}

Row* Windows::row_of(Window& window, std::string_view key, size_t source, uint64_t sequence, int64_t arrived_at) {
  if (const auto found = window.rows.find(key); found != window.rows.end()) return &found->second;
  if (!plan_->live->keys.empty() && key != kOtherKey) {
    const size_t keys = window.rows.size() - window.rows.count(kOtherKey);
    if (keys >= plan_->live->keys_max) {
      if (plan_->live->beyond_keys == Beyond::other) return row_of(window, kOtherKey, source, sequence, arrived_at);
      note(plan_->sources[source].stream, "too_many_keys", "", sequence, arrived_at);
      return nullptr;
    }
  }
  Row& row = window.rows.emplace(std::string(key), Row{}).first->second;
  row.cells.resize(plan_->cells.size());
  ++rows_;
  return &row;
}

void Windows::add_value(const Source& source, const Source::Input& input, const FieldReader& reader, Cell& cell,
                        uint64_t sequence, int64_t arrived_at) {
  const CellPlan& plan = plan_->cells[input.cell];
  if (input.field == kNoField) {
    ++cell.count;
    return;
  }
  const FieldValue& value = reader.value(input.field);
  if (plan.kind == MeasureKind::count) {
    if (has_value(value)) ++cell.count;
    return;
  }
  const std::string& name = source.fields[input.field].name;
  switch (value.state) {
    case FieldValue::State::absent:
    case FieldValue::State::null:
      if (input.tells) note(source.stream, "missing_field", name, sequence, arrived_at);
      return;
    case FieldValue::State::text:
    case FieldValue::State::misfit:
      if (input.tells) note(source.stream, "not_a_number", name, sequence, arrived_at);
      return;
    case FieldValue::State::exact:
      if (!add_exact(plan, cell, 1, value.whole)) note(source.stream, "sum_overflow", name, sequence, arrived_at);
      return;
    case FieldValue::State::real:
      if (plan.kind == MeasureKind::min) {
        cell.real = cell.count == 0 ? value.real : std::min(cell.real, value.real);
      } else if (plan.kind == MeasureKind::max) {
        cell.real = cell.count == 0 ? value.real : std::max(cell.real, value.real);
      } else {
        cell.real += value.real;
      }
      ++cell.count;
  }
}

// False, and nothing is added, where a sum would leave what its column can hold.
bool Windows::add_exact(const CellPlan& plan, Cell& into, uint64_t count, int64_t whole) const {
  if (plan.kind == MeasureKind::min) {
    into.whole = into.count == 0 ? whole : std::min(into.whole, whole);
  } else if (plan.kind == MeasureKind::max) {
    into.whole = into.count == 0 ? whole : std::max(into.whole, whole);
  } else {
    int64_t sum = 0;
    if (__builtin_add_overflow(into.whole, whole, &sum)) return false;
    if (plan.scale > 0 && (sum > kDecimalMax || sum < -kDecimalMax)) return false;
    into.whole = sum;
  }
  into.count += count;
  return true;
}

void Windows::merge_row(Row& into, const Row& from) {
  into.events += from.events;
  into.late += from.late;
  into.corrected_at = std::max(into.corrected_at, from.corrected_at);
  into.changed = std::max(into.changed, from.changed);
  for (size_t i = 0; i < plan_->live->measures.size(); ++i) {
    const size_t index = plan_->cell_of[i];
    if (index == kNoField || from.cells[index].count == 0) continue;
    const CellPlan& plan = plan_->cells[index];
    Cell& cell = into.cells[index];
    const Cell& other = from.cells[index];
    if (plan.kind == MeasureKind::count) {
      cell.count += other.count;
    } else if (plan.is_exact) {
      if (!add_exact(plan, cell, other.count, other.whole)) {
        const Measure& measure = plan_->live->measures[i];
        note(measure.stream, "sum_overflow", measure.field, from.changed, from.corrected_at);
      }
    } else if (plan.kind == MeasureKind::min || plan.kind == MeasureKind::max) {
      const bool is_better = plan.kind == MeasureKind::min ? other.real < cell.real : other.real > cell.real;
      if (cell.count == 0 || is_better) cell.real = other.real;
      cell.count += other.count;
    } else {
      cell.real += other.real;
      cell.count += other.count;
    }
  }
}

void Windows::merge(Counted counted) {
  std::stable_sort(counted.rows.begin(), counted.rows.end(),
                   [](const CountedRow& a, const CountedRow& b) { return a.first < b.first; });
  for (const CountedRow& one : counted.rows) {
    if (one.window < floor_) continue;
    Window& window = windows_[one.window];
    Row* row = row_of(window, one.key, 0, one.row.changed, 0);
    if (row == nullptr) continue;
    merge_row(*row, one.row);
    window.changed = std::max(window.changed, row->changed);
    changed_ = std::max(changed_, row->changed);
    late_ += one.row.late;
    events_ += one.row.events;
  }
  for (const auto& [place, misfit] : counted.misfits) {
    Misfit& into = misfits_[place];
    into.count += misfit.count;
    misfit_count_ += misfit.count;
    into.last_at = std::max(into.last_at, misfit.last_at);
    into.last_sequence = std::max(into.last_sequence, misfit.last_sequence);
  }
}

// --- as bytes
// -----------------------------------------------------------------------------------------------------------

void Windows::encode(std::string& into) const {
  ByteWriter out(into);
  out.number(static_cast<uint64_t>(newest_arrival_));
  out.number(static_cast<uint64_t>(floor_));
  out.number(changed_);
  out.number(late_);
  out.number(events_);
  out.number(misfits_.size());
  for (const auto& [place, misfit] : misfits_) {
    out.text(place.stream);
    out.text(place.reason);
    out.text(place.field);
    out.number(misfit.count);
    out.number(static_cast<uint64_t>(misfit.last_at));
    out.number(misfit.last_sequence);
  }
  out.number(plan_->cells.size());
  out.number(windows_.size());
  for (const auto& [index, window] : windows_) {
    out.number(static_cast<uint64_t>(index));
    out.number(window.changed);
    out.number(window.rows.size());
    for (const auto& [key, row] : window.rows) {
      out.text(key);
      out.number(row.events);
      out.number(row.late);
      out.number(static_cast<uint64_t>(row.corrected_at));
      out.number(row.changed);
      for (const Cell& cell : row.cells) {
        out.number(cell.count);
        out.number(static_cast<uint64_t>(cell.whole));
        out.real(cell.real);
      }
    }
  }
}

Result<Windows> Windows::decode(std::shared_ptr<const Plan> plan, std::string_view bytes) {
  Windows out(std::move(plan));
  ByteReader in(bytes);
  out.newest_arrival_ = static_cast<int64_t>(in.number());
  out.floor_ = static_cast<int64_t>(in.number());
  out.changed_ = in.number();
  out.late_ = in.number();
  out.events_ = in.number();
  const uint64_t misfits = in.number();
  for (uint64_t i = 0; i < misfits && in.is_good(); ++i) {
    MisfitPlace place{in.text(), in.text(), in.text()};
    const uint64_t count = in.number();
    const auto last_at = static_cast<int64_t>(in.number());
    out.misfits_[std::move(place)] = {count, last_at, in.number()};
    out.misfit_count_ += count;
  }
  const bool is_same = in.number() == out.plan_->cells.size();
  const uint64_t windows = in.number();
  for (uint64_t i = 0; i < windows && in.is_good() && is_same; ++i) {
    Window& window = out.windows_[static_cast<int64_t>(in.number())];
    window.changed = in.number();
    const uint64_t rows = in.number();
    for (uint64_t j = 0; j < rows && in.is_good(); ++j) {
      Row& row = window.rows[in.text()];
      row.events = in.number();
      row.late = in.number();
      row.corrected_at = static_cast<int64_t>(in.number());
      row.changed = in.number();
      row.cells.resize(out.plan_->cells.size());
      for (Cell& cell : row.cells) {
        cell.count = in.number();
        cell.whole = static_cast<int64_t>(in.number());
        cell.real = in.real();
      }
      ++out.rows_;
    }
  }
  if (!is_same || !in.is_good() || !in.at_end()) {
    return Error(Code::corrupt, "the kept windows of " + out.plan_->live->name + " do not read");
  }
  return out;
}

}  // namespace weir::live
