#include "core/io/s3_file.h"

#include <algorithm>

namespace weir {
namespace {

std::string range_text(uint64_t begin, uint64_t end) {
  return "bytes=" + std::to_string(begin) + "-" + std::to_string(end - 1);
}

}  // namespace

std::shared_ptr<const S3File::Span> S3File::kept(uint64_t offset) const {
  const MutexLock lock(mutex_);
  for (auto one = spans_.begin(); one != spans_.end(); ++one) {
    if (offset < (*one)->offset || offset >= (*one)->end()) continue;
    spans_.splice(spans_.begin(), spans_, one);
    return spans_.front();
  }
  return nullptr;
}

// More than is wanted, if the file is read in order.
uint64_t S3File::fetch_size(uint64_t offset, uint64_t wanted) const {
  const MutexLock lock(mutex_);
  if (offset == fetched_to_ && offset > 0) {
    ahead_ = std::min(ahead_ * 2, kAheadMax);
    wanted = std::max(wanted, ahead_);
  } else {
    ahead_ = kAheadMin;
    wanted = std::max(wanted, offset == 0 ? kAheadMin : kLeastBytes);
  }
  const uint64_t size = std::min(wanted, blob_.size - offset);
  fetched_to_ = offset + size;
  return size;
}

Result<std::shared_ptr<const S3File::Span>> S3File::fetch(uint64_t offset, uint64_t size) const {
  std::vector<S3Request> requests;
  for (uint64_t at = offset; at < offset + size; at += kPieceBytes) {
    const uint64_t end = std::min(at + kPieceBytes, offset + size);
    S3Request one{.key = blob_.key, .headers = {{"Range", range_text(at, end)}}, .response_bytes_max = end - at};
    one.needs = {"content-length"};
    if (!blob_.version.empty()) {
      one.needs.push_back("etag");
      one.headers.emplace_back("If-Match", blob_.version);
    }
    requests.push_back(std::move(one));
  }
  auto answers = client_->send_all(requests, stop_);
  const Error replaced(Code::conflict, client_->shown(blob_.key) + " was replaced while it was read", "read it again");
  if (!answers && answers.error().code == Code::conflict) return replaced;
  if (!answers) return answers.error();
  auto span = std::make_shared<Span>();
  span->offset = offset;
  span->bytes.reserve(size);
  for (size_t i = 0; i < answers->size(); ++i) {
    HttpResponse& answer = (*answers)[i];
    const uint64_t begin = span->end(), wanted = requests[i].response_bytes_max;
    // Not every server knows If-Match.
    if (!blob_.version.empty() && answer.header("etag") != blob_.version) return replaced;
    const std::string range =
        "bytes " + std::to_string(begin) + "-" + std::to_string(begin + wanted - 1) + "/" + std::to_string(blob_.size);
    const bool is_whole = answer.status == 200 && begin == 0 && wanted == blob_.size;
    const bool is_range = answer.status == 206 && answer.header("content-range") == range;
    if (answer.body.size() != wanted || !(is_whole || is_range)) {
      return Error(Code::io,
                   client_->shown(blob_.key) + " answered with other bytes than " + range + ": " +
                       std::string(answer.header("content-range")),
                   "does the server know ranges?");
    }
    span->bytes += answer.body;
    answer.body = {};
  }
  return std::shared_ptr<const Span>(std::move(span));
}

Result<size_t> S3File::read_at(uint64_t offset, char* into, size_t size) const {
  size_t done = 0;
  while (done < size && offset < blob_.size) {
    std::shared_ptr<const Span> span = kept(offset);
    if (!span) {
      // A large read goes in pieces, so that it holds no more memory than the reading ahead.
      const uint64_t wanted = std::min<uint64_t>(size - done, kAheadMax);
      TRY_ASSIGN(span, fetch(offset, fetch_size(offset, wanted)));
      const MutexLock lock(mutex_);
      spans_.push_front(span);
      if (spans_.size() > kKept) spans_.pop_back();
    }
    const size_t begin = offset - span->offset;
    const size_t count = std::min<size_t>(size - done, span->bytes.size() - begin);
    std::copy_n(span->bytes.data() + begin, count, into + done);
    done += count;
    offset += count;
  }
  return done;
}

}  // namespace weir
