// LISTAGG(DISTINCT x, ', ') WITHIN GROUP (ORDER BY y): DuckDB orders a DISTINCT aggregate by its own arguments only.
// This one is no DISTINCT aggregate of DuckDB's: it is given every value in the order that is asked for, and keeps the
// first of those that are equal.
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

constexpr size_t kListBytesMax = 16'000'000;  // Redshift's limit of LISTAGG

// Texts in the order of their first coming. It lies in the aggregate's arena, which counts against the engine's memory
// limit and ends with the aggregate; nothing is freed before.
struct DistinctTexts {
  std::string_view* texts;
  uint32_t* slots;  // places in `texts` by hash, plus one; a power of two of them, at most half of them taken
  uint32_t count, slots_count;
  uint64_t bytes;
  std::string_view between;

  static std::string_view kept(std::string_view text, duckdb::ArenaAllocator& arena) {
    auto* copy = reinterpret_cast<char*>(arena.Allocate(text.size() + 1));
    std::copy(text.begin(), text.end(), copy);
    return {copy, text.size()};
  }

  uint32_t& slot_of(std::string_view text) const {
    size_t at = sketch_hash(text) & (slots_count - 1);
    while (slots[at] != 0 && texts[slots[at] - 1] != text) at = (at + 1) & (slots_count - 1);
    return slots[at];
  }

  void grow(duckdb::ArenaAllocator& arena) {
    const std::string_view* old = texts;
    slots_count = slots_count == 0 ? 8 : slots_count * 2;
    texts = reinterpret_cast<std::string_view*>(arena.AllocateAligned(slots_count / 2 * sizeof(std::string_view)));
    slots = reinterpret_cast<uint32_t*>(arena.AllocateAligned(slots_count * sizeof(uint32_t)));
    std::fill_n(slots, slots_count, 0);
    std::copy_n(old, count, texts);
    for (uint32_t i = 0; i < count; ++i) slot_of(texts[i]) = i + 1;
  }

  void add(std::string_view text, duckdb::ArenaAllocator& arena) {
    if (count == slots_count / 2) grow(arena);
    uint32_t& slot = slot_of(text);
    if (slot != 0) return;
    bytes += text.size() + (count == 0 ? 0 : between.size());
    if (bytes > kListBytesMax) {
      throw_error(Error(Code::too_large, "the result of LISTAGG is longer than 16,000,000 bytes"));
    }
    texts[count] = kept(text, arena);
    slot = ++count;
  }

  std::string joined() const {
    std::string out;
    out.reserve(bytes);
    for (uint32_t i = 0; i < count; ++i) {
      if (i > 0) out += between;
      out += texts[i];
    }
    return out;
  }
};

idx_t state_size(const duckdb::AggregateFunction&) {
  return sizeof(DistinctTexts);
}
void initialize(const duckdb::AggregateFunction&, data_ptr_t state) {
  new (state) DistinctTexts{};
}

using States = AggregateStates<DistinctTexts>;

// A text column of the aggregate's.
class Texts {
 public:
  Texts(Vector& column, idx_t count) {
    column.ToUnifiedFormat(count, format_);
    texts_ = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format_);
  }
  std::optional<std::string_view> operator()(idx_t row) const {
    const idx_t at = format_.sel->get_index(row);
    if (!format_.validity.RowIsValid(at)) return std::nullopt;
    return std::string_view(texts_[at].GetData(), texts_[at].GetSize());
  }

 private:
  duckdb::UnifiedVectorFormat format_;
  const duckdb::string_t* texts_;
};

template <class StateOf>
void add_rows(Vector inputs[], AggregateInputData& data, idx_t columns, idx_t count, const StateOf& state_of) {
  const Texts texts(inputs[0], count), separators(inputs[columns - 1], count);
  for (idx_t row = 0; row < count; ++row) {
    const auto text = texts(row);
    if (!text) continue;
    DistinctTexts& state = state_of(row);
    if (state.count == 0 && columns == 2) {
      state.between = DistinctTexts::kept(separators(row).value_or(std::string_view()), data.allocator);
    }
    state.add(*text, data.allocator);
  }
}

void update(Vector inputs[], AggregateInputData& data, idx_t columns, Vector& states, idx_t count) {
  const States state_of(states, count);
  add_rows(inputs, data, columns, count, state_of);
}
void update_one(Vector inputs[], AggregateInputData& data, idx_t columns, data_ptr_t state, idx_t count) {
  add_rows(inputs, data, columns, count,
           [&](idx_t) -> DistinctTexts& { return *reinterpret_cast<DistinctTexts*>(state); });
}

void combine(Vector& from, Vector& into, AggregateInputData& data, idx_t count) {
  const States sources(from, count), targets(into, count);
  for (idx_t row = 0; row < count; ++row) {
    const DistinctTexts& source = sources(row);
    DistinctTexts& target = targets(row);
    if (target.count == 0) target.between = DistinctTexts::kept(source.between, data.allocator);
    for (uint32_t i = 0; i < source.count; ++i) target.add(source.texts[i], data.allocator);
  }
}

// NULL if there was no value.
void finish(Vector& states, AggregateInputData&, Vector& result, idx_t count, idx_t offset) {
  const States state_of(states, count);
  const bool is_constant = states.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
  auto* out = is_constant ? duckdb::ConstantVector::GetData<duckdb::string_t>(result)
                          : duckdb::FlatVector::GetData<duckdb::string_t>(result);
  auto& validity = is_constant ? duckdb::ConstantVector::Validity(result) : duckdb::FlatVector::Validity(result);
  for (idx_t row = 0; row < (is_constant ? 1 : count); ++row) {
    const idx_t at = row + (is_constant ? 0 : offset);
    if (state_of(row).count > 0) {
      out[at] = duckdb::StringVector::AddString(result, state_of(row).joined());
    } else {
      validity.SetInvalid(at);
    }
  }
}

// Numbers and times are listed by their text.
duckdb::unique_ptr<duckdb::FunctionData> bind_text(duckdb::ClientContext& context, duckdb::AggregateFunction& function,
                                                   duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given) {
  given[0] = duckdb::BoundCastExpression::AddCastToType(context, std::move(given[0]), LogicalType::VARCHAR);
  function.arguments[0] = LogicalType::VARCHAR;
  return nullptr;
}

}  // namespace

std::vector<duckdb::AggregateFunctionSet> list_aggregates() {
  const LogicalType text = LogicalType::VARCHAR, any = LogicalType::ANY;
  duckdb::AggregateFunctionSet set("weir_listagg_distinct");
  for (const duckdb::vector<LogicalType>& arguments : {duckdb::vector<LogicalType>{any}, {any, text}}) {
    duckdb::AggregateFunction function("weir_listagg_distinct", arguments, text, state_size, initialize, update,
                                       combine, finish, duckdb::FunctionNullHandling::DEFAULT_NULL_HANDLING, update_one,
                                       bind_text);
    function.order_dependent = duckdb::AggregateOrderDependent::ORDER_DEPENDENT;
    set.AddFunction(function);
  }
  return {set};
}

}  // namespace weir::engine
