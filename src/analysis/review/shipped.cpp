#include "analysis/review/shipped.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "core/project/settings.h"

namespace weir::review {

ParsedReview parse_shipped(const std::string& name, const std::map<std::string, std::string_view, std::less<>>& files) {
  const std::string file = "shipped/" + name + "/review.yaml";
  const auto main = files.find("review.yaml");
  const std::string_view text = main == files.end() ? std::string_view() : main->second;
  ParsedReview out;
  auto root = parse_yaml(text, {file, 1});
  if (!root) {
    out.errors.push_back(root.error());
    return out;
  }
  const project::Settings settings;
  project::DeclarationSource source{*root, text, file, name, settings};
  source.parts = files;
  return parse_review(source, {});
}

const std::vector<ShippedReview>& shipped_reviews() {
  static const std::vector<ShippedReview> kReviews = [] {
    std::map<std::string, ShippedReview> made;
    for (const EmbeddedText& one : embedded_texts()) {
      const std::string_view path = one.path;
      const size_t slash = path.find('/');
      made[std::string(path.substr(0, slash))].files.emplace(path.substr(slash + 1), one.text);
    }
    std::vector<ShippedReview> out;
    for (auto& [name, review] : made) {
      ParsedReview parsed = parse_shipped(name, review.files);
      const std::string wrong = parsed.errors.empty() ? "" : parsed.errors.front().text();
      CHECK(wrong.empty(), ("a review that comes with the program can be read: " + wrong).c_str());
      review.review = std::move(parsed.review);
      out.push_back(std::move(review));
    }
    return out;
  }();
  return kReviews;
}

Result<const ShippedReview*> shipped_review(std::string_view name) {
  std::vector<std::string> known;
  for (const ShippedReview& one : shipped_reviews()) {
    if (one.review.name == name) return &one;
    known.push_back(one.review.name);
  }
  return Error(Code::not_found, "no review " + shown(name) + " comes with weir", did_you_mean(name, known));
}

}  // namespace weir::review
