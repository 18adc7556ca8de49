#include "stream/capture/infer.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "stream/capture/samples.h"

namespace weir::capture {
namespace {

constexpr uint64_t kValuesFrom = 50;    // samples before a list of values is suggested
constexpr uint64_t kKeyFrom = 2;        // events before anything can be called unique
constexpr size_t kKeyBytesMax = 1'024;  // as when events are judged
constexpr size_t kLeftOutListed = 50;

std::string with_commas(uint64_t number) {
  std::string out = std::to_string(number);
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, 1, ',');
  return out;
}

std::string counted(uint64_t number, const char* noun) {
  return with_commas(number) + " " + noun + (number == 1 ? "" : "s");
}

// A name that YAML would read as something else is written in quotes.
std::string yaml_name(const std::string& name) {
  static constexpr std::array<std::string_view, 7> kWords = {"null", "true", "false", "yes", "no", "on", "off"};
  const bool is_word = std::find(kWords.begin(), kWords.end(), name) != kWords.end();
  return is_word ? '"' + name + '"' : name;
}

// "userId" as we would call it: user_id; empty if that is no name either.
std::string better_name(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool starts_word = upper && i > 0 && !(name[i - 1] >= 'A' && name[i - 1] <= 'Z');
    if ((starts_word || c == '-' || c == ' ' || c == '.') && !out.empty() && out.back() != '_') out += '_';
    if (c != '-' && c != ' ' && c != '.' && !(c == '_' && out.empty())) out += upper ? static_cast<char>(c + 32) : c;
  }
  return is_identifier(out) ? out : std::string();
}

struct Guess {
  std::string type;
  std::string remark;  // for the comment
};

std::string mixture(const Seen& seen) {
  std::vector<std::string> parts;
  const auto add = [&parts](uint64_t count, const char* noun) {
    if (count > 0) parts.push_back(counted(count, noun));
  };
  add(seen.booleans, "boolean");
  add(seen.integers + seen.huge_integers + seen.reals, "number");
  add(seen.strings, "string");
  add(seen.arrays, "array");
  add(seen.objects, "object");
  return join(parts, ", ");
}

std::string text_type(const Seen& seen) {
  if (seen.uuids == seen.strings) return "uuid";
  if (seen.timestamps == seen.strings) return "timestamp";
  if (seen.dates == seen.strings) return "date";
  return "string";
}

Guess guess_object(const Seen& seen, int depth) {
  if (depth >= Samples::kDepthMax) return {"json", "an object, nested deeper than is declared by itself"};
  if (seen.many_members)
    return {"json", "more than " + std::to_string(Samples::kMembersMax) + " keys: they look like data"};
  if (seen.cut) return {"json", "more fields than are followed"};
  if (seen.members.empty()) return {"json", "only empty objects were seen"};
  for (const auto& [name, member] : seen.members) {
    if (!is_identifier(name)) return {"json", "an object; the key " + shown(name) + " in it is no name"};
  }
  return {"object", {}};
}

Guess guess(const Seen& seen, int depth) {
  const uint64_t values = seen.values();
  if (values == 0) return {"json", "only null was seen"};
  if (seen.booleans == values) return {"boolean", {}};
  if (seen.integers == values) return {"integer", {}};
  if (seen.huge_integers > 0 && seen.integers + seen.huge_integers + seen.reals == values) {
    return {"json", "integers beyond 63 bits, which integer and number would not keep exactly"};
  }
  if (seen.integers + seen.reals == values) return {"number", {}};
  if (seen.strings == values) return {text_type(seen), {}};
  if (seen.objects == values) return guess_object(seen, depth);
  if (seen.arrays != values) return {"json", "mixed: " + mixture(seen)};
  if (depth >= Samples::kDepthMax) return {"json", "an array, nested deeper than is declared by itself"};
  if (!seen.items || seen.items->values() == 0) return {"json", "an array; no items were seen"};
  return {"array", {}};
}

class Writer {
 public:
  Writer(const Samples& samples, std::string_view name) : samples_(samples), name_(name) {}

  std::string all() {
    choose();
    head();
    if (declared_.empty()) {
      out_ += "fields: {}\n";
    } else {
      out_ += "fields:\n";
      for (const auto& [name, seen] : declared_) field(name, *seen, samples_.events, 1, "  ");
    }
    left_out();
    settings();
    return std::move(out_);
  }

 private:
  void comment(const std::string& text) { out_ += "# " + text + "\n"; }

  // Which fields are declared, and what is wrong with the others.
  void choose() {
    for (const auto& [name, seen] : samples_.event.members) {
      if (name == "dt") {
        left_out_.emplace_back(
            name, "is the name of the partition column; rename it, or declare it with partition: year_month");
      } else if (is_identifier(name)) {
        declared_.emplace_back(name, seen.get());
      } else {
        const std::string better = better_name(name);
        left_out_.emplace_back(name, "is no name (a-z, 0-9 and _, a letter first, at most 63)" +
                                         (better.empty() ? "" : "; sent as " + better + " it could be declared"));
      }
    }
  }

  void head() {
    std::string seen = "Inferred from " + counted(samples_.events, "event");
    if (samples_.repeats > 0) seen += " (and " + counted(samples_.repeats, "exact repeat") + ")";
    comment(seen + (is_identifier(name_) ? " for the stream " + std::string(name_) : "") + ". It is a guess:");
    comment("read it, correct it, then `weir plan` shows what it would do.");
    if (!is_identifier(name_)) {
      const std::string better = better_name(name_);
      comment(shown(name_) + " is no name of a stream: save it as streams/" + (better.empty() ? "NAME" : better) +
              ".yaml");
    }
    if (samples_.broken > 0) {
      const std::string lines = counted(samples_.broken, "line") + (samples_.broken == 1 ? " is" : " are");
      const std::string why = shown(samples_.first_broken, 200);
      comment(lines + " no event; the first: " + why.substr(1, why.rfind('\'') - 1));
    }
    if (!samples_.all_read) comment("Only the first " + with_commas(Samples::kEventsMax) + " were read.");
    if (!samples_.all_followed) {
      comment("There are more than " + with_commas(Samples::kFollowedMax) +
              " different fields; the later ones are not here.");
    }
  }

  // `holders`: how often the object that may have it was seen.
  void field(const std::string& name, const Seen& seen, uint64_t holders, int depth, const std::string& indent) {
    const bool always = seen.times == holders;
    out_ += indent + yaml_name(name) + ":";
    std::string rules = always ? ", required: true" : "";
    if (seen.nulls > 0) rules += ", nullable: true";
    value(seen, rules, always ? "" : "in " + with_commas(seen.times) + " of " + with_commas(holders), depth, indent);
  }

  // What follows a field's name or `items`.
  void value(const Seen& seen, const std::string& rules, std::string remark, int depth, const std::string& indent) {
    const Guess guessed = guess(seen, depth);
    for (const std::string& more : {guessed.remark, guessed.type == "string" ? values_of(seen) : std::string()}) {
      if (!more.empty()) remark += (remark.empty() ? "" : "; ") + more;
    }
    const std::string end = remark.empty() ? "\n" : "  # " + remark + "\n";
    if (guessed.type != "object" && guessed.type != "array") {
      out_ += rules.empty() ? " " + guessed.type + end : " {type: " + guessed.type + rules + "}" + end;
      return;
    }
    out_ += end;
    out_ += indent + "  type: " + guessed.type + "\n";
    std::string rest = rules;
    while (!rest.empty()) {  // ", a: b, c: d", one a line
      const size_t next = rest.find(", ", 2);
      out_ += indent + "  " + rest.substr(2, next == std::string::npos ? next : next - 2) + "\n";
      rest = next == std::string::npos ? "" : rest.substr(next);
    }
    if (guessed.type == "array") {
      out_ += indent + "  items:";
      value(*seen.items, seen.items->nulls > 0 ? ", nullable: true" : "", "", depth + 1, indent + "  ");
      return;
    }
    out_ += indent + "  fields:\n";
    for (const auto& [name, member] : seen.members) field(name, *member, seen.objects, depth + 1, indent + "    ");
  }

  static std::string values_of(const Seen& seen) {
    if (seen.many_texts || seen.texts.empty() || seen.strings < kValuesFrom) return {};
    std::vector<std::string> quoted;
    for (const std::string& text : seen.texts) {
      // Only what can be copied as it stands: shown() changes texts with control characters.
      if (shown(text, text.size()) != "'" + text + "'") return {};
      quoted.push_back(Json(text).dump());
    }
    return "values: [" + join(quoted, ", ") + "] is all that was seen";
  }

  void left_out() {
    if (left_out_.empty()) return;
    out_ += "\n";
    comment("Not declared, and kept in the column _extra:");
    for (size_t i = 0; i < left_out_.size() && i < kLeftOutListed; ++i) {
      const auto& [name, why] = left_out_[i];
      const Seen& seen = *samples_.event.member_of.at(name);
      comment("  " + shown(name, 100) + " (" + guess(seen, 1).type + " in " + with_commas(seen.times) + " of " +
              with_commas(samples_.events) + ") " + why);
    }
    if (left_out_.size() > kLeftOutListed) comment("  and " + with_commas(left_out_.size() - kLeftOutListed) + " more");
  }

  void settings() {
    out_ += "\n";
    const std::string key = best_key(), time = best_time();
    if (key.empty()) {
      comment("No field identified every event, so ids are assigned; `key: FIELD` lets a resend count once.");
    } else if (samples_.events < kKeyFrom) {
      comment("key: " + yaml_name(key) + "  # one event does not show whether it is unique");
    } else {
      out_ += "key: " + yaml_name(key) + "  # different in all " + with_commas(samples_.events) + " events\n";
    }
    if (time.empty()) {
      comment("No timestamp was found, so the arrival decides an event's day; `time: FIELD` would.");
    } else {
      out_ += "time: " + yaml_name(time) +
              "  # decides the day; older than past_max (30d) at its arrival goes to quarantine\n";
    }
    out_ += "unknown: keep  # fields that are not declared go to the column _extra; or drop, refuse\n";
    out_ += "write: key  # weir token create --write STREAM; public lets anybody on this machine write\n";
  }

  bool may_be_key(const std::string& name, const Seen& seen) const {
    if (seen.times != samples_.events || seen.nulls > 0 || !seen.unique || seen.empty_texts > 0) return false;
    if (seen.longest_text > kKeyBytesMax) return false;
    const std::string type = guess(seen, 1).type;
    return type == "uuid" || (is_key_name(name) && (type == "string" || type == "integer"));
  }

  std::string best_key() const {
    std::string stream(name_), best;
    const std::string singular = stream.ends_with('s') ? stream.substr(0, stream.size() - 1) : stream;
    const std::array<std::string, 4> liked = {singular + "_id", stream + "_id", "event_id", "id"};
    size_t best_rank = SIZE_MAX;
    for (const auto& [name, seen] : declared_) {
      if (!may_be_key(name, *seen)) continue;
      auto at = std::find(liked.begin(), liked.end(), name);
      size_t rank = static_cast<size_t>(at - liked.begin());
      if (at == liked.end() && guess(*seen, 1).type != "uuid") ++rank;
      if (rank >= best_rank) continue;
      best_rank = rank;
      best = name;
    }
    return best;
  }

  std::string best_time() const {
    static constexpr std::array<std::string_view, 7> kLiked = {"occurred_at", "timestamp", "event_time", "time",
                                                               "created_at",  "at",        "ts"};
    std::string best;
    size_t best_rank = SIZE_MAX;
    for (const auto& [name, seen] : declared_) {
      if (guess(*seen, 1).type != "timestamp") continue;
      size_t rank = static_cast<size_t>(std::find(kLiked.begin(), kLiked.end(), name) - kLiked.begin());
      if (rank == kLiked.size() && !name.ends_with("_at") && !name.ends_with("_time")) ++rank;
      if (seen->times != samples_.events || seen->nulls > 0) rank += 2 * kLiked.size();  // one that is always there
      if (rank >= best_rank) continue;
      best_rank = rank;
      best = name;
    }
    return best;
  }

  const Samples& samples_;
  std::string_view name_;
  std::vector<std::pair<std::string, const Seen*>> declared_;
  std::vector<std::pair<std::string, std::string>> left_out_;
  std::string out_;
};

}  // namespace

Result<std::string> infer_stream(std::string_view text, std::string_view name) {
  TRY_ASSIGN(Samples samples, Samples::read(text));
  return Writer(samples, name).all();
}

}  // namespace weir::capture
