// How many records a second the live windows fold, alone on one core: the journal's bytes decoded, the fields that are
// needed read, the windows found. Run by hand: build the target live_fold, then src/stream/live/live_fold.
#include <chrono>
#include <cstdio>

#include "stream/live/testing.h"

namespace weir::live {
namespace {

constexpr uint64_t kRecords = 2'000'000;

std::string shop_of(uint64_t number) {
  return "shop-" + std::to_string(number * 2'654'435'761u % 90);
}

void measure(const char* what, const std::string& text) {
  const Binding binding = bind_live(std::make_shared<const Declaration>(declared(text)), test_streams());
  Windows windows(binding.plan);
  FieldReader reader(binding.plan->sources[0]);
  std::vector<std::string> encoded(1'000);
  for (size_t i = 0; i < encoded.size(); ++i) {
    const std::string payload = "{\"order_id\":\"0190a5b2-7c3d-7e4f-8a1b-2c3d4e5f6071\",\"shop\":\"" + shop_of(i) +
                                "\",\"page\":\"/products/" + std::to_string(i) +
                                "\",\"amount\":" + std::to_string(i % 50) +
                                ",\"price\":19.90,\"occurred_at\":\"2026-11-21T12:00:00Z\"}";
    capture::encode(record_of({.payload = payload, .at_s = static_cast<int64_t>(i % 180)}), encoded[i]);
  }
  const auto begin = std::chrono::steady_clock::now();
  for (uint64_t i = 1; i <= kRecords; ++i) {
    const auto record = capture::decode(encoded[i % encoded.size()]);
    if (record) windows.fold(0, reader, i, *record);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (windows.events() != kRecords)
    std::printf("WRONG: %llu events\n", static_cast<unsigned long long>(windows.events()));
  std::printf("%s: %.0f records/s\n", what, static_cast<double>(kRecords) / seconds);
}

}  // namespace
}  // namespace weir::live

int main() {
  using weir::live::measure;
  measure("count", "size: 1m\nmeasures: {n: {count: orders}}\n");
  measure("count, sum and a key", "size: 1m\nkeys: [shop]\nmeasures: {n: {count: orders}, s: {sum: orders.amount}}\n");
  measure("six measures and a key",
          "size: 1m\nkeys: [shop]\nmeasures: {n: {count: orders}, s: {sum: orders.amount}, p: {sum: orders.price}, "
          "lo: {min: orders.price}, hi: {max: orders.price}, mean: {avg: orders.amount}}\n");
}
