// Secrets Manager, as far as programs read from it: GetSecretValue, DescribeSecret, ListSecrets over declared secrets.
#include <memory>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "surface/awsapi/db_access.h"

namespace weir::awsapi {
namespace {

constexpr size_t kPage = 100;

std::string arn_of(const Caller& caller, const std::string& name) {
  return "arn:aws:secretsmanager:" + caller.region + ":000000000000:secret:" + name;
}

class SecretsManager {
 public:
  explicit SecretsManager(const Parts& parts) : parts_(parts) {}

  Status value(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const std::string id, call.members.text("SecretId"));
    TRY_ASSIGN(const std::string stage, call.members.text_or("VersionStage", "AWSCURRENT"));
    std::string name;
    TRY_ASSIGN(const std::string text, read_secret(parts_, call.caller, id, &name));
    if (stage != "AWSCURRENT" || call.members.has("VersionId"))
      return Error(Code::not_found, "secrets have one version here, AWSCURRENT");
    TRY_ASSIGN(const access::SecretInfo info, info_of(name));
    Json out{Json::Object{}};
    out.set("ARN", arn_of(call.caller, name));
    out.set("Name", name);
    // The version is when it was set.
    out.set("VersionId", sha256_hex(name + std::to_string(info.changed_at.micros)).substr(0, 32));
    out.set("SecretString", text);
    out.set("VersionStages", Json(Json::Array{Json("AWSCURRENT")}));
    out.set("CreatedDate", epoch_seconds(info.changed_at.micros));
    answer.json(out);
    return {};
  }

  Status describe(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const std::string id, call.members.text("SecretId"));
    std::string name;
    TRY(read_secret(parts_, call.caller, id, &name));
    TRY_ASSIGN(const access::SecretInfo info, info_of(name));
    answer.json(told(call.caller, info));
    return {};
  }

  Status list(const Call& call, const Answer& answer) const {
    TRY(access::may_administer(*call.caller.identity));
    TRY_ASSIGN(const int64_t most, call.members.integer_or("MaxResults", kPage, 1, kPage));
    TRY_ASSIGN(const std::string token, call.members.text_or("NextToken", ""));
    TRY_ASSIGN(const size_t begin, place_of_token(token));
    TRY_ASSIGN(const std::vector<access::SecretInfo> all, parts_.secrets.list());
    const size_t end = std::min(all.size(), begin + static_cast<size_t>(most));
    Json list{Json::Array{}};
    for (size_t i = begin; i < end; ++i) list.push(told(call.caller, all[i]));
    Json out{Json::Object{}};
    out.set("SecretList", std::move(list));
    if (end < all.size()) out.set("NextToken", place_token(end));
    answer.json(out);
    return {};
  }

 private:
  static Json told(const Caller& caller, const access::SecretInfo& info) {
    Json out{Json::Object{}};
    out.set("ARN", arn_of(caller, info.name));
    out.set("Name", info.name);
    out.set("LastChangedDate", epoch_seconds(info.changed_at.micros));
    return out;
  }

  Result<access::SecretInfo> info_of(const std::string& name) const {
    TRY_ASSIGN(const std::vector<access::SecretInfo> all, parts_.secrets.list());
    for (const access::SecretInfo& one : all) {
      if (one.name == name) return one;
    }
    return Error(Code::not_found, "no secret is named " + shown(name));
  }

  const Parts parts_;
};

Refusal refuse(const Error& error) {
  Refusal out = refusal_of(error);
  if (error.code == Code::invalid) out.type = "InvalidParameterException";
  if (error.code == Code::corrupt) out.type = "DecryptionFailure";
  return out;
}

}  // namespace

void add_secrets_manager(Operations& operations, const Parts& parts) {
  const auto manager = std::make_shared<SecretsManager>(parts);  // lives in the operations
  const auto add = [&](const char* name, std::function<Status(const Call&, const Answer&)> run) {
    operations.emplace(std::string("secretsmanager.") + name,
                       Operation{.service = "secretsmanager", .run = std::move(run), .refuse = refuse});
  };
  add("GetSecretValue", [manager](const Call& call, const Answer& answer) { return manager->value(call, answer); });
  add("DescribeSecret", [manager](const Call& call, const Answer& answer) { return manager->describe(call, answer); });
  add("ListSecrets", [manager](const Call& call, const Answer& answer) { return manager->list(call, answer); });
}

}  // namespace weir::awsapi
