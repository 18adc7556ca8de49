// How many different values there were, from 32 KiB at most: HyperLogLog with 2^15 registers, as Redshift's. The
// standard error is 0.6 % whatever the number; a few values are counted within less.
//
// Source: O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), the improved raw estimator,
// which needs no table of corrections. Few registers are kept as a small hash table that doubles, so that many small
// groups stay small.
//
// A plain value that owns nothing: its memory comes from whoever adds to it and is never given back (an aggregate's
// arena). Hashes have 64 good bits. Not for two threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir::engine {

class HyperLogLog {
 public:
  static constexpr int kPrecision = 15;
  static constexpr uint32_t kRegisters = 1u << kPrecision;

  class Memory {
   public:
    virtual ~Memory() = default;
    virtual void* allocate(size_t bytes) = 0;  // aligned for uint32_t; throws what it likes
  };

  void add(uint64_t hash, Memory& memory);
  void merge(const HyperLogLog& other, Memory& memory);
  bool is_empty() const { return registers_ == nullptr && used_ == 0; }
  uint64_t estimate() const;

  // For keeping it: the same sketch always has the same bytes. `corrupt` if read() is given others.
  std::string bytes() const;
  static Result<HyperLogLog> read(std::string_view bytes, Memory& memory);

 private:
  void set(uint32_t index, uint32_t rank, Memory& memory);
  uint32_t* slot_of(uint32_t index) const;
  void grow(Memory& memory);

  // A slot holds index and rank; 0 is an empty one, as no rank is 0.
  uint32_t* slots_ = nullptr;
  uint32_t slot_count_ = 0, used_ = 0;
  uint8_t* registers_ = nullptr;  // all of them, once there are many; then slots_ is null
};

// Of a value's bytes, or of a number; the same on every machine, as sketches are kept.
uint64_t sketch_hash(std::string_view bytes) noexcept;
uint64_t sketch_hash(uint64_t number) noexcept;

}  // namespace weir::engine
