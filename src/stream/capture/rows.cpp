#include "stream/capture/rows.h"

#include <optional>

#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "stream/capture/declaration_lineage.h"
#include "stream/capture/json_scanner.h"
#include "stream/capture/stream_plan.h"
#include "stream/capture/values.h"

namespace weir::capture {
namespace {

using engine::Column;
using engine::ColumnType;

ColumnType column_type(const Field& field) {
  switch (field.type) {
    case FieldType::boolean:
      return ColumnType::boolean;
    case FieldType::integer:
      return ColumnType::int64;
    case FieldType::number:
      return ColumnType::float64;
    case FieldType::decimal:
      return ColumnType::decimal;
    case FieldType::string:
      return ColumnType::text;
    case FieldType::uuid:
      return ColumnType::uuid;
    case FieldType::timestamp:
      return ColumnType::timestamp;
    case FieldType::date:
      return ColumnType::date;
    case FieldType::json:
    case FieldType::object:
    case FieldType::array:
      return ColumnType::json;
  }
  return ColumnType::json;
}

Column column(std::string name, ColumnType type) {
  Column out;
  out.name = std::move(name);
  out.type = type;
  return out;
}

// One value on its way from the payload to its column. Texts point into the reader's buffer.
struct Slot {
  enum class State { absent, null, number, real, text, uuid } state = State::absent;
  int64_t number = 0;
  double real = 0;
  Uuid uuid;
  std::string_view text;
};

// A string as the field's type; false if it is none.
bool read_text(const Field& field, std::string_view text, Slot& into) {
  into.state = Slot::State::number;
  switch (field.type) {
    case FieldType::uuid:
      into.state = Slot::State::uuid;
      return parse_uuid_fast(text, into.uuid);
    case FieldType::timestamp:
      return parse_timestamp_fast(text, into.number);
    case FieldType::date: {
      if (text.size() != 10) return false;
      auto days = parse_date(text);
      if (days) into.number = *days;
      return days.has_value();
    }
    case FieldType::decimal:
      return parse_decimal(text, field.precision, field.scale, into.number) == DecimalFit::exact;
    case FieldType::string:
      into.state = Slot::State::text;
      into.text = text;
      return true;
    default:
      return false;
  }
}

bool read_number(const Field& field, const JsonScanner::Number& number, Slot& into) {
  into.state = Slot::State::number;
  switch (field.type) {
    case FieldType::integer:
      into.number =
          number.negative ? static_cast<int64_t>(0 - number.magnitude) : static_cast<int64_t>(number.magnitude);
      return number.whole && number.magnitude <= uint64_t{INT64_MAX} + (number.negative ? 1 : 0);
    case FieldType::number:
      into.state = Slot::State::real;
      into.real = JsonScanner::to_double(number);
      return true;
    case FieldType::decimal:
      return parse_decimal(number.raw, field.precision, field.scale, into.number) == DecimalFit::exact;
    default:
      return false;
  }
}

void write_slot(const Slot& slot, ColumnType type, engine::ColumnValues& into) {
  switch (slot.state) {
    case Slot::State::absent:
    case Slot::State::null:
      into.add_null();
      return;
    case Slot::State::number:
      if (type == ColumnType::boolean) {
        into.add_bool(slot.number != 0);
      } else {
        into.add_int(slot.number);
      }
      return;
    case Slot::State::real:
      into.add_double(slot.real);
      return;
    case Slot::State::text:
      into.add_text(slot.text);
      return;
    case Slot::State::uuid:
      into.add_uuid(slot.uuid.high, slot.uuid.low);
      return;
  }
}

// A column's value where the payload has none. The texts stay in `kept`.
struct Default {
  Slot slot;
  std::string kept;
};

Default default_of(const Field& field) {
  Default out;
  if (!field.otherwise) return out;
  const Json& value = *field.otherwise;
  if (field.type == FieldType::json || field.type == FieldType::object || field.type == FieldType::array) {
    out.kept = value.dump();
    out.slot.state = Slot::State::text;
  } else if (value.is_bool()) {
    out.slot.state = Slot::State::number;
    out.slot.number = value.as_bool() ? 1 : 0;
  } else if (field.type == FieldType::number) {
    out.slot.state = Slot::State::real;
    out.slot.real = value.as_double();
  } else if (field.type == FieldType::integer) {
    out.slot.state = Slot::State::number;
    out.slot.number = value.as_int();
  } else {
    out.kept = value.is_string() ? value.as_string() : value.dump();
    if (!read_text(field, out.kept, out.slot)) out.slot = {};
  }
  return out;
}

// What rows from before the field read as, as the engine reads it.
std::string initial_text(const Field& field) {
  const Json& value = *field.initial;
  if (!value.is_string() || column_type(field) == ColumnType::json) return value.dump();
  int64_t micros = 0;
  if (field.type == FieldType::timestamp && parse_timestamp_fast(value.as_string(), micros)) {
    return format_timestamp(micros);
  }
  return value.as_string();
}

// Payloads are read with the scanner that judged them: what was taken once is always read.
class AcceptedRows : public RowWriter {
 public:
  explicit AcceptedRows(std::shared_ptr<const Stream> stream)
      : stream_(std::move(stream)), slots_(stream_->fields.size()), decoded_(stream_->fields.size()) {
    auto names = plan_object(stream_->fields);
    if (names) {
      names_ = std::move(*names);
    } else {
      unusable_ = std::move(names).error();
    }
    for (const Field& field : stream_->fields) defaults_.push_back(default_of(field));
    for (size_t i = 0; i < stream_->fields.size(); ++i) {
      if (stream_->fields[i].name == stream_->time_field) time_ = i;
    }
    for (size_t i = 0; i < defaults_.size(); ++i) {
      if (defaults_[i].slot.state == Slot::State::text) defaults_[i].slot.text = defaults_[i].kept;
    }
  }

  Result<EventTime> event_time(const Record& record) override {
    if (!time_) return EventTime{record.arrived_at.micros};
    TRY(read(record.payload));
    const Slot& slot = slots_[*time_];
    return EventTime{slot.state == Slot::State::number ? slot.number : record.arrived_at.micros};
  }

  Status append(const Record& record, uint64_t sequence, engine::RowBlock& into) override {
    TRY(read(record.payload));
    write(record, sequence, into);
    return {};
  }
  Status append_timed(const Record& record, uint64_t sequence, engine::RowBlock& into) override {
    if (!time_) return append(record, sequence, into);
    write(record, sequence, into);
    return {};
  }

 private:
  // What read() found.
  void write(const Record& record, uint64_t sequence, engine::RowBlock& into) {
    size_t at = 0;
    for (size_t i = 0; i < slots_.size(); ++i, ++at) {
      const Slot& slot = slots_[i].state == Slot::State::absent ? defaults_[i].slot : slots_[i];
      write_slot(slot, into.columns()[at].type, into.column(at));
    }
    if (stream_->unknown == UnknownFields::keep) {
      if (extra_.empty()) {
        into.column(at++).add_null();
      } else {
        extra_ += '}';
        into.column(at++).add_text(extra_);
      }
    }
    if (stream_->key.empty()) into.column(at++).add_text(record.id);
    into.column(at++).add_int(static_cast<int64_t>(sequence));
    into.column(at++).add_int(record.arrived_at.micros);
    if (const int32_t day = day_number(record.event_time.micros); day != partition_day_ || partition_values_.empty()) {
      partition_day_ = day;
      partition_values_ = capture::partition_values(*stream_, record.event_time);
    }
    for (const int64_t value : partition_values_) into.column(at++).add_int(value);
  }

  // It was judged before, under its own limits; these only bound what damage can do.
  static constexpr int kDepthMax = 256;

  Status read(std::string_view payload) {
    if (unusable_) return *unusable_;
    buffer_.assign(payload);
    buffer_.append(JsonScanner::kPadding, '\0');
    scanner_.start(buffer_.data(), buffer_.data() + payload.size(), nullptr, kDepthMax);
    for (Slot& slot : slots_) slot.state = Slot::State::absent;
    extra_.clear();
    if (read_object() && scanner_.at_end()) return {};
    const JsonScanner::Failure& failure = scanner_.failure();
    const char* what = failure.at == nullptr ? "it is no single object" : failure.what;
    return Error(Code::corrupt, "the payload no longer reads as stream " + stream_->name + ": " + what);
  }

  bool read_object() {
    scanner_.space();
    if (scanner_.next() != '{') return false;
    scanner_.advance();
    scanner_.space();
    uint16_t expected = 0;
    if (scanner_.next() != '}') {
      while (true) {
        if (!read_member(expected)) return false;
        scanner_.space();
        if (scanner_.next() == '}') break;
        if (scanner_.next() != ',') return false;
        scanner_.advance();
        scanner_.space();
      }
    }
    scanner_.advance();
    scanner_.space();
    return true;
  }

  bool read_member(uint16_t& expected) {
    JsonScanner::Text key;
    const char* begin = scanner_.position();
    if (scanner_.next() != '"' || !scanner_.string(key)) return false;
    uint16_t index;
    if (key.escaped) {
      std::string name(JsonScanner::decode(key, scratch_));
      const size_t size = name.size();
      name.append(JsonScanner::kPadding, '\0');
      index = names_.find(std::string_view(name).substr(0, size), expected);
    } else {
      index = names_.find(key.raw, expected);
    }
    if (!scanner_.colon()) return false;
    bool fits = false;
    if (index != ObjectPlan::kNone) {
      if (!read_value(index, fits)) return false;
      expected = static_cast<uint16_t>(index + 1);
      // Only after a field was removed and declared again as another type: its column has no place for the old value.
      if (!fits) slots_[index].state = Slot::State::null;
    } else if (!scanner_.skip_value(1)) {
      return false;
    }
    if (!fits && stream_->unknown == UnknownFields::keep) {
      extra_ += extra_.empty() ? '{' : ',';
      extra_.append(begin, scanner_.position());
    }
    return true;
  }

  bool read_value(size_t index, bool& fits) {
    const Field& field = stream_->fields[index];
    Slot& slot = slots_[index];
    const char* begin = scanner_.position();
    fits = true;
    switch (*begin) {
      case 'n':
        slot.state = Slot::State::null;
        return scanner_.word("null");
      case '"':
      case 't':
      case 'f':
      case '{':
      case '[':
        break;
      default: {
        JsonScanner::Number number;
        if (!scanner_.number(number)) return false;
        if (column_type(field) == ColumnType::json) break;
        fits = read_number(field, number, slot);
        return true;
      }
    }
    if (*begin == '"' && column_type(field) != ColumnType::json) {
      JsonScanner::Text text;
      if (!scanner_.string(text)) return false;
      fits = read_text(field, JsonScanner::decode(text, decoded_[index]), slot);
      return true;
    }
    if (scanner_.position() == begin && !scanner_.skip_value(1)) return false;
    if (column_type(field) == ColumnType::json) {
      slot.state = Slot::State::text;
      slot.text = {begin, static_cast<size_t>(scanner_.position() - begin)};
    } else {
      fits = field.type == FieldType::boolean && (*begin == 't' || *begin == 'f');
      slot.state = Slot::State::number;
      slot.number = *begin == 't' ? 1 : 0;
    }
    return true;
  }

  std::shared_ptr<const Stream> stream_;
  ObjectPlan names_;
  std::optional<Error> unusable_;
  std::vector<Default> defaults_;
  std::vector<Slot> slots_;
  std::optional<size_t> time_;        // the time field's place
  std::vector<std::string> decoded_;  // texts with escapes, by field
  std::string buffer_, extra_, scratch_;
  JsonScanner scanner_;
  int32_t partition_day_ = 0;
  std::vector<int64_t> partition_values_;
};

class QuarantinedRows : public RowWriter {
 public:
  Result<EventTime> event_time(const Record& record) override { return EventTime{record.arrived_at.micros}; }
  Status append_timed(const Record& record, uint64_t sequence, engine::RowBlock& into) override {
    return append(record, sequence, into);
  }

  Status append(const Record& record, uint64_t sequence, engine::RowBlock& into) override {
    into.column(0).add_text(record.id);
    into.column(1).add_int(record.arrived_at.micros);
    into.column(2).add_text(record.reason);
    if (record.field.empty()) {
      into.column(3).add_null();
    } else {
      into.column(3).add_text(record.field);
    }
    into.column(4).add_text(record.message);
    // SQL text is UTF-8; bytes that are not stay whole in the archive and are shown in base64 here.
    if (valid_utf8(record.payload)) {
      into.column(5).add_text(record.payload);
    } else {
      into.column(5).add_text("base64:" + base64_encode(record.payload));
    }
    into.column(6).add_int(static_cast<int64_t>(sequence));
    into.column(7).add_int(day_number(record.arrived_at.micros));
    return {};
  }
};

}  // namespace

std::vector<Column> table_columns(const Stream& stream) {
  std::vector<Column> out;
  for (const Field& field : stream.fields) {
    Column made = column(field.name, column_type(field));
    if (field.type == FieldType::decimal) {
      made.precision = field.precision;
      made.scale = field.scale;
    }
    made.former = former_names(field);
    if (field.initial) made.missing = initial_text(field);
    out.push_back(std::move(made));
  }
  if (stream.unknown == UnknownFields::keep) out.push_back(column("_extra", ColumnType::json));
  if (stream.key.empty()) out.push_back(column("_id", ColumnType::text));
  out.push_back(column("_seq", ColumnType::int64));
  out.push_back(column("_arrived_at", ColumnType::timestamp));
  return out;
}

std::vector<Column> partition_columns(const Stream& stream) {
  if (stream.partition == PartitionBy::day) return {column("dt", ColumnType::date)};
  return {column("year", ColumnType::int32), column("month", ColumnType::int32)};
}

std::vector<Column> quarantine_columns() {
  return {column("quarantine_id", ColumnType::text), column("_arrived_at", ColumnType::timestamp),
          column("reason", ColumnType::text),        column("field", ColumnType::text),
          column("message", ColumnType::text),       column("payload", ColumnType::text),
          column("_seq", ColumnType::int64)};
}

std::vector<Column> quarantine_partition_columns() {
  return {column("dt", ColumnType::date)};
}

std::vector<int64_t> partition_values(const Stream& stream, EventTime time) {
  if (stream.partition == PartitionBy::day) return {day_number(time.micros)};
  const CivilTime civil = civil_from_micros(time.micros);
  return {civil.year, civil.month};
}

std::string partition_folder(const std::vector<Column>& columns, const std::vector<int64_t>& values) {
  std::string out;
  for (size_t i = 0; i < columns.size() && i < values.size(); ++i) {
    if (i > 0) out += '/';
    out += columns[i].name + "=";
    out +=
        columns[i].type == ColumnType::date ? format_date(static_cast<int32_t>(values[i])) : std::to_string(values[i]);
  }
  return out;
}

std::unique_ptr<RowWriter> RowWriter::accepted(std::shared_ptr<const Stream> stream) {
  return std::make_unique<AcceptedRows>(std::move(stream));
}

std::unique_ptr<RowWriter> RowWriter::quarantined() {
  return std::make_unique<QuarantinedRows>();
}

}  // namespace weir::capture
