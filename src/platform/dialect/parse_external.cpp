// External schemas and tables: CREATE EXTERNAL …, and ALTER TABLE of one.
#include "core/base/text.h"
#include "platform/dialect/cursor.h"

namespace weir::dialect {
namespace {

using Properties = std::map<std::string, std::string>;

// FROM DATA CATALOG DATABASE 'name' [REGION '…'] [IAM_ROLE …] [CREATE EXTERNAL DATABASE IF NOT EXISTS]
Result<Statement> create_schema(Cursor& at) {
  CreateExternalSchema out;
  out.if_not_exists = at.accept_all({"if", "not", "exists"});
  TRY_ASSIGN(out.name, at.identifier("a schema's name"));
  TRY(at.expect("from"));
  for (const char* other : {"hive", "postgres", "mysql", "kinesis", "msk", "kafka", "redshift"}) {
    if (at.sees(other)) {
      return at.unsupported("An external schema FROM " + at.word(), "FROM DATA CATALOG is built");
    }
  }
  at.accept_all({"data", "catalog"});
  TRY(at.expect("database"));
  TRY_ASSIGN(out.database, at.text("the database's name in single quotes"));
  if (out.database.empty() || out.database.size() > 255) return at.expected("a database's name of 1 to 255 bytes");
  for (char& c : out.database) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  while (!at.is_at_end()) {
    if (at.accept("region") || at.accept("catalog_role")) {
      if (!at.accept("default")) {
        TRY(at.text("a text in single quotes"));
      }
    } else if (at.accept("iam_role")) {
      if (at.accept("default")) {
        out.role = "default";
      } else {
        TRY_ASSIGN(out.role, at.text("DEFAULT, or the role's ARN in single quotes"));
      }
    } else if (at.accept_all({"create", "external", "database"})) {
      TRY(at.expect("if"));
      TRY(at.expect("not"));
      TRY(at.expect("exists"));
      out.creates_database = true;
    } else {
      return at.expected("IAM_ROLE, REGION or CREATE EXTERNAL DATABASE IF NOT EXISTS");
    }
  }
  return Statement(std::move(out));
}

// ('name'='value', …)
Result<Properties> properties(Cursor& at, bool lower) {
  Properties out;
  TRY(at.expect_symbol("("));
  do {
    TRY_ASSIGN(std::string name, at.text("a property's name in single quotes"));
    TRY(at.expect_symbol("="));
    TRY_ASSIGN(std::string value, at.text("its value in single quotes"));
    out[lower ? to_lower(name) : std::move(name)] = std::move(value);
  } while (at.accept_symbol(","));
  TRY(at.expect_symbol(")"));
  return out;
}

// '\t', '\001', '\x01' and one character as it is.
Result<std::string> delimiter(Cursor& at) {
  const Error wrong = at.expected("one character in single quotes, or its number as '\\001'");
  TRY_ASSIGN(std::string text, at.text("a delimiter in single quotes"));
  if (text.size() == 1) return text;
  if (text == "\\t") return std::string("\t");
  if (text.size() < 3 || text.size() > 4 || text[0] != '\\') return wrong;
  const bool is_hex = text[1] == 'x' || text[1] == 'u';
  int value = 0;
  for (const char c : text.substr(is_hex ? 2 : 1)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
    if (digit >= (is_hex ? 16 : 8)) return wrong;
    value = value * (is_hex ? 16 : 8) + digit;
  }
  if (value < 1 || value > 127) return wrong;
  return std::string(1, static_cast<char>(value));
}

// ROW FORMAT has been read.
Status row_format(Cursor& at, ExternalFormat& out) {
  if (at.accept("serde")) {
    TRY_ASSIGN(out.serde, at.text("the class in single quotes"));
    if (at.accept_all({"with", "serdeproperties"})) {
      TRY_ASSIGN(out.serde_properties, properties(at, false));
    }
    return {};
  }
  TRY(at.expect("delimited"));
  out.is_delimited = true;
  for (;;) {
    if (at.accept_all({"fields", "terminated", "by"})) {
      TRY_ASSIGN(out.delimiter, delimiter(at));
    } else if (at.accept_all({"lines", "terminated", "by"})) {
      const Result<std::string> ending = at.text("'\\n'");
      if (!ending) return ending.error();
      if (*ending != "\n" && *ending != "\\n") return at.unsupported("Another end of a line than '\\n'");
    } else if (at.sees("collection") || at.sees("map") || at.sees("escaped") || at.sees("null")) {
      return at.unsupported("ROW FORMAT DELIMITED … " + at.word());
    } else {
      return {};
    }
  }
}

// STORED AS has been read.
Status stored_as(Cursor& at, ExternalFormat& out) {
  if (at.accept("inputformat")) {
    TRY_ASSIGN(out.input_format, at.text("the class in single quotes"));
    TRY(at.expect("outputformat"));
    TRY(at.text("the class in single quotes"));
    return {};
  }
  const std::string word = at.word();
  if (word == "rcfile" || word == "sequencefile" || word == "orc" || word == "avro" || word == "ion" ||
      word == "iceberg") {
    return at.unsupported("An external table STORED AS " + word, "PARQUET and TEXTFILE are built");
  }
  if (word != "parquet" && word != "textfile") return at.expected("PARQUET or TEXTFILE");
  out.stored_as = word;
  at.skip();
  return {};
}

Result<Statement> create_table(Cursor& at) {
  CreateExternalTable out;
  out.if_not_exists = at.accept_all({"if", "not", "exists"});
  TRY_ASSIGN(out.name, at.name("a table's name, behind that of its external schema"));
  const bool has_columns = at.accept_symbol("(");
  if (has_columns) {
    do {
      TRY_ASSIGN(ColumnDefinition column, parse_column(at));
      out.columns.push_back(std::move(column));
    } while (at.accept_symbol(","));
    TRY(at.expect_symbol(")"));
  }
  if (at.accept_all({"partitioned", "by"})) {
    TRY(at.expect_symbol("("));
    do {
      ColumnDefinition column;
      if (has_columns) {
        TRY_ASSIGN(column, parse_column(at));
      } else {
        TRY_ASSIGN(column.name, at.identifier("a column of the query"));
      }
      out.partition_columns.push_back(std::move(column));
    } while (at.accept_symbol(","));
    TRY(at.expect_symbol(")"));
  }
  bool is_stored = false;
  while (!at.is_at_end() && !at.sees("as")) {
    if (at.accept_all({"row", "format"})) {
      TRY(row_format(at, out.format));
    } else if (at.accept_all({"stored", "as"})) {
      TRY(stored_as(at, out.format));
      is_stored = true;
    } else if (at.accept("location")) {
      TRY_ASSIGN(out.location, at.text("where the files lie: 's3://bucket/prefix/'"));
    } else if (at.accept_all({"table", "properties"}) || at.accept("tblproperties")) {
      TRY_ASSIGN(out.format.properties, properties(at, true));
    } else {
      return at.expected("ROW FORMAT, STORED AS, LOCATION or TABLE PROPERTIES");
    }
  }
  if (!is_stored) return at.expected("STORED AS");
  if (out.location.empty()) return at.expected("LOCATION 's3://bucket/prefix/'");
  if (!has_columns) {
    TRY(at.expect("as"));
    out.query = at.rest();
    if (out.query.empty()) return at.expected("a query");
    return Statement(std::move(out));
  }
  TRY(at.expect_end());
  return Statement(std::move(out));
}

// (column='value', …)
Result<AlterExternalTable::Partition> partition(Cursor& at) {
  AlterExternalTable::Partition out;
  TRY(at.expect_symbol("("));
  do {
    TRY_ASSIGN(std::string column, at.identifier("a partition column"));
    TRY(at.expect_symbol("="));
    std::optional<std::string> value;
    if (at.sees_text()) {
      TRY_ASSIGN(value, at.text("a value"));
    } else if (!at.accept("null")) {
      TRY_ASSIGN(const int64_t number, at.integer("a value: a number, or a text in single quotes"));
      value = std::to_string(number);
    }
    out.values.emplace_back(std::move(column), std::move(value));
  } while (at.accept_symbol(","));
  TRY(at.expect_symbol(")"));
  return out;
}

// ADD [IF NOT EXISTS] has been read: PARTITION (…) LOCATION '…' [PARTITION …]
Status add_partitions(Cursor& at, AlterExternalTable& out) {
  out.what = AlterExternalTable::What::add_partitions;
  constexpr size_t kPartitionsMax = 100;  // as on Redshift
  while (at.accept("partition")) {
    TRY_ASSIGN(AlterExternalTable::Partition one, partition(at));
    TRY(at.expect("location"));
    TRY_ASSIGN(one.location, at.text("where its files lie: 's3://bucket/prefix/'"));
    out.partitions.push_back(std::move(one));
    if (out.partitions.size() > kPartitionsMax) return at.expected("no more than 100 partitions in one statement");
  }
  return {};
}

}  // namespace

Result<Statement> parse_create_external(Cursor& at) {
  if (at.accept("schema")) return create_schema(at);
  if (at.accept("table")) return create_table(at);
  if (at.sees("function") || at.sees("view") || at.sees("model")) return at.unsupported("CREATE EXTERNAL " + at.word());
  return at.expected("SCHEMA or TABLE");
}

Result<std::optional<Statement>> parse_alter_external(Cursor& at) {
  Cursor ahead = at;
  AlterExternalTable out;
  TRY_ASSIGN(out.name, ahead.name("a table's name"));
  if (ahead.accept("add")) {
    out.if_not_exists = ahead.accept_all({"if", "not", "exists"});
    if (!ahead.sees("partition") || !ahead.sees_symbol("(", 1)) return std::optional<Statement>();
    TRY(add_partitions(ahead, out));
  } else if (ahead.sees("drop") && ahead.sees("partition", 1) && ahead.sees_symbol("(", 2)) {
    ahead.skip();
    ahead.skip();
    out.what = AlterExternalTable::What::drop_partition;
    TRY_ASSIGN(auto one, partition(ahead));
    out.partitions.push_back(std::move(one));
  } else if (ahead.accept("partition")) {
    TRY_ASSIGN(auto one, partition(ahead));
    out.partitions.push_back(std::move(one));
    TRY(ahead.expect("set"));
    TRY(ahead.expect("location"));
    TRY_ASSIGN(out.location, ahead.text("where its files lie: 's3://bucket/prefix/'"));
  } else if (ahead.accept_all({"set", "location"})) {
    TRY_ASSIGN(out.location, ahead.text("where the files lie: 's3://bucket/prefix/'"));
  } else if (ahead.accept_all({"set", "table", "properties"})) {
    out.what = AlterExternalTable::What::set_properties;
    TRY_ASSIGN(out.properties, properties(ahead, true));
  } else if (ahead.accept_all({"set", "file", "format"})) {
    return ahead.unsupported("SET FILE FORMAT", "DROP TABLE and CREATE EXTERNAL TABLE; the files stay");
  } else {
    return std::optional<Statement>();
  }
  TRY(ahead.expect_end());
  at.go_to(ahead.place());
  return std::optional<Statement>(std::move(out));
}

}  // namespace weir::dialect
