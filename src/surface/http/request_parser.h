// Reads one HTTP/1.x request out of bytes that arrive in pieces. No socket in here: bytes in, a request out, so that it
// can be fuzzed.
//
// Beast's parser does the grammar; what it leaves open is closed here: the head is looked at only when it is whole,
// header values are plain views into the given bytes (folded lines are refused), Host is there exactly once,
// Transfer-Encoding is `chunked` or refused, every length has a limit. Not thread-safe; one parser reads one request at
// a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "surface/http/http.h"

namespace weir::http {

struct ParserLimits {
  size_t head_bytes_max = 16 << 10;
  size_t target_bytes_max = 8 << 10;
};
inline constexpr size_t kHeadersMax = 64;

// Why a request is not answered by a route: a status and a sentence that names the limit.
struct Refusal {
  int status = 400;
  const char* message = "malformed request";
};

struct RequestHead {
  Method method = Method::other;
  std::string_view method_text, target, path, query;
  bool http11 = true;
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::optional<uint64_t> content_length;
  std::string_view host, origin, authorization, cookie;
  std::array<Header, kHeadersMax> headers;
  size_t header_count = 0;

  std::span<const Header> all() const { return {headers.data(), header_count}; }
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

class RequestParser {
 public:
  explicit RequestParser(ParserLimits limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Progress { more, done, refused };

  // `bytes` is everything received of this request so far. done: head() points into `bytes` and `used` of them were the
  // head. more: nothing was used, give the same bytes again with more behind.
  Progress read_head(std::string_view bytes, size_t& used);
  const RequestHead& head() const { return head_; }
  // The head moved to another address (its bytes were copied): its views follow.
  void move_head(const char* from, const char* to);

  // Then the body, piece by piece; `used` bytes of each piece are taken. A body that came in one piece is not copied:
  // body() then points into that piece.
  void set_body_bytes_max(uint64_t bytes);
  Progress read_body(std::string_view bytes, size_t& used);
  std::string_view body() const { return in_one_piece_ ? piece_ : std::string_view(collected_); }
  size_t collected_bytes() const { return collected_.capacity(); }
  void own_body();  // copies a body that points into the last piece

  Refusal refusal() const { return refusal_; }
  void reset();  // for the next request

 private:
  class Grammar;
  Progress refuse(int status, const char* message);
  Progress check_head();

  const ParserLimits limits_;
  RequestHead head_;
  Refusal refusal_;
  std::string_view piece_;
  std::string collected_;
  bool in_one_piece_ = false;
  std::unique_ptr<Grammar> grammar_;
};

}  // namespace weir::http
