#include "core/project/spine.h"
#include "surface/awsapi/awsapi.h"

namespace weir::awsapi {

using enum project::SettingType;

project::SettingTable aws_settings() {
  return {
      {.name = "aws.enabled",
       .type = flag,
       .otherwise = true,
       .prose = "Whether clients of AWS are answered: Redshift's Data API, Firehose, Secrets Manager, S3.",
       .example = "true"},
      {.name = "aws.address",
       .type = text,
       .otherwise = "127.0.0.1",
       .prose =
           "Address of that listener, which clients name as their endpoint. Off loopback it needs `tls.certificate`, "
           "and clients that are not on this machine need TLS.",
       .example = "127.0.0.1",
       .check = project::check_host},
      {.name = "aws.port",
       .type = integer,
       .otherwise = 8481,
       .prose = "Its port. 0 takes any free one.",
       .example = "8481",
       .min = "0",
       .max = "65535"},
  };
}

}  // namespace weir::awsapi
