// How long one event takes on its way, in nanoseconds of one core: read and judged, through the whole of submit() with
// a journal that keeps nothing, and from payload to row; then a lookup of a new key in an index of many.
//   capture_hot_path [FOLDER KEYS]   the index is built in FOLDER (about 34 bytes a key) if it is not there yet
// Nothing here is a promise; docs/measured.md quotes bench/capture.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "core/base/ids.h"
#include "core/io/simulated_clock.h"
#include "core/io/simulated_files.h"
#include "stream/capture/dedup.h"
#include "stream/capture/event_reader.h"
#include "stream/capture/record.h"
#include "stream/capture/rows.h"
#include "stream/capture/test_streams.h"

namespace weir::capture {
namespace {

// Gives sequences and forgets the records; answers when asked to.
class ForgetfulJournal : public journal::Journal {
 public:
  const journal::Recovery& recovery() const override { return recovery_; }
  Result<journal::Sequence> append(journal::Batch batch, journal::Completion done) override {
    const journal::Sequence first{next_};
    next_ += batch.count();
    waiting_.push_back(std::move(done));
    return first;
  }
  journal::Sequence durable_end() const override { return {next_}; }
  bool wait_past(journal::Sequence, Duration) override { return true; }
  Result<std::unique_ptr<journal::Reader>> read_from(journal::Sequence) override {
    struct Nothing : journal::Reader {
      Result<std::vector<journal::Entry>> next_group() override { return std::vector<journal::Entry>(); }
      journal::Sequence position() const override { return {1}; }
    };
    return std::unique_ptr<journal::Reader>(std::make_unique<Nothing>());
  }
  Status release(journal::Sequence) override { return {}; }
  Status seal() override { return {}; }
  journal::Stats stats() const override { return {}; }
  Result<std::string> segment_of(journal::Sequence) const override { return Error(Code::not_found, "none"); }
  bool run_once() override {
    for (auto& done : std::exchange(waiting_, {})) done(Status());
    return false;
  }

 private:
  journal::Recovery recovery_;
  uint64_t next_ = 1;
  std::vector<journal::Completion> waiting_;
};

std::string impression(Random& random, bool spaces) {
  const ManualClock clock;
  const std::string colon = spaces ? ": " : ":", comma = spaces ? ", " : ",";
  return "{\"impression_id\"" + colon + "\"" + format_uuid(uuid_v7(clock, random)) + "\"" + comma + "\"ad_id\"" +
         colon + "\"" + format_uuid(uuid_v7(clock, random)) + "\"" + comma + "\"occurred_at\"" + colon +
         "\"2023-11-14 22:13:20.123\"}";
}

std::string body_of(Random& random, int records, bool spaces = false) {
  std::string out = "[";
  for (int i = 0; i < records; ++i) out += (i == 0 ? "" : ",") + impression(random, spaces);
  return out + "]";
}

// Of the processor, so that what else runs on the machine does not count.
template <class Work>
double nanoseconds(Work work) {
  auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  work();
  return now() - begin;
}

void measure_judge(bool spaces) {
  const auto plan = plan_of(impressions());
  SeededRandom random(7);
  const std::string body = body_of(random, 100, spaces);
  EventReader reader;
  size_t good = 0;
  double best = 1e18;
  for (int repeat = 0; repeat < 5; ++repeat) {
    best = std::min(best, nanoseconds([&] {
                      for (int i = 0; i < 2000; ++i) {
                        if (!reader.read(*plan, body, BodyFormat::any_json, {})) std::abort();
                        for (const Candidate& record : reader.records()) good += record.fits() ? 1 : 0;
                      }
                    }));
  }
  if (good != 5u * 2000 * 100) std::abort();
  std::printf("read and judge%s: %.0f ns an event of %zu bytes\n", spaces ? ", with white space" : "", best / 200'000,
              body.size() / 100);
}

void measure_rows() {
  const auto stream = std::make_shared<Stream>(impressions());
  auto columns = table_columns(*stream);
  for (auto& column : partition_columns(*stream)) columns.push_back(column);
  auto writer = RowWriter::accepted(stream);
  SeededRandom random(7);
  std::vector<std::string> payloads;
  for (int i = 0; i < 2048; ++i) payloads.push_back(impression(random, false));
  Record record;
  record.event_time = {1'700'000'000'000'000};
  double best = 1e18;
  for (int repeat = 0; repeat < 200; ++repeat) {
    engine::RowBlock block(columns);
    best = std::min(best, nanoseconds([&] {
                      for (const std::string& payload : payloads) {
                        record.payload = payload;
                        if (!writer->append(record, 1, block)) std::abort();
                      }
                    }));
  }
  std::printf("payload to row: %.0f ns a row of 6 columns\n", best / 2048);
}

void measure_submit(int batch, int rounds) {
  SimulatedFiles files;
  ManualClock clock;
  SeededRandom random(11);
  Metrics metrics;
  ForgetfulJournal journal;
  auto capture = Capture::open(files, clock, random, metrics, journal, {.folder = "/w/dedup", .limits = {}});
  if (!capture) std::abort();
  const AppliedStream applied{1, 1, std::make_shared<Stream>(impressions())};
  (*capture)->set_streams({applied});
  std::vector<std::string> bodies;
  for (int i = 0; i < rounds; ++i) bodies.push_back(body_of(random, batch));
  uint64_t accepted = 0;
  double taken = 0, maintained = 0;
  for (int i = 0; i < rounds; ++i) {
    taken += nanoseconds([&] {
      if (!(*capture)->submit(applied, {bodies[static_cast<size_t>(i)], BodyFormat::any_json, {}},
                              [&](Reply reply) { accepted += reply.accepted; })) {
        std::abort();
      }
      journal.run_once();
    });
    if (i % (100'000 / batch) == 0) maintained += nanoseconds([&] { (void)(*capture)->maintain().has_value(); });
  }
  if (accepted != static_cast<uint64_t>(batch) * static_cast<uint64_t>(rounds)) std::abort();
  const double events = static_cast<double>(accepted);
  std::printf("submit, %d a request: %.0f ns an event (%.2f M events/s a core); sealing and merging %.0f ns\n", batch,
              taken / events, 1e3 * events / taken, maintained / events);
}

void measure_index(const std::string& folder, uint64_t keys) {
  ManualClock clock;
  SeededRandom random(5);
  Metrics metrics;
  auto opened = DedupIndex::open(real_files(), clock, random, metrics, {.folder = folder});
  if (!opened) std::abort();
  DedupIndex& index = **opened;
  uint64_t sequence = index.sealed_through();
  auto maintain = [&] {
    auto done = index.maintain(
        days(7), [](const auto& work) { work(); }, [&] { return sequence + 1; });
    if (!done) std::fprintf(stderr, "%s\n", done.error().text().c_str());
  };
  const auto now_s = static_cast<uint32_t>(clock.wall().micros / 1'000'000);
  const double built = nanoseconds([&] {
    for (uint64_t i = sequence; i < keys; ++i) {
      if (!index.has_room(1)) maintain();
      index.insert({fingerprint(index.hash_key(), std::to_string(i)), ++sequence, 0, now_s});
    }
    maintain();
    maintain();
  });
  const auto runs = index.runs();
  uint64_t sealed = 0;
  for (int known = 0; known < 2; ++known) {
    constexpr int kLookups = 200'000;
    std::vector<Fingerprint> wanted;
    for (int i = 0; i < kLookups; ++i) {
      const uint64_t number = known == 1 ? random.next() % (keys - 2'000'000) + 1 : keys + random.next() % keys + 1;
      wanted.push_back(fingerprint(index.hash_key(), std::to_string(number)));
    }
    uint64_t found = 0;
    const double taken = nanoseconds([&] {
      for (size_t i = 0; i < wanted.size(); ++i) {
        if (i % 100 == 0) {
          for (size_t j = i; j < std::min(i + 100, wanted.size()); ++j) index.prefetch(*runs, wanted[j]);
        }
        auto entry = index.find_sealed(*runs, wanted[i], 0);
        if (!entry) std::abort();
        found += *entry ? 1 : 0;
      }
    });
    sealed = *metrics.read("weir_dedup_sealed_keys") > 0
                 ? static_cast<uint64_t>(*metrics.read("weir_dedup_sealed_keys"))
                 : 0;
    std::printf("lookup of a %s key: %.0f ns (%llu of %d found)\n", known == 1 ? "known" : "new", taken / kLookups,
                static_cast<unsigned long long>(found), kLookups);
  }
  std::printf("index of %llu sealed keys in %zu runs; built in %.1f s\n", static_cast<unsigned long long>(sealed),
              runs->runs.size(), built * 1e-9);
}

}  // namespace
}  // namespace weir::capture

int main(int argc, char** argv) {
  weir::capture::measure_judge(false);
  weir::capture::measure_judge(true);
  weir::capture::measure_rows();
  weir::capture::measure_submit(1, 300'000);
  weir::capture::measure_submit(100, 10'000);
  if (argc == 3) weir::capture::measure_index(argv[1], std::strtoull(argv[2], nullptr, 10));
}
