// What can still hold rows of a stream: the tables that are made of it, what was deleted from them, and the files that
// steps wrote.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "platform/flow/flow.h"
#include "platform/flow/graph.h"
#include "platform/flow/job.h"

namespace weir::flow {
namespace {

constexpr size_t kRunsMax = 100'000;
constexpr Duration kScrubMax = seconds(30);  // so long a reader of old rows is waited for
constexpr auto kScrubPause = std::chrono::milliseconds(200);

}  // namespace

Result<std::vector<std::string>> Flow::made_of(const std::vector<std::string>& inputs) const {
  const auto tables = declared();
  Graph graph;
  for (const auto& [name, declared] : *tables) {
    std::vector<Node> reads;
    for (const std::string& input : declared.reads) reads.push_back({NodeKind::outside, input});
    TRY(graph.add({NodeKind::table, name}, reads));
  }
  std::set<std::string> found;
  for (const std::string& input : inputs) {
    for (const Node& node : graph.downstream_of({NodeKind::outside, input})) {
      if (tables->contains(node.name)) found.insert(node.name);
    }
  }
  return std::vector<std::string>(found.begin(), found.end());
}

Status Flow::scrub(std::vector<std::string> tables, const Cancel& cancel) {
  std::sort(tables.begin(), tables.end());  // as everybody who enters several
  std::vector<Gates::Pass> alone;
  for (const std::string& table : tables) {
    TRY_ASSIGN(auto pass, gates_.enter("table " + table, 1, cancel));
    alone.push_back(std::move(pass));
  }
  const int64_t give_up_at = parts_.clock.steady_micros() + kScrubMax.micros;
  while (true) {
    TRY_ASSIGN(const uint64_t left, parts_.lake.expire_derived(tables));
    if (left == 0) break;
    if (parts_.clock.steady_micros() > give_up_at) {
      return Error(Code::busy, "a statement that began before reads files that tables had in the lake",
                   "they are removed as soon as it ends");
    }
    TRY(cancel.check());
    std::this_thread::sleep_for(kScrubPause);
  }
  std::erase_if(tables, [this](const std::string& table) { return partitions_->of(table).empty(); });
  return parts_.engine.scrub(tables, kScrubMax, cancel);
}

Result<std::vector<std::string>> Flow::unloaded_files() const {
  TRY_ASSIGN(const auto runs, parts_.control.runs("", false, kRunsMax));
  std::set<std::string> found;
  for (const control::Run& run : runs) {
    const Json* declaration = run.parameters.find("flow");
    if (run.kind != "flow" || declaration == nullptr) continue;
    const auto flow = flow_from_json(*declaration);
    const auto request = request_of(run);
    if (!flow || !request || !request->from || !request->to) continue;  // of another version; its files are not known
    for (const Step& step : flow->steps) {
      if (step.kind != StepKind::unload) continue;
      StepRun at;
      at.flow = run.name;
      at.run = run.id;
      at.from = *request->from;
      at.to = *request->to;
      const auto path = step_path(parts_.steps, step.unload.to, at, false);
      std::error_code failed;
      if (path && std::filesystem::is_regular_file(*path, failed)) found.insert(*path);
    }
  }
  return std::vector<std::string>(found.begin(), found.end());
}

}  // namespace weir::flow
