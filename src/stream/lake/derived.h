// Derived tables that are kept in the lake: their rows are computed by somebody else (platform/flow) and handed in as
// Parquet files; here they become files that count, listed in the catalog beside those of streams.
//
// Promises
//   - One commit lists a partition's new file, takes the old one out, and records the mark that says what it was
//   computed from. So whatever crashes, a partition and its mark belong together, and a reader sees one whole partition
//   or the other.
//   - A partition whose rows are what they were keeps its file and its version, whatever it was computed from.
//   - A partition is one file, or none if it has no rows.
//   - Shadows are tables that are made to take another's place: statements do not see them.
//
// Any thread; one at a time for one table, which is the caller's to see to. Errors: conflict (the name is a stream's),
// not_found, busy (a commit of the lake has failed and is tried again first), io.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "storage/control/control.h"
#include "storage/engine/engine.h"

namespace weir::lake {

struct DerivedTable {
  std::string name;                     // a shadow's is shadow_name()
  std::vector<engine::Column> columns;  // all, in the order of the SELECT
  std::string partition;                // a DATE column of these; empty: the table is one whole
  friend bool operator==(const DerivedTable&, const DerivedTable&) = default;
};

using DerivedMarks = std::map<std::optional<int32_t>, control::LakeMark>;  // by day

// A table as it is committed. Immutable.
struct Derived {
  DerivedTable table;
  DerivedMarks marks;
};

// A new content of one partition.
struct DerivedPart {
  control::LakeMark mark;  // its table and version are set here
  std::string staged;      // path of a StagedFile that is written whole; empty: there are no rows
};

// A file that is written before it counts. What is never handed in is removed by the next start, if not before.
struct StagedFile {
  std::string path;      // below the store's root, as engine::TableFile has it
  std::string absolute;  // of the operating system
};

// No declaration's name has a space in it.
std::string shadow_name(std::string_view table);
bool is_shadow(std::string_view name);

class DerivedTables {
 public:
  virtual ~DerivedTables() = default;
  virtual StagedFile stage() = 0;
  virtual Status unstage(const StagedFile& file) = 0;  // one that is not handed in; it may be gone

  // An empty table, in place of what the derived table of that name held.
  virtual Status make_derived(const DerivedTable& table) = 0;
  virtual Status publish_derived(const std::string& table, std::vector<DerivedPart> parts) = 0;
  // `parts` become part of the shadow, which then takes the table's name and place, if there is one already.
  virtual Status promote_derived(const std::string& table, std::vector<DerivedPart> parts) = 0;
  // The table is kept elsewhere from now on: its files stay for those who read them, like any that were replaced.
  virtual Status retire_derived(const std::string& table) = 0;
  virtual std::map<std::string, std::shared_ptr<const Derived>, std::less<>> derived() = 0;  // shadows too
  // Removes what these tables held before, and their shadows, without waiting for readers outside; returns how many
  // files are left, because a snapshot reads them.
  virtual Result<uint64_t> expire_derived(const std::vector<std::string>& tables) = 0;
  // With its shadow and all files, for good. Nothing if there is none.
  virtual Status drop_derived(const std::string& table) = 0;
};

}  // namespace weir::lake
