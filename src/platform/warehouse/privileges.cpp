#include "platform/warehouse/privileges.h"

#include <algorithm>

#include "core/base/text.h"

namespace weir::warehouse {
namespace {

constexpr std::string_view kGrantOption = " with grant option";

struct Letter {
  std::string_view privilege;
  char letter;
};
// PostgreSQL's letters, and Redshift's A for ALTER and P for DROP.
constexpr Letter kOfRelations[] = {{"insert", 'a'},   {"select", 'r'},     {"update", 'w'},  {"delete", 'd'},
                                   {"truncate", 'D'}, {"references", 'x'}, {"trigger", 't'}, {"rule", 'R'},
                                   {"alter", 'A'},    {"drop", 'P'}};
constexpr Letter kOfSchemas[] = {{"usage", 'U'}, {"create", 'C'}, {"alter", 'A'}, {"drop", 'P'}};

std::string name_of(const access::Directory& directory, uint32_t id) {
  if (id == kEverybody) return {};
  if (const access::UserInfo* user = directory.user(id)) return user->name;
  if (const access::RoleInfo* role = directory.role(id)) {
    return (role->kind == access::RoleInfo::Kind::group ? "group " : "role ") + role->name;
  }
  return std::to_string(id);
}

// One "grantee=letters/grantor" for each pair, in the order of the letters.
template <size_t N>
Json items_of(const access::Directory& directory, const std::vector<GrantedRight>& rights, const Letter (&letters)[N],
              uint32_t owner, const std::string& all_of_owner) {
  Json out{Json::Array{}};
  const std::string owner_name = name_of(directory, owner);
  if (!all_of_owner.empty()) out.push(owner_name + "=" + all_of_owner + "/" + owner_name);
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  for (const GrantedRight& one : rights) {
    const std::pair<uint32_t, uint32_t> pair{one.grantee, one.grantor};
    if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) pairs.push_back(pair);
  }
  for (const auto& [grantee, grantor] : pairs) {
    std::string item;
    for (const Letter& letter : letters) {
      bool has = false, with_option = false;
      for (const GrantedRight& one : rights) {
        if (one.grantee != grantee || one.grantor != grantor) continue;
        if (one.privilege != letter.privilege && one.privilege != "all") continue;
        has = true;
        with_option = with_option || one.with_option;
      }
      if (has) item += std::string(1, letter.letter) + (with_option ? "*" : "");
    }
    if (!item.empty()) out.push(name_of(directory, grantee) + "=" + item + "/" + name_of(directory, grantor));
  }
  return out;
}

std::vector<std::string> privileges_in(const std::string& text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string one = text.substr(begin, end - begin);
    while (!one.empty() && one.front() == ' ') one.erase(0, 1);
    while (!one.empty() && one.back() == ' ') one.pop_back();
    out.push_back(to_lower(one));
    begin = end + 1;
  }
  return out;
}

template <size_t N>
bool is_one_of(const Letter (&letters)[N], std::string_view privilege) {
  return std::any_of(std::begin(letters), std::end(letters),
                     [&](const Letter& one) { return one.privilege == privilege; });
}

// A column's own rights, beside those of the whole relation.
bool may_grant_column(const Rights& rights, const Subject& who, std::string_view privilege,
                      const std::vector<std::string>& lines) {
  const auto& all = rights.of_relation(lines[2], lines[3]);
  return rights.may_grant(who, privilege, lines[2], lines[3]) ||
         std::any_of(all.begin(), all.end(), [&](const GrantedRight& one) {
           return one.privilege == privilege && one.with_option && who.is(one.grantee) &&
                  (one.column.empty() || one.column == lines[4]);
         });
}

// "f(int, varchar)", with or without its schema, or a function's key.
const FunctionEntry* function_called(const Rights& rights, const std::string& text) {
  const size_t bracket = std::min(text.find('('), text.size());
  const std::string called = text.substr(0, text.find_last_not_of(' ', bracket - 1) + 1);
  std::string inside = bracket < text.size() ? text.substr(bracket + 1) : "";
  inside.resize(std::min(inside.rfind(')'), inside.size()));
  std::vector<std::string> types;
  if (const auto parsed = dialect::parse_types(inside)) {
    for (const dialect::Type& one : *parsed) types.push_back(one.engine);
  }
  for (const auto& [name, all] : rights.functions()) {
    for (const FunctionEntry& one : all) {
      if (one.function.key == text) return &one;
      if (name != called && one.function.name != called) continue;
      if (signature_of(one.function.types) == signature_of(types)) return &one;
    }
  }
  return nullptr;
}

std::optional<bool> may_one(const Rights& rights, const Subject& who, std::string_view word,
                            const std::vector<std::string>& lines, std::string privilege) {
  const bool with_option = privilege.ends_with(kGrantOption);
  if (with_option) privilege.resize(privilege.size() - kGrantOption.size());
  if (word == "may" && lines.size() == 4) {
    if (!is_one_of(kOfRelations, privilege)) return std::nullopt;
    if (with_option) return rights.may_grant(who, privilege, lines[2], lines[3]);
    return rights.may_whole(who, privilege, lines[2], lines[3]);
  }
  if (word == "may_any_column" && lines.size() == 4) {
    if (!is_one_of(kOfRelations, privilege)) return std::nullopt;
    if (with_option) return rights.may_grant(who, privilege, lines[2], lines[3]);
    return rights.may(who, privilege, lines[2], lines[3], {});
  }
  if (word == "may_column" && lines.size() == 5) {
    if (!is_one_of(kOfRelations, privilege)) return std::nullopt;
    if (with_option) return may_grant_column(rights, who, privilege, lines);
    return rights.may(who, privilege, lines[2], lines[3], {lines[4]});
  }
  if (word == "may_schema" && lines.size() == 3) {
    if (with_option) return rights.may_grant(who, privilege, lines[2], "");
    if (privilege == "create") return rights.may_create_in(who, lines[2]);
    if (privilege == "usage") return rights.may_use(who, lines[2]);
    return std::nullopt;
  }
  if (word == "may_database" && lines.size() == 2) {
    // Whoever signs in may connect and make temporary tables; CREATE makes schemas.
    if (privilege == "connect" || privilege == "temp" || privilege == "temporary" || privilege == "usage") {
      return !with_option || who.is_superuser;
    }
    if (privilege == "create") return who.is_superuser || (who.creates_schemas && !with_option);
    return std::nullopt;
  }
  if (word == "may_function" && lines.size() == 3 && privilege == "execute") {
    if (const FunctionEntry* one = function_called(rights, lines[2])) {
      return with_option ? rights.may_grant_function(who, *one) : rights.may_execute(who, *one);
    }
    return true;  // one of the system's, which everybody may call
  }
  return std::nullopt;
}

}  // namespace

Json truth_text(bool value) {
  return Json(std::string(value ? "true" : "false"));
}

std::optional<Json> may(const Rights& rights, const Subject& who, std::string_view word,
                        const std::vector<std::string>& lines) {
  bool has_any = false;
  for (const std::string& privilege : privileges_in(lines[1])) {
    const std::optional<bool> one = may_one(rights, who, word, lines, privilege);
    if (!one) return std::nullopt;
    has_any = has_any || *one;
  }
  return truth_text(has_any);
}

bool sees(const Rights& rights, const Subject& who, const std::string& schema, const std::string& name,
          const std::string& column) {
  if (who.is_superuser || who.reads_all || schema == "pg_temp" || rights.owns(who, schema, name)) return true;
  if (!rights.may_use(who, schema)) return false;
  if (rights.external_schema(schema) != nullptr) return true;
  const auto& all = rights.of_relation(schema, name);
  return std::any_of(all.begin(), all.end(), [&](const GrantedRight& one) {
    return who.is(one.grantee) && (column.empty() || one.column.empty() || one.column == column);
  });
}

Json acl_of_relation(const Rights& rights, const access::Directory& directory, const std::string& schema,
                     const std::string& name, const std::string& column) {
  std::vector<GrantedRight> all = rights.of_relation(schema, name);
  std::erase_if(all, [&](const GrantedRight& one) { return one.column != column; });
  if (all.empty()) return {};
  const Relation* relation = rights.find(schema, name);
  return items_of(directory, all, kOfRelations, relation != nullptr ? relation->owner : access::kOwnerUser,
                  column.empty() ? "arwdDxt" : "");
}

Json acl_of_schema(const Rights& rights, const access::Directory& directory, const std::string& schema) {
  std::vector<GrantedRight> all = rights.of_schema(schema);
  const uint32_t owner = rights.schema_owner(schema).value_or(access::kOwnerUser);
  const bool is_public = schema == "public";
  if (is_public) {
    const bool is_revoked =
        std::any_of(all.begin(), all.end(), [](const GrantedRight& one) { return one.privilege == "no create"; });
    std::erase_if(all, [](const GrantedRight& one) { return one.grantee == kEverybody; });
    all.insert(all.begin(), {.column = {}, .privilege = "usage", .grantee = kEverybody, .grantor = owner});
    if (!is_revoked) {
      all.insert(all.begin(), {.column = {}, .privilege = "create", .grantee = kEverybody, .grantor = owner});
    }
  }
  if (all.empty()) return {};
  return items_of(directory, all, kOfSchemas, owner, "UC");
}

}  // namespace weir::warehouse
