// One function a service adds its operations to the table by the name that X-Amz-Target has. Internal to
// surface/awsapi.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "surface/awsapi/awsapi.h"
#include "surface/awsapi/message.h"

namespace weir::awsapi {

struct Call {
  const Caller& caller;
  const Members& members;
};

struct Operation {
  std::string service;  // that its signature must be for: "redshift-data"
  // Answers now or later; an error that it returns is answered by Refuse.
  std::function<Status(const Call& call, const Answer& answer)> run;
  std::function<Refusal(const Error& error)> refuse = refusal_of;
};
using Operations = std::map<std::string, Operation, std::less<>>;  // "RedshiftData.ExecuteStatement"

void add_data_api(Operations& operations, const Parts& parts);
void add_firehose(Operations& operations, const Parts& parts);
void add_secrets_manager(Operations& operations, const Parts& parts);

}  // namespace weir::awsapi
