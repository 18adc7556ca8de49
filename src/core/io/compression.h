// gzip and zstd, decoded under limits because the bytes come from anybody, and encoded for our own archives.
//
// Decoding never holds more than `decoded_bytes_max` plus a constant (a 64 KiB buffer, the decoder's window of at most
// `window_bytes_max`); with a `decoded_bytes_max` above 64 MiB a string that grows is copied, so take pieces there.
// Reaching a limit is `too_large` and names it; anything else that is wrong with the bytes is `invalid` (a reader of
// our own files turns that into `corrupt`). Pure functions, from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir {

struct DecompressLimits {
  uint64_t decoded_bytes_max = 16ull << 20;
  // Decoded bytes for one encoded byte, over the whole input; counted only once more than 64 KiB are decoded, because
  // a small body of equal records is no bomb.
  uint64_t ratio_max = 100;
  // zstd only: the window that a frame asks the decoder to keep. 8 MiB is what a sender may expect (RFC 8878).
  uint64_t window_bytes_max = 8ull << 20;
};

// Every member of the file, or every frame, one after another. Bytes after the last one are refused.
Result<std::string> gunzip(std::string_view encoded, const DecompressLimits& limits = {});
Result<std::string> zstd_decompress(std::string_view encoded, const DecompressLimits& limits = {});

// The same, piece by piece (at most 64 KiB each), for what need not be in memory at once. An error of `take` ends it.
using TakeBytes = std::function<Status(std::string_view)>;
Status gunzip_to(std::string_view encoded, const DecompressLimits& limits, const TakeBytes& take);
Status zstd_decompress_to(std::string_view encoded, const DecompressLimits& limits, const TakeBytes& take);

// gunzip_to for files that were written in members of at most about `member_bytes`, as our own archives are: twice as
// quick, a whole member at a time. Larger members are taken as gunzip_to takes them.
Status gunzip_members(std::string_view encoded, const DecompressLimits& limits, size_t member_bytes,
                      const TakeBytes& take);

// gunzip for what is not in memory at once on either side: pulls encoded pieces as it needs them. A file that ends in
// the middle of a member is an error when its end is reached. Belongs to one thread.
class GunzipReader {
 public:
  // The next encoded bytes, valid until the next call; empty at the end.
  using More = std::function<Result<std::string_view>()>;
  static Result<std::unique_ptr<GunzipReader>> open(More more, const DecompressLimits& limits = {});
  ~GunzipReader();
  // Fills `into` as far as one step goes; 0: the end.
  Result<size_t> read(char* into, size_t size);

 private:
  struct State;
  explicit GunzipReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One whole gzip member; members written one after another are one gzip file. The same bytes give the same member
// on the same kind of processor (no time, no name). Level 1 (quick) to 3 (small); others are `invalid`.
Result<std::string> gzip_member(std::string_view bytes, int level = 1);

// The same for many members: its tables, about half a megabyte, are made once. Belongs to one thread at a time.
class GzipCompressor {
 public:
  explicit GzipCompressor(int level);
  ~GzipCompressor();
  Result<std::string> member(std::string_view bytes);

 private:
  struct State;
  int level_;
  std::unique_ptr<State> state_;
};

// One zstd frame with its content size and checksum. Level 1 to 19.
Result<std::string> zstd_compress(std::string_view bytes, int level = 3);

}  // namespace weir
