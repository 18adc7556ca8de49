// The directory of users, roles and groups: who there is, who is a member of what, and with which password somebody
// signs in. Shared by every door: SQL, the wire, pages, the command line.
//
// Promises
//   - A change is durable when its function returns, whole or not at all; everybody who asks directory() afterwards
//   sees it. Changes are no part of a statement's transaction.
//   - Numbers are given once: users from 100, roles and groups from 10'000. A name may be given again after its user
//   was dropped, a number is not.
//   - `weir` (number 1, a superuser: the folder's owner on its socket) and the roles sys:superuser, sys:dba,
//   sys:operator, sys:secadmin, sys:monitor exist from the start and cannot be changed or dropped. `weir` has no
//   password.
//   - Passwords are kept as password.h says, and are in no error, log, directory or reply.
//   - A sign-in with an unknown name costs and says the same as one with a wrong password; failures of one peer are
//   limited.
// Not judged here: whether the caller may make a change. Grants on tables are the engine's; ask_before_drop() lets them
// keep a user who owns something.
//
// Threads: any. directory(), scram(), decoy(), md5() answer from memory. Changes write to the control database;
// authenticate() and changes of a password compute for some 30 ms: call them on a lane.
// Errors: invalid (a name, a password, a setting), not_found, conflict (taken, built in, in use, a circle), too_large,
// unauthenticated, busy (a peer's failures, a table is full).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "platform/access/password.h"
#include "platform/access/scram.h"
#include "platform/access/sign_in_limit.h"
#include "storage/control/control.h"

namespace weir::access {

inline constexpr uint32_t kOwnerUser = 1;  // `weir`
inline constexpr const char* kOwnerName = "weir";

struct UserInfo {
  uint32_t id = 0;
  std::string name;
  bool superuser = false;
  bool create_database = false;
  bool syslog_unrestricted = false;       // sees what others ran, in the system views
  std::optional<WallTime> valid_until{};  // of the password
  std::optional<int> connection_limit{};  // none: unlimited
  std::optional<Duration> session_timeout{};
  bool has_password = false;
  bool is_disabled = false;  // PASSWORD DISABLE: only an administrator may give one again
  std::vector<std::pair<std::string, std::string>> settings{};  // ALTER USER … SET, in the order they were set
  uint32_t password_version = 0;  // counts its changes: what was opened with an older one has ended
  WallTime created_at{};
};

struct RoleInfo {
  enum class Kind { role, group };
  uint32_t id = 0;
  std::string name;
  Kind kind = Kind::role;
  uint32_t owner = kOwnerUser;
  bool is_predefined = false;
  WallTime created_at{};
};
const char* role_kind_name(RoleInfo::Kind kind);  // "role", "group"
Result<RoleInfo::Kind> parse_role_kind(std::string_view name);

// `member` is a user, or a role in a role; groups have users only.
struct Membership {
  uint32_t role = 0, member = 0;
  bool with_admin = false;  // may grant the role to others
};

// Everything as it was at one moment. Immutable, and shared with statements under way.
class Directory {
 public:
  const UserInfo* user(std::string_view name) const;  // nullptr: there is none
  const UserInfo* user(uint32_t id) const;
  const RoleInfo* role(std::string_view name, RoleInfo::Kind kind) const;
  const RoleInfo* role(uint32_t id) const;
  // Roles and groups of a user or role, also those it has through others; by number.
  std::vector<uint32_t> roles_of(uint32_t member) const;
  bool has_role(uint32_t member, uint32_t role) const;
  bool is_superuser(uint32_t user) const;  // by itself, or as a member of sys:superuser

  const std::vector<UserInfo>& users() const { return users_; }  // by number, like the roles
  const std::vector<RoleInfo>& roles() const { return roles_; }
  const std::vector<Membership>& memberships() const { return memberships_; }  // as they were granted
  uint64_t version() const { return version_; }                                // counts changes, over restarts

  // {"id","name","superuser","create_database","syslog_unrestricted","valid_until","connection_limit",
  //  "session_timeout_s","has_password","is_disabled","settings":{},"roles":[],"groups":[],"created_at"}
  Json to_json(const UserInfo& user) const;
  // {"id","name","kind","owner","predefined","members":[{"name","kind":"user|role","with_admin"}],"created_at"}
  Json to_json(const RoleInfo& role) const;

 private:
  friend class Users;
  void index();
  std::vector<UserInfo> users_;
  std::vector<RoleInfo> roles_;
  std::vector<Membership> memberships_;
  uint64_t version_ = 0;
  std::unordered_map<std::string, size_t> user_by_name_, role_by_name_, group_by_name_;
  std::unordered_map<uint32_t, size_t> user_by_id_, role_by_id_;
  std::unordered_map<uint32_t, std::vector<uint32_t>> roles_by_member_;
};

struct PasswordChange {
  std::optional<std::string> text{};  // in one of the forms of password.h; nothing: DISABLE
  bool keeps_md5 = false;             // also in the form that old drivers need on the wire
};

// What is not given stays as it is. An empty inner value lifts the limit.
struct UserChange {
  std::optional<PasswordChange> password{};
  std::optional<bool> superuser{}, create_database{}, syslog_unrestricted{};
  std::optional<std::optional<WallTime>> valid_until{};
  std::optional<std::optional<int>> connection_limit{};
  std::optional<std::optional<Duration>> session_timeout{};  // 60 s to 20 days
  // ALTER USER … SET, or RESET where there is no value. The caller knows which settings there are.
  std::vector<std::pair<std::string, std::optional<std::string>>> settings{};
};
struct NewUser {
  std::string name;
  UserChange with{};
  std::vector<uint32_t> member_of{};  // roles and groups
};
struct RoleName {
  std::string name;
  RoleInfo::Kind kind = RoleInfo::Kind::role;
};

struct UsersOptions {
  size_t users_max = 10'000;
  size_t roles_max = 10'000;
  size_t memberships_max = 100'000;
  SignInLimits limits{};
  PasswordCost cost{};
};

// For the audit: somebody tried to sign in with a password. A name that nobody has is left out, as people type
// passwords there.
struct SignIn {
  std::string user, peer;
  bool is_good = false;
};

class Users {
 public:
  static Result<std::unique_ptr<Users>> open(control::Control& control, Clock& clock, Random& random,
                                             UsersOptions options = {});
  ~Users();

  std::shared_ptr<const Directory> directory() const;  // shared: it lives as long as somebody reads it

  // --- changes: durable when they return ---
  // Names are taken as they are: the caller folds what was not quoted.
  Result<UserInfo> create_user(const NewUser& wanted);
  Result<UserInfo> alter_user(std::string_view name, const UserChange& change);
  // The MD5 form is made of the name, so it is lost; a password that was given in that form only is lost with it.
  Result<UserInfo> rename_user(std::string_view name, const std::string& to);
  Status drop_user(std::string_view name);
  Status reset_settings(std::string_view user);

  Result<RoleInfo> create_role(const RoleName& role, uint32_t owner);
  Result<RoleInfo> rename_role(const RoleName& role, const std::string& to);
  Status set_role_owner(const RoleName& role, uint32_t owner);
  // Without `force` a role that has members, or is one, is kept (`conflict`); a group goes in any case.
  Status drop_role(const RoleName& role, bool force);
  Status grant_role(const Membership& membership);   // again: nothing; an admin option that was there stays
  Status revoke_role(const Membership& membership);  // `not_found` if it was not granted
  Status revoke_admin_option(const Membership& membership);

  // What a user or role owns or was granted, in words ("the table sales"): what is named keeps it from being dropped.
  // Set once, before there are callers; it must not change users itself.
  using Holdings = std::function<Result<std::vector<std::string>>(uint32_t id)>;
  void ask_before_drop(Holdings holdings) { holdings_ = std::move(holdings); }

  // --- signing in ---
  // `peer`: the network address, with a port or without.
  Result<UserInfo> authenticate(std::string_view name, std::string_view password, std::string_view peer);

  // By a user who knows the present password; the MD5 form stays if there was one. Another caller's change in between
  // is `conflict`.
  struct OwnPassword {
    std::string_view name, now, next, peer;
  };
  Result<UserInfo> change_own_password(const OwnPassword& given);

  // For a door that proves a password by itself: check_peer(), then scram() or md5() (or else decoy(), which no
  // password fits), then end_proof() with what came of it.
  Status check_peer(std::string_view peer) { return limit_.check(peer); }
  void count_failure(std::string_view peer) { limit_.count_failure(peer); }
  // Nothing: no such user, no password that is valid now, or none that was given as a text.
  std::optional<ScramVerifier> scram(std::string_view name) const;
  // For a name without one: always the same for a name, so that nobody learns which names there are.
  ScramVerifier decoy(std::string_view name) const;
  std::optional<std::string> md5(std::string_view name) const;  // "md5…", only where it was asked for
  struct Proof {
    std::string_view name, peer;
    bool is_good = false;
  };
  Result<UserInfo> end_proof(const Proof& proof);

  // Set once, before there are callers; called in the thread that signs in, so it must be quick.
  void tell_sign_ins(std::function<void(const SignIn&)> tell) { tell_ = std::move(tell); }

 private:
  struct State;
  struct Draft;
  Users(control::Control& control, Clock& clock, Random& random, UsersOptions options);
  Status reload() REQUIRES(change_mutex_);
  Status commit(control::UsersChange change) REQUIRES(change_mutex_);
  std::shared_ptr<const State> state() const;
  Result<UserInfo> put(Draft draft) REQUIRES(change_mutex_);
  Result<Draft> draft_of(const State& now, std::string_view name) const;
  Result<Draft> changed(Draft draft, const UserChange& change);
  Status check_new_member(const State& now, const Membership& membership) const;
  Status check_held(uint32_t id, const std::string& what) const;
  const Credentials* valid_credentials(const State& now, std::string_view name) const;
  void keep_text(const UserInfo& user, std::string_view password);
  Error refused(std::string_view name, std::string_view peer);
  void tell(std::string user, std::string_view peer, bool is_good) const;

  control::Control& control_;
  Clock& clock_;
  Random& random_;
  const UsersOptions options_;
  Holdings holdings_;
  std::function<void(const SignIn&)> tell_;
  LogLimit log_;
  std::string decoy_key_;  // random, kept: decoys are the same after a restart
  SignInLimit limit_;
  Mutex change_mutex_;                                           // one change at a time
  mutable Mutex state_mutex_;                                    // held for a copy of the pointer only
  std::shared_ptr<const State> state_ GUARDED_BY(state_mutex_);  // shared with readers under way
};

}  // namespace weir::access
