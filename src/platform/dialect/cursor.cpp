#include "platform/dialect/cursor.h"

#include <charconv>

namespace weir::dialect {

size_t Cursor::offset() const {
  if (at_ < end_) return tokens_[at_].begin;
  return end_ > 0 && end_ <= tokens_.size() ? tokens_[end_ - 1].end : sql_.size();
}

bool Cursor::sees(std::string_view keyword, size_t ahead) const {
  return at_ + ahead < end_ && is_word(sql_, tokens_[at_ + ahead], keyword);
}

bool Cursor::sees_symbol(std::string_view symbol, size_t ahead) const {
  return at_ + ahead < end_ && is_symbol(sql_, tokens_[at_ + ahead], symbol);
}

bool Cursor::sees_text() const {
  return at_ < end_ && tokens_[at_].kind == TokenKind::text;
}

bool Cursor::accept(std::string_view keyword) {
  if (!sees(keyword)) return false;
  ++at_;
  return true;
}

bool Cursor::accept_all(std::initializer_list<std::string_view> keywords) {
  size_t ahead = 0;
  for (const std::string_view keyword : keywords) {
    if (!sees(keyword, ahead++)) return false;
  }
  at_ += ahead;
  return true;
}

bool Cursor::accept_symbol(std::string_view symbol) {
  if (!sees_symbol(symbol)) return false;
  ++at_;
  return true;
}

Status Cursor::expect(std::string_view keyword) {
  if (accept(keyword)) return {};
  std::string shown;
  for (const char c : keyword) shown += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return expected(shown);
}

Status Cursor::expect_symbol(std::string_view symbol) {
  if (accept_symbol(symbol)) return {};
  return expected("\"" + std::string(symbol) + "\"");
}

Status Cursor::expect_end() const {
  if (is_at_end()) return {};
  return expected("the end of the statement");
}

Error Cursor::expected(std::string_view what) const {
  std::string found = "the end";
  if (at_ < end_) found = "\"" + std::string(tokens_[at_].in(sql_).substr(0, 100)) + "\"";
  Error out(Code::invalid, "expected " + std::string(what) + ", found " + found);
  out.sqlstate = "42601";
  out.at(place_of(sql_, offset()));
  return out;
}

Error Cursor::unsupported(std::string_view what, std::string hint) const {
  if (hint.empty()) hint = "docs/reference/dialect.md lists what there is";
  Error out(Code::unsupported, std::string(what) + " is not supported", std::move(hint));
  out.at(place_of(sql_, offset()));
  return out;
}

Result<std::string> Cursor::identifier(std::string_view what) {
  const bool is_name = at_ < end_ && (tokens_[at_].kind == TokenKind::word || tokens_[at_].kind == TokenKind::quoted);
  if (!is_name) return expected(what);
  std::string name = name_of(sql_, tokens_[at_]);
  if (name.empty()) return expected(what);
  if (name.size() > 127) {
    Error out(Code::invalid, "a name has " + std::to_string(name.size()) + " bytes, allowed are 127");
    out.sqlstate = "42622";
    out.at(place_of(sql_, offset()));
    return out;
  }
  ++at_;
  return name;
}

Result<Name> Cursor::name(std::string_view what) {
  Name out{.at = offset()};
  TRY_ASSIGN(out.name, identifier(what));
  for (int parts = 1; accept_symbol("."); ++parts) {
    if (parts == 3) return expected("a name of database.schema.table");
    out.database = std::move(out.schema);
    out.schema = std::move(out.name);
    TRY_ASSIGN(out.name, identifier(what));
  }
  return out;
}

Result<std::string> Cursor::text(std::string_view what) {
  if (!sees_text()) return expected(what);
  TRY_ASSIGN(std::string out, text_of(sql_, tokens_[at_], {}));
  ++at_;
  return out;
}

Result<int64_t> Cursor::integer(std::string_view what) {
  const size_t begin = at_;
  const bool is_negative = accept_symbol("-");
  if (!is_negative) accept_symbol("+");
  int64_t value = 0;
  if (at_ >= end_ || tokens_[at_].kind != TokenKind::number) {
    at_ = begin;
    return expected(what);
  }
  const std::string_view digits = tokens_[at_].in(sql_);
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || stop != digits.data() + digits.size()) return expected(what);
  ++at_;
  return is_negative ? -value : value;
}

Result<std::vector<std::string>> Cursor::identifiers(std::string_view what) {
  std::vector<std::string> out;
  do {
    TRY_ASSIGN(std::string one, identifier(what));
    out.push_back(std::move(one));
  } while (accept_symbol(","));
  return out;
}

Result<std::vector<std::string>> Cursor::column_list(std::string_view what) {
  TRY(expect_symbol("("));
  TRY_ASSIGN(std::vector<std::string> out, identifiers(what));
  TRY(expect_symbol(")"));
  return out;
}

Result<TokenRange> Cursor::in_brackets() {
  const size_t first = at_;
  for (int open = 1; at_ < end_; ++at_) {
    if (sees_symbol("(")) ++open;
    if (sees_symbol(")") && --open == 0) {
      ++at_;
      return TokenRange{first, at_ - 1};
    }
  }
  return expected("\")\"");
}

void Cursor::skip() {
  if (!accept_symbol("(")) {
    ++at_;
    return;
  }
  if (!in_brackets()) at_ = end_;
}

std::string Cursor::word() const {
  if (at_ >= end_ || tokens_[at_].kind != TokenKind::word) return {};
  return name_of(sql_, tokens_[at_]);
}

}  // namespace weir::dialect
