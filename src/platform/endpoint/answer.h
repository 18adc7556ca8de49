// A question answered from the indexes of a table's partitions. Pure but for the indexes' reads; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/endpoint/index_file.h"
#include "platform/endpoint/question.h"

namespace weir::endpoint {

inline constexpr size_t kAnswerBytesMax = 4u << 20;  // a page that would be larger ends before

struct PartitionIndex {
  std::optional<int32_t> day;             // nothing: the table is one whole
  uint64_t stamp = 0;                     // of its mark
  uint64_t rows = 0;                      // as the mark says
  std::shared_ptr<const IndexFile> file;  // shared with requests under way; null: it is not written yet
};

// Stands for everything that an answer can be made of, within the question's range: the partitions and what they hold.
// `unavailable` if one of them has no index now.
// `form`: form_of() the endpoint, which costs more than an answer.
Result<uint64_t> version_of(const Endpoint& endpoint, uint64_t form, const std::vector<PartitionIndex>& partitions,
                            const Question& question);
uint64_t form_of(const Endpoint& endpoint);
// {"count":2,"next":null,"days":[…]}. `unavailable`: an index is missing or damaged; `conflict`: the partition within
// which the last page ended was computed again.
Result<std::string> answer_of(const Endpoint& endpoint, const std::vector<PartitionIndex>& partitions,
                              const Question& question, const EndpointKeys& keys);

}  // namespace weir::endpoint
