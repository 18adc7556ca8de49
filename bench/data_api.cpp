#include "bench/data_api.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "bench/http_load.h"
#include "bench/process.h"
#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace weir::bench {
namespace {

constexpr int kConnections = 4;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench: the Data API: %s\n", why.c_str());
  std::exit(1);
}

struct Key {
  std::string id, secret;
};

Key make_key(const DataApiPlan& plan) {
  const std::string command =
      "'" + plan.weir + "' token create --admin --access-key --json --dir '" + plan.folder + "' 2>/dev/null";
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) fail("weir token does not run");
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  ::pclose(pipe);
  const auto made = Json::parse(text);
  if (!made || (*made)["access_key_id"].as_string().empty()) fail("no access key was made: " + text);
  return {(*made)["access_key_id"].as_string(), (*made)["token"].as_string()};
}

// Signs as boto3 does: content-type, host, x-amz-date, x-amz-target.
void make_request(std::string& out, const Key& key, uint16_t port, const std::string& operation,
                  const std::string& body) {
  char stamp[17];
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  const std::string time(stamp), day = time.substr(0, 8), host = "127.0.0.1:" + std::to_string(port);
  const std::string type = "application/x-amz-json-1.1", target = "RedshiftData." + operation;
  const std::string scope = day + "/eu-west-1/redshift-data/aws4_request",
                    names = "content-type;host;x-amz-date;x-amz-target";
  const std::string canonical = "POST\n/\n\ncontent-type:" + type + "\nhost:" + host + "\nx-amz-date:" + time +
                                "\nx-amz-target:" + target + "\n\n" + names + "\n" + sha256_hex(body);
  const std::string signing = hmac_sha256(
      hmac_sha256(hmac_sha256(hmac_sha256("AWS4" + key.secret, day), "eu-west-1"), "redshift-data"), "aws4_request");
  const std::string signature =
      hex_encode(hmac_sha256(signing, "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256_hex(canonical)));
  out = "POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: " + type + "\r\nX-Amz-Target: " + target +
        "\r\nX-Amz-Date: " + time + "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=" + key.id + "/" + scope +
        ", SignedHeaders=" + names + ", Signature=" + signature + "\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
}

}  // namespace

DataApiTimes measure_data_api(const DataApiPlan& plan) {
  const auto status = Json::parse(http(plan.http_port, "GET", "/v1/status", {}, plan.admin_token).body);
  const auto port = status ? static_cast<uint16_t>((*status)["aws"]["port"].as_int()) : uint16_t{0};
  if (port == 0) fail("the server does not say where it listens");
  const Key key = make_key(plan);
  std::vector<std::string> ids;
  const auto measure = [&](const std::string& operation, const std::function<std::string(uint64_t)>& body) {
    LoadPlan load;
    load.port = port;
    load.connections = kConnections;
    load.seconds = plan.seconds;
    load.make = [&](uint64_t number, std::string& request) {
      make_request(request, key, port, operation, body(number));
    };
    load.judge = [&](uint64_t, int code, std::string_view reply) -> std::string {
      if (code != 200) return std::to_string(code) + " " + std::string(reply.substr(0, 300));
      if (operation != "ExecuteStatement") return {};
      const auto begun = Json::parse(reply);
      if (begun) ids.push_back((*begun)["Id"].as_string());
      return {};
    };
    LoadResult result = run_load(load);
    if (result.errors > 0) fail(operation + ": " + result.first_error);
    return result;
  };
  // A call that waits for its small statement: what a program that spares the asking feels.
  LoadResult execute = measure("ExecuteStatement", [](uint64_t number) {
    return "{\"Sql\":\"SELECT " + std::to_string(number) + " AS n\",\"Database\":\"bench\",\"WaitTimeSeconds\":10}";
  });
  if (ids.empty()) fail("no statement was taken");
  const size_t newest = ids.size() > 100 ? ids.size() - 100 : 0;
  const auto of_one = [&](uint64_t number) {
    return "{\"Id\":\"" + ids[newest + number % (ids.size() - newest)] + "\"}";
  };
  LoadResult describe = measure("DescribeStatement", of_one);
  LoadResult result = measure("GetStatementResult", of_one);
  return {.execute_p99_ms = execute.percentile(0.99),
          .describe_p99_ms = describe.percentile(0.99),
          .result_p99_ms = result.percentile(0.99),
          .execute_p50_ms = execute.percentile(0.5),
          .calls = execute.requests + describe.requests + result.requests};
}

}  // namespace weir::bench
