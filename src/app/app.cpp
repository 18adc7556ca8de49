#include "app/app.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>

#include "app/deployment.h"
#include "app/version.h"
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
#include "platform/flow/flows.h"
#include "platform/warehouse/warehouse.h"
#include "stream/capture/example.h"
#include "surface/http/routes/all.h"
#include "surface/http/server.h"
#include "ui/embedded.h"

namespace weir::app {
namespace {

constexpr Duration kMaintainEvery = milliseconds(200);
constexpr Duration kFlushTokensEvery = minutes(1);
constexpr Duration kSampleEvery = seconds(1);
constexpr const char* kOwnStore = ".weir/store";  // of the environment's state
constexpr Duration kMaintainLakeEvery = seconds(2);

int engine_threads(const project::Settings& settings) {
  const auto wanted = static_cast<int>(settings.integer("engine.threads"));
  if (wanted > 0) return wanted;
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, cores - 1);
}

Error no_environment(const AppOptions& options) {
  std::vector<std::string> known;
  if (auto entries = real_files().list(join_path(options.folder, "environments")); entries) {
    for (const auto& entry : *entries) {
      if (entry.name.ends_with(".yaml")) known.push_back(entry.name.substr(0, entry.name.size() - 5));
    }
  }
  return Error(Code::not_found, "there is no environment " + shown(options.environment),
               known.empty() ? "create environments/" + options.environment + ".yaml"
                             : did_you_mean(options.environment, known));
}

// A mistyped folder is told, and left as it is.
Status check_folder(const AppOptions& options) {
  const auto there = [&](const char* name) -> Result<bool> {
    return real_files().exists(name[0] == '\0' ? options.folder : join_path(options.folder, name));
  };
  TRY_ASSIGN(const bool folder, there(""));
  if (!folder) return Error(Code::not_found, "there is no folder " + shown(options.folder), "--dir FOLDER");
  if (!options.environment.empty()) {
    const std::string file = "environments/" + options.environment + ".yaml";
    TRY_ASSIGN(const bool declared, there(file.c_str()));
    if (!declared) return no_environment(options);
  }
  if (options.serves || options.rehearses) return {};
  for (const char* name : {"weir.yaml", "streams", "tables", ".weir"}) {
    TRY_ASSIGN(const bool found, there(name));
    if (found) return {};
  }
  return Error(Code::not_found,
               "the folder " + shown(options.folder) + " declares nothing: it has neither weir.yaml nor streams",
               "--dir FOLDER, or `weir init` for a first project there");
}

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
  Status apply_folder();
  Result<std::set<std::string>> loaded_tables();
  Status open_surface();
  void start_followers();
  void stop_followers();
  void maintain_lake();
  void describe_streams();
  // Tells all but the last, which is returned.
  Error refusal(const std::vector<Error>& errors) const;

  AppOptions options_;
  std::string state_folder_, socket_path_, store_root_;
  std::optional<std::string> sign_in_token_;
  std::string summary_;
  bool stopped_ = false;

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
  std::unique_ptr<warehouse::StatementLog> statements_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<warehouse::Warehouse> warehouse_;
  std::unique_ptr<access::Access> access_;
  std::unique_ptr<flow::Flow> flow_;
  std::unique_ptr<flow::Flows> flows_;
  std::unique_ptr<Deployment> deployment_;
  std::unique_ptr<http::AccessGate> gate_;
  std::unique_ptr<http::Site> site_;
  std::unique_ptr<http::Server> server_;

  std::atomic<bool> stopping_{false}, ticking_{false}, maintaining_{false};
  std::thread follower_, maintainer_;
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
  TRY(deployment_->reload());
  if (options_.applies_folder) {
    TRY(apply_folder());
  }
  TRY(open_surface());
  start_followers();
  if (options_.serves) {
    TRY(flow_->resume());
  }
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
  read.secret = [this](std::string_view name) { return secret(name); };
  if (options_.rehearses) read.flags.emplace_back("store", kOwnStore);
  if (!options_.listen.empty()) read.flags.emplace_back("listeners.http", options_.listen);
  TRY_ASSIGN(auto project, project::read_project(real_files(), options_.folder, make_registry({}), read));
  // Mistakes in streams are apply_folder()'s to tell; without settings nothing can start.
  const bool is_usable = std::all_of(project.errors.begin(), project.errors.end(), [](const Error& error) {
    return error.position &&
           (error.position->file.starts_with("streams/") || error.position->file.starts_with("tables/") ||
            error.position->file.starts_with("flows/"));
  });
  if (!is_usable) return refusal(project.errors);
  settings_ = project.settings;
  project_name_ = project.name;
  LogSettings log;
  TRY_ASSIGN(log.level, parse_level(settings_.text("log.level")));
  log.json = settings_.text("log.format") == "json";
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
  lake::Options lake;
  lake.store_root = store_root_;
  lake.commit_interval = settings_.duration("lake.commit_interval");
  lake.commit_bytes = settings_.size("lake.commit_bytes");
  lake.compact_files = static_cast<size_t>(settings_.integer("lake.compact_files"));
  lake.compact_bytes = settings_.size("lake.compact_bytes");
  lake.replaced_keep = settings_.duration("lake.replaced_keep");
  // What may wait beside a commit that is being written: more would only be memory, the journal keeps it all.
  lake.tail_bytes_max = lake.commit_bytes + (8ull << 20);
  TRY_ASSIGN(lake_, lake::Lake::open(real_files(), clock_, metrics_, *journal_, *control_, lake));

  capture::Options capture;
  capture.folder = join_path(state_folder_, "dedup");
  capture.limits.body_bytes = settings_.size("limits.body_bytes");
  capture.limits.record_bytes = settings_.size("limits.record_bytes");
  capture.limits.depth = static_cast<int>(settings_.integer("limits.depth"));
  capture.limits.ratio_max = settings_.number("limits.ratio");
  capture.index_memory_bytes = settings_.size("limits.index_memory");
  limits_ = capture.limits;
  TRY_ASSIGN(capture_, capture::Capture::open(real_files(), clock_, random_, metrics_, *journal_, capture));
  return {};
}

Status Composed::open_engine() {
  statements_ = std::make_unique<warehouse::StatementLog>(clock_, metrics_);
  engine::EngineOptions engine;
  engine.database = join_path(state_folder_, "warehouse.duckdb");
  engine.store_root = store_root_;
  engine.temp_directory = join_path(state_folder_, "tmp");
  engine.threads = engine_threads(settings_);
  engine.memory_bytes = settings_.size("limits.sql_memory");
  auto views = system_views(*capture_, *control_, *journal_, *lake_);
  views.push_back(warehouse::statements_view(*statements_));
  TRY_ASSIGN(engine_, engine::Engine::open(engine, *lake_, std::move(views)));
  lake_->set_engine(*engine_);
  warehouse::Limits limits;
  limits.concurrent = static_cast<size_t>(settings_.integer("limits.sql_concurrent"));
  limits.queue = static_cast<size_t>(settings_.integer("limits.sql_queue"));
  limits.time = settings_.duration("limits.sql_time");
  limits.json_rows_max = static_cast<uint64_t>(settings_.integer("limits.sql_rows"));
  warehouse_ = std::make_unique<warehouse::Warehouse>(
      warehouse::Warehouse::Parts{*engine_, *statements_, *timers_, clock_, random_}, limits);
  TRY_ASSIGN(access_, access::Access::open(*control_, clock_, random_));
  TRY_ASSIGN(flow_, flow::Flow::open({*engine_, *lake_, *control_, *lanes_, clock_, random_, metrics_}));
  flows_ = std::make_unique<flow::Flows>(flow::Flows::Parts{*flow_, *lake_, *control_, clock_});
  deployment_ = std::make_unique<Deployment>(
      Deployment::Parts{*control_, *capture_, *lake_, [this](std::string_view name) { return secret(name); },
                        [this] { return loaded_tables(); }, *flow_, *flows_},
      options_.folder, options_.environment);
  return {};
}

Result<std::set<std::string>> Composed::loaded_tables() {
  TRY_ASSIGN(const auto catalog, warehouse_->catalog({.name = "weir", .may_read = true}));
  std::set<std::string> names;
  for (const auto& table : catalog->tables) {
    if (table.kind == warehouse::TableKind::table) names.insert(to_lower(table.name));
  }
  return names;
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
                        .access = *access_,
                        .secrets = *secrets_,
                        .flow = *flow_,
                        .flows = *flows_,
                        .deployment = *deployment_};
  http::SiteFacts facts;
  facts.version = kVersion;
  facts.project = project_name_;
  facts.environment = options_.environment;
  facts.mounts = settings_.texts("http.mounts");
  facts.store_root = store_root_;
  facts.limits = limits_;
  for (const auto& file : ui::embedded_files()) {
    facts.pages.push_back({.path = file.path,
                           .content_type = file.content_type,
                           .bytes = file.bytes,
                           .gzip = file.bytes_gzip,
                           .etag = file.etag});
  }
  site_ = http::make_site(parts, facts);
  TRY_ASSIGN(server_, http::Server::start(server, site_->router(), *gate_, clock_, metrics_, *lanes_));
  if (options_.serves) {
    TRY_ASSIGN(auto first, access_->first_sign_in());
    if (first) sign_in_token_ = first->text;
    describe_streams();
  }
  return {};
}

void Composed::describe_streams() {
  auto streams = applied_streams(*control_);
  if (!streams) return;
  for (const auto& applied : streams->captured) {
    const auto& stream = *applied.stream;
    summary_ += "stream " + stream.name + ": POST " + url() + "/v1/streams/" + stream.name;
    if (stream.beacon) {
      for (const std::string& mount : settings_.texts("http.mounts")) summary_ += ", " + mount + stream.beacon->path;
    }
    summary_ += !stream.enabled                              ? " (disabled)\n"
                : stream.write == capture::WhoWrites::anyone ? " (anybody on this machine)\n"
                                                             : " (with a write key)\n";
  }
  if (streams->captured.empty()) {
    summary_ += "no streams yet: `weir init` writes a first one\n";
    return;
  }
  // Somebody without a key can send only to a public one.
  const auto open = std::find_if(streams->captured.begin(), streams->captured.end(), [](const auto& applied) {
    return applied.stream->enabled && applied.stream->write == capture::WhoWrites::anyone;
  });
  const capture::Stream& first = *(open == streams->captured.end() ? streams->captured.front() : *open).stream;
  const bool is_open = first.write == capture::WhoWrites::anyone;
  summary_ += "send one: curl" + std::string(is_open ? "" : " -H 'Authorization: Bearer KEY'") + " -d '" +
              capture::example_event(first, clock_.wall()) + "' " + url() + "/v1/streams/" + first.name +
              (is_open ? "\n" : "   (KEY: weir token create --write " + first.name + ")\n");
}

void Composed::start_followers() {
  follower_ = start_thread("follow-lake", [this] {
    lake_->run([this] { return stopping_.load(); }, [this] { return capture_->sealed_through(); });
  });
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
    schedule_.push_back(timers_->every(kSampleEvery, [this] {
      if (ticking_.exchange(true)) return;  // the last one has not ended
      const bool taken = lanes_
                             ->submit(Lane::follow,
                                      [this] {
                                        flows_->tick();
                                        ticking_ = false;
                                      })
                             .has_value();
      if (!taken) ticking_ = false;
    }));
  }
  if (options_.serves) {
    schedule_.push_back(timers_->every(kMaintainLakeEvery, [this] {
      if (!maintaining_.exchange(true)) maintain_lake();
    }));
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

void Composed::stop_followers() {
  schedule_.clear();
  {
    std::lock_guard lock(wake_mutex_);
    stopping_.store(true);
  }
  wake_.notify_all();
  if (follower_.joinable()) follower_.join();
  if (maintainer_.joinable()) maintainer_.join();
}

std::string Composed::url() const {
  if (!options_.serves || !server_) return {};
  auto address = project::parse_address(settings_.text("listeners.http"));
  const std::string host = address && address->host.find(':') != std::string::npos ? "[" + address->host + "]"
                           : address                                               ? address->host
                                                                                   : "127.0.0.1";
  return "http://" + host + ":" + std::to_string(server_->port());
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
  if (server_) keep_first(server_->stop(limit));
  stop_followers();
  if (warehouse_) warehouse_->stop();
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
