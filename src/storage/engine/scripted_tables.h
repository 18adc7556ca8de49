// A TableSource that tests write by hand: versions are published, snapshots counted, take() made to fail.
// For tests only; publish() and take() from any thread.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "storage/engine/engine.h"

namespace weir::engine {

class ScriptedTables final : public TableSource {
 public:
  // `keep` lives as long as somebody sees these tables.
  void publish(std::vector<TableVersion> tables, std::shared_ptr<void> keep = nullptr) {
    auto made = std::make_shared<Scripted>(std::move(tables), alive_, std::move(keep));
    const std::lock_guard lock(mutex_);
    latest_ = std::move(made);
  }
  void fail_with(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }
  Result<std::shared_ptr<const Snapshot>> take() override {
    const std::lock_guard lock(mutex_);
    ++takes;
    if (failure_) return *failure_;
    if (!latest_) latest_ = std::make_shared<Scripted>(std::vector<TableVersion>{}, alive_, nullptr);
    return latest_;
  }
  // Snapshots that somebody holds, the latest one included.
  int alive() const { return alive_->load(); }
  std::atomic<int> takes = 0;

 private:
  class Scripted final : public Snapshot {
   public:
    Scripted(std::vector<TableVersion> tables, std::shared_ptr<std::atomic<int>> alive, std::shared_ptr<void> keep)
        : tables_(std::move(tables)), alive_(std::move(alive)), keep_(std::move(keep)) {
      ++*alive_;
    }
    ~Scripted() override { --*alive_; }
    const TableVersion* find(std::string_view table) const override {
      for (const TableVersion& version : tables_) {
        if (version.name == table) return &version;
      }
      return nullptr;
    }
    std::vector<std::string> names() const override {
      std::vector<std::string> all;
      for (const TableVersion& version : tables_) all.push_back(version.name);
      return all;
    }

   private:
    std::vector<TableVersion> tables_;
    std::shared_ptr<std::atomic<int>> alive_;
    std::shared_ptr<void> keep_;
  };

  std::mutex mutex_;  // guards latest_ and failure_
  std::shared_ptr<const Snapshot> latest_;
  std::optional<Error> failure_;
  std::shared_ptr<std::atomic<int>> alive_ = std::make_shared<std::atomic<int>>(0);
};

// A folder below the system's temporary one, removed at the end.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& name) {
    std::string pattern = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace weir::engine
