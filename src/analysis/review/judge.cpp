#include "analysis/review/judge.h"

#include <algorithm>
#include <cmath>

#include "core/base/text.h"

namespace weir::review {
namespace {

constexpr size_t kMendsMax = 20;

Json cell_json(const engine::Cell& cell) {
  return std::visit([](const auto& value) { return Json(value); }, cell);
}

Json evidence_json(const Frame& frame) {
  Json columns{Json::Array{}}, rows{Json::Array{}};
  for (const FrameColumn& column : frame.columns) columns.push(column.name);
  const size_t shown = std::min(frame.rows.size(), kEvidenceRowsMax);
  for (size_t i = 0; i < shown; ++i) {
    Json row{Json::Array{}};
    for (const engine::Cell& cell : frame.rows[i]) row.push(cell_json(cell));
    rows.push(std::move(row));
  }
  return Json::Object{{"columns", std::move(columns)}, {"rows", std::move(rows)}, {"more", frame.rows.size() - shown}};
}

// The mend of one row: {column} is what the row holds there. Braces around anything else stay as they are.
std::string mend_of(const std::string& mend, const Frame& frame, size_t row) {
  std::string out;
  for (size_t at = 0; at < mend.size();) {
    const size_t close = mend[at] == '{' ? mend.find('}', at) : std::string::npos;
    const auto column = close == std::string::npos ? Result<size_t>(Error(Code::not_found, ""))
                                                   : frame.column(mend.substr(at + 1, close - at - 1));
    if (column) {
      out += cell_text(frame.rows[row][*column]);
      at = close + 1;
    } else {
      out += mend[at++];
    }
  }
  return out;
}

Json mends_json(const Signal& signal, const SignalJudgement& judged) {
  Json out{Json::Array{}};
  if (signal.mend.empty() || !judged.match.is_met) return out;
  std::vector<std::string> seen;
  for (size_t row = 0; row < judged.match.evidence.rows.size() && seen.size() < kMendsMax; ++row) {
    std::string mend = mend_of(signal.mend, judged.match.evidence, row);
    if (std::find(seen.begin(), seen.end(), mend) == seen.end()) seen.push_back(std::move(mend));
  }
  for (std::string& mend : seen) out.push(std::move(mend));
  return out;
}

Json texts(const std::vector<std::string>& list) {
  Json out{Json::Array{}};
  for (const std::string& one : list) out.push(one);
  return out;
}

// What makes a score.
struct Weights {
  double measured = 0, met = 0;
  void add(const Signal& signal, Colour colour) {
    if (colour == Colour::not_measured) return;
    const double weight = 1.0 + static_cast<double>(signal.impact);
    measured += weight;
    met += weight * (colour == Colour::red ? 1.0 : colour == Colour::yellow ? 0.5 : 0.0);
  }
  void add(const Weights& other) {
    measured += other.measured;
    met += other.met;
  }
  Json score() const {
    return measured == 0 ? Json() : Json(static_cast<int64_t>(std::lround(100 * (1 - met / measured))));
  }
};

struct Sum {
  Weights weights;
  std::map<Colour, int64_t> counts;
  void add(const Signal& signal, Colour colour) {
    weights.add(signal, colour);
    ++counts[colour];
  }
  void add(const Sum& other) {
    weights.add(other.weights);
    for (const auto& [colour, count] : other.counts) counts[colour] += count;
  }
  // The worst; null where nothing is judged.
  Json colour() const {
    for (const Colour one : {Colour::red, Colour::yellow, Colour::green, Colour::not_measured}) {
      const auto found = counts.find(one);
      if (found != counts.end() && found->second > 0) return Json(colour_word(one));
    }
    return {};
  }
  Json counts_json() const {
    const auto of = [&](Colour colour) {
      const auto found = counts.find(colour);
      return found == counts.end() ? int64_t{0} : found->second;
    };
    return Json::Object{{"red", of(Colour::red)},
                        {"yellow", of(Colour::yellow)},
                        {"green", of(Colour::green)},
                        {"not_measured", of(Colour::not_measured)}};
  }
};

Json signal_json(const Signal& signal, const SignalJudgement& judged) {
  return Json::Object{{"signal", signal.name},
                      {"colour", colour_word(judged.colour)},
                      {"impact", impact_word(signal.impact)},
                      {"count", judged.match.count},
                      {"of", judged.of},
                      {"of_name", signal.of_name},
                      {"value", judged.match.value ? cell_json(*judged.match.value) : Json()},
                      {"why", judged.why},
                      {"explanation", signal.explanation},
                      {"criterion", signal.when},
                      {"population", signal.of},
                      {"evidence", evidence_json(judged.match.evidence)},
                      {"mend", mends_json(signal, judged)},
                      {"links", texts(signal.links)},
                      {"recommend", texts(signal.recommend)}};
}

std::string why_not(const flow::QueryRecord* record) {
  if (record == nullptr) return "its query is not part of this workflow";
  return record->error.empty() ? "its query was not run" : record->error;
}

Json query_json(const Query& query, const flow::QueryRecord* record, const Frame* frame, const LeftOut* left_out,
                Sum& sum) {
  const std::string why = left_out != nullptr ? left_out->in_words() : why_not(record);
  Sum own;
  Json signals{Json::Array{}}, observations{Json::Array{}};
  for (const Signal& signal : query.signals) {
    if (const auto criterion = Criterion::parse(signal.when); criterion && criterion->is_off()) continue;
    const SignalJudgement judged = judge(signal, frame, why);
    own.add(signal, judged.colour);
    signals.push(signal_json(signal, judged));
  }
  for (const Observation& one : query.observations) {
    observations.push(Json::Object{{"text", one.text}, {"recommend", texts(one.recommend)}});
  }
  sum.add(own);
  Json out = Json::Object{{"query", query.name},
                          {"title", query.title.empty() ? query.name : query.title},
                          {"description", query.description},
                          {"script", query.script},
                          {"colour", own.colour()},
                          {"signals", std::move(signals)},
                          {"observations", std::move(observations)}};
  out.set("left_out", left_out == nullptr ? Json() : to_json(*left_out));
  out.set("status", record == nullptr ? "SKIPPED" : flow::query_state_word(record->state));
  if (record == nullptr) {
    out.set("error", Json());
    return out;
  }
  out.set("round", record->round);
  out.set("elapsed_ms", record->took.micros / 1000);
  out.set("threshold", format_duration(record->threshold));
  out.set("rows", record->rows);
  out.set("truncated", record->is_cut);
  out.set("error", record->error);
  out.set("result", record->result_key);
  out.set("csv", record->csv_key);
  return out;
}

Json recommendations_json(const Review& review) {
  Json out{Json::Object{}};
  for (const Recommendation& one : review.recommendations) {
    out.set(one.id, Json::Object{{"text", one.text}, {"description", one.description}, {"effort", one.effort}});
  }
  return out;
}

}  // namespace

SignalJudgement judge(const Signal& signal, const Frame* frame, const std::string& why) {
  SignalJudgement out;
  const auto not_measured = [&](std::string reason) {
    out.colour = Colour::not_measured;
    out.why = std::move(reason);
    return out;
  };
  if (frame == nullptr) return not_measured(why);
  const auto criterion = Criterion::parse(signal.when);
  if (!criterion) return not_measured("its criterion cannot be read: " + criterion.error().text());
  Frame judged;
  if (!trim(signal.of).empty()) {
    const auto population = Expression::parse(signal.of);
    if (!population) return not_measured("its population cannot be read: " + population.error().text());
    const auto rows = population->rows(*frame);
    if (!rows) return not_measured("its population cannot be computed: " + rows.error().text());
    judged = frame->only(*rows);
  } else {
    judged = *frame;
  }
  out.of = judged.rows.size();
  if (criterion->is_of_value() && judged.rows.empty()) return not_measured("there are no rows to ask about");
  auto match = criterion->match(judged);
  if (!match) return not_measured("its criterion cannot be computed: " + match.error().text());
  out.match = std::move(*match);
  if (out.match.is_met) out.colour = signal.colour;
  return out;
}

Json judge_all(const Review& review, const flow::RoundsState& state, const std::map<std::string, Frame>& frames,
               const ReportAbout& about) {
  Sum all;
  std::vector<std::string> order;
  struct Section {
    Sum sum;
    Json queries{Json::Array{}};
  };
  std::map<std::string, Section> sections;
  for (const Query& query : review.queries) {
    const std::string name = !query.section.empty() ? query.section : query.title.empty() ? query.name : query.title;
    if (std::find(order.begin(), order.end(), name) == order.end()) order.push_back(name);
    const auto record =
        std::find_if(state.begin(), state.end(), [&](const flow::QueryRecord& one) { return one.name == query.name; });
    const auto frame = frames.find(query.name);
    const auto left_out = std::find_if(about.left_out.begin(), about.left_out.end(),
                                       [&](const LeftOut& one) { return one.query == query.name; });
    auto& [sum, queries] = sections[name];
    queries.push(query_json(query, record == state.end() ? nullptr : &*record,
                            frame == frames.end() ? nullptr : &frame->second,
                            left_out == about.left_out.end() ? nullptr : &*left_out, sum));
  }
  Json list{Json::Array{}};
  for (const std::string& name : order) {
    auto& [sum, queries] = sections[name];
    all.add(sum);
    list.push(Json::Object{{"name", name},
                           {"score", sum.weights.score()},
                           {"colour", sum.colour()},
                           {"counts", sum.counts_json()},
                           {"queries", std::move(queries)}});
  }
  return Json::Object{{"format", 1},
                      {"review", review.name},
                      {"title", review.title},
                      {"run", about.run},
                      {"started_at", about.started_at},
                      {"target", about.target},
                      {"engine", about.engine},
                      {"notes", texts(about.notes)},
                      {"customer", review.customer},
                      {"endpoint", review.endpoint},
                      {"workflow", about.workflow},
                      {"verdict", all.colour()},
                      {"score", all.weights.score()},
                      {"counts", all.counts_json()},
                      {"sections", std::move(list)},
                      {"recommendations", recommendations_json(review)},
                      {"next_actions", texts(review.next_actions)}};
}

}  // namespace weir::review
