// Brand and template of a review: what is read, and what is refused with its place.
#include "analysis/review/look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::review {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<std::string> errors_of(std::string_view html) {
  std::vector<Error> errors;
  template_pieces("reviews/a/report.html", html, errors);
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.text());
  return out;
}

TEST(Look, a_template_is_cut_at_its_placeholders) {
  std::vector<Error> errors;
  EXPECT_THAT(template_pieces("f", "<h1>{{title}}</h1>{{ score }}", errors),
              ElementsAre("<h1>", "title", "</h1>", "score", ""));
  EXPECT_THAT(template_pieces("f", "none of { these }", errors), ElementsAre("none of { these }"));
  EXPECT_THAT(errors, IsEmpty());
}

TEST(Look, a_placeholder_that_is_unknown_or_open_says_where) {
  EXPECT_THAT(errors_of("<h1>\n  {{titel}} {{tittle}}"),
              ElementsAre(StartsWith("reviews/a/report.html:2:3: there is no placeholder 'titel'"),
                          StartsWith("reviews/a/report.html:2:13: there is no placeholder 'tittle'")));
  EXPECT_THAT(errors_of("<h1>{{title</h1>"),
              ElementsAre(StartsWith("reviews/a/report.html:1:5: a placeholder is not closed")));
  EXPECT_THAT(errors_of("{{title {{score}}"), ElementsAre(HasSubstr("1:1: a placeholder is not closed")));
}

TEST(Look, is_kept_as_it_was_applied) {
  const Look look{"Shop", "#0b57a4", "For us", "data:image/png;base64,AAAA", "<p>{{title}}"};
  EXPECT_EQ(look_from_json(to_json(look)), look);
  EXPECT_EQ(look_from_json(Json()), Look());
}

}  // namespace
}  // namespace weir::review
