#include "serve/openai/completion_answer.h"

namespace caravan::serve::openai {

CompletionAnswer::CompletionAnswer(CompletionForm form, const std::vector<Generation>& generations)
    : form_(std::move(form)) {
  for (const Generation& generation : generations) {
    prompts_.push_back({generation.prompt, generation.prompt_text});
    const int64_t offset = form_.echo ? characters(generation.prompt_text) : 0;
    progress_.insert(progress_.end(), static_cast<size_t>(form_.choices), Progress{offset, 0, std::nullopt});
  }
}

size_t CompletionAnswer::index(size_t generation, size_t choice) const {
  return generation * static_cast<size_t>(form_.choices) + choice;
}

CompletionLogprobs CompletionAnswer::logprobs() const {
  return {{form_.head.model, form_.token_ids}, form_.logprobs.value_or(0)};
}

void CompletionAnswer::add_prompt(CompletionLogprobs& logprobs, size_t generation,
                                  const std::vector<TokenResult>& tokens) const {
  const Prompt& prompt = prompts_[generation];
  const std::vector<int64_t> offsets = prompt_offsets(*form_.head.model, prompt.ids, prompt.text);
  for (size_t i = 0; i < tokens.size() && i < offsets.size(); ++i) logprobs.add(tokens[i], offsets[i]);
}

int64_t CompletionAnswer::add_tokens(CompletionLogprobs& logprobs, int64_t offset,
                                     const std::vector<TokenResult>& tokens) {
  for (const TokenResult& token : tokens) {
    logprobs.add(token, offset);
    offset += characters(token.piece);
  }
  return offset;
}

Json CompletionAnswer::chunk_json(size_t generation, size_t choice, const std::string& text, Json logprobs,
                                  const std::optional<Finish>& finish) const {
  Json body = form_.head.json();
  Json part = {{"index", index(generation, choice)},
               {"text", text},
               {"logprobs", std::move(logprobs)},
               {"finish_reason", nullptr},
               {"stop_reason", nullptr}};
  if (finish) {
    part["finish_reason"] = finish_reason(*finish);
    part["stop_reason"] = stop_reason(*form_.head.model, *finish);
  }
  body["choices"] = Json::array({std::move(part)});
  if (form_.usage.at_end) body["usage"] = nullptr;
  if (form_.usage.in_chunks) {
    body["usage"] = usage_json(static_cast<int64_t>(prompts_[generation].ids.size()),
                               progress_[index(generation, choice)].tokens);
  }
  return body;
}

std::string CompletionAnswer::chunk(size_t generation, size_t choice, const std::string& text, Json logprobs,
                                    const std::optional<Finish>& finish) const {
  return sse_event(chunk_json(generation, choice, text, std::move(logprobs), finish));
}

std::string CompletionAnswer::prompt_chunks(size_t generation, const Json& logprobs) const {
  std::string out;
  for (size_t choice = 0; choice < static_cast<size_t>(form_.choices); ++choice)
    out += chunk(generation, choice, prompts_[generation].text, logprobs, std::nullopt);
  return out;
}

std::string CompletionAnswer::begin() {
  std::string out;
  // With log-probabilities the prompt comes once they are known.
  if (!form_.echo || form_.logprobs) return out;
  for (size_t generation = 0; generation < prompts_.size(); ++generation)
    out += prompt_chunks(generation, nullptr);
  return out;
}

std::string CompletionAnswer::prompt(size_t generation, const std::vector<TokenResult>& tokens) {
  if (!form_.echo || !form_.logprobs) return {};
  CompletionLogprobs list = logprobs();
  add_prompt(list, generation, tokens);
  return prompt_chunks(generation, list.json());
}

std::string CompletionAnswer::event(const ChoiceEvent& event) {
  Progress& progress = progress_[index(event.generation, event.choice)];
  progress.tokens += static_cast<int64_t>(event.tokens.size());
  Json list = nullptr;
  if (form_.logprobs && !event.tokens.empty()) {
    CompletionLogprobs added = logprobs();
    progress.offset = add_tokens(added, progress.offset, event.tokens);
    list = added.json();
  }
  const bool plain = list.is_null() && !event.finish;
  if (plain && event.text.empty()) return {};
  if (plain && !form_.usage.in_chunks) {
    if (!progress.plain) {
      progress.plain.emplace(chunk_json(event.generation, event.choice, "", nullptr, std::nullopt),
                             Json::json_pointer("/choices/0/text"));
    }
    return progress.plain->with(event.text);
  }
  return chunk(event.generation, event.choice, event.text, std::move(list), event.finish);
}

std::string CompletionAnswer::end(const std::vector<GenerationResult>& results) {
  std::string out;
  if (form_.usage.at_end) {
    Json body = form_.head.json();
    body["choices"] = Json::array();
    body["usage"] = total_usage(results);
    out = sse_event(body);
  }
  return out + stream_done();
}

Json CompletionAnswer::whole_choice(const GenerationResult& result, size_t generation, size_t choice) const {
  const ChoiceResult& made = result.choices[choice];
  const std::string& echoed = prompts_[generation].text;
  Json list = nullptr;
  if (form_.logprobs) {
    CompletionLogprobs all = logprobs();
    if (form_.echo) add_prompt(all, generation, result.prompt_tokens);
    add_tokens(all, form_.echo ? characters(echoed) : 0, made.tokens);
    list = all.json();
  }
  Json json = {{"index", index(generation, choice)},
               {"text", form_.echo ? echoed + made.text : made.text},
               {"logprobs", std::move(list)},
               {"finish_reason", finish_reason(made.finish)},
               {"stop_reason", stop_reason(*form_.head.model, made.finish)}};
  if (form_.prompt_logprobs) {
    json["prompt_logprobs"] =
        prompt_logprobs(*form_.head.model, result.prompt_tokens, *form_.prompt_logprobs);
  }
  return json;
}

http::Response CompletionAnswer::whole(const std::vector<GenerationResult>& results) {
  Json body = form_.head.json();
  body["choices"] = Json::array();
  for (size_t generation = 0; generation < results.size(); ++generation) {
    for (size_t choice = 0; choice < results[generation].choices.size(); ++choice)
      body["choices"].push_back(whole_choice(results[generation], generation, choice));
  }
  body["usage"] = total_usage(results);
  return json_response(body);
}

}  // namespace caravan::serve::openai
