// weir etl: the files of a foreign folder become events of a stream.
#pragma once

#include "surface/cli/commands.h"

namespace weir::cli {

void add_etl(CLI::App& app, Context& context);

}  // namespace weir::cli
