// The whole HTTP interface over the rooms: `app` hands in references and gets a router that a Server can serve and
// call_locally() can ask.
//
// A Site owns what the routes need beside the rooms: where beacons answer, the rates of the last minutes, the tail. Any
// thread; everything handed in outlives it. The Server ends before it, and the lanes are stopped: a task on a lane may
// still be inside a route.
#pragma once

#include <memory>

#include "surface/http/routes/routes.h"

namespace weir::http {

struct SiteParts {
  Clock& clock;
  Random& random;
  Metrics& metrics;
  Lanes& lanes;
  control::Control& control;
  journal::Journal& journal;
  lake::Lake& lake;
  capture::Capture& capture;
  engine::Engine& engine;
  warehouse::Warehouse& warehouse;
  warehouse::SavedQueries& queries;
  lake::Requeue& requeue;
  const lake::Crawl& crawl;
  access::Users& users;
  access::Access& access;
  access::Secrets& secrets;
  flow::Flow& flow;
  flow::Flows& flows;
  endpoint::Endpoints& endpoints;
  forget::Forgets& forgets;
  live::Live& live;
  alarm::Alarms& alarms;
  notify::Notifier& notifier;
  dashboard::Dashboards& dashboards;
  review::Reviews& reviews;
  Deployment& deployment;
  const engine::OutsidePools& connections;
};

// Makes the names of HTTP's metrics known before there is a site or a server.
void declare_metrics(Metrics& metrics);

class Site {
 public:
  virtual ~Site() = default;
  virtual const Router& router() const = 0;
  // Once a second, from a timer: the rates of streams.
  virtual void sample() = 0;
  // Reads from the control database where beacons answer; make_site() and each apply over HTTP do it themselves.
  virtual Status refresh_streams() = 0;
};

std::unique_ptr<Site> make_site(const SiteParts& parts, const SiteFacts& facts);

}  // namespace weir::http
