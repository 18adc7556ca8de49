#include "storage/engine/outside_settings.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/project/spine.h"

namespace weir::engine {
namespace {

using project::SettingValue;
using enum project::SettingType;

constexpr uint16_t kPostgresqlPort = 5432, kRedshiftPort = 5439;
constexpr size_t kNameBytesMax = 255;

Status check_name(const std::string& name) {
  if (is_identifier(name)) return {};
  return Error(Code::invalid, shown(name) + " is no name of a connection",
               "lower-case letters, digits and _, beginning with a letter, at most 63");
}

Status check_host(const SettingValue& value) {
  const auto& host = std::get<std::string>(value);
  const bool is_folder = host.starts_with('/');
  const bool has_others = std::any_of(host.begin(), host.end(), [is_folder](unsigned char c) {
    return c <= ' ' || c == 127 || c == ',' || (!is_folder && (c == '/' || c == '@'));
  });
  const bool has_port = !is_folder && std::count(host.begin(), host.end(), ':') == 1;  // an address of IPv6 has more
  if (!has_others && !has_port && host.size() <= kNameBytesMax) return {};
  return Error(
      Code::invalid, shown(host) + " is no host",
      "a name or an address without its port, or the folder of a Unix socket: db.example.com, /run/postgresql");
}

Status check_text(const SettingValue& value) {
  const auto& text = std::get<std::string>(value);
  if (text.size() <= kNameBytesMax && valid_utf8(text) && text.find('\0') == std::string::npos) return {};
  return Error(Code::invalid, shown(text) + " is no name", "at most 255 bytes of UTF-8");
}

project::SettingTable places() {
  return {
      {.name = "connections.*.kind",
       .type = choice,
       .otherwise = "postgresql",
       .prose = "What answers there.",
       .example = "redshift",
       .choices = {"postgresql", "redshift"},
       .check_name = check_name},
      {.name = "connections.*.host",
       .type = text,
       .otherwise = "",
       .prose = "The server's name or address, or the folder of its Unix socket.",
       .example = "db.example.com",
       .check = check_host},
      {.name = "connections.*.port",
       .type = integer,
       .otherwise = 0,
       .prose = "Its port; also of a Unix socket, whose name ends in it. 0: 5432, of Redshift 5439.",
       .example = "5432",
       .min = "0",
       .max = "65535"},
      {.name = "connections.*.database",
       .type = text,
       .otherwise = "",
       .prose = "The database there.",
       .example = "shop",
       .check = check_text},
      {.name = "connections.*.user",
       .type = text,
       .otherwise = "",
       .prose = "Who signs in: a user of its own, with the rights that are needed and no others. `weir connection "
                "check` says which are missing.",
       .example = "weir",
       .check = check_text},
      {.name = "connections.*.password",
       .type = secret_name,
       .otherwise = "",
       .prose = "The user's password, as a secret. Without it the server must want none.",
       .example = "${secret:PROD_PASSWORD}"},
  };
}

project::SettingTable ways() {
  return {
      {.name = "connections.*.tls",
       .type = choice,
       .otherwise = "auto",
       .prose = "`verify`: encrypted, and the certificate is for the host's name. `require`: encrypted, and whoever "
                "answers is believed. `off`: neither. `auto`: `verify`, but on this machine (a Unix socket, "
                "`localhost`, a loopback address) `off`.",
       .example = "verify",
       .choices = {"auto", "verify", "require", "off"}},
      {.name = "connections.*.ca",
       .type = text,
       .otherwise = "",
       .prose = "Certificates (PEM) to trust instead of the system's.",
       .example = "certificates/redshift-ca.pem"},
      {.name = "connections.*.read_only",
       .type = flag,
       .otherwise = true,
       .prose = "Whether every statement runs in a transaction that the server lets read only, and that is rolled "
                "back.",
       .example = "false"},
      {.name = "connections.*.max",
       .type = integer,
       .otherwise = 4,
       .prose = "How many connections are open at once; who needs another waits.",
       .example = "8",
       .min = "1",
       .max = "64"},
      {.name = "connections.*.connect_within",
       .type = duration,
       .otherwise = "10s",
       .prose = "How long making a connection may take.",
       .example = "30s",
       .min = "100ms",
       .max = "5m"},
  };
}

// Where the connection, or one setting of it, is written: a mistake of several values has no place of its own.
std::optional<Position> place_of(const project::Settings& settings, const std::string& name) {
  std::optional<Position> first;
  for (const project::Effective& one : settings.all()) {
    if (!one.name.starts_with(name) || one.origin != project::Origin::file) continue;
    const auto parts = split(one.where, ':');
    if (parts.size() != 3) continue;
    Position at{.file = std::string(parts[0])};
    std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), at.line);
    std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), at.column);
    if (!first || std::pair(at.line, at.column) < std::pair(first->line, first->column)) first = at;
  }
  return first;
}

// One declaration while it is read.
class Reading {
 public:
  Reading(const project::Settings& settings, std::string name)
      : settings_(settings), name_(std::move(name)), at_("connections." + name_ + ".") {}

  Result<OutsideOptions> options(const std::string& folder) const {
    OutsideOptions out;
    out.name = name_;
    out.kind = text("kind") == "redshift" ? OutsideKind::redshift : OutsideKind::postgresql;
    out.host = text("host");
    out.database = text("database");
    out.user = text("user");
    out.read_only = settings_.flag(at_ + "read_only");
    out.connections_max = static_cast<size_t>(settings_.integer(at_ + "max"));
    out.connect_within = settings_.duration(at_ + "connect_within");
    out.port = static_cast<uint16_t>(settings_.integer(at_ + "port"));
    if (out.port == 0) out.port = out.kind == OutsideKind::redshift ? kRedshiftPort : kPostgresqlPort;
    for (const char* needed : {"host", "database", "user"}) {
      if (text(needed).empty())
        return wrong("", std::string("it has no ") + needed, "say " + std::string(needed) + ":");
    }
    TRY_ASSIGN(out.tls, tls(out.host));
    out.ca = text("ca");
    if (!out.ca.empty() && out.tls != OutsideTls::verify) {
      return wrong("ca", "nothing is verified with its certificates", "say tls: verify, or leave ca out");
    }
    if (!out.ca.empty() && !out.ca.starts_with('/')) out.ca = join_path(folder, out.ca);
    return out;
  }
  std::string password() const { return text("password"); }

 private:
  const std::string& text(const std::string& last) const { return settings_.text(at_ + last); }

  Error wrong(const std::string& last, const std::string& why, std::string hint) const {
    Error error(Code::invalid, "connections." + name_ + ": " + why, std::move(hint));
    if (const auto place = place_of(settings_, at_ + last)) return error.at(*place);
    return error;
  }

  Result<OutsideTls> tls(const std::string& host) const {
    const std::string& said = text("tls");
    const bool is_socket = host.starts_with('/');
    if (is_socket && (said == "verify" || said == "require")) {
      return wrong("tls", "a Unix socket is not encrypted", "leave tls out, or name a host");
    }
    if (said == "verify") return OutsideTls::verify;
    if (said == "require") return OutsideTls::require;
    if (said == "off") return OutsideTls::off;
    return is_socket || project::is_loopback({.host = host}) ? OutsideTls::off : OutsideTls::verify;
  }

  const project::Settings& settings_;
  const std::string name_, at_;
};

}  // namespace

project::SettingTable connection_settings() {
  project::SettingTable all = places();
  for (project::Setting& one : ways()) all.push_back(std::move(one));
  return all;
}

Result<std::vector<OutsideOptions>> declared_connections(
    const project::Settings& settings, const std::string& folder,
    const std::function<Result<std::string>(std::string_view name)>& secret) {
  std::vector<OutsideOptions> out;
  for (const std::string& name : settings.names("connections")) {
    const Reading reading(settings, name);
    TRY_ASSIGN(OutsideOptions one, reading.options(folder));
    if (const std::string password = reading.password(); !password.empty()) {
      one.password = [secret, password] { return secret(password); };
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace weir::engine
