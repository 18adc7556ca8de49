// Watchers of live windows: a snapshot first, then what changed; who reads slowly gets the newest state and no backlog;
// who comes back goes on where it stopped.
#include "surface/http/live_watch.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "core/runtime/system_clock.h"
#include "stream/live/testing.h"

namespace weir::http {
namespace {

// What a connection would be: takes texts while it has room.
class Reader final : public BodyStream {
 public:
  Status write(std::string_view) override { return Error(Code::unsupported, "watchers are offered, never waited for"); }
  bool offer(std::string_view bytes) override {
    MutexLock lock(mutex_);
    ++offers_;
    if (!has_room_) return false;
    texts_.emplace_back(bytes);
    return true;
  }
  void finish() override {
    MutexLock lock(mutex_);
    is_closed_ = true;
  }
  bool is_closed() const override {
    MutexLock lock(mutex_);
    return is_closed_;
  }

  void set_room(bool has_room) {
    MutexLock lock(mutex_);
    has_room_ = has_room;
  }
  int offers() const {
    MutexLock lock(mutex_);
    return offers_;
  }
  // Messages with windows, as they came.
  std::vector<Json> messages() const {
    MutexLock lock(mutex_);
    std::vector<Json> out;
    for (const std::string& text : texts_) {
      const size_t data = text.find("data: ");
      if (data == std::string::npos) continue;
      auto json = Json::parse(std::string_view(text).substr(data + 6, text.find('\n', data) - data - 6));
      if (json) out.push_back(std::move(*json));
    }
    return out;
  }

 private:
  mutable Mutex mutex_;
  bool has_room_ GUARDED_BY(mutex_) = true;
  bool is_closed_ GUARDED_BY(mutex_) = false;
  int offers_ GUARDED_BY(mutex_) = 0;
  std::vector<std::string> texts_ GUARDED_BY(mutex_);
};

class LiveWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = journal::Journal::open(files, clock, metrics,
                                         {.folder = "/journal", .segment_bytes = 1u << 20, .own_thread = false});
    ASSERT_TRUE(opened) << opened.error().text();
    journal = std::move(*opened);
    auto room = live::Live::open(files, clock, metrics, *journal, {.folder = "/live"});
    ASSERT_TRUE(room) << room.error().text();
    live = std::move(*room);
    live->set_declarations({live::declared("size: 1m\nmeasures: {n: {count: orders}}\n")}, live::test_streams());
    watch = std::make_unique<LiveWatch>(*live, system_clock);
  }
  void TearDown() override { watch.reset(); }

  void send(int64_t at_s = 0) {
    journal::Batch batch;
    std::string bytes;
    capture::encode(live::record_of({.at_s = at_s}), bytes);
    batch.add(bytes);
    ASSERT_TRUE(journal->append(std::move(batch), [](const Status&) {}));
    while (journal->run_once()) {
    }
    ASSERT_TRUE(live->pump());
  }
  std::shared_ptr<Reader> add(std::optional<live::Version> seen = {}) {
    auto reader = std::make_shared<Reader>();  // shared with the watch
    EXPECT_TRUE(watch->add({"traffic", {}, {}, "", seen}, reader));
    return reader;
  }
  template <class Condition>
  static bool comes_true(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  static int64_t count_in(const Json& message) { return message["windows"].array().back()["values"]["n"].as_int(); }

  ManualClock clock{{live::kNoon}};
  SystemClock system_clock;
  Metrics metrics;
  SimulatedFiles files;
  std::unique_ptr<journal::Journal> journal;
  std::unique_ptr<live::Live> live;
  std::unique_ptr<LiveWatch> watch;
};

TEST_F(LiveWatchTest, a_snapshot_comes_first_and_then_only_what_changed) {
  send(0);
  send(60);
  const auto reader = add();
  ASSERT_TRUE(comes_true([&] { return reader->messages().size() == 1; }));
  EXPECT_TRUE(reader->messages()[0]["snapshot"].as_bool());
  EXPECT_EQ(reader->messages()[0]["windows"].array().size(), 2u);
  send(60);
  ASSERT_TRUE(comes_true([&] { return reader->messages().size() == 2; }));
  const Json change = reader->messages()[1];
  EXPECT_FALSE(change["snapshot"].as_bool());
  ASSERT_EQ(change["windows"].array().size(), 1u);
  EXPECT_EQ(count_in(change), 2);
}

TEST_F(LiveWatchTest, who_reads_slowly_gets_the_newest_state_in_one_message) {
  const auto reader = add();
  ASSERT_TRUE(comes_true([&] { return reader->messages().size() == 1; }));
  reader->set_room(false);
  for (int i = 0; i < 5; ++i) {
    const int before = reader->offers();
    send(0);
    ASSERT_TRUE(comes_true([&] { return reader->offers() > before; }));
  }
  reader->set_room(true);
  ASSERT_TRUE(comes_true([&] { return reader->messages().size() == 2; }));
  EXPECT_EQ(count_in(reader->messages()[1]), 5);
}

TEST_F(LiveWatchTest, who_comes_back_gets_what_changed_since_and_a_snapshot_of_another_counting) {
  send(0);
  send(60);
  auto reading = live->read("traffic", {});
  ASSERT_TRUE(reading);
  const live::Version seen = reading->state.version;
  send(120);
  const auto back = add(seen);
  ASSERT_TRUE(comes_true([&] { return back->messages().size() == 1; }));
  EXPECT_FALSE(back->messages()[0]["snapshot"].as_bool());
  EXPECT_EQ(back->messages()[0]["windows"].array().size(), 1u);
  const auto other = add(live::Version{seen.epoch - 1, seen.position});
  ASSERT_TRUE(comes_true([&] { return other->messages().size() == 1; }));
  EXPECT_TRUE(other->messages()[0]["snapshot"].as_bool());
  EXPECT_EQ(other->messages()[0]["windows"].array().size(), 3u);
}

TEST_F(LiveWatchTest, ends_when_the_windows_are_not_declared_any_more_and_refuses_too_many) {
  const auto reader = add();
  ASSERT_TRUE(comes_true([&] { return !reader->messages().empty(); }));
  live->set_declarations({}, live::test_streams());
  EXPECT_TRUE(comes_true([&] { return reader->is_closed(); }));
  std::vector<std::shared_ptr<Reader>> readers;
  live->set_declarations({live::declared("size: 1m\nmeasures: {n: {count: orders}}\n")}, live::test_streams());
  ASSERT_TRUE(comes_true([&] {
    auto more = std::make_shared<Reader>();
    if (!watch->add({"traffic", {}, {}, "", {}}, more)) return true;
    readers.push_back(std::move(more));
    return readers.size() > LiveWatch::kWatchersMax;
  }));
  EXPECT_LE(readers.size(), LiveWatch::kWatchersMax);
}

}  // namespace
}  // namespace weir::http
