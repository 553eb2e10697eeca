// Fields of requests that several dialects read alike: seeds, stop strings, penalties.
// Thread safety: pure functions, random_seed() aside, which asks the machine for entropy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve {

/// Throws RequestError (kInvalid), naming the field, where the sampler does not take one of `params`' values.
void require_sampling(const SamplingParams& params);

/// The seed of a request that gives none: below 2^53, so that every reader of JSON keeps all of it.
uint64_t random_seed();

/// `name` as a number above 0 and at most `high`, or nothing.
std::optional<double> positive_field(const Fields& fields, const std::string& name, double high);

/// `name` as a number of 64 bits without a sign, or nothing.
std::optional<uint64_t> seed_field(const Fields& fields, const std::string& name);

/// `name` as strings: one, or a list of them, none empty.
std::vector<std::string> strings_field(const Fields& fields, const std::string& name);

/// `name` as a list of token ids of the model's vocabulary; empty where absent.
std::vector<int32_t> ids_field(const Fields& fields, const std::string& name, const ModelView& model);

/// vLLM's fields that need no decision of the dialect: stop, stop_token_ids, include_stop_str_in_output,
/// ignore_eos, min_tokens, skip_special_tokens, min_p, repetition_penalty, presence_penalty and
/// frequency_penalty.
void read_vllm_fields(const Fields& fields, const ModelView& model, Generation& generation);

/// Throws RequestError where `min_tokens` is above `max_tokens`.
void require_min_output(const Generation& generation, int64_t max_tokens);

/// `watermark`: false or absent, else RequestError.
void refuse_watermark(const Fields& fields);

/// TGI's and MindIE's word for how a text ended: "length", "eos_token" or "stop_sequence"; "timeout" where
/// the request's own time limit did.
std::string_view finish_word(Ending ending);

/// Throws RequestError (kInvalid) with this message.
[[noreturn]] void invalid(const std::string& message, const std::string& field);

}  // namespace caravan::serve
