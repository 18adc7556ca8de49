// Reviews: what is declared, runs of them, their reports.
#include "surface/http/routes/body.h"
#include "surface/http/routes/routes.h"

namespace weir::http {

namespace {

struct Form {
  const char* name;
  const char* file;
  const char* content_type;
};
constexpr Form kForms[] = {{"html", "report.html", "text/html; charset=utf-8"},
                           {"json", "report.json", "application/json"},
                           {"junit", "junit.xml", "application/xml"},
                           {"page", "html/review.html", "text/html; charset=utf-8"}};

Result<Json> list_reviews(const review::Reviews& reviews) {
  TRY_ASSIGN(const auto states, reviews.reviews());
  Json listed{Json::Array{}};
  for (const auto& state : states) listed.push(state.to_json());
  return Json(Json::Object{{"reviews", std::move(listed)}});
}

// A list is without it: the SQL of hundreds of queries.
Json with_sql(const review::ReviewState& state) {
  Json queries{Json::Array{}}, out = state.to_json();
  for (Json query : out["queries"].array()) {
    query.set("sql", state.review.find(query["query"].as_string())->sql);
    queries.push(std::move(query));
  }
  out.set("queries", std::move(queries));
  return out;
}

Result<Json> one_review(const review::Reviews& reviews, const Request& request) {
  const std::string name(request.parameter("review"));
  TRY_ASSIGN(const auto states, reviews.reviews());
  for (const auto& state : states) {
    if (state.review.name == name) return with_sql(state);
  }
  return reviews.review(name).error();
}

Result<Json> start_review(review::Reviews& reviews, const Request& request) {
  TRY_ASSIGN(const JsonBody body, JsonBody::parse(request, {"workflow", "on"}));
  review::StartRequest wanted;
  TRY_ASSIGN(wanted.workflow, body.text_or("workflow", ""));
  TRY_ASSIGN(wanted.on, body.text_or("on", ""));
  wanted.cause = Json(Json::Object{{"by", "person"}, {"who", request.caller.name()}});
  TRY_ASSIGN(const std::string id, reviews.start(request.parameter("review"), wanted));
  return Json(Json::Object{{"id", id}});
}

// Of ?run=, or the newest one; ?format= html, json, junit or page.
Result<Response> report_of(const review::Reviews& reviews, const Request& request) {
  const std::string format = request.query_value("format").value_or("html");
  const Form* form = nullptr;
  for (const Form& one : kForms) {
    if (format == one.name) form = &one;
  }
  if (form == nullptr) {
    return Error(Code::invalid, "there is no form " + format + " of a report", "html, json, junit or page");
  }
  const std::string name(request.parameter("review"));
  std::string run = request.query_value("run").value_or("");
  if (run.empty()) {
    TRY_ASSIGN(run, reviews.last_run(name));
  }
  Response out;
  TRY_ASSIGN(out.body, reviews.report(run, form->file));
  out.content_type = form->content_type;
  out.kind = HeadKind::page;  // with a policy of its own, which is the only one then
  out.headers.emplace_back("Cache-Control", "no-store");
  // What somebody else's warehouse said stands in it: no script runs, nothing is fetched.
  out.headers.emplace_back("Content-Security-Policy",
                           "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action "
                           "'none'; frame-ancestors 'none'; sandbox allow-popups");
  return out;
}

Result<Json> compare_runs(const review::Reviews& reviews, const Request& request) {
  return reviews.compare(request.parameter("review"),
                         {request.query_value("from").value_or(""), request.query_value("to").value_or("")});
}

}  // namespace

void add_review_routes(Router& router, review::Reviews& reviews) {
  Route route;
  route.access = Access::reader;
  route.lane = Lane::interactive;
  route.pattern = "/v1/reviews";
  route.summary = "Reviews: their queries, workflows, and the newest run of each.";
  route.handler = json_answers([&reviews](Request&) { return list_reviews(reviews); });
  router.add(route);
  route.pattern = "/v1/reviews/{review}";
  route.summary = "One review, with its queries' SQL.";
  route.handler = json_answers([&reviews](Request& request) { return one_review(reviews, request); });
  router.add(route);
  route.pattern = "/v1/reviews/{review}/report";
  route.summary = "The report of ?run=, or of the newest run: ?format=html, json, junit, or page, the template's.";
  route.handler = answers([&reviews](Request& request) { return report_of(reviews, request); });
  router.add(route);
  route.pattern = "/v1/reviews/{review}/compare";
  route.summary = "What changed from the run ?from= to the run ?to=: by default the newest run and the one before it.";
  route.handler = json_answers([&reviews](Request& request) { return compare_runs(reviews, request); });
  router.add(route);
  route.method = Method::post;
  route.access = Access::admin;
  route.pattern = "/v1/reviews/{review}/runs";
  route.summary =
      "Begins a run, of another workflow or on another target if the body says so: {\"workflow\": \"all-parallel\", "
      "\"on\": \"prod\"}.";
  route.handler = json_answers([&reviews](Request& request) { return start_review(reviews, request); });
  router.add(route);
}

}  // namespace weir::http
