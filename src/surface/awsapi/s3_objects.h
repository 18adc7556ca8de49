// One object as it is sent, and lists of them as they are written. Internal to surface/awsapi.
#pragma once

#include <string>
#include <vector>

#include "core/io/blob_store.h"
#include "surface/http/http.h"

namespace weir::awsapi {

// In quotes: another content has another one.
std::string etag_of(const BlobFile& file);
Result<std::string> etag_of(BlobStore& store, const std::string& key);
std::string xml_time(int64_t micros);  // "2026-11-22T08:09:10.000Z"

// If-Match and If-None-Match of a request that writes; `conflict` if they do not hold.
Status check_conditions(const http::Request& request, BlobStore& store, const std::string& key);

// GET and HEAD, with Range, If-Match, If-None-Match.
Status send_object(const http::Request& request, BlobStore& store, const std::string& key,
                   const http::Responder& responder);

// What a list was asked for, in either version of the call.
struct ListOrder {
  std::string prefix, delimiter, after;  // after: keys beyond this one
  size_t most = 1'000;
  bool is_version_2 = false, is_url_encoded = false;

  static Result<ListOrder> of(const http::Request& request);
};
// The inside of a ListBucketResult. `blobs`: all that begin with the prefix, by key.
std::string list_text(const std::string& bucket, const ListOrder& order, const std::vector<Blob>& blobs);

}  // namespace weir::awsapi
