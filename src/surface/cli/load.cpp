#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

std::string format_of(const std::string& path) {
  std::string name = path;
  for (const char* packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - std::string_view(packed).size());
  }
  for (const char* format : {"csv", "json", "parquet"}) {
    if (name.ends_with(std::string(".") + format)) return format;
  }
  if (name.ends_with(".ndjson") || name.ends_with(".jsonl")) return "json";
  if (name.ends_with(".tsv")) return "csv";
  return {};
}

int load(Context& context, const std::string& path, const std::string& table, std::string format) {
  if (format.empty()) format = format_of(path);
  if (format.empty())
    return report(
        Error(Code::invalid, "cannot tell the format of " + path + " from its name", "--format csv, json or parquet"));
  char resolved[4096];
  if (realpath(path.c_str(), resolved) == nullptr) return report(Error(Code::not_found, "no file " + path));
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  const std::string body = Json(Json::Object{{"path", resolved}, {"format", format}, {"table", table}}).dump();
  auto done = call_json(**backend, {.method = "POST", .path = "/v1/load", .body = body, .time_limit = hours(24)});
  if (!done) return report(done.error());
  if (context.common.json) {
    std::cout << done->dump(2) << "\n";
  } else {
    std::printf("%s rows loaded into %s\n", with_commas(static_cast<uint64_t>((*done)["rows"].as_int())).c_str(),
                table.c_str());
  }
  return kDone;
}

}  // namespace

void add_load(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("load", "Load a CSV, JSON or Parquet file into a table, whole or not at all");
  auto path = std::make_shared<std::string>();
  auto table = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>();
  command->add_option("FILE", *path)->required();
  command->add_option("--table", *table, "Made from the file's columns if it does not exist")->required();
  command->add_option("--format", *format, "csv, json or parquet, if the name does not tell");
  command->callback([=, &context] { context.exit_code = load(context, *path, *table, *format); });
}

}  // namespace weir::cli
