#include "core/io/compression.h"

#include <isa-l/igzip_lib.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <vector>

namespace weir {

namespace {

constexpr size_t kChunkBytes = 64 << 10;
constexpr uint64_t kRatioFreeBytes = 64 << 10;
constexpr uint64_t kReserveBytesMax = 64 << 20;

// Counts what comes out and says when it is too much.
class Meter {
 public:
  Meter(const char* format, size_t encoded_bytes, const DecompressLimits& limits)
      : format_(format), encoded_bytes_(encoded_bytes), limits_(limits) {}

  Status add(uint64_t bytes) {
    decoded_ += bytes;
    if (decoded_ > limits_.decoded_bytes_max) {
      return Error(Code::too_large, std::string(format_) + " data decodes to more than " +
                                        std::to_string(limits_.decoded_bytes_max) + " bytes (decoded_bytes_max)");
    }
    if (decoded_ > kRatioFreeBytes && decoded_ / limits_.ratio_max >= encoded_bytes_ &&
        decoded_ > encoded_bytes_ * limits_.ratio_max) {
      return Error(Code::too_large, std::string(format_) + " data of " + std::to_string(encoded_bytes_) +
                                        " bytes decodes to more than " + std::to_string(limits_.ratio_max) +
                                        " times as many (ratio_max)");
    }
    return {};
  }

  // The most that can come out without an error, for reserving.
  uint64_t most() const {
    const uint64_t by_ratio = encoded_bytes_ > std::numeric_limits<uint64_t>::max() / limits_.ratio_max
                                  ? limits_.decoded_bytes_max
                                  : encoded_bytes_ * limits_.ratio_max;
    return std::min(limits_.decoded_bytes_max, std::max(by_ratio, kRatioFreeBytes));
  }

 private:
  const char* format_;
  uint64_t encoded_bytes_;
  DecompressLimits limits_;
  uint64_t decoded_ = 0;
};

Error malformed(const char* format, size_t offset, const std::string& why) {
  return Error(Code::invalid, std::string(format) + " data is broken at byte " + std::to_string(offset) + ": " + why);
}

using DecompressTo = Status (*)(std::string_view, const DecompressLimits&, const TakeBytes&);

Result<std::string> collect(const char* format, DecompressTo decompress_to, std::string_view encoded,
                            const DecompressLimits& limits) {
  std::string decoded;
  // Growing by doubling would hold the old and the new copy at once. Memory that is reserved and not yet written costs
  // nothing, so the whole is reserved at first, as long as even a small address space has room for it.
  decoded.reserve(std::min(kReserveBytesMax, Meter(format, encoded.size(), limits).most()));
  TRY(decompress_to(encoded, limits, [&](std::string_view piece) -> Status {
    decoded += piece;
    return {};
  }));
  return decoded;
}

struct Inflater {
  z_stream stream{};
  bool is_open = false;
  ~Inflater() {
    if (is_open) inflateEnd(&stream);
  }
};

Status check_limits(const DecompressLimits& limits) {
  if (limits.ratio_max == 0) return Error(Code::invalid, "ratio_max is 0, must be at least 1");
  return {};
}

}  // namespace

Status gunzip_to(std::string_view encoded, const DecompressLimits& limits, const TakeBytes& take) {
  TRY(check_limits(limits));
  if (encoded.empty()) return malformed("gzip", 0, "it is empty");
  Inflater inflater;
  z_stream& stream = inflater.stream;
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return Error(Code::internal, "zlib could not start");
  inflater.is_open = true;
  Meter meter("gzip", encoded.size(), limits);
  std::vector<unsigned char> chunk(kChunkBytes);
  size_t offset = 0;
  while (true) {
    // zlib counts in 32 bits, so a long input is handed over in parts.
    const size_t part = std::min<size_t>(encoded.size() - offset, 1u << 30);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(encoded.data() + offset));
    stream.avail_in = static_cast<uInt>(part);
    stream.next_out = chunk.data();
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    offset += part - stream.avail_in;
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return malformed("gzip", offset, stream.msg != nullptr ? stream.msg : "not gzip");
    }
    const size_t produced = chunk.size() - stream.avail_out;
    TRY(meter.add(produced));
    if (produced > 0) {
      TRY(take({reinterpret_cast<const char*>(chunk.data()), produced}));
    }
    if (result == Z_STREAM_END) {
      if (offset == encoded.size()) return {};
      inflateReset(&stream);
    } else if (offset == encoded.size() && produced == 0) {
      return malformed("gzip", offset, "it ends in the middle of a member");
    }
  }
}

namespace {

// ISA-L counts in 32 bits.
constexpr size_t kStepBytes = 1u << 30;

const char* inflate_error(int result) {
  switch (result) {
    case ISAL_INVALID_BLOCK:
      return "invalid block type or header";
    case ISAL_INVALID_SYMBOL:
      return "invalid code";
    case ISAL_INVALID_LOOKBACK:
      return "invalid distance too far back";
    case ISAL_INVALID_WRAPPER:
      return "incorrect header check";
    case ISAL_UNSUPPORTED_METHOD:
      return "unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
      return "incorrect data check";
    default:
      return "not gzip";
  }
}

// One member after another, by ISA-L; its state is about 200 KiB, so it is made once.
class Members {
 public:
  Members() { isal_inflate_init(&state_); }

  void begin() {
    isal_inflate_reset(&state_);
    state_.crc_flag = ISAL_GZIP;
  }
  struct Step {
    size_t used = 0, produced = 0;
    int result = ISAL_DECOMP_OK;
    bool is_end = false;  // of the member: all of it is out
  };
  Step step(std::string_view encoded, char* into, size_t size) {
    const size_t in = std::min(encoded.size(), kStepBytes), out = std::min(size, kStepBytes);
    state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(encoded.data()));
    state_.avail_in = static_cast<uint32_t>(in);
    state_.next_out = reinterpret_cast<uint8_t*>(into);
    state_.avail_out = static_cast<uint32_t>(out);
    Step done;
    done.result = isal_inflate(&state_);
    done.used = in - state_.avail_in;
    done.produced = out - state_.avail_out;
    done.is_end = done.result == ISAL_DECOMP_OK && state_.block_state == ISAL_BLOCK_FINISH;
    return done;
  }

 private:
  inflate_state state_;
};

}  // namespace

Status gunzip_members(std::string_view encoded, const DecompressLimits& limits, size_t member_bytes,
                      const TakeBytes& take) {
  TRY(check_limits(limits));
  const auto members = std::make_unique<Members>();
  Meter meter("gzip", encoded.size(), limits);
  std::string member(member_bytes, '\0');
  do {
    members->begin();
    const Members::Step done = members->step(encoded, member.data(), member.size());
    // A larger member; and what is broken is told by the one way that can say where.
    if (!done.is_end) return gunzip_to(encoded, limits, take);
    TRY(meter.add(done.produced));
    TRY(take(std::string_view(member).substr(0, done.produced)));
    encoded.remove_prefix(done.used);
  } while (!encoded.empty());
  return {};
}

struct GunzipReader::State {
  More more;
  DecompressLimits limits;
  Members members;
  std::string_view piece;
  uint64_t taken = 0, decoded = 0;  // bytes
  bool in_member = false;
  bool holds_more = false;  // what is decoded already did not fit into what was to be filled
};

GunzipReader::GunzipReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
GunzipReader::~GunzipReader() = default;

Result<std::unique_ptr<GunzipReader>> GunzipReader::open(More more, const DecompressLimits& limits) {
  TRY(check_limits(limits));
  auto state = std::make_unique<State>();
  state->more = std::move(more);
  state->limits = limits;
  return std::unique_ptr<GunzipReader>(new GunzipReader(std::move(state)));
}

Result<size_t> GunzipReader::read(char* into, size_t size) {
  State& state = *state_;
  while (true) {
    if (state.piece.empty() && !state.holds_more) {
      TRY_ASSIGN(state.piece, state.more());
      if (state.piece.empty()) {
        if (!state.in_member && state.taken > 0) return size_t{0};
        return malformed("gzip", state.taken, "it ends in the middle of a member");
      }
    }
    if (!state.in_member) state.members.begin();
    state.in_member = true;
    const Members::Step done = state.members.step(state.piece, into, size);
    state.piece.remove_prefix(done.used);
    state.taken += done.used;
    if (done.result != ISAL_DECOMP_OK) return malformed("gzip", state.taken, inflate_error(done.result));
    state.decoded += done.produced;
    Meter meter("gzip", state.taken, state.limits);
    TRY(meter.add(state.decoded));
    if (done.is_end) state.in_member = false;
    state.holds_more = !done.is_end && done.produced == std::min(size, kStepBytes);
    if (done.produced > 0) return done.produced;
  }
}

Status zstd_decompress_to(std::string_view encoded, const DecompressLimits& limits, const TakeBytes& take) {
  TRY(check_limits(limits));
  if (encoded.empty()) return malformed("zstd", 0, "it is empty");
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  if (!context) return Error(Code::internal, "zstd could not start");
  const int window_log = std::clamp(static_cast<int>(std::bit_width(limits.window_bytes_max)) - 1, 10, 31);
  if (ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log))) {
    return Error(Code::invalid,
                 "window_bytes_max is " + std::to_string(limits.window_bytes_max) + ", which zstd does not allow");
  }
  Meter meter("zstd", encoded.size(), limits);
  std::vector<char> chunk(kChunkBytes);
  ZSTD_inBuffer in{encoded.data(), encoded.size(), 0};
  while (true) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    const size_t left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left)) {
      if (ZSTD_getErrorCode(left) == ZSTD_error_frameParameter_windowTooLarge) {
        return Error(Code::too_large,
                     "zstd data asks for a window of more than " + std::to_string(limits.window_bytes_max) +
                         " bytes (window_bytes_max)",
                     "compress without --long");
      }
      return malformed("zstd", in.pos, ZSTD_getErrorName(left));
    }
    TRY(meter.add(out.pos));
    if (out.pos > 0) {
      TRY(take({chunk.data(), out.pos}));
    }
    if (in.pos == in.size) {
      if (left == 0) return {};
      // Nothing left to read and nothing came out: the frame wants bytes that are not there.
      if (out.pos < out.size) return malformed("zstd", in.pos, "it ends in the middle of a frame");
    }
  }
}

Result<std::string> gunzip(std::string_view encoded, const DecompressLimits& limits) {
  TRY(check_limits(limits));
  return collect("gzip", &gunzip_to, encoded, limits);
}

Result<std::string> zstd_decompress(std::string_view encoded, const DecompressLimits& limits) {
  TRY(check_limits(limits));
  return collect("zstd", &zstd_decompress_to, encoded, limits);
}

struct GzipCompressor::State {
  isal_zstream stream{};
  std::vector<uint8_t> tables;
  std::string buffer;  // as large as the largest member was
};

GzipCompressor::GzipCompressor(int level) : level_(level), state_(std::make_unique<State>()) {}
GzipCompressor::~GzipCompressor() = default;

Result<std::string> GzipCompressor::member(std::string_view bytes) {
  constexpr size_t kTables[] = {0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
  if (level_ < 1 || level_ > 3) {
    return Error(Code::invalid, "gzip level is " + std::to_string(level_) + ", allowed are 1 to 3");
  }
  isal_zstream& stream = state_->stream;
  state_->tables.resize(kTables[level_]);
  isal_deflate_init(&stream);
  stream.level = static_cast<uint32_t>(level_);
  stream.level_buf = state_->tables.data();
  stream.level_buf_size = static_cast<uint32_t>(state_->tables.size());
  stream.gzip_flag = IGZIP_GZIP;
  std::string& buffer = state_->buffer;
  if (buffer.size() < bytes.size() / 2 + kChunkBytes) buffer.resize(bytes.size() / 2 + kChunkBytes);
  size_t made = 0;
  while (stream.internal_state.state != ZSTATE_END) {
    if (made == buffer.size()) buffer.resize(2 * buffer.size());
    const size_t in = std::min(bytes.size(), kStepBytes), out = std::min(buffer.size() - made, kStepBytes);
    stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uint32_t>(in);
    stream.end_of_stream = in == bytes.size();
    stream.next_out = reinterpret_cast<uint8_t*>(buffer.data() + made);
    stream.avail_out = static_cast<uint32_t>(out);
    const int result = isal_deflate(&stream);
    if (result != COMP_OK) return Error(Code::internal, "ISA-L: deflate failed, " + std::to_string(result));
    bytes.remove_prefix(in - stream.avail_in);
    made += out - stream.avail_out;
  }
  return buffer.substr(0, made);
}

Result<std::string> gzip_member(std::string_view bytes, int level) {
  return GzipCompressor(level).member(bytes);
}

Result<std::string> zstd_compress(std::string_view bytes, int level) {
  if (level < 1 || level > 19) {
    return Error(Code::invalid, "zstd level is " + std::to_string(level) + ", allowed are 1 to 19");
  }
  const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  if (!context) return Error(Code::internal, "zstd could not start");
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress2(context.get(), frame.data(), frame.size(), bytes.data(), bytes.size());
  if (ZSTD_isError(size)) return Error(Code::internal, std::string("zstd: ") + ZSTD_getErrorName(size));
  frame.resize(size);
  return frame;
}

}  // namespace weir
