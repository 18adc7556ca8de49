// Starts a thread with a name that `ps`, `top` and a debugger show, and whose entry lets no exception out: an exception
// that reaches it is our own mistake and aborts the program with its words. Every thread of ours is started here.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace weir {

inline constexpr size_t kThreadNameBytesMax = 15;  // the kernel's limit

// `name` is CHECKed against the limit: it is our own text.
std::thread start_thread(const std::string& name, std::function<void()> run);

// Makes the calling thread give way to others, by so many steps more than it does already (0 to 19; 19 is last). True
// if the system agreed.
bool lower_thread_priority(int nice_by);

}  // namespace weir
