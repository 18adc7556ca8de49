// <utility> first: Boost 1.74's awaitable.hpp uses std::exchange without including it.
#include <utility>
//
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>

#include "core/base/json.h"
#include "core/base/text.h"
#include "surface/loadgen/batch.h"
#include "surface/loadgen/loadgen.h"

namespace weir::loadgen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTick = std::chrono::milliseconds(5);
constexpr auto kRequestLimit = std::chrono::seconds(30);
constexpr auto kFirstTryLimit = std::chrono::seconds(5);

// All state lives on the one thread that runs io_.
class Generator {
 public:
  Generator(const LoadOptions& options, Target target, Clock& clock, Random& random,
            const std::function<void(const Progress&)>& progress, const std::function<bool()>& stop)
      : options_(options),
        target_(std::move(target)),
        clock_(clock),
        random_(random),
        progress_(progress),
        stop_(stop),
        audience_(sized(options), random) {}

  Result<Summary> run() {
    error_code failed;
    tcp::resolver resolver(io_);
    endpoints_ = resolver.resolve(target_.host, target_.port, failed);
    if (failed) {
      return Error(Code::unavailable, "no address is known for " + target_.host + ": " + failed.message(),
                   "check the host in --url");
    }
    begin_ = clock_.steady_micros();
    for (int i = 0; i < options_.connections; ++i) asio::co_spawn(io_, connection(i == 0), asio::detached);
    asio::co_spawn(io_, produce(), asio::detached);
    io_.run();
    if (given_up_) return *given_up_;
    finish();
    return std::move(summary_);
  }

 private:
  // A rate asks for as many users as make it: each cycle of a user is a view, its consideration, and sometimes a click.
  static AudienceOptions sized(const LoadOptions& options) {
    AudienceOptions out = options.audience;
    if (options.rate <= 0) return out;
    const double cycle_s = static_cast<double>(out.view_frequency.micros + out.consider_duration.micros) / 1e6;
    out.users = std::max<uint64_t>(
        1, static_cast<uint64_t>(options.rate * cycle_s / ((1 + out.click_probability) * options.speed)));
    return out;
  }

  // What became of a batch: why it failed, or nothing; and whether a server that takes events was there.
  struct Outcome {
    enum class Server { takes_events, is_away, breaks_off, is_another } server = Server::takes_events;
    std::string failure = {};
    int status = 0;  // 0: there was no answer
  };

  double chance() { return static_cast<double>(random_.next() >> 11) * 0x1.0p-53; }
  int64_t elapsed() const { return clock_.steady_micros() - begin_; }

  // Whether an impression is late decides for its click too, so that both carry times of the same day.
  bool is_late(const Action& action) const {
    return static_cast<double>(action.impression.low & 0xFFFFFFFFu) * 0x1.0p-32 < options_.late;
  }

  void add(const Action& action, bool malformed) {
    Batch& batch = filling_[action.kind == Action::Kind::click ? 1 : 0];
    int64_t at = clock_.wall().micros;
    const bool late = is_late(action);
    if (late) at -= options_.late_by.micros;
    append_record(batch, action, {at}, malformed);
    if (malformed) ++summary_.malformed_sent;
    if (late) ++summary_.late_sent;
    if (batch.records.size() >= static_cast<size_t>(options_.batch_records)) flush(batch);
  }

  void flush(Batch& batch) {
    if (batch.records.empty()) return;
    ready_.push_back(std::exchange(batch, Batch{}));
  }

  void generate(Duration until) {
    const size_t queue_max = static_cast<size_t>(options_.connections) * 4;
    while (audience_.has_next() && audience_.next_at() <= until && ready_.size() < queue_max) {
      Action action = audience_.take();
      const bool malformed = chance() < options_.malformed;
      add(action, malformed);
    }
  }

  asio::awaitable<void> produce() {
    asio::steady_timer timer(io_);
    int64_t flushed = elapsed(), told = 0;
    while (!given_up_) {
      const int64_t now = elapsed();
      if (!stopping_ && (now >= options_.duration.micros || stop_())) {
        stopping_ = true;
        audience_.stop();
      }
      // Once stopped, nobody has to wait for the considerations that are left: their clicks are sent at once.
      generate(stopping_ ? Duration{INT64_MAX}
                         : Duration{static_cast<int64_t>(static_cast<double>(now) * options_.speed)});
      if (now - flushed >= options_.flush_every.micros || stopping_) {
        for (Batch& batch : filling_) flush(batch);
        flushed = now;
      }
      if (now - told > 500'000) {
        progress_({{now}, options_.duration, summary_.sent, summary_.acknowledged, summary_.refused + summary_.errors});
        told = now;
      }
      if (stopping_ && !audience_.has_next() && ready_.empty()) break;
      timer.expires_after(kTick);
      error_code ignored;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    produced_ = true;
  }

  // Resends a share of what was acknowledged, with the very same bytes for each record.
  void resend_some(const Batch& batch, const std::string& body) {
    if (options_.duplicates <= 0) return;
    expected_resends_ += options_.duplicates;
    if (expected_resends_ < 1) return;
    expected_resends_ -= 1;
    Batch again;
    again.kind = batch.kind;
    again.resent = true;
    again.body = body.substr(0, body.size() - 2);
    for (SentRecord record : batch.records) {
      record.duplicate = !record.malformed;
      again.records.push_back(record);
      ++(record.duplicate ? summary_.duplicates_sent : summary_.malformed_sent);
    }
    ready_.push_back(std::move(again));
  }

  // The first connection tries the server with the first batch; the others wait until that was answered.
  asio::awaitable<void> connection(bool is_first) {
    beast::tcp_stream stream(io_);
    beast::flat_buffer buffer;
    asio::steady_timer timer(io_);
    if (is_first) {
      const std::string failure = co_await connect(stream, kFirstTryLimit);
      if (!failure.empty()) give_up({Outcome::Server::is_away, failure});
    }
    while (!given_up_) {
      if (ready_.empty() || (!is_tried_ && !is_first)) {
        if (produced_ && ready_.empty()) break;
        timer.expires_after(std::chrono::milliseconds(1));
        error_code ignored;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        continue;
      }
      Batch batch = std::move(ready_.front());
      ready_.pop_front();
      const std::string body = finished_body(batch);
      const Outcome outcome = co_await exchange(stream, buffer, batch, body);
      if (!is_tried_ && outcome.server != Outcome::Server::takes_events) give_up(outcome);
      is_tried_ = true;
      // A connection that breaks off says nothing about the next one.
      if (outcome.server != Outcome::Server::breaks_off) note_outage(outcome.server == Outcome::Server::is_away);
      if (!outcome.failure.empty()) {
        summary_.errors += batch.records.size();
        if (summary_.first_error.empty()) summary_.first_error = outcome.failure;
        stream.close();
      } else if (!batch.resent) {
        resend_some(batch, body);
      }
    }
    error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
  }

  // Nothing was taken at the first try, so nothing would be: says why, and what to do.
  void give_up(const Outcome& outcome) {
    const std::string& url = options_.base_url;
    if (outcome.server == Outcome::Server::is_away) {
      given_up_.emplace(Code::unavailable, "nobody listens at " + url + ": " + outcome.failure,
                        "start the server with `weir serve`, or name another with --url");
      return;
    }
    switch (outcome.status) {
      case 401:
      case 403:
        given_up_.emplace(
            outcome.status == 401 ? Code::unauthenticated : Code::denied,
            "the server at " + url + " does not let us write: " + outcome.failure,
            "`weir token create --write impressions --write clicks` makes a token; give it as WEIR_TOKEN or with "
            "--token-file");
        return;
      case 404:
        given_up_.emplace(Code::not_found, url + " takes no events: " + outcome.failure,
                          "the streams of examples/advertising must be declared there, and --url must end with a path "
                          "they declare, such as /Prod");
        return;
      default:
        given_up_.emplace(Code::unavailable, url + " does not answer as weir does: " + outcome.failure,
                          "check --url; `weir status` shows the server of this folder");
    }
  }

  void note_outage(bool away) {
    const double now_s = static_cast<double>(elapsed()) / 1e6;
    if (away && !is_away_) {
      if (summary_.outages++ == 0) summary_.first_outage_s = now_s;
      away_since_s_ = now_s;
    } else if (!away && is_away_) {
      summary_.unreachable_s += now_s - away_since_s_;
    }
    is_away_ = away;
  }

  // What went wrong, or nothing.
  asio::awaitable<std::string> connect(beast::tcp_stream& stream, std::chrono::seconds limit) {
    error_code failed;
    stream.expires_after(limit);
    co_await stream.async_connect(endpoints_, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return failed == beast::error::timeout ? "no connection in time" : failed.message();
    stream.socket().set_option(tcp::no_delay(true), failed);
    co_return std::string();
  }

  // Sends one batch and reads its verdicts.
  asio::awaitable<Outcome> exchange(beast::tcp_stream& stream, beast::flat_buffer& buffer, const Batch& batch,
                                    const std::string& body) {
    using Server = Outcome::Server;
    error_code failed;
    summary_.sent += batch.records.size();
    if (!stream.socket().is_open()) {
      const std::string failure = co_await connect(stream, kRequestLimit);
      if (!failure.empty()) co_return Outcome{Server::is_away, "connect: " + failure};
      buffer.clear();
    }
    stream.expires_after(kRequestLimit);
    http::request<http::string_body> request(
        http::verb::post, target_.prefix + (batch.kind == Action::Kind::click ? "/clicks" : "/impressions"), 11);
    request.set(http::field::host, target_.host + ":" + target_.port);
    request.set(http::field::content_type, "application/json");
    if (!options_.token.empty()) request.set(http::field::authorization, "Bearer " + options_.token);
    request.body() = body;
    request.prepare_payload();
    const int64_t begin = clock_.steady_micros();
    co_await http::async_write(stream, request, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return Outcome{Server::breaks_off, "send: " + failed.message()};
    http::response<http::string_body> response;
    co_await http::async_read(stream, buffer, response, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return Outcome{Server::breaks_off, "read: " + failed.message()};
    latencies_.push_back(static_cast<float>(clock_.steady_micros() - begin) / 1000.0f);
    if (!response.keep_alive()) stream.close();
    const auto status = static_cast<int>(response.result_int());
    if (status == 200) co_return account(batch, response.body());
    const bool is_busy = status == 429 || status == 503 || status == 507;  // it would take them at another time
    co_return Outcome{is_busy ? Server::takes_events : Server::is_another,
                      "status " + std::to_string(status) + ", " + reason(response.body()), status};
  }

  // What a reply that is no success says, on one line: weir's own message, or how the body begins.
  static std::string reason(const std::string& body) {
    auto said = Json::parse(body);
    if (said && (*said)["error"]["message"].is_string()) return (*said)["error"]["message"].as_string();
    return shown(trim(body), 120);
  }

  Outcome account(const Batch& batch, const std::string& reply) {
    using Server = Outcome::Server;
    auto flags = read_failed_flags(reply);
    if (!flags) return {Server::is_another, flags.error().text(), 200};
    if (flags->size() != batch.records.size()) {
      return {Server::is_another,
              "the reply has " + std::to_string(flags->size()) + " records, " + std::to_string(batch.records.size()) +
                  " were sent",
              200};
    }
    for (size_t i = 0; i < flags->size(); ++i) {
      const SentRecord& record = batch.records[i];
      if ((*flags)[i]) {
        ++(record.malformed ? summary_.malformed_refused : summary_.refused);
        if (!record.malformed && summary_.first_error.empty()) summary_.first_error = reply.substr(0, 300);
        continue;
      }
      if (record.malformed) return {Server::takes_events, "a malformed record was accepted", 200};
      if (record.duplicate) {
        ++summary_.duplicates;
        continue;
      }
      ++summary_.acknowledged;
      const bool click = record.kind == Action::Kind::click;
      ++(click ? summary_.clicks : summary_.impressions);
      if (options_.keep_ids) (click ? summary_.click_ids : summary_.impression_ids).push_back(record.id);
    }
    return {};
  }

  void finish() {
    summary_.unreachable_at_end = is_away_;
    note_outage(false);  // it lasts until the end
    summary_.seconds = static_cast<double>(elapsed()) / 1e6;
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [&](double share) {
      if (latencies_.empty()) return 0.0;
      return static_cast<double>(latencies_[std::min(
          latencies_.size() - 1, static_cast<size_t>(share * static_cast<double>(latencies_.size())))]);
    };
    summary_.p50_ms = at(0.5);
    summary_.p95_ms = at(0.95);
    summary_.p99_ms = at(0.99);
    summary_.max_ms = at(1.0);
    progress_(
        {{elapsed()}, options_.duration, summary_.sent, summary_.acknowledged, summary_.refused + summary_.errors});
  }

  const LoadOptions& options_;
  const Target target_;
  Clock& clock_;
  Random& random_;
  const std::function<void(const Progress&)>& progress_;
  const std::function<bool()>& stop_;
  asio::io_context io_{1};
  tcp::resolver::results_type endpoints_;
  Audience audience_;
  int64_t begin_ = 0;
  bool stopping_ = false, produced_ = false;
  bool is_tried_ = false;          // the first batch was answered
  std::optional<Error> given_up_;  // set at the first try only
  bool is_away_ = false;           // nobody listened the last time
  double away_since_s_ = 0;
  double expected_resends_ = 0;
  Batch filling_[2];
  std::deque<Batch> ready_;
  std::vector<float> latencies_;
  Summary summary_;
};

}  // namespace

Result<Summary> run(const LoadOptions& options, Clock& clock, Random& random,
                    const std::function<void(const Progress&)>& progress, const std::function<bool()>& stop) {
  TRY_ASSIGN(Target target, parse_target(options.base_url));
  if (options.connections < 1 || options.connections > 1000) {
    return Error(Code::invalid, "Connections is " + std::to_string(options.connections) + ", allowed 1 to 1000");
  }
  if (options.batch_records < 1 || options.batch_records > 500) {
    return Error(Code::invalid, "BatchSize is " + std::to_string(options.batch_records) + ", allowed 1 to 500");
  }
  return Generator(options, std::move(target), clock, random, progress, stop).run();
}

}  // namespace weir::loadgen
