// What stands first in a report: the answer, what changed, what is worst, and the charts over all of it.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "analysis/review/report_charts.h"
#include "analysis/review/report_parts.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

constexpr size_t kWorstMax = 5;
constexpr size_t kChangesMax = 8;  // of one kind, in words

std::string link_of(const Json& query) {
  return "#q-" + html_escape(query["query"].as_string());
}

std::string card(const std::string& title, const std::string& body) {
  return "<section class=\"card\" aria-label=\"" + title + "\"><h2>" + title + "</h2>" + body + "</section>";
}

std::string and_list(const std::vector<std::string>& parts) {
  std::string out;
  for (size_t i = 0; i < parts.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  return out;
}

std::string score_words(const Json& report) {
  const Json& since = report["since"];
  if (report["score"].is_null() || since["score"].is_null()) return "";
  const int64_t change = report["score"].as_int() - since["score"].as_int();
  const std::string day = since["started_at"].as_string().substr(0, 10);
  if (change == 0) return "The score is that of the last run, " + day + ". ";
  return "The score is " + std::to_string(std::llabs(change)) + (change > 0 ? " more" : " less") +
         " than in the last run, " + day + ". ";
}

std::string section_scores(const Json& report) {
  std::string out;
  size_t number = 0;
  for (const Json& section : report["sections"].array()) {
    ++number;
    const std::string& colour = section["colour"].as_string();
    const bool is_found = colour == "red" || colour == "yellow";
    const std::string place = is_found                   ? "s" + std::to_string(number)
                              : colour == "not measured" ? "unmeasured"
                                                         : "fine";
    const std::string style = colour == "not measured" || colour.empty() ? "none" : colour;
    out += "<li><a href=\"#" + place + "\">" + html_escape(section["name"].as_string()) +
           "</a><span class=\"track\"><i class=\"b-" + style +
           "\" style=\"width:" + std::to_string(section["score"].as_int()) + "%\"></i></span><b>" +
           (section["score"].is_null() ? std::string("–") : section["score"].dump()) + "</b><span>" +
           chip(section["colour"]) + "</span></li>";
  }
  return "<ul class=\"scores\" aria-label=\"Scores of the sections\">" + out + "</ul>";
}

int weight_of(const Json& signal) {
  const std::string& impact = signal["impact"].as_string();
  return (signal["colour"].as_string() == "red" ? 10 : 0) + (impact == "high" ? 3 : impact == "medium" ? 2 : 1);
}

std::string worst_item(const FoundSignal& found, const Json& recommendations) {
  const auto& [section, query, signal] = found;
  std::string out = "<li><div class=\"head\">" + chip(signal["colour"]) + "<strong>" +
                    html_escape(signal["signal"].as_string()) + "</strong><a href=\"" + link_of(query) + "\">" +
                    html_escape(query["title"].as_string()) + "</a><span class=\"dim\">" +
                    html_escape(signal["impact"].as_string()) + " impact, " + how_many(signal) + "</span></div>";
  if (!signal["explanation"].as_string().empty()) {
    out += "<p>" + html_escape(signal["explanation"].as_string()) + "</p>";
  }
  for (const Json& id : signal["recommend"].array()) {
    out += "<p>→ " + html_escape(recommendations[id.as_string()]["text"].as_string()) + "</p>";
  }
  const auto& mends = signal["mend"].array();
  if (!mends.empty()) {
    out += "<pre>" + html_escape(mends.front().as_string()) + "</pre>";
    if (mends.size() > 1) {
      out += "<p class=\"dim\">and " + amount(static_cast<int64_t>(mends.size()) - 1, "more statement") +
             " <a href=\"" + link_of(query) + "\">below</a></p>";
    }
  }
  return out + "</li>";
}

struct Change {
  const char* key;
  const char* word;
};
constexpr std::array<Change, 5> kChanges = {{{"new", "new"},
                                             {"worse", "worse"},
                                             {"better", "better"},
                                             {"resolved", "resolved"},
                                             {"not_measured_any_more", "not measured any more"}}};

std::string side_words(const Json& colour, const Json& count) {
  if (colour.is_null()) return "not declared";
  const std::string& word = colour.as_string();
  return html_escape(word == "red" || word == "yellow" ? word + " " + count.dump() : word);
}

std::string change_items(const Json& list, const char* word) {
  std::string out;
  size_t shown = 0;
  for (const Json& one : list.array()) {
    if (++shown > kChangesMax) break;
    out += "<li>" + chip(one["colour"]) + " <strong>" + word + ":</strong> " + html_escape(one["signal"].as_string()) +
           " <span class=\"dim\">in <a href=\"" + link_of(one) + "\">" + html_escape(one["title"].as_string()) +
           "</a>, was " + side_words(one["from"], one["count_from"]) + ", is " +
           side_words(one["to"], one["count_to"]) + "</span></li>";
  }
  const size_t more = list.array().size() - std::min(list.array().size(), kChangesMax);
  if (more > 0) out += "<li class=\"dim\">and " + std::to_string(more) + " more " + word + "</li>";
  return out;
}

std::vector<const Json*> increased(const Json& report) {
  std::vector<const Json*> out;
  for (const char* list : {"new", "worse"}) {
    for (const Json& one : report["since"][list].array()) {
      if (one["count_to"].as_int() > one["count_from"].as_int()) out.push_back(&one);
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Json* a, const Json* b) {
    return (*a)["count_to"].as_int() - (*a)["count_from"].as_int() >
           (*b)["count_to"].as_int() - (*b)["count_from"].as_int();
  });
  return out;
}

}  // namespace

std::string verdict_words(const Json& report) {
  const Json& counts = report["counts"];
  const int64_t red = counts["red"].as_int(), yellow = counts["yellow"].as_int(), green = counts["green"].as_int();
  const std::string judged = amount(red + yellow + green, "signal");
  const std::string is_red = amount(red, "signal") + (red == 1 ? " is red" : " are red");
  if (red + yellow + green == 0) return "Nothing could be judged.";
  if (red > 0 && yellow > 0) {
    return "Needs work: " + is_red + " and " + std::to_string(yellow) + " yellow, of " + judged + " judged.";
  }
  if (red > 0) return "Needs work: " + is_red + ", of " + judged + " judged.";
  if (yellow > 0) {
    return "Worth a look: nothing is red, and " + amount(yellow, "signal") + (yellow == 1 ? " is" : " are") +
           " yellow, of " + judged + " judged.";
  }
  return green == 1 ? "All is well: the one signal that was judged is green."
                    : "All is well: " + judged + " judged, all of them green.";
}

std::string answer_card(const Json& report) {
  const Json& counts = report["counts"];
  const int64_t unmeasured = counts["not_measured"].as_int();
  const std::string& verdict = report["verdict"].as_string();
  std::string words = score_words(report);
  if (unmeasured > 0) {
    words += "<a href=\"#unmeasured\">" + amount(unmeasured, "signal") + "</a> could not be measured.";
  }
  const bool is_coloured = verdict == "red" || verdict == "yellow" || verdict == "green";
  return "<section class=\"card" + (is_coloured ? " t-" + verdict : "") +
         "\" aria-label=\"Verdict\"><div class=\"answer\"><div class=\"score\">" +
         (report["score"].is_null() ? std::string("–") : report["score"].dump()) +
         "<small> of 100</small></div><div><p class=\"verdict\">" + chip(report["verdict"]) + " " +
         html_escape(verdict_words(report)) + "</p><p class=\"dim\">" + words + "</p></div></div>" +
         colour_bar(counts) + "<p class=\"dim\">" + number_of(counts, "red") + " red, " + number_of(counts, "yellow") +
         " yellow, " + number_of(counts, "green") + " green, " + number_of(counts, "not_measured") +
         " not measured</p>" + section_scores(report) + "</section>";
}

std::string since_card(const Json& report) {
  const Json& since = report["since"];
  if (!since.is_object()) {
    return card("Since the last run",
                "<p class=\"dim\">This is the first run against this target. The next one is compared with it.</p>");
  }
  std::vector<std::string> tally;
  std::string items;
  for (const Change& change : kChanges) {
    const auto count = since[change.key].array().size();
    if (count > 0) tally.push_back("<b>" + std::to_string(count) + "</b> " + change.word);
    items += change_items(since[change.key], change.word);
  }
  const std::string when = html_escape(since["started_at"].as_string().substr(0, 16));
  std::string said = "<p>" + (tally.empty() ? std::string("Nothing changed") : and_list(tally)) +
                     " <span class=\"dim\">since the run of " + when.substr(0, 10) + " " +
                     (when.size() > 11 ? when.substr(11) + " UTC" : "") + "</span></p>";
  return card("Since the last run", said + (items.empty() ? "" : "<ul class=\"changes\">" + items + "</ul>"));
}

std::string worst_card(const Json& report) {
  std::vector<FoundSignal> found;
  each_signal(report, [&](const FoundSignal& one) {
    if (is_met(one.signal)) found.push_back(one);
  });
  if (found.empty()) return "";
  std::vector<size_t> order(found.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return weight_of(found[a].signal) > weight_of(found[b].signal); });
  std::string out;
  for (size_t i = 0; i < std::min(order.size(), kWorstMax); ++i) {
    out += worst_item(found[order[i]], report["recommendations"]);
  }
  out = "<ol class=\"worst\">" + out + "</ol>";
  if (found.size() > kWorstMax) {
    out += "<p class=\"dim\">and " + std::to_string(found.size() - kWorstMax) + " more below</p>";
  }
  return card("Worst first", out);
}

std::string top_categories_svg(const Json& report) {
  struct Category {
    std::string name;
    int64_t red, yellow;
  };
  std::vector<Category> categories;
  for (const Json& section : report["sections"].array()) {
    const Json& counts = section["counts"];
    const int64_t red = counts["red"].as_int(), yellow = counts["yellow"].as_int();
    if (red + yellow > 0) categories.push_back({section["name"].as_string(), red, yellow});
  }
  std::stable_sort(categories.begin(), categories.end(), [](const Category& a, const Category& b) {
    return std::pair(a.red + a.yellow, a.red) > std::pair(b.red + b.yellow, b.red);
  });
  std::vector<Bar> bars;
  bars.reserve(categories.size());
  for (const Category& one : categories) {
    bars.push_back({one.name,
                    std::to_string(one.red + one.yellow),
                    {{static_cast<double>(one.red), "f-red"}, {static_cast<double>(one.yellow), "f-yellow"}}});
  }
  return bars.empty() ? "" : bars_svg("Signals that are met, by section", bars);
}

std::string trend_figure(const Json& report) {
  return report["trend"].array().size() < 2 ? "" : trend_svg(report["trend"]);
}

std::string increased_svg(const Json& report) {
  std::vector<Bar> bars;
  for (const Json* one : increased(report)) {
    const double then = (*one)["count_from"].as_double(), now = (*one)["count_to"].as_double();
    const char* style = (*one)["colour"].as_string() == "red" ? "f-red" : "f-yellow";
    bars.push_back({(*one)["signal"].as_string(),
                    grouped(then) + " → " + grouped(now),
                    {{then, "f-before"}, {now - then, style}}});
  }
  return bars.empty() ? "" : bars_svg("Signals with more rows than in the last run", bars);
}

std::string figure_cards(const Json& report) {
  std::string out;
  const auto add = [&](const char* title, const std::string& key, const std::string& svg) {
    if (!svg.empty()) out += card(title, "<figure><figcaption>" + key + "</figcaption>" + svg + "</figure>");
  };
  const std::string colours = "<span class=\"key b-red\"></span>red<span class=\"key b-yellow\"></span>yellow";
  add("Trend", "Score of each run, and below it its signals:" + colours, trend_figure(report));
  add("Where it is found", "Signals by section:" + colours, top_categories_svg(report));
  add("Increased signals", "Rows <span class=\"key b-none\"></span>then, and what came to them", increased_svg(report));
  return out.empty() ? "" : "<div class=\"figures\">" + out + "</div>";
}

std::string next_actions_card(const Json& report) {
  std::string out;
  for (const Json& action : report["next_actions"].array()) out += "<li>" + html_escape(action.as_string()) + "</li>";
  return out.empty() ? "" : card("Next actions", "<ul>" + out + "</ul>");
}

std::string about_line(const Json& report) {
  std::string time = report["started_at"].as_string().substr(0, 19);
  std::replace(time.begin(), time.end(), 'T', ' ');
  std::string out = html_escape(time) + " UTC";
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

}  // namespace weir::review
