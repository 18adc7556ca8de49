#include "surface/pgwire/conversation.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "core/base/text.h"
#include "surface/errors/errors.h"
#include "surface/pgwire/parameter.h"
#include "surface/pgwire/status.h"

namespace weir::pgwire {

namespace {

bool begins_without_sync(char type) {
  return type == 'P' || type == 'B' || type == 'D' || type == 'E' || type == 'C' || type == 'H';
}

}  // namespace

StatementMetrics::StatementMetrics(Metrics& metrics)
    : rows(metrics.counter("weir_wire_rows_total", "Rows sent to clients of the wire.")),
      done(metrics.counter("weir_wire_statements_total", "Statements of clients of the wire.", {{"outcome", "done"}})),
      failed(metrics.counter("weir_wire_statements_total", "Statements of clients of the wire.",
                             {{"outcome", "failed"}})) {}

Conversation::Conversation(const Parts& parts, std::unique_ptr<warehouse::Session> session)
    : outbox_(parts.outbox), wake_(parts.wake), metrics_(parts.metrics), session_(std::move(session)) {}

Conversation::~Conversation() = default;

void Conversation::greet(std::string& out, uint32_t process, uint32_t secret) {
  append_statuses(out, *session_);
  {
    const MessageScope scope(out, 'K');
    append_int32(out, static_cast<int32_t>(process));
    append_int32(out, static_cast<int32_t>(secret));
  }
  (void)session_->take_changed_settings();  // all of them were told
  learn_zone();
  text_.swap(out);
  ready();
  text_.swap(out);
}

Conversation::Next Conversation::proceed(std::vector<Message> messages) {
  for (Message& message : messages) messages_.push_back(std::move(message));
  for (;;) {
    if (running_) {
      const Next next = run();
      if (next != Next::idle) {
        hand_over();
        return next;
      }
    } else if (script_) {
      next_of_script();
    } else if (is_ended_ || messages_.empty()) {
      hand_over();
      return is_ended_ ? Next::end : Next::idle;
    } else {
      const Message message = std::move(messages_.front());
      messages_.pop_front();
      take(message);
    }
    if (text_.size() >= kPieceBytes && hand_over()) return Next::room;
  }
}

bool Conversation::hand_over() {
  state_ = session_->transaction();
  if (text_.empty()) return false;
  const bool is_large = text_.size() >= kPieceBytes;
  const bool is_full = outbox_.add(text_);
  if (is_large && !is_full) {
    text_.reserve(kPieceBytes + kPieceBytes / 8);  // more of the same comes
  } else {
    text_ = std::string();
  }
  return is_full;
}

// --- messages ------------------------------------------------------------------------------------------------------

void Conversation::take(const Message& message) {
  if (is_skipping_ && begins_without_sync(message.type)) return;
  said_ = {};
  script_place_ = 0;
  const Status done = handle(message);
  if (done) return;
  fail(done.error());
  if (message.type == 'Q' || message.type == 'F') {
    is_skipping_ = false;
    ready();
  }
}

Status Conversation::handle(const Message& message) {
  switch (message.type) {
    case 'Q': {
      is_skipping_ = false;
      TRY_ASSIGN(std::string sql, parse_query(message.body));
      return handle_query(std::move(sql));
    }
    case 'P': {
      TRY_ASSIGN(ParseMessage parse, parse_parse(message.body));
      return handle_parse(std::move(parse));
    }
    case 'B': {
      TRY_ASSIGN(const BindMessage bind, parse_bind(message.body));
      return handle_bind(bind);
    }
    case 'D': {
      TRY_ASSIGN(const TargetMessage target, parse_target(message.body));
      return handle_describe(target);
    }
    case 'E': {
      TRY_ASSIGN(const ExecuteMessage execute, parse_execute(message.body));
      return handle_execute(execute);
    }
    case 'C': {
      TRY_ASSIGN(const TargetMessage target, parse_target(message.body));
      forget(target);
      append_simple(text_, '3');
      return {};
    }
    case 'S':
      handle_sync();
      return {};
    case 'H':
      hand_over();
      return {};
    case 'X':
      is_ended_ = true;
      return {};
    case 'F':
      return with_state(Error(Code::unsupported, "functions are not called by message here", "say SELECT f(…)"),
                        "0A000");
    case 'd':  // what is left of a COPY that was refused
    case 'c':
    case 'f':
      return {};
    default: {
      append_error(text_, {.severity = "FATAL",
                           .sqlstate = "08P01",
                           .message = "there is no message of type " + shown(std::string(1, message.type)),
                           .detail = {},
                           .hint = {}});
      is_ended_ = true;
      return {};
    }
  }
}

Status Conversation::handle_query(std::string sql) {
  forget({'P', ""});
  script_text_ = std::move(sql);
  said_ = script_text_;
  TRY_ASSIGN(std::vector<std::string> statements, session_->split(script_text_));
  if (statements.empty()) {
    append_simple(text_, 'I');
    ready();
    return {};
  }
  if (statements.size() > 1) {
    is_in_block_ = true;
    session_->begin_implicit_block();
  }
  script_ = std::move(statements);
  script_at_ = 0;
  return {};
}

void Conversation::next_of_script() {
  if (script_at_ >= script_->size()) return end_script(true);
  const std::string& statement = (*script_)[script_at_++];
  const size_t found = script_text_.find(statement, script_place_ + (script_at_ > 1 ? said_.size() : 0));
  if (found != std::string::npos) script_place_ = found;
  said_ = statement;
  script_portal_ = Portal();
  script_portal_.sql = statement;
  Running running;
  running.is_simple = true;
  running.tells_columns = true;
  const Status started = start(script_portal_, std::move(running));
  if (!started) {
    fail(started.error());
    end_script(false);
  }
}

void Conversation::end_script(bool is_good) {
  script_.reset();
  said_ = {};
  script_portal_ = Portal();
  if (is_in_block_) {
    is_in_block_ = false;
    const Status ended = session_->end_implicit_block(is_good);
    if (!ended && is_good) fail(ended.error());
  }
  is_skipping_ = false;
  ready();
}

Status Conversation::handle_parse(ParseMessage parse) {
  said_ = parse.sql;
  if (parse.types.size() > kParametersMax) return protocol_error("too many parameters");
  if (!parse.name.empty() && prepared_.contains(parse.name)) {
    return with_state(Error(Code::conflict, "prepared statement " + shown(parse.name) + " is there already"), "42P05");
  }
  if (prepared_.size() >= kNamedMax || named_bytes_ + parse.sql.size() > kNamedBytesMax) {
    return with_state(
        Error(Code::too_large,
              "a session holds up to " + std::to_string(kNamedMax) + " prepared statements and 8 MiB of their texts",
              "close those that are not needed"),
        "54000");
  }
  TRY_ASSIGN(const std::vector<std::string> statements, session_->split(parse.sql));
  if (statements.size() > 1) {
    return with_state(Error(Code::invalid, "one statement is prepared at a time"), "42601");
  }
  Prepared prepared;
  prepared.is_empty = statements.empty();
  prepared.sql = std::move(parse.sql);
  prepared.types = std::move(parse.types);
  said_ = prepared.sql;
  // One with a name is used again and again: what is wrong with it is told now.
  if (!parse.name.empty() && !prepared.is_empty) {
    TRY(describe_statement(prepared));
  }
  forget({'S', parse.name});
  named_bytes_ += prepared.sql.size();
  prepared_[parse.name] = std::move(prepared);
  append_simple(text_, '1');
  return {};
}

Result<Conversation::Prepared*> Conversation::find_statement(const std::string& name) {
  const auto found = prepared_.find(name);
  if (found != prepared_.end()) return &found->second;
  return with_state(Error(Code::not_found, name.empty() ? "there is no unnamed prepared statement"
                                                        : "there is no prepared statement " + shown(name)),
                    "26000");
}

Result<Conversation::Portal*> Conversation::find_portal(const std::string& name) {
  const auto found = portals_.find(name);
  if (found != portals_.end()) return &found->second;
  return with_state(Error(Code::not_found, "there is no portal " + shown(name)), "34000");
}

Status Conversation::handle_bind(const BindMessage& bind) {
  TRY_ASSIGN(Prepared* const prepared, find_statement(bind.statement));
  said_ = prepared->sql;
  if (!bind.portal.empty() && portals_.contains(bind.portal)) {
    return with_state(Error(Code::conflict, "portal " + shown(bind.portal) + " is there already"), "42P03");
  }
  // A binary value of no declared type is of the type that the statement expects.
  const bool any_binary = std::find(bind.are_binary.begin(), bind.are_binary.end(), true) != bind.are_binary.end();
  if (any_binary && !prepared->is_described && prepared->types.size() < bind.values.size()) {
    TRY(describe_statement(*prepared));
  }
  Portal portal;
  portal.sql = prepared->sql;
  portal.is_empty = prepared->is_empty;
  portal.formats = bind.are_results_binary;
  portal.bytes = portal.sql.size();
  for (size_t i = 0; i < bind.values.size(); ++i) {
    SentValue sent;
    if (bind.values[i]) sent.bytes = *bind.values[i];
    sent.is_binary = is_binary(bind.are_binary, i);
    sent.type = i < prepared->types.size() ? prepared->types[i] : 0;
    if (i < prepared->expected.size()) sent.wanted = prepared->expected[i];
    TRY_ASSIGN(engine::Parameter parameter, parameter_of(sent));
    portal.bytes += bind.values[i] ? bind.values[i]->size() : 0;
    portal.parameters.push_back(std::move(parameter));
  }
  forget({'P', bind.portal});
  const bool is_small = bind.portal.empty() || named_bytes_ + portal.bytes <= kNamedBytesMax;
  if (portals_.size() >= kNamedMax || !is_small) {
    return with_state(Error(Code::too_large,
                            "a session holds up to " + std::to_string(kNamedMax) + " portals and 8 MiB of their values",
                            "close those that are not needed"),
                      "54000");
  }
  named_bytes_ += portal.bytes;
  portals_[bind.portal] = std::move(portal);
  append_simple(text_, '2');
  return {};
}

Status Conversation::describe_statement(Prepared& prepared) {
  std::vector<std::string> types;
  for (const uint32_t type : prepared.types) types.push_back(type == oid::kUnknown ? "" : engine_type_of(type));
  TRY_ASSIGN(const warehouse::Shape shape, session_->describe(prepared.sql, types));
  prepared.expected = shape.parameters;
  prepared.is_described = true;
  return {};
}

// What DECLARE opened is a portal too: psycopg's named cursors ask for its columns.
Status Conversation::describe_cursor(const std::string& name) {
  std::string fetch = "FETCH ALL FROM \"";
  for (const char c : name) fetch += c == '"' ? "\"\"" : std::string(1, c);
  const auto shape = session_->describe(fetch + "\"", {});
  if (!shape) return find_portal(name).error();
  append_columns(shape->columns, {});
  return {};
}

Status Conversation::handle_describe(const TargetMessage& target) {
  if (target.kind == 'P' && !target.name.empty() && !portals_.contains(target.name))
    return describe_cursor(target.name);
  if (target.kind == 'P') {
    TRY_ASSIGN(Portal* const portal, find_portal(target.name));
    said_ = portal->sql;
    if (portal->is_empty) {
      append_simple(text_, 'n');
      return {};
    }
    // It will be executed in any case: its columns come with its first rows, and it is planned once.
    const bool is_next = !messages_.empty() && messages_.front().type == 'E' &&
                         messages_.front().body.starts_with(target.name + std::string(1, '\0'));
    if (portal->execution || is_next) {
      Running running;
      running.tells_columns = running.only_columns = true;
      return start(*portal, std::move(running));
    }
    std::vector<std::string> types;
    for (const engine::Parameter& parameter : portal->parameters) types.push_back(parameter.type);
    TRY_ASSIGN(const warehouse::Shape shape, session_->describe(portal->sql, types));
    append_columns(shape.columns, portal->formats);
    return {};
  }
  TRY_ASSIGN(Prepared* const prepared, find_statement(target.name));
  said_ = prepared->sql;
  warehouse::Shape shape;
  if (!prepared->is_empty) {
    std::vector<std::string> types;
    for (const uint32_t type : prepared->types) types.push_back(type == oid::kUnknown ? "" : engine_type_of(type));
    TRY_ASSIGN(shape, session_->describe(prepared->sql, types));
    prepared->expected = shape.parameters;
    prepared->is_described = true;
  }
  {
    const MessageScope scope(text_, 't');
    const size_t count = std::max(shape.parameters.size(), prepared->types.size());
    append_int16(text_, static_cast<int16_t>(count));
    for (size_t i = 0; i < count; ++i) {
      const uint32_t declared = i < prepared->types.size() ? prepared->types[i] : 0;
      const uint32_t expected = i < shape.parameters.size() ? type_of(shape.parameters[i]).number : oid::kText;
      append_int32(text_, static_cast<int32_t>(declared != 0 && declared != oid::kUnknown ? declared : expected));
    }
  }
  append_columns(shape.columns, {});
  return {};
}

Status Conversation::handle_execute(const ExecuteMessage& execute) {
  TRY_ASSIGN(Portal* const portal, find_portal(execute.portal));
  said_ = portal->sql;
  if (portal->is_empty) {
    append_simple(text_, 'I');
    return {};
  }
  if (portal->is_ended) {
    append_command_complete(text_, "SELECT 0");
    return {};
  }
  Running running;
  if (execute.rows_max > 0) running.rows_left = execute.rows_max;
  return start(*portal, std::move(running));
}

void Conversation::forget(const TargetMessage& target) {
  if (target.kind == 'S') {
    if (const auto found = prepared_.find(target.name); found != prepared_.end()) {
      named_bytes_ -= found->second.sql.size();
      prepared_.erase(found);
    }
  } else if (const auto found = portals_.find(target.name); found != portals_.end()) {
    named_bytes_ -= found->second.bytes;
    portals_.erase(found);
  }
}

void Conversation::handle_sync() {
  if (is_in_block_) {
    is_in_block_ = false;
    drop_portals();
    const Status ended = session_->end_implicit_block(!is_skipping_);
    if (!ended && !is_skipping_) fail(ended.error());
  }
  is_skipping_ = false;
  ready();
}

void Conversation::drop_portals() {
  for (const auto& [name, portal] : portals_) named_bytes_ -= portal.bytes;
  portals_.clear();
}

}  // namespace weir::pgwire
