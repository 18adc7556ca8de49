#include "app/backend.h"

#include "core/project/project.h"

namespace weir::app {
namespace {

constexpr uint64_t kReplyBytesMax = 4ull << 30;
constexpr uint64_t kTokenFileBytesMax = 4096;

cli::ApiResponse translated(HttpResponse response) {
  cli::ApiResponse out;
  out.status = response.status;
  out.content_type = std::string(response.header("content-type"));
  out.body = std::move(response.body);
  return out;
}

bool answers(const std::string& socket) {
  auto there = real_files().exists(socket);
  if (!there || !*there) return false;
  HttpClient client;
  auto response = client.send({.url = "http://localhost/health/live", .unix_socket = socket, .time_limit = seconds(2)});
  return response && response->status == 200;
}

// A token on the command line would be seen by everybody who lists the machine's processes.
Result<std::string> token_of(const cli::Common& common) {
  std::string token = common.token;
  if (!common.token_file.empty()) {
    TRY_ASSIGN(token, read_file(real_files(), common.token_file, kTokenFileBytesMax));
    token = token.substr(0, token.find_first_of("\r\n"));
  }
  if (token.empty()) {
    return Error(Code::unauthenticated, "--server needs a token",
                 "WEIR_TOKEN=… weir …, or --token-file FILE; from `weir token create` on that machine");
  }
  if (token.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=") !=
      std::string::npos) {
    return Error(Code::invalid, "the token has characters that no token has",
                 "give it as `weir token create` printed it");
  }
  return token;
}

}  // namespace

HttpRequest HttpBackend::prepared(const cli::ApiRequest& request) const {
  HttpRequest out;
  out.method = request.method;
  out.url = url_ + request.path;
  out.headers = {{"Accept", request.accept}, {"User-Agent", "weir-cli"}};
  if (request.method != "GET") out.headers.emplace_back("Content-Type", request.content_type);
  if (!token_.empty()) out.headers.emplace_back("Authorization", "Bearer " + token_);
  out.body = request.body;
  out.unix_socket = socket_;
  out.time_limit = request.time_limit;
  out.response_bytes_max = kReplyBytesMax;
  return out;
}

Result<cli::ApiResponse> HttpBackend::call(const cli::ApiRequest& request) {
  TRY_ASSIGN(HttpResponse response, client_.send(prepared(request)));
  return translated(std::move(response));
}

Result<cli::ApiResponse> HttpBackend::stream(const cli::ApiRequest& request,
                                             const std::function<bool(std::string_view)>& take) {
  std::string failure;  // what an error says is no part of what was asked for
  TRY_ASSIGN(HttpResponse response,
             client_.stream(prepared(request), [&](const HttpResponse& head, std::string_view piece) -> Status {
               if (head.status >= 400) {
                 failure += piece;
                 return {};
               }
               if (take(piece)) return {};
               return Error(Code::cancelled, "nobody reads on");
             }));
  if (response.status >= 400) response.body = std::move(failure);
  return translated(std::move(response));
}

Result<std::unique_ptr<cli::Backend>> open_backend(const cli::Common& common) {
  if (!common.server.empty()) {
    std::string url = common.server;
    while (url.ends_with('/')) url.pop_back();
    TRY_ASSIGN(const std::string token, token_of(common));
    return std::unique_ptr<cli::Backend>(std::make_unique<HttpBackend>(url, "", token, true));
  }
  TRY_ASSIGN(std::string state, project::state_folder(common.folder, common.environment));
  const std::string socket = join_path(state, "weir.sock");
  if (answers(socket))
    return std::unique_ptr<cli::Backend>(std::make_unique<HttpBackend>("http://localhost", socket, "", true));
  AppOptions options;
  options.folder = common.folder;
  options.environment = common.environment;
  options.serves = false;
  options.applies_folder = false;
  options.report = common.report_error;
  TRY_ASSIGN(auto app, App::open(options));
  auto backend = std::make_unique<HttpBackend>("http://localhost", app->socket_path(), "", false);
  backend->keep(std::move(app));
  return std::unique_ptr<cli::Backend>(std::move(backend));
}

Result<std::unique_ptr<cli::Backend>> rehearse(const cli::Common& common, std::optional<WallTime> now) {
  AppOptions options;
  options.folder = common.folder;
  options.environment = common.environment;
  options.serves = false;
  options.applies_folder = false;
  options.rehearses = true;
  options.now = now;
  options.report = common.report_error;
  TRY_ASSIGN(auto app, App::open(options));
  auto backend = std::make_unique<HttpBackend>("http://localhost", app->socket_path(), "", false);
  backend->keep(std::move(app));
  return std::unique_ptr<cli::Backend>(std::move(backend));
}

}  // namespace weir::app
