// The PostgreSQL wire: clients of PostgreSQL 15 and of Redshift speak to the warehouse as they are. Protocol 3.0, on a
// TCP port and on a Unix socket in the state folder.
//
// Promises
//   - Who signs in proves it: SCRAM-SHA-256, a password in clear text only where nobody can read along (TLS, the Unix
//     socket), MD5 for users who opted in. A peer of the Unix socket with the owner's uid is the administrator. Unknown
//     names are asked for a password like known ones. Clients off this machine need TLS.
//   - A connection is no thread and, while it is idle, no buffer: it lives on an io thread, and what blocks (signing
//     in, planning, rows) runs on the interactive lane. A reader that is slow holds no thread either.
//   - Every size, count and wait has a limit: packets, messages, memory for both directions, the time for signing in,
//     for sending a message, for taking an answer, for doing nothing. Damaged input ends its connection only.
//   - Errors carry SQLSTATE and the place in the client's text; what speaks of our own files goes to the log.
//
// Two profiles: PostgreSQL 15, and Redshift (8.0.2) for `weir.profile=redshift` among the start-up options, a database
// name that ends in `.redshift`, the keys that Redshift's drivers send, or the listener's setting, in this order.
//
// Threads: start() and stop() from one thread, port() and counts from any. Everything handed to start() outlives the
// server. Authenticator is called on the interactive lane, by many threads at once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/project/settings.h"
#include "core/runtime/lanes.h"
#include "core/runtime/listener.h"
#include "core/runtime/tls.h"
#include "platform/access/scram.h"
#include "platform/warehouse/session.h"
#include "platform/warehouse/warehouse.h"

namespace weir::pgwire {

// Who may come in, and how they prove it; implemented by app over the users and tokens that there are.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // How a name is asked for its password. Also answers for names that do not exist, with a verifier that no password
  // fits.
  struct Challenge {
    enum class Kind { scram, md5, cleartext };
    Kind kind = Kind::scram;
    access::ScramVerifier verifier = {};  // of scram
    // Other passwords that the name may have instead; all with the same salt and iterations.
    std::vector<access::ScramVerifier> others = {};
    std::string md5 = {};  // "md5" and 32 digits
  };
  virtual Challenge challenge(const std::string& user) = 0;

  // `busy`: too many failed sign-ins from there.
  virtual Status check_peer(const Peer& peer) = 0;
  // After SCRAM or MD5: counts a failure, or says whom the name stands for. `unauthenticated` says no more than that.
  virtual Result<warehouse::User> end_proof(const std::string& user, const Peer& peer, bool is_good) = 0;
  // A password or a token's text; counts failures by itself.
  virtual Result<warehouse::User> check_password(const std::string& user, const std::string& password,
                                                 const Peer& peer) = 0;
  // The folder's owner on the Unix socket, under whatever name.
  virtual warehouse::User owner() = 0;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 5439;       // 0: any free one
  std::string socket_folder;  // for .s.PGSQL.<port>; empty: no Unix socket
  warehouse::Profile profile = warehouse::Profile::postgres;
  size_t connections_max = 2000;
  int threads = 1;

  size_t message_bytes_max = 16u << 20;
  uint64_t buffered_bytes_max = 128ull << 20;  // of all messages that have not arrived whole
  Duration sign_in_max = seconds(10);          // from the first byte to ReadyForQuery
  Duration message_max = seconds(30);          // plus a second for each 16 KiB received
  Duration write_max = minutes(10);            // without the client taking a byte
  Duration idle_max = hours(24);
  Duration idle_transaction_max = hours(1);
};

// wire.*
project::SettingTable wire_settings();

// Makes the names of a server's metrics known before it starts.
void declare_metrics(Metrics& metrics);

class Server {
 public:
  struct Parts {
    warehouse::Warehouse& warehouse;
    Authenticator& authenticator;
    TlsCredentials& tls;
    Clock& clock;
    Random& random;
    Metrics& metrics;
    Lanes& lanes;
  };
  virtual ~Server() = default;  // stops with no time to drain if stop() was not called
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, const Parts& parts);

  virtual uint16_t port() const = 0;
  virtual std::string socket_path() const = 0;  // empty: none
  virtual size_t connections() const = 0;
  // Accepts nothing more, ends idle connections with 57P01, lets statements under way finish for at most `limit`, then
  // cancels them.
  virtual Status stop(Duration limit) = 0;
};

}  // namespace weir::pgwire
