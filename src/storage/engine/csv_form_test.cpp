#include "storage/engine/csv_form.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::engine {
namespace {

ReadBytes reader(const std::string& text, size_t piece = 1 << 16) {
  return [text, piece, at = size_t{0}](char* into, size_t size) mutable -> Result<size_t> {
    const size_t some = std::min({size, piece, text.size() - at});
    std::copy_n(text.data() + at, some, into);
    at += some;
    return some;
  };
}

// The separator, and the escape if it is not the usual one; or the error.
std::string dialect(const std::string& text) {
  const Result<CsvDialect> found = csv_dialect(reader(text), "x.csv");
  if (!found) return found.error().text();
  std::string out(1, found->separator);
  if (found->escape != '"') out += found->escape;
  return out;
}

bool starts(const std::string& text, std::string_view begin) {
  return text.starts_with(begin);
}

TEST(CsvForm, finds_the_separator_in_which_every_record_fits) {
  EXPECT_EQ(dialect("a,b\n1,2\n"), ",");
  EXPECT_EQ(dialect("a;b\n1,5;2,5\n"), ";");
  EXPECT_EQ(dialect("a\tb\n1\t2"), "\t");
  EXPECT_EQ(dialect("a|b\r\n1|2\r\n"), "|");
  EXPECT_EQ(dialect("name;note, short\nx;y\n"), ";");
  EXPECT_EQ(dialect("\xEF\xBB\xBF\"a\",b\n1,2\n"), ",") << "a byte order mark is no part of the first name";
  EXPECT_EQ(dialect("a,b\n\n1,2\n\n"), ",") << "empty lines count for nothing";
  EXPECT_EQ(dialect("[a],[b]\n1,2\n"), ",") << "brackets alone are no JSON";
}

TEST(CsvForm, takes_one_column) {
  EXPECT_EQ(dialect("name\nann\nbob\n"), ",");
  EXPECT_EQ(dialect("note\n\"hello, world\"\nfoo\n"), ",");
  EXPECT_EQ(dialect("note\na; b\n"), ",");
  EXPECT_EQ(dialect("\"a,b\"\n\"c,d\"\n"), ",");
  EXPECT_EQ(dialect("7"), ",");
}

TEST(CsvForm, reads_quotes_of_several_programs) {
  EXPECT_EQ(dialect("a,b\n1,\"x \"\"q\"\" y\"\n"), ",");
  EXPECT_EQ(dialect("a,b\n1,\"two\nlines, one value\"\n"), ",");
  EXPECT_EQ(dialect("a,b\n1,\"x \\\"q\\\" y\"\n"), ",\\");
  EXPECT_EQ(dialect("a,b\n'1,5',x\n"), ",'");
  EXPECT_EQ(dialect("a,b\n1,5\" pipe\n"), ",") << "a quote within a value is a letter like others";
}

TEST(CsvForm, names_the_record_that_does_not_fit_and_what_was_expected) {
  EXPECT_TRUE(starts(dialect("a,b,c\n1,2,3\n4,5\n6,7,8\n"),
                     "x.csv:3:1: line 3 has 2 columns, expected 3 as in line 1, separated by a comma"))
      << dialect("a,b,c\n1,2,3\n4,5\n6,7,8\n");
  EXPECT_TRUE(starts(dialect("a,b\n1,\"x\ny\"\n3,4,5\n"), "x.csv:4:1: line 4 has 3 columns, expected 2"));
  EXPECT_TRUE(starts(dialect("My report\na,b\n1,2\n"), "x.csv:2:1: line 2 has 2 columns, expected 1 as in line 1"));
  EXPECT_TRUE(starts(dialect("note\nhello, world\n"), "x.csv:2:1: line 2 has 2 columns, expected 1"));
  EXPECT_TRUE(starts(dialect("a;b\n1;2\n3\n"), "x.csv:3:1: line 3 has 1 column, expected 2"));
  EXPECT_TRUE(starts(dialect("a,b\n1,\"x\n2,y\n"), "x.csv:2:3: line 2 has a value that begins with a quote"));
  EXPECT_TRUE(starts(dialect("a,b\n1,\"x\n2,y\n3,\"z\"\n"), "x.csv:2:3: line 2 has a value that begins with a quote"));
  EXPECT_TRUE(starts(dialect("a,b\n1,\"x\"y\n"), "x.csv:2:3: line 2 has a value that begins with a quote"));
  EXPECT_TRUE(starts(dialect("a,b\r\n1,2\n3,4\r\n"), "x.csv:2:1: line 2 ends otherwise than line 1"));
}

TEST(CsvForm, refuses_what_is_no_csv) {
  EXPECT_TRUE(starts(dialect(""), "x.csv:1:1: the file is empty, expected a first line that names the columns"));
  EXPECT_TRUE(starts(dialect(" \n\n"), "x.csv:1:1: the file is empty"));
  EXPECT_TRUE(starts(dialect("\r\na,b\r\n1,2\r\n"), "x.csv:1:1: line 1 is empty, expected the names of the columns"));
  EXPECT_EQ(dialect("[{\"a\": 1, \"b\": 2}]\n"), "x.csv:1:1: this is no CSV file: it is JSON (--format json)");
  EXPECT_EQ(dialect("{\"a\": 1}\n{\"a\": 2}\n"), "x.csv:1:1: this is no CSV file: it is JSON (--format json)");
  EXPECT_TRUE(starts(dialect("PAR1...."), "x.csv:1:1: this is no CSV file: it is a Parquet file"));
  EXPECT_TRUE(starts(dialect("\x1F\x8B\x08...."), "x.csv:1:1: this is no CSV file: it is packed with gzip"));
  EXPECT_TRUE(starts(dialect(std::string("a,b\n1,\0\n", 8)), "x.csv:2:1: this is no CSV file: it holds zero bytes"));
  EXPECT_TRUE(starts(dialect("a,b\n1,caf\xE9\n"), "x.csv:2:1: line 2 is not text in UTF-8 (iconv"));
}

TEST(CsvForm, finds_what_is_wrong_beyond_the_first_mebibyte) {
  std::string text = "a,b\n";
  while (text.size() < 3u << 20) text += "12345,\"text, and more\"\n";
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  EXPECT_EQ(dialect(text + "7\n"), ",");
  auto fault = csv_fault(reader(text + "7\n8,\"x\"\n", 1000), {}, "x.csv");
  ASSERT_TRUE(fault && *fault);
  EXPECT_EQ((*fault)->position->line, lines + 1);
  EXPECT_TRUE(starts((*fault)->message, "line " + std::to_string(lines + 1) + " has 1 column, expected 2"));
  fault = csv_fault(reader(text + "7,\"x\n", 1000), {}, "x.csv");
  ASSERT_TRUE(fault && *fault);
  EXPECT_EQ((*fault)->position->line, lines + 1);
  fault = csv_fault(reader(text, 1000), {}, "x.csv");
  ASSERT_TRUE(fault);
  EXPECT_FALSE(*fault);
}

TEST(CsvForm, hands_on_an_error_of_reading) {
  const ReadBytes broken = [](char*, size_t) -> Result<size_t> { return Error(Code::io, "the disk is away"); };
  EXPECT_EQ(csv_dialect(broken, "x.csv").error().code, Code::io);
  EXPECT_EQ(csv_fault(broken, {}, "x.csv").error().code, Code::io);
}

}  // namespace
}  // namespace weir::engine
