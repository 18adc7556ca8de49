// UUIDs keep their text and their order; tokens carry enough chance.
#include "core/base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace weir {
namespace {

class ManualClock : public Clock {
 public:
  WallTime wall() const override { return {micros}; }
  int64_t steady_micros() const override { return micros; }
  int64_t micros = 1'700'000'000'123'456;
};

class SeededRandom : public Random {
 public:
  uint64_t next() override { return state_ = state_ * 6364136223846793005u + 1442695040888963407u; }

 private:
  uint64_t state_ = 42;
};

TEST(Uuid, text_in_either_case_is_one_value) {
  Uuid lower = *parse_uuid("01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(*parse_uuid("01890A5D-AC96-774B-BCCE-B302099A8057"), lower);
  EXPECT_EQ(lower.high, 0x01890a5dac96774bu);
  EXPECT_EQ(lower.low, 0xbcceb302099a8057u);
  EXPECT_EQ(format_uuid(lower), "01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(format_uuid(*parse_uuid("00000000-0000-0000-0000-000000000000")), "00000000-0000-0000-0000-000000000000");
}

TEST(Uuid, anything_else_is_refused_and_leaves_the_target_alone) {
  for (const char* text : {"", "01890a5dac96774bbcceb302099a8057", "{01890a5d-ac96-774b-bcce-b302099a8057}",
                           "01890a5d-ac96-774b-bcce-b302099a805", "01890a5d-ac96-774b-bcce-b302099a805g",
                           "01890a5d-ac96-774b-bcce-b302099a80577", "01890a5d_ac96-774b-bcce-b302099a8057",
                           "01890a5d-ac96-774b-bcce-b302099a80\xFF\xFF", "0189-a5d-ac96-774b-bcce-b302099a80570"}) {
    Uuid untouched{1, 2};
    EXPECT_FALSE(parse_uuid_fast(text, untouched)) << text;
    EXPECT_EQ(untouched, (Uuid{1, 2}));
    EXPECT_FALSE(parse_uuid(text).has_value()) << text;
  }
}

TEST(Uuid, version_7_sorts_by_time_and_never_repeats) {
  ManualClock clock;
  SeededRandom random;
  Uuid first = uuid_v7(clock, random);
  EXPECT_EQ(first.high >> 16, 1'700'000'000'123u);
  EXPECT_EQ(format_uuid(first)[14], '7');
  EXPECT_EQ(first.low >> 62, 2u);
  std::set<Uuid> seen{first};
  Uuid previous = first;
  for (int i = 0; i < 3000; ++i) {
    clock.micros += 1;
    Uuid next = uuid_v7(clock, random);
    EXPECT_LT(previous, next);
    EXPECT_LT(format_uuid(previous), format_uuid(next));
    EXPECT_TRUE(seen.insert(next).second);
    previous = next;
  }
  clock.micros = -5;
  EXPECT_EQ(uuid_v7(clock, random).high, 0x7000u);
}

TEST(Uuid, from_a_hash_is_always_the_same_and_says_version_8) {
  Uuid id = uuid_from_hash({UINT64_MAX, UINT64_MAX});
  EXPECT_EQ(format_uuid(id), "ffffffff-ffff-8fff-bfff-ffffffffffff");
  EXPECT_EQ(uuid_from_hash({1, 2}), uuid_from_hash({1, 2}));
  EXPECT_NE(uuid_from_hash({1, 2}), uuid_from_hash({1, 3}));
}

TEST(Token, has_a_prefix_and_32_characters_that_differ_each_time) {
  SeededRandom random;
  std::string token = random_token(random);
  EXPECT_EQ(token.rfind("weir_", 0), 0u);
  EXPECT_EQ(token.size(), 5u + 32u);
  EXPECT_EQ(token.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567", 5), std::string::npos);
  EXPECT_NE(random_token(random), token);
  EXPECT_EQ(random_token(random, "").size(), 32u);
}

}  // namespace
}  // namespace weir
