// What a change of a declaration means for the events that are there. The rule behind the table: the engine finds a
// column in an older file under its former names, reads one that the file lacks as the default it was added with, and
// widens narrower integers, nothing else; so a column keeps its type, a name keeps its field, and everything that only
// decides about new events may change.
#include <algorithm>
#include <map>
#include <set>

#include "core/base/text.h"
#include "stream/capture/declaration.h"
#include "stream/capture/declaration_fields.h"
#include "stream/capture/declaration_lineage.h"

namespace weir::capture {
namespace {

constexpr const char* kTighter = "events that do not fit go to quarantine from now on, earlier ones stay as they are";
constexpr size_t kShownMax = 5;

std::string type_text(const Field& field) {
  std::string word = type_words()[static_cast<size_t>(field.type)];
  if (field.type != FieldType::decimal) return word;
  return word + "(" + std::to_string(field.precision) + "," + std::to_string(field.scale) + ")";
}

const char* sql_type(FieldType type) {
  switch (type) {
    case FieldType::boolean:
      return "BOOLEAN";
    case FieldType::integer:
      return "BIGINT";
    case FieldType::number:
      return "DOUBLE";
    case FieldType::decimal:
      return "DECIMAL";
    case FieldType::string:
      return "VARCHAR";
    case FieldType::uuid:
      return "UUID";
    case FieldType::timestamp:
      return "TIMESTAMP";
    case FieldType::date:
      return "DATE";
    case FieldType::json:
    case FieldType::object:
    case FieldType::array:
      return "JSON";
  }
  return "";
}

const Field* find(const std::vector<Field>& fields, std::string_view name) {
  auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

template <class Value>
std::string text_of(const std::optional<Value>& value) {
  return value ? Json(*value).dump() : "none";
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string out;
  for (size_t i = 0; i < texts.size() && i < kShownMax; ++i) out += (i == 0 ? "" : ", ") + shown(texts[i]);
  if (texts.size() > kShownMax) out += " and " + std::to_string(texts.size() - kShownMax) + " more";
  return out;
}

std::vector<std::string> without(const std::vector<std::string>& from, const std::vector<std::string>& these) {
  std::vector<std::string> out;
  for (const std::string& text : from) {
    if (std::find(these.begin(), these.end(), text) == these.end()) out.push_back(text);
  }
  return out;
}

class Comparison {
 public:
  // `wanted` is carried.
  Comparison(const Stream& applied, const Stream& wanted)
      : applied_(applied), wanted_(wanted), descent_(descent(applied, wanted)) {}

  std::vector<Change> all() {
    if (applied_.description != wanted_.description) allow("the description changes");
    if (applied_.enabled != wanted_.enabled) {
      allow(wanted_.enabled ? "the stream is enabled: it takes events again"
                            : "the stream is disabled: events are refused from now on, what is there stays");
    }
    if (applied_.tags != wanted_.tags) allow("the tags change");
    columns();
    names();
    identity();
    policies();
    windows();
    return std::move(changes_);
  }

 private:
  void allow(std::string what) { changes_.push_back({std::move(what), true, {}}); }
  void refuse(std::string what, std::string way_out) {
    changes_.push_back({std::move(what), false, std::move(way_out)});
  }
  std::string new_stream() const { return "declare a new stream (streams/" + wanted_.name.substr(0, 61) + "_2.yaml)"; }

  // The top-level fields: each is a column, with a history.
  void columns() {
    std::set<const Field*> kept;
    std::vector<const Field*> in_order;
    for (size_t i = 0; i < wanted_.fields.size(); ++i) {
      const Field& field = wanted_.fields[i];
      if (descent_[i].retired != nullptr) {
        comes_back(*descent_[i].retired, field);
      } else if (descent_[i].applied == nullptr) {
        added(field, "");
      } else {
        in_order.push_back(descent_[i].applied);
        kept.insert(descent_[i].applied);
        changed(*descent_[i].applied, field, field.name);
      }
    }
    for (const Field& field : applied_.fields) {
      if (!kept.contains(&field)) removed(field, "");
    }
    if (!std::is_sorted(in_order.begin(), in_order.end())) allow("the order of the columns changes");
    if (wanted_.retired.size() > kRetiredFieldsMax) {
      refuse(std::to_string(wanted_.retired.size()) + " fields were removed over time, up to " +
                 std::to_string(kRetiredFieldsMax) + " are remembered",
             "keep the field, or " + new_stream());
    }
  }

  // Of an object, whose members have no columns of their own.
  void members(const std::vector<Field>& before, const std::vector<Field>& after, const std::string& prefix) {
    std::vector<const Field*> in_order;
    for (const Field& field : after) {
      if (const Field* old = find(before, field.name)) {
        in_order.push_back(old);
        changed(*old, field, prefix + field.name);
      } else {
        added(field, prefix);
      }
    }
    for (const Field& field : before) {
      if (find(after, field.name) == nullptr) removed(field, prefix);
    }
    if (!std::is_sorted(in_order.begin(), in_order.end())) {
      allow("the order of the fields of " + prefix.substr(0, prefix.size() - 1) + " changes");
    }
  }

  // Files and events of all ages are read by names, so a name that once was a field's stays that field's.
  void names() {
    std::map<std::string, const Field*> owners;
    for (const Field& field : wanted_.fields) {
      std::vector<std::string> all = former_names(field);
      if (all.size() > kFormerNamesMax) {
        refuse("field " + field.name + " has had " + std::to_string(all.size()) + " former names, up to " +
                   std::to_string(kFormerNamesMax) + " are kept",
               "keep its name, or " + new_stream());
      }
      all.insert(all.begin(), field.name);
      for (const std::string& name : all) {
        const auto [owner, is_new] = owners.emplace(name, &field);
        if (!is_new && owner->second != &field) taken(name, *owner->second, field);
      }
    }
    for (size_t i = 0; i < wanted_.fields.size(); ++i) {
      if (descent_[i].applied != nullptr) against_retired(wanted_.fields[i], *descent_[i].applied);
    }
  }

  void taken(const std::string& name, const Field& one, const Field& other) {
    const Field& heir = one.name == name ? other : one;  // whose former name it is
    const Field& field = one.name == name ? one : other;
    refuse("field " + field.name + (field.name == name ? "" : ", was: " + name) + ": " + name +
               " is a former name of " + heir.name + ", whose values earlier events and files hold under it",
           "give it another name, or " + new_stream());
  }

  // `field` is there and gets a name, now or by `was`, that files hold with the values of a removed field.
  void against_retired(const Field& field, const Field& before) {
    for (const Field& gone : applied_.retired) {
      if (field.name != before.name && has_name(gone, field.name) && !has_name(before, field.name)) {
        refuse("field " + before.name + " is renamed to " + field.name +
                   ": files that are there hold the values of a " + "field that was removed under this name",
               "give it another name, or " + new_stream());
      }
    }
    // Where a file lacks its own values it would show those of the other.
    for (const Field& gone : wanted_.retired) {
      if (field.was.empty() || has_name(before, field.was) || !has_name(gone, field.was)) continue;
      if (same_column(gone, field)) continue;
      refuse("field " + field.name + ", was: " + field.was + ": files that are there hold " + field.was + " as " +
                 type_text(gone) + ", which cannot be read as " + type_text(field),
             "leave out was, or " + new_stream());
    }
  }

  void comes_back(const Field& before, const Field& field) {
    const std::string what = "field " + field.name + " was removed and is declared again";
    if (!same_column(before, field)) {
      std::string way_out = "declare it as " + type_text(before) + ", give it another name, or " + new_stream();
      refuse(what + " as " + type_text(field) + ": files that are there hold it as " + type_text(before), way_out);
      return;
    }
    if (field.required && !field.otherwise) {
      refuse(what + " as required without a default: events from between have no value for it",
             "leave out required, or give it a default; or " + new_stream());
      return;
    }
    allow(what + ": the values of then are shown again, events from between read as " + initial_text(before.initial));
  }

  static std::string initial_text(const std::optional<Json>& initial) { return initial ? initial->dump() : "NULL"; }

  void added(const Field& field, const std::string& prefix) {
    const std::string what = "field " + prefix + field.name + " is added (" + type_text(field) + ")";
    if (field.required && !field.otherwise) {
      // A key that is not assigned belongs to the change of the key, which is refused by itself.
      refuse(what + " as required without a default: events that are there have no value for it",
             "leave out required, or give it a default; or " + new_stream());
      return;
    }
    if (!prefix.empty()) return allow(what + "; earlier events do not have it");
    std::string past = "; earlier events read as " + initial_text(field.otherwise) + " in it";
    if (applied_.unknown == UnknownFields::keep) past += " (values that they brought under this name stay in _extra)";
    allow(what + past);
  }

  void removed(const Field& field, const std::string& prefix) {
    const std::string what = "field " + prefix + field.name + " is removed: ";
    std::string future = "dropped from new events";
    if (wanted_.unknown == UnknownFields::keep) {
      future = prefix.empty() ? "kept in _extra if new events bring it" : "kept as it comes if new events bring it";
    }
    if (wanted_.unknown == UnknownFields::refuse) future = "refused if new events bring it";
    if (!prefix.empty()) return allow(what + "earlier events keep it, it is " + future);
    allow(what + "its column leaves SQL, its values stay in the archive and the Parquet files; it is " + future +
          ". If it comes back, it must have the type " + type_text(field) + ", and they are shown again");
  }

  void changed(const Field& before, const Field& after, const std::string& path) {
    const std::string field = "field " + path;
    if (before.name != after.name) {
      allow("field " + before.name + " is renamed to " + after.name + "; what is there reads as " + after.name +
            ", events may bring either name");
    } else if (before.was != after.was) {
      if (!before.was.empty()) {
        allow(field + ": its former name " + before.was +
              " is no longer written here; what was brought or is brought " + "under it still reads as " + after.name);
      }
      if (!after.was.empty() && !has_name(before, after.was)) {
        allow(field + ": events may bring it as " + after.was + " too");
      } else if (!after.was.empty()) {
        allow(field + ": its former name " + after.was + " is written here again");
      }
    }
    if (before.description != after.description) allow(field + ": the description changes");
    if (before.subject != after.subject) {
      allow(field + (after.subject ? ": names a person from now on" : ": no longer names a person"));
    }
    presence(before, after, field);
    if (type_text(before) != type_text(after)) return type(before, after, path);
    rules(before, after, field);
    if (after.type == FieldType::object) members(before.fields, after.fields, path + ".");
    if (after.type == FieldType::array && !before.items.empty() && !after.items.empty()) {
      changed(before.items.front(), after.items.front(), path + "[]");
    }
  }

  void presence(const Field& before, const Field& after, const std::string& field) {
    const bool is_key = field == "field " + wanted_.key;  // assign_key tells
    if (before.otherwise != after.otherwise) {
      allow(field + ": the default changes from " + (before.otherwise ? before.otherwise->dump() : "none") + " to " +
            (after.otherwise ? after.otherwise->dump() : "none") + "; what is in the lake stays as it was written");
    }
    if (before.required != after.required && !is_key) {
      if (before.required) {
        allow(field + ": is no longer required");
      } else if (after.otherwise) {
        allow(field +
              ": becomes required; events without it go to quarantine from now on, earlier ones that the lake "
              "has yet to take read as the default");
      } else {
        refuse(field + ": becomes required without a default: events that are there may have no value for it",
               "leave it optional, or give it a default; or " + new_stream());
      }
    }
    if (before.nullable != after.nullable) {
      allow(field + (after.nullable ? ": null is allowed" : std::string(": null is no longer allowed; ") + kTighter));
    }
  }

  void type(const Field& before, const Field& after, const std::string& path) {
    const std::string what =
        "field " + path + ": the type changes from " + type_text(before) + " to " + type_text(after);
    const bool was_nested = before.type == FieldType::object || before.type == FieldType::array;
    const bool is_nested = after.type == FieldType::object || after.type == FieldType::array;
    if (was_nested && after.type == FieldType::json) return allow(what + "; any JSON fits");
    if (before.type == FieldType::json && is_nested) return allow(what + "; " + kTighter);
    const bool top = path.find_first_of(".[") == std::string::npos;
    std::string way_out = "keep this field and add a new one, or " + new_stream();
    if (top && !is_nested && after.type != FieldType::json) {
      std::string sql = sql_type(after.type);
      if (after.type == FieldType::decimal) {
        sql += "(" + std::to_string(after.precision) + "," + std::to_string(after.scale) + ")";
      }
      way_out += "; in SQL, CAST(\"" + before.name + "\" AS " + sql + ") reads it as the other type";
    }
    refuse(what + ": the values that are there cannot be read so", way_out);
  }

  void rules(const Field& before, const Field& after, const std::string& field) {
    values(before, after, field);
    bound(before.minimum, after.minimum, field + ": min", true);
    bound(before.maximum, after.maximum, field + ": max", false);
    bound(before.length_min, after.length_min, field + ": min_length", true);
    bound(before.length_max, after.length_max, field + ": max_length", false);
    if (before.pattern == after.pattern) return;
    if (after.pattern.empty()) return allow(field + ": the pattern " + shown(before.pattern) + " is removed");
    allow(field + ": the pattern changes to " + shown(after.pattern) + "; " + kTighter);
  }

  void values(const Field& before, const Field& after, const std::string& field) {
    if (before.values == after.values) return;
    if (after.values.empty()) return allow(field + ": any text is allowed");
    if (before.values.empty()) {
      return allow(field + ": only " + list_of(after.values) + " may be sent; " + kTighter);
    }
    const auto more = without(after.values, before.values), fewer = without(before.values, after.values);
    if (!more.empty()) allow(field + ": also " + list_of(more) + " may be sent");
    if (!fewer.empty()) allow(field + ": " + list_of(fewer) + " may no longer be sent; " + kTighter);
    if (more.empty() && fewer.empty()) allow(field + ": its values are listed in another order");
  }

  template <class Value>
  void bound(const std::optional<Value>& before, const std::optional<Value>& after, const std::string& name,
             bool is_min) {
    if (before == after) return;
    const bool tighter = after && (!before || (is_min ? *after > *before : *after < *before));
    allow(name + " changes from " + text_of(before) + " to " + text_of(after) +
          (tighter ? std::string("; ") + kTighter : ""));
  }

  // The wanted name of an applied field that is renamed; else the name.
  std::string now(const std::string& name) const {
    for (size_t i = 0; i < wanted_.fields.size(); ++i) {
      if (descent_[i].applied != nullptr && descent_[i].applied->name == name) return wanted_.fields[i].name;
    }
    return name;
  }

  // What cannot change while there is data: which event is which, and where it lies.
  void identity() {
    if (now(applied_.key) != wanted_.key) {
      refuse("the key changes from " + (applied_.key.empty() ? "none" : applied_.key) + " to " +
                 (wanted_.key.empty() ? "none" : wanted_.key) +
                 ": events that are there are known by the old one, and would count twice",
             new_stream());
    } else if (applied_.assign_key != wanted_.assign_key) {
      allow(wanted_.assign_key ? "a missing key is assigned from now on"
                               : "a missing key is no longer assigned: events without one go to quarantine");
    } else if (const Field* before = applied_.find(applied_.key), *after = wanted_.find(wanted_.key);
               before != nullptr && after != nullptr && before->required != after->required) {
      allow(std::string("the key is ") + (after->required ? "required" : "no longer required"));
    }
    if (now(applied_.time_field) != wanted_.time_field) {
      refuse("the time changes from " + (applied_.time_field.empty() ? "the arrival" : applied_.time_field) + " to " +
                 (wanted_.time_field.empty() ? "the arrival" : wanted_.time_field) +
                 ": events that are there lie in the partitions of the old one",
             new_stream() + ", or keep the partitions and use the other time in SQL");
    }
    if (applied_.partition != wanted_.partition) {
      const bool day = wanted_.partition == PartitionBy::day;
      refuse(std::string("the partition changes from ") + (day ? "year_month to day" : "day to year_month") +
                 ": the files that are there lie in folders of the old one",
             new_stream() + (day ? "" : "; in SQL, year(dt) and month(dt) give the same"));
    }
  }

  void policies() {
    if (applied_.unknown != wanted_.unknown) unknown();
    if (applied_.write != wanted_.write) {
      allow(wanted_.write == WhoWrites::anyone ? "anybody may write, without a key"
                                               : "writers need a key (weir token create --write " + wanted_.name +
                                                     "); those without one are refused from now on");
    }
    if (applied_.public_off_loopback != wanted_.public_off_loopback) {
      allow(wanted_.public_off_loopback ? "anybody may write from other machines too"
                                        : "writing without a key is for this machine only");
    }
    if (applied_.cors_origins != wanted_.cors_origins) {
      allow("pages of these origins may write: " +
            (wanted_.cors_origins.empty() ? "none" : list_of(wanted_.cors_origins)));
    }
    if (applied_.beacon != wanted_.beacon) beacon();
  }

  void unknown() {
    std::string what = "fields that are not declared are ";
    switch (wanted_.unknown) {
      case UnknownFields::keep:
        what += "kept in the column _extra, which is NULL for earlier events";
        break;
      case UnknownFields::drop:
        what += "dropped from now on";
        break;
      case UnknownFields::refuse:
        what += "refused from now on: events with one go to quarantine";
        break;
    }
    if (applied_.unknown == UnknownFields::keep) {
      what += "; the column _extra leaves SQL, what it held stays in the archive and the Parquet files";
    }
    allow(what);
  }

  void beacon() {
    if (!applied_.beacon) return allow("events are taken at POST " + wanted_.beacon->path + " too");
    const std::string gone = "; POST " + applied_.beacon->path + " no longer takes events";
    if (!wanted_.beacon) return allow("the beacon is removed" + gone);
    const Beacon &before = *applied_.beacon, &after = *wanted_.beacon;
    if (before.path != after.path) allow("the beacon moves to POST " + after.path + gone);
    if (before.batch != after.batch) {
      allow("the beacon's list is called " + after.batch + "; bodies with " + before.batch +
            " are refused from now on");
    }
    if (before.records_max != after.records_max) {
      allow("the beacon takes up to " + std::to_string(after.records_max) + " events a request, it was " +
            std::to_string(before.records_max));
    }
  }

  void windows() {
    const auto changes = [this](const char* name, Duration before, Duration after, const char* note) {
      if (before == after) return;
      allow(std::string(name) + " changes from " + format_duration(before) + " to " + format_duration(after) + note);
    };
    const bool shorter = wanted_.dedup_window < applied_.dedup_window;
    changes(
        "dedup_window", applied_.dedup_window, wanted_.dedup_window,
        shorter ? ": resends of older events are taken as new from now on" : "; keys already forgotten stay forgotten");
    changes("past_max", applied_.past_max, wanted_.past_max,
            "; what is in quarantine stays there until it is requeued");
    changes("future_max", applied_.future_max, wanted_.future_max,
            "; what is in quarantine stays there until it is requeued");
    if (applied_.retention == wanted_.retention) return;
    std::string what = "retention changes from " +
                       (applied_.retention ? format_duration(*applied_.retention) : std::string("forever")) + " to " +
                       (wanted_.retention ? format_duration(*wanted_.retention) : std::string("forever"));
    const bool deletes = wanted_.retention && (!applied_.retention || *wanted_.retention < *applied_.retention);
    allow(what +
          (deletes ? ": days of events older than that will be deleted" : "; what is deleted does not come back"));
  }

  const Stream& applied_;
  const Stream& wanted_;
  const std::vector<Descent> descent_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> compare(const Stream& applied, const Stream& wanted) {
  const Stream next = carry(applied, wanted);
  if (applied == next) return {};
  return Comparison(applied, next).all();
}

}  // namespace weir::capture
