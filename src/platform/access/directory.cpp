// What can be asked of the directory; how it changes is in users.cpp.
#include <algorithm>
#include <set>

#include "core/base/text.h"
#include "platform/access/users.h"

namespace weir::access {
namespace {

template <class Key, class Value, class Item>
const Item* item_of(const std::unordered_map<Key, size_t>& places, const Value& key, const std::vector<Item>& items) {
  const auto found = places.find(Key(key));
  return found == places.end() ? nullptr : &items[found->second];
}

constexpr const char* kSuperuserRole = "sys:superuser";

}  // namespace

const char* role_kind_name(RoleInfo::Kind kind) {
  switch (kind) {
    case RoleInfo::Kind::role:
      return "role";
    case RoleInfo::Kind::group:
      return "group";
  }
  return "role";
}

Result<RoleInfo::Kind> parse_role_kind(std::string_view name) {
  for (const RoleInfo::Kind kind : {RoleInfo::Kind::role, RoleInfo::Kind::group}) {
    if (name == role_kind_name(kind)) return kind;
  }
  return Error(Code::invalid, shown(name) + " is no kind of role", "role or group");
}

void Directory::index() {
  for (size_t i = 0; i < users_.size(); ++i) {
    user_by_name_.emplace(users_[i].name, i);
    user_by_id_.emplace(users_[i].id, i);
  }
  for (size_t i = 0; i < roles_.size(); ++i) {
    (roles_[i].kind == RoleInfo::Kind::role ? role_by_name_ : group_by_name_).emplace(roles_[i].name, i);
    role_by_id_.emplace(roles_[i].id, i);
  }
  for (const Membership& membership : memberships_) roles_by_member_[membership.member].push_back(membership.role);
}

const UserInfo* Directory::user(std::string_view name) const {
  return item_of(user_by_name_, name, users_);
}

const UserInfo* Directory::user(uint32_t id) const {
  return item_of(user_by_id_, id, users_);
}

const RoleInfo* Directory::role(std::string_view name, RoleInfo::Kind kind) const {
  return item_of(kind == RoleInfo::Kind::role ? role_by_name_ : group_by_name_, name, roles_);
}

const RoleInfo* Directory::role(uint32_t id) const {
  return item_of(role_by_id_, id, roles_);
}

std::vector<uint32_t> Directory::roles_of(uint32_t member) const {
  std::set<uint32_t> found;
  std::vector<uint32_t> waiting{member};
  while (!waiting.empty()) {
    const auto direct = roles_by_member_.find(waiting.back());
    waiting.pop_back();
    if (direct == roles_by_member_.end()) continue;
    for (const uint32_t role : direct->second) {
      if (found.insert(role).second) waiting.push_back(role);
    }
  }
  return {found.begin(), found.end()};
}

bool Directory::has_role(uint32_t member, uint32_t role) const {
  const auto roles = roles_of(member);
  return std::binary_search(roles.begin(), roles.end(), role);
}

bool Directory::is_superuser(uint32_t id) const {
  const UserInfo* found = user(id);
  if (found == nullptr) return false;
  return found->superuser || has_role(id, role(kSuperuserRole, RoleInfo::Kind::role)->id);
}

namespace {

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(format_timestamp(time->micros)) : Json();
}

}  // namespace

Json Directory::to_json(const UserInfo& user) const {
  Json roles{Json::Array{}}, groups{Json::Array{}}, settings{Json::Object{}};
  for (const Membership& membership : memberships_) {
    if (membership.member != user.id) continue;
    const RoleInfo& of = *role(membership.role);
    (of.kind == RoleInfo::Kind::role ? roles : groups).push(of.name);
  }
  for (const auto& [name, value] : user.settings) settings.set(name, value);
  Json out{Json::Object{}};
  out.set("id", user.id);
  out.set("name", user.name);
  out.set("superuser", user.superuser);
  out.set("create_database", user.create_database);
  out.set("syslog_unrestricted", user.syslog_unrestricted);
  out.set("valid_until", time_or_null(user.valid_until));
  out.set("connection_limit", user.connection_limit ? Json(*user.connection_limit) : Json());
  out.set("session_timeout_s", user.session_timeout ? Json(user.session_timeout->micros / 1'000'000) : Json());
  out.set("has_password", user.has_password);
  out.set("is_disabled", user.is_disabled);
  out.set("settings", std::move(settings));
  out.set("roles", std::move(roles));
  out.set("groups", std::move(groups));
  out.set("created_at", user.id == kOwnerUser ? Json() : Json(format_timestamp(user.created_at.micros)));
  return out;
}

Json Directory::to_json(const RoleInfo& role) const {
  Json members{Json::Array{}};
  for (const Membership& membership : memberships_) {
    if (membership.role != role.id) continue;
    const UserInfo* person = user(membership.member);
    Json member{Json::Object{}};
    member.set("name", person ? person->name : this->role(membership.member)->name);
    member.set("kind", person ? "user" : "role");
    member.set("with_admin", membership.with_admin);
    members.push(std::move(member));
  }
  const UserInfo* owner = user(role.owner);
  Json out{Json::Object{}};
  out.set("id", role.id);
  out.set("name", role.name);
  out.set("kind", role_kind_name(role.kind));
  out.set("owner", owner ? Json(owner->name) : Json());
  out.set("predefined", role.is_predefined);
  out.set("members", std::move(members));
  out.set("created_at", role.is_predefined ? Json() : Json(format_timestamp(role.created_at.micros)));
  return out;
}

}  // namespace weir::access
