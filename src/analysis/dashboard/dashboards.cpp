// The declared dashboards, and the numbers of their panels.
#include <algorithm>

#include "analysis/dashboard/answer.h"
#include "analysis/dashboard/dashboard.h"
#include "analysis/dashboard/queries.h"
#include "core/base/text.h"

namespace weir::dashboard {
namespace {

constexpr Duration kPanelTimeMax = seconds(20);
constexpr Duration kMetricStepMin = seconds(30);  // of a panel that says no step
constexpr Duration kAnswerTimeMax = seconds(50);
constexpr uint64_t kRowsReadMax = 60'000;  // of a time series: points times series

Json summary_json(const Dashboard& dashboard, bool built_in) {
  return Json::Object{{"name", dashboard.name},
                      {"title", dashboard.title},
                      {"description", dashboard.description},
                      {"panels", uint64_t{dashboard.panels.size()}},
                      {"built_in", built_in}};
}

// One panel's question to the warehouse, and its answer.
class PanelQuestion {
 public:
  PanelQuestion(warehouse::Warehouse& warehouse, const warehouse::User& user, const Panel& panel, const Grid& grid,
                WallTime now)
      : warehouse_(warehouse), user_(user), panel_(panel), grid_(grid), now_(now) {}

  Result<Json> ask(Duration limit, const Cancel& cancel) {
    TRY_ASSIGN(const Rows rows, read(limit, cancel));
    if (panel_.kind == PanelKind::table) return table_json(rows);
    const bool is_plain = !panel_.sql.empty() && panel_.series.empty() && !begins_with_time(rows);
    if (panel_.kind == PanelKind::bar && is_plain) return bars_of_rows(rows);
    if (panel_.kind == PanelKind::number && is_plain) return number_of_rows(rows);
    TRY_ASSIGN(const std::vector<Line> lines, lines_of(rows));
    if (panel_.kind == PanelKind::bar) return bars_json(panel_, lines);
    Json out = lines_json(lines, grid_);
    if (panel_.kind == PanelKind::number) {
      const auto value = lines.empty() ? std::nullopt : reduced(panel_.reduce, lines.front().values);
      out.set("value", value ? Json(*value) : Json());
    }
    return out;
  }

 private:
  Result<std::vector<Line>> lines_of(const Rows& rows) const {
    if (panel_.sql.empty()) return metric_lines(panel_, grid_, rows, now_);
    return select_lines(panel_, grid_, rows);
  }

  Result<Rows> read(Duration limit, const Cancel& cancel) {
    const bool is_metrics = panel_.sql.empty();
    Query query = is_metrics ? metric_query(panel_, grid_) : range_query(panel_.sql, grid_);
    warehouse::Statement statement;
    statement.sql = std::move(query.sql);
    statement.parameters = std::move(query.parameters);
    statement.time = limit;
    const bool is_shown_as_rows = panel_.kind == PanelKind::table || (panel_.kind == PanelKind::bar && !is_metrics);
    statement.rows_max = is_shown_as_rows ? kRowsShownMax : kRowsReadMax;
    statement.client = "dashboard";
    TRY_ASSIGN(const auto execution, warehouse_.execute(user_, std::move(statement), cancel));
    Rows out;
    out.columns = execution->columns();
    for (;;) {
      TRY_ASSIGN(auto rows, execution->next());
      if (rows.empty()) break;
      std::move(rows.begin(), rows.end(), std::back_inserter(out.rows));
    }
    out.truncated = execution->truncated();
    return out;
  }

  warehouse::Warehouse& warehouse_;
  const warehouse::User& user_;
  const Panel& panel_;
  const Grid& grid_;
  const WallTime now_;
};

}  // namespace

void Dashboards::set_dashboards(std::vector<Dashboard> dashboards) {
  std::map<std::string, std::shared_ptr<const Dashboard>, std::less<>> made;
  for (Dashboard& dashboard : dashboards) {
    const std::string name = dashboard.name;
    made[name] = std::make_shared<const Dashboard>(std::move(dashboard));
  }
  const MutexLock lock(mutex_);
  declared_ = std::move(made);
}

Result<Dashboards::Known> Dashboards::known(std::string_view name) const {
  const MutexLock lock(mutex_);
  const auto found = declared_.find(name);
  if (found != declared_.end() && found->second->enabled) return Known{found->second, false};
  if (found == declared_.end() && name == ops_dashboard().name) {
    return Known{std::make_shared<const Dashboard>(ops_dashboard()), true};
  }
  std::vector<std::string> names = {ops_dashboard().name};
  for (const auto& [one, dashboard] : declared_) {
    if (dashboard->enabled) names.push_back(one);
  }
  return Error(Code::not_found, "there is no dashboard " + shown(name), did_you_mean(name, names));
}

Json Dashboards::list() const {
  const MutexLock lock(mutex_);
  Json listed(Json::Array{});
  for (const auto& [name, dashboard] : declared_) {
    if (dashboard->enabled) listed.push(summary_json(*dashboard, false));
  }
  if (!declared_.contains(ops_dashboard().name)) listed.push(summary_json(ops_dashboard(), true));
  return Json::Object{{"dashboards", std::move(listed)}};
}

Result<Json> Dashboards::find(std::string_view name) const {
  TRY_ASSIGN(const Known found, known(name));
  Json out = to_json(*found.dashboard);
  out.set("built_in", found.built_in);
  return out;
}

Result<Answer> Dashboards::answer(const warehouse::User& user, std::string_view name, const Range& range,
                                  const std::vector<std::string>& panels, const Cancel& cancel) const {
  TRY_ASSIGN(const Known found, known(name));
  TRY_ASSIGN(const Grid whole, make_grid(range, std::nullopt));
  Answer out;
  out.from = {whole.from_s * 1'000'000};
  out.to = {whole.to_s() * 1'000'000};
  out.step = seconds(whole.step_s);
  out.now = parts_.clock.wall();
  const int64_t begin = parts_.clock.steady_micros();
  for (const Panel& panel : found.dashboard->panels) {
    const bool is_wanted = panels.empty() || std::find(panels.begin(), panels.end(), panel.name) != panels.end();
    if (panel.kind == PanelKind::text || !is_wanted) continue;
    TRY(cancel.check());
    PanelAnswer answer;
    answer.name = panel.name;
    const int64_t started = parts_.clock.steady_micros();
    const Duration left{kAnswerTimeMax.micros - (started - begin)};
    // Metrics are sampled every few seconds: shorter steps would show that, and not the metric.
    const auto least = panel.step || !panel.sql.empty() ? panel.step : std::optional(kMetricStepMin);
    TRY_ASSIGN(const Grid grid, make_grid(range, least));
    auto data =
        left.micros <= 0
            ? Result<Json>(Error(Code::timed_out, "the panels above took too long",
                                 "choose a shorter range, or ask for fewer panels"))
            : PanelQuestion(parts_.warehouse, user, panel, grid, out.now).ask(std::min(left, kPanelTimeMax), cancel);
    if (data) {
      answer.data = std::move(*data);
    } else {
      answer.error = std::move(data).error();
    }
    answer.took = {parts_.clock.steady_micros() - started};
    out.panels.push_back(std::move(answer));
  }
  return out;
}

}  // namespace weir::dashboard
