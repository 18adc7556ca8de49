// Sizes: exact in both directions, ambiguous ones refused.
#include "core/base/sizes.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Size, reads_both_families_of_units) {
  EXPECT_EQ(*parse_size("64MiB"), 64 * kMiB);
  EXPECT_EQ(*parse_size("1GiB"), kGiB);
  EXPECT_EQ(*parse_size("1.5 GiB"), kGiB + 512 * kMiB);
  EXPECT_EQ(*parse_size("512kB"), 512'000u);
  EXPECT_EQ(*parse_size("512KB"), 512'000u);
  EXPECT_EQ(*parse_size("4096"), 4096u);
  EXPECT_EQ(*parse_size("4096B"), 4096u);
  EXPECT_EQ(*parse_size("0"), 0u);
  EXPECT_EQ(*parse_size("18446744073709551615"), UINT64_MAX);
}

TEST(Size, refuses_what_would_be_a_guess_or_does_not_fit) {
  for (const char* text : {"", "MiB", "-1", "1M", "1G", "1k", "1mib", "1.5", "0.3KiB", "1e6", "18446744073709551616",
                           "16777216TiB", "1.2.3MB", "64 Mi B"}) {
    EXPECT_FALSE(parse_size(text).has_value()) << text;
  }
  EXPECT_EQ(parse_size("64M").error().message, "'64M' is no size: 'M' is no unit");
}

TEST(Size, the_printed_form_reads_back_exactly) {
  EXPECT_EQ(format_size(64 * kMiB), "64MiB");
  EXPECT_EQ(format_size(512'000), "500KiB");
  EXPECT_EQ(format_size(1'000'000), "1MB");
  EXPECT_EQ(format_size(4097), "4097B");
  EXPECT_EQ(format_size(0), "0B");
  for (uint64_t bytes :
       {uint64_t{0}, uint64_t{1}, uint64_t{1023}, uint64_t{1024}, uint64_t{123'000}, 7 * kGiB, UINT64_MAX}) {
    EXPECT_EQ(*parse_size(format_size(bytes)), bytes);
  }
}

TEST(Size, people_read_three_digits) {
  EXPECT_EQ(approximate_size(999), "999B");
  EXPECT_EQ(approximate_size(1'524'713'390), "1.42GiB");
  EXPECT_EQ(approximate_size(15 * kMiB + 700 * kKiB), "15.7MiB");
  EXPECT_EQ(approximate_size(512 * kKiB), "512KiB");
}

}  // namespace
}  // namespace weir
