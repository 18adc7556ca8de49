// Small questions about text that every room asks: is it UTF-8, what did they mean, how is it written in hex or HTML.
// Pure functions over bytes; nothing here knows a locale. Safe from any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace weir {

bool valid_utf8(std::string_view text) noexcept;
// Length in bytes (1..4) of the well-formed UTF-8 sequence at `at`; 0 if the bytes there are not one. `at` < size.
size_t utf8_sequence(std::string_view text, size_t at) noexcept;

// For messages: 'text' in single quotes, control characters and invalid bytes escaped as \xNN, cut after `bytes_max`
// bytes with the full length named. A message made of hostile input stays one readable line.
std::string shown(std::string_view text, size_t bytes_max = 60);
// For messages: an instant without the digits that say nothing, 2023-01-31T23:59:59Z, …59.250Z or …59.123456Z. What is
// stored and what programs read is format_timestamp(), which always has six.
std::string shown_time(int64_t micros);

// Insertions, deletions, substitutions and swaps of neighbours needed to turn one into the other.
size_t edit_distance(std::string_view a, std::string_view b);
// The candidate a person most likely meant, or nothing if none is near (at most a third of its length away).
std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates);
// For the hint of an error: "did you mean 'x'?", or "known: a, b, c" when nothing is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

std::string hex_encode(std::string_view bytes);  // lower case
Result<std::string> hex_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);  // RFC 4648 §4, padded
Result<std::string> base64_decode(std::string_view text);
std::string base64url_encode(std::string_view bytes);  // RFC 4648 §5, without padding
Result<std::string> base64url_decode(std::string_view text);

// Compares in time that depends on the lengths only: for tokens, digests and signatures.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

// The views below point into their argument, which must outlive them.
std::string_view trim(std::string_view text) noexcept;                       // without ASCII white space at both ends
std::vector<std::string_view> split(std::string_view text, char separator);  // "a,,b" has three parts; "" has one
std::string to_lower(std::string_view text);                                 // ASCII letters only
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;   // ASCII letters only
std::string join(const std::vector<std::string>& parts, std::string_view separator);

std::string html_escape(std::string_view text);  // & < > " ' : safe between tags and inside quoted attributes

// Names of streams, tables and fields that become folders and SQL names: [a-z][a-z0-9_]{0,62}.
bool is_identifier(std::string_view text) noexcept;

}  // namespace weir
