// The command line of a benchmark: the options that all of them take, and its own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weir::bench {

class Options {
 public:
  // One of a benchmark's own: "--rows N" takes a value, "--backfill" takes none.
  // Ends the program if the command line has an option that is neither among them nor one of all.
  Options(int argc, char** argv, const std::vector<std::string>& own = {});

  bool quick() const { return has("--quick"); }
  std::string weir() const { return text("--weir", "build/release/bin/weir"); }
  std::string dir() const { return text("--dir", "build/bench"); }  // for what it writes
  std::string data() const { return text("--data", ""); }           // of others, or kept from run to run; empty: none

  bool has(const std::string& option) const { return given_.contains(option); }
  std::string text(const std::string& option, const std::string& otherwise) const;
  double number(const std::string& option, double otherwise) const;
  uint64_t whole(const std::string& option, uint64_t otherwise) const;

 private:
  std::map<std::string, std::string> given_;
};

}  // namespace weir::bench
