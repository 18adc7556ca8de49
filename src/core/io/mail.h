// Mail: one message to a mail server over SMTP, for findings and reports.
//
// TLS is on unless it is turned off: `smtps://` speaks it from the first byte, `smtp://` must change to it (STARTTLS)
// before anything else is said, and certificates are checked. Nothing of a message can become a command or another
// header: addresses are plain ones or refused, the subject is one encoded word, the text is base64.
//
// Errors: invalid (an address, the server's URL), unavailable (nobody answers there), denied (the certificate, the
// password, or the server refuses the message for good), timed_out, cancelled, io (worth another try). Blocking; any
// thread.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"

namespace weir {

struct MailServer {
  std::string url;               // "smtp://host[:port]", "smtps://host[:port]"
  bool tls = true;               // false: only for servers on this machine or behind a tunnel
  std::string user, password{};  // empty: without
  std::string ca_file{};         // trust these certificates instead of the system's
  Duration time_limit = seconds(30);
  const std::atomic<bool>* cancelled = nullptr;  // noticed within a second
};

struct MailAttachment {
  std::string name;          // of the file; becomes plain ASCII
  std::string content_type;  // "application/pdf"
  std::string bytes;
};

struct Mail {
  std::string from;
  std::vector<std::string> to;
  std::string subject;
  std::string text;  // UTF-8, lines end in \n
  WallTime at;
  std::string id;      // letters, digits, dots and dashes: mails of one id are one message to the reader
  std::string html{};  // the same for readers that show it; empty: text alone
  std::vector<MailAttachment> attachments{};
  // Where one leaves the list: a page, and one POST that does it (RFC 8058). Empty: it is no list.
  std::string unsubscribe_url{};
};

inline constexpr size_t kMailRecipientsMax = 50;

// local@domain of printable ASCII, without quotes, brackets and white space, at most 254 bytes.
Status check_mail_address(std::string_view address);
Status check_mail_server(std::string_view url);

// The message as it goes over the wire (RFC 5322, lines end in \r\n).
Result<std::string> render_mail(const Mail& mail);

Status send_mail(const MailServer& server, const Mail& mail);

}  // namespace weir
