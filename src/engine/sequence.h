// The engine's own view of what it runs: a group is a request, its members are the sequences that continue
// the one prompt. Thread safety: the engine's thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "engine/request.h"
#include "scheduler/scheduler.h"
#include "text/grammar/matcher.h"

namespace caravan {

struct Group;

struct Sequence : ScheduledSequence {
  Sequence(Group* owner, const Request& request) : group(owner), sampler(request.sampling) {}

  Group* group;
  int64_t choice = 0;
  Sampler sampler;
  std::optional<GrammarMatcher> matcher;
  GuideCost counted;                    ///< of what the matcher has cost, what the figures have
  bool dead_end = false;                ///< its guide cannot take the text any further
  std::vector<uint64_t> mask;           ///< [ceil(vocab / 64)]: the tokens allowed next, where not all are
  std::vector<float> rope_frequencies;  ///< [head_dim / 2], of the step in progress
  int64_t reported = 0;  ///< positions whose logits were reported; computing them again reports none
  double logprob = 0.0;  ///< of a beam's output
  std::optional<std::vector<TokenLogprob>> candidates;  ///< of a beam that is computed: how it may go on

  [[nodiscard]] std::span<const int32_t> output() const {
    return std::span(tokens).subspan(static_cast<size_t>(prompt_length));
  }
};

[[nodiscard]] inline Sequence& sequence_of(const StepPart& part) {
  return static_cast<Sequence&>(*part.sequence);
}

/// Members of a request, over its whole life: those of 20 beams that fork at each of 2^19 tokens.
constexpr int64_t kMaxMembers = int64_t{1} << 24U;

struct Group {
  SequenceId id = 0;
  Request request;
  int64_t max_length = 0;  ///< of prompt and output together
  bool forked = false;     ///< all choices exist
  int64_t made = 0;        ///< members so far, for their ids
  std::vector<std::unique_ptr<Sequence>> members;
  std::vector<Beam> ended;         ///< beams
  std::vector<double> hidden_sum;  ///< [hidden], of an embedding

  /// Greater than those of all members before, and of all groups before.
  [[nodiscard]] int64_t next_member_id() {
    CARAVAN_CHECK(made < kMaxMembers);
    return id * kMaxMembers + made++;
  }
};

}  // namespace caravan
