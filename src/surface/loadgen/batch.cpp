#include "surface/loadgen/batch.h"

namespace weir::loadgen {
namespace {

void append_uuid(std::string& out, std::string_view name, const Uuid& id) {
  char text[kUuidTextBytes];
  format_uuid(id, text);
  out += '"';
  out += name;
  out += "\":\"";
  out.append(text, sizeof text);
  out += "\",";
}

}  // namespace

void append_record(Batch& batch, const Action& action, WallTime occurred_at, bool malformed) {
  std::string& out = batch.body;
  if (batch.records.empty()) {
    batch.kind = action.kind;
    out = action.kind == Action::Kind::impression ? "{\"impressions\":[{" : "{\"clicks\":[{";
  } else {
    out += ",{";
  }
  append_uuid(out, "impression_id", action.impression);
  if (action.kind == Action::Kind::click) append_uuid(out, "click_id", action.id);
  if (!malformed) append_uuid(out, "ad_id", action.ad);
  // The seed's form: YYYY-MM-DD HH:MM:SS.mmm
  std::string time = format_timestamp(occurred_at.micros);
  time[10] = ' ';
  time.resize(23);
  out += "\"occurred_at\":\"";
  out += time;
  out += "\"}";
  batch.records.push_back({action.kind, action.id, false, malformed});
}

std::string finished_body(Batch& batch) {
  batch.body += "]}";
  return std::move(batch.body);
}

Result<std::vector<bool>> read_failed_flags(std::string_view reply) {
  constexpr std::string_view kFlag = "\"failed\":";
  std::vector<bool> out;
  if (reply.find("\"failed_count\"") == std::string_view::npos) {
    return Error(Code::invalid, "the reply has no failed_count: " + std::string(reply.substr(0, 200)));
  }
  for (size_t at = reply.find(kFlag); at != std::string_view::npos; at = reply.find(kFlag, at)) {
    at += kFlag.size();
    while (at < reply.size() && reply[at] == ' ') ++at;
    if (at >= reply.size()) break;
    out.push_back(reply[at] == 't');
  }
  return out;
}

Result<Target> parse_target(std::string_view base_url) {
  constexpr std::string_view kHttp = "http://";
  if (!base_url.starts_with(kHttp)) {
    return Error(Code::unsupported, "BaseURL '" + std::string(base_url) + "' does not begin with http://",
                 "the load generator speaks plain HTTP; put a TLS proxy's plain side here");
  }
  std::string_view rest = base_url.substr(kHttp.size());
  const size_t slash = std::min(rest.find('/'), rest.size());
  Target out;
  out.prefix = std::string(rest.substr(slash));
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  std::string_view authority = rest.substr(0, slash);
  const size_t colon = authority.rfind(':');
  out.host = std::string(authority.substr(0, colon));
  out.port = colon == std::string_view::npos ? "80" : std::string(authority.substr(colon + 1));
  if (out.host.empty() || out.port.empty())
    return Error(Code::invalid, "BaseURL '" + std::string(base_url) + "' names no host");
  return out;
}

}  // namespace weir::loadgen
