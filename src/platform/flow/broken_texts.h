// A good text with a few random mistakes of typing, for tests: what is answered must be an error or a value that keeps.
#pragma once

#include <random>
#include <string>

namespace weir::flow {

inline std::string broken_text(std::string text, std::mt19937& random) {
  const std::string signs = "-:{}[]\n ,'\"#|ab1${}/\xFF";
  for (auto n = 1 + random() % 4; n > 0; --n) {
    const auto at = random() % text.size();
    switch (random() % 4) {
      case 0:
        text.erase(at, 1 + random() % 8);
        break;
      case 1:
        text.insert(at, 1, signs[random() % signs.size()]);
        break;
      case 2:
        text[at] = signs[random() % signs.size()];
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 30));
    }
    if (text.empty()) text = "-";
  }
  return text;
}

}  // namespace weir::flow
