// What a start-up packet asks for: user, database, profile and the settings of the session. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "platform/warehouse/session.h"
#include "surface/pgwire/message.h"

namespace weir::pgwire {

struct Wishes {
  std::string user, database;
  warehouse::Profile profile = warehouse::Profile::postgres;
  std::vector<std::pair<std::string, std::string>> settings;

  std::string application() const;  // application_name, if it was said
};
// `otherwise`: the listener's profile. Refused is only what would be answered wrongly: replication, and encodings that
// are not UTF-8.
Result<Wishes> wishes_of(const StartupPacket& packet, warehouse::Profile otherwise);

}  // namespace weir::pgwire
