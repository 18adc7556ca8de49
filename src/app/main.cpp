// The program: hands the command line what only app can build.
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "app/app.h"
#include "app/backend.h"
#include "app/deployment.h"
#include "app/kinds.h"
#include "app/version.h"
#include "app/workers.h"
#include "core/io/crash_point.h"
#include "core/project/schema.h"
#include "storage/engine/bare.h"
#include "storage/engine/calls.h"
#include "storage/engine/outside.h"
#include "stream/capture/infer.h"
#include "surface/cli/cli.h"
#include "surface/cli/interrupt.h"
#include "surface/cli/output.h"

namespace weir::app {
namespace {

constexpr Duration kDrainLimit = seconds(20);

// Tests kill the program at a named point: WEIR_CRASH_AT=name:hit, and list the points with WEIR_CRASH_LOG=file.
Status arm_crash_points() {
  const char* at = std::getenv("WEIR_CRASH_AT");
  const char* log = std::getenv("WEIR_CRASH_LOG");
  return set_crash_points({at == nullptr ? "" : at, log == nullptr ? "" : log});
}

// libpq takes what a declaration leaves open from the environment: servers elsewhere are reached as declared, and with
// nothing else. Before the first thread, as getenv() reads without a lock.
void keep_environment_from_libpq() {
  for (const auto& [name, value] : process_environment()) {
    if (engine::is_libpq_variable(name)) ::unsetenv(name.c_str());
  }
}

// glibc raises this limit with every large block that is freed, and what lies below it stays with the process in
// pieces: a busy follower then holds a hundred megabytes that nothing uses.
void return_large_blocks() {
  mallopt(M_MMAP_THRESHOLD, 512 << 10);
}

AppOptions serving(const cli::Common& common, const std::string& listen) {
  AppOptions options;
  options.folder = common.folder;
  options.environment = common.environment;
  options.listen = listen;
  options.report = [](const Error& error) { (void)cli::report(error); };
  return options;
}

void print_start(const App& app) {
  std::printf("%s", app.summary().c_str());
  if (app.sign_in_token()) {
    std::printf("\nsign in at %s with this token, shown once:\n  %s\n", app.url().c_str(),
                app.sign_in_token()->c_str());
  }
  std::printf("ready at %s\n", app.url().c_str());
  std::fflush(stdout);
}

int serve(const cli::Common& common, const std::string& listen, bool quiet) {
  return_large_blocks();
  cli::Interrupt interrupt;
  auto app = App::open(serving(common, listen));
  if (!app) return cli::report(app.error());
  if (!quiet) print_start(**app);
  interrupt.wait();
  auto stopped = (*app)->stop(kDrainLimit);
  return stopped ? cli::kDone : cli::report(stopped.error());
}

class RunningApp : public cli::Wiring::Running {
 public:
  RunningApp(std::unique_ptr<App> app, std::string token)
      : app_(std::move(app)), token_(std::move(token)), backend_("http://localhost", app_->socket_path(), "", true) {}
  ~RunningApp() override { (void)app_->stop(seconds(5)); }
  std::string url() const override { return app_->url(); }
  std::string token() const override { return token_; }
  cli::Backend& backend() override { return backend_; }

 private:
  std::unique_ptr<App> app_;
  std::string token_;
  HttpBackend backend_;
};

Result<std::unique_ptr<cli::Wiring::Running>> start(const cli::Common& common, int port) {
  AppOptions options = serving(common, "127.0.0.1:" + std::to_string(port));
  options.quiet = true;
  options.takes_any_wire_port = true;
  TRY_ASSIGN(auto app, App::open(options));
  std::string token = app->sign_in_token().value_or("");
  if (token.empty()) {
    TRY_ASSIGN(token, app->make_admin_token("demo"));
  }
  return std::unique_ptr<cli::Wiring::Running>(std::make_unique<RunningApp>(std::move(app), std::move(token)));
}

Result<std::string> schema(bool markdown) {
  const project::Registry registry = make_registry({});
  return markdown ? project::config_markdown(registry) : project::all_schemas(registry).dump(2) + "\n";
}

}  // namespace
}  // namespace weir::app

int main(int argc, char** argv) {
  using namespace weir;
  if (auto armed = app::arm_crash_points(); !armed) return cli::report(armed.error());
  app::keep_environment_from_libpq();
  cli::Wiring wiring;
  wiring.open = app::open_backend;
  wiring.serve = app::serve;
  wiring.start = app::start;
  wiring.rehearse = app::rehearse;
  wiring.work = [](const std::string& kind) {
    return kind == engine::kCallsKind ? engine::answer_call() : run_worker(kind, app::worker_kinds());
  };
  wiring.schema = app::schema;
  wiring.versions = app::versions;
  wiring.infer_stream = [](const std::string& text, const std::string& name) {
    return capture::infer_stream(text, name);
  };
  wiring.count_parquet = [](const std::vector<std::string>& paths,
                            const std::string& column) -> Result<std::pair<uint64_t, uint64_t>> {
    TRY_ASSIGN(auto reader, engine::BareReader::open());
    return reader->count(paths, column);
  };
  return cli::run(argc, argv, wiring);
}
