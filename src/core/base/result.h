// What a function that can fail returns: a value, or an Error a person can act on.
//
// Result<T> cannot be ignored (the build fails). TRY and TRY_ASSIGN hand an error to the caller; they expand to
// several statements, so an `if` around them needs braces. Exceptions of other libraries are caught where they are
// thrown and become an Error; none of ours cross a function.
#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace weir {

// Why something failed, in our words. surface/errors maps each code to an HTTP status, SQLSTATE and exit code.
enum class Code {
  invalid,          // the input is wrong; the same input will fail again
  not_found,        // the named thing does not exist
  conflict,         // it contradicts what is already there
  unauthenticated,  // nobody proved who they are
  denied,           // known, but not allowed
  busy,             // a limit is reached for now; try again later
  too_large,        // a size, count or depth limit of the input
  timed_out,        // a deadline passed
  cancelled,        // somebody asked for it to stop
  corrupt,          // stored data does not match its checksum or its description
  io,               // the operating system refused
  no_space,         // the disk is full
  unsupported,      // understood, and not built
  unavailable,      // stopping, starting, or a peer is away
  internal,         // our own mistake
};

// Number of codes; tests use it to prove that tables over Code are complete.
inline constexpr int kCodeCount = static_cast<int>(Code::internal) + 1;

// The code's name as it appears in JSON and logs, for example "too_large".
const char* code_name(Code code);

// A place in a file people edit. Lines and columns count from 1; 0 means unknown.
struct Position {
  std::string file;
  int line = 0;
  int column = 0;
};

struct [[nodiscard]] Error {
  Code code = Code::internal;
  std::string message;  // names the thing, the value and the limit
  std::string hint;     // the next step, or empty
  std::optional<Position> position;
  // PostgreSQL's five characters where they say more than the code, for SQL clients; a literal, or null.
  const char* sqlstate = nullptr;

  Error(Code code_in, std::string message_in, std::string hint_in = {})
      : code(code_in), message(std::move(message_in)), hint(std::move(hint_in)) {}
  Error& at(Position where) {
    position = std::move(where);
    return *this;
  }
  // "file:line:column: message (hint)", leaving out what is not known.
  std::string text() const;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}  // NOLINT: implicit on purpose
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  using tl::expected<void, Error>::expected;
  Result() = default;
  Result(Error error) : tl::expected<void, Error>(tl::unexpect, std::move(error)) {}  // NOLINT: implicit on purpose
};

using Status = Result<void>;

#define WEIR_CONCAT_(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_(a, b)

#define WEIR_TRY_(name, expression) \
  auto name = (expression);         \
  if (!name) return std::move(name).error()
#define TRY(expression) WEIR_TRY_(WEIR_CONCAT(try_result_, __COUNTER__), expression)

#define WEIR_TRY_ASSIGN_(name, target, expression) \
  auto name = (expression);                        \
  if (!name) return std::move(name).error();       \
  target = std::move(*name)
#define TRY_ASSIGN(target, expression) WEIR_TRY_ASSIGN_(WEIR_CONCAT(try_result_, __COUNTER__), target, expression)

}  // namespace weir
