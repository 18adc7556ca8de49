// The folder of declarations: weir.yaml, environments/<env>.yaml and one file per declared thing, read into one value
// with every mistake found in one pass. Read this header first; settings.h, plan.h and schema.h stand beside it.
//
// What can be declared comes from outside: each room hands its Kind (folder, parser, comparison, JSON Schema) and its
// settings to a Registry, which `app` fills at start and nobody changes afterwards. Everything here is synchronous and
// thread-safe over immutable values; only read_sources() touches a disk. Limits: a file 1 MiB, 10 000 files, 64 MiB
// together.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/yaml.h"
#include "core/base/yaml_reader.h"
#include "core/io/files.h"
#include "core/project/settings.h"

namespace weir::project {

// --- kinds ----------------------------------------------------------------------------------------------------------

// One difference between two bodies of a declaration, as a person reads it.
struct Difference {
  std::string detail;        // "field price: added (decimal(18,3))"
  bool compatible = true;    // the data that is there stays valid
  std::string reason = {};   // why not
  std::string way_out = {};  // what to do instead: `was:`, a new stream, a cast
};

// A file as a kind's parser gets it.
struct DeclarationSource {
  const Yaml& root;       // the file, or an SQL file's front matter (a null if it has none); `${…}` expanded
  std::string_view text;  // as it is on disk
  std::string file;       // "streams/clicks.yaml", for messages
  std::string name;       // the file's name without .yaml or .sql, or the folder's
  const Settings& settings;
  std::string_view sql = {};  // of an SQL file: what follows the front matter; never expanded, never empty
  int sql_line = 0;           // the file's line in which `sql` begins
  // Of a kind whose declarations are folders: all files of this one, by path below it; `root` is its main file's, a
  // null if that is not there.
  std::map<std::string, std::string_view, std::less<>> parts = {};
};

// Something that only one declaration of the project may have: an address, a path.
struct Claim {
  std::string what;  // "POST /impressions"
  Position at;
  // Of a path also its pattern, "/traffic/{ad_id}": two patterns that one request could meet are the same thing.
  std::string path = {};
};
bool paths_meet(std::string_view pattern, std::string_view other);

// Another declaration whose runs start this one's. In a circle nothing would ever come to rest: refused.
struct Starter {
  std::string kind, name;
  Position at;
};

struct Declared {
  std::string name = {};  // empty: the file's
  Json body = {};         // the kind's canonical form: equal bodies mean that nothing changed. Never holds a secret.
  std::vector<Error> errors = {};
  std::vector<Claim> claims = {};
  std::vector<Starter> started_by = {};
};

struct Kind {
  std::string name;    // "stream"
  std::string folder;  // "streams"
  std::string prose;   // one sentence for documentation
  std::function<Declared(const DeclarationSource&)> parse;
  // Differences from what is stored to what parse() made, carried. Empty although the bodies differ: it says only
  // "changed".
  std::function<std::vector<Difference>(const Json& from, const Json& to)> compare;
  // What is stored when `to` follows `from`: with what a file does not say but history knows (former names). Missing:
  // `to` itself. Carrying again changes nothing.
  std::function<Json(const Json& from, const Json& to)> carry = {};
  std::function<Json()> schema;  // JSON Schema of one file; of an SQL file's front matter
  // Removes the data of a destroyed declaration. Missing: destroying is `unsupported`.
  std::function<Status(std::string_view name, uint32_t number)> destroy = {};
  // "yaml", or "sql": its files are SQL with a front matter (front_matter.h).
  std::string extension = "yaml";
  bool is_sql() const { return extension == "sql"; }
  // Not empty: each folder in `folder` is one declaration, whose main file has this name ("review.yaml"). What lies
  // beside it and ends with .yaml, .json, .sql or .html belongs to it, also one folder deeper.
  std::string main = {};
  bool is_folder() const { return !main.empty(); }
  std::string pattern() const;  // of its files, for people: "streams/*.yaml", "reviews/*/review.yaml"
  // False: its files are checked with the rest and described by a schema, but never become declarations. Other files
  // and folders may lie beside them.
  bool is_applied = true;
};

// What every declaration may carry. A kind's parser calls read_common(), and puts the result into its body if it wants
// changes seen.
struct Common {
  bool enabled = true;
  std::map<std::string, std::string> tags;  // at most 32; keys identifiers, values up to 256 bytes
};
void read_common(YamlSection& section, Common& into);
// The two properties for a kind's JSON Schema: {"enabled": …, "tags": …}.
Json common_schema();

class Registry {
 public:
  Registry();                                    // knows the spine's settings
  void add_kind(Kind kind);                      // CHECKs that name and folder are new
  void add_settings(const SettingTable& table);  // CHECKs the table and that names are new
  const std::vector<Kind>& kinds() const { return kinds_; }
  const SettingTable& settings() const { return settings_; }
  const Kind* find_kind(std::string_view name) const;

 private:
  std::vector<Kind> kinds_;
  SettingTable settings_;
};

// --- the folder -----------------------------------------------------------------------------------------------------

// The files of a project, by path below its folder: from a disk, or sent by `weir apply --server`.
struct Sources {
  std::map<std::string, std::string> files;
  std::vector<std::string> unread = {};  // paths that were seen but are not declarations of a known kind
};
// A missing weir.yaml is fine. `not_found` if there is no such folder.
Result<Sources> read_sources(Files& files, const std::string& folder, const Registry& registry);

struct ReadOptions {
  std::string default_name = {};                                // the folder's own name; used when weir.yaml has none
  std::string environment = {};                                 // of --env; empty: none
  std::map<std::string, std::string> process_environment = {};  // of settings (WEIR_…) and `${NAME}`
  bool expands_environment = true;  // false for declarations sent over the network: `${NAME}` is refused
  std::vector<std::pair<std::string, std::string>> flags = {};  // setting, text
  // `${secret:NAME}`; missing: secrets cannot be used here.
  std::function<Result<std::string>(std::string_view name)> secret = {};
  // `${file:PATH}`, relative to the folder; missing (declarations sent over the network): refused.
  std::function<Result<std::string>(std::string_view path)> file = {};
};
// For ReadOptions::file: reads below `folder` or at an absolute path, at most 64 KiB, without the line break at the
// end.
std::function<Result<std::string>(std::string_view path)> file_expander(Files& files, std::string folder);

struct Declaration {
  std::string kind, name;
  Json body;
  std::string file;
};

struct Project {
  std::string name;
  std::string environment;  // "" or the name of --env
  Settings settings;
  std::vector<Declaration> declarations;  // by kind in the registry's order, then by name
  std::vector<Error> errors;              // in the order of files and places; empty: everything is good
  std::vector<Error> warnings;            // files that nobody reads, folders of rooms that are not built
  // Declarations whose file is there but wrong: (kind, name). They are neither changed nor detached.
  std::vector<std::pair<std::string, std::string>> broken;
  bool is_good() const { return errors.empty(); }
};

Project parse_project(const Sources& sources, const Registry& registry, const ReadOptions& options);
// read_sources(), then parse_project() with the folder's name and its file_expander as defaults.
Result<Project> read_project(Files& files, const std::string& folder, const Registry& registry, ReadOptions options);

// Where a project's state lies: <folder>/.weir, or <folder>/.weir/environments/<env>. `invalid` for an environment's
// name that is no identifier.
Result<std::string> state_folder(const std::string& folder, std::string_view environment);

}  // namespace weir::project
