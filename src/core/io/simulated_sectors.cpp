#include "core/io/simulated_sectors.h"

#include <algorithm>

#include "core/io/simulated_clock.h"

namespace weir {

namespace {

// Copies `bytes` to `offset` of the image, growing it with zeros.
void put(std::string& image, uint64_t offset, std::string_view bytes) {
  if (image.size() < offset + bytes.size()) image.resize(offset + bytes.size(), '\0');
  std::copy(bytes.begin(), bytes.end(), image.begin() + static_cast<ptrdiff_t>(offset));
}

void fill_with_garbage(std::string& image, uint64_t sector, Random& random) {
  const uint64_t start = sector * kSectorBytes;
  const uint64_t end = std::min<uint64_t>(start + kSectorBytes, image.size());
  for (uint64_t i = start; i < end; ++i) image[i] = static_cast<char>(random.next());
}

}  // namespace

void apply_write(std::string& image, const SectorWrite& write) {
  if (write.kind == SectorWrite::Kind::truncate) {
    image.resize(write.offset, '\0');
  } else {
    put(image, write.offset, write.bytes);
  }
}

void apply_part_of_write(std::string& image, const SectorWrite& write, const Survival& survival) {
  Random& random = survival.random;
  if (write.kind == SectorWrite::Kind::truncate) {
    if (random_chance(random, survival.eighths, 8)) apply_write(image, write);
    return;
  }
  const uint64_t end = write.offset + write.bytes.size();
  // The new length may be on disk without the data: the file then ends in zeros.
  if (random_chance(random, survival.eighths, 8) && image.size() < end) image.resize(end, '\0');
  uint64_t position = write.offset;
  while (position < end) {
    const uint64_t sector = position / kSectorBytes;
    const uint64_t next = std::min(end, (sector + 1) * kSectorBytes);
    if (random_chance(random, survival.eighths, 8)) {
      put(image, position, std::string_view(write.bytes).substr(position - write.offset, next - position));
    }
    if (survival.tear && random_chance(random, 1, 16)) fill_with_garbage(image, sector, random);
    position = next;
  }
}

}  // namespace weir
