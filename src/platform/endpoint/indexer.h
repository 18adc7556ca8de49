// Writes the index of one partition from the table's rows, read in one transaction of the engine, or from one version
// of the lake, with the partition's mark: an index says what the table said with that mark, or it is not there.
//
// A file is written under a staging name, synced, renamed, and its folder synced. Calls block: on a work lane or on the
// thread that published the partition. Errors: `invalid` (the table does not have the columns), `not_found` (the
// partition has no mark), cancelled, io, no_space.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/base/clock.h"
#include "core/runtime/cancel.h"
#include "platform/endpoint/answer.h"
#include "platform/flow/flow.h"
#include "storage/engine/engine.h"

namespace weir::endpoint {

uint64_t mark_stamp(const flow::Mark& mark);

class Indexer {
 public:
  struct Parts {
    engine::Engine& engine;
    const flow::Flow& flow;
    Files& files;
    Random& random;
    std::string folder;  // .weir/endpoints
    std::shared_ptr<IndexMemory> memory;
  };
  explicit Indexer(Parts parts) : parts_(std::move(parts)) {}

  std::string folder_of(const Endpoint& endpoint) const;
  std::string path_of(const Endpoint& endpoint, const flow::Partition& partition) const;
  // The index that is there; `not_found` if there is none, `conflict` if it was made from something else.
  Result<std::shared_ptr<const IndexFile>> open(const Endpoint& endpoint, const flow::Partition& partition,
                                                const IndexStamp& wanted) const;
  // `partition_column`: of the table; empty if it is one whole.
  Result<PartitionIndex> write(const Endpoint& endpoint, const std::string& partition_column,
                               const flow::Partition& partition, const EndpointKeys& keys, const Cancel& cancel) const;
  // Removes what else lies in the endpoint's folder, or all of it with the folder.
  Status remove_others(const Endpoint& endpoint, const std::set<std::string>& kept) const;
  Status remove_all(const std::string& endpoint) const;

 private:
  Status write_rows(engine::Session& session, const Endpoint& endpoint, const std::string& partition_column,
                    const flow::Partition& partition, const EndpointKeys& keys, IndexWriter& writer) const;

  const Parts parts_;
};

}  // namespace weir::endpoint
