#include "app/certificate.h"

#include "core/base/log.h"
#include "core/project/spine.h"

namespace weir::app {

namespace {

constexpr Duration kReloadEvery = seconds(10);

std::string absolute(const std::string& folder, const std::string& path) {
  return path.empty() || path.front() == '/' ? path : join_path(folder, path);
}

Status needs_none(const char* setting, const std::string& host) {
  if (project::is_loopback({host, 0})) return {};
  return Error(Code::invalid, std::string(setting) + " is " + host + ", which is not loopback, and has no certificate",
               "set tls.certificate and tls.key");
}

Result<TlsFiles> files_of(const project::Settings& settings, const Certificate::Folders& folders, Clock& clock) {
  const TlsFiles files{absolute(folders.project, settings.text("tls.certificate")),
                       absolute(folders.project, settings.text("tls.key"))};
  if (files.certificate.empty() != files.key.empty()) {
    return Error(Code::invalid, "tls.certificate and tls.key belong together, one of them is not set");
  }
  if (!files.certificate.empty()) return files;
  TRY_ASSIGN(const project::Address http, project::parse_address(settings.text("listeners.http")));
  TRY(needs_none("listeners.http", http.host));
  if (settings.flag("wire.enabled")) {
    TRY(needs_none("wire.address", settings.text("wire.address")));
  }
  if (settings.flag("aws.enabled")) {
    TRY(needs_none("aws.address", settings.text("aws.address")));
  }
  return self_signed_certificate(real_files(), join_path(folders.state, "tls"), clock.wall());
}

}  // namespace

Result<std::unique_ptr<Certificate>> Certificate::open(const project::Settings& settings, const Folders& folders,
                                                       Clock& clock, Lanes& lanes, Timers& timers) {
  std::unique_ptr<Certificate> out(new Certificate());
  TRY_ASSIGN(TlsFiles files, files_of(settings, folders, clock));
  TRY_ASSIGN(out->credentials_, TlsCredentials::open(real_files(), std::move(files)));
  out->reload_ = timers.every(kReloadEvery, [&lanes, tls = out->credentials_] {
    // Where the lane is full it is read the next time.
    (void)lanes.submit(Lane::background, [tls] {
      const Result<bool> changed = tls->reload_if_changed();
      if (!changed) log_event(Level::error, "tls.certificate_not_read", {{"reason", changed.error().text()}});
      if (changed && *changed) log_event(Level::info, "tls.certificate_changed");
    });
  });
  return out;
}

}  // namespace weir::app
