// Crash points: named places where a test may kill the program, to prove that what was acknowledged survives.
//
// real_files() passes one before and one after every file sync, rename and directory sync; their names are made of the
// first folder under `.weir` and the operation: "journal/before_sync", "journal/sync", "store/before_rename",
// "store/rename", "store/before_sync_directory", "store/sync_directory". A file that lies in `.weir` itself is "weir",
// one outside is "outside". Other rooms call crash_point("control/before_commit") and the like around their commits.
// Off (the normal case) a point costs one relaxed load. Any thread may pass one; set_crash_points() is called by `app`
// at start, before other threads exist.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace weir {

struct CrashPoints {
  std::string at{};   // "name:hit": SIGKILL to the own process at that hit, counted from 1; empty for never
  std::string log{};  // a file that gets a line "name hit" at each hit (the last line of a name is its count); or empty
};

// Replaces what was set before; empty fields switch everything off. Refuses an `at` that is not "name:hit".
Status set_crash_points(const CrashPoints& points);

extern std::atomic<bool> crash_points_on;
void crash_point_hit(std::string_view name);

inline void crash_point(const char* name) {
  if (crash_points_on.load(std::memory_order_relaxed)) {
    crash_point_hit(name);
  }
}

// The label of a path: the first folder under the last `.weir` in it ("journal", "store"), "weir" or "outside".
// A folder's own path ends with a slash.
std::string_view crash_label(std::string_view path);

}  // namespace weir
