#include "surface/cli/etl.h"

#include <cstdio>
#include <filesystem>

#include "surface/cli/follow_run.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

struct EtlOptions {
  std::string stream, folder, format = "auto";
  bool any_age = false, detach = false;
};

int etl(Context& context, const EtlOptions& options) {
  const Interrupt interrupt;  // before the folder's threads
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (auto may = check_detach(**backend, options.detach); !may) return report(may.error());
  Json body{Json::Object{}};
  std::error_code ignored;
  body.set("folder", std::filesystem::absolute(options.folder, ignored).lexically_normal().string());
  body.set("format", options.format);
  body.set("any_age", options.any_age);
  auto started = call_json(
      **backend, {.method = "POST", .path = "/v1/streams/" + url_encode(options.stream) + "/etl", .body = body.dump()});
  if (!started) return report(started.error());
  return follow_started(context, **backend, interrupt, *started, options.detach);
}

}  // namespace

void add_etl(CLI::App& app, Context& context) {
  auto options = std::make_shared<EtlOptions>();
  auto* command = app.add_subcommand(
      "etl", "Load the files of a foreign folder (JSON, CSV, in gzip too, Parquet) into a stream, each record once");
  command->add_option("STREAM", options->stream)->required();
  command->add_option("--from", options->folder, "The folder, or one file")->required();
  command->add_option("--format", options->format, "auto, json, csv or parquet")->check(CLI::IsMember(kForeignFormats));
  command->add_flag("--any-age", options->any_age, "Take events however old they are");
  command->add_flag("--detach", options->detach, "Do not wait for the end");
  command->callback([&context, options] { context.exit_code = etl(context, *options); });
}

}  // namespace weir::cli
