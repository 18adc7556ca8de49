#include "platform/warehouse/bucket_settings.h"

#include "core/base/text.h"
#include "core/project/spine.h"
#include "platform/warehouse/buckets.h"

namespace weir::warehouse {
namespace {

using project::SettingValue;
using enum project::SettingType;

Status check_name(const std::string& name) {
  TRY(ObjectPath::of("s3://" + name));
  return {};
}

Status check_prefix(const SettingValue& value) {
  const auto& prefix = std::get<std::string>(value);
  if (prefix.size() > 512 || prefix.starts_with('/') || prefix.find_first_of("\r\n") != std::string::npos) {
    return Error(Code::invalid, shown(prefix) + " is no prefix of keys", "for example raw/2026/");
  }
  return {};
}

Error wrong(const DeclaredBucket& bucket, const std::string& why, std::string hint) {
  return Error(Code::invalid, "buckets." + bucket.name + ": " + why, std::move(hint));
}

// Off loopback what is sent and what comes back is to be read by nobody on the way.
Status check_transport(const DeclaredBucket& bucket, bool is_plain_allowed) {
  constexpr std::string_view kPlain = "http://";
  const std::string& endpoint = bucket.place->endpoint;
  if (!endpoint.starts_with(kPlain) || is_plain_allowed) return {};
  const std::string host = endpoint.substr(kPlain.size());
  const auto address = project::parse_address(host.find(':') == std::string::npos ? host + ":80" : host);
  if (address && project::is_loopback(*address)) return {};
  return wrong(bucket, shown(endpoint) + " is not encrypted, and not on this machine",
               "use https://, or say plain_http: true if nobody can listen between here and there");
}

Status check_keys(const DeclaredBucket& bucket) {
  if (bucket.access_key.empty() != bucket.secret_key.empty()) {
    return wrong(bucket, "access_key and secret_key come together", "declare both, or none for a bucket for everybody");
  }
  if (!bucket.session_token.empty() && bucket.access_key.empty()) {
    return wrong(bucket, "a session_token needs an access_key", "declare access_key and secret_key too");
  }
  return {};
}

project::SettingTable places() {
  return {
      {.name = "buckets.*.endpoint",
       .type = text,
       .otherwise = "",
       .prose = "Where the bucket lies: the address of S3, or of a server that speaks like it. Empty: in a folder of "
                "the store.",
       .example = "https://s3.eu-central-1.amazonaws.com",
       .check_name = check_name},
      {.name = "buckets.*.plain_http",
       .type = flag,
       .otherwise = false,
       .prose = "Whether an endpoint off this machine may be http://.",
       .example = "true"},
      {.name = "buckets.*.region",
       .type = text,
       .otherwise = "us-east-1",
       .prose = "The region that requests are signed for.",
       .example = "eu-central-1"},
      {.name = "buckets.*.bucket",
       .type = text,
       .otherwise = "",
       .prose = "The bucket's name there, if it is another one.",
       .example = "shop-landing-prod"},
      {.name = "buckets.*.prefix",
       .type = text,
       .otherwise = "",
       .prose = "Before every key: s3://NAME/key is PREFIXkey there.",
       .example = "raw/",
       .check = check_prefix},
      {.name = "buckets.*.list_every",
       .type = duration,
       .otherwise = "10s",
       .prose = "How often triggers of flows list the bucket, at most, if it has an endpoint; after a failure twice as "
                "long, up to 10 minutes. Folders of the store are listed once a second.",
       .example = "1m",
       .min = "1s",
       .max = "24h"},
  };
}

project::SettingTable keys() {
  return {
      {.name = "buckets.*.access_key",
       .type = secret_name,
       .otherwise = "",
       .prose = "The access key's id, as a secret. Without it requests are not signed.",
       .example = "${secret:LANDING_KEY}"},
      {.name = "buckets.*.secret_key",
       .type = secret_name,
       .otherwise = "",
       .prose = "The secret access key.",
       .example = "${secret:LANDING_SECRET}"},
      {.name = "buckets.*.session_token",
       .type = secret_name,
       .otherwise = "",
       .prose = "The token that belongs to a key for some hours.",
       .example = "${secret:LANDING_TOKEN}"},
      {.name = "buckets.*.addressing",
       .type = choice,
       .otherwise = "auto",
       .prose = "Whether the bucket's name stands in the path (`path`) or before the host (`host`). `auto`: before the "
                "host of AWS's own endpoints unless the name has a dot, else in the path.",
       .example = "host",
       .choices = {"auto", "path", "host"}},
      {.name = "buckets.*.ca_file",
       .type = text,
       .otherwise = "",
       .prose = "Certificates to trust instead of the system's.",
       .example = "/etc/weir/minio-ca.pem"},
      {.name = "buckets.*.encryption",
       .type = choice,
       .otherwise = "none",
       .prose = "What S3 is told to encrypt written objects with (x-amz-server-side-encryption).",
       .example = "aws:kms",
       .choices = {"none", "AES256", "aws:kms"}},
      {.name = "buckets.*.kms_key",
       .type = text,
       .otherwise = "",
       .prose = "The KMS key of `encryption: aws:kms`; empty: the account's own.",
       .example = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"},
      {.name = "buckets.*.seal_key",
       .type = secret_name,
       .otherwise = "",
       .prose = "Objects are sealed with AES-256-GCM under this secret before they are stored: 32 bytes as 64 "
                "hexadecimal digits or base64. Empty: they are stored as they are.",
       .example = "${secret:LANDING_SEAL}"},
  };
}

}  // namespace

project::SettingTable bucket_settings() {
  project::SettingTable all = places();
  for (project::Setting& one : keys()) all.push_back(std::move(one));
  return all;
}

Result<std::vector<DeclaredBucket>> declared_buckets(const project::Settings& settings) {
  std::vector<DeclaredBucket> out;
  for (const std::string& name : settings.names("buckets")) {
    const std::string at = "buckets." + name + ".";
    DeclaredBucket one{.name = name,
                       .place = std::nullopt,
                       .access_key = settings.text(at + "access_key"),
                       .secret_key = settings.text(at + "secret_key"),
                       .session_token = settings.text(at + "session_token"),
                       .list_every = settings.duration(at + "list_every"),
                       .seal_key = settings.text(at + "seal_key")};
    TRY(check_keys(one));
    std::string endpoint = settings.text(at + "endpoint");
    if (endpoint.empty()) {
      if (!one.access_key.empty() || !settings.text(at + "bucket").empty() || !settings.text(at + "prefix").empty()) {
        return wrong(one, "it has no endpoint, and so lies in a folder of the store",
                     "say where it lies, for example endpoint: https://s3.eu-central-1.amazonaws.com");
      }
      out.push_back(std::move(one));
      continue;
    }
    if (endpoint.ends_with('/')) endpoint.pop_back();
    S3Place place{.endpoint = endpoint,
                  .region = settings.text(at + "region"),
                  .bucket = settings.text(at + "bucket"),
                  .prefix = settings.text(at + "prefix"),
                  .ca_file = settings.text(at + "ca_file"),
                  .on_write = {},
                  .is_signed = !one.access_key.empty()};
    if (place.bucket.empty()) place.bucket = name;
    const std::string& addressing = settings.text(at + "addressing");
    const bool is_aws = endpoint.ends_with(".amazonaws.com") || endpoint.ends_with(".amazonaws.com.cn");
    place.is_path_style =
        addressing == "path" || (addressing == "auto" && (!is_aws || place.bucket.find('.') != std::string::npos));
    const std::string &encryption = settings.text(at + "encryption"), &kms_key = settings.text(at + "kms_key");
    if (encryption != "none") place.on_write.emplace_back("x-amz-server-side-encryption", encryption);
    if (!kms_key.empty()) {
      if (encryption != "aws:kms") return wrong(one, "a kms_key needs encryption: aws:kms", "declare both");
      place.on_write.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", kms_key);
    }
    if (const Status fits = check_s3_place(place); !fits) return wrong(one, fits.error().message, fits.error().hint);
    one.place = std::move(place);
    TRY(check_transport(one, settings.flag(at + "plain_http")));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace weir::warehouse
