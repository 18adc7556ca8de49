#include "platform/notify/channel.h"

#include <algorithm>

#include "core/base/json_shape.h"
#include "core/base/text.h"
#include "core/io/mail.h"

namespace weir::notify {
namespace {

constexpr std::string_view kOpening = "${secret:";
constexpr size_t kTextBytesMax = 4'096;

bool is_web_address(std::string_view url) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme)) return url.size() > scheme.size() && url.find_first_of(" \t\r\n") == std::string::npos;
  }
  return false;
}

bool is_header_name(std::string_view name) {
  constexpr std::string_view kAllowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !name.empty() && name.size() <= 100 && name.find_first_not_of(kAllowed) == std::string::npos;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Every `${…}` is one that can be filled in later.
bool has_only_secrets(std::string_view written) {
  for (size_t at = written.find("${"); at != std::string_view::npos; at = written.find("${", at + 2)) {
    if (!written.substr(at).starts_with(kOpening)) return false;
  }
  return true;
}

// The text as it may be stored; what `value` is, for checks, goes to `filled`.
bool read_words(YamlSection& in, std::string_view key, SecretWords& into, std::string& filled,
                Need need = Need::optional) {
  SecretText read;
  if (!in.secret_text(key, read, need)) return false;
  if (read.value.size() > kTextBytesMax || has_control(read.value)) {
    in.refuse(key, std::string(key) + " is longer than " + std::to_string(kTextBytesMax) +
                       " bytes, or holds control characters");
    return false;
  }
  if (read.secret && !has_only_secrets(read.written)) {
    in.refuse(key, std::string(key) + " mixes a secret with ${…} of another kind",
              "use ${secret:NAME} alone: it is filled in for each delivery");
    return false;
  }
  into = {read.secret ? read.written : read.value, read.secret};
  filled = std::move(read.value);
  return true;
}

void read_url(YamlSection& in, Channel& into) {
  std::string url;
  if (read_words(in, "url", into.url, url, required) && !is_web_address(url)) {
    in.refuse("url", "url is no web address", "for example https://chat.example/hooks/${secret:HOOK}");
  }
}

void read_webhook(YamlSection& in, Channel& into) {
  read_url(in, into);
  std::string filled;
  if (read_words(in, "sign", into.sign, filled) && !into.sign.secret) {
    in.refuse("sign", "a key does not stand in a file", "sign: \"${secret:NAME}\", and `weir secret set NAME`");
  }
  auto headers = in.section("headers", "the headers");
  if (!headers) return;
  if (headers->node().entries.size() > kHeadersMax) {
    in.refuse("headers", "more than " + std::to_string(kHeadersMax) + " headers");
    return;
  }
  for (const YamlEntry& entry : headers->node().entries) {
    std::string value;
    if (!is_header_name(entry.key)) {
      headers->refuse_at(entry.key_at, shown(entry.key) + " is no name of an HTTP header");
      (void)headers->value(entry.key);
      continue;
    }
    read_words(*headers, entry.key, into.headers[entry.key], value);
  }
}

void read_command(YamlSection& in, Channel& into) {
  if (!in.texts("command", into.command, required)) return;
  if (into.command.empty() || into.command.size() > kArgumentsMax || into.command.front().empty()) {
    in.refuse("command", "expected a program and its arguments, at most " + std::to_string(kArgumentsMax),
              "a list such as [/usr/local/bin/page, oncall]; there is no shell");
  }
  for (const std::string& argument : into.command) {
    if (argument.size() > kTextBytesMax || argument.find('\0') != std::string::npos) {
      in.refuse("command", "an argument is longer than " + std::to_string(kTextBytesMax) + " bytes, or holds a NUL");
    }
  }
}

// A path that stays in the folder by its words; that no link leads out of it is looked at when it is written.
void read_file_path(YamlSection& in, Channel& into) {
  if (!in.text("path", into.path, required)) return;
  bool is_inside = !into.path.empty() && into.path.size() <= kTextBytesMax && !has_control(into.path);
  for (const std::string_view part : split(into.path, '/')) {
    if (part.empty() || part.front() == '.') is_inside = false;
  }
  if (!is_inside || !(into.path.ends_with(".jsonl") || into.path.ends_with(".ndjson"))) {
    in.refuse("path", shown(into.path) + " is no file for lines of JSON in the project's folder",
              "a relative path without . and .. that ends in .jsonl, for example notices/all.jsonl");
  }
}

void read_retry(YamlSection& in, Channel& into) {
  in.duration("retry_wait", into.retry_wait, {milliseconds(10), hours(1)});
  in.duration("retry_wait_max", into.retry_wait_max, {milliseconds(10), days(1)});
  in.duration("retry_for", into.retry_for, {seconds(1), kRetryForMax});
  if (into.retry_wait > into.retry_wait_max) {
    in.refuse(in.has("retry_wait_max") ? "retry_wait_max" : "retry_wait", "retry_wait is longer than retry_wait_max");
  }
}

void read_mail(YamlSection& in, Channel& into) {
  if (in.text("server", into.server, required)) {
    if (const Status good = check_mail_server(into.server); !good) {
      in.refuse("server", good.error().message, good.error().hint);
    }
  }
  if (in.text("from", into.from, required)) {
    if (const Status good = check_mail_address(into.from); !good) {
      in.refuse("from", good.error().message, good.error().hint);
    }
  }
  if (in.texts("to", into.to)) {
    if (into.to.empty() || into.to.size() > kMailRecipientsMax) {
      in.refuse("to", "expected 1 to " + std::to_string(kMailRecipientsMax) + " addresses");
    }
    for (const std::string& to : into.to) {
      if (const Status good = check_mail_address(to); !good) in.refuse("to", good.error().message, good.error().hint);
    }
  }
  std::string filled;
  const bool has_user = read_words(in, "user", into.user, filled);
  const bool has_password = read_words(in, "password", into.password, filled);
  if (has_password && !into.password.secret) {
    in.refuse("password", "a password does not stand in a file",
              "password: \"${secret:NAME}\", and `weir secret set NAME`");
  }
  if (has_user != has_password) in.refuse(has_user ? "user" : "password", "user and password go together");
  in.flag("tls", into.tls);
  if (has_password && !into.tls) in.refuse("tls", "a password is not sent in the clear", "remove it");
}

Json words_json(const SecretWords& words) {
  return words.secret ? Json(Json::Object{{"secret", words.text}}) : Json(words.text);
}

SecretWords words_from(const Json* json) {
  if (json == nullptr) return {};
  if (json->is_object()) return {(*json)["secret"].as_string(), true};
  return {json->as_string(), false};
}

}  // namespace

const std::vector<std::pair<std::string, ChannelKind>>& channel_words() {
  static const std::vector<std::pair<std::string, ChannelKind>> kWords = {{"webhook", ChannelKind::webhook},
                                                                          {"mail", ChannelKind::mail},
                                                                          {"slack", ChannelKind::slack},
                                                                          {"command", ChannelKind::command},
                                                                          {"file", ChannelKind::file}};
  return kWords;
}

std::vector<Channel> read_channels(YamlSection& in) {
  std::vector<Channel> out;
  auto sections = in.named_sections("channels", "a channel");
  if (sections.size() > kChannelsMax) in.refuse("channels", "more than " + std::to_string(kChannelsMax) + " channels");
  for (YamlSection& section : sections) {
    Channel& channel = out.emplace_back();
    channel.name = section.name();
    if (!is_identifier(channel.name)) {
      section.refuse_at(section.node().at, shown(channel.name) + " is no name of a channel", "[a-z][a-z0-9_]*");
    }
    if (channel.name == kLogChannel || channel.name == kPageChannel) {
      section.refuse_at(section.node().at, "the channel " + channel.name + " is always there", "remove it");
    }
    section.choice("kind", channel.kind, channel_words(), required);
    section.duration("time_limit", channel.time_limit, {seconds(1), minutes(1)});
    section.text("ca_file", channel.ca_file);
    read_retry(section, channel);
    switch (channel.kind) {
      case ChannelKind::webhook:
        read_webhook(section, channel);
        break;
      case ChannelKind::mail:
        read_mail(section, channel);
        break;
      case ChannelKind::slack:
        read_url(section, channel);
        break;
      case ChannelKind::command:
        read_command(section, channel);
        break;
      case ChannelKind::file:
        read_file_path(section, channel);
        break;
    }
  }
  return out;
}

Json channel_schema() {
  constexpr const char* kSchema = R"json({
    "title": "A channel",
    "description": "Where findings go. log and page are always there.",
    "type": "object", "required": ["kind"], "additionalProperties": false,
    "properties": {
      "kind": {"enum": ["webhook", "mail", "slack", "command", "file"],
        "description": "A POST of JSON, a mail over SMTP, a POST as Slack takes it, a program, a file of JSON lines."},
      "url": {"type": "string", "maxLength": 4096, "description": "Of webhook and slack. May hold ${secret:NAME}."},
      "sign": {"type": "string", "description": "Of webhook: ${secret:NAME}, the key of its Weir-Signature."},
      "command": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 32,
        "description": "Of command: a program of the setting notify.commands and its arguments; no shell."},
      "path": {"type": "string",
        "description": "Of file: a relative path in the project's folder that ends in .jsonl or .ndjson."},
      "headers": {"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string"},
        "description": "Of webhook. May hold ${secret:NAME}."},
      "server": {"type": "string", "description": "Of mail: smtp://HOST:587 or smtps://HOST:465."},
      "from": {"type": "string", "description": "Of mail: the sender's address."},
      "to": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 50,
        "description": "Of mail: who gets it. Without it the channel is only for topics."},
      "user": {"type": "string", "description": "Of mail, together with password."},
      "password": {"type": "string", "description": "Of mail: ${secret:NAME}."},
      "tls": {"type": "boolean", "default": true, "description": "Of mail: false sends in the clear."},
      "ca_file": {"type": "string", "description": "Trust these certificates instead of the system's."},
      "time_limit": {"type": "string", "default": "10s", "description": "Of one delivery: 1s to 1m."},
      "retry_wait": {"type": "string", "default": "1s",
        "description": "Before the second attempt, doubled each time: 10ms to 1h."},
      "retry_wait_max": {"type": "string", "default": "5m", "description": "Longest wait between attempts."},
      "retry_for": {"type": "string", "default": "3d", "description": "Given up after so long: 1s to 14d."}
    }
  })json";
  auto parsed = Json::parse(kSchema);
  return parsed ? std::move(*parsed) : Json();
}

Json to_json(const Channel& channel) {
  const auto list = [](const std::vector<std::string>& texts) {
    Json out{Json::Array{}};
    for (const std::string& text : texts) out.push(text);
    return out;
  };
  Json out{Json::Object{}};
  out.set("name", channel.name);
  out.set("kind", channel_words()[static_cast<size_t>(channel.kind)].first);
  switch (channel.kind) {
    case ChannelKind::webhook: {
      out.set("url", words_json(channel.url));
      Json headers{Json::Object{}};
      for (const auto& [name, value] : channel.headers) headers.set(name, words_json(value));
      out.set("headers", std::move(headers));
      out.set("sign", words_json(channel.sign));
      break;
    }
    case ChannelKind::mail:
      out.set("server", channel.server);
      out.set("from", channel.from);
      out.set("to", list(channel.to));
      out.set("user", words_json(channel.user));
      out.set("password", words_json(channel.password));
      out.set("tls", channel.tls);
      break;
    case ChannelKind::slack:
      out.set("url", words_json(channel.url));
      break;
    case ChannelKind::command:
      out.set("command", list(channel.command));
      break;
    case ChannelKind::file:
      out.set("path", channel.path);
      break;
  }
  out.set("ca_file", channel.ca_file);
  out.set("time_limit", format_duration(channel.time_limit));
  out.set("retry_wait", format_duration(channel.retry_wait));
  out.set("retry_wait_max", format_duration(channel.retry_wait_max));
  out.set("retry_for", format_duration(channel.retry_for));
  return out;
}

Channel channel_from_json(const Json& json, std::string& wrong) {
  Channel out;
  JsonShape in(json, "a channel", wrong);
  in.text("name", out.name);
  in.choice("kind", out.kind, channel_words());
  switch (out.kind) {
    case ChannelKind::webhook:
      out.url = words_from(in.need("url"));
      if (const Json* headers = in.need("headers")) {
        for (const auto& [name, value] : headers->object()) out.headers[name] = words_from(&value);
      }
      if (json.find("sign") != nullptr) out.sign = words_from(in.need("sign"));  // not in what was applied before
      break;
    case ChannelKind::mail:
      in.text("server", out.server);
      in.text("from", out.from);
      in.texts("to", out.to);
      out.user = words_from(in.need("user"));
      out.password = words_from(in.need("password"));
      in.flag("tls", out.tls);
      break;
    case ChannelKind::slack:
      out.url = words_from(in.need("url"));
      break;
    case ChannelKind::command:
      in.texts("command", out.command);
      break;
    case ChannelKind::file:
      in.text("path", out.path);
      break;
  }
  in.text("ca_file", out.ca_file);
  in.duration("time_limit", out.time_limit);
  if (json.find("retry_for") != nullptr) {
    in.duration("retry_wait", out.retry_wait);
    in.duration("retry_wait_max", out.retry_wait_max);
    in.duration("retry_for", out.retry_for);
  }
  in.finish();
  return out;
}

Result<std::string> fill_in(const SecretWords& words,
                            const std::function<Result<std::string>(std::string_view name)>& secret,
                            std::vector<std::string>& secrets) {
  if (!words.secret) return words.text;
  std::string out;
  std::string_view left = words.text;
  while (true) {
    const size_t begin = left.find(kOpening);
    if (begin == std::string_view::npos) break;
    const size_t end = left.find('}', begin);
    if (end == std::string_view::npos) break;
    out += left.substr(0, begin);
    TRY_ASSIGN(std::string value, secret(left.substr(begin + kOpening.size(), end - begin - kOpening.size())));
    out += value;
    if (!value.empty()) secrets.push_back(std::move(value));
    left.remove_prefix(end + 1);
  }
  return out + std::string(left);
}

}  // namespace weir::notify
