#include "stream/capture/declaration.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "core/base/yaml_reader.h"
#include "core/project/origins.h"
#include "stream/capture/declaration_fields.h"

namespace weir::capture {
namespace {

constexpr size_t kOriginsMax = 100;
constexpr size_t kTagsMax = 32;
constexpr size_t kTagBytesMax = 256;
constexpr size_t kPathBytesMax = 200;
constexpr int kBeaconRecordsMax = 10'000;
constexpr std::string_view kAssignedKey = "0190a5b2-7c3d-7e4f-8a1b-2c3d4e5f6071";  // what an assigned key looks like

void read_name(YamlReader& in, const std::string& name, Stream& into) {
  into.name = name;
  const Position at{in.node().at.file, 1, 1};
  if (in.value("name") != nullptr) {
    in.refuse("name", "the file's name is the stream's name, here " + shown(name), "remove the line");
  }
  if (!check_name(in, name, at, "stream")) return;
  if (name.size() > 11 && name.ends_with("_quarantine")) {
    in.refuse_at(at, "stream " + shown(name) + ": tables that end with _quarantine are weir's own", "rename the file");
  }
  for (std::string_view own : {"weir_", "pg_", "information_schema"}) {
    if (name.starts_with(own)) {
      in.refuse_at(at,
                   "stream " + shown(name) + ": names that begin with " + std::string(own) + " are views of the system",
                   "rename the file");
    }
  }
}

void read_tags(YamlSection& in, Stream& into) {
  if (!in.text_map("tags", into.tags)) return;
  const Yaml& node = *in.value("tags");
  if (node.entries.size() > kTagsMax) {
    in.refuse("tags", std::to_string(node.entries.size()) + " tags, allowed are " + std::to_string(kTagsMax));
  }
  for (const YamlEntry& tag : node.entries) {
    check_name(in, tag.key, tag.key_at, "tag");
    if (tag.value.text.size() > kTagBytesMax) {
      in.refuse_at(tag.value.at, "tags." + tag.key + " has " + std::to_string(tag.value.text.size()) +
                                     " bytes, allowed are " + std::to_string(kTagBytesMax));
    }
  }
}

// A field that another key of the declaration names. Its Field, or nullptr after an error.
Field* named_field(YamlSection& in, const char* key, const std::string& name, Stream& stream) {
  for (Field& field : stream.fields) {
    if (field.name == name) return &field;
  }
  // One that is declared with a mistake of its own is not missed here as well.
  const Yaml* fields = in.value("fields");
  if (fields != nullptr && fields->find(name) != nullptr) return nullptr;
  std::vector<std::string> names;
  for (const Field& field : stream.fields) names.push_back(field.name);
  in.refuse(key, shown(name) + " is no top-level field of the stream",
            names.empty() ? "declare it under fields" : did_you_mean(name, names));
  return nullptr;
}

void check_assigned(YamlSection& in, const Field& field) {
  std::string wrong = text_misfit(field, kAssignedKey);
  if (wrong.empty()) return;
  in.refuse("key", "a missing key would be assigned as a UUID, which does not fit " + shown(field.name) + ": " + wrong,
            "write assign_key: false, or loosen the field's rules");
}

void read_key(YamlSection& in, Stream& into) {
  const bool given = in.text("key", into.key);
  const bool says_assign = in.flag("assign_key", into.assign_key);
  if (!given) {
    if (says_assign && in.value("key") == nullptr) in.refuse("assign_key", "there is no key to assign", "declare key");
    into.assign_key = true;
    return;
  }
  Field* field = named_field(in, "key", into.key, into);
  if (field == nullptr) return;
  const bool assignable = field->type == FieldType::uuid || field->type == FieldType::string;
  switch (field->type) {
    case FieldType::uuid:
    case FieldType::string:
    case FieldType::integer:
    case FieldType::decimal:
    case FieldType::timestamp:
    case FieldType::date:
      break;
    default:
      in.refuse("key", shown(into.key) + " is of type " + type_words()[static_cast<size_t>(field->type)] +
                           ", expected uuid, string, integer, decimal, timestamp or date");
      return;
  }
  if (field->nullable)
    in.refuse("key", shown(into.key) + " is nullable, and null identifies nothing", "remove nullable");
  if (field->otherwise) {
    in.refuse("key", shown(into.key) + " has a default, which would make all events without one the same event",
              "remove the default");
  }
  if (says_assign && into.assign_key && !assignable) {
    in.refuse("assign_key",
              "only a uuid or string key can be assigned; " + shown(into.key) + " is of type " +
                  type_words()[static_cast<size_t>(field->type)],
              "remove assign_key");
  }
  if (says_assign && into.assign_key && field->required) {
    in.refuse("assign_key", "the key " + shown(into.key) + " is required, so it is never missing",
              "remove assign_key, or required");
  }
  if (!says_assign) into.assign_key = assignable && !field->required;
  if (into.assign_key && assignable) check_assigned(in, *field);
  if (into.assign_key) return;
  const Yaml* written = in.value("fields")->find(into.key);
  if (written->find("required") != nullptr && !field->required) {
    in.refuse("key", shown(into.key) + " is not required and is not assigned: events without it would have no key",
              "write required: true");
  }
  field->required = true;
}

void read_time(YamlSection& in, Stream& into) {
  if (!in.text("time", into.time_field)) return;
  const Field* field = named_field(in, "time", into.time_field, into);
  if (field == nullptr || field->type == FieldType::timestamp) return;
  in.refuse("time",
            shown(into.time_field) + " is of type " + type_words()[static_cast<size_t>(field->type)] +
                ", expected a timestamp",
            "without time, the arrival decides the partition");
}

// What is wrong with a path of the seed's form; empty: nothing.
std::string path_mistake(std::string_view path) {
  if (!path.starts_with('/')) return "must begin with /";
  if (path.size() > kPathBytesMax) return "is longer than " + std::to_string(kPathBytesMax) + " bytes";
  for (std::string_view part : split(path.substr(1), '/')) {
    if (part.empty()) return "has an empty part between its slashes";
    if (part == "." || part == "..") return "must not contain . or ..";
    const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("-_.~").find(c) != std::string_view::npos;
    });
    if (!plain) return "may have letters, digits and - _ . ~ between its slashes";
  }
  const std::string_view first = split(path.substr(1), '/').front();
  for (std::string_view own : {"v1", "health", "metrics", "assets", "openapi.json"}) {
    if (first == own) return "lies under /" + std::string(own) + ", which is weir's own";
  }
  return {};
}

void read_beacon(YamlSection& in, Stream& into) {
  auto section = in.section("beacon", "the beacon");
  if (!section) return;
  Beacon beacon;
  if (section->text("path", beacon.path, required)) {
    const std::string wrong = path_mistake(beacon.path);
    if (!wrong.empty()) section->refuse("path", shown(beacon.path) + " " + wrong, "for example /impressions");
  }
  if (section->text("batch", beacon.batch, required)) {
    const bool plain =
        !beacon.batch.empty() && beacon.batch.size() <= 63 &&
        std::all_of(beacon.batch.begin(), beacon.batch.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        });
    if (!plain) {
      section->refuse("batch", shown(beacon.batch) + " is no name: letters, digits, _ and -, at most 63",
                      "it is the key of the list in the body: {\"impressions\": […]}");
    }
  }
  section->integer("records_max", beacon.records_max, {1, kBeaconRecordsMax});
  into.beacon = std::move(beacon);
}

void read_writers(YamlSection& in, Stream& into) {
  in.choice("write", into.write, {{"key", WhoWrites::key}, {"public", WhoWrites::anyone}});
  in.flag("off_loopback", into.public_off_loopback);
  if (into.public_off_loopback && into.write == WhoWrites::key) {
    in.refuse("off_loopback", "belongs to write: public; writers with a key may come from anywhere",
              "remove it, or write: public");
  }
  project::read_origins(in, "cors", kOriginsMax, into.cors_origins);
  read_beacon(in, into);
}

void read_times(YamlSection& in, Stream& into) {
  in.choice("partition", into.partition, {{"day", PartitionBy::day}, {"year_month", PartitionBy::year_month}});
  in.duration("dedup_window", into.dedup_window, {minutes(1), days(90)});
  in.duration("future_max", into.future_max, {seconds(0), days(366)});
  in.duration("retention", into.retention, {days(1), days(36'500)});
  const bool says_past = in.duration("past_max", into.past_max, {minutes(1), days(36'500)});
  if (!into.retention || into.past_max <= *into.retention) return;
  if (says_past) {
    in.refuse(
        "past_max",
        "is longer than retention " + format_duration(*into.retention) + ": an accepted event could be deleted at once",
        "write past_max: " + format_duration(*into.retention));
  }
  into.past_max = *into.retention;
}

// Rules between fields: the partition's own columns, and former names.
void check_fields(YamlSection& in, const Stream& stream) {
  const Yaml* fields = in.value("fields");
  if (fields == nullptr || !fields->is_mapping()) return;
  const std::set<std::string> columns =
      stream.partition == PartitionBy::day ? std::set<std::string>{"dt"} : std::set<std::string>{"year", "month"};
  for (const YamlEntry& entry : fields->entries) {
    if (!columns.contains(entry.key)) continue;
    in.refuse_at(
        entry.key_at, "field " + shown(entry.key) + " has the name of a partition column of this stream",
        stream.partition == PartitionBy::day ? "rename it, or partition: year_month" : "rename it, or partition: day");
  }
  std::map<std::string, std::string> renamed;
  for (const Field& field : stream.fields) {
    if (field.was.empty()) continue;
    const Yaml* node = fields->find(field.name)->find("was");
    if (fields->find(field.was) != nullptr && field.was != field.name) {
      in.refuse_at(node->at, "was: " + shown(field.was) + " is still declared", "remove that field, or this line");
    }
    auto [other, is_new] = renamed.emplace(field.was, field.name);
    if (!is_new) {
      in.refuse_at(node->at, "was: " + shown(field.was) + " is already the former name of " + shown(other->second),
                   "one field takes over its data");
    }
  }
}

}  // namespace

ParsedStream parse_stream(const Yaml& root, const std::string& name) {
  ParsedStream out;
  Stream& stream = out.stream;
  YamlReader in(root, "the stream");
  read_name(in, name, stream);
  read_description(in, stream.description);
  in.flag("enabled", stream.enabled);
  read_tags(in, stream);
  read_fields(in, stream.fields);
  in.choice("unknown", stream.unknown,
            {{"keep", UnknownFields::keep}, {"drop", UnknownFields::drop}, {"refuse", UnknownFields::refuse}});
  read_key(in, stream);
  read_time(in, stream);
  read_writers(in, stream);
  read_times(in, stream);
  check_fields(in, stream);
  out.errors = in.finish();
  return out;
}

ParsedStream parse_stream(std::string_view text, const std::string& file, const std::string& name) {
  auto root = parse_yaml(text, {file, 1});
  if (root) return parse_stream(*root, name);
  ParsedStream out;
  out.stream.name = name;
  out.errors.push_back(root.error());
  return out;
}

}  // namespace weir::capture
