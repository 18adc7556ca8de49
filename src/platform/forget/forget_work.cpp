#include "platform/forget/forget_work.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "core/base/sizes.h"
#include "core/base/text.h"
#include "core/io/crash_point.h"
#include "platform/forget/forget_state.h"
#include "platform/forget/receipt.h"
#include "stream/capture/subject.h"

namespace weir::forget {
namespace {

constexpr Duration kDrainMax = minutes(10);
constexpr Duration kLetGoMax = minutes(2);  // index and live windows
constexpr Duration kRecountMax = minutes(30);
constexpr Duration kPinsMax = seconds(10);  // so long a statement that reads old files is waited for
constexpr auto kPause = std::chrono::milliseconds(50);
constexpr int64_t kNoteEveryMicros = 500'000;
constexpr size_t kRunsMax = 1'000;
constexpr uint64_t kResultBytesMax = 1ull << 30;  // of a file of results that is looked through

std::string plural(uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

Status ForgetWork::check(const Json& parameters) const {
  if (parameters["forget"].as_string().empty()) return Error(Code::invalid, "which forget?");
  return {};
}

Status ForgetWork::save(const State& state) {
  return parts_.control.put_forget(state.forget);
}

Status ForgetWork::run(flow::WorkContext& context) {
  TRY_ASSIGN(const auto known, parts_.control.forgets());
  const auto forget = std::find_if(known.begin(), known.end(), [&](const control::Forget& one) {
    return one.id == context.parameters()["forget"].as_string();
  });
  if (forget == known.end()) return Error(Code::not_found, "nothing was asked to be forgotten under this id");
  if (forget->state == "done") return {};
  TRY_ASSIGN(const auto stream, forgets_.stream_of(forget->stream));
  const std::string& name = forget->body["field"].as_string();
  const capture::Field* field = stream->find(name);
  if (field == nullptr) {
    return Error(Code::invalid, "the field " + name + " of " + forget->stream + " is not declared any more",
                 "declare it again: what was asked for goes on then");
  }
  TRY_ASSIGN(auto hash, forgets_.hash_of(forget->body["hashes"]));
  State state{context, *forget, stream, capture::Subject(*field, std::move(hash))};
  state.forget.body.set("run", context.run());
  state.is_repeated = std::any_of(known.begin(), known.end(), [&](const control::Forget& one) {
    return one.id != forget->id && one.stream == forget->stream && one.body["field"] == forget->body["field"] &&
           one.body["hashes"] == forget->body["hashes"] && one.body["records"].as_uint().value_or(0) > 0;
  });

  using Step = Status (ForgetWork::*)(State&);
  const std::pair<const char*, Step> steps[] = {{"drain", &ForgetWork::drain},
                                                {"rewrite", &ForgetWork::rewrite},
                                                {"old files", &ForgetWork::remove_old_files},
                                                {"live windows", &ForgetWork::recount},
                                                {"derived tables", &ForgetWork::compute},
                                                {"results of flows", &ForgetWork::remove_results},
                                                {"objects of the store", &ForgetWork::look_into_objects},
                                                {"statements", &ForgetWork::look_into_statements},
                                                {"receipt", &ForgetWork::finish}};
  std::vector<std::string> whats;
  for (const auto& [what, step] : steps) whats.emplace_back(what);
  TRY(context.plan("forget", whats));
  for (const auto& [what, step] : steps) {
    // Not a task of the run's own making: one that computes tables has tasks itself.
    const Step work = step;
    TRY(context.task("forget", what, [&, work]() -> Result<flow::TaskEnd> {
      TRY((this->*work)(state));
      TRY(save(state));
      return flow::TaskEnd{};
    }));
    crash_point("forget.step");
  }
  return {};
}

// Everything that was acknowledged before is in the archive; what comes later is none of it.
Status ForgetWork::drain(State& state) {
  TRY(parts_.lake.drain(kDrainMax));
  if (state.forget.body["through"].as_uint().value_or(0) == 0) {
    state.forget.body.set("through", parts_.lake.status().cursor.value);
  }
  return {};
}

// One that was killed behind the commit finds nothing any more, and keeps what the commit recorded.
Status ForgetWork::rewrite(State& state) {
  lake::ForgetRequest order;
  order.stream = state.forget.stream;
  order.subject = &state.subject;
  order.through = state.forget.body["through"].as_uint().value_or(0);
  order.at = state.forget.begun_at;
  order.keeps_ids = state.stream->key != state.forget.body["field"].as_string();
  int64_t noted_at = 0;
  const auto progress = [&](const lake::Progress& told) {
    const int64_t now = parts_.clock.steady_micros();
    if (now - noted_at < kNoteEveryMicros) return;
    noted_at = now;
    (void)state.context.note(
        "forget", "rewrite",
        {{},
         told.what + ": " + format_size(told.done_bytes) + " of " + format_size(told.total_bytes) + " looked through"});
  };
  TRY_ASSIGN(
      const lake::Forgotten done,
      parts_.lake.forget(
          order, state.context.cancel(), [&](const lake::Forgotten& found) { return let_go(state, found); }, progress));
  if (done.sequences.empty() && state.forget.body.find("records") == nullptr) {
    state.forget.body.set("records", 0);
    state.forget.body.set("events", 0);
    state.forget.body.set("quarantined", 0);
    state.forget.body.set("notes", 0);
  }
  return {};
}

// The journal first: what it holds no file may contradict. All that lies in it is committed to files, sealed in the
// index and in the checkpoints of live windows, as ever before a segment may go; only sooner.
Result<control::Forget> ForgetWork::let_go(State& state, const lake::Forgotten& found) {
  const journal::Stats before = parts_.journal.stats();
  TRY(parts_.journal.seal());
  const journal::Sequence end = parts_.journal.durable_end();
  TRY(parts_.lake.drain(kDrainMax));
  TRY(parts_.capture.seal(end, kLetGoMax));
  TRY(parts_.live.renew_checkpoints(end, kLetGoMax));
  TRY(parts_.journal.release(
      std::min({parts_.lake.status().cursor, parts_.capture.sealed_through(), parts_.live.needed_from()})));
  const journal::Stats after = parts_.journal.stats();
  const uint64_t through = state.forget.body["through"].as_uint().value_or(0);
  if (after.first.value < through) {
    return Error(Code::unavailable,
                 "the journal still holds records from " + std::to_string(after.first.value) + " on, all below " +
                     std::to_string(through) + " must go",
                 "`weir status` says what keeps it; the run goes on when it is started again");
  }
  crash_point("forget.journal");
  TRY_ASSIGN(const uint64_t keys, parts_.capture.forget(found.sequences));
  crash_point("forget.index");

  control::Forget out = state.forget;
  out.body.set("records", uint64_t{found.sequences.size()});
  out.body.set("events", found.events);
  out.body.set("quarantined", found.quarantined);
  out.body.set("notes", found.notes);
  const auto place_json = [](const lake::Forgotten::Place& place) {
    return Json(Json::Object{{"files", place.files},
                             {"records", place.records},
                             {"bytes_before", place.bytes_before},
                             {"bytes_after", place.bytes_after}});
  };
  set_place(out, "archive", place_json(found.archive));
  set_place(out, "parquet", place_json(found.parquet));
  // What the follower released by itself meanwhile counts too.
  set_place(out, "journal",
            Json(Json::Object{{"segments_from", before.first.value}, {"segments_through", after.first.value}}));
  set_place(out, "deduplication index", Json(Json::Object{{"records", keys}}));
  state.forget = out;
  return out;
}

// At once, not after lake.replaced_keep; those that a statement reads when it has ended.
Status ForgetWork::remove_old_files(State& state) {
  const int64_t give_up_at = parts_.clock.steady_micros() + kPinsMax.micros;
  std::vector<control::ReplacedFile> left;
  while (true) {
    TRY(parts_.lake.remove_replaced());
    TRY_ASSIGN(left, parts_.lake.replaced_of(state.forget.stream));
    if (left.empty() || !state.goes_on() || parts_.clock.steady_micros() > give_up_at) break;
    TRY(state.context.cancel().check());
    std::this_thread::sleep_for(kPause);
  }
  std::vector<Missed> missed;
  if (!left.empty() && state.goes_on()) {
    missed.push_back({plural(left.size(), "replaced file") + " of the lake", "a statement that began before reads them",
                      "nothing: they are removed as soon as it ends"});
  }
  set_missed(state.forget, "pinned", missed);
  return {};
}

Status ForgetWork::recount(State& state) {
  if (!state.goes_on()) return {};
  TRY_ASSIGN(const auto names, parts_.live.recount(state.forget.stream, kRecountMax));
  TRY(parts_.live.renew_checkpoints(parts_.journal.durable_end(), kLetGoMax));
  Json listed{Json::Array{}};
  for (const std::string& name : names) listed.push(name);
  set_place(state.forget, "live windows", Json(Json::Object{{"counted_again", std::move(listed)}}));
  return {};
}

// A table that cannot be computed now keeps its old rows: that is said, and the others are done.
Status ForgetWork::compute(State& state) {
  if (!state.goes_on()) return {};
  std::vector<std::string> inputs = capture::tables_of(state.forget.stream);
  TRY_ASSIGN(const auto tables, parts_.flow.made_of(inputs));
  const Status computed = state.context.compute(tables);
  if (!computed && (computed.error().code == Code::cancelled || computed.error().code == Code::unavailable)) {
    return computed;
  }
  std::vector<Missed> missed;
  Json listed{Json::Array{}};
  for (const std::string& name : tables) {
    listed.push(name);
    TRY_ASSIGN(const flow::TableState table, parts_.flow.table(name));
    if (!table.problem.empty() || !table.stale.empty()) {
      const std::string why = !table.problem.empty() ? table.problem
                              : computed             ? "it is stale again"
                                                     : computed.error().text();
      missed.push_back({"table " + name, "it could not be computed again: " + why,
                        "mend it and run `weir run " + name + "`: what was computed before stays until then"});
    }
    const std::string raw = "raw_" + state.forget.stream;
    if (std::find(table.reads.begin(), table.reads.end(), raw) != table.reads.end()) {
      missed.push_back({"table " + name, "it reads " + raw + ", of which nobody is told when it changes",
                        "`weir run " + name + " --force`"});
    }
    if (!table.past.empty()) {
      missed.push_back({"table " + name + ", " + plural(table.past.size(), "partition") + " from " +
                            flow::partition_text(*table.past.begin()) + " to " +
                            flow::partition_text(*table.past.rbegin()),
                        "retention has removed what they were computed from",
                        "delete what names the person there, or drop the table"});
    }
  }
  // What is detached is kept as it was, and nothing computes it again.
  TRY_ASSIGN(const auto declarations, parts_.control.declarations());
  for (const control::Declaration& one : declarations) {
    if (!one.detached || (one.kind != "table" && one.kind != "endpoint")) continue;
    missed.push_back({one.kind + " " + one.name + ", which is detached", "nothing computes it again",
                      "`weir apply --drop` removes what is detached, with its data"});
  }
  const Status scrubbed = tables.empty() ? Status() : parts_.flow.scrub(tables, state.context.cancel());
  TRY(state.context.cancel().check());
  if (!scrubbed) {
    missed.push_back({"free space of warehouse.duckdb", scrubbed.error().text(),
                      "`weir lake forget` with the same value again, when nothing reads the tables"});
  }
  if (!parts_.writes_indexes && !tables.empty()) {
    missed.push_back({"indexes of endpoints", "only a server writes them", "start `weir serve`: it writes them anew"});
  }
  set_place(state.forget, "derived tables", Json(Json::Object{{"computed_again", std::move(listed)}}));
  set_missed(state.forget, "tables", missed);
  return {};
}

// A file that names the person goes as a whole: the flow's next run writes it anew.
Status ForgetWork::remove_results(State& state) {
  if (!state.goes_on()) return {};
  TRY_ASSIGN(const auto files, parts_.flow.unloaded_files());
  Json removed{Json::Array{}};
  std::vector<Missed> missed;
  for (const std::string& path : files) {
    TRY(state.context.cancel().check());
    auto bytes = read_file(parts_.files, path, kResultBytesMax);
    if (!bytes) {
      missed.push_back({path, bytes.error().text(), "look through it by hand, or remove it"});
      continue;
    }
    if (path.ends_with(".parquet")) {
      missed.push_back({path, "a Parquet file that a flow wrote is not looked through",
                        "run the flow again, which replaces it, or remove it"});
      continue;
    }
    if (!state.subject.is_in(*bytes)) continue;
    TRY(parts_.files.remove(path));
    TRY(parts_.files.sync_directory(parent_path(path)));
    removed.push(path);
  }
  TRY_ASSIGN(const auto runs, parts_.control.runs("", true, kRunsMax));
  for (const control::Run& run : runs) {
    if (run.kind != "flow" || run.queued_at.micros > state.forget.begun_at.micros) continue;
    missed.push_back({"files of the run " + run.id + " of " + run.name,
                      "it began before and is under way: it may read what was committed then",
                      "`weir lake forget` with the same value again, when it has ended"});
  }
  set_place(state.forget, "results of flows",
            Json(Json::Object{{"files_seen", uint64_t{files.size()}}, {"removed", std::move(removed)}}));
  set_missed(state.forget, "results", missed);
  return {};
}

Status ForgetWork::finish(State& state) {
  set_missed(
      state.forget, "outside",
      {{"backups and copies", "weir does not know where they are", "remove them, or forget again after a restore"},
       {"readers of the committed files outside of weir", "they may have read an earlier manifest",
        "tell them which files of the manifest changed"},
       {"tables that people load, COPY and INSERT into, or that flow steps write",
        "weir does not change what it did not make", "DELETE FROM them what names the person"},
       {"versions and copies that a remote bucket keeps of what was removed", "weir asks for the newest only",
        "have its lifecycle remove them"},
       {"logs, saved queries, messages of runs and findings", "they may quote what somebody wrote",
        "remove those that do"},
       {"foreign folders that `weir etl` loads", "weir only reads them; a file that was loaded is not loaded again",
        "nothing for weir: other files with those events are loaded without them; remove the person there too"}});
  TRY(parts_.control.scrub());
  state.forget.state = "done";
  state.forget.ended_at = parts_.clock.wall();
  return {};
}

}  // namespace weir::forget
