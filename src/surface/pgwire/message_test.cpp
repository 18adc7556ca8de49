// Messages as bytes: what is whole, what is too large, what lies about its own size; and what a start-up packet says.
#include "surface/pgwire/message.h"

#include <gtest/gtest.h>

#include "surface/pgwire/greeting.h"

namespace weir::pgwire {
namespace {

std::string packet(uint32_t code, const std::string& body) {
  std::string out;
  append_int32(out, static_cast<int32_t>(8 + body.size()));
  append_int32(out, static_cast<int32_t>(code));
  return out + body;
}
std::string words(std::initializer_list<std::string> all) {
  std::string out;
  for (const std::string& word : all) out += word + std::string(1, '\0');
  return out + std::string(1, '\0');
}
constexpr uint32_t kVersion3 = 3u << 16;

StartupPacket started(std::initializer_list<std::string> all) {
  auto parsed = parse_startup(packet(kVersion3, words(all)));
  EXPECT_TRUE(parsed) << parsed.error().text();
  return parsed.value_or(StartupPacket{});
}
Wishes wished(std::initializer_list<std::string> all) {
  auto wishes = wishes_of(started(all), warehouse::Profile::postgres);
  EXPECT_TRUE(wishes) << wishes.error().text();
  return wishes.value_or(Wishes{});
}

TEST(Message, is_whole_when_its_last_byte_is_there) {
  const std::string whole = std::string("Q\0\0\0\x0dselect 1\0", 14);
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto bytes = message_bytes(std::string_view(whole).substr(0, size), 100);
    ASSERT_TRUE(bytes);
    EXPECT_FALSE(*bytes) << size;
  }
  EXPECT_EQ(message_bytes(whole + "more", 100)->value_or(0), whole.size());
  EXPECT_EQ(parse_query(std::string_view(whole).substr(5)).value(), "select 1");
}

TEST(Message, that_is_too_large_or_smaller_than_its_length_is_refused_before_it_arrives) {
  const auto huge = message_bytes(std::string("Q\x7f\xff\xff\xff", 5), 16 << 20);
  ASSERT_FALSE(huge);
  EXPECT_STREQ(huge.error().sqlstate, "08P01");
  EXPECT_FALSE(message_bytes(std::string("Q\xff\xff\xff\xff", 5), 16 << 20));
  EXPECT_FALSE(message_bytes(std::string("Q\0\0\0\3", 5), 16 << 20));
  EXPECT_TRUE(message_bytes(std::string("S\0\0\0\4", 5), 16 << 20)->has_value());
}

TEST(Message, bodies_that_end_too_early_or_go_on_are_refused) {
  EXPECT_FALSE(parse_query("no zero at the end"));
  EXPECT_FALSE(parse_query(std::string("select 1\0;", 10)));
  EXPECT_FALSE(parse_parse(std::string("\0select $1\0\0\2\0\0\0\x17", 17))) << "two types said, one sent";
  EXPECT_TRUE(parse_parse(std::string("\0select $1\0\0\1\0\0\0\x17", 17)));
  EXPECT_FALSE(parse_execute(std::string("\0\0\0", 3)));
  EXPECT_FALSE(parse_target(std::string("X\0", 2)));
  const auto bind = parse_bind(std::string("\0\0\0\1\0\1\0\2\0\0\0\4\0\0\0\7\xff\xff\xff\xff\0\0", 22));
  ASSERT_TRUE(bind) << bind.error().text();
  EXPECT_EQ(bind->values.size(), 2u);
  EXPECT_EQ(bind->values[0]->size(), 4u);
  EXPECT_FALSE(bind->values[1]) << "NULL";
  EXPECT_EQ(bind->are_binary, std::vector<bool>{true});
  EXPECT_FALSE(parse_bind(std::string("\0\0\0\0\0\1\x7f\xff\xff\xff\0\0", 12))) << "a value of two gigabytes";
  EXPECT_FALSE(parse_bind(std::string("\0\0\xff\xff", 4))) << "65,535 formats";
  EXPECT_FALSE(parse_bind(std::string("\0\0\0\1\0\2\0\0\0\0", 10))) << "format 2";
}

TEST(Message, texts_of_ours_hold_no_zero_inside) {
  std::string out;
  append_error(out,
               {.severity = "ERROR", .sqlstate = "42601", .message = std::string("a\0b", 3), .detail = {}, .hint = {}});
  EXPECT_NE(out.find("Mab"), std::string::npos);
  EXPECT_EQ(message_bytes(out, 1000)->value_or(0), out.size());
}

TEST(Startup, requests_without_a_name_are_told_apart) {
  EXPECT_EQ(parse_startup(packet(80'877'103, ""))->greeting, Greeting::ssl);
  EXPECT_EQ(parse_startup(packet(80'877'104, ""))->greeting, Greeting::gss);
  const auto cancel = parse_startup(packet(80'877'102, std::string("\0\0\0\1\xff\xff\xff\xff", 8)));
  ASSERT_TRUE(cancel);
  EXPECT_EQ(cancel->process, 1u);
  EXPECT_EQ(cancel->secret, UINT32_MAX);
  EXPECT_FALSE(parse_startup(packet(80'877'102, "abc")));
  EXPECT_STREQ(parse_startup(packet(2u << 16, "")).error().sqlstate, "0A000");
}

TEST(Startup, packets_that_say_nonsense_are_refused) {
  EXPECT_FALSE(startup_bytes(std::string("\0\0\0\7", 4)));
  EXPECT_FALSE(startup_bytes("GET / HTTP/1.1"));
  EXPECT_FALSE(startup_bytes(std::string("\0\0\x27\x11", 4))) << "10,001 bytes";
  EXPECT_FALSE(*startup_bytes(std::string("\0\0\0", 3)));
  EXPECT_FALSE(parse_startup(packet(kVersion3, "user")));
  EXPECT_FALSE(parse_startup(packet(kVersion3, std::string("user\0weir\0", 10)))) << "no end of the list";
  std::string many;
  for (int i = 0; i < 200; ++i) many += "k" + std::to_string(i) + std::string("\0v\0", 3);
  EXPECT_FALSE(parse_startup(packet(kVersion3, many + std::string(1, '\0'))));
}

TEST(Startup, settings_and_options_are_the_sessions) {
  const Wishes wishes = wished({"user", "ann", "application_name", "psql", "client_encoding", "UTF8", "options",
                                "-c search_path=a,\\ b --time-zone=UTC -cextra_float_digits=2 -x"});
  EXPECT_EQ(wishes.user, "ann");
  EXPECT_EQ(wishes.database, "ann") << "as PostgreSQL has it";
  const std::vector<std::pair<std::string, std::string>> wanted = {
      {"application_name", "psql"}, {"search_path", "a, b"}, {"time_zone", "UTC"}, {"extra_float_digits", "2"}};
  EXPECT_EQ(wishes.settings, wanted);
}

TEST(Startup, the_profile_is_that_of_option_database_driver_or_listener_in_this_order) {
  using warehouse::Profile;
  EXPECT_EQ(wished({"user", "a", "database", "shop"}).profile, Profile::postgres);
  const Wishes named = wished({"user", "a", "database", "shop.redshift"});
  EXPECT_EQ(named.profile, Profile::redshift);
  EXPECT_EQ(named.database, "shop");
  EXPECT_EQ(wished({"user", "a", "database", "shop.v2"}).database, "shop.v2");
  const Wishes driver = wished({"user", "a", "database", "dev", "client_protocol_version", "2", "driver_version",
                                "Redshift Python Driver 2.1", "os_version", "Linux", "plugin_name", ""});
  EXPECT_EQ(driver.profile, Profile::redshift);
  EXPECT_TRUE(driver.settings.empty()) << "what a driver says of itself is no setting";
  EXPECT_EQ(wished({"user", "a", "driver_version", "x", "options", "-c weir.profile=postgres"}).profile,
            Profile::postgres);
  EXPECT_FALSE(wishes_of(started({"user", "a", "options", "-c weir.profile=oracle"}), Profile::postgres));
}

TEST(Startup, what_would_be_answered_wrongly_is_refused) {
  const auto refused = [](std::initializer_list<std::string> all) {
    const auto wishes = wishes_of(started(all), warehouse::Profile::postgres);
    return wishes ? std::string() : std::string(wishes.error().sqlstate);
  };
  EXPECT_EQ(refused({"database", "x"}), "28000");
  EXPECT_EQ(refused({"user", "a", "replication", "database"}), "0A000");
  EXPECT_EQ(refused({"user", "a", "replication", "false"}), "");
  EXPECT_EQ(refused({"user", "a", "client_encoding", "LATIN1"}), "0A000");
  EXPECT_EQ(refused({"user", "a", "client_encoding", "'utf-8'"}), "");
  EXPECT_EQ(refused({"user", std::string(129, 'u')}), "28000");
  EXPECT_EQ(refused({"user", "\xff\xfe"}), "28000");
}

}  // namespace
}  // namespace weir::pgwire
