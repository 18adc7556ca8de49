#include "core/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>

#include "core/base/text.h"

namespace weir {
namespace {

struct Log {
  std::atomic<int> level{static_cast<int>(Level::info)};
  std::atomic<bool> json{false};
  Mutex mutex;
  std::function<void(std::string_view)> sink GUARDED_BY(mutex);
};

// The one piece of state that is the process's own, as standard error is. Never destroyed: threads that outlive main's
// statics may still log.
Log& process_log() {
  static Log* log = new Log;
  return *log;
}

// One write a line, so that lines of several threads and processes do not mix. What cannot be written is lost: there is
// nowhere to report it, and waiting would stop the server for its log.
void write_line(std::string_view line) {
  while (!line.empty()) {
    ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return;
    }
    line.remove_prefix(static_cast<size_t>(written));
  }
}

void write_out(Log& log, const std::string& line) {
  MutexLock lock(log.mutex);
  if (log.sink) {
    log.sink(line);
  } else {
    write_line(line);
  }
}

// JSON's escapes, and beyond them what a terminal would obey: DEL and the C1 controls U+0080 to U+009F.
void append_safe_quoted(std::string& out, std::string_view text) {
  std::string json;
  Json::append_quoted(json, text);
  constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < json.size(); ++i) {
    auto c = static_cast<unsigned char>(json[i]);
    bool c1 = c == 0xC2 && i + 1 < json.size() && static_cast<unsigned char>(json[i + 1]) < 0xA0;
    if (c1) c = static_cast<unsigned char>(json[++i]);
    if (c1 || c == 0x7F) {
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15u];
    } else {
      out += static_cast<char>(c);
    }
  }
}

bool is_bare(std::string_view text) {
  if (text.empty()) return false;
  for (char c : text) {
    bool plain = c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
    if (!plain) return false;
  }
  return true;
}

std::string cut(std::string_view text) {
  if (text.size() <= kLogValueBytesMax) return std::string(text);
  size_t end = kLogValueBytesMax;
  while (end > kLogValueBytesMax - 4 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  return std::string(text.substr(0, end)) + "… (" + std::to_string(text.size()) + " bytes)";
}

// Containers are written as their JSON text; they may be large, so they are cut like any other.
std::string value_text(const Json& value) {
  return cut(value.is_string() ? value.as_string() : value.dump());
}

void append_field(std::string& out, bool json, std::string_view key, const Json& value) {
  bool is_text = value.is_string() || value.is_array() || value.is_object();
  if (json) {
    if (!out.empty()) out += ',';
    append_safe_quoted(out, key);
    out += ':';
    if (is_text) {
      append_safe_quoted(out, value_text(value));
    } else {
      out += value.dump();
    }
    return;
  }
  if (!out.empty()) out += ' ';
  out += is_bare(key) ? std::string(key) : "key";
  out += '=';
  std::string text = value_text(value);
  if (is_bare(text)) {
    out += text;
  } else {
    append_safe_quoted(out, text);
  }
}

}  // namespace

const char* level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

Result<Level> parse_level(std::string_view name) {
  for (Level level : {Level::debug, Level::info, Level::warn, Level::error}) {
    if (name == level_name(level)) return level;
  }
  return Error(Code::invalid, shown(name) + " is no log level", "write debug, info, warn or error");
}

std::string log_line(bool json, int64_t micros, Level level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  std::string body;
  append_field(body, json, "time", format_timestamp(micros));
  append_field(body, json, "level", level_name(level));
  append_field(body, json, "event", event);
  for (const auto& [key, value] : fields) append_field(body, json, key, value);
  return json ? "{" + body + "}\n" : body + "\n";
}

bool log_enabled(Level level) noexcept {
  return static_cast<int>(level) >= process_log().level.load(std::memory_order_relaxed);
}

void log_event(Level level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!log_enabled(level)) return;
  auto now = std::chrono::system_clock::now().time_since_epoch();
  int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  Log& log = process_log();
  std::string line = log_line(log.json.load(std::memory_order_relaxed), micros, level, event, fields);
  write_out(log, line);
}

void log_foreign(std::string_view line) {
  write_out(process_log(), std::string(line) + '\n');
}

void set_log(LogSettings settings) {
  Log& log = process_log();
  MutexLock lock(log.mutex);
  log.level.store(static_cast<int>(settings.level), std::memory_order_relaxed);
  log.json.store(settings.json, std::memory_order_relaxed);
  log.sink = std::move(settings.sink);
}

std::optional<int64_t> LogLimit::admit(int64_t steady_micros) {
  MutexLock lock(mutex_);
  if (!started_ || steady_micros - window_start_ >= interval_.micros) {
    started_ = true;
    window_start_ = steady_micros;
    admitted_ = 0;
  }
  if (admitted_ >= burst_) {
    ++skipped_;
    return std::nullopt;
  }
  ++admitted_;
  return std::exchange(skipped_, 0);
}

}  // namespace weir
