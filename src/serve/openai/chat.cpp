#include "serve/openai/chat.h"

#include "serve/api/guide_fields.h"
#include "serve/api/prompt.h"
#include "serve/api/sampling_fields.h"
#include "serve/openai/chat_answer.h"
#include "serve/openai/chat_prompt.h"
#include "serve/openai/errors.h"
#include "serve/openai/tools.h"

namespace caravan::serve::openai {

namespace {

constexpr int64_t kMaxLogprobs = 20;

void refuse_unsupported(const Fields& fields) {
  refuse_fields(fields, {"audio", "web_search_options", "logits_processors", "allowed_token_ids", "bad_words",
                         "truncate_prompt_tokens", "mm_processor_kwargs"});
  if (const Json* modalities = fields.array("modalities");
      modalities != nullptr && *modalities != Json{"text"})
    fields.wrong("modalities", R"(["text"]: this server writes text only)");
}

void read_logprobs(const Fields& fields, bool stream, ChatForm& form, Generation& generation) {
  const bool wanted = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, kMaxLogprobs);
  if (top.value_or(0) > 0 && !wanted) fields.wrong("top_logprobs", "nothing without \"logprobs\"");
  if (wanted) {
    generation.top_logprobs = top.value_or(0);
    form.logprobs = static_cast<size_t>(*generation.top_logprobs);
  }
  generation.prompt_logprobs = fields.integer("prompt_logprobs", 0, kMaxLogprobs);
  if (!generation.prompt_logprobs) return;
  if (stream) fields.wrong("prompt_logprobs", "nothing with \"stream\"");
  form.prompt_logprobs = static_cast<size_t>(*generation.prompt_logprobs);
}

void read_guides(const Fields& fields, const ToolUse& tools, Generation& generation) {
  auto guide = read_guide(fields);
  if (guide && tools.guide) {
    throw RequestError(
        {FailureKind::kInvalid,
         "\"tool_choice\" demands a call and \"" + guide->field + "\" something else, expected one of them",
         guide->field, ""});
  }
  if (tools.guide) {
    generation.guide = tools.guide;
    generation.guide_field = "tools";
  } else if (guide) {
    generation.guide = std::move(guide->spec);
    generation.guide_field = guide->field;
  }
}

/// max_completion_tokens, or max_tokens as it was called; both only if they agree.
void read_length(const Fields& fields, const ModelView& model, Generation& generation) {
  const auto now = fields.integer("max_completion_tokens", 1, model.max_context);
  const auto before = fields.integer("max_tokens", 1, model.max_context);
  if (now && before && *now != *before)
    fields.wrong("max_tokens", "nothing, or the same as \"max_completion_tokens\"");
  set_max_output(model, now ? now : before, model.max_context, now ? "max_completion_tokens" : "max_tokens",
                 generation);
}

}  // namespace

Outcome chat(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const ModelView& model = context.model;
  const Json body = parse_body(request);
  const Fields fields(body);
  check_model(fields, model);
  refuse_unsupported(fields);

  Call call;
  call.stream = fields.boolean("stream").value_or(false);
  ChatForm form;
  form.usage = read_usage_options(fields, call.stream);
  form.head = answer_head("chatcmpl-", call.stream ? "chat.completion.chunk" : "chat.completion", request,
                          fields, model);
  Generation generation;
  read_sampling(fields, model, generation);
  read_stopping(fields, model, generation);
  read_choices(fields, model, call.stream, generation);
  form.choices = static_cast<size_t>(generation.choices);
  read_logprobs(fields, call.stream, form, generation);
  const ToolUse tools = read_tools(fields);
  form.callable = tools.callable;
  form.one_call_only = tools.one_only;
  read_guides(fields, tools, generation);

  ChatPrompt prompt = read_chat_prompt(fields, model);
  generation.prompt = encode_prompt(model, prompt.text, prompt.add_special, "messages");
  generation.prompt_text = std::move(prompt.text);
  read_length(fields, model, generation);
  if (fields.boolean("echo").value_or(false) && prompt.last_role == "assistant")
    form.echoed = prompt.last_content;
  form.prompt_tokens = static_cast<int64_t>(generation.prompt.size());

  call.generations.push_back(std::move(generation));
  call.answer = std::make_unique<ChatAnswer>(std::move(form));
  return call;
}

}  // namespace caravan::serve::openai
