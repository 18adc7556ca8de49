// The PostgreSQL wire of a served folder: its settings, its certificate, and who may come in.
//
// A user of access::Users proves the password by SCRAM or, where opted in, MD5; somebody whose password is kept as a
// digest only sends it in clear text over TLS. "IAM:NAME" has the passwords of access::ShortPasswords. A token comes in
// under its id, with its text as the password, by SCRAM; and under the name `token` in clear text over TLS. The
// folder's owner on the Unix socket is the administrator.
//
// open(), stop() from one thread; the rest from any.
#pragma once

#include <memory>
#include <string>

#include "core/base/json.h"
#include "core/project/settings.h"
#include "core/runtime/timers.h"
#include "platform/access/access.h"
#include "platform/access/short_passwords.h"
#include "platform/access/users.h"
#include "surface/pgwire/pgwire.h"

namespace weir::app {

class Wire {
 public:
  struct Parts {
    warehouse::Warehouse& warehouse;
    access::Users& users;
    access::Access& access;
    access::ShortPasswords& passwords;
    Clock& clock;
    Random& random;
    Metrics& metrics;
    Lanes& lanes;
    TlsCredentials& tls;
  };
  // Null if wire.enabled is false.
  static Result<std::unique_ptr<Wire>> open(const Parts& parts, const project::Settings& settings,
                                            const std::string& state_folder);
  ~Wire();

  std::string summary() const;  // a line for people
  uint16_t port() const { return server_->port(); }
  Json to_json() const;  // {"address","port","socket","profile","connections"}
  Status stop(Duration limit);

 private:
  Wire() = default;
  class Door;
  std::string address_, profile_, folder_;
  std::unique_ptr<Door> door_;
  std::unique_ptr<pgwire::Server> server_;
};

}  // namespace weir::app
