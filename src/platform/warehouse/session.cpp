#include "platform/warehouse/session.h"

#include "platform/warehouse/run.h"
#include "platform/warehouse/session_state.h"

namespace weir::warehouse {

Session::Session(std::shared_ptr<SessionState> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Session>> Session::open(Warehouse& warehouse, SessionOptions options) {
  TRY(check_reader(options.user));
  auto state = std::make_shared<SessionState>(warehouse.core(), std::move(options), false);
  TRY(state->open());
  return std::unique_ptr<Session>(new Session(std::move(state)));
}

Session::~Session() {
  if (state_->transaction != TransactionState::none) (void)state_->end_transaction(false);
}

Result<std::vector<std::string>> Session::split(std::string_view text) const {
  TRY_ASSIGN(const std::vector<dialect::Token> tokens, dialect::tokenize(text));
  std::vector<std::string> out;
  for (const dialect::TokenRange& one : dialect::split_statements(text, tokens)) {
    const size_t begin = tokens[one.first].begin, end = tokens[one.last - 1].end;
    out.emplace_back(text.substr(begin, end - begin));
  }
  return out;
}

Result<Shape> Session::describe(const std::string& statement, const std::vector<std::string>& parameter_types) {
  auto shape = state_->describe(statement, parameter_types);
  if (!shape) state_->ended(false);
  return shape;
}

Result<std::unique_ptr<Admission>> Session::admit(Statement statement, const Cancel& cancel) {
  if (!statement.time) {
    statement.time = state_->settings->statement_timeout();
    if (!statement.time) statement.time = state_->core.limits.time_max;
  }
  if (statement.client.empty()) statement.client = state_->options.client;
  return state_->core.admit(state_->options.user, std::move(statement), cancel, state_);
}

TransactionState Session::transaction() const {
  return state_->state();
}
void Session::begin_implicit_block() {
  state_->is_implicit_block = true;
}
Status Session::end_implicit_block(bool is_good) {
  return state_->end_block(is_good);
}
Status Session::leave_mark(const std::string& mark) {
  TRY(state_->own("INSERT INTO weir_catalog.marks VALUES ($1, now())", {mark}));
  return {};
}
void Session::read_from(std::shared_ptr<const engine::Snapshot> snapshot) {
  state_->engine().read_from(std::move(snapshot));
}
engine::Session& Session::engine() {
  return state_->engine();
}
std::vector<std::pair<std::string, std::string>> Session::take_changed_settings() {
  return std::exchange(state_->changed_settings, {});
}
std::string Session::setting(std::string_view name) const {
  return state_->settings->find(name).value_or("");
}
std::vector<Notice> Session::take_notices() {
  return std::exchange(state_->notices, {});
}
Profile Session::profile() const {
  return state_->options.profile;
}
const User& Session::user() const {
  return state_->options.user;
}
std::optional<Duration> Session::idle_limit() const {
  if (state_->core.parts.users == nullptr || state_->options.user.id == 0) return std::nullopt;
  const auto directory = state_->directory();
  const access::UserInfo* user = directory->user(state_->options.user.id);
  return user != nullptr ? user->session_timeout : std::nullopt;
}
int32_t Session::process_id() const {
  return state_->process_id;
}
void Session::cancel() {
  state_->cancel();
}
void Session::reset() {
  state_->reset();
}

}  // namespace weir::warehouse
