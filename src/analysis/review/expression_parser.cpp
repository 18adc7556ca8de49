#include <algorithm>
#include <cctype>

#include "analysis/review/expression_node.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

using Node = Expression::Node;
using Kind = Node::Kind;

struct Token {
  enum class Kind { end, name, text, number, sign };
  Kind kind = Kind::end;
  std::string text = {};  // sign: the sign; name: without backticks
  size_t at = 0;
  bool is_quoted = false;  // a name that is no word of the language
};

Error wrong_at(std::string_view text, size_t at, std::string message, std::string hint = {}) {
  Error out(Code::invalid, std::move(message), std::move(hint));
  Position place;
  place.line = 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n'));
  const size_t line_start = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  place.column = 1 + static_cast<int>(at - line_start);
  return out.at(std::move(place));
}

bool begins_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool continues_name(char c) {
  return begins_name(c) || is_digit(c) || c == '$';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  Result<std::vector<Token>> scan() {
    std::vector<Token> out;
    while (true) {
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      if (at_ == text_.size()) break;
      TRY_ASSIGN(Token token, next());
      out.push_back(std::move(token));
    }
    out.push_back({.at = at_});
    return out;
  }

 private:
  Result<Token> next() {
    const char c = text_[at_];
    if (c == '\'' || c == '"' || c == '`') return quoted(c);
    const bool is_fraction = c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
    if (is_digit(c) || is_fraction) return number();
    if (begins_name(c)) {
      Token out{Token::Kind::name, {}, at_};
      while (at_ < text_.size() && continues_name(text_[at_])) out.text += text_[at_++];
      return out;
    }
    for (const char* sign : {"**", "//", "==", "!=", "<>", "<=", ">=", "||", "&&"}) {
      if (text_.substr(at_, 2) != sign) continue;
      at_ += 2;
      return Token{Token::Kind::sign, sign, at_ - 2};
    }
    if (std::string_view("+-*/%<>=()[],.&|~!").find(c) != std::string_view::npos) {
      return Token{Token::Kind::sign, std::string(1, c), at_++};
    }
    return wrong_at(text_, at_, shown(text_.substr(at_, 1)) + " has no meaning here");
  }

  // A quote is doubled, as in SQL, or has a backslash before it, as in Python.
  Result<Token> quoted(char quote) {
    Token out{quote == '`' ? Token::Kind::name : Token::Kind::text, {}, at_, true};
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      const bool has_next = at_ + 1 < text_.size();
      const char after = has_next ? text_[at_ + 1] : ' ';
      const bool is_doubled = c == quote && after == quote && has_next;
      if (is_doubled || (c == '\\' && has_next && (after == quote || after == '\\'))) {
        out.text += text_[++at_];
      } else if (c == quote) {
        ++at_;
        return out;
      } else {
        out.text += c;
      }
    }
    return wrong_at(text_, out.at, std::string("the ") + quote + " that opens here is not closed");
  }

  Result<Token> number() {
    const size_t begin = at_;
    const auto digits = [&] {
      while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    };
    digits();
    if (at_ < text_.size() && text_[at_] == '.') ++at_;
    digits();
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      size_t after = at_ + 1;
      if (after < text_.size() && (text_[after] == '-' || text_[after] == '+')) ++after;
      if (after < text_.size() && is_digit(text_[after])) {
        at_ = after;
        digits();
      }
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (!number_of(word) || (at_ < text_.size() && continues_name(text_[at_]))) {
      return wrong_at(text_, begin, shown(text_.substr(begin, at_ - begin + 1)) + " is no number");
    }
    return Token{Token::Kind::number, std::string(word), begin};
  }

  const std::string_view text_;
  size_t at_ = 0;
};

class Parser {
 public:
  Parser(std::string_view text, std::vector<Token> tokens, bool begins_with_value)
      : text_(text), tokens_(std::move(tokens)), begins_with_value_(begins_with_value) {}

  Result<ParsedExpression> parse() {
    TRY_ASSIGN(NodePointer root, either());
    if (peek().kind != Token::Kind::end) return unexpected("an operator, as and, or, > …");
    return ParsedExpression{std::move(root), std::move(columns_)};
  }

 private:
  const Token& peek(size_t ahead = 0) const { return tokens_[std::min(next_ + ahead, tokens_.size() - 1)]; }
  bool is_sign(std::string_view sign, size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::sign && peek(ahead).text == sign;
  }
  bool is_word(std::string_view word, size_t ahead = 0) const {
    const Token& token = peek(ahead);
    return token.kind == Token::Kind::name && !token.is_quoted && to_lower(token.text) == word;
  }
  bool take_sign(std::string_view sign) {
    if (!is_sign(sign)) return false;
    ++next_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!is_word(word)) return false;
    ++next_;
    return true;
  }
  Status expect(std::string_view sign) {
    if (take_sign(sign)) return {};
    return unexpected("'" + std::string(sign) + "'");
  }
  Error wrong(size_t at, std::string message, std::string hint = {}) const {
    return wrong_at(text_, at, std::move(message), std::move(hint));
  }
  Error unexpected(const std::string& wanted) const {
    const Token& token = peek();
    const std::string found = token.kind == Token::Kind::end ? "the end" : shown(token.text);
    return wrong(token.at, "found " + found + " where " + wanted + " was expected");
  }
  static NodePointer made(Node node) { return std::make_shared<const Node>(std::move(node)); }

  // Every way down passes here.
  class Level {
   public:
    explicit Level(int& depth) : depth_(++depth) {}
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    bool is_too_deep() const { return depth_ > kExpressionDepthMax; }

   private:
    int& depth_;
  };

  Result<NodePointer> either() {
    const Level level(depth_);
    if (level.is_too_deep()) {
      return wrong(peek().at, "nested deeper than " + std::to_string(kExpressionDepthMax) + " levels");
    }
    Node out{.kind = Kind::or_, .at = peek().at};
    do {
      TRY_ASSIGN(NodePointer part, both());
      out.children.push_back(std::move(part));
    } while (take_word("or") || take_sign("|"));
    return out.children.size() == 1 ? out.children[0] : made(std::move(out));
  }

  Result<NodePointer> both() {
    Node out{.kind = Kind::and_, .at = peek().at};
    do {
      TRY_ASSIGN(NodePointer part, negated());
      out.children.push_back(std::move(part));
    } while (take_word("and") || take_sign("&") || take_sign("&&"));
    return out.children.size() == 1 ? out.children[0] : made(std::move(out));
  }

  Result<NodePointer> negated() {
    const size_t at = peek().at;
    if (!take_word("not") && !take_sign("~") && !take_sign("!")) return compared();
    const Level level(depth_);
    if (level.is_too_deep()) return wrong(at, "too many nots");
    TRY_ASSIGN(NodePointer inner, negated());
    return made({.kind = Kind::not_, .children = {std::move(inner)}, .at = at});
  }

  Result<NodePointer> compared() {
    const size_t at = peek().at;
    TRY_ASSIGN(NodePointer first, sum());
    if (is_word("in") || (is_word("not") && is_word("in", 1))) {
      const bool is_not = take_word("not");
      ++next_;
      return negated_if(is_not, list(Kind::in, std::move(first), {}), at);
    }
    if (take_word("is")) {
      const bool is_not = take_word("not");
      if (!take_word("null") && !take_word("none") && !take_word("nan")) return unexpected("null");
      return negated_if(is_not, made({.kind = Kind::is_null, .children = {std::move(first)}, .at = at}), at);
    }
    Node out{.kind = Kind::compare, .children = {std::move(first)}, .at = at};
    while (true) {
      static constexpr const char* kSigns[] = {"==", "=", "!=", "<>", "<=", ">=", "<", ">"};
      const auto sign =
          std::find_if(std::begin(kSigns), std::end(kSigns), [&](const char* one) { return is_sign(one); });
      if (sign == std::end(kSigns)) break;
      ++next_;
      TRY_ASSIGN(NodePointer other, sum());
      const std::string_view word = *sign;
      out.operators.emplace_back(word == "=" ? "==" : word == "<>" ? "!=" : word);
      out.children.push_back(std::move(other));
    }
    return out.operators.empty() ? out.children[0] : made(std::move(out));
  }

  static Result<NodePointer> negated_if(bool is_not, Result<NodePointer> inner, size_t at) {
    if (!inner || !is_not) return inner;
    return made({.kind = Kind::not_, .children = {std::move(*inner)}, .at = at});
  }

  // ( a, b ) or [ a, b ] behind what `node` begins with.
  Result<NodePointer> list(Kind kind, NodePointer first, std::string word) {
    Node out{.kind = kind, .word = std::move(word), .children = {std::move(first)}, .at = peek().at};
    const char* close = is_sign("[") ? "]" : ")";
    if (!take_sign("[")) {
      TRY(expect("("));
    }
    do {
      TRY_ASSIGN(NodePointer item, sum());
      out.children.push_back(std::move(item));
    } while (take_sign(","));
    TRY(expect(close));
    return made(std::move(out));
  }

  Result<NodePointer> sum() { return chain({"+", "-"}, &Parser::product); }
  Result<NodePointer> product() { return chain({"*", "/", "//", "%"}, &Parser::unary); }

  Result<NodePointer> chain(const std::vector<const char*>& signs, Result<NodePointer> (Parser::*part)()) {
    TRY_ASSIGN(NodePointer left, (this->*part)());
    size_t links = 0;
    while (true) {
      const auto sign = std::find_if(signs.begin(), signs.end(), [&](const char* one) { return is_sign(one); });
      if (sign == signs.end()) return left;
      const size_t at = peek().at;
      if (++links > kLinksMax) return wrong(at, "more than " + std::to_string(kLinksMax) + " operators in a row");
      ++next_;
      TRY_ASSIGN(NodePointer right, (this->*part)());
      left = made({.kind = Kind::compute, .word = *sign, .children = {std::move(left), std::move(right)}, .at = at});
    }
  }

  Result<NodePointer> unary() {
    const size_t at = peek().at;
    if (is_first_ && begins_with_value_) return power();
    const Level level(depth_);
    if (level.is_too_deep()) return wrong(at, "nested too deep");
    if (take_sign("+")) return unary();
    if (!take_sign("-")) return power();
    TRY_ASSIGN(NodePointer inner, unary());
    return made({.kind = Kind::negate, .children = {std::move(inner)}, .at = at});
  }

  Result<NodePointer> power() {
    TRY_ASSIGN(NodePointer base, dotted());
    const size_t at = peek().at;
    if (!take_sign("**")) return base;
    TRY_ASSIGN(NodePointer exponent, unary());
    return made({.kind = Kind::compute, .word = "**", .children = {std::move(base), std::move(exponent)}, .at = at});
  }

  Result<NodePointer> dotted() {
    TRY_ASSIGN(NodePointer out, primary());
    while (take_sign(".")) {
      TRY_ASSIGN(out, method(std::move(out)));
    }
    return out;
  }

  Result<NodePointer> method(NodePointer of) {
    bool is_text = false;
    if (is_word("str") && is_sign(".", 1)) {
      next_ += 2;
      is_text = true;
    }
    const Token name = peek();
    if (name.kind != Token::Kind::name) return unexpected("the name of a method");
    ++next_;
    static const std::vector<std::string> kTexts = {"startswith", "endswith", "contains", "lower",
                                                    "upper",      "strip",    "len"};
    static const std::vector<std::string> kAll = {"isnull", "isna", "notnull", "notna", "isin", "between", "abs"};
    static const std::vector<std::string> kAggregates = {"sum", "mean", "min", "max", "count", "nunique", "median"};
    const auto is_in = [&](const auto& words) {
      return std::find(words.begin(), words.end(), name.text) != words.end();
    };
    if (is_text ? !is_in(kTexts) : !is_in(kAll) && !is_in(kAggregates)) {
      std::vector<std::string> known = is_text ? kTexts : kAll;
      if (!is_text) known.insert(known.end(), kAggregates.begin(), kAggregates.end());
      return wrong(name.at, std::string(is_text ? "str." : "") + name.text + " is not known here",
                   did_you_mean(name.text, known));
    }
    if (name.text == "isin") return list_in_parentheses(std::move(of), name);
    const bool is_aggregate = !is_text && is_in(kAggregates);
    if (is_aggregate && of->kind != Kind::column) {
      return wrong(name.at, name.text + "() is of a column", "for example size.mean()");
    }
    Node out{.kind = is_aggregate ? Kind::aggregate : Kind::method, .word = name.text, .children = {of}, .at = name.at};
    TRY(arguments(out));
    return finished(std::move(out));
  }

  Result<NodePointer> list_in_parentheses(NodePointer of, const Token& name) {
    TRY(expect("("));
    if (!is_sign("[")) return wrong(name.at, "isin() takes a list", "isin(['a', 'b'])");
    TRY_ASSIGN(NodePointer out, list(Kind::in, std::move(of), {}));
    TRY(expect(")"));
    return out;
  }

  // ( a, b, case=False ). Of the named ones only those are taken that change nothing or that we do.
  Status arguments(Node& of) {
    TRY(expect("("));
    if (take_sign(")")) return {};
    do {
      if (peek().kind == Token::Kind::name && is_sign("=", 1)) {
        TRY(named_argument(of));
        continue;
      }
      TRY_ASSIGN(NodePointer argument, sum());
      of.children.push_back(std::move(argument));
    } while (take_sign(","));
    return expect(")");
  }

  Status named_argument(Node& of) {
    const Token name = peek();
    next_ += 2;
    if (of.word == "contains" && name.text == "case" && is_word("false")) {
      of.operators.emplace_back("case");
    } else if (of.word == "contains" && name.text == "regex" && is_word("false")) {
      of.operators.emplace_back("literal");
    } else if (name.text != "na" || !is_word("false")) {
      return wrong(name.at, "the argument " + shown(name.text) + " is not known here",
                   of.word == "contains" ? "case=False, regex=False, na=False" : "");
    }
    ++next_;
    return {};
  }

  Result<NodePointer> finished(Node node) const {
    const size_t given = node.children.size() - 1;
    const std::string& word = node.word;
    const bool takes_text = word == "startswith" || word == "endswith" || word == "contains";
    const size_t wanted = takes_text ? 1 : word == "between" ? 2 : 0;
    if (given != wanted) {
      return wrong(node.at,
                   word + "() takes " + std::to_string(wanted) + " arguments, given are " + std::to_string(given));
    }
    if (takes_text) {
      const auto* text = std::get_if<std::string>(&node.children[1]->value);
      if (node.children[1]->kind != Kind::value || text == nullptr) {
        return wrong(node.at, word + "() takes a text in quotes");
      }
      const bool is_literal = std::count(node.operators.begin(), node.operators.end(), "literal") != 0;
      if (word == "contains" && !is_literal && text->find_first_of("\\^$.*+?()[]{}") != std::string::npos) {
        return wrong(node.at, shown(*text) + " is a pattern: only texts, and alternatives between |, are looked for",
                     "to look for it as it is written say contains(…, regex=False)");
      }
    }
    return made(std::move(node));
  }

  Result<NodePointer> primary() {
    const Token token = peek();
    if (is_first_) {
      is_first_ = false;
      if (begins_with_value_) return made({.kind = Kind::given, .at = token.at});
    }
    switch (token.kind) {
      case Token::Kind::number: {
        ++next_;
        const bool is_whole = token.text.find_first_not_of("0123456789") == std::string::npos && token.text.size() < 19;
        return made({.value = is_whole ? engine::Cell(static_cast<int64_t>(std::stoll(token.text)))
                                       : engine::Cell(*number_of(token.text)),
                     .at = token.at});
      }
      case Token::Kind::text:
        ++next_;
        return made({.value = token.text, .at = token.at});
      case Token::Kind::name:
        return name();
      case Token::Kind::sign:
        if (take_sign("(")) {
          TRY_ASSIGN(NodePointer inner, either());
          TRY(expect(")"));
          return inner;
        }
        break;
      case Token::Kind::end:
        break;
    }
    return unexpected("a column, a value or (");
  }

  Result<NodePointer> name() {
    const Token token = peek();
    if (!token.is_quoted) {
      if (take_word("true")) return made({.value = true, .at = token.at});
      if (take_word("false")) return made({.value = false, .at = token.at});
      if (take_word("null") || take_word("none") || take_word("nan")) return made({.at = token.at});
      for (const char* word : {"and", "or", "not", "in", "is"}) {
        if (is_word(word)) return unexpected("a column or a value");
      }
      if (is_sign("(", 1)) return wrong(token.at, "there is no function " + shown(token.text) + " here");
    }
    ++next_;
    columns_.insert(token.text);
    return made({.kind = Kind::column, .word = token.text, .at = token.at});
  }

  static constexpr size_t kLinksMax = 256;
  const std::string_view text_;
  const std::vector<Token> tokens_;
  const bool begins_with_value_;
  bool is_first_ = true;  // nothing was read yet
  size_t next_ = 0;
  int depth_ = 0;
  std::set<std::string> columns_;
};

}  // namespace

Result<ParsedExpression> parse_expression(std::string_view text, bool begins_with_value) {
  if (text.size() > kExpressionBytesMax) {
    return Error(Code::too_large, "a condition of " + std::to_string(text.size()) + " bytes, allowed are " +
                                      std::to_string(kExpressionBytesMax));
  }
  TRY_ASSIGN(std::vector<Token> tokens, Scanner(text).scan());
  return Parser(text, std::move(tokens), begins_with_value).parse();
}

}  // namespace weir::review
