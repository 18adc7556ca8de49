#include "platform/notify/topic.h"

#include <algorithm>
#include <cstdio>

#include "core/base/json_shape.h"
#include "core/base/text.h"
#include "core/io/mail.h"

namespace weir::notify {
namespace {

constexpr int kMinutesOfDay = 24 * 60;
constexpr size_t kDescriptionBytesMax = 4'096;
constexpr size_t kNamesMax = 50;
constexpr size_t kNameBytesMax = 200;
constexpr int64_t kMinuteMicros = 60'000'000;
constexpr int kQuietMinutesMax = 2 * kMinutesOfDay;  // a day, and what clocks may be put back by

Result<int64_t> local_micros(const Calendar& calendar, std::string_view zone, WallTime at) {
  if (zone == "UTC") return at.micros;
  if (!calendar.local) return Error(Code::unsupported, "there are no time zones here but UTC");
  return calendar.local(zone, at);
}

Result<bool> is_quiet(const QuietHours& quiet, const Calendar& calendar, WallTime at) {
  TRY_ASSIGN(const int64_t local, local_micros(calendar, quiet.zone, at));
  const CivilTime civil = civil_from_micros(local);
  const int minute = civil.hour * 60 + civil.minute;
  return quiet.from < quiet.to ? minute >= quiet.from && minute < quiet.to : minute >= quiet.from || minute < quiet.to;
}

// Looked for minute by minute, so that days of 23 and 25 hours need no rule of their own.
Result<WallTime> end_of_quiet(const QuietHours& quiet, const Calendar& calendar, WallTime at) {
  for (int minute = 0; minute < kQuietMinutesMax; ++minute) {
    TRY_ASSIGN(const bool still, is_quiet(quiet, calendar, at));
    if (!still) return at;
    at.micros = (at.micros / kMinuteMicros + 1) * kMinuteMicros;
  }
  return at;
}

Result<WallTime> end_of_digest(const std::string& digest, const std::string& zone, const Calendar& calendar,
                               WallTime now) {
  if (const auto every = parse_duration(digest)) {
    return WallTime{(now.micros / every->micros + 1) * every->micros};
  }
  if (!calendar.next) return Error(Code::unsupported, "there are no schedules here");
  return calendar.next(digest, zone, now);
}

std::string clock_text(int minutes) {
  char out[8];
  std::snprintf(out, sizeof out, "%02d:%02d", minutes / 60 % 24, minutes % 60);
  return out;
}

// "22:00" as minutes of the day; -1 if it is none.
int minutes_of(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return -1;
  for (size_t at : {0u, 1u, 3u, 4u}) {
    if (text[at] < '0' || text[at] > '9') return -1;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

void check_zone(YamlSection& in, const std::string& zone, const Calendar& calendar) {
  if (const auto found = local_micros(calendar, zone, WallTime{}); !found) {
    in.refuse("zone", found.error().message, found.error().hint);
  }
}

void read_quiet_hours(YamlSection& in, const Calendar& calendar, Subscription& into) {
  auto section = in.section("quiet_hours", "quiet hours");
  if (!section) return;
  QuietHours quiet;
  quiet.zone = into.zone;
  std::string from, to;
  for (auto [key, text, minutes] : {std::tuple("from", &from, &quiet.from), std::tuple("to", &to, &quiet.to)}) {
    if (!section->text(key, *text, required)) continue;
    *minutes = minutes_of(*text);
    if (*minutes < 0) section->refuse(key, shown(*text) + " is no time of the day", "for example \"22:00\"");
  }
  if (quiet.from == quiet.to) section->refuse("to", "quiet hours that end when they begin", "leave them out");
  section->text("zone", quiet.zone);
  check_zone(*section, quiet.zone, calendar);
  Severity except = Severity::critical;
  if (section->choice("except", except, severity_words())) quiet.except = except;
  into.quiet = quiet;
}

void read_severities(YamlSection& in, Subscription& into) {
  if (in.has("severity") && in.has("at_least")) {
    in.refuse("at_least", "severity and at_least say the same in two ways", "keep one of them");
  }
  std::vector<std::string> words;
  if (in.texts("severity", words)) {
    if (words.empty()) in.refuse("severity", "the list is empty", "leave it out: all");
    for (const std::string& word : words) {
      const auto& known = severity_words();
      const auto found = std::find_if(known.begin(), known.end(), [&](const auto& one) { return one.first == word; });
      if (found == known.end()) {
        in.refuse("severity", shown(word) + " is no severity", "info, warning, critical");
      } else {
        into.severities.push_back(found->second);
      }
    }
  }
  Severity least = Severity::info;
  if (in.choice("at_least", least, severity_words())) {
    for (const auto& [word, severity] : severity_words()) {
      if (severity >= least) into.severities.push_back(severity);
    }
  }
}

// The mail channel that `name` names, or the only one; empty after a mistake.
std::string mail_channel(YamlSection& in, const char* key, const std::string& name,
                         const std::vector<Channel>& channels) {
  std::vector<std::string> mails;
  for (const Channel& channel : channels) {
    if (channel.kind == ChannelKind::mail) mails.push_back(channel.name);
  }
  if (!name.empty()) {
    if (std::find(mails.begin(), mails.end(), name) != mails.end()) return name;
    in.refuse(key, "there is no mail channel " + shown(name) + " in this file", did_you_mean(name, mails));
    return {};
  }
  return mails.size() == 1 ? mails.front() : std::string();
}

void read_receiver(YamlSection& in, const Topic& topic, const std::vector<Channel>& channels, Subscription& into) {
  const bool has_channel = in.text("channel", into.channel);
  std::string through;
  in.text("through", through);
  if (has_channel == in.has("mail")) {
    in.refuse_at(in.node().at,
                 "a subscription has a channel or a mail; this has " + std::string(has_channel ? "both" : "neither"));
  }
  if (has_channel) {
    std::vector<std::string> names;
    for (const Channel& channel : channels) names.push_back(channel.name);
    if (std::find(names.begin(), names.end(), into.channel) == names.end()) {
      in.refuse("channel", "there is no channel " + shown(into.channel) + " in this file",
                did_you_mean(into.channel, names));
    }
    if (!through.empty()) in.refuse("through", "through belongs to mail", "remove it");
    return;
  }
  if (!in.texts("mail", into.to)) return;
  if (into.to.empty() || into.to.size() > kMailRecipientsMax) {
    in.refuse("mail", "expected 1 to " + std::to_string(kMailRecipientsMax) + " addresses");
  }
  for (const std::string& to : into.to) {
    if (const Status good = check_mail_address(to); !good) in.refuse("mail", good.error().message, good.error().hint);
  }
  into.channel = mail_channel(in, "through", through.empty() ? topic.through : through, channels);
  if (into.channel.empty() && through.empty()) {
    in.refuse("mail", "it is not said which mail channel sends it", "declare one in this file, and name it by through");
  }
}

Subscription read_subscription(YamlSection& in, const Topic& topic, const std::vector<Channel>& channels,
                               const Calendar& calendar) {
  Subscription out;
  read_receiver(in, topic, channels, out);
  read_severities(in, out);
  if (in.texts("names", out.names)) {
    if (out.names.size() > kNamesMax) in.refuse("names", "more than " + std::to_string(kNamesMax) + " names");
    for (const std::string& name : out.names) {
      if (name.empty() || name.size() > kNameBytesMax) in.refuse("names", shown(name) + " is no pattern of a name");
    }
  }
  in.text("zone", out.zone);
  check_zone(in, out.zone, calendar);
  if (in.text("digest", out.digest)) {
    const auto every = parse_duration(out.digest);
    if (every && (*every < seconds(1) || *every > days(7))) {
      in.refuse("digest", shown(out.digest) + " is not from 1s to 7d", "for example 1h, or a schedule: \"0 8 * * *\"");
    } else if (const auto next = end_of_digest(out.digest, out.zone, calendar, WallTime{}); !next) {
      in.refuse("digest", next.error().message, "a duration such as 1h, or a schedule: \"0 8 * * *\"");
    }
  }
  read_quiet_hours(in, calendar, out);
  Duration deduplicate{};
  if (in.duration("deduplicate", deduplicate, {seconds(1), kDeduplicateMax})) out.deduplicate = deduplicate;
  return out;
}

Subscription subscription_from_json(const Json& json, std::string& wrong) {
  Subscription out;
  JsonShape in(json, "a subscription", wrong);
  in.text("channel", out.channel);
  in.texts("to", out.to);
  std::vector<std::string> severities;
  in.texts("severity", severities);
  for (const std::string& word : severities) {
    for (const auto& [known, severity] : severity_words()) {
      if (known == word) out.severities.push_back(severity);
    }
  }
  in.texts("names", out.names);
  in.text("digest", out.digest);
  in.text("zone", out.zone);
  in.duration("deduplicate", out.deduplicate);
  if (const Json* quiet = in.need("quiet_hours"); quiet != nullptr && quiet->is_object()) {
    QuietHours hours;
    JsonShape inner(*quiet, "quiet hours", wrong);
    std::string from, to;
    inner.text("from", from);
    inner.text("to", to);
    hours.from = minutes_of(from);
    hours.to = minutes_of(to);
    inner.text("zone", hours.zone);
    if (const Json* except = inner.need("except"); except != nullptr && except->is_string()) {
      Severity severity = Severity::critical;
      inner.choice("except", severity, severity_words());
      hours.except = severity;
    }
    inner.finish();
    out.quiet = hours;
  }
  in.finish();
  return out;
}

}  // namespace

const std::vector<std::pair<std::string, Severity>>& severity_words() {
  static const std::vector<std::pair<std::string, Severity>> kWords = {
      {"info", Severity::info}, {"warning", Severity::warning}, {"critical", Severity::critical}};
  return kWords;
}

const char* severity_word(Severity severity) {
  return severity_words()[static_cast<size_t>(severity)].first.c_str();
}

bool matches(std::string_view pattern, std::string_view text) {
  size_t at = 0, in_pattern = 0, star = std::string_view::npos, after_star = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      after_star = at;
    } else if (in_pattern < pattern.size() && (pattern[in_pattern] == '?' || pattern[in_pattern] == text[at])) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++after_star;
    } else {
      return false;
    }
  }
  while (in_pattern < pattern.size() && pattern[in_pattern] == '*') ++in_pattern;
  return in_pattern == pattern.size();
}

bool Subscription::wants(Severity severity, std::string_view key, std::string_view source) const {
  const bool is_severe =
      severities.empty() || std::find(severities.begin(), severities.end(), severity) != severities.end();
  const bool is_named = names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& pattern) {
                          return matches(pattern, key) || matches(pattern, source);
                        });
  return is_severe && is_named;
}

Result<WallTime> Subscription::due(const Calendar& calendar, Severity severity, WallTime now) const {
  WallTime out = now;
  if (!digest.empty()) {
    TRY_ASSIGN(out, end_of_digest(digest, zone, calendar, now));
  }
  if (quiet && !(quiet->except && severity >= *quiet->except)) return end_of_quiet(*quiet, calendar, out);
  return out;
}

std::vector<Topic> read_topics(YamlSection& in, const std::vector<Channel>& channels, const Calendar& calendar) {
  std::vector<Topic> out;
  auto sections = in.named_sections("topics", "a topic");
  if (sections.size() > kTopicsMax) in.refuse("topics", "more than " + std::to_string(kTopicsMax) + " topics");
  for (YamlSection& section : sections) {
    Topic& topic = out.emplace_back();
    topic.name = section.name();
    if (!is_identifier(topic.name)) {
      section.refuse_at(section.node().at, shown(topic.name) + " is no name of a topic", "[a-z][a-z0-9_]*");
    }
    const bool is_taken = topic.name == kLogChannel || topic.name == kPageChannel ||
                          std::any_of(channels.begin(), channels.end(),
                                      [&](const Channel& channel) { return channel.name == topic.name; });
    if (is_taken) section.refuse_at(section.node().at, shown(topic.name) + " is a channel", "give it another name");
    if (section.text("description", topic.description) && topic.description.size() > kDescriptionBytesMax) {
      section.refuse("description", "description is longer than " + std::to_string(kDescriptionBytesMax) + " bytes");
    }
    std::string through;
    section.text("through", through);
    topic.through = mail_channel(section, "through", through, channels);
    auto subscriptions = section.sections("subscriptions", "a subscription");
    if (subscriptions.size() > kSubscriptionsMax) {
      section.refuse("subscriptions", "more than " + std::to_string(kSubscriptionsMax) + " subscriptions");
    }
    for (YamlSection& one : subscriptions) {
      topic.subscriptions.push_back(read_subscription(one, topic, channels, calendar));
    }
  }
  return out;
}

Json topic_schema() {
  constexpr const char* kSchema = R"json({
    "title": "A topic",
    "description": "A name that notify: may list, and who is told of what is told to it.",
    "type": "object", "additionalProperties": false,
    "properties": {
      "description": {"type": "string", "maxLength": 4096, "description": "What it is for."},
      "through": {"type": "string",
        "description": "The mail channel of those who subscribe by mail. Without it: the only one of this file."},
      "subscriptions": {"type": "array", "maxItems": 50, "items": {
        "type": "object", "additionalProperties": false,
        "description": "One of channel and mail.",
        "properties": {
          "channel": {"type": "string", "description": "A channel of this file."},
          "mail": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 50,
            "description": "Addresses; whoever declares them here vouches for them, nobody is asked to confirm."},
          "through": {"type": "string", "description": "Of mail: the mail channel that sends it."},
          "severity": {"type": "array", "minItems": 1, "items": {"enum": ["info", "warning", "critical"]},
            "description": "These only."},
          "at_least": {"enum": ["info", "warning", "critical"], "description": "This and worse, instead of severity."},
          "names": {"type": "array", "maxItems": 50, "items": {"type": "string", "maxLength": 200},
            "description": "Patterns with * and ?; one fits the finding's key (alarm/NAME, run/NAME) or source."},
          "digest": {"type": "string",
            "description": "Told together: each full so long (1s to 7d), or by a schedule such as 0 8 * * *."},
          "zone": {"type": "string", "default": "UTC", "description": "Of the schedule and the quiet hours."},
          "quiet_hours": {"type": "object", "required": ["from", "to"], "additionalProperties": false,
            "description": "What comes then is told when they are over.",
            "properties": {
              "from": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
              "to": {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"},
              "zone": {"type": "string"},
              "except": {"enum": ["info", "warning", "critical"], "description": "This and worse does not wait."}}},
          "deduplicate": {"type": "string",
            "description":
              "The same event of one finding at once only once in so long (1s to 1d); the others together after it."}
        }}}
    }
  })json";
  auto parsed = Json::parse(kSchema);
  return parsed ? std::move(*parsed) : Json();
}

Json to_json(const Subscription& subscription) {
  Json out{Json::Object{}};
  out.set("channel", subscription.channel);
  const auto list = [](const std::vector<std::string>& texts) {
    Json listed{Json::Array{}};
    for (const std::string& text : texts) listed.push(text);
    return listed;
  };
  out.set("to", list(subscription.to));
  Json severities{Json::Array{}};
  for (const Severity severity : subscription.severities) severities.push(severity_word(severity));
  out.set("severity", std::move(severities));
  out.set("names", list(subscription.names));
  out.set("digest", subscription.digest);
  out.set("zone", subscription.zone);
  out.set("deduplicate", subscription.deduplicate ? Json(format_duration(*subscription.deduplicate)) : Json());
  Json quiet;
  if (subscription.quiet) {
    quiet.set("from", clock_text(subscription.quiet->from));
    quiet.set("to", clock_text(subscription.quiet->to));
    quiet.set("zone", subscription.quiet->zone);
    quiet.set("except", subscription.quiet->except ? Json(severity_word(*subscription.quiet->except)) : Json());
  }
  out.set("quiet_hours", std::move(quiet));
  return out;
}

Json to_json(const Topic& topic) {
  Json out{Json::Object{}};
  out.set("name", topic.name);
  out.set("description", topic.description);
  out.set("through", topic.through);
  Json subscriptions{Json::Array{}};
  for (const Subscription& one : topic.subscriptions) subscriptions.push(to_json(one));
  out.set("subscriptions", std::move(subscriptions));
  return out;
}

Topic topic_from_json(const Json& json, std::string& wrong) {
  Topic out;
  JsonShape in(json, "a topic", wrong);
  in.text("name", out.name);
  in.text("description", out.description);
  in.text("through", out.through);
  if (const Json::Array* list = in.list("subscriptions")) {
    for (const Json& one : *list) out.subscriptions.push_back(subscription_from_json(one, wrong));
  }
  in.finish();
  return out;
}

}  // namespace weir::notify
