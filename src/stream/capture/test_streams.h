// Streams for this room's tests: the seed's impressions, and one with a field of every type.
// Pure functions; tests only.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "stream/capture/stream.h"
#include "stream/capture/stream_plan.h"

namespace weir::capture {

inline Field field_of(std::string name, FieldType type, bool required = false) {
  Field out;
  out.name = std::move(name);
  out.type = type;
  out.required = required;
  return out;
}

inline Stream impressions() {
  Stream out;
  out.name = "impressions";
  out.fields = {field_of("impression_id", FieldType::uuid), field_of("ad_id", FieldType::uuid, true),
                field_of("occurred_at", FieldType::timestamp, true)};
  out.key = "impression_id";
  out.time_field = "occurred_at";
  out.unknown = UnknownFields::refuse;
  out.beacon = Beacon{"/impressions", "impressions", 500};
  return out;
}

inline Stream everything() {
  Stream out;
  out.name = "everything";
  Field decimal = field_of("price", FieldType::decimal);
  decimal.precision = 9;
  decimal.scale = 2;
  Field object = field_of("device", FieldType::object);
  object.fields = {field_of("os", FieldType::string, true), field_of("cores", FieldType::integer)};
  Field items = field_of("items", FieldType::array);
  Field item = field_of("", FieldType::object);
  item.fields = {field_of("sku", FieldType::string, true), field_of("price", FieldType::number)};
  items.items = {item};
  out.fields = {field_of("id", FieldType::string),
                field_of("flag", FieldType::boolean),
                field_of("count", FieldType::integer),
                field_of("ratio", FieldType::number),
                decimal,
                field_of("name", FieldType::string),
                field_of("user", FieldType::uuid),
                field_of("at", FieldType::timestamp),
                field_of("day", FieldType::date),
                field_of("free", FieldType::json),
                object,
                items};
  return out;
}

inline std::shared_ptr<const StreamPlan> plan_of(Stream stream) {
  return *StreamPlan::compile(std::make_shared<Stream>(std::move(stream)));
}

}  // namespace weir::capture
