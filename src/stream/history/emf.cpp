// One line a stream and minute. A line has both metric directives: the stream's own name without a dimension, as the
// seed's dashboard draws it, and the delivery stream's metrics by stream, as its alarms watch them.
#include "core/base/json.h"
#include "stream/history/history.h"

namespace weir::history {
namespace {

constexpr int64_t kMinute = 60'000'000;

std::string capitalised(std::string name) {
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

Json metric(std::string name, const char* unit) {
  return Json(Json::Object{{"Name", std::move(name)}, {"Unit", unit}});
}

Json directive(const std::string& name_space, Json::Array dimensions, Json::Array metrics) {
  Json out{Json::Object{}};
  out.set("Namespace", name_space);
  out.set("Dimensions", Json(Json::Array{Json(std::move(dimensions))}));
  out.set("Metrics", Json(std::move(metrics)));
  return out;
}

const std::string* label(const MetricSample& series, std::string_view name) {
  for (const auto& [key, value] : series.labels) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace

EmfWriter::EmfWriter(Metrics& metrics, Clock& clock, const std::string& project,
                     std::function<void(std::string_view)> write)
    : metrics_(metrics),
      clock_(clock),
      namespace_("Warehouse/" + capitalised(project)),
      write_(std::move(write)),
      minute_(clock.wall().micros / kMinute),
      before_(read()) {}

std::map<std::string, EmfWriter::Counts> EmfWriter::read() const {
  std::map<std::string, Counts> out;
  for (const MetricSample& series : metrics_.samples("weir_capture_records_total")) {
    const std::string* stream = label(series, "stream");
    const std::string* outcome = label(series, "outcome");
    if (stream == nullptr || outcome == nullptr) continue;
    Counts& counts = out[*stream];
    if (*outcome == "accepted") counts.accepted += series.total;
    if (*outcome != "refused") counts.records += series.total;
  }
  for (const MetricSample& series : metrics_.samples("weir_capture_bytes_total")) {
    if (const std::string* stream = label(series, "stream")) out[*stream].bytes = series.total;
  }
  for (const MetricSample& series : metrics_.samples("weir_capture_requests_total")) {
    if (const std::string* stream = label(series, "stream")) out[*stream].requests = series.total;
  }
  return out;
}

void EmfWriter::tick() {
  const int64_t now = clock_.wall().micros;
  if (now / kMinute == minute_) return;
  minute_ = now / kMinute;
  auto counts = read();
  for (const auto& [stream, count] : counts) {
    const Counts& before = before_[stream];
    if (count == before) continue;
    const std::string name = capitalised(stream);
    Json meta{Json::Object{}};
    meta.set("Timestamp", (minute_ - 1) * 60'000);  // the minute that ended
    meta.set("CloudWatchMetrics",
             Json(Json::Array{directive(namespace_, {}, {metric(name, "Count")}),
                              directive(namespace_, {"DeliveryStreamName"},
                                        {metric("IncomingRecords", "Count"), metric("IncomingBytes", "Bytes"),
                                         metric("PutRecordBatch.Requests", "Count")})}));
    Json line{Json::Object{}};
    line.set("_aws", std::move(meta));
    line.set("DeliveryStreamName", stream);
    line.set(name, count.accepted - before.accepted);
    line.set("IncomingRecords", count.records - before.records);
    line.set("IncomingBytes", count.bytes - before.bytes);
    line.set("PutRecordBatch.Requests", count.requests - before.requests);
    write_(line.dump());
  }
  before_ = std::move(counts);
}

}  // namespace weir::history
