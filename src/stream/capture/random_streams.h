// Streams from a seed, for tests: every member of the structs takes every kind of value. What they hold is a value of
// its type but need not be a sensible declaration. Tests only; one thread.
#pragma once

#include <cmath>
#include <iterator>
#include <random>
#include <string>

#include "stream/capture/stream.h"

namespace weir::capture {

class RandomStreams {
 public:
  explicit RandomStreams(uint32_t seed) : random_(seed) {}

  Stream stream() {
    Stream out;
    out.name = name();
    out.description = text();
    out.enabled = chance(2);
    for (size_t i = below(3); i > 0; --i) out.tags[name()] = text();
    for (size_t i = below(6); i > 0; --i) out.fields.push_back(field(1, true));
    if (!out.fields.empty() && chance(2)) out.key = out.fields[below(out.fields.size())].name;
    if (!out.fields.empty() && chance(2)) out.time_field = out.fields[below(out.fields.size())].name;
    out.assign_key = chance(2);
    out.unknown = static_cast<UnknownFields>(below(3));
    out.write = static_cast<WhoWrites>(below(2));
    out.public_off_loopback = chance(2);
    for (size_t i = below(3); i > 0; --i) out.cors_origins.push_back(text());
    if (chance(2)) out.beacon = Beacon{text(), text(), static_cast<int>(below(10'000) + 1)};
    out.partition = static_cast<PartitionBy>(below(2));
    out.dedup_window = duration();
    out.past_max = duration();
    out.future_max = duration();
    if (chance(2)) out.retention = duration();
    return out;
  }

  size_t below(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }
  bool chance(size_t one_in) { return below(one_in) == 0; }

  std::string name() {
    std::string out = "f";
    for (size_t i = below(4) + 1; i > 0; --i) out += static_cast<char>('a' + below(26));
    return out + "_" + std::to_string(++names_);
  }
  std::string text() {
    static constexpr const char* kTexts[] = {"",
                                             "plain",
                                             "with 'quotes' and \"more\"",
                                             "line\nbreak\ttab",
                                             "Zürich 🏔",
                                             "# no comment: {}",
                                             "true",
                                             "null",
                                             "1.10",
                                             "a, b",
                                             "\\d+\\"};
    return kTexts[below(std::size(kTexts))];
  }

 private:
  Field field(int depth, bool named) {
    Field out;
    if (named) out.name = name();
    out.type = static_cast<FieldType>(below(depth < 4 ? 11 : 9));
    out.required = chance(3);
    out.nullable = chance(3);
    out.subject = chance(8);
    out.description = chance(3) ? text() : "";
    out.was = chance(8) ? name() : "";
    for (size_t i = chance(4) ? below(3) : 0; i > 0; --i) out.values.push_back(text());
    if (chance(4)) out.minimum = real();
    if (chance(4)) out.maximum = real();
    if (chance(4)) out.length_min = static_cast<int64_t>(below(100));
    if (chance(4)) out.length_max = static_cast<int64_t>(below(1'000'000));
    if (chance(4)) out.pattern = text();
    if (chance(4)) out.otherwise = json(0);
    if (out.type == FieldType::decimal) {
      out.precision = static_cast<int>(below(18) + 1);
      out.scale = static_cast<int>(below(static_cast<size_t>(out.precision) + 1));
    }
    if (out.type == FieldType::object) {
      for (size_t i = below(3) + 1; i > 0; --i) out.fields.push_back(field(depth + 1, true));
    }
    if (out.type == FieldType::array) out.items.push_back(field(depth + 1, false));
    return out;
  }

  double real() {
    switch (below(4)) {
      case 0:
        return static_cast<double>(below(1000)) - 500;
      case 1:
        return std::ldexp(static_cast<double>(random_()), static_cast<int>(below(600)) - 300);
      case 2:
        return 0.1 * static_cast<double>(below(100));
      default:
        return 9007199254740992.0;
    }
  }
  Json json(int depth) {
    switch (below(depth < 3 ? 8 : 6)) {
      case 0:
        return {};
      case 1:
        return chance(2);
      case 2:
        return static_cast<int64_t>(random_()) - (int64_t{1} << 31);
      case 3:
        return ~uint64_t{0} - below(5);
      case 4:
        return real();
      case 5:
        return text();
      case 6: {
        Json::Array out;
        for (size_t i = below(3); i > 0; --i) out.push_back(json(depth + 1));
        return out;
      }
      default: {
        Json out{Json::Object{}};
        for (size_t i = below(3); i > 0; --i) out.set(name(), json(depth + 1));
        return out;
      }
    }
  }
  Duration duration() {
    switch (below(3)) {
      case 0:
        return days(static_cast<int64_t>(below(1000)));
      case 1:
        return seconds(static_cast<int64_t>(below(100'000)));
      default:
        return microseconds(static_cast<int64_t>(below(1'000'000'000)));
    }
  }

  std::mt19937 random_;
  int names_ = 0;
};

}  // namespace weir::capture
