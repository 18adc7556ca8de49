// Functions that people make in SQL: what a call becomes, who may call, and what keeps one from going.
#include <gmock/gmock.h>

#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;

class FunctionsTest : public SessionTest {
 protected:
  void make(const std::string& signature, const std::string& returns, const std::string& body) {
    EXPECT_EQ(
        ask("CREATE FUNCTION " + signature + " RETURNS " + returns + " STABLE AS $$ " + body + " $$ LANGUAGE sql"),
        "CREATE FUNCTION")
        << signature;
  }
};

TEST_F(FunctionsTest, a_call_is_its_expression_with_the_arguments_in_place) {
  make("f_greater(float, float)", "float", "SELECT CASE WHEN $1 > $2 THEN $1 ELSE $2 END");
  EXPECT_EQ(ask("SELECT f_greater(1, 2.5)"), "2.500000; SELECT 1");
  make("f_net(int)", "int", "SELECT $1 * 80 / 100");
  make("f_net(int, int)", "int", "SELECT $1 * (100 - $2) / 100");
  make("f_twice(int)", "int", "SELECT f_net($1) + f_net($1)");
  EXPECT_EQ(ask("SELECT f_net(100), f_net(100, 50), f_twice(f_net(100)), public.f_net(10)"), "80|50|128|8; SELECT 1");
  EXPECT_EQ(ask("SELECT f_net(2 + 3 * 10)"), "25; SELECT 1") << "arguments are expressions, not text";
  EXPECT_EQ(ask("SELECT f_net(ad_id::int) FROM impressions ORDER BY f_net(ad_id::int) DESC LIMIT 1"), "1; SELECT 1");
  EXPECT_EQ(ask("SELECT count(*) FROM impressions WHERE f_net(ad_id::int) > 0 GROUP BY f_net(1) HAVING f_net(10) = 8"),
            "1; SELECT 1")
      << "of 0, 1, 2 only 2 * 80 / 100 is more than 0, as whole numbers divide";
  EXPECT_EQ(ask("SELECT f_net(sum(ad_id)) FROM impressions"), "2; SELECT 1");
  EXPECT_EQ(ask("SELECT f_net(NULL)"), "NULL; SELECT 1");
  EXPECT_EQ(ask(*root_, "SELECT f_net($1)", {Json(int64_t{200})}), "160; SELECT 1");
  make("f_word(varchar)", "varchar", "SELECT upper($1) || '!'");
  EXPECT_EQ(ask("SELECT f_word('a''); DROP TABLE x; --')"), "A'); DROP TABLE X; --!; SELECT 1");
  EXPECT_EQ(ask("SELECT f_word(5)"), "5!; SELECT 1") << "cast as declared";
  EXPECT_EQ(code("SELECT f_net('x')"), "22P02");
  EXPECT_EQ(code("SELECT f_net(1, 2, 3)"), "42883");
  EXPECT_EQ(code("SELECT f_net(DISTINCT 1)"), "inval");
  EXPECT_EQ(ask("PREPARE p(int) AS SELECT f_net($1)"), "PREPARE");
  EXPECT_EQ(ask("EXECUTE p(50)"), "40; SELECT 1");
}

TEST_F(FunctionsTest, what_cannot_be_a_function_says_why) {
  make("f_one()", "int", "SELECT 1");
  for (const auto& [sql, expected] : std::vector<std::pair<std::string, std::string>>{
           {"CREATE FUNCTION f_x(a float) RETURNS float STABLE AS $$ return a $$ LANGUAGE plpythonu",
            "LANGUAGE plpythonu"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT max(id) FROM t $$ LANGUAGE sql", "has no from"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT (SELECT 1) $$ LANGUAGE sql", "no SELECT in it"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ DELETE FROM t $$ LANGUAGE sql", "begins with SELECT"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT 1; SELECT 2 $$ LANGUAGE sql", "is one SELECT"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT 1, 2 $$ LANGUAGE sql", "one expression"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT $2 $$ LANGUAGE sql", "$2"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT f_x($1) $$ LANGUAGE sql", "f_x()"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT getenv('HOME') $$ LANGUAGE sql", "getenv"},
           {"CREATE FUNCTION f_x(int) RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql", "VOLATILE, STABLE or IMMUTABLE"},
           {"CREATE FUNCTION f_x(int) RETURNS int STABLE AS $$ SELECT 1 $$", "LANGUAGE sql"},
           {"CREATE FUNCTION sum(int) RETURNS int STABLE AS $$ SELECT 1 $$ LANGUAGE sql", "one of the system's"},
           {"CREATE FUNCTION f_one() RETURNS int STABLE AS $$ SELECT 2 $$ LANGUAGE sql", "already exists"},
           {"CREATE OR REPLACE FUNCTION f_one() RETURNS varchar STABLE AS $$ SELECT 'a' $$ LANGUAGE sql",
            "cannot change the type"},
           {"CREATE PROCEDURE p() AS $$ $$ LANGUAGE plpgsql", "CREATE PROCEDURE"}}) {
    EXPECT_THAT(ask(sql), HasSubstr(expected)) << sql;
  }
  EXPECT_EQ(ask("CREATE OR REPLACE FUNCTION f_one() RETURNS int STABLE AS $$ SELECT 2 $$ LANGUAGE sql"),
            "CREATE FUNCTION");
  EXPECT_EQ(ask("SELECT f_one()"), "2; SELECT 1");
  make("f_a(int)", "int", "SELECT $1");
  make("f_b(int)", "int", "SELECT f_a($1)");
  EXPECT_EQ(code("CREATE OR REPLACE FUNCTION f_a(int) RETURNS int STABLE AS $$ SELECT f_b($1) $$ LANGUAGE sql"),
            "42P13");
  // Each doubles what it is given: the limit is met before the memory is.
  make("f_d0(int)", "int", "SELECT $1 + $1");
  std::string last;
  for (int i = 1; i < 30; ++i) {
    const std::string name = "f_d" + std::to_string(i);
    last = ask("CREATE FUNCTION " + name + "(int) RETURNS int STABLE AS $$ SELECT f_d" + std::to_string(i - 1) +
               "($1) + f_d" + std::to_string(i - 1) + "($1) $$ LANGUAGE sql");
    if (last != "CREATE FUNCTION") break;
  }
  EXPECT_THAT(last, HasSubstr("too_large"));
  make("f_pad(int)", "varchar", "SELECT repeat('x', $1)");
  EXPECT_EQ(code("SELECT f_pad(1000000000)"), "too_l");
  make("f_same(float)", "boolean", "SELECT $1 = $1");
  EXPECT_THAT(ask("SELECT f_same(random())"), HasSubstr("more than once"));
}

TEST_F(FunctionsTest, rights_schemas_and_dependents) {
  const auto ada = user("ada");
  make("f_net(int)", "int", "SELECT $1 * 80 / 100");
  EXPECT_EQ(ask(*ada, "SELECT f_net(10)"), "8; SELECT 1");
  EXPECT_EQ(ask("REVOKE EXECUTE ON FUNCTION f_net(int) FROM PUBLIC"), "REVOKE");
  EXPECT_EQ(code(*ada, "SELECT f_net(10)"), "42501");
  EXPECT_EQ(code(*ada, "GRANT EXECUTE ON FUNCTION f_net(int) TO ada"), "42501");
  EXPECT_EQ(ask("GRANT EXECUTE ON FUNCTION f_net(int) TO ada"), "GRANT");
  EXPECT_EQ(ask(*ada, "SELECT f_net(10)"), "8; SELECT 1");
  EXPECT_EQ(code("GRANT EXECUTE ON FUNCTION f_net(int, int) TO ada"), "42883");
  EXPECT_EQ(code(*ada, "DROP FUNCTION f_net(int)"), "42501");
  EXPECT_EQ(ask("CREATE VIEW nets AS SELECT f_net(ad_id::int) AS net FROM impressions"), "CREATE VIEW");
  EXPECT_EQ(ask("SELECT sum(net) FROM nets"), "1; SELECT 1");
  EXPECT_EQ(code("DROP FUNCTION f_net(int)"), "2BP01");
  EXPECT_EQ(code("DROP USER ada"), "2BP01");
  EXPECT_EQ(ask("DROP VIEW nets"), "DROP VIEW");
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  EXPECT_EQ(ask("DROP FUNCTION f_net(int)"), "DROP FUNCTION");
  EXPECT_EQ(code("SELECT f_net(1)"), "denie");
  EXPECT_EQ(ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(ask("SELECT f_net(10)"), "8; SELECT 1") << "in the transaction of its statement";
  EXPECT_EQ(ask("DROP FUNCTION f_net(int)"), "DROP FUNCTION");
  EXPECT_EQ(code("DROP FUNCTION f_net(int)"), "42883");
  EXPECT_EQ(ask("DROP FUNCTION IF EXISTS f_net(int)"), "DROP FUNCTION");
  EXPECT_EQ(ask("CREATE SCHEMA tools"), "CREATE SCHEMA");
  make("tools.f_id(int)", "int", "SELECT $1 + 1000");
  EXPECT_EQ(ask("SELECT tools.f_id(1)"), "1001; SELECT 1");
  EXPECT_EQ(code("SELECT f_id(1)"), "denie");
  EXPECT_EQ(ask("SET search_path TO tools, public"), "SET");
  EXPECT_EQ(ask("SELECT f_id(1)"), "1001; SELECT 1");
  EXPECT_EQ(code(*ada, "SELECT tools.f_id(1)"), "42501") << "USAGE of the schema";
  EXPECT_EQ(code("DROP SCHEMA tools"), "2BP01");
  EXPECT_EQ(ask("SELECT proname, pronargs, prosrc FROM pg_proc WHERE proname = 'f_id'"),
            "f_id|1| SELECT $1 + 1000 ; SELECT 1");
  EXPECT_EQ(ask("DROP SCHEMA tools CASCADE"), "DROP SCHEMA");
}

}  // namespace
}  // namespace weir::warehouse
