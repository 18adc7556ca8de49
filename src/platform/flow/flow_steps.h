// Reads `steps` of a flow's file, and `retries`, which steps and flows have alike. For flow_declaration.cpp only. One
// thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/yaml_reader.h"
#include "platform/flow/flow_declaration.h"

namespace weir::flow {

// `retries: 3`, or a mapping. True if it is there and good.
bool read_retries(YamlSection& in, Retries& into);

class FlowSteps {
 public:
  FlowSteps(YamlReader& in, FlowDeclaration& into) : in_(in), into_(into) {}
  void read();  // after the flow's order is known

 private:
  void read_step(YamlSection& section, size_t number);
  void read_work(YamlSection& section, Step& into);
  void read_load(YamlSection& section, Load& into);
  void read_unload(YamlSection& section, Unload& into);
  void read_command(YamlSection& section, Command& into);
  void read_environment(YamlSection& section, Command& into);
  void read_table(YamlSection& section, Need need, std::string& into);
  void read_path(YamlSection& section, std::string_view key, std::string& into);
  void read_format(YamlSection& section, const std::string& path, DataFormat& into);
  void read_after(YamlSection& section, Step& into);
  void check_after();
  void check_circles();

  YamlReader& in_;
  FlowDeclaration& into_;
  std::vector<const Yaml*> nodes_;         // of each step
  std::map<std::string, Position> names_;  // and where they are first
};

}  // namespace weir::flow
