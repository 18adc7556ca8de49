#include "surface/http/routes/endpoint.h"

#include "core/base/text.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/cors.h"
#include "surface/http/url.h"

namespace weir::http {

namespace {

using endpoint::Endpoint;
using endpoint::Served;
using endpoint::ServedPtr;

Status may_read(const Request& request, const Endpoint& declared) {
  if (declared.read == endpoint::WhoReads::anyone || request.caller.may_read_endpoint(declared.name)) return {};
  if (!request.caller.is_known()) {
    return Error(Code::unauthenticated, "endpoint " + declared.name + " is read with a key only: send it as " +
                                            "`Authorization: Bearer TOKEN`");
  }
  return Error(Code::denied, "the token " + request.caller.name() + " may not read endpoint " + declared.name);
}

Result<endpoint::Asked> asked_by(const Request& request, const std::vector<std::string_view>& values) {
  endpoint::Asked out;
  for (const std::string_view value : values) {
    auto decoded = percent_decode(value);
    if (!decoded) return Error(Code::invalid, "the request's path has an escape that is not UTF-8 text");
    out.path.push_back(std::move(*decoded));
  }
  out.query = query_pairs(request.query);
  return out;
}

std::string cache_control(const Endpoint& declared) {
  const std::string who = declared.read == endpoint::WhoReads::anyone ? "public" : "private";
  const int64_t seconds = declared.cache.micros / 1'000'000;
  return seconds == 0 ? who + ", no-cache" : who + ", max-age=" + std::to_string(seconds);
}

Response reply_of(const Endpoint& declared, endpoint::Answered answered, Headers cross_origin) {
  Response response;
  response.status = answered.is_unchanged ? 304 : 200;
  response.body = std::move(answered.body);
  response.kind = HeadKind::open;
  response.headers = std::move(cross_origin);
  if (!response.headers.empty()) {
    response.headers.emplace_back("Access-Control-Expose-Headers", "ETag");
  } else if (!declared.cors_origins.empty() && declared.cors_origins.front() != "*") {
    response.headers.emplace_back("Vary", "Origin");  // another page's answer has headers that this one lacks
  }
  response.headers.emplace_back("ETag", std::move(answered.tag));
  response.headers.emplace_back("Cache-Control", cache_control(declared));
  if (declared.read == endpoint::WhoReads::key) response.headers.emplace_back("Vary", "Authorization");
  return response;
}

void count(const endpoint::Meters& meters, const Error& error) {
  const bool is_ours = error.code == Code::unavailable || error.code == Code::io || error.code == Code::internal;
  (is_ours ? meters.unavailable : meters.refused).add();
}

Json declared_json(const Endpoint& declared) {
  Json out = endpoint::to_json(declared);
  out.object().erase(out.object().begin());  // its format is the database's business
  return out;
}

Json partitions_json(const Served& served) {
  Json out(Json::Array{});
  for (const endpoint::PartitionIndex& one : served.partitions) {
    const bool is_there = one.file != nullptr && !one.file->is_damaged();
    out.push(Json::Object{{"partition", flow::partition_text(one.day)},
                          {"state", is_there ? "ready" : "building"},
                          {"rows", is_there ? Json(one.file->summary().rows) : Json()},
                          {"keys", is_there ? Json(one.file->summary().keys) : Json()},
                          {"bytes", is_there ? Json(one.file->bytes()) : Json()},
                          {"in_memory", is_there && one.file->is_resident()}});
  }
  return out;
}

}  // namespace

EndpointRoutes::EndpointRoutes(endpoint::Endpoints& endpoints, const Clock& clock, std::vector<std::string> mounts)
    : endpoints_(endpoints), clock_(clock), mounts_(std::move(mounts)), places_(std::make_shared<const Places>()) {}

std::shared_ptr<const EndpointRoutes::Places> EndpointRoutes::places() const {
  MutexLock lock(mutex_);
  return places_;
}

std::vector<std::string> EndpointRoutes::paths_of(const Endpoint& declared) const {
  std::vector<std::string> out;
  for (const std::string& mount : mounts_) out.push_back(mount + declared.path);
  return out;
}

void EndpointRoutes::refresh() {
  auto places = std::make_shared<Places>();
  for (const auto& [name, served] : *endpoints_.all()) {
    for (const std::string& path : paths_of(*served->endpoint)) places->push_back({endpoint::path_parts(path), name});
  }
  MutexLock lock(mutex_);
  places_ = std::move(places);
}

void EndpointRoutes::add_to(Router& router) {
  Route get;
  get.pattern = "{mount}{endpoint}";
  get.access = Access::endpoint;
  get.runs = Runs::on_io;
  get.summary = "Answers a declared endpoint from its derived table.";
  get.body_bytes_max = 0;
  get.cross_origin = true;
  get.errors = ErrorShape::text;
  get.handler = [this](Request& request, const Responder& responder) { take(request, responder); };
  Route check = get;
  check.method = Method::options;
  check.summary = "Tells a browser whether pages of its origin may read the endpoint.";
  check.handler = [this](Request& request, const Responder& responder) { preflight(request, responder); };
  get_ = &router.keep(std::move(get));
  preflight_ = &router.keep(std::move(check));
  router.add_resolver([this](Method method, std::string_view path, std::vector<Method>& allowed) {
    return resolve(method, path, allowed);
  });
  add_lists(router);
}

void EndpointRoutes::add_lists(Router& router) {
  Route route;
  route.pattern = "/v1/endpoints";
  route.summary = "Declared endpoints: where they answer, from which table, how fresh and how fast.";
  route.handler = json_answers([this](Request&) -> Result<Json> {
    Json listed{Json::Array{}};
    for (const auto& [name, served] : *endpoints_.all()) listed.push(state_json(*served));
    return Json(Json::Object{{"endpoints", std::move(listed)}});
  });
  router.add(route);
  route.pattern = "/v1/endpoints/{name}";
  route.summary = "One endpoint with its declaration and the indexes of its partitions.";
  route.handler = json_answers([this](Request& request) -> Result<Json> {
    const std::string_view name = request.parameter("name");
    const auto all = endpoints_.all();
    const auto found = all->find(name);
    if (found == all->end()) {
      std::vector<std::string> known;
      for (const auto& [other, served] : *all) known.push_back(other);
      return Error(Code::not_found, "there is no endpoint " + shown(name), did_you_mean(name, known));
    }
    Json out = state_json(*found->second);
    out.set("declaration", declared_json(*found->second->endpoint));
    out.set("indexes", partitions_json(*found->second));
    return out;
  });
  router.add(route);
}

Json EndpointRoutes::state_json(const Served& served) const {
  Json out = endpoints_.state_json(served);
  Json paths{Json::Array{}};
  for (const std::string& path : paths_of(*served.endpoint)) paths.push(path);
  out.set("paths", std::move(paths));
  return out;
}

ServedPtr EndpointRoutes::served_at(std::string_view path, std::vector<std::string_view>& values) const {
  const auto known = places();
  for (const Place& place : *known) {
    auto found = endpoint::match_path(place.pattern, path);
    if (!found) continue;
    values = std::move(*found);
    return endpoints_.find(place.name);
  }
  return nullptr;
}

const Route* EndpointRoutes::resolve(Method method, std::string_view path, std::vector<Method>& allowed) const {
  std::vector<std::string_view> values;
  if (!served_at(path, values)) return nullptr;
  if (method == Method::get) return get_;
  if (method == Method::options) return preflight_;
  allowed = {Method::get, Method::head, Method::options};
  return nullptr;
}

void EndpointRoutes::take(Request& request, const Responder& responder) {
  const int64_t began = clock_.steady_micros();
  std::vector<std::string_view> values;
  const ServedPtr served = served_at(request.path, values);
  if (!served) return responder.fail(Error(Code::not_found, "there is nothing at this path"));
  const Endpoint& declared = *served->endpoint;
  const auto refuse = [&](const Error& error, Headers headers) {
    count(*served->meters, error);
    responder.fail(error, std::move(headers));
  };
  Result<Headers> headers =
      cross_origin_headers(request, declared.cors_origins, "endpoint " + declared.name + " answers no requests");
  if (!headers) return refuse(headers.error(), {});
  if (const Status allowed = may_read(request, declared); !allowed) return refuse(allowed.error(), std::move(*headers));
  const auto asked = asked_by(request, values);
  if (!asked) return refuse(asked.error(), std::move(*headers));
  auto answered = endpoints_.answer(*served, *asked, request.header("if-none-match"));
  if (!answered) return refuse(answered.error(), std::move(*headers));
  (answered->is_unchanged ? served->meters->unchanged : served->meters->answered).add();
  responder.send(reply_of(declared, std::move(*answered), std::move(*headers)));
  served->meters->seconds.observe(static_cast<double>(clock_.steady_micros() - began) / 1e6);
}

void EndpointRoutes::preflight(Request& request, const Responder& responder) {
  std::vector<std::string_view> values;
  const ServedPtr served = served_at(request.path, values);
  if (!served) return responder.fail(Error(Code::not_found, "there is nothing at this path"));
  Result<Headers> headers = cross_origin_headers(request, served->endpoint->cors_origins,
                                                 "endpoint " + served->endpoint->name + " answers no requests");
  if (!headers) return responder.fail(headers.error());
  responder.send(preflight_reply(std::move(*headers), "GET, HEAD, OPTIONS", "Authorization, If-None-Match"));
}

}  // namespace weir::http
