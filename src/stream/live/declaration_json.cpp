// The canonical JSON of live windows, as the control database keeps it; the JSON Schema of their file; what changes
// between two declarations.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/json_shape.h"
#include "core/base/text.h"
#include "stream/live/declaration_words.h"

namespace weir::live {
namespace {

constexpr int kFormat = 1;

constexpr const char* kSchema = R"json({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Live windows (live/NAME.yaml)",
  "type": "object",
  "additionalProperties": false,
  "required": ["size", "measures"],
  "properties": {
    "description": {"type": "string", "maxLength": 4096},
    "size": {"$ref": "#/$defs/duration",
      "description": "Of a window, by the events' own time in UTC: 1s to 1d, dividing a day."},
    "keep": {"$ref": "#/$defs/duration", "default": "1d",
      "description": "How long a window is kept after its end; older events are only in the lake."},
    "allowed_lateness": {"$ref": "#/$defs/duration",
      "description": "How long after its end events still correct a window; by default as long as it is kept."},
    "settle": {"$ref": "#/$defs/duration", "default": "10s",
      "description": "What arrives so long after a window's end is late: it corrects, and is shown as such."},
    "keys": {"type": "array", "maxItems": 8, "uniqueItems": true, "items": {"type": "string"},
      "description": "Fields that every measured stream has: one row of a window for each of their values."},
    "keys_max": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 100,
      "description": "Rows of one window."},
    "beyond_keys": {"enum": ["other", "drop"], "default": "other",
      "description": "Events of further keys: counted together in one row, or dropped and counted as too_many_keys."},
    "measures": {
      "type": "object", "minProperties": 1, "maxProperties": 32,
      "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,62}$"},
      "additionalProperties": {"$ref": "#/$defs/measure"},
      "description": "What is measured, by name; each is a column."
    },
    "metrics_namespace": {"type": "string", "maxLength": 255,
      "description": "Of measures with a metric: Warehouse/Advertising."}
  },
  "$defs": {
    "duration": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w)$"},
    "measure": {
      "type": "object",
      "additionalProperties": false,
      "title": "A measure",
      "properties": {
        "count": {"type": "string", "description": "STREAM: its events; STREAM.FIELD: those that have the field."},
        "sum": {"type": "string", "description": "STREAM.FIELD, an integer, decimal or number."},
        "min": {"type": "string", "description": "The same."},
        "max": {"type": "string", "description": "The same."},
        "avg": {"type": "string", "description": "The same."},
        "ratio": {"type": "string",
          "description": "Two other measures, as `clicks / impressions`; null where the divisor is 0."},
        "metric": {"type": "string", "maxLength": 255,
          "description": "Exported under this name; only of windows without keys."}
      },
      "oneOf": [{"required": ["count"]}, {"required": ["sum"]}, {"required": ["min"]}, {"required": ["max"]},
        {"required": ["avg"]}, {"required": ["ratio"]}]
    }
  }
})json";

Json texts_json(const std::vector<std::string>& texts) {
  Json out(Json::Array{});
  for (const std::string& text : texts) out.push(text);
  return out;
}

Json measure_json(const Measure& measure) {
  return Json::Object{{"name", measure.name},    {"kind", kind_word(measure.kind)}, {"stream", measure.stream},
                      {"field", measure.field},  {"dividend", measure.dividend},    {"divisor", measure.divisor},
                      {"metric", measure.metric}};
}

Measure measure_from(const Json& json, std::string& wrong) {
  Measure out;
  JsonShape in(json, "a measure", wrong);
  in.text("name", out.name);
  in.choice("kind", out.kind, kind_words());
  in.text("stream", out.stream);
  in.text("field", out.field);
  in.text("dividend", out.dividend);
  in.text("divisor", out.divisor);
  in.text("metric", out.metric);
  in.finish();
  return out;
}

Status check_format(const Json& json) {
  const Json& format = json["format"];
  if (!format.is_integer() || format.as_int() < 1) {
    return Error(Code::corrupt, "the kept declaration of live windows does not read: it has no format");
  }
  if (format.as_int() <= kFormat) return {};
  return Error(Code::unsupported,
               "the live windows " + shown(json["name"].as_string()) + " are kept in format " +
                   std::to_string(format.as_int()) + ", this weir knows up to " + std::to_string(kFormat),
               "they were written by a newer weir: start that one");
}

const Measure* find(const Declaration& live, const std::string& name) {
  const auto found = std::find_if(live.measures.begin(), live.measures.end(),
                                  [&](const Measure& measure) { return measure.name == name; });
  return found == live.measures.end() ? nullptr : &*found;
}

std::string or_none(const std::vector<std::string>& texts) {
  return texts.empty() ? "none" : join(texts, ", ");
}

class Comparison {
 public:
  Comparison(const Declaration& applied, const Declaration& wanted) : applied_(applied), wanted_(wanted) {}

  std::vector<project::Difference> all() {
    if (applied_.description != wanted_.description) say("the description changes");
    if (applied_.enabled != wanted_.enabled) {
      say(wanted_.enabled ? "counting begins again" : "nothing is counted any more, and the windows are forgotten");
    }
    if (applied_.tags != wanted_.tags) say("the tags change");
    changes("size", format_duration(applied_.size), format_duration(wanted_.size));
    changes("keep", format_duration(applied_.keep), format_duration(wanted_.keep));
    changes("allowed_lateness", format_duration(applied_.allowed_lateness), format_duration(wanted_.allowed_lateness));
    changes("settle", format_duration(applied_.settle), format_duration(wanted_.settle));
    changes("keys", or_none(applied_.keys), or_none(wanted_.keys));
    changes("keys_max", std::to_string(applied_.keys_max), std::to_string(wanted_.keys_max));
    changes("beyond_keys", beyond_word(applied_.beyond_keys), beyond_word(wanted_.beyond_keys));
    measures();
    if (is_counted_again_ && wanted_.enabled) say("its windows are counted again, from what the lake holds");
    if (applied_.metrics_namespace != wanted_.metrics_namespace) say("the metrics' namespace changes");
    return std::move(differences_);
  }

 private:
  void say(std::string what) { differences_.push_back({std::move(what)}); }
  void changes(const std::string& key, const std::string& before, const std::string& after) {
    if (before == after) return;
    say(key + " changes from " + before + " to " + after);
    is_counted_again_ = true;
  }

  void measures() {
    const size_t before_count = differences_.size();
    for (const Measure& one : wanted_.measures) {
      const Measure* before = find(applied_, one.name);
      if (before != nullptr && *before == one) continue;
      say("measure " + one.name + (before == nullptr ? " is added: " : " becomes ") + kind_word(one.kind) + " of " +
          operand_text(one));
    }
    for (const Measure& one : applied_.measures) {
      if (find(wanted_, one.name) == nullptr) say("measure " + one.name + " is removed");
    }
    if (differences_.size() == before_count && applied_.measures != wanted_.measures) {
      say("the measures are listed in another order");
    }
    is_counted_again_ = is_counted_again_ || applied_.measures != wanted_.measures;
  }

  const Declaration& applied_;
  const Declaration& wanted_;
  std::vector<project::Difference> differences_;
  bool is_counted_again_ = false;
};

}  // namespace

const std::vector<std::pair<std::string, MeasureKind>>& kind_words() {
  static const std::vector<std::pair<std::string, MeasureKind>> words = {
      {"count", MeasureKind::count}, {"sum", MeasureKind::sum}, {"min", MeasureKind::min},
      {"max", MeasureKind::max},     {"avg", MeasureKind::avg}, {"ratio", MeasureKind::ratio}};
  return words;
}

const std::vector<std::pair<std::string, Beyond>>& beyond_words() {
  static const std::vector<std::pair<std::string, Beyond>> words = {{"other", Beyond::other}, {"drop", Beyond::drop}};
  return words;
}

const char* kind_word(MeasureKind kind) {
  for (const auto& [word, one] : kind_words()) {
    if (one == kind) return word.c_str();
  }
  return "";
}

const char* beyond_word(Beyond beyond) {
  return beyond == Beyond::other ? "other" : "drop";
}

Json live_schema() {
  auto schema = Json::parse(kSchema);
  CHECK(schema.has_value(), "the schema is JSON");
  Json properties = (*schema)["properties"];
  const Json common = project::common_schema();
  for (const auto& [key, value] : common.object()) properties.set(key, value);
  schema->set("properties", std::move(properties));
  return std::move(*schema);
}

Json to_json(const Declaration& live) {
  Json tags(Json::Object{}), measures(Json::Array{});
  for (const auto& [key, value] : live.tags) tags.set(key, value);
  for (const Measure& measure : live.measures) measures.push(measure_json(measure));
  return Json::Object{{"format", kFormat},
                      {"name", live.name},
                      {"description", live.description},
                      {"enabled", live.enabled},
                      {"tags", std::move(tags)},
                      {"size", format_duration(live.size)},
                      {"keep", format_duration(live.keep)},
                      {"allowed_lateness", format_duration(live.allowed_lateness)},
                      {"settle", format_duration(live.settle)},
                      {"keys", texts_json(live.keys)},
                      {"keys_max", live.keys_max},
                      {"beyond_keys", beyond_word(live.beyond_keys)},
                      {"measures", std::move(measures)},
                      {"metrics_namespace", live.metrics_namespace}};
}

Result<Declaration> live_from_json(const Json& json) {
  TRY(check_format(json));
  Declaration out;
  std::string wrong;
  JsonShape in(json, "it", wrong);
  in.need("format");
  in.text("name", out.name);
  in.text("description", out.description);
  in.flag("enabled", out.enabled);
  in.text_map("tags", out.tags);
  in.duration("size", out.size);
  in.duration("keep", out.keep);
  in.duration("allowed_lateness", out.allowed_lateness);
  in.duration("settle", out.settle);
  in.texts("keys", out.keys);
  int64_t keys_max = 1;
  in.integer("keys_max", keys_max, 1, 100'000);
  out.keys_max = static_cast<size_t>(keys_max);
  in.choice("beyond_keys", out.beyond_keys, beyond_words());
  if (const Json::Array* measures = in.list("measures")) {
    for (const Json& measure : *measures) out.measures.push_back(measure_from(measure, wrong));
    if (measures->empty()) in.fail("has no measures");
  }
  in.text("metrics_namespace", out.metrics_namespace);
  in.finish();
  if (out.size.micros <= 0) in.fail("has no size");
  if (!wrong.empty()) return Error(Code::corrupt, "the kept declaration of live windows does not read: " + wrong);
  return out;
}

std::vector<project::Difference> compare(const Declaration& applied, const Declaration& wanted) {
  return Comparison(applied, wanted).all();
}

}  // namespace weir::live
