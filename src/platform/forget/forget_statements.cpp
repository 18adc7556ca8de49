// What else may name a person: objects of the store, and what is kept of statements.
#include <algorithm>

#include "platform/flow/flow_declaration.h"
#include "platform/forget/forget_objects.h"
#include "platform/forget/forget_state.h"
#include "platform/forget/forget_work.h"
#include "platform/warehouse/forget_texts.h"
#include "platform/warehouse/load_log.h"
#include "platform/warehouse/statement_log.h"

namespace weir::forget {
namespace {

// SQL quotes with ', which tells no text from the words around it.
bool is_named(capture::Subject& subject, std::string_view bytes) {
  if (subject.is_in(bytes)) return true;
  if (bytes.find('\'') == std::string_view::npos) return false;
  std::string quoted(bytes);
  std::replace(quoted.begin(), quoted.end(), '\'', '"');
  return subject.is_in(quoted);
}

}  // namespace

Status ForgetWork::look_into_objects(State& state) {
  if (parts_.buckets == nullptr) return {};
  ObjectSearch search{.buckets = *parts_.buckets,
                      .engine = parts_.engine,
                      .names = [&](std::string_view bytes) { return is_named(state.subject, bytes); },
                      .written = {},
                      .prefixes = {},
                      .removes_all = state.forget.body["remove_objects"].as_bool(false)};
  if (parts_.loads != nullptr) {
    for (const warehouse::LoadedFile& one : parts_.loads->unloaded()) search.written.insert(one.file);
  }
  TRY_ASSIGN(const auto declarations, parts_.control.declarations());
  for (const control::Declaration& one : declarations) {
    if (one.kind != "flow") continue;
    TRY_ASSIGN(const flow::FlowDeclaration declared, flow::flow_from_json(one.body));
    for (const flow::Step& step : declared.steps) {
      for (std::string& prefix : unload_prefixes(step.sql)) search.prefixes.push_back(std::move(prefix));
    }
  }
  TRY_ASSIGN(const ObjectsFound found, search_objects(search, state.context.cancel()));
  Json removed{Json::Array{}};
  for (const std::string& url : found.removed) removed.push(url);
  set_place(state.forget, "objects of the store",
            Json(Json::Object{{"objects_seen", found.seen}, {"removed", std::move(removed)}}));
  set_missed(state.forget, "objects", found.missed);
  return {};
}

Status ForgetWork::look_into_statements(State& state) {
  const warehouse::NamesPerson names = [&](std::string_view text) { return is_named(state.subject, text); };
  std::vector<Missed> missed;
  TRY_ASSIGN(const auto jobs, warehouse::forget_in_jobs(parts_.control, parts_.files, parts_.results_folder, names));
  if (forgets_.jobs_changed_) forgets_.jobs_changed_();
  for (const std::string& id : jobs.open) {
    missed.push_back({"statement " + id + " of the Data API", "it names the person and is under way",
                      "`weir lake forget` with the same value again, when it has ended"});
  }
  set_place(state.forget, "statements of the Data API",
            Json(Json::Object{{"statements_seen", jobs.seen}, {"without_values", jobs.changed}}));
  warehouse::TextsForgotten texts, lines;
  if (parts_.statements != nullptr) texts = parts_.statements->forget(names);
  if (parts_.loads != nullptr) lines = parts_.loads->forget(names);
  for (const std::string& id : texts.open) {
    missed.push_back({"statement " + id, "it names the person and is under way",
                      "`weir lake forget` with the same value again, when it has ended"});
  }
  if (!lines.open.empty()) {
    missed.push_back(
        {"history of COPY and UNLOAD",
         "it keeps the names of " + std::to_string(lines.open.size()) + " file(s) whose names say the person",
         "history.age and history.records say how long"});
  }
  set_place(state.forget, "statement history",
            Json(Json::Object{{"statements_seen", texts.seen},
                              {"without_values", texts.changed},
                              {"lines_of_copy_removed", lines.changed}}));
  set_missed(state.forget, "statements", missed);
  return {};
}

}  // namespace weir::forget
