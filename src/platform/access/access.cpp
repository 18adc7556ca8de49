#include "platform/access/access.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/text.h"

namespace weir::access {
namespace {

constexpr int64_t kTouchEveryMicros = 60'000'000;
constexpr size_t kTokenBytesMax = 256;
constexpr size_t kLabelBytesMax = 200;
constexpr size_t kStreamsMax = 1'000;
constexpr const char* kSessionsKey = "access.sessions";  // [[SHA-256 of the cookie, of the token, last use], …]

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

// Who failed: the address without its port. Of IPv6 only the first 64 bits, because one machine owns all addresses
// below them.
std::string peer_key(std::string_view peer) {
  if (peer.starts_with('[')) {
    peer = peer.substr(1, peer.find(']') == std::string_view::npos ? std::string_view::npos : peer.find(']') - 1);
  } else if (std::count(peer.begin(), peer.end(), ':') == 1) {
    peer = peer.substr(0, peer.find(':'));
  }
  const std::string address(peer.substr(0, 64));
  std::array<char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return address;
  return hex_encode(std::string_view(bytes.data(), 8)) + "/64";
}

}  // namespace

// One token in memory. Only last_used changes, without a lock: it is a courtesy to people, not a decision.
struct Access::Entry {
  control::Token token;
  IdentityPtr identity;
  std::atomic<uint64_t> requests{0};
  std::atomic<int64_t> last_used{0};
  std::atomic<int64_t> flushed{0};
};

struct Access::Table {
  std::unordered_map<std::string, std::shared_ptr<Entry>> by_hash;
  std::vector<std::shared_ptr<Entry>> all;  // by creation
};

struct Access::OpenSession {
  std::shared_ptr<Entry> entry;
  int64_t used_at = 0;   // wall micros
  bool is_kept = false;  // in the control database
};

struct Access::Failures {
  int count = 0;
  int64_t since = 0;  // steady micros
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

Access::Access(control::Control& control, Clock& clock, Random& random, Options options)
    : control_(control), clock_(clock), random_(random), options_(options) {}

Access::~Access() = default;

Result<std::unique_ptr<Access>> Access::open(control::Control& control, Clock& clock, Random& random, Options options) {
  std::unique_ptr<Access> out(new Access(control, clock, random, options));
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
      }
    }
    next->by_hash.emplace(entry->token.hash, entry);
    next->all.push_back(std::move(entry));
  }
  std::stable_sort(next->all.begin(), next->all.end(),
                   [](const auto& a, const auto& b) { return a->token.created_at < b->token.created_at; });
  MutexLock lock(table_mutex_);
  table_ = std::move(next);
  return {};
}

// The lookup is by SHA-256 of what was sent: how long it takes says nothing about the text of any token.
std::shared_ptr<Access::Entry> Access::valid_entry(std::string_view digest) const {
  auto current = table();
  auto found = current->by_hash.find(std::string(digest));
  if (found == current->by_hash.end()) return nullptr;
  const auto& token = found->second->token;
  if (!constant_time_equal(token.hash, digest) || token.revoked) return nullptr;
  if (token.expires_at && *token.expires_at <= clock_.wall()) return nullptr;
  return found->second;
}

Result<IdentityPtr> Access::authenticate(std::string_view text) {
  auto entry = text.size() > kTokenBytesMax ? nullptr : valid_entry(sha256_hex(text));
  if (!entry) return Error(Code::unauthenticated, "this token is unknown, revoked or expired", "weir token create");
  entry->last_used.store(clock_.wall().micros, std::memory_order_relaxed);
  entry->requests.fetch_add(1, std::memory_order_relaxed);
  return entry->identity;
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
  const control::Token token = stored(wanted, out.id, sha256_hex(out.text), clock_.wall());
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
    info.identity = entry->identity;
    info.created_at = entry->token.created_at;
    info.expires_at = entry->token.expires_at;
    if (const int64_t used = entry->last_used.load(); used != 0) info.last_used_at = WallTime{used};
    info.revoked = entry->token.revoked;
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
  const WallTime now = clock_.wall();
  for (const auto& entry : current->all) {
    const auto& token = entry->token;
    if (entry->identity->role == Role::admin && !token.revoked && (!token.expires_at || *token.expires_at > now)) {
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

Status Access::check_failures(const std::string& peer) {
  MutexLock lock(failure_mutex_);
  auto found = failures_.find(peer);
  if (found == failures_.end()) return {};
  if (clock_.steady_micros() - found->second.since > options_.failure_window.micros) {
    failures_.erase(found);
    return {};
  }
  if (found->second.count < options_.failures_max) return {};
  return Error(Code::busy, "too many sign-ins failed from this address",
               "wait " + format_duration(options_.failure_window));
}

void Access::count_failure(const std::string& peer) {
  MutexLock lock(failure_mutex_);
  const int64_t now = clock_.steady_micros();
  if (failures_.size() >= options_.peers_max) {
    std::erase_if(failures_,
                  [&](const auto& entry) { return now - entry.second.since > options_.failure_window.micros; });
  }
  if (failures_.size() >= options_.peers_max && !failures_.contains(peer)) {
    // The table is full of other attackers: the oldest one's memory goes.
    auto oldest = std::min_element(failures_.begin(), failures_.end(),
                                   [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
    failures_.erase(oldest);
  }
  Failures& failures = failures_[peer];
  if (failures.count == 0) failures.since = now;
  ++failures.count;
}

Result<Access::Session> Access::sign_in(std::string_view token, std::string_view peer) {
  const std::string from = peer_key(peer);
  TRY(check_failures(from));
  auto entry = token.size() > kTokenBytesMax ? nullptr : valid_entry(sha256_hex(token));
  if (!entry) {
    count_failure(from);
    return Error(Code::unauthenticated, "this token is unknown, revoked or expired", "weir token create --read");
  }
  TRY(may_read(*entry->identity));
  entry->last_used.store(clock_.wall().micros, std::memory_order_relaxed);
  std::string bytes;
  for (int i = 0; i < 4; ++i) {
    const uint64_t word = random_.next();
    bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  Session out{base64url_encode(bytes), entry->identity};
  MutexLock lock(session_mutex_);
  make_room_for_session();
  sessions_[sha256_hex(out.cookie)] = {entry, clock_.wall().micros};
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
  std::string token_hash;
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
    token_hash = found->second.entry->token.hash;
  }
  auto entry = valid_entry(token_hash);  // a session ends with its token
  if (!entry) return unknown;
  return entry->identity;
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
      kept.push(Json::Array{digest, open.entry->token.hash, open.used_at});
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
    if (one.array().size() != 3 || sessions_.size() >= options_.sessions_max) continue;
    const int64_t used_at = one.array()[2].as_int();
    auto entry = valid_entry(one.array()[1].as_string());
    if (entry && used_at >= oldest_allowed) sessions_[one.array()[0].as_string()] = {entry, used_at, true};
  }
  return {};
}

size_t Access::session_count() const {
  MutexLock lock(session_mutex_);
  return sessions_.size();
}

}  // namespace weir::access
