// Whom `weir lake forget` forgets: values of one field that is declared `subject: true`, known by keyed hashes only, so
// that nothing which outlives the request holds the value itself.
//
// Pure but for the buffers that it reuses: one thread at a time.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "stream/capture/json_scanner.h"
#include "stream/capture/stream.h"

namespace weir::capture {

inline constexpr size_t kSubjectValuesMax = 100;
inline constexpr size_t kSubjectBytesMax = 1'024;  // of one value

// The value as it is hashed: a whole number in digits, a UUID in lower case, a string byte for byte. `invalid` names
// the field's type, never the value.
Result<std::string> canonical_subject(const Field& field, std::string_view text);

class Subject {
 public:
  struct Hash {
    HashKey key;                      // the folder's own
    std::vector<Fingerprint> wanted;  // of canonical values
  };
  Subject(const Field& field, Hash hash);
  static Fingerprint hash(const HashKey& key, std::string_view canonical) { return fingerprint(key, canonical); }

  // An accepted event whose field, by its name or a former one, has one of the values.
  bool names(std::string_view event);
  // Bytes that were not taken as an event: a quarantined payload, a message, a file of results. If they are a JSON
  // object that has the field, the field decides. Otherwise, and for texts and UUIDs always, it is enough that a value
  // stands in them as a word, a cell or a quoted text; of a whole number only where the field's name stands there too.
  bool is_in(std::string_view bytes);

 private:
  enum class Found { no, other, yes };  // other: the field is there and has another value
  Found member(std::string_view event);
  bool is_wanted(std::string_view canonical) const;
  bool is_wanted_text(std::string_view text);  // any text that may be a value
  bool has_quoted(std::string_view bytes);

  const Field field_;
  const HashKey key_;
  std::set<Fingerprint> wanted_;
  std::vector<std::string> names_;
  std::string buffer_, scratch_;
  JsonScanner scanner_;
};

// Who was forgotten, and when: old records that name them are not taken again.
struct Forgetting {
  Field field;
  Subject::Hash hash;
  WallTime at;
};

}  // namespace weir::capture
