// HLL(x), APPROXIMATE COUNT(DISTINCT x), HLL_CREATE_SKETCH and what is done with sketches. A sketch is a BLOB.
#include "storage/engine/aggregate_states.h"
#include "storage/engine/by_row.h"
#include "storage/engine/hyperloglog.h"
#include "storage/engine/platform_functions.h"

namespace weir::engine {
namespace {

using duckdb::AggregateInputData;
using duckdb::data_ptr_t;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::Vector;

// The aggregate's arena, which counts against the engine's memory limit and ends with the aggregate.
class ArenaMemory final : public HyperLogLog::Memory {
 public:
  explicit ArenaMemory(duckdb::ArenaAllocator& arena) : arena_(arena) {}
  void* allocate(size_t bytes) override { return arena_.AllocateAligned(bytes); }

 private:
  duckdb::ArenaAllocator& arena_;
};

class HeapMemory final : public HyperLogLog::Memory {
 public:
  void* allocate(size_t bytes) override {
    return blocks_.emplace_back(std::make_unique<uint64_t[]>(bytes / sizeof(uint64_t) + 1)).get();
  }

 private:
  std::vector<std::unique_ptr<uint64_t[]>> blocks_;
};

struct State {
  HyperLogLog sketch;
  bool has_value = false;
};

idx_t state_size(const duckdb::AggregateFunction&) {
  return sizeof(State);
}
void initialize(const duckdb::AggregateFunction&, data_ptr_t state) {
  new (state) State();
}

// --- a value's hash: what compares equal has the same ----------------------------------------------------------------

template <class T>
uint64_t hash_of(const T& value) {
  return sketch_hash(static_cast<uint64_t>(static_cast<int64_t>(value)));
}
template <>
uint64_t hash_of(const double& value) {
  const double same = value == 0 ? 0.0 : value;  // of +0 and -0
  uint64_t bits = 0;
  std::memcpy(&bits, &same, sizeof(bits));
  return sketch_hash(bits);
}
template <>
uint64_t hash_of(const float& value) {
  return hash_of<double>(double{value});
}
template <>
uint64_t hash_of(const duckdb::string_t& value) {
  return sketch_hash(std::string_view(value.GetData(), value.GetSize()));
}
template <>
uint64_t hash_of(const duckdb::hugeint_t& value) {
  if (value.upper == (static_cast<int64_t>(value.lower) < 0 ? -1 : 0)) return sketch_hash(value.lower);
  return sketch_hash(sketch_hash(value.lower) ^ static_cast<uint64_t>(value.upper));
}

template <class T, class StateOf>
void add_typed(Vector& input, AggregateInputData& data, idx_t count, const StateOf& state_of) {
  duckdb::UnifiedVectorFormat values;
  input.ToUnifiedFormat(count, values);
  const auto* given = duckdb::UnifiedVectorFormat::GetData<T>(values);
  ArenaMemory memory(data.allocator);
  for (idx_t row = 0; row < count; ++row) {
    const idx_t at = values.sel->get_index(row);
    if (!values.validity.RowIsValid(at)) continue;
    State& state = state_of(row);
    state.has_value = true;
    state.sketch.add(hash_of<T>(given[at]), memory);
  }
}

template <class StateOf>
void add_values(Vector& input, AggregateInputData& data, idx_t count, const StateOf& state_of) {
  using duckdb::PhysicalType;
  switch (input.GetType().InternalType()) {
    case PhysicalType::BOOL:
      return add_typed<bool>(input, data, count, state_of);
    case PhysicalType::INT8:
      return add_typed<int8_t>(input, data, count, state_of);
    case PhysicalType::INT16:
      return add_typed<int16_t>(input, data, count, state_of);
    case PhysicalType::INT32:
      return add_typed<int32_t>(input, data, count, state_of);
    case PhysicalType::INT64:
      return add_typed<int64_t>(input, data, count, state_of);
    case PhysicalType::INT128:
      return add_typed<duckdb::hugeint_t>(input, data, count, state_of);
    case PhysicalType::DOUBLE:
      return add_typed<double>(input, data, count, state_of);
    case PhysicalType::FLOAT:
      return add_typed<float>(input, data, count, state_of);
    default:
      return add_typed<duckdb::string_t>(input, data, count, state_of);
  }
}

void merge_values(Vector& input, AggregateInputData& data, idx_t count, const std::function<State&(idx_t)>& state_of) {
  duckdb::UnifiedVectorFormat values;
  input.ToUnifiedFormat(count, values);
  const auto* given = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(values);
  ArenaMemory memory(data.allocator);
  for (idx_t row = 0; row < count; ++row) {
    const idx_t at = values.sel->get_index(row);
    if (!values.validity.RowIsValid(at)) continue;
    HeapMemory read_into;
    const auto sketch = HyperLogLog::read({given[at].GetData(), given[at].GetSize()}, read_into);
    if (!sketch) throw_error(sketch.error());
    State& state = state_of(row);
    state.has_value = true;
    state.sketch.merge(*sketch, memory);
  }
}

State& only_state(data_ptr_t state) {
  return *reinterpret_cast<State*>(state);
}

using States = AggregateStates<State>;

void update(Vector inputs[], AggregateInputData& data, idx_t, Vector& states, idx_t count) {
  const States state_of(states, count);
  add_values(inputs[0], data, count, state_of);
}
void update_one(Vector inputs[], AggregateInputData& data, idx_t, data_ptr_t state, idx_t count) {
  add_values(inputs[0], data, count, [&](idx_t) -> State& { return only_state(state); });
}
void update_sketches(Vector inputs[], AggregateInputData& data, idx_t, Vector& states, idx_t count) {
  const States state_of(states, count);
  merge_values(inputs[0], data, count, [&](idx_t row) -> State& { return state_of(row); });
}
void update_one_sketch(Vector inputs[], AggregateInputData& data, idx_t, data_ptr_t state, idx_t count) {
  merge_values(inputs[0], data, count, [&](idx_t) -> State& { return only_state(state); });
}

void combine(Vector& from, Vector& into, AggregateInputData& data, idx_t count) {
  const States sources(from, count), targets(into, count);
  ArenaMemory memory(data.allocator);
  for (idx_t row = 0; row < count; ++row) {
    targets(row).has_value |= sources(row).has_value;
    targets(row).sketch.merge(sources(row).sketch, memory);
  }
}

void finish_count(Vector& states, AggregateInputData&, Vector& result, idx_t count, idx_t offset) {
  const States state_of(states, count);
  const bool is_constant = states.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  auto* out =
      is_constant ? duckdb::ConstantVector::GetData<int64_t>(result) : duckdb::FlatVector::GetData<int64_t>(result);
  for (idx_t row = 0; row < (is_constant ? 1 : count); ++row) {
    out[row + (is_constant ? 0 : offset)] = static_cast<int64_t>(state_of(row).sketch.estimate());
  }
}

// NULL if there was no value.
void finish_sketch(Vector& states, AggregateInputData&, Vector& result, idx_t count, idx_t offset) {
  const States state_of(states, count);
  const bool is_constant = states.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  auto* out = is_constant ? duckdb::ConstantVector::GetData<duckdb::string_t>(result)
                          : duckdb::FlatVector::GetData<duckdb::string_t>(result);
  auto& validity = is_constant ? duckdb::ConstantVector::Validity(result) : duckdb::FlatVector::Validity(result);
  for (idx_t row = 0; row < (is_constant ? 1 : count); ++row) {
    const idx_t at = row + (is_constant ? 0 : offset);
    if (state_of(row).has_value) {
      out[at] = duckdb::StringVector::AddStringOrBlob(result, state_of(row).sketch.bytes());
    } else {
      validity.SetInvalid(at);
    }
  }
}

// Lists, structs and the like are counted by their text.
duckdb::unique_ptr<duckdb::FunctionData> bind_value(duckdb::ClientContext& context, duckdb::AggregateFunction& function,
                                                    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given) {
  using duckdb::PhysicalType;
  switch (given[0]->return_type.InternalType()) {
    case PhysicalType::BOOL:
    case PhysicalType::INT8:
    case PhysicalType::INT16:
    case PhysicalType::INT32:
    case PhysicalType::INT64:
    case PhysicalType::INT128:
    case PhysicalType::DOUBLE:
    case PhysicalType::FLOAT:
    case PhysicalType::VARCHAR:
      function.arguments[0] = given[0]->return_type;
      break;
    default:
      given[0] = duckdb::BoundCastExpression::AddCastToType(context, std::move(given[0]), LogicalType::VARCHAR);
      function.arguments[0] = LogicalType::VARCHAR;
  }
  return nullptr;
}

duckdb::AggregateFunctionSet aggregate(const char* name, const LogicalType& type, const LogicalType& returned,
                                       duckdb::aggregate_finalize_t finish) {
  const bool is_of_sketches = type.id() == duckdb::LogicalTypeId::BLOB;
  duckdb::AggregateFunction function(
      name, {type}, returned, state_size, initialize, is_of_sketches ? update_sketches : update, combine, finish,
      duckdb::FunctionNullHandling::DEFAULT_NULL_HANDLING, is_of_sketches ? update_one_sketch : update_one,
      is_of_sketches ? nullptr : bind_value);
  function.order_dependent = duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT;
  function.distinct_dependent = duckdb::AggregateDistinctDependent::NOT_DISTINCT_DEPENDENT;
  duckdb::AggregateFunctionSet set(name);
  set.AddFunction(function);
  return set;
}

Result<int64_t> cardinality(const Row& row) {
  HeapMemory memory;
  TRY_ASSIGN(const HyperLogLog sketch, HyperLogLog::read(row.text(0), memory));
  return static_cast<int64_t>(sketch.estimate());
}

Result<std::string> combined(const Row& row) {
  HeapMemory memory;
  TRY_ASSIGN(HyperLogLog left, HyperLogLog::read(row.text(0), memory));
  TRY_ASSIGN(const HyperLogLog right, HyperLogLog::read(row.text(1), memory));
  left.merge(right, memory);
  return left.bytes();
}

}  // namespace

ScalarFunctions sketch_functions() {
  const LogicalType blob = LogicalType::BLOB;
  ScalarFunctions out;
  out.push_back(by_row<int64_t>("hll_cardinality", {blob}, LogicalType::BIGINT, cardinality));
  out.push_back(by_row<std::string>("hll_combine_sketches", {blob, blob}, blob, combined));
  return out;
}

std::vector<duckdb::AggregateFunctionSet> sketch_aggregates() {
  const LogicalType any = LogicalType::ANY, blob = LogicalType::BLOB;
  std::vector<duckdb::AggregateFunctionSet> out;
  out.push_back(aggregate("hll", any, LogicalType::BIGINT, finish_count));
  out.push_back(aggregate("hll_create_sketch", any, blob, finish_sketch));
  out.push_back(aggregate("hll_combine", blob, blob, finish_sketch));
  return out;
}

}  // namespace weir::engine
