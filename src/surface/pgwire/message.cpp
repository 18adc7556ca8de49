#include "surface/pgwire/message.h"

#include <cstring>

#include "core/base/text.h"

namespace weir::pgwire {

namespace {

constexpr uint32_t kSslRequest = 80'877'103;
constexpr uint32_t kGssRequest = 80'877'104;
constexpr uint32_t kCancelRequest = 80'877'102;
constexpr uint32_t kProtocolMajor = 3;

uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Reads a body from its front; what is missing is remembered and answered at the end.
class Body {
 public:
  explicit Body(std::string_view bytes) : left_(bytes) {}

  uint32_t number(size_t bytes) {
    uint32_t value = 0;
    for (const char byte : take(bytes)) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  uint16_t int16() { return static_cast<uint16_t>(number(2)); }
  uint32_t int32() { return number(4); }
  char byte() { return static_cast<char>(number(1)); }
  std::string_view take(size_t bytes) {
    if (bytes > left_.size()) {
      is_short_ = true;
      left_ = {};
      return {};
    }
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }
  std::string text() {
    const size_t end = left_.find('\0');
    if (end == std::string_view::npos) {
      is_short_ = true;
      left_ = {};
      return {};
    }
    std::string taken(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return taken;
  }
  size_t left() const { return left_.size(); }
  bool is_short() const { return is_short_; }
  Status end(const char* what) const {
    if (is_short_) return protocol_error(std::string("the message ") + what + " ends too early");
    if (!left_.empty()) return protocol_error(std::string("the message ") + what + " goes on behind its end");
    return {};
  }

 private:
  std::string_view left_;
  bool is_short_ = false;
};

// A count of things of at least `bytes` each: one that the body cannot hold is not believed.
Result<size_t> count_of(Body& body, size_t bytes, const char* what) {
  const size_t count = body.int16();
  if (body.is_short() || count * bytes > body.left()) {
    return protocol_error(std::string("the message ") + what + " ends too early");
  }
  return count;
}

Result<std::vector<bool>> formats_of(Body& body) {
  TRY_ASSIGN(const size_t count, count_of(body, 2, "Bind"));
  std::vector<bool> out;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t format = body.int16();
    if (format > 1) return protocol_error("format " + std::to_string(format) + " is neither text (0) nor binary (1)");
    out.push_back(format == 1);
  }
  return out;
}

}  // namespace

Error with_state(Error error, const char* sqlstate) {
  error.sqlstate = sqlstate;
  return error;
}

Error protocol_error(std::string message) {
  return with_state(Error(Code::invalid, std::move(message)), "08P01");
}

std::string_view StartupPacket::find(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

Result<std::optional<size_t>> startup_bytes(std::string_view received) {
  if (received.size() < 4) return std::optional<size_t>();
  const size_t bytes = number_at(received, 0);
  if (bytes < 8 || bytes > kStartupBytesMax) {
    return protocol_error("the first packet says that it has " + std::to_string(bytes) + " bytes, allowed are 8 to " +
                          std::to_string(kStartupBytesMax));
  }
  if (received.size() < bytes) return std::optional<size_t>();
  return std::optional<size_t>(bytes);
}

Result<StartupPacket> parse_startup(std::string_view packet) {
  Body body(packet);
  body.int32();  // the length
  const uint32_t code = body.int32();
  StartupPacket out;
  if (code == kSslRequest || code == kGssRequest) {
    out.greeting = code == kSslRequest ? Greeting::ssl : Greeting::gss;
    TRY(body.end("SSLRequest"));
    return out;
  }
  if (code == kCancelRequest) {
    out.greeting = Greeting::cancel;
    out.process = body.int32();
    out.secret = body.int32();
    TRY(body.end("CancelRequest"));
    return out;
  }
  if (code >> 16 != kProtocolMajor) {
    return with_state(Error(Code::unsupported, "protocol " + std::to_string(code >> 16) + "." +
                                                   std::to_string(code & 0xFFFF) + " is not spoken here, 3.0 is"),
                      "0A000");
  }
  out.minor = static_cast<uint16_t>(code & 0xFFFF);
  for (;;) {
    std::string name = body.text();
    if (body.is_short()) return protocol_error("the start-up packet ends too early");
    if (name.empty()) break;
    std::string value = body.text();
    if (body.is_short()) return protocol_error("the start-up packet ends too early");
    if (out.parameters.size() + out.protocol_options.size() >= kStartupKeysMax) {
      return protocol_error("the start-up packet has more than " + std::to_string(kStartupKeysMax) + " keys");
    }
    if (name.starts_with("_pq_.")) {
      out.protocol_options.push_back(std::move(name));
    } else {
      out.parameters.emplace_back(std::move(name), std::move(value));
    }
  }
  TRY(body.end("StartupMessage"));
  return out;
}

std::vector<std::pair<std::string, std::string>> parse_options(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool is_open = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      word += text[++i];
      is_open = true;
    } else if (std::strchr(" \t\r\n", text[i]) != nullptr) {
      if (is_open) words.push_back(std::exchange(word, {}));
      is_open = false;
    } else {
      word += text[i];
      is_open = true;
    }
  }
  if (is_open) words.push_back(word);
  std::vector<std::pair<std::string, std::string>> out;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view one = words[i];
    if (one == "-c" && i + 1 < words.size()) {
      one = words[++i];
    } else if (one.starts_with("-c") || one.starts_with("--")) {
      one.remove_prefix(2);
    } else {
      continue;
    }
    const size_t equals = one.find('=');
    if (equals == std::string_view::npos || equals == 0) continue;
    std::string name(one.substr(0, equals));
    for (char& character : name) character = character == '-' ? '_' : character;
    out.emplace_back(std::move(name), std::string(one.substr(equals + 1)));
  }
  return out;
}

Result<std::optional<size_t>> message_bytes(std::string_view received, size_t bytes_max) {
  if (received.size() < 5) return std::optional<size_t>();
  const size_t length = number_at(received, 1);
  if (length < 4) return protocol_error("a message says that it has " + std::to_string(length) + " bytes");
  if (length > bytes_max) {
    return with_state(Error(Code::too_large, "a message of " + std::to_string(length) + " bytes, allowed up to " +
                                                 std::to_string(bytes_max)),
                      "08P01");
  }
  if (received.size() < length + 1) return std::optional<size_t>();
  return std::optional<size_t>(length + 1);
}

Result<std::string> parse_query(std::string_view bytes) {
  Body body(bytes);
  std::string sql = body.text();
  TRY(body.end("Query"));
  return sql;
}

Result<ParseMessage> parse_parse(std::string_view bytes) {
  Body body(bytes);
  ParseMessage out;
  out.name = body.text();
  out.sql = body.text();
  TRY_ASSIGN(const size_t count, count_of(body, 4, "Parse"));
  for (size_t i = 0; i < count; ++i) out.types.push_back(body.int32());
  TRY(body.end("Parse"));
  return out;
}

Result<BindMessage> parse_bind(std::string_view bytes) {
  Body body(bytes);
  BindMessage out;
  out.portal = body.text();
  out.statement = body.text();
  TRY_ASSIGN(out.are_binary, formats_of(body));
  TRY_ASSIGN(const size_t count, count_of(body, 4, "Bind"));
  for (size_t i = 0; i < count && !body.is_short(); ++i) {
    const uint32_t size = body.int32();
    if (size == UINT32_MAX) {
      out.values.emplace_back();
    } else {
      out.values.emplace_back(std::string(body.take(size)));
    }
  }
  TRY_ASSIGN(out.are_results_binary, formats_of(body));
  TRY(body.end("Bind"));
  if (out.are_binary.size() > 1 && out.are_binary.size() != out.values.size()) {
    return protocol_error("Bind has " + std::to_string(out.are_binary.size()) + " formats for " +
                          std::to_string(out.values.size()) + " values");
  }
  return out;
}

Result<TargetMessage> parse_target(std::string_view bytes) {
  Body body(bytes);
  TargetMessage out;
  out.kind = body.byte();
  out.name = body.text();
  TRY(body.end("Describe or Close"));
  if (out.kind != 'S' && out.kind != 'P') return protocol_error("Describe and Close are of a statement or a portal");
  return out;
}

Result<ExecuteMessage> parse_execute(std::string_view bytes) {
  Body body(bytes);
  ExecuteMessage out;
  out.portal = body.text();
  out.rows_max = body.int32();
  TRY(body.end("Execute"));
  if (out.rows_max > INT32_MAX) out.rows_max = 0;  // less than none means all, as in PostgreSQL
  return out;
}

Result<SaslMessage> parse_sasl_initial(std::string_view bytes) {
  Body body(bytes);
  SaslMessage out;
  out.mechanism = body.text();
  const uint32_t size = body.int32();
  if (size != UINT32_MAX) out.data = std::string(body.take(size));
  TRY(body.end("SASLInitialResponse"));
  return out;
}

Status check_message(const Message& message) {
  const auto told = [](const auto& parsed) { return parsed ? Status() : Status(parsed.error()); };
  switch (message.type) {
    case 'Q':
      return told(parse_query(message.body));
    case 'P':
      return told(parse_parse(message.body));
    case 'B':
      return told(parse_bind(message.body));
    case 'D':
    case 'C':
      return told(parse_target(message.body));
    case 'E':
      return told(parse_execute(message.body));
    case 'p':
      return told(parse_sasl_initial(message.body));
    default:
      return protocol_error("there is no message of this type");
  }
}

// --- ours ----------------------------------------------------------------------------------------------------------

namespace {

template <class T>
void append_number(std::string& out, T value) {
  char bytes[sizeof(T)];
  auto left = static_cast<std::make_unsigned_t<T>>(value);
  for (size_t i = sizeof(T); i-- > 0;) {
    bytes[i] = static_cast<char>(left & 0xFF);
    if constexpr (sizeof(T) > 1) left = static_cast<std::make_unsigned_t<T>>(left >> 8);
  }
  out.append(bytes, sizeof(T));
}

void append_fields(std::string& out, char type, const ErrorFields& fields) {
  const MessageScope scope(out, type);
  const auto field = [&out](char name, std::string_view text) {
    if (text.empty()) return;
    out += name;
    append_text(out, text);
  };
  field('S', fields.severity);
  field('V', fields.severity);
  field('C', fields.sqlstate);
  field('M', fields.message.empty() ? "no message" : fields.message);
  field('D', fields.detail);
  field('H', fields.hint);
  field('W', fields.context);
  if (fields.position > 0) field('P', std::to_string(fields.position));
  out += '\0';
}

}  // namespace

void append_int16(std::string& out, int16_t value) {
  append_number(out, value);
}
void append_int32(std::string& out, int32_t value) {
  append_number(out, value);
}
void append_int64(std::string& out, int64_t value) {
  append_number(out, value);
}

void append_text(std::string& out, std::string_view text) {
  for (const char character : text) {
    if (character != '\0') out += character;
  }
  out += '\0';
}

MessageScope::MessageScope(std::string& out, char type) : out_(out), length_at_(out.size() + 1) {
  out_ += type;
  out_.append(4, '\0');
}

MessageScope::~MessageScope() {
  auto length = static_cast<uint32_t>(out_.size() - length_at_);
  for (size_t i = 4; i-- > 0; length >>= 8) out_[length_at_ + i] = static_cast<char>(length & 0xFF);
}

void append_simple(std::string& out, char type) {
  const MessageScope scope(out, type);
}

void append_authentication(std::string& out, int32_t code, std::string_view data) {
  const MessageScope scope(out, 'R');
  append_int32(out, code);
  out += data;
}

void append_parameter_status(std::string& out, std::string_view name, std::string_view value) {
  const MessageScope scope(out, 'S');
  append_text(out, name);
  append_text(out, value);
}

void append_ready(std::string& out, char state) {
  const MessageScope scope(out, 'Z');
  out += state;
}

void append_command_complete(std::string& out, std::string_view tag) {
  const MessageScope scope(out, 'C');
  append_text(out, tag);
}

void append_error(std::string& out, const ErrorFields& fields) {
  append_fields(out, 'E', fields);
}

void append_notice(std::string& out, const ErrorFields& fields) {
  append_fields(out, 'N', fields);
}

}  // namespace weir::pgwire
