#include "surface/pgwire/status.h"

#include <array>
#include <string_view>

#include "surface/pgwire/message.h"

namespace weir::pgwire {

namespace {

struct Told {
  const char* name;
  const char* postgres;  // what it is where the session does not say
  const char* redshift;
};
constexpr std::array<Told, 11> kTold = {{
    // A bare version: redshift_connector takes it apart.
    {"server_version", "15.13", "8.0.2"},
    {"server_encoding", "UTF8", "UTF8"},
    {"client_encoding", "UTF8", "UTF8"},
    {"application_name", "", ""},
    {"DateStyle", "ISO, MDY", "ISO, MDY"},
    {"IntervalStyle", "postgres", "postgres"},
    {"TimeZone", "UTC", "UTC"},
    {"integer_datetimes", "on", "on"},
    {"standard_conforming_strings", "on", "on"},
    {"default_transaction_read_only", "off", "off"},
    {"in_hot_standby", "off", "off"},
}};

}  // namespace

void append_statuses(std::string& out, const warehouse::Session& session) {
  const bool is_redshift = session.profile() == warehouse::Profile::redshift;
  for (const Told& told : kTold) {
    const std::string set = session.setting(told.name);
    append_parameter_status(out, told.name, !set.empty() ? set.c_str() : is_redshift ? told.redshift : told.postgres);
  }
  append_parameter_status(out, "session_authorization", session.user().name);
  append_parameter_status(out, "is_superuser", session.user().may_administer ? "on" : "off");
  // Rows as text: the one form of the drivers' own protocol that every version of them reads.
  if (is_redshift) append_parameter_status(out, "server_protocol_version", "0");
}

}  // namespace weir::pgwire
