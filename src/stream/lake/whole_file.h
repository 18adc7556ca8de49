// Files read and written from end to end, in pieces: memory does not grow with them. Internal to stream/lake.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/io/files.h"
#include "core/runtime/cancel.h"
#include "storage/control/control.h"

namespace weir::lake {

struct Measured {
  uint64_t bytes = 0;
  uint64_t checksum = 0;
};
// `take` is handed the pieces in order.
Result<Measured> measure_file(Files& files, const std::string& path,
                              const std::function<Status(std::string_view)>& take = {}, const Cancel& cancel = {});

// `corrupt` if the file is not byte for byte what was committed, or is gone.
Status check_whole(Files& files, const std::string& path, const control::LakeFile& committed,
                   const std::function<Status(std::string_view)>& take = {}, const Cancel& cancel = {});

}  // namespace weir::lake
