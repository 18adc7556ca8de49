// What an administrator does: plan and apply, tokens, secrets.
#include <algorithm>

#include "core/base/text.h"
#include "core/base/time.h"
#include "surface/errors/errors.h"
#include "surface/http/routes/audit.h"
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"
#include "surface/http/routes/streams.h"

namespace weir::http {

namespace {

constexpr size_t kDeclarationsBytesMax = 64 << 20;

Result<project::Sources> sources_of(const JsonBody& body) {
  const Json* files = body.find("files");
  if (!files || !files->is_object()) return Error(Code::invalid, "'files' must be an object of paths and their texts");
  project::Sources sources;
  for (const auto& [path, text] : files->object()) {
    if (text["base64"].is_string()) {
      TRY_ASSIGN(std::string bytes, base64_decode(text["base64"].as_string()));
      sources.files.emplace(path, std::move(bytes));
      continue;
    }
    if (!text.is_string()) {
      return Error(Code::invalid, "the file '" + path + "' must be a text", "or {\"base64\": …} of an image");
    }
    sources.files.emplace(path, text.as_string());
  }
  return sources;
}

Json outcome_json(const Deployment::Outcome& outcome) {
  Json errors{Json::Array{}};
  for (const Error& error : outcome.project.errors) errors.push(errors::to_json(error));
  Json warnings{Json::Array{}};
  for (const Error& warning : outcome.project.warnings) warnings.push(errors::to_json(warning));
  Json out{Json::Object{}};
  out.set("project", outcome.project.name);
  out.set("environment", outcome.project.environment);
  out.set("changes", outcome.plan.to_json());
  out.set("errors", std::move(errors));
  out.set("warnings", std::move(warnings));
  out.set("settings", outcome.project.settings.to_json());
  Json runs{Json::Array{}};
  for (const std::string& run : outcome.runs) runs.push(run);
  out.set("runs", std::move(runs));
  Json computes{Json::Array{}};
  for (const flow::Forecast& one : outcome.computes) computes.push(one.to_json());
  out.set("computes", std::move(computes));
  out.set("applied", outcome.applied);
  return out;
}

struct Work {
  Result<Deployment::Outcome> (Deployment::*of_files)(project::Sources, bool);
  Result<Deployment::Outcome> (Deployment::*of_folder)(bool);
};

Result<Deployment::Outcome> done(Deployment& deployment, const Work& work, const JsonBody& body) {
  TRY_ASSIGN(const bool drop, body.flag_or("drop", false));
  TRY_ASSIGN(const bool folder, body.flag_or("folder", false));
  if (folder && body.find("files")) {
    return Error(Code::invalid, "'files' and 'folder' exclude each other", "send the files, or name the server's own");
  }
  if (folder) return (deployment.*work.of_folder)(drop);
  TRY_ASSIGN(project::Sources sources, sources_of(body));
  return (deployment.*work.of_files)(std::move(sources), drop);
}

Handler deploys(Deployment& deployment, Work work, std::function<void()> applied) {
  return answers([&deployment, work, applied = std::move(applied)](Request& request) -> Result<Response> {
    TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"files", "folder", "drop"}));
    TRY_ASSIGN(const Deployment::Outcome outcome, done(deployment, work, body));
    if (outcome.applied && applied) applied();
    return json_reply(outcome_json(outcome));
  });
}

Json token_json(const access::TokenInfo& token) {
  Json streams{Json::Array{}};
  for (const std::string& stream : token.identity->streams) streams.push(stream);
  Json endpoints{Json::Array{}};
  for (const std::string& endpoint : token.identity->endpoints) endpoints.push(endpoint);
  Json out{Json::Object{}};
  out.set("id", token.identity->id);
  out.set("role", access::role_name(token.identity->role));
  out.set("user", token.identity->user.empty() ? Json() : Json(token.identity->user));
  out.set("access_key_id", token.key_id.empty() ? Json() : Json(token.key_id));
  out.set("streams", std::move(streams));
  out.set("endpoints", std::move(endpoints));
  out.set("label", token.identity->label);
  out.set("created_at", json_time(token.created_at.micros));
  out.set("expires_at", json_time_or_null(token.expires_at));
  out.set("last_used_at", json_time_or_null(token.last_used_at));
  out.set("revoked", token.revoked);
  out.set("requests", token.requests);
  return out;
}

// A key for a stream that nobody declared opens nothing: most likely its name is mistyped.
Status check_streams(const StreamDirectory& directory, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return {};
  TRY_ASSIGN(const auto declared, directory.declared());
  std::vector<std::string> known;
  for (const StreamDirectory::Declared& one : declared) known.push_back(one.stream.name);
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    return Error(
        Code::not_found, "there is no stream " + shown(name),
        (known.empty() ? std::string() : did_you_mean(name, known) + " ") + "(a new one: weir apply, then its key)");
  }
  return {};
}

Status check_endpoints(const endpoint::Endpoints& endpoints, const std::vector<std::string>& wanted) {
  const auto declared = endpoints.all();
  std::vector<std::string> known;
  for (const auto& [name, served] : *declared) known.push_back(name);
  for (const std::string& name : wanted) {
    if (declared->contains(name)) continue;
    return Error(
        Code::not_found, "there is no endpoint " + shown(name),
        (known.empty() ? std::string() : did_you_mean(name, known) + " ") + "(a new one: weir apply, then its key)");
  }
  return {};
}

Result<std::vector<std::string>> names_in(const JsonBody& body, const char* key) {
  std::vector<std::string> out;
  TRY_ASSIGN(const Json::Array names, body.array_or_empty(key));
  for (const Json& name : names) {
    if (!name.is_string()) return Error(Code::invalid, "'" + std::string(key) + "' must be a list of names");
    out.push_back(name.as_string());
  }
  return out;
}

Result<Response> create_token(access::Access& access, const StreamDirectory& directory,
                              const endpoint::Endpoints& endpoints, warehouse::Warehouse& audit,
                              const Request& request) {
  TRY_ASSIGN(const JsonBody body,
             JsonBody::parse(request, {"role", "user", "streams", "endpoints", "label", "expires_in", "access_key"}));
  access::NewToken wanted;
  TRY_ASSIGN(wanted.user, body.text_or("user", ""));
  if (wanted.user.empty()) {
    TRY_ASSIGN(const std::string role, body.text("role"));
    TRY_ASSIGN(wanted.role, access::parse_role(role));
  } else if (body.find("role") != nullptr) {
    return Error(Code::invalid, "a user's token has no role of its own", "leave 'role' or 'user' out");
  }
  TRY_ASSIGN(wanted.streams, names_in(body, "streams"));
  TRY_ASSIGN(wanted.endpoints, names_in(body, "endpoints"));
  TRY_ASSIGN(wanted.is_access_key, body.flag_or("access_key", false));
  TRY_ASSIGN(wanted.label, body.text_or("label", ""));
  TRY_ASSIGN(const std::string expires_in, body.text_or("expires_in", ""));
  if (!expires_in.empty()) {
    TRY_ASSIGN(wanted.expires_in, parse_duration(expires_in));
  }
  TRY(check_streams(directory, wanted.streams));
  TRY(check_endpoints(endpoints, wanted.endpoints));
  TRY_ASSIGN(const access::CreatedToken created, access.create_token(wanted));
  note_change(audit, request, "token created",
              created.id + " " + (wanted.user.empty() ? access::role_name(wanted.role) : "of user " + wanted.user));
  Json out{Json::Object{}};
  out.set("id", created.id);
  out.set("token", created.text);
  if (!created.key_id.empty()) out.set("access_key_id", created.key_id);
  out.set("expires_at", json_time_or_null(created.expires_at));
  return json_reply(out);
}

Response nothing_to_say() {
  Response response;
  response.status = 204;
  return response;
}

}  // namespace

void add_deployment_routes(Router& router, Deployment& deployment, std::function<void()> applied) {
  Route route;
  route.method = Method::post;
  route.access = Access::admin;
  route.body_bytes_max = kDeclarationsBytesMax;
  route.pattern = "/v1/plan";
  route.summary = "What these declarations would change against the applied state.";
  route.handler = deploys(deployment, {&Deployment::plan_files, &Deployment::plan_folder}, {});
  router.add(route);
  route.pattern = "/v1/apply";
  route.summary = "Makes the applied state equal to these declarations.";
  route.handler = deploys(deployment, {&Deployment::apply_files, &Deployment::apply_folder}, std::move(applied));
  router.add(route);
}

void add_token_routes(Router& router, access::Access& access, const StreamDirectory& directory,
                      const endpoint::Endpoints& endpoints, warehouse::Warehouse& audit) {
  Route route;
  route.access = Access::admin;
  route.body_bytes_max = 64 << 10;
  route.pattern = "/v1/tokens";
  route.summary = "All tokens, without their texts.";
  route.handler = answers([&access](Request&) -> Result<Response> {
    Json tokens{Json::Array{}};
    for (const access::TokenInfo& token : access.tokens()) tokens.push(token_json(token));
    Json out{Json::Object{}};
    out.set("tokens", std::move(tokens));
    return json_reply(out);
  });
  router.add(route);
  route.method = Method::post;
  route.summary = "Makes a token; its text is shown once.";
  route.handler = answers([&access, &directory, &endpoints, &audit](Request& request) {
    return create_token(access, directory, endpoints, audit, request);
  });
  router.add(route);
  route.method = Method::erase;
  route.pattern = "/v1/tokens/{id}";
  route.summary = "Ends a token at once.";
  route.handler = answers([&access, &audit](Request& request) -> Result<Response> {
    TRY(access.revoke_token(request.parameter("id")));
    note_change(audit, request, "token revoked", std::string(request.parameter("id")));
    return nothing_to_say();
  });
  router.add(route);
}

void add_secret_routes(Router& router, access::Secrets& secrets) {
  Route route;
  route.access = Access::admin;
  route.body_bytes_max = 512 << 10;  // a value of 64 KiB, each byte escaped
  route.pattern = "/v1/secrets";
  route.summary = "The names of all secrets.";
  route.handler = answers([&secrets](Request&) -> Result<Response> {
    TRY_ASSIGN(const std::vector<access::SecretInfo> all, secrets.list());
    Json listed{Json::Array{}};
    for (const access::SecretInfo& secret : all) {
      Json one{Json::Object{}};
      one.set("name", secret.name);
      one.set("changed_at", json_time(secret.changed_at.micros));
      listed.push(std::move(one));
    }
    Json out{Json::Object{}};
    out.set("secrets", std::move(listed));
    return json_reply(out);
  });
  router.add(route);
  route.method = Method::put;
  route.pattern = "/v1/secrets/{name}";
  route.summary = "Keeps a secret, encrypted.";
  route.handler = answers([&secrets](Request& request) -> Result<Response> {
    TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"value"}));
    TRY_ASSIGN(const std::string value, body.text("value"));
    TRY(secrets.put(request.parameter("name"), value));
    return nothing_to_say();
  });
  router.add(route);
  route.method = Method::erase;
  route.summary = "Forgets a secret.";
  route.handler = answers([&secrets](Request& request) -> Result<Response> {
    TRY(secrets.remove(request.parameter("name")));
    return nothing_to_say();
  });
  router.add(route);
}

}  // namespace weir::http
