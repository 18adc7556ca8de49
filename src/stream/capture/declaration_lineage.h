// Which data a field of a new declaration carries on: the names that a column had before, and fields that were removed.
// A file says only `was:`, for one rename; what became of earlier ones is carried from declaration to declaration, so
// that Parquet files of any age, the tail and the journal read right without anybody keeping a list.
//
// Pure functions, any thread. For declaration_compare.cpp and rows.cpp; everybody else calls carry() of declaration.h.
#pragma once

#include <string>
#include <vector>

#include "stream/capture/stream.h"

namespace weir::capture {

inline constexpr size_t kFormerNamesMax = 20;       // of one field
inline constexpr size_t kRetiredFieldsMax = 1'000;  // of one stream

// Where the data of one wanted field comes from; at most one of both.
struct Descent {
  const Field* applied = nullptr;  // the same field, under this name or another
  const Field* retired = nullptr;  // it was removed once and comes back
};
// In the order of wanted.fields; points into `applied`. No applied field has two heirs.
std::vector<Descent> descent(const Stream& applied, const Stream& wanted);

// The field's former names, newest first: `was`, then those that were carried.
std::vector<std::string> former_names(const Field& field);
bool has_name(const Field& field, const std::string& name);  // now or before

// Whether a column written for one reads as the other: the same type, or both are kept as JSON.
bool same_column(const Field& one, const Field& other);

}  // namespace weir::capture
