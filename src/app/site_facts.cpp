#include "app/site_facts.h"

#include "app/version.h"
#include "ui/embedded.h"

namespace weir::app {

http::SiteFacts site_facts(const project::Settings& settings) {
  http::SiteFacts facts;
  facts.version = kVersion;
  facts.mounts = settings.texts("http.mounts");
  for (const auto& file : ui::embedded_files()) {
    facts.pages.push_back({file.path, file.content_type, file.bytes, file.bytes_gzip, file.etag});
  }
  return facts;
}

}  // namespace weir::app
