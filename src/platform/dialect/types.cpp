// Redshift, "Data types" (c_Supported_data_types); PostgreSQL 15, "Data Types". What neither has is the engine's.
#include <array>

#include "platform/dialect/cursor.h"

namespace weir::dialect {
namespace {

constexpr int kVarcharMax = 65'535, kCharMax = 4'096;

struct Plain {
  std::string_view written, engine, shown;
};
constexpr std::array<Plain, 42> kPlain = {{
    {"smallint", "SMALLINT", "smallint"},
    {"int2", "SMALLINT", "smallint"},
    {"integer", "INTEGER", "integer"},
    {"int", "INTEGER", "integer"},
    {"int4", "INTEGER", "integer"},
    {"bigint", "BIGINT", "bigint"},
    {"int8", "BIGINT", "bigint"},
    {"real", "FLOAT", "real"},
    {"float4", "FLOAT", "real"},
    {"float8", "DOUBLE", "double precision"},
    {"boolean", "BOOLEAN", "boolean"},
    {"bool", "BOOLEAN", "boolean"},
    {"date", "DATE", "date"},
    {"timestamptz", "TIMESTAMPTZ", "timestamp with time zone"},
    {"timetz", "TIMETZ", "time with time zone"},
    {"super", "JSON", "super"},
    {"json", "JSON", "json"},
    {"jsonb", "JSON", "jsonb"},
    {"bytea", "BLOB", "bytea"},
    {"varbyte", "BLOB", "binary varying"},
    {"varbinary", "BLOB", "binary varying"},
    {"hllsketch", "BLOB", "hllsketch"},
    {"uuid", "UUID", "uuid"},
    {"oid", "BIGINT", "oid"},
    {"name", "VARCHAR", "name"},
    {"text", "VARCHAR", "text"},
    {"interval", "INTERVAL", "interval"},
    {"double", "DOUBLE", "double precision"},
    {"blob", "BLOB", "bytea"},
    {"string", "VARCHAR", "text"},
    {"hugeint", "HUGEINT", "numeric(38,0)"},
    {"tinyint", "TINYINT", "smallint"},
    {"utinyint", "UTINYINT", "smallint"},
    {"usmallint", "USMALLINT", "integer"},
    {"uinteger", "UINTEGER", "bigint"},
    {"ubigint", "UBIGINT", "numeric(20,0)"},
    {"timestamp_s", "TIMESTAMP_S", "timestamp without time zone"},
    {"timestamp_ms", "TIMESTAMP_MS", "timestamp without time zone"},
    {"timestamp_ns", "TIMESTAMP_NS", "timestamp without time zone"},
    {"datetime", "TIMESTAMP", "timestamp without time zone"},
    {"intervaly2m", "INTERVAL", "interval"},
    {"intervald2s", "INTERVAL", "interval"},
}};

// (n) or (max), if there.
Result<std::optional<int>> length(Cursor& at, int most, std::string_view type) {
  if (!at.accept_symbol("(")) return std::optional<int>();
  if (at.accept("max")) {
    TRY(at.expect_symbol(")"));
    return std::optional<int>(most);
  }
  Error wrong = at.expected("a length of 1 to " + std::to_string(most) + " bytes, or MAX");
  TRY_ASSIGN(const int64_t value, at.integer("a length"));
  if (value < 1 || value > most) {
    wrong.message = std::string(type) + " has 1 to " + std::to_string(most) + " bytes, found " + std::to_string(value);
    wrong.sqlstate = "22023";
    return wrong;
  }
  TRY(at.expect_symbol(")"));
  return std::optional<int>(static_cast<int>(value));
}

Type text_type(std::string_view shown, int bytes_max) {
  return {"VARCHAR", std::string(shown) + "(" + std::to_string(bytes_max) + ")", bytes_max};
}

Result<Type> decimal(Cursor& at) {
  int64_t precision = 18, scale = 0;
  if (at.accept_symbol("(")) {
    const Error wrong = at.expected("a precision of 1 to 38");
    TRY_ASSIGN(precision, at.integer("a precision"));
    if (at.accept_symbol(",")) {
      TRY_ASSIGN(scale, at.integer("a scale"));
    }
    TRY(at.expect_symbol(")"));
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
      Error out = wrong;
      out.message = "a decimal has a precision of 1 to 38 and a scale of 0 up to it, found (" +
                    std::to_string(precision) + "," + std::to_string(scale) + ")";
      out.sqlstate = "22023";
      return out;
    }
  }
  const std::string size = "(" + std::to_string(precision) + "," + std::to_string(scale) + ")";
  return Type{"DECIMAL" + size, "numeric" + size, {}};
}

Result<Type> timed(Cursor& at, std::string_view engine, std::string_view shown) {
  if (at.accept_symbol("(")) {  // a precision, which is always that of microseconds
    TRY(at.integer("a precision"));
    TRY(at.expect_symbol(")"));
  }
  if (at.accept_all({"with", "time", "zone"})) {
    return Type{std::string(engine) + "TZ", std::string(shown) + " with time zone", {}};
  }
  at.accept_all({"without", "time", "zone"});
  return Type{std::string(engine), std::string(shown) + " without time zone", {}};
}

Result<Type> one_type(Cursor& at) {
  const std::string word = at.word();
  if (word == "decimal" || word == "numeric" || word == "dec") {
    at.skip();
    return decimal(at);
  }
  if (word == "timestamp" || word == "time") {
    at.skip();
    return timed(at, word == "time" ? "TIME" : "TIMESTAMP", word);
  }
  if (word == "double") {
    at.skip();
    at.accept("precision");
    return Type{"DOUBLE", "double precision", {}};
  }
  if (word == "float") {
    at.skip();
    if (!at.accept_symbol("(")) return Type{"DOUBLE", "double precision", {}};
    TRY_ASSIGN(const int64_t bits, at.integer("a number of bits"));
    TRY(at.expect_symbol(")"));
    return bits <= 24 ? Type{"FLOAT", "real", {}} : Type{"DOUBLE", "double precision", {}};
  }
  const bool is_character = word == "character" || word == "char" || word == "nchar" || word == "bpchar";
  if (is_character || word == "varchar" || word == "nvarchar") {
    at.skip();
    const bool is_varying = !is_character || at.accept("varying");
    const int most = is_varying ? kVarcharMax : kCharMax;
    TRY_ASSIGN(const std::optional<int> bytes, length(at, most, is_varying ? "VARCHAR" : "CHAR"));
    if (is_varying && !bytes) return Type{"VARCHAR", "character varying", {}};
    return text_type(is_varying ? "character varying" : "character", bytes.value_or(word == "bpchar" ? 256 : 1));
  }
  if (word == "binary" || word == "varbinary" || word == "varbyte") {
    at.skip();
    at.accept("varying");
    TRY_ASSIGN(const std::optional<int> bytes, length(at, 16'777'216, "VARBYTE"));
    return Type{"BLOB", "binary varying(" + std::to_string(bytes.value_or(64'000)) + ")", {}};
  }
  if (word == "geometry" || word == "geography") return at.unsupported("The type " + word);
  for (const Plain& known : kPlain) {
    if (known.written != word) continue;
    at.skip();
    return Type{std::string(known.engine), std::string(known.shown), {}};
  }
  return at.expected("a type");
}

}  // namespace

Result<Type> parse_type(Cursor& at) {
  if (at.sees("pg_catalog") && at.sees_symbol(".", 1)) {
    at.skip();
    at.skip();
  }
  TRY_ASSIGN(Type type, one_type(at));
  while (at.sees_symbol("[") || at.sees("array")) {
    if (!at.accept("array")) {
      at.skip();
      if (!at.sees_symbol("]")) {
        TRY(at.integer("a length, or \"]\""));
      }
      TRY(at.expect_symbol("]"));
    }
    type = {type.engine + "[]", type.shown + "[]", {}};
  }
  return type;
}

}  // namespace weir::dialect
