// What a stranger sends to the PostgreSQL wire: start-up packets and messages, as they arrive, and the values in them.
// And the rows of COPY in its three forms, however they are cut. The first byte chooses.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "surface/pgwire/copy_form.h"
#include "surface/pgwire/message.h"
#include "surface/pgwire/parameter.h"

using namespace weir;

namespace {

void take_values(const pgwire::BindMessage& bind) {
  constexpr uint32_t kTypes[] = {0,    16,   17,   20,   21,   23,   25,   26,   114,  700,  701,
                                 1007, 1015, 1082, 1083, 1114, 1184, 1186, 1231, 1700, 2950, 3802};
  size_t index = 0;
  for (const auto& value : bind.values) {
    pgwire::SentValue sent;
    if (value) sent.bytes = *value;
    for (const bool is_binary : {false, true}) {
      sent.is_binary = is_binary;
      sent.type = kTypes[(index++ + (value ? value->size() : 0)) % std::size(kTypes)];
      (void)pgwire::parameter_of(sent);
    }
  }
}

// Rows in pieces; what is kept must fit together, also after an error.
void take_rows(uint8_t choice, std::string_view bytes) {
  constexpr dialect::CopyForm kForms[] = {dialect::CopyForm::text, dialect::CopyForm::csv, dialect::CopyForm::binary};
  warehouse::CopyStream stream{.is_in = true,
                               .table = "t",
                               .options = {},
                               .columns = {{"a", "INTEGER"}, {"b", "VARCHAR"}, {"c", "BOOLEAN[]"}, {"d", "BLOB"}}};
  stream.options.form = kForms[choice % 3];
  stream.options.delimiter = ',';
  stream.options.escape = choice & 64 ? '\\' : '"';
  stream.options.has_header = stream.options.checks_header = choice & 32;
  pgwire::CopyReader reader(stream);
  const size_t piece = 1 + choice % 7 * 5;
  Status done;
  for (size_t at = 0; at < bytes.size() && done; at += piece) {
    const auto taken = reader.read(bytes.substr(at, piece));
    if (!taken) done = taken.error();
  }
  if (done) done = reader.end();
  for (const auto& column : reader.rows().columns) {
    const size_t values = column.kind == engine::GivenRows::Kind::whole ? column.wholes.size() : column.ends.size();
    if (values != reader.rows().rows || column.nulls.size() != values) abort();
    if (column.kind != engine::GivenRows::Kind::whole && (values > 0 ? column.ends.back() : 0) != column.bytes.size())
      abort();
  }
  if (reader.lines().size() != reader.rows().rows) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view left(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] >= 128) {
    take_rows(data[0], left);
    return 0;
  }
  if (data[0] % 2 == 0) {
    const auto bytes = pgwire::startup_bytes(left);
    if (!bytes || !*bytes) return 0;
    const auto packet = pgwire::parse_startup(left.substr(0, **bytes));
    if (packet) (void)pgwire::parse_options(packet->find("options"));
    left.remove_prefix(**bytes);
  }
  for (;;) {
    const auto bytes = pgwire::message_bytes(left, 1 << 20);
    if (!bytes || !*bytes) return 0;
    const pgwire::Message message{left[0], std::string(left.substr(5, **bytes - 5))};
    (void)pgwire::check_message(message);
    if (message.type == 'B') {
      if (const auto bind = pgwire::parse_bind(message.body)) take_values(*bind);
    }
    left.remove_prefix(**bytes);
  }
}
