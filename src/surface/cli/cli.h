// The command line: one file per command, each a thin translation to the interface that the server speaks too.
//
// Exit codes: 0 done, 1 failed, 2 wrong use, 3 found something (plan has changes, verify has problems). With --json
// what a program may read is on standard output alone; messages for people are on standard error.
#pragma once

#include "surface/cli/backend.h"

namespace weir::cli {

inline constexpr int kDone = 0, kFailed = 1, kWrongUse = 2, kFound = 3;

int run(int argc, char** argv, const Wiring& wiring);

}  // namespace weir::cli
