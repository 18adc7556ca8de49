#include "day.h"

#include "journal_actor.h"

namespace weir::sim {

namespace {

// What kinds of faults a day has: one kind alone finds other mistakes than all together.
struct Weather {
  bool failing_syncs = false;
  bool full_disk = false;
  bool flipped_bits = false;
};

Weather choose_weather(World& world) {
  Weather weather;
  weather.failing_syncs = world.chance(1, 2);
  weather.full_disk = world.chance(1, 3);
  weather.flipped_bits = world.chance(1, 4);
  return weather;
}

void make_trouble(World& world, const Weather& weather) {
  if (weather.failing_syncs && world.chance(1, 25)) world.fail_a_sync();
  if (weather.full_disk && world.chance(1, 20)) world.fill_disk(world.below(96 << 10));
  if (weather.full_disk && world.chance(1, 10)) world.empty_disk();
  if (weather.flipped_bits && world.chance(1, 60)) world.flip_a_bit("weir");
}

// How a life will end: by itself, by a kill, or by a power cut, at some operation in the middle of something.
void choose_end(World& world, Process& process) {
  const uint64_t operations = 1 + world.below(world.chance(1, 4) ? 12 : 150);
  const uint64_t how = world.below(10);
  if (how < 5) {
    world.disk.power_off_after(operations);
  } else if (how < 8) {
    process.kill_after(operations);
  }
}

void live(World& world, const Weather& weather, JournalActor& actor) {
  Process process(world);
  choose_end(world, process);
  const bool has_started = actor.start(process);
  const uint64_t steps = 20 + world.below(120);
  for (uint64_t i = 0;
       has_started && i < steps && !process.is_dead() && !world.disk.is_power_off() && world.problems().empty(); ++i) {
    make_trouble(world, weather);
    actor.step();
  }
  if (!world.problems().empty()) {
    actor.stop();
    return;  // the trace ends where it went wrong
  }
  // Also a program that ended by itself may lose the machine's power afterwards.
  if (!process.is_dead() && !world.disk.is_power_off() && world.chance(1, 2)) {
    process.kill_after(1);
    ++world.kills;
  }
  actor.stop();
  if (process.is_dead()) ++world.kills;
  if (world.disk.is_power_off() || world.chance(1, 3)) {
    world.disk.power_cut(world.random);
    ++world.power_cuts;
  }
  if (weather.flipped_bits && world.chance(1, 6)) world.flip_a_bit("weir");
}

}  // namespace

Day run_day(const DayPlan& plan) {
  World world(plan.seed, plan.mutant);
  const Weather weather = choose_weather(world);
  JournalActor actor(world);
  for (int i = 0; i < plan.lives && world.problems().empty(); ++i) live(world, weather, actor);
  world.empty_disk();
  world.disk.power_cut(world.random);
  // Planted failures of syncs may still wait for their turn.
  bool has_started = false;
  for (int i = 0; i < 20 && !has_started && world.problems().empty(); ++i) {
    Process process(world);
    has_started = actor.start(process);
    if (has_started) actor.finish();
    actor.stop();
  }
  if (has_started) {
    Process process(world);
    if (actor.start(process)) actor.stop();
  } else if (world.problems().empty() && world.bits_flipped == 0) {
    world.problem("nothing starts any more on a sound disk");
  }
  Day day;
  day.problems = world.problems();
  day.acknowledged = actor.acknowledged();
  day.failed = actor.failed();
  day.power_cuts = world.power_cuts;
  day.kills = world.kills;
  day.bits_flipped = world.bits_flipped;
  day.syncs_failed = world.syncs_failed;
  if (plan.with_trace) day.trace = world.disk.trace();
  return day;
}

}  // namespace weir::sim
