// GET /openapi.json: what this server takes and answers for others (capture routes of its streams, declared endpoints),
// as OpenAPI 3.1. Made when it is asked for, from the declarations and the columns that the tables have now; any thread
// that may block.
#pragma once

#include "surface/http/router.h"
#include "surface/http/routes/endpoint.h"
#include "surface/http/routes/routes.h"
#include "surface/http/routes/streams.h"

namespace weir::http {

struct OpenapiParts {
  const StreamDirectory& directory;
  const EventRoutes& events;
  const endpoint::Endpoints& endpoints;
  const EndpointRoutes& routes;
};
void add_openapi_routes(Router& router, const OpenapiParts& parts, const SiteFacts& facts);

}  // namespace weir::http
