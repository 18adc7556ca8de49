// Which files of the store a commit left behind that did not come to its end. Internal to stream/lake.
//
// A commit names its files in .staging/intent.json before it renames them to their places, so a start needs to look at
// those only. The intent is replaced whole, so only a hand or the disk can damage it; then the store itself is looked
// through for what no commit lists.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/io/files.h"

namespace weir::lake {

// Paths below the store, as the intent names them. `corrupt` if it is not what a commit writes, `unsupported` if a
// newer program wrote it.
Result<std::vector<std::string>> intended_files(Files& files, const std::string& intent_path);

// What proves that a file nobody lists is no loss.
struct Committed {
  std::set<std::string> paths;  // that the catalog lists
  uint64_t cursor = 0;          // the lake has everything below it, in the files listed
  uint64_t journal_first = 0;   // what the journal still holds: [journal_first, journal_end)
  uint64_t journal_end = 0;
};

struct Unlisted {
  std::vector<std::string> leftovers;  // the lake has their records elsewhere, or will take them from the journal again
  std::vector<std::string> unknown;    // named by people, or with records that nothing else holds: stay where they are
};

// Walks lake/ and raw/ for files that are not listed.
Result<Unlisted> unlisted_files(Files& files, const std::string& store_root, const Committed& committed);

}  // namespace weir::lake
