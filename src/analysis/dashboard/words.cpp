#include "analysis/dashboard/words.h"

namespace weir::dashboard {

const Words<PanelKind>& kind_words() {
  static const Words<PanelKind> words = {{"time_series", PanelKind::time_series},
                                         {"number", PanelKind::number},
                                         {"bar", PanelKind::bar},
                                         {"table", PanelKind::table},
                                         {"text", PanelKind::text}};
  return words;
}

const Words<Statistic>& statistic_words() {
  static const Words<Statistic> words = {
      {"sum", Statistic::sum}, {"rate", Statistic::rate}, {"count", Statistic::count}, {"average", Statistic::average},
      {"min", Statistic::min}, {"max", Statistic::max},   {"last", Statistic::last},   {"p50", Statistic::p50},
      {"p95", Statistic::p95}, {"p99", Statistic::p99}};
  return words;
}

bool has_statistic(MetricKind kind, Statistic statistic) {
  switch (statistic) {
    case Statistic::sum:
    case Statistic::rate:
    case Statistic::count:
      return kind != MetricKind::gauge;
    case Statistic::average:
      return kind != MetricKind::counter;
    case Statistic::min:
    case Statistic::max:
    case Statistic::last:
      return kind == MetricKind::gauge;
    case Statistic::p50:
    case Statistic::p95:
    case Statistic::p99:
      return kind == MetricKind::histogram;
  }
  return false;
}

const Words<AxisSide>& axis_words() {
  static const Words<AxisSide> words = {{"left", AxisSide::left}, {"right", AxisSide::right}};
  return words;
}

const Words<Reduce>& reduce_words() {
  static const Words<Reduce> words = {{"last", Reduce::last},
                                      {"sum", Reduce::sum},
                                      {"average", Reduce::average},
                                      {"min", Reduce::min},
                                      {"max", Reduce::max}};
  return words;
}

const Words<Source>& source_words() {
  static const Words<Source> words = {
      {"metric", Source::metric}, {"column", Source::column}, {"expression", Source::expression}};
  return words;
}

}  // namespace weir::dashboard
