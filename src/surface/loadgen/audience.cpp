#include "surface/loadgen/audience.h"

#include <algorithm>

namespace weir::loadgen {

Audience::Audience(const AudienceOptions& options, Random& random)
    : options_(options), random_(random), ad_salt_(random.next()) {
  // People do not all arrive at once: their first views spread over one period.
  for (uint64_t user = 0; user < options.users; ++user) {
    Pending first;
    first.at = {static_cast<int64_t>(uniform() * static_cast<double>(options.view_frequency.micros))};
    first.user = user;
    queue_.push(first);
  }
}

double Audience::uniform() {
  return static_cast<double>(random_.next() >> 11) * 0x1.0p-53;
}

Duration Audience::vary(Duration mean, double variance) {
  const double factor = 1.0 + variance * (2.0 * uniform() - 1.0);
  return {std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(mean.micros) * factor))};
}

// Ads are numbered; their ids look random and are the same for the same number in one run.
Uuid Audience::ad_number(uint64_t index) const {
  uint64_t mixed = (index + 1) * 0x9E3779B97F4A7C15ull ^ ad_salt_;
  mixed ^= mixed >> 29;
  return uuid_from_hash({mixed * 0xBF58476D1CE4E5B9ull, (index << 20) ^ ad_salt_});
}

Uuid Audience::fresh_id() {
  return uuid_from_hash({random_.next(), random_.next()});
}

Action Audience::take() {
  Pending now = queue_.top();
  queue_.pop();
  Action action;
  action.at = now.at;
  action.id = fresh_id();
  if (now.is_click) {
    action.kind = Action::Kind::click;
    action.impression = now.impression;
    action.ad = now.ad;
  } else {
    action.kind = Action::Kind::impression;
    action.impression = action.id;
    action.ad = ad_number(random_.next() % std::max<uint64_t>(1, options_.ads));
  }
  Pending next = now;
  if (!now.is_click) {
    const Duration considered{now.at.micros + vary(options_.consider_duration, options_.consider_variance).micros};
    if (uniform() < options_.click_probability) {
      next.is_click = true;
      next.at = considered;
      next.impression = action.id;
      next.ad = action.ad;
      queue_.push(next);
      return action;
    }
    next.at = considered;
  }
  next.is_click = false;
  next.at = {next.at.micros + vary(options_.view_frequency, options_.view_variance).micros};
  if (!stopped_) queue_.push(next);
  return action;
}

void Audience::stop() {
  stopped_ = true;
  std::priority_queue<Pending, std::vector<Pending>, std::greater<>> clicks;
  while (!queue_.empty()) {
    if (queue_.top().is_click) clicks.push(queue_.top());
    queue_.pop();
  }
  queue_ = std::move(clicks);
}

}  // namespace weir::loadgen
