// What the forms of a report as HTML share: words, chips, tables. Everything returned is HTML, and what was put in is
// escaped. Pure; any thread. Internal to the room.
#pragma once

#include <functional>
#include <string>

#include "core/base/json.h"

namespace weir::review {

std::string plain(const Json& value);  // a text as it is, null as nothing; not escaped
std::string number_of(const Json& json, const char* key);
std::string amount(int64_t count, const char* one);  // "1 signal", "1,200 signals"
bool is_met(const Json& signal);
std::string chip(const Json& colour);
std::string colour_bar(const Json& counts);  // the share of each colour
std::string how_many(const Json& signal);
std::string recommendation_list(const Json& ids, const Json& recommendations);
std::string evidence_table(const Json& evidence, bool is_open);

struct FoundSignal {
  const Json& section;
  const Json& query;
  const Json& signal;
};
void each_signal(const Json& report, const std::function<void(const FoundSignal&)>& see);

// Sections of the page: report_cards.cpp, report_checks.cpp. Empty where there is nothing to say.
std::string answer_card(const Json& report);
std::string since_card(const Json& report);
std::string worst_card(const Json& report);
std::string figure_cards(const Json& report);
std::string found_sections(const Json& report);   // checks with something met
std::string fine_section(const Json& report);     // checks without
std::string unmeasured_card(const Json& report);  // by reason, with what mends it
std::string observation_card(const Json& report);
std::string next_actions_card(const Json& report);
std::string about_line(const Json& report);
std::string verdict_words(const Json& report);
// The same three charts that the automated review's template shows.
std::string top_categories_svg(const Json& report);
std::string trend_figure(const Json& report);  // empty before the second run
std::string increased_svg(const Json& report);

}  // namespace weir::review
