// Topics and who is told of them, the outbox, and the pages that links in mails lead to.
//
// A link of a mail is opened by scanners too: GET only shows what a POST of its button would do.
#include <algorithm>
#include <iterator>
#include <tuple>

#include "core/base/text.h"
#include "platform/notify/subscribers.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"
#include "surface/http/security.h"

namespace weir::http {

namespace {

constexpr int64_t kListed = 100;
constexpr int64_t kListedMax = 1'000;
constexpr std::string_view kStates[] = {"", "waiting", "sending", "delivered", "given_up", "discarded"};

// --- topics ---------------------------------------------------------------------------------------------------------

Json subscription_json(const control::Subscription& one) {
  Json out{Json::Object{}};
  out.set("id", one.id);
  out.set("topic", one.topic);
  out.set("mail", one.address);
  out.set("state", one.is_confirmed ? "confirmed" : "unconfirmed");
  out.set("created_at", json_time(one.created_at.micros));
  out.set("severity", one.body["severity"]);
  out.set("names", one.body["names"]);
  return out;
}

Result<Json> topic_json(notify::Notifier& notifier, const notify::Topic& topic) {
  Json out = notify::to_json(topic);
  TRY_ASSIGN(const auto subscribers, notifier.subscribers().list(topic.name));
  Json listed{Json::Array{}};
  for (const auto& one : subscribers) listed.push(subscription_json(one));
  out.set("subscribers", std::move(listed));
  return out;
}

Result<Json> list_topics(notify::Notifier& notifier) {
  Json topics{Json::Array{}}, channels{Json::Array{}};
  for (const auto& topic : notifier.topics()) {
    TRY_ASSIGN(Json one, topic_json(notifier, topic));
    topics.push(std::move(one));
  }
  for (const auto& state : notifier.channels()) channels.push(state.to_json());
  Json out{Json::Object{}};
  out.set("topics", std::move(topics));
  out.set("channels", std::move(channels));
  return out;
}

Result<Json> subscribe(notify::Notifier& notifier, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"mail", "severity", "names"}));
  TRY_ASSIGN(const std::string address, body.text("mail"));
  notify::Subscription wanted;
  TRY_ASSIGN(const Json::Array severities, body.array_or_empty("severity"));
  for (const Json& word : severities) {
    bool is_known = false;
    for (const auto& [known, severity] : notify::severity_words()) {
      if (known != word.as_string()) continue;
      wanted.severities.push_back(severity);
      is_known = true;
    }
    if (!is_known) return Error(Code::invalid, shown(word.dump()) + " is no severity", "info, warning, critical");
  }
  TRY_ASSIGN(const Json::Array names, body.array_or_empty("names"));
  for (const Json& name : names) {
    if (!name.is_string() || name.as_string().empty() || name.as_string().size() > 200 || names.size() > 50) {
      return Error(Code::invalid, "'names' must be an array of at most 50 patterns of 1 to 200 bytes");
    }
    wanted.names.push_back(name.as_string());
  }
  TRY_ASSIGN(const auto made, notifier.subscribers().subscribe(request.parameter("topic"), address, wanted));
  return subscription_json(made);
}

Result<Json> send_test(notify::Notifier& notifier, const std::string& name, const Request& request) {
  notify::Message message;
  message.name = "test";
  message.subject = "Test message";
  message.text = "Sent by " + request.caller.name() + ", to see that it arrives. Nothing has happened.\n";
  message.link = "/alarms";
  TRY_ASSIGN(const auto ids, notifier.submit(message, {name}, "test"));
  Json listed{Json::Array{}};
  for (const std::string& id : ids) listed.push(id);
  return Json(Json::Object{{"deliveries", std::move(listed)}});
}

// --- outbox ---------------------------------------------------------------------------------------------------------

// What it is about, in a line.
std::string subject_of(const control::Delivery& delivery) {
  const Json::Array& items = delivery.body["items"].array();
  if (items.size() != 1) return std::to_string(items.size()) + " notices";
  const Json& item = items.front();
  return item["finding"].is_object() ? item["event"].as_string() + ": " + item["finding"]["what"].as_string()
                                     : item["message"]["subject"].as_string();
}

Json delivery_json(const control::Delivery& delivery) {
  Json out{Json::Object{}};
  out.set("id", delivery.id);
  out.set("channel", delivery.channel);
  out.set("topic", delivery.body["topic"]);
  out.set("to", delivery.body["to"]);
  out.set("state", delivery.state);
  out.set("subject", subject_of(delivery));
  out.set("notices", delivery.body["items"].array().size());
  out.set("attempts", delivery.attempts);
  out.set("error", delivery.error.empty() ? Json() : Json(delivery.error));
  out.set("created_at", json_time(delivery.created_at.micros));
  const bool waits = delivery.state == "waiting";
  out.set("due_at", waits ? Json(json_time(delivery.due_at.micros)) : Json());
  out.set("ended_at", json_time_or_null(delivery.ended_at));
  return out;
}

Result<Json> list_outbox(const notify::Notifier& notifier, const Request& request) {
  TRY_ASSIGN(const int64_t limit, query_integer_or(request, "limit", kListed, {1, kListedMax}));
  control::DeliveryFilter filter;
  filter.limit = static_cast<size_t>(limit);
  filter.state = request.query_value("state").value_or("");
  filter.channel = request.query_value("channel").value_or("");
  filter.before = request.query_value("before").value_or("");
  if (std::find(std::begin(kStates), std::end(kStates), filter.state) == std::end(kStates)) {
    return Error(Code::invalid, shown(filter.state) + " is no state of a delivery",
                 "waiting, sending, delivered, given_up, discarded");
  }
  TRY_ASSIGN(const auto deliveries, notifier.deliveries(filter));
  Json listed{Json::Array{}};
  for (const auto& one : deliveries) listed.push(delivery_json(one));
  return Json(Json::Object{{"deliveries", std::move(listed)}});
}

Result<Json> one_delivery(const notify::Notifier& notifier, const Request& request) {
  TRY_ASSIGN(const auto found, notifier.delivery(request.parameter("delivery")));
  return delivery_json(found);
}

void add_outbox_routes(Router& router, notify::Notifier& notifier) {
  Route route;
  route.access = Access::admin;
  route.pattern = "/v1/outbox";
  route.summary = "What is told to whom, newest first; state=, channel=, before=ID and limit= choose.";
  route.handler = json_answers([&notifier](Request& request) { return list_outbox(notifier, request); });
  router.add(route);
  route.pattern = "/v1/outbox/{delivery}";
  route.summary = "One delivery.";
  route.handler = json_answers([&notifier](Request& request) { return one_delivery(notifier, request); });
  router.add(route);
  route.method = Method::post;
  route.pattern = "/v1/outbox/{delivery}/retry";
  route.summary = "Sends it at once, under the same id; also one that was given up.";
  route.handler = json_answers([&notifier](Request& request) -> Result<Json> {
    TRY(notifier.retry(request.parameter("delivery")));
    return one_delivery(notifier, request);
  });
  router.add(route);
  route.pattern = "/v1/outbox/{delivery}/discard";
  route.summary = "Does without it: it is not sent any more.";
  route.handler = json_answers([&notifier](Request& request) -> Result<Json> {
    TRY(notifier.discard(request.parameter("delivery")));
    return one_delivery(notifier, request);
  });
  router.add(route);
}

// --- the links of mails ---------------------------------------------------------------------------------------------

Response small_page(int status, const std::string& title, const std::string& inner) {
  Response out;
  out.status = status;
  out.kind = HeadKind::page;
  out.content_type = "text/html; charset=utf-8";
  out.headers.emplace_back("Content-Security-Policy", page_policy(""));
  out.headers.emplace_back("Cache-Control", "no-store");
  out.body =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light "
      "dark\"><meta name=\"viewport\" content=\"width=device-width\"><meta name=\"robots\" content=\"noindex\">"
      "<title>" +
      html_escape(title) + "</title><h1>" + html_escape(title) + "</h1>" + inner + "</html>\n";
  return out;
}

Response failed_page(const Error& error) {
  const int status = error.code == Code::not_found ? 404 : 503;
  return small_page(
      status, "This did not work",
      "<p>" + html_escape(error.message) + (error.hint.empty() ? "" : ": " + html_escape(error.hint)) + "</p>");
}

Response link_page(notify::Notifier& notifier, notify::LinkKind kind, const Request& request) {
  const bool confirms = kind == notify::LinkKind::confirm;
  const std::string link = request.query_value("link").value_or("");
  if (request.method != Method::post) {
    const auto found = notifier.subscribers().look(kind, link);
    if (!found) return failed_page(found.error());
    const std::string what = html_escape(found->address) + " and the topic " + html_escape(found->topic);
    return small_page(200, confirms ? "Be told by mail?" : "No more mails?",
                      "<p>" + what + "</p><form method=\"post\"><button type=\"submit\">" +
                          (confirms ? "Yes, tell me" : "No more of this") + "</button></form>");
  }
  const auto done = notifier.subscribers().follow(kind, link);
  if (!done) return failed_page(done.error());
  return small_page(200, confirms ? "You will be told" : "There will be no more mails",
                    "<p>" + html_escape(done->address) + " and the topic " + html_escape(done->topic) + "</p>");
}

void add_link_routes(Router& router, notify::Notifier& notifier) {
  for (const auto& [kind, pattern, what] :
       {std::tuple(notify::LinkKind::confirm, "/subscriptions/confirm", "confirms a subscription by mail"),
        std::tuple(notify::LinkKind::unsubscribe, "/subscriptions/unsubscribe", "ends a subscription by mail")}) {
    Route route;
    route.access = Access::anyone;
    route.pattern = pattern;
    route.summary = std::string("The page of a mail's link that ") + what + "; it changes nothing.";
    route.handler = answers(
        [&notifier, kind = kind](Request& request) -> Result<Response> { return link_page(notifier, kind, request); });
    router.add(route);
    route.method = Method::post;
    route.summary = std::string("What its button does: ") + what + ".";
    router.add(route);
  }
}

}  // namespace

void add_notice_routes(Router& router, notify::Notifier& notifier) {
  Route route;
  route.access = Access::reader;
  route.pattern = "/v1/topics";
  route.summary = "Topics with who is told of them, and the channels.";
  route.handler = json_answers([&notifier](Request&) { return list_topics(notifier); });
  router.add(route);
  route.pattern = "/v1/topics/{topic}";
  route.summary = "One topic.";
  route.handler = json_answers([&notifier](Request& request) -> Result<Json> {
    TRY_ASSIGN(const auto topic, notifier.topic(request.parameter("topic")));
    return topic_json(notifier, topic);
  });
  router.add(route);
  route.method = Method::post;
  route.access = Access::admin;
  route.pattern = "/v1/topics/{topic}/subscriptions";
  route.summary = "Asks an address whether it wants to be told by mail; it is told nothing else until it confirms.";
  route.handler = json_answers([&notifier](Request& request) { return subscribe(notifier, request); });
  router.add(route);
  route.pattern = "/v1/topics/{topic}/test";
  route.summary = "Sends a test message to a topic; answers with the ids of its deliveries.";
  route.handler = json_answers([&notifier](Request& request) -> Result<Json> {
    const std::string name(request.parameter("topic"));
    TRY(notifier.topic(name));
    return send_test(notifier, name, request);
  });
  router.add(route);
  route.pattern = "/v1/channels/{channel}/test";
  route.summary = "The same to a channel.";
  route.handler = json_answers([&notifier](Request& request) {
    return send_test(notifier, std::string(request.parameter("channel")), request);
  });
  router.add(route);
  route.method = Method::erase;
  route.pattern = "/v1/subscriptions/{subscription}";
  route.summary = "Ends a subscription by mail.";
  route.handler = json_answers([&notifier](Request& request) -> Result<Json> {
    TRY(notifier.subscribers().unsubscribe(request.parameter("subscription")));
    return Json(Json::Object{{"ended", std::string(request.parameter("subscription"))}});
  });
  router.add(route);
  add_outbox_routes(router, notifier);
  add_link_routes(router, notifier);
}

}  // namespace weir::http
