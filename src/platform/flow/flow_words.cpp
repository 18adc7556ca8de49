#include "platform/flow/flow_words.h"

namespace weir::flow {

const Words<TriggerKind>& trigger_words() {
  static const Words<TriggerKind> kWords = {{"arrival", TriggerKind::arrival},
                                            {"stale", TriggerKind::stale},
                                            {"run", TriggerKind::run},
                                            {"object", TriggerKind::object},
                                            {"job_log", TriggerKind::job_log},
                                            {"apply", TriggerKind::apply}};
  return kWords;
}
const Words<RunState>& state_words() {
  static const Words<RunState> kWords = {{"done", RunState::done}, {"failed", RunState::failed}};
  return kWords;
}
const Words<StepKind>& step_words() {
  static const Words<StepKind> kWords = {{"tables", StepKind::tables}, {"sql", StepKind::sql},
                                         {"load", StepKind::load},     {"unload", StepKind::unload},
                                         {"check", StepKind::check},   {"command", StepKind::command}};
  return kWords;
}
const Words<DataFormat>& format_words() {
  static const Words<DataFormat> kWords = {
      {"csv", DataFormat::csv}, {"json", DataFormat::json}, {"parquet", DataFormat::parquet}};
  return kWords;
}
const Words<LoadMode>& mode_words() {
  static const Words<LoadMode> kWords = {{"append", LoadMode::append}, {"replace", LoadMode::replace}};
  return kWords;
}
const Words<StepFailure>& step_failure_words() {
  static const Words<StepFailure> kWords = {{"stop", StepFailure::stop}, {"continue", StepFailure::keep_going}};
  return kWords;
}
const Words<StepOrder>& order_words() {
  static const Words<StepOrder> kWords = {{"serial", StepOrder::serial}, {"parallel", StepOrder::parallel}};
  return kWords;
}
const Words<FlowFailure>& flow_failure_words() {
  static const Words<FlowFailure> kWords = {{"cascade", FlowFailure::cascade}, {"continue", FlowFailure::keep_going}};
  return kWords;
}

const char* trigger_word(TriggerKind kind) {
  return word_of(trigger_words(), kind);
}
const char* step_word(StepKind kind) {
  return word_of(step_words(), kind);
}
const char* format_word(DataFormat format) {
  return word_of(format_words(), format);
}

}  // namespace weir::flow
