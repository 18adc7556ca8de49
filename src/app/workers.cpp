#include "app/workers.h"

#include "stream/lake/crawl.h"
#include "stream/lake/foreign_records.h"

namespace weir::app {

namespace {

Result<Json> foreign_records(const Json& request, WorkerOutput& out) {
  TRY_ASSIGN(const auto wanted, lake::RecordsRequest::from_json(request));
  TRY_ASSIGN(const uint64_t records, lake::read_records(wanted, [&out](uint64_t line, std::string_view record) {
               out.line(lake::record_line(line, record));
               return Status();
             }));
  return Json(Json::Object{{"records", records}});
}

}  // namespace

WorkerKinds worker_kinds() {
  return {{kProgramKind, program_kind()},
          {kForeignRecordsKind, foreign_records},
          {kCrawlKind, [](const Json& request, WorkerOutput&) { return lake::crawl_files(request); }}};
}

}  // namespace weir::app
