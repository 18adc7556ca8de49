#include "platform/flow/declaration_json.h"

#include "core/base/text.h"

namespace weir::flow {

Json texts_json(const std::vector<std::string>& texts) {
  Json out(Json::Array{});
  for (const std::string& text : texts) out.push(text);
  return out;
}

Json text_map_json(const std::map<std::string, std::string>& texts) {
  Json out(Json::Object{});
  for (const auto& [key, value] : texts) out.set(key, value);
  return out;
}

Json duration_json(const std::optional<Duration>& duration) {
  return duration ? Json(format_duration(*duration)) : Json();
}

Status check_format(const Json& json, std::string_view kind, int newest) {
  const Json& format = json["format"];
  if (!format.is_integer() || format.as_int() < 1) {
    return Error(Code::corrupt, "the kept declaration of a " + std::string(kind) + " does not read: it has no format");
  }
  if (format.as_int() <= newest) return {};
  return Error(Code::unsupported,
               "the " + std::string(kind) + " " + shown(json["name"].as_string()) + " is kept in format " +
                   std::to_string(format.as_int()) + ", this weir knows up to " + std::to_string(newest),
               "it was written by a newer weir: start that one");
}

}  // namespace weir::flow
