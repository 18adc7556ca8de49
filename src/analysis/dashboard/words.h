// The words of a dashboard's declaration that stand for values of an enum: one list for reading files, for keeping them
// as JSON and for messages. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analysis/dashboard/dashboard.h"

namespace weir::dashboard {

template <class Enum>
using Words = std::vector<std::pair<std::string, Enum>>;

const Words<PanelKind>& kind_words();
const Words<Statistic>& statistic_words();
const Words<AxisSide>& axis_words();
const Words<Reduce>& reduce_words();
const Words<Source>& source_words();

// What can be asked of a kind of metric.
bool has_statistic(MetricKind kind, Statistic statistic);

template <class Enum>
const char* word_of(const Words<Enum>& words, Enum value) {
  for (const auto& [word, one] : words) {
    if (one == value) return word.c_str();
  }
  return "";
}

}  // namespace weir::dashboard
