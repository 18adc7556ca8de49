#include "platform/flow/flow_steps.h"

#include <algorithm>
#include <set>

#include "core/base/check.h"
#include "core/base/text.h"
#include "platform/flow/declaration_parts.h"
#include "platform/flow/flow_words.h"
#include "platform/flow/graph.h"
#include "platform/flow/sql_text.h"

namespace weir::flow {
namespace {

constexpr size_t kEnvironmentBytesMax = 32u << 10;

std::string place(const Position& at) {
  return at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

// What is wrong with {…} in a path; empty: nothing.
std::string placeholder_mistake(std::string_view path, std::string& hint) {
  static const std::vector<std::string> kKnown = {"start", "end", "day", "run"};
  for (size_t at = path.find_first_of("{}"); at != std::string_view::npos; at = path.find_first_of("{}", at + 1)) {
    const size_t end = path.find_first_of("{}", at + 1);
    if (path[at] == '}' || end == std::string_view::npos || path[end] == '{') {
      hint = "write {day}, without braces elsewhere";
      return "has a brace without the other one";
    }
    const std::string name(path.substr(at + 1, end - at - 1));
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      hint = did_you_mean(name, kKnown);
      return "has the unknown placeholder {" + name + "}";
    }
    at = end;
  }
  return {};
}

std::string path_mistake(std::string_view path, std::string& hint) {
  if (path.empty()) return "is empty";
  if (path.size() > kPathBytesMax) {
    return "has " + std::to_string(path.size()) + " bytes, allowed are " + std::to_string(kPathBytesMax);
  }
  if (path.back() == '/') return "ends with a slash, expected a file";
  for (std::string_view part : split(path, '/')) {
    if (part != "..") continue;
    hint = "write where it lies from the project's folder or from /";
    return "has a part ..";
  }
  return placeholder_mistake(path, hint);
}

// By the end of the file's name, also below .gz and .zst.
std::optional<DataFormat> format_of(std::string path) {
  path = to_lower(path);
  for (std::string_view packed : {".gz", ".zst"}) {
    if (path.ends_with(packed)) path.resize(path.size() - packed.size());
  }
  if (path.ends_with(".csv")) return DataFormat::csv;
  if (path.ends_with(".json") || path.ends_with(".ndjson") || path.ends_with(".jsonl")) return DataFormat::json;
  if (path.ends_with(".parquet")) return DataFormat::parquet;
  return std::nullopt;
}

bool is_variable(std::string_view name) {
  if (name.empty() || name.size() > 128 || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string kinds_text() {
  std::vector<std::string> words;
  for (const auto& [word, kind] : step_words()) words.push_back(word);
  return join(words, ", ");
}

}  // namespace

bool read_retries(YamlSection& in, Retries& into) {
  const Yaml* found = in.value("retries");
  if (found == nullptr) return false;
  Retries out;
  if (!found->is_mapping()) {
    if (!in.integer("retries", out.times, {0, kRetriesMax})) return false;
    into = out;
    return true;
  }
  auto section = in.open(*found, "retries");
  section->integer("times", out.times, {0, kRetriesMax}, required);
  section->duration("wait", out.wait, {seconds(0), days(1)});
  section->number("factor", out.factor, {1, 10});
  const bool says_max = section->duration("max", out.max, {seconds(0), days(1)});
  if (out.max < out.wait && says_max) {
    section->refuse("max", "is shorter than wait " + format_duration(out.wait));
    return false;
  }
  out.max = std::max(out.max, out.wait);
  into = out;
  return true;
}

void FlowSteps::read() {
  if (!check_entries(in_, "steps", kStepsMax)) return;
  std::vector<YamlSection> sections = in_.sections("steps", "a step", required);
  const Yaml* list = in_.value("steps");
  if (list == nullptr || !list->is_sequence()) return;
  if (list->items.empty()) {
    in_.refuse("steps", "the list is empty, expected at least one step", "for example - tables: [advertising]");
    return;
  }
  const bool is_whole = sections.size() == list->items.size();
  for (YamlSection& section : sections) {
    read_step(section, static_cast<size_t>(&section.node() - list->items.data()) + 1);
  }
  if (!is_whole) return;  // a step that is no mapping is told; who names it would be told for nothing
  check_after();
}

void FlowSteps::read_step(YamlSection& section, size_t number) {
  Step step;
  read_work(section, step);
  step.name = std::string(step_word(step.kind)) + "_" + std::to_string(number);
  section.identifier("name", step.name);
  const Yaml* named = section.node().find("name");
  const Position& at = named == nullptr ? section.node().at : named->at;
  const auto [other, is_new] = names_.try_emplace(step.name, at);
  if (!is_new) {
    in_.refuse_at(at, "step " + shown(step.name) + " has the name of another one (" + place(other->second) + ")",
                  "give it a name: of its own");
  }
  read_after(section, step);
  Retries retries;
  if (read_retries(section, retries)) step.retries = retries;
  section.duration("time_limit", step.time_limit, {seconds(1), days(7)});
  section.choice("on_failure", step.on_failure, step_failure_words());
  nodes_.push_back(&section.node());
  into_.steps.push_back(std::move(step));
}

void FlowSteps::read_work(YamlSection& section, Step& into) {
  std::vector<std::string> given;
  for (const auto& [word, kind] : step_words()) {
    if (section.value(word) == nullptr) continue;
    given.push_back(word);
    into.kind = kind;
  }
  const bool has_environment = section.value("env") != nullptr;
  if (given.size() != 1) {
    section.refuse_at(section.node().at,
                      "a step is one of " + kinds_text() +
                          (given.empty() ? "; this names none" : "; this is " + join(given, " and ")),
                      given.empty() ? "" : "write each in an item of its own");
    return;
  }
  if (has_environment && into.kind != StepKind::command) section.refuse("env", "belongs to a command", "remove it");
  switch (into.kind) {
    case StepKind::tables:
      read_names(section, "tables", "table", kStepTablesMax, into.tables);
      break;
    case StepKind::sql:
      read_sql(section, "sql", some_statements, into.sql);
      break;
    case StepKind::load:
      read_load(section, into.load);
      break;
    case StepKind::unload:
      read_unload(section, into.unload);
      break;
    case StepKind::check:
      read_sql(section, "check", one_select, into.check);
      break;
    case StepKind::command:
      read_command(section, into.command);
      break;
  }
}

// name, or public.name.
void FlowSteps::read_table(YamlSection& section, Need need, std::string& into) {
  constexpr std::string_view kPublic = "public.";
  std::string name;
  if (!section.text("table", name, need)) return;
  const std::string_view bare = std::string_view(name).substr(name.starts_with(kPublic) ? kPublic.size() : 0);
  if (!is_identifier(bare)) {
    section.refuse("table", shown(name) + " is no name of a table",
                   "a-z, 0-9 and _, beginning with a letter, at most 63 long; also public.NAME");
    return;
  }
  into = std::move(name);
}

void FlowSteps::read_path(YamlSection& section, std::string_view key, std::string& into) {
  if (!section.text(key, into, required)) return;
  std::string hint;
  const std::string wrong = path_mistake(into, hint);
  if (!wrong.empty()) section.refuse(key, shown(into) + " " + wrong, hint);
}

void FlowSteps::read_format(YamlSection& section, const std::string& path, DataFormat& into) {
  if (section.choice("format", into, format_words()) || section.has("format") || path.empty()) return;
  const auto format = format_of(path);
  if (format) {
    into = *format;
  } else {
    section.refuse_at(section.node().at, "the name " + shown(path) + " does not say what the file holds",
                      "write format: csv, json or parquet");
  }
}

void FlowSteps::read_load(YamlSection& section, Load& into) {
  auto load = section.section("load", "a load");
  if (!load) return;
  read_path(*load, "file", into.file);
  read_table(*load, required, into.table);
  read_format(*load, into.file, into.format);
  const bool says_mode = load->choice("mode", into.mode, mode_words());
  if (!load->identifier("by", into.by)) return;
  if (says_mode && into.mode == LoadMode::append) {
    load->refuse("by", "belongs to mode: replace", "remove one of them: by alone replaces the window's rows");
  }
  into.mode = LoadMode::replace;
}

void FlowSteps::read_unload(YamlSection& section, Unload& into) {
  auto unload = section.section("unload", "an unload");
  if (!unload) return;
  const bool has_select = unload->value("select") != nullptr;
  const bool has_table = unload->value("table") != nullptr;
  if (has_select == has_table) {
    unload->refuse_at(unload->node().at, std::string("an unload takes either a select or a table, this has ") +
                                             (has_select ? "both" : "none of them"));
  } else if (has_select) {
    read_sql(*unload, "select", one_select, into.select);
  } else {
    read_table(*unload, Need::optional, into.table);
  }
  read_path(*unload, "to", into.to);
  read_format(*unload, into.to, into.format);
  if (unload->flag("header", into.header) && into.format != DataFormat::csv) {
    unload->refuse("header", std::string("belongs to csv, this is ") + format_word(into.format), "remove it");
    into.header = true;
  }
}

void FlowSteps::read_command(YamlSection& section, Command& into) {
  read_environment(section, into);
  if (!section.texts("command", into.arguments)) return;
  if (into.arguments.empty() || into.arguments.front().empty()) {
    section.refuse("command", "names no program, expected a list such as [python3, send.py]");
    return;
  }
  if (!check_count(section, "command", into.arguments.size(), kArgumentsMax)) return;
  for (const std::string& argument : into.arguments) {
    if (argument.size() <= kArgumentBytesMax) continue;
    section.refuse("command", "an argument has " + std::to_string(argument.size()) + " bytes, allowed are " +
                                  std::to_string(kArgumentBytesMax));
  }
}

void FlowSteps::read_environment(YamlSection& section, Command& into) {
  const Yaml* found = section.value("env");
  if (found == nullptr) return;
  if (!found->is_mapping()) {
    section.refuse("env", "expected a mapping of names to texts, found " + found->described());
    return;
  }
  if (!check_count(section, "env", found->entries.size(), kEnvironmentMax)) return;
  for (const YamlEntry& entry : found->entries) {
    if (!is_variable(entry.key)) {
      section.refuse_at(entry.key_at, "env: " + shown(entry.key) + " is no name of a variable",
                        "letters, digits and _, not beginning with a digit");
    }
    if (!entry.value.is_scalar()) {
      section.refuse_at(entry.value.at, "env." + entry.key + ": expected text, found " + entry.value.described());
    } else if (entry.value.text.size() > kEnvironmentBytesMax) {
      section.refuse_at(entry.value.at, "env." + entry.key + " has " + std::to_string(entry.value.text.size()) +
                                            " bytes, allowed are " + std::to_string(kEnvironmentBytesMax));
    }
    const bool is_secret = entry.value.secret;
    into.environment[entry.key] = {is_secret ? entry.value.written : entry.value.text, is_secret};
  }
}

void FlowSteps::read_after(YamlSection& section, Step& into) {
  const Yaml* found = section.value("after");
  if (found == nullptr) return;
  if (found->is_sequence() && found->items.empty()) {
    into.after.emplace();
    return;
  }
  std::vector<std::string> names;
  if (read_names(section, "after", "step", kStepsMax, names)) into.after = std::move(names);
}

void FlowSteps::check_after() {
  std::vector<std::string> known;
  for (const Step& step : into_.steps) known.push_back(step.name);
  bool is_good = names_.size() == into_.steps.size();
  for (size_t i = 0; i < into_.steps.size(); ++i) {
    const Step& step = into_.steps[i];
    if (!step.after) continue;
    const Yaml& list = *nodes_[i]->find("after");
    for (size_t n = 0; n < step.after->size(); ++n) {
      const std::string& name = (*step.after)[n];
      if (names_.contains(name)) continue;
      in_.refuse_at(list.items[n].at, "after: there is no step " + shown(name), did_you_mean(name, known));
      is_good = false;
    }
  }
  if (is_good) check_circles();
}

void FlowSteps::check_circles() {
  const auto before = steps_before(into_);
  Graph graph;
  for (size_t i = 0; i < before.size(); ++i) {
    std::vector<Node> inputs;
    for (size_t other : before[i]) inputs.push_back({NodeKind::outside, into_.steps[other].name});
    const Status added = graph.add({NodeKind::outside, into_.steps[i].name}, inputs);
    CHECK(added.has_value(), "steps have names of their own, and are fewer than a graph may hold");
  }
  for (const std::vector<Node>& cycle : graph.cycles()) {
    // In a circle of a serial flow one step at least says `after`: that is where it can be opened.
    for (size_t i = 0; i < into_.steps.size(); ++i) {
      const bool is_on_it =
          std::any_of(cycle.begin(), cycle.end(), [&](const Node& node) { return node.name == into_.steps[i].name; });
      if (!is_on_it || !into_.steps[i].after || into_.steps[i].after->empty()) continue;
      in_.refuse_at(nodes_[i]->find("after")->at, "after: these steps wait for each other: " + way_round(cycle),
                    into_.order == StepOrder::serial
                        ? "a step without after waits for the one above it; write after: [] for one that begins"
                        : "let one of them wait for another step");
      break;
    }
  }
}

}  // namespace weir::flow
