// A report as JUnit's XML, for what runs reviews in a build.
#include "analysis/review/report.h"
#include "analysis/review/report_parts.h"
#include "core/base/text.h"

namespace weir::review {
namespace {

std::string xml_escaped(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    const bool is_allowed = static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t';
    clean += is_allowed ? c : ' ';
  }
  return html_escape(clean);
}

bool is_unanswered(const Json& query) {
  const std::string& status = query["status"].as_string();
  return query["left_out"].is_null() && status != "FINISHED" && status != "SKIPPED";
}

}  // namespace

std::vector<std::string> unanswered(const Json& report) {
  std::vector<std::string> out;
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      if (is_unanswered(query)) out.push_back(query["query"].as_string());
    }
  }
  return out;
}

std::string report_junit(const Json& report) {
  std::string cases;
  size_t tests = 0, failures = 0, skipped = 0, errors = 0;
  for (const Json& section : report["sections"].array()) {
    for (const Json& query : section["queries"].array()) {
      for (const Json& signal : query["signals"].array()) {
        ++tests;
        cases += "  <testcase classname=\"" +
                 xml_escaped(report["review"].as_string() + "." + query["query"].as_string()) + "\" name=\"" +
                 xml_escaped(signal["signal"].as_string()) + "\"";
        const std::string& colour = signal["colour"].as_string();
        if (colour == "green") {
          cases += "/>\n";
        } else if (colour == "not measured") {
          const bool is_error = is_unanswered(query);
          ++(is_error ? errors : skipped);
          cases += std::string("><") + (is_error ? "error" : "skipped") + " message=\"" +
                   xml_escaped(signal["why"].as_string()) + "\"/></testcase>\n";
        } else {
          ++failures;
          cases += "><failure type=\"" + colour + "\" message=\"" +
                   xml_escaped(plain(signal["count"]) + " of " + plain(signal["of"])) + "\">" +
                   xml_escaped(signal["criterion"].as_string()) + "</failure></testcase>\n";
        }
      }
    }
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" + xml_escaped(report["title"].as_string()) +
         "\" timestamp=\"" + xml_escaped(report["started_at"].as_string().substr(0, 19)) + "\" tests=\"" +
         std::to_string(tests) + "\" failures=\"" + std::to_string(failures) + "\" skipped=\"" +
         std::to_string(skipped) + "\" errors=\"" + std::to_string(errors) + "\">\n" + cases + "</testsuite>\n";
}

}  // namespace weir::review
