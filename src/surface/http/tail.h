// The tail of streams: records as the journal makes them durable, to pages and shells that watch, as server-sent
// events.
//
// One thread ("tail") follows the journal for all watchers and sleeps while there are none. A watcher gets at most
// kRecordsPerSecond; what is left out is counted in `event: skipped`. Where the journal runs faster than the tail
// reads, it leaps to the end and counts what it leapt over (of all streams, as it was not read). Whether a watcher may
// still see the records is asked with each sign of life. add() from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "storage/journal/journal.h"
#include "stream/capture/record.h"
#include "surface/http/http.h"

namespace weir::http {

class TailHub {
 public:
  static constexpr int kRecordsPerSecond = 50;
  static constexpr size_t kWatchersMax = 200;

  TailHub(journal::Journal& journal, Clock& clock);
  ~TailHub();  // ends every watcher's stream
  TailHub(const TailHub&) = delete;
  TailHub& operator=(const TailHub&) = delete;

  struct Watch {
    uint32_t stream = 0;              // its number
    bool sees_quarantined = true;     // beside accepted records
    std::function<bool()> may_go_on;  // called from the tail's thread; empty: as long as they like
  };
  // `busy` if too many watch.
  Status add(Watch watch, std::shared_ptr<BodyStream> to);

 private:
  struct Watcher {
    Watch watch;
    std::shared_ptr<BodyStream> to;  // with the server's connection
    int sent = 0;                    // in this second
    uint64_t skipped = 0;
  };

  void run();
  void follow(std::vector<Watcher>& watchers);
  void show(const journal::Entry& entry, std::vector<Watcher>& watchers);
  void end_second(std::vector<Watcher>& watchers);

  journal::Journal& journal_;
  Clock& clock_;
  std::unique_ptr<journal::Reader> reader_;  // the thread's own, as are the next two
  int64_t second_started_ = 0;
  int64_t heartbeat_at_ = 0;

  Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Watcher> joining_ GUARDED_BY(mutex_);
  size_t watcher_count_ GUARDED_BY(mutex_) = 0;
  bool is_stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses everything above
};

// One record as a server-sent event.
std::string tail_event(const capture::Record& record, uint64_t sequence);

}  // namespace weir::http
