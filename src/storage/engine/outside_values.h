// What a PostgreSQL or Redshift server says, in our words: types, cells, errors. Pure, any thread; no libpq in here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "storage/engine/engine.h"

namespace weir::engine {

// The engine's name of a type by its number in pg_type; what has none is VARCHAR, in its text form. `modifier`: of
// NUMERIC, its precision and scale.
std::string outside_type(uint32_t oid, int modifier);

// A value of the server's text form. What is no UTF-8 (databases may say that they have no encoding) is replaced by
// U+FFFD.
Cell outside_cell(uint32_t oid, std::string_view text);

// A server's report of what went wrong, by fields of its message.
struct OutsideReport {
  std::string_view sqlstate, message, detail, hint;
  std::string_view position;  // a character of the statement, counted from 1, in decimal; empty: none
};
Error outside_error(const OutsideReport& report, std::string_view sql);
Code outside_code(std::string_view sqlstate);

// The SQLSTATE in libpq's verbose report of a connection that was not made, or nothing.
std::string_view outside_connect_state(std::string_view report);
// libpq's report in one line, without where in the server's source it comes from.
std::string outside_report_line(std::string_view report);

// How a place of the server's is found in a message of its own ("15.18 (Debian …)"): "15.18".
std::string outside_version(std::string_view parameter);

}  // namespace weir::engine
