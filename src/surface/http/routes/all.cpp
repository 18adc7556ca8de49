#include "surface/http/routes/all.h"

#include "core/base/log.h"
#include "surface/http/live_watch.h"
#include "surface/http/routes/audit.h"
#include "surface/http/routes/endpoint.h"
#include "surface/http/routes/openapi.h"
#include "surface/http/server.h"

namespace weir::http {

namespace {

class WholeSite final : public Site {
 public:
  WholeSite(const SiteParts& parts, const SiteFacts& facts)
      : parts_(parts),
        facts_(facts),
        events_(parts.capture, facts.limits, facts.mounts),
        directory_(
            {parts.control, parts.capture, parts.journal, parts.lake, parts.engine, events_, rates_, parts.clock}),
        tail_(parts.journal, parts.clock),
        endpoints_(parts.endpoints, parts.clock, facts.mounts),
        live_watch_(parts.live, parts.clock) {
    events_.add_to(router_);
    add_stream_routes(router_, directory_, tail_, parts.warehouse);
    add_sql_routes(router_, {parts.warehouse, parts.lanes, real_files(), parts.random, parts.clock}, facts_);
    add_outside_routes(router_,
                       {parts.connections, parts.engine, real_files(), facts_.store_root, parts.clock, parts.random});
    add_query_routes(router_, parts.queries);
    add_store_routes(router_, parts.warehouse);
    add_session_routes(router_, parts.access, facts_, parts.warehouse);
    add_status_routes(router_, {parts.clock, parts.journal, parts.lake, rates_, real_files(), parts.alarms}, facts_);
    add_operations_routes(router_, {parts.metrics, parts.clock, parts.journal, parts.lake, real_files()}, facts_);
    add_lake_routes(router_,
                    {parts.lake, parts.engine, parts.warehouse, directory_, parts.flow, parts.requeue, parts.crawl});
    add_forget_routes(router_, parts.forgets);
    add_flow_routes(router_, {parts.flow, parts.flows});
    endpoints_.add_to(router_);
    add_openapi_routes(router_, {directory_, events_, parts.endpoints, endpoints_}, facts_);
    add_live_routes(router_, parts.live, live_watch_);
    add_alarm_routes(router_, {parts.alarms, parts.notifier});
    add_notice_routes(router_, parts.notifier);
    add_dashboard_routes(router_, {parts.dashboards, parts.clock});
    add_review_routes(router_, parts.reviews);
    add_deployment_routes(router_, parts.deployment, [this] { after_apply(); });
    add_token_routes(router_, parts.access, directory_, parts.endpoints, parts.warehouse);
    add_user_routes(router_, {parts.users, parts.random, parts.warehouse});
    add_audit_routes(router_, parts.warehouse);
    add_secret_routes(router_, parts.secrets);
    add_page_routes(router_, facts_.pages);
    after_apply();
    sample();  // what the rates begin from
  }

  const Router& router() const override { return router_; }
  void sample() override { rates_.sample(parts_.clock.wall(), parts_.capture.counts()); }

  Status refresh_streams() override {
    TRY_ASSIGN(const auto declared, directory_.declared());
    std::vector<capture::AppliedStream> streams;
    for (const StreamDirectory::Declared& one : declared) {
      if (one.detached) continue;
      streams.push_back({one.number, 1, std::make_shared<const capture::Stream>(one.stream)});
    }
    events_.set_streams(streams);
    return {};
  }

 private:
  void after_apply() {
    parts_.warehouse.catalog_changed();
    endpoints_.refresh();
    if (const Status refreshed = refresh_streams(); !refreshed) {
      log_event(Level::error, "http.streams_unread", {{"reason", refreshed.error().text()}});
    }
  }

  const SiteParts parts_;
  const SiteFacts facts_;
  Rates rates_;
  EventRoutes events_;
  StreamDirectory directory_;
  TailHub tail_;
  EndpointRoutes endpoints_;
  LiveWatch live_watch_;
  Router router_;
};

}  // namespace

void declare_metrics(Metrics& metrics) {
  declare_server_metrics(metrics);
  declare_operations_metrics(metrics);
}

std::unique_ptr<Site> make_site(const SiteParts& parts, const SiteFacts& facts) {
  return std::make_unique<WholeSite>(parts, facts);
}

}  // namespace weir::http
