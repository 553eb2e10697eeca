#include "cli/run_output.h"

#include "base/error.h"
#include "base/json.h"

namespace caravan::cli {

namespace {

std::string json_line(size_t index, const Prompt& prompt, const Completion& completion) {
  constexpr double kMilli = 1e3;
  const auto output = static_cast<double>(completion.token_ids.size());
  const double decode = completion.total_seconds - completion.first_token_seconds;
  Json line;
  line["index"] = index;
  if (prompt.text.has_value()) line["prompt"] = *prompt.text;
  line["prompt_token_ids"] = prompt.ids;
  line["text"] = completion.text;
  line["token_ids"] = completion.token_ids;
  line["finish_reason"] = name_of(completion.finish);
  line["timings"] = {
      {"first_token_ms", completion.first_token_seconds * kMilli},
      {"total_ms", completion.total_seconds * kMilli},
      {"ms_per_output_token", output > 1.0 ? decode * kMilli / (output - 1.0) : 0.0},
  };
  return line.dump() + "\n";
}

}  // namespace

RunOutput::RunOutput(const std::vector<Prompt>& prompts, bool json, bool answers_only, std::ostream& out)
    : prompts_(prompts), json_(json), answers_only_(answers_only), out_(out), entries_(prompts.size()) {}

void RunOutput::start() { show_heading(0); }

void RunOutput::show_heading(size_t index) {
  if (json_) return;
  if (prompts_.size() > 1) out_ << "=== prompt " << index + 1 << " of " << prompts_.size() << "\n";
  if (!answers_only_ && prompts_[index].text.has_value()) out_ << *prompts_[index].text;
  out_.flush();
}

void RunOutput::add(size_t index, const std::string& piece) {
  if (json_) return;
  entries_.at(index).held_back += piece;
  advance();
}

void RunOutput::finish(size_t index, const Completion& completion) {
  Entry& entry = entries_.at(index);
  entry.finished = true;
  if (json_) {
    entry.end = json_line(index, prompts_[index], completion);
  } else if (completion.text.empty() && !completion.token_ids.empty() && !prompts_[index].text.has_value()) {
    // No tokenizer, or nothing but special tokens: the ids are all there is to show.
    for (const int32_t id : completion.token_ids)
      entry.end += (entry.end.empty() ? "" : " ") + std::to_string(id);
    entry.end += "\n";
  } else {
    entry.end = "\n";
  }
  advance();
}

void RunOutput::advance() {
  while (current_ < entries_.size()) {
    Entry& entry = entries_[current_];
    out_ << entry.held_back;
    entry.held_back.clear();
    if (!entry.finished) break;
    out_ << entry.end;
    ++current_;
    if (current_ < entries_.size()) show_heading(current_);
  }
  out_.flush();
  if (!out_) fail("standard output: writing failed, expected it to stay open until the end");
}

}  // namespace caravan::cli
