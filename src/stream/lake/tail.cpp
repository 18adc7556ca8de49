#include "stream/lake/tail.h"

#include <algorithm>

namespace weir::lake {

void SequenceRange::include(uint64_t sequence) {
  if (first == 0 || sequence < first) first = sequence;
  if (sequence > last) last = sequence;
}

void PartitionTail::added(uint64_t sequence, engine::Engine& engine) {
  ++rows_;
  sequences_.include(sequence);
  if (open_.rows() >= kBlockRows) freeze(engine);
}

void PartitionTail::freeze(engine::Engine& engine) {
  if (open_.rows() == 0) return;
  full_.push_back(engine.seal(open_));
  open_ = engine::RowBlock(open_.columns());
  open_view_.reset();
  open_view_rows_ = 0;
}

void PartitionTail::collect(engine::Engine& engine, std::vector<std::shared_ptr<const engine::SealedChunk>>& into) {
  into.insert(into.end(), full_.begin(), full_.end());
  if (open_.rows() == 0) return;
  if (open_view_rows_ != open_.rows()) {
    open_view_ = engine.seal(open_);
    open_view_rows_ = open_.rows();
  }
  into.push_back(open_view_);
}

void ArchiveTail::added(uint64_t sequence, int32_t event_day, GzipCompressor& compressor) {
  ++rows_;
  first_day_ = std::min(first_day_, event_day);
  last_day_ = std::max(last_day_, event_day);
  sequences_.include(sequence);
  if (open_.size() < kMemberBytes) return;
  auto member = compressor.member(open_);
  if (!member) return;  // the lines stay, and file() says why
  member_bytes_ += member->size();
  members_.push_back(std::move(*member));
  open_.clear();
}

Result<std::string> ArchiveTail::file(int gzip_level) const {
  std::string last;
  if (!open_.empty()) {
    TRY_ASSIGN(last, gzip_member(open_, gzip_level));
  }
  std::string out;
  out.reserve(member_bytes_ + last.size());
  for (const std::string& member : members_) out += member;
  out += last;
  return out;
}

}  // namespace weir::lake
