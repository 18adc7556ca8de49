// Queries in rounds, taken through seeded faults: queries that fail and recover, that finish just as they are stopped,
// writes that fail, programs that are killed. Whatever happens, the end is that of an undisturbed run.
#include "platform/flow/query_rounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <mutex>
#include <set>

#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "platform/flow/query_results.h"

namespace weir::flow {
namespace {

using ::testing::HasSubstr;

// More by command: WEIR_TEST_SEEDS=1000.
uint64_t seeds() {
  const char* asked = std::getenv("WEIR_TEST_SEEDS");  // NOLINT(concurrency-mt-unsafe): before any thread
  return asked == nullptr ? 200 : std::strtoull(asked, nullptr, 10);
}

// How a query ends in each of its rounds.
enum class Fate { finishes, fails, stopped, finishes_while_stopped };
struct Script {
  std::map<std::string, std::vector<Fate>> fates;
};

Script random_script(Random& random, const RoundPlan& plan) {
  Script out;
  for (const auto& segment : plan.segments) {
    for (const RoundQuery& query : segment) {
      auto& fates = out.fates[query.name];
      for (int round = 0; round < plan.rounds; ++round) fates.push_back(static_cast<Fate>(random_below(random, 4)));
    }
  }
  return out;
}

RoundPlan random_plan(Random& random) {
  RoundPlan out;
  out.rounds = 1 + static_cast<int>(random_below(random, 3));
  out.parallel = 1 + random_below(random, 4);
  out.prefix = "warehouse/20261122T180000Z-1a2b";
  const uint64_t segments = 1 + random_below(random, 4);
  for (uint64_t segment = 0; segment < segments; ++segment) {
    std::vector<RoundQuery> queries;
    const uint64_t count = 1 + random_below(random, 3);
    for (uint64_t i = 0; i < count; ++i) {
      const std::string name = "Q" + std::to_string(segment) + std::to_string(i);
      queries.push_back({name, "scripts/" + name + ".sql", name, name, seconds(10)});
    }
    out.segments.push_back(std::move(queries));
  }
  return out;
}

// What a program leaves behind: the run's record, its tasks and its files.
class World {
 public:
  World(uint64_t seed, RoundPlan plan, Script script)
      : random_(seed), plan_(std::move(plan)), script_(std::move(script)) {
    control_ = std::move(*control::Control::open(files_, "/control.db", clock_));
    store_ = std::move(*LocalBlobStore::open(files_, "/runs"));
    run_.id = "019aa000-0000-7000-8000-000000000001";
    run_.kind = "review";
    run_.state = "running";
    EXPECT_TRUE(control_->put_run(run_));
  }

  // One life of the program. It is killed at the write with this number, if there are so many.
  Result<RoundsState> live(uint64_t writes_left) {
    control::Run run = run_;  // what a start reads
    RunTasks tasks(*control_, clock_, run.id);
    EXPECT_TRUE(tasks.load());
    const Cancel cancel;
    Source source(*this);
    DyingStore store(*this, *store_);
    writes_left_ = writes_left;
    const auto keep = [this](const control::Run& kept) -> Status {
      const std::lock_guard lock(mutex_);
      if (!may_write()) return Error(Code::io, "killed");
      run_ = kept;
      return control_->put_run(kept);
    };
    WorkContext context(run, cancel, tasks, keep, {});
    return run_rounds({source, store, clock_}, plan_, context);
  }

  // Every file, without what tells one run from another.
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> out;
    const auto blobs = store_->list("");
    EXPECT_TRUE(blobs);
    for (const Blob& blob : *blobs) {
      auto file = store_->open(blob.key);
      std::string text(blob.size, '\0');
      EXPECT_EQ((*file)->read_at(0, text.data(), text.size()).value_or(0), blob.size);
      out[blob.key] = text;
    }
    return out;
  }

  int asks_after_finish() const { return asks_after_finish_; }
  const RoundPlan& plan() const { return plan_; }
  const Script& script() const { return script_; }

 private:
  // Holding mutex_.
  bool may_write() { return writes_left_ > 0 && writes_left_-- > 0; }

  class DyingStore final : public BlobStore {
   public:
    DyingStore(World& world, BlobStore& store) : world_(world), store_(store) {}
    Status put(const std::string& key, std::string_view bytes) override {
      const std::lock_guard lock(world_.mutex_);
      if (!world_.may_write()) return Error(Code::io, "killed");
      return store_.put(key, bytes);
    }
    Result<std::unique_ptr<BlobWriter>> write(const std::string& key) override { return store_.write(key); }
    Result<std::unique_ptr<BlobFile>> open(const std::string& key) override { return store_.open(key); }
    Result<std::vector<Blob>> list(const std::string& prefix, size_t most) override {
      return store_.list(prefix, most);
    }
    Result<Blob> find(const std::string& key) override { return store_.find(key); }
    Status remove(const std::string& key) override { return store_.remove(key); }
    std::string staging_path() override { return store_.staging_path(); }
    Status publish(const std::string& staging, const std::string& key) override { return store_.publish(staging, key); }

   private:
    World& world_;
    BlobStore& store_;
  };

  // The engine: in which round a query is asked follows from what is on record.
  class Source final : public warehouse::SqlSource {
   public:
    explicit Source(World& world) : world_(world) {}
    Json about() const override { return Json("engine"); }
    Result<std::string> engine(const Cancel&) override { return std::string("weir"); }
    Result<warehouse::Readable> examine(const std::vector<std::string>&, const Cancel&) override {
      return warehouse::Readable{};
    }
    Result<warehouse::SqlAnswer> run(const std::string& sql, const warehouse::SqlLimits&, const Cancel&) override {
      const std::lock_guard lock(world_.mutex_);
      size_t round = 0;
      for (const Json& record : world_.run_.result["queries"].array()) {
        if (record["query"].as_string() != sql) continue;
        round = static_cast<size_t>(record["round"].as_int());
        if (record["status"].as_string() == "FINISHED") ++world_.asks_after_finish_;
      }
      switch (world_.script_.fates.at(sql).at(round)) {
        case Fate::fails:
          return Error(Code::invalid, "no relation " + sql);
        case Fate::stopped:
          return Error(Code::timed_out, "57014");
        case Fate::finishes:
        case Fate::finishes_while_stopped:
          break;
      }
      warehouse::SqlAnswer out;
      out.columns = {{"query", "VARCHAR"}, {"round", "BIGINT"}};
      out.rows = {{sql, static_cast<int64_t>(round + 1)}};
      return out;
    }

   private:
    World& world_;
  };

  ManualClock clock_;
  SeededRandom random_;
  const RoundPlan plan_;
  const Script script_;
  SimulatedFiles files_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<LocalBlobStore> store_;
  std::mutex mutex_;  // guards what follows
  control::Run run_;
  uint64_t writes_left_ = 0;
  int asks_after_finish_ = 0;
};

// What must be, whatever happened on the way.
void check(World& world, const RoundsState& state) {
  const auto files = world.files();
  for (const QueryRecord& record : state) {
    const auto& fates = world.script().fates.at(record.name);
    const auto finish = std::find_if(fates.begin(), fates.end(), [](Fate fate) {
      return fate == Fate::finishes || fate == Fate::finishes_while_stopped;
    });
    const bool is_finished = finish != fates.end();
    EXPECT_EQ(record.state, is_finished ? QueryState::finished : QueryState::failed) << record.name;
    EXPECT_EQ(record.round, is_finished ? finish - fates.begin() + 1 : static_cast<long>(fates.size())) << record.name;
    EXPECT_EQ(files.contains(record.result_key), is_finished) << record.name;
    EXPECT_EQ(files.contains(record.csv_key), is_finished) << record.name;
    EXPECT_EQ(files.contains(record.error_key), record.round > 1 || !is_finished) << record.name;
    EXPECT_EQ(record.error.empty(), is_finished) << record.error;
  }
  for (size_t segment = 0; segment < world.plan().segments.size(); ++segment) {
    int rounds = 0;
    for (const QueryRecord& record : state)
      rounds = record.segment == segment ? std::max(rounds, record.round) : rounds;
    for (int round = 1; round <= world.plan().rounds; ++round) {
      const std::string key = world.plan().prefix + "/manifest/round-" + std::to_string(round) + "-workflow-" +
                              std::to_string(world.plan().segments.size()) + "-" + std::to_string(segment) +
                              ".manifest";
      EXPECT_EQ(files.contains(key), round <= rounds) << key;
    }
  }
  EXPECT_EQ(world.asks_after_finish(), 0);
}

TEST(QueryRounds, end_alike_over_kills_at_every_write) {
  for (uint64_t seed = 1; seed <= seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SeededRandom random(seed);
    const RoundPlan plan = random_plan(random);
    const Script script = random_script(random, plan);
    World calm(seed, plan, script);
    const auto wanted = calm.live(UINT64_MAX);
    ASSERT_TRUE(wanted) << wanted.error().text();
    check(calm, *wanted);

    World wild(seed, plan, script);
    Result<RoundsState> got = Error(Code::io, "not begun");
    int lives = 0;
    for (; !got && lives < 200; ++lives) got = wild.live(1 + random_below(random, 12));
    ASSERT_TRUE(got) << got.error().text() << " after " << lives << " lives";
    check(wild, *got);
    EXPECT_EQ(to_json(*got).dump(), to_json(*wanted).dump());
    const auto files = wild.files(), calm_files = calm.files();
    for (const auto& [key, text] : calm_files) {
      const auto found = files.find(key);
      EXPECT_EQ(found == files.end() ? "missing" : found->second, text) << key << " after " << lives << " lives";
    }
    EXPECT_EQ(files.size(), calm_files.size());
    if (HasFailure()) break;
  }
}

TEST(QueryRounds, a_run_without_time_left_fails_what_is_left_and_says_so) {
  SeededRandom random(1);
  RoundPlan plan = random_plan(random);
  plan.end = 0;
  World world(1, plan, random_script(random, plan));
  const auto state = world.live(UINT64_MAX);
  ASSERT_TRUE(state) << state.error().text();
  for (const QueryRecord& record : *state) {
    EXPECT_EQ(record.state, QueryState::failed);
    EXPECT_THAT(record.error, HasSubstr("the run's time_limit was over before its turn came"));
  }
}

TEST(QueryResults, are_read_back_as_they_were_and_written_between_bars) {
  warehouse::SqlAnswer answer;
  answer.columns = {{"a", "VARCHAR"}, {"b", "DOUBLE"}, {"c", "BOOLEAN"}, {"d", "BIGINT"}};
  answer.rows = {{std::string("x|y\n'z'"), 1.5, true, int64_t{7}}, {std::string(), nullptr, false, int64_t{-1}}};
  answer.is_cut = true;
  const auto read = result_from_json(result_json(answer));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->rows, answer.rows);
  EXPECT_EQ(read->columns[1].type, "DOUBLE");
  EXPECT_TRUE(read->is_cut);
  EXPECT_EQ(result_bars(answer), "a|b|c|d\nx-y z|1.5|true|7\nempty|empty|false|-1\n");
  EXPECT_EQ(result_csv(answer), "a,b,c,d\r\n\"x|y\n'z'\",1.5,true,7\r\n\"\",,false,-1\r\n");
  EXPECT_EQ(result_from_json("{\"ColumnMetadata\":[],\"Records\":[[1]]}").error().code, Code::corrupt);
}

}  // namespace
}  // namespace weir::flow
