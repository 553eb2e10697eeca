// What must be known of a server before it is loaded.
// Thread safety: one thread.
#pragma once

#include "cli/load/plan.h"

namespace caravan::load {

/// Asks the server what `plan` does not say: its model (/v1/models), and for prompts of token ids the size of
/// its vocabulary (/tokenizer_info). Throws Error where the server cannot be reached, refuses, has several
/// models, or does not say.
void complete_plan(LoadPlan& plan);

}  // namespace caravan::load
