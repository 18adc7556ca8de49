// Plan and apply: what the files declare against what is applied, and the rooms told about it. One apply at a time; any
// thread.
#pragma once

#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "analysis/alarm/alarm.h"
#include "analysis/dashboard/dashboard.h"
#include "analysis/review/review.h"
#include "app/kinds.h"
#include "app/run_findings.h"
#include "core/project/plan.h"
#include "platform/access/secrets.h"
#include "platform/endpoint/endpoint.h"
#include "platform/flow/flows.h"
#include "platform/notify/notify.h"
#include "stream/capture/capture.h"
#include "stream/lake/external.h"
#include "stream/lake/lake.h"
#include "stream/live/live.h"
#include "surface/http/routes/all.h"

namespace weir::app {

class Deployment : public http::Deployment {
 public:
  struct Parts {
    control::Control& control;
    engine::Engine& engine;
    capture::Capture& capture;
    lake::Lake& lake;
    std::function<Result<std::string>(std::string_view name)> secret;  // of `${secret:NAME}`
    // Names, in lower case, of the tables that people loaded: a stream of that name could not be asked for.
    std::function<Result<std::set<std::string>>()> loaded_tables;
    flow::Flow& flow;
    flow::Flows& flows;
    endpoint::Endpoints& endpoints;
    live::Live& live;
    Metrics& metrics;
    alarm::Alarms& alarms;
    notify::Notifier& notifier;
    dashboard::Dashboards& dashboards;
    review::Reviews& reviews;
    RunFindings& run_findings;
    lake::ExternalTables& externals;
    lake::ForeignRules foreign;
    // Begins the loads that are due after an apply; the runs' ids. Nothing while the program starts.
    std::function<std::vector<std::string>()> begin_loads;
  };
  Deployment(const Parts& parts, std::string folder, std::string environment);

  using Outcome = http::Deployment::Outcome;
  // Of the project's own folder, or of files that somebody sent.
  Result<Outcome> plan_folder(bool drop) override;
  Result<Outcome> apply_folder(bool drop) override;
  Result<Outcome> plan_files(project::Sources sources, bool drop) override;
  Result<Outcome> apply_files(project::Sources sources, bool drop) override;
  // Tells the rooms which streams, live windows, tables and flows there are; at start and after each apply.
  Status reload();

 private:
  Result<project::Project> read_folder();
  project::Project read_files(const project::Sources& sources);
  project::ReadOptions read_options();
  Result<Outcome> plan(project::Project project, bool drop);
  Status refuse_taken_names(project::Plan& plan);
  // Tables that read what is not there, or each other in a circle; flows that name what is not there.
  Status check_tables(const project::Project& project, project::Plan& plan);
  // Live windows over what is not there.
  Status check_live(const project::Project& project, project::Plan& plan);
  Status check_flows(const project::Project& project, project::Plan& plan);
  // Reviews of what is not declared.
  Status check_reviews(const project::Project& project, project::Plan& plan);
  // Endpoints over tables or columns that are not there.
  Status check_endpoints(const project::Project& project, project::Plan& plan);
  // Tables for the lake whose names or columns it cannot have.
  Status check_lake_tables(const project::Project& project, project::Plan& plan);
  Result<std::vector<flow::Forecast>> forecast(const project::Project& project);
  // Tables over folders that may not be read.
  Status check_externals(const project::Project& project, project::Plan& plan);
  // Alarms whose SQL reads what is not there.
  Status check_alerts(const project::Project& project, project::Plan& plan);
  // Panels whose SELECT would not bind.
  Status check_dashboards(const project::Project& project, project::Plan& plan);
  Result<std::set<std::string>> made_later(const project::Project& project);
  // Streams, their quarantines and derived tables of the project, and tables that people loaded.
  Result<std::set<std::string>> known_tables(const project::Project& project);
  Result<Outcome> apply(project::Project project, bool drop);
  Status destroy_stream(std::string_view name);
  Status destroy_table(std::string_view name);

  Parts parts_;
  const std::string folder_, environment_;
  project::Registry registry_;
  ControlState state_;
  std::mutex mutex_;  // one apply at a time
};

// As weir.yaml's `${…}` needs it: the process's environment, as it was at the first call. main() makes that one, before
// it takes out what libraries would read behind our back.
const std::map<std::string, std::string>& process_environment();

}  // namespace weir::app
