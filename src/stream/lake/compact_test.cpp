// Compaction: what is merged with what, that rows, versions and lines stay what they are, how long replaced files stay,
// and what it leaves alone.
#include <algorithm>
#include <set>

#include "core/io/compression.h"
#include "stream/lake/merge_plan.h"
#include "stream/lake/sequence_set.h"
#include "stream/lake/test_lake.h"

namespace weir::lake {
namespace {

// --- the plan -------------------------------------------------------------------------------------------------------

control::LakeFile planned(uint64_t number, uint64_t bytes, const std::string& partition = "dt=2026-11-21") {
  control::LakeFile out;
  out.table = "clicks";
  out.partition = partition;
  out.path = std::to_string(number);
  out.first_sequence = number * 10;
  out.last_sequence = number * 10 + 9;
  out.bytes = bytes;
  out.layout = 7;
  return out;
}

std::string shape(const std::vector<MergeGroup>& groups) {
  std::string out;
  for (const auto& group : groups) {
    for (const auto& file : group) out += file.path + " ";
    out += "| ";
  }
  return out;
}

TEST(MergePlan, waits_for_enough_small_neighbours) {
  MergePolicy policy;
  policy.count_min = 4;
  policy.bytes = 1u << 20;
  EXPECT_EQ(shape(merge_groups({planned(1, 9), planned(2, 9), planned(3, 9)}, policy)), "");
  EXPECT_EQ(shape(merge_groups({planned(4, 9), planned(1, 9), planned(3, 9), planned(2, 9)}, policy)), "1 2 3 4 | ");
  EXPECT_EQ(
      shape(merge_groups({planned(1, 9), planned(2, 9), planned(3, 400'000), planned(4, 9), planned(5, 9)}, policy)),
      "1 2 3 4 5 | ")
      << "of several sizes, and all smaller than half of a merged file";
  EXPECT_EQ(
      shape(merge_groups({planned(1, 9), planned(2, 9), planned(3, 600'000), planned(4, 9), planned(5, 9)}, policy)),
      "");
}

TEST(MergePlan, merges_the_smallest_first_so_that_a_row_is_not_written_again_and_again) {
  MergePolicy policy;
  policy.count_min = 3;
  policy.bytes = 1u << 20;
  std::vector<control::LakeFile> files = {planned(1, 100'000), planned(2, 100'000)};
  for (uint64_t i = 3; i < 6; ++i) files.push_back(planned(i, 50));
  EXPECT_EQ(shape(merge_groups(files, policy)), "3 4 5 | ");
}

TEST(MergePlan, keeps_tables_partitions_kinds_and_layouts_apart) {
  MergePolicy policy;
  policy.all = true;
  auto other_layout = planned(3, 9), unknown = planned(5, 9), unknown_too = planned(6, 9), archive = planned(8, 9);
  other_layout.layout = 8;
  unknown.layout = unknown_too.layout = 0;
  archive.kind = control::FileKind::archive;
  EXPECT_EQ(shape(merge_groups({planned(1, 9), planned(2, 9), other_layout, unknown, unknown_too, archive,
                                planned(9, 9, "dt=2026-11-22")},
                               policy)),
            "1 2 | ");
}

TEST(MergePlan, is_never_larger_than_it_may_be_and_loses_no_file) {
  MergePolicy policy;
  policy.all = true;
  policy.bytes = 1'000;
  uint64_t state = 88172645463325252ull;
  for (int round = 0; round < 200; ++round) {
    std::vector<control::LakeFile> files;
    for (uint64_t i = 0; i < 40; ++i) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      files.push_back(planned(i, state % 700));
    }
    std::set<std::string> seen;
    for (const auto& group : merge_groups(files, policy)) {
      uint64_t bytes = 0, last = 0;
      ASSERT_GE(group.size(), 2u);
      for (const auto& file : group) {
        bytes += file.bytes;
        EXPECT_TRUE(seen.insert(file.path).second);
        EXPECT_LT(file.bytes, 500u);
        EXPECT_GE(file.first_sequence, last);
        last = file.last_sequence;
      }
      EXPECT_LE(bytes, policy.bytes);
    }
  }
}

TEST(SequenceSet, knows_what_was_put_in) {
  SequenceSet set, other;
  std::set<uint64_t> model;
  uint64_t state = 7;
  for (int i = 0; i < 60'000; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const uint64_t sequence = (state >> 33) % 100'000 + (i % 5 == 0 ? 1'000'000'000 : 0);
    EXPECT_EQ(set.insert(sequence), model.insert(sequence).second);
    if (sequence % 2 == 0) other.insert(sequence);
  }
  EXPECT_EQ(set.size(), model.size());
  uint64_t odd = 0, first = 0;
  for (const uint64_t sequence : model) {
    EXPECT_TRUE(set.contains(sequence));
    if (sequence % 2 == 0) continue;
    if (odd++ == 0) first = sequence;
  }
  EXPECT_FALSE(set.contains(999'999'999));
  EXPECT_EQ(set.without(other).count, odd);
  EXPECT_EQ(set.without(other).first, first);
  EXPECT_EQ(other.without(set).count, 0u);
}

// --- the lake -------------------------------------------------------------------------------------------------------

class CompactTest : public LakeTest {
 protected:
  void SetUp() override {
    options_.compact_files = 4;
    LakeTest::SetUp();
  }
  // A commit each, on two days, with something in quarantine.
  void commit_many(int commits, int from = 0) {
    for (int i = 0; i < commits; ++i) {
      append({click(from + i * 2, "2023-11-14T10:00:00Z"), click(from + i * 2 + 1, "2023-11-13T11:00:00Z"),
              refused("{\"n\":" + std::to_string(i))});
      commit();
    }
  }
  std::string all_rows() {
    return sql("SELECT _seq, click_id::VARCHAR, amount, dt::VARCHAR FROM clicks ORDER BY _seq") +
           sql("SELECT _seq, payload FROM clicks_quarantine ORDER BY _seq");
  }
  std::string archived() {
    std::vector<control::LakeFile> listed = must(control_->lake_files());
    std::string out;
    for (const auto& file : listed) {
      if (file.kind != control::FileKind::archive) continue;
      out += must(gunzip(must(read_file(real_files(), root_ + "/store/" + file.path))));
    }
    return out;
  }
  size_t listed(control::FileKind kind) {
    size_t out = 0;
    for (const auto& file : must(control_->lake_files())) out += file.kind == kind ? 1 : 0;
    return out;
  }
  Cancel never_;
};

TEST_F(CompactTest, changes_files_and_nothing_that_can_be_asked) {
  commit_many(6);
  const std::string rows = all_rows(), lines = archived();
  const auto days = lake_->days("clicks");
  const uint64_t cursor = lake_->status().cursor.value;
  ASSERT_EQ(listed(control::FileKind::parquet), 18u);
  const auto done = lake_->compact({}, never_);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->files_before, 18u + 12u);
  EXPECT_EQ(done->files_after, 3u + 2u);
  EXPECT_EQ(done->rows, 18u + 18u);
  EXPECT_EQ(listed(control::FileKind::parquet), 3u);
  EXPECT_EQ(listed(control::FileKind::archive), 2u);
  EXPECT_EQ(all_rows(), rows);
  EXPECT_EQ(archived(), lines);
  EXPECT_EQ(*lake_->days("clicks"), *days) << "nothing becomes stale";
  EXPECT_EQ(lake_->status().cursor.value, cursor);
  EXPECT_EQ((*lake_->manifest("clicks"))["files"].array().size(), 2u);
  verify_agrees();
  const auto again = lake_->compact({}, never_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->files_before, 0u) << "running it again changes nothing";
  commit_many(2, 100);
  reopen();
  EXPECT_EQ(all_rows().substr(0, 20), rows.substr(0, 20));
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "16 ");
  verify_agrees();
}

TEST_F(CompactTest, chooses_a_table_and_a_day) {
  commit_many(3);
  CompactRequest request;
  request.table = "clicks";
  request.day = *parse_date("2023-11-13");
  auto done = lake_->compact(request, never_);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->files_before, 3u) << "nothing arrived on that day";
  request.day = day_number(clock_.wall().micros);
  done = lake_->compact(request, never_);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->files_before, 6u) << "the archive of that day, and the events of it";
  request.table = "nothing";
  EXPECT_EQ(lake_->compact(request, never_).error().code, Code::not_found);
}

TEST_F(CompactTest, keeps_replaced_files_for_snapshots_and_for_readers_outside) {
  commit_many(4);
  const auto before = files("lake/clicks");
  auto pinned = must(lake_->take());
  ASSERT_TRUE(lake_->compact({}, never_));
  for (const auto& path : before) EXPECT_TRUE(fs::exists(path));
  EXPECT_EQ(must(lake_->remove_replaced()), 0u) << "not a day old";
  clock_.advance(hours(24));
  EXPECT_EQ(must(lake_->remove_replaced()), 0u) << "a snapshot reads them";
  for (const auto& path : before) EXPECT_TRUE(fs::exists(path));
  pinned.reset();
  EXPECT_EQ(must(lake_->remove_replaced()), 12u + 8u);
  for (const auto& path : before) EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(must(control_->lake_replaced(std::nullopt)).empty());
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "8 ");
  verify_agrees();
}

TEST_F(CompactTest, removes_replaced_files_after_a_restart_too_and_what_a_kill_left_in_staging) {
  commit_many(4);
  ASSERT_TRUE(lake_->compact({}, never_));
  close();
  std::ofstream(root_ + "/store/.staging/rewrite/merged.parquet") << "half a file";
  open();
  EXPECT_TRUE(files(".staging").empty());
  clock_.advance(hours(25));
  EXPECT_EQ(must(lake_->remove_replaced()), 20u);
  EXPECT_EQ(files("lake/clicks").size() + files("lake/clicks_quarantine").size(), 3u);
}

TEST_F(CompactTest, merges_by_itself_what_became_many) {
  commit_many(3);
  EXPECT_FALSE(must(lake_->maintain(never_)));
  EXPECT_EQ(listed(control::FileKind::parquet), 9u);
  commit_many(1, 100);
  int merges = 0;
  while (must(lake_->maintain(never_))) ++merges;
  EXPECT_EQ(merges, 5) << "one at a time: two days, the quarantine, two archives";
  EXPECT_EQ(listed(control::FileKind::parquet), 3u);
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT click_id) FROM clicks"), "8 8 ");
  EXPECT_FALSE(must(lake_->maintain(never_)));
  verify_agrees();
}

TEST_F(CompactTest, leaves_a_damaged_file_where_it_is_found) {
  commit_many(4);
  const std::string damaged = files("lake/clicks/dt=2023-11-14")[1];
  {
    std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(24);
    file.put('\x7f');
  }
  const auto done = lake_->compact({}, never_);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::corrupt);
  EXPECT_NE(done.error().message.find(fs::path(damaged).filename()), std::string::npos) << done.error().text();
  EXPECT_EQ(files("lake/clicks/dt=2023-11-14").size(), 4u);
  EXPECT_EQ(listed(control::FileKind::parquet), 4u + 1u + 1u) << "the others were merged";
  auto verified = lake_->verify();
  ASSERT_TRUE(verified);
  EXPECT_NE(verified->problems[0].find(fs::path(damaged).filename()), std::string::npos);
}

TEST_F(CompactTest, a_cancelled_one_keeps_what_is_merged_and_changes_no_more) {
  commit_many(4);
  const std::string rows = all_rows();
  Cancel cancel;
  int told = 0;
  const auto done = lake_->compact({}, cancel, [&](const Progress& progress) {
    EXPECT_LE(progress.done_bytes, progress.total_bytes);
    if (++told == 2) cancel.cancel();
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::cancelled);
  EXPECT_EQ(all_rows(), rows);
  verify_agrees();
  ASSERT_TRUE(lake_->compact({}, never_));
  EXPECT_EQ(listed(control::FileKind::parquet), 3u);
  EXPECT_EQ(all_rows(), rows);
}

TEST_F(CompactTest, merges_only_files_of_the_same_columns) {
  commit_many(2);
  auto other = clicks();
  other->retired = {other->fields[1]};  // amount was removed, and older files still hold it
  other->fields.erase(other->fields.begin() + 1);
  other->fields.push_back(field("country", capture::FieldType::string, false));
  stream_ = other;
  ASSERT_TRUE(lake_->set_streams({{7, 2, other}}));
  commit_many(2, 100);
  ASSERT_TRUE(lake_->compact({}, never_));
  EXPECT_EQ(files("lake/clicks/dt=2023-11-14").size(), 4u + 2u);
  EXPECT_EQ(listed(control::FileKind::parquet), 2u * 2u + 1u);
  EXPECT_EQ(sql("SELECT count(*), count(country) FROM clicks"), "8 0 ");
  // The removed field comes back, and shows what it was.
  auto back = clicks();
  back->fields.push_back(field("country", capture::FieldType::string, false));
  stream_ = back;
  ASSERT_TRUE(lake_->set_streams({{7, 3, back}}));
  EXPECT_EQ(sql("SELECT count(amount), sum(amount)::BIGINT FROM clicks"), "4 6 ");
  verify_agrees();
}

TEST_F(CompactTest, a_removed_stream_takes_its_replaced_files_along) {
  commit_many(4);
  ASSERT_TRUE(lake_->compact({}, never_));
  const auto dropped = lake_->drop("clicks");
  ASSERT_TRUE(dropped) << dropped.error().text();
  EXPECT_TRUE(files("lake").empty());
  EXPECT_TRUE(files("raw").empty());
  EXPECT_TRUE(must(control_->lake_replaced(std::nullopt)).empty());
}

TEST_F(CompactTest, rows_stay_in_the_order_of_their_sequences) {
  for (int i = 0; i < 5; ++i) {
    std::vector<std::string> batch;
    for (int k = 0; k < 3'000; ++k) batch.push_back(click(i * 3'000 + k, "2023-11-14T10:00:00Z"));
    append(batch);
    commit();
  }
  ASSERT_TRUE(lake_->compact({}, never_));
  ASSERT_EQ(listed(control::FileKind::parquet), 1u);
  EXPECT_EQ(sql("SELECT count(*) FROM (SELECT _seq, lag(_seq) OVER (ORDER BY file_row_number) AS before FROM "
                "(SELECT _seq, row_number() OVER () AS file_row_number FROM clicks)) WHERE before > _seq"),
            "0 ");
  EXPECT_EQ(sql("SELECT count(*) FROM clicks WHERE _seq BETWEEN 100 AND 199"), "100 ") << "its bounds are known";
}

}  // namespace
}  // namespace weir::lake
