// A session's statement before the engine: whose rights it has, what names of views mean, and the words for itself.
#include "platform/warehouse/session_authority.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "platform/warehouse/materialized_views.h"
#include "platform/warehouse/privileges.h"
#include "platform/warehouse/system_relations.h"

namespace weir::warehouse {
namespace {

const char* privilege_name(engine::Privilege privilege) {
  switch (privilege) {
    case engine::Privilege::select:
      return "select";
    case engine::Privilege::insert:
      return "insert";
    case engine::Privilege::update:
      return "update";
    case engine::Privilege::remove:
      return "delete";
  }
  return "select";
}

// Where a schema's members lie, in order: public is more than the engine's own schema of this name.
std::vector<std::string> places_of(const std::string& schema) {
  if (schema == "public") return {"public", "main", "lake"};
  return {schema};
}

}  // namespace

Subject subject_of(const access::Directory& directory, uint32_t id) {
  Subject out{.id = id, .name = std::to_string(id)};
  if (const access::UserInfo* user = directory.user(id)) {
    out.name = user->name;
    out.creates_schemas = user->create_database;
  }
  out.is_superuser = directory.is_superuser(id);
  for (const uint32_t role : directory.roles_of(id)) {
    out.roles.insert(role);
    const access::RoleInfo* known = directory.role(role);
    out.is_secadmin = out.is_secadmin || (known != nullptr && known->name == "sys:secadmin");
    out.is_operator = out.is_operator || (known != nullptr && known->name == "sys:operator");
  }
  return out;
}

Subject subject_of(const access::Directory& directory, const User& user) {
  if (user.id != 0) return subject_of(directory, user.id);
  // Whoever comes with a token of a role is judged by that role.
  Subject out{.id = user.may_administer ? access::kOwnerUser : 0xffffffffu, .name = user.name};
  if (user.may_administer) out.name = access::kOwnerName;
  out.is_superuser = user.may_administer;
  out.reads_all = !user.may_administer && user.may_read;
  return out;
}

SessionAuthority::SessionAuthority(Parts parts)
    : parts_(std::move(parts)), guards_(parts_.rights->guards(parts_.subject)) {
  for (const auto& [key, guard] : guards_) guarded_names_.insert(to_lower(guard.name));
}

// Whose rights count: the session's user's, or of a view's body its owner's.
Result<Subject> SessionAuthority::reader(std::string_view within) const {
  if (within.empty()) return parts_.subject;
  const size_t dot = within.find('.');
  const Relation* view = parts_.rights->find(within.substr(0, dot), within.substr(dot + 1));
  if (view == nullptr) return permission_denied("relation " + std::string(within));
  return subject_of(*parts_.directory, view->owner);
}

Status SessionAuthority::check(const engine::RelationUse& use) const {
  TRY_ASSIGN(const Subject who, reader(use.within));
  if (parts_.rights->may(who, privilege_name(use.privilege), use.schema, use.name, use.columns)) {
    const bool is_changed = use.privilege != engine::Privilege::select && parts_.changes != nullptr;
    if (is_changed) parts_.changes->insert(MaterializedViews::key_of(use.schema, use.name));
    return {};
  }
  Error out = permission_denied("relation " + use.name);
  if (!parts_.rights->may_use(who, use.schema)) out = permission_denied("schema " + use.schema);
  out.hint = std::string(privilege_name(use.privilege)) + " is needed" +
             (use.within.empty() ? "" : " by the owner of the view " + use.within);
  return out;
}

const engine::Authority::View* SessionAuthority::view(std::string_view schema, std::string_view name) const {
  const auto look = [&](const std::string& in) -> const Relation* {
    for (const std::string& place : places_of(in)) {
      if (const Relation* found = parts_.rights->find(place, name)) return found;
    }
    return nullptr;
  };
  const Relation* found = nullptr;
  if (!schema.empty()) {
    found = look(std::string(schema));
  } else {
    for (const std::string& one : parts_.search_path) {
      found = look(one);
      if (found != nullptr) break;
    }
  }
  return found != nullptr && found->view ? &*found->view : nullptr;
}

Result<std::shared_ptr<const engine::ExternalTable>> SessionAuthority::external(std::string_view schema,
                                                                                std::string_view name,
                                                                                std::string_view within) const {
  const std::shared_ptr<const engine::ExternalTable> none;
  if (parts_.buckets == nullptr) return none;
  const auto table_of = [&](const std::string& in) -> std::shared_ptr<const engine::ExternalTable> {
    auto definition = parts_.rights->external_table(in, name);
    return definition ? external_table(std::move(definition), in, *parts_.buckets, parts_.note_scan) : nullptr;
  };
  if (schema.empty()) {
    for (const std::string& one : parts_.search_path) {
      if (auto found = table_of(one)) return found;
      for (const std::string& place : places_of(one)) {
        if (parts_.rights->find(place, name) != nullptr) return none;
      }
    }
    return none;
  }
  const std::string in(schema);
  const ExternalSchema* known = parts_.rights->external_schema(in);
  if (known == nullptr) return none;
  if (known->database != kLakeDatabase) return table_of(in);
  // The plan shows the stream alone, which has rights of its own: the schema's are asked for here.
  TRY_ASSIGN(const Subject who, reader(within));
  if (!parts_.rights->may_use(who, in)) return permission_denied("schema " + in);
  if (name.starts_with("weir_")) return none;
  return std::make_shared<const engine::ExternalTable>(
      engine::ExternalTable{.schema = in, .name = std::string(name), .lake_table = std::string(name)});
}

bool SessionAuthority::may_be_guarded(std::string_view name) const {
  return guarded_names_.contains(std::string(name));
}

const engine::RelationGuard* SessionAuthority::guard(std::string_view schema, std::string_view name) const {
  if (guards_.empty()) return nullptr;
  const auto found = guards_.find(std::string(schema) + "." + std::string(name));
  return found == guards_.end() ? nullptr : &found->second;
}

void SessionAuthority::passed(const engine::RelationGuard& guard) const {
  if (!parts_.note_guard || guard.condition.empty()) return;
  parts_.note_guard(guard, parts_.rights->row_policies(parts_.subject, guard.schema, guard.name));
}

Result<std::vector<engine::FunctionCandidate>> SessionAuthority::functions(
    std::string_view schema, std::string_view name, size_t arguments,
    const std::vector<std::string>* search_path) const {
  std::vector<std::string> places;
  if (!schema.empty()) {
    places.emplace_back(schema);
  } else {
    places = search_path != nullptr ? *search_path : parts_.search_path;
  }
  std::vector<engine::FunctionCandidate> out;
  std::set<std::string> known;  // what comes first in the path hides the same in later ones
  std::string others;
  for (const std::string& place : places) {
    for (const FunctionEntry& one : parts_.rights->functions(place, name)) {
      const size_t count = one.function.types.size();
      if (count != arguments) {
        others += (others.empty() ? "" : ", ") + std::to_string(count);
      } else if (known.insert(signature_of(one.function.types)).second) {
        out.push_back({.function = &one.function, .may_call = parts_.rights->may_execute(parts_.subject, one)});
      }
    }
  }
  if (!out.empty() || others.empty()) return out;
  Error error(Code::not_found,
              "function " + std::string(name) + "() does not exist with " + std::to_string(arguments) + " arguments",
              "there is one with " + others);
  error.sqlstate = "42883";
  return error;
}

std::optional<Json> SessionAuthority::word(std::string_view function, const std::vector<Json>& arguments) const {
  if (function.starts_with("weir:") && arguments.size() == 1) {
    return system_word(function.substr(5), arguments[0].as_string());
  }
  const auto is = [&](std::string_view name, size_t count) { return function == name && arguments.size() == count; };
  if (is("current_user", 0) || is("user", 0) || is("session_user", 0) || is("current_role", 0) || is("getpguser", 0)) {
    return Json(parts_.subject.name);
  }
  if (is("current_user_id", 0)) return Json(static_cast<int64_t>(parts_.subject.id));
  if (is("current_database", 0) || is("current_catalog", 0)) return Json(parts_.database);
  if (is("current_schema", 0)) return parts_.search_path.empty() ? Json() : Json(parts_.search_path.front());
  if (is("pg_backend_pid", 0)) return Json(static_cast<int64_t>(parts_.process_id));
  if (is("version", 0)) {
    return Json(parts_.profile == Profile::redshift
                    ? "PostgreSQL 8.0.2 on x86_64-pc-linux-gnu, compiled by GCC, Redshift 1.0.62922 (weir)"
                    : "PostgreSQL 15.0 (weir) on x86_64-pc-linux-gnu, compiled by GCC, 64-bit");
  }
  if (function == "current_setting" && !arguments.empty() && arguments[0].is_string()) {
    if (const auto value = parts_.settings->find(arguments[0].as_string())) return Json(*value);
    return Json();
  }
  if (is("set_config", 3) && arguments[0].is_string() && arguments[1].is_string()) {
    parts_.said->emplace_back(arguments[0].as_string(), arguments[1].as_string());
    return arguments[1];
  }
  return std::nullopt;
}

namespace {

std::vector<std::string> lines_of(std::string_view argument) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin <= argument.size();) {
    const size_t end = std::min(argument.find('\n', begin), argument.size());
    lines.emplace_back(argument.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// "svv_tables" or "pg_catalog.svv_tables" as "pg_catalog\nsvv_tables".
std::optional<Json> system_relation(std::string_view name) {
  static const std::set<std::string, std::less<>> kNames = [] {
    std::set<std::string, std::less<>> names;
    for (const engine::SystemRelation& one : system_relations()) names.insert(one.schema + "." + one.name);
    return names;
  }();
  const std::string full =
      name.find('.') == std::string_view::npos ? "pg_catalog." + std::string(name) : std::string(name);
  if (!kNames.contains(full)) return std::nullopt;
  const size_t point = full.find('.');
  return Json(full.substr(0, point) + "\n" + full.substr(point + 1));
}

}  // namespace

std::optional<Json> SessionAuthority::system_word(std::string_view word, std::string_view argument) const {
  if (word == "system_relation") return system_relation(argument);
  if (word == "current_user" || word == "login_name") return Json(parts_.subject.name);
  if (word == "current_database") return Json(parts_.database);
  if (word == "current_schemas") {
    Json out{Json::Array{}};
    for (const std::string& one : parts_.search_path) out.push(one);
    return Json(out.dump());
  }
  if (word == "current_setting") {
    const auto value = parts_.settings->find(argument);
    return value ? std::optional<Json>(*value) : std::nullopt;
  }
  if (word == "weir_settings") {
    Json out{Json::Array{}};
    for (const auto& [name, value] : parts_.settings->all()) out.push(Json(Json::Array{Json(name), Json(value)}));
    return Json(out.dump());
  }
  if (word == "sees_all") {
    const access::UserInfo* user = parts_.directory->user(parts_.subject.id);
    return truth_text(parts_.subject.is_superuser || (user != nullptr && user->syslog_unrestricted));
  }
  if (word == "sees_applied_policies") {
    return truth_text(parts_.subject.is_operator ||
                      parts_.rights->has_system_right(parts_.subject, "access system table"));
  }
  if (word == "mv_is_stale") {
    const std::vector<std::string> lines = lines_of(argument);
    const Relation* view = lines.size() == 2 ? parts_.rights->find(lines[0], lines[1]) : nullptr;
    return truth_text(view != nullptr && parts_.is_stale && parts_.is_stale(*view));
  }
  if (word == "sees_policies") return truth_text(parts_.subject.is_superuser || parts_.subject.is_secadmin);
  return rights_word(word, lines_of(argument));
}

// What has_table_privilege() and its like ask: user (empty: this one), privilege, and the object's names, a line each.
std::optional<Json> SessionAuthority::rights_word(std::string_view word, const std::vector<std::string>& lines) const {
  const Rights& rights = *parts_.rights;
  if (lines.size() == 2) {
    if (word == "guarded") return truth_text(guard(lines[0], lines[1]) != nullptr);
    if (word == "sees") return truth_text(sees(rights, parts_.subject, lines[0], lines[1]));
    if (word == "acl") return Json(acl_of_relation(rights, *parts_.directory, lines[0], lines[1], "").dump());
  }
  if (lines.size() == 3) {
    if (word == "sees_column") return truth_text(sees(rights, parts_.subject, lines[0], lines[1], lines[2]));
    if (word == "acl_column") {
      return Json(acl_of_relation(rights, *parts_.directory, lines[0], lines[1], lines[2]).dump());
    }
  }
  if (word == "acl_schema" && lines.size() == 1) return Json(acl_of_schema(rights, *parts_.directory, lines[0]).dump());
  if (!word.starts_with("may") || lines.size() < 2) return std::nullopt;
  const access::UserInfo* user = parts_.directory->user(lines[0]);
  if (user == nullptr && !lines[0].empty() && lines[0].find_first_not_of("0123456789") == std::string::npos &&
      lines[0].size() < 10) {
    user = parts_.directory->user(static_cast<uint32_t>(std::stoul(lines[0])));
  }
  if (user == nullptr && !lines[0].empty() && lines[0] != parts_.subject.name) return std::nullopt;
  // Everybody may read what the system says of itself, and nobody changes it.
  if (lines.size() > 3 && (lines[2] == "pg_catalog" || lines[2] == "information_schema")) {
    return truth_text(lines[1].find("select") != std::string::npos);
  }
  const bool is_other = user != nullptr && user->name != parts_.subject.name;
  const Subject who = is_other ? subject_of(*parts_.directory, user->id) : parts_.subject;
  return may(rights, who, word, lines);
}

}  // namespace weir::warehouse
