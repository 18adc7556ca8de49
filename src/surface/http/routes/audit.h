// What an administrator changes over HTTP, told to the audit.
#pragma once

#include <string>

#include "surface/http/router.h"

namespace weir::warehouse {
class Warehouse;
}

namespace weir::http {

std::string address_without_port(const Peer& peer);

// `event`: "token created"; `what`: its name, never a secret.
void note_change(warehouse::Warehouse& audit, const Request& request, const char* event, std::string what);
void add_audit_routes(Router& router, warehouse::Warehouse& audit);

}  // namespace weir::http
