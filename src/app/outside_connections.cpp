#include "app/outside_connections.h"

#include <utility>

#include "storage/engine/outside_settings.h"

namespace weir::app {

Result<std::unique_ptr<engine::OutsidePools>> open_connections(const project::Settings& settings,
                                                               const ConnectionParts& parts) {
  TRY_ASSIGN(auto declared, engine::declared_connections(settings, parts.folder, parts.secret));
  std::optional<Error> refusal;
  if (parts.rehearses) {
    refusal = Error(Code::unsupported, "a project's own tests reach no connections", "test it on a served folder");
  }
  return std::make_unique<engine::OutsidePools>(std::move(declared), &parts.metrics, std::move(refusal));
}

}  // namespace weir::app
