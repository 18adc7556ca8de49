#include "analysis/review/report.h"

#include <algorithm>
#include <vector>

#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::review {
namespace {

constexpr const char* kStyle = R"css(
:root { color-scheme: light dark; --page:#f6f7f9; --card:#fff; --text:#1c2733; --dim:#5b6875; --line:#dde2e8;
  --red:#b3261e; --yellow:#8a5a00; --green:#1b6e3c; --none:#5b6875; --red-soft:#fdecea; --yellow-soft:#fff4dc;
  --green-soft:#e6f4ea; --none-soft:#eceff2; --link:#0b57a4; --code:#f0f2f5; }
@media (prefers-color-scheme: dark) { :root { --page:#14181d; --card:#1c2229; --text:#e4e9ee; --dim:#9aa7b4;
  --line:#313a44; --red:#ff8a80; --yellow:#f3c14b; --green:#7bd69b; --none:#9aa7b4; --red-soft:#3a2020;
  --yellow-soft:#372c12; --green-soft:#1a3324; --none-soft:#262d35; --link:#83b8f0; --code:#12161b; } }
* { box-sizing: border-box; }
body { margin:0; background:var(--page); color:var(--text); font:15px/1.5 system-ui, sans-serif; }
main { max-width:1080px; margin:0 auto; padding:24px 16px 64px; }
h1 { font-size:24px; margin:0 0 4px; } h2 { font-size:19px; margin:32px 0 8px; } h3 { font-size:16px; margin:0; }
a { color:var(--link); } .dim { color:var(--dim); } .card { background:var(--card); border:1px solid var(--line);
  border-radius:8px; padding:16px; margin:12px 0; }
.answer { display:flex; flex-wrap:wrap; gap:16px 32px; align-items:center; }
.score { font-size:40px; font-weight:650; line-height:1; } .score small { font-size:16px; color:var(--dim); }
.chip { display:inline-block; padding:1px 9px; border-radius:10px; font-size:13px; font-weight:600;
  white-space:nowrap; }
.red { color:var(--red); background:var(--red-soft); } .yellow { color:var(--yellow);
  background:var(--yellow-soft); }
.green { color:var(--green); background:var(--green-soft); } .none { color:var(--none);
  background:var(--none-soft); }
.bar { display:flex; height:10px; border-radius:5px; overflow:hidden; background:var(--none-soft);
  min-width:200px; flex:1; }
.bar i { display:block; } .bar .b-red { background:var(--red); } .bar .b-yellow { background:var(--yellow); }
.bar .b-green { background:var(--green); } .bar .b-none { background:var(--none); opacity:.45; }
table { border-collapse:collapse; width:100%; font-size:14px; } th, td { text-align:left; padding:4px 10px 4px 0;
  vertical-align:top; border-bottom:1px solid var(--line); } th { color:var(--dim); font-weight:600; }
td.n, th.n { text-align:right; font-variant-numeric:tabular-nums; } .scroll { overflow-x:auto; }
details { margin:8px 0 0; } summary { cursor:pointer; color:var(--dim); } summary:focus-visible { outline:2px
  solid var(--link); }
pre { background:var(--code); border:1px solid var(--line); border-radius:6px; padding:10px; overflow-x:auto;
  font-size:13px;
  white-space:pre-wrap; } .signal { border-top:1px solid var(--line); padding:10px 0; } .signal:first-of-type {
  border-top:0; }
.head { display:flex; flex-wrap:wrap; gap:8px; align-items:baseline; } .effort { font-size:13px; color:var(--dim); }
ul { padding-left:20px; margin:6px 0; }
@media (max-width:600px) { main { padding:16px 12px 48px; } .score { font-size:32px; } }
@media print { :root { --page:#fff; --card:#fff; } .card { break-inside:avoid; } details > * { display:block; } }
)css";

std::string chip(const Json& colour) {
  if (!colour.is_string()) return "";
  const std::string& word = colour.as_string();
  const std::string style = word == "not measured" ? "none" : word;
  return "<span class=\"chip " + style + "\">" + html_escape(word) + "</span>";
}

std::string plain(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.as_string() : value.dump();
}

std::string number_of(const Json& json, const char* key) {
  return std::to_string(json[key].as_int());
}

// The share of each colour, as one bar.
std::string bar(const Json& counts) {
  std::string out = "<div class=\"bar\" role=\"img\" aria-label=\"" + number_of(counts, "red") + " red, " +
                    number_of(counts, "yellow") + " yellow, " + number_of(counts, "green") + " green, " +
                    number_of(counts, "not_measured") + " not measured\">";
  for (const auto& [key, style] :
       {std::pair{"red", "b-red"}, {"yellow", "b-yellow"}, {"green", "b-green"}, {"not_measured", "b-none"}}) {
    if (counts[key].as_int() > 0)
      out += std::string("<i class=\"") + style + "\" style=\"flex:" + number_of(counts, key) + "\"></i>";
  }
  return out + "</div>";
}

std::string evidence_table(const Json& evidence) {
  if (evidence["rows"].array().empty()) return "";
  std::string out = "<details><summary>Evidence: " + std::to_string(evidence["rows"].array().size()) +
                    (evidence["rows"].array().size() == 1 ? " row" : " rows") +
                    (evidence["more"].as_int() > 0 ? ", and " + number_of(evidence, "more") + " more" : "") +
                    "</summary><div class=\"scroll\"><table><thead><tr>";
  for (const Json& column : evidence["columns"].array()) out += "<th>" + html_escape(column.as_string()) + "</th>";
  out += "</tr></thead><tbody>";
  for (const Json& row : evidence["rows"].array()) {
    out += "<tr>";
    for (const Json& cell : row.array()) {
      out += (cell.is_number() ? "<td class=\"n\">" : "<td>") +
             (cell.is_null() ? std::string("<span class=\"dim\">null</span>") : html_escape(plain(cell))) + "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div></details>";
}

std::string recommendation_list(const Json& ids, const Json& recommendations) {
  std::string out;
  for (const Json& id : ids.array()) {
    const Json& one = recommendations[id.as_string()];
    out += "<li>" + html_escape(one["text"].as_string());
    if (!one["effort"].as_string().empty()) {
      out += " <span class=\"effort\">(effort: " + html_escape(to_lower(one["effort"].as_string())) + ")</span>";
    }
    if (!one["description"].as_string().empty()) {
      out +=
          "<details><summary>More</summary><div>" + html_cleaned(one["description"].as_string()) + "</div></details>";
    }
    out += "</li>";
  }
  return out.empty() ? "" : "<ul>" + out + "</ul>";
}

std::string how_many(const Json& signal) {
  if (signal["colour"].as_string() == "not measured") return html_escape(signal["why"].as_string());
  if (!signal["value"].is_null()) return "value " + html_escape(plain(signal["value"]));
  const std::string name = signal["of_name"].as_string().empty() ? "rows" : signal["of_name"].as_string();
  return number_of(signal, "count") + " of " + number_of(signal, "of") + " " + html_escape(name);
}

std::string signal_block(const Json& signal, const Json& recommendations) {
  const bool is_met = signal["colour"].as_string() == "red" || signal["colour"].as_string() == "yellow";
  std::string out = "<div class=\"signal\"><div class=\"head\">" + chip(signal["colour"]) + "<strong>" +
                    html_escape(signal["signal"].as_string()) + "</strong><span class=\"dim\">" + how_many(signal) +
                    "</span></div>";
  if (is_met && !signal["explanation"].as_string().empty())
    out += "<p>" + html_escape(signal["explanation"].as_string()) + "</p>";
  if (is_met) {
    out += recommendation_list(signal["recommend"], recommendations) + evidence_table(signal["evidence"]);
    std::string mends;
    for (const Json& mend : signal["mend"].array()) mends += mend.as_string() + "\n";
    if (!mends.empty())
      out += "<details><summary>SQL to mend it</summary><pre>" + html_escape(mends) + "</pre></details>";
    for (const Json& link : signal["links"].array()) {
      out += "<p><a rel=\"noopener\" href=\"" + html_escape(link.as_string()) + "\">" + html_escape(link.as_string()) +
             "</a></p>";
    }
  }
  out += "<details><summary>Criterion</summary><pre>" + html_escape(signal["criterion"].as_string());
  if (!signal["population"].as_string().empty())
    out += "\nof rows where " + html_escape(signal["population"].as_string());
  return out + "</pre></details></div>";
}

std::string query_card(const Json& query, const Json& recommendations) {
  std::string out = "<article class=\"card\" id=\"q-" + html_escape(query["query"].as_string()) +
                    "\"><div class=\"head\"><h3>" + html_escape(query["title"].as_string()) + "</h3>" +
                    chip(query["colour"]) + "<span class=\"dim\">";
  const std::string& status = query["status"].as_string();
  if (status == "FINISHED") {
    out += number_of(query, "rows") + (query["rows"].as_int() == 1 ? " row" : " rows") +
           (query["truncated"].as_bool() ? " (there are more)" : "") + " in " +
           format_duration(milliseconds(query["elapsed_ms"].as_int()));
    if (query["round"].as_int() > 1) out += ", in round " + number_of(query, "round");
  } else {
    out += html_escape(to_lower(status));
  }
  out += "</span></div>";
  if (!query["description"].as_string().empty())
    out += "<p class=\"dim\">" + html_escape(query["description"].as_string()) + "</p>";
  if (!query["error"].as_string().empty()) out += "<pre>" + html_escape(query["error"].as_string()) + "</pre>";
  std::string fine;
  size_t fine_count = 0;
  for (const Json& signal : query["signals"].array()) {
    const bool is_fine = signal["colour"].as_string() == "green";
    fine_count += is_fine ? 1 : 0;
    (is_fine ? fine : out) += signal_block(signal, recommendations);
  }
  if (fine_count > 0) {
    out += "<details><summary>" + std::to_string(fine_count) +
           (fine_count == 1 ? " signal is green" : " signals are green") + "</summary>" + fine + "</details>";
  }
  if (!query["observations"].array().empty()) {
    out += "<details><summary>To be judged by a person</summary><ul>";
    for (const Json& one : query["observations"].array()) {
      out += "<li>" + html_escape(one["text"].as_string()) + recommendation_list(one["recommend"], recommendations) +
             "</li>";
    }
    out += "</ul></details>";
  }
  return out + "</article>";
}

std::string answer_card(const Json& report) {
  const Json& counts = report["counts"];
  std::string out = "<section class=\"card\" aria-label=\"Verdict\"><div class=\"answer\"><div class=\"score\">" +
                    (report["score"].is_null() ? std::string("–") : report["score"].dump()) +
                    "<small> of 100</small></div>" + chip(report["verdict"]) + bar(counts) + "</div><p class=\"dim\">" +
                    number_of(counts, "red") + " red, " + number_of(counts, "yellow") + " yellow, " +
                    number_of(counts, "green") + " green, " + number_of(counts, "not_measured") + " not measured</p>";
  out +=
      "<div class=\"scroll\"><table><thead><tr><th>Section</th><th "
      "class=\"n\">Score</th><th></th><th>Signals</th></tr></thead><tbody>";
  size_t number = 0;
  for (const Json& section : report["sections"].array()) {
    out += "<tr><td><a href=\"#s" + std::to_string(++number) + "\">" + html_escape(section["name"].as_string()) +
           "</a></td><td class=\"n\">" + (section["score"].is_null() ? "–" : section["score"].dump()) + "</td><td>" +
           chip(section["colour"]) + "</td><td>" + bar(section["counts"]) + "</td></tr>";
  }
  return out + "</tbody></table></div></section>";
}

// What is met, worst first, each with the way to its place.
std::string found_card(const Json& report) {
  std::string rows;
  for (const char* wanted : {"red", "yellow"}) {
    for (const Json& section : report["sections"].array()) {
      for (const Json& query : section["queries"].array()) {
        for (const Json& signal : query["signals"].array()) {
          if (signal["colour"].as_string() != wanted) continue;
          rows += "<tr><td>" + chip(signal["colour"]) + "</td><td><a href=\"#q-" +
                  html_escape(query["query"].as_string()) + "\">" + html_escape(query["title"].as_string()) +
                  "</a></td><td>" + html_escape(signal["signal"].as_string()) + "</td><td class=\"dim\">" +
                  how_many(signal) + "</td></tr>";
        }
      }
    }
  }
  if (rows.empty()) return "";
  return "<section class=\"card\"><h3>What was found</h3><div class=\"scroll\"><table><tbody>" + rows +
         "</tbody></table></div></section>";
}

std::string about_line(const Json& report) {
  std::string out = html_escape(report["started_at"].as_string());
  const auto add = [&](const std::string& text) {
    if (!text.empty()) out += " · " + html_escape(text);
  };
  add(report["customer"].as_string());
  add(report["endpoint"].as_string());
  const Json& target = report["target"];
  add(plain(target["target"]) +
      (target["kind"].as_string() == plain(target["target"]) ? "" : " (" + plain(target["kind"]) + ")") +
      (plain(target["version"]).empty() ? "" : ", " + plain(target["version"])));
  add("workflow " + report["workflow"].as_string());
  return out;
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

std::string xml_escaped(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    const bool is_allowed = static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t';
    clean += is_allowed ? c : ' ';
  }
  return html_escape(clean);
}

}  // namespace

std::string report_html(const Json& report) {
  const Json& recommendations = report["recommendations"];
  const std::string title = html_escape(report["title"].as_string());
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src "
      "data:\">"
      "<title>" +
      title + "</title><style>" + kStyle + "</style></head><body><main><h1>" + title + "</h1><p class=\"dim\">" +
      about_line(report) + "</p>" + answer_card(report) + found_card(report);
  size_t number = 0;
  for (const Json& section : report["sections"].array()) {
    out +=
        "<section id=\"s" + std::to_string(++number) + "\"><h2>" + html_escape(section["name"].as_string()) + "</h2>";
    for (const Json& query : section["queries"].array()) out += query_card(query, recommendations);
    out += "</section>";
  }
  if (!report["next_actions"].array().empty()) {
    out += "<h2>Next actions</h2><ul>";
    for (const Json& action : report["next_actions"].array()) out += "<li>" + html_escape(action.as_string()) + "</li>";
    out += "</ul>";
  }
  return out + "<p class=\"dim\">Run " + html_escape(report["run"].as_string()) + "</p></main></body></html>\n";
}

std::string report_page(const Json& report, std::string page) {
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

std::string report_junit(const Json& report) {
  std::string cases;
  size_t tests = 0, failures = 0, skipped = 0;
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      for (const Json& signal : query["signals"].array()) {
        ++tests;
        cases += "  <testcase classname=\"" +
                 xml_escaped(report["review"].as_string() + "." + query["query"].as_string()) + "\" name=\"" +
                 xml_escaped(signal["signal"].as_string()) + "\"";
        const std::string& colour = signal["colour"].as_string();
        if (colour == "green") {
          cases += "/>\n";
        } else if (colour == "not measured") {
          ++skipped;
          cases += "><skipped message=\"" + xml_escaped(signal["why"].as_string()) + "\"/></testcase>\n";
        } else {
          ++failures;
          cases += "><failure type=\"" + colour + "\" message=\"" +
                   xml_escaped(plain(signal["count"]) + " of " + plain(signal["of"])) + "\">" +
                   xml_escaped(signal["criterion"].as_string()) + "</failure></testcase>\n";
        }
      }
    }
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" + xml_escaped(report["title"].as_string()) +
         "\" timestamp=\"" + xml_escaped(report["started_at"].as_string().substr(0, 19)) + "\" tests=\"" +
         std::to_string(tests) + "\" failures=\"" + std::to_string(failures) + "\" skipped=\"" +
         std::to_string(skipped) + "\" errors=\"0\">\n" + cases + "</testsuite>\n";
}

}  // namespace weir::review
