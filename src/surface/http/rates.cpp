#include "surface/http/rates.h"

#include <algorithm>

namespace weir::http {

void Rates::sample(WallTime now, const std::vector<capture::StreamCounts>& counts) {
  MutexLock lock(mutex_);
  const double passed = static_cast<double>(now.micros - last_sample_.micros) / 1e6;
  const bool is_first = last_sample_.micros == 0;
  last_sample_ = now;
  for (const capture::StreamCounts& current : counts) {
    const auto found = streams_.find(current.stream);
    if (found == streams_.end() && streams_.size() >= kStreamsMax) continue;
    // A stream that was not there a second ago began with nothing.
    Ring& ring = found == streams_.end() ? streams_[current.stream] : found->second;
    if (!is_first && passed > 0) {
      // A counter that went back is a new process's: its first second is unknown.
      const auto rate = [passed](uint64_t after, uint64_t before) {
        return after < before ? 0.0 : static_cast<double>(after - before) / passed;
      };
      ring.points[ring.count++ % kPoints] = {
          now, rate(current.accepted, ring.last.accepted), rate(current.duplicates, ring.last.duplicates),
          rate(current.quarantined, ring.last.quarantined), rate(current.refused, ring.last.refused)};
    }
    ring.last = current;
  }
}

std::vector<RatePoint> Rates::points(std::string_view stream) const {
  MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return {};
  const Ring& ring = found->second;
  const size_t kept = std::min(ring.count, kPoints);
  std::vector<RatePoint> out;
  out.reserve(kept);
  for (size_t index = ring.count - kept; index < ring.count; ++index) out.push_back(ring.points[index % kPoints]);
  return out;
}

RatePoint Rates::mean_of(const Ring& ring, size_t seconds) {
  const size_t used = std::min({ring.count, kPoints, std::max<size_t>(seconds, 1)});
  RatePoint sum;
  for (size_t index = ring.count - used; index < ring.count; ++index) {
    const RatePoint& point = ring.points[index % kPoints];
    sum.at = point.at;
    sum.accepted += point.accepted;
    sum.duplicates += point.duplicates;
    sum.quarantined += point.quarantined;
    sum.refused += point.refused;
  }
  if (used == 0) return sum;
  const auto divisor = static_cast<double>(used);
  return {sum.at, sum.accepted / divisor, sum.duplicates / divisor, sum.quarantined / divisor, sum.refused / divisor};
}

RatePoint Rates::mean(std::string_view stream, size_t seconds) const {
  MutexLock lock(mutex_);
  const auto found = streams_.find(stream);
  return found == streams_.end() ? RatePoint{} : mean_of(found->second, seconds);
}

RatePoint Rates::mean_of_all(size_t seconds) const {
  MutexLock lock(mutex_);
  RatePoint sum;
  for (const auto& [name, ring] : streams_) {
    const RatePoint point = mean_of(ring, seconds);
    sum.at = std::max(sum.at, point.at);
    sum.accepted += point.accepted;
    sum.duplicates += point.duplicates;
    sum.quarantined += point.quarantined;
    sum.refused += point.refused;
  }
  return sum;
}

}  // namespace weir::http
