// Goal: no code of ours may leave a surface without a meaning there. Method: every row of the table is looked at.
#include "surface/errors/errors.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weir::errors {
namespace {

TEST(Errors, every_code_has_its_own_row_in_the_order_of_the_enum) {
  for (int index = 0; index < kCodeCount; ++index) {
    const Code code = static_cast<Code>(index);
    EXPECT_EQ(row(code).code, code) << code_name(code);
  }
}

TEST(Errors, every_row_is_complete_and_well_formed) {
  for (int index = 0; index < kCodeCount; ++index) {
    const Row& it = row(static_cast<Code>(index));
    EXPECT_GE(it.http_status, 400) << code_name(it.code);
    EXPECT_LT(it.http_status, 600) << code_name(it.code);
    EXPECT_EQ(std::string(it.sqlstate).size(), 5u) << code_name(it.code);
    EXPECT_FALSE(std::string(it.aws_error).empty()) << code_name(it.code);
    EXPECT_TRUE(it.exit_code == 1 || it.exit_code == 2) << code_name(it.code);
  }
}

TEST(Errors, only_codes_that_speak_of_a_moment_are_retryable) {
  const std::set<Code> expected = {Code::busy, Code::timed_out, Code::cancelled,
                                   Code::io,   Code::no_space,  Code::unavailable};
  for (int index = 0; index < kCodeCount; ++index) {
    const Code code = static_cast<Code>(index);
    EXPECT_EQ(retryable(code), expected.count(code) == 1) << code_name(code);
  }
}

TEST(Errors, a_code_outside_the_enum_is_our_own_mistake) {
  EXPECT_EQ(row(static_cast<Code>(kCodeCount + 7)).http_status, 500);
}

TEST(Errors, a_codes_name_reads_back_and_an_unknown_name_is_internal) {
  for (int index = 0; index < kCodeCount; ++index) {
    const Code code = static_cast<Code>(index);
    EXPECT_EQ(parse_code(code_name(code)), code);
  }
  EXPECT_EQ(parse_code("from_a_newer_version"), Code::internal);
}

TEST(Errors, json_leaves_out_what_is_not_known) {
  EXPECT_EQ(to_json(Error(Code::busy, "the queue is full")).dump(), R"({"code":"busy","message":"the queue is full"})");
  Error placed(Code::invalid, "unknown key 'nmae'", "did you mean 'name'?");
  placed.at({"weir.yaml", 3, 0});
  EXPECT_EQ(
      to_json(placed).dump(),
      R"({"code":"invalid","message":"unknown key 'nmae'","hint":"did you mean 'name'?","position":{"file":"weir.yaml","line":3}})");
}

}  // namespace
}  // namespace weir::errors
