#include "platform/flow/sql_text.h"

#include <algorithm>

#include "core/base/sizes.h"
#include "core/base/text.h"

namespace weir::flow {
namespace {

enum class PieceKind { end, white, comment, word, quoted, other, broken };

struct Piece {
  PieceKind kind = PieceKind::end;
  size_t at = 0;
  std::string_view text = {};
  const char* why = "";  // of a broken one
};

bool is_white(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}
bool begins_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_word(char c) {
  return begins_word(c) || (c >= '0' && c <= '9') || c == '$';
}

class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  Piece next() {
    const size_t at = next_;
    if (at >= sql_.size()) return {PieceKind::end, at};
    const char c = sql_[at];
    if (is_white(c)) return take(PieceKind::white, end_of(at, is_white));
    if (sql_.substr(at, 2) == "--") return take(PieceKind::comment, std::min(sql_.find('\n', at), sql_.size()));
    if (sql_.substr(at, 2) == "/*") return block_comment();
    if (c == '\'' || c == '"') return quoted(at, false);
    if (c == '$') return dollar();
    // Digits too: 1e5 and t1 are one piece each.
    if (!continues_word(c)) return take(PieceKind::other, at + 1);
    const size_t end = end_of(at, continues_word);
    const std::string_view word = sql_.substr(at, end - at);
    const bool is_escaped = (word == "e" || word == "E") && end < sql_.size() && sql_[end] == '\'';
    return is_escaped ? quoted(end, true) : take(PieceKind::word, end);
  }

 private:
  template <class Is>
  size_t end_of(size_t at, Is is) const {
    while (at < sql_.size() && is(sql_[at])) ++at;
    return at;
  }

  Piece take(PieceKind kind, size_t end) {
    const Piece piece{kind, next_, sql_.substr(next_, end - next_)};
    next_ = end;
    return piece;
  }
  Piece broken(const char* why) {
    const Piece piece{PieceKind::broken, next_, sql_.substr(next_), why};
    next_ = sql_.size();
    return piece;
  }

  Piece block_comment() {
    int depth = 1;
    for (size_t at = next_ + 2; at + 1 < sql_.size(); ++at) {
      const std::string_view pair = sql_.substr(at, 2);
      if (pair == "*/") --depth;
      if (pair == "/*") ++depth;
      if (depth == 0) return take(PieceKind::comment, at + 2);
      if (pair == "*/" || pair == "/*") ++at;
    }
    return broken("a comment is opened by /* and never closed");
  }

  // `open` is the place of the quote; a prefix may stand before it.
  Piece quoted(size_t open, bool has_escapes) {
    const char quote = sql_[open];
    for (size_t at = open + 1; at < sql_.size(); ++at) {
      if (has_escapes && sql_[at] == '\\') {
        ++at;
      } else if (sql_[at] == quote) {
        if (at + 1 >= sql_.size() || sql_[at + 1] != quote) return take(PieceKind::quoted, at + 1);
        ++at;  // a doubled quote is one inside of the text
      }
    }
    return broken(quote == '"' ? "a name in \" is opened and never closed" : "a text in ' is opened and never closed");
  }

  Piece dollar() {
    size_t at = next_ + 1;
    while (at < sql_.size() && sql_[at] != '$' && (at == next_ + 1 ? begins_word : continues_word)(sql_[at])) ++at;
    if (at >= sql_.size() || sql_[at] != '$') return take(PieceKind::other, next_ + 1);  // $1
    const std::string_view tag = sql_.substr(next_, at + 1 - next_);
    const size_t end = sql_.find(tag, at + 1);
    if (end == std::string_view::npos) return broken("a text in $…$ is opened and never closed");
    return take(PieceKind::quoted, end + tag.size());
  }

  std::string_view sql_;
  size_t next_ = 0;
};

Error refused(Code code, std::string_view sql, size_t at, std::string message, std::string hint) {
  Position place{"", 1, 1};
  for (size_t i = 0; i < at; ++i) {
    // Columns count characters, as those of YAML do.
    if ((static_cast<unsigned char>(sql[i]) & 0xC0) != 0x80) ++place.column;
    if (sql[i] == '\n') {
      ++place.line;
      place.column = 1;
    }
  }
  return std::move(Error(code, std::move(message), std::move(hint)).at(place));
}

std::string with_plain_lines(std::string_view sql) {
  std::string out;
  for (const char c : sql) {
    while (c == '\n' && out.ends_with('\r')) out.pop_back();
    out += c;
  }
  return out;
}

bool begins_select(const Piece& first) {
  if (first.text == "(") return true;
  const std::string word = to_lower(first.text);
  return word == "select" || word == "with" || word == "values" || word == "from";
}

enum class Allowed { one_select, any };

Result<std::string> checked(std::string_view sql, Allowed allowed) {
  if (sql.size() > kSqlBytesMax) {
    return refused(Code::too_large, sql, 0,
                   "the SQL has " + std::to_string(sql.size()) + " bytes, allowed are " + format_size(kSqlBytesMax),
                   "split it: a table may read another");
  }
  Scanner scanner(sql);
  size_t semicolon = std::string_view::npos;  // that ends the first statement
  size_t last = 0;                            // where the last piece ends that is no semicolon
  bool has_words = false;
  for (Piece piece = scanner.next(); piece.kind != PieceKind::end; piece = scanner.next()) {
    if (piece.kind == PieceKind::broken) return refused(Code::invalid, sql, piece.at, piece.why, {});
    if (piece.kind == PieceKind::white) continue;
    const size_t end = piece.at + piece.text.size();
    if (piece.kind == PieceKind::comment) {
      if (semicolon == std::string_view::npos) last = end;
      continue;
    }
    if (piece.text == ";") {
      if (has_words && semicolon == std::string_view::npos) semicolon = piece.at;
      continue;
    }
    if (allowed == Allowed::one_select && !has_words && !begins_select(piece)) {
      return refused(Code::invalid, sql, piece.at, "expected a SELECT, this begins with " + shown(piece.text),
                     "a statement that changes something belongs into a flow");
    }
    if (allowed == Allowed::one_select && semicolon != std::string_view::npos) {
      return refused(Code::invalid, sql, piece.at, "expected one SELECT, here a second statement begins",
                     "write a table of its own for it");
    }
    has_words = true;
    last = end;
  }
  if (!has_words) return refused(Code::invalid, sql, 0, "there is no SQL, only comments", "write a SELECT");
  return with_plain_lines(trim(sql.substr(0, last)));
}

bool binds_tightly(char c) {
  return c == '(' || c == ')' || c == ',';
}

}  // namespace

Result<std::string> one_select(std::string_view sql) {
  return checked(sql, Allowed::one_select);
}

Result<std::string> some_statements(std::string_view sql) {
  return checked(sql, Allowed::any);
}

std::string squeezed(std::string_view sql) {
  std::string out;
  bool has_gap = false;
  Scanner scanner(sql);
  for (Piece piece = scanner.next(); piece.kind != PieceKind::end; piece = scanner.next()) {
    if (piece.kind == PieceKind::white || piece.kind == PieceKind::comment) {
      has_gap = true;
      continue;
    }
    if (has_gap && !out.empty() && !binds_tightly(out.back()) && !binds_tightly(piece.text.front())) out += ' ';
    has_gap = false;
    out += piece.text;
  }
  return out;
}

}  // namespace weir::flow
