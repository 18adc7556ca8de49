// bench/etl: a folder of gzipped NDJSON becomes rows of the lake, against a bare DuckDB that copies the same files to
// Parquet with the same types, codec and partitions, with 2 threads. weir's side is the whole way: a child takes the
// files apart, every record is judged against the declaration and looked up by its key, the journal is synced, archive
// and Parquet are written and committed, and it ends when a drain says that all is in files. DuckDB's side is COPY.
//
// Runs alternate; the answer is the median. Then the same with ten times the rows, for the cost of a row and the
// memory. Rows are counted on both sides, and the lake is verified once.
//
// bench/backfill is the same program with --backfill: the rows of 90 days are loaded, and a derived table by day and ad
// is computed for all of them by `weir backfill`, and once more, when nothing is left to do.
#include <duckdb.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/foreign_events.h"
#include "bench/options.h"
#include "bench/process.h"

namespace fs = std::filesystem;

namespace weir::bench {
namespace {

struct Settings {
  bool quick = false;
  std::string weir, dir, data;
  uint64_t rows = 0;
  int repeats = 0;
  uint64_t tenfold = 0;  // 0: without
  int days = 0;
  bool backfill = false;
};

constexpr const char* kTable = R"(---
partition: day
grain: [ad_id, day]
---
SELECT ad_id, CAST(occurred_at AS DATE) AS day, count(*) AS shown, sum(price) AS price, min(position) AS best
FROM impressions GROUP BY ALL
)";

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// --- the peer: this program once more, so that its memory is its own ------------------------------------------------

int be_peer(const std::string& files, const std::string& out) {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  if (duckdb_open(nullptr, &database) != DuckDBSuccess || duckdb_connect(database, &connection) != DuckDBSuccess) {
    give_up("DuckDB does not open");
  }
  const auto ask = [&](const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection, sql.c_str(), &result) != DuckDBSuccess) give_up(duckdb_result_error(&result));
    const int64_t first = duckdb_value_int64(&result, 0, 0);
    duckdb_destroy_result(&result);
    return first;
  };
  ask("SET threads = 2");
  const double begin = now_s();
  const int64_t rows =
      ask("COPY (SELECT *, CAST(occurred_at AS DATE) AS dt FROM read_json('" + files +
          "/**/*.json.gz', format = 'newline_delimited', columns = " + kForeignColumns + ")) TO '" + out +
          "' (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 122880, PARTITION_BY (dt))");
  const double seconds = now_s() - begin;
  std::printf("%.4f %lld\n", seconds, static_cast<long long>(rows));
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  return 0;
}

double peer_seconds(const Settings& settings, const ForeignFiles& files) {
  const std::string out = settings.dir + "/etl-duckdb", log = settings.dir + "/etl-duckdb.txt";
  fs::remove_all(out);
  fs::remove(log);
  Process peer({"/proc/self/exe", "--peer", files.folder, out}, log);
  while (peer.running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  double seconds = 0;
  uint64_t rows = 0;
  std::ifstream in(log);
  if (!(in >> seconds >> rows) || rows != files.rows) give_up("DuckDB did not copy every row: " + log);
  fs::remove_all(out);
  return seconds;
}

// --- weir -----------------------------------------------------------------------------------------------------------

uint64_t number_behind(const std::string& text, const std::string& word) {
  const size_t at = text.find(word);
  return at == std::string::npos ? UINT64_MAX : std::strtoull(text.c_str() + at + word.size(), nullptr, 10);
}

struct Seconds {
  double etl = 0, rebuild = 0;
  double cpu = 0;  // of the load, the child's too
  uint64_t rss_bytes = 0;
};

class Weir {
 public:
  Weir(const Settings& settings, const ForeignFiles& files)
      : files_(files), weir_(settings.weir), folder_(fs::absolute(settings.dir + "/etl").string()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/streams");
    std::ofstream(folder_ + "/streams/impressions.yaml") << kForeignStream;
    if (settings.backfill) {
      fs::create_directories(folder_ + "/tables");
      std::ofstream(folder_ + "/tables/by_ad.sql") << kTable;
    }
    std::ofstream(folder_ + "/weir.yaml") << "name: etl\nlake:\n  foreign: [" << files.folder << "]\n";
    const std::string log = settings.dir + "/etl.log";
    fs::remove(log);
    server_ = std::make_unique<Process>(std::vector<std::string>{settings.weir, "serve", "--dir", folder_, "--listen",
                                                                 "127.0.0.1:" + std::to_string(port_)},
                                        log);
    if (!wait_ready(port_, "/health/ready", 60)) give_up("weir did not get ready; its output is in " + log);
    token_ = admin_token(settings.weir, folder_, settings.dir);
  }
  ~Weir() {
    server_->stop();
    fs::remove_all(folder_);
  }

  Seconds run(bool with_rebuild, bool with_verify) {
    Seconds out;
    const PeakMemory memory(server_->pid());
    const double cpu_before = server_->cpu_seconds();
    double begin = now_s();
    finish_run("/v1/streams/impressions/etl", "{\"folder\":\"" + files_.folder + "\"}");
    loaded_s_ = now_s() - begin;
    if (const HttpReply drained = ask("POST", "/v1/lake/drain"); drained.status != 200) give_up(drained.body);
    out.etl = now_s() - begin;
    out.cpu = server_->cpu_seconds() - cpu_before;
    check_rows();
    if (with_rebuild) {
      begin = now_s();
      const std::string rebuilt = finish_run("/v1/lake/rebuild", R"({"stream":"impressions"})");
      out.rebuild = now_s() - begin;
      // Partitions that read as before are left alone, so none of them may have changed.
      if (number_behind(rebuilt, "\"partitions_changed\":") != 0) give_up(rebuilt);
      check_rows();
    }
    if (with_verify) {
      const HttpReply verified = ask("POST", "/v1/lake/verify");
      if (verified.status != 200 || verified.body.find("\"problems\":[]") == std::string::npos) {
        give_up("the lake does not agree with itself: " + verified.body.substr(0, 500));
      }
    }
    out.rss_bytes = memory.bytes();
    return out;
  }
  // Seconds of `weir backfill` over all days.
  double backfill(int days) {
    const double begin = now_s();
    const std::string command = weir_ + " backfill by_ad --from " + foreign_day(0) + " --to " + foreign_day(days) +
                                " --dir " + folder_ + " > " + folder_ + "/backfill.log 2>&1";
    if (std::system(command.c_str()) != 0) give_up("the backfill failed: " + folder_ + "/backfill.log");
    const double seconds = now_s() - begin;
    const HttpReply reply =
        ask("POST", "/v1/sql", R"({"sql":"SELECT sum(shown)::BIGINT, count(DISTINCT day) FROM by_ad"})");
    const std::string expected = "[[" + std::to_string(files_.distinct) + "," + std::to_string(days) + "]]";
    if (reply.body.find(expected) == std::string::npos) {
      give_up("the table does not hold every row: expected " + expected + ", found " + reply.body.substr(0, 300));
    }
    return seconds;
  }
  uint64_t peak_rss_bytes() const { return server_->peak_rss_bytes(); }
  double loaded_s() const { return loaded_s_; }  // of the last run, without the drain

 private:
  // Begins a run by this request, and waits until it is done: as it is told then.
  std::string finish_run(const std::string& path, const std::string& body) {
    const HttpReply started = ask("POST", path, body);
    const size_t id = started.body.find("\"id\":\"");
    if (started.status / 100 != 2 || id == std::string::npos) give_up("no run began: " + started.body);
    const std::string run = started.body.substr(id + 6, started.body.find('"', id + 6) - id - 6);
    while (true) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      const HttpReply view = ask("GET", "/v1/runs/" + run);
      const size_t state = view.body.find("\"state\":\"");  // the run's own comes before those of its tasks
      if (state == std::string::npos) give_up(view.body);
      const std::string word = view.body.substr(state + 9, view.body.find('"', state + 9) - state - 9);
      if (word == "done") return view.body;
      if (word != "queued" && word != "running") give_up("the run " + word + ": " + view.body);
    }
  }

  HttpReply ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    return http(port_, method, path, body, token_);
  }
  void check_rows() {
    const HttpReply reply = ask("POST", "/v1/sql",
                                R"({"sql":"SELECT count(*), count(DISTINCT impression_id), (SELECT count(*) FROM )"
                                R"(impressions_quarantine) FROM impressions"})");
    const std::string expected =
        "[[" + std::to_string(files_.distinct) + "," + std::to_string(files_.distinct) + ",0]]";
    if (reply.body.find(expected) == std::string::npos) {
      give_up("not every row once: expected " + expected + ", found " + reply.body.substr(0, 300));
    }
  }

  const ForeignFiles files_;
  const std::string weir_, folder_;
  const uint16_t port_ = free_port();
  std::string token_;
  std::unique_ptr<Process> server_;
  double loaded_s_ = 0;
};

// --- both -----------------------------------------------------------------------------------------------------------

int run_backfill(const Settings& settings, const std::string& data) {
  ForeignPlan plan;
  plan.rows = settings.rows;
  plan.days = settings.days;
  const ForeignFiles files = make_foreign_files(data, plan);
  Weir weir(settings, files);
  const Seconds loaded = weir.run(false, false);
  const double first = weir.backfill(plan.days), again = weir.backfill(plan.days);
  std::printf("%d days of %llu rows: loaded in %.1f s (peak memory %.0f MB), backfilled in %.1f s, again in %.1f s\n",
              plan.days, static_cast<unsigned long long>(files.rows / static_cast<uint64_t>(plan.days)), loaded.etl,
              static_cast<double>(loaded.rss_bytes) / 1e6, first, again);
  std::printf(
      "RESULT {%s\"days\": %d, \"rows\": %llu, \"etl_s\": %.2f, \"backfill_s\": %.2f, \"again_s\": %.2f, "
      "\"rows_per_s\": %.0f, \"rss_mb\": %.0f}\n",
      settings.quick ? "\"quick\": true, " : "", plan.days, static_cast<unsigned long long>(files.rows), loaded.etl,
      first, again, static_cast<double>(files.rows) / first, static_cast<double>(weir.peak_rss_bytes()) / 1e6);
  return 0;
}

int run(const Settings& settings) {
  fs::create_directories(settings.dir);
  print_disk(settings.dir);
  const std::string data = settings.data.empty() ? settings.dir + "/etl-data" : settings.data;
  if (settings.backfill) return run_backfill(settings, data);
  ForeignPlan plan;
  plan.rows = settings.rows;
  plan.days = settings.days;
  const ForeignFiles files = make_foreign_files(data, plan);
  std::printf("data: %llu rows, %llu of them once more, %d days, %llu files, %.0f MB of gzip, %.0f MB unpacked\n",
              static_cast<unsigned long long>(files.rows), static_cast<unsigned long long>(files.rows - files.distinct),
              plan.days, static_cast<unsigned long long>(files.files), static_cast<double>(files.bytes) / 1e6,
              static_cast<double>(files.unpacked_bytes) / 1e6);
  std::vector<double> peer, etl, rebuild, etl_ratio, rebuild_ratio;
  uint64_t rss = 0;
  for (int i = 0; i < settings.repeats; ++i) {
    peer.push_back(peer_seconds(settings, files));
    Weir weir(settings, files);
    const Seconds took = weir.run(true, i == 0);
    etl.push_back(took.etl);
    rebuild.push_back(took.rebuild);
    etl_ratio.push_back(peer.back() / took.etl);
    rebuild_ratio.push_back(peer.back() / took.rebuild);
    rss = std::max(rss, took.rss_bytes);
    std::printf(
        "run %d: DuckDB %.2f s; weir etl %.2f s (%.2f until the load ended, %.2f of CPU), rebuild %.2f s; peak memory "
        "%.0f MB\n",
        i + 1, peer.back(), took.etl, weir.loaded_s(), took.cpu, took.rebuild,
        static_cast<double>(took.rss_bytes) / 1e6);
    std::fflush(stdout);
  }
  char cost[64] = "null";
  uint64_t tenfold_rss = 0;
  if (settings.tenfold > 0) {
    plan.rows *= settings.tenfold;
    const ForeignFiles more = make_foreign_files(data, plan);
    Weir weir(settings, more);
    const Seconds took = weir.run(false, false);
    tenfold_rss = took.rss_bytes;
    std::printf("%llu rows: weir etl %.2f s (%.2f of CPU); peak memory %.0f MB\n",
                static_cast<unsigned long long>(more.rows), took.etl, took.cpu,
                static_cast<double>(took.rss_bytes) / 1e6);
    std::snprintf(cost, sizeof cost, "%.3f", took.etl / (median(etl) * static_cast<double>(settings.tenfold)));
  }
  std::printf(
      "RESULT {%s\"vs_duckdb\": %.3f, \"cost_ratio_10x\": %s, \"rss_mb\": %.0f, \"rebuild_vs_duckdb\": %.3f, "
      "\"rows\": %llu, \"rows_per_s\": %.0f, \"etl_s\": %.2f, \"duckdb_s\": %.2f, \"rebuild_s\": %.2f, "
      "\"rss_mb_1x\": %.0f, \"runs\": %d}\n",
      settings.quick ? "\"quick\": true, " : "", median(etl_ratio), cost,
      static_cast<double>(std::max(rss, tenfold_rss)) / 1e6, median(rebuild_ratio),
      static_cast<unsigned long long>(files.rows), static_cast<double>(files.rows) / median(etl), median(etl),
      median(peer), median(rebuild), static_cast<double>(rss) / 1e6, settings.repeats);
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "--peer") return weir::bench::be_peer(argv[2], argv[3]);
  const weir::bench::Options options(argc, argv, {"--rows N", "--repeats N", "--tenfold N", "--backfill", "--days N"});
  weir::bench::Settings settings;
  settings.quick = options.quick();
  settings.weir = options.weir();
  settings.dir = options.dir();
  settings.data = options.data();
  settings.backfill = options.has("--backfill");
  settings.days = static_cast<int>(std::max<uint64_t>(1, options.whole("--days", settings.backfill ? 90 : 4)));
  const uint64_t a_day = settings.quick ? 10'000 : 1'000'000;
  const uint64_t rows = settings.quick ? 1'000'000 : 10'000'000;
  settings.rows = options.whole("--rows", settings.backfill ? static_cast<uint64_t>(settings.days) * a_day : rows);
  settings.repeats = static_cast<int>(std::max<uint64_t>(1, options.whole("--repeats", 5)));
  settings.tenfold = options.whole("--tenfold", 10);
  return weir::bench::run(settings);
}
