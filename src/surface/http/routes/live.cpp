// Live windows: what is counted, the rows, and both as they change.
#include "surface/http/live_watch.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

constexpr Duration kCatchUp = seconds(2);
constexpr size_t kKeyTextMax = 8'192;

// ?from= and ?to= as times, for example 2026-11-21T08:00:00Z.
Result<std::optional<EventTime>> time_in(const Request& request, const char* name) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) return std::optional<EventTime>();
  const auto micros = parse_timestamp(*text);
  if (!micros) return Error(Code::invalid, std::string(name) + ": " + micros.error().message, micros.error().hint);
  return std::optional<EventTime>(EventTime{*micros});
}

Error no_key(const live::Declaration& live) {
  if (live.keys.empty()) return Error(Code::invalid, "key: the live windows " + live.name + " have no keys");
  const std::string form = live.keys.size() == 1 ? "key=VALUE"
                                                 : "key=[\"VALUE\", …] with one value for each of " +
                                                       std::to_string(live.keys.size()) + " keys";
  return Error(Code::invalid, "key: that is no key of the live windows " + live.name, "write " + form);
}

// The text itself where there is one key; a JSON array of texts and nulls in any case.
Result<std::optional<live::Key>> key_in(const std::optional<std::string>& text, const live::Declaration& live) {
  if (!text) return std::optional<live::Key>();
  if (live.keys.empty() || text->size() > kKeyTextMax) return no_key(live);
  live::Key out;
  const auto json = Json::parse(*text);
  if (json && json->is_array()) {
    for (const Json& value : json->array()) {
      if (!value.is_string() && !value.is_null()) return no_key(live);
      out.push_back(value.is_null() ? std::nullopt : std::optional<std::string>(value.as_string()));
    }
  } else {
    out.emplace_back(*text);
  }
  if (out.size() != live.keys.size()) return no_key(live);
  return std::optional<live::Key>(std::move(out));
}

struct Asked {
  live::Query query;
  std::string key_text;
};

Result<Asked> asked_in(const Request& request, const live::Declaration& live) {
  Asked out;
  TRY_ASSIGN(out.query.from, time_in(request, "from"));
  TRY_ASSIGN(out.query.to, time_in(request, "to"));
  const auto key = request.query_value("key");
  out.key_text = key ? "=" + *key : "";
  TRY_ASSIGN(out.query.key, key_in(key, live));
  TRY_ASSIGN(const int64_t rows, query_integer_or(request, "limit", static_cast<int64_t>(out.query.rows_max),
                                                  {1, static_cast<int64_t>(live::kReadRowsMax)}));
  out.query.rows_max = static_cast<size_t>(rows);
  return out;
}

Result<live::LiveState> state_of(const live::Live& live, std::string_view name) {
  TRY_ASSIGN(live::Reading reading, live.read(name, {.from = {}, .to = {}, .key = {}, .rows_max = 0}));
  return std::move(reading.state);
}

// Up to the newest acknowledged event, unless that takes longer than somebody should wait: then lag_records says so.
Result<Json> read(live::Live& live, const Request& request) {
  const std::string_view name = request.parameter("name");
  TRY_ASSIGN(const live::LiveState state, state_of(live, name));
  TRY_ASSIGN(const Asked asked, asked_in(request, *state.live));
  static_cast<void>(live.catch_up(kCatchUp));
  TRY_ASSIGN(const live::Reading reading, live.read(name, asked.query));
  return live::reading_json(reading);
}

Status watch(live::Live& live, LiveWatch& watch, const Request& request, const Responder& responder) {
  const std::string_view name = request.parameter("name");
  TRY_ASSIGN(const live::LiveState state, state_of(live, name));
  TRY_ASSIGN(Asked asked, asked_in(request, *state.live));
  LiveWatch::Wanted wanted;
  wanted.name = std::string(name);
  wanted.from = asked.query.from;
  wanted.key = std::move(asked.query.key);
  wanted.key_text = std::move(asked.key_text);
  wanted.seen = live::Version::parse(request.header("last-event-id"));
  Response head;
  head.content_type = "text/event-stream";
  head.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy between must pass each event on at once
  const auto body = responder.stream(std::move(head), {.endless = true, .waiting_bytes_max = 4 << 20});
  static_cast<void>(body->offer(": watching\n\n"));
  if (const Status added = watch.add(std::move(wanted), body); !added) {
    static_cast<void>(body->offer("event: refused\ndata: {\"message\":\"too many watch live windows at once\"}\n\n"));
    body->finish();
  }
  return {};
}

}  // namespace

void add_live_routes(Router& router, live::Live& live, LiveWatch& hub) {
  Route route;
  route.access = Access::reader;
  route.lane = Lane::interactive;
  route.pattern = "/v1/live";
  route.summary = "Live windows: what they measure, how far they are, what did not fit.";
  route.handler = json_answers([&live](Request&) -> Result<Json> {
    static_cast<void>(live.catch_up(kCatchUp));
    Json listed{Json::Array{}};
    for (const auto& state : live.states()) listed.push(live::state_json(state));
    return Json(Json::Object{{"live", std::move(listed)}});
  });
  router.add(route);
  route.pattern = "/v1/live/{name}";
  route.summary = "The windows of one declaration; from, to, key and limit choose.";
  route.handler = json_answers([&live](Request& request) { return read(live, request); });
  router.add(route);
  route.pattern = "/v1/live/{name}/events";
  route.summary = "The same as server-sent events: a snapshot, then what changes; Last-Event-ID resumes.";
  route.handler = [&live, &hub](Request& request, const Responder& responder) {
    if (const Status begun = watch(live, hub, request, responder); !begun) responder.fail(begun.error());
  };
  router.add(route);
}

}  // namespace weir::http
