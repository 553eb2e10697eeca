#include "serve/api/sampling_fields.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "serve/api/failure.h"
#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"

namespace caravan::serve {

namespace {

constexpr size_t kMaxStops = 16;
constexpr int64_t kMaxChoices = 128;
constexpr int64_t kMaxBestOf = 20;
/// The widest penalty on repetition that means anything; as check_ranges has it.
constexpr double kLeastRepetition = 0.01;
constexpr double kMostRepetition = 100.0;

void read_logit_bias(const Fields& fields, const ModelView& model, Generation& generation) {
  const auto biases = fields.object("logit_bias");
  if (!biases) return;
  for (const auto& [key, value] : fields.find("logit_bias")->items()) {
    int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc{} || end != key.data() + key.size() || id < 0 || id >= model.vocab_size) {
      wrong_field("logit_bias", "an object with the name " + in_quotes(key),
                  "token ids from 0 to " + std::to_string(model.vocab_size - 1));
    }
    const auto bias = biases->number(key, -100.0, 100.0);
    if (bias) generation.sampling.logit_bias.emplace_back(id, static_cast<float>(*bias));
  }
}

std::vector<std::string> read_stops(const Fields& fields) {
  const Json* stop = fields.find("stop");
  if (stop == nullptr) return {};
  std::vector<std::string> stops;
  const std::string expected = "a string or a list of up to " + std::to_string(kMaxStops) + " strings";
  if (stop->is_string()) {
    stops.push_back(stop->get<std::string>());
  } else if (stop->is_array() && stop->size() <= kMaxStops) {
    for (const Json& item : *stop) {
      if (!item.is_string()) wrong_field("stop", "a list with " + describe(item), expected);
      stops.push_back(item.get<std::string>());
    }
  } else {
    fields.wrong("stop", expected);
  }
  // vLLM takes an empty list, and so does OpenAI an empty string: they stop nothing.
  std::erase(stops, "");
  return stops;
}

void read_beams(const Fields& fields, Generation& generation) {
  generation.beam_search = fields.boolean("use_beam_search").value_or(false);
  generation.length_penalty = fields.number("length_penalty", -100.0, 100.0).value_or(1.0);
  generation.early_stopping = fields.boolean("early_stopping").value_or(false);
  if (generation.beam_search) {
    if (fields.number("temperature", 0.0, 2.0).value_or(0.0) != 0.0)
      fields.wrong("temperature", "0 or nothing with \"use_beam_search\", which does not sample");
    generation.sampling.temperature = 0.0;
    return;
  }
  if (generation.length_penalty != 1.0) fields.wrong("length_penalty", "1 without \"use_beam_search\"");
  if (generation.early_stopping) fields.wrong("early_stopping", "false without \"use_beam_search\"");
}

}  // namespace

void read_sampling(const Fields& fields, const ModelView& model, Generation& generation) {
  const GenerationConfig& own = model.defaults;
  const auto recommended = [&](const auto& value) {
    return own.do_sample ? value : std::decay_t<decltype(value)>{};
  };
  SamplingParams& sampling = generation.sampling;
  sampling.temperature =
      fields.number("temperature", 0.0, 2.0).value_or(recommended(own.temperature).value_or(1.0));
  sampling.top_p = fields.number("top_p", 0.0, 1.0).value_or(recommended(own.top_p).value_or(1.0));
  sampling.min_p = fields.number("min_p", 0.0, 1.0).value_or(recommended(own.min_p).value_or(0.0));
  sampling.typical_p =
      fields.number("typical_p", 0.0, 1.0).value_or(recommended(own.typical_p).value_or(1.0));
  if (sampling.typical_p == 0.0) fields.wrong("typical_p", "a number above 0, up to 1");
  const int64_t top_k = fields.integer("top_k", -1, std::numeric_limits<int32_t>::max())
                            .value_or(recommended(own.top_k).value_or(0));
  sampling.top_k = std::max<int64_t>(top_k, 0);
  sampling.repetition_penalty = fields.number("repetition_penalty", kLeastRepetition, kMostRepetition)
                                    .value_or(own.repetition_penalty.value_or(1.0));
  sampling.presence_penalty = fields.number("presence_penalty", -2.0, 2.0).value_or(0.0);
  sampling.frequency_penalty = fields.number("frequency_penalty", -2.0, 2.0).value_or(0.0);
  read_logit_bias(fields, model, generation);
  const auto seed = fields.integer("seed", std::numeric_limits<int64_t>::min(),  //
                                   std::numeric_limits<int64_t>::max());
  sampling.seed = seed ? static_cast<uint64_t>(*seed) : random_seed();
}

void read_stopping(const Fields& fields, const ModelView& model, Generation& generation) {
  generation.stop_strings = read_stops(fields);
  if (const Json* ids = fields.array("stop_token_ids"))
    generation.stop_tokens = token_ids(model, *ids, "stop_token_ids");
  generation.include_stop_string = fields.boolean("include_stop_str_in_output").value_or(false);
  generation.ignore_eos = fields.boolean("ignore_eos").value_or(false);
  generation.skip_special_tokens = fields.boolean("skip_special_tokens").value_or(true);
  generation.min_output = fields.integer("min_tokens", 0, model.max_context).value_or(0);
}

void read_choices(const Fields& fields, const ModelView& model, bool stream, Generation& generation) {
  const int64_t most = std::min(kMaxChoices, model.max_choices);
  generation.choices = fields.integer("n", 1, most).value_or(1);
  const int64_t best_of = fields.integer("best_of", 0, std::min(kMaxBestOf, most)).value_or(0);
  generation.candidates = best_of == 0 ? generation.choices : best_of;
  if (generation.candidates < generation.choices)
    fields.wrong("best_of", "at least \"n\", which is " + std::to_string(generation.choices));
  read_beams(fields, generation);
  if (stream && generation.candidates > generation.choices)
    fields.wrong("best_of", "as much as \"n\" with \"stream\": the best are known only at the end");
  if (stream && generation.beam_search)
    fields.wrong("use_beam_search", "false with \"stream\": the best beams are known only at the end");
  generation.ranked = generation.candidates > generation.choices && !generation.beam_search;
  generation.priority =
      fields.integer("priority", std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max())
          .value_or(0);
}

void set_max_output(const ModelView& model, std::optional<int64_t> asked, int64_t otherwise,
                    const std::string& field, Generation& generation) {
  const int64_t room = room_after(model, generation.prompt.size());
  if (asked && *asked > room) {
    throw RequestError({FailureKind::kInvalid,
                        "\"" + field + "\" is " + std::to_string(*asked) + ", expected at most " +
                            std::to_string(room) + ": this model's maximum context length is " +
                            std::to_string(model.max_context) + " tokens, and the prompt has " +
                            std::to_string(generation.prompt.size()),
                        field, "context_length_exceeded"});
  }
  generation.max_output = asked.value_or(std::min(otherwise, room));
  if (generation.min_output > generation.max_output) {
    wrong_field("min_tokens", std::to_string(generation.min_output),
                "at most the most tokens to make, which are " + std::to_string(generation.max_output));
  }
}

void refuse_fields(const Fields& fields, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (fields.has(name)) fields.wrong(name, "nothing: this server does not support it");
}

}  // namespace caravan::serve
