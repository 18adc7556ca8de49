// How notices are told here: weir.yaml's settings as platform/notify takes them.
#pragma once

#include <memory>
#include <string>

#include "core/project/settings.h"
#include "platform/notify/notify.h"

namespace weir::app {

struct NoticePlaces {
  const std::string& project;
  const std::string& environment;
  const std::string& folder;
  const std::string& state_folder;
};
// `parts` without a calendar. `delivers`: false for a command that opens the folder itself; what it reports waits for
// the server.
std::unique_ptr<notify::Notifier> make_notifier(notify::Notifier::Parts parts, const project::Settings& settings,
                                                const NoticePlaces& places, bool delivers);
// Of links in notices; `listens` is where the server does.
std::string public_url(const project::Settings& settings, const std::string& listens);

}  // namespace weir::app
