// web/openapi.json says what the dialect does: the same paths, and the same fields with the same ranges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "serve/openai/dialect.h"
#include "serve_openai/support.h"
#include "support/paths.h"

namespace caravan::serve::test {
namespace {

Json document() {
  std::ifstream in(caravan::test::source_dir() / "web" / "openapi.json");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  return parse_json(text, "web/openapi.json");
}

bool takes_null(const Json& schema) {
  if (const auto type = schema.find("type"); type != schema.end()) {
    if (!type->is_array()) return *type == "null";
    return std::find(type->begin(), type->end(), "null") != type->end();
  }
  if (const auto any = schema.find("anyOf"); any != schema.end())
    return std::any_of(any->begin(), any->end(), takes_null);
  const auto values = schema.find("enum");
  return values != schema.end() && std::find(values->begin(), values->end(), nullptr) != values->end();
}

struct Form {
  std::string path;
  std::string schema;
  Json body;  ///< that is taken
};

std::vector<Form> forms() {
  return {{"/v1/completions", "CompletionRequest", {{"prompt", "Once"}}},
          {"/v1/chat/completions", "ChatRequest", Json::parse(chat_body())},
          {"/v1/embeddings", "EmbeddingRequest", {{"input", "Once"}}}};
}

/// Calls `check` with every field of every form.
template <typename Check>
void for_each_field(const Check& check) {
  const Json schemas = document()["components"]["schemas"];
  for (const Form& form : forms()) {
    for (const auto& [name, schema] : schemas[form.schema]["properties"].items()) check(form, name, schema);
  }
}

void expect_refused(const Form& form, const std::string& field, const Json& value) {
  Server server;
  Json body = form.body;
  body[field] = value;
  const Outcome outcome = server.request("POST", form.path, body.dump());
  const auto* response = std::get_if<http::Response>(&outcome);
  ASSERT_NE(response, nullptr) << form.path << " takes " << body.dump();
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(Json::parse(response->body)["error"]["param"], field) << response->body;
}

TEST(OpenApi, HasThePathsOfTheDialectAndNoOthers) {
  std::set<std::string> routed;
  for (const Route& route : openai_dialect().routes) {
    std::string path = route.path;
    if (const size_t dots = path.find("...}"); dots != std::string::npos) path.erase(dots, 3);
    routed.insert((route.method == "GET" ? "get " : "post ") + path);
  }
  std::set<std::string> written;
  const Json paths = document()["paths"];
  for (const auto& [path, methods] : paths.items()) {
    for (const auto& [method, operation] : methods.items())
      written.insert(std::string(method).append(" ").append(path));
  }
  EXPECT_EQ(written, routed);
}

TEST(OpenApi, SaysWhichFieldsMayBeNull) {
  for_each_field([](const Form& form, const std::string& name, const Json& schema) {
    if (!takes_null(schema)) return;
    Server server;
    Json body = form.body;
    body[name] = nullptr;
    EXPECT_TRUE(std::holds_alternative<Call>(server.request("POST", form.path, body.dump()))) << body.dump();
  });
}

TEST(OpenApi, SaysTheRangesOfNumbers) {
  int checked = 0;
  for_each_field([&](const Form& form, const std::string& name, const Json& schema) {
    // Beyond 64 bits a number has no whole neighbour.
    if (name == "seed") return;
    if (schema.contains("minimum")) expect_refused(form, name, schema["minimum"].get<double>() - 1);
    if (schema.contains("exclusiveMinimum")) expect_refused(form, name, schema["exclusiveMinimum"]);
    if (schema.contains("maximum")) expect_refused(form, name, schema["maximum"].get<double>() + 1);
    checked += schema.contains("minimum") ? 1 : 0;
  });
  EXPECT_GT(checked, 30);
}

TEST(OpenApi, SaysTheTypesOfFields) {
  for_each_field([](const Form& form, const std::string& name, const Json& schema) {
    const Json type = schema.contains("type") ? schema["type"] : Json();
    const bool takes_object = type.dump().find("object") != std::string::npos;
    if (!type.is_null()) expect_refused(form, name, takes_object ? Json(3) : Json::parse(R"({"a": []})"));
    if (type == "null") expect_refused(form, name, "x");
    if (type == Json::parse(R"(["boolean", "null"])")) expect_refused(form, name, 1);
  });
}

TEST(OpenApi, ReferencesWhatItHas) {
  const Json all = document();
  const std::string text = all.dump();
  const std::string start = "\"$ref\":\"#";
  for (size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    const size_t from = at + start.size();
    const std::string pointer = text.substr(from, text.find('"', from) - from);
    EXPECT_TRUE(all.contains(Json::json_pointer(pointer))) << pointer;
  }
}

}  // namespace
}  // namespace caravan::serve::test
