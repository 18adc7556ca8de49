// REFRESH MATERIALIZED VIEW, by hand and by AUTO REFRESH.
#include "platform/warehouse/run.h"

namespace weir::warehouse {
namespace {

Status run_change(SessionState& session, const std::string& sql) {
  TRY_ASSIGN(const auto stream, session.engine().execute({.sql = sql, .scope = engine::Scope::change}));
  for (;;) {
    TRY_ASSIGN(const Rows rows, stream->next());
    if (rows.empty()) return {};
  }
}

Status refill(SessionState& session, const Place& place, const Relation& view) {
  session.rows_change(place.schema, place.name);
  return session.in_transaction([&]() -> Status {
    TRY(session.own("DELETE FROM " + place.quoted()));
    // With the rights of its owner, as views are read.
    TRY(session.govern(view.owner));
    const Status filled =
        run_change(session, "INSERT INTO " + place.quoted() + " " + view.attributes["select"].as_string());
    TRY(session.govern());
    return filled;
  });
}

}  // namespace

Result<Answer> refresh_view(SessionState& session, const dialect::RefreshView& order) {
  TRY_ASSIGN(const Place place, relation(session, order.name));
  TRY_ASSIGN(const auto rights, session.rights());
  const Relation* known = rights->find(place.schema, place.name);
  if (known == nullptr || known->kind != "materialized view") {
    Error error(Code::invalid, "\"" + order.name.name + "\" is not a materialized view");
    error.sqlstate = "42809";
    return error;
  }
  TRY(check_owner(session, place));
  MaterializedViews* const views = session.core.parts.views;
  ViewRefresh told{.began_at = session.core.parts.clock.wall(),
                   .schema = place.schema,
                   .name = place.name,
                   .user_id = known->owner,
                   .query = session.mark().query,
                   .is_automatic = session.options.user.name == kAutoRefreshUser};
  // Within a transaction nobody knows yet whether it will be kept: the view stays stale then.
  const bool is_alone = session.transaction == TransactionState::none;
  MaterializedViews::Versions versions;
  if (views != nullptr) versions = views->versions(*rights, *known);
  const Status done = refill(session, place, *known);
  if (views != nullptr) {
    told.ended_at = session.core.parts.clock.wall();
    if (!done) told.error = done.error().text();
    views->note(std::move(told));
    if (done && is_alone) views->filled(*known, std::move(versions));
  }
  TRY(done);
  return Answer{.stream = nullptr, .tag = "REFRESH MATERIALIZED VIEW"};
}

}  // namespace weir::warehouse
