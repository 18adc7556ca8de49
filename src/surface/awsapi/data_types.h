// What the Data API says of a column, from the engine's name of its type. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/json.h"
#include "storage/engine/engine.h"

namespace weir::awsapi {

struct RedshiftType {
  std::string name;  // "int4", "varchar"
  int64_t length = 0, precision = 0, scale = 0;
  bool is_signed = false, is_case_sensitive = false;
};
RedshiftType redshift_type(std::string_view engine_type);

// {"name","label","typeName","length","precision","scale","nullable",…}
Json column_metadata(const std::string& name, const RedshiftType& type);

}  // namespace weir::awsapi
