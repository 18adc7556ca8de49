// The declaration of a stream as people write it (`streams/<name>.yaml`) and as it is kept: read, described by a
// schema, stored, compared with what is applied.
//
// Promises: parse_stream finds every mistake of a file in one pass, each with file:line:column, what was found and what
// was expected. from_json(to_json(s)) == s, also through text; equal streams give equal JSON. compare() lists every
// difference once, says what becomes of the data that is there, and names a way out of each one that is refused.
//
// What a parsed Stream promises its users (beyond stream.h):
//   - `key` is a top-level field of type uuid, string, integer, decimal, timestamp or date. `assign_key` is true only
//   for a uuid or
//     string key that is not `required` (or if there is no key); otherwise that field is `required`.
//   - `default:` is kept as the JSON that an event would carry: it fits its field, nested fields included. A decimal is
//   a number of
//     at most 15 digits. On a `required` field it is only what events of earlier revisions read as.
//   - bounds of integers are whole and exact as doubles; `was` stands on top-level fields only, and never names a field
//   that is there. No name, `was` or former name belongs to two fields of a stream that compare() let pass.
//   - `past_max` is at most `retention`.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/yaml.h"
#include "stream/capture/stream.h"

namespace weir::capture {

inline constexpr int kFieldDepthMax = 8;     // a top-level field has depth 1, each `fields` or `items` adds one
inline constexpr size_t kFieldsMax = 1'000;  // of a stream, nested ones and items included

struct ParsedStream {
  Stream stream;              // means something only if there are no errors
  std::vector<Error> errors;  // in the order of their places
};
// `name` is the file's name without .yaml. The second form is for a caller that expanded `${…}` or laid an environment
// over the file.
ParsedStream parse_stream(std::string_view text, const std::string& file, const std::string& name);
ParsedStream parse_stream(const Yaml& root, const std::string& name);

// JSON Schema (draft 2020-12) of the file, for editors and `weir schema`.
Json stream_schema();

// The canonical form that the control database keeps.
Json to_json(const Stream& stream);
// `corrupt` if it is not what to_json wrote; `unsupported` if a newer weir wrote it.
Result<Stream> stream_from_json(const Json& json);

// What is applied when `wanted`, as a file declares it, follows `applied`: with the former names of its fields and the
// removed ones. carry(a, w) of an a that came from carry(…, w) is a.
Stream carry(const Stream& applied, Stream wanted);

struct Change {
  std::string what;  // a sentence: what changes, and what becomes of the events that are there
  bool compatible = true;
  std::string way_out;  // of an incompatible one: what to do instead
};
// From what is applied to what is wanted (carried or not), in the order of the declaration; empty if nothing would
// change.
std::vector<Change> compare(const Stream& applied, const Stream& wanted);

}  // namespace weir::capture
