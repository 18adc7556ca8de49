// Composition: builds every room in order of dependency, hands out references, and takes everything down in reverse.
//
// An App owns one folder (.weir/lock). With `listen` it serves HTTP there; in any case it answers on a Unix socket in
// the state folder, which is how commands talk to it, also when it lives only as long as one command. open() and stop()
// from one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "core/base/time.h"

namespace weir::app {

struct AppOptions {
  std::string folder = ".";
  std::string environment;
  bool serves = true;                // listens on TCP; otherwise only on the command's own socket
  std::string listen;                // instead of listeners.http
  bool takes_any_wire_port = false;  // instead of wire.port
  bool quiet = false;                // only warnings and errors are logged: a command prints lines of its own
  bool applies_folder = true;        // make the applied state equal to the folder, as far as that is compatible
  // A project's own test: what leaves the folder is replaced (the store is its own, every secret is the text "secret"),
  // and the wall clock begins at `now`.
  bool rehearses = false;
  std::optional<WallTime> now = {};
  // Told every mistake of the folder but the last, which open() returns; missing: they are logged.
  std::function<void(const Error&)> report = {};
};

class App {
 public:
  virtual ~App() = default;  // stops if stop() was not called
  static Result<std::unique_ptr<App>> open(const AppOptions& options);

  virtual std::string url() const = 0;  // "http://127.0.0.1:8480", off loopback https; empty without TCP
  virtual std::string socket_path() const = 0;
  // At the first start: the text of the administrator's token, to be shown once.
  virtual const std::optional<std::string>& sign_in_token() const = 0;
  virtual Result<std::string> make_admin_token(const std::string& label) = 0;
  // What was decided at start, a line each, for people: applied changes, warnings, streams and how to send to them.
  virtual std::string summary() const = 0;
  // Finishes requests under way, commits what waits, and closes; at most about `limit` for the requests.
  virtual Status stop(Duration limit) = 0;
};

}  // namespace weir::app
