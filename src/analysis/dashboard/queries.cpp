#include "analysis/dashboard/queries.h"

#include <cctype>
#include <functional>
#include <map>
#include <optional>

namespace weir::dashboard {
namespace {

bool is_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

std::string timestamp_text(int64_t seconds) {
  return format_timestamp(seconds * 1'000'000);
}

// Where what begins at `at` ends, if it is a text or a comment; `at` otherwise.
size_t behind_quoted(const std::string& sql, size_t at) {
  const auto ends = [&](const char* what, size_t from, size_t length) {
    const size_t found = sql.find(what, from);
    return found == std::string::npos ? sql.size() : found + length;
  };
  const char letter = sql[at];
  if (letter == '\'' || letter == '"') {
    const bool escapes =
        letter == '\'' && at > 0 && (sql[at - 1] == 'e' || sql[at - 1] == 'E') && (at < 2 || !is_word(sql[at - 2]));
    for (size_t i = at + 1; i < sql.size(); ++i) {
      if (escapes && sql[i] == '\\') {
        ++i;
      } else if (sql[i] == letter) {
        return i + 1;  // a doubled quote begins the next text at once
      }
    }
    return sql.size();
  }
  if (sql.compare(at, 2, "--") == 0) return ends("\n", at, 1);
  if (sql.compare(at, 2, "/*") == 0) {
    int depth = 0;
    for (size_t i = at; i + 1 < sql.size(); ++i) {
      if (sql.compare(i, 2, "/*") == 0) {
        ++depth;
        ++i;
      } else if (sql.compare(i, 2, "*/") == 0) {
        ++i;
        if (--depth == 0) return i + 1;
      }
    }
    return sql.size();
  }
  if (letter == '$') {
    size_t tag_end = at + 1;
    while (tag_end < sql.size() && is_word(sql[tag_end])) ++tag_end;
    const bool is_tag =
        tag_end < sql.size() && sql[tag_end] == '$' && std::isdigit(static_cast<unsigned char>(sql[at + 1])) == 0;
    if (!is_tag) return at;
    const std::string tag = sql.substr(at, tag_end + 1 - at);
    return ends(tag.c_str(), tag_end + 1, tag.size());
  }
  return at;
}

// `select` with what `written` says for $from, $to and $step; what stands in quotes and comments stays.
std::string with_range(const std::string& select, const std::function<std::string(const std::string& name)>& written) {
  std::string out;
  for (size_t at = 0; at < select.size();) {
    const size_t behind = behind_quoted(select, at);
    if (behind > at) {
      out += select.substr(at, behind - at);
      at = behind;
      continue;
    }
    size_t end = at + 1;
    while (select[at] == '$' && end < select.size() && is_word(select[end])) ++end;
    const std::string name = select.substr(at + 1, end - at - 1);
    if (name == "from" || name == "to" || name == "step") {
      out += written(name);
      at = end;
    } else {
      out += select[at++];
    }
  }
  return out;
}

class Parameters {
 public:
  explicit Parameters(std::vector<Json>& values) : values_(values) {}
  std::string add(Json value) {
    values_.push_back(std::move(value));
    return "$" + std::to_string(values_.size());
  }
  std::string add_time(int64_t seconds) { return "CAST(" + add(timestamp_text(seconds)) + " AS TIMESTAMP)"; }

 private:
  std::vector<Json>& values_;
};

// The metric's own rows of one step become one number.
const char* aggregate(Statistic statistic) {
  switch (statistic) {
    case Statistic::sum:
      return R"(sum(coalesce(value, "sum")))";
    case Statistic::rate:
    case Statistic::count:
      return R"(sum(coalesce("count", value)))";
    case Statistic::average:
      return R"(CASE WHEN sum("count") > 0 THEN sum("sum") / sum("count") ELSE avg(value) END)";
    case Statistic::min:
      return "min(value)";
    case Statistic::max:
      return "max(value)";
    case Statistic::last:
      return "arg_max(value, sampled_at)";
    case Statistic::p50:
      return R"(sum(p50 * "count") / nullif(sum(CASE WHEN p50 IS NULL THEN 0 ELSE "count" END), 0))";
    case Statistic::p95:
      return R"(sum(p95 * "count") / nullif(sum(CASE WHEN p95 IS NULL THEN 0 ELSE "count" END), 0))";
    case Statistic::p99:
      return R"(sum(p99 * "count") / nullif(sum(CASE WHEN p99 IS NULL THEN 0 ELSE "count" END), 0))";
  }
  return "";
}

}  // namespace

bool is_gauge_statistic(Statistic statistic) {
  return statistic == Statistic::average || statistic == Statistic::min || statistic == Statistic::max ||
         statistic == Statistic::last;
}

Query range_query(const std::string& select, const Grid& grid) {
  Query out;
  Parameters parameters(out.parameters);
  std::map<std::string, std::string> known;  // by name: one parameter each
  out.sql = with_range(select, [&](const std::string& name) {
    std::string& text = known[name];
    if (text.empty()) {
      text = name == "step" ? "to_seconds(CAST(" + parameters.add(grid.step_s) + " AS BIGINT))"
                            : parameters.add_time(name == "from" ? grid.from_s : grid.to_s());
    }
    return text;
  });
  return out;
}

std::string select_of(const Panel& panel) {
  return with_range(panel.sql, [](const std::string& name) {
    return name == "step" ? std::string("to_seconds(60)") : "CAST('" + timestamp_text(0) + "' AS TIMESTAMP)";
  });
}

Query metric_query(const Panel& panel, const Grid& grid) {
  Query out;
  Parameters parameters(out.parameters);
  const std::string from = parameters.add_time(grid.from_s);
  const std::string before = parameters.add_time(grid.from_s - kQuietMax.micros / 1'000'000);
  const std::string to = parameters.add_time(grid.to_s());
  const std::string from_s = "CAST(" + parameters.add(grid.from_s) + " AS BIGINT)";
  const std::string step_s = "CAST(" + parameters.add(grid.step_s) + " AS BIGINT)";
  std::string names, parts;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    const Series& series = panel.series[i];
    if (series.source != Source::metric) continue;
    const std::string name = parameters.add(series.metric);
    names += (names.empty() ? "" : ", ") + name;
    const auto label = [&](const std::string& key) {
      return "coalesce(json_extract_string(labels, " + parameters.add("$.\"" + key + "\"") + "), '')";
    };
    std::string where = "name = " + name;
    if (!is_gauge_statistic(series.statistic)) where += " AND sampled_at >= " + from;
    for (const auto& [key, value] : series.labels) where += " AND " + label(key) + " = " + parameters.add(value);
    const std::string key = series.by.empty() ? "''" : label(series.by);
    parts += "UNION ALL SELECT " + std::to_string(i) + ", greatest(-1, CAST(floor((epoch(sampled_at) - " + from_s +
             ") / " + step_s + ") AS BIGINT)) AS point, " + key + " AS key, CAST(" + aggregate(series.statistic) +
             " AS DOUBLE) FROM samples WHERE " + where + " GROUP BY point, key\n";
  }
  const std::string all = " FROM weir_metrics WHERE sampled_at >= " + before + " AND sampled_at < " + to;
  out.sql = "WITH samples AS MATERIALIZED (SELECT sampled_at, name, labels, value, \"count\", \"sum\", p50, p95, p99" +
            all + " AND name IN (" + names + "))\n" +
            "SELECT -1 AS series, 0 AS point, '' AS key, CAST(epoch(min(sampled_at)) AS DOUBLE) AS value" + all +
            "\nUNION ALL SELECT -2, 0, '', CAST(epoch(max(sampled_at)) AS DOUBLE)" + all + "\n" + parts +
            "ORDER BY series, point";
  return out;
}

}  // namespace weir::dashboard
