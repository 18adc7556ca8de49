// bench/mixed: how long capture takes to acknowledge a single event while statements read the whole stream and the
// example's daily flow computes, one after another without a pause. The same without them comes first. Every answer is
// judged, and at the end the stream holds what was acknowledged.
//
// predict_p99_ms, beside a training, is not measured: there are no models yet, and the key is left out.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <thread>

#include "bench/http_load.h"
#include "bench/options.h"
#include "bench/process.h"

namespace fs = std::filesystem;

namespace weir::bench {
namespace {

constexpr double kEventsPerS = 1'000;
constexpr int kConnections = 64;
constexpr int kBatch = 1'000;
constexpr int kDays = 5;

struct Settings {
  bool quick = false;
  std::string weir, dir;
  uint64_t rows = 0;  // in the stream before
  double seconds = 0;
};

std::string day(int ago) {
  const std::time_t time = std::time(nullptr) - 86'400 * ago;
  char text[16];
  std::tm civil{};
  gmtime_r(&time, &civil);
  std::strftime(text, sizeof text, "%Y-%m-%d", &civil);
  return text;
}

// Impressions with ids of their own; each thread has one.
class Events {
 public:
  explicit Events(uint32_t seed) : chance_(seed) {}
  void add(std::string& out, int ago) {
    out += "{\"impression_id\":\"" + uuid() + "\",\"ad_id\":\"" + ad() + "\",\"occurred_at\":\"" + day_text(ago) +
           " 00:00:00.000\"}";
  }

 private:
  const std::string& day_text(int ago) {
    if (days_.empty()) {
      for (int i = 0; i < kDays; ++i) days_.push_back(day(i));
    }
    return days_[static_cast<size_t>(ago)];
  }
  std::string uuid() {
    char text[37];
    const auto bits = [&] { return static_cast<unsigned>(chance_()); };
    std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%04x%08x", bits(), bits() & 0xffff, bits() & 0xfff,
                  bits() & 0xfff, bits() & 0xffff, bits());
    return text;
  }
  std::string ad() {
    char text[37];
    std::snprintf(text, sizeof text, "%08x-0000-4000-8000-000000000000", static_cast<unsigned>(chance_() % 2'000));
    return text;
  }
  std::mt19937 chance_;
  std::vector<std::string> days_;
};

void make_post(std::string& request, const std::string& body) {
  request =
      "POST /v1/streams/impressions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string judge_accepted(size_t count, int status, std::string_view body) {
  const bool is_whole =
      status == 200 && body.find("\"accepted\":" + std::to_string(count) + ",") != std::string_view::npos;
  return is_whole ? "" : "an answer of " + std::to_string(status) + ": " + std::string(body.substr(0, 200));
}

class Bench {
 public:
  explicit Bench(Settings settings)
      : settings_(std::move(settings)), folder_(fs::absolute(settings_.dir + "/mixed").string()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    fs::copy("examples/advertising", folder_, fs::copy_options::recursive);
    fs::remove_all(folder_ + "/.weir");
    const std::string log = settings_.dir + "/mixed.log";
    fs::remove(log);
    server_ = std::make_unique<Process>(std::vector<std::string>{settings_.weir, "serve", "--dir", folder_, "--listen",
                                                                 "127.0.0.1:" + std::to_string(port_)},
                                        log);
    if (!wait_ready(port_, "/health/ready", 60)) give_up("weir did not get ready; its output is in " + log);
    token_ = admin_token(settings_.weir, folder_, settings_.dir);
  }

  int run() {
    fill();
    compute();
    LoadResult quiet = capture(settings_.seconds / 3);
    std::atomic<bool> stop{false};
    int flows = 0, scans = 0;
    std::thread flow([&] {
      Events events(2);
      for (; !stop; ++flows) {
        for (int ago = 1; ago < kDays; ++ago) send(events, ago);
        compute();
      }
    });
    std::thread scan([&] {
      for (; !stop; ++scans) full_scan();
    });
    LoadResult busy = capture(settings_.seconds);
    stop = true;
    flow.join();
    scan.join();
    check_rows();
    const uint64_t errors = quiet.errors + busy.errors;
    if (errors > 0) give_up("an event was not taken: " + quiet.first_error + busy.first_error);
    if (busy.per_second() < kEventsPerS * 0.95) {
      give_up("only " + std::to_string(static_cast<int>(busy.per_second())) + " events/s: this machine is too busy");
    }
    std::printf(
        "%.0f single events/s on %d connections: quiet p50 %.2f ms, p99 %.2f ms; while %d scans of %.1f M rows and %d "
        "daily flows ran p50 %.2f ms, p99 %.2f ms, longest %.0f ms; peak memory %.0f MB\n",
        kEventsPerS, kConnections, quiet.percentile(0.5), quiet.percentile(0.99), scans,
        static_cast<double>(sent_) / 1e6, flows, busy.percentile(0.5), busy.percentile(0.99), busy.percentile(1),
        static_cast<double>(server_->peak_rss_bytes()) / 1e6);
    std::printf(
        "RESULT {%s\"capture_p99_ms\": %.2f, \"capture_p50_ms\": %.2f, \"quiet_p99_ms\": %.2f, \"scans\": %d, "
        "\"flows\": %d, \"rows\": %llu, \"rss_mb\": %.0f}\n",
        settings_.quick ? "\"quick\": true, " : "", busy.percentile(0.99), busy.percentile(0.5), quiet.percentile(0.99),
        scans, flows, static_cast<unsigned long long>(sent_.load()),
        static_cast<double>(server_->peak_rss_bytes()) / 1e6);
    return 0;
  }

 private:
  // The rows that statements read; days that are past, so that the flow has its days.
  void fill() {
    Events events(1);
    LoadPlan plan;
    plan.port = port_;
    plan.connections = 8;
    plan.seconds = 600;
    plan.requests_max = settings_.rows / kBatch;
    plan.make = [&](uint64_t number, std::string& request) {
      std::string body = "[";
      for (int i = 0; i < kBatch; ++i) {
        if (i > 0) body += ',';
        events.add(body, 1 + static_cast<int>(number) % (kDays - 1));
      }
      make_post(request, body + "]");
    };
    plan.judge = [](uint64_t, int status, std::string_view body) { return judge_accepted(kBatch, status, body); };
    const LoadResult load = run_load(plan);
    if (load.errors > 0) give_up("the rows were not taken: " + load.first_error);
    sent_ += load.requests * kBatch;
    if (http(port_, "POST", "/v1/lake/drain", {}, token_).status != 200) give_up("the lake was not drained");
  }

  void send(Events& events, int ago) {
    std::string body = "[";
    for (int i = 0; i < kBatch; ++i) {
      if (i > 0) body += ',';
      events.add(body, ago);
    }
    const HttpReply reply = http(port_, "POST", "/v1/streams/impressions", body + "]");
    if (const std::string wrong = judge_accepted(kBatch, reply.status, reply.body); !wrong.empty()) give_up(wrong);
    sent_ += kBatch;
  }

  void compute() {
    const std::string command = settings_.weir + " run daily --dir " + folder_ + " > " + folder_ + "/run.log 2>&1";
    if (std::system(command.c_str()) != 0) give_up("the daily flow failed: " + folder_ + "/run.log");
  }

  void full_scan() {
    const HttpReply reply = http(port_, "POST", "/v1/sql",
                                 R"({"sql":"SELECT count(*), count(DISTINCT impression_id), max(hash(ad_id)), )"
                                 R"(min(_arrived_at) FROM impressions"})",
                                 token_);
    if (reply.status != 200) give_up("a scan failed: " + reply.body);
  }

  LoadResult capture(double seconds) {
    Events events(3 + static_cast<uint32_t>(sent_));
    LoadPlan plan;
    plan.port = port_;
    plan.seconds = seconds;
    plan.requests_per_s = kEventsPerS;
    plan.connections = kConnections;
    plan.make = [&](uint64_t, std::string& request) {
      std::string body;
      events.add(body, 0);
      make_post(request, body);
    };
    plan.judge = [](uint64_t, int status, std::string_view body) { return judge_accepted(1, status, body); };
    LoadResult out = run_load(plan);
    sent_ += out.requests - out.errors;
    return out;
  }

  void check_rows() {
    const HttpReply reply =
        http(port_, "POST", "/v1/sql", R"({"sql":"SELECT count(*), count(DISTINCT impression_id) FROM impressions"})",
             token_);
    const std::string rows = std::to_string(sent_.load());
    if (reply.body.find("[[" + rows + "," + rows + "]]") == std::string::npos) {
      give_up("acknowledged were " + rows + " events, found are " + reply.body.substr(0, 300));
    }
  }

  const Settings settings_;
  const std::string folder_;
  const uint16_t port_ = free_port();
  std::string token_;
  std::unique_ptr<Process> server_;
  std::atomic<uint64_t> sent_{0};
};

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  const weir::bench::Options options(argc, argv, {"--rows N", "--seconds N"});
  weir::bench::Settings settings;
  settings.quick = options.quick();
  settings.weir = options.weir();
  settings.dir = options.dir();
  settings.rows = options.whole("--rows", settings.quick ? 1'000'000 : 10'000'000);
  settings.seconds = options.number("--seconds", settings.quick ? 20 : 120);
  std::filesystem::create_directories(settings.dir);
  weir::bench::print_disk(settings.dir);
  return weir::bench::Bench(settings).run();
}
