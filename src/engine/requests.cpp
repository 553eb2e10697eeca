// Requests come and go: what the engine takes, how it queues it, and how it lets go of it.
#include <algorithm>

#include "base/error.h"
#include "engine/engine.h"
#include "models/rope.h"

namespace caravan {

namespace {

/// A scored prompt needs logits of all its rows, which take far more memory than the rest of a step.
constexpr int64_t kScoredRows = 256;

}  // namespace

int64_t Engine::max_length() const {
  return std::min(
      {model_.config.max_position, options_.max_sequence_length, kv_shape_.blocks * kv_shape_.block_size});
}

void Engine::check(const Request& request) const {
  const auto length = static_cast<int64_t>(request.prompt.size());
  const int64_t limit = max_length();
  if (length == 0) fail("the prompt is empty: expected at least one token");
  if (length >= limit) {
    fail("the prompt has ", length, " tokens, expected at most ", limit - 1, ": the context holds ", limit,
         " tokens, prompt and output together");
  }
  for (const int32_t token : request.prompt) {
    if (token < 0 || token >= model_.config.vocab_size) {
      fail("the prompt holds token id ", token, ", expected 0 to ", model_.config.vocab_size - 1);
    }
  }
  if (request.choices > options_.max_sequences) {
    fail("the request asks for ", request.choices, " choices, expected at most ", options_.max_sequences,
         ": so many sequences run together");
  }
  // Beams wait for one another, so all must fit at once.
  if (!request.beams.has_value()) return;
  const int64_t longest = std::min(limit, length + request.max_output);
  const int64_t blocks = kv_shape_.blocks_for(longest) * request.choices;
  if (blocks > kv_shape_.blocks) {
    fail(request.choices, " beams of up to ", longest, " tokens need ", blocks,
         " blocks of the KV cache, expected at most ", kv_shape_.blocks);
  }
}

SequenceId Engine::add(Request request) {
  check(request);
  CARAVAN_CHECK(request.max_output >= 0 && request.choices >= 1);
  auto group = std::make_unique<Group>();
  group->id = next_id_++;
  group->request = std::move(request);
  const Request& asked = group->request;
  const auto length = static_cast<int64_t>(asked.prompt.size());
  group->max_length = std::min(max_length(), length + asked.max_output);

  auto sequence = std::make_unique<Sequence>(group.get(), asked);
  sequence->id = group->next_member_id();
  sequence->client = asked.client;
  sequence->priority = asked.priority;
  sequence->places = asked.choices;
  sequence->tokens = asked.prompt;
  sequence->prompt_length = length;
  sequence->max_length = group->max_length;
  sequence->one_by_one = depends_on_length(model_.config.rope);
  // Whoever wants something of every row must compute every row.
  const bool scored = asked.keep_logits || asked.prompt_logprobs.has_value();
  sequence->may_adopt = !scored && !asked.embed;
  if (scored) sequence->max_rows = kScoredRows;
  if (asked.guide != nullptr) sequence->matcher.emplace(asked.guide, asked.stop_tokens);
  scheduler_.add(sequence.get());
  group->members.push_back(std::move(sequence));
  const SequenceId id = group->id;
  groups_.emplace(id, std::move(group));
  return id;
}

void Engine::cancel(SequenceId id) {
  const auto found = groups_.find(id);
  if (found == groups_.end()) return;
  for (const auto& member : found->second->members) scheduler_.remove(member.get());
  groups_.erase(found);
}

void Engine::cancel(SequenceId id, int64_t choice) {
  const auto found = groups_.find(id);
  if (found == groups_.end()) return;
  const auto& members = found->second->members;
  const auto member = std::find_if(members.begin(), members.end(),
                                   [choice](const auto& other) { return other->choice == choice; });
  if (member != members.end()) remove(**member);
}

void Engine::remove(Sequence& sequence) {
  Group& group = *sequence.group;
  scheduler_.remove(&sequence);
  std::erase_if(group.members, [&sequence](const auto& member) { return member.get() == &sequence; });
  if (group.members.empty()) groups_.erase(group.id);
}

}  // namespace caravan
