#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/interrupt.h"
#include "surface/cli/load_report.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr uint64_t kTokenFileBytesMax = 4096;

struct LoadFlags {
  std::string file, url, duration;
  double rate = -1, duplicates = -1, malformed = -1, late = -1;
  int connections = 0;
  bool check = false;
};

Status apply_flags(const LoadFlags& flags, loadgen::LoadOptions& options) {
  if (!flags.url.empty()) options.base_url = flags.url;
  if (!flags.duration.empty()) {
    TRY_ASSIGN(options.duration, parse_duration(flags.duration));
  }
  if (flags.rate >= 0) options.rate = flags.rate;
  if (flags.duplicates >= 0) options.duplicates = flags.duplicates;
  if (flags.malformed >= 0) options.malformed = flags.malformed;
  if (flags.late >= 0) options.late = flags.late;
  if (flags.connections > 0) options.connections = flags.connections;
  return {};
}

int check(Context& context, const loadgen::Summary& summary, Json& out) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  int code = kDone;
  for (const bool clicks : {false, true}) {
    const std::string table = clicks ? "clicks" : "impressions";
    auto found = check_ids(**backend, table, clicks ? "click_id" : "impression_id",
                           clicks ? summary.click_ids : summary.impression_ids);
    if (!found) return report(found.error());
    out.set(
        table,
        Json(Json::Object{
            {"asked", found->asked}, {"once", found->once}, {"missing", found->missing}, {"doubled", found->doubled}}));
    if (!context.common.json) {
      std::printf("check %-11s %s acknowledged: %s there once, %s missing, %s doubled\n", table.c_str(),
                  with_commas(found->asked).c_str(), with_commas(found->once).c_str(),
                  with_commas(found->missing).c_str(), with_commas(found->doubled).c_str());
    }
    if (found->once != found->asked) code = kFailed;
  }
  return code;
}

int run_command(Context& context, const LoadFlags& flags) {
  loadgen::LoadOptions options;
  if (!flags.file.empty()) {
    auto text = read_file(real_files(), flags.file, 1u << 20);
    if (!text) return report(text.error());
    std::vector<Error> errors;
    options = loadgen::read_options(
        *text, flags.file,
        [](std::string_view name) -> std::optional<std::string> {
          const char* value = std::getenv(std::string(name).c_str());
          return value == nullptr ? std::nullopt : std::optional<std::string>(value);
        },
        errors);
    for (const auto& error : errors) (void)report(error);
    if (!errors.empty()) return kWrongUse;
  }
  auto flagged = apply_flags(flags, options);
  if (!flagged) return report(flagged.error());
  options.token = context.common.token;
  if (!context.common.token_file.empty()) {
    auto token = read_file(real_files(), context.common.token_file, kTokenFileBytesMax);
    if (!token) return report(token.error());
    options.token = token->substr(0, token->find_first_of("\r\n"));
  }
  options.keep_ids = flags.check;
  Interrupt interrupt;
  auto summary = run_load(options, [&] { return interrupt.asked(); });
  if (!summary) return report(summary.error());
  if (!context.common.json) print_load(*summary, options);
  Json out = load_to_json(*summary);
  int code = summary->errors + summary->refused == 0 ? kDone : kFailed;
  if (flags.check) {
    const int checked = check(context, *summary, out);
    if (checked != kDone) code = checked;
  }
  if (context.common.json) std::cout << out.dump(2) << "\n";
  return code;
}

}  // namespace

void add_loadgen(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("loadgen", "Send the load of many people looking at ads, and account for every record");
  auto flags = std::make_shared<LoadFlags>();
  command->add_option("-c,--config", flags->file, "YAML as in examples/advertising/loadgen.yaml; flags win over it");
  command->add_option("--url", flags->url, "Base URL, for example http://127.0.0.1:8480/Prod");
  command->add_option("--duration", flags->duration, "For example 30s");
  command->add_option("--rate", flags->rate, "Events a second; as many users as that takes")
      ->check(CLI::Range(0.0, 1e7));
  command->add_option("--connections", flags->connections, "Connections at once")->check(CLI::Range(1, 1024));
  command->add_option("--duplicates", flags->duplicates, "Share resent with the same id, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--malformed", flags->malformed, "Share that does not fit the stream, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--late", flags->late, "Share that carries a time LateBy ago, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--check", flags->check, "Ask the warehouse that every acknowledged id is there exactly once");
  command->callback([&context, flags] { context.exit_code = run_command(context, *flags); });
}

}  // namespace weir::cli
