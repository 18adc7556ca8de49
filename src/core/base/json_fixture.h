// For tests of declarations that are kept as JSON: what every reader of one must do.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "core/base/json.h"

namespace weir {

// What `make` gives for any seed comes back from its JSON text as it was, and gives the same text again.
template <class Make, class Read>
void expect_survives_json(const Make& make, const Read& read) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const auto made = make(seed);
    const std::string text = to_json(made).dump();
    auto json = Json::parse(text);
    ASSERT_TRUE(json) << "seed " << seed << ": " << text;
    auto back = read(*json);
    ASSERT_TRUE(back) << "seed " << seed << ": " << back.error().text();
    ASSERT_EQ(*back, made) << "seed " << seed << ": " << text;
    ASSERT_EQ(to_json(*back).dump(), text) << "seed " << seed;
  }
}

// Each key of `good` is needed, and a number that no key may have is none of its values.
template <class Read>
void expect_refuses_damage(const Json& good, const Read& read) {
  ASSERT_TRUE(read(good));
  for (const auto& [key, value] : good.object()) {
    Json missing{Json::Object{}}, wrong = good;
    for (const auto& [other, kept] : good.object()) {
      if (other != key) missing.set(other, kept);
    }
    wrong.set(key, Json(-0.5));
    for (const Json& broken : {missing, wrong}) {
      auto back = read(broken);
      ASSERT_FALSE(back) << key;
      EXPECT_EQ(back.error().code, Code::corrupt) << key;
    }
  }
}

}  // namespace weir
