#include "storage/engine/outside_wire.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/runtime/thread.h"
#include "storage/engine/outside_lookup.h"
#include "storage/engine/outside_names.h"
#include "storage/engine/outside_values.h"

namespace weir::engine {
namespace {

constexpr auto kAnswerToStop = std::chrono::seconds(5);
constexpr auto kAnswerToRenewal = std::chrono::seconds(2);
constexpr int kSettleTries = 3;
constexpr size_t kStatementBytesMax = 1 << 20;

std::string_view field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string_view() : text;
}

Error error_of(const PGresult* result, std::string_view sql) {
  return outside_error({.sqlstate = field(result, PG_DIAG_SQLSTATE),
                        .message = field(result, PG_DIAG_MESSAGE_PRIMARY),
                        .detail = field(result, PG_DIAG_MESSAGE_DETAIL),
                        .hint = field(result, PG_DIAG_MESSAGE_HINT),
                        .position = field(result, PG_DIAG_STATEMENT_POSITION)},
                       sql);
}

// The protocol ends a text at its first zero byte: what lies behind it would be left out unseen.
Status check_statement(std::string_view sql) {
  if (sql.size() > kStatementBytesMax) {
    return Error(Code::too_large, "the statement has " + std::to_string(sql.size()) + " bytes, allowed are " +
                                      std::to_string(kStatementBytesMax));
  }
  if (sql.find('\0') != std::string_view::npos || !valid_utf8(sql)) {
    return Error(Code::invalid, "the statement is no UTF-8 text, or holds a zero byte");
  }
  return {};
}

}  // namespace

void OutsideWire::FreeResult::operator()(pg_result* result) const {
  PQclear(result);
}

// While it lives a cancel wakes whoever waits for the server.
class OutsideWire::Waking {
 public:
  Waking(int wake, const Cancel& cancel)
      : attachment_(cancel.attach([wake] {
          const uint64_t one = 1;
          (void)!::write(wake, &one, sizeof(one));
        })),
        wake_(wake) {}
  ~Waking() {
    attachment_.reset();  // waits for one that writes at this moment
    uint64_t taken = 0;
    (void)!::read(wake_, &taken, sizeof(taken));
  }
  Waking(const Waking&) = delete;
  Waking& operator=(const Waking&) = delete;

 private:
  std::unique_ptr<Cancel::Attachment> attachment_;
  const int wake_;
};

class OutsideWire::Stop {
 public:
  static std::shared_ptr<Stop> send(pg_conn* connection, const std::shared_ptr<OutsideStops>& stops) {
    auto stop = std::make_shared<Stop>();
    const std::shared_ptr<PGcancel> message(PQgetCancel(connection), PQfreeCancel);
    if (!message || stops->under_way.fetch_add(1) >= OutsideStops::kUnderWayMax) {
      if (message) stops->under_way.fetch_sub(1);
      return stop;  // it never arrives, and the connection is closed for it
    }
    start_thread("outside-stop", [stop, stops, message] {
      std::array<char, 256> reason{};
      const bool is_passed_on = PQcancel(message.get(), reason.data(), static_cast<int>(reason.size())) != 0;
      stops->under_way.fetch_sub(1);
      const std::lock_guard lock(stop->mutex_);
      stop->is_passed_on_ = is_passed_on;
      stop->ended_.notify_all();
    }).detach();
    return stop;
  }
  // True: the server has closed the stop's connection, so it has passed the stop on, which cannot meet what comes
  // later.
  bool wait(std::chrono::seconds within) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, within, [this] { return is_passed_on_.has_value(); }) && *is_passed_on_;
  }

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  std::optional<bool> is_passed_on_;
};

// What is known of an answer so far.
struct OutsideWire::Taking {
  OutsideResult out;
  uint64_t bytes = 0;
  std::optional<Error> failed;

  void rows_of(const PGresult* result, const OutsideLimits& limits) {
    const int columns = PQnfields(result);
    if (out.columns.empty()) {
      for (int i = 0; i < columns; ++i) {
        out.columns.push_back({PQfname(result, i), outside_type(PQftype(result, i), PQfmod(result, i))});
      }
    }
    for (int row = 0; row < PQntuples(result) && !out.is_cut; ++row) row_of(result, row, limits);
  }

 private:
  void row_of(const PGresult* result, int row, const OutsideLimits& limits) {
    const int columns = PQnfields(result);
    uint64_t size = static_cast<uint64_t>(columns) * sizeof(Cell);
    for (int i = 0; i < columns; ++i) size += static_cast<uint64_t>(PQgetlength(result, row, i));
    out.is_cut = out.rows.size() >= limits.rows_max || bytes + size > limits.bytes_max;
    if (out.is_cut) return;
    bytes += size;
    std::vector<Cell> cells;
    cells.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      const std::string_view text(PQgetvalue(result, row, i), static_cast<size_t>(PQgetlength(result, row, i)));
      if (PQgetisnull(result, row, i) != 0) {
        cells.emplace_back(nullptr);
      } else {
        cells.push_back(outside_cell(PQftype(result, i), text));
      }
    }
    out.rows.push_back(std::move(cells));
  }
};

OutsideWire::OutsideWire(const OutsideOptions& options, std::shared_ptr<OutsideStops> stops)
    : options_(options), stops_(std::move(stops)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

OutsideWire::~OutsideWire() {
  PQfinish(connection_);
  if (wake_ >= 0) ::close(wake_);
}

OutsideServer OutsideWire::server() const {
  OutsideServer out;
  if (const char* version = PQparameterStatus(connection_, "server_version")) out.version = outside_version(version);
  if (PQsslInUse(connection_) == 0) return out;
  if (const char* protocol = PQsslAttribute(connection_, "protocol")) out.tls = protocol;
  if (const char* cipher = PQsslAttribute(connection_, "cipher")) out.tls_cipher = cipher;
  return out;
}

// --- opening --------------------------------------------------------------------------------------------------------

Status OutsideWire::open(const Cancel& cancel) {
  if (wake_ < 0) return Error(Code::io, "no descriptor is free for " + outside_place(options_));
  const Waking waking(wake_, cancel);
  deadline_ = Clock::now() + std::chrono::microseconds(options_.connect_within.micros);
  TRY(connect(cancel));
  if (PQsetnonblocking(connection_, 1) != 0) return not_reached();
  is_broken_ = false;
  Status done = order(outside_forms(options_.kind), Protocol::simple, cancel);
  is_broken_ = !done || stopped_;
  if (!done) return done;
  return stopped_ ? Status(*stopped_) : Status();
}

Status OutsideWire::connect(const Cancel& cancel) {
  std::string password;
  if (options_.password) {
    TRY_ASSIGN(password, options_.password());
  }
  std::vector<std::string> addresses;
  if (!is_socket(options_)) {
    auto found = addresses_of(options_.host, deadline_, cancel);
    if (!found && found.error().code != Code::unavailable) return found.error();
    if (!found) return Error(Code::unavailable, outside_place(options_) + ": " + found.error().message);
    addresses = std::move(*found);
  }
  const auto parameters = libpq_parameters(options_, password, addresses);
  std::vector<const char*> names, values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  connection_ = PQconnectStartParams(names.data(), values.data(), 0);
  if (connection_ == nullptr) return Error(Code::internal, "no memory for " + outside_place(options_));
  PQsetNoticeReceiver(
      connection_, [](void*, const PGresult*) {}, nullptr);
  PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);  // with the SQLSTATE, which it tells nowhere else
  if (PQstatus(connection_) == CONNECTION_BAD) return not_reached();
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) return not_reached();
    TRY(cancel.check());
    if (Clock::now() >= deadline_) {
      return Error(Code::unavailable,
                   outside_place(options_) + " did not answer within " + format_duration(options_.connect_within),
                   "is the host right, and is a firewall between?");
    }
    if (wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT)) state = PQconnectPoll(connection_);
  }
  return {};
}

Error OutsideWire::not_reached() const {
  const std::string_view report = PQerrorMessage(connection_);
  const std::string_view state = outside_connect_state(report);
  Code code = state.empty() ? Code::unavailable : outside_code(state);
  if (PQconnectionNeedsPassword(connection_) != 0) code = Code::unauthenticated;
  return Error(code, outside_place(options_) + ": " + outside_report_line(report));
}

// --- statements -----------------------------------------------------------------------------------------------------

Result<OutsideResult> OutsideWire::run(std::string_view sql, const OutsideLimits& limits, const Cancel& cancel) {
  TRY(cancel.check());
  TRY(check_statement(sql));
  if (is_broken_) return Error(Code::unavailable, outside_place(options_) + " was lost before");
  const auto began = Clock::now();
  deadline_ = limits.time ? began + std::chrono::microseconds(limits.time->micros) : Clock::time_point::max();
  stopped_.reset();
  stop_.reset();
  Result<OutsideResult> out = OutsideResult{};
  {
    const Waking waking(wake_, cancel);
    const Status begun = options_.read_only ? order("BEGIN READ ONLY", Protocol::simple, cancel) : Status();
    if (!begun || stopped_) {
      out = begun ? *stopped_ : begun.error();
    } else {
      out = ask(std::string(sql), Protocol::extended, limits, cancel);
    }
  }
  if (!is_broken_) settle();
  if (out) {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    out->took = microseconds(took.count());
  }
  return out;
}

// Behind a statement: a stop that was sent has arrived, so that it does not meet the next one, and the transaction has
// ended. A connection of which this is not known is closed.
void OutsideWire::settle() {
  if (stop_ && !stop_->wait(kAnswerToStop)) {
    is_broken_ = true;
    return;
  }
  if (!stop_ && !options_.read_only) return;
  // The server passes a stop on by a signal, which may meet the first of these.
  for (int tries = 0; tries < kSettleTries && !is_broken_; ++tries) {
    if (order_alone(options_.read_only ? "ROLLBACK" : "SELECT 1", Protocol::simple)) return;
  }
  is_broken_ = true;
}

bool OutsideWire::renew() {
  // Redshift knows no DISCARD; what RESET leaves there are temporary tables, which a connection that only reads has
  // none of, and one that writes is not used again.
  const char* forget = options_.kind == OutsideKind::redshift ? "RESET ALL" : "DISCARD ALL";
  return order_alone(forget, Protocol::simple) && order_alone(outside_forms(options_.kind), Protocol::simple);
}

// --- notices --------------------------------------------------------------------------------------------------------

Status OutsideWire::listen(const std::string& channel, const Cancel& cancel) {
  const Waking waking(wake_, cancel);
  deadline_ = Clock::now() + kAnswerToStop;
  stopped_.reset();
  return order("LISTEN " + quoted_name(channel), Protocol::simple, cancel);
}

Result<bool> OutsideWire::heard(Duration within, const Cancel& cancel) {
  if (is_broken_) return Error(Code::unavailable, outside_place(options_) + " was lost before");
  const Waking waking(wake_, cancel);
  stopped_.reset();
  deadline_ = Clock::now() + std::chrono::microseconds(within.micros);
  while (true) {
    if (take_notices()) return true;
    TRY(cancel.check());
    if (Clock::now() >= deadline_) break;
    if (wait(POLLIN) && PQconsumeInput(connection_) == 0) return lost();
  }
  // Silence may be a server's that is gone.
  if (!order_alone("SELECT 1", Protocol::simple)) return lost();
  return take_notices();
}

bool OutsideWire::take_notices() {
  bool is_told = false;
  while (PGnotify* notice = PQnotifies(connection_)) {
    PQfreemem(notice);
    is_told = true;
  }
  return is_told;
}

Status OutsideWire::order_alone(const std::string& sql, Protocol protocol) {
  deadline_ = Clock::now() + kAnswerToRenewal;
  stopped_ = Error(Code::unavailable, outside_place(options_) + " did not answer to " + sql);
  return order(sql, protocol, Cancel());
}

Status OutsideWire::order(const std::string& sql, Protocol protocol, const Cancel& cancel) {
  TRY(ask(sql, protocol, {.time = {}, .rows_max = 1}, cancel));
  return {};
}

Result<OutsideResult> OutsideWire::ask(const std::string& sql, Protocol protocol, const OutsideLimits& limits,
                                       const Cancel& cancel) {
  const int is_sent = protocol == Protocol::simple
                          ? PQsendQuery(connection_, sql.c_str())
                          : PQsendQueryParams(connection_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0);
  if (is_sent == 0 || PQsetSingleRowMode(connection_) == 0) return lost();
  Taking taking;
  while (true) {
    const Result<bool> more = take_next(sql, limits, cancel, taking);
    if (more && *more) continue;
    // What the server said before it went is told before that it went.
    if (taking.out.is_cut) return std::move(taking.out);
    if (taking.failed) return stopped_ && taking.failed->code == Code::cancelled ? *stopped_ : *taking.failed;
    if (!more) return more.error();
    return std::move(taking.out);
  }
}

// False: the answer is whole.
Result<bool> OutsideWire::take_next(const std::string& sql, const OutsideLimits& limits, const Cancel& cancel,
                                    Taking& taking) {
  TRY_ASSIGN(const ServerResult result, next(cancel));
  if (!result) return false;
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) {
    taking.rows_of(result.get(), limits);
    // Nobody wants the rest.
    if (taking.out.is_cut && !stopped_) tell_to_stop(Error(Code::too_large, "more rows than are taken"));
    if (!taking.out.is_cut) taking.out.tag = PQcmdStatus(result.get());
  } else if (status == PGRES_COMMAND_OK) {
    taking.out.tag = PQcmdStatus(result.get());
  } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
    is_broken_ = true;  // what it would take to end it is not worth having
    return Error(Code::unsupported, "COPY FROM STDIN and TO STDOUT do not run over connection " + options_.name,
                 "SELECT the rows; they are streamed as they are");
  } else if (status != PGRES_EMPTY_QUERY) {
    if (field(result.get(), PG_DIAG_SQLSTATE).empty()) return lost();
    taking.failed = error_of(result.get(), sql);
  }
  return true;
}

// The next result of the server's, null behind the last one. A stop is passed on and the server's answer waited for.
Result<OutsideWire::ServerResult> OutsideWire::next(const Cancel& cancel) {
  while (true) {
    TRY(pass_on_stop(cancel));
    const int unsent = PQflush(connection_);
    if (unsent < 0) return lost();
    if (unsent == 0 && PQisBusy(connection_) == 0) return ServerResult(PQgetResult(connection_));
    if (!wait(static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN))) continue;
    if (PQconsumeInput(connection_) == 0) return lost();
  }
}

Status OutsideWire::pass_on_stop(const Cancel& cancel) {
  const bool is_late = Clock::now() >= deadline_;
  if (stopped_) {
    if (!is_late) return {};
    is_broken_ = true;
    Error error = *stopped_;
    if (stop_) error.message += "; the server did not answer to the stop, and the connection was closed";
    return error;
  }
  const Status cancelled = cancel.check();
  if (!cancelled) {
    tell_to_stop(cancelled.error());
  } else if (is_late) {
    tell_to_stop(Error(Code::timed_out, "the statement's time limit has passed"));
  }
  return {};
}

void OutsideWire::tell_to_stop(Error why) {
  stopped_ = std::move(why);
  stop_ = Stop::send(connection_, stops_);
  deadline_ = Clock::now() + kAnswerToStop;
}

bool OutsideWire::wait(short events) {
  std::array<pollfd, 2> both = {pollfd{PQsocket(connection_), events, 0}, pollfd{stopped_ ? -1 : wake_, POLLIN, 0}};
  int left_ms = -1;
  if (deadline_ != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    left_ms = static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
  }
  return ::poll(both.data(), both.size(), left_ms) > 0 && both[0].revents != 0;
}

Error OutsideWire::lost() {
  is_broken_ = true;
  return Error(Code::unavailable,
               outside_place(options_) + " was lost: " + outside_report_line(PQerrorMessage(connection_)));
}

}  // namespace weir::engine
