// The results of queries as files: JSON as the server said it, and CSV for other tools.
//
//   JSON      {"ColumnMetadata": [{"name","label","typeName"}], "Records": [[{"longValue": 1}, {"isNull": true}]],
//             "Truncated": false}: the form of Redshift's Data API (API_GetStatementResult)
//   standard  CSV by RFC 4180; null is empty, an empty text is ""
//   bars      CSV as the automated warehouse review writes it: | between values, names first; line breaks and tabs are
//             spaces, quotes and backticks go, a | is -, null and the empty text are both the word empty. It lost
//             numbers with fractions and truth values; here they are there.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "platform/warehouse/sql_source.h"

namespace weir::flow {

inline constexpr size_t kResultBytesMax = 512u << 20;

std::string result_json(const warehouse::SqlAnswer& answer);
// `corrupt` if result_json() did not write it.
Result<warehouse::SqlAnswer> result_from_json(std::string_view text);
std::string result_csv(const warehouse::SqlAnswer& answer);
std::string result_bars(const warehouse::SqlAnswer& answer);

}  // namespace weir::flow
