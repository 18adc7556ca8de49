// What happened, one event a line on standard error, for a person with grep and for a program with JSON.
//
//   log_event(Level::warn, "journal.segment_poisoned", {{"segment", 12}, {"reason", error.message}});
//   time=2023-01-31T23:59:59.123456Z level=warn event=journal.segment_poisoned segment=12 reason="fdatasync: EIO"
//
// Names are room.what_happened, keys snake_case, units last. Values are escaped and cut so that whatever a stranger
// sent stays inside its line. Any thread; each line is one write. The process has one log: rooms report through metrics
// and results first, and log what a person on call must read. Never a secret, never an event's payload.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/guarded.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace weir {

enum class Level { debug, info, warn, error };
const char* level_name(Level level);
Result<Level> parse_level(std::string_view name);

using LogField = std::pair<std::string_view, Json>;

void log_event(Level level, std::string_view event, std::initializer_list<LogField> fields = {});
// A line in a format that another program asks for, as it is; a line break is added.
void log_foreign(std::string_view line);
bool log_enabled(Level level) noexcept;  // before costly fields

struct LogSettings {
  Level level = Level::info;
  bool json = false;  // JSON lines instead of logfmt
  // Takes each finished line, with its line break, instead of standard error; called under a lock. For tests and the
  // shell.
  std::function<void(std::string_view line)> sink;
};
void set_log(LogSettings settings);

// The line itself, without a clock: what log_event writes. A value is cut after kLogValueBytesMax bytes.
inline constexpr size_t kLogValueBytesMax = 4096;
std::string log_line(bool json, int64_t micros, Level level, std::string_view event,
                     std::initializer_list<LogField> fields);

// Keeps an event that may happen a million times a second from filling the disk: at most `burst` in each `interval`.
//
//   if (auto skipped = limit_.admit(clock_.steady_micros())) log_event(…, {{"skipped", *skipped}});
class LogLimit {
 public:
  explicit LogLimit(int64_t burst = 5, Duration interval = seconds(10)) : burst_(burst), interval_(interval) {}
  // Nothing: do not log. Otherwise how many were kept back since the last one that was admitted.
  std::optional<int64_t> admit(int64_t steady_micros);

 private:
  const int64_t burst_;
  const Duration interval_;
  Mutex mutex_;
  int64_t window_start_ GUARDED_BY(mutex_) = 0;
  int64_t admitted_ GUARDED_BY(mutex_) = 0;
  int64_t skipped_ GUARDED_BY(mutex_) = 0;
  bool started_ GUARDED_BY(mutex_) = false;
};

}  // namespace weir
