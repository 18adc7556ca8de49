#include "platform/dialect/rewrite.h"

#include <algorithm>
#include <optional>

#include "platform/dialect/edit.h"
#include "platform/dialect/words.h"

namespace weir::dialect {
namespace {

// Words before a text that say its type: DATE '2026-01-01'.
constexpr std::string_view kOfLiterals[] = {"date",     "time",    "timestamp", "timestamptz",
                                            "interval", "decimal", "numeric"};

class Rewriter {
 public:
  Rewriter(std::string_view sql, const std::vector<Token>& tokens, TokenRange range)
      : sql_(sql), tokens_(tokens), range_(range), edits_(range.last - range.first) {}

  Result<EngineText> run() {
    TRY(pair_brackets());
    find_lists();
    for (size_t i = range_.first; i < range_.last; ++i) {
      TRY(look_at(i));
    }
    find_casts();
    drop_column_types(sql_, tokens_, range_, edits_);
    TRY(write_similar_patterns(sql_, tokens_, range_, edits_));
    if (range_.empty()) return std::move(out_);
    emit(range_.first, range_.last);
    note(tokens_[range_.last - 1].end);  // what was put in at the end stands for no place behind it
    if (is_too_large_) {
      return Error(Code::too_large, "the statement nests DECODE and CONVERT so that it becomes too large",
                   "compute the inner ones in a subquery");
    }
    return std::move(out_);
  }

 private:
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
    if (token.kind == TokenKind::text) number_text(i);
    if (token.kind == TokenKind::symbol) match(i);
    if (token.kind != TokenKind::word) return {};
    if (word(i, "pg_catalog") && symbol(i + 1, ".") && word(i - 1, "as")) {
      edit(i).instead = " ";
      edit(i + 1).is_gone = true;
    }
    if (token.in(sql_).front() == '#') {
      edit(i).instead = "\"" + name_of(sql_, token) + "\"";
      return {};
    }
    if (symbol(i - 1, ".")) return {};
    // A name, but to the engine.
    if (word(i, "at") && !word(i + 1, "time") && !word(i + 1, "local") && !symbol(i + 1, "("))
      edit(i).instead = "\"at\"";
    if (word(i, "minus") && (word(i + 1, "select") || word(i + 1, "all") || symbol(i + 1, "("))) {
      edit(i).instead = "EXCEPT";
      return {};
    }
    if (symbol(i + 1, "(") && !is_one_of(kNoFunctions, name_of(sql_, token))) return call(i);
    if (word(i, "sysdate") && !word(i - 1, "as")) {
      edit(i).instead = "(now()::TIMESTAMP)";
      if (is_item(i, i)) edit(i).put_behind(" AS \"sysdate\"");
    }
    if (i == range_.first && word(i, "delete") && !word(i + 1, "from")) edit(i).put_behind(" FROM");
    if (word(i, "top")) return top(i);
    if (word(i, "approximate")) edit(i).is_gone = word(i + 1, "count") || word(i + 1, "percentile_disc");
    if (edit(i).is_in_list && word(i - 1, "as") && edit(i).instead.empty()) edit(i).instead = name_of(sql_, token);
    if (word(i, "super") && (symbol(i - 1, "::") || word(i - 1, "as"))) edit(i).instead = "JSON";
    return {};
  }

  // PostgreSQL finds a pattern anywhere in the text, the engine's own signs want the whole text to be it.
  void match(size_t i) {
    if (symbol(i, "!~")) edit(i).instead = "!@~";
    if (!symbol(i, "~") || i == range_.first) return;
    const Token& before = tokens_[i - 1];
    const bool is_word = before.kind == TokenKind::word && is_one_of(kBeforeValues, name_of(sql_, before));
    const bool is_sign = before.kind == TokenKind::symbol && !symbol(i - 1, ")") && !symbol(i - 1, "]") &&
                         !(symbol(i - 1, ".") && symbol(i + 1, ")"));
    if (!is_word && !is_sign) edit(i).instead = "@~";
  }

  // a OPERATOR(pg_catalog.~) b is a ~ b.
  void plain_operator(size_t name, size_t open, size_t close) {
    if (close < open + 2 || tokens_[close - 1].kind != TokenKind::symbol) return;
    edit(name).is_gone = true;
    for (size_t i = open; i <= close; ++i) edit(i).is_gone = i != close - 1;
  }

  // `i` is the function's name, a '(' follows.
  Status call(size_t i) {
    const std::string name = name_of(sql_, tokens_[i]);
    const size_t open = i + 1, close = edit(open).pair;
    const std::vector<size_t> at = commas(open, close);
    name_item(i, close, name);
    if (name == "date_add" && at.size() != 2) return {};  // the engine's: date_add(d, INTERVAL …)
    if (takes_date_part(name)) {
      TRY(quote_part(open + 1));
      if (name != "date_part" && name != "date_trunc") type_texts(open, close);
    }
    const std::string_view renamed = engine_name(name, close == open + 1 ? 0 : at.size() + 1);
    const bool is_plain_substring = renamed == "weir_substring" && begins_at_once(at.front());
    if (!renamed.empty() && !is_plain_substring) edit(i).instead = renamed;
    if (name == "getdate" && close == open + 1) {
      edit(i).instead = "(now()::TIMESTAMP";
      edit(open).is_gone = true;
    }
    if (name == "count" && word(i - 1, "approximate") && word(open + 1, "distinct")) {
      edit(i).instead = "hll";
      edit(open + 1).is_gone = true;
    }
    const bool is_query = word(open + 1, "select") || word(open + 1, "with");
    if (name == "array" && !is_query) edit(i).instead = "json_array";
    if (takes_null_if_invalid(name) && !at.empty()) null_if_invalid(open, close, at);
    if (name == "extract" && word(open + 2, "from")) extract(open + 1);
    if (name == "cast" || name == "try_cast") cast(i, open, close);
    if (name == "convert") return convert(i, open, close);
    if (name == "decode") return decode(i, open, close);
    if (name == "operator") plain_operator(i, open, close);
    if (name == "listagg") return within_group(i, open, close);
    if (name == "collate") return collate(i, open, close);
    if (name == "ratio_to_report") return ratio(i, open, close);
    if (is_text_type(name) || name == "varbyte") return length_max(open, close);
    if ((word(close + 1, "ignore") || word(close + 1, "respect")) && word(close + 2, "nulls")) {
      edit(close).before += " " + std::string(tokens_[close + 1].in(sql_)) + " NULLS";
      edit(close + 1).is_gone = edit(close + 2).is_gone = true;
    }
    return {};
  }

  // --- the names of what a SELECT lists ------------------------------------------------------------------------------

  // Which words stand in the list of a SELECT itself.
  void find_lists() {
    std::vector<bool> in_list = {false};
    for (size_t i = range_.first; i < range_.last; ++i) {
      if (symbol(i, "(")) in_list.push_back(false);
      if (symbol(i, ")") && in_list.size() > 1) in_list.pop_back();
      edit(i).is_in_list = in_list.back();
      if (tokens_[i].kind != TokenKind::word || symbol(i - 1, ".")) continue;
      const std::string name = name_of(sql_, tokens_[i]);
      if (name == "select") in_list.back() = true;
      if (in_list.back() && is_one_of(kBehindList, name) && !word(i - 1, "as")) {
        edit(i).is_in_list = in_list.back() = false;
      }
    }
  }

  // Whether the words [first, last] are one of the listed things, without a name of their own.
  bool is_item(size_t first, size_t last) {
    if (!edit(first).is_in_list) return false;
    const bool is_behind_top = word(first - 2, "top") && is_there(first - 1);
    const bool begins = symbol(first - 1, ",") || word(first - 1, "select") || word(first - 1, "distinct") ||
                        word(first - 1, "all") || is_behind_top;
    if (!begins) return false;
    const size_t next = last + 1;
    if (!is_there(next) || symbol(next, ",") || symbol(next, ")")) return true;
    return tokens_[next].kind == TokenKind::word && is_one_of(kBehindList, name_of(sql_, tokens_[next]));
  }

  // A call that nobody named is named as its function was written, as PostgreSQL and Redshift do.
  void name_item(size_t i, size_t close, const std::string& name) {
    size_t first = i, last = close;
    if (word(i - 1, "approximate")) --first;
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      if ((word(last + 1, "ignore") || word(last + 1, "respect")) && word(last + 2, "nulls")) {
        last += 2;
        goes_on = true;
      } else if (word(last + 1, "within") && word(last + 2, "group") && symbol(last + 3, "(")) {
        last = edit(last + 3).pair;
        goes_on = true;
      } else if ((word(last + 1, "over") || word(last + 1, "filter")) && symbol(last + 2, "(")) {
        last = edit(last + 2).pair;
        goes_on = true;
      } else if (word(last + 1, "over") && is_there(last + 2) && tokens_[last + 2].kind == TokenKind::word) {
        last += 2;
        goes_on = true;
      }
    }
    if (name == "cast" || name == "try_cast" || name == "convert" || !is_item(first, last)) return;
    // What is moved is not said at its place: the name goes to the next thing that is.
    const std::string as = " AS \"" + name + "\"";
    const bool moves = name == "listagg" && word(close + 1, "within") && last == edit(close + 3).pair;
    edit(moves ? close : last).put_behind(as);
  }

  // --- words and texts -----------------------------------------------------------------------------------------------

  // Whether the argument behind the comma is a number of 1 or more.
  bool begins_at_once(size_t comma) const {
    const bool is_number = is_there(comma + 2) && tokens_[comma + 1].kind == TokenKind::number;
    return is_number && symbol(comma + 2, ",") && tokens_[comma + 1].in(sql_) != "0";
  }

  // 5 + '6' is 5 + 6: a text beside a sign of arithmetic is the number that it says.
  void number_text(size_t i) {
    const auto is_arithmetic = [&](size_t at) {
      return symbol(at, "+") || symbol(at, "-") || symbol(at, "*") || symbol(at, "/") || symbol(at, "%");
    };
    const bool is_typed = is_there(i - 1) && is_one_of(kOfLiterals, name_of(sql_, tokens_[i - 1]));
    if ((!is_arithmetic(i - 1) && !is_arithmetic(i + 1)) || is_typed || symbol(i + 1, "::")) return;
    const auto text = text_of(sql_, tokens_[i], {});
    if (!text) return;
    const std::string_view number = number_said(*text);
    if (!number.empty())
      edit(i).instead = number.front() == '-' ? "(" + std::string(number) + ")" : std::string(number);
  }

  // f(j, …, true) is f(weir_json_or_null(j, true), …).
  void null_if_invalid(size_t open, size_t close, const std::vector<size_t>& at) {
    const size_t comma = at.back();
    if (close != comma + 2 || !(word(comma + 1, "true") || word(comma + 1, "false"))) return;
    if (word(comma + 1, "true")) {
      edit(open).put_behind("weir_json_or_null(");
      edit(at.front() - 1).put_behind(", true)");
    }
    edit(comma).is_gone = edit(comma + 1).is_gone = true;
  }

  // extract(qtr FROM t) knows all names of a part.
  void extract(size_t part) {
    const std::string_view name = date_part(name_of(sql_, tokens_[part]));
    if (!name.empty()) edit(part).instead = name;
  }

  // collate(x, 'case_insensitive') is ((x) COLLATE NOCASE).
  Status collate(size_t name, size_t open, size_t close) {
    const std::vector<size_t> at = commas(open, close);
    const bool is_named = at.size() == 1 && close == at[0] + 2 && tokens_[at[0] + 1].kind == TokenKind::text;
    if (!is_named) return wrong(name, "COLLATE takes an expression and 'case_sensitive' or 'case_insensitive'");
    TRY_ASSIGN(const std::string way, text_of(sql_, tokens_[at[0] + 1], {}));
    const bool is_insensitive = way == "case_insensitive" || way == "ci";
    if (!is_insensitive && way != "case_sensitive" && way != "cs") {
      return wrong(at[0] + 1, "COLLATE knows 'case_sensitive' and 'case_insensitive'");
    }
    edit(name).is_gone = true;
    edit(open).instead = "((";
    edit(at[0]).instead = is_insensitive ? ") COLLATE NOCASE" : ")";
    edit(at[0] + 1).is_gone = true;
    return {};
  }

  // ratio_to_report(x) OVER (…) is x / sum(x) OVER (…), and NULL where the sum is 0.
  Status ratio(size_t name, size_t open, size_t close) {
    if (!word(close + 1, "over") || !symbol(close + 2, "(")) return wrong(name, "RATIO_TO_REPORT needs OVER (…)");
    if (close == open + 1 || !commas(open, close).empty()) return wrong(open, "RATIO_TO_REPORT takes one argument");
    edit(name).instead = "(CAST";
    edit(close).before = " AS DOUBLE) / nullif(sum(";
    edit(close).copy = {open + 1, close};
    edit(edit(close + 2).pair).put_behind(", 0))");
    return {};
  }

  // --- texts of a length ---------------------------------------------------------------------------------------------

  static bool is_text_type(std::string_view name) {
    return name == "varchar" || name == "nvarchar" || name == "char" || name == "character" || name == "nchar" ||
           name == "bpchar";
  }

  struct TextType {
    size_t last = 0;     // word of the type
    std::string length;  // in bytes; empty if it has none
  };

  // The type that begins at `i`, if it is one of texts.
  std::optional<TextType> text_type(size_t i) {
    if (word(i, "national")) ++i;
    if (!is_there(i) || tokens_[i].kind != TokenKind::word || !is_text_type(name_of(sql_, tokens_[i]))) return {};
    bool is_fixed = !word(i, "varchar") && !word(i, "nvarchar") && !word(i, "bpchar");
    if (word(i + 1, "varying")) {
      is_fixed = false;
      ++i;
    }
    if (symbol(i + 1, "(") && is_there(i + 3) && tokens_[i + 2].kind == TokenKind::number && symbol(i + 3, ")")) {
      return TextType{i + 3, std::string(tokens_[i + 2].in(sql_))};
    }
    if (symbol(i + 1, "(")) return {};
    return TextType{i, is_fixed ? "1" : ""};
  }

  // Of a cast to VARCHAR(n) that begins and ends at these words: what is longer is cut.
  void cut(size_t first, size_t last, size_t type, const TextType& known) {
    if (known.length.empty()) return;
    edit(first).before.insert(0, "weir_cut(");
    edit(type).instead = "VARCHAR";
    for (size_t i = type + 1; i <= known.last; ++i) edit(i).is_gone = true;
    edit(last).put_behind(", " + known.length + ")");
  }

  // cast(x AS varchar(3)).
  void cast(size_t name, size_t open, size_t close) {
    size_t as = SIZE_MAX;
    for (size_t i = open + 1; i < close; i = symbol(i, "(") ? edit(i).pair + 1 : i + 1) {
      if (word(i, "as")) as = i;
    }
    if (as == SIZE_MAX) return;
    if (is_item(name, close) && is_path(open + 1, as)) name_after(as - 1, close);
    const auto type = text_type(as + 1);
    if (type && type->last + 1 == close) cut(name, close, as + 1, *type);
  }

  // a, t.a or s.t.a.
  bool is_path(size_t first, size_t end) const {
    for (size_t i = first; i < end; ++i) {
      const bool is_name = (i - first) % 2 == 0;
      const bool fits =
          is_name ? tokens_[i].kind == TokenKind::word || tokens_[i].kind == TokenKind::quoted : symbol(i, ".");
      if (!fits) return false;
    }
    return (end - first) % 2 == 1;
  }
  // Names what ends at `last` as the column is called.
  void name_after(size_t column, size_t last) { edit(last).put_behind(" AS " + column_name(column)); }

  // x::varchar(3): where x begins.
  void find_casts() {
    struct Level {
      size_t start = SIZE_MAX;
      bool is_case = false;
    };
    std::vector<Level> levels(1);
    for (size_t i = range_.first; i < range_.last; ++i) {
      const Token& token = tokens_[i];
      size_t& start = levels.back().start;
      if (token.kind == TokenKind::symbol) {
        if (symbol(i, "::")) {
          if (start != SIZE_MAX) i = postfix_cast(start, i);
        } else if (symbol(i, "(") || symbol(i, "[")) {
          if (!continues(i, start)) start = i;
          levels.emplace_back();
        } else if (symbol(i, ")") || symbol(i, "]")) {
          while (levels.size() > 1 && levels.back().is_case) levels.pop_back();
          if (levels.size() > 1) levels.pop_back();
        } else if (!symbol(i, ".")) {
          start = SIZE_MAX;
        }
        continue;
      }
      if (symbol(i - 1, ".")) continue;
      const std::string name = token.kind == TokenKind::word ? name_of(sql_, token) : std::string();
      const bool is_behind_call = symbol(i - 1, ")") && (name == "over" || name == "filter" || name == "within" ||
                                                         name == "ignore" || name == "respect");
      const bool goes_on = is_behind_call || (name == "group" && word(i - 1, "within")) ||
                           (name == "nulls" && (word(i - 1, "ignore") || word(i - 1, "respect")));
      const bool is_typed =
          token.kind == TokenKind::text && is_there(i - 1) && is_one_of(kOfLiterals, name_of(sql_, tokens_[i - 1]));
      if (goes_on || is_typed) continue;
      if (name == "end" && levels.back().is_case) {
        levels.pop_back();
        continue;
      }
      start = i;
      if (name == "case") levels.push_back({.is_case = true});
    }
  }

  // Whether a bracket belongs to what stands before it: f(…), x[1].
  bool continues(size_t i, size_t start) const {
    if (start == SIZE_MAX || !is_there(i - 1)) return false;
    const Token& before = tokens_[i - 1];
    if (before.kind == TokenKind::word) {
      const std::string name = name_of(sql_, before);
      return name == "over" || name == "filter" || name == "group" || !is_one_of(kNoFunctions, name);
    }
    return before.kind == TokenKind::quoted || symbol(i, "[");
  }

  // The last word of the cast at `i`.
  size_t postfix_cast(size_t start, size_t i) {
    size_t type = i + 1;
    if (word(type, "pg_catalog") && symbol(type + 1, ".") && is_there(type + 2)) {
      edit(type).is_gone = edit(type + 1).is_gone = true;
      type += 2;
    }
    const auto known = text_type(type);
    size_t last = known ? known->last : type;
    if (!known) {
      if (!is_there(type)) return i;
      for (const char* more : {"precision", "varying", "with", "without", "time", "zone"}) {
        if (word(last + 1, more)) ++last;
      }
      if (symbol(last + 1, "(")) last = edit(last + 1).pair;
    }
    if (is_item(start, last) && is_path(start, i)) name_after(i - 1, last);
    if (known) cut(start, last, type, *known);
    return last;
  }
  std::string column_name(size_t column) const {
    if (tokens_[column].kind == TokenKind::quoted) return std::string(tokens_[column].in(sql_));
    return "\"" + name_of(sql_, tokens_[column]) + "\"";
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
    edit(end - 1).put_behind(limit);
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
    const auto type = text_type(open + 1);
    if (type && type->last + 1 == comma && !type->length.empty()) {
      edit(name).before.insert(0, "weir_cut(");
      edit(open + 1).instead = "VARCHAR";
      for (size_t i = open + 2; i < comma; ++i) edit(i).is_gone = true;
      edit(close).put_behind(", " + type->length + ")");
    }
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
    edit(close).put_behind(" END");
    return {};
  }

  // listagg(x, ', ') WITHIN GROUP (ORDER BY y) is listagg(x, ', ' ORDER BY y). With DISTINCT the engine would order by
  // x.
  Status within_group(size_t name, size_t open, size_t close) {
    if (!word(close + 1, "within") || !word(close + 2, "group") || !symbol(close + 3, "(")) return {};
    const size_t last = edit(close + 3).pair;
    if (!word(close + 4, "order")) return wrong(close + 3, "WITHIN GROUP needs (ORDER BY …)");
    if (close == open + 1) return wrong(open, "LISTAGG needs what it lists");
    if (word(open + 1, "distinct")) {
      edit(name).instead = "weir_listagg_distinct";
      edit(open + 1).is_gone = true;
    }
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
      if (change.is_moved && !is_copy) continue;
      if (!change.is_gone) {
        note(token.begin - between.size());
        if (i > first || !is_copy) out_.sql += between;
      }
      note(token.begin);
      out_.sql += change.before;
      if (change.copy) emit(change.copy->first, change.copy->second, depth + 1);
      note(token.begin);
      if (!change.is_gone) out_.sql += change.instead.empty() ? token.in(sql_) : std::string_view(change.instead);
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

Result<EngineText> rewrite_query(std::string_view sql, const std::vector<Token>& tokens, TokenRange range) {
  return Rewriter(sql, tokens, range).run();
}

}  // namespace weir::dialect
