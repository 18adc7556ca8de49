#include "stream/capture/raw_rows.h"

#include "stream/capture/declaration_lineage.h"

namespace weir::capture {
namespace {

using engine::Column;
using engine::ColumnType;

constexpr int kDepthMax = 256;  // it was judged before, under its own limits; this only bounds what damage can do

Column column(std::string name, ColumnType type) {
  Column out;
  out.name = std::move(name);
  out.type = type;
  return out;
}

}  // namespace

std::vector<Column> raw_columns(const Stream& stream) {
  std::vector<Column> out;
  for (const Field& field : stream.fields) out.push_back(column(field.name, ColumnType::text));
  out.push_back(column("_payload", ColumnType::json));
  out.push_back(column("_id", ColumnType::text));
  out.push_back(column("_seq", ColumnType::int64));
  out.push_back(column("_arrived_at", ColumnType::timestamp));
  return out;
}

RawRows::RawRows(std::shared_ptr<const Stream> stream) : stream_(std::move(stream)), slots_(stream_->fields.size()) {
  auto names = plan_object(stream_->fields);
  if (names) {
    names_ = std::move(*names);
  } else {
    unusable_ = std::move(names).error();
  }
}

Status RawRows::append(const RawEvent& event, engine::RowBlock& into) {
  TRY(read(event.payload));
  size_t at = 0;
  for (const Slot& slot : slots_) {
    if (slot.is_there) {
      into.column(at++).add_text(slot.text);
    } else {
      into.column(at++).add_null();
    }
  }
  into.column(at++).add_text(event.payload);
  into.column(at++).add_text(event.id);
  into.column(at++).add_int(static_cast<int64_t>(event.sequence));
  into.column(at++).add_int(event.arrived_at);
  return {};
}

Status RawRows::read(std::string_view payload) {
  if (unusable_) return *unusable_;
  buffer_.assign(payload);
  buffer_.append(JsonScanner::kPadding, '\0');
  scanner_.start(buffer_.data(), buffer_.data() + payload.size(), nullptr, kDepthMax);
  for (Slot& slot : slots_) slot.is_there = false;
  if (read_object() && scanner_.at_end()) return {};
  const JsonScanner::Failure& failure = scanner_.failure();
  return Error(Code::corrupt,
               std::string("the event does not read: ") + (failure.at == nullptr ? "it is no object" : failure.what));
}

bool RawRows::read_object() {
  scanner_.space();
  if (scanner_.next() != '{') return false;
  scanner_.advance();
  scanner_.space();
  uint16_t expected = 0;
  while (scanner_.next() != '}') {
    if (!read_member(expected)) return false;
    scanner_.space();
    if (scanner_.next() == '}') break;
    if (scanner_.next() != ',') return false;
    scanner_.advance();
    scanner_.space();
  }
  scanner_.advance();
  scanner_.space();
  return true;
}

bool RawRows::read_member(uint16_t& expected) {
  JsonScanner::Text key;
  if (scanner_.next() != '"' || !scanner_.string(key)) return false;
  std::string name(JsonScanner::decode(key, scratch_));
  const size_t size = name.size();
  name.append(JsonScanner::kPadding, '\0');
  const uint16_t index = names_.find(std::string_view(name).substr(0, size), expected);
  if (!scanner_.colon()) return false;
  if (index == ObjectPlan::kNone) return scanner_.skip_value(1);
  expected = static_cast<uint16_t>(index + 1);
  return read_value(slots_[index]);
}

bool RawRows::read_value(Slot& slot) {
  const char* begin = scanner_.position();
  slot.is_there = *begin != 'n';
  if (*begin == '"') {
    JsonScanner::Text text;
    if (!scanner_.string(text)) return false;
    slot.text = JsonScanner::decode(text, slot.decoded);
    return true;
  }
  if (!scanner_.skip_value(1)) return false;
  slot.text = {begin, static_cast<size_t>(scanner_.position() - begin)};
  return true;
}

}  // namespace weir::capture
