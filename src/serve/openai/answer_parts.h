// What the answers of completions and of chats have in common: ids, usage, reasons to end.
// Thread safety: value types and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve::openai {

/// How a stream reports usage (`stream_options`).
struct UsageOptions {
  bool at_end = false;     ///< in a chunk of its own, before the end; `usage` of all others is null
  bool in_chunks = false;  ///< in every chunk, of its choice so far (vLLM's continuous_usage_stats)
};

/// Throws RequestError where the options are given without `stream`.
UsageOptions read_usage_options(const Fields& fields, bool stream);

/// What every chunk and every whole answer begins with.
struct AnswerHead {
  std::string id;
  std::string object;
  int64_t created = 0;
  const ModelView* model = nullptr;

  [[nodiscard]] Json json() const;
};

/// `prefix` and the request's id: the client's X-Request-Id, else its `request_id` (vLLM's), else the
/// server's.
AnswerHead answer_head(const std::string& prefix, const std::string& object, const http::Request& request,
                       const Fields& fields, const ModelView& model);

Json usage_json(int64_t prompt, int64_t output);
/// Of the whole request, with the prompt tokens that the prefix cache had.
Json total_usage(const std::vector<GenerationResult>& results);

/// "stop", "length", or "abort" for a time limit.
const char* finish_reason(const Finish& finish);
/// vLLM's stop_reason: the stop string or the request's stop token; null for the model's own end.
Json stop_reason(const ModelView& model, const Finish& finish);

/// "data: [DONE]".
std::string stream_done();
/// The end of a stream that breaks off: the error, and the end.
std::string stream_failed(const Failure& failure);

}  // namespace caravan::serve::openai
