#include "platform/endpoint/question.h"

#include <algorithm>

#include "core/base/text.h"
#include "platform/endpoint/paged_file.h"

namespace weir::endpoint {
namespace {

Error unknown_parameter(const Endpoint& endpoint, const std::string& name) {
  std::vector<std::string> known;
  for (const Parameter& one : endpoint.parameters) {
    if (!one.in_path) known.push_back(one.name);
  }
  known.push_back(endpoint.page.cursor);
  known.push_back(endpoint.page.size);
  return Error(Code::invalid, "parameter " + shown(name) + " is not known here: " + did_you_mean(name, known));
}

// The text of each parameter; those of the page too.
Result<std::map<std::string, std::string, std::less<>>> texts_of(const Endpoint& endpoint, const Asked& asked) {
  std::map<std::string, std::string, std::less<>> out;
  size_t in_path = 0;
  for (const Parameter& one : endpoint.parameters) {
    if (one.in_path && in_path < asked.path.size()) out.emplace(one.name, asked.path[in_path++]);
  }
  for (const auto& [name, value] : asked.query) {
    const Parameter* known = endpoint.find(name);
    const bool is_page = name == endpoint.page.cursor || name == endpoint.page.size;
    if (!is_page && (known == nullptr || known->in_path)) return unknown_parameter(endpoint, name);
    if (!out.emplace(name, value).second) {
      return Error(Code::invalid, "parameter '" + name + "' is given twice: expected one value");
    }
  }
  return out;
}

Result<size_t> rows_of(const Page& page, const std::optional<std::string>& text) {
  if (!text) return static_cast<size_t>(page.otherwise);
  const auto value = read_value(ParameterType::integer, *text);
  if (value && value->number >= 1 && value->number <= page.max) return static_cast<size_t>(value->number);
  return Error(Code::invalid, "parameter '" + page.size + "' is " + shown(*text) +
                                  ": expected a whole number from 1 to " + std::to_string(page.max));
}

}  // namespace

EndpointKeys keys_of(std::string_view secret) {
  EndpointKeys out;
  out.cursor = hmac_sha256(secret, "weir endpoint cursor 1");
  const std::string rows = hmac_sha256(secret, "weir endpoint index 1");
  out.rows = {u64_at(rows, 0), u64_at(rows, 8)};
  out.rows_check = u64_at(rows, 16);
  return out;
}

void append_key_value(std::string& into, std::string_view text) {
  put_u32(into, static_cast<uint32_t>(text.size()));
  into += text;
}

Result<Question> read_question(const Endpoint& endpoint, const Asked& asked, const EndpointKeys& keys, int32_t today) {
  TRY_ASSIGN(const auto texts, texts_of(endpoint, asked));
  const auto text_of = [&](const std::string& name) {
    const auto found = texts.find(name);
    return found == texts.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
  };
  Question out;
  std::string key;
  const Parameter* from = nullptr;
  const Parameter* to = nullptr;
  append_key_value(out.bound, endpoint.name);
  for (const Parameter& one : endpoint.parameters) {
    const auto text = text_of(one.name);
    TRY_ASSIGN(const Value value, read_parameter(one, text, today));
    // A default is bound as such: the cursor remembers which day it was.
    append_key_value(out.bound, text ? "=" + value.text : "");
    if (one.use == ParameterUse::equals) {
      append_key_value(key, value.text);
    } else if (one.use == ParameterUse::from) {
      from = &one;
      out.from = value.number;
    } else {
      to = &one;
      out.to = value.number;
    }
  }
  out.key = fingerprint(keys.rows, key);
  TRY_ASSIGN(out.rows_max, rows_of(endpoint.page, text_of(endpoint.page.size)));
  if (const auto text = text_of(endpoint.page.cursor)) {
    out.after = decode_cursor(*text, keys.cursor, out.bound);
    if (!out.after) {
      return Error(Code::invalid,
                   "parameter '" + endpoint.page.cursor +
                       "' is no page of this request: expected `next` of an answer with the same parameters");
    }
    out.from = out.after->from;
    out.to = out.after->to;
  } else if (from != nullptr && to != nullptr && out.from > out.to) {
    return Error(Code::invalid, "parameter '" + from->name + "' lies behind '" + to->name + "': expected " +
                                    from->name + " not after " + to->name);
  }
  return out;
}

}  // namespace weir::endpoint
