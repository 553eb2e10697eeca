// How a request wants its tokens chosen. Thread safety: a value type and free functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caravan {

/// The names and meanings of Hugging Face's GenerationConfig and, for the penalties and the bias that are
/// added, of the OpenAI API.
struct SamplingParams {
  double temperature = 1.0;  ///< 0: greedy; else logits are divided by it
  int64_t top_k = 0;         ///< keep the k likeliest tokens; 0: all
  double top_p = 1.0;        ///< keep the likeliest tokens whose probabilities reach it (arXiv:1904.09751)
  double min_p = 0.0;      ///< keep tokens at least this likely relative to the likeliest (arXiv:2407.01082)
  double typical_p = 1.0;  ///< keep the most typical tokens whose probabilities reach it (arXiv:2202.00666)
  double repetition_penalty =
      1.0;  ///< on prompt and output: divides logits above 0, multiplies others (1909.05858)
  double presence_penalty = 0.0;   ///< subtracted once from every token that the output has
  double frequency_penalty = 0.0;  ///< subtracted once for each time that the output has the token
  uint64_t seed = 0;
  std::vector<std::pair<int32_t, float>> logit_bias = {};  ///< token and what is added to its logit
};

/// How a user wrote a field of SamplingParams: "top_p" gives the name to show.
using FieldNaming = std::function<std::string(std::string_view field)>;

/// "top_p": as in JSON.
std::string field_name(std::string_view field);

/// "--top-p": as on the command line.
std::string flag_name(std::string_view field);

/// Throws Error, naming the field, if a value is outside its range. Whether the bias's tokens are in the
/// vocabulary is not checked.
void check_ranges(const SamplingParams& params, const FieldNaming& name = flag_name);

}  // namespace caravan
