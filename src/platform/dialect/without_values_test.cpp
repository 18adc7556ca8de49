#include "platform/dialect/rewrite.h"

#include <gtest/gtest.h>

namespace weir::dialect {
namespace {

TEST(WithoutQuoted, what_stands_in_quotes_is_left_out) {
  EXPECT_EQ(without_quoted("there is no table 'nowhere'"), "there is no table '…'");
  EXPECT_EQ(without_quoted("column \"a\" of \"b\""), "column \"…\" of \"…\"");
  EXPECT_EQ(without_quoted("never closed: 'secret"), "never closed: '…");
}

TEST(WithoutQuoted, an_apostrophe_is_no_quote_and_ends_none) {
  EXPECT_EQ(without_quoted("the user's name or the password is wrong"), "the user's name or the password is wrong");
  EXPECT_EQ(without_quoted("Could not convert string 'O'Hara' to INT32"), "Could not convert string '…' to INT32");
}

}  // namespace
}  // namespace weir::dialect
