// The bodies of requests, from what a workload says of them.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/load/plan.h"
#include "cli/load/workload.h"

namespace caravan::load {

/// Token ids from 0 to `vocab_size` - 1, each as likely.
std::vector<int64_t> prompt_tokens(const std::vector<PromptPiece>& prompt, uint64_t seed, int64_t vocab_size);

/// As many common English words as `prompt` has tokens, with a blank between them: for most vocabularies
/// about a token each.
std::string prompt_text(const std::vector<PromptPiece>& prompt, uint64_t seed);

/// The JSON that asks for `item`, as a stream with its usage. `plan.model` must be known, and
/// `plan.vocab_size` too unless the prompts are words.
std::string request_body(const LoadPlan& plan, const WorkItem& item);

}  // namespace caravan::load
