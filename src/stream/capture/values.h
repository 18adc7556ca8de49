// Values of fields as text and numbers: exact decimals, and what a type is called. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stream/capture/stream.h"

namespace weir::capture {

enum class DecimalFit { exact, not_a_number, too_many_digits };

// The number scaled by 10^scale, if it is one that precision and scale hold without rounding; an exponent is allowed.
DecimalFit parse_decimal(std::string_view text, int precision, int scale, int64_t& into) noexcept;
std::string format_decimal(int64_t scaled, int scale);  // "-12.50"

const char* type_name(FieldType type);       // as in declarations: "timestamp"
std::string type_label(const Field& field);  // for people: "a uuid", "a decimal(9,2)"

}  // namespace weir::capture
