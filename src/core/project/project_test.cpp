// Reading a folder of declarations: every mistake with its place, and nothing ignored in silence.
#include "core/project/project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "core/project/schema.h"
#include "core/project/test_kind.h"

namespace weir::project {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ProjectTest : public ::testing::Test {
 protected:
  ProjectTest() {
    registry_.add_kind(thing_kind());
    registry_.add_kind(query_kind());
    registry_.add_kind(box_kind());
    EXPECT_TRUE(files_.make_directories("/shop/.weir"));
  }
  void write(const std::string& path, const std::string& text) {
    EXPECT_TRUE(files_.make_directories(parent_path("/shop/" + path)));
    EXPECT_TRUE(replace_file(files_, "/shop/" + path, text));
  }
  Project read() {
    auto project = read_project(files_, "/shop", registry_, options_);
    EXPECT_TRUE(project) << project.error().text();
    return project ? std::move(*project) : Project{};
  }
  static std::vector<std::string> texts(const std::vector<Error>& errors) {
    std::vector<std::string> out;
    for (const Error& error : errors) out.push_back(error.text());
    return out;
  }

  SimulatedFiles files_;
  Registry registry_;
  ReadOptions options_;
};

TEST_F(ProjectTest, an_empty_folder_is_a_good_project_named_like_it) {
  const Project project = read();
  EXPECT_TRUE(project.is_good());
  EXPECT_THAT(project.warnings, IsEmpty());
  EXPECT_EQ(project.name, "shop");
  EXPECT_TRUE(project.declarations.empty());
  EXPECT_EQ(read_project(files_, "/nowhere", registry_, options_).error().code, Code::not_found);
}

TEST_F(ProjectTest, what_two_declarations_claim_is_an_error_that_names_both_places) {
  write("things/a.yaml", "size: 1\nplace: here\n");
  write("things/b.yaml", "size: 1\nplace: there\n");
  EXPECT_TRUE(read().is_good());
  write("things/b.yaml", "place: here\nsize: 1\nenabled: false\n");
  const Project project = read();
  EXPECT_THAT(texts(project.errors),
              ElementsAre("things/b.yaml:1:8: place here belongs to thing a already (things/a.yaml:2:8) (give one of "
                          "them another)"));
  EXPECT_EQ(project.declarations.size(), 1u);
}

TEST_F(ProjectTest, reads_settings_and_declarations_sorted_by_name) {
  write("weir.yaml", "name: webshop\n");
  write("things/b.yaml", "size: 2\nenabled: false\ntags: {team: ads}\n");
  write("things/a.yaml", "size: 1\n");
  const Project project = read();
  EXPECT_THAT(texts(project.errors), IsEmpty());
  EXPECT_EQ(project.name, "webshop");
  ASSERT_EQ(project.declarations.size(), 2u);
  EXPECT_EQ(project.declarations[0].name, "a");
  EXPECT_EQ(project.declarations[1].kind, "thing");
  EXPECT_EQ(project.declarations[1].file, "things/b.yaml");
  EXPECT_EQ(project.declarations[1].body["enabled"], Json(false));
}

TEST_F(ProjectTest, mistakes_of_all_files_come_at_once) {
  write("weir.yaml", "nmae: x\n");
  write("things/a.yaml", "size: big\n");
  write("things/b.yaml", "size: 1\nsise: 2\n");
  write("things/c.yaml", "size: [1\n");
  write("things/d.yaml", "size: 101\ntags: {Team: x}\n");
  const Project project = read();
  const auto errors = texts(project.errors);
  ASSERT_EQ(errors.size(), 6u) << ::testing::PrintToString(errors);
  EXPECT_THAT(errors[0], HasSubstr("weir.yaml:1:1"));
  EXPECT_THAT(errors[1], HasSubstr("things/a.yaml:1:7"));
  EXPECT_THAT(errors[2], HasSubstr("things/b.yaml:2:1: unknown key 'sise' in a thing (did you mean 'size'?)"));
  EXPECT_THAT(errors[3], HasSubstr("things/c.yaml:"));
  EXPECT_THAT(errors[4], HasSubstr("things/d.yaml:1:7"));
  EXPECT_THAT(errors[5], HasSubstr("'Team' is no tag's name"));
  EXPECT_EQ(project.broken.size(), 4u);
}

TEST_F(ProjectTest, one_name_in_two_files_is_refused) {
  write("things/a.yaml", "size: 1\n");
  write("things/b.yaml", "name: a\nsize: 1\n");
  EXPECT_THAT(texts(read().errors),
              ElementsAre(HasSubstr("things/b.yaml:1:1: thing a is declared in things/a.yaml already")));
}

TEST_F(ProjectTest, files_that_nobody_reads_are_named) {
  write("wier.yaml", "name: x\n");
  write("README.md", "mine\n");
  write("notes/x.yaml", "mine\n");
  write("thing/a.yaml", "size: 1\n");
  write("things/a.yml", "size: 1\n");
  write("things/a.sql", "SELECT 1\n");
  write("things/notes.txt", "mine\n");
  write("things/deep/a.yaml", "size: 1\n");
  write("quality/daily.yaml", "steps: []\n");
  write("quality/weekly.yaml", "steps: []\n");
  write("boxes/a.yaml", "size: 1\n");
  write("boxes/big/deep/deeper/a.yaml", "size: 1\n");
  write("models/a.sql", "SELECT 1\n");
  const Project project = read();
  EXPECT_TRUE(project.is_good());
  EXPECT_TRUE(project.declarations.empty());
  const auto warnings = texts(project.warnings);
  ASSERT_EQ(warnings.size(), 9u) << ::testing::PrintToString(warnings);
  EXPECT_THAT(
      warnings,
      ::testing::IsSupersetOf(
          {HasSubstr("wier.yaml: is not read (did you mean 'weir.yaml'?)"),
           HasSubstr("thing/: is not read (did you mean things/?)"),
           HasSubstr("things/a.yml: is not read (name it things/a.yaml)"), HasSubstr("things/a.sql: is not read"),
           HasSubstr("things/deep/: is not read"), HasSubstr("quality/: data quality are not built into this version"),
           HasSubstr("boxes/a.yaml: is not read (a box is a folder: boxes/*/box.yaml)"),
           HasSubstr("boxes/big/deep/deeper/: is not read"), HasSubstr("models/: models are not built")}));
}

TEST_F(ProjectTest, a_declaration_may_be_a_folder) {
  write("boxes/big/box.yaml", "size: 7\n");
  write("boxes/big/parts/a.sql", "SELECT 1\n");
  write("boxes/big/b.json", "{}");
  write("boxes/bare/parts/a.sql", "SELECT 2\n");
  write("boxes/big/.hidden.yaml", "size: 8\n");
  const Project project = read();
  EXPECT_TRUE(project.is_good());
  ASSERT_EQ(project.declarations.size(), 2u);
  EXPECT_EQ(project.declarations[0].name, "bare");
  EXPECT_EQ(project.declarations[0].body.dump(), R"({"size":0,"parts":["parts/a.sql"]})");
  EXPECT_EQ(project.declarations[1].body.dump(), R"({"size":7,"parts":["b.json","box.yaml","parts/a.sql"]})");
  EXPECT_EQ(project.declarations[1].file, "boxes/big/box.yaml");
  write("boxes/big/box.yaml", "size: many\n");
  EXPECT_THAT(texts(read().errors), ElementsAre(HasSubstr("boxes/big/box.yaml:1:7")));
}

TEST_F(ProjectTest, an_environment_lies_over_the_file) {
  write("weir.yaml", "name: shop\nlake: {commit_interval: 5s, commit_bytes: 1MiB}\n");
  write("environments/prod.yaml", "lake: {commit_interval: 1m}\n");
  EXPECT_EQ(read().settings.duration("lake.commit_interval"), seconds(5));
  options_.environment = "prod";
  const Project prod = read();
  EXPECT_THAT(texts(prod.errors), IsEmpty());
  EXPECT_EQ(prod.settings.duration("lake.commit_interval"), minutes(1));
  EXPECT_EQ(prod.settings.size("lake.commit_bytes"), 1u << 20);
  options_.environment = "prd";
  EXPECT_THAT(texts(read().errors), ElementsAre(HasSubstr("there is no environment 'prd' (did you mean 'prod'?)")));
  EXPECT_EQ(*state_folder("/shop", ""), "/shop/.weir");
  EXPECT_EQ(*state_folder("/shop", "prod"), "/shop/.weir/environments/prod");
  EXPECT_FALSE(state_folder("/shop", "../x"));
}

TEST_F(ProjectTest, references_are_replaced_and_secrets_never_shown) {
  options_.process_environment = {{"SIZE", "7"}};
  options_.secret = [](std::string_view name) -> Result<std::string> {
    if (name == "pw") return std::string("hunter2");
    return Error(Code::not_found, "there is no secret " + std::string(name));
  };
  write("size.txt", "8\r\n");
  write("things/a.yaml", "size: ${SIZE}\npassword: ${secret:pw}\n");
  const Project project = read();
  EXPECT_THAT(texts(project.errors), IsEmpty());
  EXPECT_EQ(project.declarations[0].body["size"], Json(7));
  EXPECT_EQ(project.declarations[0].body["password"], Json("${secret:pw}"));
  write("things/a.yaml", "size: ${UNSET}\npassword: ${secret:nope}\n");
  EXPECT_THAT(texts(read().errors), ElementsAre(HasSubstr("things/a.yaml:1:7"), HasSubstr("there is no secret nope")));
  write("things/a.yaml", "size: 1\npassword: ${file:size.txt}\n");
  EXPECT_THAT(texts(read().errors), IsEmpty());
  write("things/a.yaml", "size: 1\npassword: ${file:../../etc/none}\n");
  EXPECT_EQ(read().errors.size(), 1u);
}

TEST_F(ProjectTest, sent_declarations_cannot_read_the_servers_files_or_secrets_by_accident) {
  const Sources sources{{{"things/a.yaml", "size: 1\npassword: ${file:/etc/passwd}\n"},
                         {"flows/x.yaml", "x"},
                         {"things/../b.yaml", "size: 1\n"}}};
  const Project project = parse_project(sources, registry_, {});
  EXPECT_THAT(texts(project.errors), ElementsAre(HasSubstr("may not read its files")));
  EXPECT_EQ(project.name, "weir");
  EXPECT_TRUE(project.declarations.empty());
}

TEST_F(ProjectTest, a_kind_of_sql_files_has_its_keys_in_front_of_the_sql) {
  options_.process_environment = {{"SIZE", "7"}};
  write("queries/b.sql", "---\nsize: ${SIZE}\n---\nSELECT '${SIZE}'\n");
  write("queries/a.sql", "-- all of it\nSELECT 1");
  const Project project = read();
  EXPECT_THAT(texts(project.errors), IsEmpty());
  EXPECT_THAT(texts(project.warnings), IsEmpty());
  ASSERT_EQ(project.declarations.size(), 2u);
  EXPECT_EQ(project.declarations[0].name, "a");
  EXPECT_EQ(project.declarations[0].file, "queries/a.sql");
  EXPECT_EQ(project.declarations[0].body.dump(), R"({"size":0,"sql":"-- all of it\nSELECT 1","line":1})");
  EXPECT_EQ(project.declarations[1].body.dump(), R"({"size":7,"sql":"SELECT '${SIZE}'\n","line":4})");
}

TEST_F(ProjectTest, mistakes_of_sql_files_are_placed_in_the_file) {
  write("queries/a.sql", "---\nsize: 1\nsise: 2\n---\nSELECT 1\n");
  write("queries/b.sql", "---\n\n\nsize: ${UNSET}\n---\nSELECT 1\n");
  write("queries/c.sql", "---\nsize: 1\nSELECT 1\n");
  write("queries/d.sql", "---\nsize: 1\n---\n\n");
  write("queries/e.sql", "---\n  size: [\n---\nSELECT 1\n");
  const Project project = read();
  EXPECT_THAT(texts(project.errors),
              ElementsAre(HasSubstr("queries/a.sql:3:1: unknown key 'sise' in a query (did you mean 'size'?)"),
                          HasSubstr("queries/b.sql:4:7: '${UNSET}'"),
                          HasSubstr("queries/c.sql:1:1: the front matter that begins here does not end"),
                          HasSubstr("queries/d.sql:4:1: there is no SQL behind the front matter"),
                          HasSubstr("queries/e.sql:")));
  EXPECT_EQ(project.broken.size(), 5u);
  EXPECT_TRUE(project.declarations.empty());
}

TEST_F(ProjectTest, other_files_beside_sql_declarations_are_named) {
  write("queries/a.yaml", "size: 1\n");
  write("queries/b.yml", "size: 1\n");
  write("queries/c.sql~", "SELECT 1\n");
  write("queries/notes.md", "mine\n");
  write("queries/deep/d.sql", "SELECT 1\n");
  const Project project = read();
  EXPECT_TRUE(project.declarations.empty());
  const std::string hint = "is not read: a query is declared in a .sql file (its keys are the front matter";
  EXPECT_THAT(texts(project.warnings),
              ::testing::UnorderedElementsAre(HasSubstr("queries/a.yaml: " + hint), HasSubstr("queries/b.yml: " + hint),
                                              HasSubstr("queries/c.sql~: is not read"),
                                              HasSubstr("queries/deep/: is not read")));
}

TEST_F(ProjectTest, a_folder_of_a_kind_that_is_built_is_not_called_unbuilt) {
  Kind tables = query_kind();
  tables.name = "table";
  tables.folder = "tables";
  registry_.add_kind(std::move(tables));
  write("tables/a.sql", "SELECT 1\n");
  write("tables/b.yaml", "size: 1\n");
  const Project project = read();
  EXPECT_EQ(project.declarations.size(), 1u);
  EXPECT_THAT(texts(project.warnings), ElementsAre(HasSubstr("tables/b.yaml: is not read")));
}

TEST_F(ProjectTest, limits_are_named) {
  write("things/big.yaml", "# " + std::string(1u << 20, 'x'));
  auto too_large = read_project(files_, "/shop", registry_, options_);
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code, Code::too_large);
  EXPECT_THAT(too_large.error().text(), HasSubstr("things/big.yaml"));
}

TEST_F(ProjectTest, any_bytes_are_answered_and_never_crash) {
  SeededRandom random(7);
  const std::string alphabet = "size: tags{}[]\n\n  -#'\"&*!|>%@`,:?\xff\x01${secret:}name0129\t";
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    for (uint64_t n = random_below(random, 60); n > 0; --n) text += alphabet[random_below(random, alphabet.size())];
    const Project project = parse_project({{{"weir.yaml", text}, {"things/a.yaml", text}}}, registry_, {});
    EXPECT_TRUE(!project.is_good() || project.declarations.size() == 1) << text;
    const Project queries = parse_project({{{"queries/a.sql", "---\n" + text}}}, registry_, {});
    EXPECT_TRUE(!queries.is_good() || queries.declarations.size() == 1) << text;
  }
}

TEST_F(ProjectTest, schemas_are_listed_by_the_files_they_are_for) {
  const Json all = all_schemas(registry_);
  ASSERT_EQ(all.object().size(), 5u);
  EXPECT_EQ(all.object()[2].first, "things/*.yaml");
  EXPECT_EQ(all["things/*.yaml"]["title"], Json("thing"));
  EXPECT_EQ(all.object()[3].first, "queries/*.sql");
  EXPECT_EQ(all["queries/*.sql"]["properties"]["size"]["type"], Json("integer"));
  EXPECT_THAT(config_markdown(registry_), HasSubstr("# queries/*.sql\n\nA query. The keys stand in the file's front"));
}

}  // namespace
}  // namespace weir::project
