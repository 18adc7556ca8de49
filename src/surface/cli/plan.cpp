#include <algorithm>
#include <cstdio>
#include <iostream>

#include "core/base/text.h"
#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/follow_run.h"
#include "surface/cli/output.h"
#include "surface/errors/errors.h"

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
    // An image is no text, and JSON is.
    const bool is_text = valid_utf8(text);
    into.set(path, is_text ? Json(std::move(text)) : Json(Json::Object{{"base64", base64_encode(text)}}));
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

// A server elsewhere gets this folder's files; one here, and a command by itself, reads the folder, whose files may
// then name variables and other files of this machine.
Result<Json> request_body(const Common& common, bool drop) {
  Json out{Json::Object{{"drop", drop}}};
  if (common.server.empty()) {
    out.set("folder", true);
    return out;
  }
  TRY_ASSIGN(Json files, declarations(common.folder));
  out.set("files", std::move(files));
  return out;
}

struct Counts {
  size_t changes = 0, refused = 0, errors = 0;
};

Counts count(const Json& plan) {
  Counts out;
  out.errors = plan["errors"].array().size();
  for (const Json& change : plan["changes"].array()) {
    if (change["action"].as_string() == "none") continue;
    ++out.changes;
    if (!change["compatible"].as_bool(true)) ++out.refused;
  }
  return out;
}

const char* colour_of(const std::string& action) {
  if (action == "create") return "\033[32m";
  if (action == "destroy" || action == "detach") return "\033[31m";
  return "\033[33m";
}

void print_changes(const Json& plan, const Common& common) {
  for (const Json& change : plan["changes"].array()) {
    const std::string& action = change["action"].as_string();
    if (action == "none") continue;
    std::printf("%s%-8s%s %s %s%s\n", common.colour ? colour_of(action) : "", action.c_str(),
                common.colour ? "\033[0m" : "", change["kind"].as_string().c_str(), change["name"].as_string().c_str(),
                change["compatible"].as_bool(true) ? "" : "   REFUSED");
    for (const Json& detail : change["details"].array()) std::printf("           %s\n", detail.as_string().c_str());
  }
}

// The values that count, and who says so; without `all` only those that somebody set.
void print_settings(const Json& plan, const Common& common, bool all) {
  TextTable table{.header = {"setting", "value", "set by"}, .rows = {}, .right = {}};
  for (const Json& setting : plan["settings"].array()) {
    const bool is_default = setting["origin"].as_string() == "default";
    if (is_default && !all) continue;
    table.rows.push_back({setting["name"].as_string(), setting["value"].dump(),
                          is_default ? std::string("default") : setting["where"].as_string()});
  }
  if (!table.rows.empty()) std::printf("%s\n", render(table, common.colour, true).c_str());
}

// What is computed again, from what it took last time.
void print_computes(const Json& plan, const Common& common) {
  TextTable table{.header = {"computed again", "partitions", "from", "to", "rows", "seconds"},
                  .rows = {},
                  .right = {false, true, false, false, true, true}};
  uint64_t rows = 0;
  double seconds = 0;
  for (const Json& one : plan["computes"].array()) {
    char time[32] = "not known yet";
    if (!one["seconds"].is_null()) std::snprintf(time, sizeof time, "%.1f", one["seconds"].as_double());
    rows += static_cast<uint64_t>(one["rows"].as_int());
    seconds += one["seconds"].as_double();
    table.rows.push_back(
        {one["table"].as_string(), with_commas(static_cast<uint64_t>(one["partitions"].as_int())),
         one["from"].as_string(), one["to"].as_string(),
         one["rows"].is_null() ? "not known yet" : with_commas(static_cast<uint64_t>(one["rows"].as_int())), time});
  }
  if (table.rows.empty()) return;
  std::printf("\n%stogether about %s rows, %.1f s; to: the first day that is left out\n\n",
              render(table, common.colour).c_str(), with_commas(rows).c_str(), seconds);
}

void print_mistakes(const Json& plan) {
  for (const Json& warning : plan["warnings"].array()) warn(error_of_json(warning));
  for (const Json& error : plan["errors"].array()) (void)report(error_of_json(error));
}

void conclude_plan(const Counts& counts) {
  if (counts.errors > 0) {
    std::fprintf(stderr, "%zu error%s; nothing can be applied\n", counts.errors, counts.errors == 1 ? "" : "s");
  } else if (counts.refused > 0) {
    std::printf("%zu of %zu changes are refused; `weir apply` would change nothing\n", counts.refused, counts.changes);
  } else if (counts.changes > 0) {
    std::printf("%zu change%s; `weir apply` makes %s\n", counts.changes, counts.changes == 1 ? "" : "s",
                counts.changes == 1 ? "it" : "them");
  } else {
    std::printf("nothing to change\n");
  }
}

void conclude_apply(const Counts& counts) {
  if (counts.errors > 0 || counts.refused > 0) {
    std::fprintf(stderr, "nothing was applied\n");
  } else if (counts.changes > 0) {
    std::printf("applied %zu change%s\n", counts.changes, counts.changes == 1 ? "" : "s");
  } else {
    std::printf("nothing to change\n");
  }
}

int exit_code_of(const Counts& counts, bool apply) {
  if (counts.errors > 0 || (apply && counts.refused > 0)) return kFailed;
  return !apply && counts.changes > 0 ? kFound : kDone;
}

struct Asked {
  bool drop = false, settings = false;
};

// The folder could not be opened: its weir.yaml has mistakes, or something else is wrong.
int not_opened(const Common& common, const std::vector<Error>& errors) {
  int code = kFailed;
  Json list{Json::Array{}};
  for (const Error& error : errors) {
    if (common.json) {
      list.push(errors::to_json(error));
    } else {
      code = report(error);
    }
  }
  if (common.json) {
    const Json told{Json::Object{{"changes", Json::Array{}}, {"errors", std::move(list)}, {"applied", false}}};
    std::cout << told.dump(2) << "\n";
  }
  return errors.back().position ? kFailed : code;
}

int act(Context& context, const Asked& asked, bool apply) {
  Common common = context.common;
  std::vector<Error> errors;
  common.report_error = [&errors](const Error& error) { errors.push_back(error); };
  auto body = request_body(common, asked.drop);
  if (!body) return report(body.error());
  const Interrupt interrupt;  // before the folder's threads
  auto backend = context.wiring.open(common);
  if (!backend) {
    errors.push_back(backend.error());
    return not_opened(common, errors);
  }
  ApiRequest request;
  request.method = "POST";
  request.path = apply ? "/v1/apply" : "/v1/plan";
  request.body = body->dump();
  auto plan = call_json(**backend, request);
  if (!plan) return report(plan.error());
  const Counts counts = count(*plan);
  if (common.json) {
    std::cout << plan->dump(2) << "\n";
    return exit_code_of(counts, apply);
  }
  print_mistakes(*plan);
  if (!apply) print_settings(*plan, common, asked.settings);
  if (!apply || counts.errors == 0) print_changes(*plan, common);
  if (!apply) print_computes(*plan, common);
  if (apply) {
    conclude_apply(counts);
    for (const Json& run : (*plan)["runs"].array()) {
      const std::string& id = run.as_string();
      if ((*backend)->is_server()) {
        std::printf("run %s loads a table over files; `weir runs watch %s` shows it\n", id.c_str(), id.c_str());
      } else if (const int code = follow_run(context, **backend, interrupt, id); code != kDone) {
        return code;
      }
    }
  } else {
    conclude_plan(counts);
  }
  return exit_code_of(counts, apply);
}

}  // namespace

void add_plan(CLI::App& app, Context& context) {
  auto asked = std::make_shared<Asked>();
  const char* drop_help = "Removed declarations destroy their data instead of keeping it detached";
  auto* plan = app.add_subcommand("plan",
                                  "What would change against the applied state, and the settings that are not at their "
                                  "defaults. Exit code 0: nothing, 3: something, refused changes included, 1: the "
                                  "declarations have mistakes");
  plan->add_flag("--drop", asked->drop, drop_help);
  plan->add_flag("--settings", asked->settings, "All settings, those at their defaults too");
  plan->callback([&context, asked] { context.exit_code = act(context, *asked, false); });
  auto* apply = app.add_subcommand("apply",
                                   "Make the applied state equal to the folder, all of it or nothing. Exit code 0: "
                                   "done, 1: a change is refused or the declarations have mistakes");
  apply->add_flag("--drop", asked->drop, drop_help);
  apply->callback([&context, asked] { context.exit_code = act(context, *asked, true); });
}

}  // namespace weir::cli
