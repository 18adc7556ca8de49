#include "app/steps.h"

namespace weir::app {

flow::StepSettings step_settings(const project::Settings& settings, const std::string& project_folder,
                                 const std::string& store_root) {
  flow::StepSettings out;
  out.folder = project_folder;
  out.store_root = store_root;
  out.commands = settings.texts("flows.commands");
  out.command_limits.time = settings.duration("flows.command_time");
  out.command_limits.cpu = settings.duration("flows.command_cpu");
  out.command_limits.memory_bytes = settings.size("flows.command_memory");
  return out;
}

}  // namespace weir::app
