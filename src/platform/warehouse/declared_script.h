// A script that people declare to be run, in Redshift's words: what each of its statements reads and changes, known
// before it runs, and its text with its values filled in. Other rooms run it in a Session, under somebody's rights.
//
// A script is what may share one transaction: queries and changes of tables in main and public, COPY, UNLOAD, tables
// and external ones with their schemas, materialized views that are refreshed. Or VACUUM or ANALYZE, alone. What begins
// or ends a transaction, sets something or changes rights is not for it. Pure but for the engine's look at queries; any
// thread. Errors: invalid and denied, with the place in the script where it is known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "storage/engine/engine.h"

namespace weir::warehouse {

struct DeclaredStatement {
  enum class Kind { read, write, outside, maintain };  // outside: its files are there even if it is rolled back
  Kind kind = Kind::read;
  std::string sql;                  // with values, as a Session takes it
  std::vector<std::string> writes;  // tables: `name`, or `public.name`
};

// $name is a value wherever it stands, also in UNLOAD's query; in texts that begin with s3:// {name} is one too.
Result<std::vector<DeclaredStatement>> read_script(engine::Engine& engine, std::string_view text,
                                                   const std::vector<engine::NamedValue>& values);

}  // namespace weir::warehouse
