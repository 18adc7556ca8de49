// The doors of a served folder beside its HTTP interface: the PostgreSQL wire and the AWS dialects, and the short-lived
// passwords that one hands out for the other; and the certificate that all three show.
//
// open(), stop() from one thread; the rest from any.
#pragma once

#include <memory>
#include <string>

#include "app/aws.h"
#include "app/certificate.h"
#include "app/wire.h"
#include "surface/http/routes/all.h"

namespace weir::app {

class Doors {
 public:
  struct Parts {
    warehouse::Warehouse& warehouse;
    warehouse::Buckets& buckets;
    control::Control& control;
    engine::Engine& engine;
    access::Users& users;
    access::Access& access;
    access::Secrets& secrets;
    capture::Capture& capture;
    http::Gate& gate;
    Clock& clock;
    Random& random;
    Metrics& metrics;
    Lanes& lanes;
    Timers& timers;
  };
  static Result<std::unique_ptr<Doors>> open(const Parts& parts, const project::Settings& settings,
                                             const Certificate::Folders& folders);

  std::string summary() const;              // lines for people
  void tell(http::SiteFacts& facts) const;  // this outlives the site
  TlsCredentials& tls() { return certificate_->credentials(); }
  Status stop(Duration limit);
  void reread_jobs();  // as warehouse::Jobs::reread()
  // Where results of the Data API's statements lie.
  static std::string results_in(const std::string& state_folder) { return join_path(state_folder, "results"); }

 private:
  explicit Doors(const Parts& parts) : passwords_(parts.clock, parts.random) {}
  access::ShortPasswords passwords_;
  std::unique_ptr<Certificate> certificate_;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<Aws> aws_;
};

}  // namespace weir::app
