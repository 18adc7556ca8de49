// The forms that a result of SQL is answered in, as the request's Accept header asks for. Pure.
#pragma once

#include <cstdint>

#include "surface/http/http.h"

namespace weir::http {

enum class Form { json, csv, ndjson, parquet };
inline constexpr uint64_t kJsonRowsMax = 10'000;  // of a JSON result that names no limit

Form form_of(const Request& request);
const char* content_type_of(Form form);

}  // namespace weir::http
