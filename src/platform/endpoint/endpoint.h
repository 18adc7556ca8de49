// Endpoints: declared GETs that are answered from derived tables, at the rate of a cache and with the truth of the
// table.
//
// Nothing asks the engine when a request comes. When a partition of a table is published, an immutable index of it is
// written for each endpoint over the table, read in one transaction with the partition's mark; requests read the
// newest indexes. What is promised:
//   - An answer holds, of each partition, the rows of one published version: the newest one whose index is written,
//     which a run waits for before it is done. If a partition's index is missing or damaged, or cannot be written,
//     requests that need it get `unavailable`, and it is written again in the background.
//   - A cursor belongs to one request's parameters; what it goes on with lies strictly behind the last row given. A
//     day is on one page; a day computed again between two pages is given as it is when its page is asked for, and if a
//     page ended within it, the next one is `conflict`.
//   - Equal answers have equal versions (ETag); a version changes only if a row of a partition in the range does.
//
// Threads: answer(), find() and paths() from any, also io threads: they copy a pointer under a lock that nobody holds
// longer than that, and read a few pages of a file that is not in memory. The others block: work lanes, or the thread
// that published.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "core/base/metrics.h"
#include "core/runtime/lanes.h"
#include "platform/access/secrets.h"
#include "platform/endpoint/indexer.h"
#include "platform/flow/flow.h"

namespace weir::endpoint {

// How one endpoint is doing; lives as long as the room.
struct Meters {
  Counter& answered;     // with rows, or with none
  Counter& unchanged;    // the client has this answer already
  Counter& refused;      // wrong parameters, or nobody who may
  Counter& unavailable;  // its index is being written
  Counter& builds;
  Counter& build_failures;
  Histogram& seconds;
};

// One endpoint as requests see it. Never changes; shared with requests under way.
struct Served {
  std::shared_ptr<const Endpoint> endpoint;
  uint64_t form = 0;
  std::vector<PathPart> path;
  std::vector<PartitionIndex> partitions;    // by day
  std::optional<WallTime> computed_at;       // of the newest mark
  std::string problem;                       // why it cannot answer, or not all; empty: nothing known
  bool is_compared = false;                  // with the marks of the table, since it is declared
  std::shared_ptr<const EndpointKeys> keys;  // of all endpoints; null: they cannot be read
  std::shared_ptr<Meters> meters;
  size_t missing() const;
};
using ServedPtr = std::shared_ptr<const Served>;
using ServedMap = std::map<std::string, ServedPtr, std::less<>>;

struct Answered {
  bool is_unchanged = false;
  std::string body;  // JSON; empty if unchanged
  std::string tag;   // in quotes
};

class Endpoints {
 public:
  struct Parts {
    engine::Engine& engine;
    flow::Flow& flow;
    access::Secrets& secrets;
    Files& files;
    Lanes& lanes;
    Clock& clock;
    Random& random;
    Metrics& metrics;
    std::string folder;         // .weir/endpoints
    uint64_t memory_bytes = 0;  // of indexes, all together
    bool writes = true;         // false: a command that lives for a moment; the next server compares
  };
  explicit Endpoints(const Parts& parts);
  ~Endpoints();

  // The declared ones, at start and after each apply. Indexes that are there are opened; what is missing is written in
  // the background.
  Status set_endpoints(std::vector<Endpoint> endpoints);
  // Something of the table was published or dropped: indexes are written before it returns.
  void table_changed(const std::string& table);
  // Writes what is missing or was found damaged, on a lane; from a timer. Does nothing while that is under way.
  void mend();
  // Removes the indexes of one that is no longer declared.
  Status destroy(const std::string& name);

  std::shared_ptr<const ServedMap> all() const;
  ServedPtr find(std::string_view name) const;
  // `invalid` names the parameter; `unavailable`, `conflict`, `not_found` (it is disabled). `known`: what the client
  // has, as If-None-Match says it.
  Result<Answered> answer(const Served& served, const Asked& asked, std::string_view known) const;

  // {"name","state","path",…}; `state`: ready, building, disabled, broken.
  Json state_json(const Served& served) const;
  // What the answer's columns are in the table, for descriptions; empty if the table is not there yet.
  std::vector<engine::ResultColumn> columns(const Endpoint& endpoint) const;

 private:
  struct Slot;  // one declared endpoint
  using Slots = std::map<std::string, std::shared_ptr<Slot>, std::less<>>;

  Result<std::shared_ptr<const EndpointKeys>> read_keys();
  std::shared_ptr<Meters> meters_of(const std::string& endpoint);
  void compare(Slot& slot, bool writes);
  Served compared(Slot& slot, const Served& before, std::vector<size_t>& wanted);
  void write(Slot& slot, Served& next, const std::vector<size_t>& wanted);
  void publish(Slot& slot, Served served);
  void remove_others(const Slot& slot, const flow::TableMarks& marks);
  std::vector<std::shared_ptr<Slot>> slots() const;

  const Parts parts_;
  const Indexer indexer_;
  std::atomic<bool> is_mending_{false};
  Mutex change_mutex_;  // one set_endpoints() at a time
  mutable Mutex mutex_;
  Slots slots_ GUARDED_BY(mutex_);                              // shared with threads that write their indexes
  std::shared_ptr<const ServedMap> served_ GUARDED_BY(mutex_);  // shared with requests under way
  std::map<std::string, std::shared_ptr<Meters>> meters_ GUARDED_BY(mutex_);  // shared with what is served
};

// Whether If-None-Match names the tag.
bool names_tag(std::string_view header, std::string_view tag);

}  // namespace weir::endpoint
