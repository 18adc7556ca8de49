// Who sends: new events, the same again (answered or not), the same key with another payload, malformed ones.
#include "core/base/time.h"
#include "spine_actor.h"

namespace weir::sim {

namespace {

std::string text_of(const std::string& stream, uint64_t number, const std::string& at, const std::string& pad) {
  std::string text = "{";
  if (stream == "clicks") text += "\"id\":\"e" + std::to_string(number) + "\",";
  return text + "\"n\":" + std::to_string(number) + ",\"at\":\"" + at + "\",\"pad\":\"" + pad + "\"}";
}

}  // namespace

Sent SpineActor::new_record(const std::string& stream) {
  Sent out;
  out.number = next_number_++;
  const int64_t now = world_.clock.wall().micros;
  Duration age = minutes(static_cast<int64_t>(world_.below(90)) - 30);
  if (world_.chance(1, 6)) age = hours(static_cast<int64_t>(world_.below(20 * 24)));
  const size_t size = world_.chance(1, 12) ? world_.below(3'000) : world_.below(120);
  out.content = std::to_string(out.number) + ":" + world_.bytes(size);
  const std::string at = format_timestamp(now - age.micros);
  out.text = text_of(stream, out.number, at, out.content);
  if (!world_.chance(1, 10)) return out;
  out.malformed = true;
  switch (world_.below(4)) {
    case 0:  // a field is missing
      out.text = "{\"n\":" + std::to_string(out.number) + ",\"pad\":\"" + out.content + "\"}";
      break;
    case 1:  // of the wrong type
      out.text = text_of(stream, out.number, at, out.content);
      out.text.replace(out.text.find("\"n\":"), 4, "\"n\":\"x\",\"m\":");
      break;
    case 2:  // too old
      out.text = text_of(stream, out.number, format_timestamp(now - days(60).micros), out.content);
      break;
    default:  // no time at all
      out.text = text_of(stream, out.number, "yesterday", out.content);
  }
  return out;
}

// The same event, sometimes with another payload.
Sent SpineActor::resend_of(const Sent& earlier) {
  if (earlier.malformed || !world_.chance(1, 5)) return earlier;
  Sent out = earlier;
  out.content = std::to_string(out.number) + ":other:" + world_.bytes(world_.below(60));
  out.text = text_of("clicks", out.number, format_timestamp(world_.clock.wall().micros), out.content);
  return out;
}

SpineActor::Request SpineActor::new_request() {
  Request request;
  request.stream = world_.chance(7, 10) ? "clicks" : "views";
  const uint64_t count = 1 + world_.below(6);
  if (request.stream == "views" && world_.chance(2, 3)) {
    request.idempotency_key = "key-" + std::to_string(next_number_);
  }
  for (uint64_t i = 0; i < count; ++i) {
    const Request* earlier = history_.empty() ? nullptr : &history_[world_.below(history_.size())];
    const bool again = request.stream == "clicks" && earlier != nullptr && earlier->stream == "clicks";
    if (again && world_.chance(1, 3)) {
      request.records.push_back(resend_of(earlier->records[world_.below(earlier->records.size())]));
    } else if (!request.records.empty() && request.stream == "clicks" && world_.chance(1, 12)) {
      request.records.push_back(request.records.back());  // twice in one request
    } else {
      request.records.push_back(new_record(request.stream));
    }
  }
  return request;
}

// A request is sent again as it was; without a key it would be new events.
void SpineActor::send() {
  const Request* earlier = history_.empty() ? nullptr : &history_[world_.below(history_.size())];
  const bool may_resend = earlier != nullptr && (earlier->stream == "clicks" || !earlier->idempotency_key.empty());
  if (may_resend && world_.chance(1, 6)) {
    submit(*earlier);
    return;
  }
  submit(new_request());
  if (history_.size() > 400) history_.erase(history_.begin());
}

void SpineActor::submit(Request request) {
  const auto stream = capture_->find(request.stream);
  if (!stream) {
    world_.problem("spine: " + stream.error().text());
    return;
  }
  std::string body;
  for (const Sent& record : request.records) {
    body += record.text + "\n";
    book_.sent(record);
  }
  capture::Submission submission;
  submission.body = body;
  submission.idempotency_key = request.idempotency_key;
  const auto kept = std::make_shared<const std::vector<Sent>>(request.records);
  history_.push_back(request);
  is_submitting_ = true;
  ++unanswered_;
  const Status taken = capture_->submit(*stream, submission, [this, kept](const capture::Reply& reply) {
    --unanswered_;
    if (reply.verdicts.size() != kept->size()) {
      world_.problem("spine: " + std::to_string(kept->size()) + " records got " +
                     std::to_string(reply.verdicts.size()) + " verdicts");
      return;
    }
    for (size_t i = 0; i < kept->size(); ++i) book_.answered((*kept)[i], reply.verdicts[i], is_submitting_);
  });
  is_submitting_ = false;
  if (taken) return;
  --unanswered_;
  for (const Sent& record : request.records) book_.not_taken(record);
  check_failure("submit()", taken.error());
}

// The next piece of a file, with the mark that says so, as lake::Etl takes it. Where a bit was flipped the marks may be
// what was damaged: nothing is promised then.
void SpineActor::load_piece() {
  if (world_.bits_flipped > 0 || is_provisional_) return;
  if (!load_ || load_->through == load_->records.size()) {
    load_.emplace();
    load_->name = "file-" + std::to_string(next_number_);
    const uint64_t size = 1 + world_.below(30);
    while (load_->records.size() < size) {
      Sent record = new_record("views");
      if (!record.malformed) load_->records.push_back(std::move(record));
    }
  }
  if (load_->is_under_way) return;
  const auto stream = capture_->find("views");
  if (!stream) return world_.problem("spine: " + stream.error().text());
  const uint64_t from = load_->through;
  const uint64_t through = std::min<uint64_t>(load_->records.size(), from + 1 + world_.below(8));
  const auto piece = std::make_shared<const std::vector<Sent>>(load_->records.begin() + static_cast<int64_t>(from),
                                                               load_->records.begin() + static_cast<int64_t>(through));
  std::string body;
  for (const Sent& record : *piece) {
    body += record.text + "\n";
    book_.sent(record);
  }
  capture::Origin origin;
  origin.arrived_at = {world_.clock.wall().micros};
  origin.any_age = true;  // it may have waited
  origin.mark = [name = load_->name, from, through](const capture::Reply&) {
    capture::Mark mark;
    mark.action = "etl";
    mark.outcome = "part";
    mark.source = name;
    mark.fingerprint = name;
    mark.records_from = from;
    mark.records_through = through;
    return std::optional(mark);
  };
  capture::Submission submission;
  submission.body = body;
  submission.format = capture::BodyFormat::lines;
  submission.origin = &origin;
  is_submitting_ = load_->is_under_way = true;
  ++unanswered_;
  const Status taken = capture_->submit(*stream, submission, [this, piece, through](const capture::Reply& reply) {
    --unanswered_;
    load_->is_under_way = false;
    if (reply.verdicts.size() != piece->size()) return world_.problem("spine: a piece of a file has other verdicts");
    for (size_t i = 0; i < piece->size(); ++i) book_.answered((*piece)[i], reply.verdicts[i], is_submitting_);
    if (reply.refused > 0 && reply.refused < piece->size()) world_.problem("spine: a part of a piece was taken");
    if (reply.refused > 0) return;
    load_->through = through;
    loaded_ += piece->size();
  });
  is_submitting_ = false;
  if (taken) return;
  --unanswered_;
  load_->is_under_way = false;
  for (const Sent& record : *piece) book_.not_taken(record);
  check_failure("loading a piece", taken.error());
}

// What a start finds of the file that is under way: it goes on behind its last mark.
void SpineActor::learn_marks(const std::vector<Row>& rows) {
  if (!load_ || load_->is_under_way) return;
  uint64_t through = 0;
  for (const Row& row : rows) {
    if (!row.is_mark || !row.content.starts_with(load_->name + " ")) continue;
    through = std::max<uint64_t>(through, std::stoull(row.content.substr(row.content.rfind(' ') + 1)));
  }
  if (world_.mutant == Mutant::forget_marks) {
    load_->through = 0;
    return;
  }
  if (through < load_->through && world_.bits_flipped == 0) {
    world_.problem("spine: the marks of " + load_->name + " went back from " + std::to_string(load_->through) + " to " +
                   std::to_string(through));
  }
  load_->through = through;
}

}  // namespace weir::sim
