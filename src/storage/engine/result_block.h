// Rows of a result as columns, as the engine made them: for writers that turn many rows into bytes (the wire, files).
//
// A block belongs to its ResultStream and is valid until the stream's next call. Used by one thread. Values of a row
// that is null are not to be read. Each kind says by which function it is read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::engine {

// int128 in two halves: high * 2^64 + low.
struct Wide {
  int64_t high = 0;
  uint64_t low = 0;
};

enum class VectorKind : uint8_t {
  boolean,       // truth()
  integer,       // integer(): all signed ones, and unsigned ones of up to 32 bits
  wide,          // wide(): HUGEINT, and UBIGINT
  float32,       // real()
  float64,       // real()
  decimal,       // wide(), times 10^-scale
  date,          // integer(): days since 1970-01-01; kInfinity and -kInfinity are infinite
  time,          // integer(): microseconds since midnight
  timestamp,     // integer(): microseconds since 1970-01-01, without a zone; infinite as before
  timestamp_tz,  // integer(): microseconds since 1970-01-01 UTC; infinite as before
  interval,      // interval()
  uuid,          // wide(): its 128 bits, as unsigned
  bytes,         // text(): BLOB
  text,          // text(): VARCHAR and JSON, and all else (lists, structs, enums …) in its text form
};

struct Interval {
  int32_t months = 0, days = 0;
  int64_t micros = 0;
};

inline constexpr int64_t kInfinity = INT64_MAX;

class ResultVector {
 public:
  virtual ~ResultVector() = default;
  VectorKind kind = VectorKind::text;
  int scale = 0;  // of decimals

  virtual bool is_null(size_t row) const = 0;
  virtual bool truth(size_t row) const = 0;
  virtual int64_t integer(size_t row) const = 0;
  virtual Wide wide(size_t row) const = 0;
  virtual double real(size_t row) const = 0;
  virtual Interval interval(size_t row) const = 0;
  virtual std::string_view text(size_t row) const = 0;
};

struct ResultBlock {
  size_t rows = 0;
  std::vector<const ResultVector*> columns;
};

}  // namespace weir::engine
