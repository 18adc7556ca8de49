// COPY's forms: what rows are in the bytes of a client, however they are cut, and what is wrong with them.
#include "surface/pgwire/copy_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::pgwire {
namespace {

using dialect::CopyForm;
using ::testing::HasSubstr;

warehouse::CopyStream stream_of(CopyForm form, std::vector<engine::ResultColumn> columns) {
  warehouse::CopyStream out{.is_in = true, .table = "t", .options = {}, .columns = std::move(columns)};
  out.options.form = form;
  if (form == CopyForm::csv) {
    out.options.delimiter = ',';
    out.options.null_text = "";
  }
  return out;
}

const std::vector<engine::ResultColumn> kTwo = {{"a", "INTEGER"}, {"b", "VARCHAR"}};

std::string shown(const CopyReader& reader) {
  std::string out;
  const engine::GivenRows& rows = reader.rows();
  for (size_t row = 0; row < rows.rows; ++row) {
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      const auto& column = rows.columns[i];
      out += i > 0 ? "|" : "";
      if (column.nulls[row]) {
        out += "NULL";
      } else if (column.kind == engine::GivenRows::Kind::whole) {
        out += std::to_string(column.wholes[row]);
      } else {
        const size_t begin = row == 0 ? 0 : column.ends[row - 1];
        out += column.bytes.substr(begin, column.ends[row] - begin);
      }
    }
    out += ";";
  }
  return out;
}

// The rows of `bytes`, cut into pieces of `piece` bytes; or the error, with its place.
std::string read(warehouse::CopyStream stream, std::string_view bytes, size_t piece) {
  CopyReader reader(std::move(stream));
  const auto failed = [&](const Error& error) {
    return std::string(error.sqlstate) + " " + error.message + " / " + copy_context("t", reader.place()) + " after " +
           shown(reader);
  };
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const auto taken = reader.read(bytes.substr(at, piece));
    if (!taken) return failed(taken.error());
    EXPECT_EQ(*taken, std::min(piece, bytes.size() - at));
  }
  if (const Status ended = reader.end(); !ended) return failed(ended.error());
  return shown(reader);
}

std::string read(warehouse::CopyStream stream, std::string_view bytes) {
  const std::string whole = read(stream, bytes, bytes.size() + 1);
  EXPECT_EQ(read(stream, bytes, 1), whole);
  EXPECT_EQ(read(stream, bytes, 3), whole);
  return whole;
}

std::string text(std::string_view bytes) {
  return read(stream_of(CopyForm::text, kTwo), bytes);
}
std::string csv(std::string_view bytes) {
  return read(stream_of(CopyForm::csv, kTwo), bytes);
}

TEST(CopyText, has_a_row_a_line_with_escapes) {
  EXPECT_EQ(text("1\tone\n-2\t\\N\n\\N\t\n"), "1|one;-2|NULL;NULL|;");
  EXPECT_EQ(text("1\ta\\tb\\\\c\\nd\\101\\x42\\q\r\n2\tlast"), "1|a\tb\\c\ndABq;2|last;");
  EXPECT_EQ(text("1\ta\\\nb\n"), "1|a\nb;");
  EXPECT_EQ(text("1\tx\n\\.\nnever read\n"), "1|x;");
  EXPECT_EQ(text(""), "");
}

TEST(CopyText, says_where_it_is_wrong) {
  EXPECT_EQ(text("1\tx\n2\n3\ty\n"), "22P04 missing data for column \"b\" / COPY t, line 2: \"2\" after 1|x;");
  EXPECT_EQ(text("1\tx\t\n"), "22P04 extra data after last expected column / COPY t, line 1: \"1\tx\t\" after ");
  EXPECT_EQ(text("1\tx\nzwei\ty\n"),
            "22P02 invalid input syntax for type integer: \"zwei\" / COPY t, line 2, column a: \"zwei\" after 1|x;");
  EXPECT_THAT(text("2147483648\ty\n"), HasSubstr("22003 value \"2147483648\" is out of range for type integer"));
  EXPECT_THAT(text("1.5\ty\n"), HasSubstr("22P02 invalid input syntax"));
  EXPECT_THAT(text("1\ta\rb\n"), HasSubstr("literal carriage return"));
  EXPECT_THAT(text("1\t\\xff\n"),
              HasSubstr("22021 invalid byte sequence for encoding \"UTF8\" / COPY t, line 1, column b"));
  EXPECT_THAT(text("1\ta\\000\n"), HasSubstr("22021"));
}

TEST(CopyCsv, has_quotes_and_lines_inside_of_them) {
  EXPECT_EQ(csv("1,one\r\n2,\"a,\"\"b\"\"\nc\"\n3,\n4,\"\"\n"), "1|one;2|a,\"b\"\nc;3|NULL;4|;");
  EXPECT_EQ(csv("1,x\"y,z\"w\n\"2\",last"), "1|xy,zw;2|last;");
  EXPECT_EQ(csv("1,\"a\nb\"\n2"), "22P04 missing data for column \"b\" / COPY t, line 3: \"2\" after 1|a\nb;");
  EXPECT_THAT(csv("1,\"a\nb\n"), HasSubstr("unterminated CSV quoted field"));
  EXPECT_THAT(csv("1,a\rb\n"), HasSubstr("unquoted carriage return"));
  EXPECT_THAT(csv("1,a,b\n"), HasSubstr("extra data after last expected column"));
}

TEST(CopyCsv, has_an_escape_a_header_and_forced_values) {
  warehouse::CopyStream stream = stream_of(CopyForm::csv, kTwo);
  stream.options.escape = '\\';
  stream.options.quote = '\'';
  EXPECT_EQ(read(stream, "1,'it\\'s'\n2,'\\\\'\n"), "1|it's;2|\\;");
  stream = stream_of(CopyForm::csv, kTwo);
  stream.options.has_header = true;
  stream.options.force_null = {"a"};
  stream.options.force_not_null = {"b"};
  EXPECT_EQ(read(stream, "whatever\n\"\",\n1,x\n"), "NULL|;1|x;");
  stream.options.checks_header = true;
  EXPECT_EQ(read(stream, "a,b\n1,x\n"), "1|x;");
  EXPECT_THAT(read(stream, "a,c\n1,x\n"), HasSubstr("column name mismatch in header line field 2"));
  EXPECT_THAT(read(stream, "a\n1,x\n"), HasSubstr("wrong number of fields in header line"));
}

std::string packed(std::string_view fields) {
  return std::string("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19) + std::string(fields);
}

TEST(CopyBinary, has_values_with_their_lengths) {
  const auto stream = stream_of(CopyForm::binary, kTwo);
  const std::string row("\0\2\0\0\0\4\0\0\1\1\0\0\0\2xy", 16), null_row("\0\2\377\377\377\377\377\377\377\377", 10),
      end("\377\377", 2);
  EXPECT_EQ(read(stream, packed(row + null_row + end)), "257|xy;NULL|NULL;");
  EXPECT_EQ(read(stream, packed(row)), "257|xy;");
  EXPECT_THAT(read(stream, packed(row + std::string("\0\1", 2))), HasSubstr("row field count is 1, expected 2"));
  EXPECT_THAT(read(stream, packed(row.substr(0, 12))), HasSubstr("unexpected EOF in COPY data"));
  EXPECT_THAT(read(stream, "a,b\n"), HasSubstr("COPY file signature not recognized"));
  EXPECT_THAT(read(stream, packed(std::string("\0\2\0\0\0\2\0\0", 8) + std::string("\0\0\0\0", 4))),
              HasSubstr("22P03"));
}

TEST(CopyValues, of_other_types_are_read_as_parameters_are) {
  const auto stream = stream_of(CopyForm::csv, {{"t", "BOOLEAN"}, {"l", "INTEGER[]"}, {"b", "BLOB"}, {"d", "DATE"}});
  EXPECT_EQ(read(stream, "yes,\"{1,NULL,3}\",\\x6869,2026-01-02\n"), "true|[\"1\", NULL, \"3\"]|hi|2026-01-02;");
  EXPECT_THAT(read(stream, "maybe,{},,\n"), HasSubstr("COPY t, line 1, column t: \"maybe\""));
}

TEST(CopyReading, stops_when_a_block_is_full_and_goes_on_behind_it) {
  CopyReader reader(stream_of(CopyForm::text, kTwo));
  std::string bytes = "1\t" + std::string(kCopyBlockBytes / 2, 'x') + "\n";
  bytes += bytes + bytes;
  size_t rows = 0, blocks = 0;
  for (std::string_view left = bytes; !left.empty();) {
    const auto taken = reader.read(left.substr(0, 100'000));
    ASSERT_TRUE(taken) << taken.error().text();
    left.remove_prefix(*taken);
    if (!reader.is_full()) continue;
    rows += reader.rows().rows;
    ++blocks;
    reader.clear();
  }
  ASSERT_TRUE(reader.end());
  EXPECT_EQ(rows + reader.rows().rows, 3u);
  EXPECT_EQ(blocks, 1u);
}

}  // namespace
}  // namespace weir::pgwire
