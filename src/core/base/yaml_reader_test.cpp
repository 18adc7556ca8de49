// The typed reader: one pass finds every mistake, and each message says where, what and what instead.
#include "core/base/yaml_reader.h"

#include <gtest/gtest.h>

#include "core/base/sizes.h"

namespace weir {
namespace {

enum class Color { red, green };

Yaml parsed(std::string_view text) {
  auto result = parse_yaml(text, {"s.yaml", 1});
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().text());
  Yaml root = result ? *result : Yaml{};
  std::vector<Error> errors;
  expand_yaml(
      root,
      [](std::string_view reference) -> Result<YamlExpansion> {
        return reference == "PORT" ? YamlExpansion{"8480", false} : YamlExpansion{"hunter2", true};
      },
      errors);
  return root;
}

std::vector<std::string> texts_of(const std::vector<Error>& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.text());
  return out;
}

// Reads one document with one call and returns its messages.
template <class Read>
std::vector<std::string> messages(std::string_view text, Read read) {
  Yaml root = parsed(text);
  YamlReader in(root, "a thing");
  read(in);
  return texts_of(in.finish());
}

using Messages = std::vector<std::string>;

TEST(YamlReader, a_good_declaration_fills_every_kind_of_field) {
  Yaml root = parsed(R"(
name: impressions
comment: no
on: true
port: "${PORT}"
ratio: 0.25
window: 7d
segment: 64MiB
color: green
tags: {team: ads, cost: 007}
origins: [https://a.example, "*"]
password: "${file:pw}"
beacon: {path: /impressions}
fields:
  - name: id
  - name: ts
    length_max: 10
named: {x: {name: y}}
)");
  YamlReader in(root, "a stream");
  std::string name, comment;
  bool on = false;
  uint16_t port = 0;
  double ratio = 0;
  Duration window;
  uint64_t segment = 0;
  Color color = Color::red;
  std::map<std::string, std::string> tags;
  std::vector<std::string> origins, fields;
  SecretText password;
  std::optional<Duration> retention;
  std::optional<int64_t> length_max;
  EXPECT_TRUE(in.identifier("name", name, required));
  EXPECT_TRUE(in.text("comment", comment));
  EXPECT_TRUE(in.flag("on", on));
  EXPECT_TRUE(in.integer("port", port));
  EXPECT_TRUE(in.number("ratio", ratio, {0, 1}));
  EXPECT_TRUE(in.duration("window", window, {days(1), days(90)}));
  EXPECT_TRUE(in.size("segment", segment, {kMiB, kGiB}));
  EXPECT_TRUE(in.choice("color", color, {{"red", Color::red}, {"green", Color::green}}));
  EXPECT_TRUE(in.text_map("tags", tags));
  EXPECT_TRUE(in.texts("origins", origins));
  EXPECT_TRUE(in.secret_text("password", password));
  EXPECT_FALSE(in.duration("retention", retention));
  std::string path;
  if (auto beacon = in.section("beacon", "a beacon")) beacon->text("path", path, required);
  for (YamlSection& field : in.sections("fields", "a field")) {
    field.text("name", fields.emplace_back(), required);
    field.integer("length_max", length_max);
  }
  for (YamlSection& one : in.named_sections("named", "a thing")) {
    EXPECT_EQ(one.name(), "x");
    EXPECT_NE(one.value("name"), nullptr);
  }
  EXPECT_EQ(texts_of(in.finish()), Messages{});
  EXPECT_EQ(comment, "no");
  EXPECT_EQ(port, 8480);
  EXPECT_EQ(window, days(7));
  EXPECT_EQ(segment, 64 * kMiB);
  EXPECT_EQ(color, Color::green);
  EXPECT_EQ(tags["cost"], "007");
  EXPECT_EQ(origins.back(), "*");
  EXPECT_EQ(password.value, "hunter2");
  EXPECT_EQ(password.written, "${file:pw}");
  EXPECT_TRUE(password.secret);
  EXPECT_EQ(path, "/impressions");
  EXPECT_EQ(fields, (std::vector<std::string>{"id", "ts"}));
  EXPECT_EQ(length_max, 10);
  EXPECT_EQ(retention, std::nullopt);
}

TEST(YamlReader, all_mistakes_come_at_once_in_the_order_of_the_file) {
  Yaml root = parsed("retenton: 7d\nwindow: 30\nenabled: yes\nfields:\n  - nam: id\n");
  YamlReader in(root, "a stream");
  std::string name;
  Duration window = days(7), retention;
  bool enabled = true;
  in.text("name", name, required);
  in.duration("window", window);
  in.duration("retention", retention);
  in.flag("enabled", enabled);
  for (YamlSection& field : in.sections("fields", "a field")) field.text("name", name, required);
  EXPECT_EQ(
      texts_of(in.finish()),
      (Messages{
          "s.yaml:1:1: a stream needs 'name': text",
          "s.yaml:1:1: unknown key 'retenton' in a stream (did you mean 'retention'?)",
          "s.yaml:2:9: window: '30' is no duration: it has no unit (write a number and a unit of us, ms, s, m, h, d, "
          "w, "
          "for example 30s or 1.5h)",
          "s.yaml:3:10: enabled: expected true or false, found 'yes' (write true; yes and on are plain text here)",
          "s.yaml:5:5: a field needs 'name': text",
          "s.yaml:5:5: unknown key 'nam' in a field (did you mean 'name'?)"}));
  EXPECT_EQ(window, days(7));
  EXPECT_TRUE(enabled);
}

TEST(YamlReader, flags_take_true_and_false_only) {
  for (const char* word : {"yes", "no", "on", "off", "True", "TRUE", "1", "'true'", "[true]"}) {
    bool flag = false;
    EXPECT_EQ(messages(std::string("f: ") + word, [&](YamlReader& in) { in.flag("f", flag); }).size(), 1u) << word;
  }
  bool flag = false;
  EXPECT_EQ(
      messages("f: no", [&](YamlReader& in) { in.flag("f", flag); }),
      Messages{"s.yaml:1:4: f: expected true or false, found 'no' (write false; no and off are plain text here)"});
  EXPECT_EQ(messages("f: 'true'", [&](YamlReader& in) { in.flag("f", flag); }),
            Messages{"s.yaml:1:4: f: expected true or false, found the quoted text 'true' (remove the quotes)"});
}

TEST(YamlReader, integers_are_checked_on_both_sides_of_each_bound) {
  auto read = [](const std::string& text, auto bounds) {
    int64_t value = -1;
    auto all = messages("n: " + text, [&](YamlReader& in) { in.integer("n", value, bounds); });
    return all.empty() ? std::to_string(value) : all[0];
  };
  Between<int64_t> records{1, 500};
  EXPECT_EQ(read("1", records), "1");
  EXPECT_EQ(read("500", records), "500");
  EXPECT_EQ(read("0", records), "s.yaml:1:4: n is '0', allowed: 1 to 500");
  EXPECT_EQ(read("501", records), "s.yaml:1:4: n is '501', allowed: 1 to 500");
  Between<int64_t> any;
  EXPECT_EQ(read("-9223372036854775808", any), "-9223372036854775808");
  EXPECT_EQ(read("9223372036854775808", any),
            "s.yaml:1:4: n is '9223372036854775808', allowed: -9223372036854775808 to 9223372036854775807");
  EXPECT_EQ(read("99999999999999999999", any),
            "s.yaml:1:4: n: expected a whole number of at most 64 bits, found '99999999999999999999'");
  for (const char* text : {"1.5", "1e3", "0x10", "007", "1_000", "'5'", "five", "--", "+1", "[1]"}) {
    EXPECT_EQ(read(text, any).find("s.yaml:1:4: n: expected a whole number"), 0u) << text << " " << read(text, any);
  }
}

TEST(YamlReader, narrow_targets_are_never_overrun) {
  uint16_t port = 7;
  EXPECT_EQ(messages("n: 70000", [&](YamlReader& in) { in.integer("n", port); }),
            Messages{"s.yaml:1:4: n is '70000', allowed: 0 to 65535"});
  EXPECT_EQ(messages("n: -1", [&](YamlReader& in) { in.integer("n", port); }),
            Messages{"s.yaml:1:4: n is '-1', allowed: 0 to 65535"});
  EXPECT_EQ(port, 7);
}

TEST(YamlReader, numbers_durations_and_sizes_have_bounds_too) {
  double number = 0;
  Duration duration;
  uint64_t size = 0;
  EXPECT_EQ(messages("n: 1.5",
                     [&](YamlReader& in) {
                       in.number("n", number, {0, 1});
                     }),
            Messages{"s.yaml:1:4: n is '1.5', allowed: 0 to 1"});
  EXPECT_EQ(messages("n: -1", [&](YamlReader& in) { in.number("n", number, {.min = 0}); }),
            Messages{"s.yaml:1:4: n is '-1', allowed: at least 0"});
  for (const char* text : {"nan", "inf", "1e999", "1.5x", "''", "'1'"}) {
    EXPECT_EQ(messages(std::string("n: ") + text, [&](YamlReader& in) { in.number("n", number); }).size(), 1u) << text;
  }
  EXPECT_EQ(messages("d: 91d",
                     [&](YamlReader& in) {
                       in.duration("d", duration, {minutes(1), days(90)});
                     }),
            Messages{"s.yaml:1:4: d is '91d', allowed: 1m to 90d"});
  EXPECT_EQ(messages("d: 5s", [&](YamlReader& in) { in.duration("d", duration, {.min = minutes(1)}); }),
            Messages{"s.yaml:1:4: d is '5s', allowed: at least 1m"});
  EXPECT_EQ(messages("s: 1GiB",
                     [&](YamlReader& in) {
                       in.size("s", size, {kMiB, 256 * kMiB});
                     }),
            Messages{"s.yaml:1:4: s is '1GiB', allowed: 1MiB to 256MiB"});
}

TEST(YamlReader, a_choice_lists_its_names_and_guesses) {
  Color color = Color::red;
  EXPECT_EQ(messages("c: gren",
                     [&](YamlReader& in) {
                       in.choice("c", color, {{"red", Color::red}, {"green", Color::green}});
                     }),
            Messages{"s.yaml:1:4: c: expected one of red, green, found 'gren' (did you mean 'green'?)"});
  EXPECT_EQ(color, Color::red);
}

TEST(YamlReader, a_wrong_shape_is_named_and_nothing_below_it_is_asked) {
  std::vector<std::string> list;
  std::map<std::string, std::string> map;
  std::string text;
  EXPECT_EQ(messages("l: x", [&](YamlReader& in) { in.texts("l", list); }),
            Messages{"s.yaml:1:4: l: expected a list of texts, found 'x' (write [x])"});
  EXPECT_EQ(messages("l: [a, [b]]", [&](YamlReader& in) { in.texts("l", list); }),
            Messages{"s.yaml:1:8: l: expected each item to be text that is not secret, found a list"});
  EXPECT_EQ(messages("m: [a]", [&](YamlReader& in) { in.text_map("m", map); }),
            Messages{"s.yaml:1:4: m: expected a mapping of names to texts, found a list"});
  EXPECT_EQ(messages("m: {a: {b: c}}", [&](YamlReader& in) { in.text_map("m", map); }),
            Messages{"s.yaml:1:8: m.a: expected text that is not secret, found a mapping"});
  EXPECT_EQ(messages("t: {a: b}", [&](YamlReader& in) { in.text("t", text); }),
            Messages{"s.yaml:1:4: t: expected text, found a mapping"});
  EXPECT_EQ(messages("s: {a: b}", [&](YamlReader& in) { EXPECT_TRUE(in.sections("s", "an item").empty()); }),
            Messages{"s.yaml:1:4: s: expected a list of mappings, found a mapping (begin each one with '- ')"});
  EXPECT_EQ(messages("s: [a]", [&](YamlReader& in) { EXPECT_TRUE(in.sections("s", "an item").empty()); }),
            Messages{"s.yaml:1:5: an item must be a mapping, found 'a'"});
  EXPECT_EQ(messages("s: a", [&](YamlReader& in) { EXPECT_FALSE(in.section("s", "an item").has_value()); }),
            Messages{"s.yaml:1:4: s: expected a mapping, found 'a'"});
  EXPECT_EQ(messages("[a, b]", [&](YamlReader& in) { in.text("t", text, required); }),
            Messages{"s.yaml:1:1: a thing must be a mapping of keys to values, found a list"});
}

TEST(YamlReader, a_key_without_a_value_is_an_error_and_an_empty_file_an_empty_mapping) {
  std::string text = "default";
  EXPECT_EQ(messages("t:\n", [&](YamlReader& in) { in.text("t", text); }),
            Messages{"s.yaml:1:1: t: has no value, expected text (write one, or remove the line)"});
  EXPECT_EQ(messages("t: ''\n", [&](YamlReader& in) { in.text("t", text); }), Messages{});
  EXPECT_EQ(text, "");
  EXPECT_EQ(messages("", [&](YamlReader& in) { in.text("t", text); }), Messages{});
  EXPECT_EQ(messages("", [&](YamlReader& in) { in.text("t", text, required); }),
            Messages{"s.yaml:1:1: a thing needs 't': text"});
}

TEST(YamlReader, a_secret_is_never_in_a_message_nor_in_a_field_that_is_shown) {
  std::string text;
  Duration duration;
  uint64_t size = 0;
  int64_t number = 0;
  bool flag = false;
  Color color = Color::red;
  std::vector<std::string> list;
  Messages all = messages("t: ${S}\nd: ${S}\ns: ${S}\nn: ${S}\nf: ${S}\nc: ${S}\nl: [\"${S}\"]\n", [&](YamlReader& in) {
    in.text("t", text);
    in.duration("d", duration);
    in.size("s", size);
    in.integer("n", number);
    in.flag("f", flag);
    in.choice("c", color, {{"hunter3", Color::red}, {"green", Color::green}});
    in.texts("l", list);
  });
  ASSERT_EQ(all.size(), 7u);
  for (const std::string& message : all) EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
  EXPECT_EQ(all[0],
            "s.yaml:1:4: t: '${S}' is a secret, and this field is shown in plans and logs (write the value itself)");
  EXPECT_EQ(all[1].find("s.yaml:2:4: d: the value of '${S}' is no duration"), 0u) << all[1];
  EXPECT_EQ(text, "");
}

TEST(YamlReader, the_caller_adds_mistakes_of_its_own) {
  EXPECT_EQ(
      messages("a: 1\n",
               [&](YamlReader& in) {
                 EXPECT_NE(in.value("a"), nullptr);
                 in.refuse("a", "there is no field of this name", "known: b");
                 in.refuse("absent", "is needed as well");
               }),
      (Messages{"s.yaml:1:1: absent: is needed as well", "s.yaml:1:4: a: there is no field of this name (known: b)"}));
}

TEST(YamlReader, opening_a_section_twice_reports_its_unknown_keys_once) {
  EXPECT_EQ(messages("s: {a: 1, b: 2, zzzzzz: 3}",
                     [&](YamlReader& in) {
                       std::string text;
                       in.section("s", "an s")->text("a", text);
                       in.section("s", "an s")->text("b", text);
                     }),
            Messages{"s.yaml:1:17: unknown key 'zzzzzz' in an s (known: a, b)"});
}

TEST(YamlReader, a_hopeless_file_gives_a_hundred_messages_and_says_how_many_more) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "k" + std::to_string(i) + ": 1\n";
  Messages all = messages(text, [](YamlReader&) {});
  EXPECT_EQ(all.size(), YamlReader::kErrorsMax);
  EXPECT_EQ(all.back(), "s.yaml:100:1: and 401 more mistakes from here on (correct these first)");
}

}  // namespace
}  // namespace weir
