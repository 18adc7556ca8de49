#include "app/doors.h"

namespace weir::app {

Result<std::unique_ptr<Doors>> Doors::open(const Parts& parts, const project::Settings& settings,
                                           const Certificate::Folders& folders) {
  std::unique_ptr<Doors> out(new Doors(parts));
  TRY_ASSIGN(out->certificate_, Certificate::open(settings, folders, parts.clock, parts.lanes, parts.timers));
  TRY_ASSIGN(out->wire_, Wire::open({parts.warehouse, parts.users, parts.access, out->passwords_, parts.clock,
                                     parts.random, parts.metrics, parts.lanes, out->tls()},
                                    settings, folders.state));
  const awsapi::Facts facts{settings.text("wire.address"),
                            out->wire_ ? out->wire_->port() : static_cast<uint16_t>(settings.integer("wire.port"))};
  TRY_ASSIGN(out->aws_, Aws::open({parts.warehouse, parts.buckets, parts.control, parts.engine, parts.users,
                                   parts.access, parts.secrets, out->passwords_, parts.capture, parts.gate, parts.clock,
                                   parts.random, parts.metrics, parts.lanes, parts.timers, out->tls()},
                                  settings, results_in(folders.state), facts));
  return out;
}

std::string Doors::summary() const {
  return (wire_ ? wire_->summary() : "") + (aws_ ? aws_->summary() : "");
}

void Doors::tell(http::SiteFacts& facts) const {
  if (wire_) facts.wire = [this] { return wire_->to_json(); };
  if (aws_) facts.aws = [this] { return aws_->to_json(); };
}

void Doors::reread_jobs() {
  if (aws_) aws_->reread_jobs();
}

Status Doors::stop(Duration limit) {
  Status wire = wire_ ? wire_->stop(limit) : Status();
  Status aws = aws_ ? aws_->stop(limit) : Status();
  return wire ? aws : wire;
}

}  // namespace weir::app
