// The embedded pages: one document for every address of theirs, and its files.
#include <algorithm>
#include <map>

#include "surface/http/routes/routes.h"
#include "surface/http/security.h"
#include "surface/http/url.h"

namespace weir::http {

namespace {

constexpr std::string_view kIndex = "/index.html";
constexpr std::string_view kForEver = "public, max-age=31536000, immutable";  // the name changes with the bytes
constexpr std::string_view kAskEachTime = "no-cache";
constexpr std::string_view kNotBuilt =
    "<!doctype html><meta charset=utf-8><title>weir</title><p>This program was built without its pages. "
    "<code>scripts/build</code> builds them; the HTTP interface under <code>/v1/</code> works without.";

bool has_extension(std::string_view path) {
  const size_t slash = path.rfind('/');
  return path.find('.', slash == std::string_view::npos ? 0 : slash) != std::string_view::npos;
}

bool knows(std::string_view if_none_match, std::string_view etag) {
  if (etag.empty() || if_none_match.empty()) return false;
  return if_none_match == "*" || if_none_match.find(etag) != std::string_view::npos;
}

class Pages {
 public:
  explicit Pages(std::vector<PageFile> files) {
    for (const PageFile& file : files) files_.emplace(file.path, file);
  }

  Result<Response> answer(const Request& request) const {
    const auto named = files_.find(request.path);
    if (named != files_.end()) return file_response(named->second, request);
    // An unknown address of the interface, or a missing file, must not look like a page.
    if (request.path.starts_with("/v1/") || has_extension(request.path)) {
      return Error(Code::not_found, "there is nothing at this path");
    }
    const auto index = files_.find(kIndex);
    if (index != files_.end()) return file_response(index->second, request);
    Response response;
    response.status = 503;
    response.content_type = "text/html; charset=utf-8";
    response.fixed_body = kNotBuilt;
    response.kind = HeadKind::page;
    response.headers.emplace_back("Content-Security-Policy", page_policy(""));
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  }

 private:
  static Response file_response(const PageFile& file, const Request& request) {
    const bool is_page = file.content_type.starts_with("text/html");
    Response response;
    response.kind = is_page ? HeadKind::page : HeadKind::asset;
    response.content_type = file.content_type;
    response.headers.emplace_back("Cache-Control", file.path.starts_with("/assets/") ? kForEver : kAskEachTime);
    if (!file.etag.empty()) response.headers.emplace_back("ETag", file.etag);
    if (is_page) response.headers.emplace_back("Content-Security-Policy", page_policy(""));
    if (!file.gzip.empty()) response.headers.emplace_back("Vary", "Accept-Encoding");
    if (knows(request.header("if-none-match"), file.etag)) {
      response.status = 304;
    } else if (!file.gzip.empty() && names_token(request.header("accept-encoding"), "gzip")) {
      response.headers.emplace_back("Content-Encoding", "gzip");
      response.fixed_body = file.gzip;
    } else {
      response.fixed_body = file.bytes;
    }
    return response;
  }

  std::map<std::string_view, PageFile> files_;
};

}  // namespace

void add_page_routes(Router& router, std::vector<PageFile> files) {
  const auto pages = std::make_shared<const Pages>(std::move(files));  // lives in the handler
  Route route;
  route.pattern = "/{page}";
  route.access = Access::anyone;
  route.runs = Runs::on_io;
  route.body_bytes_max = 0;
  route.summary = "The pages.";
  route.handler = answers([pages](Request& request) { return pages->answer(request); });
  router.set_fallback(std::move(route));
}

}  // namespace weir::http
