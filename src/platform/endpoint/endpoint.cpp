#include "platform/endpoint/endpoint.h"

#include <algorithm>
#include <set>

#include "core/base/log.h"
#include "core/base/quotes.h"
#include "core/base/text.h"
#include "platform/endpoint/endpoint_words.h"
#include "platform/flow/builder.h"
#include "platform/flow/declaration_json.h"

namespace weir::endpoint {
namespace {

constexpr const char* kSecretName = "endpoint.key";
constexpr size_t kSecretBytes = 32;
constexpr Duration kRetryAfter = seconds(15);

std::string random_secret(Random& random) {
  std::string out;
  while (out.size() < kSecretBytes) put_u64(out, random.next());
  return hex_encode(out);
}

}  // namespace

// Its partitions are changed by whoever holds `writing`.
struct Endpoints::Slot {
  Mutex writing;
  std::shared_ptr<const Endpoint> endpoint;
  std::shared_ptr<const EndpointKeys> keys;  // of all endpoints; null: they cannot be read
  std::string partition_column;
  std::atomic<int64_t> retry_at{0};  // steady: what could not be written is not tried before
  std::atomic<bool> is_gone{false};  // no longer declared, or declared anew
};

size_t Served::missing() const {
  return static_cast<size_t>(std::count_if(partitions.begin(), partitions.end(), [](const PartitionIndex& one) {
    return one.file == nullptr || one.file->is_damaged();
  }));
}

Endpoints::Endpoints(const Parts& parts)
    : parts_(parts),
      indexer_({parts.engine, parts.flow, parts.files, parts.random, parts.folder,
                std::make_shared<IndexMemory>(parts.memory_bytes)}),
      served_(std::make_shared<const ServedMap>()) {}

Endpoints::~Endpoints() = default;

// --- what is declared -----------------------------------------------------------------------------------------------

// One secret for all endpoints, made when the first one is declared. Without it nothing can be answered; the server
// runs all the same.
Result<std::shared_ptr<const EndpointKeys>> Endpoints::read_keys() {
  auto secret = parts_.secrets.find(kSecretName);
  if (!secret && secret.error().code == Code::not_found) {
    TRY(parts_.secrets.put(kSecretName, random_secret(parts_.random)));
    secret = parts_.secrets.find(kSecretName);
  }
  if (!secret) return secret.error();
  return std::make_shared<const EndpointKeys>(keys_of(*secret));
}

std::shared_ptr<Meters> Endpoints::meters_of(const std::string& endpoint) {
  const MutexLock lock(mutex_);
  std::shared_ptr<Meters>& out = meters_[endpoint];
  if (out) return out;
  const auto requests = [&](const char* outcome) -> Counter& {
    return parts_.metrics.counter(
        "weir_endpoint_requests_total",
        "Requests to declared endpoints: answered, unchanged (304), refused (4xx), unavailable (5xx).",
        {{"endpoint", endpoint}, {"outcome", outcome}});
  };
  const Labels labels = {{"endpoint", endpoint}};
  out = std::make_shared<Meters>(Meters{
      requests("answered"), requests("unchanged"), requests("refused"), requests("unavailable"),
      parts_.metrics.counter("weir_endpoint_builds_total", "Indexes of partitions that were written for an endpoint.",
                             labels),
      parts_.metrics.counter("weir_endpoint_build_failures_total", "Indexes that could not be written.", labels),
      parts_.metrics.histogram("weir_endpoint_seconds", "Time from a request to an endpoint to its answer.", labels)});
  return out;
}

Status Endpoints::set_endpoints(std::vector<Endpoint> endpoints) {
  const MutexLock change(change_mutex_);
  std::shared_ptr<const EndpointKeys> keys;
  std::string problem;
  if (!endpoints.empty()) {
    auto read = read_keys();
    if (read) {
      keys = std::move(*read);
    } else {
      problem = "the secret " + std::string(kSecretName) + " cannot be read: " + read.error().message;
      log_event(Level::error, "endpoint.no_key", {{"error", read.error().text()}});
    }
  }
  Slots next;
  std::vector<Served> made;
  for (Endpoint& endpoint : endpoints) {
    auto slot = std::make_shared<Slot>();
    slot->endpoint = std::make_shared<const Endpoint>(std::move(endpoint));
    slot->keys = keys;
    if (const auto table = parts_.flow.table(slot->endpoint->table)) slot->partition_column = table->table.partition;
    Served& served = made.emplace_back();
    served.endpoint = slot->endpoint;
    served.form = form_of(*slot->endpoint);
    served.path = path_parts(slot->endpoint->path);
    served.keys = keys;
    served.problem = problem;
    served.meters = meters_of(slot->endpoint->name);
    next.emplace(slot->endpoint->name, std::move(slot));
  }
  {
    const MutexLock lock(mutex_);
    auto map = std::make_shared<ServedMap>();
    for (Served& served : made) {
      // What its rows are made of did not change: it goes on answering.
      const auto before = served_->find(served.endpoint->name);
      if (before != served_->end() && before->second->is_compared && keys &&
          before->second->keys->rows_check == keys->rows_check &&
          content_hash(*before->second->endpoint) == content_hash(*served.endpoint)) {
        served.partitions = before->second->partitions;
        served.computed_at = before->second->computed_at;
        served.is_compared = true;
      }
      const std::string name = served.endpoint->name;
      map->emplace(name, std::make_shared<const Served>(std::move(served)));
    }
    for (const auto& [name, slot] : slots_) slot->is_gone = true;
    slots_ = std::move(next);
    served_ = std::move(map);
  }
  for (const auto& slot : slots()) compare(*slot, false);
  if (parts_.writes) mend();
  return {};
}

Status Endpoints::destroy(const std::string& name) {
  return indexer_.remove_all(name);
}

std::vector<std::shared_ptr<Endpoints::Slot>> Endpoints::slots() const {
  const MutexLock lock(mutex_);
  std::vector<std::shared_ptr<Slot>> out;
  for (const auto& [name, slot] : slots_) out.push_back(slot);
  return out;
}

std::shared_ptr<const ServedMap> Endpoints::all() const {
  const MutexLock lock(mutex_);
  return served_;
}

ServedPtr Endpoints::find(std::string_view name) const {
  const auto map = all();
  const auto found = map->find(name);
  return found == map->end() ? nullptr : found->second;
}

// --- indexes --------------------------------------------------------------------------------------------------------

void Endpoints::publish(Slot& slot, Served served) {
  const MutexLock lock(mutex_);
  if (slot.is_gone) return;
  auto map = std::make_shared<ServedMap>(*served_);
  (*map)[slot.endpoint->name] = std::make_shared<const Served>(std::move(served));
  served_ = std::move(map);
}

// Makes the indexes equal to what the table's marks say: those in use stay, those on disk are opened, and, if asked
// for, the others are written. Requests see each as soon as it is there.
void Endpoints::compare(Slot& slot, bool writes) {
  const MutexLock writing(slot.writing);
  const ServedPtr before = find(slot.endpoint->name);
  if (slot.is_gone || !before || !slot.keys) return;
  std::vector<size_t> wanted;
  Served next = compared(slot, *before, wanted);
  publish(slot, next);
  if (writes) write(slot, next, wanted);
}

// `wanted`: the places of the partitions whose indexes are to be written. One that was computed again is answered from
// its old index until then.
Served Endpoints::compared(Slot& slot, const Served& before, std::vector<size_t>& wanted) {
  const Endpoint& endpoint = *slot.endpoint;
  const flow::TableMarks marks = parts_.flow.marks(endpoint.table);
  Served next = before;
  next.partitions.clear();
  next.computed_at.reset();
  next.problem.clear();
  next.is_compared = true;
  std::map<flow::Partition, PartitionIndex> in_use;
  for (const PartitionIndex& one : before.partitions) in_use.emplace(one.day, one);
  const uint64_t content = content_hash(endpoint);
  for (const auto& [partition, mark] : marks) {
    if (!next.computed_at || *next.computed_at < mark.computed_at) next.computed_at = mark.computed_at;
    PartitionIndex index{partition, mark_stamp(mark), mark.rows, nullptr};
    const auto used = in_use.find(partition);
    const bool is_usable = used != in_use.end() && used->second.file != nullptr && !used->second.file->is_damaged();
    if (is_usable && used->second.stamp == index.stamp) {
      index.file = used->second.file;
    } else if (is_usable) {
      index = used->second;
      wanted.push_back(next.partitions.size());
    } else {
      // What was found missing or damaged is not looked for again.
      auto opened = used != in_use.end()
                        ? Result<std::shared_ptr<const IndexFile>>(nullptr)
                        : indexer_.open(endpoint, partition, {content, index.stamp, slot.keys->rows_check});
      if (opened) index.file = std::move(*opened);
      if (index.file == nullptr) wanted.push_back(next.partitions.size());
    }
    next.partitions.push_back(std::move(index));
  }
  const bool is_less = std::any_of(before.partitions.begin(), before.partitions.end(),
                                   [&](const PartitionIndex& one) { return !marks.contains(one.day); });
  if (is_less || !before.is_compared) remove_others(slot, marks);
  return next;
}

// Files of partitions that are no longer there, and what a crash left half written.
void Endpoints::remove_others(const Slot& slot, const flow::TableMarks& marks) {
  std::set<std::string> kept;
  for (const auto& [partition, mark] : marks) kept.insert(indexer_.path_of(*slot.endpoint, partition));
  if (const Status removed = indexer_.remove_others(*slot.endpoint, kept); !removed) {
    log_event(Level::warn, "endpoint.index_left",
              {{"endpoint", slot.endpoint->name}, {"error", removed.error().text()}});
  }
}

void Endpoints::write(Slot& slot, Served& next, const std::vector<size_t>& wanted) {
  const Endpoint& endpoint = *slot.endpoint;
  for (const size_t at : wanted) {
    if (slot.is_gone) return;
    PartitionIndex& index = next.partitions[at];
    auto written = indexer_.write(endpoint, slot.partition_column, index.day, *slot.keys, parts_.lanes.stopping());
    if (written) {
      next.meters->builds.add();
      index = std::move(*written);
    } else {
      if (parts_.lanes.stopping().is_cancelled()) return;
      next.meters->build_failures.add();
      index.file = nullptr;  // its old one says something else than the table
      next.problem = written.error().text();
      slot.retry_at = parts_.clock.steady_micros() + kRetryAfter.micros;
      log_event(Level::error, "endpoint.index_failed",
                {{"endpoint", endpoint.name}, {"partition", flow::partition_text(index.day)}, {"error", next.problem}});
    }
    publish(slot, next);
  }
}

void Endpoints::table_changed(const std::string& table) {
  for (const auto& slot : slots()) {
    if (slot->endpoint->table == table) compare(*slot, true);
  }
}

void Endpoints::mend() {
  std::vector<std::shared_ptr<Slot>> wanted;
  for (auto& slot : slots()) {
    const ServedPtr served = find(slot->endpoint->name);
    if (served && served->missing() > 0 && slot->retry_at.load() <= parts_.clock.steady_micros())
      wanted.push_back(std::move(slot));
  }
  if (wanted.empty() || is_mending_.exchange(true)) return;
  const Status taken = parts_.lanes.submit(Lane::interactive, [this, wanted = std::move(wanted)] {
    for (const auto& slot : wanted) compare(*slot, true);
    is_mending_ = false;
  });
  if (!taken) is_mending_ = false;
}

// --- answers --------------------------------------------------------------------------------------------------------

bool names_tag(std::string_view header, std::string_view tag) {
  for (std::string_view one : split(header, ',')) {
    one = trim(one);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == tag) return true;
  }
  return false;
}

Result<Answered> Endpoints::answer(const Served& served, const Asked& asked, std::string_view known) const {
  const Endpoint& endpoint = *served.endpoint;
  if (!endpoint.enabled) return Error(Code::not_found, "endpoint " + endpoint.name + " is disabled");
  if (!served.is_compared) return Error(Code::unavailable, "this endpoint cannot answer yet; try again in a moment");
  const int32_t today = day_number(parts_.clock.wall().micros);
  TRY_ASSIGN(const Question question, read_question(endpoint, asked, *served.keys, today));
  TRY_ASSIGN(const uint64_t version, version_of(endpoint, served.form, served.partitions, question));
  Answered out;
  std::string bytes;
  put_u64(bytes, version);
  out.tag = "\"" + hex_encode(bytes) + "\"";
  if (!known.empty() && names_tag(known, out.tag)) {
    out.is_unchanged = true;
    return out;
  }
  TRY_ASSIGN(out.body, answer_of(endpoint, served.partitions, question, *served.keys));
  return out;
}

Json Endpoints::state_json(const Served& served) const {
  const Endpoint& endpoint = *served.endpoint;
  uint64_t rows = 0, bytes = 0;
  for (const PartitionIndex& one : served.partitions) {
    if (one.file == nullptr) continue;
    rows += one.file->summary().rows;
    bytes += one.file->bytes();
  }
  const Meters& meters = *served.meters;
  Json out(Json::Object{});
  out.set("name", endpoint.name);
  out.set("description", endpoint.description);
  out.set("state", !endpoint.enabled                             ? "disabled"
                   : !served.problem.empty()                     ? "broken"
                   : served.is_compared && served.missing() == 0 ? "ready"
                                                                 : "building");
  out.set("problem", served.problem);
  out.set("path", endpoint.path);
  out.set("table", endpoint.table);
  out.set("read", word_of(read_words(), endpoint.read));
  out.set("tags", flow::text_map_json(endpoint.tags));
  out.set("partitions", served.partitions.size());
  out.set("partitions_missing", served.missing());
  out.set("rows", rows);
  out.set("bytes", bytes);
  out.set("computed_at", served.computed_at ? Json(format_timestamp(served.computed_at->micros)) : Json());
  out.set("requests", Json::Object{{"answered", meters.answered.value()},
                                   {"unchanged", meters.unchanged.value()},
                                   {"refused", meters.refused.value()},
                                   {"unavailable", meters.unavailable.value()}});
  out.set("p95_ms", meters.seconds.percentile(0.95) * 1'000);
  return out;
}

std::vector<engine::ResultColumn> Endpoints::columns(const Endpoint& endpoint) const {
  auto shape = parts_.engine.examine("SELECT * FROM main." + quoted_name(endpoint.table), true);
  return shape ? std::move(shape->columns) : std::vector<engine::ResultColumn>();
}

}  // namespace weir::endpoint
