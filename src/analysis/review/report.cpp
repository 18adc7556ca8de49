#include "analysis/review/report.h"

#include <functional>
#include <map>
#include <vector>

#include "analysis/review/report_parts.h"
#include "analysis/review/report_style.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

std::string brand_line(const Look& look) {
  if (look.name.empty() && look.logo.empty()) return "";
  std::string out = "<div class=\"brand\">";
  if (!look.logo.empty()) {
    // Beside its name the logo says nothing of its own.
    out += "<img src=\"" + html_escape(look.logo) + "\" alt=\"" + (look.name.empty() ? "Logo" : "") + "\">";
  }
  return out + (look.name.empty() ? "" : "<span>" + html_escape(look.name) + "</span>") + "</div>";
}

std::string style_of(const Look& look) {
  return (look.colour.empty() ? "" : ":root { --brand:" + look.colour + "; }") + std::string(kReportStyle);
}

std::string own_page(const Json& report, const Look& look) {
  const std::string title = html_escape(report["title"].as_string());
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
         "img-src data:\"><title>" +
         title + "</title><style>" + style_of(look) + "</style></head><body><main>" + brand_line(look) + "<h1>" +
         title + "</h1><p class=\"dim\">" + about_line(report) + "</p>" + answer_card(report) + since_card(report) +
         worst_card(report) + figure_cards(report) + found_sections(report) + unmeasured_card(report) +
         observation_card(report) + next_actions_card(report) + fine_section(report) + "<footer><p>" +
         html_escape(look.footer) + "</p><p>Run " + html_escape(report["run"].as_string()) +
         "</p></footer></main></body></html>\n";
}

// What a template's placeholder stands for; look.h names them.
std::string filled(const std::string& name, const Json& report, const Look& look) {
  using Fill = std::function<std::string(const Json&, const Look&)>;
  const auto text = [](const char* key) -> Fill {
    return [key](const Json& of, const Look&) { return html_escape(plain(of[key])); };
  };
  const auto count = [](const char* key) -> Fill {
    return [key](const Json& of, const Look&) { return number_of(of["counts"], key); };
  };
  const auto part = [](std::string (*make)(const Json&)) -> Fill {
    return [make](const Json& of, const Look&) { return make(of); };
  };
  static const std::map<std::string, Fill> kFills = {
      {"title", text("title")},
      {"review", text("review")},
      {"run", text("run")},
      {"started_at", text("started_at")},
      {"customer", text("customer")},
      {"endpoint", text("endpoint")},
      {"workflow", text("workflow")},
      {"verdict", text("verdict")},
      {"target", [](const Json& of, const Look&) { return html_escape(plain(of["target"]["target"])); }},
      {"score", [](const Json& of, const Look&) { return of["score"].is_null() ? "–" : of["score"].dump(); }},
      {"red", count("red")},
      {"yellow", count("yellow")},
      {"green", count("green")},
      {"not_measured", count("not_measured")},
      {"verdict_words", [](const Json& of, const Look&) { return html_escape(verdict_words(of)); }},
      {"brand", [](const Json&, const Look& own) { return brand_line(own); }},
      {"footer", [](const Json&, const Look& own) { return html_escape(own.footer); }},
      {"style", [](const Json&, const Look& own) { return style_of(own); }},
      {"about", part(about_line)},
      {"summary", part(answer_card)},
      {"since", part(since_card)},
      {"worst", part(worst_card)},
      {"charts", part(figure_cards)},
      {"sections", part(found_sections)},
      {"fine", part(fine_section)},
      {"unmeasured", part(unmeasured_card)},
      {"observations", part(observation_card)},
      {"next_actions", part(next_actions_card)}};
  const auto found = kFills.find(name);
  return found == kFills.end() ? "" : found->second(report, look);
}

}  // namespace

std::string report_html(const Json& report, const Look& look) {
  if (look.html.empty()) return own_page(report, look);
  std::vector<Error> errors;  // it was applied without any
  const TemplatePieces pieces = template_pieces("", look.html, errors);
  std::string out;
  for (size_t i = 0; i < pieces.size(); ++i) out += i % 2 == 0 ? pieces[i] : filled(pieces[i], report, look);
  return out;
}

}  // namespace weir::review
