#include "core/base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>

#include "core/base/check.h"
#include "core/base/text.h"

namespace weir {
namespace {

constexpr size_t kDepthMax = 64;
// Above this many keys an object's duplicates are looked for in a set instead of by comparing all.
constexpr size_t kLinearKeysMax = 16;

Position position_of(std::string_view text, size_t offset) {
  Position where{"", 1, 1};
  for (size_t i = 0; i < std::min(offset, text.size()); ++i) {
    if (text[i] == '\n') {
      ++where.line;
      where.column = 1;
    } else {
      ++where.column;
    }
  }
  return where;
}

// Hands bytes to the parser and remembers how far it has read, because SAX events carry no place.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// Builds our value from the parser's events and refuses what we do not take. Open containers lie on a stack of values,
// each moved into its parent when it closes, so that no pointer into a growing vector is kept.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const char* const* reached) : text_(text), reached_(reached) {}

  bool null() override { return value(nullptr); }
  bool boolean(bool v) override { return value(v); }
  bool number_integer(int64_t v) override { return value(v); }
  bool number_unsigned(uint64_t v) override { return value(v); }
  bool number_float(double v, const std::string& digits) override {
    // The parser turns an integer that does not fit into a double, which would change it silently.
    if (digits.find_first_of(".eE") == std::string::npos) {
      return refuse(Code::too_large, "the integer " + shown(digits, 40) + " does not fit 64 bits",
                    "write it as a string");
    }
    return value(v);
  }
  bool string(std::string& v) override { return value(std::move(v)); }
  bool binary(nlohmann::json::binary_t&) override { return refuse(Code::invalid, "binary values are not JSON"); }

  bool start_object(size_t) override { return open(Json(Json::Object{})); }
  bool start_array(size_t) override { return open(Json(Json::Array{})); }
  bool key(std::string& name) override {
    Level& level = open_.back();
    if (!level.add_key(name)) return refuse(Code::invalid, "the key " + shown(name) + " appears twice in one object");
    level.key = std::move(name);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(size_t offset, const std::string&, const nlohmann::json::exception& why) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: the words": our position says the place.
    std::string words = why.what();
    size_t start = words.find("] ");
    if (start != std::string::npos) words.erase(0, start + 2);
    if (words.rfind("parse error", 0) == 0 && (start = words.find(": ")) != std::string::npos)
      words.erase(0, start + 2);
    // "; last read: '…'" repeats the input, which may be long and is not for a message.
    size_t echo = words.find("; last read: ");
    if (echo != std::string::npos) {
      size_t next = words.rfind("; expected ");
      words.erase(echo, next != std::string::npos && next > echo ? next - echo : std::string::npos);
    }
    words.resize(std::min<size_t>(words.size(), 200));
    fail(Code::invalid, "not JSON: " + words, {}, offset > 0 ? offset - 1 : 0);
    return false;
  }

  std::optional<Error> error;
  Json result;

 private:
  struct Level {
    Json container;
    std::string key;

    bool add_key(const std::string& name) {
      const Json::Object& members = std::as_const(container).object();
      if (members.size() < kLinearKeysMax) return container.find(name) == nullptr;
      if (seen_.empty()) {
        for (const auto& member : members) seen_.insert(member.first);
      }
      return seen_.insert(name).second;
    }

   private:
    std::unordered_set<std::string> seen_;  // filled only for objects with many keys
  };

  void fail(Code code, std::string message, std::string hint, size_t offset) {
    if (!error) {
      error.emplace(code, std::move(message), std::move(hint));
      error->at(position_of(text_, offset));
    }
  }
  bool refuse(Code code, std::string message, std::string hint = {}) {
    size_t offset = static_cast<size_t>(*reached_ - text_.data());
    fail(code, std::move(message), std::move(hint), offset > 0 ? offset - 1 : 0);
    return false;
  }
  bool value(Json v) {
    if (open_.empty()) {
      result = std::move(v);
      return true;
    }
    Level& level = open_.back();
    if (level.container.is_array()) {
      level.container.array().push_back(std::move(v));
    } else {
      level.container.object().emplace_back(std::move(level.key), std::move(v));
    }
    return true;
  }
  bool open(Json container) {
    if (open_.size() >= kDepthMax) {
      return refuse(Code::too_large, "nested deeper than " + std::to_string(kDepthMax) + " levels");
    }
    open_.emplace_back();
    open_.back().container = std::move(container);
    return true;
  }
  bool close() {
    Json done = std::move(open_.back().container);
    open_.pop_back();
    return value(std::move(done));
  }

  std::string_view text_;
  const char* const* reached_;
  std::vector<Level> open_;
};

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string_view digits(buffer, static_cast<size_t>(end - buffer));
  out += digits;
  // A double stays one when it is read back.
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void new_line(std::string& out, int indent, int depth) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<size_t>(indent) * static_cast<size_t>(depth), ' ');
}

void append_json(std::string& out, const Json& value, int indent, int depth);

void append_array(std::string& out, const Json::Array& items, int indent, int depth) {
  out += '[';
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    new_line(out, indent, depth + 1);
    append_json(out, items[i], indent, depth + 1);
  }
  if (!items.empty()) new_line(out, indent, depth);
  out += ']';
}

void append_object(std::string& out, const Json::Object& members, int indent, int depth) {
  out += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    new_line(out, indent, depth + 1);
    Json::append_quoted(out, members[i].first);
    out += indent < 0 ? ":" : ": ";
    append_json(out, members[i].second, indent, depth + 1);
  }
  if (!members.empty()) new_line(out, indent, depth);
  out += '}';
}

void append_json(std::string& out, const Json& value, int indent, int depth) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_string()) {
    Json::append_quoted(out, value.as_string());
  } else if (value.is_array()) {
    append_array(out, value.array(), indent, depth);
  } else if (value.is_object()) {
    append_object(out, value.object(), indent, depth);
  } else if (!value.is_integer()) {
    append_double(out, value.as_double());
  } else if (auto unsigned_value = value.as_uint()) {
    out += std::to_string(*unsigned_value);
  } else {
    out += std::to_string(value.as_int());
  }
}

}  // namespace

Result<Json> Json::parse(std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Error(Code::too_large, "the JSON text has " + std::to_string(text.size()) + " bytes, allowed are " +
                                      std::to_string(bytes_max));
  }
  const char* reached = text.data();
  Builder builder(text, &reached);
  CountingIterator first(text.data(), &reached), last(text.data() + text.size(), &reached);
  try {
    nlohmann::json::sax_parse(first, last, &builder);
  } catch (const std::exception& failure) {
    return Error(Code::internal, std::string("the JSON reader failed: ") + failure.what());
  }
  if (builder.error) return std::move(*builder.error);
  return std::move(builder.result);
}

std::string Json::dump(int indent) const {
  std::string out;
  append_json(out, *this, indent, 0);
  return out;
}

namespace {

// Stands for itself in a JSON string, one byte.
bool is_plain(char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

}  // namespace

void Json::append_quoted(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (size_t at = 0; at < text.size();) {
    size_t plain = at;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text, at, plain - at);
    at = plain;
    if (at == text.size()) break;
    char c = text[at];
    size_t length = utf8_sequence(text, at);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++at;
      continue;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[c & 15];
        } else {
          out += text.substr(at, length);
        }
    }
    at += length;
  }
  out += '"';
}

bool Json::as_bool(bool otherwise) const {
  const bool* held = std::get_if<bool>(&value_);
  return held != nullptr ? *held : otherwise;
}

int64_t Json::as_int(int64_t otherwise) const {
  const int64_t* held = std::get_if<int64_t>(&value_);
  return held != nullptr ? *held : otherwise;
}

std::optional<uint64_t> Json::as_uint() const {
  if (const auto* held = std::get_if<uint64_t>(&value_)) return *held;
  if (const auto* held = std::get_if<int64_t>(&value_); held != nullptr && *held >= 0) {
    return static_cast<uint64_t>(*held);
  }
  return std::nullopt;
}

double Json::as_double(double otherwise) const {
  if (const auto* held = std::get_if<double>(&value_)) return *held;
  if (const auto* held = std::get_if<int64_t>(&value_)) return static_cast<double>(*held);
  if (const auto* held = std::get_if<uint64_t>(&value_)) return static_cast<double>(*held);
  return otherwise;
}

const std::string& Json::as_string() const {
  static const std::string kNone;
  const auto* held = std::get_if<std::string>(&value_);
  return held != nullptr ? *held : kNone;
}

const Json::Array& Json::array() const {
  static const Array kNone;
  const auto* held = std::get_if<Array>(&value_);
  return held != nullptr ? *held : kNone;
}

const Json::Object& Json::object() const {
  static const Object kNone;
  const auto* held = std::get_if<Object>(&value_);
  return held != nullptr ? *held : kNone;
}

Json::Array& Json::array() {
  if (is_null()) value_ = Array{};
  CHECK(is_array(), "a JSON value of another kind is used as an array");
  return std::get<Array>(value_);
}

Json::Object& Json::object() {
  if (is_null()) value_ = Object{};
  CHECK(is_object(), "a JSON value of another kind is used as an object");
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  for (const auto& member : object()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNull;
  const Json* found = find(key);
  return found != nullptr ? *found : kNull;
}

void Json::set(std::string key, Json value) {
  for (auto& member : object()) {
    if (member.first == key) {
      member.second = std::move(value);
      return;
    }
  }
  object().emplace_back(std::move(key), std::move(value));
}

void Json::push(Json value) {
  array().push_back(std::move(value));
}

}  // namespace weir
