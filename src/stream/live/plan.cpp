#include "stream/live/plan.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "stream/capture/values.h"

namespace weir::live {
namespace {

using capture::FieldType;

bool is_numeric(FieldType type) {
  return type == FieldType::integer || type == FieldType::decimal || type == FieldType::number;
}

bool may_be_key(FieldType type) {
  return type == FieldType::string || type == FieldType::uuid || type == FieldType::integer ||
         type == FieldType::boolean || type == FieldType::date;
}

class Binder {
 public:
  Binder(std::shared_ptr<const Declaration> live, const std::vector<capture::AppliedStream>& streams)
      : live_(std::move(live)), streams_(streams) {}

  Binding bind() {
    plan_.live = live_;
    for (const std::string& name : live_->streams()) add_source(name);
    for (const Measure& measure : live_->measures) add_measure(measure);
    add_shape();
    Binding out;
    out.errors = std::move(errors_);
    if (out.errors.empty()) out.plan = std::make_shared<const Plan>(std::move(plan_));
    return out;
  }

 private:
  void refuse(std::string what, std::string hint) {
    errors_.emplace_back(Code::invalid, std::move(what), std::move(hint));
  }

  const capture::AppliedStream* find_stream(const std::string& name) const {
    for (const auto& applied : streams_) {
      if (applied.stream->name == name) return &applied;
    }
    return nullptr;
  }

  void add_source(const std::string& name) {
    const capture::AppliedStream* applied = find_stream(name);
    if (applied == nullptr) {
      std::vector<std::string> known;
      for (const auto& one : streams_) known.push_back(one.stream->name);
      refuse("it measures the stream '" + name + "', which is not declared", did_you_mean(name, known));
      return;
    }
    Source source;
    source.stream = name;
    source.number = applied->number;
    source.time_field = applied->stream->time_field;
    const capture::Field* time = applied->stream->find(source.time_field);
    source.time_is_date = time != nullptr && time->type == FieldType::date;
    for (const std::string& key : live_->keys) {
      const size_t field = field_of(source, key);
      if (field == kNoField) continue;
      if (!may_be_key(source.fields[field].type)) {
        refuse("its key '" + key + "' is " + capture::type_label(source.fields[field]) + " in stream " + name,
               "a key is a string, uuid, integer, boolean or date");
      }
      source.keys.push_back(field);
    }
    plan_.sources.push_back(std::move(source));
  }

  // The place of a field among those that are read, which it joins.
  size_t field_of(Source& source, const std::string& name) {
    for (size_t i = 0; i < source.fields.size(); ++i) {
      if (source.fields[i].name == name) return i;
    }
    const capture::Stream& stream = *find_stream(source.stream)->stream;
    const capture::Field* field = stream.find(name);
    if (field == nullptr) {
      std::vector<std::string> known;
      for (const auto& one : stream.fields) known.push_back(one.name);
      refuse("stream " + stream.name + " has no field '" + name + "'", did_you_mean(name, known));
      return kNoField;
    }
    source.fields.push_back(*field);
    return source.fields.size() - 1;
  }

  void add_measure(const Measure& measure) {
    if (measure.kind == MeasureKind::ratio) {
      plan_.cell_of.push_back(kNoField);
      return;
    }
    CellPlan cell;
    cell.kind = measure.kind;
    plan_.cell_of.push_back(plan_.cells.size());
    const auto source = std::find_if(plan_.sources.begin(), plan_.sources.end(),
                                     [&](const Source& one) { return one.stream == measure.stream; });
    if (source == plan_.sources.end()) return;  // said before
    Source::Input input;
    input.cell = plan_.cells.size();
    if (!measure.field.empty()) {
      input.field = field_of(*source, measure.field);
      if (input.field == kNoField) return;
      const capture::Field& field = source->fields[input.field];
      if (measure.kind != MeasureKind::count) {
        if (!is_numeric(field.type)) {
          refuse("measure " + measure.name + " is " + kind_word(measure.kind) + " of " + operand_text(measure) +
                     ", which is " + capture::type_label(field),
                 "it takes an integer, a decimal or a number");
        }
        input.tells = std::none_of(source->inputs.begin(), source->inputs.end(),
                                   [&](const Source::Input& one) { return one.field == input.field && one.tells; });
        cell.is_exact = field.type != FieldType::number;
        cell.scale = field.type == FieldType::decimal ? field.scale : 0;
      }
    }
    source->inputs.push_back(input);
    plan_.cells.push_back(cell);
  }

  void add_shape() {
    Json streams(Json::Array{});
    for (const Source& source : plan_.sources) {
      Json fields(Json::Array{});
      for (const capture::Field& field : source.fields) {
        fields.push(field.name + " " + capture::type_label(field));
      }
      streams.push(Json::Object{{"number", source.number}, {"fields", std::move(fields)}});
    }
    Declaration bare = *live_;
    bare.description.clear();
    bare.tags.clear();
    bare.metrics_namespace.clear();
    for (Measure& measure : bare.measures) measure.metric.clear();
    plan_.shape = Json(Json::Object{{"live", to_json(bare)}, {"streams", std::move(streams)}}).dump();
  }

  std::shared_ptr<const Declaration> live_;
  const std::vector<capture::AppliedStream>& streams_;
  Plan plan_;
  std::vector<Error> errors_;
};

engine::Column column(std::string name, engine::ColumnType type) {
  engine::Column out;
  out.name = std::move(name);
  out.type = type;
  return out;
}

engine::Column measure_column(const Plan& plan, size_t index) {
  const Measure& measure = plan.live->measures[index];
  if (measure.kind == MeasureKind::ratio || measure.kind == MeasureKind::avg) {
    return column(measure.name, engine::ColumnType::float64);
  }
  const CellPlan& cell = plan.cells[plan.cell_of[index]];
  if (!cell.is_exact) return column(measure.name, engine::ColumnType::float64);
  if (cell.scale == 0) return column(measure.name, engine::ColumnType::int64);
  engine::Column out = column(measure.name, engine::ColumnType::decimal);
  out.precision = 18;
  out.scale = cell.scale;
  return out;
}

}  // namespace

size_t Plan::measure(std::string_view name) const {
  for (size_t i = 0; i < live->measures.size(); ++i) {
    if (live->measures[i].name == name) return i;
  }
  CHECK(false, "a ratio names measures that are there");
  return kNoField;
}

Binding bind_live(std::shared_ptr<const Declaration> live, const std::vector<capture::AppliedStream>& streams) {
  return Binder(std::move(live), streams).bind();
}

std::vector<engine::Column> table_columns(const Plan& plan) {
  std::vector<engine::Column> out = {column("window_start", engine::ColumnType::timestamp)};
  for (const std::string& key : plan.live->keys) out.push_back(column(key, engine::ColumnType::text));
  for (size_t i = 0; i < plan.live->measures.size(); ++i) out.push_back(measure_column(plan, i));
  out.push_back(column("late", engine::ColumnType::int64));
  out.push_back(column("corrected_at", engine::ColumnType::timestamp));
  return out;
}

// --- reading a payload
// ------------------------------------------------------------------------------------------------

FieldReader::FieldReader(const Source& source)
    : source_(source),
      values_(source.fields.size()),
      defaults_(source.fields.size()),
      is_key_(source.fields.size(), false),
      texts_(source.fields.size()),
      default_texts_(source.fields.size()) {
  auto names = capture::plan_object(source.fields);
  CHECK(names.has_value(), "fields that were declared make a plan");
  names_ = std::move(*names);
  for (const size_t key : source.keys) is_key_[key] = true;
  for (size_t i = 0; i < source.fields.size(); ++i) take_default(i);
}

// What an event that lacks the field reads as.
void FieldReader::take_default(size_t field) {
  const capture::Field& declared = source_.fields[field];
  if (!declared.otherwise || declared.otherwise->is_null()) return;
  const std::string payload = Json(Json::Object{{declared.name, *declared.otherwise}}).dump();
  if (!read(payload)) return;
  defaults_[field] = values_[field];
  default_texts_[field] = std::string(values_[field].text);
  defaults_[field].text = default_texts_[field];
}

Status FieldReader::read(std::string_view payload) {
  constexpr int kDepthMax = 256;  // it was judged under its own limits; this only bounds what damage can do
  buffer_.assign(payload);
  buffer_.append(capture::JsonScanner::kPadding, '\0');
  scanner_.start(buffer_.data(), buffer_.data() + payload.size(), nullptr, kDepthMax);
  for (FieldValue& value : values_) value.state = FieldValue::State::absent;
  if (!read_object()) {
    return Error(Code::corrupt, "the payload no longer reads as stream " + source_.stream);
  }
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].state == FieldValue::State::absent) values_[i] = defaults_[i];
  }
  return {};
}

bool FieldReader::read_object() {
  scanner_.space();
  if (scanner_.next() != '{') return false;
  scanner_.advance();
  scanner_.space();
  if (scanner_.next() == '}') return true;
  uint16_t expected = 0;
  size_t missing = values_.size();
  while (true) {
    if (!read_member(expected, missing)) return false;
    if (missing == 0) return true;  // names are not given twice: it was judged
    scanner_.space();
    if (scanner_.next() == '}') return true;
    if (scanner_.next() != ',') return false;
    scanner_.advance();
    scanner_.space();
  }
}

bool FieldReader::read_member(uint16_t& expected, size_t& missing) {
  capture::JsonScanner::Text key;
  if (scanner_.next() != '"' || !scanner_.string(key)) return false;
  uint16_t index;
  if (key.escaped) {
    std::string name(capture::JsonScanner::decode(key, scratch_));
    const size_t size = name.size();
    name.append(capture::JsonScanner::kPadding, '\0');
    index = names_.find(std::string_view(name).substr(0, size), expected);
  } else {
    index = names_.find(key.raw, expected);
  }
  if (!scanner_.colon()) return false;
  if (index == capture::ObjectPlan::kNone) return scanner_.skip_value(1);
  --missing;
  expected = static_cast<uint16_t>(index + 1);
  return read_value(index);
}

bool FieldReader::read_value(size_t field) {
  FieldValue& value = values_[field];
  value.state = FieldValue::State::misfit;
  const char first = scanner_.next();
  if (first == 'n') {
    value.state = FieldValue::State::null;
    return scanner_.word("null");
  }
  if (first == '"') {
    capture::JsonScanner::Text text;
    if (!scanner_.string(text)) return false;
    take_text(field, text);
    return true;
  }
  if (first == 't' || first == 'f') {
    if (source_.fields[field].type == FieldType::boolean) {
      value.state = FieldValue::State::text;
      value.text = first == 't' ? "true" : "false";
    }
    return scanner_.word(first == 't' ? "true" : "false");
  }
  if (first == '{' || first == '[') {
    const bool is_counted = source_.fields[field].type == FieldType::json ||
                            source_.fields[field].type == FieldType::object ||
                            source_.fields[field].type == FieldType::array;
    if (is_counted) value.state = FieldValue::State::text;
    return scanner_.skip_value(1);
  }
  capture::JsonScanner::Number number;
  if (!scanner_.number(number)) return false;
  take_number(field, number);
  return true;
}

void FieldReader::take_text(size_t field, const capture::JsonScanner::Text& text) {
  const capture::Field& declared = source_.fields[field];
  FieldValue& value = values_[field];
  const std::string_view decoded = capture::JsonScanner::decode(text, texts_[field]);
  switch (declared.type) {
    case FieldType::decimal:
      if (capture::parse_decimal(decoded, declared.precision, declared.scale, value.whole) ==
          capture::DecimalFit::exact) {
        value.state = FieldValue::State::exact;
      }
      return;
    case FieldType::uuid: {
      Uuid uuid;
      if (!parse_uuid_fast(decoded, uuid)) return;
      if (is_key_[field]) texts_[field] = format_uuid(uuid);
      value.text = texts_[field];
      value.state = FieldValue::State::text;
      return;
    }
    case FieldType::integer:
    case FieldType::number:
    case FieldType::boolean:
      return;
    default:
      value.text = decoded;
      value.state = FieldValue::State::text;
  }
}

void FieldReader::take_number(size_t field, const capture::JsonScanner::Number& number) {
  const capture::Field& declared = source_.fields[field];
  FieldValue& value = values_[field];
  switch (declared.type) {
    case FieldType::integer:
      if (!number.whole || number.magnitude > uint64_t{INT64_MAX} + (number.negative ? 1 : 0)) return;
      value.whole = static_cast<int64_t>(number.negative ? 0 - number.magnitude : number.magnitude);
      value.state = FieldValue::State::exact;
      if (is_key_[field]) {
        texts_[field] = std::to_string(value.whole);
        value.text = texts_[field];
      }
      return;
    case FieldType::decimal:
      if (capture::parse_decimal(number.raw, declared.precision, declared.scale, value.whole) ==
          capture::DecimalFit::exact) {
        value.state = FieldValue::State::exact;
      }
      return;
    case FieldType::number:
      value.real = capture::JsonScanner::to_double(number);
      value.state = FieldValue::State::real;
      return;
    case FieldType::json:
      value.state = FieldValue::State::text;
      return;
    default:
      return;
  }
}

}  // namespace weir::live
