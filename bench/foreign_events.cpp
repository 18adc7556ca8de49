#include "bench/foreign_events.h"

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "bench/process.h"
#include "core/io/compression.h"

namespace fs = std::filesystem;

namespace weir::bench {

const char* const kForeignStream = R"(fields:
  impression_id: uuid
  ad_id: {type: uuid, required: true}
  occurred_at: {type: timestamp, required: true}
  page: {type: string, required: true}
  country: {type: string, required: true}
  price: {type: number, required: true}
  position: {type: integer, required: true}
key: impression_id
time: occurred_at
unknown: refuse
write: public
)";
const char* const kForeignColumns =
    "{impression_id: 'UUID', ad_id: 'UUID', occurred_at: 'TIMESTAMP', page: 'VARCHAR', country: 'VARCHAR', "
    "price: 'DOUBLE', position: 'BIGINT'}";

namespace {

constexpr int kAds = 10'000;
constexpr int kGzipLevel = 3;
constexpr int64_t kFirstDay = 20'454;  // 2026-01-01, since 1970

void append_uuid(std::string& out, uint64_t high, uint64_t low) {
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16) & 0xffff, static_cast<unsigned>(high) & 0xfff,
                static_cast<unsigned>(low >> 48) & 0xfff, static_cast<unsigned long long>(low & 0xffffffffffff));
  out += text;
}

std::string date(int64_t day, const char* form) {
  const time_t at = static_cast<time_t>(day * 86'400);
  std::tm civil{};
  gmtime_r(&at, &civil);
  char text[32];
  std::strftime(text, sizeof text, form, &civil);
  return text;
}

struct Place {
  int64_t day = 0;
  int hour = 0;
  uint64_t number = 0, rows = 0;
};

struct Written {
  uint64_t bytes = 0, unpacked_bytes = 0, again = 0;
};

Written write_file(const fs::path& folder, const ForeignPlan& plan, const Place& place) {
  std::mt19937_64 chance(place.number + 1);
  std::uniform_real_distribution<double> share;
  static constexpr const char* kCountries[] = {"DE", "FR", "US", "JP", "BR", "IN"};
  const std::string day = date(place.day, "%Y-%m-%d");
  std::string text;
  std::vector<std::pair<size_t, size_t>> records;  // where they lie in the text
  Written out;
  for (uint64_t i = 0; i < place.rows; ++i) {
    if (!records.empty() && share(chance) < plan.again) {
      const auto [at, size] = records[chance() % records.size()];
      text.append(std::string(text, at, size));
      ++out.again;
      continue;
    }
    const size_t begin = text.size();
    text += R"({"impression_id":")";
    append_uuid(text, chance(), chance());
    text += R"(","ad_id":")";
    const uint64_t ad = chance() % kAds;
    append_uuid(text, ad * 0x9e3779b97f4a7c15u, ad * 0xc2b2ae3d27d4eb4fu);
    char rest[200];
    const auto at_ms = static_cast<unsigned>(i * 3'600'000 / place.rows);
    std::snprintf(rest, sizeof rest,
                  R"(","occurred_at":"%s %02d:%02u:%02u.%03u","page":"/products/%u/overview","country":"%s",)"
                  R"("price":%u.%02u,"position":%u})"
                  "\n",
                  day.c_str(), place.hour, at_ms / 60'000 % 60, at_ms / 1'000 % 60, at_ms % 1'000,
                  static_cast<unsigned>(chance() % 50'000), kCountries[chance() % std::size(kCountries)],
                  static_cast<unsigned>(chance() % 20), static_cast<unsigned>(chance() % 100),
                  static_cast<unsigned>(chance() % 12));
    text += rest;
    records.emplace_back(begin, text.size() - begin);
  }
  GzipCompressor compressor(kGzipLevel);
  const auto packed = compressor.member(text);
  if (!packed) give_up("the generated records cannot be packed: " + packed.error().text());
  const fs::path where = folder / date(place.day, "%Y/%m/%d") /
                         (place.hour < 10 ? "0" + std::to_string(place.hour) : std::to_string(place.hour));
  fs::create_directories(where);
  std::ofstream file(where / ("part-" + std::to_string(place.number) + ".json.gz"), std::ios::binary);
  file.write(packed->data(), static_cast<std::streamsize>(packed->size()));
  file.close();
  if (!file) give_up("cannot write in " + where.string());
  out.bytes = packed->size();
  out.unpacked_bytes = text.size();
  return out;
}

std::vector<Place> places(const ForeignPlan& plan) {
  std::vector<Place> out;
  const auto hours = static_cast<uint64_t>(plan.days * plan.files_per_day);
  for (uint64_t hour = 0; hour < hours; ++hour) {
    uint64_t rows = plan.rows * (hour + 1) / hours - plan.rows * hour / hours;
    while (rows > 0) {
      const uint64_t some = std::min(rows, plan.file_rows);
      const auto of_day = static_cast<int>(hour) % plan.files_per_day;
      out.push_back({kFirstDay + static_cast<int64_t>(hour) / plan.files_per_day, of_day * (24 / plan.files_per_day),
                     out.size(), some});
      rows -= some;
    }
  }
  return out;
}

}  // namespace

std::string foreign_day(int number) {
  return date(kFirstDay + number, "%Y-%m-%d");
}

ForeignFiles make_foreign_files(const std::string& data, const ForeignPlan& plan) {
  const std::vector<Place> all = places(plan);
  ForeignFiles out;
  out.folder = fs::absolute(data + "/events-" + std::to_string(plan.rows) + "-" + std::to_string(plan.days)).string();
  out.rows = plan.rows;
  out.files = all.size();
  const std::string known = out.folder + "/_counts";  // names that begin so are no data
  if (std::ifstream in(known); in >> out.distinct >> out.bytes >> out.unpacked_bytes) return out;
  fs::remove_all(out.folder);
  std::printf("data: writing %llu rows to %s\n", static_cast<unsigned long long>(plan.rows), out.folder.c_str());
  std::fflush(stdout);
  std::atomic<size_t> next{0};
  std::atomic<uint64_t> bytes{0}, unpacked{0}, again{0};
  const auto write = [&] {
    for (size_t at; (at = next++) < all.size();) {
      const Written one = write_file(out.folder, plan, all[at]);
      bytes += one.bytes;
      unpacked += one.unpacked_bytes;
      again += one.again;
    }
  };
  std::thread other(write);
  write();
  other.join();
  out.bytes = bytes;
  out.unpacked_bytes = unpacked;
  out.distinct = plan.rows - again;
  std::ofstream(known) << out.distinct << ' ' << out.bytes << ' ' << out.unpacked_bytes << '\n';
  return out;
}

}  // namespace weir::bench
