#include "app/lake_work.h"

#include <algorithm>
#include <set>

#include "app/kinds.h"
#include "core/base/sizes.h"
#include "core/base/text.h"

namespace weir::app {
namespace {

constexpr Duration kNoteEvery = milliseconds(500);
constexpr size_t kRetiredListed = 1'000;
constexpr const char* kRewrites = "lake";  // whose turn it is

std::string text_in(const Json& parameters, std::string_view name) {
  const Json* found = parameters.find(name);
  return found == nullptr || found->is_null() ? std::string() : found->as_string();
}

std::string counted(uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Adds the numbers of `more` to those of `into`; all else is taken from `more`.
void add_up(Json& into, const Json& more) {
  if (!into.is_object()) into = Json(Json::Object{});
  for (const auto& [name, value] : more.object()) {
    const Json* known = into.find(name);
    into.set(name, known != nullptr && value.is_integer() ? Json(known->as_int() + value.as_int()) : value);
  }
}

// A task's notes, not more of them than a disk likes.
class Notes {
 public:
  Notes(flow::WorkContext& context, const Clock& clock, std::string step, std::string what)
      : context_(context), clock_(clock), step_(std::move(step)), what_(std::move(what)) {}
  void add(const flow::TaskEnd& so_far) {
    const int64_t now = clock_.steady_micros();
    if (noted_at_ != 0 && now - noted_at_ < kNoteEvery.micros) return;
    noted_at_ = now;
    (void)context_.note(step_, what_, so_far);  // the next one says more
  }
  lake::OnProgress on_progress() {
    return [this](const lake::Progress& so_far) {
      add({{},
           so_far.what + ", " + format_size(so_far.done_bytes) + " of " + format_size(so_far.total_bytes),
           share_of(so_far.done_bytes, so_far.total_bytes)});
    };
  }

 private:
  flow::WorkContext& context_;
  const Clock& clock_;
  const std::string step_, what_;
  int64_t noted_at_ = 0;
};

// Streams that are followed, the program's own too.
Result<std::vector<capture::AppliedStream>> streams_of(control::Control& control, const std::string& wanted) {
  TRY_ASSIGN(AppliedStreams applied, applied_streams(control));
  if (wanted.empty()) return std::move(applied.followed);
  std::vector<std::string> known;
  for (const auto& one : applied.followed) {
    if (one.stream->name == wanted) return std::vector<capture::AppliedStream>{one};
    known.push_back(one.stream->name);
  }
  return Error(Code::not_found, "there is no stream " + shown(wanted), did_you_mean(wanted, known));
}

// --- compact --------------------------------------------------------------------------------------------------------

class CompactWork final : public flow::Work {
 public:
  explicit CompactWork(const LakeWorkParts& parts) : parts_(parts) {}
  std::string turn() const override { return kRewrites; }
  Status check(const Json& parameters) const override {
    TRY(tables_of(parameters));
    const std::string day = text_in(parameters, "day");
    if (!day.empty()) {
      TRY(parse_date(day));
    }
    return {};
  }
  Status run(flow::WorkContext& context) override;

 private:
  Result<std::vector<std::string>> tables_of(const Json& parameters) const;
  const LakeWorkParts parts_;
};

Result<std::vector<std::string>> CompactWork::tables_of(const Json& parameters) const {
  TRY_ASSIGN(const auto files, parts_.control.lake_files());
  std::set<std::string> with_files;
  for (const auto& file : files) with_files.insert(file.table);
  const std::string table = text_in(parameters, "table");
  if (table.empty()) return std::vector<std::string>(with_files.begin(), with_files.end());
  const auto known = parts_.lake.committed().tables->names();
  if (std::find(known.begin(), known.end(), table) == known.end()) {
    return Error(Code::not_found, "no table " + shown(table) + " in the lake", did_you_mean(table, known));
  }
  return std::vector<std::string>{table};
}

// A task a table. Damaged files are told when all others are merged.
Status CompactWork::run(flow::WorkContext& context) {
  TRY_ASSIGN(const auto tables, tables_of(context.parameters()));
  TRY(context.plan("compact", tables));
  if (context.result().is_null()) {
    TRY(context.set_result(lake::Compaction().to_json()));
  }
  lake::CompactRequest request;
  if (const std::string day = text_in(context.parameters(), "day"); !day.empty()) {
    TRY_ASSIGN(request.day, parse_date(day));
  }
  Status damaged;
  for (const std::string& table : tables) {
    request.table = table;
    Notes notes(context, parts_.clock, "compact", table);
    Status done = context.task("compact", table, [&]() -> Result<flow::TaskEnd> {
      TRY_ASSIGN(const lake::Compaction merged, parts_.lake.compact(request, context.cancel(), notes.on_progress()));
      Json sum = context.result();
      add_up(sum, merged.to_json());
      TRY(context.set_result(std::move(sum)));
      return flow::TaskEnd{merged.rows, merged.files_before == 0 ? std::string()
                                                                 : counted(merged.files_before, "file") + " became " +
                                                                       std::to_string(merged.files_after)};
    });
    if (!done && done.error().code != Code::corrupt) return done;
    if (!done && damaged) damaged = std::move(done);
  }
  return damaged;
}

// --- retain ---------------------------------------------------------------------------------------------------------

class RetainWork final : public flow::Work {
 public:
  explicit RetainWork(const LakeWorkParts& parts) : parts_(parts) {}
  std::string turn() const override { return kRewrites; }
  Status check(const Json& parameters) const override {
    TRY(streams_of(parts_.control, text_in(parameters, "stream")));
    return {};
  }
  Status run(flow::WorkContext& context) override;

 private:
  const LakeWorkParts parts_;
};

// A task a stream, as each is one commit.
Status RetainWork::run(flow::WorkContext& context) {
  TRY_ASSIGN(const auto streams, streams_of(parts_.control, text_in(context.parameters(), "stream")));
  std::vector<std::string> whats;
  for (const auto& one : streams) {
    if (one.stream->retention) whats.push_back(one.stream->name);
  }
  TRY(context.plan("retain", whats));
  if (context.result().is_null()) {
    TRY(context.set_result(lake::Retention().to_json(false)));
  }
  for (const std::string& stream : whats) {
    TRY(context.task("retain", stream, [&]() -> Result<flow::TaskEnd> {
      TRY_ASSIGN(lake::Retention done, parts_.lake.retain({stream, false}, context.cancel()));
      const size_t count = done.files.size();
      uint64_t rows = 0;
      for (const auto& file : done.files) rows += file.rows;
      const Json more = done.to_json(false);
      Json sum = context.result();
      Json files = sum["files"];
      for (const Json& file : more["files"].array()) {
        if (files.array().size() < kRetiredListed) files.push(file);
      }
      add_up(sum, more);
      sum.set("files", std::move(files));
      TRY(context.set_result(std::move(sum)));
      return flow::TaskEnd{rows, count == 0 ? std::string() : counted(count, "file") + " removed"};
    }));
  }
  return {};
}

// --- rebuild --------------------------------------------------------------------------------------------------------

class RebuildWork final : public flow::Work {
 public:
  explicit RebuildWork(const LakeWorkParts& parts) : parts_(parts) {}
  std::string turn() const override { return kRewrites; }
  Status check(const Json& parameters) const override {
    const std::string stream = text_in(parameters, "stream");
    if (stream.empty()) return Error(Code::invalid, "which stream?");
    TRY(streams_of(parts_.control, stream));
    return {};
  }
  Status run(flow::WorkContext& context) override;

 private:
  const LakeWorkParts parts_;
};

Status RebuildWork::run(flow::WorkContext& context) {
  const std::string stream = text_in(context.parameters(), "stream");
  TRY(context.plan("rebuild", {stream}));
  Notes notes(context, parts_.clock, "rebuild", stream);
  return context.task("rebuild", stream, [&]() -> Result<flow::TaskEnd> {
    TRY_ASSIGN(const lake::Rebuilt done, parts_.lake.rebuild(stream, context.cancel(), notes.on_progress()));
    TRY(context.set_result(done.to_json(stream)));
    return flow::TaskEnd{done.records, std::to_string(done.partitions_changed) + " of " +
                                           counted(done.partitions, "partition") + " made anew"};
  });
}

// --- requeue --------------------------------------------------------------------------------------------------------

class RequeueWork final : public flow::Work {
 public:
  explicit RequeueWork(const LakeWorkParts& parts) : parts_(parts) {}
  std::string turn() const override { return "requeue"; }
  Status check(const Json& parameters) const override { return parts_.requeue.check(request_of(parameters)); }
  Status run(flow::WorkContext& context) override;

 private:
  static lake::RequeueRequest request_of(const Json& parameters) {
    lake::RequeueRequest out;
    out.stream = text_in(parameters, "stream");
    out.reason = text_in(parameters, "reason");
    if (const Json* limit = parameters.find("limit")) out.limit = static_cast<uint64_t>(limit->as_int());
    return out;
  }
  const LakeWorkParts parts_;
};

// Entries that were settled in an earlier life are not looked at again, those that stay are.
Json requeued_json(const Json& before, const lake::RequeueReport& report) {
  Json out = report.to_json();
  if (!before.is_object()) return out;
  for (const char* settled : {"accepted", "duplicates"}) {
    out.set(settled, out[settled].as_int() + before[settled].as_int());
  }
  out.set("entries", out["entries"].as_int() + before["accepted"].as_int() + before["duplicates"].as_int());
  return out;
}

Status RequeueWork::run(flow::WorkContext& context) {
  lake::RequeueRequest request = request_of(context.parameters());
  const Json before = context.result();
  if (before.is_object() && request.limit != UINT64_MAX) {
    const auto settled = static_cast<uint64_t>(before["accepted"].as_int() + before["duplicates"].as_int());
    request.limit -= std::min(request.limit, settled);
  }
  TRY(context.plan("requeue", {request.stream}));
  Notes notes(context, parts_.clock, "requeue", request.stream);
  return context.task("requeue", request.stream, [&]() -> Result<flow::TaskEnd> {
    const auto progress = [&](const lake::RequeueReport& so_far) {
      notes.add({so_far.accepted,
                 std::to_string(so_far.looked_at()) + " of " + std::to_string(so_far.entries) + " entries",
                 share_of(so_far.looked_at(), so_far.entries)});
      (void)context.set_result(requeued_json(before, so_far));  // the next page says more
    };
    TRY_ASSIGN(const lake::RequeueReport report, parts_.requeue.run(request, context.cancel(), progress));
    TRY(context.set_result(requeued_json(before, report)));
    return flow::TaskEnd{report.accepted,
                         std::to_string(report.duplicates) + " duplicates, " + std::to_string(report.kept) + " stay"};
  });
}

}  // namespace

double share_of(uint64_t done, uint64_t all) {
  return all == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(all));
}

void add_lake_work(flow::Flow& flow, const LakeWorkParts& parts) {
  flow.add_work("compact", std::make_unique<CompactWork>(parts));
  flow.add_work("retain", std::make_unique<RetainWork>(parts));
  flow.add_work("rebuild", std::make_unique<RebuildWork>(parts));
  flow.add_work("requeue", std::make_unique<RequeueWork>(parts));
}

}  // namespace weir::app
