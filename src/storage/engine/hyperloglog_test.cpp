// How near the estimates are, that what is kept is read again, and that small groups are small.
#include "storage/engine/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>

namespace weir::engine {
namespace {

class Heap final : public HyperLogLog::Memory {
 public:
  void* allocate(size_t bytes) override {
    total += bytes;
    return blocks_.emplace_back(bytes / sizeof(uint32_t) + 1).data();
  }
  size_t total = 0;

 private:
  std::deque<std::vector<uint32_t>> blocks_;
};

HyperLogLog of_range(uint64_t first, uint64_t count, Heap& heap) {
  HyperLogLog out;
  for (uint64_t i = 0; i < count; ++i) out.add(sketch_hash(first + i), heap);
  return out;
}

double error_of(uint64_t found, uint64_t expected) {
  return std::abs(static_cast<double>(found) / static_cast<double>(expected) - 1);
}

TEST(HyperLogLog, counts_few_values_almost_exactly) {
  Heap heap;
  EXPECT_EQ(HyperLogLog().estimate(), 0u);
  EXPECT_TRUE(HyperLogLog().is_empty());
  for (const uint64_t count : {1, 2, 10, 100}) EXPECT_EQ(of_range(0, count, heap).estimate(), count);
  EXPECT_LT(error_of(of_range(7, 1000, heap).estimate(), 1000), 0.01);
}

TEST(HyperLogLog, is_within_two_percent_in_each_of_500_groups_of_ten_thousand) {
  double sum = 0, worst = 0;
  for (uint64_t group = 0; group < 500; ++group) {
    Heap heap;
    const double error = error_of(of_range(group << 32, 10'000, heap).estimate(), 10'000);
    sum += error;
    worst = std::max(worst, error);
  }
  EXPECT_LT(sum / 500, 0.005);
  EXPECT_LT(worst, 0.02);
  RecordProperty("mean_error", std::to_string(sum / 500));
  RecordProperty("worst_error", std::to_string(worst));
}

TEST(HyperLogLog, is_as_near_where_there_are_many) {
  for (const uint64_t count : {20'000, 40'000, 80'000, 150'000, 1'000'000}) {
    Heap heap;
    EXPECT_LT(error_of(of_range(count << 40, count, heap).estimate(), count), 0.02) << count;
  }
}

TEST(HyperLogLog, values_that_come_again_change_nothing) {
  Heap heap;
  HyperLogLog sketch = of_range(0, 5000, heap);
  const std::string before = sketch.bytes();
  for (uint64_t i = 0; i < 5000; ++i) sketch.add(sketch_hash(i), heap);
  EXPECT_EQ(sketch.bytes(), before);
}

TEST(HyperLogLog, parts_put_together_are_the_whole) {
  for (const uint64_t part : {3, 2000, 30'000}) {
    Heap heap;
    HyperLogLog left = of_range(0, part, heap), empty;
    left.merge(of_range(part / 2, part, heap), heap);
    left.merge(HyperLogLog(), heap);
    empty.merge(left, heap);
    EXPECT_EQ(left.bytes(), of_range(0, part / 2 + part, heap).bytes()) << part;
    EXPECT_EQ(empty.bytes(), left.bytes()) << part;
  }
}

TEST(HyperLogLog, is_read_as_it_was_kept_and_nothing_else_is) {
  for (const uint64_t count : {0, 1, 2000, 50'000}) {
    Heap heap;
    const HyperLogLog sketch = of_range(9, count, heap);
    const auto again = HyperLogLog::read(sketch.bytes(), heap);
    ASSERT_TRUE(again) << count;
    EXPECT_EQ(again->estimate(), sketch.estimate());
    EXPECT_EQ(again->bytes(), sketch.bytes());
  }
  Heap heap;
  const std::string good = of_range(1, 2, heap).bytes();
  std::string high = of_range(1, 50'000, heap).bytes();
  high[100] = 99;
  for (const std::string& wrong : {std::string(), std::string("HLL"), good.substr(0, good.size() - 1), good + good,
                                   std::string("LLH") + good.substr(3), high, high.substr(0, 1000)}) {
    EXPECT_FALSE(HyperLogLog::read(wrong, heap)) << wrong.size();
  }
}

TEST(HyperLogLog, small_groups_are_small) {
  Heap heap;
  of_range(0, 10, heap);
  EXPECT_LE(heap.total, 64u);
  of_range(0, 1'000'000, heap);
  EXPECT_LE(heap.total, 64u + 80'000u);
}

}  // namespace
}  // namespace weir::engine
