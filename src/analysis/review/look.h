// How a review's report looks, where its declaration says so: whose it is, and a template of its own.
//
//   brand:
//     name: Shop Ltd.            above the title
//     logo: logo.svg             or .png, in the review's folder, at most 128 KiB; shown as an image, never run
//     colour: "#0b57a4"          of the line above the title
//     footer: For internal use.
//   template: report.html        in the review's folder
//
// A template is HTML with {{placeholders}}, template_placeholders(); it takes the place of the report's page. One that
// is not known, or not closed, is an error with its place. What the program fills in is escaped; what the template
// itself says is its author's.
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/yaml_reader.h"
#include "core/project/project.h"

namespace weir::review {

inline constexpr size_t kLogoBytesMax = 128u << 10;

struct Look {
  std::string name, colour, footer;
  std::string logo;  // "data:image/…;base64,…"
  std::string html;  // the template; empty: the program's own page
  friend bool operator==(const Look&, const Look&) = default;
};

// `brand` and `template` of review.yaml.
void read_look(const project::DeclarationSource& source, YamlSection& in, Look& look, std::vector<Error>& errors);
Json to_json(const Look& look);
Look look_from_json(const Json& json);  // of to_json's, or null: nothing special

struct Placeholder {
  const char* name;
  const char* prose;
};
const std::vector<Placeholder>& template_placeholders();
// Text, placeholder, text, … : the odd ones are names.
using TemplatePieces = std::vector<std::string>;
TemplatePieces template_pieces(const std::string& file, std::string_view html, std::vector<Error>& errors);

}  // namespace weir::review
