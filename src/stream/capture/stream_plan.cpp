#include "stream/capture/stream_plan.h"

#include <re2/re2.h>

#include <bit>
#include <cstring>

#include "core/base/text.h"
#include "stream/capture/json_scanner.h"

namespace weir::capture {
namespace {

constexpr int64_t kPatternMemoryMax = 1 << 20;

re2::RE2::Options pattern_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryMax);
  return options;
}

Status plan_field(const Field& field, FieldPlan& out) {
  out.declared = &field;
  out.type = field.type;
  out.bounded = field.minimum.has_value() || field.maximum.has_value();
  for (const std::string& value : field.values) out.values.insert(value);
  if (!field.pattern.empty()) {
    out.pattern = std::make_unique<re2::RE2>(field.pattern, pattern_options());
    if (!out.pattern->ok()) {
      return Error(Code::invalid, "the pattern " + shown(field.pattern) + " of field " + shown(field.name) +
                                      " cannot be compiled: " + out.pattern->error());
    }
  }
  out.plain_text = out.values.empty() && out.pattern == nullptr && !field.length_min && !field.length_max;
  if (field.type == FieldType::object && !field.fields.empty()) {
    TRY_ASSIGN(ObjectPlan object, plan_object(field.fields));
    out.object = std::make_unique<ObjectPlan>(std::move(object));
  }
  if (field.type == FieldType::array && !field.items.empty()) {
    out.item = std::make_unique<FieldPlan>();
    TRY(plan_field(field.items.front(), *out.item));
  }
  return {};
}

}  // namespace

FieldPlan::FieldPlan() = default;
FieldPlan::~FieldPlan() = default;
FieldPlan::FieldPlan(FieldPlan&&) noexcept = default;
FieldPlan& FieldPlan::operator=(FieldPlan&&) noexcept = default;

bool matches(const re2::RE2& pattern, std::string_view text) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

std::optional<std::string> pattern_error(const std::string& pattern) {
  const re2::RE2 compiled(pattern, pattern_options());
  if (compiled.ok()) return std::nullopt;
  return compiled.error();
}

Result<ObjectPlan> plan_object(const std::vector<Field>& fields) {
  if (fields.size() > ObjectPlan::kFieldsMax) {
    return Error(Code::too_large, std::to_string(fields.size()) + " fields in one object, allowed are " +
                                      std::to_string(ObjectPlan::kFieldsMax));
  }
  ObjectPlan out;
  size_t bytes = JsonScanner::kPadding, names = 0;
  for (const Field& field : fields) {
    bytes += field.name.size() + field.was.size();
    for (const std::string& name : field.former) bytes += name.size();
    names += 2 + field.former.size();
  }
  out.slots_.resize(std::bit_ceil(2 * names + 2));
  out.text_.reserve(bytes);
  for (const Field& field : fields) {
    FieldPlan& planned = out.fields_.emplace_back();
    TRY(plan_field(field, planned));
    out.names_.push_back(field.name);
  }
  for (const Field& field : fields) {
    out.text_ += field.name + field.was;
    for (const std::string& name : field.former) out.text_ += name;
  }
  out.text_.append(JsonScanner::kPadding, '\0');
  size_t at = 0;
  for (size_t i = 0; i < fields.size(); ++i) {
    const auto add = [&](const std::string& name) {
      if (!name.empty()) out.add_name_at(at, name.size(), static_cast<uint16_t>(i));
      at += name.size();
    };
    add(fields[i].name);
    add(fields[i].was);
    for (const std::string& name : fields[i].former) add(name);
  }
  return out;
}

void ObjectPlan::add_name_at(size_t at, size_t size, uint16_t field) {
  const Slot slot{name_hash(text_.data() + at, size), static_cast<uint32_t>(at), static_cast<uint16_t>(size), field};
  size_t index = slot.hash & (slots_.size() - 1);
  while (slots_[index].field != kNone) index = (index + 1) & (slots_.size() - 1);
  slots_[index] = slot;
}

uint16_t ObjectPlan::find(std::string_view name, uint16_t expected) const noexcept {
  if (expected < names_.size()) {
    const std::string& likely = names_[expected];
    if (likely.size() == name.size() && std::memcmp(likely.data(), name.data(), name.size()) == 0) return expected;
  }
  const uint64_t hash = name_hash(name.data(), name.size());
  for (size_t index = hash & (slots_.size() - 1);; index = (index + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[index];
    if (slot.field == kNone) return kNone;
    if (slot.hash == hash && slot.size == name.size() &&
        std::memcmp(text_.data() + slot.name, name.data(), name.size()) == 0) {
      return slot.field;
    }
  }
}

Result<std::shared_ptr<const StreamPlan>> StreamPlan::compile(std::shared_ptr<const Stream> stream) {
  auto plan = std::make_shared<StreamPlan>();
  plan->stream = std::move(stream);
  const Stream& declared = *plan->stream;
  TRY_ASSIGN(plan->top, plan_object(declared.fields));
  for (size_t i = 0; i < declared.fields.size(); ++i) {
    if (declared.fields[i].name == declared.key) plan->key = static_cast<uint16_t>(i);
    if (declared.fields[i].name == declared.time_field) plan->time = static_cast<uint16_t>(i);
  }
  if (!declared.key.empty() && plan->key == ObjectPlan::kNone) {
    return Error(Code::invalid, "the key " + shown(declared.key) + " is not a field of the stream " + declared.name);
  }
  if (!declared.time_field.empty() && plan->time == ObjectPlan::kNone) {
    return Error(Code::invalid, "the time field " + shown(declared.time_field) + " is not a field of " + declared.name);
  }
  return std::shared_ptr<const StreamPlan>(std::move(plan));
}

}  // namespace weir::capture
