#include <cstdio>

#include "core/base/text.h"
#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr const char* kProject = R"(# Everything has a working default; `weir schema` lists what can be set here.
name: %NAME%
)";

constexpr const char* kEvents = R"(# A stream: what an event looks like and who may send it. Send one with
#   curl -d '{"type": "page_view", "user_id": "u1"}' http://127.0.0.1:8480/v1/streams/events
description: Things that happened.
fields:
  event_id: uuid                      # assigned if the sender leaves it out; sent again, it counts once
  type: {type: string, required: true}
  user_id: string
  occurred_at: {type: timestamp, required: false}
  properties: json
key: event_id
unknown: keep                         # fields that are not declared go to the column _extra
write: public                         # anybody on this machine; `key` asks for `weir token create --write events`
)";

Status write_new(const std::string& path, const std::string& text, std::vector<std::string>& written) {
  TRY_ASSIGN(bool there, real_files().exists(path));
  if (there) return {};
  TRY(real_files().make_directories(parent_path(path)));
  TRY(replace_file(real_files(), path, text));
  written.push_back(path);
  return {};
}

Status init(const Common& common, std::vector<std::string>& written) {
  TRY(real_files().make_directories(common.folder));
  char resolved[4096];
  std::string name = realpath(common.folder.c_str(), resolved) != nullptr ? resolved : common.folder;
  name = name.substr(name.rfind('/') + 1).substr(0, 63);
  for (char& c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_plain && std::string_view(" -._").find(c) == std::string_view::npos)
      c = '-';  // no name of a project has it
  }
  std::string project = kProject;
  project.replace(project.find("%NAME%"), 6, name.empty() ? "warehouse" : Json(name).dump());
  TRY(write_new(join_path(common.folder, "weir.yaml"), project, written));
  TRY(write_new(join_path(common.folder, "streams/events.yaml"), kEvents, written));
  return write_new(join_path(common.folder, ".gitignore"), ".weir/\n", written);
}

}  // namespace

void add_init(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("init", "Write a first weir.yaml and one stream into the folder; keeps what is there");
  command->callback([&context] {
    std::vector<std::string> written;
    auto done = init(context.common, written);
    if (!done) {
      context.exit_code = report(done.error());
      return;
    }
    for (const auto& path : written) std::printf("wrote %s\n", path.c_str());
    if (written.empty()) std::printf("everything is there already\n");
    std::printf("next: weir serve\n");
  });
}

}  // namespace weir::cli
