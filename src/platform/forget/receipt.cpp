#include "platform/forget/receipt.h"

#include "core/base/time.h"

namespace weir::forget {

Json receipt_json(const control::Forget& forget) {
  Json out{Json::Object{}};
  out.set("id", forget.id);
  out.set("stream", forget.stream);
  out.set("state", forget.state);
  out.set("begun_at", format_timestamp(forget.begun_at.micros));
  out.set("ended_at", forget.ended_at ? Json(format_timestamp(forget.ended_at->micros)) : Json());
  for (const auto& [name, value] : forget.body.object()) {
    if (name != "not_reached") out.set(name, value);
  }
  Json missed{Json::Array{}};
  for (const auto& [group, entries] : forget.body["not_reached"].object()) {
    for (const Json& entry : entries.array()) missed.push(entry);
  }
  out.set("not_reached", std::move(missed));
  return out;
}

void set_place(control::Forget& forget, const std::string& place, Json entry) {
  Json named{Json::Object{{"place", place}}};
  for (const auto& [name, value] : entry.object()) named.set(name, value);
  Json places{Json::Array{}};
  bool is_there = false;
  for (const Json& known : forget.body["places"].array()) {
    const bool same = known["place"].as_string() == place;
    is_there |= same;
    places.push(same ? named : known);
  }
  if (!is_there) places.push(std::move(named));
  forget.body.set("places", std::move(places));
}

void set_missed(control::Forget& forget, const std::string& group, const std::vector<Missed>& missed) {
  Json entries{Json::Array{}};
  for (const Missed& one : missed) {
    entries.push(Json(Json::Object{{"place", one.place}, {"why", one.why}, {"what", one.what}}));
  }
  Json groups = forget.body["not_reached"].is_object() ? forget.body["not_reached"] : Json(Json::Object{});
  groups.set(group, std::move(entries));
  forget.body.set("not_reached", std::move(groups));
}

}  // namespace weir::forget
