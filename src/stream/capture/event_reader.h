// Takes a request's body apart into records, each judged: one object, an array, objects one after another (NDJSON), or
// the seed's {"impressions": [...]}.
//
// A record that is broken gets a verdict of its own wherever the next one can still be found: behind the comma that
// ends it in an array, in the next line otherwise. What cannot be taken apart is an Error with line and column, and
// nothing of the body is taken. Memory: a copy of the body and about 130 bytes a record. One thread at a time; reused
// from request to request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "stream/capture/capture.h"
#include "stream/capture/event_judge.h"

namespace weir::capture {

class EventReader {
 public:
  // With BodyFormat::batch the stream must have a beacon. The body need not stay valid.
  Status read(const StreamPlan& plan, std::string_view body, BodyFormat format, const Limits& limits);

  std::vector<Candidate>& records() { return records_; }
  const Problem& problem(const Candidate& record) const {
    return judge_.problems()[static_cast<size_t>(record.problem)];
  }
  Arena& arena() { return arena_; }
  const Limits& limits() const { return limits_; }

 private:
  enum class Shape { array, lines };
  Status read_any();
  Status read_lines();
  Status read_each_line();
  void read_line(const char* line_end);
  void check_size(Candidate& record);
  Status read_array(size_t records_max);
  Status read_batch();
  Status batch_members(const Beacon& beacon, size_t& keys, bool& given);
  Status read_record(Shape shape);
  void judge_other(Candidate& record, const char* begin);
  void add_failure(Candidate& record, const JsonScanner::Failure& failure);
  const char* find_boundary(const char* begin, Shape shape) const;
  void skip_space();
  // "line 3, column 17" of the body; quick for places that only go forward.
  std::string place(const char* where);
  Error wrong(const std::string& what, const char* where);

  const StreamPlan* plan_ = nullptr;
  Limits limits_;
  BodyFormat format_ = BodyFormat::any_json;
  std::string buffer_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::vector<Candidate> records_;
  EventJudge judge_;
  JsonScanner scanner_;  // for what is no record: the batch's frame
  Arena arena_;
  struct {
    const char* at = nullptr;
    const char* line_begin = nullptr;
    size_t line = 1;
  } counted_;
};

}  // namespace weir::capture
