// cli::Backend over HTTP: to the server that owns the folder, to one elsewhere, or to the App of the command's own
// process.
#pragma once

#include <memory>
#include <string>

#include "app/app.h"
#include "core/io/http_client.h"
#include "surface/cli/backend.h"

namespace weir::app {

class HttpBackend : public cli::Backend {
 public:
  // Over a Unix socket if `socket` is given (then `url` only names the host), else over TCP with the token.
  HttpBackend(std::string url, std::string socket, std::string token, bool is_server)
      : url_(std::move(url)), socket_(std::move(socket)), token_(std::move(token)), is_server_(is_server) {}

  Result<cli::ApiResponse> call(const cli::ApiRequest& request) override;
  Result<cli::ApiResponse> stream(const cli::ApiRequest& request,
                                  const std::function<bool(std::string_view)>& take) override;
  bool is_server() const override { return is_server_; }
  std::unique_ptr<cli::Backend> beside() const override {
    return std::make_unique<HttpBackend>(url_, socket_, token_, is_server_);
  }
  // The App that answers, when it is this process's own: it lives as long as the backend.
  void keep(std::unique_ptr<App> app) { app_ = std::move(app); }

 private:
  HttpRequest prepared(const cli::ApiRequest& request) const;

  std::unique_ptr<App> app_;  // outlives the client
  std::string url_, socket_, token_;
  bool is_server_;
  HttpClient client_;
};

// The server on the folder's socket if one answers, the one that `common` names, or the folder itself.
Result<std::unique_ptr<cli::Backend>> open_backend(const cli::Common& common);
// For the tests of a project; see cli::Wiring::rehearse.
Result<std::unique_ptr<cli::Backend>> rehearse(const cli::Common& common, std::optional<WallTime> now);

}  // namespace weir::app
