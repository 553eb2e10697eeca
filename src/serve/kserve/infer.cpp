#include "serve/kserve/infer.h"

#include <limits>

#include "serve/api/prompt.h"
#include "serve/api/shared_fields.h"
#include "serve/kserve/request.h"
#include "serve/kserve/server.h"
#include "serve/kserve/tensors.h"

namespace caravan::serve {

namespace {

/// Those of the request, and over them those of its input, where MindIE has them.
Json parameters_of(const Fields& body, const Fields& input) {
  Json parameters = Json::object();
  for (const Fields* fields : {&body, &input}) {
    if (!fields->object("parameters")) continue;
    for (const auto& [name, value] : fields->find("parameters")->items()) parameters[name] = value;
  }
  return parameters;
}

/// The name of the output, and whether it is a text: by name, where it is one of the model's, else as the
/// input.
void read_output(const Fields& body, bool text_input, InferForm& form) {
  form.text = text_input;
  form.output = text_input ? kTextOutput : kTokenOutput;
  const Json* outputs = body.array("outputs");
  if (outputs == nullptr || outputs->empty()) return;
  if (outputs->size() > 1) {
    wrong_field("outputs", "a list of " + std::to_string(outputs->size()), "one output");
  }
  const Fields output(outputs->front(), "outputs[0]");
  const auto name = output.string("name");
  if (!name || name->empty()) output.wrong("name", "a name");
  form.output = *name;
  if (*name == kTextOutput) form.text = true;
  if (*name == kTokenOutput) form.text = false;
}

std::vector<Generation> read_prompts(const PromptTensor& prompt, const ModelView& model) {
  std::vector<Generation> generations;
  const std::string field = "inputs[0].data";
  if (prompt.is_text()) {
    const auto most = static_cast<size_t>(model.max_sequences + model.max_waiting);
    if (prompt.texts.size() > most) {
      wrong_field(field, std::to_string(prompt.texts.size()) + " texts",
                  "at most " + std::to_string(most) + ", as many as this server queues");
    }
    for (const std::string& text : prompt.texts) {
      Generation generation;
      generation.prompt = encode_prompt(model, text, true, field);
      generation.prompt_text = text;
      generations.push_back(std::move(generation));
    }
    return generations;
  }
  Generation generation;
  for (const int64_t id : prompt.ids) {
    // Anything outside the vocabulary is refused below; here only the conversion must not change it.
    const bool fits = id >= 0 && id <= std::numeric_limits<int32_t>::max();
    generation.prompt.push_back(fits ? static_cast<int32_t>(id) : -1);
  }
  check_prompt(model, generation.prompt, field);
  generation.prompt_text = model.tokenizer->decode(generation.prompt);
  generations.push_back(std::move(generation));
  return generations;
}

}  // namespace

Outcome kserve_infer(const http::Request& request, const Context& context) {
  const InferBody parts = parse_infer_body(request);
  const Fields body(parts.json);
  const auto id = request_id(body);
  const Json* inputs = body.array("inputs");
  if (inputs == nullptr || inputs->size() != 1) {
    wrong_field("inputs", inputs == nullptr ? "missing" : "a list of " + std::to_string(inputs->size()),
                "a list of one tensor, the prompt");
  }
  const Fields input(inputs->front(), "inputs[0]");
  const PromptTensor prompt = read_prompt_tensor(inputs->front(), parts.binary, "inputs[0]");
  InferForm form{id.value_or(request.id), context.model.name, "", false, false};
  read_output(body, prompt.is_text(), form);
  if (prompt.texts.size() > 1 && !form.text) {
    invalid("\"inputs[0]\" has " + std::to_string(prompt.texts.size()) +
                " texts, expected one where token ids are asked for: their numbers differ",
            "inputs");
  }
  Call call;
  call.id = id.value_or("");
  call.generations = read_prompts(prompt, context.model);
  const Json parameters = parameters_of(body, input);
  for (Generation& generation : call.generations) {
    form.details = read_kserve_parameters(parameters, context.model, generation).details;
  }
  call.answer = std::make_unique<TensorAnswer>(std::move(form));
  return call;
}

http::Response TensorAnswer::whole(const std::vector<GenerationResult>& results) {
  Json data = Json::array();
  Json reasons = Json::array();
  for (const GenerationResult& result : results) {
    const ChoiceResult& choice = result.choices.front();
    if (form_.text) data.push_back(choice.text);
    if (!form_.text) {
      for (const TokenResult& token : choice.tokens) data.push_back(token.id);
    }
    reasons.push_back(finish_word(choice.finish.ending));
  }
  Json output = {{"name", form_.output}, {"datatype", form_.text ? "BYTES" : "UINT32"}};
  output["shape"] = form_.text ? Json::array({data.size()}) : Json::array({1, data.size()});
  output["data"] = std::move(data);
  Json body = {{"id", form_.id}, {"model_name", form_.model}, {"model_version", kModelVersion}};
  body["outputs"] = Json::array({std::move(output)});
  if (form_.details) body["details"] = {{"finish_reason", std::move(reasons)}};
  return json_response(body);
}

}  // namespace caravan::serve
