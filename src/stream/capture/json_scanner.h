// Walks over JSON text from anybody, once, and checks all of it: grammar (RFC 8259), UTF-8, depth, duplicate keys,
// numbers that fit. The reader of events drives it value by value, so that text is judged while it is read.
//
// The text must be followed by at least kPadding readable bytes, of which the first is NUL: it ends every loop, and
// strings are searched 16 bytes at a time without looking for the end. After a failure the scanner stays where it is;
// `failure` says what is wrong and where. Not thread-safe; reused from record to record, it allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace weir::capture {

// Bytes that are not part of the canonical form: white space, dropped fields.
struct Cut {
  const char* from = nullptr;
  const char* to = nullptr;
};

class JsonScanner {
 public:
  static constexpr size_t kPadding = 64;

  // A string's bytes between its quotes, escapes as written.
  struct Text {
    std::string_view raw;
    bool escaped = false;
  };
  // A number as written; integers that fit in 64 bits have their magnitude.
  struct Number {
    std::string_view raw;
    bool negative = false;
    bool whole = false;  // neither fraction nor exponent
    uint64_t magnitude = 0;
  };
  struct Failure {
    const char* code = "";     // a verdict's code: "syntax", "bad_utf8" …
    const char* at = nullptr;  // where
    const char* what = "";     // "a string is not closed"
    std::string_view key;      // of a duplicate key
  };

  // Begins at `from`; `end` points to the NUL. White space is noted in `cuts` if given.
  void start(const char* from, const char* end, std::vector<Cut>* cuts, int depth_max);

  const char* position() const { return at_; }
  char next() const { return *at_; }
  bool at_end() const { return at_ >= end_; }
  void advance() { ++at_; }
  void move_to(const char* where) { at_ = where; }
  const Failure& failure() const { return failure_; }
  bool fail(const char* code, const char* where, const char* what);

  void space() {
    if (static_cast<unsigned char>(*at_) <= ' ') slow_space();
  }
  // Each expects the scanner at the value's first character; false: see failure().
  bool string(Text& out);
  bool number(Number& out);
  bool word(std::string_view expected);  // true, false, null
  bool skip_value(int depth);            // any value, checked throughout; a value inside `depth` objects and arrays
  bool colon();                          // white space, ':', white space

  // Keys of the object being read, to find a name given twice. Use: mark = open_keys(); add_key()…; close_keys(mark).
  size_t open_keys() const { return keys_.size(); }
  void add_key(const Text& key);
  bool close_keys(size_t mark);

  // The string's value; `scratch` is used if there are escapes (which string() has checked).
  static std::string_view decode(const Text& text, std::string& scratch);
  static double to_double(const Number& number);

 private:
  struct Key {
    uint64_t hash = 0;
    std::string_view name;  // decoded
    const char* at = nullptr;
  };
  void slow_space();
  bool special(const char*& p, Text& out);
  bool escape(const char*& p);
  bool skip_object(int depth);
  bool skip_array(int depth);
  bool check_finite(const Number& number);

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::vector<Cut>* cuts_ = nullptr;
  int depth_max_ = 32;
  Failure failure_;
  std::vector<Key> keys_;
  std::deque<std::string> decoded_keys_;
};

// A cheap hash of a name, for small tables of names; reads up to 8 bytes beyond it (masked), so padding must follow.
uint64_t name_hash(const char* name, size_t size) noexcept;

}  // namespace weir::capture
