#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/base/sizes.h"
#include "core/base/text.h"
#include "surface/cli/commands.h"
#include "surface/cli/etl.h"
#include "surface/cli/follow_run.h"
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

std::string counted(const Json& result, const char* what) {
  return with_commas(static_cast<uint64_t>(result[what].as_int()));
}

struct CompactOptions {
  std::string table, day;
  bool detach = false;
};

int compact(Context& context, const CompactOptions& options) {
  Json body{Json::Object{}};
  if (!options.table.empty()) body.set("table", options.table);
  if (!options.day.empty()) body.set("day", options.day);
  const ApiRequest request{.method = "POST", .path = "/v1/lake/compact", .body = body.dump()};
  return order_run(context, {request, options.detach}, [](const Json& done, bool shown) -> int {
    if (!shown) return kDone;
    if (done["files_before"].as_int() == 0) {
      std::printf("no small files to merge\n");
    } else {
      std::printf("%s files became %s, %s bytes became %s, %s rows\n", counted(done, "files_before").c_str(),
                  counted(done, "files_after").c_str(), counted(done, "bytes_before").c_str(),
                  counted(done, "bytes_after").c_str(), counted(done, "rows").c_str());
    }
    if (done["left_alone"].as_int() > 0) {
      std::printf("%s files of an older weir were left alone\n", counted(done, "left_alone").c_str());
    }
    return kDone;
  });
}

// Asked and answered at once: what would be done.
int ask(Context& context, const ApiRequest& request, const std::function<int(const Json& result, bool shown)>& print) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto told = call_json(**backend, request);
  if (!told) return report(told.error());
  if (context.common.json) std::cout << told->dump(2) << "\n";
  return print(*told, !context.common.json);
}

struct RequeueOptions {
  std::string stream, reason;
  int64_t limit = 0;  // 0: all
  bool dry_run = false, detach = false;
};

int requeue(Context& context, const RequeueOptions& options) {
  Json body{Json::Object{}};
  if (!options.reason.empty()) body.set("reason", options.reason);
  if (options.limit > 0) body.set("limit", options.limit);
  if (options.dry_run) body.set("dry_run", true);
  const ApiRequest request{.method = "POST",
                           .path = "/v1/streams/" + url_encode(options.stream) + "/requeue",
                           .body = body.dump(),
                           .time_limit = hours(1)};
  const auto print = [&](const Json& result, bool shown) -> int {
    if (!shown) return kDone;
    std::printf("%s entries of the quarantine: %s %s, %s duplicates, %s stay\n", counted(result, "entries").c_str(),
                counted(result, "accepted").c_str(), options.dry_run ? "would become events" : "became events",
                counted(result, "duplicates").c_str(), counted(result, "kept").c_str());
    for (const auto& [reason, kept] : result["reasons"].object()) {
      std::printf("  %-18s %s\n", reason.c_str(), with_commas(static_cast<uint64_t>(kept.as_int())).c_str());
    }
    return kDone;
  };
  return options.dry_run ? ask(context, request, print) : order_run(context, {request, options.detach}, print);
}

struct RetainOptions {
  std::string stream;
  bool dry_run = false, detach = false;
};

int retain(Context& context, const RetainOptions& options) {
  Json body{Json::Object{}};
  if (!options.stream.empty()) body.set("stream", options.stream);
  body.set("dry_run", options.dry_run);
  const ApiRequest request{.method = "POST", .path = "/v1/lake/retain", .body = body.dump(), .time_limit = hours(1)};
  const auto print = [&](const Json& done, bool shown) -> int {
    if (!shown) return kDone;
    TextTable table;
    table.header = {"table", "last day", "rows", "bytes", "file"};
    table.right = {false, false, true, true, false};
    for (const Json& file : done["files"].array()) {
      table.rows.push_back({file["table"].as_string(), file["last_day"].as_string(), counted(file, "rows"),
                            counted(file, "bytes"), file["path"].as_string()});
    }
    if (table.rows.empty()) {
      std::printf("nothing is past its retention\n");
      return kDone;
    }
    std::cout << render(table, context.common.colour, true);
    std::printf("%s files, %s bytes %s\n", counted(done, "count").c_str(), counted(done, "bytes").c_str(),
                options.dry_run ? "would be removed" : "were removed");
    return kDone;
  };
  return options.dry_run ? ask(context, request, print) : order_run(context, {request, options.detach}, print);
}

int rebuild(Context& context, const std::string& stream, bool detach) {
  const ApiRequest request{
      .method = "POST", .path = "/v1/lake/rebuild", .body = Json(Json::Object{{"stream", stream}}).dump()};
  return order_run(context, {request, detach}, [](const Json& done, bool shown) -> int {
    const int code = done["problems"].array().empty() ? kDone : kFound;
    if (!shown) return code;
    std::printf("%s records of %s archive files; %s of %s partitions were made anew", counted(done, "records").c_str(),
                counted(done, "archive_files").c_str(), counted(done, "partitions_changed").c_str(),
                counted(done, "partitions").c_str());
    if (done["damaged_files"].as_int() > 0) {
      std::printf(", %s damaged files among them", counted(done, "damaged_files").c_str());
    }
    std::printf("\n");
    for (const Json& problem : done["problems"].array()) std::printf("PROBLEM %s\n", problem.as_string().c_str());
    return code;
  });
}

struct CrawlOptions {
  std::string path, name, table, format = "auto";
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
  for (const Json& one : found["changes"].array()) {
    std::printf("%-10s %s\n", one["change"].as_string().c_str(), one["file"].as_string().c_str());
  }
  for (const Json& one : found["left_out"].array()) {
    std::printf("left out   %s: no name of a column (a-z, 0-9 and _, a letter first)\n", one.as_string().c_str());
  }
  for (const Json& one : found["differences"].array()) {
    std::printf("%-10s %s: %s\n", one["change"].as_string().c_str(), one["field"].as_string().c_str(),
                one["what"].as_string().c_str());
  }
  if (const Json* fit = found.find("fit")) {
    std::printf("%s of the sampled records fit %s\n",
                with_commas(static_cast<uint64_t>((*fit)["fits"].as_int())).c_str(), found["name"].as_string().c_str());
    for (const Json& one : (*fit)["misfits"].array()) {
      std::printf("misfit     %s %s: %s times, first %s: %s\n", one["reason"].as_string().c_str(),
                  one["field"].as_string().c_str(), with_commas(static_cast<uint64_t>(one["count"].as_int())).c_str(),
                  one["first"].as_string().c_str(), one["message"].as_string().c_str());
    }
  }
}

// Only where no file is: what somebody declared is his.
int write_declaration(const Context& context, const Json& found, const std::string& folder) {
  const std::string file = folder + "/" + found["name"].as_string() + ".yaml";
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
  const bool as_table = !options.table.empty();
  if (as_table) options.name = options.table;
  if (options.name.empty()) options.name = name_of(options.path);
  Json body{Json::Object{}};
  body.set("table", as_table);
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
  const bool differs = !(*found)["differences"].array().empty() || !(*found)["fit"]["misfits"].array().empty() ||
                       !(*found)["changes"].array().empty();
  if (context.common.json) {
    std::cout << found->dump(2) << "\n";
  } else {
    print_crawl(*found);
    if (!declared && !options.declare) std::printf("\n%s", (*found)["declaration"].as_string().c_str());
  }
  if (options.declare && !(*found)["declaration"].as_string().empty()) {
    return write_declaration(context, *found, as_table ? "tables" : "streams");
  }
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
  const auto detachable = [](CLI::App* command, bool& detach) {
    command->add_flag("--detach", detach, "Do not wait for the end");
  };
  auto* merging = group->add_subcommand("compact", "Merge small files into larger ones; the rows stay what they are");
  auto merged = std::make_shared<CompactOptions>();
  merging->add_option("TABLE", merged->table, "Only this table, for example impressions or impressions_quarantine");
  merging->add_option("--day", merged->day,
                      "Only this day, for example 2026-11-21: events of it, or what arrived on it");
  detachable(merging, merged->detach);
  merging->callback([&context, merged] { context.exit_code = compact(context, *merged); });
  auto* again =
      group->add_subcommand("requeue", "Judge what lies in quarantine again, after the declaration was mended");
  auto wanted = std::make_shared<RequeueOptions>();
  again->add_option("STREAM", wanted->stream)->required();
  again->add_option("--reason", wanted->reason, "Only what is there for this reason, for example missing_field");
  again->add_option("--limit", wanted->limit, "At most so many, oldest first")->check(CLI::PositiveNumber);
  again->add_flag("--dry-run", wanted->dry_run, "Say what would become of it, and change nothing");
  detachable(again, wanted->detach);
  again->callback([&context, wanted] { context.exit_code = requeue(context, *wanted); });
  auto* retaining = group->add_subcommand("retain", "Remove what the retention of streams no longer keeps");
  auto retained = std::make_shared<RetainOptions>();
  retaining->add_option("STREAM", retained->stream, "Only this stream");
  retaining->add_flag("--dry-run", retained->dry_run, "Only tell which files would go");
  detachable(retaining, retained->detach);
  retaining->callback([&context, retained] { context.exit_code = retain(context, *retained); });
  auto* rebuilding = group->add_subcommand("rebuild", "Make a stream's Parquet anew from its archive");
  auto rebuilt_stream = std::make_shared<std::string>();
  auto rebuild_detached = std::make_shared<bool>(false);
  rebuilding->add_option("STREAM", *rebuilt_stream)->required();
  detachable(rebuilding, *rebuild_detached);
  rebuilding->callback([&context, rebuilt_stream, rebuild_detached] {
    context.exit_code = rebuild(context, *rebuilt_stream, *rebuild_detached);
  });
  auto* look = group->add_subcommand("crawl",
                                     "Look at a folder of JSON, CSV or Parquet files: what is in it, how it would be "
                                     "declared, how it fits a stream or "
                                     "a table. Exit code 3: it differs from what is declared");
  auto looked = std::make_shared<CrawlOptions>();
  look->add_option("PATH", looked->path, "The folder, or one file")->required();
  look->add_option("--as", looked->name, "The stream it is or would be; by default the folder's name");
  look->add_option("--table", looked->table, "The table over these files that it is or would be, instead of a stream");
  look->add_option("--format", looked->format, "auto, json, csv or parquet")->check(CLI::IsMember(kForeignFormats));
  look->add_flag("--declare", looked->declare, "Write streams/NAME.yaml or tables/NAME.yaml, where no file is yet");
  look->callback([&context, looked] { context.exit_code = crawl(context, *looked); });
  add_forget(*group, context);
  auto* manifest = group->add_subcommand("manifest", "The committed files of a table, for readers outside");
  auto table = std::make_shared<std::string>();
  manifest->add_option("TABLE", *table)->required();
  manifest->callback(
      [&context, table] { context.exit_code = show(context, {.path = "/v1/lake/manifest/" + url_encode(*table)}); });
}

}  // namespace weir::cli
