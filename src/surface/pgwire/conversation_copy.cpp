// A conversation's COPY: the client's rows into a table, block by block, and the beginning of rows that go to it.
#include <utility>

#include "core/base/text.h"
#include "surface/pgwire/conversation.h"

namespace weir::pgwire {

void Conversation::begin_copy() {
  warehouse::Execution& execution = *running_->portal->execution;
  const warehouse::CopyStream& stream = *execution.copy();
  append_copy_response(text_, stream);
  if (stream.is_in) {
    running_->reader = std::make_unique<CopyReader>(stream);
    execution.when_stopped(wake_);
  } else {
    running_->portal->writer = std::make_unique<CopyWriter>(stream);
  }
}

// Takes what the client has sent so far. Sync and Flush mean nothing before its end, as in PostgreSQL.
Conversation::Next Conversation::read_copy() {
  if (const Status going = running_->portal->execution->check(); !going) {
    fail_copy(going.error());
    return Next::idle;
  }
  while (!messages_.empty()) {
    const Message message = std::move(messages_.front());
    messages_.pop_front();
    if (message.type == 'H' || message.type == 'S') continue;
    if (const Status done = take_copy(message); !done) {
      fail_copy(done.error());
      return Next::idle;
    }
    if (message.type != 'c') continue;
    complete();
    return Next::idle;
  }
  return Next::data;
}

Status Conversation::take_copy(const Message& message) {
  switch (message.type) {
    case 'd':
      return take_copy_data(message.body);
    case 'c':
      return end_copy_data();
    case 'f': {
      const std::string reason = message.body.substr(0, message.body.find('\0'));
      return with_state(Error(Code::cancelled, "COPY from stdin failed: " + reason), "57014");
    }
    case 'X':
      is_ended_ = true;
      return Error(Code::cancelled, "the client left");
    default:
      is_ended_ = true;
      return protocol_error("unexpected message type " + shown(std::string(1, message.type)) +
                            " during COPY from stdin");
  }
}

Status Conversation::take_copy_data(std::string_view bytes) {
  CopyReader& reader = *running_->reader;
  running_->portal->execution->count_bytes(bytes.size());
  while (!bytes.empty()) {
    TRY_ASSIGN(const size_t taken, reader.read(bytes));
    bytes.remove_prefix(taken);
    if (!reader.is_full()) continue;
    TRY(running_->portal->execution->load(reader.rows(), reader.lines()));
    reader.clear();
  }
  return {};
}

Status Conversation::end_copy_data() {
  CopyReader& reader = *running_->reader;
  TRY(reader.end());
  if (reader.rows().rows > 0) {
    TRY(running_->portal->execution->load(reader.rows(), reader.lines()));
  }
  return running_->portal->execution->end_load();
}

void Conversation::fail_copy(const Error& error) {
  warehouse::Execution& execution = *running_->portal->execution;
  const CopyReader& reader = *running_->reader;
  Error told = error;
  // Rows that came before what cannot be read may be wrong too, and are to be told first.
  if (reader.place().line > 0 && reader.rows().rows > 0) {
    if (const Status loaded = execution.load(reader.rows(), reader.lines()); !loaded) told = loaded.error();
  }
  const warehouse::LoadPlace place = execution.load_place().line > 0 ? execution.load_place() : reader.place();
  const std::string context = copy_context(reader.stream().table, place);
  told = execution.fail_load(std::move(told), place);
  fail(told, context);
}

}  // namespace weir::pgwire
