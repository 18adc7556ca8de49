// A conversation's statements: from their turn to their last row, and what is said around them.
#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "surface/errors/errors.h"
#include "surface/pgwire/conversation.h"

namespace weir::pgwire {

namespace {

enum class Turn : int { none, granted, parked };

char state_letter(warehouse::TransactionState state) {
  switch (state) {
    case warehouse::TransactionState::none:
      return 'I';
    case warehouse::TransactionState::open:
      return 'T';
    case warehouse::TransactionState::failed:
      return 'E';
  }
  return 'I';
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

}  // namespace

// Whether more may be executed before the next Sync: then all of it is one transaction.
bool Conversation::wants_block() const {
  if (is_in_block_ || session_->transaction() != warehouse::TransactionState::none) return false;
  bool is_own_execute = running_ && running_->only_columns;  // Describe has begun what the next message executes
  for (const Message& message : messages_) {
    if (message.type == 'S') return false;
    if (message.type != 'E') continue;
    if (!is_own_execute) return true;
    is_own_execute = false;
  }
  return true;
}

Status Conversation::start(Portal& portal, Running running) {
  running.portal = &portal;
  running_ = std::move(running);
  if (portal.execution) return {};
  if (!running_->is_simple && wants_block()) {
    is_in_block_ = true;
    session_->begin_implicit_block();
  }
  learn_zone();
  warehouse::Statement statement;
  statement.sql = portal.sql;
  statement.parameters = portal.parameters;
  statement.client = "wire";
  statement.may_copy = true;
  Result<std::unique_ptr<warehouse::Admission>> admission = session_->admit(std::move(statement));
  if (!admission) {
    running_.reset();
    return admission.error();
  }
  running_->admission = std::move(*admission);
  return {};
}

Conversation::Next Conversation::run() {
  if (running_->reader) return read_copy();
  if (running_->admission) {
    if (!running_->is_queued) {
      running_->is_queued = true;
      // Shared by this thread and the one that gives the turn; whoever comes second goes on.
      const auto turn = std::make_shared<std::atomic<Turn>>(Turn::none);
      running_->admission->when_ready([turn, wake = wake_] {
        if (turn->exchange(Turn::granted) == Turn::parked) wake();
      });
      if (turn->exchange(Turn::parked) != Turn::granted) return Next::turn;
    }
    if (!read_started()) return Next::idle;
  }
  if (running_->tells_columns) {
    running_->tells_columns = false;
    const warehouse::Execution& execution = *running_->portal->execution;
    const bool has_columns = !execution.columns().empty() && execution.copy() == nullptr;
    if (has_columns) {
      append_columns(execution.columns(), running_->portal->formats);
    } else if (!running_->is_simple) {
      append_simple(text_, 'n');
    }
  }
  if (running_->only_columns) {
    running_.reset();
    return Next::idle;
  }
  if (running_->portal->execution->copy() != nullptr && !running_->portal->writer) {
    begin_copy();
    if (running_->reader) return read_copy();
  }
  return read_rows();
}

// False: it has failed, and that was told.
bool Conversation::read_started() {
  Portal& portal = *running_->portal;
  Result<std::unique_ptr<warehouse::Execution>> execution = running_->admission->start();
  running_->admission.reset();
  if (!execution) {
    fail(execution.error());
    return false;
  }
  portal.execution = std::move(*execution);
  const auto& columns = portal.execution->columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    portal.columns.push_back({type_of(columns[i].type), is_binary(portal.formats, i)});
  }
  return true;
}

Conversation::Next Conversation::read_rows() {
  Portal& portal = *running_->portal;
  if (read_kept()) {
    running_.reset();
    return Next::idle;
  }
  for (;;) {
    for (; portal.block != nullptr && portal.row < portal.block->rows; ++portal.row) {
      if (running_->rows_left == 0) break;
      if (text_.size() >= kPieceBytes && hand_over()) return Next::room;
      const size_t before = text_.size();
      const Status made = portal.writer ? portal.writer->append_row(text_, *portal.block, portal.row, zone_)
                                        : append_row(text_, portal, portal.row);
      if (!made) {
        fail(made.error());
        return Next::idle;
      }
      running_->bytes += text_.size() - before;
      metrics_.rows.add();
      --running_->rows_left;
    }
    portal.execution->count_bytes(std::exchange(running_->bytes, 0));
    if (running_->rows_left == 0) {
      if (const Status kept = suspend(); !kept) fail(kept.error());
      return Next::idle;
    }
    const Result<const engine::ResultBlock*> block = portal.execution->next_block();
    if (!block) {
      fail(block.error());
      return Next::idle;
    }
    if (*block == nullptr) {
      complete();
      return Next::idle;
    }
    portal.block = *block;
    portal.row = 0;
  }
}

// Rows that an earlier limit has left over. True: the new limit is reached by them.
bool Conversation::read_kept() {
  Portal& portal = *running_->portal;
  while (portal.kept_at < portal.kept_ends.size() && running_->rows_left > 0) {
    const size_t begin = portal.kept_at == 0 ? 0 : portal.kept_ends[portal.kept_at - 1];
    text_.append(portal.kept, begin, portal.kept_ends[portal.kept_at++] - begin);
    metrics_.rows.add();
    --running_->rows_left;
  }
  if (portal.kept_at == portal.kept_ends.size()) {
    portal.kept.clear();
    portal.kept_ends.clear();
    portal.kept_at = 0;
  }
  if (running_->rows_left > 0) return false;
  append_simple(text_, 's');
  return true;
}

// The block does not outlive the session's next statement: its other rows are written down now.
Status Conversation::suspend() {
  Portal& portal = *running_->portal;
  for (; portal.block != nullptr && portal.row < portal.block->rows; ++portal.row) {
    TRY(append_row(portal.kept, portal, portal.row));
    portal.kept_ends.push_back(portal.kept.size());
  }
  portal.block = nullptr;
  // The client may think for as long as it likes: what runs for others must not wait for it.
  TRY(portal.execution->set_aside());
  append_simple(text_, 's');
  running_.reset();
  return {};
}

Status Conversation::append_row(std::string& out, const Portal& portal, size_t row) const {
  const size_t begin = out.size();
  Status made;
  {
    const MessageScope scope(out, 'D');
    append_int16(out, static_cast<int16_t>(portal.columns.size()));
    for (size_t i = 0; i < portal.columns.size() && made; ++i) {
      const Column& column = portal.columns[i];
      const engine::ResultVector& values = *portal.block->columns[i];
      if (column.is_binary) {
        made = append_binary_value(out, values, row, column.type);
      } else {
        append_text_value(out, values, row, column.type, zone_);
      }
    }
  }
  if (!made) out.resize(begin);
  return made;
}

void Conversation::complete() {
  Portal& portal = *running_->portal;
  if (portal.writer) {
    portal.writer->append_end(text_);
    append_simple(text_, 'c');
    portal.writer.reset();
  }
  tell_notices();
  const std::string tag = portal.execution->tag();
  append_command_complete(text_, tag);
  portal.execution.reset();
  portal.block = nullptr;
  portal.is_ended = true;
  metrics_.done.add();
  running_.reset();
  // The client's own transaction, which goes on behind Sync.
  if (is_in_block_ && tag == "BEGIN") {
    is_in_block_ = false;
    (void)session_->end_implicit_block(true);  // none is left
  }
}

// Ends the statement that runs, if one does, and tells why.
void Conversation::fail(const Error& error, std::string context) {
  metrics_.failed.add();
  ErrorFields fields;
  fields.sqlstate = errors::sqlstate(error);
  fields.message = error.message;
  fields.hint = error.hint;
  fields.position = place_of(error);
  fields.context = std::move(context);
  if (errors::is_internal(error.code)) {
    log_event(Level::warn, "wire.statement_failed",
              {{"user", session_->user().name}, {"code", code_name(error.code)}, {"reason", error.text()}});
    if (!session_->user().may_administer) {
      fields.message = "an internal error; the server's log says which";
      fields.hint.clear();
    }
  }
  tell_notices();
  append_error(text_, fields);
  const bool is_simple = running_ && running_->is_simple;
  if (running_) {
    Portal& portal = *running_->portal;
    running_->admission.reset();
    portal.block = nullptr;
    portal.execution.reset();
    portal.writer.reset();
    portal.is_ended = true;
    running_.reset();
  }
  if (is_simple) {
    end_script(false);
  } else if (!script_) {
    is_skipping_ = true;
  }
}

void Conversation::tell_notices() {
  for (const warehouse::Notice& notice : session_->take_notices()) {
    ErrorFields fields;
    fields.severity = notice.severity;
    fields.sqlstate = notice.sqlstate;
    fields.message = notice.message;
    append_notice(text_, fields);
  }
}

void Conversation::ready() {
  const warehouse::TransactionState state = session_->transaction();
  if (state != warehouse::TransactionState::open) drop_portals();
  tell_notices();
  for (const auto& [name, value] : session_->take_changed_settings()) append_parameter_status(text_, name, value);
  append_ready(text_, state_letter(state));
}

// One format for all columns, or one each; text where nothing is said.
bool Conversation::is_binary(const std::vector<bool>& formats, size_t index) {
  if (formats.size() == 1) return formats[0];
  return index < formats.size() && formats[index];
}

void Conversation::append_columns(const std::vector<engine::ResultColumn>& columns, const std::vector<bool>& formats) {
  if (columns.empty()) return append_simple(text_, 'n');
  const MessageScope scope(text_, 'T');
  append_int16(text_, static_cast<int16_t>(columns.size()));
  for (size_t i = 0; i < columns.size(); ++i) {
    const WireType type = type_of(columns[i].type);
    append_text(text_, columns[i].name);
    append_int32(text_, 0);  // of no table that is known by number
    append_int16(text_, 0);
    append_int32(text_, static_cast<int32_t>(type.number));
    append_int16(text_, type.size);
    append_int32(text_, type.modifier);
    append_int16(text_, is_binary(formats, i) ? 1 : 0);
  }
}

// Of the characters of what the client sent, from 1.
size_t Conversation::place_of(const Error& error) const {
  if (!error.position || error.position->line <= 0 || said_.empty()) return 0;
  size_t line_at = 0;
  for (int line = 1; line < error.position->line; ++line) {
    const size_t end = said_.find('\n', line_at);
    if (end == std::string_view::npos) return 0;
    line_at = end + 1;
  }
  const std::string_view before_statement = std::string_view(script_text_).substr(0, script_place_);
  return (script_ ? characters(before_statement) : 0) + characters(said_.substr(0, line_at)) +
         static_cast<size_t>(std::max(1, error.position->column));
}

void Conversation::learn_zone() {
  std::string name = session_->setting("TimeZone");
  if (name.empty() || name == zone_name_) return;
  zone_name_ = std::move(name);
  const Result<flow::Zone> found = flow::Zone::find(zone_name_);
  zone_ = found ? *found : flow::Zone::utc();
}

}  // namespace weir::pgwire
