// Foreign files taken apart, whatever is in them; which of them may be read; and a load that is repeated, interrupted
// and doubled, over the real journal, control database and engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/time.h"
#include "core/io/compression.h"
#include "core/io/simulated_clock.h"
#include "stream/lake/etl.h"
#include "stream/lake/foreign_files.h"
#include "stream/lake/foreign_records.h"
#include "stream/lake/requeue.h"

namespace weir::lake {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// "line text" of each record; the text is handed over a few bytes at a time, and must give what it gives at once.
std::vector<std::string> split(bool csv, std::string_view text, RecordsRequest request = {}) {
  std::vector<std::vector<std::string>> runs;
  for (const size_t step : {size_t{1}, size_t{3}, text.size() + 1}) {
    auto& out = runs.emplace_back();
    const TakeRecord take = [&out](uint64_t line, std::string_view record) -> Status {
      out.push_back(std::to_string(line) + " " + std::string(record));
      return {};
    };
    auto splitter = csv ? RecordSplitter::csv(request, take) : RecordSplitter::json(request.record_bytes_max, take);
    Status status;
    for (size_t at = 0; at < text.size() && status; at += step) status = splitter->feed(text.substr(at, step));
    if (status) status = splitter->finish();
    if (!status) out.push_back("error " + status.error().message);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_EQ(runs[0], runs[2]);
  return runs[0];
}
std::vector<std::string> json(std::string_view text, RecordsRequest request = {}) {
  return split(false, text, std::move(request));
}
std::vector<std::string> csv(std::string_view text, RecordsRequest request = {}) {
  return split(true, text, std::move(request));
}

TEST(JsonRecords, are_lines_objects_one_after_another_or_one_array) {
  EXPECT_THAT(json("{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}"), ElementsAre("1 {\"a\":1}", "2 {\"a\":2}", "4 {\"a\":3}"));
  EXPECT_THAT(json("{\"a\":\"}{\"}{\"a\":\"\\\"\"} {}"), ElementsAre("1 {\"a\":\"}{\"}", "1 {\"a\":\"\\\"\"}", "1 {}"));
  EXPECT_THAT(json("\xEF\xBB\xBF [ {\"a\":1} ,\n{\"a\":[1,{}]}\n]\n"), ElementsAre("1 {\"a\":1}", "2 {\"a\":[1,{}]}"));
  EXPECT_THAT(json("{\n  \"a\": 1,\n  \"b\": {\n \"c\": 2}\n}\n{\"a\":2}"),
              ElementsAre("1 {   \"a\": 1,   \"b\": {  \"c\": 2} }", "6 {\"a\":2}"));
  EXPECT_THAT(json(" \n "), ElementsAre());
  EXPECT_THAT(json(""), ElementsAre());
}

TEST(JsonRecords, that_are_broken_are_handed_on_and_the_next_ones_found) {
  EXPECT_THAT(json("{\"a\":1\n{\"a\":2}\n"), ElementsAre("1 {\"a\":1", "2 {\"a\":2}"));
  EXPECT_THAT(json("{\"a\":\"x\n{\"a\":2}\n"), ElementsAre("1 {\"a\":\"x", "2 {\"a\":2}"));
  EXPECT_THAT(json("}\n{\"a\":2}\nnonsense {\n{\"a\":3}"),
              ElementsAre("1 }", "2 {\"a\":2}", "3 nonsense {", "4 {\"a\":3}"));
  EXPECT_THAT(json("[{\"a\":1}, 17, \"x\", [2], {\"a\":"),
              ElementsAre("1 {\"a\":1}", "1 17", "1 \"x\"", "1 [2]", "1 {\"a\":"));
  EXPECT_THAT(json("{}{\"a\":"), ElementsAre("1 {}", "1 {\"a\":"));
}

TEST(JsonRecords, that_are_too_long_are_told_and_not_kept_in_memory) {
  RecordsRequest request;
  request.record_bytes_max = 20;
  const auto got = json("{\"a\":\"" + std::string(500, 'x') + "\"}\n{\"a\":1}", request);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_THAT(got[0], HasSubstr("a record of 508 bytes, allowed are 20: {"));
  EXPECT_LT(got[0].size(), 400u);
  EXPECT_EQ(got[1], "2 {\"a\":1}");
}

TEST(CsvRecords, become_objects_by_the_header) {
  RecordsRequest request;
  request.cells = {{"n", CellKind::number}, {"b", CellKind::boolean}, {"j", CellKind::json}};
  EXPECT_THAT(csv("t,n,b,j\na,1.5,true,[1]\n\"x,\"\"y\"\"\nz\",01,maybe,{\n,,,\n\"\",2,,\n", request),
              ElementsAre("2 {\"t\":\"a\",\"n\":1.5,\"b\":true,\"j\":[1]}",
                          "3 {\"t\":\"x,\\\"y\\\"\\nz\",\"n\":\"01\",\"b\":\"maybe\",\"j\":\"{\"}", "5 {}",
                          "6 {\"t\":\"\",\"n\":2}"));
  EXPECT_THAT(csv("\xEF\xBB\xBF\"a\";b\r\n1;2\r\n"), ElementsAre("2 {\"a\":\"1\",\"b\":\"2\"}"));
  EXPECT_THAT(csv("a\tb\n1\t2"), ElementsAre("2 {\"a\":\"1\",\"b\":\"2\"}"));
  EXPECT_THAT(csv("only\n\nx\n"), ElementsAre("3 {\"only\":\"x\"}"));
}

TEST(CsvRecords, of_another_width_are_told_and_what_is_no_csv_fails) {
  EXPECT_THAT(csv("a,b\n1\n1,2\n1,2,3\n"),
              ElementsAre("2 \"a row of 1 values under a header of 2: 1\"", "3 {\"a\":\"1\",\"b\":\"2\"}",
                          "4 \"a row of 3 values under a header of 2: 1,2,3\""));
  EXPECT_THAT(csv("a,a\n1,2\n"), ElementsAre(HasSubstr("error line 1: the header names 'a' twice")));
  EXPECT_THAT(csv("a,b\n1,\"2\n"), ElementsAre(HasSubstr("error line 2: a quote is not closed")));
  EXPECT_THAT(csv("a,,b\n"), ElementsAre(HasSubstr("empty column")));
}

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/weir-foreign-XXXXXX";
    root_ = fs::canonical(mkdtemp(name)).string();
    fs::create_directories(root_ + "/shop");
    rules_.project_folder = root_ + "/shop";
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path, std::ios::binary) << text;
  }
  Code refused(const std::string& path) {
    auto found = resolve_foreign(rules_, path);
    return found ? Code::internal : found.error().code;
  }
  std::string root_;
  ForeignRules rules_;
};

TEST_F(Folder, only_what_is_allowed_is_read_whatever_links_say) {
  write("shop/in/a.json", "{}");
  write("shop/.weir/store/raw/a.json", "{}");
  write("out/b.json", "{}");
  write("elsewhere/c.json", "{}");
  fs::create_symlink(root_ + "/elsewhere", root_ + "/shop/in/link");
  fs::create_symlink(root_ + "/elsewhere/c.json", root_ + "/shop/in/c.json");
  rules_.allowed = {root_ + "/out"};
  EXPECT_EQ(*resolve_foreign(rules_, "in"), root_ + "/shop/in");
  EXPECT_EQ(*resolve_foreign(rules_, root_ + "/out/b.json"), root_ + "/out/b.json");
  EXPECT_EQ(refused("in/link"), Code::denied);
  EXPECT_EQ(refused("in/c.json"), Code::denied);
  EXPECT_EQ(refused("../elsewhere"), Code::denied);
  EXPECT_EQ(refused(root_ + "/elsewhere/none"), Code::denied) << "what is there is not told";
  EXPECT_EQ(refused(".weir/store/raw"), Code::denied);
  EXPECT_EQ(refused("in/none"), Code::not_found);
  EXPECT_EQ(refused(""), Code::denied);
  const auto files = *list_foreign(root_ + "/shop/in");
  ASSERT_EQ(files.size(), 1u) << "links are passed over";
  EXPECT_EQ(files[0].name, "a.json");
  EXPECT_TRUE(open_foreign(files[0].path));
  EXPECT_FALSE(open_foreign(root_ + "/shop/in/c.json"));
  EXPECT_FALSE(open_foreign(root_ + "/shop/in/link/c.json"));
  ASSERT_EQ(mkfifo((root_ + "/shop/in/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(open_foreign(root_ + "/shop/in/pipe"));
}

TEST(ForeignPath, gives_the_hour_of_firehoses_layout) {
  EXPECT_EQ(hour_of_path("data/raw/ad/2026/11/21/08/x-1.gz"), *parse_timestamp("2026-11-21 08:00:00"));
  EXPECT_EQ(hour_of_path("2020/01/01/00/2026/02/28/23/x"), *parse_timestamp("2026-02-28 23:00:00"));
  EXPECT_FALSE(hour_of_path("2026/11/21/x"));
  EXPECT_FALSE(hour_of_path("2026/02/30/08/x"));
  EXPECT_FALSE(hour_of_path("2026/11/21/24/x"));
  EXPECT_FALSE(hour_of_path("2026/11/21/08")) << "a file of that name";
}

class Loading : public Folder {
 protected:
  void SetUp() override {
    Folder::SetUp();
    stream_ = std::make_shared<capture::Stream>();
    stream_->name = "clicks";
    capture::Field id, at;
    id.name = "id";
    at.name = "at";
    at.type = capture::FieldType::timestamp;
    id.required = at.required = true;
    stream_->fields = {id, at};
    stream_->time_field = "at";
    open();
  }
  void TearDown() override {
    close();
    Folder::TearDown();
  }
  template <class T>
  static T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().text());
    return std::move(*result);
  }
  void close() {
    etl_.reset();
    engine_.reset();
    capture_.reset();
    lake_.reset();
    journal_.reset();
    control_.reset();
  }
  void open() {
    const std::string state = root_ + "/shop/.weir";
    fs::create_directories(state);
    control_ = must(control::Control::open(state + "/control.db", clock_));
    journal::Options journal;
    journal.folder = state + "/journal";
    journal.segment_bytes = 4u << 20;
    journal_ = must(journal::Journal::open(real_files(), clock_, metrics_, journal));
    Options lake;
    lake.store_root = state + "/store";
    lake_ = must(Lake::open(real_files(), clock_, metrics_, *journal_, *control_, lake));
    capture::Options capture;
    capture.folder = state + "/dedup";
    capture.index_memory_bytes = 1 << 20;
    capture_ = must(capture::Capture::open(real_files(), clock_, random_, metrics_, *journal_, capture));
    engine::EngineOptions engine;
    engine.store_root = lake.store_root;
    engine.temp_directory = state + "/tmp";
    engine_ = must(engine::Engine::open(engine, *lake_, {}));
    lake_->set_engine(*engine_);
    const std::vector<capture::AppliedStream> streams = {{7, 1, stream_}};
    capture_->set_streams(streams);
    ASSERT_TRUE(lake_->set_streams(streams));
    etl_ = std::make_unique<Etl>(
        Etl::Parts{*lake_, *engine_, *capture_, clock_, rules_,
                   [this](const Json& request, const Cancel&, const auto& take) { return here(request, take); }});
  }
  // What the child does, in this process; `lines_` more lines and it dies.
  Result<Json> here(const Json& request, const std::function<Status(std::string_view)>& take) {
    ++children_;
    return write_record_lines(request, [&](std::string_view line) -> Status {
      if (lines_ == 0) {
        lines_ = UINT64_MAX;  // the next one lives
        return Error(Code::io, "the child died");
      }
      --lines_;
      return take(line);
    });
  }
  EtlReport load(const std::string& folder, bool any_age = false) {
    EtlRequest request;
    request.stream = "clicks";
    request.folder = folder;
    request.any_age = any_age;
    return must(etl_->run(request, Cancel()));
  }
  static std::string events(int from, int to, const std::string& day = "2023-11-14") {
    std::string out;
    for (int i = from; i < to; ++i) out += "{\"id\":\"e" + std::to_string(i) + "\",\"at\":\"" + day + " 21:00:00\"}\n";
    return out;
  }
  std::vector<int64_t> numbers(const std::string& sql) {
    auto session = must(engine_->connect(engine::Trust::own));
    auto rows = must(session->query(sql, {}, {}));
    std::vector<int64_t> out;
    while (true) {
      auto batch = must(rows->next());
      if (batch.empty()) return out;
      for (const auto& row : batch) {
        for (const auto& cell : row) out.push_back(std::get<int64_t>(cell));
      }
    }
  }
  std::vector<int64_t> count() { return numbers("SELECT count(*), count(DISTINCT id) FROM clicks"); }

  ManualClock clock_;  // 2023-11-14T22:13:20Z
  SeededRandom random_{3};
  Metrics metrics_;
  std::shared_ptr<capture::Stream> stream_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Lake> lake_;
  std::unique_ptr<capture::Capture> capture_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Etl> etl_;
  uint64_t lines_ = UINT64_MAX;
  int children_ = 0;
};

// The stream has no key: nothing but the marks keeps a record from being taken twice.
TEST_F(Loading, takes_each_file_once_however_often_and_under_whatever_name) {
  write("shop/in/2023/11/14/21/a.json.gz", *gzip_member(events(0, 5000)));
  write("shop/in/2023/11/14/21/b", events(5000, 5010));
  write("shop/in/c.csv", "id,at\ne5010,2023-11-14 21:00:00\n");
  EtlReport report = load("in");
  EXPECT_EQ(report.loaded, 3u);
  EXPECT_EQ(report.accepted, 5011u);
  EXPECT_TRUE(report.failures.empty());
  report = load("in");
  EXPECT_EQ(report.known, 3u);
  EXPECT_EQ(report.accepted, 0u);
  write("shop/again/x.json.gz", *gzip_member(events(0, 5000)));
  EXPECT_EQ(load("again").known, 1u);
  close();
  clock_.advance(days(60));
  open();
  EXPECT_EQ(load("in").known, 3u) << "whatever the dedup window";
  EXPECT_THAT(count(), ElementsAre(5011, 5011));
  ASSERT_TRUE(lake_->drain(minutes(1)));
  EXPECT_TRUE(must(lake_->verify()).problems.empty());
  EXPECT_THAT(numbers("SELECT count(*) FROM raw_clicks WHERE _hour = 21 AND _day = 14"), ElementsAre(5010));
}

TEST_F(Loading, goes_on_where_it_was_killed) {
  write("shop/in/a.json", events(0, 9000));
  int tries = 0;
  for (lines_ = 2500; load("in").loaded == 0; lines_ = 2500, ++tries) {
    ASSERT_LT(tries, 10);
    close();  // what a kill leaves: the marks are in the journal
    open();
  }
  EXPECT_GT(tries, 2);
  lines_ = UINT64_MAX;
  EXPECT_EQ(load("in").known, 1u);
  EXPECT_THAT(count(), ElementsAre(9000, 9000));
}

TEST_F(Loading, one_child_reads_many_files_and_its_death_fails_the_one_it_was_at) {
  for (int i = 0; i < 20; ++i) {
    write("shop/in/" + std::to_string(10 + i) + ".json", events(i * 100, (i + 1) * 100));
  }
  lines_ = 550;  // in the sixth, as each file ends with a line of its own
  EtlReport report = load("in");
  EXPECT_EQ(children_, 2);
  EXPECT_EQ(report.loaded, 19u);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0].file, "in/15.json");
  EXPECT_THAT(report.failures[0].why, HasSubstr("the child died"));
  EXPECT_LT(report.accepted, 2000u);
  report = load("in");
  EXPECT_EQ(report.loaded, 1u);
  EXPECT_EQ(report.known, 19u);
  EXPECT_THAT(count(), ElementsAre(2000, 2000));
  write("shop/twice/a.json", events(5000, 5010));
  write("shop/twice/b.json", events(5000, 5010));
  report = load("twice");
  EXPECT_EQ(report.loaded, 1u);
  EXPECT_EQ(report.known, 1u);
  EXPECT_THAT(count(), ElementsAre(2010, 2010));
}

TEST_F(Loading, twice_at_once_loads_once) {
  write("shop/in/a.json", events(0, 8000));
  std::vector<std::thread> threads;
  std::atomic<uint64_t> accepted{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      EtlRequest request;
      request.stream = "clicks";
      request.folder = "in";
      auto report = etl_->run(request, Cancel());
      if (report) accepted += report->accepted;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted, 8000u);
  EXPECT_THAT(count(), ElementsAre(8000, 8000));
}

TEST_F(Loading, quarantines_with_file_and_line_and_judges_as_of_the_paths_hour) {
  write("shop/in/2023/09/01/08/a.json",
        events(0, 2, "2023-08-15") + "{\"id\":1}\nnonsense\n" + events(2, 3, "2023-07-01"));
  write("shop/in/b.json", events(3, 4, "2023-08-15"));
  write("shop/in/c.json.gz", "\x1f\x8b is no gzip");
  EtlReport report = load("in");
  EXPECT_EQ(report.accepted, 2u);
  EXPECT_EQ(report.quarantined, 4u);
  ASSERT_EQ(report.failures.size(), 1u);
  EXPECT_EQ(report.failures[0].file, "in/c.json.gz");
  auto session = must(engine_->connect(engine::Trust::own));
  auto rows = must(session->query("SELECT reason || ' ' || message FROM clicks_quarantine ORDER BY _seq", {}, {}));
  std::vector<std::string> told;
  for (const auto& row : must(rows->next())) told.push_back(std::get<std::string>(row[0]));
  EXPECT_THAT(told, ElementsAre(HasSubstr("wrong_type in/2023/09/01/08/a.json:3: "),
                                HasSubstr("syntax in/2023/09/01/08/a.json:4: "),
                                HasSubstr("too_old in/2023/09/01/08/a.json:5: "), HasSubstr("too_old in/b.json:1: ")));
  write("shop/old/d.json", events(10, 12, "1999-01-01"));
  EXPECT_EQ(load("old", true).accepted, 2u);
  EXPECT_EQ(load("old").known, 1u);
}

TEST_F(Loading, a_changed_file_needs_a_key) {
  write("shop/in/a.json", events(0, 3));
  EXPECT_EQ(load("in").accepted, 3u);
  write("shop/in/a.json", events(0, 4));
  ASSERT_EQ(load("in").failures.size(), 1u);
  EXPECT_THAT(count(), ElementsAre(3, 3));
  close();
  stream_ = std::make_shared<capture::Stream>(*stream_);
  stream_->key = "id";
  open();
  write("shop/in/b.json", events(2, 5) + events(2, 5));
  const EtlReport report = load("in");
  EXPECT_TRUE(report.failures.empty());
  EXPECT_EQ(report.accepted, 5u) << "a.json was loaded when there was no key, so its keys are not known";
  EXPECT_EQ(report.duplicates, 5u);
}

// An event that etl took is forgotten by the deduplication index when an entry that repeats it is judged again, though
// the entry itself came within the window of both.
TEST_F(Loading, a_requeue_does_not_double_what_was_taken_before_the_window) {
  close();
  capture::Field n;
  n.name = "n";
  n.type = capture::FieldType::integer;
  n.maximum = 10;
  stream_ = std::make_shared<capture::Stream>(*stream_);
  stream_->fields.push_back(n);
  stream_->key = "id";
  open();
  write("shop/in/2023/11/10/21/a.json", events(0, 2, "2023-11-10"));
  EXPECT_EQ(load("in").accepted, 2u);
  clock_.advance(days(6));
  const std::string again = R"({"id":"e0","at":"2023-11-20 21:00:00","n":50})",
                    other = R"({"id":"e9","at":"2023-11-20 21:00:00","n":50})";
  for (const std::string& body : {again, other}) {
    ASSERT_TRUE(capture_->submit(must(capture_->find("clicks")), {.body = body},
                                 [](const capture::Reply& reply) { EXPECT_EQ(reply.quarantined, 1u); }));
  }
  clock_.advance(days(2));
  close();
  stream_ = std::make_shared<capture::Stream>(*stream_);
  stream_->fields.back().maximum = 100;
  open();
  Requeue requeue({*lake_, *engine_, *capture_, clock_});
  const RequeueReport report = must(requeue.run({.stream = "clicks", .reason = {}}, Cancel()));
  EXPECT_EQ(report.accepted, 1u);
  EXPECT_EQ(report.reasons, (std::map<std::string, uint64_t>{{"conflict", 1}}));
  EXPECT_THAT(count(), ElementsAre(3, 3));
}

}  // namespace
}  // namespace weir::lake
