#include "storage/engine/outside_names.h"

#include <algorithm>

#include "core/base/text.h"

namespace weir::engine {
namespace {

constexpr const char* kSystemCertificates = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* kNoFile = "/dev/null/none";  // never there: below something that is no folder
constexpr const char* kUnansweredMs = "30000";     // after so long without an acknowledgement a peer is gone

const char* ssl_mode(const OutsideOptions& options) {
  if (is_socket(options)) return "disable";
  switch (options.tls) {
    case OutsideTls::verify:
      return "verify-full";
    case OutsideTls::require:
      return "require";
    case OutsideTls::off:
      return "disable";
  }
  return "verify-full";
}

}  // namespace

const char* outside_kind_name(OutsideKind kind) {
  switch (kind) {
    case OutsideKind::postgresql:
      return "postgresql";
    case OutsideKind::redshift:
      return "redshift";
  }
  return "";
}

const char* outside_tls_name(OutsideTls tls) {
  switch (tls) {
    case OutsideTls::verify:
      return "verify";
    case OutsideTls::require:
      return "require";
    case OutsideTls::off:
      return "off";
  }
  return "";
}

bool is_socket(const OutsideOptions& options) {
  return options.host.starts_with('/');
}

bool is_libpq_variable(std::string_view name) {
  return name.starts_with("PG");
}

std::string outside_place(const OutsideOptions& options) {
  const std::string at = is_socket(options) ? options.host : options.host + ":" + std::to_string(options.port);
  return "connection " + options.name + " (" + at + ")";
}

std::vector<std::pair<std::string, std::string>> libpq_parameters(const OutsideOptions& options,
                                                                  const std::string& password,
                                                                  const std::vector<std::string>& addresses) {
  // Of several addresses each is tried, under the same name, which the certificate must be for.
  const std::vector<std::string> names(std::max<size_t>(addresses.size(), 1), options.host);
  // Without a file of certificates `require` verifies nothing; with one that exists it would.
  const bool verifies = options.tls == OutsideTls::verify && !is_socket(options);
  const std::string root = !verifies ? kNoFile : options.ca.empty() ? kSystemCertificates : options.ca;
  return {{"host", join(names, ",")},
          {"hostaddr", join(addresses, ",")},
          {"port", std::to_string(options.port)},
          {"dbname", options.database},
          {"user", options.user},
          {"password", password},
          {"passfile", kNoFile},
          {"sslmode", ssl_mode(options)},
          {"sslrootcert", root},
          {"sslcert", kNoFile},
          {"sslkey", kNoFile},
          {"sslcrl", kNoFile},
          {"gssencmode", "disable"},
          {"client_encoding", "UTF8"},
          {"application_name", "weir"},
          {"tcp_user_timeout", kUnansweredMs}};
}

const char* outside_forms(OutsideKind kind) {
  switch (kind) {
    case OutsideKind::postgresql:
      return "SET datestyle TO 'ISO, MDY'; SET intervalstyle TO 'postgres'; SET timezone TO 'UTC'; "
             "SET extra_float_digits TO 1; SET bytea_output TO 'hex'";
    case OutsideKind::redshift:
      return "SET datestyle TO 'ISO, MDY'; SET timezone TO 'UTC'; SET extra_float_digits TO 2";
  }
  return "";
}

}  // namespace weir::engine
