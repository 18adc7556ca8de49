// The declaration of an endpoint, `endpoints/<name>.yaml`: a GET that is answered from a derived table. As a value, as
// it is read, described by a schema, stored, and compared with what is applied.
//
// Promises: parse_endpoint finds every mistake of a file in one pass, each with file:line:column.
// endpoint_from_json(to_json(e)) == e, also through text; equal endpoints give equal JSON. Not judged here: whether the
// table and its columns exist (check_columns, when they are known). Pure functions, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml.h"
#include "core/project/project.h"
#include "platform/endpoint/parameter.h"
#include "platform/endpoint/path_pattern.h"
#include "platform/flow/table.h"
#include "storage/engine/engine.h"

namespace weir::endpoint {

inline constexpr size_t kParametersMax = 16;
inline constexpr size_t kColumnsMax = 100;
inline constexpr size_t kRatiosMax = 20;
inline constexpr size_t kOriginsMax = 20;
inline constexpr int kPageRowsMax = 1'000;

// of / to, rounded; null where the divisor is 0 or null.
struct Ratio {
  std::string name;
  std::string of, to;
  int digits = 4;
  friend bool operator==(const Ratio&, const Ratio&) = default;
};

enum class Order { ascending, descending };
enum class WhoReads { key, anyone };

struct Page {
  std::string cursor = "page";  // the names of its two parameters
  std::string size = "limit";
  int otherwise = 100;
  int max = 100;
  friend bool operator==(const Page&, const Page&) = default;
};

struct Endpoint {
  std::string name;  // [a-z][a-z0-9_]{0,62}
  std::string description;
  bool enabled = true;
  std::map<std::string, std::string> tags;
  std::string path;  // "/traffic/{ad_id}"
  std::string table;
  std::vector<Parameter> parameters;  // those of the path first, in its order
  std::string list = "rows";          // the answer's name for its rows
  std::vector<std::string> columns;   // of the table, as they are answered
  std::vector<Ratio> ratios;          // behind them
  Order order = Order::ascending;     // of the range column
  Page page;
  WhoReads read = WhoReads::key;
  std::vector<std::string> cors_origins;  // "https://shop.example", or "*"
  Duration cache;                         // how long an answer may be used without asking again

  const Parameter* find(std::string_view parameter) const;
  // The column that `from` and `to` choose; empty if there are none.
  std::string range_column() const;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct ParsedEndpoint {
  Endpoint endpoint;          // means something only if there are no errors
  std::vector<Error> errors;  // in the order of their places
  Position path_at;
};
// `name` is the file's name without .yaml. The second form takes a file without `${…}`.
ParsedEndpoint parse_endpoint(const Yaml& root, const std::string& name);
ParsedEndpoint parse_endpoint(std::string_view text, const std::string& file, const std::string& name);

// JSON Schema (draft 2020-12) of the file, for editors and `weir schema`.
Json endpoint_schema();

// The canonical form that the control database keeps.
Json to_json(const Endpoint& endpoint);
// `corrupt` if it is not what to_json wrote; `unsupported` if a newer weir wrote it.
Result<Endpoint> endpoint_from_json(const Json& json);

// From what is applied to what is wanted, in the order of the declaration; empty if nothing would change. All of it is
// compatible: what answers are made of is computed again from the table.
std::vector<project::Difference> compare(const Endpoint& applied, const Endpoint& wanted);

// What does not fit the table: each a sentence. `columns`: what the table has, with the engine's types.
std::vector<std::string> check_columns(const Endpoint& endpoint, const flow::Table& table,
                                       const std::vector<engine::ResultColumn>& columns);

// Stands for everything that decides an index's content: two endpoints that have the same one share it. The same on
// every machine; stored in the index.
uint64_t content_hash(const Endpoint& endpoint);

// The kind "endpoint" for the project's registry; `destroy` is the caller's to add. It claims each path under each
// mount.
project::Kind endpoint_kind();

}  // namespace weir::endpoint
