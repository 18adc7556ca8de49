#include "core/io/s3_client.h"

#include <algorithm>
#include <optional>
#include <random>
#include <thread>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/base/xml.h"

namespace weir {
namespace {

constexpr Duration kRequestTime = seconds(120);
constexpr Duration kWaitMax = seconds(5);
constexpr size_t kShownMax = 300;

// The head of an answer may be cut too, which the transport does not tell.
bool is_cut(const S3Request& request, const HttpResponse& answer) {
  if (answer.status / 100 != 2) return false;
  const bool has_all = std::all_of(request.needs.begin(), request.needs.end(),
                                   [&](std::string_view name) { return !answer.header(name).empty(); });
  return !has_all || answer.body.find(request.needs_in_body) == std::string::npos;
}

bool is_retried(const S3Request& request, const Result<HttpResponse>& answer) {
  if (!answer) {
    const Code code = answer.error().code;
    return code == Code::io || code == Code::timed_out || code == Code::unavailable;
  }
  if (is_cut(request, *answer)) return true;
  const int status = answer->status;
  if (status == 400) return answer->body.find("<Code>RequestTimeout</Code>") != std::string::npos;
  return status == 408 || status == 429 || (status >= 500 && status != 501);
}

bool is_stopped(const StopFlag& stop) {
  return stop && stop->load(std::memory_order_relaxed);
}

// Between half of it and all of it, so that many who failed together do not come back together.
void wait_before_retry(Duration first, int attempt, const StopFlag& stop) {
  thread_local std::minstd_rand chance{std::random_device{}()};
  const int64_t most = std::min(first.micros << std::min(attempt, 20), kWaitMax.micros);
  int64_t left = most / 2 + static_cast<int64_t>(chance() % static_cast<uint64_t>(most / 2 + 1));
  while (left > 0 && !is_stopped(stop)) {
    const int64_t slice = std::min<int64_t>(left, 20'000);
    std::this_thread::sleep_for(std::chrono::microseconds(slice));
    left -= slice;
  }
}

std::string host_of(std::string_view endpoint) {
  return std::string(endpoint.substr(endpoint.find("://") + 3));
}

std::string text_in(const HttpResponse& response, std::string_view name) {
  const auto found = element_texts(response.body, name, 8);
  return found && !found->empty() ? found->front() : std::string();
}

}  // namespace

Status check_s3_place(const S3Place& place) {
  const bool is_tls = place.endpoint.starts_with("https://");
  if (!is_tls && !place.endpoint.starts_with("http://")) {
    return Error(Code::invalid, weir::shown(place.endpoint) + " is no address of S3",
                 "for example https://s3.eu-central-1.amazonaws.com");
  }
  const std::string host = host_of(place.endpoint);
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '[' || c == ']' || c == '_';
  };
  if (host.empty() || !std::all_of(host.begin(), host.end(), is_plain)) {
    return Error(Code::invalid, weir::shown(place.endpoint) + " is no address of S3",
                 "scheme, host and port, without a path and without credentials");
  }
  if (place.region.empty() || place.bucket.empty()) return Error(Code::invalid, "a region and a bucket are needed");
  if (place.prefix.starts_with('/')) {
    return Error(Code::invalid, "the prefix " + weir::shown(place.prefix) + " begins with a slash",
                 "keys do not begin with one: write raw/ instead of /raw/");
  }
  return {};
}

std::string S3Client::shown(const std::string& key) const {
  std::string out = host_of(place_.endpoint) + "/" + place_.bucket;
  return key.empty() ? out : out + "/" + key;
}

Result<HttpRequest> S3Client::prepared(const S3Request& request, const AwsCredentials& credentials) const {
  const size_t scheme_end = place_.endpoint.find("://") + 3;
  std::string host = place_.endpoint.substr(scheme_end), path = "/";
  if (place_.is_path_style) {
    path += aws_escaped(place_.bucket, false) + (request.key.empty() ? "" : "/");
  } else {
    host = place_.bucket + "." + host;
  }
  path += aws_escaped(request.key, true);
  HttpHeaders headers = request.headers;
  if (place_.is_signed) {
    // What the transport writes has no port that the scheme has by itself.
    const bool is_tls = place_.endpoint.starts_with("https://");
    std::string host_header = host;
    for (const std::string_view port : {is_tls ? ":443" : ":80"}) {
      if (host_header.ends_with(port)) host_header.resize(host_header.size() - port.size());
    }
    const std::string hash = sha256_hex(request.body);
    headers = aws_signed({.method = request.method,
                          .host = host_header,
                          .path = path,
                          .query = request.query,
                          .headers = request.headers,
                          .payload_hash = hash,
                          .region = place_.region,
                          .service = "s3"},
                         credentials, parts_.clock.wall().micros);
  }
  const std::string query = aws_canonical_query(request.query);
  return HttpRequest{.method = request.method,
                     .url = place_.endpoint.substr(0, scheme_end) + host + path + (query.empty() ? "" : "?" + query),
                     .headers = std::move(headers),
                     .body = request.body,
                     .time_limit = kRequestTime,
                     .response_bytes_max = request.response_bytes_max,
                     .ca_file = place_.ca_file};
}

// S3 says why in XML; an answer to HEAD has none.
Error S3Client::refusal(const S3Request& request, const HttpResponse& response) const {
  const std::string code = text_in(response, "Code"), words = text_in(response, "Message");
  std::string message = request.method + " " + shown(request.key) + ": " + std::to_string(response.status);
  if (!code.empty()) message += " " + code;
  if (!words.empty()) message += ": " + words.substr(0, kShownMax);
  switch (response.status) {
    case 301:
    case 307:
    case 308: {
      const std::string region(response.header("x-amz-bucket-region"));
      return Error(Code::invalid, message,
                   region.empty() ? "is this the endpoint of the bucket's region?" : "the bucket is in " + region);
    }
    case 400:
      return Error(Code::invalid, message, "are endpoint, region and addressing those of the bucket?");
    case 401:
    case 403:
      if (code == "RequestTimeTooSkewed") return Error(Code::denied, message, "set the clock of this machine");
      if (!place_.is_signed) return Error(Code::denied, message, "the bucket declares no access_key");
      return Error(Code::denied, message,
                   "are access_key and secret_key of the bucket's declaration right, and may they do this?");
    case 404:
      if (code == "NoSuchBucket") return Error(Code::not_found, message, "is the bucket's declaration right?");
      return Error(Code::not_found, message);
    case 409:
    case 412:
      return Error(Code::conflict, message);
    case 411:
    case 413:
      return Error(Code::too_large, message);
    case 501:
      return Error(Code::unsupported, message);
    default:
      return Error(response.status >= 500 || response.status == 429 ? Code::unavailable : Code::io, message,
                   "the server was asked " + std::to_string(kAttempts) + " times");
  }
}

Result<HttpResponse> S3Client::send(const S3Request& request, const StopFlag& stop) {
  TRY_ASSIGN(std::vector<HttpResponse> answers, send_all({request}, stop));
  return std::move(answers.front());
}

Result<std::vector<HttpResponse>> S3Client::send_all(const std::vector<S3Request>& requests, const StopFlag& stop) {
  std::vector<HttpResponse> out(requests.size());
  std::vector<size_t> open;  // which are still to be answered
  for (size_t i = 0; i < requests.size(); ++i) open.push_back(i);
  const HttpClientPool::Lease client = clients_.take();
  for (int attempt = 0;; ++attempt) {
    if (is_stopped(stop)) return Error(Code::cancelled, "requests to " + shown("") + " were cancelled");
    AwsCredentials credentials;
    if (place_.is_signed) {
      TRY_ASSIGN(credentials, parts_.credentials());
    }
    std::vector<HttpRequest> sent;
    for (const size_t i : open) {
      TRY_ASSIGN(HttpRequest one, prepared(requests[i], credentials));
      one.cancelled = stop.get();
      sent.push_back(std::move(one));
    }
    const auto answers = client->send_all(sent);
    std::vector<size_t> again;
    for (size_t n = 0; n < open.size(); ++n) {
      const size_t i = open[n];
      const Result<HttpResponse>& answer = answers[n];
      if (attempt + 1 < kAttempts && is_retried(requests[i], answer)) {
        again.push_back(i);
      } else if (!answer) {
        return answer.error();
      } else if (answer->status / 100 != 2) {
        return refusal(requests[i], *answer);
      } else if (is_cut(requests[i], *answer)) {
        return Error(Code::io, requests[i].method + " " + shown(requests[i].key) + ": the answer is not whole");
      } else {
        out[i] = *answer;
      }
    }
    if (again.empty()) return out;
    open = std::move(again);
    wait_before_retry(parts_.first_wait, attempt, stop);
  }
}

}  // namespace weir
