#include "platform/access/users.h"

#include <algorithm>
#include <iterator>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "platform/access/stored_user.h"

namespace weir::access {
namespace {

constexpr uint32_t kFirstUser = 100, kFirstRole = 10'000;
constexpr const char* kPredefinedRoles[] = {"sys:superuser", "sys:dba", "sys:operator", "sys:secadmin", "sys:monitor"};
constexpr size_t kNameBytesMax = 127;
constexpr size_t kSettingsMax = 64, kSettingBytesMax = 4'096;
constexpr Duration kSessionTimeoutMin = seconds(60), kSessionTimeoutMax = days(20);
constexpr const char* kDecoyKey = "access.decoy_key";

Status check_name(std::string_view name, const char* what) {
  const bool is_text = !name.empty() && name.size() <= kNameBytesMax && valid_utf8(name) &&
                       std::none_of(name.begin(), name.end(), [](char c) {
                         const auto byte = static_cast<unsigned char>(c);
                         return byte < 0x20 || byte == 0x7f;
                       });
  if (!is_text) {
    return Error(Code::invalid, shown(name) + " is no name of a " + what,
                 "1 to 127 bytes of UTF-8 without control characters");
  }
  for (const char* reserved : {"public", "weir", "rdsdb", "token"}) {
    if (equal_ignoring_case(name, reserved))
      return Error(Code::conflict, "the name " + std::string(name) + " is reserved", "take another");
  }
  if (to_lower(name.substr(0, 4)) == "sys:")
    return Error(Code::conflict, "names that begin with sys: are those of the predefined roles", "take another");
  return {};
}

UserInfo owner_of_the_folder() {
  UserInfo out;
  out.id = kOwnerUser;
  out.name = kOwnerName;
  out.superuser = out.create_database = out.syslog_unrestricted = true;
  return out;
}

std::vector<RoleInfo> predefined_roles() {
  std::vector<RoleInfo> out;
  for (const char* name : kPredefinedRoles) {
    RoleInfo role;
    role.id = kFirstRole + static_cast<uint32_t>(out.size());
    role.name = name;
    role.is_predefined = true;
    out.push_back(std::move(role));
  }
  return out;
}

Error no_user(const Directory& directory, std::string_view name) {
  std::vector<std::string> known;
  for (const UserInfo& user : directory.users()) known.push_back(user.name);
  const auto near = nearest(name, known);
  return Error(Code::not_found, "there is no user " + shown(name),
               near ? "did you mean '" + *near + "'?" : "weir user list");
}

Result<RoleInfo> role_named(const Directory& directory, const RoleName& wanted) {
  const RoleInfo* found = directory.role(wanted.name, wanted.kind);
  if (found != nullptr) return *found;
  std::vector<std::string> known;
  for (const RoleInfo& role : directory.roles()) {
    if (role.kind == wanted.kind) known.push_back(role.name);
  }
  const auto near = nearest(wanted.name, known);
  return Error(Code::not_found, std::string("there is no ") + role_kind_name(wanted.kind) + " " + shown(wanted.name),
               near ? "did you mean '" + *near + "'?" : "weir user role list");
}

Result<RoleInfo> own_role_named(const Directory& directory, const RoleName& wanted) {
  TRY_ASSIGN(RoleInfo found, role_named(directory, wanted));
  if (found.is_predefined) return Error(Code::conflict, "the role " + found.name + " is predefined and stays as it is");
  return found;
}

control::Role stored(const RoleInfo& role) {
  return {role.id, role.name, role_kind_name(role.kind), role.owner, role.created_at};
}

Status check_limits(const UserInfo& user) {
  if (user.connection_limit && *user.connection_limit < 0)
    return Error(Code::invalid, "the connection limit is " + std::to_string(*user.connection_limit), "0 or more");
  if (user.session_timeout &&
      (*user.session_timeout < kSessionTimeoutMin || *user.session_timeout > kSessionTimeoutMax)) {
    return Error(Code::invalid, "the session timeout is " + format_duration(*user.session_timeout),
                 "60s to 20d (1728000 s)");
  }
  return {};
}

Status change_setting(UserInfo& user, const std::string& setting, const std::optional<std::string>& value) {
  const bool is_name =
      !setting.empty() && setting.size() <= 63 && std::all_of(setting.begin(), setting.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
      });
  if (!is_name) return Error(Code::invalid, shown(setting) + " is no name of a setting");
  if (value && (value->size() > kSettingBytesMax || !valid_utf8(*value) || value->find('\0') != std::string::npos))
    return Error(Code::invalid, "the value of " + setting + " is no text of up to 4096 bytes");
  auto& settings = user.settings;
  std::erase_if(settings, [&](const auto& one) { return one.first == setting; });
  if (!value) return {};
  if (settings.size() >= kSettingsMax)
    return Error(Code::too_large, "a user has at most 64 settings", "reset those that are not needed");
  settings.emplace_back(setting, *value);
  return {};
}

// A role and a user may not have one name, as GRANT could mean either; a group may.
Status check_free(const Directory& directory, const RoleName& role) {
  TRY(check_name(role.name, role_kind_name(role.kind)));
  if (directory.role(role.name, role.kind) != nullptr) {
    return Error(Code::conflict,
                 std::string("there is a ") + role_kind_name(role.kind) + " " + shown(role.name) + " already");
  }
  if (role.kind == RoleInfo::Kind::role && directory.user(role.name) != nullptr)
    return Error(Code::conflict, "there is a user " + shown(role.name) + "; a role needs a name of its own");
  return {};
}

Status check_free_user(const Directory& directory, const std::string& name) {
  TRY(check_name(name, "user"));
  if (directory.user(name) != nullptr) return Error(Code::conflict, "there is a user " + shown(name) + " already");
  if (directory.role(name, RoleInfo::Kind::role) != nullptr)
    return Error(Code::conflict, "there is a role " + shown(name) + "; a user needs a name of its own");
  return {};
}

}  // namespace

struct Users::State {
  Directory directory;
  std::unordered_map<uint32_t, Credentials> credentials;  // of those who have a password
  uint32_t last_user = 0, last_role = 0;
};

// A user as it is about to be kept.
struct Users::Draft {
  UserInfo user;
  Credentials credentials;
};

Users::Users(control::Control& control, Clock& clock, Random& random, UsersOptions options)
    : control_(control), clock_(clock), random_(random), options_(options), limit_(clock, options.limits) {}

Users::~Users() = default;

Result<std::unique_ptr<Users>> Users::open(control::Control& control, Clock& clock, Random& random,
                                           UsersOptions options) {
  std::unique_ptr<Users> out(new Users(control, clock, random, options));
  TRY_ASSIGN(const auto kept, control.value(kDecoyKey));
  if (kept) {
    TRY_ASSIGN(out->decoy_key_, hex_decode(kept->as_string()));
  } else {
    out->decoy_key_ = random_bytes(random, 32);
    TRY(control.set_value(kDecoyKey, hex_encode(out->decoy_key_)));
  }
  MutexLock lock(out->change_mutex_);
  TRY(out->reload());
  return out;
}

std::shared_ptr<const Users::State> Users::state() const {
  MutexLock lock(state_mutex_);
  return state_;
}

std::shared_ptr<const Directory> Users::directory() const {
  auto now = state();
  const Directory* directory = &now->directory;
  return std::shared_ptr<const Directory>(std::move(now), directory);
}

Status Users::reload() {
  TRY_ASSIGN(control::Users stored, control_.users());
  auto next = std::make_shared<State>();
  Directory& directory = next->directory;
  directory.version_ = stored.version;
  directory.users_.push_back(owner_of_the_folder());
  for (const control::User& one : stored.users) {
    TRY_ASSIGN(auto read, read_stored_user(one));
    if (read.second.exist()) next->credentials.emplace(one.id, std::move(read.second));
    directory.users_.push_back(std::move(read.first));
  }
  directory.roles_ = predefined_roles();
  for (const control::Role& one : stored.roles) {
    RoleInfo role{.id = one.id, .name = one.name, .kind = {}, .owner = one.owner, .created_at = one.created_at};
    TRY_ASSIGN(role.kind, parse_role_kind(one.kind));
    directory.roles_.push_back(std::move(role));
  }
  for (const control::RoleMember& one : stored.members)
    directory.memberships_.push_back({one.role, one.member, one.with_admin});
  next->last_user = std::max(stored.last_user, kFirstUser - 1);
  next->last_role = std::max(stored.last_role, directory.roles_[std::size(kPredefinedRoles) - 1].id);
  directory.index();
  MutexLock lock(state_mutex_);
  state_ = std::move(next);
  return {};
}

Status Users::commit(control::UsersChange change) {
  change.from = state()->directory.version();
  TRY(control_.change_users(change));
  return reload();
}

// --- users ----------------------------------------------------------------------------------------------------------

Result<Users::Draft> Users::draft_of(const State& now, std::string_view name) const {
  const UserInfo* found = now.directory.user(name);
  if (found == nullptr) return no_user(now.directory, name);
  if (found->id == kOwnerUser)
    return Error(Code::conflict, "weir is the folder's owner and stays as it is", "make a user: weir user create NAME");
  Draft out{*found, {}};
  if (const auto credentials = now.credentials.find(found->id); credentials != now.credentials.end())
    out.credentials = credentials->second;
  return out;
}

Result<Users::Draft> Users::changed(Draft draft, const UserChange& change) {
  UserInfo& user = draft.user;
  user.superuser = change.superuser.value_or(user.superuser);
  user.create_database = change.create_database.value_or(user.create_database);
  user.syslog_unrestricted = change.syslog_unrestricted.value_or(user.syslog_unrestricted);
  if (change.valid_until) user.valid_until = *change.valid_until;
  if (change.connection_limit) user.connection_limit = *change.connection_limit;
  if (change.session_timeout) user.session_timeout = *change.session_timeout;
  TRY(check_limits(user));
  for (const auto& [setting, value] : change.settings) {
    TRY(change_setting(user, setting, value));
  }
  if (change.password) {
    user.is_disabled = !change.password->text;
    draft.credentials = {};
    if (change.password->text) {
      TRY_ASSIGN(draft.credentials, make_credentials(*change.password->text, {user.name, change.password->keeps_md5},
                                                     options_.cost, random_));
    }
    ++user.password_version;
  }
  const bool is_superuser = user.superuser || state()->directory.is_superuser(user.id);  // also by a role
  if (is_superuser && user.is_disabled)
    return Error(Code::conflict, "the password of a superuser cannot be disabled",
                 "give it one, or let it be no superuser any more");
  return draft;
}

Result<UserInfo> Users::put(Draft draft) {
  control::UsersChange change;
  change.users.push_back(
      {draft.user.id, draft.user.name, stored_body(draft.user, draft.credentials), draft.user.created_at});
  TRY(commit(std::move(change)));
  return *state()->directory.user(draft.user.id);
}

Result<UserInfo> Users::create_user(const NewUser& wanted) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  TRY(check_free_user(now->directory, wanted.name));
  if (now->directory.users().size() > options_.users_max) {
    return Error(Code::busy, "there are " + std::to_string(options_.users_max) + " users already",
                 "drop those that nobody is");
  }
  Draft draft;
  draft.user.id = now->last_user + 1;
  draft.user.name = wanted.name;
  draft.user.created_at = clock_.wall();
  control::UsersChange change;
  for (const uint32_t id : wanted.member_of) {
    const RoleInfo* role = now->directory.role(id);
    if (role == nullptr) return Error(Code::not_found, "no role or group has the number " + std::to_string(id));
    change.members.push_back({id, draft.user.id, false});
  }
  TRY_ASSIGN(draft, changed(std::move(draft), wanted.with));
  change.users.push_back(
      {draft.user.id, draft.user.name, stored_body(draft.user, draft.credentials), draft.user.created_at});
  TRY(commit(std::move(change)));
  return *state()->directory.user(draft.user.id);
}

Result<UserInfo> Users::alter_user(std::string_view name, const UserChange& change) {
  MutexLock lock(change_mutex_);
  TRY_ASSIGN(Draft draft, draft_of(*state(), name));
  TRY_ASSIGN(draft, changed(std::move(draft), change));
  return put(std::move(draft));
}

Result<UserInfo> Users::rename_user(std::string_view name, const std::string& to) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  TRY_ASSIGN(Draft draft, draft_of(*now, name));
  if (to == name) return draft.user;
  TRY(check_free_user(now->directory, to));
  draft.user.name = to;
  if (draft.credentials.over == "md5") {
    draft.credentials = {};
    ++draft.user.password_version;
  }
  draft.credentials.md5.clear();
  return put(std::move(draft));
}

Status Users::check_held(uint32_t id, const std::string& what) const {
  if (!holdings_) return {};
  TRY_ASSIGN(const std::vector<std::string> held, holdings_(id));
  if (held.empty()) return {};
  constexpr size_t kNamed = 5;
  std::vector<std::string> named(held.begin(), held.begin() + static_cast<long>(std::min(kNamed, held.size())));
  if (held.size() > kNamed) named.push_back(std::to_string(held.size() - kNamed) + " more");
  return Error(Code::conflict, what + " cannot be dropped, it has " + join(named, ", "),
               "give away or revoke these first");
}

Status Users::drop_user(std::string_view name) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  TRY_ASSIGN(const Draft draft, draft_of(*now, name));
  const std::string what = "the user " + shown(name);
  for (const RoleInfo& role : now->directory.roles()) {
    if (role.owner == draft.user.id) {
      return Error(Code::conflict,
                   what + " cannot be dropped, it owns the " + role_kind_name(role.kind) + " " + shown(role.name),
                   "drop that first, or give it to somebody else");
    }
  }
  TRY(check_held(draft.user.id, what));
  control::UsersChange change;
  change.dropped.push_back(draft.user.id);
  return commit(std::move(change));
}

Status Users::reset_settings(std::string_view user) {
  MutexLock lock(change_mutex_);
  TRY_ASSIGN(Draft draft, draft_of(*state(), user));
  if (draft.user.settings.empty()) return {};
  draft.user.settings.clear();
  TRY(put(std::move(draft)));
  return {};
}

// --- roles and groups -----------------------------------------------------------------------------------------------

Result<RoleInfo> Users::create_role(const RoleName& wanted, uint32_t owner) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  TRY(check_free(now->directory, wanted));
  if (now->directory.user(owner) == nullptr)
    return Error(Code::not_found, "no user has the number " + std::to_string(owner));
  if (now->directory.roles().size() >= options_.roles_max) {
    return Error(Code::busy, "there are " + std::to_string(options_.roles_max) + " roles and groups already",
                 "drop those that nobody needs");
  }
  RoleInfo role{
      .id = now->last_role + 1, .name = wanted.name, .kind = wanted.kind, .owner = owner, .created_at = clock_.wall()};
  control::UsersChange change;
  change.roles.push_back(stored(role));
  TRY(commit(std::move(change)));
  return role;
}

Result<RoleInfo> Users::rename_role(const RoleName& name, const std::string& to) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  TRY_ASSIGN(RoleInfo role, own_role_named(now->directory, name));
  if (to == name.name) return role;
  TRY(check_free(now->directory, {to, name.kind}));
  role.name = to;
  control::UsersChange change;
  change.roles.push_back(stored(role));
  TRY(commit(std::move(change)));
  return role;
}

Status Users::set_role_owner(const RoleName& name, uint32_t owner) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  TRY_ASSIGN(RoleInfo role, own_role_named(now->directory, name));
  if (now->directory.user(owner) == nullptr)
    return Error(Code::not_found, "no user has the number " + std::to_string(owner));
  role.owner = owner;
  control::UsersChange change;
  change.roles.push_back(stored(role));
  return commit(std::move(change));
}

Status Users::drop_role(const RoleName& name, bool force) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  TRY_ASSIGN(const RoleInfo role, own_role_named(now->directory, name));
  const std::string what = std::string("the ") + role_kind_name(role.kind) + " " + shown(role.name);
  if (role.kind == RoleInfo::Kind::role && !force) {
    for (const Membership& one : now->directory.memberships()) {
      if (one.role == role.id || one.member == role.id) {
        return Error(Code::conflict,
                     what + (one.role == role.id ? " is granted to others" : " was granted other roles") +
                         " and cannot be dropped",
                     "revoke it first, or drop it with FORCE");
      }
    }
  }
  TRY(check_held(role.id, what));
  control::UsersChange change;
  change.dropped.push_back(role.id);
  return commit(std::move(change));
}

Status Users::check_new_member(const State& now, const Membership& membership) const {
  const Directory& directory = now.directory;
  const RoleInfo* role = directory.role(membership.role);
  if (role == nullptr)
    return Error(Code::not_found, "no role or group has the number " + std::to_string(membership.role));
  const RoleInfo* inner = directory.role(membership.member);
  if (inner == nullptr && directory.user(membership.member) == nullptr)
    return Error(Code::not_found, "no user or role has the number " + std::to_string(membership.member));
  if (role->kind == RoleInfo::Kind::group && (inner != nullptr || membership.with_admin))
    return Error(Code::invalid, "the group " + shown(role->name) + " takes users, without an admin option");
  if (inner != nullptr && inner->kind == RoleInfo::Kind::group)
    return Error(Code::invalid, "the group " + shown(inner->name) + " cannot have a role", "grant it to its users");
  if (inner != nullptr && inner->is_predefined)
    return Error(Code::conflict, "the role " + inner->name + " is predefined and stays as it is");
  if (membership.role == membership.member || directory.has_role(membership.role, membership.member))
    return Error(Code::conflict, "the role " + shown(role->name) + " would be a member of itself");
  if (directory.memberships().size() >= options_.memberships_max)
    return Error(Code::busy, "there are " + std::to_string(options_.memberships_max) + " memberships already");
  return {};
}

namespace {

const Membership* find_membership(const Directory& directory, const Membership& wanted) {
  for (const Membership& one : directory.memberships()) {
    if (one.role == wanted.role && one.member == wanted.member) return &one;
  }
  return nullptr;
}

Error no_membership() {
  return Error(Code::not_found, "this role was not granted to that member");
}

}  // namespace

Status Users::grant_role(const Membership& membership) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  const Membership* old = find_membership(now->directory, membership);
  if (old != nullptr && (old->with_admin || !membership.with_admin)) return {};
  TRY(check_new_member(*now, membership));
  control::UsersChange change;
  change.members.push_back({membership.role, membership.member, membership.with_admin});
  return commit(std::move(change));
}

Status Users::revoke_role(const Membership& membership) {
  MutexLock lock(change_mutex_);
  if (find_membership(state()->directory, membership) == nullptr) return no_membership();
  control::UsersChange change;
  change.removed.push_back({membership.role, membership.member, false});
  return commit(std::move(change));
}

Status Users::revoke_admin_option(const Membership& membership) {
  MutexLock lock(change_mutex_);
  const auto now = state();
  const Membership* old = find_membership(now->directory, membership);
  if (old == nullptr || !old->with_admin) return no_membership();
  control::UsersChange change;
  change.members.push_back({membership.role, membership.member, false});
  return commit(std::move(change));
}

// --- signing in -----------------------------------------------------------------------------------------------------

const Credentials* Users::valid_credentials(const State& now, std::string_view name) const {
  const UserInfo* user = now.directory.user(name);
  if (user == nullptr || (user->valid_until && *user->valid_until <= clock_.wall())) return nullptr;
  const auto found = now.credentials.find(user->id);
  return found == now.credentials.end() ? nullptr : &found->second;
}

void Users::tell(std::string user, std::string_view peer, bool is_good) const {
  if (tell_) tell_({std::move(user), std::string(peer), is_good});
}

Error Users::refused(std::string_view name, std::string_view peer) {
  limit_.count_failure(peer);
  const bool is_known = state()->directory.user(name) != nullptr;
  tell(is_known ? std::string(name) : std::string(), peer, false);
  if (const auto skipped = log_.admit(clock_.steady_micros())) {
    log_event(Level::warn, "access.sign_in_failed",
              {{"user", is_known ? name : "unknown"}, {"peer", peer}, {"skipped", *skipped}});
  }
  return Error(Code::unauthenticated, "the user's name or the password is wrong");
}

Result<UserInfo> Users::authenticate(std::string_view name, std::string_view password, std::string_view peer) {
  TRY(limit_.check(peer));
  const auto now = state();
  const UserInfo* user = now->directory.user(name);
  const auto found = user == nullptr ? now->credentials.end() : now->credentials.find(user->id);
  if (found == now->credentials.end()) {
    pretend_to_check(password, options_.cost);
    return refused(name, peer);
  }
  TRY_ASSIGN(const bool is_good, fits(found->second, name, password));
  TRY_ASSIGN(UserInfo signed_in, end_proof({name, peer, is_good}));
  if (found->second.scram.empty() && found->second.md5.empty()) keep_text(signed_in, password);
  return signed_in;
}

Result<UserInfo> Users::change_own_password(const OwnPassword& given) {
  TRY_ASSIGN(const UserInfo proved, authenticate(given.name, given.now, given.peer));
  MutexLock lock(change_mutex_);
  TRY_ASSIGN(Draft draft, draft_of(*state(), given.name));
  if (draft.user.id != proved.id || draft.user.password_version != proved.password_version)
    return Error(Code::conflict, "somebody else changed this password just now", "sign in again");
  UserChange change;
  change.password = PasswordChange{std::string(given.next), !draft.credentials.md5.empty()};
  TRY_ASSIGN(draft, changed(std::move(draft), change));
  return put(std::move(draft));
}

// Of a password that came as a digest the text is known now, so the wire gets its verifier. It is a courtesy: who
// signs in is not refused because it could not be kept.
void Users::keep_text(const UserInfo& user, std::string_view password) {
  if (!check_password(password)) return;
  auto credentials = make_text_credentials(password, options_.cost, random_);
  if (!credentials) return;
  MutexLock lock(change_mutex_);
  const auto now = state();
  const UserInfo* current = now->directory.user(user.id);
  if (current == nullptr || current->password_version != user.password_version) return;
  if (const auto kept = put({*current, std::move(*credentials)}); !kept)
    log_event(Level::warn, "access.verifier_not_kept", {{"user", user.name}, {"error", kept.error().text()}});
}

std::optional<ScramVerifier> Users::scram(std::string_view name) const {
  const auto now = state();
  const Credentials* credentials = valid_credentials(*now, name);
  if (credentials == nullptr || credentials->scram.empty()) return std::nullopt;
  auto verifier = ScramVerifier::parse(credentials->scram);
  if (!verifier) return std::nullopt;
  return std::move(*verifier);
}

ScramVerifier Users::decoy(std::string_view name) const {
  ScramVerifier out;
  out.salt = hmac_sha256(decoy_key_, "salt " + std::string(name)).substr(0, kScramSaltBytes);
  out.stored_key = hmac_sha256(decoy_key_, "stored key " + std::string(name));
  out.server_key = hmac_sha256(decoy_key_, "server key " + std::string(name));
  return out;
}

std::optional<std::string> Users::md5(std::string_view name) const {
  const auto now = state();
  const Credentials* credentials = valid_credentials(*now, name);
  if (credentials == nullptr || credentials->md5.empty()) return std::nullopt;
  return credentials->md5;
}

Result<UserInfo> Users::end_proof(const Proof& proof) {
  const auto now = state();
  const UserInfo* user = now->directory.user(proof.name);
  if (!proof.is_good || user == nullptr || !user->has_password) return refused(proof.name, proof.peer);
  if (user->valid_until && *user->valid_until <= clock_.wall()) {
    limit_.count_failure(proof.peer);
    tell(user->name, proof.peer, false);
    return Error(Code::unauthenticated,
                 "the password of " + shown(user->name) + " was valid until " + shown_time(user->valid_until->micros),
                 "an administrator gives a new one, or a later time");
  }
  tell(user->name, proof.peer, true);
  return *user;
}

}  // namespace weir::access
