// A small kind for tests of core/project, which knows no room above it: things have a `size`, an optional `place` that
// nothing else has, a `past` that only history knows, and may not shrink.
#pragma once

#include <string>

#include "core/project/project.h"

namespace weir::project {

inline Declared parse_thing(const DeclarationSource& source) {
  YamlReader in(source.root, "a thing");
  Declared out;
  out.name = source.name;
  int64_t size = 0;
  Common common;
  SecretText password;
  in.identifier("name", out.name);
  in.integer("size", size, {0, 100}, required);
  in.secret_text("password", password);
  std::string place;
  if (in.text("place", place)) out.claims.push_back({"place " + place, in.value("place")->at});
  read_common(in, common);
  out.errors = in.finish();
  out.body = Json(Json::Object{{"size", size}, {"enabled", common.enabled}, {"password", password.written}});
  return out;
}

inline std::vector<Difference> compare_things(const Json& from, const Json& to) {
  std::vector<Difference> out;
  if (!(from["size"] == to["size"])) {
    const bool shrinks = to["size"].as_int() < from["size"].as_int();
    out.push_back({"size: " + from["size"].dump() + " -> " + to["size"].dump(), !shrinks,
                   shrinks ? "its data does not fit" : "", shrinks ? "declare a new thing" : ""});
  }
  return out;
}

// The sizes that a thing had.
inline Json carry_thing(const Json& from, const Json& to) {
  Json out = to;
  Json past = from["past"];
  if (!(from["size"] == to["size"])) past = from["size"];
  if (!past.is_null()) out.set("past", past);
  return out;
}

inline Kind thing_kind() {
  return {.name = "thing",
          .folder = "things",
          .prose = "A thing.",
          .parse = parse_thing,
          .compare = compare_things,
          .carry = carry_thing,
          .schema = [] {
            return Json(Json::Object{{"type", "object"}});
          }};
}

// A kind of SQL files: a `size` in the front matter, and the SQL with its line.
inline Declared parse_query(const DeclarationSource& source) {
  YamlReader in(source.root, "a query");
  Declared out;
  int64_t size = 0;
  in.integer("size", size, {0, 100});
  out.errors = in.finish();
  out.body = Json(Json::Object{{"size", size}, {"sql", source.sql}, {"line", source.sql_line}});
  return out;
}

inline Kind query_kind() {
  return {.name = "query",
          .folder = "queries",
          .prose = "A query.",
          .parse = parse_query,
          .compare = [](const Json&, const Json&) { return std::vector<Difference>{}; },
          .schema = [] { return *Json::parse(R"({"type": "object", "properties": {"size": {"type": "integer"}}})"); },
          .extension = "sql"};
}

// A kind whose declarations are folders: a `size` in box.yaml, and the names of all files.
inline Declared parse_box(const DeclarationSource& source) {
  YamlReader in(source.root, "a box");
  Declared out;
  int64_t size = 0;
  in.integer("size", size, {0, 100});
  out.errors = in.finish();
  Json parts{Json::Array{}};
  for (const auto& [path, text] : source.parts) parts.push(path);
  out.body = Json(Json::Object{{"size", size}, {"parts", std::move(parts)}});
  return out;
}

inline Kind box_kind() {
  return {.name = "box",
          .folder = "boxes",
          .prose = "A box.",
          .parse = parse_box,
          .compare = [](const Json&, const Json&) { return std::vector<Difference>{}; },
          .schema = [] { return *Json::parse(R"({"type": "object"})"); },
          .main = "box.yaml"};
}

}  // namespace weir::project
