#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "surface/cli/commands.h"
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

// Server-sent events, told apart by empty lines.
class Tail {
 public:
  Tail(bool json, bool colour) : json_(json), colour_(colour) {}
  bool take(std::string_view piece) {
    pending_ += piece;
    for (size_t end = pending_.find("\n\n"); end != std::string::npos; end = pending_.find("\n\n")) {
      show(pending_.substr(0, end));
      pending_.erase(0, end + 2);
    }
    std::fflush(stdout);
    return std::ferror(stdout) == 0;
  }

 private:
  void show(const std::string& event) {
    const size_t data = event.find("data: ");
    if (data == std::string::npos) return;  // a heartbeat
    const std::string text = event.substr(data + 6, event.find('\n', data) - data - 6);
    if (json_) {
      std::printf("%s\n", text.c_str());
      return;
    }
    auto record = Json::parse(text);
    if (!record) return;
    if (event.find("event: skipped") != std::string::npos) {
      std::printf("… %s more not shown\n", with_commas(static_cast<uint64_t>((*record)["count"].as_int())).c_str());
      return;
    }
    const std::string& status = (*record)["status"].as_string();
    const bool good = status == "accepted";
    const Json* shown = record->find("event");
    std::printf("%s  %s%-11s%s %s\n", (*record)["arrived_at"].as_string().c_str(),
                colour_ ? (good ? "\033[32m" : "\033[31m") : "", status.c_str(), colour_ ? "\033[0m" : "",
                shown ? shown->dump().c_str()
                      : ((*record)["reason"].as_string() + "  " + (*record)["payload"].as_string()).c_str());
  }
  bool json_, colour_;
  std::string pending_;
};

int tail(Context& context, const std::string& name) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  if (!(*backend)->is_server())
    return report(Error(Code::unavailable, "no server runs, so nothing arrives", "weir serve"));
  Tail out(context.common.json, context.common.colour);
  ApiRequest request{
      .path = "/v1/streams/" + url_encode(name) + "/tail", .accept = "text/event-stream", .time_limit = days(365)};
  auto response = (*backend)->stream(request, [&](std::string_view piece) { return out.take(piece); });
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
