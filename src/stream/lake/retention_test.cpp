// Retention: what goes is past, whatever lies beside it, and what is told of it afterwards.
#include <random>

#include "core/io/compression.h"
#include "stream/lake/archive.h"
#include "stream/lake/test_lake.h"

namespace weir::lake {
namespace {

// The fixture's clock stands at 2023-11-14, 22:13 UTC.
class RetentionTest : public LakeTest {
 protected:
  void keep(Duration retention) {
    auto kept = std::make_shared<capture::Stream>(*stream_);
    kept->retention = retention;
    stream_ = kept;
    ASSERT_TRUE(lake_->set_streams({{7, 2, stream_}}));
  }
  std::string at(int days_ago, int seconds = 0) {
    return format_timestamp((int64_t{day_number(clock_.wall().micros)} - days_ago) * 86'400'000'000 +
                            int64_t{seconds} * 1'000'000);
  }
  Retention retain(bool dry_run = false) {
    RetainRequest request;
    request.dry_run = dry_run;
    return must(lake_->retain(request, never_));
  }
  std::set<std::string> days_in_sql() {
    std::set<std::string> out;
    std::string text = sql("SELECT DISTINCT dt::VARCHAR FROM clicks ORDER BY 1");
    for (size_t from = 0; from < text.size(); from += 11) out.insert(text.substr(from, 10));
    return out;
  }
  Cancel never_;
};

TEST_F(RetentionTest, removes_days_that_are_past_and_archive_files_of_nothing_younger) {
  keep(days(3));
  append({click(1, at(5)), click(2, at(5, 7))});  // an archive file of that day alone
  commit();
  append({click(3, at(5)), click(4, at(1))});  // one that holds a younger day too
  commit();
  append({click(5, at(4)), click(6, at(3)), refused("{}")});
  commit();
  const auto before = lake_->days("clicks");
  const auto would = retain(true);
  EXPECT_EQ(files("lake/clicks").size(), 5u) << "a dry run removes nothing";
  const auto done = retain();
  EXPECT_EQ(done.files.size(), would.files.size());
  EXPECT_EQ(days_in_sql(), (std::set<std::string>{at(3).substr(0, 10), at(1).substr(0, 10)}))
      << "the third day ago ended less than three days ago";
  EXPECT_EQ(files("raw/clicks").size(), 2u) << "one archive file holds a younger event";
  EXPECT_EQ(*lake_->days("clicks"), *before) << "what was computed from them stays as it is";
  EXPECT_EQ(lake_->committed().retained_from.at("clicks"), day_number(clock_.wall().micros) - 3);
  verify_agrees();
  EXPECT_TRUE(retain().files.empty());
  reopen();
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "2 ");
  EXPECT_EQ(lake_->committed().retained_from.at("clicks"), day_number(clock_.wall().micros) - 3);
  verify_agrees();
}

TEST_F(RetentionTest, verify_finds_a_younger_event_that_is_missing) {
  keep(days(3));
  append({click(1, at(5)), click(2, at(1))});
  commit();
  retain();
  verify_agrees();
  // As if a later file had gone too.
  control::LakeCommit change;
  change.from = change.through = lake_->status().cursor.value;
  for (const auto& file : must(control_->lake_files())) {
    if (file.kind == control::FileKind::parquet) change.removed.push_back(file.path);
  }
  ASSERT_EQ(change.removed.size(), 1u);
  ASSERT_TRUE(control_->commit_lake(change));
  reopen();
  const auto verified = lake_->verify();
  ASSERT_TRUE(verified);
  ASSERT_EQ(verified->problems.size(), 1u);
  EXPECT_NE(verified->problems[0].find("1 records are in the archive and not in Parquet"), std::string::npos)
      << verified->problems[0];
}

TEST_F(RetentionTest, a_table_by_months_keeps_a_month_until_all_of_it_is_past) {
  auto monthly = std::make_shared<capture::Stream>(*stream_);
  monthly->partition = capture::PartitionBy::year_month;
  stream_ = monthly;
  ASSERT_TRUE(lake_->set_streams({{7, 2, stream_}}));
  append({click(1, "2023-09-30T23:59:59Z"), click(2, "2023-10-01T00:00:00Z"), click(3, "2023-11-14T00:00:00Z")});
  commit();
  keep(days(30));  // from October 15th on
  retain();
  EXPECT_EQ(sql("SELECT amount FROM clicks ORDER BY 1"), "2 3 ");
  verify_agrees();
  clock_.advance(days(17));  // November 1st is the first day kept
  retain();
  EXPECT_EQ(sql("SELECT amount FROM clicks ORDER BY 1"), "3 ");
  verify_agrees();
}

TEST_F(RetentionTest, waits_for_a_snapshot_and_for_nobody_else) {
  keep(days(3));
  append({click(1, at(9))});
  commit();
  auto pinned = must(lake_->take());
  EXPECT_EQ(retain().files.size(), 2u);
  EXPECT_EQ(files("lake/clicks").size(), 1u);
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "0 ");
  pinned.reset();
  EXPECT_EQ(must(lake_->remove_replaced()), 2u);
  EXPECT_TRUE(files("lake/clicks").empty());
  EXPECT_TRUE(files("raw/clicks").empty());
}

TEST_F(RetentionTest, a_stream_without_retention_keeps_everything) {
  append({click(1, "1999-01-01T00:00:00Z")});
  commit();
  EXPECT_TRUE(retain().files.empty());
  RetainRequest request;
  request.stream = "nothing";
  EXPECT_EQ(lake_->retain(request, never_).error().code, Code::not_found);
}

// Any order of arrivals, merges, days that pass and removals: what is left is exactly what is not past, and no younger
// event was ever gone.
TEST_F(RetentionTest, any_interleaving_leaves_exactly_what_is_not_past) {
  keep(days(4));
  std::mt19937 chance(20261121);
  std::map<int, int32_t> sent;  // number → day
  int next = 1;
  for (int step = 0; step < 60; ++step) {
    switch (chance() % 6) {
      case 0:
      case 1:
      case 2: {
        std::vector<std::string> batch;
        for (unsigned i = 0; i < 1 + chance() % 4; ++i) {
          const int ago = static_cast<int>(chance() % 5);  // no older than retention, as declarations have it
          sent[next] = day_number(clock_.wall().micros) - ago;
          batch.push_back(click(next++, at(ago, static_cast<int>(chance() % 3600))));
        }
        append(batch);
        commit();
        break;
      }
      case 3:
        ASSERT_TRUE(lake_->compact({}, never_));
        break;
      case 4:
        clock_.advance(hours(static_cast<int64_t>(chance() % 30)));
        break;
      case 5: {
        retain();
        const int32_t first = day_number(clock_.wall().micros - days(4).micros);
        std::string expected;
        for (const auto& [number, day] : sent) {
          if (day >= first) expected += std::to_string(number) + " ";
        }
        ASSERT_EQ(sql("SELECT amount FROM clicks ORDER BY amount"), expected) << "step " << step;
        verify_agrees();
        std::set<int> archived;
        for (const auto& path : files("raw/clicks")) {
          std::ifstream in(path, std::ios::binary);
          const std::string packed((std::istreambuf_iterator<char>(in)), {});
          ASSERT_TRUE(read_lines(packed, [&](std::string_view line) -> Status {
            archived.insert(static_cast<int>((*Json::parse(read_archive_line(line)->event))["amount"].as_int()));
            return {};
          }));
        }
        for (const auto& [number, day] : sent) {
          EXPECT_TRUE(day < first || archived.contains(number)) << "step " << step << ", event " << number;
        }
        break;
      }
    }
  }
}

}  // namespace
}  // namespace weir::lake
