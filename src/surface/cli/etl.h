// weir etl: the files of a foreign folder become events of a stream.
#pragma once

#include <string>
#include <vector>

#include "surface/cli/commands.h"

namespace weir::cli {

// How foreign files may be said to be written.
inline const std::vector<std::string> kForeignFormats = {"auto", "json", "csv", "parquet"};

void add_etl(CLI::App& app, Context& context);

}  // namespace weir::cli
