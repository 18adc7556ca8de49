// COPY and UNLOAD.
#include "platform/dialect/cursor.h"

namespace weir::dialect {
namespace {

Result<bool> authorization(Cursor& at, Authorization& out) {
  if (at.accept("iam_role")) {
    if (at.accept("default")) {
      out.role = "default";
      return true;
    }
    TRY_ASSIGN(out.role, at.text("DEFAULT, or the role's ARN in single quotes"));
    return true;
  }
  if (at.accept_all({"with", "credentials"}) || at.accept("credentials")) {
    at.accept("as");
    TRY_ASSIGN(const std::string list, at.text("'aws_iam_role=…' or 'aws_access_key_id=…;aws_secret_access_key=…'"));
    for (size_t begin = 0; begin < list.size();) {
      const size_t end = std::min(list.find(';', begin), list.size());
      const std::string one = list.substr(begin, end - begin);
      const size_t equals = one.find('=');
      const std::string name = one.substr(0, equals), value = equals == std::string::npos ? "" : one.substr(equals + 1);
      if (name == "aws_iam_role") out.role = value;
      if (name == "aws_access_key_id") out.access_key_id = value;
      if (name == "aws_secret_access_key") out.secret_access_key = value;
      if (name == "token") out.session_token = value;
      begin = end + 1;
    }
    return true;
  }
  const auto secret = [&](std::string_view word, std::string& into) -> Result<bool> {
    if (!at.accept(word)) return false;
    at.accept("as");
    TRY_ASSIGN(into, at.text("a text in single quotes"));
    return true;
  };
  TRY_ASSIGN(const bool is_id, secret("access_key_id", out.access_key_id));
  if (is_id) return true;
  TRY_ASSIGN(const bool is_key, secret("secret_access_key", out.secret_access_key));
  if (is_key) return true;
  return secret("session_token", out.session_token);
}

Result<std::string> text_option(Cursor& at) {
  at.accept("as");
  return at.text("a text in single quotes");
}

Result<std::string> one_character(Cursor& at) {
  const Error wrong = at.expected("one character in single quotes");
  Result<std::string> out = text_option(at);
  if (!out) return out;
  if (*out == "\\t") return std::string("\t");
  if (out->size() != 1) return wrong;
  return out;
}

void on_or_off(Cursor& at) {
  if (!at.accept("on") && !at.accept("off") && !at.accept("true")) at.accept("false");
}

Result<bool> compression(Cursor& at, std::string& out) {
  if (at.accept("gzip")) {
    out = "gzip";
  } else if (at.accept("zstd")) {
    out = "zstd";
  } else if (at.sees("bzip2") || at.sees("lzop")) {
    return at.unsupported("BZIP2 and LZOP", "use GZIP or ZSTD");
  } else {
    return false;
  }
  return true;
}

Result<bool> copy_format(Cursor& at, Copy& out) {
  if (at.accept("format")) at.accept("as");
  if (at.accept("csv")) {
    out.format = DataFormat::csv;
    if (at.accept("quote")) {
      TRY_ASSIGN(out.quote, one_character(at));
    }
    return true;
  }
  if (at.accept("parquet")) {
    out.format = DataFormat::parquet;
    return true;
  }
  if (at.accept("json")) {
    out.format = DataFormat::json;
    at.accept("as");
    if (!at.sees_text()) return true;
    TRY_ASSIGN(const std::string paths, at.text("'auto', or where the JSONPaths file lies"));
    out.json_ignores_case = paths == "auto ignorecase";
    if (paths == "noshred") return at.unsupported("JSON 'noshred'");
    if (paths != "auto" && !out.json_ignores_case) out.json_paths = paths;
    return true;
  }
  for (const char* word : {"orc", "avro", "fixedwidth", "shapefile", "ssh", "encrypted", "master_symmetric_key"}) {
    if (at.sees(word)) return at.unsupported("COPY from " + std::string(word));
  }
  if (at.accept("delimiter")) {
    TRY_ASSIGN(out.delimiter, one_character(at));
    return true;
  }
  return false;
}

Result<bool> copy_conversion(Cursor& at, Copy& out) {
  if (at.accept("null")) {
    TRY_ASSIGN(out.null_as, text_option(at));
  } else if (at.accept("emptyasnull")) {
    out.empty_as_null = true;
  } else if (at.accept("blanksasnull")) {
    out.blanks_as_null = true;
  } else if (at.accept("trimblanks")) {
    out.trim_blanks = true;
  } else if (at.accept("truncatecolumns")) {
    out.truncate_columns = true;
  } else if (at.accept("fillrecord")) {
    out.fill_record = true;
  } else if (at.accept("explicit_ids")) {
    out.explicit_ids = true;
  } else if (at.accept("removequotes")) {
    out.removes_quotes = true;
  } else if (at.accept("ignoreblanklines")) {
    out.ignores_blank_lines = true;
  } else if (at.accept("dateformat")) {
    TRY_ASSIGN(out.date_format, text_option(at));
  } else if (at.accept("timeformat")) {
    TRY_ASSIGN(out.time_format, text_option(at));
  } else if (at.sees("escape") || at.sees("acceptanydate") || at.sees("acceptinvchars") || at.sees("roundec")) {
    return at.unsupported(at.word());
  } else {
    return false;
  }
  return true;
}

// What changes nothing here: how the engine encodes, counts and reaches things.
Result<bool> copy_accepted(Cursor& at) {
  if (at.accept("compupdate")) {
    if (!at.accept("preset")) on_or_off(at);
  } else if (at.accept("statupdate")) {
    on_or_off(at);
  } else if (at.accept("region") || at.accept("encoding")) {
    TRY(text_option(at));
  } else if (at.accept("comprows") || at.accept("readratio")) {
    TRY(at.integer("a number"));
  } else {
    return false;
  }
  return true;
}

Status copy_option(Cursor& at, Copy& out) {
  TRY_ASSIGN(const bool is_who, authorization(at, out.authorization));
  if (is_who) return {};
  TRY_ASSIGN(const bool is_format, copy_format(at, out));
  if (is_format) return {};
  TRY_ASSIGN(const bool is_compression, compression(at, out.compression));
  if (is_compression) return {};
  TRY_ASSIGN(const bool is_conversion, copy_conversion(at, out));
  if (is_conversion) return {};
  TRY_ASSIGN(const bool is_accepted, copy_accepted(at));
  if (is_accepted) return {};
  if (at.accept("manifest")) {
    out.is_manifest = true;
  } else if (at.accept("noload")) {
    out.no_load = true;
  } else if (at.accept("ignoreheader")) {
    at.accept("as");
    TRY_ASSIGN(out.ignore_header, at.integer("a number of lines"));
  } else if (at.accept("maxerror")) {
    at.accept("as");
    TRY_ASSIGN(out.max_error, at.integer("a number of errors"));
  } else {
    return at.expected("IAM_ROLE, a format (CSV, JSON, PARQUET), or an option of COPY");
  }
  if (out.ignore_header < 0 || out.max_error < 0 || out.max_error > 100'000) {
    return at.expected("a number that is not negative, of errors up to 100000");
  }
  return {};
}

Result<bool> unload_format(Cursor& at, Unload& out) {
  if (at.accept("format")) at.accept("as");
  if (at.accept("csv")) {
    out.format = DataFormat::csv;
  } else if (at.accept("parquet")) {
    out.format = DataFormat::parquet;
  } else if (at.accept("json")) {
    out.format = DataFormat::json;
  } else if (at.sees("fixedwidth") || at.sees("encrypted") || at.sees("kms_key_id") ||
             at.sees("master_symmetric_key")) {
    return at.unsupported("UNLOAD with " + at.word());
  } else {
    return false;
  }
  return true;
}

Status file_size(Cursor& at, Unload& out) {
  at.accept("as");
  const Error wrong = at.expected("5 MB to 6.2 GB");
  double size = 0;
  if (at.is_at_end() || at.tokens()[at.place()].kind != TokenKind::number) return wrong;
  try {
    size = std::stod(std::string(at.tokens()[at.place()].in(at.sql())));
  } catch (const std::exception&) {
    return wrong;
  }
  at.skip();
  double unit = 1 << 20;
  if (at.accept("gb")) {
    unit = 1 << 30;
  } else {
    at.accept("mb");
  }
  if (size * unit < 5.0 * (1 << 20) || size * unit > 6.2 * (1 << 30) + 1) return wrong;
  out.file_bytes_max = static_cast<uint64_t>(size * unit);
  return {};
}

Status unload_option(Cursor& at, Unload& out) {
  TRY_ASSIGN(const bool is_who, authorization(at, out.authorization));
  if (is_who) return {};
  TRY_ASSIGN(const bool is_format, unload_format(at, out));
  if (is_format) return {};
  TRY_ASSIGN(const bool is_compression, compression(at, out.compression));
  if (is_compression) return {};
  if (at.accept("partition")) {
    TRY(at.expect("by"));
    TRY_ASSIGN(out.partition_by, at.column_list("a column"));
    out.includes_partitions = at.accept("include");
  } else if (at.accept("manifest")) {
    out.has_manifest = true;
    out.is_verbose = at.accept("verbose");
  } else if (at.accept("header")) {
    out.has_header = true;
  } else if (at.accept("delimiter")) {
    TRY_ASSIGN(out.delimiter, one_character(at));
  } else if (at.accept("addquotes")) {
    out.adds_quotes = true;
  } else if (at.accept("escape")) {
    out.escapes = true;
  } else if (at.accept("null")) {
    TRY_ASSIGN(out.null_as, text_option(at));
  } else if (at.accept("allowoverwrite")) {
    out.allows_overwrite = true;
  } else if (at.accept("cleanpath")) {
    out.cleans_path = true;
  } else if (at.accept("parallel")) {
    out.is_parallel = !at.accept("off") && !at.accept("false");
    if (out.is_parallel) on_or_off(at);
  } else if (at.accept("maxfilesize")) {
    TRY(file_size(at, out));
  } else if (at.accept("rowgroupsize")) {
    at.accept("as");
    TRY(at.integer("a number"));
    if (!at.accept("mb")) at.accept("gb");
  } else if (at.accept("region")) {
    TRY(text_option(at));
  } else if (at.accept("extension")) {
    TRY_ASSIGN(out.extension, text_option(at));
  } else {
    return at.expected("IAM_ROLE, a format (CSV, JSON, PARQUET), or an option of UNLOAD");
  }
  return {};
}

}  // namespace

namespace {

Result<Statement> copy_out(Cursor& at, CopyOut out) {
  TRY(at.expect("to"));
  if (at.sees("program")) return at.unsupported("COPY … TO PROGRAM");
  if (at.sees_text()) {
    return at.unsupported("COPY … TO a file", "COPY … TO STDOUT sends rows to the client, UNLOAD writes to the store");
  }
  TRY(at.expect("stdout"));
  TRY_ASSIGN(out.options, parse_copy_options(at, false));
  return Statement(std::move(out));
}

}  // namespace

Result<Statement> parse_copy(Cursor& at) {
  if (at.accept_symbol("(")) {
    CopyOut out;
    TRY_ASSIGN(out.query, at.in_brackets());
    if (out.query.empty()) return at.expected("a query in the brackets");
    return copy_out(at, std::move(out));
  }
  Copy out;
  TRY_ASSIGN(out.table, at.name("a table's name"));
  if (at.sees_symbol("(")) {
    TRY_ASSIGN(out.columns, at.column_list("a column"));
  }
  if (at.sees("to")) return copy_out(at, {.table = out.table, .columns = out.columns, .query = {}, .options = {}});
  TRY(at.expect("from"));
  if (at.sees("program")) return at.unsupported("COPY … FROM PROGRAM");
  if (at.accept("stdin")) {
    CopyIn in{.table = out.table, .columns = out.columns, .options = {}};
    TRY_ASSIGN(in.options, parse_copy_options(at, true));
    return Statement(std::move(in));
  }
  TRY_ASSIGN(out.from, at.text("where the files lie: 's3://bucket/prefix'"));
  while (!at.is_at_end()) {
    TRY(copy_option(at, out));
  }
  return Statement(std::move(out));
}

Result<Statement> parse_unload(Cursor& at) {
  Unload out;
  TRY(at.expect_symbol("("));
  out.select_at = at.offset();
  TRY_ASSIGN(out.select, at.text("the query as a text: ('SELECT …')"));
  TRY(at.expect_symbol(")"));
  TRY(at.expect("to"));
  TRY_ASSIGN(out.to, at.text("where the files go: 's3://bucket/prefix'"));
  while (!at.is_at_end()) {
    TRY(unload_option(at, out));
  }
  if (out.allows_overwrite && out.cleans_path) return at.expected("either ALLOWOVERWRITE or CLEANPATH, not both");
  if (out.format == DataFormat::parquet && (out.has_header || !out.delimiter.empty() || !out.compression.empty())) {
    return at.expected("no HEADER, DELIMITER or compression with PARQUET");
  }
  return Statement(std::move(out));
}

}  // namespace weir::dialect
