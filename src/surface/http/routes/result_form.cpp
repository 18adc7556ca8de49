#include "surface/http/routes/result_form.h"

#include "surface/http/url.h"

namespace weir::http {

Form form_of(const Request& request) {
  const std::string_view accept = request.header("accept");
  if (names_token(accept, "text/csv")) return Form::csv;
  if (names_token(accept, "application/x-ndjson")) return Form::ndjson;
  if (names_token(accept, "application/vnd.apache.parquet")) return Form::parquet;
  return Form::json;
}

const char* content_type_of(Form form) {
  switch (form) {
    case Form::json:
      return "application/json";
    case Form::csv:
      return "text/csv; charset=utf-8";
    case Form::ndjson:
      return "application/x-ndjson";
    case Form::parquet:
      return "application/vnd.apache.parquet";
  }
  return "application/json";
}

}  // namespace weir::http
