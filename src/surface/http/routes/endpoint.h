// Declared endpoints: GET, HEAD and OPTIONS under their paths, answered on io threads; and the routes that list and
// describe them.
//
// It asks the endpoint's declaration who may read and from which pages, decodes path and query, hands the texts to the
// room, and words the answer. refresh() from any thread, at once for the next request.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/guarded.h"
#include "platform/endpoint/endpoint.h"
#include "surface/http/router.h"

namespace weir::http {

class EndpointRoutes {
 public:
  // `mounts`: what stands before an endpoint's path, "" or "/Prod".
  EndpointRoutes(endpoint::Endpoints& endpoints, const Clock& clock, std::vector<std::string> mounts);
  // Outlives the router.
  void add_to(Router& router);
  // Where endpoints answer; after each apply.
  void refresh();
  std::vector<std::string> paths_of(const endpoint::Endpoint& declared) const;
  Json state_json(const endpoint::Served& served) const;  // with its paths

 private:
  struct Place {
    std::vector<endpoint::PathPart> pattern;
    std::string name;
  };
  using Places = std::vector<Place>;

  std::shared_ptr<const Places> places() const;
  const Route* resolve(Method method, std::string_view path, std::vector<Method>& allowed) const;
  // The endpoint that answers at this path, with the path's values as they are written.
  endpoint::ServedPtr served_at(std::string_view path, std::vector<std::string_view>& values) const;
  void take(Request& request, const Responder& responder);
  void preflight(Request& request, const Responder& responder);
  void add_lists(Router& router);

  endpoint::Endpoints& endpoints_;
  const Clock& clock_;
  const std::vector<std::string> mounts_;
  const Route* get_ = nullptr;
  const Route* preflight_ = nullptr;
  mutable Mutex mutex_;                                      // held for a copy of the pointer only
  std::shared_ptr<const Places> places_ GUARDED_BY(mutex_);  // shared with requests under way
};

}  // namespace weir::http
