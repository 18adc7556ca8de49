#include "platform/flow/work.h"

#include <algorithm>

namespace weir::flow {

Status WorkContext::plan(const std::string& step, std::vector<std::string> whats) {
  std::erase_if(whats, [&](const std::string& what) { return tasks_.is_done(step, what); });
  return tasks_.await(step, whats);
}

Status WorkContext::task(const std::string& step, const std::string& what,
                         const std::function<Result<TaskEnd>()>& work) {
  if (tasks_.is_done(step, what)) return {};
  TRY(cancel_.check());
  TRY(tasks_.begin(step, what));
  const Result<TaskEnd> how = work();
  TRY(tasks_.end(step, what, how));
  if (!how) return how.error();
  return {};
}

Status WorkContext::set_result(Json result) {
  run_.result = std::move(result);
  return keep_(run_);
}

}  // namespace weir::flow
