// What sample events look like: how often each field was there and as what. Gathered by infer.cpp, event by event;
// nothing is decided here. Bounded: fields followed, levels, distinct texts and hashes kept each have a limit, and say
// when it was reached. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace weir::capture {

struct Seen {
  uint64_t times = 0;  // the object that has it was seen with it
  uint64_t nulls = 0, booleans = 0, integers = 0, huge_integers = 0, reals = 0, strings = 0, arrays = 0, objects = 0;
  uint64_t uuids = 0, timestamps = 0, dates = 0;  // of the strings
  uint64_t empty_texts = 0;
  size_t longest_text = 0;
  std::set<std::string> texts;  // distinct ones, while there are few
  bool many_texts = false;
  bool unique = true;  // no value twice; kept for top-level fields that may be a key
  std::unordered_set<uint64_t> hashes;
  std::vector<std::pair<std::string, std::unique_ptr<Seen>>> members;  // in the order of their first appearance
  std::unordered_map<std::string, Seen*> member_of;
  bool many_members = false;  // its keys are data; members is empty then
  bool cut = false;           // some members were not followed
  std::unique_ptr<Seen> items;

  uint64_t values() const { return times - nulls; }
};

class Samples {
 public:
  static constexpr uint64_t kEventsMax = 100'000;
  static constexpr int kDepthMax = 3;  // of fields that are followed
  static constexpr size_t kFollowedMax = 1'000;
  static constexpr size_t kMembersMax = 200;  // of a nested object; beyond, its keys are data
  static constexpr size_t kTextsMax = 8;

  // NDJSON, or one array of objects. An error only if nothing in it is an event.
  static Result<Samples> read(std::string_view text);

  Seen event;  // as an object that was seen `events` times
  uint64_t events = 0;
  uint64_t repeats = 0;  // exactly like an earlier one; not in `events`
  uint64_t broken = 0;
  std::string first_broken;  // with its place
  bool all_read = true;      // false: there were more than kEventsMax
  bool all_followed = true;  // false: there were more than kFollowedMax fields

 private:
  Status read_array(std::string_view text);
  void read_lines(std::string_view text);
  void note_broken(const std::string& where, const std::string& why);
  void take(const Json& value, uint64_t hash, const std::string& where);
  void see_object(const Json& object, Seen& into, int depth);
  void see(const Json& value, Seen& into, int depth);
  void see_text(const std::string& text, Seen& into);
  void see_key(bool by_name, const Json& value, Seen& into);
  std::unique_ptr<Seen> follow();  // nullptr if there are too many

  std::unordered_set<uint64_t> seen_events_;
  size_t followed_ = 0;
  size_t hashes_ = 0;
};

// id, or anything_id: what people call a key.
bool is_key_name(std::string_view name);

}  // namespace weir::capture
