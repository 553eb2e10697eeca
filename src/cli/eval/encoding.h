// From texts and questions to tokens, by a checkpoint's own tokenizer.
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/eval/texts.h"
#include "models/config.h"
#include "text/tokenizer.h"

namespace caravan::eval {

/// A question as its file has it.
struct QuestionRow {
  std::string prompt;
  std::string answer;
  std::string kind;      ///< the row's "kind"; empty where it has none
  std::string language;  ///< and its "language"
  std::string where;     ///< for messages: "questions.jsonl, line 3"
};

/// A row of JSON Lines. Throws Error, beginning with `where`, on what is none.
QuestionRow question_row(std::string_view line, const std::string& where);

/// All questions of a JSON Lines file, in order. Throws Error on what is no question, naming the line.
std::vector<QuestionRow> read_questions(const std::filesystem::path& path);

struct Question {
  std::vector<int32_t> tokens;  ///< prompt and answer
  size_t answer = 0;            ///< where the answer begins; at least 1, and below the size
};

class Encoder {
 public:
  /// For the checkpoint that `path` names, with its tokenizer, which must outlive it. `stops` are the tokens
  /// at which its texts end.
  Encoder(std::string path, const ModelConfig& config, const Tokenizer& tokenizer,
          std::vector<int32_t> stops);

  /// The token that the tokenizer's own settings name as the end of a text, or nothing.
  [[nodiscard]] std::optional<int32_t> end_token() const { return end_token_; }

  /// The text with what the tokenizer puts around it, and with the end token where `with_end` asks for it
  /// (not twice, if the tokenizer puts one there itself). Throws Error on a token that the model does not
  /// have.
  [[nodiscard]] std::vector<int32_t> text(const Text& text, bool with_end) const;
  /// The prompt, a space where neither it nor the answer has one, and the answer. The answer's tokens are
  /// those from the first on that the prompt alone does not have there, because a tokenizer may merge across
  /// the border. Throws Error on a token that the model does not have, and on an answer without tokens.
  [[nodiscard]] Question question(const QuestionRow& row) const;

 private:
  [[nodiscard]] std::vector<int32_t> encode(const std::string& text, const std::string& where) const;
  [[nodiscard]] bool is_stop(int32_t token) const;

  std::string path_;
  int64_t vocab_;
  const Tokenizer& tokenizer_;
  std::vector<int32_t> stops_;
  std::optional<int32_t> end_token_;
};

}  // namespace caravan::eval
