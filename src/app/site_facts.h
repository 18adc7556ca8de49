// What the program's own build and its settings say of the site: version, mounts, pages.
#pragma once

#include "core/project/settings.h"
#include "surface/http/routes/routes.h"

namespace weir::app {

// Without what only the opened folder knows: project, environment, store, limits.
http::SiteFacts site_facts(const project::Settings& settings);

}  // namespace weir::app
