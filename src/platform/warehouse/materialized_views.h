// What is known of materialized views besides their rows: whether what they read changed since they were filled, and
// how each refresh went. And who refreshes those that were made with AUTO REFRESH YES.
//
// A change is noted when it was committed, whoever made it: a statement, a run that published a derived table; of a
// stream its version in the lake counts. After a start nobody knows what changed before: every view may be stale then,
// and those that refresh themselves do so once.
//
// Source: Redshift Database Developer Guide, "Refreshing a materialized view", STV_MV_INFO, SVL_MV_REFRESH_STATUS.
// Threads: any; AutoRefresh::tick() by one at a time.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/time.h"
#include "core/runtime/cancel.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

class Rights;
class Warehouse;
struct Relation;

// The name under which AUTO REFRESH asks, in the log of statements.
inline constexpr const char* kAutoRefreshUser = "auto refresh";

struct ViewRefresh {
  WallTime began_at{}, ended_at{};
  std::string schema, name;
  uint32_t user_id = 0;
  uint64_t query = 0;
  bool is_automatic = false;
  std::string error = {};  // empty: it was filled anew
};

class MaterializedViews {
 public:
  using Versions = std::map<std::string, uint64_t>;  // by the relation: "schema.name"
  static constexpr size_t kRefreshesKept = 1'000;

  // `of_stream`: grows with each commit that changes what a stream or table of the lake holds; 0 if there is none.
  void set_streams(std::function<uint64_t(const std::string& name)> of_stream) { of_stream_ = std::move(of_stream); }

  // How a relation is called here: public is more than one schema of the engine.
  static std::string key_of(std::string_view schema, std::string_view name);
  void changed(const std::set<std::string>& keys);  // was committed
  // Of what the view reads, now; through views to the relations below them.
  Versions versions(const Rights& rights, const Relation& view) const;
  // It holds what was there at `versions`, taken before the transaction that filled it had begun.
  void filled(const Relation& view, Versions versions);
  bool is_stale(const Rights& rights, const Relation& view) const;

  void note(ViewRefresh refresh);
  std::vector<ViewRefresh> refreshes() const;  // newest first

 private:
  std::function<uint64_t(const std::string&)> of_stream_;
  mutable Mutex mutex_;
  std::map<std::string, uint64_t> changes_ GUARDED_BY(mutex_);
  std::map<std::string, Versions> filled_ GUARDED_BY(mutex_);  // by the view's key
  std::deque<ViewRefresh> refreshes_ GUARDED_BY(mutex_);
};

// The table weir_view_refreshes over `views`, which outlives the engine that gets it.
engine::SystemView view_refreshes(const MaterializedViews& views);

class AutoRefresh {
 public:
  // Both outlive it.
  AutoRefresh(Warehouse& warehouse, MaterializedViews& views, const Clock& clock)
      : warehouse_(warehouse), views_(views), clock_(clock) {}
  // Refreshes what is due: a view whose relations changed, no sooner than 5 s after its last refresh, and ten times as
  // long as that took; one that failed after twice as long with each failure, up to 10 minutes. Blocks.
  void tick(const Cancel& cancel);

 private:
  struct Known {
    int64_t next_at = 0;  // steady microseconds
    int failures = 0;
  };
  void refresh(const Relation& view, Known& known, const Cancel& cancel);

  Warehouse& warehouse_;
  MaterializedViews& views_;
  const Clock& clock_;
  std::map<std::string, Known> known_;
};

}  // namespace weir::warehouse
