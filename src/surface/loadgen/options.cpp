// The configuration file of the load generator: the seed's keys as they are, then weir's own.
#include "core/base/yaml_reader.h"
#include "surface/loadgen/loadgen.h"

namespace weir::loadgen {
namespace {

constexpr int64_t kCountMax = 1'000'000'000;

// ${NAME} must be set; ${NAME:-default} need not be.
Result<YamlExpansion> expand(std::string_view reference,
                             const std::function<std::optional<std::string>(std::string_view)>& environment) {
  const size_t fallback = reference.find(":-");
  const std::string name(reference.substr(0, fallback));
  if (auto value = environment(name)) return YamlExpansion{*value, false};
  if (fallback != std::string_view::npos) return YamlExpansion{std::string(reference.substr(fallback + 2)), false};
  return Error(Code::invalid, "the environment variable " + name + " is not set",
               "export " + name + "=…, or write ${" + name + ":-default}");
}

void read_users(YamlReader& in, AudienceOptions& audience) {
  if (auto ads = in.section("Ads", "the ads")) ads->integer("Count", audience.ads, {1, kCountMax});
  auto users = in.section("Users", "the users");
  if (!users) return;
  users->integer("Count", audience.users, {1, 10'000'000});
  users->number("ClickthroughProbability", audience.click_probability, {0, 1});
  users->duration("ViewFrequency", audience.view_frequency, {milliseconds(1), days(30)});
  users->number("ViewVariance", audience.view_variance, {0, 1});
  users->duration("ConsiderDuration", audience.consider_duration, {microseconds(1), days(1)});
  users->number("ConsiderVariance", audience.consider_variance, {0, 1});
}

}  // namespace

LoadOptions read_options(std::string_view text, const std::string& file_name,
                         const std::function<std::optional<std::string>(std::string_view)>& environment,
                         std::vector<Error>& errors) {
  LoadOptions out;
  auto yaml = parse_yaml(text, {file_name});
  if (!yaml) {
    errors.push_back(yaml.error());
    return out;
  }
  expand_yaml(
      *yaml, [&](std::string_view reference) { return expand(reference, environment); }, errors);
  YamlReader in(*yaml, "a load");
  in.text("BaseURL", out.base_url);
  in.duration("Duration", out.duration, {milliseconds(1), days(365)});
  read_users(in, out.audience);
  in.number("Rate", out.rate, {0, 1e9});
  in.number("Speed", out.speed, {0.001, 1e6});
  in.integer("Connections", out.connections, {1, 1000});
  in.integer("BatchSize", out.batch_records, {1, 500});
  in.duration("FlushEvery", out.flush_every, {milliseconds(1), minutes(1)});
  in.duration("LateBy", out.late_by, {seconds(1), days(365)});
  in.integer("Seed", out.seed, {0, UINT64_MAX});
  if (auto shares = in.section("Shares", "the shares")) {
    shares->number("Duplicates", out.duplicates, {0, 1});
    shares->number("Malformed", out.malformed, {0, 1});
    shares->number("Late", out.late, {0, 1});
  }
  for (auto& error : in.finish()) errors.push_back(std::move(error));
  return out;
}

}  // namespace weir::loadgen
