// What a delivery says, in the form of each kind of channel: JSON for programs, Slack's JSON, a subject, text and HTML
// for mails. Made of the row of the outbox alone, so that every attempt says the same. Pure functions. Internal to
// platform/notify.
//
// A row's body: {"event", "topic"?, "subscription"?, "to"?, "items": [{"event", "finding" | "message"}]}. One item is
// told as it is; several are a digest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/io/mail.h"
#include "platform/notify/notify.h"
#include "storage/control/control.h"

namespace weir::notify {

// Of this server.
struct Site {
  std::string project, environment, url;
};

// {"id", "event", "project", "environment", "topic"?, and "finding", "message" or "items"}.
Json notice_json(const control::Delivery& delivery, const Site& site);
Json slack_json(const control::Delivery& delivery, const Site& site);
std::string notice_subject(const control::Delivery& delivery, const Site& site);
std::string notice_text(const control::Delivery& delivery, const Site& site);
std::string notice_html(const control::Delivery& delivery, const Site& site);
std::vector<MailAttachment> notice_attachments(const control::Delivery& delivery);

Json message_json(const Message& message);

// `Weir-Signature: t=…,v1=…`: HMAC-SHA256 in hexadecimal over the seconds since 1970, a dot, and the body.
std::string signature_header(std::string_view key, WallTime at, std::string_view body);

}  // namespace weir::notify
