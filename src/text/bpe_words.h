// Encodes a segment word by word, remembering words that it has met: texts repeat themselves.
// Thread safety: the returned function belongs to one thread at a time.
#pragma once

#include <vector>

#include "text/bpe.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"

namespace caravan {

/// Cuts a segment by `cuts` and merges each word by `model`.
EncodeSegment bpe_words(BpeModel model, std::vector<Cut> cuts);

}  // namespace caravan
