#include "platform/access/access.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/access/secrets.h"

namespace weir::access {
namespace {

constexpr int64_t kTouchEveryMicros = 60'000'000;
constexpr size_t kTokenBytesMax = 256;
constexpr size_t kLabelBytesMax = 200;
constexpr size_t kStreamsMax = 1'000;
// [[SHA-256 of the cookie, of the token, last use], or of a user [SHA-256 of the cookie, "", last use, number,
// password_version], …]
constexpr const char* kSessionsKey = "access.sessions";

control::Token stored(const NewToken& wanted, std::string id, std::string hash, WallTime now) {
  control::Token out;
  out.id = std::move(id);
  out.hash = std::move(hash);
  out.role = role_name(wanted.role);
  out.streams = wanted.streams;
  out.endpoints = wanted.endpoints;
  out.label = wanted.label;
  out.created_at = now;
  if (wanted.expires_in) out.expires_at = WallTime{now.micros + wanted.expires_in->micros};
  return out;
}

std::string key_id_of(const control::Token& token) {
  std::string out = "WEIR";
  if (token.sealed.empty()) return {};
  for (const char c : token.id) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

}  // namespace

// One token in memory. Only last_used changes, without a lock: it is a courtesy to people, not a decision.
struct Access::Entry {
  control::Token token;
  IdentityPtr identity;
  std::string secret;  // of an access key; empty: none, or it could not be unsealed
  std::atomic<uint64_t> requests{0};
  std::atomic<int64_t> last_used{0};
  std::atomic<int64_t> flushed{0};
};

struct Access::Table {
  std::unordered_map<std::string, std::shared_ptr<Entry>> by_hash;
  std::vector<std::shared_ptr<Entry>> all;  // by creation
};

// Of a token, or of a user with the password that was in use then.
struct Access::OpenSession {
  std::string token_hash{};  // empty: of a user
  uint32_t user = 0, password_version = 0;
  int64_t used_at = 0;   // wall micros
  bool is_kept = false;  // in the control database
};

const char* role_name(Role role) {
  switch (role) {
    case Role::admin:
      return "admin";
    case Role::read:
      return "read";
    case Role::write:
      return "write";
  }
  return "read";
}

Result<Role> parse_role(std::string_view name) {
  for (const Role role : {Role::admin, Role::read, Role::write}) {
    if (name == role_name(role)) return role;
  }
  return Error(Code::invalid, shown(name) + " is no role", "admin, read or write");
}

IdentityPtr local_administrator() {
  auto out = std::make_shared<Identity>();
  out->id = "local";
  out->role = Role::admin;
  out->label = "the folder's owner";
  out->user = kOwnerName;
  out->user_id = kOwnerUser;
  return out;
}

IdentityPtr identity_of(const Directory& directory, const UserInfo& user) {
  auto out = std::make_shared<Identity>();
  out->id = "user";
  out->role = directory.is_superuser(user.id) ? Role::admin : Role::read;
  out->label = user.name;
  out->user = user.name;
  out->user_id = user.id;
  return out;
}

Status may_read(const Identity& identity) {
  if (identity.role != Role::write && identity.endpoints.empty()) return {};
  return Error(
      Code::denied,
      identity.role == Role::write ? "a write key may only send events" : "this key may only read its endpoints",
      "use a token made with `weir token create --read`");
}

Status may_read_endpoint(const Identity& identity, std::string_view endpoint) {
  if (may_read(identity)) return {};
  if (identity.role == Role::read &&
      std::find(identity.endpoints.begin(), identity.endpoints.end(), endpoint) != identity.endpoints.end()) {
    return {};
  }
  return Error(Code::denied, "this token may not read endpoint " + std::string(endpoint),
               "weir token create --read --endpoint " + std::string(endpoint));
}

Status may_write(const Identity& identity, std::string_view stream) {
  if (identity.role == Role::admin) return {};
  if (identity.role == Role::write &&
      (identity.streams.empty() ||
       std::find(identity.streams.begin(), identity.streams.end(), stream) != identity.streams.end())) {
    return {};
  }
  return Error(Code::denied, "this token may not write to stream " + std::string(stream),
               "weir token create --write " + std::string(stream));
}

Status may_administer(const Identity& identity) {
  if (identity.role == Role::admin) return {};
  return Error(Code::denied, "this needs an administrator", "use a token made with `weir token create --admin`");
}

Access::Access(control::Control& control, Users& users, Clock& clock, Random& random, Options options)
    : control_(control), users_(users), clock_(clock), random_(random), options_(options) {}

Access::~Access() = default;

Result<std::unique_ptr<Access>> Access::open(control::Control& control, Users& users, Clock& clock, Random& random,
                                             Options options) {
  std::unique_ptr<Access> out(new Access(control, users, clock, random, options));
  {
    MutexLock lock(out->change_mutex_);
    TRY(out->reload());
  }
  TRY(out->read_sessions());
  return out;
}

std::shared_ptr<const Access::Table> Access::table() const {
  MutexLock lock(table_mutex_);
  return table_;
}

// Entries that are there already are kept, so that sessions opened with them see a revocation.
Status Access::reload() {
  TRY_ASSIGN(auto tokens, control_.tokens());
  auto before = table();
  auto next = std::make_shared<Table>();
  for (auto& token : tokens) {
    auto entry = std::make_shared<Entry>();
    auto identity = std::make_shared<Identity>();
    identity->id = token.id;
    TRY_ASSIGN(identity->role, parse_role(token.role));
    identity->streams = token.streams;
    identity->label = token.label;
    identity->endpoints = token.endpoints;
    entry->identity = std::move(identity);
    const int64_t used = token.last_used_at ? token.last_used_at->micros : 0;
    entry->last_used.store(used);
    entry->flushed.store(used);
    entry->token = std::move(token);
    if (before) {
      auto old = before->by_hash.find(entry->token.hash);
      if (old != before->by_hash.end()) {
        entry->last_used.store(std::max(used, old->second->last_used.load()));
        entry->requests.store(old->second->requests.load());
        entry->secret = old->second->secret;
      }
    }
    if (entry->secret.empty()) entry->secret = unsealed(entry->token);
    next->by_hash.emplace(entry->token.hash, entry);
    next->all.push_back(std::move(entry));
  }
  std::stable_sort(next->all.begin(), next->all.end(),
                   [](const auto& a, const auto& b) { return a->token.created_at < b->token.created_at; });
  MutexLock lock(table_mutex_);
  table_ = std::move(next);
  return {};
}

// An access key that cannot be unsealed opens nothing; the others do.
std::string Access::unsealed(const control::Token& token) const {
  if (token.sealed.empty() || token.revoked || options_.secrets == nullptr) return {};
  auto text = options_.secrets->unseal("token " + token.id, token.sealed);
  if (text) return std::move(*text);
  log_event(Level::error, "access.key_unreadable", {{"token", token.id}, {"reason", text.error().text()}});
  return {};
}

bool Access::is_valid(const Entry& entry) const {
  const auto& token = entry.token;
  return !token.revoked && !(token.expires_at && *token.expires_at <= clock_.wall());
}

// The lookup is by SHA-256 of what was sent: how long it takes says nothing about the text of any token.
std::shared_ptr<Access::Entry> Access::valid_entry(std::string_view digest) const {
  auto current = table();
  auto found = current->by_hash.find(std::string(digest));
  if (found == current->by_hash.end()) return nullptr;
  if (!constant_time_equal(found->second->token.hash, digest) || !is_valid(*found->second)) return nullptr;
  return found->second;
}

std::shared_ptr<Access::Entry> Access::entry_of(std::string_view id) const {
  const auto current = table();
  for (const auto& entry : current->all) {
    if (entry->token.id == id) return entry;
  }
  return nullptr;
}

// nullptr: of a user who is gone.
IdentityPtr Access::identity_now(const Entry& entry) const {
  if (!entry.token.user) return entry.identity;
  const auto directory = users_.directory();
  const UserInfo* user = directory->user(*entry.token.user);
  if (user == nullptr) return nullptr;
  auto out = std::make_shared<Identity>(*identity_of(*directory, *user));
  out->id = entry.token.id;
  out->label = entry.token.label;
  return out;
}

IdentityPtr Access::identity_now(const OpenSession& open) const {
  if (!open.token_hash.empty()) {
    const auto entry = valid_entry(open.token_hash);
    return entry ? identity_now(*entry) : nullptr;
  }
  const auto directory = users_.directory();
  const UserInfo* user = directory->user(open.user);
  if (user == nullptr || user->password_version != open.password_version) return nullptr;
  if (user->valid_until && *user->valid_until <= clock_.wall()) return nullptr;
  return identity_of(*directory, *user);
}

namespace {

Error unknown_token(const char* hint) {
  return Error(Code::unauthenticated, "this token is unknown, revoked or expired", hint);
}

}  // namespace

Result<IdentityPtr> Access::used(Entry& entry) {
  IdentityPtr identity = identity_now(entry);
  if (!identity) return unknown_token("its user was dropped");
  entry.last_used.store(clock_.wall().micros, std::memory_order_relaxed);
  entry.requests.fetch_add(1, std::memory_order_relaxed);
  return identity;
}

Result<IdentityPtr> Access::authenticate(std::string_view text) {
  const auto entry = text.size() > kTokenBytesMax ? nullptr : valid_entry(sha256_hex(text));
  if (!entry) return unknown_token("weir token create");
  return used(*entry);
}

std::optional<ScramVerifier> Access::scram_of_token(std::string_view id) const {
  const auto entry = entry_of(id);
  if (!entry || !is_valid(*entry) || entry->token.scram.empty()) return std::nullopt;
  auto verifier = ScramVerifier::parse(entry->token.scram);
  if (!verifier) return std::nullopt;
  return std::move(*verifier);
}

Result<IdentityPtr> Access::identity_of_token(std::string_view id) {
  const auto entry = entry_of(id);
  if (!entry || !is_valid(*entry)) return unknown_token("weir token create");
  return used(*entry);
}

Result<AccessKey> Access::access_key(std::string_view key_id) {
  const auto current = table();
  for (const auto& entry : current->all) {
    if (entry->secret.empty() || key_id_of(entry->token) != key_id || !is_valid(*entry)) continue;
    TRY_ASSIGN(IdentityPtr identity, used(*entry));
    return AccessKey{entry->secret, std::move(identity)};
  }
  return Error(Code::unauthenticated, "there is no access key " + shown(key_id), "weir token create --access-key");
}

Result<CreatedToken> Access::create_token(const NewToken& wanted) {
  if (wanted.label.size() > kLabelBytesMax) return Error(Code::too_large, "the label is longer than 200 bytes");
  if (wanted.role != Role::write && !wanted.streams.empty()) {
    return Error(Code::invalid, "streams belong to a write token", "weir token create --write STREAM");
  }
  if (wanted.role != Role::read && !wanted.endpoints.empty()) {
    return Error(Code::invalid, "endpoints belong to a read token", "weir token create --read --endpoint NAME");
  }
  if (wanted.endpoints.size() > kStreamsMax) return Error(Code::too_large, "a token names at most 1000 endpoints");
  for (const auto& endpoint : wanted.endpoints) {
    if (!is_identifier(endpoint)) return Error(Code::invalid, shown(endpoint) + " is no name of an endpoint");
  }
  if (wanted.streams.size() > kStreamsMax) return Error(Code::too_large, "a token names at most 1000 streams");
  for (const auto& stream : wanted.streams) {
    if (!is_identifier(stream)) return Error(Code::invalid, shown(stream) + " is no name of a stream");
  }
  if (!wanted.user.empty() && (wanted.role == Role::write || !wanted.endpoints.empty()))
    return Error(Code::invalid, "a user's token may what the user may, and has no role of its own");
  const auto directory = users_.directory();
  const UserInfo* user = wanted.user.empty() ? nullptr : directory->user(wanted.user);
  if (!wanted.user.empty() && user == nullptr)
    return Error(Code::not_found, "there is no user " + shown(wanted.user), "weir user list");
  if (wanted.expires_in && wanted.expires_in->micros <= 0)
    return Error(Code::invalid, "the token would have expired already");
  MutexLock lock(change_mutex_);
  if (table()->all.size() >= options_.tokens_max) {
    return Error(Code::busy, "there are " + std::to_string(options_.tokens_max) + " tokens already",
                 "revoke those that nobody uses");
  }
  CreatedToken out;
  out.text = random_token(random_);
  out.id = format_uuid(uuid_v7(clock_, random_)).substr(24);  // 12 random digits of the UUID's end
  control::Token token = stored(wanted, out.id, sha256_hex(out.text), clock_.wall());
  if (user != nullptr) token.user = user->id;
  TRY_ASSIGN(const ScramVerifier verifier, make_scram_verifier(out.text, random_bytes(random_, kScramSaltBytes)));
  token.scram = verifier.text();
  if (wanted.is_access_key) {
    if (options_.secrets == nullptr) return Error(Code::unsupported, "access keys are not kept here");
    TRY_ASSIGN(token.sealed, options_.secrets->seal("token " + out.id, out.text));
    out.key_id = key_id_of(token);
  }
  out.expires_at = token.expires_at;
  TRY(control_.add_token(token));
  TRY(reload());
  return out;
}

std::vector<TokenInfo> Access::tokens() const {
  std::vector<TokenInfo> out;
  const auto current = table();  // held: a range-for would let the temporary go
  for (const auto& entry : current->all) {
    TokenInfo info;
    const IdentityPtr now = identity_now(*entry);
    info.identity = now ? now : entry->identity;
    info.created_at = entry->token.created_at;
    info.expires_at = entry->token.expires_at;
    if (const int64_t used = entry->last_used.load(); used != 0) info.last_used_at = WallTime{used};
    info.revoked = entry->token.revoked;
    info.key_id = key_id_of(entry->token);
    info.requests = entry->requests.load();
    out.push_back(std::move(info));
  }
  return out;
}

Status Access::revoke_token(std::string_view id) {
  MutexLock lock(change_mutex_);
  const auto current = table();
  const bool known =
      std::any_of(current->all.begin(), current->all.end(), [&](const auto& entry) { return entry->token.id == id; });
  if (!known) return Error(Code::not_found, "no token has the id " + shown(id), "weir token list");
  TRY(control_.revoke_token(id));
  return reload();
}

Result<std::optional<CreatedToken>> Access::first_sign_in() {
  const auto current = table();
  for (const auto& entry : current->all) {
    if (!entry->token.user && entry->identity->role == Role::admin && is_valid(*entry)) {
      return std::optional<CreatedToken>();
    }
  }
  NewToken wanted;
  wanted.role = Role::admin;
  wanted.label = "first sign-in";
  TRY_ASSIGN(auto made, create_token(wanted));
  return std::optional<CreatedToken>(std::move(made));
}

Status Access::flush_last_used() {
  const auto current = table();  // held: a range-for would let the temporary go
  for (const auto& entry : current->all) {
    const int64_t used = entry->last_used.load();
    if (used - entry->flushed.load() < kTouchEveryMicros && entry->flushed.load() != 0) continue;
    if (used == entry->flushed.load()) continue;
    TRY(control_.touch_token(entry->token.id, WallTime{used}));
    entry->flushed.store(used);
  }
  return keep_sessions();
}

Result<Access::Session> Access::sign_in(std::string_view token, std::string_view peer) {
  TRY(users_.check_peer(peer));
  const auto entry = token.size() > kTokenBytesMax ? nullptr : valid_entry(sha256_hex(token));
  IdentityPtr identity = entry ? identity_now(*entry) : nullptr;
  if (!identity) {
    users_.count_failure(peer);
    return unknown_token("weir token create --read");
  }
  TRY(may_read(*identity));
  entry->last_used.store(clock_.wall().micros, std::memory_order_relaxed);
  return open_session({.token_hash = entry->token.hash}, std::move(identity));
}

Result<Access::Session> Access::sign_in_user(const UserSignIn& given) {
  TRY_ASSIGN(const UserInfo user, users_.authenticate(given.user, given.password, given.peer));
  return open_session({.user = user.id, .password_version = user.password_version},
                      identity_of(*users_.directory(), user));
}

Result<Access::Session> Access::change_password(const Users::OwnPassword& given) {
  TRY_ASSIGN(const UserInfo user, users_.change_own_password(given));
  return open_session({.user = user.id, .password_version = user.password_version},
                      identity_of(*users_.directory(), user));
}

Access::Session Access::open_session(OpenSession open, IdentityPtr identity) {
  Session out{base64url_encode(random_bytes(random_, 32)), std::move(identity)};
  open.used_at = clock_.wall().micros;
  MutexLock lock(session_mutex_);
  make_room_for_session();
  sessions_[sha256_hex(out.cookie)] = std::move(open);
  sessions_changed_ = true;
  return out;
}

void Access::make_room_for_session() {
  const int64_t oldest_allowed = clock_.wall().micros - options_.session_idle.micros;
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.used_at < oldest_allowed; });
  if (sessions_.size() < options_.sessions_max) return;
  auto oldest = std::min_element(sessions_.begin(), sessions_.end(),
                                 [](const auto& a, const auto& b) { return a.second.used_at < b.second.used_at; });
  sessions_.erase(oldest);
}

Result<IdentityPtr> Access::session(std::string_view cookie) {
  const Error unknown(Code::unauthenticated, "the session has ended", "sign in again");
  if (cookie.empty() || cookie.size() > kTokenBytesMax) return unknown;
  const std::string digest = sha256_hex(cookie);
  OpenSession open;
  {
    MutexLock lock(session_mutex_);
    auto found = sessions_.find(digest);
    if (found == sessions_.end()) return unknown;
    const int64_t now = clock_.wall().micros;
    if (now - found->second.used_at > options_.session_idle.micros) {
      sessions_.erase(found);
      return unknown;
    }
    found->second.used_at = now;
    sessions_changed_ = true;
    open = found->second;
  }
  IdentityPtr identity = identity_now(open);  // a session ends with its token, its user, its password
  if (!identity) return unknown;
  return identity;
}

Status Access::sign_out(std::string_view cookie) {
  {
    MutexLock lock(session_mutex_);
    const auto found = sessions_.find(sha256_hex(cookie));
    if (found == sessions_.end()) return {};
    const bool was_kept = found->second.is_kept;
    sessions_.erase(found);
    if (!was_kept) return {};
    sessions_changed_ = true;
  }
  return keep_sessions();
}

// Whoever signs out while this writes waits for it, and writes again: what is kept last has no ended session.
Status Access::keep_sessions() {
  MutexLock keep(keep_mutex_);
  Json kept{Json::Array{}};
  {
    MutexLock lock(session_mutex_);
    if (!sessions_changed_) return {};
    for (auto& [digest, open] : sessions_) {
      Json::Array one{digest, open.token_hash, open.used_at};
      if (open.token_hash.empty()) one.insert(one.end(), {open.user, open.password_version});
      kept.push(std::move(one));
      open.is_kept = true;
    }
    sessions_changed_ = false;
  }
  Status written = control_.set_value(kSessionsKey, kept);
  if (written) return {};
  MutexLock lock(session_mutex_);
  sessions_changed_ = true;
  return written;
}

Status Access::read_sessions() {
  TRY_ASSIGN(const auto kept, control_.value(kSessionsKey));
  if (!kept) return {};
  const int64_t oldest_allowed = clock_.wall().micros - options_.session_idle.micros;
  MutexLock lock(session_mutex_);
  for (const Json& one : kept->array()) {
    const Json::Array& parts = one.array();
    if ((parts.size() != 3 && parts.size() != 5) || sessions_.size() >= options_.sessions_max) continue;
    OpenSession open{.token_hash = parts[1].as_string(), .used_at = parts[2].as_int(), .is_kept = true};
    if (parts.size() == 5) {
      open.user = static_cast<uint32_t>(parts[3].as_int());
      open.password_version = static_cast<uint32_t>(parts[4].as_int());
    }
    if (identity_now(open) && open.used_at >= oldest_allowed) sessions_[parts[0].as_string()] = std::move(open);
  }
  return {};
}

size_t Access::session_count() const {
  MutexLock lock(session_mutex_);
  return sessions_.size();
}

}  // namespace weir::access
