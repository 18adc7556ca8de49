#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

struct Options {
  std::string since, until, user, kind, outcome;
  int limit = 100;
};

// One line an event, whatever a statement says.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool is_blank = static_cast<unsigned char>(c) < 32 || c == ' ';
    if (!is_blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

int show(Context& context, const Options& options) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  std::string path = "/v1/audit?limit=" + std::to_string(options.limit);
  if (!options.since.empty()) path += "&since=" + url_encode(options.since);
  if (!options.until.empty()) path += "&until=" + url_encode(options.until);
  if (!options.outcome.empty()) path += "&outcome=" + url_encode(options.outcome);
  if (!options.user.empty()) path += "&user=" + url_encode(options.user);
  if (!options.kind.empty()) path += "&kind=" + url_encode(options.kind);
  const auto audit = call_json(**backend, {.path = path});
  if (!audit) return report(audit.error());
  const Json::Array& entries = (*audit)["entries"].array();
  // Oldest first: the newest stand last on a terminal, and programs read lines as they happened.
  for (auto one = entries.rbegin(); one != entries.rend(); ++one) {
    if (context.common.json) {
      std::cout << one->dump() << "\n";
      continue;
    }
    std::string line = (*one)["at"].as_string() + "  " + (*one)["kind"].as_string() + "  " +
                       (*one)["user"].as_string() + "  " + (*one)["outcome"].as_string() + "  " +
                       one_line((*one)["what"].as_string());
    if (!(*one)["peer"].as_string().empty()) line += "  from " + (*one)["peer"].as_string();
    if ((*one)["error"].is_string()) line += "  (" + one_line((*one)["error"].as_string()) + ")";
    std::cout << line << "\n";
  }
  return kDone;
}

}  // namespace

void add_audit(CLI::App& app, Context& context) {
  auto* audit = app.add_subcommand("audit", "Who did what: statements, sign-ins, changes of rights; one line an event");
  auto options = std::make_shared<Options>();
  audit->add_option("--since", options->since, "From this time on: 2h, 7d, or 2026-11-20T08:00:00Z");
  audit->add_option("--until", options->until, "Before this time");
  audit->add_option("--outcome", options->outcome, "done, failed, cancelled or timed_out");
  audit->add_option("--user", options->user, "Of this user only");
  audit->add_option("--kind", options->kind,
                    "read, change, define, rights, user, session, token, sign_in, sign_in_failed or sign_out");
  audit->add_option("--limit", options->limit, "The newest so many")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  audit->callback([options, &context] { context.exit_code = show(context, *options); });
}

}  // namespace weir::cli
