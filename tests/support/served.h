// The demo model as dialects see it, and requests to a dialect without a server.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "serve/api/body.h"
#include "serve/api/dialect.h"
#include "support/paths.h"

namespace caravan::test {

inline const Tokenizer& demo_tokenizer() {
  static const Tokenizer kTokenizer = load_tokenizer(source_dir() / "models" / "demo").value();
  return kTokenizer;
}

inline serve::ModelView demo_model() {
  serve::ModelView model;
  model.name = "demo";
  model.path = "/models/demo";
  model.dtype = "bf16";
  model.version = "1.2.3";
  model.tokenizer = &demo_tokenizer();
  model.eos_tokens = {1, 4};
  model.vocab_size = demo_tokenizer().vocab_size();
  model.max_context = 64;
  model.max_choices = 4;
  model.max_sequences = 8;
  model.max_waiting = 32;
  model.block_size = 16;
  return model;
}

inline http::Request post(const std::string& path, const std::string& body) {
  http::Request request;
  request.method = "POST";
  request.path = path;
  request.body = body;
  request.id = "request-1";
  return request;
}

inline http::Request get(const std::string& path) {
  http::Request request = post(path, "");
  request.method = "GET";
  return request;
}

inline std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  size_t at = 1;
  while (at <= path.size()) {
    const size_t end = std::min(path.find('/', at), path.size());
    parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// The values of `route`'s {names} in `path`, or nothing where they do not match.
inline std::optional<serve::PathValues> match(const std::string& route, const std::string& path) {
  const std::vector<std::string> names = parts_of(route);
  const std::vector<std::string> parts = parts_of(path);
  if (names.size() != parts.size()) return std::nullopt;
  serve::PathValues values;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].starts_with('{')) {
      values[names[i].substr(1, names[i].size() - 2)] = parts[i];
    } else if (names[i] != parts[i]) {
      return std::nullopt;
    }
  }
  return values;
}

/// What the dialect makes of the request: the outcome of its first route that matches. Throws as it does.
inline serve::Outcome ask(const serve::Dialect& dialect, const http::Request& request,
                          const serve::ModelView& model = demo_model(),
                          const serve::ServerStatus& status = {}) {
  for (const serve::Route& route : dialect.routes) {
    if (route.method != request.method) continue;
    if (const auto values = match(route.path, request.path)) {
      return route.handle(request, *values, {model, status});
    }
  }
  throw serve::RequestError({serve::FailureKind::kNotFound, "no route", "", ""});
}

/// The call that the request becomes; a failure ends the test.
inline serve::Call call_of(const serve::Dialect& dialect, const http::Request& request,
                           const serve::ModelView& model = demo_model()) {
  return std::get<serve::Call>(ask(dialect, request, model));
}

/// The response that needs no generation: the route's own, or the dialect's for its failure.
inline http::Response response_of(const serve::Dialect& dialect, const http::Request& request,
                                  const serve::ServerStatus& status = {},
                                  const serve::ModelView& model = demo_model()) {
  try {
    return std::get<http::Response>(ask(dialect, request, model, status));
  } catch (const serve::RequestError& error) {
    return dialect.failure(error.failure());
  }
}

/// The status and the JSON of the answer to a request that is refused.
inline std::string refusal_of(const serve::Dialect& dialect, const http::Request& request,
                              const serve::ModelView& model = demo_model()) {
  try {
    const serve::Outcome outcome = ask(dialect, request, model);
    return std::holds_alternative<serve::Call>(outcome) ? "taken" : "answered";
  } catch (const serve::RequestError& error) {
    const http::Response response = dialect.failure(error.failure());
    return std::to_string(response.status) + " " + response.body;
  }
}

/// A generated token, its log-probability −0.5.
inline serve::TokenResult token(int32_t id, std::string piece) { return {id, std::move(piece), -0.5, 1, {}}; }

/// One choice that ended so, of tokens whose pieces are its text.
inline serve::ChoiceResult choice(std::vector<serve::TokenResult> tokens, serve::Ending ending) {
  serve::ChoiceResult result;
  for (const serve::TokenResult& one : tokens) result.text += one.piece;
  result.tokens = std::move(tokens);
  result.finish.ending = ending;
  return result;
}

/// An event of one token, which ends the choice where `ending` is given.
inline serve::ChoiceEvent event(int32_t id, const std::string& piece,
                                std::optional<serve::Ending> ending = {}, double seconds = 0.01) {
  serve::ChoiceEvent result;
  result.text = piece;
  result.tokens = {token(id, piece)};
  if (ending) result.finish = serve::Finish{*ending, {}, ""};
  result.step_seconds = seconds;
  return result;
}

}  // namespace caravan::test
