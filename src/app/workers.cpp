#include "app/workers.h"

#include "stream/lake/crawl.h"
#include "stream/lake/foreign_records.h"

namespace weir::app {

namespace {

Result<Json> foreign_records(const Json& request, WorkerOutput& out) {
  return lake::write_record_lines(request, [&out](std::string_view line) {
    out.line(line);
    return Status();
  });
}

}  // namespace

WorkerKinds worker_kinds() {
  return {{kProgramKind, program_kind()},
          {kForeignRecordsKind, foreign_records},
          {kCrawlKind, [](const Json& request, WorkerOutput&) { return lake::crawl_files(request); }}};
}

}  // namespace weir::app
