#include "stream/capture/event_judge.h"

#include <algorithm>
#include <cstring>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "stream/capture/values.h"

namespace weir::capture {
namespace {

constexpr size_t kGuessBytesMax = 64;  // longer names are not searched for a near one
constexpr size_t kProblemFieldBytesMax = 256;

bool has_capitals(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// What stands in the text, for "found …, expected …".
std::string found_text(std::string_view raw) {
  switch (raw.empty() ? '\0' : raw.front()) {
    case '"':
      return "the text " + shown(raw.substr(1, raw.size() - 2));
    case '{':
      return "an object";
    case '[':
      return "an array";
    case 't':
    case 'f':
    case 'n':
      return std::string(raw);
    default:
      return "the number " + std::string(raw.substr(0, 40));
  }
}

std::string number_text(double value) {
  return Json(value).dump();
}

std::string values_text(const std::vector<std::string>& values) {
  constexpr size_t kShown = 10;
  std::string out;
  for (size_t i = 0; i < values.size() && i < kShown; ++i) out += (i == 0 ? "" : ", ") + shown(values[i]);
  if (values.size() > kShown) out += " … (" + std::to_string(values.size()) + ")";
  return out;
}

}  // namespace

void EventJudge::reset() {
  cuts_.clear();
  problems_.clear();
  arena_.reset();
}

bool EventJudge::judge(const StreamPlan& plan, const Rules& rules, const char* from, const char* limit,
                       Candidate& out) {
  plan_ = &plan;
  rules_ = rules;
  has_problem_ = false;
  key_seen_ = time_seen_ = false;
  if (!failure_field_.empty()) failure_field_.clear();
  out = {};
  cuts_.clear();
  scanner_.start(from, limit, &cuts_, rules.depth_max);
  bool has_members = false;
  if (!object(plan.top, nullptr, 1, has_members)) {
    if (has_problem_) problems_.pop_back();  // what is no JSON is not judged further
    return false;
  }
  out.text = {from, static_cast<size_t>(scanner_.position() - from)};
  out.has_time = time_seen_;
  out.event_time = time_;
  if (plan.key != ObjectPlan::kNone && !has_problem_) finish_key(out);
  if (has_problem_) {
    out.problem = static_cast<int32_t>(problems_.size()) - 1;
  } else {
    finish_payload(out, has_members);
  }
  return true;
}

bool EventJudge::object(const ObjectPlan& plan, const Path* path, int depth, bool& has_members) {
  if (depth > rules_.depth_max) {
    return scanner_.fail("too_deep", scanner_.position(), "objects and arrays are nested too deeply");
  }
  uint64_t seen[ObjectPlan::kFieldsMax / 64];
  std::fill_n(seen, (plan.fields().size() + 63) / 64, 0);
  scanner_.advance();
  Members members;
  members.cuts_before = cuts_.size();
  const size_t mark = scanner_.open_keys();
  uint16_t expected = 0;
  scanner_.space();
  if (scanner_.next() != '}') {
    while (true) {
      const char* key_at = scanner_.position();
      bool drop = false;
      if (!member(plan, path, depth, seen, expected, drop)) return false;
      keep_or_drop(members, key_at, drop);
      scanner_.space();
      if (scanner_.next() == '}') break;
      if (scanner_.next() != ',') {
        return scanner_.fail("syntax", scanner_.position(), "a comma or } must follow in an object");
      }
      members.comma = scanner_.position();
      members.cuts_before = cuts_.size();
      scanner_.advance();
      scanner_.space();
    }
  }
  scanner_.advance();
  if (scanner_.open_keys() != mark && !scanner_.close_keys(mark)) return false;
  has_members = members.kept > 0;
  if (!has_problem_) require_fields(plan, path, seen);
  return true;
}

// A kept member owns the comma before it; the first kept one must not have one.
void EventJudge::keep_or_drop(Members& members, const char* key_at, bool drop) {
  if (drop) {
    cuts_.resize(members.cuts_before);
    const char* from = members.comma != nullptr ? members.comma : key_at;
    // White space between an object's brace and its first key was cut before and is forgotten with the rest.
    if (members.comma == nullptr) {
      while (from[-1] != '{') --from;
    }
    cuts_.push_back({from, scanner_.position()});
    return;
  }
  if (members.kept == 0 && members.comma != nullptr) {
    cuts_.insert(cuts_.begin() + static_cast<std::ptrdiff_t>(members.cuts_before),
                 Cut{members.comma, members.comma + 1});
  }
  ++members.kept;
}

bool EventJudge::member(const ObjectPlan& plan, const Path* path, int depth, uint64_t* seen, uint16_t& expected,
                        bool& drop) {
  if (scanner_.next() != '"') {
    return scanner_.fail("syntax", scanner_.position(), "an object's key in double quotes is expected here");
  }
  const char* key_at = scanner_.position();
  JsonScanner::Text key;
  if (!scanner_.string(key)) return false;
  uint16_t index;
  if (key.escaped) {
    std::string name(JsonScanner::decode(key, scratch_));
    const size_t size = name.size();
    name.append(JsonScanner::kPadding, '\0');
    index = plan.find(std::string_view(name).substr(0, size), expected);
  } else {
    index = plan.find(key.raw, expected);
  }
  const bool as_declared = key.escaped && index != ObjectPlan::kNone;
  const Path here{path, as_declared ? std::string_view(plan.names()[index]) : key.raw, 0};
  if (index == ObjectPlan::kNone) {
    scanner_.add_key(key);
    return scanner_.colon() && unknown_member(plan, here, depth, drop);
  }
  const uint64_t bit = uint64_t{1} << (index % 64);
  if ((seen[index / 64] & bit) != 0) {
    failure_field_ = path_text(&here);
    return scanner_.fail("duplicate_key_in_json", key_at, "a key is given twice in one object");
  }
  seen[index / 64] |= bit;
  expected = static_cast<uint16_t>(index + 1);
  if (!scanner_.colon()) return false;
  const FieldPlan& field = plan.fields()[index];
  const bool is_key = path == nullptr && index == plan_->key;
  const bool may_be_null = is_key || field.declared->nullable || !field.declared->required;
  if (!value(field, &here, depth, may_be_null)) {
    if (failure_field_.empty()) failure_field_ = path_text(&here);
    return false;
  }
  if (path == nullptr) take_special(index);
  drop = is_key && last_.null;
  return true;
}

void EventJudge::take_special(uint16_t index) {
  if (last_.null) return;
  if (index == plan_->key) {
    key_seen_ = true;
    key_ = last_;
  }
  if (index == plan_->time) {
    time_seen_ = true;
    time_ = last_.scaled;
  }
}

bool EventJudge::unknown_member(const ObjectPlan& plan, const Path& here, int depth, bool& drop) {
  const UnknownFields policy = plan_->stream->unknown;
  if (policy == UnknownFields::refuse && !has_problem_) {
    std::string message = "the field is not declared and this stream refuses unknown fields";
    if (here.name.size() <= kGuessBytesMax) message += "; " + did_you_mean(here.name, plan.names());
    note(&here, "unknown_field", std::move(message));
  }
  drop = policy == UnknownFields::drop;
  if (scanner_.skip_value(depth)) return true;
  failure_field_ = path_text(&here);
  return false;
}

void EventJudge::require_fields(const ObjectPlan& plan, const Path* path, const uint64_t* seen) {
  const std::vector<FieldPlan>& fields = plan.fields();
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].declared->required || (seen[i / 64] >> (i % 64) & 1) != 0) continue;
    if (path == nullptr && i == plan_->key) continue;  // finish_key decides
    const Path here{path, fields[i].declared->name, 0};
    note(&here, "missing_field", "the field is required and missing; expected " + type_label(*fields[i].declared));
    return;
  }
}

bool EventJudge::value(const FieldPlan& field, const Path* path, int depth, bool may_be_null) {
  const char first = scanner_.next();
  last_.null = false;
  if (first == 'n') {
    if (!scanner_.word("null")) return false;
    last_.null = true;
    if (!may_be_null && field.type != FieldType::json) {
      note(path, "wrong_type", "found null, expected " + type_label(*field.declared));
    }
    return true;
  }
  switch (field.type) {
    case FieldType::string:
    case FieldType::uuid:
    case FieldType::timestamp:
    case FieldType::date:
      if (first == '"') return text_value(field, path);
      break;
    case FieldType::integer:
    case FieldType::number:
      if (first == '-' || (first >= '0' && first <= '9')) return number_value(field, path);
      break;
    case FieldType::decimal:
      if (first == '"') return text_value(field, path);
      if (first == '-' || (first >= '0' && first <= '9')) return number_value(field, path);
      break;
    case FieldType::boolean:
      if (first == 't') return scanner_.word("true");
      if (first == 'f') return scanner_.word("false");
      break;
    case FieldType::json:
      return scanner_.skip_value(depth);
    case FieldType::object: {
      bool has_members = false;
      if (first == '{' && field.object == nullptr) return scanner_.skip_value(depth);
      if (first == '{') return object(*field.object, path, depth + 1, has_members);
      break;
    }
    case FieldType::array:
      if (first == '[') return array_value(field, path, depth);
      break;
  }
  return other_value(field, path, depth);
}

// A value of another kind than declared: read past it, so that the record's end is found.
bool EventJudge::other_value(const FieldPlan& field, const Path* path, int depth) {
  const char* from = scanner_.position();
  if (!scanner_.skip_value(depth)) return false;
  if (has_problem_) return true;
  const std::string_view raw(from, static_cast<size_t>(scanner_.position() - from));
  note(path, "wrong_type", "found " + found_text(raw) + ", expected " + type_label(*field.declared));
  return true;
}

bool EventJudge::text_value(const FieldPlan& field, const Path* path) {
  JsonScanner::Text& text = last_.text;
  if (!scanner_.string(text)) return false;
  bool good = true;
  switch (field.type) {
    case FieldType::uuid: {
      Uuid uuid;
      good = parse_uuid_fast(text.raw, uuid);
      break;
    }
    case FieldType::timestamp:
      good = parse_timestamp_fast(text.raw, last_.scaled);
      break;
    case FieldType::date: {
      auto day = text.raw.size() == 10 ? parse_date(text.raw) : Result<int32_t>(Error(Code::invalid, ""));
      good = day.has_value();
      if (good) last_.scaled = *day;
      break;
    }
    case FieldType::decimal:
      check_decimal(field, path, JsonScanner::decode(text, scratch_));
      return true;
    default:
      if (!field.plain_text) check_text(field, path, JsonScanner::decode(text, scratch_));
      return true;
  }
  if (!good && !has_problem_) {
    note(path, "wrong_type", "found the text " + shown(text.raw) + ", expected " + type_label(*field.declared));
  }
  return true;
}

void EventJudge::check_text(const FieldPlan& field, const Path* path, std::string_view text) {
  if (has_problem_) return;
  if (!field.values.empty() && !field.values.contains(text)) {
    note(path, "not_in_values", "found " + shown(text) + ", expected one of " + values_text(field.declared->values));
    return;
  }
  if (field.declared->length_min || field.declared->length_max) {
    const auto characters = static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
    check_length(field, path, characters, "characters");
    if (has_problem_) return;
  }
  if (field.pattern != nullptr && !matches(*field.pattern, text)) {
    note(path, "pattern",
         "found " + shown(text) + ", expected the whole text to match " + shown(field.declared->pattern));
  }
}

void EventJudge::check_length(const FieldPlan& field, const Path* path, size_t found, const char* unit) {
  const auto length = static_cast<int64_t>(found);
  const Field& declared = *field.declared;
  if (declared.length_min && length < *declared.length_min) {
    note(path, "out_of_range",
         "found " + std::to_string(found) + " " + unit + ", expected at least " + std::to_string(*declared.length_min));
  } else if (declared.length_max && length > *declared.length_max) {
    note(path, "out_of_range",
         "found " + std::to_string(found) + " " + unit + ", expected at most " + std::to_string(*declared.length_max));
  }
}

bool EventJudge::number_value(const FieldPlan& field, const Path* path) {
  JsonScanner::Number& number = last_.number;
  if (!scanner_.number(number)) return false;
  if (field.type == FieldType::decimal) {
    check_decimal(field, path, number.raw);
    return true;
  }
  if (field.type == FieldType::number) {
    if (field.bounded) check_bounds(field, path, JsonScanner::to_double(number), number.raw);
    return true;
  }
  if (!number.whole) {
    if (!has_problem_) {
      note(path, "wrong_type",
           "found the number " + std::string(number.raw.substr(0, 40)) +
               ", expected an integer without fraction or exponent");
    }
    return true;
  }
  const uint64_t most = uint64_t{INT64_MAX} + (number.negative ? 1 : 0);
  if (number.magnitude > most) {
    note(path, "integer_range", "found " + std::string(number.raw) + ", expected at most 9223372036854775807");
    return true;
  }
  if (field.bounded) {
    const auto magnitude = static_cast<long double>(number.magnitude);
    check_bounds(field, path, number.negative ? -magnitude : magnitude, number.raw);
  }
  return true;
}

void EventJudge::check_bounds(const FieldPlan& field, const Path* path, long double value, std::string_view shown_as) {
  if (has_problem_) return;
  const Field& declared = *field.declared;
  const std::string found = "found " + std::string(shown_as.substr(0, 40));
  if (declared.minimum && value < static_cast<long double>(*declared.minimum)) {
    note(path, "out_of_range", found + ", expected at least " + number_text(*declared.minimum));
  } else if (declared.maximum && value > static_cast<long double>(*declared.maximum)) {
    note(path, "out_of_range", found + ", expected at most " + number_text(*declared.maximum));
  }
}

void EventJudge::check_decimal(const FieldPlan& field, const Path* path, std::string_view text) {
  const Field& declared = *field.declared;
  const DecimalFit fit = parse_decimal(text, declared.precision, declared.scale, last_.scaled);
  if (has_problem_) return;
  if (fit == DecimalFit::not_a_number) {
    note(path, "wrong_type", "found the text " + shown(text) + ", expected " + type_label(declared));
  } else if (fit == DecimalFit::too_many_digits) {
    note(path, "out_of_range",
         "found " + std::string(text.substr(0, 40)) + ", which " + type_label(declared) + " cannot hold exactly");
  } else if (field.bounded) {
    long double value = static_cast<long double>(last_.scaled);
    for (int i = 0; i < declared.scale; ++i) value /= 10;
    check_bounds(field, path, value, text);
  }
}

bool EventJudge::array_value(const FieldPlan& field, const Path* path, int depth) {
  if (depth + 1 > rules_.depth_max) {
    return scanner_.fail("too_deep", scanner_.position(), "objects and arrays are nested too deeply");
  }
  size_t count = 0;
  scanner_.advance();
  scanner_.space();
  if (scanner_.next() != ']') {
    while (true) {
      const Path here{path, {}, count};
      const bool good = field.item == nullptr ? scanner_.skip_value(depth + 1)
                                              : value(*field.item, &here, depth + 1, field.item->declared->nullable);
      if (!good) {
        if (failure_field_.empty()) failure_field_ = path_text(&here);
        return false;
      }
      ++count;
      scanner_.space();
      if (scanner_.next() == ']') break;
      if (scanner_.next() != ',') {
        return scanner_.fail("syntax", scanner_.position(), "a comma or ] must follow in an array");
      }
      scanner_.advance();
      scanner_.space();
    }
  }
  scanner_.advance();
  last_.null = false;
  if (!has_problem_) check_length(field, path, count, "items");
  return true;
}

// A key that cannot be one is a problem.
void EventJudge::finish_key(Candidate& out) {
  const Field& field = *plan_->top.fields()[plan_->key].declared;
  const Path here{nullptr, field.name, 0};
  if (!key_seen_) {
    const bool assignable = field.type == FieldType::uuid || field.type == FieldType::string;
    if (!plan_->stream->assign_key || !assignable) {
      note(&here, "missing_field", "the key is missing; expected " + type_label(field));
      return;
    }
    out.key_state = KeyState::absent;
    return;
  }
  out.key_state = KeyState::given;
  out.key = canonical_key(field);
  if (out.key.empty()) {
    note(&here, "out_of_range", "the key is empty; leave the field out to have one assigned");
  } else if (out.key.size() > rules_.key_bytes_max) {
    note(&here, "out_of_range",
         "the key has " + std::to_string(out.key.size()) + " bytes, expected at most " +
             std::to_string(rules_.key_bytes_max));
  }
}

// A UUID's capitals are lowered with the payload.
std::string_view EventJudge::canonical_key(const Field& field) {
  switch (field.type) {
    case FieldType::string:
      return key_.text.escaped ? arena_.keep(JsonScanner::decode(key_.text, scratch_)) : key_.text.raw;
    case FieldType::integer: {
      const bool minus = key_.number.negative && key_.number.magnitude != 0;
      return arena_.keep((minus ? "-" : "") + std::to_string(key_.number.magnitude));
    }
    case FieldType::decimal:
      return arena_.keep(format_decimal(key_.scaled, field.scale));
    case FieldType::timestamp:
      return arena_.keep(format_timestamp(key_.scaled));
    default:
      return key_.text.raw;
  }
}

void EventJudge::finish_payload(Candidate& out, bool has_members) {
  const bool assign = out.key_state == KeyState::absent;
  const bool lower = plan_->key != ObjectPlan::kNone && !assign && has_capitals(out.key) &&
                     plan_->top.fields()[plan_->key].type == FieldType::uuid;
  out.payload = out.text;
  if (cuts_.empty() && !assign && !lower) return;
  const std::string& name = plan_->stream->key;
  char* const begin = arena_.take(out.text.size() + name.size() + kUuidTextBytes + 8);
  char* to = begin;
  const char* from = out.text.data();
  if (assign) {
    const std::string head = "{\"" + name + "\":\"";
    to = std::copy(head.begin(), head.end(), to);
    out.id_at = to;
    to = std::fill_n(to, kUuidTextBytes, '0');
    *to++ = '"';
    if (has_members) *to++ = ',';
    ++from;
    out.key = {out.id_at, kUuidTextBytes};
  }
  const char* const text_end = out.text.data() + out.text.size();
  const char* const key_at = out.key.data();
  auto copy_until = [&](const char* until) {
    // The key moves along with its bytes, so that it stays part of the payload.
    if (key_at >= from && key_at < until) out.key = {to + (key_at - from), out.key.size()};
    to = std::copy(from, until, to);
  };
  for (const Cut& cut : cuts_) {
    copy_until(cut.from);
    from = cut.to;
  }
  copy_until(text_end);
  out.payload = {begin, static_cast<size_t>(to - begin)};
  if (lower) {
    char* key = begin + (out.key.data() - begin);
    for (size_t i = 0; i < out.key.size(); ++i) {
      if (key[i] >= 'A' && key[i] <= 'Z') key[i] = static_cast<char>(key[i] | 0x20);
    }
  }
}

void EventJudge::note(const Path* path, const char* code, std::string message) {
  if (has_problem_) return;
  has_problem_ = true;
  problems_.push_back({code, path_text(path), std::move(message)});
}

std::string EventJudge::path_text(const Path* path) {
  std::vector<const Path*> steps;
  for (; path != nullptr; path = path->up) steps.push_back(path);
  std::string out;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if ((*step)->name.empty() && step != steps.rbegin()) {
      out += "[" + std::to_string((*step)->index) + "]";
    } else {
      if (!out.empty()) out += '.';
      out += (*step)->name;
    }
  }
  if (out.size() <= kProblemFieldBytesMax && valid_utf8(out)) return out;
  out = shown(out, kProblemFieldBytesMax);
  return out;
}

Judgement judge(const StreamPlan& plan, std::string_view event, const EventJudge::Rules& rules) {
  std::string text(event);
  text.append(JsonScanner::kPadding, '\0');
  const char* const limit = text.data() + event.size();
  const char* begin = text.data();
  while (begin < limit && std::strchr(" \t\r\n", *begin) != nullptr && *begin != '\0') ++begin;
  EventJudge judge;
  Candidate candidate;
  Judgement out;
  auto refuse = [&](const char* code, std::string field, std::string message) {
    out.code = code;
    out.field = std::move(field);
    out.message = std::move(message);
    return out;
  };
  if (begin == limit || *begin != '{') return refuse("syntax", "", "an event is a JSON object");
  if (!judge.judge(plan, rules, begin, limit, candidate)) {
    const JsonScanner::Failure& failure = judge.failure();
    return refuse(failure.code, judge.failure_field(),
                  failure.what + (", at byte " + std::to_string(failure.at - text.data())));
  }
  const std::string_view rest(judge.end(), static_cast<size_t>(limit - judge.end()));
  if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    return refuse("syntax", "", "something follows the event's object");
  }
  if (!candidate.fits()) {
    const Problem& problem = judge.problems()[static_cast<size_t>(candidate.problem)];
    return refuse(problem.code, problem.field, problem.message);
  }
  out.fits = true;
  out.payload = candidate.payload;
  out.key_absent = candidate.key_state == KeyState::absent;
  if (!out.key_absent) out.key = candidate.key;
  out.has_time = candidate.has_time;
  out.event_time = {candidate.event_time};
  return out;
}

}  // namespace weir::capture
