#include "core/base/quotes.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Quotes, doubles_the_mark_and_leaves_the_rest) {
  EXPECT_EQ(quoted_name("plain"), "\"plain\"");
  EXPECT_EQ(quoted_name("a \"b\" 'c'"), "\"a \"\"b\"\" 'c'\"");
  EXPECT_EQ(quoted_text("it's \"so\""), "'it''s \"so\"'");
  EXPECT_EQ(quoted_text(""), "''");
}

}  // namespace
}  // namespace weir
