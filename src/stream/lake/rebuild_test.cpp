// Rebuild: a stream's Parquet is made anew from its archive, again changes nothing, and what was lost is there again.
#include "stream/lake/test_lake.h"

namespace weir::lake {
namespace {

class RebuildTest : public LakeTest {
 protected:
  void commit_some(int commits, int from = 0) {
    for (int i = 0; i < commits; ++i) {
      append({click(from + i * 2, "2023-11-14T10:00:00Z"), click(from + i * 2 + 1, "2023-11-13T11:00:00Z"),
              refused("\xff\xfe{\"n\":" + std::to_string(i))});
      commit();
    }
  }
  std::string all_rows() {
    return sql("SELECT _seq, click_id::VARCHAR, amount, _arrived_at::VARCHAR, occurred_at::VARCHAR, dt::VARCHAR "
               "FROM clicks ORDER BY _seq") +
           sql("SELECT _seq, quarantine_id, reason, field, message, payload, _arrived_at::VARCHAR, dt::VARCHAR FROM "
               "clicks_quarantine ORDER BY _seq");
  }
  Rebuilt rebuild() { return must(lake_->rebuild("clicks", never_)); }
  Cancel never_;
};

TEST_F(RebuildTest, changes_nothing_where_nothing_is_wrong) {
  commit_some(3);
  const auto before = files("");
  const auto days = lake_->days("clicks");
  const uint64_t version = lake_->status().version;
  for (int i = 0; i < 2; ++i) {
    const auto done = rebuild();
    EXPECT_EQ(done.records, 9u);
    EXPECT_EQ(done.rows, 9u);
    EXPECT_EQ(done.partitions, 3u);
    EXPECT_EQ(done.partitions_changed, 0u);
    EXPECT_TRUE(done.problems.empty());
  }
  EXPECT_EQ(files(""), before);
  EXPECT_EQ(lake_->status().version, version);
  EXPECT_EQ(*lake_->days("clicks"), *days);
}

TEST_F(RebuildTest, mends_files_that_were_removed_or_damaged_by_hand) {
  commit_some(4);
  const std::string rows = all_rows();
  const auto days = *lake_->days("clicks");
  fs::remove(files("lake/clicks/dt=2023-11-14")[1]);
  {
    std::fstream file(files("lake/clicks_quarantine")[0], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(30);
    file.put('\x7f');
  }
  ASSERT_FALSE(lake_->verify()->problems.empty());
  const auto done = rebuild();
  EXPECT_EQ(done.damaged_files, 2u);
  EXPECT_EQ(done.partitions_changed, 2u);
  EXPECT_EQ(all_rows(), rows) << "the same ids, sequences and times";
  verify_agrees();
  EXPECT_EQ(lake_->days("clicks")->at(*parse_date("2023-11-13")), days.at(*parse_date("2023-11-13")));
  EXPECT_GT(lake_->days("clicks")->at(*parse_date("2023-11-14")), days.at(*parse_date("2023-11-14")))
      << "nobody knows what was computed from the damaged day";
  EXPECT_EQ(rebuild().partitions_changed, 0u);
  reopen();
  EXPECT_EQ(all_rows(), rows);
  EXPECT_TRUE(files(".staging").empty());
}

TEST_F(RebuildTest, follows_the_declaration_as_it_is_now) {
  commit_some(2);
  const auto days = *lake_->days("clicks");
  auto wider = clicks();
  wider->fields[1].was = "amount";
  wider->fields[1].name = "total";
  wider->fields.push_back(field("country", capture::FieldType::string, false));
  stream_ = wider;
  ASSERT_TRUE(lake_->set_streams({{7, 2, wider}}));
  const std::string rows = sql("SELECT _seq, total, country FROM clicks ORDER BY _seq");
  const auto done = rebuild();
  EXPECT_EQ(done.partitions_changed, 2u) << "their files have older columns; the quarantine's have not";
  EXPECT_EQ(sql("SELECT _seq, total, country FROM clicks ORDER BY _seq"), rows);
  EXPECT_EQ(*lake_->days("clicks"), days) << "the rows read as before";
  EXPECT_EQ(rebuild().partitions_changed, 0u);
  verify_agrees();
}

TEST_F(RebuildTest, works_beside_the_follower) {
  commit_some(2);
  fs::remove(files("lake/clicks/dt=2023-11-14")[0]);
  append({click(900, "2023-11-14T10:00:00Z")});
  ASSERT_TRUE(lake_->pump());  // in memory, and in the journal
  EXPECT_EQ(rebuild().partitions_changed, 1u);
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT click_id) FROM clicks"), "5 5 ");
  commit();
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT click_id) FROM clicks"), "5 5 ");
  verify_agrees();
  EXPECT_EQ(rebuild().partitions_changed, 0u);
}

TEST_F(RebuildTest, keeps_everything_when_the_archive_is_damaged) {
  commit_some(2);
  const std::string archive = files("raw/clicks")[0];
  fs::remove(archive);
  const std::string rows = all_rows();
  const auto done = lake_->rebuild("clicks", never_);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::corrupt);
  EXPECT_NE(done.error().message.find(fs::path(archive).filename()), std::string::npos) << done.error().text();
  EXPECT_EQ(all_rows(), rows);
  EXPECT_TRUE(files(".staging").empty());
  EXPECT_EQ(lake_->rebuild("nothing", never_).error().code, Code::not_found);
}

TEST_F(RebuildTest, does_not_bring_back_what_retention_removed) {
  auto kept = clicks();
  kept->retention = days(2);
  stream_ = kept;
  ASSERT_TRUE(lake_->set_streams({{7, 2, kept}}));
  append({click(1, "2023-11-01T10:00:00Z"), click(2, "2023-11-14T10:00:00Z")});
  commit();
  ASSERT_TRUE(lake_->retain({}, never_));
  EXPECT_EQ(sql("SELECT amount FROM clicks"), "2 ");
  const auto done = rebuild();
  EXPECT_EQ(done.past, 1u);
  EXPECT_EQ(done.partitions_changed, 0u);
  EXPECT_EQ(sql("SELECT amount FROM clicks"), "2 ");
  verify_agrees();
}

TEST_F(RebuildTest, takes_several_pieces_to_one_file_and_can_be_cancelled) {
  payload_padding_ = std::string(4'000, 'x');
  for (int i = 0; i < 2; ++i) {
    std::vector<std::string> batch;
    for (int k = 0; k < 300; ++k) batch.push_back(click(i * 300 + k, "2023-11-14T10:00:00Z"));
    append(batch);
    commit();
  }
  fs::remove(files("lake/clicks/dt=2023-11-14")[0]);
  Cancel cancel;
  const auto stopped = lake_->rebuild("clicks", cancel, [&](const Progress&) { cancel.cancel(); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::cancelled);
  EXPECT_TRUE(files(".staging").empty());
  options_.rebuild_memory = 256u << 10;
  reopen();
  EXPECT_EQ(rebuild().files_after, 1u);
  EXPECT_EQ(sql("SELECT count(*), count(DISTINCT click_id), sum(amount)::BIGINT FROM clicks"), "600 600 179700 ");
  verify_agrees();
}

}  // namespace
}  // namespace weir::lake
