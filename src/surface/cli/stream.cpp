#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "surface/cli/commands.h"
#include "surface/cli/event_stream.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr size_t kSampleBytesMax = 16u << 20;

std::string read_sample(std::istream& in) {
  std::string text(kSampleBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() == kSampleBytesMax) text.resize(text.rfind('\n') + 1);  // the sample ends with a whole line
  return text;
}

// The file, or what comes in through standard input: for "-", and where no file is named and nobody types.
Result<std::string> sample_of(const std::string& path) {
  if (path == "-" || (path.empty() && isatty(STDIN_FILENO) == 0)) return read_sample(std::cin);
  if (path.empty()) {
    return Error(Code::invalid, "weir stream infer needs a file of events",
                 "weir stream infer FILE, or send them in: head -1000 events.ndjson | weir stream infer -");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(Code::not_found, "cannot read " + path);
  return read_sample(in);
}

std::string name_of(const std::string& path) {
  if (path.empty() || path == "-") return "events";
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.find('.'));
}

int infer(Context& context, const std::string& path, const std::string& name) {
  auto text = sample_of(path);
  if (!text) return report(text.error());
  auto stream = context.wiring.infer_stream(*text, name.empty() ? name_of(path) : name);
  if (!stream) return report(stream.error());
  std::cout << *stream;
  return kDone;
}

void show_record(std::string_view name, const Json& record, bool colour) {
  if (name == "skipped") {
    std::printf("… %s more not shown\n", with_commas(static_cast<uint64_t>(record["count"].as_int())).c_str());
    return;
  }
  const std::string& status = record["status"].as_string();
  const bool good = status == "accepted";
  const Json* shown = record.find("event");
  std::printf(
      "%s  %s%-11s%s %s\n", record["arrived_at"].as_string().c_str(), colour ? (good ? "\033[32m" : "\033[31m") : "",
      status.c_str(), colour ? "\033[0m" : "",
      shown ? shown->dump().c_str() : (record["reason"].as_string() + "  " + record["payload"].as_string()).c_str());
}

int tail(Context& context, const std::string& name) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (!(*backend)->is_server())
    return report(Error(Code::unavailable, "no server runs, so nothing arrives", "weir serve"));
  EventStream events(context.common.json, [&](std::string_view event, const Json& data) {
    show_record(event, data, context.common.colour);
  });
  const auto response = events.follow(**backend, "/v1/streams/" + url_encode(name) + "/tail");
  if (!response) return report(response.error());
  return response->status >= 400 ? report(error_of(*response)) : kDone;
}

}  // namespace

void add_stream(CLI::App& app, Context& context) {
  auto* group = app.add_subcommand("stream", "Streams of events");
  group->require_subcommand(1);
  auto path = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  auto* from = group->add_subcommand("infer",
                                     "Print a declaration for the events of a file (NDJSON), to be reviewed: weir "
                                     "stream infer x.ndjson > streams/x.yaml");
  from->add_option("FILE", *path, "- or none reads standard input");
  from->add_option("--name", *name, "Name of the stream; by default the file's, or events");
  from->callback([=, &context] { context.exit_code = infer(context, *path, *name); });
  auto* live = group->add_subcommand("tail", "Show events as they arrive, with their verdicts");
  live->add_option("STREAM", *name)->required();
  live->callback([=, &context] { context.exit_code = tail(context, *name); });
}

}  // namespace weir::cli
