#include "surface/http/routes/capture.h"

#include <utility>

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/io/compression.h"
#include "surface/http/response_text.h"
#include "surface/http/routes/cors.h"
#include "surface/http/routes/event_reply.h"
#include "surface/http/url.h"

namespace weir::http {

namespace {

using capture::AppliedStream;
using capture::BodyFormat;
using capture::Field;
using capture::FieldType;
using capture::Reply;
using capture::Stream;

constexpr size_t kBodyHereBytes = 256 << 10;   // larger ones would keep the io thread's other clients waiting
constexpr size_t kPackedHereBytes = 16 << 10;  // unpacked at most limits.ratio times as much
constexpr size_t kIdempotencyKeyBytes = 200;

enum class ReplyForm { v1, beacon, pixel };

// Written by the io thread that sends it, so that the journal's thread goes on with the next group.
class EventReply final : public LateResponse {
 public:
  EventReply(Reply reply, ReplyForm form, Headers headers)
      : reply_(std::move(reply)), form_(form), headers_(std::move(headers)) {}

  Response make() override {
    Response response = make_body();
    for (auto& header : headers_) response.headers.push_back(std::move(header));
    return response;
  }

 private:
  Response make_body() const {
    switch (form_) {
      case ReplyForm::v1:
        return v1_reply(reply_);
      case ReplyForm::beacon:
        return beacon_reply(reply_);
      case ReplyForm::pixel:
        return pixel_reply(reply_);
    }
    return v1_reply(reply_);
  }

  const Reply reply_;
  const ReplyForm form_;
  Headers headers_;
};

Status may_write(const Request& request, const Stream& stream) {
  const bool is_public = stream.write == capture::WhoWrites::anyone;
  const bool is_near = request.peer->unix_socket || request.peer->loopback;
  if (is_public && (is_near || stream.public_off_loopback)) return {};
  if (request.caller.may_write(stream.name)) return {};
  if (!request.caller.is_known()) {
    return Error(
        Code::unauthenticated,
        "stream " + stream.name + " takes events" + (is_public ? " of other machines" : "") + " with a write key only",
        "`weir token create --write " + stream.name + "` makes one; send it as `Authorization: Bearer TOKEN`" +
            (is_public ? "; `off_loopback: true` in its declaration opens it to everybody" : ""));
  }
  return Error(Code::denied, "the token " + request.caller.name() + " may not write to stream " + stream.name);
}

Result<Headers> cross_origin_headers(const Request& request, const Stream& stream) {
  return cross_origin_headers(request, stream.cors_origins, "stream " + stream.name + " takes no events");
}

Status check_content_type(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  // text/plain is what sendBeacon says, the form's type what curl -d says; both carry JSON here.
  for (const std::string_view known :
       {"", "application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "text/plain",
        "application/x-www-form-urlencoded", "application/octet-stream"}) {
    if (equal_ignoring_case(type, known)) return {};
  }
  if (type.ends_with("+json")) return {};
  return Error(Code::unsupported, "events of type " + shown(type) + " are not read here",
               "send application/json or application/x-ndjson");
}

// The body as its sender meant it. `storage` holds what was unpacked.
Result<std::string_view> unpacked(const Request& request, const capture::Limits& limits, std::string& storage) {
  const std::string_view encoding = trim(request.header("content-encoding"));
  if (encoding.empty() || equal_ignoring_case(encoding, "identity")) return request.body;
  DecompressLimits decompress;
  decompress.decoded_bytes_max = limits.body_bytes;
  decompress.ratio_max = static_cast<uint64_t>(limits.ratio_max);
  if (equal_ignoring_case(encoding, "gzip") || equal_ignoring_case(encoding, "x-gzip")) {
    TRY_ASSIGN(storage, gunzip(request.body, decompress));
  } else if (equal_ignoring_case(encoding, "zstd")) {
    TRY_ASSIGN(storage, zstd_decompress(request.body, decompress));
  } else {
    return Error(Code::unsupported, "the content encoding " + shown(encoding) + " is not read here",
                 "send gzip, zstd or none");
  }
  return std::string_view(storage);
}

Result<std::string> idempotency_key(const Request& request) {
  const std::string_view key = request.header("idempotency-key");
  if (key.size() > kIdempotencyKeyBytes) {
    return Error(Code::too_large, "the Idempotency-Key has " + std::to_string(key.size()) + " bytes, allowed are " +
                                      std::to_string(kIdempotencyKeyBytes));
  }
  return std::string(key);
}

// 415 is HTTP's word for a body of a kind that is not read; our table has none of its own.
void refuse_media(const Responder& responder, const Error& error, ErrorShape shape, Headers headers) {
  Response response = error_response(error, {.sees_internals = false, .shape = shape, .request_id = {}});
  response.status = 415;
  response.kind = HeadKind::event;
  response.headers = std::move(headers);
  responder.send(std::move(response));
}

bool is_json_number(const std::string& text) {
  const auto parsed = Json::parse(text);
  return parsed && parsed->is_number() && trim(text).size() == text.size();
}

// A query's text as the JSON value that the field's type asks for; what does not read as one stays text, and is judged
// as such.
std::string typed_value(const Field* field, const std::string& text) {
  bool as_it_is = false;
  switch (field ? field->type : FieldType::string) {
    case FieldType::boolean:
      as_it_is = text == "true" || text == "false";
      break;
    case FieldType::integer:
    case FieldType::number:
    case FieldType::decimal:
      as_it_is = is_json_number(text);
      break;
    case FieldType::json:
    case FieldType::object:
    case FieldType::array:
      as_it_is = Json::parse(text).has_value();
      break;
    case FieldType::string:
    case FieldType::uuid:
    case FieldType::timestamp:
    case FieldType::date:
      break;
  }
  if (as_it_is) return text;
  std::string quoted;
  Json::append_quoted(quoted, text);
  return quoted;
}

std::string event_of_query(const Stream& stream, std::string_view query) {
  std::string event = "{";
  for (const auto& [name, value] : query_pairs(query)) {
    if (event.size() > 1) event += ',';
    Json::append_quoted(event, name);
    event += ':';
    event += typed_value(stream.find(name), value);
  }
  event += '}';
  return event;
}

}  // namespace

EventRoutes::EventRoutes(capture::Capture& capture, const capture::Limits& limits, std::vector<std::string> mounts)
    : capture_(capture), limits_(limits), mounts_(std::move(mounts)), beacons_(std::make_shared<const Beacons>()) {}

std::shared_ptr<const EventRoutes::Beacons> EventRoutes::beacons() const {
  MutexLock lock(mutex_);
  return beacons_;
}

std::vector<std::string> EventRoutes::endpoints(const Stream& stream) const {
  std::vector<std::string> paths;
  if (stream.beacon) {
    for (const std::string& mount : mounts_) paths.push_back(mount + stream.beacon->path);
  }
  paths.push_back("/v1/streams/" + stream.name);
  return paths;
}

void EventRoutes::set_streams(const std::vector<AppliedStream>& streams) {
  std::map<std::string, const Stream*> by_name;
  for (const AppliedStream& applied : streams) by_name.emplace(applied.stream->name, applied.stream.get());
  auto beacons = std::make_shared<Beacons>();
  for (const auto& [name, stream] : by_name) {
    if (!stream->beacon) continue;
    for (const std::string& mount : mounts_) beacons->emplace(mount + stream->beacon->path, name);
  }
  MutexLock lock(mutex_);
  beacons_ = std::move(beacons);
}

void EventRoutes::add_to(Router& router) {
  Route post;
  post.method = Method::post;
  post.pattern = "/v1/streams/{name}";
  post.access = Access::events;
  post.runs = Runs::on_io;
  post.summary = "Takes events of a stream: an object, an array or NDJSON.";
  post.body_bytes_max = limits_.body_bytes;
  post.io_body_bytes_max = kBodyHereBytes;
  post.io_encoded_bytes_max = kPackedHereBytes;
  post.cross_origin = true;
  post.handler = [this](Request& request, const Responder& responder) {
    take(request, responder, BodyFormat::any_json);
  };
  Route beacon = post;
  beacon.pattern = "{mount}{beacon}";
  beacon.summary = "Takes a batch of events as the seed's beacon endpoints did.";
  beacon.errors = ErrorShape::text;
  beacon.handler = [this](Request& request, const Responder& responder) {
    take(request, responder, BodyFormat::batch);
  };
  Route check = post;
  check.method = Method::options;
  check.summary = "Tells a browser whether pages of its origin may send events.";
  check.body_bytes_max = 0;
  check.handler = [this](Request& request, const Responder& responder) { preflight(request, responder); };
  Route check_beacon = check;
  check_beacon.pattern = beacon.pattern;
  Route pixel = post;
  pixel.method = Method::get;
  pixel.pattern = "/v1/streams/{name}/pixel.gif";
  pixel.summary = "Takes one event whose fields are in the query, and answers with a picture of one pixel.";
  pixel.body_bytes_max = 0;
  pixel.handler = [this](Request& request, const Responder& responder) { take_pixel(request, responder); };
  router.add(std::move(post));
  router.add(std::move(check));
  router.add(std::move(pixel));
  post_beacon_ = &router.keep(std::move(beacon));
  preflight_beacon_ = &router.keep(std::move(check_beacon));
  router.add_resolver([this](Method method, std::string_view path, std::vector<Method>& allowed) {
    return resolve(method, path, allowed);
  });
}

const Route* EventRoutes::resolve(Method method, std::string_view path, std::vector<Method>& allowed) const {
  const auto known = beacons();
  if (known->find(path) == known->end()) return nullptr;
  if (method == Method::post) return post_beacon_;
  if (method == Method::options) return preflight_beacon_;
  allowed = {Method::post, Method::options};
  return nullptr;
}

Result<AppliedStream> EventRoutes::stream_of(const Request& request) const {
  if (const std::string_view name = request.parameter("name"); !name.empty()) return capture_.find(name);
  const auto known = beacons();
  const auto found = known->find(request.path);
  if (found == known->end()) return Error(Code::not_found, "there is nothing at this path");
  return capture_.find(found->second);
}

void EventRoutes::take(Request& request, const Responder& responder, BodyFormat format) {
  const Result<AppliedStream> stream = stream_of(request);
  if (!stream) return responder.fail(stream.error());
  Result<Headers> headers = cross_origin_headers(request, *stream->stream);
  if (!headers) return responder.fail(headers.error());
  if (const Status allowed = may_write(request, *stream->stream); !allowed)
    return responder.fail(allowed.error(), *headers);
  // The seed never looked at the type.
  if (format != BodyFormat::batch) {
    if (const Status readable = check_content_type(request.header("content-type")); !readable) {
      return refuse_media(responder, readable.error(), ErrorShape::object, std::move(*headers));
    }
  }
  std::string storage;
  const Result<std::string_view> body = unpacked(request, limits_, storage);
  if (!body && body.error().code == Code::unsupported) {
    const ErrorShape shape = format == BodyFormat::batch ? ErrorShape::text : ErrorShape::object;
    return refuse_media(responder, body.error(), shape, std::move(*headers));
  }
  if (!body) return responder.fail(body.error(), *headers);
  Result<std::string> key = idempotency_key(request);
  if (!key) return responder.fail(key.error(), *headers);
  capture::Submission submission;
  submission.body = *body;
  submission.format = format;
  submission.idempotency_key = std::move(*key);
  const ReplyForm form = format == BodyFormat::batch ? ReplyForm::beacon : ReplyForm::v1;
  const Status taken = capture_.submit(*stream, submission, [responder, form, headers = *headers](Reply reply) {
    responder.send(std::make_unique<EventReply>(std::move(reply), form, headers));
  });
  if (!taken) responder.fail(taken.error(), std::move(*headers));
}

void EventRoutes::take_pixel(Request& request, const Responder& responder) {
  const Result<AppliedStream> stream = stream_of(request);
  if (!stream) return responder.fail(stream.error());
  Result<Headers> headers = cross_origin_headers(request, *stream->stream);
  if (!headers) return responder.fail(headers.error());
  if (const Status allowed = may_write(request, *stream->stream); !allowed)
    return responder.fail(allowed.error(), *headers);
  const std::string event = event_of_query(*stream->stream, request.query);
  capture::Submission submission;
  submission.body = event;
  const Status taken = capture_.submit(*stream, submission, [responder, headers = *headers](Reply reply) {
    responder.send(std::make_unique<EventReply>(std::move(reply), ReplyForm::pixel, headers));
  });
  if (!taken) responder.fail(taken.error(), std::move(*headers));
}

void EventRoutes::preflight(Request& request, const Responder& responder) {
  const Result<AppliedStream> stream = stream_of(request);
  if (!stream) return responder.fail(stream.error());
  Result<Headers> headers = cross_origin_headers(request, *stream->stream);
  if (!headers) return responder.fail(headers.error());
  responder.send(preflight_reply(std::move(*headers), "POST, OPTIONS",
                                 "Authorization, Content-Encoding, Content-Type, Idempotency-Key"));
}

}  // namespace weir::http
