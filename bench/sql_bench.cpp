// bench/sql: queries through the PostgreSQL wire against the same engine bare, in one run: large ones, small ones, and
// a result of many rows; and calls of the Data API. The tables are TPC-H's in shape, made here, the same bytes for
// both; every answer is compared.
#include <duckdb.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

#include "bench/data_api.h"
#include "bench/options.h"
#include "bench/process.h"
#include "bench/wire_client.h"

namespace fs = std::filesystem;

namespace weir::bench {
namespace {

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The engine, bare, with as many threads and as much memory as weir's has.
class Bare {
 public:
  explicit Bare(const std::string& path) {
    if (duckdb_open(path.c_str(), &database_) != DuckDBSuccess ||
        duckdb_connect(database_, &connection_) != DuckDBSuccess) {
      give_up("DuckDB does not open " + path);
    }
    run("SET threads = 2");
    run("SET memory_limit = '2GiB'");
    run("SET integer_division = true");
  }
  ~Bare() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void run(const std::string& sql) { (void)text(sql); }

  // All rows, as WireClient::text() has them.
  std::string text(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess)
      give_up(sql + ": " + duckdb_result_error(&result));
    std::string out;
    const idx_t columns = duckdb_column_count(&result), rows = duckdb_row_count(&result);
    for (idx_t row = 0; row < rows; ++row) {
      for (idx_t i = 0; i < columns; ++i) {
        if (i > 0) out += '|';
        char* value = duckdb_value_varchar(&result, i, row);
        out += value == nullptr ? "NULL" : value;
        duckdb_free(value);
      }
      out += ';';
    }
    duckdb_destroy_result(&result);
    return out;
  }

  // Chunk after chunk, as the engine makes them, none kept. Gives the number of rows.
  uint64_t stream(const std::string& sql) {
    duckdb_prepared_statement prepared = nullptr;
    duckdb_pending_result pending = nullptr;
    duckdb_result result;
    const bool is_started = duckdb_prepare(connection_, sql.c_str(), &prepared) == DuckDBSuccess &&
                            duckdb_pending_prepared_streaming(prepared, &pending) == DuckDBSuccess &&
                            duckdb_execute_pending(pending, &result) == DuckDBSuccess;
    if (!is_started) give_up("DuckDB does not stream " + sql);
    uint64_t rows = 0;
    while (duckdb_data_chunk chunk = duckdb_fetch_chunk(result)) {
      rows += duckdb_data_chunk_get_size(chunk);
      duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&prepared);
    return rows;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

struct Table {
  const char* name;
  const char* columns;  // for CREATE TABLE
  std::string select;   // of the bare engine, which makes the rows
};

// In TPC-H's shapes and proportions; values follow from the row's number.
std::vector<Table> tables(uint64_t orders) {
  const std::string customers = std::to_string(orders / 10), parts = std::to_string(orders * 2 / 15);
  const std::string suppliers = std::to_string(orders / 150), all = std::to_string(orders);
  const auto pick = [](const std::string& salt, const std::string& of) {
    return "(hash(i, " + salt + ") % " + of + ")::INT";
  };
  return {{"nation", "n_nationkey int, n_name varchar(25), n_regionkey int",
           "SELECT i::INT, 'NATION ' || i, (i % 5)::INT FROM range(25) t(i)"},
          {"supplier", "s_suppkey int, s_name varchar(25), s_nationkey int",
           "SELECT i::INT, 'Supplier#' || i, " + pick("1", "25") + " FROM range(" + suppliers + ") t(i)"},
          {"customer",
           "c_custkey int, c_name varchar(25), c_nationkey int, c_mktsegment varchar(10), c_acctbal decimal(12,2)",
           "SELECT i::INT, 'Customer#' || i, " + pick("1", "25") +
               ", ['AUTOMOBILE','BUILDING','FURNITURE','HOUSEHOLD','MACHINERY'][1 + " + pick("2", "5") + "], (" +
               pick("3", "1000000") + " / 100.0)::DECIMAL(12,2) FROM range(" + customers + ") t(i)"},
          {"part", "p_partkey int, p_name varchar(55), p_brand varchar(10), p_type varchar(25), p_size int",
           "SELECT i::INT, 'part ' || (hash(i) % 1000), 'Brand#' || " + pick("1", "25") +
               ", ['PROMO','STANDARD','ECONOMY'][1 + " + pick("2", "3") + "] || ' BRASS', 1 + " + pick("3", "50") +
               " FROM range(" + parts + ") t(i)"},
          {"orders",
           "o_orderkey bigint, o_custkey int, o_orderstatus varchar(1), o_totalprice decimal(12,2), o_orderdate date, "
           "o_orderpriority varchar(15)",
           "SELECT i, " + pick("1", customers) + ", ['F','O','P'][1 + " + pick("2", "3") + "], (" +
               pick("3", "50000000") + " / 100.0)::DECIMAL(12,2), DATE '1992-01-01' + " + pick("4", "2400") +
               ", ['1-URGENT','2-HIGH','3-MEDIUM','4-LOW','5-NONE'][1 + " + pick("5", "5") + "] FROM range(" + all +
               ") t(i)"},
          {"lineitem",
           "l_orderkey bigint, l_partkey int, l_suppkey int, l_linenumber int, l_quantity decimal(12,2), "
           "l_extendedprice decimal(12,2), l_discount decimal(12,2), "
           "l_tax decimal(12,2), l_returnflag varchar(1), l_linestatus varchar(1), l_shipdate date, l_commitdate date, "
           "l_receiptdate date, l_shipmode varchar(10), "
           "l_comment varchar(44)",
           "SELECT i // 4, " + pick("1", parts) + ", " + pick("2", suppliers) + ", (i % 4)::INT, 1 + " +
               pick("3", "50") + ", (" + pick("4", "10000000") + " / 100.0)::DECIMAL(12,2), (" + pick("5", "11") +
               " / 100.0)::DECIMAL(12,2), (" + pick("6", "9") + " / 100.0)::DECIMAL(12,2), ['A','N','R'][1 + " +
               pick("7", "3") + "], ['F','O'][1 + " + pick("8", "2") + "], DATE '1992-01-02' + " + pick("9", "2500") +
               ", DATE '1992-01-31' + " + pick("10", "2500") + ", DATE '1992-01-12' + " + pick("11", "2500") +
               ", ['AIR','FOB','MAIL','RAIL','SHIP','TRUCK','REG AIR'][1 + " + pick("12", "7") +
               "], 'comment of line ' || i FROM range(" + std::to_string(orders * 4) + ") t(i)"}};
}

struct Query {
  const char* name;
  const char* sql;
};
// After the questions of TPC-H that these tables can answer; every order is total, so that answers can be compared.
constexpr Query kQueries[] = {
    {"q1",
     "SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - "
     "l_discount)), sum(l_extendedprice * (1 - l_discount) * (1 + "
     "l_tax)), count(*) FROM lineitem WHERE l_shipdate <= DATE '1998-09-02' GROUP BY 1, 2 ORDER BY 1, 2"},
    {"q3",
     "SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate FROM customer, orders, "
     "lineitem WHERE c_mktsegment = 'BUILDING' AND c_custkey = "
     "o_custkey AND l_orderkey = o_orderkey AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15' "
     "GROUP BY 1, 3 ORDER BY 2 DESC, 3, 1 LIMIT 10"},
    {"q4",
     "SELECT o_orderpriority, count(*) FROM orders WHERE o_orderdate >= DATE '1993-07-01' AND o_orderdate < DATE "
     "'1994-07-01' AND EXISTS (SELECT * FROM lineitem WHERE "
     "l_orderkey = o_orderkey AND l_commitdate < l_receiptdate) GROUP BY 1 ORDER BY 1"},
    {"q5",
     "SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue FROM customer, orders, lineitem, supplier, "
     "nation WHERE c_custkey = o_custkey AND l_orderkey = "
     "o_orderkey AND l_suppkey = s_suppkey AND c_nationkey = s_nationkey AND s_nationkey = n_nationkey AND n_regionkey "
     "= 2 GROUP BY 1 ORDER BY 2 DESC, 1"},
    {"q6",
     "SELECT sum(l_extendedprice * l_discount) FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < "
     "DATE '1995-01-01' AND l_discount BETWEEN 0.05 AND 0.07 "
     "AND l_quantity < 24"},
    {"q9",
     "SELECT n_name, extract(year FROM o_orderdate) AS y, sum(l_extendedprice * (1 - l_discount)) FROM part, supplier, "
     "lineitem, orders, nation WHERE s_suppkey = l_suppkey "
     "AND p_partkey = l_partkey AND o_orderkey = l_orderkey AND s_nationkey = n_nationkey AND p_name LIKE '%99%' GROUP "
     "BY 1, 2 ORDER BY 1, 2 DESC"},
    {"q10",
     "SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, n_name FROM customer, orders, "
     "lineitem, nation WHERE c_custkey = o_custkey AND l_orderkey = "
     "o_orderkey AND o_orderdate >= DATE '1993-10-01' AND o_orderdate < DATE '1994-10-01' AND l_returnflag = 'R' AND "
     "c_nationkey = n_nationkey GROUP BY 1, 2, 4 ORDER BY 3 "
     "DESC, 1 LIMIT 20"},
    {"q12",
     "SELECT l_shipmode, sum(CASE WHEN o_orderpriority IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END), count(*) FROM "
     "orders, lineitem WHERE o_orderkey = l_orderkey AND "
     "l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_receiptdate >= DATE '1994-01-01' AND "
     "l_receiptdate < DATE '1996-01-01' GROUP BY 1 ORDER BY 1"},
    {"q13",
     "SELECT c_count, count(*) FROM (SELECT c_custkey, count(o_orderkey) AS c_count FROM customer LEFT JOIN orders ON "
     "c_custkey = o_custkey AND o_orderpriority <> '1-URGENT' "
     "GROUP BY 1) GROUP BY 1 ORDER BY 2 DESC, 1 DESC"},
    {"q18",
     "SELECT c_name, o_orderkey, o_totalprice, sum(l_quantity) FROM customer, orders, lineitem WHERE o_orderkey IN "
     "(SELECT l_orderkey FROM lineitem GROUP BY 1 HAVING "
     "sum(l_quantity) > 180) AND c_custkey = o_custkey AND o_orderkey = l_orderkey GROUP BY 1, 2, 3 ORDER BY 3 DESC, 2 "
     "LIMIT 100"},
    {"words", "SELECT count(DISTINCT l_comment), count(*) FROM lineitem WHERE l_comment LIKE '%7%1%'"},
};

constexpr double kBigMs = 100;
constexpr size_t kBigWanted = 5;

struct Settings {
  uint64_t orders = 3'000'000, stream_rows = 10'000'000;
  int rounds = 5, points = 1'000, streams = 5;
  bool quick = false, small_tables = false;
  std::string weir, dir;
};

void make_tables(const Settings& settings, Bare& bare, WireClient& wire, const std::string& bucket) {
  for (const Table& table : tables(settings.orders)) {
    const std::string create = std::string("CREATE TABLE ") + table.name + " (" + table.columns + ")";
    bare.run(create);
    bare.run(std::string("INSERT INTO ") + table.name + " " + table.select);
    bare.run(std::string("COPY ") + table.name + " TO '" + bucket + "/" + table.name + ".parquet' (FORMAT parquet)");
    (void)wire.text(create);
    (void)wire.text(std::string("COPY ") + table.name + " FROM 's3://bench/" + table.name +
                    ".parquet' IAM_ROLE default FORMAT PARQUET");
    const std::string count = std::string("SELECT count(*) FROM ") + table.name;
    if (bare.text(count) != wire.text(count)) give_up(std::string(table.name) + " is not the same on both sides");
  }
  bare.run("CHECKPOINT");
}

// Median of the ratios of those pairs whose bare half takes longer than kBigMs.
double measure_big(const Settings& settings, Bare& bare, WireClient& wire) {
  std::vector<double> all;
  size_t big = 0;
  for (const Query& query : kQueries) {
    const std::string expected = bare.text(query.sql);
    if (wire.text(query.sql) != expected) give_up(std::string(query.name) + " has another answer through the wire");
    std::vector<double> ratios, bare_ms, wire_ms;
    for (int round = 0; round < settings.rounds; ++round) {
      for (const bool is_wire : {round % 2 == 0, round % 2 != 0}) {
        const double begin = now_ms();
        const std::string answer = is_wire ? wire.text(query.sql) : bare.text(query.sql);
        (is_wire ? wire_ms : bare_ms).push_back(now_ms() - begin);
        if (answer != expected) give_up(std::string(query.name) + " has another answer than before");
      }
      ratios.push_back(wire_ms.back() / bare_ms.back());
    }
    const bool is_big = median(bare_ms) > kBigMs;
    std::printf("  %-6s bare %8.1f ms, wire %8.1f ms, ratio %.3f%s\n", query.name, median(bare_ms), median(wire_ms),
                median(ratios), is_big ? "" : " (not counted)");
    std::fflush(stdout);
    big += is_big;
    if (is_big) all.insert(all.end(), ratios.begin(), ratios.end());
  }
  if (big < kBigWanted && !settings.small_tables)
    give_up("only " + std::to_string(big) + " queries take longer than 100 ms here: give more --orders");
  return all.empty() ? 99 : median(all);  // no bar is reached by tables that are too small
}

// One customer by its number, of 150,000 without an index: median of the differences.
double measure_small(const Settings& settings, Bare& bare, WireClient& wire) {
  std::vector<double> added, bare_ms, wire_ms;
  for (int i = 0; i < settings.points; ++i) {
    const std::string sql = "SELECT c_name, c_acctbal, c_mktsegment FROM customer WHERE c_custkey = " +
                            std::to_string(i * 7919u % (settings.orders / 10));
    std::string answers[2];
    for (const bool is_wire : {i % 2 == 0, i % 2 != 0}) {
      const double begin = now_ms();
      answers[is_wire] = is_wire ? wire.text(sql) : bare.text(sql);
      (is_wire ? wire_ms : bare_ms).push_back(now_ms() - begin);
    }
    if (answers[0] != answers[1] || answers[0].empty()) give_up("a customer is another one through the wire");
    added.push_back(wire_ms.back() - bare_ms.back());
  }
  std::fflush(stdout);
  std::printf("small: bare %.3f ms, wire %.3f ms, added %.3f ms (median of %d)\n", median(bare_ms), median(wire_ms),
              median(added), settings.points);
  return median(added);
}

struct Streamed {
  double vs_engine = 0, vs_chunks = 0, rows_per_s = 0, rss_mb = 0;
};

// Of the first column, which is not NULL and not negative: behind the number of columns and its own length.
int64_t first_number(std::string_view row) {
  const size_t size = static_cast<unsigned char>(row[5]);
  int64_t value = 0;
  for (const char digit : row.substr(6, size)) value = value * 10 + (digit - '0');
  return value;
}

// The engine's own rate is that of its CSV writer into /dev/null: the same values made into text by as many threads,
// for nobody. Beside it, how fast it hands out its chunks, which no client of another process can take as they are.
Streamed measure_stream(const Settings& settings, Bare& bare, WireClient& wire, const Process& server) {
  const std::string sql =
      "SELECT l_orderkey, l_partkey, l_quantity, l_extendedprice, l_shipdate, l_shipmode FROM lineitem, range(" +
      std::to_string((settings.stream_rows + settings.orders * 4 - 1) / (settings.orders * 4)) + ") LIMIT " +
      std::to_string(settings.stream_rows);
  std::ofstream("/proc/" + std::to_string(server.pid()) + "/clear_refs") << "5";  // the peak from now on
  std::vector<double> wire_s, text_s, chunk_s, ratios, chunk_ratios;
  for (int round = 0; round < settings.streams; ++round) {
    for (int turn = 0; turn < 3; ++turn) {
      const int who = (round + turn) % 3;
      const double begin = now_ms();
      uint64_t rows = settings.stream_rows;
      int64_t sum = 0;
      if (who == 0) rows = wire.query(sql, [&sum](std::string_view row) { sum += first_number(row); });
      if (who == 1) bare.run("COPY (" + sql + ") TO '/dev/null' (FORMAT csv)");
      if (who == 2) rows = bare.stream(sql);
      (who == 0 ? wire_s : who == 1 ? text_s : chunk_s).push_back((now_ms() - begin) / 1e3);
      if (rows != settings.stream_rows) give_up("a stream has " + std::to_string(rows) + " rows");
      if (who == 0 && sum <= 0) give_up("the rows that came are others");
    }
    ratios.push_back(text_s.back() / wire_s.back());
    chunk_ratios.push_back(chunk_s.back() / wire_s.back());
  }
  Streamed out{.vs_engine = median(ratios),
               .vs_chunks = median(chunk_ratios),
               .rows_per_s = static_cast<double>(settings.stream_rows) / median(wire_s),
               .rss_mb = static_cast<double>(server.peak_rss_bytes()) / 1e6};
  std::printf(
      "stream of %llu rows: wire %.2f s, bare to text %.2f s, bare in chunks %.2f s; the server's peak memory %.0f "
      "MB\n",
      static_cast<unsigned long long>(settings.stream_rows), median(wire_s), median(text_s), median(chunk_s),
      out.rss_mb);
  return out;
}

int run(const Settings& settings) {
  fs::create_directories(settings.dir);
  print_disk(settings.dir);
  const std::string folder = fs::absolute(settings.dir + "/sql").string();
  fs::remove_all(folder);
  const std::string bucket = folder + "/.weir/store/s3/bench";
  fs::create_directories(bucket);
  std::ofstream(folder + "/weir.yaml") << "engine: {threads: 2}\nlimits: {sql_memory: 2GiB}\n";
  const uint16_t port = free_port(), wire_port = free_port();
  setenv("WEIR_WIRE_PORT", std::to_string(wire_port).c_str(), 1);
  Process server({settings.weir, "serve", "--dir", folder, "--listen", "127.0.0.1:" + std::to_string(port)},
                 settings.dir + "/sql.log");
  if (!wait_ready(port, "/health/ready", 30)) give_up("weir did not get ready: " + settings.dir + "/sql.log");
  WireClient wire(folder, wire_port);
  Bare bare(folder + "/bare.duckdb");
  make_tables(settings, bare, wire, bucket);
  std::printf("%llu orders, %llu lines, 2 threads on both sides\n", static_cast<unsigned long long>(settings.orders),
              static_cast<unsigned long long>(settings.orders * 4));
  const double big = measure_big(settings, bare, wire);
  const double small = measure_small(settings, bare, wire);
  const Streamed streamed = measure_stream(settings, bare, wire, server);
  const DataApiTimes api = measure_data_api({.weir = settings.weir,
                                             .folder = folder,
                                             .http_port = port,
                                             .admin_token = admin_token(settings.weir, folder, settings.dir),
                                             .seconds = settings.quick ? 3.0 : 10.0});
  std::printf("Data API, 4 at a time, %llu calls: execute p50 %.2f p99 %.2f ms, describe p99 %.2f, result p99 %.2f\n",
              static_cast<unsigned long long>(api.calls), api.execute_p50_ms, api.execute_p99_ms, api.describe_p99_ms,
              api.result_p99_ms);
  std::printf(
      "RESULT {%s\"big_vs_duckdb\": %.3f, \"small_added_ms\": %.3f, \"stream_vs_engine\": %.3f, \"stream_vs_chunks\": "
      "%.3f, \"stream_rows_per_s\": "
      "%.0f, "
      "\"stream_rss_mb\": %.0f, \"data_api_p99_ms\": %.2f}\n",
      settings.quick ? "\"quick\": true, " : "", big, small, streamed.vs_engine, streamed.vs_chunks,
      streamed.rows_per_s, streamed.rss_mb, std::max({api.execute_p99_ms, api.describe_p99_ms, api.result_p99_ms}));
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  const weir::bench::Options options(argc, argv, {"--orders N", "--rows N"});
  weir::bench::Settings settings;
  settings.quick = options.quick();
  if (settings.quick) settings.stream_rows = 2'000'000;
  settings.orders = options.whole("--orders", settings.orders);
  settings.stream_rows = options.whole("--rows", settings.stream_rows);
  settings.small_tables = options.has("--orders");
  settings.weir = options.weir();
  settings.dir = options.dir();
  return weir::bench::run(settings);
}
