// What servers elsewhere are told and how their words are taken; without a server. Those are
// tests/scenario/test_outside.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/base/yaml.h"
#include "storage/engine/outside_block.h"
#include "storage/engine/outside_names.h"
#include "storage/engine/outside_rights.h"
#include "storage/engine/outside_settings.h"
#include "storage/engine/outside_values.h"

namespace weir::engine {
namespace {

OutsideOptions options_to(const std::string& host, OutsideTls tls) {
  OutsideOptions out;
  out.name = "prod";
  out.host = host;
  out.database = "shop";
  out.user = "weir";
  out.tls = tls;
  return out;
}

std::map<std::string, std::string> told(const OutsideOptions& options, const std::vector<std::string>& addresses = {}) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : libpq_parameters(options, "hush", addresses)) out[name] = value;
  return out;
}

TEST(Outside, a_certificate_is_verified_for_the_name_whatever_address_answers) {
  const auto said = told(options_to("db.example.com", OutsideTls::verify), {"192.0.2.7", "2001:db8::7"});
  EXPECT_EQ(said.at("sslmode"), "verify-full");
  EXPECT_EQ(said.at("host"), "db.example.com,db.example.com");
  EXPECT_EQ(said.at("hostaddr"), "192.0.2.7,2001:db8::7");
  EXPECT_EQ(said.at("sslrootcert"), "/etc/ssl/certs/ca-certificates.crt");
  OutsideOptions own = options_to("db.example.com", OutsideTls::verify);
  own.ca = "/etc/weir/ca.pem";
  EXPECT_EQ(told(own).at("sslrootcert"), "/etc/weir/ca.pem");
}

TEST(Outside, files_of_a_home_folder_are_never_looked_for) {
  for (const OutsideTls tls : {OutsideTls::verify, OutsideTls::require, OutsideTls::off}) {
    const auto said = told(options_to("db.example.com", tls));
    for (const char* file : {"passfile", "sslcert", "sslkey", "sslcrl"}) {
      EXPECT_EQ(said.at(file), "/dev/null/none") << file;
    }
    EXPECT_FALSE(said.at("sslrootcert").empty());
  }
  EXPECT_EQ(told(options_to("db.example.com", OutsideTls::require)).at("sslrootcert"), "/dev/null/none");
  EXPECT_EQ(told(options_to("/run/postgresql", OutsideTls::verify)).at("sslmode"), "disable");
}

TEST(Outside, the_password_is_in_no_name_of_a_connection) {
  const OutsideOptions options = options_to("db.example.com", OutsideTls::verify);
  EXPECT_EQ(told(options).at("password"), "hush");
  EXPECT_EQ(outside_place(options), "connection prod (db.example.com:5432)");
  EXPECT_EQ(outside_place(options_to("/run/postgresql", OutsideTls::off)), "connection prod (/run/postgresql)");
}

TEST(Outside, variables_that_libpq_reads_are_known) {
  EXPECT_TRUE(is_libpq_variable("PGPASSWORD"));
  EXPECT_TRUE(is_libpq_variable("PGSERVICEFILE"));
  EXPECT_FALSE(is_libpq_variable("PATH"));
  EXPECT_FALSE(is_libpq_variable("WEIR_KEY"));
}

TEST(Outside, types_have_the_engines_names) {
  EXPECT_EQ(outside_type(20, -1), "BIGINT");
  EXPECT_EQ(outside_type(16, -1), "BOOLEAN");
  EXPECT_EQ(outside_type(1700, ((10 << 16) | 2) + 4), "DECIMAL(10,2)");
  EXPECT_EQ(outside_type(1700, -1), "DECIMAL");
  EXPECT_EQ(outside_type(3802, -1), "JSON");
  EXPECT_EQ(outside_type(2950, -1), "UUID");
  EXPECT_EQ(outside_type(1007, -1), "VARCHAR");  // int4[]
}

TEST(Outside, cells_are_numbers_truths_and_texts) {
  EXPECT_EQ(outside_cell(20, "-9223372036854775808"), Cell(INT64_MIN));
  EXPECT_EQ(outside_cell(16, "t"), Cell(true));
  EXPECT_EQ(outside_cell(16, "f"), Cell(false));
  EXPECT_EQ(outside_cell(701, "1.5e300"), Cell(1.5e300));
  EXPECT_EQ(outside_cell(701, "1e999"), Cell(std::string("1e999")));
  EXPECT_EQ(outside_cell(1700, "0.10"), Cell(std::string("0.10")));
  EXPECT_EQ(outside_cell(25, "gr\xFCn"), Cell(std::string("gr\xEF\xBF\xBDn")));
}

TEST(Outside, an_error_has_its_state_and_its_place_in_characters) {
  const Error error = outside_error({.sqlstate = "42703",
                                     .message = "column \"b\" does not exist",
                                     .detail = "There is a column named \"a\".",
                                     .hint = "Perhaps you meant \"a\".",
                                     .position = "22"},
                                    "SELECT 'über',\n      b");
  EXPECT_EQ(error.code, Code::invalid);
  EXPECT_EQ(error.message, "column \"b\" does not exist: There is a column named \"a\".");
  EXPECT_EQ(error.hint, "Perhaps you meant \"a\".");
  EXPECT_STREQ(error.sqlstate, "42703");
  ASSERT_TRUE(error.position);
  EXPECT_EQ(error.position->line, 2);
  EXPECT_EQ(error.position->column, 7);
  const Error bare = outside_error({}, "SELECT 1");
  EXPECT_EQ(bare.message, "the server gave no reason");
  EXPECT_EQ(bare.sqlstate, nullptr);
  EXPECT_FALSE(bare.position);
}

TEST(Outside, states_are_codes) {
  EXPECT_EQ(outside_code("28P01"), Code::unauthenticated);
  EXPECT_EQ(outside_code("42501"), Code::denied);
  EXPECT_EQ(outside_code("25006"), Code::denied);
  EXPECT_EQ(outside_code("3D000"), Code::not_found);
  EXPECT_EQ(outside_code("57014"), Code::cancelled);
  EXPECT_EQ(outside_code("57P01"), Code::unavailable);
  EXPECT_EQ(outside_code("53300"), Code::busy);
  EXPECT_EQ(outside_code("40001"), Code::conflict);
  EXPECT_EQ(outside_code("42601"), Code::invalid);
}

TEST(Outside, why_a_connection_was_not_made_is_found_in_the_report) {
  const std::string report =
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication failed for user "
      "\"weir\"\nLOCATION:  auth_failed, auth.c:338\n";
  EXPECT_EQ(outside_connect_state(report), "28P01");
  EXPECT_EQ(outside_report_line(report),
            "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password authentication failed "
            "for user \"weir\"");
  EXPECT_EQ(outside_connect_state("connection refused\n\tIs the server running?"), "");
  EXPECT_EQ(outside_connect_state("x:  28P0"), "");
  EXPECT_EQ(outside_version("15.18 (Debian 15.18-0+deb12u1)"), "15.18");
  EXPECT_EQ(outside_version("8.0.2"), "8.0.2");
}

// --- rows -----------------------------------------------------------------------------------------------------------

TEST(Outside, rows_become_a_block_of_their_types) {
  OutsideResult result;
  result.columns = {{"n", "INTEGER"},
                    {"price", "DECIMAL(10,2)"},
                    {"at", "TIMESTAMP WITH TIME ZONE"},
                    {"day", "DATE"},
                    {"big", "DECIMAL(38,0)"}};
  result.rows.push_back({int64_t{7}, std::string("-12.5"), std::string("2026-01-02 03:04:05.5+00"),
                         std::string("1970-01-02"), std::string("99999999999999999999")});
  result.rows.push_back({nullptr, nullptr, nullptr, nullptr, nullptr});
  const auto block = block_of(result);
  ASSERT_TRUE(block) << block.error().text();
  ASSERT_EQ(block->rows(), 2u);
  EXPECT_EQ(block->column(0).int_at(0), 7);
  EXPECT_EQ(block->column(1).int_at(0), -1250);
  EXPECT_EQ(block->column(2).int_at(0), 1767323045500000);
  EXPECT_EQ(block->column(3).int_at(0), 1);
  EXPECT_EQ(block->column(4).text_at(0), "99999999999999999999");
  EXPECT_TRUE(block->column(1).is_null(1));
}

TEST(Outside, a_value_that_the_type_does_not_have_is_named) {
  OutsideResult result;
  result.columns = {{"until", "TIMESTAMP"}};
  result.rows.push_back({std::string("infinity")});
  const auto block = block_of(result);
  ASSERT_FALSE(block);
  EXPECT_EQ(block.error().code, Code::unsupported);
  EXPECT_NE(block.error().message.find("'until' of type TIMESTAMP holds 'infinity'"), std::string::npos)
      << block.error().message;
}

// --- declarations ---------------------------------------------------------------------------------------------------

struct Read {
  std::vector<Error> errors;
  Result<std::vector<OutsideOptions>> options = std::vector<OutsideOptions>{};
};

Read read(const std::string& yaml) {
  Read out;
  std::vector<Error> warnings;
  const auto file = parse_yaml(yaml, {"weir.yaml", 1});
  EXPECT_TRUE(file);
  project::SettingSources from;
  from.file = &*file;
  const auto settings = project::read_settings(connection_settings(), from, out.errors, warnings);
  if (out.errors.empty()) {
    out.options = declared_connections(settings, "/shop", [](std::string_view name) { return std::string(name); });
  }
  return out;
}

TEST(OutsideSettings, a_name_off_this_machine_is_verified_and_this_machine_needs_nothing) {
  const Read here = read("connections: {a: {host: localhost, database: d, user: u}}");
  ASSERT_TRUE(here.options);
  EXPECT_EQ(here.options->at(0).tls, OutsideTls::off);
  EXPECT_EQ(here.options->at(0).port, 5432);
  EXPECT_TRUE(here.options->at(0).read_only);
  const Read there = read("connections: {a: {kind: redshift, host: db.example.com, database: d, user: u, ca: ca.pem}}");
  ASSERT_TRUE(there.options);
  EXPECT_EQ(there.options->at(0).tls, OutsideTls::verify);
  EXPECT_EQ(there.options->at(0).port, 5439);
  EXPECT_EQ(there.options->at(0).ca, "/shop/ca.pem");
  const Read open = read("connections: {a: {host: db.example.com, database: d, user: u, tls: off}}");
  ASSERT_TRUE(open.options);
  EXPECT_EQ(open.options->at(0).tls, OutsideTls::off);
}

TEST(OutsideSettings, mistakes_are_told_with_their_place) {
  const auto told_of = [](const std::string& lines) {
    const Read said = read("connections:\n\n  " + lines + "\n");
    if (!said.errors.empty()) return said.errors.front().text();
    return said.options ? std::string("no mistake") : said.options.error().text();
  };
  EXPECT_EQ(told_of("a: {database: d, user: u}"), "weir.yaml:3:17: connections.a: it has no host (say host:)");
  EXPECT_EQ(told_of("a: {host: h, user: u}"), "weir.yaml:3:13: connections.a: it has no database (say database:)");
  EXPECT_TRUE(told_of("a: {host: 'h:5432', database: d, user: u}").starts_with("weir.yaml:3:13: connections.a.host"));
  EXPECT_TRUE(told_of("a: {host: 'h/d', database: d, user: u}").starts_with("weir.yaml:3:13: connections.a.host"));
  EXPECT_TRUE(told_of("a: {host: /run/postgresql, database: d, user: u, tls: verify}")
                  .starts_with("weir.yaml:3:57: connections.a: a Unix socket is not encrypted"));
  EXPECT_TRUE(told_of("a: {host: h, database: d, user: u, tls: off, ca: x.pem}").starts_with("weir.yaml:3:52: "));
  EXPECT_TRUE(told_of("A-B: {host: h, database: d, user: u}").starts_with("weir.yaml:3:8: connections: 'A-B'"));
  EXPECT_TRUE(told_of("a: {host: h, database: d, user: u, max: 65}").starts_with("weir.yaml:3:43: "));
  EXPECT_TRUE(told_of("a: {hots: h}").find("did you mean 'host'") != std::string::npos);
  EXPECT_TRUE(told_of("a: {host: h, database: d, user: u, password: hush}").find("is a secret") != std::string::npos);
}

TEST(OutsidePools, a_connection_that_is_not_declared_is_told_with_those_that_are) {
  const OutsidePools none({}, nullptr);
  EXPECT_EQ(none.find("prod").error().code, Code::not_found);
  const OutsidePools pools({options_to("h", OutsideTls::verify)}, nullptr);
  EXPECT_TRUE(pools.find("prod"));
  const auto missing = pools.find("prot");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().hint, "did you mean 'prod'?");
  const OutsidePools refusing({options_to("h", OutsideTls::verify)}, nullptr, Error(Code::unsupported, "not here"));
  EXPECT_EQ(refusing.find("prod").error().code, Code::unsupported);
}

}  // namespace
}  // namespace weir::engine
