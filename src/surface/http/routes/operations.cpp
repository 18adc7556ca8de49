// GET /metrics, /health/live, /health/ready: answered on the io threads, so that they answer while queries keep the
// lanes busy.
#include <dirent.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

struct Check {
  const char* name;
  bool ok;
  std::string detail;
};

std::vector<Check> checks(const OperationsParts& parts) {
  const journal::Stats journal = parts.journal.stats();
  const lake::LakeStatus lake = parts.lake.status();
  return {
      {"journal", !journal.full, journal.full ? "the disk is full" : "appends"},
      {"lake", lake.error.empty(), lake.error.empty() ? "follows" : lake.error},
  };
}

// A lake that fails to commit loses nothing and hides nothing: events are taken and SQL sees them. It is reported, and
// does not take the server out of service.
bool is_ready(const std::vector<Check>& all) {
  return all[0].ok;
}

Response ready(const OperationsParts& parts) {
  const std::vector<Check> all = checks(parts);
  Json listed{Json::Array{}};
  for (const Check& check : all) {
    Json one{Json::Object{}};
    one.set("name", check.name);
    one.set("ok", check.ok);
    one.set("detail", check.detail);
    listed.push(std::move(one));
  }
  Json out{Json::Object{}};
  out.set("ready", is_ready(all));
  out.set("checks", std::move(listed));
  return json_reply(out, is_ready(all) ? 200 : 503);
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  int count = -3;  // itself, "." and ".."
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own; glibc shares nothing between two.
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

// The names without `weir_` are Prometheus' own.
struct GaugeName {
  const char* name;
  const char* help;
};
constexpr GaugeName kBuildInfo = {"weir_build_info", "1; the version is its label."};
constexpr GaugeName kResident = {"process_resident_memory_bytes", "Memory of the program."};
constexpr GaugeName kDescriptors = {"process_open_fds", "Open files and sockets."};
constexpr GaugeName kStarted = {"process_start_time_seconds", "When the program began to serve, in Unix time."};
constexpr GaugeName kSpilled = {
    "weir_engine_spilled_bytes",
    "Bytes that statements keep on disk now, because they do not fit into limits.sql_memory."};
constexpr GaugeName kDiskFree = {"weir_disk_free_bytes", "Free bytes of the disk that the store lies on."};

// What the engine's statements have put there: it holds nothing else.
double bytes_below(const std::string& folder) {
  double out = 0;
  std::error_code error;  // a file may go at any moment, and the folder need not be there
  for (auto at = std::filesystem::directory_iterator(folder, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    const uint64_t size = at->file_size(error);
    if (!error) out += static_cast<double>(size);
    error.clear();
  }
  return out;
}

// What is asked of the system only when somebody scrapes.
std::array<CallbackGauge, 5> process_gauges(const OperationsParts& parts, const SiteFacts& facts) {
  parts.metrics.gauge(kBuildInfo.name, kBuildInfo.help, {{"version", facts.version}}).set(1);
  const double started = static_cast<double>(parts.clock.wall().micros) / 1e6;
  const auto gauge = [&](const GaugeName& named, std::function<double()> read) {
    return parts.metrics.callback_gauge(named.name, named.help, std::move(read));
  };
  return {gauge(kResident, resident_bytes), gauge(kDescriptors, open_descriptors),
          gauge(kStarted, [started] { return started; }),
          gauge(kSpilled, [&folder = facts.temp_folder] { return bytes_below(folder); }),
          gauge(kDiskFree, [&files = parts.files, &root = facts.store_root] {
            const Result<uint64_t> free = files.free_bytes(root);
            return free ? static_cast<double>(*free) : 0.0;
          })};
}

}  // namespace

void declare_operations_metrics(Metrics& metrics) {
  for (const GaugeName& named : {kBuildInfo, kResident, kDescriptors, kStarted, kSpilled, kDiskFree}) {
    metrics.declare(MetricKind::gauge, named.name, named.help);
  }
}

void add_operations_routes(Router& router, const OperationsParts& parts, const SiteFacts& facts) {
  const auto gauges =
      std::make_shared<const std::array<CallbackGauge, 5>>(process_gauges(parts, facts));  // lives in the handler
  Route route;
  route.access = Access::operations;
  route.runs = Runs::on_io;
  route.pattern = "/metrics";
  route.summary = "All metrics in Prometheus' text format.";
  route.handler = answers([parts, gauges](Request&) -> Result<Response> {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = parts.metrics.prometheus();
    return response;
  });
  router.add(route);
  route.pattern = "/health/live";
  route.summary = "Answers while the program runs.";
  route.handler = answers([](Request&) -> Result<Response> { return json_response(R"({"live":true})"); });
  router.add(route);
  route.pattern = "/health/ready";
  route.summary = "200 while events are taken, else 503, with what is checked.";
  route.handler = answers([parts](Request&) -> Result<Response> { return ready(parts); });
  router.add(route);
}

}  // namespace weir::http
