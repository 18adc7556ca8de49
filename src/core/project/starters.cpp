#include "core/project/starters.h"

#include <algorithm>
#include <set>

#include "core/base/text.h"

namespace weir::project {
namespace {

// Goes back from each declaration to what starts it. What was left without a circle need not be looked at again.
class CircleSearch {
 public:
  CircleSearch(const StarterMap& starters, std::vector<Error>& errors) : starters_(starters), errors_(errors) {}

  void all() {
    for (const auto& [id, by] : starters_) visit(id);
  }

 private:
  void visit(const DeclarationId& id) {
    if (done_.contains(id)) return;
    const auto found = starters_.find(id);
    if (found == starters_.end()) return;
    way_.push_back(id);
    for (const Starter& starter : found->second) {
      const DeclarationId before{starter.kind, starter.name};
      const auto met = std::find(way_.begin(), way_.end(), before);
      if (met == way_.end()) {
        visit(before);
      } else {
        refuse({met, way_.end()}, starter);
      }
    }
    way_.pop_back();
    done_.insert(id);
  }

  // `circle`: each is started by the one behind it, the last by the first.
  void refuse(const std::vector<DeclarationId>& circle, const Starter& starter) {
    std::string text = circle.front().first + " " + circle.front().second;
    const std::vector<DeclarationId> way(circle.rbegin(), circle.rend());
    for (const auto& [kind, name] : way) text += " → " + kind + " " + name;
    errors_.push_back(
        Error(Code::invalid, "runs would start each other in a circle: " + text, "remove one of the triggers")
            .at(starter.at));
  }

  const StarterMap& starters_;
  std::vector<Error>& errors_;
  std::vector<DeclarationId> way_;
  std::set<DeclarationId> done_;
};

}  // namespace

std::vector<Error> check_starters(const StarterMap& starters) {
  std::vector<Error> out;
  for (const auto& [id, by] : starters) {
    for (const Starter& starter : by) {
      if (starters.contains({starter.kind, starter.name})) continue;
      std::vector<std::string> known;
      for (const auto& [other, others] : starters) {
        if (other.first == starter.kind) known.push_back(other.second);
      }
      out.push_back(Error(Code::not_found, "there is no " + starter.kind + " " + shown(starter.name),
                          did_you_mean(starter.name, known))
                        .at(starter.at));
    }
  }
  CircleSearch(starters, out).all();
  return out;
}

}  // namespace weir::project
