// A client of the PostgreSQL wire for benchmarks: simple queries over the Unix socket of a project folder, as its
// owner. It costs as little as a client can: messages are looked at where they lie. Ends the benchmark where something
// fails.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::bench {

class WireClient {
 public:
  WireClient(const std::string& folder, uint16_t port);
  ~WireClient();
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;

  // `row` is called with the body of each DataRow: the number of columns, then each value with its length before it.
  // Gives the number of rows.
  uint64_t query(const std::string& sql, const std::function<void(std::string_view)>& row);
  // "a|b;c|NULL;", all rows.
  std::string text(const std::string& sql);

 private:
  void send(char type, std::string_view body);
  // The next message's body, valid until the next call.
  std::string_view next(char& type);

  int socket_ = -1;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;
};

// The values of a DataRow, in text; nullptr data is NULL.
std::vector<std::string_view> values_of(std::string_view row);

}  // namespace weir::bench
