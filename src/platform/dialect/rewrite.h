// A query in Redshift's words, said in the engine's: what the engine's grammar does not know or understands otherwise
// is exchanged word by word, everything else stays as it was written.
//
// Source: Redshift Database Developer Guide, "SQL commands", "SQL functions reference"; what DuckDB 1.4 takes as it is
// was tried. Functions that only have another name or shape are registered in the engine; they are not rewritten here.
// Pure, any thread. Errors are `invalid` with the place in the user's text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "platform/dialect/token.h"

namespace weir::dialect {

struct EngineText {
  std::string sql;
  // Where in the user's text the engine's offset comes from; of what was put in, the word that it stands for.
  size_t original_of(size_t offset) const;
  std::vector<std::pair<size_t, size_t>> pieces;  // engine's begin, user's begin; sorted
};

// `tokens` are those of `sql`; the range is one statement.
Result<EngineText> rewrite_query(std::string_view sql, const std::vector<Token>& tokens, TokenRange range);

// The whole text of a query; and an error of the engine's about it, with its place in the user's text.
Result<EngineText> to_engine(std::string_view sql);
Error to_user(Error error, std::string_view sql, const EngineText& text);

// database.schema.relation becomes schema.relation where the database is the one that the client calls so: what is kept
// is read by clients that call it otherwise.
Result<std::string> without_database(const std::string& sql, std::string_view database);

// The statement with '?' for each text and ? for each number, and without comments: what may be kept for long. A person
// that is to be forgotten is in no word of it.
std::string without_values(std::string_view sql);
// An error's message with … for what stands in quotes there, which may be a value.
std::string without_quoted(std::string_view message);

// A part of a date in the engine's word, lower case; empty: there is none of this name ("mons", "yr", "dow", …).
std::string_view date_part(std::string_view name);

}  // namespace weir::dialect
