#include "app/stream_options.h"

namespace weir::app {

lake::Options lake_options(const project::Settings& settings, const std::string& store_root) {
  lake::Options out;
  out.store_root = store_root;
  out.commit_interval = settings.duration("lake.commit_interval");
  out.commit_bytes = settings.size("lake.commit_bytes");
  out.compact_files = static_cast<size_t>(settings.integer("lake.compact_files"));
  out.compact_bytes = settings.size("lake.compact_bytes");
  out.replaced_keep = settings.duration("lake.replaced_keep");
  // What may wait beside a commit that is being written: more would only be memory, the journal keeps it all.
  out.tail_bytes_max = out.commit_bytes + (8ull << 20);
  return out;
}

capture::Options capture_options(const project::Settings& settings, const std::string& state_folder) {
  capture::Options out;
  out.folder = join_path(state_folder, "dedup");
  out.limits.body_bytes = settings.size("limits.body_bytes");
  out.limits.record_bytes = settings.size("limits.record_bytes");
  out.limits.depth = static_cast<int>(settings.integer("limits.depth"));
  out.limits.ratio_max = settings.number("limits.ratio");
  out.index_memory_bytes = settings.size("limits.index_memory");
  return out;
}

}  // namespace weir::app
