// S3 over the store's buckets, as aws-cli and the SDKs ask for it: buckets and objects by path, lists, ranges,
// conditions, copies, and uploads in parts. Internal to surface/awsapi.
//
// Source: Amazon S3 API Reference 2006-03-01. Administrators and superusers write, everybody who may read reads. An
// object is one file, written whole or not at all; its ETag tells one content from the next and is no MD5. Keys are as
// in core/io/blob_store.h, so there are no objects whose key ends with '/'.
#pragma once

#include <string>

#include "surface/awsapi/operations.h"
#include "surface/awsapi/uploads.h"

namespace weir::awsapi {

class S3 {
 public:
  explicit S3(const Parts& parts) : parts_(parts), uploads_(parts.buckets, parts.clock, parts.random) {}

  void take(const http::Request& request, const Caller& caller, const http::Responder& responder);
  void fail(const Error& error, const http::Request& request, const http::Responder& responder) const;

 private:
  struct Place {
    std::string bucket, key;
  };
  Status serve(const http::Request& request, const Caller& caller, const http::Responder& responder);
  Status serve_bucket(const http::Request& request, const Place& place, const http::Responder& responder);
  Status serve_object(const http::Request& request, const Place& place, const http::Responder& responder);
  Result<std::shared_ptr<BlobStore>> bucket(const std::string& name) const;

  Status list_buckets(const http::Responder& responder) const;
  Status list_objects(const http::Request& request, const Place& place, const http::Responder& responder) const;
  Status delete_objects(const http::Request& request, const Place& place, const http::Responder& responder) const;
  Status get_object(const http::Request& request, const Place& place, const http::Responder& responder) const;
  Status put_object(const http::Request& request, const Place& place, const http::Responder& responder);
  Status copy_object(const http::Request& request, const Place& place, const http::Responder& responder);
  Status begin_upload(const Place& place, const http::Responder& responder);
  Status put_part(const http::Request& request, const http::Responder& responder);
  Status complete_upload(const http::Request& request, const Place& place, const http::Responder& responder);

  const Parts parts_;
  Uploads uploads_;
};

}  // namespace weir::awsapi
