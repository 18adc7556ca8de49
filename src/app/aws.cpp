#include "app/aws.h"

#include "core/project/spine.h"

namespace weir::app {

Result<std::unique_ptr<Aws>> Aws::open(const Parts& parts, const project::Settings& settings,
                                       const std::string& results, const awsapi::Facts& facts) {
  if (!settings.flag("aws.enabled")) return std::unique_ptr<Aws>();
  std::unique_ptr<Aws> aws(new Aws());
  aws->address_ = settings.text("aws.address");
  TRY_ASSIGN(aws->jobs_, warehouse::Jobs::open({parts.warehouse, parts.control, parts.engine, real_files(), parts.clock,
                                                parts.random, parts.lanes, parts.timers},
                                               results, {}));
  aws->api_ = awsapi::Api::make({.warehouse = parts.warehouse,
                                 .jobs = *aws->jobs_,
                                 .buckets = parts.buckets,
                                 .users = parts.users,
                                 .access = parts.access,
                                 .secrets = parts.secrets,
                                 .passwords = parts.passwords,
                                 .capture = parts.capture,
                                 .clock = parts.clock,
                                 .random = parts.random,
                                 .lanes = parts.lanes},
                                facts);
  aws->api_->add_to(aws->router_);
  http::ServerOptions options;
  options.address = aws->address_;
  options.port = static_cast<uint16_t>(settings.integer("aws.port"));
  options.site.hosts = settings.texts("http.hosts");
  options.tls = &parts.tls;
  options.threads = 1;
  options.bodies_bytes_max = 256ull << 20;
  TRY_ASSIGN(aws->server_,
             http::Server::start(options, aws->router_, parts.gate, parts.clock, parts.metrics, parts.lanes));
  return aws;
}

Aws::~Aws() = default;

std::string Aws::summary() const {
  return "AWS's dialects at " + project::url_of({address_, server_->port()}) +
         ", with a key of: weir token create --access-key\n";
}

Json Aws::to_json() const {
  Json out{Json::Object{}};
  out.set("address", address_);
  out.set("port", static_cast<int64_t>(server_->port()));
  return out;
}

void Aws::reread_jobs() {
  jobs_->reread();
}

Status Aws::stop(Duration limit) {
  jobs_->stop();
  return server_->stop(limit);
}

}  // namespace weir::app
