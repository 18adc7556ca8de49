// YAML as a value: nothing is guessed, everything has a place, hostile files hit a limit.
#include "core/base/yaml.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

Yaml parsed(std::string_view text) {
  auto result = parse_yaml(text, {"f.yaml", 1});
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().text());
  return result ? *result : Yaml{};
}

std::string refused(std::string_view text, int first_line = 1) {
  auto result = parse_yaml(text, {"f.yaml", first_line});
  return result ? "accepted" : result.error().text();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Yaml, scalars_stay_the_text_they_are) {
  Yaml root = parsed("a: no\nb: 1.10\nc: 2023-01-31\nd: 'true'\ne: |\n  two\n  lines\nf: ~\ng:\nh: 0777\n");
  EXPECT_EQ(root.find("a")->text, "no");
  EXPECT_FALSE(root.find("a")->quoted);
  EXPECT_EQ(root.find("b")->text, "1.10");
  EXPECT_EQ(root.find("c")->text, "2023-01-31");
  EXPECT_TRUE(root.find("d")->quoted);
  EXPECT_EQ(root.find("e")->text, "two\nlines\n");
  EXPECT_TRUE(root.find("e")->quoted);
  EXPECT_TRUE(root.find("f")->is_null());
  EXPECT_TRUE(root.find("g")->is_null());
  EXPECT_EQ(root.find("h")->text, "0777");
  EXPECT_EQ(root.find("absent"), nullptr);
}

TEST(Yaml, every_node_knows_its_place) {
  Yaml root = parsed("name: x\nfields:\n  - id: uuid\n    n: 5\n  - {a: b}\n");
  EXPECT_EQ(root.at.line, 1);
  EXPECT_EQ(root.entries[1].key_at.line, 2);
  const Yaml& first = root.find("fields")->items[0];
  EXPECT_EQ(first.at.line, 3);
  EXPECT_EQ(first.at.column, 5);
  EXPECT_EQ(first.find("n")->at.line, 4);
  EXPECT_EQ(first.find("n")->at.column, 8);
  EXPECT_EQ(root.find("fields")->items[1].find("a")->at.column, 9);
}

TEST(Yaml, front_matter_counts_from_its_own_first_line) {
  EXPECT_EQ(refused("a: 1\na: 2\n", 10),
            "f.yaml:11:1: the key 'a' appears twice, first in line 10, column 1 (remove one of them)");
}

TEST(Yaml, an_empty_file_is_a_null_with_a_place) {
  for (const char* text : {"", "# only a comment\n", "---\n"}) {
    Yaml root = parsed(text);
    EXPECT_TRUE(root.is_null()) << text;
    EXPECT_EQ(root.at.file, "f.yaml");
  }
}

TEST(Yaml, syntax_errors_have_line_and_column) {
  std::string message = refused("a: 1\nb: [1, 2\nc: 3\n");
  EXPECT_TRUE(contains(message, "f.yaml:")) << message;
  EXPECT_TRUE(contains(message, "not YAML: ")) << message;
  for (const char* text : {"a: 'x\n", "a: 'x\nb: 1\n", "a: \"x\n", "a: 'x", "a: 'x\n  ", "a: 'x\n#\n", "'x\n\n"}) {
    EXPECT_TRUE(contains(refused(text), "a quote is opened and never closed")) << text << refused(text);
  }
  EXPECT_TRUE(contains(refused("\tx: 1\n"), "f.yaml:1:"));
}

TEST(Yaml, a_last_line_means_the_same_with_and_without_its_end) {
  for (const char* text : {"a: x", "a: |\n  x\n  y", "a: 'x'", "a: [1, 2]", "- a\n- b", "a:", "a: >\n  x"}) {
    EXPECT_EQ(plain_json(parsed(text)), plain_json(parsed(std::string(text) + "\n"))) << text;
  }
  EXPECT_EQ(parsed("a: |+\n  x\n\n").find("a")->text, "x\n\n");
  EXPECT_EQ(parsed("a: |\n  x\n\n").find("a")->text, "x\n");
}

TEST(Yaml, what_could_surprise_is_refused) {
  EXPECT_TRUE(contains(refused("a: 1\n---\nb: 2\n"), "a second document"));
  EXPECT_TRUE(contains(refused("a: !!python/object:os.system x\n"), "the tag"));
  EXPECT_TRUE(contains(refused("b: &b {x: 1}\nc:\n  <<: *b\n"), "merge keys"));
  EXPECT_TRUE(contains(refused("? [1, 2]\n: x\n"), "a key must be text"));
  EXPECT_TRUE(contains(refused("~: x\n"), "a key must be text"));
  EXPECT_TRUE(contains(refused("a: &x [*x]\n"), "inside of what it names"));
  EXPECT_EQ(refused("a: x\xFFy\n"), "f.yaml:1:5: a byte that is not UTF-8: '\\xff'");
  EXPECT_EQ(refused("a: 1\nb: x\x1Bz\n"), "f.yaml:2:5: a control character: '\\x1b'");
  EXPECT_TRUE(contains(refused(std::string_view("\xFF\xFE"
                                                "a\0",
                                                4)),
                       "not UTF-8"));
  EXPECT_TRUE(contains(refused("a: *nowhere\n"), "not YAML"));
}

TEST(Yaml, a_tab_that_indents_is_named_with_its_place) {
  EXPECT_TRUE(contains(refused("a:\n\tb: 1\n"), ":2:1: not YAML: a line is indented by a tab"))
      << refused("a:\n\tb: 1\n");
  EXPECT_TRUE(contains(refused("a:\n  b: 1\n  \tc: 2\n"), ":3:3: ")) << refused("a:\n  b: 1\n  \tc: 2\n");
  EXPECT_TRUE(contains(refused("a:\n  b: 1\n c: 2\n"), ":3:2: not YAML: this line is not indented like"));
  EXPECT_EQ(refused("a:\t1\n"), "accepted") << "between key and value it is a space";
}

TEST(Yaml, aliases_are_expanded_up_to_a_limit) {
  Yaml root = parsed("a: &days [mon, tue]\nb: *days\n");
  EXPECT_EQ(root.find("b")->items[1].text, "tue");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    std::string previous = "*a" + std::to_string(i - 1), name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + previous;
    for (int k = 0; k < 9; ++k) bomb += ", " + previous;
    bomb += "]\n";
  }
  EXPECT_TRUE(contains(refused(bomb), "more than 10000 values")) << refused(bomb);
}

TEST(Yaml, size_depth_and_count_have_limits) {
  EXPECT_TRUE(contains(refused(std::string((1 << 20) + 1, ' ')), "allowed are 1048576"));
  std::string deep(31, '['), deeper(32, '['), hopeless(400'000, '[');
  EXPECT_EQ(refused("a: " + deep + std::string(31, ']')), "accepted");
  EXPECT_TRUE(contains(refused("a: " + deeper + std::string(32, ']')), "nested deeper than 32"));
  EXPECT_NE(refused(hopeless), "accepted");
  std::string many;
  for (int i = 0; i < 100'001; ++i) many += "- x\n";
  EXPECT_TRUE(contains(refused(many), "more than 100000 values"));
}

YamlExpander expander() {
  return [](std::string_view reference) -> Result<YamlExpansion> {
    if (reference == "HOST") return YamlExpansion{"db.example", false};
    if (reference == "file:pw") return YamlExpansion{"hunter2", true};
    if (reference == "LOOP") return YamlExpansion{"${LOOP}", false};
    if (reference == "BIG") return YamlExpansion{std::string(70'000, 'x'), false};
    return Error(Code::not_found, "no such variable");
  };
}

TEST(Yaml, expansion_remembers_what_is_secret_and_what_was_written) {
  Yaml root = parsed(
      "url: postgres://u:${file:pw}@${HOST}/db\nplain: $${HOST} costs 5$\nhost: '${HOST}'\nloop: ${LOOP}\nlist: "
      "[\"${file:pw}\"]\n");
  std::vector<Error> errors;
  expand_yaml(root, expander(), errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(root.find("url")->text, "postgres://u:hunter2@db.example/db");
  EXPECT_EQ(root.find("url")->written, "postgres://u:${file:pw}@${HOST}/db");
  EXPECT_TRUE(root.find("url")->secret);
  EXPECT_FALSE(contains(root.find("url")->described(), "hunter2"));
  EXPECT_FALSE(contains(plain_json(root).dump(), "hunter2"));
  EXPECT_EQ(root.find("plain")->text, "${HOST} costs 5$");
  EXPECT_EQ(root.find("host")->text, "db.example");
  EXPECT_FALSE(root.find("host")->secret);
  EXPECT_EQ(root.find("loop")->text, "${LOOP}");
  EXPECT_EQ(root.find("list")->items[0].text, "hunter2");
}

TEST(Yaml, expansion_collects_every_error_at_its_place) {
  Yaml root = parsed("a: ${NOPE}\nb: ${HOST\nc: ${BIG}\nd: ${HOST}\n");
  std::vector<Error> errors;
  expand_yaml(root, expander(), errors);
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_EQ(errors[0].text(), "f.yaml:1:4: no such variable");
  EXPECT_TRUE(contains(errors[1].text(), "f.yaml:2:4: '${' has no closing '}'"));
  EXPECT_TRUE(contains(errors[2].text(), "expands to more than 65536 bytes"));
  EXPECT_EQ(root.find("d")->text, "db.example");
}

TEST(Yaml, an_overlay_merges_mappings_and_replaces_the_rest) {
  Yaml merged =
      overlay_yaml(parsed("a: {x: 1, y: 2}\nlist: [1, 2]\nkeep: k\n"), parsed("a: {y: 3, z: 4}\nlist: [9]\nnew: n\n"));
  EXPECT_EQ(plain_json(merged).dump(), R"({"a":{"x":1,"y":3,"z":4},"list":[9],"keep":"k","new":"n"})");
  EXPECT_EQ(plain_json(overlay_yaml(parsed("a: 1\n"), parsed(""))).dump(), R"({"a":1})");
  EXPECT_EQ(plain_json(overlay_yaml(parsed("a: 1\n"), parsed("a:\n"))).dump(), R"({"a":null})");
}

TEST(Yaml, plain_json_follows_the_core_schema_and_no_further) {
  Yaml root = parsed(
      "[true, 'true', yes, null, 5, -1.5, 1e3, 007, 1_000, 0x10, 1.2.3, 99999999999999999999, '', 1., .5, -, 1e, +1]");
  EXPECT_EQ(plain_json(root).dump(),
            R"([true,"true","yes",null,5,-1.5,1000.0,"007","1_000","0x10","1.2.3","99999999999999999999","","1.",)"
            R"(".5","-","1e","+1"])");
}

}  // namespace
}  // namespace weir
