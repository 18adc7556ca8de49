#include "platform/dialect/rewrite.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace weir::dialect {
namespace {

// Redshift, "Date parts for date or timestamp functions"; the first word of each is the engine's.
constexpr std::array<std::array<std::string_view, 8>, 21> kDateParts = {{
    {"millennium", "millennia", "mil", "mils"},
    {"century", "centuries", "c", "cent", "cents"},
    {"decade", "decades", "dec", "decs"},
    {"year", "years", "y", "yr", "yrs"},
    {"quarter", "quarters", "qtr", "qtrs"},
    {"month", "months", "mon", "mons"},
    {"week", "weeks", "w"},
    {"dow", "dayofweek", "dw", "weekday"},
    {"doy", "dayofyear", "dy", "yearday"},
    {"day", "days", "d"},
    {"hour", "hours", "h", "hr", "hrs"},
    {"minute", "minutes", "m", "min", "mins"},
    {"second", "seconds", "s", "sec", "secs"},
    {"millisecond", "milliseconds", "ms", "msec", "msecs", "msecond", "mseconds", "millisec"},
    {"microsecond", "microseconds", "us", "usec", "usecs", "usecond", "useconds", "microsec"},
    {"epoch"},
    {"timezone"},
    {"timezone_hour"},
    {"timezone_minute"},
    {"isodow"},
    {"isoyear"},
}};

// Functions whose first argument is a part of a date, which may stand there without quotes.
constexpr std::string_view kOfDateParts[] = {"dateadd",   "date_add", "datediff",   "date_diff",
                                             "date_part", "datepart", "date_trunc", "pgdate_part"};

// Of the same arguments, under another name.
const std::map<std::string, std::string_view, std::less<>> kRenamed = {
    {"nvl", "coalesce"},       {"isnull", "coalesce"},
    {"date_add", "dateadd"},   {"pgdate_part", "date_part"},
    {"datepart", "date_part"}, {"date_diff", "datediff"},
    {"dexp", "exp"},           {"dlog1", "ln"},
    {"dlog10", "log10"},       {"btrim", "trim"},
    {"textlen", "length"},     {"replicate", "repeat"},
    {"json_parse", "json"},    {"is_valid_json", "json_valid"},
};

// Begins a clause that ends the list of a SELECT, or the SELECT.
constexpr std::string_view kSetWords[] = {"union", "intersect", "except", "minus"};

class Rewriter {
 public:
  Rewriter(std::string_view sql, const std::vector<Token>& tokens, TokenRange range)
      : sql_(sql), tokens_(tokens), range_(range), edits_(range.last - range.first) {}

  Result<EngineText> run() {
    TRY(pair_brackets());
    for (size_t i = range_.first; i < range_.last; ++i) {
      TRY(look_at(i));
    }
    if (!range_.empty()) {
      emit(range_.first, range_.last);
      note(tokens_[range_.last - 1].end);  // what was put in at the end stands for no place behind it
    }
    if (is_too_large_) {
      return Error(Code::too_large, "the statement nests DECODE and CONVERT so that it becomes too large",
                   "compute the inner ones in a subquery");
    }
    return std::move(out_);
  }

 private:
  struct Edit {
    bool is_gone = false;
    bool is_moved = false;                          // said where it is copied to
    std::string instead;                            // of the word
    std::string before;                             // put in before it
    std::string after;                              // put in behind it
    std::optional<std::pair<size_t, size_t>> copy;  // the words [first, second), put in behind `before`
    size_t pair = SIZE_MAX;                         // the bracket that closes this one, or opens it
  };

  Edit& edit(size_t i) { return edits_[i - range_.first]; }
  bool is_there(size_t i) const { return i >= range_.first && i < range_.last; }
  bool word(size_t i, std::string_view keyword) const { return is_there(i) && is_word(sql_, tokens_[i], keyword); }
  bool symbol(size_t i, std::string_view sign) const { return is_there(i) && is_symbol(sql_, tokens_[i], sign); }
  Error wrong(size_t i, std::string what) const {
    Error out(Code::invalid, std::move(what));
    out.at(place_of(sql_, tokens_[i].begin));
    return out;
  }

  Status pair_brackets() {
    std::vector<size_t> open;
    for (size_t i = range_.first; i < range_.last; ++i) {
      if (symbol(i, "(")) open.push_back(i);
      if (!symbol(i, ")")) continue;
      if (open.empty()) return wrong(i, ") closes nothing");
      edit(i).pair = open.back();
      edit(open.back()).pair = i;
      open.pop_back();
    }
    return open.empty() ? Status() : Status(wrong(open.back(), "( is not closed"));
  }

  Status look_at(size_t i) {
    const Token& token = tokens_[i];
    if (token.kind != TokenKind::word) return {};
    if (token.in(sql_).front() == '#') {
      edit(i).instead = "\"" + name_of(sql_, token) + "\"";
      return {};
    }
    const bool is_member = symbol(i - 1, ".");
    if (is_member) return {};
    if (word(i, "minus") && (word(i + 1, "select") || word(i + 1, "all") || symbol(i + 1, "("))) {
      edit(i).instead = "EXCEPT";
      return {};
    }
    if (symbol(i + 1, "(")) return call(i);
    if (word(i, "sysdate") && !word(i - 1, "as")) edit(i).instead = "(now()::TIMESTAMP)";
    if (word(i, "top")) return top(i);
    if (word(i, "approximate")) edit(i).is_gone = word(i + 1, "count") || word(i + 1, "percentile_disc");
    if (word(i, "super") && (symbol(i - 1, "::") || word(i - 1, "as"))) edit(i).instead = "JSON";
    return {};
  }

  // `i` is the function's name, a '(' follows.
  Status call(size_t i) {
    const std::string name = name_of(sql_, tokens_[i]);
    const size_t open = i + 1, close = edit(open).pair;
    if (name == "date_add" && commas(open, close).size() != 2) return {};  // the engine's: date_add(d, INTERVAL …)
    if (std::find(std::begin(kOfDateParts), std::end(kOfDateParts), name) != std::end(kOfDateParts)) {
      TRY(quote_part(open + 1));
      if (name != "date_part" && name != "date_trunc") type_texts(open, close);
    }
    if (const auto renamed = kRenamed.find(name); renamed != kRenamed.end()) edit(i).instead = renamed->second;
    if (name == "getdate" && close == open + 1) {
      edit(i).instead = "(now()::TIMESTAMP";
      edit(open).is_gone = true;
    }
    if (name == "count" && word(i - 1, "approximate") && word(open + 1, "distinct")) {
      edit(i).instead = "approx_count_distinct";
      edit(open + 1).is_gone = true;
    }
    if (name == "convert") return convert(i, open, close);
    if (name == "decode") return decode(i, open, close);
    if (name == "listagg") return within_group(open, close);
    if (name == "varchar" || name == "nvarchar" || name == "char" || name == "varbyte") return length_max(open, close);
    if ((word(close + 1, "ignore") || word(close + 1, "respect")) && word(close + 2, "nulls")) {
      edit(close).before += " " + std::string(tokens_[close + 1].in(sql_)) + " NULLS";
      edit(close + 1).is_gone = edit(close + 2).is_gone = true;
    }
    return {};
  }

  // dateadd(day, …) is dateadd('day', …).
  Status quote_part(size_t i) {
    if (!is_there(i) || !symbol(i + 1, ",")) return {};
    const Token& token = tokens_[i];
    std::string name;
    if (token.kind == TokenKind::word || token.kind == TokenKind::quoted) {
      name = name_of(sql_, token);
    } else if (token.kind == TokenKind::text) {
      TRY_ASSIGN(const std::string text, text_of(sql_, token, {}));
      for (const char c : text) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else {
      return {};
    }
    const std::string_view part = date_part(name);
    if (part.empty() && token.kind == TokenKind::text) return {};  // the engine has more of them
    if (part.empty()) return wrong(i, "\"" + name + "\" is no part of a date, expected year, month, day, hour, …");
    edit(i).instead = "'" + std::string(part) + "'";
    return {};
  }

  // A time that is written as a text: datediff(day, '2026-01-01', …) has a TIMESTAMP there.
  void type_texts(size_t open, size_t close) {
    std::vector<size_t> at = commas(open, close);
    at.push_back(close);
    for (size_t i = 0; i + 1 < at.size(); ++i) {
      const bool is_text = at[i + 1] == at[i] + 2 && tokens_[at[i] + 1].kind == TokenKind::text;
      if (is_text && begins_with_year(tokens_[at[i] + 1])) edit(at[i] + 1).before += "TIMESTAMP ";
    }
  }

  bool begins_with_year(const Token& token) const {
    const std::string_view text = token.in(sql_);
    return text.size() > 6 && text[5] == '-' &&
           std::all_of(text.begin() + 1, text.begin() + 5, [](char c) { return c >= '0' && c <= '9'; });
  }

  // SELECT [ALL | DISTINCT] TOP n … is SELECT … LIMIT n.
  Status top(size_t i) {
    const bool behind_select =
        word(i - 1, "select") || ((word(i - 1, "distinct") || word(i - 1, "all")) && word(i - 2, "select"));
    if (!behind_select || !is_there(i + 1)) return {};
    const TokenKind kind = tokens_[i + 1].kind;
    if (kind != TokenKind::number && kind != TokenKind::parameter) return {};
    size_t end = i + 2;
    while (is_there(end) && !symbol(end, ")") && !ends_select(end) && !word(end, "select")) {
      if (word(end, "limit")) return wrong(end, "a SELECT with TOP has no LIMIT");
      end = symbol(end, "(") ? edit(end).pair + 1 : end + 1;
    }
    const std::string limit = " LIMIT " + std::string(tokens_[i + 1].in(sql_));
    edit(i).is_gone = edit(i + 1).is_gone = true;
    edit(end - 1).after += limit;
    return {};
  }
  bool ends_select(size_t i) const {
    return std::any_of(std::begin(kSetWords), std::end(kSetWords), [&](std::string_view one) { return word(i, one); });
  }

  // convert(type, x) is CAST(x AS type).
  Status convert(size_t name, size_t open, size_t close) {
    const std::vector<size_t> at = commas(open, close);
    if (at.empty()) return {};
    const size_t comma = at.front();
    edit(name).instead = "CAST";
    edit(comma).is_gone = true;
    for (size_t i = open + 1; i < comma; ++i) edit(i).is_moved = true;
    edit(close).before += " AS ";
    edit(close).copy = {open + 1, comma};
    return {};
  }

  // The commas between the brackets, not those inside of others.
  std::vector<size_t> commas(size_t open, size_t close) {
    std::vector<size_t> out;
    for (size_t i = open + 1; i < close; i = symbol(i, "(") ? edit(i).pair + 1 : i + 1) {
      if (symbol(i, ",")) out.push_back(i);
    }
    return out;
  }

  // decode(e, a, x, b, y, z) is CASE WHEN e IS NOT DISTINCT FROM a THEN x …: NULL is found, unlike with CASE e WHEN.
  // With one or two arguments it is the engine's, which makes text of bytes.
  Status decode(size_t name, size_t open, size_t close) {
    const std::vector<size_t> at = commas(open, close);
    if (at.size() < 2) return {};
    edit(name).instead = "CASE WHEN ";
    for (size_t i = 0; i < at.size(); ++i) {
      Edit& comma = edit(at[i]);
      const bool is_last = i + 1 == at.size();
      if (i % 2 == 1) {
        comma.instead = ") THEN (";
      } else if (i == 0) {
        comma.instead = ") IS NOT DISTINCT FROM (";
      } else if (is_last) {
        comma.instead = ") ELSE (";
      } else {
        comma.before = ") WHEN (";
        comma.copy = {open + 1, at[0]};
        comma.instead = ") IS NOT DISTINCT FROM (";
      }
    }
    edit(close).after += " END";
    return {};
  }

  // listagg(x, ', ') WITHIN GROUP (ORDER BY y) is listagg(x, ', ' ORDER BY y).
  Status within_group(size_t open, size_t close) {
    if (!word(close + 1, "within") || !word(close + 2, "group") || !symbol(close + 3, "(")) return {};
    const size_t last = edit(close + 3).pair;
    if (!word(close + 4, "order")) return wrong(close + 3, "WITHIN GROUP needs (ORDER BY …)");
    if (close == open + 1) return wrong(open, "LISTAGG needs what it lists");
    edit(close).before += " ";
    edit(close).copy = {close + 4, last};
    for (size_t i = close + 1; i <= last; ++i) edit(i).is_moved = true;
    return {};
  }

  Status length_max(size_t open, size_t close) {
    if (close == open + 2 && word(open + 1, "max")) {
      for (size_t i = open; i <= close; ++i) edit(i).is_gone = true;
    }
    return {};
  }

  // The words [first, last) with what lies between them; what is copied is said as it is there.
  void emit(size_t first, size_t last, int depth = 0) {
    const bool is_copy = depth > 0;
    if (depth > kCopyDepthMax) is_too_large_ = true;
    size_t from = tokens_[first].begin;
    for (size_t i = first; i < last && !is_too_large_; ++i) {
      const Token& token = tokens_[i];
      const Edit& change = edits_[i - range_.first];
      const std::string_view between = sql_.substr(from, token.begin - from);
      from = token.end;
      if (change.is_gone || (change.is_moved && !is_copy)) continue;
      note(token.begin - between.size());
      if (i > first || !is_copy) out_.sql += between;
      note(token.begin);
      out_.sql += change.before;
      if (change.copy) emit(change.copy->first, change.copy->second, depth + 1);
      note(token.begin);
      out_.sql += change.instead.empty() ? token.in(sql_) : std::string_view(change.instead);
      if (!change.after.empty()) note(token.end);
      out_.sql += change.after;
      is_too_large_ |= out_.sql.size() > kGrownBytesMax + 2 * sql_.size();
    }
  }
  void note(size_t original) { out_.pieces.emplace_back(out_.sql.size(), original); }

  const std::string_view sql_;
  const std::vector<Token>& tokens_;
  const TokenRange range_;
  std::vector<Edit> edits_;
  // Of copies within copies: each may hold several of the next.
  static constexpr int kCopyDepthMax = 100;
  static constexpr size_t kGrownBytesMax = 1u << 20;
  bool is_too_large_ = false;
  EngineText out_;
};

}  // namespace

std::string_view date_part(std::string_view name) {
  for (const auto& names : kDateParts) {
    for (const std::string_view known : names) {
      if (!known.empty() && known == name) return names.front();
    }
  }
  return {};
}

size_t EngineText::original_of(size_t offset) const {
  auto piece =
      std::upper_bound(pieces.begin(), pieces.end(), offset, [](size_t at, const auto& one) { return at < one.first; });
  if (piece == pieces.begin()) return offset;
  --piece;
  // Inside of what was taken over the places run along; what was put in is as long as it likes, so it stops at the
  // next.
  const size_t along = piece->second + (offset - piece->first);
  const auto next = piece + 1;
  return next == pieces.end() ? along : std::min(along, std::max(piece->second, next->second));
}

Result<EngineText> rewrite_query(std::string_view sql, const std::vector<Token>& tokens, TokenRange range) {
  return Rewriter(sql, tokens, range).run();
}

Result<EngineText> to_engine(std::string_view sql) {
  TRY_ASSIGN(const std::vector<Token> tokens, tokenize(sql));
  return rewrite_query(sql, tokens, {0, tokens.size()});
}

Error to_user(Error error, std::string_view sql, const EngineText& text) {
  if (error.position && text.sql != sql) {
    error.position = place_of(sql, text.original_of(offset_of(text.sql, *error.position)));
  }
  return error;
}

}  // namespace weir::dialect
