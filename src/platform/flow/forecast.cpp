// What would be computed if other tables were declared: the marks that a run would leave are followed from table to
// table, so that what is downstream of a change is known without computing it.
#include <algorithm>

#include "platform/flow/graph.h"
#include "platform/flow/job.h"

namespace weir::flow {
namespace {

// Rows and time of partitions, from what they took last; of one that is new, what the others took on average.
void estimate(Forecast& into, const std::vector<Due>& dues, const TableMarks& marks) {
  if (marks.empty()) return;
  uint64_t rows = 0;
  int64_t micros = 0;
  for (const auto& [partition, mark] : marks) {
    rows += mark.rows;
    micros += mark.took.micros;
  }
  const uint64_t rows_mean = rows / marks.size();
  const int64_t micros_mean = micros / static_cast<int64_t>(marks.size());
  into.rows = 0;
  into.time = Duration{};
  for (const Due& due : dues) {
    const auto mark = marks.find(due.partition);
    *into.rows += mark == marks.end() ? rows_mean : mark->second.rows;
    into.time->micros += mark == marks.end() ? micros_mean : mark->second.took.micros;
  }
}

}  // namespace

Result<std::vector<Forecast>> Flow::forecast(const std::vector<Table>& wanted) const {
  const auto applied = declared();
  Tables tables;
  Graph graph;
  for (const Table& table : wanted) {
    TRY_ASSIGN(auto reads, examine(table));
    std::vector<Node> inputs;
    for (const std::string& input : reads) inputs.push_back({NodeKind::outside, input});
    TRY(graph.add({NodeKind::table, table.name}, inputs));
    tables[table.name] = {table, std::move(reads), ""};
  }
  TRY_ASSIGN(const auto order, graph.order());
  AllVersions now = versions(parts_.lake.committed(), tables);
  std::set<std::string> changed;
  std::vector<Forecast> out;
  for (const Node& node : order) {
    const auto found = tables.find(node.name);
    if (node.kind != NodeKind::table || found == tables.end()) continue;
    const auto& [name, declared] = *found;
    const auto before = applied->find(name);
    const bool is_changed = before == applied->end() ||
                            content_hash(before->second.table) != content_hash(declared.table) ||
                            std::any_of(declared.reads.begin(), declared.reads.end(),
                                        [&](const auto& read) { return changed.contains(read); });
    if (!is_changed) continue;
    changed.insert(name);
    const TableMarks marks = this->marks(name);
    std::vector<Due> stale;
    Versions made;
    for (Due& due : partitions_of(declared.table, declared.reads, now)) {
      if (due.partition) {
        made.has_days = true;
        made.days[*due.partition] = due.fingerprint;
      } else {
        made.whole = due.fingerprint;
      }
      const auto mark = marks.find(due.partition);
      if (due.input_is_past) {  // stays as it is
        if (due.partition && mark != marks.end()) made.days[*due.partition] = mark->second.data;
        continue;
      }
      if (mark == marks.end() || mark->second.fingerprint != due.fingerprint) stale.push_back(std::move(due));
    }
    now[name] = std::move(made);
    if (stale.empty()) continue;
    Forecast one;
    one.table = name;
    one.partitions = stale.size();
    one.first = stale.front().partition;
    one.last = stale.back().partition;
    estimate(one, stale, marks);
    out.push_back(std::move(one));
  }
  return out;
}

Json Forecast::to_json() const {
  Json out(Json::Object{{"table", table}, {"partitions", uint64_t{partitions}}});
  out.set("from", first ? Json(format_date(*first)) : Json());
  out.set("to", last ? Json(format_date(*last + 1)) : Json());
  out.set("rows", rows ? Json(*rows) : Json());
  out.set("seconds", time ? Json(static_cast<double>(time->micros) / 1e6) : Json());
  return out;
}

}  // namespace weir::flow
