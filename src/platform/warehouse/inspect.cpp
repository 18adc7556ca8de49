#include "platform/warehouse/inspect.h"

#include <algorithm>
#include <utility>

#include "core/base/quotes.h"
#include "core/base/text.h"
#include "platform/warehouse/run.h"

namespace weir::warehouse {
namespace {

constexpr size_t kRowsShown = 20, kFilesMax = 100'000, kColumnsMax = 1'600, kCellBytesShown = 2'000;
constexpr Duration kTimeMax = seconds(20);

// As CREATE TABLE in public and then COPY would need it.
Status check_loader(Warehouse::Core& core, const User& user) {
  TRY_ASSIGN(const auto rights, core.current_rights());
  Subject who{.id = user.id, .name = user.name, .is_superuser = user.may_administer};
  if (user.id != 0 && core.parts.users != nullptr) {
    who = subject_of(*core.parts.users->directory(), user.id);
  } else {
    who.reads_all = !user.may_administer;
  }
  if (rights->may_create_in(who, "public")) return {};
  return permission_denied("schema public");
}

Result<std::shared_ptr<BlobStore>> bucket_of(Warehouse::Core& core, const ObjectPath& place, const Cancel& cancel) {
  if (core.parts.buckets == nullptr) return Error(Code::unsupported, "there is no store to load from");
  TRY_ASSIGN(const bool exists, core.parts.buckets->exists(place.bucket));
  if (!exists) return Error(Code::not_found, "there is no bucket \"" + place.bucket + "\"");
  return core.parts.buckets->open(place.bucket, cancel);
}

struct Named {
  std::string format, compression;
};

// "orders.csv.gz" is CSV in gzip.
Named named_by(std::string_view key) {
  Named out;
  std::string name = to_lower(key);
  const auto drop = [&name](std::string_view ending) {
    if (!name.ends_with(ending)) return false;
    name.resize(name.size() - ending.size());
    return true;
  };
  if (drop(".gz") || drop(".gzip")) out.compression = "gzip";
  if (out.compression.empty() && (drop(".zst") || drop(".zstd"))) out.compression = "zstd";
  for (const auto& [ending, format] : {std::pair{".csv", "csv"},
                                       {".tsv", "csv"},
                                       {".txt", "csv"},
                                       {".json", "json"},
                                       {".ndjson", "json"},
                                       {".jsonl", "json"},
                                       {".parquet", "parquet"}}) {
    if (name.ends_with(ending)) out.format = format;
  }
  return out;
}

class Inspector {
 public:
  Inspector(Warehouse::Core& core, ObjectPath place, std::string_view format)
      : core_(core), place_(std::move(place)), format_(format) {}

  Result<FileShape> run(const Cancel& cancel) {
    TRY(choose_file(cancel));
    TRY_ASSIGN(session_, core_.parts.engine.connect(engine::Trust::own));
    const auto attached = cancel.attach([this] { session_->cancel(); });
    const Status read = read_shape();
    if (!read) return without_path(read.error());
    return std::move(shape_);
  }

 private:
  Status choose_file(const Cancel& cancel) {
    TRY_ASSIGN(const auto store, bucket_of(core_, place_, cancel));
    TRY_ASSIGN(const std::vector<Blob> blobs, store->list(place_.key, kFilesMax));
    std::string key;
    for (const Blob& blob : blobs) {
      if (blob.key.ends_with("/")) continue;
      ++shape_.files;
      shape_.bytes += blob.size;
      if (key.empty() && blob.size > 0) key = blob.key;
    }
    if (shape_.files == 0) {
      return Error(Code::not_found, "nothing in the bucket " + place_.bucket + " begins with " + shown(place_.key));
    }
    if (key.empty()) return Error(Code::invalid, place_.url() + " is empty");
    TRY_ASSIGN(path_, core_.parts.buckets->engine_path(place_.bucket, key));
    const Named named = named_by(key);
    shape_.path = "s3://" + place_.bucket + "/" + key;
    shape_.format = format_.empty() ? named.format : format_;
    shape_.compression = named.compression;
    if (shape_.format == "csv" || shape_.format == "json" || shape_.format == "parquet") return {};
    return Error(Code::invalid, "the format of " + shape_.path + " cannot be told from its name",
                 "say csv, json or parquet");
  }

  std::string file() const { return quoted_text(path_); }
  std::string compression() const {
    return shape_.compression.empty() ? "" : ", compression=" + quoted_text(shape_.compression);
  }

  Status read_shape() {
    if (shape_.format == "csv") {
      TRY(sniff());
    }
    std::string reader = "read_parquet(" + file() + ", hive_partitioning=false)";
    if (shape_.format == "csv") {
      reader = "read_csv(" + file() + ", store_rejects=false, ignore_errors=true" + compression() + ")";
    } else if (shape_.format == "json") {
      reader = "read_json(" + file() + ", format='auto', maximum_object_size=4194304" + compression() + ")";
    }
    TRY_ASSIGN(const auto stream, query("SELECT * FROM " + reader + " LIMIT " + std::to_string(kRowsShown)));
    shape_.columns = stream->columns();
    if (shape_.columns.size() > kColumnsMax) {
      return Error(Code::too_large, "the file has " + std::to_string(shape_.columns.size()) + " columns, a table has " +
                                        std::to_string(kColumnsMax) + " at most");
    }
    for (;;) {
      TRY_ASSIGN(Rows rows, stream->next());
      if (rows.empty()) return {};
      for (auto& row : rows) shape_.rows.push_back(std::move(row));
    }
  }

  Result<std::unique_ptr<engine::ResultStream>> query(const std::string& sql) {
    return session_->query(sql, {}, {.time = kTimeMax, .rows_max = kRowsShown});
  }

  // How it is written: what COPY is told in its own words.
  Status sniff() {
    TRY_ASSIGN(const auto stream,
               query("SELECT Delimiter, Quote, coalesce(DateFormat, ''), coalesce(TimestampFormat, ''), "
                     "SkipRows::BIGINT, HasHeader FROM sniff_csv(" +
                     file() + compression() + ")"));
    TRY_ASSIGN(const Rows rows, stream->next());
    if (rows.size() != 1 || rows[0].size() != 6) return Error(Code::invalid, shape_.path + " is not CSV");
    const auto text = [&](size_t column) {
      const auto* found = std::get_if<std::string>(&rows[0][column]);
      return found == nullptr ? std::string() : *found;
    };
    const auto* skipped = std::get_if<int64_t>(&rows[0][4]);
    const auto* has_header = std::get_if<bool>(&rows[0][5]);
    shape_.delimiter = text(0);
    if (text(1).size() == 1) shape_.quote = text(1);  // "(empty)": none was seen
    shape_.date_format = text(2);
    shape_.timestamp_format = text(3);
    shape_.skipped_lines = (skipped == nullptr ? 0 : *skipped) + (has_header != nullptr && *has_header ? 1 : 0);
    return {};
  }

  // Paths of ours are no caller's business.
  Error without_path(Error error) const {
    error.message = with_url(std::move(error.message), path_, shape_.path);
    error.position.reset();
    return error;
  }

  Warehouse::Core& core_;
  const ObjectPath place_;
  const std::string format_;
  std::string path_;
  std::unique_ptr<engine::Session> session_;
  FileShape shape_;
};

Json cell_json(const engine::Cell& cell) {
  return std::visit(
      [](const auto& value) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
          if (value.size() <= kCellBytesShown) return Json(value);
          size_t end = kCellBytesShown;
          while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
          return Json(value.substr(0, end) + "…");
        } else {
          return Json(value);
        }
      },
      cell);
}

}  // namespace

Json FileShape::to_json() const {
  Json out{Json::Object{{"path", path}, {"format", format}}};
  out.set("compression", compression.empty() ? Json() : Json(compression));
  out.set("files", files);
  out.set("bytes", bytes);
  Json csv;
  if (format == "csv") {
    csv = Json::Object{{"delimiter", delimiter}, {"quote", quote}, {"skipped_lines", skipped_lines}};
    csv.set("date_format", date_format.empty() ? Json() : Json(date_format));
    csv.set("timestamp_format", timestamp_format.empty() ? Json() : Json(timestamp_format));
  }
  out.set("csv", std::move(csv));
  Json listed{Json::Array{}};
  for (const auto& column : columns) listed.push(Json::Object{{"name", column.name}, {"type", column.type}});
  out.set("columns", std::move(listed));
  Json first{Json::Array{}};
  for (const auto& row : rows) {
    Json cells{Json::Array{}};
    for (const auto& cell : row) cells.push(cell_json(cell));
    first.push(std::move(cells));
  }
  out.set("rows", std::move(first));
  return out;
}

Result<FileShape> inspect(Warehouse& warehouse, const User& user, std::string_view place, std::string_view format,
                          const Cancel& cancel) {
  Warehouse::Core& core = warehouse.core();
  TRY(check_loader(core, user));
  TRY_ASSIGN(ObjectPath path, ObjectPath::of(place));
  if (!format.empty() && format != "csv" && format != "json" && format != "parquet") {
    return Error(Code::invalid, shown(format) + " is no format", "csv, json or parquet");
  }
  TRY_ASSIGN(const auto turn, core.gate.enter());
  TRY(turn->wait(cancel));
  return Inspector(core, std::move(path), format).run(cancel);
}

Status put_file(Warehouse& warehouse, const User& user, std::string_view place, std::string_view bytes) {
  Warehouse::Core& core = warehouse.core();
  TRY(check_loader(core, user));
  if (core.parts.buckets == nullptr) return Error(Code::unsupported, "there is no store to put files into");
  TRY_ASSIGN(const ObjectPath path, ObjectPath::of(place));
  TRY(check_blob_key(path.key));
  TRY_ASSIGN(const auto store, core.parts.buckets->open(path.bucket));
  TRY_ASSIGN(const bool is_taken, store->exists(path.key));
  if (is_taken) return Error(Code::conflict, path.url() + " is there already", "take another key");
  return store->put(path.key, bytes);
}

}  // namespace weir::warehouse
