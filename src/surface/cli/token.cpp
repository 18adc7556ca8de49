#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

int create(Context& context, const std::vector<std::string>& write, bool read,
           const std::vector<std::string>& endpoints, bool admin, const std::string& user, const std::string& label,
           const std::string& expires, bool access_key) {
  if ((write.empty() ? 0 : 1) + (read ? 1 : 0) + (admin ? 1 : 0) + (user.empty() ? 0 : 1) != 1) {
    return report(Error(Code::invalid, "a token has one role, or a user",
                        "weir token create --write STREAM | --read | --admin | --user NAME"));
  }
  Json body{Json::Object{}};
  if (user.empty()) {
    body.set("role", admin ? "admin" : read ? "read" : "write");
  } else {
    body.set("user", user);
  }
  Json streams{Json::Array{}};
  for (const auto& stream : write) streams.push(stream);
  body.set("streams", std::move(streams));
  if (!endpoints.empty()) {
    if (!read)
      return report(
          Error(Code::invalid, "--endpoint belongs to a read token", "weir token create --read --endpoint NAME"));
    Json names{Json::Array{}};
    for (const auto& endpoint : endpoints) names.push(endpoint);
    body.set("endpoints", std::move(names));
  }
  body.set("label", label);
  if (!expires.empty()) body.set("expires_in", expires);
  if (access_key) body.set("access_key", true);
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto made = call_json(**backend, {.method = "POST", .path = "/v1/tokens", .body = body.dump()});
  if (!made) return report(made.error());
  if (context.common.json) {
    std::cout << made->dump(2) << "\n";
  } else if (access_key) {
    std::printf("aws_access_key_id = %s\naws_secret_access_key = %s\n", (*made)["access_key_id"].as_string().c_str(),
                (*made)["token"].as_string().c_str());
    std::fprintf(stderr, "shown once, for ~/.aws/credentials; its name is %s (weir token revoke %s)\n",
                 (*made)["id"].as_string().c_str(), (*made)["id"].as_string().c_str());
  } else {
    std::printf("%s\n", (*made)["token"].as_string().c_str());
    std::fprintf(stderr, "shown once; its name is %s (weir token revoke %s)\n", (*made)["id"].as_string().c_str(),
                 (*made)["id"].as_string().c_str());
  }
  return kDone;
}

int list(Context& context) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto tokens = call_json(**backend, {.path = "/v1/tokens"});
  if (!tokens) return report(tokens.error());
  if (context.common.json) {
    std::cout << tokens->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"id",      "role",    "user",      "of",       "access key", "label",
                  "created", "expires", "last used", "requests", "state"};
  for (const Json& token : (*tokens)["tokens"].array()) {
    std::string streams;
    for (const char* of : {"streams", "endpoints"}) {
      for (const Json& name : token[of].array()) streams += (streams.empty() ? "" : ",") + name.as_string();
    }
    table.rows.push_back({token["id"].as_string(), token["role"].as_string(), token["user"].as_string(), streams,
                          token["access_key_id"].as_string(), token["label"].as_string(),
                          token["created_at"].as_string(), token["expires_at"].as_string(),
                          token["last_used_at"].as_string(), std::to_string(token["requests"].as_int()),
                          token["revoked"].as_bool() ? "revoked" : "valid"});
  }
  std::cout << render(table, context.common.colour);
  return kDone;
}

int revoke(Context& context, const std::string& id) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto done = call_json(**backend, {.method = "DELETE", .path = "/v1/tokens/" + url_encode(id)});
  return done ? kDone : report(done.error());
}

}  // namespace

void add_token(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("token", "Keys for programs: who may write, read, administer");
  group->require_subcommand(1);
  auto* make = group->add_subcommand("create", "Make a token and print it, once");
  auto write = std::make_shared<std::vector<std::string>>();
  auto read = std::make_shared<bool>(false);
  auto endpoints = std::make_shared<std::vector<std::string>>();
  auto admin = std::make_shared<bool>(false);
  auto user = std::make_shared<std::string>();
  auto label = std::make_shared<std::string>();
  auto expires = std::make_shared<std::string>();
  auto access_key = std::make_shared<bool>(false);
  make->add_option("--write", *write, "May send events to this stream; can be given several times");
  make->add_flag("--read", *read, "May query and look, change nothing");
  make->add_option("--endpoint", *endpoints,
                   "With --read: may read this endpoint and nothing else; several times for more");
  make->add_flag("--admin", *admin, "May do everything");
  make->add_option("--user", *user, "May do what this user may; what it runs is the user's");
  make->add_option("--label", *label, "What it is for");
  make->add_option("--expires-in", *expires, "For example 30d");
  make->add_flag("--access-key", *access_key,
                 "Also for clients of AWS, which sign with it: the text is kept, sealed, on the server");
  make->callback([=, &context] {
    context.exit_code = create(context, *write, *read, *endpoints, *admin, *user, *label, *expires, *access_key);
  });
  group->add_subcommand("list", "All tokens, without their texts")->callback([&context] {
    context.exit_code = list(context);
  });
  auto* remove = group->add_subcommand("revoke", "End a token at once");
  auto id = std::make_shared<std::string>();
  remove->add_option("ID", *id)->required();
  remove->callback([&context, id] { context.exit_code = revoke(context, *id); });
}

}  // namespace weir::cli
