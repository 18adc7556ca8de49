// weir lake forget, weir lake forgets: a person's events are forgotten, and the receipts.
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "surface/cli/commands.h"
#include "surface/cli/follow_run.h"
#include "surface/cli/output.h"

namespace weir::cli {
namespace {

struct ForgetOptions {
  std::string stream;
  std::vector<std::string> where;  // FIELD=VALUE
  bool dry_run = false, yes = false, remove_objects = false;
};

// Several values of one field.
Result<Json> body_of(const ForgetOptions& options) {
  std::string field;
  Json values{Json::Array{}};
  for (const std::string& one : options.where) {
    const size_t equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error(Code::invalid, "--where is FIELD=VALUE, for example user_id=42");
    }
    if (!field.empty() && field != one.substr(0, equals)) {
      return Error(Code::invalid, "--where names two fields, " + field + " and " + one.substr(0, equals),
                   "forget by one after the other");
    }
    field = one.substr(0, equals);
    values.push(one.substr(equals + 1));
  }
  Json out(Json::Object{{"field", field}, {"values", std::move(values)}});
  if (options.remove_objects) out.set("remove_objects", true);
  return out;
}

uint64_t number(const Json& json, const char* name) {
  return json[name].as_uint().value_or(0);
}

void print_count(const Json& count) {
  std::printf("%s events of %s, %s records in quarantine\n", with_commas(number(count, "events")).c_str(),
              count["stream"].as_string().c_str(), with_commas(number(count, "quarantined")).c_str());
}

std::string entry_text(const Json& entry) {
  std::string out;
  for (const auto& [name, value] : entry.object()) {
    if (name == "place") continue;
    std::string text = value.is_string()    ? value.as_string()
                       : value.is_integer() ? with_commas(value.as_uint().value_or(0))
                                            : "";
    if (value.is_array()) {
      for (const Json& one : value.array()) text += (text.empty() ? "" : ", ") + one.as_string();
      if (text.empty()) text = "none";
    }
    std::string words = name;
    for (char& c : words) c = c == '_' ? ' ' : c;
    out += (out.empty() ? "" : "; ") + words + " " + text;
  }
  return out;
}

void print_receipt(const Json& receipt, bool colour) {
  TextTable places;
  places.header = {"place", "what became of it"};
  for (const Json& place : receipt["places"].array()) {
    places.rows.push_back({place["place"].as_string(), entry_text(place)});
  }
  if (!places.rows.empty()) std::cout << render(places, colour, true);
  std::printf("\nnot reached:\n");
  for (const Json& one : receipt["not_reached"].array()) {
    std::printf("  %s: %s\n      %s\n", one["place"].as_string().c_str(), one["why"].as_string().c_str(),
                one["what"].as_string().c_str());
  }
  std::printf("\nreceipt %s: %s events and %s records of the quarantine of %s forgotten, asked for at %s\n",
              receipt["id"].as_string().c_str(), with_commas(number(receipt, "events")).c_str(),
              with_commas(number(receipt, "quarantined")).c_str(), receipt["stream"].as_string().c_str(),
              receipt["begun_at"].as_string().c_str());
}

Result<bool> is_agreed(Backend& backend, const std::string& path, const Json& body) {
  Json dry = body;
  dry.set("dry_run", true);
  TRY_ASSIGN(const Json count,
             call_json(backend, {.method = "POST", .path = path, .body = dry.dump(), .time_limit = hours(24)}));
  print_count(count);
  std::printf("forget them for good? [yes/no] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

int forget(Context& context, const ForgetOptions& options) {
  const Interrupt interrupt;  // before the folder's threads
  auto body = body_of(options);
  if (!body) return report(body.error());
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  const std::string path = "/v1/streams/" + url_encode(options.stream) + "/forget";
  if (options.dry_run) {
    body->set("dry_run", true);
    ProgressLine progress;
    progress.show("reading the archive of " + options.stream + " …");
    auto count = call_json(**backend, {.method = "POST", .path = path, .body = body->dump(), .time_limit = hours(24)});
    progress.clear();
    if (!count) return report(count.error());
    if (context.common.json) {
      std::cout << count->dump(2) << "\n";
    } else {
      print_count(*count);
    }
    return kDone;
  }
  if (!options.yes) {
    if (isatty(STDIN_FILENO) != 1) {
      return report(Error(Code::invalid, "forgetting cannot be undone", "say --yes, or --dry-run to count first"));
    }
    auto agreed = is_agreed(**backend, path, *body);
    if (!agreed) return report(agreed.error());
    if (!*agreed) {
      std::printf("nothing was forgotten\n");
      return kDone;
    }
  }
  auto started = call_json(**backend, {.method = "POST", .path = path, .body = body->dump()});
  if (!started) return report(started.error());
  auto run = await_run(**backend, interrupt, (*started)["run"].as_string());
  if (!run) return report(run.error());
  if (!*run) return kDone;
  auto receipt = call_json(**backend, {.path = "/v1/forgets/" + url_encode((*started)["id"].as_string())});
  if (!receipt) return report(receipt.error());
  const bool is_done = (*receipt)["state"].as_string() == "done";
  if (context.common.json) {
    std::cout << receipt->dump(2) << "\n";
  } else if (is_done) {
    print_receipt(*receipt, context.common.colour);
  }
  if (is_done) return kDone;
  return report(Error(Code::conflict,
                      "it is not done: the run " + (**run)["id"].as_string() + " is " + (**run)["state"].as_string() +
                          ((**run)["error"].is_null() ? "" : ": " + (**run)["error"].as_string()),
                      "the same command goes on with it, and so does the next start of `weir serve`"));
}

int list(Context& context, const std::string& id) {
  auto backend = context.wiring.open(context.common);
  if (!backend) return report(backend.error());
  auto found = call_json(**backend, {.path = id.empty() ? "/v1/forgets" : "/v1/forgets/" + url_encode(id)});
  if (!found) return report(found.error());
  if (context.common.json) {
    std::cout << found->dump(2) << "\n";
    return kDone;
  }
  if (!id.empty()) {
    print_receipt(*found, context.common.colour);
    return kDone;
  }
  TextTable table;
  table.header = {"receipt", "stream", "field", "state", "asked for at", "events", "quarantined"};
  table.right = {false, false, false, false, false, true, true};
  for (const Json& one : (*found)["forgets"].array()) {
    table.rows.push_back({one["id"].as_string(), one["stream"].as_string(), one["field"].as_string(),
                          one["state"].as_string(), one["begun_at"].as_string(), with_commas(number(one, "events")),
                          with_commas(number(one, "quarantined"))});
  }
  if (table.rows.empty()) {
    std::printf("nothing was forgotten yet\n");
  } else {
    std::cout << render(table, context.common.colour, true);
  }
  return kDone;
}

}  // namespace

void add_forget(CLI::App& lake, Context& context) {
  auto* command =
      lake.add_subcommand("forget", "Forget whom a field that is declared `subject: true` names, everywhere");
  auto options = std::make_shared<ForgetOptions>();
  command->add_option("STREAM", options->stream)->required();
  command->add_option("--where", options->where, "FIELD=VALUE; again for further values of the field")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--dry-run", options->dry_run, "Only count");
  command->add_flag("--remove-objects", options->remove_objects,
                    "Remove objects of buckets that name them also where others than weir wrote them");
  command->add_flag("--yes", options->yes, "Do not ask");
  command->callback([&context, options] { context.exit_code = forget(context, *options); });
  auto* receipts = lake.add_subcommand("forgets", "What was forgotten, and the receipts");
  auto id = std::make_shared<std::string>();
  receipts->add_option("RECEIPT", *id, "Only this one, whole");
  receipts->callback([&context, id] { context.exit_code = list(context, *id); });
}

}  // namespace weir::cli
