// The server's side of one SCRAM-SHA-256 exchange (RFC 5802, RFC 7677), without channel binding. Used by one thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/access/scram.h"

namespace weir::pgwire {

class ScramExchange {
 public:
  // `others`: of other passwords that are as good; with the same salt and iterations.
  ScramExchange(access::ScramVerifier verifier, std::string nonce, std::vector<access::ScramVerifier> others = {})
      : verifier_(std::move(verifier)), others_(std::move(others)), nonce_(std::move(nonce)) {}

  // client-first-message → server-first-message. Errors are of the protocol.
  Result<std::string> begin(std::string_view client_first);
  struct End {
    bool is_good = false;
    std::string message;  // server-final-message, if it is
  };
  // client-final-message. An exchange that is no proof at all is an error; a proof that does not fit is not good.
  Result<End> finish(std::string_view client_final);

 private:
  const access::ScramVerifier verifier_;
  const std::vector<access::ScramVerifier> others_;
  std::string nonce_;           // the server's; client's and server's after begin()
  std::string gs2_header_;      // as the client sent it
  std::string first_messages_;  // client-first-bare and server-first, with the comma between them and behind
};

}  // namespace weir::pgwire
