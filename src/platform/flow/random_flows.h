// Flows from a seed, for tests: every part of a declaration appears, with awkward texts. One thread.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "platform/flow/flow_declaration.h"

namespace weir::flow {

class RandomFlows {
 public:
  explicit RandomFlows(uint32_t seed) : random_(seed) {}

  FlowDeclaration flow() {
    FlowDeclaration out;
    out.name = name();
    out.description = maybe() ? text() : "";
    out.enabled = maybe();
    for (int n = below(3); n > 0; --n) out.tags[name()] = text();
    for (int n = below(3); n > 0; --n) out.schedules.push_back(text());
    if (maybe()) out.zone = "Europe/Berlin";
    for (int n = below(3); n > 0; --n) out.triggers.push_back(trigger());
    out.window = {1 + below(366), below(4'026) - 3'660, maybe() ? "" : name()};
    for (int n = below(6); n >= 0; --n) out.steps.push_back(step("s" + std::to_string(n)));
    out.order = maybe() ? StepOrder::serial : StepOrder::parallel;
    out.retries = retries();
    if (maybe()) out.time_limit = seconds(1 + below(10'000));
    out.max_active = 1 + below(100);
    out.on_failure = maybe() ? FlowFailure::cascade : FlowFailure::keep_going;
    return out;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool maybe() { return below(2) == 0; }
  std::string name() { return "n" + std::to_string(below(1'000'000)); }
  std::string text() {
    const std::vector<std::string> texts = {"",     "a 'b' \"c\"", "two\nlines\t", "ä€😀",
                                            "null", "1.10",        "${X}",         "\\n\x7F"};
    return texts[static_cast<size_t>(below(static_cast<int>(texts.size())))];
  }
  Trigger trigger() {
    const auto kind = static_cast<TriggerKind>(below(4));
    return {kind, kind == TriggerKind::object ? "s3://bucket/" + name() : name(), milliseconds(below(100'000)),
            maybe() ? RunState::done : RunState::failed};
  }
  Retries retries() { return {below(101), milliseconds(below(100'000)), 1 + below(100) / 16.0, seconds(below(1'000))}; }
  Step step(const std::string& own) {
    Step out;
    out.name = own;
    out.kind = static_cast<StepKind>(below(6));
    switch (out.kind) {
      case StepKind::tables:
        for (int n = below(3); n >= 0; --n) out.tables.push_back(name());
        break;
      case StepKind::sql:
        out.sql = text();
        break;
      case StepKind::load:
        out.load = {text(), name(), static_cast<DataFormat>(below(3)), maybe() ? LoadMode::append : LoadMode::replace,
                    maybe() ? "" : name()};
        break;
      case StepKind::unload:
        out.unload = {text(), name(), text(), static_cast<DataFormat>(below(3)), maybe()};
        break;
      case StepKind::check:
        out.check = text();
        break;
      case StepKind::command:
        out.command.arguments = {text(), text()};
        for (int n = below(3); n > 0; --n) out.command.environment[name()] = {text(), maybe()};
        break;
    }
    if (maybe()) out.after.emplace();
    if (out.after && maybe()) out.after->push_back(name());
    if (maybe()) out.retries = retries();
    if (maybe()) out.time_limit = milliseconds(1 + below(100'000));
    out.on_failure = maybe() ? StepFailure::stop : StepFailure::keep_going;
    return out;
  }

  std::mt19937 random_;
};

}  // namespace weir::flow
