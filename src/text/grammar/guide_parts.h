// What a compiled guide consists of, for the matcher and compile_guide only.
// Thread safety: `pool` and `masks` only under `mutex`; the rest is constant.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "text/grammar/guide.h"
#include "text/grammar/program.h"
#include "text/grammar/state_pool.h"

namespace caravan {

struct CompiledGuide::Parts {
  Parts(grammar::Program compiled, std::shared_ptr<const TokenTrie> vocabulary)
      : program(std::move(compiled)),
        trie(std::move(vocabulary)),
        pool(std::make_shared<grammar::StatePool>(program, trie->max_depth())) {}

  const grammar::Program program;
  const std::shared_ptr<const TokenTrie> trie;
  std::mutex mutex;
  /// Replaced by an empty one when it is full; matchers keep theirs until they move over.
  std::shared_ptr<grammar::StatePool> pool;
  /// By state of `pool` that stands for those alike: which tokens may come next.
  std::unordered_map<uint32_t, std::vector<uint64_t>> masks;
};

}  // namespace caravan
