#include "core/project/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/text.h"

namespace weir::project {
namespace {

using Key = std::pair<std::string, std::string>;  // kind, name

std::string refusal(const Difference& difference) {
  std::string text = difference.detail + ": refused";
  if (!difference.reason.empty()) text += ", " + difference.reason;
  if (!difference.way_out.empty()) text += " (" + difference.way_out + ")";
  return text;
}

void add_differences(const std::vector<Difference>& differences, Change& change) {
  for (const Difference& one : differences) {
    change.details.push_back(one.compatible ? one.detail : refusal(one));
    change.compatible = change.compatible && one.compatible;
  }
}

// Those of a setting with `*` that either side has.
std::set<std::string> names_covered(const Setting& setting, const Json& from, const Json& to) {
  std::set<std::string> out;
  for (const Json* side : {&from, &to}) {
    for (const auto& [name, value] : side->object()) {
      if (covers(setting.name, name)) out.insert(name);
    }
  }
  return out;
}

std::vector<Difference> settings_differences(const SettingTable& table, const Json& from, const Json& to) {
  std::vector<Difference> differences;
  for (const Setting& setting : table) {
    std::set<std::string> names{setting.name};
    if (setting.is_of_many()) names = names_covered(setting, from, to);
    for (const std::string& name : names) {
      const Json* before = from.find(name);
      const Json* after = to.find(name);
      const Json& old_value = before != nullptr ? *before : setting.otherwise;
      const Json& new_value = after != nullptr ? *after : setting.otherwise;
      if (old_value == new_value) continue;
      Difference one{name + ": " + old_value.dump() + " -> " + new_value.dump()};
      if (setting.needs_restart) one.detail += " (after a restart)";
      if (!setting.fixed_because.empty()) {
        one.compatible = false;
        one.reason = setting.fixed_because;
        one.way_out = "keep " + old_value.dump() + ", or begin a new folder";
      }
      differences.push_back(std::move(one));
    }
  }
  return differences;
}

Json carried(const Registry& registry, const Declaration& declared, const AppliedDeclaration& old) {
  const Kind* kind = registry.find_kind(declared.kind);
  return kind != nullptr && kind->carry ? kind->carry(old.body, declared.body) : declared.body;
}

class Planner {
 public:
  Planner(const Project& project, const Registry& registry, const std::vector<AppliedDeclaration>& applied, bool drop)
      : project_(project), registry_(registry), drop_(drop) {
    for (const AppliedDeclaration& one : applied) applied_.emplace(Key(one.kind, one.name), &one);
  }

  Plan plan() {
    plan_settings();
    for (const Declaration& declared : project_.declarations) plan_declared(declared);
    const std::set<Key> broken(project_.broken.begin(), project_.broken.end());
    for (const auto& [key, one] : applied_) {
      const bool is_ours = key.first != kProjectKind && registry_.find_kind(key.first) != nullptr;
      if (is_ours && !declared_.contains(key) && !broken.contains(key)) plan_removed(*one);
    }
    return std::move(plan_);
  }

 private:
  void plan_settings() {
    const Json declared = project_.settings.declared();
    const auto found = applied_.find(Key(kProjectKind, kProjectName));
    Change change{kProjectKind, kProjectName};
    if (found == applied_.end()) {
      if (declared.object().empty()) return;
      change.action = Action::create;
      for (const auto& [name, value] : declared.object()) change.details.push_back(name + ": " + value.dump());
    } else if (!(found->second->body == declared)) {
      change.action = Action::change;
      add_differences(settings_differences(registry_.settings(), found->second->body, declared), change);
      if (change.details.empty()) change.details.push_back("written differently, the same values");
    }
    plan_.changes.push_back(std::move(change));
  }

  void plan_declared(const Declaration& declared) {
    const Key key(declared.kind, declared.name);
    declared_.insert(key);
    Change change{declared.kind, declared.name};
    const auto found = applied_.find(key);
    if (found == applied_.end()) {
      change.action = Action::create;
      change.details.push_back(declared.file);
      plan_.changes.push_back(std::move(change));
      return;
    }
    const AppliedDeclaration& old = *found->second;
    const Json body = carried(registry_, declared, old);
    const bool is_same = old.body == body;
    if (!is_same || old.detached) change.action = Action::change;
    if (old.detached) change.details.push_back("attached again, with the data that was kept");
    if (!is_same) {
      const Kind* kind = registry_.find_kind(declared.kind);
      const size_t before = change.details.size();
      add_differences(kind->compare(old.body, body), change);
      if (change.details.size() == before) change.details.push_back("changed");
    }
    plan_.changes.push_back(std::move(change));
  }

  void plan_removed(const AppliedDeclaration& one) {
    Change change{one.kind, one.name};
    if (drop_) {
      change.action = Action::destroy;
      change.details.push_back("its data is removed and cannot be brought back");
      const Kind* kind = registry_.find_kind(one.kind);
      if (!kind->destroy) {
        change.compatible = false;
        change.details.push_back("refused, removing the data of a " + one.kind +
                                 " is not built into this version (apply without --drop)");
      }
    } else if (one.detached) {
      change.details.push_back("detached, its data is kept");
    } else {
      change.action = Action::detach;
      change.details.push_back("no longer declared; its data is kept until --drop");
    }
    plan_.changes.push_back(std::move(change));
  }

  const Project& project_;
  const Registry& registry_;
  const bool drop_;
  std::map<Key, const AppliedDeclaration*> applied_;
  std::set<Key> declared_;
  Plan plan_;
};

// What is stored: created and changed declarations, weir.yaml among them.
std::vector<Declaration> changed_of(const Project& project, const Registry& registry, const Plan& plan,
                                    const std::map<Key, const AppliedDeclaration*>& applied) {
  std::set<Key> wanted;
  for (const Change& change : plan.changes) {
    if (change.action == Action::create || change.action == Action::change) wanted.emplace(change.kind, change.name);
  }
  std::vector<Declaration> changed;
  if (wanted.contains(Key(kProjectKind, kProjectName))) {
    changed.push_back({kProjectKind, kProjectName, project.settings.declared(), "weir.yaml"});
  }
  for (const Declaration& one : project.declarations) {
    const Key key(one.kind, one.name);
    if (!wanted.contains(key)) continue;
    changed.push_back(one);
    const auto old = applied.find(key);
    if (old != applied.end()) changed.back().body = carried(registry, one, *old->second);
  }
  return changed;
}

Error first_refusal(const Plan& plan) {
  for (const Change& change : plan.changes) {
    if (!change.compatible) {
      return Error(Code::conflict,
                   change.kind + " " + change.name + " cannot be changed like this: " + join(change.details, "; "),
                   "nothing was applied");
    }
  }
  return Error(Code::internal, "nothing was refused");
}

}  // namespace

const char* action_name(Action action) {
  switch (action) {
    case Action::create:
      return "create";
    case Action::change:
      return "change";
    case Action::detach:
      return "detach";
    case Action::destroy:
      return "destroy";
    case Action::none:
      return "none";
  }
  return "";
}

bool Plan::has_changes() const {
  return std::any_of(changes.begin(), changes.end(),
                     [](const Change& change) { return change.action != Action::none; });
}
bool Plan::is_compatible() const {
  return std::all_of(changes.begin(), changes.end(), [](const Change& change) { return change.compatible; });
}

Json Plan::to_json() const {
  Json list(Json::Array{});
  for (const Change& change : changes) {
    Json details(Json::Array{});
    for (const std::string& detail : change.details) details.push(detail);
    list.push(Json::Object{{"kind", change.kind},
                           {"name", change.name},
                           {"action", action_name(change.action)},
                           {"details", std::move(details)},
                           {"compatible", change.compatible}});
  }
  return list;
}

Plan make_plan(const Project& project, const Registry& registry, const std::vector<AppliedDeclaration>& applied,
               bool drop) {
  return Planner(project, registry, applied, drop).plan();
}

Result<Plan> apply_project(const Project& project, const Registry& registry, AppliedState& state, bool drop) {
  if (!project.is_good()) return project.errors.front();
  TRY_ASSIGN(const std::vector<AppliedDeclaration> applied, state.declarations());
  Plan plan = make_plan(project, registry, applied, drop);
  if (!plan.is_compatible()) return first_refusal(plan);
  if (!plan.has_changes()) return plan;
  std::map<Key, const AppliedDeclaration*> by_key;
  for (const AppliedDeclaration& one : applied) by_key.emplace(Key(one.kind, one.name), &one);
  std::vector<Key> detached, destroyed;
  for (const Change& change : plan.changes) {
    const Key key(change.kind, change.name);
    const bool is_attached = by_key.contains(key) && !by_key[key]->detached;
    if (change.action == Action::destroy) destroyed.push_back(key);
    if (change.action == Action::detach || (change.action == Action::destroy && is_attached)) detached.push_back(key);
  }
  const std::vector<Declaration> changed = changed_of(project, registry, plan, by_key);
  if (!changed.empty() || !detached.empty()) {
    TRY(state.apply(changed, detached));
  }
  // A crash in here leaves detached declarations, which the next apply with `drop` destroys.
  for (const Key& key : destroyed) {
    TRY(registry.find_kind(key.first)->destroy(key.second, by_key[key]->number));
    TRY(state.destroy(key.first, key.second));
  }
  return plan;
}

}  // namespace weir::project
