// The AWS dialects of a served folder: their settings, the statements that are handed over, and their listener.
//
// open(), stop() from one thread; the rest from any.
#pragma once

#include <memory>
#include <string>

#include "core/base/json.h"
#include "core/base/metrics.h"
#include "core/project/settings.h"
#include "surface/awsapi/awsapi.h"
#include "surface/http/server.h"

namespace weir::app {

class Aws {
 public:
  struct Parts {
    warehouse::Warehouse& warehouse;
    warehouse::Buckets& buckets;
    control::Control& control;
    engine::Engine& engine;
    access::Users& users;
    access::Access& access;
    access::Secrets& secrets;
    access::ShortPasswords& passwords;
    capture::Capture& capture;
    http::Gate& gate;
    Clock& clock;
    Random& random;
    Metrics& metrics;
    Lanes& lanes;
    Timers& timers;
    TlsCredentials& tls;
  };
  // `results`: the folder of results. Null if aws.enabled is false.
  static Result<std::unique_ptr<Aws>> open(const Parts& parts, const project::Settings& settings,
                                           const std::string& results, const awsapi::Facts& facts);
  ~Aws();

  std::string summary() const;  // a line for people
  Json to_json() const;         // {"address","port"}
  void reread_jobs();           // as warehouse::Jobs::reread()
  Status stop(Duration limit);  // the listener, and what it began

 private:
  Aws() = default;
  std::string address_;
  std::unique_ptr<warehouse::Jobs> jobs_;
  std::unique_ptr<awsapi::Api> api_;
  http::Router router_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace weir::app
