#include "platform/forget/forget.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "platform/forget/forget_work.h"
#include "platform/forget/receipt.h"
#include "stream/capture/declaration.h"

namespace weir::forget {
namespace {

constexpr const char* kKind = "forget";
constexpr Duration kDrainMax = minutes(10);

std::string hex_of(const Fingerprint& hash) {
  std::string bytes(reinterpret_cast<const char*>(&hash), sizeof hash);
  return hex_encode(bytes);
}

}  // namespace

Result<std::unique_ptr<Forgets>> Forgets::open(const Parts& parts, const std::string& key_file) {
  return std::unique_ptr<Forgets>(new Forgets(parts, key_file));
}

// Detached and disabled streams too: their events are there all the same.
Result<std::shared_ptr<const capture::Stream>> Forgets::stream_of(std::string_view name) const {
  TRY_ASSIGN(const auto declarations, parts_.control.declarations());
  std::vector<std::string> names;
  for (const control::Declaration& one : declarations) {
    if (one.kind != "stream") continue;
    names.push_back(one.name);
    if (one.name != name) continue;
    TRY_ASSIGN(capture::Stream stream, capture::stream_from_json(one.body));
    return std::make_shared<const capture::Stream>(std::move(stream));
  }
  return Error(Code::not_found, "there is no stream " + shown(name), did_you_mean(name, names));
}

Result<HashKey> Forgets::key(bool make) {
  const std::lock_guard lock(mutex_);
  if (key_) return *key_;
  auto text = read_file(parts_.files, key_file_, 256);
  if (!text && text.error().code != Code::not_found) return text.error();
  HashKey found;
  if (text) {
    const auto bytes = hex_decode(trim(*text));
    if (!bytes || bytes->size() != sizeof found) {
      return Error(Code::corrupt, key_file_ + " is no key", "restore it from where you keep .weir/secret.key");
    }
    std::memcpy(&found, bytes->data(), sizeof found);
  } else {
    if (!make) return Error(Code::not_found, key_file_ + " is gone: what was asked to be forgotten cannot be told");
    found = {parts_.random.next(), parts_.random.next()};
    TRY(replace_file(parts_.files, key_file_,
                     hex_encode(std::string(reinterpret_cast<const char*>(&found), sizeof found)) + "\n"));
  }
  key_ = found;
  return found;
}

Result<Forgets::Wanted> Forgets::wanted_of(const Request& request) {
  Wanted out;
  TRY_ASSIGN(out.stream, stream_of(request.stream));
  const capture::Field* field = out.stream->find(request.field);
  if (field == nullptr || !field->subject) {
    std::vector<std::string> subjects;
    for (const capture::Field& one : out.stream->fields) {
      if (one.subject) subjects.push_back(one.name);
    }
    const std::string file = "streams/" + request.stream + ".yaml";
    return Error(field == nullptr ? Code::not_found : Code::invalid,
                 field == nullptr ? "the stream " + request.stream + " has no field " + shown(request.field)
                                  : "the field " + request.field + " of " + request.stream + " names no person",
                 subjects.empty() ? "declare `subject: true` for it in " + file + " and apply it"
                                  : "its subject fields: " + join(subjects, ", ") + " (" + file + ")");
  }
  out.field = *field;
  if (request.values.empty()) return Error(Code::invalid, "no value of " + request.field + " is given");
  if (request.values.size() > capture::kSubjectValuesMax) {
    return Error(Code::invalid, std::to_string(request.values.size()) + " values are given, at most " +
                                    std::to_string(capture::kSubjectValuesMax) + " are forgotten at once");
  }
  TRY_ASSIGN(const HashKey hash_key, key(true));
  std::set<std::string> hashes;
  for (const std::string& value : request.values) {
    TRY_ASSIGN(const std::string canonical, capture::canonical_subject(*field, value));
    hashes.insert(hex_of(capture::Subject::hash(hash_key, canonical)));
  }
  for (const std::string& hash : hashes) out.hashes.push(hash);
  return out;
}

Result<capture::Subject::Hash> Forgets::hash_of(const Json& hashes) {
  capture::Subject::Hash hash;
  TRY_ASSIGN(hash.key, key(false));
  for (const Json& text : hashes.array()) {
    TRY_ASSIGN(const std::string bytes, hex_decode(text.as_string()));
    Fingerprint one;
    if (bytes.size() != sizeof one) return Error(Code::corrupt, "a forget holds something that is no hash");
    std::memcpy(&one, bytes.data(), sizeof one);
    hash.wanted.push_back(one);
  }
  return hash;
}

Result<Json> Forgets::count(const Request& request, const Cancel& cancel) {
  TRY_ASSIGN(const Wanted wanted, wanted_of(request));
  TRY(parts_.lake.drain(kDrainMax));
  TRY_ASSIGN(auto hash, hash_of(wanted.hashes));
  capture::Subject subject(wanted.field, std::move(hash));
  lake::ForgetRequest order;
  order.stream = request.stream;
  order.subject = &subject;
  order.through = parts_.lake.status().cursor.value;
  order.only_counts = true;
  TRY_ASSIGN(const lake::Forgotten found, parts_.lake.forget(order, cancel, {}));
  Json out{Json::Object{}};
  out.set("stream", request.stream);
  out.set("field", request.field);
  out.set("events", found.events);
  out.set("quarantined", found.quarantined);
  out.set("notes", found.notes);
  return out;
}

Result<std::string> Forgets::begin_run(const control::Forget& forget, const Json& cause) {
  flow::WorkRequest wanted;
  wanted.kind = kKind;
  wanted.name = forget.stream;
  wanted.parameters = Json(Json::Object{{"forget", forget.id}});
  wanted.cause = cause;
  return parts_.flow.start_work(wanted);
}

Result<Json> Forgets::start(const Request& request, const Json& cause) {
  TRY_ASSIGN(const Wanted wanted, wanted_of(request));
  TRY_ASSIGN(const auto known, parts_.control.forgets());
  control::Forget forget;
  bool is_recorded = false;
  for (const control::Forget& one : known) {
    const bool same = one.state == "open" && one.stream == request.stream &&
                      one.body["field"].as_string() == request.field && one.body["hashes"] == wanted.hashes;
    if (same) forget = one;
  }
  if (forget.id.empty()) {
    forget.id = format_uuid(uuid_v7(parts_.clock, parts_.random));
    forget.stream = request.stream;
    forget.state = "open";
    forget.begun_at = parts_.clock.wall();
    forget.body = Json(Json::Object{{"field", request.field}, {"hashes", wanted.hashes}, {"by", cause}});
  } else if (forget.body["remove_objects"].as_bool(false) || !request.remove_objects) {
    is_recorded = true;
  }
  if (!is_recorded) {
    if (request.remove_objects) forget.body.set("remove_objects", true);
    TRY(parts_.control.put_forget(forget));
  }
  TRY_ASSIGN(const std::string run, begin_run(forget, cause));
  return Json(Json::Object{{"id", forget.id}, {"run", run}});
}

Result<Json> Forgets::list() {
  TRY_ASSIGN(const auto forgets, parts_.control.forgets());
  Json listed{Json::Array{}};
  for (const control::Forget& forget : forgets) listed.push(receipt_json(forget));
  return Json(Json::Object{{"forgets", std::move(listed)}});
}

Result<Json> Forgets::find(std::string_view id) {
  TRY_ASSIGN(const auto forgets, parts_.control.forgets());
  for (const control::Forget& forget : forgets) {
    if (forget.id == id) return receipt_json(forget);
  }
  return Error(Code::not_found, "nothing was forgotten under the id " + shown(id));
}

Result<std::vector<capture::Forgetting>> Forgets::of(std::string_view stream) {
  TRY_ASSIGN(const auto forgets, parts_.control.forgets());
  std::vector<capture::Forgetting> out;
  std::shared_ptr<const capture::Stream> declared;
  for (const control::Forget& forget : forgets) {
    if (forget.stream != stream) continue;
    if (!declared) {
      TRY_ASSIGN(declared, stream_of(stream));
    }
    const capture::Field* field = declared->find(forget.body["field"].as_string());
    if (field == nullptr) continue;  // nothing can carry it any more
    TRY_ASSIGN(auto hash, hash_of(forget.body["hashes"]));
    out.push_back({*field, std::move(hash), forget.begun_at});
  }
  return out;
}

void Forgets::add_work() {
  parts_.flow.add_work(kKind, std::make_unique<ForgetWork>(*this));
}

Status Forgets::resume() {
  TRY_ASSIGN(const auto forgets, parts_.control.forgets());
  TRY_ASSIGN(const auto runs, parts_.control.runs("", true, 1'000));
  for (const control::Forget& forget : forgets) {
    if (forget.state != "open") continue;
    const bool has_run = std::any_of(runs.begin(), runs.end(), [&](const control::Run& run) {
      return run.kind == kKind && run.parameters["forget"].as_string() == forget.id;
    });
    if (has_run) continue;
    TRY_ASSIGN(const std::string run, begin_run(forget, Json(Json::Object{{"by", "start"}})));
  }
  return {};
}

}  // namespace weir::forget
