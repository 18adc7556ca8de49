// What changes between two declarations of a flow.
#include <algorithm>

#include "core/base/text.h"
#include "platform/flow/flow_json.h"
#include "platform/flow/flow_words.h"

namespace weir::flow {
namespace {

std::string limit_text(const std::optional<Duration>& limit) {
  return limit ? format_duration(*limit) : "none";
}

std::string window_text(const Window& window) {
  return std::to_string(window.days) + (window.days == 1 ? " day" : " days") + " with offset " +
         std::to_string(window.offset) + (window.late.empty() ? "" : ", and what is late in " + window.late);
}

class FlowComparison {
 public:
  FlowComparison(const FlowDeclaration& applied, const FlowDeclaration& wanted) : applied_(applied), wanted_(wanted) {}

  std::vector<project::Difference> all() {
    if (applied_.description != wanted_.description) say("the description changes");
    if (applied_.enabled != wanted_.enabled) {
      say(wanted_.enabled ? "it is started again by its schedule and triggers"
                          : "it is no longer started by its schedule and triggers");
    }
    if (applied_.tags != wanted_.tags) say("the tags change");
    for (project::Difference& one : compare(static_cast<const StartRules&>(applied_), wanted_)) {
      differences_.push_back(std::move(one));
    }
    changes("window", window_text(applied_.window), window_text(wanted_.window));
    steps();
    changes("order", word_of(order_words(), applied_.order), word_of(order_words(), wanted_.order));
    changes("retries", retries_json(applied_.retries).dump(), retries_json(wanted_.retries).dump());
    changes("time_limit", limit_text(applied_.time_limit), limit_text(wanted_.time_limit));
    changes("max_active", std::to_string(applied_.max_active), std::to_string(wanted_.max_active));
    changes("on_failure", word_of(flow_failure_words(), applied_.on_failure),
            word_of(flow_failure_words(), wanted_.on_failure));
    return std::move(differences_);
  }

 private:
  void say(std::string what) { differences_.push_back({std::move(what)}); }
  void changes(const std::string& key, const std::string& before, const std::string& after) {
    if (before != after) say(key + " changes from " + before + " to " + after);
  }

  static const Step* find(const FlowDeclaration& flow, const std::string& name) {
    const auto found =
        std::find_if(flow.steps.begin(), flow.steps.end(), [&](const Step& step) { return step.name == name; });
    return found == flow.steps.end() ? nullptr : &*found;
  }

  void steps() {
    const size_t before_count = differences_.size();
    for (const Step& step : wanted_.steps) {
      const Step* before = find(applied_, step.name);
      if (before == nullptr) {
        say("step " + step.name + " is added");
      } else if (*before != step) {
        say("step " + step.name + ": " + keys_of(*before, step));
      }
    }
    for (const Step& step : applied_.steps) {
      if (find(wanted_, step.name) == nullptr) say("step " + step.name + " is removed");
    }
    if (differences_.size() == before_count && applied_.steps != wanted_.steps) {
      say("the steps are listed in another order");
    }
  }

  // "file and mode change"
  static std::string keys_of(const Step& before, const Step& after) {
    if (before.kind != after.kind) {
      return std::string("is ") + step_word(after.kind) + ", it was " + step_word(before.kind);
    }
    const Json from = step_json(before), to = step_json(after);
    std::vector<std::string> keys;
    for (const auto& [key, value] : to.object()) {
      if (from[key] != value) keys.push_back(key);
    }
    return join(keys, " and ") + (keys.size() == 1 ? " changes" : " change");
  }

  const FlowDeclaration& applied_;
  const FlowDeclaration& wanted_;
  std::vector<project::Difference> differences_;
};

}  // namespace

std::vector<project::Difference> compare(const FlowDeclaration& applied, const FlowDeclaration& wanted) {
  return FlowComparison(applied, wanted).all();
}

}  // namespace weir::flow
