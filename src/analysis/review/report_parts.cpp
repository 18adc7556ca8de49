#include "analysis/review/report_parts.h"

#include "analysis/review/report.h"
#include "analysis/review/report_charts.h"
#include "core/base/text.h"

namespace weir::review {

std::string plain(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.as_string() : value.dump();
}

std::string number_of(const Json& json, const char* key) {
  return grouped(json[key].as_double());
}

std::string amount(int64_t count, const char* one) {
  return grouped(static_cast<double>(count)) + " " + one + (count == 1 ? "" : "s");
}

bool is_met(const Json& signal) {
  return signal["colour"].as_string() == "red" || signal["colour"].as_string() == "yellow";
}

std::string chip(const Json& colour) {
  if (!colour.is_string()) return "";
  const std::string& word = colour.as_string();
  const std::string style = word == "not measured" ? "none" : word;
  return "<span class=\"chip " + style + "\">" + html_escape(word) + "</span>";
}

std::string colour_bar(const Json& counts) {
  std::string out = "<div class=\"bar\" role=\"img\" aria-label=\"" + number_of(counts, "red") + " red, " +
                    number_of(counts, "yellow") + " yellow, " + number_of(counts, "green") + " green, " +
                    number_of(counts, "not_measured") + " not measured\">";
  for (const auto& [key, style] :
       {std::pair{"red", "b-red"}, {"yellow", "b-yellow"}, {"green", "b-green"}, {"not_measured", "b-none"}}) {
    if (counts[key].as_int() > 0)
      out += std::string("<i class=\"") + style + "\" style=\"flex:" + counts[key].dump() + "\"></i>";
  }
  return out + "</div>";
}

std::string how_many(const Json& signal) {
  if (signal["colour"].as_string() == "not measured") return html_escape(signal["why"].as_string());
  if (!signal["value"].is_null()) return "value " + html_escape(plain(signal["value"]));
  const std::string name = signal["of_name"].as_string().empty() ? "rows" : signal["of_name"].as_string();
  return number_of(signal, "count") + " of " + number_of(signal, "of") + " " + html_escape(name);
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

std::string evidence_table(const Json& evidence, bool is_open) {
  const auto& rows = evidence["rows"].array();
  if (rows.empty()) return "";
  std::string out = std::string(is_open ? "<details open>" : "<details>") +
                    "<summary>Evidence: " + amount(static_cast<int64_t>(rows.size()), "row") +
                    (evidence["more"].as_int() > 0 ? ", and " + number_of(evidence, "more") + " more" : "") +
                    "</summary><div class=\"scroll\" role=\"region\" aria-label=\"Evidence\" tabindex=\"0\">"
                    "<table><thead><tr>";
  for (size_t i = 0; i < evidence["columns"].array().size(); ++i) {
    out += std::string("<th scope=\"col\"") + (rows.front().array()[i].is_number() ? " class=\"n\">" : ">") +
           html_escape(evidence["columns"].array()[i].as_string()) + "</th>";
  }
  out += "</tr></thead><tbody>";
  for (const Json& row : rows) {
    out += "<tr>";
    for (const Json& cell : row.array()) {
      out += (cell.is_number() ? "<td class=\"n\">" : "<td>") +
             (cell.is_null() ? std::string("<span class=\"dim\">null</span>") : html_escape(plain(cell))) + "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div></details>";
}

void each_signal(const Json& report, const std::function<void(const FoundSignal&)>& see) {
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      for (const Json& signal : query["signals"].array()) see({section, query, signal});
    }
  }
}

}  // namespace weir::review
