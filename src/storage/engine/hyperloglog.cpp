#include "storage/engine/hyperloglog.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/base/hash.h"

namespace weir::engine {
namespace {

constexpr int kRankBits = 6;
constexpr uint32_t kRankMask = (1u << kRankBits) - 1;
constexpr uint32_t kRankMax = 64 - HyperLogLog::kPrecision + 1;
constexpr uint32_t kSlotsFirst = 16, kSlotsMax = 4096;  // beyond, the registers themselves are not much larger

constexpr std::string_view kMark = "HLL";
constexpr char kVersion = 1, kFew = 's', kAll = 'd';
constexpr size_t kHeadBytes = kMark.size() + 2;

// Ertl, equations of the improved raw estimator: what registers that are empty, and such that are full, stand for.
double sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1, z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0;
  double y = 1, z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void HyperLogLog::add(uint64_t hash, Memory& memory) {
  const auto index = static_cast<uint32_t>(hash >> (64 - kPrecision));
  const uint64_t rest = (hash << kPrecision) | (uint64_t{1} << (kPrecision - 1));  // the mark bounds the rank
  set(index, static_cast<uint32_t>(std::countl_zero(rest)) + 1, memory);
}

uint32_t* HyperLogLog::slot_of(uint32_t index) const {
  uint32_t at = (index * 0x9E3779B1u) & (slot_count_ - 1);
  while (slots_[at] != 0 && slots_[at] >> kRankBits != index) at = (at + 1) & (slot_count_ - 1);
  return &slots_[at];
}

void HyperLogLog::set(uint32_t index, uint32_t rank, Memory& memory) {
  if (registers_ == nullptr && (slots_ == nullptr || used_ >= slot_count_ / 4 * 3)) grow(memory);
  if (registers_ != nullptr) {
    registers_[index] = std::max(registers_[index], static_cast<uint8_t>(rank));
    return;
  }
  uint32_t* slot = slot_of(index);
  if (*slot == 0) ++used_;
  *slot = std::max(*slot, index << kRankBits | rank);
}

void HyperLogLog::grow(Memory& memory) {
  uint32_t* const before = slots_;
  const uint32_t count_before = slot_count_;
  if (count_before == kSlotsMax) {
    auto* registers = static_cast<uint8_t*>(memory.allocate(kRegisters));
    std::memset(registers, 0, kRegisters);
    for (uint32_t i = 0; i < count_before; ++i) {
      if (before[i] != 0) registers[before[i] >> kRankBits] = static_cast<uint8_t>(before[i] & kRankMask);
    }
    registers_ = registers;
    slots_ = nullptr;
    slot_count_ = used_ = 0;
    return;
  }
  const uint32_t count = std::max(kSlotsFirst, 2 * count_before);
  auto* slots = static_cast<uint32_t*>(memory.allocate(count * sizeof(uint32_t)));
  std::memset(slots, 0, count * sizeof(uint32_t));
  slots_ = slots;
  slot_count_ = count;
  for (uint32_t i = 0; i < count_before; ++i) {
    if (before[i] != 0) *slot_of(before[i] >> kRankBits) = before[i];
  }
}

void HyperLogLog::merge(const HyperLogLog& other, Memory& memory) {
  if (other.registers_ != nullptr) {
    for (uint32_t i = 0; i < kRegisters; ++i) {
      if (other.registers_[i] != 0) set(i, other.registers_[i], memory);
    }
    return;
  }
  for (uint32_t i = 0; i < other.slot_count_; ++i) {
    if (other.slots_[i] != 0) set(other.slots_[i] >> kRankBits, other.slots_[i] & kRankMask, memory);
  }
}

uint64_t HyperLogLog::estimate() const {
  std::array<uint32_t, kRankMax + 1> of_rank = {};
  if (registers_ != nullptr) {
    for (uint32_t i = 0; i < kRegisters; ++i) ++of_rank[registers_[i]];
  } else {
    of_rank[0] = kRegisters - used_;
    for (uint32_t i = 0; i < slot_count_; ++i) {
      if (slots_[i] != 0) ++of_rank[slots_[i] & kRankMask];
    }
  }
  if (of_rank[0] == kRegisters) return 0;
  constexpr double kCount = kRegisters;
  double z = kCount * tau(1.0 - of_rank[kRankMax] / kCount);
  for (uint32_t rank = kRankMax - 1; rank >= 1; --rank) z = 0.5 * (z + of_rank[rank]);
  z += kCount * sigma(of_rank[0] / kCount);
  return static_cast<uint64_t>(std::llround(kCount * kCount / (2 * std::log(2.0) * z)));
}

std::string HyperLogLog::bytes() const {
  std::string out(kMark);
  out += kVersion;
  if (registers_ != nullptr) {
    out += kAll;
    out.append(reinterpret_cast<const char*>(registers_), kRegisters);
    return out;
  }
  std::vector<uint32_t> sorted;
  for (uint32_t i = 0; i < slot_count_; ++i) {
    if (slots_[i] != 0) sorted.push_back(slots_[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  out += kFew;
  for (const uint32_t slot : sorted) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(slot >> shift);
  }
  return out;
}

Result<HyperLogLog> HyperLogLog::read(std::string_view bytes, Memory& memory) {
  const Error corrupt(Code::corrupt, "this is no HyperLogLog sketch", "make them with hll_create_sketch()");
  if (bytes.size() < kHeadBytes || !bytes.starts_with(kMark) || bytes[kMark.size()] != kVersion) return corrupt;
  const char form = bytes[kMark.size() + 1];
  bytes.remove_prefix(kHeadBytes);
  HyperLogLog out;
  if (form == kAll && bytes.size() == kRegisters) {
    out.registers_ = static_cast<uint8_t*>(memory.allocate(kRegisters));
    std::memcpy(out.registers_, bytes.data(), kRegisters);
    if (*std::max_element(out.registers_, out.registers_ + kRegisters) > kRankMax) return corrupt;
    return out;
  }
  if (form != kFew || bytes.size() % sizeof(uint32_t) != 0 || bytes.size() > kSlotsMax * sizeof(uint32_t)) {
    return corrupt;
  }
  int64_t last = -1;
  for (size_t at = 0; at < bytes.size(); at += sizeof(uint32_t)) {
    uint32_t slot = 0;
    for (size_t i = 0; i < sizeof(uint32_t); ++i) slot |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
    const uint32_t index = slot >> kRankBits, rank = slot & kRankMask;
    if (index >= kRegisters || rank == 0 || rank > kRankMax || int64_t{index} <= last) return corrupt;
    last = index;
    out.set(index, rank, memory);
  }
  return out;
}

uint64_t sketch_hash(std::string_view bytes) noexcept {
  return checksum64(bytes);
}

uint64_t sketch_hash(uint64_t number) noexcept {
  char bytes[sizeof(number)];
  for (size_t i = 0; i < sizeof(number); ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  return checksum64(std::string_view(bytes, sizeof(bytes)));
}

}  // namespace weir::engine
