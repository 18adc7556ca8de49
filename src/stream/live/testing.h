// For this room's tests: two streams, orders with fields of every kind that is measured and clicks with none, and
// records of them. Pure functions; tests only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stream/capture/record.h"
#include "stream/live/live.h"

namespace weir::live {

inline constexpr int64_t kNoon = 1'795'262'400'000'000;  // 2026-11-21T12:00:00Z

inline std::vector<capture::AppliedStream> test_streams() {
  const auto field = [](const char* name, capture::FieldType type) {
    capture::Field out;
    out.name = name;
    out.type = type;
    return out;
  };
  auto orders = std::make_shared<capture::Stream>();
  orders->name = "orders";
  orders->fields = {field("shop", capture::FieldType::string), field("amount", capture::FieldType::integer),
                    field("price", capture::FieldType::decimal), field("weight", capture::FieldType::number)};
  orders->fields[2].scale = 2;
  auto clicks = std::make_shared<capture::Stream>();
  clicks->name = "clicks";
  clicks->fields = {field("shop", capture::FieldType::string)};
  return {{7, 1, orders}, {9, 1, clicks}};
}

// Times are seconds from noon; a negative arrival is the event's own.
struct TestEvent {
  std::string payload = "{}";
  int64_t at_s = 0;
  int64_t arrived_s = -1;
  uint32_t stream = 7;
  std::string reason = {};  // quarantined
};

inline capture::Record record_of(const TestEvent& event) {
  capture::Record out;
  out.stream = event.stream;
  out.event_time = {kNoon + event.at_s * 1'000'000};
  out.arrived_at = {kNoon + (event.arrived_s < 0 ? event.at_s : event.arrived_s) * 1'000'000};
  out.payload = event.payload;
  if (!event.reason.empty()) {
    out.kind = capture::RecordKind::quarantined;
    out.reason = event.reason;
  }
  return out;
}

inline Declaration declared(const std::string& text, const std::string& name = "traffic") {
  ParsedLive parsed = parse_live(text, name + ".yaml", name);
  if (!parsed.errors.empty()) throw std::runtime_error(parsed.errors.front().text());
  return parsed.live;
}

}  // namespace weir::live
