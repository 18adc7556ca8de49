// What topics of platform/notify need to know of zones and schedules. Pure functions of the machine's zone files; any
// thread.
#pragma once

#include "platform/notify/topic.h"

namespace weir::flow {

notify::Calendar calendar();

}  // namespace weir::flow
