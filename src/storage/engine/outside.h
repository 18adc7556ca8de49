// Connections to PostgreSQL and Redshift elsewhere: declared by name, pooled, with limits, and stopped within a second.
//
// What it promises
//   - One statement at a time, alone: each is sent by the extended protocol, which takes no second one behind a
//     semicolon, inside BEGIN READ ONLY … ROLLBACK unless the connection is declared to write.
//   - A stop (cancel, time limit) is sent to the server at once. What the server then answers is the truth: rows that
//     it had finished are returned as finished, its 57014 is `cancelled` or `timed_out`. A server that does not answer
//     to the stop within 5 s loses the connection, and the error says so. A stop never reaches the next statement.
//   - Off this machine the connection is encrypted and the server's certificate verified, unless the declaration says
//     otherwise in so many words. A password is in no error, log or URL. What libpq would take from a home folder it
//     does not see, nor from the environment if the program has cleared it (libpq_variables()).
//   - Texts of times, numbers and bytes are PostgreSQL's own forms in UTC, whatever the role or database prefers.
// Errors: unavailable (not reached, went away), unauthenticated, not_found (no such database), denied (the server's
// permissions), invalid (the server's opinion of the statement, with its SQLSTATE and place), unsupported (COPY to and
// from the client), too_large (the statement), cancelled, timed_out, busy (no connection free in time).
//
// Threads: OutsidePool and OutsidePools from any; an OutsideConnection by one at a time. Calls block: run them on a
// work lane. Not promised: a limit on one single row, which the server may make as large as a gigabyte.
// Source: PostgreSQL 15 documentation, "libpq - C Library"; Redshift Management Guide, "Connecting … using SSL".
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/metrics.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/runtime/cancel.h"
#include "storage/engine/engine.h"

namespace weir::engine {

enum class OutsideKind { postgresql, redshift };
const char* outside_kind_name(OutsideKind kind);  // as it is declared: "redshift"

// How the connection is encrypted.
enum class OutsideTls {
  verify,   // and the server's certificate is for its name
  require,  // and nothing is known of the server's certificate
  off,
};
const char* outside_tls_name(OutsideTls tls);

struct OutsideOptions {
  std::string name;  // as declared, for messages
  OutsideKind kind = OutsideKind::postgresql;
  std::string host;  // a name, an address, or the folder of a Unix socket ("/run/postgresql"), which is not encrypted
  uint16_t port = 5432;
  std::string database, user;
  OutsideTls tls = OutsideTls::verify;
  std::string ca;  // PEM file of those who vouch for the server; empty: the system's
  bool read_only = true;
  size_t connections_max = 4;
  Duration connect_within = seconds(10);
  // Asked anew for each connection; empty: the server wants none.
  std::function<Result<std::string>()> password;
};

// Rows as the server said them, as texts; numbers and truth values in cells of their own.
struct OutsideResult {
  std::vector<ResultColumn> columns;  // types by the engine's names where it has them: "BIGINT", "VARCHAR", …
  std::vector<std::vector<Cell>> rows;
  std::string tag;      // what was done, as the server says it: "SELECT 3", "UPDATE 2"; empty of a result that is cut
  bool is_cut = false;  // there were more than the limits let through
  Duration took{};
};

struct OutsideLimits {
  std::optional<Duration> time{};
  uint64_t rows_max = 100'000;
  uint64_t bytes_max = 256ull << 20;  // of memory that the rows take
};

// Who answers.
struct OutsideServer {
  std::string version;     // "15.8"; Redshift says 8.0.2
  std::string tls;         // "TLSv1.3"; empty: not encrypted
  std::string tls_cipher;  // "TLS_AES_256_GCM_SHA384"
};

class OutsideConnection {
 public:
  virtual ~OutsideConnection() = default;
  // An error is about this statement; a connection that was lost gives `unavailable` from then on.
  virtual Result<OutsideResult> run(std::string_view sql, const OutsideLimits& limits, const Cancel& cancel) = 0;
  virtual std::string server_version() const = 0;  // "15.8"; Redshift says 8.0.2
  virtual OutsideServer server() const = 0;
  virtual const OutsideOptions& options() const = 0;
};

// Hears NOTIFY on one channel, over a connection of its own beside the pool's. One thread at a time; it may outlive the
// pool.
class OutsideListener {
 public:
  virtual ~OutsideListener() = default;
  // True: something was notified since the last call. False: nothing was for so long, and the server still answers. A
  // listener that was lost gives `unavailable`, and has to be made anew.
  virtual Result<bool> wait(Duration within, const Cancel& cancel) = 0;
};

class OutsidePool {
 public:
  // `metrics` outlives the pool; null: nothing is counted.
  explicit OutsidePool(OutsideOptions options, Metrics* metrics = nullptr);
  ~OutsidePool();
  OutsidePool(const OutsidePool&) = delete;
  OutsidePool& operator=(const OutsidePool&) = delete;

  // Gives itself back when it is destroyed, which may be after the pool's end. One that lay idle is made as new, which
  // shows whether it still lives; otherwise a new one is made, or one is waited for until `within` has passed.
  Result<std::unique_ptr<OutsideConnection>> take(Duration within, const Cancel& cancel);
  // `channel`: a plain name. `unsupported` from Redshift, which has no NOTIFY.
  Result<std::unique_ptr<OutsideListener>> listen(const std::string& channel, const Cancel& cancel);
  const OutsideOptions& options() const;
  struct Counts {
    size_t in_use = 0, idle = 0;
  };
  Counts counts() const;
  void close_idle(Duration longer_than);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the connections that were taken, which may come back later
};

// The declared connections, by name.
class OutsidePools {
 public:
  // `refusal`: given instead of every connection, for who must reach nobody (a project's own tests).
  OutsidePools(std::vector<OutsideOptions> declared, Metrics* metrics, std::optional<Error> refusal = {});

  // `not_found` names the declared ones. Lives as long as this.
  Result<OutsidePool*> find(std::string_view name) const;
  std::vector<const OutsidePool*> all() const;  // by name
  void close_idle();                            // those that nobody took for five minutes

 private:
  std::map<std::string, std::unique_ptr<OutsidePool>, std::less<>> pools_;
  const std::optional<Error> refusal_;
};

// Whether the variable of the environment changes what libpq does: a program takes them out before its first thread.
bool is_libpq_variable(std::string_view name);

}  // namespace weir::engine
