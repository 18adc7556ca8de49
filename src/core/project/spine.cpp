#include "core/project/spine.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"

namespace weir::project {
namespace {

using Texts = std::vector<std::string>;

Status check_scheme(const SettingValue& value, std::string_view built, const std::vector<std::string>& unbuilt,
                    std::string_view what) {
  const std::string& text = std::get<std::string>(value);
  if (text == built) return {};
  for (const std::string& scheme : unbuilt) {
    if (text.starts_with(scheme + "://")) {
      return Error(Code::unsupported, std::string(what) + " at " + scheme + ":// is not built into this version",
                   "use " + std::string(built) + ", the only one so far");
    }
  }
  return Error(Code::invalid, shown(text) + " is no " + std::string(what), "use " + std::string(built));
}

Status check_store(const SettingValue& value) {
  const std::string& text = std::get<std::string>(value);
  if (text.starts_with("s3://")) {
    return Error(Code::unsupported, "a store on S3 is not built into this version",
                 "give a local folder, for example .weir/store");
  }
  if (text.empty() || text.find("://") != std::string::npos) {
    return Error(Code::invalid, shown(text) + " is no folder", "give a local folder, for example .weir/store");
  }
  return {};
}

Status check_mounts(const SettingValue& value) {
  const auto& mounts = std::get<Texts>(value);
  if (mounts.empty() || mounts.size() > 16) return Error(Code::invalid, "expected 1 to 16 mount paths");
  for (const std::string& mount : mounts) {
    const bool plain = mount.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/") ==
                       std::string::npos;
    const bool shaped =
        mount.empty() || (mount.front() == '/' && mount.back() != '/' && mount.find("//") == std::string::npos);
    if (plain && shaped) continue;
    return Error(Code::invalid, shown(mount) + " is no mount path",
                 "write /Prod, or \"\" for none; no slash at the end");
  }
  return {};
}

bool is_host_port(std::string_view text) {
  return !text.empty() && text.size() <= 262 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]_") ==
             std::string_view::npos;
}

Status check_hosts(const SettingValue& value) {
  for (const std::string& host : std::get<Texts>(value)) {
    if (!is_host_port(host))
      return Error(Code::invalid, shown(host) + " is no host name", "write shop.example, or shop.example:8480");
  }
  return {};
}

Status check_origins(const SettingValue& value) {
  for (const std::string& origin : std::get<Texts>(value)) {
    const size_t scheme = origin.starts_with("https://") ? 8 : origin.starts_with("http://") ? 7 : 0;
    if (scheme > 0 && is_host_port(std::string_view(origin).substr(scheme))) continue;
    return Error(Code::invalid, shown(origin) + " is no origin", "write https://shop.example, without a path");
  }
  return {};
}

Status check_name(const SettingValue& value) {
  const std::string& name = std::get<std::string>(value);
  const bool plain =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._ ") == std::string::npos;
  if (name.size() <= 63 && plain) return {};
  return Error(Code::invalid, shown(name) + " is no name of a project", "up to 63 letters, digits, spaces and - . _");
}

Status check_address(const SettingValue& value) {
  TRY(parse_address(std::get<std::string>(value)));
  return {};
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const Error wrong(Code::invalid, shown(text) + " is no address",
                    "write HOST:PORT, for example 127.0.0.1:8480 or [::1]:8480");
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return wrong;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find_first_of(":[]") != std::string_view::npos) return wrong;
  if (!is_host_port(host)) return wrong;
  Address address{std::string(host), 0};
  const auto parsed = std::from_chars(port_text.data(), port_text.data() + port_text.size(), address.port);
  if (port_text.empty() || parsed.ec != std::errc() || parsed.ptr != port_text.data() + port_text.size()) return wrong;
  return address;
}

Status check_host(const SettingValue& value) {
  const std::string& text = std::get<std::string>(value);
  if (parse_address((text.find(':') == std::string::npos ? text : "[" + text + "]") + ":1")) return {};
  return Error(Code::invalid, shown(text) + " is no address", "write an IP address, for example 127.0.0.1 or ::1");
}

bool is_loopback(const Address& address) {
  if (address.host == "localhost" || address.host == "::1") return true;
  const auto parts = split(address.host, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  for (std::string_view part : parts) {
    uint8_t byte = 0;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), byte);
    if (part.empty() || parsed.ec != std::errc() || parsed.ptr != part.data() + part.size()) return false;
  }
  return true;
}

std::string url_of(const Address& address) {
  const bool is_six = address.host.find(':') != std::string::npos;
  return (is_loopback(address) ? "http://" : "https://") + (is_six ? "[" + address.host + "]" : address.host) + ":" +
         std::to_string(address.port);
}

namespace {

using enum SettingType;

Status check_engine(const SettingValue& value) {
  return check_scheme(value, "duckdb", {"redshift", "postgres", "postgresql"}, "engine");
}

Status check_commands(const SettingValue& value) {
  for (const std::string& program : std::get<Texts>(value)) {
    if (!program.empty() && program.find('\0') == std::string::npos) continue;
    return Error(Code::invalid, "an empty text is no program");
  }
  return {};
}

Status check_public_url(const SettingValue& value) {
  const std::string& url = std::get<std::string>(value);
  const bool is_plain = std::all_of(url.begin(), url.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("<>\"'?#").find(c) == std::string_view::npos;
  });
  const bool is_web = url.starts_with("https://") || url.starts_with("http://");
  if (url.empty() || (is_plain && is_web && !url.ends_with('/'))) return {};
  return Error(Code::invalid, "\"" + url + "\" is no address of a server", "for example https://weir.example");
}

Status check_journal(const SettingValue& value) {
  return check_scheme(value, "local", {"nats", "jetstream", "kafka"}, "journal");
}

SettingTable project_settings() {
  return {
      {.name = "name",
       .type = text,
       .otherwise = "",
       .prose = "What pages and logs call this project. Empty: the folder's name.",
       .example = "shop",
       .needs_restart = true,
       .check = check_name},
      {.name = "store",
       .type = text,
       .otherwise = ".weir/store",
       .prose = "Where archive and lake files lie: a local folder, relative to the project's. s3:// is understood and "
                "not built yet.",
       .example = ".weir/store",
       .fixed_because = "the files that the catalog lists lie in the old folder",
       .check = check_store},
      {.name = "engine.url",
       .type = text,
       .otherwise = "duckdb",
       .prose = "The SQL engine. `duckdb` is inside the program; Redshift and PostgreSQL URLs are understood and not "
                "built yet. `engine: duckdb` is short for it.",
       .example = "duckdb",
       .fixed_because = "tables of the engine would be left behind",
       .check = check_engine},
      {.name = "engine.threads",
       .type = integer,
       .otherwise = 0,
       .prose = "Threads of the engine for all statements together. 0: one less than the machine has cores.",
       .example = "4",
       .min = "0",
       .max = "1024"},
  };
}

SettingTable journal_settings() {
  return {
      {.name = "journal.url",
       .type = text,
       .otherwise = "local",
       .prose = "The journal. `local` is a folder of segments; nats:// and kafka:// are understood and not built yet. "
                "`journal: local` is short for it.",
       .example = "local",
       .fixed_because = "records that are not in the lake yet would be left behind",
       .check = check_journal},
      {.name = "journal.segment_bytes",
       .type = size,
       .otherwise = "64MiB",
       .prose = "Size of one segment, written with zeros ahead of use.",
       .example = "64MiB",
       .min = "4MiB",
       .max = "1GiB"},
      {.name = "journal.gather_max",
       .type = duration,
       .otherwise = "2ms",
       .prose = "How long a small group of records may wait for company before it is synced.",
       .example = "2ms",
       .min = "0us",
       .max = "100ms"},
  };
}

SettingTable http_settings() {
  return {
      {.name = "listeners.http",
       .type = text,
       .otherwise = "127.0.0.1:8480",
       .prose =
           "Address of the HTTP interface. Off loopback it needs `tls.certificate`, and clients that are not on this "
           "machine need TLS. Port 0 takes any free one.",
       .example = "127.0.0.1:8480",
       .check = check_address},
      {.name = "http.mounts",
       .type = texts,
       .otherwise = Json::Array{"", "/Prod"},
       .prose = "Paths under which beacons and endpoints answer; \"\" is the root.",
       .example = "[\"\", /Prod]",
       .check = check_mounts},
      {.name = "http.hosts",
       .type = texts,
       .otherwise = Json::Array{},
       .prose = "Names in the Host header that are taken besides loopback's own.",
       .example = "[shop.example]",
       .check = check_hosts},
      {.name = "http.origins",
       .type = texts,
       .otherwise = Json::Array{},
       .prose = "Origins whose pages may use the interface besides the server's own. Event routes follow each stream's "
                "`cors`.",
       .example = "[https://shop.example]",
       .check = check_origins},
  };
}

SettingTable tls_settings() {
  return {
      {.name = "tls.certificate",
       .type = text,
       .otherwise = "",
       .prose = "The certificate of all listeners in PEM form, followed by those that vouch for it; relative to the "
                "project. It is read again when it changes. Empty: one that vouches for itself, in `.weir/tls`, for "
                "loopback only.",
       .example = "tls/weir.pem"},
      {.name = "tls.key",
       .type = text,
       .otherwise = "",
       .prose = "The certificate's key, in PEM form and without a passphrase.",
       .example = "tls/weir.key"},
  };
}

SettingTable lake_settings() {
  return {
      {.name = "lake.commit_interval",
       .type = duration,
       .otherwise = "10s",
       .prose = "A record waits at most this long for its file in the lake; SQL sees it before.",
       .example = "10s",
       .min = "100ms",
       .max = "1h"},
      {.name = "lake.commit_bytes",
       .type = size,
       .otherwise = "32MiB",
       .prose = "Or until so much waits.",
       .example = "32MiB",
       .min = "64KiB",
       .max = "4GiB"},
      {.name = "lake.compact_files",
       .type = integer,
       .otherwise = "16",
       .prose = "So many small files of about one size in a partition are merged by themselves; 0 never merges, and "
                "leaves it to `weir lake compact`.",
       .example = "16",
       .min = "0",
       .max = "10000"},
      {.name = "lake.compact_bytes",
       .type = size,
       .otherwise = "128MiB",
       .prose = "Merged Parquet files grow to about this, archive files to a quarter of it.",
       .example = "128MiB",
       .min = "64KiB",
       .max = "4GiB"},
      {.name = "lake.replaced_keep",
       .type = duration,
       .otherwise = "24h",
       .prose = "A file that was merged into another one stays at least so long, for readers outside who work with an "
                "earlier manifest.",
       .example = "24h",
       .min = "0s",
       .max = "30d"},
      {.name = "lake.foreign",
       .type = texts,
       .otherwise = Json::Array{},
       .prose = "Folders of other systems' files that `weir etl` and `weir lake crawl` may read, besides the project's "
                "own.",
       .example = "[/data/delivered]"},
  };
}

SettingTable metrics_settings() {
  return {
      {.name = "metrics.every",
       .type = duration,
       .otherwise = "10s",
       .prose =
           "How often the program's metrics are sampled into `weir_metrics`. While nothing happens, every 5 minutes.",
       .example = "10s",
       .min = "1s",
       .max = "5m"},
      {.name = "metrics.retention",
       .type = duration,
       .otherwise = "30d",
       .prose = "How long `weir_metrics` is kept, in whole days.",
       .example = "30d",
       .min = "1d",
       .max = "3650d"},
      {.name = "metrics.series_max",
       .type = integer,
       .otherwise = 5'000,
       .prose = "Most series that have a history; `weir_history_series_left_out` counts the others.",
       .example = "5000",
       .min = "100",
       .max = "100000"},
      {.name = "metrics.emf",
       .type = choice,
       .otherwise = "off",
       .prose = "`log`: a line a stream and minute in CloudWatch's embedded metric format, in the log, for an agent "
                "that collects it.",
       .example = "log",
       .choices = {"off", "log"}},
  };
}

SettingTable capture_limits() {
  return {
      {.name = "limits.body_bytes",
       .type = size,
       .otherwise = "16MiB",
       .prose = "Largest body of a request with events, decoded.",
       .example = "16MiB",
       .min = "1KiB",
       .max = "256MiB"},
      {.name = "limits.record_bytes",
       .type = size,
       .otherwise = "1MiB",
       .prose = "Largest single event.",
       .example = "1MiB",
       .min = "256B",
       .max = "16MiB"},
      {.name = "limits.depth",
       .type = integer,
       .otherwise = 32,
       .prose = "How deep an event's objects and lists may nest.",
       .example = "32",
       .min = "2",
       .max = "128"},
      {.name = "limits.ratio",
       .type = number,
       .otherwise = 100,
       .prose = "How many times larger than sent a compressed body may become.",
       .example = "100",
       .min = "1",
       .max = "10000"},
      {.name = "limits.index_memory",
       .type = size,
       .otherwise = "176MiB",
       .prose = "Memory of the deduplication index. Less is slower, never wrong.",
       .example = "176MiB",
       .min = "16MiB",
       .max = "64GiB"},
      {.name = "limits.queued_bytes",
       .type = size,
       .otherwise = "32MiB",
       .prose = "Events that wait for the disk; beyond it senders are told to come back.",
       .example = "32MiB",
       .min = "1MiB",
       .max = "4GiB"},
  };
}

SettingTable sql_limits() {
  return {
      {.name = "limits.sql_time",
       .type = duration,
       .otherwise = "60s",
       .prose = "Longest statement.",
       .example = "60s",
       .min = "10ms",
       .max = "24h"},
      {.name = "limits.sql_memory",
       .type = size,
       .otherwise = "1GiB",
       .prose = "Memory of the engine for all statements together; what does not fit is spilled or refused.",
       .example = "1GiB",
       .min = "64MiB",
       .max = "4TiB"},
      {.name = "limits.sql_rows",
       .type = integer,
       .otherwise = 1'000'000,
       .prose = "Most rows of one JSON result; more is cut off and said so.",
       .example = "1000000",
       .min = "1",
       .max = "1000000000"},
      {.name = "limits.sql_concurrent",
       .type = integer,
       .otherwise = 2,
       .prose = "Statements that run at once; others wait their turn.",
       .example = "2",
       .min = "1",
       .max = "256"},
      {.name = "limits.sql_queue",
       .type = integer,
       .otherwise = 64,
       .prose = "Statements that may wait their turn; beyond it they are refused as busy.",
       .example = "64",
       .min = "0",
       .max = "10000"},
      {.name = "history.records",
       .type = integer,
       .otherwise = 10'000,
       .prose = "Statements that are remembered over a restart, with the same number of load errors, loaded files and "
                "sign-ins; the oldest go first.",
       .example = "100000",
       .min = "100",
       .max = "1000000",
       .needs_restart = true},
      {.name = "history.age",
       .type = duration,
       .otherwise = "30d",
       .prose = "How long they are remembered.",
       .example = "90d",
       .min = "1h",
       .max = "3650d",
       .needs_restart = true},
      {.name = "limits.endpoint_memory",
       .type = size,
       .otherwise = "32MiB",
       .prose = "Memory for the indexes of endpoints; what does not fit is read from their files.",
       .example = "32MiB",
       .min = "0B",
       .max = "64GiB",
       .needs_restart = true},
  };
}

SettingTable notify_settings() {
  return {
      {.name = "notify.commands",
       .type = texts,
       .otherwise = Json::Array{},
       .prose =
           "Programs that channels of kind `command` may run, written as the channels write them. None: such channels "
           "deliver nothing.",
       .example = "[/usr/local/bin/page]",
       .check = check_commands},
      {.name = "notify.url",
       .type = text,
       .otherwise = "",
       .prose = "The server's address as people reach it, for links in notices. Empty: where it listens.",
       .example = "https://weir.example",
       .check = check_public_url},
  };
}

SettingTable flow_settings() {
  return {
      {.name = "flows.parallel",
       .type = integer,
       .otherwise = 2,
       .prose = "Partitions and steps that all runs together compute at once.",
       .example = "4",
       .min = "1",
       .max = "64"},
      {.name = "flows.commands",
       .type = texts,
       .otherwise = Json::Array{},
       .prose =
           "Programs that `command:` steps of flows may run, written as the steps write them. None: such steps are "
           "refused.",
       .example = "[python3, /usr/local/bin/report]",
       .check = check_commands},
      {.name = "flows.command_time",
       .type = duration,
       .otherwise = "1h",
       .prose = "Longest command of a step; a step's own `time_limit` may be shorter.",
       .example = "1h",
       .min = "1s",
       .max = "7d"},
      {.name = "flows.command_cpu",
       .type = duration,
       .otherwise = "1h",
       .prose = "CPU time of each process of such a command.",
       .example = "1h",
       .min = "1s",
       .max = "7d"},
      {.name = "flows.command_memory",
       .type = size,
       .otherwise = "2GiB",
       .prose = "Address space of each process of such a command.",
       .example = "2GiB",
       .min = "64MiB",
       .max = "4TiB"},
  };
}

SettingTable log_settings() {
  return {
      {.name = "log.level",
       .type = choice,
       .otherwise = "info",
       .prose = "The least important line that is written.",
       .example = "info",
       .choices = {"debug", "info", "warn", "error"}},
      {.name = "log.format",
       .type = choice,
       .otherwise = "text",
       .prose = "Lines for people (`text`) or one JSON object a line (`json`).",
       .example = "json",
       .choices = {"text", "json"}},
  };
}

}  // namespace

SettingTable spine_settings() {
  SettingTable all;
  for (const auto& part : {project_settings, journal_settings, http_settings, tls_settings, lake_settings,
                           metrics_settings, capture_limits, sql_limits, notify_settings, flow_settings,
                           log_settings}) {
    for (Setting& setting : part()) all.push_back(std::move(setting));
  }
  return all;
}

}  // namespace weir::project
