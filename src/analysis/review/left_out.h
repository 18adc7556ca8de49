// Queries of a review that its target is not asked, and why: the engine is another one, has nothing of that kind, or
// has a relation that the query reads but cannot show it. Known before the first round, so that nothing that is bound
// to fail takes a round, and nothing that the engine never fills looks as if all were well.
//
// Pure functions over values; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/review/declaration.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "platform/warehouse/sql_source.h"

namespace weir::review {

struct LeftOut {
  std::string query;
  std::string why;        // "no SELECT on public.orders"
  std::string statement;  // that mends it; empty: none does
  std::string by;         // who is to run it
  std::string in_words() const;
};

// Every relation that a query which `engine` is asked needs, once; in order.
std::vector<std::string> needed_relations(const Review& review, const std::string& engine);
// In the order of the review's queries.
std::vector<LeftOut> left_out(const Review& review, const std::string& engine, const warehouse::Readable& readable);
bool is_left_out(const std::vector<LeftOut>& list, std::string_view query);

// {"query","why","statement","by"}, null where there is none.
Json to_json(const LeftOut& one);
Json to_json(const std::vector<LeftOut>& list);
// A null is an empty list: runs that began before there was one.
Result<std::vector<LeftOut>> left_out_from_json(const Json& json);

}  // namespace weir::review
