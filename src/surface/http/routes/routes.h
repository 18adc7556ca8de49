// One function per feature adds its routes; all.cpp calls them. Each takes the rooms it needs and nothing else; all
// references outlive the router.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/alarm/alarm.h"
#include "analysis/dashboard/dashboard.h"
#include "analysis/review/review.h"
#include "core/base/clock.h"
#include "core/base/metrics.h"
#include "core/io/files.h"
#include "core/project/plan.h"
#include "core/runtime/lanes.h"
#include "platform/access/access.h"
#include "platform/access/secrets.h"
#include "platform/access/users.h"
#include "platform/endpoint/endpoint.h"
#include "platform/flow/flows.h"
#include "platform/notify/notify.h"
#include "platform/warehouse/saved_queries.h"
#include "platform/warehouse/warehouse.h"
#include "storage/engine/engine.h"
#include "storage/engine/outside.h"
#include "storage/journal/journal.h"
#include "stream/capture/capture.h"
#include "stream/lake/crawl.h"
#include "stream/lake/lake.h"
#include "stream/lake/requeue.h"
#include "stream/live/live.h"
#include "surface/http/rates.h"
#include "surface/http/router.h"
#include "surface/http/routes/streams.h"

namespace weir::live {
class Live;
}
namespace weir::forget {
class Forgets;
}

namespace weir::http {

class LiveWatch;

// One file of the pages, as the build embedded it. All texts live as long as the program.
struct PageFile {
  std::string_view path;  // "/index.html", "/assets/index-3fa8.js"
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip;  // the same, compressed; empty: not worth it
  std::string_view etag;  // in quotes
};

// What this server is, for pages and programs.
struct SiteFacts {
  std::string version;
  std::string project;
  std::string environment;  // empty: the default one
  std::vector<std::string> mounts = {"", "/Prod"};
  std::string store_root;            // its disk is the one whose free bytes are shown
  std::string temp_folder = {};      // where the engine puts what does not fit into memory
  std::vector<PageFile> pages = {};  // empty: built without them
  capture::Limits limits = {};       // of events
  std::function<Json()> wire = {};   // state of the PostgreSQL wire; missing: there is none
  std::function<Json()> aws = {};    // of the AWS dialects; missing: there are none
};

// Plan and apply of files that somebody sent; `app` implements it, because only it knows every room that must hear of
// it.
class Deployment {
 public:
  virtual ~Deployment() = default;
  struct Outcome {
    project::Plan plan;
    project::Project project;  // with its errors and warnings
    bool applied = false;
    std::vector<std::string> runs{};         // that an apply has begun: loads of tables over files
    std::vector<flow::Forecast> computes{};  // what a plan's changes of tables would have computed again
  };
  virtual Result<Outcome> plan_files(project::Sources sources, bool drop) = 0;
  virtual Result<Outcome> apply_files(project::Sources sources, bool drop) = 0;
  // Of the folder that this server stands on: its own files, variables and secrets may be named there.
  virtual Result<Outcome> plan_folder(bool drop) = 0;
  virtual Result<Outcome> apply_folder(bool drop) = 0;
};

void add_session_routes(Router& router, access::Access& access, const SiteFacts& facts, warehouse::Warehouse& audit);

struct StatusParts {
  Clock& clock;
  journal::Journal& journal;
  lake::Lake& lake;
  const Rates& rates;
  Files& files;
  const alarm::Alarms& alarms;
};
void add_status_routes(Router& router, const StatusParts& parts, const SiteFacts& facts);

// GET /metrics, /health/live, /health/ready.
struct OperationsParts {
  Metrics& metrics;
  Clock& clock;
  journal::Journal& journal;
  lake::Lake& lake;
  Files& files;
};
// The gauges above before there are routes: what alarms may watch is asked earlier.
void declare_operations_metrics(Metrics& metrics);
void add_operations_routes(Router& router, const OperationsParts& parts, const SiteFacts& facts);

struct SqlParts {
  warehouse::Warehouse& warehouse;
  Lanes& lanes;
  Files& files;
  Random& random;
  Clock& clock;
};
void add_sql_routes(Router& router, const SqlParts& parts, const SiteFacts& facts);
// Connections to servers elsewhere.
struct OutsideParts {
  const engine::OutsidePools& connections;
  engine::Engine& engine;  // writes Parquet
  Files& files;
  std::string store_root;
  Clock& clock;
  Random& random;
};
void add_outside_routes(Router& router, const OutsideParts& parts);
void add_query_routes(Router& router, warehouse::SavedQueries& queries);
void add_store_routes(Router& router, warehouse::Warehouse& warehouse);

// POST /v1/load, GET /v1/events/{id}, and the lake's own.
struct LakeParts {
  lake::Lake& lake;
  engine::Engine& engine;
  warehouse::Warehouse& warehouse;
  const StreamDirectory& streams;
  flow::Flow& flow;
  lake::Requeue& requeue;
  const lake::Crawl& crawl;
};
void add_lake_routes(Router& router, const LakeParts& parts);

void add_forget_routes(Router& router, forget::Forgets& forgets);

// `applied` is called after each apply that changed something.
void add_deployment_routes(Router& router, Deployment& deployment, std::function<void()> applied);
// Derived tables, flows, runs.
struct FlowParts {
  flow::Flow& flow;
  flow::Flows& flows;
};
void add_flow_routes(Router& router, const FlowParts& parts);
void add_token_routes(Router& router, access::Access& access, const StreamDirectory& directory,
                      const endpoint::Endpoints& endpoints, warehouse::Warehouse& audit);
// Users, roles and groups.
struct UserParts {
  access::Users& users;
  Random& random;
  warehouse::Warehouse& audit;
};
void add_user_routes(Router& router, const UserParts& parts);
void add_live_routes(Router& router, live::Live& live, LiveWatch& watch);
// Alarms, findings.
struct AlarmParts {
  alarm::Alarms& alarms;
  notify::Notifier& notifier;
};
void add_alarm_routes(Router& router, const AlarmParts& parts);
// Topics, subscriptions, the outbox; the pages that links in mails lead to.
void add_notice_routes(Router& router, notify::Notifier& notifier);
struct DashboardParts {
  dashboard::Dashboards& dashboards;
  Clock& clock;
};
void add_dashboard_routes(Router& router, const DashboardParts& parts);
void add_review_routes(Router& router, review::Reviews& reviews);
void add_secret_routes(Router& router, access::Secrets& secrets);

// GET / and every unknown path without an extension is index.html; files below /assets/ never change under their name.
// Without an index.html the pages say how to build them.
void add_page_routes(Router& router, std::vector<PageFile> files);

}  // namespace weir::http
