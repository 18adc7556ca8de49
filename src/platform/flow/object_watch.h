// What was written below a place of the store since somebody last knew, found by listing it: so it does not matter who
// wrote it, or whether the program was there. One thread at a time.
//
// An object that is written again counts as written. One that is removed counts for nothing while the program is there;
// what was removed while it was not cannot be told from what was written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>

#include "core/base/time.h"
#include "platform/warehouse/buckets.h"

namespace weir::flow {

class ObjectWatch {
 public:
  // `known`: the digest of what was there when somebody last knew; nothing: what the first look finds.
  ObjectWatch(std::string url, std::optional<std::string> known) : url_(std::move(url)), known_(std::move(known)) {}

  // Lists the place. Errors are those of the store; what is pending stays so.
  Status look(warehouse::Buckets& buckets, WallTime now);
  // Since when something was written that no start has covered; nothing: nothing was.
  std::optional<WallTime> pending_since() const { return pending_since_; }
  const std::string& newest() const { return newest_; }  // what is pending: its url, as far as it can be told
  const std::string& digest() const { return digest_; }  // of what the last look found
  void covered() { pending_since_.reset(); }

 private:
  const std::string url_;
  std::optional<std::string> known_;
  bool has_looked_ = false;
  std::unordered_set<uint64_t> seen_;  // each object with its size and time
  std::string digest_, newest_;
  std::optional<WallTime> pending_since_;  // of the newest change
};

}  // namespace weir::flow
