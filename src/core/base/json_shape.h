// Reads back JSON that we wrote ourselves (declarations in the control database), key by key, and remembers the first
// thing that is not as it was written. Every key is expected; what nobody asked for is a mistake, too.
//
//   std::string wrong;
//   JsonShape in(json, "the table", wrong);
//   in.text("name", table.name);
//   in.finish();
//   if (!wrong.empty()) return Error(Code::corrupt, …);
//
// Functions leave their target alone where something is wrong. The Json must outlive the reader. Not for two threads at
// once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/time.h"

namespace weir {

class JsonShape {
 public:
  // `where` names the object in messages: "the table", "a test".
  JsonShape(const Json& json, std::string where, std::string& wrong);

  void text(std::string_view key, std::string& into);
  void flag(std::string_view key, bool& into);
  void integer(std::string_view key, int64_t& into, int64_t min = INT64_MIN, int64_t max = INT64_MAX);
  void number(std::string_view key, double& into);
  void duration(std::string_view key, Duration& into);
  void duration(std::string_view key, std::optional<Duration>& into);  // null: nothing
  void texts(std::string_view key, std::vector<std::string>& into);
  void text_map(std::string_view key, std::map<std::string, std::string>& into);
  template <class Enum>
  void choice(std::string_view key, Enum& into, const std::vector<std::pair<std::string, Enum>>& words);
  // The items of a list; nullptr after a mistake.
  const Json::Array* list(std::string_view key);
  // The value as it is; nullptr after a mistake (it is absent).
  const Json* need(std::string_view key);

  void fail(std::string_view what);  // "the table " + what; only the first mistake is kept
  void finish();                     // after the last key was asked for

 private:
  const Json& json_;
  std::string where_;
  std::string& wrong_;
  std::vector<std::string> asked_;
};

template <class Enum>
void JsonShape::choice(std::string_view key, Enum& into, const std::vector<std::pair<std::string, Enum>>& words) {
  std::string word;
  text(key, word);
  for (const auto& [name, value] : words) {
    if (name == word) {
      into = value;
      return;
    }
  }
  fail(std::string(key) + " is '" + word + "'");
}

}  // namespace weir
