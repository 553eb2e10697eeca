// Made-up weights, for timing a model whose weights nobody has (`--load-format dummy`), on every core.
// Thread safety: pure functions, which join the threads that they start.
#pragma once

#include <string>

#include "tensor/view.h"

namespace caravan {

/// Draws `target`, of any floating dtype: the same values for the same name, up to the dtype's rounding, on
/// any machine and any number of threads. Norms are 1, biases 0, the rest uniform with standard deviation
/// 0.02.
void draw_dummy_weight(const std::string& name, const TensorView& target);

}  // namespace caravan
