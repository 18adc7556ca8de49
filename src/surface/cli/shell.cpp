#include "surface/cli/shell.h"

#include <histedit.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <set>

#include "surface/cli/output.h"

namespace weir::cli {
namespace {

constexpr int kHistoryMax = 10'000;
constexpr size_t kStatementBytesMax = 1u << 20;

constexpr const char* kKeywords[] = {"SELECT", "FROM",      "WHERE",       "GROUP BY", "ORDER BY", "HAVING", "LIMIT",
                                     "JOIN",   "LEFT JOIN", "ON",          "WITH",     "UNION",    "CASE",   "WHEN",
                                     "THEN",   "ELSE",      "END",         "AND",      "OR",       "NOT",    "NULL",
                                     "COUNT",  "DESCRIBE",  "SHOW TABLES", "EXPLAIN"};

std::set<std::string> completions(Backend& backend) {
  std::set<std::string> out(std::begin(kKeywords), std::end(kKeywords));
  auto catalog = call_json(backend, {.path = "/v1/catalog"});
  if (!catalog) return out;
  for (const Json& table : (*catalog)["tables"].array()) {
    out.insert(table["name"].as_string());
    for (const Json& column : table["columns"].array()) out.insert(column["name"].as_string());
  }
  for (const Json& function : (*catalog)["functions"].array()) out.insert(function["name"].as_string());
  return out;
}

bool same_beginning(const std::string& candidate, std::string_view typed) {
  if (candidate.size() < typed.size()) return false;
  return std::equal(typed.begin(), typed.end(), candidate.begin(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  });
}

// libedit's calls carry one pointer of ours: this.
class LineEditor {
 public:
  explicit LineEditor(std::set<std::string> words)
      : words_(std::move(words)), edit_(el_init("weir", stdin, stdout, stderr)), history_(history_init()) {
    HistEvent event;
    history(history_, &event, H_SETSIZE, kHistoryMax);
    const char* home = std::getenv("HOME");
    if (home != nullptr) {
      path_ = std::string(home) + "/.weir_history";
      history(history_, &event, H_LOAD, path_.c_str());
    }
    el_set(edit_, EL_CLIENTDATA, this);
    el_set(edit_, EL_PROMPT, &LineEditor::prompt);
    el_set(edit_, EL_EDITOR, "emacs");
    el_set(edit_, EL_HIST, history, history_);
    el_set(edit_, EL_SIGNAL, 1);
    el_set(edit_, EL_ADDFN, "weir-complete", "complete names", &LineEditor::complete);
    el_set(edit_, EL_BIND, "^I", "weir-complete", nullptr);
  }
  ~LineEditor() {
    history_end(history_);
    el_end(edit_);
  }
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // False at the end of input.
  bool read(std::string& line, bool continued) {
    continued_ = continued;
    int count = 0;
    const char* text = el_gets(edit_, &count);
    if (text == nullptr || count <= 0) return false;
    line.assign(text, static_cast<size_t>(count));
    return true;
  }
  void remember(const std::string& statement) {
    HistEvent event;
    history(history_, &event, H_ENTER, statement.c_str());
    if (path_.empty()) return;
    history(history_, &event, H_SAVE, path_.c_str());
    chmod(path_.c_str(), 0600);  // statements may hold what nobody else should read
  }

 private:
  static char* prompt(EditLine* edit) {
    LineEditor* self = nullptr;
    el_get(edit, EL_CLIENTDATA, &self);
    static char first[] = "weir> ", more[] = "  ... ";
    return self->continued_ ? more : first;
  }
  static unsigned char complete(EditLine* edit, int) {
    LineEditor* self = nullptr;
    el_get(edit, EL_CLIENTDATA, &self);
    const LineInfo* line = el_line(edit);
    const char* begin = line->cursor;
    while (begin > line->buffer && (std::isalnum(static_cast<unsigned char>(begin[-1])) || begin[-1] == '_')) --begin;
    const std::string_view typed(begin, static_cast<size_t>(line->cursor - begin));
    std::vector<std::string> found;
    for (const auto& word : self->words_) {
      if (same_beginning(word, typed)) found.push_back(word);
    }
    if (typed.empty() || found.empty()) return CC_REFRESH_BEEP;
    size_t common = found[0].size();
    for (const auto& word : found) {
      size_t same = 0;
      while (same < common && same < word.size() && std::tolower(word[same]) == std::tolower(found[0][same])) ++same;
      common = same;
    }
    if (common > typed.size() || found.size() == 1) {
      el_deletestr(edit, static_cast<int>(typed.size()));
      el_insertstr(edit, (found[0].substr(0, common) + (found.size() == 1 ? " " : "")).c_str());
      return CC_REFRESH;
    }
    std::printf("\n");
    for (size_t i = 0; i < std::min<size_t>(found.size(), 40); ++i) std::printf("%s  ", found[i].c_str());
    std::printf("\n");
    return CC_REDISPLAY;
  }

  std::set<std::string> words_;
  EditLine* edit_;
  History* history_;
  std::string path_;
  bool continued_ = false;
};

std::string trimmed(std::string text) {
  while (!text.empty() && (std::isspace(static_cast<unsigned char>(text.back())) || text.back() == ';'))
    text.pop_back();
  size_t begin = 0;
  while (begin < text.size() && std::isspace(static_cast<unsigned char>(text[begin]))) ++begin;
  return text.substr(begin);
}

int run_interactive(Context& context, Backend& backend, StatementOutput output) {
  std::printf("SELECT statements end with ;   \\q leaves, \\d lists tables, Tab completes, Ctrl-C cancels what runs\n");
  LineEditor editor(completions(backend));
  std::string pending, line;
  while (editor.read(line, !pending.empty())) {
    if (pending.empty() && trimmed(line) == "\\q") break;
    if (pending.empty() && trimmed(line) == "\\d") line = "SHOW TABLES;";
    pending += line;
    const size_t end = end_of_statement(pending);
    if (end == std::string::npos && pending.size() <= kStatementBytesMax) {
      if (trimmed(pending).empty()) pending.clear();
      continue;
    }
    const std::string statement = trimmed(pending.substr(0, end));
    pending.clear();
    if (statement.empty()) continue;
    editor.remember(statement + ";");
    (void)run_statement(context, backend, statement, output);
  }
  return kDone;
}

int run_piped(Context& context, Backend& backend, const StatementOutput& output) {
  std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  while (!trimmed(text).empty()) {
    const size_t end = std::min(end_of_statement(text), text.size());
    const std::string statement = trimmed(text.substr(0, end));
    text.erase(0, end);
    if (statement.empty()) continue;
    const int code = run_statement(context, backend, statement, output);
    if (code != kDone) return code;
  }
  return kDone;
}

}  // namespace

size_t end_of_statement(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ';') return i + 1;
    if (c == '\'' || c == '"') {
      const size_t close = text.find(c, i + 1);
      if (close == std::string_view::npos) return close;
      i = close;
    } else if (text.substr(i, 2) == "--") {
      i = text.find('\n', i);
      if (i == std::string_view::npos) return i;
    } else if (text.substr(i, 2) == "/*") {
      const size_t close = text.find("*/", i + 2);
      if (close == std::string_view::npos) return close;
      i = close + 1;
    }
  }
  return std::string_view::npos;
}

int run_shell(Context& context, Backend& backend, StatementOutput output) {
  return isatty(STDIN_FILENO) == 1 ? run_interactive(context, backend, std::move(output))
                                   : run_piped(context, backend, output);
}

}  // namespace weir::cli
