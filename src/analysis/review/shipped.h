// Reviews that come with the program: the folders of src/analysis/review/shipped/, in exactly the form that people
// declare theirs in, put into the program when it is built. They are there without a declaration; a declared review of
// the same name takes their place, one with `base:` begins with them, and `weir review new` writes their files into a
// project.
//
// A new one is a folder with review.yaml and scripts/*.sql; nothing else names it. That it can be read, and that each
// of its checks fires where it should, is tested.
//
// Values that never change; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/review/declaration.h"

namespace weir::review {

struct ShippedReview {
  Review review;
  std::map<std::string, std::string_view, std::less<>> files;  // by path below its folder: "review.yaml"
};

// By name. CHECKs that they can be read.
const std::vector<ShippedReview>& shipped_reviews();
// `not_found` names the nearest.
Result<const ShippedReview*> shipped_review(std::string_view name);
// How one is read; its mistakes, for tests.
ParsedReview parse_shipped(const std::string& name, const std::map<std::string, std::string_view, std::less<>>& files);

// What the build made of the folders; internal.
struct EmbeddedText {
  const char* path;  // "warehouse/review.yaml"
  std::string_view text;
};
std::vector<EmbeddedText> embedded_texts();

}  // namespace weir::review
