// The canonical JSON of a stream, as the control database keeps it. Every key of the stream is written, so that a
// default that changes later changes no stream that is applied; a field's rules are written where there are any.
#include <algorithm>

#include "core/base/text.h"
#include "stream/capture/declaration.h"
#include "stream/capture/declaration_fields.h"

namespace weir::capture {
namespace {

constexpr int kFormat = 2;         // 2 has former names and retired fields
constexpr int kFormatWithout = 1;  // what a stream without them is written as, so that an older weir reads it

Json texts_json(const std::vector<std::string>& texts) {
  Json::Array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

Json field_json(const Field& field) {
  Json out{Json::Object{}};
  if (!field.name.empty()) out.set("name", field.name);
  out.set("type", type_words()[static_cast<size_t>(field.type)]);
  if (field.required) out.set("required", true);
  if (field.nullable) out.set("nullable", true);
  if (!field.description.empty()) out.set("description", field.description);
  if (!field.was.empty()) out.set("was", field.was);
  if (field.subject) out.set("subject", true);
  if (!field.values.empty()) out.set("values", texts_json(field.values));
  if (field.minimum) out.set("min", *field.minimum);
  if (field.maximum) out.set("max", *field.maximum);
  if (field.length_min) out.set("min_length", *field.length_min);
  if (field.length_max) out.set("max_length", *field.length_max);
  if (!field.pattern.empty()) out.set("pattern", field.pattern);
  if (field.otherwise) out.set("default", *field.otherwise);
  if (!field.former.empty()) out.set("former", texts_json(field.former));
  if (field.initial) out.set("initial", *field.initial);
  if (field.type == FieldType::decimal) {
    out.set("precision", field.precision);
    out.set("scale", field.scale);
  }
  Json::Array fields;
  for (const Field& member : field.fields) fields.push_back(field_json(member));
  if (!fields.empty()) out.set("fields", std::move(fields));
  if (!field.items.empty()) out.set("items", field_json(field.items.front()));
  return out;
}

const char* unknown_word(UnknownFields unknown) {
  switch (unknown) {
    case UnknownFields::keep:
      return "keep";
    case UnknownFields::drop:
      return "drop";
    case UnknownFields::refuse:
      return "refuse";
  }
  return "";
}

// Reads an object key by key and remembers the first thing that is not as it was written.
class Shape {
 public:
  Shape(const Json& json, std::string where, std::string& wrong)
      : json_(json), where_(std::move(where)), wrong_(wrong) {
    if (!json.is_object()) fail("is no object");
  }

  const Json* take(const char* key) {
    asked_.emplace_back(key);
    return json_.find(key);
  }
  const Json* need(const char* key) {
    const Json* found = take(key);
    if (found == nullptr) fail(std::string("lacks ") + key);
    return found;
  }
  void text(const char* key, std::string& into, bool needed) {
    const Json* found = needed ? need(key) : take(key);
    if (found == nullptr) return;
    if (!found->is_string()) return fail(std::string(key) + " is no text");
    into = found->as_string();
  }
  void flag(const char* key, bool& into, bool needed) {
    const Json* found = needed ? need(key) : take(key);
    if (found == nullptr) return;
    if (!found->is_bool()) return fail(std::string(key) + " is neither true nor false");
    into = found->as_bool();
  }
  void texts(const char* key, std::vector<std::string>& into, bool needed) {
    const Json* found = needed ? need(key) : take(key);
    if (found == nullptr) return;
    if (!found->is_array()) return fail(std::string(key) + " is no list");
    for (const Json& text : found->array()) {
      if (!text.is_string()) return fail(std::string(key) + " has an item that is no text");
      into.push_back(text.as_string());
    }
  }
  void number(const char* key, std::optional<double>& into) {
    const Json* found = take(key);
    if (found == nullptr) return;
    if (!found->is_number()) return fail(std::string(key) + " is no number");
    into = found->as_double();
  }
  void integer(const char* key, std::optional<int64_t>& into) {
    const Json* found = take(key);
    if (found == nullptr) return;
    if (!found->is_integer()) return fail(std::string(key) + " is no integer");
    into = found->as_int();
  }
  void duration(const char* key, Duration& into) {
    std::string text_of;
    text(key, text_of, true);
    auto value = parse_duration(text_of);
    if (!value) return fail(std::string(key) + " is no duration");
    into = *value;
  }
  template <class Enum>
  void choice(const char* key, Enum& into, const std::vector<std::pair<std::string, Enum>>& words) {
    std::string word;
    text(key, word, true);
    for (const auto& [name, value] : words) {
      if (name == word) {
        into = value;
        return;
      }
    }
    fail(std::string(key) + " is " + shown(word));
  }
  void fail(const std::string& what) {
    if (wrong_.empty()) wrong_ = where_ + " " + what;
  }
  // After the last key was asked for.
  void finish() {
    for (const auto& [key, value] : json_.object()) {
      if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) fail("has the unknown key " + shown(key));
    }
  }

 private:
  const Json& json_;
  std::string where_;
  std::string& wrong_;
  std::vector<std::string> asked_;
};

Field field_from(const Json& json, bool named, int depth, std::string& wrong) {
  Field out;
  Shape in(json, named ? "field " + shown(json["name"].as_string()) : "an item", wrong);
  if (depth > kFieldDepthMax) {
    in.fail("is nested too deep");
    return out;
  }
  if (named) in.text("name", out.name, true);
  std::vector<std::pair<std::string, FieldType>> types;
  for (size_t i = 0; i < type_words().size(); ++i) types.emplace_back(type_words()[i], static_cast<FieldType>(i));
  in.choice("type", out.type, types);
  in.flag("required", out.required, false);
  in.flag("nullable", out.nullable, false);
  in.text("description", out.description, false);
  in.text("was", out.was, false);
  in.flag("subject", out.subject, false);
  in.texts("values", out.values, false);
  in.number("min", out.minimum);
  in.number("max", out.maximum);
  in.integer("min_length", out.length_min);
  in.integer("max_length", out.length_max);
  in.text("pattern", out.pattern, false);
  if (const Json* otherwise = in.take("default")) out.otherwise = *otherwise;
  in.texts("former", out.former, false);
  if (const Json* initial = in.take("initial")) out.initial = *initial;
  std::optional<int64_t> precision, scale;
  in.integer("precision", precision);
  in.integer("scale", scale);
  if (out.type == FieldType::decimal) {
    if (!precision || !scale || *precision < 1 || *precision > 18 || *scale < 0 || *scale > *precision) {
      in.fail("has no precision and scale of a decimal");
    } else {
      out.precision = static_cast<int>(*precision);
      out.scale = static_cast<int>(*scale);
    }
  }
  if (const Json* fields = in.take("fields")) {
    if (!fields->is_array()) in.fail("has fields that are no list");
    for (const Json& member : fields->array()) out.fields.push_back(field_from(member, true, depth + 1, wrong));
  }
  if (const Json* items = in.take("items")) out.items.push_back(field_from(*items, false, depth + 1, wrong));
  in.finish();
  return out;
}

void beacon_from(const Json& json, Stream& into, std::string& wrong) {
  if (json.is_null()) return;
  Beacon beacon;
  Shape in(json, "the beacon", wrong);
  in.text("path", beacon.path, true);
  in.text("batch", beacon.batch, true);
  std::optional<int64_t> records_max;
  in.integer("records_max", records_max);
  if (!records_max || *records_max < 1 || *records_max > INT32_MAX) {
    in.fail("has no records_max");
  } else {
    beacon.records_max = static_cast<int>(*records_max);
  }
  in.finish();
  into.beacon = std::move(beacon);
}

void stream_from(const Json& json, Stream& out, std::string& wrong) {
  Shape in(json, "the stream", wrong);
  in.take("format");
  in.text("name", out.name, true);
  in.text("description", out.description, true);
  in.flag("enabled", out.enabled, true);
  if (const Json* tags = in.need("tags")) {
    if (!tags->is_object()) in.fail("has tags that are no object");
    for (const auto& [key, value] : tags->object()) out.tags[key] = value.as_string();
  }
  if (const Json* fields = in.need("fields")) {
    if (!fields->is_array()) in.fail("has fields that are no list");
    for (const Json& field : fields->array()) out.fields.push_back(field_from(field, true, 1, wrong));
  }
  if (const Json* retired = in.take("retired")) {
    if (!retired->is_array()) in.fail("has retired fields that are no list");
    for (const Json& field : retired->array()) out.retired.push_back(field_from(field, true, 1, wrong));
  }
  in.text("key", out.key, true);
  in.flag("assign_key", out.assign_key, true);
  in.text("time", out.time_field, true);
  in.choice("unknown", out.unknown,
            {{"keep", UnknownFields::keep}, {"drop", UnknownFields::drop}, {"refuse", UnknownFields::refuse}});
  in.choice("write", out.write, {{"key", WhoWrites::key}, {"public", WhoWrites::anyone}});
  in.flag("off_loopback", out.public_off_loopback, true);
  in.texts("cors", out.cors_origins, true);
  if (const Json* beacon = in.need("beacon")) beacon_from(*beacon, out, wrong);
  in.choice("partition", out.partition, {{"day", PartitionBy::day}, {"year_month", PartitionBy::year_month}});
  in.duration("dedup_window", out.dedup_window);
  in.duration("past_max", out.past_max);
  in.duration("future_max", out.future_max);
  const Json* retention = in.need("retention");
  if (retention != nullptr && !retention->is_null()) {
    Duration kept;
    in.duration("retention", kept);
    out.retention = kept;
  }
  in.finish();
}

}  // namespace

Json to_json(const Stream& stream) {
  Json out{Json::Object{}};
  const bool has_history =
      !stream.retired.empty() || std::any_of(stream.fields.begin(), stream.fields.end(),
                                             [](auto& f) { return !f.former.empty() || f.initial.has_value(); });
  out.set("format", has_history ? kFormat : kFormatWithout);
  out.set("name", stream.name);
  out.set("description", stream.description);
  out.set("enabled", stream.enabled);
  Json tags{Json::Object{}};
  for (const auto& [key, value] : stream.tags) tags.set(key, value);
  out.set("tags", std::move(tags));
  Json::Array fields;
  for (const Field& field : stream.fields) fields.push_back(field_json(field));
  out.set("fields", std::move(fields));
  Json::Array retired;
  for (const Field& field : stream.retired) retired.push_back(field_json(field));
  if (!retired.empty()) out.set("retired", std::move(retired));
  out.set("key", stream.key);
  out.set("assign_key", stream.assign_key);
  out.set("time", stream.time_field);
  out.set("unknown", unknown_word(stream.unknown));
  out.set("write", stream.write == WhoWrites::key ? "key" : "public");
  out.set("off_loopback", stream.public_off_loopback);
  out.set("cors", texts_json(stream.cors_origins));
  Json beacon;
  if (stream.beacon) {
    beacon.set("path", stream.beacon->path);
    beacon.set("batch", stream.beacon->batch);
    beacon.set("records_max", stream.beacon->records_max);
  }
  out.set("beacon", std::move(beacon));
  out.set("partition", stream.partition == PartitionBy::day ? "day" : "year_month");
  out.set("dedup_window", format_duration(stream.dedup_window));
  out.set("past_max", format_duration(stream.past_max));
  out.set("future_max", format_duration(stream.future_max));
  out.set("retention", stream.retention ? Json(format_duration(*stream.retention)) : Json());
  return out;
}

Result<Stream> stream_from_json(const Json& json) {
  const Json& format = json["format"];
  if (format.is_integer() && format.as_int() > kFormat) {
    return Error(Code::unsupported,
                 "the stream " + shown(json["name"].as_string()) + " is kept in format " +
                     std::to_string(format.as_int()) + ", this weir knows up to " + std::to_string(kFormat),
                 "it was written by a newer weir: start that one");
  }
  Stream out;
  std::string wrong;
  if (!format.is_integer() || format.as_int() < 1) wrong = "it has no format";
  if (wrong.empty()) stream_from(json, out, wrong);
  if (!wrong.empty()) return Error(Code::corrupt, "the kept declaration of a stream does not read: " + wrong);
  return out;
}

}  // namespace weir::capture
