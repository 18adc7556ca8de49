// Charts of a report as inline SVG: as wide as their place, without a script, in the page's colours (classes of
// report_style.h), each with a name that says what it shows. Pure; any thread. Internal to the room.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"

namespace weir::review {

inline constexpr size_t kBarsMax = 10;
inline constexpr size_t kNameLettersMax = 38;  // what a phone has room for

struct BarPart {
  double value = 0;
  const char* style = "";  // a class: "f-red"
};
struct Bar {
  std::string name;
  std::string label;  // the value as people read it
  std::vector<BarPart> parts;
  double whole() const;
};
// Horizontal bars, each below its name. `scale`: what a full bar stands for; 0: the longest.
std::string bars_svg(const std::string& name, const std::vector<Bar>& bars, double scale = 0);
// The score as a line, red and yellow as stacked columns below it, a run a column. `trend`: compare.h, at least two.
std::string trend_svg(const Json& trend);
// A signal's evidence as bars: its number by its name, largest first. Empty if there are no two rows with a name and a
// number that is worth a look.
std::string evidence_svg(const Json& signal);

std::string grouped(double number);  // "1,234.5"; whole from a million on

}  // namespace weir::review
