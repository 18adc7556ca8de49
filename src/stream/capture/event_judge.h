// Judges one event against a stream's plan while reading it, once, byte by byte: it fits, or the first thing that is
// wrong with it, with its place and what was expected. What JSON itself forbids comes before what the schema forbids.
//
// judge() below is the whole of it as a pure function. EventJudge is the same for many records in a row: it reuses its
// memory and leaves views into the given text. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "stream/capture/arena.h"
#include "stream/capture/json_scanner.h"
#include "stream/capture/stream_plan.h"

namespace weir::capture {

struct Problem {
  const char* code = "";  // a verdict's
  std::string field;      // JSON path, for example items[2].price
  std::string message;
};

enum class KeyState : uint8_t {
  none,  // the stream has no key
  given,
  absent,  // to be assigned
};

// One record of a body as judged. Views point into the reader's buffer or the judge's arena.
struct Candidate {
  std::string_view text;     // as received
  std::string_view payload;  // canonical, if it fits: no white space between tokens, dropped fields gone, the key's
                             // UUID in lower case; an absent key is its first member, see id_at
  std::string_view key;      // as text, in canonical form; part of the payload where it stands there
  char* id_at = nullptr;     // key_state absent: where in the payload the 36 bytes of the assigned UUID go
  int64_t event_time = 0;
  int32_t problem = -1;  // index of the problem; negative: it fits
  KeyState key_state = KeyState::none;
  bool has_time = false;
  bool fits() const { return problem < 0; }
};

class EventJudge {
 public:
  struct Rules {
    int depth_max = 32;
    size_t key_bytes_max = 1024;
  };

  // Forgets the records of the request before.
  void reset();
  // Reads the object at `from` ('{' there); true if its end was found, `end` is behind it then and the candidate is
  // complete (it may have a problem). False: the text is not JSON as we take it, `failure()` says where.
  // `limit` points to the NUL that ends the text.
  bool judge(const StreamPlan& plan, const Rules& rules, const char* from, const char* limit, Candidate& out);

  const JsonScanner::Failure& failure() const { return scanner_.failure(); }
  const char* end() const { return scanner_.position(); }
  std::vector<Problem>& problems() { return problems_; }
  const std::vector<Problem>& problems() const { return problems_; }
  // The path of the value being read when the scanner failed.
  const std::string& failure_field() const { return failure_field_; }

 private:
  struct Path {
    const Path* up = nullptr;
    std::string_view name;
    size_t index = 0;  // of an array's item, if the name is empty
  };
  // Where the members of one object stand.
  struct Members {
    const char* comma = nullptr;
    size_t cuts_before = 0;
    size_t kept = 0;
  };
  // What the last value read was, for the key and the time.
  struct Last {
    bool null = false;
    JsonScanner::Text text;
    JsonScanner::Number number;
    int64_t scaled = 0;  // decimal, timestamp, date
  };

  bool object(const ObjectPlan& plan, const Path* path, int depth, bool& has_members);
  bool member(const ObjectPlan& plan, const Path* path, int depth, uint64_t* seen, uint16_t& expected, bool& drop);
  bool unknown_member(const ObjectPlan& plan, const Path& here, int depth, bool& drop);
  void keep_or_drop(Members& members, const char* key_at, bool drop);
  void require_fields(const ObjectPlan& plan, const Path* path, const uint64_t* seen);
  bool value(const FieldPlan& field, const Path* path, int depth, bool may_be_null);
  bool text_value(const FieldPlan& field, const Path* path);
  bool number_value(const FieldPlan& field, const Path* path);
  bool array_value(const FieldPlan& field, const Path* path, int depth);
  bool other_value(const FieldPlan& field, const Path* path, int depth);
  void check_text(const FieldPlan& field, const Path* path, std::string_view text);
  void check_length(const FieldPlan& field, const Path* path, size_t found, const char* unit);
  void check_bounds(const FieldPlan& field, const Path* path, long double value, std::string_view shown_as);
  void check_decimal(const FieldPlan& field, const Path* path, std::string_view text);
  void take_special(uint16_t index);
  void finish_key(Candidate& out);
  std::string_view canonical_key(const Field& field);
  void finish_payload(Candidate& out, bool has_members);
  void note(const Path* path, const char* code, std::string message);
  static std::string path_text(const Path* path);

  JsonScanner scanner_;
  std::vector<Cut> cuts_;
  std::vector<Problem> problems_;
  Arena arena_;
  std::string scratch_, failure_field_;

  // Of the record being read.
  const StreamPlan* plan_ = nullptr;
  Rules rules_;
  bool has_problem_ = false;
  Last last_;
  bool key_seen_ = false, time_seen_ = false;
  Last key_;
  int64_t time_ = 0;
};

// Pure: what a single event's text is worth.
struct Judgement {
  bool fits = false;
  std::string code, field, message;  // if it does not fit
  std::string payload;               // canonical; an absent key is 36 zeros at its front
  std::string key;
  bool key_absent = false;  // the stream has a key, the event does not; it would be assigned
  bool has_time = false;
  EventTime event_time;
};
Judgement judge(const StreamPlan& plan, std::string_view event, const EventJudge::Rules& rules = {});

}  // namespace weir::capture
