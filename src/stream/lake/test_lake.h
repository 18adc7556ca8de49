// A lake over the real journal, control database and engine, on a folder of the machine's disk. For tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/io/simulated_clock.h"
#include "stream/capture/record.h"
#include "stream/lake/lake.h"

namespace weir::lake {

namespace fs = std::filesystem;

inline capture::Field field(std::string name, capture::FieldType type, bool required) {
  capture::Field out;
  out.name = std::move(name);
  out.type = type;
  out.required = required;
  return out;
}

inline std::shared_ptr<capture::Stream> clicks() {
  auto out = std::make_shared<capture::Stream>();
  out->name = "clicks";
  out->fields = {field("click_id", capture::FieldType::uuid, false),
                 field("amount", capture::FieldType::integer, false),
                 field("occurred_at", capture::FieldType::timestamp, true)};
  out->key = "click_id";
  out->time_field = "occurred_at";
  return out;
}

class LakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/var/tmp/weir-lake-XXXXXX";
    root_ = mkdtemp(name);
    open();
  }
  void TearDown() override {
    close();
    fs::remove_all(root_);
  }

  void close() {
    engine_.reset();
    lake_.reset();
    journal_.reset();
    control_.reset();
  }
  template <class T>
  static T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().text());
    return std::move(*result);
  }
  void open(bool knows_streams = true) {
    control_ = must(control::Control::open(root_ + "/control.db", clock_));
    journal::Options journal;
    journal.folder = root_ + "/journal";
    journal.segment_bytes = 4u << 20;
    journal.own_thread = false;
    journal_ = must(journal::Journal::open(real_files(), clock_, metrics_, journal));
    Options lake = options_;
    lake.store_root = root_ + "/store";
    lake_ = must(Lake::open(real_files(), clock_, metrics_, *journal_, *control_, lake));
    engine::EngineOptions engine;
    engine.store_root = lake.store_root;
    engine.temp_directory = root_ + "/tmp";
    engine_ = must(engine::Engine::open(engine, *lake_, {}));
    lake_->set_engine(*engine_);
    if (!knows_streams) return;
    auto streams = lake_->set_streams({{7, 1, stream_}});
    ASSERT_TRUE(streams) << streams.error().text();
  }
  void reopen() {
    close();
    open();
  }

  void append(const std::vector<std::string>& encoded) {
    journal::Batch batch;
    for (const auto& record : encoded) batch.add(record);
    bool done = false;
    auto first = journal_->append(std::move(batch), [&](const Status& status) { done = status.has_value(); });
    ASSERT_TRUE(first) << first.error().text();
    while (journal_->run_once()) {
    }
    ASSERT_TRUE(done);
  }
  std::string click(int number, const std::string& time) {
    char id[64];
    std::snprintf(id, sizeof id, "00000000-0000-4000-8000-%012d", number);
    payload_ = "{\"click_id\":\"" + std::string(id) + "\",\"amount\":" + std::to_string(number) +
               ",\"occurred_at\":\"" + time + "\"" +
               (payload_padding_.empty() ? "" : ",\"padding\":\"" + payload_padding_ + "\"") + "}";
    capture::Record record;
    record.stream = 7;
    record.arrived_at = {clock_.wall().micros};
    record.event_time = {*parse_timestamp(time)};
    record.id = id;
    record.payload = payload_;
    std::string out;
    capture::encode(record, out);
    return out;
  }
  std::string refused(const std::string& payload) {
    capture::Record record;
    record.kind = capture::RecordKind::quarantined;
    record.stream = 7;
    record.arrived_at = {clock_.wall().micros};
    record.id = "11111111-1111-4111-8111-111111111111";
    record.payload = payload;
    record.reason = "missing_field";
    record.message = "occurred_at is missing";
    std::string out;
    capture::encode(record, out);
    return out;
  }
  std::string sql(const std::string& statement) {
    auto session = must(engine_->connect(engine::Trust::user));
    auto rows = session->query(statement, {}, {});
    if (!rows) return rows.error().text();
    std::string out;
    while (true) {
      auto batch = must((*rows)->next());
      if (batch.empty()) return out;
      for (const auto& row : batch) {
        for (const auto& cell : row) {
          if (const auto* number = std::get_if<int64_t>(&cell)) out += std::to_string(*number) + " ";
          if (const auto* text = std::get_if<std::string>(&cell)) out += *text + " ";
          if (std::holds_alternative<std::nullptr_t>(cell)) out += "NULL ";
        }
      }
    }
  }
  std::vector<std::string> files(const std::string& below) {
    std::vector<std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(root_ + "/store/" + below)) {
      if (entry.is_regular_file() && entry.path().filename() != "manifest.json") out.push_back(entry.path().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }
  void verify_agrees() {
    auto verified = lake_->verify();
    ASSERT_TRUE(verified) << verified.error().text();
    EXPECT_TRUE(verified->problems.empty()) << verified->problems[0];
  }
  void commit() {
    ASSERT_TRUE(lake_->pump());
    auto done = lake_->commit();
    ASSERT_TRUE(done) << done.error().text();
  }

  Options options_;
  std::string root_, payload_, payload_padding_;
  ManualClock clock_;
  Metrics metrics_;
  std::shared_ptr<capture::Stream> stream_ = clicks();
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Lake> lake_;
  std::unique_ptr<engine::Engine> engine_;
};

}  // namespace weir::lake
