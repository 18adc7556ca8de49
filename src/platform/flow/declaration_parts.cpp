#include "platform/flow/declaration_parts.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace weir::flow {
namespace {

constexpr const char* kNameRule = "a name is a-z, 0-9 and _, begins with a letter and has at most 63 characters";

}  // namespace

bool check_name(YamlSection& in, const std::string& name, const Position& at, std::string_view what) {
  if (is_identifier(name)) return true;
  const std::string lower = to_lower(name);
  in.refuse_at(at, std::string(what) + " " + shown(name) + " is no name: " + kNameRule,
               is_identifier(lower) ? "did you mean '" + lower + "'?" : "");
  return false;
}

void check_file_name(YamlReader& in, const std::string& name, std::string_view kind) {
  if (in.value("name") != nullptr) {
    in.refuse("name", "the file's name is the " + std::string(kind) + "'s name, here " + shown(name),
              "remove the line");
  }
  check_name(in, name, {in.node().at.file, 1, 1}, kind);
}

void read_description(YamlSection& in, std::string& into) {
  if (in.text("description", into) && into.size() > kDescriptionBytesMax) {
    in.refuse("description",
              "has " + std::to_string(into.size()) + " bytes, allowed are " + std::to_string(kDescriptionBytesMax));
  }
}

bool read_text_or_texts(YamlSection& in, std::string_view key, std::vector<std::string>& into) {
  const Yaml* found = in.value(key);
  if (found == nullptr || !found->is_scalar()) return in.texts(key, into);
  std::string text;
  if (!in.text(key, text)) return false;
  into = {std::move(text)};
  return true;
}

bool check_count(YamlSection& in, std::string_view key, size_t count, size_t count_max) {
  if (count <= count_max) return true;
  in.refuse(key, std::to_string(count) + " of them, allowed are " + std::to_string(count_max));
  return false;
}

bool check_entries(YamlSection& in, std::string_view key, size_t count_max) {
  const Yaml* found = in.value(key);
  return found == nullptr || check_count(in, key, std::max(found->items.size(), found->entries.size()), count_max);
}

bool read_names(YamlSection& in, std::string_view key, std::string_view what, size_t count_max,
                std::vector<std::string>& into, Need need) {
  std::vector<std::string> names;
  if (!in.texts(key, names, need)) return false;
  if (names.empty()) {
    in.refuse(key, "the list is empty, expected at least one " + std::string(what));
    return false;
  }
  if (!check_count(in, key, names.size(), count_max)) return false;
  const Yaml& list = *in.value(key);
  std::set<std::string> seen;
  bool is_good = true;
  for (size_t i = 0; i < names.size(); ++i) {
    const Position& at = list.items[i].at;
    is_good = check_name(in, names[i], at, what) && is_good;
    if (seen.insert(names[i]).second) continue;
    in.refuse_at(at, std::string(key) + ": " + std::string(what) + " " + shown(names[i]) + " is listed twice");
    is_good = false;
  }
  if (is_good) into = std::move(names);
  return is_good;
}

void read_sql(YamlSection& in, std::string_view key, SqlJudge judge, std::string& into) {
  std::string written;
  if (!in.text(key, written, required)) return;
  auto judged = judge(written);
  if (judged) {
    into = std::move(*judged);
    return;
  }
  const Error& error = judged.error();
  std::string message = error.message;
  if (error.position && error.position->line > 1) {
    message += " (line " + std::to_string(error.position->line) + " of the SQL)";
  }
  in.refuse(key, message, error.hint);
}

}  // namespace weir::flow
