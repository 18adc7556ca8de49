#include "stream/capture/mark.h"

#include "core/base/json.h"

namespace weir::capture {
namespace {

constexpr const char* kTexts[] = {"action", "outcome", "quarantine_id", "event_id",   "reason",
                                  "field",  "message", "source",        "fingerprint"};
constexpr const char* kNumbers[] = {"entry",      "records_from", "records_through", "accepted",
                                    "duplicates", "quarantined",  "refused"};

Field field(const char* name, FieldType type) {
  Field out;
  out.name = name;
  out.type = type;
  return out;
}

}  // namespace

std::string mark_json(const Mark& mark) {
  Json out{Json::Object{}};
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) out.set(name, value);
  };
  const auto number = [&](const char* name, const std::optional<uint64_t>& value) {
    if (value) out.set(name, *value);
  };
  text("action", mark.action);
  text("outcome", mark.outcome);
  number("entry", mark.entry);
  text("quarantine_id", mark.quarantine_id);
  text("event_id", mark.event_id);
  text("reason", mark.reason);
  text("field", mark.field);
  text("message", mark.message);
  text("source", mark.source);
  text("fingerprint", mark.fingerprint);
  number("records_from", mark.records_from);
  number("records_through", mark.records_through);
  number("accepted", mark.accepted);
  number("duplicates", mark.duplicates);
  number("quarantined", mark.quarantined);
  number("refused", mark.refused);
  return out.dump();
}

std::shared_ptr<const Stream> mark_stream() {
  auto out = std::make_shared<Stream>();
  out->name = "intake";
  for (const char* name : kTexts) out->fields.push_back(field(name, FieldType::string));
  for (const char* name : kNumbers) out->fields.push_back(field(name, FieldType::integer));
  out->unknown = UnknownFields::drop;
  return out;
}

}  // namespace weir::capture
