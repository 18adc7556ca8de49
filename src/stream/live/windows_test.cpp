// Folding records into windows: bounds, keys, measures, what is late, too late, or does not fit; as bytes and merged.
#include "stream/live/windows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "stream/live/testing.h"

namespace weir::live {
namespace {

constexpr int64_t kMinute = 60;

class WindowsTest : public ::testing::Test {
 protected:
  void declare(const std::string& text) {
    const Binding binding = bind_live(std::make_shared<const Declaration>(declared(text)), test_streams());
    ASSERT_TRUE(binding.plan) << binding.errors.front().text();
    plan = binding.plan;
    windows = std::make_unique<Windows>(plan);
    readers.clear();
    for (const Source& source : plan->sources) readers.push_back(std::make_unique<FieldReader>(source));
    sequence = 0;
  }
  void fold(const TestEvent& event) { fold_into(*windows, event, ++sequence); }
  void fold_into(Windows& into, const TestEvent& event, uint64_t at) {
    for (size_t i = 0; i < plan->sources.size(); ++i) {
      if (plan->sources[i].number == event.stream) into.fold(i, *readers[i], at, record_of(event));
    }
  }
  // The row of the window that begins so many seconds from noon.
  const Row* row(int64_t start_s, const Key& key = {}) const { return row_at(start_s, encode_key(key)); }
  const Row* row_at(int64_t start_s, const std::string& key) const {
    const auto window = windows->all().find(window_of(kNoon + start_s * 1'000'000, plan->live->size));
    if (window == windows->all().end()) return nullptr;
    const auto found = window->second.rows.find(key);
    return found == window->second.rows.end() ? nullptr : &found->second;
  }
  uint64_t misfit(const std::string& stream, const std::string& reason, const std::string& field = "") const {
    const auto found = windows->misfits().find({stream, reason, field});
    return found == windows->misfits().end() ? 0 : found->second.count;
  }

  std::shared_ptr<const Plan> plan;
  std::unique_ptr<Windows> windows;
  std::vector<std::unique_ptr<FieldReader>> readers;
  uint64_t sequence = 0;
};

TEST_F(WindowsTest, a_window_holds_its_first_moment_and_not_its_last) {
  declare("size: 1m\nmeasures: {orders: {count: orders}, clicks: {count: clicks}}\n");
  fold({.at_s = -1});
  fold({.at_s = 0});
  fold({.at_s = 59});
  fold({.at_s = 60, .stream = 9});
  EXPECT_EQ(row(-kMinute)->events, 1u);
  EXPECT_EQ(row(0)->events, 2u);
  EXPECT_EQ(row(0)->cells[0].count, 2u);
  EXPECT_EQ(row(0)->cells[1].count, 0u);
  EXPECT_EQ(row(kMinute)->cells[1].count, 1u);
  EXPECT_EQ(windows->rows(), 3u);
  EXPECT_EQ(windows->changed(), 4u);
}

TEST_F(WindowsTest, a_quarantined_record_does_not_fit_and_a_mark_is_no_event) {
  declare("size: 1m\nmeasures: {orders: {count: orders}}\n");
  capture::Record record = record_of({.at_s = 0});
  record.kind = capture::RecordKind::quarantined;
  record.reason = "missing_field";
  windows->fold(0, *readers[0], ++sequence, record);
  record.kind = capture::RecordKind::mark;
  record.reason = {};
  windows->fold(0, *readers[0], ++sequence, record);
  EXPECT_EQ(misfit("orders", "missing_field"), 1u);
  EXPECT_EQ(windows->misfit_count(), 1u);
  EXPECT_EQ(windows->rows(), 0u);
}

TEST_F(WindowsTest, times_before_1970_round_toward_the_past) {
  EXPECT_EQ(window_of(-1, seconds(1)), -1);
  EXPECT_EQ(window_of(-1'000'000, seconds(1)), -1);
  EXPECT_EQ(window_of(-1'000'001, seconds(1)), -2);
}

TEST_F(WindowsTest, what_comes_after_a_window_settled_is_late_and_what_comes_after_it_is_kept_too_late) {
  declare("size: 1m\nkeep: 1h\nallowed_lateness: 10m\nsettle: 10s\nmeasures: {n: {count: orders}}\n");
  fold({.at_s = 30, .arrived_s = 69});  // a second before it settles
  EXPECT_EQ(row(0)->late, 0u);
  fold({.at_s = 30, .arrived_s = 70});
  fold({.at_s = 31, .arrived_s = 65});  // behind it in the journal, and not late itself
  EXPECT_EQ(row(0)->late, 1u);
  EXPECT_EQ(row(0)->corrected_at, kNoon + 70'000'000);
  EXPECT_EQ(row(0)->events, 3u);
  fold({.at_s = 30, .arrived_s = 60 + 600 - 1});
  EXPECT_EQ(row(0)->events, 4u);
  fold({.at_s = 30, .arrived_s = 60 + 600});
  EXPECT_EQ(row(0)->events, 4u);
  EXPECT_EQ(misfit("orders", "too_late"), 1u);
  EXPECT_EQ(windows->late(), 2u);
}

TEST_F(WindowsTest, a_window_that_was_forgotten_does_not_come_back_half) {
  declare("size: 1m\nkeep: 10m\nmeasures: {n: {count: orders}}\n");
  fold({.at_s = 0});
  fold({.at_s = 1});
  fold({.at_s = 12 * kMinute});
  EXPECT_EQ(row(0), nullptr);
  EXPECT_EQ(windows->rows(), 1u);
  fold({.at_s = 2, .arrived_s = 2});  // a record that was requeued keeps its first arrival
  EXPECT_EQ(row(0), nullptr);
  EXPECT_EQ(misfit("orders", "too_late"), 1u);
}

TEST_F(WindowsTest, measures_sums_extremes_and_averages_exactly) {
  declare(
      "size: 1m\nmeasures:\n  s: {sum: orders.amount}\n  p: {sum: orders.price}\n  lo: {min: orders.price}\n"
      "  hi: {max: orders.weight}\n  mean: {avg: orders.amount}\n  known: {count: orders.weight}\n"
      "  share: {ratio: p / s}\n");
  fold({.payload = R"({"amount":3,"price":0.10,"weight":1.5})"});
  fold({.payload = R"({"amount":-1,"price":"0.20","weight":2.5})"});
  fold({.payload = R"({"other":{"amount":7},"amount":8,"price":0.70})"});
  const Row& held = *row(0);
  EXPECT_EQ(held.cells[0].whole, 10);
  EXPECT_EQ(held.cells[1].whole, 100);  // 1.00, scaled
  EXPECT_EQ(held.cells[2].whole, 10);
  EXPECT_DOUBLE_EQ(held.cells[3].real, 2.5);
  EXPECT_EQ(held.cells[5].count, 2u);
  EXPECT_EQ(misfit("orders", "missing_field", "weight"), 1u);
}

TEST_F(WindowsTest, values_that_are_no_numbers_are_counted_and_left_out) {
  declare("size: 1m\nmeasures: {s: {sum: orders.amount}, n: {count: orders}}\n");
  fold({.payload = R"({"amount":"three"})"});
  fold({.payload = R"({"amount":null})"});
  fold({.payload = R"({})"});
  fold({.payload = R"({"amount":2.5})"});
  fold({.payload = R"({"amount":9223372036854775807})"});
  fold({.payload = R"({"amount":1})"});
  fold({.payload = R"([1)"});
  fold({.payload = "not json", .reason = "syntax"});
  EXPECT_EQ(row(0)->cells[1].count, 6u);
  EXPECT_EQ(row(0)->cells[0].whole, INT64_MAX);
  EXPECT_EQ(misfit("orders", "not_a_number", "amount"), 2u);
  EXPECT_EQ(misfit("orders", "missing_field", "amount"), 2u);
  EXPECT_EQ(misfit("orders", "sum_overflow", "amount"), 1u);
  EXPECT_EQ(misfit("orders", "unreadable"), 1u);
  EXPECT_EQ(misfit("orders", "syntax"), 1u);
}

TEST_F(WindowsTest, a_record_without_a_field_is_counted_once_however_many_measures_read_it) {
  declare("size: 1m\nmeasures: {s: {sum: orders.amount}, m: {max: orders.amount}, n: {count: orders.amount}}\n");
  fold({});
  EXPECT_EQ(misfit("orders", "missing_field", "amount"), 1u);
}

TEST_F(WindowsTest, keys_beyond_the_limit_are_counted_together) {
  declare("size: 1m\nkeys: [shop]\nkeys_max: 2\nmeasures: {n: {count: orders}, c: {count: clicks}}\n");
  for (const char* shop : {"a", "b", "c", "a", "d", "\\u0061"}) {
    fold({.payload = std::string("{\"shop\":\"") + shop + "\"}"});
  }
  fold({.payload = R"({"shop":"b"})", .stream = 9});
  EXPECT_EQ(row(0, {"a"})->events, 3u);
  EXPECT_EQ(row(0, {"b"})->cells[1].count, 1u);
  EXPECT_EQ(row(0, {"c"}), nullptr);
  EXPECT_EQ(row_at(0, std::string(kOtherKey))->events, 2u);
  fold({.payload = R"({"shop":"z"})", .at_s = 60});  // the next window has its own
  EXPECT_EQ(row(kMinute, {"z"})->events, 1u);
}

TEST_F(WindowsTest, keys_beyond_the_limit_are_dropped_and_counted_where_that_is_said) {
  declare("size: 1m\nkeys: [shop]\nkeys_max: 1\nbeyond_keys: drop\nmeasures: {n: {count: orders}}\n");
  fold({.payload = R"({"shop":"a"})"});
  fold({.payload = R"({"shop":"b"})"});
  fold({.payload = "{\"shop\":\"" + std::string(300, 'x') + "\"}"});
  EXPECT_EQ(windows->rows(), 1u);
  EXPECT_EQ(misfit("orders", "too_many_keys"), 1u);
  EXPECT_EQ(misfit("orders", "key_too_long", "shop"), 1u);
}

TEST_F(WindowsTest, a_key_that_is_missing_is_a_group_of_its_own_as_in_sql) {
  declare("size: 1m\nkeys: [shop]\nmeasures: {n: {count: orders}}\n");
  fold({.payload = R"({"shop":null})"});
  fold({.payload = "{}"});
  fold({.payload = R"({"shop":""})"});
  EXPECT_EQ(row(0, {std::nullopt})->events, 2u);
  EXPECT_EQ(row(0, {""})->events, 1u);
  EXPECT_EQ(decode_key(encode_key({std::nullopt, "", std::string("a\0b", 3)})),
            (Key{std::nullopt, "", std::string("a\0b", 3)}));
}

constexpr const char* kEverything =
    "size: 1m\nkeep: 1h\nkeys: [shop]\nkeys_max: 3\nmeasures:\n  n: {count: orders}\n  s: {sum: orders.price}\n"
    "  lo: {min: orders.amount}\n  c: {count: clicks}\n";

TestEvent random_event(std::mt19937_64& chance) {
  const auto below = [&](uint64_t n) { return static_cast<int64_t>(chance() % n); };
  TestEvent out;
  out.at_s = below(300);
  out.arrived_s = out.at_s + (below(5) == 0 ? below(200) : below(3));
  out.stream = below(3) == 0 ? 9 : 7;
  if (below(20) == 0) out.reason = below(2) == 0 ? "syntax" : "wrong_type";
  out.payload = "{\"shop\":\"" + std::string(1, static_cast<char>('a' + below(5))) + "\"";
  if (below(10) != 0) out.payload += ",\"amount\":" + std::to_string(below(100) - 50);
  if (below(10) != 0) out.payload += ",\"price\":" + std::to_string(below(1000)) + ".25";
  out.payload += "}";
  return out;
}

std::string bytes_of(const Windows& windows) {
  // In an order that does not depend on the hash table's history.
  std::string out = std::to_string(windows.changed()) + " " + std::to_string(windows.late());
  for (const auto& [place, misfit] : windows.misfits()) {
    out += "\n" + place.stream + " " + place.reason + " " + place.field + " " + std::to_string(misfit.count);
  }
  for (const auto& [index, window] : windows.all()) {
    std::map<std::string, const Row*> rows;
    for (const auto& [key, row] : window.rows) rows.emplace(key, &row);
    for (const auto& [key, row] : rows) {
      out += "\n" + std::to_string(index) + " " + key + " " + std::to_string(row->events) + " " +
             std::to_string(row->late) + " " + std::to_string(row->corrected_at);
      for (const Cell& cell : row->cells) out += " " + std::to_string(cell.count) + "/" + std::to_string(cell.whole);
    }
  }
  return out;
}

TEST_F(WindowsTest, are_the_same_after_bytes_at_every_record_and_folding_on) {
  declare(kEverything);
  std::mt19937_64 chance(20261121);
  std::vector<TestEvent> events;
  for (int i = 0; i < 300; ++i) events.push_back(random_event(chance));
  for (const TestEvent& event : events) fold(event);
  const std::string whole = bytes_of(*windows);
  auto kept = std::make_unique<Windows>(plan);
  for (size_t i = 0; i < events.size(); ++i) {
    fold_into(*kept, events[i], i + 1);
    std::string bytes;
    kept->encode(bytes);
    auto back = Windows::decode(plan, bytes);
    ASSERT_TRUE(back) << back.error().text();
    *kept = std::move(*back);
  }
  EXPECT_EQ(bytes_of(*kept), whole);
}

TEST_F(WindowsTest, bytes_that_are_cut_or_too_long_do_not_read) {
  declare(kEverything);
  fold({.payload = R"({"shop":"a","amount":1,"price":1})"});
  std::string bytes;
  windows->encode(bytes);
  for (size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(Windows::decode(plan, std::string_view(bytes).substr(0, size))) << size;
  }
  EXPECT_FALSE(Windows::decode(plan, bytes + "x"));
}

// What was folded of the first records, handed over as counted rows, and the rest folded beside it.
TEST_F(WindowsTest, merged_halves_equal_a_whole_at_every_cut) {
  declare(
      "size: 1m\nkeep: 1h\nkeys: [shop]\nmeasures:\n  n: {count: orders}\n  s: {sum: orders.price}\n"
      "  lo: {min: orders.amount}\n  c: {count: clicks}\n");
  std::mt19937_64 chance(7);
  std::vector<TestEvent> events;
  for (int i = 0; i < 200; ++i) events.push_back(random_event(chance));
  for (const TestEvent& event : events) fold(event);
  const std::string whole = bytes_of(*windows);
  for (size_t cut = 0; cut <= events.size(); cut += 13) {
    Windows before(plan), after(plan);
    for (size_t i = 0; i < events.size(); ++i) fold_into(i < cut ? before : after, events[i], i + 1);
    Counted counted;
    counted.misfits = before.misfits();
    for (const auto& [index, window] : before.all()) {
      for (const auto& [key, row] : window.rows) counted.rows.push_back({index, key, row.changed, row});
    }
    after.merge(std::move(counted));
    EXPECT_EQ(bytes_of(after), whole) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace weir::live
