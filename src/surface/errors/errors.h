// One table: our error code → HTTP status, SQLSTATE, AWS error name, exit code, and whether trying again may help.
//
// Every surface (http, awsapi, pgwire, cli) translates with this table and none has a mapping of its own, so that the
// same failure means the same thing on every way in. Pure functions over constant data; safe from any thread.
#pragma once

#include <string>

#include "core/base/json.h"
#include "core/base/result.h"

namespace weir::errors {

struct Row {
  Code code;
  int http_status;
  const char* sqlstate;   // five characters, PostgreSQL's classes
  const char* aws_error;  // as the AWS dialects name it
  int exit_code;          // 0 done, 1 failed, 2 wrong use (3, "found something", is no error)
  bool retryable;         // the same request may succeed later without a change
};

const Row& row(Code code);

inline int http_status(Code code) {
  return row(code).http_status;
}
inline const char* sqlstate(Code code) {
  return row(code).sqlstate;
}
// The error's own where it has one.
inline const char* sqlstate(const Error& error) {
  return error.sqlstate != nullptr ? error.sqlstate : row(error.code).sqlstate;
}
inline const char* aws_error(Code code) {
  return row(code).aws_error;
}
inline int exit_code(Code code) {
  return row(code).exit_code;
}
inline bool retryable(Code code) {
  return row(code).retryable;
}

// {"code","message","hint"?,"position"?: {"file"?,"line"?,"column"?}} as JSON surfaces show an error to a caller who
// may see all of it.
Json to_json(const Error& error);

// Codes whose messages speak of our own files and state. A caller from elsewhere gets a general sentence instead; the
// log has the rest.
bool is_internal(Code code);

// Reads a code's name back ("too_large"); `internal` for a name this version does not know.
Code parse_code(std::string_view name);

}  // namespace weir::errors
