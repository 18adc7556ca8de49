// run_child(): a program in a process group of its own, under limits, for what must not harm the server: training,
// report templates, foreign files, commands that people declare.
//
// It blocks until the child and everything it left in its group are gone; call it from a background lane. Nothing is
// inherited but what is named here: no environment, no descriptors, default signals. The child dies with the thread
// that runs it, so also with a killed server. A child that fails is not an Error: the result says how it ended.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/runtime/cancel.h"

namespace weir {

struct ChildOptions {
  std::string program{};                        // a path with a "/" in it; PATH is not searched
  std::vector<std::string> arguments{};         // without the program's own name
  std::vector<std::string> environment_kept{};  // names taken over from our environment, where they are set
  std::vector<std::pair<std::string, std::string>> environment_set{};
  std::string folder{};  // to work in; empty: ours
  std::string input{};   // its standard input
  Duration time_limit = minutes(10);
  // 0 is no limit for the following four.
  uint64_t memory_bytes_max = 0;  // address space; an allocation beyond fails in the child
  Duration cpu_max{};             // rounded up to whole seconds; beyond it is killed by SIGXCPU
  uint64_t file_bytes_max = 0;    // of each file that it writes
  uint64_t open_files_max = 0;
  size_t output_bytes_max = 1 << 20;  // kept of each of the two outputs; more is read and dropped
  bool keeps_end = false;             // of more the end is kept, not the beginning
  // Given the standard output as it comes, in this thread; then nothing of it is kept. The child waits meanwhile.
  std::function<void(std::string_view piece)> on_output{};
  int nice_by = 0;
};

struct ChildResult {
  enum class End { exited, killed, timed_out, cancelled };
  End end = End::exited;
  int exit_code = 0;  // of `exited`
  int signal = 0;     // of the others: the signal that ended it
  std::string output;
  std::string error_output;
  bool is_output_cut = false;
  bool is_error_output_cut = false;
  Duration cpu{};
  uint64_t memory_peak_bytes = 0;  // never less than what this program itself held at the start

  bool succeeded() const { return end == End::exited && exit_code == 0; }
  // "exit code 3", "killed by signal 9 (Killed)", "did not end in 10s", "cancelled".
  std::string text(const ChildOptions& options) const;
};

// Errors: not_found or io if the program cannot be started, invalid for text with NUL bytes or a program without a
// path.
Result<ChildResult> run_child(const ChildOptions& options, const Cancel& cancel = {});

}  // namespace weir
