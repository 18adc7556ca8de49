// A session's statement before the engine: whose rights it has, what names of views mean, and the words for itself.
#include "platform/warehouse/session_authority.h"

#include <algorithm>

#include "core/base/text.h"

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
  if (const access::UserInfo* user = directory.user(id)) out.name = user->name;
  out.is_superuser = directory.is_superuser(id);
  for (const uint32_t role : directory.roles_of(id)) out.roles.insert(role);
  return out;
}

SessionAuthority::SessionAuthority(Parts parts) : parts_(std::move(parts)) {}

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
  if (parts_.rights->may(who, privilege_name(use.privilege), use.schema, use.name, use.columns)) return {};
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

std::string SessionAuthority::row_filter(std::string_view, std::string_view) const {
  return {};
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

Json truth_text(bool value) {
  return Json(std::string(value ? "true" : "false"));
}

}  // namespace

std::optional<Json> SessionAuthority::system_word(std::string_view word, std::string_view argument) const {
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
  if (word != "may" && word != "may_schema") return std::nullopt;
  // User (empty: this one), privilege, schema and relation, a line each.
  std::vector<std::string> lines;
  for (size_t begin = 0; begin <= argument.size();) {
    const size_t end = std::min(argument.find('\n', begin), argument.size());
    lines.emplace_back(argument.substr(begin, end - begin));
    begin = end + 1;
  }
  if (lines.size() != (word == "may" ? 4u : 3u)) return std::nullopt;
  Subject other;
  const Subject* who = &parts_.subject;
  if (!lines[0].empty() && lines[0] != parts_.subject.name) {
    const access::UserInfo* user = parts_.directory->user(lines[0]);
    if (user == nullptr) return std::nullopt;
    other = subject_of(*parts_.directory, user->id);
    who = &other;
  }
  const std::string& privilege = lines[1];
  if (word == "may") return truth_text(parts_.rights->may(*who, privilege, lines[2], lines[3], {}));
  return truth_text(privilege == "create" ? parts_.rights->may_create_in(*who, lines[2])
                                          : parts_.rights->may_use(*who, lines[2]));
}

}  // namespace weir::warehouse
