#include "surface/awsapi/s3.h"

#include <charconv>

#include "core/base/text.h"
#include "core/base/xml.h"
#include "surface/awsapi/checksums.h"
#include "surface/awsapi/s3_objects.h"
#include "surface/http/url.h"

namespace weir::awsapi {
namespace {

constexpr std::string_view kSpace = "http://s3.amazonaws.com/doc/2006-03-01/";
constexpr size_t kDeletesMax = 1'000;

void send_xml(const http::Responder& responder, std::string_view root, const std::string& inside) {
  http::Response response;
  response.content_type = "application/xml";
  response.body.append(kXmlHead).append("<").append(root).append(" xmlns=\"").append(kSpace).append("\">");
  response.body.append(inside).append("</").append(root).append(">");
  responder.send(std::move(response));
}

void send_empty(const http::Responder& responder, int status, http::Headers headers = {}) {
  http::Response response;
  response.status = status;
  response.content_type = "application/xml";
  response.headers = std::move(headers);
  responder.send(std::move(response));
}

struct S3Error {
  int status;
  const char* code;
};
S3Error s3_error(const Error& error, const http::Request& request) {
  const bool has_key = request.path.find('/', 1) != std::string_view::npos && request.path.back() != '/';
  switch (error.code) {
    case Code::not_found:
      if (error.message.find("upload") != std::string::npos) return {404, "NoSuchUpload"};
      return {404, has_key && error.message.find("bucket") == std::string::npos ? "NoSuchKey" : "NoSuchBucket"};
    case Code::unauthenticated:
      return {403, error.message.find("there is no access key") != std::string::npos ? "InvalidAccessKeyId"
                   : error.message.find("15 minutes") != std::string::npos           ? "RequestTimeTooSkewed"
                   : error.message.find("not signed") != std::string::npos           ? "AccessDenied"
                                                                                     : "SignatureDoesNotMatch"};
    case Code::denied:
      return {403, "AccessDenied"};
    case Code::conflict:
      return {412, "PreconditionFailed"};
    case Code::too_large:
      return {400, "EntityTooLarge"};
    case Code::invalid:
      return {400, error.message.find("was damaged") != std::string::npos ? "BadDigest"
                   : error.message.find("part ") == 0                     ? "InvalidPart"
                                                                          : "InvalidArgument"};
    case Code::unsupported:
      return {501, "NotImplemented"};
    case Code::busy:
    case Code::unavailable:
    case Code::no_space:
      return {503, "SlowDown"};
    default:
      return {500, "InternalError"};
  }
}

bool asks_for(const http::Request& request, std::string_view name) {
  return request.query_value(name).has_value();
}

}  // namespace

void S3::fail(const Error& error, const http::Request& request, const http::Responder& responder) const {
  const S3Error told = s3_error(error, request);
  const Refusal refusal = refusal_of(error);
  http::Response response;
  response.status = told.status;
  response.content_type = "application/xml";
  response.body = std::string(kXmlHead) + "<Error>";
  append_element(response.body, "Code", told.code);
  append_element(response.body, "Message", refusal.message);
  append_element(response.body, "Resource", request.path);
  response.body += "</Error>";
  responder.send(std::move(response));
}

void S3::take(const http::Request& request, const Caller& caller, const http::Responder& responder) {
  const Status done = serve(request, caller, responder);
  if (!done) fail(done.error(), request, responder);
}

Status S3::serve(const http::Request& request, const Caller& caller, const http::Responder& responder) {
  const access::Identity& identity = *caller.identity;
  TRY(access::may_read(identity));
  const bool only_reads = request.method == http::Method::get || request.method == http::Method::head;
  if (!only_reads && !access::may_administer(identity)) {
    return Error(Code::denied, "the access key " + caller.key_id + " may read objects, and not change them",
                 "weir token create --admin --access-key");
  }
  const auto path = http::percent_decode(request.path);
  if (!path) return Error(Code::invalid, "the object's key is no UTF-8 text");
  const size_t slash = path->find('/', 1);
  const Place place{path->substr(1, slash == std::string::npos ? std::string::npos : slash - 1),
                    slash == std::string::npos ? "" : path->substr(slash + 1)};
  if (place.bucket.empty()) {
    if (!only_reads) return Error(Code::unsupported, "there is no bucket in the request's path");
    return list_buckets(responder);
  }
  TRY(warehouse::ObjectPath::of("s3://" + place.bucket));
  return place.key.empty() ? serve_bucket(request, place, responder) : serve_object(request, place, responder);
}

Result<std::shared_ptr<BlobStore>> S3::bucket(const std::string& name) const {
  TRY_ASSIGN(const bool is_there, parts_.buckets.exists(name));
  if (!is_there) return Error(Code::not_found, "there is no bucket " + shown(name));
  return parts_.buckets.open(name);
}

Status S3::serve_bucket(const http::Request& request, const Place& place, const http::Responder& responder) {
  if (request.method == http::Method::put) {
    for (const char* other : {"acl", "policy", "versioning", "lifecycle", "tagging", "encryption", "cors"}) {
      if (asks_for(request, other))
        return Error(Code::unsupported, std::string("a bucket's ") + other + " cannot be set here");
    }
    TRY(parts_.buckets.open(place.bucket));
    send_empty(responder, 200, {{"Location", "/" + place.bucket}});
    return {};
  }
  TRY(bucket(place.bucket));
  switch (request.method) {
    case http::Method::head:
      send_empty(responder, 200);
      return {};
    case http::Method::get:
      if (asks_for(request, "location")) {
        send_xml(responder, "LocationConstraint", "");
        return {};
      }
      if (asks_for(request, "versioning")) {
        send_xml(responder, "VersioningConfiguration", "");
        return {};
      }
      for (const char* other : {"acl", "policy", "lifecycle", "tagging", "encryption", "cors", "versions", "uploads"}) {
        if (asks_for(request, other))
          return Error(Code::unsupported, std::string("buckets have no ") + other + " here");
      }
      return list_objects(request, place, responder);
    case http::Method::post:
      if (asks_for(request, "delete")) return delete_objects(request, place, responder);
      break;
    default:
      break;
  }
  return Error(Code::unsupported, "this is not done with a bucket here", "docs/guides/aws.md");
}

Status S3::serve_object(const http::Request& request, const Place& place, const http::Responder& responder) {
  for (const char* other : {"acl", "tagging", "retention", "torrent", "select", "restore", "attributes"}) {
    if (asks_for(request, other)) return Error(Code::unsupported, std::string("objects have no ") + other + " here");
  }
  const std::string upload = request.query_value("uploadId").value_or("");
  TRY(bucket(place.bucket));
  switch (request.method) {
    case http::Method::get:
    case http::Method::head: {
      if (upload.empty()) return get_object(request, place, responder);
      TRY_ASSIGN(const auto parts, uploads_.parts(upload));
      std::string inside;
      append_element(inside, "UploadId", upload);
      for (const Uploads::Part& one : parts) {
        inside += "<Part>";
        append_element(inside, "PartNumber", std::to_string(one.number));
        append_element(inside, "ETag", "\"" + one.etag + "\"");
        append_element(inside, "Size", std::to_string(one.size));
        inside += "</Part>";
      }
      send_xml(responder, "ListPartsResult", inside);
      return {};
    }
    case http::Method::put:
      if (!upload.empty()) return put_part(request, responder);
      if (!request.header("x-amz-copy-source").empty()) return copy_object(request, place, responder);
      return put_object(request, place, responder);
    case http::Method::post:
      if (asks_for(request, "uploads")) return begin_upload(place, responder);
      if (!upload.empty()) return complete_upload(request, place, responder);
      break;
    case http::Method::erase: {
      if (!upload.empty()) {
        TRY(uploads_.abort(upload));
      } else {
        TRY_ASSIGN(const auto store, bucket(place.bucket));
        const Status removed = store->remove(place.key);
        if (!removed && removed.error().code != Code::not_found) return removed;  // what is not there is gone
      }
      send_empty(responder, 204);
      return {};
    }
    default:
      break;
  }
  return Error(Code::unsupported, "this is not done with an object here", "docs/guides/aws.md");
}

Status S3::list_buckets(const http::Responder& responder) const {
  TRY_ASSIGN(const std::vector<std::string> names, parts_.buckets.list());
  std::string inside = "<Owner><ID>weir</ID></Owner><Buckets>";
  for (const std::string& name : names) {
    inside += "<Bucket>";
    append_element(inside, "Name", name);
    append_element(inside, "CreationDate", "1970-01-01T00:00:00.000Z");  // folders do not keep it
    inside += "</Bucket>";
  }
  send_xml(responder, "ListAllMyBucketsResult", inside + "</Buckets>");
  return {};
}

Status S3::list_objects(const http::Request& request, const Place& place, const http::Responder& responder) const {
  TRY_ASSIGN(const auto store, bucket(place.bucket));
  TRY_ASSIGN(const ListOrder order, ListOrder::of(request));
  // Whole, as folders have no order of their own to begin in the middle of.
  TRY_ASSIGN(const std::vector<Blob> blobs, store->list(order.prefix));
  send_xml(responder, "ListBucketResult", list_text(place.bucket, order, blobs));
  return {};
}

Status S3::delete_objects(const http::Request& request, const Place& place, const http::Responder& responder) const {
  TRY(check_body(request));
  TRY_ASSIGN(const std::vector<std::string> keys, element_texts(request.body, "Key", kDeletesMax));
  TRY_ASSIGN(const auto store, bucket(place.bucket));
  const bool is_quiet = request.body.find("<Quiet>true</Quiet>") != std::string_view::npos;
  std::string inside;
  for (const std::string& key : keys) {
    const Status removed = store->remove(key);
    if (!removed && removed.error().code != Code::not_found) {
      inside += "<Error>";
      append_element(inside, "Key", key);
      append_element(inside, "Code", s3_error(removed.error(), request).code);
      append_element(inside, "Message", refusal_of(removed.error()).message);
      inside += "</Error>";
    } else if (!is_quiet) {
      inside += "<Deleted>";
      append_element(inside, "Key", key);
      inside += "</Deleted>";
    }
  }
  send_xml(responder, "DeleteResult", inside);
  return {};
}

Status S3::get_object(const http::Request& request, const Place& place, const http::Responder& responder) const {
  TRY_ASSIGN(const auto store, bucket(place.bucket));
  return send_object(request, *store, place.key, responder);
}

Status S3::put_object(const http::Request& request, const Place& place, const http::Responder& responder) {
  TRY(check_body(request));
  TRY_ASSIGN(const auto store, bucket(place.bucket));
  TRY(check_conditions(request, *store, place.key));
  TRY(store->put(place.key, request.body));
  TRY_ASSIGN(const std::string etag, etag_of(*store, place.key));
  send_empty(responder, 200, {{"ETag", etag}});
  return {};
}

Status S3::copy_object(const http::Request& request, const Place& place, const http::Responder& responder) {
  const auto source = http::percent_decode(request.header("x-amz-copy-source"));
  if (!source) return Error(Code::invalid, "x-amz-copy-source is no UTF-8 text");
  const std::string path = source->substr(source->starts_with("/") ? 1 : 0);
  const size_t slash = path.find('/');
  if (slash == std::string::npos) return Error(Code::invalid, "x-amz-copy-source is not BUCKET/KEY");
  TRY(warehouse::ObjectPath::of("s3://" + path));
  TRY_ASSIGN(const auto from, bucket(path.substr(0, slash)));
  TRY_ASSIGN(const auto store, bucket(place.bucket));
  TRY(check_conditions(request, *store, place.key));
  TRY_ASSIGN(const auto source_file, from->open(path.substr(slash + 1)));
  TRY(store->copy(place.key, *source_file));
  TRY_ASSIGN(const auto copied, store->open(place.key));
  std::string inside;
  append_element(inside, "ETag", etag_of(*copied));
  append_element(inside, "LastModified", xml_time(copied->modified_micros()));
  send_xml(responder, "CopyObjectResult", inside);
  return {};
}

Status S3::begin_upload(const Place& place, const http::Responder& responder) {
  TRY_ASSIGN(const std::string id, uploads_.begin(place.bucket, place.key));
  std::string inside;
  append_element(inside, "Bucket", place.bucket);
  append_element(inside, "Key", place.key);
  append_element(inside, "UploadId", id);
  send_xml(responder, "InitiateMultipartUploadResult", inside);
  return {};
}

Status S3::put_part(const http::Request& request, const http::Responder& responder) {
  if (!request.header("x-amz-copy-source").empty())
    return Error(Code::unsupported, "parts are not copied from other objects here");
  TRY(check_body(request));
  const std::string text = request.query_value("partNumber").value_or("");
  int number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size())
    return Error(Code::invalid, "partNumber must be 1 to 10000");
  TRY_ASSIGN(const std::string etag, uploads_.put(request.query_value("uploadId").value_or(""), number, request.body));
  send_empty(responder, 200, {{"ETag", "\"" + etag + "\""}});
  return {};
}

Status S3::complete_upload(const http::Request& request, const Place& place, const http::Responder& responder) {
  TRY_ASSIGN(const auto numbers, element_texts(request.body, "PartNumber", Uploads::kPartsMax));
  TRY_ASSIGN(const auto etags, element_texts(request.body, "ETag", Uploads::kPartsMax));
  if (numbers.size() != etags.size()) return Error(Code::invalid, "each part must have a PartNumber and an ETag");
  std::vector<Uploads::Part> parts;
  for (size_t i = 0; i < numbers.size(); ++i) {
    Uploads::Part one;
    std::from_chars(numbers[i].data(), numbers[i].data() + numbers[i].size(), one.number);
    one.etag = etags[i];
    std::erase(one.etag, '"');
    parts.push_back(std::move(one));
  }
  TRY_ASSIGN(const auto store, bucket(place.bucket));
  TRY(check_conditions(request, *store, place.key));
  TRY(uploads_.complete(request.query_value("uploadId").value_or(""), parts));
  TRY_ASSIGN(const std::string etag, etag_of(*store, place.key));
  std::string inside;
  append_element(inside, "Location", "/" + place.bucket + "/" + place.key);
  append_element(inside, "Bucket", place.bucket);
  append_element(inside, "Key", place.key);
  append_element(inside, "ETag", etag);
  send_xml(responder, "CompleteMultipartUploadResult", inside);
  return {};
}

}  // namespace weir::awsapi
