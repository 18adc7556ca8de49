// bench/start: cold start of `weir serve` in an empty project until it is ready, and the memory of an idle server. Its
// peer in the same run is `nginx`, started cold with one location.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bench/options.h"
#include "bench/process.h"

namespace fs = std::filesystem;

namespace weir::bench {
namespace {

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int run(bool quick, const std::string& weir, const std::string& nginx, const std::string& dir) {
  fs::create_directories(dir);
  print_disk(dir);
  const std::string folder = fs::absolute(dir + "/start").string();
  std::vector<double> cold, again, peer, idle;
  const int rounds = quick ? 5 : 15;
  for (int round = 0; round < rounds; ++round) {
    fs::remove_all(folder);
    fs::create_directories(folder + "/nginx");
    for (const bool first : {true, false}) {
      const uint16_t port = free_port();
      const double begin = now_ms();
      Process server({weir, "serve", "--dir", folder, "--listen", "127.0.0.1:" + std::to_string(port)},
                     dir + "/start.log");
      if (!wait_ready(port, "/health/ready", 30)) give_up("weir did not get ready: " + dir + "/start.log");
      (first ? cold : again).push_back(now_ms() - begin);
      usleep(1'000'000);
      idle.push_back(static_cast<double>(server.rss_bytes()) / 1e6);
    }
    const uint16_t port = free_port();
    std::ofstream(folder + "/nginx/nginx.conf")
        << "daemon off; worker_processes 2; pid " << folder << "/nginx/pid; error_log " << folder
        << "/nginx/error.log;\nevents {}\nhttp { access_log off; server { listen 127.0.0.1:" << port
        << "; location / { return 204; } } }\n";
    const double begin = now_ms();
    Process server({nginx, "-p", folder + "/nginx", "-c", folder + "/nginx/nginx.conf"}, dir + "/start-nginx.log");
    if (!wait_ready(port, "/", 10)) give_up("nginx did not start: " + dir + "/start-nginx.log");
    peer.push_back(now_ms() - begin);
  }
  std::printf(
      "ready in an empty folder: median %.0f ms; again in the same folder %.0f ms; nginx %.0f ms; idle memory %.0f "
      "MB\n",
      median(cold), median(again), median(peer), median(idle));
  std::printf("RESULT {%s\"cold_ms\": %.0f, \"idle_mb\": %.0f, \"again_ms\": %.0f, \"nginx_ms\": %.0f}\n",
              quick ? "\"quick\": true, " : "", median(cold), median(idle), median(again), median(peer));
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  const weir::bench::Options options(argc, argv, {"--nginx PATH"});
  return weir::bench::run(options.quick(), options.weir(), options.text("--nginx", "nginx"), options.dir());
}
