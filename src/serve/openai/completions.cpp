#include "serve/openai/completions.h"

#include <algorithm>

#include "serve/api/guide_fields.h"
#include "serve/api/sampling_fields.h"
#include "serve/openai/completion_answer.h"
#include "serve/openai/errors.h"
#include "serve/openai/prompts.h"

namespace caravan::serve::openai {

namespace {

constexpr int64_t kMaxLogprobs = 20;
constexpr int64_t kDefaultTokens = 16;

void refuse_unsupported(const Fields& fields) {
  if (!fields.string("suffix").value_or("").empty())
    fields.wrong("suffix", "nothing: this model continues a text and does not fill a gap");
  refuse_fields(fields, {"prompt_embeds", "logits_processors", "allowed_token_ids", "bad_words",
                         "truncate_prompt_tokens"});
}

/// Which log-probabilities are reported, and which the engine has to compute for that.
void read_logprobs(const Fields& fields, bool stream, CompletionForm& form, Generation& generation) {
  const auto logprobs = fields.integer("logprobs", 0, kMaxLogprobs);
  const auto of_prompt = fields.integer("prompt_logprobs", 0, kMaxLogprobs);
  if (of_prompt && stream) fields.wrong("prompt_logprobs", "nothing with \"stream\"");
  if (logprobs) form.logprobs = static_cast<size_t>(*logprobs);
  if (of_prompt) form.prompt_logprobs = static_cast<size_t>(*of_prompt);
  generation.top_logprobs = logprobs;
  generation.prompt_logprobs = of_prompt;
  if (form.echo && logprobs) generation.prompt_logprobs = std::max(*logprobs, of_prompt.value_or(0));
}

}  // namespace

Outcome complete(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const ModelView& model = context.model;
  const Json body = parse_body(request);
  const Fields fields(body);
  check_model(fields, model);
  refuse_unsupported(fields);

  Call call;
  call.stream = fields.boolean("stream").value_or(false);
  CompletionForm form;
  form.usage = read_usage_options(fields, call.stream);
  form.head = answer_head("cmpl-", "text_completion", request, fields, model);
  form.echo = fields.boolean("echo").value_or(false);
  form.token_ids = fields.boolean("return_tokens_as_token_ids").value_or(false);

  Generation common;
  read_sampling(fields, model, common);
  read_stopping(fields, model, common);
  read_choices(fields, model, call.stream, common);
  form.choices = common.choices;
  read_logprobs(fields, call.stream, form, common);
  if (auto guide = read_guide(fields)) {
    common.guide = std::move(guide->spec);
    common.guide_field = guide->field;
  }
  const bool add_special = fields.boolean("add_special_tokens").value_or(true);
  const auto asked = fields.integer("max_tokens", 0, model.max_context);
  for (Prompt& prompt : read_prompts(fields, "prompt", model, add_special, common.skip_special_tokens)) {
    Generation generation = common;
    generation.prompt = std::move(prompt.ids);
    generation.prompt_text = std::move(prompt.text);
    set_max_output(model, asked, kDefaultTokens, "max_tokens", generation);
    call.generations.push_back(std::move(generation));
  }
  call.answer = std::make_unique<CompletionAnswer>(std::move(form), call.generations);
  return call;
}

}  // namespace caravan::serve::openai
