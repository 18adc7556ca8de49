#include "surface/http/http.h"

#include "core/base/text.h"
#include "surface/http/url.h"

namespace weir::http {

const char* method_name(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::erase:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      return "OTHER";
  }
  return "OTHER";
}

bool Caller::may_write(std::string_view stream) const {
  if (may_administer()) return true;
  if (!identity || identity->role != access::Role::write) return false;
  if (identity->streams.empty()) return true;
  for (const std::string& allowed : identity->streams) {
    if (allowed == stream) return true;
  }
  return false;
}

std::string Caller::name() const {
  if (!identity) return "nobody";
  return identity->label.empty() ? identity->id : identity->id + " (" + identity->label + ")";
}

std::string_view Request::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

std::string_view Request::parameter(std::string_view name) const {
  for (size_t index = 0; index < path_value_count; ++index) {
    if (path_values[index].name == name) return path_values[index].value;
  }
  return {};
}

std::optional<std::string> Request::query_value(std::string_view name) const {
  for (auto& [key, value] : query_pairs(query)) {
    if (key == name) return std::move(value);
  }
  return std::nullopt;
}

// Lays every text of a request into one block and points the copy's views there.
class RequestOwner {
 public:
  explicit RequestOwner(const Request& from) : from_(from) {}

  Request copy() {
    Request to;
    to.method = from_.method;
    to.http11 = from_.http11;
    to.caller = from_.caller;
    to.number = from_.number;
    to.cancel = from_.cancel;
    to.path_values = from_.path_values;
    to.path_value_count = from_.path_value_count;
    auto block = std::make_shared<std::string>();
    block->reserve(size());
    to.target = put(*block, from_.target);
    to.path = put(*block, from_.path);
    to.query = put(*block, from_.query);
    to.headers_storage_.reserve(from_.headers.size());
    for (const Header& header : from_.headers) {
      const std::string_view name = put(*block, header.name);
      to.headers_storage_.push_back({name, put(*block, header.value)});
    }
    to.headers = to.headers_storage_;
    to.body = put(*block, from_.body);
    to.is_encrypted = from_.is_encrypted;
    to.storage_ = std::move(block);
    if (from_.peer) {
      auto peer = std::make_shared<Peer>(*from_.peer);
      to.peer = peer.get();
      to.peer_storage_ = std::move(peer);
    }
    return to;
  }

 private:
  size_t size() const {
    size_t bytes = from_.target.size() + from_.path.size() + from_.query.size() + from_.body.size();
    for (const Header& header : from_.headers) bytes += header.name.size() + header.value.size();
    return bytes;
  }
  // The block was reserved whole, so it never moves.
  static std::string_view put(std::string& block, std::string_view text) {
    const size_t at = block.size();
    block.append(text);
    return std::string_view(block).substr(at);
  }

  const Request& from_;
};

Request Request::owned() const {
  return RequestOwner(*this).copy();
}

Response json_response(std::string body, int status) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Handler answers(std::function<Result<Response>(Request&)> function) {
  return [function = std::move(function)](Request& request, const Responder& responder) {
    Result<Response> response = function(request);
    if (!response) {
      responder.fail(response.error());
    } else {
      responder.send(std::move(*response));
    }
  };
}

}  // namespace weir::http
