#include "app/app.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>

#include "app/analyses.h"
#include "app/deployment.h"
#include "app/doors.h"
#include "app/folder_check.h"
#include "app/intakes.h"
#include "app/lake_work.h"
#include "app/notices.h"
#include "app/outside_connections.h"
#include "app/refreshes.h"
#include "app/run_findings.h"
#include "app/site_facts.h"
#include "app/sql.h"
#include "app/starting.h"
#include "app/steps.h"
#include "app/store_buckets.h"
#include "app/stream_options.h"
#include "app/stream_summary.h"
#include "app/views.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/io/folder_lock.h"
#include "core/project/spine.h"
#include "core/runtime/lanes.h"
#include "core/runtime/system_clock.h"
#include "core/runtime/thread.h"
#include "core/runtime/timers.h"
#include "platform/access/access.h"
#include "platform/endpoint/endpoint.h"
#include "platform/forget/forget.h"
#include "platform/warehouse/saved_queries.h"
#include "stream/history/history.h"
#include "stream/live/live.h"
#include "surface/http/routes/all.h"
#include "surface/http/server.h"

namespace weir::app {
namespace {

constexpr Duration kMaintainEvery = milliseconds(200);
constexpr Duration kFlushTokensEvery = minutes(1);
constexpr int kRunsAtOnce = 4;  // they mostly wait for the engine, for each other, or for a child
constexpr Duration kSampleEvery = seconds(1);
constexpr const char* kOwnStore = ".weir/store";  // of the environment's state
constexpr Duration kMaintainLakeEvery = seconds(2);
constexpr Duration kLastSample = seconds(1);  // how long a stop waits for it

// Every room, in order of dependency: members are destroyed in reverse.
class Composed : public App {
 public:
  explicit Composed(AppOptions options)
      : options_(std::move(options)),
        clock_(options_.now ? Duration{options_.now->micros - SystemClock().wall().micros} : Duration{}) {}
  ~Composed() override { (void)stop(seconds(0)); }

  Status start();
  std::string url() const override;
  std::string socket_path() const override { return socket_path_; }
  const std::optional<std::string>& sign_in_token() const override { return sign_in_token_; }
  Result<std::string> make_admin_token(const std::string& label) override;
  std::string summary() const override { return summary_; }
  Status stop(Duration limit) override;

 private:
  Status read_settings();
  Result<std::string> secret(std::string_view name);
  Status open_storage();
  Status open_engine();
  Status open_access();
  Status apply_folder();
  Status open_history();
  Status open_watchers();
  Status open_surface();
  void start_followers();
  void tick_every(Duration period, std::atomic<bool>& ticking, std::function<void()> tick, Lane lane = Lane::follow);
  void stop_followers();
  void maintain_lake();
  // Tells all but the last, which is returned.
  Error refusal(const std::vector<Error>& errors) const;

  AppOptions options_;
  std::string state_folder_, socket_path_, store_root_;
  std::optional<std::string> sign_in_token_;
  std::string summary_;
  bool stopped_ = false;
  std::atomic<bool> loads_begin_{false};  // an apply begins those that are due

  std::unique_ptr<FolderLock> lock_;
  SystemClock clock_;
  SystemRandom random_;
  Metrics metrics_;
  std::unique_ptr<Timers> timers_;
  std::unique_ptr<Lanes> lanes_;
  project::Settings settings_;
  std::string project_name_;
  capture::Limits limits_;
  std::unique_ptr<control::Control> control_;
  std::unique_ptr<access::Secrets> secrets_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<lake::Lake> lake_;
  std::unique_ptr<capture::Capture> capture_;
  std::unique_ptr<access::Users> users_;
  std::unique_ptr<warehouse::HistoryFile> past_;  // of the two logs below
  warehouse::StatementLog statements_{clock_, metrics_};
  warehouse::LoadLog loads_;
  Refreshes refreshes_;
  std::unique_ptr<warehouse::Buckets> buckets_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<OutsideConnections> connections_;
  std::unique_ptr<live::Live> live_;
  std::unique_ptr<warehouse::Warehouse> warehouse_;
  std::unique_ptr<warehouse::SavedQueries> queries_;
  std::unique_ptr<Intakes> intakes_;
  std::unique_ptr<access::Access> access_;
  std::unique_ptr<flow::Flow> flow_;
  std::unique_ptr<forget::Forgets> forgets_;
  std::optional<Starting> starting_;
  std::unique_ptr<endpoint::Endpoints> endpoints_;
  std::unique_ptr<notify::Notifier> notifier_;
  std::unique_ptr<RunFindings> run_findings_;
  Analyses analyses_;
  std::unique_ptr<Deployment> deployment_;
  std::unique_ptr<history::History> history_;
  std::unique_ptr<history::EmfWriter> emf_;
  std::unique_ptr<http::AccessGate> gate_;
  std::unique_ptr<http::Site> site_;
  std::unique_ptr<Doors> doors_;
  std::atomic<Doors*> open_doors_{nullptr};  // the same, for whoever may come before them
  std::unique_ptr<http::Server> server_;

  std::atomic<bool> stopping_{false}, maintaining_{false};
  std::atomic<bool> flows_ticking_{false}, history_ticking_{false}, emf_ticking_{false}, alarms_ticking_{false},
      refreshing_{false}, notices_ticking_{false};
  LogLimit history_log_;
  std::thread follower_, live_follower_, maintainer_;
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  std::vector<Timers::Timer> schedule_;
};

Status Composed::start() {
  TRY(check_folder(options_));
  TRY_ASSIGN(state_folder_, project::state_folder(options_.folder, options_.environment));
  const std::string holder =
      std::string(options_.serves ? "weir serve" : "a weir command") + ", process " + std::to_string(getpid());
  TRY(real_files().make_directories(state_folder_));
  TRY_ASSIGN(lock_, FolderLock::acquire(join_path(state_folder_, "lock"), holder));
  timers_ = std::make_unique<Timers>();
  TRY(open_storage());
  TRY(open_engine());
  TRY(apply_system_streams(*control_, {history::metrics_stream(settings_.duration("metrics.retention"))}));
  TRY(deployment_->reload());
  if (options_.applies_folder) {
    TRY(apply_folder());
  }
  TRY(open_surface());
  if (options_.serves) {
    TRY(open_history());
  }
  start_followers();
  if (options_.serves) {
    TRY(flow_->resume());
    TRY(forgets_->resume());
    (void)intakes_->begin_loads();
  }
  loads_begin_ = !options_.rehearses;
  return {};
}

Result<std::string> Composed::secret(std::string_view name) {
  if (options_.rehearses) return std::string("secret");
  return secrets_->find(name);
}

// weir.yaml's settings may name secrets, which lie in the control database: that is opened first.
Status Composed::read_settings() {
  project::ReadOptions read;
  read.environment = options_.environment;
  read.process_environment = process_environment();
  // A command must open a folder whose weir.yaml names a secret that is not there yet: `weir secret set` is one.
  read.secret = [this](std::string_view name) {
    auto found = secret(name);
    const bool is_unset = !found && found.error().code == Code::not_found && !options_.serves;
    return is_unset ? std::string("not set yet") : std::move(found);
  };
  if (options_.rehearses) read.flags = {{"store", kOwnStore}, {"wire.enabled", "false"}, {"aws.enabled", "false"}};
  if (options_.takes_any_wire_port) {
    for (const char* port : {"wire.port", "aws.port"}) read.flags.emplace_back(port, "0");
  }
  if (!options_.listen.empty()) read.flags.emplace_back("listeners.http", options_.listen);
  TRY_ASSIGN(auto project, project::read_project(real_files(), options_.folder, make_registry({}), read));
  // Mistakes in declarations are apply_folder()'s to tell; without settings nothing can start.
  const bool is_usable = std::all_of(project.errors.begin(), project.errors.end(), [](const Error& error) {
    return error.position && error.position->file != "weir.yaml" && !error.position->file.starts_with("environments/");
  });
  if (!is_usable) return refusal(project.errors);
  settings_ = project.settings;
  project_name_ = project.name;
  LogSettings log;
  TRY_ASSIGN(log.level, parse_level(settings_.text("log.level")));
  log.json = settings_.text("log.format") == "json";
  if (options_.quiet) log.level = std::max(log.level, Level::warn);
  if (!options_.serves) log.level = Level::error;
  set_log(std::move(log));
  return {};
}

Error Composed::refusal(const std::vector<Error>& errors) const {
  for (size_t i = 0; i + 1 < errors.size(); ++i) {
    if (options_.report) {
      options_.report(errors[i]);
    } else {
      log_event(Level::error, "project.error", {{"error", errors[i].text()}});
    }
  }
  return errors.back();
}

Status Composed::open_storage() {
  TRY_ASSIGN(control_, control::Control::open(join_path(state_folder_, "control.db"), clock_));
  access::Secrets::KeySource key;
  key.file = join_path(state_folder_, "secret.key");
  const auto environment = process_environment();
  if (auto found = environment.find("WEIR_KEY"); found != environment.end()) key.key = found->second;
  secrets_ = std::make_unique<access::Secrets>(access::Secrets::Parts{*control_, real_files(), clock_, random_}, key);
  TRY(read_settings());
  LanesOptions lanes;
  lanes.background.threads = kRunsAtOnce;
  lanes.interactive.threads = static_cast<int>(settings_.integer("limits.sql_concurrent")) + 2;
  lanes_ = std::make_unique<Lanes>(lanes);

  journal::Options journal;
  journal.folder = join_path(state_folder_, "journal");
  journal.segment_bytes = settings_.size("journal.segment_bytes");
  journal.gather_max = settings_.duration("journal.gather_max");
  journal.queued_bytes_max = settings_.size("limits.queued_bytes");
  TRY_ASSIGN(journal_, journal::Journal::open(real_files(), clock_, metrics_, journal));
  for (const auto& damage : journal_->recovery().damage) {
    log_event(damage.cut ? Level::warn : Level::error, "journal.damage",
              {{"segment", damage.segment}, {"from", damage.from}, {"to", damage.to}, {"what", damage.what}});
  }

  // The default store belongs to the environment's state; a store that somebody names is relative to the project's
  // folder.
  const std::string& store = settings_.text("store");
  store_root_ = store == kOwnStore       ? join_path(state_folder_, "store")
                : store.starts_with('/') ? store
                                         : join_path(options_.folder, store);
  char resolved[4096];
  TRY(real_files().make_directories(store_root_));
  if (realpath(store_root_.c_str(), resolved) != nullptr) store_root_ = resolved;
  TRY_ASSIGN(lake_, lake::Lake::open(real_files(), clock_, metrics_, *journal_, *control_,
                                     lake_options(settings_, store_root_)));

  const capture::Options capture = capture_options(settings_, state_folder_);
  limits_ = capture.limits;
  TRY_ASSIGN(capture_, capture::Capture::open(real_files(), clock_, random_, metrics_, *journal_, capture));
  return {};
}

Status Composed::open_engine() {
  TRY_ASSIGN(past_, keep_history(join_path(state_folder_, "history"), clock_, settings_, statements_, loads_));
  engine::EngineOptions engine = engine_options(settings_, state_folder_, store_root_);
  auto views = system_views({*capture_, *control_, *journal_, *lake_, flow_, store_root_});
  add_warehouse_views(views, statements_, loads_, refreshes_.views(), users_);
  const auto ask_secret = [this](std::string_view name) { return secret(name); };
  TRY_ASSIGN(buckets_,
             open_buckets(settings_, {join_path(store_root_, "s3"), ask_secret, clock_, random_, options_.rehearses}));
  TRY_ASSIGN(connections_, OutsideConnections::open(settings_, {options_.folder, ask_secret, metrics_, *lanes_,
                                                                *timers_, options_.rehearses}));
  engine.objects = buckets_.get();
  engine.program = "/proc/self/exe";  // also if its file was replaced since
  engine.metrics = &metrics_;
  TRY_ASSIGN(engine_, engine::Engine::open(engine, *lake_, std::move(views)));
  lake_->set_engine(*engine_);
  intakes_ = std::make_unique<Intakes>(
      lake::Requeue::Parts{*lake_, *engine_, *capture_, clock_},
      Intakes::Folders{options_.folder, join_path(state_folder_, "foreign"), join_path(store_root_, "raw")}, settings_,
      [this](std::string_view stream) { return forgets_->of(stream); });
  live::Options live{.folder = join_path(state_folder_, "live")};
  live.history = live::engine_history(*engine_, lanes_->stopping());
  live.defer = [this](std::function<void()> task) { return lanes_->submit(Lane::background, std::move(task)); };
  TRY_ASSIGN(live_, live::Live::open(real_files(), clock_, metrics_, *journal_, std::move(live)));
  TRY(open_access());
  TRY_ASSIGN(warehouse_, open_warehouse({*engine_, statements_, *timers_, clock_, random_, users_.get(), buckets_.get(),
                                         &loads_, &refreshes_.views()},
                                        settings_));
  refreshes_.follow(*lake_, *warehouse_, clock_);
  queries_ = std::make_unique<warehouse::SavedQueries>(real_files(), options_.folder);
  flow::Flow::Parts flow{*engine_, *lake_, *control_, *lanes_, clock_, random_, metrics_};
  flow.steps = step_settings(settings_, options_.folder, store_root_);
  flow.steps.secret = ask_secret;
  flow.parallel = static_cast<size_t>(settings_.integer("flows.parallel"));
  flow.warehouse = warehouse_.get();
  flow.on_end = [this](const control::Run& ended) { run_findings_->note(ended); };
  TRY_ASSIGN(flow_, flow::Flow::open(flow));
  intakes_->add_work(*flow_);
  TRY_ASSIGN(forgets_, forget::Forgets::open({*journal_, *capture_, *lake_, *live_, *engine_, *flow_, *control_,
                                              real_files(), clock_, random_, Doors::results_in(state_folder_),
                                              buckets_.get(), &statements_, &loads_, options_.serves},
                                             join_path(state_folder_, "forget.key")));
  forgets_->when_jobs_changed([this] {
    if (Doors* const doors = open_doors_.load()) doors->reread_jobs();
  });
  forgets_->add_work();
  add_lake_work(*flow_, {*lake_, intakes_->requeue(), *control_, clock_});
  starting_.emplace(
      Starting::Parts{*flow_, *lake_, *control_, clock_, buckets_.get(), connections_->pools(), options_.serves});
  endpoints_ = std::make_unique<endpoint::Endpoints>(
      endpoint::Endpoints::Parts{.engine = *engine_,
                                 .flow = *flow_,
                                 .secrets = *secrets_,
                                 .files = real_files(),
                                 .lanes = *lanes_,
                                 .clock = clock_,
                                 .random = random_,
                                 .metrics = metrics_,
                                 .folder = join_path(state_folder_, "endpoints"),
                                 .memory_bytes = settings_.size("limits.endpoint_memory"),
                                 .writes = options_.serves});
  flow_->set_observer([this](const std::string& table) {
    refreshes_.published(table);
    if (options_.serves) endpoints_->table_changed(table);
  });
  return open_watchers();
}

// Who looks at all of it, and changes what is declared.
Status Composed::open_watchers() {
  const auto ask_secret = [this](std::string_view name) { return secret(name); };
  http::declare_metrics(metrics_);  // alarms may watch them
  pgwire::declare_metrics(metrics_);
  notifier_ = make_notifier({*control_, clock_, random_, metrics_, ask_secret}, settings_,
                            {project_name_, options_.environment, options_.folder, state_folder_}, options_.serves);
  run_findings_ = std::make_unique<RunFindings>(*notifier_);
  TRY_ASSIGN(analyses_,
             open_analyses({metrics_, *control_, *notifier_, *warehouse_, *flow_, *lanes_, clock_, random_,
                            connections_->pools(), starting_->starts(), *users_, join_path(store_root_, "runs")}));
  deployment_ = std::make_unique<Deployment>(
      Deployment::Parts{*control_, *engine_, *capture_, *lake_, ask_secret,
                        [this] { return loaded_tables(*warehouse_); }, *flow_, starting_->flows(), *endpoints_, *live_,
                        metrics_, *analyses_.alarms, *notifier_, *analyses_.dashboards, *analyses_.reviews,
                        *run_findings_, intakes_->externals(), intakes_->rules(),
                        [this] { return loads_begin_ ? intakes_->begin_loads() : std::vector<std::string>(); }},
      options_.folder, options_.environment);
  return {};
}

Status Composed::open_access() {
  TRY_ASSIGN(users_, access::Users::open(*control_, clock_, random_));
  TRY_ASSIGN(access_, access::Access::open(*control_, *users_, clock_, random_, {.secrets = secrets_.get()}));
  return {};
}

Status Composed::apply_folder() {
  TRY_ASSIGN(auto outcome, deployment_->apply_folder(false));
  for (const Error& warning : outcome.project.warnings) summary_ += "note: " + warning.text() + "\n";
  if (!outcome.project.is_good()) return refusal(outcome.project.errors);
  std::vector<Error> refused;
  for (const auto& change : outcome.plan.changes) {
    if (change.compatible) continue;
    refused.push_back(Error(Code::conflict, change.kind + " " + change.name + ": " + join(change.details, "; "),
                            "nothing was applied, `weir plan` shows all of it"));
  }
  if (!refused.empty()) return refusal(refused);
  for (const auto& change : outcome.plan.changes) {
    if (change.action == project::Action::none) continue;
    summary_ +=
        std::string("applied: ") + project::action_name(change.action) + " " + change.kind + " " + change.name + "\n";
  }
  return {};
}

Status Composed::open_history() {
  TRY_ASSIGN(const AppliedStreams streams, applied_streams(*control_));
  for (const auto& applied : streams.followed) {
    if (applied.stream->name != history::kMetricsStream) continue;
    history::Options options;
    options.series_max = static_cast<size_t>(settings_.integer("metrics.series_max"));
    history_ = std::make_unique<history::History>(metrics_, *journal_, clock_, applied, options);
  }
  if (settings_.text("metrics.emf") == "log") {
    emf_ = std::make_unique<history::EmfWriter>(metrics_, clock_, project_name_,
                                                [](std::string_view line) { log_foreign(line); });
  }
  return {};
}

Status Composed::open_surface() {
  gate_ = std::make_unique<http::AccessGate>(*access_);
  http::ServerOptions server;
  server.site.hosts = settings_.texts("http.hosts");
  server.site.origins = settings_.texts("http.origins");
  server.listens_on_tcp = options_.serves;
  socket_path_ = join_path(state_folder_, options_.serves ? "weir.sock" : "command.sock");
  server.socket_path = socket_path_;
  if (options_.serves) {
    TRY_ASSIGN(auto address, project::parse_address(settings_.text("listeners.http")));
    server.address = address.host;
    server.port = address.port;
  } else {
    server.threads = 1;
  }
  http::SiteParts parts{.clock = clock_,
                        .random = random_,
                        .metrics = metrics_,
                        .lanes = *lanes_,
                        .control = *control_,
                        .journal = *journal_,
                        .lake = *lake_,
                        .capture = *capture_,
                        .engine = *engine_,
                        .warehouse = *warehouse_,
                        .queries = *queries_,
                        .requeue = intakes_->requeue(),
                        .crawl = intakes_->crawl(),
                        .users = *users_,
                        .access = *access_,
                        .secrets = *secrets_,
                        .flow = *flow_,
                        .flows = starting_->flows(),
                        .endpoints = *endpoints_,
                        .forgets = *forgets_,
                        .live = *live_,
                        .alarms = *analyses_.alarms,
                        .notifier = *notifier_,
                        .dashboards = *analyses_.dashboards,
                        .reviews = *analyses_.reviews,
                        .deployment = *deployment_,
                        .connections = connections_->pools()};
  http::SiteFacts facts = site_facts(settings_);
  facts.project = project_name_;
  facts.environment = options_.environment;
  facts.store_root = store_root_, facts.temp_folder = spill_folder(state_folder_);
  facts.limits = limits_;
  if (options_.serves) {
    TRY_ASSIGN(doors_, Doors::open({*warehouse_, *buckets_, *control_, *engine_, *users_, *access_, *secrets_,
                                    *capture_, *gate_, clock_, random_, metrics_, *lanes_, *timers_},
                                   settings_, {options_.folder, state_folder_}));
    doors_->tell(facts);
    open_doors_ = doors_.get();
    server.tls = &doors_->tls();
  }
  site_ = http::make_site(parts, facts);
  TRY_ASSIGN(server_, http::Server::start(server, site_->router(), *gate_, clock_, metrics_, *lanes_));
  if (doors_) {
    TRY_ASSIGN(auto first, access_->first_sign_in());
    if (first) sign_in_token_ = first->text;
    summary_ += doors_->summary();
    if (const auto streams = applied_streams(*control_)) {
      summary_ += stream_summary(streams->captured, settings_.texts("http.mounts"), url(), clock_.wall());
    }
  }
  return {};
}

void Composed::start_followers() {
  follower_ = start_thread("follow-lake", [this] {
    lake_->run([this] { return stopping_.load(); },
               [this] { return std::min(capture_->sealed_through(), live_->needed_from()); });
  });
  live_follower_ = start_thread("follow-live", [this] { live_->run([this] { return stopping_.load(); }); });
  maintainer_ = start_thread("maintain", [this] {
    (void)lower_thread_priority(4);
    std::unique_lock lock(wake_mutex_);
    while (!stopping_.load()) {
      lock.unlock();
      if (auto done = capture_->maintain(); !done)
        log_event(Level::error, "capture.maintain_failed", {{"error", done.error().text()}});
      lock.lock();
      wake_.wait_for(lock, std::chrono::microseconds(kMaintainEvery.micros), [this] { return stopping_.load(); });
    }
  });
  schedule_.push_back(timers_->every(kSampleEvery, [this] { site_->sample(); }));
  if (options_.serves) {
    notifier_->set_url(public_url(settings_, url()));
    tick_every(kSampleEvery, notices_ticking_, [this] { notifier_->tick(); });
    tick_every(kSampleEvery, alarms_ticking_, [this] { analyses_.alarms->tick(); });
    tick_every(kSampleEvery, flows_ticking_, [this] { starting_->starts().tick(); });
    tick_every(
        kSampleEvery, refreshing_, [this] { refreshes_.tick(lanes_->stopping()); }, Lane::background);
    tick_every(settings_.duration("metrics.every"), history_ticking_, [this] {
      if (const Status done = history_->sample(); !done && history_log_.admit(clock_.steady_micros())) {
        log_event(Level::warn, "history.sample_failed", {{"error", done.error().text()}});
      }
    });
    if (emf_) tick_every(kSampleEvery, emf_ticking_, [this] { emf_->tick(); });
    schedule_.push_back(timers_->every(kMaintainLakeEvery, [this] {
      if (!maintaining_.exchange(true)) maintain_lake();
    }));
    schedule_.push_back(timers_->every(kSampleEvery, [this] { endpoints_->mend(); }));
  }
  schedule_.push_back(timers_->every(kFlushTokensEvery, [this] {
    (void)lanes_->submit(Lane::background, [this] { (void)access_->flush_last_used(); });
  }));
}

// One merge a task, so that runs take their turns in between.
void Composed::maintain_lake() {
  const auto submitted = lanes_->submit(Lane::background, [this] {
    const auto more = lake_->maintain(lanes_->stopping());
    // A commit that failed is tried again first, and told by the follower.
    if (!more && more.error().code != Code::busy && more.error().code != Code::cancelled) {
      log_event(Level::error, "lake.maintain_failed", {{"error", more.error().text()}});
    }
    if (more && *more) {
      maintain_lake();
    } else {
      maintaining_ = false;
    }
  });
  if (!submitted) maintaining_ = false;
}

// On a lane, and not again before the last one has ended.
void Composed::tick_every(Duration period, std::atomic<bool>& ticking, std::function<void()> tick, Lane lane) {
  schedule_.push_back(timers_->every(period, [this, &ticking, lane, tick = std::move(tick)] {
    if (ticking.exchange(true)) return;
    const bool taken = lanes_
                           ->submit(lane,
                                    [&ticking, tick] {
                                      tick();
                                      ticking = false;
                                    })
                           .has_value();
    if (!taken) ticking = false;
  }));
}

void Composed::stop_followers() {
  schedule_.clear();
  {
    std::lock_guard lock(wake_mutex_);
    stopping_.store(true);
  }
  wake_.notify_all();
  if (follower_.joinable()) follower_.join();
  if (live_follower_.joinable()) live_follower_.join();
  if (maintainer_.joinable()) maintainer_.join();
}

std::string Composed::url() const {
  if (!options_.serves || !server_) return {};
  auto address = project::parse_address(settings_.text("listeners.http"));
  if (address) address->port = server_->port();
  return project::url_of(address.value_or(project::Address{"127.0.0.1", server_->port()}));
}

Result<std::string> Composed::make_admin_token(const std::string& label) {
  access::NewToken wanted;
  wanted.role = access::Role::admin;
  wanted.label = label;
  TRY_ASSIGN(auto made, access_->create_token(wanted));
  return made.text;
}

// The order is that of the data: nobody sends any more, what was sent is finished, what is in the tail is committed.
Status Composed::stop(Duration limit) {
  if (stopped_) return {};
  stopped_ = true;
  Status first;
  const auto keep_first = [&](Status done) {
    if (!done && first) first = std::move(done);
  };
  // What could not be finished here the next start finishes: everything acknowledged lies in the journal. A full disk
  // is no reason to call this end unclean.
  const auto tell = [](const char* what, const Status& done) {
    if (!done) log_event(Level::warn, "stop.left_for_the_next_start", {{"what", what}, {"error", done.error().text()}});
  };
  if (doors_) keep_first(doors_->stop(limit));
  if (server_) keep_first(server_->stop(limit));
  stop_followers();
  if (history_) tell("last sample of the metrics", history_->finish(kLastSample));
  if (starting_) starting_->stop();
  if (flow_) flow_->stop();
  if (warehouse_) warehouse_->stop();
  if (notifier_) notifier_->stop();
  if (options_.serves && lake_ && server_) tell("commit of the lake", lake_->drain(seconds(30)));
  if (access_) tell("when tokens were used", access_->flush_last_used());
  if (lanes_) keep_first(lanes_->stop(seconds(1), seconds(5)));
  if (engine_) tell("checkpoint of the engine", engine_->checkpoint());
  return first;
}

}  // namespace

Result<std::unique_ptr<App>> App::open(const AppOptions& options) {
  auto app = std::make_unique<Composed>(options);
  TRY(app->start());
  return std::unique_ptr<App>(std::move(app));
}

}  // namespace weir::app
