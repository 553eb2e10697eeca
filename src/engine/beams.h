// The beams of a request's group, beside the sequences that compute them.
// Thread safety: the engine's thread.
#pragma once

#include "engine/sequence.h"
#include "sampling/beam.h"

namespace caravan {

BeamParams beam_params_of(const Group& group);

/// A beam that can take no further token: it has no candidates, and counts among the ended if it is
/// `complete`.
void end_beam(Sequence& sequence, bool complete);

/// Whether every beam of the group is computed.
[[nodiscard]] bool all_computed(const Group& group);

/// The choice among the group's beams, whose next token is the `length`-th of the output; what ends is added
/// to group.ended.
BeamChoice choose_next(Group& group, int64_t length);

/// What the search has found: of what ended, the best.
StepResult result_of_search(const Group& group);

}  // namespace caravan
