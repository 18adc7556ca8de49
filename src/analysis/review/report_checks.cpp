// The checks of a report, one after another: what is met with its evidence, what is green, what was not measured.
#include <algorithm>
#include <map>
#include <vector>

#include "analysis/review/report_charts.h"
#include "analysis/review/report_parts.h"
#include "core/base/text.h"
#include "core/base/time.h"

namespace weir::review {
namespace {

constexpr size_t kRowsReadAtOnce = 5;  // evidence that is shown without being asked for

std::string signal_block(const Json& signal, const Json& recommendations) {
  std::string out = "<div class=\"signal\"><div class=\"head\">" + chip(signal["colour"]) + "<strong>" +
                    html_escape(signal["signal"].as_string()) + "</strong><span class=\"dim\">";
  if (is_met(signal)) out += html_escape(signal["impact"].as_string()) + " impact, ";
  out += how_many(signal) + "</span></div>";
  if (is_met(signal)) {
    if (!signal["explanation"].as_string().empty())
      out += "<p>" + html_escape(signal["explanation"].as_string()) + "</p>";
    const std::string chart = evidence_svg(signal);
    const bool is_short = signal["evidence"]["rows"].array().size() <= kRowsReadAtOnce;
    out += recommendation_list(signal["recommend"], recommendations) + chart +
           evidence_table(signal["evidence"], chart.empty() && is_short);
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

std::string how_it_ran(const Json& query) {
  if (query["status"].as_string() != "FINISHED") return html_escape(to_lower(query["status"].as_string()));
  std::string out =
      amount(query["rows"].as_int(), "row") + (query["truncated"].as_bool() ? " (there are more)" : "") +
      (query["elapsed_ms"].as_int() == 0 ? std::string(" in less than 1ms")
                                         : " in " + format_duration(milliseconds(query["elapsed_ms"].as_int())));
  if (query["round"].as_int() > 1) out += ", in round " + number_of(query, "round");
  return out;
}

// `heading`: "h3", or "h4" below a section's name.
std::string query_card(const Json& query, const Json& recommendations, const std::string& heading) {
  std::string out = "<article class=\"card\" id=\"q-" + html_escape(query["query"].as_string()) +
                    "\"><div class=\"head\"><" + heading + ">" + html_escape(query["title"].as_string()) + "</" +
                    heading + ">" + chip(query["colour"]) + "<span class=\"dim\">" + how_it_ran(query) +
                    "</span></div>";
  if (!query["description"].as_string().empty())
    out += "<p class=\"dim\">" + html_escape(query["description"].as_string()) + "</p>";
  std::string fine;
  int64_t fine_count = 0;
  // What was not measured stands in one place of its own.
  for (const char* wanted : {"red", "yellow", "green"}) {
    for (const Json& signal : query["signals"].array()) {
      if (signal["colour"].as_string() != wanted) continue;
      const bool is_fine = std::string_view(wanted) == "green";
      fine_count += is_fine ? 1 : 0;
      (is_fine ? fine : out) += signal_block(signal, recommendations);
    }
  }
  if (fine_count > 0) {
    out += "<details><summary>" + amount(fine_count, "signal") + (fine_count == 1 ? " is" : " are") +
           " green</summary>" + fine + "</details>";
  }
  return out + "</article>";
}

bool is_found(const Json& query) {
  return std::any_of(query["signals"].array().begin(), query["signals"].array().end(), is_met);
}

// Asked for, and every signal that was judged is green; or nothing was asked of it.
bool is_fine(const Json& query) {
  const auto& signals = query["signals"].array();
  if (is_found(query) || query["status"].as_string() != "FINISHED") return false;
  return signals.empty() || std::any_of(signals.begin(), signals.end(),
                                        [](const Json& signal) { return signal["colour"].as_string() == "green"; });
}

std::string word_after(const std::string& text, const std::string& before) {
  const size_t at = text.find(before);
  if (at == std::string::npos) return "";
  const size_t end = text.find_first_of(" ,;:\n", at + before.size());
  return text.substr(at + before.size(), end == std::string::npos ? end : end - at - before.size());
}

// What PostgreSQL's and Redshift's refusals ask for.
std::string grant_for(const std::string& why, const Json& report) {
  const std::string who = " TO <the user of connection " + plain(report["target"]["target"]) + ">;";
  for (const char* kind : {"table ", "view ", "relation ", "materialized view ", "sequence "}) {
    const std::string name = word_after(why, std::string("permission denied for ") + kind);
    if (!name.empty()) return "GRANT SELECT ON " + name + who;
  }
  const std::string schema = word_after(why, "permission denied for schema ");
  if (!schema.empty()) return "GRANT USAGE ON SCHEMA " + schema + who;
  const std::string function = word_after(why, "permission denied for function ");
  return function.empty() ? "" : "GRANT EXECUTE ON FUNCTION " + function + who;
}

}  // namespace

std::string found_sections(const Json& report) {
  std::string out;
  size_t number = 0;
  for (const Json& section : report["sections"].array()) {
    ++number;
    std::vector<const Json*> found;
    for (const Json& query : section["queries"].array()) {
      if (is_found(query)) found.push_back(&query);
    }
    if (found.empty()) continue;
    const bool is_named_twice = found.size() == 1 && (*found.front())["title"] == section["name"];
    out += "<section id=\"s" + std::to_string(number) + "\">";
    if (!is_named_twice) out += "<h3 class=\"part\">" + html_escape(section["name"].as_string()) + "</h3>";
    for (const Json* query : found) {
      out += query_card(*query, report["recommendations"], is_named_twice ? "h3" : "h4");
    }
    out += "</section>";
  }
  return out.empty() ? "" : "<h2>What was found</h2>" + out;
}

std::string fine_section(const Json& report) {
  std::string cards;
  int64_t count = 0;
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      if (!is_fine(query)) continue;
      ++count;
      cards += query_card(query, report["recommendations"], "h3");
    }
  }
  if (count == 0) return "";
  return "<section id=\"fine\"><h2>What is well</h2><details class=\"fine\"><summary>" + amount(count, "check") +
         " without a finding</summary>" + cards + "</details></section>";
}

std::string unmeasured_card(const Json& report) {
  struct Reason {
    std::string why, statement, by;
    std::map<std::string, std::vector<std::string>> signals;  // by their query's title
  };
  std::vector<Reason> reasons;
  const auto reason = [&](const Json& query, const std::string& said) -> Reason& {
    const Json& left_out = query["left_out"];  // said before it was asked, with what mends it
    const std::string why = left_out.is_object() ? left_out["why"].as_string() : said;
    const std::string statement = left_out.is_object() ? left_out["statement"].as_string() : grant_for(why, report);
    const auto found = std::find_if(reasons.begin(), reasons.end(),
                                    [&](const Reason& one) { return one.why == why && one.statement == statement; });
    if (found != reasons.end()) return *found;
    reasons.push_back({why, statement, left_out["by"].as_string(), {}});
    return reasons.back();
  };
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      const std::string& title = query["title"].as_string();
      for (const Json& signal : query["signals"].array()) {
        if (signal["colour"].as_string() != "not measured") continue;
        reason(query, signal["why"].as_string()).signals[title].push_back(signal["signal"].as_string());
      }
      // A query without signals that failed is nowhere else.
      const bool has_failed = query["left_out"].is_object() || !query["error"].as_string().empty();
      if (query["signals"].array().empty() && has_failed) reason(query, query["error"].as_string()).signals[title];
    }
  }
  std::string out;
  for (const Reason& one : reasons) {
    out += "<div class=\"signal\"><div class=\"head\">" + chip("not measured") + "<strong>" + html_escape(one.why) +
           "</strong></div>";
    if (!one.statement.empty()) {
      out += "<p>To mend it" + (one.by.empty() ? "" : ", as " + html_escape(one.by)) + ":</p><pre>" +
             html_escape(one.statement) + "</pre>";
    }
    out += "<ul>";
    for (const auto& [title, signals] : one.signals) {
      out += "<li>" + html_escape(title) +
             (signals.empty() ? "" : ": <span class=\"dim\">" + html_escape(join(signals, ", ")) + "</span>") + "</li>";
    }
    out += "</ul></div>";
  }
  for (const Json& note : report["notes"].array()) out += "<p>" + html_escape(note.as_string()) + "</p>";
  if (out.empty()) return "";
  return "<section id=\"unmeasured\" class=\"card\" aria-label=\"Not measured\"><h2>Not measured</h2>"
         "<p class=\"dim\">By reason. It stays out of the score.</p>" +
         out + "</section>";
}

std::string observation_card(const Json& report) {
  std::string out;
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      if (query["observations"].array().empty()) continue;
      out += "<h3>" + html_escape(query["title"].as_string()) + "</h3><ul>";
      for (const Json& one : query["observations"].array()) {
        out += "<li>" + html_escape(one["text"].as_string()) +
               recommendation_list(one["recommend"], report["recommendations"]) + "</li>";
      }
      out += "</ul>";
    }
  }
  if (out.empty()) return "";
  return "<section class=\"card\" aria-label=\"To be judged by a person\"><h2>To be judged by a person</h2>" + out +
         "</section>";
}

}  // namespace weir::review
