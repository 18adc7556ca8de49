// bench_engine_scan: a stream's scan against DuckDB's bare read_parquet over the same files, as ratios of medians in
// one process, with tails of no rows, a thousand and a million. It checks that both give the same answer where there is
// no tail.
//
// Usage: bench_engine_scan [ROWS_PER_FILE]     20 files of 250,000 rows unless said otherwise
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "storage/engine/scripted_tables.h"

namespace weir::engine {
namespace {

const std::vector<Column> kColumns = {{"id", ColumnType::int64},
                                      {"campaign", ColumnType::text},
                                      {"visitor", ColumnType::text},
                                      {"price", ColumnType::decimal, 18, 3},
                                      {"seen", ColumnType::timestamp}};
constexpr int32_t kFirstDay = 19358;
constexpr int kDays = 20;
constexpr int kRounds = 9;

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "%s\n", error.text().c_str());
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error());
  return std::move(*result);
}

void add_row(RowBlock& block, int64_t id, int64_t day) {
  const auto mixed = static_cast<int64_t>((static_cast<uint64_t>(id) * 0x9E3779B97F4A7C15u) >> 20);
  block.column(0).add_int(id);
  block.column(1).add_text("campaign-" + std::to_string(mixed % 500));
  block.column(2).add_text("visitor-" + std::to_string(mixed % 1'000'003));
  block.column(3).add_int(mixed % 100'000);
  block.column(4).add_int((kFirstDay + day) * int64_t{86'400'000'000} + (id % 250'000) * 345'600);
}

std::vector<Column> with_partition() {
  std::vector<Column> all = kColumns;
  all.push_back({"dt", ColumnType::date});
  return all;
}

class Bench {
 public:
  explicit Bench(int64_t rows_per_file) : rows_(rows_per_file) {
    EngineOptions options;
    options.store_root = folder_.path();
    options.temp_directory = folder_.file("tmp");
    options.threads = 2;
    engine_ = must(Engine::open(options, tables_, {}));
    own_ = must(engine_->connect(Trust::own));
    user_ = must(engine_->connect(Trust::user));
    for (int day = 0; day < kDays; ++day) add_file(day);
  }

  void run() {
    std::printf("%d files of %ld rows, ratio to bare read_parquet (its milliseconds last)\n", kDays, rows_);
    std::printf("%-28s %8s %8s %8s %10s\n", "", "no tail", "1,000", "1M", "bare ms");
    const std::string bare = list(files_.files.size());
    measure("count(*)", "SELECT count(*) FROM $", bare);
    measure("scan and aggregate", "SELECT campaign, count(*), sum(price) FROM $ GROUP BY 1 ORDER BY 1 LIMIT 3", bare);
    measure("one day of twenty", "SELECT count(*), sum(price) FROM $ WHERE dt = DATE '2023-01-07'", bare);
    measure("row-group filter", "SELECT count(*), sum(price) FROM $ WHERE id BETWEEN 600000 AND 660000", bare);
    measure("top 10 of all", "SELECT id, visitor, price FROM $ ORDER BY seen DESC, id LIMIT 10", bare);
    measure(
        "join with its aggregate",
        "SELECT count(*) FROM $ JOIN (SELECT campaign, max(price) AS price FROM $ GROUP BY 1) USING (campaign, price)",
        bare);
    std::vector<TableFile> all;
    all.swap(files_.files);
    files_.files.assign(all.begin(), all.begin() + 2);
    measure("small: 2 files, 1 day", "SELECT count(*) FROM $ WHERE dt = DATE '2023-01-01' AND id < 10", list(2));
    files_.files.clear();
    std::string thousand = "read_parquet([";
    for (int i = 0; i < 1000; ++i) {
      TableFile file = all[static_cast<size_t>(i) % all.size()];
      file.partition[0] = kFirstDay + i % kDays;
      files_.files.push_back(file);
      thousand += (i > 0 ? "," : "") + ("'weirown://" + folder_.file(file.path) + "'");
    }
    thousand += "], hive_partitioning = true, hive_types = {'dt': DATE})";
    measure("1,000 files, plan only", "EXPLAIN SELECT count(id) FROM $ WHERE dt = DATE '2030-01-01'", thousand);
  }

 private:
  void add_file(int day) {
    RowBlock block(kColumns);
    for (int64_t i = 0; i < rows_; ++i) add_row(block, day * rows_ + i, day);
    const std::string folder = "dt=" + format_date(kFirstDay + day);
    std::filesystem::create_directories(folder_.file(folder));
    TableFile file{
        .path = folder + "/part.parquet", .rows = 0, .bytes = 0, .partition = {kFirstDay + day}, .int_bounds = {}};
    const ParquetFile written =
        must(engine_->write_parquet({engine_->seal(block)}, kColumns, folder_.file(file.path), {}));
    file.rows = written.rows;
    file.bytes = written.bytes;
    file.int_bounds = written.int_bounds;
    files_.files.push_back(std::move(file));
  }

  std::string list(size_t count) const {
    std::string text = "read_parquet([";
    for (size_t i = 0; i < count; ++i) {
      text += (i > 0 ? "," : "") + ("'weirown://" + folder_.file(files_.files[i].path) + "'");
    }
    return text + "], hive_partitioning = true, hive_types = {'dt': DATE})";
  }

  void publish(int64_t tail_rows) {
    TableVersion version = files_;
    version.name = "s";
    version.columns = kColumns;
    version.partition_columns = {{"dt", ColumnType::date}};
    for (int64_t from = 0; from < tail_rows; from += 100'000) {
      RowBlock block(with_partition());
      for (int64_t i = from; i < std::min(from + 100'000, tail_rows); ++i) {
        add_row(block, 1'000'000'000 + i, kDays - 1);
        block.column(5).add_int(kFirstDay + kDays - 1);
      }
      version.tail.push_back(engine_->seal(block));
    }
    tables_.publish({version});
  }

  static double median_ms(Session& session, const std::string& sql, std::string& answer) {
    std::vector<double> times;
    for (int round = 0; round < kRounds; ++round) {
      const auto begin = std::chrono::steady_clock::now();
      const auto stream = must(session.query(sql, {}, {}));
      answer.clear();
      for (auto rows = must(stream->next()); !rows.empty(); rows = must(stream->next())) {
        for (const auto& row : rows) {
          for (const Cell& cell : row) {
            if (const auto* number = std::get_if<int64_t>(&cell)) answer += std::to_string(*number) + "|";
            if (const auto* text = std::get_if<std::string>(&cell)) answer += *text + "|";
          }
        }
      }
      times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  void measure(const char* name, const std::string& statement, const std::string& bare) {
    const auto over = [&](const std::string& table) {
      std::string sql = statement;
      for (size_t at = 0; (at = sql.find('$', at)) != std::string::npos; at += table.size()) sql.replace(at, 1, table);
      return sql;
    };
    std::string expected, answer;
    const double peer = median_ms(*own_, over(bare), expected);
    std::printf("%-28s", name);
    for (const int64_t tail : {0L, 1'000L, 1'000'000L}) {
      publish(tail);
      std::printf(" %8.2f", median_ms(*user_, over("s"), answer) / peer);
      if (tail == 0 && statement.find("EXPLAIN") == std::string::npos && answer != expected) {
        give_up(Error(Code::internal, std::string(name) + ": bare gave " + expected + ", the stream " + answer));
      }
    }
    std::printf(" %10.1f\n", peer);
    std::fflush(stdout);
  }

  const int64_t rows_;
  ScratchFolder folder_{"weir-engine-scan"};
  ScriptedTables tables_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Session> own_, user_;
  TableVersion files_;
};

}  // namespace
}  // namespace weir::engine

int main(int argc, char** argv) {
  weir::engine::Bench(argc > 1 ? std::atol(argv[1]) : 250'000).run();
}
