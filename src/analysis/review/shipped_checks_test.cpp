// Each check of the review `warehouse`, with rows over which it fires and rows over which it does not:
// shipped/warehouse/fixtures/<name of the signal>/fires.sql and quiet.sql.
//
// The statements really run, on weir's own engine in Redshift's words, over tables that have the names and columns of
// the system relations: they are made of weir's relations of these names, so that a fixture cannot name a column that
// the relation does not have. They lie in a schema of their own, which is written before the names of relations in the
// statement, as a system relation is found before any other of its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#include "analysis/review/judge.h"
#include "analysis/review/shipped.h"
#include "platform/warehouse/session_fixture.h"

namespace weir::review {
namespace {

constexpr size_t kChecksMin = 28;
constexpr const char* kPrefix = ".made_";  // nobody may make a table with a name that begins with pg_

// "a compressed first sort column" -> "a-compressed-first-sort-column"
std::string folder_of(const std::string& signal) {
  std::string out;
  for (const char c : signal) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      out += static_cast<char>(std::tolower(byte));
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  return out;
}

std::optional<std::string> file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// The text with the schema before each of these relations.
std::string in_schema(const std::string& schema, const std::vector<std::string>& relations, const std::string& sql) {
  const auto is_of_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  std::string out;
  for (size_t at = 0; at < sql.size();) {
    size_t end = at;
    while (end < sql.size() && is_of_word(sql[end])) ++end;
    const std::string word = sql.substr(at, end - at);
    if (std::find(relations.begin(), relations.end(), word) != relations.end()) out += schema + kPrefix;
    out += end == at ? sql.substr(at, 1) : word;
    at = std::max(end, at + 1);
  }
  return out;
}

class ShippedChecks : public warehouse::SessionTest {
 protected:
  std::unique_ptr<warehouse::Session> session_of(const std::string& search_path) {
    auto session = warehouse::Session::open(
        *warehouse_, {.user = {.name = "weir", .may_read = true, .may_administer = true, .id = access::kOwnerUser},
                      .client = "test",
                      .peer = "",
                      .profile = warehouse::Profile::redshift,
                      .settings = {{"search_path", search_path}}});
    EXPECT_TRUE(session) << session.error().text();
    return session ? std::move(*session) : nullptr;
  }

  // The query's result over the rows that the fixture makes.
  Result<Frame> result_over(const Query& query, const std::string& fixture) {
    const std::string schema = "fixture_" + std::to_string(++schemas_);
    const auto maker = session_of("public");
    std::string said = ask(*maker, "CREATE SCHEMA " + schema);
    for (const std::string& relation : query.needs) {
      const std::string table = schema + kPrefix + relation;
      said = ask(*maker, "CREATE TABLE " + table + " AS SELECT * FROM " + relation + " WHERE false");
      if (said.find("SELECT") == std::string::npos) return Error(Code::invalid, table + ": " + said);
    }
    const auto session = session_of(schema);
    TRY_ASSIGN(const auto statements, session->split(fixture));
    for (const std::string& statement : statements) {
      said = ask(*session, in_schema(schema, query.needs, statement));
      if (said.find("INSERT") == std::string::npos) return Error(Code::invalid, statement + ": " + said);
    }
    const std::string sql = in_schema(schema, query.needs, *query.sql_for("redshift"));
    TRY_ASSIGN(const auto admission, session->admit({.sql = sql, .parameters = {}}));
    TRY_ASSIGN(const auto execution, admission->start());
    std::vector<std::vector<engine::Cell>> rows;
    while (true) {
      TRY_ASSIGN(auto more, execution->next());
      if (more.empty()) break;
      for (auto& row : more) rows.push_back(std::move(row));
    }
    return Frame::of(execution->columns(), std::move(rows));
  }

  // The names of those that are met; one that could not be judged is a failure.
  std::vector<std::string> met_by(const Query& query, const std::string& fixture, const std::string& where) {
    std::vector<std::string> out;
    const auto frame = result_over(query, fixture);
    EXPECT_TRUE(frame) << where << ": " << frame.error().text();
    if (!frame) return out;
    for (const Signal& signal : query.signals) {
      const SignalJudgement judged = judge(signal, &*frame, "");
      const bool has_no_rows = judged.why == "there are no rows to ask about";
      EXPECT_TRUE(judged.colour != Colour::not_measured || has_no_rows) << where << ": " << judged.why;
      if (judged.match.is_met) out.push_back(signal.name);
    }
    return out;
  }

  int schemas_ = 0;
};

TEST_F(ShippedChecks, each_check_of_the_warehouse_review_fires_where_it_should_and_nowhere_else) {
  const auto shipped = shipped_review("warehouse");
  ASSERT_TRUE(shipped);
  const std::string fixtures = std::string(WEIR_FIXTURES) + "/warehouse/fixtures/";
  size_t checks = 0;
  for (const Query& query : (*shipped)->review.queries) {
    // Over weir's own relations, which only a server has: tests/scenario/test_review_weir.py.
    if (query.engines == std::vector<std::string>{"weir"}) continue;
    for (const Signal& signal : query.signals) {
      ++checks;
      const std::string folder = fixtures + folder_of(signal.name);
      const auto fires = file(folder + "/fires.sql"), quiet = file(folder + "/quiet.sql");
      EXPECT_TRUE(fires && quiet) << "there is no " << folder << "/fires.sql or quiet.sql";
      if (!fires || !quiet) continue;
      EXPECT_THAT(met_by(query, *fires, folder + "/fires.sql"), ::testing::ElementsAre(signal.name)) << folder;
      EXPECT_THAT(met_by(query, *quiet, folder + "/quiet.sql"), ::testing::IsEmpty()) << folder;
    }
  }
  std::printf("checks of the review warehouse: %zu\n", checks);
  EXPECT_GE(checks, kChecksMin);
}

}  // namespace
}  // namespace weir::review
