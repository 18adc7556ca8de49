// Access: who somebody is, and what they may. Tokens for programs, sessions for browsers, and the three questions every
// door asks. Who has a name and a password is in users.h.
//
// Promises
//   - A token's text (160 random bits or more) is shown once and stored only as its SHA-256; a session's cookie value
//   likewise.
//   - A revoked or expired token, and every session opened with it, is refused from the next request on; so is what a
//   dropped user had, and a session opened with a password that was changed since.
//   - What is a user's may what the user may at that moment.
//   - authenticate() and session() answer from memory and never wait for a disk: they may be called on io threads.
//   - Failed sign-ins are limited per peer; every table here is bounded.
// Threads: everything from any thread. Functions that change something write to the control database: call them on a
// lane.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "platform/access/scram.h"
#include "platform/access/users.h"
#include "storage/control/control.h"

namespace weir::access {

enum class Role { admin, read, write };
const char* role_name(Role role);
Result<Role> parse_role(std::string_view name);

struct Identity {
  std::string id;          // of its token; "local" for the folder's owner on the Unix socket; "user" after a password
  Role role = Role::read;  // of a user: admin for superusers, else read
  std::vector<std::string> streams;  // of a writer; empty: all
  std::string label;
  std::vector<std::string> endpoints = {};  // of a reader; not empty: it reads these, and nothing else
  std::string user = {};                    // whose statements are its; empty: a token of nobody's
  uint32_t user_id = 0;
};
// Immutable and shared with requests that go on while the token is revoked.
using IdentityPtr = std::shared_ptr<const Identity>;

// The folder's owner, as the Unix socket tells by the peer's uid.
IdentityPtr local_administrator();
// Of somebody who proved to be this user.
IdentityPtr identity_of(const Directory& directory, const UserInfo& user);

Status may_read(const Identity& identity);  // SQL, status, streams
Status may_read_endpoint(const Identity& identity, std::string_view endpoint);
Status may_write(const Identity& identity, std::string_view stream);  // events of this stream
Status may_administer(const Identity& identity);

// A token whose holder signs requests with its text instead of sending it (AWS Signature Version 4).
struct AccessKey {
  std::string secret;
  IdentityPtr identity;
};

struct NewToken {
  Role role = Role::read;
  std::vector<std::string> streams = {};  // only of a writer
  std::string label = {};                 // up to 200 bytes
  std::optional<Duration> expires_in = {};
  std::vector<std::string> endpoints = {};  // only of a reader
  std::string user = {};                    // a user's token may what the user may: role is not looked at
  bool is_access_key = false;               // its text is also kept, sealed, so that signatures made with it are known
};
struct CreatedToken {
  std::string id;
  std::string key_id;  // of an access key: "WEIR" and the id in upper case
  std::string text;    // the only time it is known
  std::optional<WallTime> expires_at;
};
struct TokenInfo {
  IdentityPtr identity;  // of a dropped user's: without a user
  WallTime created_at;
  std::optional<WallTime> expires_at, last_used_at;
  bool revoked = false;
  std::string key_id = {};  // of an access key; empty for others
  uint64_t requests = 0;    // that came with it since the program started
};

class Secrets;

struct Options {
  Duration session_idle = hours(12);
  size_t sessions_max = 10'000;  // the one unused longest goes first
  size_t tokens_max = 10'000;    // revoked ones count
  Secrets* secrets = nullptr;    // seals access keys; null: there are none
};

class Access {
 public:
  // `users` outlives it, and counts who fails to sign in.
  static Result<std::unique_ptr<Access>> open(control::Control& control, Users& users, Clock& clock, Random& random,
                                              Options options = {});
  ~Access();

  // --- tokens ---
  Result<CreatedToken> create_token(const NewToken& wanted);
  Result<IdentityPtr> authenticate(std::string_view text);  // `unauthenticated`
  std::vector<TokenInfo> tokens() const;                    // by creation
  Status revoke_token(std::string_view id);
  // At the first start, when no administrator's token is valid: makes one and returns its text for `serve` to print;
  // else nothing.
  Result<std::optional<CreatedToken>> first_sign_in();
  // Writes when tokens were last used, at most once a minute for each, and the open sessions to the control database.
  // Call it from a timer's task and at the end.
  Status flush_last_used();

  // For the wire, where a token's text is the password of the user name that is its id: how to prove it, and who that
  // is then. Nothing for a token that is not valid, or older than verifiers are (133 bytes are kept of each since).
  std::optional<ScramVerifier> scram_of_token(std::string_view id) const;
  Result<IdentityPtr> identity_of_token(std::string_view id);  // `unauthenticated`
  // Of an access key that is valid now; from memory. Nothing tells an unknown one from one that was revoked.
  Result<AccessKey> access_key(std::string_view key_id);  // `unauthenticated`

  // --- browser sessions: they outlive a restart; one that a crash forgets has to sign in again ---
  struct Session {
    std::string cookie;  // the value; 256 random bits
    IdentityPtr identity;
  };
  // `unauthenticated`; `busy` after too many failures of this peer (address without port).
  Result<Session> sign_in(std::string_view token, std::string_view peer);
  struct UserSignIn {
    std::string_view user, password, peer;
  };
  Result<Session> sign_in_user(const UserSignIn& given);  // computes for some 30 ms
  // The caller's own; all of the user's sessions end but the one that is returned.
  Result<Session> change_password(const Users::OwnPassword& given);
  Result<IdentityPtr> session(std::string_view cookie);  // prolongs it
  // Ended at once; an error says that a restart may bring it back.
  Status sign_out(std::string_view cookie);
  size_t session_count() const;

 private:
  struct Entry;
  struct Table;
  struct OpenSession;
  Access(control::Control& control, Users& users, Clock& clock, Random& random, Options options);
  std::shared_ptr<const Table> table() const;
  Status reload() REQUIRES(change_mutex_);
  bool is_valid(const Entry& entry) const;
  std::string unsealed(const control::Token& token) const;
  std::shared_ptr<Entry> valid_entry(std::string_view digest) const;
  std::shared_ptr<Entry> entry_of(std::string_view id) const;
  Result<IdentityPtr> used(Entry& entry);
  IdentityPtr identity_now(const Entry& entry) const;
  IdentityPtr identity_now(const OpenSession& open) const;
  Session open_session(OpenSession open, IdentityPtr identity);
  void make_room_for_session() REQUIRES(session_mutex_);
  Status keep_sessions();
  Status read_sessions();

  control::Control& control_;
  Users& users_;
  Clock& clock_;
  Random& random_;
  const Options options_;
  Mutex change_mutex_;                                           // one change of tokens at a time
  mutable Mutex table_mutex_;                                    // held for a copy of the pointer only
  std::shared_ptr<const Table> table_ GUARDED_BY(table_mutex_);  // shared with requests under way
  Mutex keep_mutex_;  // one writer of the kept sessions at a time; taken before session_mutex_
  mutable Mutex session_mutex_;
  bool sessions_changed_ GUARDED_BY(session_mutex_) = false;                          // since they were kept
  std::unordered_map<std::string, OpenSession> sessions_ GUARDED_BY(session_mutex_);  // by SHA-256 of the cookie
};

}  // namespace weir::access
