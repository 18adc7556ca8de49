#include "app/outside_connections.h"

#include <utility>

#include "storage/engine/outside_settings.h"

namespace weir::app {
namespace {

constexpr Duration kCloseIdleEvery = seconds(30);

}  // namespace

Result<std::unique_ptr<OutsideConnections>> OutsideConnections::open(const project::Settings& settings,
                                                                     const Parts& parts) {
  TRY_ASSIGN(auto declared, engine::declared_connections(settings, parts.folder, parts.secret));
  std::optional<Error> refusal;
  if (parts.rehearses) {
    refusal = Error(Code::unsupported, "a project's own tests reach no connections", "test it on a served folder");
  }
  std::unique_ptr<OutsideConnections> out(new OutsideConnections());
  out->pools_ = std::make_shared<engine::OutsidePools>(std::move(declared), &parts.metrics, std::move(refusal));
  out->closes_idle_ = parts.timers.every(kCloseIdleEvery, [&lanes = parts.lanes, pools = out->pools_] {
    // Where the lane is full they are closed the next time.
    (void)lanes.submit(Lane::background, [pools] { pools->close_idle(); });
  });
  return out;
}

}  // namespace weir::app
