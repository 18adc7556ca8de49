// What deleted rows leave in the engine's file, and how it goes. A deleted row stays in its row group beside those that
// were written after it; a table that is dropped leaves its blocks free and as they were. So each table is copied and
// replaced by its copy in one transaction, a checkpoint frees the old blocks as soon as nobody reads them (it is
// refused until then), and the free blocks are given to a table of noise, which is dropped again.
#include <thread>

#include "core/base/quotes.h"
#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);
constexpr const char* kCopy = "weir_scrub_copy";
constexpr const char* kNoise = "weir_scrub_noise";

class Scrub {
 public:
  Scrub(Link& link, const Cancel& cancel)
      : link_(link), cancel_(cancel), catalog_(quoted_name(link.database->catalog)) {}

  Status write_anew(const std::string& table) {
    const std::string name = path_of(table), copy = path_of(kCopy);
    TRY(execute("BEGIN"));
    const Status done = [&]() -> Status {
      TRY(execute("CREATE TABLE " + copy + " AS SELECT * FROM " + name));
      TRY(execute("DROP TABLE " + name));
      TRY(execute("ALTER TABLE " + copy + " RENAME TO " + quoted_name(table)));
      return execute("COMMIT");
    }();
    if (!done) (void)link_.connection->Query("ROLLBACK");
    return done;
  }

  Status checkpoint() { return execute("CHECKPOINT " + catalog_); }

  Status fill_free_blocks() {
    const std::string noise = path_of(kNoise);
    TRY(execute("DROP TABLE IF EXISTS " + noise));
    const std::string size = " FROM pragma_database_size() WHERE database_name = '" + link_.database->catalog + "'";
    TRY_ASSIGN(const int64_t blocks, number("SELECT free_blocks" + size));
    TRY_ASSIGN(const int64_t block_bytes, number("SELECT block_size" + size));
    if (blocks > 0 && block_bytes > 0) {
      const int64_t rows = (blocks + 2) * (block_bytes / 8);
      TRY(execute("CREATE TABLE " + noise + " AS SELECT hash(i) AS noise FROM range(" + std::to_string(rows) +
                  ") AS r(i)"));
      TRY(checkpoint());
      TRY(execute("DROP TABLE " + noise));
    }
    return checkpoint();
  }

 private:
  std::string path_of(const std::string& table) const { return catalog_ + ".main." + quoted_name(table); }
  Status execute(const std::string& sql) {
    TRY(cancel_.check());
    return run(*link_.connection, sql);
  }
  Result<int64_t> number(const std::string& sql) {
    TRY(cancel_.check());
    const auto result = link_.connection->Query(sql);
    if (result->HasError()) return to_error(result->GetErrorObject(), "");
    const auto chunk = result->Fetch();
    if (!chunk || chunk->size() != 1) return int64_t{0};
    return chunk->GetValue(0, 0).GetValue<int64_t>();
  }

  Link& link_;
  const Cancel& cancel_;
  const std::string catalog_;
};

}  // namespace

Status DuckEngine::scrub(const std::vector<std::string>& tables, Duration limit, const Cancel& cancel) {
  TRY_ASSIGN(const std::shared_ptr<Link> link, this->link(Trust::own));
  const auto stop = cancel.attach([&link] { link->connection->Interrupt(); });
  Scrub scrub(*link, cancel);
  for (const std::string& table : tables) {
    TRY(scrub.write_anew(table));
  }
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::microseconds(limit.micros);
  Status last;
  while (true) {
    last = scrub.checkpoint();
    if (last) last = scrub.fill_free_blocks();
    if (last || last.error().code == Code::cancelled) return last;
    TRY(cancel.check());
    if (std::chrono::steady_clock::now() > give_up_at) return last;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace weir::engine
