// weir topic, weir notify, weir outbox: who is told, whether it arrives, and what is on its way.
#include <cstdio>
#include <iostream>

#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

std::string time_shown(const Json& time) {
  const auto micros = parse_timestamp(time.as_string());
  return micros ? shown_time(*micros / 1'000'000 * 1'000'000) : std::string();
}

std::string listed(const Json& texts) {
  std::string out;
  for (const Json& one : texts.array()) out += (out.empty() ? "" : ", ") + one.as_string();
  return out;
}

// Asks, prints as JSON if that is wanted, else with `print`.
void ask(Context& context, const ApiRequest& request, const std::function<void(const Json&)>& print) {
  auto backend = context.wiring.open(context.common);
  auto answer = backend ? call_json(**backend, request) : Result<Json>(backend.error());
  if (!answer) {
    context.exit_code = report(answer.error());
  } else if (context.common.json) {
    std::cout << answer->dump(2) << "\n";
  } else {
    print(*answer);
  }
}

std::string filter_of(const Json& one) {
  std::string out = listed(one["severity"]);
  if (const std::string names = listed(one["names"]); !names.empty()) out += (out.empty() ? "" : "; ") + names;
  return out;
}

std::string times_of(const Json& one) {
  std::string out;
  const auto add = [&](const std::string& words) { out += (out.empty() ? "" : "; ") + words; };
  if (!one["digest"].as_string().empty()) add("digest " + one["digest"].as_string());
  const Json& quiet = one["quiet_hours"];
  if (quiet.is_object()) {
    add("quiet " + quiet["from"].as_string() + " to " + quiet["to"].as_string() + " " + quiet["zone"].as_string());
  }
  if (one["deduplicate"].is_string()) add("deduplicate " + one["deduplicate"].as_string());
  return out;
}

void print_topic(const Json& topic, bool colour) {
  std::printf("topic        %s\n", topic["name"].as_string().c_str());
  if (!topic["description"].as_string().empty())
    std::printf("             %s\n", topic["description"].as_string().c_str());
  if (!topic["through"].as_string().empty()) std::printf("mails by     %s\n", topic["through"].as_string().c_str());
  TextTable table;
  table.header = {"told", "by", "only", "when", "id"};
  for (const Json& one : topic["subscriptions"].array()) {
    const std::string to = listed(one["to"]);
    table.rows.push_back({to.empty() ? one["channel"].as_string() : to, one["channel"].as_string(), filter_of(one),
                          times_of(one), "declared"});
  }
  for (const Json& one : topic["subscribers"].array()) {
    table.rows.push_back(
        {one["mail"].as_string(), one["state"].as_string(), filter_of(one), "", one["id"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("nobody is told of it\n");
  } else {
    std::cout << render(table, colour, true);
  }
}

void print_topics(const Json& answer, bool colour) {
  TextTable table;
  table.header = {"topic", "declared", "by mail", "not confirmed", "what for"};
  table.right = {false, true, true, true, false};
  for (const Json& one : answer["topics"].array()) {
    size_t unconfirmed = 0;
    for (const Json& mail : one["subscribers"].array()) unconfirmed += mail["state"].as_string() == "unconfirmed";
    const size_t all = one["subscribers"].array().size();
    table.rows.push_back({one["name"].as_string(), std::to_string(one["subscriptions"].array().size()),
                          std::to_string(all - unconfirmed), std::to_string(unconfirmed),
                          one["description"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("no topics yet: declare them in alerts/<name>.yaml\n");
    return;
  }
  std::cout << render(table, colour, true);
}

void print_sent(const Json& answer) {
  const auto& ids = answer["deliveries"].array();
  if (ids.empty()) std::printf("nobody is told: every filter leaves it out\n");
  for (const Json& id : ids) std::printf("in the outbox: %s\n", id.as_string().c_str());
}

void print_outbox(const Json& answer, bool colour) {
  TextTable table;
  table.header = {"delivery", "channel", "state", "attempts", "created", "due", "what", "error"};
  table.right = {false, false, false, true, false, false, false, false};
  for (const Json& one : answer["deliveries"].array()) {
    table.rows.push_back({one["id"].as_string(), one["channel"].as_string(), one["state"].as_string(),
                          std::to_string(one["attempts"].as_int()), time_shown(one["created_at"]),
                          time_shown(one["due_at"]), one["subject"].as_string(), one["error"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("no deliveries\n");
  } else {
    std::cout << render(table, colour, true);
  }
}

void print_delivery(const Json& one) {
  std::printf("delivery %s to %s is %s after %lld attempts%s%s\n", one["id"].as_string().c_str(),
              one["channel"].as_string().c_str(), one["state"].as_string().c_str(),
              static_cast<long long>(one["attempts"].as_int()), one["error"].is_null() ? "" : ": ",
              one["error"].as_string().c_str());
}

struct Wanted {
  std::string name, kind, address, state, channel;
  std::vector<std::string> severities, names;
  int limit = 100;
};

void subscribe(Context& context, const Wanted& wanted) {
  Json body{Json::Object{}};
  Json severities{Json::Array{}}, names{Json::Array{}};
  for (const std::string& one : wanted.severities) severities.push(one);
  for (const std::string& one : wanted.names) names.push(one);
  body.set("mail", wanted.address);
  body.set("severity", std::move(severities));
  body.set("names", std::move(names));
  ask(context,
      {.method = "POST", .path = "/v1/topics/" + url_encode(wanted.name) + "/subscriptions", .body = body.dump()},
      [](const Json& made) {
        const bool is_confirmed = made["state"].as_string() == "confirmed";
        std::printf(
            "subscription %s: %s\n", made["id"].as_string().c_str(),
            is_confirmed ? "confirmed already" : "a mail asks whether it is wanted; nothing else is sent before");
      });
}

void add_topic(CLI::App& app, Context& context) {
  auto* topic = app.add_subcommand("topic", "Topics: who is told of what");
  topic->require_subcommand(0, 1);
  auto wanted = std::make_shared<Wanted>();
  const auto list_all = [&context] {
    ask(context, {.path = "/v1/topics"}, [&](const Json& answer) { print_topics(answer, context.common.colour); });
  };
  topic->add_subcommand("list", "All topics; the same as `weir topic`")->callback(list_all);
  topic->callback([topic, list_all] {
    if (topic->get_subcommands().empty()) list_all();
  });
  auto* one = topic->add_subcommand("show", "One topic, and who is told");
  one->add_option("topic", wanted->name, "Its name")->required();
  one->callback([&context, wanted] {
    ask(context, {.path = "/v1/topics/" + url_encode(wanted->name)},
        [&](const Json& answer) { print_topic(answer, context.common.colour); });
  });
  auto* add = topic->add_subcommand("subscribe", "Asks a mail address whether it wants to be told");
  add->add_option("topic", wanted->name, "Its name")->required();
  add->add_option("kind", wanted->kind, "mail")->required()->check(CLI::IsMember({"mail"}));
  add->add_option("address", wanted->address, "ada@shop.example")->required();
  add->add_option("--severity", wanted->severities, "Only these: info, warning, critical")->delimiter(',');
  add->add_option("--names", wanted->names, "Only findings whose key or source fits a pattern")->delimiter(',');
  add->callback([&context, wanted] { subscribe(context, *wanted); });
  auto* remove = topic->add_subcommand("unsubscribe", "Ends a subscription by mail");
  remove->add_option("subscription", wanted->name, "Its id, as `weir topic show` lists it")->required();
  remove->callback([&context, wanted] {
    ask(context, {.method = "DELETE", .path = "/v1/subscriptions/" + url_encode(wanted->name)},
        [](const Json& answer) { std::printf("subscription %s has ended\n", answer["ended"].as_string().c_str()); });
  });
  auto* test = topic->add_subcommand("test", "Sends a test message");
  test->add_option("topic", wanted->name, "Its name")->required();
  test->callback([&context, wanted] {
    ask(context, {.method = "POST", .path = "/v1/topics/" + url_encode(wanted->name) + "/test", .body = "{}"},
        print_sent);
  });
}

void add_notify(CLI::App& app, Context& context) {
  auto* notify = app.add_subcommand("notify", "Channels: whether what is sent arrives");
  notify->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto* test = notify->add_subcommand("test", "Sends a test message to a channel");
  test->add_option("channel", *name, "A channel's name, or a topic's")->required();
  test->callback([&context, name] {
    ask(context, {.method = "POST", .path = "/v1/channels/" + url_encode(*name) + "/test", .body = "{}"}, print_sent);
  });
}

void add_outbox(CLI::App& app, Context& context) {
  auto* outbox = app.add_subcommand("outbox", "What is told to whom: waiting, delivered, given up");
  outbox->require_subcommand(0, 1);
  auto wanted = std::make_shared<Wanted>();
  const auto list_them = [&context, wanted] {
    ask(context,
        {.path = "/v1/outbox?limit=" + std::to_string(wanted->limit) + "&state=" + url_encode(wanted->state) +
                 "&channel=" + url_encode(wanted->channel)},
        [&](const Json& answer) { print_outbox(answer, context.common.colour); });
  };
  auto* list = outbox->add_subcommand("list", "The newest; the same as `weir outbox`");
  list->add_option("--state", wanted->state, "waiting, sending, delivered, given_up or discarded");
  list->add_option("--channel", wanted->channel, "Of one channel");
  list->add_option("--limit", wanted->limit, "At most so many")->capture_default_str();
  list->callback(list_them);
  outbox->callback([outbox, list_them] {
    if (outbox->get_subcommands().empty()) list_them();
  });
  auto* show = outbox->add_subcommand("show", "One delivery");
  show->add_option("delivery", wanted->name, "Its id")->required();
  show->callback(
      [&context, wanted] { ask(context, {.path = "/v1/outbox/" + url_encode(wanted->name)}, print_delivery); });
  for (const auto& [verb, prose] : {std::pair("retry", "Sends it at once, under the same id"),
                                    std::pair("discard", "Does without it: it is not sent any more")}) {
    auto* change = outbox->add_subcommand(verb, prose);
    change->add_option("delivery", wanted->name, "Its id")->required();
    change->callback([&context, wanted, verb = std::string(verb)] {
      ask(context, {.method = "POST", .path = "/v1/outbox/" + url_encode(wanted->name) + "/" + verb, .body = "{}"},
          print_delivery);
    });
  }
}

}  // namespace

void add_notices(CLI::App& app, Context& context) {
  add_topic(app, context);
  add_notify(app, context);
  add_outbox(app, context);
}

}  // namespace weir::cli
