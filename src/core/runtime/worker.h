// Work in a child of our own program: foreign files, commands that people declare, whatever must not harm the server.
//
// The child is `weir worker KIND`: it reads one request from its standard input, does what the kind says, and answers
// on its standard output: lines of data, and at the end one line that begins with kAnswerMark and says how it went. It
// runs under limits in a process group of its own, with no environment and no descriptors of ours; cancel kills the
// group. Its death is an Error that names the signal and its last words, never that of the server.
//
// A room that has such work hands in a kind, by name, and asks for it by that name: the kinds are collected in app,
// which gives the same ones to both sides. Workers from any thread; calls block for as long as the child lives: run
// them on the background lane.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/runtime/cancel.h"
#include "core/runtime/child_process.h"

namespace weir {

inline constexpr char kAnswerMark = '\x1e';
inline constexpr size_t kWorkerLineBytesMax = 16u << 20;
inline constexpr size_t kWorkerWordsBytesMax = 16u << 10;  // kept of what a child says last

// 0 is no limit, of `time` excepted.
struct WorkerLimits {
  Duration time = minutes(10);
  uint64_t memory_bytes = 1ull << 30;  // address space
  Duration cpu{};
  uint64_t open_files = 256;
  uint64_t file_bytes = 0;  // of each file that it writes
};

// --- the child's side -----------------------------------------------------------------------------------------------

// Where a kind writes its data. A line holds no line break; what cannot be written ends the child.
class WorkerOutput {
 public:
  virtual ~WorkerOutput() = default;
  virtual void line(std::string_view text) = 0;
};
// What it returns is the answer. One thread; exceptions become an answer too.
using WorkerKind = std::function<Result<Json>(const Json& request, WorkerOutput& out)>;
using WorkerKinds = std::map<std::string, WorkerKind, std::less<>>;

// `weir worker KIND`; the exit code.
int run_worker(std::string_view kind, const WorkerKinds& kinds);

// The kind that becomes another program, for Workers::run_program().
inline constexpr const char* kProgramKind = "program";
WorkerKind program_kind();

// --- the server's side ----------------------------------------------------------------------------------------------

struct ProgramRequest {
  std::vector<std::string>
      arguments{};  // the program first: a path, or a name to be found in /usr/local/bin:/usr/bin:/bin
  std::map<std::string, std::string> environment{};  // all that it has beside PATH
  std::string folder{};                              // to work in
};

class Workers {
 public:
  // Of this very program, also if its file was replaced or removed since it was started.
  explicit Workers(std::string program = "/proc/self/exe") : program_(std::move(program)) {}

  // Called for each line of data; an error ends the child, and is what call() returns.
  using TakeLine = std::function<Status(std::string_view line)>;
  // The kind's answer. Errors: what the kind says, timed_out (of time or CPU), cancelled (or the cancel's reason), io:
  // the child died, with its signal and its last words.
  Result<Json> call(std::string_view kind, const Json& request, const WorkerLimits& limits, const Cancel& cancel,
                    const TakeLine& take = {}) const;

  // Runs another program under the limits; the ends of its two outputs are in the result. Not ending well is no Error
  // here; that it cannot be started is.
  Result<ChildResult> run_program(const ProgramRequest& request, const WorkerLimits& limits,
                                  const Cancel& cancel) const;

 private:
  ChildOptions options(std::string_view kind, const Json& request, const WorkerLimits& limits) const;
  const std::string program_;
};

// The last lines of what a child said, for messages; at most `bytes_max`, on line ends where there are any.
std::string last_lines(std::string_view text, size_t lines_max = 10, size_t bytes_max = 2'000);

}  // namespace weir
