// The words of a flow's declaration that stand for values of an enum: one list for reading files, for keeping them as
// JSON and for messages. For flow_*.cpp. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platform/flow/flow_declaration.h"

namespace weir::flow {

template <class Enum>
using Words = std::vector<std::pair<std::string, Enum>>;

const Words<TriggerKind>& trigger_words();
const Words<RunState>& state_words();
const Words<StepKind>& step_words();
const Words<DataFormat>& format_words();
const Words<LoadMode>& mode_words();
const Words<StepFailure>& step_failure_words();
const Words<StepOrder>& order_words();
const Words<FlowFailure>& flow_failure_words();

template <class Enum>
const char* word_of(const Words<Enum>& words, Enum value) {
  for (const auto& [word, one] : words) {
    if (one == value) return word.c_str();
  }
  return "";
}

}  // namespace weir::flow
