// A set of sequences, for comparing what a table's files hold: sequences lie close together, so they cost a bit to two
// bytes each. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace weir::lake {

class SequenceSet {
 public:
  bool insert(uint64_t sequence);  // false if it was there
  bool contains(uint64_t sequence) const;
  uint64_t size() const { return size_; }

  struct Difference {
    uint64_t count = 0;
    uint64_t first = 0;
  };
  // What is here and not in `other`.
  Difference without(const SequenceSet& other) const;

 private:
  static constexpr int kPageBits = 16;
  static constexpr size_t kFewMax = 4'096;  // beyond it a bitmap is smaller
  struct Page {
    std::vector<uint16_t> few;  // sorted; empty once `bits` is there
    std::vector<uint64_t> bits;
    bool contains(uint16_t low) const;
    bool insert(uint16_t low);
  };
  std::map<uint64_t, Page> pages_;  // by the high bits
  uint64_t size_ = 0;
};

}  // namespace weir::lake
