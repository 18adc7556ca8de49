#include <algorithm>
#include <cstring>
#include <limits>

#include "core/base/check.h"
#include "storage/journal/journal.h"
#include "storage/journal/segment.h"

namespace weir::journal {

void Batch::add(std::string_view record) {
  open_record().append(record);
  close_record();
}

std::string& Batch::open_record() {
  CHECK(!is_open_, "one record is written at a time");
  is_open_ = true;
  open_at_ = buffer_.size();
  buffer_.append(kRecordHeaderBytes, '\0');
  return buffer_;
}

void Batch::close_record() {
  CHECK(is_open_ && buffer_.size() >= open_at_ + kRecordHeaderBytes,
        "a record is closed once, and only grows while open");
  const size_t bytes = buffer_.size() - open_at_ - kRecordHeaderBytes;
  CHECK(bytes <= std::numeric_limits<uint32_t>::max(), "a record's length has 32 bits");
  const auto length = static_cast<uint32_t>(bytes);
  std::memcpy(buffer_.data() + open_at_, &length, sizeof length);
  largest_ = std::max(largest_, bytes);
  ++count_;
  is_open_ = false;
}

}  // namespace weir::journal
