// `weir doctor`: what this machine can promise, measured on the disk that the folder lies on.
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <thread>

#include "core/base/sizes.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "surface/cli/commands.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr int kSyncs = 200;
constexpr size_t kSyncBytes = 64 << 10;

struct Finding {
  std::string what, value;
  bool good = true;
  std::string mend;
};

struct SyncSpeed {
  double per_second = 0, p50_ms = 0, p99_ms = 0;
};

// Writes and syncs as the journal does: blocks of one group into a file that was filled with zeros before.
Result<SyncSpeed> measure_sync(const std::string& folder) {
  Files& files = real_files();
  const std::string path = join_path(folder, ".weir-doctor");
  TRY_ASSIGN(auto file, files.open(path, OpenMode::create));
  const std::string zeros(kSyncBytes * kSyncs, '\0');
  auto prepared = file->write_at(0, zeros);
  if (prepared) prepared = file->sync();
  std::vector<double> times;
  const std::string block(kSyncBytes, 'x');
  for (int i = 0; i < kSyncs && prepared; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    prepared = file->write_at(static_cast<uint64_t>(i) * kSyncBytes, block);
    if (prepared) prepared = file->sync();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  TRY(files.remove(path));
  TRY(prepared);
  double sum = 0;
  for (const double time : times) sum += time;
  std::sort(times.begin(), times.end());
  return SyncSpeed{1000.0 * static_cast<double>(times.size()) / sum, times[times.size() / 2],
                   times[times.size() * 99 / 100]};
}

std::string number(double value, const char* unit) {
  char out[64];
  std::snprintf(out, sizeof out, value >= 100 ? "%.0f %s" : "%.2f %s", value, unit);
  return out;
}

bool port_is_free(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return free;
}

const char* file_system_name(long type) {
  switch (type) {
    case 0xEF53:
      return "ext2/3/4";
    case 0x58465342:
      return "xfs";
    case 0x9123683E:
      return "btrfs";
    case 0x01021994:
      return "tmpfs (memory)";
    case 0x794C7630:
      return "overlayfs";
    case 0x6969:
      return "nfs";
    case 0x2FC12FC1:
      return "zfs";
    default:
      return "another";
  }
}

Finding file_system(const std::string& folder) {
  struct statfs info {};
  if (statfs(folder.c_str(), &info) != 0) return {"file system", "unknown", false, "check that the folder can be read"};
  const bool memory = info.f_type == 0x01021994;
  const bool network = info.f_type == 0x6969;
  return {"file system", file_system_name(info.f_type), !memory && !network,
          memory ? "nothing in memory survives a power cut; use a folder on a disk"
                 : "locks and syncs over a network are as good as the server; use a local disk"};
}

Result<std::vector<Finding>> examine(const std::string& folder) {
  std::vector<Finding> out;
  out.push_back(file_system(folder));
  TRY_ASSIGN(uint64_t free, real_files().free_bytes(folder));
  out.push_back({"free space", approximate_size(free), free > (1ull << 30),
                 "less than 1 GiB; capture answers 507 when it is used up"});
  TRY_ASSIGN(SyncSpeed speed, measure_sync(folder));
  out.push_back(
      {"syncs of 64 KiB",
       number(speed.per_second, "/s") + ", p50 " + number(speed.p50_ms, "ms") + ", p99 " + number(speed.p99_ms, "ms"),
       speed.p99_ms < 50, "a slow disk makes every acknowledgement wait; a local SSD is enough"});
  // A group holds what arrived during the sync before it: 64 KiB are about 200 events of 200 bytes with their frames.
  out.push_back({"capture it can acknowledge",
                 "about " + with_commas(static_cast<uint64_t>(speed.per_second * 200)) + " events/s in groups of 200",
                 true, ""});
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  out.push_back({"open files limit", std::to_string(limit.rlim_cur), limit.rlim_cur >= 4096,
                 "ulimit -n 65536: each connection and lake file needs one"});
  out.push_back({"cores", std::to_string(std::thread::hardware_concurrency()), true, ""});
  const auto memory = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
  out.push_back({"memory", approximate_size(memory), memory >= (1ull << 30),
                 "1 GiB is the least that queries are comfortable with"});
  const std::time_t now = std::time(nullptr);
  out.push_back({"clock", shown_time(static_cast<int64_t>(now) * 1'000'000), now > 1'700'000'000,
                 "the clock is wrong; events would be refused as too new"});
  out.push_back({"port 8480", port_is_free(8480) ? "free" : "in use", true, ""});
  return out;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("doctor", "Measure this disk and look at limits, clock, ports, versions");
  command->callback([&context] {
    auto found = examine(context.common.folder);
    if (!found) {
      context.exit_code = report(found.error());
      return;
    }
    bool good = true;
    Json list{Json::Array{}};
    for (const auto& finding : *found) {
      good = good && finding.good;
      list.push(Json(Json::Object{{"what", finding.what},
                                  {"value", finding.value},
                                  {"good", finding.good},
                                  {"mend", finding.good ? "" : finding.mend}}));
      if (context.common.json) continue;
      std::printf("%-4s %-28s %s\n", finding.good ? "ok" : "!!", finding.what.c_str(), finding.value.c_str());
      if (!finding.good) std::printf("     mend: %s\n", finding.mend.c_str());
    }
    if (context.common.json) {
      std::cout
          << Json(Json::Object{{"good", good}, {"findings", list}, {"versions", context.wiring.versions()}}).dump(2)
          << "\n";
    } else {
      std::cout << context.wiring.versions();
    }
    if (!good) context.exit_code = kFound;
  });
}

}  // namespace weir::cli
