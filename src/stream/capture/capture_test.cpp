// The whole way of a request: verdicts in order, one acceptance per key whatever is resent, and what a failing disk, a
// crash and a second thread make of it. The journal is the real one, on a simulated disk.
#include "stream/capture/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <set>
#include <thread>

#include "core/base/ids.h"
#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "stream/capture/record.h"
#include "stream/capture/test_streams.h"

namespace weir::capture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kAd = "0a0a0a0a-0000-7000-8000-000000000001";

class Capturing : public ::testing::Test {
 protected:
  void SetUp() override {
    clicks_ = impressions();
    open();
  }
  void open(bool own_thread = false) {
    capture_.reset();
    journal_.reset();
    journal::Options options;
    options.folder = "/w/journal";
    options.segment_bytes = 1 << 20;
    options.queued_bytes_max = queued_bytes_max_;
    options.group_bytes_max = 256 << 10;
    options.own_thread = own_thread;
    auto journal = journal::Journal::open(files_, clock_, metrics_, options);
    ASSERT_TRUE(journal) << journal.error().text();
    journal_ = std::move(*journal);
    Options mine;
    mine.folder = "/w/dedup";
    mine.index_memory_bytes = index_memory_;
    auto capture = Capture::open(files_, clock_, random_, metrics_, *journal_, mine);
    ASSERT_TRUE(capture) << capture.error().text();
    capture_ = std::move(*capture);
    apply();
  }
  void apply() {
    applied_ = {7, 3, std::make_shared<Stream>(clicks_)};
    capture_->set_streams({applied_});
  }
  // Outcomes as words: "accepted", "duplicate", or the code of what was not accepted.
  std::vector<std::string> words(const Reply& reply) {
    std::vector<std::string> out;
    for (const Verdict& verdict : reply.verdicts) {
      if (verdict.outcome == Outcome::accepted) out.emplace_back("accepted");
      if (verdict.outcome == Outcome::duplicate) out.emplace_back("duplicate");
      if (verdict.outcome == Outcome::quarantined) out.push_back("quarantined " + verdict.code);
      if (verdict.outcome == Outcome::refused) out.push_back("refused " + verdict.code);
    }
    EXPECT_EQ(reply.accepted + reply.duplicates + reply.quarantined + reply.refused, reply.verdicts.size());
    return out;
  }
  struct Answer {
    Reply reply;
    int times = 0;
  };
  std::shared_ptr<Answer> begin(std::string_view body, std::string key = {}, BodyFormat format = BodyFormat::any_json) {
    auto answer = std::make_shared<Answer>();
    status_ = capture_->submit(applied_, {body, format, std::move(key)}, [answer](Reply reply) {
      answer->reply = std::move(reply);
      ++answer->times;
    });
    return answer;
  }
  std::vector<std::string> send(std::string_view body, std::string key = {}) {
    auto answer = begin(body, std::move(key));
    if (!status_) return {"error " + status_.error().message};
    while (journal_->run_once()) {
    }
    EXPECT_EQ(answer->times, 1);
    last_ = std::move(answer->reply);
    return words(last_);
  }
  static std::string event(int number, std::string_view at = "2023-11-14 22:13:20", std::string_view ad = kAd) {
    char id[40];
    std::snprintf(id, sizeof id, "0b0b0b0b-0000-7000-8000-%012d", number);
    return "{\"impression_id\":\"" + std::string(id) + "\",\"ad_id\":\"" + std::string(ad) + "\",\"occurred_at\":\"" +
           std::string(at) + "\"}";
  }
  struct Kept {
    uint64_t sequence;
    RecordKind kind;
    std::string id, payload, reason;
    Fingerprint key;
  };
  std::vector<Kept> journaled() {
    std::vector<Kept> out;
    auto reader = journal_->read_from({1});
    EXPECT_TRUE(reader);
    while (true) {
      auto group = (*reader)->next_group();
      EXPECT_TRUE(group) << group.error().text();
      if (!group || group->empty()) return out;
      for (const auto& entry : *group) {
        auto record = decode(entry.bytes);
        EXPECT_TRUE(record);
        out.push_back({entry.sequence.value, record->kind, std::string(record->id), std::string(record->payload),
                       std::string(record->reason), record->key});
      }
    }
  }
  Stream keyless() {
    Stream out = impressions();
    out.name = "views";
    out.key.clear();
    return out;
  }

  SimulatedFiles files_;
  ManualClock clock_;  // 2023-11-14T22:13:20Z
  SeededRandom random_{3};
  Metrics metrics_;
  uint64_t queued_bytes_max_ = 8 << 20;
  size_t index_memory_ = 1 << 20;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Capture> capture_;
  Stream clicks_;
  AppliedStream applied_;
  Status status_;
  Reply last_;
};

TEST_F(Capturing, answers_each_record_in_order_after_the_sync) {
  auto answer = begin("[" + event(1) + "," + event(1, "2023-11-14 22:13:21") + ",{\"ad_id\":1}," + event(2) + "," +
                      event(2) + "]");
  EXPECT_EQ(answer->times, 0);
  while (journal_->run_once()) {
  }
  ASSERT_EQ(answer->times, 1);
  EXPECT_THAT(words(answer->reply),
              ElementsAre("accepted", "quarantined conflict", "quarantined wrong_type", "accepted", "duplicate"));
  EXPECT_EQ(answer->reply.verdicts[0].id, "0b0b0b0b-0000-7000-8000-000000000001");
  EXPECT_EQ(answer->reply.verdicts[4].id, "0b0b0b0b-0000-7000-8000-000000000002");
  EXPECT_EQ(answer->reply.verdicts[2].field, "ad_id");
  EXPECT_THAT(answer->reply.verdicts[1].message, HasSubstr("at 2023-11-14T22:13:20Z with another payload"));
  const auto kept = journaled();
  ASSERT_EQ(kept.size(), 4u);
  EXPECT_EQ(kept[0].payload, event(1));
  EXPECT_EQ(kept[1].reason, "conflict");
  EXPECT_EQ(kept[1].payload, event(1, "2023-11-14 22:13:21"));
  EXPECT_EQ(kept[1].id, answer->reply.verdicts[1].id);
  EXPECT_EQ(kept[1].key, Fingerprint{});
  EXPECT_EQ(kept[2].payload, "{\"ad_id\":1}");
  EXPECT_EQ(kept[3].id, "0b0b0b0b-0000-7000-8000-000000000002");
}

// As requeue and etl bring them: judged as of their first arrival, with a mark in one piece.
TEST_F(Capturing, takes_what_arrived_earlier_together_with_its_mark_or_not_at_all) {
  Origin origin;
  origin.arrived_at = {clock_.wall().micros - days(40).micros};
  origin.mark = [](const Reply& reply) {
    Mark mark;
    mark.action = "etl";
    mark.accepted = reply.accepted;
    mark.duplicates = reply.duplicates;
    mark.quarantined = reply.quarantined;
    return mark;
  };
  origin.place = [](size_t index) { return "a.json:" + std::to_string(index + 1); };
  const auto bring = [&](std::string_view body) {
    Reply got;
    EXPECT_TRUE(capture_->submit(applied_, {.body = body, .origin = &origin}, [&](Reply reply) { got = reply; }));
    while (journal_->run_once()) {
    }
    return words(got);
  };
  const std::string old = "2023-10-04 22:13:20";
  EXPECT_THAT(bring(event(1, old) + event(1, old) + event(2)),
              ElementsAre("accepted", "duplicate", "quarantined too_new"));
  auto kept = journaled();
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[2].kind, RecordKind::mark);
  EXPECT_EQ(kept[2].payload, R"({"action":"etl","accepted":1,"duplicates":1,"quarantined":1})");

  open();  // the index is brought up from the journal: the keys count from when they were taken
  EXPECT_THAT(send(event(1, old)), ElementsAre("duplicate"));
  origin.keeps_unfit = false;
  EXPECT_THAT(bring("{}"), ElementsAre("quarantined missing_field"));
  EXPECT_EQ(journaled().size(), 4u) << "only its mark";
  origin.only_judges = true;
  EXPECT_THAT(bring(event(3, old)), ElementsAre("accepted"));
  EXPECT_EQ(journaled().size(), 4u);
  const std::set<std::string, std::less<>> forgotten = {"0b0b0b0b-0000-7000-8000-000000000003"};
  origin.forgotten_keys = &forgotten;
  EXPECT_THAT(bring(event(3, old)), ElementsAre("quarantined conflict"));
  origin.forgotten_keys = nullptr;
  origin.any_age = true;
  origin.arrived_at = {clock_.wall().micros};
  EXPECT_THAT(bring(event(3, "2001-01-01 00:00:00")), ElementsAre("accepted"));
  origin.one_record = true;
  EXPECT_FALSE(capture_->submit(applied_, {.body = "{} {}", .origin = &origin}, [](Reply) { FAIL(); }));
}

TEST_F(Capturing, takes_a_key_once_across_requests_and_says_conflict_to_another_payload) {
  EXPECT_THAT(send(event(1)), ElementsAre("accepted"));
  EXPECT_THAT(send(event(1)), ElementsAre("duplicate"));
  EXPECT_THAT(send(" [ " + event(1) + " ] "), ElementsAre("duplicate"));
  EXPECT_THAT(send(event(1, "2023-11-14 22:00:00")), ElementsAre("quarantined conflict"));
  EXPECT_THAT(send(event(1)), ElementsAre("duplicate"));
  std::string capitals = event(1);
  std::transform(capitals.begin() + 19, capitals.begin() + 54, capitals.begin() + 19, ::toupper);
  EXPECT_THAT(send(capitals), ElementsAre("duplicate")) << capitals;
  EXPECT_EQ(journaled().size(), 2u);
}

TEST_F(Capturing, assigns_a_missing_key_and_takes_the_event_with_it_as_a_duplicate) {
  const std::string rest = "\"ad_id\":\"" + std::string(kAd) + "\",\"occurred_at\":\"2023-11-14 22:13:20\"}";
  EXPECT_THAT(send("{" + rest), ElementsAre("accepted"));
  const std::string id = last_.verdicts[0].id;
  EXPECT_TRUE(parse_uuid(id));
  EXPECT_EQ(journaled()[0].payload, "{\"impression_id\":\"" + id + "\"," + rest);
  EXPECT_EQ(journaled()[0].id, id);
  EXPECT_THAT(send("{\"impression_id\":\"" + id + "\"," + rest), ElementsAre("duplicate"));
  EXPECT_THAT(send("{" + rest), ElementsAre("accepted"));
}

TEST_F(Capturing, quarantines_what_is_too_old_or_too_new_at_its_first_arrival_only) {
  EXPECT_THAT(send("[" + event(1, "2023-10-15 22:13:21") + "," + event(2, "2023-10-15 22:13:19") + "," +
                   event(3, "2023-11-14 23:13:20") + "," + event(4, "2023-11-14 23:13:21") + "]"),
              ElementsAre("accepted", "quarantined too_old", "accepted", "quarantined too_new"));
  EXPECT_EQ(last_.verdicts[1].field, "occurred_at");
  EXPECT_EQ(
      last_.verdicts[1].message,
      "found 2023-10-15T22:13:19Z, received 2023-11-14T22:13:20Z, expected at most 30d before arrival (past_max)");
  EXPECT_NE(last_.verdicts[1].id, "0b0b0b0b-0000-7000-8000-000000000002") << "the event itself was not accepted";
  clock_.advance(days(5));
  EXPECT_THAT(send(event(1, "2023-10-15 22:13:21")), ElementsAre("duplicate")) << "judged at its first arrival";
  clock_.advance(hours(-24 * 4));
  EXPECT_THAT(send(event(4, "2023-11-14 23:13:21")), ElementsAre("accepted")) << "its key did not enter the index";
}

TEST_F(Capturing, takes_the_arrival_for_the_time_of_a_stream_without_one) {
  clicks_.time_field.clear();
  clicks_.fields[2].required = false;
  apply();
  EXPECT_THAT(send(event(1, "1970-01-01 00:00:00")), ElementsAre("accepted"));
}

TEST_F(Capturing, forgets_a_key_after_the_window) {
  EXPECT_THAT(send(event(1)), ElementsAre("accepted"));
  clock_.advance(seconds(7 * 86'400 - 1));
  EXPECT_THAT(send(event(1)), ElementsAre("duplicate"));
  clock_.advance(seconds(2));
  EXPECT_THAT(send(event(1)), ElementsAre("accepted"));
  EXPECT_THAT(send(event(1)), ElementsAre("duplicate"));
}

TEST_F(Capturing, keeps_keys_of_different_streams_apart) {
  EXPECT_THAT(send(event(1)), ElementsAre("accepted"));
  applied_.number = 8;
  EXPECT_THAT(send(event(1)), ElementsAre("accepted"));
}

TEST_F(Capturing, answers_a_duplicate_in_flight_only_after_its_original_is_synced) {
  auto first = begin(event(1));
  auto second = begin(event(1));
  auto third = begin("[" + event(1) + "," + event(2) + "]");
  EXPECT_EQ(first->times + second->times + third->times, 0);
  while (journal_->run_once()) {
  }
  EXPECT_THAT(words(first->reply), ElementsAre("accepted"));
  EXPECT_THAT(words(second->reply), ElementsAre("duplicate"));
  EXPECT_THAT(words(third->reply), ElementsAre("duplicate", "accepted"));
  auto later = begin(event(1));
  EXPECT_EQ(later->times, 1) << "its original is durable: nothing to wait for";
  EXPECT_EQ(journaled().size(), 2u);
}

TEST_F(Capturing, takes_keys_back_when_the_sync_fails_and_accepts_them_when_they_are_sent_again) {
  EXPECT_THAT(send(event(9)), ElementsAre("accepted"));
  auto first = begin("[" + event(1) + "," + event(9) + ",{}]");
  auto second = begin("[" + event(1) + "," + event(2) + "]");
  auto only_duplicates = begin(event(1));
  files_.fail_sync(1);
  for (int i = 0; i < 50 && (first->times == 0 || second->times == 0 || only_duplicates->times == 0); ++i) {
    journal_->run_once();
    clock_.advance(seconds(1));
  }
  ASSERT_EQ(first->times, 1);
  ASSERT_EQ(second->times, 1);
  ASSERT_EQ(only_duplicates->times, 1);
  EXPECT_THAT(words(first->reply), ElementsAre("refused io", "duplicate", "refused io"));
  EXPECT_TRUE(first->reply.verdicts[0].retryable);
  for (const Verdict& verdict : second->reply.verdicts) EXPECT_EQ(verdict.outcome, Outcome::refused);
  EXPECT_EQ(only_duplicates->reply.verdicts[0].outcome, Outcome::refused);
  EXPECT_THAT(send("[" + event(1) + "," + event(2) + "]"), ElementsAre("accepted", "accepted"));
  EXPECT_THAT(send("[" + event(1) + "," + event(2) + "," + event(9) + "]"),
              ElementsAre("duplicate", "duplicate", "duplicate"));
}

TEST_F(Capturing, refuses_with_busy_when_the_journal_is_full_and_inserts_nothing) {
  queued_bytes_max_ = 4096;
  open();
  std::vector<std::shared_ptr<Answer>> answers;
  int refused_at = 0;
  for (int i = 1; i <= 60 && refused_at == 0; ++i) {
    answers.push_back(begin(event(i)));
    if (answers.back()->times == 1) refused_at = i;
  }
  ASSERT_GT(refused_at, 1);
  EXPECT_THAT(words(answers.back()->reply), ElementsAre("refused busy"));
  EXPECT_TRUE(answers.back()->reply.verdicts[0].retryable);
  while (journal_->run_once()) {
  }
  EXPECT_THAT(send(event(refused_at)), ElementsAre("accepted"));
}

TEST_F(Capturing, refuses_with_no_space_on_a_full_disk_and_goes_on_when_there_is_room) {
  files_.set_capacity(files_.used_bytes() + 4096);
  std::vector<std::string> found;
  int number = 0;
  for (; number < 20'000; ++number) {
    found = send(event(number));
    if (found != std::vector<std::string>{"accepted"}) break;
  }
  EXPECT_THAT(found, ElementsAre("refused no_space"));
  EXPECT_TRUE(last_.verdicts[0].retryable);
  files_.set_capacity(SimulatedFiles::kUnlimited);
  for (int i = 0; i < 100 && found != std::vector<std::string>{"accepted"}; ++i) {
    clock_.advance(seconds(1));
    journal_->run_once();
    found = send(event(number));
  }
  EXPECT_THAT(found, ElementsAre("accepted"));
}

TEST_F(Capturing, refuses_with_busy_when_the_index_has_no_room_and_goes_on_once_it_has_written_a_run) {
  index_memory_ = 64 << 10;
  open();
  int number = 0;
  std::vector<std::string> found = {"accepted"};
  while (number < 5000 && found[0] == "accepted") found = send(event(++number));
  EXPECT_THAT(found, ElementsAre("refused busy"));
  EXPECT_TRUE(last_.verdicts[0].retryable);
  ASSERT_TRUE(capture_->maintain());
  EXPECT_THAT(send(event(number)), ElementsAre("accepted"));
  EXPECT_THAT(send(event(1)), ElementsAre("duplicate"));
}

TEST_F(Capturing, refuses_rather_than_guesses_when_the_index_is_damaged) {
  index_memory_ = 64 << 10;
  open();
  for (int i = 0; i < 600; ++i) ASSERT_THAT(send(event(i)), ElementsAre("accepted"));
  ASSERT_TRUE(capture_->maintain());
  auto run = files_.open("/w/dedup/run-000000000001", OpenMode::read_write);
  ASSERT_TRUE(run);
  ASSERT_TRUE((*run)->write_at(4096 + 200, "damage"));
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    const auto found = send(event(i));
    if (found[0] == "duplicate") continue;
    ASSERT_THAT(found, ElementsAre("refused corrupt")) << i;
    EXPECT_THAT(last_.verdicts[0].message, HasSubstr("run-000000000001"));
    ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(journaled().size(), 600u);
}

TEST_F(Capturing, refuses_a_record_that_is_too_large_without_keeping_it) {
  clicks_.unknown = UnknownFields::keep;
  apply();
  const std::string large = "{\"x\":\"" + std::string(1 << 20, 'x') + "\"}";
  EXPECT_THAT(send("[" + large + "," + event(1) + "]"), ElementsAre("refused too_large", "accepted"));
  EXPECT_FALSE(last_.verdicts[0].retryable);
  EXPECT_EQ(journaled().size(), 1u);
}

TEST_F(Capturing, remembers_keys_over_a_restart_from_runs_and_journal) {
  for (int i = 0; i < 3000; i += 100) {
    std::string body;
    for (int j = i; j < i + 100; ++j) body += event(j) + "\n";
    for (const std::string& word : send(body)) ASSERT_EQ(word, "accepted") << i;
    ASSERT_TRUE(capture_->maintain());
  }
  const journal::Sequence sealed = capture_->sealed_through();
  EXPECT_GT(sealed.value, 1000u);
  ASSERT_THAT(send(event(3000)), ElementsAre("accepted"));
  EXPECT_LT(capture_->sealed_through(), journal_->durable_end()) << "the last one is only in the journal";
  for (int restart = 0; restart < 3; ++restart) {
    files_.power_cut(random_);
    open();
    EXPECT_GE(capture_->sealed_through().value, sealed.value);
    for (int i = 0; i <= 3000; i += 50) ASSERT_THAT(send(event(i)), ElementsAre("duplicate")) << i;
    ASSERT_THAT(send(event(0, "2023-11-14 22:00:00")), ElementsAre("quarantined conflict"));
    ASSERT_TRUE(capture_->maintain());
  }
  EXPECT_TRUE(journal_->release(capture_->sealed_through()));
  open();
  EXPECT_THAT(send(event(77)), ElementsAre("duplicate")) << "its segment is released, its key is sealed";
}

// Power goes at any operation of journal and index; the sender repeats what it was not answered. In the end every event
// that was sent is in the journal exactly once.
TEST_F(Capturing, neither_loses_nor_doubles_over_power_cuts_at_any_point) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SeededRandom chance(seed);
    capture_.reset();
    journal_.reset();
    files_.~SimulatedFiles();
    new (&files_) SimulatedFiles();
    index_memory_ = 256 << 10;
    open();
    std::set<int> acknowledged;
    for (int cut = 0; cut < 4; ++cut) {
      files_.power_off_after(10 + random_below(chance, 200));
      for (int round = 0; round < 40 && !files_.is_power_off(); ++round) {
        std::string body;
        std::vector<int> numbers;
        for (int i = 0; i < 40; ++i) {
          numbers.push_back(static_cast<int>(random_below(chance, 3000)));
          body += event(numbers.back()) + "\n";
        }
        auto answer = begin(body);
        ASSERT_TRUE(status_);
        for (int i = 0; i < 20 && answer->times == 0; ++i) {
          journal_->run_once();
          clock_.advance(milliseconds(50));
        }
        if (answer->times == 0) break;
        for (size_t i = 0; i < numbers.size(); ++i) {
          const Outcome outcome = answer->reply.verdicts[i].outcome;
          if (outcome == Outcome::accepted || outcome == Outcome::duplicate) acknowledged.insert(numbers[i]);
        }
        if (random_chance(chance, 1, 3)) (void)capture_->maintain().has_value();
      }
      capture_.reset();
      journal_.reset();
      files_.power_cut(chance);
      open();
      if (HasFatalFailure()) return;
    }
    std::map<std::string, int> found;
    for (const Kept& kept : journaled()) ++found[kept.payload];
    for (int number : acknowledged) EXPECT_EQ(found[event(number)], 1) << "seed " << seed << " event " << number;
    for (const auto& [payload, times] : found) EXPECT_EQ(times, 1) << "seed " << seed << " " << payload;
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
  }
}

TEST_F(Capturing, gives_ids_to_a_stream_without_key_and_takes_everything_as_new) {
  clicks_ = keyless();
  apply();
  EXPECT_THAT(send("[" + event(1) + "," + event(1) + "]"), ElementsAre("accepted", "accepted"));
  EXPECT_NE(last_.verdicts[0].id, last_.verdicts[1].id);
  EXPECT_TRUE(parse_uuid(last_.verdicts[0].id));
  EXPECT_EQ(journaled()[0].payload, event(1));
  EXPECT_EQ(capture_->sealed_through(), journal_->durable_end()) << "no key waits to be sealed";
}

TEST_F(Capturing, answers_a_retry_under_the_same_idempotency_key_as_the_first_time) {
  clicks_ = keyless();
  apply();
  const std::string body = "[" + event(1) + ",{\"ad_id\":1}," + event(1) + "," + event(2, "2020-01-01 00:00:00") + "]";
  const auto first = send(body, "order-7");
  EXPECT_THAT(first, ElementsAre("accepted", "quarantined wrong_type", "accepted", "quarantined too_old"));
  const Reply original = last_;
  const size_t kept = journaled().size();
  for (int restart = 0; restart < 2; ++restart) {
    EXPECT_THAT(send(body, "order-7"),
                ElementsAre("duplicate", "quarantined wrong_type", "duplicate", "quarantined too_old"));
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(last_.verdicts[i].id, original.verdicts[i].id);
    EXPECT_EQ(journaled().size(), kept) << "nothing is kept twice";
    EXPECT_THAT(send("[" + event(3) + "]", "order-7")[0], HasSubstr("another body"));
    EXPECT_EQ(status_.error().code, Code::conflict);
    files_.power_cut(random_);
    open();
  }
  EXPECT_THAT(send(body, "order-8"),
              ElementsAre("accepted", "quarantined wrong_type", "accepted", "quarantined too_old"));
  EXPECT_NE(last_.verdicts[0].id, original.verdicts[0].id);
  EXPECT_THAT(send(body, std::string(256, 'x'))[0], HasSubstr("allowed are 255"));
}

TEST_F(Capturing, names_streams_that_are_not_there_or_not_enabled) {
  auto missing = capture_->find("impresions");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_THAT(missing.error().text(), HasSubstr("did you mean 'impressions'"));
  EXPECT_EQ(capture_->find("impressions")->revision, 3u);
  clicks_.enabled = false;
  apply();
  EXPECT_EQ(capture_->find("impressions").error().code, Code::denied);
}

TEST_F(Capturing, finishes_a_request_with_the_declaration_it_started_with) {
  const AppliedStream before = applied_;
  clicks_.fields.push_back(field_of("added", FieldType::string, true));
  apply();
  EXPECT_THAT(send(event(1)), ElementsAre("quarantined missing_field"));
  applied_ = before;
  EXPECT_THAT(send(event(1)), ElementsAre("accepted"));
}

TEST_F(Capturing, takes_nothing_of_a_body_of_the_wrong_shape) {
  EXPECT_THAT(send("[" + event(1) + " " + event(2) + "]")[0], HasSubstr("error a comma or ]"));
  auto answer = begin("{\"clicks\":[]}", {}, BodyFormat::batch);
  EXPECT_EQ(status_.error().message, "batch key \"impressions\" not given");
  EXPECT_EQ(answer->times, 0);
  clicks_.beacon.reset();
  apply();
  begin("{\"clicks\":[]}", {}, BodyFormat::batch);
  EXPECT_THAT(status_.error().message, HasSubstr("declares no beacon"));
  EXPECT_TRUE(journaled().empty());
}

TEST_F(Capturing, counts_what_it_answers) {
  send("[" + event(1) + "," + event(1) + ",{}]");
  const auto counts = capture_->counts();
  ASSERT_EQ(counts.size(), 1u);
  EXPECT_EQ(counts[0].stream, "impressions");
  EXPECT_EQ(counts[0].accepted, 1u);
  EXPECT_EQ(counts[0].duplicates, 1u);
  EXPECT_EQ(counts[0].quarantined, 1u);
  EXPECT_EQ(counts[0].last_arrival.micros, clock_.wall().micros);
  EXPECT_EQ(metrics_.read("weir_capture_records_total", {{"stream", "impressions"}, {"outcome", "accepted"}}), 1);
  EXPECT_EQ(metrics_.read("weir_capture_quarantined_total", {{"stream", "impressions"}, {"reason", "missing_field"}}),
            1);
  EXPECT_EQ(metrics_.read("weir_capture_submit_seconds"), 1);
}

TEST_F(Capturing, accepts_each_key_once_when_threads_send_the_same_keys_at_once) {
  index_memory_ = 4 << 20;
  open(true);
  constexpr int kThreads = 4, kRequests = 60, kRecords = 50;
  std::atomic<int> accepted{0}, duplicates{0}, answered{0};
  std::atomic<bool> stop{false};
  std::barrier together(kThreads);
  std::vector<std::thread> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.emplace_back([&, t] {
      together.arrive_and_wait();
      for (int r = 0; r < kRequests; ++r) {
        std::string body;
        for (int i = 0; i < kRecords; ++i) body += event(r * kRecords + (i + t * 7) % kRecords) + "\n";
        const Status status = capture_->submit(applied_, {body, BodyFormat::any_json, {}}, [&](Reply reply) {
          accepted += static_cast<int>(reply.accepted);
          duplicates += static_cast<int>(reply.duplicates);
          ++answered;
        });
        EXPECT_TRUE(status);
      }
    });
  }
  std::thread maintainer([&] {
    while (!stop) {
      EXPECT_TRUE(capture_->maintain());
      std::this_thread::yield();
    }
  });
  for (auto& sender : senders) sender.join();
  while (answered < kThreads * kRequests) std::this_thread::yield();  // the journal answers all of them
  stop = true;
  maintainer.join();
  EXPECT_EQ(accepted, kRequests * kRecords);
  EXPECT_EQ(duplicates, (kThreads - 1) * kRequests * kRecords);
  EXPECT_EQ(journaled().size(), static_cast<size_t>(kRequests * kRecords));
}

}  // namespace
}  // namespace weir::capture
