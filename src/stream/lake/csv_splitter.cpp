// CSV of other systems, with a header: each row becomes an object.
#include <set>
#include <vector>

#include "core/base/text.h"
#include "stream/lake/foreign_records.h"
#include "stream/lake/record_text.h"

namespace weir::lake {
namespace {

constexpr size_t kColumnsMax = 10'000;

bool is_json_number(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at - begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const size_t first = at, whole = digits();
  if (whole == 0 || (whole > 1 && text[first] == '0')) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

class CsvSplitter final : public RecordSplitter {
 public:
  CsvSplitter(const RecordsRequest& request, TakeRecord take)
      : bytes_max_(request.record_bytes_max),
        cells_(request.cells),
        other_(request.other_cells),
        take_(std::move(take)) {}

  Status feed(std::string_view piece) override {
    for (const char c : piece) {
      TRY(take(c));
      if (c == '\n') ++line_;
    }
    return {};
  }

  Status finish() override {
    if (in_quotes_) return refused("a quote is not closed");
    return row_bytes_ > 0 || !row_.empty() ? end_row() : Status();
  }

 private:
  struct Cell {
    std::string text;
    bool quoted = false;
  };

  Status take(char c) {
    if (row_bytes_ == 0 && row_.empty()) begin_line_ = line_;
    ++row_bytes_;
    if (header_.empty() && !in_quotes_) note_delimiter(c);
    if (in_quotes_) {
      if (after_quote_) {  // a quote within quotes: doubled, or the end
        after_quote_ = false;
        if (c == '"') return append(c);
        in_quotes_ = false;
      } else if (c == '"') {
        after_quote_ = true;
        return {};
      } else {
        return append(c);
      }
    }
    if (c == '"' && cell_.text.empty() && !cell_.quoted) {
      in_quotes_ = cell_.quoted = true;
      return {};
    }
    if (c == delimiter_ && !header_.empty()) return end_cell();
    if (c == '\n') return end_row();
    return append(c);
  }

  // Which of them parts the header is known at its end.
  void note_delimiter(char c) {
    for (size_t i = 0; i < kDelimiters.size(); ++i) counts_[i] += kDelimiters[i] == c ? 1 : 0;
  }

  Status append(char c) {
    if (row_bytes_ <= bytes_max_) cell_.text += c;
    return {};
  }

  Status end_cell() {
    if (!cell_.quoted && !cell_.text.empty() && cell_.text.back() == '\r') cell_.text.pop_back();
    if (row_.size() > kColumnsMax) return refused("more than " + std::to_string(kColumnsMax) + " columns");
    row_.push_back(std::move(cell_));
    cell_ = {};
    return {};
  }

  Status end_row() {
    in_quotes_ = after_quote_ = false;
    if (header_.empty()) {
      TRY(read_header());
    } else {
      TRY(end_cell());
      const bool is_blank = row_.size() == 1 && row_[0].text.empty() && !row_[0].quoted;
      if (!is_blank) {
        TRY(take_(begin_line_, row_text()));
      }
    }
    row_.clear();
    cell_ = {};
    row_bytes_ = 0;
    return {};
  }

  Status read_header() {
    size_t most = 0;
    for (size_t i = 1; i < kDelimiters.size(); ++i) most = counts_[i] > counts_[most] ? i : most;
    delimiter_ = kDelimiters[most];
    std::string_view text = cell_.text;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::set<std::string> seen;
    for (const std::string_view part : split(text, delimiter_)) {
      std::string name(part);
      while (!name.empty() && (is_space(name.back()) || name.back() == '"')) name.pop_back();
      while (!name.empty() && (is_space(name.front()) || name.front() == '"')) name.erase(0, 1);
      if (name.empty() || !valid_utf8(name)) return refused("the header names an empty column");
      if (!seen.insert(name).second) return refused("the header names " + shown(name) + " twice");
      if (header_.size() == kColumnsMax) return refused("more than " + std::to_string(kColumnsMax) + " columns");
      std::string key;
      Json::append_quoted(key, name);
      const auto kind = cells_.find(name);
      header_.push_back({std::move(key), kind == cells_.end() ? other_ : kind->second});
    }
    return {};
  }

  std::string row_text() const {
    if (row_bytes_ > bytes_max_) {
      return told("a row of " + std::to_string(row_bytes_) + " bytes, allowed are " + std::to_string(bytes_max_),
                  row_[0].text);
    }
    if (row_.size() != header_.size()) {
      std::string whole;
      for (const Cell& cell : row_) whole += (whole.empty() ? "" : std::string(1, delimiter_)) + cell.text;
      return told(
          "a row of " + std::to_string(row_.size()) + " values under a header of " + std::to_string(header_.size()),
          whole);
    }
    std::string out = "{";
    for (size_t i = 0; i < row_.size(); ++i) {
      const Cell& cell = row_[i];
      if (cell.text.empty() && !cell.quoted) continue;  // no value
      if (out.size() > 1) out += ',';
      out += header_[i].key + ":";
      append_cell(out, cell.text, header_[i].kind);
    }
    return out + "}";
  }

  static void append_cell(std::string& out, const std::string& text, CellKind kind) {
    const bool is_bare =
        ((kind == CellKind::number || kind == CellKind::guess) && is_json_number(text)) ||
        ((kind == CellKind::boolean || kind == CellKind::guess) && (text == "true" || text == "false")) ||
        (kind == CellKind::json && Json::parse(text).has_value() && text.find('\n') == std::string::npos);
    if (is_bare) {
      out += text;
    } else {
      Json::append_quoted(out, text);
    }
  }

  Error refused(const std::string& why) const {
    return Error(Code::invalid, "line " + std::to_string(begin_line_) + ": " + why + ", so it is no good CSV");
  }

  struct Column {
    std::string key;  // as JSON
    CellKind kind = CellKind::text;
  };
  static constexpr std::string_view kDelimiters = ",;\t|";
  const size_t bytes_max_;
  const std::map<std::string, CellKind> cells_;
  const CellKind other_;
  const TakeRecord take_;
  std::vector<Column> header_;
  std::vector<Cell> row_;
  Cell cell_;
  size_t counts_[4] = {};
  size_t row_bytes_ = 0;
  uint64_t line_ = 1, begin_line_ = 1;
  char delimiter_ = ',';
  bool in_quotes_ = false, after_quote_ = false;
};

}  // namespace

std::unique_ptr<RecordSplitter> RecordSplitter::csv(const RecordsRequest& request, TakeRecord take) {
  return std::make_unique<CsvSplitter>(request, std::move(take));
}

}  // namespace weir::lake
