// The words that the dialect exchanges: which names of Redshift are which of the engine's. Pure lookups, any thread.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace weir::dialect {

// Begins a clause that ends the list of a SELECT, or the SELECT.
inline constexpr std::string_view kSetWords[] = {"union", "intersect", "except", "minus"};
inline constexpr std::string_view kBehindList[] = {"from",   "into",      "where",  "group",  "having", "qualify",
                                                   "window", "order",     "limit",  "offset", "fetch",  "for",
                                                   "union",  "intersect", "except", "minus"};

// Words that a '(' may follow without a call.
// Words behind which a value begins.
inline constexpr std::string_view kBeforeValues[] = {"and", "as", "by", "case",   "else", "having", "in",
                                                     "not", "on", "or", "select", "then", "when",   "where"};

inline constexpr std::string_view kNoFunctions[] = {
    "all",    "and",    "any",   "as",    "between",   "by",     "case",    "columns", "distinct", "else",  "except",
    "from",   "having", "ilike", "in",    "intersect", "into",   "is",      "like",    "limit",    "minus", "not",
    "offset", "on",     "or",    "order", "over",      "select", "similar", "some",    "then",     "to",    "union",
    "using",  "values", "when",  "where", "with",      "filter", "group",   "within",  "end"};

// Of one of these lists.
template <class Words>
bool is_one_of(const Words& words, std::string_view name) {
  return std::find(std::begin(words), std::end(words), name) != std::end(words);
}

// Whether the function's first argument is a part of a date, which may stand there without quotes.
bool takes_date_part(std::string_view function);

// The engine's name of a function that takes the same arguments; empty if it keeps its own.
std::string_view engine_name(std::string_view function);

// The same of a function that is given so many arguments.
std::string_view engine_name(std::string_view function, size_t arguments);

// Of JSON functions whose last argument may be true or false: NULL instead of an error for what is no JSON.
bool takes_null_if_invalid(std::string_view function);

// The number of at most 38 digits that a text is, spaces around it left out; empty: it is none.
std::string_view number_said(std::string_view text);

}  // namespace weir::dialect
