#include "bench/options.h"

#include <cstdlib>

#include "bench/process.h"

namespace weir::bench {

Options::Options(int argc, char** argv, const std::vector<std::string>& own) {
  std::vector<std::string> known = {"--quick", "--weir PATH", "--dir FOLDER", "--data FOLDER"};
  known.insert(known.end(), own.begin(), own.end());
  std::map<std::string, bool> takes_value;
  std::string all;
  for (const std::string& one : known) {
    const size_t space = one.find(' ');
    takes_value[one.substr(0, space)] = space != std::string::npos;
    all += " " + one;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto found = takes_value.find(option);
    if (found == takes_value.end()) give_up("unknown option " + option + "; known:" + all);
    if (found->second && i + 1 == argc) give_up(option + " wants a value; known:" + all);
    given_[option] = found->second ? argv[++i] : "";
  }
}

std::string Options::text(const std::string& option, const std::string& otherwise) const {
  const auto found = given_.find(option);
  return found == given_.end() ? otherwise : found->second;
}

double Options::number(const std::string& option, double otherwise) const {
  const auto found = given_.find(option);
  if (found == given_.end()) return otherwise;
  char* end = nullptr;
  const double out = std::strtod(found->second.c_str(), &end);
  if (found->second.empty() || *end != '\0') give_up(option + " is " + found->second + ", expected a number");
  return out;
}

uint64_t Options::whole(const std::string& option, uint64_t otherwise) const {
  const double out = number(option, static_cast<double>(otherwise));
  if (out < 0) give_up(option + " must not be negative");
  return static_cast<uint64_t>(out);
}

}  // namespace weir::bench
