// bench/endpoint: the example's traffic endpoint at 1 000 requests/s, quiet and while the daily flow computes days
// again, and as fast as it goes. Every answer is judged: its status, and a row for each day; at the end the sums of
// some ads.
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

constexpr double kRequestsPerS = 1'000;

std::string day(int ago) {
  const std::time_t time = std::time(nullptr) - 86'400 * ago;
  char text[16];
  std::tm civil{};  // both threads ask: gmtime() would share one
  gmtime_r(&time, &civil);
  std::strftime(text, sizeof text, "%Y-%m-%d", &civil);
  return text;
}

class Bench {
 public:
  Bench(bool quick, std::string weir, const std::string& dir)
      : quick_(quick), weir_(std::move(weir)), folder_(fs::absolute(dir + "/endpoint").string()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    fs::copy("examples/advertising", folder_, fs::copy_options::recursive);
    fs::remove_all(folder_ + "/.weir");
    server_ = std::make_unique<Process>(
        std::vector<std::string>{weir_, "serve", "--dir", folder_, "--listen", "127.0.0.1:" + std::to_string(port_)},
        dir + "/endpoint.log");
    if (!wait_ready(port_, "/health/ready", 30)) give_up("weir did not get ready: " + dir + "/endpoint.log");
    for (int i = 0; i < (quick_ ? 2'000 : 20'000); ++i) ads_.push_back(uuid());
  }

  int run() {
    for (int ago = 0; ago < kDays; ++ago) send(ago, ads_);
    compute();
    LoadResult quiet = load("quiet", quick_ ? 5 : 30, kRequestsPerS, 32);
    LoadResult fastest = load("fastest", quick_ ? 5 : 30, 0, 8);
    std::atomic<bool> stop{false};
    int runs = 0;
    std::thread flow([&] {
      const std::vector<std::string> some(ads_.begin(), ads_.begin() + static_cast<int64_t>(ads_.size() / 4));
      for (int i = 0; !stop; ++i, ++runs) {
        for (int more = 0; more < 3; ++more) send((3 * i + more) % kDays, some);
        compute();
      }
    });
    LoadResult busy = load("while the flow writes", quick_ ? 15 : 60, kRequestsPerS, 32);
    stop = true;
    flow.join();
    check_sums();
    const uint64_t errors = quiet.errors + fastest.errors + busy.errors;
    std::printf(
        "1 000 requests/s: quiet p50 %.2f ms, p99 %.2f ms; while %d daily flows wrote p50 %.2f ms, p99 %.2f ms\n",
        quiet.percentile(0.5), quiet.percentile(0.99), runs, busy.percentile(0.5), busy.percentile(0.99));
    std::printf(
        "RESULT {%s\"endpoint_p99_ms\": %.2f, \"quiet_p99_ms\": %.2f, \"requests_per_s\": %.0f, \"errors\": %llu, "
        "\"rss_mb\": %.0f}\n",
        quick_ ? "\"quick\": true, " : "", busy.percentile(0.99), quiet.percentile(0.99), fastest.per_second(),
        static_cast<unsigned long long>(errors), static_cast<double>(server_->peak_rss_bytes()) / 1e6);
    return errors == 0 ? 0 : 1;
  }

 private:
  static constexpr int kDays = 15;

  std::string uuid() {
    char text[37];
    const auto bits = [&] { return static_cast<unsigned>(chance_()); };
    std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%04x%08x", bits(), bits() & 0xffff, bits() & 0xfff,
                  bits() & 0xfff, bits() & 0xffff, bits());
    return text;
  }

  // One impression of each ad.
  void send(int ago, const std::vector<std::string>& ads) {
    for (size_t at = 0; at < ads.size(); at += 500) {
      std::string body = "{\"impressions\":[";
      for (size_t i = at; i < std::min(ads.size(), at + 500); ++i) {
        body += (i > at ? ",{\"impression_id\":\"" : "{\"impression_id\":\"") + uuid() + "\",\"ad_id\":\"" + ads[i] +
                "\",\"occurred_at\":\"" + day(ago) + " 12:00:00.000\"}";
      }
      const HttpReply reply = http(port_, "POST", "/impressions", body + "]}");
      if (reply.status != 200 || reply.body.find("\"failed_count\":0") == std::string::npos) give_up(reply.body);
    }
    sent_ += ads.size();
  }

  void compute() {
    const std::string command = weir_ + " run daily --dir " + folder_ + " > " + folder_ + "/run.log 2>&1";
    if (std::system(command.c_str()) != 0) give_up("the daily flow failed: " + folder_ + "/run.log");
  }

  std::string path(const std::string& ad) const {
    return "/traffic/" + ad + "?start=" + day(kDays - 1) + "&end=" + day(0);
  }

  LoadResult load(const char* phase, double seconds, double per_s, int connections) {
    LoadPlan plan;
    plan.port = port_;
    plan.seconds = seconds;
    plan.requests_per_s = per_s;
    plan.connections = connections;
    plan.make = [&](uint64_t number, std::string& request) {
      request = "GET " + path(ads_[number * 7'919 % ads_.size()]) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    };
    plan.judge = [&](uint64_t, int status, std::string_view body) -> std::string {
      if (status != 200) return "status " + std::to_string(status) + ": " + std::string(body);
      const std::string begin = "{\"count\":" + std::to_string(kDays) + ",\"next\":null,";
      return body.starts_with(begin) ? "" : "not every day: " + std::string(body.substr(0, 200));
    };
    LoadResult out = run_load(plan);
    if (out.errors > 0)
      std::printf("%s: %llu errors, the first: %s\n", phase, static_cast<unsigned long long>(out.errors),
                  out.first_error.c_str());
    return out;
  }

  void check_sums() {
    uint64_t found = 0;
    for (const std::string& ad : ads_) {
      const std::string body = http(port_, "GET", path(ad)).body;
      constexpr std::string_view kName = "\"impressions\":";
      for (size_t at = body.find(kName); at != std::string::npos; at = body.find(kName, at + 1)) {
        found += std::strtoull(body.c_str() + at + kName.size(), nullptr, 10);
      }
    }
    if (found != sent_)
      give_up("answered are " + std::to_string(found) + " impressions, sent were " + std::to_string(sent_));
  }

  const bool quick_;
  const std::string weir_, folder_;
  const uint16_t port_ = free_port();
  std::unique_ptr<Process> server_;
  std::mt19937 chance_{1};
  std::vector<std::string> ads_;
  uint64_t sent_ = 0;
};

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  const weir::bench::Options options(argc, argv);
  std::filesystem::create_directories(options.dir());
  weir::bench::print_disk(options.dir());
  return weir::bench::Bench(options.quick(), options.weir(), options.dir()).run();
}
