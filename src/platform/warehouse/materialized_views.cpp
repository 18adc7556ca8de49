#include "platform/warehouse/materialized_views.h"

#include <algorithm>

#include "core/base/log.h"
#include "core/base/quotes.h"
#include "platform/warehouse/rights.h"
#include "platform/warehouse/run.h"
#include "platform/warehouse/warehouse.h"

namespace weir::warehouse {
namespace {

constexpr int64_t kEveryMicros = 5'000'000, kShare = 10, kEveryMicrosMax = 600'000'000;
constexpr int kDoublingsMax = 10;
constexpr size_t kViewsDeepMax = 100;

// The relations below `read`, a "schema.name" as attributes have it.
void add_below(const Rights& rights, const std::string& read, std::set<std::string>& out, size_t depth) {
  const size_t dot = read.find('.');
  if (dot == std::string::npos || depth > kViewsDeepMax) return;
  const Relation* known = rights.find(read.substr(0, dot), read.substr(dot + 1));
  if (known == nullptr || known->kind != "view") {
    out.insert(read);
    return;
  }
  for (const Json& one : known->attributes["reads"].array()) add_below(rights, one.as_string(), out, depth + 1);
}

std::set<std::string> below(const Rights& rights, const Json& reads) {
  std::set<std::string> out;
  for (const Json& one : reads.array()) add_below(rights, one.as_string(), out, 0);
  return out;
}

}  // namespace

std::string MaterializedViews::key_of(std::string_view schema, std::string_view name) {
  const bool is_public = schema == "main" || schema == "lake" || schema.empty();
  return (is_public ? "public" : std::string(schema)) + "." + std::string(name);
}

void MaterializedViews::changed(const std::set<std::string>& keys) {
  const MutexLock lock(mutex_);
  for (const std::string& key : keys) ++changes_[key];
}

MaterializedViews::Versions MaterializedViews::versions(const Rights& rights, const Relation& view) const {
  Versions out;
  for (const std::string& one : below(rights, view.attributes["reads"])) {
    const size_t dot = one.find('.');
    const std::string schema = one.substr(0, dot), name = one.substr(dot + 1);
    const uint64_t of_stream = of_stream_ && schema == "lake" ? of_stream_(name) : 0;
    const MutexLock lock(mutex_);
    const auto found = changes_.find(key_of(schema, name));
    out[one] = of_stream + (found == changes_.end() ? 0 : found->second);
  }
  return out;
}

void MaterializedViews::filled(const Relation& view, Versions versions) {
  const MutexLock lock(mutex_);
  filled_[key_of(view.schema, view.name)] = std::move(versions);
}

bool MaterializedViews::is_stale(const Rights& rights, const Relation& view) const {
  const Versions now = versions(rights, view);
  const MutexLock lock(mutex_);
  const auto found = filled_.find(key_of(view.schema, view.name));
  return found == filled_.end() || found->second != now;
}

void MaterializedViews::note(ViewRefresh refresh) {
  const MutexLock lock(mutex_);
  refreshes_.push_front(std::move(refresh));
  if (refreshes_.size() > kRefreshesKept) refreshes_.pop_back();
}

std::vector<ViewRefresh> MaterializedViews::refreshes() const {
  const MutexLock lock(mutex_);
  return {refreshes_.begin(), refreshes_.end()};
}

engine::SystemView view_refreshes(const MaterializedViews& views) {
  using engine::ColumnType;
  engine::SystemView out{.name = "weir_view_refreshes",
                         .columns = {{"began_at", ColumnType::timestamp},
                                     {"ended_at", ColumnType::timestamp},
                                     {"schema_name", ColumnType::text},
                                     {"name", ColumnType::text},
                                     {"user_id", ColumnType::int64},
                                     {"query", ColumnType::int64},
                                     {"is_automatic", ColumnType::boolean},
                                     {"error", ColumnType::text}},
                         .rows = {},
                         .comment = "refreshes of materialized views",
                         .is_internal = true};
  out.rows = [&views, columns = out.columns]() -> Result<engine::RowBlock> {
    engine::RowBlock rows(columns);
    for (const ViewRefresh& one : views.refreshes()) {
      rows.column(0).add_int(one.began_at.micros);
      rows.column(1).add_int(one.ended_at.micros);
      rows.column(2).add_text(one.schema);
      rows.column(3).add_text(one.name);
      rows.column(4).add_int(one.user_id);
      rows.column(5).add_int(static_cast<int64_t>(one.query));
      rows.column(6).add_bool(one.is_automatic);
      rows.column(7).add_text(one.error);
    }
    return rows;
  };
  return out;
}

Status check_is_told(const Rights& rights, const Json& reads) {
  const auto relation_at = [&](const std::string& place) {
    const size_t dot = place.find('.');
    return rights.find(place.substr(0, dot), place.substr(dot + 1));
  };
  std::string why;
  for (const std::string& one : below(rights, reads)) {
    const Relation* known = relation_at(one);
    if (known != nullptr && known->kind == "external table") why = "the external table " + one;
  }
  if (why.empty()) return {};
  Error out(Code::unsupported, "AUTO REFRESH needs to be told when a relation changes, and of " + why + " nobody is",
            "make it without AUTO REFRESH, and REFRESH it by a flow's schedule");
  out.sqlstate = "0A000";
  return out;
}

void AutoRefresh::tick(const Cancel& cancel) {
  const auto rights = warehouse_.core().current_rights();
  if (!rights) return;
  std::map<std::string, Known> known;
  for (const auto& [place, view] : (*rights)->relations()) {
    if (view.kind != "materialized view" || !view.attributes["auto_refresh"].as_bool(false)) continue;
    const std::string key = MaterializedViews::key_of(view.schema, view.name);
    Known now = known_[key];
    if (clock_.steady_micros() >= now.next_at && !cancel.is_cancelled() && views_.is_stale(**rights, view)) {
      refresh(view, now, cancel);
    }
    known[key] = now;
  }
  known_ = std::move(known);
}

// As any other statement: in the log, under the limits, and ended with the warehouse.
void AutoRefresh::refresh(const Relation& view, Known& known, const Cancel& cancel) {
  const int64_t began = clock_.steady_micros();
  Statement statement;
  statement.sql = "REFRESH MATERIALIZED VIEW " + quoted_name(view.schema) + "." + quoted_name(view.name);
  statement.client = kAutoRefreshUser;
  const auto run = [&]() -> Status {
    TRY_ASSIGN(const auto execution,
               warehouse_.execute({.name = kAutoRefreshUser, .may_read = true, .may_administer = true},
                                  std::move(statement), cancel));
    while (true) {
      TRY_ASSIGN(const Rows rows, execution->next());
      if (rows.empty()) return {};
    }
  };
  const Status done = run();
  const int64_t now = clock_.steady_micros();
  if (done) {
    known.failures = 0;
    known.next_at = now + std::max(kEveryMicros, (now - began) * kShare);
    return;
  }
  if (known.failures == 0) {
    log_event(Level::error, "materialized_view.not_refreshed",
              {{"view", view.schema + "." + view.name}, {"error", done.error().text()}});
  }
  known.failures = std::min(known.failures + 1, kDoublingsMax);
  known.next_at = now + std::min(kEveryMicros << known.failures, kEveryMicrosMax);
}

}  // namespace weir::warehouse
