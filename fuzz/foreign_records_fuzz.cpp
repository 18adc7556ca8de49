// The files of other systems as anybody may write them: taken apart at once and in pieces, with the same result, and no
// record with a line break.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "stream/lake/foreign_records.h"

using namespace weir;

namespace {

struct Got {
  std::vector<std::string> records;
  bool failed = false;
  friend bool operator==(const Got&, const Got&) = default;
};

Got split(bool csv, std::string_view text, size_t step) {
  Got out;
  lake::RecordsRequest request;
  request.record_bytes_max = 100;
  request.cells = {{"n", lake::CellKind::number}, {"j", lake::CellKind::json}};
  const lake::TakeRecord take = [&out](uint64_t line, std::string_view record) -> Status {
    if (record.find('\n') != std::string_view::npos || record.empty() || line == 0) std::abort();
    out.records.push_back(std::to_string(line) + "\t" + std::string(record));
    return {};
  };
  auto splitter =
      csv ? lake::RecordSplitter::csv(request, take) : lake::RecordSplitter::json(request.record_bytes_max, take);
  for (size_t at = 0; at < text.size() && !out.failed; at += step) {
    out.failed = !splitter->feed(text.substr(at, step));
  }
  if (!out.failed) out.failed = !splitter->finish();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const bool csv = data[0] % 2 == 1;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Got whole = split(csv, text, text.size());
  if (!(split(csv, text, 1) == whole) || !(split(csv, text, 7) == whole)) std::abort();
  for (const std::string& line : whole.records) {
    if (!lake::read_record_line(line)) std::abort();
  }
  return 0;
}
