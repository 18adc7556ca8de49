#include "core/io/s3_writer.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/xml.h"
#include "core/io/s3_blob_store.h"

namespace weir {
namespace {

constexpr size_t kPartsMax = 10'000;       // of one object
constexpr size_t kPartsOfOneSize = 1'000;  // then parts grow, so that 10 000 of them are 440 GB

}  // namespace

Result<std::unique_ptr<BlobWriter>> S3Writer::begin(std::shared_ptr<S3Client> client, Files& files, std::string object,
                                                    std::string staging, StopFlag stop) {
  std::unique_ptr<S3Writer> out(
      new S3Writer(std::move(client), files, std::move(object), std::move(staging), std::move(stop)));
  TRY_ASSIGN(out->file_, files.open(out->staging_, OpenMode::create_new));
  return std::unique_ptr<BlobWriter>(std::move(out));
}

S3Writer::~S3Writer() {
  if (!file_) return;
  file_.reset();
  // Best effort: the next start empties the folder; parts that stay on the server are invisible. Not to be stopped with
  // the statement, as it is what the stop leads to.
  const Status removed = files_.remove(staging_);
  static_cast<void>(removed);
  if (upload_.empty()) return;
  const auto aborted = client_->send({.method = "DELETE", .key = object_, .query = {{"uploadId", upload_}}}, nullptr);
  static_cast<void>(aborted);
}

uint64_t S3Writer::part_bytes() const {
  return S3BlobStore::kPartBytes * (1 + etags_.size() / kPartsOfOneSize);
}

Status S3Writer::append(std::string_view bytes) {
  CHECK(file_, "a finished object takes no more bytes");
  if (is_failed_) return Error(Code::io, client_->shown(object_) + " is not whole: an earlier write failed");
  const auto add = [&]() -> Status {
    while (!bytes.empty()) {
      const uint64_t room = part_bytes() * S3BlobStore::kPartsAtOnce - waiting_;
      const std::string_view piece = bytes.substr(0, room);
      TRY(file_->write_at(waiting_, piece));
      waiting_ += piece.size();
      size_ += piece.size();
      bytes.remove_prefix(piece.size());
      if (waiting_ == part_bytes() * S3BlobStore::kPartsAtOnce) {
        TRY(send_parts(false));
      }
    }
    return {};
  };
  Status added = add();
  is_failed_ = !added;
  return added;
}

Status S3Writer::begin_upload() {
  TRY_ASSIGN(
      const HttpResponse answer,
      client_->send(
          {.method = "POST", .key = object_, .query = {{"uploads", ""}}, .headers = client_->place().on_write}, stop_));
  const auto ids = element_texts(answer.body, "UploadId", 1);
  if (!ids || ids->empty() || ids->front().empty()) {
    return Error(Code::io, client_->shown(object_) + ": the server began an upload without an id");
  }
  upload_ = ids->front();
  return {};
}

Result<std::string> S3Writer::read_staging(uint64_t size) const {
  std::string bytes(size, '\0');
  TRY_ASSIGN(const size_t read, file_->read_at(0, bytes.data(), bytes.size()));
  if (read != size) return Error(Code::io, staging_ + " became shorter while it was sent");
  return bytes;
}

// What waits, at once: whole parts, and at the end what is left.
Status S3Writer::send_parts(bool is_end) {
  if (upload_.empty()) {
    TRY(begin_upload());
  }
  TRY_ASSIGN(const std::string bytes, read_staging(waiting_));
  std::vector<S3Request> requests;
  for (size_t at = 0; at < bytes.size(); at += part_bytes()) {
    CHECK(is_end || bytes.size() - at >= part_bytes(), "only the last part is a small one");
    requests.push_back(
        {.method = "PUT",
         .key = object_,
         .query = {{"partNumber", std::to_string(etags_.size() + requests.size() + 1)}, {"uploadId", upload_}},
         .body = std::string_view(bytes).substr(at, part_bytes()),
         .needs = {"etag"}});
  }
  if (etags_.size() + requests.size() > kPartsMax) {
    return Error(Code::too_large, client_->shown(object_) + " would have more than 10000 parts",
                 "write several objects: MAXFILESIZE of UNLOAD");
  }
  TRY_ASSIGN(const auto answers, client_->send_all(requests, stop_));
  for (const HttpResponse& answer : answers) etags_.emplace_back(answer.header("etag"));
  waiting_ = 0;
  return file_->truncate(0);
}

Status S3Writer::prepare() {
  CHECK(file_, "an object is prepared before it is finished");
  if (is_failed_) return Error(Code::io, client_->shown(object_) + " is not whole: an earlier write failed");
  // A small one is sent whole, when it shall be seen.
  if (waiting_ == 0 || (upload_.empty() && waiting_ <= part_bytes())) return {};
  Status sent = send_parts(true);
  is_failed_ = !sent;
  return sent;
}

// The version of the object that is there now; nothing if there is none.
Result<std::string> S3Writer::version_there() const {
  const auto found = client_->send({.method = "HEAD", .key = object_, .needs = {"content-length"}}, stop_);
  if (!found && found.error().code == Code::not_found) return std::string();
  if (!found) return found.error();
  return std::string(found->header("etag")) + " " + std::string(found->header("content-length"));
}

// The server may have done it although its answer was lost, and then know nothing of the upload; or fail after it began
// to answer with 200. So what counts is whether another object of this size has come.
Status S3Writer::complete() {
  std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < etags_.size(); ++i) {
    body += "<Part>";
    append_element(body, "PartNumber", std::to_string(i + 1));
    append_element(body, "ETag", etags_[i]);
    body += "</Part>";
  }
  body += "</CompleteMultipartUpload>";
  TRY_ASSIGN(const std::string before, version_there());
  const auto answer = client_->send({.method = "POST",
                                     .key = object_,
                                     .query = {{"uploadId", upload_}},
                                     .headers = {{"Content-Type", "application/xml"}},
                                     .body = body},
                                    stop_);
  if (answer && answer->body.find("</CompleteMultipartUploadResult>") != std::string::npos) return {};
  if (!answer && answer.error().code == Code::cancelled) return answer.error();
  const auto after = version_there();
  if (after && *after != before && after->ends_with(" " + std::to_string(size_))) return {};
  if (!answer) return answer.error();
  const auto codes = element_texts(answer->body, "Code", 1);
  return Error(Code::unavailable, client_->shown(object_) + ": the parts did not become an object: " +
                                      (codes && !codes->empty() ? codes->front() : "no reason was given"));
}

Status S3Writer::finish() {
  TRY(prepare());
  if (upload_.empty()) {
    TRY_ASSIGN(const std::string bytes, read_staging(waiting_));
    TRY(client_->send({.method = "PUT", .key = object_, .headers = client_->place().on_write, .body = bytes}, stop_));
  } else {
    TRY(complete());
  }
  file_.reset();
  return files_.remove(staging_);
}

}  // namespace weir
