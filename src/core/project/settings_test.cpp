// Settings: what counts when several places name one, and what a wrong value says.
#include "core/project/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/project/schema.h"
#include "core/project/spine.h"

namespace weir::project {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Read {
  Settings settings;
  std::vector<std::string> errors, warnings;
};

struct From {
  std::string file = "";
  std::map<std::string, std::string> environment = {};
  std::vector<std::pair<std::string, std::string>> flags = {};
};

Read read(const From& from) {
  auto yaml = parse_yaml(from.file, {"weir.yaml", 1});
  EXPECT_TRUE(yaml) << yaml.error().text();
  std::vector<Error> errors, warnings;
  Read out;
  out.settings = read_settings(spine_settings(), {&*yaml, from.environment, from.flags}, errors, warnings);
  for (const Error& error : errors) out.errors.push_back(error.text());
  for (const Error& warning : warnings) out.warnings.push_back(warning.text());
  return out;
}

const Effective& effective(const Settings& settings, std::string_view name) {
  for (const Effective& one : settings.all()) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << name;
  return settings.all().front();
}

TEST(Settings, have_working_defaults_without_any_file) {
  const Read got = read({});
  EXPECT_THAT(got.errors, IsEmpty());
  EXPECT_EQ(got.settings.text("listeners.http"), "127.0.0.1:8480");
  EXPECT_EQ(got.settings.text("store"), ".weir/store");
  EXPECT_EQ(got.settings.duration("lake.commit_interval"), seconds(10));
  EXPECT_EQ(got.settings.size("lake.commit_bytes"), 32u << 20);
  EXPECT_EQ(got.settings.integer("limits.depth"), 32);
  EXPECT_EQ(got.settings.number("limits.ratio"), 100.0);
  EXPECT_THAT(got.settings.texts("http.mounts"), ElementsAre("", "/Prod"));
  EXPECT_EQ(got.settings.text("log.level"), "info");
  EXPECT_TRUE(got.settings.declared().object().empty());
  for (const Effective& one : got.settings.all()) EXPECT_EQ(one.origin, Origin::built_in) << one.name;
}

TEST(Settings, the_strongest_place_counts_and_is_named) {
  From from;
  from.file = "lake:\n  commit_interval: 5s\n";
  Read got = read(from);
  EXPECT_EQ(got.settings.duration("lake.commit_interval"), seconds(5));
  EXPECT_EQ(effective(got.settings, "lake.commit_interval").origin, Origin::file);
  EXPECT_EQ(effective(got.settings, "lake.commit_interval").where, "weir.yaml:2:20");
  from.environment["WEIR_LAKE_COMMIT_INTERVAL"] = "4s";
  got = read(from);
  EXPECT_EQ(got.settings.duration("lake.commit_interval"), seconds(4));
  EXPECT_EQ(effective(got.settings, "lake.commit_interval").where, "WEIR_LAKE_COMMIT_INTERVAL");
  from.flags = {{"lake.commit_interval", "3s"}, {"lake.commit_interval", "2s"}};
  got = read(from);
  EXPECT_EQ(got.settings.duration("lake.commit_interval"), seconds(2));
  EXPECT_EQ(effective(got.settings, "lake.commit_interval").origin, Origin::flag);
  EXPECT_EQ(effective(got.settings, "lake.commit_interval").written, Json("2s"));
  EXPECT_EQ(got.settings.declared()["lake.commit_interval"], Json("5s"));
  EXPECT_THAT(got.errors, IsEmpty());
}

TEST(Settings, lists_come_from_the_environment_with_commas) {
  const Read got = read({.environment = {{"WEIR_HTTP_HOSTS", "a.example, b.example:80"}}});
  EXPECT_THAT(got.errors, IsEmpty());
  EXPECT_THAT(got.settings.texts("http.hosts"), ElementsAre("a.example", "b.example:80"));
}

TEST(Settings, a_scalar_is_short_for_the_url_of_its_section) {
  EXPECT_THAT(read({.file = "engine: duckdb\njournal: local\n"}).errors, IsEmpty());
  EXPECT_THAT(read({.file = "engine: {url: duckdb, threads: 2}\n"}).errors, IsEmpty());
  EXPECT_THAT(read({.file = "lake: yes\n"}).errors, ElementsAre(HasSubstr("weir.yaml:1:7")));
}

TEST(Settings, all_mistakes_are_found_with_place_and_nearest_name) {
  const Read got = read(
      {.file = "nmae: x\nlake:\n  comit_interval: 5s\n  commit_bytes: 1\nlimits: {depth: many}\nlog: {level: loud}\n"});
  ASSERT_EQ(got.errors.size(), 5u) << ::testing::PrintToString(got.errors);
  EXPECT_THAT(got.errors[0], HasSubstr("weir.yaml:1:1: unknown key 'nmae' in weir.yaml (did you mean 'name'?)"));
  EXPECT_THAT(got.errors[1],
              HasSubstr("weir.yaml:3:3: unknown key 'comit_interval' in 'lake' (did you mean 'commit_interval'?)"));
  EXPECT_THAT(got.errors[2], HasSubstr("weir.yaml:4:17: commit_bytes"));
  EXPECT_THAT(got.errors[2], HasSubstr("64KiB"));
  EXPECT_THAT(got.errors[3], HasSubstr("weir.yaml:5:17: depth"));
  EXPECT_THAT(got.errors[4], HasSubstr("weir.yaml:6:14: level"));
  EXPECT_EQ(got.settings.integer("limits.depth"), 32);
}

TEST(Settings, mistakes_of_the_environment_and_of_flags_name_their_place) {
  const Read got =
      read({.environment = {{"WEIR_LIMITS_DEPTH", "1"}, {"WEIR_LIMIT_DEPTH", "9"}, {"WEIR_TOKEN", "t"}, {"HOME", "/"}},
            .flags = {{"lake.interval", "1s"}, {"log.level", "loud"}}});
  ASSERT_EQ(got.errors.size(), 3u) << ::testing::PrintToString(got.errors);
  EXPECT_THAT(got.errors[0], HasSubstr("WEIR_LIMITS_DEPTH: limits.depth"));
  EXPECT_THAT(got.errors[1], HasSubstr("there is no setting 'lake.interval'"));
  EXPECT_THAT(got.errors[2], HasSubstr("flag log.level"));
  EXPECT_THAT(got.warnings,
              ElementsAre(HasSubstr("'WEIR_LIMIT_DEPTH' is no setting (did you mean 'WEIR_LIMITS_DEPTH'?)")));
}

TEST(Settings, what_is_not_built_says_so) {
  const struct {
    const char* file;
    const char* says;
  } cases[] = {
      {"engine: redshift://cluster/dev", "engine at redshift:// is not built"},
      {"engine: postgres://h/d", "engine at postgres:// is not built"},
      {"store: s3://bucket/prefix", "a store on S3 is not built"},
      {"journal: nats://h", "journal at nats:// is not built"},
      {"journal: kafka://h", "journal at kafka:// is not built"},
      {"engine: oracle", "is no engine"},
      {"store: ''", "is no folder"},
      {"listeners: {http: '8480'}", "is no address"},
      {"listeners: {http: '127.0.0.1:99999'}", "is no address"},
      {"listeners: {http: '::1:8480'}", "is no address"},
      {"http: {mounts: [Prod]}", "is no mount path"},
      {"http: {mounts: [/a/]}", "is no mount path"},
      {"http: {mounts: []}", "1 to 16"},
      {"http: {origins: [shop.example]}", "is no origin"},
      {"http: {origins: ['https://a/b']}", "is no origin"},
      {"http: {hosts: ['a b']}", "is no host"},
      {"name: \"a\\nb\"", "is no name"},
  };
  for (const auto& one : cases)
    EXPECT_THAT(read({.file = one.file}).errors, ElementsAre(HasSubstr(one.says))) << one.file;
}

TEST(Settings, loopback_is_told_from_its_look_alikes) {
  for (const char* good : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:0"})
    EXPECT_TRUE(is_loopback(*parse_address(good))) << good;
  for (const char* bad :
       {"127.0.0.1.example:1", "1270.0.1:1", "127.0.0:1", "127.0.0.256:1", "10.0.0.1:1", "localhost.evil:1"}) {
    EXPECT_FALSE(is_loopback(*parse_address(bad))) << bad;
    EXPECT_THAT(url_of(*parse_address(bad)), StartsWith("https://"));
  }
}

TEST(Settings, the_reference_and_the_schema_know_every_setting) {
  const std::string markdown = settings_markdown(spine_settings());
  const Json schema = settings_schema(spine_settings());
  for (const Setting& setting : spine_settings()) {
    EXPECT_THAT(markdown, HasSubstr("| `" + setting.name + "` |"));
    EXPECT_THAT(markdown, HasSubstr(environment_name(setting.name)));
  }
  EXPECT_EQ(schema["properties"]["lake"]["properties"]["commit_interval"]["default"], Json("10s"));
  EXPECT_EQ(schema["properties"]["lake"]["additionalProperties"], Json(false));
  EXPECT_EQ(schema["properties"]["engine"]["anyOf"].array().size(), 2u);
  EXPECT_EQ(schema["properties"]["limits"]["properties"]["depth"]["maximum"], Json(128));
  EXPECT_EQ(schema["properties"]["log"]["properties"]["level"]["enum"].array().size(), 4u);
}

TEST(SettingsDeathTest, a_table_that_contradicts_itself_stops_the_program_at_start) {
  const Setting good{.name = "a.b",
                     .type = SettingType::integer,
                     .otherwise = 5,
                     .prose = "p",
                     .example = "5",
                     .min = "1",
                     .max = "9"};
  check_table({good});
  Setting bad = good;
  bad.otherwise = 10;
  EXPECT_DEATH(check_table({bad}), "default fits");
  bad = good;
  bad.prose = "";
  EXPECT_DEATH(check_table({bad}), "prose");
  bad = good;
  bad.name = "A.b";
  EXPECT_DEATH(check_table({bad}), "identifiers");
  EXPECT_DEATH((void)read({}).settings.text("no.such"), "some table declares");
  EXPECT_DEATH((void)read({}).settings.text("limits.depth"), "own type");
}

}  // namespace
}  // namespace weir::project
