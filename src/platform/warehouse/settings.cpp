#include "platform/warehouse/settings.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/text.h"

namespace weir::warehouse {
namespace {

enum class Kind { text, truth, number, read_only, duration };
struct Known {
  std::string_view name, value;
  Kind kind = Kind::text;
  bool is_reported = false;
};

// In PostgreSQL's spelling of the name where that is shown.
constexpr std::array<Known, 58> kKnown = {{
    {"analyze_threshold_percent", "10", Kind::number},
    {"application_name", "", Kind::text, true},
    {"bytea_output", "hex"},
    {"check_function_bodies", "on", Kind::truth},
    {"client_encoding", "UTF8", Kind::text, true},
    {"client_min_messages", "notice"},
    {"datestyle", "ISO, MDY", Kind::text, true},
    {"default_transaction_isolation", "serializable"},
    {"default_transaction_read_only", "off", Kind::truth},
    {"describe_field_name_in_uppercase", "off", Kind::truth},
    {"downcase_delimited_identifier", "on", Kind::truth},
    {"enable_case_sensitive_identifier", "off", Kind::truth},
    {"enable_case_sensitive_super_attribute", "off", Kind::truth},
    {"enable_numeric_rounding", "on", Kind::truth},
    {"enable_result_cache_for_session", "on", Kind::truth},
    {"enable_vacuum_boost", "off", Kind::truth},
    {"error_on_nondeterministic_update", "off", Kind::truth},
    {"extra_float_digits", "1", Kind::number},
    {"idle_in_transaction_session_timeout", "0", Kind::duration},
    {"integer_datetimes", "on", Kind::read_only, true},
    {"interval_forbid_composite_literals", "on", Kind::truth},
    {"intervalstyle", "postgres", Kind::text, true},
    {"is_superuser", "off", Kind::read_only, true},
    {"json_parse_dedup_attributes", "off", Kind::truth},
    {"json_parse_truncate_strings", "off", Kind::truth},
    {"json_serialization_enable", "off", Kind::truth},
    {"json_serialization_parse_nested_strings", "off", Kind::truth},
    {"lc_collate", "C", Kind::read_only},
    {"lc_ctype", "C", Kind::read_only},
    {"lc_messages", "C"},
    {"lc_monetary", "C"},
    {"lc_numeric", "C"},
    {"lc_time", "C"},
    {"lock_timeout", "0", Kind::duration},
    {"max_concurrency_scaling_clusters", "1", Kind::number},
    {"max_cursor_result_set_size", "0", Kind::number},
    {"max_identifier_length", "127", Kind::read_only},
    {"mv_enable_aqmv_for_session", "on", Kind::truth},
    {"navigate_super_null_on_error", "on", Kind::truth},
    {"parse_super_null_on_error", "off", Kind::truth},
    {"query_group", "default"},
    {"readonly", "off", Kind::truth},
    {"role", "none", Kind::read_only},
    {"row_security", "on", Kind::truth},
    {"search_path", "\"$user\", public"},
    {"server_encoding", "UTF8", Kind::read_only, true},
    {"server_version", "15.0", Kind::read_only, true},
    {"server_version_num", "150000", Kind::read_only},
    {"session_authorization", "", Kind::read_only, true},
    {"standard_conforming_strings", "on", Kind::truth, true},
    {"statement_timeout", "0", Kind::duration},
    {"synchronous_commit", "on"},
    {"synchronize_seqscans", "on", Kind::truth},
    {"timezone", "UTC", Kind::text, true},
    {"transaction_isolation", "serializable"},
    {"transaction_read_only", "off", Kind::truth},
    {"use_fips_ssl", "off", Kind::truth},
    {"wlm_query_slot_count", "1", Kind::number},
}};

const Known* known(std::string_view name) {
  const auto found = std::lower_bound(kKnown.begin(), kKnown.end(), name,
                                      [](const Known& one, std::string_view wanted) { return one.name < wanted; });
  return found != kKnown.end() && found->name == name ? &*found : nullptr;
}

Error wrong(std::string_view name, const std::string& value, std::string_view expected) {
  Error out(Code::invalid, "setting " + std::string(name) + " cannot be \"" + value + "\"",
            "expected " + std::string(expected));
  out.sqlstate = "22023";
  return out;
}

std::optional<bool> truth_of(std::string_view text) {
  const std::string lower = to_lower(text);
  for (const char* yes : {"on", "true", "t", "yes", "y", "1"}) {
    if (lower == yes) return true;
  }
  for (const char* no : {"off", "false", "f", "no", "n", "0"}) {
    if (lower == no) return false;
  }
  return std::nullopt;
}

// "500", "500ms", "5s", "2min", "1h"; without a unit it is milliseconds.
std::optional<int64_t> milliseconds_of(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < 0 || value > 2147483647.0) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(stop - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  double factor = 0;
  if (unit.empty() || unit == "ms") factor = 1;
  if (unit == "s") factor = 1e3;
  if (unit == "min") factor = 60e3;
  if (unit == "h") factor = 3600e3;
  if (unit == "d") factor = 86400e3;
  if (factor == 0 || value * factor > 2147483647.0) return std::nullopt;
  return static_cast<int64_t>(value * factor);
}

}  // namespace

Settings::Settings(Profile profile, std::string_view user) : profile_(profile), user_(user) {
  for (const Known& one : kKnown) values_.emplace(one.name, one.value);
  values_["session_authorization"] = user_;
  if (profile_ == Profile::redshift) {
    values_["server_version"] = "8.0.2";
    values_["server_version_num"] = "80002";
    values_["extra_float_digits"] = "0";
    values_["server_encoding"] = "UNICODE";
    values_["standard_conforming_strings"] = "off";
  }
}

Result<Settings::Change> Settings::set(std::string_view given_name, const std::optional<std::string>& given) {
  Change out{.name = to_lower(given_name), .value = {}};
  if (out.name.size() > 127) return wrong("name", out.name, "a name of up to 127 bytes");
  const Known* one = known(out.name);
  out.is_known = one != nullptr || out.name.find('.') != std::string::npos;
  if (one == nullptr) {
    if (values_.size() > 1'000) {
      return Error(Code::too_large, "a session keeps no more than 1000 settings");
    }
    out.value = given.value_or("");
    if (out.value.size() > 64'000) return wrong(out.name, out.value.substr(0, 100) + "…", "up to 64000 bytes");
    if (given) {
      values_[out.name] = out.value;
    } else {
      values_.erase(out.name);
    }
    return out;
  }
  out.is_reported = one->is_reported;
  if (one->kind == Kind::read_only) {
    Error error(Code::invalid, "setting " + out.name + " cannot be changed");
    error.sqlstate = "55P02";
    return error;
  }
  if (!given) {
    out.value = Settings(profile_, user_).values_.at(out.name);
    values_[out.name] = out.value;
    return out;
  }
  if (given->size() > 64'000) return wrong(out.name, given->substr(0, 100) + "…", "up to 64000 bytes");
  if (one->kind == Kind::truth) {
    const std::optional<bool> value = truth_of(*given);
    if (!value) return wrong(out.name, *given, "on or off");
    out.value = *value ? "on" : "off";
  } else if (one->kind == Kind::number) {
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(given->data(), given->data() + given->size(), value);
    if (error != std::errc() || stop != given->data() + given->size()) return wrong(out.name, *given, "a number");
    out.value = std::to_string(value);
  } else if (one->kind == Kind::duration) {
    const std::optional<int64_t> value = milliseconds_of(*given);
    if (!value) return wrong(out.name, *given, "milliseconds, or a number with ms, s, min, h or d");
    out.value = std::to_string(*value);
  } else if (out.name == "client_encoding") {
    std::string upper;
    for (const char c : *given) {
      if (c != '-' && c != '_' && c != '\'') upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    if (upper != "UTF8" && upper != "UNICODE" && upper != "SQLASCII") return wrong(out.name, *given, "UTF8");
    out.value = "UTF8";
  } else if (out.name == "datestyle") {
    if (to_lower(*given).find("iso") == std::string::npos && !to_lower(*given).starts_with("ymd") &&
        !to_lower(*given).starts_with("mdy") && !to_lower(*given).starts_with("dmy")) {
      return wrong(out.name, *given, "ISO; others are not supported");
    }
    out.value = "ISO, MDY";
  } else if (out.name == "intervalstyle") {
    if (to_lower(*given) != "postgres") return wrong(out.name, *given, "postgres; others are not supported");
    out.value = "postgres";
  } else {
    out.value = *given;
  }
  values_[out.name] = out.value;
  return out;
}

std::vector<Settings::Change> Settings::reset_all() {
  const std::map<std::string, std::string> before = std::move(values_);
  values_ = Settings(profile_, user_).values_;
  std::vector<Change> out;
  for (const auto& [name, value] : values_) {
    const auto was = before.find(name);
    const Known* one = known(name);
    if (one != nullptr && one->kind == Kind::read_only && was != before.end()) values_[name] = was->second;
    if (was != before.end() && was->second != values_[name]) {
      out.push_back({name, value, true, one != nullptr && one->is_reported});
    }
  }
  return out;
}

std::optional<std::string> Settings::find(std::string_view name) const {
  const auto found = values_.find(to_lower(name));
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<Duration> Settings::statement_timeout() const {
  const int64_t value = std::stoll(values_.at("statement_timeout"));
  if (value == 0) return std::nullopt;
  return milliseconds(value);
}

std::vector<std::string> Settings::search_path() const {
  std::vector<std::string> out;
  const std::string& text = values_.at("search_path");
  std::string word;
  bool is_quoted = false, was_quoted = false;
  const auto add = [&] {
    if (word == "$user") word = user_;
    if (!word.empty() || was_quoted) out.push_back(word);
    word.clear();
    was_quoted = false;
  };
  for (const char c : text) {
    if (c == '"') {
      is_quoted = !is_quoted;
      was_quoted = true;
    } else if (!is_quoted && c == ',') {
      add();
    } else if (is_quoted || (c != ' ' && c != '\t' && c != '\n' && c != '\'')) {
      word += !is_quoted && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  add();
  return out;
}

}  // namespace weir::warehouse
