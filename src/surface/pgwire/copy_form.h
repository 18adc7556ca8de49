// The three forms of COPY as bytes, text, csv and binary: rows out of what a client sends, and rows as it is sent
// them. PostgreSQL 15, sql-copy, "File Formats"; where something is wrong, its messages and SQLSTATEs.
//
// A CopyReader keeps at most one row that has not come whole (kCopyRowBytesMax) and one block of rows. Pure values, one
// thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "platform/warehouse/warehouse.h"
#include "storage/engine/engine.h"
#include "surface/pgwire/types.h"

namespace weir::pgwire {

inline constexpr size_t kCopyRowBytesMax = 16u << 20;
inline constexpr size_t kCopyBlockRows = 20'480;  // ten of the engine's vectors
inline constexpr size_t kCopyBlockBytes = 2u << 20;

inline constexpr std::string_view kCopySignature("PGCOPY\n\377\r\n\0", 11);  // of the binary form
inline constexpr std::string_view kCopyEndMark = "\\.";                      // a line that ends the data

class CopyReader {
 public:
  explicit CopyReader(warehouse::CopyStream stream);

  // Takes bytes up to the end of `bytes`, or until the block is full: gives how many it took. After an error place()
  // says where.
  Result<size_t> read(std::string_view bytes);
  // The client has sent everything: what is left must be a whole row.
  Status end();

  bool is_full() const { return rows_.rows >= kCopyBlockRows || block_bytes_ >= kCopyBlockBytes; }
  const engine::GivenRows& rows() const { return rows_; }
  const std::vector<uint64_t>& lines() const { return lines_; }  // of each row
  void clear();                                                  // the block's rows
  const warehouse::LoadPlace& place() const { return place_; }
  const warehouse::CopyStream& stream() const { return stream_; }

 private:
  struct Column {
    uint32_t type = 0;
    bool is_whole = false, is_text = false, is_bytes = false;
    bool forces_null = false, forces_not_null = false;
  };
  // Bytes of the row at the beginning of `bytes` with its end, and of the end alone; false: more has to come.
  bool find_row(std::string_view bytes, size_t& size, size_t& end);
  Status take_row(std::string_view line);
  Status check_header(std::string_view line);
  Status take_fields(std::string_view line);
  Status take_field(size_t column, std::string_view line, size_t& at, bool& is_last);
  Result<size_t> take_binary(std::string_view bytes);
  Status next_field(std::string_view line, size_t& at, std::string& value, bool& is_null, bool& is_last);
  Status next_csv_field(std::string_view line, size_t& at, std::string& value, bool& is_quoted, bool& is_last);
  Status add(size_t column, std::string_view value, bool is_null, bool is_binary);
  Status add_whole(size_t column, std::string_view value, bool is_binary);
  void end_row();
  void undo_row(size_t columns);
  Error wrong(const char* sqlstate, std::string message, std::string_view line);

  const warehouse::CopyStream stream_;
  std::vector<Column> columns_;
  engine::GivenRows rows_;
  std::vector<uint64_t> lines_;
  size_t block_bytes_ = 0;
  uint64_t line_ = 0;        // that was taken last
  std::string pending_;      // a row that has not come whole …
  size_t scanned_ = 0;       // … and how much of it was looked at
  bool is_quoted_ = false;   // the place looked at is inside of quotes
  bool is_escaped_ = false;  // the byte before it takes the next one's meaning
  bool has_begun_ = false;   // the header was taken, if there is one
  bool has_ended_ = false;   // \. or the trailer: what follows is not read
  std::string value_;        // of the field at hand
  warehouse::LoadPlace place_;
};

// "COPY t, line 3, column b: "x"".
std::string copy_context(const std::string& table, const warehouse::LoadPlace& place);

class CopyWriter {
 public:
  explicit CopyWriter(const warehouse::CopyStream& stream);

  // One CopyData message a row; `zone`: of instants.
  Status append_row(std::string& out, const engine::ResultBlock& block, size_t row, const flow::Zone& zone);
  // The header that was not sent yet, as there was no row, and the trailer.
  void append_end(std::string& out);

 private:
  void append_names(std::string& out);   // HEADER's line, once
  void append_header(std::string& out);  // the binary form's, once
  void append_field(std::string& out, std::string_view value, size_t column) const;
  void append_csv(std::string& out, std::string_view value, bool is_forced) const;

  const dialect::CopyOptions options_;
  struct Column {
    std::string name;
    WireType type;
    bool is_forced = false;
  };
  std::vector<Column> columns_;
  bool has_begun_ = false;
  std::string value_;
};

// CopyInResponse 'G' or CopyOutResponse 'H'.
void append_copy_response(std::string& out, const warehouse::CopyStream& stream);

}  // namespace weir::pgwire
