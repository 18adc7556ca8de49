#include "analysis/review/look.h"

#include <algorithm>

#include "core/base/text.h"

namespace weir::review {
namespace {

constexpr size_t kWordsMax = 500;
constexpr std::string_view kOpen = "{{", kClose = "}}";

void read_short(YamlSection& in, std::string_view key, std::string& into) {
  if (in.text(key, into) && into.size() > kWordsMax) {
    in.refuse(key, std::string(key) + " is longer than " + std::to_string(kWordsMax) + " bytes");
  }
}

bool is_colour(std::string_view text) {
  return text.size() == 7 && text[0] == '#' &&
         text.find_first_not_of("0123456789abcdefABCDEF", 1) == std::string_view::npos;
}

// A file of the review's folder by its path there; nothing, and refused, if there is none.
const std::string_view* file_of(const project::DeclarationSource& source, YamlSection& in, std::string_view key,
                                const std::string& path) {
  const auto found = source.parts.find(path);
  if (found != source.parts.end()) return &found->second;
  std::vector<std::string> known;
  for (const auto& [other, text] : source.parts) known.push_back(other);
  in.refuse(key, "there is no file " + shown(path) + " in the review's folder", did_you_mean(path, known));
  return nullptr;
}

// An image is recognised by its bytes, not by its name alone.
const char* image_type(std::string_view path, std::string_view bytes) {
  if (path.ends_with(".png")) return bytes.starts_with("\x89PNG\r\n\x1a\n") ? "image/png" : nullptr;
  if (!path.ends_with(".svg")) return nullptr;
  return valid_utf8(bytes) && bytes.find("<svg") != std::string_view::npos ? "image/svg+xml" : nullptr;
}

void read_logo(const project::DeclarationSource& source, YamlSection& in, Look& look) {
  std::string path;
  if (!in.text("logo", path)) return;
  const std::string_view* bytes = file_of(source, in, "logo", path);
  if (bytes == nullptr) return;
  if (bytes->size() > kLogoBytesMax) {
    in.refuse("logo",
              shown(path) + " has " + std::to_string(bytes->size()) + " bytes, at most " +
                  std::to_string(kLogoBytesMax) + " are allowed",
              "it stands in every report");
    return;
  }
  const char* type = image_type(path, *bytes);
  if (type == nullptr) {
    in.refuse("logo", shown(path) + " is no image that reports show", "an SVG or a PNG, named .svg or .png");
    return;
  }
  look.logo = "data:" + std::string(type) + ";base64," + base64_encode(*bytes);
}

Position place_of(const std::string& file, std::string_view text, size_t at) {
  Position out{file, 1, 1};
  out.line += static_cast<int>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n'));
  out.column += static_cast<int>(at - (at == 0 ? 0 : text.rfind('\n', at - 1) + 1));
  return out;
}

}  // namespace

void read_look(const project::DeclarationSource& source, YamlSection& in, Look& look, std::vector<Error>& errors) {
  if (auto brand = in.section("brand", "the brand")) {
    read_short(*brand, "name", look.name);
    read_short(*brand, "footer", look.footer);
    if (brand->text("colour", look.colour) && !is_colour(look.colour)) {
      brand->refuse("colour", shown(look.colour) + " is no colour", "\"#0b57a4\", six digits in quotes");
    }
    read_logo(source, *brand, look);
  }
  std::string path;
  if (!in.text("template", path)) return;
  if (path == "review_result.html") {
    in.refuse("template", "review_result.html is the automated review's template, and is filled by itself");
    return;
  }
  const std::string_view* html = file_of(source, in, "template", path);
  if (html == nullptr) return;
  if (!path.ends_with(".html")) in.refuse("template", shown(path) + " is no template", "a file named .html");
  look.html = std::string(*html);
  if (trim(look.html).empty()) in.refuse("template", shown(path) + " is empty");
  template_pieces(source.file.substr(0, source.file.rfind('/') + 1) + path, look.html, errors);
}

Json to_json(const Look& look) {
  return Json::Object{
      {"name", look.name}, {"colour", look.colour}, {"footer", look.footer}, {"logo", look.logo}, {"html", look.html}};
}

Look look_from_json(const Json& json) {
  return {json["name"].as_string(), json["colour"].as_string(), json["footer"].as_string(), json["logo"].as_string(),
          json["html"].as_string()};
}

const std::vector<Placeholder>& template_placeholders() {
  static const std::vector<Placeholder> kPlaceholders = {{"title", "the review's title"},
                                                         {"review", "its name"},
                                                         {"run", "the run's id"},
                                                         {"started_at", "when it began, in UTC"},
                                                         {"about", "when, whose, where and how it ran, as one line"},
                                                         {"target", "the connection, or weir"},
                                                         {"customer", "as declared"},
                                                         {"endpoint", "as declared"},
                                                         {"workflow", "the one that ran"},
                                                         {"verdict", "red, yellow, green or not measured"},
                                                         {"verdict_words", "the verdict as a sentence"},
                                                         {"score", "of 100; – where nothing was judged"},
                                                         {"red", "how many signals are"},
                                                         {"yellow", "how many signals are"},
                                                         {"green", "how many signals are"},
                                                         {"not_measured", "how many signals could not be judged"},
                                                         {"brand", "logo and name"},
                                                         {"footer", "of the brand"},
                                                         {"style", "the program's CSS, to stand in a style element"},
                                                         {"summary", "verdict, score and the sections' scores"},
                                                         {"since", "what changed since the last run"},
                                                         {"worst", "the worst findings with what to do"},
                                                         {"charts", "trend, top categories, increased signals"},
                                                         {"sections", "every check with something to say"},
                                                         {"fine", "what is green, collapsed"},
                                                         {"unmeasured", "what was not measured, by reason"},
                                                         {"observations", "what a person must judge"},
                                                         {"next_actions", "as declared"}};
  return kPlaceholders;
}

TemplatePieces template_pieces(const std::string& file, std::string_view html, std::vector<Error>& errors) {
  std::vector<std::string> known;
  for (const Placeholder& one : template_placeholders()) known.emplace_back(one.name);
  TemplatePieces out;
  size_t from = 0;
  for (size_t at = html.find(kOpen); at != std::string_view::npos; at = html.find(kOpen, from)) {
    const size_t end = html.find(kClose, at);
    const size_t next = html.find(kOpen, at + kOpen.size());
    if (end == std::string_view::npos || next < end) {
      errors.push_back(Error(Code::invalid, "a placeholder is not closed", "{{title}}").at(place_of(file, html, at)));
      return out;
    }
    const std::string name(trim(html.substr(at + kOpen.size(), end - at - kOpen.size())));
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      errors.push_back(Error(Code::invalid, "there is no placeholder " + shown(name), did_you_mean(name, known))
                           .at(place_of(file, html, at)));
    }
    out.emplace_back(html.substr(from, at - from));
    out.push_back(name);
    from = end + kClose.size();
  }
  out.emplace_back(html.substr(from));
  return out;
}

}  // namespace weir::review
