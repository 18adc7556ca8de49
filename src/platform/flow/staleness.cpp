#include "platform/flow/staleness.h"

#include "core/base/hash.h"

namespace weir::flow {
namespace {

constexpr size_t kFingerprintDigits = 32;

// An input as one table reads it.
struct Read {
  std::string name;
  const Versions* versions = nullptr;
  Affects affects;
  std::string whole;  // its version where days do not matter
  bool by_days() const { return versions->has_days && !affects.all; }
};

std::string version_of_all(const Versions& versions) {
  std::string text = versions.whole;
  for (const auto& [day, version] : versions.days) text += "\n" + std::to_string(day) + "=" + version;
  return sha256_hex(text).substr(0, kFingerprintDigits);
}

std::vector<Read> reads_of(const Table& table, const std::vector<std::string>& names, const AllVersions& versions) {
  static const Versions kNone;
  std::vector<Read> out;
  for (const std::string& name : names) {
    Read read;
    read.name = name;
    const auto known = versions.find(name);
    read.versions = known == versions.end() ? &kNone : &known->second;
    if (const Input* input = table.find_input(name)) read.affects = input->affects;
    if (table.partition.empty()) read.affects.all = true;
    if (!read.by_days()) read.whole = version_of_all(*read.versions);
    out.push_back(std::move(read));
  }
  return out;
}

Due due(const Table& table, const std::vector<Read>& reads, const Partition& partition) {
  Due out;
  out.partition = partition;
  std::string text = std::to_string(content_hash(table));
  for (const Read& read : reads) {
    text += "\n" + read.name + ":";
    if (!read.by_days()) {
      text += read.whole;
      continue;
    }
    auto& days = out.input_days[read.name];
    for (const int32_t day : read.affects.input_days_for(*partition)) {
      days.insert(day);
      const auto version = read.versions->days.find(day);
      if (version == read.versions->days.end()) continue;
      text += " " + std::to_string(day) + "=" + version->second;
      if (read.versions->retained_from && day < *read.versions->retained_from) out.input_is_past = true;
    }
  }
  out.fingerprint = sha256_hex(text).substr(0, kFingerprintDigits);
  return out;
}

}  // namespace

AllVersions versions_of(const lake::CommittedTables& lake, const std::map<std::string, TableMarks>& derived) {
  AllVersions out;
  for (const auto& [name, days] : lake.days) {
    Versions& versions = out[name];
    versions.has_days = true;
    for (const auto& [day, version] : *days) versions.days[day] = std::to_string(version);
    const auto retained = lake.retained_from.find(name);
    if (retained != lake.retained_from.end()) versions.retained_from = retained->second;
  }
  for (const auto& [name, marks] : derived) {
    Versions& versions = out[name];
    for (const auto& [partition, mark] : marks) {
      if (partition) {
        versions.has_days = true;
        versions.days[*partition] = mark.data;
      } else {
        versions.whole = mark.data;
      }
    }
  }
  return out;
}

std::vector<Due> partitions_of(const Table& table, const std::vector<std::string>& names, const AllVersions& versions) {
  const std::vector<Read> reads = reads_of(table, names, versions);
  if (table.partition.empty()) return {due(table, reads, std::nullopt)};
  std::set<int32_t> days;
  for (const Read& read : reads) {
    if (!read.by_days()) continue;
    for (const auto& [day, version] : read.versions->days) {
      for (const int32_t touched : read.affects.days_of(day)) days.insert(touched);
    }
  }
  std::vector<Due> out;
  for (const int32_t day : days) out.push_back(due(table, reads, day));
  return out;
}

}  // namespace weir::flow
