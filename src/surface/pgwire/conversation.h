// What a client that has signed in says, and what it is answered: simple and extended queries over one session of the
// warehouse. Knows messages, no socket.
//
// proceed() takes messages in order and goes on until something has to be waited for: it never waits itself, but for
// the engine. Where several statements come before a Sync they are one transaction, as in PostgreSQL. Portals keep
// their place until their transaction ends.
//
// Threads: proceed() by one at a time, on the interactive lane; cancel(), state() from any. Internal to surface/pgwire.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/metrics.h"
#include "platform/warehouse/session.h"
#include "storage/engine/result_block.h"
#include "surface/pgwire/copy_form.h"
#include "surface/pgwire/message.h"
#include "surface/pgwire/outbox.h"
#include "surface/pgwire/types.h"

namespace weir::pgwire {

inline constexpr size_t kPieceBytes = 64 << 10;    // handed over at once
inline constexpr size_t kNamedMax = 1'000;         // prepared statements of a session, and portals
inline constexpr size_t kNamedBytesMax = 8 << 20;  // of their texts and values

struct StatementMetrics {
  explicit StatementMetrics(Metrics& metrics);
  Counter& rows;
  Counter& done;
  Counter& failed;
};

class Conversation {
 public:
  struct Parts {
    Outbox& outbox;
    std::function<void()> wake;  // proceed() can go on after Next::turn; from any thread, also before it returned
    StatementMetrics& metrics;
  };
  Conversation(const Parts& parts, std::unique_ptr<warehouse::Session> session);
  ~Conversation();

  enum class Next {
    idle,  // everything is answered
    turn,  // a statement waits in the warehouse's queue: go on after wake()
    room,  // the client has to take what there is: go on when the outbox is low
    data,  // COPY FROM STDIN: go on with the client's messages, or after wake()
    end,   // the client has said goodbye, or what it sent makes no sense
  };
  Next proceed(std::vector<Message> messages);
  void cancel() { session_->cancel(); }
  warehouse::TransactionState state() const { return state_.load(); }

  // What a client is told before its first ReadyForQuery.
  void greet(std::string& out, uint32_t process, uint32_t secret);

 private:
  struct Prepared {
    std::string sql;
    std::vector<uint32_t> types;        // as the client declared them
    std::vector<std::string> expected;  // the engine's types of the parameters, once it was asked
    bool is_described = false;
    bool is_empty = false;
  };
  struct Column {
    WireType type;
    bool is_binary = false;
  };
  struct Portal {
    std::string sql;
    engine::Parameters parameters;
    std::vector<bool> formats;
    bool is_empty = false, is_ended = false;
    size_t bytes = 0;
    std::unique_ptr<warehouse::Execution> execution;  // once it was started
    std::vector<Column> columns;
    const engine::ResultBlock* block = nullptr;  // of the execution; only while it is being read
    size_t row = 0;
    std::string kept;               // rows behind a limit, as they will be sent …
    std::vector<size_t> kept_ends;  // … and where each ends
    size_t kept_at = 0;
    std::unique_ptr<CopyWriter> writer;  // of COPY TO STDOUT
  };
  // The statement that is being answered.
  struct Running {
    Portal* portal = nullptr;
    std::unique_ptr<warehouse::Admission> admission;  // until it has started
    bool is_queued = false, is_simple = false;
    bool tells_columns = false, only_columns = false;
    uint64_t rows_left = UINT64_MAX;     // of the client's limit
    uint64_t bytes = 0;                  // of rows, not yet counted
    std::unique_ptr<CopyReader> reader;  // of COPY FROM STDIN, once the client was told to send
  };

  void take(const Message& message);
  Status handle(const Message& message);
  Status handle_query(std::string sql);
  Status handle_parse(ParseMessage parse);
  Status handle_bind(const BindMessage& bind);
  Status handle_describe(const TargetMessage& target);
  Status describe_cursor(const std::string& name);
  Status describe_statement(Prepared& prepared);
  Status handle_execute(const ExecuteMessage& execute);
  void forget(const TargetMessage& target);
  void handle_sync();

  void next_of_script();
  void end_script(bool is_good);
  Status start(Portal& portal, Running running);
  bool wants_block() const;
  Next run();
  bool read_started();
  Next read_rows();
  void begin_copy();
  Next read_copy();
  Status take_copy(const Message& message);
  Status take_copy_data(std::string_view bytes);
  Status end_copy_data();
  void fail_copy(const Error& error);
  bool read_kept();
  Status append_row(std::string& out, const Portal& portal, size_t row) const;
  Status suspend();
  void complete();
  void fail(const Error& error, std::string context = {});
  void ready();
  void tell_notices();
  static bool is_binary(const std::vector<bool>& formats, size_t index);
  void append_columns(const std::vector<engine::ResultColumn>& columns, const std::vector<bool>& formats);
  bool hand_over();
  size_t place_of(const Error& error) const;
  Result<Prepared*> find_statement(const std::string& name);
  Result<Portal*> find_portal(const std::string& name);
  void drop_portals();
  void learn_zone();

  Outbox& outbox_;
  const std::function<void()> wake_;
  StatementMetrics& metrics_;
  const std::unique_ptr<warehouse::Session> session_;
  std::atomic<warehouse::TransactionState> state_ = warehouse::TransactionState::none;
  std::map<std::string, Prepared> prepared_;
  std::map<std::string, Portal> portals_;  // gone before the session is
  size_t named_bytes_ = 0;

  std::deque<Message> messages_;
  std::string text_;          // what is said and not handed over
  bool is_skipping_ = false;  // until Sync
  bool is_in_block_ = false, is_ended_ = false;

  std::optional<Running> running_;
  std::optional<std::vector<std::string>> script_;  // statements of a Query that are not done
  size_t script_at_ = 0;
  std::string script_text_;  // the Query as it came
  size_t script_place_ = 0;  // of the statement in it, in bytes
  Portal script_portal_;
  std::string_view said_;  // the statement that an error would be about
  std::string zone_name_ = "UTC";
  flow::Zone zone_ = flow::Zone::utc();
};

}  // namespace weir::pgwire
