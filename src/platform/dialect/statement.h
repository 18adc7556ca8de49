// What a statement is: a query for the engine, or one of the platform's own, taken apart. Platform statements are those
// that the engine does not know or must not decide: transactions, settings, cursors, tables with their attributes,
// users and grants.
//
// Sources: Redshift Database Developer Guide, "SQL commands" (each struct names its page); PostgreSQL 15, "SQL
// Commands", where the two agree or Redshift has nothing. Pure, any thread. Errors are `invalid` with the place in the
// text, and say what was expected; what is understood but not built is `unsupported`, by name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "platform/dialect/token.h"

namespace weir::dialect {

// schema.name, with the database in front of it or without; in lower case unless quoted.
struct Name {
  std::string database = {}, schema = {}, name = {};
  size_t at = 0;  // place in the text, in bytes
};

// A SELECT or what reads as one, INSERT, UPDATE, DELETE, MERGE, TRUNCATE: the engine's, after rewriting.
struct Query {
  bool changes = false;
  std::string verb;               // "SELECT", "INSERT", …, in capitals, for the answer's tag
  std::optional<Name> into = {};  // SELECT … INTO name
  bool into_temporary = false;
  TokenRange into_words = {};  // INTO … with its name, which are no part of the query
};

// r_BEGIN, r_COMMIT, r_ROLLBACK
struct Transaction {
  enum class What { begin, commit, rollback } what = What::begin;
};

// r_SET, r_SHOW, r_RESET
struct SetSetting {
  std::string name;
  std::vector<std::string> values;  // empty: to its default
  bool is_local = false;
};
struct ShowSetting {
  std::string name;  // "all" for every one
};
struct ResetSetting {
  std::string name;  // "all"
};
struct Discard {};  // DISCARD ALL

// declare, fetch, close; r_PREPARE, r_EXECUTE, r_DEALLOCATE
struct DeclareCursor {
  std::string name;
  TokenRange query;
};
struct FetchCursor {
  std::string name;
  uint64_t count = 1;  // UINT64_MAX: all that is left
};
struct CloseCursor {
  std::string name;  // empty: all
};
struct PrepareStatement {
  std::string name;
  std::vector<std::string> types;  // as written
  TokenRange query;
};
struct ExecutePrepared {
  std::string name;
  std::vector<TokenRange> arguments;
};
struct Deallocate {
  std::string name;  // empty: all
};

// --- tables
// -----------------------------------------------------------------------------------------------------------

struct Type {
  std::string engine;            // "VARCHAR", "DECIMAL(18,0)"
  std::string shown;             // as PostgreSQL's format_type() shows it: "character varying(10)"
  std::optional<int> bytes_max;  // of a text: more is refused
};
struct Identity {
  int64_t seed = 1, step = 1;
  bool by_default = false;  // a value may be given
};
struct ColumnDefinition {
  std::string name;
  Type type;
  bool is_not_null = false;
  std::string default_value;  // in the engine's words; empty: none
  std::optional<Identity> identity;
  std::string encoding;  // "zstd", as written
  bool is_distkey = false, is_sortkey = false;
  size_t at = 0;
};
// Informational, as on Redshift: not enforced, shown in the catalog.
struct Constraint {
  enum class Kind { primary_key, unique, foreign_key } kind = Kind::unique;
  std::string name;
  std::vector<std::string> columns;
  std::optional<Name> references;
  std::vector<std::string> referenced_columns;
};
struct TableAttributes {
  std::string diststyle;  // "even", "key", "all", "auto"; empty: not said
  std::string distkey;
  std::string sortstyle;  // "compound", "interleaved", "auto"
  std::vector<std::string> sortkeys;
  bool backup = true;
};
// r_CREATE_TABLE_NEW, r_CREATE_TABLE_AS
struct CreateTable {
  Name name;
  bool is_temporary = false, if_not_exists = false;
  std::vector<ColumnDefinition> columns;
  std::vector<Constraint> constraints;
  std::optional<Name> like;
  bool like_defaults = false;
  TableAttributes attributes;
  std::vector<std::string> column_names;  // of AS
  TokenRange query;                       // of AS; empty: none
  bool with_data = true;
};
// r_CREATE_VIEW, materialized-view-create-sql-command
struct CreateView {
  Name name;
  bool or_replace = false, is_materialized = false, is_late_binding = false, auto_refresh = false;
  std::vector<std::string> column_names;
  TokenRange query;
};
// materialized-view-refresh-sql-command
struct RefreshView {
  Name name;
};
enum class ObjectKind { table, view, materialized_view, schema, user, role, group, function, procedure, database };
// r_DROP_TABLE, r_DROP_VIEW, r_DROP_SCHEMA, r_DROP_USER, …
struct Drop {
  ObjectKind kind = ObjectKind::table;
  std::vector<Name> names;
  bool if_exists = false, cascade = false;
  bool drops_database = false;  // DROP SCHEMA … DROP EXTERNAL DATABASE
};
// r_CREATE_SCHEMA
struct CreateSchema {
  std::string name, owner;
  bool if_not_exists = false;
};
// r_ALTER_TABLE, ALTER VIEW, r_ALTER_SCHEMA
struct Alter {
  enum class What {
    add_column,
    drop_column,
    rename_column,
    rename,
    owner,
    set_not_null,
    drop_not_null,
    set_default,
    drop_default,
    column_type,
    attributes,
    encoding,
    add_constraint,
    drop_constraint,
    append,
    row_security,
    auto_refresh,  // of a materialized view
  } what = What::rename;
  ObjectKind kind = ObjectKind::table;
  Name name;
  std::string column, to;  // `to`: the new name, or owner, or default in the engine's words
  std::optional<ColumnDefinition> definition;
  std::optional<Type> type;
  std::optional<TableAttributes> attributes;
  std::optional<Constraint> constraint;
  std::optional<Name> source;  // of append
  bool is_on = false;          // of auto_refresh, row_security: `to` is then "and", "or", or empty: as it was
  bool cascade = false;
  bool if_exists = false;  // of a dropped column
};

// --- external tables
// ---------------------------------------------------------------------------------------------------

// r_CREATE_EXTERNAL_SCHEMA, of the data catalog
struct CreateExternalSchema {
  std::string name, database, role;
  bool if_not_exists = false, creates_database = false;
};
// What lies in the files: r_CREATE_EXTERNAL_TABLE, "ROW FORMAT", "STORED AS", "TABLE PROPERTIES"
struct ExternalFormat {
  std::string stored_as;                                // "parquet", "textfile"; empty: as the formats' classes say
  bool is_delimited = false;                            // ROW FORMAT DELIMITED
  std::string delimiter;                                // FIELDS TERMINATED BY; empty: not said
  std::string serde;                                    // ROW FORMAT SERDE 'class'
  std::string input_format;                             // STORED AS INPUTFORMAT 'class'
  std::map<std::string, std::string> serde_properties;  // WITH SERDEPROPERTIES
  std::map<std::string, std::string> properties;        // TABLE PROPERTIES; names in lower case
};
struct CreateExternalTable {
  Name name;
  bool if_not_exists = false;
  std::vector<ColumnDefinition> columns, partition_columns;  // of AS: partition columns without types
  ExternalFormat format;
  std::string location;  // "s3://bucket/prefix/"
  TokenRange query;      // of AS; empty: none
};
// r_ALTER_TABLE_external-table
struct AlterExternalTable {
  enum class What { add_partitions, drop_partition, set_location, set_properties } what = What::set_location;
  Name name;
  struct Partition {
    std::vector<std::pair<std::string, std::optional<std::string>>> values;  // of the columns, by their names
    std::string location;
  };
  std::vector<Partition> partitions;  // of set_location: none for the table's own
  std::string location;
  std::map<std::string, std::string> properties;
  bool if_not_exists = false;
};

// r_COMMENT
struct Comment {
  ObjectKind kind = ObjectKind::table;
  Name name;
  std::string column;
  std::optional<std::string> text;  // nothing: IS NULL
};
// r_TRUNCATE, r_LOCK, r_VACUUM_command, r_ANALYZE
struct Truncate {
  Name name;
};
struct LockTables {
  std::vector<Name> names;
};
struct Maintain {
  bool analyze = false;
  std::optional<Name> name;
  std::string what;  // "full", "delete only", "sort only", "reindex", "recluster", "compression", …
};
// r_EXPLAIN
struct Explain {
  bool analyze = false, verbose = false, as_json = false;
  TokenRange statement;
};

// --- loads and unloads
// -------------------------------------------------------------------------------------------------

// Who reads the store: copy-parameters-authorization. Which role or key it is decides nothing for a local store.
struct Authorization {
  std::string role;  // "default", or an ARN
  std::string access_key_id, secret_access_key, session_token;
};
enum class DataFormat { delimited, csv, json, parquet };
// r_COPY, copy-parameters-*
struct Copy {
  Name table;
  std::vector<std::string> columns;
  std::string from;  // "s3://bucket/prefix"
  Authorization authorization;
  DataFormat format = DataFormat::delimited;
  std::string delimiter;     // of delimited and csv; empty: | or ,
  std::string quote = "\"";  // of csv
  std::string json_paths;    // empty: 'auto'
  bool json_ignores_case = false;
  std::string compression;  // "gzip", "zstd"; empty: as the name says
  bool is_manifest = false;
  int64_t ignore_header = 0, max_error = 0;
  std::optional<std::string> null_as;
  bool empty_as_null = false, blanks_as_null = false, trim_blanks = false, truncate_columns = false;
  bool fill_record = false, explicit_ids = false, no_load = false, removes_quotes = false, ignores_blank_lines = false;
  std::string date_format, time_format;  // empty, or "auto": any that is known
};
// r_UNLOAD
struct Unload {
  std::string select;
  size_t select_at = 0;  // of its text in the statement
  std::string to;
  Authorization authorization;
  DataFormat format = DataFormat::delimited;
  std::string delimiter;
  std::vector<std::string> partition_by;
  bool includes_partitions = false;  // PARTITION BY … INCLUDE: the files have those columns too
  bool has_manifest = false, is_verbose = false, has_header = false, adds_quotes = false, escapes = false;
  bool allows_overwrite = false, cleans_path = false, is_parallel = true;
  std::string null_as;
  std::string compression;  // "gzip", "zstd"
  std::string extension;
  uint64_t file_bytes_max = 6'200'000'000;  // MAXFILESIZE
};

// COPY over the client's own connection: PostgreSQL 15, sql-copy. Defaults are filled in.
enum class CopyForm { text, csv, binary };
struct CopyOptions {
  CopyForm form = CopyForm::text;
  char delimiter = '\t', quote = '"', escape = '"';  // the latter two of csv
  std::string null_text = "\\N";
  bool has_header = false, checks_header = false;  // checks: HEADER MATCH
  bool quotes_all = false;                         // FORCE_QUOTE *
  std::vector<std::string> force_quote, force_null, force_not_null;
};
struct CopyIn {
  Name table;
  std::vector<std::string> columns;  // empty: all
  CopyOptions options;
};
struct CopyOut {
  std::optional<Name> table;
  std::vector<std::string> columns;
  TokenRange query;  // where there is no table
  CopyOptions options;
};

// --- users and grants
// -------------------------------------------------------------------------------------------------

// r_CREATE_USER, r_ALTER_USER; what is not said stays.
struct UserChange {
  std::string name;
  bool is_new = false;
  std::optional<std::string> password;  // as written; never logged
  bool disables_password = false;
  std::optional<bool> superuser, create_database, syslog_unrestricted;
  std::optional<std::string> valid_until;  // "infinity" too
  std::optional<int> connection_limit;     // -1: unlimited
  std::optional<int64_t> session_timeout;  // seconds; 0: RESET SESSION TIMEOUT
  std::vector<std::string> groups;         // IN GROUP
  std::optional<std::string> rename_to;
  std::optional<SetSetting> setting;  // ALTER USER … SET
  std::optional<std::string> reset;
};
// r_CREATE_ROLE, r_CREATE_GROUP, r_ALTER_GROUP, r_ALTER-ROLE
struct RoleChange {
  std::string name;
  bool is_group = false, is_new = false;
  std::vector<std::string> add, remove;  // users of a group
  std::optional<std::string> rename_to, owner;
};

enum class GranteeKind { user, role, group, everybody };
struct Grantee {
  GranteeKind kind = GranteeKind::user;
  std::string name;
  bool with_option = false;  // may hand it on
};
struct GrantedPrivilege {
  std::string name;                  // "select", "all", … in lower case
  std::vector<std::string> columns;  // empty: of all
};
// r_GRANT, r_REVOKE
struct Grant {
  bool revokes = false, option_only = false, cascade = false;
  enum class On { tables, all_tables, schemas, database, functions, languages, role, system } on = On::tables;
  std::vector<GrantedPrivilege> privileges;  // of system: "ignore rls", "explain rls", "access system table", …
  std::vector<Name> names;                   // of role: the roles
  std::vector<std::vector<Type>> arguments;  // of functions: what each of them takes
  std::vector<Grantee> grantees;
};
// r_ALTER_DEFAULT_PRIVILEGES
struct DefaultPrivileges {
  std::vector<std::string> users;    // FOR USER; empty: whoever says it
  std::vector<std::string> schemas;  // empty: all
  Grant grant;                       // on tables, functions or procedures without names
  std::string object;                // "tables", "functions", "procedures"
};

// --- policies and functions
// -------------------------------------------------------------------------------------------

enum class PolicyKind { rows, mask };
struct PolicyColumn {
  std::string name;
  Type type;
};
// r_CREATE_RLS_POLICY, r_ALTER_RLS_POLICY, r_CREATE_MASKING_POLICY, r_ALTER_MASKING_POLICY
struct DefinePolicy {
  PolicyKind kind = PolicyKind::rows;
  bool is_new = true, if_not_exists = false;
  std::string name;
  std::vector<PolicyColumn> columns;
  std::string alias;                     // of the relation, in the condition
  std::vector<std::string> expressions;  // of USING, in the engine's words; of rows one
  std::string written;                   // the same as it was written
};
// r_DROP_RLS_POLICY, r_DROP_MASKING_POLICY
struct DropPolicy {
  PolicyKind kind = PolicyKind::rows;
  std::vector<std::string> names;
  bool if_exists = false, cascade = false;
};
// r_ATTACH_RLS_POLICY, r_DETACH_RLS_POLICY, r_ATTACH_MASKING_POLICY, r_DETACH_MASKING_POLICY
struct AttachPolicy {
  PolicyKind kind = PolicyKind::rows;
  bool detaches = false;
  std::string policy;
  std::vector<Name> relations;
  std::vector<std::string> columns, inputs;  // of a mask: what is masked, and what it is made of (empty: the same)
  std::vector<Grantee> grantees;
  int64_t priority = 0;
};
// r_CREATE_FUNCTION, LANGUAGE sql
struct CreateFunction {
  Name name;
  bool or_replace = false;
  std::vector<Type> types;
  Type returns;
  std::string volatility;  // "volatile", "stable", "immutable"
  std::string body;        // as it was written
  std::string expression;  // what it selects, in the engine's words
};
// r_DROP_FUNCTION
struct DropFunction {
  Name name;
  std::vector<Type> types;  // of its arguments
  bool if_exists = false, cascade = false;
};

using Statement =
    std::variant<Query, Transaction, SetSetting, ShowSetting, ResetSetting, Discard, DeclareCursor, FetchCursor,
                 CloseCursor, PrepareStatement, ExecutePrepared, Deallocate, CreateTable, CreateView, RefreshView, Drop,
                 CreateSchema, Alter, CreateExternalSchema, CreateExternalTable, AlterExternalTable, Comment, Truncate,
                 Copy, CopyIn, CopyOut, Unload, LockTables, Maintain, Explain, UserChange, RoleChange, Grant,
                 DefaultPrivileges, DefinePolicy, DropPolicy, AttachPolicy, CreateFunction, DropFunction>;

// The types of "int, varchar(20)".
Result<std::vector<Type>> parse_types(std::string_view text);

// One statement; `range` are its words.
Result<Statement> parse_statement(std::string_view sql, const std::vector<Token>& tokens, TokenRange range);

// The text with '***' for its secrets: passwords, credentials. What cannot be read and speaks of one is not shown at
// all.
std::string without_secrets(std::string_view sql);

// The tag of a finished statement, without a count: "CREATE TABLE". Of a Query its verb.
std::string tag_of(const Statement& statement);

}  // namespace weir::dialect
