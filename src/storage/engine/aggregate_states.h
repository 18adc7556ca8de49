// The states of an aggregate's rows as DuckDB hands them over: one pointer for each row. Internal to storage/engine.
#pragma once

#include "storage/engine/duck.h"

namespace weir::engine {

template <class State>
class AggregateStates {
 public:
  AggregateStates(duckdb::Vector& states, duckdb::idx_t count) {
    states.ToUnifiedFormat(count, format_);
    pointers_ = duckdb::UnifiedVectorFormat::GetData<State*>(format_);
  }
  State& operator()(duckdb::idx_t row) const { return *pointers_[format_.sel->get_index(row)]; }

 private:
  duckdb::UnifiedVectorFormat format_;
  State* const* pointers_;
};

}  // namespace weir::engine
