// Connections to servers elsewhere: which are declared, what their users may see, and one statement over one of them.
// For administrators only: what a connection's user may read there, whoever asks here may.
#include "storage/engine/outside.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/guarded.h"
#include "core/base/ids.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "platform/flow/job_log.h"
#include "platform/warehouse/result_text.h"
#include "storage/engine/outside_block.h"
#include "storage/engine/outside_rights.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/result_form.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

constexpr size_t kAtOnceMax = 2;  // each holds a thread of the lane while the server elsewhere computes
constexpr Duration kTime = seconds(60);
constexpr int64_t kTimeMaxMs = 86'400'000;
constexpr uint64_t kBytesMax = 256u << 20;

struct Order {
  std::string sql, id;
  Form form = Form::json;
  engine::OutsideLimits limits;
  bool has_rows_max = false;
};

class OutsideRoutes {
 public:
  explicit OutsideRoutes(const OutsideParts& parts) : parts_(parts) {}

  Json list() const {
    Json listed{Json::Array{}};
    for (const engine::OutsidePool* pool : parts_.connections.all()) listed.push(engine::outside_json(*pool));
    return Json(Json::Object{{"connections", std::move(listed)}});
  }

  // Nothing is asked there: it is for whoever may make tables.
  Result<Json> job_log(const Request& request) const {
    TRY_ASSIGN(const engine::OutsidePool* const pool, parts_.connections.find(request.parameter("name")));
    if (pool->options().kind != engine::OutsideKind::postgresql) {
      return Error(Code::unsupported, "connection " + pool->options().name + " is no PostgreSQL: it has no NOTIFY");
    }
    const auto table = request.query_value("table");
    if (!table) return Error(Code::invalid, "which table do jobs write to?", "?table=schema.name");
    TRY_ASSIGN(std::string sql, flow::job_log_sql(*table, pool->options().user));
    return Json(Json::Object{{"sql", std::move(sql)}});
  }

  Result<Json> check(const Request& request) {
    TRY_ASSIGN(engine::OutsidePool* const pool, parts_.connections.find(request.parameter("name")));
    const Cancel cancel = request.cancel->child();
    TRY_ASSIGN(const Under under, begin(make_id(), cancel));
    return engine::check_outside(*pool, cancel);
  }

  Result<Response> query(const Request& request) {
    TRY_ASSIGN(engine::OutsidePool* const pool, parts_.connections.find(request.parameter("name")));
    TRY_ASSIGN(Order order, order_of(request));
    const Cancel cancel = request.cancel->child();
    TRY_ASSIGN(const Under under, begin(order.id, cancel));
    log_event(Level::info, "outside.query",
              {{"connection", pool->options().name}, {"statement", order.id}, {"by", request.caller.name()}});
    const int64_t until = parts_.clock.steady_micros() + order.limits.time->micros;
    TRY_ASSIGN(const auto connection, pool->take(*order.limits.time, cancel));
    order.limits.time = microseconds(std::max<int64_t>(until - parts_.clock.steady_micros(), 0));
    TRY_ASSIGN(const engine::OutsideResult result, connection->run(order.sql, order.limits, cancel));
    return reply_of(order, result);
  }

  Status cancel(const Request& request) {
    const std::string id = to_lower(request.parameter("id"));
    const MutexLock lock(mutex_);
    const auto found = running_.find(id);
    if (found == running_.end()) {
      return Error(Code::not_found, "no statement " + shown(id) + " is under way", "it may have ended");
    }
    found->second.cancel();
    return {};
  }

 private:
  // While it lives its statement is under way, and can be cancelled.
  class Under {
   public:
    Under(OutsideRoutes& routes, std::string id) : routes_(&routes), id_(std::move(id)) {}
    Under(Under&& other) noexcept : routes_(std::exchange(other.routes_, nullptr)), id_(std::move(other.id_)) {}
    Under& operator=(Under&&) = delete;
    ~Under() {
      if (routes_ == nullptr) return;
      const MutexLock lock(routes_->mutex_);
      routes_->running_.erase(id_);
    }

   private:
    OutsideRoutes* routes_;
    std::string id_;
  };

  std::string make_id() { return format_uuid(uuid_v7(parts_.clock, parts_.random)); }

  Result<Under> begin(const std::string& id, const Cancel& cancel) {
    const MutexLock lock(mutex_);
    if (running_.size() >= kAtOnceMax) {
      return Error(Code::busy,
                   std::to_string(kAtOnceMax) + " statements over connections are under way, which is the most",
                   "wait for one, or cancel it");
    }
    if (!running_.emplace(id, cancel).second) {
      return Error(Code::conflict, "the statement " + id + " is under way already");
    }
    return Under(*this, id);
  }

  Result<Order> order_of(const Request& request) {
    TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"sql", "rows_max", "time_limit_ms", "statement_id"}));
    Order out;
    out.form = form_of(request);
    TRY_ASSIGN(out.sql, body.text("sql"));
    TRY_ASSIGN(out.id, body.text_or("statement_id", make_id()));
    TRY_ASSIGN(const auto id, parse_uuid(out.id));
    out.id = format_uuid(id);
    TRY_ASSIGN(const int64_t time, body.integer_or("time_limit_ms", kTime.micros / 1000, {1, kTimeMaxMs}));
    out.limits.time = milliseconds(time);
    TRY_ASSIGN(const int64_t rows, body.integer_or("rows_max", 0, {1, INT64_MAX}));
    out.has_rows_max = rows > 0 || out.form == Form::json;
    out.limits.rows_max = rows > 0 ? static_cast<uint64_t>(rows) : out.has_rows_max ? kJsonRowsMax : UINT64_MAX;
    out.limits.bytes_max = kBytesMax;
    return out;
  }

  Result<Response> reply_of(const Order& order, const engine::OutsideResult& result) const {
    // JSON says that it is cut; a file cannot, unless whoever wanted it said how many rows are enough.
    const bool is_short = result.is_cut && result.rows.size() < order.limits.rows_max;
    if (result.is_cut && (!order.has_rows_max || (is_short && order.form != Form::json))) {
      return Error(Code::too_large,
                   "the result is larger than " + std::to_string(order.limits.bytes_max >> 20) + " MiB of memory",
                   "say how many rows are enough (rows_max, --rows), or write LIMIT");
    }
    Response response;
    response.content_type = content_type_of(order.form);
    switch (order.form) {
      case Form::json:
        response.body = json_of(order, result);
        break;
      case Form::csv:
        warehouse::append_csv_header(response.body, result.columns);
        for (const auto& row : result.rows) warehouse::append_csv_row(response.body, row);
        break;
      case Form::ndjson: {
        const warehouse::NdjsonWriter writer(result.columns);
        for (const auto& row : result.rows) writer.append_row(response.body, row);
        break;
      }
      case Form::parquet:
        TRY_ASSIGN(response.body, parquet_of(order, result));
        break;
    }
    return response;
  }

  // Beside the lake's own staging files: what a crash leaves there is removed when the lake opens.
  Result<std::string> parquet_of(const Order& order, engine::OutsideResult result) const {
    if (result.columns.empty()) {
      return Error(Code::invalid, "the statement gave no rows: there is nothing for a Parquet file");
    }
    const std::vector<std::string> names = warehouse::distinct_names(result.columns);
    for (size_t i = 0; i < names.size(); ++i) result.columns[i].name = names[i];
    TRY_ASSIGN(const engine::RowBlock block, engine::block_of(result));
    const std::string folder = join_path(parts_.store_root, ".staging");
    const std::string path = join_path(folder, "outside-" + order.id + ".parquet");
    TRY(parts_.files.make_directories(folder));
    Result<std::string> bytes = std::string();
    const auto written = parts_.engine.write_parquet({parts_.engine.seal(block)}, block.columns(), path, {});
    if (written) bytes = read_file(parts_.files, path, kBytesMax);
    const Status removed = parts_.files.remove(path);
    if (!written) return written.error();
    if (bytes && !removed) return removed.error();
    return bytes;
  }

  static std::string json_of(const Order& order, const engine::OutsideResult& result) {
    std::string rows = "[";
    for (const auto& row : result.rows) {
      if (rows.size() > 1) rows += ',';
      warehouse::append_json_row(rows, row);
    }
    return warehouse::JsonResult{.statement_id = order.id,
                                 .tag = result.tag,
                                 .columns = result.columns,
                                 .rows = rows + "]",
                                 .row_count = result.rows.size(),
                                 .truncated = result.is_cut,
                                 .elapsed = result.took}
        .text();
  }

  const OutsideParts parts_;
  Mutex mutex_;
  std::map<std::string, Cancel> running_ GUARDED_BY(mutex_);
};

}  // namespace

void add_outside_routes(Router& router, const OutsideParts& parts) {
  const auto outside = std::make_shared<OutsideRoutes>(parts);  // lives in the handlers
  Route route;
  route.access = Access::admin;
  route.pattern = "/v1/connections";
  route.summary = "The declared connections to servers elsewhere.";
  route.handler = json_answers([outside](Request&) -> Result<Json> { return outside->list(); });
  router.add(route);
  route.pattern = "/v1/connections/{name}/job-log";
  route.summary = "The SQL that makes a job log there, filled from ?table=: what triggers of kind job_log follow.";
  route.handler = json_answers([outside](Request& request) { return outside->job_log(request); });
  router.add(route);
  route.method = Method::post;
  route.pattern = "/v1/connections/{name}/check";
  route.summary = "Connects, and says who answers and what the connection's user cannot see there.";
  route.body_bytes_max = 1024;
  route.handler = json_answers([outside](Request& request) { return outside->check(request); });
  router.add(route);
  route.pattern = "/v1/connections/{name}/query";
  route.summary = "Runs one statement elsewhere; the result as JSON, CSV, NDJSON or Parquet, as Accept says.";
  route.body_bytes_max = 4 << 20;
  route.handler = answers([outside](Request& request) { return outside->query(request); });
  router.add(route);
  route.method = Method::erase;
  route.pattern = "/v1/connections/{name}/statements/{id}";
  route.runs = Runs::on_io;  // must work while every lane is busy
  route.body_bytes_max = 1024;
  route.summary = "Cancels a statement that runs elsewhere.";
  route.handler = answers([outside](Request& request) -> Result<Response> {
    TRY(outside->cancel(request));
    Response response;
    response.status = 204;
    return response;
  });
  router.add(route);
}

}  // namespace weir::http
