#include "core/runtime/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/base/check.h"

namespace weir {

std::thread start_thread(const std::string& name, std::function<void()> run) {
  CHECK(!name.empty() && name.size() <= kThreadNameBytesMax, "a thread's name has 1 to 15 bytes");
  return std::thread([name, run = std::move(run)] {
    pthread_setname_np(pthread_self(), name.c_str());
    try {
      run();
    } catch (const std::exception& exception) {
      CHECK(false, exception.what());
    } catch (...) {
      CHECK(false, "an exception that is no std::exception reached a thread's entry");
    }
  });
}

bool lower_thread_priority(int nice_by) {
  // On Linux a thread id in place of a process id means this thread alone.
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  const int now = ::getpriority(PRIO_PROCESS, thread);
  return ::setpriority(PRIO_PROCESS, thread, std::min(now + nice_by, 19)) == 0;
}

}  // namespace weir
