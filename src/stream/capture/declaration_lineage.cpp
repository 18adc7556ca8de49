#include "stream/capture/declaration_lineage.h"

#include <algorithm>

#include "stream/capture/declaration.h"

namespace weir::capture {
namespace {

const Field* find(const std::vector<Field>& fields, const std::string& name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool is_json(const Field& field) {
  return field.type == FieldType::json || field.type == FieldType::object || field.type == FieldType::array;
}

void add_name(std::vector<std::string>& names, const std::string& name, const Field& of) {
  if (name.empty() || name == of.name || name == of.was) return;
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// What history knows of `field`, whose data was that of `before`.
void inherit(const Field& before, Field& field) {
  std::vector<std::string> names;
  add_name(names, before.name, field);
  add_name(names, before.was, field);
  for (const std::string& name : before.former) add_name(names, name, field);
  field.former = std::move(names);
  field.initial = before.initial;
}

// What is kept of a field that is no longer declared: enough to read the files that hold it, should it come back.
Field retired(const Field& field) {
  Field out;
  out.name = field.name;
  out.type = field.type;
  out.precision = field.precision;
  out.scale = field.scale;
  out.former = former_names(field);
  out.initial = field.initial;
  return out;
}

}  // namespace

std::vector<std::string> former_names(const Field& field) {
  std::vector<std::string> out;
  if (!field.was.empty()) out.push_back(field.was);
  out.insert(out.end(), field.former.begin(), field.former.end());
  return out;
}

bool has_name(const Field& field, const std::string& name) {
  return field.name == name || field.was == name ||
         std::find(field.former.begin(), field.former.end(), name) != field.former.end();
}

bool same_column(const Field& one, const Field& other) {
  if (is_json(one) || is_json(other)) return is_json(one) && is_json(other);
  if (one.type != other.type) return false;
  return one.type != FieldType::decimal || (one.precision == other.precision && one.scale == other.scale);
}

std::vector<Descent> descent(const Stream& applied, const Stream& wanted) {
  std::vector<Descent> out(wanted.fields.size());
  std::vector<const Field*> taken;
  const auto take = [&](size_t i, const Field* from) {
    if (from == nullptr || out[i].applied != nullptr) return;
    if (std::find(taken.begin(), taken.end(), from) != taken.end()) return;
    out[i].applied = from;
    taken.push_back(from);
  };
  for (size_t i = 0; i < out.size(); ++i) take(i, find(applied.fields, wanted.fields[i].name));
  for (size_t i = 0; i < out.size(); ++i) {
    const std::string& was = wanted.fields[i].was;
    if (!was.empty() && find(wanted.fields, was) == nullptr) take(i, find(applied.fields, was));
  }
  // A rename that is taken back: the former name without a word about it.
  for (size_t i = 0; i < out.size(); ++i) {
    for (const Field& before : applied.fields) {
      if (has_name(before, wanted.fields[i].name)) take(i, &before);
    }
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const Field& field = wanted.fields[i];
    if (out[i].applied != nullptr) continue;
    for (const Field& gone : applied.retired) {
      const bool named = has_name(gone, field.name) || (!field.was.empty() && has_name(gone, field.was));
      if (named && out[i].retired == nullptr) out[i].retired = &gone;
    }
  }
  return out;
}

Stream carry(const Stream& applied, Stream wanted) {
  const std::vector<Descent> from = descent(applied, wanted);
  for (size_t i = 0; i < from.size(); ++i) {
    Field& field = wanted.fields[i];
    if (from[i].applied != nullptr) {
      inherit(*from[i].applied, field);
    } else if (from[i].retired != nullptr) {
      inherit(*from[i].retired, field);
    } else {
      field.initial = field.otherwise;
    }
  }
  const auto has_heir = [&](const Field& field) {
    return std::any_of(from.begin(), from.end(),
                       [&](const Descent& one) { return one.applied == &field || one.retired == &field; });
  };
  wanted.retired.clear();
  for (const Field& field : applied.fields) {
    if (!has_heir(field)) wanted.retired.push_back(retired(field));
  }
  for (const Field& field : applied.retired) {
    if (!has_heir(field)) wanted.retired.push_back(field);
  }
  return wanted;
}

}  // namespace weir::capture
