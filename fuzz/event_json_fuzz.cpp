// A request's body as anybody may send it: taken apart, judged, and what fits read back as a row. The plan has a field
// of every type.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "stream/capture/event_reader.h"
#include "stream/capture/raw_rows.h"
#include "stream/capture/rows.h"
#include "stream/capture/test_streams.h"

using namespace weir;

namespace {

std::shared_ptr<const capture::StreamPlan> make_plan() {
  capture::Stream stream = capture::everything();
  stream.beacon = capture::Beacon{"/everything", "events", 500};
  auto plan = capture::StreamPlan::compile(std::make_shared<const capture::Stream>(std::move(stream)));
  if (!plan) std::abort();
  return *plan;
}

// What fits must become a row: a payload that was acknowledged and cannot be read later would be a loss.
void read_back(const capture::StreamPlan& plan, capture::RowWriter& writer, std::string_view payload) {
  auto columns = capture::table_columns(*plan.stream);
  for (auto& column : capture::partition_columns(*plan.stream)) columns.push_back(column);
  engine::RowBlock rows(columns);
  capture::Record record;
  record.payload = payload;
  if (!writer.append(record, 1, rows) || rows.rows() != 1) std::abort();
}

// The same for raw_<stream>.
void read_back_raw(const capture::StreamPlan& plan, std::string_view payload) {
  static capture::RawRows writer(plan.stream);
  engine::RowBlock rows(capture::raw_columns(*plan.stream));
  if (!writer.append({.id = "x", .sequence = 1, .arrived_at = 0, .payload = payload}, rows) || rows.rows() != 1) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto plan = make_plan();
  static const auto writer = capture::RowWriter::accepted(plan->stream);
  if (size == 0) return 0;
  const auto format = data[0] % 2 == 0   ? capture::BodyFormat::any_json
                      : data[0] % 4 == 3 ? capture::BodyFormat::batch
                                         : capture::BodyFormat::lines;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  capture::EventReader reader;
  if (!reader.read(*plan, body, format, capture::Limits{})) return 0;
  for (const auto& record : reader.records()) {
    if (!record.fits()) continue;
    std::string payload(record.payload);
    if (record.id_at != nullptr) {
      payload.replace(static_cast<size_t>(record.id_at - record.payload.data()), 36,
                      "00000000-0000-4000-8000-000000000000");
    }
    read_back(*plan, *writer, payload);
    read_back_raw(*plan, payload);
  }
  return 0;
}
