#include "storage/engine/calls.h"

#include <unistd.h>

#include <cerrno>
#include <new>
#include <string>

#include "storage/engine/call_message.h"
#include "storage/engine/inside.h"
#include "storage/engine/platform_functions.h"
#include "storage/engine/platform_macros.h"

namespace weir::engine {
namespace {

bool read_all(std::string& out) {
  char buffer[64 << 10];
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    out.append(buffer, static_cast<size_t>(n));
  }
}

bool write_all(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

std::string answer_to(const std::string& request) {
  try {
    duckdb::DBConfig config;
    config.options.autoinstall_known_extensions = false;
    config.options.autoload_known_extensions = false;
    config.options.maximum_threads = 1;
    config.options.use_temporary_directory = false;
    config.SetOptionByName("default_null_order", duckdb::Value("nulls_last_on_asc_first_on_desc"));
    duckdb::DuckDB database(nullptr, &config);
    duckdb::Connection connection(database);
    register_functions(connection);
    if (const auto set = connection.Query("SET GLOBAL TimeZone = 'UTC'"); set->HasError()) {
      return answer_error(set->GetErrorObject().Type(), set->GetErrorObject().RawMessage());
    }
    if (const auto closed = connection.Query("SET GLOBAL enable_external_access = false"); closed->HasError()) {
      return answer_error(closed->GetErrorObject().Type(), closed->GetErrorObject().RawMessage());
    }
    connection.BeginTransaction();  // what is looked up in the catalog is looked up in one
    std::string answer = answer_request(*connection.context, request);
    connection.Rollback();
    return answer;
  } catch (const std::bad_alloc&) {
    return answer_error(duckdb::ExceptionType::OUT_OF_MEMORY, "the call needs more memory than a call may have");
  } catch (const std::exception& thrown) {
    const duckdb::ErrorData error(thrown);
    return answer_error(error.Type(), error.RawMessage());
  }
}

}  // namespace

int answer_call() {
  std::string request;
  if (!read_all(request)) return 1;
  return write_all(answer_to(request)) ? 0 : 1;
}

}  // namespace weir::engine
