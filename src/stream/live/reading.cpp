// What Follower answers to those who look: states, rows of windows, tables of SQL.
#include <algorithm>

#include "core/base/text.h"
#include "stream/live/follower.h"

namespace weir::live {
namespace {

// `real` is the double nearest to a decimal: dividing by ten again and again would miss it.
Value exact_number(int64_t whole, int scale) {
  double power = 1;
  for (int i = 0; i < scale; ++i) power *= 10;
  Value out;
  out.kind = scale == 0 ? Value::Kind::whole : Value::Kind::decimal;
  out.whole = whole;
  out.scale = scale;
  out.real = static_cast<double>(whole) / power;
  return out;
}

Value real_number(double real) {
  Value out;
  out.kind = Value::Kind::real;
  out.real = real;
  return out;
}

void add_value(const Value& value, engine::ColumnValues& into) {
  if (value.kind == Value::Kind::none) {
    into.add_null();
  } else if (into.type() == engine::ColumnType::float64) {
    into.add_double(value.real);
  } else {
    into.add_int(value.whole);
  }
}

bool is_before(const WindowRow& a, const WindowRow& b) {
  return a.is_other != b.is_other ? b.is_other : a.key < b.key;
}

// Rows of one window that the query asks for.
void take_rows(const Plan& plan, int64_t index, const Window& window, const Query& query,
               std::vector<WindowRow>& into) {
  const size_t begin = into.size();
  const std::optional<std::string> wanted = query.key ? std::optional(encode_key(*query.key)) : std::nullopt;
  for (const auto& [key, row] : window.rows) {
    if (row.changed < query.changed_from || (wanted && *wanted != key)) continue;
    WindowRow out;
    out.start.micros = index * plan.live->size.micros;
    out.is_other = key == kOtherKey;
    if (out.is_other) {
      out.key.assign(plan.live->keys.size(), std::nullopt);
    } else {
      out.key = decode_key(key);
    }
    for (size_t i = 0; i < plan.live->measures.size(); ++i) out.values.push_back(value_of(plan, row, i));
    out.late = row.late;
    if (row.corrected_at != 0) out.corrected_at = ArrivalTime{row.corrected_at};
    into.push_back(std::move(out));
  }
  std::sort(into.begin() + static_cast<std::ptrdiff_t>(begin), into.end(), is_before);
}

}  // namespace

Value value_of(const Plan& plan, const Row& row, size_t measure) {
  const Measure& declared = plan.live->measures[measure];
  if (declared.kind == MeasureKind::ratio) {
    const Value dividend = value_of(plan, row, plan.measure(declared.dividend));
    const Value divisor = value_of(plan, row, plan.measure(declared.divisor));
    const bool is_number = dividend.kind != Value::Kind::none && divisor.kind != Value::Kind::none && divisor.real != 0;
    return is_number ? real_number(dividend.real / divisor.real) : Value{};
  }
  const CellPlan& cell = plan.cells[plan.cell_of[measure]];
  const Cell& held = row.cells[plan.cell_of[measure]];
  if (cell.kind == MeasureKind::count) return exact_number(static_cast<int64_t>(held.count), 0);
  if (held.count == 0) return {};
  const Value out = cell.is_exact ? exact_number(held.whole, cell.scale) : real_number(held.real);
  return cell.kind == MeasureKind::avg ? real_number(out.real / static_cast<double>(held.count)) : out;
}

std::string Version::text() const {
  return std::to_string(epoch) + "-" + std::to_string(position);
}

std::optional<Version> Version::parse(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.size() > 41) return std::nullopt;
  Version out;
  const auto number = [](std::string_view digits, uint64_t& into) {
    if (digits.empty()) return false;
    for (const char c : digits) {
      if (c < '0' || c > '9' || into > (UINT64_MAX - 9) / 10) return false;
      into = into * 10 + static_cast<uint64_t>(c - '0');
    }
    return true;
  };
  if (!number(text.substr(0, dash), out.epoch) || !number(text.substr(dash + 1), out.position)) return std::nullopt;
  return out;
}

const char* phase_word(Phase phase) {
  switch (phase) {
    case Phase::live:
      return "live";
    case Phase::counting:
      return "counting";
    case Phase::disabled:
      return "disabled";
    case Phase::failed:
      return "failed";
  }
  return "";
}

LiveState Follower::state_locked(const State& state) const {
  LiveState out;
  out.live = state.live;
  out.problem = state.problem;
  out.phase = !state.live->enabled ? Phase::disabled
              : !state.plan        ? Phase::failed
              : state.count        ? Phase::counting
                                   : Phase::live;
  out.checkpoint_at = checkpoint_at_;
  if (!state.plan) return out;
  const Windows& windows = *state.windows;
  out.version = {state.epoch, position_};
  out.changed = windows.changed();
  const uint64_t end = journal_.durable_end().value;
  out.lag_records = end > position_ ? end - position_ : 0;
  out.windows = windows.all().size();
  out.rows = windows.rows();
  out.events = windows.events();
  out.late = windows.late();
  out.misfits = windows.misfits();
  out.complete_since.micros = state.complete_since;
  if (!windows.all().empty()) {
    out.oldest = EventTime{windows.all().begin()->first * state.live->size.micros};
    out.newest = EventTime{windows.all().rbegin()->first * state.live->size.micros};
  }
  return out;
}

std::vector<LiveState> Follower::states() const {
  std::lock_guard lock(mutex_);
  std::vector<LiveState> out;
  for (const auto& [name, state] : states_) out.push_back(state_locked(state));
  return out;
}

Result<const Follower::State*> Follower::find_locked(std::string_view name) const {
  const auto found = states_.find(name);
  if (found != states_.end()) return &found->second;
  std::vector<std::string> names;
  for (const auto& [known, state] : states_) names.push_back(known);
  return Error(Code::not_found, "there are no live windows " + shown(name),
               names.empty() ? "declare them in live/" + std::string(is_identifier(name) ? name : "NAME") + ".yaml"
                             : did_you_mean(name, names));
}

// From the newest window back, so that a limit leaves out the oldest.
Result<Reading> Follower::read(std::string_view name, const Query& query) const {
  std::lock_guard lock(mutex_);
  TRY_ASSIGN(const State* state, find_locked(name));
  Reading out;
  out.state = state_locked(*state);
  if (!state->plan) return out;
  const Duration size = state->live->size;
  const auto& windows = state->windows->all();
  const auto begin =
      query.from ? windows.lower_bound(window_of(query.from->micros + size.micros - 1, size)) : windows.begin();
  auto at = query.to ? windows.lower_bound(window_of(query.to->micros + size.micros - 1, size)) : windows.end();
  std::vector<std::vector<WindowRow>> newest_first;
  size_t rows = 0;
  const bool has_any = begin != windows.end() && (at == windows.end() || begin->first < at->first);
  while (has_any && at != begin) {
    --at;
    if (at->second.changed < query.changed_from) continue;
    if (rows >= query.rows_max) {
      out.truncated = true;
      break;
    }
    std::vector<WindowRow> some;
    take_rows(*state->plan, at->first, at->second, query, some);
    if (rows + some.size() > query.rows_max) {
      some.resize(query.rows_max - rows);
      out.truncated = true;
    }
    rows += some.size();
    newest_first.push_back(std::move(some));
  }
  for (auto some = newest_first.rbegin(); some != newest_first.rend(); ++some) {
    std::move(some->begin(), some->end(), std::back_inserter(out.rows));
  }
  return out;
}

std::vector<Live::Table> Follower::tables() const {
  std::lock_guard lock(mutex_);
  std::vector<Table> out;
  for (const auto& [name, state] : states_) {
    if (state.plan) out.push_back({kTablePrefix + name, table_columns(*state.plan)});
  }
  return out;
}

Result<engine::RowBlock> Follower::table_rows(std::string_view table) const {
  std::lock_guard lock(mutex_);
  TRY_ASSIGN(const State* state, find_locked(table.substr(std::string_view(kTablePrefix).size())));
  if (!state->plan) return Error(Code::unavailable, "the live windows " + state->live->name + " are not counted");
  engine::RowBlock out(table_columns(*state->plan));
  std::vector<WindowRow> rows;
  for (const auto& [index, window] : state->windows->all()) {
    rows.clear();
    take_rows(*state->plan, index, window, {}, rows);
    for (const WindowRow& row : rows) {
      size_t at = 0;
      out.column(at++).add_int(row.start.micros);
      for (const auto& value : row.key) {
        if (row.is_other) {
          out.column(at++).add_text("_other");
        } else if (value) {
          out.column(at++).add_text(*value);
        } else {
          out.column(at++).add_null();
        }
      }
      for (const Value& value : row.values) add_value(value, out.column(at++));
      out.column(at++).add_int(static_cast<int64_t>(row.late));
      if (row.corrected_at) {
        out.column(at).add_int(row.corrected_at->micros);
      } else {
        out.column(at).add_null();
      }
    }
  }
  return out;
}

}  // namespace weir::live
