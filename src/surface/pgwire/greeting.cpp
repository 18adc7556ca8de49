#include "surface/pgwire/greeting.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/text.h"

namespace weir::pgwire {

namespace {

constexpr std::string_view kProfileKey = "weir.profile";
constexpr size_t kNameBytesMax = 128;

// What drivers of Redshift say of themselves: told to nobody.
constexpr std::array<const char*, 12> kDriverKeys = {"driver_version",
                                                     "os_version",
                                                     "client_protocol_version",
                                                     "plugin_name",
                                                     "idp_type",
                                                     "provider_name",
                                                     "driver_discovery_version",
                                                     "token_type",
                                                     "datashare_enabled",
                                                     "credential_provider_name",
                                                     "idp_host",
                                                     "token"};

bool is_driver_key(std::string_view name) {
  return std::find(kDriverKeys.begin(), kDriverKeys.end(), name) != kDriverKeys.end();
}

std::optional<warehouse::Profile> profile_named(std::string_view name) {
  if (equal_ignoring_case(name, "redshift")) return warehouse::Profile::redshift;
  if (equal_ignoring_case(name, "postgres")) return warehouse::Profile::postgres;
  return std::nullopt;
}

Status check_encoding(std::string_view value) {
  std::string plain;
  for (const char character : to_lower(value)) {
    if ((character >= 'a' && character <= 'z') || (character >= '0' && character <= '9')) plain += character;
  }
  if (plain == "utf8" || plain == "unicode" || plain == "sqlascii") return {};
  return with_state(Error(Code::unsupported, "client_encoding " + shown(value) + " is not spoken here, UTF8 is",
                          "set PGCLIENTENCODING=UTF8"),
                    "0A000");
}

// Takes the suffix of a database's name that says the profile.
std::optional<warehouse::Profile> take_suffix(std::string& database) {
  const size_t dot = database.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const auto profile = profile_named(std::string_view(database).substr(dot + 1));
  if (profile) database.resize(dot);
  return profile;
}

}  // namespace

std::string Wishes::application() const {
  for (const auto& [name, value] : settings) {
    if (name == "application_name") return value;
  }
  return {};
}

Result<Wishes> wishes_of(const StartupPacket& packet, warehouse::Profile otherwise) {
  Wishes out;
  std::optional<warehouse::Profile> asked;
  bool has_redshift_driver = false;
  const auto take = [&](const std::string& name, const std::string& value) -> Status {
    if (name == kProfileKey) {
      asked = profile_named(value);
      if (!asked) {
        return with_state(Error(Code::invalid, "weir.profile is " + shown(value) + ", expected postgres or redshift"),
                          "22023");
      }
    } else if (is_driver_key(name)) {
      has_redshift_driver = has_redshift_driver || name == "driver_version" || name == "client_protocol_version";
    } else if (equal_ignoring_case(name, "client_encoding")) {
      return check_encoding(value);
    } else {
      out.settings.emplace_back(name, value);
    }
    return {};
  };
  for (const auto& [name, value] : packet.parameters) {
    if (name == "user") {
      out.user = value;
    } else if (name == "database") {
      out.database = value;
    } else if (name == "replication") {
      if (value != "false" && value != "off" && value != "no" && value != "0") {
        return with_state(Error(Code::unsupported, "replication is not built here"), "0A000");
      }
    } else if (name == "options") {
      for (const auto& [option, setting] : parse_options(value)) {
        TRY(take(option, setting));
      }
    } else {
      TRY(take(name, value));
    }
  }
  if (out.user.empty()) {
    return with_state(Error(Code::unauthenticated, "the start-up packet names no user"), "28000");
  }
  if (out.user.size() > kNameBytesMax || out.database.size() > kNameBytesMax || !valid_utf8(out.user) ||
      !valid_utf8(out.database)) {
    return with_state(Error(Code::invalid, "names of users and databases are UTF-8 of up to 128 bytes"), "28000");
  }
  if (out.database.empty()) out.database = out.user;
  const auto named = take_suffix(out.database);
  out.profile = asked ? *asked : named ? *named : has_redshift_driver ? warehouse::Profile::redshift : otherwise;
  return out;
}

}  // namespace weir::pgwire
