#include "platform/warehouse/forget_texts.h"

#include "platform/dialect/rewrite.h"
#include "platform/warehouse/job_result.h"
#include "platform/warehouse/jobs.h"

namespace weir::warehouse {
namespace {

constexpr size_t kAtOnce = 500;
constexpr uint64_t kResultBytesMax = 1ull << 30;

std::string result_file(const std::string& folder, const std::string& job, size_t statement) {
  return join_path(folder, job + "." + std::to_string(statement + 1));
}

// A result with its columns before it, as a file of results has them.
Result<bool> result_names(const control::Job& kept, const Job& job, Files& files, const std::string& folder,
                          const NamesPerson& names) {
  uint64_t begin = 0;
  for (size_t i = 0; i < job.statements.size(); ++i) {
    const JobStatement& one = job.statements[i];
    if (one.page_ends.empty()) continue;
    std::string text;
    for (const auto& column : one.columns) text += (text.empty() ? "" : ",") + column.name;
    text += "\n";
    if (one.is_inline) {
      text += kept.result.substr(std::min<uint64_t>(begin, kept.result.size()), one.bytes);
      begin += one.bytes;
    } else {
      auto bytes = read_file(files, result_file(folder, job.id, i), kResultBytesMax);
      // Taken away by a call that was killed before it could say so.
      if (!bytes && bytes.error().code == Code::not_found) return true;
      TRY(bytes);
      text += *bytes;
    }
    if (names(text)) return true;
  }
  return false;
}

bool texts_name(const Job& job, const NamesPerson& names) {
  if (names(job.name) || names(job.error)) return true;
  for (const JobParameter& one : job.parameters) {
    if (names(one.name + " " + one.value) || names(one.value)) return true;
  }
  for (const JobStatement& one : job.statements) {
    if (names(one.sql) || names(one.error)) return true;
  }
  return false;
}

Status take_out(control::Job kept, Job job, control::Control& control, Files& files, const std::string& folder) {
  // The files first: a job that says that it has none is looked at no more.
  for (size_t i = 0; i < job.statements.size(); ++i) {
    JobStatement& one = job.statements[i];
    if (!one.is_inline && !one.page_ends.empty()) {
      const Status removed = files.remove(result_file(folder, job.id, i));
      if (!removed && removed.error().code != Code::not_found) return removed;
      TRY(files.sync_directory(folder));
    }
    one.page_ends.clear();
    one.bytes = 0;
    one.is_inline = false;
    one.sql = dialect::without_values(one.sql);
    one.error = dialect::without_quoted(one.error);
  }
  for (JobParameter& one : job.parameters) one.value = "…";
  job.error = dialect::without_quoted(job.error);
  job.name.clear();
  kept.body = job_json(job, "");
  kept.body.set("forgotten", true);
  kept.result.clear();
  return control.put_job(kept);
}

}  // namespace

Result<TextsForgotten> forget_in_jobs(control::Control& control, Files& files, const std::string& folder,
                                      const NamesPerson& names) {
  TextsForgotten out;
  std::string before;
  while (true) {
    TRY_ASSIGN(const auto some, control.jobs({.before = before, .limit = kAtOnce}));
    for (const control::Job& listed : some) {
      before = listed.id;
      TRY_ASSIGN(const auto kept, control.find_job(listed.id));
      if (!kept) continue;
      ++out.seen;
      TRY_ASSIGN(const Job job, job_of(*kept));
      bool is_named = texts_name(job, names);
      if (!is_named && !kept->is_open) {
        TRY_ASSIGN(is_named, result_names(*kept, job, files, folder, names));
      }
      if (!is_named) continue;
      if (kept->is_open) {
        out.open.push_back(kept->id);
        continue;
      }
      TRY(take_out(*kept, job, control, files, folder));
      ++out.changed;
    }
    if (some.size() < kAtOnce) return out;
  }
}

}  // namespace weir::warehouse
