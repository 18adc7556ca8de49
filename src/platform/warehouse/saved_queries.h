// Queries that people keep: files queries/NAME.sql of the project's folder, plain SQL that may also be edited and
// versioned without weir. They declare nothing: plan and apply leave them alone.
//
// A change names the revision that it replaces, so that two people do not overwrite one another unseen; a revision is
// a digest of the text, so an edit beside weir counts too. A save is on disk when it returns: a crash before that
// leaves the old text or the new one.
//
// Limits: names are [a-z0-9_-]{1,63}, texts UTF-8 of 256 KiB, 1 000 queries. Other files in the folder are left alone.
// Threads: any; changes wait for one another. Errors: invalid (name, text), not_found, conflict (another revision is
// there), too_large, and what the disk says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/io/files.h"

namespace weir::warehouse {

struct SavedQuery {
  std::string name;
  std::string sql;
  std::string revision;
  Json to_json() const;  // {"name","sql","revision"}
};

class SavedQueries {
 public:
  static constexpr size_t kBytesMax = 256u << 10, kQueriesMax = 1'000;

  struct Listed {
    std::string name;
    uint64_t bytes = 0;
  };

  SavedQueries(Files& files, std::string project_folder);

  Result<std::vector<Listed>> list() const;  // by name
  Result<SavedQuery> open(std::string_view name) const;
  // `replaces`: the revision that is there; missing: there must be none of that name. A text gets a line break at its
  // end.
  Result<SavedQuery> save(std::string_view name, std::string sql, const std::optional<std::string>& replaces);
  Status remove(std::string_view name, std::string_view revision);
  Result<SavedQuery> rename(std::string_view name, std::string_view to, std::string_view revision);

 private:
  std::string path_of(std::string_view name) const;
  Status check_revision(std::string_view name, std::string_view revision) const;
  Status check_new(std::string_view name) const;

  Files& files_;
  const std::string folder_;
  Mutex mutex_;  // held by changes: what was read is still there when it is replaced
};

}  // namespace weir::warehouse
