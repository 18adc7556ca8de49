#include "stream/capture/record.h"

#include <gtest/gtest.h>

namespace weir::capture {
namespace {

constexpr std::string_view kPayload = R"({"impression_id":"3f2504e0-4f89-11d3-9a0c-0305e82c3301","ad_id":"x"})";

Record accepted() {
  Record out;
  out.stream = 7;
  out.revision = 3;
  out.arrived_at = {1'700'000'000'123'456};
  out.event_time = {-5};
  out.key = {0x0123456789abcdefu, 0xfedcba9876543210u};
  out.payload_hash = 42;
  out.payload = kPayload;
  out.id = kPayload.substr(18, 36);
  return out;
}

Record quarantined() {
  Record out = accepted();
  out.kind = RecordKind::quarantined;
  out.id = "018c2b5e-7a00-7000-8000-000000000001";
  out.payload = "{\"ad_id\": \xff}";
  out.reason = "bad_utf8";
  out.field = "ad_id";
  out.message = "byte 11 is not UTF-8";
  return out;
}

void expect_equal(const Record& a, const Record& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.stream, b.stream);
  EXPECT_EQ(a.revision, b.revision);
  EXPECT_EQ(a.arrived_at, b.arrived_at);
  EXPECT_EQ(a.taken_at, b.taken_at);
  EXPECT_EQ(a.event_time, b.event_time);
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.payload_hash, b.payload_hash);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.field, b.field);
  EXPECT_EQ(a.message, b.message);
}

std::string encoded(const Record& record) {
  std::string out;
  encode(record, out);
  return out;
}

Record later(Record record) {
  record.taken_at = {1'800'000'000'000'000};
  return record;
}

Record mark() {
  Record out = accepted();
  out.kind = RecordKind::mark;
  return out;
}

TEST(Record, reads_back_what_was_written) {
  for (const Record& record : {accepted(), quarantined(), Record{}, later(accepted()), later(quarantined()), mark()}) {
    std::string bytes = encoded(record);
    auto back = decode(bytes);
    ASSERT_TRUE(back) << back.error().text();
    expect_equal(record, *back);
  }
}

TEST(Record, is_as_before_where_nothing_is_new_and_newer_where_an_older_program_would_err) {
  EXPECT_EQ(encoded(accepted())[0], 1);
  EXPECT_EQ(encoded(later(accepted()))[0], 2);
  EXPECT_EQ(encoded(mark())[0], 2);
  std::string newer = encoded(mark());
  newer[0] = 3;
  EXPECT_EQ(decode(newer).error().code, Code::unsupported);
  std::string cut = encoded(later(accepted())).substr(0, 68);
  EXPECT_EQ(decode(cut).error().code, Code::corrupt);
}

TEST(Record, does_not_store_an_id_twice_that_is_part_of_the_payload) {
  Record apart = accepted();
  std::string id(apart.id);
  apart.id = id;
  EXPECT_EQ(encoded(accepted()).size() + id.size(), encoded(apart).size());
  std::string bytes = encoded(apart);
  expect_equal(accepted(), *decode(bytes));
}

TEST(Record, encode_appends) {
  std::string bytes = "before";
  encode(accepted(), bytes);
  EXPECT_EQ(bytes.substr(0, 6), "before");
  EXPECT_TRUE(decode(std::string_view(bytes).substr(6)));
}

TEST(Record, refuses_every_truncation_and_every_trailing_byte) {
  for (const Record& record : {accepted(), quarantined()}) {
    std::string bytes = encoded(record);
    for (size_t size = 0; size < bytes.size(); ++size) {
      auto back = decode(std::string_view(bytes).substr(0, size));
      ASSERT_FALSE(back) << size;
      EXPECT_EQ(back.error().code, Code::corrupt);
    }
    EXPECT_FALSE(decode(bytes + "x"));
  }
}

// The journal's groups carry the checksum; here it only matters that no flipped bit leads outside of the given bytes.
TEST(Record, stays_inside_the_given_bytes_whatever_bit_is_flipped) {
  for (const Record& record : {accepted(), quarantined()}) {
    const std::string good = encoded(record);
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      std::string bytes = good;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
      auto back = decode(bytes);
      if (!back) continue;
      for (std::string_view part : {back->id, back->payload, back->reason, back->field, back->message}) {
        EXPECT_TRUE(part.empty() ||
                    (part.data() >= bytes.data() && part.data() + part.size() <= bytes.data() + bytes.size()));
      }
    }
  }
}

TEST(Record, names_a_newer_format) {
  std::string bytes = encoded(accepted());
  bytes[0] = 3;
  auto back = decode(bytes);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, Code::unsupported);
  EXPECT_NE(back.error().text().find("format 3"), std::string::npos);
}

}  // namespace
}  // namespace weir::capture
