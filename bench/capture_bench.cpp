// bench/capture: durable single-event capture against nginx answering 204, batches, and overload. See docs/measured.md
// for the keys.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <regex>

#include "bench/http_load.h"
#include "bench/options.h"
#include "bench/process.h"

namespace fs = std::filesystem;

namespace weir::bench {
namespace {

struct Settings {
  bool quick = false;
  std::string weir, nginx = "nginx", dir, cache;
  uint64_t keys = 50'000'000;
  int rounds = 5;
  double round_s = 8, overload_s = 600;
};

constexpr const char* kStream = R"(fields:
  event_id: uuid
  user_id: {type: string, required: true}
  type: {type: string, required: true}
  page: string
  referrer: string
  occurred_at: {type: timestamp, required: true}
key: event_id
time: occurred_at
write: public
past_max: 60d
)";

uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// Event number i is always the same 200 bytes, so that a resend is a duplicate and not a conflict.
class Events {
 public:
  explicit Events(std::string day) : day_(std::move(day)) {}
  void append(uint64_t index, std::string& out) const {
    const uint64_t a = mix(index * 2 + 1), b = mix(index * 2 + 2);
    out += "{\"event_id\":\"";
    hex(out, a >> 32, 8);
    out += '-';
    hex(out, a >> 16, 4);
    out += "-4";
    hex(out, a, 3);
    out += "-8";
    hex(out, b >> 52, 3);
    out += '-';
    hex(out, b, 12);
    out += "\",\"user_id\":\"u";
    decimal(out, index, 10);
    out += "\",\"type\":\"page_view\",\"page\":\"/products/";
    hex(out, a, 8);
    out += "\",\"occurred_at\":\"";
    out += day_;
    out += 'T';
    decimal(out, b % 24, 2);
    out += ':';
    decimal(out, a % 60, 2);
    out += ':';
    decimal(out, b % 60, 2);
    out += ".000Z\",\"referrer\":\"r";
    hex(out, b >> 36, 7);
    out += "\"}";
  }

 private:
  // The lowest `width` digits. The generator runs on the processors that are measured, so it must not take much of
  // them.
  static void hex(std::string& out, uint64_t number, size_t width) {
    for (size_t i = width; i-- > 0;) out += "0123456789abcdef"[(number >> (4 * i)) & 15];
  }
  static void decimal(std::string& out, uint64_t number, size_t width) {
    char digits[20];
    for (size_t i = width; i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
    out.append(digits, width);
  }
  std::string day_;
};

class Bench {
 public:
  explicit Bench(Settings settings) : settings_(std::move(settings)) {}
  int run();

 private:
  void prepare_folder();
  void start_weir();
  void start_nginx();
  void fill_index();
  LoadResult single(uint16_t port, const std::string& path, double seconds, bool is_weir);
  LoadResult batches(int connections, double seconds, double per_s, int size);
  void count_lake();
  uint64_t next_index(bool& duplicate);
  void begin_load();
  void end_load(uint64_t accepted);
  void save_state() const;
  void make_batch(uint64_t number, int size, std::string& request);
  std::string judge_batch(uint64_t number, int size, int status, std::string_view body);

  Settings settings_;
  std::string folder_, log_, token_, day_;
  uint16_t port_ = 0, nginx_port_ = 0;
  std::unique_ptr<Process> weir_, nginx_;
  std::unique_ptr<Events> events_;
  uint64_t acknowledged_ = 0;   // events ever accepted in the folder
  uint64_t next_ = 0;           // the next fresh index
  uint64_t known_ = 0;          // every index below was accepted
  uint64_t first_of_load_ = 0;  // of the running load
  uint64_t accepted_now_ = 0, refused_now_ = 0, gone_now_ = 0;
  std::vector<std::vector<std::pair<uint64_t, bool>>> in_flight_;  // by request number modulo its size
  std::mt19937_64 chance_{42};
};

// 1 % of the events are sent again, of all ages. Fresh events are numbered upwards; the number of one that was refused
// is not used again.
uint64_t Bench::next_index(bool& duplicate) {
  duplicate = known_ > 1000 && chance_() % 100 == 0;
  return duplicate ? chance_() % known_ : next_++;
}

void Bench::begin_load() {
  first_of_load_ = next_;
}

void Bench::end_load(uint64_t accepted) {
  acknowledged_ += accepted;
  if (known_ == first_of_load_ && accepted == next_ - first_of_load_) known_ = next_;
}

void Bench::save_state() const {
  std::ofstream(folder_ + "/bench-state") << acknowledged_ << " " << next_ << " " << known_ << " " << day_ << "\n";
}

void Bench::prepare_folder() {
  fs::create_directories(settings_.dir);
  print_disk(settings_.dir);
  folder_ = settings_.cache + "/capture-" + std::to_string(settings_.keys);
  const std::string state = folder_ + "/bench-state";
  std::ifstream in(state);
  if (in >> acknowledged_ >> next_ >> known_ >> day_) {
    struct stat info {};
    stat(state.c_str(), &info);
    // Events older than the stream's past_max would be quarantined, and keys older than the window forgotten.
    if (time(nullptr) - info.st_mtime > 5 * 86400) acknowledged_ = 0;
    in.close();
    fs::remove(state);  // written again at the end: a run that was cut leaves a folder whose events are not known
  } else {
    acknowledged_ = 0;
  }
  if (acknowledged_ == 0) {
    next_ = known_ = 0;
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/streams");
    std::ofstream(folder_ + "/weir.yaml") << "name: bench\n";
    std::ofstream(folder_ + "/streams/bench.yaml") << kStream;
    char today[16];
    const time_t now = time(nullptr);
    std::strftime(today, sizeof today, "%Y-%m-%d", gmtime(&now));
    day_ = today;
    // Times of today may lie in the future: yesterday's never do.
    const time_t yesterday = now - 86400;
    std::strftime(today, sizeof today, "%Y-%m-%d", gmtime(&yesterday));
    day_ = today;
  }
  events_ = std::make_unique<Events>(day_);
}

void Bench::start_weir() {
  port_ = free_port();
  log_ = settings_.dir + "/weir.log";
  fs::remove(log_);
  weir_ = std::make_unique<Process>(std::vector<std::string>{settings_.weir, "serve", "--dir", folder_, "--listen",
                                                             "127.0.0.1:" + std::to_string(port_)},
                                    log_);
  if (!wait_ready(port_, "/health/ready", 120)) give_up("weir did not get ready; its output is in " + log_);
  Process make({settings_.weir, "token", "create", "--admin", "--dir", folder_}, settings_.dir + "/token.txt");
  for (int i = 0; i < 100 && make.running(); ++i) usleep(50'000);
  std::ifstream in(settings_.dir + "/token.txt");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::smatch found;
  if (!std::regex_search(text, found, std::regex("weir_[a-z2-7]{32}"))) give_up("no token in " + text);
  token_ = found[0];
  fs::remove(settings_.dir + "/token.txt");
}

void Bench::start_nginx() {
  nginx_port_ = free_port();
  const std::string prefix = fs::absolute(settings_.dir + "/nginx").string();
  fs::create_directories(prefix);
  std::ofstream(prefix + "/nginx.conf")
      << "daemon off; worker_processes 2; pid " << prefix << "/pid; error_log " << prefix << "/error.log;\n"
      << "events { worker_connections 4096; }\n"
      << "http { access_log off; keepalive_requests 1000000000; client_body_temp_path " << prefix << "/body;\n"
      << "proxy_temp_path " << prefix << "/a; fastcgi_temp_path " << prefix << "/b; uwsgi_temp_path " << prefix
      << "/c; scgi_temp_path " << prefix << "/d;\n"
      << "server { listen 127.0.0.1:" << nginx_port_ << "; location / { return 204; } } }\n";
  nginx_ =
      std::make_unique<Process>(std::vector<std::string>{settings_.nginx, "-p", prefix, "-c", prefix + "/nginx.conf"},
                                settings_.dir + "/nginx.log");
  if (!wait_ready(nginx_port_, "/", 10))
    give_up("nginx did not start: " + settings_.dir + "/nginx.log (apt-get install nginx-light, or --nginx PATH)");
}

LoadResult Bench::single(uint16_t port, const std::string& path, double seconds, bool is_weir) {
  LoadPlan plan;
  plan.port = port;
  plan.connections = 256;
  plan.seconds = seconds;
  const std::string head = "POST " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                           "\r\nContent-Type: application/json\r\nContent-Length: ";
  std::vector<uint8_t> duplicates(1 << 16);
  begin_load();
  uint64_t accepted = 0;
  std::string body;
  plan.make = [&](uint64_t number, std::string& request) {
    bool duplicate = false;
    body.clear();
    events_->append(next_index(duplicate), body);
    duplicates[number & 0xFFFF] = duplicate ? 1 : 0;
    request = head;
    request += std::to_string(body.size());
    request += "\r\n\r\n";
    request += body;
  };
  plan.judge = [&](uint64_t number, int status, std::string_view answer) -> std::string {
    if (!is_weir) return status == 204 ? "" : "nginx answered " + std::to_string(status);
    const bool duplicate = duplicates[number & 0xFFFF] != 0;
    const bool good = status == 200 && answer.find(duplicate ? "\"status\":\"duplicate\""
                                                             : "\"status\":\"accepted\"") != std::string_view::npos;
    if (good && !duplicate) ++accepted;
    return good ? "" : "status " + std::to_string(status) + ": " + std::string(answer.substr(0, 300));
  };
  LoadResult result = run_load(plan);
  if (is_weir) {
    if (result.errors > 0) give_up("a verdict was wrong: " + result.first_error);
    end_load(accepted);
  } else {
    next_ = first_of_load_;
  }
  return result;
}

void Bench::make_batch(uint64_t number, int size, std::string& request) {
  auto& sent = in_flight_[number % in_flight_.size()];
  sent.clear();
  std::string body = "[";
  for (int i = 0; i < size; ++i) {
    bool duplicate = false;
    const uint64_t index = next_index(duplicate);
    sent.emplace_back(index, duplicate);
    if (i > 0) body += ',';
    events_->append(index, body);
  }
  body += ']';
  request = "POST /v1/streams/bench HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
            "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string Bench::judge_batch(uint64_t number, int size, int status, std::string_view body) {
  constexpr std::string_view kStatus = "\"status\":\"";
  if (status == 429 || status == 507) {
    gone_now_ += static_cast<uint64_t>(size);
    return {};
  }
  if (status != 200) return "status " + std::to_string(status) + ": " + std::string(body.substr(0, 300));
  const auto& sent = in_flight_[number % in_flight_.size()];
  size_t at = 0;
  for (const auto& [index, duplicate] : sent) {
    at = body.find(kStatus, at);
    if (at == std::string_view::npos) return "fewer verdicts than records";
    at += kStatus.size();
    const std::string_view verdict = body.substr(at, body.find('"', at) - at);
    if (verdict == "refused") {
      ++refused_now_;
    } else if (verdict == "accepted" && !duplicate) {
      ++accepted_now_;
    } else if (verdict != "duplicate" || !duplicate) {
      return "event " + std::to_string(index) + " was judged " + std::string(verdict);
    }
  }
  return {};
}

LoadResult Bench::batches(int connections, double seconds, double per_s, int size) {
  LoadPlan plan;
  plan.port = port_;
  plan.connections = connections;
  plan.seconds = seconds;
  plan.requests_per_s = per_s;
  in_flight_.assign(65536, {});
  begin_load();
  accepted_now_ = refused_now_ = gone_now_ = 0;
  plan.make = [&](uint64_t number, std::string& request) { make_batch(number, size, request); };
  plan.judge = [&](uint64_t number, int status, std::string_view body) {
    return judge_batch(number, size, status, body);
  };
  LoadResult result = run_load(plan);
  if (result.errors > 0) give_up("a verdict was wrong: " + result.first_error);
  end_load(accepted_now_);
  return result;
}

void Bench::fill_index() {
  while (acknowledged_ < settings_.keys) {
    auto result = batches(8, 5, 0, 500);
    std::fprintf(stderr, "\rfilling the index: %.1f of %.1f M keys (%.0f events/s) ",
                 static_cast<double>(acknowledged_) / 1e6, static_cast<double>(settings_.keys) / 1e6,
                 static_cast<double>(accepted_now_) / result.seconds);
  }
  std::fprintf(stderr, "\n");
  count_lake();
}

void Bench::count_lake() {
  const auto drained = http(port_, "POST", "/v1/lake/drain", "", token_);
  if (drained.status != 200) give_up("drain: " + drained.body);
  const auto counted = http(port_, "POST", "/v1/sql", R"({"sql":"SELECT count(*) FROM bench"})", token_);
  const std::string wanted = "\"rows\":[[" + std::to_string(acknowledged_) + "]]";
  if (counted.body.find(wanted) == std::string::npos)
    give_up("the lake does not hold " + std::to_string(acknowledged_) + " events: " + counted.body);
}

int Bench::run() {
  prepare_folder();
  start_weir();
  start_nginx();
  fill_index();
  std::vector<double> ratios, p99s, rates;
  (void)single(port_, "/v1/streams/bench", 2, true);
  for (int round = 0; round < settings_.rounds; ++round) {
    auto ours = single(port_, "/v1/streams/bench", settings_.round_s, true);
    auto peer = single(nginx_port_, "/v1/streams/bench", settings_.round_s, false);
    ratios.push_back(ours.per_second() / peer.per_second());
    p99s.push_back(ours.percentile(0.99));
    std::printf("single, 256 connections: weir %.0f/s (p50 %.2f ms, p99 %.2f ms), nginx 204 %.0f/s, ratio %.3f\n",
                ours.per_second(), ours.percentile(0.5), ours.percentile(0.99), peer.per_second(), ratios.back());
  }
  for (int round = 0; round < settings_.rounds; ++round) {
    auto result = batches(32, settings_.round_s, 0, 100);
    rates.push_back(static_cast<double>(result.requests) * 100 / result.seconds);
    std::printf("batches of 100, 32 connections: %.0f events/s (p99 %.1f ms), every verdict checked\n", rates.back(),
                result.percentile(0.99));
  }
  count_lake();
  std::printf("lake: holds the %llu acknowledged events\n", static_cast<unsigned long long>(acknowledged_));
  const uint64_t rss_before = weir_->peak_rss_bytes();
  const double capacity = median(rates);
  auto overload = batches(512, settings_.overload_s, 3 * capacity / 100, 100);
  const double goodput = static_cast<double>(accepted_now_) / overload.seconds / capacity / 0.99;
  const uint64_t rss = weir_->peak_rss_bytes();
  std::printf(
      "overload at 3x for %.0f s: %.0f events/s offered, %.0f accepted, goodput %.2f, peak memory %.0f MB (before %.0f "
      "MB)\n",
      overload.seconds, static_cast<double>(overload.requests) * 100 / overload.seconds,
      static_cast<double>(accepted_now_) / overload.seconds, goodput, static_cast<double>(rss) / 1e6,
      static_cast<double>(rss_before) / 1e6);
  count_lake();
  save_state();
  std::printf(
      "RESULT {%s\"single_vs_nginx\": %.3f, \"single_p99_ms\": %.2f, \"batched_events_per_s\": %.0f, \"rss_mb\": %.0f, "
      "\"overload_goodput\": %.3f}\n",
      settings_.quick ? "\"quick\": true, " : "", median(ratios), median(p99s), capacity,
      static_cast<double>(rss) / 1e6, goodput);
  return 0;
}

Settings parse(int argc, char** argv) {
  Settings out;
  const char* cache = std::getenv("WEIR_CACHE");
  const char* home = std::getenv("HOME");
  out.cache = cache != nullptr ? std::string(cache) + "/bench"
                               : std::string(home != nullptr ? home : ".") + "/.cache/weir/bench";
  const Options options(argc, argv, {"--nginx PATH", "--keys N", "--overload SECONDS"});
  if (options.quick()) {
    out.quick = true;
    out.keys = 10'000'000;
    out.rounds = 5;
    out.round_s = 2;
    out.overload_s = 20;
  }
  out.weir = options.weir();
  out.nginx = options.text("--nginx", out.nginx);
  out.dir = options.dir();
  out.keys = options.whole("--keys", out.keys);
  out.overload_s = options.number("--overload", out.overload_s);
  return out;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);  // a log can be followed
  return weir::bench::Bench(weir::bench::parse(argc, argv)).run();
}
