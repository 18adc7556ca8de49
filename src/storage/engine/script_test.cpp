// Scripts that people declare: what they would read and change, their parameters, and that the locks hold for them.
#include <gmock/gmock.h>

#include "storage/engine/engine_fixture.h"

namespace weir::engine {
namespace {

using ::testing::HasSubstr;

const std::vector<NamedValue> kValues = {{"start", "2026-11-20", true}, {"run", "it's", false}};

class ScriptTest : public EngineTest {
 protected:
  static std::string names(const std::vector<TableRead>& listed) {
    std::string out;
    for (const auto& table : listed) out += (out.empty() ? "" : ",") + table.name;
    return out;
  }
  // "write x(a,b);", or the error.
  std::string shape(const std::string& script) {
    const auto statements = engine->examine_script(script, kValues);
    if (!statements) return statements.error().text();
    std::string out;
    for (const auto& one : *statements) {
      out += one.kind == ScriptStatement::Kind::read    ? "read "
             : one.kind == ScriptStatement::Kind::write ? "write "
                                                        : "maintain ";
      out += names(one.writes) + "(" + names(one.reads) + ");";
    }
    return out;
  }
  std::string run(const std::string& script) {
    const auto own = connect(Trust::own);
    const auto statements = engine->examine_script(script, kValues);
    if (!statements) return statements.error().text();
    for (size_t i = 0; i < statements->size(); ++i) {
      auto stream = own->query_declared(script, i, kValues, {});
      if (!stream) return stream.error().text();
      for (;;) {
        const auto rows = (*stream)->next();
        if (!rows) return rows.error().text();
        if (rows->empty()) break;
      }
    }
    return "";
  }
};

TEST_F(ScriptTest, what_it_reads_and_changes_is_told_statement_by_statement) {
  EXPECT_EQ(shape("CREATE TABLE x AS SELECT * FROM a JOIN public.b USING (id);\n INSERT INTO public.X SELECT 1;\n"
                  "WITH c AS (FROM d) DELETE FROM main.y USING e WHERE y.id IN (SELECT id FROM c)"),
            "write x(a,public.b);write public.x();write y(d,e);");
  EXPECT_EQ(
      shape("UPDATE x SET n = (SELECT max(n) FROM f) FROM g; DROP TABLE IF EXISTS y; TRUNCATE z; VACUUM; SELECT 1"),
      "write x(g,f);write y();write z();maintain ();read ();");
}

TEST_F(ScriptTest, parameters_have_names_and_types) {
  EXPECT_EQ(run("CREATE TABLE public.t (d DATE, r VARCHAR);\nINSERT INTO public.t VALUES ($start, $run);\n"
                "INSERT INTO public.t SELECT $start + 1, $Run;\nUPDATE public.t SET r = 'x' WHERE d > $start;\n"
                "DELETE FROM public.t WHERE d < $start;"),
            "");
  EXPECT_EQ(ask("SELECT d::VARCHAR, r FROM public.t ORDER BY d"), "2026-11-20|it's;2026-11-21|x;");
  EXPECT_THAT(run("SELECT 1;\nSELECT $stop"), HasSubstr("there is no parameter $stop; known are $start, $run"));
}

TEST_F(ScriptTest, a_mistake_has_its_place_in_the_script) {
  EXPECT_THAT(run("SELECT 1;\n  SELECT nosuch FROM (SELECT 1 AS a)"), HasSubstr("2:10"));
  EXPECT_THAT(shape("SELECT 1;\nSELEC 2"), HasSubstr("2:1"));
  EXPECT_THAT(run("SELECT $start;\nSELECT $star"), HasSubstr("2:8"));
}

TEST_F(ScriptTest, the_locks_hold) {
  for (const char* script :
       {"INSERT INTO x SELECT * FROM read_csv('/etc/passwd')", "CREATE TABLE x AS FROM '/etc/passwd'",
        "DELETE FROM x WHERE a = getenv('HOME')", "UPDATE x SET a = (SELECT content FROM read_text('/etc/passwd'))",
        "INSERT INTO x VALUES (getenv('HOME'))", "DELETE FROM x RETURNING getenv('HOME')", "COPY x TO '/tmp/x'",
        "CREATE TEMP TABLE x (a INT)", "CREATE TABLE other.main.x (a INT)", "CREATE TABLE weir.x (a INT)",
        "PRAGMA version", "CREATE MACRO f() AS 1", "ALTER TABLE x ADD COLUMN b INT", "CALL pragma_version()",
        "LOAD json", "CREATE TABLE x (a INT CHECK (a > 0))",
        "MERGE INTO x USING y ON x.a = y.a WHEN MATCHED THEN DELETE"}) {
    const auto statements = engine->examine_script(script, kValues);
    EXPECT_FALSE(statements) << script;
  }
}

}  // namespace
}  // namespace weir::engine
