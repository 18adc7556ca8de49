// Files as another system would have left them: gzipped NDJSON in Firehose's folders by hour, from a seed, the same
// for every run, so that they can be kept in a cache folder.
#pragma once

#include <cstdint>
#include <string>

namespace weir::bench {

// The declaration of the stream that the files fit.
extern const char* const kForeignStream;
// The columns of the same, for a bare DuckDB's read_json().
extern const char* const kForeignColumns;

struct ForeignPlan {
  uint64_t rows = 1'000'000;
  int days = 4;           // from 2026-01-01
  int files_per_day = 4;  // one an hour, six hours apart; more rows are more files
  uint64_t file_rows = 62'500;
  double again = 0.01;  // share of records that were there before in the same file's day
};

struct ForeignFiles {
  std::string folder;
  uint64_t rows = 0, distinct = 0, files = 0, bytes = 0, unpacked_bytes = 0;
};

// "2026-01-01" and the days behind it.
std::string foreign_day(int number);

// Writes them below `data`, with two threads, or finds them there.
ForeignFiles make_foreign_files(const std::string& data, const ForeignPlan& plan);

}  // namespace weir::bench
