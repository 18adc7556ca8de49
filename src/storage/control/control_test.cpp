// The control database on the machine's own disk: what is stored comes back, and what is refused leaves nothing behind.
#include "storage/control/control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/io/simulated_clock.h"
#include "storage/control/schema.h"

namespace weir::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ControlTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "control_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ + "/control.db";
    reopen();
  }
  void TearDown() override {
    control_.reset();
    std::filesystem::remove_all(folder_);
  }
  void reopen() {
    control_.reset();
    auto opened = Control::open(path_, clock_);
    ASSERT_TRUE(opened) << opened.error().text();
    control_ = std::move(*opened);
  }
  static Declaration stream(const std::string& name, int fields) {
    Declaration declared;
    declared.kind = "stream";
    declared.name = name;
    declared.body.set("fields", fields);
    return declared;
  }
  static LakeFile file(const std::string& path, uint64_t first, uint64_t last) {
    LakeFile added;
    added.table = "impressions";
    added.path = path;
    added.rows = last - first + 1;
    added.bytes = 100;
    added.partition = "dt=2026-11-21";
    added.first_sequence = first;
    added.last_sequence = last;
    added.checksum = 0xfedcba9876543210u;
    added.bounds.set("id", Json::Array{1, 9});
    return added;
  }
  // Runs SQL on the file behind Control's back.
  void tamper(const std::string& sql) {
    control_.reset();
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
    sqlite3_free(message);
    sqlite3_close(handle);
  }

  ManualClock clock_;
  std::string folder_, path_;
  std::unique_ptr<Control> control_;
};

TEST_F(ControlTest, keeps_declarations_with_number_and_revision_over_a_restart) {
  auto applied = control_->apply({stream("impressions", 3), stream("clicks", 2)}, {});
  ASSERT_TRUE(applied) << applied.error().text();
  EXPECT_EQ((*applied)[0].number, 1u);
  EXPECT_EQ((*applied)[1].number, 2u);
  reopen();
  auto all = control_->declarations();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].name, "clicks");
  EXPECT_EQ((*all)[0].revision, 1u);
  EXPECT_EQ((*all)[0].body["fields"].as_int(), 2);
  EXPECT_EQ((*all)[0].applied_at, clock_.wall());
}

TEST_F(ControlTest, raises_the_revision_only_when_the_body_differs) {
  ASSERT_TRUE(control_->apply({stream("clicks", 2)}, {}));
  const WallTime first = clock_.wall();
  clock_.advance(seconds(5));
  auto same = control_->apply({stream("clicks", 2)}, {});
  ASSERT_TRUE(same);
  EXPECT_EQ((*same)[0].revision, 1u);
  EXPECT_EQ((*same)[0].applied_at, first);
  auto other = control_->apply({stream("clicks", 3)}, {});
  ASSERT_TRUE(other);
  EXPECT_EQ((*other)[0].revision, 2u);
  EXPECT_EQ((*other)[0].number, 1u);
  EXPECT_EQ((*other)[0].applied_at, clock_.wall());
}

TEST_F(ControlTest, detaches_attaches_again_and_never_reuses_a_number) {
  ASSERT_TRUE(control_->apply({stream("clicks", 2)}, {}));
  auto in_use = control_->destroy("stream", "clicks");
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().code, Code::conflict);
  ASSERT_TRUE(control_->apply({}, {{"stream", "clicks"}}));
  EXPECT_TRUE((*control_->declarations())[0].detached);
  auto back = control_->apply({stream("clicks", 2)}, {});
  ASSERT_TRUE(back);
  EXPECT_EQ((*back)[0].number, 1u);
  EXPECT_EQ((*back)[0].revision, 1u);
  EXPECT_FALSE((*control_->declarations())[0].detached);
  ASSERT_TRUE(control_->apply({}, {{"stream", "clicks"}}));
  ASSERT_TRUE(control_->destroy("stream", "clicks"));
  reopen();
  EXPECT_TRUE(control_->declarations()->empty());
  EXPECT_EQ((*control_->apply({stream("clicks", 2)}, {}))[0].number, 2u);
}

TEST_F(ControlTest, applies_everything_or_nothing) {
  auto applied = control_->apply({stream("clicks", 2)}, {{"stream", "unknown"}});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::not_found);
  EXPECT_THAT(applied.error().message, HasSubstr("'unknown'"));
  EXPECT_TRUE(control_->declarations()->empty());
  EXPECT_FALSE(control_->apply({stream("", 2)}, {}));
  EXPECT_FALSE(control_->apply({stream(std::string(256, 'x'), 2)}, {}));
  EXPECT_FALSE(control_->apply({stream("bad\xff", 2)}, {}));
  EXPECT_TRUE(control_->declarations()->empty());
  EXPECT_EQ((*control_->apply({stream("clicks", 2)}, {}))[0].number, 1u);
}

TEST_F(ControlTest, commits_files_and_cursor_together) {
  EXPECT_EQ(*control_->lake_cursor(), 1u);
  EXPECT_EQ(*control_->lake_version(), 0u);
  LakeCommit first{
      .from = 1, .through = 11, .added = {file("b.parquet", 6, 10), file("a.parquet", 1, 5)}, .removed = {}};
  auto version = control_->commit_lake(first);
  ASSERT_TRUE(version) << version.error().text();
  EXPECT_EQ(*version, 1u);
  reopen();
  EXPECT_EQ(*control_->lake_cursor(), 11u);
  auto files = control_->lake_files();
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2u);
  const LakeFile& stored = (*files)[0];
  EXPECT_EQ(stored.path, "a.parquet");
  EXPECT_EQ(stored.checksum, 0xfedcba9876543210u);
  EXPECT_EQ(stored.bounds, file("a.parquet", 1, 5).bounds);
  EXPECT_EQ(stored.version, 1u);
  EXPECT_EQ(stored.kind, FileKind::parquet);
  EXPECT_EQ(control_->lake_files_holding(5)->at(0).path, "a.parquet");
  EXPECT_EQ(control_->lake_files_holding(6)->at(0).path, "b.parquet");
  EXPECT_TRUE(control_->lake_files_holding(11)->empty());
  EXPECT_TRUE(control_->lake_files_holding(UINT64_MAX)->empty());
}

TEST_F(ControlTest, refuses_a_commit_that_does_not_start_at_the_cursor) {
  ASSERT_TRUE(control_->commit_lake({.from = 1, .through = 6, .added = {file("a.parquet", 1, 5)}, .removed = {}}));
  auto again = control_->commit_lake({.from = 1, .through = 6, .added = {file("c.parquet", 1, 5)}, .removed = {}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::conflict);
  EXPECT_THAT(again.error().message, HasSubstr("cursor is 6"));
  EXPECT_EQ(*control_->lake_cursor(), 6u);
  EXPECT_EQ(*control_->lake_version(), 1u);
  EXPECT_EQ(control_->lake_files()->size(), 1u);
}

TEST_F(ControlTest, a_commit_with_one_bad_file_changes_nothing) {
  ASSERT_TRUE(control_->commit_lake({.from = 1, .through = 6, .added = {file("a.parquet", 1, 5)}, .removed = {}}));
  const LakeCommit bad[] = {
      {.from = 6, .through = 5, .added = {}, .removed = {}},
      {.from = 6, .through = UINT64_MAX, .added = {}, .removed = {}},
      {.from = 6, .through = 9, .added = {file("b.parquet", 6, 9)}, .removed = {}},
      {.from = 6, .through = 9, .added = {file("b.parquet", 6, 8), file("a.parquet", 6, 8)}, .removed = {}},
      {.from = 6, .through = 9, .added = {file("", 6, 8)}, .removed = {}},
      {.from = 6, .through = 9, .added = {file("b.parquet", 6, 8)}, .removed = {"never.parquet"}},
      {.from = 6, .through = 9, .added = {}, .removed = {"a.parquet", "a.parquet"}},
  };
  for (const LakeCommit& commit : bad) {
    EXPECT_FALSE(control_->commit_lake(commit));
    EXPECT_EQ(*control_->lake_cursor(), 6u);
    EXPECT_EQ(control_->lake_files()->size(), 1u);
  }
}

TEST_F(ControlTest, compaction_replaces_files_without_moving_the_cursor) {
  ASSERT_TRUE(
      control_->commit_lake({.from = 1, .through = 6, .added = {file("a", 1, 3), file("b", 4, 5)}, .removed = {}}));
  ASSERT_TRUE(control_->commit_lake({.from = 6, .through = 6, .added = {file("ab", 1, 5)}, .removed = {"a", "b"}}));
  ASSERT_EQ(control_->lake_files()->size(), 1u);
  EXPECT_EQ(control_->lake_files()->at(0).version, 2u);
  EXPECT_EQ(*control_->lake_cursor(), 6u);
}

TEST_F(ControlTest, a_forget_stands_in_the_commit_that_did_it_and_leaves_no_byte_of_what_went) {
  LakeFile named = file("a.parquet", 1, 5);
  named.bounds = Json(Json::Object{{"user", Json(Json::Array{Json("unique-4711"), Json("unique-4711")})}});
  ASSERT_TRUE(control_->commit_lake({.from = 1, .through = 6, .added = {named}, .removed = {}}));
  ASSERT_TRUE(control_->commit_lake({.from = 6,
                                     .through = 7,
                                     .added = {file("b.parquet", 6, 6)},
                                     .replaced = {"a.parquet"},
                                     .replaced_until = {900}}));
  EXPECT_TRUE(control_->lake_replaced(WallTime{0})->empty());
  const Forget forget{"id-1", "clicks", "open", {5}, {}, Json(Json::Object{{"records", 3}})};
  LakeCommit wrong{.from = 1, .through = 7, .added = {}};
  wrong.forget = forget;
  ASSERT_FALSE(control_->commit_lake(wrong));
  EXPECT_TRUE(control_->forgets()->empty()) << "all or nothing";
  LakeCommit commit{.from = 7, .through = 7, .added = {file("c.parquet", 6, 6)}, .replaced = {"b.parquet"}};
  commit.expired = {"impressions"};
  commit.forget = forget;
  ASSERT_TRUE(control_->commit_lake(commit));
  EXPECT_EQ(control_->lake_replaced(WallTime{0})->size(), 2u) << "earlier ones are due at once too";
  ASSERT_TRUE(control_->forget_replaced({"a.parquet", "b.parquet"}));
  Forget done = forget;
  done.state = "done";
  done.ended_at = WallTime{9};
  ASSERT_TRUE(control_->put_forget(done));
  ASSERT_TRUE(control_->scrub());
  for (const char* name : {"control.db", "control.db-wal"}) {
    const auto bytes = read_file(real_files(), folder_ + "/" + name);
    EXPECT_EQ((bytes ? *bytes : "").find("unique-4711"), std::string::npos) << name;
  }
  reopen();
  const auto kept = control_->forgets();
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(kept->at(0).state, "done");
  EXPECT_EQ(kept->at(0).ended_at->micros, 9);
  EXPECT_EQ(kept->at(0).body["records"].as_int(), 3);
}

TEST_F(ControlTest, keeps_tokens_and_finds_them_by_hash) {
  Token token{.id = "t1",
              .hash = "abc",
              .role = "write",
              .streams = {"impressions", "clicks"},
              .label = "load \"generator\"",
              .created_at = clock_.wall(),
              .expires_at = WallTime{clock_.wall().micros + 5},
              .last_used_at = {},
              .revoked = false};
  ASSERT_TRUE(control_->add_token(token));
  EXPECT_EQ(control_->add_token(token).error().code, Code::conflict);
  reopen();
  auto found = control_->find_token("abc");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->label, token.label);
  EXPECT_THAT((*found)->streams, ElementsAre("impressions", "clicks"));
  EXPECT_EQ((*found)->expires_at, token.expires_at);
  EXPECT_FALSE((*found)->last_used_at);
  EXPECT_FALSE(*control_->find_token("abd"));
  ASSERT_TRUE(control_->touch_token("t1", WallTime{77}));
  ASSERT_TRUE(control_->revoke_token("t1"));
  EXPECT_EQ(control_->revoke_token("t2").error().code, Code::not_found);
  EXPECT_EQ(control_->touch_token("t2", WallTime{77}).error().code, Code::not_found);
  reopen();
  EXPECT_TRUE(control_->tokens()->at(0).revoked);
  EXPECT_EQ(control_->tokens()->at(0).last_used_at, WallTime{77});
}

TEST_F(ControlTest, keeps_secrets_and_values_with_any_bytes_of_utf8) {
  ASSERT_TRUE(control_->put_secret({"smtp", "c2VhbGVk", clock_.wall()}));
  ASSERT_TRUE(control_->put_secret({"smtp", "bmV3", clock_.wall()}));
  ASSERT_TRUE(control_->set_value("load.last", Json(Json::Object{{"text", "a'b;\n\xe2\x82\xac"}, {"n", INT64_MIN}})));
  reopen();
  ASSERT_EQ(control_->secrets()->size(), 1u);
  EXPECT_EQ(control_->secrets()->at(0).sealed, "bmV3");
  auto value = control_->value("load.last");
  ASSERT_TRUE(value && *value);
  EXPECT_EQ((**value)["text"].as_string(), "a'b;\n\xe2\x82\xac");
  EXPECT_EQ((**value)["n"].as_int(), INT64_MIN);
  EXPECT_FALSE(*control_->value("nothing"));
  ASSERT_TRUE(control_->remove_secret("smtp"));
  EXPECT_EQ(control_->remove_secret("smtp").error().code, Code::not_found);
}

TEST_F(ControlTest, the_file_is_private) {
  struct stat facts = {};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(ControlTest, refuses_a_newer_schema_and_leaves_it_alone) {
  tamper("INSERT INTO schema_version VALUES (999, 0)");
  auto opened = Control::open(path_, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::unsupported);
  EXPECT_THAT(opened.error().message, HasSubstr("schema version 999"));
  tamper("DELETE FROM schema_version WHERE version = 999");
  reopen();
}

TEST_F(ControlTest, migrates_an_older_schema_forward_in_one_transaction) {
  const std::string path = folder_ + "/other.db";
  const Migration steps[] = {{1, "CREATE TABLE a(x); INSERT INTO a VALUES (7)"},
                             {2, "ALTER TABLE a ADD COLUMN y DEFAULT 8"}};
  const Migration broken[] = {steps[0], {2, "ALTER TABLE a ADD COLUMN y; CREATE TABLE a(z)"}};
  auto database = Database::open(path, nullptr);
  ASSERT_TRUE(database);
  ASSERT_TRUE(migrate(**database, std::span(steps, 1), clock_.wall()));
  EXPECT_FALSE(migrate(**database, broken, clock_.wall()));
  ASSERT_TRUE(migrate(**database, steps, clock_.wall()));
  ASSERT_TRUE(migrate(**database, steps, clock_.wall()));
  auto statement = (*database)->prepare("SELECT x + y, (SELECT count(*) FROM schema_version) FROM a");
  ASSERT_TRUE(statement) << statement.error().text();
  ASSERT_TRUE(*statement->step());
  EXPECT_EQ(statement->integer(0), 15);
  EXPECT_EQ(statement->integer(1), 2);
}

TEST_F(ControlTest, refuses_files_that_are_not_its_own) {
  const std::string text = folder_ + "/text.db";
  std::ofstream(text) << std::string(8192, 'x');
  auto opened = Control::open(text, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr(text));
  const std::string foreign = folder_ + "/foreign.db";
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(foreign.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, "CREATE TABLE songs(name)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
  opened = Control::open(foreign, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::invalid);
  EXPECT_FALSE(Control::open(folder_ + "/missing/control.db", clock_));
  EXPECT_FALSE(Control::open(folder_, clock_));
}

TEST_F(ControlTest, names_damage_as_corrupt) {
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(control_->set_value("key" + std::to_string(i), Json(std::string(9'000, 'v'))));
  control_.reset();  // checkpoints: the log is empty now
  std::fstream damaged(path_, std::ios::in | std::ios::out | std::ios::binary);
  damaged.seekp(0, std::ios::end);
  const auto size = static_cast<size_t>(damaged.tellp());
  for (size_t page = 4096; page < size; page += 4096) {
    damaged.seekp(static_cast<std::streamoff>(page));
    damaged.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  }
  damaged.close();
  auto opened = Control::open(path_, clock_);
  if (opened) {
    auto value = (*opened)->value("key7");
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, Code::corrupt);
    EXPECT_FALSE(value.error().hint.empty());
  } else {
    EXPECT_EQ(opened.error().code, Code::corrupt);
  }
}

TEST_F(ControlTest, a_full_disk_is_no_space_and_goes_away) {
  ASSERT_TRUE(control_->set_value("before", Json(1)));
  // A limit on file sizes answers EFBIG, not ENOSPC; SQLite's own page limit takes the way that ENOSPC takes.
  tamper("PRAGMA user_version = 1");
  auto database = Database::open(path_, nullptr);
  ASSERT_TRUE(database);
  ASSERT_TRUE((*database)->execute("PRAGMA max_page_count = 1"));
  auto filled = (*database)->execute("CREATE TABLE big AS SELECT randomblob(100000)");
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code, Code::no_space);
  EXPECT_THAT(filled.error().hint, HasSubstr("space"));
}

TEST_F(ControlTest, many_threads_share_it) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 6; ++i) {
        EXPECT_TRUE(control_->set_value("t" + std::to_string(t), Json(i)));
        EXPECT_TRUE(control_->value("t" + std::to_string((t + 1) % 4)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) EXPECT_EQ((**control_->value("t" + std::to_string(t))).as_int(), 5);
}

// Goal: kill -9 in the middle of commits leaves whole commits only, and all that were reported. Method: a child commits
// the lake forward and says so through a pipe; it is killed at a random moment; then each file must lie below the
// cursor, without gaps.
TEST_F(ControlTest, kill_minus_nine_leaves_no_half_commit_and_loses_none) {
  control_.reset();
  uint64_t reported = 1;
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto control = Control::open(path_, clock_);
      if (!control) ::_exit(1);
      uint64_t from = *(*control)->lake_cursor();
      while (true) {
        LakeCommit commit{.from = from, .through = from + 2, .added = {}, .removed = {}};
        commit.added.push_back(file("x" + std::to_string(from), from, from));
        commit.added.push_back(file("y" + std::to_string(from), from + 1, from + 1));
        if (!(*control)->commit_lake(commit)) ::_exit(2);
        from += 2;
        if (::write(pipe_ends[1], &from, sizeof from) != sizeof from) ::_exit(3);
      }
    }
    ::close(pipe_ends[1]);
    uint64_t heard = 0;
    for (int i = 0; i < 2 + round * 4 && ::read(pipe_ends[0], &heard, sizeof heard) == sizeof heard; ++i)
      reported = heard;
    ::kill(child, SIGKILL);
    while (::read(pipe_ends[0], &heard, sizeof heard) == sizeof heard) reported = heard;
    ::close(pipe_ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    reopen();
    const uint64_t cursor = *control_->lake_cursor();
    EXPECT_GE(cursor, reported);
    EXPECT_LE(cursor, reported + 2);
    EXPECT_EQ(control_->lake_files()->size(), cursor - 1);
    EXPECT_EQ(*control_->lake_version(), (cursor - 1) / 2);
    control_.reset();
  }
}

TEST_F(ControlTest, a_day_has_the_version_of_the_last_commit_that_touched_it) {
  LakeCommit first;
  first.from = 1;
  first.through = 6;
  first.added = {file("a.parquet", 1, 5)};
  first.touched = {{"clicks", 20'000, 0}, {"clicks", 20'001, 0}};
  ASSERT_TRUE(control_->commit_lake(first));
  LakeCommit second;
  second.from = 6;
  second.through = 7;
  second.added = {file("b.parquet", 6, 6)};
  second.touched = {{"clicks", 20'001, 0}};
  ASSERT_TRUE(control_->commit_lake(second));
  const auto days = control_->lake_days();
  ASSERT_TRUE(days);
  ASSERT_EQ(days->size(), 2u);
  EXPECT_EQ((*days)[0].version, 1u);
  EXPECT_EQ((*days)[1].version, 2u);
  LakeCommit drop;
  drop.from = drop.through = 7;
  drop.dropped = {"clicks"};
  ASSERT_TRUE(control_->commit_lake(drop));
  EXPECT_TRUE(control_->lake_days()->empty());
}

TEST_F(ControlTest, files_and_marks_of_a_derived_table_are_one_commit_and_take_a_name_together) {
  const auto mark = [](std::optional<int32_t> day, const std::string& fingerprint) {
    LakeMark out;
    out.table = "hits new";
    out.day = day;
    out.fingerprint = fingerprint;
    out.rows = 7;
    out.took = milliseconds(3);
    return out;
  };
  LakeCommit made;
  made.from = made.through = 1;
  made.added = {file("a.parquet", 0, 0)};
  made.added[0].table = "hits new";
  made.tables = {{"hits new", "day", Json(Json::Array{"day"})}};
  made.marks = {mark(20'000, "one"), mark(std::nullopt, "whole")};
  made.marks[1].version = 77;
  LakeCommit broken = made;
  broken.removed = {"never.parquet"};
  EXPECT_FALSE(control_->commit_lake(broken));
  EXPECT_TRUE(control_->lake_marks()->empty());
  EXPECT_TRUE(control_->lake_tables()->empty());
  ASSERT_TRUE(control_->commit_lake(made));
  LakeCommit renamed;
  renamed.from = renamed.through = 1;
  renamed.unlisted = {"hits"};
  renamed.renamed = {"hits new", "hits"};
  ASSERT_TRUE(control_->commit_lake(renamed));
  reopen();
  EXPECT_EQ(control_->lake_files()->at(0).table, "hits");
  ASSERT_EQ(control_->lake_tables()->size(), 1u);
  EXPECT_EQ(control_->lake_tables()->at(0).name, "hits");
  EXPECT_EQ(control_->lake_tables()->at(0).partition, "day");
  const auto marks = *control_->lake_marks();
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_FALSE(marks[0].day);
  EXPECT_EQ(marks[0].version, 77u);
  EXPECT_EQ(marks[1].table, "hits");
  EXPECT_EQ(marks[1].day, 20'000);
  EXPECT_EQ(marks[1].version, 1u);
  EXPECT_EQ(marks[1].rows, 7u);
  LakeCommit unlisted;
  unlisted.from = unlisted.through = 1;
  unlisted.unlisted = {"hits"};
  unlisted.replaced = {"a.parquet"};
  ASSERT_TRUE(control_->commit_lake(unlisted));
  EXPECT_TRUE(control_->lake_marks()->empty());
  EXPECT_EQ(control_->lake_replaced(std::nullopt)->size(), 1u) << "who reads it goes on";
  LakeCommit dropped;
  dropped.from = dropped.through = 1;
  dropped.dropped = {"hits"};
  ASSERT_TRUE(control_->commit_lake(dropped));
  EXPECT_TRUE(control_->lake_replaced(std::nullopt)->empty());
}

TEST_F(ControlTest, keeps_runs_and_their_tasks_over_a_restart) {
  control::Run run;
  run.id = "01";
  run.kind = "table";
  run.name = "traffic";
  run.cause = Json(Json::Object{{"by", "person"}});
  run.parameters = Json(Json::Object{{"force", true}});
  run.state = "queued";
  run.queued_at = {5};
  ASSERT_TRUE(control_->put_run(run));
  run.state = "running";
  run.started_at = WallTime{6};
  ASSERT_TRUE(control_->put_run(run));
  RunTask task;
  task.number = 1;
  task.step = "traffic";
  task.what = "2026-11-20";
  task.state = "done";
  task.attempts = 2;
  task.rows = 7;
  ASSERT_TRUE(control_->put_tasks("01", {task}));
  run.id = "02";
  run.state = "done";
  ASSERT_TRUE(control_->put_run(run));
  reopen();
  const auto all = control_->runs("", false, 10);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].id, "02");  // the newest first
  const auto open = control_->runs("traffic", true, 10);
  ASSERT_EQ(open->size(), 1u);
  EXPECT_EQ((*open)[0].started_at->micros, 6);
  EXPECT_FALSE((*open)[0].ended_at);
  EXPECT_TRUE((*open)[0].parameters["force"].as_bool());
  const auto tasks = control_->run_tasks("01");
  ASSERT_EQ(tasks->size(), 1u);
  EXPECT_EQ((*tasks)[0].rows, 7u);
  EXPECT_EQ((*tasks)[0].attempts, 2u);
  EXPECT_FALSE(*control_->find_run("03"));
}

TEST_F(ControlTest, keeps_users_roles_and_their_members_and_drops_them_whole) {
  UsersChange first;
  first.users = {{100, "ada", Json(Json::Object{{"superuser", true}}), clock_.wall()},
                 {101, "bob", Json(Json::Object{}), clock_.wall()}};
  first.roles = {{10'005, "analysts", "role", 100, clock_.wall()}, {10'006, "analysts", "group", 100, clock_.wall()}};
  first.members = {{10'005, 100, true}, {10'006, 101, false}};
  ASSERT_TRUE(control_->change_users(first));
  EXPECT_EQ(control_->change_users(first).error().code, Code::conflict) << "the version is another by now";
  reopen();
  auto kept = control_->users();
  ASSERT_TRUE(kept) << kept.error().text();
  ASSERT_EQ(kept->users.size(), 2u);
  EXPECT_EQ(kept->users[0].name, "ada");
  EXPECT_TRUE(kept->users[0].body["superuser"].as_bool());
  ASSERT_EQ(kept->members.size(), 2u);
  EXPECT_TRUE(kept->members[0].with_admin);
  EXPECT_EQ(kept->version, 1u);
  UsersChange taken;
  taken.from = 1;
  taken.users = {{102, "cy", Json(Json::Object{}), clock_.wall()}, {103, "ada", Json(Json::Object{}), clock_.wall()}};
  EXPECT_EQ(control_->change_users(taken).error().code, Code::conflict);
  EXPECT_EQ(control_->users()->users.size(), 2u) << "nothing of a refused change is kept";
  UsersChange dropped;
  dropped.from = 1;
  dropped.dropped = {101, 10'005};
  ASSERT_TRUE(control_->change_users(dropped));
  kept = control_->users();
  EXPECT_EQ(kept->users.size(), 1u);
  EXPECT_EQ(kept->roles.size(), 1u);
  EXPECT_TRUE(kept->members.empty());
  EXPECT_EQ(kept->last_user, 101u) << "numbers of the dropped are not given again";
  EXPECT_EQ(kept->last_role, 10'006u);
}

}  // namespace
}  // namespace weir::control
