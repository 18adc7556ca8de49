#include "platform/endpoint/answer.h"

#include <algorithm>

#include "core/base/json.h"

namespace weir::endpoint {
namespace {

constexpr uint64_t kAnswerForm = 1;  // raised when answers look different

Error being_made() {
  return Error(Code::unavailable, "this endpoint's index is being written; try again in a moment");
}

// Partitions of a table that is cut by the range's column hold one value each; of any other every one is looked at.
bool is_within(const Endpoint& endpoint, const PartitionIndex& partition, const Question& question) {
  if (!partition.day || endpoint.range_column().empty()) return true;
  return *partition.day >= question.from && *partition.day <= question.to;
}

class Answer {
 public:
  Answer(const Endpoint& endpoint, const Question& question, const EndpointKeys& keys)
      : endpoint_(endpoint), question_(question), keys_(keys) {}

  Status add(const PartitionIndex& partition) {
    if (partition.file == nullptr || partition.file->is_damaged()) return being_made();
    if (is_behind(partition.day ? *partition.day : INT64_MIN, partition.day ? *partition.day : INT64_MAX)) return {};
    auto chunks = partition.file->chunks_of(question_.key);
    if (!chunks) return being_made();
    if (is_descending()) std::reverse(chunks->begin(), chunks->end());
    for (const ChunkPlace& chunk : *chunks) {
      if (chunk.last < question_.from || chunk.first > question_.to || is_behind(chunk.first, chunk.last)) continue;
      TRY_ASSIGN(const bool is_skipped, skip(*partition.file, chunk));
      if (is_skipped) continue;
      TRY(add_chunk(*partition.file, chunk));
      if (is_full_) break;
    }
    return {};
  }

  bool is_full() const { return is_full_; }

  Result<std::string> text() {
    std::string out = "{\"count\":" + std::to_string(count_) + ",\"next\":";
    if (is_full_) {
      Cursor next{question_.from, question_.to, last_value_, given_, goes_on_ ? last_digest_ : 0};
      Json::append_quoted(out, encode_cursor(next, keys_.cursor, question_.bound));
    } else {
      out += "null";
    }
    out += ",\"" + endpoint_.list + "\":[";
    out += rows_;
    out += "]}";
    return out;
  }

 private:
  bool is_descending() const { return endpoint_.order == Order::descending; }

  // Whether all values of first..last were given on pages before.
  bool is_behind(int64_t first, int64_t last) const {
    if (!question_.after) return false;
    return is_descending() ? first > question_.after->value : last < question_.after->value;
  }

  // A chunk all rows of which were given before is not read again.
  Result<bool> skip(const IndexFile& file, const ChunkPlace& chunk) {
    if (!question_.after || chunk.first != chunk.last || chunk.first != question_.after->value) return false;
    if (chunk.first != value_ || !has_value_) {
      has_value_ = true;
      value_ = chunk.first;
      of_value_ = 0;
    }
    if (of_value_ + chunk.rows > question_.after->given) return false;
    TRY(check_version(file));
    of_value_ += chunk.rows;
    return true;
  }

  Status add_chunk(const IndexFile& file, const ChunkPlace& chunk) {
    std::string storage;
    auto rows = file.rows(chunk, storage);
    if (!rows) return being_made();
    if (is_descending()) std::reverse(rows->begin(), rows->end());
    for (const IndexFile::Row& row : *rows) {
      if (row.value < question_.from || row.value > question_.to || is_behind(row.value, row.value)) continue;
      if (row.value != value_ || !has_value_) {
        has_value_ = true;
        value_ = row.value;
        of_value_ = 0;
      }
      ++of_value_;
      if (question_.after && row.value == question_.after->value) {
        TRY(check_version(file));
        if (of_value_ <= question_.after->given) continue;
      }
      if (count_ == question_.rows_max || rows_.size() + row.text.size() > kAnswerBytesMax) {
        is_full_ = true;
        goes_on_ = row.value == last_value_;
        last_digest_ = file.summary().digest;
        return {};
      }
      if (count_++ > 0) rows_ += ',';
      rows_ += row.text;
      last_value_ = row.value;
      given_ = of_value_;
    }
    return {};
  }

  Status check_version(const IndexFile& file) const {
    if (question_.after->version == 0 || question_.after->version == file.summary().digest) return {};
    return Error(Code::conflict, "what the last page ended in was computed again since: begin again without '" +
                                     endpoint_.page.cursor + "'");
  }

  const Endpoint& endpoint_;
  const Question& question_;
  const EndpointKeys& keys_;
  std::string rows_;
  size_t count_ = 0;
  bool has_value_ = false;
  int64_t value_ = 0;      // of the row that was looked at last
  uint32_t of_value_ = 0;  // rows with it so far
  int64_t last_value_ = 0;
  uint32_t given_ = 0;
  bool is_full_ = false;  // there is at least one row more
  bool goes_on_ = false;  // with the value of the last one
  uint64_t last_digest_ = 0;
};

}  // namespace

uint64_t form_of(const Endpoint& endpoint) {
  std::string seen = to_json(endpoint).dump();
  put_u64(seen, kAnswerForm);
  return checksum64(seen);
}

Result<uint64_t> version_of(const Endpoint& endpoint, uint64_t form, const std::vector<PartitionIndex>& partitions,
                            const Question& question) {
  std::string seen;
  put_u64(seen, form);
  for (const PartitionIndex& partition : partitions) {
    if (!is_within(endpoint, partition, question)) continue;
    if (partition.file == nullptr || partition.file->is_damaged()) return being_made();
    put_u64(seen, static_cast<uint64_t>(partition.day.value_or(0)));
    put_u64(seen, partition.file->summary().digest);
  }
  put_u64(seen, static_cast<uint64_t>(question.from));
  put_u64(seen, static_cast<uint64_t>(question.to));
  return checksum64(seen);
}

Result<std::string> answer_of(const Endpoint& endpoint, const std::vector<PartitionIndex>& partitions,
                              const Question& question, const EndpointKeys& keys) {
  Answer answer(endpoint, question, keys);
  const auto add = [&](const PartitionIndex& partition) -> Status {
    return answer.is_full() || !is_within(endpoint, partition, question) ? Status() : answer.add(partition);
  };
  if (endpoint.order == Order::ascending) {
    for (auto at = partitions.begin(); at != partitions.end(); ++at) {
      TRY(add(*at));
    }
  } else {
    for (auto at = partitions.rbegin(); at != partitions.rend(); ++at) {
      TRY(add(*at));
    }
  }
  return answer.text();
}

}  // namespace weir::endpoint
