// bench/freshness: from the moment an event is sent to the moment its number is at a reader, at 10 000 events/s.
//
// Each part is a function that measures one way and gives its 99th percentile, or says why it cannot: `parts` in run()
// lists them. The live part sends batches of 100 one after another, so that the k-th answer means at least 100 k
// events, and notes when a client of server-sent events first sees such a count. It counts from the sending, so the
// acknowledgement is part of it, and at the end the windows must hold exactly what was acknowledged.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "bench/http_load.h"
#include "bench/options.h"
#include "bench/process.h"

namespace fs = std::filesystem;

namespace weir::bench {
namespace {

constexpr int kBatch = 100;
constexpr double kRateMissedBelow = 0.95;

constexpr const char* kStream = R"(fields:
  ad_id: {type: string, required: true}
  occurred_at: {type: timestamp, required: true}
time: occurred_at
write: public
)";
constexpr const char* kLive = R"(size: 1d
keep: 2d
measures:
  shown: {count: events}
)";
// The page shows the newest fifteen windows, more than a run takes.
constexpr const char* kPageLive = R"(size: 1m
keep: 1d
measures:
  shown: {count: events}
)";

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string utc_now() {
  const time_t now = time(nullptr);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  return text;
}

struct Settings {
  bool quick = false;
  std::string weir, dir;
  std::string browser;  // where Playwright's packages are; empty: no page is measured
  double seconds = 0;
  double rate = 0;  // events a second
};

// weir on a folder of its own, with one stream and one live count of it.
class Server {
 public:
  Server(const Settings& settings, const char* live) {
    const std::string folder = fs::absolute(settings.dir + "/freshness").string();
    fs::remove_all(folder);
    fs::create_directories(folder + "/streams");
    fs::create_directories(folder + "/live");
    std::ofstream(folder + "/streams/events.yaml") << kStream;
    std::ofstream(folder + "/live/events.yaml") << live;
    port = free_port();
    const std::string log = settings.dir + "/freshness.log";
    process_ = std::make_unique<Process>(std::vector<std::string>{settings.weir, "serve", "--dir", folder, "--listen",
                                                                  "127.0.0.1:" + std::to_string(port)},
                                         log);
    if (!wait_ready(port, "/health/ready", 60)) give_up("weir did not get ready; its output is in " + log);
    token = admin_token(settings.weir, folder, settings.dir);
  }
  uint64_t peak_rss_bytes() const { return process_->peak_rss_bytes(); }

  uint16_t port = 0;
  std::string token;

 private:
  std::unique_ptr<Process> process_;
};

// A client of server-sent events: when each newest count was seen.
class Subscriber {
 public:
  Subscriber(uint16_t port, const std::string& token) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) give_up("the client cannot connect");
    const std::string request = "GET /v1/live/events/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " +
                                token + "\r\nAccept: text/event-stream\r\n\r\n";
    if (::send(socket_, request.data(), request.size(), 0) < 0) give_up("the client cannot ask");
    thread_ = std::thread([this] { read(); });
  }
  ~Subscriber() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  uint64_t newest() const { return newest_; }

  std::vector<std::pair<double, uint64_t>> seen;  // after stop()

 private:
  void read() {
    std::string text;
    char piece[65536];
    for (ssize_t size; (size = ::recv(socket_, piece, sizeof piece, 0)) > 0;) {
      text.append(piece, static_cast<size_t>(size));
      const size_t end = text.rfind("\n\n");
      if (end == std::string::npos) continue;
      const size_t at = text.rfind("\"shown\":", end);
      if (at != std::string::npos) {
        newest_ = std::strtoull(text.c_str() + at + 8, nullptr, 10);
        seen.emplace_back(now_s(), newest_.load());
      }
      text.erase(0, end + 2);
    }
  }
  int socket_ = -1;
  std::atomic<uint64_t> newest_{0};
  std::thread thread_;
};

struct Outcome {
  std::optional<double> p99_ms;
  std::string why;    // there is none
  std::string extra;  // further keys of the result, each with a comma before it
};

void make_batch(std::string& request) {
  std::string body = "[";
  const std::string time = utc_now();
  for (int i = 0; i < kBatch; ++i) {
    body += i == 0 ? "" : ",";
    body += "{\"ad_id\":\"ad-" + std::to_string(i) + "\",\"occurred_at\":\"" + time + "\"}";
  }
  body += "]";
  request =
      "POST /v1/streams/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Batches of 100, one after another; when each was sent, by the clock that is handed in.
struct Sending {
  std::vector<double> sent;
  uint64_t events = 0;
  double rate = 0;
};

Sending send_events(const Settings& settings, const Server& server, double (*clock)()) {
  Sending out;
  LoadPlan plan;
  plan.port = server.port;
  plan.seconds = settings.seconds;
  plan.requests_per_s = settings.rate / kBatch;
  plan.make = [&](uint64_t, std::string& request) {
    make_batch(request);
    out.sent.push_back(clock());
  };
  plan.judge = [](uint64_t, int status, std::string_view body) -> std::string {
    const bool is_whole = status == 200 && body.find("\"accepted\":100,") != std::string_view::npos;
    return is_whole ? "" : "an answer of " + std::to_string(status) + ": " + std::string(body.substr(0, 100));
  };
  const LoadResult load = run_load(plan);
  if (load.errors > 0) give_up("a batch was not taken: " + load.first_error);
  out.sent.resize(load.requests);
  out.events = load.requests * kBatch;
  out.rate = static_cast<double>(out.events) / load.seconds;
  if (out.rate < settings.rate * kRateMissedBelow) {
    give_up("only " + std::to_string(static_cast<int>(out.rate)) + " events/s were sent: this machine is too busy");
  }
  return out;
}

// From the sending of each batch to the first moment at which a reader saw so many events; sorted.
std::vector<double> waits_ms(const Sending& sending, const std::vector<std::pair<double, uint64_t>>& seen) {
  std::vector<double> out;
  auto at = seen.begin();
  for (size_t batch = 0; batch < sending.sent.size(); ++batch) {
    while (at != seen.end() && at->second < (batch + 1) * kBatch) ++at;
    if (at == seen.end()) give_up("the last batch was never seen");
    out.push_back((at->first - sending.sent[batch]) * 1e3);
  }
  std::sort(out.begin(), out.end());
  return out;
}

double part_of(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

Outcome live_part(const Settings& settings) {
  Server server(settings, kLive);
  Subscriber subscriber(server.port, server.token);
  const Sending sending = send_events(settings, server, now_s);
  for (int i = 0; i < 1'000 && subscriber.newest() < sending.events; ++i) usleep(10'000);
  subscriber.stop();
  if (subscriber.newest() != sending.events) {
    give_up("the windows show " + std::to_string(subscriber.newest()) + " events, acknowledged were " +
            std::to_string(sending.events));
  }
  const std::vector<double> waits = waits_ms(sending, subscriber.seen);
  std::printf(
      "live: %llu events at %.0f/s, each counted once; sent to seen by a stream client: median %.0f ms, p99 %.0f "
      "ms, longest %.0f ms; %zu messages; peak memory %.0f MB\n",
      static_cast<unsigned long long>(sending.events), sending.rate, part_of(waits, 0.5), part_of(waits, 0.99),
      waits.back(), subscriber.seen.size(), static_cast<double>(server.peak_rss_bytes()) / 1e6);
  char extra[120];
  std::snprintf(extra, sizeof extra, ", \"p50_ms\": %.0f, \"events_per_s\": %.0f, \"rss_mb\": %.0f",
                part_of(waits, 0.5), sending.rate, static_cast<double>(server.peak_rss_bytes()) / 1e6);
  return {part_of(waits, 0.99), "", extra};
}

// Also the browser's clock.
double wall_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// The sum of the windows in the table of /live/events, as a real browser shows it.
Outcome page_part(const Settings& settings) {
  if (settings.browser.empty()) return {std::nullopt, "neither Node nor Chromium was found", ""};
  Server server(settings, kPageLive);
  const std::string out = fs::absolute(settings.dir + "/freshness-page.txt").string();
  for (const char* end : {"", ".ready", ".log"}) fs::remove(out + end);
  Process browser({"node", "bench/page.mjs", settings.browser, "http://127.0.0.1:" + std::to_string(server.port),
                   server.token, "events", out},
                  out + ".log");
  for (int i = 0; i < 6'000 && browser.running() && !fs::exists(out + ".ready"); ++i) usleep(10'000);
  if (!fs::exists(out + ".ready")) give_up("the page did not open; what the browser said is in " + out + ".log");
  const Sending sending = send_events(settings, server, wall_s);
  usleep(2'000'000);  // what is still under way to the page
  browser.stop();
  std::ifstream in(out);
  std::vector<std::pair<double, uint64_t>> seen;
  for (uint64_t micros, sum; in >> micros >> sum;) seen.emplace_back(static_cast<double>(micros) / 1e6, sum);
  if (seen.empty() || seen.back().second != sending.events) {
    give_up("the page shows " + std::to_string(seen.empty() ? 0 : seen.back().second) + " events, acknowledged were " +
            std::to_string(sending.events));
  }
  const std::vector<double> waits = waits_ms(sending, seen);
  std::printf(
      "page: %llu events at %.0f/s, each counted once; sent to seen on an open page: median %.0f ms, p99 %.0f ms, "
      "longest %.0f ms; %zu changes\n",
      static_cast<unsigned long long>(sending.events), sending.rate, part_of(waits, 0.5), part_of(waits, 0.99),
      waits.back(), seen.size());
  char extra[60];
  std::snprintf(extra, sizeof extra, ", \"page_p50_ms\": %.0f", part_of(waits, 0.5));
  return {part_of(waits, 0.99), "", extra};
}

Outcome endpoint_part(const Settings&) {
  return {std::nullopt, "bench/endpoint measures it", ""};
}

int run(const Settings& settings) {
  fs::create_directories(settings.dir);
  print_disk(settings.dir);
  const std::pair<const char*, Outcome (*)(const Settings&)> parts[] = {
      {"p99_ms", live_part}, {"page_p99_ms", page_part}, {"endpoint_p99_ms", endpoint_part}};
  std::string result = settings.quick ? "\"quick\": true, " : "", extra;
  for (const auto& [key, part] : parts) {
    const Outcome outcome = part(settings);
    if (!outcome.p99_ms) std::printf("%s: null, as %s\n", key, outcome.why.c_str());
    char number[32] = "null";
    if (outcome.p99_ms) std::snprintf(number, sizeof number, "%.1f", *outcome.p99_ms);
    result += std::string(result.empty() || result.ends_with(" ") ? "" : ", ") + "\"" + key + "\": " + number;
    extra += outcome.extra;
  }
  std::printf("RESULT {%s%s}\n", result.c_str(), extra.c_str());
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  const weir::bench::Options options(argc, argv, {"--browser PACKAGES", "--seconds N", "--rate N"});
  weir::bench::Settings settings;
  settings.quick = options.quick();
  settings.weir = options.weir();
  settings.dir = options.dir();
  settings.browser = options.text("--browser", "");
  settings.seconds = options.number("--seconds", settings.quick ? 20 : 60);
  settings.rate = std::max(100.0, options.number("--rate", 10'000));
  return weir::bench::run(settings);
}
