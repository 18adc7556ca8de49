#include "stream/capture/stream.h"

#include <algorithm>

namespace weir::capture {

const Field* Stream::find(std::string_view field) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& known) { return known.name == field; });
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::string> tables_of(std::string_view stream) {
  const std::string name(stream);
  return {name, name + "_quarantine", name + "_intake", "raw_" + name};
}

}  // namespace weir::capture
