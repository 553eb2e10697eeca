#include "cli/eval/encoding.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"

namespace caravan::eval {

namespace {

/// Far more questions than anybody waits for.
constexpr uint64_t kMaxQuestionFile = 1'000'000'000;

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::optional<int32_t> end_token_of(const Tokenizer& tokenizer) {
  const auto found = tokenizer.special_tokens().find("eos_token");
  if (found == tokenizer.special_tokens().end()) return std::nullopt;
  const std::vector<int32_t> ids =
      tokenizer.encode(found->second, {.add_special = false, .parse_special = true});
  return ids.size() == 1 ? std::optional(ids.front()) : std::nullopt;
}

}  // namespace

QuestionRow question_row(std::string_view line, const std::string& where) {
  const Json json = parse_json(line, where);
  const JsonObject object(json, where);
  QuestionRow row = {object.string("prompt"), object.string("answer"), group_of(object, "kind"),
                     group_of(object, "language"), where};
  if (row.prompt.empty()) object.wrong("prompt", "the text of the question");
  if (row.answer.empty()) object.wrong("answer", "the text of the right answer");
  return row;
}

std::vector<QuestionRow> read_questions(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaxQuestionFile);
  std::vector<QuestionRow> rows;
  size_t start = 0;
  for (size_t number = 1; start < bytes.size(); ++number) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    const std::string where = path.string() + ", line " + std::to_string(number);
    rows.push_back(question_row(std::string_view(bytes).substr(start, end - start), where));
    start = end + 1;
  }
  if (rows.empty()) fail(path.string(), ": is empty, expected a question in each line");
  return rows;
}

Encoder::Encoder(std::string path, const ModelConfig& config, const Tokenizer& tokenizer,
                 std::vector<int32_t> stops)
    : path_(std::move(path)),
      vocab_(config.vocab_size),
      tokenizer_(tokenizer),
      stops_(std::move(stops)),
      end_token_(end_token_of(tokenizer)) {}

bool Encoder::is_stop(int32_t token) const {
  return token == end_token_ || std::find(stops_.begin(), stops_.end(), token) != stops_.end();
}

std::vector<int32_t> Encoder::encode(const std::string& text, const std::string& where) const {
  std::vector<int32_t> ids = tokenizer_.encode(text, {.add_special = true, .parse_special = true});
  const auto alien = std::find_if(ids.begin(), ids.end(), [this](int32_t id) { return id >= vocab_; });
  if (alien != ids.end()) {
    fail(path_, ": its tokenizer makes the token ", *alien, " of ", where, ", expected one below ", vocab_,
         ", the vocabulary of its model");
  }
  return ids;
}

std::vector<int32_t> Encoder::text(const Text& text, bool with_end) const {
  std::vector<int32_t> ids = encode(text.text, text.where);
  if (with_end && end_token_.has_value() && *end_token_ < vocab_ &&
      (ids.empty() || ids.back() != *end_token_))
    ids.push_back(*end_token_);
  return ids;
}

Question Encoder::question(const QuestionRow& row) const {
  const bool separated = is_space(row.prompt.back()) || is_space(row.answer.front());
  // The tokenizers that end every text with a stop token do so here too; the stop is asked for beside the
  // answer.
  const auto encode_open = [&](const std::string& text) {
    std::vector<int32_t> ids = encode(text, row.where);
    while (!ids.empty() && is_stop(ids.back())) ids.pop_back();
    return ids;
  };
  const std::vector<int32_t> prompt = encode_open(row.prompt);
  Question question = {encode_open(row.prompt + (separated ? "" : " ") + row.answer), 0};
  const auto differ =
      std::mismatch(prompt.begin(), prompt.end(), question.tokens.begin(), question.tokens.end());
  question.answer = static_cast<size_t>(differ.second - question.tokens.begin());
  if (question.answer == question.tokens.size())
    fail(row.where, ": field \"answer\" adds no token to the prompt, expected the text of the right answer");
  if (question.answer == 0) {
    fail(row.where,
         ": the prompt has no token that answer and prompt together begin with, expected a prompt "
         "of at least one token");
  }
  return question;
}

}  // namespace caravan::eval
