#include "platform/forget/forget_objects.h"

#include <algorithm>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "core/io/compression.h"
#include "platform/dialect/token.h"

namespace weir::forget {
namespace {

constexpr size_t kObjectsMax = 100'000;             // of a bucket
constexpr uint64_t kObjectBytesMax = 256ull << 20;  // as it lies there, and unpacked
constexpr uint64_t kPackedRatioMax = 1'000;

constexpr const char* kByHand = "look through it by hand, or remove it";

Result<std::string> bytes_of(BlobStore& store, const Blob& blob) {
  if (blob.size > kObjectBytesMax) {
    return Error(Code::too_large, "it has " + std::to_string(blob.size) + " bytes, of which at most " +
                                      std::to_string(kObjectBytesMax) + " are looked through");
  }
  TRY_ASSIGN(const auto file, store.open(blob.key));
  TRY_ASSIGN(const uint64_t size, file->size());
  std::string out(size, '\0');
  TRY_ASSIGN(const size_t read, file->read_at(0, out.data(), out.size()));
  if (read != out.size()) return Error(Code::io, "it became shorter while it was read");
  return out;
}

Result<std::string> unpacked(std::string_view bytes) {
  const DecompressLimits limits{
      .decoded_bytes_max = kObjectBytesMax, .ratio_max = kPackedRatioMax, .window_bytes_max = 128ull << 20};
  if (bytes.starts_with("\x1f\x8b")) return gunzip(bytes, limits);
  if (bytes.starts_with("\x28\xb5\x2f\xfd")) return zstd_decompress(bytes, limits);
  if (bytes.starts_with("BZh")) return Error(Code::unsupported, "it is packed with bzip2");
  return std::string(bytes);
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// As a CSV of the same rows would be searched, a few thousand at once.
Result<bool> parquet_names(const ObjectSearch& search, const std::string& bucket, const std::string& key) {
  TRY_ASSIGN(const std::string path, search.buckets.engine_path(bucket, key));
  TRY_ASSIGN(const auto session, search.engine.connect(engine::Trust::own));
  TRY_ASSIGN(const auto stream, session->query("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet(" +
                                                   quoted_text(path) + ", hive_partitioning=false)",
                                               {}, {}));
  std::string header;
  for (const auto& column : stream->columns()) header += (header.empty() ? "" : ",") + csv_cell(column.name);
  while (true) {
    TRY_ASSIGN(const auto rows, stream->next());
    if (rows.empty()) return false;
    std::string text = header + "\n";
    for (const auto& row : rows) {
      for (size_t i = 0; i < row.size(); ++i) {
        if (i > 0) text += ",";
        if (const auto* cell = std::get_if<std::string>(&row[i])) text += csv_cell(*cell);
      }
      text += "\n";
    }
    if (search.names(text)) return true;
  }
}

Result<bool> object_names(const ObjectSearch& search, BlobStore& store, const std::string& bucket, const Blob& blob) {
  if (search.names(blob.key)) return true;
  auto bytes = bytes_of(store, blob);
  if (!bytes) return bytes.error();
  if (bytes->starts_with("PAR1")) return parquet_names(search, bucket, blob.key);
  const auto text = unpacked(*bytes);
  if (!text) return text.error();
  return search.names(*text);
}

// A receipt says nobody's name.
std::string shown_url(const ObjectSearch& search, const std::string& bucket, const std::string& key) {
  std::string out = "s3://" + bucket;
  for (const std::string_view piece : split(key, '/')) {
    const std::string part(piece);
    out += search.names(part) || search.names(part.substr(part.find('=') + 1)) ? "/…" : "/" + part;
  }
  return search.names(out) ? "s3://" + bucket + "/…" : out;
}

bool is_ours(const ObjectSearch& search, const std::string& url) {
  return search.written.contains(url) ||
         std::any_of(search.prefixes.begin(), search.prefixes.end(),
                     [&](const std::string& prefix) { return url.starts_with(prefix); });
}

Status search_bucket(const ObjectSearch& search, const std::string& bucket, const Cancel& cancel, ObjectsFound& out) {
  TRY_ASSIGN(const auto store, search.buckets.open(bucket, cancel));
  TRY_ASSIGN(std::vector<Blob> blobs, store->list("", kObjectsMax + 1));
  if (blobs.size() > kObjectsMax) {
    blobs.resize(kObjectsMax);
    out.missed.push_back({"objects of s3://" + bucket + "/ behind the first " + std::to_string(kObjectsMax),
                          "no more of a bucket are looked through", "look through them by hand"});
  }
  for (const Blob& blob : blobs) {
    TRY(cancel.check());
    ++out.seen;
    const std::string url = "s3://" + bucket + "/" + blob.key;
    const auto named = object_names(search, *store, bucket, blob);
    if (!named) {
      if (named.error().code == Code::cancelled) return named.error();
      if (named.error().code == Code::not_found) continue;  // removed meanwhile
      out.missed.push_back({shown_url(search, bucket, blob.key), named.error().message, kByHand});
      continue;
    }
    if (!*named) continue;
    const std::string shown = shown_url(search, bucket, blob.key);
    if (!search.removes_all && !is_ours(search, url)) {
      out.missed.push_back({shown, "it names the person, and others than weir wrote it",
                            "remove it, or forget again with --remove-objects"});
      continue;
    }
    const Status removed = store->remove(blob.key);
    if (removed || removed.error().code == Code::not_found) {
      out.removed.push_back(shown);
    } else {
      out.missed.push_back({shown, "it names the person, and could not be removed: " + removed.error().text(),
                            "remove it by hand, or forget again"});
    }
  }
  return {};
}

}  // namespace

Result<ObjectsFound> search_objects(const ObjectSearch& search, const Cancel& cancel) {
  ObjectsFound out;
  TRY_ASSIGN(const std::vector<std::string> names, search.buckets.list());
  for (const std::string& bucket : names) {
    const Status searched = search_bucket(search, bucket, cancel, out);
    TRY(cancel.check());
    if (searched) continue;
    out.missed.push_back({"bucket " + bucket, "it could not be looked through: " + searched.error().text(),
                          "forget again when it answers"});
  }
  return out;
}

std::vector<std::string> unload_prefixes(std::string_view sql) {
  std::vector<std::string> out;
  const auto tokens = dialect::tokenize(sql);
  if (!tokens) return out;
  bool is_unload = false;
  for (size_t i = 0; i < tokens->size(); ++i) {
    const dialect::Token& token = (*tokens)[i];
    if (dialect::is_word(sql, token, "unload")) is_unload = true;
    if (dialect::is_symbol(sql, token, ";")) is_unload = false;
    if (!is_unload || token.kind != dialect::TokenKind::text || i == 0) continue;
    if (!dialect::is_word(sql, (*tokens)[i - 1], "to")) continue;
    const auto text = dialect::text_of(sql, token, {});
    if (!text || !text->starts_with("s3://")) continue;
    const std::string prefix = text->substr(0, text->find_first_of("{$"));
    // A whole bucket is nobody's place.
    if (prefix.find('/', 5) != std::string::npos && prefix.find('/', 5) + 1 < prefix.size()) out.push_back(prefix);
  }
  return out;
}

}  // namespace weir::forget
