// JSON of other systems: NDJSON, objects one after another, or one array of them.
#include <array>

#include "stream/lake/foreign_records.h"
#include "stream/lake/record_text.h"

namespace weir::lake {
namespace {

constexpr std::array<bool, 256> all_but(std::string_view others) {
  std::array<bool, 256> out{};
  out.fill(true);
  for (const char c : others) out[static_cast<unsigned char>(c)] = false;
  return out;
}
// A value's brackets, quotes and white space are looked at one by one, in a string its end, escapes and line breaks.
constexpr std::array<bool, 256> kPlainInString = all_but("\"\\\n\r");
constexpr std::array<bool, 256> kPlainInValue = all_but("\"{}[] \t\r\n");
constexpr std::array<bool, 256> kPlainInObject = all_but("\"{}[]\r\n");

class JsonSplitter final : public RecordSplitter {
 public:
  JsonSplitter(size_t record_bytes_max, TakeRecord take) : bytes_max_(record_bytes_max), take_(std::move(take)) {}

  Status feed(std::string_view piece) override {
    while (!piece.empty()) {
      const size_t whole = state_ == State::between && piece.front() == '{' ? object_in_line(piece) : 0;
      if (whole > 0 && whole <= bytes_max_) {
        at_start_ = false;
        TRY(take_(line_, piece.substr(0, whole)));
        piece.remove_prefix(whole);
        continue;
      }
      const size_t plain = state_ == State::value && !escaped_ ? plain_run(piece) : 0;
      if (plain > 0) {
        append(piece.substr(0, plain));
        piece.remove_prefix(plain);
        continue;
      }
      const char c = piece.front();
      TRY(take(c));
      if (c == '\n') ++line_;
      piece.remove_prefix(1);
    }
    return {};
  }

  Status finish() override {
    if (state_ == State::between) return {};
    return emit();
  }

 private:
  enum class State {
    between,
    value,   // an object or array, down to its last bracket
    scalar,  // anything else, up to its end
    broken,  // up to the end of the line
  };

  // The length of the object that the piece begins with, if it ends in it and in its line: nearly every one does, and
  // is handed on where it lies. 0: the other way sees to it.
  static size_t object_in_line(std::string_view piece) {
    const char* at = piece.data();
    const char* const end = at + piece.size();
    size_t depth = 0;
    while (true) {
      while (at < end && kPlainInObject[static_cast<unsigned char>(*at)]) ++at;
      if (at == end) return 0;
      const char c = *at++;
      if (c == '"') {
        while (at < end && *at != '"') {
          while (at < end && kPlainInString[static_cast<unsigned char>(*at)]) ++at;
          if (at < end && *at == '\\') {
            at += end - at < 2 || at[1] == '\n' || at[1] == '\r' ? end - at : 2;
          } else if (at < end && *at != '"') {
            return 0;
          }
        }
        if (at == end) return 0;
        ++at;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (c == '}' || c == ']') {
        if (--depth == 0) return static_cast<size_t>(at - piece.data());
      } else {
        return 0;
      }
    }
  }

  Status take(char c) {
    switch (state_) {
      case State::between:
        return begin(c);
      case State::value:
        return inside(c);
      case State::scalar:
        if (in_array_ ? (c == ',' || c == ']') : c == '\n') {
          TRY(emit());
          return in_array_ ? begin(c) : Status();
        }
        append(c);
        return {};
      case State::broken:
        if (c == '\n') return emit();
        append(c);
        return {};
    }
    return {};
  }

  Status begin(char c) {
    if (is_space(c)) return {};
    if (at_start_ && skip_mark(c)) return {};
    if (at_start_ && c == '[') {
      at_start_ = false;
      in_array_ = true;
      return {};
    }
    at_start_ = false;
    if (in_array_ && c == ',') return {};
    if (in_array_ && c == ']') {
      in_array_ = false;
      return {};
    }
    begin_line_ = line_;
    state_ = c == '{' || c == '[' ? State::value : State::scalar;
    depth_ = 0;
    in_string_ = escaped_ = new_line_ = false;
    last_ = '\0';
    return state_ == State::value ? inside(c) : (append(c), Status());
  }

  // The byte order mark of UTF-8.
  bool skip_mark(char c) {
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (mark_ < kMark.size() && c == kMark[mark_]) {
      ++mark_;
      return true;
    }
    return false;
  }

  Status inside(char c) {
    if (in_string_) {
      if (c == '\n') {  // no string of JSON holds one
        if (!in_array_) return emit();
        in_string_ = false;
      }
      append(c);
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
        last_ = '"';
      }
      return {};
    }
    if (c == '\n') new_line_ = true;
    // A line that begins with an object where none may stand: the record before it was broken off.
    const bool may_nest = last_ == ':' || last_ == ',' || last_ == '[' || last_ == '\0';
    if (c == '{' && new_line_ && !in_array_ && depth_ > 0 && !may_nest) {
      TRY(emit());
      return begin(c);
    }
    append(c);
    if (is_space(c)) return {};
    new_line_ = false;
    last_ = c;
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if ((c == '}' || c == ']') && --depth_ == 0) return emit();
    return {};
  }

  // How many of the next characters of a value change nothing but its text: most of them, so they are taken at once.
  size_t plain_run(std::string_view piece) {
    const auto& plain = in_string_ ? kPlainInString : kPlainInValue;
    size_t size = 0;
    while (size < piece.size() && plain[static_cast<unsigned char>(piece[size])]) ++size;
    if (size > 0 && !in_string_) {
      new_line_ = false;
      last_ = piece[size - 1];
    }
    return size;
  }

  void append(char c) {
    ++size_;
    if (record_.size() < bytes_max_ + kShownBytes) record_ += c == '\n' || c == '\r' ? ' ' : c;
  }
  void append(std::string_view plain) {
    size_ += plain.size();
    if (record_.size() < bytes_max_ + kShownBytes) {
      record_ += plain.substr(0, bytes_max_ + kShownBytes - record_.size());
    }
  }

  Status emit() {
    state_ = State::between;
    const size_t size = size_;
    size_ = 0;
    std::string_view text = record_;
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    Status taken;
    if (size > bytes_max_) {
      taken = take_(
          begin_line_,
          told("a record of " + std::to_string(size) + " bytes, allowed are " + std::to_string(bytes_max_), text));
    } else if (!text.empty()) {
      taken = take_(begin_line_, text);
    }
    record_.clear();
    return taken;
  }

  const size_t bytes_max_;
  const TakeRecord take_;
  State state_ = State::between;
  std::string record_;
  size_t size_ = 0, depth_ = 0, mark_ = 0;
  uint64_t line_ = 1, begin_line_ = 1;
  bool at_start_ = true, in_array_ = false;
  bool in_string_ = false, escaped_ = false, new_line_ = false;
  char last_ = '\0';  // outside of strings, no space
};

}  // namespace

std::unique_ptr<RecordSplitter> RecordSplitter::json(size_t record_bytes_max, TakeRecord take) {
  return std::make_unique<JsonSplitter>(record_bytes_max, std::move(take));
}

}  // namespace weir::lake
