// The doors for events: POST /v1/streams/{name}, the seed-style beacon endpoints, the pixel, and their preflights.
//
// It unpacks bodies, asks the stream's declaration who may write and from which pages, hands the bytes to capture, and
// words the verdicts. Handlers run on io threads (large or packed bodies on the interactive lane); set_streams() from
// any thread, at once for the next request.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/guarded.h"
#include "stream/capture/capture.h"
#include "surface/http/router.h"

namespace weir::http {

class EventRoutes {
 public:
  // `mounts`: what stands before a beacon's path, "" or "/Prod".
  EventRoutes(capture::Capture& capture, const capture::Limits& limits, std::vector<std::string> mounts);
  // Outlives the router.
  void add_to(Router& router);
  // Where beacons answer: a path that two streams want goes to the first by name.
  void set_streams(const std::vector<capture::AppliedStream>& streams);
  std::vector<std::string> endpoints(const capture::Stream& stream) const;

 private:
  using Beacons = std::map<std::string, std::string, std::less<>>;  // path → stream

  std::shared_ptr<const Beacons> beacons() const;
  const Route* resolve(Method method, std::string_view path, std::vector<Method>& allowed) const;
  void take(Request& request, const Responder& responder, capture::BodyFormat format);
  void take_pixel(Request& request, const Responder& responder);
  void preflight(Request& request, const Responder& responder);
  Result<capture::AppliedStream> stream_of(const Request& request) const;

  capture::Capture& capture_;
  const capture::Limits limits_;
  const std::vector<std::string> mounts_;
  const Route* post_beacon_ = nullptr;
  const Route* preflight_beacon_ = nullptr;
  mutable Mutex mutex_;                                        // held for a copy of the pointer only
  std::shared_ptr<const Beacons> beacons_ GUARDED_BY(mutex_);  // shared with requests under way
};

}  // namespace weir::http
