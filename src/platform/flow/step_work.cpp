#include "platform/flow/step_work.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/ids.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/base/yaml.h"
#include "core/io/files.h"
#include "platform/access/users.h"
#include "platform/flow/builder.h"
#include "platform/flow/transaction.h"
#include "platform/warehouse/result_text.h"

namespace weir::flow {
namespace {

using engine::NamedValue;
using engine::ScriptStatement;
using warehouse::DeclaredStatement;

constexpr size_t kShownRows = 5;  // of a check's
constexpr size_t kShownBytesMax = 2'000;
constexpr size_t kWriteBytes = 1u << 20;

std::vector<NamedValue> values_of(const StepRun& run) {
  return {{"start", format_date(run.from), true},
          {"end", format_date(run.to), true},
          {"day", format_date(run.to - 1), true},
          {"run", run.run, false}};
}

// "public"."name", or "name" of wherever a bare name is found.
std::string sql_name(const std::string& table) {
  const size_t dot = table.find('.');
  return dot == std::string::npos ? quoted_name(table)
                                  : quoted_name(table.substr(0, dot)) + "." + quoted_name(table.substr(dot + 1));
}

// What counts down while a step's statements run.
class Countdown {
 public:
  Countdown(const Clock& clock, const std::optional<Duration>& time) : clock_(clock) {
    if (time) end_ = clock.steady_micros() + time->micros;
  }
  Result<engine::QueryLimits> left() const {
    engine::QueryLimits out;
    if (!end_) return out;
    out.time = Duration{*end_ - clock_.steady_micros()};
    if (out.time->micros <= 0) return Error(Code::timed_out, "the step took longer than its time_limit");
    return out;
  }

 private:
  const Clock& clock_;
  std::optional<int64_t> end_;
};

// Why it was stopped, rather than that.
Error told(const StepRun& run, Error error) {
  const Status going = run.cancel.check();
  return going ? error : going.error();
}

Result<std::string> content_of(const std::string& path) {
  TRY_ASSIGN(const auto file, real_files().open(path, OpenMode::read));
  TRY_ASSIGN(const uint64_t size, file->size());
  std::string out, piece(kWriteBytes, '\0');
  for (uint64_t at = 0; at < size;) {
    TRY_ASSIGN(const size_t n, file->read_at(at, piece.data(), piece.size()));
    if (n == 0) break;
    out = sha256_hex(out + piece.substr(0, n));
    at += n;
  }
  return out;
}

// Writes a file beside the one it becomes. One thread.
class NewFile {
 public:
  static Result<std::unique_ptr<NewFile>> make(const std::string& path) {
    Files& files = real_files();
    TRY(files.make_directories(parent_path(path)));
    auto out = std::make_unique<NewFile>();
    out->path_ = path;
    TRY_ASSIGN(out->file_, files.open(out->staging(), OpenMode::create));
    TRY(out->file_->truncate(0));
    return out;
  }
  ~NewFile() {
    if (!is_kept_) (void)real_files().remove(staging()).has_value();
  }
  std::string staging() const {
    const size_t slash = path_.rfind('/');
    return path_.substr(0, slash + 1) + "." + path_.substr(slash + 1) + ".part";
  }
  Status add(std::string_view text) {
    TRY(file_->write_at(size_, text));
    size_ += text.size();
    return {};
  }
  // The engine has written it itself.
  Status keep() {
    Files& files = real_files();
    TRY(file_->sync());
    TRY(files.rename(staging(), path_));
    is_kept_ = true;
    return files.sync_directory(parent_path(path_));
  }

 private:
  std::string path_;
  std::unique_ptr<File> file_;
  uint64_t size_ = 0;
  bool is_kept_ = false;
};

}  // namespace

// --- looking at a step ----------------------------------------------------------------------------------------------

namespace {

std::string select_of(const Unload& unload) {
  return unload.table.empty() ? unload.select : "SELECT * FROM " + sql_name(unload.table);
}

}  // namespace

Result<std::vector<ScriptStatement>> StepWork::script(const Step& step, const MayWrite& may_write) const {
  const std::string text = step.kind == StepKind::check ? step.check : select_of(step.unload);
  TRY_ASSIGN(auto found, parts_.engine.examine_script(text, values_of({})));
  for (const ScriptStatement& statement : found) {
    for (const auto& table : statement.writes) {
      TRY(may_write(table.name));
    }
  }
  if (found.size() != 1 || found.front().kind != ScriptStatement::Kind::read) {
    return Error(Code::invalid, std::string(step_word(step.kind)) + " takes one SELECT");
  }
  return found;
}

Result<std::vector<DeclaredStatement>> StepWork::statements(const Step& step, const std::vector<NamedValue>& values,
                                                            const MayWrite& may_write) const {
  TRY_ASSIGN(auto out, warehouse::read_script(parts_.engine, step.sql, values));
  for (const DeclaredStatement& one : out) {
    for (const std::string& table : one.writes) {
      TRY(may_write(table));
    }
  }
  return out;
}

Status StepWork::may_run(const std::string& program) const {
  const auto& allowed = settings_.commands;
  if (std::find(allowed.begin(), allowed.end(), program) != allowed.end()) return {};
  return Error(Code::denied, "steps may not run " + shown(program),
               "the owner allows it in weir.yaml of the server's folder: flows: {commands: [" + program + "]}");
}

Status StepWork::examine(const Step& step, const MayWrite& may_write) const {
  switch (step.kind) {
    case StepKind::tables:
      return {};
    case StepKind::sql: {
      TRY(statements(step, values_of({}), may_write));
      return {};
    }
    case StepKind::check:
    case StepKind::unload: {
      TRY(script(step, may_write));
      return {};
    }
    case StepKind::load:
      return may_write(step.load.table);
    case StepKind::command:
      return may_run(step.command.arguments.front());
  }
  return {};
}

// --- doing it -------------------------------------------------------------------------------------------------------

Result<TaskEnd> StepWork::run(const Step& step, const StepRun& run) {
  if (const auto done = parts_.ledger.of_run(run.marks, step.name)) return done->end;
  switch (step.kind) {
    case StepKind::sql:
      return sql(step, run);
    case StepKind::check:
      return check(step, run);
    case StepKind::load:
      return load(step, run);
    case StepKind::unload:
      return unload(step, run);
    case StepKind::command:
      return command(step, run);
    case StepKind::tables:
      break;
  }
  return Error(Code::internal, "tables are computed elsewhere");
}

bool StepWork::has_done(const std::vector<Step>& steps, const std::string& marks) const {
  return std::any_of(steps.begin(), steps.end(),
                     [&](const Step& step) { return parts_.ledger.of_run(marks, step.name).has_value(); });
}

std::string StepWork::version() {
  return format_uuid(uuid_v7(parts_.clock, parts_.random));
}

Result<TaskEnd> StepWork::in_transaction(const Step& step, const StepRun& run, const std::set<std::string>& tables,
                                         const std::string& input, const Work& work) {
  std::vector<Gates::Pass> alone;  // two that change one table would make one of them fail
  for (const std::string& table : tables) {
    TRY_ASSIGN(Gates::Pass pass, parts_.gates.enter("table " + table, 1, run.cancel));
    alone.push_back(std::move(pass));
  }
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  session->read_from(run.inputs);
  const auto stop = run.cancel.attach([&session] { session->cancel(); });
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  auto end = work(*session);
  if (!end) return told(run, end.error());
  const StepMark mark{run.marks, run.flow, step.name, input, parts_.clock.wall(), *end};
  const std::string version = this->version();
  TRY(Ledger::touch(*session, tables, version));
  TRY(Ledger::write(*session, mark));
  TRY(run.cancel.check());
  TRY(transaction.commit());
  parts_.ledger.touched(tables, version);
  parts_.ledger.committed(mark);
  return end;
}

Status StepWork::mark(const Step& step, const StepRun& run, const TaskEnd& end) {
  TRY(in_transaction(step, run, {}, "", [&](engine::Session&) -> Result<TaskEnd> { return end; }));
  return {};
}

// --- sql, check -----------------------------------------------------------------------------------------------------

namespace {

// A session of the owner's, whose bare names are looked for where steps have always made their tables.
Result<std::unique_ptr<warehouse::Session>> session_of(warehouse::Warehouse& warehouse, const StepRun& run) {
  return warehouse::Session::open(
      warehouse,
      {.user = {.name = access::kOwnerName, .may_read = true, .may_administer = true, .id = access::kOwnerUser},
       .client = "flow",
       .peer = {},
       .settings = {{"search_path", "main, lake, public"}, {"application_name", "flow " + run.flow}}});
}

// One statement to its end. The number of rows that it changed, or of those that it gave.
Result<uint64_t> run_in(warehouse::Session& session, const std::string& sql, const engine::QueryLimits& limits,
                        const Cancel& cancel) {
  TRY_ASSIGN(const auto admission, session.admit({.sql = sql, .parameters = {}, .time = limits.time}, cancel));
  TRY_ASSIGN(const auto execution, admission->start());
  for (;;) {
    TRY_ASSIGN(const engine::ResultBlock* const block, execution->next_block());
    if (block == nullptr) break;
  }
  // "INSERT 0 3": the count stands last.
  const std::string tag = execution->tag();
  const std::string count = tag.substr(tag.rfind(' ') + 1);
  const bool is_number = !count.empty() && count.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stoull(count) : 0;
}

}  // namespace

// The statements, the new versions of the tables that they change, and the step's mark: one transaction.
Result<TaskEnd> StepWork::sql(const Step& step, const StepRun& run) {
  if (parts_.warehouse == nullptr) return Error(Code::unsupported, "there is no warehouse for the SQL of steps");
  const Countdown countdown(parts_.clock, run.time);
  TRY_ASSIGN(const auto script, statements(step, values_of(run), run.may_write));
  std::set<std::string> written;
  for (const DeclaredStatement& one : script) written.insert(one.writes.begin(), one.writes.end());
  std::vector<Gates::Pass> alone;  // two that change one table would make one of them fail
  for (const std::string& table : written) {
    TRY_ASSIGN(Gates::Pass pass, parts_.gates.enter("table " + table, 1, run.cancel));
    alone.push_back(std::move(pass));
  }
  TRY_ASSIGN(const auto session, session_of(*parts_.warehouse, run));
  TRY_ASSIGN(const auto limits, countdown.left());
  if (script.front().kind == DeclaredStatement::Kind::maintain) {  // may be repeated, changes no row
    const auto done = run_in(*session, script.front().sql, limits, run.cancel);
    if (!done) return told(run, done.error());
    TRY(mark(step, run, {}));
    return TaskEnd{};
  }
  session->read_from(run.inputs);
  TRY(run_in(*session, "BEGIN", limits, run.cancel));
  uint64_t changed = 0;
  for (const DeclaredStatement& one : script) {
    TRY_ASSIGN(const auto left, countdown.left());
    const auto rows = run_in(*session, one.sql, left, run.cancel);
    if (!rows) return told(run, rows.error());
    if (one.kind != DeclaredStatement::Kind::read) changed += *rows;
  }
  const StepMark mark{run.marks, run.flow, step.name, "", parts_.clock.wall(), {changed}};
  const std::string version = this->version();
  TRY(Ledger::touch(session->engine(), written, version));
  TRY(Ledger::write(session->engine(), mark));
  TRY(run.cancel.check());
  const auto done = run_in(*session, "COMMIT", {}, run.cancel);
  if (!done) return told(run, done.error());
  parts_.ledger.touched(written, version);
  parts_.ledger.committed(mark);
  return mark.end;
}

Result<TaskEnd> StepWork::check(const Step& step, const StepRun& run) {
  const auto values = values_of(run);
  TRY_ASSIGN(const auto statements, script(step, run.may_write));
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  session->read_from(run.inputs);
  const auto stop = run.cancel.attach([&session] { session->cancel(); });
  auto stream = session->query_declared(step.check, 0, values, {.time = run.time});
  if (!stream) return told(run, stream.error());
  const warehouse::NdjsonWriter writer((*stream)->columns());
  uint64_t wrong = 0;
  std::string shown_rows;
  while (true) {
    auto rows = (*stream)->next();
    if (!rows) return told(run, rows.error());
    if (rows->empty()) break;
    for (const auto& row : *rows) {
      if (wrong++ < kShownRows && shown_rows.size() < kShownBytesMax) writer.append_row(shown_rows, row);
    }
  }
  if (wrong == 0) return TaskEnd{0};
  if (shown_rows.size() > kShownBytesMax) shown_rows.resize(kShownBytesMax);
  while (!shown_rows.empty() && shown_rows.back() == '\n') shown_rows.pop_back();
  return Error(Code::conflict,
               std::to_string(wrong) + (wrong == 1 ? " row" : " rows") + " that should not be:\n" + shown_rows);
}

// --- load, unload ---------------------------------------------------------------------------------------------------

Result<TaskEnd> StepWork::load(const Step& step, const StepRun& run) {
  const Load& load = step.load;
  TRY(run.may_write(load.table));
  TRY_ASSIGN(const std::string path, step_path(settings_, load.file, run, true));
  std::string input;
  if (load.mode == LoadMode::append) {
    TRY_ASSIGN(const std::string content, content_of(path));
    input = load.table + " " + content;
    if (const auto before = parts_.ledger.of_input(run.flow, step.name, input)) {
      const TaskEnd end{0, "a file of this content was loaded before, by run " + before->run};
      TRY(mark(step, run, end));
      return end;
    }
  }
  return in_transaction(step, run, {load.table}, input,
                        [&](engine::Session& session) { return load_rows(session, load, path, run); });
}

Result<TaskEnd> StepWork::load_rows(engine::Session& session, const Load& load, const std::string& path,
                                    const StepRun& run) {
  const Countdown countdown(parts_.clock, run.time);
  const std::string schema = load.table.starts_with("public.") ? "public" : "main";
  const std::string bare = load.table.substr(load.table.find('.') + 1);
  const std::string table = quoted_name(schema) + "." + quoted_name(bare);
  const std::string window =
      quoted_name(load.by) + " >= CAST($1 AS DATE) AND " + quoted_name(load.by) + " < CAST($2 AS DATE)";
  const std::vector<Json> days = {Json(format_date(run.from)), Json(format_date(run.to))};
  TRY_ASSIGN(const uint64_t is_there,
             run_statement(session,
                           "SELECT count(*) FROM information_schema.tables WHERE table_catalog = current_database() "
                           "AND table_schema = $1 AND table_name = $2",
                           {Json(schema), Json(bare)}));
  if (is_there > 0 && load.mode == LoadMode::replace) {
    TRY_ASSIGN(const auto limits, countdown.left());
    TRY(load.by.empty() ? run_statement(session, "DELETE FROM " + table, {}, limits)
                        : run_statement(session, "DELETE FROM " + table + " WHERE " + window, days, limits));
  }
  TRY_ASSIGN(const auto limits, countdown.left());
  TRY_ASSIGN(const uint64_t rows, parts_.engine.load_file(session, path, format_word(load.format), load.table, limits));
  if (!load.by.empty()) {
    TRY_ASSIGN(const uint64_t inside,
               run_statement(session, "SELECT count(*) FROM " + table + " WHERE " + window, days));
    if (inside != rows) {
      return Error(Code::conflict,
                   std::to_string(rows - inside) + " of the file's " + std::to_string(rows) + " rows have a " +
                       load.by + " outside of " + format_date(run.from) + " to " + format_date(run.to) +
                       " (excluded); nothing was loaded",
                   "a later run would load them again: select the window's rows only");
    }
  }
  return TaskEnd{rows};
}

Result<uint64_t> StepWork::load_by_hand(const std::string& path, std::string_view format, const std::string& table) {
  return change_table(
      table, [&](engine::Session& session) { return parts_.engine.load_file(session, path, format, table, {}); });
}

Result<uint64_t> StepWork::change_table(const std::string& table,
                                        const std::function<Result<uint64_t>(engine::Session& session)>& change) {
  TRY_ASSIGN(const auto alone, parts_.gates.enter("table " + table, 1, {}));
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  session->read_from(no_streams());
  EngineTransaction transaction(*session);
  TRY(transaction.begin());
  TRY_ASSIGN(const uint64_t rows, change(*session));
  const std::string version = this->version();
  TRY(Ledger::touch(*session, {table}, version));
  TRY(transaction.commit());
  parts_.ledger.touched({table}, version);
  return rows;
}

namespace {

// CSV or JSON, row by row.
Result<uint64_t> write_text(engine::Session& session, const std::string& select, const std::vector<NamedValue>& values,
                            const Unload& unload, const StepRun& run, NewFile& file) {
  TRY_ASSIGN(const auto stream, session.query_declared(select, 0, values, {.time = run.time}));
  const warehouse::NdjsonWriter json(stream->columns());
  std::string text;
  if (unload.format == DataFormat::csv && unload.header) warehouse::append_csv_header(text, stream->columns());
  for (uint64_t count = 0;;) {
    TRY_ASSIGN(const auto rows, stream->next());
    for (const auto& row : rows) {
      if (unload.format == DataFormat::csv) {
        warehouse::append_csv_row(text, row);
      } else {
        json.append_row(text, row);
      }
    }
    count += rows.size();
    if (rows.empty() || text.size() >= kWriteBytes) {
      TRY(file.add(text));
      text.clear();
    }
    if (rows.empty()) return count;
  }
}

}  // namespace

Result<TaskEnd> StepWork::unload(const Step& step, const StepRun& run) {
  const Unload& unload = step.unload;
  const auto values = values_of(run);
  const std::string select = select_of(unload);
  TRY(script(step, run.may_write));
  TRY_ASSIGN(const std::string path, step_path(settings_, unload.to, run, false));
  TRY_ASSIGN(const auto session, parts_.engine.connect(engine::Trust::own));
  session->read_from(run.inputs);
  const auto stop = run.cancel.attach([&session] { session->cancel(); });
  TRY_ASSIGN(const auto file, NewFile::make(path));
  auto rows = unload.format == DataFormat::parquet
                  ? parts_.engine.copy_result(*session, select, file->staging(), values)
                  : write_text(*session, select, values, unload, run, *file);
  if (!rows) return told(run, rows.error());
  TRY(run.cancel.check());
  TRY(file->keep());
  const TaskEnd end{*rows};
  TRY(mark(step, run, end));
  return end;
}

// --- command --------------------------------------------------------------------------------------------------------

namespace {

// `${secret:NAME}` in a value, as it is when the step runs.
Result<std::string> expanded(const EnvironmentValue& value, const StepSettings& settings) {
  if (!value.secret) return value.text;
  Yaml text;
  text.kind = Yaml::Kind::scalar;
  text.text = text.written = value.text;
  std::vector<Error> errors;
  expand_yaml(
      text,
      [&](std::string_view reference) -> Result<YamlExpansion> {
        if (!reference.starts_with("secret:") || !settings.secret) {
          return Error(Code::unsupported, "of a command's environment only ${secret:NAME} is filled in when it runs");
        }
        TRY_ASSIGN(std::string secret, settings.secret(reference.substr(7)));
        return YamlExpansion{std::move(secret), true};
      },
      errors);
  if (!errors.empty()) return errors.front();
  return text.text;
}

void hide(std::string& text, const std::string& secret) {
  if (secret.empty()) return;
  for (size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
}

}  // namespace

Result<TaskEnd> StepWork::command(const Step& step, const StepRun& run) {
  const std::string& program = step.command.arguments.front();
  TRY(may_run(program));
  ProgramRequest request{step.command.arguments, {}, settings_.folder};
  std::vector<std::string> secrets;
  for (const auto& [name, value] : step.command.environment) {
    TRY_ASSIGN(request.environment[name], expanded(value, settings_));
    if (value.secret) secrets.push_back(request.environment[name]);
  }
  for (const auto& [name, text] :
       {std::pair("WEIR_FLOW", run.flow), std::pair("WEIR_STEP", step.name), std::pair("WEIR_RUN", run.run),
        std::pair("WEIR_START", format_date(run.from)), std::pair("WEIR_END", format_date(run.to)),
        std::pair("WEIR_DAY", format_date(run.to - 1))}) {
    request.environment.try_emplace(name, text);
  }
  WorkerLimits limits = settings_.command_limits;
  if (run.time && *run.time < limits.time) limits.time = *run.time;
  TRY_ASSIGN(const ChildResult ended, workers_.run_program(request, limits, run.cancel));
  std::string words = ended.error_output.empty() || ended.succeeded() ? ended.output : ended.error_output;
  if (ended.succeeded() && words.empty()) words = ended.error_output;
  for (const std::string& secret : secrets) hide(words, secret);
  words = last_lines(words);
  if (ended.succeeded()) {
    const TaskEnd end{{}, words};
    TRY(mark(step, run, end));
    return end;
  }
  TRY(run.cancel.check());
  ChildOptions limited;
  limited.time_limit = Duration{(limits.time.micros + 9'999) / 10'000 * 10'000};  // what was left, as people say it
  return Error(ended.end == ChildResult::End::timed_out ? Code::timed_out : Code::io,
               program + ": " + ended.text(limited) + (words.empty() ? "" : "; its last words:\n" + words));
}

}  // namespace weir::flow
