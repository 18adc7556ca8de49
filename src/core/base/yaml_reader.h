// Reads declarations from YAML into typed fields, and finds all mistakes of a file in one pass.
//
//   YamlReader in(yaml, "a stream");
//   in.text("name", stream.name, required);
//   in.duration("dedup_window", stream.dedup_window, {minutes(1), days(90)});
//   in.choice("write", stream.write, {{"key", WhoWrites::key}, {"anyone", WhoWrites::anyone}});
//   for (YamlSection& field : in.sections("fields")) { … field.text("type", …) … }
//   std::vector<Error> errors = in.finish();   // the only way to learn that all was well
//
// Each function sets its target and returns true if the key is there and good; otherwise it leaves the target (its
// default) alone, returns false, and, unless the key is merely absent and optional, adds an error with
// file:line:column, what was found and what was expected. A key with nothing after its colon is an error, not a
// default. finish() adds every key that nobody asked for, with the nearest one that somebody did. The Yaml must outlive
// its readers. Not for two threads at once.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml.h"

namespace weir {

enum class Need { optional, required };
inline constexpr Need required = Need::required;

// Both ends are allowed values.
template <class T>
struct Between {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
};
template <>
struct Between<Duration> {
  Duration min = {0};
  Duration max = {std::numeric_limits<int64_t>::max()};
};

template <class T>
concept WholeNumber = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// A value that may be secret, for fields where that is expected (passwords, URLs with one). `written` is what plans,
// logs and the applied state may hold; there is no operator that prints `value`.
struct SecretText {
  std::string value;
  std::string written;
  bool secret = false;
};

class YamlSection {
 public:
  // The key's text as it is; `no`, `1.10` and `007` stay what they are. Refuses a secret source: use secret_text.
  bool text(std::string_view key, std::string& into, Need need = Need::optional);
  // The same, for a name that becomes a folder and an SQL name: [a-z][a-z0-9_]{0,62}.
  bool identifier(std::string_view key, std::string& into, Need need = Need::optional);
  bool secret_text(std::string_view key, SecretText& into, Need need = Need::optional);
  bool flag(std::string_view key, bool& into, Need need = Need::optional);  // true or false, nothing else
  bool number(std::string_view key, double& into, Between<double> allowed = {}, Need need = Need::optional);
  bool duration(std::string_view key, Duration& into, Between<Duration> allowed = {}, Need need = Need::optional);
  bool size(std::string_view key, uint64_t& into, Between<uint64_t> allowed = {}, Need need = Need::optional);
  template <WholeNumber Integer>
  bool integer(std::string_view key, Integer& into, Between<Integer> allowed = {}, Need need = Need::optional);
  template <class Enum>
  bool choice(std::string_view key, Enum& into, const std::vector<std::pair<std::string, Enum>>& names,
              Need need = Need::optional);
  bool texts(std::string_view key, std::vector<std::string>& into, Need need = Need::optional);  // a list
  bool text_map(std::string_view key, std::map<std::string, std::string>& into, Need need = Need::optional);

  // Targets that know the difference between absent and given.
  bool text(std::string_view key, std::optional<std::string>& into);
  bool number(std::string_view key, std::optional<double>& into, Between<double> allowed = {});
  bool duration(std::string_view key, std::optional<Duration>& into, Between<Duration> allowed = {});
  bool size(std::string_view key, std::optional<uint64_t>& into, Between<uint64_t> allowed = {});
  template <WholeNumber Integer>
  bool integer(std::string_view key, std::optional<Integer>& into, Between<Integer> allowed = {});

  // A mapping below this one; nothing if it is absent or no mapping. `what` names it in messages: "a beacon".
  std::optional<YamlSection> section(std::string_view key, std::string_view what, Need need = Need::optional);
  // A list of mappings.
  std::vector<YamlSection> sections(std::string_view key, std::string_view what, Need need = Need::optional);
  // A mapping of names to mappings; each section's name() is its key.
  std::vector<YamlSection> named_sections(std::string_view key, std::string_view what, Need need = Need::optional);
  // Any node below this one (from value()) that should be a mapping.
  std::optional<YamlSection> open(const Yaml& node, std::string_view what);

  // The key's raw value, for shapes of the caller's own (text or mapping); counts as asked for. nullptr if absent.
  const Yaml* value(std::string_view key);
  bool has(std::string_view key) const { return node_->find(key) != nullptr; }
  const Yaml& node() const { return *node_; }
  const std::string& name() const { return name_; }  // its key in named_sections; else empty

  // A mistake that only the caller can see, at the key's value (or at the section, if the key is absent).
  void refuse(std::string_view key, std::string_view message, std::string hint = {});
  void refuse_at(const Position& at, std::string message, std::string hint = {});

 protected:
  struct Shared;  // the errors so far and which keys were asked for, common to all sections of one reader
  struct State;
  YamlSection(const Yaml& node, std::string_view what, std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;

 private:
  struct Whole {
    const Yaml* found = nullptr;
    bool negative = false;
    uint64_t magnitude = 0;
  };
  const Yaml* wanted(std::string_view key, Need need, std::string_view expected);
  const Yaml* scalar(std::string_view key, Need need, std::string_view expected);
  void unexpected(const Yaml& found, std::string_view key, std::string_view expected, std::string hint = {});
  bool outside(const Yaml& found, std::string_view key, const std::string& min, const std::string& max);
  std::optional<Whole> whole(std::string_view key, Need need);
  std::optional<size_t> choice_index(std::string_view key, const std::vector<std::string>& names, Need need);

  const Yaml* node_;
  State* state_;  // in shared_
  std::string name_;
};

class YamlReader : public YamlSection {
 public:
  // `what` names the whole in messages: "a stream". A null (an empty file) reads as an empty mapping.
  YamlReader(const Yaml& root, std::string_view what);

  // All mistakes in the order of their places, at most kErrorsMax; empty: the declaration is good. Unknown keys are
  // looked for here, in every section that was opened. Call it once, after everything was asked for.
  static constexpr size_t kErrorsMax = 100;
  [[nodiscard]] std::vector<Error> finish();
};

// ---- templates ----

template <WholeNumber Integer>
bool YamlSection::integer(std::string_view key, Integer& into, Between<Integer> allowed, Need need) {
  auto read = whole(key, need);
  if (!read) return false;
  // Compared in 128 bits, where every 64-bit integer of either sign fits.
  __extension__ using Wide = __int128;
  Wide wide = read->negative ? -static_cast<Wide>(read->magnitude) : static_cast<Wide>(read->magnitude);
  if (wide < static_cast<Wide>(allowed.min) || wide > static_cast<Wide>(allowed.max)) {
    return outside(*read->found, key, std::to_string(allowed.min), std::to_string(allowed.max));
  }
  into = static_cast<Integer>(wide);
  return true;
}

template <WholeNumber Integer>
bool YamlSection::integer(std::string_view key, std::optional<Integer>& into, Between<Integer> allowed) {
  Integer value{};
  if (!integer(key, value, allowed)) return false;
  into = value;
  return true;
}

template <class Enum>
bool YamlSection::choice(std::string_view key, Enum& into, const std::vector<std::pair<std::string, Enum>>& names,
                         Need need) {
  std::vector<std::string> words;
  words.reserve(names.size());
  for (const auto& entry : names) words.push_back(entry.first);
  auto index = choice_index(key, words, need);
  if (!index) return false;
  into = names[*index].second;
  return true;
}

}  // namespace weir
