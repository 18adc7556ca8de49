// Whether a folder is one to work in, before anything is made in it.
#pragma once

#include "app/app.h"

namespace weir::app {

// A mistyped folder or environment is told (`not_found`), and left as it is.
Status check_folder(const AppOptions& options);

}  // namespace weir::app
