#include <gtest/gtest.h>

#include "surface/loadgen/loadgen.h"

namespace weir::loadgen {
namespace {

constexpr const char* kSeed = R"(BaseURL: https://${API_ID}.execute-api.${REGION}.amazonaws.com/${STAGE}
Duration: 72h
Ads:
  Count: 1000000
Users:
  Count: 1000
  ClickthroughProbability: 0.3
  ViewFrequency: 5s
  ViewVariance: 0.1
  ConsiderDuration: 1s
  ConsiderVariance: 0.1
)";

std::optional<std::string> environment(std::string_view name) {
  if (name == "API_ID") return "abc";
  if (name == "REGION") return "us-east-1";
  if (name == "STAGE") return "Prod";
  return std::nullopt;
}

TEST(LoadOptions, reads_the_original_file_with_environment_variables) {
  std::vector<Error> errors;
  const LoadOptions options = read_options(kSeed, "config.yaml", environment, errors);
  ASSERT_TRUE(errors.empty()) << errors[0].text();
  EXPECT_EQ(options.base_url, "https://abc.execute-api.us-east-1.amazonaws.com/Prod");
  EXPECT_EQ(options.duration, hours(72));
  EXPECT_EQ(options.audience.ads, 1'000'000u);
  EXPECT_EQ(options.audience.users, 1'000u);
  EXPECT_EQ(options.audience.click_probability, 0.3);
  EXPECT_EQ(options.audience.view_frequency, seconds(5));
  EXPECT_EQ(options.audience.consider_variance, 0.1);
}

TEST(LoadOptions, names_the_place_of_every_mistake) {
  std::vector<Error> errors;
  (void)read_options("BaseURL: http://${NOBODY}\nDuraton: 5s\nUsers:\n  Count: many\n", "x.yaml", environment, errors);
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_NE(errors[0].text().find("x.yaml:1:"), std::string::npos);
  EXPECT_NE(errors[0].text().find("NOBODY"), std::string::npos);
  EXPECT_NE(errors[1].text().find("Duration"), std::string::npos) << errors[1].text();
}

TEST(LoadOptions, takes_a_default_for_a_missing_variable) {
  std::vector<Error> errors;
  const LoadOptions options = read_options("BaseURL: http://h:${PORT:-8480}\n", "x.yaml", environment, errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(options.base_url, "http://h:8480");
}

}  // namespace
}  // namespace weir::loadgen
