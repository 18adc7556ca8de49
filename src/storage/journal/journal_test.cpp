// The journal over a simulated disk and the real one: every promise of journal.h, by small verbs on a fixture.
#include "storage/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

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
    options.folder = "/j";
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
    for (const auto& entry : *files.list("/j")) names.push_back(entry.name);
    return names;
  }
  void flip(const std::string& name, uint64_t offset, int bit = 3) {
    const Status flipped = files.flip_bit({"/j/" + name, offset, bit});
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

  uint64_t segment_bytes = kSegment;
  uint64_t power_cuts = 1;
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

}  // namespace
}  // namespace weir::journal
