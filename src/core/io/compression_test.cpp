// Everything a sender may put into a compressed body: good bytes, bombs, torn ends, and bytes that are none of it.
#include "core/io/compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include "core/io/simulated_clock.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

std::string noise(size_t size) {
  SeededRandom random(1);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

struct Format {
  const char* name;
  Result<std::string> (*compress)(std::string_view, int);
  Result<std::string> (*decompress)(std::string_view, const DecompressLimits&);
};

// Through GunzipReader, seven encoded bytes and a thousand decoded ones at a time.
Result<std::string> pulled(std::string_view encoded, const DecompressLimits& limits) {
  const auto more = [&]() -> Result<std::string_view> {
    const std::string_view piece = encoded.substr(0, 7);
    encoded.remove_prefix(piece.size());
    return piece;
  };
  TRY_ASSIGN(const auto reader, GunzipReader::open(more, limits));
  std::string out;
  char piece[1000];
  while (true) {
    TRY_ASSIGN(const size_t got, reader->read(piece, sizeof piece));
    if (got == 0) return out;
    out.append(piece, got);
  }
}

// A member at a time, where it has room for it.
Result<std::string> by_members(std::string_view encoded, const DecompressLimits& limits) {
  std::string out;
  TRY(gunzip_members(encoded, limits, 100'000, [&out](std::string_view piece) {
    out += piece;
    return Status();
  }));
  return out;
}

class Compression : public ::testing::TestWithParam<Format> {
 protected:
  std::string compressed(std::string_view bytes) { return GetParam().compress(bytes, 3).value(); }
  Result<std::string> decompressed(std::string_view bytes, const DecompressLimits& limits = {}) {
    return GetParam().decompress(bytes, limits);
  }
};

TEST_P(Compression, gives_back_what_went_in) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65536}, size_t{1 << 20}}) {
    const std::string bytes = noise(size);
    EXPECT_EQ(decompressed(compressed(bytes)).value(), bytes) << size;
  }
}

TEST_P(Compression, members_one_after_another_are_one_text) {
  EXPECT_EQ(decompressed(compressed("one ") + compressed("") + compressed("two")).value(), "one two");
}

TEST_P(Compression, the_decoded_size_is_limited_on_both_sides_of_the_boundary) {
  const std::string encoded = compressed(noise(100'000));
  DecompressLimits limits;
  limits.decoded_bytes_max = 100'000;
  EXPECT_TRUE(decompressed(encoded, limits));
  limits.decoded_bytes_max = 99'999;
  const auto refused = decompressed(encoded, limits);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_large);
  EXPECT_THAT(refused.error().message, HasSubstr("99999 bytes (decoded_bytes_max)"));
}

TEST_P(Compression, a_bomb_is_refused_by_its_ratio) {
  const std::string bomb = compressed(std::string(8 << 20, 'a'));
  const auto refused = decompressed(bomb);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_large);
  EXPECT_THAT(refused.error().message, HasSubstr("ratio_max"));
  DecompressLimits limits;
  limits.ratio_max = 1'000'000;
  EXPECT_TRUE(decompressed(bomb, limits));
}

TEST_P(Compression, a_bomb_of_many_small_members_is_one_bomb) {
  std::string bomb;
  for (int i = 0; i < 40; ++i) bomb += compressed(std::string(60'000, 'a'));
  const auto refused = decompressed(bomb);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_large);
}

TEST_P(Compression, a_small_body_of_equal_records_is_no_bomb) {
  EXPECT_EQ(decompressed(compressed(std::string(60'000, 'a')))->size(), 60'000u);
}

TEST_P(Compression, every_cut_is_noticed) {
  const std::string encoded = compressed(noise(300)) + compressed("the second member");
  const size_t first = compressed(noise(300)).size();
  for (size_t size = 0; size < encoded.size(); ++size) {
    const auto cut = decompressed(std::string_view(encoded).substr(0, size));
    if (size == first) {
      EXPECT_TRUE(cut);  // exactly between two members: this is a whole file
    } else {
      ASSERT_FALSE(cut) << size;
      EXPECT_EQ(cut.error().code, Code::invalid) << cut.error().message;
    }
  }
}

TEST_P(Compression, every_flipped_byte_is_noticed_or_harmless) {
  const std::string bytes = noise(300);
  const std::string encoded = compressed(bytes);
  for (size_t i = 0; i < encoded.size(); ++i) {
    std::string flipped = encoded;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    const auto result = decompressed(flipped);
    if (result) {
      EXPECT_EQ(*result, bytes) << "byte " << i;
    }
  }
}

TEST_P(Compression, bytes_of_no_format_and_bytes_after_the_end_are_refused) {
  EXPECT_EQ(decompressed("{\"id\": 1}").error().code, Code::invalid);
  EXPECT_EQ(decompressed(compressed("x") + "garbage!").error().code, Code::invalid);
  EXPECT_EQ(decompressed(std::string(100, '\0')).error().code, Code::invalid);
}

TEST_P(Compression, levels_out_of_range_are_refused) {
  EXPECT_EQ(GetParam().compress("x", 0).error().code, Code::invalid);
  EXPECT_EQ(GetParam().compress("x", 20).error().code, Code::invalid);
}

INSTANTIATE_TEST_SUITE_P(Formats, Compression,
                         ::testing::Values(Format{"gzip", &gzip_member, &gunzip},
                                           Format{"pulled", &gzip_member, &pulled},
                                           Format{"by_members", &gzip_member, &by_members},
                                           Format{"zstd", &zstd_compress, &zstd_decompress}),
                         [](const auto& format) { return std::string(format.param.name); });

TEST(Zstd, a_window_larger_than_the_limit_is_refused_by_name) {
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, 27);
  std::string encoded(1000, '\0');
  // Streamed without a known size, so that the frame has to announce its window.
  ZSTD_inBuffer in{"abc", 3, 0};
  ZSTD_outBuffer out{encoded.data(), encoded.size(), 0};
  ASSERT_FALSE(ZSTD_isError(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_continue)));
  ASSERT_EQ(ZSTD_compressStream2(context.get(), &out, &in, ZSTD_e_end), 0u);
  encoded.resize(out.pos);
  const auto refused = zstd_decompress(encoded);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_large);
  EXPECT_THAT(refused.error().message, HasSubstr("window_bytes_max"));
  DecompressLimits limits;
  limits.window_bytes_max = 128 << 20;
  EXPECT_EQ(zstd_decompress(encoded, limits).value(), "abc");
}

TEST(Gzip, the_same_bytes_give_the_same_member) {
  EXPECT_EQ(*gzip_member("abc", 3), *gzip_member("abc", 3));
}

TEST(Gzip, the_taker_may_stop_it) {
  int calls = 0;
  const Status status = gunzip_to(*gzip_member(noise(300'000), 1), {}, [&](std::string_view) -> Status {
    if (++calls == 2) return Error(Code::cancelled, "enough");
    return {};
  });
  EXPECT_EQ(status.error().code, Code::cancelled);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace weir
