#include "stream/capture/stream.h"

namespace weir::capture {

const Field* Stream::find(std::string_view field) const {
  for (const Field& candidate : fields) {
    if (candidate.name == field) return &candidate;
  }
  return nullptr;
}

}  // namespace weir::capture
