// A report (judge.h) as other forms: one HTML file that needs nothing beside it, the automated review's own template
// filled in, and JUnit's XML. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "analysis/review/look.h"
#include "core/base/json.h"

namespace weir::review {

// Answer first: the verdict, what changed, what is worst; then each check. Opens without a network and without a
// script, in light and dark, on paper and on a phone. With a template of the review's own: that one, filled in.
std::string report_html(const Json& report, const Look& look = {});
// The template with its placeholders: REPLACE_DATE_TIME, Tab_01 …, tabtext_01 …, in the alphabetical order of queries.
// If it has the automated review's table of the cluster and its three charts, their example numbers make place for
// those of the run and of the runs before it; any other template keeps what it has. What nobody declared or measured is
// "not known". The charts are SVG that gives way to Chart.js where that is loaded.
std::string report_page(const Json& report, std::string page);
// A test case a signal: met is a failure, not measured is skipped, and of a query without an answer an error.
std::string report_junit(const Json& report);
// Names of queries that were asked and have no answer: they failed in every round, or the time of the run was over.
// What the target does not have, or another workflow asks, is none of them.
std::vector<std::string> unanswered(const Json& report);

// HTML that somebody wrote, with the few tags that texts need (a with http links, b, i, em, strong, p, br, ul, ol, li,
// code); everything else is text.
std::string html_cleaned(std::string_view html);

}  // namespace weir::review
