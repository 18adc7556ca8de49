// The checksums that S3's clients send with a body: whether the body is what was meant. Pure functions.
#pragma once

#include "core/base/result.h"
#include "surface/http/http.h"

namespace weir::awsapi {

// Content-MD5 and x-amz-checksum-crc32, -crc32c, -crc64nvme, -sha1, -sha256, those that were sent. `invalid`
// (BadDigest) names the one that does not fit.
Status check_body(const http::Request& request);

}  // namespace weir::awsapi
