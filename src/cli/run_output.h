// What `caravan run` prints of its prompts: the text as it comes, or one JSON object each.
//
// Prompts appear in their order: the first that is not finished streams, later ones are held back until it is
// their turn. Thread safety: one thread.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/prompts.h"
#include "engine/generator.h"

namespace caravan::cli {

class RunOutput {
 public:
  /// Without `answers_only` a text begins with its prompt, as the reference implementation's does.
  RunOutput(const std::vector<Prompt>& prompts, bool json, bool answers_only, std::ostream& out);

  /// Shows the first prompt. Call it when nothing can be refused any more.
  void start();
  void add(size_t index, const std::string& piece);
  void finish(size_t index, const Completion& completion);

 private:
  struct Entry {
    std::string held_back;
    std::string end;  ///< what follows the text once it is finished: the JSON object, or a line end
    bool finished = false;
  };

  void show_heading(size_t index);
  /// Prints all that may be printed by now.
  void advance();

  const std::vector<Prompt>& prompts_;
  bool json_;
  bool answers_only_;
  std::ostream& out_;
  std::vector<Entry> entries_;
  size_t current_ = 0;
};

}  // namespace caravan::cli
