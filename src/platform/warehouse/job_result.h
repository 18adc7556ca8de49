// A job's result on its way to where it is kept: rows become the text in which they are handed out, page by page; a
// small result stays in memory, a larger one goes to a file. Internal to platform/warehouse; one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "platform/warehouse/jobs.h"

namespace weir::warehouse {

inline constexpr size_t kInlineBytesMax = 32 << 10;

class JobResultWriter {
 public:
  JobResultWriter(Files& files, std::string path, ResultForm form, const Jobs::Limits& limits);
  ~JobResultWriter();  // without finish(): nothing is left
  Status add(const std::vector<engine::ResultColumn>& columns, const Rows& rows);
  // Durable, if it is a file; else `text()` is all of it.
  Status finish();

  bool is_inline() const { return file_ == nullptr; }
  const std::string& text() const { return text_; }
  uint64_t bytes() const { return written_ + text_.size(); }
  uint64_t rows() const { return rows_; }
  std::vector<uint64_t> page_ends;

 private:
  Status spill();
  Files& files_;
  const std::string path_, staging_;
  const ResultForm form_;
  const Jobs::Limits& limits_;
  std::unique_ptr<File> file_;
  bool is_finished_ = false;
  std::string text_;  // not written yet
  uint64_t written_ = 0, rows_ = 0, page_begin_ = 0;
};

// What is kept of a job, and back.
Json job_json(const Job& job, std::string_view digest);
Result<Job> job_of(const control::Job& kept);

}  // namespace weir::warehouse
