#include "app/wire.h"

#include "app/sql_identity.h"
#include "core/base/text.h"

namespace weir::app {

namespace {

constexpr const char* kTokenName = "token";

}  // namespace

class Wire::Door final : public pgwire::Authenticator {
 public:
  Door(access::Users& users, access::Access& access, access::ShortPasswords& passwords)
      : users_(users), access_(access), passwords_(passwords) {}

  Challenge challenge(const std::string& user) override {
    if (user == kTokenName) return {.kind = Challenge::Kind::cleartext};
    if (auto all = passwords_.verifiers(user); !all.empty()) {
      Challenge out{.kind = Challenge::Kind::scram, .verifier = all.front(), .others = {all.begin() + 1, all.end()}};
      return out;
    }
    if (auto verifier = users_.scram(user)) return {.kind = Challenge::Kind::scram, .verifier = std::move(*verifier)};
    if (auto verifier = access_.scram_of_token(user)) {
      return {.kind = Challenge::Kind::scram, .verifier = std::move(*verifier)};
    }
    if (auto md5 = users_.md5(user)) return {.kind = Challenge::Kind::md5, .verifier = {}, .md5 = std::move(*md5)};
    const auto directory = users_.directory();
    const access::UserInfo* known = directory->user(user);
    if (known != nullptr && known->has_password) return {.kind = Challenge::Kind::cleartext};
    return {.kind = Challenge::Kind::scram, .verifier = users_.decoy(user)};
  }
  Status check_peer(const Peer& peer) override { return users_.check_peer(peer.address); }
  Result<warehouse::User> end_proof(const std::string& user, const Peer& peer, bool is_good) override {
    if (const auto id = passwords_.user_of(user); is_good && id) return short_user(*id);
    if (is_good && users_.directory()->user(user) == nullptr) return sql_user_of(access_.identity_of_token(user));
    TRY_ASSIGN(const access::UserInfo info, users_.end_proof({user, peer.address, is_good}));
    return sql_user_of(access::identity_of(*users_.directory(), info));
  }
  Result<warehouse::User> check_password(const std::string& user, const std::string& password,
                                         const Peer& peer) override {
    if (user == kTokenName) {
      const auto identity = access_.authenticate(password);
      if (!identity) users_.count_failure(peer.address);
      return sql_user_of(identity);
    }
    if (const auto id = passwords_.user_of(user); id && passwords_.fits(user, password)) return short_user(*id);
    TRY_ASSIGN(const access::UserInfo info, users_.authenticate(user, password, peer.address));
    return sql_user_of(access::identity_of(*users_.directory(), info));
  }
  warehouse::User owner() override { return {access::kOwnerName, true, true, access::kOwnerUser}; }

 private:
  // Who may not sign in any more may not with what was handed out before.
  Result<warehouse::User> short_user(uint32_t id) const {
    const auto directory = users_.directory();
    const access::UserInfo* user = directory->user(id);
    if (user == nullptr) return Error(Code::unauthenticated, "the user was dropped");
    return sql_user_of(access::identity_of(*directory, *user));
  }

  access::Users& users_;
  access::Access& access_;
  access::ShortPasswords& passwords_;
};

Result<std::unique_ptr<Wire>> Wire::open(const Parts& parts, const project::Settings& settings,
                                         const std::string& state_folder) {
  if (!settings.flag("wire.enabled")) return std::unique_ptr<Wire>();
  std::unique_ptr<Wire> wire(new Wire());
  wire->address_ = settings.text("wire.address");
  wire->profile_ = settings.text("wire.profile");
  wire->folder_ = state_folder;
  wire->door_ = std::make_unique<Door>(parts.users, parts.access, parts.passwords);
  pgwire::ServerOptions options;
  options.address = wire->address_;
  options.port = static_cast<uint16_t>(settings.integer("wire.port"));
  options.socket_folder = state_folder;
  options.profile = wire->profile_ == "redshift" ? warehouse::Profile::redshift : warehouse::Profile::postgres;
  options.connections_max = static_cast<size_t>(settings.integer("wire.connections_max"));
  options.idle_max = settings.duration("wire.idle_max");
  options.idle_transaction_max = settings.duration("wire.idle_transaction_max");
  TRY_ASSIGN(wire->server_, pgwire::Server::start(options, {parts.warehouse, *wire->door_, parts.tls, parts.clock,
                                                            parts.random, parts.metrics, parts.lanes}));
  return wire;
}

Wire::~Wire() = default;

std::string Wire::summary() const {
  const std::string port = std::to_string(server_->port());
  return "PostgreSQL wire at " + address_ + ":" + port + ", for you: psql -h " + folder_ + " -p " + port + " weir\n";
}

Json Wire::to_json() const {
  Json out{Json::Object{}};
  out.set("address", address_);
  out.set("port", static_cast<int64_t>(server_->port()));
  out.set("socket", server_->socket_path());
  out.set("profile", profile_);
  out.set("connections", static_cast<int64_t>(server_->connections()));
  return out;
}

Status Wire::stop(Duration limit) {
  return server_->stop(limit);
}

}  // namespace weir::app
