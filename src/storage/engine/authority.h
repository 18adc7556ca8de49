// What a user's session is held to: who may touch which relation, what their names mean, and the words that stand for
// the session itself. Implemented by the room that knows users; asked by the engine while it checks and binds a
// statement.
//
// One object is in force for one statement, whatever changes meanwhile; it is called from the thread that runs the
// statement. Names are the engine's: schema and relation in lower case where they were not quoted. Tables that lie in
// the engine's own schema `main`, and streams and computed tables (schema `lake`), are found as members of `public`
// too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace weir::engine {

struct ExternalTable;  // external.h

enum class Privilege : uint8_t { select, insert, update, remove };  // remove: DELETE

// What a bound statement does with one relation.
struct RelationUse {
  Privilege privilege = Privilege::select;
  std::string schema = {}, name = {};
  std::vector<std::string> columns = {};  // read, or set by UPDATE; of count(*) none
  bool is_view = false;                   // of the session's own kind, see Authority::view()
  std::string within = {};                // "schema.name" of the view whose body says it: its owner's rights count
};

class Authority {
 public:
  virtual ~Authority() = default;

  // `denied` with the relation and the privilege that is missing.
  virtual Status check(const RelationUse& use) const = 0;

  // A view: a SELECT in the engine's words under a name. Null: no view of this name. `schema` is empty where the
  // statement names none, or what it names.
  struct View {
    std::string schema, name;
    std::string select;
    std::vector<std::string> column_names;  // empty: as the SELECT calls them
    std::vector<std::string> search_path;   // of who made it
  };
  virtual const View* view(std::string_view schema, std::string_view name) const = 0;

  // A table of an external schema; null: none of this name. `schema` as in view(). `within`: "schema.name" of the view
  // that names it, whose owner's rights count then. `denied` where the schema is not theirs to use.
  virtual Result<std::shared_ptr<const ExternalTable>> external(std::string_view, std::string_view,
                                                                std::string_view /* within */) const {
    return std::shared_ptr<const ExternalTable>();
  }

  // A condition that rows of this relation must fulfil to be seen by this user; empty: all are seen.
  virtual std::string row_filter(std::string_view schema, std::string_view name) const = 0;

  // The value of a word or function that stands for the session: current_user, pg_backend_pid(), current_setting('x').
  // Nothing: the engine's own, if it has one.
  virtual std::optional<Json> word(std::string_view function, const std::vector<Json>& arguments) const = 0;

  // What the client calls the database, so that database.schema.table is understood.
  virtual std::string_view database() const = 0;
};

}  // namespace weir::engine
