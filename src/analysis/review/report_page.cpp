// The automated review's template, filled in.
//
// Its table of the cluster and its three charts (Chart.js) hold the example numbers of whoever wrote it. They are
// recognised by what they are, not by where they stand: calls of `new Chart` over the canvases barChart, lineChart and
// sigChart with labels and data, as arrays or as names of arrays. If one of them is missing, nothing is touched.
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "analysis/review/report.h"
#include "analysis/review/report_charts.h"
#include "analysis/review/report_parts.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::review {
namespace {

constexpr size_t kSeriesMax = 6;
constexpr Duration kTrendShown = days(92);  // "over 3 months"
constexpr std::array<const char*, kSeriesMax> kColours = {"blue", "red", "green", "orange", "purple", "grey"};
constexpr const char* kCanvases[] = {"barChart", "lineChart", "sigChart"};

// Without Chart.js, or without scripts, what was drawn here is shown.
constexpr const char* kChartStyle =
    "<style>.weir-chart { width:640px; max-width:100%; --text:#1c2733; --dim:#5b6875; --line:#dde2e8; --red:#b3261e; "
    "--amber:#d69600; --link:#0b57a4; --track:#e9edf1; --none:#5b6875; font-family:Arial, sans-serif; font-size:13px } "
    ".weir-chart svg text { fill:var(--text) } .weir-chart .end { text-anchor:end } .weir-chart .strong "
    "{ font-weight:600 } .f-track { fill:var(--track) } .f-red { fill:var(--red) } .f-yellow { fill:var(--amber) } "
    ".f-score { fill:var(--link) } .f-before { fill:var(--none) } .s-grid { stroke:var(--line) } .s-score "
    "{ stroke:var(--link); stroke-width:2 }</style><noscript><style>canvas { display:none }</style></noscript>";
constexpr const char* kChartSwitch =
    "<script>(function () { var drawn = window.Chart ? '.weir-chart' : 'canvas', all = "
    "document.querySelectorAll(drawn); for (var i = 0; i < all.length; i++) all[i].style.display = 'none'; })();"
    "</script>";

struct Range {
  size_t from = 0, to = 0;  // `to` excluded
};
struct Edit {
  Range range;
  std::string by;
};

// --- the script, as far as it must be read --------------------------------------------------------------------------

bool is_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  return at;
}

// Behind a text in quotes or a comment that begins here; here if none does.
size_t skip_quiet(std::string_view text, size_t at) {
  const char c = text[at];
  if (c == '"' || c == '\'' || c == '`') {
    for (size_t i = at + 1; i < text.size(); ++i) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == c)
        return i + 1;
    }
    return text.size();
  }
  const bool is_line = text.substr(at).starts_with("//"), is_block = text.substr(at).starts_with("/*");
  if (!is_line && !is_block) return at;
  const std::string_view closes = is_line ? "\n" : "*/";
  const size_t end = text.find(closes, at + 2);
  return end == std::string_view::npos ? text.size() : end + closes.size();
}

// Behind the bracket that closes the one at `at`.
std::optional<size_t> behind_bracket(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    if (const size_t next = skip_quiet(text, at); next != at) {
      at = next;
      continue;
    }
    const char c = text[at++];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && --depth == 0) return at;
  }
  return std::nullopt;
}

// The arguments of `new Chart("<canvas>", …)`.
std::optional<Range> chart_call(std::string_view page, std::string_view canvas) {
  static constexpr std::string_view kCall = "new Chart";
  for (size_t at = page.find(kCall); at != std::string_view::npos; at = page.find(kCall, at + 1)) {
    const size_t line = at == 0 ? 0 : page.rfind('\n', at - 1) + 1;                   // 0 behind npos
    if (page.substr(line, at - line).find("//") != std::string_view::npos) continue;  // written out
    const size_t open = skip_space(page, at + kCall.size());
    if (open >= page.size() || page[open] != '(') continue;
    const std::string_view rest = page.substr(std::min(page.size(), skip_space(page, open + 1)));
    const bool is_ours = !rest.empty() && (rest[0] == '"' || rest[0] == '\'') && rest.substr(1).starts_with(canvas) &&
                         rest.substr(1 + canvas.size()).starts_with(rest[0]);
    if (!is_ours) continue;
    const auto end = behind_bracket(page, open);
    if (end) return Range{open, *end};
  }
  return std::nullopt;
}

// The array that `name` is given: NAME = [ … ].
std::optional<Range> array_named(std::string_view page, std::string_view name) {
  for (size_t at = page.find(name); at != std::string_view::npos; at = page.find(name, at + 1)) {
    if (at > 0 && is_of_name(page[at - 1])) continue;
    const size_t equals = skip_space(page, at + name.size());
    if (equals >= page.size() || page[equals] != '=') continue;
    const size_t open = skip_space(page, equals + 1);
    if (open >= page.size() || page[open] != '[') continue;
    const auto end = behind_bracket(page, open);
    if (end) return Range{open, *end};
  }
  return std::nullopt;
}

// The array that stands behind `key:` in the call, or whose name stands there.
std::optional<Range> array_of(std::string_view page, Range call, std::string_view key) {
  for (size_t at = call.from; at < call.to;) {
    if (const size_t next = skip_quiet(page, at); next != at) {
      at = next;
      continue;
    }
    const bool begins = page.substr(at).starts_with(key) && !is_of_name(page[at - 1]);
    const size_t colon = begins ? skip_space(page, at + key.size()) : page.size();
    ++at;
    if (colon >= call.to || page[colon] != ':') continue;
    const size_t value = skip_space(page, colon + 1);
    if (value >= call.to) return std::nullopt;
    if (page[value] == '[') {
      const auto end = behind_bracket(page, value);
      return end ? std::optional(Range{value, *end}) : std::nullopt;
    }
    size_t end = value;
    while (end < call.to && is_of_name(page[end])) ++end;
    if (end > value) return array_named(page, page.substr(value, end - value));
  }
  return std::nullopt;
}

// JSON that may stand in a script element.
std::string script_json(const Json& json) {
  std::string out;
  for (const char c : json.dump()) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out;
}

// --- what is filled in -----------------------------------------------------------------------------------------------

std::string title_of(const Json& report, const std::string& query) {
  for (const Json& section : report["sections"].array()) {
    for (const Json& one : section["queries"].array()) {
      if (one["query"].as_string() == query) return one["title"].as_string();
    }
  }
  return query;  // of an earlier run
}

// The trend as far as the chart goes back.
Json::Array points_of(const Json& report) {
  Json::Array out;
  const auto now = parse_timestamp(report["started_at"].as_string());
  for (const Json& point : report["trend"].array()) {
    const auto then = parse_timestamp(point["started_at"].as_string());
    if (now && then && *now - *then > kTrendShown.micros) continue;
    out.push_back(point);
  }
  return out;
}

// "4-Feb"
std::string short_day(const Json& point) {
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string& time = point["started_at"].as_string();
  if (time.size() < 10) return time;
  const auto two = [&](size_t at) {
    return static_cast<size_t>(time[at] - '0') * 10 + static_cast<size_t>(time[at + 1] - '0');
  };
  return std::to_string(two(8)) + "-" + kMonths[std::clamp<size_t>(two(5), 1, 12) - 1];
}

// Categories are queries; the figure of one is how many of its signals were met.
struct Categories {
  Json labels{Json::Array{}};     // of the runs
  std::vector<std::string> most;  // queries, those with most first
  std::vector<std::string> more;  // that have more than in the run before
};

Categories categories_of(const Json& report, const Json::Array& points) {
  Categories out;
  std::set<std::string> names;
  for (const Json& point : points) {
    out.labels.push(short_day(point));
    for (const auto& [query, count] : point["met"].object()) names.insert(query);
  }
  const auto last = [&](const std::string& query, size_t back) {
    return points.size() < back ? int64_t{0} : points[points.size() - back]["met"][query].as_int();
  };
  const auto most = [&](const std::string& query) {
    int64_t high = 0;
    for (const Json& point : points) high = std::max(high, point["met"][query].as_int());
    return std::pair(last(query, 1), high);
  };
  out.most.assign(names.begin(), names.end());
  std::stable_sort(out.most.begin(), out.most.end(),
                   [&](const std::string& a, const std::string& b) { return most(a) > most(b); });
  for (const std::string& query : out.most) {
    if (report["since"].is_object() && last(query, 1) > last(query, 2)) out.more.push_back(query);
  }
  return out;
}

Json series(const Json& report, const Json::Array& points, const std::vector<std::string>& queries) {
  Json out{Json::Array{}};
  for (size_t i = 0; i < std::min(queries.size(), kSeriesMax); ++i) {
    Json data{Json::Array{}};
    for (const Json& point : points) data.push(point["met"][queries[i]].as_int());
    out.push(Json::Object{{"data", std::move(data)},
                          {"borderColor", kColours[i]},
                          {"label", title_of(report, queries[i])},
                          {"fill", false}});
  }
  return out;
}

// Nothing if one of the charts is not there as it is known.
std::optional<std::vector<Edit>> chart_edits(const Json& report, const std::string& page) {
  const Json::Array points = points_of(report);
  const Categories categories = categories_of(report, points);
  Json labels{Json::Array{}}, data{Json::Array{}}, colours{Json::Array{}};
  for (const std::string& query : categories.most) {
    const int64_t now = points.back()["met"][query].as_int();
    if (now == 0 || labels.array().size() == kBarsMax) continue;
    labels.push(title_of(report, query));
    data.push(now);
    colours.push("blue");
  }
  std::vector<Edit> out;
  const auto put = [&](const char* canvas, std::string_view key, const Json& by) {
    const auto call = chart_call(page, canvas);
    const auto range = call ? array_of(page, *call, key) : std::nullopt;
    if (range) out.push_back({*range, script_json(by)});
    return range.has_value();
  };
  const bool is_known = put(kCanvases[0], "labels", labels) && put(kCanvases[0], "data", data) &&
                        put(kCanvases[1], "labels", categories.labels) &&
                        put(kCanvases[1], "datasets", series(report, points, categories.most)) &&
                        put(kCanvases[2], "labels", categories.labels) &&
                        put(kCanvases[2], "datasets", series(report, points, categories.more));
  if (!is_known) return std::nullopt;
  put(kCanvases[0], "backgroundColor", colours);  // where there is one colour for all, it stays
  return out;
}

std::string more_svg(const Json& report) {
  const Json::Array points = points_of(report);
  std::vector<Bar> bars;
  for (const std::string& query : categories_of(report, points).more) {
    const double then = points[points.size() - 2]["met"][query].as_double();
    const double now = points.back()["met"][query].as_double();
    bars.push_back({title_of(report, query),
                    grouped(then) + " → " + grouped(now),
                    {{then, "f-before"}, {now - then, "f-yellow"}}});
  }
  return bars.empty() ? "" : bars_svg("Categories with increased signals", bars);
}

std::string drawn(const Json& report, size_t chart) {
  static constexpr std::array<const char*, 3> kTitles = {"Top categories with signals", "Score and signals of each run",
                                                         "Categories with increased signals"};
  const std::string svg = chart == 0   ? top_categories_svg(report)
                          : chart == 1 ? trend_figure(report)
                                       : more_svg(report);
  return "<div class=\"weir-chart\"><b>" + std::string(kTitles[chart]) + "</b>" +
         (svg.empty() ? (chart == 1 ? "<br>This is the first run." : "<br>None.") : svg) + "</div>";
}

std::string cluster_value(const Json& report, const std::string& column) {
  const std::string& endpoint = report["endpoint"].as_string();
  const Json& target = report["target"];
  std::string known;
  if (column == "AccountId") known = report["customer"].as_string();
  if (column == "ClusterId") known = endpoint.substr(0, endpoint.find_first_of(".:/"));
  if (column == "ClusterName") known = plain(target["target"]);
  if (column == "ClusterVersion") known = plain(target["version"]);
  return known.empty() ? "not known" : html_escape(known);
}

// The contents of each <tag …>…</tag> in the range.
std::vector<Range> contents(const std::string& page, Range in, const std::string& tag) {
  std::vector<Range> out;
  for (size_t at = page.find("<" + tag, in.from); at < in.to; at = page.find("<" + tag, at + 1)) {
    const size_t from = page.find('>', at);
    const size_t to = page.find("</" + tag + ">", at);
    if (is_of_name(page[at + 1 + tag.size()]) || from >= in.to || to >= in.to || from > to) continue;
    out.push_back({from + 1, to});
  }
  return out;
}

// One row below the names of its columns, AccountId among them.
void add_cluster_edits(const Json& report, const std::string& page, std::vector<Edit>& edits) {
  const size_t named = page.find(">AccountId<");
  const size_t from = named == std::string::npos ? named : page.rfind("<table", named);
  const size_t to = from == std::string::npos ? from : page.find("</table>", from);
  if (to == std::string::npos) return;
  const auto names = contents(page, {from, to}, "th"), values = contents(page, {from, to}, "td");
  if (names.size() != values.size()) return;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string name(trim(std::string_view(page).substr(names[i].from, names[i].to - names[i].from)));
    edits.push_back({values[i], cluster_value(report, name)});
  }
}

void fill_examples(const Json& report, std::string& page) {
  if (report["trend"].array().empty()) return;
  auto edits = chart_edits(report, page);
  if (!edits) return;
  add_cluster_edits(report, page, *edits);
  for (size_t i = 0; i < std::size(kCanvases); ++i) {
    const size_t canvas = page.find("<canvas id=\"" + std::string(kCanvases[i]) + "\"");
    const size_t end = canvas == std::string::npos ? canvas : page.find("</canvas>", canvas);
    if (end != std::string::npos) edits->push_back({{end + 9, end + 9}, drawn(report, i)});
  }
  const auto last = chart_call(page, kCanvases[2]);
  const size_t script = page.find("</script>", last->to);
  if (script != std::string::npos) edits->push_back({{script + 9, script + 9}, kChartSwitch});
  const size_t head = page.find("</head>");
  if (head != std::string::npos) edits->push_back({{head, head}, kChartStyle});
  std::sort(edits->begin(), edits->end(), [](const Edit& a, const Edit& b) { return a.range.from > b.range.from; });
  // Two charts may have their labels from one array.
  const auto same = [](const Edit& a, const Edit& b) { return a.range.from == b.range.from; };
  edits->erase(std::unique(edits->begin(), edits->end(), same), edits->end());
  for (const Edit& edit : *edits) page.replace(edit.range.from, edit.range.to - edit.range.from, edit.by);
}

// One tab of the automated review's template.
std::string tab_table(const Json& query, const Json& recommendations) {
  std::string rows;
  for (const Json& signal : query["signals"].array()) {
    if (signal["colour"].as_string() != "red" && signal["colour"].as_string() != "yellow") continue;
    std::string texts, descriptions;
    for (const Json& id : signal["recommend"].array()) {
      const Json& one = recommendations[id.as_string()];
      texts += "<li style=\"color:#000\">" + html_escape(one["text"].as_string()) + "</li>";
      descriptions += "<div>" + html_cleaned(one["description"].as_string()) + "</div>";
    }
    rows += "<tr><td>" + number_of(signal, "count") + "</td><td>" + html_escape(signal["signal"].as_string()) +
            "</td><td>" + html_escape(signal["criterion"].as_string()) + "</td><td><ul>" + texts + "</ul></td><td>" +
            descriptions + "</td></tr>";
  }
  if (rows.empty() && query["status"].as_string() != "FINISHED") {
    return "<p>Not measured: " + html_escape(query["error"].as_string()) + "</p>";
  }
  if (rows.empty()) return "<p>No recommendations at this time</p>";
  return "<table border=\"1\"><thead><tr><th>Count</th><th>Signal</th><th>Criteria</th><th>Recommendation</th>"
         "<th>Description</th></tr></thead><tbody>" +
         rows + "</tbody></table>";
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace

std::string report_page(const Json& report, std::string page) {
  fill_examples(report, page);  // first: what is filled in below is no template
  std::vector<const Json*> queries;
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) queries.push_back(&query);
  }
  std::sort(queries.begin(), queries.end(),
            [](const Json* a, const Json* b) { return (*a)["query"].as_string() < (*b)["query"].as_string(); });
  for (size_t i = queries.size(); i-- > 0;) {
    const std::string number = (i < 9 ? "0" : "") + std::to_string(i + 1);
    replace_all(page, "Tab_" + number, html_escape((*queries[i])["query"].as_string()));
    replace_all(page, "tabtext_" + number, tab_table(*queries[i], report["recommendations"]));
  }
  std::string time = report["started_at"].as_string().substr(0, 19);
  std::replace(time.begin(), time.end(), 'T', ' ');
  replace_all(page, "REPLACE_DATE_TIME", html_escape(time));
  return page;
}

}  // namespace weir::review
