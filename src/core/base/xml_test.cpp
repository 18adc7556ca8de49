#include "core/base/xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Xml, texts_are_read_as_they_were_meant) {
  EXPECT_THAT(*element_texts("<D><Key>a&amp;b</Key><Key>&#x41;&#66;</Key><Key></Key></D>", "Key", 5),
              ElementsAre("a&b", "AB", ""));
  for (const char* xml : {"<Key>a", "<Key><b/></Key>", "<Key>&nope;</Key>", "<Key>&#0;</Key>", "<Key>&#xD800;</Key>"}) {
    EXPECT_FALSE(element_texts(xml, "Key", 5)) << xml;
  }
  EXPECT_THAT(element_texts("<Key>1</Key><Key>2</Key>", "Key", 1).error().message, HasSubstr("more than 1"));
  std::string out;
  append_element(out, "T", "a<b>\"\x01");
  EXPECT_EQ(out, "<T>a&lt;b&gt;&quot;&#1;</T>");
}

TEST(Xml, elements_with_elements_inside_are_read_in_two_steps) {
  const auto bodies = element_bodies("<L><C><Key>a</Key><Size>1</Size></C><C><Key>b&lt;</Key></C></L>", "C", 5);
  ASSERT_TRUE(bodies);
  EXPECT_THAT(*bodies, ElementsAre("<Key>a</Key><Size>1</Size>", "<Key>b&lt;</Key>"));
  EXPECT_THAT(*element_texts((*bodies)[1], "Key", 1), ElementsAre("b<"));
  EXPECT_FALSE(element_bodies("<C>", "C", 5));
  EXPECT_FALSE(element_bodies("<C></C><C></C>", "C", 1));
}

}  // namespace
}  // namespace weir
