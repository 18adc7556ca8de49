#include "core/io/mail.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/base/check.h"
#include "core/base/text.h"

namespace weir {
namespace {

constexpr size_t kAddressBytesMax = 254;
constexpr size_t kSubjectBytesMax = 200;
constexpr size_t kEncodedWordBytes = 42;  // of text in one: 56 characters of base64, a line of 77 with its header
constexpr size_t kLineBytes = 57;         // of text in one line of base64: 76 characters
constexpr size_t kFileNameBytesMax = 100;
constexpr long kConnectTimeoutMs = 10'000;

std::string_view host_part(std::string_view url) {
  for (std::string_view scheme : {"smtp://", "smtps://"}) {
    if (url.starts_with(scheme)) return url.substr(scheme.size());
  }
  return {};
}

// RFC 2047: UTF-8 in base64, a word for each piece, never cut inside a character.
std::string encoded_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t size = 0;
    while (size < text.size()) {
      const size_t step = std::max<size_t>(1, utf8_sequence(text, size));
      if (size + step > kEncodedWordBytes) break;
      size += step;
    }
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base64_encode(text.substr(0, size)) + "?=";
    text.remove_prefix(size);
  }
  return out;
}

std::string subject_line(std::string_view subject) {
  std::string text(subject.substr(0, kSubjectBytesMax));
  while (!text.empty() && !valid_utf8(text)) text.pop_back();  // cut inside a character
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  const bool is_plain =
      text.size() <= 60 && text.find("=?") == std::string::npos &&
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x7f; });
  return is_plain ? text : encoded_words(text);
}

std::string date_line(WallTime at) {
  constexpr const char* kDays[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};  // day 0 was a Thursday
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const CivilTime civil = civil_from_micros(at.micros);
  const int32_t day = ((day_number(at.micros) % 7) + 7) % 7;
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02d %s %04d %02d:%02d:%02d +0000", kDays[day], civil.day,
                kMonths[civil.month - 1], civil.year, civil.hour, civil.minute, civil.second);
  return out;
}

// Base64 has no dashes at the beginning of a line, so no part holds what separates them.
std::string multipart(const char* kind, const std::string& id, const std::vector<std::string>& parts) {
  const std::string boundary = std::string("--weir-") + kind + "-" + id.substr(0, 40);
  std::string out = std::string("Content-Type: multipart/") + kind + "; boundary=\"" + boundary + "\"\r\n\r\n";
  for (const std::string& part : parts) out += "--" + boundary + "\r\n" + part;
  return out + "--" + boundary + "--\r\n";
}

std::string in_base64(std::string_view bytes) {
  std::string out = "Content-Transfer-Encoding: base64\r\n\r\n";
  for (size_t at = 0; at < bytes.size(); at += kLineBytes) {
    out += base64_encode(bytes.substr(at, kLineBytes)) + "\r\n";
  }
  return out;
}

std::string text_part(const char* kind, const std::string& words) {
  std::string text;
  for (char c : words) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return std::string("Content-Type: text/") + kind + "; charset=utf-8\r\n" + in_base64(text);
}

std::string readable_part(const Mail& mail) {
  if (mail.html.empty()) return text_part("plain", mail.text);
  return multipart("alternative", mail.id, {text_part("plain", mail.text), text_part("html", mail.html)});
}

std::string attached_part(const MailAttachment& one) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  std::string name = one.name.substr(0, kFileNameBytesMax);
  for (char& c : name) {
    if (kPlain.find(c) == std::string_view::npos) c = '_';
  }
  return "Content-Type: " + one.content_type + "\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\n" +
         in_base64(one.bytes);
}

Status check_mail(const Mail& mail) {
  TRY(check_mail_address(mail.from));
  if (mail.to.empty() || mail.to.size() > kMailRecipientsMax) {
    return Error(Code::invalid, "a mail goes to 1 to " + std::to_string(kMailRecipientsMax) + " addresses");
  }
  for (const std::string& to : mail.to) {
    TRY(check_mail_address(to));
  }
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
  if (mail.id.empty() || mail.id.find_first_not_of(kPlain) != std::string::npos) {
    return Error(Code::internal, "a mail's id is letters, digits, dots and dashes");
  }
  constexpr std::string_view kType = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-/";
  for (const MailAttachment& one : mail.attachments) {
    if (one.content_type.empty() || one.content_type.find_first_not_of(kType) != std::string::npos) {
      return Error(Code::invalid, shown(one.content_type) + " is no type of an attachment", "type/subtype");
    }
  }
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7f && c != '<' && c != '>'; };
  if (!std::all_of(mail.unsubscribe_url.begin(), mail.unsubscribe_url.end(), is_plain)) {
    return Error(Code::internal, "the address to unsubscribe at is not plain");
  }
  return {};
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

void append(List& list, const std::string& text) {
  curl_slist* const longer = curl_slist_append(list.get(), text.c_str());
  CHECK(longer != nullptr, "there is memory for an address");
  static_cast<void>(list.release());
  list.reset(longer);
}

struct Sending {
  std::string_view left;
  const std::atomic<bool>* cancelled;
};

size_t give_body(char* into, size_t size, size_t count, void* pointer) noexcept {
  auto& sending = *static_cast<Sending*>(pointer);
  const size_t taken = std::min(size * count, sending.left.size());
  std::memcpy(into, sending.left.data(), taken);
  sending.left.remove_prefix(taken);
  return taken;
}

size_t drop_answer(char*, size_t size, size_t count, void*) noexcept {
  return size * count;
}

int is_cancelled(void* pointer, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  const auto& sending = *static_cast<Sending*>(pointer);
  return sending.cancelled != nullptr && sending.cancelled->load() ? 1 : 0;
}

Error error_of(CURLcode code, long answered, const std::string& url, const char* words) {
  const std::string detail = *words != '\0' ? words : curl_easy_strerror(code);
  const std::string message = url + ": " + detail;
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Error(Code::cancelled, message);
    case CURLE_OPERATION_TIMEDOUT:
      return Error(Code::timed_out, message);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error(Code::unavailable, message);
    case CURLE_USE_SSL_FAILED:
      return Error(Code::denied, message, "the server does not offer TLS; `tls: false` sends in the clear");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return Error(Code::denied, message, "the certificate of the server is not trusted");
    case CURLE_LOGIN_DENIED:
      return Error(Code::denied, message, "user or password is wrong");
    default:
      return Error(answered >= 500 ? Code::denied : Code::io, message);
  }
}

}  // namespace

Status check_mail_address(std::string_view address) {
  const size_t at = address.rfind('@');
  const bool shaped = at != std::string_view::npos && at > 0 && at + 1 < address.size() && at <= 64 &&
                      address.size() <= kAddressBytesMax && address.find('@') == at && address.front() != '-';
  const bool clean = std::all_of(address.begin(), address.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("<>()[]\\,;:\"").find(c) == std::string_view::npos;
  });
  if (shaped && clean) return {};
  return Error(Code::invalid, shown(address) + " is no mail address", "for example oncall@shop.example");
}

Status check_mail_server(std::string_view url) {
  const std::string_view host = host_part(url);
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
  if (!host.empty() && host.size() <= 262 && host.find_first_not_of(kPlain) == std::string_view::npos) return {};
  return Error(Code::invalid, shown(url) + " is no mail server", "smtp://HOST:587 or smtps://HOST:465");
}

Result<std::string> render_mail(const Mail& mail) {
  TRY(check_mail(mail));
  const std::string domain = mail.from.substr(mail.from.rfind('@') + 1);
  std::string out = "Date: " + date_line(mail.at) + "\r\n";
  out += "From: <" + mail.from + ">\r\n";
  std::string to;
  for (const std::string& one : mail.to) to += (to.empty() ? "<" : ",\r\n <") + one + ">";
  out += "To: " + to + "\r\n";
  out += "Message-ID: <" + mail.id + "@" + domain + ">\r\n";
  out += "Subject: " + subject_line(mail.subject) + "\r\n";
  if (!mail.unsubscribe_url.empty()) {
    out += "List-Unsubscribe: <" + mail.unsubscribe_url + ">\r\n";
    out += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
  }
  out += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  const std::string body = readable_part(mail);
  if (mail.attachments.empty()) return out + body;
  std::vector<std::string> parts = {body};
  for (const MailAttachment& one : mail.attachments) parts.push_back(attached_part(one));
  return out + multipart("mixed", mail.id, parts);
}

Status send_mail(const MailServer& server, const Mail& mail) {
  TRY(check_mail_server(server.url));
  TRY_ASSIGN(const std::string message, render_mail(mail));
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(started == CURLE_OK, "libcurl starts");
  const std::unique_ptr<CURL, void (*)(CURL*)> owned(curl_easy_init(), &curl_easy_cleanup);
  CURL* const easy = owned.get();
  CHECK(easy != nullptr, "libcurl gives handles");
  char words[CURL_ERROR_SIZE] = {};
  List recipients;
  for (const std::string& to : mail.to) append(recipients, "<" + to + ">");
  const std::string from = "<" + mail.from + ">";
  Sending sending{message, server.cancelled};
  curl_easy_setopt(easy, CURLOPT_URL, server.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, server.time_limit.micros / 1000)));
  curl_easy_setopt(easy, CURLOPT_USE_SSL, server.tls ? long{CURLUSESSL_ALL} : long{CURLUSESSL_NONE});
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!server.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, server.ca_file.c_str());
  if (!server.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, server.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, server.password.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &give_body);
  curl_easy_setopt(easy, CURLOPT_READDATA, &sending);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &drop_answer);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &is_cancelled);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &sending);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
  const CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_OK) return {};
  long answered = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answered);
  return error_of(code, answered, server.url, words);
}

}  // namespace weir
