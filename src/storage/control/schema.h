// The control database's tables and how an older file becomes today's. A migration is never edited once released:
// changes are appended.
#pragma once

#include <span>

#include "core/base/result.h"
#include "core/base/time.h"
#include "storage/control/sqlite.h"

namespace weir::control {

struct Migration {
  int version = 0;  // 1, 2, 3 … without gaps
  const char* sql = "";
};

std::span<const Migration> migrations();

// Brings the file to the last of `steps` in one transaction; does nothing if it is there. A file of a newer program, or
// of another program, is refused and left as it is.
Status migrate(Database& database, std::span<const Migration> steps, WallTime now);

}  // namespace weir::control
