#include "platform/warehouse/audit.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/base/time.h"
#include "platform/dialect/rewrite.h"

namespace weir::warehouse {
namespace {

std::vector<std::string> first_words(std::string_view sql) {
  std::vector<std::string> out;
  const auto tokens = dialect::tokenize(sql);
  if (!tokens) return out;
  for (const dialect::Token& token : *tokens) {
    if (out.size() == 3) break;
    if (token.kind == dialect::TokenKind::word) out.push_back(to_lower(token.in(sql)));
  }
  out.resize(3);
  return out;
}

bool is_one_of(const std::string& word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

Json entry_of(const StatementInfo& info) {
  Json out(Json::Object{{"at", shown_time(info.started_at.micros)},
                        {"kind", audit_kind(info.sql)},
                        {"user", info.user},
                        {"peer", info.peer},
                        {"client", info.client},
                        {"database", info.database},
                        {"what", dialect::without_values(info.sql)},
                        {"outcome", state_name(info.state)}});
  if (info.error) out.set("error", dialect::without_quoted(info.error->message));
  out.set("rows", static_cast<int64_t>(info.rows));
  out.set("elapsed_ms", info.elapsed.micros / 1'000);
  out.set("id", info.id);
  return out;
}

Json entry_of(const ConnectionEvent& event) {
  std::string kind = "user";
  if (event.event == "authenticated") kind = "sign_in";
  if (event.event == "authentication failure") kind = "sign_in_failed";
  if (event.event == "disconnecting session") kind = "sign_out";
  if (event.event.starts_with("token ")) kind = "token";
  const bool is_sign_in = kind.starts_with("sign_");
  Json out(Json::Object{{"at", shown_time(event.at.micros)},
                        {"kind", kind},
                        {"user", event.user},
                        {"peer", event.peer},
                        {"client", is_sign_in ? event.application : event.way},
                        {"database", event.database},
                        {"what", is_sign_in ? event.event + (event.way.empty() ? "" : " by " + event.way)
                                            : event.event + " " + event.reason},
                        {"outcome", kind == "sign_in_failed" ? "failed" : "done"}});
  if (is_sign_in && !event.reason.empty()) out.set("error", dialect::without_quoted(event.reason));
  return out;
}

}  // namespace

std::string audit_kind(std::string_view sql) {
  const std::vector<std::string> words = first_words(sql);
  if (words.empty()) return "read";
  const std::string &first = words[0], &second = words[1];
  if (is_one_of(first, {"grant", "revoke", "attach", "detach"})) return "rights";
  if (is_one_of(first, {"create", "alter", "drop"})) {
    if (is_one_of(second, {"user", "role", "group"})) return "user";
    const bool is_right = is_one_of(second, {"rls", "masking"}) || (second == "default" && words[2] == "privileges");
    return is_right ? "rights" : "define";
  }
  if (is_one_of(first, {"insert", "update", "delete", "merge", "truncate", "copy", "unload", "refresh"}))
    return "change";
  if (is_one_of(first, {"comment", "vacuum", "analyze", "analyse"})) return "define";
  if (is_one_of(first, {"begin", "start", "commit", "end", "rollback", "abort", "set", "reset", "discard", "declare",
                        "fetch", "close", "prepare", "deallocate", "lock"})) {
    return "session";
  }
  return "read";
}

Json audit_json(const StatementLog& log, const AuditQuery& query) {
  struct Entry {
    int64_t at = 0;
    Json shown;
  };
  std::vector<Entry> entries;
  const auto add = [&](int64_t at, Json shown) {
    if (query.since && at < query.since->micros) return;
    if (query.until && at >= query.until->micros) return;
    if (!query.user.empty() && shown["user"].as_string() != query.user) return;
    if (!query.kind.empty() && shown["kind"].as_string() != query.kind) return;
    if (!query.outcome.empty() && shown["outcome"].as_string() != query.outcome) return;
    entries.push_back({at, std::move(shown)});
  };
  for (const StatementInfo& one : log.finished()) add(one.started_at.micros, entry_of(one));
  for (const ConnectionEvent& one : log.connections()) add(one.at.micros, entry_of(one));
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.at > b.at; });
  Json out{Json::Array{}};
  for (size_t i = 0; i < std::min(entries.size(), query.limit); ++i) out.push(std::move(entries[i].shown));
  return Json::Object{{"entries", std::move(out)}};
}

}  // namespace weir::warehouse
