// From the start-up packet to a user: which proof is asked for, and whether it was given. One object a connection,
// called on the lane by one thread at a time; every call may block.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "surface/pgwire/message.h"
#include "surface/pgwire/pgwire.h"
#include "surface/pgwire/scram_exchange.h"

namespace weir::pgwire {

struct Transport {
  Peer peer;
  bool is_encrypted = false;
  bool reads_list_short = false;  // redshift_connector: takes the end of a list of mechanisms for one without a name
  bool knows_scram = true;        // Amazon's JDBC driver does not
  // Nobody can read along.
  bool is_private() const { return is_encrypted || peer.unix_socket; }
};

class SignIn {
 public:
  SignIn(Authenticator& authenticator, Random& random, Transport transport, std::string user)
      : authenticator_(authenticator), random_(random), transport_(std::move(transport)), user_(std::move(user)) {}

  // What comes of a step: bytes to send, and the user if it was the last one. An error ends the connection.
  struct Step {
    std::string reply;
    std::optional<warehouse::User> user;
  };
  Result<Step> begin();
  Result<Step> answer(std::string_view body);  // of a message 'p'

  const char* way() const { return way_; }  // "scram", for the log

 private:
  Result<Step> answer_scram(std::string_view body);
  Result<Step> finish_proof(bool is_good, std::string reply);

  Authenticator& authenticator_;
  Random& random_;
  const Transport transport_;
  const std::string user_;
  const char* way_ = "none";
  Authenticator::Challenge challenge_;
  std::string md5_salt_;
  std::unique_ptr<ScramExchange> scram_;  // after the first message
};

}  // namespace weir::pgwire
