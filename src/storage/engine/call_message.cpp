#include "storage/engine/call_message.h"

#include <utility>

#include "storage/engine/inside.h"

namespace weir::engine {
namespace {

using duckdb::Deserializer;
using duckdb::Serializer;

duckdb::SerializationOptions options() {
  duckdb::SerializationOptions out;
  out.serialization_compatibility = duckdb::SerializationCompatibility::Latest();
  return out;
}

template <class Write>
std::string written(const Write& write) {
  duckdb::MemoryStream stream(duckdb::Allocator::DefaultAllocator());
  duckdb::BinarySerializer serializer(stream, options());
  serializer.Begin();
  write(serializer);
  serializer.End();
  return {reinterpret_cast<const char*>(stream.GetData()), stream.GetPosition()};
}

duckdb::MemoryStream reading(const std::string& text) {
  auto* bytes = reinterpret_cast<duckdb::data_ptr_t>(const_cast<char*>(text.data()));  // it is only read
  return duckdb::MemoryStream(bytes, text.size());
}

duckdb::unique_ptr<duckdb::Expression> over_columns(const duckdb::BoundFunctionExpression& call) {
  auto copy = call.Copy();
  auto& children = copy->Cast<duckdb::BoundFunctionExpression>().children;
  for (size_t i = 0; i < children.size(); ++i) {
    if (children[i]->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CONSTANT) continue;
    children[i] = duckdb::make_uniq<duckdb::BoundReferenceExpression>(children[i]->return_type, i);
  }
  return copy;
}

}  // namespace

Result<std::string> call_request(duckdb::ClientContext& context, const duckdb::BoundFunctionExpression& call,
                                 duckdb::DataChunk& arguments) {
  try {
    duckdb::vector<std::string> names;
    duckdb::vector<duckdb::Value> values;
    for (const auto& [name, value] : context.config.set_variables) {
      names.push_back(name);
      values.push_back(value);
    }
    return written([&](Serializer& out) {
      out.WriteProperty(100, "names", names);
      out.WriteProperty(101, "values", values);
      out.WriteProperty(102, "call", over_columns(call));
      out.WriteObject(103, "rows", [&](Serializer& object) { arguments.Serialize(object); });
    });
  } catch (const std::exception& thrown) {
    Error error = to_error(thrown, "");
    error.message = call.function.name + "() cannot be handed to a process of its own: " + error.message;
    return error;
  }
}

Status read_call_answer(const std::string& said, duckdb::DataChunk& answer) {
  try {
    duckdb::MemoryStream stream = reading(said);
    duckdb::BinaryDeserializer in(stream);
    in.Begin();
    const auto failed = in.ReadProperty<bool>(100, "failed");
    if (failed) {
      const auto type = in.ReadProperty<uint8_t>(101, "type");
      const auto message = in.ReadProperty<std::string>(102, "message");
      in.End();
      return to_error(duckdb::ErrorData(static_cast<duckdb::ExceptionType>(type), message), "");
    }
    in.ReadObject(103, "rows", [&](Deserializer& object) { answer.Deserialize(object); });
    in.End();
    return {};
  } catch (const std::exception& thrown) {
    Error error = to_error(thrown, "");
    error.message = "the answer of a call in a process of its own cannot be read: " + error.message;
    return error;
  }
}

std::string answer_request(duckdb::ClientContext& context, const std::string& request) {
  duckdb::MemoryStream stream = reading(request);
  duckdb::BinaryDeserializer in(stream);
  in.Set<duckdb::ClientContext&>(context);
  in.Begin();
  const auto names = in.ReadProperty<duckdb::vector<std::string>>(100, "names");
  const auto values = in.ReadProperty<duckdb::vector<duckdb::Value>>(101, "values");
  for (size_t i = 0; i < names.size(); ++i) context.config.set_variables[names[i]] = values[i];
  const auto call = in.ReadProperty<duckdb::unique_ptr<duckdb::Expression>>(102, "call");
  duckdb::DataChunk rows;
  in.ReadObject(103, "rows", [&](Deserializer& object) { rows.Deserialize(object); });
  in.End();
  duckdb::ExpressionExecutor executor(context, *call);
  duckdb::DataChunk answer;
  answer.Initialize(duckdb::Allocator::DefaultAllocator(), {call->return_type}, std::max<size_t>(rows.size(), 1));
  executor.Execute(rows, answer);
  return written([&](Serializer& out) {
    out.WriteProperty(100, "failed", false);
    out.WriteObject(103, "rows", [&](Serializer& object) { answer.Serialize(object); });
  });
}

std::string answer_error(duckdb::ExceptionType type, const std::string& message) {
  return written([&](Serializer& out) {
    out.WriteProperty(100, "failed", true);
    out.WriteProperty(101, "type", static_cast<uint8_t>(type));
    out.WriteProperty(102, "message", message);
  });
}

}  // namespace weir::engine
