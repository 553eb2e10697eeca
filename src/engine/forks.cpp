// A sequence becomes several: for the choices of a request, and for beams.
#include "engine/engine.h"

namespace caravan {

Sequence& Engine::fork(const Sequence& parent) {
  Group& group = *parent.group;
  auto child = std::make_unique<Sequence>(parent);
  child->id = group.next_member_id();
  child->blocks = {};
  const std::optional<BlockCopy> copy = scheduler_.fork(parent, child.get());
  if (copy.has_value()) cache_.copy_block(copy->from, copy->to);
  group.members.push_back(std::move(child));
  return *group.members.back();
}

void Engine::fork_choices(std::vector<Choice>& choices) {
  const size_t computed = choices.size();
  for (size_t i = 0; i < computed; ++i) {
    Sequence& first = *choices[i].sequence;
    Group& group = *first.group;
    if (group.forked || group.request.beams.has_value()) continue;
    group.forked = true;
    first.places = 1;
    for (int64_t choice = 1; choice < group.request.choices; ++choice) {
      Sequence& other = fork(first);
      other.choice = choice;
      SamplingParams sampling = group.request.sampling;
      sampling.seed += static_cast<uint64_t>(choice);
      other.sampler = Sampler(sampling);
      StepResult result;
      result.id = group.id;
      result.choice = choice;
      choices.push_back({&other, choices[i].logits, std::move(result)});
    }
  }
}

}  // namespace caravan
