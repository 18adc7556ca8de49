#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/base/sizes.h"
#include "core/base/text.h"
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

struct RequeueOptions {
  std::string stream, reason;
  int64_t limit = 0;  // 0: all
  bool dry_run = false;
};

int requeue(Context& context, const RequeueOptions& options) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  Json body{Json::Object{}};
  if (!options.reason.empty()) body.set("reason", options.reason);
  if (options.limit > 0) body.set("limit", options.limit);
  if (options.dry_run) body.set("dry_run", true);
  ProgressLine progress;
  progress.show("judging the quarantine of " + options.stream + " again …");
  auto result = call_json(**backend, {.method = "POST",
                                      .path = "/v1/streams/" + url_encode(options.stream) + "/requeue",
                                      .body = body.dump(),
                                      .time_limit = hours(24)});
  progress.clear();
  if (!result) return report(result.error());
  if (context.common.json) {
    std::cout << result->dump(2) << "\n";
    return kDone;
  }
  const auto count = [&](const char* what) { return with_commas(static_cast<uint64_t>((*result)[what].as_int())); };
  std::printf("%s entries of the quarantine: %s %s, %s duplicates, %s stay\n", count("entries").c_str(),
              count("accepted").c_str(), options.dry_run ? "would become events" : "became events",
              count("duplicates").c_str(), count("kept").c_str());
  for (const auto& [reason, kept] : (*result)["reasons"].object()) {
    std::printf("  %-18s %s\n", reason.c_str(), with_commas(static_cast<uint64_t>(kept.as_int())).c_str());
  }
  return kDone;
}

int retain(Context& context, const std::string& stream, bool dry_run) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  Json body{Json::Object{}};
  if (!stream.empty()) body.set("stream", stream);
  body.set("dry_run", dry_run);
  auto done =
      call_json(**backend, {.method = "POST", .path = "/v1/lake/retain", .body = body.dump(), .time_limit = hours(24)});
  if (!done) return report(done.error());
  if (context.common.json) {
    std::cout << done->dump(2) << "\n";
    return kDone;
  }
  TextTable table;
  table.header = {"table", "last day", "rows", "bytes", "file"};
  table.right = {false, false, true, true, false};
  for (const Json& file : (*done)["files"].array()) {
    table.rows.push_back({file["table"].as_string(), file["last_day"].as_string(),
                          with_commas(static_cast<uint64_t>(file["rows"].as_int())),
                          with_commas(static_cast<uint64_t>(file["bytes"].as_int())), file["path"].as_string()});
  }
  if (table.rows.empty()) {
    std::printf("nothing is past its retention\n");
    return kDone;
  }
  std::cout << render(table, context.common.colour, true);
  std::printf("%s files, %s bytes %s\n", with_commas(table.rows.size()).c_str(),
              with_commas(static_cast<uint64_t>((*done)["bytes"].as_int())).c_str(),
              dry_run ? "would be removed" : "were removed");
  return kDone;
}

int rebuild(Context& context, const std::string& stream) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  ProgressLine progress;
  progress.show("reading the archive of " + stream + " …");
  auto done = call_json(**backend, {.method = "POST",
                                    .path = "/v1/lake/rebuild",
                                    .body = Json(Json::Object{{"stream", stream}}).dump(),
                                    .time_limit = hours(24)});
  progress.clear();
  if (!done) return report(done.error());
  const bool ok = (*done)["problems"].array().empty();
  if (context.common.json) {
    std::cout << done->dump(2) << "\n";
    return ok ? kDone : kFound;
  }
  const auto count = [&](const char* name) { return with_commas(static_cast<uint64_t>((*done)[name].as_int())); };
  std::printf("%s records of %s archive files; %s of %s partitions were made anew", count("records").c_str(),
              count("archive_files").c_str(), count("partitions_changed").c_str(), count("partitions").c_str());
  if ((*done)["damaged_files"].as_int() > 0)
    std::printf(", %s damaged files among them", count("damaged_files").c_str());
  std::printf("\n");
  for (const Json& problem : (*done)["problems"].array()) std::printf("PROBLEM %s\n", problem.as_string().c_str());
  return ok ? kDone : kFound;
}

struct CrawlOptions {
  std::string path, name, format = "auto";
  bool declare = false;
};

// The last folder's name, as far as it can be one of a stream.
std::string name_of(const std::string& path) {
  std::string name = std::filesystem::path(path).lexically_normal().filename().string();
  if (name.empty()) name = std::filesystem::path(path).lexically_normal().parent_path().filename().string();
  name = to_lower(name.substr(0, name.find('.')));
  for (char& c : name) c = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
  return is_identifier(name) ? name : std::string();
}

void print_crawl(const Json& found) {
  const auto count = [&](const char* what) { return with_commas(static_cast<uint64_t>(found[what].as_int())); };
  std::printf("%s files, %s; sampled: %s records of %s files\n", count("files").c_str(),
              format_size(static_cast<uint64_t>(found["bytes"].as_int())).c_str(), count("records").c_str(),
              count("sampled_files").c_str());
  for (const Json& one : found["partitions"].array()) {
    std::printf("partition  %s: %s to %s\n", one["name"].as_string().c_str(), one["from"].as_string().c_str(),
                one["to"].as_string().c_str());
  }
  for (const Json& one : found["failures"].array()) {
    std::printf("unreadable %s: %s\n", one["file"].as_string().c_str(), one["error"].as_string().c_str());
  }
  for (const Json& one : found["gone"].array()) {
    std::printf("gone       %s was loaded and is not there any more; its events stay\n", one.as_string().c_str());
  }
  for (const Json& one : found["differences"].array()) {
    std::printf("%-10s %s: %s\n", one["change"].as_string().c_str(), one["field"].as_string().c_str(),
                one["what"].as_string().c_str());
  }
  if (const Json* fit = found.find("fit")) {
    std::printf("%s of the sampled records fit the stream %s\n",
                with_commas(static_cast<uint64_t>((*fit)["fits"].as_int())).c_str(), found["name"].as_string().c_str());
    for (const Json& one : (*fit)["misfits"].array()) {
      std::printf("misfit     %s %s: %s times, first %s: %s\n", one["reason"].as_string().c_str(),
                  one["field"].as_string().c_str(), with_commas(static_cast<uint64_t>(one["count"].as_int())).c_str(),
                  one["first"].as_string().c_str(), one["message"].as_string().c_str());
    }
  }
}

// Only where no file is: what somebody declared is his.
int write_declaration(const Context& context, const Json& found) {
  const std::string file = "streams/" + found["name"].as_string() + ".yaml";
  const std::string path = context.common.folder + "/" + file;
  if (std::filesystem::exists(path)) {
    return report(
        Error(Code::conflict, file + " is there already", "compare it with what is printed without --declare"));
  }
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::ofstream out(path);
  out << found["declaration"].as_string();
  out.close();
  if (!out) return report(Error(Code::io, "cannot write " + path));
  std::printf("wrote %s: `weir plan` shows what it changes, `weir apply` registers it\n", file.c_str());
  return kDone;
}

int crawl(Context& context, CrawlOptions options) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (options.name.empty()) options.name = name_of(options.path);
  Json body{Json::Object{}};
  std::error_code ignored;
  body.set("path", std::filesystem::absolute(options.path, ignored).lexically_normal().string());
  body.set("name", options.name);
  body.set("format", options.format);
  ProgressLine progress;
  progress.show("looking at " + options.path + " …");
  auto found = call_json(**backend, {.method = "POST", .path = "/v1/lake/crawl", .body = body.dump()});
  progress.clear();
  if (!found) return report(found.error());
  const bool declared = (*found)["declared"].as_bool();
  const bool differs = !(*found)["differences"].array().empty() || !(*found)["fit"]["misfits"].array().empty();
  if (context.common.json) {
    std::cout << found->dump(2) << "\n";
  } else {
    print_crawl(*found);
    if (!declared && !options.declare) std::printf("\n%s", (*found)["declaration"].as_string().c_str());
  }
  if (options.declare && !(*found)["declaration"].as_string().empty()) return write_declaration(context, *found);
  return declared && differs ? kFound : kDone;
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
  auto* again =
      group->add_subcommand("requeue", "Judge what lies in quarantine again, after the declaration was mended");
  auto wanted = std::make_shared<RequeueOptions>();
  again->add_option("STREAM", wanted->stream)->required();
  again->add_option("--reason", wanted->reason, "Only what is there for this reason, for example missing_field");
  again->add_option("--limit", wanted->limit, "At most so many, oldest first")->check(CLI::PositiveNumber);
  again->add_flag("--dry-run", wanted->dry_run, "Say what would become of it, and change nothing");
  again->callback([&context, wanted] { context.exit_code = requeue(context, *wanted); });
  auto* retaining = group->add_subcommand("retain", "Remove what the retention of streams no longer keeps");
  auto retained_stream = std::make_shared<std::string>();
  auto dry_run = std::make_shared<bool>(false);
  retaining->add_option("STREAM", *retained_stream, "Only this stream");
  retaining->add_flag("--dry-run", *dry_run, "Only tell which files would go");
  retaining->callback(
      [&context, retained_stream, dry_run] { context.exit_code = retain(context, *retained_stream, *dry_run); });
  auto* rebuilding = group->add_subcommand("rebuild", "Make a stream's Parquet anew from its archive");
  auto rebuilt_stream = std::make_shared<std::string>();
  rebuilding->add_option("STREAM", *rebuilt_stream)->required();
  rebuilding->callback([&context, rebuilt_stream] { context.exit_code = rebuild(context, *rebuilt_stream); });
  auto* look = group->add_subcommand(
      "crawl", "Look at a folder of JSON or CSV files: what is in it, how it would be declared, how it fits a stream");
  auto looked = std::make_shared<CrawlOptions>();
  look->add_option("PATH", looked->path, "The folder, or one file")->required();
  look->add_option("--as", looked->name, "The stream it is or would be; by default the folder's name");
  look->add_option("--format", looked->format, "auto, json or csv")->check(CLI::IsMember({"auto", "json", "csv"}));
  look->add_flag("--declare", looked->declare, "Write streams/NAME.yaml, where no file is yet");
  look->callback([&context, looked] { context.exit_code = crawl(context, *looked); });
  add_forget(*group, context);
  auto* manifest = group->add_subcommand("manifest", "The committed files of a table, for readers outside");
  auto table = std::make_shared<std::string>();
  manifest->add_option("TABLE", *table)->required();
  manifest->callback(
      [&context, table] { context.exit_code = show(context, {.path = "/v1/lake/manifest/" + url_encode(*table)}); });
}

}  // namespace weir::cli
