// The settings of a session: SET, SHOW, RESET, and what drivers send at the start.
//
// Those that change something here are checked; those that only clients look at, or that tune what this engine has not,
// are kept and shown. A name that nobody knows is kept too, with a warning, as drivers send names of their own; one
// with a dot in it belongs to an extension and is kept in silence. Sources: PostgreSQL 15, "Server Configuration";
// Redshift, "Configuration reference" (cm_chap_ConfigurationRef). Internal to platform/warehouse; used by one thread,
// copies are immutable.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "platform/warehouse/session.h"

namespace weir::warehouse {

class Settings {
 public:
  Settings(Profile profile, std::string_view user);

  struct Change {
    std::string name, value;
    bool is_known = true;
    bool is_reported = false;  // told to the client
  };
  // No value: the default.
  Result<Change> set(std::string_view name, const std::optional<std::string>& value);
  std::vector<Change> reset_all();
  std::optional<std::string> find(std::string_view name) const;  // as SHOW shows it
  const std::map<std::string, std::string>& all() const { return values_; }

  std::optional<Duration> statement_timeout() const;  // nothing: 0, no limit of its own
  std::vector<std::string> search_path() const;       // "$user" resolved

 private:
  Profile profile_;
  std::string user_;
  std::map<std::string, std::string> values_;
};

}  // namespace weir::warehouse
