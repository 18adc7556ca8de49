#include "core/runtime/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <optional>
#include <system_error>

namespace weir {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr int kPollWithoutPidfdMs = 20;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  int number() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor reading;
  Descriptor writing;
};

Error start_error(const std::string& program, const char* step, int error) {
  const Code code = error == ENOENT || error == ENOTDIR ? Code::not_found : Code::io;
  return Error(code, "cannot start " + program + ": " + step + ": " + std::generic_category().message(error));
}

// Numbers above 2, so that setting up the child's standard descriptors never closes an end that is still needed.
Result<Pipe> make_pipe(const std::string& program) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return start_error(program, "pipe", errno);
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  for (Descriptor* end : {&pipe.reading, &pipe.writing}) {
    if (end->number() > 2) continue;
    Descriptor moved(::fcntl(end->number(), F_DUPFD_CLOEXEC, 3));
    if (!moved.is_open()) return start_error(program, "pipe", errno);
    *end = std::move(moved);
  }
  return pipe;
}

struct Limit {
  int what = 0;
  rlimit value{};
};

// Everything that the child needs, made before the fork: after it only calls that are safe in a signal handler are
// allowed, and those allocate nothing.
struct Prepared {
  std::vector<std::string> texts;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  std::vector<Limit> limits;
  const char* folder = nullptr;
  int nice_by = 0;
  pid_t parent = 0;
  int input = -1, output = -1, error_output = -1, report = -1;
};

struct ChildFailure {
  int step = 0;
  int error = 0;
};
constexpr const char* kSteps[] = {"run it", "enter its folder", "set its limits", "connect its outputs",
                                  "set it apart"};

[[noreturn]] void fail_in_child(const Prepared& prepared, int step) {
  const ChildFailure failure{step, errno};
  [[maybe_unused]] const ssize_t written = ::write(prepared.report, &failure, sizeof failure);
  ::_exit(127);
}

[[noreturn]] void become_program(const Prepared& prepared) {
  if (::setpgid(0, 0) != 0 || ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail_in_child(prepared, 4);
  if (::getppid() != prepared.parent) ::_exit(127);  // it died before we asked to die with it
  if (prepared.nice_by > 0) ::setpriority(PRIO_PROCESS, 0, prepared.nice_by);
  if (prepared.folder != nullptr && ::chdir(prepared.folder) != 0) fail_in_child(prepared, 1);
  if (::dup2(prepared.input, 0) < 0 || ::dup2(prepared.output, 1) < 0 || ::dup2(prepared.error_output, 2) < 0) {
    fail_in_child(prepared, 3);
  }
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGKILL && signal != SIGSTOP) ::signal(signal, SIG_DFL);  // an ignored one stays ignored over exec
  }
  sigset_t none;
  sigemptyset(&none);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): after fork() the child has one thread only.
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const Limit& limit : prepared.limits) {
    if (::setrlimit(static_cast<__rlimit_resource>(limit.what), &limit.value) != 0) fail_in_child(prepared, 2);
  }
  // Ours are all close-on-exec; libraries may have opened others.
  constexpr unsigned kCloseOnExec = 4;
  ::syscall(SYS_close_range, 3u, ~0u, kCloseOnExec);
  ::execve(prepared.arguments.front(), prepared.arguments.data(), prepared.environment.data());
  fail_in_child(prepared, 0);
}

Status check_text(const std::string& text, const char* what) {
  if (text.find('\0') == std::string::npos) return {};
  return Error(Code::invalid, std::string(what) + " of a child process holds a NUL byte");
}

Status check_options(const ChildOptions& options) {
  if (options.program.find('/') == std::string::npos) {
    return Error(Code::invalid, "the program \"" + options.program + "\" has no path; PATH is not searched");
  }
  TRY(check_text(options.program, "the program"));
  TRY(check_text(options.folder, "the folder"));
  for (const std::string& argument : options.arguments) {
    TRY(check_text(argument, "an argument"));
  }
  for (const auto& [name, value] : options.environment_set) {
    TRY(check_text(name, "the environment"));
    TRY(check_text(value, "the environment"));
    if (name.empty() || name.find('=') != std::string::npos) {
      return Error(Code::invalid, "\"" + name + "\" is no name of an environment variable");
    }
  }
  return {};
}

std::vector<std::string> environment_of(const ChildOptions& options) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment_set) variables.push_back(name + "=" + value);
  for (const std::string& name : options.environment_kept) {
    const bool is_set_anew = std::any_of(options.environment_set.begin(), options.environment_set.end(),
                                         [&](const auto& variable) { return variable.first == name; });
    for (char** variable = environ; !is_set_anew && *variable != nullptr; ++variable) {
      if (std::string_view(*variable).starts_with(name + "=")) variables.emplace_back(*variable);
    }
  }
  return variables;
}

void add_limit(Prepared& prepared, int what, rlim_t soft, rlim_t hard) {
  prepared.limits.push_back({what, {.rlim_cur = soft, .rlim_max = hard}});
}

// Fills `prepared` in place: its pointers lead into its own texts.
void prepare(const ChildOptions& options, Prepared& prepared) {
  const std::vector<std::string> environment = environment_of(options);
  prepared.texts.push_back(options.program);
  for (const std::string& argument : options.arguments) prepared.texts.push_back(argument);
  const size_t first_variable = prepared.texts.size();
  for (const std::string& variable : environment) prepared.texts.push_back(variable);
  for (size_t i = 0; i < prepared.texts.size(); ++i) {
    (i < first_variable ? prepared.arguments : prepared.environment).push_back(prepared.texts[i].data());
  }
  prepared.arguments.push_back(nullptr);
  prepared.environment.push_back(nullptr);
  add_limit(prepared, RLIMIT_CORE, 0, 0);
  if (options.memory_bytes_max > 0) {
    add_limit(prepared, RLIMIT_AS, options.memory_bytes_max, options.memory_bytes_max);
  }
  if (options.cpu_max.micros > 0) {
    const auto whole_seconds = static_cast<rlim_t>((options.cpu_max.micros + 999'999) / 1'000'000);
    add_limit(prepared, RLIMIT_CPU, whole_seconds, whole_seconds + 1);
  }
  if (options.file_bytes_max > 0) {
    add_limit(prepared, RLIMIT_FSIZE, options.file_bytes_max, options.file_bytes_max);
  }
  if (options.open_files_max > 0) {
    add_limit(prepared, RLIMIT_NOFILE, options.open_files_max, options.open_files_max);
  }
  prepared.folder = options.folder.empty() ? nullptr : options.folder.c_str();
  prepared.nice_by = options.nice_by;
  prepared.parent = ::getpid();
}

// While it lives, writing to a child that no longer reads gives EPIPE to this thread instead of ending the program.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &old_mask_);
  }
  ~NoSigpipe() {
    const timespec at_once{};
    while (sigtimedwait(&pipe_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t old_mask_{};
};

// The parent's side: feeds and reads the child until it is gone.
class Watch {
 public:
  Watch(const ChildOptions& options, pid_t child, Descriptor input, Descriptor output, Descriptor error_output)
      : options_(options),
        child_(child),
        input_(std::move(input)),
        output_(std::move(output)),
        error_output_(std::move(error_output)),
        exited_(static_cast<int>(::syscall(SYS_pidfd_open, child, 0))),
        cancelled_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        deadline_(std::chrono::steady_clock::now() + std::chrono::microseconds(options.time_limit.micros)) {
    for (const Descriptor* end : {&input_, &output_, &error_output_}) {
      ::fcntl(end->number(), F_SETFL, ::fcntl(end->number(), F_GETFL) | O_NONBLOCK);
    }
    if (options_.input.empty()) input_.close();
  }

  ChildResult run(const Cancel& cancel) {
    const auto attachment = cancel.attach([this] {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(cancelled_.number(), &one, sizeof one);
    });
    while (!has_exited()) {
      wait();
      if (!is_killed_ && cancel.is_cancelled()) kill_group(ChildResult::End::cancelled);
      if (!is_killed_ && std::chrono::steady_clock::now() >= deadline_) kill_group(ChildResult::End::timed_out);
      feed();
      drain_both();
    }
    // The child is dead but not yet collected, so its number still means this group and nobody else's.
    ::kill(-child_, SIGKILL);
    drain_both();
    for (std::string* kept : {&result_.output, &result_.error_output}) cut_to_end(*kept);
    collect();
    return std::move(result_);
  }

 private:
  bool has_exited() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == child_;
  }

  void wait() {
    std::vector<pollfd> watched;
    if (input_.is_open()) watched.push_back({input_.number(), POLLOUT, 0});
    if (output_.is_open()) watched.push_back({output_.number(), POLLIN, 0});
    if (error_output_.is_open()) watched.push_back({error_output_.number(), POLLIN, 0});
    if (exited_.is_open()) watched.push_back({exited_.number(), POLLIN, 0});
    if (!is_killed_) watched.push_back({cancelled_.number(), POLLIN, 0});
    int64_t patience_ms = INT_MAX;
    if (!is_killed_) {
      const auto left = deadline_ - std::chrono::steady_clock::now();
      patience_ms = std::clamp<int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 0, INT_MAX);
    }
    if (!exited_.is_open()) patience_ms = std::min<int64_t>(patience_ms, kPollWithoutPidfdMs);
    ::poll(watched.data(), watched.size(), static_cast<int>(patience_ms));
  }

  void kill_group(ChildResult::End why) {
    is_killed_ = true;
    result_.end = why;
    ::kill(-child_, SIGKILL);
    input_.close();
  }

  void feed() {
    while (input_.is_open()) {
      const ssize_t n = ::write(input_.number(), options_.input.data() + fed_, options_.input.size() - fed_);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n > 0) fed_ += static_cast<size_t>(n);
      if (n < 0 || fed_ == options_.input.size()) input_.close();  // EPIPE: it does not want more
    }
  }

  void drain_both() {
    drain(output_, [this](std::string_view piece) {
      if (options_.on_output) return options_.on_output(piece);
      keep(piece, result_.output, result_.is_output_cut);
    });
    drain(error_output_,
          [this](std::string_view piece) { keep(piece, result_.error_output, result_.is_error_output_cut); });
  }

  void keep(std::string_view piece, std::string& kept, bool& is_cut) const {
    if (options_.keeps_end) {
      is_cut = is_cut || kept.size() + piece.size() > options_.output_bytes_max;
      kept.append(piece);
      if (kept.size() > 2 * options_.output_bytes_max) cut_to_end(kept);
      return;
    }
    const size_t room = options_.output_bytes_max - kept.size();
    is_cut = is_cut || piece.size() > room;
    kept.append(piece.substr(0, room));
  }

  void cut_to_end(std::string& kept) const {
    if (kept.size() > options_.output_bytes_max) kept.erase(0, kept.size() - options_.output_bytes_max);
  }

  // Reads what is there. One round is bounded, so that a child that writes without end does not
  // keep us from seeing the clock.
  template <class Take>
  static void drain(Descriptor& from, const Take& take) {
    char buffer[64 << 10];
    for (int round = 0; from.is_open() && round < 64; ++round) {
      const ssize_t n = ::read(from.number(), buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        from.close();
        return;
      }
      take(std::string_view(buffer, static_cast<size_t>(n)));
    }
  }

  void collect() {
    int status = 0;
    rusage usage{};
    while (::wait4(child_, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status)) {
      result_.exit_code = WEXITSTATUS(status);
    } else {
      result_.signal = WTERMSIG(status);
      if (!is_killed_) result_.end = ChildResult::End::killed;
    }
    const auto micros = [](const timeval& time) { return int64_t{time.tv_sec} * 1'000'000 + time.tv_usec; };
    result_.cpu = {micros(usage.ru_utime) + micros(usage.ru_stime)};
    result_.memory_peak_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  }

  const ChildOptions& options_;
  const pid_t child_;
  Descriptor input_, output_, error_output_;
  const Descriptor exited_;     // a pidfd, readable once the child is dead
  const Descriptor cancelled_;  // an eventfd that a cancel writes to
  const SteadyTime deadline_;
  ChildResult result_;
  size_t fed_ = 0;
  bool is_killed_ = false;
};

// Empty if the program runs; otherwise what went wrong between fork and exec.
std::optional<ChildFailure> read_failure(const Descriptor& report) {
  ChildFailure failure;
  ssize_t n = 0;
  do {
    n = ::read(report.number(), &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof failure) return std::nullopt;
  return failure;
}

}  // namespace

Result<ChildResult> run_child(const ChildOptions& options, const Cancel& cancel) {
  TRY(check_options(options));
  TRY(cancel.check());
  TRY_ASSIGN(Pipe input, make_pipe(options.program));
  TRY_ASSIGN(Pipe output, make_pipe(options.program));
  // A child that says much goes on while its parent is busy; the system may refuse so large a pipe, and nothing is
  // lost.
  (void)::fcntl(output.writing.number(), F_SETPIPE_SZ, 1 << 20);
  TRY_ASSIGN(Pipe error_output, make_pipe(options.program));
  TRY_ASSIGN(Pipe report, make_pipe(options.program));
  Prepared prepared;
  prepare(options, prepared);
  prepared.input = input.reading.number();
  prepared.output = output.writing.number();
  prepared.error_output = error_output.writing.number();
  prepared.report = report.writing.number();

  const NoSigpipe no_sigpipe;
  const pid_t child = ::fork();
  if (child < 0) return start_error(options.program, "fork", errno);
  if (child == 0) become_program(prepared);
  ::setpgid(child, child);  // whoever is first; EACCES after its exec means that it was
  input.reading.close();
  output.writing.close();
  error_output.writing.close();
  report.writing.close();
  if (const auto failure = read_failure(report.reading)) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return start_error(options.program, kSteps[failure->step], failure->error);
  }
  Watch watch(options, child, std::move(input.writing), std::move(output.reading), std::move(error_output.reading));
  return watch.run(cancel);
}

std::string ChildResult::text(const ChildOptions& options) const {
  switch (end) {
    case End::exited:
      return "exit code " + std::to_string(exit_code);
    case End::killed: {
      const char* const words = ::sigdescr_np(signal);
      return "killed by signal " + std::to_string(signal) + (words != nullptr ? " (" + std::string(words) + ")" : "");
    }
    case End::timed_out:
      return "did not end in " + format_duration(options.time_limit);
    case End::cancelled:
      return "cancelled";
  }
  return "unknown end";
}

}  // namespace weir
