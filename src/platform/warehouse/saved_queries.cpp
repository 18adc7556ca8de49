#include "platform/warehouse/saved_queries.h"

#include <algorithm>

#include "core/base/hash.h"
#include "core/base/text.h"

namespace weir::warehouse {
namespace {

constexpr std::string_view kEnding = ".sql";
constexpr size_t kRevisionDigits = 16;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Status check_name(std::string_view name) {
  if (is_name(name)) return {};
  return Error(Code::invalid, shown(name) + " is no name of a query", "a name has 1 to 63 of a-z, 0-9, '_' and '-'");
}

Status check_text(std::string_view sql) {
  if (sql.size() > SavedQueries::kBytesMax) {
    return Error(Code::too_large, "the query has " + std::to_string(sql.size()) + " bytes, allowed are " +
                                      std::to_string(SavedQueries::kBytesMax));
  }
  if (!valid_utf8(sql) || sql.find('\0') != std::string_view::npos) {
    return Error(Code::invalid, "the query is not UTF-8 text");
  }
  if (trim(sql).empty()) return Error(Code::invalid, "the query is empty");
  return {};
}

std::string revision_of(std::string_view sql) {
  return sha256_hex(sql).substr(0, kRevisionDigits);
}

Error no_query(std::string_view name) {
  return Error(Code::not_found, "there is no saved query " + shown(name), "GET /v1/queries lists them");
}

}  // namespace

Json SavedQuery::to_json() const {
  return Json(Json::Object{{"name", name}, {"sql", sql}, {"revision", revision}});
}

SavedQueries::SavedQueries(Files& files, std::string project_folder)
    : files_(files), folder_(join_path(project_folder, "queries")) {}

std::string SavedQueries::path_of(std::string_view name) const {
  return join_path(folder_, std::string(name) + std::string(kEnding));
}

Result<std::vector<SavedQueries::Listed>> SavedQueries::list() const {
  TRY_ASSIGN(const bool is_there, files_.exists(folder_));
  std::vector<Listed> out;
  if (!is_there) return out;
  TRY_ASSIGN(const std::vector<DirectoryEntry> entries, files_.list(folder_));
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory || !entry.name.ends_with(kEnding)) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - kEnding.size());
    if (!is_name(name)) continue;
    if (out.size() == kQueriesMax) {
      return Error(Code::too_large, "the folder queries/ has more than " + std::to_string(kQueriesMax) + " queries");
    }
    out.push_back({name, entry.size});
  }
  std::sort(out.begin(), out.end(), [](const Listed& a, const Listed& b) { return a.name < b.name; });
  return out;
}

Result<SavedQuery> SavedQueries::open(std::string_view name) const {
  TRY(check_name(name));
  auto text = read_file(files_, path_of(name), kBytesMax);
  if (!text && text.error().code == Code::not_found) return no_query(name);
  if (!text && text.error().code == Code::too_large) {
    return Error(Code::too_large,
                 "queries/" + std::string(name) + ".sql has more than " + std::to_string(kBytesMax) + " bytes");
  }
  if (!text) return text.error();
  if (!valid_utf8(*text)) return Error(Code::invalid, "queries/" + std::string(name) + ".sql is not UTF-8 text");
  std::string revision = revision_of(*text);
  return SavedQuery{.name = std::string(name), .sql = std::move(*text), .revision = std::move(revision)};
}

Status SavedQueries::check_revision(std::string_view name, std::string_view revision) const {
  TRY_ASSIGN(const SavedQuery there, open(name));
  if (there.revision == revision) return {};
  return Error(Code::conflict,
               "the saved query " + shown(name) + " was changed meanwhile; its revision is " + there.revision,
               "open it again, or save yours under another name");
}

Status SavedQueries::check_new(std::string_view name) const {
  TRY_ASSIGN(const bool is_taken, files_.exists(path_of(name)));
  if (!is_taken) return {};
  return Error(Code::conflict, "there is a saved query " + shown(name) + " already",
               "open it and save over it, or take another name");
}

Result<SavedQuery> SavedQueries::save(std::string_view name, std::string sql,
                                      const std::optional<std::string>& replaces) {
  TRY(check_name(name));
  if (!sql.ends_with('\n')) sql += '\n';
  TRY(check_text(sql));
  const MutexLock lock(mutex_);
  if (replaces) {
    TRY(check_revision(name, *replaces));
  } else {
    TRY(check_new(name));
    TRY_ASSIGN(const std::vector<Listed> there, list());
    if (there.size() >= kQueriesMax) {
      return Error(Code::too_large, "there are " + std::to_string(kQueriesMax) + " saved queries, and no more are kept",
                   "delete one first");
    }
  }
  TRY(files_.make_directories(folder_));
  TRY(replace_file(files_, path_of(name), sql));
  std::string revision = revision_of(sql);
  return SavedQuery{.name = std::string(name), .sql = std::move(sql), .revision = std::move(revision)};
}

Status SavedQueries::remove(std::string_view name, std::string_view revision) {
  TRY(check_name(name));
  const MutexLock lock(mutex_);
  TRY(check_revision(name, revision));
  TRY(files_.remove(path_of(name)));
  return files_.sync_directory(folder_);
}

Result<SavedQuery> SavedQueries::rename(std::string_view name, std::string_view to, std::string_view revision) {
  TRY(check_name(name));
  TRY(check_name(to));
  const MutexLock lock(mutex_);
  TRY(check_revision(name, revision));
  TRY(check_new(to));
  TRY(files_.rename(path_of(name), path_of(to)));
  TRY(files_.sync_directory(folder_));
  return open(to);
}

}  // namespace weir::warehouse
