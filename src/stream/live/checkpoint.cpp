#include "stream/live/checkpoint.h"

#include <algorithm>

#include "core/base/hash.h"
#include "stream/live/bytes.h"

namespace weir::live {
namespace {

constexpr std::string_view kMagic = "WEIRLIVE";
constexpr uint64_t kFormat = 1;
constexpr size_t kHeaderBytes = 8 + 4 * 8;  // magic, format, position, size, checksum
constexpr uint64_t kFileBytesMax = 1ull << 30;

}  // namespace

std::string Checkpoints::path_of(size_t slot) const {
  return join_path(folder_, "checkpoint." + std::to_string(slot));
}

Result<std::optional<std::string>> Checkpoints::read(size_t slot, std::string& problem) {
  const std::string path = path_of(slot);
  TRY_ASSIGN(const bool is_there, files_.exists(path));
  if (!is_there) return std::optional<std::string>();
  auto text = read_file(files_, path, kFileBytesMax);
  if (!text) {
    problem = path + " cannot be read: " + text.error().message;
    return std::optional<std::string>();
  }
  const std::string_view bytes = *text;
  const bool has_header = bytes.size() >= kHeaderBytes && bytes.starts_with(kMagic);
  ByteReader header(has_header ? bytes.substr(kMagic.size()) : std::string_view());
  const uint64_t format = header.number(), position = header.number(), size = header.number(),
                 checksum = header.number();
  if (has_header && format > kFormat) {
    return Error(
        Code::unsupported,
        path + " is of format " + std::to_string(format) + ", this weir knows up to " + std::to_string(kFormat),
        "it was written by a newer weir: start that one, or remove the file, and its windows are counted again");
  }
  const std::string_view body = has_header ? bytes.substr(kHeaderBytes) : std::string_view();
  if (!has_header || body.size() != size || checksum64(body) != checksum) {
    problem = path + " is damaged";
    return std::optional<std::string>();
  }
  positions_[slot] = position;
  return std::optional<std::string>(std::string(body));
}

Result<Checkpoints::Loaded> Checkpoints::load() {
  TRY(files_.make_directories(folder_));
  Loaded out;
  for (size_t slot = 0; slot < positions_.size(); ++slot) {
    TRY_ASSIGN(auto body, read(slot, out.problem));
    if (!body || (out.body && *positions_[slot] < out.position)) continue;
    out.body = std::move(body);
    out.position = *positions_[slot];
  }
  return out;
}

size_t Checkpoints::older() const {
  return !positions_[0] ? 0 : !positions_[1] ? 1 : *positions_[0] <= *positions_[1] ? 0 : 1;
}

Status Checkpoints::save(uint64_t position, std::string_view body) {
  return write(older(), position, body);
}

Status Checkpoints::save_both(uint64_t position, std::string_view body) {
  const size_t first = older();
  TRY(write(first, position, body));
  return write(1 - first, position, body);
}

Status Checkpoints::write(size_t slot, uint64_t position, std::string_view body) {
  std::string bytes(kMagic);
  ByteWriter header(bytes);
  header.number(kFormat);
  header.number(position);
  header.number(body.size());
  header.number(checksum64(body));
  bytes += body;
  positions_[slot].reset();  // whatever becomes of this: the other one is whole
  TRY(replace_file(files_, path_of(slot), bytes));
  positions_[slot] = position;
  return {};
}

Status Checkpoints::clear() {
  for (size_t slot = 0; slot < positions_.size(); ++slot) {
    positions_[slot].reset();
    const Status removed = files_.remove(path_of(slot));
    if (!removed && removed.error().code != Code::not_found) return removed;
  }
  return files_.sync_directory(folder_);
}

std::optional<uint64_t> Checkpoints::oldest() const {
  if (positions_[0] && positions_[1]) return std::min(*positions_[0], *positions_[1]);
  return positions_[0] ? positions_[0] : positions_[1];
}

}  // namespace weir::live
