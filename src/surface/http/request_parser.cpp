#include "surface/http/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <cstring>

#include "core/base/text.h"
#include "surface/http/url.h"

namespace weir::http {

namespace beast = boost::beast;

namespace {

Method method_of(beast::http::verb verb) {
  switch (verb) {
    case beast::http::verb::get:
      return Method::get;
    case beast::http::verb::head:
      return Method::head;
    case beast::http::verb::post:
      return Method::post;
    case beast::http::verb::put:
      return Method::put;
    case beast::http::verb::patch:
      return Method::patch;
    case beast::http::verb::delete_:
      return Method::erase;
    case beast::http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

// Beast calls these while it reads; they only note where things are.
class RequestParser::Grammar final : public beast::http::basic_parser<true> {
 public:
  explicit Grammar(RequestParser& to) : to_(to) {
    eager(false);
    header_limit(static_cast<uint32_t>(to.limits_.head_bytes_max));
    body_limit(UINT64_MAX);  // the route decides later; "none" compares below every length in 1.74
  }

  const char* bytes_begin = nullptr;  // of the head
  const char* bytes_end = nullptr;
  bool too_many_headers = false;
  bool folded = false;
  int hosts = 0;
  bool other_transfer_encoding = false;
  bool other_expectation = false;

 private:
  using Code = boost::system::error_code;

  void on_request_impl(beast::http::verb method, beast::string_view method_text, beast::string_view target, int version,
                       Code&) override {
    RequestHead& head = to_.head_;
    head.method = method_of(method);
    head.method_text = view(method_text);
    head.target = view(target);
    head.http11 = version == 11;
  }
  void on_response_impl(int, beast::string_view, int, Code&) override {}

  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                     Code& error) override {
    if (is_header_read_) return;  // a trailer: nothing of ours reads those
    RequestHead& head = to_.head_;
    if (head.header_count == kHeadersMax) {
      too_many_headers = true;
      error = beast::http::error::header_limit;
      return;
    }
    if (!value.empty() && (value.data() < bytes_begin || value.data() >= bytes_end)) {
      folded = true;  // joined in a buffer of the parser's own
      error = beast::http::error::bad_obs_fold;
      return;
    }
    head.headers[head.header_count++] = {view(name), view(value)};
    note(field, view(value));
  }

  void note(beast::http::field field, std::string_view value) {
    RequestHead& head = to_.head_;
    switch (field) {
      case beast::http::field::host:
        ++hosts;
        head.host = value;
        break;
      case beast::http::field::origin:
        head.origin = value;
        break;
      case beast::http::field::authorization:
        head.authorization = value;
        break;
      case beast::http::field::cookie:
        head.cookie = value;
        break;
      case beast::http::field::transfer_encoding:
        if (!equal_ignoring_case(value, "chunked")) other_transfer_encoding = true;
        break;
      case beast::http::field::expect:
        if (equal_ignoring_case(value, "100-continue")) {
          head.expects_continue = true;
        } else {
          other_expectation = true;
        }
        break;
      default:
        break;
    }
  }

  void on_header_impl(Code&) override { is_header_read_ = true; }
  void on_body_init_impl(const boost::optional<uint64_t>&, Code&) override {}

  size_t on_body_impl(beast::string_view piece, Code&) override {
    const std::string_view bytes = view(piece);
    if (to_.collected_.empty() && bytes.size() == to_.head_.content_length) {
      to_.piece_ = bytes;
      to_.in_one_piece_ = true;
    } else {
      to_.collected_.append(bytes);
    }
    return bytes.size();
  }
  void on_chunk_header_impl(uint64_t, beast::string_view, Code&) override {}
  size_t on_chunk_body_impl(uint64_t, beast::string_view piece, Code&) override {
    to_.collected_.append(view(piece));
    return piece.size();
  }
  void on_finish_impl(Code&) override {}

  RequestParser& to_;
  bool is_header_read_ = false;
};

RequestParser::RequestParser(ParserLimits limits) : limits_(limits) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  head_.header_count = 0;
  head_.expects_continue = false;
  head_.host = head_.origin = head_.authorization = head_.cookie = {};
  piece_ = {};
  collected_.clear();
  if (collected_.capacity() > 1 << 20) collected_.shrink_to_fit();
  in_one_piece_ = false;
  grammar_.reset();
}

RequestParser::Progress RequestParser::refuse(int status, const char* message) {
  refusal_ = {status, message};
  return Progress::refused;
}

RequestParser::Progress RequestParser::read_head(std::string_view bytes, size_t& used) {
  used = 0;
  const size_t end = bytes.substr(0, limits_.head_bytes_max).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= limits_.head_bytes_max) return refuse(431, "the request's head is larger than 16 KiB");
    return Progress::more;
  }
  const std::string_view block = bytes.substr(0, end + 4);
  grammar_ = std::make_unique<Grammar>(*this);
  grammar_->bytes_begin = block.data();
  grammar_->bytes_end = block.data() + block.size();
  boost::system::error_code error;
  used = grammar_->put({block.data(), block.size()}, error);
  if (grammar_->too_many_headers) return refuse(431, "the request has more than 64 headers");
  if (grammar_->folded) return refuse(400, "a header goes on over two lines");
  if (error == beast::http::error::bad_version) return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  if (error == beast::http::error::bad_content_length) return refuse(400, "malformed or contradicting Content-Length");
  if (error == beast::http::error::bad_transfer_encoding)
    return refuse(400, "malformed or contradicting Transfer-Encoding");
  if (error || !grammar_->is_header_done() || used != block.size()) return refuse(400, "malformed request");
  return check_head();
}

RequestParser::Progress RequestParser::check_head() {
  const Grammar& grammar = *grammar_;
  head_.keep_alive = grammar.keep_alive();
  head_.chunked = grammar.chunked();
  head_.content_length.reset();
  if (const auto length = grammar.content_length()) head_.content_length = *length;
  if (grammar.other_transfer_encoding) return refuse(501, "the only transfer encoding read here is chunked");
  if (head_.chunked && !head_.http11) return refuse(400, "HTTP/1.0 has no chunked bodies");
  if (grammar.hosts != 1) return refuse(400, "a request has exactly one Host header");
  if (grammar.other_expectation) return refuse(417, "the only expectation met here is 100-continue");
  if (head_.target.size() > limits_.target_bytes_max) return refuse(414, "the request's target is longer than 8 KiB");
  // Absolute form (RFC 9112 §3.2.2) is for proxies; accepting it would let its host differ from the Host header.
  if (!head_.target.starts_with('/') && !(head_.target == "*" && head_.method == Method::options)) {
    return refuse(400, "the request's target must be a path");
  }
  for (const char character : head_.target) {
    if (static_cast<unsigned char>(character) <= ' ' || character == '\x7f' || character == '#') {
      return refuse(400, "the request's target has a character that must be escaped");
    }
  }
  const size_t question = head_.target.find('?');
  head_.path = head_.target.substr(0, question);
  head_.query = question == std::string_view::npos ? std::string_view{} : head_.target.substr(question + 1);
  return Progress::done;
}

void RequestParser::move_head(const char* from, const char* to) {
  const auto follow = [from, to](std::string_view& text) {
    if (!text.empty()) text = {to + (text.data() - from), text.size()};
  };
  for (std::string_view* text : {&head_.method_text, &head_.target, &head_.path, &head_.query, &head_.host,
                                 &head_.origin, &head_.authorization, &head_.cookie}) {
    follow(*text);
  }
  for (size_t index = 0; index < head_.header_count; ++index) {
    follow(head_.headers[index].name);
    follow(head_.headers[index].value);
  }
}

void RequestParser::set_body_bytes_max(uint64_t bytes) {
  grammar_->body_limit(bytes);
}

RequestParser::Progress RequestParser::read_body(std::string_view bytes, size_t& used) {
  used = 0;
  if (grammar_->is_done()) return Progress::done;
  grammar_->eager(true);
  boost::system::error_code error;
  used = grammar_->put({bytes.data(), bytes.size()}, error);
  if (grammar_->is_done()) return Progress::done;
  if (error == beast::http::error::body_limit) return refuse(413, "the request's body is larger than this route takes");
  // What a chunk's header leaves behind is given again with the next piece; it is short unless somebody means harm.
  if (bytes.size() - used > limits_.head_bytes_max) return refuse(400, "a chunk's header is longer than 16 KiB");
  if (error && error != beast::http::error::need_more) return refuse(400, "malformed body");
  return Progress::more;
}

void RequestParser::own_body() {
  if (!in_one_piece_) return;
  collected_.assign(piece_);
  in_one_piece_ = false;
}

}  // namespace weir::http
