#include "stream/capture/rows.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/ids.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace weir::capture {
namespace {

namespace ondemand = simdjson::ondemand;
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

// The exact value of a decimal number's text, scaled by 10^scale; false if it has more digits than that or does not
// fit.
bool scaled_decimal(std::string_view text, int scale, int64_t& into) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int64_t value = 0;
  int after_point = -1;
  for (const char c : text) {
    if (c == '.' && after_point < 0) {
      after_point = 0;
      continue;
    }
    if (c < '0' || c > '9') return false;  // exponents too: a sender of money does not write them
    if (after_point >= 0 && ++after_point > scale && c != '0') return false;
    if (after_point > scale) continue;
    if (__builtin_mul_overflow(value, int64_t{10}, &value) || __builtin_add_overflow(value, int64_t{c - '0'}, &value))
      return false;
  }
  for (int digits = std::max(after_point, 0); digits < scale; ++digits) {
    if (__builtin_mul_overflow(value, int64_t{10}, &value)) return false;
  }
  into = negative ? -value : value;
  return true;
}

// One value on its way from the payload to its column. Texts point into the parser's buffers.
struct Slot {
  enum class State { absent, null, number, real, text, uuid } state = State::absent;
  int64_t number = 0;
  double real = 0;
  Uuid uuid;
  std::string_view text;
};

bool read_string_typed(FieldType type, std::string_view text, const Field& field, Slot& into) {
  switch (type) {
    case FieldType::uuid:
      into.state = Slot::State::uuid;
      return parse_uuid_fast(text, into.uuid);
    case FieldType::timestamp:
      into.state = Slot::State::number;
      return parse_timestamp_fast(text, into.number);
    case FieldType::date: {
      auto days = parse_date(text);
      if (!days) return false;
      into.state = Slot::State::number;
      into.number = *days;
      return true;
    }
    case FieldType::decimal:
      into.state = Slot::State::number;
      return scaled_decimal(text, field.scale, into.number);
    default:
      into.state = Slot::State::text;
      into.text = text;
      return true;
  }
}

bool read_value(ondemand::value value, const Field& field, Slot& into) {
  ondemand::json_type type;
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  if (type == ondemand::json_type::null) {
    into.state = Slot::State::null;
    return true;
  }
  switch (field.type) {
    case FieldType::boolean: {
      bool flag = false;
      if (value.get_bool().get(flag) != simdjson::SUCCESS) return false;
      into.state = Slot::State::number;
      into.number = flag ? 1 : 0;
      return true;
    }
    case FieldType::integer:
      into.state = Slot::State::number;
      return value.get_int64().get(into.number) == simdjson::SUCCESS;
    case FieldType::number:
      into.state = Slot::State::real;
      return value.get_double().get(into.real) == simdjson::SUCCESS;
    case FieldType::decimal:
      if (type == ondemand::json_type::number) {
        std::string_view raw = value.raw_json_token();
        while (!raw.empty() && (raw.back() == ' ' || raw.back() == '\t')) raw.remove_suffix(1);
        into.state = Slot::State::number;
        return scaled_decimal(raw, field.scale, into.number);
      }
      [[fallthrough]];
    case FieldType::string:
    case FieldType::uuid:
    case FieldType::timestamp:
    case FieldType::date: {
      std::string_view text;
      if (value.get_string().get(text) != simdjson::SUCCESS) return false;
      return read_string_typed(field.type, text, field, into);
    }
    case FieldType::json:
    case FieldType::object:
    case FieldType::array: {
      std::string_view raw;
      if (simdjson::to_json_string(value).get(raw) != simdjson::SUCCESS) return false;
      into.state = Slot::State::text;
      into.text = raw;
      return true;
    }
  }
  return false;
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
    if (!read_string_typed(field.type, out.kept, field, out.slot)) out.slot = {};
  }
  return out;
}

class AcceptedRows : public RowWriter {
 public:
  explicit AcceptedRows(std::shared_ptr<const Stream> stream)
      : stream_(std::move(stream)), partitions_(partition_columns(*stream_)), slots_(stream_->fields.size()) {
    for (const Field& field : stream_->fields) defaults_.push_back(default_of(field));
    for (size_t i = 0; i < defaults_.size(); ++i) {
      if (defaults_[i].slot.state == Slot::State::text) defaults_[i].slot.text = defaults_[i].kept;
    }
  }

  Status append(const Record& record, uint64_t sequence, engine::RowBlock& into) override {
    TRY(read(record.payload));
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
    return {};
  }

 private:
  Error damaged(const std::string& what) const {
    return Error(Code::corrupt, "the payload no longer reads as stream " + stream_->name + ": " + what);
  }

  const Field* field_named(std::string_view name, size_t hint, size_t& index) const {
    const auto& fields = stream_->fields;
    if (hint < fields.size() && fields[hint].name == name) {  // senders keep the order
      index = hint;
      return &fields[hint];
    }
    for (index = 0; index < fields.size(); ++index) {
      if (fields[index].name == name || (!fields[index].was.empty() && fields[index].was == name))
        return &fields[index];
    }
    return nullptr;
  }

  Status read(std::string_view payload) {
    if (buffer_.size() < payload.size() + simdjson::SIMDJSON_PADDING)
      buffer_.resize(payload.size() * 2 + simdjson::SIMDJSON_PADDING);
    std::memcpy(buffer_.data(), payload.data(), payload.size());
    std::memset(buffer_.data() + payload.size(), 0, simdjson::SIMDJSON_PADDING);
    for (Slot& slot : slots_) slot.state = Slot::State::absent;
    extra_.clear();
    ondemand::object object;
    if (parser_.iterate(buffer_.data(), payload.size(), buffer_.size()).get(document_) != simdjson::SUCCESS ||
        document_.get_object().get(object) != simdjson::SUCCESS) {
      return damaged("not an object");
    }
    size_t hint = 0;
    for (auto member : object) {
      ondemand::field pair;
      std::string_view name;
      if (std::move(member).get(pair) != simdjson::SUCCESS || pair.unescaped_key().get(name) != simdjson::SUCCESS)
        return damaged("broken JSON");
      size_t index = 0;
      const Field* field = field_named(name, hint, index);
      if (field == nullptr) {
        TRY(keep_extra(name, pair.value()));
        continue;
      }
      if (!read_value(pair.value(), *field, slots_[index])) return damaged("field " + field->name);
      hint = index + 1;
    }
    return {};
  }

  Status keep_extra(std::string_view name, ondemand::value value) {
    if (stream_->unknown != UnknownFields::keep) return {};
    std::string_view raw;
    const std::string key(name);
    if (simdjson::to_json_string(value).get(raw) != simdjson::SUCCESS) return damaged("member " + shown(key));
    extra_ += extra_.empty() ? '{' : ',';
    Json::append_quoted(extra_, key);
    extra_ += ':';
    extra_ += raw;
    return {};
  }

  std::shared_ptr<const Stream> stream_;
  std::vector<Column> partitions_;
  std::vector<Default> defaults_;
  std::vector<Slot> slots_;
  std::string buffer_, extra_;
  ondemand::parser parser_;
  ondemand::document document_;
  int32_t partition_day_ = 0;
  std::vector<int64_t> partition_values_;
};

class QuarantinedRows : public RowWriter {
 public:
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
