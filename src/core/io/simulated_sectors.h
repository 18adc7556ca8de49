// How unsynced writes meet the disk: the part of SimulatedFiles that works on the bytes of one file.
// Pure functions over an image of the file; the caller holds whatever lock guards it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/clock.h"

namespace weir {

inline constexpr size_t kSectorBytes = 512;

// One write or truncation since the last sync.
struct SectorWrite {
  enum class Kind { bytes, truncate } kind = Kind::bytes;
  uint64_t offset = 0;  // the new size for truncate
  std::string bytes;
};

struct Survival {
  Random& random;
  uint64_t eighths;  // of the sectors reach the disk
  bool tear = false;
};

// The whole write reaches the image.
void apply_write(std::string& image, const SectorWrite& write);
// Each sector of the write reaches the image or not; a truncation as a whole.
void apply_part_of_write(std::string& image, const SectorWrite& write, const Survival& survival);

}  // namespace weir
