#include "analysis/review/report_charts.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>

#include "analysis/review/frame.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

constexpr int kRow = 36;       // of a bar with its name
constexpr double kLeft = 9.0;  // per cent of a trend's width, for the numbers beside it
constexpr double kWide = 89.0;
constexpr int kScoreTop = 10, kScoreHigh = 100, kStackTop = 130, kStackHigh = 60, kTrendHigh = 212;

std::string percent(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.2f%%", value);
  return out;
}

std::string pixels(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.1f", value);
  return out;
}

// Whole characters.
std::string cut(std::string_view text, size_t letters_max) {
  size_t at = 0, letters = 0;
  while (at < text.size() && letters < letters_max) {
    at += std::max<size_t>(1, utf8_sequence(text, at));
    ++letters;
  }
  return at >= text.size() ? std::string(text) : std::string(text.substr(0, at)) + "…";
}

std::string opened(const std::string& name, int high) {
  return "<svg class=\"chart\" role=\"img\" width=\"100%\" height=\"" + std::to_string(high) + "\" aria-label=\"" +
         html_escape(name) + "\">";
}

std::string text_at(const std::string& x, int y, const std::string& text, const char* style) {
  return "<text x=\"" + x + "\" y=\"" + std::to_string(y) + "\" class=\"" + style + "\">" + html_escape(text) +
         "</text>";
}

std::string line(double x1, double y1, double x2, double y2, const char* style) {
  return "<line class=\"" + std::string(style) + "\" x1=\"" + percent(x1) + "\" y1=\"" + pixels(y1) + "\" x2=\"" +
         percent(x2) + "\" y2=\"" + pixels(y2) + "\"/>";
}

std::string column(double middle, double wide, double top, double high, const char* style, const std::string& title) {
  return "<rect class=\"" + std::string(style) + "\" x=\"" + percent(middle - wide / 2) + "\" y=\"" + pixels(top) +
         "\" width=\"" + percent(wide) + "\" height=\"" + pixels(high) + "\"><title>" + html_escape(title) +
         "</title></rect>";
}

std::string day_of(const Json& point) {
  return point["started_at"].as_string().substr(0, 10);
}

std::string trend_name(const Json& trend) {
  std::string out = "Score of the last " + std::to_string(trend.array().size()) + " runs: ";
  bool is_first = true;
  for (const Json& point : trend.array()) {
    out += (is_first ? "" : ", ") + (point["score"].is_null() ? "not judged" : point["score"].dump());
    is_first = false;
  }
  const Json& last = trend.array().back();
  return out + ". In the last one " + last["red"].dump() + " signals are red and " + last["yellow"].dump() + " yellow.";
}

// --- evidence --------------------------------------------------------------------------------------------------------

std::optional<double> value_of(const Json& cell) {
  if (cell.is_number()) return cell.as_double();
  return cell.is_string() ? number_of(cell.as_string()) : std::nullopt;
}

bool is_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool names_word(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_letter(text[at - 1]);
    const size_t end = at + word.size();
    if (begins && (end == text.size() || !is_letter(text[end]))) return true;
  }
  return false;
}

bool is_of_numbers(const Json& evidence, size_t column) {
  size_t values = 0;
  for (const Json& row : evidence["rows"].array()) {
    const Json& cell = row.array()[column];
    if (cell.is_null()) continue;
    const auto value = value_of(cell);
    if (!value || *value < 0 || !std::isfinite(*value)) return false;
    values += *value > 0 ? 1 : 0;
  }
  return values > 0;
}

// Numbers that count or measure nothing.
bool is_number_of_a_thing(std::string_view column) {
  const std::string name = to_lower(column);
  for (const char* ending : {"id", "oid", "pid", "xid", "slice", "node", "port", "year"}) {
    if (name == ending || name.ends_with(std::string("_") + ending)) return true;
  }
  return name == "query" || name == "n" || name.ends_with("oid");
}

// The one that the criterion asks of, else the first that measures something.
std::optional<size_t> column_of_numbers(const Json& signal) {
  const Json& evidence = signal["evidence"];
  const auto& columns = evidence["columns"].array();
  std::optional<size_t> other;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!is_of_numbers(evidence, i)) continue;
    if (names_word(signal["criterion"].as_string(), columns[i].as_string())) return i;
    if (!other && !is_number_of_a_thing(columns[i].as_string())) other = i;
  }
  return other;
}

// The texts that tell the rows apart, as few as do; those that are the same everywhere do not. Empty if none do.
std::vector<size_t> columns_of_names(const Json& evidence, size_t number) {
  const auto& rows = evidence["rows"].array();
  std::vector<size_t> out;
  std::vector<std::string> names(rows.size());
  for (size_t i = 0; i < evidence["columns"].array().size(); ++i) {
    const bool is_text = i != number && std::all_of(rows.begin(), rows.end(), [i](const Json& row) {
                           return row.array()[i].is_string() && !row.array()[i].as_string().empty();
                         });
    if (!is_text || is_of_numbers(evidence, i)) continue;
    const auto is_like_first = [&](const Json& row) { return row.array()[i] == rows.front().array()[i]; };
    if (std::all_of(rows.begin(), rows.end(), is_like_first)) continue;
    for (size_t row = 0; row < rows.size(); ++row) names[row] += "." + rows[row].array()[i].as_string();
    out.push_back(i);
    if (std::set<std::string>(names.begin(), names.end()).size() == names.size()) return out;
  }
  return {};
}

}  // namespace

double Bar::whole() const {
  double out = 0;
  for (const BarPart& part : parts) out += part.value;
  return out;
}

std::string grouped(double number) {
  char digits[64];
  const bool is_whole = number == std::floor(number) || std::fabs(number) >= 1e6;
  std::snprintf(digits, sizeof digits, is_whole ? "%.0f" : "%.2f", number);
  std::string out = digits;
  const size_t point = std::min(out.size(), out.find('.'));
  const size_t first = out.starts_with("-") ? 1 : 0;
  for (size_t at = point; at > first + 3;) {
    at -= 3;
    out.insert(at, ",");
  }
  if (out.find('.') == std::string::npos) return out;
  while (out.ends_with('0')) out.pop_back();
  if (out.ends_with('.')) out.pop_back();
  return out;
}

std::string bars_svg(const std::string& name, const std::vector<Bar>& bars, double scale) {
  double most = scale;
  std::string said = name + ":";
  const size_t shown = std::min(bars.size(), kBarsMax);
  for (size_t i = 0; i < shown; ++i) {
    if (scale == 0) most = std::max(most, bars[i].whole());
    said += (i == 0 ? " " : ", ") + bars[i].name + " " + bars[i].label;
  }
  std::string out = opened(said, static_cast<int>(shown) * kRow);
  for (size_t i = 0; i < shown; ++i) {
    const int top = static_cast<int>(i) * kRow;
    const std::string named = cut(bars[i].name, kNameLettersMax);
    out += "<text x=\"0\" y=\"" + std::to_string(top + 14) + "\">" + html_escape(named) +
           (named == bars[i].name ? "" : "<title>" + html_escape(bars[i].name) + "</title>") + "</text>" +
           text_at("100%", top + 14, bars[i].label, "end strong");
    out +=
        "<rect class=\"f-track\" x=\"0\" y=\"" + std::to_string(top + 20) + "\" width=\"100%\" height=\"8\" rx=\"2\"/>";
    double from = 0;
    for (const BarPart& part : bars[i].parts) {
      const double wide = most > 0 ? 100 * part.value / most : 0;
      out += "<rect class=\"" + std::string(part.style) + "\" x=\"" + percent(from) + "\" y=\"" +
             std::to_string(top + 20) + "\" width=\"" + percent(wide) + "\" height=\"8\" rx=\"2\"/>";
      from += wide;
    }
  }
  return out + "</svg>";
}

std::string trend_svg(const Json& trend) {
  const auto& points = trend.array();
  const double step = kWide / static_cast<double>(points.size());
  const auto middle = [&](size_t i) { return kLeft + step * (static_cast<double>(i) + 0.5); };
  const auto high = [](const Json& point) { return kScoreTop + kScoreHigh * (1 - point["score"].as_double() / 100); };
  int64_t most = 1;
  for (const Json& point : points) most = std::max(most, point["red"].as_int() + point["yellow"].as_int());
  std::string out = opened(trend_name(trend), kTrendHigh);
  for (const int score : {0, 50, 100}) {
    const int y = kScoreTop + kScoreHigh - kScoreHigh * score / 100;
    out += line(kLeft, y, kLeft + kWide, y, "s-grid") + text_at("7%", y + 4, std::to_string(score), "end dim");
  }
  out += line(kLeft, kStackTop + kStackHigh, kLeft + kWide, kStackTop + kStackHigh, "s-grid");
  out += text_at("7%", kStackTop + 9, std::to_string(most), "end dim");
  std::string dots;
  for (size_t i = 0; i < points.size(); ++i) {
    const Json& point = points[i];
    const std::string day = day_of(point);
    const bool is_judged = !point["score"].is_null();
    if (i > 0 && is_judged && !points[i - 1]["score"].is_null())
      out += line(middle(i - 1), high(points[i - 1]), middle(i), high(point), "s-score");
    if (is_judged) {
      dots += "<circle class=\"f-score\" r=\"3.5\" cx=\"" + percent(middle(i)) + "\" cy=\"" + pixels(high(point)) +
              "\"><title>" + day + ": score " + point["score"].dump() + "</title></circle>";
    }
    const double unit = static_cast<double>(kStackHigh) / static_cast<double>(most);
    const double red = unit * static_cast<double>(point["red"].as_int());
    const double yellow = unit * static_cast<double>(point["yellow"].as_int());
    const double bottom = kStackTop + kStackHigh, wide = std::min(step * 0.7, 6.0);
    if (red > 0) out += column(middle(i), wide, bottom - red, red, "f-red", day + ": " + point["red"].dump() + " red");
    if (yellow > 0) {
      out += column(middle(i), wide, bottom - red - yellow, yellow, "f-yellow",
                    day + ": " + point["yellow"].dump() + " yellow");
    }
  }
  out += dots + text_at(percent(kLeft), kTrendHigh - 4, day_of(points.front()), "dim") +
         text_at(percent(kLeft + kWide), kTrendHigh - 4, day_of(points.back()), "end dim");
  return out + "</svg>";
}

std::string evidence_svg(const Json& signal) {
  const Json& evidence = signal["evidence"];
  if (evidence["rows"].array().size() < 2) return "";
  const auto number = column_of_numbers(signal);
  if (!number) return "";
  const std::vector<size_t> names = columns_of_names(evidence, *number);
  if (names.empty()) return "";
  std::vector<Bar> bars;
  for (const Json& row : evidence["rows"].array()) {
    const double value = value_of(row.array()[*number]).value_or(0);
    std::string name;
    for (const size_t column : names) name += (name.empty() ? "" : ".") + row.array()[column].as_string();
    bars.push_back({std::move(name), grouped(value), {{value, "f-score"}}});
  }
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.whole() > b.whole(); });
  if (bars.front().whole() == bars.back().whole()) return "";  // nothing to see
  const std::string& column = evidence["columns"].array()[*number].as_string();
  std::string out = "<figure><figcaption>" + html_escape(column);
  if (bars.size() > kBarsMax) out += ", the " + std::to_string(kBarsMax) + " largest";
  return out + "</figcaption>" + bars_svg(column, bars) + "</figure>";
}

}  // namespace weir::review
