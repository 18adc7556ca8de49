#include "stream/lake/leftovers.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace weir::lake {
namespace {

constexpr int kFormat = 1;
constexpr int kFoldersDeep = 12;  // raw/<stream>/YYYY/MM/DD/HH has six; a link in a circle ends here
constexpr size_t kSequenceDigits = 20;

bool is_data_path(std::string_view path) {
  return (path.starts_with("lake/") || path.starts_with("raw/")) && path.find("..") == std::string_view::npos;
}

bool is_data_file(std::string_view name) {
  return name.ends_with(".parquet") || name.ends_with(".json.gz");
}

std::optional<uint64_t> sequence_of(std::string_view digits) {
  uint64_t out = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

// "00000000000000000017-00000000000000000042.parquet", or with ".v7" before the ending: the first and last sequence, of
// a name that a commit gives.
std::optional<std::pair<uint64_t, uint64_t>> range_of(std::string_view name) {
  const size_t size = 2 * kSequenceDigits + 1;
  if (name.size() < size || name[kSequenceDigits] != '-') return std::nullopt;
  std::string_view ending = name.substr(size);
  if (ending.starts_with(".v")) {
    const size_t digits = ending.find_first_not_of("0123456789", 2);
    if (digits == 2 || digits == std::string_view::npos) return std::nullopt;
    ending.remove_prefix(digits);
  }
  if (ending != ".parquet" && ending != ".json.gz") return std::nullopt;
  const auto first = sequence_of(name.substr(0, kSequenceDigits));
  const auto last = sequence_of(name.substr(kSequenceDigits + 1, kSequenceDigits));
  if (!first || !last || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

bool is_leftover(std::string_view name, const Committed& committed) {
  const auto range = range_of(name);
  if (!range) return false;
  const auto [first, last] = *range;
  // Below the cursor the catalog lists every file that counts; beyond it the journal is followed again.
  if (last < committed.cursor) return true;
  return first >= committed.cursor && first >= committed.journal_first && last < committed.journal_end;
}

class Walk {
 public:
  Walk(Files& files, const std::string& root, const Committed& committed, Unlisted& out)
      : files_(files), root_(root), committed_(committed), out_(out) {}

  Status folder(const std::string& path, int depth) {
    if (depth > kFoldersDeep) return {};
    TRY_ASSIGN(const auto entries, files_.list(join_path(root_, path)));
    for (const DirectoryEntry& entry : entries) {
      const std::string below = join_path(path, entry.name);
      if (entry.is_directory) {
        TRY(folder(below, depth + 1));
      } else if (is_data_file(entry.name) && !committed_.paths.contains(below)) {
        (is_leftover(entry.name, committed_) ? out_.leftovers : out_.unknown).push_back(below);
      }
    }
    return {};
  }

 private:
  Files& files_;
  const std::string& root_;
  const Committed& committed_;
  Unlisted& out_;
};

}  // namespace

Result<std::vector<std::string>> intended_files(Files& files, const std::string& intent_path) {
  TRY_ASSIGN(const std::string text, read_file(files, intent_path));
  const auto intent = Json::parse(text);
  if (!intent) return Error(Code::corrupt, intent_path + " is not JSON: " + intent.error().text());
  const Json& named = (*intent)["files"];
  if (!(*intent)["format"].is_integer() || !named.is_array()) {
    return Error(Code::corrupt, intent_path + " has no format and files");
  }
  if ((*intent)["format"].as_int() > kFormat) {
    return Error(Code::unsupported,
                 intent_path + " has format " + std::to_string((*intent)["format"].as_int()) +
                     ", this program knows up to " + std::to_string(kFormat),
                 "start the newer program that wrote it");
  }
  std::vector<std::string> out;
  for (const Json& path : named.array()) {
    if (!path.is_string() || !is_data_path(path.as_string())) {
      return Error(Code::corrupt, intent_path + " names something that is no file of the lake: " + path.dump());
    }
    out.push_back(path.as_string());
  }
  return out;
}

Result<Unlisted> unlisted_files(Files& files, const std::string& store_root, const Committed& committed) {
  Unlisted out;
  Walk walk(files, store_root, committed, out);
  for (const char* folder : {"lake", "raw"}) {
    TRY_ASSIGN(const bool there, files.exists(join_path(store_root, folder)));
    if (there) {
      TRY(walk.folder(folder, 0));
    }
  }
  return out;
}

}  // namespace weir::lake
