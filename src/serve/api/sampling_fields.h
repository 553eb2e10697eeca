// The fields by which OpenAI's requests, and vLLM's after them, say how to continue a prompt: sampling,
// stopping, the number of choices and of tokens. What a request leaves out is the checkpoint's own
// (generation_config.json), as with vLLM's `--generation-config auto`, else OpenAI's default.
//
// Each throws RequestError naming the field. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "serve/api/body.h"
#include "serve/api/dialect.h"

namespace caravan::serve {

/// temperature, top_p, top_k (-1 or 0: all), min_p, typical_p, the penalties, logit_bias and seed. Without
/// do_sample a checkpoint recommends no sampling, and only its repetition_penalty counts.
void read_sampling(const Fields& fields, const ModelView& model, Generation& generation);

/// stop (a string or up to 16), stop_token_ids, include_stop_str_in_output, ignore_eos, skip_special_tokens
/// and min_tokens.
void read_stopping(const Fields& fields, const ModelView& model, Generation& generation);

/// n, best_of (up to 20; 0: as n), use_beam_search, length_penalty, early_stopping and priority. Streams are
/// of choices in the making, so that `stream` needs best_of = n and no beams. After read_sampling.
void read_choices(const Fields& fields, const ModelView& model, bool stream, Generation& generation);

/// Sets max_output to `asked`, which `field` said, or to `otherwise` and at most what the context holds.
/// After prompt and min_output are known.
void set_max_output(const ModelView& model, std::optional<int64_t> asked, int64_t otherwise,
                    const std::string& field, Generation& generation);

/// Refuses each of `names` that has a value: it would change the answer, and this server cannot do it.
void refuse_fields(const Fields& fields, std::initializer_list<const char*> names);

}  // namespace caravan::serve
