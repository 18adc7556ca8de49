// Checkpoints of live windows: two files that are written in turn, so that while one is replaced the other is whole.
//
// A file is a header (magic, format, size, checksum) and the caller's bytes; it is written beside its place, synced and
// renamed. load() answers the newest good one and says what was wrong with another. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/io/files.h"

namespace weir::live {

class Checkpoints {
 public:
  Checkpoints(Files& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  struct Loaded {
    std::optional<std::string> body;  // of the newest good one
    uint64_t position = 0;            // that it was saved with
    std::string problem;              // a file that could not be used, and why
  };
  // `unsupported` if a newer weir wrote one.
  Result<Loaded> load();
  // In the place of the older one.
  Status save(uint64_t position, std::string_view body);
  // In the place of both, one after the other: nothing of what they held is left.
  Status save_both(uint64_t position, std::string_view body);
  // No file is left.
  Status clear();
  // The smallest position of the good ones: the journal must be kept from there on. Nothing while there is none.
  std::optional<uint64_t> oldest() const;

 private:
  std::string path_of(size_t slot) const;
  size_t older() const;
  Status write(size_t slot, uint64_t position, std::string_view body);
  Result<std::optional<std::string>> read(size_t slot, std::string& problem);

  Files& files_;
  const std::string folder_;
  std::array<std::optional<uint64_t>, 2> positions_;
};

}  // namespace weir::live
