#include <algorithm>
#include <cstdio>
#include <iostream>

#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr uint64_t kFileBytesMax = 1u << 20;

// The folders of declarations; everything else in the project's folder is the user's own.
constexpr const char* kFolders[] = {"streams",   "live",       "tables", "flows",       "sources",
                                    "endpoints", "models",     "apis",   "detectors",   "quality",
                                    "reviews",   "dashboards", "alerts", "environments"};

Status collect(Files& files, const std::string& root, const std::string& relative, int depth, Json& into) {
  if (depth > 4) return Error(Code::too_large, relative + " is nested deeper than 4 folders");
  TRY_ASSIGN(auto entries, files.list(join_path(root, relative)));
  for (const auto& entry : entries) {
    if (entry.name.starts_with(".")) continue;
    const std::string path = relative + "/" + entry.name;
    if (entry.is_directory) {
      TRY(collect(files, root, path, depth + 1, into));
      continue;
    }
    TRY_ASSIGN(std::string text, read_file(files, join_path(root, path), kFileBytesMax));
    into.set(path, std::move(text));
  }
  return {};
}

Result<Json> declarations(const std::string& folder) {
  Files& files = real_files();
  Json out{Json::Object{}};
  TRY_ASSIGN(bool project, files.exists(join_path(folder, "weir.yaml")));
  if (project) {
    TRY_ASSIGN(std::string text, read_file(files, join_path(folder, "weir.yaml"), kFileBytesMax));
    out.set("weir.yaml", std::move(text));
  }
  for (const char* name : kFolders) {
    TRY_ASSIGN(bool there, files.exists(join_path(folder, name)));
    if (there) {
      TRY(collect(files, folder, name, 1, out));
    }
  }
  return out;
}

struct Counts {
  size_t changes = 0, refused = 0, errors = 0;
};

const char* colour_of(const std::string& action) {
  if (action == "create") return "\033[32m";
  if (action == "destroy" || action == "detach") return "\033[31m";
  return "\033[33m";
}

Counts print_plan(const Json& plan, const Common& common) {
  Counts out;
  for (const Json& error : plan["errors"].array()) {
    ++out.errors;
    if (!common.json) (void)report(error_of({400, "", Json(Json::Object{{"error", error}}).dump()}));
  }
  for (const Json& change : plan["changes"].array()) {
    const std::string& action = change["action"].as_string();
    if (action == "none") continue;
    ++out.changes;
    const bool compatible = change["compatible"].as_bool(true);
    if (!compatible) ++out.refused;
    if (common.json) continue;
    std::printf("%s%-8s%s %s %s%s\n", common.colour ? colour_of(action) : "", action.c_str(),
                common.colour ? "\033[0m" : "", change["kind"].as_string().c_str(), change["name"].as_string().c_str(),
                compatible ? "" : "   REFUSED");
    for (const Json& detail : change["details"].array()) std::printf("           %s\n", detail.as_string().c_str());
  }
  if (common.json) std::cout << plan.dump(2) << "\n";
  return out;
}

}  // namespace

void add_plan(CLI::App& app, Context& context) {
  auto drop = std::make_shared<bool>(false);
  const auto act = [&context, drop](bool apply) {
    auto files = declarations(context.common.folder);
    if (!files) return report(files.error());
    auto backend = context.wiring.open(context.common);
    if (!backend) return report(backend.error());
    ApiRequest request;
    request.method = "POST";
    request.path = apply ? "/v1/apply" : "/v1/plan";
    request.body = Json(Json::Object{{"files", *files}, {"drop", *drop}}).dump();
    auto plan = call_json(**backend, request);
    if (!plan) return report(plan.error());
    const Counts counts = print_plan(*plan, context.common);
    if (counts.errors > 0 || (apply && counts.refused > 0)) return kFailed;
    if (!context.common.json) {
      if (counts.changes == 0) std::printf("nothing to change\n");
      if (counts.changes > 0)
        std::printf(apply ? "applied %zu changes\n" : "%zu changes; `weir apply` makes them\n", counts.changes);
    }
    return !apply && counts.changes > 0 ? kFound : kDone;
  };
  auto* plan = app.add_subcommand("plan", "What would change against the applied state; exit code 3 if anything would");
  plan->add_flag("--drop", *drop, "Removed declarations destroy their data instead of keeping it detached");
  plan->callback([&context, act] { context.exit_code = act(false); });
  auto* apply = app.add_subcommand("apply", "Make the applied state equal to the folder");
  apply->add_flag("--drop", *drop, "Removed declarations destroy their data instead of keeping it detached");
  apply->callback([&context, act] { context.exit_code = act(true); });
}

}  // namespace weir::cli
