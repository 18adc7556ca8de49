// Policies as they hold for somebody: what stands between them and the rows of a relation.
#include <algorithm>

#include "core/base/quotes.h"
#include "platform/warehouse/rights.h"

namespace weir::warehouse {

const Policy* Rights::policy(dialect::PolicyKind kind, std::string_view name) const {
  const auto found = policies_.find(relation_key(kind == dialect::PolicyKind::mask ? "mask" : "rows", name));
  return found == policies_.end() ? nullptr : &found->second;
}

std::optional<Rights::RowSecurity> Rights::row_security(std::string_view schema, std::string_view name) const {
  const auto found = row_security_.find(relation_key(schema, name));
  if (found == row_security_.end()) return std::nullopt;
  return found->second;
}

bool Rights::has_system_right(const Subject& who, std::string_view privilege) const {
  return who.is_superuser || std::any_of(system_grants_.begin(), system_grants_.end(), [&](const GrantedRight& one) {
           return one.privilege == privilege && who.is(one.grantee);
         });
}

bool Rights::ignores_rows(const Subject& who) const {
  return who.is_secadmin || has_system_right(who, "ignore rls");
}

namespace {

void add_calls(const Policy& policy, engine::RelationGuard& out) {
  for (std::string& one : texts_of(policy.attributes["calls"])) out.calls.push_back(std::move(one));
  if (out.search_path.empty()) out.search_path = texts_of(policy.attributes["search_path"]);
}

// The policies of a relation that hold for somebody, as one condition: none is no row.
void add_rows(const std::vector<const Policy*>& policies, bool joins_by_or, engine::RelationGuard& out) {
  for (const Policy* one : policies) {
    out.condition += (out.condition.empty() ? "("
                      : joins_by_or         ? " OR ("
                                            : " AND (") +
                     one->attributes["expressions"].array().at(0).as_string() + ")";
    if (out.alias.empty()) out.alias = one->attributes["alias"].as_string();
    add_calls(*one, out);
  }
  if (policies.empty()) out.condition = "false";
}

void add_mask(const Policy& policy, const Attachment& attachment, size_t at, engine::RelationGuard& out) {
  engine::RelationGuard::Mask mask{.column = attachment.columns[at],
                                   .expression = policy.attributes["expressions"].array().at(at).as_string(),
                                   .inputs = {}};
  const auto& inputs = attachment.inputs.empty() ? attachment.columns : attachment.inputs;
  const Json::Array& names = policy.attributes["columns"].array();
  for (size_t i = 0; i < std::min(names.size(), inputs.size()); ++i) {
    mask.inputs.push_back(
        {.name = names[i]["name"].as_string(), .column = inputs[i], .type = names[i]["type"].as_string()});
  }
  add_calls(policy, out);
  out.masks.push_back(std::move(mask));
}

// The stream that a table of the lake lies beside; empty: none.
std::string stream_beside(std::string_view name) {
  if (name.starts_with("raw_")) return std::string(name.substr(4));
  for (const std::string_view suffix : {"_quarantine", "_intake"}) {
    if (name.ends_with(suffix)) return std::string(name.substr(0, name.size() - suffix.size()));
  }
  return {};
}

// The archive has the stream's columns as text: its rows are those whose events are seen, and what cannot be masked by
// columns is left out.
engine::RelationGuard guard_of_archive(const engine::RelationGuard& stream, const std::vector<std::string>& masked) {
  engine::RelationGuard out = stream;
  out.name = "raw_" + stream.name;
  out.alias.clear();
  out.needs = masked;
  if (!stream.condition.empty()) {
    out.condition = "\"_seq\" IN (SELECT \"_seq\" FROM lake.main." + quoted_name(stream.name) + " AS " +
                    quoted_name(stream.alias.empty() ? stream.name : stream.alias) + " WHERE " + stream.condition + ")";
  }
  if (out.masks.empty()) return out;
  for (const char* whole : {"_payload", "_id"}) {
    out.masks.push_back({.column = whole, .expression = "NULL", .inputs = {}});
  }
  return out;
}

}  // namespace

bool Rights::has_policies(const std::string& relation) const {
  const auto state = row_security_.find(relation);
  return attachments_.contains(relation) || (state != row_security_.end() && state->second.is_on);
}

bool Rights::is_secured(std::string_view schema, std::string_view name) const {
  if (has_policies(relation_key(schema, name))) return true;
  const std::string stream = schema == "lake" ? stream_beside(name) : std::string();
  if (!stream.empty() && has_policies(relation_key(schema, stream))) return true;
  const std::vector<std::string> others = other_names(schema, name);
  return std::any_of(others.begin(), others.end(), [&](const std::string& one) { return has_policies(one); });
}

std::vector<std::string> Rights::other_names(std::string_view schema, std::string_view name) const {
  std::vector<std::string> out;
  const ExternalSchema* in = external_schema(schema);
  if (in == nullptr) return out;
  for (const auto& [other, external] : external_schemas_) {
    if (other != schema && external.database == in->database) out.push_back(relation_key(other, name));
  }
  return out;
}

std::vector<const Policy*> Rights::row_policies_of(const Subject& who, const std::string& relation) const {
  std::vector<const Policy*> out;
  const auto found = attachments_.find(relation);
  if (found == attachments_.end()) return out;
  for (const Attachment& one : found->second) {
    const Policy* known = policy(one.kind, one.policy);
    const bool is_new = std::find(out.begin(), out.end(), known) == out.end();
    if (one.kind == dialect::PolicyKind::rows && known != nullptr && is_new && who.is(one.grantee)) {
      out.push_back(known);
    }
  }
  return out;
}

std::vector<std::string> Rights::row_policies(const Subject& who, std::string_view schema,
                                              std::string_view name) const {
  std::string of = relation_key(schema, name);
  if (const std::string stream = schema == "lake" ? stream_beside(name) : ""; !stream.empty() && !has_policies(of)) {
    of = relation_key(schema, stream);
  }
  for (const std::string& other : other_names(schema, name)) {
    if (has_policies(other)) of = other;
  }
  std::vector<std::string> out;
  for (const Policy* one : row_policies_of(who, of)) out.push_back(one->name);
  return out;
}

namespace {

engine::RelationGuard& guard_at(std::map<std::string, engine::RelationGuard>& all, const std::string& relation) {
  engine::RelationGuard& guard = all[relation];
  const size_t dot = relation.find('.');
  guard.schema = relation.substr(0, dot);
  guard.name = relation.substr(dot + 1);
  return guard;
}

}  // namespace

std::map<std::string, engine::RelationGuard> Rights::guards(const Subject& who) const {
  std::map<std::string, engine::RelationGuard> out;
  if (who.is_superuser) return out;
  for (const auto& [relation, state] : row_security_) {
    if (!state.is_on || ignores_rows(who)) continue;
    engine::RelationGuard& guard = guard_at(out, relation);
    add_rows(row_policies_of(who, relation), state.joins_by_or, guard);
    guard.may_explain = has_system_right(who, "explain rls");
  }
  add_masks(who, out);
  add_beside(out);
  return out;
}

void Rights::add_masks(const Subject& who, std::map<std::string, engine::RelationGuard>& out) const {
  for (const auto& [relation, all] : attachments_) {
    // Of each column the attachment with the highest priority.
    std::map<std::string, std::pair<const Attachment*, size_t>> chosen;
    for (const Attachment& one : all) {
      if (one.kind != dialect::PolicyKind::mask || !who.is(one.grantee)) continue;
      for (size_t i = 0; i < one.columns.size(); ++i) {
        auto& best = chosen[one.columns[i]];
        if (best.first == nullptr || best.first->priority < one.priority) best = {&one, i};
      }
    }
    if (chosen.empty()) continue;
    const bool is_new = !out.contains(relation);
    engine::RelationGuard& guard = guard_at(out, relation);
    guard.may_explain = (is_new || guard.may_explain) && has_system_right(who, "explain masking");
    for (const auto& [column, best] : chosen) {
      if (const Policy* known = policy(best.first->kind, best.first->policy)) {
        add_mask(*known, *best.first, best.second, guard);
      }
    }
  }
}

// What else shows the same rows, and has no policies of its own.
void Rights::add_beside(std::map<std::string, engine::RelationGuard>& out) const {
  std::vector<engine::RelationGuard> more;
  for (const auto& [relation, guard] : out) {
    for (const std::string& other : other_names(guard.schema, guard.name)) {
      more.push_back(guard);
      more.back().schema = other.substr(0, other.find('.'));
    }
    if (guard.schema != "lake") continue;
    std::vector<std::string> masked, named;
    for (const engine::RelationGuard::Mask& one : guard.masks) {
      masked.push_back(one.column);
      for (const auto& input : one.inputs) masked.push_back(input.column);
    }
    named = masked;
    const auto attached = attachments_.find(relation);
    for (const Attachment& one : attached == attachments_.end() ? std::vector<Attachment>() : attached->second) {
      const Policy* known = one.kind == dialect::PolicyKind::rows ? policy(one.kind, one.policy) : nullptr;
      if (known == nullptr) continue;
      for (const Json& column : known->attributes["columns"].array()) named.push_back(column["name"].as_string());
    }
    more.push_back(guard_of_archive(guard, masked));
    for (const char* suffix : {"_quarantine", "_intake"}) {
      more.push_back(guard);
      more.back().name += suffix;
      more.back().needs = named;
    }
  }
  // There the columns are of these types already.
  for (auto& [relation, guard] : out) {
    for (engine::RelationGuard::Mask& mask : guard.masks) {
      for (auto& input : mask.inputs) input.type.clear();
    }
  }
  for (engine::RelationGuard& one : more) {
    std::string relation = relation_key(one.schema, one.name);
    if (!has_policies(relation)) out.emplace(std::move(relation), std::move(one));
  }
}

}  // namespace weir::warehouse
