#include "stream/lake/tail.h"

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

std::string& ArchiveTail::open_piece() {
  // A quiet stream's first piece stays small; behind it more will come.
  if (pieces.empty()) return pieces.emplace_back();
  if (pieces.back().size() < kPieceBytes) return pieces.back();
  pieces.emplace_back().reserve(kPieceBytes + kPieceBytes / 8);
  return pieces.back();
}

}  // namespace weir::lake
