// What a call of a function costs, row by row, from the arguments that it really has: the engine cannot interrupt a
// function while it works on one vector of rows, so what runs there must be known to end soon. Measured in
// docs/internals/engine.md. Pure; a meter is used by any number of threads.
#pragma once

#include <memory>
#include <vector>

#include "storage/engine/duck.h"

namespace weir::engine {

inline constexpr double kPieceSteps = 1e8;      // run between two looks at a stop: about 0.1 s
inline constexpr double kPieceBytes = 16e6;     // built between two looks at the memory limit
inline constexpr double kInsideSteps = 5e8;     // beyond: in a child
inline constexpr double kInsideBytes = 64e6;    // beyond: in a child
inline constexpr double kValueBytesMax = 1e9;   // beyond: an error
inline constexpr double kValueStepsMax = 6e11;  // beyond: an error; ten minutes

// Of one row. Both are upper bounds.
struct CallCost {
  double steps = 0;  // about a nanosecond each, on a slow machine
  double bytes = 0;  // of the value that it builds, and of what it needs meanwhile where that is more
};

class CallMeter {
 public:
  virtual ~CallMeter() = default;
  // How to measure this call; null: it is small whatever its arguments are.
  static std::shared_ptr<const CallMeter> of(const duckdb::BoundFunctionExpression& call);

  // Adds up all rows; stops early where it is plain that they are few. Cheap: it stands before every vector.
  virtual CallCost total(duckdb::DataChunk& arguments) const = 0;
  // The same row by row.
  virtual std::vector<CallCost> rows(duckdb::DataChunk& arguments) const = 0;
  // Whether a call this large is as large as it says: else it may turn out much smaller.
  virtual bool is_exact() const = 0;
};

}  // namespace weir::engine
