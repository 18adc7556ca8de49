// A channel as it is declared in alerts/*.yaml: where findings go. Read from YAML, kept as JSON; pure functions and
// values.
//
//   channels:
//     hook: {kind: webhook, url: "https://chat.example/hooks/${secret:HOOK}"}
//     mail: {kind: mail, server: "smtp://mail.example:587", from: weir@shop.example, to: [oncall@shop.example],
//            user: weir, password: "${secret:SMTP}"}
//     chat: {kind: slack, url: "https://chat.example/services/${secret:CHAT}"}
//     pager: {kind: command, command: [/usr/local/bin/page, oncall]}      one of the setting notify.commands
//     journal: {kind: file, path: notices/all.jsonl}                      in the project's folder
//
// `log` and `page` are always there, and need no declaration.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/yaml_reader.h"

namespace weir::notify {

inline constexpr std::string_view kLogChannel = "log", kPageChannel = "page";
inline constexpr size_t kChannelsMax = 16;  // of one file
inline constexpr size_t kHeadersMax = 16;

inline constexpr size_t kArgumentsMax = 32;
inline constexpr Duration kRetryForMax = days(14);

enum class ChannelKind { webhook, mail, slack, command, file };
const std::vector<std::pair<std::string, ChannelKind>>& channel_words();

// Text that may hold `${secret:NAME}`: then it is as written, and filled in where it is used.
struct SecretWords {
  std::string text;
  bool secret = false;
  friend bool operator==(const SecretWords&, const SecretWords&) = default;
};

struct Channel {
  std::string name;
  ChannelKind kind = ChannelKind::webhook;
  SecretWords url;                             // webhook, slack: http:// or https://
  std::map<std::string, SecretWords> headers;  // webhook
  SecretWords sign;                            // webhook: the secret of its Weir-Signature; empty: without
  std::vector<std::string> command;            // command: the program and its arguments
  std::string path;                            // file: relative to the project's folder
  std::string server;                          // mail: smtp:// or smtps://
  std::string from;
  std::vector<std::string> to;
  SecretWords user, password;
  bool tls = true;
  std::string ca_file;  // trust these certificates instead of the system's
  Duration time_limit = seconds(10);
  // After a failure that may be better later: so long before the second attempt, doubled each time up to the most, for
  // so long after it was put into the outbox.
  Duration retry_wait = seconds(1), retry_wait_max = minutes(5), retry_for = days(3);
  friend bool operator==(const Channel&, const Channel&) = default;
};

// The mapping `channels` of a file; mistakes go to the reader.
std::vector<Channel> read_channels(YamlSection& in);
Json channel_schema();  // of one
Json to_json(const Channel& channel);
// `wrong` gets the first thing that is not as to_json() wrote it.
Channel channel_from_json(const Json& json, std::string& wrong);

// Fills in secrets; every value that was filled in is added to `secrets`.
Result<std::string> fill_in(const SecretWords& words,
                            const std::function<Result<std::string>(std::string_view name)>& secret,
                            std::vector<std::string>& secrets);

}  // namespace weir::notify
