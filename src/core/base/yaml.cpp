// The parser's half of yaml.h: the only file that sees yaml-cpp. Its events are turned into our nodes one by one, so
// that limits hold while it reads and not after.
#include "core/base/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

#include "core/base/text.h"

namespace weir {
namespace {

constexpr size_t kBytesMax = 1u << 20;
constexpr size_t kDepthMax = 32;
constexpr size_t kNodesMax = 100'000;
constexpr size_t kAliasNodesMax = 10'000;

// Leaves yaml-cpp's parser through its frames; caught in parse_yaml and nowhere else.
struct Refused {
  Error error;
};

size_t count_nodes(const Yaml& node) {
  size_t total = 1;
  for (const Yaml& item : node.items) total += count_nodes(item);
  for (const YamlEntry& entry : node.entries) total += count_nodes(entry.value);
  return total;
}

class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const YamlSource& source) : source_(source) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (document_seen_)
      refuse(mark, Code::invalid, "a second document begins here, one file holds one", "remove the ---");
    document_seen_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    complete(new_node(mark, Yaml::Kind::null), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, Code::invalid, "this alias stands inside of what it names");
    spend_on_aliases(mark, found->second);
    complete(found->second, 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    Yaml node = new_node(mark, Yaml::Kind::scalar);
    node.quoted = tag == "!";
    node.text = value;
    node.written = value;
    complete(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Yaml::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Yaml::Kind::mapping);
  }
  void OnMapEnd() override { close(); }

  Position position(const YAML::Mark& mark) const {
    if (mark.is_null()) return {source_.file, source_.first_line, 1};
    return {source_.file, mark.line + source_.first_line, mark.column + 1};
  }

  Yaml root;

 private:
  struct Open {
    Yaml node;
    YAML::anchor_t anchor = 0;
    bool key_waits = false;  // a mapping's key was read, its value comes next
    std::map<std::string, Position> keys;
  };

  [[noreturn]] void refuse(const Position& at, Code code, std::string message, std::string hint = {}) const {
    throw Refused{std::move(Error(code, std::move(message), std::move(hint)).at(at))};
  }
  [[noreturn]] void refuse(const YAML::Mark& mark, Code code, std::string message, std::string hint = {}) const {
    refuse(position(mark), code, std::move(message), std::move(hint));
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    refuse(mark, Code::unsupported, "the tag " + shown(tag) + " is not understood",
           "the field's type decides; remove the tag");
  }
  Yaml new_node(const YAML::Mark& mark, Yaml::Kind kind) {
    if (++nodes_ > kNodesMax) {
      refuse(mark, Code::too_large, "the file has more than " + std::to_string(kNodesMax) + " values");
    }
    Yaml node;
    node.kind = kind;
    node.at = position(mark);
    return node;
  }
  void spend_on_aliases(const YAML::Mark& mark, const Yaml& node) {
    alias_nodes_ += count_nodes(node);
    if (alias_nodes_ > kAliasNodesMax) {
      refuse(mark, Code::too_large, "aliases expand to more than " + std::to_string(kAliasNodesMax) + " values",
             "write the values out, or fewer of them");
    }
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Yaml::Kind kind) {
    refuse_tag(mark, tag);
    if (open_.size() >= kDepthMax) {
      refuse(mark, Code::too_large, "nested deeper than " + std::to_string(kDepthMax) + " levels");
    }
    Yaml node = new_node(mark, kind);
    open_.emplace_back();
    open_.back().node = std::move(node);
    open_.back().anchor = anchor;
  }
  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    complete(std::move(done.node), done.anchor);
  }
  void complete(Yaml node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      spend_on_aliases_of_anchor(node);
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.is_sequence()) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key_waits) {
      YamlEntry& entry = parent.node.entries.back();
      if (node.is_null()) node.at = entry.key_at;  // an absent value would lie on the next line
      entry.value = std::move(node);
      parent.key_waits = false;
    } else {
      take_key(parent, node);
    }
  }
  // An anchor keeps a copy, so nested anchors would multiply memory without a single alias.
  void spend_on_aliases_of_anchor(const Yaml& node) {
    alias_nodes_ += count_nodes(node);
    if (alias_nodes_ > kAliasNodesMax) {
      refuse(node.at, Code::too_large, "anchors hold more than " + std::to_string(kAliasNodesMax) + " values");
    }
  }
  void take_key(Open& mapping, const Yaml& key) const {
    if (!key.is_scalar()) refuse(key.at, Code::invalid, "a key must be text, this is " + key.described());
    if (key.text == "<<" && !key.quoted) {
      refuse(key.at, Code::unsupported, "merge keys (<<) are not understood",
             "repeat the keys, or use an alias as a value");
    }
    auto [earlier, is_new] = mapping.keys.emplace(key.text, key.at);
    if (!is_new) {
      refuse(key.at, Code::invalid,
             "the key " + shown(key.text) + " appears twice, first in line " + std::to_string(earlier->second.line) +
                 ", column " + std::to_string(earlier->second.column),
             "remove one of them");
    }
    mapping.node.entries.push_back({key.text, key.at, Yaml{}});
    mapping.key_waits = true;
  }

  const YamlSource& source_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Yaml> anchors_;
  size_t nodes_ = 0;
  size_t alias_nodes_ = 0;
  bool document_seen_ = false;
};

Position position_of(std::string_view text, size_t offset, const YamlSource& source) {
  Position where{source.file, source.first_line, 1};
  for (size_t i = 0; i < offset; ++i) {
    ++where.column;
    if (text[i] == '\n') {
      ++where.line;
      where.column = 1;
    }
  }
  return where;
}

// Checked before the parser sees them: it would guess at other encodings.
Status check_bytes(std::string_view text, const YamlSource& source) {
  if (text.size() > kBytesMax) {
    return Error(Code::too_large,
                 "the file has " + std::to_string(text.size()) + " bytes, allowed are " + std::to_string(kBytesMax))
        .at({source.file, 0, 0});
  }
  for (size_t at = 0; at < text.size();) {
    size_t length = utf8_sequence(text, at);
    auto c = static_cast<unsigned char>(text[at]);
    bool control = (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
    if (length == 0 || control) {
      return Error(Code::invalid, std::string(length == 0 ? "a byte that is not UTF-8" : "a control character") + ": " +
                                      shown(text.substr(at, 1)))
          .at(position_of(text, at, source));
    }
    at += length;
  }
  return {};
}

// The tab that indents the line of `mark`, or the one before it: the parser complains about what follows from it.
std::optional<Error> indenting_tab(std::string_view text, const YAML::Mark& mark, const YamlSource& source) {
  size_t begin = 0;
  for (int line = 0; line <= mark.line && begin < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view indent = text.substr(begin, text.find_first_not_of(" \t", begin) - begin);
    const size_t tab = indent.find('\t');
    if (line + 1 >= mark.line && tab < indent.size() && begin + indent.size() < end) {
      return Error(Code::invalid, "not YAML: a line is indented by a tab", "YAML indents with spaces")
          .at(position_of(text, begin + tab, source));
    }
    begin = end + 1;
  }
  return std::nullopt;
}

}  // namespace

Result<Yaml> parse_yaml(std::string_view text, const YamlSource& source) {
  TRY(check_bytes(text, source));
  Builder builder(source);
  try {
    // A comment is put at the end because the parser takes a quote that is still open there for closed, if the last
    // character is a line break; with the comment it says so.
    bool line_is_open = !text.empty() && text.back() != '\n';
    std::istringstream stream{std::string(text) + (line_is_open ? "\n#" : "#")};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    return refused.error;
  } catch (const YAML::Exception& failure) {
    if (auto tab = indenting_tab(text, failure.mark, source)) return *tab;
    if (failure.msg == "end of map not found") {
      return Error(Code::invalid, "not YAML: this line is not indented like the keys above it",
                   "the keys of one mapping begin in the same column")
          .at(builder.position(failure.mark));
    }
    bool quote_open = failure.msg == "illegal EOF in scalar";
    return Error(Code::invalid, "not YAML: " + (quote_open ? "a quote is opened and never closed" : failure.msg))
        .at(builder.position(failure.mark));
  } catch (const std::exception& failure) {
    return Error(Code::internal, std::string("the YAML reader failed: ") + failure.what()).at({source.file, 0, 0});
  }
  if (builder.root.at.line == 0) builder.root.at = {source.file, source.first_line, 1};
  return std::move(builder.root);
}

}  // namespace weir
