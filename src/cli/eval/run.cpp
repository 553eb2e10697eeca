#include "cli/eval/run.h"

#include <algorithm>

#include "base/error.h"
#include "cli/eval/distribution.h"
#include "cli/eval/windows.h"

namespace caravan::eval {

namespace {

/// The checkpoints that are in memory now.
struct Group {
  std::vector<Checkpoint*> members;  ///< the baseline first
  std::vector<Engine*> engines;      ///< theirs
  bool counts_baseline = true;       ///< false where an earlier group has counted it

  void add(Checkpoint& checkpoint) {
    members.push_back(&checkpoint);
    engines.push_back(checkpoint.engine.get());
  }
  [[nodiscard]] bool counts(size_t member) const { return member != 0 || counts_baseline; }
};

void score_row(const Group& group, std::span<const std::span<const float>> rows, int32_t token,
               const std::string& language) {
  std::vector<Distribution> distributions;
  distributions.reserve(rows.size());
  for (const std::span<const float> row : rows) distributions.emplace_back(row);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!group.counts(i)) continue;
    const double nats = distributions[i].nats_of(token);
    std::map<std::string, TokenScore>& text = group.members[i]->scores.text;
    text[kAll].add(nats);
    if (!language.empty()) text[language].add(nats);
  }
  if (rows.size() == 1) return;
  const Divergence divergence(distributions.front());
  for (size_t i = 1; i < rows.size(); ++i) {
    DistanceScore& distance = group.members[i]->scores.distance;
    distance.divergence += divergence.to(distributions[i]);
    distance.agreeing += distributions[i].best() == distributions.front().best() ? 1 : 0;
    ++distance.tokens;
  }
}

/// The tokens of `text`, on which all tokenizers of the group must agree.
std::vector<int32_t> tokens_of(const Group& group, const Text& text, bool with_end) {
  std::vector<int32_t> agreed;
  for (const Checkpoint* member : group.members) {
    // A checkpoint without a tokenizer is read with the baseline's.
    if (member != group.members.front() && !member->tokenizer.has_value()) continue;
    const Encoder encoder(member->path(), member->planned.config, *member->tokenizer, member->stop_tokens);
    std::vector<int32_t> tokens = encoder.text(text, with_end);
    if (member == group.members.front()) {
      agreed = std::move(tokens);
    } else if (tokens != agreed) {
      fail(member->path(), ": its tokenizer makes other tokens of ", text.where,
           " than that of the baseline ", group.members.front()->path(),
           ", expected checkpoints of one tokenizer");
    }
  }
  return agreed;
}

TextExtent score_texts(const Group& group, const EvalWork& work, const EvalProgress& progress) {
  TextExtent extent;
  work.text->rewind();
  while (extent.windows < work.window_limit) {
    const std::optional<Text> text = work.text->next();
    if (!text.has_value()) break;
    ++extent.texts;
    const std::vector<int32_t> tokens = tokens_of(group, *text, work.with_end);
    const auto windows = windows_of(static_cast<int64_t>(tokens.size()), work.max_length, work.stride);
    for (size_t i = 0; i < windows.size() && extent.windows < work.window_limit; ++i, ++extent.windows) {
      const Window& window = windows[i];
      progress("text " + std::to_string(extent.texts) + " of " + std::to_string(work.text->count()) +
               ", window " + std::to_string(i + 1) + " of " + std::to_string(windows.size()));
      const auto begin = static_cast<size_t>(window.begin);
      // Nothing is asked of the row after a window's last token.
      const auto read = static_cast<size_t>(window.end - window.begin - 1);
      run_rows(group.engines, std::span(tokens).subspan(begin, read),
               [&](size_t position, std::span<const std::span<const float>> rows) {
                 const size_t next = begin + position + 1;
                 if (next >= static_cast<size_t>(window.first_scored))
                   score_row(group, rows, tokens[next], text->language);
               });
    }
  }
  if (group.members.front()->scores.text.empty())
    fail(work.text->path().string(), ": holds no token that another one comes before, expected a text");
  return extent;
}

bool is_right(Checkpoint& checkpoint, const Question& question) {
  bool right = true;
  Engine* const engine = checkpoint.engine.get();
  run_rows({&engine, 1}, question.tokens, [&](size_t position, std::span<const std::span<const float>> rows) {
    if (position + 1 < question.answer) return;
    const int32_t best = Distribution(rows.front()).best();
    const std::vector<int32_t>& stops = checkpoint.stop_tokens;
    const bool is_end = position + 1 == question.tokens.size();
    right = right && (is_end ? std::find(stops.begin(), stops.end(), best) != stops.end()
                             : best == question.tokens[position + 1]);
  });
  return right;
}

void score_questions(const Group& group, const EvalWork& work, const EvalProgress& progress) {
  for (size_t i = 0; i < group.members.size(); ++i) {
    if (!group.counts(i)) continue;
    Checkpoint& checkpoint = *group.members[i];
    for (size_t q = 0; q < work.questions.size(); ++q) {
      progress(checkpoint.path() + ": question " + std::to_string(q + 1) + " of " +
               std::to_string(work.questions.size()));
      const bool right = is_right(checkpoint, work.questions[q]);
      auto& scores = checkpoint.scores.questions;
      const QuestionRow& row = work.rows[q];
      scores[kAll][kAll].add(right);
      if (!row.language.empty()) scores[row.language][kAll].add(right);
      if (!row.kind.empty()) scores[row.language.empty() ? kAll : row.language][row.kind].add(right);
    }
  }
}

/// Tokens of the longest sequence, with room for one token more, as engines want it.
int64_t longest_of(const EvalWork& work) {
  int64_t longest = work.text == nullptr ? 0 : work.max_length;
  for (const Question& question : work.questions)
    longest = std::max(longest, static_cast<int64_t>(question.tokens.size()) + 1);
  return longest;
}

}  // namespace

void run_rows(std::span<Engine* const> engines, std::span<const int32_t> tokens, const RowsTaker& take) {
  Request request;
  request.prompt.assign(tokens.begin(), tokens.end());
  request.keep_logits = true;
  for (Engine* engine : engines) engine->add(request);
  const auto vocab = static_cast<size_t>(engines.front()->config().vocab_size);
  std::vector<std::span<const float>> parts(engines.size());
  std::vector<std::span<const float>> rows(engines.size());
  for (size_t position = 0; position < tokens.size();) {
    for (size_t i = 0; i < engines.size(); ++i) {
      const std::vector<StepResult> results = engines[i]->step();
      CARAVAN_CHECK_EQ(results.size(), 1U);
      parts[i] = results.front().logits;
      CARAVAN_CHECK_EQ(parts[i].size(), parts.front().size());
    }
    CARAVAN_CHECK(parts.front().size() >= vocab && parts.front().size() % vocab == 0);
    for (size_t row = 0; row < parts.front().size() / vocab; ++row, ++position) {
      for (size_t i = 0; i < engines.size(); ++i) rows[i] = parts[i].subspan(row * vocab, vocab);
      take(position, rows);
    }
  }
}

TextExtent evaluate(std::vector<Checkpoint>& checkpoints, size_t baseline, const EvalWork& work,
                    const EvalProgress& progress) {
  const int64_t longest = longest_of(work);
  TextExtent extent;
  Checkpoint& first = checkpoints.at(baseline);
  progress("loading " + first.path());
  load(first, longest, work.free_memory());
  std::vector<Checkpoint*> others;
  for (Checkpoint& each : checkpoints) {
    if (&each != &first) others.push_back(&each);
  }
  size_t next = 0;
  do {
    Group group;
    group.add(first);
    group.counts_baseline = next == 0;
    for (bool fits = true; fits && next < others.size();) {
      progress("loading " + others[next]->path());
      if (group.members.size() == 1) {
        load(*others[next], longest, work.free_memory());
      } else {
        fits = load_if_fits(*others[next], longest, work.free_memory());
      }
      if (fits) group.add(*others[next++]);
    }
    if (work.text != nullptr) extent = score_texts(group, work, progress);
    score_questions(group, work, progress);
    for (size_t i = 1; i < group.members.size(); ++i) group.members[i]->engine.reset();
  } while (next < others.size());
  first.engine.reset();
  return extent;
}

}  // namespace caravan::eval
