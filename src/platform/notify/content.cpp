#include "platform/notify/content.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/text.h"

namespace weir::notify {
namespace {

constexpr size_t kSlackItemsMax = 20;
constexpr size_t kSlackTextBytesMax = 2'900;  // of a section; Slack takes 3000 characters

struct Line {
  const char* name;
  std::string value;
};

// An item as people read it, whatever it is.
struct Shown {
  std::string severity, what, body;
  std::vector<Line> lines;
  std::string link;  // whole, or empty
};

bool is_finding(const Json& item) {
  return item["finding"].is_object();
}

std::string link_of(const std::string& path, const Site& site) {
  return path.empty() || site.url.empty() ? std::string() : site.url + path;
}

std::string time_shown(const Json& json) {
  const auto read = parse_timestamp(json.as_string());
  return read ? shown_time(*read) : json.as_string();
}

Shown shown_item(const Json& item, const Site& site) {
  Shown out;
  if (!is_finding(item)) {
    const Json& message = item["message"];
    out.severity = message["severity"].as_string();
    out.what = message["subject"].as_string();
    out.body = message["text"].as_string();
    out.link = link_of(message["link"].as_string(), site);
    return out;
  }
  const Json& finding = item["finding"];
  const bool is_opened = item["event"].as_string() == "opened";
  out.severity = is_opened ? finding["severity"].as_string() : item["event"].as_string();
  out.what = finding["what"].as_string();
  out.lines = {{"where", finding["where"].as_string()},
               {"since", time_shown(finding["since"])},
               {"severity", finding["severity"].as_string()},
               {"why", finding["why"].as_string()},
               {"what to do", finding["todo"].as_string()}};
  if (!is_opened) out.lines.push_back({"closed", finding["closed_because"].as_string()});
  std::erase_if(out.lines, [](const Line& line) { return line.value.empty(); });
  out.link = link_of(finding["link"].as_string(), site);
  return out;
}

std::vector<Shown> shown_items(const control::Delivery& delivery, const Site& site) {
  std::vector<Shown> out;
  for (const Json& item : delivery.body["items"].array()) out.push_back(shown_item(item, site));
  return out;
}

// For programs: what is attached is not sent to them, only named.
Json item_json(const Json& item, const Site& site) {
  Json out{Json::Object{}};
  out.set("event", item["event"]);
  if (is_finding(item)) {
    Json finding = item["finding"];
    if (!site.url.empty()) finding.set("url", site.url + finding["link"].as_string());
    out.set("finding", std::move(finding));
    return out;
  }
  Json message = item["message"];
  Json attachments{Json::Array{}};
  for (const Json& one : message["attachments"].array()) {
    attachments.push(
        Json::Object{{"name", one["name"]}, {"content_type", one["content_type"]}, {"bytes", one["bytes"]}});
  }
  message.set("attachments", std::move(attachments));
  const std::string link = link_of(message["link"].as_string(), site);
  if (!link.empty()) message.set("url", link);
  out.set("message", std::move(message));
  return out;
}

// Slack's own rule for text that is not markup.
std::string slack_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string cut_to(std::string text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  text.resize(bytes_max);
  while (!text.empty() && !valid_utf8(text)) text.pop_back();
  return text + "…";
}

const char* colour_of(const std::string& severity) {
  if (severity == "critical") return "#c62828";
  if (severity == "warning") return "#e69500";
  if (severity == "closed") return "#2e7d32";
  return "#3b6ea5";
}

std::string slack_text(const Shown& item) {
  std::string out = "*" + slack_escaped(item.what) + "*";
  if (!item.body.empty()) out += "\n" + slack_escaped(item.body);
  for (const Line& line : item.lines) out += std::string("\n_") + line.name + "_: " + slack_escaped(line.value);
  // Cut before the link, so that no markup is left open.
  out = cut_to(std::move(out), kSlackTextBytesMax);
  return item.link.empty() ? out : out + "\n<" + item.link + "|page>";
}

std::string text_of(const Shown& item) {
  std::string out = item.what + "\n\n";
  if (!item.body.empty()) out += item.body + "\n";
  for (const Line& line : item.lines) out += std::string(line.name) + ": " + line.value + "\n";
  if (!item.link.empty()) out += "page: " + item.link + "\n";
  return out;
}

std::string html_lines(const std::string& text) {
  std::string out;
  for (const char c : html_escape(text)) out += c == '\n' ? std::string("<br>") : std::string(1, c);
  return out;
}

std::string html_of(const Shown& item) {
  std::string out = std::string("<div style=\"border-left:4px solid ") + colour_of(item.severity) +
                    ";padding:2px 12px;margin:0 0 16px\"><p style=\"font-size:17px;margin:0 0 8px\"><b>" +
                    html_escape(item.what) + "</b></p>";
  if (!item.body.empty()) out += "<p style=\"margin:0 0 8px\">" + html_lines(item.body) + "</p>";
  if (!item.lines.empty()) {
    out += "<table cellpadding=\"0\" cellspacing=\"0\" style=\"font-size:14px\">";
    for (const Line& line : item.lines) {
      out += std::string("<tr><td valign=\"top\" style=\"padding:0 12px 2px 0;color:#666\">") + line.name +
             "</td><td valign=\"top\" style=\"padding:0 0 2px\">" + html_lines(line.value) + "</td></tr>";
    }
    out += "</table>";
  }
  if (!item.link.empty())
    out += "<p style=\"margin:8px 0 0\"><a href=\"" + html_escape(item.link) + "\">Open its page</a></p>";
  return out + "</div>";
}

}  // namespace

Json message_json(const Message& message) {
  Json out{Json::Object{}};
  out.set("name", message.name);
  out.set("subject", message.subject);
  out.set("text", message.text);
  out.set("severity", severity_word(message.severity));
  out.set("link", message.link);
  if (!message.html.empty()) out.set("html", message.html);
  Json attachments{Json::Array{}};
  for (const Attachment& one : message.attachments) {
    attachments.push(Json::Object{{"name", one.name},
                                  {"content_type", one.content_type},
                                  {"bytes", one.bytes.size()},
                                  {"content", base64_encode(one.bytes)}});
  }
  out.set("attachments", std::move(attachments));
  return out;
}

Json notice_json(const control::Delivery& delivery, const Site& site) {
  const Json::Array& items = delivery.body["items"].array();
  Json out{Json::Object{}};
  out.set("id", delivery.id);
  out.set("event", items.size() == 1 ? items.front()["event"] : Json("digest"));
  out.set("project", site.project);
  out.set("environment", site.environment.empty() ? "default" : site.environment);
  if (const Json* topic = delivery.body.find("topic")) out.set("topic", *topic);
  if (items.size() == 1) {
    const Json item = item_json(items.front(), site);
    const char* const name = is_finding(items.front()) ? "finding" : "message";
    out.set(name, item[name]);
    return out;
  }
  Json listed{Json::Array{}};
  for (const Json& item : items) listed.push(item_json(item, site));
  out.set("items", std::move(listed));
  return out;
}

Json slack_json(const control::Delivery& delivery, const Site& site) {
  const std::vector<Shown> items = shown_items(delivery, site);
  Json attachments{Json::Array{}};
  for (size_t i = 0; i < items.size() && i < kSlackItemsMax; ++i) {
    Json section =
        Json::Object{{"type", "section"}, {"text", Json::Object{{"type", "mrkdwn"}, {"text", slack_text(items[i])}}}};
    attachments.push(
        Json::Object{{"color", colour_of(items[i].severity)}, {"blocks", Json(Json::Array{std::move(section)})}});
  }
  const std::string subject = slack_escaped(notice_subject(delivery, site));
  Json blocks{Json::Array{}};
  std::string head = subject;
  if (items.size() > kSlackItemsMax)
    head += "\n" + std::to_string(items.size() - kSlackItemsMax) + " more are not shown";
  blocks.push(Json::Object{{"type", "section"},
                           {"text", Json::Object{{"type", "mrkdwn"}, {"text", cut_to(head, kSlackTextBytesMax)}}}});
  Json out{Json::Object{}};
  out.set("text", subject);
  out.set("blocks", std::move(blocks));
  out.set("attachments", std::move(attachments));
  return out;
}

std::string notice_subject(const control::Delivery& delivery, const Site& site) {
  const std::vector<Shown> items = shown_items(delivery, site);
  const std::string head = "[" + site.project + "] ";
  if (items.size() != 1) return head + std::to_string(items.size()) + " notices";
  const bool is_message = !is_finding(delivery.body["items"].array().front());
  return is_message ? head + items.front().what : head + items.front().severity + ": " + items.front().what;
}

std::string notice_text(const control::Delivery& delivery, const Site& site) {
  std::string out;
  for (const Shown& item : shown_items(delivery, site)) {
    if (!out.empty()) out += "\n----\n\n";
    out += text_of(item);
  }
  return out;
}

std::string notice_html(const control::Delivery& delivery, const Site& site) {
  const Json::Array& items = delivery.body["items"].array();
  // Who wrote HTML of their own gets it as it is.
  if (items.size() == 1 && items.front()["message"]["html"].is_string()) {
    return items.front()["message"]["html"].as_string();
  }
  std::string out =
      "<!doctype html><html><body style=\"font-family:sans-serif;font-size:15px;line-height:1.4;color:#222\">";
  for (const Shown& item : shown_items(delivery, site)) out += html_of(item);
  return out + "</body></html>\n";
}

std::vector<MailAttachment> notice_attachments(const control::Delivery& delivery) {
  std::vector<MailAttachment> out;
  for (const Json& item : delivery.body["items"].array()) {
    for (const Json& one : item["message"]["attachments"].array()) {
      auto bytes = base64_decode(one["content"].as_string());
      if (!bytes) continue;  // we wrote it ourselves
      out.push_back({one["name"].as_string(), one["content_type"].as_string(), std::move(*bytes)});
    }
  }
  return out;
}

std::string signature_header(std::string_view key, WallTime at, std::string_view body) {
  const std::string seconds = std::to_string(at.micros / 1'000'000);
  return "t=" + seconds + ",v1=" + hex_encode(hmac_sha256(key, seconds + "." + std::string(body)));
}

}  // namespace weir::notify
