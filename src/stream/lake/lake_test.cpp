// The lake over the real journal, control database and engine, on a folder of the machine's disk: what was journaled is
// in SQL at once, in files after a commit, exactly once over restarts, and what verify() and explain() say of it.
#include "core/io/compression.h"
#include "stream/lake/archive.h"
#include "stream/lake/catalog.h"
#include "stream/lake/test_lake.h"

namespace weir::lake {
namespace {

TEST_F(LakeTest, shows_what_was_journaled_in_sql_at_once) {
  append({click(1, "2023-11-14T10:00:00Z"), click(2, "2023-11-14T11:00:00Z")});
  EXPECT_EQ(sql("SELECT count(*), sum(amount)::BIGINT FROM clicks"), "2 3 ");
  append({click(3, "2023-11-13T10:00:00Z")});
  EXPECT_EQ(sql("SELECT count(*) FROM clicks WHERE dt = DATE '2023-11-13'"), "1 ");
  EXPECT_TRUE(files("").empty());
}

TEST_F(LakeTest, writes_one_file_a_day_and_an_archive_by_hour_of_arrival) {
  append({click(1, "2023-11-14T10:00:00Z"), click(2, "2023-11-13T23:59:59.999999Z"), refused("{\"broken\":")});
  commit();
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "2 ");
  ASSERT_EQ(files("lake/clicks/dt=2023-11-14").size(), 1u);
  ASSERT_EQ(files("lake/clicks/dt=2023-11-13").size(), 1u);
  const auto archive = files("raw/clicks/2023/11/14/22");  // the clock's hour, not the events'
  ASSERT_EQ(archive.size(), 1u);
  std::ifstream in(archive[0], std::ios::binary);
  auto text = gunzip(std::string((std::istreambuf_iterator<char>(in)), {}));
  ASSERT_TRUE(text);
  auto line = read_archive_line(text->substr(0, text->find('\n')));
  ASSERT_TRUE(line) << line.error().text();
  EXPECT_EQ(line->sequence, 1u);
  EXPECT_EQ(line->id, "00000000-0000-4000-8000-000000000001");
  EXPECT_NE(line->event.find("\"amount\":1"), std::string::npos);
  EXPECT_EQ(sql("SELECT reason, payload FROM clicks_quarantine"), "missing_field {\"broken\": ");
}

TEST_F(LakeTest, counts_every_record_once_over_commits_and_restarts) {
  for (int round = 0; round < 5; ++round) {
    std::vector<std::string> batch;
    for (int i = 0; i < 100; ++i) batch.push_back(click(round * 100 + i, "2023-11-14T10:00:00Z"));
    append(batch);
    if (round % 2 == 0) commit();
    reopen();
    EXPECT_EQ(sql("SELECT count(*), count(DISTINCT click_id) FROM clicks"),
              std::to_string((round + 1) * 100) + " " + std::to_string((round + 1) * 100) + " ");
  }
  commit();
  auto verified = lake_->verify();
  ASSERT_TRUE(verified) << verified.error().text();
  EXPECT_TRUE(verified->problems.empty()) << verified->problems[0];
  EXPECT_EQ(verified->archive_records, 500u);
  EXPECT_EQ(verified->parquet_rows, 500u);
  EXPECT_EQ(verified->journal_records, 500u);
}

TEST_F(LakeTest, removes_what_a_crash_left_between_rename_and_commit) {
  append({click(1, "2023-11-14T10:00:00Z")});
  commit();
  close();
  const std::string orphan =
      root_ + "/store/lake/clicks/dt=2023-11-14/00000000000000000009-00000000000000000009.parquet";
  std::ofstream(orphan) << "half a file";
  std::ofstream(root_ + "/store/.staging/intent.json")
      << R"({"format":1,"files":[")" + orphan.substr(root_.size() + 7) + R"("]})";
  std::ofstream(root_ + "/store/.staging/3.parquet") << "staging";
  open();
  EXPECT_FALSE(fs::exists(orphan));
  EXPECT_TRUE(files(".staging").empty());
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "1 ");
}

TEST_F(LakeTest, starts_with_a_damaged_intent_and_removes_what_nothing_lists) {
  append({click(1, "2023-11-14T10:00:00Z"), click(2, "2023-11-14T10:00:00Z")});
  commit();
  append({click(3, "2023-11-14T10:00:00Z")});
  const std::vector<std::string> committed = files("");
  const std::string day = root_ + "/store/lake/clicks/dt=2023-11-14/";
  const std::string hour = root_ + "/store/raw/clicks/2023/11/14/22/";
  const auto named = [](int first, int last) {
    char out[64];
    std::snprintf(out, sizeof out, "%020d-%020d", first, last);
    return std::string(out);
  };
  const std::vector<std::string> leftovers = {day + named(3, 3) + ".parquet", hour + named(3, 3) + ".json.gz",
                                              day + named(1, 1) + ".parquet"};
  // Records that the journal does not hold, a name that no commit gives, another kind of file.
  const std::vector<std::string> kept = {day + named(9, 9) + ".parquet", day + "mine.parquet", hour + "notes.txt"};
  for (const char* damaged : {"", "{\"format\":1,\"fi", "[1]", "{\"format\":1}", "{\"format\":1,\"files\":[7]}",
                              "{\"format\":1,\"files\":[\"../control.db\"]}"}) {
    close();
    for (const auto& paths : {leftovers, kept}) {
      for (const auto& path : paths) std::ofstream(path) << "half a file";
    }
    std::ofstream(root_ + "/store/.staging/intent.json") << damaged;
    open();
    for (const auto& path : leftovers) EXPECT_FALSE(fs::exists(path)) << damaged << ": " << path;
    for (const auto& path : kept) EXPECT_TRUE(fs::exists(path)) << damaged << ": " << path;
    for (const auto& path : committed) EXPECT_TRUE(fs::exists(path)) << damaged << ": " << path;
    EXPECT_TRUE(files(".staging").empty());
    EXPECT_TRUE(fs::exists(root_ + "/control.db"));
    EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "3 ");
  }
  for (const auto& path : kept) fs::remove(path);
  commit();
  auto verified = lake_->verify();
  ASSERT_TRUE(verified) << verified.error().text();
  EXPECT_TRUE(verified->problems.empty());
  EXPECT_EQ(verified->parquet_rows, 3u);
}

TEST_F(LakeTest, walks_nothing_while_the_intent_can_be_read) {
  append({click(1, "2023-11-14T10:00:00Z")});
  commit();
  close();
  const std::string unlisted =
      root_ + "/store/lake/clicks/dt=2023-11-14/00000000000000000000-00000000000000000000.parquet";
  std::ofstream(unlisted) << "x";
  std::ofstream(root_ + "/store/.staging/intent.json") << R"({"format":1,"files":[]})";
  open();
  EXPECT_TRUE(fs::exists(unlisted));
  EXPECT_TRUE(files(".staging").empty());
}

TEST_F(LakeTest, names_a_file_that_was_changed_or_lost) {
  append({click(1, "2023-11-14T10:00:00Z"), click(2, "2023-11-14T10:00:00Z")});
  commit();
  const std::string parquet = files("lake/clicks")[0], archive = files("raw/clicks")[0];
  fs::remove(archive);
  {
    std::fstream file(parquet, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('\x7f');
  }
  auto verified = lake_->verify();
  ASSERT_TRUE(verified);
  std::string all;
  for (const auto& problem : verified->problems) all += problem + "\n";
  EXPECT_NE(all.find(fs::path(parquet).filename()), std::string::npos) << all;
  EXPECT_NE(all.find(fs::path(archive).filename()), std::string::npos) << all;
}

TEST_F(LakeTest, explains_where_an_event_is) {
  append({click(5, "2023-11-14T10:00:00Z")});
  auto before = lake_->explain("00000000-0000-4000-8000-000000000005");
  ASSERT_TRUE(before) << before.error().text();
  ASSERT_EQ(before->size(), 1u);
  EXPECT_EQ((*before)[0].verdict, "accepted");
  EXPECT_FALSE((*before)[0].segment.empty());
  EXPECT_TRUE((*before)[0].lake_file.empty());
  commit();
  auto after = lake_->explain("00000000-0000-4000-8000-000000000005");
  ASSERT_TRUE(after);
  EXPECT_TRUE((*after)[0].lake_file.starts_with("lake/clicks/dt=2023-11-14/"));
  EXPECT_TRUE((*after)[0].archive_file.starts_with("raw/clicks/"));
}

TEST_F(LakeTest, lists_committed_files_for_readers_outside) {
  append({click(1, "2023-11-14T10:00:00Z")});
  commit();
  auto manifest = lake_->manifest("clicks");
  ASSERT_TRUE(manifest);
  ASSERT_EQ((*manifest)["files"].array().size(), 1u);
  EXPECT_EQ((*manifest)["files"].array()[0]["partition"].as_string(), "dt=2023-11-14");
  std::ifstream in(root_ + "/store/lake/clicks/manifest.json");
  auto on_disk = Json::parse(std::string((std::istreambuf_iterator<char>(in)), {}));
  ASSERT_TRUE(on_disk);
  EXPECT_EQ((*on_disk)["files"], (*manifest)["files"]);
  EXPECT_EQ(lake_->manifest("nothing").error().code, Code::not_found);
}

TEST_F(LakeTest, follows_a_changed_declaration_without_losing_old_rows) {
  append({click(1, "2023-11-14T10:00:00Z")});
  EXPECT_EQ(sql("SELECT count(*) FROM clicks"), "1 ");
  auto wider = clicks();
  wider->fields.push_back(field("country", capture::FieldType::string, false));
  stream_ = wider;
  ASSERT_TRUE(lake_->set_streams({{7, 2, wider}}));
  append({click(2, "2023-11-14T10:00:00Z")});
  EXPECT_EQ(sql("SELECT count(*), count(country) FROM clicks"), "2 0 ");
  commit();
  EXPECT_EQ(sql("SELECT count(*), count(country) FROM clicks"), "2 0 ");
}

TEST_F(LakeTest, forgets_a_dropped_stream_with_its_files) {
  append({click(1, "2023-11-14T10:00:00Z")});
  commit();
  auto dropped = lake_->drop("clicks");
  ASSERT_TRUE(dropped) << dropped.error().text();
  EXPECT_TRUE(files("lake").empty());
  EXPECT_TRUE(files("raw").empty());
  EXPECT_FALSE(lake_->manifest("clicks"));
}

TEST(ArchiveLine, gives_the_event_back_byte_for_byte) {
  capture::Record record;
  record.id = "a\"b";
  record.arrived_at = {1'700'000'000'000'000};
  for (const char* payload : {"{}", "{\"a\":1}", "{\"text\":\"line\\nbreak }\"}"}) {
    record.payload = payload;
    std::string line;
    append_archive_line(record, 17, line);
    ASSERT_TRUE(line.ends_with("}\n"));
    line.pop_back();
    auto read = read_archive_line(line);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->event, payload);
    EXPECT_EQ(read->id, record.id);
    EXPECT_EQ(read->sequence, 17u);
    EXPECT_EQ(read->arrived_at, record.arrived_at.micros);
  }
}

TEST(ArchiveLine, keeps_quarantined_bytes_that_are_no_text) {
  capture::Record record;
  record.kind = capture::RecordKind::quarantined;
  record.payload = "\xff\xfe";
  record.reason = "bad_utf8";
  std::string line;
  append_archive_line(record, 1, line);
  auto parsed = Json::parse(line);
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ((*parsed)["payload_base64"].as_string(), "//4=");
}

TEST(ArchiveLine, is_refused_when_damaged) {
  for (const char* line : {"", "{}", "{\"_id\":\"x", "{\"_id\":\"x\",\"_seq\":1}", "{\"_id\":\"x\",\"_seq\":z,"}) {
    EXPECT_EQ(read_archive_line(line).error().code, Code::corrupt) << line;
  }
}

// --- the catalog's entries
// --------------------------------------------------------------------------------------------

TEST(LakeCatalog, bounds_of_a_file_from_before_a_rename_are_found_under_its_former_name) {
  using engine::ColumnType;
  const std::vector<engine::Column> then = {{.name = "n", .type = ColumnType::int64},
                                            {.name = "at", .type = ColumnType::timestamp}};
  std::vector<engine::Column> now = then;
  now[0].name = "total";
  now[0].former = {"count", "n"};
  control::LakeFile file;
  file.partition = "dt=2026-11-21";
  file.bounds = bounds_to_json(then, {.rows = 2, .bytes = 9, .int_bounds = {{{3, 5}}, std::nullopt}});
  auto read = table_file(file, now);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->int_bounds[0], (std::pair<int64_t, int64_t>{3, 5}));
  EXPECT_FALSE(read->int_bounds[1]);

  now[1].former = {"n"};
  read = table_file(file, now);
  EXPECT_FALSE(read->int_bounds[1]) << "the file has the column, with bounds that it does not know";
}

// A statement before the streams are known, as one at a start: nothing is skipped, and nothing is taken twice.
TEST_F(LakeTest, records_of_a_stream_that_is_not_known_yet_are_taken_once_it_is) {
  append({click(1, "2026-11-20T10:00:00Z"), click(2, "2026-11-20T10:00:00Z")});
  append({click(3, "2026-11-20T10:00:00Z")});
  ASSERT_TRUE(lake_->drain(seconds(10)));
  append({click(4, "2026-11-20T10:00:00Z"), click(5, "2026-11-20T10:00:00Z")});
  append({click(6, "2026-11-20T10:00:00Z")});
  close();
  open(false);
  for (int i = 0; i < 2; ++i) {
    const auto taken = lake_->take();
    ASSERT_FALSE(taken);
    EXPECT_NE(taken.error().message.find("belongs to stream number 7"), std::string::npos);
  }
  ASSERT_TRUE(lake_->set_streams({{7, 1, stream_}}));
  ASSERT_TRUE(lake_->drain(seconds(10)));
  const auto checked = lake_->verify();
  ASSERT_TRUE(checked);
  EXPECT_TRUE(checked->problems.empty()) << checked->problems.front();
  EXPECT_EQ(checked->parquet_rows, 6u);
}

}  // namespace
}  // namespace weir::lake
