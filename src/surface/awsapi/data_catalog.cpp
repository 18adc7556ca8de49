// What there is in the warehouse, as the Data API tells it: databases, schemas, tables, columns, from the system
// relations and so with the caller's rights.
#include <memory>

#include "core/base/text.h"
#include "platform/warehouse/session.h"
#include "surface/awsapi/data_api.h"
#include "surface/awsapi/data_types.h"
#include "surface/awsapi/db_access.h"

namespace weir::awsapi {
namespace {

constexpr size_t kPage = 1'000;
constexpr Duration kTime = seconds(30);

using Rows = warehouse::Rows;

// One question on its way. If it is dropped unasked (the program stops), its Answer answers by itself.
struct Question {
  std::unique_ptr<warehouse::Session> session;
  std::unique_ptr<warehouse::Admission> admission;
  Answer answer;
  std::function<Json(const Rows& rows)> told;
};

void run(Question& question) {
  const auto execution = question.admission->start();
  if (!execution) return question.answer.fail(data_api_refusal(execution.error()));
  Rows all;
  for (;;) {
    auto rows = (*execution)->next();
    if (!rows) return question.answer.fail(data_api_refusal(rows.error()));
    if (rows->empty()) break;
    for (auto& row : *rows) all.push_back(std::move(row));
  }
  question.answer.json(question.told(all));
}

std::string text_of(const engine::Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text == nullptr ? "" : *text;
}

int64_t number_of(const engine::Cell& cell) {
  const auto* number = std::get_if<int64_t>(&cell);
  return number == nullptr ? 0 : *number;
}

// As drivers call the type that information_schema tells.
std::string short_type(const std::string& name) {
  static constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"character varying", "varchar"},
      {"character", "bpchar"},
      {"integer", "int4"},
      {"bigint", "int8"},
      {"smallint", "int2"},
      {"double precision", "float8"},
      {"real", "float4"},
      {"boolean", "bool"},
      {"timestamp without time zone", "timestamp"},
      {"timestamp with time zone", "timestamptz"},
      {"time without time zone", "time"},
      {"binary varying", "varbyte"},
      {"json", "super"}};
  for (const auto& [from, to] : kShort) {
    if (name == from) return std::string(to);
  }
  return name;
}

Json column_of(const std::vector<engine::Cell>& row) {
  // column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, is_nullable, column_default,
  // schema, table
  RedshiftType type;
  type.name = short_type(to_lower(text_of(row[1])));
  type.length = number_of(row[2]);
  type.precision = number_of(row[3]);
  type.scale = number_of(row[4]);
  type.is_signed = type.name.substr(0, 3) == "int" || type.name.substr(0, 5) == "float" || type.name == "numeric";
  type.is_case_sensitive = type.name == "varchar" || type.name == "bpchar";
  Json out = column_metadata(text_of(row[0]), type);
  out.set("nullable", text_of(row[5]) == "NO" ? 0 : 1);
  if (const std::string otherwise = text_of(row[6]); !otherwise.empty()) out.set("columnDefault", otherwise);
  out.set("schemaName", text_of(row[7]));
  out.set("tableName", text_of(row[8]));
  return out;
}

class DataCatalog {
 public:
  explicit DataCatalog(const Parts& parts) : parts_(parts) {}

  Status databases(const Call& call, const Answer& answer) const {
    return ask(call, answer, "SELECT database_name FROM svv_redshift_databases ORDER BY 1", {}, "Databases",
               [](const std::vector<engine::Cell>& row) { return Json(text_of(row[0])); });
  }

  Status schemas(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const std::string pattern, call.members.text_or("SchemaPattern", "%"));
    TRY(call.members.text("Database", 127));
    return ask(call, answer, "SELECT schema_name FROM svv_all_schemas WHERE schema_name LIKE $1 ORDER BY 1", {pattern},
               "Schemas", [](const std::vector<engine::Cell>& row) { return Json(text_of(row[0])); });
  }

  Status tables(const Call& call, const Answer& answer) const {
    TRY(call.members.text("Database", 127));
    TRY_ASSIGN(const std::string schema, call.members.text_or("SchemaPattern", "%"));
    TRY_ASSIGN(const std::string table, call.members.text_or("TablePattern", "%"));
    return ask(call, answer,
               "SELECT table_name, schema_name, table_type FROM svv_all_tables WHERE schema_name LIKE $1 AND "
               "table_name LIKE $2 ORDER BY 2, 1",
               {schema, table}, "Tables", [](const std::vector<engine::Cell>& row) {
                 const std::string schema_name = text_of(row[1]), type = text_of(row[2]);
                 const bool is_system = schema_name == "pg_catalog" || schema_name == "information_schema";
                 Json out{Json::Object{}};
                 out.set("name", text_of(row[0]));
                 out.set("schema", schema_name);
                 out.set("type", is_system ? "SYSTEM " + type : type);
                 return out;
               });
  }

  Status describe(const Call& call, const Answer& answer) const {
    TRY(call.members.text("Database", 127));
    TRY_ASSIGN(const std::string schema, call.members.text_or("Schema", ""));
    TRY_ASSIGN(const std::string table, call.members.text_or("Table", ""));
    return ask(call, answer,
               "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, "
               "is_nullable, column_default, schema_name, table_name FROM svv_all_columns WHERE ($1 = '' OR "
               "schema_name = $1) AND ($2 = '' OR table_name = $2) ORDER BY schema_name, table_name, ordinal_position",
               {schema, table}, "ColumnList", column_of, table);
  }

 private:
  using Row = std::vector<engine::Cell>;

  Status ask(const Call& call, const Answer& answer, const std::string& sql, const std::vector<std::string>& values,
             const std::string& member, std::function<Json(const Row&)> item, const std::string& table = {}) const {
    TRY_ASSIGN(const int64_t most, call.members.integer_or("MaxResults", 0, 0, static_cast<int64_t>(kPage)));
    const size_t limit = most == 0 ? kPage : static_cast<size_t>(most);
    TRY_ASSIGN(const std::string token, call.members.text_or("NextToken", ""));
    TRY_ASSIGN(const size_t begin, place_of_token(token));
    warehouse::SessionOptions options;
    TRY_ASSIGN(options.user, database_user(parts_, call));
    TRY_ASSIGN(const std::string database, call.members.text_or("Database", "", 127));
    if (!database.empty()) options.database = database;
    options.client = "data-api";
    options.peer = call.caller.peer;
    options.profile = warehouse::Profile::redshift;
    auto question = std::make_shared<Question>(Question{.session = {}, .admission = {}, .answer = answer, .told = {}});
    TRY_ASSIGN(question->session, warehouse::Session::open(parts_.warehouse, std::move(options)));
    question->told = [=, item = std::move(item)](const Rows& rows) {
      Json list{Json::Array{}};
      for (size_t i = begin; i < rows.size() && i < begin + limit; ++i) list.push(item(rows[i]));
      Json out{Json::Object{}};
      if (!table.empty()) out.set("TableName", table);
      out.set(member, std::move(list));
      if (rows.size() > begin + limit) out.set("NextToken", place_token(begin + limit));
      return out;
    };
    warehouse::Statement statement;
    statement.sql = sql;
    for (const std::string& value : values) statement.parameters.emplace_back(value, "VARCHAR");
    statement.time = kTime;
    TRY_ASSIGN(question->admission, question->session->admit(std::move(statement)));
    warehouse::Admission& waiting = *question->admission;
    waiting.when_ready([&lanes = parts_.lanes, question = std::move(question)]() mutable {
      const Status submitted = lanes.submit(Lane::interactive, [question] { run(*question); });
      if (!submitted) question->answer.fail(data_api_refusal(submitted.error()));
    });
    return {};
  }

  const Parts parts_;
};

}  // namespace

void add_data_catalog(Operations& operations, const Parts& parts) {
  const auto catalog = std::make_shared<DataCatalog>(parts);  // lives in the operations
  const auto add = [&](const char* name, std::function<Status(const Call&, const Answer&)> run) {
    operations.emplace(std::string("RedshiftData.") + name,
                       Operation{.service = "redshift-data", .run = std::move(run), .refuse = data_api_refusal});
  };
  add("ListDatabases", [catalog](const Call& call, const Answer& answer) { return catalog->databases(call, answer); });
  add("ListSchemas", [catalog](const Call& call, const Answer& answer) { return catalog->schemas(call, answer); });
  add("ListTables", [catalog](const Call& call, const Answer& answer) { return catalog->tables(call, answer); });
  add("DescribeTable", [catalog](const Call& call, const Answer& answer) { return catalog->describe(call, answer); });
}

}  // namespace weir::awsapi
