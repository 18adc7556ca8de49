// Messages of PostgreSQL's protocol 3.0 as bytes: where one ends, what it says, and how ours are written. Everything
// that a client sends is taken apart here, before anybody has said who they are: sizes and counts are checked before
// anything is kept. Pure functions and values; any thread. Errors: invalid, with the SQLSTATE of a protocol violation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace weir::pgwire {

inline constexpr size_t kStartupBytesMax = 10'000;  // as PostgreSQL's
inline constexpr size_t kStartupKeysMax = 100;
inline constexpr size_t kParametersMax = 65'535;  // of a statement: the protocol counts them in 16 bits

Error protocol_error(std::string message);  // SQLSTATE 08P01
Error with_state(Error error, const char* sqlstate);

// --- what a client sends before it is known ------------------------------------------------------------------------

enum class Greeting { ssl, gss, cancel, startup };

struct StartupPacket {
  Greeting greeting = Greeting::startup;
  // Of cancel.
  uint32_t process = 0, secret = 0;
  // Of startup.
  uint16_t minor = 0;  // of protocol 3
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<std::string> protocol_options;  // names that begin with _pq_.

  std::string_view find(std::string_view name) const;  // empty if it was not sent
};

// Bytes of the packet at the beginning of `received`, its length included; nothing if more has to come.
Result<std::optional<size_t>> startup_bytes(std::string_view received);
Result<StartupPacket> parse_startup(std::string_view packet);
// "-c key=value --key=value", with \ before a blank that belongs to the value. What is neither is passed over.
std::vector<std::pair<std::string, std::string>> parse_options(std::string_view text);

// --- what a client sends afterwards --------------------------------------------------------------------------------

struct Message {
  char type = 0;
  std::string body;
};
// Bytes of the message at the beginning of `received`, its type and length included; nothing if more has to come.
Result<std::optional<size_t>> message_bytes(std::string_view received, size_t bytes_max);

struct ParseMessage {
  std::string name, sql;
  std::vector<uint32_t> types;
};
struct BindMessage {
  std::string portal, statement;
  std::vector<bool> are_binary;                    // of the values: none, one for all, or one each
  std::vector<std::optional<std::string>> values;  // nothing is NULL
  std::vector<bool> are_results_binary;            // of the columns: none, one for all, or one each
};
struct TargetMessage {  // Describe and Close
  char kind = 'S';      // 'S' a statement, 'P' a portal
  std::string name;
};
struct ExecuteMessage {
  std::string portal;
  uint32_t rows_max = 0;  // 0: all
};
struct SaslMessage {
  std::string mechanism, data;
};

Result<std::string> parse_query(std::string_view body);
Result<ParseMessage> parse_parse(std::string_view body);
Result<BindMessage> parse_bind(std::string_view body);
Result<TargetMessage> parse_target(std::string_view body);
Result<ExecuteMessage> parse_execute(std::string_view body);
Result<SaslMessage> parse_sasl_initial(std::string_view body);
// Takes apart a message of any type, and throws away what it says. For tests of hostile input.
Status check_message(const Message& message);

// --- ours ----------------------------------------------------------------------------------------------------------

void append_int16(std::string& out, int16_t value);
void append_int32(std::string& out, int32_t value);
void append_int64(std::string& out, int64_t value);
void append_text(std::string& out, std::string_view text);  // and a zero; zeros inside are left out

// A message from its type to its end; the length is written by the destructor.
class MessageScope {
 public:
  MessageScope(std::string& out, char type);
  ~MessageScope();
  MessageScope(const MessageScope&) = delete;
  MessageScope& operator=(const MessageScope&) = delete;

 private:
  std::string& out_;
  const size_t length_at_;
};

void append_simple(std::string& out, char type);  // without a body
void append_authentication(std::string& out, int32_t code, std::string_view data = {});
void append_parameter_status(std::string& out, std::string_view name, std::string_view value);
void append_ready(std::string& out, char state);
void append_command_complete(std::string& out, std::string_view tag);

struct ErrorFields {
  const char* severity = "ERROR";
  std::string sqlstate, message, detail, hint;
  std::string context = {};  // "COPY t, line 3"
  size_t position = 0;       // of characters in the client's text, from 1; 0: none
};
void append_error(std::string& out, const ErrorFields& fields);
void append_notice(std::string& out, const ErrorFields& fields);

}  // namespace weir::pgwire
