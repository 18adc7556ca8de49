// The reviews that come with the program: each can be read, and is written so that people understand it.
#include "analysis/review/shipped.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/text.h"

namespace weir::review {
namespace {

TEST(ShippedReviews, each_can_be_read) {
  std::map<std::string, std::map<std::string, std::string_view, std::less<>>> folders;
  for (const EmbeddedText& one : embedded_texts()) {
    const std::string_view path = one.path;
    folders[std::string(path.substr(0, path.find('/')))].emplace(path.substr(path.find('/') + 1), one.text);
  }
  ASSERT_TRUE(folders.contains("warehouse"));
  for (const auto& [name, files] : folders) {
    for (const Error& error : parse_shipped(name, files).errors) ADD_FAILURE() << error.text();
  }
  EXPECT_TRUE(shipped_review("warehouse"));
  const auto none = shipped_review("warehose");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().hint, "did you mean 'warehouse'?");
}

// A person on call reads them: what is the matter, why it matters, what to do.
TEST(ShippedReviews, each_check_explains_itself) {
  for (const ShippedReview& shipped : shipped_reviews()) {
    const Review& review = shipped.review;
    EXPECT_EQ(review.target, kThisTarget) << review.name << ": the target is the project's affair";
    for (const Query& query : review.queries) {
      const std::string where = review.name + "/" + query.name;
      EXPECT_FALSE(query.section.empty()) << where;
      EXPECT_FALSE(query.needs.empty()) << where << " says which relations it needs";
      for (const Signal& signal : query.signals) {
        EXPECT_GT(signal.explanation.size(), 40u) << where << ": " << signal.name;
        EXPECT_FALSE(signal.recommend.empty()) << where << ": " << signal.name;
      }
    }
    for (const Recommendation& one : review.recommendations) {
      const auto names_it = [&](const Query& query) {
        return std::any_of(query.signals.begin(), query.signals.end(), [&](const Signal& signal) {
          return std::find(signal.recommend.begin(), signal.recommend.end(), one.id) != signal.recommend.end();
        });
      };
      EXPECT_TRUE(std::any_of(review.queries.begin(), review.queries.end(), names_it))
          << review.name << ": nothing recommends " << one.id;
    }
  }
}

}  // namespace
}  // namespace weir::review
