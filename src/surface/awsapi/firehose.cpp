// Firehose: records of a delivery stream are events of the stream of that name, on the journal before the reply leaves.
//
// Source: Amazon Data Firehose API, PutRecord and PutRecordBatch. As there a record that does not fit its stream is
// taken all the same (and lies in quarantine with its reason); a record that could not be taken now has an error of its
// own, and the sender sends that one again.
#include <algorithm>
#include <memory>

#include "core/base/ids.h"
#include "core/base/text.h"
#include "surface/awsapi/operations.h"

namespace weir::awsapi {
namespace {

constexpr size_t kRecordBytesMax = 1'024'000;
constexpr size_t kBatchBytesMax = 4 << 20;
constexpr size_t kRecordsMax = 500;
constexpr size_t kNameBytesMax = 64;

// The records of a call as lines, and which lines are whose.
struct Lines {
  std::string text;
  std::vector<size_t> ends;  // behind each record's last line
  size_t count = 0;

  void add(std::string_view line) {
    text.append(line).append("\n");
    ++count;
  }
};

// Events are lines here; a record may hold one event on several lines, or several events.
void add_record(Lines& lines, std::string data) {
  for (char& c : data) {
    if (c == '\r') c = '\n';
  }
  const std::string_view event = trim(data);
  if (event.find('\n') == std::string_view::npos) {
    if (!event.empty()) lines.add(event);
    return;
  }
  std::string joined(event);
  for (char& c : joined) {
    if (c == '\n') c = ' ';  // no text of JSON holds a line's end
  }
  if (Json::parse(joined)) return lines.add(joined);
  std::string_view rest = event;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    if (const std::string_view line = trim(rest.substr(0, end)); !line.empty()) lines.add(line);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
}

// What became of one record: of several events the one that has to come again.
struct RecordVerdict {
  std::string id;
  bool is_refused = false;
  std::string message;
};

class Firehose {
 public:
  explicit Firehose(const Parts& parts) : parts_(parts) {}

  Status put(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const capture::AppliedStream stream, stream_for(call));
    TRY_ASSIGN(const std::string data, data_of(call.members.object("Record")));
    Lines lines;
    add_record(lines, data);
    lines.ends.push_back(lines.count);
    return take(stream, std::move(lines), [answer](const std::vector<RecordVerdict>& verdicts) {
      const RecordVerdict& one = verdicts.front();
      if (one.is_refused)
        return answer.fail({.type = "ServiceUnavailableException", .message = one.message, .status = 503});
      Json out{Json::Object{}};
      out.set("RecordId", one.id);
      out.set("Encrypted", false);
      answer.json(out);
    });
  }

  Status put_batch(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const capture::AppliedStream stream, stream_for(call));
    const Json::Array& records = call.members.list("Records");
    if (records.empty() || records.size() > kRecordsMax)
      return Error(Code::invalid, "Records must hold 1 to 500 records, found " + std::to_string(records.size()));
    Lines lines;
    size_t bytes = 0;
    for (const Json& record : records) {
      TRY_ASSIGN(std::string data, data_of(record));
      bytes += data.size();
      if (bytes > kBatchBytesMax) return Error(Code::invalid, "the records are larger than 4 MiB together");
      add_record(lines, std::move(data));
      lines.ends.push_back(lines.count);
    }
    return take(stream, std::move(lines), [answer](const std::vector<RecordVerdict>& verdicts) {
      int64_t failed = 0;
      Json responses{Json::Array{}};
      for (const RecordVerdict& one : verdicts) {
        Json response{Json::Object{}};
        if (one.is_refused) {
          ++failed;
          response.set("ErrorCode", "ServiceUnavailableException");
          response.set("ErrorMessage", one.message);
        } else {
          response.set("RecordId", one.id);
        }
        responses.push(std::move(response));
      }
      Json out{Json::Object{}};
      out.set("FailedPutCount", failed);
      out.set("Encrypted", false);
      out.set("RequestResponses", std::move(responses));
      answer.json(out);
    });
  }

  Status list(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const int64_t limit, call.members.integer_or("Limit", 10, 1, 10'000));
    TRY_ASSIGN(const std::string after, call.members.text_or("ExclusiveStartDeliveryStreamName", "", kNameBytesMax));
    std::vector<std::string> names;
    for (const capture::StreamCounts& one : parts_.capture.counts()) {
      if (one.stream > after && may_write(*call.caller.identity, one.stream)) names.push_back(one.stream);
    }
    std::sort(names.begin(), names.end());
    const auto count = std::min(names.size(), static_cast<size_t>(limit));
    Json list{Json::Array{}};
    for (size_t i = 0; i < count; ++i) list.push(names[i]);
    Json out{Json::Object{}};
    out.set("DeliveryStreamNames", std::move(list));
    out.set("HasMoreDeliveryStreams", names.size() > count);
    answer.json(out);
    return {};
  }

  Status describe(const Call& call, const Answer& answer) const {
    TRY_ASSIGN(const capture::AppliedStream stream, stream_for(call));
    Json about{Json::Object{}};
    about.set("DeliveryStreamName", stream.stream->name);
    about.set("DeliveryStreamARN",
              "arn:aws:firehose:" + call.caller.region + ":000000000000:deliverystream/" + stream.stream->name);
    about.set("DeliveryStreamStatus", "ACTIVE");
    about.set("DeliveryStreamType", "DirectPut");
    about.set("VersionId", std::to_string(stream.revision));
    about.set("Destinations", Json(Json::Array{}));
    about.set("HasMoreDestinations", false);
    Json out{Json::Object{}};
    out.set("DeliveryStreamDescription", std::move(about));
    answer.json(out);
    return {};
  }

 private:
  static bool may_write(const access::Identity& identity, const std::string& stream) {
    return access::may_write(identity, stream).has_value();
  }

  Result<capture::AppliedStream> stream_for(const Call& call) const {
    TRY_ASSIGN(const std::string given, call.members.text("DeliveryStreamName", kNameBytesMax));
    auto found = parts_.capture.find(given);
    if (!found && found.error().code == Code::not_found) {
      // A delivery stream's name may have letters that a stream's has not.
      std::string name = to_lower(given);
      for (char& c : name) {
        if (c == '-' || c == '.') c = '_';
      }
      if (auto same = parts_.capture.find(name)) found = std::move(same);
    }
    if (!found) return found;
    if (found->stream->write != capture::WhoWrites::anyone) {
      TRY(access::may_write(*call.caller.identity, found->stream->name));
    }
    return found;
  }

  static Result<std::string> data_of(const Json& record) {
    if (!record["Data"].is_string()) return Error(Code::invalid, "a record has no Data");
    auto data = base64_decode(record["Data"].as_string());
    if (!data) return Error(Code::invalid, "a record's Data is not base64");
    if (data->size() > kRecordBytesMax)
      return Error(Code::invalid, "a record has " + std::to_string(data->size()) + " bytes, allowed are 1024000");
    return std::move(*data);
  }

  Status take(const capture::AppliedStream& stream, Lines lines,
              std::function<void(const std::vector<RecordVerdict>&)> done) const {
    // Records without an event are taken: there is nothing to keep.
    const auto told = [this, ends = lines.ends, done](const capture::Reply& reply) {
      std::vector<RecordVerdict> out;
      size_t at = 0;
      for (const size_t end : ends) {
        RecordVerdict one;
        for (; at < end && at < reply.verdicts.size(); ++at) {
          const capture::Verdict& verdict = reply.verdicts[at];
          one.id = verdict.id;
          if (verdict.outcome != capture::Outcome::refused) continue;
          one.is_refused = true;
          one.message = verdict.message.empty() ? "Slow down." : verdict.message;
        }
        if (one.id.empty()) one.id = format_uuid(uuid_v7(parts_.clock, parts_.random));
        out.push_back(std::move(one));
      }
      done(out);
    };
    if (lines.count == 0) {
      told({});
      return {};
    }
    capture::Submission submission;
    submission.body = lines.text;
    submission.format = capture::BodyFormat::lines;
    return parts_.capture.submit(stream, submission, told);
  }

  const Parts parts_;
};

Refusal refuse(const Error& error) {
  Refusal out = refusal_of(error);
  if (error.code == Code::invalid || error.code == Code::too_large) out.type = "InvalidArgumentException";
  if (error.code == Code::busy || error.code == Code::no_space || error.code == Code::unavailable) {
    out.type = "ServiceUnavailableException";
    out.status = 503;
  }
  // Clients read this name in lower case here.
  out.fields.emplace_back("message", out.message);
  return out;
}

}  // namespace

void add_firehose(Operations& operations, const Parts& parts) {
  const auto firehose = std::make_shared<Firehose>(parts);  // lives in the operations
  const auto add = [&](const char* name, std::function<Status(const Call&, const Answer&)> run) {
    operations.emplace(std::string("Firehose_20150804.") + name,
                       Operation{.service = "firehose", .run = std::move(run), .refuse = refuse});
  };
  add("PutRecord", [firehose](const Call& call, const Answer& answer) { return firehose->put(call, answer); });
  add("PutRecordBatch",
      [firehose](const Call& call, const Answer& answer) { return firehose->put_batch(call, answer); });
  add("ListDeliveryStreams",
      [firehose](const Call& call, const Answer& answer) { return firehose->list(call, answer); });
  add("DescribeDeliveryStream",
      [firehose](const Call& call, const Answer& answer) { return firehose->describe(call, answer); });
  for (const char* name : {"CreateDeliveryStream", "DeleteDeliveryStream", "UpdateDestination"}) {
    add(name, [](const Call&, const Answer&) -> Status {
      return Error(Code::unsupported, "streams are declared in the project's folder, and changed by `weir apply`");
    });
  }
}

}  // namespace weir::awsapi
