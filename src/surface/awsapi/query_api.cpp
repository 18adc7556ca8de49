#include "surface/awsapi/query_api.h"

#include <charconv>

#include "core/base/text.h"
#include "core/base/xml.h"
#include "surface/awsapi/db_access.h"
#include "surface/http/url.h"

namespace weir::awsapi {
namespace {

constexpr std::string_view kRedshift = "http://redshift.amazonaws.com/doc/2012-12-01/";
constexpr std::string_view kSts = "https://sts.amazonaws.com/doc/2011-06-15/";
constexpr int64_t kSecondsMin = 900, kSecondsMax = 3600;

std::string value_of(const std::vector<std::pair<std::string, std::string>>& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return {};
}

std::string wrapped(std::string_view action, std::string_view space, const std::string& result) {
  std::string out(kXmlHead);
  out.append("<").append(action).append("Response xmlns=\"").append(space).append("\"><").append(action);
  out.append("Result>").append(result).append("</").append(action).append("Result>");
  out.append("</").append(action);
  out.append("Response>");
  return out;
}

// "2026-11-22T08:09:10Z"
std::string iso_seconds(WallTime time) {
  return format_timestamp(time.micros).substr(0, 19) + "Z";
}

Result<int64_t> seconds_of(const std::string& text) {
  int64_t out = kSecondsMin;
  if (text.empty()) return out;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || out < kSecondsMin || out > kSecondsMax)
    return Error(Code::invalid, "DurationSeconds must be 900 to 3600");
  return out;
}

}  // namespace

std::string_view QueryApi::service_of(const http::Request& request) const {
  const std::string action = value_of(http::query_pairs(request.body), "Action");
  return action == "GetCallerIdentity" ? "sts" : "redshift";
}

void QueryApi::fail(const Error& error, const http::Responder& responder) const {
  const Refusal refusal = refusal_of(error);
  std::string type = refusal.type;
  if (error.code == Code::not_found) type = "ClusterNotFound";
  if (error.code == Code::invalid) type = "InvalidParameterValue";
  if (error.code == Code::unauthenticated) type = "SignatureDoesNotMatch";
  if (error.code == Code::denied) type = "AccessDenied";
  std::string body(kXmlHead);
  body += "<ErrorResponse><Error><Type>Sender</Type>";
  append_element(body, "Code", type);
  append_element(body, "Message", refusal.message);
  body += "</Error></ErrorResponse>";
  http::Response response;
  const bool is_refused = error.code == Code::unauthenticated || error.code == Code::denied;
  response.status = is_refused ? 403 : refusal.status;
  response.content_type = "text/xml";
  response.body = std::move(body);
  responder.send(std::move(response));
}

void QueryApi::take(const http::Request& request, const Caller& caller, const http::Responder& responder) const {
  auto body = answer_to(http::query_pairs(request.body), caller);
  if (!body) return fail(body.error(), responder);
  http::Response response;
  response.content_type = "text/xml";
  response.body = std::move(*body);
  responder.send(std::move(response));
}

Result<std::string> QueryApi::answer_to(const Form& form, const Caller& caller) const {
  const std::string action = value_of(form, "Action");
  if (action == "GetClusterCredentials") return give_credentials(form, caller, false);
  if (action == "GetClusterCredentialsWithIAM") return give_credentials(form, caller, true);
  if (action == "DescribeClusters") return clusters(form);
  if (action == "GetCallerIdentity") {
    const access::Identity& who = *caller.identity;
    std::string result;
    append_element(result, "Arn", "arn:aws:iam::000000000000:user/" + (who.user.empty() ? who.id : who.user));
    append_element(result, "UserId", caller.key_id);
    append_element(result, "Account", "000000000000");
    return wrapped(action, kSts, result);
  }
  return Error(Code::unsupported, "the action " + shown(action) + " is not answered here", "docs/guides/aws.md");
}

Result<access::ShortPassword> QueryApi::credentials(const Caller& caller, const Wanted& wanted) const {
  const access::Identity& identity = *caller.identity;
  TRY(access::may_read(identity));
  const bool is_admin = access::may_administer(identity).has_value();
  const std::string name = wanted.user.empty() ? identity.user : wanted.user;
  if (name.empty())
    return Error(Code::denied, "the access key " + caller.key_id + " is of no user", "make one with --user");
  if (!is_admin && name != identity.user)
    return Error(Code::denied, "the access key " + caller.key_id + " may not sign in as " + shown(name));
  if (wanted.creates_user && parts_.users.directory()->user(name) == nullptr) {
    if (!is_admin) return Error(Code::denied, "users are created by administrators");
    access::NewUser made;
    made.name = name;
    const auto directory = parts_.users.directory();
    for (const std::string& group : wanted.groups) {
      const access::RoleInfo* found = directory->role(group, access::RoleInfo::Kind::group);
      if (found == nullptr) return Error(Code::invalid, "there is no group " + shown(group));
      made.member_of.push_back(found->id);
    }
    TRY(parts_.users.create_user(made));
  }
  const auto directory = parts_.users.directory();
  const access::UserInfo* user = directory->user(name);
  if (user == nullptr) return Error(Code::invalid, "there is no user " + shown(name), "AutoCreate makes one");
  const std::string shown_as = (wanted.creates_user ? "IAMA:" : "IAM:") + name;
  return parts_.passwords.make(shown_as, user->id, seconds(wanted.seconds));
}

Result<std::string> QueryApi::give_credentials(const Form& form, const Caller& caller, bool by_identity) const {
  Wanted wanted;
  TRY_ASSIGN(wanted.seconds, seconds_of(value_of(form, "DurationSeconds")));
  if (!by_identity) {
    wanted.user = value_of(form, "DbUser");
    if (wanted.user.empty()) return Error(Code::invalid, "DbUser is missing");
    wanted.creates_user = value_of(form, "AutoCreate") == "true";
    for (const auto& [key, value] : form) {
      if (key.substr(0, 9) == "DbGroups.") wanted.groups.push_back(value);
    }
  }
  TRY_ASSIGN(const access::ShortPassword made, credentials(caller, wanted));
  std::string result;
  append_element(result, "DbUser", made.name);
  append_element(result, "DbPassword", made.password);
  append_element(result, "Expiration", iso_seconds(made.expires_at));
  if (by_identity) append_element(result, "NextRefreshTime", iso_seconds(made.expires_at));
  return wrapped(by_identity ? "GetClusterCredentialsWithIAM" : "GetClusterCredentials", kRedshift, result);
}

// Drivers that are told a cluster's name ask where it listens: here, whatever its name.
std::string QueryApi::clusters(const Form& form) const {
  const std::string name = value_of(form, "ClusterIdentifier");
  std::string result = "<Clusters><Cluster>";
  append_element(result, "ClusterIdentifier", name.empty() ? "weir" : name);
  append_element(result, "ClusterStatus", "available");
  append_element(result, "DBName", "weir");
  result += "<Endpoint>";
  append_element(result, "Address", facts_.wire_address);
  append_element(result, "Port", std::to_string(facts_.wire_port));
  result += "</Endpoint></Cluster></Clusters>";
  return wrapped("DescribeClusters", kRedshift, result);
}

void add_serverless(Operations& operations, const QueryApi& api) {
  operations.emplace(
      "RedshiftServerless.GetCredentials",
      Operation{.service = "redshift-serverless", .run = [&api](const Call& call, const Answer& answer) -> Status {
                  QueryApi::Wanted wanted;
                  TRY_ASSIGN(wanted.seconds,
                             call.members.integer_or("durationSeconds", kSecondsMin, kSecondsMin, kSecondsMax));
                  TRY_ASSIGN(const access::ShortPassword made, api.credentials(call.caller, wanted));
                  Json out{Json::Object{}};
                  out.set("dbUser", made.name);
                  out.set("dbPassword", made.password);
                  out.set("expiration", epoch_seconds(made.expires_at.micros));
                  out.set("nextRefreshTime", epoch_seconds(made.expires_at.micros));
                  answer.json(out);
                  return {};
                }});
  operations.emplace(
      "RedshiftServerless.GetWorkgroup",
      Operation{.service = "redshift-serverless", .run = [&api](const Call& call, const Answer& answer) -> Status {
                  TRY_ASSIGN(const std::string name, call.members.text("workgroupName", 128));
                  Json endpoint{Json::Object{}}, workgroup{Json::Object{}}, out{Json::Object{}};
                  endpoint.set("address", api.facts().wire_address);
                  endpoint.set("port", static_cast<int64_t>(api.facts().wire_port));
                  workgroup.set("workgroupName", name);
                  workgroup.set("status", "AVAILABLE");
                  workgroup.set("endpoint", std::move(endpoint));
                  out.set("workgroup", std::move(workgroup));
                  answer.json(out);
                  return {};
                }});
}

}  // namespace weir::awsapi
