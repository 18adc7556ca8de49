// The calls whose requests are forms and whose answers are XML: Redshift's GetClusterCredentials, with IAM or without,
// DescribeClusters, and STS GetCallerIdentity; and the serverless twins, which speak JSON. Internal to surface/awsapi.
//
// Source: AWS Query protocol (Smithy), Amazon Redshift API 2012-12-01, AWS STS API 2011-06-15.
#pragma once

#include <string>
#include <string_view>

#include "surface/awsapi/operations.h"

namespace weir::awsapi {

class QueryApi {
 public:
  QueryApi(const Parts& parts, const Facts& facts) : parts_(parts), facts_(facts) {}

  // For which service the request must be signed: "redshift" or "sts", by its Action.
  std::string_view service_of(const http::Request& request) const;
  void take(const http::Request& request, const Caller& caller, const http::Responder& responder) const;
  void fail(const Error& error, const http::Responder& responder) const;

  struct Wanted {
    std::string user;  // empty: the caller's own
    int64_t seconds = 900;
    bool creates_user = false;
    std::vector<std::string> groups = {};
  };
  // A password for the wire that is soon over.
  Result<access::ShortPassword> credentials(const Caller& caller, const Wanted& wanted) const;
  const Facts& facts() const { return facts_; }

 private:
  using Form = std::vector<std::pair<std::string, std::string>>;
  Result<std::string> answer_to(const Form& form, const Caller& caller) const;
  Result<std::string> give_credentials(const Form& form, const Caller& caller, bool by_identity) const;
  std::string clusters(const Form& form) const;

  const Parts parts_;
  const Facts facts_;
};

// RedshiftServerless.GetCredentials and GetWorkgroup.
void add_serverless(Operations& operations, const QueryApi& api);

}  // namespace weir::awsapi
