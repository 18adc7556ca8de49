// A stream's declaration made ready for judging millions of events: names in small hash tables, patterns compiled,
// bounds as numbers. Built once per declaration, immutable afterwards, shared by any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/base/result.h"
#include "stream/capture/stream.h"

namespace re2 {
class RE2;
}

namespace weir::capture {

class ObjectPlan;

struct FieldPlan {
  FieldPlan();
  ~FieldPlan();
  FieldPlan(FieldPlan&&) noexcept;
  FieldPlan& operator=(FieldPlan&&) noexcept;

  const Field* declared = nullptr;
  FieldType type = FieldType::string;
  bool bounded = false;                         // minimum or maximum
  bool plain_text = true;                       // a string without values, length, pattern
  std::unordered_set<std::string_view> values;  // of declared->values
  std::unique_ptr<re2::RE2> pattern;
  std::unique_ptr<ObjectPlan> object;  // of an object
  std::unique_ptr<FieldPlan> item;     // of an array
};

// The fields of one object, found by name.
class ObjectPlan {
 public:
  static constexpr size_t kFieldsMax = 1024;
  static constexpr uint16_t kNone = 0xFFFF;

  const std::vector<FieldPlan>& fields() const { return fields_; }
  // The field of that name or former name, or kNone. `expected` is tried first: senders keep an order. The name must
  // be padded as JsonScanner wants it.
  uint16_t find(std::string_view name, uint16_t expected) const noexcept;
  const std::vector<std::string>& names() const { return names_; }  // for "did you mean"

 private:
  friend Result<ObjectPlan> plan_object(const std::vector<Field>& fields);
  struct Slot {
    uint64_t hash = 0;
    uint32_t name = 0;  // where in text_
    uint16_t size = 0;
    uint16_t field = kNone;
  };
  void add_name_at(size_t at, size_t size, uint16_t field);

  std::vector<FieldPlan> fields_;
  std::vector<std::string> names_;  // of the fields, in order
  std::string text_;                // all names and former names, padded
  std::vector<Slot> slots_;         // open addressing, at most half full
};

// Refuses patterns that do not compile and more fields than kFieldsMax.
Result<ObjectPlan> plan_object(const std::vector<Field>& fields);

struct StreamPlan {
  std::shared_ptr<const Stream> stream;  // owns what the plan points to
  ObjectPlan top;
  uint16_t key = ObjectPlan::kNone;
  uint16_t time = ObjectPlan::kNone;

  static Result<std::shared_ptr<const StreamPlan>> compile(std::shared_ptr<const Stream> stream);
};

// Whether `text` matches the whole pattern.
bool matches(const re2::RE2& pattern, std::string_view text);
// What RE2 says about a pattern that it cannot compile, or nothing.
std::optional<std::string> pattern_error(const std::string& pattern);

}  // namespace weir::capture
