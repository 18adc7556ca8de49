#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr size_t kSecretBytesMax = 65'536;

// From a pipe or a prompt, never from the command line: that would show it to everybody on the machine.
Result<std::string> read_secret() {
  std::string value;
  if (isatty(STDIN_FILENO) == 1) {
    char* typed = getpass("value: ");
    if (typed == nullptr) return Error(Code::io, "the terminal gave no value");
    value = typed;
  } else {
    char buffer[4096];
    for (ssize_t got = 0; (got = read(STDIN_FILENO, buffer, sizeof buffer)) > 0 && value.size() <= kSecretBytesMax;) {
      value.append(buffer, static_cast<size_t>(got));
    }
    if (value.ends_with('\n')) value.pop_back();
  }
  if (value.empty()) return Error(Code::invalid, "the secret is empty", "printf %s VALUE | weir secret set NAME");
  if (value.size() > kSecretBytesMax) return Error(Code::too_large, "the secret is larger than 64 KiB");
  return value;
}

int set(Context& context, const std::string& name) {
  auto value = read_secret();
  if (!value) return report(value.error());
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  const std::string body = Json(Json::Object{{"value", *value}}).dump();
  auto done = call_json(**backend, {.method = "PUT", .path = "/v1/secrets/" + url_encode(name), .body = body});
  return done ? kDone : report(done.error());
}

int list(Context& context) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto secrets = call_json(**backend, {.path = "/v1/secrets"});
  if (!secrets) return report(secrets.error());
  if (context.common.json) {
    std::cout << secrets->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"name", "changed"};
  for (const Json& secret : (*secrets)["secrets"].array())
    table.rows.push_back({secret["name"].as_string(), secret["changed_at"].as_string()});
  std::cout << render(table, context.common.colour);
  return kDone;
}

int remove(Context& context, const std::string& name) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto done = call_json(**backend, {.method = "DELETE", .path = "/v1/secrets/" + url_encode(name)});
  return done ? kDone : report(done.error());
}

}  // namespace

void add_secret(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("secret", "Values that declarations name as ${secret:NAME}, kept encrypted");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto* put = group->add_subcommand("set", "Read a value from a prompt or a pipe and keep it");
  put->add_option("NAME", *name)->required();
  put->callback([&context, name] { context.exit_code = set(context, *name); });
  group->add_subcommand("list", "Their names")->callback([&context] { context.exit_code = list(context); });
  auto* rm = group->add_subcommand("rm", "Forget one");
  rm->add_option("NAME", *name)->required();
  rm->callback([&context, name] { context.exit_code = remove(context, *name); });
}

}  // namespace weir::cli
