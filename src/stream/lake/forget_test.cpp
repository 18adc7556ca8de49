// Forgetting in the lake's files: tombstones keep the sequences, everything else stays what it is, whatever lies
// between.
#include "core/io/compression.h"
#include "stream/lake/test_lake.h"

namespace weir::lake {
namespace {

class ForgetLakeTest : public LakeTest {
 protected:
  ForgetLakeTest() {
    auto stream = clicks();
    stream->fields[1].subject = true;  // amount: click(number) has it
    stream_ = stream;
  }

  capture::Subject subject(const std::vector<int>& numbers) {
    capture::Subject::Hash hash{{1, 2}, {}};
    for (const int number : numbers) hash.wanted.push_back(capture::Subject::hash(hash.key, std::to_string(number)));
    return capture::Subject(stream_->fields[1], std::move(hash));
  }
  Result<Forgotten> forget(const std::vector<int>& numbers, bool only_counts = false) {
    capture::Subject wanted = subject(numbers);
    ForgetRequest request;
    request.stream = "clicks";
    request.subject = &wanted;
    request.through = lake_->status().cursor.value;
    request.at = {1'700'000'000'000'000};
    request.only_counts = only_counts;
    return lake_->forget(request, Cancel(), [this](const Forgotten& found) -> Result<control::Forget> {
      told_ = found.sequences;
      if (refuses_) return Error(Code::unavailable, "not now");
      // As the run does: the journal lets go of all that is committed.
      EXPECT_TRUE(journal_->seal());
      EXPECT_TRUE(journal_->release(lake_->status().cursor));
      return control::Forget{"id", "clicks", "open", {}, {}, Json(Json::Object{{"records", found.sequences.size()}})};
    });
  }
  std::string all() { return sql("SELECT _seq, amount FROM clicks ORDER BY _seq"); }
  std::string archive() {
    std::string out;
    for (const auto& path : files("raw/clicks")) out += must(gunzip(must(read_file(real_files(), path))));
    return out;
  }

  std::vector<uint64_t> told_;
  bool refuses_ = false;
};

TEST_F(ForgetLakeTest, leaves_tombstones_and_nobody_else_changes) {
  append({click(1, "2026-11-20T10:00:00Z"), click(2, "2026-11-20T11:00:00Z"), click(3, "2026-11-21T10:00:00Z")});
  commit();
  append({click(2, "2026-11-21T12:00:00Z"), refused(R"({"amount":2})"), refused(R"({"amount":3})")});
  commit();
  auto counted = must(forget({2}, true));
  EXPECT_EQ(counted.events, 2u);
  EXPECT_EQ(counted.quarantined, 1u);
  EXPECT_EQ(all(), "1 1 2 2 3 3 4 2 ") << "only counted";

  auto done = must(forget({2}));
  EXPECT_EQ(done.sequences, (std::vector<uint64_t>{2, 4, 5}));
  EXPECT_EQ(told_, done.sequences);
  EXPECT_EQ(done.archive.records, 3u);
  EXPECT_EQ(done.parquet.records, 3u);
  EXPECT_EQ(all(), "1 1 3 3 ");
  EXPECT_EQ(sql("SELECT _seq FROM clicks_quarantine"), "6 ");
  EXPECT_EQ(sql("SELECT count(*), min(_seq), max(_seq) FROM raw_clicks"), "2 1 3 ");
  ASSERT_TRUE(lake_->remove_replaced());
  EXPECT_NE(archive().find("\"_seq\":2,"), std::string::npos) << "the sequence is kept";
  EXPECT_EQ(archive().find("\"amount\":2"), std::string::npos);
  EXPECT_EQ(must(control_->forgets()).at(0).body["records"].as_int(), 3) << "in the same commit";
  verify_agrees();
  EXPECT_EQ(must(lake_->verify()).forgotten, 3u);
  EXPECT_EQ(lake_->committed().days["clicks"]->size(), 2u);

  // Again, after a restart, and after everything else that makes files anew.
  EXPECT_TRUE(must(forget({2})).sequences.empty());
  reopen();
  EXPECT_EQ(all(), "1 1 3 3 ");
  EXPECT_EQ(must(lake_->rebuild("clicks", Cancel())).partitions_changed, 0u);
  append({click(5, "2026-11-20T10:30:00Z")});
  commit();
  ASSERT_TRUE(lake_->compact({}, Cancel()));
  verify_agrees();
  EXPECT_EQ(must(lake_->verify()).forgotten, 3u) << "merging keeps tombstones and counts them";
  must(forget({1, 3}));
  EXPECT_EQ(all(), "7 5 ");
  verify_agrees();
}

TEST_F(ForgetLakeTest, removes_old_files_at_once_also_those_of_merges) {
  options_.replaced_keep = hours(24);
  reopen();
  for (int i = 0; i < 3; ++i) {
    append({click(1, "2026-11-20T10:00:00Z"), click(2, "2026-11-20T11:00:00Z")});
    commit();
  }
  ASSERT_TRUE(lake_->compact({}, Cancel()));
  EXPECT_GT(files("lake/clicks").size(), 1u) << "replaced files stay a day";
  auto pinned = must(lake_->take());
  must(forget({2}));
  ASSERT_TRUE(lake_->remove_replaced());
  EXPECT_FALSE(must(lake_->replaced_of("clicks")).empty()) << "a statement reads them";
  pinned.reset();
  ASSERT_TRUE(lake_->remove_replaced());
  EXPECT_TRUE(must(lake_->replaced_of("clicks")).empty());
  EXPECT_EQ(files("lake/clicks").size(), 1u);
  EXPECT_EQ(all(), "1 1 3 1 5 1 ");
  verify_agrees();
}

TEST_F(ForgetLakeTest, changes_nothing_when_the_others_cannot_let_go) {
  append({click(1, "2026-11-20T10:00:00Z"), click(2, "2026-11-20T11:00:00Z")});
  commit();
  const auto before = files("");
  refuses_ = true;
  EXPECT_FALSE(forget({2}));
  EXPECT_EQ(files(""), before);
  EXPECT_EQ(all(), "1 1 2 2 ");
  refuses_ = false;
  must(forget({2}));
  EXPECT_EQ(all(), "1 1 ");
}

TEST_F(ForgetLakeTest, verify_finds_what_the_journal_still_holds) {
  append({click(1, "2026-11-20T10:00:00Z"), click(2, "2026-11-20T11:00:00Z")});
  commit();
  capture::Subject wanted = subject({2});
  ForgetRequest request;
  request.stream = "clicks";
  request.subject = &wanted;
  request.through = lake_->status().cursor.value;
  must(lake_->forget(request, Cancel(), [](const Forgotten&) -> Result<control::Forget> {
    return control::Forget{"id", "clicks", "open", {}, {}, Json(Json::Object{})};
  }));
  const auto verified = must(lake_->verify());
  ASSERT_EQ(verified.problems.size(), 1u);
  EXPECT_NE(verified.problems[0].find("still in the journal"), std::string::npos) << verified.problems[0];
}

TEST_F(ForgetLakeTest, explains_what_was_forgotten_and_when) {
  append({click(2, "2026-11-20T11:00:00Z")});
  commit();
  must(forget({2}));
  const auto places = must(lake_->explain("00000000-0000-4000-8000-000000000002"));
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places[0].verdict, "forgotten");
  EXPECT_EQ(places[0].forgotten_at->micros, 1'700'000'000'000'000);
  EXPECT_EQ(places[0].sequence.value, 1u);
}

}  // namespace
}  // namespace weir::lake
