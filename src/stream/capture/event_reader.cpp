#include "stream/capture/event_reader.h"

#include <cstring>

#include "core/base/check.h"
#include "core/base/sizes.h"
#include "core/base/text.h"

namespace weir::capture {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

const char* kind_of(char c) {
  switch (c) {
    case '"':
      return "a string";
    case '[':
      return "an array";
    case 't':
    case 'f':
      return "true or false";
    case 'n':
      return "null";
    default:
      return "a number";
  }
}

// Behind the string that begins at `p`; nullptr if it is not closed before `end` or, in a line, before the line's end.
const char* skip_string(const char* p, const char* end, bool in_line) {
  for (++p; p < end; ++p) {
    if (*p == '\\') {
      ++p;
    } else if (*p == '"') {
      return p + 1;
    } else if (in_line && *p == '\n') {
      return nullptr;
    }
  }
  return nullptr;
}

}  // namespace

Status EventReader::read(const StreamPlan& plan, std::string_view body, BodyFormat format, const Limits& limits) {
  if (body.size() > limits.body_bytes) {
    return Error(Code::too_large,
                 "the body has " + format_size(body.size()) + ", allowed are " + format_size(limits.body_bytes),
                 "send fewer records a request");
  }
  plan_ = &plan;
  limits_ = limits;
  format_ = format;
  records_.clear();
  judge_.reset();
  arena_.reset();
  buffer_.clear();
  buffer_.reserve(body.size() + JsonScanner::kPadding);
  buffer_.append(body).append(JsonScanner::kPadding, '\0');
  at_ = buffer_.data();
  end_ = at_ + body.size();
  if (body.substr(0, 3) == "\xEF\xBB\xBF") at_ += 3;
  counted_ = {at_, at_, 1};
  if (format == BodyFormat::lines) return read_each_line();
  skip_space();
  if (at_ == end_)
    return Error(Code::invalid, "the body is empty", "send a JSON object, an array of objects or NDJSON");
  if (format == BodyFormat::batch) return read_batch();
  return read_any();
}

Status EventReader::read_any() {
  if (*at_ == '{') return read_lines();
  if (*at_ != '[') return wrong("the body is neither a JSON object, an array of objects nor NDJSON", at_);
  TRY(read_array(limits_.records));
  skip_space();
  if (at_ != end_) return wrong("something follows the body's array", at_);
  return {};
}

Status EventReader::read_lines() {
  while (at_ != end_) {
    if (records_.size() == limits_.records) {
      return Error(Code::too_large, "the body holds more than " + std::to_string(limits_.records) + " records");
    }
    TRY(read_record(Shape::lines));
    skip_space();
  }
  return {};
}

Status EventReader::read_each_line() {
  while (at_ < end_) {
    if (records_.size() == limits_.records) {
      return Error(Code::too_large, "the body holds more than " + std::to_string(limits_.records) + " records");
    }
    const char* const begin = at_;
    const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', static_cast<size_t>(end_ - begin)));
    const char* const line_end = newline == nullptr ? end_ : newline;
    buffer_[static_cast<size_t>(line_end - buffer_.data())] = '\0';  // where the scanner stops
    counted_ = {begin, begin, 1};
    read_line(line_end);
    at_ = newline == nullptr ? end_ : newline + 1;
  }
  return {};
}

void EventReader::read_line(const char* line_end) {
  while (is_space(*at_)) ++at_;
  const char* const begin = at_;
  Candidate& record = records_.emplace_back();
  const EventJudge::Rules rules{limits_.depth, EventJudge::Rules{}.key_bytes_max};
  const bool is_object = *begin == '{';
  if (!is_object) scanner_.start(begin, line_end, nullptr, limits_.depth);
  bool whole = is_object ? judge_.judge(*plan_, rules, begin, line_end, record) : scanner_.skip_value(0);
  if (whole) {
    at_ = is_object ? judge_.end() : scanner_.position();
    if (!is_object) judge_other(record, begin);
    while (is_space(*at_)) ++at_;
    whole = at_ == line_end;
    if (!whole) add_failure(record, {"syntax", at_, "something follows the record that belongs to none", {}});
  } else {
    add_failure(record, is_object ? judge_.failure() : scanner_.failure());
  }
  if (!whole) record.text = {begin, static_cast<size_t>(line_end - begin)};
  check_size(record);
}

// At the '['; behind the ']' afterwards.
Status EventReader::read_array(size_t records_max) {
  const char* const begin = at_++;
  skip_space();
  if (*at_ == ']' && at_ < end_) {
    ++at_;
    return {};
  }
  while (true) {
    if (records_.size() == records_max) {
      return Error(format_ == BodyFormat::batch ? Code::invalid : Code::too_large,
                   "the body holds more than " + std::to_string(records_max) + " records",
                   "send at most " + std::to_string(records_max) + " a request");
    }
    TRY(read_record(Shape::array));
    skip_space();
    if (at_ >= end_) return wrong("the body's array is not closed; it begins", begin);
    if (*at_ == ']') break;
    if (*at_ != ',') return wrong("a comma or ] must follow a record", at_);
    ++at_;
    skip_space();
  }
  ++at_;
  return {};
}

Status EventReader::read_batch() {
  CHECK(plan_->stream->beacon.has_value(), "only streams with a beacon take batches");
  const Beacon& beacon = *plan_->stream->beacon;
  if (*at_ != '{') return wrong("the body is not JSON with the key " + shown(beacon.batch), at_);
  size_t keys = 0;
  bool given = false;
  TRY(batch_members(beacon, keys, given));
  skip_space();
  if (at_ != end_) return wrong("the body is not JSON: something follows its object", at_);
  if (!given) return Error(Code::invalid, "batch key \"" + beacon.batch + "\" not given");
  if (keys > 1) return Error(Code::invalid, "too many keys: " + std::to_string(keys));
  if (records_.empty()) {
    return Error(Code::invalid,
                 "\"" + beacon.batch + "\" is empty, expected 1 to " + std::to_string(beacon.records_max) + " records");
  }
  return {};
}

Status EventReader::batch_members(const Beacon& beacon, size_t& keys, bool& given) {
  scanner_.start(at_, end_, nullptr, limits_.depth);
  auto failed = [&] {
    return wrong(std::string("the body is not JSON: ") + scanner_.failure().what, scanner_.failure().at);
  };
  scanner_.advance();
  scanner_.space();
  if (scanner_.next() == '}') {
    at_ = scanner_.position() + 1;
    return {};
  }
  std::string scratch;
  while (true) {
    JsonScanner::Text key;
    if (scanner_.next() != '"') return wrong("the body is not JSON: a key is expected", scanner_.position());
    if (!scanner_.string(key) || !scanner_.colon()) return failed();
    ++keys;
    if (JsonScanner::decode(key, scratch) != beacon.batch) {
      if (!scanner_.skip_value(1)) return failed();
    } else if (given) {
      return wrong("the key " + shown(beacon.batch) + " is given twice", scanner_.position());
    } else if (scanner_.next() != '[' && !scanner_.at_end()) {
      return wrong(shown(beacon.batch) + " must be an array of 1 to " + std::to_string(beacon.records_max) + " records",
                   scanner_.position());
    } else {
      given = true;
      at_ = scanner_.position();
      if (at_ == end_) return wrong("the body is not JSON: it ends where an array is expected", at_);
      TRY(read_array(static_cast<size_t>(beacon.records_max)));
      scanner_.move_to(at_);
    }
    scanner_.space();
    if (scanner_.next() == '}') break;
    if (scanner_.next() != ',') return wrong("the body is not JSON: a comma or } must follow", scanner_.position());
    scanner_.advance();
    scanner_.space();
  }
  at_ = scanner_.position() + 1;
  return {};
}

// At a record's first character; behind it afterwards.
Status EventReader::read_record(Shape shape) {
  const char* const begin = at_;
  Candidate& record = records_.emplace_back();
  const EventJudge::Rules rules{limits_.depth, EventJudge::Rules{}.key_bytes_max};
  bool whole;
  if (*begin == '{') {
    whole = judge_.judge(*plan_, rules, begin, end_, record);
    if (whole) {
      at_ = judge_.end();
    } else {
      add_failure(record, judge_.failure());
    }
  } else {
    scanner_.start(begin, end_, nullptr, limits_.depth);
    whole = scanner_.skip_value(0);
    if (whole) {
      at_ = scanner_.position();
      judge_other(record, begin);
    } else {
      add_failure(record, scanner_.failure());
    }
  }
  // A line such as `{"a":1}}` is a record with something behind it that belongs to none.
  if (whole && shape == Shape::lines && at_ < end_ && *at_ != '{' && !is_space(*at_)) {
    const JsonScanner::Failure failure{"syntax", at_, "something follows the record that belongs to none", {}};
    add_failure(record, failure);
    whole = false;
  }
  if (!whole) {
    const std::string_view code = judge_.problems().back().code;
    if (format_ == BodyFormat::batch && code == "syntax") {
      return Error(Code::invalid, "the body is not JSON: " + judge_.problems().back().message);
    }
    at_ = find_boundary(begin, shape);
    if (at_ == nullptr) {
      return Error(Code::invalid,
                   "record " + std::to_string(records_.size()) +
                       " of the body is broken and its end cannot be found: " + judge_.problems().back().message);
    }
    record.text = {begin, static_cast<size_t>(at_ - begin)};
    while (!record.text.empty() && is_space(record.text.back())) record.text.remove_suffix(1);
  }
  check_size(record);
  return {};
}

void EventReader::check_size(Candidate& record) {
  if (record.text.size() <= limits_.record_bytes) return;
  record.problem = static_cast<int32_t>(judge_.problems().size());
  judge_.problems().push_back(
      {"too_large", "",
       "the record has " + format_size(record.text.size()) + ", allowed are " + format_size(limits_.record_bytes)});
}

// JSON, but no object.
void EventReader::judge_other(Candidate& record, const char* begin) {
  record.text = {begin, static_cast<size_t>(at_ - begin)};
  record.problem = static_cast<int32_t>(judge_.problems().size());
  judge_.problems().push_back(
      {"wrong_type", "", std::string("found ") + kind_of(*begin) + ", expected a record, which is a JSON object"});
}

void EventReader::add_failure(Candidate& record, const JsonScanner::Failure& failure) {
  record.problem = static_cast<int32_t>(judge_.problems().size());
  std::string message = failure.what;
  if (!failure.key.empty()) message += ": " + shown(failure.key);
  if (std::string_view(failure.code) == "too_deep")
    message += ", allowed are " + std::to_string(limits_.depth) + " levels";
  message += ", at " + place(failure.at);
  judge_.problems().push_back({failure.code, judge_.failure_field(), std::move(message)});
}

// Where a broken record ends: before the comma or bracket that ends it in an array, nullptr if there is none; else
// behind its braces if they match and no string runs over a line's end, or at the end of its line.
const char* EventReader::find_boundary(const char* begin, Shape shape) const {
  size_t depth = 0;
  const char* p = begin;
  const bool lines = shape == Shape::lines;
  while (p < end_ && (!lines || *begin == '{')) {
    const char c = *p;
    if (c == '"') {
      p = skip_string(p, end_, lines);
      if (p == nullptr) break;
      continue;
    }
    if (!lines && depth == 0 && (c == ',' || c == ']') && p != begin) return p;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth > 0 && --depth == 0 && lines) {
      const char* rest = p + 1;
      while (rest < end_ && is_space(*rest) && *rest != '\n') ++rest;
      if (rest == end_ || *rest == '\n' || *rest == '{') return p + 1;
      break;
    }
    ++p;
  }
  if (!lines) return nullptr;
  const auto* newline = static_cast<const char*>(std::memchr(begin, '\n', static_cast<size_t>(end_ - begin)));
  return newline == nullptr ? end_ : newline;
}

void EventReader::skip_space() {
  while (is_space(*at_)) ++at_;
}

std::string EventReader::place(const char* where) {
  if (where < counted_.at) counted_ = {buffer_.data(), buffer_.data(), 1};
  while (true) {
    const auto* newline =
        static_cast<const char*>(std::memchr(counted_.at, '\n', static_cast<size_t>(where - counted_.at)));
    if (newline == nullptr) break;
    counted_.at = counted_.line_begin = newline + 1;
    ++counted_.line;
  }
  counted_.at = where;
  return "line " + std::to_string(counted_.line) + ", column " + std::to_string(where - counted_.line_begin + 1) +
         " of the body";
}

Error EventReader::wrong(const std::string& what, const char* where) {
  return Error(Code::invalid, what + ", at " + place(where));
}

}  // namespace weir::capture
