// The whole chain of the spine on the simulated disk, opened as `app` opens it: control database, journal, lake,
// capture with its index. Somebody sends events of two streams, again and again some of them, some malformed; somebody
// loads the records of files, piece by piece with their marks; the lake's follower, its commits, merges, retention,
// rebuilds and the release of the journal, the index's maintenance take their turns by chance.
//
// At each start, now and then in between, and at the end everything that is found in committed files and in the journal
// behind the lake's cursor is compared with an EventBook, and with what a reader's snapshot holds. Replaced is only
// DuckDB (rows_engine.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actor.h"
#include "event_book.h"
#include "mutant_journal.h"
#include "rows_engine.h"
#include "storage/control/control.h"
#include "stream/capture/capture.h"
#include "stream/lake/lake.h"

namespace weir::sim {

// "FILE FROM THROUGH" of a mark, from the journal, an archive or a table.
std::string mark_text(const Json& mark);

class SpineActor final : public Actor {
 public:
  explicit SpineActor(World& world);
  bool start(Process& process) override;
  void step() override;
  void stop() override;
  void finish() override;

  const EventBook& book() const { return book_; }
  uint64_t commits() const { return commits_; }
  uint64_t releases() const { return releases_; }
  uint64_t merged() const { return merged_; }
  uint64_t retired() const { return retired_; }
  uint64_t rebuilt() const { return rebuilt_; }
  uint64_t loaded() const { return loaded_; }

 private:
  struct Request {
    std::string stream, idempotency_key;
    std::vector<Sent> records;
  };
  // A file of another system on its way into the stream without a key: nothing but its marks keeps a record from being
  // taken twice.
  struct ForeignFile {
    std::string name;
    std::vector<Sent> records;
    uint64_t through = 0;  // of them are taken, as the marks say
    bool is_under_way = false;
  };
  // What is known of a committed file whose checksum was right: its rows, read once.
  struct KnownFile {
    uint64_t checksum = 0;
    std::vector<Row> rows;
  };

  Status open(Process& process);
  Status open_streams();
  bool is_faulty() const;
  void check_failure(const char* doing, const Error& error);
  void check_maintenance(const char* doing, const Error& error);
  capture::Stream stream_of(const std::string& name) const;
  Row row_of(uint64_t sequence, const std::string& bytes);

  // spine_sender.cpp: what is sent.
  void send();
  Request new_request();
  Sent new_record(const std::string& stream);
  Sent resend_of(const Sent& earlier);
  void submit(Request request);
  void load_piece();
  void learn_marks(const std::vector<Row>& rows);

  // spine_check.cpp: what is found.
  bool take_inventory(bool is_start);
  bool read_journal(uint64_t from, std::vector<Row>& rows, EventBook::Found& found);
  bool read_files(EventBook::Found& found);
  bool read_lake_file(const control::LakeFile& file, std::vector<Row>& rows, EventBook::Found& found);
  Result<std::vector<Row>> parse_file(const control::LakeFile& file, const std::string& bytes);
  static void check_archived(const EventBook::Found& found, const std::vector<Row>& archived, World& world);
  bool compare_snapshot(uint64_t cursor, const std::vector<Row>& tail);
  void check_leftovers();
  void list_files(const std::string& folder, std::vector<std::string>& into);
  void name_damage();

  void run_some_groups();
  void observe();
  void follow_a_round();
  void compact();
  void retain();
  void rebuild();
  void release();

  World& world_;
  EventBook book_;
  journal::Options journal_options_;
  lake::Options lake_options_;
  capture::Options capture_options_;
  Process* process_ = nullptr;

  std::unique_ptr<control::Control> control_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<MutantJournal> mutant_journal_;
  std::unique_ptr<lake::Lake> lake_;
  std::unique_ptr<capture::Capture> capture_;
  RowsEngine engine_;
  std::unique_ptr<journal::Reader> observer_;
  std::map<uint32_t, std::string> stream_names_;  // by number, which never changes

  std::vector<Request> history_;
  uint64_t next_number_ = 1;
  uint64_t unanswered_ = 0;
  bool is_submitting_ = false;
  Duration passed_{0};

  std::map<std::string, KnownFile> known_files_;
  std::vector<std::pair<uint64_t, uint64_t>> damaged_;  // named by the journal or a file, over all lives
  bool is_provisional_ = false;
  bool was_damage_reported_ = false;
  uint64_t cursor_ = 1;
  uint64_t commits_ = 0, releases_ = 0, merged_ = 0, retired_ = 0, rebuilt_ = 0, loaded_ = 0;
  std::optional<Duration> retention_;
  std::optional<ForeignFile> load_;
};

}  // namespace weir::sim
