// What a project would change against the applied state, and doing it. A plan is a value; computing one changes
// nothing, applying one twice changes nothing the second time. Any thread; the AppliedState decides about concurrent
// apply() calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/project/project.h"

namespace weir::project {

struct AppliedDeclaration {
  std::string kind, name;
  uint32_t number = 0;
  uint32_t revision = 0;
  Json body;
  bool detached = false;
};

// Where applied declarations are kept; storage/control implements it.
class AppliedState {
 public:
  virtual ~AppliedState() = default;
  virtual Result<std::vector<AppliedDeclaration>> declarations() = 0;
  // All in one: either everything or nothing is stored.
  virtual Status apply(const std::vector<Declaration>& changed,
                       const std::vector<std::pair<std::string, std::string>>& detached) = 0;
  virtual Status destroy(std::string_view kind, std::string_view name) = 0;  // of a detached one
};

enum class Action { create, change, detach, destroy, none };
const char* action_name(Action action);

struct Change {
  std::string kind, name;
  Action action = Action::none;
  std::vector<std::string> details = {};  // a refused one says why and the way out
  bool compatible = true;
};

// The declaration that stands for weir.yaml itself.
inline constexpr const char* kProjectKind = "project";
inline constexpr const char* kProjectName = "weir.yaml";

struct Plan {
  std::vector<Change> changes;  // those with Action::none too
  bool has_changes() const;
  bool is_compatible() const;
  Json to_json() const;  // [{"kind","name","action","details","compatible"}]
};

// `drop`: what is no longer declared is destroyed with its data, also what was detached before.
Plan make_plan(const Project& project, const Registry& registry, const std::vector<AppliedDeclaration>& applied,
               bool drop);

// Makes the applied state equal to the project and returns what was done. Changes nothing if the project has errors
// (`invalid`: the first of them), a change is incompatible (`conflict`), or something to destroy has no way to
// (`unsupported`).
Result<Plan> apply_project(const Project& project, const Registry& registry, AppliedState& state, bool drop);

}  // namespace weir::project
