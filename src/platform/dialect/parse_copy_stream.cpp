// The options of COPY … FROM STDIN and TO STDOUT, in the old words (CSV HEADER DELIMITER ',') and in the new ones
// (FORMAT csv, HEADER). PostgreSQL 15, sql-copy: what fits together is decided as there.
#include <algorithm>

#include "platform/dialect/cursor.h"

namespace weir::dialect {
namespace {

// As they were written; what is not said takes its default from the form.
struct Said {
  CopyForm form = CopyForm::text;
  std::optional<std::string> delimiter, null_text, quote, escape;
  CopyOptions rest;
};

Error wrong(const Cursor& at, std::string message, const char* sqlstate = "22023") {
  Error out(Code::invalid, std::move(message));
  out.sqlstate = sqlstate;
  out.at(place_of(at.sql(), at.offset()));
  return out;
}

Result<bool> truth(Cursor& at) {
  if (at.accept("true") || at.accept("on")) return true;
  if (at.accept("false") || at.accept("off")) return false;
  if (at.is_at_end() || at.sees_symbol(",") || at.sees_symbol(")")) return true;
  if (at.sees_text()) {
    const Error not_known = at.expected("true or false");
    TRY_ASSIGN(const std::string text, at.text("true or false"));
    if (text == "true" || text == "on" || text == "1") return true;
    if (text == "false" || text == "off" || text == "0") return false;
    return not_known;
  }
  const Error not_known = at.expected("true or false");
  TRY_ASSIGN(const int64_t number, at.integer("true or false"));
  if (number != 0 && number != 1) return not_known;
  return number == 1;
}

Status header(Cursor& at, bool is_in, Said& said) {
  if (at.sees("match")) {
    if (!is_in) return wrong(at, "cannot use \"match\" with HEADER in COPY TO");
    at.skip();
    said.rest.has_header = said.rest.checks_header = true;
    return {};
  }
  TRY_ASSIGN(said.rest.has_header, truth(at));
  return {};
}

Status encoding(Cursor& at) {
  const Error other = at.unsupported("an encoding other than UTF8");
  TRY_ASSIGN(std::string name, at.text("'UTF8'"));
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (plain != "utf8" && plain != "unicode" && plain != "sqlascii") return other;
  return {};
}

Result<CopyForm> form(Cursor& at) {
  const Error other = at.expected("text, csv or binary");
  std::string name = at.word();
  if (at.sees_text()) {
    TRY_ASSIGN(name, at.text("a format"));
  } else if (!name.empty()) {
    at.skip();
  }
  if (name == "text") return CopyForm::text;
  if (name == "csv") return CopyForm::csv;
  if (name == "binary") return CopyForm::binary;
  return other;
}

Result<std::vector<std::string>> column_names(Cursor& at, bool is_old) {
  return is_old ? at.identifiers("a column") : at.column_list("a column");
}

// FORCE_QUOTE and its kin; `word` is behind "force".
Status force(Cursor& at, std::string_view word, bool is_old, Said& said) {
  if (word == "quote") {
    said.rest.quotes_all = at.accept_symbol("*");
    if (said.rest.quotes_all) return {};
    TRY_ASSIGN(said.rest.force_quote, column_names(at, is_old));
  } else if (word == "null") {
    TRY_ASSIGN(said.rest.force_null, column_names(at, is_old));
  } else {
    TRY_ASSIGN(said.rest.force_not_null, column_names(at, is_old));
  }
  return {};
}

Result<std::string> value(Cursor& at, bool is_old) {
  if (is_old) at.accept("as");
  return at.text("a text in single quotes");
}

// What both spellings share. False: it is none of them.
Result<bool> shared_option(Cursor& at, bool is_old, bool is_in, Said& said) {
  if (at.accept("delimiter") || (is_old && at.accept("delimiters"))) {
    TRY_ASSIGN(said.delimiter, value(at, is_old));
  } else if (at.accept("null")) {
    TRY_ASSIGN(said.null_text, value(at, is_old));
  } else if (at.accept("quote")) {
    TRY_ASSIGN(said.quote, value(at, is_old));
  } else if (at.accept("escape")) {
    TRY_ASSIGN(said.escape, value(at, is_old));
  } else if (at.accept("encoding")) {
    TRY(encoding(at));
  } else if (at.accept("header")) {
    if (is_old) {
      said.rest.has_header = true;
    } else {
      TRY(header(at, is_in, said));
    }
  } else if (at.sees("freeze") || at.sees("on_error") || at.sees("default")) {
    return at.unsupported("COPY with " + at.word());
  } else {
    return false;
  }
  return true;
}

Status old_option(Cursor& at, bool is_in, Said& said) {
  TRY_ASSIGN(const bool is_known, shared_option(at, true, is_in, said));
  if (is_known) return {};
  if (at.accept("csv")) {
    said.form = CopyForm::csv;
  } else if (at.accept("binary")) {
    said.form = CopyForm::binary;
  } else if (at.accept_all({"force", "quote"})) {
    TRY(force(at, "quote", true, said));
  } else if (at.accept_all({"force", "not", "null"})) {
    TRY(force(at, "not null", true, said));
  } else if (at.accept_all({"force", "null"})) {
    TRY(force(at, "null", true, said));
  } else if (at.sees("where")) {
    return at.unsupported("COPY … WHERE", "load into a temporary table, and INSERT … SELECT … WHERE from it");
  } else {
    return at.expected("an option of COPY (CSV, BINARY, HEADER, DELIMITER, NULL, QUOTE, ESCAPE), or the end");
  }
  return {};
}

Status new_option(Cursor& at, bool is_in, Said& said) {
  TRY_ASSIGN(const bool is_known, shared_option(at, false, is_in, said));
  if (is_known) return {};
  if (at.accept("format")) {
    TRY_ASSIGN(said.form, form(at));
  } else if (at.accept("force_quote")) {
    TRY(force(at, "quote", false, said));
  } else if (at.accept("force_null")) {
    TRY(force(at, "null", false, said));
  } else if (at.accept("force_not_null")) {
    TRY(force(at, "not null", false, said));
  } else {
    return at.expected("FORMAT, HEADER, DELIMITER, NULL, QUOTE, ESCAPE, FORCE_QUOTE, FORCE_NULL, FORCE_NOT_NULL");
  }
  return {};
}

bool has(std::string_view text, std::string_view any_of) {
  return text.find_first_of(any_of) != std::string_view::npos;
}

// What PostgreSQL's ProcessCopyOptions refuses, in its words.
Result<CopyOptions> resolved(const Cursor& at, bool is_in, const Said& said) {
  CopyOptions out = said.rest;
  out.form = said.form;
  const bool is_csv = out.form == CopyForm::csv, is_binary = out.form == CopyForm::binary;
  if (is_binary && said.delimiter) return wrong(at, "cannot specify DELIMITER in BINARY mode", "42601");
  if (is_binary && said.null_text) return wrong(at, "cannot specify NULL in BINARY mode", "42601");
  if (is_binary && out.has_header) return wrong(at, "cannot specify HEADER in BINARY mode", "0A000");
  if (!is_csv && (said.quote || said.escape)) {
    return wrong(at, "COPY quote and escape are available only in CSV mode", "0A000");
  }
  const bool forces_values = !out.force_null.empty() || !out.force_not_null.empty();
  const bool forces_quotes = out.quotes_all || !out.force_quote.empty();
  if (!is_csv && (forces_values || forces_quotes)) {
    return wrong(at, "COPY FORCE_… is available only in CSV mode", "0A000");
  }
  if (forces_quotes && is_in) return wrong(at, "COPY force quote only available using COPY TO", "0A000");
  if (forces_values && !is_in) return wrong(at, "COPY force null only available using COPY FROM", "0A000");
  const std::string delimiter = said.delimiter.value_or(is_csv ? "," : "\t");
  const std::string quote = said.quote.value_or("\"");
  const std::string escape = said.escape.value_or(quote);
  out.null_text = said.null_text.value_or(is_csv ? "" : "\\N");
  if (delimiter.size() != 1) return wrong(at, "COPY delimiter must be a single one-byte character", "0A000");
  if (quote.size() != 1) return wrong(at, "COPY quote must be a single one-byte character", "0A000");
  if (escape.size() != 1) return wrong(at, "COPY escape must be a single one-byte character", "0A000");
  if (has(delimiter, "\r\n")) return wrong(at, "COPY delimiter cannot be newline or carriage return");
  if (has(out.null_text, "\r\n")) return wrong(at, "COPY null representation cannot use newline or carriage return");
  if (!is_csv && has(delimiter, "\\.abcdefghijklmnopqrstuvwxyz0123456789")) {
    return wrong(at, "COPY delimiter cannot be \"" + delimiter + "\"");
  }
  if (is_csv && delimiter == quote) return wrong(at, "COPY delimiter and quote must be different");
  if (!is_binary && has(out.null_text, delimiter)) {
    return wrong(at, "COPY delimiter must not appear in the NULL specification");
  }
  if (is_csv && has(out.null_text, quote)) {
    return wrong(at, "CSV quote character must not appear in the NULL specification", "0A000");
  }
  out.delimiter = delimiter[0];
  out.quote = quote[0];
  out.escape = escape[0];
  return out;
}

}  // namespace

Result<CopyOptions> parse_copy_options(Cursor& at, bool is_in) {
  Said said;
  const Cursor begin = at;
  at.accept("with");
  if (at.accept_symbol("(")) {
    do {
      TRY(new_option(at, is_in, said));
    } while (at.accept_symbol(","));
    TRY(at.expect_symbol(")"));
    if (at.sees("where")) return at.unsupported("COPY … WHERE");
    TRY(at.expect_end());
  } else {
    while (!at.is_at_end()) {
      TRY(old_option(at, is_in, said));
    }
  }
  return resolved(begin, is_in, said);
}

}  // namespace weir::dialect
