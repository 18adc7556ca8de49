#include "core/project/spine.h"
#include "surface/awsapi/awsapi.h"

namespace weir::awsapi {

namespace {

using enum project::SettingType;

Status check_address(const project::SettingValue& value) {
  const std::string& text = std::get<std::string>(value);
  const std::string host = text.find(':') == std::string::npos ? text : "[" + text + "]";
  if (project::parse_address(host + ":1")) return {};
  return Error(Code::invalid, "aws.address is no address", "write an IP address, for example 127.0.0.1 or ::1");
}

}  // namespace

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
       .check = check_address},
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
