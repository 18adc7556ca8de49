#include "stream/lake/whole_file.h"

#include "core/base/hash.h"

namespace weir::lake {
namespace {

constexpr size_t kPieceBytes = 1u << 20;

}  // namespace

Result<Measured> measure_file(Files& files, const std::string& path,
                              const std::function<Status(std::string_view)>& take, const Cancel& cancel) {
  TRY_ASSIGN(const auto file, files.open(path, OpenMode::read));
  Checksum64 checksum;
  Measured out;
  std::string piece(kPieceBytes, '\0');
  while (true) {
    TRY(cancel.check());
    TRY_ASSIGN(const size_t got, file->read_at(out.bytes, piece.data(), piece.size()));
    const std::string_view bytes(piece.data(), got);
    checksum.add(bytes);
    if (take && got > 0) {
      TRY(take(bytes));
    }
    out.bytes += got;
    if (got < piece.size()) break;
  }
  out.checksum = checksum.value();
  return out;
}

Status check_whole(Files& files, const std::string& path, const control::LakeFile& committed,
                   const std::function<Status(std::string_view)>& take, const Cancel& cancel) {
  const auto found = measure_file(files, path, take, cancel);
  if (!found) {
    if (found.error().code != Code::not_found) return found.error();
    return Error(Code::corrupt, committed.path + ": " + found.error().text());
  }
  if (found->bytes == committed.bytes && found->checksum == committed.checksum) return {};
  return Error(Code::corrupt, committed.path + ": the file differs from what was committed (" +
                                  std::to_string(found->bytes) + " bytes, " + std::to_string(committed.bytes) +
                                  " committed)");
}

}  // namespace weir::lake
