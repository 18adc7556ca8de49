// Tables over files that somebody else writes: what a statement needs to know to read one. Their files are found when
// it is read, each time.
//
// Values here are immutable and shared by the statements that read the table. Who may read it is the Authority's to
// say; the engine opens no file but those that find() named, and only for the statement that it named them for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace weir::engine {

// The values of a table's partition columns, as text, in their order; nothing: NULL.
using PartitionValues = std::vector<std::optional<std::string>>;

struct ExternalFile {
  std::string path;  // as a statement of our own names it, with its scheme
  std::string url;   // what people are shown, "$path"
  uint64_t bytes = 0;
  PartitionValues partition;
};

struct ExternalFiles {
  std::vector<ExternalFile> files;
  uint64_t partitions = 0, partitions_read = 0;  // all that there are, and those whose files are named
};

// Where the files of a table are. Any thread.
class ExternalSource {
 public:
  virtual ~ExternalSource() = default;
  // The files of the partitions that `wants`; of a table without partitions it is asked once, with no values.
  virtual Result<ExternalFiles> find(const std::function<bool(const PartitionValues&)>& wants) const = 0;
};

struct ExternalColumn {
  std::string name;
  std::string type;  // the engine's name of it
};

struct ExternalTable {
  enum class Format { parquet, json, delimited };
  std::string schema = {}, name = {};
  std::vector<ExternalColumn> columns = {};            // found by their name in Parquet and JSON, else by their order
  std::vector<ExternalColumn> partition_columns = {};  // come after them
  Format format = Format::parquet;
  std::string delimiter = {}, quote = {}, escape = {};  // of delimited; empty: none
  std::string null_text = {};                           // the same: what stands for NULL
  uint64_t header_lines = 0;                            // the same, of each file
  std::string compression = {};                         // of texts: "gzip", "none"; empty: as the file's name says
  bool ignores_malformed = false;                       // of json: what is none is a row of NULLs
  std::shared_ptr<const ExternalSource> source = {};
  // A stream or a table of the lake under another name; then nothing else is set but schema and name.
  std::string lake_table = {};
};

}  // namespace weir::engine
