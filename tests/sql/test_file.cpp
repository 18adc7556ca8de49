#include "test_file.h"

#include <sstream>

namespace weir::sql_test {
namespace {

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> all;
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

// name:type or name:decimal(P,S), then |FORMER for each former name, then =TEXT for what older rows read as
Result<engine::Column> parse_column(const std::string& word) {
  const size_t colon = word.find(':');
  if (colon == std::string::npos) return Error(Code::invalid, "a column is name:type, found " + word);
  engine::Column column{.name = word.substr(0, colon)};
  std::string type = word.substr(colon + 1);
  if (const size_t equals = type.find('='); equals != std::string::npos) {
    column.missing = type.substr(equals + 1);
    type.resize(equals);
  }
  for (size_t bar; (bar = type.rfind('|')) != std::string::npos; type.resize(bar)) {
    column.former.insert(column.former.begin(), type.substr(bar + 1));
  }
  if (const size_t bracket = type.find('('); bracket != std::string::npos) {
    if (std::sscanf(type.c_str() + bracket, "(%d,%d)", &column.precision, &column.scale) != 2) {
      return Error(Code::invalid, "a decimal is decimal(P,S), found " + type);
    }
    type.resize(bracket);
  }
  TRY_ASSIGN(column.type, engine::parse_column_type(type));
  return column;
}

class Reader {
 public:
  Reader(const std::string& path, const std::string& text) : path_(path) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      lines_.push_back(line);
    }
  }

  Result<std::vector<Record>> all() {
    std::vector<Record> records;
    while (at_ < lines_.size()) {
      if (lines_[at_].empty() || lines_[at_][0] == '#') {
        ++at_;
        continue;
      }
      Record record;
      while (at_ < lines_.size() && (lines_[at_].starts_with("skipif ") || lines_[at_].starts_with("onlyif "))) {
        const bool names_us = words(lines_[at_]).at(1) == "weir";
        record.is_skipped = record.is_skipped || names_us == lines_[at_].starts_with("skipif ");
        ++at_;
      }
      if (!in_block()) return Error(Code::invalid, path_ + ": a condition stands before its record");
      record.line = static_cast<int>(at_) + 1;
      if (auto read = one(record); !read) return read.error().at({.file = path_, .line = record.line, .column = 1});
      records.push_back(std::move(record));
    }
    return records;
  }

 private:
  // A block ends at an empty line.
  bool in_block() const { return at_ < lines_.size() && !lines_[at_].empty(); }

  Status one(Record& record) {
    const std::vector<std::string> head = words(lines_[at_++]);
    if (head[0] == "weir") return directive(record, head);
    if (head[0] == "user") {
      return Error(Code::unsupported, "an engine by itself has no users",
                   "the file belongs into redshift/ or postgres/");
    }
    if (head[0] == "statement" && head.size() >= 2) {
      record.kind = Kind::statement;
      if (head[1] == "error")
        record.error_code = head.size() > 2 ? head[2] : "invalid";
      else if (head[1] != "ok")
        return Error(Code::invalid, "a statement is ok or error CODE");
      return body(record);
    }
    if (head[0] == "query" && head.size() >= 2) {
      record.kind = Kind::query;
      record.types = head[1];
      record.sort = head.size() > 2 ? head[2] : "nosort";
      return body(record);
    }
    return Error(Code::invalid, "unknown record \"" + head[0] + "\"");
  }

  // [params JSON], SQL, then ---- and what is expected.
  Status body(Record& record) {
    if (in_block() && lines_[at_].starts_with("params ")) record.parameters = lines_[at_++].substr(7);
    while (in_block() && lines_[at_] != "----") record.sql += (record.sql.empty() ? "" : "\n") + lines_[at_++];
    if (in_block()) ++at_;
    while (in_block()) record.expected.push_back(lines_[at_++]);
    if (record.sql.empty()) return Error(Code::invalid, "there is no SQL");
    return {};
  }

  Status directive(Record& record, const std::vector<std::string>& head) {
    const std::string what = head.size() > 1 ? head[1] : "";
    if (what == "publish")
      record.kind = Kind::publish;
    else if (what == "own")
      record.kind = Kind::own;
    else if (what == "table")
      record.kind = Kind::table;
    else if (what == "file")
      record.kind = Kind::file;
    else if (what == "tail")
      record.kind = Kind::tail;
    else
      return Error(Code::invalid, "unknown directive weir " + what);
    if (record.kind == Kind::publish) return {};
    if (record.kind == Kind::own) return body(record);
    if (head.size() < 3) return Error(Code::invalid, "weir " + what + " needs a table");
    record.table = head[2];
    for (size_t i = 3; i < head.size(); ++i) record.partition_values.push_back(head[i].substr(head[i].find('=') + 1));
    while (in_block() && (lines_[at_].starts_with("columns ") || lines_[at_].starts_with("partition "))) {
      const std::vector<std::string> list = words(lines_[at_++]);
      for (size_t i = 1; i < list.size(); ++i) {
        TRY_ASSIGN(engine::Column column, parse_column(list[i]));
        (list[0] == "columns" ? record.columns : record.partition).push_back(std::move(column));
      }
    }
    if (record.kind == Kind::table) return {};
    return body(record);
  }

  std::string path_;
  std::vector<std::string> lines_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<Record>> parse_test_file(const std::string& path, const std::string& text) {
  return Reader(path, text).all();
}

}  // namespace weir::sql_test
