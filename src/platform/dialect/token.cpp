#include "platform/dialect/token.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"

namespace weir::dialect {
namespace {

constexpr uint8_t kSpace = 1, kNameBegin = 2, kName = 4, kDigit = 8, kOperator = 16;

constexpr std::array<uint8_t, 256> character_kinds() {
  std::array<uint8_t, 256> out{};
  for (const char c : std::string_view(" \t\r\n\f\v")) out[static_cast<unsigned char>(c)] |= kSpace;
  for (int c = 'a'; c <= 'z'; ++c) out[static_cast<size_t>(c)] |= kNameBegin | kName;
  for (int c = 'A'; c <= 'Z'; ++c) out[static_cast<size_t>(c)] |= kNameBegin | kName;
  for (int c = '0'; c <= '9'; ++c) out[static_cast<size_t>(c)] |= kName | kDigit;
  for (size_t c = 128; c < 256; ++c) out[c] |= kNameBegin | kName;
  out['_'] |= kNameBegin | kName;
  out['$'] |= kName;
  for (const char c : std::string_view("+-*/<>=~!@#%^&|`?")) out[static_cast<unsigned char>(c)] |= kOperator;
  return out;
}
constexpr std::array<uint8_t, 256> kKinds = character_kinds();

bool is(char c, uint8_t kind) {
  return (kKinds[static_cast<unsigned char>(c)] & kind) != 0;
}

bool equal_lower(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

class Tokenizer {
 public:
  Tokenizer(std::string_view sql, const TokenRules& rules) : sql_(sql), rules_(rules) {}

  Result<std::vector<Token>> run() {
    if (sql_.size() > UINT32_MAX) return Error(Code::too_large, "the statement is longer than 4 GiB");
    while (true) {
      TRY(skip_between());
      if (at_ == sql_.size()) return std::move(out_);
      if (out_.size() == kTokensMax) {
        return Error(Code::too_large, "the statement has more than " + std::to_string(kTokensMax) + " words");
      }
      begin_ = at_;
      TRY(next());
    }
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }
  Error wrong(std::string what, size_t where) const {
    Error out(Code::invalid, std::move(what));
    out.at(place_of(sql_, where));
    return out;
  }
  void add(TokenKind kind) { out_.push_back({kind, static_cast<uint32_t>(begin_), static_cast<uint32_t>(at_)}); }

  Status skip_between() {
    while (at_ < sql_.size()) {
      if (is(sql_[at_], kSpace)) {
        ++at_;
      } else if (sql_.substr(at_, 2) == "--") {
        at_ = std::min(sql_.find('\n', at_), sql_.size());
      } else if (sql_.substr(at_, 2) == "/*") {
        TRY(skip_comment());
      } else {
        break;
      }
    }
    return {};
  }

  // Comments nest, as in the standard.
  Status skip_comment() {
    const size_t begin = at_;
    size_t depth = 0;
    do {
      if (at_ + 2 > sql_.size()) return wrong("a comment is not closed", begin);
      if (sql_.substr(at_, 2) == "/*") {
        ++depth;
        at_ += 2;
      } else if (sql_.substr(at_, 2) == "*/") {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0);
    return {};
  }

  Status next() {
    const char c = peek();
    if (c == '\'') return text(rules_.backslash_escapes);
    if (c == '"') return quoted();
    if (c == '$' && is(peek(1), kDigit)) return parameter();
    if (c == '$') return dollar_quoted();
    if (is(c, kDigit) || (c == '.' && is(peek(1), kDigit))) return number();
    if (const size_t mark = text_mark()) {
      at_ += mark;
      return text(rules_.backslash_escapes || c == 'e' || c == 'E');
    }
    if (is(c, kNameBegin) || (c == '#' && is(peek(1), kNameBegin))) return word();
    if (c == ':' && rules_.named_parameters && is_named_parameter()) return named_parameter();
    return symbol();
  }

  // The length of what stands before a text's quote and belongs to it; 0: nothing does.
  size_t text_mark() const {
    if (peek(1) == '\'' && std::string_view("eEbBxXnN").find(peek()) != std::string_view::npos) return 1;
    if ((peek() == 'u' || peek() == 'U') && peek(1) == '&' && peek(2) == '\'') return 2;
    return 0;
  }

  // At its quote.
  Status text(bool escapes) {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '\\' && escapes) {
        ++at_;
      } else if (sql_[at_] == '\'' && peek(1) == '\'') {
        ++at_;
      } else if (sql_[at_] == '\'') {
        ++at_;
        add(TokenKind::text);
        return {};
      }
    }
    return wrong("a text is not closed: ' is missing", begin_);
  }

  Status quoted() {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] != '"') continue;
      if (peek(1) == '"') {
        ++at_;
        continue;
      }
      ++at_;
      if (at_ - begin_ == 2) return wrong("a name between quotes is empty", begin_);
      add(TokenKind::quoted);
      return {};
    }
    return wrong("a name is not closed: \" is missing", begin_);
  }

  Status parameter() {
    ++at_;
    while (is(peek(), kDigit)) ++at_;
    add(TokenKind::parameter);
    return {};
  }

  // $tag$ … $tag$, or the parameter $name.
  Status dollar_quoted() {
    size_t end = at_ + 1;
    if (end < sql_.size() && is(sql_[end], kNameBegin)) {
      while (end < sql_.size() && is(sql_[end], kName) && sql_[end] != '$') ++end;
    }
    if (end >= sql_.size() || sql_[end] != '$') {
      if (end == at_ + 1) return wrong("$ begins neither a parameter ($1) nor a text ($$…$$)", at_);
      at_ = end;
      add(TokenKind::parameter);
      return {};
    }
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    const size_t close = sql_.find(tag, end + 1);
    if (close == std::string_view::npos) return wrong("a text is not closed: " + std::string(tag) + " is missing", at_);
    at_ = close + tag.size();
    add(TokenKind::text);
    return {};
  }

  Status number() {
    while (is(peek(), kDigit)) ++at_;
    if (peek() == '.' && peek(1) != '.') {
      ++at_;
      while (is(peek(), kDigit)) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const size_t sign = peek(1) == '+' || peek(1) == '-' ? 2 : 1;
      if (is(peek(sign), kDigit)) {
        at_ += sign;
        while (is(peek(), kDigit)) ++at_;
      }
    }
    add(TokenKind::number);
    return {};
  }

  Status word() {
    ++at_;  // which may be #
    while (is(peek(), kName)) ++at_;
    add(TokenKind::word);
    return {};
  }

  // Behind something that is no value a colon begins a parameter; behind one it is a cast's or a slice's.
  bool is_named_parameter() const {
    if (!is(peek(1), kNameBegin)) return false;
    return begin_ == 0 || (sql_[begin_ - 1] != ':' && sql_[begin_ - 1] != ']' && !is(sql_[begin_ - 1], kName));
  }
  Status named_parameter() {
    ++at_;
    while (is(peek(), kName)) ++at_;
    add(TokenKind::parameter);
    return {};
  }

  Status symbol() {
    const char c = peek();
    if (c == '\0') return wrong("a statement holds no NUL", at_);
    if (std::string_view("()[]{},;").find(c) != std::string_view::npos) {
      ++at_;
    } else if (c == ':') {
      at_ += peek(1) == ':' || peek(1) == '=' ? 2 : 1;
    } else if (c == '.') {
      at_ += peek(1) == '.' ? 2 : 1;
    } else if (is(c, kOperator)) {
      operator_run();
    } else {
      return wrong("the character " + shown(std::string_view(&c, 1)) + " begins nothing", at_);
    }
    add(TokenKind::symbol);
    return {};
  }

  // As PostgreSQL cuts a run of them: before a comment, and + or - end it only behind one of ~ ! @ # % ^ & | ` ?. No
  // operator is longer than a name may be, which also bounds how far each look ahead goes.
  void operator_run() {
    size_t end = at_;
    while (end < sql_.size() && end - at_ < kOperatorMax && is(sql_[end], kOperator)) {
      const std::string_view two = sql_.substr(end, 2);
      if (end > at_ && (two == "--" || two == "/*")) break;
      ++end;
    }
    const size_t special = sql_.substr(at_, end - at_).find_first_of("~!@#%^&|`?");
    while (end - at_ > 1 && (sql_[end - 1] == '+' || sql_[end - 1] == '-') && special >= end - at_) --end;
    at_ = end;
  }

  static constexpr size_t kOperatorMax = 63;
  const std::string_view sql_;
  const TokenRules rules_;
  size_t at_ = 0, begin_ = 0;
  std::vector<Token> out_;
};

void append_utf8(uint32_t point, std::string& into) {
  if (point < 0x80) {
    into += static_cast<char>(point);
  } else if (point < 0x800) {
    into += static_cast<char>(0xC0 | (point >> 6));
    into += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    into += static_cast<char>(0xE0 | (point >> 12));
    into += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    into += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    into += static_cast<char>(0xF0 | (point >> 18));
    into += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    into += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    into += static_cast<char>(0x80 | (point & 0x3F));
  }
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// A number of at most `digits_max` digits; how many were read.
size_t read_number(std::string_view text, int base, size_t digits_max, uint32_t& out) {
  size_t read = 0;
  out = 0;
  while (read < digits_max && read < text.size() && digit_of(text[read]) < base) {
    out = out * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit_of(text[read++]));
  }
  return read;
}

// At a backslash in an escaped text; how many characters it is with what belongs to it, 0 if it is broken.
size_t append_escape(std::string_view text, std::string& into) {
  if (text.size() < 2) return 0;
  uint32_t number = 0;
  size_t read = 0;
  switch (text[1]) {
    case 'b':
      into += '\b';
      return 2;
    case 'f':
      into += '\f';
      return 2;
    case 'n':
      into += '\n';
      return 2;
    case 'r':
      into += '\r';
      return 2;
    case 't':
      into += '\t';
      return 2;
    case 'x':
      read = read_number(text.substr(2), 16, 2, number);
      if (read == 0) break;
      into += static_cast<char>(number);
      return 2 + read;
    case 'u':
    case 'U': {
      const size_t digits = text[1] == 'u' ? 4 : 8;
      read = read_number(text.substr(2), 16, digits, number);
      if (read != digits || number > 0x10FFFF || (number >= 0xD800 && number < 0xE000)) return 0;
      append_utf8(number, into);
      return 2 + digits;
    }
    default:
      read = read_number(text.substr(1), 8, 3, number);
      if (read == 0) break;
      into += static_cast<char>(number);
      return 1 + read;
  }
  into += text[1];
  return 2;
}

}  // namespace

Position place_of(std::string_view sql, size_t offset) {
  Position out{.file = "sql", .line = 1, .column = 1};
  for (size_t i = 0; i < std::min(offset, sql.size()); ++i) {
    if (sql[i] == '\n') {
      ++out.line;
      out.column = 1;
    } else if ((static_cast<unsigned char>(sql[i]) & 0xC0) != 0x80) {
      ++out.column;
    }
  }
  return out;
}

size_t offset_of(std::string_view sql, const Position& place) {
  size_t at = 0;
  for (int line = 1; line < place.line && at < sql.size(); ++line)
    at = std::min(sql.find('\n', at), sql.size() - 1) + 1;
  for (int column = 1; column < place.column && at < sql.size(); ++column) {
    do {
      ++at;
    } while (at < sql.size() && (static_cast<unsigned char>(sql[at]) & 0xC0) == 0x80);
  }
  return at;
}

Result<std::vector<Token>> tokenize(std::string_view sql, const TokenRules& rules) {
  return Tokenizer(sql, rules).run();
}

std::vector<TokenRange> split_statements(std::string_view sql, const std::vector<Token>& tokens) {
  std::vector<TokenRange> out;
  size_t first = 0;
  for (size_t i = 0; i <= tokens.size(); ++i) {
    if (i < tokens.size() && !is_symbol(sql, tokens[i], ";")) continue;
    if (i > first) out.push_back({first, i});
    first = i + 1;
  }
  return out;
}

bool is_word(std::string_view sql, const Token& token, std::string_view keyword) {
  return token.kind == TokenKind::word && equal_lower(token.in(sql), keyword);
}

bool is_symbol(std::string_view sql, const Token& token, std::string_view symbol) {
  return token.kind == TokenKind::symbol && token.in(sql) == symbol;
}

std::string name_of(std::string_view sql, const Token& token) {
  std::string_view text = token.in(sql);
  std::string out;
  if (token.kind != TokenKind::quoted) {
    for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
  }
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '"') ++i;
  }
  return out;
}

Result<std::string> text_of(std::string_view sql, const Token& token, const TokenRules& rules) {
  std::string_view text = token.in(sql);
  const auto wrong = [&](const char* what) {
    Error out(Code::invalid, what);
    out.at(place_of(sql, token.begin));
    return out;
  };
  if (text.front() == '$') {
    const size_t tag = text.find('$', 1) + 1;
    return std::string(text.substr(tag, text.size() - 2 * tag));
  }
  const char mark = text.front();
  if (mark == 'b' || mark == 'B' || mark == 'x' || mark == 'X') return wrong("a bit string is no text");
  if (mark == 'u' || mark == 'U') return wrong("U&'…' is not supported; write E'\\uXXXX'");
  const bool escapes = rules.backslash_escapes || mark == 'e' || mark == 'E';
  text.remove_prefix(text.find('\'') + 1);
  text.remove_suffix(1);
  std::string out;
  while (!text.empty()) {
    size_t used = 1;
    if (text[0] == '\\' && escapes) {
      used = append_escape(text, out);
      if (used == 0) return wrong("an escape of the text is broken");
    } else {
      out += text[0];
      // Two marks are one; where the words were found under other rules the last may stand alone.
      if (text[0] == '\'') used = std::min<size_t>(2, text.size());
    }
    text.remove_prefix(used);
  }
  if (!valid_utf8(out)) return wrong("the text is no UTF-8");
  return out;
}

}  // namespace weir::dialect
