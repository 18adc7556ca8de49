#include "surface/awsapi/s3_objects.h"

#include <charconv>
#include <optional>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/base/xml.h"
#include "core/io/aws_signature.h"
#include "surface/http/response_text.h"

namespace weir::awsapi {
namespace {

constexpr size_t kPieceBytes = 256 << 10;

std::string etag_text(const std::string& version) {
  return "\"" + sha256_hex(version).substr(0, 32) + "\"";
}

std::string_view content_type(std::string_view key) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{".json", "application/json"},
                                                                             {".csv", "text/csv"},
                                                                             {".txt", "text/plain"},
                                                                             {".gz", "application/gzip"},
                                                                             {".html", "application/octet-stream"}};
  for (const auto& [ending, type] : kTypes) {
    if (key.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

bool names(std::string_view header, const std::string& etag) {
  return header == "*" || header.find(etag) != std::string_view::npos ||
         header == std::string_view(etag).substr(1, etag.size() - 2);
}

struct Range {
  uint64_t begin = 0, end = 0;  // end: behind the last byte
  bool is_part = false;
};

// "bytes=0-99", "bytes=100-", "bytes=-100". Nothing: it is not satisfiable. What is malformed is as if it were not
// there.
std::optional<Range> range_of(std::string_view header, uint64_t size) {
  const Range whole{0, size, false};
  constexpr std::string_view kUnit = "bytes=";
  if (header.substr(0, kUnit.size()) != kUnit || header.find(',') != std::string_view::npos) return whole;
  header.remove_prefix(kUnit.size());
  const size_t dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto number = [](std::string_view text) -> std::optional<uint64_t> {
    uint64_t out = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return out;
  };
  const auto first = number(header.substr(0, dash)), last = number(header.substr(dash + 1));
  if (!first && !last) return whole;
  if (!first) {  // the last so many
    if (*last == 0 || size == 0) return std::nullopt;
    return Range{size - std::min(size, *last), size, true};
  }
  if (*first >= size || (last && *last < *first)) return std::nullopt;
  return Range{*first, last ? std::min(size, *last + 1) : size, true};
}

Status send_bytes(const File& file, const Range& range, http::Response head, const http::Responder& responder) {
  const auto body = responder.stream(std::move(head), {.bytes = range.end - range.begin});
  std::string piece(kPieceBytes, '\0');
  for (uint64_t at = range.begin; at < range.end;) {
    const auto want = std::min<uint64_t>(piece.size(), range.end - at);
    TRY_ASSIGN(const size_t count, file.read_at(at, piece.data(), want));
    if (count == 0) return Error(Code::io, "the object became shorter while it was sent");
    TRY(body->write(std::string_view(piece).substr(0, count)));
    at += count;
  }
  body->finish();
  return {};
}

}  // namespace

std::string etag_of(const BlobFile& file) {
  return etag_text(file.version());
}

Result<std::string> etag_of(BlobStore& store, const std::string& key) {
  TRY_ASSIGN(const auto file, store.open(key));
  return etag_of(*file);
}

std::string xml_time(int64_t micros) {
  return format_timestamp(micros).substr(0, 23) + "Z";
}

Status check_conditions(const http::Request& request, BlobStore& store, const std::string& key) {
  const std::string_view match = trim(request.header("if-match")), none = trim(request.header("if-none-match"));
  if (match.empty() && none.empty()) return {};
  const auto file = store.open(key);
  if (!file && file.error().code != Code::not_found) return file.error();
  const std::string etag = file ? etag_of(**file) : "";
  if (!none.empty() && file && names(none, etag))
    return Error(Code::conflict, "the object is there already, and If-None-Match asked that it is not");
  if (!match.empty() && (!file || !names(match, etag)))
    return Error(Code::conflict, "the object is not the one that If-Match names");
  return {};
}

Status send_object(const http::Request& request, BlobStore& store, const std::string& key,
                   const http::Responder& responder) {
  auto opened = store.open(key);
  if (!opened && opened.error().code == Code::not_found)
    return Error(Code::not_found, "there is no object " + shown(key));
  if (!opened) return opened.error();
  const std::unique_ptr<BlobFile> file = std::move(*opened);
  TRY_ASSIGN(const uint64_t size, file->size());
  const std::string etag = etag_of(*file);
  http::Response head;
  head.content_type = content_type(key);
  head.kind = http::HeadKind::api;
  head.headers = {
      {"ETag", etag}, {"Last-Modified", http::http_date({file->modified_micros()})}, {"Accept-Ranges", "bytes"}};
  const std::string_view match = trim(request.header("if-match")), none = trim(request.header("if-none-match"));
  if (!match.empty() && !names(match, etag))
    return Error(Code::conflict, "the object is not the one that If-Match names");
  if (!none.empty() && names(none, etag)) {
    head.status = 304;
    responder.send(std::move(head));
    return {};
  }
  const auto range = range_of(trim(request.header("range")), size);
  if (!range) {
    head.status = 416;
    head.content_type = "application/xml";
    head.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    head.body = std::string(kXmlHead) + "<Error><Code>InvalidRange</Code><Message>the object has " +
                std::to_string(size) + " bytes</Message></Error>";
    responder.send(std::move(head));
    return {};
  }
  if (range->is_part) {
    head.status = 206;
    head.headers.emplace_back("Content-Range", "bytes " + std::to_string(range->begin) + "-" +
                                                   std::to_string(range->end - 1) + "/" + std::to_string(size));
  }
  if (request.method == http::Method::head) {
    head.body_bytes = range->end - range->begin;
    responder.send(std::move(head));
    return {};
  }
  if (range->begin == range->end) {
    responder.send(std::move(head));
    return {};
  }
  // From here on it has been answered: what fails cuts the connection, so that the client sees that something is
  // missing.
  const Status sent = send_bytes(*file, *range, std::move(head), responder);
  if (!sent && sent.error().code != Code::cancelled)
    log_event(Level::warn, "aws.object_cut", {{"key", key}, {"reason", sent.error().text()}});
  return {};
}

Result<ListOrder> ListOrder::of(const http::Request& request) {
  ListOrder out;
  out.prefix = request.query_value("prefix").value_or("");
  out.delimiter = request.query_value("delimiter").value_or("");
  out.is_version_2 = request.query_value("list-type") == "2";
  out.is_url_encoded = request.query_value("encoding-type") == "url";
  out.after = request.query_value(out.is_version_2 ? "start-after" : "marker").value_or("");
  if (const auto token = request.query_value("continuation-token")) {
    auto key = base64_decode(*token);
    if (!key) return Error(Code::invalid, "continuation-token is none that was handed out");
    out.after = std::max(out.after, *key);
  }
  if (const auto most = request.query_value("max-keys")) {
    const auto read = std::from_chars(most->data(), most->data() + most->size(), out.most);
    if (read.ec != std::errc() || read.ptr != most->data() + most->size())
      return Error(Code::invalid, "max-keys must be a whole number");
    out.most = std::min<size_t>(out.most, 1'000);
  }
  return out;
}

std::string list_text(const std::string& bucket, const ListOrder& order, const std::vector<Blob>& blobs) {
  const auto shown_key = [&](std::string_view key) {
    return order.is_url_encoded ? aws_escaped(key, true) : std::string(key);
  };
  std::string contents, prefixes, last_prefix, last;
  size_t count = 0;
  bool is_truncated = false;
  for (const Blob& blob : blobs) {
    if (!order.after.empty() && blob.key <= order.after) continue;
    std::string common;
    if (!order.delimiter.empty()) {
      const size_t end = blob.key.find(order.delimiter, order.prefix.size());
      if (end != std::string::npos) common = blob.key.substr(0, end + order.delimiter.size());
    }
    // All keys of a common prefix are one entry; a page that ends with it goes on behind the last of them.
    if (!common.empty() && common == last_prefix) {
      last = blob.key;
      continue;
    }
    if (count == order.most) {
      is_truncated = true;
      break;
    }
    ++count;
    last = blob.key;
    if (!common.empty()) {
      last_prefix = common;
      prefixes += "<CommonPrefixes>";
      append_element(prefixes, "Prefix", shown_key(common));
      prefixes += "</CommonPrefixes>";
      continue;
    }
    contents += "<Contents>";
    append_element(contents, "Key", shown_key(blob.key));
    append_element(contents, "LastModified", xml_time(blob.modified_micros));
    append_element(contents, "ETag", etag_text(blob.version));
    append_element(contents, "Size", std::to_string(blob.size));
    append_element(contents, "StorageClass", "STANDARD");
    contents += "</Contents>";
  }
  std::string out;
  append_element(out, "Name", bucket);
  append_element(out, "Prefix", shown_key(order.prefix));
  if (!order.delimiter.empty()) append_element(out, "Delimiter", shown_key(order.delimiter));
  append_element(out, "MaxKeys", std::to_string(order.most));
  if (order.is_url_encoded) append_element(out, "EncodingType", "url");
  append_element(out, "IsTruncated", is_truncated ? "true" : "false");
  if (order.is_version_2) {
    append_element(out, "KeyCount", std::to_string(count));
    if (is_truncated) append_element(out, "NextContinuationToken", base64_encode(last));
  } else if (is_truncated) {
    append_element(out, "NextMarker", shown_key(last));
  }
  return out + contents + prefixes;
}

}  // namespace weir::awsapi
