// What clients and monitoring scripts ask of the system relations.
#include "platform/warehouse/system_relations.h"

#include <gmock/gmock.h>

#include "platform/warehouse/session_fixture.h"

namespace weir::warehouse {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RelationsTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    EXPECT_EQ(ask("CREATE TABLE sales (id INT IDENTITY(1,1) PRIMARY KEY, name VARCHAR(20) ENCODE zstd, price "
                  "DECIMAL(10,2) DEFAULT 1.5) DISTKEY(id) SORTKEY(name)"),
              "CREATE TABLE");
    EXPECT_EQ(ask("CREATE VIEW names AS SELECT name FROM sales"), "CREATE VIEW");
  }
};

TEST_F(RelationsTest, every_one_of_them_answers) {
  for (const engine::SystemRelation& one : system_relations()) {
    const std::string answer = ask("SELECT * FROM " + one.schema + "." + one.name);
    EXPECT_THAT(answer, HasSubstr("SELECT ")) << one.name << ": " << answer;
    EXPECT_THAT(answer, Not(HasSubstr(": "))) << one.name << ": " << answer.substr(0, 300);
  }
}

TEST_F(RelationsTest, those_that_are_never_filled_are_known) {
  for (const char* name : {"stl_scan", "STL_SCAN", "pg_catalog.stl_scan", "svv_transactions", "pg_locks"}) {
    EXPECT_TRUE(is_never_filled(name)) << name;
  }
  for (const char* name : {"stl_query", "svv_table_info", "public.stl_scan", "stl", "", "column"}) {
    EXPECT_FALSE(is_never_filled(name)) << name;
  }
}

TEST_F(RelationsTest, those_that_monitoring_scripts_read_have_their_names) {
  for (const char* name : {"pg_attribute",
                           "pg_class",
                           "pg_database",
                           "pg_namespace",
                           "pg_user",
                           "stl_alert_event_log",
                           "stl_bcast",
                           "stl_commit_stats",
                           "stl_delete",
                           "stl_dist",
                           "stl_insert",
                           "stl_load_commits",
                           "stl_mv_state",
                           "stl_query",
                           "stl_s3client",
                           "stl_s3client_error",
                           "stl_scan",
                           "stl_usage_control",
                           "stl_utilitytext",
                           "stl_vacuum",
                           "stl_wlm_query",
                           "stl_wlm_rule_action",
                           "stv_mv_info",
                           "stv_node_storage_capacity",
                           "stv_partitions",
                           "stv_slices",
                           "stv_tbl_perm",
                           "stv_wlm_classification_config",
                           "stv_wlm_qmr_config",
                           "stv_wlm_service_class_config",
                           "svcs_alert_event_log",
                           "svcs_compile",
                           "svcs_concurrency_scaling_usage",
                           "svcs_query_summary",
                           "svl_auto_worker_action",
                           "svl_datashare_usage_consumer",
                           "svl_federated_query",
                           "svl_mv_refresh_status",
                           "svl_qlog",
                           "svl_query_metrics_summary",
                           "svl_s3list",
                           "svl_s3partition_summary",
                           "svl_s3query_summary",
                           "svl_spectrum_scan_error",
                           "svl_statementtext",
                           "svv_alter_table_recommendations",
                           "svv_columns",
                           "svv_datashare_objects",
                           "svv_external_partitions",
                           "svv_external_tables",
                           "svv_table_info",
                           "svv_tables",
                           "svv_all_tables",
                           "svv_all_columns",
                           "svv_all_schemas",
                           "stv_inflight",
                           "stl_load_errors"}) {
    EXPECT_THAT(ask("SELECT count(*) FROM " + std::string(name)), HasSubstr("; SELECT 1")) << name;
  }
}

TEST_F(RelationsTest, tables_streams_and_views_are_members_of_public_with_real_types) {
  EXPECT_EQ(ask("SELECT c.relname, c.relkind, n.oid FROM pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                "c.relnamespace WHERE n.nspname = 'public' AND c.relname NOT LIKE 'weir%' ORDER BY 1"),
            "impressions|r|2200;names|v|2200;sales|r|2200; SELECT 3");
  EXPECT_EQ(
      ask("SELECT a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, pg_catalog.format_type(a.atttypid, "
          "a.atttypmod) FROM pg_attribute a WHERE a.attrelid = 'sales'::regclass ORDER BY 1"),
      "1|id|23|-1|t|integer;2|name|1043|24|f|character varying(20);3|price|1700|655366|f|numeric(10,2); SELECT 3");
  EXPECT_EQ(ask("SELECT column_name, data_type, character_maximum_length, numeric_scale FROM "
                "information_schema.columns WHERE table_schema = 'public' AND table_name = 'names'"),
            "name|character varying|NULL|NULL; SELECT 1");
  EXPECT_EQ(ask("SELECT \"column\", type, encoding, distkey, sortkey, \"notnull\" FROM pg_table_def WHERE tablename = "
                "'sales' AND schemaname = 'public' ORDER BY 1"),
            "id|integer|none|t|0|t;name|character varying(20)|zstd|f|1|f;price|numeric(10,2)|none|f|0|f; SELECT 3");
  EXPECT_EQ(ask("SELECT \"table\", diststyle, sortkey1, tbl_rows FROM svv_table_info WHERE \"table\" = 'sales'"),
            "sales|KEY(id)|name|0; SELECT 1");
  EXPECT_EQ(ask("SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint"),
            "sales_pkey|p|PRIMARY KEY (id); SELECT 1");
  EXPECT_EQ(ask("SELECT pg_get_viewdef('names'::regclass)"), "SELECT name FROM sales; SELECT 1");
}

TEST_F(RelationsTest, the_numbers_of_relations_stay) {
  const std::string before = ask("SELECT 'sales'::regclass::oid");
  EXPECT_EQ(ask("CREATE TABLE another (a INT)"), "CREATE TABLE");
  stop();
  start();
  EXPECT_EQ(ask("SELECT 'sales'::regclass::oid"), before);
  EXPECT_EQ(ask("SELECT count(*) = count(DISTINCT oid) FROM pg_class"), "t; SELECT 1");
}

// psql 15: \dt, \d sales, \dn, \du, \l.
TEST_F(RelationsTest, what_psql_asks) {
  EXPECT_EQ(ask(R"(SELECT n.nspname as "Schema", c.relname as "Name",
      CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' END as "Type",
      pg_catalog.pg_get_userbyid(c.relowner) as "Owner"
    FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
    WHERE c.relkind IN ('r','p','') AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast'
      AND n.nspname <> 'information_schema' AND pg_catalog.pg_table_is_visible(c.oid) AND c.relname NOT LIKE 'weir%'
    ORDER BY 1,2)"),
            "public|impressions|table|weir;public|sales|table|weir; SELECT 2");
  EXPECT_EQ(ask(R"(SELECT c.relname, n.nspname FROM pg_catalog.pg_class c
      LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname OPERATOR(pg_catalog.~) '^(sales)$' COLLATE pg_catalog.default
      AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 1)"),
            "sales|public; SELECT 1");
  EXPECT_EQ(ask(R"(SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
      (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d
       WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull,
      (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t
       WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS attcollation,
      a.attidentity, a.attgenerated
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = ')" +
                ask("SELECT 'sales'::regclass::oid").substr(0, ask("SELECT 'sales'::regclass::oid").find(';')) +
                R"(' AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'id' ORDER BY a.attnum)"),
            "name|character varying(20)|NULL|f|NULL||;price|numeric(10,2)|1.5|f|NULL||; SELECT 2");
  EXPECT_EQ(ask(R"(SELECT n.nspname AS "Name", pg_catalog.pg_get_userbyid(n.nspowner) AS "Owner"
    FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1)"),
            "public|weir; SELECT 1");
  EXPECT_THAT(ask(R"(SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
      r.rolconnlimit, r.rolvaliduntil, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid) WHERE m.member = r.oid) as memberof
    FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY 1)"),
              HasSubstr("weir|t|t|t|"));
  EXPECT_EQ(ask(R"(SELECT d.datname as "Name", pg_catalog.pg_get_userbyid(d.datdba) as "Owner",
      pg_catalog.pg_encoding_to_char(d.encoding) as "Encoding", pg_catalog.array_to_string(d.datacl, E'\n') AS "Access"
    FROM pg_catalog.pg_database d ORDER BY 1)"),
            "weir|weir|UTF8|NULL; SELECT 1");
  EXPECT_EQ(ask("SELECT a.attname, pg_catalog.col_description(a.attrelid, a.attnum), pg_catalog.obj_description("
                "a.attrelid, 'pg_class') FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'names'::regclass"),
            "name|NULL|NULL; SELECT 1");
  EXPECT_EQ(ask("SELECT 'abc' ~ 'b', 'abc' !~ '^b', 'ABC' ~* 'b', ~1"), "t|t|t|-2; SELECT 1");
}

TEST_F(RelationsTest, words_of_the_session) {
  const auto ada = user("ada");
  EXPECT_EQ(ask(*ada, "SELECT current_user, session_user, current_schema"), "ada|ada|public; SELECT 1");
  EXPECT_EQ(ask("SELECT 'public' = ANY (current_schemas(true))"), "t; SELECT 1");
  EXPECT_EQ(ask("SELECT has_table_privilege('ada', 'sales', 'select'), has_table_privilege('sales', 'insert')"),
            "f|t; SELECT 1");
  EXPECT_EQ(ask("SELECT has_table_privilege(current_user, 'sales', 'insert') AS may"), "t; SELECT 1");
  EXPECT_EQ(ask("GRANT SELECT ON sales TO ada"), "GRANT");
  EXPECT_EQ(ask(*ada, "SELECT has_table_privilege('sales', 'select'), has_schema_privilege('public', 'usage')"),
            "t|t; SELECT 1");
  // Names of a statement's own, which the functions' own tables might have had.
  EXPECT_EQ(
      ask(*ada,
          "SELECT has_schema_privilege(n.oid, 'usage'), pg_get_userbyid(p.relowner), "
          "has_table_privilege(p.oid, 'select'), obj_description(p.oid), pg_table_is_visible(p.oid) FROM pg_class p "
          "JOIN pg_namespace n ON n.oid = p.relnamespace WHERE p.relname = 'sales'"),
      "t|weir|t|NULL|t; SELECT 1");
  EXPECT_EQ(ask(*ada,
                "SELECT pg_get_userbyid(r.relowner), has_table_privilege(r.oid, 'select'), pg_table_is_visible(r.oid) "
                "FROM pg_class r WHERE r.relname = 'sales'"),
            "weir|t|t; SELECT 1");
  EXPECT_EQ(ask("SELECT identity_name, privilege_type FROM svv_relation_privileges WHERE relation_name = 'sales'"),
            "ada|SELECT; SELECT 1");
  EXPECT_EQ(ask("SELECT usename, usesuper FROM pg_user ORDER BY usesysid"), "weir|t;ada|f; SELECT 2");
}

TEST_F(RelationsTest, a_user_sees_what_they_ran_themselves) {
  const auto ada = user("ada");
  EXPECT_EQ(ask("SET query_group TO 'nightly'"), "SET");
  EXPECT_EQ(ask("SELECT 'a secret of weir'"), "a secret of weir; SELECT 1");
  EXPECT_EQ(ask(*ada, "SELECT 'of ada'"), "of ada; SELECT 1");
  EXPECT_THAT(ask("SELECT label, querytxt, aborted FROM stl_query"), HasSubstr("nightly|SELECT 'a secret of weir'|0"));
  EXPECT_THAT(ask("SELECT querytxt FROM stl_query"), HasSubstr("of ada"));
  EXPECT_THAT(ask(*ada, "SELECT querytxt FROM stl_query"), HasSubstr("SELECT 'of ada'"));
  EXPECT_THAT(ask(*ada, "SELECT querytxt FROM stl_query"), Not(HasSubstr("secret")));
  EXPECT_EQ(ask(*ada, "SELECT count(*) FROM stv_sessions"), "1; SELECT 1");
  EXPECT_EQ(ask("SELECT count(*) FROM pg_stat_activity WHERE pid = pg_backend_pid() AND state = 'active'"),
            "1; SELECT 1");
  EXPECT_EQ(ask("ALTER USER ada SYSLOG ACCESS UNRESTRICTED"), "ALTER USER");
  EXPECT_THAT(ask(*ada, "SELECT querytxt FROM stl_query"), HasSubstr("a secret of weir"));
}

TEST_F(RelationsTest, what_they_read_inside_is_not_for_users) {
  EXPECT_EQ(code("SELECT * FROM lake.internal.weir_statement_facts"), "denie");
  EXPECT_EQ(code("SELECT weir_word('sees_all', '')"), "denie");
  EXPECT_EQ(code("SELECT * FROM weir_catalog.relations"), "denie");
  EXPECT_NE(code("INSERT INTO pg_class VALUES (1)"), "INSER");
}

}  // namespace
}  // namespace weir::warehouse
