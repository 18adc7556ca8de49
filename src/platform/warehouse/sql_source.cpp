#include "platform/warehouse/sql_source.h"

#include <algorithm>
#include <optional>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "platform/access/users.h"
#include "platform/dialect/statement.h"
#include "platform/warehouse/session.h"
#include "platform/warehouse/system_relations.h"
#include "platform/warehouse/warehouse.h"
#include "storage/engine/outside_rights.h"

namespace weir::warehouse {
namespace {

uint64_t bytes_of(const std::vector<engine::Cell>& row) {
  uint64_t out = 0;
  for (const engine::Cell& cell : row) {
    const auto* text = std::get_if<std::string>(&cell);
    out += text == nullptr ? 8 : text->size();
  }
  return out;
}

constexpr const char* kWeir = "weir";
constexpr const char* kSuperuser = "a superuser";
constexpr SqlLimits kExamineLimits{.time = seconds(30)};

std::vector<Unreadable> never_filled(const std::vector<std::string>& relations) {
  std::vector<Unreadable> out;
  for (const std::string& relation : relations) {
    if (is_never_filled(relation)) out.push_back({relation, "weir does not fill " + relation});
  }
  return out;
}

// Of a word that stands for more than a relation; nothing: it is a relation.
std::optional<engine::Need::Kind> kind_of(const std::string& relation) {
  if (relation == kRowsOfOthers) return engine::Need::Kind::rows_of_others;
  if (relation == kAllTables) return engine::Need::Kind::all_tables;
  if (relation == kAllSequences) return engine::Need::Kind::all_sequences;
  return std::nullopt;
}

class WarehouseSource final : public SqlSource {
 public:
  WarehouseSource(Warehouse& warehouse, std::string client, User user)
      : warehouse_(warehouse), client_(std::move(client)), user_(std::move(user)) {}

  Json about() const override {
    return Json::Object{
        {"target", kWeir}, {"kind", kWeir}, {"version", engine::Engine::version()}, {"user", user_.name}};
  }

  Result<std::string> engine(const Cancel&) override { return std::string(kWeir); }

  Result<Readable> examine(const std::vector<std::string>& needed, const Cancel& cancel) override {
    std::vector<std::string> relations = needed;
    std::erase_if(relations, [](const std::string& one) { return kind_of(one).has_value(); });
    Readable out{.unreadable = never_filled(relations), .notes = {}};
    if (!user_.may_administer) {
      TRY(examine_others(needed, out, cancel));
    }
    std::vector<std::string> probes;
    probes.reserve(relations.size());
    for (const std::string& relation : relations) probes.push_back(engine::probe_of(relation));
    if (probes.empty() || run(join(probes, " UNION ALL "), kExamineLimits, cancel)) return out;
    for (size_t i = 0; i < relations.size(); ++i) {
      if (is_never_filled(relations[i])) continue;
      const auto read = run(probes[i], kExamineLimits, cancel);
      if (read) continue;
      if (read.error().code == Code::cancelled || read.error().code == Code::timed_out) return read.error();
      Unreadable one{relations[i], relations[i] + ": " + read.error().message};
      if (read.error().code == Code::denied) {
        one.statement = "GRANT SELECT ON " + relations[i] + " TO " + quoted_name(user_.name);
        one.by = kSuperuser;
      }
      out.unreadable.push_back(std::move(one));
    }
    return out;
  }

  Result<SqlAnswer> run(const std::string& sql, const SqlLimits& limits, const Cancel& cancel) override {
    TRY_ASSIGN(const auto session, Session::open(warehouse_, {.user = user_,
                                                              .client = client_,
                                                              .peer = {},
                                                              .profile = Profile::redshift,
                                                              .settings = {{"search_path", "main, lake, public"},
                                                                           {"application_name", client_}}}));
    TRY_ASSIGN(const std::string statement, reading_statement(*session, sql));
    TRY_ASSIGN(const auto admission, session->admit({.sql = statement, .parameters = {}, .time = limits.time}, cancel));
    TRY_ASSIGN(const auto execution, admission->start());
    SqlAnswer out;
    out.columns = execution->columns();
    uint64_t bytes = 0;
    while (true) {
      TRY_ASSIGN(Rows rows, execution->next());
      if (rows.empty()) return out;
      for (auto& row : rows) {
        bytes += bytes_of(row);
        if (out.rows.size() == limits.rows_max || bytes > limits.bytes_max) {
          out.is_cut = true;
          execution->cut();
          return out;
        }
        out.rows.push_back(std::move(row));
      }
    }
  }

 private:
  // What others did, and all there is: superusers see it.
  Status examine_others(const std::vector<std::string>& needed, Readable& out, const Cancel& cancel) {
    TRY_ASSIGN(const auto access,
               run("SELECT syslog_access FROM svv_user_info WHERE user_name = current_user", kExamineLimits, cancel));
    const auto* word = access.rows.empty() ? nullptr : std::get_if<std::string>(&access.rows.front().front());
    const bool sees_others = word != nullptr && *word == "UNRESTRICTED";
    const std::string name = quoted_name(user_.name);
    const std::string show_others = "ALTER USER " + name + " SYSLOG ACCESS UNRESTRICTED";
    if (!sees_others) {
      out.notes.push_back("statements and sessions of other users are hidden: what is judged is this user's own; " +
                          show_others + " (by " + kSuperuser + ") shows those of all");
    }
    for (const std::string& one : needed) {
      const auto kind = kind_of(one);
      if (!kind || (*kind == engine::Need::Kind::rows_of_others && sees_others)) continue;
      if (*kind == engine::Need::Kind::rows_of_others) {
        out.unreadable.push_back({one, "statements and sessions of other users are hidden", show_others, kSuperuser});
      } else {
        out.unreadable.push_back({one, "this user does not see every table",
                                  "GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + name, kSuperuser});
      }
    }
    return {};
  }

  // One, that changes nothing.
  static Result<std::string> reading_statement(const Session& session, const std::string& sql) {
    TRY_ASSIGN(const auto statements, session.split(sql));
    if (statements.size() != 1) {
      return Error(Code::invalid, "expected one statement, found " + std::to_string(statements.size()));
    }
    const std::string& statement = statements[0];
    TRY_ASSIGN(const auto tokens, dialect::tokenize(statement, {.backslash_escapes = true}));
    TRY_ASSIGN(const auto parsed, dialect::parse_statement(statement, tokens, {0, tokens.size()}));
    const auto* query = std::get_if<dialect::Query>(&parsed);
    const bool reads = query != nullptr && !query->changes && !query->into;
    if (reads || std::holds_alternative<dialect::ShowSetting>(parsed)) return statement;
    return Error(Code::denied, "this statement changes something; here only SELECT and SHOW are run");
  }

  Warehouse& warehouse_;
  const std::string client_;
  const User user_;
};

class OutsideSource final : public SqlSource {
 public:
  explicit OutsideSource(engine::OutsidePool& pool) : pool_(pool) {}

  Json about() const override {
    const engine::OutsideOptions& options = pool_.options();
    Json out = Json::Object{{"target", options.name}, {"kind", engine::outside_kind_name(options.kind)}};
    const auto connection = pool_.take(options.connect_within, {});
    if (connection) {
      out.set("version", (*connection)->server_version());
    } else {
      out.set("error", connection.error().text());
    }
    return out;
  }

  Result<std::string> engine(const Cancel& cancel) override {
    TRY_ASSIGN(const auto connection, pool_.take(pool_.options().connect_within, cancel));
    return engine_of(*connection, cancel);
  }

  Result<Readable> examine(const std::vector<std::string>& relations, const Cancel& cancel) override {
    Readable out;
    if (relations.empty()) return out;
    TRY_ASSIGN(const auto connection, pool_.take(pool_.options().connect_within, cancel));
    TRY_ASSIGN(const std::string answers, engine_of(*connection, cancel));
    if (answers == kWeir) out.unreadable = never_filled(relations);
    std::vector<engine::Need> needs = {{engine::Need::Kind::rows_of_others, "", ""}};
    for (const std::string& relation : relations) {
      needs.push_back({kind_of(relation).value_or(engine::Need::Kind::relation), relation, ""});
    }
    TRY_ASSIGN(const engine::Preflight preflight, check_rights(*connection, needs, cancel));
    for (const engine::Gap& gap : preflight.gaps) {
      if (!gap.need.relation.empty()) {
        out.unreadable.push_back({gap.need.relation, gap.what, gap.statement, gap.by});
      } else {
        out.notes.push_back(gap.what + ": what is judged is this user's own; " + gap.statement + " (by " + gap.by +
                            ") shows those of all");
      }
    }
    return out;
  }

  Result<SqlAnswer> run(const std::string& sql, const SqlLimits& limits, const Cancel& cancel) override {
    TRY_ASSIGN(const auto connection, pool_.take(kWaitMax, cancel));
    TRY_ASSIGN(
        engine::OutsideResult result,
        connection->run(without_end(sql),
                        {.time = limits.time, .rows_max = limits.rows_max, .bytes_max = limits.bytes_max}, cancel));
    return SqlAnswer{std::move(result.columns), std::move(result.rows), result.is_cut};
  }

 private:
  static constexpr Duration kWaitMax = hours(24);

  static Result<std::string> engine_of(engine::OutsideConnection& connection, const Cancel& cancel) {
    TRY_ASSIGN(const engine::OutsideFacts facts, engine::ask_facts(connection, cancel));
    if (facts.product.find("(weir)") != std::string::npos) return std::string(kWeir);
    return std::string(engine::outside_kind_name(facts.kind));
  }

  // Without the semicolon that scripts end with.
  static std::string_view without_end(std::string_view sql) {
    sql = trim(sql);
    while (sql.ends_with(';')) sql = trim(sql.substr(0, sql.size() - 1));
    return sql;
  }

  engine::OutsidePool& pool_;
};

}  // namespace

std::unique_ptr<SqlSource> outside_source(engine::OutsidePool& pool) {
  return std::make_unique<OutsideSource>(pool);
}

std::unique_ptr<SqlSource> warehouse_source(Warehouse& warehouse, std::string client, User user) {
  return std::make_unique<WarehouseSource>(warehouse, std::move(client), std::move(user));
}

User owner_user() {
  return {.name = access::kOwnerName, .may_read = true, .may_administer = true, .id = access::kOwnerUser};
}

}  // namespace weir::warehouse
