// Row-level security and masks: whose rows are seen, and that nothing a statement may say tells of the others.
#include <gmock/gmock.h>

#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PoliciesTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    ok("CREATE TABLE pay (id INT, who VARCHAR(20), amount INT, note VARCHAR(40))");
    ok("INSERT INTO pay VALUES (1, 'ada', 10, '5'), (2, 'bob', 0, 'HIDDEN'), (3, 'ada', 30, '7'), (4, 'eve', 99, "
       "'HIDDEN')");
    ok("GRANT SELECT, INSERT, UPDATE, DELETE ON pay TO PUBLIC");
    ada_ = user("ada");
    bob_ = user("bob");
    ok("CREATE RLS POLICY own_rows WITH (who VARCHAR(20)) USING (who = current_user)");
    ok("ATTACH RLS POLICY own_rows ON pay TO PUBLIC");
    ok("ALTER TABLE pay ROW LEVEL SECURITY ON");
  }
  void TearDown() override {
    ada_.reset();
    bob_.reset();
    SessionTest::TearDown();
  }
  void ok(const std::string& sql) {
    const std::string answer = ask(sql);
    EXPECT_THAT(answer, Not(testing::ContainsRegex("^[0-9A-Z_a-z]+: "))) << sql << ": " << answer;
  }
  std::string ada(const std::string& sql) { return ask(*ada_, sql); }
  std::string bob(const std::string& sql) { return ask(*bob_, sql); }
  std::unique_ptr<Session> ada_, bob_;
};

TEST_F(PoliciesTest, everybody_sees_their_own_rows_whatever_way_they_ask) {
  EXPECT_EQ(ask("SELECT count(*) FROM pay"), "4; SELECT 1") << "a superuser sees all";
  for (const auto& [sql, expected] : std::vector<std::pair<std::string, std::string>>{
           {"SELECT id FROM pay ORDER BY id", "1;3; SELECT 2"},
           {"SELECT * FROM pay ORDER BY id", "1|ada|10|5;3|ada|30|7; SELECT 2"},
           {"SELECT count(*) FROM pay", "2; SELECT 1"},
           {"SELECT sum(amount), min(amount), max(amount) FROM public.pay", "40|10|30; SELECT 1"},
           {"SELECT count(*) FROM pay AS p(a, b) WHERE p.b <> 'x'", "2; SELECT 1"},
           {"WITH x AS (SELECT * FROM pay) SELECT count(*) FROM x", "2; SELECT 1"},
           {"SELECT (SELECT count(*) FROM pay)", "2; SELECT 1"},
           {"SELECT count(*) FROM pay a JOIN pay b ON a.id = b.id", "2; SELECT 1"},
           {"SELECT count(*) FROM pay a LEFT JOIN pay b ON a.id + 1 = b.id", "2; SELECT 1"},
           {"SELECT count(*) FROM (SELECT id FROM pay UNION ALL SELECT id FROM pay) u", "4; SELECT 1"},
           {"SELECT count(*) FROM (SELECT id FROM pay EXCEPT SELECT 1) u", "1; SELECT 1"},
           {"SELECT id FROM pay a WHERE EXISTS (SELECT 1 FROM pay b WHERE b.amount > a.amount)", "1; SELECT 1"},
           {"SELECT id FROM pay ORDER BY amount DESC LIMIT 1", "3; SELECT 1"},
           {"SELECT x.id FROM (SELECT id, row_number() OVER (ORDER BY amount) AS n FROM pay) x WHERE n = 2",
            "3; SELECT 1"},
           {"WITH RECURSIVE r AS (SELECT min(id) AS id FROM pay UNION ALL SELECT r.id + 1 FROM r WHERE r.id < 3) "
            "SELECT "
            "count(*) FROM r JOIN pay USING (id)",
            "2; SELECT 1"},
           {"SELECT p.id FROM (VALUES (2), (3)) v(id) JOIN LATERAL (SELECT * FROM pay WHERE pay.id = v.id) p ON true",
            "3; SELECT 1"}}) {
    EXPECT_EQ(ada(sql), expected) << sql;
  }
  EXPECT_EQ(bob("SELECT id FROM pay"), "2; SELECT 1");
  EXPECT_EQ(ada("CREATE TABLE mine AS SELECT * FROM pay"), "SELECT 2");
  EXPECT_EQ(ada("PREPARE p AS SELECT id FROM pay WHERE amount > $1"), "PREPARE");
  EXPECT_EQ(ada("EXECUTE p(1)"), "1;3; SELECT 2");
  EXPECT_EQ(ask(*ada_, "SELECT id FROM pay WHERE who = $1", {Json("bob")}), "SELECT 0");
  EXPECT_EQ(ada("BEGIN"), "BEGIN");
  EXPECT_EQ(ada("DECLARE c CURSOR FOR SELECT id FROM pay ORDER BY id"), "DECLARE CURSOR");
  EXPECT_EQ(ada("FETCH ALL FROM c"), "1;3; FETCH 2");
  EXPECT_EQ(ada("COMMIT"), "COMMIT");
}

TEST_F(PoliciesTest, a_view_shows_its_readers_rows) {
  ok("CREATE VIEW shown AS SELECT id, who FROM pay");
  ok("GRANT SELECT ON shown TO PUBLIC");
  ok("REVOKE SELECT ON pay FROM PUBLIC");
  EXPECT_EQ(ada("SELECT id FROM shown ORDER BY id"), "1;3; SELECT 2");
  EXPECT_EQ(bob("SELECT count(*) FROM shown"), "1; SELECT 1");
  EXPECT_EQ(code(*ada_, "SELECT id FROM pay"), "42501");
  EXPECT_EQ(ask("SELECT count(*) FROM shown"), "4; SELECT 1");
  EXPECT_EQ(code("CREATE MATERIALIZED VIEW kept AS SELECT * FROM shown"), "0A000");
  // A policy of the view itself.
  ok("CREATE RLS POLICY first_only WITH (id INT) USING (id < 2)");
  ok("ATTACH RLS POLICY first_only ON shown TO PUBLIC");
  ok("ALTER TABLE shown ROW LEVEL SECURITY ON");
  EXPECT_EQ(ada("SELECT id FROM shown"), "1; SELECT 1");
  EXPECT_EQ(bob("SELECT id FROM shown"), "SELECT 0");
}

TEST_F(PoliciesTest, no_expression_of_a_statement_meets_a_hidden_row) {
  ok("CREATE TABLE other AS SELECT 1 AS id, 'x' AS t");
  ok("GRANT SELECT ON other TO PUBLIC");
  for (const char* sql :
       {"SELECT id FROM pay WHERE 100 / amount > 0",
        "SELECT id FROM pay WHERE CAST(note AS INT) > 0",
        "SELECT id FROM pay WHERE note::int > 0 AND who = 'bob'",
        "SELECT id FROM pay WHERE who = 'bob' OR note::int > 0",
        "SELECT id FROM pay WHERE CASE WHEN who = 'ada' THEN true ELSE note::int > 0 END",
        "SELECT note::int FROM pay",
        "SELECT max(note::int) FROM pay",
        "SELECT id FROM pay ORDER BY note::int",
        "SELECT p.id FROM pay p JOIN other o ON p.note::int > o.id",
        "SELECT p.id FROM other o, pay p WHERE o.id = p.note::int OR p.note::int > 0",
        "SELECT count(*) FROM other o LEFT JOIN pay p ON p.note::int = o.id",
        "SELECT count(*) FROM other o WHERE EXISTS (SELECT 1 FROM pay p WHERE p.note::int = o.id)",
        "SELECT count(*) FROM other o WHERE o.id IN (SELECT note::int FROM pay)",
        "SELECT id FROM (SELECT id, note::int AS n FROM pay) q JOIN other USING (id) WHERE n > 0",
        "SELECT id FROM (SELECT * FROM pay EXCEPT SELECT * FROM pay WHERE false) q WHERE note::int > 0",
        "SELECT id FROM (SELECT DISTINCT * FROM pay) q WHERE note::int > 0",
        "SELECT id FROM pay WHERE note::int IN (SELECT note::int FROM pay)",
        "WITH q AS (SELECT * FROM pay) SELECT a.id FROM q a JOIN q b ON a.note::int = b.note::int",
        "SELECT id FROM pay GROUP BY id, note HAVING max(note::int) > 0",
        "SELECT id FROM pay QUALIFY row_number() OVER (ORDER BY note::int) = 1",
        "UPDATE pay SET amount = amount WHERE note::int > 0",
        "UPDATE pay SET amount = note::int",
        "UPDATE pay SET amount = pay.amount FROM other WHERE pay.note::int > other.id",
        "UPDATE pay SET amount = amount WHERE EXISTS (SELECT 1 FROM other WHERE other.id < pay.note::int)",
        "DELETE FROM pay WHERE note::int < 0",
        "DELETE FROM pay USING other WHERE pay.note::int < other.id"}) {
    const std::string answer = ada(sql);
    EXPECT_THAT(answer, Not(testing::ContainsRegex("^[0-9A-Z_a-z]+: "))) << sql << ": " << answer;
    EXPECT_THAT(answer, Not(HasSubstr("HIDDEN"))) << sql;
  }
  EXPECT_EQ(ask("SELECT count(*) FROM pay"), "4; SELECT 1");
}

TEST_F(PoliciesTest, the_same_behind_a_lookup_that_becomes_a_join) {
  ok("CREATE TABLE members (name VARCHAR(20), team VARCHAR(20))");
  ok("INSERT INTO members VALUES ('ada', 'ada'), ('ada', 'bob')");
  ok("CREATE RLS POLICY teams WITH (who VARCHAR(20)) AS p USING (p.who IN (SELECT team FROM members m WHERE m.name = "
     "current_user))");
  ok("DETACH RLS POLICY own_rows ON pay FROM PUBLIC");
  ok("ATTACH RLS POLICY teams ON pay TO PUBLIC");
  ok("UPDATE pay SET note = '9' WHERE who = 'bob'");
  ok("CREATE TABLE other AS SELECT 1 AS id");
  ok("GRANT SELECT ON other TO PUBLIC");
  for (const char* sql : {"SELECT count(*) FROM pay", "SELECT count(*) FROM pay WHERE note::int > 0",
                          "SELECT count(*) FROM pay p, other o WHERE p.note::int > o.id",
                          "SELECT count(*) FROM pay p JOIN other o ON p.note::int > o.id",
                          "SELECT count(*) FROM other o JOIN pay p ON p.note::int + o.id > 0",
                          "SELECT count(*) FROM (SELECT note::int AS n FROM pay) q, other o WHERE q.n > o.id"}) {
    EXPECT_EQ(ada(sql), "3; SELECT 1") << sql;
  }
  EXPECT_EQ(bob("SELECT count(*) FROM pay"), "0; SELECT 1");
  EXPECT_EQ(code(*ada_, "SELECT * FROM members"), "42501") << "the policy reads it, its user does not";
  // Nobody puts a table of their own in the lookup's place.
  EXPECT_EQ(bob("CREATE TEMP TABLE members AS SELECT 'bob' AS name, 'ada' AS team"), "SELECT 1");
  EXPECT_EQ(bob("SELECT count(*) FROM pay"), "0; SELECT 1");
  ok("CREATE SCHEMA theirs");
  ok("GRANT ALL ON SCHEMA theirs TO bob");
  EXPECT_EQ(bob("CREATE TABLE theirs.members AS SELECT 'bob' AS name, 'ada' AS team"), "SELECT 1");
  EXPECT_EQ(bob("SET search_path TO theirs, public"), "SET");
  EXPECT_EQ(bob("SELECT count(*) FROM pay"), "0; SELECT 1");
}

// The engine itself does not move what it knows to fail. What it does not know, the wall in guard_function.cpp holds:
// without it the statement's conditions stand among the scan's filters, beside the policy's.
TEST_F(PoliciesTest, a_condition_that_the_engine_would_rather_do_later) {
  ok("ALTER RLS POLICY own_rows USING (regexp_replace(lower(who || 'x'), 'x$', '') = current_user)");
  ok("CREATE TABLE other AS SELECT 1 AS id");
  ok("GRANT SELECT ON other TO PUBLIC");
  for (const char* sql :
       {"SELECT count(*) FROM pay WHERE strtol(note, 10) > 0",
        "SELECT count(*) FROM pay WHERE to_number(note, '999') > 0",
        "SELECT count(*) FROM pay WHERE to_date(note, 'D') IS NOT NULL",
        "SELECT count(*) FROM pay WHERE 100 / amount > 0", "SELECT count(*) FROM pay WHERE note::int > 0",
        "SELECT count(*) FROM pay WHERE json_array_length(note) IS NULL OR true",
        "SELECT count(*) FROM pay WHERE chr(CASE WHEN note = 'HIDDEN' THEN -5 ELSE 65 END) = 'A'",
        "SELECT count(*) FROM pay WHERE dateadd(CASE WHEN note = 'HIDDEN' THEN 'no' ELSE 'day' END, 1, DATE "
        "'2026-01-01') > DATE "
        "'2026-01-01'",
        "SELECT count(*) FROM pay p JOIN other o ON strtol(p.note, 10) >= o.id",
        "SELECT count(*) FROM pay p, other o WHERE strtol(p.note, 10) >= o.id AND o.id = 1"}) {
    EXPECT_EQ(ada(sql), "2; SELECT 1") << sql;
  }
  // The same seen from outside: in the plan the statement's condition stands above the policy's, not beside it.
  ok("CREATE ROLE looker");
  ok("GRANT EXPLAIN RLS TO ROLE looker");
  ok("GRANT ROLE looker TO ada");
  const std::string plan = ada("EXPLAIN SELECT id FROM pay WHERE amount > 0 AND strtol(note, 10) > 0");
  const size_t scan = plan.find("SEQ_SCAN"), policy = plan.find("regexp_replace");
  ASSERT_TRUE(scan != std::string::npos && policy != std::string::npos) << plan;
  EXPECT_LT(plan.find("(amount > 0)"), scan) << plan;
  EXPECT_LT(plan.find("strtol"), scan) << plan;
  EXPECT_EQ(plan.find("amount>0"), std::string::npos)
      << "among the scan's own filters, whose order changes while it runs";
  EXPECT_LT(scan, policy) << plan;
}

TEST_F(PoliciesTest, plans_counts_and_other_ways_around_tell_nothing) {
  EXPECT_EQ(code(*ada_, "EXPLAIN SELECT * FROM pay"), "42501");
  EXPECT_EQ(code(*ada_, "EXPLAIN ANALYZE SELECT count(*) FROM pay"), "42501");
  EXPECT_THAT(ask("EXPLAIN SELECT * FROM pay"), HasSubstr("EXPLAIN"));
  ok("CREATE ROLE looker");
  ok("GRANT EXPLAIN RLS TO ROLE looker");
  ok("GRANT ROLE looker TO ada");
  EXPECT_THAT(ada("EXPLAIN SELECT * FROM pay"), HasSubstr("PROJECTION"));
  EXPECT_EQ(ada("SELECT tbl_rows FROM svv_table_info WHERE \"table\" = 'pay'"), "NULL; SELECT 1");
  EXPECT_EQ(ada("SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'pay'"), "NULL; SELECT 1");
  EXPECT_EQ(ask("SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'pay'"), "4; SELECT 1");
  for (const char* sql :
       {"SELECT * FROM warehouse.public.pay", "SELECT * FROM \"warehouse\".\"PUBLIC\".\"PAY\"", "SELECT * FROM \"PAY\"",
        "SELECT * FROM \"Public\".\"Pay\"", "SELECT * FROM weir.public.pay", "FROM pay", "TABLE pay",
        "SELECT rowid FROM pay", "SELECT weir_row FROM pay", "SELECT * FROM weir_rows_of('', 'public', 'pay', true)",
        "SELECT * FROM query_table('pay')", "SUMMARIZE pay", "SELECT * FROM pay TABLESAMPLE 100 PERCENT",
        "MERGE INTO pay USING pay p ON pay.id = p.id WHEN MATCHED THEN UPDATE SET amount = 1",
        "DELETE FROM pay WHERE id IN (SELECT id FROM warehouse.public.pay)", "SELECT stats(note) FROM pay",
        "INSERT INTO pay SELECT * FROM warehouse.public.pay RETURNING *"}) {
    EXPECT_THAT(ada(sql), Not(HasSubstr("HIDDEN"))) << sql;
  }
  EXPECT_EQ(ask("SELECT count(*) FROM pay WHERE amount = 1"), "0; SELECT 1");
}

TEST_F(PoliciesTest, changes_reach_only_rows_that_are_seen) {
  EXPECT_EQ(ada("UPDATE pay SET amount = amount + 1"), "UPDATE 2");
  EXPECT_EQ(ada("UPDATE pay AS p SET amount = p.amount + 1, note = '8' WHERE p.who = 'bob'"), "UPDATE 0");
  EXPECT_EQ(ada("UPDATE pay SET amount = v.n FROM (VALUES (1, 100), (2, 200)) v(id, n) WHERE v.id = pay.id"),
            "UPDATE 1");
  EXPECT_EQ(ask("SELECT amount FROM pay ORDER BY id"), "100;0;31;99; SELECT 4");
  EXPECT_EQ(ada("DELETE FROM pay WHERE id IN (1, 2)"), "DELETE 1");
  EXPECT_EQ(ada("DELETE FROM pay USING (VALUES (2), (4)) v(id) WHERE v.id = pay.id"), "DELETE 0");
  EXPECT_EQ(ada("DELETE FROM pay"), "DELETE 1");
  EXPECT_EQ(ask("SELECT id FROM pay ORDER BY id"), "2;4; SELECT 2");
  EXPECT_EQ(ada("INSERT INTO pay VALUES (7, 'bob', 1, '1')"), "INSERT 0 1") << "INSERT is not filtered";
  EXPECT_EQ(ask(*ada_, "UPDATE pay SET amount = $1 WHERE id = $2", {Json(int64_t{5}), Json(int64_t{7})}), "UPDATE 0");
  EXPECT_EQ(ask(*bob_, "UPDATE pay SET amount = $1 WHERE id = $2", {Json(int64_t{5}), Json(int64_t{7})}), "UPDATE 1");
  EXPECT_EQ(ada("ROLLBACK").substr(0, 8), "ROLLBACK");
  EXPECT_EQ(ask("ALTER TABLE pay OWNER TO ada"), "ALTER TABLE");
  EXPECT_EQ(ada("SELECT count(*) FROM pay"), "0; SELECT 1") << "an owner is held too";
  EXPECT_EQ(code(*ada_, "ALTER TABLE pay ALTER COLUMN note TYPE INT"), "42501");
  EXPECT_EQ(ada("CREATE TABLE mine (id INT, who VARCHAR(20), amount INT, note VARCHAR(40))"), "CREATE TABLE");
  EXPECT_EQ(code(*ada_, "ALTER TABLE mine APPEND FROM pay"), "42501");
}

TEST_F(PoliciesTest, policies_are_made_joined_and_taken_away) {
  EXPECT_EQ(code(*ada_, "CREATE RLS POLICY mine USING (true)"), "42501");
  EXPECT_EQ(code(*ada_, "DETACH RLS POLICY own_rows ON pay FROM PUBLIC"), "42501");
  EXPECT_EQ(code(*ada_, "ALTER TABLE pay ROW LEVEL SECURITY OFF"), "42501");
  ok("CREATE RLS POLICY big WITH (amount INT) USING (amount > 20)");
  ok("CREATE ROLE lead");
  ok("GRANT ROLE lead TO ada");
  ok("ATTACH RLS POLICY big ON pay TO ROLE lead");
  EXPECT_EQ(ada("SELECT id FROM pay ORDER BY id"), "3; SELECT 1") << "AND";
  ok("ALTER TABLE pay ROW LEVEL SECURITY ON CONJUNCTION TYPE OR");
  EXPECT_EQ(ada("SELECT id FROM pay ORDER BY id"), "1;3;4; SELECT 3");
  ok("ALTER RLS POLICY big USING (amount > 50)");
  EXPECT_EQ(code("ALTER RLS POLICY big USING (note = '')"), "42703");
  EXPECT_EQ(ada("SELECT id FROM pay ORDER BY id"), "1;3;4; SELECT 3");
  ok("DETACH RLS POLICY own_rows ON pay FROM PUBLIC");
  EXPECT_EQ(ada("SELECT id FROM pay"), "4; SELECT 1");
  EXPECT_EQ(bob("SELECT id FROM pay"), "SELECT 0") << "no policy for him: no row";
  EXPECT_EQ(code("DROP RLS POLICY big"), "2BP01");
  EXPECT_EQ(code("DROP ROLE lead FORCE"), "2BP01");
  EXPECT_EQ(code("ALTER TABLE pay RENAME COLUMN amount TO sum"), "2BP01");
  EXPECT_EQ(code("ALTER TABLE pay DROP COLUMN amount"), "2BP01");
  ok("ALTER TABLE pay RENAME TO paid");
  EXPECT_EQ(ada("SELECT id FROM paid"), "4; SELECT 1");
  ok("DROP RLS POLICY big CASCADE");
  EXPECT_EQ(ada("SELECT id FROM paid"), "SELECT 0");
  ok("ALTER TABLE paid ROW LEVEL SECURITY OFF");
  EXPECT_EQ(ada("SELECT count(*) FROM paid"), "4; SELECT 1");
  EXPECT_EQ(code("CREATE RLS POLICY own_rows USING (true)"), "42710");
  EXPECT_EQ(code("CREATE RLS POLICY x WITH (a INT) USING (a)"), "42804");
  EXPECT_EQ(code("CREATE RLS POLICY x WITH (a INT) USING (b = 1)"), "42703");
  EXPECT_EQ(code("CREATE RLS POLICY x USING ($1 = 1)"), "42P02");
  EXPECT_EQ(code("CREATE RLS POLICY x USING (getenv('HOME') = '')"), "denie");
  EXPECT_EQ(code("ATTACH RLS POLICY nothing ON paid TO PUBLIC"), "42704");
  ok("CREATE RLS POLICY elsewhere WITH (zip INT) USING (zip = 1)");
  EXPECT_EQ(code("ATTACH RLS POLICY elsewhere ON paid TO PUBLIC"), "42703");
  EXPECT_EQ(ask("BEGIN"), "BEGIN");
  ok("ALTER TABLE paid ROW LEVEL SECURITY ON");
  EXPECT_EQ(ask("ROLLBACK"), "ROLLBACK");
  EXPECT_EQ(ada("SELECT count(*) FROM paid"), "4; SELECT 1") << "rolled back with its transaction";
}

TEST_F(PoliciesTest, who_passes_and_streams_and_settings) {
  ok("CREATE ROLE auditors");
  ok("GRANT IGNORE RLS TO ROLE auditors");
  EXPECT_EQ(code("GRANT IGNORE RLS TO ada"), "0LP01");
  ok("GRANT ROLE auditors TO bob");
  EXPECT_EQ(bob("SELECT count(*) FROM pay"), "4; SELECT 1");
  ok("REVOKE IGNORE RLS FROM ROLE auditors");
  EXPECT_EQ(bob("SELECT count(*) FROM pay"), "1; SELECT 1");
  ok("GRANT ROLE sys:secadmin TO bob");
  EXPECT_EQ(bob("SELECT count(*) FROM pay"), "4; SELECT 1");
  EXPECT_EQ(bob("CREATE RLS POLICY ads WITH (ad_id BIGINT) USING (ad_id::varchar = current_setting('app.ad', false))"),
            "CREATE RLS POLICY");
  EXPECT_EQ(bob("ATTACH RLS POLICY ads ON impressions TO PUBLIC"), "ATTACH RLS POLICY");
  EXPECT_EQ(bob("ALTER TABLE impressions ROW LEVEL SECURITY ON"), "ALTER TABLE");
  ok("GRANT SELECT ON impressions TO PUBLIC");
  EXPECT_EQ(ada("SELECT count(*) FROM impressions"), "0; SELECT 1");
  EXPECT_EQ(ada("SET app.ad TO '1'"), "SET");
  EXPECT_EQ(ada("SELECT note FROM impressions"), "n1; SELECT 1");
  EXPECT_EQ(ada("SELECT note FROM lake.impressions"), "n1; SELECT 1");
  const auto reader = connect({.name = "ab12", .may_read = true});
  EXPECT_EQ(ask(*reader, "SELECT count(*) FROM pay"), "0; SELECT 1") << "a token of the role read is nobody's";
  EXPECT_EQ(ask("SELECT polname, polqual FROM svv_rls_policy ORDER BY 1"),
            "ads|ad_id::varchar = current_setting('app.ad', false);own_rows|who = current_user; SELECT 2");
  EXPECT_EQ(ask("SELECT relname, polname, grantee, granteekind, is_rls_on FROM svv_rls_attached_policy ORDER BY 1"),
            "impressions|ads|public|public|t;pay|own_rows|public|public|t; SELECT 2");
  EXPECT_EQ(ask("SELECT relname, is_rls_on, rls_conjunction_type FROM svv_rls_relation ORDER BY 1"),
            "impressions|t|and;pay|t|and; SELECT 2");
  EXPECT_EQ(ada("SELECT count(*) FROM svv_rls_policy"), "0; SELECT 1") << "not everybody's";
}

TEST_F(PoliciesTest, masks_show_what_the_highest_priority_says) {
  ok("ALTER TABLE pay ROW LEVEL SECURITY OFF");
  ok("CREATE MASKING POLICY hide WITH (t VARCHAR(40)) USING ('***'::varchar(40))");
  ok("CREATE MASKING POLICY part WITH (t VARCHAR(40)) USING (left(t, 1) || '*')");
  ok("ATTACH MASKING POLICY hide ON pay(note) TO PUBLIC");
  EXPECT_EQ(ada("SELECT note FROM pay WHERE id = 2"), "***; SELECT 1");
  EXPECT_EQ(ada("SELECT count(*) FROM pay WHERE note = 'HIDDEN'"), "0; SELECT 1");
  EXPECT_EQ(ada("SELECT count(DISTINCT note) FROM pay"), "1; SELECT 1");
  EXPECT_EQ(ask("SELECT note FROM pay WHERE id = 2"), "HIDDEN; SELECT 1");
  ok("CREATE ROLE staff");
  ok("GRANT ROLE staff TO ada");
  EXPECT_EQ(code("ATTACH MASKING POLICY part ON pay(note) TO ROLE staff"), "42710") << "the same priority";
  ok("ATTACH MASKING POLICY part ON pay(note) TO ROLE staff PRIORITY 10");
  EXPECT_EQ(ada("SELECT note FROM pay WHERE id = 2"), "H*; SELECT 1");
  EXPECT_EQ(bob("SELECT note FROM pay WHERE id = 2"), "***; SELECT 1");
  ok("CREATE VIEW over_it AS SELECT note FROM pay");
  ok("GRANT SELECT ON over_it TO PUBLIC");
  EXPECT_EQ(bob("SELECT max(note) FROM over_it"), "***; SELECT 1");
  EXPECT_EQ(bob("CREATE TABLE copied AS SELECT note FROM pay"), "SELECT 4");
  EXPECT_EQ(bob("SELECT DISTINCT note FROM copied"), "***; SELECT 1");
  EXPECT_EQ(code(*bob_, "EXPLAIN SELECT note FROM pay"), "42501");
  EXPECT_EQ(code(*bob_, "SELECT note FROM warehouse.public.pay"), "***;*");
  // Conditional, and together with row-level security, which sees what is stored.
  ok("CREATE MASKING POLICY by_owner WITH (amount INT, who VARCHAR(20)) USING (CASE WHEN who = current_user THEN "
     "amount "
     "END)");
  ok("ATTACH MASKING POLICY by_owner ON pay(amount) USING (amount, who) TO PUBLIC");
  EXPECT_EQ(bob("SELECT amount FROM pay ORDER BY id"), "NULL;0;NULL;NULL; SELECT 4");
  ok("ATTACH MASKING POLICY hide ON pay(who) TO PUBLIC");
  ok("ALTER TABLE pay ROW LEVEL SECURITY ON");
  EXPECT_EQ(bob("SELECT id, who, amount, note FROM pay"), "2|***|0|***; SELECT 1");
  EXPECT_EQ(
      ask("SELECT policy_name, table_name, grantee, priority, output_columns FROM svv_attached_masking_policy ORDER BY "
          "1, 4, 5"),
      "by_owner|pay|public|0|[\"amount\"];hide|pay|public|0|[\"note\"];hide|pay|public|0|[\"who\"];part|pay|staff|10|"
      "[\"note\"]; SELECT 4");
  EXPECT_EQ(ask("SELECT policy_name FROM svv_masking_policy ORDER BY 1"), "by_owner;hide;part; SELECT 3");
  EXPECT_EQ(code("DROP MASKING POLICY hide"), "2BP01");
  ok("DETACH MASKING POLICY hide ON pay(who) FROM PUBLIC");
  EXPECT_EQ(bob("SELECT who FROM pay"), "bob; SELECT 1");
  EXPECT_EQ(code("CREATE MASKING POLICY x WITH (a INT) USING ((SELECT max(id) FROM pay))"), "0A000");
  ok("CREATE MASKING POLICY wrong WITH (a INT) USING ('x'::varchar)");
  EXPECT_EQ(code("ATTACH MASKING POLICY wrong ON pay(id) TO PUBLIC"), "42804");
}

}  // namespace
}  // namespace weir::warehouse
