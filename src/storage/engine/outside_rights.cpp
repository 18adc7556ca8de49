#include "storage/engine/outside_rights.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "storage/engine/outside_names.h"

namespace weir::engine {
namespace {

constexpr Duration kTimeMax = seconds(30);  // of each question
constexpr OutsideLimits kLimits{.time = kTimeMax, .rows_max = 100'000};
constexpr const char* kSuperuser = "a superuser";
constexpr std::string_view kUndefinedTable = "42P01", kUndefinedSchema = "3F000", kNotPrivileged = "42501";

std::string text_of(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text == nullptr ? std::string() : *text;
}

bool truth_of(const Cell& cell) {
  const auto* truth = std::get_if<bool>(&cell);
  return truth != nullptr && *truth;
}

// Redshift shows truth values as texts in some of its views.
bool is_name(const Cell& cell, std::string_view wanted) {
  return equal_ignoring_case(trim(text_of(cell)), wanted);
}

struct RelationName {
  std::string schema, name;
};
RelationName parts_of(const std::string& relation) {
  const size_t dot = relation.find('.');
  return dot == std::string::npos ? RelationName{"", relation}
                                  : RelationName{relation.substr(0, dot), relation.substr(dot + 1)};
}

std::string named_of(const std::string& relation) {
  const RelationName wanted = parts_of(relation);
  return wanted.schema.empty() ? quoted_name(wanted.name) : quoted_name(wanted.schema) + "." + quoted_name(wanted.name);
}

// As it was found there.
struct Relation {
  std::string schema, name, owner;
  bool may_use = false, may_select = false, is_visible = false;
};

class Checking {
 public:
  Checking(OutsideConnection& connection, const Cancel& cancel) : connection_(connection), cancel_(cancel) {}

  Result<Preflight> check(const std::vector<Need>& needs) {
    TRY(ask_who());
    TRY_ASSIGN(reads_all_, reads_all(needs));
    if (!reads_all_) {
      TRY(find_relations(needs));
    }
    Preflight out;
    for (const Need& need : needs) {
      TRY_ASSIGN(const std::vector<Gap> gaps, gaps_of(need));
      if (gaps.empty()) out.met.push_back(need);
      out.gaps.insert(out.gaps.end(), gaps.begin(), gaps.end());
    }
    return out;
  }

 private:
  bool is_redshift() const { return connection_.options().kind == OutsideKind::redshift; }
  std::string grantee() const { return quoted_name(user_); }

  Result<std::vector<std::vector<Cell>>> rows(const std::string& sql) {
    TRY_ASSIGN(OutsideResult out, connection_.run(sql, kLimits, cancel_));
    return std::move(out.rows);
  }

  Status ask_who() {
    TRY_ASSIGN(const auto found, rows("SELECT usename, usesuper FROM pg_user WHERE usename = current_user"));
    if (found.empty()) return Error(Code::invalid, "the server does not say who the user is: pg_user has no such row");
    user_ = text_of(found[0][0]);
    is_superuser_ = truth_of(found[0][1]);
    return {};
  }

  Result<bool> reads_all(const std::vector<Need>& needs) {
    std::vector<std::string> probes;
    for (const Need& need : needs) {
      if (need.kind == Need::Kind::relation) probes.push_back(probe_of(need.relation));
    }
    if (probes.empty()) return true;
    const auto read = rows(join(probes, " UNION ALL "));
    if (read) return true;
    if (is_about_statement(read.error())) return false;
    return read.error();
  }

  // Not of a server that is gone or of a stop: the next statement may go well.
  static bool is_about_statement(const Error& error) {
    return error.code == Code::invalid || error.code == Code::denied || error.code == Code::not_found ||
           error.code == Code::unsupported;
  }

  Status find_relations(const std::vector<Need>& needs) {
    std::vector<std::string> names;
    for (const Need& need : needs) {
      if (need.kind == Need::Kind::relation) names.push_back(quoted_text(parts_of(need.relation).name));
    }
    if (names.empty()) return {};
    TRY_ASSIGN(const auto found,
               rows("SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner), has_schema_privilege(n.oid, 'USAGE'), "
                    "has_table_privilege(c.oid, 'SELECT'), pg_table_is_visible(c.oid) "
                    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND c.relname IN (" +
                    join(names, ", ") + ")"));
    for (const auto& row : found) {
      relations_.push_back(
          {text_of(row[0]), text_of(row[1]), text_of(row[2]), truth_of(row[3]), truth_of(row[4]), truth_of(row[5])});
    }
    return {};
  }

  Result<std::vector<Gap>> gaps_of(const Need& need) {
    switch (need.kind) {
      case Need::Kind::relation:
        return relation_gaps(need);
      case Need::Kind::rows_of_others:
        return is_redshift() ? rows_of_others_redshift(need) : rows_of_others_postgresql(need);
      case Need::Kind::all_tables:
        return all_tables_gaps(need);
      case Need::Kind::all_sequences:
        return is_redshift() ? std::vector<Gap>() : all_sequences_gaps(need);
    }
    return std::vector<Gap>();
  }

  // What the server says to a SELECT of it is the truth: system relations of Redshift stand in no pg_class, and some
  // are for superusers alone whatever was granted.
  Result<std::vector<Gap>> relation_gaps(const Need& need) {
    if (reads_all_) return std::vector<Gap>();
    const auto read = rows(probe_of(need.relation));
    if (read) return std::vector<Gap>();
    const std::string_view state = read.error().sqlstate == nullptr ? "" : read.error().sqlstate;
    if (state == kUndefinedTable || state == kUndefinedSchema) return std::vector<Gap>{missing(need)};
    if (state == kNotPrivileged) return not_granted(need, named_of(need.relation));
    if (!is_about_statement(read.error())) return read.error();
    return std::vector<Gap>{{need, need.relation + ": " + read.error().message, "", ""}};
  }

  std::vector<Gap> not_granted(const Need& need, const std::string& named) const {
    const RelationName wanted = parts_of(need.relation);
    const auto found = std::find_if(relations_.begin(), relations_.end(), [&](const Relation& one) {
      return one.name == wanted.name && (wanted.schema.empty() ? one.is_visible : one.schema == wanted.schema);
    });
    if (found == relations_.end()) {
      return {{need, "no SELECT on " + need.relation, "GRANT SELECT ON " + named + " TO " + grantee(), kSuperuser}};
    }
    const std::string by = kSuperuser + std::string(" or ") + found->owner;
    std::vector<Gap> out;
    if (!found->may_use) {
      out.push_back({need, "no USAGE on the schema " + found->schema,
                     "GRANT USAGE ON SCHEMA " + quoted_name(found->schema) + " TO " + grantee(), by});
    }
    if (!found->may_select) {
      out.push_back(
          {need, "no SELECT on " + found->schema + "." + found->name,
           "GRANT SELECT ON " + quoted_name(found->schema) + "." + quoted_name(found->name) + " TO " + grantee(), by});
    }
    return out;
  }

  Gap missing(const Need& need) const {
    Gap out{need, need.relation + " does not exist", "", ""};
    for (const Relation& one : relations_) {
      if (one.name != need.relation) continue;
      out.what = need.relation + " lies in the schema " + one.schema + ", which is not on the search path";
      out.statement = "ALTER USER " + grantee() + " SET search_path TO \"$user\", public, " + quoted_name(one.schema);
      out.by = kSuperuser + std::string(" or ") + user_;
      return out;
    }
    if (parts_of(need.relation).name == "pg_stat_statements") {
      out.statement = "CREATE EXTENSION pg_stat_statements";
      out.by = std::string(kSuperuser) + ", in this database; shared_preload_libraries must name it";
    }
    return out;
  }

  Result<std::vector<Gap>> rows_of_others_postgresql(const Need& need) {
    if (is_superuser_) return std::vector<Gap>();
    TRY_ASSIGN(const auto found, rows("SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"));
    if (!found.empty() && truth_of(found[0][0])) return std::vector<Gap>();
    return std::vector<Gap>{
        {need, "statements and sessions of other users are hidden", "GRANT pg_monitor TO " + grantee(), kSuperuser}};
  }

  Result<std::vector<Gap>> rows_of_others_redshift(const Need& need) {
    if (is_superuser_) return std::vector<Gap>();
    TRY_ASSIGN(const auto found, rows("SELECT syslog_access FROM svv_user_info WHERE user_name = current_user"));
    if (!found.empty() && is_name(found[0][0], "unrestricted")) return std::vector<Gap>();
    return std::vector<Gap>{{need, "rows of other users in system tables are hidden",
                             "ALTER USER " + grantee() + " SYSLOG ACCESS UNRESTRICTED", kSuperuser}};
  }

  Result<std::vector<Gap>> all_tables_gaps(const Need& need) {
    TRY_ASSIGN(const auto found,
               rows("SELECT n.nspname, has_schema_privilege(n.oid, 'USAGE'), pg_get_userbyid(n.nspowner), COUNT(*), "
                    "COUNT(CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN NULL ELSE 1 END) "
                    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname <> 'information_schema' "
                    "AND substring(n.nspname, 1, 3) <> 'pg_' "
                    "GROUP BY 1, 2, 3 ORDER BY 1"));
    std::vector<Gap> out;
    for (const auto& row : found) {
      const std::string schema = text_of(row[0]), name = quoted_name(schema);
      const std::string by = std::string(kSuperuser) + " or " + text_of(row[2]);
      const auto* total = std::get_if<int64_t>(&row[3]);
      const auto* hidden = std::get_if<int64_t>(&row[4]);
      if (!truth_of(row[1])) {
        out.push_back(
            {need, "no USAGE on the schema " + schema, "GRANT USAGE ON SCHEMA " + name + " TO " + grantee(), by});
      }
      if (hidden != nullptr && total != nullptr && *hidden > 0) {
        out.push_back({need,
                       "no SELECT on " + std::to_string(*hidden) + " of " + std::to_string(*total) +
                           " tables and views of the schema " + schema,
                       "GRANT SELECT ON ALL TABLES IN SCHEMA " + name + " TO " + grantee(),
                       std::string(kSuperuser) + " or their owners"});
      }
    }
    return out;
  }

  Result<std::vector<Gap>> all_sequences_gaps(const Need& need) {
    TRY_ASSIGN(
        const auto found,
        rows("SELECT n.nspname, COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
             // An order of conditions is only what CASE has: the function refuses what is no sequence.
             "WHERE CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE, SELECT') ELSE FALSE "
             "END AND substring(n.nspname, 1, 3) <> 'pg_' GROUP BY 1 ORDER BY 1"));
    std::vector<Gap> out;
    for (const auto& row : found) {
      const std::string schema = text_of(row[0]);
      const auto* hidden = std::get_if<int64_t>(&row[1]);
      out.push_back(
          {need,
           "no SELECT on " + std::to_string(hidden == nullptr ? 0 : *hidden) + " sequences of the schema " + schema,
           "GRANT SELECT ON ALL SEQUENCES IN SCHEMA " + quoted_name(schema) + " TO " + grantee(),
           std::string(kSuperuser) + " or their owners"});
    }
    return out;
  }

  OutsideConnection& connection_;
  const Cancel& cancel_;
  std::string user_;
  bool is_superuser_ = false;
  bool reads_all_ = false;
  std::vector<Relation> relations_;
};

Json need_json(const Need& need) {
  const char* kind = need.kind == Need::Kind::relation         ? "relation"
                     : need.kind == Need::Kind::rows_of_others ? "rows_of_others"
                     : need.kind == Need::Kind::all_tables     ? "all_tables"
                                                               : "all_sequences";
  return Json(Json::Object{
      {"kind", kind}, {"relation", need.relation.empty() ? Json() : Json(need.relation)}, {"why", need.why}});
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

}  // namespace

std::string probe_of(const std::string& relation) {
  // A view of statistics answers as it is read; of others no row is computed.
  const char* rows_read = parts_of(relation).name.starts_with("pg_stat_") ? "1" : "0";
  return "(SELECT 1 FROM " + named_of(relation) + " LIMIT " + rows_read + ")";
}

Result<Preflight> check_rights(OutsideConnection& connection, const std::vector<Need>& needs, const Cancel& cancel) {
  return Checking(connection, cancel).check(needs);
}

std::vector<Need> usual_needs(OutsideKind kind) {
  using enum Need::Kind;
  std::vector<Need> out = {{rows_of_others, "", "statements, sessions and waits of everybody"}};
  switch (kind) {
    case OutsideKind::postgresql:
      out.push_back({relation, "pg_stat_statements", "the slowest statements"});
      out.push_back({relation, "pg_catalog.pg_stat_user_tables", "dead rows, scans, vacuum and analyze"});
      out.push_back({relation, "pg_catalog.pg_stats", "what columns hold"});
      break;
    case OutsideKind::redshift:
      out.push_back({relation, "stl_query", "the slowest statements"});
      out.push_back({relation, "stl_alert_event_log", "what the planner warned of"});
      out.push_back({relation, "stl_wlm_query", "waits in queues"});
      out.push_back({relation, "stl_load_errors", "loads that failed"});
      out.push_back({relation, "svv_table_info", "sort and distribution keys, statistics, skew"});
      break;
  }
  out.push_back({all_tables, "", "rows of tables, for questions about what they hold"});
  return out;
}

Result<OutsideFacts> ask_facts(OutsideConnection& connection, const Cancel& cancel) {
  OutsideFacts out;
  TRY_ASSIGN(const OutsideResult said,
             connection.run("SELECT version(), current_database(), usename, usesuper FROM pg_user "
                            "WHERE usename = current_user",
                            kLimits, cancel));
  if (said.rows.size() != 1) return Error(Code::invalid, "the server does not say who the user is");
  const auto& row = said.rows[0];
  out.product = text_of(row[0]);
  out.kind = out.product.find("Redshift") == std::string::npos ? OutsideKind::postgresql : OutsideKind::redshift;
  out.database = text_of(row[1]);
  out.user = text_of(row[2]);
  out.is_superuser = truth_of(row[3]);
  out.server = connection.server();
  TRY_ASSIGN(const OutsideResult nothing, connection.run("SELECT 1", kLimits, cancel));
  out.latency = nothing.took;
  return out;
}

Json outside_json(const OutsidePool& pool) {
  const OutsideOptions& options = pool.options();
  const OutsidePool::Counts counts = pool.counts();
  return Json(Json::Object{{"name", options.name},
                           {"kind", outside_kind_name(options.kind)},
                           {"host", options.host},
                           {"port", int64_t{options.port}},
                           {"database", options.database},
                           {"user", options.user},
                           {"tls", is_socket(options) ? "off" : outside_tls_name(options.tls)},
                           {"read_only", options.read_only},
                           {"max", options.connections_max},
                           {"in_use", counts.in_use},
                           {"idle", counts.idle}});
}

Result<Json> check_outside(OutsidePool& pool, const Cancel& cancel) {
  TRY_ASSIGN(const auto connection, pool.take(pool.options().connect_within, cancel));
  TRY_ASSIGN(const OutsideFacts facts, ask_facts(*connection, cancel));
  TRY_ASSIGN(const Preflight preflight, check_rights(*connection, usual_needs(pool.options().kind), cancel));
  Json out = outside_json(pool);
  out.set("server", Json::Object{{"kind", outside_kind_name(facts.kind)},
                                 {"version", facts.server.version},
                                 {"product", facts.product},
                                 {"database", facts.database},
                                 {"user", facts.user},
                                 {"is_superuser", facts.is_superuser},
                                 {"tls", text_or_null(facts.server.tls)},
                                 {"cipher", text_or_null(facts.server.tls_cipher)},
                                 {"latency_ms", static_cast<double>(facts.latency.micros) / 1000.0}});
  Json met{Json::Array{}}, gaps{Json::Array{}}, warnings{Json::Array{}};
  for (const Need& need : preflight.met) met.push(need_json(need));
  for (const Gap& gap : preflight.gaps) {
    Json one = need_json(gap.need);
    one.set("what", gap.what);
    one.set("statement", text_or_null(gap.statement));
    one.set("by", text_or_null(gap.by));
    gaps.push(std::move(one));
  }
  if (facts.kind != pool.options().kind) {
    warnings.push(std::string("it is declared as ") + outside_kind_name(pool.options().kind) + ", and is " +
                  outside_kind_name(facts.kind));
  }
  if (facts.is_superuser) warnings.push("the user is a superuser: a user of its own with the rights it needs is safer");
  out.set("sees", std::move(met));
  out.set("gaps", std::move(gaps));
  out.set("warnings", std::move(warnings));
  return out;
}

}  // namespace weir::engine
