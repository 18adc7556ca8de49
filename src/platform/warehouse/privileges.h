// What has_table_privilege() and its like answer, and access control lists as PostgreSQL shows them (ddl-priv, table
// "ACL Privilege Abbreviations"). Internal to platform/warehouse. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/warehouse/rights.h"

namespace weir::warehouse {

Json truth_text(bool value);  // "true" or "false": what system relations are told is text

// `lines`: user, privileges ("select, insert", "select with grant option"), and the object's names. Of several
// privileges any one is enough. Nothing: there is none of this name.
//   may             schema, relation          may_column     schema, relation, column
//   may_any_column  schema, relation          may_schema     schema
//   may_database                              may_function   "schema.name(arguments)", or as it is written in a call
std::optional<Json> may(const Rights& rights, const Subject& who, std::string_view word,
                        const std::vector<std::string>& lines);

// Whether information_schema lists it for them: it is theirs, or they may do something with it.
bool sees(const Rights& rights, const Subject& who, const std::string& schema, const std::string& name,
          const std::string& column = {});

// ["ada=arwdDxt/ada", "=r/ada"]; null: as it was made, with nobody's rights but its owner's. `column`: its own grants.
Json acl_of_relation(const Rights& rights, const access::Directory& directory, const std::string& schema,
                     const std::string& name, const std::string& column);
Json acl_of_schema(const Rights& rights, const access::Directory& directory, const std::string& schema);

}  // namespace weir::warehouse
