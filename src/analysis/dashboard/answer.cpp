#include "analysis/dashboard/answer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "analysis/dashboard/queries.h"
#include "analysis/dashboard/words.h"
#include "core/base/text.h"

namespace weir::dashboard {
namespace {

using engine::Cell;

std::optional<double> number_of(const Cell& cell) {
  if (const auto* whole = std::get_if<int64_t>(&cell)) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(&cell)) {
    return std::isfinite(*number) ? std::optional(*number) : std::nullopt;
  }
  if (const auto* text = std::get_if<std::string>(&cell)) {  // decimals and wide integers
    double number = 0;
    const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (failed == std::errc() && end == text->data() + text->size() && std::isfinite(number)) return number;
  }
  return std::nullopt;
}

std::string text_of(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* whole = std::get_if<int64_t>(&cell)) return std::to_string(*whole);
  if (const auto* flag = std::get_if<bool>(&cell)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<double>(&cell)) return Json(*number).dump();
  return "";
}

std::optional<int64_t> seconds_of(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  if (text == nullptr) return std::nullopt;
  if (const auto time = parse_timestamp(*text)) {
    return *time >= 0 ? *time / 1'000'000 : (*time - 999'999) / 1'000'000;
  }
  if (const auto day = parse_date(*text)) return int64_t{*day} * 86'400;
  return std::nullopt;
}

bool is_time_type(const std::string& type) {
  return type.starts_with("TIMESTAMP") || type == "DATE";
}

bool is_number_type(const std::string& type) {
  for (const char* one : {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                          "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE"}) {
    if (type == one) return true;
  }
  return type.starts_with("DECIMAL");
}

Json number_json(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}

Json cell_json(const Cell& cell) {
  return std::visit([](const auto& value) { return Json(value); }, cell);
}

double weight(const Values& values) {
  double out = 0;
  for (const auto& value : values) out += std::abs(value.value_or(0));
  return out;
}

bool adds_up(Statistic statistic) {
  return statistic == Statistic::sum || statistic == Statistic::rate || statistic == Statistic::count;
}

// Those that say most, by name; the rest together where that means something.
std::vector<Line> split_lines(const Series& series, std::map<std::string, Values> by_key, size_t points) {
  std::vector<std::pair<std::string, Values>> all(std::make_move_iterator(by_key.begin()),
                                                  std::make_move_iterator(by_key.end()));
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return weight(a.second) > weight(b.second); });
  Values rest(points);
  const size_t left_out = all.size() > kSplitMax ? all.size() - kSplitMax : 0;
  for (size_t i = kSplitMax; i < all.size(); ++i) {
    for (size_t point = 0; point < points; ++point) {
      if (const auto& value = all[i].second[point]) rest[point] = rest[point].value_or(0) + *value;
    }
  }
  if (left_out > 0) all.resize(kSplitMax);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Line> out;
  for (auto& [key, values] : all) {
    out.push_back({series.name + ":" + key, key.empty() ? "(none)" : key, series.axis, std::move(values)});
  }
  if (left_out > 0 && adds_up(series.statistic)) {
    out.push_back({series.name + ":", std::to_string(left_out) + " others", series.axis, std::move(rest)});
  }
  return out;
}

// A metric has rows only where it changed, and every five minutes unless it is 0: what adds up is 0 in between, a gauge
// is what it was, and 0 when nothing was heard of it for longer.
void fill(Values& values, const Series& series, const Grid& grid, std::optional<double> before,
          std::optional<size_t> first, std::optional<size_t> last) {
  if (!first || !last) return;
  if (adds_up(series.statistic)) {
    for (size_t point = *first; point <= *last; ++point) values[point] = values[point].value_or(0);
    return;
  }
  if (!is_gauge_statistic(series.statistic)) return;
  std::optional<double> known = before;
  const auto quiet_points = static_cast<size_t>(kQuietMax.micros / 1'000'000 / grid.step_s) + 1;
  size_t quiet = 0;
  for (size_t point = *first; point <= *last; ++point) {
    if (values[point]) {
      known = values[point];
      quiet = 0;
    } else {
      values[point] = known && ++quiet <= quiet_points ? *known : 0;
    }
  }
}

void add_expressions(const Panel& panel, std::map<std::string, Values>& known, size_t points, std::vector<Line>& out) {
  for (const Series& series : panel.series) {
    if (series.source != Source::expression) continue;
    const auto expression = Expression::parse(series.expression);
    if (!expression) continue;  // it was parsed when it was declared
    for (const std::string& name : expression->names()) {
      if (!known.contains(name)) known[name] = Values(points);
    }
    known[series.name] = expression->evaluate(known, points);
    if (!series.hidden) out.push_back({series.name, series.label, series.axis, known[series.name]});
  }
}

// As they are declared, whatever made them.
void put_in_order(const Panel& panel, std::vector<Line>& lines) {
  const auto place = [&](const Line& line) {
    const std::string name = line.name.substr(0, line.name.find(':'));
    return std::find_if(panel.series.begin(), panel.series.end(), [&](const Series& one) { return one.name == name; });
  };
  std::stable_sort(lines.begin(), lines.end(), [&](const Line& a, const Line& b) { return place(a) < place(b); });
}

}  // namespace

std::vector<Line> metric_lines(const Panel& panel, const Grid& grid, const Rows& rows, WallTime now) {
  std::vector<std::map<std::string, Values>> by_key(panel.series.size());
  std::vector<std::map<std::string, double>> before(panel.series.size());
  std::optional<size_t> first, last;
  for (const auto& row : rows.rows) {
    const int64_t series = std::get<int64_t>(row[0]), point = std::get<int64_t>(row[1]);
    const std::optional<double> value = number_of(row[3]);
    if (!value) continue;
    const auto whole = static_cast<int64_t>(*value);
    if (series == kSeenFirst) {
      first = grid.place(std::max(whole, grid.from_s));
    } else if (series == kSeenLast) {
      // What has not been sampled yet is not known to be 0.
      last = grid.place(std::min(whole, grid.to_s() - 1));
    } else if (point < 0) {
      before[static_cast<size_t>(series)][text_of(row[2])] = *value;
    } else if (point < static_cast<int64_t>(grid.points)) {
      Values& values = by_key[static_cast<size_t>(series)][text_of(row[2])];
      values.resize(grid.points);
      values[static_cast<size_t>(point)] = value;
    }
  }
  std::map<std::string, Values> known;
  std::vector<Line> out;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    const Series& series = panel.series[i];
    if (series.source != Source::metric) continue;
    if (is_gauge_statistic(series.statistic)) {
      for (const auto& [key, value] : before[i]) by_key[i][key].resize(grid.points);
    }
    if (series.by.empty()) by_key[i][""].resize(grid.points);
    for (auto& [key, values] : by_key[i]) {
      const auto earlier = before[i].find(key);
      fill(values, series, grid, earlier == before[i].end() ? std::nullopt : std::optional(earlier->second), first,
           last);
      if (series.statistic != Statistic::rate) continue;
      for (size_t point = 0; point < grid.points; ++point) {
        const int64_t begin = grid.from_s + static_cast<int64_t>(point) * grid.step_s;
        const int64_t passed = std::clamp<int64_t>(now.micros / 1'000'000 - begin, 1, grid.step_s);
        if (values[point]) values[point] = *values[point] / static_cast<double>(passed);
      }
    }
    if (series.by.empty()) {
      known[series.name] = by_key[i][""];
      if (!series.hidden) out.push_back({series.name, series.label, series.axis, std::move(by_key[i][""])});
    } else if (!series.hidden) {
      for (Line& line : split_lines(series, std::move(by_key[i]), grid.points)) out.push_back(std::move(line));
    }
  }
  add_expressions(panel, known, grid.points, out);
  put_in_order(panel, out);
  return out;
}

bool begins_with_time(const Rows& rows) {
  return rows.columns.size() > 1 && is_time_type(rows.columns[0].type);
}

Result<std::vector<Line>> select_lines(const Panel& panel, const Grid& grid, const Rows& rows) {
  if (!begins_with_time(rows)) {
    return Error(Code::invalid, "the first column of the SELECT is no time, or it is the only one",
                 "SELECT time_bucket($step, occurred_at) AS at, count(*) … GROUP BY 1");
  }
  const auto at_point = [&](const std::vector<Cell>& row) -> std::optional<size_t> {
    const auto time = seconds_of(row[0]);
    return time ? grid.place(*time) : std::nullopt;
  };
  std::vector<Line> out;
  const bool is_long = panel.series.empty() && rows.columns.size() == 3 && !is_number_type(rows.columns[1].type) &&
                       is_number_type(rows.columns[2].type);
  if (is_long) {  // time, name, number
    std::map<std::string, Values> by_key;
    for (const auto& row : rows.rows) {
      Values& values = by_key[text_of(row[1])];
      values.resize(grid.points);
      if (const auto point = at_point(row)) values[*point] = number_of(row[2]);
    }
    Series series;
    series.name = rows.columns[2].name;
    return split_lines(series, std::move(by_key), grid.points);
  }
  const auto read = [&](size_t column) {
    Values values(grid.points);
    for (const auto& row : rows.rows) {
      if (const auto point = at_point(row)) values[*point] = number_of(row[column]);
    }
    return values;
  };
  if (panel.series.empty()) {
    for (size_t i = 1; i < rows.columns.size() && out.size() < kSeriesMax; ++i) {
      if (is_number_type(rows.columns[i].type))
        out.push_back({rows.columns[i].name, rows.columns[i].name, AxisSide::left, read(i)});
    }
    return out;
  }
  std::map<std::string, Values> known;
  for (const Series& series : panel.series) {
    if (series.source != Source::column) continue;
    const auto column = std::find_if(rows.columns.begin(), rows.columns.end(),
                                     [&](const auto& one) { return equal_ignoring_case(one.name, series.column); });
    if (column == rows.columns.end()) {
      std::vector<std::string> names;
      for (const auto& one : rows.columns) names.push_back(one.name);
      return Error(Code::invalid, "the SELECT has no column " + shown(series.column),
                   did_you_mean(series.column, names));
    }
    known[series.name] = read(static_cast<size_t>(column - rows.columns.begin()));
    if (!series.hidden) out.push_back({series.name, series.label, series.axis, known[series.name]});
  }
  add_expressions(panel, known, grid.points, out);
  put_in_order(panel, out);
  return out;
}

std::optional<double> reduced(Reduce reduce, const Values& values) {
  std::vector<double> there;
  for (const auto& value : values) {
    if (value) there.push_back(*value);
  }
  if (there.empty()) return std::nullopt;
  double sum = 0;
  for (const double value : there) sum += value;
  switch (reduce) {
    case Reduce::last:
      return there.back();
    case Reduce::sum:
      return sum;
    case Reduce::average:
      return sum / static_cast<double>(there.size());
    case Reduce::min:
      return *std::min_element(there.begin(), there.end());
    case Reduce::max:
      return *std::max_element(there.begin(), there.end());
  }
  return std::nullopt;
}

Json lines_json(const std::vector<Line>& lines, const Grid& grid) {
  Json times(Json::Array{}), series(Json::Array{});
  for (size_t point = 0; point < grid.points; ++point)
    times.push(grid.from_s + static_cast<int64_t>(point) * grid.step_s);
  for (const Line& line : lines) {
    Json values(Json::Array{});
    for (const auto& value : line.values) values.push(number_json(value));
    series.push(Json::Object{{"name", line.name},
                             {"label", line.label},
                             {"axis", word_of(axis_words(), line.axis)},
                             {"values", std::move(values)}});
  }
  return Json::Object{{"step_s", grid.step_s}, {"times", std::move(times)}, {"series", std::move(series)}};
}

Json bars_json(const Panel& panel, const std::vector<Line>& lines) {
  Json bars(Json::Array{});
  for (const Line& line : lines) {
    bars.push(Json::Object{{"label", line.label}, {"value", number_json(reduced(panel.reduce, line.values))}});
  }
  return Json::Object{{"bars", std::move(bars)}};
}

Result<Json> bars_of_rows(const Rows& rows) {
  if (rows.columns.size() < 2) {
    return Error(Code::invalid, "bars need two columns: what they are called and how long they are",
                 "SELECT reason, count(*) … GROUP BY 1");
  }
  Json bars(Json::Array{});
  for (const auto& row : rows.rows) {
    bars.push(Json::Object{{"label", text_of(row[0])}, {"value", number_json(number_of(row[1]))}});
  }
  return Json(Json::Object{{"bars", std::move(bars)}, {"truncated", rows.truncated}});
}

Result<Json> number_of_rows(const Rows& rows) {
  if (rows.rows.empty()) return Json(Json::Object{{"value", Json()}});
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    if (is_number_type(rows.columns[i].type))
      return Json(Json::Object{{"value", number_json(number_of(rows.rows[0][i]))}});
  }
  return Error(Code::invalid, "the SELECT has no column of numbers", "SELECT count(*) FROM …");
}

Json table_json(const Rows& rows) {
  Json columns(Json::Array{}), listed(Json::Array{});
  for (const auto& column : rows.columns) columns.push(Json::Object{{"name", column.name}, {"type", column.type}});
  for (const auto& row : rows.rows) {
    Json one(Json::Array{});
    for (const Cell& cell : row) one.push(cell_json(cell));
    listed.push(std::move(one));
  }
  return Json::Object{{"columns", std::move(columns)}, {"rows", std::move(listed)}, {"truncated", rows.truncated}};
}

}  // namespace weir::dashboard
