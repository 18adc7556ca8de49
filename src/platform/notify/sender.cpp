#include "platform/notify/sender.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/mail.h"
#include "core/runtime/child_process.h"
#include "core/runtime/worker.h"

namespace weir::notify {
namespace {

constexpr uint64_t kAnswerBytesMax = 64u << 10;
constexpr uint64_t kCommandMemoryBytesMax = 1ull << 30;
constexpr uint64_t kCommandOpenFilesMax = 256;

std::string without_secrets(std::string text, const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3)) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

// What may be better in a while; a wrong address or a refusal will not.
bool is_worth_another_try(Code code) {
  return code == Code::unavailable || code == Code::timed_out || code == Code::io || code == Code::busy ||
         code == Code::no_space;
}

// A path as it is, or where the usual folders have a program of that name.
std::string program_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  for (const char* folder : {"/usr/local/bin", "/usr/bin", "/bin"}) {
    std::string path = join_path(folder, program);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

}  // namespace

void Sender::cancel() {
  cancelled_ = true;
  cancel_.cancel();
}

Result<std::string> Sender::filled(const SecretWords& words) {
  return fill_in(words, parts_.secret, secrets_);
}

Status Sender::send(const control::Delivery& delivery, const Site& site, bool& again) {
  secrets_.clear();
  again = false;
  Status done;
  switch (channel_.kind) {
    case ChannelKind::webhook:
    case ChannelKind::slack:
      done = post(delivery, site, again);
      break;
    case ChannelKind::mail:
      done = mail(delivery, site, again);
      break;
    case ChannelKind::command:
      done = run(delivery, site, again);
      break;
    case ChannelKind::file:
      done = append(delivery, site, again);
      break;
  }
  if (done) return done;
  Error error = std::move(done).error();
  error.message = without_secrets(std::move(error.message), secrets_);
  return error;
}

Status Sender::post(const control::Delivery& delivery, const Site& site, bool& again) {
  const bool is_slack = channel_.kind == ChannelKind::slack;
  const std::string body = (is_slack ? slack_json(delivery, site) : notice_json(delivery, site)).dump();
  HttpRequest request;
  request.method = "POST";
  TRY_ASSIGN(request.url, filled(channel_.url));
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "weir"},
                     {"Weir-Delivery", delivery.id},
                     {"Idempotency-Key", delivery.id}};
  TRY_ASSIGN(const std::string key, filled(channel_.sign));
  if (!key.empty()) {
    request.headers.emplace_back("Weir-Signature", signature_header(key, parts_.clock.wall(), body));
  }
  for (const auto& [name, words] : channel_.headers) {
    TRY_ASSIGN(std::string value, filled(words));
    request.headers.emplace_back(name, std::move(value));
  }
  request.body = body;
  request.time_limit = channel_.time_limit;
  request.response_bytes_max = kAnswerBytesMax;
  request.cancelled = &cancelled_;
  request.ca_file = channel_.ca_file;
  // The status of a whole answer decides; a body that is longer than we read is no reason to send again. What breaks
  // off is a lost reply.
  int status = 0;
  const auto answer = client_.stream(request, [&](const HttpResponse& head, std::string_view) -> Status {
    status = head.status;
    return {};
  });
  if (answer) {
    status = answer->status;
  } else if (answer.error().code != Code::too_large || status == 0) {
    again = is_worth_another_try(answer.error().code);
    return answer.error();
  }
  if (status >= 200 && status < 300) return {};
  again = status == 408 || status == 429 || status >= 500;
  const bool is_redirect = status >= 300 && status < 400;
  return Error(Code::io,
               "the receiver answered " + std::to_string(status) + (is_redirect ? ": redirects are not followed" : ""));
}

Status Sender::mail(const control::Delivery& delivery, const Site& site, bool& again) {
  MailServer server;
  server.url = channel_.server;
  server.tls = channel_.tls;
  server.ca_file = channel_.ca_file;
  server.time_limit = channel_.time_limit;
  server.cancelled = &cancelled_;
  TRY_ASSIGN(server.user, filled(channel_.user));
  TRY_ASSIGN(server.password, filled(channel_.password));
  Mail mail;
  mail.from = channel_.from;
  mail.to = channel_.to;
  if (const Json* to = delivery.body.find("to")) {
    mail.to.clear();
    for (const Json& one : to->array()) mail.to.push_back(one.as_string());
  }
  mail.subject = notice_subject(delivery, site);
  mail.text = notice_text(delivery, site);
  mail.html = notice_html(delivery, site);
  mail.attachments = notice_attachments(delivery);
  mail.at = delivery.created_at;
  mail.id = delivery.id;
  TRY(add_link(delivery, mail));
  const Status sent = send_mail(server, mail);
  if (!sent) again = is_worth_another_try(sent.error().code);
  return sent;
}

// To who subscribed: what confirms it, or what ends it.
Status Sender::add_link(const control::Delivery& delivery, Mail& mail) const {
  const std::string& subscription = delivery.body["subscription"].as_string();
  if (subscription.empty()) return {};
  const bool asks = delivery.body["event"].as_string() == "confirm";
  const std::string url = (asks ? parts_.confirm_url : parts_.unsubscribe_url)(subscription);
  if (url.empty()) return Error(Code::unavailable, "the link of this mail cannot be made");
  const char* const words = asks ? "Confirm" : "No more of this";
  mail.text += std::string("\n--\n") + words + ": " + url + "\n";
  const size_t end = mail.html.rfind("</body>");
  mail.html.insert(end == std::string::npos ? mail.html.size() : end,
                   "<p><a href=\"" + html_escape(url) + "\">" + words + "</a></p>");
  if (!asks) mail.unsubscribe_url = url;
  return {};
}

Status Sender::run(const control::Delivery& delivery, const Site& site, bool& again) {
  const std::string& program = channel_.command.front();
  if (std::find(parts_.commands.begin(), parts_.commands.end(), program) == parts_.commands.end()) {
    return Error(Code::denied, "channels may not run " + shown(program),
                 "the owner allows it in weir.yaml of the server's folder: notify: {commands: [" + program + "]}");
  }
  ChildOptions options;
  options.program = program_path(program);
  if (options.program.empty()) return Error(Code::not_found, "there is no program " + shown(program));
  options.arguments.assign(channel_.command.begin() + 1, channel_.command.end());
  options.environment_set = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"WEIR_DELIVERY", delivery.id}};
  options.folder = parts_.folder;
  options.input = notice_json(delivery, site).dump() + "\n";
  options.time_limit = channel_.time_limit;
  options.memory_bytes_max = kCommandMemoryBytesMax;
  options.open_files_max = kCommandOpenFilesMax;
  options.output_bytes_max = kWorkerWordsBytesMax;
  options.keeps_end = true;
  TRY_ASSIGN(const ChildResult ended, run_child(options, cancel_));
  if (ended.succeeded()) return {};
  again = true;
  const std::string words = last_lines(ended.error_output.empty() ? ended.output : ended.error_output);
  return Error(Code::io, program + ": " + ended.text(options) + (words.empty() ? "" : ": " + words));
}

Status Sender::append(const control::Delivery& delivery, const Site& site, bool& again) {
  namespace fs = std::filesystem;
  again = true;  // a full disk is emptied, a lost folder comes back
  const std::string path = join_path(parts_.folder, channel_.path);
  const std::string folder = parent_path(path);
  std::error_code failed;
  const fs::path root = fs::canonical(parts_.folder, failed);
  if (failed) return Error(Code::io, parts_.folder + ": " + failed.message());
  // Links are looked at before anything is made: the deepest folder that is there says where the path leads.
  const std::string inside = fs::weakly_canonical(path, failed).string();
  if (failed || !inside.starts_with(root.string() + "/") || fs::is_symlink(path, failed)) {
    return Error(Code::denied, "the file " + channel_.path + " leads out of the project's folder", "use no links");
  }
  Files& files = real_files();
  TRY(files.make_directories(folder));
  TRY_ASSIGN(const bool is_there, files.exists(path));
  TRY_ASSIGN(const auto file, files.open(path, OpenMode::create));
  TRY_ASSIGN(const uint64_t size, file->size());
  std::string line = notice_json(delivery, site).dump() + "\n";
  char last = '\n';
  if (size > 0) {
    TRY_ASSIGN([[maybe_unused]] const size_t read, file->read_at(size - 1, &last, 1));
  }
  if (last != '\n') line.insert(line.begin(), '\n');  // a line that was cut by a kill stays by itself
  TRY(file->write_at(size, line));
  TRY(file->sync());
  if (!is_there) {
    TRY(files.sync_directory(folder));
  }
  return {};
}

}  // namespace weir::notify
