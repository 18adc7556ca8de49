// The settings of the spine: what weir.yaml understands in this version. Values that name a thing which is not built
// yet are understood and answered with `unsupported`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/project/settings.h"

namespace weir::project {

SettingTable spine_settings();

struct Address {
  std::string host;  // "127.0.0.1", "::1", "localhost"
  uint16_t port = 0;
};
// "127.0.0.1:8480", "[::1]:8480", "localhost:0".
Result<Address> parse_address(std::string_view text);
// Of a setting that holds an address without its port: "127.0.0.1", "::1".
Status check_host(const SettingValue& value);
bool is_loopback(const Address& address);
// "http://127.0.0.1:8480"; off loopback listeners speak TLS only: "https://[2001:db8::1]:8480".
std::string url_of(const Address& address);

}  // namespace weir::project
