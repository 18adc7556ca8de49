// COPY … FROM STDIN and TO STDOUT: both spellings of the options, and what does not fit together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/dialect/statement.h"

namespace weir::dialect {
namespace {

using ::testing::HasSubstr;

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : "+") + name;
  return out;
}

std::string options_text(const CopyOptions& options) {
  static constexpr const char* kForms[] = {"text", "csv", "binary"};
  std::string out = kForms[static_cast<int>(options.form)];
  if (options.form != CopyForm::binary) out += std::string(" ") + options.delimiter + " <" + options.null_text + ">";
  if (options.form == CopyForm::csv) out += std::string(" ") + options.quote + options.escape;
  if (options.has_header) out += options.checks_header ? " match" : " header";
  if (options.quotes_all) out += " quotes=*";
  if (!options.force_quote.empty()) out += " quotes=" + list(options.force_quote);
  if (!options.force_null.empty()) out += " null=" + list(options.force_null);
  if (!options.force_not_null.empty()) out += " not_null=" + list(options.force_not_null);
  return out;
}

// "in t(a+b): text …", or the error.
std::string read(std::string_view sql) {
  const auto tokens = tokenize(sql);
  if (!tokens) return tokens.error().text();
  const auto parsed = parse_statement(sql, *tokens, {0, tokens->size()});
  if (!parsed)
    return std::string(parsed.error().sqlstate ? parsed.error().sqlstate : "") + " " + parsed.error().message;
  if (const auto* in = std::get_if<CopyIn>(&*parsed)) {
    return "in " + in->table.name + "(" + list(in->columns) + "): " + options_text(in->options);
  }
  const auto* out = std::get_if<CopyOut>(&*parsed);
  if (out == nullptr) return "another statement";
  const std::string what = out->table ? out->table->name + "(" + list(out->columns) + ")"
                                      : std::to_string(out->query.last - out->query.first) + " words";
  return "out " + what + ": " + options_text(out->options);
}

TEST(CopyStream, has_defaults_of_its_form) {
  EXPECT_EQ(read("COPY t FROM STDIN"), "in t(): text \t <\\N>");
  EXPECT_EQ(read("copy s.t (a, \"B\") from stdin with csv"), "in t(a+B): csv , <> \"\"");
  EXPECT_EQ(read("COPY t TO STDOUT (FORMAT binary)"), "out t(): binary");
  EXPECT_EQ(read("COPY (SELECT (1), 2) TO STDOUT"), "out 6 words: text \t <\\N>");
}

TEST(CopyStream, is_said_in_old_words) {
  EXPECT_EQ(read("COPY t FROM STDIN WITH DELIMITER AS '|' NULL AS ''"), "in t(): text | <>");
  EXPECT_EQ(read("COPY t FROM STDIN CSV HEADER QUOTE '''' ESCAPE AS '\\' FORCE NOT NULL a, b"),
            "in t(): csv , <> '\\ header not_null=a+b");
  EXPECT_EQ(read("COPY t TO STDOUT WITH CSV HEADER DELIMITER ';' FORCE QUOTE *"),
            "out t(): csv ; <> \"\" header quotes=*");
  EXPECT_EQ(read("COPY t FROM STDIN BINARY"), "in t(): binary");
}

TEST(CopyStream, is_said_in_new_words) {
  EXPECT_EQ(
      read("COPY t FROM STDIN (FORMAT csv, HEADER, DELIMITER E'\\t', NULL 'none', FORCE_NULL (a), ENCODING 'UTF-8')"),
      "in t(): csv \t <none> \"\" header null=a");
  EXPECT_EQ(read("COPY t FROM STDIN WITH (HEADER MATCH, FORMAT 'csv')"), "in t(): csv , <> \"\" match");
  EXPECT_EQ(read("COPY t TO STDOUT (FORMAT csv, HEADER false, FORCE_QUOTE (a, b))"),
            "out t(): csv , <> \"\" quotes=a+b");
}

TEST(CopyStream, refuses_what_does_not_fit) {
  EXPECT_THAT(read("COPY t FROM STDIN DELIMITER 'ab'"), HasSubstr("single one-byte"));
  EXPECT_THAT(read("COPY t FROM STDIN DELIMITER 'a'"), HasSubstr("22023 COPY delimiter cannot be \"a\""));
  EXPECT_THAT(read("COPY t FROM STDIN QUOTE 'x'"), HasSubstr("only in CSV mode"));
  EXPECT_THAT(read("COPY t FROM STDIN CSV DELIMITER '\"'"), HasSubstr("must be different"));
  EXPECT_THAT(read("COPY t FROM STDIN (FORMAT binary, NULL 'x')"), HasSubstr("BINARY mode"));
  EXPECT_THAT(read("COPY t FROM STDIN (FORMAT csv, NULL 'a,b')"), HasSubstr("must not appear"));
  EXPECT_THAT(read("COPY t FROM STDIN (FORMAT csv, FORCE_QUOTE *)"), HasSubstr("only available using COPY TO"));
  EXPECT_THAT(read("COPY t FROM STDIN (FORMAT xml)"), HasSubstr("expected text, csv or binary"));
  EXPECT_THAT(read("COPY t FROM STDIN (ENCODING 'LATIN1')"), HasSubstr("other than UTF8"));
  EXPECT_THAT(read("COPY t FROM STDIN (COMPRESSION gzip)"), HasSubstr("42601 expected FORMAT"));
  EXPECT_THAT(read("COPY t FROM STDIN WHERE a > 1"), HasSubstr("COPY … WHERE is not supported"));
  EXPECT_THAT(read("COPY t TO '/tmp/x'"), HasSubstr("COPY … TO a file is not supported"));
  EXPECT_THAT(read("COPY t FROM PROGRAM 'id'"), HasSubstr("PROGRAM is not supported"));
  EXPECT_THAT(read("COPY () TO STDOUT"), HasSubstr("a query in the brackets"));
}

}  // namespace
}  // namespace weir::dialect
