// Text: UTF-8 by the book, encodings that accept exactly one text per value, and suggestions people can use.
#include "core/base/text.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Utf8, well_formed_text_of_every_length_is_valid) {
  for (const char* text : {"", "ascii only, long enough for the fast path", "é", "€", "😀", "\xF4\x8F\xBF\xBF",
                           "\xED\x9F\xBF", "eight ascii bytes then é and eight more"}) {
    EXPECT_TRUE(valid_utf8(text)) << text;
  }
}

TEST(Utf8, overlong_surrogate_cut_and_stray_bytes_are_not) {
  for (std::string_view text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE0\x80\x80", "\xE2\x82", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "twelve bytes\xE2\x28\xA1"}) {
    EXPECT_FALSE(valid_utf8(text)) << shown(text);
  }
}

TEST(Shown, hostile_text_stays_one_short_readable_line) {
  EXPECT_EQ(shown("plain"), "'plain'");
  EXPECT_EQ(shown("a\nb\x1B[31m\xFFz"), "'a\\x0ab\\x1b[31m\\xffz'");
  EXPECT_EQ(shown("\xC2\x9B"), "'\\xc2\\x9b'");
  EXPECT_EQ(shown("é"), "'é'");
  EXPECT_EQ(shown(std::string(100, 'x'), 3), "'xxx…' (100 bytes)");
}

TEST(Nearest, finds_what_was_meant_and_nothing_else) {
  std::vector<std::string> keys = {"retention", "fields", "key", "time"};
  EXPECT_EQ(nearest("retenton", keys), "retention");
  EXPECT_EQ(nearest("Feilds", keys), "fields");
  EXPECT_EQ(nearest("ky", keys), "key");
  EXPECT_EQ(nearest("partition_by", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("x", {"y"}), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'x'), keys), std::nullopt);
  EXPECT_EQ(did_you_mean("tiem", keys), "did you mean 'time'?");
  EXPECT_EQ(did_you_mean("zzzzzz", keys), "known: retention, fields, key, time");
}

TEST(EditDistance, counts_a_swap_of_neighbours_as_one) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("tiem", "time"), 1u);
  EXPECT_EQ(edit_distance("same", "same"), 0u);
}

TEST(Encodings, the_vectors_of_rfc_4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (auto [plain, text] : vectors) {
    EXPECT_EQ(base64_encode(plain), text);
    EXPECT_EQ(*base64_decode(text), plain);
  }
  EXPECT_EQ(base64url_encode("\xFB\xFF"), "-_8");
  EXPECT_EQ(*base64url_decode("-_8"), "\xFB\xFF");
  EXPECT_EQ(hex_encode("\x01\xAB"), "01ab");
  EXPECT_EQ(*hex_decode("01aB"), "\x01\xAB");
}

TEST(Encodings, every_byte_survives_the_round_trip) {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
    EXPECT_EQ(*base64_decode(base64_encode(all)), all);
    EXPECT_EQ(*base64url_decode(base64url_encode(all)), all);
    EXPECT_EQ(*hex_decode(hex_encode(all)), all);
  }
}

TEST(Encodings, one_value_has_exactly_one_text) {
  for (const char* text : {"Zg=", "Zg", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Z=g=", "-_8="}) {
    EXPECT_FALSE(base64_decode(text).has_value()) << text;
  }
  for (const char* text : {"Z", "Zh", "Zg==", "+/8"}) EXPECT_FALSE(base64url_decode(text).has_value()) << text;
  for (const char* text : {"0", "0g", "0x00"}) EXPECT_FALSE(hex_decode(text).has_value()) << text;
}

TEST(Text, small_helpers) {
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_EQ(trim(" \t\r\n x y \v\f"), "x y");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(to_lower("AbÉ"), "abÉ");
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "content-type"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(html_escape("<a href=\"x\" title='y'>&</a>"),
            "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;");
}

TEST(Text, times_are_shown_without_digits_that_say_nothing) {
  EXPECT_EQ(shown_time(1'675'209'599'000'000), "2023-01-31T23:59:59Z");
  EXPECT_EQ(shown_time(1'675'209'599'250'000), "2023-01-31T23:59:59.250Z");
  EXPECT_EQ(shown_time(1'675'209'599'000'001), "2023-01-31T23:59:59.000001Z");
  EXPECT_EQ(shown_time(-1'000'000), "1969-12-31T23:59:59Z");
}

TEST(Text, identifiers_are_lower_case_and_at_most_63_bytes) {
  for (std::string_view name : {"a", "impressions", "a_1", "x9_"}) EXPECT_TRUE(is_identifier(name)) << name;
  EXPECT_TRUE(is_identifier(std::string(63, 'a')));
  EXPECT_FALSE(is_identifier(std::string(64, 'a')));
  for (std::string_view name : {"", "1a", "_a", "A", "a-b", "a.b", "../x", "é", "a b"})
    EXPECT_FALSE(is_identifier(name)) << name;
}

}  // namespace
}  // namespace weir
