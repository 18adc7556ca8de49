#include "core/runtime/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <system_error>

namespace weir {
namespace {

constexpr const char* kPath = "/usr/local/bin:/usr/bin:/bin";
constexpr size_t kRequestBytesMax = 64u << 20;
constexpr int kRefused = 70;  // the exit code of a child that answers with an error
constexpr Code kCodes[] = {Code::invalid, Code::not_found, Code::conflict,    Code::unauthenticated, Code::denied,
                           Code::busy,    Code::too_large, Code::timed_out,   Code::cancelled,       Code::corrupt,
                           Code::io,      Code::no_space,  Code::unsupported, Code::unavailable,     Code::internal};
static_assert(std::size(kCodes) == kCodeCount);

// --- the child's side -----------------------------------------------------------------------------------------------

Result<std::string> read_all(int from) {
  std::string out;
  char buffer[64 << 10];
  while (true) {
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error(Code::io, "the request cannot be read: " + std::generic_category().message(errno));
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > kRequestBytesMax)
      return Error(Code::too_large, "the request is too long");
    out.append(buffer, static_cast<size_t>(n));
  }
}

class StandardOutput final : public WorkerOutput {
 public:
  ~StandardOutput() override { flush(); }
  void line(std::string_view text) override {
    waiting_.append(text).push_back('\n');
    if (waiting_.size() >= kFlushAt) flush();
  }
  void flush() {
    for (size_t done = 0; done < waiting_.size();) {
      const ssize_t n = ::write(STDOUT_FILENO, waiting_.data() + done, waiting_.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) ::_exit(kRefused);  // nobody reads any more
      done += static_cast<size_t>(n);
    }
    waiting_.clear();
  }

 private:
  static constexpr size_t kFlushAt = 64u << 10;
  std::string waiting_;
};

Json error_json(const Error& error) {
  Json out(Json::Object{{"code", code_name(error.code)}, {"message", error.message}, {"hint", error.hint}});
  if (error.position) {
    out.set("at",
            Json::Object{
                {"file", error.position->file}, {"line", error.position->line}, {"column", error.position->column}});
  }
  return out;
}

Result<Json> answer_of(std::string_view kind, const WorkerKinds& kinds, WorkerOutput& out) {
  const auto found = kinds.find(kind);
  if (found == kinds.end()) return Error(Code::not_found, "there is no work of kind \"" + std::string(kind) + "\"");
  TRY_ASSIGN(const std::string text, read_all(STDIN_FILENO));
  TRY_ASSIGN(const Json request, Json::parse(text, kRequestBytesMax));
  try {
    return found->second(request, out);
  } catch (const std::bad_alloc&) {
    return Error(Code::too_large, "the work needs more memory than it may have");
  } catch (const std::exception& thrown) {
    return Error(Code::internal, std::string("the work failed: ") + thrown.what());
  }
}

// Returns only if it could not.
Error become(std::vector<std::string> arguments, std::vector<std::string> environment, const std::string& folder) {
  std::vector<char*> argv, envp;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  for (std::string& variable : environment) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);  // it inherits no request
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) return Error(Code::io, "/dev/null cannot be opened");
  if (nothing != STDIN_FILENO) ::close(nothing);
  if (!folder.empty() && ::chdir(folder.c_str()) != 0) {
    return Error(Code::io, "the folder cannot be entered: " + std::generic_category().message(errno));
  }
  char** const ours = environ;
  environ = envp.data();  // PATH is searched in the program's own
  ::execvp(argv.front(), argv.data());
  const int why = errno;
  environ = ours;
  const Code code = why == ENOENT ? Code::not_found : why == EACCES ? Code::denied : Code::io;
  return Error(code, arguments.front() + " cannot be run: " + std::generic_category().message(why));
}

// --- the server's side ----------------------------------------------------------------------------------------------

// Takes the child's output apart into lines; a marked one is the answer.
class Lines {
 public:
  Lines(const Workers::TakeLine& take, const Cancel& stop) : take_(take), stop_(stop) {}

  void add(std::string_view piece) {
    while (!piece.empty() && status_) {
      const size_t end = piece.find('\n');
      if (open_.size() + std::min(end, piece.size()) > kWorkerLineBytesMax) {
        return fail(Error(Code::too_large, "a line of the worker's output is longer than " +
                                               std::to_string(kWorkerLineBytesMax) + " bytes"));
      }
      if (end == std::string_view::npos) {
        open_ += piece;
        return;
      }
      if (open_.empty()) {  // most lines come whole
        take_line(piece.substr(0, end));
      } else {
        open_ += piece.substr(0, end);
        take_line(open_);
        open_.clear();
      }
      piece.remove_prefix(end + 1);
    }
  }
  const Status& status() const { return status_; }
  const std::string& answer() const { return answer_; }

 private:
  void take_line(std::string_view line) {
    if (line.starts_with(kAnswerMark)) {
      answer_ = line.substr(1);
      return;
    }
    if (!take_) return;
    Status taken = take_(line);
    if (!taken) fail(taken.error());
  }
  void fail(Error error) {
    status_ = error;
    stop_.cancel(std::move(error));
  }

  const Workers::TakeLine& take_;
  const Cancel stop_;
  std::string open_, answer_;
  Status status_;
};

Error error_of(const Json& said) {
  Code code = Code::internal;
  for (const Code known : kCodes) {
    if (said["code"].as_string() == code_name(known)) code = known;
  }
  Error out(code, said["message"].as_string(), said["hint"].as_string());
  if (const Json* at = said.find("at")) {
    out.at({(*at)["file"].as_string(), static_cast<int>((*at)["line"].as_int()),
            static_cast<int>((*at)["column"].as_int())});
  }
  return out;
}

Error died(std::string_view what, const ChildResult& ended, const ChildOptions& options) {
  std::string message = std::string(what) + " ended: " + ended.text(options);
  const std::string words = last_lines(ended.error_output);
  if (!words.empty()) message += "; its last words: " + words;
  return Error(ended.end == ChildResult::End::killed && ended.signal == SIGXCPU ? Code::timed_out : Code::io,
               std::move(message));
}

std::string result_line(const Json& answer) {
  return std::string(1, kAnswerMark) + answer.dump();
}

}  // namespace

int run_worker(std::string_view kind, const WorkerKinds& kinds) {
  StandardOutput out;
  const Result<Json> answer = answer_of(kind, kinds, out);
  out.line(answer ? result_line(Json(Json::Object{{"result", *answer}}))
                  : result_line(Json(Json::Object{{"error", error_json(answer.error())}})));
  return answer ? 0 : kRefused;
}

WorkerKind program_kind() {
  return [](const Json& request, WorkerOutput&) -> Result<Json> {
    std::vector<std::string> arguments, environment = {std::string("PATH=") + kPath};
    for (const Json& argument : request["arguments"].array()) arguments.push_back(argument.as_string());
    for (const auto& [name, value] : request["environment"].object()) {
      if (name == "PATH") environment.clear();
      environment.push_back(name + "=" + value.as_string());
    }
    if (arguments.empty()) return Error(Code::invalid, "no program is named");
    return become(std::move(arguments), std::move(environment), request["folder"].as_string());
  };
}

ChildOptions Workers::options(std::string_view kind, const Json& request, const WorkerLimits& limits) const {
  ChildOptions out;
  out.program = program_;
  out.arguments = {"worker", std::string(kind)};
  out.input = request.dump();
  out.time_limit = limits.time;
#ifndef __SANITIZE_ADDRESS__  // whose shadow of the memory alone is beyond any limit
  out.memory_bytes_max = limits.memory_bytes;
#endif
  out.cpu_max = limits.cpu;
  out.file_bytes_max = limits.file_bytes;
  out.open_files_max = limits.open_files;
  out.output_bytes_max = kWorkerWordsBytesMax;
  out.keeps_end = true;
  out.nice_by = 10;
  return out;
}

Result<Json> Workers::call(std::string_view kind, const Json& request, const WorkerLimits& limits, const Cancel& cancel,
                           const TakeLine& take) const {
  const Cancel stop = cancel.child();
  Lines lines(take, stop);
  ChildOptions child = options(kind, request, limits);
  child.on_output = [&lines](std::string_view piece) { lines.add(piece); };
  TRY_ASSIGN(const ChildResult ended, run_child(child, stop));
  TRY(lines.status());
  if (ended.end == ChildResult::End::cancelled) {
    TRY(cancel.check());
  }
  const std::string what = "worker " + std::string(kind);
  if (ended.end == ChildResult::End::timed_out) return Error(Code::timed_out, what + " " + ended.text(child));
  if (lines.answer().empty()) return died(what, ended, child);
  TRY_ASSIGN(const Json answer, Json::parse(lines.answer(), kWorkerLineBytesMax));
  if (const Json* error = answer.find("error")) return error_of(*error);
  if (!ended.succeeded()) return died(what, ended, child);
  return answer["result"];
}

Result<ChildResult> Workers::run_program(const ProgramRequest& request, const WorkerLimits& limits,
                                         const Cancel& cancel) const {
  Json arguments{Json::Array{}}, environment{Json::Object{}};
  for (const std::string& argument : request.arguments) arguments.push(argument);
  for (const auto& [name, value] : request.environment) environment.set(name, value);
  Json wanted(Json::Object{{"folder", request.folder}});
  wanted.set("arguments", std::move(arguments));
  wanted.set("environment", std::move(environment));
  TRY_ASSIGN(ChildResult ended, run_child(options(kProgramKind, wanted, limits), cancel));
  // It never became the program: it says why, as a worker.
  const size_t mark = ended.output.rfind(kAnswerMark);
  if (ended.exit_code == kRefused && mark != std::string::npos) {
    const auto answer = Json::parse(std::string_view(ended.output).substr(mark + 1));
    if (answer && answer->find("error") != nullptr) return error_of((*answer)["error"]);
  }
  return ended;
}

std::string last_lines(std::string_view text, size_t lines_max, size_t bytes_max) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  size_t begin = text.size();
  for (size_t lines = 0; lines < lines_max && begin > 0; ++lines) {
    const size_t line_break = text.rfind('\n', begin - 1);
    const size_t next = line_break == std::string_view::npos ? 0 : line_break;
    if (text.size() - next > bytes_max) {
      if (lines == 0) begin = text.size() - std::min(text.size(), bytes_max);  // one line that is too long
      break;
    }
    begin = next;
  }
  text.remove_prefix(begin);
  while (!text.empty() && text.front() == '\n') text.remove_prefix(1);
  return std::string(text);
}

}  // namespace weir
