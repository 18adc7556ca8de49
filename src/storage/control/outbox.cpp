// The outbox of notices and the subscriptions of topics, as storage/control keeps them.
#include "storage/control/sqlite_control.h"

namespace weir::control {
namespace {

constexpr const char* kColumns =
    "id, channel, bundle, state, created_at, due_at, give_up_at, ended_at, attempts, error, body";
constexpr const char* kOpen = "outbox_open";  // the counter of those that are not ended

bool is_open(std::string_view state) {
  return state == "waiting" || state == "sending";
}

}  // namespace

Result<std::vector<Delivery>> SqliteControl::deliveries_of(Statement& statement) {
  std::vector<Delivery> out;
  while (true) {
    TRY_ASSIGN(const bool row, statement.step());
    if (!row) return out;
    Delivery one;
    one.id = statement.text(0);
    one.channel = statement.text(1);
    one.bundle = statement.text(2);
    one.state = statement.text(3);
    one.created_at = {statement.integer(4)};
    one.due_at = {statement.integer(5)};
    one.give_up_at = {statement.integer(6)};
    one.ended_at = time_of(statement, 7);
    one.attempts = static_cast<uint32_t>(statement.integer(8));
    one.error = statement.text(9);
    TRY_ASSIGN(one.body, stored_json(statement.text(10)));
    out.push_back(std::move(one));
  }
}

// What was told under its key a short while ago waits until that is over. False: it is told once only.
Result<bool> SqliteControl::hold_again(Delivery& delivery) {
  if (delivery.again_key.empty()) return true;
  std::optional<int64_t> told;
  {
    TRY_ASSIGN(Statement find, database_->prepare("SELECT at FROM outbox_told WHERE channel = ? AND key = ?"));
    TRY_ASSIGN(const bool row, find.bind(1, delivery.channel).bind(2, delivery.again_key).step());
    if (row) told = find.integer(0);
  }
  int64_t at = delivery.created_at.micros;
  const bool is_again = told && *told + delivery.again_within.micros > at;
  if (is_again && delivery.once) return false;
  if (is_again) {
    // Until what waits is told, it stands for everything that comes under its key.
    at = *told > at ? *told : *told + delivery.again_within.micros;
    delivery.bundle = "again/" + delivery.again_key;
    delivery.due_at = std::max(delivery.due_at, WallTime{at});
  }
  TRY_ASSIGN(Statement put,
             database_->prepare("INSERT OR REPLACE INTO outbox_told(channel, key, at) VALUES (?, ?, ?)"));
  TRY(put.bind(1, delivery.channel).bind(2, delivery.again_key).bind(3, at).run());
  return true;
}

Result<bool> SqliteControl::join_bundle(Delivery& delivery) {
  if (delivery.bundle.empty()) return false;
  TRY_ASSIGN(Statement find,
             database_->prepare(
                 "SELECT id FROM outbox WHERE channel = ? AND bundle = ? AND bundle <> '' AND state "
                 "= 'waiting' AND attempts = 0 AND json_array_length(body, '$.items') < ? ORDER BY id DESC LIMIT 1"));
  find.bind(1, delivery.channel).bind(2, delivery.bundle).bind(3, static_cast<int64_t>(kBundleItemsMax));
  TRY_ASSIGN(const bool row, find.step());
  if (!row) return false;
  const std::string id = find.text(0);
  for (const Json& item : delivery.body["items"].array()) {
    TRY_ASSIGN(Statement join,
               database_->prepare("UPDATE outbox SET body = json_insert(body, '$.items[#]', json(?)) WHERE id = ?"));
    TRY(join.bind(1, item.dump()).bind(2, id).run());
  }
  delivery.id = id;
  return true;
}

// False: it is in the outbox already, or was.
Result<bool> SqliteControl::write_delivery(Delivery& wanted) {
  TRY_ASSIGN(const bool is_new, hold_again(wanted));
  if (!is_new) return false;
  TRY_ASSIGN(const bool joined, join_bundle(wanted));
  if (joined) return true;
  TRY_ASSIGN(Statement put, database_->prepare(std::string("INSERT INTO outbox(") + kColumns +
                                               ") VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 0, '', ?)"));
  put.bind(1, wanted.id).bind(2, wanted.channel).bind(3, wanted.bundle).bind(4, wanted.state);
  put.bind(5, wanted.created_at.micros).bind(6, wanted.due_at.micros).bind(7, wanted.give_up_at.micros);
  TRY(put.bind(8, wanted.body.dump()).run());
  TRY_ASSIGN(const int64_t open, counter(kOpen));
  TRY(set_counter(kOpen, open + 1));
  return true;
}

Result<bool> SqliteControl::write_deliveries(std::vector<Delivery>& deliveries, size_t open_max) {
  if (deliveries.empty()) return true;
  TRY_ASSIGN(const int64_t open, counter(kOpen));
  if (static_cast<size_t>(open) + deliveries.size() > open_max) return false;
  std::vector<Delivery> written;
  for (Delivery& delivery : deliveries) {
    TRY_ASSIGN(const bool is_new, write_delivery(delivery));
    if (is_new) written.push_back(std::move(delivery));
  }
  deliveries = std::move(written);
  return true;
}

Result<bool> SqliteControl::add_deliveries(std::vector<Delivery>& deliveries, size_t open_max) {
  bool has_room = true;
  TRY(write_together([&]() -> Status {
    TRY_ASSIGN(has_room, write_deliveries(deliveries, open_max));
    return {};
  }));
  return has_room;
}

Status SqliteControl::change_delivery(const Delivery& delivery, std::string_view from) {
  std::string state;
  {
    TRY_ASSIGN(Statement find, database_->prepare("SELECT state FROM outbox WHERE id = ?"));
    TRY_ASSIGN(const bool row, find.bind(1, delivery.id).step());
    if (!row) return Error(Code::not_found, "there is no delivery " + delivery.id);
    state = find.text(0);
  }
  if (!from.empty() && state != from) return Error(Code::conflict, "the delivery is " + state + " meanwhile");
  TRY_ASSIGN(Statement change,
             database_->prepare("UPDATE outbox SET state = ?, due_at = ?, give_up_at = ?, ended_at = ?, attempts = ?, "
                                "error = ? WHERE id = ?"));
  change.bind(1, delivery.state).bind(2, delivery.due_at.micros).bind(3, delivery.give_up_at.micros);
  bind_time(change, 4, delivery.ended_at);
  TRY(change.bind(5, int64_t{delivery.attempts}).bind(6, delivery.error).bind(7, delivery.id).run());
  if (is_open(state) == is_open(delivery.state)) return {};
  TRY_ASSIGN(const int64_t open, counter(kOpen));
  return set_counter(kOpen, is_open(delivery.state) ? open + 1 : open - 1);
}

Status SqliteControl::put_delivery(const Delivery& delivery, std::string_view from) {
  return write_together([&] { return change_delivery(delivery, from); });
}

Result<std::optional<Delivery>> SqliteControl::next_delivery(std::string_view channel, WallTime now,
                                                             const std::optional<Delivery>& ended) {
  std::optional<Delivery> next;
  TRY(write_together([&]() -> Status {
    if (ended) {
      TRY(change_delivery(*ended, "sending"));
    }
    TRY_ASSIGN(Statement find,
               database_->prepare(std::string("SELECT ") + kColumns +
                                  " FROM outbox WHERE channel = ? AND state = 'waiting' AND due_at <= ? "
                                  "ORDER BY due_at, id LIMIT 1"));
    find.bind(1, channel).bind(2, now.micros);
    TRY_ASSIGN(std::vector<Delivery> found, deliveries_of(find));
    if (found.empty()) return {};
    next = std::move(found.front());
    next->state = "sending";
    ++next->attempts;
    return change_delivery(*next, "waiting");
  }));
  return next;
}

Result<std::optional<WallTime>> SqliteControl::next_due(std::string_view channel) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement find,
             database_->prepare("SELECT min(due_at) FROM outbox WHERE channel = ? AND state = 'waiting'"));
  TRY_ASSIGN(const bool row, find.bind(1, channel).step());
  return row ? time_of(find, 0) : std::nullopt;
}

Status SqliteControl::wait_again(std::string_view channel) {
  return write_together([&]() -> Status {
    TRY_ASSIGN(Statement change,
               database_->prepare("UPDATE outbox SET state = 'waiting' WHERE state = 'sending' AND (?1 = '' OR "
                                  "channel = ?1)"));
    return change.bind(1, channel).run();
  });
}

Result<std::optional<Delivery>> SqliteControl::find_delivery(std::string_view id) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement find, database_->prepare(std::string("SELECT ") + kColumns + " FROM outbox WHERE id = ?"));
  find.bind(1, id);
  TRY_ASSIGN(std::vector<Delivery> found, deliveries_of(find));
  if (found.empty()) return std::optional<Delivery>();
  return std::optional<Delivery>(std::move(found.front()));
}

Result<std::vector<Delivery>> SqliteControl::deliveries(const DeliveryFilter& filter) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement list, database_->prepare(std::string("SELECT ") + kColumns +
                                                " FROM outbox WHERE (?1 = '' OR state = ?1) AND (?2 = '' OR channel = "
                                                "?2) AND (?3 = '' OR id < ?3) ORDER BY id DESC LIMIT ?4"));
  list.bind(1, filter.state).bind(2, filter.channel).bind(3, filter.before);
  list.bind(4, static_cast<int64_t>(filter.limit));
  return deliveries_of(list);
}

Result<std::vector<DeliveryCount>> SqliteControl::delivery_counts() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement list, database_->prepare("SELECT channel, state, count(*), min(created_at) FROM outbox "
                                                "GROUP BY state, channel ORDER BY channel, state"));
  std::vector<DeliveryCount> out;
  while (true) {
    TRY_ASSIGN(const bool row, list.step());
    if (!row) return out;
    out.push_back({list.text(0), list.text(1), static_cast<uint64_t>(list.integer(2)), {list.integer(3)}});
  }
}

Result<size_t> SqliteControl::give_up_deliveries(WallTime now) {
  size_t given_up = 0;
  TRY(write_together([&]() -> Status {
    {
      TRY_ASSIGN(Statement change, database_->prepare("UPDATE outbox SET state = 'given_up', ended_at = ?1, error = "
                                                      "CASE error WHEN '' THEN 'its time was over' ELSE error END "
                                                      "WHERE state = 'waiting' AND give_up_at <= ?1 AND due_at <= ?1"));
      TRY(change.bind(1, now.micros).run());
    }
    given_up = static_cast<size_t>(database_->changed_rows());
    if (given_up == 0) return {};
    TRY_ASSIGN(const int64_t open, counter(kOpen));
    return set_counter(kOpen, open - static_cast<int64_t>(given_up));
  }));
  return given_up;
}

Status SqliteControl::trim_deliveries(WallTime before, size_t kept_max) {
  return write_together([&]() -> Status {
    TRY_ASSIGN(Statement old, database_->prepare("DELETE FROM outbox WHERE ended_at IS NOT NULL AND (ended_at < ?1 OR "
                                                 "id IN (SELECT id FROM outbox WHERE ended_at IS NOT NULL ORDER BY "
                                                 "ended_at DESC LIMIT -1 OFFSET ?2))"));
    TRY(old.bind(1, before.micros).bind(2, static_cast<int64_t>(kept_max)).run());
    TRY_ASSIGN(Statement told, database_->prepare("DELETE FROM outbox_told WHERE at < ?"));
    return told.bind(1, before.micros).run();
  });
}

// --- subscriptions --------------------------------------------------------------------------------------------------

Status SqliteControl::put_subscription(const Subscription& subscription) {
  return write_together([&]() -> Status {
    TRY_ASSIGN(Statement put, database_->prepare("INSERT OR REPLACE INTO subscriptions(id, topic, address, "
                                                 "is_confirmed, created_at, body) VALUES (?, ?, ?, ?, ?, ?)"));
    put.bind(1, subscription.id).bind(2, subscription.topic).bind(3, subscription.address);
    put.bind(4, int64_t{subscription.is_confirmed}).bind(5, subscription.created_at.micros);
    return put.bind(6, subscription.body.dump()).run();
  });
}

Result<std::vector<Subscription>> SqliteControl::subscriptions() {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(Statement list, database_->prepare("SELECT id, topic, address, is_confirmed, created_at, body FROM "
                                                "subscriptions ORDER BY topic, id"));
  std::vector<Subscription> out;
  while (true) {
    TRY_ASSIGN(const bool row, list.step());
    if (!row) return out;
    Subscription one;
    one.id = list.text(0);
    one.topic = list.text(1);
    one.address = list.text(2);
    one.is_confirmed = list.integer(3) != 0;
    one.created_at = {list.integer(4)};
    TRY_ASSIGN(one.body, stored_json(list.text(5)));
    out.push_back(std::move(one));
  }
}

Status SqliteControl::remove_subscription(std::string_view id) {
  return write_together([&]() -> Status {
    TRY_ASSIGN(Statement remove, database_->prepare("DELETE FROM subscriptions WHERE id = ?"));
    remove.bind(1, id);
    return change_one(remove, "subscription", id);
  });
}

}  // namespace weir::control
