// Verdicts in words: the reply of /v1/streams/{name}, and the one that the seed's beacon endpoints gave. Pure.
#pragma once

#include <string>

#include "stream/capture/capture.h"
#include "surface/http/http.h"

namespace weir::http {

const char* outcome_name(capture::Outcome outcome);  // "quarantined"

// 200, or the status of the one reason for which every record was refused: 429 busy, 507 no_space, 413 too_large, 503
// unavailable.
Response v1_reply(const capture::Reply& reply);
// Always 200; a record that was neither taken nor known before is `failed`. What may be sent again says so by the code
// that the seed's clients know, ServiceUnavailableException.
Response beacon_reply(const capture::Reply& reply);
// A picture of one pixel with the verdict in X-Weir-Status.
Response pixel_reply(const capture::Reply& reply);

}  // namespace weir::http
