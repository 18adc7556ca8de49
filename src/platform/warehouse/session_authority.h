// A session's statement before the engine: whose rights it has, what names of views mean, and the words for itself.
// Internal to platform/warehouse. Immutable, but for what set_config() says, which is the session's thread's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/warehouse/rights.h"
#include "platform/warehouse/settings.h"

namespace weir::warehouse {

Subject subject_of(const access::Directory& directory, uint32_t id);
Subject subject_of(const access::Directory& directory, const User& user);

class SessionAuthority final : public engine::Authority {
 public:
  struct Parts {
    std::shared_ptr<const Rights> rights;
    std::shared_ptr<const access::Directory> directory;
    std::shared_ptr<const Settings> settings;
    Subject subject;
    std::vector<std::string> search_path;
    std::string database;
    Profile profile = Profile::postgres;
    int32_t process_id = 0;
    Buckets* buckets = nullptr;  // where external tables have their files; null: there are none
    NoteScan note_scan = {};     // of one of them
    // Told of each relation with row-level security that a statement reads: by which policies; none: no row by default.
    std::function<void(const engine::RelationGuard&, const std::vector<std::string>&)> note_guard = {};
    std::shared_ptr<std::vector<std::pair<std::string, std::string>>> said;  // by set_config(), to be done afterwards
    std::shared_ptr<std::set<std::string>> changes;  // MaterializedViews::key_of() what statements change goes in there
    std::function<bool(const Relation& view)> is_stale = {};
  };
  explicit SessionAuthority(Parts parts);

  Status check(const engine::RelationUse& use) const override;
  const View* view(std::string_view schema, std::string_view name) const override;
  Result<std::shared_ptr<const engine::ExternalTable>> external(std::string_view schema, std::string_view name,
                                                                std::string_view within) const override;
  bool may_be_guarded(std::string_view name) const override;
  const engine::RelationGuard* guard(std::string_view schema, std::string_view name) const override;
  void passed(const engine::RelationGuard& guard) const override;
  Result<std::vector<engine::FunctionCandidate>> functions(std::string_view schema, std::string_view name,
                                                           size_t arguments,
                                                           const std::vector<std::string>* search_path) const override;
  std::optional<Json> word(std::string_view function, const std::vector<Json>& arguments) const override;
  std::string_view database() const override { return parts_.database; }

 private:
  Result<Subject> reader(std::string_view within) const;
  // What system relations ask: who sees what others ran, the search path, privileges.
  std::optional<Json> system_word(std::string_view word, std::string_view argument) const;
  std::optional<Json> rights_word(std::string_view word, const std::vector<std::string>& lines) const;
  const Parts parts_;
  std::map<std::string, engine::RelationGuard> guards_;  // by "schema.name"
  std::set<std::string> guarded_names_;                  // in lower case
};

}  // namespace weir::warehouse
