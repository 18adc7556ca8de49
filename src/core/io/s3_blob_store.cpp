#include "core/io/s3_blob_store.h"

#include <algorithm>
#include <charconv>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/base/xml.h"
#include "core/io/s3_file.h"
#include "core/io/s3_writer.h"

namespace weir {
namespace {

constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kPageKeys = 1'000;

Result<uint64_t> number_of(std::string_view text, const std::string& where) {
  uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (!text.empty() && read.ec == std::errc() && read.ptr == text.data() + text.size()) return out;
  return Error(Code::io, where + " answered with a size that is none");
}

std::string first(const std::vector<std::string>& texts) {
  return texts.empty() ? std::string() : texts.front();
}

struct Page {
  std::vector<Blob> blobs;  // keys with the prefix
  std::string next;         // the token of the page behind it; empty: this is the last
};

Result<Page> read_page(std::string_view xml, const std::string& where) {
  const auto read = [&]() -> Result<Page> {
    Page page;
    TRY_ASSIGN(const auto contents, element_bodies(xml, "Contents", kPageKeys));
    for (const std::string_view one : contents) {
      TRY_ASSIGN(const auto keys, element_texts(one, "Key", 1));
      TRY_ASSIGN(const auto sizes, element_texts(one, "Size", 1));
      TRY_ASSIGN(const auto times, element_texts(one, "LastModified", 1));
      TRY_ASSIGN(const auto versions, element_texts(one, "ETag", 1));
      if (keys.empty()) return Error(Code::invalid, "an object has no key");
      TRY_ASSIGN(const uint64_t size, number_of(first(sizes), where));
      const auto modified = parse_timestamp(first(times));
      page.blobs.push_back({keys.front(), size, modified ? *modified : 0, first(versions)});
    }
    TRY_ASSIGN(const auto truncated, element_texts(xml, "IsTruncated", 1));
    if (first(truncated) != "true") return page;
    TRY_ASSIGN(const auto tokens, element_texts(xml, "NextContinuationToken", 1));
    if (first(tokens).empty()) return Error(Code::invalid, "the list goes on, and does not say where");
    page.next = tokens.front();
    return page;
  };
  auto page = read();
  if (page) return page;
  return Error(Code::io, where + " answered with a list that cannot be read: " + page.error().message,
               "is this an address of S3?");
}

}  // namespace

Result<std::shared_ptr<S3BlobStore>> S3BlobStore::open(std::shared_ptr<S3Client> client, Files& files,
                                                       const std::string& staging) {
  TRY(files.make_directories(staging));
  TRY_ASSIGN(const auto left_over, files.list(staging));
  for (const DirectoryEntry& entry : left_over) {
    TRY(files.remove(join_path(staging, entry.name)));
  }
  return std::shared_ptr<S3BlobStore>(
      new S3BlobStore(std::move(client), files, staging, std::make_shared<std::atomic<uint64_t>>(1), nullptr));
}

std::shared_ptr<S3BlobStore> S3BlobStore::stoppable(StopFlag stop) const {
  return std::shared_ptr<S3BlobStore>(new S3BlobStore(client_, files_, staging_, next_staging_, std::move(stop)));
}

Result<std::string> S3BlobStore::object_of(const std::string& key) const {
  const std::string object = client_->place().prefix + key;
  const bool is_plain =
      std::none_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (!key.empty() && is_plain && object.size() <= kKeyBytesMax && valid_utf8(key)) return object;
  return Error(Code::invalid, shown(key) + " is no key of an object",
               "1 to 1024 bytes with the bucket's prefix, UTF-8, without control characters");
}

std::string S3BlobStore::staging_path() {
  return join_path(staging_, std::to_string(next_staging_->fetch_add(1)));
}

Status S3BlobStore::put(const std::string& key, std::string_view bytes) {
  if (bytes.size() > kPartBytes) return BlobStore::put(key, bytes);
  TRY_ASSIGN(const std::string object, object_of(key));
  TRY(client_->send({.method = "PUT", .key = object, .headers = client_->place().on_write, .body = bytes}, stop_));
  return {};
}

Result<std::unique_ptr<BlobWriter>> S3BlobStore::write(const std::string& key) {
  TRY_ASSIGN(std::string object, object_of(key));
  return S3Writer::begin(client_, files_, std::move(object), staging_path(), stop_);
}

Status S3BlobStore::publish(const std::string& staging, const std::string& key) {
  if (parent_path(staging) != staging_) {
    return Error(Code::invalid, staging + " does not lie in the staging folder of the store " + staging_);
  }
  TRY(put_file(key, files_, staging));
  return files_.remove(staging);
}

Result<Blob> S3BlobStore::find(const std::string& key) {
  TRY_ASSIGN(const std::string object, object_of(key));
  auto answer = client_->send({.method = "HEAD", .key = object, .needs = {"content-length"}}, stop_);
  if (!answer && answer.error().code == Code::not_found) {
    return Error(Code::not_found, "there is no object " + client_->shown(object));
  }
  if (!answer) return answer.error();
  TRY_ASSIGN(const uint64_t size, number_of(answer->header("content-length"), client_->shown(object)));
  const auto modified = parse_http_time(std::string(answer->header("last-modified")));
  return Blob{key, size, modified.value_or(0), std::string(answer->header("etag"))};
}

Result<std::unique_ptr<BlobFile>> S3BlobStore::open(const std::string& key) {
  TRY_ASSIGN(Blob blob, find(key));
  TRY_ASSIGN(blob.key, object_of(key));
  return std::unique_ptr<BlobFile>(std::make_unique<S3File>(client_, std::move(blob), stop_));
}

Status S3BlobStore::remove(const std::string& key) {
  TRY(find(key));  // S3 itself says of what is not there that it was removed
  TRY_ASSIGN(const std::string object, object_of(key));
  TRY(client_->send({.method = "DELETE", .key = object}, stop_));
  return {};
}

Result<std::vector<Blob>> S3BlobStore::list(const std::string& prefix, size_t blobs_max) {
  const std::string whole = client_->place().prefix + prefix;
  std::vector<Blob> found;
  std::string token;
  do {
    S3Request request{.query = {{"list-type", "2"}, {"prefix", whole}}, .needs_in_body = "</ListBucketResult>"};
    if (!token.empty()) request.query.emplace_back("continuation-token", token);
    TRY_ASSIGN(const HttpResponse answer, client_->send(request, stop_));
    TRY_ASSIGN(Page page, read_page(answer.body, client_->shown("")));
    if (page.next == token && !token.empty()) {
      return Error(Code::io, client_->shown("") + " goes on with its list where it was before");
    }
    token = page.next;
    for (Blob& blob : page.blobs) {
      if (!blob.key.starts_with(whole)) {
        return Error(Code::io, client_->shown("") + " lists objects that were not asked for");
      }
      blob.key.erase(0, client_->place().prefix.size());
      if (blob.key.empty()) continue;  // the prefix itself, as an object
      if (found.size() == blobs_max) {
        return Error(Code::too_large, "more than " + std::to_string(blobs_max) + " objects begin with " + shown(prefix),
                     "ask for a longer prefix");
      }
      found.push_back(std::move(blob));
    }
  } while (!token.empty());
  std::sort(found.begin(), found.end(), [](const Blob& a, const Blob& b) { return a.key < b.key; });
  return found;
}

}  // namespace weir
