// Differences between two lists of named things in a declaration, for a kind's `compare`: added, changed, removed.
// Pure.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/project/project.h"

namespace weir::project {

// `what` names a thing: "alarm"; `name` gives a thing's name, which no other of its list has.
template <class T, class Name>
void compare_lists(const std::vector<T>& from, const std::vector<T>& to, const char* what, Name name,
                   std::vector<Difference>& out) {
  const auto find = [&](const std::vector<T>& list, const std::string& wanted) {
    return std::find_if(list.begin(), list.end(), [&](const T& one) { return name(one) == wanted; });
  };
  for (const T& one : to) {
    const auto before = find(from, name(one));
    if (before == from.end()) {
      out.push_back({std::string(what) + " " + name(one) + ": added"});
    } else if (!(*before == one)) {
      out.push_back({std::string(what) + " " + name(one) + ": changed"});
    }
  }
  for (const T& one : from) {
    if (find(to, name(one)) == to.end()) out.push_back({std::string(what) + " " + name(one) + ": removed"});
  }
}

}  // namespace weir::project
