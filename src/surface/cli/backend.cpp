#include "surface/cli/backend.h"

#include "surface/errors/errors.h"

namespace weir::cli {

Error error_of_json(const Json& said) {
  Error out(Code::internal, said["message"].as_string(), said["hint"].as_string());
  for (int i = 0; i < kCodeCount; ++i) {
    if (said["code"].as_string() == code_name(static_cast<Code>(i))) out.code = static_cast<Code>(i);
  }
  const Json& where = said["position"];
  if (where.is_object()) {
    out.at({where["file"].as_string(), static_cast<int>(where["line"].as_int()),
            static_cast<int>(where["column"].as_int())});
  }
  return out;
}

Error error_of(const ApiResponse& response) {
  auto body = Json::parse(response.body);
  if (!body || !(*body)["error"].is_object()) {
    return Error(Code::unavailable,
                 "the server answered status " + std::to_string(response.status) + " without saying why");
  }
  return error_of_json((*body)["error"]);
}

std::string url_encode(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                            (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
    if (unreserved) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Result<Json> call_json(Backend& backend, const ApiRequest& request) {
  TRY_ASSIGN(ApiResponse response, backend.call(request));
  if (response.status >= 400) return error_of(response);
  if (response.body.empty()) return Json();
  return Json::parse(response.body, 1ull << 30);
}

}  // namespace weir::cli
