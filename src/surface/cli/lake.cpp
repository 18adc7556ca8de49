#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

int verify(Context& context) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  ProgressLine progress;
  progress.show("reading every file of the lake …");
  auto result = call_json(**backend, {.method = "POST", .path = "/v1/lake/verify", .time_limit = hours(24)});
  progress.clear();
  if (!result) return report(result.error());
  const bool ok = (*result)["ok"].as_bool();
  if (context.common.json) {
    std::cout << result->dump(2) << "\n";
    return ok ? kDone : kFound;
  }
  for (const auto& [what, count] : (*result)["checked"].object()) {
    std::printf("%-18s %s\n", what.c_str(), with_commas(static_cast<uint64_t>(count.as_int())).c_str());
  }
  for (const Json& problem : (*result)["problems"].array()) std::printf("PROBLEM %s\n", problem.as_string().c_str());
  std::printf(ok ? "journal, archive and Parquet agree\n" : "they do not agree\n");
  return ok ? kDone : kFound;
}

int drain(Context& context) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto drained = call_json(**backend, {.method = "POST", .path = "/v1/lake/drain"});
  if (!drained) return report(drained.error());
  if (context.common.json) {
    std::cout << drained->dump(2) << "\n";
  } else {
    std::printf("everything up to sequence %lld is in files\n", static_cast<long long>((*drained)["cursor"].as_int()));
  }
  return kDone;
}

int compact(Context& context, const std::string& table, const std::string& day) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  Json body{Json::Object{}};
  if (!table.empty()) body.set("table", table);
  if (!day.empty()) body.set("day", day);
  ProgressLine progress;
  progress.show("merging small files …");
  auto done = call_json(**backend,
                        {.method = "POST", .path = "/v1/lake/compact", .body = body.dump(), .time_limit = hours(24)});
  progress.clear();
  if (!done) return report(done.error());
  if (context.common.json) {
    std::cout << done->dump(2) << "\n";
    return kDone;
  }
  const auto count = [&](const char* name) { return with_commas(static_cast<uint64_t>((*done)[name].as_int())); };
  if ((*done)["files_before"].as_int() == 0) {
    std::printf("no small files to merge\n");
  } else {
    std::printf("%s files became %s, %s bytes became %s, %s rows\n", count("files_before").c_str(),
                count("files_after").c_str(), count("bytes_before").c_str(), count("bytes_after").c_str(),
                count("rows").c_str());
  }
  if ((*done)["left_alone"].as_int() > 0) {
    std::printf("%s files of an older weir were left alone\n", count("left_alone").c_str());
  }
  return kDone;
}

int show(Context& context, const ApiRequest& request) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto result = call_json(**backend, request);
  if (!result) return report(result.error());
  std::cout << result->dump(2) << "\n";
  return kDone;
}

}  // namespace

void add_lake(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("lake", "The files that events become");
  group->require_subcommand(1);
  group->add_subcommand("verify", "Prove journal, archive and Parquet against each other; exit code 3 if they differ")
      ->callback([&context] { context.exit_code = verify(context); });
  group->add_subcommand("drain", "Wait until everything acknowledged is committed to files")->callback([&context] {
    context.exit_code = drain(context);
  });
  auto* merging = group->add_subcommand("compact", "Merge small files into larger ones; the rows stay what they are");
  auto merged_table = std::make_shared<std::string>();
  auto merged_day = std::make_shared<std::string>();
  merging->add_option("TABLE", *merged_table, "Only this table, for example impressions or impressions_quarantine");
  merging->add_option("--day", *merged_day,
                      "Only this day, for example 2026-11-21: events of it, or what arrived on it");
  merging->callback(
      [&context, merged_table, merged_day] { context.exit_code = compact(context, *merged_table, *merged_day); });
  auto* manifest = group->add_subcommand("manifest", "The committed files of a table, for readers outside");
  auto table = std::make_shared<std::string>();
  manifest->add_option("TABLE", *table)->required();
  manifest->callback(
      [&context, table] { context.exit_code = show(context, {.path = "/v1/lake/manifest/" + url_encode(*table)}); });
}

}  // namespace weir::cli
