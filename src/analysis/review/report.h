// A report (judge.h) as other forms: one HTML file that needs nothing beside it, the automated review's own template
// filled in, and JUnit's XML. Pure; any thread.
#pragma once

#include <string>

#include "core/base/json.h"

namespace weir::review {

// Answer first, then each check. Opens without a network, in light and dark, on paper and on a phone.
std::string report_html(const Json& report);
// The template with its placeholders: REPLACE_DATE_TIME, Tab_01 …, tabtext_01 …, in the alphabetical order of queries.
std::string report_page(const Json& report, std::string page);
// A test case a signal: met is a failure, not measured is skipped.
std::string report_junit(const Json& report);

// HTML that somebody wrote, with the few tags that texts need (a with http links, b, i, em, strong, p, br, ul, ol, li,
// code); everything else is text.
std::string html_cleaned(std::string_view html);

}  // namespace weir::review
