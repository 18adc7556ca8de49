#include "stream/lake/sequence_set.h"

#include <algorithm>

namespace weir::lake {

bool SequenceSet::Page::contains(uint16_t low) const {
  if (bits.empty()) return std::binary_search(few.begin(), few.end(), low);
  return (bits[low >> 6] >> (low & 63) & 1) != 0;
}

bool SequenceSet::Page::insert(uint16_t low) {
  if (bits.empty()) {
    const auto place = std::lower_bound(few.begin(), few.end(), low);
    if (place != few.end() && *place == low) return false;
    few.insert(place, low);
    if (few.size() <= kFewMax) return true;
    bits.resize((size_t{1} << kPageBits) / 64);
    for (const uint16_t one : few) bits[one >> 6] |= uint64_t{1} << (one & 63);
    few = {};
    return true;
  }
  uint64_t& word = bits[low >> 6];
  const uint64_t bit = uint64_t{1} << (low & 63);
  if ((word & bit) != 0) return false;
  word |= bit;
  return true;
}

bool SequenceSet::insert(uint64_t sequence) {
  const bool is_new = pages_[sequence >> kPageBits].insert(static_cast<uint16_t>(sequence));
  if (is_new) ++size_;
  return is_new;
}

bool SequenceSet::contains(uint64_t sequence) const {
  const auto page = pages_.find(sequence >> kPageBits);
  return page != pages_.end() && page->second.contains(static_cast<uint16_t>(sequence));
}

SequenceSet::Difference SequenceSet::without(const SequenceSet& other) const {
  Difference out;
  const auto look = [&](uint64_t sequence) {
    if (other.contains(sequence)) return;
    if (out.count++ == 0) out.first = sequence;
  };
  for (const auto& [high, page] : pages_) {
    for (const uint16_t low : page.few) look(high << kPageBits | low);
    for (size_t word = 0; word < page.bits.size(); ++word) {
      for (uint64_t left = page.bits[word]; left != 0; left &= left - 1) {
        look(high << kPageBits | (word << 6 | static_cast<size_t>(__builtin_ctzll(left))));
      }
    }
  }
  return out;
}

}  // namespace weir::lake
