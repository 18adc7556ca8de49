// The people of a load test: each looks at an ad, considers it for a while, clicks with a probability, and comes back
// later.
//
// An Audience is a pure sequence of actions in time order, replayed exactly from its seed. Times count from its start.
// One thread.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/time.h"

namespace weir::loadgen {

struct AudienceOptions {
  uint64_t ads = 1'000'000;
  uint64_t users = 1'000;
  double click_probability = 0.3;
  Duration view_frequency = seconds(5);  // from one click or consideration to the next view
  double view_variance = 0.1;            // share by which each waiting time varies, either way
  Duration consider_duration = seconds(1);
  double consider_variance = 0.1;
};

struct Action {
  enum class Kind { impression, click } kind = Kind::impression;
  Duration at;      // since the start
  Uuid id;          // of the impression or click itself
  Uuid impression;  // click: what was clicked; impression: the same as id
  Uuid ad;
};

class Audience {
 public:
  // `random` must outlive it.
  Audience(const AudienceOptions& options, Random& random);

  // The time of the next action; nothing is left only after stop() when all pending clicks were given out.
  bool has_next() const { return !queue_.empty(); }
  Duration next_at() const { return queue_.top().at; }
  Action take();
  // No new views from now on; clicks that somebody still considers are kept.
  void stop();

 private:
  struct Pending {
    Duration at;
    uint64_t user = 0;
    bool is_click = false;
    Uuid impression, ad;
    bool operator>(const Pending& other) const { return at > other.at; }
  };
  double uniform();  // [0, 1)
  Duration vary(Duration mean, double variance);
  Uuid ad_number(uint64_t index) const;
  Uuid fresh_id();

  AudienceOptions options_;
  Random& random_;
  uint64_t ad_salt_;
  bool stopped_ = false;
  std::priority_queue<Pending, std::vector<Pending>, std::greater<>> queue_;
};

}  // namespace weir::loadgen
