// Derived tables in the lake: what is handed in becomes files of the catalog by the commits of swap.cpp.
#include "stream/lake/derived.h"

#include <algorithm>

#include "stream/lake/catalog.h"
#include "stream/lake/follower.h"
#include "stream/lake/whole_file.h"

namespace weir::lake {
namespace {

constexpr std::string_view kShadowEnd = " new";

// Of the partition's rows; the day is that of all of them, so a statement that asks for another skips the file.
Json bounds_of(const DerivedTable& table, const std::optional<int32_t>& day) {
  Json out{Json::Object{}};
  if (day) out.set(table.partition, Json(Json::Array{Json(int64_t{*day}), Json(int64_t{*day})}));
  return out;
}

bool is_of(const engine::TableFile& file, const std::optional<int32_t>& day) {
  return day ? file.partition.size() == 1 && file.partition[0] == *day : file.partition.empty();
}

std::vector<std::string> paths_of(const std::vector<engine::TableFile>& files) {
  std::vector<std::string> out;
  for (const auto& file : files) out.push_back(file.path);
  return out;
}

control::LakeTable entry_of(const DerivedTable& table) {
  return {table.name, table.partition, columns_to_json(table.columns)};
}

bool is_same(const control::LakeMark& before, const control::LakeMark& now) {
  return !now.digest.empty() && before.digest == now.digest && before.rows == now.rows;
}

}  // namespace

std::string shadow_name(std::string_view table) {
  return std::string(table).append(kShadowEnd);
}

bool is_shadow(std::string_view name) {
  return name.ends_with(kShadowEnd);
}

StagedFile Follower::stage() {
  StagedFile out;
  out.path = std::string(kDerivedStaging) + "/" + std::to_string(staged_.fetch_add(1)) + ".parquet";
  out.absolute = path_of(out.path);
  return out;
}

Status Follower::unstage(const StagedFile& file) {
  const auto removed = files_.remove(file.absolute);
  return removed || removed.error().code == Code::not_found ? Status() : removed;
}

// As it is now; its caller is the only one who changes it.
Result<Table> Follower::derived_table(const std::string& name) {
  std::lock_guard lock(mutex_);
  const auto found = tables_.find(name);
  if (found == tables_.end()) return Error(Code::not_found, "no table '" + name + "' in the lake");
  if (!found->second.derived) {
    return Error(Code::conflict, "the lake has a stream's table '" + name + "'",
                 "give the table another name, or remove the stream for good");
  }
  return found->second;
}

// What was handed in and is not needed, or could not be committed, goes; the rest was renamed.
class Follower::Unstaging {
 public:
  Unstaging(Follower& lake, const std::vector<DerivedPart>& parts) : lake_(lake) {
    for (const auto& part : parts) {
      if (!part.staged.empty()) files_.push_back({part.staged, lake.path_of(part.staged)});
    }
  }
  ~Unstaging() {
    for (const auto& file : files_) static_cast<void>(lake_.unstage(file));  // the next start does it, too
  }
  Unstaging(const Unstaging&) = delete;
  Unstaging& operator=(const Unstaging&) = delete;

 private:
  Follower& lake_;
  std::vector<StagedFile> files_;
};

Status Follower::make_derived(const DerivedTable& table) {
  Swap change;
  if (const auto before = derived_table(table.name)) {
    change.replaced = paths_of(before->files);
  } else if (before.error().code != Code::not_found) {
    return before.error();
  }
  change.keep = is_shadow(table.name) ? Duration{} : options_.replaced_keep;
  change.derived.unlisted.push_back(table.name);
  change.derived.tables.push_back(entry_of(table));
  return swap(std::move(change));
}

// Whether files still are what was committed.
Result<bool> Follower::is_whole(const Table& table, const std::vector<std::string>& paths) {
  TRY_ASSIGN(const auto listed, control_.lake_files());
  for (const auto& file : listed) {
    if (file.table != table.name || std::find(paths.begin(), paths.end(), file.path) == paths.end()) continue;
    const auto whole = check_whole(files_, path_of(file.path), file);
    if (!whole && whole.error().code != Code::corrupt) return whole.error();
    if (!whole) return false;
  }
  return true;
}

// `into` is what holds the partition now, `name` what the table is called after the commit.
Status Follower::add_part(const Table& into, const std::string& name, DerivedPart part, Swap& change) {
  part.mark.table = name;
  part.mark.version = 0;
  std::vector<std::string> old;
  for (const auto& file : into.files) {
    if (is_of(file, part.mark.day)) old.push_back(file.path);
  }
  const auto before = into.derived->marks.find(part.mark.day);
  if (before != into.derived->marks.end() && is_same(before->second, part.mark)) {
    part.mark.version = before->second.version;
    TRY_ASSIGN(const bool whole, is_whole(into, old));
    if (whole) {
      change.derived.marks.push_back(std::move(part.mark));
      return {};
    }
  }
  if (!part.staged.empty()) {
    Output out;
    out.file.table = name;
    out.file.partition = part.mark.day ? day_folder(*part.mark.day) : "";
    out.file.rows = part.mark.rows;
    out.file.bounds = bounds_of(into.derived->table, part.mark.day);
    out.file.layout = layout_of(into.columns);
    out.staging = std::move(part.staged);
    TRY(measure_output(out));
    change.added.push_back(std::move(out));
  }
  change.replaced.insert(change.replaced.end(), old.begin(), old.end());
  change.derived.marks.push_back(std::move(part.mark));
  return {};
}

Status Follower::publish_derived(const std::string& name, std::vector<DerivedPart> parts) {
  TRY_ASSIGN(const Table table, derived_table(name));
  const Unstaging unstaging(*this, parts);
  Swap change;
  change.keep = is_shadow(name) ? Duration{} : options_.replaced_keep;
  for (DerivedPart& part : parts) {
    TRY(add_part(table, name, std::move(part), change));
  }
  return swap(std::move(change));
}

Status Follower::promote_derived(const std::string& name, std::vector<DerivedPart> parts) {
  TRY_ASSIGN(const Table shadow, derived_table(shadow_name(name)));
  const Unstaging unstaging(*this, parts);
  Swap change;
  change.keep = options_.replaced_keep;
  DerivedMarks before;
  if (const auto old = derived_table(name)) {
    change.replaced = paths_of(old->files);
    before = old->derived->marks;
  } else if (old.error().code != Code::not_found) {
    return old.error();
  }
  DerivedMarks marks = shadow.derived->marks;
  for (DerivedPart& part : parts) {
    marks.erase(part.mark.day);
    TRY(add_part(shadow, name, std::move(part), change));
  }
  for (auto& [day, mark] : marks) change.derived.marks.push_back(std::move(mark));
  for (auto& mark : change.derived.marks) {
    mark.table = name;
    const auto was = before.find(mark.day);
    if (was != before.end() && is_same(was->second, mark)) mark.version = was->second.version;
  }
  change.derived.unlisted.push_back(name);
  change.derived.renamed = {shadow.name, name};
  return swap(std::move(change));
}

Status Follower::retire_derived(const std::string& name) {
  TRY_ASSIGN(const Table table, derived_table(name));
  Swap change;
  change.keep = options_.replaced_keep;
  change.replaced = paths_of(table.files);
  change.derived.unlisted.push_back(name);
  return swap(std::move(change));
}

std::map<std::string, std::shared_ptr<const Derived>, std::less<>> Follower::derived() {
  std::lock_guard lock(mutex_);
  std::map<std::string, std::shared_ptr<const Derived>, std::less<>> out;
  for (const auto& [name, table] : tables_) {
    if (table.derived) out.emplace(name, table.derived);
  }
  return out;
}

Result<uint64_t> Follower::expire_derived(const std::vector<std::string>& tables) {
  Swap change;
  for (const std::string& table : tables) {
    change.expired.push_back(table);
    change.expired.push_back(shadow_name(table));
    if (const auto shadow = derived_table(shadow_name(table))) {
      const auto paths = paths_of(shadow->files);
      change.replaced.insert(change.replaced.end(), paths.begin(), paths.end());
      change.derived.unlisted.push_back(shadow->name);
    }
  }
  const std::set<std::string> names(change.expired.begin(), change.expired.end());
  const auto count = [&]() -> Result<uint64_t> {
    TRY_ASSIGN(const auto replaced, control_.lake_replaced(std::nullopt));
    return static_cast<uint64_t>(
        std::count_if(replaced.begin(), replaced.end(), [&](const auto& file) { return names.contains(file.table); }));
  };
  TRY_ASSIGN(const uint64_t before, count());
  if (before == 0 && change.derived.unlisted.empty()) return uint64_t{0};
  TRY(swap(std::move(change)));
  TRY(remove_replaced());
  return count();
}

Status Follower::drop_derived(const std::string& name) {
  std::vector<std::string> tables;
  for (const std::string& one : {name, shadow_name(name)}) {
    if (derived_table(one)) tables.push_back(one);
  }
  // Files of before it was kept elsewhere may still be there.
  TRY_ASSIGN(const auto replaced, control_.lake_replaced(std::nullopt));
  const auto is_its = [&](const auto& file) { return file.table == name || file.table == shadow_name(name); };
  if (tables.empty() && std::none_of(replaced.begin(), replaced.end(), is_its)) return {};
  {
    std::lock_guard lock(mutex_);
    const auto found = tables_.find(name);
    if (found != tables_.end() && !found->second.derived) return {};
  }
  return drop_tables({name, shadow_name(name)}, "given up, as the table " + name + " is removed");
}

Status Follower::load_derived_locked() {
  std::erase_if(tables_, [](const auto& table) { return table.second.derived != nullptr; });
  TRY_ASSIGN(const auto entries, control_.lake_tables());
  TRY_ASSIGN(const auto marks, control_.lake_marks());
  control::LakeCommit known;
  known.tables = entries;
  known.marks = marks;
  return note_derived_locked(known, 0);
}

// Marks that somebody was handed never change: a table's are copied once a commit.
Status Follower::note_derived_locked(const control::LakeCommit& commit, uint64_t version) {
  for (const std::string& name : commit.unlisted) tables_.erase(name);
  if (commit.renamed) {
    auto node = tables_.extract(commit.renamed->first);
    node.key() = commit.renamed->second;
    Table& table = node.mapped();
    table.name = commit.renamed->second;
    auto derived = std::make_shared<Derived>(*table.derived);
    derived->table.name = table.name;
    table.derived = std::move(derived);
    tables_.insert(std::move(node));
  }
  for (const auto& entry : commit.tables) {
    TRY_ASSIGN(auto columns, columns_from_json(entry.columns));
    Table& table = tables_[entry.name];
    table.name = entry.name;
    table.comment = "a derived table";
    table.columns = std::move(columns);
    auto derived = std::make_shared<Derived>();
    derived->table = {entry.name, table.columns, entry.partition};
    table.derived = std::move(derived);
  }
  std::map<std::string, std::shared_ptr<Derived>> changed;
  for (const auto& mark : commit.marks) {
    const auto table = tables_.find(mark.table);
    if (table == tables_.end() || !table->second.derived) continue;
    auto& derived = changed[mark.table];
    if (!derived) derived = std::make_shared<Derived>(*table->second.derived);
    control::LakeMark& into = derived->marks[mark.day] = mark;
    if (into.version == 0) into.version = version;
  }
  for (auto& [name, derived] : changed) tables_.find(name)->second.derived = std::move(derived);
  return {};
}

}  // namespace weir::lake
