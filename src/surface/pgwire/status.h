// What a client is told about the server before its first query: the settings that drivers look at. Lane thread.
#pragma once

#include <string>

#include "platform/warehouse/session.h"

namespace weir::pgwire {

void append_statuses(std::string& out, const warehouse::Session& session);

}  // namespace weir::pgwire
