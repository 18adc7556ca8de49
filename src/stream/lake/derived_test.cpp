// Derived tables in the lake: files and marks in one commit, names that are taken, what a crash leaves.
#include "stream/lake/test_lake.h"

namespace weir::lake {
namespace {

class DerivedTest : public LakeTest {
 protected:
  static DerivedTable counts(const std::string& name) {
    engine::Column day, n;
    day.name = "day";
    day.type = engine::ColumnType::date;
    n.name = "n";
    n.type = engine::ColumnType::int64;
    return {name, {n, day}, "day"};
  }
  // One file of that day with the numbers 1 to `rows`.
  DerivedPart part(const std::string& of, int rows, const std::string& digest) {
    DerivedPart out;
    out.mark.day = must(parse_date(of));
    out.mark.rows = static_cast<uint64_t>(rows);
    out.mark.digest = digest;
    out.mark.fingerprint = "f";
    if (rows == 0) return out;
    const StagedFile staged = lake_->stage();
    auto session = must(engine_->connect(engine::Trust::own));
    must(engine_->copy_result(
        *session, "SELECT range + 1 AS n, DATE '" + of + "' AS day FROM range(" + std::to_string(rows) + ")",
        staged.absolute));
    out.staged = staged.path;
    return out;
  }
  Status publish(const std::string& table, DerivedPart one) {
    std::vector<DerivedPart> parts;
    parts.push_back(std::move(one));
    return lake_->publish_derived(table, std::move(parts));
  }
};

TEST_F(DerivedTest, files_and_marks_are_one_commit_and_outlive_a_restart) {
  ASSERT_TRUE(lake_->make_derived(counts("hits")));
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "0 ");
  ASSERT_TRUE(publish("hits", part("2026-11-20", 3, "three")));
  ASSERT_TRUE(publish("hits", part("2026-11-21", 1, "one")));
  EXPECT_EQ(sql("SELECT count(*), sum(n)::BIGINT FROM hits WHERE day = DATE '2026-11-20'"), "3 6 ");
  const uint64_t version = lake_->derived().find("hits")->second->marks.begin()->second.version;
  reopen();
  const auto kept = lake_->derived();
  ASSERT_TRUE(kept.contains("hits"));
  EXPECT_EQ(kept.find("hits")->second->table, counts("hits"));
  EXPECT_EQ(kept.find("hits")->second->marks.size(), 2u);
  EXPECT_EQ(kept.find("hits")->second->marks.begin()->second.version, version);
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "4 ");
  EXPECT_TRUE(lake_->days("hits")->empty());
  const Json manifest = must(lake_->manifest("hits"));
  EXPECT_EQ(manifest["files"].array().size(), 2u);
  EXPECT_EQ(manifest["files"].array()[0]["partition"].as_string(), "dt=2026-11-20");
  EXPECT_TRUE(fs::exists(root_ + "/store/lake/hits/manifest.json"));
  verify_agrees();
}

TEST_F(DerivedTest, a_shadow_is_not_read_until_it_takes_the_place) {
  ASSERT_TRUE(lake_->make_derived(counts("hits")));
  ASSERT_TRUE(publish("hits", part("2026-11-20", 3, "three")));
  ASSERT_TRUE(publish("hits", part("2026-11-21", 2, "two")));
  const auto before = lake_->derived().find("hits")->second;
  const std::string shadow = shadow_name("hits");
  ASSERT_TRUE(lake_->make_derived(counts(shadow)));
  ASSERT_TRUE(publish(shadow, part("2026-11-20", 3, "three")));
  ASSERT_TRUE(publish(shadow, part("2026-11-21", 5, "five")));
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "5 ");
  EXPECT_NE(sql("SELECT count(*) FROM \"hits new\"").find("hits new"), std::string::npos);
  EXPECT_FALSE(lake_->manifest(shadow));
  const auto pinned = must(lake_->take());
  ASSERT_TRUE(lake_->promote_derived("hits", {}));
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "8 ");
  const auto after = lake_->derived().find("hits")->second;
  EXPECT_FALSE(lake_->derived().contains(shadow));
  const auto day = [&](const char* text) { return std::optional<int32_t>(must(parse_date(text))); };
  EXPECT_EQ(after->marks.at(day("2026-11-20")).version, before->marks.at(day("2026-11-20")).version);
  EXPECT_GT(after->marks.at(day("2026-11-21")).version, before->marks.at(day("2026-11-21")).version);
  // The old files are read by who began before, and go when nobody does and their time is over.
  clock_.advance(hours(48));
  EXPECT_EQ(must(lake_->remove_replaced()), 0u);
  EXPECT_EQ(pinned->find("hits")->files.size(), 2u);
  reopen();
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "8 ");
  EXPECT_EQ(must(lake_->remove_replaced()), 2u);
  verify_agrees();
}

TEST_F(DerivedTest, a_name_of_a_stream_is_refused_and_the_streams_files_stay) {
  append({click(1, "2026-11-20T10:00:00Z")});
  commit();
  for (const char* name : {"clicks", "clicks_quarantine", "clicks_intake", "raw_clicks"}) {
    const Status made = lake_->make_derived(counts(name));
    ASSERT_FALSE(made) << name;
    EXPECT_EQ(made.error().code, Code::conflict);
    EXPECT_TRUE(lake_->drop_derived(name));
  }
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "1 ");
  EXPECT_EQ(publish("nothing", part("2026-11-20", 1, "one")).error().code, Code::not_found);
  verify_agrees();
}

TEST_F(DerivedTest, a_commit_that_did_not_come_about_leaves_the_old_partition_and_no_file) {
  ASSERT_TRUE(lake_->make_derived(counts("hits")));
  ASSERT_TRUE(publish("hits", part("2026-11-20", 3, "three")));
  // As a kill leaves it behind the renames and before the commit: the intent names the file, the catalog does not.
  const std::string folder = "lake/hits/dt=2026-11-20",
                    left = folder + "/00000000000000000000-00000000000000000000.v9.parquet";
  fs::copy_file(root_ + "/store/" + must(control_->lake_files()).at(0).path, root_ + "/store/" + left);
  std::ofstream(root_ + "/store/.staging/intent.json") << "{\"format\":1,\"files\":[\"" << left << "\"]}";
  const StagedFile staged = lake_->stage();
  std::ofstream(staged.absolute) << "half written";
  reopen();
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "3 ");
  EXPECT_FALSE(fs::exists(root_ + "/store/" + left));
  EXPECT_FALSE(fs::exists(staged.absolute));
  // A damaged intent: the store is looked through, and what nobody lists goes.
  fs::copy_file(root_ + "/store/" + must(control_->lake_files()).at(0).path, root_ + "/store/" + left);
  std::ofstream(root_ + "/store/.staging/intent.json") << "{";
  append({click(1, "2026-11-20T10:00:00Z")});
  commit();
  std::ofstream(root_ + "/store/.staging/intent.json") << "{";
  reopen();
  EXPECT_FALSE(fs::exists(root_ + "/store/" + left));
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "3 ");
  verify_agrees();
}

TEST_F(DerivedTest, a_table_that_is_kept_elsewhere_leaves_its_files_to_those_who_read_them) {
  ASSERT_TRUE(lake_->make_derived(counts("hits")));
  ASSERT_TRUE(publish("hits", part("2026-11-20", 3, "three")));
  const auto pinned = must(lake_->take());
  ASSERT_TRUE(lake_->retire_derived("hits"));
  EXPECT_NE(sql("SELECT count(*) FROM hits").find("hits"), std::string::npos);
  EXPECT_FALSE(fs::exists(root_ + "/store/lake/hits/manifest.json"));
  EXPECT_TRUE(fs::exists(root_ + "/store/" + pinned->find("hits")->files.at(0).path));
  EXPECT_EQ(must(control_->lake_replaced(std::nullopt)).size(), 1u);
  ASSERT_TRUE(lake_->drop_derived("hits"));
  EXPECT_TRUE(must(control_->lake_replaced(std::nullopt)).empty());
  EXPECT_FALSE(fs::exists(root_ + "/store/" + pinned->find("hits")->files.at(0).path));
  EXPECT_TRUE(lake_->drop_derived("hits")) << "again changes nothing";
}

TEST_F(DerivedTest, a_partition_without_rows_has_no_file) {
  ASSERT_TRUE(lake_->make_derived(counts("hits")));
  ASSERT_TRUE(publish("hits", part("2026-11-20", 3, "three")));
  ASSERT_TRUE(publish("hits", part("2026-11-20", 0, "none")));
  EXPECT_EQ(sql("SELECT count(*) FROM hits"), "0 ");
  EXPECT_TRUE(must(lake_->manifest("hits"))["files"].array().empty());
  EXPECT_EQ(lake_->derived().find("hits")->second->marks.size(), 1u);
  verify_agrees();
}

}  // namespace
}  // namespace weir::lake
