#include "app/analyses.h"

#include "app/sql.h"
#include "app/sql_identity.h"

namespace weir::app {
namespace {

Result<std::unique_ptr<warehouse::SqlSource>> source_of(const AnalysisParts& parts, const std::string& target,
                                                        const std::string& user) {
  if (target == review::kThisTarget) {
    warehouse::User who = warehouse::owner_user();
    if (!user.empty()) {
      TRY_ASSIGN(who, sql_user_named(parts.users, user));
    }
    return warehouse::warehouse_source(parts.warehouse, "review", std::move(who));
  }
  TRY_ASSIGN(engine::OutsidePool* const pool, parts.connections.find(target));
  return warehouse::outside_source(*pool);
}

}  // namespace

Result<Analyses> open_analyses(const AnalysisParts& parts) {
  Analyses out;
  out.alarms = std::make_unique<alarm::Alarms>(alarm::Alarms::Parts{
      parts.metrics, parts.control, parts.notifier, parts.clock, ask_sql_on(parts.warehouse, parts.lanes)});
  out.dashboards = std::make_unique<dashboard::Dashboards>(dashboard::Dashboards::Parts{parts.warehouse, parts.clock});
  TRY_ASSIGN(out.runs, LocalBlobStore::open(real_files(), parts.runs_folder));
  out.reviews = std::make_unique<review::Reviews>(review::Reviews::Parts{
      parts.flow, parts.starts, *out.runs, parts.notifier, parts.clock, parts.random,
      [parts](const std::string& target, const std::string& user) { return source_of(parts, target, user); }});
  return out;
}

}  // namespace weir::app
