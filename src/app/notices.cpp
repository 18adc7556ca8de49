#include "app/notices.h"

#include "core/io/files.h"
#include "platform/flow/calendar.h"

namespace weir::app {

std::unique_ptr<notify::Notifier> make_notifier(notify::Notifier::Parts parts, const project::Settings& settings,
                                                const NoticePlaces& places, bool delivers) {
  parts.calendar = flow::calendar();
  notify::Options out;
  out.project = places.project;
  out.environment = places.environment;
  out.delivers = delivers;
  out.folder = places.folder;
  out.commands = settings.texts("notify.commands");
  out.key_file = join_path(places.state_folder, "notify.key");
  return std::make_unique<notify::Notifier>(parts, std::move(out));
}

std::string public_url(const project::Settings& settings, const std::string& listens) {
  const std::string& declared = settings.text("notify.url");
  return declared.empty() ? listens : declared;
}

}  // namespace weir::app
