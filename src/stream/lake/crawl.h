// Crawl: looks at a folder of raw or foreign files and says what is in it, before anything is made of it: formats, the
// partitions that its paths name, a declaration for its records, and how they fit a stream that is declared already.
//
// A bounded sample of each file is taken apart and judged, in a child process as the bytes come from anybody; the
// samples of all files become one declaration: fields that only some have are merged in, types that agree are combined.
// The raw archive of a stream is looked at in the same way, each record as it came. A file that cannot be read is named
// and left out. Of Parquet the columns and their types are those that the files'
// own metadata say. Nothing is written and nothing is registered: the declaration is printed, and `weir plan` and
// `weir apply` take it from there.
//
// Threads: any. It blocks: call it on a background lane.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "stream/capture/capture.h"
#include "stream/lake/etl.h"
#include "stream/lake/external.h"
#include "stream/lake/foreign_files.h"

namespace weir::lake {

struct CrawlRequest {
  std::string path;
  std::string name;             // of the stream or table it is, or would be
  std::string format = "auto";  // "json", "csv", "parquet"
  bool as_table = false;        // a table over the files as they lie there (external.h); otherwise a stream
};

// What the child does: {"name", "format", "files": [{"path", "name"}], "stream"?: the declaration's JSON} becomes
// {"sampled_files", "records", "declaration", "failures": […], "fit"?: {…}, "parquet": [{"name", "type"}]}: the columns
// that Parquet files say they have.
Result<Json> crawl_files(const Json& request);

class Crawl {
 public:
  struct Parts {
    capture::Capture& capture;
    engine::Engine& engine;
    ForeignRules rules;
    RecordSource child;  // crawl_files() in a child; hands on no lines
    const ExternalTables& externals;
    std::string raw_root = {};  // <store>/raw, whose folders are streams' own archives; empty: none is
  };
  explicit Crawl(Parts parts) : parts_(std::move(parts)) {}
  Result<Json> run(const CrawlRequest& request, const Cancel& cancel) const;

 private:
  // The stream whose archive the path is in; empty: none's.
  std::string archive_of(const std::string& path) const;
  Result<Json> table(const CrawlRequest& request, const std::string& folder, const std::vector<ForeignFile>& files,
                     Json asked, const Cancel& cancel) const;
  Result<Json> gone(const std::string& stream, const std::string& folder, const std::vector<ForeignFile>& files) const;
  const Parts parts_;
};

}  // namespace weir::lake
