#include "stream/live/history.h"

#include "core/base/quotes.h"

namespace weir::live {
namespace {

constexpr Duration kTimeMax = minutes(30);
constexpr uint64_t kGroupsMax = 1'000'000;

int64_t integer_of(const engine::Cell& cell) {
  const auto* value = std::get_if<int64_t>(&cell);
  return value == nullptr ? 0 : *value;
}

double real_of(const engine::Cell& cell) {
  const auto* value = std::get_if<double>(&cell);
  return value == nullptr ? static_cast<double>(integer_of(cell)) : *value;
}

// The statements over one stream. Numbers in them are our own; what somebody declared is quoted names.
class SourceSql {
 public:
  SourceSql(const Plan& plan, const Source& source) : plan_(plan), source_(source) {
    const Declaration& live = *plan.live;
    size_ = std::to_string(live.size.micros);
    late_ = "a >= (w + 1) * " + size_ + " + " + std::to_string(live.settle.micros);
    too_late_ = "a >= (w + 1) * " + size_ + " + " + std::to_string(live.allowed_lateness.micros);
  }

  // A row for each window and key that has one, and one for all others of the window.
  std::string windows() const {
    const bool has_keys = !source_.keys.empty();
    std::string keys, group = "w, is_other", join;
    for (size_t i = 0; i < source_.keys.size(); ++i) {
      const std::string number = std::to_string(i);
      keys += ", CASE WHEN tw IS NOT NULL THEN k" + number + " END AS k" + number;
      group += ", " + std::to_string(i + 2);
      join += " AND k" + number + " IS NOT DISTINCT FROM t" + number;
    }
    const std::string too_long = has_keys ? " FILTER (NOT " + fits() + ")" : " FILTER (false)";
    std::string sql = "SELECT w" + keys + (has_keys ? ", tw IS NULL" : ", false") +
                      " AS is_other, count(*), count(*) FILTER (" + late_ + "), max(a) FILTER (" + late_ +
                      "), max(_seq), min(_seq), count(*)" + too_long + ", max(a)" + too_long + ", max(_seq)" + too_long;
    for (const Source::Input& input : source_.inputs) sql += ", " + columns_of(input);
    sql += " FROM " + in_time();
    if (has_keys) sql = "WITH " + top() + sql + " LEFT JOIN top ON w = tw" + join;
    return sql + " GROUP BY " + group;
  }

  std::string too_late() const { return "SELECT count(*), max(a), max(_seq) FROM " + events() + " WHERE " + too_late_; }

  std::string quarantined() const {
    return "SELECT reason, count(*), max(epoch_us(_arrived_at)), max(_seq) FROM " +
           quoted_name(source_.stream + "_quarantine") +
           " WHERE _seq < $1 AND _arrived_at >= make_timestamp($2) GROUP BY reason";
  }

 private:
  // Window, arrival, keys and fields of each event.
  std::string events() const {
    std::string time = source_.time_field.empty() ? "_arrived_at" : quoted_name(source_.time_field);
    if (source_.time_is_date) time = "CAST(" + time + " AS TIMESTAMP)";
    std::string sql = "(SELECT epoch_us(" + time + ") // " + size_ + " AS w, epoch_us(_arrived_at) AS a, _seq";
    for (size_t i = 0; i < source_.keys.size(); ++i) {
      sql += ", CAST(" + quoted_name(source_.fields[source_.keys[i]].name) + " AS VARCHAR) AS k" + std::to_string(i);
    }
    for (size_t i = 0; i < source_.fields.size(); ++i) {
      sql += ", " + exact(source_.fields[i]) + " AS f" + std::to_string(i);
    }
    return sql + " FROM " + quoted_name(source_.stream) + " WHERE _seq < $1 AND " + time + " >= make_timestamp($2))";
  }

  std::string in_time() const { return "(SELECT * FROM " + events() + " WHERE NOT (" + too_late_ + "))"; }

  // Keys that may have a row.
  std::string fits() const {
    std::string out = "(true";
    for (size_t i = 0; i < source_.keys.size(); ++i) {
      const std::string key = "k" + std::to_string(i);
      out += " AND (" + key + " IS NULL OR strlen(" + key + ") <= " + std::to_string(kKeyBytesMax) + ")";
    }
    return out + ")";
  }

  // The keys of each window that came first, over all streams: those that have a row.
  std::string top() const {
    std::string keys, named, all;
    for (size_t i = 0; i < source_.keys.size(); ++i) {
      const std::string number = std::to_string(i);
      keys += ", k" + number;
      named += ", k" + number + " AS t" + number;
    }
    for (const Source& source : plan_.sources) {
      const SourceSql one(plan_, source);
      all += (all.empty() ? "" : " UNION ALL ") + ("SELECT w" + keys + ", _seq FROM ") + one.in_time() + " WHERE " +
             one.fits();
    }
    return "firsts AS (SELECT w" + keys + ", min(_seq) AS first FROM (" + all + ") GROUP BY w" + keys +
           "), top AS (SELECT w AS tw" + named +
           " FROM firsts QUALIFY row_number() OVER (PARTITION BY w ORDER BY first) <= " +
           std::to_string(plan_.live->keys_max) + ") ";
  }

  // A decimal as the integer that cells hold.
  static std::string exact(const capture::Field& field) {
    if (field.type != capture::FieldType::decimal || field.scale == 0) return quoted_name(field.name);
    return "CAST(" + quoted_name(field.name) + " * CAST(1" + std::string(static_cast<size_t>(field.scale), '0') +
           " AS DECIMAL(19,0)) AS BIGINT)";
  }

  // Values, their sum or extreme, and what lacks one: how many, the newest arrival, the newest sequence.
  std::string columns_of(const Source::Input& input) const {
    if (input.field == kNoField) return "count(*), NULL, 0, NULL, NULL";
    const std::string field = "f" + std::to_string(input.field);
    const CellPlan& cell = plan_.cells[input.cell];
    if (cell.kind == MeasureKind::count) return "count(" + field + "), NULL, 0, NULL, NULL";
    const char* function = cell.kind == MeasureKind::min ? "min" : cell.kind == MeasureKind::max ? "max" : "sum";
    const std::string value = std::string(function) + "(" + field + ")";
    const std::string missing = " FILTER (" + field + " IS NULL)";
    return "count(" + field + "), " + (cell.is_exact ? "TRY_CAST(" + value + " AS BIGINT)" : value) + ", count(*)" +
           missing + ", max(a)" + missing + ", max(_seq)" + missing;
  }

  const Plan& plan_;
  const Source& source_;
  std::string size_, late_, too_late_;
};

using SqlRow = std::vector<engine::Cell>;

class HistoryReader {
 public:
  HistoryReader(engine::Session& session, const Plan& plan, const HistoryRange& range)
      : session_(session), plan_(plan), range_(range) {}

  Result<Counted> read() {
    for (const Source& source : plan_.sources) {
      const SourceSql sql(plan_, source);
      TRY(each(sql.windows(), [&](const SqlRow& row) { take_window(source, row); }));
      TRY(each(sql.too_late(), [&](const SqlRow& row) {
        add_misfit({source.stream, "too_late", ""}, row[0], row[1], row[2]);
      }));
      TRY(each(sql.quarantined(), [&](const SqlRow& row) {
        const auto* reason = std::get_if<std::string>(&row[0]);
        add_misfit({source.stream, reason == nullptr ? "" : *reason, ""}, row[1], row[2], row[3]);
      }));
    }
    return std::move(counted_);
  }

 private:
  Status each(const std::string& sql, const std::function<void(const SqlRow&)>& take) {
    const int64_t from = range_.floor * plan_.live->size.micros;
    TRY_ASSIGN(const auto result,
               session_.query(sql, {Json(range_.before), Json(from)}, {.time = kTimeMax, .rows_max = kGroupsMax}));
    for (;;) {
      TRY_ASSIGN(const auto rows, result->next());
      if (rows.empty()) return {};
      for (const SqlRow& row : rows) take(row);
    }
  }

  void take_window(const Source& source, const SqlRow& row) {
    CountedRow out;
    size_t at = 0;
    out.window = integer_of(row[at++]);
    Key key;
    for (size_t i = 0; i < source.keys.size(); ++i, ++at) {
      const auto* value = std::get_if<std::string>(&row[at]);
      key.push_back(value == nullptr ? std::nullopt : std::optional<std::string>(*value));
    }
    const bool* is_other = std::get_if<bool>(&row[at++]);
    const bool has_place = is_other == nullptr || !*is_other;
    const int64_t events = integer_of(row[at++]);
    out.row.events = static_cast<uint64_t>(events);
    out.row.late = static_cast<uint64_t>(integer_of(row[at++]));
    out.row.corrected_at = integer_of(row[at++]);
    const int64_t newest = integer_of(row[at++]);
    out.row.changed = static_cast<uint64_t>(newest);
    out.first = static_cast<uint64_t>(integer_of(row[at++]));
    const int64_t too_long = integer_of(row[at]);
    const std::string field = source.keys.size() == 1 ? source.fields[source.keys[0]].name : "";
    add_misfit({source.stream, "key_too_long", field}, row[at], row[at + 1], row[at + 2]);
    at += 3;
    if (!has_place && plan_.live->beyond_keys == Beyond::drop) {
      return add_misfit({source.stream, "too_many_keys", ""}, events - too_long, int64_t{0}, newest);
    }
    out.key = has_place ? encode_key(key) : std::string(kOtherKey);
    out.row.cells.resize(plan_.cells.size());
    for (const Source::Input& input : source.inputs) {
      take_cell(source, input, &row[at], out.row.cells[input.cell]);
      at += 5;
    }
    counted_.rows.push_back(std::move(out));
  }

  void take_cell(const Source& source, const Source::Input& input, const engine::Cell* row, Cell& into) {
    const CellPlan& plan = plan_.cells[input.cell];
    into.count = static_cast<uint64_t>(integer_of(row[0]));
    if (plan.kind == MeasureKind::count) return;
    const std::string& field = source.fields[input.field].name;
    if (input.tells) add_misfit({source.stream, "missing_field", field}, row[2], row[3], row[4]);
    if (into.count > 0 && std::holds_alternative<std::nullptr_t>(row[1])) {
      add_misfit({source.stream, "sum_overflow", field}, row[0], int64_t{0}, int64_t{0});
      into = {};
    } else if (plan.is_exact) {
      into.whole = integer_of(row[1]);
    } else {
      into.real = real_of(row[1]);
    }
  }

  void add_misfit(const MisfitPlace& place, const engine::Cell& count, const engine::Cell& last_at,
                  const engine::Cell& last_sequence) {
    if (integer_of(count) == 0) return;
    Misfit& into = counted_.misfits[place];
    into.count += static_cast<uint64_t>(integer_of(count));
    into.last_at = std::max(into.last_at, integer_of(last_at));
    into.last_sequence = std::max(into.last_sequence, static_cast<uint64_t>(integer_of(last_sequence)));
  }

  engine::Session& session_;
  const Plan& plan_;
  const HistoryRange& range_;
  Counted counted_;
};

}  // namespace

HistorySource engine_history(engine::Engine& engine, Cancel stopping) {
  return [&engine, stopping](const Plan& plan, const HistoryRange& range) -> Result<Counted> {
    TRY_ASSIGN(const auto session, engine.connect(engine::Trust::own));
    const auto interrupt = stopping.attach([&session] { session->cancel(); });
    return HistoryReader(*session, plan, range).read();
  };
}

}  // namespace weir::live
