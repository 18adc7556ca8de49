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
#include <utility>
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

// What stands between a user and the rows of one relation: row-level security and masks.
struct RelationGuard {
  std::string schema, name;  // where the relation lies
  // In the engine's words: a condition over the relation, called `alias`, that rows must fulfil to be seen; empty: all
  // rows. It reads other relations as it is, without their guards.
  std::string condition, alias;
  struct Mask {
    std::string column;      // is shown as …
    std::string expression;  // … this, cast to the column's type; in it `inputs` stand for columns of the relation
    struct Input {
      std::string name, column;  // in the expression, in the relation
      std::string type = {};     // it is read as this, or as NULL where it is none; empty: as it is
    };
    std::vector<Input> inputs;
  };
  std::vector<Mask> masks;
  std::vector<std::string> needs;        // columns that its policies name: a relation that lacks one shows no row
  std::vector<std::string> calls;        // the functions that condition and masks may mean, by their keys
  std::vector<std::string> search_path;  // for what condition and masks name
  bool may_explain = false;              // the plan of a statement over it, with its counts of rows, may be shown
};

// A function that people made: an expression over $1, $2 …
struct StoredFunction {
  std::string schema, name;
  std::vector<std::string> types;  // of the arguments, in the engine's words
  std::string returns;
  std::string expression;
  std::string key;                 // "schema.name(types)": it says which of several of one name
  std::vector<std::string> calls;  // keys of the functions that the expression may mean
};
// One that a call may mean. Which one is known when the types of its arguments are.
struct FunctionCandidate {
  const StoredFunction* function = nullptr;
  bool may_call = false;  // EXECUTE
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
    std::vector<std::string> column_names;          // empty: as the SELECT calls them
    std::vector<std::string> search_path;           // of who made it
    std::optional<std::vector<std::string>> calls;  // keys of the functions that it may mean; nothing: any
  };
  virtual const View* view(std::string_view schema, std::string_view name) const = 0;

  // A table of an external schema; null: none of this name. `schema` as in view(). `within`: "schema.name" of the view
  // that names it, whose owner's rights count then. `denied` where the schema is not theirs to use.
  virtual Result<std::shared_ptr<const ExternalTable>> external(std::string_view, std::string_view,
                                                                std::string_view /* within */) const {
    return std::shared_ptr<const ExternalTable>();
  }

  // Whether any relation of this name, in whichever case of letters, may have a guard for this user. Cheap: asked of
  // every name in a statement.
  virtual bool may_be_guarded(std::string_view name) const = 0;
  // Of the relation that lies there; null: nothing stands before its rows. The same for the whole statement.
  virtual const RelationGuard* guard(std::string_view schema, std::string_view name) const = 0;

  // A statement that stands behind this guard is about to run.
  virtual void passed(const RelationGuard&) const {}

  // The functions of a name and number of arguments. Empty: none of this name. `not_found` where the name is known with
  // other numbers of arguments only. `search_path`: of the view that says it; null: the session's.
  virtual Result<std::vector<FunctionCandidate>> functions(std::string_view schema, std::string_view name,
                                                           size_t arguments,
                                                           const std::vector<std::string>* search_path) const = 0;

  // The value of a word or function that stands for the session: current_user, pg_backend_pid(), current_setting('x').
  // Nothing: the engine's own, if it has one.
  virtual std::optional<Json> word(std::string_view function, const std::vector<Json>& arguments) const = 0;

  // What the client calls the database, so that database.schema.table is understood.
  virtual std::string_view database() const = 0;
};

}  // namespace weir::engine
