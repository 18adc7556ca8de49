#include "day.h"

#include "journal_actor.h"
#include "spine_actor.h"

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

// Where everything is checksummed. SQLite keeps no checksums, so nothing is promised about flipped bits in control.db.
void flip_a_bit(World& world) {
  const char* const folders[] = {"weir/journal", "weir/dedup", "weir/store"};
  world.flip_a_bit(folders[world.below(3)]);
}

void make_trouble(World& world, const Weather& weather) {
  if (weather.failing_syncs && world.chance(1, 25)) world.fail_a_sync();
  if (weather.full_disk && world.chance(1, 20)) world.fill_disk(world.below(96 << 10));
  if (weather.full_disk && world.chance(1, 10)) world.empty_disk();
  if (weather.flipped_bits && world.chance(1, 60)) flip_a_bit(world);
}

// How a life will end: by itself, by a kill, or by a power cut, at some operation in the middle of something.
void choose_end(World& world, Process& process, Scene scene) {
  const uint64_t many = scene == Scene::spine ? 700 : 150;  // a commit of the lake alone takes fifty
  const uint64_t operations = 1 + world.below(world.chance(1, 4) ? 12 : many);
  const uint64_t how = world.below(10);
  if (how < 5) {
    world.disk.power_off_after(operations);
  } else if (how < 8) {
    process.kill_after(operations);
  }
}

void live(World& world, const Weather& weather, Scene scene, Actor& actor) {
  Process process(world);
  choose_end(world, process, scene);
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
  if (weather.flipped_bits && world.chance(1, 6)) flip_a_bit(world);
}

}  // namespace

namespace {

// All lives of a day.
void run_lives(World& world, const DayPlan& plan, Actor& actor) {
  const Weather weather = choose_weather(world);
  for (int i = 0; i < plan.lives && world.problems().empty(); ++i) {
    // A full disk keeps control from settling the log of a program whose sync failed: nothing is promised about the
    // two together with a power cut after them.
    if (plan.scene == Scene::spine && weather.failing_syncs) world.empty_disk();
    live(world, weather, plan.scene, actor);
  }
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
}

}  // namespace

void Day::add(const Day& day) {
  acknowledged += day.acknowledged;
  failed += day.failed;
  power_cuts += day.power_cuts;
  kills += day.kills;
  bits_flipped += day.bits_flipped;
  syncs_failed += day.syncs_failed;
  duplicates += day.duplicates;
  quarantined += day.quarantined;
  commits += day.commits;
  releases += day.releases;
  merged += day.merged;
  retired += day.retired;
  rebuilt += day.rebuilt;
  loaded += day.loaded;
}

Day run_day(const DayPlan& plan) {
  World world(plan.seed, plan.mutant);
  Day day;
  if (plan.scene == Scene::spine) {
    SpineActor actor(world);
    run_lives(world, plan, actor);
    day.acknowledged = actor.book().acknowledged();
    day.failed = actor.book().refused();
    day.duplicates = actor.book().duplicates();
    day.quarantined = actor.book().quarantined();
    day.commits = actor.commits();
    day.releases = actor.releases();
    day.merged = actor.merged();
    day.retired = actor.retired();
    day.rebuilt = actor.rebuilt();
    day.loaded = actor.loaded();
  } else {
    JournalActor actor(world);
    run_lives(world, plan, actor);
    day.acknowledged = actor.acknowledged();
    day.failed = actor.failed();
  }
  day.problems = world.problems();
  day.power_cuts = world.power_cuts;
  day.kills = world.kills;
  day.bits_flipped = world.bits_flipped;
  day.syncs_failed = world.syncs_failed;
  if (plan.with_trace) day.trace = world.disk.trace();
  return day;
}

}  // namespace weir::sim
