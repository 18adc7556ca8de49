// TO_CHAR, TO_DATE, TO_TIMESTAMP of times, MONTHS_BETWEEN, NEXT_DAY, TRUNC of a time.
#include <cmath>

#include "core/base/text.h"
#include "core/base/time.h"
#include "storage/engine/by_row.h"
#include "storage/engine/platform_functions.h"
#include "storage/engine/time_calendar.h"
#include "storage/engine/time_names.h"
#include "storage/engine/time_pattern.h"

namespace weir::engine {
namespace {

using duckdb::LogicalType;
using duckdb::timestamp_t;

Error not_finite(const char* function) {
  return Error(Code::invalid, std::string(function) + "() takes no infinite time");
}

Result<std::string> write_time(std::string_view pattern, timestamp_t local, int64_t utc) {
  thread_local LastPattern<TimePattern> last;
  if (!duckdb::Timestamp::IsFinite(local)) return not_finite("to_char");
  TRY_ASSIGN(const TimePattern* known, last.of(pattern));
  return known->write(local.value, static_cast<int32_t>((local.value - utc) / 1'000'000));
}

// A zone's own clock comes as one more argument, as only DuckDB's cast knows the session's zone.
duckdb::unique_ptr<duckdb::FunctionData> add_local_time(duckdb::ClientContext& context,
                                                        duckdb::ScalarFunction& function,
                                                        duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given) {
  auto instant = duckdb::BoundCastExpression::AddCastToType(context, given[0]->Copy(), LogicalType::TIMESTAMP_TZ);
  given.push_back(duckdb::BoundCastExpression::AddCastToType(context, std::move(instant), LogicalType::TIMESTAMP));
  function.arguments.push_back(LogicalType::TIMESTAMP);
  return nullptr;
}

Result<timestamp_t> read_time(const Row& row) {
  thread_local LastPattern<TimePattern> last;
  TRY_ASSIGN(const TimePattern* pattern, last.of(row.text(1)));
  TRY_ASSIGN(const int64_t micros, pattern->read(row.text(0), row.count() > 2 && row.get<bool>(2)));
  return timestamp_t(micros);
}

// to_timestamp(text, pattern) is at that time in the session's zone.
duckdb::unique_ptr<duckdb::Expression> in_session_zone(duckdb::FunctionBindExpressionInput& input) {
  duckdb::vector<LogicalType> types;
  for (const auto& child : input.children) types.push_back(child->return_type);
  auto inner = by_row<timestamp_t>("to_timestamp", types, LogicalType::TIMESTAMP, read_time);
  auto read = duckdb::make_uniq<duckdb::BoundFunctionExpression>(LogicalType::TIMESTAMP, std::move(inner),
                                                                 std::move(input.children), nullptr);
  return duckdb::BoundCastExpression::AddCastToType(input.context, std::move(read), LogicalType::TIMESTAMP_TZ);
}

duckdb::ScalarFunction to_timestamp(duckdb::vector<LogicalType> arguments) {
  auto function = by_row<timestamp_t>("to_timestamp", std::move(arguments), LogicalType::TIMESTAMP_TZ, read_time);
  function.bind_expression = in_session_zone;
  return function;
}

Result<duckdb::date_t> read_date(const Row& row) {
  TRY_ASSIGN(const timestamp_t time, read_time(row));
  const int64_t of_day = ((time.value % kDayMicros) + kDayMicros) % kDayMicros;
  return duckdb::date_t(static_cast<int32_t>((time.value - of_day) / kDayMicros));
}

// Whole months between two days of the same number, or two last days; else a 31st part for each day more.
Result<double> months_between(const Row& row) {
  const auto first = row.get<timestamp_t>(0), second = row.get<timestamp_t>(1);
  if (!duckdb::Timestamp::IsFinite(first) || !duckdb::Timestamp::IsFinite(second)) return not_finite("months_between");
  const CivilTime a = civil_from_micros(first.value), b = civil_from_micros(second.value);
  const double months = 12.0 * (a.year - b.year) + (a.month - b.month);
  const bool both_last = a.day == days_in_month(a.year, a.month) && b.day == days_in_month(b.year, b.month);
  if (a.day == b.day || both_last) return months;
  const auto of_day = [](const CivilTime& time) {
    return (time.hour * 3600.0 + time.minute * 60.0 + time.second + time.micro / 1e6) / 86'400.0;
  };
  return months + (a.day - b.day + of_day(a) - of_day(b)) / 31;
}

// The beginning of a day's name, of two letters at least; one where it is enough.
Result<int> weekday_named(std::string_view name) {
  const std::string_view written = trim(name);
  int found = -1, count = 0;
  for (size_t i = 0; i < kDayNames.size(); ++i) {
    const bool begins = !written.empty() && written.size() <= kDayNames[i].size() &&
                        equal_ignoring_case(written, kDayNames[i].substr(0, written.size()));
    if (!begins) continue;
    found = static_cast<int>(i);
    ++count;
  }
  if (count == 1) return found;
  return Error(Code::invalid,
               "next_day() takes a day of the week as argument 2, such as Mo, Mon or Monday; found " + shown(name));
}

Result<duckdb::date_t> next_day(const Row& row) {
  const auto time = row.get<timestamp_t>(0);
  if (!duckdb::Timestamp::IsFinite(time)) return not_finite("next_day");
  TRY_ASSIGN(const int wanted, weekday_named(row.text(1)));
  const int64_t of_day = ((time.value % kDayMicros) + kDayMicros) % kDayMicros;
  const int64_t day = (time.value - of_day) / kDayMicros;
  const int ahead = (wanted - weekday_of(day) + 6) % 7 + 1;
  return duckdb::date_t(static_cast<int32_t>(day + ahead));
}

Result<duckdb::date_t> trunc_time(const Row& row) {
  return duckdb::Timestamp::GetDate(row.get<timestamp_t>(0));
}

duckdb::unique_ptr<duckdb::FunctionData> as_local_time(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                                       duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given) {
  given[0] = duckdb::BoundCastExpression::AddCastToType(context, std::move(given[0]), LogicalType::TIMESTAMP);
  function.arguments[0] = LogicalType::TIMESTAMP;
  return nullptr;
}

// A time and so many days. A time without an end stays one.
template <int kSign>
Result<timestamp_t> shifted(const Row& row) {
  const auto time = row.get<timestamp_t>(0);
  if (!duckdb::Timestamp::IsFinite(time)) return time;
  int64_t micros = 0, value = 0;
  const bool fits = !__builtin_mul_overflow(row.get<int64_t>(1), kSign * kDayMicros, &micros) &&
                    !__builtin_add_overflow(time.value, micros, &value);
  if (fits && duckdb::Timestamp::IsFinite(timestamp_t(value))) return timestamp_t(value);
  Error error(Code::invalid, "timestamp out of range");
  error.sqlstate = "22008";  // datetime_field_overflow
  return error;
}

// The argument is declared as anything, as another type of its own would leave '1 day' and parameters without one that
// fits best: what is no number of days is given to DuckDB's function of the same name.
duckdb::unique_ptr<duckdb::FunctionData> bind_days(duckdb::ClientContext& context, duckdb::ScalarFunction& function,
                                                   duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& given) {
  using duckdb::LogicalTypeId;
  const LogicalType time = given[0]->return_type, type = given[1]->return_type;
  LogicalType wanted = LogicalType::BIGINT;
  if (type.id() == LogicalTypeId::VARCHAR || type.id() == LogicalTypeId::STRING_LITERAL) {
    wanted = LogicalType::INTERVAL;
  } else if (function.name == "-" && (type.id() == LogicalTypeId::DATE || type.id() == LogicalTypeId::TIMESTAMP ||
                                      type.id() == LogicalTypeId::TIMESTAMP_TZ)) {
    wanted = time;
  } else if (!type.IsIntegral() && type.id() != LogicalTypeId::INTEGER_LITERAL && type.id() != LogicalTypeId::SQLNULL) {
    throw duckdb::BinderException("operator %s of %s takes a span or a whole number of days, no %s", function.name,
                                  time.ToString(), type.ToString());
  }
  given[1] = duckdb::BoundCastExpression::AddCastToType(context, std::move(given[1]), wanted);
  if (wanted == LogicalType::BIGINT) {
    function.arguments[1] = wanted;
    return nullptr;
  }
  auto& catalog = duckdb::Catalog::GetSystemCatalog(context);
  auto& entry = catalog.GetEntry<duckdb::ScalarFunctionCatalogEntry>(context, DEFAULT_SCHEMA, function.name);
  function = entry.functions.GetFunctionByArguments(context, {function.arguments[0], wanted});
  return function.bind == nullptr ? nullptr : function.bind(context, function, given);
}

}  // namespace

ScalarFunctions time_functions() {
  const LogicalType text = LogicalType::VARCHAR, time = LogicalType::TIMESTAMP, instant = LogicalType::TIMESTAMP_TZ,
                    day = LogicalType::DATE, truth = LogicalType::BOOLEAN;
  ScalarFunctions out;
  out.push_back(by_row<std::string>("to_char", {time, text}, text, [](const Row& row) {
    const auto at = row.get<timestamp_t>(0);
    return write_time(row.text(1), at, at.value);
  }));
  out.push_back(by_row<std::string>("to_char", {instant, text}, text, [](const Row& row) {
    return write_time(row.text(1), row.get<timestamp_t>(2), row.get<timestamp_t>(0).value);
  }));
  out.back().bind = add_local_time;
  out.push_back(
      by_row<std::string>("to_char", {LogicalType::INTERVAL, text}, text, [](const Row& row) -> Result<std::string> {
        thread_local LastPattern<TimePattern> last;
        TRY_ASSIGN(const TimePattern* pattern, last.of(row.text(1)));
        const auto span = row.get<duckdb::interval_t>(0);
        return pattern->write(Span{span.months, span.days, span.micros});
      }));
  out.push_back(by_row<duckdb::date_t>("to_date", {text, text}, day, read_date));
  out.push_back(by_row<duckdb::date_t>("to_date", {text, text, truth}, day, read_date));
  out.push_back(to_timestamp({text, text}));
  out.push_back(to_timestamp({text, text, truth}));
  out.push_back(by_row<double>("months_between", {time, time}, LogicalType::DOUBLE, months_between));
  out.push_back(by_row<duckdb::date_t>("next_day", {time, text}, day, next_day));
  out.push_back(by_row<duckdb::date_t>("trunc", {time}, day, trunc_time));
  out.push_back(by_row<duckdb::date_t>("trunc", {day}, day, [](const Row& row) { return row.get<duckdb::date_t>(0); }));
  out.push_back(by_row<duckdb::date_t>("trunc", {instant}, day, trunc_time));
  out.back().bind = as_local_time;
  for (const LogicalType& type : {time, instant}) {
    out.push_back(by_row<timestamp_t>("+", {type, LogicalType::ANY}, type, shifted<1>));
    out.back().bind = bind_days;
    out.push_back(by_row<timestamp_t>("-", {type, LogicalType::ANY}, type, shifted<-1>));
    out.back().bind = bind_days;
  }
  return out;
}

}  // namespace weir::engine
