// Dashboards: `dashboards/<name>.yaml` declares panels, and each panel's numbers for a time range come from one SELECT
// of the asking user, under the warehouse's limits.
//
// A panel's series come from the history of metrics (the stream `weir_metrics`), from the columns of a SELECT of its
// own with $from, $to and $step, or from an expression over other series of the panel. Points lie on a grid: the range
// is widened to whole steps, a step divides a day, and a panel has at most kPointsMax points a series.
//
// Promises: parse_dashboard finds every mistake of a file in one pass, each with file:line:column. from_json(
// to_json(d)) == d; equal dashboards give equal JSON. A panel that fails tells its error and leaves the others alone.
// Times are UTC. Declarations are pure functions, any thread; Dashboards: any thread, answer() blocks (run it on a
// lane). Errors: not_found, invalid; of a panel what the warehouse says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml.h"
#include "core/project/project.h"
#include "platform/warehouse/warehouse.h"

namespace weir::dashboard {

inline constexpr size_t kPanelsMax = 60;
inline constexpr size_t kSeriesMax = 30;  // declared ones of a panel
inline constexpr size_t kSplitMax = 12;   // series that `by` makes of one
inline constexpr size_t kLabelsMax = 16;
inline constexpr size_t kTextBytesMax = 16'384;
inline constexpr size_t kExpressionBytesMax = 500;
inline constexpr size_t kPointsMax = 1'500;   // of a series
inline constexpr size_t kRowsShownMax = 500;  // of a table or of bars
inline constexpr Duration kRangeMin = minutes(1);
inline constexpr Duration kRangeMax = days(400);
inline constexpr int kColumns = 12;  // of the page; a panel's width counts them

enum class PanelKind { time_series, number, bar, table, text };
// What becomes of the rows of a metric within one step. Of counters: sum (the increase), rate (per second), count; of
// gauges: average, min, max, last; of histograms: count, rate (observations), sum, average, p50, p95, p99.
enum class Statistic { sum, rate, count, average, min, max, last, p50, p95, p99 };
enum class AxisSide { left, right };
// How a series becomes the one number of a panel of numbers or of a bar.
enum class Reduce { last, sum, average, min, max };
enum class Source { metric, column, expression };

struct Axis {
  std::string label;
  std::string
      unit;  // as it is written behind a number: "bytes" and "seconds" and "ratio" are written in their own ways
  std::optional<double> min, max;  // nothing: as the numbers are, from 0
  friend bool operator==(const Axis&, const Axis&) = default;
};

struct Series {
  std::string name;   // unique in the panel; what expressions call it
  std::string label;  // by default the name
  Source source = Source::metric;
  std::string metric;
  std::map<std::string, std::string> labels;  // the metric's rows must have all of them
  std::string by;                             // a label: one series for each of its values
  Statistic statistic = Statistic::sum;
  std::string column;      // of the panel's SELECT
  std::string expression;  // see expression.h
  AxisSide axis = AxisSide::left;
  bool hidden = false;  // only for expressions
  friend bool operator==(const Series&, const Series&) = default;
};

struct Panel {
  std::string name;  // unique in the dashboard; by default its kind and place: number_2
  std::string title;
  std::string description;
  PanelKind kind = PanelKind::time_series;
  int width = 6;
  Axis left, right;
  std::optional<Duration> step;  // the least; divides a day
  Reduce reduce = Reduce::last;  // of numbers and of bars from metrics
  std::string sql;               // one SELECT as one_select() keeps it, with $from, $to and $step in it
  std::vector<Series> series;    // with `sql` and none: every column of numbers behind the first one of times
  std::string text;              // of a text: paragraphs
  friend bool operator==(const Panel&, const Panel&) = default;
};

struct Dashboard {
  std::string name;  // [a-z][a-z0-9_]{0,62}
  std::string title;
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  Duration range = hours(1);       // what the page begins with
  Duration refresh = seconds(10);  // how often it asks
  std::vector<Panel> panels;
  friend bool operator==(const Dashboard&, const Dashboard&) = default;
};

struct ParsedDashboard {
  Dashboard dashboard;        // means something only if there are no errors
  std::vector<Error> errors;  // in the order of their places
};
// What metrics there are, by name; empty where no program runs: then only words are checked.
using MetricKinds = std::map<std::string, MetricKind>;
// `name` is the file's name without .yaml. The second form takes a file without `${…}`.
ParsedDashboard parse_dashboard(const Yaml& root, const std::string& name, const MetricKinds& metrics = {});
ParsedDashboard parse_dashboard(std::string_view text, const std::string& file, const std::string& name,
                                const MetricKinds& metrics = {});

// JSON Schema (draft 2020-12) of the file, for editors and `weir schema`.
Json dashboard_schema();

// The canonical form that the control database keeps and pages read.
Json to_json(const Dashboard& dashboard);
// `corrupt` if it is not what to_json wrote; `unsupported` if a newer weir wrote it.
Result<Dashboard> dashboard_from_json(const Json& json);
std::vector<project::Difference> compare(const Dashboard& applied, const Dashboard& wanted);

// The SELECT of a panel as it is asked, for any one range: what can be bound before anybody looks at it.
std::string select_of(const Panel& panel);

// The kind "dashboard" for the project's registry; a dashboard has no data, so nothing is destroyed with it. `metrics`
// says what can be drawn and may be missing.
project::Kind dashboard_kind(std::function<MetricKinds()> metrics = {});

// What every project has without a file, until it declares dashboards/ops.yaml: how the program itself is.
const Dashboard& ops_dashboard();

struct Range {
  WallTime from, to;             // `to` excluded
  std::optional<Duration> step;  // nothing: as many as are well seen
};

// Of a time series {"times":[…],"step_s","series":[{"name","label","axis","values":[…]}]}: seconds since 1970, null
// where nothing is; a number also has "value". Bars: {"bars":[{"label","value"}]}. A table:
// {"columns","rows","truncated"}.
struct PanelAnswer {
  std::string name;
  Json data;
  Duration took;
  std::optional<Error> error;  // then there is no data
};
struct Answer {
  WallTime from, to, now;  // from and to widened to whole steps
  Duration step;
  std::vector<PanelAnswer> panels;  // texts have none
};

class Dashboards {
 public:
  struct Parts {
    warehouse::Warehouse& warehouse;
    const Clock& clock;
  };
  explicit Dashboards(const Parts& parts) : parts_(parts) {}

  // The declared ones, at start and after each apply.
  void set_dashboards(std::vector<Dashboard> dashboards);
  // {"dashboards":[{"name","title","description","panels","built_in",…}]}: enabled ones by name, the built-in one last.
  Json list() const;
  // {"name",…,"panels":[…]}, as to_json(), and "built_in".
  Result<Json> find(std::string_view name) const;
  // One statement a panel, one after another; of `panels` only those that are named, if any are. `invalid` for a range
  // that is none, `cancelled`.
  Result<Answer> answer(const warehouse::User& user, std::string_view name, const Range& range,
                        const std::vector<std::string>& panels, const Cancel& cancel) const;

 private:
  struct Known {
    std::shared_ptr<const Dashboard> dashboard;  // shared with answers under way
    bool built_in = false;
  };
  Result<Known> known(std::string_view name) const;

  const Parts parts_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Dashboard>, std::less<>> declared_ GUARDED_BY(mutex_);
};

}  // namespace weir::dashboard
