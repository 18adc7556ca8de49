#include "storage/journal/release_mark.h"

#include <charconv>

#include "core/base/hash.h"

namespace weir::journal {

namespace {

constexpr uint64_t kMarkVersion = 1;

// Takes "name number\n" off the front.
std::optional<uint64_t> take_line(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || text.size() <= name.size() || text[name.size()] != ' ') return std::nullopt;
  text.remove_prefix(name.size() + 1);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data() + text.size() || *end != '\n') return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return value;
}

}  // namespace

std::string encode_mark(const ReleaseMark& mark) {
  std::string text = "weir_journal_released " + std::to_string(kMarkVersion) + "\nfirst_segment " +
                     std::to_string(mark.first_segment) + "\nfirst_sequence " + std::to_string(mark.first_sequence) +
                     "\n";
  text += "checksum " + std::to_string(checksum64(text)) + "\n";
  return text;
}

Result<ReleaseMark> parse_mark(std::string_view text) {
  const Error damaged(Code::corrupt, "the file does not match its checksum");
  const size_t checksum_at = text.rfind("checksum ");
  if (checksum_at == std::string_view::npos) return damaged;
  std::string_view last = text.substr(checksum_at);
  const auto checksum = take_line(last, "checksum");
  if (!checksum || !last.empty() || *checksum != checksum64(text.substr(0, checksum_at))) return damaged;
  const auto version = take_line(text, "weir_journal_released");
  if (!version) return damaged;
  if (*version > kMarkVersion) {
    return Error(Code::unsupported,
                 "its format is version " + std::to_string(*version) + ", this weir reads up to version " +
                     std::to_string(kMarkVersion),
                 "use the newer weir that wrote it");
  }
  const auto segment = take_line(text, "first_segment");
  if (!segment) return damaged;
  const auto sequence = take_line(text, "first_sequence");
  if (!sequence || *segment == 0 || *sequence == 0) return damaged;
  return ReleaseMark{*segment, *sequence};
}

Result<std::optional<ReleaseMark>> read_mark(Files& files, const std::string& folder) {
  const std::string path = join_path(folder, kReleaseMarkName);
  auto text = read_file(files, path, 4096);
  if (!text && text.error().code == Code::not_found) return std::optional<ReleaseMark>();
  if (!text) return text.error();
  auto mark = parse_mark(*text);
  if (!mark) return Error(mark.error().code, path + ": " + mark.error().message, mark.error().hint);
  return std::optional<ReleaseMark>(*mark);
}

Status write_mark(Files& files, const std::string& folder, const ReleaseMark& mark) {
  return replace_file(files, join_path(folder, kReleaseMarkName), encode_mark(mark));
}

}  // namespace weir::journal
