// From records to rows: every type, every absence, payloads of older revisions, and bytes that are not what was judged.
#include "stream/capture/rows.h"

#include <gtest/gtest.h>

#include "core/base/ids.h"
#include "core/io/simulated_clock.h"
#include "stream/capture/event_judge.h"
#include "stream/capture/test_streams.h"

namespace weir::capture {
namespace {

class Rows {
 public:
  explicit Rows(Stream stream) : stream_(std::make_shared<Stream>(std::move(stream))), block_(all_columns(*stream_)) {
    writer_ = RowWriter::accepted(stream_);
  }
  static std::vector<engine::Column> all_columns(const Stream& stream) {
    auto out = table_columns(stream);
    for (auto& column : partition_columns(stream)) out.push_back(column);
    return out;
  }
  Status append(std::string_view payload, EventTime time = {1'700'000'000'000'000}) {
    Record record;
    record.payload = payload;
    record.id = "the-id";
    record.event_time = time;
    record.arrived_at = {1'700'000'000'000'001};
    return writer_->append(record, ++sequence_, block_);
  }
  const engine::ColumnValues& operator[](std::string_view name) const {
    for (size_t i = 0; i < block_.columns().size(); ++i) {
      if (block_.columns()[i].name == name) return block_.column(i);
    }
    ADD_FAILURE() << "no column " << name;
    return block_.column(0);
  }
  const engine::RowBlock& block() const { return block_; }

 private:
  std::shared_ptr<const Stream> stream_;
  std::unique_ptr<RowWriter> writer_;
  engine::RowBlock block_;
  uint64_t sequence_ = 100;
};

std::vector<std::string> names_of(const std::vector<engine::Column>& columns) {
  std::vector<std::string> out;
  for (const auto& column : columns) out.push_back(column.name);
  return out;
}

TEST(Rows, a_former_name_of_any_age_is_the_same_column) {
  Stream s = impressions();
  s.unknown = UnknownFields::keep;
  s.fields[1].was = "ad";
  s.fields[1].former = {"banner", "slot"};
  Rows rows(s);
  const std::string id = "00000000-0000-4000-8000-00000000000";
  int made = 0;
  for (const char* name : {"ad_id", "ad", "banner", "slot"}) {
    ASSERT_TRUE(rows.append("{\"" + std::string(name) + "\": \"" + id + std::to_string(++made) + "\"}"));
  }
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(rows["ad_id"].uuid_low_at(i) & 0xF, i + 1);
    EXPECT_TRUE(rows["_extra"].is_null(i));
  }
  EXPECT_EQ(rows.block().columns()[1].former, (std::vector<std::string>{"ad", "banner", "slot"}));
}

TEST(Rows, have_a_column_for_each_field_then_what_weir_adds) {
  Stream s = impressions();
  EXPECT_EQ(names_of(Rows::all_columns(s)),
            (std::vector<std::string>{"impression_id", "ad_id", "occurred_at", "_seq", "_arrived_at", "dt"}));
  s.key.clear();
  s.unknown = UnknownFields::keep;
  s.partition = PartitionBy::year_month;
  EXPECT_EQ(names_of(Rows::all_columns(s)), (std::vector<std::string>{"impression_id", "ad_id", "occurred_at", "_extra",
                                                                      "_id", "_seq", "_arrived_at", "year", "month"}));
}

TEST(Rows, hold_every_type) {
  Rows rows(everything());
  ASSERT_TRUE(rows.append(
      R"({"id":"a","flag":true,"count":-9223372036854775808,"ratio":2.5,"price":"-12.5","name":"\u00fc\n","user":)"
      R"("0B0b0b0b-0000-7000-8000-000000000002","at":"1970-01-01 00:00:01.5","day":"1970-01-03","free":[1,{"x":null}],)"
      R"("device":{"os":"l"},"items":[],"more":{"y":1},"other":"z"})"));
  EXPECT_EQ(rows["id"].text_at(0), "a");
  EXPECT_EQ(rows["flag"].int_at(0), 1);
  EXPECT_EQ(rows["count"].int_at(0), INT64_MIN);
  EXPECT_EQ(rows["ratio"].double_at(0), 2.5);
  EXPECT_EQ(rows["price"].int_at(0), -1250);
  EXPECT_EQ(rows["name"].text_at(0), "ü\n");
  EXPECT_EQ(rows["user"].uuid_high_at(0), 0x0b0b0b0b00007000u);
  EXPECT_EQ(rows["at"].int_at(0), 1'500'000);
  EXPECT_EQ(rows["day"].int_at(0), 2);
  EXPECT_EQ(rows["free"].text_at(0), R"([1,{"x":null}])");
  EXPECT_EQ(rows["device"].text_at(0), R"({"os":"l"})");
  EXPECT_EQ(rows["items"].text_at(0), "[]");
  EXPECT_EQ(rows["_extra"].text_at(0), R"({"more":{"y":1},"other":"z"})");
  EXPECT_EQ(rows["_id"].text_at(0), "the-id");
  EXPECT_EQ(rows["_seq"].int_at(0), 101);
  EXPECT_EQ(rows["_arrived_at"].int_at(0), 1'700'000'000'000'001);
  EXPECT_EQ(rows["dt"].int_at(0), 19675);
}

TEST(Rows, take_defaults_for_what_is_absent_and_null_for_what_is_null) {
  Stream s = everything();
  s.fields[1].otherwise = Json(true);
  s.fields[2].otherwise = Json(7);
  s.fields[3].otherwise = Json(1);
  s.fields[4].otherwise = Json(1.25);
  s.fields[5].otherwise = Json("n/a");
  s.fields[6].otherwise = Json("0b0b0b0b-0000-7000-8000-000000000002");
  s.fields[7].otherwise = Json("1970-01-01 00:00:01");
  s.fields[9].otherwise = Json(Json::Array{Json(1)});
  Rows rows(s);
  ASSERT_TRUE(rows.append("{}"));
  ASSERT_TRUE(rows.append(
      R"({"flag":null,"count":null,"ratio":null,"price":null,"name":null,"user":null,"at":null,"free":null})"));
  EXPECT_EQ(rows["flag"].int_at(0), 1);
  EXPECT_EQ(rows["count"].int_at(0), 7);
  EXPECT_EQ(rows["ratio"].double_at(0), 1.0);
  EXPECT_EQ(rows["price"].int_at(0), 125);
  EXPECT_EQ(rows["name"].text_at(0), "n/a");
  EXPECT_EQ(rows["user"].uuid_low_at(0), 0x8000000000000002u);
  EXPECT_EQ(rows["at"].int_at(0), 1'000'000);
  EXPECT_EQ(rows["free"].text_at(0), "[1]");
  EXPECT_TRUE(rows["id"].is_null(0));
  for (const char* name : {"flag", "count", "ratio", "price", "name", "user", "at", "free"}) {
    EXPECT_TRUE(rows[name].is_null(1)) << name;
  }
}

TEST(Rows, read_payloads_of_older_revisions) {
  Stream s = everything();
  s.fields[2].was = "number_of";
  s.fields.push_back(field_of("added", FieldType::string));
  Rows rows(s);
  ASSERT_TRUE(rows.append(R"({"number_of":4,"removed":1,"ratio":5})"));
  ASSERT_TRUE(rows.append(R"({"count":"once it was text","name":12,"flag":"yes","user":true,"day":{}})"));
  EXPECT_EQ(rows["count"].int_at(0), 4);
  EXPECT_EQ(rows["ratio"].double_at(0), 5.0) << "a whole number in a column of doubles";
  EXPECT_EQ(rows["_extra"].text_at(0), R"({"removed":1})");
  EXPECT_TRUE(rows["added"].is_null(0));
  for (const char* name : {"count", "name", "flag", "user", "day"}) EXPECT_TRUE(rows[name].is_null(1)) << name;
  EXPECT_EQ(rows["_extra"].text_at(1), R"({"count":"once it was text","name":12,"flag":"yes","user":true,"day":{}})");
}

TEST(Rows, refuse_damage_and_append_nothing) {
  Rows rows(everything());
  ASSERT_TRUE(rows.append("{}"));
  for (std::string_view damaged :
       {"", "{", "[]", "{}{}", "{\"a\":}", "{\"count\":1", "{\"count\":01}", "x{}", "{\"free\":[}"}) {
    auto done = rows.append(damaged);
    ASSERT_FALSE(done) << damaged;
    EXPECT_EQ(done.error().code, Code::corrupt);
  }
  for (size_t i = 0; i < rows.block().columns().size(); ++i) EXPECT_EQ(rows.block().column(i).size(), 1u);
}

// What capture accepts, the lake must be able to hold: a payload that is judged good always becomes a row.
TEST(Rows, take_every_payload_that_the_judge_accepts) {
  SeededRandom random(99);
  const auto plan = plan_of(everything());
  Rows rows(everything());
  const std::string seed =
      R"({"id":"a","flag":false,"count":-12,"ratio":1.5e3,"price":15e-1,"name":"\u00e9\n","at":"2023-11-14 22:13:20",)"
      R"("day":"2023-11-14","free":{"any":[1,2.5]},"device":{"os":"x","more":1},"items":[{"sku":"s"}]})";
  constexpr std::string_view kAlphabet = "{}[]\",:\\ 0123456789.eE+-tn\x80\xc3\xbc";
  size_t taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string event = seed;
    for (uint64_t i = random_below(random, 3); i > 0; --i) {
      event[random_below(random, event.size())] = kAlphabet[random_below(random, kAlphabet.size())];
    }
    const Judgement found = judge(*plan, event);
    if (!found.fits) continue;
    auto done = rows.append(found.payload);
    ASSERT_TRUE(done) << found.payload << " " << done.error().text();
    ++taken;
  }
  EXPECT_EQ(rows.block().rows(), taken);
  EXPECT_GT(taken, 2000u);
}

TEST(Rows, of_quarantine_keep_the_payload_as_it_came) {
  auto columns = quarantine_columns();
  for (auto& column : quarantine_partition_columns()) columns.push_back(column);
  engine::RowBlock block(columns);
  auto writer = RowWriter::quarantined();
  Record record;
  record.kind = RecordKind::quarantined;
  record.id = "018c2b5e-7a00-7000-8000-000000000001";
  record.arrived_at = {86'400'000'000};
  record.reason = "syntax";
  record.message = "a comma";
  record.payload = "{\"a\":";
  ASSERT_TRUE(writer->append(record, 5, block));
  record.payload = "\xff{";
  record.field = "a";
  ASSERT_TRUE(writer->append(record, 6, block));
  EXPECT_EQ(block.column(0).text_at(0), record.id);
  EXPECT_EQ(block.column(2).text_at(0), "syntax");
  EXPECT_TRUE(block.column(3).is_null(0));
  EXPECT_EQ(block.column(3).text_at(1), "a");
  EXPECT_EQ(block.column(5).text_at(0), "{\"a\":");
  EXPECT_EQ(block.column(5).text_at(1), "base64:/3s=");
  EXPECT_EQ(block.column(6).int_at(1), 6);
  EXPECT_EQ(block.column(7).int_at(0), 1);
}

TEST(Rows, name_their_partitions) {
  Stream s = impressions();
  const EventTime time{1'700'000'000'000'000};
  EXPECT_EQ(partition_folder(partition_columns(s), partition_values(s, time)), "dt=2023-11-14");
  s.partition = PartitionBy::year_month;
  EXPECT_EQ(partition_folder(partition_columns(s), partition_values(s, time)), "year=2023/month=11");
  EXPECT_EQ(partition_values(s, {-1}), (std::vector<int64_t>{1969, 12}));
}

}  // namespace
}  // namespace weir::capture
