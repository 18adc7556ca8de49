// The certificate of a served folder, which its listeners share: that of `tls.certificate`, or one that vouches for
// itself, which only loopback may show. Files that change are read again within ten seconds.
//
// open() and the end from one thread; the credentials from any. What is handed to open() outlives it.
#pragma once

#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/project/settings.h"
#include "core/runtime/lanes.h"
#include "core/runtime/timers.h"
#include "core/runtime/tls.h"

namespace weir::app {

class Certificate {
 public:
  struct Folders {
    std::string project, state;  // where relative paths begin; where the self-made one lies
  };
  // `invalid` if a listener leaves loopback without a certificate, or if the files cannot be used.
  static Result<std::unique_ptr<Certificate>> open(const project::Settings& settings, const Folders& folders,
                                                   Clock& clock, Lanes& lanes, Timers& timers);
  TlsCredentials& credentials() { return *credentials_; }

 private:
  Certificate() = default;
  std::shared_ptr<TlsCredentials> credentials_;  // with the task that reads it again
  Timers::Timer reload_;
};

}  // namespace weir::app
