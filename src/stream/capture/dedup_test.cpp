// The deduplication index through its public face: what was inserted is found, before and after sealing, merging,
// restarting and crashing.
#include "stream/capture/dedup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"

namespace weir::capture {
namespace {

class DedupTest : public ::testing::Test {
 protected:
  void open(size_t slots = 1024, size_t memory = 64u << 20) {
    index_.reset();
    auto opened = DedupIndex::open(files_, clock_, random_, metrics_,
                                   {.folder = "/w/dedup", .memory_bytes = memory, .table_slots = slots});
    ASSERT_TRUE(opened) << opened.error().text();
    index_ = std::move(*opened);
  }
  uint32_t now_s() const { return static_cast<uint32_t>(clock_.wall().micros / 1'000'000); }
  static Fingerprint key(uint64_t number) { return fingerprint({1, 2}, std::to_string(number)); }

  void insert(uint64_t number) {
    if (!index_->has_room(1)) seal();
    index_->insert({key(number), ++sequence_, static_cast<uint32_t>(number), now_s()});
  }
  Status maintain(Duration window = days(7)) {
    return index_->maintain(
        window, [](const auto& run) { run(); }, [this] { return durable_ ? sequence_ + 1 : 0; });
  }
  void seal() {
    auto done = maintain();
    ASSERT_TRUE(done) << done.error().text();
  }
  // As capture asks: sealed runs first, then the tables.
  bool knows(uint64_t number, Duration window = days(7)) {
    const auto not_before = static_cast<uint32_t>(now_s() - static_cast<uint32_t>(window.micros / 1'000'000));
    auto sealed = index_->find_sealed(*index_->runs(), key(number), not_before);
    EXPECT_TRUE(sealed) << sealed.error().text();
    auto found = sealed && *sealed ? *sealed : index_->find_recent(key(number), not_before);
    if (!found) return false;
    EXPECT_EQ(found->payload_hash, static_cast<uint32_t>(number));
    return true;
  }

  SimulatedFiles files_;
  ManualClock clock_;
  SeededRandom random_{7};
  Metrics metrics_;
  std::unique_ptr<DedupIndex> index_;
  uint64_t sequence_ = 0;
  bool durable_ = true;
};

TEST_F(DedupTest, finds_what_was_inserted_and_nothing_else_over_seals_and_merges) {
  open();
  for (uint64_t i = 0; i < 20'000; ++i) insert(i);
  EXPECT_GT(index_->runs()->runs.size(), 1u);
  EXPECT_LT(index_->runs()->runs.size(), 25u) << "runs of similar size are merged";
  for (uint64_t i = 0; i < 20'000; ++i) ASSERT_TRUE(knows(i)) << i;
  for (uint64_t i = 20'000; i < 40'000; ++i) ASSERT_FALSE(knows(i)) << i;
}

TEST_F(DedupTest, finds_sealed_keys_after_a_restart_and_says_from_where_the_journal_is_read) {
  open();
  for (uint64_t i = 0; i < 5'000; ++i) insert(i);
  const uint64_t through = index_->sealed_through();
  ASSERT_GT(through, 1u);
  open();
  EXPECT_EQ(index_->sealed_through(), through);
  for (uint64_t i = 0; i < through - 1; ++i) ASSERT_TRUE(knows(i)) << i;
  for (uint64_t i = through - 1; i < 5'000; ++i) ASSERT_FALSE(knows(i)) << "not sealed: the journal puts it back";
}

TEST_F(DedupTest, keeps_its_fingerprints_secret_and_the_same_over_restarts) {
  open();
  const HashKey before = index_->hash_key();
  open();
  EXPECT_EQ(index_->hash_key().k0, before.k0);
  EXPECT_NE(before.k0, 0u);
}

TEST_F(DedupTest, does_not_seal_what_is_not_durable_yet) {
  open();
  durable_ = false;
  for (uint64_t i = 0; i < 600; ++i) insert(i);
  ASSERT_TRUE(maintain());
  EXPECT_TRUE(index_->runs()->runs.empty());
  index_->erase(key(3), 4);
  EXPECT_FALSE(knows(3));
  EXPECT_TRUE(knows(4));
  durable_ = true;
  ASSERT_TRUE(maintain());
  EXPECT_EQ(index_->runs()->runs.size(), 1u);
  EXPECT_FALSE(knows(3));
  EXPECT_TRUE(knows(4));
}

TEST_F(DedupTest, says_that_it_has_no_room_instead_of_growing) {
  open();
  durable_ = false;
  uint64_t i = 0;
  while (index_->has_room(1)) index_->insert({key(i), ++sequence_, 0, now_s()}), ++i;
  ASSERT_TRUE(maintain());
  while (index_->has_room(1)) index_->insert({key(i), ++sequence_, 0, now_s()}), ++i;
  ASSERT_TRUE(maintain());
  EXPECT_FALSE(index_->has_room(1)) << "one table is frozen, the other full";
  durable_ = true;
  ASSERT_TRUE(maintain());
  ASSERT_TRUE(maintain());
  EXPECT_TRUE(index_->has_room(1));
}

TEST_F(DedupTest, takes_a_key_back_only_for_the_append_that_failed) {
  open();
  insert(1);
  index_->erase(key(1), 99);
  EXPECT_TRUE(knows(1));
  index_->erase(key(1), 1);
  EXPECT_FALSE(knows(1));
  insert(1);
  EXPECT_TRUE(knows(1));
}

TEST_F(DedupTest, forgets_keys_beyond_the_window_and_removes_their_files) {
  open();
  for (uint64_t i = 0; i < 3'000; ++i) insert(i);
  clock_.advance(hours(2));
  EXPECT_TRUE(knows(0, days(7)));
  EXPECT_FALSE(knows(0, hours(1)));
  ASSERT_TRUE(maintain(hours(1)));
  ASSERT_TRUE(maintain(hours(1)));
  EXPECT_TRUE(index_->runs()->runs.empty());
  auto left = files_.list("/w/dedup");
  ASSERT_TRUE(left);
  for (const auto& entry : *left) EXPECT_FALSE(entry.name.starts_with("run-")) << entry.name;
}

TEST_F(DedupTest, answers_right_when_the_filters_do_not_fit_in_memory) {
  open(1024, 1);  // no budget: every filter page comes through the cache
  for (uint64_t i = 0; i < 10'000; ++i) insert(i);
  for (uint64_t i = 0; i < 10'000; ++i) ASSERT_TRUE(knows(i)) << i;
  for (uint64_t i = 10'000; i < 20'000; ++i) ASSERT_FALSE(knows(i)) << i;
  EXPECT_GT(*metrics_.read("weir_dedup_filter_cache_misses_total"), 0);
}

TEST_F(DedupTest, folds_filters_until_they_fit_and_answers_right_with_each_fold) {
  constexpr size_t kElse = 2 * 1024 * sizeof(DedupEntry) + (4u << 20);  // the tables and the cache
  constexpr uint64_t kKeys = 50'000;
  double whole = 0;
  // The same keys with room for all filters, for half of them, for a quarter, and for next to nothing; then with room
  // again.
  for (const double share : {1.0, 0.6, 0.3, 0.02, 1.0}) {
    SCOPED_TRACE(share);
    const bool first = whole == 0;
    const auto bytes =
        first ? (1u << 20) : static_cast<size_t>(share * whole) + (8u << 10);  // the fences and checksums
    open(1024, kElse + bytes);
    for (uint64_t i = 0; first && i < kKeys; ++i) insert(i);
    ASSERT_TRUE(maintain());
    const double taken = *metrics_.read("weir_dedup_filter_bytes");
    if (first) whole = taken;
    EXPECT_LE(taken, static_cast<double>(bytes));
    EXPECT_GE(taken, share < 0.1 ? 0 : share * whole / 2);
    const double misses_before = *metrics_.read("weir_dedup_filter_cache_misses_total");
    for (uint64_t i = 0; i + 1 < index_->sealed_through(); ++i) ASSERT_TRUE(knows(i)) << i;
    for (uint64_t i = kKeys; i < 2 * kKeys; ++i) ASSERT_FALSE(knows(i)) << i;
    const double misses = *metrics_.read("weir_dedup_filter_cache_misses_total") - misses_before;
    // Whole ones decide alone, folded ones send few to the file.
    EXPECT_EQ(misses > 0, share < 1) << misses;
    if (share > 0.5) {
      EXPECT_LT(misses, 0.2 * kKeys);
    }
  }
}

// A run as version 1 wrote it: one checksum for each page of the filter.
std::string as_version_1(std::string run) {
  const auto word = [&](size_t at) {
    uint64_t out;
    std::memcpy(&out, run.data() + at, sizeof out);
    return out;
  };
  const auto put = [&](size_t at, auto value) { std::memcpy(run.data() + at, &value, sizeof value); };
  const uint64_t pages = word(24), fences = word(32), filter = word(40), blocks = word(48);
  std::string sums = run.substr(fences, pages * 8);
  for (uint64_t at = 0; at < blocks * 64; at += 4096) {
    const uint64_t sum = checksum64(std::string_view(run).substr(filter + at, 4096));
    sums.append(reinterpret_cast<const char*>(&sum), sizeof sum);
  }
  run.replace(fences, sums.size(), sums);
  put(8, uint32_t{1});
  put(56, checksum64(sums));
  put(88, checksum64(std::string_view(run).substr(0, 88)));
  return run;
}

TEST_F(DedupTest, forgets_what_lay_under_a_key_and_remembers_the_key) {
  open();
  for (uint64_t i = 0; i < 3'000; ++i) insert(i);
  const auto seal_all = [this] {
    return index_->seal_all([](const auto& run) { run(); }, [this] { return sequence_ + 1; });
  };
  ASSERT_TRUE(seal_all());
  EXPECT_FALSE(index_->first_in_memory()) << "sealed however young";
  const auto find = [this](uint64_t number) { return **index_->find_sealed(*index_->runs(), key(number), 0); };
  const std::vector<uint64_t> sequences = {1, 500, 2'999, 999'999};  // of the numbers 0, 499, 2998
  for (int time = 0; time < 2; ++time) {
    const auto forgotten = index_->forget(sequences);
    ASSERT_TRUE(forgotten) << forgotten.error().text();
    EXPECT_EQ(*forgotten, 3u) << "those of an earlier call too";
    for (const uint64_t number : {0u, 499u, 2'998u}) {
      EXPECT_TRUE(find(number).is_forgotten());
      EXPECT_EQ(find(number).payload_hash, 0u);
      EXPECT_EQ(find(number).place(), number + 1);
    }
    for (uint64_t i = 1; i < 3'000; i += 7) {
      if (i == 499 || i == 2'998) continue;
      ASSERT_TRUE(knows(i)) << i;
    }
    files_.power_cut(random_);
    open();
  }
  // Merged with what comes after, and gone with the window.
  for (uint64_t i = 3'000; i < 9'000; ++i) insert(i);
  ASSERT_TRUE(seal_all());
  seal();
  EXPECT_TRUE(find(499).is_forgotten());
  clock_.advance(days(8));
  ASSERT_TRUE(maintain());
  EXPECT_FALSE(*index_->find_sealed(*index_->runs(), key(499), 0));
}

TEST_F(DedupTest, reads_runs_of_version_1) {
  open();
  for (uint64_t i = 0; i < 3'000; ++i) insert(i);
  seal();
  const uint64_t through = index_->sealed_through();
  index_.reset();
  const auto entries = files_.list("/w/dedup");
  for (const auto& entry : *entries) {
    if (!entry.name.starts_with("run-")) continue;
    const std::string path = "/w/dedup/" + entry.name;
    ASSERT_TRUE(replace_file(files_, path, as_version_1(*read_file(files_, path))));
  }
  for (const size_t memory : {size_t{1}, size_t{64} << 20}) {  // through the cache, and in memory
    open(1024, memory);
    ASSERT_TRUE(maintain());
    EXPECT_EQ(*metrics_.read("weir_dedup_filter_bytes") > 0, memory > 1);
    for (uint64_t i = 0; i + 1 < through; ++i) ASSERT_TRUE(knows(i)) << i;
    for (uint64_t i = 3'000; i < 6'000; ++i) ASSERT_FALSE(knows(i)) << i;
  }
}

TEST_F(DedupTest, loses_no_sealed_key_over_power_cuts_at_any_point) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SeededRandom chance(seed);
    files_.~SimulatedFiles();
    new (&files_) SimulatedFiles();
    sequence_ = 0;
    open(256);
    uint64_t inserted = 0;
    files_.power_off_after(20 + random_below(chance, 120));
    while (inserted < 3'000) {
      if (!index_->has_room(1) && !maintain()) break;
      if (!index_->has_room(1)) break;
      index_->insert({key(inserted), ++sequence_, static_cast<uint32_t>(inserted), now_s()});
      ++inserted;
    }
    const uint64_t promised = index_->sealed_through();
    files_.power_cut(chance);
    open(256);
    ASSERT_GE(index_->sealed_through(), promised) << "seed " << seed;
    for (uint64_t i = 0; i + 1 < index_->sealed_through(); ++i)
      ASSERT_TRUE(knows(i)) << "seed " << seed << " key " << i;
  }
}

TEST_F(DedupTest, forgets_whole_or_not_yet_over_power_cuts_at_any_point) {
  int whole = 0, not_yet = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SeededRandom chance(seed);
    files_.~SimulatedFiles();
    new (&files_) SimulatedFiles();
    sequence_ = 0;
    open(256);
    for (uint64_t i = 0; i < 1'000; ++i) insert(i);
    ASSERT_TRUE(index_->seal_all([](const auto& run) { run(); }, [this] { return sequence_ + 1; }));
    const std::vector<uint64_t> sequences = {3, 400, 401, 990};
    files_.power_off_after(1 + random_below(chance, 60));
    const auto forgotten = index_->forget(sequences);
    files_.power_cut(chance);
    open(256);
    ASSERT_EQ(index_->sealed_through(), 1'001u) << "seed " << seed;
    const auto find = [this](uint64_t number) { return **index_->find_sealed(*index_->runs(), key(number), 0); };
    for (uint64_t i = 0; i < 1'000; ++i) {
      const DedupEntry found = find(i);
      ASSERT_EQ(found.place(), i + 1) << "seed " << seed;
      const bool is_meant = std::binary_search(sequences.begin(), sequences.end(), i + 1);
      ASSERT_TRUE(!found.is_forgotten() || is_meant) << "seed " << seed << " key " << i;
      ASSERT_TRUE(!forgotten || found.is_forgotten() == is_meant) << "seed " << seed << " key " << i;
      ASSERT_EQ(found.payload_hash, found.is_forgotten() ? 0 : i) << "seed " << seed << " key " << i;
    }
    ++(forgotten ? whole : not_yet);
    ASSERT_EQ(*index_->forget(sequences), 4u) << "seed " << seed << ": finished by the next start";
    for (const uint64_t sequence : sequences) ASSERT_TRUE(find(sequence - 1).is_forgotten());
    const auto entries = *files_.list("/w/dedup");
    for (const auto& entry : entries) {
      EXPECT_FALSE(entry.name.ends_with(".staging")) << "seed " << seed;
    }
  }
  EXPECT_GT(whole, 0);
  EXPECT_GT(not_yet, 0);
}

// The journal is released up to what a start says is sealed.
TEST_F(DedupTest, what_a_start_calls_sealed_outlives_the_next_power_cut) {
  open();
  for (uint64_t i = 0; i < 10; ++i) insert(i);
  clock_.advance(minutes(16));
  files_.fail_sync_directory(2);  // of the manifest: its name is in the system's memory only
  EXPECT_FALSE(maintain());
  open();
  const uint64_t through = index_->sealed_through();
  EXPECT_EQ(through, 11u);
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SeededRandom chance(seed);
    files_.power_cut(chance);
    open();
    EXPECT_GE(index_->sealed_through(), through);
    for (uint64_t i = 0; i < 10; ++i) EXPECT_TRUE(knows(i)) << i;
  }
}

TEST_F(DedupTest, names_a_run_whose_bytes_changed) {
  open();
  for (uint64_t i = 0; i < 2'000; ++i) insert(i);
  const auto run = index_->runs()->runs.back();
  index_.reset();
  auto entries = files_.list("/w/dedup");
  std::string name;
  for (const auto& entry : *entries) {
    if (entry.name.starts_with("run-")) name = entry.name;
  }
  auto file = files_.open("/w/dedup/" + name, OpenMode::read_write);
  ASSERT_TRUE((*file)->write_at(4096 + 100, "damage"));
  open();
  bool named = false;
  for (uint64_t i = 0; i < 2'000; ++i) {
    auto found = index_->find_sealed(*index_->runs(), key(i), 0);
    if (!found) {
      EXPECT_EQ(found.error().code, Code::corrupt);
      EXPECT_NE(found.error().message.find(name), std::string::npos);
      named = true;
    }
  }
  EXPECT_TRUE(named);
}

// Any single bit of any file of the index: every sealed key is still known, or its lookup names the damage. A key that
// is forgotten silently would be accepted twice.
TEST_F(DedupTest, never_forgets_a_key_silently_whatever_bit_flips) {
  open();
  for (uint64_t i = 0; i < 3'000; ++i) insert(i);
  seal();
  const uint64_t through = index_->sealed_through();
  ASSERT_GT(through, 2'000u);
  index_.reset();
  std::map<std::string, std::string> saved;
  const auto entries = files_.list("/w/dedup");
  for (const auto& entry : *entries) saved[entry.name] = *read_file(files_, "/w/dedup/" + entry.name);
  auto restore = [&] {
    index_.reset();
    const auto left = files_.list("/w/dedup");
    for (const auto& entry : *left) ASSERT_TRUE(files_.remove("/w/dedup/" + entry.name));
    for (const auto& [name, bytes] : saved) ASSERT_TRUE(replace_file(files_, "/w/dedup/" + name, bytes));
  };
  int named = 0, answered = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom chance(seed);
    auto flipped = files_.flip_random_bit(chance, "w/dedup");
    ASSERT_TRUE(flipped);
    // Half of them with all filters in memory, half through the cache.
    auto opened =
        DedupIndex::open(files_, clock_, random_, metrics_,
                         {.folder = "/w/dedup", .memory_bytes = seed % 2 == 0 ? 1u : 64u << 20, .table_slots = 1024});
    if (!opened) {
      EXPECT_EQ(opened.error().code, Code::corrupt) << opened.error().text();
      ++named;
    } else {
      index_ = std::move(*opened);
      (void)maintain().has_value();
      for (uint64_t i = 0; i + 1 < through; i += 7) {
        auto found = index_->find_sealed(*index_->runs(), key(i), 0);
        if (!found) {
          EXPECT_EQ(found.error().code, Code::corrupt);
          ++named;
        } else {
          ASSERT_TRUE(found->has_value())
              << "key " << i << " after a flip in " << flipped->path << " at " << flipped->offset;
          ++answered;
        }
      }
    }
    restore();
  }
  EXPECT_GT(named, 30);
  EXPECT_GT(answered, 5'000);
}

TEST_F(DedupTest, finds_its_runs_again_when_the_manifest_is_damaged) {
  open();
  for (uint64_t i = 0; i < 3'000; ++i) insert(i);
  seal();
  const uint64_t through = index_->sealed_through();
  index_.reset();
  auto file = files_.open("/w/dedup/manifest.json", OpenMode::read_write);
  ASSERT_TRUE((*file)->write_at(40, "damage"));
  open();
  EXPECT_EQ(index_->sealed_through(), through);
  for (uint64_t i = 0; i + 1 < through; ++i) ASSERT_TRUE(knows(i)) << i;
  open();
  EXPECT_EQ(index_->sealed_through(), through) << "the manifest was written again";
}

TEST_F(DedupTest, reads_its_secret_from_the_copy_and_refuses_to_start_without_either) {
  open();
  const HashKey before = index_->hash_key();
  insert(1);
  auto spoil = [&](const std::string& name) {
    auto file = files_.open("/w/dedup/" + name, OpenMode::read_write);
    ASSERT_TRUE((*file)->write_at(3, "xyz"));
  };
  spoil("key");
  open();
  EXPECT_EQ(index_->hash_key().k0, before.k0);
  spoil("key.copy");
  open();
  EXPECT_EQ(index_->hash_key().k1, before.k1) << "the first one was repaired";
  spoil("key");
  spoil("key.copy");
  auto opened = DedupIndex::open(files_, clock_, random_, metrics_, {.folder = "/w/dedup"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
}

TEST_F(DedupTest, goes_on_sealing_while_a_long_merge_runs) {
  open(32'768);
  uint64_t number = 0;
  auto fill = [&] {
    for (int i = 0; i < 12'000; ++i) index_->insert({key(number++), ++sequence_, 0, now_s()});
  };
  for (int i = 0; i < 3; ++i) {
    fill();
    seal();
  }
  fill();
  int calls = 0;
  auto done = index_->maintain(
      days(7),
      [&](const auto& work) {
        // The seal before the merge takes three calls and passing by one; what comes then comes from inside of it.
        if (++calls == 5) fill();
        work();
      },
      [&] { return sequence_ + 1; });
  ASSERT_TRUE(done);
  EXPECT_EQ(*metrics_.read("weir_dedup_merges_total"), 1);
  EXPECT_EQ(*metrics_.read("weir_dedup_seals_total"), 5);
  EXPECT_EQ(index_->sealed_through(), sequence_ + 1);
  EXPECT_EQ(index_->runs()->runs.size(), 2u);
  for (uint64_t i = 0; i < number; i += 11) {
    ASSERT_TRUE(*index_->find_sealed(*index_->runs(), key(i), 0)) << i;
  }
}

TEST_F(DedupTest, passes_by_records_without_a_key_so_that_a_restart_need_not_read_them) {
  open();
  sequence_ = 99'000;
  seal();
  EXPECT_EQ(index_->sealed_through(), 1u);
  sequence_ = 150'000;
  seal();
  EXPECT_EQ(index_->sealed_through(), 150'001u);
  insert(1);
  EXPECT_EQ(index_->first_in_memory(), 150'001u);
  sequence_ = 900'000;
  seal();
  EXPECT_EQ(index_->sealed_through(), 150'001u) << "a key in memory is not sealed yet";
  open();
  EXPECT_EQ(index_->sealed_through(), 150'001u);
}

}  // namespace
}  // namespace weir::capture
