// S3Client: signed requests to one bucket of S3, or of a server that speaks like it.
//
// A request is tried again, up to kAttempts times with a growing wait, when the server is busy or broken (408, 429,
// 5xx), does not answer in time, or cuts the connection; it is stopped within 100 ms. Errors: not_found (object,
// bucket), denied (keys, rights, certificate), conflict (a precondition), unavailable, timed_out, cancelled, io,
// invalid. They name the address and S3's own code, never a key or a signature. Any thread.
//
// Source: Amazon S3 API Reference 2006-03-01; addressing as in "Virtual hosting of buckets".
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/io/aws_signature.h"
#include "core/io/http_client.h"

namespace weir {

// Set from outside: what is under way ends as cancelled. Null: it cannot be stopped.
using StopFlag = std::shared_ptr<const std::atomic<bool>>;

struct S3Place {
  std::string endpoint;  // "https://s3.eu-central-1.amazonaws.com", without a path
  std::string region = "us-east-1";
  std::string bucket;
  std::string prefix;         // before every key; empty, or ends as it shall
  bool is_path_style = true;  // https://endpoint/bucket/key, else https://bucket.endpoint/key
  std::string ca_file;        // trust these certificates instead of the system's; empty for those
  HttpHeaders on_write;       // of every object that is written: x-amz-server-side-encryption …
  bool is_signed = true;      // else requests carry no signature: a bucket for everybody
};

struct S3Request {
  std::string method = "GET";
  std::string key{};  // with the prefix; empty: the bucket itself
  std::vector<std::pair<std::string, std::string>> query{};
  HttpHeaders headers{};
  std::string_view body{};  // must stay until the call returns
  uint64_t response_bytes_max = 16u << 20;
  // Without these headers (in lower case), or without this in its body, the answer was cut: it is asked for again.
  std::vector<std::string_view> needs{};
  std::string_view needs_in_body{};
};

class S3Client {
 public:
  static constexpr int kAttempts = 6;
  struct Parts {
    Clock& clock;
    // Asked for each request, so that keys may be changed while it runs.
    std::function<Result<AwsCredentials>()> credentials;
    Duration first_wait = milliseconds(100);  // before the second attempt; doubled each time
  };
  S3Client(S3Place place, Parts parts) : place_(std::move(place)), parts_(std::move(parts)) {}

  const S3Place& place() const { return place_; }
  // A response of 2xx; everything else is an error.
  Result<HttpResponse> send(const S3Request& request, const StopFlag& stop);
  // All at once; the first error of any of them.
  Result<std::vector<HttpResponse>> send_all(const std::vector<S3Request>& requests, const StopFlag& stop);
  // "s3.example/bucket/key", for messages.
  std::string shown(const std::string& key) const;

 private:
  Result<HttpRequest> prepared(const S3Request& request, const AwsCredentials& credentials) const;
  Error refusal(const S3Request& request, const HttpResponse& response) const;

  const S3Place place_;
  const Parts parts_;
  HttpClientPool clients_;
};

// Endpoint, region, bucket and prefix that make sense together; `invalid` says what does not.
Status check_s3_place(const S3Place& place);

}  // namespace weir
