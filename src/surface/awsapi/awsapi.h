// The dialects of AWS that clients of the seeds speak: Redshift's Data API, Firehose, Secrets Manager, the calls that
// hand out short-lived passwords, and S3 over the store. One listener for all of them: clients name it as their
// endpoint (AWS_ENDPOINT_URL) and sign with an access key of `weir token create --access-key`.
//
// Every request is verified by its signature (sigv4.h), or refused; then it is a call of the rooms, with the rights of
// the key's identity. Calls run on the interactive lane; waiting ones hold no thread. docs/guides/aws.md tells what is
// answered and what is not.
//
// Threads: the routes' handlers; everything in Parts outlives the Api, and the Api the server.
#pragma once

#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/project/settings.h"
#include "core/runtime/lanes.h"
#include "platform/access/access.h"
#include "platform/access/secrets.h"
#include "platform/access/short_passwords.h"
#include "platform/access/users.h"
#include "platform/warehouse/buckets.h"
#include "platform/warehouse/jobs.h"
#include "platform/warehouse/warehouse.h"
#include "stream/capture/capture.h"
#include "surface/http/router.h"

namespace weir::awsapi {

struct Parts {
  warehouse::Warehouse& warehouse;
  warehouse::Jobs& jobs;
  warehouse::Buckets& buckets;
  access::Users& users;
  access::Access& access;
  access::Secrets& secrets;
  access::ShortPasswords& passwords;
  capture::Capture& capture;
  Clock& clock;
  Random& random;
  Lanes& lanes;
};

struct Facts {
  std::string wire_address;  // where short-lived passwords are for
  uint16_t wire_port = 0;
};

class Api {
 public:
  virtual ~Api() = default;
  static std::unique_ptr<Api> make(const Parts& parts, const Facts& facts);
  // Answers every path. Outlives the router.
  virtual void add_to(http::Router& router) = 0;
};

// aws.enabled, aws.address, aws.port
project::SettingTable aws_settings();

}  // namespace weir::awsapi
