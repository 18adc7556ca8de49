// Who acts in a simulated day: a room of the program with whoever uses it, and the book that is kept about it.
//
// An actor lives through many lives of the program. start() opens its rooms on the disk as it is and checks what is
// found there against its book; step() does one thing, chosen by chance; stop() lets the rooms go, which must not
// complain about a dead process. Whatever must never happen goes to World::problem(). Capture and lake become actors of
// their own, started after the journal's.
#pragma once

#include "world.h"

namespace weir::sim {

class Actor {
 public:
  virtual ~Actor() = default;
  // False if the rooms could not be opened on a faulty disk; the day then goes on with the next life.
  virtual bool start(Process& process) = 0;
  virtual void step() = 0;
  virtual void stop() = 0;
  // The last life, without faults: everything that is still under way is brought to its end and checked.
  virtual void finish() = 0;
};

}  // namespace weir::sim
