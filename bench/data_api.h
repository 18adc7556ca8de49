// Calls of Redshift's Data API as its clients make them, signed, over connections that stay open.
#pragma once

#include <cstdint>
#include <string>

namespace weir::bench {

struct DataApiTimes {
  double execute_p99_ms = 0, describe_p99_ms = 0, result_p99_ms = 0;
  double execute_p50_ms = 0;
  uint64_t calls = 0;
};

struct DataApiPlan {
  std::string weir, folder;
  uint16_t http_port = 0;  // of the server on that folder
  std::string admin_token;
  double seconds = 5;  // of each kind of call
};
// Makes an access key, then calls ExecuteStatement, DescribeStatement and GetStatementResult, one kind after another,
// four at a time. Ends the benchmark where a call is refused.
DataApiTimes measure_data_api(const DataApiPlan& plan);

}  // namespace weir::bench
