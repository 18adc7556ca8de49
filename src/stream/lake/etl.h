// ETL: the files of a foreign folder become events of a stream, through capture's judgement and the journal, beside
// what arrives meanwhile.
//
// Promises
//   - A file is known by its content. Each piece of it that was taken is marked in the journal in one piece with its
//     records (capture/mark.h, table <stream>_intake), so that loading again, twice at once, under another name, or
//     after kill -9 in the middle takes every record once, whatever the stream's dedup window.
//   - Beside that the stream's key counts as ever: within the window an event that came by another way is a duplicate.
//   - A record that does not fit goes to quarantine, and says file and line. A file that cannot be read at all fails by
//     itself; the others are loaded.
//   - Events that name somebody who was forgotten, of a time before that, are refused: they do not come back.
//   - Arrival is the hour in the file's path if it has one (Firehose's layout), else now; past_max and future_max are
//     judged as of then.
//   - Memory: one piece of a file. The bytes are taken apart in a child process, some files in one; the death of it is
//   a failure of the file that it was at, and another one goes on with the next.
//
// Threads: any; one load of a stream at a time (`busy`). It blocks: call it on a background lane.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/runtime/cancel.h"
#include "stream/capture/capture.h"
#include "stream/lake/foreign_files.h"
#include "stream/lake/foreign_records.h"
#include "stream/lake/lake.h"

namespace weir::lake {

// How the cells of a CSV become fields of the stream.
std::map<std::string, CellKind> cells_of(const capture::Stream& stream);

struct EtlRequest {
  std::string stream;
  std::string folder;           // or one file
  std::string format = "auto";  // "json", "csv"
  bool any_age = false;         // past_max does not count
};

struct EtlReport {
  struct Failure {
    std::string file, why;
  };
  uint64_t files = 0, bytes = 0;   // in the folder
  uint64_t loaded = 0, known = 0;  // now; before, also under another name
  uint64_t done_bytes = 0;         // of both
  uint64_t accepted = 0, duplicates = 0, quarantined = 0;
  uint64_t refused = 0;  // longer than a record may be, or of somebody who was forgotten
  std::vector<Failure> failures;
  Json to_json() const;
};

// What a child process does for some of the files: the request and lines of write_record_lines().
using RecordSource = std::function<Result<Json>(const Json& request, const Cancel& cancel,
                                                const std::function<Status(std::string_view line)>& take)>;

class Etl {
 public:
  struct Parts {
    Lake& lake;
    engine::Engine& engine;
    capture::Capture& capture;
    Clock& clock;
    ForeignRules rules;
    RecordSource records;
    size_t record_bytes_max = 1u << 20;
    // Who was forgotten in a stream; missing: nobody.
    std::function<Result<std::vector<capture::Forgetting>>(std::string_view stream)> forgotten = {};
  };
  explicit Etl(Parts parts) : parts_(std::move(parts)) {}

  // Whether the stream is there and the folder may be read.
  Status check(const EtlRequest& request) const;
  // `progress` is called after each piece.
  Result<EtlReport> run(const EtlRequest& request, const Cancel& cancel,
                        const std::function<void(const EtlReport&)>& progress = {});

 private:
  const Parts parts_;
  std::mutex mutex_;               // guards running_
  std::set<std::string> running_;  // streams
};

}  // namespace weir::lake
