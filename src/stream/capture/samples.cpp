#include "stream/capture/samples.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::capture {
namespace {

constexpr size_t kLineBytesMax = 1u << 20;  // no record is longer
constexpr size_t kArrayBytesMax = 64u << 20;
constexpr size_t kTextBytesKept = 64;     // longer ones are no words of a list
constexpr size_t kHashesMax = 4'000'000;  // of all fields together

// Members, their items and all below.
size_t followed_members(const Seen& seen) {
  size_t out = 0;
  for (const auto& [name, member] : seen.members) {
    out += 1 + followed_members(*member) + (member->items ? 1 + followed_members(*member->items) : 0);
  }
  return out;
}

}  // namespace

bool is_key_name(std::string_view name) {
  return name == "id" || name.ends_with("_id");
}

Result<Samples> Samples::read(std::string_view text) {
  Samples out;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (trim(text).empty()) return Error(Code::invalid, "there are no events in it", "expected one JSON object per line");
  if (trim(text).front() == '[') {
    TRY(out.read_array(text));
  } else {
    out.read_lines(text);
  }
  if (out.events > 0) return out;
  // One event over several lines is what people paste.
  auto whole = Json::parse(text, kLineBytesMax);
  if (whole && whole->is_object()) {
    out = Samples();
    out.take(*whole, 0, "line 1");
    return out;
  }
  return Error(Code::invalid, "there are no events in it: " + out.first_broken, "expected one JSON object per line");
}

Status Samples::read_array(std::string_view text) {
  auto array = Json::parse(text, kArrayBytesMax);
  if (!array) {
    Error error = array.error();
    std::string where;
    if (error.position) {
      where =
          "line " + std::to_string(error.position->line) + ", column " + std::to_string(error.position->column) + ": ";
      error.position.reset();
    }
    return Error(error.code, "the array of events does not read: " + where + error.message,
                 "an array must be whole; of a long one, take the first events as one JSON object per line");
  }
  for (size_t i = 0; i < array->array().size() && all_read; ++i) {
    const Json& value = array->array()[i];
    take(value, checksum64(value.dump()), "item " + std::to_string(i + 1));
  }
  return {};
}

void Samples::read_lines(std::string_view text) {
  for (uint64_t number = 1; !text.empty() && all_read; ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty()) continue;
    const std::string where = "line " + std::to_string(number);
    auto value = Json::parse(line, kLineBytesMax);
    if (value) {
      take(*value, checksum64(line), where);
    } else {
      note_broken(where, value.error().message);
    }
  }
}

void Samples::note_broken(const std::string& where, const std::string& why) {
  if (events + repeats + broken >= kEventsMax) {
    all_read = false;
    return;
  }
  if (++broken == 1) first_broken = where + ": " + why;
}

void Samples::take(const Json& value, uint64_t hash, const std::string& where) {
  if (!value.is_object()) return note_broken(where, "it is no object");
  if (events + repeats + broken >= kEventsMax) {
    all_read = false;
    return;
  }
  // A resend proves nothing about a key.
  if (!seen_events_.insert(hash).second) {
    ++repeats;
    return;
  }
  ++events;
  see_object(value, event, 0);
}

std::unique_ptr<Seen> Samples::follow() {
  if (followed_ >= kFollowedMax) {
    all_followed = false;
    return nullptr;
  }
  ++followed_;
  return std::make_unique<Seen>();
}

void Samples::see_object(const Json& object, Seen& into, int depth) {
  for (const auto& [name, value] : object.object()) {
    if (into.many_members) return;
    auto known = into.member_of.find(name);
    Seen* member = known == into.member_of.end() ? nullptr : known->second;
    if (member == nullptr) {
      if (depth > 0 && into.members.size() >= kMembersMax) {
        followed_ -= followed_members(into);
        into.members.clear();
        into.member_of.clear();
        into.many_members = true;
        return;
      }
      auto followed = follow();
      if (followed == nullptr) {
        into.cut = true;
        continue;
      }
      member = followed.get();
      into.members.emplace_back(name, std::move(followed));
      into.member_of.emplace(name, member);
    }
    ++member->times;
    see(value, *member, depth + 1);
    if (depth == 0 && member->unique) see_key(is_key_name(name), value, *member);
  }
}

void Samples::see(const Json& value, Seen& into, int depth) {
  if (value.is_null()) {
    ++into.nulls;
  } else if (value.is_bool()) {
    ++into.booleans;
  } else if (value.is_string()) {
    see_text(value.as_string(), into);
  } else if (value.is_integer()) {
    const bool fits = !value.as_uint() || *value.as_uint() <= static_cast<uint64_t>(INT64_MAX);
    ++(fits ? into.integers : into.huge_integers);
  } else if (value.is_number()) {
    ++into.reals;
  } else if (value.is_object()) {
    ++into.objects;
    if (depth < kDepthMax) see_object(value, into, depth);
  } else {
    ++into.arrays;
    for (const Json& item : value.array()) {
      if (depth >= kDepthMax) break;
      if (!into.items) into.items = follow();
      if (!into.items) break;
      ++into.items->times;
      see(item, *into.items, depth + 1);
    }
  }
}

void Samples::see_text(const std::string& text, Seen& into) {
  ++into.strings;
  if (text.empty()) ++into.empty_texts;
  into.longest_text = std::max(into.longest_text, text.size());
  Uuid uuid;
  int64_t micros = 0;
  if (parse_uuid_fast(text, uuid)) {
    ++into.uuids;
  } else if (parse_timestamp_fast(text, micros)) {
    ++into.timestamps;
  } else if (text.size() == 10 && parse_date(text)) {
    ++into.dates;
  }
  if (into.many_texts) return;
  if (text.size() <= kTextBytesKept) into.texts.insert(text);
  if (text.size() > kTextBytesKept || into.texts.size() > kTextsMax) {
    into.many_texts = true;
    into.texts.clear();
  }
}

void Samples::see_key(bool by_name, const Json& value, Seen& into) {
  Uuid uuid;
  if (!by_name && !(value.is_string() && parse_uuid_fast(value.as_string(), uuid))) return;  // no candidate
  const bool could_be = (value.is_string() || value.is_integer()) && hashes_ < kHashesMax;
  if (could_be && into.hashes.insert(checksum64(value.dump())).second) {
    ++hashes_;
    return;
  }
  into.unique = false;
  hashes_ -= into.hashes.size();
  into.hashes.clear();
}

}  // namespace weir::capture
