// What only system relations read: who there is, who is connected, what ran. Views of the schema lake.internal.
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {
namespace {

using engine::ColumnType;

engine::SystemView internal_view(std::string name, std::vector<engine::Column> columns) {
  engine::SystemView view;
  view.name = std::move(name);
  view.columns = std::move(columns);
  view.is_internal = true;
  return view;
}

void add_time(engine::ColumnValues& column, const std::optional<WallTime>& time) {
  if (time) {
    column.add_int(time->micros);
  } else {
    column.add_null();
  }
}

void add_optional(engine::ColumnValues& column, const std::string& text) {
  if (text.empty()) {
    column.add_null();
  } else {
    column.add_text(text);
  }
}

void add_user(engine::RowBlock& rows, const access::UserInfo& user, bool is_superuser) {
  size_t at = 0;
  rows.column(at++).add_int(user.id);
  rows.column(at++).add_text(user.name);
  rows.column(at++).add_text("user");
  rows.column(at++).add_bool(true);
  rows.column(at++).add_bool(is_superuser);
  rows.column(at++).add_bool(user.create_database);
  rows.column(at++).add_bool(user.syslog_unrestricted || is_superuser);
  rows.column(at++).add_int(user.connection_limit.value_or(-1));
  add_time(rows.column(at++), user.valid_until);
  rows.column(at++).add_int(user.session_timeout ? user.session_timeout->micros / 1'000'000 : 0);
  rows.column(at++).add_int(access::kOwnerUser);
}

void add_role(engine::RowBlock& rows, const access::RoleInfo& role) {
  size_t at = 0;
  rows.column(at++).add_int(role.id);
  rows.column(at++).add_text(role.name);
  rows.column(at++).add_text(access::role_kind_name(role.kind));
  rows.column(at++).add_bool(false);
  rows.column(at++).add_bool(role.name == "sys:superuser");
  rows.column(at++).add_bool(false);
  rows.column(at++).add_bool(false);
  rows.column(at++).add_int(-1);
  rows.column(at++).add_null();
  rows.column(at++).add_int(0);
  rows.column(at++).add_int(role.owner);
}

engine::SystemView people(const std::unique_ptr<access::Users>& users) {
  auto view = internal_view("weir_people", {{"id", ColumnType::int64},
                                            {"name", ColumnType::text},
                                            {"kind", ColumnType::text},
                                            {"is_user", ColumnType::boolean},
                                            {"superuser", ColumnType::boolean},
                                            {"create_database", ColumnType::boolean},
                                            {"syslog_unrestricted", ColumnType::boolean},
                                            {"connection_limit", ColumnType::int64},
                                            {"valid_until", ColumnType::timestamp},
                                            {"session_timeout", ColumnType::int64},
                                            {"owner", ColumnType::int64}});
  view.rows = [&users, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    if (!users) return rows;
    const auto directory = users->directory();
    for (const auto& user : directory->users()) add_user(rows, user, directory->is_superuser(user.id));
    for (const auto& role : directory->roles()) add_role(rows, role);
    return rows;
  };
  return view;
}

engine::SystemView memberships(const std::unique_ptr<access::Users>& users) {
  auto view =
      internal_view("weir_memberships",
                    {{"role", ColumnType::int64}, {"member", ColumnType::int64}, {"with_admin", ColumnType::boolean}});
  view.rows = [&users, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    if (!users) return rows;
    const auto directory = users->directory();
    for (const access::Membership& one : directory->memberships()) {
      rows.column(0).add_int(one.role);
      rows.column(1).add_int(one.member);
      rows.column(2).add_bool(one.with_admin);
    }
    return rows;
  };
  return view;
}

void add_statement(engine::RowBlock& rows, const StatementInfo& info) {
  const bool is_live = info.state == StatementState::waiting || info.state == StatementState::running;
  size_t at = 0;
  rows.column(at++).add_int(static_cast<int64_t>(info.number));
  rows.column(at++).add_int(info.user_id);
  rows.column(at++).add_text(info.user);
  rows.column(at++).add_int(info.process_id);
  rows.column(at++).add_text(info.database);
  add_optional(rows.column(at++), info.label);
  rows.column(at++).add_text(info.client);
  rows.column(at++).add_text(state_name(info.state));
  rows.column(at++).add_int(info.started_at.micros);
  std::optional<WallTime> ended;
  if (!is_live) ended = WallTime{info.started_at.micros + info.elapsed.micros};
  add_time(rows.column(at++), ended);
  rows.column(at++).add_int(info.elapsed.micros);
  rows.column(at++).add_int(static_cast<int64_t>(info.rows));
  add_optional(rows.column(at++), info.error ? std::string(code_name(info.error->code)) : std::string());
  add_optional(rows.column(at++), info.error ? info.error->message : std::string());
  rows.column(at++).add_text(info.sql);
  rows.column(at++).add_int(info.queued.micros);
  rows.column(at++).add_int(info.cpu.micros);
  rows.column(at++).add_int(static_cast<int64_t>(info.bytes));
  add_optional(rows.column(at++), info.peer);
  add_optional(rows.column(at++), info.application);
}

engine::SystemView statement_facts(const StatementLog& log) {
  auto view = internal_view(
      "weir_statement_facts",
      {{"number", ColumnType::int64},       {"user_id", ColumnType::int64},    {"user_name", ColumnType::text},
       {"process_id", ColumnType::int64},   {"database", ColumnType::text},    {"label", ColumnType::text},
       {"client", ColumnType::text},        {"state", ColumnType::text},       {"started_at", ColumnType::timestamp},
       {"ended_at", ColumnType::timestamp}, {"elapsed_us", ColumnType::int64}, {"rows", ColumnType::int64},
       {"error_code", ColumnType::text},    {"error", ColumnType::text},       {"sql", ColumnType::text},
       {"queued_us", ColumnType::int64},    {"cpu_us", ColumnType::int64},     {"bytes", ColumnType::int64},
       {"peer", ColumnType::text},          {"application", ColumnType::text}});
  view.rows = [&log, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const StatementInfo& info : log.running()) add_statement(rows, info);
    for (const StatementInfo& info : log.finished()) add_statement(rows, info);
    return rows;
  };
  return view;
}

engine::SystemView sessions(const StatementLog& log) {
  auto view = internal_view("weir_sessions", {{"process_id", ColumnType::int64},
                                              {"user_id", ColumnType::int64},
                                              {"user_name", ColumnType::text},
                                              {"database", ColumnType::text},
                                              {"client", ColumnType::text},
                                              {"peer", ColumnType::text},
                                              {"application", ColumnType::text},
                                              {"started_at", ColumnType::timestamp}});
  view.rows = [&log, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const SessionInfo& one : log.sessions()) {
      rows.column(0).add_int(one.process_id);
      rows.column(1).add_int(one.user_id);
      rows.column(2).add_text(one.user);
      rows.column(3).add_text(one.database);
      rows.column(4).add_text(one.client);
      add_optional(rows.column(5), one.peer);
      rows.column(6).add_text(one.application);
      rows.column(7).add_int(one.started_at.micros);
    }
    return rows;
  };
  return view;
}

engine::SystemView connections(const StatementLog& log) {
  auto view = internal_view("weir_connection_facts", {{"at", ColumnType::timestamp},
                                                      {"event", ColumnType::text},
                                                      {"user_name", ColumnType::text},
                                                      {"database", ColumnType::text},
                                                      {"peer", ColumnType::text},
                                                      {"way", ColumnType::text},
                                                      {"tls", ColumnType::text},
                                                      {"application", ColumnType::text},
                                                      {"reason", ColumnType::text},
                                                      {"process_id", ColumnType::int64},
                                                      {"duration_us", ColumnType::int64}});
  view.rows = [&log, columns = view.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const ConnectionEvent& one : log.connections()) {
      rows.column(0).add_int(one.at.micros);
      rows.column(1).add_text(one.event);
      rows.column(2).add_text(one.user);
      rows.column(3).add_text(one.database);
      rows.column(4).add_text(one.peer);
      rows.column(5).add_text(one.way);
      add_optional(rows.column(6), one.tls);
      rows.column(7).add_text(one.application);
      add_optional(rows.column(8), one.reason);
      rows.column(9).add_int(one.process_id);
      rows.column(10).add_int(one.duration.micros);
    }
    return rows;
  };
  return view;
}

}  // namespace

std::vector<engine::SystemView> system_facts(const StatementLog& log, const std::unique_ptr<access::Users>& users) {
  std::vector<engine::SystemView> out;
  out.push_back(people(users));
  out.push_back(memberships(users));
  out.push_back(statement_facts(log));
  out.push_back(sessions(log));
  out.push_back(connections(log));
  return out;
}

}  // namespace weir::warehouse
