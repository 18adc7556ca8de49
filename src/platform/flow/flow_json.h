// The JSON of one step, which comparing takes apart key by key. For flow_json.cpp and flow_compare.cpp. Pure functions.
#pragma once

#include "core/base/json.h"
#include "platform/flow/flow_declaration.h"

namespace weir::flow {

Json step_json(const Step& step);
Json retries_json(const Retries& retries);

}  // namespace weir::flow
