// The words that the dialect exchanges: which names of Redshift are which of the engine's. Pure lookups, any thread.
#pragma once

#include <string_view>

namespace weir::dialect {

// Whether the function's first argument is a part of a date, which may stand there without quotes.
bool takes_date_part(std::string_view function);

// The engine's name of a function that takes the same arguments; empty if it keeps its own.
std::string_view engine_name(std::string_view function);

// The same of a function that is given so many arguments.
std::string_view engine_name(std::string_view function, size_t arguments);

// Of JSON functions whose last argument may be true or false: NULL instead of an error for what is no JSON.
bool takes_null_if_invalid(std::string_view function);

}  // namespace weir::dialect
