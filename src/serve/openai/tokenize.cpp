#include "serve/openai/tokenize.h"

#include "serve/api/prompt.h"
#include "serve/openai/chat_prompt.h"
#include "serve/openai/errors.h"

namespace caravan::serve::openai {

namespace {

std::vector<int32_t> ids_of(const Fields& fields, const ModelView& model) {
  if (fields.has("messages")) {
    if (fields.has("prompt")) fields.wrong("prompt", "nothing beside \"messages\"");
    const ChatPrompt prompt = read_chat_prompt(fields, model);
    return encode_text(model, prompt.text, prompt.add_special, "messages");
  }
  const auto text = fields.string("prompt");
  if (!text) fields.wrong("prompt", "a string, or \"messages\" instead");
  return encode_text(model, *text, fields.boolean("add_special_tokens").value_or(true), "prompt");
}

}  // namespace

Outcome tokenize(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const Fields fields(body);
  check_model(fields, context.model);
  const bool with_texts = fields.boolean("return_token_strs").value_or(false);
  const std::vector<int32_t> ids = ids_of(fields, context.model);
  Json answer = {{"count", ids.size()},
                 {"max_model_len", context.model.max_context},
                 {"tokens", ids},
                 {"token_strs", nullptr}};
  if (with_texts) {
    answer["token_strs"] = Json::array();
    for (const int32_t id : ids) answer["token_strs"].push_back(context.model.tokenizer->token_text(id));
  }
  return json_response(answer);
}

Outcome detokenize(const http::Request& request, const PathValues& /*values*/, const Context& context) {
  const Json body = parse_body(request);
  const Fields fields(body);
  check_model(fields, context.model);
  const Json* tokens = fields.array("tokens");
  if (tokens == nullptr) fields.wrong("tokens", "a list of token ids");
  const std::vector<int32_t> ids = token_ids(context.model, *tokens, "tokens");
  return json_response({{"prompt", context.model.tokenizer->decode(ids, false)}});
}

Outcome tokenizer_info(const http::Request& /*request*/, const PathValues& /*values*/,
                       const Context& context) {
  const Tokenizer& tokenizer = *context.model.tokenizer;
  Json info = {{"tokenizer_class", tokenizer.kind()},
               {"vocab_size", tokenizer.vocab_size()},
               {"model_max_length", context.model.max_context},
               {"chat_template", nullptr}};
  for (const auto& [name, text] : tokenizer.special_tokens()) info[name] = text;
  if (context.model.chat_template != nullptr) info["chat_template"] = context.model.chat_template->text();
  return json_response(info);
}

}  // namespace caravan::serve::openai
