#include "core/io/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "core/base/check.h"
#include "core/io/socket_path.h"

namespace weir {

namespace {

constexpr long kConnectTimeoutMs = 10'000;
constexpr int kPollMs = 50;  // how long a cancel may go unnoticed
constexpr size_t kHeaderBytesMax = 256 << 10;
constexpr size_t kSocketsMax = 64;
constexpr size_t kIdleClientsMax = 16;  // of one pool

struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeHeaders>;

bool is_token(std::string_view text) {
  constexpr std::string_view kAllowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

Status check_request(const HttpRequest& request) {
  if (!is_token(request.method)) return Error(Code::invalid, "\"" + request.method + "\" is no HTTP method");
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return Error(Code::invalid, "\"" + name + "\" is no name of an HTTP header");
    const bool is_clean = std::none_of(value.begin(), value.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
    if (!is_clean) return Error(Code::invalid, "the HTTP header " + name + " holds a control character");
  }
  return {};
}

Result<std::string> host_of(const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), &curl_url_cleanup);
  if (!parsed) return Error(Code::internal, "curl could not start");
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK) return Error(Code::invalid, "\"" + url + "\" is no URL: " + curl_url_strerror(code));
  char* text = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_SCHEME, &text, 0) == CURLUE_OK) {
    const std::string scheme = text;
    curl_free(text);
    if (scheme != "http" && scheme != "https") {
      return Error(Code::invalid, "\"" + url + "\" is neither http:// nor https://");
    }
  }
  text = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_HOST, &text, 0) != CURLUE_OK || text == nullptr) {
    return Error(Code::invalid, "\"" + url + "\" names no host");
  }
  std::string host = text;
  curl_free(text);
  return host;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]";
}

// The request under way, as the callbacks of curl see it.
struct Exchange {
  const HttpRequest& request;
  const TakeBody* take = nullptr;  // null: into the response
  HttpResponse response{};
  uint64_t body_bytes = 0;
  size_t header_bytes = 0;
  Status failure{};  // why a callback of ours stopped it
  Status end{};      // how it ended
  bool is_running = false;
  HeaderList headers{};  // what curl was given
};

void read_header(Exchange& exchange, std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    // A new head begins: what came before was "100 Continue" or a proxy's answer.
    exchange.response.headers.clear();
    const size_t space = line.find(' ');
    exchange.response.status = space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space)).c_str());
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(line.substr(0, colon));
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  line.remove_prefix(colon + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  exchange.response.headers.emplace_back(std::move(name), line);
}

// Returning another number than `size` makes curl stop; the reason is kept beside it. An exception must not pass
// through curl's C code.
size_t take_header(char* data, size_t, size_t size, void* pointer) noexcept {
  auto& exchange = *static_cast<Exchange*>(pointer);
  exchange.header_bytes += size;
  if (exchange.header_bytes > kHeaderBytesMax) {
    exchange.failure = Error(Code::too_large, exchange.request.url + " answered with headers of more than " +
                                                  std::to_string(kHeaderBytesMax) + " bytes");
    return 0;
  }
  read_header(exchange, {data, size});
  return size;
}

size_t take_body(char* data, size_t, size_t size, void* pointer) noexcept {
  auto& exchange = *static_cast<Exchange*>(pointer);
  exchange.body_bytes += size;
  if (exchange.body_bytes > exchange.request.response_bytes_max) {
    exchange.failure =
        Error(Code::too_large, exchange.request.url + " answered with more than " +
                                   std::to_string(exchange.request.response_bytes_max) + " bytes (response_bytes_max)");
    return 0;
  }
  if (exchange.take == nullptr) {
    exchange.response.body.append(data, size);
    return size;
  }
  exchange.failure = (*exchange.take)(exchange.response, {data, size});
  return exchange.failure ? size : 0;
}

Error error_of(CURLcode code, const HttpRequest& request, const char* words) {
  const std::string detail = *words != '\0' ? words : curl_easy_strerror(code);
  const std::string where = request.unix_socket.empty() ? request.url : request.url + " at " + request.unix_socket;
  const std::string message = request.method + " " + where + ": " + detail;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Error(Code::timed_out, message);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Error(Code::unavailable, message, "is the server running, and is this its address?");
    case CURLE_URL_MALFORMAT:
      return Error(Code::invalid, message);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return Error(Code::denied, message, "the certificate of the server is not trusted");
    default:
      return Error(Code::io, message);
  }
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [found, value] : headers) {
    if (found == name) return value;
  }
  return {};
}

struct FreeHandle {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

// One request at a time.
struct Line {
  std::unique_ptr<CURL, FreeHandle> easy;
  char words[CURL_ERROR_SIZE] = {};
};

struct HttpClient::State {
  CURLM* multi = nullptr;  // drives the lines, so that we decide how long a wait may be; has the open connections
  std::vector<std::unique_ptr<Line>> lines;  // as many as ever ran at once
  // Kept for the client's life: curl reuses a connection by the socket's text, and /proc/self/fd/N must go on meaning
  // the same folder.
  std::map<std::string, SocketPath> sockets;

  Line& line(size_t number);
  Status prepare(Line& line, Exchange& exchange);
  Result<std::string> socket_of(const std::string& path);
  void perform(std::vector<Exchange>& exchanges);
  void take_ended(std::vector<Exchange>& exchanges);
  void end(Exchange& exchange, Line& line, Status status);
};

HttpClient::HttpClient() : state_(std::make_unique<State>()) {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);  // once, by the first client
  CHECK(started == CURLE_OK, "libcurl starts");
  state_->multi = curl_multi_init();
  CHECK(state_->multi != nullptr, "libcurl gives handles");
}

HttpClient::~HttpClient() {
  state_->lines.clear();
  curl_multi_cleanup(state_->multi);
}

Line& HttpClient::State::line(size_t number) {
  while (lines.size() <= number) {
    lines.push_back(std::make_unique<Line>());
    lines.back()->easy.reset(curl_easy_init());
    CHECK(lines.back()->easy != nullptr, "libcurl gives handles");
  }
  return *lines[number];
}

Result<std::string> HttpClient::State::socket_of(const std::string& path) {
  const auto known = sockets.find(path);
  if (known != sockets.end()) return known->second.text();
  if (sockets.size() >= kSocketsMax) {
    return Error(Code::busy,
                 "one HTTP client has talked to " + std::to_string(kSocketsMax) + " Unix sockets, its limit");
  }
  TRY_ASSIGN(SocketPath shortened, SocketPath::of(path));
  return sockets.emplace(path, std::move(shortened)).first->second.text();
}

Status HttpClient::State::prepare(Line& line, Exchange& exchange) {
  const HttpRequest& request = exchange.request;
  HeaderList& headers = exchange.headers;
  CURL* const easy = line.easy.get();
  curl_easy_reset(easy);  // keeps connections, forgets the last request
  line.words[0] = '\0';
  TRY_ASSIGN(const std::string host, host_of(request.url));
  bool has_content_type = false;
  const auto add_header = [&](const std::string& text) {
    curl_slist* const longer = curl_slist_append(headers.get(), text.c_str());
    CHECK(longer != nullptr, "there is memory for a header");
    static_cast<void>(headers.release());
    headers.reset(longer);
  };
  for (const auto& [name, value] : request.headers) {
    // "Name;" is how curl sends a header without a value; "Name:" would take it out.
    add_header(value.empty() ? name + ";" : name + ": " + value);
    has_content_type = has_content_type || curl_strequal(name.c_str(), "content-type");
  }
  if (!has_content_type) add_header("Content-Type:");  // curl would claim a form
  add_header("Expect:");                               // no waiting for "100 Continue"
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, line.words);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!request.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
  if (request.time_limit.micros > 0) {
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     static_cast<long>(std::max<int64_t>(1, request.time_limit.micros / 1000)));
  }
  if (!request.unix_socket.empty()) {
    TRY_ASSIGN(const std::string socket, socket_of(request.unix_socket));
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  }
  if (!request.unix_socket.empty() || is_loopback(host)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!request.body.empty() || (request.method != "GET" && request.method != "DELETE")) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data() != nullptr ? request.body.data() : "");
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  return {};
}

void HttpClient::State::end(Exchange& exchange, Line& line, Status status) {
  curl_multi_remove_handle(multi, line.easy.get());
  exchange.is_running = false;
  exchange.end = std::move(status);
}

// What curl is done with.
void HttpClient::State::take_ended(std::vector<Exchange>& exchanges) {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
    CHECK(message->msg == CURLMSG_DONE, "curl tells of nothing else");
    const CURLcode code = message->data.result;
    for (size_t i = 0; i < exchanges.size(); ++i) {
      if (lines[i]->easy.get() != message->easy_handle) continue;
      Status status;
      if (!exchanges[i].failure) {
        status = exchanges[i].failure;
      } else if (code != CURLE_OK) {
        status = error_of(code, exchanges[i].request, lines[i]->words);
      }
      end(exchanges[i], *lines[i], std::move(status));
      break;
    }
  }
}

void HttpClient::State::perform(std::vector<Exchange>& exchanges) {
  for (size_t i = 0; i < exchanges.size(); ++i) {
    Exchange& exchange = exchanges[i];
    exchange.end = check_request(exchange.request);
    if (exchange.end) exchange.end = prepare(line(i), exchange);
    if (!exchange.end) continue;
    exchange.is_running = curl_multi_add_handle(multi, line(i).easy.get()) == CURLM_OK;
    if (!exchange.is_running) exchange.end = Error(Code::internal, "curl did not take the request");
  }
  while (true) {
    int running = 0;
    const CURLMcode driven = curl_multi_perform(multi, &running);
    take_ended(exchanges);
    bool is_any_running = false;
    for (size_t i = 0; i < exchanges.size(); ++i) {
      Exchange& exchange = exchanges[i];
      if (!exchange.is_running) continue;
      const HttpRequest& request = exchange.request;
      if (driven != CURLM_OK) {
        end(exchange, *lines[i], Error(Code::internal, std::string("curl: ") + curl_multi_strerror(driven)));
      } else if (request.cancelled != nullptr && request.cancelled->load(std::memory_order_relaxed)) {
        end(exchange, *lines[i], Error(Code::cancelled, request.method + " " + request.url + " was cancelled"));
      }
      is_any_running = is_any_running || exchange.is_running;
    }
    if (!is_any_running) return;
    curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr);
  }
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  return stream(request, nullptr);
}

Result<HttpResponse> HttpClient::stream(const HttpRequest& request, const TakeBody& take) {
  std::vector<Exchange> exchanges;
  exchanges.push_back({.request = request, .take = take ? &take : nullptr});
  state_->perform(exchanges);
  TRY(std::move(exchanges.front().end));
  return std::move(exchanges.front().response);
}

std::vector<Result<HttpResponse>> HttpClient::send_all(const std::vector<HttpRequest>& requests) {
  std::vector<Exchange> exchanges;
  exchanges.reserve(requests.size());
  for (const HttpRequest& request : requests) exchanges.push_back({.request = request});
  state_->perform(exchanges);
  std::vector<Result<HttpResponse>> out;
  for (Exchange& exchange : exchanges) {
    if (exchange.end) {
      out.emplace_back(std::move(exchange.response));
    } else {
      out.emplace_back(exchange.end.error());
    }
  }
  return out;
}

HttpClientPool::Lease HttpClientPool::take() {
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<HttpClient> client = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(client));
    }
  }
  return Lease(*this, std::make_unique<HttpClient>());
}

HttpClientPool::Lease::~Lease() {
  if (!client_) return;
  const MutexLock lock(pool_->mutex_);
  if (pool_->idle_.size() < kIdleClientsMax) pool_->idle_.push_back(std::move(client_));
}

std::optional<int64_t> parse_http_time(const std::string& text) {
  const time_t seconds_since = curl_getdate(text.c_str(), nullptr);
  if (seconds_since < 0) return std::nullopt;
  return static_cast<int64_t>(seconds_since) * 1'000'000;
}

}  // namespace weir
