#include "engine/beams.h"

#include <algorithm>

#include "engine/choose.h"
#include "engine/engine.h"

namespace caravan {

namespace {

std::vector<int32_t> output_with(const Sequence& sequence, int32_t token) {
  std::vector<int32_t> tokens(sequence.output().begin(), sequence.output().end());
  tokens.push_back(token);
  return tokens;
}

}  // namespace

BeamParams beam_params_of(const Group& group) {
  const Request& request = group.request;
  BeamParams params;
  params.width = request.choices;
  params.length_penalty = request.beams->length_penalty;
  params.early_stopping = request.beams->early_stopping ? EarlyStopping::kYes : EarlyStopping::kNo;
  params.max_length = group.max_length - static_cast<int64_t>(request.prompt.size());
  params.eos_tokens = request.stop_tokens;
  return params;
}

void end_beam(Sequence& sequence, bool complete) {
  sequence.candidates.emplace();
  if (!complete) return;
  const std::vector<int32_t> tokens(sequence.output().begin(), sequence.output().end());
  const auto length = std::max<int64_t>(1, static_cast<int64_t>(tokens.size()));
  const double score = beam_score(sequence.logprob, length, sequence.group->request.beams->length_penalty);
  sequence.group->ended.push_back({tokens, sequence.logprob, score, FinishReason::kStop});
}

bool all_computed(const Group& group) {
  return std::all_of(group.members.begin(), group.members.end(),
                     [](const auto& member) { return member->candidates.has_value(); });
}

BeamChoice choose_next(Group& group, int64_t length) {
  const BeamParams params = beam_params_of(group);
  std::vector<LiveBeam> beams;
  for (const auto& member : group.members) beams.push_back({member->logprob, *member->candidates});
  std::vector<double> scores;
  for (const Beam& beam : group.ended) scores.push_back(beam.score);
  BeamChoice choice = choose_beams(params, beams, length, scores);
  const auto end = [&group](const BeamExtension& extension, double score, FinishReason reason) {
    group.ended.push_back({output_with(*group.members.at(extension.parent), extension.token),
                           extension.cumulative, score, reason});
  };
  for (const FinishedBeam& finished : choice.finished)
    end(finished.extension, finished.score, FinishReason::kStop);
  if (length >= params.max_length) {
    for (const BeamExtension& extension : choice.live)
      end(extension, beam_score(extension.cumulative, length, params.length_penalty), FinishReason::kLength);
    choice.live.clear();
  }
  return choice;
}

StepResult result_of_search(const Group& group) {
  StepResult result;
  result.id = group.id;
  result.beams = group.ended;
  std::stable_sort(result.beams.begin(), result.beams.end(),
                   [](const Beam& a, const Beam& b) { return a.score > b.score; });
  const auto wanted = static_cast<size_t>(group.request.choices);
  if (result.beams.size() > wanted) result.beams.resize(wanted);
  result.finish = result.beams.empty() ? FinishReason::kDeadEnd : result.beams.front().finish;
  return result;
}

void Engine::continue_beams(Group& group, std::span<const BeamExtension> live) {
  std::vector<Sequence*> parents;
  for (const auto& member : group.members) parents.push_back(member.get());
  // Blocks of what ends are free for what forks.
  std::vector<bool> goes_on(parents.size(), false);
  for (const BeamExtension& extension : live) goes_on[extension.parent] = true;
  for (size_t i = 0; i < parents.size(); ++i) {
    if (!goes_on[i]) remove(*parents[i]);
  }
  // Copies are made before any token is added.
  std::vector<bool> used(parents.size(), false);
  std::vector<Sequence*> next;
  for (const BeamExtension& extension : live) {
    Sequence& parent = *parents[extension.parent];
    parent.places = 1;
    next.push_back(used[extension.parent] ? &fork(parent) : &parent);
    used[extension.parent] = true;
  }
  for (size_t i = 0; i < live.size(); ++i) {
    Sequence& sequence = *next[i];
    sequence.tokens.push_back(live[i].token);
    sequence.logprob = live[i].cumulative;
    sequence.candidates.reset();
    sequence.dead_end = !guide_takes(sequence, live[i].token);
  }
}

void Engine::advance_beams(SequenceId id, std::vector<StepResult>& results) {
  Group& group = *groups_.at(id);
  if (!all_computed(group)) return;
  const auto length = static_cast<int64_t>(group.members.front()->output().size()) + 1;
  const BeamChoice choice = choose_next(group, length);
  if (!choice.done && !choice.live.empty()) {
    continue_beams(group, choice.live);
    return;
  }
  results.push_back(result_of_search(group));
  cancel(id);
}

}  // namespace caravan
