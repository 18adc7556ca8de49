// What libpq is told of a connection. Pure, any thread.
//
// libpq takes what it is not told from the environment, from ~/.postgresql and from ~/.pgpass: the files are named here
// as ones that do not exist, so that only the declaration counts. The environment is the program's to clear.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "storage/engine/outside.h"

namespace weir::engine {

// libpq's keywords and values; `addresses`: what the host's name stands for, empty for a socket.
std::vector<std::pair<std::string, std::string>> libpq_parameters(const OutsideOptions& options,
                                                                  const std::string& password,
                                                                  const std::vector<std::string>& addresses);
bool is_socket(const OutsideOptions& options);
std::string outside_place(const OutsideOptions& options);  // connection prod (db.example.com:5432)
// What makes a session of that kind write its texts as ours do; one or more statements.
const char* outside_forms(OutsideKind kind);

}  // namespace weir::engine
