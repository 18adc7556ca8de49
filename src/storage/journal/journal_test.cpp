// The journal over a simulated disk and the real one: every promise of journal.h, by small verbs on a fixture.
#include "storage/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "core/base/hash.h"
#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "storage/journal/segment.h"

namespace weir::journal {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kSegment = 64 << 10;

class JournalTest : public testing::Test {
 protected:
  Options options() const {
    Options options;
    options.folder = folder;
    options.segment_bytes = segment_bytes;
    options.queued_bytes_max = 48 << 10;
    options.group_bytes_max = 16 << 10;
    options.own_thread = false;
    return options;
  }

  Status try_open() {
    journal.reset();
    auto opened = Journal::open(files, clock, metrics, options());
    if (!opened) return opened.error();
    journal = std::move(*opened);
    return {};
  }
  void new_folder() {
    kill();
    folder = "/j" + std::to_string(++folders);
  }
  void open() {
    const Status opened = try_open();
    ASSERT_TRUE(opened) << opened.error().text();
  }

  // The program dies and the system lives: nothing more is written.
  void kill() { journal.reset(); }
  void cut_power() {
    SeededRandom random(power_cuts++);
    files.power_off_after(1);
    journal.reset();
    files.power_cut(random);
  }

  // Appends without completing; the outcome comes into `outcomes` under the name.
  Result<Sequence> append(const std::vector<std::string>& records, const std::string& name = "") {
    Batch batch;
    for (const std::string& record : records) batch.add(record);
    return journal->append(std::move(batch), [this, name](const Status& status) {
      order.push_back(name);
      outcomes.emplace(name, status ? "durable" : code_name(status.error().code));
      if (!status) last_failure = status.error().message;
    });
  }
  // Appends each record as a group of its own.
  void write(const std::vector<std::string>& records) {
    for (const std::string& record : records) {
      const auto first = append({record}, record);
      ASSERT_TRUE(first) << first.error().text();
      ASSERT_TRUE(journal->run_once());
      ASSERT_EQ(outcomes[record], "durable") << last_failure;
    }
  }
  void write_many(int count) {
    for (int i = 0; i < count; ++i) write({"record " + std::to_string(written++)});
  }

  // Everything from there: records, and errors as "! message".
  std::vector<std::string> read(uint64_t from = 1) {
    auto reader = journal->read_from({from});
    EXPECT_TRUE(reader);
    std::vector<std::string> found;
    sequences.clear();
    while (true) {
      auto entries = (*reader)->next_group();
      if (!entries) {
        found.push_back(std::string("! ") + code_name(entries.error().code) + " " + entries.error().message);
        if (found.size() > 1000) break;
        continue;
      }
      if (entries->empty()) break;
      for (const Entry& entry : *entries) {
        found.emplace_back(entry.bytes);
        sequences.push_back(entry.sequence.value);
      }
    }
    return found;
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    const auto entries = *files.list(folder);
    for (const auto& entry : entries) names.push_back(entry.name);
    return names;
  }
  std::string newest_file() {
    std::string newest;
    for (const std::string& name : names()) {
      if (name.ends_with(".segment")) newest = name;
    }
    return newest;
  }
  void flip(const std::string& name, uint64_t offset, int bit = 3) {
    const Status flipped = files.flip_bit({folder + "/" + name, offset, bit});
    ASSERT_TRUE(flipped) << flipped.error().text();
  }
  std::string damages() {
    std::string text;
    for (const Damage& damage : journal->recovery().damage) {
      text += damage.segment + ":" + std::to_string(damage.from) + "-" + std::to_string(damage.to) + " " + damage.what +
              (damage.cut ? " (cut)\n" : "\n");
    }
    return text;
  }

  std::string folder = "/j";
  uint64_t segment_bytes = kSegment;
  uint64_t power_cuts = 1;
  int folders = 0;
  int written = 0;
  SimulatedFiles files;
  ManualClock clock;
  Metrics metrics;
  std::map<std::string, std::string> outcomes;
  std::vector<std::string> order;
  std::string last_failure;
  std::vector<uint64_t> sequences;
  std::unique_ptr<Journal> journal;
};

TEST_F(JournalTest, gives_back_what_was_appended_in_order) {
  open();
  EXPECT_EQ(journal->recovery().next.value, 1u);
  EXPECT_EQ(append({"a", "b"}, "x")->value, 1u);
  EXPECT_EQ(append({"c"}, "y")->value, 3u);
  EXPECT_THAT(outcomes, IsEmpty());
  EXPECT_THAT(read(), IsEmpty()) << "nothing is shown before it is durable";
  EXPECT_EQ(journal->durable_end().value, 1u);
  EXPECT_TRUE(journal->run_once());
  EXPECT_FALSE(journal->run_once());
  EXPECT_THAT(order, ElementsAre("x", "y"));
  EXPECT_EQ(journal->durable_end().value, 4u);
  EXPECT_THAT(read(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(sequences, ElementsAre(1, 2, 3));
  EXPECT_THAT(read(2), ElementsAre("b", "c"));
  EXPECT_THAT(read(4), IsEmpty());
}

TEST_F(JournalTest, keeps_everything_over_a_restart_and_a_power_cut) {
  open();
  write({"a", "b"});
  kill();
  open();
  EXPECT_THAT(damages(), "");
  EXPECT_THAT(read(), ElementsAre("a", "b"));
  write({"c"});
  cut_power();
  open();
  EXPECT_THAT(read(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(sequences, ElementsAre(1, 2, 3));
  EXPECT_EQ(journal->recovery().next.value, 4u);
}

TEST_F(JournalTest, answers_barriers_in_order_and_without_a_group) {
  open();
  ASSERT_TRUE(append({}, "early"));
  EXPECT_TRUE(journal->run_once());
  EXPECT_EQ(outcomes["early"], "durable");
  ASSERT_TRUE(append({"a"}, "a"));
  ASSERT_TRUE(append({}, "barrier"));
  ASSERT_TRUE(append({"b"}, "b"));
  EXPECT_TRUE(journal->run_once());
  EXPECT_THAT(order, ElementsAre("early", "a", "barrier", "b"));
  files.fail_sync(1);
  ASSERT_TRUE(append({"c"}, "c"));
  ASSERT_TRUE(append({}, "behind"));
  journal->run_once();
  EXPECT_EQ(outcomes["behind"], "io") << "it waited for something that failed";
}

TEST_F(JournalTest, refuses_what_is_too_large_or_too_much) {
  open();
  Batch large;
  large.add(std::string(options().record_bytes_max + 1, 'x'));
  EXPECT_EQ(journal->append(std::move(large), nullptr).error().code, Code::too_large);
  EXPECT_EQ(append({std::string(49 << 10, 'x')}).error().code, Code::too_large) << "more than the queue may ever hold";
  int taken = 0;
  Result<Sequence> last = Sequence{0};
  while ((last = append({std::string(10 << 10, 'x')}))) ++taken;
  EXPECT_EQ(last.error().code, Code::busy);
  EXPECT_EQ(taken, 4);
  EXPECT_GT(journal->stats().queued_bytes, 40u << 10);
  while (journal->run_once()) {
  }
  EXPECT_EQ(journal->stats().queued_bytes, 0u);
  EXPECT_TRUE(append({"again"})) << "the queue has room again";
}

TEST_F(JournalTest, goes_from_segment_to_segment) {
  open();
  write_many(60);
  EXPECT_GE(journal->stats().segments, 4u);
  EXPECT_EQ(read().size(), 60u);
  EXPECT_EQ(*journal->segment_of({1}), "000000000001.segment");
  EXPECT_EQ(*journal->segment_of({60}), names()[journal->stats().segments - 1]);
  EXPECT_EQ(journal->segment_of({61}).error().code, Code::not_found);
  cut_power();
  open();
  EXPECT_EQ(damages(), "");
  EXPECT_EQ(read().size(), 60u);
}

TEST_F(JournalTest, a_reader_follows_the_writer_over_segments) {
  open();
  auto reader = *journal->read_from({1});
  uint64_t seen = 0;
  for (int i = 0; i < 50; ++i) {
    write_many(1);
    const auto group = reader->next_group();
    ASSERT_TRUE(group && group->size() == 1);
    EXPECT_EQ(group->front().sequence.value, ++seen);
    EXPECT_EQ(reader->position().value, seen + 1);
    EXPECT_TRUE(reader->next_group()->empty()) << "the durable end is no error";
  }
}

// --- failing syncs -----------------------------------------------------------------------------------------------

TEST_F(JournalTest, a_failed_sync_poisons_the_segment_and_fails_everything_that_waits) {
  open();
  write({"a"});
  files.fail_sync(1, {.reached = FailedSync::Reached::everything});
  const uint64_t first = append({"b1", "b2"}, "b")->value;
  Batch none;
  ASSERT_TRUE(append({std::string(16 << 10, 'c')}, "c")) << "too large for the same group";
  std::string while_failing;
  Batch batch;
  batch.add("d");
  ASSERT_TRUE(journal->append(std::move(batch), [&](const Status& status) {
    EXPECT_FALSE(status);
    const auto refused = append({"e"}, "e");
    while_failing = refused ? "accepted" : code_name(refused.error().code);
  }));
  EXPECT_TRUE(journal->run_once());
  EXPECT_THAT(order, ElementsAre("a", "b", "c"));
  EXPECT_EQ(outcomes["b"], "io");
  EXPECT_EQ(outcomes["c"], "io");
  EXPECT_EQ(while_failing, "unavailable") << "refused until all failures were delivered";
  EXPECT_EQ(journal->stats().syncs_failed, 1u);

  const auto next = append({"f"}, "f");
  ASSERT_TRUE(next);
  EXPECT_EQ(next->value, first + 4) << "the numbers of what failed are not given again";
  journal->run_once();
  EXPECT_THAT(read(), ElementsAre("a", "f")) << "though the failed bytes may well be on disk";
  cut_power();
  open();
  EXPECT_THAT(read(), ElementsAre("a", "f"));
  EXPECT_THAT(sequences, ElementsAre(1, first + 4));
}

TEST_F(JournalTest, numbers_of_a_failed_group_stay_used_up_over_a_restart) {
  open();
  write({"a"});
  files.fail_sync(1);
  ASSERT_TRUE(append({"b", "c"}));
  journal->run_once();
  cut_power();
  open();
  EXPECT_EQ(journal->recovery().next.value, 4u);
  EXPECT_THAT(read(), ElementsAre("a"));
}

TEST_F(JournalTest, refuses_until_a_new_segment_can_be_opened_and_tries_again_by_itself) {
  open();
  write({"a"});
  files.fail_sync(1);
  files.fail_sync(2);  // the header of the next segment
  files.fail_sync(3);  // the zeros of its replacement
  ASSERT_TRUE(append({"b"}, "b"));
  journal->run_once();
  EXPECT_EQ(outcomes["b"], "io");
  EXPECT_EQ(append({"c"}).error().code, Code::unavailable);
  EXPECT_FALSE(journal->run_once());
  EXPECT_EQ(append({"c"}).error().code, Code::unavailable) << "not before a second has passed";
  for (int i = 0; i < 3; ++i) {
    clock.advance(seconds(1));
    journal->run_once();
  }
  write({"d"});
  EXPECT_THAT(read(), ElementsAre("a", "d"));
}

TEST_F(JournalTest, never_shows_later_what_a_failed_sync_left_in_memory_only) {
  open();
  write({"a"});
  files.fail_sync(1);
  files.fail_sync(2, {.reads_return_old = true});  // the next segment's header, which says that b is dropped
  ASSERT_TRUE(append({"b"}, "b"));
  journal->run_once();
  kill();
  open();  // the system still shows b, and the disk does not hold it
  EXPECT_THAT(read(), ElementsAre("a", "b"));
  cut_power();
  open();
  EXPECT_THAT(read(), ElementsAre("a", "b")) << "what was shown once stays";
}

// --- a full disk -------------------------------------------------------------------------------------------------

TEST_F(JournalTest, survives_a_full_disk_and_goes_on_when_there_is_room) {
  open();
  write({"a"});
  files.set_capacity(files.used_bytes());
  Result<Sequence> last = Sequence{0};
  int taken = 0;
  while (true) {
    last = append({std::string(9000, 'x')}, "x" + std::to_string(taken));
    if (!last) break;
    ASSERT_TRUE(journal->run_once());
    ASSERT_EQ(outcomes["x" + std::to_string(taken)], "durable") << last_failure;
    ++taken;
  }
  EXPECT_EQ(last.error().code, Code::no_space);
  EXPECT_GE(taken, 8) << "everything that was prepared can be used";
  EXPECT_TRUE(journal->stats().full);
  EXPECT_EQ(read().size(), static_cast<size_t>(taken) + 1);
  EXPECT_TRUE(append({"small"}, "small")) << "there is still a block for it";
  journal->run_once();
  EXPECT_EQ(outcomes["small"], "durable");

  files.set_capacity(SimulatedFiles::kUnlimited);
  EXPECT_EQ(append({std::string(9000, 'x')}).error().code, Code::no_space);
  clock.advance(seconds(1));
  journal->run_once();
  EXPECT_FALSE(journal->stats().full);
  write({"b"});
  const auto found = read();
  EXPECT_EQ(found.size(), static_cast<size_t>(taken) + 3);
  EXPECT_EQ(found.back(), "b");
}

TEST_F(JournalTest, answers_no_space_when_the_disk_fills_while_appends_wait) {
  segment_bytes = 32 << 10;
  open();
  write_many(1);
  files.set_capacity(files.used_bytes());
  uint64_t last = 0;
  for (int i = 0; i < 4; ++i) last = append({std::string(11 << 10, 'x')}, "x" + std::to_string(i))->value;
  while (journal->run_once()) {
  }
  EXPECT_EQ(outcomes["x0"], "durable");
  int failed = 0;
  for (const auto& [name, outcome] : outcomes) failed += outcome == "no_space" ? 1 : 0;
  ASSERT_GT(failed, 0) << "the next segment could not be made when they were already accepted";
  kill();
  files.set_capacity(SimulatedFiles::kUnlimited);
  open();
  EXPECT_EQ(journal->recovery().next.value, last + 1) << "numbers of what failed are not given again";
}

TEST_F(JournalTest, opens_on_a_full_disk_for_reading) {
  open();
  write_many(12);
  // The spare segment goes, as if another program had eaten the space before it was made.
  kill();
  ASSERT_TRUE(files.remove(folder + "/" + newest_file()));
  files.set_capacity(files.used_bytes());
  open();
  EXPECT_EQ(read().size(), 12u);
  EXPECT_EQ(append({"x"}).error().code, Code::no_space);
  EXPECT_TRUE(journal->stats().full);
  files.set_capacity(SimulatedFiles::kUnlimited);
  clock.advance(seconds(1));
  journal->run_once();
  write_many(1);
  EXPECT_EQ(read().size(), 13u);
}

// --- what is found after a crash ---------------------------------------------------------------------------------

// Writes two groups and lets the third reach the disk only up to `bytes`, as a cut of the power may.
TEST_F(JournalTest, cuts_a_torn_tail_at_any_byte) {
  for (const uint64_t bytes : {1u, 7u, 8u, 15u, 16u, 40u, 63u, 64u, 65u, 511u, 512u, 4095u, 4096u, 4097u, 8191u}) {
    new_folder();
    open();
    write({"a", "b"});
    const std::string torn(6000, 't');
    ASSERT_TRUE(append({torn}, "t" + std::to_string(bytes)));
    ASSERT_TRUE(journal->run_once());
    kill();
    // The two groups before it take one block each, behind the header's.
    auto file = *files.open(folder + "/000000000001.segment", OpenMode::read_write);
    const uint64_t start = 3 * kBlockBytes;
    ASSERT_TRUE(file->write_at(start + bytes, std::string(kSegment - start - bytes, '\0')));
    ASSERT_TRUE(file->sync());
    open();
    if (bytes < 6000 + 64) {
      EXPECT_THAT(damages(), HasSubstr("000000000001.segment:12288-")) << bytes;
      EXPECT_THAT(damages(), HasSubstr("torn tail cut")) << bytes;
      EXPECT_THAT(damages(), HasSubstr("(cut)")) << bytes;
      EXPECT_THAT(read(), ElementsAre("a", "b")) << bytes;
      EXPECT_GT(journal->recovery().next.value, 3u) << "its number may have been acknowledged";
    } else {
      EXPECT_THAT(read(), ElementsAre("a", "b", torn)) << bytes;
    }
    write({"c" + std::to_string(bytes)});
    EXPECT_EQ(read().back(), "c" + std::to_string(bytes));
    kill();
    open();
    EXPECT_EQ(damages(), "") << "a cut is reported once";
  }
}

TEST_F(JournalTest, names_a_damaged_group_and_reads_on_behind_it) {
  open();
  write({"a", "b", "c"});
  flip("000000000001.segment", 2 * kBlockBytes + 66);
  EXPECT_THAT(read(),
              ElementsAre("a",
                          "! corrupt 000000000001.segment bytes 8192 to 12288: the group does not match its checksum; "
                          "record 2 cannot be read",
                          "c"));
  EXPECT_THAT(sequences, ElementsAre(1, 3));
  EXPECT_THAT(read(3), ElementsAre("c")) << "damage before what was asked for is no error";
  kill();
  open();
  EXPECT_THAT(damages(), HasSubstr("000000000001.segment:8192-12288 corrupt group"));
  EXPECT_EQ(read().size(), 3u);
  EXPECT_EQ(journal->recovery().next.value, 4u);
}

TEST_F(JournalTest, a_damaged_last_group_of_a_sealed_segment_is_no_torn_tail) {
  open();
  write_many(30);
  const std::string name = *journal->segment_of({1});
  uint64_t last = 1;
  while (*journal->segment_of({last + 1}) == name) ++last;
  flip(name, last * kBlockBytes + 66);
  kill();
  open();
  EXPECT_EQ(damages(), "") << "only the newest segment is scanned at a start";
  const auto found = read();
  EXPECT_THAT(found[last - 1], HasSubstr("! corrupt " + name));
  EXPECT_EQ(found.size(), 30u);
}

// Goal: no flipped bit anywhere is silent. Method: each block of each file in turn, at three places, on a journal that
// was made anew for it (a start may replace the newest file).
TEST_F(JournalTest, no_flipped_bit_changes_or_hides_a_record_silently) {
  const auto make = [this] {
    new_folder();
    written = 0;
    open();
    write_many(40);
    kill();
    open();
  };
  make();
  const std::vector<std::string> all = read();
  ASSERT_EQ(all.size(), 40u);
  kill();
  std::vector<std::pair<std::string, uint64_t>> places;
  for (const std::string& name : names()) {
    const uint64_t size = *(*files.open(folder + "/" + name, OpenMode::read))->size();
    for (uint64_t block = 0; block < size; block += kBlockBytes) {
      for (const uint64_t offset : {block + 20, block + 66, block + 2100}) {
        if (offset < size) places.emplace_back(name, offset);
      }
    }
  }
  for (const auto& [name, offset] : places) {
    make();
    kill();
    flip(name, offset);
    open();
    std::vector<std::string> found = read();
    const bool is_named = damages() != "" || std::any_of(found.begin(), found.end(), [](const std::string& text) {
                            return text.starts_with("! corrupt");
                          });
    std::erase_if(found, [](const std::string& text) { return text.starts_with("!"); });
    if (found == all) continue;
    EXPECT_TRUE(is_named) << name << " " << offset;
    EXPECT_LT(found.size(), all.size()) << name << " " << offset;
    for (const std::string& record : found) EXPECT_THAT(all, testing::Contains(record)) << name << " " << offset;
  }
}

TEST_F(JournalTest, reads_around_an_unreadable_sector) {
  open();
  write({"a", "b", "c"});
  ASSERT_TRUE(files.make_unreadable(folder + "/000000000001.segment", 2 * kBlockBytes, 512));
  const auto found = read();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_THAT(found[1], HasSubstr("! corrupt 000000000001.segment bytes 8192 to 12288"));
}

TEST_F(JournalTest, keeps_acked_records_when_killed_mid_rotation) {
  // Every operation of a run over several segments is the last one once.
  for (uint64_t operations = 1; operations < 160; ++operations) {
    new_folder();
    outcomes.clear();
    files.power_off_after(operations);
    std::vector<std::string> acknowledged;
    if (try_open()) {
      for (int i = 0; i < 40 && !files.is_power_off(); ++i) {
        const std::string record = std::to_string(i);
        if (append({record}, record)) journal->run_once();
        if (outcomes[record] == "durable") acknowledged.push_back(record);
      }
    }
    cut_power();
    open();
    auto found = read();
    ASSERT_GE(found.size(), acknowledged.size()) << operations;
    found.resize(acknowledged.size());
    EXPECT_EQ(found, acknowledged) << operations;
  }
}

TEST_F(JournalTest, idle_restarts_do_not_pile_up_segments) {
  open();
  write({"a"});
  for (int i = 0; i < 20; ++i) {
    kill();
    open();
    EXPECT_EQ(damages(), "");
  }
  EXPECT_LE(journal->stats().segments, 2u);
  EXPECT_LT(journal->stats().bytes_on_disk, 2 * kSegment);
  EXPECT_THAT(read(), ElementsAre("a"));
}

TEST_F(JournalTest, a_start_reads_headers_and_the_newest_segment_only) {
  open();
  write_many(150);
  ASSERT_GE(journal->stats().segments, 10u);
  const uint64_t segments = journal->stats().segments;
  kill();
  open();
  EXPECT_LE(journal->recovery().bytes_scanned, (segments + 2) * 2 * kBlockBytes + 2 * kSegment);
}

// --- the folder --------------------------------------------------------------------------------------------------

TEST_F(JournalTest, refuses_a_newer_format_with_the_reason) {
  open();
  write({"a"});
  kill();
  auto file = *files.open(folder + "/000000000001.segment", OpenMode::read_write);
  std::string block(kBlockBytes, '\0');
  ASSERT_TRUE(file->read_at(0, block.data(), block.size()));
  block[8] = 2;
  const uint64_t checksum = checksum64(std::string_view(block).substr(0, 120));
  memcpy(block.data() + 120, &checksum, 8);
  ASSERT_TRUE(file->write_at(0, block));
  const Status opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::unsupported);
  EXPECT_THAT(opened.error().text(), HasSubstr("format version 2, this weir reads up to version 1"));
}

TEST_F(JournalTest, leaves_foreign_files_alone) {
  open();
  write({"a"});
  kill();
  for (const std::string name : {"notes.txt", "1.segment", "000000000099.segment", "000000000001.segment.bak"}) {
    auto file = *files.open(folder + "/" + name, OpenMode::create);
    ASSERT_TRUE(file->write_at(0, std::string(10'000, 'g')));
  }
  open();
  EXPECT_THAT(read(), ElementsAre("a"));
  EXPECT_THAT(damages(), HasSubstr("000000000099.segment:0-10000 no segment of this journal"));
  write({"b"});
  kill();
  open();
  EXPECT_THAT(read(), ElementsAre("a", "b"));
  EXPECT_THAT(names(), testing::IsSupersetOf({"notes.txt", "1.segment", "000000000099.segment"}));
}

TEST_F(JournalTest, names_a_segment_that_is_missing_or_renamed) {
  open();
  write_many(60);
  kill();
  ASSERT_TRUE(files.rename(folder + "/000000000002.segment", folder + "/000000000077.segment"));
  open();
  EXPECT_THAT(damages(), HasSubstr("000000000002.segment:0-"));
  EXPECT_THAT(damages(), HasSubstr("segment is missing and was not released"));
  EXPECT_THAT(damages(), HasSubstr("renamed: its header says it is segment 2"));
  const auto found = read();
  EXPECT_THAT(found, testing::Contains(HasSubstr("! corrupt 000000000002.segment")));
  EXPECT_EQ(found.front(), "record 0");
  EXPECT_EQ(found.back(), "record 59");
}

TEST_F(JournalTest, refuses_to_start_over_when_all_segments_are_gone) {
  open();
  write_many(3);
  kill();
  for (const std::string& name : names()) {
    if (name.ends_with(".segment")) {
      ASSERT_TRUE(files.remove(folder + "/" + name));
    }
  }
  EXPECT_EQ(try_open().error().code, Code::corrupt);
}

TEST_F(JournalTest, releases_whole_segments_only_and_remembers_it) {
  open();
  write_many(60);
  const uint64_t before = journal->stats().bytes_on_disk;
  ASSERT_TRUE(journal->release({30}));
  EXPECT_LT(journal->stats().bytes_on_disk, before);
  const uint64_t first = journal->stats().first.value;
  EXPECT_LE(first, 30u);
  EXPECT_GT(first, 1u);
  EXPECT_EQ(journal->segment_of({1}).error().code, Code::not_found);
  EXPECT_EQ(read(1).size(), 60 - first + 1) << "a reader starts at the oldest that is kept";
  cut_power();
  open();
  EXPECT_EQ(damages(), "");
  EXPECT_EQ(journal->stats().first.value, first);
  EXPECT_EQ(read(30).size(), 31u);
  ASSERT_TRUE(journal->release({1'000}));
  EXPECT_TRUE(read().empty() || journal->stats().segments == 1);
  write_many(1);
  EXPECT_EQ(read().back(), "record 60");
}

TEST_F(JournalTest, sealed_before_it_is_full_a_segment_can_be_released_with_all_it_held) {
  open();
  ASSERT_TRUE(journal->seal()) << "an empty one stays";
  EXPECT_EQ(journal->stats().segments, 1u);
  write({"gone-a", "gone-b"});
  ASSERT_TRUE(append({"kept"}, "kept"));  // waits: it belongs to the next segment
  ASSERT_TRUE(journal->seal());
  EXPECT_EQ(journal->stats().segments, 2u);
  ASSERT_TRUE(journal->seal()) << "again changes nothing";
  EXPECT_EQ(journal->stats().segments, 2u);
  ASSERT_TRUE(journal->run_once());
  ASSERT_TRUE(journal->release({3}));
  EXPECT_EQ(journal->stats().first.value, 3u);
  EXPECT_THAT(read(), ElementsAre("kept"));
  // Nothing of it is left in any file, nor after a restart, which copies a last group.
  for (const bool cut : {false, true}) {
    for (const std::string& name : names()) {
      EXPECT_EQ(read_file(files, folder + "/" + name)->find("gone-"), std::string::npos) << name;
    }
    cut ? cut_power() : kill();
    open();
    EXPECT_THAT(damages(), "");
    EXPECT_THAT(read(), ElementsAre("kept"));
  }
  EXPECT_EQ(journal->recovery().next.value, 4u);
}

TEST_F(JournalTest, sealed_and_released_to_the_end_it_goes_on_with_the_next_number) {
  open();
  write({"a", "b"});
  ASSERT_TRUE(journal->seal());
  ASSERT_TRUE(journal->release({3}));
  for (int i = 0; i < 3; ++i) {
    i == 1 ? cut_power() : kill();
    open();
    EXPECT_THAT(damages(), "");
    EXPECT_THAT(read(), ElementsAre());
  }
  write({"c"});
  EXPECT_THAT(read(), ElementsAre("c"));
  EXPECT_THAT(sequences, ElementsAre(3));
}

TEST_F(JournalTest, sealing_and_releasing_survive_power_cuts_at_any_point) {
  for (uint64_t operations = 1; operations <= 40; ++operations) {
    new_folder();
    written = 0;
    outcomes.clear();
    open();
    write_many(3);
    files.power_off_after(operations);
    const bool sealed = journal->seal().has_value();
    const bool released = sealed && journal->release({4}).has_value();
    cut_power();
    open();
    EXPECT_THAT(damages(), "") << operations;
    EXPECT_THAT(read(), released ? testing::Matcher<const std::vector<std::string>&>(ElementsAre())
                                 : testing::AnyOf(ElementsAre(), ElementsAre("record 0", "record 1", "record 2")))
        << operations;
    EXPECT_EQ(journal->recovery().next.value, 4u) << operations;
    ASSERT_TRUE(journal->seal());
    ASSERT_TRUE(journal->release({4}));
    EXPECT_THAT(read(), ElementsAre()) << operations;
    write_many(1);
    EXPECT_THAT(read(), ElementsAre("record 3")) << operations;
  }
}

TEST_F(JournalTest, refuses_settings_that_cannot_work) {
  segment_bytes = 5000;
  EXPECT_THAT(try_open().error().message, HasSubstr("segment_bytes is 5000"));
  segment_bytes = 1ull << 40;
  EXPECT_EQ(try_open().error().code, Code::invalid);
}

}  // namespace
}  // namespace weir::journal
