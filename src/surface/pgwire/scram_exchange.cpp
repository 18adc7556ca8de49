#include "surface/pgwire/scram_exchange.h"

#include "core/base/text.h"
#include "surface/pgwire/message.h"

namespace weir::pgwire {

namespace {

// The value of "r=…" at the beginning of `text`, which is moved behind it and its comma. Nothing: another attribute.
std::optional<std::string_view> take_attribute(std::string_view& text, char name) {
  if (text.size() < 2 || text[0] != name || text[1] != '=') return std::nullopt;
  const size_t end = std::min(text.find(','), text.size());
  const std::string_view value = text.substr(2, end - 2);
  text.remove_prefix(std::min(end + 1, text.size()));
  return value;
}

bool is_printable(std::string_view text) {
  for (const char character : text) {
    if (character < 0x21 || character > 0x7E || character == ',') return false;
  }
  return !text.empty();
}

}  // namespace

Result<std::string> ScramExchange::begin(std::string_view client_first) {
  if (client_first.starts_with("p=")) return protocol_error("channel binding is not offered here");
  if (!client_first.starts_with("n,,") && !client_first.starts_with("y,,")) {
    return protocol_error("a SCRAM exchange begins with n,, or y,,");
  }
  gs2_header_ = client_first.substr(0, 3);
  const std::string_view bare = client_first.substr(3);
  std::string_view left = bare;
  if (left.starts_with("m=")) return protocol_error("no extension of SCRAM is known here");
  if (!take_attribute(left, 'n'))
    return protocol_error("a SCRAM exchange names a user");  // the start-up packet's counts
  const auto nonce = take_attribute(left, 'r');
  if (!nonce || !is_printable(*nonce)) return protocol_error("a SCRAM exchange begins with a nonce");
  nonce_ = std::string(*nonce) + nonce_;
  const std::string reply =
      "r=" + nonce_ + ",s=" + base64_encode(verifier_.salt) + ",i=" + std::to_string(verifier_.iterations);
  first_messages_ = std::string(bare) + "," + reply + ",";
  return reply;
}

Result<ScramExchange::End> ScramExchange::finish(std::string_view client_final) {
  std::string_view left = client_final;
  const auto binding = take_attribute(left, 'c');
  const auto nonce = take_attribute(left, 'r');
  const size_t proof_at = client_final.rfind(",p=");
  if (!binding || !nonce || proof_at == std::string_view::npos) {
    return protocol_error("the end of a SCRAM exchange has no binding, nonce or proof");
  }
  if (*binding != base64_encode(gs2_header_)) return protocol_error("channel binding is not offered here");
  if (*nonce != nonce_) return protocol_error("the nonce of the SCRAM exchange is another one");
  const Result<std::string> proof = base64_decode(client_final.substr(proof_at + 3));
  if (!proof || proof->size() != 32) return protocol_error("the proof of the SCRAM exchange has not 32 bytes");
  const std::string message = first_messages_ + std::string(client_final.substr(0, proof_at));
  End end;
  end.is_good = access::scram_proof_fits(verifier_, message, *proof);
  const access::ScramVerifier* fits = &verifier_;
  for (const access::ScramVerifier& other : others_) {
    if (end.is_good || !access::scram_proof_fits(other, message, *proof)) continue;
    end.is_good = true;
    fits = &other;
  }
  if (end.is_good) end.message = "v=" + base64_encode(access::scram_server_signature(*fits, message));
  return end;
}

}  // namespace weir::pgwire
